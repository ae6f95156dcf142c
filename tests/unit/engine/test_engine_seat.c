/* Seats: the processes in whose memory supervisors run, one after another. Whatever becomes of one,
 * its run ends once and truly, and the next one starts. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITER    "echo $$ >pid; while ! test -e go; do sleep 0.02; done; exit 24"
#define RUN_COUNT 140 /* more than there are seats (SEAT_MAX) */

static pid_t parent_of(pid_t pid)
{
    char path[40];
    char text[512] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    (void)fgets(text, sizeof(text), file);
    (void)fclose(file);
    const char *rest = strrchr(text, ')'); /* ") S 41 …" */
    return rest && strlen(rest) > 4 ? (pid_t)strtol(rest + 4, NULL, 10) : 0;
}

/* A run that goes on until run_let_go(); its supervisor. */
static pid_t run_begin(struct fixture *f, uint64_t job)
{
    struct stint_run_start start;
    char path[64];
    start_init(&start, job, WAITER);
    fixture_start(f, &start);
    (void)snprintf(path, sizeof(path), "jobs/%d/pid", (int)job);
    fixture_wait_file(f, path_in(f, path));
    return fixture_wait_started(f, job)->supervisor;
}

static void run_let_go(struct fixture *f, uint64_t job)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "jobs/%d/go", (int)job);
    assert_true(fclose(fopen(path_in(f, path), "w")) == 0);
}

static void gone_await(pid_t pid)
{
    while (is_alive(pid))
        (void)usleep(1000);
}

static void a_seat_serves_one_run_after_another(void **state)
{
    struct fixture *f = *state;
    uint64_t job = 1;
    pid_t first = run_begin(f, job);
    pid_t seat = parent_of(first);
    pid_t again = 0;
    assert_true(seat > 1 && seat != f->launcher_pid);
    assert_int_equal(parent_of(seat), f->launcher_pid);
    /* Not at once: it clears up behind its run first. */
    for (; again != seat; job++) {
        run_let_go(f, job);
        assert_int_equal(fixture_wait_end(f, job)->exit_status, 24);
        again = parent_of(run_begin(f, job + 1));
    }
    run_let_go(f, job);
    assert_int_equal(fixture_wait_end(f, job)->exit_status, 24);
}

static void a_run_outlives_its_seat(void **state)
{
    struct fixture *f = *state;
    pid_t supervisor = run_begin(f, 1);
    pid_t seat = parent_of(supervisor);
    assert_int_equal(kill(seat, SIGKILL), 0);
    gone_await(seat);
    assert_true(is_alive(supervisor));
    assert_int_equal(stint_engine_suspend(f->engine, key_of(1), NULL), 0);
    assert_int_equal(stint_engine_resume(f->engine, key_of(1), NULL), 0);
    run_let_go(f, 1);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_false(end->lost);
    assert_int_equal(end->exit_status, 24);
    assert_int_equal(fixture_run(f, 2, "exit 25")->exit_status, 25);
}

static void a_killed_supervisor_takes_its_seat_along(void **state)
{
    struct fixture *f = *state;
    pid_t supervisor = run_begin(f, 1);
    pid_t seat = parent_of(supervisor);
    assert_int_equal(kill(supervisor, SIGKILL), 0);
    assert_true(fixture_wait_end(f, 1)->lost);
    gone_await(seat);
    assert_int_equal(fixture_run(f, 2, "exit 25")->exit_status, 25);
}

static void an_idle_seat_that_dies_starts_nothing(void **state)
{
    struct fixture *f = *state;
    for (uint64_t job = 1; job <= 20; job += 2) {
        pid_t seat = parent_of(run_begin(f, job));
        run_let_go(f, job);
        assert_int_equal(fixture_wait_end(f, job)->exit_status, 24);
        assert_int_equal(kill(seat, SIGKILL), 0);
        gone_await(seat);
        assert_int_equal(fixture_run(f, job + 1, "exit 25")->exit_status, 25);
        assert_int_equal(fixture_end_count(f, job + 1), 1);
    }
}

static void more_runs_than_seats_run(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    size_t forks = 0;
    for (uint64_t job = 1; job <= RUN_COUNT; job++) {
        start_init(&start, job, "exec sleep 1000");
        fixture_start(f, &start);
    }
    for (uint64_t job = 1; job <= RUN_COUNT; job++)
        forks += parent_of(fixture_wait_started(f, job)->supervisor) == f->launcher_pid;
    assert_true(forks > 0 && forks < RUN_COUNT);
    for (uint64_t job = 1; job <= RUN_COUNT; job++)
        assert_int_equal(stint_engine_cancel(f->engine, key_of(job), NULL), 0);
    for (uint64_t job = 1; job <= RUN_COUNT; job++)
        assert_true(fixture_wait_end(f, job)->cancelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_seat_serves_one_run_after_another, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_run_outlives_its_seat, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_killed_supervisor_takes_its_seat_along, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(an_idle_seat_that_dies_starts_nothing, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(more_runs_than_seats_run, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("engine-seat", tests, NULL, NULL);
}
