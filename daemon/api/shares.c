/* Owns: who stands where in the tree of shares: the weights, the turn of one waiting job with its
 * parts, and the report of equity. Users are nobody's business but operators' and their own
 * (invariant 10). */
#include "views.h"

#include <string.h>

#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/scheduler.h"

struct walk {
    struct exchange *ex;
    const char *scope; /* only these, with what they were awarded; NULL: all */
    double used_all;   /* of decayed use, machine times ms */
};

static bool is_user(const struct stint_share_view *view)
{
    return strcmp(view->scope, "user") == 0;
}

static bool is_shown(const struct exchange *ex, const struct stint_share_view *view)
{
    bool is_own = ex->caller.role >= STINT_ROLE_USER && strcmp(view->name, ex->caller.name) == 0;
    return !is_user(view) || is_own || exchange_is_operator(ex);
}

static void number(struct stint_buffer *out, const char *key, double value)
{
    stint_json_key(out, key);
    stint_json_double(out, value);
}

static void standing_write(struct stint_buffer *out, const struct stint_share_view *view)
{
    stint_json_kv_int(out, "shares", view->shares);
    number(out, "share", view->share);
    number(out, "usage", view->usage);
    stint_json_kv_int(out, "rank", (int64_t)view->rank + 1);
    stint_json_kv_int(out, "of", view->rank_count);
    stint_json_kv_int(out, "tier", (int64_t)view->tier + 1);
}

/* ---- weights ---- */

static bool share_on_view(void *context, const struct stint_share_view *view)
{
    const struct walk *walk = context;
    struct stint_buffer *out = &walk->ex->out;
    if (!is_shown(walk->ex, view))
        return true;
    stint_json_object(out);
    stint_json_kv_text(out, "scope", view->scope);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "parent", *view->parent ? view->parent : NULL);
    standing_write(out, view);
    if (view->set_ms) {
        stint_json_kv_text(out, "reason", view->reason);
        stint_json_kv_time(out, "set", view->set_ms);
        if (exchange_is_operator(walk->ex))
            stint_json_kv_text(out, "set_by", view->set_by);
    }
    stint_json_object_end(out);
    return true;
}

void handle_shares_list(struct exchange *ex)
{
    struct walk walk = { .ex = ex };
    uint32_t resource;
    if (!exchange_resource(ex, &resource))
        return;
    document_begin(&ex->out, "shares");
    stint_json_kv_text(&ex->out, "resource", ex->api->options.resources->list[resource].name);
    stint_json_key(&ex->out, "shares");
    stint_json_array(&ex->out);
    stint_ledger_each_share(ex->api->options.ledger, resource, share_on_view, &walk);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- the turn of a job ---- */

static bool part_on_view(void *context, const struct stint_share_view *view)
{
    const struct walk *walk = context;
    struct stint_buffer *out = &walk->ex->out;
    stint_json_object(out);
    stint_json_kv_text(out, "scope", view->scope);
    if (is_shown(walk->ex, view))
        stint_json_kv_text(out, "name", view->name);
    standing_write(out, view);
    stint_json_object_end(out);
    return true;
}

void turn_write(struct exchange *ex, const struct stint_job_view *view)
{
    struct stint_turn turn;
    struct stint_buffer *out = &ex->out;
    struct walk walk = { .ex = ex };
    uint32_t task = view->is_task ? view->task : STINT_TASK_WHOLE;
    if (view->resource_number == STINT_RESOURCE_NONE ||
        stint_jobs_turn(ex->api->options.jobs, view->id, task, &turn) != 0)
        return;
    stint_json_key(out, "turn");
    stint_json_object(out);
    stint_json_kv_text(out, "class", turn.is_preemptible ? "preemptible" : "normal");
    stint_json_kv_int(out, "level", turn.level);
    number(out, "expansion_factor", turn.factor);
    stint_json_kv_int(out, "priority", turn.priority);
    stint_json_kv_bool(out, "overdue", turn.is_starved);
    if (turn.tiers > 0) {
        stint_json_kv_int(out, "tier", (int64_t)turn.tier + 1);
        stint_json_kv_int(out, "tiers", turn.tiers);
        stint_json_key(out, "fair");
        stint_json_array(out);
        stint_ledger_shares_of(ex->api->options.ledger, view->resource_number, view->project_id,
                               view->uid, part_on_view, &walk);
        stint_json_array_end(out);
    }
    stint_json_object_end(out);
}

/* ---- equity ---- */

static bool used_on_view(void *context, const struct stint_share_view *view)
{
    struct walk *walk = context;
    if (strcmp(view->scope, walk->scope) == 0)
        walk->used_all += view->used_share_ms;
    return true;
}

static void amount(struct stint_buffer *out, const char *key, int64_t micro)
{
    char text[32];
    stint_json_kv_text(out, key, stint_micro_format(micro, text, sizeof(text)));
}

static bool equity_on_view(void *context, const struct stint_share_view *view)
{
    const struct walk *walk = context;
    struct stint_buffer *out = &walk->ex->out;
    if (strcmp(view->scope, walk->scope) != 0)
        return true;
    stint_json_object(out);
    stint_json_kv_text(out, "name", view->name);
    if (strcmp(view->scope, "project") == 0)
        stint_json_kv_text(out, "institution", view->parent);
    amount(out, "awarded", view->awarded_micro);
    amount(out, "used", view->used_micro);
    standing_write(out, view);
    number(out, "usage_of_all", walk->used_all > 0 ? view->used_share_ms / walk->used_all : 0);
    stint_json_object_end(out);
    return true;
}

static void equity_of(struct exchange *ex, uint32_t resource, const char *scope, const char *key)
{
    struct walk walk = { .ex = ex, .scope = scope };
    struct stint_ledger *ledger = ex->api->options.ledger;
    stint_ledger_each_share(ledger, resource, used_on_view, &walk);
    stint_json_key(&ex->out, key);
    stint_json_array(&ex->out);
    stint_ledger_each_share(ledger, resource, equity_on_view, &walk);
    stint_json_array_end(&ex->out);
}

void handle_equity(struct exchange *ex)
{
    uint32_t resource;
    if (!exchange_resource(ex, &resource))
        return;
    const struct stint_resource *on = &ex->api->options.resources->list[resource];
    document_begin(&ex->out, "equity");
    stint_json_kv_text(&ex->out, "resource", on->name);
    if (stint_machine_is_simulated(on->machine))
        stint_json_kv_bool(&ex->out, "simulated", true);
    stint_json_kv_text(&ex->out, "policy", on->policy);
    stint_json_kv_int(&ex->out, "half_life_s", on->half_life_ms / 1000);
    equity_of(ex, resource, "institution", "institutions");
    equity_of(ex, resource, "project", "projects");
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}
