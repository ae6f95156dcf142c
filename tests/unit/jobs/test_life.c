/* The life of a job over real books and a real store: what is told to the engine, when, and what is
 * left after a restart. */
#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "stint/clerk.h"

#define TRUE_JOB   "{\"command\":[\"true\"],\"resources\":{\"cpus\":1,\"walltime_s\":3600}}"
#define FOUR_CORES "{\"command\":[\"true\"],\"resources\":{\"cpus\":4,\"walltime_s\":3600}}"

struct balance {
    int64_t used;
    int64_t held;
};

static bool take_award(void *context, const struct stint_award_view *view)
{
    *(struct balance *)context = (struct balance){ view->used_micro, view->held_micro };
    return false;
}

static struct balance balance(struct fixture *f)
{
    struct balance b = { 0 };
    stint_ledger_each_award(f->ledger, take_award, &b);
    return b;
}

static void assert_books(struct fixture *f)
{
    struct stint_store_audit audit;
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.unbalanced, 0);
    assert_int_equal(audit.overdrawn, 0);
    assert_int_equal(audit.held_micro, audit.open_hold_micro);
}

static void a_job_is_started_once_charged_and_forgotten(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    assert_int_equal(fixture_told(f, "start", id), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 1);
    assert_int_equal(fixture_state(f, id), STINT_JOB_STARTING);
    assert_int_equal(balance(f).held, 1000000);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ id, 0, 1 });
    assert_int_equal(fixture_state(f, id), STINT_JOB_RUNNING);
    fixture_wall_ms += 1800000;
    fixture_boot_ms += 1800000;
    fixture_end(f, id, 1, 0, 1800000);
    assert_int_equal(fixture_told(f, "forget", id), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "forget", id), 1);
    assert_string_equal(fixture_outcome(f, id), "completed");
    assert_int_equal(balance(f).held, 0);
    assert_int_equal(balance(f).used, 500000);
    assert_books(f);
}

static void a_second_job_waits_for_capacity_and_starts_at_the_end(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, FOUR_CORES);
    uint64_t second = fixture_submit(f, &f->bert, FOUR_CORES);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, second), STINT_JOB_PENDING);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_Capacity);
    fixture_end(f, first, 1, 3, 1000);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, first), "failed");
    assert_int_equal(fixture_told(f, "start", second), 1);
}

static void a_held_job_waits_until_its_owner_releases_it(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"hold\":true}");
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_HeldByUser);
    assert_int_equal(stint_jobs_act(f->jobs, &f->bert, id, STINT_VERB_RELEASE, &f->err),
                     STINT_NOT_PERMITTED);
    assert_int_equal(stint_jobs_act(f->jobs, &f->operator_caller, id, STINT_VERB_HOLD, &f->err), 0);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_HeldByAdmin);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, id, STINT_VERB_RELEASE, &f->err),
                     STINT_NOT_PERMITTED);
    assert_int_equal(stint_jobs_act(f->jobs, &f->operator_caller, id, STINT_VERB_RELEASE, &f->err),
                     0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 1);
}

static void cancel_before_the_commit_starts_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t waiting = fixture_submit(f, &f->anna, FOUR_CORES);
    stint_jobs_pass(f->jobs); /* granted, not durable */
    assert_int_equal(fixture_state(f, waiting), STINT_JOB_STARTING);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, waiting, STINT_VERB_CANCEL, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", waiting), 0);
    assert_string_equal(fixture_outcome(f, waiting), "cancelled");
    assert_int_equal(balance(f).held, 0);
    assert_books(f);
}

static void a_charge_stops_at_the_walltime(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    fixture_end(f, id, 1, 0, 9999999);
    fixture_settle(f);
    assert_int_equal(balance(f).used, 1000000);
}

static void a_dependency_lets_go_or_says_that_it_never_will(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, TRUE_JOB);
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"after\":[{\"job_id\":%d,\"when\":\"ok\"}]}",
                   (int)first);
    uint64_t ok = fixture_submit(f, &f->anna, text);
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"after\":[{\"job_id\":%d,\"when\":\"fail\"}]}",
                   (int)first);
    uint64_t fail = fixture_submit(f, &f->anna, text);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, ok), STINT_REASON_DependencyWaiting);
    fixture_end(f, first, 1, 1, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, ok), STINT_REASON_DependencyFailed);
    assert_int_equal(fixture_told(f, "start", fail), 1);
    (void)snprintf(text, sizeof(text),
                   "{\"command\":[\"true\"],\"after\":[{\"job_id\":%d,\"when\":\"any\"}]}",
                   (int)first);
    uint64_t late = fixture_submit(f, &f->anna, text);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", late), 1);
    assert_int_equal(
        fixture_submit(f, &f->anna,
                       "{\"command\":[\"true\"],\"after\":[{\"job_id\":999,\"when\":\"ok\"}]}"),
        0);
}

static void a_begin_time_follows_a_stepped_clock(void **state)
{
    struct fixture *f = *state;
    uint64_t id =
        fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"begin\":\"2026-05-25T13:00:00Z\"}");
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, id), STINT_REASON_BeforeBeginTime);
    fixture_boot_ms += 1000;
    fixture_wall_ms += 3600000; /* somebody set the clock an hour on */
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 1);
}

static void a_restart_adopts_what_runs_and_sends_again_what_never_began(void **state)
{
    struct fixture *f = *state;
    uint64_t running = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ running, 0, 1 });
    uint64_t starting = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    uint64_t held = fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"hold\":true}");
    fixture_restart(f);
    assert_int_equal(fixture_told(f, "adopt", running), 1);
    assert_int_equal(fixture_state(f, running), STINT_JOB_RUNNING);
    assert_int_equal(fixture_state(f, held), STINT_JOB_HELD);
    assert_int_equal(balance(f).held, 2000000);
    f->engine.adopt_answer = STINT_NOT_FOUND;
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", starting), 1);
    assert_string_equal(fixture_outcome(f, running), "lost");
    assert_int_equal(balance(f).held, 1000000);
    assert_books(f);
}

/* Its folder need not have reached the disk when the power went, so nothing says it did not run. */
static void a_start_of_an_earlier_boot_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    uint64_t starting = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    f->engine.adopt_answer = STINT_NOT_FOUND;
    fixture_boot_id = "next-boot";
    fixture_restart(f);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", starting), 0);
    assert_string_equal(fixture_outcome(f, starting), "node-failed");
    assert_int_equal(balance(f).held, 0);
    assert_books(f);
}

static void an_end_of_another_attempt_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    fixture_end(f, id, 2, 0, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, id), STINT_JOB_STARTING);
}

static bool see_end(void *context, const struct stint_job_row *row)
{
    *(int64_t *)context = row->end_ms;
    return true;
}

static int64_t stored_end_ms(struct fixture *f, uint64_t id)
{
    int64_t end_ms = 0;
    assert_int_equal(stint_reader_job(stint_store_reader(f->store), id, see_end, &end_ms), 0);
    return end_ms;
}

/* No daemon was there meanwhile, or the disk was full. */
static void an_end_that_is_heard_of_late_keeps_its_time(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    uint64_t array = fixture_submit(f, &f->anna, "{\"command\":[\"true\"],\"array\":\"1-2\"}");
    static const int64_t after_ms[] = { 0, 9000, 4000 }; /* the tasks' ends come in any order */
    fixture_settle(f);
    int64_t ended_ms = fixture_wall_ms + 1000;
    fixture_wall_ms += 3600000;
    fixture_boot_ms += 3600000;
    for (uint32_t i = 0; i < 3; i++) {
        struct stint_run_end end = { .key = { i == 0 ? id : array, i, 1 },
                                     .started_ms = ended_ms - 1000,
                                     .ended_ms = ended_ms + after_ms[i],
                                     .elapsed_ms = 1000 };
        stint_jobs_on_run_ended(f->jobs, &end);
    }
    fixture_settle(f);
    assert_int_equal(stored_end_ms(f, id), ended_ms);
    assert_int_equal(stored_end_ms(f, array), ended_ms + 9000);
}

static void a_requeued_run_comes_back_as_the_next_attempt(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ id, 0, 1 });
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, id, STINT_VERB_REQUEUE, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "control", id), 1);
    fixture_end(f, id, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", id), 2);
    fixture_end(f, id, 2, 0, 1000);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, id), "completed");
    assert_books(f);
}

static void an_engine_whose_queue_is_full_is_asked_again(void **state)
{
    struct fixture *f = *state;
    f->engine.start_answer = STINT_BUSY;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    stint_jobs_pass(f->jobs);
    fixture_settle(f);
    assert_int_equal(fixture_state(f, id), STINT_JOB_STARTING);
    f->engine.start_answer = 0;
    stint_jobs_pass(f->jobs);
    assert_true(fixture_told(f, "start", id) >= 2);
    fixture_end(f, id, 1, 0, 1000);
    fixture_settle(f);
    assert_string_equal(fixture_outcome(f, id), "completed");
}

static void a_suspended_run_has_no_known_end_and_its_clock_stands(void **state)
{
    struct fixture *f = *state;
    struct stint_job_view view;
    uint64_t id = fixture_submit(f, &f->anna, FOUR_CORES);
    fixture_settle(f);
    stint_jobs_on_run_started(f->jobs, (struct stint_run_key){ id, 0, 1 });
    uint64_t waiting = fixture_submit(f, &f->bert, FOUR_CORES);
    fixture_boot_ms += 600000;
    fixture_wall_ms += 600000;
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, id, STINT_VERB_SUSPEND, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(stint_jobs_view(f->jobs, id, &view), 0);
    assert_int_equal(view.ends_by_ms, 0);
    assert_int_equal(stint_jobs_view(f->jobs, waiting, &view), 0);
    assert_int_equal(view.estimate_p90_ms, 0);
    fixture_restart(f);
    fixture_boot_ms += 7200000;
    fixture_wall_ms += 7200000;
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, id, STINT_VERB_RESUME, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(stint_jobs_view(f->jobs, id, &view), 0);
    assert_int_equal(view.ends_by_ms, fixture_wall_ms + 3600000 - 600000);
    fixture_restart(f);
    assert_int_equal(stint_jobs_view(f->jobs, id, &view), 0);
    assert_int_equal(view.ends_by_ms, fixture_wall_ms + 3600000 - 600000);
}

static void a_rehearsal_says_when_and_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_request request;
    struct stint_rehearsal told;
    uint64_t first = fixture_submit(f, &f->anna, FOUR_CORES);
    fixture_settle(f);
    json_t *json = json_loads(FOUR_CORES, 0, NULL);
    assert_int_equal(stint_request_parse(json, &request, &f->err), 0);
    json_decref(json);
    int64_t project;
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, NULL, &project, &f->err), 0);
    assert_int_equal(stint_jobs_rehearse(f->jobs, &f->anna, &request, project, 0, &told, &f->err),
                     0);
    assert_int_equal(told.p90_ms, fixture_wall_ms + 3600000);
    stint_request_deinit(&request);
    fixture_end(f, first, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(stint_scheduler_pending_count(stint_clerk_scheduler(f->clerk)), 0);
    assert_int_equal(stint_scheduler_running_count(stint_clerk_scheduler(f->clerk)), 0);
}

static void a_job_that_ended_is_done_and_not_unknown(void **state)
{
    struct fixture *f = *state;
    uint64_t id = fixture_submit(f, &f->anna, TRUE_JOB);
    fixture_settle(f);
    fixture_end(f, id, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, id, STINT_VERB_CANCEL, &f->err),
                     STINT_WRONG_STATE);
    assert_int_equal(stint_jobs_act(f->jobs, &f->anna, 999, STINT_VERB_CANCEL, &f->err),
                     STINT_NOT_FOUND);
}

static void a_suspended_project_waits_with_that_reason_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct stint_act act = { &f->operator_caller, "term break", false };
    uint64_t first = fixture_submit(f, &f->anna, FOUR_CORES);
    fixture_settle(f);
    uint64_t second = fixture_submit(f, &f->anna, FOUR_CORES);
    fixture_settle(f);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &act, "default", true, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_ProjectSuspended);
    fixture_end(f, first, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", second), 0);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &act, "default", false, &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", second), 1);
}

/* Each asks for 80 of the award's 100 core-hours: the second waits for what the first holds. */
static void a_job_that_cannot_pay_starts_when_a_settlement_frees_the_balance(void **state)
{
    static const char eighty_hours[] =
        "{\"command\":[\"a\"],\"resources\":{\"cpus\":2,\"walltime_s\":144000}}";
    struct fixture *f = *state;
    uint64_t first = fixture_submit(f, &f->anna, eighty_hours);
    fixture_settle(f);
    uint64_t second = fixture_submit(f, &f->anna, eighty_hours);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", first), 1);
    assert_int_equal(fixture_reason(f, second), STINT_REASON_BalanceHeld);
    fixture_end(f, first, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", second), 1);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE(a_job_is_started_once_charged_and_forgotten),
        LIFE(a_second_job_waits_for_capacity_and_starts_at_the_end),
        LIFE(a_held_job_waits_until_its_owner_releases_it),
        LIFE(cancel_before_the_commit_starts_nothing),
        LIFE(a_charge_stops_at_the_walltime),
        LIFE(a_dependency_lets_go_or_says_that_it_never_will),
        LIFE(a_begin_time_follows_a_stepped_clock),
        LIFE(a_restart_adopts_what_runs_and_sends_again_what_never_began),
        LIFE(a_start_of_an_earlier_boot_is_not_sent_again),
        LIFE(an_end_of_another_attempt_changes_nothing),
        LIFE(an_end_that_is_heard_of_late_keeps_its_time),
        LIFE(a_requeued_run_comes_back_as_the_next_attempt),
        LIFE(an_engine_whose_queue_is_full_is_asked_again),
        LIFE(a_suspended_run_has_no_known_end_and_its_clock_stands),
        LIFE(a_rehearsal_says_when_and_leaves_no_trace),
        LIFE(a_job_that_ended_is_done_and_not_unknown),
        LIFE(a_suspended_project_waits_with_that_reason_and_goes_on),
        LIFE(a_job_that_cannot_pay_starts_when_a_settlement_frees_the_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
