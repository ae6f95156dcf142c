/* The system service: the launcher keeps root, the daemon has become a user of its own, and each
 * job is its submitter's. Each test forks a daemon that gives up its privileges; only root can try.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMON_UID 61009

/* What the forked daemon says when something is not as it must be. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

struct service {
    char state[256];
    uv_loop_t loop;
    struct stint_engine *engine;
    struct stint_launcher launcher;
    bool started;
    bool ended;
    struct stint_run_end end;
    int fd;
    bool opened;
};

static void on_started(void *ctx, const struct stint_run_started *started)
{
    struct service *s = ctx;
    (void)started;
    s->started = true;
}

static void on_ended(void *ctx, const struct stint_run_end *end)
{
    struct service *s = ctx;
    s->ended = true;
    s->end = *end;
}

static void on_opened(void *ctx, int fd)
{
    struct service *s = ctx;
    s->opened = true;
    s->fd = fd;
}

static void wait_for(struct service *s, const bool *flag)
{
    while (!*flag)
        MUST(uv_run(&s->loop, UV_RUN_ONCE) != 0);
}

static void launcher_start(struct service *s)
{
    struct stint_error err = { 0 };
    struct stint_launcher_options options = { .program = STINT_LAUNCHER,
                                              .state = s->state,
                                              .daemon_uid = DAEMON_UID,
                                              .daemon_gid = DAEMON_UID,
                                              .min_uid = 1000 };
    MUST(stint_launcher_spawn(&options, &s->launcher, &err) == 0);
}

static void privileges_drop(void)
{
    MUST(setgroups(0, NULL) == 0);
    MUST(setresgid(DAEMON_UID, DAEMON_UID, DAEMON_UID) == 0);
    MUST(setresuid(DAEMON_UID, DAEMON_UID, DAEMON_UID) == 0);
}

static void engine_make(struct service *s)
{
    struct stint_error err = { 0 };
    struct stint_engine_events events = { .ctx = s,
                                          .on_started = on_started,
                                          .on_ended = on_ended };
    MUST(uv_loop_init(&s->loop) == 0);
    MUST(stint_engine_local_new(&s->loop, s->state, &s->launcher, &events, &s->engine, &err) == 0);
}

/* Start, end, output and clean-up of a user's job, all without privilege in the daemon. */
static void serve_one(struct service *s)
{
    struct stint_run_start start;
    struct stat st;
    char path[300];
    start_init(&start, 1, "id -u; exit 6");
    start.owner.uid = start.owner.gid = TEST_UID;
    MUST(stint_engine_start(s->engine, &start, NULL) == 0);
    wait_for(s, &s->ended);
    MUST(s->started && !s->end.lost && !s->end.start_failed && s->end.exit_status == 6);
    (void)snprintf(path, sizeof(path), "%s/jobs/1/stdout", s->state);
    MUST(open(path, O_RDONLY) < 0 && errno == EACCES); /* the daemon itself may not */
    MUST(stint_engine_open_output(s->engine, key_of(1), &start.owner, STINT_RUN_STDOUT, NULL,
                                  on_opened, s, NULL) == 0);
    wait_for(s, &s->opened);
    char text[16] = "";
    MUST(s->fd >= 0 && read(s->fd, text, sizeof(text) - 1) == 6 && strcmp(text, "61001\n") == 0);
    (void)snprintf(path, sizeof(path), "%s/runs/1_0.1/record", s->state);
    MUST(stat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & 0777) == 0640);
    MUST(open(path, O_RDWR) < 0); /* nor may it rewrite how a run ended */
    (void)snprintf(path, sizeof(path), "%s/runs/1_0.1", s->state);
    MUST(stint_engine_forget(s->engine, key_of(1)) == 0);
    while (access(path, F_OK) == 0)
        usleep(1000);
}

/* A run of an earlier daemon, adopted by one that sees no other user's processes in /proc. */
static void adopt_one(struct service *s)
{
    struct stint_run_start start;
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/jobs/1/pid", s->state);
    start_init(&start, 1, "echo $$ >pid; exec sleep 1000");
    MUST(stint_engine_start(s->engine, &start, NULL) == 0);
    wait_for(s, &s->started);
    s->started = false;
    stint_engine_close(s->engine, NULL, NULL);
    MUST(uv_run(&s->loop, UV_RUN_DEFAULT) == 0);
    MUST(waitpid(-1, NULL, 0) > 0); /* the launcher */
}

static void adopted_end(struct service *s)
{
    MUST(stint_engine_adopt(s->engine, key_of(1), NULL) == 0);
    while (!s->started && !s->ended)
        MUST(uv_run(&s->loop, UV_RUN_ONCE) != 0);
    MUST(s->started && !s->ended);
    MUST(stint_engine_cancel(s->engine, key_of(1), NULL) == 0);
    wait_for(s, &s->ended);
    MUST(s->end.cancelled && !s->end.lost);
}

static void engine_end(struct service *s)
{
    stint_engine_close(s->engine, NULL, NULL);
    MUST(uv_run(&s->loop, UV_RUN_DEFAULT) == 0);
}

/* A child that could not have a mount namespace of its own (a chroot, a container) says so by this
 * status. */
#define NO_NAMESPACE 77

static void child_wait(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
        skip();
    assert_int_equal(status, 0);
}

static int setup(void **state)
{
    struct service *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    (void)snprintf(s->state, sizeof(s->state), "%s/stint-engine-XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(s->state));
    assert_int_equal(chmod(s->state, 0755), 0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct service *s = *state;
    char command[400];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", s->state);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static void a_daemon_without_privilege_serves_users(void **state)
{
    struct service *s = *state;
    if (!is_root())
        skip();
    assert_int_equal(chown(s->state, DAEMON_UID, DAEMON_UID), 0);
    pid_t pid = fork();
    if (pid == 0) {
        launcher_start(s);
        privileges_drop();
        engine_make(s);
        serve_one(s);
        engine_end(s);
        _exit(0);
    }
    child_wait(pid);
}

static void runs_are_adopted_where_proc_hides_them(void **state)
{
    struct service *s = *state;
    if (!is_root())
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        launcher_start(s);
        engine_make(s);
        adopt_one(s);
        launcher_start(s);
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(NO_NAMESPACE);
        MUST(mount("proc", "/proc", "proc", 0, "hidepid=2") == 0);
        privileges_drop();
        engine_make(s);
        MUST(access("/proc/1/stat", F_OK) != 0);
        adopted_end(s);
        engine_end(s);
        _exit(0);
    }
    child_wait(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_daemon_without_privilege_serves_users, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_are_adopted_where_proc_hides_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
