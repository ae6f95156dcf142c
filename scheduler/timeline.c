/* Owns: the step function of a node's future. Plain sorted arrays: a node has a few dozen steps,
 * and moving them is cheaper than any tree. */
#include "timeline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int timeline_init(struct timeline *timeline, uint32_t width, const int32_t *total)
{
    *timeline = (struct timeline){ .count = 1, .capacity = 4, .width = width };
    timeline->times = calloc(timeline->capacity, sizeof(*timeline->times));
    timeline->free = calloc((size_t)timeline->capacity * width + 1, sizeof(*timeline->free));
    if (!timeline->times || !timeline->free)
        return -ENOMEM;
    timeline->times[0] = TIME_START;
    memcpy(timeline->free, total, width * sizeof(*total));
    return 0;
}

void timeline_deinit(struct timeline *timeline)
{
    free(timeline->times);
    free(timeline->free);
    timeline->times = NULL;
    timeline->free = NULL;
}

int timeline_reserve(struct timeline *timeline, uint32_t claims)
{
    /* A claim has two ends, so there are at most 1 + 2 * claims steps; twice that, so that what was
     * trimmed away need not be reclaimed at every step. */
    if (claims > UINT32_MAX / 16)
        return -ENOMEM;
    if (timeline->capacity >= 2 * claims + 4)
        return 0;
    uint32_t capacity = 4 * claims + 8;
    int64_t *times = realloc(timeline->times, capacity * sizeof(*times));
    if (!times)
        return -ENOMEM;
    timeline->times = times;
    int32_t *free =
        realloc(timeline->free, ((size_t)capacity * timeline->width + 1) * sizeof(*free));
    if (!free)
        return -ENOMEM;
    timeline->free = free;
    timeline->capacity = capacity;
    return 0;
}

static void to_front(struct timeline *timeline)
{
    uint32_t width = timeline->width;
    memmove(timeline->times, timeline->times + timeline->first,
            timeline->count * sizeof(*timeline->times));
    memmove(timeline->free, timeline->free + (size_t)timeline->first * width,
            (size_t)timeline->count * width * sizeof(*timeline->free));
    timeline->first = 0;
}

/* Position in the arrays of the step that holds at @at. */
static uint32_t find(const struct timeline *timeline, int64_t at)
{
    uint32_t low = timeline->first;
    uint32_t high = timeline->first + timeline->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (timeline->times[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Makes a step begin at @at and returns its position. */
static uint32_t split(struct timeline *timeline, int64_t at)
{
    uint32_t i = find(timeline, at);
    uint32_t width = timeline->width;
    if (timeline->times[i] == at)
        return i;
    uint32_t end = timeline->first + timeline->count;
    assert(end < timeline->capacity);
    memmove(&timeline->times[i + 2], &timeline->times[i + 1],
            (end - i - 1) * sizeof(*timeline->times));
    memmove(&timeline->free[(size_t)(i + 1) * width], &timeline->free[(size_t)i * width],
            (size_t)(end - i) * width * sizeof(*timeline->free));
    timeline->times[i + 1] = at;
    timeline->count++;
    return i + 1;
}

/* Joins the step at position @i with the one before it when they are equal. */
static void join(struct timeline *timeline, uint32_t i)
{
    uint32_t width = timeline->width;
    uint32_t end = timeline->first + timeline->count;
    if (i <= timeline->first || i >= end)
        return;
    int32_t *step = &timeline->free[(size_t)i * width];
    for (uint32_t k = 0; k < width; k++)
        if (step[k] != (step - width)[k])
            return;
    memmove(&timeline->times[i], &timeline->times[i + 1], (end - i - 1) * sizeof(*timeline->times));
    memmove(step, step + width, (size_t)(end - i - 1) * width * sizeof(*step));
    timeline->count--;
}

void timeline_add(struct timeline *timeline, int64_t from, int64_t until, const int32_t *claim,
                  int32_t sign)
{
    uint32_t width = timeline->width;
    if (from >= until)
        return;
    if (timeline->first + timeline->count + 2 > timeline->capacity)
        to_front(timeline);
    uint32_t low =
        from <= timeline->times[timeline->first] ? timeline->first : split(timeline, from);
    if (until <= timeline->times[low])
        return;
    uint32_t high =
        until == TIME_NEVER ? timeline->first + timeline->count : split(timeline, until);
    int32_t *step = &timeline->free[(size_t)low * width];
    if (width == 2) { /* flat machines, the literature's case */
        int32_t cores = sign * claim[0];
        int32_t memory = sign * claim[1];
        for (uint32_t i = low; i < high; i++, step += 2) {
            step[0] += cores;
            step[1] += memory;
        }
    } else {
        for (uint32_t i = low; i < high; i++, step += width)
            for (uint32_t k = 0; k < width; k++)
                step[k] += sign * claim[k];
    }
    join(timeline, high);
    join(timeline, low);
}

void timeline_cap(struct timeline *timeline, int64_t from, int64_t until, const int32_t *most)
{
    uint32_t width = timeline->width;
    if (from >= until)
        return;
    if (timeline->first + timeline->count + 2 > timeline->capacity)
        to_front(timeline);
    uint32_t low =
        from <= timeline->times[timeline->first] ? timeline->first : split(timeline, from);
    uint32_t high =
        until == TIME_NEVER ? timeline->first + timeline->count : split(timeline, until);
    int32_t *step = &timeline->free[(size_t)low * width];
    for (uint32_t i = low; i < high; i++, step += width)
        for (uint32_t k = 0; k < width; k++)
            step[k] = step[k] < most[k] ? step[k] : most[k];
    join(timeline, high);
    join(timeline, low);
}

void timeline_trim(struct timeline *timeline, int64_t now)
{
    while (timeline->count > 1 && timeline->times[timeline->first + 1] <= now) {
        timeline->first++;
        timeline->count--;
    }
    timeline->times[timeline->first] = TIME_START;
}

void timeline_least(const struct timeline *timeline, int64_t from, int64_t until, int32_t *least)
{
    uint32_t width = timeline->width;
    uint32_t i = find(timeline, from);
    uint32_t end = timeline->first + timeline->count;
    const int32_t *step = &timeline->free[(size_t)i * width];
    memcpy(least, step, width * sizeof(*least));
    for (i++, step += width; i < end && timeline->times[i] < until; i++, step += width)
        for (uint32_t k = 0; k < width; k++)
            least[k] = step[k] < least[k] ? step[k] : least[k];
}
