/* The future of one node: a step function from time to the vector of what is free. Step 0 reaches
 * back for ever, so it is "now" once earlier steps are trimmed away. */
#ifndef STINT_SCHEDULER_TIMELINE_H
#define STINT_SCHEDULER_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_START INT64_MIN /* "from now on", whenever now is */
#define TIME_NEVER INT64_MAX

/**
 * struct timeline - steps [first, first + count) of the arrays; step i holds from times[i] until
 * times[i + 1], the last for ever
 * Neighbours always differ, so there are at most twice as many steps as claims.
 */
struct timeline {
    uint32_t first;
    uint32_t count;
    uint32_t capacity;
    uint32_t width;
    int64_t *times;
    int32_t *free;
};

int timeline_init(struct timeline *timeline, uint32_t width, const int32_t *total);
void timeline_deinit(struct timeline *timeline);

static inline const int32_t *timeline_step(const struct timeline *timeline, uint32_t i)
{
    return &timeline->free[(size_t)(timeline->first + i) * timeline->width];
}
static inline int64_t timeline_time(const struct timeline *timeline, uint32_t i)
{
    return timeline->times[timeline->first + i];
}
static inline int64_t timeline_until(const struct timeline *timeline, uint32_t i)
{
    return i + 1 < timeline->count ? timeline->times[timeline->first + i + 1] : TIME_NEVER;
}

/* Room for the ends of @claims claims, so that taking and giving back never fails. 0 or -ENOMEM. */
int timeline_reserve(struct timeline *timeline, uint32_t claims);
/* Takes (@sign -1) or gives back (+1) @claim during [@from, @until). O(steps). */
void timeline_add(struct timeline *timeline, int64_t from, int64_t until, const int32_t *claim,
                  int32_t sign);
/* No more than @most during [@from, @until); room as for a claim. O(steps). */
void timeline_cap(struct timeline *timeline, int64_t from, int64_t until, const int32_t *most);
/* Forgets steps that are over at @now. */
void timeline_trim(struct timeline *timeline, int64_t now);
/* The least of everything during [@from, @until); @from may be TIME_START. O(steps). */
void timeline_least(const struct timeline *timeline, int64_t from, int64_t until, int32_t *least);

#endif
