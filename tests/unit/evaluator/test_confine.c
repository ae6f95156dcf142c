/* The confinement of the evaluation child, tried from inside: what must fail fails, and what
 * reading an artefact needs still works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evaluator/confine.h"
#include "fixture.h"

static char inside[256];
static char outside[256];

static bool can_read_inside(void)
{
    char byte;
    int fd = open(inside, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &byte, 1) == 1;
}

static void *thread_work(void *argument)
{
    return argument;
}

static bool can_start_threads(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, thread_work, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool can_read_outside(void)
{
    return open(outside, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool can_write_inside(void)
{
    return open(inside, O_WRONLY | O_CLOEXEC) >= 0;
}

static bool can_create(void)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s.new", inside);
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0;
}

static bool can_unlink(void)
{
    return unlink(inside) == 0;
}

static bool can_connect(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool can_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool can_exec(void)
{
    char *argv[] = { (char[]){ "true" }, NULL };
    (void)execve("/bin/true", argv, NULL);
    return false; /* an exec that worked ends with 0, which the test does not expect */
}

static bool can_kill(void)
{
    return kill(getppid(), 0) == 0;
}

static bool can_raise_limits(void)
{
    return setuid(0) == 0 || setgid(0) == 0;
}

static const struct {
    const char *name;
    bool (*can)(void);
    bool expected;
    bool wants_landlock;
} deeds[] = {
    { "read a file of the artefact", can_read_inside, true, false },
    { "start a thread", can_start_threads, true, false },
    { "read a file elsewhere", can_read_outside, false, true },
    { "open a file for writing", can_write_inside, false, false },
    { "create a file", can_create, false, false },
    { "remove a file", can_unlink, false, false },
    { "make a socket", can_connect, false, false },
    { "fork", can_fork, false, false },
    { "run a program", can_exec, false, false },
    { "signal another process", can_kill, false, false },
    { "become another user", can_raise_limits, false, false },
};

/* 1 it could, 2 it could not, 3 not to be asked here, 4 no confinement. */
static int try_in_child(size_t deed, const char *root)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        struct confinement confinement = { .path = root };
        if (confine(&confinement, NULL) != 0)
            _exit(4);
        if (deeds[deed].wants_landlock && !confinement.has_landlock)
            _exit(3);
        _exit(deeds[deed].can() ? 1 : 2);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_confined_child_can_read_its_artefact_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "artefact/file", "x");
    fixture_text(f, "secret", "x");
    (void)snprintf(inside, sizeof(inside), "%s", fixture_path(f, "artefact/file"));
    (void)snprintf(outside, sizeof(outside), "%s", fixture_path(f, "secret"));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(deeds); i++) {
        int result = try_in_child(i, fixture_path(f, "artefact"));
        if (result != 3 && result != (deeds[i].expected ? 1 : 2))
            fail_msg("a confined child %s %s (%d)", deeds[i].expected ? "cannot" : "can",
                     deeds[i].name, result);
    }
}

static void the_folder_of_a_single_file_is_all_it_sees(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "one/LICENSE", "x");
    fixture_text(f, "secret", "x");
    (void)snprintf(inside, sizeof(inside), "%s", fixture_path(f, "one/LICENSE"));
    (void)snprintf(outside, sizeof(outside), "%s", fixture_path(f, "secret"));
    assert_int_equal(try_in_child(0, inside), 1);
    assert_int_not_equal(try_in_child(2, inside), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_confined_child_can_read_its_artefact_and_nothing_else),
        CASE(the_folder_of_a_single_file_is_all_it_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
