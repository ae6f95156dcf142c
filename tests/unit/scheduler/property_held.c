/* What runs hold, slot by slot: nothing is granted twice, and what is granted is what was asked
 * for, on nodes that are up. */
#include "property.h"

static void take_cores(struct world *world, const struct stint_grant *grant, uint32_t asked)
{
    const struct stint_shape *shape = world->machine->nodes[grant->node].shape;
    uint32_t count = 0;
    for (uint32_t c = 0; c < shape->core_count; c++) {
        if (!stint_bit_has(grant->cores, c))
            continue;
        uint64_t *word = &world->cores[grant->node * CORE_WORDS + c / 64];
        assert_int_equal(*word >> (c % 64) & 1, 0);
        *word |= UINT64_C(1) << (c % 64);
        count++;
    }
    assert_int_equal(count, asked);
}

static void take_gpus(struct world *world, const struct stint_grant *grant,
                      const struct stint_ask *ask)
{
    const struct stint_shape *shape = world->machine->nodes[grant->node].shape;
    assert_int_equal(__builtin_popcountll(grant->gpus), ask->gpus);
    if (ask->gpus > 0)
        assert_int_equal(grant->gpu_milli, ask->gpu_milli ? ask->gpu_milli : 1000);
    for (uint32_t g = 0; g < shape->gpu_count; g++) {
        if (!(grant->gpus >> g & 1))
            continue;
        int32_t *taken = &world->gpus[grant->node * GPU_SLOTS + g];
        *taken += grant->gpu_milli;
        assert_true(*taken <= 1000);
        if (ask->gpu_type >= 0)
            assert_int_equal(shape->gpus[g].type_index, ask->gpu_type);
    }
}

static void take_memory(struct world *world, const struct stint_grant *grant, int64_t asked)
{
    const struct stint_shape *shape = world->machine->nodes[grant->node].shape;
    int64_t memory = 0;
    for (uint32_t n = 0; n < shape->numa_count; n++) {
        int64_t *taken = &world->memory[grant->node * NUMA_SLOTS + n];
        *taken += grant->numa_memory[n];
        memory += grant->numa_memory[n];
        assert_true(*taken <= shape->numa[n].memory_bytes);
    }
    assert_true(memory == 0 || memory >= asked);
}

void held_take(struct world *world, const struct element *run)
{
    const struct stint_ask *ask = &run->ask;
    assert_int_equal(run->held->grant_count, ask->nodes);
    for (uint32_t i = 0; i < run->held->grant_count; i++) {
        const struct stint_grant *grant = &run->held->grants[i];
        assert_int_equal(world->nodes[grant->node], STINT_NODE_UP);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(grant->node, run->held->grants[k].node);
        take_cores(world, grant, ask->cpus ? ask->cpus : ask->gpus == 0);
        take_gpus(world, grant, ask);
        take_memory(world, grant, ask->memory_bytes);
    }
}

void held_give_back(struct world *world, const struct element *run)
{
    for (uint32_t i = 0; i < run->held->grant_count; i++) {
        const struct stint_grant *grant = &run->held->grants[i];
        const struct stint_shape *shape = world->machine->nodes[grant->node].shape;
        for (size_t w = 0; w < STINT_BIT_WORDS(shape->core_count); w++)
            world->cores[grant->node * CORE_WORDS + w] &= ~grant->cores[w];
        for (uint32_t g = 0; g < shape->gpu_count; g++)
            world->gpus[grant->node * GPU_SLOTS + g] -=
                (grant->gpus >> g & 1) ? grant->gpu_milli : 0;
        for (uint32_t n = 0; n < shape->numa_count; n++)
            world->memory[grant->node * NUMA_SLOTS + n] -= grant->numa_memory[n];
    }
}
