/* Ceilings of every kind and scope, and what is used of them: counted here from starts and ends
 * alone. */
#include "property.h"

/* What one run takes of a limit. */
static int64_t takes(const struct stint_ask *ask, enum stint_limit limit)
{
    int64_t nodes = ask->nodes;
    int64_t cores = nodes * (ask->cpus ? ask->cpus : ask->gpus == 0);
    int64_t milli = nodes * ask->gpus * (ask->gpu_milli ? ask->gpu_milli : 1000);
    switch (limit) {
    case STINT_LIMIT_GPU_MILLI:
        return milli;
    case STINT_LIMIT_CORES:
        return cores;
    case STINT_LIMIT_MEMORY:
        return nodes * ask->memory_bytes;
    case STINT_LIMIT_JOBS:
        return 1;
    case STINT_LIMIT_BUDGET:
        return ask->cost_micro;
    case STINT_LIMIT_GPU_MS_MONTH:
    case STINT_LIMIT_GPU_MS_WEEK:
    case STINT_LIMIT_GPU_MS_DAY:
        return (milli * ask->walltime_ms + 999) / 1000;
    case STINT_LIMIT_CORE_MS_MONTH:
    case STINT_LIMIT_CORE_MS_WEEK:
    case STINT_LIMIT_CORE_MS_DAY:
        return cores * ask->walltime_ms;
    case STINT_LIMIT_COUNT:
        break;
    }
    return 0;
}

static int64_t random_ceiling(enum stint_limit limit)
{
    switch (limit) {
    case STINT_LIMIT_GPU_MILLI:
        return 500 * (int64_t)below(16);
    case STINT_LIMIT_CORES:
        return 1 + below(24);
    case STINT_LIMIT_MEMORY:
        return (int64_t)below(8192) << 20;
    case STINT_LIMIT_JOBS:
        return 1 + below(6);
    case STINT_LIMIT_BUDGET:
        return below(1000000);
    case STINT_LIMIT_GPU_MS_MONTH:
    case STINT_LIMIT_GPU_MS_WEEK:
    case STINT_LIMIT_GPU_MS_DAY:
        return below(1000000);
    case STINT_LIMIT_CORE_MS_MONTH:
    case STINT_LIMIT_CORE_MS_WEEK:
    case STINT_LIMIT_CORE_MS_DAY:
        return below(4000000);
    case STINT_LIMIT_COUNT:
        break;
    }
    return 0;
}

static bool is_running_kind(int limit)
{
    return limit < STINT_LIMIT_BUDGET;
}

static void set_ceiling(struct world *world, uint32_t a, int limit, int64_t ceiling)
{
    world->ceilings[a][limit] = ceiling;
    BOTH(world, set_limit, a, (enum stint_limit)limit, ceiling, -1);
}

static void set_used(struct world *world, uint32_t a, int limit, int64_t used)
{
    world->used[a][limit] = used;
    BOTH(world, set_limit, a, (enum stint_limit)limit, world->ceilings[a][limit], used);
}

static void open_one(struct world *world, uint32_t a, enum stint_account_kind kind, uint32_t parent,
                     uint32_t shares)
{
    for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++)
        world->ceilings[a][limit] = STINT_UNLIMITED;
    world->accounts[a] = (struct told_account){ kind, parent, shares };
    BOTH(world, set_account, a, kind, parent, shares);
}

void accounts_open(struct world *world)
{
    open_one(world, SITE, STINT_ACCOUNT_SITE, STINT_NO_ACCOUNT, 0);
    for (uint32_t i = 0; i < INSTITUTIONS; i++)
        open_one(world, INSTITUTION + i, STINT_ACCOUNT_INSTITUTION, STINT_NO_ACCOUNT, 1 + below(3));
    for (uint32_t p = 0; p < PROJECTS; p++) {
        open_one(world, PROJECT + p, STINT_ACCOUNT_PROJECT,
                 INSTITUTION + p / (PROJECTS / INSTITUTIONS), below(4));
        open_one(world, AWARD + p, STINT_ACCOUNT_AWARD, STINT_NO_ACCOUNT, 0);
        for (uint32_t u = 0; u < USERS; u++)
            open_one(world, SEAT + p * USERS + u, STINT_ACCOUNT_SEAT, PROJECT + p, 1 + below(3));
    }
    for (uint32_t u = 0; u < USERS; u++)
        open_one(world, USER + u, STINT_ACCOUNT_USER, STINT_NO_ACCOUNT, 0);
    for (uint32_t j = 0; j <= JOBS; j++)
        open_one(world, ARRAY + j, STINT_ACCOUNT_ARRAY, STINT_NO_ACCOUNT, 0);
    if (world->is_calm)
        return;
    for (uint32_t a = SITE; a < AWARD; a++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++)
            if (limit != STINT_LIMIT_BUDGET && below(is_running_kind(limit) ? 8 : 24) == 0)
                set_ceiling(world, a, limit, random_ceiling((enum stint_limit)limit));
    for (uint32_t p = 0; p < PROJECTS; p++)
        if (below(2))
            set_ceiling(world, AWARD + p, STINT_LIMIT_BUDGET, random_ceiling(STINT_LIMIT_BUDGET));
}

void limits_change(struct world *world)
{
    uint32_t a = below(AWARD);
    int limit = (int)below(STINT_LIMIT_COUNT);
    if (below(4) == 0) {
        int64_t own = world->used[a][STINT_LIMIT_CORES] - world->elsewhere[a];
        world->elsewhere[a] = below(4);
        world->used[a][STINT_LIMIT_CORES] = own + world->elsewhere[a];
        BOTH(world, set_limit, a, STINT_LIMIT_CORES, world->ceilings[a][STINT_LIMIT_CORES],
             world->elsewhere[a]);
        return;
    }
    if (limit == STINT_LIMIT_BUDGET)
        a = AWARD + below(PROJECTS);
    set_ceiling(world, a, limit,
                below(3) == 0 ? STINT_UNLIMITED : random_ceiling((enum stint_limit)limit));
}

static void add(struct world *world, const struct stint_ask *ask, int sign, bool with_budgets)
{
    for (uint32_t i = 0; i < ask->account_count; i++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++)
            if (is_running_kind(limit) || with_budgets)
                world->used[ask->accounts[i]][limit] += sign * takes(ask, (enum stint_limit)limit);
}

void limits_charge(struct world *world, const struct stint_ask *ask)
{
    add(world, ask, 1, true);
    for (uint32_t i = 0; i < ask->account_count; i++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++) {
            uint32_t a = ask->accounts[i];
            if (takes(ask, (enum stint_limit)limit) > 0 &&
                world->used[a][limit] > world->ceilings[a][limit])
                fail_msg("job %d: limit %d of account %u: %lld of %lld", (int)ask->key.job, limit,
                         a, (long long)world->used[a][limit], (long long)world->ceilings[a][limit]);
        }
}

void limits_undo(struct world *world, const struct stint_ask *ask)
{
    add(world, ask, -1, true);
}

void limits_settle(struct world *world, const struct stint_ask *ask, int64_t took_ms)
{
    int64_t took = took_ms < ask->walltime_ms ? took_ms : ask->walltime_ms;
    add(world, ask, -1, false);
    for (uint32_t i = 0; i < ask->account_count; i++)
        for (int limit = STINT_LIMIT_BUDGET; limit < STINT_LIMIT_COUNT; limit++) {
            uint32_t a = ask->accounts[i];
            int64_t held = takes(ask, (enum stint_limit)limit);
            if (world->ceilings[a][limit] != STINT_UNLIMITED && held > 0)
                set_used(world, a, limit,
                         world->used[a][limit] - held +
                             (int64_t)((double)held * (double)took / (double)ask->walltime_ms));
        }
}

void limits_check(const struct world *world, const struct stint_scheduler *scheduler)
{
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        for (int limit = 0; limit < STINT_LIMIT_BUDGET; limit++) {
            int64_t own =
                world->used[a][limit] - (limit == STINT_LIMIT_CORES ? world->elsewhere[a] : 0);
            assert_int_equal(stint_scheduler_used(scheduler, a, (enum stint_limit)limit), own);
        }
}

bool limits_over(const struct world *world, const struct stint_ask *ask)
{
    for (uint32_t i = 0; i < ask->account_count; i++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++) {
            uint32_t a = ask->accounts[i];
            int64_t amount = takes(ask, (enum stint_limit)limit);
            if (amount > 0 && world->ceilings[a][limit] != STINT_UNLIMITED &&
                world->used[a][limit] + amount > world->ceilings[a][limit])
                return true;
        }
    return false;
}

bool limits_exclude(const struct world *world, const struct stint_ask *ask)
{
    for (uint32_t i = 0; i < ask->account_count; i++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++) {
            uint32_t a = ask->accounts[i];
            int64_t stays = is_running_kind(limit) ? 0 : world->used[a][limit];
            int64_t amount = takes(ask, (enum stint_limit)limit);
            if (limit == STINT_LIMIT_CORES)
                stays = world->elsewhere[a];
            if (amount > 0 && world->ceilings[a][limit] != STINT_UNLIMITED &&
                stays + amount > world->ceilings[a][limit])
                return true;
        }
    return false;
}

void limits_copy(const struct world *world, struct stint_scheduler *scheduler)
{
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        assert_int_equal(stint_scheduler_set_account(scheduler, a, world->accounts[a].kind,
                                                     world->accounts[a].parent,
                                                     world->accounts[a].shares),
                         0);
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        for (int limit = 0; limit < STINT_LIMIT_COUNT; limit++) {
            int64_t used = world->used[a][limit];
            if (is_running_kind(limit))
                used = limit == STINT_LIMIT_CORES ? world->elsewhere[a] : 0;
            assert_int_equal(stint_scheduler_set_limit(scheduler, a, (enum stint_limit)limit,
                                                       world->ceilings[a][limit], used),
                             0);
        }
}
