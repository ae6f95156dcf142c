/* Owns: from when on limits let a task start, in a plan of starts (plan.c): a ceiling of what runs
 * is waited for as nodes are. Of a budget or a period's hours, what runs holds for its whole limit
 * is expected to fall to what it likely takes when it ends. By whole limits nothing of hours falls:
 * their period turns; a budget has no other end, so what likely falls is waited for until the
 * limit.
 */
#include <errno.h>
#include <stdlib.h>

#include "core.h"
#include "estimate.h"

/* At @at_ms an account has so much more of a limit in use. */
struct change {
    int64_t at_ms;
    int64_t amount;
};

static int by_time(const void *a, const void *b)
{
    const struct change *x = a;
    const struct change *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->amount < y->amount ? -1 : x->amount > y->amount; /* ends before starts */
}

static bool has_account(const struct job *job, uint32_t account)
{
    for (uint32_t i = 0; i < job->account_count; i++)
        if (job->accounts[i] == account)
            return true;
    return false;
}

/* Ends of what runs, starts and ends of what is planned, of one account. Returns how many. */
static uint32_t collect(const struct stint_scheduler *s, const struct uses *uses, uint32_t account,
                        enum stint_limit limit, bool whole, struct change *changes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        if (has_account(job, account))
            changes[count++] = (struct change){ estimate_end_ms(s, job, uses->now_ms, whole),
                                                -account_takes(job, limit) };
    }
    for (uint32_t i = 0; i < uses->count; i++) {
        const struct job *job = &s->jobs[uses->list[i].number];
        if (!has_account(job, account))
            continue;
        changes[count++] = (struct change){ uses->list[i].from_ms, account_takes(job, limit) };
        changes[count++] = (struct change){ uses->list[i].until_ms, -account_takes(job, limit) };
    }
    if (count > 0)
        qsort(changes, count, sizeof(*changes), by_time);
    return count;
}

/* What a run gives back of a budget or of a period's hours when it ends. */
static int64_t falls_by(const struct stint_scheduler *s, const struct job *job,
                        enum stint_limit limit, bool whole)
{
    bool is_nothing = whole && limit != STINT_LIMIT_BUDGET;
    double unused = 1.0 - (double)expected_ms(s, job, is_nothing) / (double)job->walltime_ms;
    return unused > 0 ? (int64_t)((double)account_takes(job, limit) * unused) : 0;
}

/* Ends of what runs, by what they give back of a limit that is used for good. */
static uint32_t collect_falls(const struct stint_scheduler *s, const struct uses *uses,
                              uint32_t account, enum stint_limit limit, bool whole,
                              struct change *changes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        if (has_account(job, account))
            changes[count++] = (struct change){ estimate_end_ms(s, job, uses->now_ms, whole),
                                                -falls_by(s, job, limit, whole) };
    }
    if (count > 0)
        qsort(changes, count, sizeof(*changes), by_time);
    return count;
}

/* The first instant at or after @from_ms at which @amount more fits below the ceiling; TIME_NEVER
 * for none. */
static int64_t below_ceiling(const struct account *account, enum stint_limit limit, int64_t amount,
                             const struct change *changes, uint32_t count, int64_t from_ms)
{
    int64_t used = account->used[limit];
    uint32_t i = 0;
    if (amount > account->ceiling[limit])
        return TIME_NEVER;
    for (;;) {
        for (; i < count && changes[i].at_ms <= from_ms; i++)
            used += changes[i].amount;
        if (used <= account->ceiling[limit] - amount)
            return from_ms;
        if (i == count)
            return TIME_NEVER;
        from_ms = changes[i].at_ms;
    }
}

int64_t allowed_from(struct stint_scheduler *s, struct uses *uses, const struct job *job,
                     int64_t from_ms, bool whole)
{
    uint32_t most = s->running.count + 2 * uses->count;
    if (most > uses->change_max) {
        struct change *changes = realloc(uses->changes, most * sizeof(*changes));
        if (!changes)
            return TIME_NEVER; /* nothing is said of it */
        uses->changes = changes;
        uses->change_max = most;
    }
    for (int64_t before = from_ms - 1; before < from_ms && from_ms < TIME_NEVER;) {
        before = from_ms;
        for (uint32_t a = 0; a < job->account_count; a++) {
            const struct account *account = &s->accounts[job->accounts[a]];
            if (account->kind == STINT_ACCOUNT_ARRAY)
                continue; /* its lanes are planned */
            for (uint32_t left = account->limited; left; left &= left - 1) {
                enum stint_limit limit = (enum stint_limit)__builtin_ctz(left);
                int64_t amount = account_takes(job, limit);
                uint32_t count;
                if (limit > STINT_LIMIT_BUDGET && uses->without_periods)
                    continue;
                if (limit < STINT_LIMIT_BUDGET)
                    count = collect(s, uses, job->accounts[a], limit, whole, uses->changes);
                else if (amount == 0 || account->used[limit] <= account->ceiling[limit] - amount)
                    continue; /* what others may use up before is not foreseen */
                else
                    count = collect_falls(s, uses, job->accounts[a], limit, whole, uses->changes);
                from_ms = below_ceiling(account, limit, amount, uses->changes, count, from_ms);
                if (from_ms == TIME_NEVER)
                    return from_ms;
            }
        }
    }
    return from_ms;
}

bool is_limited(const struct stint_scheduler *s, const struct job *job)
{
    for (uint32_t i = 0; i < job->account_count; i++)
        if (s->accounts[job->accounts[i]].limited)
            return true;
    return false;
}
