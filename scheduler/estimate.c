/* Owns: what is told of a pending task's start. The plan (plan.c) is made when somebody asks and
 * kept until something changes or should have; one of a long queue a little longer, for it costs
 * milliseconds. */
#include "estimate.h"

#define STALE_MS    1000 /* so old may the plan of a queue be that is longer than … */
#define STALE_COUNT 200  /* … this */

/* Is the plan that of now, or near enough for a long queue in which the task is? */
static bool is_good_enough(const struct stint_scheduler *s, uint32_t number, int64_t now_ms)
{
    if (!s->plan)
        return false;
    if (s->plan->generation == s->generation && now_ms < s->plan->valid_until_ms)
        return true;
    return s->plan->count > STALE_COUNT && now_ms - s->plan->made_ms < STALE_MS &&
           (s->jobs[number].place == PLACE_WAITING || plan_find(s, number));
}

/* Of one in the plan; @ret_start_ms has NO_START where nothing can be told. */
static void planned(const struct stint_scheduler *s, uint32_t number, int64_t now_ms,
                    int64_t ret_start_ms[2])
{
    const struct job *job = &s->jobs[number];
    const struct estimate *found = plan_find(s, number);
    ret_start_ms[0] = found ? found->start_ms[0] : NO_START;
    ret_start_ms[1] = found ? found->start_ms[1] : NO_START;
    /* A promise is kept whatever the plan says; one that is overdue waits for a run that is. */
    if (job->claim && !job->is_soft && ret_start_ms[1] != NO_START &&
        job->claim->start_ms >= now_ms && job->claim->start_ms < ret_start_ms[1])
        ret_start_ms[1] = job->claim->start_ms;
}

/* Windows of a reservation that recurs are told for some time ahead: a start behind all of them is
 * none that could be told. */
#define RECURS_COUNT 8

static bool is_beyond_windows(const struct stint_scheduler *s, int64_t start_ms)
{
    uint32_t last = s->booking_count; /* one that ends last */
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->booking_count; i++)
        if (last == s->booking_count || s->bookings[i].until_ms >= s->bookings[last].until_ms)
            last = i;
    if (last == s->booking_count || start_ms < s->bookings[last].until_ms)
        return false;
    for (uint32_t i = 0; i < s->booking_count; i++)
        count += s->bookings[i].reservation == s->bookings[last].reservation;
    return count >= RECURS_COUNT;
}

int stint_scheduler_expect(const struct stint_scheduler *s, struct stint_task_key key,
                           const struct stint_suppose *suppose, int64_t *ret_p50_ms,
                           int64_t *ret_p90_ms)
{
    uint32_t number = job_find(s, key);
    int64_t now_ms = suppose->now_ms > s->now_ms ? suppose->now_ms : s->now_ms;
    int64_t start_ms[2] = { NO_START, NO_START };
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    const struct job *job = &s->jobs[number];
    if (job->never || (job->is_blocked && !suppose->is_free))
        return STINT_UNSATISFIABLE;
    if (!is_good_enough(s, number, now_ms)) {
        int r = plan_make(asked(s), now_ms);
        if (r != 0)
            return r;
    }
    if (!job->is_blocked && !suppose->is_free)
        planned(s, number, now_ms, start_ms);
    else
        plan_suppose(asked(s), job, suppose, now_ms, start_ms);
    if (start_ms[0] == NO_START || start_ms[1] == NO_START || is_beyond_windows(s, start_ms[1]))
        return STINT_UNSATISFIABLE;
    int64_t p90 = start_ms[1] > now_ms ? start_ms[1] : now_ms;
    int64_t p50 = start_ms[0] < p90 ? start_ms[0] : p90;
    *ret_p90_ms = p90;
    *ret_p50_ms = p50 > now_ms ? p50 : now_ms;
    return 0;
}

int stint_scheduler_estimate(const struct stint_scheduler *s, struct stint_task_key key,
                             int64_t *ret_p50_ms, int64_t *ret_p90_ms)
{
    struct stint_suppose as_it_is = { .now_ms = s->now_ms };
    return stint_scheduler_expect(s, key, &as_it_is, ret_p50_ms, ret_p90_ms);
}

int stint_scheduler_ends(const struct stint_scheduler *s, struct stint_task_key key, int64_t now_ms,
                         int64_t *ret_p50_ms, int64_t *ret_p90_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place != PLACE_RUNNING)
        return STINT_NOT_FOUND;
    now_ms = now_ms > s->now_ms ? now_ms : s->now_ms;
    *ret_p50_ms = estimate_end_ms(s, &s->jobs[number], now_ms, false);
    *ret_p90_ms = estimate_end_ms(s, &s->jobs[number], now_ms, true);
    return 0;
}

int64_t stint_scheduler_takes_ms(const struct stint_scheduler *s, struct stint_task_key key,
                                 bool whole)
{
    uint32_t number = job_find(s, key);
    return number == NO_JOB ? 0 : expected_ms(s, &s->jobs[number], whole);
}

uint64_t stint_scheduler_version(const struct stint_scheduler *s)
{
    return s->generation;
}
