/* Owns: the transcript of the scheduler for operators: what it was told and decided, row by row, so
 * that `stint simulate --replay` can do it again. Job numbers and sizes are in it, no names. */
#include "views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/store_reader.h"

#define TRANSCRIPT_ROWS_MAX  2000
#define TRANSCRIPT_BYTES_MAX ((size_t)2 << 20) /* of bodies in one answer, but for the last row */

struct transcript {
    int64_t since_ms;
    int64_t until_ms;
    int64_t from; /* id; 0 at the first page */
    int64_t last;
    size_t bytes;
    bool has_more;
    bool has_before;
    uint8_t before[32]; /* digest of the row before the first */
    struct stint_buffer rows;
};

static void transcript_free(void *data)
{
    struct transcript *transcript = data;
    stint_buffer_deinit(&transcript->rows);
    free(transcript);
}

static void hex_member(struct stint_buffer *out, const char *key, const void *data, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    const uint8_t *bytes = data;
    stint_buffer_add_char(&text, '"');
    for (size_t i = 0; i < length; i++) {
        const char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };
        stint_buffer_add(&text, pair, sizeof(pair));
    }
    stint_buffer_add_char(&text, '"');
    stint_json_key(out, key);
    stint_json_raw(out, text.data, text.length);
    out->failed |= text.failed;
}

static bool on_row(void *context, const struct stint_transcript_row *row)
{
    struct transcript *transcript = context;
    struct stint_buffer *out = &transcript->rows;
    if (transcript->bytes > TRANSCRIPT_BYTES_MAX) {
        transcript->has_more = true;
        return false;
    }
    transcript->bytes += row->body.length;
    transcript->last = row->id;
    stint_json_object(out);
    stint_json_kv_int(out, "id", row->id);
    stint_json_kv_int(out, "core", row->core);
    stint_json_kv_int(out, "at_ms", row->at_ms);
    stint_json_kv_int(out, "starts", row->start_count);
    stint_json_kv_text(out, "resource", row->resource);
    hex_member(out, "chain", row->chain.data, row->chain.length);
    hex_member(out, "body", row->body.data, row->body.length);
    stint_json_object_end(out);
    return !out->failed;
}

static bool on_before(void *context, const struct stint_transcript_row *row)
{
    struct transcript *transcript = context;
    transcript->has_before = row->chain.length == sizeof(transcript->before);
    if (transcript->has_before)
        memcpy(transcript->before, row->chain.data, sizeof(transcript->before));
    return false;
}

/* The first page begins where the core began that was at work then. */
static int transcript_work(struct stint_reader *reader, void *data)
{
    struct transcript *transcript = data;
    int r = 0;
    stint_json_array(&transcript->rows);
    if (transcript->from == 0) {
        r = stint_reader_transcript_core(reader, transcript->since_ms, &transcript->from);
        if (r == 0 && transcript->from > 1)
            r = stint_reader_transcript_before(reader, transcript->from, on_before, transcript);
        r = r == -ENOENT ? 0 : r;
    }
    if (r == 0 && transcript->from > 0)
        r = stint_reader_each_transcript(reader, transcript->from, transcript->until_ms,
                                         TRANSCRIPT_ROWS_MAX, on_row, transcript);
    stint_json_array_end(&transcript->rows);
    return r == 0 && transcript->rows.failed ? -ENOMEM : r;
}

static void transcript_render(struct exchange *ex, void *data, int status)
{
    struct transcript *transcript = data;
    if (exchange_read_failed(ex, status, "the transcript"))
        return;
    document_begin(&ex->out, "transcript");
    if (transcript->has_before)
        hex_member(&ex->out, "before", transcript->before, sizeof(transcript->before));
    else
        stint_json_kv_null(&ex->out, "before");
    stint_json_key(&ex->out, "rows");
    stint_json_raw(&ex->out, transcript->rows.data, transcript->rows.length);
    cursor_next(ex, (uint64_t)transcript->last + 1, transcript->last > 0);
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 200);
}

void handle_transcript(struct exchange *ex)
{
    static const struct read_plan plan = { transcript_work, transcript_render, transcript_free };
    uint64_t from;
    int64_t since_ms;
    int64_t until_ms;
    if (!cursor_read(ex, &from) || !exchange_query_time(ex, "since", &since_ms) ||
        !exchange_query_time(ex, "until", &until_ms))
        return;
    struct transcript *transcript = calloc(1, sizeof(*transcript));
    if (transcript) {
        transcript->from = (int64_t)from;
        transcript->since_ms = since_ms;
        transcript->until_ms = until_ms;
    }
    exchange_read(ex, &plan, transcript);
}
