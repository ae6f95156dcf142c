/* What is drawn: machines, policies, asks. Each from one seed. */
#include "property.h"

uint64_t random_state;

uint64_t random_next(void)
{
    /* splitmix64 */
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

uint64_t scenario_count(uint64_t quick, uint64_t *ret_first)
{
#ifdef SCENARIOS
    quick = SCENARIOS * number_of("STINT_LONG", 1);
#endif
    *ret_first = number_of("STINT_SCENARIO_FIRST", 1);
    return number_of("STINT_SCENARIOS", quick);
}

static void random_shape(struct stint_machine *machine)
{
    struct stint_shape *shape = NULL;
    uint32_t numas = 1 + below(3);
    uint32_t per = 1 + below(6);
    uint32_t gpus = below(2) ? below(9) : 0;
    assert_int_equal(
        stint_machine_add_shape(machine, numas, numas * per, numas * per, gpus, 0, &shape, NULL),
        0);
    bool has_memory = below(4) > 0;
    for (uint32_t n = 0; n < numas; n++)
        shape->numa[n] =
            (struct stint_numa){ .core_first = n * per,
                                 .core_count = per,
                                 .memory_bytes = has_memory ? (int64_t)(1 + below(8)) << 30 : 0 };
    for (uint32_t c = 0; c < numas * per; c++)
        shape->cores[c] = (struct stint_core){
            .pu_first = c, .pu_count = 1, .numa = (uint16_t)(c / per), .cache = c / 2
        };
    for (uint32_t g = 0; g < gpus; g++) {
        const char *type = below(2) ? "a" : "b";
        shape->gpus[g] = (struct stint_gpu){ .numa = (uint16_t)below(numas), .partition_of = -1 };
        (void)snprintf(shape->gpus[g].type, sizeof(shape->gpus[g].type), "%s", type);
        assert_int_equal(stint_machine_type(machine, type, &shape->gpus[g].type_index, NULL), 0);
    }
    assert_int_equal(stint_machine_add_nodes(machine, "n", shape, 1 + below(3), NULL), 0);
}

struct stint_machine *random_machine(bool is_flat)
{
    struct stint_machine *machine = NULL;
    if (is_flat) {
        assert_int_equal(stint_machine_new_flat(1 + below(16), &machine, NULL), 0);
        return machine;
    }
    assert_int_equal(stint_machine_new(&machine), 0);
    for (uint32_t shapes = 1 + below(2); shapes > 0; shapes--)
        random_shape(machine);
    return machine;
}

struct stint_policy random_policy(void)
{
    return (struct stint_policy){ .mode = (enum stint_mode)below(STINT_MODE_COUNT),
                                  .reserved_heads = below(4),
                                  .try_max = below(8) == 0 ? 1 + below(8) : 0,
                                  .cores_per_free_gpu = below(4) == 0,
                                  .tiers = below(2) ? 1 + below(8) : 0,
                                  .half_life_ms = 1000 + (int64_t)below(1000000),
                                  .preempts = below(3) == 0,
                                  .grace_ms = below(2000),
                                  .min_run_ms = 1 + below(10000),
                                  .resume_ms = below(1000) };
}

static void random_accounts(struct stint_ask *ask)
{
    uint32_t project = below(PROJECTS);
    uint32_t user = below(USERS);
    ask->user = user;
    ask->fair_account = SEAT + project * USERS + user;
    if (below(4) == 0)
        return; /* nobody's limits */
    ask->account_count = 5;
    ask->accounts[0] = PROJECT + project;
    ask->accounts[1] = INSTITUTION + project / (PROJECTS / INSTITUTIONS);
    ask->accounts[2] = SITE;
    ask->accounts[3] = USER + user;
    ask->accounts[4] = AWARD + project;
    ask->cost_micro = below(100000);
}

struct stint_ask random_ask(const struct world *world, uint64_t job)
{
    struct stint_ask ask = { .key = { job, below(3) },
                             .cpus = below(8),
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .locality = (uint8_t)below(3),
                             .nodes = below(5) == 0 ? 2 : 1,
                             .priority = below(4) == 0 ? (int32_t)below(201) - 100 : 0,
                             .preemptible = below(2),
                             .attained_ms = below(3) == 0 ? (int64_t)below(1000000000) : 0,
                             .memory_bytes = below(2) ? (int64_t)below(4096) << 20 : 0,
                             .walltime_ms = 1 + below(100000),
                             .submit_ms = world->now_ms - below(1000),
                             .begin_ms = below(6) == 0 ? world->now_ms + below(50000) : 0 };
    if (below(2)) {
        ask.gpus = (uint16_t)(1 + below(4));
        if (ask.gpus == 1 && below(2))
            ask.gpu_milli = (uint16_t)(1 + below(1000));
        if (world->machine->type_count > 0 && below(3) == 0)
            ask.gpu_type = (int16_t)below(world->machine->type_count);
    }
    random_accounts(&ask);
    return ask;
}
