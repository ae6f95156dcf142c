/* Owns: what users took of their limits, and what a task is expected to take by that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"

#define RATIO_FULL 1000
#define RATIO_DEFAULT                                                                              \
    500 /* of users nothing is known of; the first runs are weighed against it                     \
         */

/* Room for what is known of @user; NULL when there is none. */
static uint16_t *ratio_of(struct stint_scheduler *s, uint32_t user)
{
    struct usage_ratio *ratios = &s->ratios;
    if (user >= STINT_SCHEDULER_ACCOUNT_MAX)
        return NULL;
    if (user >= ratios->capacity) {
        uint32_t capacity = user + user / 4 + 64;
        uint16_t *milli = realloc(ratios->milli, capacity * sizeof(*milli));
        if (!milli)
            return NULL;
        memset(milli + ratios->capacity, 0, (capacity - ratios->capacity) * sizeof(*milli));
        ratios->milli = milli;
        ratios->capacity = capacity;
    }
    return &ratios->milli[user];
}

int stint_scheduler_set_ratio(struct stint_scheduler *s, uint32_t user, uint32_t milli)
{
    uint16_t *known = ratio_of(s, user);
    if (!known)
        return user >= STINT_SCHEDULER_ACCOUNT_MAX ? STINT_INVALID : -ENOMEM;
    *known = (uint16_t)(milli < RATIO_FULL ? milli : RATIO_FULL);
    s->generation++;
    return 0;
}

uint32_t stint_scheduler_ratio(const struct stint_scheduler *s, uint32_t user)
{
    uint32_t milli = user < s->ratios.capacity ? s->ratios.milli[user] : 0;
    return milli > 0 ? milli : RATIO_DEFAULT;
}

uint32_t stint_ratio_learn(uint32_t known_milli, int64_t took_ms, int64_t walltime_ms)
{
    int64_t took = took_ms < walltime_ms ? took_ms : walltime_ms;
    int64_t milli = took * RATIO_FULL / walltime_ms; /* at most 2^50 times 1000 */
    milli = (3 * (int64_t)(known_milli ? known_milli : RATIO_DEFAULT) + milli) / 4;
    return (uint32_t)(milli > 0 ? milli : 1);
}

void ratio_learn(struct stint_scheduler *s, const struct job *job, int64_t took_ms)
{
    uint16_t *known = took_ms >= 0 ? ratio_of(s, job->user) : NULL;
    if (known) /* without memory an estimate stays worse: no fault */
        *known = (uint16_t)stint_ratio_learn(*known, took_ms, job->walltime_ms);
}

int64_t expected_ms(const struct stint_scheduler *s, const struct job *job, bool whole)
{
    int64_t milli = RATIO_DEFAULT;
    if (whole)
        return job->walltime_ms;
    if (job->user < s->ratios.capacity && s->ratios.milli[job->user] > 0)
        milli = s->ratios.milli[job->user];
    int64_t expected = job->walltime_ms / RATIO_FULL * milli;
    return expected > 0 ? expected : 1;
}

int64_t estimate_end_ms(const struct stint_scheduler *s, const struct job *job, int64_t now_ms,
                        bool whole)
{
    int64_t end = job->started_ms + expected_ms(s, job, whole);
    bool is_suspended = job->ends_ms >= STINT_ASK_WALLTIME_MAX_MS;
    if (whole || is_suspended || end <= now_ms || end > job->ends_ms)
        end = job->ends_ms; /* it took more than we thought: now we only know the limit */
    return end > now_ms ? end : now_ms + OVERDUE_MS;
}
