/* Owns: whose turn it is in mode stint. The order moves with time, so no queue can keep it: keys
 * are computed when a head is needed, once for all tasks of a pass, and taken from a heap.
 * Expansion factor (wait + limit) / limit grows without bound while a task waits, so none starves
 * (the time that it was held, or waited for a job or for its begin time, is no wait for its turn);
 * a task's priority is a factor of 1/4 to 4 on it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core.h"

struct turn {
    double key;
    uint32_t tier; /* of fair share, then of attained service */
    uint32_t job;
};

static double weight(int32_t priority)
{
    /* 2^(priority / 50) for -100..100, by a cubic that is exact at the ends and the middle enough:
     * written out so that every machine computes the same bits. */
    double x = priority / 50.0;
    double magnitude = x < 0 ? -x : x;
    double power = 1.0 + magnitude * (0.6931 + magnitude * (0.2402 + magnitude * 0.081625));
    return x < 0 ? 1.0 / power : power;
}

static double expansion(const struct stint_scheduler *s, const struct job *job)
{
    double limit = (double)job->expected_ms;
    double wait = s->now_ms > job->ready_ms ? (double)(s->now_ms - job->ready_ms) : 0;
    return (wait + limit) / limit * (job->priority ? weight(job->priority) : 1.0);
}

static bool is_first(const struct stint_scheduler *s, const struct turn *a, const struct turn *b)
{
    if (a->tier != b->tier)
        return a->tier < b->tier;
    if (a->key > b->key)
        return true;
    if (a->key < b->key)
        return false;
    const struct job *x = &s->jobs[a->job];
    const struct job *y = &s->jobs[b->job];
    if (x->submit_ms != y->submit_ms)
        return x->submit_ms < y->submit_ms;
    return x->sequence < y->sequence;
}

static void sift(const struct stint_scheduler *s, struct turn_list *list, uint32_t at)
{
    assert(list->turns);
    struct turn turn = list->turns[at];
    for (uint32_t down; (down = 2 * at + 1) < list->count; at = down) {
        if (down + 1 < list->count && is_first(s, &list->turns[down + 1], &list->turns[down]))
            down++;
        if (!is_first(s, &list->turns[down], &turn))
            break;
        list->turns[at] = list->turns[down];
    }
    list->turns[at] = turn;
}

/* Whose turn it may be: tasks in the queue without a reservation (but one that is no promise yet,
 * @with_soft) and within their limits. The records are walked in the order of memory, which at a
 * million tasks is several times faster than in the order of the queue.
 */
static bool is_candidate(const struct stint_scheduler *s, const struct job *job, bool with_soft)
{
    return job->place == PLACE_QUEUE && (!job->claim || (with_soft && job->is_soft)) &&
           account_fits(s, job, NULL);
}

static struct turn turn_of(const struct stint_scheduler *s, uint32_t number)
{
    const struct job *job = &s->jobs[number];
    double key = expansion(s, job);
    /* Shares order tasks until one has waited a hundred times its limit: then it goes first, so
     * that nobody waits for ever for those who have used less. */
    return (struct turn){ .key = key,
                          .tier =
                              key < STINT_STARVED_FACTOR
                                  ? fair_tier(s, job) * LEVELS_OF_SERVICE + service_level(s, job)
                                  : 0,
                          .job = number };
}

static int build(struct stint_scheduler *s, struct turn_list *list, bool with_soft)
{
    if (list->capacity < s->main.count) {
        uint32_t capacity = s->main.count + s->main.count / 4 + 16;
        struct turn *turns = realloc(list->turns, capacity * sizeof(*turns));
        if (!turns)
            return -ENOMEM;
        list->turns = turns;
        list->capacity = capacity;
    }
    list->count = 0;
    assert(list->turns || s->main.count == 0);
    for (uint32_t i = 0; list->turns && i < s->job_count; i++)
        if (is_candidate(s, &s->jobs[i], with_soft) && i != list->first)
            list->turns[list->count++] = turn_of(s, i);
    for (uint32_t i = list->count / 2; i-- > 0;)
        sift(s, list, i);
    list->is_built = true;
    return 0;
}

/* The first of all, without a list: most passes need no second. */
static uint32_t find_first(const struct stint_scheduler *s)
{
    struct turn best = { .job = NO_JOB };
    for (uint32_t i = 0; i < s->job_count; i++) {
        if (!is_candidate(s, &s->jobs[i], false))
            continue;
        struct turn turn = turn_of(s, i);
        if (best.job == NO_JOB || is_first(s, &turn, &best))
            best = turn;
    }
    return best.job;
}

uint32_t turn_next(struct stint_scheduler *s, struct turn_list *list)
{
    if (!list->is_begun) {
        list->is_begun = true;
        (void)fair_refresh(s); /* without memory, the last ranking stands */
        list->first = find_first(s);
        return list->first;
    }
    if (!list->is_built && build(s, list, false) != 0)
        return NO_JOB;
    if (list->count == 0)
        return NO_JOB;
    uint32_t number = list->turns[0].job;
    list->turns[0] = list->turns[--list->count];
    if (list->count > 0)
        sift(s, list, 0);
    return number;
}

int turn_each(struct stint_scheduler *s, bool (*fn)(void *context, uint32_t number), void *context)
{
    struct cursor cursor = { 0 };
    uint32_t number;
    /* A head whose reservation is soft has its turn among the others: the next pass chooses anew.
     */
    for (uint32_t i = 0; i < s->head_count; i++)
        if (!s->jobs[s->heads[i]].is_soft && !fn(context, s->heads[i]))
            return 0;
    if (s->policy.mode != STINT_MODE_STINT) {
        for (; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++)
            if (!s->jobs[number].was_promised && !fn(context, number))
                return 0;
        return 0;
    }
    struct turn_list list = { .is_begun = true, .first = NO_JOB };
    int r = build(s, &list, true);
    while (r == 0 && (number = turn_next(s, &list)) != NO_JOB)
        if (!fn(context, number))
            break;
    free(list.turns);
    return r;
}

struct each {
    const struct stint_scheduler *s;
    bool (*fn)(void *context, const struct stint_ask *ask);
    void *context;
    bool is_over;
};

static bool each_ask(void *context, uint32_t number)
{
    struct each *each = context;
    struct stint_ask ask;
    job_ask(each->s, &each->s->jobs[number], &ask);
    each->is_over = !each->fn(each->context, &ask);
    return !each->is_over;
}

/* In the queue, but in no order of turns: over a limit, in mode stint. */
static bool is_left_out(const struct stint_scheduler *s, const struct job *job)
{
    return s->policy.mode == STINT_MODE_STINT && job->place == PLACE_QUEUE && !job->claim &&
           !account_fits(s, job, NULL);
}

int stint_scheduler_each(const struct stint_scheduler *scheduler, int64_t now_ms,
                         bool (*fn)(void *context, const struct stint_ask *ask), void *context)
{
    struct stint_scheduler *s = asked(scheduler);
    struct each each = { .s = s, .fn = fn, .context = context };
    int64_t real = s->now_ms;
    s->now_ms = now_ms > real ? now_ms : real;
    int r = turn_each(s, each_ask, &each);
    s->now_ms = real;
    for (uint32_t i = 0; i < s->job_count && r == 0 && !each.is_over; i++)
        if (s->jobs[i].place == PLACE_WAITING || is_left_out(s, &s->jobs[i]))
            (void)each_ask(&each, i);
    return r;
}

int stint_scheduler_turn(const struct stint_scheduler *s, struct stint_task_key key,
                         struct stint_turn *ret_turn)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING ||
        s->policy.mode != STINT_MODE_STINT)
        return STINT_NOT_FOUND;
    const struct job *job = &s->jobs[number];
    double factor = expansion(s, job);
    *ret_turn = (struct stint_turn){ .factor = factor,
                                     .weight = job->priority ? weight(job->priority) : 1.0,
                                     .tier = fair_tier(s, job),
                                     .tiers = s->policy.tiers,
                                     .level = service_level(s, job),
                                     .is_preemptible = job->is_preemptible,
                                     .is_starved = factor >= STINT_STARVED_FACTOR };
    return 0;
}
