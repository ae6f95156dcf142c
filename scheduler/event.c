/* Owns: the events of tasks. An event moves a task between the queue, the waiting room and the
 * running ones, and notes what the next pass must look at. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* ---- places */

static int reserve_news(struct stint_scheduler *s)
{
    if (s->news_count < s->news_capacity)
        return 0;
    uint32_t capacity = s->news_capacity ? s->news_capacity * 2 : 64;
    uint32_t *news = realloc(s->news, capacity * sizeof(*news));
    if (!news)
        return -ENOMEM;
    s->news = news;
    s->news_capacity = capacity;
    return 0;
}

void job_queue(struct stint_scheduler *s, uint32_t number)
{
    s->jobs[number].place = PLACE_QUEUE;
    queue_insert(&s->main, s->jobs, number);
    if (s->has_backfill_queue)
        queue_insert(&s->backfill, s->jobs, number);
    if (reserve_news(s) == 0)
        s->news[s->news_count++] = number;
    else
        s->is_dirty = true; /* a whole pass finds it too */
    s->generation++;
}

static void forget_head(struct stint_scheduler *s, uint32_t number)
{
    for (uint32_t i = 0; i < s->head_count; i++) {
        if (s->heads[i] != number)
            continue;
        memmove(&s->heads[i], &s->heads[i + 1], (--s->head_count - i) * sizeof(*s->heads));
        return;
    }
}

void job_unpromise(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    if (job->claim) {
        job_drop_promise(s, number);
        s->is_dirty = true;
    }
    if (job->was_promised)
        forget_head(s, number);
    job->was_promised = false;
    job->is_preempting = false;
}

/* Out of the queue; a promise it had is free for others. */
void job_unqueue(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    queue_remove(&s->main, s->jobs, number);
    if (s->has_backfill_queue)
        queue_remove(&s->backfill, s->jobs, number);
    job_unpromise(s, number);
    job->place = PLACE_WAITING;
    s->generation++;
    if (s->policy.mode == STINT_MODE_FCFS || s->policy.mode == STINT_MODE_SJF)
        s->is_dirty = true;
}

static bool is_early(const struct stint_scheduler *s, const struct job *job)
{
    return job->place == PLACE_WAITING && !job->is_blocked && !job->never &&
           job->begin_ms > s->now_ms;
}

/* Into the queue if nothing but its turn stands in its way, else into the waiting room. Room was
 * reserved. */
static void settle(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    job->place = PLACE_WAITING;
    if (job->is_blocked || job->never)
        return;
    if (job->begin_ms > s->now_ms)
        heap_push(s, &s->early, number);
    else
        job_queue(s, number);
}

/* Out of the queue and the heap of early ones, wherever it is. */
static void unsettle(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    if (job->place == PLACE_QUEUE)
        job_unqueue(s, number);
    else if (is_early(s, job))
        heap_remove(s, &s->early, number);
}

/* ---- events of pending tasks */

static int check_ask(const struct stint_scheduler *s, const struct stint_ask *ask,
                     struct stint_error *err)
{
    if (ask->walltime_ms <= 0 || ask->walltime_ms > STINT_ASK_WALLTIME_MAX_MS)
        return stint_fail(err, STINT_INVALID, "a walltime is longer than 0");
    if (ask->gpu_milli > 1000 || (ask->gpu_milli > 0 && ask->gpu_milli < 1000 && ask->gpus != 1))
        return stint_fail(err, STINT_INVALID,
                          "a share of a GPU is of one GPU, 1 to 1000 thousandths");
    if (ask->cpus > INT32_MAX || ask->memory_bytes < 0 || ask->gpu_memory_bytes < 0 ||
        ask->cost_micro < 0 || ask->locality > STINT_PLACE_ANY || ask->priority < -100 ||
        ask->priority > 100 || ask->submit_ms < PASS_TIME_MIN || ask->submit_ms > -PASS_TIME_MIN)
        return stint_fail(err, STINT_INVALID, "an amount out of its bounds");
    if ((ask->key.task == STINT_TASK_WHOLE) != (ask->tasks && ask->tasks->count > 0))
        return stint_fail(err, STINT_INVALID, "an array has tasks, and no other job has");
    if (ask->account_count > STINT_ASK_ACCOUNT_MAX)
        return stint_fail(err, STINT_INVALID, "more than %d accounts", STINT_ASK_ACCOUNT_MAX);
    for (uint32_t i = 0; i < ask->account_count; i++)
        if (ask->accounts[i] >= s->account_count || !s->accounts[ask->accounts[i]].is_known)
            return stint_fail(err, STINT_INVALID, "account %u is not known", ask->accounts[i]);
    return 0;
}

int stint_scheduler_submit(struct stint_scheduler *s, const struct stint_ask *ask,
                           struct stint_error *err)
{
    int r = check_ask(s, ask, err);
    if (r != 0)
        return r;
    if (job_find(s, ask->key) != NO_JOB)
        return stint_fail(err, STINT_CONFLICT, "task %llu_%u is here already",
                          (unsigned long long)ask->key.job, ask->key.task);
    if (s->live_count >= STINT_SCHEDULER_JOB_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "more than %u tasks", STINT_SCHEDULER_JOB_MAX);
    r = job_reserve(s);
    if (r != 0)
        return r;
    struct stint_tasks *tasks = NULL;
    if (ask->tasks && !(tasks = stint_tasks_copy(ask->tasks)))
        return -ENOMEM;
    uint32_t number = job_new(s, ask);
    s->jobs[number].tasks = tasks;
    s->jobs[number].never = (uint8_t)never_code(s, ask);
    settle(s, number);
    return 0;
}

void job_withdraw(struct stint_scheduler *s, uint32_t number)
{
    unsettle(s, number);
    clock_unblock(s, number);
    job_forget(s, number);
}

int stint_scheduler_remove(struct stint_scheduler *s, struct stint_task_key key)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    job_withdraw(s, number);
    return 0;
}

const struct stint_reason *job_block(const struct stint_scheduler *s, uint32_t number)
{
    return &s->blocks[s->jobs[number].block_at].reason;
}

int stint_scheduler_set_blocked(struct stint_scheduler *s, struct stint_task_key key,
                                const struct stint_reason *reason)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    bool is_blocked = reason->code != STINT_REASON_NONE;
    int r = is_blocked ? 0 : job_reserve(s);
    if (r != 0)
        return r;
    struct job *job = &s->jobs[number];
    if (!is_blocked && !job->is_blocked)
        return 0;
    if (is_blocked && !job->is_blocked) {
        if (s->block_count == s->block_capacity) {
            uint32_t capacity = s->block_capacity ? s->block_capacity * 2 : 16;
            struct block *blocks = realloc(s->blocks, capacity * sizeof(*blocks));
            if (!blocks)
                return -ENOMEM;
            s->blocks = blocks;
            s->block_capacity = capacity;
        }
        unsettle(s, number);
        job->is_blocked = true;
        job->block_at = s->block_count++;
        s->blocks[job->block_at].since_ms = job->is_unseen ? job->ready_ms : TIME_NEVER;
        s->fresh_blocks += !job->is_unseen;
    }
    s->generation++;
    if (is_blocked) {
        s->blocks[job->block_at].job = number;
        s->blocks[job->block_at].reason = *reason;
        return 0;
    }
    clock_unblock(s, number);
    settle(s, number);
    return 0;
}

int stint_scheduler_set_priority(struct stint_scheduler *s, struct stint_task_key key,
                                 int32_t priority)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    int r = job_reserve(s);
    if (r != 0)
        return r;
    struct job *job = &s->jobs[number];
    bool is_queued = job->place == PLACE_QUEUE;
    s->is_dirty = true; /* what is only reserved for another, and not promised, may be for it now */
    if (!is_queued || !job->claim) {
        if (is_queued)
            job_unqueue(s, number);
        job->priority = priority;
        if (is_queued)
            settle(s, number);
        return 0;
    }
    /* One with a promise keeps it: only its place among those behind it changes. */
    queue_remove(&s->main, s->jobs, number);
    if (s->has_backfill_queue)
        queue_remove(&s->backfill, s->jobs, number);
    job->priority = priority;
    queue_insert(&s->main, s->jobs, number);
    if (s->has_backfill_queue)
        queue_insert(&s->backfill, s->jobs, number);
    return 0;
}

int stint_scheduler_set_begin(struct stint_scheduler *s, struct stint_task_key key,
                              int64_t begin_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    int r = job_reserve(s);
    if (r != 0)
        return r;
    unsettle(s, number);
    s->jobs[number].begin_ms = begin_ms ? begin_ms : INT64_MIN;
    if (begin_ms && begin_ms > s->jobs[number].ready_ms)
        s->jobs[number].ready_ms = begin_ms;
    settle(s, number);
    return 0;
}

int stint_scheduler_set_accounts(struct stint_scheduler *s, struct stint_task_key key,
                                 const uint32_t *accounts, uint32_t account_count,
                                 int64_t cost_micro)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    if (account_count > STINT_ASK_ACCOUNT_MAX || cost_micro < 0)
        return STINT_INVALID;
    for (uint32_t i = 0; i < account_count; i++)
        if (accounts[i] >= s->account_count || !s->accounts[accounts[i]].is_known)
            return STINT_INVALID;
    struct job *job = &s->jobs[number];
    memcpy(job->accounts, accounts, account_count * sizeof(*accounts));
    job->account_count = (uint8_t)account_count;
    job->cost_micro = cost_micro;
    if (job->place == PLACE_QUEUE) {
        queue_regroup(&s->main, s->jobs, number);
        if (s->has_backfill_queue)
            queue_regroup(&s->backfill, s->jobs, number);
    }
    s->is_dirty = true;
    s->generation++;
    return 0;
}

/* ---- events of running tasks */

/* What an adopted allocation takes, as a claim; STINT_CONFLICT when it is not free. */
static int claim_from_allocation(struct stint_scheduler *s, const struct need *need,
                                 const struct stint_allocation *allocation,
                                 struct claim **ret_claim, struct stint_error *err)
{
    uint32_t nodes[1];
    uint32_t *all =
        allocation->grant_count > 1 ? calloc(allocation->grant_count, sizeof(*all)) : nodes;
    if (!all)
        return -ENOMEM;
    for (uint32_t i = 0; i < allocation->grant_count; i++)
        all[i] = allocation->grants[i].node;
    int r = claim_new(s, all, allocation->grant_count, ret_claim);
    if (all != nodes)
        free(all);
    int32_t *vector = r == 0 ? (*ret_claim)->vectors : NULL;
    for (uint32_t i = 0; i < allocation->grant_count && r == 0; i++) {
        const struct node *node = &s->nodes[allocation->grants[i].node];
        r = grant_vector(node, &allocation->grants[i], need, vector);
        vector += node->layout->width;
    }
    if (r != 0) {
        free(*ret_claim);
        *ret_claim = NULL;
        return stint_fail(err, r, "what the run holds is taken, or is not there");
    }
    return 0;
}

/* What should have ended and has not is expected to end soon, again and again. */
static int64_t end_after_now(const struct stint_scheduler *s, int64_t ends_ms)
{
    return ends_ms > s->now_ms ? ends_ms : s->now_ms + OVERDUE_MS;
}

int stint_scheduler_adopt(struct stint_scheduler *s, const struct stint_ask *ask,
                          const struct stint_allocation *allocation, int64_t started_ms,
                          int64_t ends_ms, struct stint_error *err)
{
    struct claim *claim = NULL;
    struct stint_allocation *copy = NULL;
    int r = check_ask(s, ask, err);
    if (r == 0 && (allocation->grant_count == 0 || ends_ms > -PASS_TIME_MIN))
        r = stint_fail(err, STINT_INVALID, "a run holds something, and ends");
    if (r == 0 && job_find(s, ask->key) != NO_JOB)
        r = stint_fail(err, STINT_CONFLICT, "the task is here already");
    if (r == 0)
        r = job_reserve(s);
    struct need need;
    need_from_ask(ask, &need);
    if (r == 0)
        r = claim_from_allocation(s, &need, allocation, &claim, err);
    if (r == 0)
        r = stint_allocation_copy(s->machine, allocation, &copy);
    if (r != 0) {
        free(claim);
        return r;
    }
    grant_memory_from_claim(s, claim, copy);
    uint32_t number = job_new(s, ask);
    struct job *job = &s->jobs[number];
    job->started_ms = started_ms;
    job->ends_ms = end_after_now(s, ends_ms);
    job->nodes = allocation->grant_count;
    r = job_hold(s, number, claim, copy);
    if (r != 0) {
        free(claim);
        (void)stint_allocation_free(copy);
        job_forget(s, number);
        return r;
    }
    s->is_shaken = true; /* a promise may have counted on what it holds */
    s->is_dirty = true;
    return 0;
}

/* Nobody need be told to stop what has ended. */
static void forget_stop(struct stint_scheduler *s, uint32_t number)
{
    if (!s->jobs[number].is_stopping)
        return;
    for (uint32_t i = 0; i < s->stop_count; i++) {
        if (s->stops[i] != number)
            continue;
        memmove(&s->stops[i], &s->stops[i + 1], (--s->stop_count - i) * sizeof(*s->stops));
        return;
    }
}

int stint_scheduler_end(struct stint_scheduler *s, struct stint_task_key key, int64_t now_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING)
        return STINT_NOT_FOUND;
    if (!s->jobs[number].is_stopping)
        ratio_learn(s, &s->jobs[number], now_ms - s->jobs[number].started_ms);
    fair_change(s, &s->jobs[number], -1, now_ms);
    forget_stop(s, number);
    booking_end_of_run(s, &s->jobs[number], now_ms);
    job_release(s, number);
    job_forget(s, number);
    return 0;
}

int stint_scheduler_undo(struct stint_scheduler *s, struct stint_task_key key)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING)
        return STINT_NOT_FOUND;
    fair_change(s, &s->jobs[number], -1, s->jobs[number].started_ms);
    forget_stop(s, number);
    job_release(s, number);
    account_charge(s, &s->jobs[number], 1, false);
    account_charge(s, &s->jobs[number], -1, true);
    job_forget(s, number);
    return 0;
}

int stint_scheduler_set_ends(struct stint_scheduler *s, struct stint_task_key key, int64_t ends_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING || ends_ms > -PASS_TIME_MIN)
        return STINT_NOT_FOUND;
    run_move_end(s, number, end_after_now(s, ends_ms));
    s->is_dirty = true;
    return 0;
}
