/* Owns: seats. A fork of the launcher copies its page tables and then, page by page, what it writes
 * to; for a run of a millisecond that was the most of it. A seat is such a fork that stays: for one
 * run after another it starts a supervisor, which is a process of its own but runs in the seat's
 * memory, waits for its end, and clears up behind it.
 *
 *   launcher ─ fork ─→ seat ─ clone(CLONE_VM) ─→ supervisor ─ vfork ─→ job
 *
 * 1. The seat sleeps while its supervisor lives: memory, errno and descriptors have one user.
 * 2. It holds the daemon's socket only as long as its supervisor does: that one's end of file says
 *    that nothing is on its way to start any more.
 * 3. Who is killed leaves no doubt. Without its seat a supervisor goes on and clears up itself;
 *    without its supervisor a seat ends. A seat that dies before its supervisor has told of itself
 *    is noticed here: from then on either that supervisor starts nothing, or it is told of.
 * 4. The seat of a dead launcher ends after its run.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#define SEAT_MAX      128 /* runs at once; further ones have supervisors that are plain forks */
#define SEAT_IDLE_MAX 32  /* kept for later */
#define END_WAIT_S    1
#define STACK_BYTES   (256 << 10)
#define GUARD_BYTES   (16 << 10)

/*
 *   IDLE ──start handed over──→ GIVEN ──supervisor──→ TAKEN ──told of──→ TOLD
 *    ↑                            └──seat is dead──→ DROPPED (for ever)    │
 *    └──────────────────────────cleared up─────────────────────────────────┘
 */
enum phase { SEAT_NONE = 0, SEAT_IDLE, SEAT_GIVEN, SEAT_TAKEN, SEAT_TOLD, SEAT_DROPPED };

/* Seen by the launcher, the seat and its supervisor. */
struct seat_shared {
    _Atomic(uint32_t) phase;
    _Atomic(int32_t) supervisor;
};

/* The launcher's own view; in a seat, of itself. */
struct seat {
    int channel; /* -1: free */
    pid_t pid;
    struct wire_message start;
};

struct seat_message {
    struct wire_message message;
    uint64_t spare;
};

static struct seat_shared *shared;
static struct seat seats[SEAT_MAX];
static int watch_fd = -1;

/* ---- the launcher's side */

int seats_open(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = SEAT_MAX };
    shared = mmap(NULL, SEAT_MAX * sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -errno;
    for (int i = 0; i < SEAT_MAX; i++)
        seats[i].channel = -1;
    watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (watch_fd < 0 || epoll_ctl(watch_fd, EPOLL_CTL_ADD, launcher.socket, &event) != 0)
        return -errno;
    return 0;
}

static void forked_tell(const struct wire_message *start, int code, pid_t pid, int pidfd)
{
    struct wire_message message;
    wire_message_init(&message, WIRE_FORKED, wire_message_key(start));
    message.code = code;
    message.value = pid > 0 ? (uint64_t)pid : 0;
    request_answer(&message, pidfd);
}

/* Its supervisor is about to tell of itself, or died at it: told of twice does no harm. */
static void supervisor_tell(const struct wire_message *start, pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    forked_tell(start, pidfd < 0 ? -ECHILD : 0, pid, pidfd);
    if (pidfd >= 0)
        close(pidfd);
}

static void seat_gone(int i)
{
    uint32_t phase = SEAT_GIVEN;
    /* Forks that are about to close it still have it open: closing alone would not end the watch.
     */
    (void)epoll_ctl(watch_fd, EPOLL_CTL_DEL, seats[i].channel, NULL);
    close(seats[i].channel);
    seats[i].channel = -1;
    if (atomic_compare_exchange_strong(&shared[i].phase, &phase, SEAT_DROPPED))
        forked_tell(&seats[i].start, -ECHILD, 0, -1);
    else if (phase == SEAT_TAKEN)
        supervisor_tell(&seats[i].start, atomic_load(&shared[i].supervisor));
}

bool seats_wait(void)
{
    struct epoll_event event;
    int count = epoll_wait(watch_fd, &event, 1, -1);
    if (count == 1 && event.data.u32 < SEAT_MAX) {
        if (seats[event.data.u32].channel >= 0)
            seat_gone((int)event.data.u32);
        return false;
    }
    return count == 1;
}

/* The idle ones end with us: where nobody takes in orphans they would stay behind as zombies. The
 * wait is theirs to end, and has a bound. */
void seats_end(void)
{
    for (int i = 0; i < SEAT_MAX; i++)
        if (seats[i].channel >= 0)
            close(seats[i].channel);
    (void)alarm(END_WAIT_S); /* it ends us */
    for (int i = 0; i < SEAT_MAX; i++)
        if (seats[i].channel >= 0 && atomic_load(&shared[i].phase) == SEAT_IDLE)
            (void)waitpid(seats[i].pid, NULL, 0);
}

void seats_leave(void)
{
    for (int i = 0; i < SEAT_MAX; i++)
        if (seats[i].channel >= 0)
            close(seats[i].channel);
    close(watch_fd);
}

static bool start_send(int channel, const struct request *request)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct seat_message message = { request->message, launcher.spare };
    struct iovec iov = { &message, sizeof(message) };
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    int fds[2] = { request->fds[0], launcher.socket };
    memset(&control, 0, sizeof(control));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
    return sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* To a seat that is there. False: there is none. */
static bool seat_give(const struct request *request)
{
    for (int i = 0; i < SEAT_MAX; i++) {
        uint32_t phase = SEAT_IDLE;
        if (seats[i].channel < 0 ||
            !atomic_compare_exchange_strong(&shared[i].phase, &phase, SEAT_GIVEN))
            continue;
        seats[i].start = request->message;
        if (start_send(seats[i].channel, request))
            return true;
        /* It is dead, and what it was not given is not to be told of. */
        atomic_store(&shared[i].phase, SEAT_TOLD);
    }
    return false;
}

/* Not one in whose word a supervisor might still write. */
static int seat_free(void)
{
    for (int i = 0; i < SEAT_MAX; i++) {
        uint32_t phase = atomic_load(&shared[i].phase);
        if (seats[i].channel < 0 &&
            (phase == SEAT_NONE || phase == SEAT_IDLE || phase == SEAT_TOLD))
            return i;
    }
    return -1;
}

static _Noreturn void seat_main(int index, int channel, struct request *request);

/* A new one. 0, -EAGAIN: no more of them; or another errno. */
static int seat_make(struct request *request)
{
    int ends[2] = { -1, -1 };
    int i = seat_free();
    if (i < 0)
        return -EAGAIN;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    struct epoll_event event = { .events = EPOLLRDHUP, .data.u32 = (uint32_t)i };
    seats[i].start = request->message;
    atomic_store(&shared[i].supervisor, 0);
    atomic_store(&shared[i].phase, SEAT_GIVEN);
    pid_t pid =
        epoll_ctl(watch_fd, EPOLL_CTL_ADD, ends[0], &event) != 0 ? -errno : process_fork(NULL);
    if (pid == 0) {
        close(ends[0]);
        seats_leave();
        seat_main(i, ends[1], request);
    }
    close(ends[1]);
    if (pid < 0) {
        (void)epoll_ctl(watch_fd, EPOLL_CTL_DEL, ends[0], NULL);
        close(ends[0]);
        atomic_store(&shared[i].phase, SEAT_NONE);
        return pid;
    }
    seats[i].channel = ends[0];
    seats[i].pid = pid;
    return 0;
}

int seats_start(struct request *request)
{
    return seat_give(request) ? 0 : seat_make(request);
}

/* ---- the seat's side */

static struct seat_shared *own;
static struct request *given;

bool seat_is_there(void)
{
    return own && getppid() == launcher.seat;
}

/* In the supervisor, first of all: from here on it is known. */
static int supervisor_main(void *unused)
{
    uint32_t phase = SEAT_GIVEN;
    (void)unused;
    pid_t pid = getpid();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    atomic_store(&own->supervisor, pid);
    if (!atomic_compare_exchange_strong(&own->phase, &phase, SEAT_TAKEN))
        _exit(0);
    forked_tell(&given->message, pidfd < 0 ? -errno : 0, pid, pidfd);
    atomic_store(&own->phase, SEAT_TOLD);
    if (pidfd < 0)
        _exit(0);
    close(pidfd);
    supervisor_run(given);
}

static char *stack_make(void)
{
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, GUARD_BYTES, PROT_NONE) != 0)
        return NULL;
    return stack + STACK_BYTES;
}

/* One run, from its start to its traces. False: this seat is not fit for another. */
static bool run_one(char *stack_end)
{
    int status = 0;
    pid_t pid = clone(supervisor_main, stack_end, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    if (pid < 0) {
        atomic_store(&own->phase, SEAT_TOLD);
        forked_tell(&given->message, -errno, 0, -1);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (launcher.socket >= 0)
        close(launcher.socket);
    if (given->fds[0] >= 0)
        close(given->fds[0]);
    launcher.socket = given->fds[0] = -1;
    if (pid < 0 || !WIFEXITED(status))
        return false; /* what a killed one left is the launcher's to find */
    return supervisor_clear();
}

static bool start_receive(int channel, struct request *request)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct seat_message message;
    struct iovec iov = { &message, sizeof(message) };
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    int fds[2];
    ssize_t got = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = got == (ssize_t)sizeof(message) ? CMSG_FIRSTHDR(&header) : NULL;
    if (!c || c->cmsg_len != CMSG_LEN(sizeof(fds)))
        return false;
    memcpy(fds, CMSG_DATA(c), sizeof(fds));
    request->message = message.message;
    request->fds[0] = fds[0];
    request->fd_count = 1;
    launcher.socket = fds[1];
    launcher.spare = message.spare;
    return true;
}

static bool is_wanted(void)
{
    int idle = 0;
    for (int i = 0; i < SEAT_MAX; i++)
        idle += atomic_load(&shared[i].phase) == SEAT_IDLE;
    return idle < SEAT_IDLE_MAX && getppid() == launcher.pid;
}

static _Noreturn void seat_main(int index, int channel, struct request *request)
{
    char *stack_end = stack_make();
    own = &shared[index];
    given = request;
    launcher.seat = getpid();
    supervisor_settle();
    (void)prctl(PR_SET_NAME, "stint-seat");
    if (!stack_end) {
        atomic_store(&own->phase, SEAT_TOLD);
        forked_tell(&request->message, -ENOMEM, 0, -1);
        _exit(0);
    }
    while (run_one(stack_end) && is_wanted()) {
        atomic_store(&own->phase, SEAT_IDLE);
        if (!start_receive(channel, request))
            break;
    }
    _exit(0);
}
