/* Owns: the fork server. The only part of Stint that may hold privilege: it reads requests from one
 * inherited socket, takes each as hostile, and forks somebody who carries it out. It exits when the
 * socket closes; supervisors go on.
 *
 * Usage: stint-launcher state=PATH min_uid=N daemon_uid=N daemon_gid=N [tool=PATH] [allow_root=1]
 * [no_cgroups=1] [no_cgroup_v2=1], with the socket as descriptor 3 and the state folder as 4. Not
 * for people. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct launcher launcher;

/* For the launcher of a daemon that was just killed. */
#define LOCK_WAIT_MS   5000
#define CLEAN_ROUNDS   100
#define CLEAN_PAUSE_NS 2000000L

static void answer(const struct wire_message *to, enum wire_kind kind, int code, uint64_t value,
                   int fd)
{
    struct wire_message message;
    wire_message_init(&message, kind, wire_message_key(to));
    message.id = to->id;
    message.code = code;
    message.value = value;
    request_answer(&message, fd);
}

/* 0, and @ret_record says who supervises the run now; -ESRCH: nobody does. */
static int supervisor_find(struct stint_run_key key, struct wire_record *ret_record, int *ret_pidfd)
{
    int folder_fd = -1;
    int r = run_folder_open(key, &folder_fd);
    if (r != 0)
        return r;
    r = run_record_read(folder_fd, key, ret_record);
    close(folder_fd);
    if (r != 0)
        return r;
    if (ret_record->state != WIRE_RECORD_STARTED ||
        memcmp(ret_record->boot_id, launcher.boot_id, WIRE_BOOT_ID_BYTES) != 0)
        return -ESRCH;
    int pidfd = (int)syscall(SYS_pidfd_open, ret_record->supervisor, 0);
    if (pidfd < 0)
        return -errno;
    /* One that has ended may be there until its seat has heard of it. */
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    bool is_over = poll(&ended, 1, 0) == 1;
    /* The descriptor is held first, then the start time read: a pid used again cannot slip in. */
    if (is_over || process_ticks(ret_record->supervisor) != ret_record->supervisor_ticks) {
        close(pidfd);
        return -ESRCH;
    }
    *ret_pidfd = pidfd;
    return 0;
}

static void on_control(const struct wire_message *message)
{
    struct wire_record record;
    siginfo_t info;
    int pidfd = -1;
    if (message->value == 0 || message->value >= WIRE_OP_COUNT || message->value2 > WIRE_OP_VALUE ||
        supervisor_find(wire_message_key(message), &record, &pidfd) != 0)
        return; /* over, or not there yet: its end will be reported */
    memset(&info, 0, sizeof(info));
    info.si_signo = CONTROL_SIGNAL;
    info.si_code = SI_QUEUE;
    info.si_pid = launcher.pid;
    info.si_uid = launcher.own_uid;
    info.si_value.sival_ptr =
        (void *)(uintptr_t)(message->value << WIRE_OP_SHIFT | message->value2);
    (void)syscall(SYS_pidfd_send_signal, pidfd, CONTROL_SIGNAL, &info, 0);
    close(pidfd);
}

/* Processes of a killed supervisor became our children (subreaper). While they are killed SIGCHLD
 * is not ignored, so that a pid stays its child's until it is reaped here. */
static void orphans_kill(void)
{
    static const struct timespec pause = { 0, CLEAN_PAUSE_NS };
    (void)signal(SIGCHLD, SIG_DFL);
    for (int round = 0; round < CLEAN_ROUNDS && children_signal(SIGKILL, true) > 0; round++) {
        nanosleep(&pause, NULL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

/* A record for a run that has none, so that its supervisor, should it still be on its way to write
 * one, finds it there and ends without running. */
static void tombstone_set(struct stint_run_key key)
{
    struct wire_record record;
    int folder_fd = -1;
    int record_fd = -1;
    if (run_folder_open(key, &folder_fd) != 0)
        return;
    memset(&record, 0, sizeof(record));
    record.job = key.job;
    record.task = key.task;
    record.attempt = key.attempt;
    record.state = WIRE_RECORD_LOST;
    record.supervisor = launcher.pid;
    memcpy(record.boot_id, launcher.boot_id, sizeof(record.boot_id));
    if (run_record_make(folder_fd, &record, &record_fd) == 0)
        close(record_fd);
    close(folder_fd);
}

/* What a run without an end may have left: its processes and their groups. */
static void leftovers_kill(struct stint_run_key key)
{
    struct cgroup_run cgroup;
    cgroup_run_open(&launcher.cgroups, key, &cgroup);
    (void)cgroup_run_kill(&launcher.cgroups, &cgroup);
    orphans_kill();
    cgroup_run_remove(&launcher.cgroups, &cgroup);
}

static void on_forget(const struct wire_message *message)
{
    struct stint_run_key key = wire_message_key(message);
    struct wire_record record = { 0 };
    int pidfd = -1;
    int r = supervisor_find(key, &record, &pidfd);
    if (r == 0) {
        close(pidfd);
    } else {
        if (record.state == WIRE_RECORD_STARTED)
            leftovers_kill(key);
        if (record.state != WIRE_RECORD_ENDED || !spare_keep(key))
            run_folder_remove(key);
    }
}

static void on_clean(const struct wire_message *message)
{
    struct stint_run_key key = wire_message_key(message);
    struct wire_record record;
    int pidfd = -1;
    tombstone_set(key);
    int r = supervisor_find(key, &record, &pidfd);
    if (r == 0) {
        close(pidfd); /* it lives after all */
        answer(message, WIRE_DONE, -EBUSY, 0, -1);
        return;
    }
    leftovers_kill(key);
    answer(message, WIRE_DONE, 0, 0, -1);
}

/* More runs than there are seats: each further one is supervised by a fork of its own. */
static int supervisor_fork(struct request *request)
{
    int pidfd = -1;
    pid_t pid = process_fork(&pidfd);
    if (pid == 0) {
        seats_leave();
        supervisor_settle();
        supervisor_run(request);
    }
    if (pid < 0)
        return pid;
    answer(&request->message, WIRE_FORKED, 0, (uint64_t)pid, pidfd);
    close(pidfd);
    return 0;
}

static void on_start(struct request *request)
{
    if (request->fd_count != 1) {
        answer(&request->message, WIRE_FORKED, -EPROTO, 0, -1);
        return;
    }
    launcher.spare = spare_take();
    int r = seats_start(request);
    if (r == -EAGAIN)
        r = supervisor_fork(request);
    if (r == 0)
        return;
    spare_return(launcher.spare);
    answer(&request->message, WIRE_FORKED, r, 0, -1);
}

static void on_errand(struct request *request, enum wire_kind kind,
                      void (*errand)(struct request *request))
{
    if (request->fd_count < 1) {
        answer(&request->message, kind, -EPROTO, 0, -1);
        return;
    }
    pid_t pid = process_fork(NULL);
    if (pid == 0) {
        seats_leave();
        errand(request);
    }
    if (pid < 0)
        answer(&request->message, kind, pid, 0, -1);
}

static void request_handle(struct request *request)
{
    switch ((enum wire_kind)request->message.kind) {
    case WIRE_START:
        on_start(request);
        break;
    case WIRE_CONTROL:
        on_control(&request->message);
        break;
    case WIRE_FORGET:
        on_forget(&request->message);
        break;
    case WIRE_CLEAN:
        on_clean(&request->message);
        break;
    case WIRE_OPEN:
        on_errand(request, WIRE_OPENED, opener_run);
        break;
    case WIRE_TOOL:
        on_errand(request, WIRE_TOOL_ENDED, keeper_run);
        break;
    case WIRE_NO_KIND:
    case WIRE_HELLO:
    case WIRE_FORKED:
    case WIRE_STARTED:
    case WIRE_DONE:
    case WIRE_OPENED:
    case WIRE_TOOL_ENDED:
    case WIRE_KIND_COUNT:
        break; /* not for us */
    }
}

static void request_take_fds(struct msghdr *header, struct request *request)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && request->fd_count < WIRE_FD_MAX; i++)
            memcpy(&request->fds[request->fd_count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

/* False when the daemon is gone. A message that is not ours is dropped, with its descriptors. */
static bool request_next(struct request *request)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(WIRE_FD_MAX * sizeof(int))];
    } control;
    struct iovec iov = { &request->message, sizeof(request->message) };
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    request->fd_count = 0;
    ssize_t got = recvmsg(launcher.socket, &header, MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN || errno == EMSGSIZE;
    request_take_fds(&header, request);
    if (got == 0 && request->fd_count == 0)
        return false;
    if (!(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
        wire_message_check(&request->message, (size_t)got) == 0)
        request_handle(request);
    for (int i = 0; i < request->fd_count; i++)
        close(request->fds[i]);
    return true;
}

static void hello(void)
{
    struct wire_message message;
    const struct cgroups *groups = &launcher.cgroups;
    wire_message_init(&message, WIRE_HELLO, (struct stint_run_key){ 0 });
    message.value = (launcher.own_uid == 0 ? WIRE_HELLO_SEPARATE_USERS : 0) |
                    (launcher.allow_root ? WIRE_HELLO_ROOT_ALLOWED : 0) |
                    (launcher.tool ? WIRE_HELLO_TOOL : 0);
    message.value2 = launcher.min_uid;
    message.hold[WIRE_HOLD_MEMORY] = (uint8_t)cgroups_hold(groups, CGROUP_MEMORY);
    message.hold[WIRE_HOLD_PROCESSES] = (uint8_t)cgroups_hold(groups, CGROUP_PIDS);
    message.hold[WIRE_HOLD_CORES] = (uint8_t)cgroups_hold(groups, CGROUP_CPUSET);
    message.hold[WIRE_HOLD_KILL] = (uint8_t)cgroups_hold(groups, CGROUP_KILL);
    message.hold[WIRE_HOLD_FREEZE] = (uint8_t)cgroups_hold(groups, CGROUP_FREEZER);
    message.hold[WIRE_HOLD_CPU_TIME] = (uint8_t)cgroups_hold(groups, CGROUP_CPU_TIME);
    request_answer(&message, -1);
}

static bool argument_number(const char *text, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' ||
            (number = number * 10 + (uint64_t)(*text - '0')) > UINT32_MAX)
            return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

static const char *argument_value(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

static bool argument_read(const char *argument, bool *no_cgroups, bool *no_v2)
{
    const char *value = NULL;
    uint32_t number = 0;
    if ((value = argument_value(argument, "state")) && *value == '/')
        launcher.state_path = value;
    else if ((value = argument_value(argument, "tool")) && *value == '/')
        launcher.tool = value;
    else if ((value = argument_value(argument, "min_uid")) && argument_number(value, &number))
        launcher.min_uid = number;
    else if ((value = argument_value(argument, "daemon_uid")) && argument_number(value, &number))
        launcher.daemon_uid = number;
    else if ((value = argument_value(argument, "daemon_gid")) && argument_number(value, &number))
        launcher.daemon_gid = number;
    else if (strcmp(argument, "allow_root=1") == 0)
        launcher.allow_root = true;
    else if (strcmp(argument, "no_cgroups=1") == 0)
        *no_cgroups = true;
    else if (strcmp(argument, "no_cgroup_v2=1") == 0)
        *no_v2 = true;
    else
        return false;
    return true;
}

/* A folder of ours in the state folder that others may pass through, and the daemon list. */
static int folder_prepare(const char *name, mode_t mode)
{
    struct stat st;
    if (mkdirat(launcher.state_fd, name, 0700) != 0 && errno != EEXIST)
        return -errno;
    int fd = openat(launcher.state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Made by somebody else: what is in it could be theirs too. */
    if (fstat(fd, &st) != 0 || st.st_uid != launcher.own_uid)
        return -EPERM;
    if (launcher.daemon_gid != launcher.own_gid && fchown(fd, (uid_t)-1, launcher.daemon_gid) != 0)
        return -errno;
    return fchmod(fd, mode) != 0 ? -errno : fd;
}

/* A supervisor outlives the daemon: it must not keep the daemon's terminal or pipe open. */
static void streams_close(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        close(null);
}

static void signals_prepare(void)
{
    static const long as_usual[4]; /* the kernel's struct sigaction, all 0: SIG_DFL */
    sigset_t none;
    /* Not signal(3): it refuses the C library's own two, which posix_spawn(3) leaves ignored. */
    for (int i = 1; i < _NSIG; i++)
        (void)syscall(SYS_rt_sigaction, i, as_usual, NULL, _NSIG / 8);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps; ends are seen by pidfd */
    (void)signal(SIGINT, SIG_IGN);  /* Ctrl-C in the daemon's terminal is the daemon's to answer */
    (void)signal(SIGHUP, SIG_IGN);
}

static int prepare(bool no_cgroups, bool no_v2)
{
    struct stat st;
    char name[48] = "stint-";
    int r = 0;
    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", launcher.boot_id,
                  sizeof(launcher.boot_id)) <= 0)
        return -ENOENT;
    launcher.boot_id[strcspn(launcher.boot_id, "\n")] = '\0';
    if ((launcher.runs_fd = folder_prepare("runs", 0751)) < 0)
        return launcher.runs_fd;
    if ((launcher.lock_fd = lock_take(LOCK_WAIT_MS)) < 0)
        return launcher.lock_fd;
    if ((launcher.jobs_fd = folder_prepare("jobs", 0711)) < 0)
        return launcher.jobs_fd;
    if ((r = seats_open()) != 0)
        return r;
    spares_clear();
    if (fstat(launcher.state_fd, &st) != 0)
        return -errno;
    /* One state folder, one name: a later launcher finds the groups of an earlier one's runs. */
    text_add_number(name, sizeof(name), (uint64_t)st.st_dev);
    text_add(name, sizeof(name), "-");
    text_add_number(name, sizeof(name), (uint64_t)st.st_ino);
    if (no_cgroups)
        cgroups_none(&launcher.cgroups);
    else
        cgroups_find(&launcher.cgroups, name, !no_v2);
    return 0;
}

int main(int argc, char **argv)
{
    static struct request request;
    bool no_cgroups = false;
    bool no_v2 = false;
    launcher.socket = WIRE_SOCKET_FD;
    launcher.state_fd = WIRE_STATE_FD;
    launcher.pid = getpid();
    launcher.started_ms = clock_boot_ms();
    launcher.own_uid = launcher.daemon_uid = geteuid();
    launcher.own_gid = launcher.daemon_gid = getegid();
    launcher.min_uid = 1000;
    for (int i = 1; i < argc; i++)
        if (!argument_read(argv[i], &no_cgroups, &no_v2))
            return 2;
    if (!launcher.state_path || fcntl(launcher.socket, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(launcher.state_fd, F_SETFD, FD_CLOEXEC) != 0)
        return 2;
    (void)close_range(5, ~0u, 0);
    streams_close();
    signals_prepare();
    (void)setsid();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    umask(0);
    int r = prepare(no_cgroups, no_v2);
    if (r != 0) {
        struct wire_message message;
        wire_message_init(&message, WIRE_HELLO, (struct stint_run_key){ 0 });
        message.code = r;
        request_answer(&message, -1);
        return 1;
    }
    hello();
    do {
        while (!seats_wait())
            continue;
    } while (request_next(&request));
    cgroups_leave(&launcher.cgroups);
    close(launcher.lock_fd); /* now, not when the kernel gets to it: a supervisor may be waiting */
    seats_end();
    return 0;
}
