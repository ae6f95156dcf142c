/* A launcher that dies is followed by another; running jobs do not notice, a start that none took
 * is told and has not happened, and one that dies at once is not started for ever without a pause.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep(struct fixture *f)
{
    stint_engine_local_keep(f->engine, &f->options);
}

static bool is_back(struct fixture *f, void *ctx)
{
    return f->back_count > *(size_t *)ctx;
}

static void kill_and_wait(struct fixture *f)
{
    size_t before = f->back_count;
    fixture_kill_launcher(f);
    fixture_wait(f, is_back, &before);
}

static pid_t started_pid(struct fixture *f, uint64_t job)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "jobs/%d/pid", (int)job);
    fixture_wait_file(f, path_in(f, path));
    return pid_from_file(path_in(f, path));
}

static void another_launcher_follows_and_starts_jobs(void **state)
{
    struct fixture *f = *state;
    struct stint_engine_report report;
    keep(f);
    assert_int_equal(fixture_run(f, 1, "exit 3")->exit_status, 3);
    kill_and_wait(f);
    stint_engine_report(f->engine, &report);
    assert_false(report.away);
    assert_true(report.starts_again);
    assert_int_equal(report.launcher_deaths, 1);
    assert_int_equal(fixture_run(f, 2, "exit 4")->exit_status, 4);
}

static void a_running_job_goes_on_and_hears_what_was_asked_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    keep(f);
    start_init(&start, 1, "echo $$ >pid; exec sleep 1000");
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    (void)fixture_wait_started(f, 1);
    size_t before = f->back_count;
    fixture_kill_launcher(f);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    assert_true(is_alive(pid));
    fixture_wait(f, is_back, &before);
    assert_true(fixture_wait_end(f, 1)->cancelled);
    assert_int_equal(fixture_end_count(f, 1), 1);
}

static void starts_that_no_launcher_took_are_told_and_happen_when_sent_again(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    size_t failed = 0;
    keep(f);
    for (uint64_t job = 1; job <= 20; job++) {
        if (job == 10)
            assert_int_equal(kill(f->launcher_pid, SIGSTOP), 0);
        start_init(&start, job, "echo run >>count");
        fixture_start(f, &start);
    }
    kill_and_wait(f);
    for (uint64_t job = 1; job <= 20; job++) {
        const struct stint_run_end *end = fixture_wait_end(f, job);
        if (end->start_failed) {
            failed++;
            assert_int_equal(end->start_code, -EPIPE);
            start_init(&start, job, "echo run >>count");
            start.key.attempt = 2;
            fixture_start(f, &start);
        }
    }
    assert_true(failed > 0);
    while (f->ended_count < 20 + failed)
        uv_run(&f->loop, UV_RUN_ONCE);
    for (uint64_t job = 1; job <= 20; job++)
        assert_string_equal(output_of(f, job, "count"), "run\n");
}

static void the_next_launcher_forgets_runs_of_the_last_one(void **state)
{
    struct fixture *f = *state;
    keep(f);
    (void)fixture_run(f, 1, "exit 0");
    kill_and_wait(f);
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), 0);
    (void)fixture_run(f, 2, "exit 0");
    assert_int_equal(access(path_in(f, "runs/1_0.1"), F_OK), -1);
}

static bool has_died(struct fixture *f, void *ctx)
{
    struct stint_engine_report report;
    stint_engine_report(f->engine, &report);
    return report.launcher_deaths >= *(uint32_t *)ctx && report.retry_in_ms > 0;
}

static void one_that_dies_at_once_is_started_again_with_growing_pauses(void **state)
{
    struct fixture *f = *state;
    struct stint_engine_report report;
    struct stint_run_start start;
    uint32_t deaths = 2;
    f->options.program = "/bin/false";
    keep(f);
    fixture_kill_launcher(f);
    fixture_wait(f, has_died, &deaths);
    stint_engine_report(f->engine, &report);
    assert_true(report.away);
    assert_true(report.retry_in_ms <= 1000);
    assert_string_equal(report.launcher_why, "it ended before it answered");
    start_init(&start, 1, "exit 0");
    assert_int_equal(stint_engine_start(f->engine, &start, NULL), -EPIPE);
    deaths = 3;
    fixture_wait(f, has_died, &deaths);
    stint_engine_report(f->engine, &report);
    assert_true(report.retry_in_ms > 1000 && report.retry_in_ms <= 2000);
    assert_int_equal(f->back_count, 0);
}

static void a_program_that_is_not_there_is_said(void **state)
{
    struct fixture *f = *state;
    struct stint_engine_report report;
    uint32_t deaths = 1;
    f->options.program = "/nowhere/launcher";
    keep(f);
    fixture_kill_launcher(f);
    fixture_wait(f, has_died, &deaths);
    stint_engine_report(f->engine, &report);
    assert_non_null(strstr(report.launcher_why, "/nowhere/launcher"));
}

static void an_engine_closes_in_every_step_of_it(void **state)
{
    struct fixture *f = *state;
    for (int turns = 0; turns < 12; turns++) {
        keep(f);
        fixture_kill_launcher(f);
        for (int i = 0; i < turns; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        fixture_close(f);
        fixture_open(f);
    }
    assert_int_equal(fixture_run(f, 1, "exit 0")->exit_status, 0);
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(another_launcher_follows_and_starts_jobs),
        ONE(a_running_job_goes_on_and_hears_what_was_asked_meanwhile),
        ONE(starts_that_no_launcher_took_are_told_and_happen_when_sent_again),
        ONE(the_next_launcher_forgets_runs_of_the_last_one),
        ONE(one_that_dies_at_once_is_started_again_with_growing_pauses),
        ONE(a_program_that_is_not_there_is_said),
        ONE(an_engine_closes_in_every_step_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
