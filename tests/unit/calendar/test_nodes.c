/* Drain and resume, from an operator's word to what waits and why. */
#include "fixture.h"

#include <string.h>

#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/record.h"

static int64_t wall_now(void)
{
    return fixture_wall_ms;
}

static int64_t boot_now(void)
{
    return fixture_boot_ms;
}

static struct stint_calendar *open_calendar(struct fixture *f)
{
    struct stint_calendar *calendar = NULL;
    struct stint_calendar_options options = {
        .store = f->store,
        .record = f->record,
        .ledger = f->ledger,
        .resources = &f->resources,
        .now_wall_ms = wall_now,
        .now_boot_ms = boot_now,
    };
    assert_int_equal(stint_calendar_new(&options, &calendar, &f->err), 0);
    assert_int_equal(stint_calendar_load(calendar, &f->err), 0);
    return calendar;
}

static struct stint_act act_of(struct fixture *f, const char *reason)
{
    return (struct stint_act){ &f->operator_caller, reason, false };
}

#define JOB "{\"command\":[\"true\"],\"resources\":{\"cpus\":2}}"

static void a_drained_node_finishes_what_runs_and_starts_nothing(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f, "new fan");
    uint64_t running = fixture_submit(f, &f->anna, JOB);
    fixture_settle(f);
    assert_int_equal(stint_calendar_drain(calendar, &act, NULL, "node0", &f->err), 0);
    uint64_t waiting = fixture_submit(f, &f->anna, JOB);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", running), 1);
    assert_int_equal(fixture_told(f, "control", running), 0);
    assert_int_equal(fixture_told(f, "start", waiting), 0);
    assert_int_equal(fixture_reason(f, waiting), STINT_REASON_NodeDraining);
    fixture_end(f, running, 1, 0, 1000);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", waiting), 0);
    assert_int_equal(stint_calendar_resume(calendar, &act, NULL, "node0", &f->err), 0);
    fixture_settle(f);
    assert_int_equal(fixture_told(f, "start", waiting), 1);
    (void)stint_calendar_free(calendar);
}

static void a_drain_outlives_the_daemon_with_its_reason(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act act = act_of(f, "new fan");
    struct stint_node_view view;
    assert_int_equal(stint_calendar_drain(calendar, &act, NULL, "node0", &f->err), 0);
    (void)stint_calendar_free(calendar);
    fixture_restart(f);
    assert_int_equal(stint_scheduler_node_state(stint_clerk_scheduler(f->clerk), 0), STINT_NODE_UP);
    fixture_wall_ms += 5000;
    calendar = open_calendar(f);
    stint_calendar_node(calendar, 0, 0, &view);
    assert_int_equal(view.state, STINT_NODE_DRAINING);
    assert_string_equal(view.reason, "new fan");
    assert_int_equal(view.since_ms, START_MS);
    assert_int_equal(stint_scheduler_node_state(stint_clerk_scheduler(f->clerk), 0),
                     STINT_NODE_DRAINING);
    (void)stint_calendar_free(calendar);
}

static void what_is_refused_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_calendar *calendar = open_calendar(f);
    struct stint_act good = act_of(f, "new fan");
    struct stint_act by_user = { &f->anna, "new fan", false };
    struct stint_act silent = act_of(f, " ");
    struct stint_act rehearsal = { &f->operator_caller, "new fan", true };
    struct stint_record_mark before = stint_record_mark(f->record);
    const struct {
        struct stint_act *act;
        const char *node;
        int answer;
    } cases[] = {
        { &by_user, "node0", STINT_NOT_PERMITTED },
        { &silent, "node0", STINT_INVALID },
        { &good, "node9", STINT_NOT_FOUND },
        { &rehearsal, "node0", 0 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        assert_int_equal(stint_calendar_drain(calendar, cases[i].act, NULL, cases[i].node, &f->err),
                         cases[i].answer);
    assert_int_equal(stint_calendar_resume(calendar, &good, NULL, "node0", &f->err),
                     STINT_CONFLICT);
    assert_int_equal(stint_record_mark(f->record).size, before.size);
    assert_int_equal(stint_scheduler_node_state(stint_clerk_scheduler(f->clerk), 0), STINT_NODE_UP);
    assert_int_equal(stint_calendar_drain(calendar, &good, NULL, "node0", &f->err), 0);
    assert_int_equal(stint_calendar_drain(calendar, &good, NULL, "node0", &f->err), STINT_CONFLICT);
    assert_int_equal(stint_record_mark(f->record).size, before.size + 1);
    (void)stint_calendar_free(calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_drained_node_finishes_what_runs_and_starts_nothing,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_drain_outlives_the_daemon_with_its_reason, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_leaves_no_trace, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
