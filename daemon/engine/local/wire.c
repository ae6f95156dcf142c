/* Owns: the bytes of messages, bodies and exit records. No call here allocates, or touches anything
 * but its arguments: the launcher links it, and a fuzzer feeds it. */
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define STRING_COUNT_FIXED 3 /* workdir, stdout, stderr */

_Static_assert(sizeof(struct wire_record) == WIRE_RECORD_BYTES, "the record has a fixed size");
_Static_assert(sizeof(struct wire_body_head) % 8 == 0, "arrays after the head stay aligned");

char *wire_decimal(char *text, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        *text++ = digits[--count];
    *text = '\0';
    return text;
}

char *wire_run_name(struct stint_run_key key, char *text)
{
    char *end = wire_decimal(text, key.job);
    *end++ = '_';
    end = wire_decimal(end, key.task);
    *end++ = '.';
    wire_decimal(end, key.attempt);
    return text;
}

char *wire_job_name(struct stint_run_key key, char *text)
{
    char *end = wire_decimal(text, key.job);
    if (key.task) {
        *end++ = '_';
        wire_decimal(end, key.task);
    }
    return text;
}

static bool number_read(const char **text, uint64_t max, char stop, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *at = *text;
    if (*at == '0' && at[1] >= '0' && at[1] <= '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (max - (uint64_t)(*at - '0')) / 10)
            return false;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (at == *text || *at != stop)
        return false;
    *text = stop ? at + 1 : at;
    *ret_value = value;
    return true;
}

bool wire_key_read(const char *text, struct stint_run_key *ret_key)
{
    uint64_t job = 0;
    uint64_t task = 0;
    uint64_t attempt = 0;
    if (!number_read(&text, INT64_MAX, '_', &job) || !number_read(&text, UINT32_MAX, '.', &task) ||
        !number_read(&text, UINT32_MAX, '\0', &attempt) || job == 0 || attempt == 0)
        return false;
    *ret_key = (struct stint_run_key){ job, (uint32_t)task, (uint32_t)attempt };
    return true;
}

void wire_message_init(struct wire_message *message, enum wire_kind kind, struct stint_run_key key)
{
    memset(message, 0, sizeof(*message));
    message->magic = WIRE_MAGIC;
    message->version = WIRE_VERSION;
    message->kind = (uint16_t)kind;
    message->job = key.job;
    message->task = key.task;
    message->attempt = key.attempt;
}

struct stint_run_key wire_message_key(const struct wire_message *message)
{
    return (struct stint_run_key){ message->job, message->task, message->attempt };
}

static bool kind_has_key(uint16_t kind)
{
    return kind != WIRE_TOOL && kind != WIRE_TOOL_ENDED && kind != WIRE_HELLO;
}

int wire_message_check(struct wire_message *message, size_t length)
{
    if (length != sizeof(*message) || message->magic != WIRE_MAGIC ||
        message->version != WIRE_VERSION || message->kind == WIRE_NO_KIND ||
        message->kind >= WIRE_KIND_COUNT)
        return -EPROTO;
    if (kind_has_key(message->kind) &&
        (message->job == 0 || message->job > INT64_MAX || message->attempt == 0))
        return -EPROTO;
    message->text[sizeof(message->text) - 1] = '\0';
    return 0;
}

/* The strings of a body, one after another. */
struct string_reader {
    char *at;
    char *end;
};

static char *string_next(struct string_reader *reader)
{
    char *text = reader->at;
    char *nul = memchr(text, '\0', (size_t)(reader->end - text));
    if (!nul)
        return NULL;
    reader->at = nul + 1;
    return text;
}

static char *path_next(struct string_reader *reader)
{
    char *text = string_next(reader);
    if (!text || (*text != '\0' && *text != '/') ||
        (size_t)(reader->at - text) > STINT_RUN_PATH_MAX)
        return NULL;
    return text;
}

static int head_check(const struct wire_body_head *head, size_t length)
{
    if (head->magic != WIRE_MAGIC || head->length != length || (head->flags & ~WIRE_BODY_FLAGS) ||
        head->umask > 0777 || head->early_signal > 64)
        return -EPROTO;
    if (head->group_count > STINT_RUN_GROUP_MAX || head->core_count > STINT_RUN_CORE_MAX ||
        head->argument_count > STINT_RUN_ARGUMENT_MAX || head->env_count > STINT_RUN_ENV_MAX)
        return -E2BIG;
    if (!(head->flags & WIRE_BODY_HAS_SCRIPT) && head->script_length)
        return -EPROTO;
    uint64_t whole = sizeof(*head) + 4 * ((uint64_t)head->group_count + head->core_count) +
                     (uint64_t)head->strings_length + head->script_length;
    return whole == length ? 0 : -EPROTO;
}

int wire_body_read(const void *bytes, size_t length, struct wire_body *body)
{
    const struct wire_body_head *head = bytes;
    if (length < sizeof(*head) || length > STINT_RUN_BODY_MAX)
        return -EPROTO;
    int r = head_check(head, length);
    if (r != 0)
        return r;
    body->head = head;
    body->groups = (const uint32_t *)(head + 1);
    body->cores = body->groups + head->group_count;
    /* execve() takes char *const[]; nobody writes through these, the mapping is read-only. */
    union {
        const uint32_t *from;
        char *to;
    } strings = { .from = body->cores + head->core_count };
    struct string_reader reader = { strings.to, strings.to + head->strings_length };
    body->script = (head->flags & WIRE_BODY_HAS_SCRIPT) ? reader.end : NULL;
    if (!(body->workdir = path_next(&reader)) || !(body->stdout_path = path_next(&reader)) ||
        !(body->stderr_path = path_next(&reader)))
        return -EPROTO;
    body->argv[0] = NULL;
    for (uint32_t i = 0; i < head->argument_count; i++)
        if (!(body->argv[i + 1] = string_next(&reader)))
            return -EPROTO;
    body->argv[head->argument_count + 1] = NULL;
    for (uint32_t i = 0; i < head->env_count; i++)
        if (!(body->env[i] = string_next(&reader)) || !strchr(body->env[i], '='))
            return -EPROTO;
    body->env[head->env_count] = NULL;
    return reader.at == reader.end ? 0 : -EPROTO;
}

static bool strings_measure(const char *const *strings, size_t max, uint32_t *ret_count,
                            size_t *length)
{
    size_t count = 0;
    for (; strings && strings[count]; count++) {
        if (count == max || *length > STINT_RUN_BODY_MAX)
            return false;
        *length += strlen(strings[count]) + 1;
    }
    *ret_count = (uint32_t)count;
    return *length <= STINT_RUN_BODY_MAX;
}

static bool path_measure(const char *path, size_t *length)
{
    size_t bytes = path ? strlen(path) + 1 : 1;
    if (bytes > STINT_RUN_PATH_MAX || (path && *path && *path != '/'))
        return false;
    *length += bytes;
    return true;
}

size_t wire_body_measure(struct wire_body_source *source)
{
    struct wire_body_head *head = &source->head;
    size_t length = 0;
    if (head->group_count > STINT_RUN_GROUP_MAX || head->core_count > STINT_RUN_CORE_MAX ||
        head->script_length > STINT_RUN_BODY_MAX)
        return 0;
    if (!path_measure(source->workdir, &length) || !path_measure(source->stdout_path, &length) ||
        !path_measure(source->stderr_path, &length) ||
        !strings_measure(source->argv, STINT_RUN_ARGUMENT_MAX, &head->argument_count, &length) ||
        !strings_measure(source->env, STINT_RUN_ENV_MAX, &head->env_count, &length))
        return 0;
    head->magic = WIRE_MAGIC;
    head->strings_length = (uint32_t)length;
    length += sizeof(*head) + 4 * ((size_t)head->group_count + head->core_count);
    length += head->script_length;
    head->length = (uint32_t)length;
    return length <= STINT_RUN_BODY_MAX ? length : 0;
}

static char *bytes_put(char *at, const void *bytes, size_t length)
{
    if (length)
        memcpy(at, bytes, length);
    return at + length;
}

static char *string_put(char *at, const char *text)
{
    return text ? bytes_put(at, text, strlen(text) + 1) : bytes_put(at, "", 1);
}

void wire_body_write(const struct wire_body_source *source, void *bytes)
{
    const struct wire_body_head *head = &source->head;
    char *at = bytes_put(bytes, head, sizeof(*head));
    at = bytes_put(at, source->groups, 4 * (size_t)head->group_count);
    at = bytes_put(at, source->cores, 4 * (size_t)head->core_count);
    at = string_put(at, source->workdir);
    at = string_put(at, source->stdout_path);
    at = string_put(at, source->stderr_path);
    for (uint32_t i = 0; i < head->argument_count; i++)
        at = string_put(at, source->argv[i]);
    for (uint32_t i = 0; i < head->env_count; i++)
        at = string_put(at, source->env[i]);
    bytes_put(at, source->script, head->script_length);
}

static uint64_t record_checksum(const struct wire_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(*record); i++) {
        bool own =
            i >= offsetof(struct wire_record, checksum) && i < offsetof(struct wire_record, job);
        hash = (hash ^ (own ? 0 : bytes[i])) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void wire_record_seal(struct wire_record *record)
{
    record->magic = WIRE_RECORD_MAGIC;
    record->version = WIRE_VERSION;
    record->checksum = record_checksum(record);
}

int wire_record_check(const struct wire_record *record, size_t length, struct stint_run_key key)
{
    if (length != sizeof(*record) || record->magic != WIRE_RECORD_MAGIC ||
        record->version != WIRE_VERSION || record->checksum != record_checksum(record))
        return -EBADMSG;
    if (record->state < WIRE_RECORD_STARTED || record->state > WIRE_RECORD_LOST ||
        record->job != key.job || record->task != key.task || record->attempt != key.attempt ||
        record->supervisor <= 0 || record->boot_id[WIRE_BOOT_ID_BYTES - 1] ||
        record->text[STINT_RUN_TEXT_MAX - 1])
        return -EBADMSG;
    return 0;
}

uint64_t wire_stat_ticks(const char *stat, size_t length)
{
    const char *at = memrchr(stat, ')', length); /* the name may hold blanks and brackets */
    const char *end = stat + length;
    for (int field = 2; at && field < 22; field++) {
        at = memchr(at, ' ', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    uint64_t ticks = 0;
    for (; at && at < end && *at >= '0' && *at <= '9'; at++)
        ticks = ticks * 10 + (uint64_t)(*at - '0');
    return ticks;
}
