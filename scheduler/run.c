/* Owns: what running tasks hold and waiting ones were promised. A claim is a vector a node; a
 * running task has besides the very cores. Both are taken from the nodes' timelines; only running
 * ones from the nodes' free cores. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

int claim_new(const struct stint_scheduler *s, const uint32_t *nodes, uint32_t count,
              struct claim **ret_claim)
{
    size_t widths = 0;
    for (uint32_t i = 0; i < count; i++)
        widths += s->nodes[nodes[i]].layout->width;
    struct claim *claim =
        malloc(sizeof(*claim) + count * sizeof(*claim->nodes) + widths * sizeof(*claim->vectors));
    if (!claim)
        return -ENOMEM;
    *claim = (struct claim){ .node_count = count, .nodes = (uint32_t *)(void *)(claim + 1) };
    claim->vectors = (int32_t *)(claim->nodes + count);
    memcpy(claim->nodes, nodes, count * sizeof(*nodes));
    memset(claim->vectors, 0, widths * sizeof(*claim->vectors));
    *ret_claim = claim;
    return 0;
}

static int claim_from_found(const struct stint_scheduler *s, struct claim **ret_claim)
{
    const struct claim *found = &s->found;
    int r = claim_new(s, found->nodes, found->node_count, ret_claim);
    if (r != 0)
        return r;
    struct claim *claim = *ret_claim;
    size_t widths = 0;
    for (uint32_t i = 0; i < found->node_count; i++)
        widths += s->nodes[found->nodes[i]].layout->width;
    memcpy(claim->vectors, found->vectors, widths * sizeof(*claim->vectors));
    claim->start_ms = found->start_ms;
    claim->end_ms = found->end_ms;
    return 0;
}

static int claim_reserve(struct stint_scheduler *s, const struct claim *claim)
{
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        int r = timeline_reserve(&node->timeline, node->claims + 1);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Takes (-1) or gives back (+1) in the timelines. */
static void claim_apply(struct stint_scheduler *s, const struct claim *claim, int64_t from_ms,
                        int64_t until_ms, int sign)
{
    const int32_t *vector = claim->vectors;
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        timeline_add(&node->timeline, from_ms, until_ms, vector, sign);
        node->claims += sign < 0 ? 1 : UINT32_MAX;
        vector += node->layout->width;
    }
    s->use_version++;
}

/* Free amounts of @node as of now, less or more @vector. */
static void node_count(struct node *node, const int32_t *vector, int sign)
{
    const struct layout *layout = node->layout;
    const int32_t *gpus = vector + (size_t)2 * layout->numa;
    for (uint32_t n = 0; n < layout->numa; n++) {
        node->free_cores += sign * vector[n];
        node->free_memory_mib += sign * vector[layout->numa + n];
    }
    for (uint32_t i = 0; i < layout->gpus; i++) {
        node->gpu_milli += sign * gpus[i];
        /* Of what runs alone: the timeline's first step also lacks promises that are due. */
        node->whole_gpus -= node->gpus[i] == 1000;
        node->gpus[i] += sign * gpus[i];
        node->whole_gpus += node->gpus[i] == 1000;
    }
}

/* Moves @count lowest free cores of [first, first + span) from @free to @taken. */
static uint32_t pick(uint64_t *free, uint64_t *taken, uint32_t first, uint32_t span, uint32_t count)
{
    uint32_t end = first + span;
    uint32_t picked = 0;
    for (uint32_t w = first / 64; picked < count && w * 64 < end; w++) {
        uint64_t mask = free[w];
        if (w == first / 64)
            mask &= UINT64_MAX << (first % 64);
        if (end < (w + 1) * 64)
            mask &= (UINT64_C(1) << (end % 64)) - 1;
        uint32_t have = (uint32_t)__builtin_popcountll(mask);
        if (have > count - picked) {
            uint64_t some = 0;
            for (uint32_t i = picked; i < count; i++) {
                some |= mask & -mask;
                mask &= mask - 1;
            }
            mask = some;
            have = count - picked;
        }
        free[w] &= ~mask;
        taken[w] |= mask;
        picked += have;
    }
    return picked;
}

static uint32_t free_in(const uint64_t *free, uint32_t first, uint32_t span)
{
    uint32_t count = 0;
    for (uint32_t i = first; i < first + span; i++)
        count += stint_bit_has(free, i);
    return count;
}

/* Cores of one NUMA node, cache by cache: the tightest cache that holds all that is still missing,
 * else the emptiest whole one. */
static void pick_numa(const struct stint_shape *shape, uint64_t *free, uint64_t *taken,
                      uint32_t numa, uint32_t count)
{
    uint32_t first = shape->numa[numa].core_first;
    uint32_t end = first + shape->numa[numa].core_count;
    if (count == 0)
        return;
    if (shape->cores[first].cache == shape->cores[end - 1].cache) {
        uint32_t picked = pick(free, taken, first, end - first, count);
        assert(picked == count);
        (void)picked;
        return;
    }
    while (count > 0) {
        uint32_t best = UINT32_MAX;
        uint32_t best_span = 0;
        uint32_t best_free = 0;
        for (uint32_t i = first, span; i < end; i += span) {
            for (span = 1; i + span < end && shape->cores[i + span].cache == shape->cores[i].cache;)
                span++;
            uint32_t have = free_in(free, i, span);
            bool is_better = have >= count ? best_free < count || have < best_free
                                           : best_free < count && have > best_free;
            if (have > 0 && is_better) {
                best = i;
                best_span = span;
                best_free = have;
            }
        }
        assert(best != UINT32_MAX);
        count -= pick(free, taken, best, best_span, best_free < count ? best_free : count);
    }
}

/* The very cores, GPUs and bytes of one node's part of a claim. */
static void grant_fill(const struct node *node, const int32_t *vector, const struct need *need,
                       struct stint_grant *grant)
{
    const struct layout *layout = node->layout;
    for (uint32_t n = 0; n < layout->numa; n++) {
        pick_numa(layout->shape, node->cores, grant->cores, n, (uint32_t)vector[n]);
        grant->core_count += (uint32_t)vector[n];
        grant->numa_memory[n] = vector[layout->numa + n] * MIB;
        grant->memory_bytes += grant->numa_memory[n];
    }
    for (uint32_t i = 0; i < layout->gpus; i++) {
        if (vector[2 * layout->numa + i] == 0)
            continue;
        grant->gpus |= UINT64_C(1) << i;
        grant->gpu_count++;
        grant->gpu_milli = need->gpu_milli;
    }
}

/* Everything has been checked and reserved: the task runs, holding @claim and @allocation. */
static void hold(struct stint_scheduler *s, uint32_t number, struct claim *claim,
                 struct stint_allocation *allocation)
{
    struct job *job = &s->jobs[number];
    const int32_t *vector = claim->vectors;
    claim_apply(s, claim, TIME_START, job->ends_ms, -1);
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        node_count(node, vector, -1);
        vector += node->layout->width;
    }
    job->place = PLACE_RUNNING;
    job->claim = claim;
    job->allocation = allocation;
    heap_push(s, &s->running, number);
    s->running_count++;
    s->generation++;
}

int job_hold(struct stint_scheduler *s, uint32_t number, struct claim *claim,
             struct stint_allocation *allocation)
{
    int r = heap_reserve(&s->running);
    if (r == 0)
        r = claim_reserve(s, claim);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < allocation->grant_count; i++) {
        const struct stint_grant *grant = &allocation->grants[i];
        struct node *node = &s->nodes[grant->node];
        for (size_t w = 0; w < STINT_BIT_WORDS(node->layout->shape->core_count); w++)
            node->cores[w] &= ~grant->cores[w];
    }
    hold(s, number, claim, allocation);
    account_charge(s, &s->jobs[number], 1, false);
    fair_change(s, &s->jobs[number], 1, s->jobs[number].started_ms);
    return 0;
}

int job_start(struct stint_scheduler *s, uint32_t number, uint32_t *ret_started)
{
    struct claim *claim = NULL;
    struct stint_allocation *allocation = NULL;
    uint32_t started = number;
    int r = heap_reserve(&s->running);
    if (r == 0)
        r = claim_from_found(s, &claim);
    if (r == 0)
        r = claim_reserve(s, claim);
    if (r == 0)
        r = grant_new(s->machine, claim->nodes, claim->node_count, &allocation);
    if (r == 0)
        r = task_split(s, number, &started);
    if (r != 0) {
        (void)stint_allocation_free(allocation);
        free(claim);
        return r;
    }
    struct job *job = &s->jobs[started];
    const int32_t *vector = claim->vectors;
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        grant_fill(node, vector, &job->need, &allocation->grants[i]);
        vector += node->layout->width;
    }
    if (started == number)
        job_unqueue(s, number);
    else
        task_started(s, number, job->key.task);
    job->started_ms = s->now_ms;
    job->ends_ms = s->now_ms + job->walltime_ms;
    hold(s, started, claim, allocation);
    account_charge(s, job, 1, true);
    fair_change(s, job, 1, s->now_ms);
    *ret_started = started;
    return 0;
}

void job_release(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    const int32_t *vector = job->claim->vectors;
    heap_remove(s, &s->running, number);
    claim_apply(s, job->claim, TIME_START, job->ends_ms, 1);
    for (uint32_t i = 0; i < job->claim->node_count; i++) {
        struct node *node = &s->nodes[job->claim->nodes[i]];
        const struct stint_grant *grant = &job->allocation->grants[i];
        for (size_t w = 0; w < STINT_BIT_WORDS(node->layout->shape->core_count); w++)
            node->cores[w] |= grant->cores[w];
        node_count(node, vector, 1);
        vector += node->layout->width;
    }
    account_charge(s, job, -1, false);
    free(job->claim);
    job->claim = NULL;
    job->allocation = stint_allocation_free(job->allocation);
    s->running_count--;
    s->is_dirty = true;
    s->generation++;
}

/* Puts a promise into the timelines; room is reserved. */
static void promise(struct stint_scheduler *s, uint32_t number, struct claim *claim)
{
    claim_apply(s, claim, claim->start_ms, claim->end_ms, -1);
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        if (node->promises++ == 0 || claim->start_ms < node->first_promise_ms)
            node->first_promise_ms = claim->start_ms;
    }
    s->jobs[number].claim = claim;
}

int job_promise(struct stint_scheduler *s, uint32_t number)
{
    struct claim *claim = NULL;
    int r = claim_from_found(s, &claim);
    if (r == 0)
        r = claim_reserve(s, claim);
    if (r != 0) {
        free(claim);
        return r;
    }
    promise(s, number, claim);
    return 0;
}

struct claim *job_suspend_promise(struct stint_scheduler *s, uint32_t number)
{
    struct claim *claim = s->jobs[number].claim;
    claim_apply(s, claim, claim->start_ms, claim->end_ms, 1);
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        if (--node->promises == 0)
            node->first_promise_ms = TIME_NEVER;
    }
    s->jobs[number].claim = NULL;
    return claim;
}

void job_resume_promise(struct stint_scheduler *s, uint32_t number, struct claim *claim)
{
    promise(s, number, claim);
}

void job_drop_promise(struct stint_scheduler *s, uint32_t number)
{
    free(job_suspend_promise(s, number));
}

bool claim_holds(struct stint_scheduler *s, const struct job *job, struct claim *claim)
{
    const int32_t *vector = claim->vectors;
    if (claim->start_ms < s->now_ms) {
        claim->start_ms = s->now_ms;
        claim->end_ms = s->now_ms + job->walltime_ms;
    }
    for (uint32_t i = 0; i < claim->node_count; i++) {
        struct node *node = &s->nodes[claim->nodes[i]];
        if (node->state != STINT_NODE_UP)
            return false;
        timeline_least(node_view(s, claim->nodes[i], job), claim->start_ms, claim->end_ms,
                       s->scratch);
        for (uint32_t k = 0; k < node->layout->width; k++)
            if (s->scratch[k] < vector[k])
                return false;
        vector += node->layout->width;
    }
    return true;
}

void claim_to_found(struct stint_scheduler *s, const struct claim *claim)
{
    size_t widths = 0;
    for (uint32_t i = 0; i < claim->node_count; i++)
        widths += s->nodes[claim->nodes[i]].layout->width;
    memcpy(s->found.nodes, claim->nodes, claim->node_count * sizeof(*claim->nodes));
    memcpy(s->found.vectors, claim->vectors, widths * sizeof(*claim->vectors));
    s->found.node_count = claim->node_count;
    s->found.start_ms = claim->start_ms;
    s->found.end_ms = claim->end_ms;
}
