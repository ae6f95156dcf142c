/* The launcher's readers: a message, the body of a start, an exit record, /proc/PID/stat. One byte
 * chooses which; the rest is theirs, in a block of exactly its size, so that a read beyond it is
 * seen. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire_body body;

static void body_feed(void *bytes, size_t length)
{
    if (wire_body_read(bytes, length, &body) != 0)
        return;
    /* What was accepted can be walked to its end. */
    size_t total = strlen(body.workdir) + strlen(body.stdout_path) + strlen(body.stderr_path);
    for (size_t i = 1; body.argv[i]; i++)
        total += strlen(body.argv[i]);
    for (size_t i = 0; body.env[i]; i++)
        total += strlen(body.env[i]);
    for (uint32_t i = 0; i < body.head->group_count; i++)
        total += body.groups[i] & 1;
    for (uint32_t i = 0; i < body.head->core_count; i++)
        total += body.cores[i] & 1;
    for (uint32_t i = 0; i < body.head->script_length; i++)
        total += (unsigned char)body.script[i] & 1;
    if (total > (size_t)STINT_RUN_BODY_MAX * 2)
        abort();
}

static void message_feed(const void *bytes, size_t length)
{
    struct wire_message message;
    char name[STINT_RUN_KEY_TEXT];
    struct stint_run_key key;
    memset(&message, 0, sizeof(message));
    memcpy(&message, bytes, length < sizeof(message) ? length : sizeof(message));
    if (wire_message_check(&message, length) == 0 && message.job && message.job <= INT64_MAX &&
        !wire_key_read(wire_run_name(wire_message_key(&message), name), &key) && message.attempt)
        abort();
}

static void record_feed(const void *bytes, size_t length)
{
    struct wire_record record;
    memset(&record, 0, sizeof(record));
    memcpy(&record, bytes, length < sizeof(record) ? length : sizeof(record));
    struct stint_run_key key = { record.job, record.task, record.attempt };
    wire_record_seal(&record);
    if (wire_record_check(&record, length, key) == 0 && strlen(record.text) >= STINT_RUN_TEXT_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t length = size - 1;
    void *exact = malloc(length ? length : 1);
    if (!exact)
        return 0;
    memcpy(exact, data + 1, length);
    switch (data[0] % 4) {
    case 0:
        body_feed(exact, length);
        break;
    case 1:
        message_feed(exact, length);
        break;
    case 2:
        record_feed(exact, length);
        break;
    default:
        (void)wire_stat_ticks(exact, length);
        break;
    }
    free(exact);
    return 0;
}
