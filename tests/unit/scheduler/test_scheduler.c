/* The decisions of the core on machines small enough to be worked out by hand. */
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

static void open_machine(struct stint_machine *machine, struct stint_policy policy)
{
    fixture.machine = machine;
    assert_int_equal(stint_scheduler_new(machine, &policy, &fixture.scheduler, NULL), 0);
}

static void open_flat(uint32_t cores, enum stint_mode mode)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(cores, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = mode });
}

/* @nodes nodes of two NUMA nodes with 4 cores, 8 GiB and @gpus / 2 GPUs each. */
static void open_servers(uint32_t nodes, uint32_t gpus, struct stint_policy policy)
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

static int close_all(void **state)
{
    (void)state;
    fixture.scheduler = stint_scheduler_free(fixture.scheduler);
    fixture.machine = stint_machine_free(fixture.machine);
    return 0;
}

static struct stint_ask ask(uint64_t job, uint32_t cpus, int64_t walltime_s)
{
    return (struct stint_ask){ .key = { job, 0 },
                               .cpus = cpus,
                               .gpu_type = STINT_ANY_GPU_TYPE,
                               .walltime_ms = walltime_s * 1000,
                               .user = UINT32_MAX,
                               .fair_account = STINT_NO_ACCOUNT };
}

static struct stint_ask gpu_ask(uint64_t job, uint16_t gpus, int64_t walltime_s)
{
    struct stint_ask a = ask(job, 0, walltime_s);
    a.gpus = gpus;
    return a;
}

static void submit(struct stint_ask a)
{
    struct stint_error err = { 0 };
    int r = stint_scheduler_submit(fixture.scheduler, &a, &err);
    if (r != 0)
        print_error("submit: %s\n", err.text);
    assert_int_equal(r, 0);
}

static void check(void)
{
    const char *wrong = stint_scheduler_check(fixture.scheduler);
    if (wrong)
        fail_msg("%s", wrong);
}

/* The jobs that start at @now_s, in order, as text: "1 3". */
static const char *pass(int64_t now_s)
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

static void end(uint64_t job, int64_t now_s)
{
    struct stint_task_key key = { job, 0 };
    assert_int_equal(stint_scheduler_end(fixture.scheduler, key, now_s * 1000), 0);
    check();
}

static const char *line(uint64_t job)
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

static struct stint_reason reason(uint64_t job)
{
    struct stint_task_key key = { job, 0 };
    return stint_scheduler_reason(fixture.scheduler, key);
}

static const char *why(uint64_t job)
{
    return stint_reason_name(reason(job).code);
}

/* ---- order and backfill */

static void jobs_start_by_priority_then_age(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_ask third = ask(3, 1, 10);
    third.priority = 5;
    submit(ask(1, 1, 10));
    submit(ask(2, 1, 10));
    submit(third);
    assert_string_equal(pass(0), "3");
    end(3, 10);
    assert_string_equal(pass(10), "1");
}

static void easy_fills_holes_without_delaying_the_head(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    submit(ask(1, 6, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 8, 100)); /* the head: waits until 100 */
    submit(ask(3, 4, 101)); /* would end after 100 and leave 6 for 8 */
    submit(ask(4, 4, 100)); /* ends in time */
    assert_string_equal(pass(0), "4");
    assert_true(fixture.starts[0].is_backfill);
    assert_string_equal(why(2), "Capacity");
    assert_int_equal(reason(2).until_ms, 100000);
    end(4, 50);
    submit(ask(5, 2, 1000)); /* fits beside the head */
    assert_string_equal(pass(50), "5");
    assert_string_equal(why(3), "Capacity");
    end(1, 60); /* early: the head moves up */
    assert_string_equal(pass(60), "2");
}

static void a_job_that_would_delay_a_promise_is_told_so(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100));
    submit(ask(3, 4, 101));
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(3), "Reserved");
    assert_int_equal(reason(3).asked, 4);
    assert_int_equal(reason(3).used, 6);
    assert_int_equal(reason(3).limit, 10);
}

static void fcfs_lets_nobody_pass(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_FCFS);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100));
    submit(ask(3, 1, 1));
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "Capacity");
    assert_string_equal(why(3), "Priority");
}

static void sjf_takes_the_shortest_first(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_SJF);
    submit(ask(1, 1, 30));
    submit(ask(2, 1, 10));
    submit(ask(3, 1, 20));
    assert_string_equal(pass(0), "2");
    end(2, 10);
    assert_string_equal(pass(10), "3");
}

static void conservative_gives_everybody_a_promise(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_CONSERVATIVE);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100)); /* at 100 */
    submit(ask(3, 4, 150)); /* at 200: at 0 and 100 it would move 2 */
    submit(ask(4, 4, 100)); /* now */
    assert_string_equal(pass(0), "1 4");
    assert_int_equal(reason(2).until_ms, 100000);
    assert_int_equal(reason(3).until_ms, 200000);
    end(1, 40);
    assert_string_equal(pass(40), "");
    assert_int_equal(reason(2).until_ms, 100000);
}

static void stint_mode_serves_by_expansion_factor(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_STINT);
    submit(ask(1, 1, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 10000)); /* first to have a reservation, but no promise yet */
    assert_string_equal(pass(1), "");
    assert_int_equal(reason(2).until_ms, 0);
    submit(ask(3, 1, 1000));
    submit(ask(4, 1, 10)); /* the same wait is more to it */
    assert_string_equal(pass(2), "");
    end(1, 100);
    assert_string_equal(pass(100), "4");
    end(4, 110);
    assert_string_equal(pass(110), "3");
}

static void a_near_reservation_is_a_promise_and_kept(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_STINT);
    submit(ask(1, 1, 80));
    assert_string_equal(pass(1000), "1");
    submit(ask(2, 2, 1000)); /* has waited since 0: 79 s more are near */
    assert_string_equal(pass(1001), "");
    assert_int_equal(reason(2).until_ms, 1080000);
    submit(ask(3, 2, 10)); /* a larger factor, too late */
    end(1, 1050);
    assert_string_equal(pass(1050), "2");
}

static void an_overdue_run_keeps_what_it_holds(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_EASY);
    submit(ask(1, 2, 10));
    submit(ask(2, 1, 10));
    assert_string_equal(pass(0), "1");
    assert_string_equal(pass(10), "");
    assert_string_equal(pass(11), "");
    assert_true(stint_scheduler_next_ms(fixture.scheduler) > 11000);
    end(1, 12);
    assert_string_equal(pass(12), "2");
}

static void time_that_steps_back_changes_nothing(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_EASY);
    submit(ask(1, 1, 10));
    assert_string_equal(pass(1000), "1");
    submit(ask(2, 1, 10));
    assert_string_equal(pass(5), "2");
    assert_int_equal(fixture.starts[0].ends_ms, 1010000);
}

static void a_full_array_of_starts_goes_on_with_the_next_call(void **state)
{
    (void)state;
    open_flat(100, STINT_MODE_EASY);
    size_t count = 0;
    for (uint64_t i = 1; i <= 100; i++)
        submit(ask(i, 1, 10));
    for (size_t got = 64; got == 64; count += got)
        assert_int_equal(stint_scheduler_pass(fixture.scheduler, 0, fixture.starts, 64, &got), 0);
    assert_int_equal(count, 100);
    check();
}

/* ---- what holds a job back */

static void blocked_jobs_keep_their_place_and_say_why(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_task_key first = { 1, 0 };
    struct stint_reason held = { .code = STINT_REASON_HeldByUser, .account = STINT_NO_ACCOUNT };
    struct stint_reason none = { .code = STINT_REASON_NONE };
    submit(ask(1, 1, 10));
    submit(ask(2, 1, 10));
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, first, &held), 0);
    assert_string_equal(pass(0), "2");
    assert_string_equal(why(1), "HeldByUser");
    submit(ask(3, 1, 10));
    assert_string_equal(pass(1), "");
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, first, &none), 0);
    end(2, 5);
    /* 3 holds a promise since 1, so 1 comes after it. */
    assert_string_equal(pass(5), "3");
    end(3, 6);
    assert_string_equal(pass(6), "1");
}

static void begin_times_are_kept(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_ask later = ask(1, 1, 10);
    later.begin_ms = 60000;
    submit(later);
    assert_string_equal(pass(59), "");
    assert_string_equal(why(1), "BeforeBeginTime");
    assert_int_equal(reason(1).until_ms, 60000);
    assert_int_equal(stint_scheduler_next_ms(fixture.scheduler), 60000);
    assert_string_equal(pass(60), "1");
}

static void limits_hold_and_name_themselves(void **state)
{
    (void)state;
    open_flat(100, STINT_MODE_EASY);
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 7, STINT_ACCOUNT_PROJECT,
                                                 STINT_NO_ACCOUNT, 0),
                     0);
    assert_int_equal(stint_scheduler_set_limit(fixture.scheduler, 7, STINT_LIMIT_CORES, 10, -1), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        struct stint_ask a = ask(i, 5, 100);
        a.account_count = 1;
        a.accounts[0] = 7;
        submit(a);
    }
    submit(ask(4, 90, 10));                /* nobody's limit */
    assert_string_equal(pass(0), "1 2 4"); /* starts of one pass count at once */
    struct stint_reason r = reason(3);
    assert_string_equal(stint_reason_name(r.code), "ProjectCoreLimit");
    assert_int_equal(r.asked, 5);
    assert_int_equal(r.used, 10);
    assert_int_equal(r.limit, 10);
    assert_int_equal(r.account, 7);
    end(1, 5);
    assert_string_equal(pass(5), "3");
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 7, STINT_LIMIT_CORES), 10);
}

static void a_limited_job_never_blocks_the_others(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_FCFS);
    (void)stint_scheduler_set_account(fixture.scheduler, 0, STINT_ACCOUNT_USER, STINT_NO_ACCOUNT,
                                      0);
    (void)stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_JOBS, 0, -1);
    struct stint_ask a = ask(1, 1, 10);
    a.account_count = 1;
    submit(a);
    submit(ask(2, 1, 10));
    assert_string_equal(pass(0), "2");
    assert_string_equal(why(1), "UserJobLimit");
    (void)stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_JOBS, STINT_UNLIMITED, -1);
    assert_string_equal(pass(0), "1");
}

static void budgets_are_held_until_the_ledger_settles(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    (void)stint_scheduler_set_account(fixture.scheduler, 3, STINT_ACCOUNT_AWARD, STINT_NO_ACCOUNT,
                                      0);
    (void)stint_scheduler_set_limit(fixture.scheduler, 3, STINT_LIMIT_BUDGET, 100, 20);
    for (uint64_t i = 1; i <= 3; i++) {
        struct stint_ask a = ask(i, 1, 10);
        a.cost_micro = i == 3 ? 90 : 50;
        a.account_count = 1;
        a.accounts[0] = 3;
        submit(a);
    }
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "BalanceHeld"); /* 20 used + 50 held + 50 */
    assert_string_equal(why(3), "BalanceExhausted");
    end(1, 5);
    assert_string_equal(pass(5), ""); /* not settled yet */
    (void)stint_scheduler_set_limit(fixture.scheduler, 3, STINT_LIMIT_BUDGET, 100, 30);
    assert_string_equal(pass(5), "2");
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 3, STINT_LIMIT_BUDGET), 80);
    struct stint_task_key second = { 2, 0 };
    assert_int_equal(stint_scheduler_undo(fixture.scheduler, second), 0);
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 3, STINT_LIMIT_BUDGET), 30);
}

static void every_kind_of_limit_has_its_token(void **state)
{
    (void)state;
    static const struct {
        enum stint_account_kind kind;
        enum stint_limit limit;
        const char *token;
    } cases[] = {
        { STINT_ACCOUNT_SITE, STINT_LIMIT_GPU_MILLI, "SiteGpuLimit" },
        { STINT_ACCOUNT_INSTITUTION, STINT_LIMIT_CORES, "InstitutionCoreLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_MEMORY, "ProjectMemoryLimit" },
        { STINT_ACCOUNT_USER, STINT_LIMIT_GPU_MILLI, "UserGpuLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_GPU_MS, "PeriodLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_CORE_MS, "PeriodLimit" },
        { STINT_ACCOUNT_ARRAY, STINT_LIMIT_JOBS, "ArrayLimit" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
        (void)stint_scheduler_set_account(fixture.scheduler, 0, cases[i].kind, STINT_NO_ACCOUNT, 0);
        (void)stint_scheduler_set_limit(fixture.scheduler, 0, cases[i].limit, 0, -1);
        struct stint_ask a = gpu_ask(1, 1, 10);
        a.cpus = 1;
        a.memory_bytes = GIB;
        a.account_count = 1;
        submit(a);
        assert_string_equal(pass(0), "");
        assert_string_equal(why(1), cases[i].token);
        (void)close_all(NULL);
    }
}

/* ---- places */

static void gpus_bring_their_numa_nodes_cores_and_memory(void **state)
{
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_ask a = gpu_ask(1, 2, 10);
    a.cpus = 3;
    a.memory_bytes = 3 * GIB;
    submit(a);
    a.key.job = 2;
    submit(a);
    assert_string_equal(pass(0), "1 2");
    assert_string_equal(line(1), "node/core[0-2]/gpu[0-1]");
    assert_string_equal(line(2), "node/core[4-6]/gpu[2-3]");
    assert_int_equal(fixture.starts[1].allocation->grants[0].numa_memory[1], 3 * GIB);
}

static void jobs_without_gpus_stay_away_from_free_gpus(void **state)
{
    (void)state;
    open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
    submit(gpu_ask(1, 1, 10));
    submit(ask(2, 3, 10));
    assert_string_equal(pass(0), "1 2");
    assert_string_equal(line(1), "node/gpu[0]");
    assert_string_equal(line(2), "node/core[0-2]"); /* GPU 1, on the other side, is free */
}

static void shares_go_to_the_fullest_gpu(void **state)
{
    (void)state;
    open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
    for (uint64_t i = 1; i <= 4; i++) {
        struct stint_ask a = gpu_ask(i, 1, 10);
        a.gpu_milli = i == 3 ? 600 : 250;
        submit(a);
    }
    assert_string_equal(pass(0), "1 2 3 4");
    assert_string_equal(line(2), "node/gpu[0]*250m");
    assert_string_equal(line(3), "node/gpu[1]*600m");
    assert_string_equal(line(4), "node/gpu[1]*250m"); /* 400 left there, 500 on the other */
    submit(gpu_ask(5, 1, 10));
    assert_string_equal(pass(0), "");
    assert_string_equal(why(5), "Capacity");
}

static void strict_jobs_wait_for_one_numa_node(void **state)
{
    (void)state;
    open_servers(1, 0, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_ask strict = ask(3, 4, 10);
    struct stint_ask prefer = ask(4, 4, 10);
    strict.locality = STINT_PLACE_STRICT;
    submit(ask(1, 2, 100));
    submit(ask(2, 3, 100));
    assert_string_equal(pass(0), "1 2"); /* 2 does not fit beside 1: 2 and 3 of 4 are taken */
    submit(strict);
    assert_string_equal(pass(1), "");
    assert_string_equal(why(3), "Capacity");
    end(2, 2);
    submit(ask(5, 3, 1));
    assert_string_equal(pass(2), "3");
    assert_string_equal(line(3), "node/core[4-7]");
    (void)prefer;
}

static void scattered_room_is_called_fragmented(void **state)
{
    (void)state;
    open_servers(2, 0, (struct stint_policy){ .mode = STINT_MODE_EASY });
    submit(ask(1, 5, 100));
    submit(ask(2, 5, 100));
    submit(ask(3, 6, 100));
    assert_string_equal(pass(0), "1 2");
    assert_string_equal(why(3), "Fragmented");
}

static void several_nodes_are_granted_together(void **state)
{
    (void)state;
    open_servers(3, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_ask wide = gpu_ask(2, 2, 10);
    wide.nodes = 2;
    submit(gpu_ask(1, 1, 100));
    submit(wide);
    assert_string_equal(pass(0), "1 2");
    assert_string_equal(line(2), "node1/gpu[0-1],node2/gpu[0-1]");
    wide.key.job = 3;
    submit(wide);
    assert_string_equal(pass(1), "");
    assert_int_equal(reason(3).until_ms, 10000);
    end(2, 5);
    assert_string_equal(pass(5), "3");
}

static void drained_and_down_nodes_take_nothing(void **state)
{
    (void)state;
    open_servers(2, 0, (struct stint_policy){ .mode = STINT_MODE_EASY });
    (void)stint_scheduler_set_node_state(fixture.scheduler, 0, STINT_NODE_DRAINING);
    submit(ask(1, 8, 10));
    assert_string_equal(pass(0), "1");
    assert_string_equal(line(1), "node1/core[0-7]");
    submit(ask(2, 8, 10));
    assert_string_equal(pass(1), "");
    assert_string_equal(why(2), "NodeDraining");
    (void)stint_scheduler_set_node_state(fixture.scheduler, 0, STINT_NODE_DOWN);
    assert_string_equal(pass(2), "");
    assert_string_equal(why(2), "NodeDown");
    (void)stint_scheduler_set_node_state(fixture.scheduler, 0, STINT_NODE_UP);
    assert_string_equal(pass(3), "2");
    stint_scheduler_set_away(fixture.scheduler, true);
    submit(ask(3, 1, 10));
    assert_string_equal(pass(4), "");
    assert_string_equal(why(3), "EngineAway");
}

static void what_can_never_start_is_refused_with_the_largest(void **state)
{
    (void)state;
    open_servers(2, 4, (struct stint_policy){ .mode = STINT_MODE_EASY, .walltime_max_ms = 100000 });
    struct stint_reason r;
    struct stint_ask largest;
    struct stint_error err;
    struct stint_ask a = gpu_ask(1, 5, 10);
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, &largest, &err),
                     STINT_UNSATISFIABLE);
    assert_string_equal(stint_reason_name(r.code), "ExceedsMachine");
    assert_int_equal(r.limit, 4);
    assert_int_equal(largest.gpus, 4);
    a = ask(1, 9, 10);
    a.memory_bytes = 17 * GIB;
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, &largest, &err),
                     STINT_UNSATISFIABLE);
    assert_int_equal(r.asked, 9);
    assert_int_equal(r.limit, 8);
    assert_int_equal(largest.memory_bytes, 16 * GIB);
    a = ask(1, 8, 101);
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, NULL, &err),
                     STINT_UNSATISFIABLE);
    assert_string_equal(stint_reason_name(r.code), "ExceedsMaxWalltime");
    a = gpu_ask(1, 1, 10);
    a.gpu_type = STINT_NO_GPU_TYPE;
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, NULL, &err),
                     STINT_UNSATISFIABLE);
    assert_string_equal(stint_reason_name(r.code), "NoSuchResource");
    a = ask(1, 1, 10);
    a.nodes = 3;
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, NULL, &err),
                     STINT_UNSATISFIABLE);
    assert_int_equal(r.limit, 2);
    a.nodes = 2;
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, NULL, &err), 0);
}

/* ---- after a restart */

static void runs_are_adopted_with_what_they_hold(void **state)
{
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    struct stint_ask a = gpu_ask(9, 2, 100);
    struct stint_error err = { 0 };
    a.cpus = 2;
    a.memory_bytes = 2 * GIB;
    assert_int_equal(
        stint_allocation_parse(fixture.machine, "node/core[1,4]/gpu[1-2]", &allocation, &err), 0);
    assert_int_equal(stint_scheduler_adopt(fixture.scheduler, &a, allocation, -50000, 50000, &err),
                     0);
    check();
    assert_string_equal(line(9), "node/core[1,4]/gpu[1-2]");
    a.key.job = 10;
    assert_int_equal(stint_scheduler_adopt(fixture.scheduler, &a, allocation, 0, 50000, &err),
                     STINT_CONFLICT);
    submit(gpu_ask(11, 3, 10));
    assert_string_equal(pass(0), "");
    assert_int_equal(reason(11).until_ms, 50000);
    end(9, 20);
    assert_string_equal(pass(20), "11");
}

static void allocations_read_back_as_they_were_written(void **state)
{
    (void)state;
    open_servers(3, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    static const char *const good[] = { "node0/core[0-3]/gpu[0-1]", "node1/core[7]",
                                        "node2/gpu[2]*250m",
                                        "node0/core[0,2,4-5],node2/core[1]/gpu[0,3]",
                                        "node0/core[0]/memory[0:1048576,1:4096]" };
    static const char *const bad[] = { "",
                                       "node9/core[0]",
                                       "node0/core[8]",
                                       "node0/core[3-1]",
                                       "node0/gpu[4]",
                                       "node0/core[0",
                                       "node0/core[]",
                                       "node0/core[0]/core[1]",
                                       "node1/core[0],node0/core[0]",
                                       "node0/gpu[0-1]*250m",
                                       "node0/gpu[0]*1000m",
                                       "node0/disk[0]",
                                       "node0/memory[2:1]",
                                       "node0/core[0]x",
                                       "node0/core[99999999999999999999]",
                                       "node0/memory[0:99999999999999999999]" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(good); i++) {
        stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
        struct stint_buffer buffer = { 0 };
        assert_int_equal(stint_allocation_parse(fixture.machine, good[i], &allocation, NULL), 0);
        stint_allocation_format_full(fixture.machine, allocation, &buffer);
        assert_string_equal(stint_buffer_text(&buffer), good[i]);
        stint_buffer_deinit(&buffer);
    }
    for (size_t i = 0; i < STINT_ARRAY_SIZE(bad); i++) {
        struct stint_allocation *allocation = NULL;
        int r = stint_allocation_parse(fixture.machine, bad[i], &allocation, NULL);
        if (r != STINT_INVALID)
            print_error("'%s' gave %d\n", bad[i], r);
        assert_int_equal(r, STINT_INVALID);
        assert_null(allocation);
    }
}

static void estimates_follow_limits_and_past_use(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_task_key third = { 3, 0 };
    int64_t p50 = 0;
    int64_t p90 = 0;
    struct stint_ask a = ask(1, 1, 1000);
    a.user = 5;
    submit(a);
    assert_string_equal(pass(0), "1");
    end(1, 100); /* user 5 took a tenth */
    a.key.job = 2;
    a.submit_ms = 100000;
    submit(a);
    assert_string_equal(pass(100), "2");
    a.key.job = 3;
    submit(a);
    assert_string_equal(pass(100), "");
    assert_int_equal(stint_scheduler_estimate(fixture.scheduler, third, &p50, &p90), 0);
    assert_int_equal(p90, 1100000);
    assert_int_equal(p50, 200000);
}

/* Institution 0 with projects 1 and 2; users 3 and 4 below 1, 5 below 2. */
static void open_shares(void)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(1, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){
                              .mode = STINT_MODE_STINT, .tiers = 8, .half_life_ms = 1000000 });
    static const uint32_t parents[] = { STINT_NO_ACCOUNT, 0, 0, 1, 1, 2 };
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, i, STINT_ACCOUNT_PROJECT,
                                                     parents[i], i == 2 ? 3 : 1),
                         0);
}

static struct stint_ask ask_of(uint64_t job, uint32_t account)
{
    struct stint_ask a = ask(job, 1, 100);
    a.fair_account = account;
    return a;
}

static void who_used_less_than_its_share_goes_first(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair fair;
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    submit(ask_of(2, 3));
    submit(ask_of(3, 4)); /* same project, nothing used */
    submit(ask_of(4, 5)); /* the other project */
    end(1, 100);
    assert_string_equal(pass(100), "4");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 1, &fair), 0);
    assert_true(fair.share > 0.249 && fair.share < 0.251);
    assert_true(fair.usage > 0.999);
    end(4, 130); /* 30 s of project 2, which has three times the shares: still less */
    submit(ask_of(5, 5));
    assert_string_equal(pass(130), "5");
    end(5, 500);
    assert_string_equal(pass(500), "3"); /* now project 1, and in it who used nothing */
    end(3, 501);
    assert_string_equal(pass(501), "2");
}

static void use_decays_by_half_in_a_half_life(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair before;
    struct stint_fair after;
    submit(ask_of(1, 3));
    assert_string_equal(pass(0), "1");
    end(1, 100);
    assert_string_equal(pass(100), "");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &before), 0);
    assert_true(before.usage_share_ms > 96000 && before.usage_share_ms < 97000);
    submit(ask_of(2, 5));
    assert_string_equal(pass(1100), "2");
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &after), 0);
    assert_true(after.usage_share_ms > before.usage_share_ms * 0.4999);
    assert_true(after.usage_share_ms < before.usage_share_ms * 0.5001);
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &after), 0);
    assert_string_equal(pass(1150), ""); /* what runs counts before it ends */
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &after), 0);
    assert_true(after.usage_share_ms > 49000 && after.usage_share_ms < 50000);
}

static void equal_use_is_the_same_tier(void **state)
{
    (void)state;
    open_shares();
    struct stint_fair a;
    struct stint_fair b;
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 3, &a), 0);
    assert_int_equal(stint_scheduler_fair(fixture.scheduler, 5, &b), 0);
    assert_int_equal(a.tier, b.tier);
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 1, STINT_ACCOUNT_PROJECT, 3, 1),
                     STINT_INVALID); /* no circles */
}

static void open_preemptive(void)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(10, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                 .preempts = true,
                                                 .grace_ms = 30000,
                                                 .resume_ms = 60000 });
}

static struct stint_ask stoppable(uint64_t job, uint32_t cpus, int64_t walltime_s)
{
    struct stint_ask a = ask(job, cpus, walltime_s);
    a.preemptible = true;
    return a;
}

/* The jobs to be stopped, as text. */
static const char *stops(void)
{
    static char text[128];
    struct stint_task_key keys[16];
    size_t at = 0;
    size_t count = stint_scheduler_stops(fixture.scheduler, keys, 16);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu", i ? " " : "",
                               (unsigned long long)keys[i].job);
    return text;
}

static void long_runs_that_may_be_stopped_make_room(void **state)
{
    (void)state;
    open_preemptive();
    submit(stoppable(1, 4, 100000));
    submit(ask(2, 6, 100000)); /* never declared */
    assert_string_equal(pass(0), "1 2");
    struct stint_ask small = ask(3, 2, 600);
    small.submit_ms = 800000;
    submit(small);
    assert_string_equal(pass(800), "");
    assert_string_equal(stops(), ""); /* under one processor-hour: level 0 as well */
    assert_string_equal(pass(1000), "");
    struct stint_ask more = ask(4, 1, 600);
    more.submit_ms = 1000000;
    submit(more);
    assert_string_equal(pass(1000), "");
    assert_string_equal(stops(), "1"); /* one stop is enough for both */
    assert_string_equal(stops(), "");  /* told once */
    assert_string_equal(why(4), "Preempting");
    assert_int_equal(reason(4).until_ms, 1030000);
    end(1, 1010);
    assert_string_equal(pass(1010), "4 3");
    struct stint_ask again = stoppable(1, 4, 99000);
    again.attained_ms = 4 * 1010000;
    submit(again);
    assert_string_equal(pass(1010), "");
    assert_string_equal(stops(), ""); /* its level is the higher one */
    end(3, 1100);
    end(4, 1100);
    assert_string_equal(pass(1100), "1");
    submit(small);
    assert_string_equal(pass(1101), "");
    assert_string_equal(stops(), ""); /* it has a minimum run */
}

static void nobody_is_stopped_for_less_than_it_costs(void **state)
{
    (void)state;
    open_preemptive();
    submit(stoppable(1, 10, 3700));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 600));
    assert_string_equal(pass(3000), "");
    assert_string_equal(stops(), ""); /* 700 s of one core against 90 s of ten */
    struct stint_ask wide = ask(3, 10, 600);
    submit(wide);
    assert_string_equal(pass(3001), "");
    assert_string_equal(stops(), "1");
}

static void bad_asks_are_refused(void **state)
{
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    struct stint_ask good = ask(1, 1, 10);
    struct stint_ask a = good;
    submit(good);
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &good, NULL), STINT_CONFLICT);
    a.key.job = 2;
    a.walltime_ms = 0;
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &a, NULL), STINT_INVALID);
    a.walltime_ms = INT64_MAX;
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &a, NULL), STINT_INVALID);
    a.walltime_ms = 1000;
    a.account_count = 1;
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &a, NULL), STINT_INVALID);
    a.account_count = 0;
    a.gpu_milli = 500;
    a.gpus = 2;
    assert_int_equal(stint_scheduler_submit(fixture.scheduler, &a, NULL), STINT_INVALID);
    a.gpus = 0;
    a.gpu_milli = 0;
    a.cpus = 5; /* joins, never starts */
    submit(a);
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "ExceedsMachine");
    assert_int_equal(reason(2).limit, 4);
    struct stint_task_key second = { 2, 0 };
    assert_int_equal(stint_scheduler_remove(fixture.scheduler, second), 0);
    assert_int_equal(stint_scheduler_remove(fixture.scheduler, second), STINT_NOT_FOUND);
    struct stint_policy bad = { .mode = STINT_MODE_STINT, .tiers = 4 };
    struct stint_scheduler *none = NULL;
    assert_int_equal(stint_scheduler_new(fixture.machine, &bad, &none, NULL), STINT_INVALID);
}

#define T(name) cmocka_unit_test_teardown(name, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(jobs_start_by_priority_then_age),
        T(easy_fills_holes_without_delaying_the_head),
        T(a_job_that_would_delay_a_promise_is_told_so),
        T(fcfs_lets_nobody_pass),
        T(sjf_takes_the_shortest_first),
        T(conservative_gives_everybody_a_promise),
        T(stint_mode_serves_by_expansion_factor),
        T(a_near_reservation_is_a_promise_and_kept),
        T(an_overdue_run_keeps_what_it_holds),
        T(time_that_steps_back_changes_nothing),
        T(a_full_array_of_starts_goes_on_with_the_next_call),
        T(blocked_jobs_keep_their_place_and_say_why),
        T(begin_times_are_kept),
        T(limits_hold_and_name_themselves),
        T(a_limited_job_never_blocks_the_others),
        T(budgets_are_held_until_the_ledger_settles),
        T(every_kind_of_limit_has_its_token),
        T(gpus_bring_their_numa_nodes_cores_and_memory),
        T(jobs_without_gpus_stay_away_from_free_gpus),
        T(shares_go_to_the_fullest_gpu),
        T(strict_jobs_wait_for_one_numa_node),
        T(scattered_room_is_called_fragmented),
        T(several_nodes_are_granted_together),
        T(drained_and_down_nodes_take_nothing),
        T(what_can_never_start_is_refused_with_the_largest),
        T(runs_are_adopted_with_what_they_hold),
        T(allocations_read_back_as_they_were_written),
        T(estimates_follow_limits_and_past_use),
        T(who_used_less_than_its_share_goes_first),
        T(use_decays_by_half_in_a_half_life),
        T(equal_use_is_the_same_tier),
        T(long_runs_that_may_be_stopped_make_room),
        T(nobody_is_stopped_for_less_than_it_costs),
        T(bad_asks_are_refused),
    };
    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
