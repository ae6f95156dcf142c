/* Mode stint as the daemon runs it: who is stopped for whom and comes back, over real books and a
 * real store, also through a restart in the middle; and whose turn it is after one. */
#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "stint/clerk.h"

#define HOUR_MS INT64_C(3600000)
#define LOW(how)                                                                                   \
    "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":36000},"                     \
    "\"preemptible\":\"" how "\"}"
#define LOW_SIGNALLED                                                                              \
    "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":36000},"                     \
    "\"preemptible\":\"checkpoint\",\"signal\":\"USR1@120\"}"
#define HIGH "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":3600}}"

static int setup(void **state)
{
    return fixture_setup_with(state, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                            .tiers = 4,
                                                            .half_life_ms = 24 * HOUR_MS,
                                                            .preempts = true,
                                                            .grace_ms = 30000,
                                                            .min_run_ms = 600000,
                                                            .resume_ms = 60000 });
}

static void advance(struct fixture *f, int64_t ms)
{
    fixture_wall_ms += ms;
    fixture_boot_ms += ms;
    fixture_settle(f);
}

static void assert_books(struct fixture *f)
{
    struct stint_store_audit audit;
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.unbalanced, 0);
    assert_int_equal(audit.overdrawn, 0);
    assert_int_equal(audit.held_micro, audit.open_hold_micro);
}

static uint64_t run(struct fixture *f, const char *request)
{
    uint64_t id = fixture_submit(f, &f->anna, request);
    fixture_settle(f);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ id, 0, 1 });
    fixture_settle(f);
    assert_int_equal(fixture_state(f, id), STINT_JOB_RUNNING);
    return id;
}

/* A run that may be stopped holds the machine for two hours; then another job comes. */
static void make_room(struct fixture *f, const char *low_request, uint64_t *ret_low,
                      uint64_t *ret_high)
{
    *ret_low = run(f, low_request);
    advance(f, 2 * HOUR_MS);
    *ret_high = fixture_submit(f, &f->bert, HIGH);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, *ret_low), STINT_JOB_ENDING);
    assert_int_equal(fixture_reason(f, *ret_high), STINT_REASON_Preempting);
}

/* The stopped one goes to the queue, the other runs; then the first goes on and ends. */
static void assert_both_end(struct fixture *f, uint64_t low, uint64_t high)
{
    fixture_settle(f);
    assert_int_equal(fixture_state(f, low), STINT_JOB_PENDING);
    assert_int_equal(fixture_state(f, high), STINT_JOB_STARTING);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ high, 0, 1 });
    advance(f, HOUR_MS / 2);
    fixture_end(f, high, 1, 0, HOUR_MS / 2);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, high), "completed");
    assert_int_equal(fixture_told(f, "start", low), 2);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ low, 0, 2 });
    advance(f, HOUR_MS);
    fixture_end(f, low, 2, 0, HOUR_MS);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, low), "completed");
    assert_books(f);
}

static bool take_award(void *context, const struct stint_award_view *view)
{
    *(int64_t *)context = view->used_micro;
    return false;
}

static int64_t used_micro(struct fixture *f)
{
    int64_t used = 0;
    stint_ledger_each_award(f->ledger, take_award, &used);
    return used;
}

static void a_checkpoint_has_its_signal_and_its_time(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    make_room(f, LOW_SIGNALLED, &low, &high);
    assert_int_equal(fixture_told(f, "signal", low), 1);
    assert_int_equal(fixture_told(f, "cancel", low), 0);
    advance(f, 119000);
    assert_int_equal(fixture_told(f, "cancel", low), 0);
    assert_true(stint_jobs_next_wakeup_ms(f->jobs) <= fixture_wall_ms + 1000);
    advance(f, 1000);
    assert_int_equal(fixture_told(f, "cancel", low), 1);
    fixture_end(f, low, 1, 0, 2 * HOUR_MS);
    fixture_settle(f);
    /* Two hours of four cores at half the price. */
    assert_int_equal(used_micro(f), 4000000);
    assert_both_end(f, low, high);
    assert_int_equal(used_micro(f), 4000000 + 2000000 + 2000000);
}

static void an_exit_within_the_time_of_a_checkpoint_comes_back(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    make_room(f, LOW_SIGNALLED, &low, &high);
    advance(f, 5000);
    fixture_end(f, low, 1, 0, 2 * HOUR_MS);
    assert_both_end(f, low, high);
}

static void without_a_signal_it_is_ended_at_once(void **state)
{
    struct fixture *f = *state;
    static const char *const requests[] = { LOW("requeue"), LOW("checkpoint") };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(requests); i++) {
        uint64_t low, high;
        make_room(f, requests[i], &low, &high);
        assert_int_equal(fixture_told(f, "signal", low), 0);
        assert_int_equal(fixture_told(f, "cancel", low), 1);
        struct stint_run_end end = { .key = { low, 0, 1 },
                                     .cancelled = true,
                                     .started_ms = fixture_wall_ms - 2 * HOUR_MS,
                                     .ended_ms = fixture_wall_ms,
                                     .elapsed_ms = (uint64_t)(2 * HOUR_MS) };
        stint_jobs_on_run_ended(f->jobs, &end);
        assert_both_end(f, low, high);
    }
}

/* It had done its work when the stop came: nothing is run twice. */
static void what_ends_well_before_it_is_told_is_done(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    make_room(f, LOW("requeue"), &low, &high);
    fixture_end(f, low, 1, 0, 2 * HOUR_MS);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, low), "completed");
    assert_int_equal(fixture_state(f, high), STINT_JOB_STARTING);
    assert_books(f);
}

static void who_never_declared_it_is_not_stopped(void **state)
{
    struct fixture *f = *state;
    uint64_t low = run(f, LOW("no"));
    advance(f, 2 * HOUR_MS);
    uint64_t high = fixture_submit(f, &f->bert, HIGH);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, low), STINT_JOB_RUNNING);
    assert_int_equal(fixture_reason(f, high), STINT_REASON_Capacity);
}

static void time_alone_makes_a_run_long_enough_to_be_stopped(void **state)
{
    struct fixture *f = *state;
    uint64_t low = run(f, LOW("requeue"));
    uint64_t high = fixture_submit(f, &f->bert, HIGH);
    advance(f, 60000);
    assert_int_equal(fixture_state(f, low), STINT_JOB_RUNNING);
    int64_t next_ms = stint_jobs_next_wakeup_ms(f->jobs); /* a processor-hour of four cores */
    assert_in_range(next_ms, fixture_wall_ms + 800000, fixture_wall_ms + 900000);
    advance(f, next_ms - fixture_wall_ms);
    assert_int_equal(fixture_state(f, low), STINT_JOB_ENDING);
    assert_int_equal(fixture_reason(f, high), STINT_REASON_Preempting);
}

static void a_daemon_that_dies_in_the_middle_goes_on_with_the_stop(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    make_room(f, LOW_SIGNALLED, &low, &high);
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, low), STINT_JOB_ENDING);
    assert_int_equal(fixture_told(f, "adopt", low), 1);
    assert_int_equal(fixture_told(f, "signal", low), 1); /* the first may not have been sent */
    fixture_restart(f);
    advance(f, 120000);
    assert_int_equal(fixture_told(f, "cancel", low), 1);
    fixture_end(f, low, 1, 0, 2 * HOUR_MS);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, low), STINT_JOB_PENDING);
    f->engine.call_count = 0;
    fixture_settle(f);
    assert_int_equal(fixture_state(f, high), STINT_JOB_STARTING);
    assert_books(f);
}

static void a_cancel_of_one_that_is_stopped_is_for_good(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    make_room(f, LOW_SIGNALLED, &low, &high);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, low, STINT_VERB_CANCEL, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "cancel", low), 1);
    fixture_restart(f); /* it is remembered */
    struct stint_run_end end = { .key = { low, 0, 1 },
                                 .cancelled = true,
                                 .ended_ms = fixture_wall_ms,
                                 .elapsed_ms = (uint64_t)(2 * HOUR_MS) };
    stint_jobs_on_run_ended(f->jobs, &end);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, low), "cancelled");
    assert_books(f);
}

static bool take_attained(void *context, const struct stint_ask *ask)
{
    *(int64_t *)context = ask->attained_ms;
    return true;
}

static void attained_service_outlives_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t low, high;
    int64_t attained = 0;
    make_room(f, LOW_SIGNALLED, &low, &high);
    fixture_end(f, low, 1, 0, 2 * HOUR_MS);
    fixture_settle(f);
    for (int i = 0; i < 2; i++) {
        attained = 0;
        assert_int_equal(stint_scheduler_each(stint_clerk_scheduler(f->clerk), fixture_boot_ms,
                                              take_attained, &attained),
                         0);
        assert_int_equal(attained, 4 * 2 * HOUR_MS);
        fixture_restart(f);
    }
}

/* ---- turns */

struct order {
    uint64_t ids[8];
    size_t count;
};

static bool take_order(void *context, const struct stint_job_view *view)
{
    struct order *order = context;
    if (view->state == STINT_JOB_PENDING)
        order->ids[order->count++] = view->id;
    return true;
}

/* Who used less goes first, though it came later; and so after a restart, and after one into
 * another boot (invariant 7). */
static void a_restart_leaves_everybody_at_his_turn(void **state)
{
    struct fixture *f = *state;
    uint64_t first = run(f, LOW("no"));
    advance(f, HOUR_MS);
    fixture_end(f, first, 1, 0, HOUR_MS);
    uint64_t holder = fixture_submit(f, &f->operator_caller, HIGH);
    assert_int_equal(holder, 0); /* uid 0 runs nothing here */
    holder = run(f, LOW("no"));
    uint64_t annas = fixture_submit(f, &f->anna, HIGH);
    uint64_t berts = fixture_submit(f, &f->bert, HIGH);
    advance(f, 1000);
    for (int i = 0; i < 3; i++) {
        struct order order = { .count = 0 };
        stint_jobs_each(f->jobs, take_order, &order);
        assert_int_equal(order.count, 2);
        assert_int_equal(order.ids[0], berts);
        assert_int_equal(order.ids[1], annas);
        if (i == 1)
            fixture_boot_ms += 777777; /* another distance between the two clocks */
        fixture_restart(f);
        fixture_settle(f);
    }
    assert_int_equal(fixture_state(f, holder), STINT_JOB_RUNNING);
}

#define MODE(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

/* ---- what a wait counts, and a run's own time, before and after a restart */

static struct stint_clock clock_of(const struct fixture *f, uint64_t id)
{
    struct stint_clock clock = { 0 };
    struct stint_task_key key = { .job = id };
    assert_int_equal(stint_scheduler_clock(stint_clerk_scheduler(f->clerk), key, &clock), 0);
    return clock;
}

static void what_waits_count_is_the_same_after_a_restart(void **state)
{
    struct fixture *f = *state;
    char text[160];
    uint64_t jobs[6];
    struct stint_clock before[6];
    struct stint_task_key running = { .job = run(f, HIGH) };
    int64_t ends_ms[4];
    advance(f, HOUR_MS / 8);
    for (int i = 0; i < 5; i++) {
        jobs[i] = fixture_submit(f, &f->anna, HIGH);
        advance(f, 60000);
    }
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":3600},"
                   "\"after\":[{\"job_id\":%llu,\"when\":\"any\"}]}",
                   (unsigned long long)running.job);
    jobs[5] = fixture_submit(f, &f->anna, text); /* blocked from its submission on */
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, jobs[1], STINT_VERB_HOLD, &f->err), 0);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, jobs[2], STINT_VERB_HOLD, &f->err), 0);
    fixture_settle(f);
    advance(f, 300000);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, jobs[2], STINT_VERB_RELEASE, &f->err), 0);
    assert_int_equal(stint_jobs_set_priority(f->jobs, &f->anna, jobs[4], 50, &f->err), 0);
    advance(f, 1000); /* the last has the turn of the first by now */
    for (int i = 0; i < 6; i++)
        before[i] = clock_of(f, jobs[i]);
    assert_true(before[0].has_lent && before[0].ready_ms > before[4].ready_ms);
    assert_true(before[1].blocked_ms != INT64_MIN && before[5].blocked_ms != INT64_MIN);
    int64_t held_ms = before[2].ready_ms - before[1].ready_ms - 60000;
    assert_true(held_ms >= 300000 && held_ms <= 301000);
    assert_int_equal(stint_scheduler_ends(stint_clerk_scheduler(f->clerk), running, fixture_boot_ms,
                                          &ends_ms[0], &ends_ms[1]),
                     0);
    for (int again = 0; again < 2; again++) {
        fixture_restart(f);
        advance(f, 7000);
        for (int i = 0; i < 6; i++) {
            struct stint_clock after = clock_of(f, jobs[i]);
            assert_int_equal(after.ready_ms, before[i].ready_ms);
            assert_int_equal(after.blocked_ms, before[i].blocked_ms);
            assert_int_equal(after.has_lent, before[i].has_lent);
        }
        assert_int_equal(stint_scheduler_ends(stint_clerk_scheduler(f->clerk), running,
                                              fixture_boot_ms, &ends_ms[2], &ends_ms[3]),
                         0);
        assert_int_equal(ends_ms[3], ends_ms[1]);
    }
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, jobs[1], STINT_VERB_RELEASE, &f->err), 0);
    advance(f, 1);
    held_ms = clock_of(f, jobs[1]).ready_ms - before[1].ready_ms;
    assert_true(held_ms >= 315000 && held_ms <= 316001); /* both sides of the restarts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODE(a_checkpoint_has_its_signal_and_its_time),
        MODE(an_exit_within_the_time_of_a_checkpoint_comes_back),
        MODE(without_a_signal_it_is_ended_at_once),
        MODE(what_ends_well_before_it_is_told_is_done),
        MODE(who_never_declared_it_is_not_stopped),
        MODE(time_alone_makes_a_run_long_enough_to_be_stopped),
        MODE(a_daemon_that_dies_in_the_middle_goes_on_with_the_stop),
        MODE(a_cancel_of_one_that_is_stopped_is_for_good),
        MODE(attained_service_outlives_a_restart),
        MODE(what_waits_count_is_the_same_after_a_restart),
        MODE(a_restart_leaves_everybody_at_his_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
