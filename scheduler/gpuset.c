/* Owns: the choice of a set of GPUs. All subsets are tried where they are few (8 choose 4 is 70),
 * else a set is grown from every seed. Best: fewest NUMA nodes, then the nearest worst pair, then
 * the nearest sum; among equals the one that breaks least nearness to the GPUs left free, so that
 * larger sets stay whole (the buddy cells of HiveD, OSDI 2020, without fixing the cells). */
#include <assert.h>

#include "place.h"

#define SUBSETS_MAX 330 /* 11 choose 4 */

struct score {
    uint32_t span;
    uint32_t worst;
    uint64_t inside;
    uint64_t broken;
};

static bool is_better(const struct score *a, const struct score *b)
{
    if (a->span != b->span)
        return a->span < b->span;
    if (a->worst != b->worst)
        return a->worst > b->worst;
    if (a->inside != b->inside)
        return a->inside > b->inside;
    return a->broken < b->broken;
}

/* The eligible GPUs, numbered densely, with their nearness to one another. */
struct pool {
    uint32_t count;
    uint8_t slot[STINT_MACHINE_GPU_MAX];
    uint8_t numa[STINT_MACHINE_GPU_MAX];
    uint64_t row[STINT_MACHINE_GPU_MAX]; /* nearness to all others in the pool */
    const uint32_t *near[STINT_MACHINE_GPU_MAX];
};

static void pool_fill(struct pool *pool, const struct layout *layout, uint64_t eligible)
{
    pool->count = 0;
    for (uint64_t left = eligible; left; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);
        const uint32_t *near = &layout->closeness[slot * layout->gpus];
        uint64_t row = 0;
        for (uint64_t other = eligible; other; other &= other - 1)
            row += near[__builtin_ctzll(other)];
        pool->slot[pool->count] = (uint8_t)slot;
        pool->numa[pool->count] = (uint8_t)layout->shape->gpus[slot].numa;
        pool->near[pool->count] = near;
        pool->row[pool->count++] = row;
    }
}

static struct score judge(const struct pool *pool, uint64_t members)
{
    struct score score = { .worst = UINT32_MAX };
    uint64_t numas = 0;
    uint64_t rows = 0;
    for (uint64_t left = members; left; left &= left - 1) {
        uint32_t a = (uint32_t)__builtin_ctzll(left);
        numas |= UINT64_C(1) << pool->numa[a];
        rows += pool->row[a];
        for (uint64_t rest = left & (left - 1); rest; rest &= rest - 1) {
            uint32_t near = pool->near[a][pool->slot[__builtin_ctzll(rest)]];
            score.inside += near;
            score.worst = near < score.worst ? near : score.worst;
        }
    }
    score.span = (uint32_t)__builtin_popcountll(numas);
    score.broken = rows - 2 * score.inside;
    return score;
}

static uint64_t subsets(uint32_t n, uint32_t k)
{
    uint64_t count = 1;
    for (uint32_t i = 1; i <= k; i++) {
        count = count * (n - k + i) / i;
        if (count > SUBSETS_MAX)
            return count;
    }
    return count;
}

static uint64_t try_all(const struct pool *pool, uint32_t count)
{
    uint64_t members = (UINT64_C(1) << count) - 1;
    uint64_t best = members;
    struct score best_score = judge(pool, members);
    uint64_t end = UINT64_C(1) << pool->count;
    for (;;) {
        /* The next larger number with as many bits (Gosper). */
        assert(members != 0);
        uint64_t low = members & -members;
        uint64_t ripple = members + low;
        members = (((ripple ^ members) >> 2) / low) | ripple;
        if (members >= end)
            return best;
        struct score score = judge(pool, members);
        if (is_better(&score, &best_score)) {
            best = members;
            best_score = score;
        }
    }
}

/* Grows a set from @seed, each time by the GPU that leaves the best set. */
static uint64_t grow(const struct pool *pool, uint32_t seed, uint32_t count)
{
    uint32_t worst[STINT_MACHINE_GPU_MAX];
    uint64_t sum[STINT_MACHINE_GPU_MAX];
    uint64_t members = UINT64_C(1) << seed;
    uint64_t numas = UINT64_C(1) << pool->numa[seed];
    for (uint32_t i = 0; i < pool->count; i++) {
        worst[i] = pool->near[seed][pool->slot[i]];
        sum[i] = worst[i];
    }
    for (uint32_t size = 1; size < count; size++) {
        uint32_t next = UINT32_MAX;
        struct score next_score = { 0 };
        for (uint32_t i = 0; i < pool->count; i++) {
            if (members >> i & 1)
                continue;
            struct score score = { .span = !(numas >> pool->numa[i] & 1),
                                   .worst = worst[i],
                                   .inside = sum[i],
                                   .broken = pool->row[i] };
            if (next == UINT32_MAX || is_better(&score, &next_score)) {
                next = i;
                next_score = score;
            }
        }
        assert(next < pool->count); /* there are more eligible ones than asked for */
        members |= UINT64_C(1) << next;
        numas |= UINT64_C(1) << pool->numa[next];
        for (uint32_t i = 0; i < pool->count; i++) {
            uint32_t near = pool->near[next][pool->slot[i]];
            worst[i] = near < worst[i] ? near : worst[i];
            sum[i] += near;
        }
    }
    return members;
}

static uint64_t try_seeds(const struct pool *pool, uint32_t count)
{
    uint64_t best = 0;
    struct score best_score = { 0 };
    for (uint32_t seed = 0; seed < pool->count; seed++) {
        uint64_t members = grow(pool, seed, count);
        struct score score = judge(pool, members);
        if (!best || is_better(&score, &best_score)) {
            best = members;
            best_score = score;
        }
    }
    return best;
}

/* The lowest @count of @mask. */
static uint64_t lowest(uint64_t mask, uint32_t count)
{
    uint64_t chosen = 0;
    for (uint32_t i = 0; i < count; i++) {
        chosen |= mask & -mask;
        mask &= mask - 1;
    }
    return chosen;
}

uint64_t gpuset_choose(const struct layout *layout, uint64_t eligible, uint32_t count)
{
    struct pool pool;
    if (layout->is_even || (uint32_t)__builtin_popcountll(eligible) == count)
        return lowest(eligible, count);
    pool_fill(&pool, layout, eligible);
    uint64_t members = pool.count < 64 && subsets(pool.count, count) <= SUBSETS_MAX
                           ? try_all(&pool, count)
                           : try_seeds(&pool, count);
    uint64_t chosen = 0;
    for (; members; members &= members - 1)
        chosen |= UINT64_C(1) << pool.slot[__builtin_ctzll(members)];
    return chosen;
}
