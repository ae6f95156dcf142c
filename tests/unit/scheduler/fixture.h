/* A scheduler on a machine small enough to be worked out by hand; included by each test program. */
#ifndef STINT_TEST_SCHEDULER_FIXTURE_H
#define STINT_TEST_SCHEDULER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/scheduler.h"

#define GIB (INT64_C(1) << 30)

struct fixture {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    struct stint_start starts[64];
    size_t count;
};

static struct fixture fixture;

static __attribute__((unused)) void open_machine(struct stint_machine *machine,
                                                 struct stint_policy policy)
{
    fixture.machine = machine;
    assert_int_equal(stint_scheduler_new(machine, &policy, &fixture.scheduler, NULL), 0);
}

static __attribute__((unused)) void open_flat(uint32_t cores, enum stint_mode mode)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(cores, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = mode });
}

/* @nodes nodes of two NUMA nodes with 4 cores, 8 GiB and @gpus / 2 GPUs each. */
static __attribute__((unused)) void open_servers(uint32_t nodes, uint32_t gpus,
                                                 struct stint_policy policy)
{
    struct stint_machine *machine = NULL;
    struct stint_shape *shape = NULL;
    assert_int_equal(stint_machine_new(&machine), 0);
    assert_int_equal(stint_machine_add_shape(machine, 2, 8, 8, gpus, 0, &shape, NULL), 0);
    shape->packages = 2;
    for (uint32_t n = 0; n < 2; n++)
        shape->numa[n] = (struct stint_numa){
            .package = n, .core_first = 4 * n, .core_count = 4, .memory_bytes = 8 * GIB
        };
    for (uint32_t c = 0; c < 8; c++) {
        shape->cores[c] = (struct stint_core){
            .pu_first = c, .pu_count = 1, .numa = (uint16_t)(c / 4), .cache = c / 2
        };
        shape->pus[c] = c;
    }
    for (uint32_t g = 0; g < gpus; g++) {
        shape->gpus[g] = (struct stint_gpu){ .type = "h200",
                                             .numa = (uint16_t)(g * 2 / gpus),
                                             .partition_of = -1,
                                             .device = (int32_t)g };
        assert_int_equal(stint_machine_type(machine, "h200", &shape->gpus[g].type_index, NULL), 0);
    }
    shape->memory_bytes = 16 * GIB;
    assert_int_equal(stint_machine_add_nodes(machine, "node", shape, nodes, NULL), 0);
    open_machine(machine, policy);
}

static __attribute__((unused)) int close_all(void **state)
{
    (void)state;
    fixture.scheduler = stint_scheduler_free(fixture.scheduler);
    fixture.machine = stint_machine_free(fixture.machine);
    return 0;
}

static __attribute__((unused)) struct stint_ask ask(uint64_t job, uint32_t cpus, int64_t walltime_s)
{
    return (struct stint_ask){ .key = { job, 0 },
                               .cpus = cpus,
                               .gpu_type = STINT_ANY_GPU_TYPE,
                               .walltime_ms = walltime_s * 1000,
                               .user = UINT32_MAX,
                               .fair_account = STINT_NO_ACCOUNT };
}

static __attribute__((unused)) struct stint_ask gpu_ask(uint64_t job, uint16_t gpus,
                                                        int64_t walltime_s)
{
    struct stint_ask a = ask(job, 0, walltime_s);
    a.gpus = gpus;
    return a;
}

static __attribute__((unused)) void submit(struct stint_ask a)
{
    struct stint_error err = { 0 };
    int r = stint_scheduler_submit(fixture.scheduler, &a, &err);
    if (r != 0)
        print_error("submit: %s\n", err.text);
    assert_int_equal(r, 0);
}

static __attribute__((unused)) void check(void)
{
    const char *wrong = stint_scheduler_check(fixture.scheduler);
    if (wrong)
        fail_msg("%s", wrong);
}

/* The jobs that start at @now_s, in order, as text: "1 3". */
static __attribute__((unused)) const char *pass(int64_t now_s)
{
    static char text[512];
    size_t at = 0;
    assert_int_equal(
        stint_scheduler_pass(fixture.scheduler, now_s * 1000, fixture.starts, 64, &fixture.count),
        0);
    text[0] = '\0';
    for (size_t i = 0; i < fixture.count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu", i ? " " : "",
                               (unsigned long long)fixture.starts[i].key.job);
    check();
    return text;
}

static __attribute__((unused)) void end(uint64_t job, int64_t now_s)
{
    struct stint_task_key key = { job, 0 };
    assert_int_equal(stint_scheduler_end(fixture.scheduler, key, now_s * 1000), 0);
    check();
}

static __attribute__((unused)) const char *line(uint64_t job)
{
    static struct stint_buffer buffer;
    static char text[256];
    struct stint_task_key key = { job, 0 };
    const struct stint_allocation *allocation = stint_scheduler_allocation(fixture.scheduler, key);
    assert_non_null(allocation);
    stint_buffer_clear(&buffer);
    stint_allocation_format(fixture.machine, allocation, &buffer);
    (void)snprintf(text, sizeof(text), "%s", stint_buffer_text(&buffer));
    stint_buffer_deinit(&buffer);
    return text;
}

static __attribute__((unused)) struct stint_reason reason(uint64_t job)
{
    struct stint_task_key key = { job, 0 };
    return stint_scheduler_reason(fixture.scheduler, key);
}

static __attribute__((unused)) const char *why(uint64_t job)
{
    return stint_reason_name(reason(job).code);
}

#define T(name) cmocka_unit_test_teardown(name, close_all)

#endif
