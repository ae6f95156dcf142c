/* Owns: a part of a machine as a machine of its own. What the core decides from (sizes, NUMA nodes,
 * links) is the part's alone; the numbers that people read are those of the whole. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"
#include "stint/machine.h"

#define MIB    (INT64_C(1) << 20)
#define ABSENT UINT32_MAX

/* Where things of the whole are in the part: ABSENT for what is not in it. */
struct places {
    uint32_t numa[STINT_MACHINE_NUMA_MAX];
    uint32_t gpus[STINT_MACHINE_GPU_MAX];
    uint32_t numa_count;
    uint32_t core_count;
    uint32_t pu_count;
    uint32_t gpu_count;
    uint32_t link_count;
};

static bool has_gpu(const struct stint_part *part, uint32_t gpu)
{
    return part->gpus >> gpu & 1;
}

/* Of NUMA node @numa, how many cores are in the part. */
static uint32_t cores_of(const struct stint_shape *from, const struct stint_part *part,
                         uint32_t numa)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->numa[numa].core_count; i++)
        count += stint_bit_has(part->cores, from->numa[numa].core_first + i);
    return count;
}

static void find_places(const struct stint_shape *from, const struct stint_part *part,
                        struct places *places)
{
    uint64_t numas = part->numa;
    *places = (struct places){ 0 };
    for (uint32_t i = 0; i < from->core_count; i++) {
        if (!stint_bit_has(part->cores, i))
            continue;
        numas |= UINT64_C(1) << from->cores[i].numa;
        places->core_count++;
        places->pu_count += from->cores[i].pu_count;
    }
    for (uint32_t i = 0; i < from->gpu_count; i++) {
        places->gpus[i] = has_gpu(part, i) ? places->gpu_count++ : ABSENT;
        if (has_gpu(part, i))
            numas |= UINT64_C(1) << from->gpus[i].numa;
    }
    for (uint32_t i = 0; i < from->numa_count; i++)
        places->numa[i] = numas >> i & 1 ? places->numa_count++ : ABSENT;
    for (uint32_t i = 0; i < from->link_count; i++)
        places->link_count += has_gpu(part, from->links[i].a) && has_gpu(part, from->links[i].b);
}

/* A NUMA node's memory goes with its cores; sysfs may know of less than the node has (topology.c),
 * and the difference is shared like the rest. */
static void fill_numas(const struct stint_shape *from, const struct stint_part *part,
                       const struct places *places, struct stint_shape *to)
{
    uint64_t packages = 0;
    for (uint32_t i = 0; i < from->numa_count; i++) {
        if (places->numa[i] == ABSENT)
            continue;
        struct stint_numa *numa = &to->numa[places->numa[i]];
        uint32_t all = from->numa[i].core_count;
        uint32_t mine = cores_of(from, part, i);
        bool is_named = part->numa >> i & 1;
        *numa = from->numa[i];
        numa->core_first = 0;
        for (uint32_t core = 0; mine > 0 && core < from->numa[i].core_first; core++)
            numa->core_first += stint_bit_has(part->cores, core);
        numa->core_count = mine;
        if (all > 0)
            numa->memory_bytes = numa->memory_bytes / MIB * mine / all * MIB;
        else if (!is_named)
            numa->memory_bytes = 0;
        if (mine == all && all > 0)
            numa->memory_bytes = from->numa[i].memory_bytes;
        packages |= UINT64_C(1) << (numa->package % 64);
        to->memory_bytes += numa->memory_bytes;
        to->numbers->numa[places->numa[i]] = (uint8_t)i;
    }
    if (to->memory_bytes == 0 && from->core_count > 0)
        to->memory_bytes = from->memory_bytes / from->core_count * places->core_count;
    to->packages = (uint32_t)__builtin_popcountll(packages);
}

static void fill_cores(const struct stint_shape *from, const struct stint_part *part,
                       const struct places *places, struct stint_shape *to)
{
    uint32_t at = 0;
    uint32_t pu = 0;
    for (uint32_t i = 0; i < from->core_count; i++) {
        if (!stint_bit_has(part->cores, i))
            continue;
        const struct stint_core *core = &from->cores[i];
        to->cores[at] = *core;
        to->cores[at].numa = (uint16_t)places->numa[core->numa];
        to->cores[at].pu_first = pu;
        memcpy(&to->pus[pu], &from->pus[core->pu_first], core->pu_count * sizeof(*to->pus));
        pu += core->pu_count;
        to->numbers->cores[at++] = i;
    }
}

/* The slot by which partitions of one card know each other: the first of them in the part. */
static int32_t card_of(const struct stint_shape *from, const struct places *places, uint32_t gpu)
{
    int32_t card = from->gpus[gpu].partition_of;
    for (uint32_t i = 0; card >= 0 && i <= gpu; i++)
        if (places->gpus[i] != ABSENT && from->gpus[i].partition_of == card)
            return (int32_t)places->gpus[i];
    return -1;
}

static int fill_gpus(const struct stint_shape *from, const struct places *places,
                     struct stint_machine *machine, struct stint_shape *to, struct stint_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < from->gpu_count && r == 0; i++) {
        if (places->gpus[i] == ABSENT)
            continue;
        struct stint_gpu *gpu = &to->gpus[places->gpus[i]];
        *gpu = from->gpus[i];
        gpu->numa = (uint16_t)places->numa[gpu->numa];
        gpu->partition_of = card_of(from, places, i);
        to->numbers->gpus[places->gpus[i]] = (uint8_t)i;
        r = stint_machine_type(machine, gpu->type, &gpu->type_index, err);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < from->link_count; i++) {
        uint32_t a = places->gpus[from->links[i].a];
        uint32_t b = places->gpus[from->links[i].b];
        if (a == ABSENT || b == ABSENT)
            continue;
        to->links[at] = from->links[i];
        to->links[at].a = (uint16_t)a;
        to->links[at++].b = (uint16_t)b;
    }
    return r;
}

int stint_machine_part(const struct stint_machine *whole, const struct stint_part *part,
                       struct stint_machine **ret_machine, struct stint_error *err)
{
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    const struct stint_shape *from = whole->node_count == 1 ? whole->nodes[0].shape : NULL;
    struct stint_shape *to = NULL;
    struct places places;
    if (!from || from->numbers)
        return stint_fail(err, STINT_INVALID, "only a machine of one node has parts");
    find_places(from, part, &places);
    if (places.core_count == 0)
        return stint_fail(err, STINT_INVALID, "a part without cores");
    int r = stint_machine_new(&machine);
    if (r == 0)
        r = stint_machine_add_shape(machine, places.numa_count, places.core_count, places.pu_count,
                                    places.gpu_count, places.link_count, &to, err);
    if (r == 0)
        r = stint_shape_number(to, from->core_count);
    if (r != 0)
        return r;
    fill_numas(from, part, &places, to);
    fill_cores(from, part, &places, to);
    r = fill_gpus(from, &places, machine, to, err);
    if (r == 0)
        r = stint_machine_add_nodes(machine, whole->nodes[0].name, to, 1, err);
    machine->is_this_system = whole->is_this_system;
    if (r == 0)
        *ret_machine = stint_take(machine);
    return r;
}
