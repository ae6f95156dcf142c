/* Reservations: what is kept and used of each thing of a node, worked out from nothing. */
#include "property.h"

#define THINGS (3 + 3 + GPU_SLOTS) /* cores and MiB by NUMA node, thousandths of GPUs */

static void add_grant(const struct stint_shape *shape, const struct stint_grant *grant,
                      int32_t things[THINGS])
{
    for (uint32_t c = 0; c < shape->core_count; c++)
        things[shape->cores[c].numa] += stint_bit_has(grant->cores, c);
    for (uint32_t n = 0; n < shape->numa_count; n++)
        things[3 + n] += (int32_t)(grant->numa_memory[n] >> 20);
    for (uint32_t g = 0; g < shape->gpu_count; g++)
        things[6 + g] += grant->gpus >> g & 1 ? grant->gpu_milli : 0;
}

static void add_allocation(const struct world *world, const struct stint_allocation *allocation,
                           uint32_t node, int32_t things[THINGS])
{
    for (uint32_t i = 0; allocation && i < allocation->grant_count; i++)
        if (allocation->grants[i].node == node)
            add_grant(world->machine->nodes[node].shape, &allocation->grants[i], things);
}

/* What runs at @at_ms of all tasks, or of those of project @account. */
static void add_runs(const struct world *world, uint32_t node, int64_t at_ms, uint32_t account,
                     int32_t things[THINGS])
{
    for (uint32_t i = 0; i < world->element_count; i++) {
        const struct element *run = &world->elements[i];
        bool is_meant = account == STINT_NO_ACCOUNT ||
                        (run->ask.account_count > 0 && run->ask.accounts[0] == account);
        if (run->state == ELEMENT_RUNNING && run->limit_ms > at_ms && is_meant)
            add_allocation(world, run->held, node, things);
    }
}

static int32_t rest(int32_t kept, int32_t used)
{
    return kept > used ? kept - used : 0;
}

/* What tasks of @job's accounts may not touch at @at_ms: kept, less what the holders use; a
 * project's use is of its own windows first, then of its institution's. */
static void kept_from(const struct world *world, const struct stint_ask *job, uint32_t node,
                      int64_t at_ms, int32_t things[THINGS])
{
    static const uint32_t nobody = AWARD;
    int32_t kept[AWARD + 1][THINGS] = { { 0 } };
    int32_t used[AWARD + 1][THINGS] = { { 0 } };
    for (int i = 0; i < WINDOWS; i++) {
        const struct kept *window = &world->windows[i];
        if (window->allocation && window->from_ms <= at_ms && at_ms < window->until_ms)
            add_allocation(world, window->allocation, node,
                           kept[window->account == STINT_NO_ACCOUNT ? nobody : window->account]);
    }
    for (uint32_t p = PROJECT; p < PROJECT + PROJECTS; p++)
        add_runs(world, node, at_ms, p, used[p]);
    for (uint32_t k = 0; k < THINGS; k++) {
        things[k] = kept[nobody][k];
        for (uint32_t p = 0; p < PROJECTS; p++) {
            uint32_t a = PROJECT + p;
            used[INSTITUTION + p / (PROJECTS / INSTITUTIONS)][k] += rest(used[a][k], kept[a][k]);
            if (job->account_count == 0 || job->accounts[0] != a)
                things[k] += rest(kept[a][k], used[a][k]);
        }
        for (uint32_t a = INSTITUTION; a < INSTITUTION + INSTITUTIONS; a++)
            if (job->account_count == 0 || job->accounts[1] != a)
                things[k] += rest(kept[a][k], used[a][k]);
    }
}

/* At @at_ms nothing that @run holds on @node is kept from it. */
static void check_kept(const struct world *world, const struct element *run, uint32_t node,
                       int64_t at_ms)
{
    const struct stint_shape *shape = world->machine->nodes[node].shape;
    int32_t own[THINGS] = { 0 };
    int32_t things[THINGS];
    int32_t total[THINGS] = { 0 };
    kept_from(world, &run->ask, node, at_ms, things);
    add_allocation(world, run->held, node, own);
    add_runs(world, node, at_ms, STINT_NO_ACCOUNT, things);
    for (uint32_t c = 0; c < shape->core_count; c++)
        total[shape->cores[c].numa]++;
    for (uint32_t n = 0; n < shape->numa_count; n++)
        total[3 + n] = (int32_t)(shape->numa[n].memory_bytes >> 20);
    for (uint32_t g = 0; g < shape->gpu_count; g++)
        total[6 + g] = 1000;
    for (uint32_t k = 0; k < THINGS; k++)
        if (own[k] > 0 && things[k] > total[k])
            fail_msg("job %d has %d of thing %u of node %u that is reserved at %lld",
                     (int)run->ask.key.job, own[k], k, node, (long long)at_ms);
}

void windows_check_start(const struct world *world, const struct element *run)
{
    for (uint32_t i = 0; i < run->held->grant_count; i++) {
        uint32_t node = run->held->grants[i].node;
        check_kept(world, run, node, world->now_ms);
        for (int k = 0; k < WINDOWS; k++) {
            const struct kept *window = &world->windows[k];
            if (window->allocation && window->from_ms > world->now_ms &&
                window->from_ms < run->limit_ms)
                check_kept(world, run, node, window->from_ms);
        }
    }
}

void windows_forget(struct world *world, uint32_t i)
{
    size_t there = stint_clerk_unreserve(world->clerk, i + 1, INT64_MIN);
    if (world->twin)
        assert_int_equal(stint_scheduler_unreserve(world->twin, i + 1, INT64_MIN), there);
    world->windows[i].allocation = stint_allocation_free(world->windows[i].allocation);
}

/* A place for a window: a task's worth of something, or whole nodes. */
static int find_place(struct world *world, const struct stint_span *span,
                      struct stint_allocation **ret_allocation)
{
    struct stint_ask ask = random_ask(world, JOBS + 1);
    uint32_t all[16];
    for (uint32_t n = 0; n < 16; n++)
        all[n] = n;
    if (below(6) == 0)
        return stint_scheduler_whole_nodes(world->scheduler, all, world->machine->node_count,
                                           ret_allocation);
    return stint_scheduler_place_window(world->scheduler, &ask, -1, span, 1, ret_allocation, NULL);
}

void windows_change(struct world *world)
{
    uint32_t i = below(WINDOWS);
    struct kept *kept = &world->windows[i];
    struct stint_span span = { .from_ms = world->now_ms + below(20000) };
    span.until_ms = span.from_ms + 1 + below(40000);
    if (kept->allocation) {
        windows_forget(world, i);
        return;
    }
    if (find_place(world, &span, &kept->allocation) != 0)
        return;
    kept->account = below(3) == 0 ? STINT_NO_ACCOUNT : INSTITUTION + below(INSTITUTIONS + PROJECTS);
    kept->from_ms = span.from_ms;
    kept->until_ms = span.until_ms;
    struct stint_window window = { i + 1, kept->account, kept->from_ms, kept->until_ms,
                                   kept->allocation };
    int r = stint_clerk_reserve(world->clerk, &window, NULL, NULL);
    if (world->twin)
        assert_int_equal(stint_scheduler_reserve(world->twin, &window, NULL, NULL), r);
    if (r != 0) /* whole nodes, of which something is reserved */
        kept->allocation = stint_allocation_free(kept->allocation);
}
