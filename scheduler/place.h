/* What fits on a node, and where. A node's state is a vector of numbers (struct layout says which):
 * free cores and free MiB by NUMA node, free thousandths by GPU. Running tasks, promises and the
 * future are all vectors of the same layout, so that "does it fit from then to then" is one
 * question asked of the smallest vector in between. */
#ifndef STINT_SCHEDULER_PLACE_H
#define STINT_SCHEDULER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/machine.h"
#include "stint/scheduler.h"

#define MIB             (INT64_C(1) << 20)
#define PLACE_WIDTH_MAX (2 * STINT_MACHINE_NUMA_MAX + STINT_MACHINE_GPU_MAX)

/**
 * struct layout - one shape, ready to be decided upon
 * @width: numbers in a vector: cores [0, numa), MiB [numa, 2 * numa), GPUs from there
 * @total: the vector of the empty node
 * @has_memory: false: memory is not counted, and any ask for it fits
 * @closeness: of GPU pairs, gpus x gpus; larger is nearer
 * @is_even: all pairs are equally near and in one NUMA node: any set is as good
 * @numa_gpus: GPU mask of each NUMA node; @type_gpus: of each type of the machine
 */
struct layout {
    const struct stint_shape *shape;
    uint32_t width;
    uint32_t numa;
    uint32_t gpus;
    uint32_t node_count; /* nodes of this shape */
    bool has_memory;
    bool is_flat; /* one NUMA node, no GPU */
    bool is_even;
    uint32_t *closeness;
    uint64_t numa_gpus[STINT_MACHINE_NUMA_MAX];
    uint64_t type_gpus[STINT_MACHINE_TYPE_MAX];
    int32_t total[PLACE_WIDTH_MAX];
};

/* The part of an ask that a node must have; @span of strict asks is by layout, see place_span(). */
struct need {
    int32_t cores;
    int32_t memory_mib;
    uint16_t gpus;
    uint16_t gpu_milli;
    int16_t gpu_type;
    uint8_t locality;
    uint32_t gpu_memory_mib;
};

int layout_init(struct layout *layout, const struct stint_machine *machine,
                const struct stint_shape *shape);
void layout_deinit(struct layout *layout);

/**
 * place_fits() - find where @need goes in a node with @free of everything
 * @keep: cores left for each wholly free GPU by tasks without GPUs
 * @claim: filled with what it takes when it fits; may not be NULL
 * O(numa + the choice of a GPU set).
 */
bool place_fits(const struct layout *layout, const int32_t *free, const struct need *need,
                uint32_t keep, int32_t *claim);
/* The same without choosing well: does it fit at all? Exact. */
bool place_could(const struct layout *layout, const int32_t *free, const struct need *need,
                 uint32_t keep);
/* GPUs of @free that serve @need. */
uint64_t place_eligible(const struct layout *layout, const int32_t *free, const struct need *need);
/* Fewest NUMA nodes that hold @need when the node is empty; numa + 1 when it never fits. */
uint32_t place_span(const struct layout *layout, const struct need *need);

/**
 * gpuset_choose() - the best @count of the GPUs in @eligible: near each other, and so that what is
 * left stays near each other too
 * @free: all GPUs that would stay free, for the second
 */
uint64_t gpuset_choose(const struct layout *layout, uint64_t eligible, uint32_t count);

#endif
