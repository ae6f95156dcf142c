/* Owns: the daemon's end of the socket to the launcher. It never waits: what does not fit is
 * queued, to a bound, and sent when the socket has room. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local.h"
#include "stint/log.h"

#define RECEIVE_MAX                                                                                \
    4096 /* messages taken in one turn of the loop; more than the socket can hold                  \
          */

static void fds_close(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

/* 0, -EAGAIN, or the link is broken. */
static int message_put(struct local *engine, const struct wire_message *message, const int *fds,
                       int fd_count)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(WIRE_FD_MAX * sizeof(int))];
    } control;
    struct wire_message copy = *message;
    struct iovec iov = { &copy, sizeof(copy) };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd_count) {
        memset(&control, 0, sizeof(control));
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, (size_t)fd_count * sizeof(int));
    }
    if (sendmsg(engine->launcher.socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return 0;
    /* Too many descriptors in flight (unix(7)) passes as the launcher takes them. */
    return errno == EINTR || errno == ETOOMANYREFS || errno == ENOBUFS ? -EAGAIN : -errno;
}

static void link_on_event(uv_poll_t *poll, int status, int events)
{
    struct local *engine = poll->data;
    (void)status;
    if (events & UV_WRITABLE)
        local_link_flush(engine);
    local_receive(engine);
}

void local_link_watch(struct local *engine)
{
    if (!engine->closing && !engine->ended && engine->launcher.socket >= 0)
        uv_poll_start(&engine->socket_poll,
                      UV_READABLE | (engine->first && !engine->report.away ? UV_WRITABLE : 0),
                      link_on_event);
}

void local_link_flush(struct local *engine)
{
    bool had = engine->first != NULL;
    while (engine->first) {
        struct local_message *message = engine->first;
        if (message_put(engine, &message->wire, message->fds, message->fd_count) == -EAGAIN)
            break;
        engine->first = message->next;
        engine->last = engine->first ? engine->last : NULL;
        engine->message_count--;
        fds_close(message->fds, message->fd_count);
        free(message);
    }
    if (had && !engine->first)
        local_link_watch(engine);
}

/* What another launcher may be told as well: it looks for itself who supervises the run. */
static bool is_lasting(enum wire_kind kind)
{
    return kind == WIRE_CONTROL || kind == WIRE_FORGET || kind == WIRE_CLEAN;
}

static void message_append(struct local *engine, struct local_message *message)
{
    message->next = NULL;
    if (engine->last)
        engine->last->next = message;
    else
        engine->first = message;
    engine->last = message;
    engine->message_count++;
}

static void messages_drop(struct local *engine, bool keep_lasting)
{
    struct local_message *next = engine->first;
    engine->first = engine->last = NULL;
    engine->message_count = 0;
    while (next) {
        struct local_message *message = next;
        next = message->next;
        if (keep_lasting && is_lasting((enum wire_kind)message->wire.kind)) {
            message_append(engine, message);
            continue;
        }
        fds_close(message->fds, message->fd_count);
        free(message);
    }
}

void local_link_drop(struct local *engine)
{
    messages_drop(engine, false);
}

void local_link_drop_starts(struct local *engine)
{
    messages_drop(engine, true);
}

static int message_queue(struct local *engine, const struct wire_message *wire, const int *fds,
                         int fd_count)
{
    if (engine->message_count == STINT_ENGINE_QUEUE_MAX)
        return STINT_BUSY;
    struct local_message *message = calloc(1, sizeof(*message));
    if (!message)
        return -ENOMEM;
    message->wire = *wire;
    message->fd_count = fd_count;
    for (int i = 0; i < fd_count; i++)
        message->fds[i] = fds[i];
    message_append(engine, message);
    local_link_watch(engine);
    return 0;
}

int local_send(struct local *engine, const struct wire_message *message, const int *fds,
               int fd_count)
{
    bool is_waiting =
        engine->report.away && engine->has_keeping && is_lasting((enum wire_kind)message->kind);
    int r = engine->report.away && !is_waiting ? -EPIPE : -EAGAIN;
    if (r == -EAGAIN && !is_waiting && !engine->first)
        r = message_put(engine, message, fds, fd_count);
    if (r == -EAGAIN) {
        r = message_queue(engine, message, fds, fd_count);
        if (r == 0)
            return 0;
    }
    fds_close(fds, fd_count);
    return r;
}

static void message_dispatch(struct local *engine, const struct wire_message *message, int *fd)
{
    struct local_run *run = local_run_find(engine, wire_message_key(message));
    switch ((enum wire_kind)message->kind) {
    case WIRE_FORKED:
        if (run) {
            local_run_forked(run, message->code, (pid_t)message->value, *fd);
            *fd = -1;
        }
        break;
    case WIRE_STARTED:
        if (run)
            local_run_started(run, message);
        break;
    case WIRE_OPENED:
        local_call_opened(engine, message, *fd);
        *fd = -1;
        break;
    case WIRE_TOOL_ENDED:
        local_call_ended(engine, message);
        break;
    case WIRE_DONE:
        break;
    case WIRE_HELLO:
        local_keep_hello(engine, message);
        break;
    case WIRE_NO_KIND:
    case WIRE_START:
    case WIRE_CONTROL:
    case WIRE_FORGET:
    case WIRE_CLEAN:
    case WIRE_OPEN:
    case WIRE_TOOL:
    case WIRE_KIND_COUNT:
        stint_log(STINT_LOG_WARNING, "launcher-message", "kind=%d cause=unexpected", message->kind);
        break;
    }
}

/* One message and its descriptor. 1: more may follow; 0: none now; negative: the end. */
static int message_take(struct local *engine)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct wire_message message;
    struct iovec iov = { &message, sizeof(message) };
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    int fd = -1;
    ssize_t got = recvmsg(engine->launcher.socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
    if (got == 0)
        return -EPIPE;
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    if (wire_message_check(&message, (size_t)got) == 0)
        message_dispatch(engine, &message, &fd);
    if (fd >= 0)
        close(fd);
    return 1;
}

void local_receive(struct local *engine)
{
    int r = 1;
    for (int i = 0; r == 1 && i < RECEIVE_MAX && !engine->closing && !engine->ended; i++)
        r = message_take(engine);
    if (r >= 0 || engine->ended)
        return;
    /* Nobody holds the other end: the launcher is gone and every supervisor has said its word. */
    engine->ended = true;
    uv_poll_stop(&engine->socket_poll);
    if (engine->has_keeping)
        local_link_drop_starts(engine);
    else
        local_link_drop(engine);
    local_runs_unsent(engine);
    local_calls_fail(engine, -EPIPE);
    local_keep_gone(engine);
}

int local_bytes_make(const void *bytes, size_t length, int *ret_fd)
{
    int fd = memfd_create("stint", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    size_t at = 0;
    while (at < length) {
        ssize_t wrote = pwrite(fd, (const char *)bytes + at, length - at, (off_t)at);
        if (wrote < 0) {
            int r = -errno;
            close(fd);
            return r;
        }
        at += (size_t)wrote;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int local_body_make(struct wire_body_source *source, int *ret_fd)
{
    size_t length = wire_body_measure(source);
    if (length == 0)
        return STINT_TOO_LARGE;
    stint_auto(stint_free) char *bytes = malloc(length);
    if (!bytes)
        return -ENOMEM;
    wire_body_write(source, bytes);
    return local_bytes_make(bytes, length, ret_fd);
}

void local_owner_put(const struct stint_run_owner *owner, struct wire_body_source *source)
{
    _Static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups travel as they are");
    source->head.uid = owner->uid;
    source->head.gid = owner->gid;
    source->head.group_count = (uint32_t)owner->group_count;
    source->groups = owner->groups;
}
