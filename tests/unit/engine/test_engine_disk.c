/* A full disk, a real one: a small tmpfs filled to its last page. Only root may mount it; in a
 * namespace of its own, so that nothing is left mounted whatever happens. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool small_disk(struct fixture *f)
{
    if (!is_root() || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    fixture_close(f);
    if (mount("tmpfs", f->state, "tmpfs", 0, "size=512k,mode=0755") != 0)
        return false;
    fixture_open(f);
    return true;
}

static void disk_fill(struct fixture *f)
{
    static char zeros[4096];
    int fd = open(path_in(f, "filler"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void an_end_is_recorded_on_a_full_disk(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    if (!small_disk(f))
        skip();
    start_init(&start, 1, "echo $$ >pid; trap 'exit 41' USR1; while :; do sleep 0.05; done");
    fixture_start(f, &start);
    fixture_wait_file(f, path_in(f, "jobs/1/pid"));
    disk_fill(f);
    assert_int_equal(stint_engine_signal(f->engine, key_of(1), 10, NULL), 0);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_false(end->lost);
    assert_int_equal(end->exit_status, 41);
    fixture_close(f);
    (void)umount2(f->state, MNT_DETACH);
}

static void a_start_on_a_full_disk_fails_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct stint_run_start start;
    if (!small_disk(f))
        skip();
    disk_fill(f);
    start_init(&start, 1, "exit 0");
    fixture_start(f, &start);
    const struct stint_run_end *end = fixture_wait_end(f, 1);
    assert_true(end->start_failed);
    assert_int_equal(end->start_code, -ENOSPC);
    assert_int_equal(access(path_in(f, "runs/1_0.1"), F_OK), -1);
    assert_int_equal(unlink(path_in(f, "filler")), 0);
    f->ended_count = 0;
    fixture_start(f, &start); /* the same attempt may be had again: it never ran */
    assert_int_equal(fixture_wait_end(f, 1)->exit_status, 0);
    assert_false(f->ended[0].start_failed);
    fixture_close(f);
    (void)umount2(f->state, MNT_DETACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_is_recorded_on_a_full_disk, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_start_on_a_full_disk_fails_and_leaves_nothing,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
