/* The launcher against a daemon that was taken over: whatever comes over the socket, it goes on
 * serving, and nothing runs that its own arguments forbid. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/wire.h"

struct hostile {
    char state[256];
    struct stint_launcher launcher;
};

static int setup(void **state)
{
    struct hostile *h = calloc(1, sizeof(*h));
    struct stint_error err = { 0 };
    struct wire_message hello;
    assert_non_null(h);
    (void)snprintf(h->state, sizeof(h->state), "%s/stint-engine-XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(h->state));
    assert_int_equal(chmod(h->state, 0755), 0);
    struct stint_launcher_options options = { .program = STINT_LAUNCHER,
                                              .state = h->state,
                                              .daemon_uid = geteuid(),
                                              .daemon_gid = getegid(),
                                              .min_uid = 1000 };
    if (stint_launcher_spawn(&options, &h->launcher, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(recv(h->launcher.socket, &hello, sizeof(hello), 0), sizeof(hello));
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct hostile *h = *state;
    char command[400];
    pid_t pid = h->launcher.pid;
    stint_launcher_close(&h->launcher);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", h->state);
    assert_int_equal(system(command), 0);
    free(h);
    return 0;
}

static void send_raw(struct hostile *h, const void *bytes, size_t length, const int *fds,
                     size_t fd_count)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(16 * sizeof(int))];
    } control = { .space = { 0 } };
    char copy[4096];
    assert_true(length <= sizeof(copy) && fd_count <= 16);
    memcpy(copy, bytes, length);
    struct iovec iov = { copy, length };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd_count) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, fd_count * sizeof(int));
    }
    for (;;) {
        if (sendmsg(h->launcher.socket, &header, MSG_NOSIGNAL) >= 0)
            return;
        assert_int_equal(errno, EAGAIN);
        struct pollfd wait = { .fd = h->launcher.socket, .events = POLLOUT };
        assert_true(poll(&wait, 1, 30000) == 1);
    }
}

/* The next answer of @kind; others are dropped. */
static struct wire_message answer_of(struct hostile *h, enum wire_kind kind)
{
    struct wire_message message = { 0 };
    do {
        struct pollfd wait = { .fd = h->launcher.socket, .events = POLLIN };
        assert_true(poll(&wait, 1, 30000) == 1);
        assert_int_equal(recv(h->launcher.socket, &message, sizeof(message), 0), sizeof(message));
    } while (message.kind != kind);
    return message;
}

static int memfd_of(const void *bytes, size_t length, int seals)
{
    int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

#define SEALED (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static size_t body_make(uint64_t *space, size_t size, uid_t uid)
{
    static const char *const argv[] = { "/bin/true", NULL };
    static const char *const env[] = { NULL };
    struct wire_body_source source = { .argv = argv, .env = env };
    source.head.uid = uid;
    source.head.gid = is_root() ? TEST_UID : getegid();
    size_t length = wire_body_measure(&source);
    assert_true(length > 0 && length <= size);
    wire_body_write(&source, space);
    return length;
}

static void start_send(struct hostile *h, uint64_t job, const void *body, size_t length, int seals)
{
    struct wire_message message;
    int fd = memfd_of(body, length, seals);
    wire_message_init(&message, WIRE_START, key_of(job));
    send_raw(h, &message, sizeof(message), &fd, 1);
    close(fd);
}

static void assert_still_serves(struct hostile *h)
{
    static uint64_t job = 1000;
    uint64_t space[64];
    size_t length = body_make(space, sizeof(space), job_uid());
    start_send(h, ++job, space, length, SEALED);
    struct wire_message answer;
    do {
        answer = answer_of(h, WIRE_STARTED);
    } while (answer.job != job);
    assert_int_equal(answer.code, 0);
}

static void messages_that_are_none_change_nothing(void **state)
{
    struct hostile *h = *state;
    struct wire_message message;
    char junk[4096];
    memset(junk, 0xff, sizeof(junk));
    send_raw(h, junk, sizeof(junk), NULL, 0);
    send_raw(h, junk, 1, NULL, 0);
    send_raw(h, junk, sizeof(message), NULL, 0);
    for (int kind = 0; kind < 70;
         kind++) { /* every kind without descriptors, and some that are none */
        wire_message_init(&message, WIRE_START, key_of(1));
        message.kind = (uint16_t)kind;
        message.value = UINT64_MAX;
        message.value2 = UINT64_MAX;
        send_raw(h, &message, sizeof(message), NULL, 0);
    }
    assert_still_serves(h);
}

static void more_descriptors_than_agreed_are_closed(void **state)
{
    struct hostile *h = *state;
    struct wire_message message;
    int ends[2];
    int fds[16];
    char byte = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 16; i++)
        fds[i] = ends[1];
    wire_message_init(&message, WIRE_START, key_of(1));
    for (size_t count = 0; count <= 16; count++)
        send_raw(h, &message, sizeof(message), fds, count);
    send_raw(h, "x", 1, fds, 16);
    assert_still_serves(h);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody holds the other end any more */
    close(ends[0]);
}

static void bodies_that_could_change_or_are_not_files_are_refused(void **state)
{
    static const int seals[] = { 0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW,
                                 F_SEAL_WRITE | F_SEAL_GROW };
    struct hostile *h = *state;
    struct wire_message message;
    uint64_t space[64];
    size_t length = body_make(space, sizeof(space), job_uid());
    for (size_t i = 0; i < STINT_ARRAY_SIZE(seals); i++) {
        start_send(h, i + 1, space, length, seals[i]);
        assert_int_equal(answer_of(h, WIRE_STARTED).code, -EPROTO);
    }
    int others[] = { open("/dev/zero", O_RDONLY), open("/", O_RDONLY),
                     open("/etc/passwd", O_RDONLY) };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(others); i++) {
        wire_message_init(&message, WIRE_START, key_of(i + 10));
        send_raw(h, &message, sizeof(message), &others[i], 1);
        assert_int_equal(answer_of(h, WIRE_STARTED).code, -EPROTO);
        close(others[i]);
    }
    assert_still_serves(h);
}

static void users_beyond_the_policy_never_run(void **state)
{
    struct hostile *h = *state;
    uint64_t space[64];
    const uid_t uids[] = { is_root() ? 0 : geteuid() + 1, 999, UINT32_MAX };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(uids); i++) {
        char path[400];
        size_t length = body_make(space, sizeof(space), uids[i]);
        start_send(h, i + 1, space, length, SEALED);
        assert_int_equal(answer_of(h, WIRE_STARTED).code, -EPERM);
        (void)snprintf(path, sizeof(path), "%s/runs/%d_0.1", h->state, (int)i + 1);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_still_serves(h);
}

/* A generator of its own, so that a failure can be had again. */
static uint32_t noise(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void bodies_bent_at_random_never_stop_it(void **state)
{
    struct hostile *h = *state;
    uint64_t seed = 20261125;
    for (uint64_t job = 1; job <= 200; job++) {
        uint64_t space[64];
        size_t length = body_make(space, sizeof(space), job_uid());
        unsigned char *bytes = (unsigned char *)space;
        assert_true(length > 1 && length < sizeof(space));
        for (int i = 0; i < 3; i++)
            bytes[noise(&seed) % (length ? length : 1)] = (unsigned char)noise(&seed);
        start_send(h, job, space, length - noise(&seed) % 2, SEALED);
        struct wire_message answer = answer_of(h, WIRE_FORKED);
        assert_int_equal(answer.code, 0);
    }
    assert_still_serves(h);
}

static void controls_of_strangers_are_ignored(void **state)
{
    struct hostile *h = *state;
    struct wire_message message;
    for (uint64_t op = 0; op < 10; op++) {
        wire_message_init(&message, WIRE_CONTROL, key_of(77));
        message.value = op;
        send_raw(h, &message, sizeof(message), NULL, 0);
    }
    wire_message_init(&message, WIRE_FORGET, key_of(77));
    send_raw(h, &message, sizeof(message), NULL, 0);
    wire_message_init(&message, WIRE_CLEAN, key_of(77));
    send_raw(h, &message, sizeof(message), NULL, 0);
    assert_int_equal(answer_of(h, WIRE_DONE).code, 0);
    assert_still_serves(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_that_are_none_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(more_descriptors_than_agreed_are_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_that_could_change_or_are_not_files_are_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(users_beyond_the_policy_never_run, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_bent_at_random_never_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(controls_of_strangers_are_ignored, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
