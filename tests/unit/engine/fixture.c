#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_MS 60000
#define TICK_MS  5

bool is_root(void)
{
    return geteuid() == 0;
}

uid_t job_uid(void)
{
    return is_root() ? TEST_UID : geteuid();
}

static void on_started(void *ctx, const struct stint_run_started *started)
{
    struct fixture *f = ctx;
    assert_true(f->started_count < FIXTURE_EVENT_MAX);
    f->started[f->started_count++] = *started;
}

static void on_ended(void *ctx, const struct stint_run_end *end)
{
    struct fixture *f = ctx;
    assert_true(f->ended_count < FIXTURE_EVENT_MAX);
    f->ended[f->ended_count++] = *end;
}

static void on_away(void *ctx, const char *why)
{
    struct fixture *f = ctx;
    assert_non_null(why);
    f->away = true;
}

static void on_back(void *ctx)
{
    struct fixture *f = ctx;
    f->back_count++;
}

void fixture_open(struct fixture *f)
{
    struct stint_launcher launcher;
    struct stint_error err = { 0 };
    struct stint_engine_events events = { f, on_started, on_ended, on_away, on_back };
    f->options.program = STINT_LAUNCHER;
    f->options.state = f->state;
    f->options.tool = f->tool;
    f->options.daemon_uid = geteuid();
    f->options.daemon_gid = getegid();
    f->options.min_uid = f->options.min_uid ? f->options.min_uid : 1000;
    f->options.no_cgroups = f->no_cgroups;
    if (stint_launcher_spawn(&f->options, &launcher, &err) != 0)
        fail_msg("%s", err.text);
    f->launcher_pid = launcher.pid;
    f->away = false;
    f->closed = false;
    if (stint_engine_local_new(&f->loop, f->state, &launcher, &events, &f->engine, &err) != 0)
        fail_msg("%s", err.text);
}

static void on_closed(void *ctx)
{
    ((struct fixture *)ctx)->closed = true;
}

static bool is_closed(struct fixture *f, void *ctx)
{
    (void)ctx;
    return f->closed;
}

void fixture_close(struct fixture *f)
{
    if (!f->engine)
        return;
    stint_engine_close(f->engine, on_closed, f);
    f->engine = NULL;
    fixture_wait(f, is_closed, NULL);
    (void)waitpid(f->launcher_pid, NULL, 0);
}

static bool is_away(struct fixture *f, void *ctx)
{
    (void)ctx;
    return f->away;
}

void fixture_kill_launcher(struct fixture *f)
{
    assert_int_equal(kill(f->launcher_pid, SIGKILL), 0);
    fixture_wait(f, is_away, NULL);
}

static int setup(void **state, bool plain, bool no_v2)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    const char *folder = getenv("TMPDIR");
    (void)snprintf(f->state, sizeof(f->state), "%s/stint-engine-XXXXXX", folder ? folder : "/tmp");
    assert_non_null(mkdtemp(f->state));
    assert_int_equal(chmod(f->state, 0755), 0);
    f->no_cgroups = plain;
    f->options.no_cgroup_v2 = no_v2;
    f->opened_fd = -1;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    fixture_open(f);
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    return setup(state, false, false);
}

int fixture_setup_plain(void **state)
{
    return setup(state, true, false);
}

int fixture_setup_v1(void **state)
{
    return setup(state, false, true);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    (void)nftw(f->state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

struct stint_run_key key_of(uint64_t job)
{
    return (struct stint_run_key){ job, 0, 1 };
}

void start_init(struct stint_run_start *start, uint64_t job, const char *script)
{
    static const char *argv[8][4];
    static size_t next;
    const char **words = argv[next++ % 8];
    words[0] = "/bin/sh";
    words[1] = "-c";
    words[2] = script;
    words[3] = NULL;
    *start = (struct stint_run_start){ .key = key_of(job),
                                       .owner = { .uid = job_uid(),
                                                  .gid = is_root() ? TEST_UID : getegid(),
                                                  .user = "tester",
                                                  .home = "/nowhere" },
                                       .argv = words,
                                       .grace_ms = 10000,
                                       .umask = 022 };
}

void fixture_start(struct fixture *f, const struct stint_run_start *start)
{
    struct stint_error err = { 0 };
    if (stint_engine_start(f->engine, start, &err) != 0)
        fail_msg("%s", err.text);
}

static void on_tick(uv_timer_t *timer)
{
    uint64_t *until = timer->data;
    if (uv_now(timer->loop) > *until)
        fail_msg("waited %d s in vain", GUARD_MS / 1000);
}

static void on_tick_closed(uv_handle_t *handle)
{
    *(uint64_t *)handle->data = 0;
}

void fixture_wait(struct fixture *f, bool (*is_so)(struct fixture *f, void *ctx), void *ctx)
{
    uv_timer_t tick;
    uv_update_time(&f->loop);
    uint64_t until = uv_now(&f->loop) + GUARD_MS;
    uv_timer_init(&f->loop, &tick);
    tick.data = &until;
    uv_timer_start(&tick, on_tick, TICK_MS, TICK_MS);
    while (!is_so(f, ctx))
        uv_run(&f->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, on_tick_closed);
    while (until)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static bool has_started(struct fixture *f, void *ctx)
{
    uint64_t job = *(uint64_t *)ctx;
    for (size_t i = 0; i < f->started_count; i++)
        if (f->started[i].key.job == job)
            return true;
    return fixture_end_count(f, job) > 0;
}

const struct stint_run_started *fixture_wait_started(struct fixture *f, uint64_t job)
{
    fixture_wait(f, has_started, &job);
    for (size_t i = f->started_count; i > 0; i--)
        if (f->started[i - 1].key.job == job)
            return &f->started[i - 1];
    fail_msg("job %d ended without a start: %s", (int)job, f->ended[f->ended_count - 1].text);
    return NULL;
}

size_t fixture_end_count(const struct fixture *f, uint64_t job)
{
    size_t count = 0;
    for (size_t i = 0; i < f->ended_count; i++)
        count += f->ended[i].key.job == job;
    return count;
}

static bool has_ended(struct fixture *f, void *ctx)
{
    return fixture_end_count(f, *(uint64_t *)ctx) > 0;
}

const struct stint_run_end *fixture_wait_end(struct fixture *f, uint64_t job)
{
    fixture_wait(f, has_ended, &job);
    for (size_t i = f->ended_count; i > 0; i--)
        if (f->ended[i - 1].key.job == job)
            return &f->ended[i - 1];
    return NULL;
}

static bool is_file(struct fixture *f, void *ctx)
{
    struct stat st;
    (void)f;
    return stat(ctx, &st) == 0 && st.st_size > 0;
}

void fixture_wait_file(struct fixture *f, const char *path)
{
    char copy[512];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    fixture_wait(f, is_file, copy);
}

const struct stint_run_end *fixture_run(struct fixture *f, uint64_t job, const char *script)
{
    struct stint_run_start start;
    start_init(&start, job, script);
    fixture_start(f, &start);
    return fixture_wait_end(f, job);
}

char *path_in(const struct fixture *f, const char *name)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", f->state, name);
    return path;
}

static char *file_text(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

char *output_of(const struct fixture *f, uint64_t job, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "jobs/%d/%s", (int)job, name);
    return file_text(path_in(f, path));
}

bool is_alive(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    char *state = strrchr(file_text(path), ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

pid_t pid_from_file(const char *path)
{
    return (pid_t)strtol(file_text(path), NULL, 10);
}
