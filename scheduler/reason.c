/* Owns: why a pending task does not run. Nothing is remembered from passes: a reason is worked out
 * from the present state when somebody asks, so it is true now. */
#include <stdlib.h>

#include "core.h"

enum { GPUS, CORES, MEMORY, THINGS };

/* Amounts over nodes, in the units of limits: thousandths of GPUs, cores, MiB. @usable: of what is
 * free, what could serve the task: whole GPUs for whole ones; cores that are not kept for free
 * GPUs.
 */
struct amounts {
    int64_t total[THINGS];
    int64_t free[THINGS];
    int64_t usable[THINGS];
};

/* @keep: cores that tasks without GPUs leave for each free GPU. */
static void count_node(const struct node *node, const struct need *need, uint32_t keep,
                       struct amounts *amounts)
{
    const struct layout *layout = node->layout;
    const int32_t *now = timeline_step(&node->timeline, 0);
    uint64_t served = need->gpus > 0 ? place_eligible(layout, layout->total, need) : 0;
    amounts->total[GPUS] += INT64_C(1000) * __builtin_popcountll(served);
    if (need->gpus > 0)
        amounts->usable[GPUS] +=
            (int64_t)need->gpu_milli * __builtin_popcountll(place_eligible(layout, now, need));
    for (; served; served &= served - 1)
        amounts->free[GPUS] += now[2 * layout->numa + (uint32_t)__builtin_ctzll(served)];
    for (uint32_t n = 0; n < layout->numa; n++) {
        amounts->total[CORES] += layout->total[n];
        amounts->total[MEMORY] += layout->total[layout->numa + n];
    }
    int64_t kept = need->gpus > 0 ? 0 : (int64_t)keep * node->whole_gpus;
    amounts->free[CORES] += node->free_cores;
    amounts->usable[CORES] += node->free_cores > kept ? node->free_cores - kept : 0;
    amounts->free[MEMORY] += layout->has_memory ? node->free_memory_mib : INT32_MAX;
}

/* How many nodes of the given states could take @job now (or empty), promises left aside. */
static uint32_t count_fits(struct stint_scheduler *s, const struct job *job, uint32_t states,
                           bool when_empty)
{
    uint32_t keep = job->need.gpus > 0 ? 0 : s->policy.cores_per_free_gpu;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->machine->node_count && count < job->nodes; i++) {
        struct node *node = &s->nodes[i];
        if (!(states >> node->state & 1))
            continue;
        timeline_trim(&node->timeline, s->now_ms);
        /* What runs is in step 0, and so is a promise that is due; such a one is about to start. */
        count += when_empty ? node_fits_empty(node, &job->need, keep)
                            : place_could(node->layout, timeline_step(&node->timeline, 0),
                                          &job->need, keep);
    }
    return count;
}

/* The scarcest of GPUs, cores, memory: the first of which less is free than is asked for; if all
 * are enough in sum, the one of which least more is there. Where enough is free and cannot be had
 * together, Capacity is Fragmented. */
static void fill_figures(const struct stint_scheduler *s, const struct job *job,
                         struct stint_reason *reason)
{
    static const enum stint_limit limits[THINGS] = { STINT_LIMIT_GPU_MILLI, STINT_LIMIT_CORES,
                                                     STINT_LIMIT_MEMORY };
    struct amounts amounts = { { 0 }, { 0 }, { 0 } };
    int64_t asked[THINGS] = { (int64_t)job->need.gpus * job->need.gpu_milli, job->need.cores,
                              job->need.memory_mib };
    int worst = CORES;
    double worst_share = 2.0;
    for (uint32_t i = 0; i < s->machine->node_count; i++)
        if (s->nodes[i].state == STINT_NODE_UP)
            count_node(&s->nodes[i], &job->need, s->policy.cores_per_free_gpu, &amounts);
    amounts.usable[MEMORY] = amounts.free[MEMORY];
    for (int i = 0; i < THINGS; i++) {
        asked[i] *= job->nodes;
        if (asked[i] == 0)
            continue;
        double share = (double)amounts.usable[i] / (double)asked[i];
        if (share < worst_share && (worst_share > 1.0 || share < 1.0)) {
            worst = i;
            worst_share = share < 1.0 ? 0.0 : share;
        }
    }
    int64_t unit = worst == MEMORY ? MIB : 1;
    bool is_kept = worst == CORES && amounts.free[CORES] >= asked[CORES] && worst_share < 1.0;
    reason->what = (uint32_t)limits[worst] + 1;
    reason->asked = asked[worst] * unit;
    reason->limit = amounts.total[worst] * unit;
    reason->used = (amounts.total[worst] - amounts.free[worst]) * unit;
    reason->kept = is_kept ? amounts.free[CORES] - amounts.usable[CORES] : 0;
    if (reason->code == STINT_REASON_Capacity && !is_kept && amounts.free[worst] >= asked[worst])
        reason->code = STINT_REASON_Fragmented;
}

enum { UP = 1 << STINT_NODE_UP, DRAINING = 1 << STINT_NODE_DRAINING, DOWN = 1 << STINT_NODE_DOWN };

/* Why a task in the queue was not started by the last pass. */
static struct stint_reason waiting_reason(struct stint_scheduler *s, const struct job *job)
{
    struct stint_reason reason = { .code = STINT_REASON_Capacity, .account = STINT_NO_ACCOUNT };
    if (job->claim && !job->is_soft)
        reason.until_ms = job->claim->start_ms;
    if (s->is_away) {
        reason.code = STINT_REASON_EngineAway;
        return reason;
    }
    if (job->is_preempting) {
        reason.code = STINT_REASON_Preempting;
        fill_figures(s, job, &reason);
        return reason;
    }
    if (count_fits(s, job, UP, false) >= job->nodes) {
        bool can_pass = job->claim == NULL && search_now(s, job, s->now_ms);
        const struct booking *booking = can_pass ? NULL : booking_blocks(s, job);
        if (!booking && !can_pass)
            (void)booking_each(s, job, &booking, 1);
        if (booking) {
            reason.reservation = booking->reservation;
            reason.until_ms = booking->until_ms;
        }
        reason.code = can_pass ? STINT_REASON_Priority : STINT_REASON_Reserved;
        fill_figures(s, job, &reason);
        if (can_pass)
            reason.used = 0;
        return reason;
    }
    /* Would nodes that are not up help: because only they could ever hold it, or now? */
    bool when_empty = count_fits(s, job, UP, true) < job->nodes;
    if (when_empty || count_fits(s, job, UP | DRAINING | DOWN, false) >= job->nodes) {
        bool is_draining = count_fits(s, job, UP | DRAINING, when_empty) >= job->nodes;
        reason.code = is_draining ? STINT_REASON_NodeDraining : STINT_REASON_NodeDown;
    }
    fill_figures(s, job, &reason);
    return reason;
}

static struct stint_reason never_reason(const struct stint_scheduler *s, const struct job *job)
{
    struct stint_reason reason = { 0 };
    struct stint_ask ask;
    job_ask(s, job, &ask);
    (void)stint_scheduler_fits_ever(s, &ask, &reason, NULL, NULL);
    return reason;
}

static int by_headline(const void *a, const void *b)
{
    const struct stint_reason *x = a;
    const struct stint_reason *y = b;
    enum stint_reason_class cx = stint_reason_class(x->code);
    enum stint_reason_class cy = stint_reason_class(y->code);
    if (cx != cy)
        return cx < cy ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

#define BOOKINGS_MAX 8 /* reservations in the way that are told */
#define REASONS_MAX  (STINT_ASK_ACCOUNT_MAX * STINT_LIMIT_COUNT + 5 + BOOKINGS_MAX)

/* Every reservation that keeps @job from starting now, but the one that is the headline. */
static size_t booking_reasons(struct stint_scheduler *s, const struct job *job, uint32_t headline,
                              struct stint_reason *reasons)
{
    const struct booking *bookings[BOOKINGS_MAX];
    size_t found = booking_each(s, job, bookings, BOOKINGS_MAX);
    size_t count = 0;
    for (size_t i = 0; i < found; i++)
        if (bookings[i]->reservation != headline)
            reasons[count++] = (struct stint_reason){ .code = STINT_REASON_Reserved,
                                                      .account = STINT_NO_ACCOUNT,
                                                      .reservation = bookings[i]->reservation,
                                                      .until_ms = bookings[i]->until_ms };
    return count;
}

static size_t collect(struct stint_scheduler *s, uint32_t number,
                      struct stint_reason reasons[REASONS_MAX])
{
    const struct job *job = &s->jobs[number];
    size_t count = 0;
    if (job->place == PLACE_RUNNING)
        return 0;
    if (job->never) {
        reasons[0] = never_reason(s, job);
        return 1;
    }
    if (job->is_blocked)
        reasons[count++] = *job_block(s, number);
    if (job->begin_ms > s->now_ms)
        reasons[count++] = (struct stint_reason){ .code = STINT_REASON_BeforeBeginTime,
                                                  .account = STINT_NO_ACCOUNT,
                                                  .until_ms = job->begin_ms };
    count += account_reasons(s, job, reasons + count, REASONS_MAX - count - 2 - BOOKINGS_MAX);
    struct stint_reason waiting = waiting_reason(s, job);
    bool is_queued = job->place == PLACE_QUEUE && count == 0;
    /* Room that it would pass into counts as an obstacle only for who stands in the queue. */
    if (waiting.code != STINT_REASON_Priority || is_queued)
        reasons[count++] = waiting;
    uint32_t rank = job->place == PLACE_QUEUE && s->main.order == ORDER_TURN
                        ? queue_rank(&s->main, s->jobs, number)
                        : 0;
    if (rank > 0 && waiting.code != STINT_REASON_Priority)
        reasons[count++] = (struct stint_reason){ .code = STINT_REASON_Priority,
                                                  .account = STINT_NO_ACCOUNT,
                                                  .used = rank };
    qsort(reasons, count, sizeof(*reasons), by_headline);
    /* What will be in the way comes behind what is. */
    return count + booking_reasons(s, job, waiting.reservation, reasons + count);
}

struct stint_reason stint_scheduler_reason(const struct stint_scheduler *s,
                                           struct stint_task_key key)
{
    struct stint_reason reasons[REASONS_MAX];
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || collect(asked(s), number, reasons) == 0)
        return (struct stint_reason){ .account = STINT_NO_ACCOUNT };
    return reasons[0];
}

size_t stint_scheduler_blockers(const struct stint_scheduler *s, struct stint_task_key key,
                                struct stint_reason *ret_reasons, size_t max)
{
    struct stint_reason reasons[REASONS_MAX];
    uint32_t number = job_find(s, key);
    size_t count = number == NO_JOB ? 0 : collect(asked(s), number, reasons);
    count = count < max ? count : max;
    for (size_t i = 0; i < count; i++)
        ret_reasons[i] = reasons[i];
    return count;
}
