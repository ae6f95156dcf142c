/* What is granted where, after a restart too; shares, preemption, estimates, bad asks. */
#include "fixture.h"

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

static void cores_are_left_for_free_gpus_where_the_policy_says(void **state)
{
    (void)state;
    open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY, .cores_per_free_gpu = 3 });
    submit(ask(1, 2, 10)); /* eight, less three for each of two */
    submit(ask(2, 1, 10));
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "Capacity");
    assert_int_equal(reason(2).used, 2);
    assert_int_equal(reason(2).kept, 6);
    struct stint_ask a = gpu_ask(3, 1, 10);
    a.cpus = 3;
    submit(a); /* they are for it */
    assert_string_equal(pass(0), "3");
    submit(ask(4, 1, 10));
    assert_string_equal(pass(0), "");
    end(3, 1);
    end(1, 1);
    assert_string_equal(pass(1), "2 4");
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

static void too_much_is_refused_in_words_that_can_be_typed_back(void **state)
{
    (void)state;
    open_servers(2, 4,
                 (struct stint_policy){ .mode = STINT_MODE_EASY, .walltime_max_ms = 3600000 });
    static const struct {
        struct stint_ask ask;
        const char *text;
        const char *fix;
    } cases[] = {
        { { .cpus = 9, .walltime_ms = 1000 },
          "9 cores on a node are more than any node here could ever give",
          "ask for at most 8 cores" },
        { { .cpus = 1, .memory_bytes = 999 * GIB, .walltime_ms = 1000 },
          "999.0 GiB of memory on a node are more than any node here could ever give",
          "ask for at most 16384M of memory" },
        { { .cpus = 1, .nodes = 3, .walltime_ms = 1000 },
          "3 nodes of this kind are more than there are",
          "ask for at most 2 nodes" },
        { { .cpus = 1, .walltime_ms = 7200000 },
          "a walltime of 02:00:00 is longer than the site allows",
          "ask for at most 01:00:00" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_error err = { 0 };
        assert_int_equal(
            stint_scheduler_fits_ever(fixture.scheduler, &cases[i].ask, NULL, NULL, &err),
            STINT_UNSATISFIABLE);
        assert_string_equal(err.text, cases[i].text);
        assert_string_equal(err.fix, cases[i].fix);
    }
}

/* The cores of a GPU may be had while it is in use; but that is nothing to promise a start by. */
static void kept_cores_are_named_where_a_job_without_gpus_is_too_large(void **state)
{
    (void)state;
    open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY, .cores_per_free_gpu = 3 });
    struct stint_ask a = ask(1, 3, 10);
    struct stint_ask largest;
    struct stint_reason r;
    struct stint_error err = { 0 };
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, &largest, &err),
                     STINT_UNSATISFIABLE);
    assert_string_equal(err.text, "3 cores are more than a job without GPUs may have here: 3 of a "
                                  "node's cores are kept for each GPU that is free");
    assert_string_equal(err.fix, "ask for at most 2 cores");
    assert_int_equal(r.limit, 2);
    assert_int_equal(largest.cpus, 2);
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &largest, NULL, NULL, &err), 0);
    a.cpus = 9; /* more than the machine has: nothing is kept from it */
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, &r, NULL, &err),
                     STINT_UNSATISFIABLE);
    assert_string_equal(err.text, "9 cores on a node are more than any node here could ever give");
    a = gpu_ask(2, 1, 10);
    a.cpus = 8;
    assert_int_equal(stint_scheduler_fits_ever(fixture.scheduler, &a, NULL, NULL, &err), 0);
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

static void what_should_have_ended_is_still_held(void **state)
{
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    struct stint_ask a = ask(1, 3, 10);
    struct stint_task_key first = { 1, 0 };
    assert_int_equal(stint_allocation_parse(fixture.machine, "node0/core[0-2]", &allocation, NULL),
                     0);
    submit(ask(2, 1, 10));
    assert_string_equal(pass(100), "2");
    assert_int_equal(stint_scheduler_adopt(fixture.scheduler, &a, allocation, 0, 10000, NULL),
                     STINT_CONFLICT); /* core 0 is taken meanwhile */
    end(2, 100);
    assert_int_equal(stint_scheduler_adopt(fixture.scheduler, &a, allocation, 0, 10000, NULL), 0);
    submit(ask(3, 2, 10));
    assert_string_equal(pass(100), "");
    assert_int_equal(stint_scheduler_set_ends(fixture.scheduler, first, 500000), 0);
    assert_int_equal(stint_scheduler_set_ends(fixture.scheduler, first, 50000), 0);
    assert_string_equal(pass(100), "");
    assert_string_equal(pass(5000), "");
    end(1, 5000);
    assert_string_equal(pass(5000), "3");
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
    assert_int_equal(p50, 500000); /* 100 + 0.4 of 1000: a half, and a quarter of what it took */
}

/* A begin time ahead and a ceiling are waited for, in the plan as in life. */
static void estimates_know_begin_times_and_ceilings(void **state)
{
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    int64_t p50 = 0;
    int64_t p90 = 0;
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 0, STINT_ACCOUNT_PROJECT,
                                                 STINT_NO_ACCOUNT, 1),
                     0);
    assert_int_equal(stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_CORES, 2, -1), 0);
    struct stint_ask a = ask(1, 2, 1000);
    a.account_count = 1;
    submit(a);
    assert_string_equal(pass(0), "1");
    a.key.job = 2; /* over the ceiling of two cores until job 1 ends, and job 3 behind it */
    submit(a);
    a.key.job = 3;
    submit(a);
    a = ask(4, 4, 100); /* all cores, not before 5000 s */
    a.begin_ms = 5000000;
    submit(a);
    assert_string_equal(pass(0), "");
    static const struct {
        uint64_t job;
        int64_t p50_s;
        int64_t p90_s;
    } cases[] = { { 2, 500, 1000 }, { 3, 1000, 2000 }, { 4, 5000, 5000 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_task_key key = { cases[i].job, 0 };
        assert_int_equal(stint_scheduler_estimate(fixture.scheduler, key, &p50, &p90), 0);
        assert_int_equal(p50, cases[i].p50_s * 1000);
        assert_int_equal(p90, cases[i].p90_s * 1000);
    }
    a = ask(5, 3, 100); /* more than the ceiling: nothing can be told */
    a.account_count = 1;
    submit(a);
    assert_int_equal(
        stint_scheduler_estimate(fixture.scheduler, (struct stint_task_key){ 5, 0 }, &p50, &p90),
        STINT_UNSATISFIABLE);
}

static void estimates_begin_from_what_users_took_before(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    int64_t p50 = 0;
    int64_t p90 = 0;
    assert_int_equal(stint_scheduler_set_ratio(fixture.scheduler, 7, 250), 0);
    assert_int_equal(stint_scheduler_set_ratio(fixture.scheduler, UINT32_MAX, 250), STINT_INVALID);
    struct stint_ask a = ask(1, 1, 1000);
    a.user = 7;
    submit(a);
    assert_string_equal(pass(0), "1");
    a.key.job = 2;
    submit(a);
    assert_string_equal(pass(0), "");
    assert_int_equal(
        stint_scheduler_estimate(fixture.scheduler, (struct stint_task_key){ 2, 0 }, &p50, &p90),
        0);
    assert_int_equal(p50, 250000);
    assert_int_equal(p90, 1000000);
    assert_int_equal(stint_ratio_learn(0, 100, 1000), 400);
    assert_int_equal(stint_ratio_learn(100, 500, 1000), 200);
    assert_int_equal(stint_ratio_learn(100, 5000, 1000), 325); /* late: the whole */
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
    assert_int_equal(stint_scheduler_next_ms(fixture.scheduler), 900001); /* time alone will do */
    assert_string_equal(pass(900), "");
    assert_string_equal(stops(), "");
    assert_string_equal(pass(1000), "");
    assert_string_equal(stops(), "1");
    assert_string_equal(stops(), ""); /* told once */
    assert_string_equal(why(3), "Preempting");
    assert_int_equal(reason(3).until_ms, 1030000);
    struct stint_ask more = ask(4, 1, 600);
    more.submit_ms = 1000000;
    submit(more);
    assert_string_equal(pass(1000), "");
    assert_string_equal(stops(), ""); /* one stop is enough for both */
    end(1, 1010);
    assert_string_equal(pass(1010), "3 4");
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

/* Of two idle nodes and two that others use already, those in use: the idle ones stay whole. */
static void several_nodes_are_chosen_as_one_is(void **state)
{
    (void)state;
    open_servers(4, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    submit(gpu_ask(1, 4, 100));
    submit(gpu_ask(2, 3, 100));
    submit(gpu_ask(3, 3, 100));
    assert_string_equal(pass(0), "1 2 3");
    end(1, 1);
    struct stint_ask a = gpu_ask(4, 1, 100);
    a.nodes = 2;
    submit(a);
    assert_string_equal(pass(1), "4");
    const struct stint_allocation *allocation =
        stint_scheduler_allocation(fixture.scheduler, a.key);
    assert_int_equal(allocation->grant_count, 2);
    assert_int_equal(allocation->grants[0].node, 1);
    assert_int_equal(allocation->grants[1].node, 2);
    a = gpu_ask(5, 4, 100); /* there is one, and one for the next */
    a.nodes = 2;
    submit(a);
    assert_string_equal(pass(2), "5");
}

/* A ceiling of memory is met to the byte, from both sides. */
static void a_memory_ceiling_is_of_bytes(void **state)
{
    (void)state;
    for (int64_t more = -1; more <= 0; more++) {
        open_servers(1, 0, (struct stint_policy){ .mode = STINT_MODE_EASY });
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 0, STINT_ACCOUNT_PROJECT,
                                                     STINT_NO_ACCOUNT, 0),
                         0);
        assert_int_equal(
            stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_MEMORY, 2 * GIB + more, -1),
            0);
        for (uint64_t job = 1; job <= 2; job++) {
            struct stint_ask a = ask(job, 1, 100);
            a.memory_bytes = GIB;
            a.accounts[a.account_count++] = 0;
            submit(a);
        }
        assert_string_equal(pass(0), more < 0 ? "1" : "1 2");
        if (more < 0) {
            assert_string_equal(why(2), "ProjectMemoryLimit");
            assert_int_equal(reason(2).limit, 2 * GIB - 1);
            (void)close_all(NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(gpus_bring_their_numa_nodes_cores_and_memory),
        T(jobs_without_gpus_stay_away_from_free_gpus),
        T(cores_are_left_for_free_gpus_where_the_policy_says),
        T(shares_go_to_the_fullest_gpu),
        T(strict_jobs_wait_for_one_numa_node),
        T(scattered_room_is_called_fragmented),
        T(several_nodes_are_granted_together),
        T(drained_and_down_nodes_take_nothing),
        T(what_can_never_start_is_refused_with_the_largest),
        T(too_much_is_refused_in_words_that_can_be_typed_back),
        T(kept_cores_are_named_where_a_job_without_gpus_is_too_large),
        T(runs_are_adopted_with_what_they_hold),
        T(what_should_have_ended_is_still_held),
        T(allocations_read_back_as_they_were_written),
        T(estimates_follow_limits_and_past_use),
        T(estimates_know_begin_times_and_ceilings),
        T(estimates_begin_from_what_users_took_before),
        T(long_runs_that_may_be_stopped_make_room),
        T(nobody_is_stopped_for_less_than_it_costs),
        T(bad_asks_are_refused),
        T(several_nodes_are_chosen_as_one_is),
        T(a_memory_ceiling_is_of_bytes),
    };
    return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
