/* What people are told of a waiting job's start: two instants, or in words what ends that none can
 * be told; all that stands in its way; and a dependency that can never come to pass. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "stint/clerk.h"

#define HOUR_MS    INT64_C(3600000)
#define FOUR_CORES "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":3600}%s}"

/* A job of the whole machine for an hour, with more members: ",\"hold\":true". */
static uint64_t submit(struct fixture *f, const char *members)
{
    char text[300];
    (void)snprintf(text, sizeof(text), FOUR_CORES, members);
    return fixture_submit(f, &f->anna, text);
}

static uint64_t submit_after(struct fixture *f, uint64_t job, const char *when)
{
    char text[100];
    (void)snprintf(text, sizeof(text), ",\"after\":[{\"job_id\":%d,\"when\":\"%s\"}]", (int)job,
                   when);
    return submit(f, text);
}

static struct stint_job_view view_of(struct fixture *f, uint64_t id)
{
    struct stint_job_view view;
    assert_int_equal(stint_jobs_view(f->jobs, id, &view), 0);
    return view;
}

static void assert_starts(struct fixture *f, uint64_t id, double p50_h, double p90_h)
{
    struct stint_job_view view = view_of(f, id);
    if (view.no_estimate)
        fail_msg("job %d has no estimate until %s", (int)id, view.no_estimate);
    assert_int_equal(view.estimate_p50_ms - fixture_wall_ms, (int64_t)(p50_h * HOUR_MS));
    assert_int_equal(view.estimate_p90_ms - fixture_wall_ms, (int64_t)(p90_h * HOUR_MS));
}

static void a_job_starts_after_the_jobs_that_it_waits_for(void **state)
{
    struct fixture *f = *state;
    uint64_t first = submit(f, "");
    uint64_t second = submit_after(f, first, "ok");
    uint64_t third = submit_after(f, second, "any");
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_DependencyWaiting);
    assert_starts(f, second, 0.5, 1);
    assert_starts(f, third, 1, 2);
    assert_starts(f, third, 1, 2); /* remembered */
    assert_null(view_of(f, third).estimate_supposes);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, second, STINT_VERB_HOLD, &f->err), 0);
    fixture_settle(f);
    assert_starts(f, second, 0.5, 1);
    assert_string_equal(view_of(f, second).estimate_supposes, "it is released now");
    assert_non_null(strstr(view_of(f, third).estimate_supposes, "released now"));
    fixture_end(f, first, 1, 1, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_HeldByUser);
    assert_non_null(view_of(f, second).no_estimate); /* it failed: never */
    assert_non_null(view_of(f, third).no_estimate);
    struct stint_reason reasons[8];
    size_t count = stint_jobs_blockers(f->jobs, second, STINT_TASK_WHOLE, reasons, 8);
    assert_int_equal(count, 2);
    assert_int_equal(reasons[0].code, STINT_REASON_HeldByUser);
    assert_int_equal(reasons[1].code, STINT_REASON_DependencyFailed);
    assert_int_equal(reasons[1].asked, first);
}

static void a_job_waits_for_the_last_wave_of_an_array(void **state)
{
    struct fixture *f = *state;
    uint64_t array = submit(f, ",\"array\":\"1-4%1\"");
    uint64_t job = submit_after(f, array, "ok");
    fixture_settle(f);
    assert_starts(f, job, 2, 4);
}

static void a_held_job_is_told_its_start_as_if_released(void **state)
{
    struct fixture *f = *state;
    uint64_t first = submit(f, "");
    uint64_t held = submit(f, ",\"hold\":true");
    fixture_settle(f);
    assert_starts(f, held, 0.5, 1);
    assert_string_equal(view_of(f, held).estimate_supposes, "it is released now");
    fixture_end(f, first, 1, 0, 1000);
    fixture_settle(f);
    assert_starts(f, held, 0, 0);
}

static void what_only_people_end_is_said_in_words(void **state)
{
    struct fixture *f = *state;
    uint64_t first = submit(f, "");
    uint64_t second = submit(f, "");
    fixture_settle(f);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ first, 0, 1 });
    assert_int_equal(
        stint_jobs_act(f->jobs, &f->operator_caller, first, STINT_VERB_SUSPEND, &f->err), 0);
    fixture_settle(f);
    struct stint_job_view view = view_of(f, second);
    assert_int_equal(view.estimate_p50_ms, 0);
    assert_non_null(strstr(view.no_estimate, "suspended job is resumed"));
    assert_int_equal(stint_clerk_set_node_state(f->clerk, 0, STINT_NODE_DRAINING), 0);
    fixture_settle(f);
    view = view_of(f, second);
    assert_non_null(strstr(view.no_estimate, "operator resumes the node"));
}

/* A chain is walked once, however long, and told where it can be. */
/* Of 100 core-hours 80 are held for 40 hours, of which likely half are used: then 40 are there for
 * the second; not 70 for the third, whatever ends. */
static void what_running_jobs_hold_of_an_award_likely_comes_back(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(
        f, &f->anna, "{\"command\":[\"a\"],\"resources\":{\"cpus\":2,\"walltime_s\":144000}}");
    fixture_settle(f);
    uint64_t second = fixture_submit(
        f, &f->anna, "{\"command\":[\"b\"],\"resources\":{\"cpus\":2,\"walltime_s\":72000}}");
    uint64_t third = fixture_submit(
        f, &f->anna, "{\"command\":[\"c\"],\"resources\":{\"cpus\":2,\"walltime_s\":126000}}");
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", first), 1);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_BalanceHeld);
    assert_starts(f, second, 20, 40);
    assert_non_null(strstr(view_of(f, third).no_estimate, "end before their limits"));
}

static void a_long_chain_has_an_end(void **state)
{
    struct fixture *f = *state;
    uint64_t last = submit(f, "");
    for (int i = 0; i < 150; i++)
        last = submit_after(f, last, "any");
    fixture_settle(f);
    assert_starts(f, last, 75, 150);
}

static void what_can_never_come_to_pass_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[160];
    uint64_t first = submit(f, "");
    fixture_settle(f);
    (void)snprintf(text, sizeof(text),
                   ",\"after\":[{\"job_id\":%d,\"when\":\"ok\"},{\"job_id\":%d,\"when\":\"fail\"}]",
                   (int)first, (int)first);
    assert_int_equal(submit(f, text), 0);
    assert_int_equal(f->err.code, STINT_INVALID);
    fixture_end(f, first, 1, 1, 1000);
    fixture_settle(f);
    assert_int_equal(submit_after(f, first, "ok"), 0);
    assert_int_equal(f->err.code, STINT_WRONG_STATE);
    assert_non_null(strstr(f->err.text, "has ended, failed"));
    assert_non_null(strstr(f->err.fix, "--after any:1"));
    assert_true(submit_after(f, first, "fail") > 0);
}

static void an_array_of_held_tasks_says_so(void **state)
{
    struct fixture *f = *state;
    struct stint_job_ref ref = { .job = submit(f, ",\"array\":\"1-2\"") };
    assert_int_equal(stint_array_parse("2", &ref.tasks, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(stint_jobs_act_on(f->jobs, &f->anna, &ref, STINT_VERB_HOLD, &f->err), 0);
    fixture_settle(f);
    ref.tasks = stint_array_free(ref.tasks);
    assert_int_equal(fixture_reason(f, ref.job), STINT_REASON_HeldByUser);
    struct stint_reason reasons[8];
    assert_true(stint_jobs_blockers(f->jobs, ref.job, STINT_TASK_WHOLE, reasons, 8) > 0);
    assert_int_equal(reasons[0].code, STINT_REASON_HeldByUser);
}

static void an_option_that_would_start_it_now_is_named(void **state)
{
    struct fixture *f = *state;
    struct stint_option options[STINT_OPTIONS_MAX];
    (void)fixture_submit(f, &f->anna,
                         "{\"command\":[\"true\"],\"resources\":{\"cpus\":3,\"walltime_s\":3600,"
                         "\"memory_bytes\":1048576}}");
    uint64_t second =
        fixture_submit(f, &f->anna,
                       "{\"command\":[\"true\"],\"resources\":{\"cpus\":2,\"walltime_s\":3600,"
                       "\"memory_bytes\":1048576}}");
    fixture_settle(f);
    assert_int_equal(stint_jobs_improve(f->jobs, second, STINT_TASK_WHOLE, options), 1);
    assert_string_equal(options[0].text, "--cpus 1");
}

#define EXPECT(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPECT(a_job_starts_after_the_jobs_that_it_waits_for),
        EXPECT(a_job_waits_for_the_last_wave_of_an_array),
        EXPECT(a_held_job_is_told_its_start_as_if_released),
        EXPECT(what_only_people_end_is_said_in_words),
        EXPECT(a_long_chain_has_an_end),
        EXPECT(what_running_jobs_hold_of_an_award_likely_comes_back),
        EXPECT(what_can_never_come_to_pass_is_refused),
        EXPECT(an_array_of_held_tasks_says_so),
        EXPECT(an_option_that_would_start_it_now_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
