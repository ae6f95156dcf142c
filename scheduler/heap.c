/* Owns: the running tasks by their latest end, and the early ones by their begin. */
#include <errno.h>
#include <stdlib.h>

#include "core.h"

int heap_reserve(struct heap *heap)
{
    if (heap->count < heap->capacity)
        return 0;
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    uint32_t *jobs = realloc(heap->jobs, capacity * sizeof(*jobs));
    if (!jobs)
        return -ENOMEM;
    heap->jobs = jobs;
    heap->capacity = capacity;
    return 0;
}

int64_t heap_key(const struct stint_scheduler *s, const struct heap *heap, uint32_t number)
{
    return heap == &s->running ? s->jobs[number].ends_ms : s->jobs[number].begin_ms;
}

static void put(struct stint_scheduler *s, struct heap *heap, uint32_t at, uint32_t number)
{
    heap->jobs[at] = number;
    s->jobs[number].heap_at = at;
}

static void sift_up(struct stint_scheduler *s, struct heap *heap, uint32_t at)
{
    uint32_t number = heap->jobs[at];
    int64_t key = heap_key(s, heap, number);
    for (uint32_t up; at > 0; at = up) {
        up = (at - 1) / 2;
        if (heap_key(s, heap, heap->jobs[up]) <= key)
            break;
        put(s, heap, at, heap->jobs[up]);
    }
    put(s, heap, at, number);
}

static void sift_down(struct stint_scheduler *s, struct heap *heap, uint32_t at)
{
    uint32_t number = heap->jobs[at];
    int64_t key = heap_key(s, heap, number);
    for (uint32_t down; (down = 2 * at + 1) < heap->count; at = down) {
        if (down + 1 < heap->count &&
            heap_key(s, heap, heap->jobs[down + 1]) < heap_key(s, heap, heap->jobs[down]))
            down++;
        if (heap_key(s, heap, heap->jobs[down]) >= key)
            break;
        put(s, heap, at, heap->jobs[down]);
    }
    put(s, heap, at, number);
}

void heap_push(struct stint_scheduler *s, struct heap *heap, uint32_t number)
{
    put(s, heap, heap->count++, number);
    sift_up(s, heap, heap->count - 1);
}

void heap_remove(struct stint_scheduler *s, struct heap *heap, uint32_t number)
{
    uint32_t at = s->jobs[number].heap_at;
    uint32_t last = heap->jobs[--heap->count];
    if (last == number)
        return;
    put(s, heap, at, last);
    sift_up(s, heap, at);
    sift_down(s, heap, s->jobs[last].heap_at);
}
