/* Owns: where on a node a task goes. GPUs are chosen first, by their links; cores and memory come
 * from the GPUs' NUMA nodes. Tasks without GPUs go to NUMA nodes whose GPUs are taken or that have
 * none, into the tightest one that holds them whole. `strict` accepts only as many NUMA nodes as
 * the ask would need on an empty node; `prefer` and `any` spread rather than wait, `any` without
 * looking at nearness first. */
#include "place.h"

#include <assert.h>
#include <string.h>

static inline const int32_t *memory_of(const struct layout *layout, const int32_t *free)
{
    return free + layout->numa;
}

static inline const int32_t *gpus_of(const struct layout *layout, const int32_t *free)
{
    return free + (size_t)2 * layout->numa;
}

/* Wholly free GPUs among @mask. */
static uint32_t whole_gpus(const struct layout *layout, const int32_t *free, uint64_t mask)
{
    const int32_t *gpus = gpus_of(layout, free);
    uint32_t count = 0;
    for (; mask; mask &= mask - 1)
        count += gpus[__builtin_ctzll(mask)] == 1000;
    return count;
}

static uint64_t all_gpus(const struct layout *layout)
{
    return layout->gpus == 64 ? UINT64_MAX : (UINT64_C(1) << layout->gpus) - 1;
}

uint64_t place_eligible(const struct layout *layout, const int32_t *free, const struct need *need)
{
    const int32_t *gpus = gpus_of(layout, free);
    uint64_t mask = need->gpu_type >= 0 ? layout->type_gpus[need->gpu_type] : all_gpus(layout);
    uint64_t eligible = 0;
    if (need->gpu_type < STINT_ANY_GPU_TYPE)
        return 0;
    for (; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(mask);
        int64_t memory = layout->shape->gpus[i].memory_bytes;
        if (gpus[i] >= need->gpu_milli &&
            (memory == 0 || memory / MIB >= (int64_t)need->gpu_memory_mib))
            eligible |= UINT64_C(1) << i;
    }
    return eligible;
}

/* A set of NUMA nodes with what they have together. */
struct region {
    uint64_t numas;
    int64_t cores;
    int64_t memory;
    uint64_t gpus; /* eligible ones */
};

static bool region_holds(const struct layout *layout, const struct region *region,
                         const struct need *need)
{
    return region->cores >= need->cores &&
           (!layout->has_memory || region->memory >= need->memory_mib) &&
           (uint32_t)__builtin_popcountll(region->gpus) >= need->gpus;
}

static void region_add(const struct layout *layout, const int32_t *free, uint64_t eligible,
                       uint32_t numa, struct region *region)
{
    region->numas |= UINT64_C(1) << numa;
    region->cores += free[numa];
    region->memory += memory_of(layout, free)[numa];
    region->gpus |= eligible & layout->numa_gpus[numa];
}

/* How much of the ask NUMA node @numa could hold, in thousandths of its scarcest part. */
static int64_t numa_worth(const struct layout *layout, const int32_t *free, uint64_t eligible,
                          const struct need *need, uint32_t numa)
{
    int64_t worth = 1000;
    int64_t part;
    if (need->gpus > 0) {
        part = 1000 * __builtin_popcountll(eligible & layout->numa_gpus[numa]) / need->gpus;
        worth = part < worth ? part : worth;
    }
    if (need->cores > 0) {
        part = INT64_C(1000) * free[numa] / need->cores;
        worth = part < worth ? part : worth;
    }
    if (need->memory_mib > 0 && layout->has_memory) {
        part = INT64_C(1000) * memory_of(layout, free)[numa] / need->memory_mib;
        worth = part < worth ? part : worth;
    }
    return worth;
}

/* The @span NUMA nodes that could hold most of the ask; whether they hold all. Exact for one NUMA
 * node, greedy for more. */
static bool region_find(const struct layout *layout, const int32_t *free, uint64_t eligible,
                        const struct need *need, uint32_t span, struct region *region)
{
    *region = (struct region){ 0 };
    for (uint32_t i = 0; i < span; i++) {
        uint32_t best = UINT32_MAX;
        int64_t best_worth = -1;
        uint32_t best_idle = 0;
        for (uint32_t n = 0; n < layout->numa; n++) {
            if (region->numas >> n & 1)
                continue;
            int64_t worth = numa_worth(layout, free, eligible, need, n);
            uint32_t idle = whole_gpus(layout, free, layout->numa_gpus[n]);
            /* Among those that hold it whole: the one with the fewest free GPUs left over, then
             * the tightest. */
            bool is_better =
                worth > best_worth || (worth == best_worth && idle < best_idle) ||
                (worth == best_worth && idle == best_idle && worth == 1000 && free[n] < free[best]);
            if (is_better) {
                best = n;
                best_worth = worth;
                best_idle = idle;
            }
        }
        if (best == UINT32_MAX)
            return false;
        region_add(layout, free, eligible, best, region);
    }
    return region_holds(layout, region, need);
}

uint32_t place_span(const struct layout *layout, const struct need *need)
{
    uint64_t eligible = place_eligible(layout, layout->total, need);
    struct region region;
    for (uint32_t span = 1; span <= layout->numa; span++)
        if (region_find(layout, layout->total, eligible, need, span, &region))
            return span;
    return layout->numa + 1;
}

static struct region region_all(const struct layout *layout, const int32_t *free, uint64_t eligible)
{
    struct region region = { .gpus = eligible };
    for (uint32_t n = 0; n < layout->numa; n++) {
        region.cores += free[n];
        region.memory += memory_of(layout, free)[n];
    }
    region.numas = layout->numa == 64 ? UINT64_MAX : (UINT64_C(1) << layout->numa) - 1;
    return region;
}

/* Where the task may go: all of the node, or for strict asks the right NUMA nodes of it. */
static bool region_for(const struct layout *layout, const int32_t *free, const struct need *need,
                       uint32_t keep, struct region *region)
{
    uint64_t eligible = need->gpus > 0 ? place_eligible(layout, free, need) : 0;
    *region = region_all(layout, free, eligible);
    if (need->gpus == 0 && keep > 0)
        region->cores -= (int64_t)keep * whole_gpus(layout, free, all_gpus(layout));
    if (!region_holds(layout, region, need))
        return false;
    if (need->locality != STINT_PLACE_STRICT || layout->numa <= 1)
        return true;
    uint32_t span = place_span(layout, need);
    return span < layout->numa ? region_find(layout, free, eligible, need, span, region)
                               : span == layout->numa;
}

bool place_could(const struct layout *layout, const int32_t *free, const struct need *need,
                 uint32_t keep)
{
    struct region region;
    if (layout->is_flat)
        return need->gpus == 0 && free[0] >= need->cores &&
               (!layout->has_memory || free[1] >= need->memory_mib);
    return region_for(layout, free, need, keep, &region);
}

/* Takes up to @wanted of @amounts from the NUMA nodes of @numas; the rest stays in *@left. */
static void take(const int32_t *free, int32_t *claim, uint32_t numa, int32_t wanted, int32_t *left)
{
    int32_t more = free[numa] - claim[numa];
    more = more < wanted ? more : wanted;
    more = more < *left ? more : *left;
    if (more > 0) {
        claim[numa] += more;
        *left -= more;
    }
}

/* The NUMA nodes of @numas in the order in which a task should fill them: @first ones, then those
 * in a package of a first one, then those with the fewest free GPUs; fuller ones before emptier. */
static uint32_t fill_order(const struct layout *layout, const int32_t *free, uint64_t numas,
                           uint64_t first, uint8_t *order)
{
    uint64_t keys[STINT_MACHINE_NUMA_MAX];
    uint64_t packages = 0;
    uint32_t count = 0;
    for (uint32_t n = 0; n < layout->numa; n++)
        if (first >> n & 1)
            packages |= UINT64_C(1) << (layout->shape->numa[n].package & 63);
    for (uint32_t n = 0; n < layout->numa; n++) {
        if (!(numas >> n & 1))
            continue;
        uint64_t rank = (first >> n & 1)                                          ? 0
                        : (packages >> (layout->shape->numa[n].package & 63) & 1) ? 1
                                                                                  : 2;
        uint64_t idle = whole_gpus(layout, free, layout->numa_gpus[n]);
        uint64_t key = rank << 48 | idle << 32 | (uint64_t)(INT32_MAX - free[n]);
        uint32_t i = count++;
        for (; i > 0 && keys[i - 1] > key; i--) {
            keys[i] = keys[i - 1];
            order[i] = order[i - 1];
        }
        keys[i] = key;
        order[i] = (uint8_t)n;
    }
    return count;
}

/* Spreads cores over the GPUs' NUMA nodes by their number of GPUs, memory over where cores are;
 * what does not fit there goes to the next in order. */
static void take_near(const struct layout *layout, const int32_t *free, const struct need *need,
                      uint64_t numas, uint64_t chosen, int32_t *claim)
{
    uint8_t order[STINT_MACHINE_NUMA_MAX];
    uint64_t first = 0;
    int32_t cores = need->cores;
    int32_t memory = layout->has_memory ? need->memory_mib : 0;
    int32_t *claim_memory = claim + layout->numa;
    for (uint64_t left = chosen; left; left &= left - 1)
        first |= UINT64_C(1) << layout->shape->gpus[__builtin_ctzll(left)].numa;
    uint32_t count = fill_order(layout, free, numas, first, order);
    for (uint32_t i = 0; i < count && need->gpus > 0; i++) {
        int32_t gpus = __builtin_popcountll(chosen & layout->numa_gpus[order[i]]);
        int32_t share = (int32_t)((int64_t)need->cores * gpus / need->gpus);
        take(free, claim, order[i], share, &cores);
    }
    for (uint32_t i = 0; i < count; i++)
        take(free, claim, order[i], cores, &cores);
    for (uint32_t i = 0; i < count && need->cores > 0; i++) {
        int32_t share = (int32_t)((int64_t)need->memory_mib * claim[order[i]] / need->cores);
        take(memory_of(layout, free), claim_memory, order[i], share, &memory);
    }
    for (uint32_t i = 0; i < count; i++)
        take(memory_of(layout, free), claim_memory, order[i], memory, &memory);
    assert(cores == 0 && memory == 0);
}

/* The GPU for a share: the fullest that still has room, so that whole ones stay whole. */
static uint64_t fullest(const struct layout *layout, const int32_t *free, uint64_t eligible)
{
    const int32_t *gpus = gpus_of(layout, free);
    uint32_t best = (uint32_t)__builtin_ctzll(eligible);
    for (uint64_t left = eligible; left; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        if (gpus[i] < gpus[best])
            best = i;
    }
    if (gpus[best] == 1000)
        return gpuset_choose(layout, eligible, 1);
    return UINT64_C(1) << best;
}

static void take_gpus(const struct layout *layout, const int32_t *free, const struct need *need,
                      struct region *region, int32_t *claim)
{
    uint64_t eligible = region->gpus;
    uint64_t chosen;
    if (need->gpu_milli < 1000)
        chosen = fullest(layout, free, eligible);
    else
        chosen = gpuset_choose(layout, eligible, need->gpus);
    for (uint64_t left = chosen; left; left &= left - 1)
        claim[2 * layout->numa + (uint32_t)__builtin_ctzll(left)] = need->gpu_milli;
    take_near(layout, free, need, region->numas, chosen, claim);
}

bool place_fits(const struct layout *layout, const int32_t *free, const struct need *need,
                uint32_t keep, int32_t *claim)
{
    struct region region;
    if (layout->is_flat) {
        claim[0] = need->cores;
        claim[1] = layout->has_memory ? need->memory_mib : 0;
        return need->gpus == 0 && free[0] >= claim[0] && free[1] >= claim[1];
    }
    if (!region_for(layout, free, need, keep, &region))
        return false;
    memset(claim, 0, layout->width * sizeof(*claim));
    if (need->gpus > 0) {
        take_gpus(layout, free, need, &region, claim);
        return true;
    }
    /* The fewest NUMA nodes that hold it now. */
    if (need->locality != STINT_PLACE_STRICT && layout->numa > 1) {
        struct region tight;
        for (uint32_t span = 1; span <= layout->numa; span++) {
            if (region_find(layout, free, 0, need, span, &tight)) {
                region = tight;
                break;
            }
        }
    }
    take_near(layout, free, need, region.numas, 0, claim);
    return true;
}
