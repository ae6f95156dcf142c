/* Owns: which nodes take nothing new, why, and since when. The core has the state, this file the
 * words beside it. A row of a node that the machine no longer has is kept: the node may come back.
 */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/buffer.h"
#include "stint/log.h"

static void node_tell(struct stint_calendar *calendar, uint32_t resource, uint32_t index)
{
    (void)stint_clerk_set_node_state(calendar_clerk(calendar, resource), index,
                                     calendar->nodes[resource][index].state);
}

/* @reason: taken over. */
static void node_put(struct stint_calendar *calendar, uint32_t resource, uint32_t index,
                     enum stint_node_state state, char *reason, int64_t since_ms)
{
    struct calendar_node *node = &calendar->nodes[resource][index];
    free(node->reason);
    *node = (struct calendar_node){ state, reason, since_ms };
    node_tell(calendar, resource, index);
}

void nodes_clear(struct stint_calendar *calendar)
{
    for (uint32_t r = 0; r < calendar->options.resources->count; r++) {
        for (uint32_t i = 0; calendar->nodes[r] && i < calendar_machine(calendar, r)->node_count;
             i++) {
            free(calendar->nodes[r][i].reason);
            calendar->nodes[r][i] = (struct calendar_node){ .state = STINT_NODE_UP };
        }
    }
}

/* ---- from the store */

struct loading {
    struct stint_calendar *calendar;
    int status;
};

static bool load_node(void *context, const struct stint_node_state_row *row)
{
    struct loading *loading = context;
    struct stint_calendar *calendar = loading->calendar;
    bool is_draining = row->state && strcmp(row->state, "draining") == 0;
    bool is_found = false;
    for (uint32_t r = 0; r < calendar->options.resources->count; r++) {
        int index = stint_machine_find_node(calendar_machine(calendar, r), row->name);
        bool is_meant = !row->resource || !row->resource[0] ||
                        strcmp(row->resource, calendar->options.resources->list[r].name) == 0;
        if (index < 0 || !is_meant)
            continue;
        char *reason = is_draining ? strdup(row->reason ? row->reason : "") : NULL;
        if (is_draining && !reason) {
            loading->status = -ENOMEM;
            return false;
        }
        node_put(calendar, r, (uint32_t)index, is_draining ? STINT_NODE_DRAINING : STINT_NODE_UP,
                 reason, row->at_ms);
        is_found = true;
    }
    if (!is_found && is_draining)
        stint_log(STINT_LOG_WARNING, "drained-node-gone",
                  "node=%s resource=%s cause=\"there is no such node on it\"", row->name,
                  row->resource ? row->resource : "");
    return true;
}

int nodes_load(struct stint_calendar *calendar, struct stint_error *err)
{
    struct loading loading = { .calendar = calendar };
    struct stint_reader *reader = stint_store_reader(calendar->options.store);
    nodes_clear(calendar);
    int r = stint_reader_each_node_state(reader, load_node, &loading);
    if (r == 0)
        r = loading.status;
    for (uint32_t on = 0; on < calendar->options.resources->count; on++)
        for (uint32_t i = 0; i < calendar_machine(calendar, on)->node_count; i++)
            node_tell(calendar, on, i);
    return r == 0 ? 0 : stint_fail(err, r, "the nodes' states could not be read from the store");
}

/* ---- operators' verbs */

/* The nodes that are meant: index on each resource, -1 where it is not. */
struct found {
    int on[STINT_RESOURCE_MAX];
};

static int node_find(const struct stint_calendar *calendar, const char *resource, const char *name,
                     struct found *found, struct stint_error *err)
{
    uint32_t only = STINT_RESOURCE_NONE;
    bool is_found = false;
    int r = resource ? calendar_resource(calendar, resource, &only, err) : 0;
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < calendar->options.resources->count; i++) {
        bool is_meant = only == STINT_RESOURCE_NONE || only == i;
        found->on[i] =
            is_meant ? stint_machine_find_node(calendar_machine(calendar, i), name ? name : "")
                     : -1;
        is_found |= found->on[i] >= 0;
    }
    if (is_found)
        return 0;
    (void)stint_fail(err, STINT_NOT_FOUND, "there is no node '%.60s'%s%s", name ? name : "",
                     resource ? " on resource " : "", resource ? resource : "");
    return stint_fix(err, STINT_NOT_FOUND, "`stint admin node list` names them");
}

static int node_publish(struct stint_calendar *calendar, const struct stint_act *act,
                        const char *name, const char *resource, enum stint_node_state before,
                        enum stint_node_state after, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "node", name);
    if (calendar->options.resources->count > 1)
        stint_json_kv_text(&subject, "resource", resource);
    stint_json_kv_text(&subject, "before", stint_node_state_name(before));
    stint_json_kv_text(&subject, "after", stint_node_state_name(after));
    stint_json_object_end(&subject);
    if (subject.failed)
        return -ENOMEM;
    return stint_ledger_act_publish(calendar->options.ledger, act, "node.set",
                                    after == STINT_NODE_UP ? "node.resume" : "node.drain",
                                    stint_buffer_text(&subject), err);
}

/* One node of one resource, into the open batch; memory is moved by the caller, when all is in. */
static int node_store(struct stint_calendar *calendar, const struct stint_act *act,
                      uint32_t resource, uint32_t index, enum stint_node_state state,
                      struct stint_error *err)
{
    const char *name = calendar_machine(calendar, resource)->nodes[index].name;
    const char *on = calendar->options.resources->list[resource].name;
    struct stint_node_state_row row = {
        .name = name,
        .resource = on,
        .state = stint_node_state_name(state),
        .reason = act->reason,
        .set_by = act->caller->name,
        .at_ms = calendar->options.now_wall_ms(),
    };
    int r = stint_store_put_node_state(calendar->options.store, &row, err);
    return r != 0 ? r
                  : node_publish(calendar, act, name, on, calendar->nodes[resource][index].state,
                                 state, err);
}

/* Where it is so already nothing changes. */
static int node_apply(struct stint_calendar *calendar, const struct stint_act *act,
                      const struct found *found, enum stint_node_state state,
                      struct stint_error *err)
{
    char *reasons[STINT_RESOURCE_MAX] = { NULL };
    struct calendar_mark mark = calendar_mark(calendar);
    int r = 0;
    for (uint32_t i = 0; i < calendar->options.resources->count && r == 0; i++) {
        if (found->on[i] < 0 || calendar->nodes[i][found->on[i]].state == state)
            continue;
        if (state != STINT_NODE_UP && !(reasons[i] = strdup(act->reason)))
            r = -ENOMEM;
        if (r == 0)
            r = node_store(calendar, act, i, (uint32_t)found->on[i], state, err);
    }
    if (r != 0) {
        for (size_t i = 0; i < STINT_ARRAY_SIZE(reasons); i++)
            free(reasons[i]);
        return calendar_end(calendar, mark, r);
    }
    for (uint32_t i = 0; i < calendar->options.resources->count; i++) {
        if (found->on[i] < 0 || calendar->nodes[i][found->on[i]].state == state)
            continue;
        node_put(calendar, i, (uint32_t)found->on[i], state, reasons[i],
                 calendar->options.now_wall_ms());
        stint_log(STINT_LOG_INFO, "node", "node=%s resource=%s to=%s",
                  calendar_machine(calendar, i)->nodes[found->on[i]].name,
                  calendar->options.resources->list[i].name, stint_node_state_name(state));
    }
    return 0;
}

static int node_set(struct stint_calendar *calendar, const struct stint_act *act,
                    const char *resource, const char *name, enum stint_node_state state,
                    struct stint_error *err)
{
    struct found found;
    memset(&found, 0xff, sizeof(found)); /* -1: on none of them */
    const struct calendar_node *same = NULL;
    bool is_change = false;
    int r = stint_ledger_act_begin(calendar->options.ledger, act, err);
    if (r == 0)
        r = node_find(calendar, resource, name, &found, err);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < calendar->options.resources->count; i++) {
        const struct calendar_node *node =
            found.on[i] >= 0 ? &calendar->nodes[i][found.on[i]] : NULL;
        is_change |= node && node->state != state;
        same = node && node->state == state ? node : same;
    }
    if (!is_change)
        return state == STINT_NODE_UP
                   ? stint_fail(err, STINT_CONFLICT, "%s is up already", name)
                   : stint_fail(err, STINT_CONFLICT, "%s is draining already: %.200s", name,
                                same ? same->reason : "");
    return act->is_rehearsal ? 0 : node_apply(calendar, act, &found, state, err);
}

int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *resource, const char *node, struct stint_error *err)
{
    return node_set(calendar, act, resource, node, STINT_NODE_DRAINING, err);
}

int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *resource, const char *node, struct stint_error *err)
{
    return node_set(calendar, act, resource, node, STINT_NODE_UP, err);
}

void stint_calendar_node(const struct stint_calendar *calendar, uint32_t resource, uint32_t node,
                         struct stint_node_view *ret_view)
{
    const struct calendar_node *known = &calendar->nodes[resource][node];
    *ret_view = (struct stint_node_view){ known->state, known->reason, known->since_ms };
}
