/* Limits are kept, and what can be asked of a running job happens: walltime, grace, cancel,
 * signals, suspension, memory, processes. Jobs say by files how far they are; no test waits for a
 * time alone. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLEEPER "echo $$ >pid; exec sleep 1000"

static pid_t started_pid(struct fixture *f, uint64_t job)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "jobs/%d/pid", (int)job);
    fixture_wait_file(f, path_in(f, path));
    return pid_from_file(path_in(f, path));
}

static void walltime_ends_a_job_with_sigterm(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "exec sleep 1000");
    start.walltime_ms = 200;
    fixture_start(f, &start);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->timed_out);
    assert_false(end->cancelled);
    assert_int_equal(end->term_signal, SIGTERM);
    assert_true(end->elapsed_ms >= 200);
}

static void a_job_that_ends_in_its_grace_keeps_its_status(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1,
               "trap 'echo saved; exit 12' TERM; echo $$ >pid; while :; do sleep 0.05; done");
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_set_walltime(f->engine, key_of(1), 1, NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->timed_out);
    assert_int_equal(end->exit_status, 12);
    assert_string_equal(output_of(f, 1, "stdout"), "saved\n");
}

static void a_job_that_ignores_sigterm_is_killed_after_its_grace(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1,
               "trap '' TERM; setsid sleep 1000 & echo $! >other; echo $$ >pid; while :; do sleep "
               "1000; done");
    start.grace_ms = 300;
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_set_walltime(f->engine, key_of(1), 1, NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->timed_out);
    assert_int_equal(end->term_signal, SIGKILL);
    assert_true(end->elapsed_ms >= 300);
    assert_false(is_alive(pid_from_file(path_in(f, "jobs/1/other"))));
}

static void the_early_signal_comes_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1,
               "trap 'echo early; exit 4' USR1; echo $$ >pid; while :; do sleep 0.05; done");
    start.walltime_ms = 7200000;
    start.early_signal = SIGUSR1;
    start.early_ms = 3600000;
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_set_walltime(f->engine, key_of(1), 3600001, NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_false(end->timed_out);
    assert_int_equal(end->exit_status, 4);
}

static void cancel_ends_a_job_and_says_so(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, SLEEPER);
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    assert_true(is_alive(pid));
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->cancelled);
    assert_false(end->timed_out);
    assert_int_equal(end->term_signal, SIGTERM);
    assert_int_equal(fixture_end_count(f, 1), 1);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), STINT_NOT_FOUND);
}

static void a_cancel_before_the_start_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    for (uint64_t job = 1; job <= 20; job++) {
        start_init(&start, job, "exec sleep 1000");
        fixture_start(f, &start);
        assert_int_equal(stint_engine_cancel(f->engine, key_of(job), NULL), 0);
    }
    for (uint64_t job = 1; job <= 20; job++)
        assert_true(fixture_wait_end(f, job)->cancelled);
}

static void without_grace_a_cancel_kills_at_once(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "trap '' TERM; echo $$ >pid; while :; do sleep 1000; done");
    start.grace_ms = 0;
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->cancelled);
    assert_int_equal(end->term_signal, SIGKILL);
}

static void signals_reach_the_jobs_group(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "trap 'exit 5' USR2; echo $$ >pid; while :; do sleep 0.05; done");
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_signal(f->engine, key_of(1), 65, NULL), STINT_INVALID);
    assert_int_equal(stint_engine_signal(f->engine, key_of(1), SIGUSR2, NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_int_equal(end->exit_status, 5);
    assert_false(end->cancelled);
}

/* The job writes a byte a turn; while it is suspended the file does not grow. */
struct growth {
    char path[512];
    long size;
};

static long file_size(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    (void)fclose(file);
    return size;
}

static bool has_grown(struct fixture *f, void *ctx)
{
    struct growth *growth = ctx;
    (void)f;
    return file_size(growth->path) > growth->size;
}

/* True once two looks, ten turns of the waiting loop apart, saw the same size. */
static bool has_stopped(struct fixture *f, void *ctx)
{
    struct growth *growth = ctx;
    static int same;
    long size = file_size(growth->path);
    (void)f;
    same = size == growth->size ? same + 1 : 0;
    growth->size = size;
    return same >= 10;
}

static void suspension_stops_the_job_and_its_clock(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct growth growth = { "", 0 };
    (void)snprintf(growth.path, sizeof(growth.path), "%s", path_in(f, "jobs/1/stdout"));
    start_init(&start, 1, "while :; do echo x; sleep 0.001; done");
    fixture_start(f, &start);
    fixture_wait(f, has_grown, &growth);
    assert_int_equal(stint_engine_suspend(f->engine, key_of(1), NULL), 0);
    fixture_wait(f, has_stopped, &growth);
    assert_int_equal(stint_engine_resume(f->engine, key_of(1), NULL), 0);
    fixture_wait(f, has_grown, &growth);
    assert_int_equal(stint_engine_suspend(f->engine, key_of(1), NULL), 0);
    fixture_wait(f, has_stopped, &growth);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->cancelled);
    assert_true(end->suspended_ms > 0);
    assert_true(end->elapsed_ms + end->suspended_ms <=
                (uint64_t)(end->ended_ms - end->started_ms) + 50);
}

static void a_walltime_can_be_moved_both_ways(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, SLEEPER);
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    assert_int_equal(stint_engine_set_walltime(f->engine, key_of(1), 1, NULL), 0);
    assert_true(fixture_wait_end(f, 1)->timed_out);
    start_init(&start, 2, "trap 'exit 6' USR1; echo $$ >pid; while :; do sleep 0.05; done");
    start.walltime_ms = 1500;
    fixture_start(f, &start);
    (void)started_pid(f, 2);
    assert_int_equal(stint_engine_set_walltime(f->engine, key_of(2), 3600000, NULL), 0);
    start_init(&start, 3, "exec sleep 1000"); /* whose end shows that the old time has passed */
    start.walltime_ms = 2000;
    fixture_start(f, &start);
    assert_true(fixture_wait_end(f, 3)->timed_out);
    assert_int_equal(fixture_end_count(f, 2), 0);
    assert_int_equal(stint_engine_signal(f->engine, key_of(2), SIGUSR1, NULL), 0);
    assert_int_equal(fixture_wait_end(f, 2)->exit_status, 6);
}

static void too_much_memory_is_an_oom_kill(void **state)
{
    struct fixture *f = *state;
    struct stint_engine_report report;
    struct stint_run_start start;
    stint_engine_report(f->engine, &report);
    if (report.memory < STINT_HOLD_CGROUP_V1)
        skip();
    start_init(&start, 1, "exec dd if=/dev/zero of=/dev/null bs=200M count=1");
    start.memory_bytes = UINT64_C(16) << 20;
    fixture_start(f, &start);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_int_equal(end->memory, report.memory);
    assert_true(end->oom_killed);
    assert_int_equal(end->term_signal, SIGKILL);
    assert_true(end->peak_memory_bytes > (UINT64_C(8) << 20));
    assert_true(end->peak_memory_bytes <= (UINT64_C(17) << 20));
}

static void plain_memory_limits_fail_the_allocation(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "exec dd if=/dev/zero of=/dev/null bs=200M count=1");
    start.memory_bytes = UINT64_C(32) << 20;
    fixture_start(f, &start);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_int_equal(end->memory, STINT_HOLD_PLAIN);
    assert_false(end->oom_killed);
    assert_int_not_equal(end->exit_status, 0);
    assert_non_null(strstr(output_of(f, 1, "stderr"), "memory"));
}

static void a_job_cannot_have_more_processes_than_asked(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done; echo all");
    start.process_max = 10;
    fixture_start(f, &start);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_int_not_equal(end->processes, STINT_HOLD_NONE);
    assert_int_not_equal(end->exit_status, 0);
    assert_string_equal(output_of(f, 1, "stdout"), "");
}

static void the_engine_says_what_it_holds(void **state)
{
    struct fixture *f = *state;
    struct stint_engine_report report;
    stint_engine_report(f->engine, &report);
    assert_int_equal(report.separate_users, is_root());
    assert_false(report.root_allowed || report.away);
    assert_int_equal(report.min_uid, 1000);
    if (f->no_cgroups) {
        assert_int_equal(report.memory, STINT_HOLD_PLAIN);
        assert_int_equal(report.kill, STINT_HOLD_PLAIN);
    }
    assert_string_equal(stint_engine_hold_name(STINT_HOLD_CGROUP_V1), "cgroup-v1");
}

#define BOTH(name)                                                                                 \
    { #name " (cgroups)", name, fixture_setup, fixture_teardown, NULL },                           \
        { #name " (v1)", name, fixture_setup_v1, fixture_teardown, NULL },                         \
    {                                                                                              \
#name " (plain)", name, fixture_setup_plain, fixture_teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_engine_says_what_it_holds),
        BOTH(walltime_ends_a_job_with_sigterm),
        BOTH(a_job_that_ends_in_its_grace_keeps_its_status),
        BOTH(a_job_that_ignores_sigterm_is_killed_after_its_grace),
        BOTH(the_early_signal_comes_before_the_end),
        BOTH(cancel_ends_a_job_and_says_so),
        BOTH(a_cancel_before_the_start_is_not_lost),
        BOTH(without_grace_a_cancel_kills_at_once),
        BOTH(signals_reach_the_jobs_group),
        BOTH(suspension_stops_the_job_and_its_clock),
        BOTH(a_walltime_can_be_moved_both_ways),
        cmocka_unit_test_setup_teardown(too_much_memory_is_an_oom_kill, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(plain_memory_limits_fail_the_allocation,
                                        fixture_setup_plain, fixture_teardown),
        BOTH(a_job_cannot_have_more_processes_than_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
