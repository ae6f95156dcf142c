/* Invariant 5: whatever dies, a run goes on or is found lost once; nothing runs twice. */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/wire.h"

#define SLEEPER "echo $$ >pid; exec sleep 1000"

static pid_t started_pid(struct fixture *f, uint64_t job)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "jobs/%d/pid", (int)job);
    fixture_wait_file(f, path_in(f, path));
    return pid_from_file(path_in(f, path));
}

static void events_clear(struct fixture *f)
{
    f->started_count = 0;
    f->ended_count = 0;
}

static void a_run_outlives_the_daemon_and_is_adopted(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "trap 'exit 21' USR1; echo $$ >pid; while :; do sleep 0.05; done");
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    pid_t supervisor = fixture_wait_started(f, 1)->supervisor;
    fixture_close(f);
    assert_true(is_alive(pid));
    events_clear(f);
    fixture_open(f);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), 0);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), STINT_CONFLICT);
    assert_int_equal(fixture_wait_started(f, 1)->supervisor, supervisor);
    assert_int_equal(stint_engine_signal(f->engine, key_of(1), SIGUSR1, NULL), 0);
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 21);
    assert_int_equal(fixture_end_count(f, 1), 1);
}

static void an_end_without_a_daemon_is_found_afterwards(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "echo $$ >pid; while ! test -e go; do sleep 0.02; done; exit 22");
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    pid_t supervisor = fixture_wait_started(f, 1)->supervisor;
    fixture_close(f);
    assert_true(fclose(fopen(path_in(f, "jobs/1/go"), "w")) == 0);
    while (is_alive(supervisor))
        usleep(1000);
    events_clear(f);
    fixture_open(f);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_false(end->lost);
    assert_int_equal(end->exit_status, 22);
    assert_int_equal(f->started_count, 1);
    assert_int_equal(fixture_end_count(f, 1), 1);
}

static void a_killed_launcher_ends_no_run(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stint_engine_report report;
    struct stint_error err;
    start_init(&start, 1, SLEEPER);
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    fixture_kill_launcher(f);
    stint_engine_report(f->engine, &report);
    assert_true(report.away);
    start_init(&start, 2, "exit 0");
    assert_int_equal(stint_engine_start(f->engine, &start, &err), -EPIPE);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), &err), -EPIPE);
    assert_true(is_alive(pid));
    fixture_close(f);
    fixture_open(f);
    events_clear(f);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), 0);
    (void)fixture_wait_started(f, 1);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    assert_true(fixture_wait_end(f, 1)->cancelled);
    assert_false(is_alive(pid));
}

static void an_end_is_told_without_the_launcher(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "echo $$ >pid; while ! test -e go; do sleep 0.02; done; exit 23");
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    (void)fixture_wait_started(f, 1);
    fixture_kill_launcher(f);
    assert_true(fclose(fopen(path_in(f, "jobs/1/go"), "w")) == 0);
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 23);
}

static void starts_on_their_way_to_a_killed_launcher_end_once(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    for (uint64_t job = 1; job <= 40; job++) {
        start_init(&start, job, "exit 3");
        fixture_start(f, &start);
        if (job == 20)
            assert_int_equal(kill(f->launcher_pid, SIGSTOP), 0);
    }
    fixture_kill_launcher(f);
    for (uint64_t job = 1; job <= 40; job++) {
        char path[64];
        const struct stint_run_end *end = fixture_wait_end(f, job);
        assert_false(end->lost);
        (void)snprintf(path, sizeof(path), "runs/%d_0.1", (int)job);
        if (end->start_failed) {
            assert_int_equal(end->start_code, -EPIPE);
            assert_int_equal(access(path_in(f, path), F_OK), -1);
        } else {
            assert_int_equal(end->exit_status, 3);
        }
        assert_int_equal(fixture_end_count(f, job), 1);
    }
}

static void a_start_sent_twice_happens_once(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "echo run >>count; exit 4");
    fixture_start(f, &start);
    assert_int_equal(stint_engine_start(f->engine, &start, NULL), STINT_CONFLICT);
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 4);
    events_clear(f);
    fixture_start(f, &start); /* as after a crash, before the end was durable */
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 4);
    assert_string_equal(output_of(f, 1, "count"), "run\n");
    assert_int_equal(fixture_end_count(f, 1), 1);
}

static void a_start_sent_again_by_the_next_daemon_joins_the_running_one(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "echo run >>count; echo $$ >pid; exec sleep 1000");
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    fixture_close(f);
    events_clear(f);
    fixture_open(f);
    fixture_start(f, &start);
    assert_true(fixture_wait_started(f, 1)->supervisor > 0);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    assert_true(fixture_wait_end(f, 1)->cancelled);
    assert_false(is_alive(pid));
    assert_string_equal(output_of(f, 1, "count"), "run\n");
}

static void a_run_that_never_started_is_not_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(stint_engine_adopt(f->engine, key_of(99), NULL), STINT_NOT_FOUND);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(99), NULL), STINT_NOT_FOUND);
}

static void a_killed_supervisor_is_a_lost_run_without_processes(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1,
               "(setsid sh -c 'echo $$ >other; exec sleep 1000' &); while ! test -s other; do :; "
               "done; echo $$ >pid; exec sleep 1000");
    fixture_start(f, &start);
    pid_t pid = started_pid(f, 1);
    pid_t other = pid_from_file(path_in(f, "jobs/1/other"));
    assert_int_equal(kill(fixture_wait_started(f, 1)->supervisor, SIGKILL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->lost);
    assert_false(end->start_failed);
    assert_int_equal(fixture_end_count(f, 1), 1);
    while (is_alive(pid) || is_alive(other))
        usleep(1000); /* the guard of the test runner ends a wait in vain */
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), 0);
    f->ended_count = 0;
    assert_true(fixture_wait_end(f, 1)->lost);
}

static void record_change(struct fixture *f, const char *path,
                          void (*change)(struct wire_record *record))
{
    struct wire_record record;
    int fd = open(path_in(f, path), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &record, sizeof(record), 0), sizeof(record));
    change(&record);
    wire_record_seal(&record);
    assert_int_equal(pwrite(fd, &record, sizeof(record), 0), sizeof(record));
    close(fd);
}

static void of_another_boot(struct wire_record *record)
{
    record->state = WIRE_RECORD_STARTED;
    record->supervisor = getpid(); /* alive, and not it */
    record->boot_id[0] = record->boot_id[0] == 'a' ? 'b' : 'a';
}

static void of_a_pid_used_again(struct wire_record *record)
{
    record->state = WIRE_RECORD_STARTED;
    record->supervisor = getpid();
}

static void a_record_of_another_boot_or_process_is_a_lost_run(void **state)
{
    struct fixture *f = *state;
    (void)fixture_run(f, 1, "exit 0");
    (void)fixture_run(f, 2, "exit 0");
    record_change(f, "runs/1_0.1/record", of_another_boot);
    record_change(f, "runs/2_0.1/record", of_a_pid_used_again);
    events_clear(f);
    for (uint64_t job = 1; job <= 2; job++) {
        assert_int_equal(stint_engine_adopt(f->engine, key_of(job), NULL), 0);
        assert_true(fixture_wait_end(f, job)->lost);
        assert_int_equal(fixture_end_count(f, job), 1);
    }
}

static void runs_are_listed_until_they_are_forgotten(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stint_run_key *keys = NULL;
    size_t count = 0;
    start_init(&start, 1, SLEEPER);
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    (void)fixture_run(f, 2, "exit 0");
    assert_int_equal(mkdir(path_in(f, "runs/not-a-run"), 0700), 0);
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), STINT_WRONG_STATE);
    assert_int_equal(stint_engine_forget(f->engine, key_of(2)), 0);
    (void)fixture_run(f, 3, "exit 0"); /* the launcher takes one message after another */
    assert_int_equal(access(path_in(f, "runs/2_0.1"), F_OK), -1);
    assert_int_equal(access(path_in(f, "jobs/2/stdout"), F_OK), 0);
    assert_int_equal(stint_engine_list(f->engine, &keys, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(keys[0].job + keys[1].job, 1 + 3);
    free(keys);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    (void)fixture_wait_end(f, 1);
}

static ino_t record_inode(struct fixture *f, const char *path)
{
    struct stat st;
    assert_int_equal(stat(path_in(f, path), &st), 0);
    return st.st_ino;
}

static size_t spare_count(struct fixture *f)
{
    size_t count = 0;
    DIR *folder = opendir(path_in(f, "runs"));
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strncmp(entry->d_name, "spare.", 6) == 0;
    closedir(folder);
    return count;
}

static void a_forgotten_run_s_record_serves_the_next_run(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    (void)fixture_run(f, 1, "exit 7");
    ino_t first = record_inode(f, "runs/1_0.1/record");
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), 0);
    start_init(&start, 2, NULL); /* what an earlier run left is not the next one's */
    start.argv = NULL;
    start.script = "#!/bin/sh\nexit 8\n";
    start.script_length = strlen(start.script);
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 2)->exit_status, 8);
    assert_true(record_inode(f, "runs/2_0.1/record") == first);
    assert_int_equal(spare_count(f), 0);
    assert_int_equal(stint_engine_forget(f->engine, key_of(2)), 0);
    start.script = "#!/bin/sh\nexit 9\n";
    start.key = key_of(3);
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 3)->exit_status, 9);
    assert_true(record_inode(f, "runs/3_0.1/record") == first);
}

static void a_spare_never_takes_the_place_of_a_run_that_was_started(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    (void)fixture_run(f, 1, "exit 0");
    (void)fixture_run(f, 2, "echo ran >>times; exit 5");
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), 0);
    ino_t second = record_inode(f, "runs/2_0.1/record");
    events_clear(f);
    start_init(&start, 2, "echo ran >>times; exit 5");
    fixture_start(f, &start); /* sent twice, with a spare at hand */
    assert_int_equal(fixture_wait_end(f, 2)->exit_status, 5);
    assert_true(record_inode(f, "runs/2_0.1/record") == second);
    assert_string_equal(output_of(f, 2, "times"), "ran\n");
    assert_int_equal(spare_count(f), 0);
}

static void spares_of_an_earlier_launcher_are_cleared(void **state)
{
    struct fixture *f = *state;
    for (uint64_t job = 1; job <= 3; job++)
        (void)fixture_run(f, job, "exit 0");
    for (uint64_t job = 1; job <= 3; job++)
        assert_int_equal(stint_engine_forget(f->engine, key_of(job)), 0);
    (void)fixture_run(f, 4, "exit 0");
    assert_int_equal(spare_count(f), 2);
    fixture_close(f);
    fixture_open(f);
    (void)fixture_run(f, 5, "exit 0");
    assert_int_equal(spare_count(f), 0);
}

static void a_running_run_is_not_forgotten_by_another_daemon(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, SLEEPER);
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), 0); /* not held, so it may ask */
    (void)fixture_run(f, 2, "exit 0");
    assert_int_equal(access(path_in(f, "runs/1_0.1/record"), F_OK), 0);
    events_clear(f);
    assert_int_equal(stint_engine_adopt(f->engine, key_of(1), NULL), 0);
    assert_int_equal(stint_engine_cancel(f->engine, key_of(1), NULL), 0);
    assert_true(fixture_wait_end(f, 1)->cancelled);
}

static void two_launchers_never_share_a_state_folder(void **state)
{
    struct fixture *f = *state;
    struct stint_launcher launcher;
    struct stint_error err = { 0 };
    assert_int_equal(stint_launcher_spawn(&f->options, &launcher, &err), -EBUSY);
    assert_non_null(strstr(err.text, "another daemon"));
    assert_int_equal(fixture_run(f, 1, "exit 0")->exit_status, 0);
}

static void records_end_even_when_nobody_is_left(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct wire_record record;
    start_init(&start, 1, "echo $$ >pid; while ! test -e go; do sleep 0.02; done; exit 31");
    fixture_start(f, &start);
    (void)started_pid(f, 1);
    pid_t supervisor = fixture_wait_started(f, 1)->supervisor;
    fixture_kill_launcher(f);
    fixture_close(f);
    assert_true(fclose(fopen(path_in(f, "jobs/1/go"), "w")) == 0);
    while (is_alive(supervisor))
        usleep(1000);
    int fd = open(path_in(f, "runs/1_0.1/record"), O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, &record, sizeof(record));
    close(fd);
    assert_int_equal(wire_record_check(&record, (size_t)got, key_of(1)), 0);
    assert_int_equal(record.state, WIRE_RECORD_ENDED);
    assert_int_equal(record.exit_status, 31);
}

#define BOTH(name)                                                                                 \
    { #name " (cgroups)", name, fixture_setup, fixture_teardown, NULL },                           \
        { #name " (v1)", name, fixture_setup_v1, fixture_teardown, NULL },                         \
    {                                                                                              \
#name " (plain)", name, fixture_setup_plain, fixture_teardown, NULL                        \
    }
#define ONE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_run_outlives_the_daemon_and_is_adopted),
        ONE(an_end_without_a_daemon_is_found_afterwards),
        BOTH(a_killed_launcher_ends_no_run),
        ONE(an_end_is_told_without_the_launcher),
        ONE(starts_on_their_way_to_a_killed_launcher_end_once),
        ONE(a_start_sent_twice_happens_once),
        ONE(a_start_sent_again_by_the_next_daemon_joins_the_running_one),
        ONE(a_run_that_never_started_is_not_found),
        BOTH(a_killed_supervisor_is_a_lost_run_without_processes),
        ONE(a_record_of_another_boot_or_process_is_a_lost_run),
        ONE(runs_are_listed_until_they_are_forgotten),
        ONE(a_forgotten_run_s_record_serves_the_next_run),
        ONE(a_spare_never_takes_the_place_of_a_run_that_was_started),
        ONE(spares_of_an_earlier_launcher_are_cleared),
        ONE(a_running_run_is_not_forgotten_by_another_daemon),
        ONE(two_launchers_never_share_a_state_folder),
        ONE(records_end_even_when_nobody_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
