/* Owns: the two short-lived forks of the launcher. The opener becomes the user and opens one output
 * file; the keeper runs the evaluator's program as the user and ends with the launcher. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

#define TOOL_MEMORY_BYTES (UINT64_C(2) << 30)
#define TOOL_FILES        256
#define TOOL_ARGUMENT_MAX 64

static _Noreturn void answer_and_exit(const struct request *request, enum wire_kind kind, int code,
                                      uint64_t value, int fd)
{
    struct wire_message answer;
    wire_message_init(&answer, kind, wire_message_key(&request->message));
    answer.id = request->message.id;
    answer.code = code;
    answer.value = value;
    request_answer(&answer, fd);
    _exit(0);
}

static void fork_settle(const char *name)
{
    sigset_t none;
    signals_reset();
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_NAME, name);
}

void opener_run(struct request *request)
{
    struct stint_run_key key = wire_message_key(&request->message);
    const struct wire_body *body = &launcher.body;
    int folder_fd = AT_FDCWD;
    fork_settle("stint-open");
    int r = request_body(request->fds[0]);
    bool errors = request->message.value == STINT_RUN_STDERR;
    const char *path = errors ? body->stderr_path : body->stdout_path;
    if (r == 0)
        r = owner_become();
    if (r == 0 && !*path)
        r = job_folder_open(key, false, &folder_fd);
    if (r == 0)
        r = job_open_output(folder_fd, path, errors ? "stderr" : "stdout", O_RDONLY);
    answer_and_exit(request, WIRE_OPENED, r < 0 ? r : 0, 0, r);
}

static void limit_set(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit limit = { value, value };
    (void)setrlimit(what, &limit);
}

/* The evaluator reads files of strangers: nothing it could win is left to it. Writing is limited to
 * pipes by a file size of 0. */
static void tool_limits(void)
{
    const struct wire_body_head *head = launcher.body.head;
    limit_set(RLIMIT_AS, head->memory_bytes ? head->memory_bytes : TOOL_MEMORY_BYTES);
    limit_set(RLIMIT_CPU, head->walltime_ms / 1000 + 1);
    limit_set(RLIMIT_FSIZE, 0);
    limit_set(RLIMIT_CORE, 0);
    limit_set(RLIMIT_NOFILE, TOOL_FILES);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* 0, 1, 2 and perhaps 3; moved up first, so that none is overwritten before it is copied. */
static int tool_streams(const struct request *request)
{
    int high[WIRE_FD_MAX];
    for (int i = 1; i < request->fd_count; i++)
        if ((high[i] = fcntl(request->fds[i], F_DUPFD_CLOEXEC, 64)) < 0)
            return -errno;
    if (dup2(high[1], 0) < 0 || dup2(high[2], 1) < 0)
        return -errno;
    int last = 3;
    if (request->fd_count > 3 && dup2(high[3], last++) < 0)
        return -errno;
    return close_range((unsigned)last, ~0u, 0) ? -errno : 0;
}

static _Noreturn void tool_exec(const struct request *request)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char locale[] = "LC_ALL=C.UTF-8";
    static char *env[] = { path, locale, NULL };
    static char program[STINT_RUN_PATH_MAX];
    text_add(program, sizeof(program), launcher.tool);
    launcher.body.argv[0] = program;
    if (launcher.own_uid == 0)
        (void)unshare(
            CLONE_NEWNET); /* no network; where that is refused the tool closes it itself */
    if (owner_become() == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        tool_streams(request) == 0 && chdir("/") == 0) {
        (void)setsid();
        umask(077);
        tool_limits();
        execve(program, launcher.body.argv, env);
    }
    _exit(127);
}

/* Waits for the tool or the end of its time, whichever is first, then takes down all it started. */
static int tool_wait(pid_t tool, uint64_t timeout_ms, int *ret_status)
{
    sigset_t child;
    uint64_t until = clock_boot_ms() + timeout_ms;
    int r = -ETIMEDOUT;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (uint64_t now = 0; (now = clock_boot_ms()) < until;) {
        if (waitpid(tool, ret_status, WNOHANG) == tool) {
            r = 0;
            break;
        }
        struct timespec wait = { (time_t)((until - now) / 1000),
                                 (long)((until - now) % 1000) * 1000000 };
        (void)sigtimedwait(&child, NULL, &wait);
    }
    while (waitpid(-1, NULL, WNOHANG) >= 0) {
        struct timespec wait = { 0, 10000000 };
        (void)children_signal(SIGKILL, false);
        (void)sigtimedwait(&child, NULL, &wait);
    }
    return r;
}

static int tool_check(const struct request *request)
{
    int r = request->fd_count < 3 ? -EPROTO : request_body(request->fds[0]);
    if (r == 0 && !launcher.tool)
        r = -ENOSYS;
    if (r == 0 && (launcher.body.head->argument_count > TOOL_ARGUMENT_MAX ||
                   launcher.body.head->walltime_ms == 0))
        r = -E2BIG;
    return r;
}

void keeper_run(struct request *request)
{
    sigset_t child;
    int status = 0;
    fork_settle("stint-tool");
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launcher.pid)
        _exit(
            1); /* it died before it could be watched: our end of its socket must not outlive it */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    int r = tool_check(request);
    if (r != 0)
        answer_and_exit(request, WIRE_TOOL_ENDED, r, 0, -1);
    pid_t tool = process_fork(NULL);
    if (tool == 0) {
        (void)sigprocmask(SIG_UNBLOCK, &child, NULL);
        tool_exec(request);
    }
    for (int i = 1; i < request->fd_count; i++)
        close(request->fds[i]); /* or the reader of its output would never see the end */
    r = tool < 0 ? tool : tool_wait(tool, launcher.body.head->walltime_ms, &status);
    answer_and_exit(request, WIRE_TOOL_ENDED, r, (uint64_t)(unsigned)status, -1);
}
