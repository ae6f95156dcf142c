/* A run ends as its program did, once, its figures are the program's, and the program finds what
 * was asked for and nothing else. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void ends_carry_status_and_signal(void **state)
{
    static const struct {
        const char *script;
        int exit_status;
        int term_signal;
    } cases[] = {
        { "exit 0", 0, 0 },
        { "exit 1", 1, 0 },
        { "exit 255", 255, 0 },
        { "kill -KILL $$", 0, SIGKILL },
        { "kill -SEGV $$", 0, SIGSEGV },
        { "kill -INT $$", 0, SIGINT },
        { "kill -HUP $$", 0, SIGHUP },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct stint_run_end *end = fixture_run(f, i + 1, cases[i].script);
        assert_false(end->lost);
        assert_false(end->start_failed);
        assert_false(end->timed_out || end->cancelled || end->oom_killed);
        assert_int_equal(end->exit_status, cases[i].exit_status);
        assert_int_equal(end->term_signal, cases[i].term_signal);
        assert_int_equal(fixture_end_count(f, i + 1), 1);
        assert_true(end->ended_ms >= end->started_ms && end->started_ms > 0);
    }
    assert_int_equal(f->started_count, STINT_ARRAY_SIZE(cases));
}

static void two_hundred_runs_at_once_all_end(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    for (uint64_t job = 1; job <= 200; job++) {
        start_init(&start, job, "exit 7");
        fixture_start(f, &start);
    }
    for (uint64_t job = 1; job <= 200; job++) {
        assert_int_equal(fixture_wait_end(f, job)->exit_status, 7);
        assert_int_equal(fixture_end_count(f, job), 1);
    }
}

static void output_goes_to_the_jobs_own_folder(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    fixture_run(f, 1, "echo out; echo err >&2");
    assert_string_equal(output_of(f, 1, "stdout"), "out\n");
    assert_string_equal(output_of(f, 1, "stderr"), "err\n");
    assert_int_equal(stat(path_in(f, "jobs/1"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_uid, job_uid());
    assert_int_equal(stat(path_in(f, "jobs/1/stdout"), &st), 0);
    assert_int_equal(st.st_uid, job_uid());
    assert_int_equal(st.st_mode & 0777, 0644);
}

static void output_goes_where_the_user_asks(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    assert_int_equal(mkdir(path_in(f, "out"), 0777), 0);
    assert_int_equal(chmod(path_in(f, "out"), 0777), 0);
    start_init(&start, 1, "echo a; echo b >&2; echo c");
    start.stdout_path = path_in(f, "out/log");
    fixture_start(f, &start);
    fixture_wait_end(f, 1);
    assert_string_equal(output_of(f, 1, "../../out/log"), "a\nb\nc\n");
    /* A later attempt appends, so that what the first one said is not lost. */
    start.key.attempt = 2;
    start.stderr_path = start.stdout_path;
    fixture_start(f, &start);
    f->ended_count = 0;
    fixture_wait_end(f, 1);
    assert_string_equal(output_of(f, 1, "../../out/log"), "a\nb\nc\na\nb\nc\n");
}

static void output_is_never_written_through_links_or_into_devices(void **state)
{
    static const char *const names[] = { "out/link", "out/fifo", "out/folder" };
    struct fixture *f = *state;
    struct stint_run_start start;
    assert_int_equal(mkdir(path_in(f, "out"), 0777), 0);
    assert_int_equal(chmod(path_in(f, "out"), 0777), 0);
    assert_int_equal(symlink(path_in(f, "out/target"), path_in(f, "out/link")), 0);
    assert_int_equal(mkfifo(path_in(f, "out/fifo"), 0666), 0);
    assert_int_equal(chmod(path_in(f, "out/fifo"), 0666), 0);
    assert_int_equal(mkdir(path_in(f, "out/folder"), 0777), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        start_init(&start, i + 1, "echo never");
        start.stdout_path = path_in(f, names[i]);
        fixture_start(f, &start);
        const struct stint_run_end *end = fixture_wait_end(f, i + 1);
        assert_true(end->start_failed);
        assert_non_null(strstr(end->text, names[i]));
    }
    assert_int_equal(access(path_in(f, "out/target"), F_OK), -1);
    assert_int_equal(f->started_count, 0);
}

static void scripts_run_by_their_first_line_or_the_shell(void **state)
{
    static const struct {
        const char *text;
        const char *output;
    } cases[] = {
        { "#!/bin/sh\necho \"$1-$2-$#\"\n", "one-two words-2\n" },
        { "echo \"$1-$2-$#\"\n", "one-two words-2\n" },
        { "#!/bin/cat\nas it is\n", "#!/bin/cat\nas it is\n" },
    };
    static const char *const words[] = { "one", "two words", NULL };
    static const char *const none[] = { NULL };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_run_start start;
        start_init(&start, i + 1, NULL);
        start.argv = i == 2 ? none : words;
        start.script = cases[i].text;
        start.script_length = strlen(cases[i].text);
        fixture_start(f, &start);
        const struct stint_run_end *end = fixture_wait_end(f, i + 1);
        assert_string_equal(end->text, "");
        assert_int_equal(end->exit_status, 0);
        assert_string_equal(output_of(f, i + 1, "stdout"), cases[i].output);
    }
}

static void a_script_is_its_owners_to_read(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stat st;
    start_init(&start, 1, NULL);
    start.argv = NULL;
    start.script = "echo secret\n";
    start.script_length = strlen(start.script);
    fixture_start(f, &start);
    fixture_wait_end(f, 1);
    assert_int_equal(stat(path_in(f, "runs/1_0.1/script"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0500);
    assert_int_equal(st.st_uid, job_uid());
}

static void starts_that_fail_say_which_step(void **state)
{
    static const char *const missing[] = { "no-such-program", NULL };
    static const char *const missing_path[] = { "/no/such/program", NULL };
    static const char *const folder[] = { "/etc", NULL };
    static const struct {
        const char *const *argv;
        const char *workdir;
        const char *text;
        int code;
    } cases[] = {
        { missing, NULL, "cannot execute no-such-program: ", -ENOENT },
        { missing_path, NULL, "cannot execute /no/such/program: ", -ENOENT },
        { folder, NULL, "cannot execute /etc: ", -EACCES },
        { missing, "/no/such/folder", "cannot enter work folder /no/such/folder: ", -ENOENT },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_run_start start;
        start_init(&start, i + 1, NULL);
        start.argv = cases[i].argv;
        start.workdir = cases[i].workdir;
        fixture_start(f, &start);
        const struct stint_run_end *end = fixture_wait_end(f, i + 1);
        assert_true(end->start_failed);
        assert_false(end->lost);
        assert_int_equal(end->start_code, cases[i].code);
        assert_int_equal(strncmp(end->text, cases[i].text, strlen(cases[i].text)), 0);
    }
    assert_int_equal(f->started_count, 0);
}

static void the_environment_is_what_was_asked_and_what_is_promised(void **state)
{
    static const char *const env[] = { "GREETING=hello world", "CUDA_VISIBLE_DEVICES=7",
                                       "STINT_OUTPUT_DIR=/etc", "PATH=/bin:/usr/bin", NULL };
    struct fixture *f = *state;
    struct stint_run_start start;
    char folder[600];
    start_init(&start, 1,
               "echo \"$GREETING|$CUDA_VISIBLE_DEVICES|${ROCR_VISIBLE_DEVICES-unset}|$HOME|$USER|"
               "$STINT_OUTPUT_DIR|$PATH\"; env | wc -l");
    start.env = env;
    start.cuda_visible = "GPU-1234";
    fixture_start(f, &start);
    fixture_wait_end(f, 1);
    (void)snprintf(folder, sizeof(folder),
                   "hello world|GPU-1234||/nowhere|tester|%s|/bin:/usr/bin\n",
                   path_in(f, "jobs/1"));
    assert_int_equal(strncmp(output_of(f, 1, "stdout"), folder, strlen(folder)), 0);
    assert_null(strstr(output_of(f, 1, "stdout"), "/etc"));
}

static void no_descriptor_of_ours_reaches_a_job(void **state)
{
    struct fixture *f = *state;
    int leak = dup(0); /* one of the daemon's own, without close-on-exec */
    fixture_close(f);
    fixture_open(f);
    fixture_run(f, 1, "exec ls /proc/self/fd"); /* a pipe of the shell's own would race with it */
    close(leak);
    assert_string_equal(output_of(f, 1, "stdout"), "0\n1\n2\n3\n"); /* 3 is the folder ls reads */
}

static void a_job_starts_with_no_signal_blocked_or_ignored(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, 1, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status");
    assert_string_equal(output_of(f, 1, "stdout"),
                        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void a_job_leads_its_own_session(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, 1, "set -- $(cut -d' ' -f1,5,6 /proc/$$/stat); echo $(($1-$2)) $(($1-$3))");
    assert_string_equal(output_of(f, 1, "stdout"), "0 0\n");
}

static void umask_and_work_folder_are_as_asked(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    start_init(&start, 1, "pwd; umask");
    start.workdir = "/usr";
    start.umask = 027;
    fixture_start(f, &start);
    fixture_wait_end(f, 1);
    assert_string_equal(output_of(f, 1, "stdout"), "/usr\n0027\n");
    fixture_run(f, 2, "pwd");
    char *folder = path_in(f, "jobs/2");
    assert_int_equal(strncmp(output_of(f, 2, "stdout"), folder, strlen(folder)), 0);
}

static void cores_are_bound_unless_they_are_another_machines(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    cpu_set_t set;
    uint32_t core = 0;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    while (!CPU_ISSET(core, &set))
        core++;
    start_init(&start, 1, "grep Cpus_allowed_list /proc/self/status | cut -f2");
    start.cores = &core;
    start.core_count = 1;
    fixture_start(f, &start);
    assert_int_not_equal(fixture_wait_end(f, 1)->cores, STINT_HOLD_NONE);
    assert_int_equal(strtol(output_of(f, 1, "stdout"), NULL, 10), core);
    assert_null(strchr(output_of(f, 1, "stdout"), '-'));
    start.key.job = 2;
    start.cores_foreign = true;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 2)->cores, STINT_HOLD_NONE);
    start.key.job = 3;
    start.cores_foreign = false;
    core = STINT_RUN_CORE_MAX - 1; /* not there: said, not pretended */
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 3)->cores, STINT_HOLD_NONE);
}

static void nothing_of_a_run_outlives_it(void **state)
{
    struct fixture *f = *state;
    const struct stint_run_end *end =
        fixture_run(f, 1,
                    "setsid sleep 1000 & echo $! >one; (setsid sh -c 'echo $$ >two; exec sleep "
                    "1000' &); while ! test -s two; do :; done; exit 3");
    assert_int_equal(end->exit_status, 3);
    pid_t one = pid_from_file(path_in(f, "jobs/1/one"));
    pid_t two = pid_from_file(path_in(f, "jobs/1/two"));
    assert_true(one > 1 && two > 1);
    assert_false(is_alive(one));
    assert_false(is_alive(two));
}

static void cpu_time_and_memory_are_counted(void **state)
{
    struct fixture *f = *state;
    const struct stint_run_end *end =
        fixture_run(f, 1, "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    assert_true(end->cpu_ms > 0);
    assert_true(end->cpu_ms <= end->elapsed_ms * 2 + 20);
    assert_true(end->peak_memory_bytes > 100000);
}

static void requests_out_of_bounds_are_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stint_error err;
    static const char *many[STINT_RUN_ARGUMENT_MAX + 2];
    static gid_t groups[STINT_RUN_GROUP_MAX + 1];
    static char big[STINT_RUN_BODY_MAX];
    for (size_t i = 0; i < STINT_RUN_ARGUMENT_MAX + 1; i++)
        many[i] = "x";
    memset(big, 'x', sizeof(big));
    start_init(&start, 1, "exit 0");
    start.argv = many;
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_TOO_LARGE);
    start_init(&start, 1, "exit 0");
    start.script = big;
    start.script_length = sizeof(big);
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_TOO_LARGE);
    start_init(&start, 1, "exit 0");
    start.owner.groups = groups;
    start.owner.group_count = STINT_RUN_GROUP_MAX + 1;
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_INVALID);
    start_init(&start, 1, "exit 0");
    start.workdir = "relative";
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_INVALID);
    start_init(&start, 0, "exit 0");
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_INVALID);
    start_init(&start, 1, "exit 0");
    start.argv = NULL;
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_INVALID);
    assert_int_equal(access(path_in(f, "runs/1_0.1"), F_OK), -1);
}

static void large_requests_arrive_whole(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    size_t length = (size_t)4 << 20;
    stint_auto(stint_free) char *script = malloc(length + 1);
    assert_non_null(script);
    memset(script, '#', length);
    for (size_t i = 0; i < 7; i++)
        script[i] = "exit 9\n"[i];
    start_init(&start, 1, NULL);
    start.argv = NULL;
    start.script = script;
    start.script_length = length;
    fixture_start(f, &start);
    struct stat st;
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 9);
    assert_int_equal(stat(path_in(f, "runs/1_0.1/script"), &st), 0);
    assert_int_equal(st.st_size, length);
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
        BOTH(ends_carry_status_and_signal),
        ONE(two_hundred_runs_at_once_all_end),
        ONE(output_goes_to_the_jobs_own_folder),
        ONE(output_goes_where_the_user_asks),
        ONE(output_is_never_written_through_links_or_into_devices),
        ONE(scripts_run_by_their_first_line_or_the_shell),
        ONE(a_script_is_its_owners_to_read),
        ONE(starts_that_fail_say_which_step),
        ONE(the_environment_is_what_was_asked_and_what_is_promised),
        ONE(no_descriptor_of_ours_reaches_a_job),
        ONE(a_job_starts_with_no_signal_blocked_or_ignored),
        ONE(a_job_leads_its_own_session),
        ONE(umask_and_work_folder_are_as_asked),
        BOTH(cores_are_bound_unless_they_are_another_machines),
        BOTH(nothing_of_a_run_outlives_it),
        BOTH(cpu_time_and_memory_are_counted),
        ONE(requests_out_of_bounds_are_refused),
        ONE(large_requests_arrive_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
