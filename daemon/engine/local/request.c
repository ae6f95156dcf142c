/* Owns: the first steps of every fork: read the sealed body, ask the policy, answer, become the
 * user. The policy is made of the launcher's own arguments alone, so that a daemon that was taken
 * over can at most run things as users it could serve anyway. Known weakness: the supplementary
 * groups are the daemon's word (a static program cannot ask NSS), only group 0 is refused. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

#define SEALS_NEEDED   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define ANSWER_WAIT_MS 5000
#define ANSWER_TRIES   3

static void *body_bytes; /* mapped */
static size_t body_length;

static int policy_check(const struct wire_body *body)
{
    const struct wire_body_head *head = body->head;
    if (head->uid == UINT32_MAX || head->gid == UINT32_MAX)
        return -EPERM;
    if (launcher.own_uid != 0)
        return head->uid == launcher.own_uid ? 0 : -EPERM;
    if (head->uid == 0)
        return launcher.allow_root ? 0 : -EPERM;
    if (head->uid < launcher.min_uid || head->gid == 0)
        return -EPERM;
    for (uint32_t i = 0; i < head->group_count; i++)
        if (body->groups[i] == 0 || body->groups[i] == UINT32_MAX)
            return -EPERM;
    return 0;
}

int request_body(int fd)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS_NEEDED) != SEALS_NEEDED)
        return -EPROTO;
    if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct wire_body_head) ||
        st.st_size > (off_t)STINT_RUN_BODY_MAX)
        return -EPROTO;
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    body_bytes = bytes;
    body_length = (size_t)st.st_size;
    int r = wire_body_read(bytes, (size_t)st.st_size, &launcher.body);
    return r == 0 ? policy_check(&launcher.body) : r;
}

void body_release(void)
{
    if (body_bytes)
        (void)munmap(body_bytes, body_length);
    body_bytes = NULL;
}

void request_answer(const struct wire_message *message, int fd)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = { .iov_len = sizeof(*message) };
    union {
        const struct wire_message *from;
        void *to;
    } bytes = { .from = message };
    iov.iov_base = bytes.to;
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        header.msg_control = &control;
        header.msg_controllen = sizeof(control);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    for (int tries = 0; tries < ANSWER_TRIES; tries++) {
        if (sendmsg(launcher.socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
            (errno != EAGAIN && errno != EINTR))
            return;
        struct pollfd wait = { .fd = launcher.socket, .events = POLLOUT };
        (void)poll(&wait, 1, ANSWER_WAIT_MS);
    }
}

int owner_become(void)
{
    const struct wire_body_head *head = launcher.body.head;
    if (launcher.own_uid != 0)
        return 0;
    if (setgroups(head->group_count, launcher.body.groups) != 0 ||
        setresgid(head->gid, head->gid, head->gid) != 0 ||
        setresuid(head->uid, head->uid, head->uid) != 0)
        return -errno;
    if (head->uid != 0 && (getuid() != head->uid || geteuid() != head->uid || setuid(0) == 0))
        return -EPERM; /* never on: what follows must not hold privilege */
    return 0;
}
