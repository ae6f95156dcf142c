/* Owns: the start of the launcher. The first is main's first act: the daemon still has its
 * privileges. A later one (keep.c) is started by a daemon that may be large: posix_spawn(3) copies
 * no page tables, where fork(2) of a large one takes milliseconds on the loop. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local.h"
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

/* Both descriptors are above 4, so that neither is overwritten before it is moved. */
static int launcher_exec(struct arguments *arguments, int socket_fd, int state_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, socket_fd, WIRE_SOCKET_FD);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, state_fd, WIRE_STATE_FD);
    if (r == 0)
        r = posix_spawn(ret_pid, arguments->words[0], &actions, NULL, arguments->words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int descriptor_raise(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, WIRE_STATE_FD + 1);
    int r = high < 0 ? -errno : high;
    close(fd);
    return r;
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
    if (hello.code == -EBUSY) {
        (void)stint_fail(err, -EBUSY,
                         "the launcher of another daemon is at work on this state folder");
        return stint_fix(err, -EBUSY,
                         "stop that daemon; when there is none, its launcher: pgrep -a "
                         "stint-launcher");
    }
    if (hello.code != 0) {
        (void)stint_fail(err, hello.code, "the launcher cannot use its state folder: %s",
                         strerror(-hello.code));
        return stint_fix(err, hello.code,
                         "set state (--state) to a folder on a disk that is written");
    }
    return 0;
}

static int launcher_start(struct arguments *arguments, int state_fd,
                          struct stint_launcher *launcher)
{
    int ends[2] = { -1, -1 };
    int size = SOCKET_BUFFER;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    pid_t pid = 0;
    int theirs = descriptor_raise(ends[1]);
    int r = theirs < 0 ? theirs : launcher_exec(arguments, theirs, state_fd, &pid);
    if (theirs >= 0)
        close(theirs);
    if (r == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        r = -errno;
    launcher->socket = ends[0];
    launcher->pid = pid;
    launcher->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    return r == 0 && launcher->pidfd < 0 ? -errno : r;
}

/* It ends when its socket closes, or has ended. */
static void launcher_abandon(struct stint_launcher *launcher)
{
    pid_t pid = launcher->pid;
    stint_launcher_close(launcher);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}

int local_launcher_begin(const struct stint_launcher_options *options,
                         struct stint_launcher *ret_launcher, struct stint_error *err)
{
    struct stint_launcher launcher = { -1, -1, 0 };
    if (*options->program != '/' || *options->state != '/' ||
        strlen(options->program) >= STINT_RUN_PATH_MAX ||
        strlen(options->state) >= STINT_RUN_PATH_MAX / 2 ||
        (options->tool && strlen(options->tool) >= STINT_RUN_PATH_MAX))
        return stint_fail(err, -EINVAL, "launcher and state folder must be absolute paths");
    int state_fd = open(options->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state_fd >= 0)
        state_fd = descriptor_raise(state_fd);
    if (state_fd < 0)
        return stint_fail(err, -errno, "cannot open the state folder %s: %s", options->state,
                          strerror(errno));
    struct arguments *arguments = calloc(1, sizeof(*arguments));
    if (!arguments) {
        close(state_fd);
        return stint_fail(err, -ENOMEM, "out of memory");
    }
    arguments_make(options, arguments);
    int r = launcher_start(arguments, state_fd, &launcher);
    free(arguments);
    close(state_fd);
    if (r != 0) {
        launcher_abandon(&launcher);
        return stint_fail(err, r, "cannot start the launcher %s: %s", options->program,
                          strerror(-r));
    }
    *ret_launcher = launcher;
    return 0;
}

int stint_launcher_spawn(const struct stint_launcher_options *options,
                         struct stint_launcher *ret_launcher, struct stint_error *err)
{
    struct stint_launcher launcher = { -1, -1, 0 };
    int r = local_launcher_begin(options, &launcher, err);
    if (r != 0)
        return r;
    if ((r = hello_wait(launcher.socket, err, options->program)) != 0)
        launcher_abandon(&launcher);
    else
        *ret_launcher = launcher;
    return r;
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
