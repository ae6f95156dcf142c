/* Who may run, and as whom files are opened and tools run. Parts that need several users are for
 * root; the rest is for everybody. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void only_root(void)
{
    if (!is_root())
        skip();
}

static void jobs_run_as_their_user_and_nothing_more(void **state)
{
    static const gid_t groups[] = { 61050, 61051 };
    struct fixture *f = *state;
    struct stint_run_start start;
    only_root();
    start_init(&start, 1, "id -u; id -g; id -G; grep -E '^Cap(Prm|Eff)' /proc/self/status");
    start.owner.groups = groups;
    start.owner.group_count = 2;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 0);
    assert_string_equal(output_of(f, 1, "stdout"),
                        "61001\n61001\n61001 61050 61051\n"
                        "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
}

static void root_and_system_users_are_refused(void **state)
{
    static const uid_t uids[] = { 0, 1, 999 };
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stint_error err;
    only_root();
    for (size_t i = 0; i < STINT_ARRAY_SIZE(uids); i++) {
        start_init(&start, 1, "exit 0");
        start.owner.uid = uids[i];
        assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_NOT_PERMITTED);
    }
    /* What only the launcher refuses: root's group, as main group or beside another. */
    static const gid_t zero[] = { 0 };
    start_init(&start, 2, "exit 0");
    start.owner.gid = 0;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 2)->start_code, -EPERM);
    start_init(&start, 3, "exit 0");
    start.owner.groups = zero;
    start.owner.group_count = 1;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 3)->start_code, -EPERM);
    assert_int_equal(access(path_in(f, "runs/3_0.1"), F_OK), -1);
    assert_int_equal(f->started_count, 0);
}

static void root_runs_only_where_it_was_allowed_by_hand(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    struct stint_engine_report report;
    only_root();
    fixture_close(f);
    f->options.allow_root = true;
    fixture_open(f);
    stint_engine_report(f->engine, &report);
    assert_true(report.root_allowed);
    start_init(&start, 1, "id -u");
    start.owner.uid = 0;
    start.owner.gid = 0;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 0);
    assert_string_equal(output_of(f, 1, "stdout"), "0\n");
    start.owner.uid = 1; /* a system user is still none of ours */
    struct stint_error err;
    start.key.job = 2;
    assert_int_equal(stint_engine_start(f->engine, &start, &err), STINT_NOT_PERMITTED);
}

static void an_ordinary_launcher_runs_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    if (is_root())
        skip();
    start_init(&start, 1, "exit 0");
    start.owner.uid = geteuid() + 1;
    fixture_start(f, &start);
    assert_int_equal(fixture_wait_end(f, 1)->start_code, -EPERM);
}

static void another_users_folder_is_never_taken_for_the_jobs_own(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    only_root();
    assert_int_equal(mkdir(path_in(f, "jobs/1"), 0777), 0);
    assert_int_equal(chown(path_in(f, "jobs/1"), TEST_OTHER_UID, TEST_OTHER_UID), 0);
    assert_int_equal(symlink("/tmp", path_in(f, "jobs/2")), 0);
    for (uint64_t job = 1; job <= 2; job++) {
        start_init(&start, job, "exit 0");
        fixture_start(f, &start);
        assert_true(fixture_wait_end(f, job)->start_failed);
    }
}

static void on_opened(void *ctx, int fd)
{
    struct fixture *f = ctx;
    f->opened = true;
    f->opened_fd = fd;
}

static bool is_opened(struct fixture *f, void *ctx)
{
    (void)ctx;
    return f->opened;
}

static int open_output(struct fixture *f, uint64_t job, uid_t uid, enum stint_run_stream stream,
                       const char *path)
{
    struct stint_run_owner owner = { .uid = uid, .gid = is_root() ? uid : getegid() };
    f->opened = false;
    assert_int_equal(
        stint_engine_open_output(f->engine, key_of(job), &owner, stream, path, on_opened, f, NULL),
        0);
    fixture_wait(f, is_opened, NULL);
    return f->opened_fd;
}

static void assert_reads(int fd, const char *text)
{
    char bytes[64] = "";
    assert_true(fd >= 0);
    assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
    assert_string_equal(bytes, text);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    close(fd);
}

static void output_is_opened_as_its_owner(void **state)
{
    struct fixture *f = *state;
    (void)fixture_run(f, 1, "echo out; echo err >&2");
    assert_reads(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, NULL), "out\n");
    assert_reads(open_output(f, 1, job_uid(), STINT_RUN_STDERR, NULL), "err\n");
    assert_reads(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, path_in(f, "jobs/1/stderr")),
                 "err\n");
    assert_int_equal(stint_engine_forget(f->engine, key_of(1)), 0);
    assert_reads(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, NULL), "out\n");
    assert_int_equal(open_output(f, 9, job_uid(), STINT_RUN_STDOUT, NULL), -ENOENT);
}

static void output_of_others_and_links_stay_closed(void **state)
{
    struct fixture *f = *state;
    (void)fixture_run(f, 1, "ln -s /etc/passwd link; mkfifo fifo; echo x");
    assert_int_equal(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, path_in(f, "jobs/1/link")),
                     -ELOOP);
    assert_int_equal(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, path_in(f, "jobs/1/fifo")),
                     -EINVAL);
    only_root();
    assert_int_equal(
        open_output(f, 1, TEST_OTHER_UID, STINT_RUN_STDOUT, path_in(f, "jobs/1/stdout")), -EACCES);
    assert_int_equal(open_output(f, 1, TEST_OTHER_UID, STINT_RUN_STDOUT, NULL), -EACCES);
    assert_int_equal(open_output(f, 1, job_uid(), STINT_RUN_STDOUT, "/etc/shadow"), -EACCES);
}

static void on_tool_ended(void *ctx, int result, int exit_status, const char *output, size_t length)
{
    struct fixture *f = ctx;
    f->tool_ended = true;
    f->tool_result = result;
    f->tool_status = exit_status;
    (void)snprintf(f->tool_output, sizeof(f->tool_output), "%.*s", (int)length, output);
}

static bool is_tool_ended(struct fixture *f, void *ctx)
{
    (void)ctx;
    return f->tool_ended;
}

static void tool_request_init(struct stint_tool_request *request, const char *script)
{
    static const char *argv[3];
    argv[0] = "-c";
    argv[1] = script;
    argv[2] = NULL;
    *request = (struct stint_tool_request){
        .owner = { .uid = job_uid(), .gid = is_root() ? TEST_UID : getegid() },
        .argv = argv,
        .extra_fd = -1,
        .timeout_ms = 30000,
        .output_max = 4096,
    };
}

static void tool_run(struct fixture *f, const struct stint_tool_request *request)
{
    struct stint_error err = { 0 };
    f->tool_ended = false;
    if (stint_engine_run_tool(f->engine, request, on_tool_ended, f, &err) != 0)
        fail_msg("%s", err.text);
    fixture_wait(f, is_tool_ended, NULL);
}

static int setup_tool(void **state)
{
    int r = fixture_setup(state);
    struct fixture *f = *state;
    fixture_close(f);
    f->tool = "/bin/sh"; /* stands for the evaluator */
    fixture_open(f);
    return r;
}

static void tools_answer_with_output_and_status(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    tool_request_init(&request, "cat; id -u; exit 4");
    request.input = "question\n";
    request.input_length = 9;
    tool_run(f, &request);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "question\n%u\n", (unsigned)job_uid());
    assert_int_equal(f->tool_result, 0);
    assert_int_equal(f->tool_status, 4);
    assert_string_equal(f->tool_output, expected);
}

static void tools_fail_by_name_and_never_pass(void **state)
{
    static const struct {
        const char *script;
        uint64_t timeout_ms;
        int result;
    } cases[] = {
        { "kill -SEGV $$", 30000, -ECHILD },
        { "echo part; kill -KILL $$", 30000, -ECHILD },
        { "exec sleep 1000", 200, -ETIMEDOUT },
        { "sleep 1000 & setsid sleep 1000 & wait", 200, -ETIMEDOUT },
        { "while :; do echo too much of it; done", 30000, -EFBIG },
        { "exec /no/such/program", 30000, -ENOEXEC },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_tool_request request;
        tool_request_init(&request, cases[i].script);
        request.timeout_ms = cases[i].timeout_ms;
        tool_run(f, &request);
        assert_int_equal(f->tool_result, cases[i].result);
    }
}

static void tools_have_no_privilege_no_files_and_no_descriptors(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    tool_request_init(&request, "grep NoNewPrivs /proc/self/status; ls /proc/$$/fd | tr '\\n' ' '; "
                                "trap '' XFSZ; echo x >/tmp/stint-tool-file || echo refused");
    tool_run(f, &request);
    (void)unlink("/tmp/stint-tool-file");
    assert_int_equal(f->tool_result, 0);
    assert_non_null(strstr(f->tool_output, "NoNewPrivs:\t1\n0 1 2 "));
    assert_non_null(strstr(f->tool_output, "refused"));
}

static void tools_find_the_extra_descriptor_as_three(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    int ends[2];
    char byte = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    tool_request_init(&request, "echo y >&3");
    request.extra_fd = ends[1];
    tool_run(f, &request);
    assert_int_equal(f->tool_result, 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ends[0]);
    close(ends[1]);
}

static void calls_under_way_are_answered_when_the_launcher_dies(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    tool_request_init(&request, "exec sleep 1000");
    f->tool_ended = false;
    assert_int_equal(stint_engine_run_tool(f->engine, &request, on_tool_ended, f, NULL), 0);
    fixture_kill_launcher(f);
    fixture_wait(f, is_tool_ended, NULL);
    assert_int_equal(f->tool_result, -EPIPE);
    assert_int_equal(stint_engine_run_tool(f->engine, &request, on_tool_ended, f, NULL), -EPIPE);
}

static void calls_under_way_are_cancelled_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    tool_request_init(&request, "exec sleep 1000");
    f->tool_ended = false;
    for (int i = 0; i < STINT_TOOL_MAX; i++)
        assert_int_equal(stint_engine_run_tool(f->engine, &request, on_tool_ended, f, NULL), 0);
    assert_int_equal(stint_engine_run_tool(f->engine, &request, on_tool_ended, f, NULL),
                     STINT_BUSY);
    fixture_close(f);
    assert_true(f->tool_ended);
    assert_int_equal(f->tool_result, -ECANCELED);
}

static void without_a_program_no_tool_runs(void **state)
{
    struct fixture *f = *state;
    struct stint_tool_request request;
    tool_request_init(&request, "exit 0");
    assert_int_equal(stint_engine_run_tool(f->engine, &request, on_tool_ended, f, NULL), -ENOSYS);
}

#define ONE(name)       cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define WITH_TOOL(name) cmocka_unit_test_setup_teardown(name, setup_tool, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(jobs_run_as_their_user_and_nothing_more),
        ONE(root_and_system_users_are_refused),
        ONE(root_runs_only_where_it_was_allowed_by_hand),
        ONE(an_ordinary_launcher_runs_nobody_else),
        ONE(another_users_folder_is_never_taken_for_the_jobs_own),
        ONE(output_is_opened_as_its_owner),
        ONE(output_of_others_and_links_stay_closed),
        WITH_TOOL(tools_answer_with_output_and_status),
        WITH_TOOL(tools_fail_by_name_and_never_pass),
        WITH_TOOL(tools_have_no_privilege_no_files_and_no_descriptors),
        WITH_TOOL(tools_find_the_extra_descriptor_as_three),
        WITH_TOOL(calls_under_way_are_answered_when_the_launcher_dies),
        WITH_TOOL(calls_under_way_are_cancelled_at_the_end),
        ONE(without_a_program_no_tool_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
