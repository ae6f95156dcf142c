/* Invariants 1 and 9: an effect is released after its batch is on the disk, in order, and never
 * otherwise. */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct trace {
    struct fixture *f;
    char text[4096];
};

struct step {
    struct trace *trace;
    const char *name;
};

static void step_on_durable(void *context, int status)
{
    struct step *step = context;
    size_t length = strlen(step->trace->text);
    (void)snprintf(step->trace->text + length, sizeof(step->trace->text) - length, "%s:%s ",
                   step->name, status == 0 ? "ok" : "lost");
}

static void effect_sees_its_rows_on_the_disk(void *context, int status)
{
    struct fixture *f = context;
    assert_int_equal(status, 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 1);
    f->failed_count = -1; /* called */
}

static void effect_comes_after_the_commit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(stint_store_after(f->store, effect_sees_its_rows_on_the_disk, f, NULL), 0);
    assert_true(stint_store_is_pending(f->store));
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 0);
    assert_int_equal(f->failed_count, 0);                  /* not from inside the call */
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0); /* what waits holds the loop */
    assert_int_equal(f->failed_count, -1);
    assert_false(stint_store_is_pending(f->store));
    f->failed_count = 0;
}

static void effects_keep_their_order_across_batches(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step steps[] = { { &trace, "a" }, { &trace, "b" }, { &trace, "c" }, { &trace, "d" } };
    assert_int_equal(fixture_put_event(f, "test.one"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[0], NULL), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[1], NULL), 0);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT); /* the first batch flies, or has landed */
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[2], NULL), 0);
    assert_int_equal(fixture_put_event(f, "test.two"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[3], NULL), 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(trace.text, "a:ok b:ok c:ok d:ok ");
}

static void what_arrives_during_a_commit_shares_the_next(void **state)
{
    struct fixture *f = *state;
    struct stint_store_figures before;
    struct stint_store_figures after;
    struct trace trace = { .f = f };
    struct step step = { &trace, "first" };
    stint_store_figures(f->store, &before);
    assert_int_equal(fixture_put_event(f, "test.first"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &step, NULL), 0);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fixture_put_event(f, "test.gathered"), 0);
    assert_int_equal(fixture_commit(f), 0);
    stint_store_figures(f->store, &after);
    assert_int_equal(after.commits - before.commits, 2);
    assert_int_equal(after.batch_rows_max, 100);
}

/* One callback of the loop that handles many requests hands them over as it goes. */
static void work_is_committed_while_its_turn_goes_on(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step steps[] = { { &trace, "first" }, { &trace, "second" } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(steps); i++) {
        assert_int_equal(fixture_put_event(f, steps[i].name), 0);
        assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[i], NULL), 0);
        assert_false(strstr(trace.text, steps[i].name)); /* not before it is durable */
        while (!strstr(trace.text, steps[i].name)) {
            stint_store_advance(f->store); /* the loop does not run */
            (void)sched_yield();
        }
    }
    assert_string_equal(trace.text, "first:ok second:ok ");
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM event WHERE kind IN ('first', 'second')"),
                     2);
}

/* Under a steady load the log is written over, not made longer: 48 MB go through it. */
static void log_does_not_grow_with_what_was_written(void **state)
{
    struct fixture *f = *state;
    char path[256];
    char purpose[40000];
    struct stat info;
    off_t most = 0;
    (void)snprintf(path, sizeof(path), "%s-wal", f->path);
    memset(purpose, 'p', sizeof(purpose) - 1);
    purpose[sizeof(purpose) - 1] = '\0';
    for (int commit = 0; commit < 60; commit++) {
        for (int i = 0; i < 20; i++) {
            struct stint_event_row event = { .kind = "test.long", .actor = purpose };
            assert_int_equal(stint_store_put_event(f->store, &event, NULL, NULL), 0);
        }
        assert_int_equal(fixture_commit(f), 0);
        assert_int_equal(stat(path, &info), 0);
        most = info.st_size > most ? info.st_size : most;
    }
    assert_in_range(most, 1 << 20, 12 << 20);
}

static void what_nobody_waits_for_goes_with_what_is_awaited(void **state)
{
    struct fixture *f = *state;
    struct stint_store_figures before;
    struct stint_store_figures after;
    struct trace trace = { .f = f };
    struct step steps[] = { { &trace, "follows" }, { &trace, "awaited" } };
    stint_store_figures(f->store, &before);
    assert_int_equal(fixture_put_event(f, "test.quiet"), 0);
    assert_int_equal(stint_store_follow(f->store, step_on_durable, &steps[0], NULL), 0);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture_put_event(f, "test.awaited"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[1], NULL), 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    stint_store_figures(f->store, &after);
    assert_int_equal(after.commits - before.commits, 1);
    assert_string_equal(trace.text, "follows:ok awaited:ok ");
}

static void what_nobody_waits_for_is_committed_all_the_same(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_put_event(f, "test.quiet"), 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_false(stint_store_is_pending(f->store));
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM event WHERE kind = 'test.quiet'"), 1);
}

static void effect_without_rows_is_called_in_this_turn(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step step = { &trace, "read" };
    assert_int_equal(stint_store_after(f->store, step_on_durable, &step, NULL), 0);
    assert_string_equal(trace.text, "");
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_string_equal(trace.text, "read:ok ");
}

/* limits.md: work from a timer must not wait for the next packet. */
static void put_from_timer(uv_timer_t *timer)
{
    struct step *step = timer->data;
    struct fixture *f = step->trace->f;
    assert_int_equal(fixture_put_event(f, "test.timer"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, step, NULL), 0);
    uv_close((uv_handle_t *)timer, NULL);
}

static void put_from_prepare(uv_prepare_t *prepare)
{
    struct step *step = prepare->data;
    struct fixture *f = step->trace->f;
    assert_int_equal(fixture_put_event(f, "test.prepare"), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, step, NULL), 0);
    uv_close((uv_handle_t *)prepare, NULL);
}

static void rows_put_in_any_phase_of_the_loop_are_committed(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step steps[] = { { &trace, "timer" }, { &trace, "prepare" } };
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_timer_init(&f->loop, &timer);
    timer.data = &steps[0];
    uv_timer_start(&timer, put_from_timer, 1, 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    uv_prepare_init(&f->loop, &prepare);
    prepare.data = &steps[1];
    uv_prepare_start(&prepare, put_from_prepare);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(trace.text, "timer:ok prepare:ok ");
}

struct chain {
    struct fixture *f;
    int left;
};

static void chain_on_durable(void *context, int status)
{
    struct chain *chain = context;
    assert_int_equal(status, 0);
    if (chain->left-- == 0)
        return;
    if (chain->left % 2)
        assert_int_equal(fixture_put_event(chain->f, "test.chain"), 0);
    assert_int_equal(stint_store_after(chain->f->store, chain_on_durable, chain, NULL), 0);
}

static void effects_may_put_and_wait_again(void **state)
{
    struct fixture *f = *state;
    struct chain chain = { f, 20 };
    assert_int_equal(stint_store_after(f->store, chain_on_durable, &chain, NULL), 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(chain.left, -1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM event"), 10);
}

static void events_are_told_once_in_order_when_durable(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        assert_int_equal(fixture_put_event(f, "test.event"), 0);
    assert_int_equal(f->event_count, 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(f->event_count, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(f->events[i], i + 1);
}

static void rewind_takes_back_rows_and_effects(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step steps[] = { { &trace, "kept" }, { &trace, "taken-back" } };
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[0], NULL), 0);
    struct stint_store_mark mark = stint_store_mark(f->store);
    assert_int_equal(fixture_put_job(f, 2, NULL), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &steps[1], NULL), 0);
    stint_store_rewind(f->store, mark);
    assert_int_equal(fixture_commit(f), 0);
    assert_string_equal(trace.text, "kept:ok ");
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM event"), 1);
}

static void batch_refuses_new_work_at_its_bound_and_takes_it_after(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    struct stint_meta_row row = { .key = "k", .value = "v" };
    for (size_t i = 0; i < STINT_STORE_BATCH_ROWS_MAX; i++) {
        assert_int_equal(stint_store_ready(f->store, NULL), 0);
        assert_int_equal(stint_store_put_meta(f->store, &row, NULL), 0);
    }
    assert_int_equal(stint_store_ready(f->store, &err), STINT_BUSY);
    assert_int_equal(stint_store_put_meta(f->store, &row, NULL), 0); /* begun work may end */
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_store_ready(f->store, NULL), 0);
}

static void column_larger_than_the_bound_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    struct stint_script_row script = { .sha256 = "ab" };
    char *text = calloc(1, STINT_STORE_TEXT_MAX + 1);
    script.text = (struct stint_bytes){ text, STINT_STORE_TEXT_MAX + 1 };
    assert_int_equal(stint_store_put_script(f->store, &script, NULL), STINT_TOO_LARGE);
    script.text.length--;
    assert_int_equal(stint_store_put_script(f->store, &script, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(fixture_ask(f, "SELECT length(text) FROM script"), STINT_STORE_TEXT_MAX);
    free(text);
}

static void close_commits_what_is_open_and_refuses_more(void **state)
{
    struct fixture *f = *state;
    struct trace trace = { .f = f };
    struct step step = { &trace, "last" };
    assert_int_equal(fixture_put_job(f, 1, NULL), 0);
    assert_int_equal(stint_store_after(f->store, step_on_durable, &step, NULL), 0);
    stint_store_close(f->store, NULL, NULL);
    assert_int_equal(fixture_put_job(f, 2, NULL), STINT_READ_ONLY);
    f->store = NULL;
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(trace.text, "last:ok ");
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM job"), 1);
}

static void ids_go_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t job = (uint64_t)stint_store_next_id(f->store, STINT_ID_JOB);
    assert_int_equal(job, 1);
    assert_int_equal(fixture_put_job(f, job, NULL), 0);
    struct stint_posting_row legs[] = {
        { .account = STINT_POSTING_SITE, .award = 1, .amount_micro = -5 },
        { .account = STINT_POSTING_FREE, .award = 1, .amount_micro = 5 },
    };
    int64_t transaction = 0;
    assert_int_equal(stint_store_put_postings(f->store, legs, 2, &transaction, NULL), 0);
    assert_int_equal(transaction, 1);
    fixture_close(f);
    assert_int_equal(fixture_open(f, NULL), 0);
    assert_int_equal(stint_store_next_id(f->store, STINT_ID_JOB), 2);
    assert_int_equal(stint_store_next_id(f->store, STINT_ID_EVENT), 2);
    assert_int_equal(stint_store_next_id(f->store, STINT_ID_POSTING), 3);
    assert_int_equal(stint_store_next_id(f->store, STINT_ID_TRANSACTION), 2);
    assert_int_equal(stint_store_next_id(f->store, STINT_ID_AWARD), 1);
}

/* The child acknowledges ids through a pipe, only from effects, until it is killed. */
static void child_acknowledge(void *context, int status)
{
    const int *acknowledged = context;
    if (status == 0 && write(acknowledged[0], &acknowledged[1], sizeof(int)) < 0)
        _exit(2);
}

static void child_run(struct fixture *f, int fd)
{
    static int acknowledged[FIXTURE_EVENTS_MAX][2];
    int next = 0;
    uv_loop_init(&f->loop);
    if (fixture_open(f, NULL) != 0)
        _exit(1);
    while (next < FIXTURE_EVENTS_MAX) {
        acknowledged[next][0] = fd;
        acknowledged[next][1] = next + 1;
        if (fixture_put_job(f, (uint64_t)next + 1, NULL) != 0 ||
            stint_store_after(f->store, child_acknowledge, acknowledged[next], NULL) != 0)
            _exit(3);
        if (++next % 20 == 0)
            (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    pause();
}

/* Starts a child, kills it after @count acknowledgements; returns the last one. */
static int kill_after(struct fixture *f, int count)
{
    int fds[2];
    int id = 0;
    int last = 0;
    int status;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        child_run(f, fds[1]);
    }
    close(fds[1]);
    while (read(fds[0], &id, sizeof(id)) == sizeof(id)) {
        last = id;
        if (--count == 0)
            (void)kill(child, SIGKILL);
    }
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void remove_database(const struct fixture *f)
{
    static const char *const tails[] = { "", "-wal", "-shm" };
    char path[160];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(tails); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", f->path, tails[i]);
        (void)unlink(path);
    }
}

static void killed_daemon_loses_nothing_acknowledged(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    for (int round = 1; round <= 8; round++) {
        char sql[96];
        remove_database(f);
        int last = kill_after(f, 61 * round * round);
        assert_true(last >= 61 * round * round);
        assert_int_equal(fixture_open(f, NULL), 0);
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE id <= %d", last);
        assert_int_equal(fixture_ask(f, sql), last);
        /* Batches are whole: a job has its event, an event its job. */
        assert_int_equal(fixture_ask(f, "SELECT (SELECT count(*) FROM job) - count(*) FROM event"),
                         0);
        fixture_close(f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(effect_comes_after_the_commit),
        TEST(effects_keep_their_order_across_batches),
        TEST(what_arrives_during_a_commit_shares_the_next),
        TEST(work_is_committed_while_its_turn_goes_on),
        TEST(log_does_not_grow_with_what_was_written),
        TEST(what_nobody_waits_for_goes_with_what_is_awaited),
        TEST(what_nobody_waits_for_is_committed_all_the_same),
        TEST(effect_without_rows_is_called_in_this_turn),
        TEST(rows_put_in_any_phase_of_the_loop_are_committed),
        TEST(effects_may_put_and_wait_again),
        TEST(events_are_told_once_in_order_when_durable),
        TEST(rewind_takes_back_rows_and_effects),
        TEST(batch_refuses_new_work_at_its_bound_and_takes_it_after),
        TEST(column_larger_than_the_bound_is_refused_whole),
        TEST(close_commits_what_is_open_and_refuses_more),
        TEST(ids_go_on_after_a_restart),
        TEST(killed_daemon_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
