/* Owns: who is stopped for whom. Tasks that declared it may be stopped for waiting ones of a lower
 * level of attained service (Tiresias, NSDI 2019: least attained service in few levels, which needs
 * no knowledge of run times). A task runs a minimum between two stops, none is made whose cost is
 * not repaid by the wait that it saves, and among those that could be stopped the highest level and
 * then the least service since its start goes first. Whoever others are stopped for holds a
 * promise. */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "stint/auto.h"

#define HOUR_MS     INT64_C(3600000)
#define MIN_RUN_MS  600000
#define VICTIMS_MAX 256  /* looked at in one pass */
#define LOOK_MS     1000 /* time alone makes it look again at most so often */

static const int64_t level_limits[] = { HOUR_MS, 8 * HOUR_MS, 64 * HOUR_MS };

static int64_t size_of(const struct job *job)
{
    int64_t gpus = (int64_t)job->need.gpus * job->need.gpu_milli / 1000;
    int64_t size = job->need.gpus > 0 ? (gpus > 0 ? gpus : 1) : job->need.cores;
    return (size > 0 ? size : 1) * job->nodes;
}

static int64_t attained(const struct stint_scheduler *s, const struct job *job)
{
    int64_t ran = job->place == PLACE_RUNNING ? s->now_ms - job->started_ms : 0;
    int64_t more;
    if (ran <= 0 || __builtin_mul_overflow(ran, size_of(job), &more))
        more = ran <= 0 ? 0 : INT64_MAX / 2;
    return more > INT64_MAX / 2 - job->attained_ms ? INT64_MAX / 2 : job->attained_ms + more;
}

/* Up to 1, 8, 64 processor-hours, and more: 0..3. Tasks that may not be stopped are level 0. */
uint32_t service_level(const struct stint_scheduler *s, const struct job *job)
{
    uint32_t level = 0;
    if (!s->policy.preempts || !job->is_preemptible)
        return 0;
    int64_t service = attained(s, job);
    while (level < LEVELS_OF_SERVICE - 1 && service >= level_limits[level])
        level++;
    return level;
}

struct victim {
    uint32_t job;
    uint32_t level;
    int64_t lost; /* service since its start */
    bool is_taken;
};

struct victims {
    uint32_t count;
    struct victim list[VICTIMS_MAX];
};

static int by_order(const void *a, const void *b)
{
    const struct victim *x = a;
    const struct victim *y = b;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    if (x->lost != y->lost)
        return x->lost < y->lost ? -1 : 1;
    return x->job < y->job ? -1 : x->job > y->job;
}

/* When time alone will make a victim of @job, or one of a higher level. */
static int64_t victim_ms(const struct stint_scheduler *s, const struct job *job, uint32_t level,
                         int64_t min_run)
{
    int64_t allowed_ms = job->started_ms + min_run;
    if (level == LEVELS_OF_SERVICE - 1)
        return allowed_ms > s->now_ms ? allowed_ms : TIME_NEVER;
    int64_t left = level_limits[level] - attained(s, job);
    int64_t level_ms = s->now_ms + left / size_of(job) + 1;
    if (level == 0)
        return level_ms > allowed_ms ? level_ms : allowed_ms;
    return allowed_ms > s->now_ms ? allowed_ms : level_ms;
}

/* Those that may be stopped now; *ret_next_ms is when there will be another, not too soon. */
static void find_victims(const struct stint_scheduler *s, struct victims *victims,
                         int64_t *ret_next_ms)
{
    int64_t min_run = s->policy.min_run_ms > 0 ? s->policy.min_run_ms : MIN_RUN_MS;
    int64_t next_ms = TIME_NEVER;
    victims->count = 0;
    for (uint32_t i = 0; i < s->running.count && victims->count < VICTIMS_MAX; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        uint32_t level = service_level(s, job);
        if (!job->is_preemptible || job->is_stopping)
            continue;
        int64_t then_ms = victim_ms(s, job, level, min_run);
        next_ms = then_ms < next_ms ? then_ms : next_ms;
        if (level == 0 || s->now_ms - job->started_ms < min_run)
            continue;
        victims->list[victims->count++] =
            (struct victim){ .job = s->running.jobs[i],
                             .level = level,
                             .lost = (s->now_ms - job->started_ms) * size_of(job) };
    }
    qsort(victims->list, victims->count, sizeof(*victims->list), by_order);
    *ret_next_ms = next_ms < s->now_ms + LOOK_MS ? s->now_ms + LOOK_MS : next_ms;
}

/* Takes @victim out of the timelines (+1), or puts it back (-1), for the time it still has. */
static void lift(struct stint_scheduler *s, struct job *victim, int sign)
{
    const int32_t *vector = victim->claim->vectors;
    victim->is_lifted = sign > 0;
    s->use_version++;
    for (uint32_t i = 0; i < victim->claim->node_count; i++) {
        struct node *node = &s->nodes[victim->claim->nodes[i]];
        timeline_add(&node->timeline, TIME_START, victim->ends_ms, vector, sign);
        vector += node->layout->width;
    }
}

/* Would @job start now, with those that are lifted gone? A search of the future alone: what is free
 * in fact has not changed. */
static bool would_start(struct stint_scheduler *s, const struct job *job)
{
    return search_earliest(s, job, s->now_ms, s->now_ms + 1);
}

static bool is_worth_it(const struct stint_scheduler *s, const struct job *job, int64_t start_ms,
                        int64_t victim_size)
{
    int64_t cost = s->policy.grace_ms + s->policy.resume_ms;
    int64_t saved = start_ms - s->now_ms - cost;
    return saved > 0 && (double)saved * (double)size_of(job) > (double)cost * (double)victim_size;
}

/* Stops those taken, and promises @number the room. */
static void decide(struct stint_scheduler *s, struct victims *victims, const uint32_t *taken,
                   uint32_t taken_count, uint32_t number)
{
    int64_t grace = s->policy.grace_ms > 0 ? s->policy.grace_ms : 1;
    struct job *job = &s->jobs[number];
    for (uint32_t i = 0; i < taken_count; i++) {
        struct victim *victim = &victims->list[taken[i]];
        struct job *stopped = &s->jobs[victim->job];
        lift(s, stopped, -1);
        victim->is_taken = true;
        stopped->is_stopping = true;
        if (stopped->ends_ms > s->now_ms + grace)
            run_move_end(s, victim->job, s->now_ms + grace);
        s->stops[s->stop_count++] = victim->job;
    }
    if (search_earliest(s, job, s->now_ms, TIME_NEVER) && job_promise(s, number) == 0) {
        job->is_preempting = true;
        job->is_soft = false;
        if (!job->was_promised)
            s->heads[s->head_count++] = number;
        job->was_promised = true;
    }
}

/* Lower levels stop higher ones; inside of a level the older task stops the younger, or wide ones
 * would never have their turn again. */
static bool may_stop(const struct stint_scheduler *s, const struct victim *victim,
                     const struct job *job, uint32_t level)
{
    return victim->level > level ||
           (victim->level == level && s->jobs[victim->job].submit_ms > job->submit_ms);
}

/* Lifts victims until @job would start, and puts back those it would start without. Returns how
 * many stay lifted, their numbers in @taken; 0 when it would not. */
static uint32_t lift_enough(struct stint_scheduler *s, const struct victims *victims,
                            const struct job *job, uint32_t *taken)
{
    uint32_t level = service_level(s, job);
    uint32_t count = 0;
    bool fits = false;
    for (uint32_t i = 0; i < victims->count && !fits; i++) {
        if (victims->list[i].is_taken || !may_stop(s, &victims->list[i], job, level))
            continue;
        lift(s, &s->jobs[victims->list[i].job], 1);
        taken[count++] = i;
        fits = would_start(s, job);
    }
    for (uint32_t i = count; i-- > 0;) {
        lift(s, &s->jobs[victims->list[taken[i]].job], -1);
        if (!fits || would_start(s, job))
            memmove(&taken[i], &taken[i + 1], (--count - i) * sizeof(*taken));
        else
            lift(s, &s->jobs[victims->list[taken[i]].job], 1);
    }
    return count;
}

/* Stops others for @number if that pays. */
static void try_for(struct stint_scheduler *s, struct victims *victims, uint32_t number)
{
    struct job *job = &s->jobs[number];
    uint32_t taken[VICTIMS_MAX];
    int64_t size = 0;
    struct claim *claim = job->claim ? job_suspend_promise(s, number) : NULL;
    bool is_waiting = account_fits(s, job, NULL) &&
                      search_earliest(s, job, s->now_ms, TIME_NEVER) &&
                      is_worth_it(s, job, s->found.start_ms, 1);
    int64_t otherwise = s->found.start_ms;
    uint32_t count = is_waiting ? lift_enough(s, victims, job, taken) : 0;
    for (uint32_t i = 0; i < count; i++)
        size += size_of(&s->jobs[victims->list[taken[i]].job]);
    if (count > 0 && is_worth_it(s, job, otherwise, size)) {
        decide(s, victims, taken, count, number);
    } else {
        for (uint32_t i = 0; i < count; i++)
            lift(s, &s->jobs[victims->list[taken[i]].job], -1);
    }
    if (claim && !job->claim)
        job_resume_promise(s, number, stint_take(claim));
    free(claim);
}

void preempt(struct stint_scheduler *s)
{
    struct victims victims;
    struct cursor cursor = { 0 };
    uint32_t tries = 0;
    s->preempt_ms = TIME_NEVER;
    if (s->main.count == 0)
        return; /* whoever comes next has a pass */
    find_victims(s, &victims, &s->preempt_ms);
    if (victims.count == 0)
        return;
    if (s->stop_capacity < s->stop_count + VICTIMS_MAX) {
        uint32_t *stops = realloc(s->stops, (s->stop_count + VICTIMS_MAX) * sizeof(*stops));
        if (!stops)
            return; /* nobody is stopped: no fault */
        s->stops = stops;
        s->stop_capacity = s->stop_count + VICTIMS_MAX;
    }
    for (uint32_t number; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++) {
        if (tries++ >= PREEMPT_TRIES_MAX || s->head_count >= STINT_SCHEDULER_RESERVED_MAX)
            break;
        if (!s->jobs[number].is_preempting)
            try_for(s, &victims, number);
    }
}

/* ---- for estimates */

#define EXPECTED_MAX 64 /* runs that are looked at for one estimate */

/* A run, and from when on it may be stopped for the task in question. */
struct stoppable {
    int64_t at_ms;
    uint32_t job;
};

/* From when on @victim may be stopped for @job; TIME_NEVER for never. */
static int64_t stoppable_ms(const struct stint_scheduler *s, const struct job *victim,
                            const struct job *job)
{
    uint32_t level = service_level(s, job);
    int64_t at_ms =
        victim->started_ms + (s->policy.min_run_ms > 0 ? s->policy.min_run_ms : MIN_RUN_MS);
    if (!victim->is_preemptible || victim->is_stopping)
        return TIME_NEVER;
    if (service_level(s, victim) == level && level > 0 && victim->submit_ms > job->submit_ms)
        return at_ms;
    if (service_level(s, victim) <= level) {
        if (level == LEVELS_OF_SERVICE - 1)
            return TIME_NEVER;
        int64_t left = level_limits[level] - attained(s, victim);
        int64_t level_ms = s->now_ms + left / size_of(victim) + 1;
        at_ms = level_ms > at_ms ? level_ms : at_ms;
    }
    return at_ms < victim->ends_ms ? at_ms : TIME_NEVER;
}

/* By when they may be stopped; returns how many. */
static uint32_t find_stoppable(const struct stint_scheduler *s, const struct job *job,
                               struct stoppable list[EXPECTED_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->running.count && count < EXPECTED_MAX; i++) {
        uint32_t number = s->running.jobs[i];
        int64_t at_ms = stoppable_ms(s, &s->jobs[number], job);
        if (at_ms == TIME_NEVER)
            continue;
        uint32_t at = count++;
        for (; at > 0 && list[at - 1].at_ms > at_ms; at--)
            list[at] = list[at - 1];
        list[at] = (struct stoppable){ at_ms, number };
    }
    return count;
}

int64_t preempt_expect(struct stint_scheduler *s, uint32_t number, int64_t otherwise_ms)
{
    struct stoppable list[EXPECTED_MAX];
    struct job *job = &s->jobs[number];
    int64_t cost = s->policy.grace_ms + s->policy.resume_ms;
    int64_t size = 0;
    int64_t at_ms = TIME_NEVER;
    uint32_t lifted = 0;
    if (job->place != PLACE_QUEUE || job->is_preempting || !account_fits(s, job, NULL))
        return TIME_NEVER;
    uint32_t count = find_stoppable(s, job, list);
    struct claim *claim = count > 0 && job->claim ? job_suspend_promise(s, number) : NULL;
    while (lifted < count && at_ms == TIME_NEVER) {
        size += size_of(&s->jobs[list[lifted].job]);
        lift(s, &s->jobs[list[lifted].job], 1);
        if (would_start(s, job))
            at_ms = list[lifted].at_ms > s->now_ms ? list[lifted].at_ms : s->now_ms;
        lifted++;
    }
    while (lifted > 0)
        lift(s, &s->jobs[list[--lifted].job], -1);
    if (claim)
        job_resume_promise(s, number, claim);
    if (at_ms == TIME_NEVER)
        return TIME_NEVER;
    int64_t saved = otherwise_ms - at_ms - cost;
    bool is_paid = saved > 0 && (double)saved * (double)size_of(job) > (double)cost * (double)size;
    return is_paid ? at_ms + s->policy.grace_ms : TIME_NEVER;
}

size_t stint_scheduler_stops(struct stint_scheduler *s, struct stint_task_key *keys, size_t max)
{
    size_t count = s->stop_count < max ? s->stop_count : max;
    for (size_t i = 0; i < count; i++)
        keys[i] = s->jobs[s->stops[i]].key;
    if (count > 0)
        memmove(s->stops, s->stops + count, (s->stop_count - count) * sizeof(*s->stops));
    s->stop_count -= (uint32_t)count;
    return count;
}
