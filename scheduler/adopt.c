/* Owns: the way from an allocation of an earlier daemon to a claim, and moved ends. */
#include <string.h>

#include "core.h"

/* Where memory goes that the allocation's short form does not place: over the NUMA nodes of its
 * cores by their number, then wherever there is some. */
static void place_memory(const struct node *node, const struct need *need, const int32_t *free,
                         int32_t *vector)
{
    const struct layout *layout = node->layout;
    int32_t cores = 0;
    int32_t left = layout->has_memory ? need->memory_mib : 0;
    for (uint32_t n = 0; n < layout->numa; n++)
        cores += vector[n];
    for (int round = 0; round < 2 && left > 0; round++) {
        for (uint32_t n = 0; n < layout->numa; n++) {
            int32_t *taken = &vector[layout->numa + n];
            int32_t share = round == 0 && cores > 0
                                ? (int32_t)((int64_t)need->memory_mib * vector[n] / cores)
                                : left;
            int32_t have = free[layout->numa + n] - *taken;
            share = share < left ? share : left;
            share = share < have ? share : have;
            if (share > 0) {
                *taken += share;
                left -= share;
            }
        }
    }
}

int grant_vector(const struct node *node, const struct stint_grant *grant, const struct need *need,
                 int32_t *vector)
{
    const struct layout *layout = node->layout;
    const int32_t *free = timeline_step(&node->timeline, 0);
    for (uint32_t c = 0; c < layout->shape->core_count; c++) {
        if (!stint_bit_has(grant->cores, c))
            continue;
        if (!stint_bit_has(node->cores, c))
            return STINT_CONFLICT;
        vector[layout->shape->cores[c].numa]++;
    }
    for (uint32_t i = 0; i < layout->gpus; i++) {
        if (!(grant->gpus >> i & 1))
            continue;
        vector[2 * layout->numa + i] = grant->gpu_milli;
        if (free[2 * layout->numa + i] < grant->gpu_milli)
            return STINT_CONFLICT;
    }
    for (uint32_t n = 0; n < layout->numa; n++) {
        int64_t mib = grant->numa_memory[n] / MIB;
        vector[layout->numa + n] = mib > INT32_MAX ? INT32_MAX : (int32_t)mib;
        if (layout->has_memory && vector[layout->numa + n] > free[layout->numa + n])
            return STINT_CONFLICT;
        if (!layout->has_memory)
            vector[layout->numa + n] = 0;
    }
    if (grant->memory_bytes == 0)
        place_memory(node, need, free, vector);
    return 0;
}

void grant_memory_from_claim(const struct stint_scheduler *s, const struct claim *claim,
                             struct stint_allocation *allocation)
{
    const int32_t *vector = claim->vectors;
    for (uint32_t i = 0; i < claim->node_count; i++) {
        const struct layout *layout = s->nodes[claim->nodes[i]].layout;
        struct stint_grant *grant = &allocation->grants[i];
        grant->memory_bytes = 0;
        for (uint32_t n = 0; n < layout->numa; n++) {
            grant->numa_memory[n] = vector[layout->numa + n] * MIB;
            grant->memory_bytes += grant->numa_memory[n];
        }
        vector += layout->width;
    }
}

void run_move_end(struct stint_scheduler *s, uint32_t number, int64_t ends_ms)
{
    struct job *job = &s->jobs[number];
    const int32_t *vector = job->claim->vectors;
    int64_t low = ends_ms < job->ends_ms ? ends_ms : job->ends_ms;
    int64_t high = ends_ms < job->ends_ms ? job->ends_ms : ends_ms;
    for (uint32_t i = 0; i < job->claim->node_count; i++) {
        struct node *node = &s->nodes[job->claim->nodes[i]];
        timeline_add(&node->timeline, low, high, vector, ends_ms < job->ends_ms ? 1 : -1);
        vector += node->layout->width;
    }
    if (ends_ms > job->ends_ms)
        s->is_shaken = true;
    s->use_version++;
    heap_remove(s, &s->running, number);
    job->ends_ms = ends_ms;
    heap_push(s, &s->running, number);
    s->generation++;
}
