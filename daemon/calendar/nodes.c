/* Owns: which nodes take nothing new, why, and since when. The core has the state, this file the
 * words beside it. A row of a node that the machine no longer has is kept: the node may come back.
 */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/buffer.h"
#include "stint/log.h"

static void node_tell(struct stint_calendar *calendar, uint32_t index)
{
    (void)stint_clerk_set_node_state(calendar->options.clerk, index, calendar->nodes[index].state);
}

/* @reason: taken over. */
static void node_put(struct stint_calendar *calendar, uint32_t index, enum stint_node_state state,
                     char *reason, int64_t since_ms)
{
    struct calendar_node *node = &calendar->nodes[index];
    free(node->reason);
    *node = (struct calendar_node){ state, reason, since_ms };
    node_tell(calendar, index);
}

void nodes_clear(struct stint_calendar *calendar)
{
    for (uint32_t i = 0; i < calendar->options.machine->node_count; i++) {
        free(calendar->nodes[i].reason);
        calendar->nodes[i] = (struct calendar_node){ .state = STINT_NODE_UP };
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
    int index = stint_machine_find_node(calendar->options.machine, row->name);
    if (index < 0 && is_draining)
        stint_log(STINT_LOG_WARNING, "drained-node-gone",
                  "node=%s cause=\"the machine has no node of this name\"", row->name);
    if (index < 0)
        return true;
    char *reason = is_draining ? strdup(row->reason ? row->reason : "") : NULL;
    if (is_draining && !reason) {
        loading->status = -ENOMEM;
        return false;
    }
    node_put(calendar, (uint32_t)index, is_draining ? STINT_NODE_DRAINING : STINT_NODE_UP, reason,
             row->at_ms);
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
    for (uint32_t i = 0; i < calendar->options.machine->node_count; i++)
        node_tell(calendar, i);
    return r == 0 ? 0 : stint_fail(err, r, "the nodes' states could not be read from the store");
}

/* ---- operators' verbs */

static int node_find(const struct stint_calendar *calendar, const char *name, uint32_t *ret_index,
                     struct stint_error *err)
{
    int index = stint_machine_find_node(calendar->options.machine, name ? name : "");
    if (index < 0) {
        (void)stint_fail(err, STINT_NOT_FOUND, "there is no node '%.60s'", name ? name : "");
        return stint_fix(err, STINT_NOT_FOUND, "`stint admin node list` names them");
    }
    *ret_index = (uint32_t)index;
    return 0;
}

static int node_publish(struct stint_calendar *calendar, const struct stint_act *act,
                        const char *name, enum stint_node_state before, enum stint_node_state after,
                        struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "node", name);
    stint_json_kv_text(&subject, "before", stint_node_state_name(before));
    stint_json_kv_text(&subject, "after", stint_node_state_name(after));
    stint_json_object_end(&subject);
    if (subject.failed)
        return -ENOMEM;
    return stint_ledger_act_publish(calendar->options.ledger, act, "node.set",
                                    after == STINT_NODE_UP ? "node.resume" : "node.drain",
                                    stint_buffer_text(&subject), err);
}

static int node_apply(struct stint_calendar *calendar, const struct stint_act *act, uint32_t index,
                      enum stint_node_state state, struct stint_error *err)
{
    const char *name = calendar->options.machine->nodes[index].name;
    char *reason = state == STINT_NODE_UP ? NULL : strdup(act->reason);
    struct stint_node_state_row row = {
        .name = name,
        .state = stint_node_state_name(state),
        .reason = act->reason,
        .set_by = act->caller->name,
        .at_ms = calendar->options.now_wall_ms(),
    };
    struct calendar_mark mark = calendar_mark(calendar);
    int r = state == STINT_NODE_UP || reason ? 0 : -ENOMEM;
    if (r == 0)
        r = stint_store_put_node_state(calendar->options.store, &row, err);
    if (r == 0)
        r = node_publish(calendar, act, name, calendar->nodes[index].state, state, err);
    if (r != 0) {
        free(reason);
        return calendar_end(calendar, mark, r);
    }
    node_put(calendar, index, state, reason, row.at_ms);
    stint_log(STINT_LOG_INFO, "node", "node=%s to=%s", name, row.state);
    return 0;
}

static int node_set(struct stint_calendar *calendar, const struct stint_act *act, const char *name,
                    enum stint_node_state state, struct stint_error *err)
{
    uint32_t index = 0;
    int r = stint_ledger_act_begin(calendar->options.ledger, act, err);
    if (r == 0)
        r = node_find(calendar, name, &index, err);
    if (r != 0)
        return r;
    const struct calendar_node *node = &calendar->nodes[index];
    if (node->state == state)
        return state == STINT_NODE_UP
                   ? stint_fail(err, STINT_CONFLICT, "%s is up already", name)
                   : stint_fail(err, STINT_CONFLICT, "%s is draining already: %.200s", name,
                                node->reason);
    return act->is_rehearsal ? 0 : node_apply(calendar, act, index, state, err);
}

int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *node, struct stint_error *err)
{
    return node_set(calendar, act, node, STINT_NODE_DRAINING, err);
}

int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *node, struct stint_error *err)
{
    return node_set(calendar, act, node, STINT_NODE_UP, err);
}

void stint_calendar_node(const struct stint_calendar *calendar, uint32_t node,
                         struct stint_node_view *ret_view)
{
    const struct calendar_node *known = &calendar->nodes[node];
    *ret_view = (struct stint_node_view){ known->state, known->reason, known->since_ms };
}
