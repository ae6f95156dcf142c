/* Owns: the bytes of entries. What is written here is hashed as it is, so nothing may be accepted
 * that a reader could understand in two ways: raw JSON parts are parsed before they are let in. */
#include "stint/log_entry.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base64.h"
#include "stint/auto.h"
#include "stint/measure.h"

/* "award.change": words of lower-case letters, digits and '-', joined by dots. */
static bool is_type(const char *type)
{
    size_t length = strlen(type);
    if (length == 0 || length >= STINT_LOG_TYPE_MAX || type[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = type[i];
        bool is_first = i == 0 || type[i - 1] == '.';
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_inner = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!is_letter && (is_first || !is_inner))
            return false;
    }
    return true;
}

static int check_part(const char *name, const char *json, struct stint_error *err)
{
    json_error_t error;
    if (!json)
        return 0;
    json_t *value = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    bool is_object = json_is_object(value);
    json_decref(value);
    if (is_object)
        return 0;
    return stint_fail(err, STINT_INVALID, "%s of a log entry is not a JSON object: %.100s", name,
                      value ? "another type" : error.text);
}

static int check_draft(const struct stint_log_draft *draft, uint64_t seq, struct stint_error *err)
{
    if (!is_type(draft->type))
        return stint_fail(err, STINT_INVALID, "\"%.70s\" is not a type of log entry", draft->type);
    if (draft->prev >= 0 && (uint64_t)draft->prev >= seq)
        return stint_fail(err, STINT_INVALID, "entry %llu cannot amend entry %lld",
                          (unsigned long long)seq, (long long)draft->prev);
    int r = check_part("subject", draft->subject, err);
    if (r == 0)
        r = check_part("reason.params", draft->params, err);
    if (r == 0)
        r = check_part("doc", draft->doc, err);
    return r;
}

static void write_part(struct stint_buffer *buffer, const char *key, const char *json)
{
    stint_json_key(buffer, key);
    if (json)
        stint_json_raw(buffer, json, strlen(json));
    else
        stint_json_null(buffer);
}

static void write_actor(struct stint_buffer *buffer, const char *role,
                        const struct stint_sha256 *person)
{
    stint_json_key(buffer, "actor");
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "role", role);
    if (person) {
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        base64_add(&text, person->bytes, STINT_SHA256_BYTES);
        stint_json_kv_text(buffer, "c", stint_buffer_text(&text));
        buffer->failed |= text.failed;
    }
    stint_json_object_end(buffer);
}

static void write_policy(struct stint_buffer *buffer, const struct stint_sha256 *policy)
{
    char hex[STINT_SHA256_HEX];
    char text[STINT_SHA256_HEX + 8];
    if (!policy) {
        stint_json_kv_null(buffer, "policy");
        return;
    }
    (void)snprintf(text, sizeof(text), "sha256:%s", stint_sha256_hex(policy, hex));
    stint_json_kv_text(buffer, "policy", text);
}

static void write_reason(struct stint_buffer *buffer, const struct stint_log_draft *draft)
{
    stint_json_key(buffer, "reason");
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "code", draft->code);
    write_part(buffer, "params", draft->params);
    stint_json_kv_text(buffer, "text", draft->reason);
    stint_json_object_end(buffer);
}

int stint_log_entry_write(const struct stint_log_draft *draft, uint64_t seq, int64_t at_ms,
                          const struct stint_sha256 *person, struct stint_buffer *buffer,
                          struct stint_error *err)
{
    size_t start = buffer->length;
    char time[40];
    int r = check_draft(draft, seq, err);
    if (r != 0)
        return r;
    stint_json_object(buffer);
    stint_json_kv_int(buffer, "v", STINT_LOG_ENTRY_VERSION);
    stint_json_kv_int(buffer, "seq", (int64_t)seq);
    stint_json_kv_text(buffer, "time", stint_instant_format(at_ms, time, sizeof(time)));
    stint_json_kv_text(buffer, "type", draft->type);
    write_actor(buffer, draft->role, person);
    write_part(buffer, "subject", draft->subject);
    write_policy(buffer, draft->policy);
    write_reason(buffer, draft);
    stint_json_key(buffer, "prev");
    if (draft->prev >= 0)
        stint_json_int(buffer, draft->prev);
    else
        stint_json_null(buffer);
    write_part(buffer, "doc", draft->doc);
    stint_json_object_end(buffer);
    if (buffer->failed)
        return stint_fail(err, -ENOMEM, "no memory for a log entry");
    if (buffer->length - start > STINT_LOG_ENTRY_BYTES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "a log entry of %zu bytes, at most %d",
                          buffer->length - start, STINT_LOG_ENTRY_BYTES_MAX);
    return 0;
}

/* ---- reading */

static int bad_entry(const char *why, struct stint_error *err)
{
    return stint_fail(err, STINT_UNTRUSTED, "not a log entry: %.200s", why);
}

static int read_members(const json_t *object, struct stint_log_entry *ret_entry,
                        struct stint_error *err)
{
    struct stint_log_entry entry = { .prev = -1 };
    const json_t *version = json_object_get(object, "v");
    const json_t *seq = json_object_get(object, "seq");
    const char *time = json_string_value(json_object_get(object, "time"));
    const char *type = json_string_value(json_object_get(object, "type"));
    const json_t *prev = json_object_get(object, "prev");
    if (!json_is_integer(version) || json_integer_value(version) != STINT_LOG_ENTRY_VERSION)
        return bad_entry("its version is not 1", err);
    if (!json_is_integer(seq) || json_integer_value(seq) < 0)
        return bad_entry("no seq", err);
    entry.seq = (uint64_t)json_integer_value(seq);
    if (!type || !is_type(type))
        return bad_entry("no type", err);
    (void)snprintf(entry.type, sizeof(entry.type), "%s", type);
    char again[40];
    if (!time || stint_instant_parse(time, 0, &entry.at_ms, NULL) != 0 ||
        strcmp(stint_instant_format(entry.at_ms, again, sizeof(again)), time) != 0)
        return bad_entry("no time in UTC", err);
    if (json_is_integer(prev))
        entry.prev = json_integer_value(prev);
    if ((prev && !json_is_null(prev) && entry.prev < 0) ||
        (entry.prev >= 0 && (uint64_t)entry.prev >= entry.seq))
        return bad_entry("prev is not an earlier entry", err);
    *ret_entry = entry;
    return 0;
}

int stint_log_entry_parse(const void *bytes, size_t length, struct stint_log_entry *ret_entry,
                          struct stint_error *err)
{
    json_error_t error;
    if (length > STINT_LOG_ENTRY_BYTES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "a log entry of %zu bytes, at most %d", length,
                          STINT_LOG_ENTRY_BYTES_MAX);
    if (length == 0)
        return bad_entry("it is empty", err);
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    int r = json_is_object(object) ? read_members(object, ret_entry, err)
                                   : bad_entry(object ? "no JSON object" : error.text, err);
    json_decref(object);
    return r;
}

void stint_log_commit(const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                      struct stint_sha256 *ret_commitment)
{
    struct stint_sha256_stream *stream;
    if (stint_sha256_stream_new(&stream) != 0)
        abort(); /* out of memory for a few hundred bytes */
    stint_sha256_stream_add(stream, salt, STINT_LOG_SALT_BYTES);
    stint_sha256_stream_add(stream, value, strlen(value));
    stint_sha256_stream_end(stream, ret_commitment);
}
