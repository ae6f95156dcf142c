/* Owns: Idempotency-Key (IETF httpapi draft): the same key and body give the same answer for a day,
 * another body is refused, and two at once are one and a conflict. The answer is kept in the
 * transaction of its effect. */
#include "api_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/digest.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define KEY_LENGTH_MAX 255
#define KEEP_MS        (INT64_C(24) * 3600 * 1000)
#define EXPIRE_MS      (INT64_C(600) * 1000)
#define ANSWER_MAX     ((size_t)1 << 20) /* longer answers (of huge lists) are not kept */

/* Keys in progress are those of live exchanges; there are at most as many as connections. */
struct keys {
    int64_t expired_ms;
};

int keys_new(struct keys **ret_keys)
{
    struct keys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    *ret_keys = keys;
    return 0;
}

struct keys *keys_free(struct keys *keys)
{
    free(keys);
    return NULL;
}

static bool key_is_valid(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++)
        if (key[i] < 0x21 || key[i] > 0x7e)
            return false;
    return length > 0 && length <= KEY_LENGTH_MAX;
}

static struct exchange *key_holder(const struct exchange *ex, const char *key)
{
    for (struct exchange *other = ex->api->exchanges; other; other = other->next)
        if (other != ex && other->key && other->caller.uid == ex->caller.uid &&
            strcmp(other->key, key) == 0)
            return other;
    return NULL;
}

struct kept {
    struct exchange *ex;
    bool is_found;
    bool is_same;
};

static bool on_kept(void *context, const struct stint_idempotency_row *row)
{
    struct kept *kept = context;
    struct exchange *ex = kept->ex;
    if (row->at_ms + KEEP_MS < ex->api->options.now_wall_ms())
        return false;
    kept->is_found = true;
    kept->is_same = row->body_sha256 && strcmp(row->body_sha256, ex->key_sha256) == 0;
    if (kept->is_same) {
        ex->status = (int)row->status;
        stint_buffer_add_text(&ex->out, row->answer ? row->answer : "");
    }
    return false;
}

static bool key_fail(struct exchange *ex, int code, const char *text, const char *fix)
{
    struct stint_error err;
    (void)stint_fail(&err, code, "%s", text);
    (void)stint_fix(&err, code, "%s", fix);
    exchange_fail(ex, &err);
    return false;
}

/* The digest covers method and path too: a key belongs to one request. */
static void key_digest(struct exchange *ex)
{
    struct stint_sha256_stream *stream;
    struct stint_sha256 digest;
    ex->key_sha256[0] = '\0';
    if (stint_sha256_stream_new(&stream) != 0)
        return;
    stint_sha256_stream_add(stream, ex->route->method, strlen(ex->route->method));
    stint_sha256_stream_add(stream, ex->path, strlen(ex->path) + 1);
    stint_sha256_stream_add(stream, stint_buffer_text(&ex->body), ex->body.length);
    stint_sha256_stream_end(stream, &digest);
    (void)stint_sha256_hex(&digest, ex->key_sha256);
}

bool keys_begin(struct exchange *ex, const char *key)
{
    struct kept kept = { ex, false, false };
    if (!key_is_valid(key))
        return key_fail(ex, STINT_INVALID, "the Idempotency-Key is malformed",
                        "1 to 255 visible ASCII characters");
    key_digest(ex);
    struct exchange *holder = key_holder(ex, key);
    if (holder && strcmp(holder->key_sha256, ex->key_sha256) == 0)
        return key_fail(ex, STINT_CONFLICT, "a request with this Idempotency-Key is in progress",
                        "wait for its answer");
    if (holder)
        return key_fail(ex, STINT_KEY_REUSED, "this Idempotency-Key is in use for another body",
                        "use a new key for a new request");
    struct stint_reader *reader = stint_store_reader(ex->api->options.store);
    int r = reader ? stint_reader_idempotency(reader, ex->caller.uid, key, on_kept, &kept) : 0;
    if (r < 0 && r != -ENOENT)
        return key_fail(ex, r, "the store could not be asked for the Idempotency-Key", "try again");
    if (kept.is_found && !kept.is_same)
        return key_fail(ex, STINT_KEY_REUSED, "this Idempotency-Key was used with another body",
                        "use a new key for a new request");
    if (kept.is_found) {
        if (ex->status >= 400)
            ex->type = "application/problem+json";
        exchange_send_durable(ex, ex->status);
        return false;
    }
    if (!(ex->key = strdup(key)))
        return key_fail(ex, -ENOMEM, "no memory", "try again");
    return true;
}

void keys_keep(struct exchange *ex, int status, const char *answer)
{
    struct stint_idempotency_row row = { .uid = ex->caller.uid,
                                         .key = ex->key,
                                         .body_sha256 = ex->key_sha256,
                                         .status = status,
                                         .answer = answer,
                                         .at_ms = ex->api->options.now_wall_ms() };
    ex->is_kept = true;
    if (strlen(answer) <= ANSWER_MAX)
        (void)stint_store_put_idempotency(ex->api->options.store, &row, NULL);
}

void keys_end(struct exchange *ex)
{
    free(stint_take(ex->key));
}

void keys_tick(struct stint_api *api)
{
    int64_t now_ms = api->options.now_wall_ms();
    if (api->is_read_only || now_ms - api->keys->expired_ms < EXPIRE_MS)
        return;
    api->keys->expired_ms = now_ms;
    (void)stint_store_expire_idempotency(api->options.store, now_ms - KEEP_MS, NULL);
}
