/* Which GPUs, cores and memory a task gets: by links, by NUMA node, by what stays whole for others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stint/scheduler.h"
#include "stint/topology.h"

struct fixture {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    uint64_t next;
};

static struct fixture fixture;

static void open_on(struct stint_machine *machine)
{
    struct stint_policy policy = { .mode = STINT_MODE_EASY };
    fixture = (struct fixture){ .machine = machine };
    assert_int_equal(stint_scheduler_new(machine, &policy, &fixture.scheduler, NULL), 0);
}

static int close_all(void **state)
{
    (void)state;
    fixture.scheduler = stint_scheduler_free(fixture.scheduler);
    fixture.machine = stint_machine_free(fixture.machine);
    return 0;
}

/* Starts a task with @gpus and @cpus and returns the mask of its GPUs; 0 when it has to wait. */
static uint64_t start(uint16_t gpus, uint32_t cpus, enum stint_place_locality locality,
                      const struct stint_grant **ret_grant)
{
    struct stint_start starts[1];
    size_t count = 0;
    struct stint_ask ask = { .key = { ++fixture.next, 0 },
                             .cpus = cpus,
                             .gpus = gpus,
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .locality = (uint8_t)locality,
                             .walltime_ms = 1000,
                             .user = UINT32_MAX,
                             .fair_account = STINT_NO_ACCOUNT };
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &ask, NULL), 0);
    assert_int_equal(stint_scheduler_pass(fixture.scheduler, 0, starts, 1, &count), 0);
    assert_null(stint_scheduler_check(fixture.scheduler));
    if (count == 0) {
        assert_int_equal(stint_scheduler_remove(fixture.scheduler, ask.key), 0);
        return 0;
    }
    if (ret_grant)
        *ret_grant = &starts[0].allocation->grants[0];
    return starts[0].allocation->grants[0].gpus;
}

/* Eight GPUs in one NUMA node, the even ones linked to one another and the odd ones. */
static struct stint_machine *two_quads(void)
{
    struct stint_machine *machine = NULL;
    struct stint_shape *shape = NULL;
    uint32_t at = 0;
    assert_int_equal(stint_machine_new(&machine), 0);
    assert_int_equal(stint_machine_add_shape(machine, 1, 16, 16, 8, 12, &shape, NULL), 0);
    shape->numa[0] = (struct stint_numa){ .core_count = 16 };
    for (uint32_t c = 0; c < 16; c++)
        shape->cores[c] = (struct stint_core){ .pu_first = c, .pu_count = 1, .cache = c / 4 };
    for (uint16_t a = 0; a < 8; a++) {
        shape->gpus[a] = (struct stint_gpu){ .type = "x", .partition_of = -1 };
        for (uint16_t b = (uint16_t)(a + 2); b < 8; b = (uint16_t)(b + 2))
            shape->links[at++] = (struct stint_link){ a, b, STINT_LINK_NVLINK, 50000 };
    }
    uint16_t type = 0;
    assert_int_equal(stint_machine_type(machine, "x", &type, NULL), 0);
    assert_int_equal(stint_machine_add_nodes(machine, "node", shape, 1, NULL), 0);
    return machine;
}

static void linked_gpus_go_together_and_large_sets_stay_whole(void **state)
{
    (void)state;
    open_on(two_quads());
    uint64_t pair = start(2, 0, STINT_PLACE_PREFER, NULL);
    assert_true(pair == 0x05 || (pair & 0x55) == pair || (pair & 0xaa) == pair);
    uint64_t quad = start(4, 0, STINT_PLACE_PREFER, NULL);
    assert_true(quad == 0x55 || quad == 0xaa); /* the other one, whole */
    assert_int_equal(quad & pair, 0);
    uint64_t rest = start(2, 0, STINT_PLACE_PREFER, NULL);
    assert_int_equal(rest | pair | quad, 0xff);
}

static void single_gpus_come_from_the_broken_set(void **state)
{
    (void)state;
    open_on(two_quads());
    uint64_t taken = 0;
    for (int i = 0; i < 4; i++)
        taken |= start(1, 0, STINT_PLACE_PREFER, NULL);
    assert_true(taken == 0x55 || taken == 0xaa);
}

static void cores_share_a_cache_where_they_can(void **state)
{
    (void)state;
    open_on(two_quads());
    static const struct {
        uint32_t cpus;
        uint64_t cores;
    } cases[] = {
        { 2, 0x0003 },
        { 4, 0x00f0 }, /* a cache of its own */
        { 2, 0x000c }, /* the tightest that holds it */
        { 6, 0x3f00 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct stint_grant *grant = NULL;
        (void)start(0, cases[i].cpus, STINT_PLACE_PREFER, &grant);
        uint64_t cores = grant ? grant->cores[0] : 0;
        assert_int_equal(cores, cases[i].cores);
    }
}

static struct stint_machine *shared(const char *file)
{
    char path[4096];
    struct stint_machine *machine = NULL;
    (void)snprintf(path, sizeof(path), "%s/topologies/%s", STINT_SHARED_DATA, file);
    if (access(path, R_OK) != 0)
        skip();
    struct stint_topology_options options = { .source = path };
    assert_int_equal(stint_topology_load(&options, &machine, NULL), 0);
    return machine;
}

/* Each real machine: sets of every size stay in one NUMA node where one has so many. */
static void real_machines_keep_sets_in_one_numa_node(void **state)
{
    (void)state;
    static const char *const files[] = { "dgx2-16xv100.xml",     "g4dn-metal-8xt4.xml",
                                         "tioga-8xmi250x.xml",   "lassen-p9-4xv100.xml",
                                         "minsky-p8-4xp100.xml", "pascal-2xp100.xml" };
    for (size_t f = 0; f < STINT_ARRAY_SIZE(files); f++) {
        struct stint_machine *machine = shared(files[f]);
        const struct stint_shape *shape = machine->nodes[0].shape;
        uint32_t most = 0;
        for (uint32_t n = 0; n < shape->numa_count; n++) {
            uint32_t here = 0;
            for (uint32_t g = 0; g < shape->gpu_count; g++)
                here += shape->gpus[g].numa == n;
            most = here > most ? here : most;
        }
        for (uint32_t size = 1; size <= most; size++) {
            open_on(machine);
            uint64_t mask = start((uint16_t)size, 1, STINT_PLACE_STRICT, NULL);
            assert_int_equal(__builtin_popcountll(mask), size);
            for (uint32_t g = 0; g < shape->gpu_count; g++)
                if (mask >> g & 1)
                    assert_int_equal(shape->gpus[g].numa, shape->gpus[__builtin_ctzll(mask)].numa);
            fixture.scheduler = stint_scheduler_free(fixture.scheduler);
        }
        fixture.machine = NULL;
        (void)stint_machine_free(machine);
    }
}

static void linked_pairs_of_a_real_machine_are_found(void **state)
{
    (void)state;
    open_on(shared("minsky-p8-4xp100.xml")); /* 0-1 and 2-3 are linked */
    uint64_t first = start(2, 1, STINT_PLACE_PREFER, NULL);
    uint64_t second = start(2, 1, STINT_PLACE_PREFER, NULL);
    assert_true((first == 0x3 && second == 0xc) || (first == 0xc && second == 0x3));
}

static void strict_waits_where_prefer_spreads(void **state)
{
    (void)state;
    open_on(shared("lassen-p9-4xv100.xml")); /* two GPUs in each of two NUMA nodes */
    (void)start(1, 1, STINT_PLACE_PREFER, NULL);
    (void)start(2, 1, STINT_PLACE_PREFER, NULL); /* the other side, whole */
    assert_int_equal(start(2, 1, STINT_PLACE_STRICT, NULL), 0);
    assert_int_equal(__builtin_popcountll(start(1, 1, STINT_PLACE_STRICT, NULL)), 1);
}

#define T(name) cmocka_unit_test_teardown(name, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(linked_gpus_go_together_and_large_sets_stay_whole),
        T(single_gpus_come_from_the_broken_set),
        T(cores_share_a_cache_where_they_can),
        T(real_machines_keep_sets_in_one_numa_node),
        T(linked_pairs_of_a_real_machine_are_found),
        T(strict_waits_where_prefer_spreads),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
