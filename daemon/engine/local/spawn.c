/* Owns: the start of the launcher, main's first act: the daemon is still small, still has its
 * privileges and no threads. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stint/auto.h"
#include "stint/engine_local.h"
#include "wire.h"

#define HELLO_WAIT_MS  10000
#define ARGUMENT_COUNT 9
#define SOCKET_BUFFER  (1 << 20)

struct arguments {
    char text[ARGUMENT_COUNT][STINT_RUN_PATH_MAX + 16];
    char *words[ARGUMENT_COUNT + 1];
    size_t count;
};

static void argument_add(struct arguments *arguments, const char *text)
{
    char *space = arguments->text[arguments->count];
    (void)snprintf(space, sizeof(arguments->text[0]), "%s", text);
    arguments->words[arguments->count++] = space;
}

static void argument_add_pair(struct arguments *arguments, const char *name, const char *value)
{
    char *space = arguments->text[arguments->count];
    (void)snprintf(space, sizeof(arguments->text[0]), "%s=%s", name, value);
    arguments->words[arguments->count++] = space;
}

static void argument_add_number(struct arguments *arguments, const char *name, uint32_t number)
{
    char digits[24];
    wire_decimal(digits, number);
    argument_add_pair(arguments, name, digits);
}

static void arguments_make(const struct stint_launcher_options *options,
                           struct arguments *arguments)
{
    argument_add(arguments, options->program);
    argument_add_pair(arguments, "state", options->state);
    argument_add_number(arguments, "min_uid", options->min_uid);
    argument_add_number(arguments, "daemon_uid", options->daemon_uid);
    argument_add_number(arguments, "daemon_gid", options->daemon_gid);
    if (options->tool)
        argument_add_pair(arguments, "tool", options->tool);
    if (options->allow_root)
        argument_add(arguments, "allow_root=1");
    if (options->no_cgroups)
        argument_add(arguments, "no_cgroups=1");
    if (options->no_cgroup_v2)
        argument_add(arguments, "no_cgroup_v2=1");
}

/* In the child. Both are moved out of the way of 3 and 4 first. */
static _Noreturn void launcher_exec(struct arguments *arguments, int socket_fd, int state_fd)
{
    int socket_high = fcntl(socket_fd, F_DUPFD, 16);
    int state_high = fcntl(state_fd, F_DUPFD, 16);
    if (socket_high >= 0 && state_high >= 0 && dup2(socket_high, WIRE_SOCKET_FD) >= 0 &&
        dup2(state_high, WIRE_STATE_FD) >= 0)
        execv(arguments->words[0], arguments->words);
    _exit(127);
}

static int hello_wait(int socket_fd, struct stint_error *err, const char *program)
{
    struct pollfd wait = { .fd = socket_fd, .events = POLLIN };
    struct wire_message hello;
    int r = poll(&wait, 1, HELLO_WAIT_MS);
    ssize_t got = r == 1 ? recv(socket_fd, &hello, sizeof(hello), MSG_PEEK | MSG_DONTWAIT) : -1;
    if (got <= 0 || wire_message_check(&hello, (size_t)got) != 0 || hello.kind != WIRE_HELLO) {
        (void)stint_fail(err, -EPIPE, "the launcher %s did not answer", program);
        return stint_fix(err, -EPIPE, "is it this version's, and executable?");
    }
    if (hello.code == -EBUSY)
        return stint_fail(err, -EBUSY, "another daemon uses this state folder");
    if (hello.code != 0)
        return stint_fail(err, hello.code, "the launcher cannot use its state folder: %s",
                          strerror(-hello.code));
    return 0;
}

static int launcher_fork(struct arguments *arguments, int state_fd, struct stint_launcher *launcher)
{
    int ends[2] = { -1, -1 };
    int size = SOCKET_BUFFER;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    pid_t pid = fork();
    if (pid == 0)
        launcher_exec(arguments, ends[1], state_fd);
    int r = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (r == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        r = -errno;
    launcher->socket = ends[0];
    launcher->pid = pid > 0 ? pid : 0;
    launcher->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    return r == 0 && launcher->pidfd < 0 ? -errno : r;
}

int stint_launcher_spawn(const struct stint_launcher_options *options,
                         struct stint_launcher *ret_launcher, struct stint_error *err)
{
    struct stint_launcher launcher = { -1, -1, 0 };
    if (*options->program != '/' || *options->state != '/' ||
        strlen(options->program) >= STINT_RUN_PATH_MAX ||
        strlen(options->state) >= STINT_RUN_PATH_MAX / 2 ||
        (options->tool && strlen(options->tool) >= STINT_RUN_PATH_MAX))
        return stint_fail(err, -EINVAL, "launcher and state folder must be absolute paths");
    int state_fd = open(options->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state_fd < 0)
        return stint_fail(err, -errno, "cannot open the state folder %s: %s", options->state,
                          strerror(errno));
    struct arguments *arguments = calloc(1, sizeof(*arguments));
    if (!arguments) {
        close(state_fd);
        return stint_fail(err, -ENOMEM, "out of memory");
    }
    arguments_make(options, arguments);
    int r = launcher_fork(arguments, state_fd, &launcher);
    free(arguments);
    close(state_fd);
    if (r != 0)
        r = stint_fail(err, r, "cannot start the launcher: %s", strerror(-r));
    else
        r = hello_wait(launcher.socket, err, options->program);
    if (r != 0) {
        pid_t pid = launcher.pid;
        stint_launcher_close(&launcher);
        if (pid > 0)
            (void)waitpid(pid, NULL, 0); /* it ends when its socket closes, or has ended */
        return r;
    }
    *ret_launcher = launcher;
    return 0;
}

void stint_launcher_close(struct stint_launcher *launcher)
{
    if (launcher->socket >= 0)
        close(launcher->socket);
    if (launcher->pidfd >= 0)
        close(launcher->pidfd);
    *launcher = (struct stint_launcher){ -1, -1, 0 };
}

static bool try_path(char *path, size_t length, const char *more)
{
    int r = snprintf(path + length, STINT_RUN_PATH_MAX - length, "%s", more);
    return r > 0 && (size_t)r < STINT_RUN_PATH_MAX - length && access(path, X_OK) == 0;
}

int stint_launcher_find(const char *libexecdir, char *ret_path)
{
    char path[STINT_RUN_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length > 0) {
        path[length] = '\0';
        char *slash = strrchr(path, '/');
        size_t folder = slash ? (size_t)(slash - path) : 0;
        if (try_path(path, folder, "/stint-launcher") ||
            try_path(path, folder, "/engine/stint-launcher")) {
            memcpy(ret_path, path, sizeof(path));
            return 0;
        }
    }
    int r = snprintf(path, sizeof(path), "%s/stint/stint-launcher", libexecdir ? libexecdir : "");
    if (r <= 0 || (size_t)r >= sizeof(path) || access(path, X_OK) != 0)
        return -ENOENT;
    memcpy(ret_path, path, sizeof(path));
    return 0;
}
