/* Arrays in the core: one element of the queue that decides as its tasks would, each by itself; and
 * what a pass, a promise and an estimate make of it. STINT_SCENARIOS sets how many random ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/clerk.h"
#include "stint/replay.h"

#define JOBS      8
#define TASKS     12 /* of one array at most */
#define START_MAX 3
#define HOUR_MS   3600000

static uint64_t random_state;
static uint64_t seed_now; /* of a scenario that has not ended */

static uint32_t below(uint32_t n)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static struct stint_ask plain_ask(uint64_t job, uint32_t cpus)
{
    return (struct stint_ask){ .key = { job, 0 },
                               .cpus = cpus,
                               .gpu_type = STINT_ANY_GPU_TYPE,
                               .user = UINT32_MAX,
                               .walltime_ms = HOUR_MS,
                               .fair_account = STINT_NO_ACCOUNT };
}

/* ---- one core */

struct fixture {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    struct stint_array *array;
    struct stint_tasks *tasks;
};

static void fixture_open(struct fixture *f, enum stint_mode mode, const char *spec)
{
    struct stint_policy policy = { .mode = mode };
    assert_int_equal(stint_machine_new_flat(4, &f->machine, NULL), 0);
    assert_int_equal(stint_scheduler_new(f->machine, &policy, &f->scheduler, NULL), 0);
    assert_int_equal(stint_array_parse(spec, &f->array, NULL), 0);
    f->tasks = stint_tasks_new(f->array, true);
    assert_non_null(f->tasks);
}

static void fixture_close(struct fixture *f)
{
    assert_null(stint_scheduler_check(f->scheduler));
    (void)stint_scheduler_free(f->scheduler);
    (void)stint_tasks_free(f->tasks);
    (void)stint_array_free(f->array);
    (void)stint_machine_free(f->machine);
}

static void submit_array(struct fixture *f, uint64_t job, uint32_t cpus, uint32_t account)
{
    struct stint_ask ask = plain_ask(job, cpus);
    ask.key.task = STINT_TASK_WHOLE;
    ask.tasks = f->tasks;
    if (account != STINT_NO_ACCOUNT) {
        ask.accounts[0] = account;
        ask.account_count = 1;
    }
    assert_int_equal(stint_scheduler_submit(f->scheduler, &ask, NULL), 0);
}

static void limit_running(struct fixture *f, int64_t max)
{
    assert_int_equal(
        stint_scheduler_set_account(f->scheduler, 0, STINT_ACCOUNT_ARRAY, STINT_NO_ACCOUNT, 0), 0);
    assert_int_equal(stint_scheduler_set_limit(f->scheduler, 0, STINT_LIMIT_JOBS, max, -1), 0);
}

static size_t pass(struct fixture *f, int64_t now_ms, struct stint_start *starts, size_t max)
{
    size_t count = 0;
    assert_int_equal(stint_scheduler_pass(f->scheduler, now_ms, starts, max, &count), 0);
    return count;
}

static void tasks_start_lowest_first_and_leave_the_rest_in_its_place(void **state)
{
    struct fixture f;
    struct stint_start starts[8];
    struct stint_task_key whole = { 1, STINT_TASK_WHOLE };
    (void)state;
    for (int mode = 0; mode < STINT_MODE_COUNT; mode++) {
        fixture_open(&f, (enum stint_mode)mode, "30,2,7-9");
        submit_array(&f, 1, 2, STINT_NO_ACCOUNT);
        assert_int_equal(pass(&f, 0, starts, 8), 2);
        assert_int_equal(starts[0].key.task, 2);
        assert_int_equal(starts[1].key.task, 7);
        assert_int_equal(stint_scheduler_pending_count(f.scheduler), 1);
        assert_int_equal(stint_scheduler_remove_task(f.scheduler, (struct stint_task_key){ 1, 8 }),
                         0);
        assert_int_equal(stint_scheduler_remove_task(f.scheduler, (struct stint_task_key){ 1, 7 }),
                         STINT_NOT_FOUND); /* it runs */
        assert_null(stint_scheduler_check(f.scheduler));
        assert_int_equal(stint_scheduler_end(f.scheduler, starts[0].key, 5), 0);
        assert_int_equal(stint_scheduler_end(f.scheduler, (struct stint_task_key){ 1, 7 }, 5), 0);
        assert_int_equal(pass(&f, 5, starts, 8), 2);
        assert_int_equal(starts[0].key.task, 9);
        assert_int_equal(starts[1].key.task, 30);
        assert_int_equal(stint_scheduler_pending_count(f.scheduler), 0);
        assert_int_equal(stint_scheduler_remove(f.scheduler, whole), STINT_NOT_FOUND);
        fixture_close(&f);
    }
}

static void an_array_has_tasks_and_no_other_ask_has(void **state)
{
    struct fixture f;
    struct stint_ask ask = plain_ask(1, 1);
    (void)state;
    fixture_open(&f, STINT_MODE_EASY, "1-3");
    ask.key.task = STINT_TASK_WHOLE;
    assert_int_equal(stint_scheduler_submit(f.scheduler, &ask, NULL), STINT_INVALID);
    ask.tasks = f.tasks;
    ask.key.task = 0;
    assert_int_equal(stint_scheduler_submit(f.scheduler, &ask, NULL), STINT_INVALID);
    fixture_close(&f);
}

static void a_hundred_thousand_tasks_are_one_element(void **state)
{
    struct fixture f;
    struct stint_start starts[8];
    (void)state;
    fixture_open(&f, STINT_MODE_STINT, "0-99999");
    submit_array(&f, 1, 1, STINT_NO_ACCOUNT);
    for (uint32_t task = 0; task < 1000; task += 4) {
        assert_int_equal(pass(&f, task, starts, 8), 4);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(starts[i].key.task, task + i);
            assert_int_equal(stint_scheduler_end(f.scheduler, starts[i].key, task), 0);
        }
        assert_int_equal(stint_scheduler_pending_count(f.scheduler), 1);
    }
    fixture_close(&f);
}

static void a_promise_is_of_the_next_task_and_moves_on(void **state)
{
    struct fixture f;
    struct stint_start starts[8];
    struct stint_ask first = plain_ask(1, 2);
    struct stint_ask narrow = plain_ask(3, 1);
    (void)state;
    fixture_open(&f, STINT_MODE_EASY, "1-2");
    assert_int_equal(stint_scheduler_submit(f.scheduler, &first, NULL), 0);
    submit_array(&f, 2, 4, STINT_NO_ACCOUNT);
    narrow.walltime_ms = 2 * HOUR_MS; /* would delay the promise */
    assert_int_equal(stint_scheduler_submit(f.scheduler, &narrow, NULL), 0);
    assert_int_equal(pass(&f, 0, starts, 8), 1);
    assert_int_equal(
        stint_scheduler_reason(f.scheduler, (struct stint_task_key){ 2, STINT_TASK_WHOLE })
            .until_ms,
        HOUR_MS);
    assert_int_equal(stint_scheduler_reason(f.scheduler, narrow.key).code, STINT_REASON_Reserved);
    assert_int_equal(stint_scheduler_end(f.scheduler, first.key, 10), 0);
    assert_int_equal(pass(&f, 10, starts, 8), 1);
    assert_int_equal(starts[0].key.job, 2);
    assert_int_equal(starts[0].key.task, 1);
    assert_int_equal(
        stint_scheduler_reason(f.scheduler, (struct stint_task_key){ 2, STINT_TASK_WHOLE })
            .until_ms,
        10 + HOUR_MS);
    fixture_close(&f);
}

static void estimates_count_the_tasks_and_their_limit(void **state)
{
    static const struct {
        const char *spec;
        int64_t max;
        int64_t own_ms;    /* the array's first waiting task */
        int64_t behind_ms; /* four cores behind it */
    } cases[] = {
        { "1-12", STINT_UNLIMITED, HOUR_MS, 3 * HOUR_MS },
        { "1-8", STINT_UNLIMITED, HOUR_MS, 2 * HOUR_MS },
        { "1-8", 2, HOUR_MS, 4 * HOUR_MS },
        { "1-8", 1, HOUR_MS, 8 * HOUR_MS },
    };
    struct stint_task_key whole = { 1, STINT_TASK_WHOLE };
    struct stint_ask behind = plain_ask(2, 4);
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;
        struct stint_start starts[8];
        int64_t p50;
        int64_t p90;
        fixture_open(&f, STINT_MODE_EASY, cases[i].spec);
        limit_running(&f, cases[i].max);
        submit_array(&f, 1, 1, 0);
        assert_int_equal(stint_scheduler_submit(f.scheduler, &behind, NULL), 0);
        (void)pass(&f, 0, starts, 8);
        assert_int_equal(stint_scheduler_estimate(f.scheduler, whole, &p50, &p90), 0);
        assert_int_equal(p90, cases[i].own_ms);
        assert_true(p50 <= p90);
        assert_int_equal(stint_scheduler_remove(f.scheduler, behind.key), 0);
        assert_int_equal(stint_scheduler_submit(f.scheduler, &behind, NULL), 0);
        assert_int_equal(stint_scheduler_estimate(f.scheduler, behind.key, &p50, &p90), 0);
        assert_int_equal(p90, cases[i].behind_ms);
        fixture_close(&f);
    }
}

/* ---- against its tasks, one by one */

struct task_state {
    bool runs;
    bool is_over;
};

struct world {
    enum stint_mode mode;
    struct stint_machine *machine;
    struct stint_clerk *clerk;    /* has arrays */
    struct stint_scheduler *twin; /* has their tasks, each by itself */
    struct stint_replay *replay;
    struct stint_array *arrays[JOBS];
    struct stint_tasks *tasks[JOBS];
    struct stint_ask asks[JOBS];
    struct task_state states[JOBS][TASKS + 1];
    int64_t now_ms;
};

static void world_open(struct world *w, enum stint_mode mode)
{
    struct stint_policy policy = { .mode = mode };
    memset(w, 0, sizeof(*w));
    w->mode = mode;
    assert_int_equal(stint_machine_new_flat(2 + below(10), &w->machine, NULL), 0);
    assert_int_equal(stint_clerk_new(w->machine, &policy, &w->clerk, NULL), 0);
    assert_int_equal(stint_scheduler_new(w->machine, &policy, &w->twin, NULL), 0);
    assert_int_equal(stint_replay_new(&w->replay), 0);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < JOBS; i++) {
        (void)stint_tasks_free(w->tasks[i]);
        (void)stint_array_free(w->arrays[i]);
    }
    (void)stint_replay_free(w->replay);
    (void)stint_clerk_free(w->clerk);
    (void)stint_scheduler_free(w->twin);
    (void)stint_machine_free(w->machine);
}

static void world_submit(struct world *w, uint32_t job)
{
    char spec[32];
    struct stint_ask *ask = &w->asks[job];
    int64_t max = below(2) ? 1 + (int64_t)below(3) : STINT_UNLIMITED;
    *ask = plain_ask(job + 1, 1 + below(6));
    ask->walltime_ms = 1 + below(1000);
    ask->submit_ms = w->now_ms;
    /* In mode stint the tasks of a project lend each other their turns, and an array counts the
     * factors that it has left where its tasks would each have one. */
    ask->priority = below(4) || w->mode == STINT_MODE_STINT ? 0 : (int32_t)below(201) - 100;
    ask->accounts[0] = job;
    ask->account_count = 1;
    assert_int_equal(
        stint_clerk_set_account(w->clerk, job, STINT_ACCOUNT_ARRAY, STINT_NO_ACCOUNT, 0), 0);
    assert_int_equal(
        stint_scheduler_set_account(w->twin, job, STINT_ACCOUNT_ARRAY, STINT_NO_ACCOUNT, 0), 0);
    assert_int_equal(stint_clerk_set_limit(w->clerk, job, STINT_LIMIT_JOBS, max, -1), 0);
    assert_int_equal(stint_scheduler_set_limit(w->twin, job, STINT_LIMIT_JOBS, max, -1), 0);
    (void)snprintf(spec, sizeof(spec), "1-%u", 1 + below(TASKS));
    assert_int_equal(stint_array_parse(spec, &w->arrays[job], NULL), 0);
    w->tasks[job] = stint_tasks_new(w->arrays[job], true);
    struct stint_ask whole = *ask;
    whole.key.task = STINT_TASK_WHOLE;
    whole.tasks = w->tasks[job];
    assert_int_equal(stint_clerk_submit(w->clerk, &whole, NULL), 0);
    for (uint32_t task = 1; task <= w->arrays[job]->task_count; task++) {
        ask->key.task = task;
        assert_int_equal(stint_scheduler_submit(w->twin, ask, NULL), 0);
    }
}

static void world_pass(struct world *w)
{
    struct stint_start starts[START_MAX];
    struct stint_start others[START_MAX];
    size_t count = START_MAX;
    size_t other_count;
    while (count == START_MAX) {
        assert_int_equal(stint_clerk_pass(w->clerk, w->now_ms, starts, START_MAX, &count), 0);
        assert_int_equal(stint_scheduler_pass(w->twin, w->now_ms, others, START_MAX, &other_count),
                         0);
        assert_int_equal(count, other_count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(starts[i].key.job, others[i].key.job);
            assert_int_equal(starts[i].key.task, others[i].key.task);
            assert_int_equal(starts[i].ends_ms, others[i].ends_ms);
            assert_memory_equal(starts[i].allocation->grants[0].cores,
                                others[i].allocation->grants[0].cores, sizeof(uint64_t));
            w->states[starts[i].key.job - 1][starts[i].key.task].runs = true;
            (void)stint_tasks_take(w->tasks[starts[i].key.job - 1], starts[i].key.task);
        }
    }
    assert_null(stint_scheduler_check(stint_clerk_scheduler(w->clerk)));
}

/* Ends a task that runs; now and then it comes back, by itself. Takes one out that waits. */
static void world_touch(struct world *w, uint32_t job, uint32_t task)
{
    struct stint_task_key key = { job + 1, task };
    struct task_state *state = &w->states[job][task];
    if (state->runs) {
        state->runs = false;
        assert_int_equal(stint_clerk_end(w->clerk, key, w->now_ms), 0);
        assert_int_equal(stint_scheduler_end(w->twin, key, w->now_ms), 0);
        state->is_over = below(8) > 0;
        if (state->is_over)
            return;
        struct stint_ask ask = w->asks[job];
        ask.key = key;
        assert_int_equal(stint_clerk_submit(w->clerk, &ask, NULL), 0);
        assert_int_equal(stint_scheduler_submit(w->twin, &ask, NULL), 0);
    } else if (stint_tasks_has(w->tasks[job], task) && below(4) == 0 &&
               task != stint_tasks_first(w->tasks[job])) { /* a promise stays with the array */
        assert_int_equal(stint_clerk_remove_task(w->clerk, key), 0);
        assert_int_equal(stint_scheduler_remove(w->twin, key), 0);
        (void)stint_tasks_take(w->tasks[job], task);
        state->is_over = true;
    }
}

static void world_hear(struct world *w)
{
    struct stint_transcript piece;
    struct stint_replay_difference difference = { 0 };
    assert_int_equal(stint_clerk_transcript(w->clerk, &piece), 0);
    if (stint_replay_feed(w->replay, piece.data, piece.length, &difference, NULL) != 0)
        fail_msg("%s", difference.text);
    stint_clerk_taken(w->clerk);
}

static void scenario(enum stint_mode mode)
{
    struct world w;
    world_open(&w, mode);
    for (uint32_t step = 0, job = 0; step < 60; step++) {
        w.now_ms += below(3) ? below(300) : 0;
        if (job < JOBS && below(4) == 0)
            world_submit(&w, job++);
        for (uint32_t i = 0; job > 0 && i < 1 + below(4); i++) {
            uint32_t which = below(job);
            world_touch(&w, which, 1 + below(TASKS));
        }
        world_pass(&w);
        world_hear(&w);
    }
    world_close(&w);
}

static void an_array_decides_as_its_tasks_would_one_by_one(void **state)
{
    static const enum stint_mode modes[] = { STINT_MODE_FCFS, STINT_MODE_SJF, STINT_MODE_EASY,
                                             STINT_MODE_EASY_SJBF, STINT_MODE_STINT };
    const char *text = getenv("STINT_SCENARIOS");
    uint64_t scenarios = text ? strtoull(text, NULL, 10) : 300;
    (void)state;
    for (uint64_t seed = 1; seed <= scenarios; seed++) {
        random_state = seed;
        seed_now = seed;
        scenario(modes[seed % (sizeof(modes) / sizeof(modes[0]))]);
    }
    seed_now = 0;
}

static int name_seed(void **state)
{
    (void)state;
    if (seed_now != 0)
        print_message("seed %llu\n", (unsigned long long)seed_now);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_start_lowest_first_and_leave_the_rest_in_its_place),
        cmocka_unit_test(an_array_has_tasks_and_no_other_ask_has),
        cmocka_unit_test(a_hundred_thousand_tasks_are_one_element),
        cmocka_unit_test(a_promise_is_of_the_next_task_and_moves_on),
        cmocka_unit_test(estimates_count_the_tasks_and_their_limit),
        cmocka_unit_test_teardown(an_array_decides_as_its_tasks_would_one_by_one, name_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
