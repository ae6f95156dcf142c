/* Fuzzes entries of a stranger's log, and drafts whose raw JSON parts are the input: what is let in
 * must be read back as what was meant. Links record_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/log_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_parse(const uint8_t *data, size_t size)
{
    struct stint_log_entry entry;
    struct stint_error err = { 0 };
    int r = stint_log_entry_parse(data, size, &entry, &err);
    if (r != 0 && err.text[0] == '\0')
        abort(); /* a refusal that says nothing */
    if (r == 0 && entry.prev >= 0 && (uint64_t)entry.prev >= entry.seq)
        abort();
}

/* @part as subject and as reason: whatever it holds, the entry's own fields stay ours. */
static void fuzz_write(const char *part)
{
    struct stint_log_draft draft = {
        .type = "quota.set", .role = part, .subject = part, .reason = part, .prev = 3
    };
    struct stint_buffer buffer = { 0 };
    struct stint_log_entry entry;
    if (stint_log_entry_write(&draft, 7, INT64_C(1795600000000), NULL, &buffer, NULL) == 0) {
        if (stint_log_entry_parse(buffer.data, buffer.length, &entry, NULL) != 0 ||
            entry.seq != 7 || entry.prev != 3 || strcmp(entry.type, "quota.set") != 0)
            abort();
    }
    stint_buffer_deinit(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_parse(data, size);
    char *part = strndup((const char *)data, size);
    if (part)
        fuzz_write(part);
    free(part);
    return 0;
}
