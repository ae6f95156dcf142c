/* Owns: the life of a scheduler and the events that reach it. An event moves a task between the
 * queue, the waiting room and the running ones, and notes what the next pass must look at. */
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
        if (!node->cores || timeline_init(&node->timeline, layout->width, layout->total) != 0)
            return -ENOMEM;
        for (uint32_t c = 0; c < shape->core_count; c++)
            node->cores[c / 64] |= UINT64_C(1) << (c % 64);
        for (uint32_t n = 0; n < layout->numa; n++) {
            node->free_cores += layout->total[n];
            node->free_memory_mib += layout->total[layout->numa + n];
        }
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
    s->index = calloc(64, sizeof(*s->index));
    s->index_mask = 63;
    return s->scratch && s->found.nodes && s->found.vectors && s->index ? 0 : -ENOMEM;
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
    s->free_job = NO_JOB;
    s->next_promise_ms = TIME_NEVER;
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
    }
    for (uint32_t i = 0; s->nodes && i < s->machine->node_count; i++) {
        timeline_deinit(&s->nodes[i].timeline);
        free(s->nodes[i].cores);
    }
    for (uint32_t i = 0; s->layouts && i < s->machine->shape_count; i++)
        layout_deinit(&s->layouts[i]);
    queue_deinit(&s->main);
    queue_deinit(&s->backfill);
    plan_free(s->plan);
    free(s->layouts);
    free(s->nodes);
    free(s->jobs);
    free(s->index);
    free(s->running.jobs);
    free(s->early.jobs);
    free(s->blocks);
    free(s->news);
    free(s->accounts);
    free(s->scratch);
    free(s->found.nodes);
    free(s->found.vectors);
    free(s->ratios.milli);
    free(s->turns.turns);
    free(s->stops);
    free(s);
    return NULL;
}

/* ---- the index of keys */

static uint32_t key_hash(struct stint_task_key key)
{
    uint64_t h = (key.job * UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)key.task << 32 | key.task);
    h *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(h >> 32);
}

static bool key_is(const struct job *job, struct stint_task_key key)
{
    return job->key.job == key.job && job->key.task == key.task;
}

uint32_t job_find(const struct stint_scheduler *s, struct stint_task_key key)
{
    for (uint32_t i = key_hash(key) & s->index_mask; s->index[i]; i = (i + 1) & s->index_mask)
        if (key_is(&s->jobs[s->index[i] - 1], key))
            return s->index[i] - 1;
    return NO_JOB;
}

static void index_put(struct stint_scheduler *s, uint32_t number)
{
    uint32_t i = key_hash(s->jobs[number].key) & s->index_mask;
    while (s->index[i])
        i = (i + 1) & s->index_mask;
    s->index[i] = number + 1;
}

static void index_take(struct stint_scheduler *s, uint32_t number)
{
    uint32_t mask = s->index_mask;
    uint32_t gap = key_hash(s->jobs[number].key) & mask;
    while (s->index[gap] != number + 1)
        gap = (gap + 1) & mask;
    /* Close the gap, so that no chain is broken (Knuth, volume 3, 6.4, algorithm R). */
    for (uint32_t i = (gap + 1) & mask; s->index[i]; i = (i + 1) & mask) {
        uint32_t home = key_hash(s->jobs[s->index[i] - 1].key) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            s->index[gap] = s->index[i];
            gap = i;
        }
    }
    s->index[gap] = 0;
}

static int index_reserve(struct stint_scheduler *s)
{
    uint32_t size = s->index_mask + 1;
    if (s->live_count + 1 <= size / 4 * 3)
        return 0;
    uint32_t *old = s->index;
    uint32_t *index = calloc((size_t)size * 2, sizeof(*index));
    if (!index)
        return -ENOMEM;
    s->index = index;
    s->index_mask = size * 2 - 1;
    for (uint32_t i = 0; i < size; i++)
        if (old[i])
            index_put(s, old[i] - 1);
    free(old);
    return 0;
}

/* ---- records */

static int reserve_records(struct stint_scheduler *s)
{
    if (s->free_job != NO_JOB || s->job_count < s->job_capacity)
        return 0;
    /* An eighth more: a doubling would cost more than all else of a pending job. */
    uint32_t capacity = s->job_capacity + s->job_capacity / 8 + 64;
    struct job *jobs = realloc(s->jobs, capacity * sizeof(*jobs));
    if (!jobs)
        return -ENOMEM;
    s->jobs = jobs;
    s->job_capacity = capacity;
    return 0;
}

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

/* Room for one more task anywhere it may go. */
static int reserve_job(struct stint_scheduler *s)
{
    int r = index_reserve(s);
    if (r == 0)
        r = reserve_records(s);
    if (r == 0)
        r = queue_reserve(&s->main);
    if (r == 0 && s->has_backfill_queue)
        r = queue_reserve(&s->backfill);
    if (r == 0)
        r = heap_reserve(&s->early);
    return r;
}

static uint32_t job_new(struct stint_scheduler *s, const struct stint_ask *ask)
{
    uint32_t number = s->free_job;
    if (number != NO_JOB)
        s->free_job = s->jobs[number].heap_at;
    else
        number = s->job_count++;
    struct job *job = &s->jobs[number];
    *job = (struct job){ .key = ask->key,
                         .sequence = s->next_sequence++,
                         .walltime_ms = ask->walltime_ms,
                         .expected_ms = ask->expected_ms > 0 && ask->expected_ms < ask->walltime_ms
                                            ? ask->expected_ms
                                            : ask->walltime_ms,
                         .submit_ms = ask->submit_ms,
                         .begin_ms = ask->begin_ms ? ask->begin_ms : INT64_MIN,
                         .cost_micro = ask->cost_micro,
                         .attained_ms = ask->attained_ms > 0 ? ask->attained_ms : 0,
                         .priority = ask->priority,
                         .user = ask->user,
                         .fair_account = ask->fair_account,
                         .nodes = ask->nodes ? ask->nodes : 1,
                         .account_count = (uint8_t)ask->account_count,
                         .is_preemptible = ask->preemptible };
    need_from_ask(ask, &job->need);
    memcpy(job->accounts, ask->accounts, ask->account_count * sizeof(*ask->accounts));
    index_put(s, number);
    s->live_count++;
    return number;
}

static void job_forget(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    index_take(s, number);
    job->place = PLACE_FREE;
    job->heap_at = s->free_job;
    s->free_job = number;
    s->live_count--;
    s->generation++;
}

void job_ask(const struct stint_scheduler *s, const struct job *job, struct stint_ask *ask)
{
    (void)s;
    *ask = (struct stint_ask){ .key = job->key,
                               .cpus = (uint32_t)job->need.cores,
                               .gpus = job->need.gpus,
                               .gpu_milli = job->need.gpu_milli,
                               .gpu_type = job->need.gpu_type,
                               .locality = job->need.locality,
                               .preemptible = job->is_preemptible,
                               .nodes = job->nodes,
                               .priority = job->priority,
                               .user = job->user,
                               .gpu_memory_bytes = job->need.gpu_memory_mib * MIB,
                               .memory_bytes = job->need.memory_mib * MIB,
                               .walltime_ms = job->walltime_ms,
                               .expected_ms = job->expected_ms,
                               .submit_ms = job->submit_ms,
                               .begin_ms = job->begin_ms == INT64_MIN ? 0 : job->begin_ms,
                               .cost_micro = job->cost_micro,
                               .attained_ms = job->attained_ms,
                               .fair_account = job->fair_account,
                               .account_count = job->account_count };
    memcpy(ask->accounts, job->accounts, sizeof(ask->accounts));
}

/* ---- places */

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

/* Out of the queue; a promise it had is free for others. */
void job_unqueue(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    queue_remove(&s->main, s->jobs, number);
    if (s->has_backfill_queue)
        queue_remove(&s->backfill, s->jobs, number);
    if (job->claim) {
        job_drop_promise(s, number);
        s->is_dirty = true;
    }
    if (job->was_promised)
        forget_head(s, number);
    job->was_promised = false;
    job->is_preempting = false;
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
    r = reserve_job(s);
    if (r != 0)
        return r;
    uint32_t number = job_new(s, ask);
    s->jobs[number].never = (uint8_t)never_code(s, ask);
    settle(s, number);
    return 0;
}

static void unblock(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    if (!job->is_blocked)
        return;
    s->blocks[job->block_at] = s->blocks[--s->block_count];
    s->jobs[s->blocks[job->block_at].job].block_at = job->block_at;
    job->is_blocked = false;
}

int stint_scheduler_remove(struct stint_scheduler *s, struct stint_task_key key)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    unsettle(s, number);
    unblock(s, number);
    job_forget(s, number);
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
    int r = reserve_job(s);
    if (r != 0)
        return r;
    struct job *job = &s->jobs[number];
    bool is_blocked = reason->code != STINT_REASON_NONE;
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
    }
    s->generation++;
    if (is_blocked) {
        s->blocks[job->block_at] = (struct block){ .job = number, .reason = *reason };
        return 0;
    }
    unblock(s, number);
    settle(s, number);
    return 0;
}

int stint_scheduler_set_priority(struct stint_scheduler *s, struct stint_task_key key,
                                 int32_t priority)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    int r = reserve_job(s);
    if (r != 0)
        return r;
    struct job *job = &s->jobs[number];
    bool is_queued = job->place == PLACE_QUEUE;
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
    int r = reserve_job(s);
    if (r != 0)
        return r;
    unsettle(s, number);
    s->jobs[number].begin_ms = begin_ms ? begin_ms : INT64_MIN;
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
        r = reserve_job(s);
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
    job->ends_ms = ends_ms;
    job->nodes = allocation->grant_count;
    r = job_hold(s, number, claim, copy);
    if (r != 0) {
        free(claim);
        (void)stint_allocation_free(copy);
        job_forget(s, number);
        return r;
    }
    s->is_shaken = s->head_count > 0;
    s->is_dirty |= s->is_shaken;
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
    job_release(s, number);
    job_forget(s, number);
    return 0;
}

int stint_scheduler_undo(struct stint_scheduler *s, struct stint_task_key key)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING)
        return STINT_NOT_FOUND;
    fair_change(s, &s->jobs[number], -1, s->now_ms);
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
    run_move_end(s, number, ends_ms);
    s->is_dirty = true;
    return 0;
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
