/* Owns: the life of a scheduler, its nodes, and plain questions. The events that reach it are in
 * event.c, what it decides in pass.c. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

const char *stint_mode_name(enum stint_mode mode)
{
    static const char *const names[] = {
#define X(name, wire) wire,
        STINT_MODES(X)
#undef X
    };
    return (unsigned)mode < STINT_MODE_COUNT ? names[mode] : "";
}

int stint_mode_from_name(const char *name)
{
    for (int i = 0; i < STINT_MODE_COUNT; i++)
        if (strcmp(stint_mode_name((enum stint_mode)i), name) == 0)
            return i;
    return -1;
}

static int check_policy(const struct stint_policy *policy, struct stint_error *err)
{
    if ((unsigned)policy->mode >= STINT_MODE_COUNT)
        return stint_fail(err, STINT_INVALID, "no mode of scheduling has the number %d",
                          (int)policy->mode);
    if (policy->reserved_heads > STINT_SCHEDULER_RESERVED_MAX)
        return stint_fail(err, STINT_INVALID, "%u reserved heads, at most %d",
                          policy->reserved_heads, STINT_SCHEDULER_RESERVED_MAX);
    if (policy->tiers > 16)
        return stint_fail(err, STINT_INVALID, "%u fair tiers, at most 16", policy->tiers);
    if (policy->tiers > 0 && policy->half_life_ms <= 0)
        return stint_fail(err, STINT_INVALID,
                          "fair share needs a half-life of past use, longer than 0");
    return 0;
}

/* ---- birth and end */

static int init_nodes(struct stint_scheduler *s)
{
    const struct stint_machine *machine = s->machine;
    s->layouts = calloc(machine->shape_count + 1, sizeof(*s->layouts));
    s->nodes = calloc(machine->node_count + 1, sizeof(*s->nodes));
    if (!s->layouts || !s->nodes)
        return -ENOMEM;
    for (uint32_t i = 0; i < machine->shape_count; i++) {
        int r = layout_init(&s->layouts[i], machine, machine->shapes[i]);
        if (r != 0)
            return r;
        s->width_max = s->layouts[i].width > s->width_max ? s->layouts[i].width : s->width_max;
    }
    for (uint32_t i = 0; i < machine->node_count; i++) {
        struct node *node = &s->nodes[i];
        const struct stint_shape *shape = machine->nodes[i].shape;
        for (uint32_t k = 0; k < machine->shape_count; k++)
            if (machine->shapes[k] == shape)
                node->layout = &s->layouts[k];
        assert(node->layout);
        struct layout *layout = &s->layouts[node->layout - s->layouts];
        layout->node_count++;
        node->first_promise_ms = TIME_NEVER;
        node->cores = calloc(STINT_BIT_WORDS(shape->core_count) + 1, sizeof(*node->cores));
        node->gpus = calloc(layout->gpus + 1, sizeof(*node->gpus));
        if (!node->cores || !node->gpus ||
            timeline_init(&node->timeline, layout->width, layout->total) != 0)
            return -ENOMEM;
        for (uint32_t c = 0; c < shape->core_count; c++)
            node->cores[c / 64] |= UINT64_C(1) << (c % 64);
        for (uint32_t n = 0; n < layout->numa; n++) {
            node->free_cores += layout->total[n];
            node->free_memory_mib += layout->total[layout->numa + n];
        }
        for (uint32_t g = 0; g < layout->gpus; g++)
            node->gpus[g] = 1000;
        node->whole_gpus = (int32_t)layout->gpus;
        node->gpu_milli = (int32_t)layout->gpus * 1000;
    }
    return 0;
}

static int init_scratch(struct stint_scheduler *s)
{
    uint32_t most = s->machine->node_count < STINT_ALLOCATION_GRANT_MAX
                        ? s->machine->node_count
                        : STINT_ALLOCATION_GRANT_MAX;
    s->scratch = calloc((size_t)s->width_max * 4 + 1, sizeof(*s->scratch));
    s->found.nodes = calloc(most + 1, sizeof(*s->found.nodes));
    s->found.vectors = calloc((size_t)s->width_max * (most + 1) + 1, sizeof(*s->found.vectors));
    s->choices = calloc(s->machine->node_count + 1, sizeof(*s->choices));
    s->choice_claims =
        calloc((size_t)s->width_max * s->machine->node_count + 1, sizeof(*s->choice_claims));
    s->index = calloc(64, sizeof(*s->index));
    s->index_mask = 63;
    return s->scratch && s->found.nodes && s->found.vectors && s->choices && s->choice_claims &&
                   s->index
               ? 0
               : -ENOMEM;
}

int stint_scheduler_new(const struct stint_machine *machine, const struct stint_policy *policy,
                        struct stint_scheduler **ret_scheduler, struct stint_error *err)
{
    int r = check_policy(policy, err);
    if (r != 0)
        return r;
    stint_auto(stint_scheduler_free) struct stint_scheduler *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->machine = machine;
    s->policy = *policy;
    s->now_ms = PASS_TIME_MIN;
    s->nobody_ms = PASS_TIME_MIN;
    s->chosen_ms = PASS_TIME_MIN;
    s->ranked_ms = PASS_TIME_MIN * 2;
    s->fair_asked_ms = INT64_MIN;
    s->free_job = NO_JOB;
    s->next_promise_ms = TIME_NEVER;
    s->preempt_ms = TIME_NEVER;
    s->head_extra = INT32_MAX;
    s->reserved_max = policy->reserved_heads ? policy->reserved_heads : 1;
    switch (policy->mode) {
    case STINT_MODE_STINT:
        s->main.order = ORDER_AREA;
        break;
    case STINT_MODE_SJF:
        s->main.order = ORDER_SHORT;
        s->reserved_max = 0;
        break;
    case STINT_MODE_FCFS:
        s->main.order = ORDER_TURN;
        s->reserved_max = 0;
        break;
    case STINT_MODE_EASY_SJBF:
        s->main.order = ORDER_TURN;
        s->has_backfill_queue = true;
        s->backfill.order = ORDER_SHORT;
        break;
    case STINT_MODE_EASY:
    case STINT_MODE_CONSERVATIVE:
    case STINT_MODE_COUNT:
        s->main.order = ORDER_TURN;
        break;
    }
    r = init_nodes(s);
    if (r == 0)
        r = init_scratch(s);
    if (r == 0)
        r = booking_init(s);
    if (r == 0)
        *ret_scheduler = stint_take(s);
    return r;
}

struct stint_scheduler *stint_scheduler_free(struct stint_scheduler *s)
{
    if (!s)
        return NULL;
    for (uint32_t i = 0; i < s->job_count; i++) {
        free(s->jobs[i].claim);
        (void)stint_allocation_free(s->jobs[i].allocation);
        (void)stint_tasks_free(s->jobs[i].tasks);
    }
    for (uint32_t i = 0; s->nodes && i < s->machine->node_count; i++) {
        timeline_deinit(&s->nodes[i].timeline);
        free(s->nodes[i].cores);
        free(s->nodes[i].gpus);
    }
    for (uint32_t i = 0; s->layouts && i < s->machine->shape_count; i++)
        layout_deinit(&s->layouts[i]);
    queue_deinit(&s->main);
    queue_deinit(&s->backfill);
    (void)plan_free(s->plan);
    booking_deinit(s);
    free(s->layouts);
    free(s->nodes);
    free(s->jobs);
    free(s->index);
    free(s->running.jobs);
    free(s->early.jobs);
    free(s->blocks);
    free(s->news);
    free(s->moved);
    free(s->accounts);
    free(s->scratch);
    free(s->choices);
    free(s->choice_claims);
    free(s->found.nodes);
    free(s->found.vectors);
    free(s->ratios.milli);
    turn_list_deinit(&s->turns);
    free(s->stops);
    free(s);
    return NULL;
}

/* ---- nodes and the engine */

int stint_scheduler_set_node_state(struct stint_scheduler *s, uint32_t number,
                                   enum stint_node_state state)
{
    if (number >= s->machine->node_count)
        return STINT_NOT_FOUND;
    struct node *node = &s->nodes[number];
    if (node->state == state)
        return 0;
    node->state = state;
    s->is_dirty = true;
    s->is_shaken = true;
    s->generation++;
    return 0;
}

enum stint_node_state stint_scheduler_node_state(const struct stint_scheduler *s, uint32_t number)
{
    return number < s->machine->node_count ? s->nodes[number].state : STINT_NODE_DOWN;
}

void stint_scheduler_set_away(struct stint_scheduler *s, bool is_away)
{
    if (s->is_away && !is_away)
        s->is_dirty = true;
    s->is_away = is_away;
    s->generation++;
}

/* ---- questions */

size_t stint_scheduler_pending_count(const struct stint_scheduler *s)
{
    return s->live_count - s->running_count;
}

size_t stint_scheduler_running_count(const struct stint_scheduler *s)
{
    return s->running_count;
}

uint32_t stint_scheduler_free_cores(const struct stint_scheduler *s, uint32_t node)
{
    return node < s->machine->node_count ? (uint32_t)s->nodes[node].free_cores : 0;
}

uint32_t stint_scheduler_free_gpus(const struct stint_scheduler *s, uint32_t node)
{
    return node < s->machine->node_count ? (uint32_t)s->nodes[node].whole_gpus : 0;
}

const struct stint_allocation *stint_scheduler_allocation(const struct stint_scheduler *s,
                                                          struct stint_task_key key)
{
    uint32_t number = job_find(s, key);
    return number == NO_JOB ? NULL : s->jobs[number].allocation;
}

uint64_t stint_scheduler_promise_breaks(const struct stint_scheduler *s)
{
    return s->promise_breaks;
}
