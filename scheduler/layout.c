/* Owns: layouts, the shape of a node made ready for decisions: once at start, never again. */
#include <errno.h>
#include <stdlib.h>

#include "place.h"

/* Nearness of two GPUs: their link first, then the way over PCI. Two slots of one card share its
 * memory and are nearest of all. */
enum {
    NEAR_SAME_CARD = 1 << 24,
    NEAR_SAME_NUMA = 2000,
    NEAR_SAME_PACKAGE = 1000,
};

static uint32_t pair_closeness(const struct stint_shape *shape, uint32_t a, uint32_t b)
{
    const struct stint_gpu *x = &shape->gpus[a];
    const struct stint_gpu *y = &shape->gpus[b];
    int32_t card_x = x->partition_of >= 0 ? x->partition_of : (int32_t)a;
    int32_t card_y = y->partition_of >= 0 ? y->partition_of : (int32_t)b;
    if (card_x == card_y)
        return NEAR_SAME_CARD;
    if (x->numa == y->numa)
        return NEAR_SAME_NUMA;
    if (shape->numa[x->numa].package == shape->numa[y->numa].package)
        return NEAR_SAME_PACKAGE;
    return 0;
}

static void measure_pairs(struct layout *layout)
{
    const struct stint_shape *shape = layout->shape;
    uint32_t gpus = layout->gpus;
    for (uint32_t a = 0; a < gpus; a++)
        for (uint32_t b = 0; b < gpus; b++)
            if (a != b)
                layout->closeness[a * gpus + b] = pair_closeness(shape, a, b);
    for (uint32_t i = 0; i < shape->link_count; i++) {
        const struct stint_link *link = &shape->links[i];
        layout->closeness[link->a * gpus + link->b] += link->mb_per_s;
        layout->closeness[link->b * gpus + link->a] += link->mb_per_s;
    }
    layout->is_even = true;
    for (uint32_t a = 0; a < gpus; a++)
        for (uint32_t b = 0; b < gpus; b++)
            if (a != b && layout->closeness[a * gpus + b] != layout->closeness[1])
                layout->is_even = false;
}

int layout_init(struct layout *layout, const struct stint_machine *machine,
                const struct stint_shape *shape)
{
    (void)machine;
    *layout = (struct layout){ .shape = shape,
                               .numa = shape->numa_count,
                               .gpus = shape->gpu_count,
                               .width = 2 * shape->numa_count + shape->gpu_count };
    if (!(layout->closeness =
              calloc((size_t)layout->gpus * layout->gpus + 2, sizeof(*layout->closeness))))
        return -ENOMEM;
    for (uint32_t i = 0; i < shape->numa_count; i++) {
        int64_t mib = shape->numa[i].memory_bytes / MIB;
        layout->total[i] = (int32_t)shape->numa[i].core_count;
        layout->total[layout->numa + i] = mib > INT32_MAX ? INT32_MAX : (int32_t)mib;
        layout->has_memory |= mib > 0;
    }
    for (uint32_t i = 0; i < shape->gpu_count; i++) {
        layout->total[2 * layout->numa + i] = 1000;
        layout->numa_gpus[shape->gpus[i].numa] |= UINT64_C(1) << i;
        layout->type_gpus[shape->gpus[i].type_index] |= UINT64_C(1) << i;
    }
    layout->is_flat = layout->numa == 1 && layout->gpus == 0;
    measure_pairs(layout);
    return 0;
}

void layout_deinit(struct layout *layout)
{
    free(layout->closeness);
    layout->closeness = NULL;
}
