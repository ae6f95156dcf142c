/* Owns: the policy in force over HTTP, and what it was: its entries in the public log. */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/store_reader.h"

/* What each resource decides by, beside what is said of all. */
static void write_policies(struct exchange *ex)
{
    struct stint_buffer *out = &ex->out;
    const struct stint_resources *resources = ex->api->options.resources;
    char rate[32];
    stint_json_key(out, "resources");
    stint_json_array(out);
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct stint_resource *resource = &resources->list[i];
        stint_json_object(out);
        stint_json_kv_text(out, "name", resource->name);
        stint_json_kv_text(out, "policy", resource->policy);
        stint_json_kv_int(out, "half_life_s", resource->half_life_ms / 1000);
        stint_json_kv_int(out, "default_walltime_s", resource->default_walltime_s);
        stint_json_kv_int(out, "max_walltime_s", resource->max_walltime_s);
        stint_json_kv_text(out, "unit", stint_ledger_unit(ex->api->options.ledger, i));
        stint_json_kv_text(out, "rate",
                           stint_micro_format(resource->rate_micro, rate, sizeof(rate)));
        stint_json_object_end(out);
    }
    stint_json_array_end(out);
}

void handle_policy(struct exchange *ex)
{
    const struct stint_policy_shown *policy = ex->api->options.policy;
    document_begin(&ex->out, "policy");
    stint_json_kv_text(&ex->out, "digest", policy->digest);
    stint_json_raw(&ex->out, policy->json + 1, strlen(policy->json) - 2); /* its members */
    write_policies(ex);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- history ---- */

struct history {
    int64_t limit;
    uint64_t before; /* an entry's number; 0 for the newest */
    uint64_t last;
    size_t count;
    bool has_more;
    struct stint_buffer entries;
};

static void history_free(void *data)
{
    struct history *history = data;
    stint_buffer_deinit(&history->entries);
    free(history);
}

/* The stored bytes are a JSON object: they were written by us and are what was hashed. */
static bool history_on_row(void *context, const struct stint_log_entry_row *row)
{
    struct history *history = context;
    history->has_more = history->count == (size_t)history->limit;
    if (history->has_more)
        return false;
    history->count++;
    history->last = row->seq;
    stint_json_raw(&history->entries, row->body.data, row->body.length);
    return !history->entries.failed;
}

static int history_work(struct stint_reader *reader, void *data)
{
    struct history *history = data;
    stint_json_array(&history->entries);
    int r = stint_reader_each_log_entry_of(reader, STINT_POLICY_ENTRY, history->before,
                                           history->limit + 1, history_on_row, history);
    stint_json_array_end(&history->entries);
    return r == 0 && history->entries.failed ? -ENOMEM : r;
}

static void history_render(struct exchange *ex, void *data, int status)
{
    const struct history *history = data;
    if (exchange_read_failed(ex, status, "log"))
        return;
    document_begin(&ex->out, "policy-history");
    stint_json_key(&ex->out, "entries");
    stint_json_raw(&ex->out, history->entries.data, history->entries.length);
    cursor_next(ex, history->last, history->has_more);
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 200);
}

void handle_policy_history(struct exchange *ex)
{
    static const struct read_plan plan = { history_work, history_render, history_free };
    int64_t limit;
    uint64_t before;
    if (!exchange_query_int(ex, "limit", 1, API_LIST_MAX, API_LIST_DEFAULT, &limit) ||
        !cursor_read(ex, &before))
        return;
    struct history *history = calloc(1, sizeof(*history));
    if (history) {
        history->limit = limit;
        history->before = before;
    }
    exchange_read(ex, &plan, history);
}
