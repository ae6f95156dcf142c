/* The first estimate of a start: given once, kept beside the job, measured at its start. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "stint/store_reader.h"

#define WHOLE "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":1000}}"

struct told {
    uint64_t job;
    struct stint_estimate_row row;
    int seen;
};

static bool on_estimate(void *context, const struct stint_estimate_row *row)
{
    struct told *told = context;
    if (row->job == told->job) {
        told->row = *row;
        told->seen++;
    }
    return true;
}

/* What the store has of a live job. */
static struct told estimate_of(struct fixture *f, uint64_t job)
{
    struct told told = { .job = job };
    assert_int_equal(
        stint_reader_each_live_estimate(stint_store_reader(f->store), on_estimate, &told), 0);
    return told;
}

static void advance(struct fixture *f, int64_t ms)
{
    fixture_wall_ms += ms;
    fixture_boot_ms += ms;
    stint_jobs_pass(f->jobs);
    fixture_settle(f);
}

static void first_estimate_is_given_once_and_measured_at_the_start(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, WHOLE);
    uint64_t second = fixture_submit(f, &f->anna, WHOLE);
    fixture_settle(f);
    int64_t began_ms = fixture_wall_ms;
    assert_int_equal(estimate_of(f, second).seen, 0); /* not on the way of a submission */
    assert_true(stint_jobs_next_wakeup_ms(f->jobs) <= fixture_wall_ms + 1000);
    advance(f, 1500);
    struct told told = estimate_of(f, second);
    assert_int_equal(told.seen, 1);
    assert_int_equal(told.row.given_ms, began_ms + 1000); /* in whole seconds, this one down */
    assert_int_equal(told.row.p50_ms, began_ms + 500000); /* half a limit, of who is not known */
    assert_int_equal(told.row.p90_ms, began_ms + 1000000);
    assert_int_equal(told.row.start_ms, 0);
    assert_int_equal(estimate_of(f, first).seen, 0); /* it started at once */
    advance(f, 60000);
    assert_int_equal(estimate_of(f, second).row.given_ms, began_ms + 1000); /* the first stays */
    fixture_end(f, first, 1, 0, 61500);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", second), 1);
    assert_int_equal(estimate_of(f, second).row.start_ms, began_ms + 61500);
}

static void estimate_survives_a_restart_and_is_not_given_again(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, WHOLE);
    uint64_t second = fixture_submit(f, &f->anna, WHOLE);
    fixture_settle(f);
    advance(f, 1500);
    int64_t given_ms = estimate_of(f, second).row.given_ms;
    fixture_restart(f);
    fixture_settle(f);
    advance(f, 5000);
    assert_int_equal(estimate_of(f, second).row.given_ms, given_ms);
    fixture_end(f, first, 1, 0, 6500);
    fixture_settle(f);
    assert_int_equal(estimate_of(f, second).row.start_ms, fixture_wall_ms);
}

static void hold_makes_the_estimate_say_nothing(void **state)
{
    struct fixture *f = *state;
    (void)fixture_submit(f, &f->anna, WHOLE);
    uint64_t second = fixture_submit(f, &f->anna, WHOLE);
    fixture_settle(f);
    advance(f, 1500);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, second, STINT_VERB_HOLD, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(estimate_of(f, second).row.start_ms, -1);
}

/* Anna took a tenth of her limits, four times, which is weighed against a half; a daemon that
 * starts anew expects that of her, not of Bert. */
static void past_use_of_limits_is_known_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct stint_job_view view;
    for (int i = 0; i < 4; i++) {
        uint64_t id = fixture_submit(f, &f->anna, WHOLE);
        fixture_settle(f);
        fixture_end(f, id, 1, 0, 100000);
        fixture_settle(f);
    }
    fixture_restart(f);
    fixture_settle(f);
    (void)fixture_submit(f, &f->anna, WHOLE);
    fixture_settle(f);
    uint64_t behind = fixture_submit(f, &f->bert, WHOLE);
    uint64_t last = fixture_submit(f, &f->bert, WHOLE);
    fixture_settle(f);
    assert_int_equal(stint_jobs_view(f->jobs, behind, &view), 0);
    assert_int_equal(view.estimate_p50_ms, fixture_wall_ms + 226000);
    assert_int_equal(view.estimate_p90_ms, fixture_wall_ms + 1000000);
    assert_int_equal(stint_jobs_view(f->jobs, last, &view), 0);
    assert_int_equal(view.estimate_p50_ms, fixture_wall_ms + 726000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(first_estimate_is_given_once_and_measured_at_the_start),
        TEST(estimate_survives_a_restart_and_is_not_given_again),
        TEST(hold_makes_the_estimate_say_nothing),
        TEST(past_use_of_limits_is_known_after_a_restart),
    };
    return cmocka_run_group_tests_name("jobs-estimates", tests, NULL, NULL);
}
