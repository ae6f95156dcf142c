/* Arrays over real books and a real store: one job, many runs; nothing twice, nothing lost. */
#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "stint/clerk.h"
#include "stint/measure.h"
#include "stint/tasks.h"

#define ARRAY_OF(spec)                                                                             \
    "{\"command\":[\"true\"],\"resources\":{\"cpus\":1,\"walltime_s\":3600},\"array\":\"" spec "\"}"

static void assert_sound(struct fixture *f)
{
    struct stint_store_audit audit;
    const char *wrong = stint_scheduler_check(stint_clerk_scheduler(f->clerk));
    assert_null(wrong);
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.unbalanced, 0);
    assert_int_equal(audit.held_micro, audit.open_hold_micro);
}

static const struct stint_array_view *counts(struct fixture *f, uint64_t id)
{
    static struct stint_array_view copy;
    struct stint_job_view view;
    assert_int_equal(stint_jobs_view(f->jobs, id, &view), 0);
    assert_non_null(view.array);
    copy = *view.array;
    return &copy;
}

static uint32_t holding(const struct stint_array_view *view)
{
    return view->live[STINT_JOB_STARTING] + view->live[STINT_JOB_RUNNING] +
           view->live[STINT_JOB_SUSPENDED] + view->live[STINT_JOB_ENDING];
}

static int act(struct fixture *f, const char *text, enum stint_job_verb verb)
{
    struct stint_job_ref ref;
    f->err = (struct stint_error){ 0 };
    assert_int_equal(stint_job_ref_parse(text, &ref, &f->err), 0);
    int r = stint_jobs_act_on(f->jobs, &f->anna, &ref, verb, &f->err);
    ref.tasks = stint_array_free(ref.tasks);
    fixture_settle(f);
    return r;
}

/* How often the engine was told to start this task. */
static size_t starts_of(const struct fixture *f, uint64_t id, uint32_t task)
{
    size_t count = 0;
    for (size_t i = 0; i < f->engine.call_count; i++)
        count += f->engine.calls[i].key.job == id && f->engine.calls[i].key.task == task &&
                 strcmp(f->engine.calls[i].what, "start") == 0;
    return count;
}

static void each_task_runs_once_and_the_job_is_completed(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("0-9"));
    fixture_settle(f);
    assert_int_equal(fixture_state(f, id), STINT_JOB_RUNNING);
    assert_int_equal(holding(counts(f, id)), 4); /* cores */
    assert_int_equal(counts(f, id)->live[STINT_JOB_PENDING], 6);
    for (uint32_t task = 0; task < 10; task++) {
        assert_int_equal(starts_of(f, id, task), 1);
        stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ id, task, 1 });
        fixture_end_task(f, id, task, 1, 0, 1000);
        fixture_settle(f);
        assert_sound(f);
    }
    assert_int_equal(fixture_told(f, "start", id), 10);
    assert_int_equal(fixture_told(f, "forget", id), 10);
    assert_int_equal(fixture_state(f, id), STINT_JOB_DONE);
    assert_string_equal(fixture_outcome(f, id), "completed");
}

static void no_more_run_than_the_array_may(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-6%2"));
    fixture_settle(f);
    assert_int_equal(holding(counts(f, id)), 2);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_ArrayLimit);
    uint64_t other = fixture_submit(f, &f->bert, ARRAY_OF("1-2"));
    fixture_settle(f);
    assert_int_equal(holding(counts(f, other)), 2); /* its limit is nobody else's trouble */
    for (uint32_t task = 1; task <= 6; task++) {
        assert_int_equal(starts_of(f, id, task), 1);
        fixture_end_task(f, id, task, 1, 0, 1000);
        fixture_settle(f);
        assert_true(fixture_state(f, id) == STINT_JOB_DONE || holding(counts(f, id)) <= 2);
    }
    assert_string_equal(fixture_outcome(f, id), "completed");
    uint64_t next = fixture_submit(f, &f->anna, ARRAY_OF("1-3%1")); /* the account is used again */
    fixture_settle(f);
    assert_int_equal(holding(counts(f, next)), 1);
    assert_sound(f);
}

static void an_array_comes_to_what_its_tasks_came_to(void **state)
{
    static const struct {
        int exits[3];
        const char *outcome;
    } cases[] = {
        { { 0, 0, 0 }, "completed" },
        { { 0, 3, 0 }, "failed" },
        { { 1, 1, 1 }, "failed" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-3"));
        fixture_settle(f);
        for (uint32_t task = 1; task <= 3; task++)
            fixture_end_task(f, id, task, 1, cases[i].exits[task - 1], 10);
        fixture_settle(f);
        assert_string_equal(fixture_outcome(f, id), cases[i].outcome);
    }
}

static void a_restart_in_the_middle_loses_no_task_and_repeats_none(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-9:2,20%3"));
    fixture_settle(f);
    fixture_end_task(f, id, 1, 1, 0, 10);
    fixture_end_task(f, id, 3, 1, 7, 10);
    fixture_settle(f);
    assert_int_equal(act(f, "1_20", STINT_VERB_HOLD), 0);
    for (int i = 0; i < 2; i++) {
        fixture_restart(f);
        fixture_settle(f);
        assert_int_equal(fixture_told(f, "adopt", id), 3);
        assert_int_equal(fixture_told(f, "start", id), 0);
        const struct stint_array_view *now = counts(f, id);
        assert_int_equal(holding(now), 3);
        assert_int_equal(now->live[STINT_JOB_HELD], 1);
        assert_int_equal(now->live[STINT_JOB_PENDING], 0);
        assert_int_equal(now->ended[STINT_OUTCOME_COMPLETED], 1);
        assert_int_equal(now->ended[STINT_OUTCOME_FAILED], 1);
        assert_sound(f);
    }
    assert_int_equal(act(f, "1_20", STINT_VERB_RELEASE), 0);
    static const uint32_t left[] = { 5, 7, 9, 20 };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(left); i++) {
        fixture_end_task(f, id, left[i], 1, 0, 10);
        fixture_settle(f);
    }
    assert_int_equal(starts_of(f, id, 20), 1);
    assert_string_equal(fixture_outcome(f, id), "failed");
    assert_sound(f);
}

static void cancelled_as_a_whole_it_starts_nothing_more_even_after_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("0-99999"));
    fixture_settle(f);
    assert_int_equal(holding(counts(f, id)), 4);
    assert_int_equal(act(f, "1", STINT_VERB_CANCEL), 0);
    assert_int_equal(act(f, "1", STINT_VERB_CANCEL), 0); /* again: nothing new */
    assert_int_equal(fixture_state(f, id), STINT_JOB_ENDING);
    assert_int_equal(counts(f, id)->ended[STINT_OUTCOME_CANCELLED], 99996);
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, id), STINT_JOB_ENDING);
    assert_int_equal(counts(f, id)->ended[STINT_OUTCOME_CANCELLED], 99996);
    assert_int_equal(fixture_told(f, "start", id), 0);
    for (uint32_t task = 0; task < 4; task++) {
        struct stint_run_end end = { .key = { id, task, 1 }, .cancelled = true };
        stint_jobs_on_run_ended(f->jobs, &end);
    }
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, id), "cancelled");
    assert_sound(f);
}

static void single_tasks_are_cancelled_held_requeued_by_themselves(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-10"));
    fixture_settle(f);
    assert_int_equal(act(f, "1_[6-8]", STINT_VERB_CANCEL), 0);
    assert_int_equal(counts(f, id)->ended[STINT_OUTCOME_CANCELLED], 3);
    assert_int_equal(act(f, "1_[5-6]", STINT_VERB_HOLD), 0); /* 6 is done: passed over */
    assert_int_equal(counts(f, id)->live[STINT_JOB_HELD], 1);
    assert_int_equal(act(f, "1_6", STINT_VERB_HOLD), STINT_WRONG_STATE);
    assert_int_equal(act(f, "1_11", STINT_VERB_HOLD), STINT_NOT_FOUND);
    assert_int_equal(act(f, "1_[9-11]", STINT_VERB_CANCEL), STINT_NOT_FOUND); /* and nothing done */
    assert_int_equal(counts(f, id)->ended[STINT_OUTCOME_CANCELLED], 3);
    assert_int_equal(act(f, "1_9", STINT_VERB_SUSPEND), STINT_WRONG_STATE);
    assert_int_equal(act(f, "1_2", STINT_VERB_REQUEUE), 0); /* runs: told to end, then comes back */
    struct stint_run_end end = { .key = { id, 2, 1 }, .cancelled = true };
    stint_jobs_on_run_ended(f->jobs, &end);
    fixture_settle(f);
    static const struct stint_run_key rest[] = { { 1, 1, 1 }, { 1, 3, 1 },  { 1, 4, 1 },
                                                 { 1, 9, 1 }, { 1, 10, 1 }, { 1, 2, 2 } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rest); i++) {
        fixture_end_task(f, id, rest[i].task, rest[i].attempt, 0, 10);
        fixture_settle(f);
        assert_sound(f);
    }
    assert_int_equal(starts_of(f, id, 2), 2);
    assert_int_equal(fixture_state(f, id), STINT_JOB_HELD); /* 5 alone is left */
    assert_int_equal(act(f, "1", STINT_VERB_RELEASE), 0);
    fixture_end_task(f, id, 5, 1, 0, 10);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, id), "cancelled");
    assert_int_equal(act(f, "1_5", STINT_VERB_CANCEL), STINT_WRONG_STATE);
}

static void held_as_a_whole_only_released_tasks_start(void **state)
{
    struct fixture *f = *state;
    uint64_t id =
        fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"array\":\"1-4\",\"hold\":true}");
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_HeldByUser);
    assert_int_equal(act(f, "1_3", STINT_VERB_RELEASE), 0);
    assert_int_equal(starts_of(f, id, 3), 1);
    assert_int_equal(fixture_told(f, "start", id), 1);
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 0);
    assert_int_equal(act(f, "1", STINT_VERB_RELEASE), 0);
    assert_int_equal(fixture_told(f, "start", id), 3);
    assert_sound(f);
}

static void dependencies_on_tasks_and_on_the_whole(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-3%1"));
    uint64_t on_task = fixture_submit(
        f, &f->anna,
        "{\"command\":[\"true\"],\"after\":[{\"job_id\":1,\"task\":2,\"when\":\"ok\"}]}");
    uint64_t on_whole = fixture_submit(
        f, &f->anna, "{\"command\":[\"true\"],\"after\":[{\"job_id\":1,\"when\":\"ok\"}]}");
    uint64_t on_failure = fixture_submit(
        f, &f->anna,
        "{\"command\":[\"true\"],\"after\":[{\"job_id\":1,\"task\":1,\"when\":\"fail\"}]}");
    assert_int_equal(
        fixture_submit(f, &f->anna,
                       "{\"command\":[\"true\"],\"after\":[{\"job_id\":1,\"task\":4}]}"),
        0);
    assert_int_equal(
        fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"after\":[{\"job_id\":5}]}"), 0);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, on_task), STINT_REASON_DependencyWaiting);
    fixture_end_task(f, id, 1, 1, 0, 10);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, on_task), STINT_REASON_DependencyWaiting);
    assert_int_equal(fixture_reason(f, on_failure), STINT_REASON_DependencyFailed);
    fixture_end_task(f, id, 2, 1, 0, 10);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", on_task), 1);
    assert_int_equal(fixture_reason(f, on_whole), STINT_REASON_DependencyWaiting);
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, on_whole), STINT_REASON_DependencyWaiting);
    assert_int_equal(fixture_reason(f, on_failure), STINT_REASON_DependencyFailed);
    fixture_end_task(f, id, 3, 1, 1, 10);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, on_whole), STINT_REASON_DependencyFailed);
    uint64_t late = fixture_submit(
        f, &f->anna,
        "{\"command\":[\"true\"],\"after\":[{\"job_id\":1,\"task\":3,\"when\":\"fail\"}]}");
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", late), 1);
}

static void an_end_that_is_not_durable_yet_is_no_unknown_job(void **state)
{
    struct fixture *f = *state;
    uint64_t plain = fixture_submit(f, &f->anna, "{\"command\":[\"true\"]}");
    uint64_t id = fixture_submit(f, &f->anna, ARRAY_OF("1-2"));
    fixture_settle(f);
    fixture_end(f, plain, 1, 0, 10);
    fixture_end_task(f, id, 1, 1, 3, 10);
    fixture_end_task(f, id, 2, 1, 0, 10);
    uint64_t after = fixture_submit(
        f, &f->anna,
        "{\"command\":[\"true\"],\"after\":[{\"job_id\":1},{\"job_id\":2,\"task\":2},"
        "{\"job_id\":2,\"task\":1,\"when\":\"fail\"},{\"job_id\":2,\"when\":\"fail\"}]}");
    assert_int_not_equal(after, 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", after), 1);
}

static void an_array_waits_for_its_begin_time_as_one(void **state)
{
    struct fixture *f = *state;
    char text[160];
    char begin[40];
    (void)stint_instant_format(fixture_wall_ms + 60000, begin, sizeof(begin));
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"array\":\"1-3\",\"begin\":\"%s\"}", begin);
    uint64_t id = fixture_submit(f, &f->anna, text);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_BeforeBeginTime);
    fixture_wall_ms += 60000;
    fixture_boot_ms += 60000;
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 3);
}

static void a_late_verdict_is_for_all_tasks(void **state)
{
    struct fixture *f = *state;
    for (int is_refused = 0; is_refused < 2; is_refused++) {
        struct stint_job_use use = { .name = "org/m", .digest = "sha256:00", .path = "/m" };
        uint64_t id = fixture_submit_unjudged(
            f, &f->anna,
            "{\"command\":[\"true\"],\"array\":\"1-4\",\"uses\":{\"models\":[\"org/m\"]}}");
        char task[16];
        (void)snprintf(task, sizeof(task), "%llu_2", (unsigned long long)id);
        fixture_settle(f);
        assert_int_equal(fixture_reason(f, id), STINT_REASON_NotEvaluatedYet);
        assert_int_equal(act(f, task, STINT_VERB_HOLD), 0);
        if (is_refused)
            assert_int_equal(
                stint_jobs_refuse(f->jobs, id, STINT_REASON_ModelNotOpen, 7, "not open", &f->err),
                0);
        else
            assert_int_equal(stint_jobs_admit(f->jobs, id, &use, &f->err), 0);
        fixture_settle(f);
        assert_int_equal(fixture_told(f, "start", id), is_refused ? 0 : 3);
        if (is_refused) {
            assert_string_equal(fixture_outcome(f, id), "refused");
            continue;
        }
        assert_int_equal(act(f, task, STINT_VERB_RELEASE), 0);
        assert_int_equal(fixture_told(f, "start", id), 4);
        for (uint32_t i = 1; i <= 4; i++)
            fixture_end_task(f, id, i, 1, 0, 10);
        fixture_settle(f);
        assert_string_equal(fixture_outcome(f, id), "completed");
    }
    assert_sound(f);
}

static void a_rehearsed_array_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_request request;
    struct stint_rehearsal told;
    int64_t project;
    json_t *json = json_loads(ARRAY_OF("1-100000%3"), 0, NULL);
    assert_int_equal(stint_request_parse(json, &request, &f->err), 0);
    json_decref(json);
    assert_int_equal(request.task_count, 100000);
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, NULL, &project, &f->err), 0);
    assert_int_equal(stint_jobs_rehearse(f->jobs, &f->anna, &request, project, 0, &told, &f->err),
                     0);
    assert_true(told.p50_ms != 0 && told.p50_ms <= fixture_wall_ms + 1000);
    assert_int_equal(stint_scheduler_pending_count(stint_clerk_scheduler(f->clerk)), 0);
    stint_request_deinit(&request);
    assert_sound(f);
}

static void an_array_depends_as_one_and_is_let_go_as_one(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, "{\"command\":[\"true\"]}");
    uint64_t id = fixture_submit(
        f, &f->anna, "{\"command\":[\"true\"],\"array\":\"1-3\",\"after\":[{\"job_id\":1}]}");
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_DependencyWaiting);
    fixture_end(f, first, 1, 0, 10);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 3);
}

static void a_task_that_cannot_be_paid_waits_with_the_others(void **state)
{
    struct fixture *f = *state; /* the award has 100 core-hours */
    uint64_t id = fixture_submit(f, &f->anna,
                                 "{\"command\":[\"true\"],\"array\":\"1-4\",\"resources\":{"
                                 "\"cpus\":1,\"walltime_s\":144000}}");
    fixture_settle(f);
    assert_int_equal(holding(counts(f, id)), 2);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_BalanceHeld);
    assert_sound(f);
    fixture_end_task(f, id, 1, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(starts_of(f, id, 3), 1);
    assert_int_equal(starts_of(f, id, 4), 0);
    assert_sound(f);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(each_task_runs_once_and_the_job_is_completed),
        CASE(no_more_run_than_the_array_may),
        CASE(an_array_comes_to_what_its_tasks_came_to),
        CASE(a_restart_in_the_middle_loses_no_task_and_repeats_none),
        CASE(cancelled_as_a_whole_it_starts_nothing_more_even_after_a_restart),
        CASE(single_tasks_are_cancelled_held_requeued_by_themselves),
        CASE(held_as_a_whole_only_released_tasks_start),
        CASE(dependencies_on_tasks_and_on_the_whole),
        CASE(an_end_that_is_not_durable_yet_is_no_unknown_job),
        CASE(an_array_waits_for_its_begin_time_as_one),
        CASE(a_late_verdict_is_for_all_tasks),
        CASE(a_rehearsed_array_leaves_no_trace),
        CASE(an_array_depends_as_one_and_is_let_go_as_one),
        CASE(a_task_that_cannot_be_paid_waits_with_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
