/* Owns: where and when a task fits: now, or at the earliest instant. Nothing is changed but
 * s->found, which holds the answer. */
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* Free cores that tasks without GPUs leave alone, per free GPU. */
static uint32_t keep_for(const struct stint_scheduler *s, const struct need *need)
{
    return need->gpus > 0 ? 0 : s->policy.cores_per_free_gpu;
}

bool node_fits_empty(const struct node *node, const struct need *need, uint32_t keep)
{
    return place_could(node->layout, node->layout->total, need, keep);
}

/* Cores are kept for the GPUs that are free when the task starts, whatever becomes of them while it
 * runs: else mere time, or a promise to others, would let in who was kept out. @vector, the least
 * of its time, has them as they are in @step, where it starts. */
static void see_idle(const struct stint_scheduler *s, const struct layout *layout,
                     const struct need *need, const int32_t *step, int32_t *vector)
{
    size_t first = (size_t)2 * layout->numa;
    if (keep_for(s, need) > 0)
        memcpy(vector + first, step + first, layout->gpus * sizeof(*vector));
}

/* The step of @timeline in which @at is. */
static const int32_t *step_at(const struct timeline *timeline, int64_t at)
{
    uint32_t i = 0;
    while (i + 1 < timeline->count && timeline_until(timeline, i) <= at)
        i++;
    return timeline_step(timeline, i);
}

/* Sums of what is free now: necessary, never sufficient. */
static bool node_might(const struct node *node, const struct need *need)
{
    return node->state == STINT_NODE_UP && node->free_cores >= need->cores &&
           node->gpu_milli >= (int32_t)need->gpus * need->gpu_milli &&
           (!node->layout->has_memory || node->free_memory_mib >= need->memory_mib);
}

/* What is free on node @n for @job all the time from now until @until, as a borrowed vector. */
static const int32_t *node_window(struct stint_scheduler *s, uint32_t n, const struct job *job,
                                  int64_t until)
{
    const struct node *node = &s->nodes[n];
    const struct timeline *timeline = node_view(s, n, job);
    if (node->bookings == 0 && (node->promises == 0 || until <= node->first_promise_ms))
        return timeline_step(timeline, 0);
    timeline_least(timeline, TIME_START, until, s->scratch);
    see_idle(s, node->layout, &job->need, timeline_step(timeline, 0), s->scratch);
    return s->scratch;
}

/* A holder's task goes where its reservation is, if it fits in there: the rest is for all. */
static bool fits_inside(struct stint_scheduler *s, uint32_t n, const struct job *job,
                        const int32_t *free, int64_t until, int32_t *claim)
{
    const struct layout *layout = s->nodes[n].layout;
    int32_t inside[PLACE_WIDTH_MAX];
    if (s->nodes[n].bookings == 0 || !booking_inside(s, n, job, until, inside))
        return false;
    for (uint32_t k = 0; k < layout->width; k++)
        inside[k] = free[k] < inside[k] ? free[k] : inside[k];
    return place_fits(layout, inside, &job->need, keep_for(s, &job->need), claim);
}

/* Smaller is better: what leaves the rest of the machine most useful. Nodes whose GPUs are in use
 * already come before idle ones, those with fewer free GPU thousandths first; of nodes without
 * GPUs, which come first for tasks that need none, the tightest. On the 1,213 nodes and 6,212 GPUs
 * of the shared list this gives away as much as the best of the reference's rules, within 0.1
 * points. */
static int64_t node_score(const struct node *node)
{
    int64_t total = (int64_t)node->layout->gpus * 1000;
    bool is_idle = total > 0 && node->gpu_milli == total;
    return total > 0 ? (int64_t)is_idle << 40 | node->gpu_milli
                     : node->free_cores - (INT64_C(1) << 40);
}

static void found_one(struct stint_scheduler *s, uint32_t node, int64_t start_ms, int64_t end_ms)
{
    s->found.node_count = 1;
    s->found.nodes[0] = node;
    s->found.start_ms = start_ms;
    s->found.end_ms = end_ms;
}

static bool one_now(struct stint_scheduler *s, const struct job *job, int64_t end_ms)
{
    uint32_t keep = keep_for(s, &job->need);
    int32_t *claim = s->scratch + s->width_max;
    int64_t best_score = INT64_MAX;
    for (uint32_t i = 0; i < s->machine->node_count; i++) {
        struct node *node = &s->nodes[i];
        if (!node_might(node, &job->need))
            continue;
        int64_t score = node_score(node);
        if (score >= best_score && node->bookings == 0)
            continue;
        const int32_t *window = node_window(s, i, job, end_ms);
        if (fits_inside(s, i, job, window, end_ms, claim))
            score -= INT64_C(1) << 50;
        else if (score >= best_score || !place_fits(node->layout, window, &job->need, keep, claim))
            continue;
        best_score = score;
        memcpy(s->found.vectors, claim, node->layout->width * sizeof(*claim));
        found_one(s, i, s->now_ms, end_ms);
    }
    return best_score != INT64_MAX;
}

/* As node_score(), of a node that has @free. */
static int64_t vector_score(const struct layout *layout, const int32_t *free)
{
    int64_t total = (int64_t)layout->gpus * 1000;
    int64_t milli = 0;
    int64_t cores = 0;
    for (uint32_t g = 0; g < layout->gpus; g++)
        milli += free[2 * layout->numa + g];
    for (uint32_t n = 0; n < layout->numa; n++)
        cores += free[n];
    return total > 0 ? (int64_t)(milli == total) << 40 | milli : cores - (INT64_C(1) << 40);
}

static int compare_choices(const void *left, const void *right)
{
    const struct choice *a = left;
    const struct choice *b = right;
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static int compare_nodes(const void *left, const void *right)
{
    const struct choice *a = left;
    const struct choice *b = right;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* Every node where the task fits during [@start, @end); their claims one after the other. */
static uint32_t choices_at(struct stint_scheduler *s, const struct job *job, int64_t start_ms,
                           int64_t end_ms)
{
    uint32_t keep = keep_for(s, &job->need);
    int32_t *claim = s->choice_claims;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->machine->node_count; i++) {
        struct node *node = &s->nodes[i];
        if (node->state != STINT_NODE_UP)
            continue;
        const struct timeline *timeline = node_view(s, i, job);
        const int32_t *step = step_at(timeline, start_ms);
        int64_t score = vector_score(node->layout, step);
        timeline_least(timeline, start_ms, end_ms, s->scratch);
        see_idle(s, node->layout, &job->need, step, s->scratch);
        if (start_ms == s->now_ms && fits_inside(s, i, job, s->scratch, end_ms, claim))
            score -= INT64_C(1) << 50;
        else if (!place_fits(node->layout, s->scratch, &job->need, keep, claim))
            continue;
        s->choices[count++] = (struct choice){ score, i, claim };
        claim += node->layout->width;
    }
    return count;
}

/* As many nodes as the task asks for that fit during [@start, @end): those that one_now() would
 * choose one by one, so that idle ones stay whole; in order of their numbers. */
static bool several_at(struct stint_scheduler *s, const struct job *job, int64_t start_ms,
                       int64_t end_ms)
{
    uint32_t count = choices_at(s, job, start_ms, end_ms);
    int32_t *claim = s->found.vectors;
    s->found.node_count = 0;
    if (count < job->nodes)
        return false;
    qsort(s->choices, count, sizeof(*s->choices), compare_choices);
    qsort(s->choices, job->nodes, sizeof(*s->choices), compare_nodes);
    for (uint32_t i = 0; i < job->nodes; i++) {
        uint32_t width = s->nodes[s->choices[i].node].layout->width;
        memcpy(claim, s->choices[i].claim, width * sizeof(*claim));
        claim += width;
        s->found.nodes[i] = s->choices[i].node;
    }
    s->found.node_count = job->nodes;
    s->found.start_ms = start_ms;
    s->found.end_ms = end_ms;
    return true;
}

bool search_now(struct stint_scheduler *s, const struct job *job, int64_t now_ms)
{
    int64_t end_ms = now_ms + job->walltime_ms;
    return job->nodes == 1 ? one_now(s, job, end_ms) : several_at(s, job, now_ms, end_ms);
}

/* The step from which on @claim fits on a flat node for its whole time, at or after step @i; its
 * start is before @before_ms. UINT32_MAX when there is none. A step that is too small rules out
 * every start before it, so each step is looked at once. */
static uint32_t flat_earliest(const struct timeline *timeline, const int32_t *claim,
                              int64_t walltime_ms, int64_t now_ms, int64_t before_ms)
{
    int32_t cores = claim[0];
    int32_t memory = claim[1];
    uint32_t i = 0;
    int64_t start = now_ms;
    for (uint32_t j = 0; j < timeline->count; j++) {
        const int32_t *step = timeline_step(timeline, j);
        if (j > i && timeline_time(timeline, j) >= start + walltime_ms)
            return i;
        if (step[0] < cores || step[1] < memory) {
            if (j + 1 == timeline->count)
                return UINT32_MAX;
            i = j + 1;
            start = timeline_time(timeline, i);
            if (start >= before_ms)
                return UINT32_MAX;
        }
    }
    return i;
}

static uint32_t node_earliest(struct stint_scheduler *s, const struct layout *layout,
                              const struct timeline *timeline, const struct job *job,
                              int64_t before_ms, int32_t *claim)
{
    uint32_t keep = keep_for(s, &job->need);
    for (uint32_t i = 0; i < timeline->count; i++) {
        int64_t start = i == 0 ? s->now_ms : timeline_time(timeline, i);
        int64_t end = start + job->walltime_ms;
        uint32_t j = i;
        if (start >= before_ms)
            return UINT32_MAX;
        for (; j < timeline->count && (j == i || timeline_time(timeline, j) < end); j++)
            if (!place_could(layout, timeline_step(timeline, j), &job->need, 0))
                break;
        if (j < timeline->count && (j == i || timeline_time(timeline, j) < end)) {
            i = j;
            continue;
        }
        timeline_least(timeline, i == 0 ? TIME_START : start, end, s->scratch);
        see_idle(s, layout, &job->need, timeline_step(timeline, i), s->scratch);
        if (place_fits(layout, s->scratch, &job->need, keep, claim))
            return i;
    }
    return UINT32_MAX;
}

static bool one_earliest(struct stint_scheduler *s, const struct job *job, int64_t before_ms)
{
    int32_t *claim = s->scratch + s->width_max;
    bool is_found = false;
    for (uint32_t n = 0; n < s->machine->node_count; n++) {
        struct node *node = &s->nodes[n];
        if (node->state != STINT_NODE_UP)
            continue;
        const struct timeline *timeline = node_view(s, n, job);
        uint32_t i;
        if (node->layout->is_flat) {
            if (job->need.gpus > 0)
                continue;
            claim[0] = job->need.cores;
            claim[1] = node->layout->has_memory ? job->need.memory_mib : 0;
            i = flat_earliest(timeline, claim, job->walltime_ms, s->now_ms, before_ms);
        } else {
            i = node_earliest(s, node->layout, timeline, job, before_ms, claim);
        }
        if (i == UINT32_MAX)
            continue;
        int64_t start = i == 0 ? s->now_ms : timeline_time(timeline, i);
        if (start >= before_ms)
            continue;
        before_ms = start;
        is_found = true;
        memcpy(s->found.vectors, claim, node->layout->width * sizeof(*claim));
        found_one(s, n, start, start + job->walltime_ms);
    }
    return is_found;
}

/* The first instant after @at at which any node changes. */
static int64_t next_change(const struct stint_scheduler *s, int64_t at)
{
    int64_t next = booking_change(s, at);
    for (uint32_t n = 0; n < s->machine->node_count; n++) {
        const struct timeline *timeline = &s->nodes[n].timeline;
        for (uint32_t i = 1; i < timeline->count; i++) {
            int64_t time = timeline_time(timeline, i);
            if (time > at) {
                next = time < next ? time : next;
                break;
            }
        }
    }
    return next;
}

bool search_earliest(struct stint_scheduler *s, const struct job *job, int64_t now_ms,
                     int64_t before_ms)
{
    if (job->nodes == 1)
        return one_earliest(s, job, before_ms);
    for (int64_t at = now_ms; at < before_ms; at = next_change(s, at))
        if (several_at(s, job, at, at + job->walltime_ms))
            return true;
    return false;
}
