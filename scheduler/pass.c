/* Owns: the pass. What was promised is looked at first, then whose turn it is, then who may pass
 * without delaying a promise. Nothing is tried twice without a cause: after a pass, every task in
 * the queue is known not to fit, and only what is new can start until something is given back. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "stint/auto.h"

#define CHOOSE_MS  1000 /* heads are chosen anew at most so often: it costs a look at all */
#define NOBODY_MIN 1000 /* tasks from which on looking at all is not done every time */

struct pass {
    struct stint_start *starts;
    size_t start_max;
    size_t count;
    int r;
    bool has_charged; /* a start used up some of a limit */
    bool has_unkept; /* GPUs were given away for which cores were kept: others may have those now */
    /* The most any node has free: what needs more is passed over, by blocks. */
    int32_t cores_max;
    int32_t gpus_max;
    int64_t memory_max;
};

static bool is_full(const struct pass *pass)
{
    return pass->count == pass->start_max || pass->r != 0;
}

static void measure(const struct stint_scheduler *s, struct pass *pass)
{
    pass->cores_max = -1;
    pass->gpus_max = -1;
    pass->memory_max = -1;
    for (uint32_t i = 0; i < s->machine->node_count; i++) {
        const struct node *node = &s->nodes[i];
        int64_t memory = node->layout->has_memory ? node->free_memory_mib : INT32_MAX;
        if (node->state != STINT_NODE_UP)
            continue;
        pass->cores_max = node->free_cores > pass->cores_max ? node->free_cores : pass->cores_max;
        pass->gpus_max = node->gpu_milli > pass->gpus_max ? node->gpu_milli : pass->gpus_max;
        pass->memory_max = memory > pass->memory_max ? memory : pass->memory_max;
    }
}

/* @job has GPUs now, or will have: the cores that were kept for them are free for others. */
static void unkeep(const struct stint_scheduler *s, struct pass *pass, const struct job *job)
{
    pass->has_unkept |= job->need.gpus > 0 && s->policy.cores_per_free_gpu > 0;
}

/* Starts @number where the last search found room. False when it could not. */
static bool start(struct stint_scheduler *s, struct pass *pass, uint32_t number, bool is_backfill)
{
    uint32_t started = number;
    int r = job_start(s, number, &started);
    if (r != 0) {
        pass->r = r;
        return false;
    }
    const struct job *job = &s->jobs[started];
    pass->starts[pass->count++] = (struct stint_start){ .key = job->key,
                                                        .ends_ms = job->ends_ms,
                                                        .is_backfill = is_backfill,
                                                        .allocation = job->allocation };
    pass->has_charged |= job->account_count > 0;
    unkeep(s, pass, job);
    if (s->machine->node_count == 1)
        measure(s, pass);
    return true;
}

/* ---- promises */

/* In mode stint a head's reservation is a promise once its start is nearer than a tenth of what the
 * task has waited; until then another task with a larger factor may take its place. Promising at
 * once costs 2-14 % of slowdown on the shared logs, never promising costs nobody anything but the
 * certainty; a tenth is as good as never. */
static bool is_firm(const struct stint_scheduler *s, const struct job *job, int64_t start_ms)
{
    return s->policy.mode != STINT_MODE_STINT ||
           start_ms - s->now_ms <= (s->now_ms - job->ready_ms) / STINT_FIRM_WAITS;
}

/* Heads that were not promised anything give their reservations back, to be chosen anew. */
static void drop_soft_heads(struct stint_scheduler *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->head_count; i++) {
        struct job *job = &s->jobs[s->heads[i]];
        if (!job->is_soft) {
            s->heads[kept++] = s->heads[i];
            continue;
        }
        job_drop_promise(s, s->heads[i]);
        job->was_promised = false;
    }
    s->head_count = kept;
    s->chosen_ms = s->now_ms;
}

/* Looks at one promise again: the task starts, or its promise moves to where it is now earliest, or
 * stays. Places are chosen by rules of thumb that may miss a place that is there, so the promise
 * itself is the fallback. False when it is lost: a limit or a node forbids the start. */
static bool renew(struct stint_scheduler *s, struct pass *pass, uint32_t number)
{
    struct job *job = &s->jobs[number];
    struct claim *claim = job_suspend_promise(s, number);
    int64_t promised = claim->start_ms;
    bool is_kept = false;
    /* Called late: what starts late ends late, and may be in the way of the next. */
    s->is_shaken |= promised < s->now_ms;
    if (account_fits(s, job, NULL)) {
        bool is_found = search_earliest(s, job, s->now_ms, promised + 1);
        if (!is_found && claim_holds(s, job, claim)) {
            claim_to_found(s, claim);
            is_found = true;
        } else if (!is_found && search_earliest(s, job, s->now_ms, TIME_NEVER)) {
            is_found = true;
            s->promise_breaks += !s->is_shaken && !job->is_soft;
        }
        if (is_found && s->found.start_ms <= s->now_ms) {
            (void)start(s, pass, number, false);
        } else if (is_found && s->found.start_ms == claim->start_ms && claim_holds(s, job, claim)) {
            job_resume_promise(s, number, stint_take(claim));
            is_kept = true;
        } else if (is_found) {
            pass->r = job_promise(s, number);
            is_kept = pass->r == 0;
        }
    }
    free(claim);
    if (is_kept)
        job->is_soft = job->is_soft && !is_firm(s, job, job->claim->start_ms);
    return is_kept;
}

/* All heads, first promised first. */
static void renew_heads(struct stint_scheduler *s, struct pass *pass)
{
    for (uint32_t i = 0; i < s->head_count && !is_full(pass);) {
        uint32_t number = s->heads[i];
        size_t before = pass->count;
        if (renew(s, pass, number)) {
            i++;
        } else if (pass->count == before && s->jobs[number].place == PLACE_QUEUE) {
            s->jobs[number].was_promised = false;
            s->jobs[number].is_preempting = false;
            memmove(&s->heads[i], &s->heads[i + 1], (--s->head_count - i) * sizeof(*s->heads));
        } /* else it started, and the list moved up */
    }
}

/* Heads by their turn; those for whom others are stopped do not count. */
static uint32_t plain_heads(const struct stint_scheduler *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->head_count; i++)
        count += !s->jobs[s->heads[i]].is_preempting;
    return count;
}

/* @number is next: it starts or is promised a start. False when the turn ends with it. */
static bool take_turn(struct stint_scheduler *s, struct pass *pass, uint32_t number)
{
    bool by_factor = s->policy.mode == STINT_MODE_STINT;
    for (;;) { /* an array starts task by task, as long as the next one fits */
        const struct job *next = &s->jobs[number];
        if (!account_fits(s, next, NULL))
            return true; /* its limit is nobody else's trouble */
        if (!search_now(s, next, s->now_ms))
            break;
        bool is_lent = by_factor && turn_taken(s, &s->turns, number);
        if (!start(s, pass, number, false))
            return false;
        if (is_lent)
            return true; /* the next task of an array has its own turn */
        if (s->jobs[number].place != PLACE_QUEUE || is_full(pass))
            return true;
    }
    struct job *job = &s->jobs[number];
    if (s->reserved_max == 0)
        return false; /* fcfs, sjf: the head blocks */
    if (s->head_count < STINT_SCHEDULER_RESERVED_MAX &&
        search_earliest(s, job, s->now_ms, TIME_NEVER)) {
        pass->r = job_promise(s, number);
        if (pass->r != 0)
            return false;
        if (by_factor)
            (void)turn_taken(s, &s->turns, number);
        job->was_promised = true;
        job->is_soft = !is_firm(s, job, s->found.start_ms);
        s->heads[s->head_count++] = number;
    }
    return plain_heads(s) < s->reserved_max; /* no node is up for it: others go on */
}

/* Mode stint: the order is worked out anew, which looks at every task; where that found nobody to
 * promise anything, it is not done again for a while. Backfill starts what can start anyhow. */
static void take_turns_by_factor(struct stint_scheduler *s, struct pass *pass)
{
    uint32_t number = NO_JOB;
    if (s->main.count == s->head_count || s->now_ms - s->nobody_ms < CHOOSE_MS)
        return;
    s->turns.is_begun = false;
    s->turns.is_built = false;
    while (!is_full(pass) && (number = turn_next(s, &s->turns)) != NO_JOB)
        if (!take_turn(s, pass, number))
            return;
    if (number == NO_JOB && s->main.count > NOBODY_MIN)
        s->nobody_ms = s->now_ms;
}

/* Heads of the queue start in turn until as many wait with a promise as may. */
static void take_turns(struct stint_scheduler *s, struct pass *pass)
{
    struct cursor cursor = { 0 };
    if (s->reserved_max > 0 && plain_heads(s) >= s->reserved_max)
        return;
    if (s->policy.mode == STINT_MODE_STINT) {
        take_turns_by_factor(s, pass);
        return;
    }
    uint32_t number;
    while (!is_full(pass) && (number = queue_at(&s->main, &cursor)) != NO_JOB) {
        if (cursor.at == 0 && account_excludes(s, &s->main, cursor.block)) {
            cursor.block++;
            continue;
        }
        if (!s->jobs[number].claim && !take_turn(s, pass, number))
            break;
        if (s->jobs[number].place == PLACE_QUEUE)
            cursor.at++;
    }
}

/* ---- backfill */

/* Could it pass on a flat machine? Two comparisons instead of a search where they decide: 1 yes or
 * unknown, 0 no. */
static bool might_pass(const struct stint_scheduler *s, const struct job *job)
{
    const struct node *node = &s->nodes[0];
    if (s->machine->node_count != 1 || !node->layout->is_flat || node->promises != 1 ||
        node->bookings > 0 || s->now_ms + job->walltime_ms <= node->first_promise_ms)
        return true;
    const struct job *head = &s->jobs[s->heads[0]];
    if (!head->claim)
        return true;
    /* Nothing but ends lie before and behind the one promise: the least is at its start. */
    return s->head_extra >= job->need.cores;
}

static bool try_backfill(struct stint_scheduler *s, struct pass *pass, uint32_t number)
{
    const struct job *job = &s->jobs[number];
    if (job->claim || !might_pass(s, job) || !account_fits(s, job, NULL) ||
        !search_now(s, job, s->now_ms))
        return false;
    return start(s, pass, number, s->head_count > 0);
}

static void head_measure(struct stint_scheduler *s)
{
    s->head_extra = INT32_MAX;
    if (s->machine->node_count != 1 || !s->nodes[0].layout->is_flat || s->head_count != 1)
        return;
    const struct node *node = &s->nodes[0];
    const struct claim *claim = s->jobs[s->heads[0]].claim;
    timeline_least(&node->timeline, claim->start_ms, claim->start_ms + 1, s->scratch);
    s->head_extra = s->scratch[0];
}

/* The next block, @b or behind it, of which something might start. */
static uint32_t next_block(const struct stint_scheduler *s, const struct queue *queue,
                           const struct pass *pass, uint32_t b)
{
    for (; b < queue->block_count; b++) {
        const struct queue_least *least = &queue->least[b];
        if (least->cores <= pass->cores_max && least->gpus <= pass->gpus_max &&
            least->memory <= pass->memory_max && !account_excludes(s, queue, b))
            break;
    }
    return b;
}

static void backfill_all(struct stint_scheduler *s, struct pass *pass)
{
    struct queue *queue = s->has_backfill_queue ? &s->backfill : &s->main;
    struct cursor cursor = { 0 };
    uint32_t tried = 0;
    uint32_t number;
    head_measure(s);
    while (!is_full(pass)) {
        (void)queue_at(queue, &cursor); /* over the end of a block, onto the next */
        if (cursor.at == 0)
            cursor.block = next_block(s, queue, pass, cursor.block);
        if ((number = queue_at(queue, &cursor)) == NO_JOB)
            break;
        const struct queue_block *block = queue->blocks[cursor.block];
        if (block->cores[cursor.at] > pass->cores_max || block->gpus[cursor.at] > pass->gpus_max ||
            block->memory[cursor.at] > pass->memory_max) {
            cursor.at++;
            continue;
        }
        if (s->policy.try_max > 0 && tried++ >= s->policy.try_max)
            break;
        if (try_backfill(s, pass, number))
            head_measure(s);
        else
            cursor.at++;
    }
}

/* Only what is new, in the order of backfill. */
static void backfill_news(struct stint_scheduler *s, struct pass *pass)
{
    enum queue_order order = s->has_backfill_queue ? s->backfill.order : s->main.order;
    for (uint32_t i = 1; i < s->news_count; i++) {
        uint32_t number = s->news[i];
        uint32_t at = i;
        for (; at > 0 && queue_is_before(order, &s->jobs[number], &s->jobs[s->news[at - 1]]); at--)
            s->news[at] = s->news[at - 1];
        s->news[at] = number;
    }
    head_measure(s);
    for (uint32_t i = 0; i < s->news_count && !is_full(pass); i++) {
        while (!is_full(pass) && s->jobs[s->news[i]].place == PLACE_QUEUE &&
               s->jobs[s->news[i]].need.cores <= pass->cores_max &&
               try_backfill(s, pass, s->news[i]))
            head_measure(s);
    }
}

/* ---- conservative: every task has a promise */

static void conserve_task(struct stint_scheduler *s, struct pass *pass, uint32_t number)
{
    const struct job *job = &s->jobs[number];
    if (job->claim) {
        (void)renew(s, pass, number);
    } else if (account_fits(s, job, NULL) && search_earliest(s, job, s->now_ms, TIME_NEVER)) {
        if (s->found.start_ms <= s->now_ms) {
            (void)start(s, pass, number, false);
        } else {
            pass->r = job_promise(s, number);
            unkeep(s, pass, job);
        }
    }
}

/* An array goes on with its next task until one has to wait. */
static void conserve_one(struct stint_scheduler *s, struct pass *pass, uint32_t number)
{
    size_t before;
    do {
        before = pass->count;
        conserve_task(s, pass, number);
    } while (pass->count > before && !is_full(pass) && s->jobs[number].place == PLACE_QUEUE);
    const struct job *job = &s->jobs[number];
    if (job->place == PLACE_QUEUE && job->claim && job->claim->start_ms < s->next_promise_ms)
        s->next_promise_ms = job->claim->start_ms;
}

static void conserve(struct stint_scheduler *s, struct pass *pass, bool with_promises)
{
    struct cursor cursor = { 0 };
    uint32_t number;
    while (!is_full(pass) && (number = queue_at(&s->main, &cursor)) != NO_JOB) {
        if ((s->jobs[number].claim != NULL) == with_promises)
            conserve_one(s, pass, number);
        if (s->jobs[number].place == PLACE_QUEUE)
            cursor.at++;
    }
}

static void conserve_news(struct stint_scheduler *s, struct pass *pass)
{
    for (uint32_t i = 0; i < s->news_count && !is_full(pass); i++)
        if (s->jobs[s->news[i]].place == PLACE_QUEUE && !s->jobs[s->news[i]].claim)
            conserve_one(s, pass, s->news[i]);
}

static void pass_conservative(struct stint_scheduler *s, struct pass *pass)
{
    if (s->is_dirty || s->next_promise_ms <= s->now_ms) {
        s->next_promise_ms = TIME_NEVER;
        conserve(s, pass, true);
        /* Those that limits kept out, and the new ones. */
        conserve(s, pass, false);
    } else {
        conserve_news(s, pass);
    }
}

/* ---- one pass */

/* Runs past their limit hold on for a while longer, again and again until they end. */
static void extend_overdue(struct stint_scheduler *s)
{
    while (s->running.count > 0 && s->jobs[s->running.jobs[0]].ends_ms <= s->now_ms) {
        run_move_end(s, s->running.jobs[0], s->now_ms + OVERDUE_MS);
        if (s->head_count > 0 || s->policy.mode == STINT_MODE_CONSERVATIVE)
            s->is_dirty = true;
    }
}

static void admit_early(struct stint_scheduler *s)
{
    while (s->early.count > 0 && s->jobs[s->early.jobs[0]].begin_ms <= s->now_ms &&
           queue_reserve(&s->main) == 0 &&
           (!s->has_backfill_queue || queue_reserve(&s->backfill) == 0)) {
        uint32_t number = s->early.jobs[0];
        heap_remove(s, &s->early, number);
        job_queue(s, number);
    }
}

/* Did a start use up what a promised task would need of a limit? Then its promise must not stand in
 * anybody's way. */
static bool has_limited_promise(const struct stint_scheduler *s)
{
    for (uint32_t i = 0; i < s->head_count; i++)
        if (!account_fits(s, &s->jobs[s->heads[i]], NULL))
            return true;
    if (s->policy.mode != STINT_MODE_CONSERVATIVE)
        return false;
    struct cursor cursor = { 0 };
    for (uint32_t number; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++)
        if (s->jobs[number].claim && !account_fits(s, &s->jobs[number], NULL))
            return true;
    return false;
}

static void pass_run(struct stint_scheduler *s, struct pass *pass)
{
    measure(s, pass);
    switch (s->policy.mode) {
    case STINT_MODE_FCFS:
    case STINT_MODE_SJF:
        take_turns(s, pass);
        return;
    case STINT_MODE_CONSERVATIVE:
        pass_conservative(s, pass);
        return;
    case STINT_MODE_EASY:
    case STINT_MODE_EASY_SJBF:
    case STINT_MODE_STINT:
    case STINT_MODE_COUNT:
        break;
    }
    bool was_full = plain_heads(s) >= s->reserved_max;
    if (s->is_dirty && s->now_ms - s->chosen_ms >= CHOOSE_MS)
        drop_soft_heads(s);
    if (s->is_dirty)
        renew_heads(s, pass);
    take_turns(s, pass);
    if (s->is_dirty || !was_full)
        backfill_all(s, pass);
    else
        backfill_news(s, pass);
}

/* The earliest promised start. */
static int64_t first_promise(const struct stint_scheduler *s)
{
    int64_t first = s->policy.mode == STINT_MODE_CONSERVATIVE ? s->next_promise_ms : TIME_NEVER;
    for (uint32_t i = 0; i < s->head_count; i++) {
        const struct claim *claim = s->jobs[s->heads[i]].claim;
        if (claim && claim->start_ms < first)
            first = claim->start_ms;
    }
    return first;
}

int stint_scheduler_pass(struct stint_scheduler *s, int64_t now_ms, struct stint_start *starts,
                         size_t start_max, size_t *ret_count)
{
    struct pass pass = { .starts = starts, .start_max = start_max };
    assert(start_max > 0);
    *ret_count = 0;
    if (now_ms > s->now_ms) {
        int64_t before_ms = s->now_ms;
        s->now_ms = now_ms;
        clocks_pass(s, before_ms);
        extend_overdue(s);
        admit_early(s);
    }
    clocks_block(s);
    s->is_dirty |= booking_turn(s);
    if (s->is_away)
        return 0;
    if (first_promise(s) <= s->now_ms)
        s->is_dirty = true;
    uint32_t stop_count = s->stop_count;
    if (!s->is_dirty && s->news_count == 0 && s->preempt_ms <= s->now_ms) {
        preempt(s); /* only time went by: nothing else can have changed */
        s->is_dirty = s->stop_count > stop_count;
        s->generation++;
        return 0;
    }
    if (!s->is_dirty && s->news_count == 0)
        return 0;
    s->main.is_walked = true;
    s->backfill.is_walked = true;
    pass_run(s, &pass);
    while (!is_full(&pass) && (pass.has_unkept || (pass.has_charged && has_limited_promise(s)))) {
        pass.has_charged = false;
        pass.has_unkept = false;
        s->is_dirty = true;
        pass_run(s, &pass);
    }
    queue_walked(&s->main, s->jobs);
    queue_walked(&s->backfill, s->jobs);
    if (s->policy.preempts && s->policy.mode == STINT_MODE_STINT && !is_full(&pass))
        preempt(s);
    *ret_count = pass.count;
    s->generation++;
    /* Cut short: the rest is looked at whole next time; so is what stops have left room for. */
    s->is_dirty = is_full(&pass) || s->stop_count > stop_count;
    if (!s->is_dirty)
        s->is_shaken = false;
    while (s->news_count > 0)
        s->jobs[s->news[--s->news_count]].is_unseen = false;
    return pass.r;
}

int64_t stint_scheduler_next_ms(const struct stint_scheduler *s)
{
    if (s->is_away)
        return TIME_NEVER; /* nothing starts, whatever the time */
    int64_t next = s->is_dirty || s->news_count > 0 ? s->now_ms : first_promise(s);
    if (s->early.count > 0 && s->jobs[s->early.jobs[0]].begin_ms < next)
        next = s->jobs[s->early.jobs[0]].begin_ms;
    if (s->running.count > 0 && s->live_count > s->running_count &&
        s->jobs[s->running.jobs[0]].ends_ms < next)
        next = s->jobs[s->running.jobs[0]].ends_ms;
    if (s->main.count > 0 && s->preempt_ms < next)
        next = s->preempt_ms;
    if (s->live_count > s->running_count && s->boundary_ms < next)
        next = s->boundary_ms;
    return next;
}
