/* Owns: the public log over HTTP: its signed head, its entries as they are stored. */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/record.h"
#include "stint/store.h"

static void send_text(struct exchange *ex, const char *text)
{
    ex->type = "text/plain; charset=utf-8";
    stint_buffer_add_text(&ex->out, text);
    exchange_send(ex, 200);
}

void handle_log_checkpoint(struct exchange *ex)
{
    struct stint_error err;
    const char *note = stint_record_checkpoint(ex->api->options.record);
    if (note) {
        ex->cache = "public, max-age=2";
        send_text(ex, note);
        return;
    }
    (void)stint_fail(&err, STINT_NOT_FOUND, "no head of the log is signed yet");
    exchange_fail(ex, &err);
}

void handle_log_key(struct exchange *ex)
{
    char text[STINT_VKEY_TEXT_MAX];
    stint_vkey_format(stint_record_vkey(ex->api->options.record), text);
    stint_buffer_printf(&ex->out, "%s\n", text);
    ex->type = "text/plain; charset=utf-8";
    exchange_send(ex, 200);
}

/* An index from 0. */
static bool index_read(struct exchange *ex, uint64_t *ret_index)
{
    struct stint_error err;
    const char *text = exchange_param(ex, "n");
    if (!text)
        return false;
    errno = 0;
    *ret_index = strtoull(text, NULL, 10);
    if (text[strspn(text, "0123456789")] == '\0' && errno == 0)
        return true;
    (void)stint_fail(&err, STINT_NOT_FOUND, "there is no entry '%.40s'", text);
    exchange_fail(ex, &err);
    return false;
}

static bool entry_on_row(void *context, const struct stint_log_entry_row *row)
{
    struct exchange *ex = context;
    stint_buffer_add(&ex->out, row->body.data, row->body.length);
    return false;
}

void handle_log_entry(struct exchange *ex)
{
    uint64_t seq;
    if (!index_read(ex, &seq))
        return;
    int r =
        stint_reader_log_entry(stint_store_reader(ex->api->options.store), seq, entry_on_row, ex);
    if (exchange_read_failed(ex, r, "entry"))
        return;
    ex->cache = "public, max-age=31536000, immutable";
    exchange_send(ex, 200);
}

void handle_log_proof(struct exchange *ex)
{
    struct stint_error err = { 0 };
    uint64_t seq;
    if (!index_read(ex, &seq))
        return;
    err.code = stint_record_write_proof(ex->api->options.record, seq, &ex->out, &err);
    if (err.code != 0) {
        exchange_fail(ex, &err);
        return;
    }
    ex->type = "text/plain; charset=utf-8";
    exchange_send(ex, 200);
}

/* ---- many ---- */

struct entries {
    uint64_t from;
    int64_t limit;
    uint64_t last;
    size_t count;
    struct stint_buffer out;
};

static void entries_free(void *data)
{
    struct entries *entries = data;
    stint_buffer_deinit(&entries->out);
    free(entries);
}

static bool entries_on_row(void *context, const struct stint_log_entry_row *row)
{
    struct entries *entries = context;
    struct stint_sha256 leaf;
    char hex[STINT_SHA256_HEX];
    if (entries->count == (size_t)entries->limit)
        return false;
    memset(&leaf, 0, sizeof(leaf));
    if (row->leaf.length == sizeof(leaf.bytes))
        memcpy(leaf.bytes, row->leaf.data, sizeof(leaf.bytes));
    entries->last = row->seq;
    entries->count++;
    stint_json_object(&entries->out);
    stint_json_kv_int(&entries->out, "seq", (int64_t)row->seq);
    stint_json_kv_time(&entries->out, "at", row->at_ms);
    stint_json_kv_text(&entries->out, "type", row->type);
    stint_json_kv_text(&entries->out, "leaf", stint_sha256_hex(&leaf, hex));
    stint_json_key(&entries->out, "entry");
    stint_json_text_n(&entries->out, row->body.data, row->body.length);
    stint_json_object_end(&entries->out);
    return true;
}

static int entries_work(struct stint_reader *reader, void *data)
{
    struct entries *entries = data;
    stint_json_array(&entries->out);
    int r =
        stint_reader_each_log_entry(reader, entries->from, entries->limit, entries_on_row, entries);
    stint_json_array_end(&entries->out);
    return r == 0 && entries->out.failed ? -ENOMEM : r;
}

static void entries_render(struct exchange *ex, void *data, int status)
{
    const struct entries *entries = data;
    if (exchange_read_failed(ex, status, "log"))
        return;
    document_begin(&ex->out, "log-entries");
    stint_json_kv_int(&ex->out, "size",
                      (int64_t)stint_record_published_size(ex->api->options.record));
    stint_json_key(&ex->out, "entries");
    stint_json_raw(&ex->out, entries->out.data, entries->out.length);
    if (entries->count == (size_t)entries->limit)
        stint_json_kv_int(&ex->out, "next", (int64_t)entries->last);
    else
        stint_json_kv_null(&ex->out, "next");
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 200);
}

void handle_log_entries(struct exchange *ex)
{
    static const struct read_plan plan = { entries_work, entries_render, entries_free };
    int64_t limit;
    int64_t after;
    if (!exchange_query_int(ex, "limit", 1, API_LIST_MAX, API_LIST_DEFAULT, &limit) ||
        !exchange_query_int(ex, "after", 0, INT64_MAX - 1, -1, &after))
        return;
    struct entries *entries = calloc(1, sizeof(*entries));
    if (entries) {
        entries->from = (uint64_t)(after + 1);
        entries->limit = limit;
    }
    exchange_read(ex, &plan, entries);
}
