/* Owns: the starts of tasks that are in no plan, under a supposition: as if nothing blocked them,
 * not before a time. They are searched for in the timelines that the plan left, behind all that it
 * placed, and take nothing. */
#include "estimate.h"

#define SUPPOSE_MAX 1000 /* blocked tasks searched for in one plan; more are told its end */
#define LIMIT_TRIES 4    /* times that a ceiling may put one off */

/* Behind all that is planned, in one column; its limits are waited for a few times. */
static int64_t suppose_in(struct stint_scheduler *s, struct plan_column *column,
                          const struct job *job, int64_t from_ms, bool whole)
{
    int64_t start_ms = NO_START;
    if (column->left == 0)
        return from_ms > column->latest ? from_ms : column->latest;
    column_enter(s, column);
    s->is_supposing = true;
    for (int tries = 0; tries <= LIMIT_TRIES; tries++) {
        s->now_ms = from_ms;
        if (from_ms == TIME_NEVER || !search_planned(s, job, expected_ms(s, job, whole)))
            break;
        from_ms = s->found.start_ms;
        if (is_limited(s, job))
            from_ms = allowed_from(s, &column->uses, job, from_ms, whole);
        if (from_ms <= s->found.start_ms) {
            start_ms = s->found.start_ms;
            break;
        }
    }
    s->is_supposing = false;
    column_leave(s, column);
    return start_ms;
}

/* Hours may come back before their period turns. */
static void suppose_sooner(struct stint_scheduler *s, const struct job *job, int64_t now_ms,
                           int64_t *start_ms)
{
    int64_t pass_ms = s->now_ms;
    struct plan_column *column = &s->plan->columns[0];
    int64_t from_ms = column->next_ms > now_ms ? column->next_ms : now_ms;
    from_ms = job->begin_ms > from_ms ? job->begin_ms : from_ms;
    int64_t sooner_ms = suppose_in(s, column, job, from_ms, false);
    if (sooner_ms != NO_START && sooner_ms < *start_ms)
        *start_ms = sooner_ms;
    s->now_ms = pass_ms;
}

void plan_suppose(struct stint_scheduler *s, const struct job *job,
                  const struct stint_suppose *suppose, int64_t now_ms, int64_t ret_start_ms[2])
{
    int64_t pass_ms = s->now_ms;
    bool is_searched = s->plan->supposed++ < SUPPOSE_MAX;
    bool is_now = is_searched && job->begin_ms <= now_ms && could_start_now(s, job);
    for (int which = 0; which < 2; which++) {
        struct plan_column *column = &s->plan->columns[which];
        int64_t from_ms = suppose->from_ms[which];
        from_ms = job->begin_ms > from_ms ? job->begin_ms : from_ms;
        if (from_ms <= now_ms && is_now) {
            ret_start_ms[which] = now_ms;
            continue;
        }
        from_ms = from_ms > column->next_ms ? from_ms : column->next_ms;
        from_ms = from_ms > now_ms ? from_ms : now_ms;
        ret_start_ms[which] = from_ms > column->latest ? from_ms : column->latest;
        if (is_searched) {
            column->uses.without_periods = suppose->without_periods;
            ret_start_ms[which] = suppose_in(s, column, job, from_ms, which == 1);
            column->uses.without_periods = false;
            s->now_ms = pass_ms;
        }
    }
    if (suppose->without_periods && is_searched)
        suppose_sooner(s, job, now_ms, &ret_start_ms[0]);
}
