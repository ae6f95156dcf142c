/* A disk that is full or broken must cost nothing that was acknowledged: the batch fails as a
 * whole, nobody is told otherwise, reads go on, and writing comes back by itself. */
#include "fixture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct outcome {
    int status;
    int called;
};

static void outcome_on_durable(void *context, int status)
{
    struct outcome *outcome = context;
    assert_int_equal(outcome->called, 0);
    outcome->status = status;
    outcome->called = 1;
}

static void put_script(struct fixture *f, unsigned n, size_t bytes, struct outcome *outcome)
{
    char name[16];
    char *text = calloc(1, bytes);
    (void)snprintf(name, sizeof(name), "%u", n);
    struct stint_script_row row = { .sha256 = name, .text = { text, bytes } };
    assert_int_equal(stint_store_put_script(f->store, &row, NULL), 0);
    assert_int_equal(stint_store_after(f->store, outcome_on_durable, outcome, NULL), 0);
    free(text);
}

static bool count_job(void *context, const struct stint_job_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

/* What must hold once a commit has failed with @status: one durable job before it, none after. */
static void assert_read_only(struct fixture *f, int status)
{
    struct stint_error err;
    int jobs = 0;
    assert_int_equal(f->failed_count, 1);
    assert_int_equal(f->failure.code, status);
    assert_true(stint_store_is_read_only(f->store));
    assert_int_equal(stint_store_ready(f->store, &err), STINT_READ_ONLY);
    assert_true(err.fix[0] != '\0');
    assert_int_equal(fixture_put_job(f, 99, NULL), STINT_READ_ONLY);
    assert_int_equal(stint_reader_each_live_job(stint_store_reader(f->store), count_job, &jobs), 0);
    assert_int_equal(jobs, 1);
    /* A read that waits for nothing is answered. */
    assert_int_equal(fixture_commit(f), 0);
}

static void assert_recovers(struct fixture *f)
{
    fixture_run_until(f, &f->recovered_count);
    assert_int_equal(f->recovered_count, 1);
    assert_int_equal(stint_store_ready(f->store, NULL), 0);
    assert_int_equal(fixture_put_job(f, 100, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 2);
}

/* ---- a small file system that is full; needs the right to mount */

static int mounted_make(void **state)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        *state = NULL;
        return 0;
    }
    int r = fixture_make(state);
    struct fixture *f = *state;
    fixture_close(f);
    if (mount("none", f->state, "tmpfs", 0, "size=2m,mode=0700") != 0) {
        (void)fixture_free(state);
        *state = NULL;
        return 0;
    }
    assert_int_equal(fixture_open(f, NULL), 0);
    return r;
}

static int mounted_free(void **state)
{
    struct fixture *f = *state;
    if (!f)
        return 0;
    fixture_close(f);
    (void)umount2(f->state, MNT_DETACH);
    return fixture_free(state);
}

static void full_disk_fails_the_batch_whole_and_frees_itself(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[40] = { { 0 } };
    unsigned n = 0;
    if (!f) {
        print_message("skipped: mounting a small file system needs root\n");
        skip();
    }
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    for (; n < 40 && f->failed_count == 0; n++) {
        put_script(f, n, 200000, &outcomes[n]);
        fixture_run_until(f, &outcomes[n].called);
    }
    assert_int_equal(outcomes[n - 1].status, -ENOSPC);
    assert_read_only(f, -ENOSPC);
    /* Whoever was told "durable" can read it back, and nothing more is there. */
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM script"), n - 1);
    assert_int_equal(f->recovered_count, 0);
    assert_int_equal(mount("none", f->state, "tmpfs", MS_REMOUNT, "size=16m,mode=0700"), 0);
    assert_recovers(f);
}

/* ---- writes that fail, without the right to mount: a limit on the size of files */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void failed_write_loses_the_batch_and_the_one_behind_it(void **state)
{
    struct fixture *f = *state;
    struct outcome flying = { 0 };
    struct outcome open = { 0 };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    size_t events = f->event_count;
    limit_files(4096);
    put_script(f, 1, 100000, &flying);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT); /* the first batch flies; it may even have failed */
    if (f->failed_count == 0) {
        assert_int_equal(fixture_put_event(f, "test.behind"), 0);
        assert_int_equal(stint_store_after(f->store, outcome_on_durable, &open, NULL), 0);
    } else {
        open = (struct outcome){ -EIO, 1 };
    }
    fixture_run_until(f, &open.called);
    assert_int_equal(flying.status, -EIO);
    assert_int_equal(open.status, -EIO);
    assert_int_equal(f->event_count, events); /* nobody heard of it */
    assert_read_only(f, -EIO);
    limit_files(RLIM_INFINITY);
    assert_recovers(f);
}

static void tick_on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only wakes the loop */
}

static void probe_that_fails_leaves_it_read_only(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = { 0 };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    limit_files(4096);
    put_script(f, 1, 100000, &outcome);
    fixture_run_until(f, &outcome.called);
    /* Two probes' time, by the loop's clock. */
    uint64_t start_ms = uv_now(&f->loop);
    uv_timer_t tick;
    uv_timer_init(&f->loop, &tick);
    while (uv_now(&f->loop) < start_ms + 2 * STINT_STORE_PROBE_MS + 100) {
        uv_timer_start(&tick, tick_on_timer, 50, 0);
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&tick, NULL);
    assert_int_equal(f->recovered_count, 0);
    assert_read_only(f, -EIO);
    limit_files(RLIM_INFINITY);
    assert_recovers(f);
}

static void close_of_a_failed_store_ends(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = { 0 };
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(4096);
    put_script(f, 1, 100000, &outcome);
    fixture_run_until(f, &outcome.called);
    assert_int_equal(outcome.status, -EIO);
    fixture_close(f);
    limit_files(RLIM_INFINITY);
    assert_int_equal(fixture_open(f, NULL), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM script"), 0);
}

/* ---- what a bug above puts must not be lost in silence */

static void key_put_twice_fails_its_batch(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(fixture_put_event(f, "test.beside"), 0);
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), -EEXIST);
    assert_non_null(strstr(f->failure.text, "INSERT INTO \"job\""));
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM event"), 1);
    assert_read_only(f, -EEXIST);
    assert_recovers(f);
}

static void change_of_a_row_that_is_not_there_fails_its_batch(void **state)
{
    struct fixture *f = *state;
    struct stint_job_row job = fixture_job(7);
    struct stint_change change = { .event = { .kind = "job.note", .job = 7 }, .job = &job };
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    assert_int_equal(fixture_commit(f), -ENOENT);
    assert_non_null(strstr(f->failure.text, "no such row"));
    assert_read_only(f, -ENOENT);
    assert_recovers(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_disk_fails_the_batch_whole_and_frees_itself,
                                        mounted_make, mounted_free),
        TEST(failed_write_loses_the_batch_and_the_one_behind_it),
        TEST(probe_that_fails_leaves_it_read_only),
        TEST(close_of_a_failed_store_ends),
        TEST(key_put_twice_fails_its_batch),
        TEST(change_of_a_row_that_is_not_there_fails_its_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
