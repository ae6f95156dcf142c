/* Awards on two resources: each pays where it is, at that place's price and in its unit; one whose
 * resource is not configured any more pays nothing new and settles what runs. */
#include "fixture.h"

#include <stdio.h>

/* `cpu` without GPUs at half the price, beside the fixture's machine with GPUs. */
static void divide(struct fixture *f)
{
    static struct stint_shape shape = { .core_count = 8, .memory_bytes = INT64_C(16) << 30 };
    static struct stint_node nodes[1] = { { "node2", &shape } };
    static struct stint_machine machine = { .node_count = 1, .nodes = nodes };
    f->resources.list[1] = (struct stint_resource){ .name = "cpu",
                                                    .machine = &machine,
                                                    .rate_micro = HOUR_MICRO / 2,
                                                    .preemptible_rate_micro = HOUR_MICRO };
    f->resources.count = 2;
    fixture_restart(f);
}

static void grant_cpu(struct fixture *f)
{
    int64_t id;
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "cpu-nlp", "nlp", "cpu",
                                              10 * HOUR_MICRO, clock_ms, clock_ms + DAY_MS, NULL,
                                              &id, &f->err),
                     0);
}

static void an_award_pays_on_its_resource(void **state)
{
    struct fixture *f = *state;
    enum stint_reason_code code;
    int64_t award;
    fixture_nlp(f, 100);
    divide(f);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 1, 0, HOUR_MICRO, &award).code,
                     STINT_REASON_NoAward);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 1, ANNA, NULL, 1, 60, 1, &code, &f->err),
        STINT_NO_AWARD);
    assert_string_equal(f->err.text, "project nlp has no award on resource cpu");
    assert_string_equal(f->err.fix, "--resource local, where it has award 2026-nlp");
    grant_cpu(f);
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 1, 0, HOUR_MICRO, &award).code,
                     STINT_REASON_NONE);
    assert_int_equal(award, stint_ledger_award_id(f->ledger, "cpu-nlp"));
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 0, 0, HOUR_MICRO, &award).code,
                     STINT_REASON_NONE);
    assert_int_equal(award, stint_ledger_award_id(f->ledger, "2026-nlp"));
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, "cpu-nlp", 1, 60, 1, &code, &f->err),
        STINT_NO_AWARD);
    assert_string_equal(f->err.text, "award cpu-nlp is on resource cpu, and the job on local");
    assert_string_equal(fixture_award(f->ledger, "cpu-nlp").unit, "core-hour");
    assert_string_equal(fixture_award(f->ledger, "2026-nlp").unit, "gpu-hour");
    struct stint_charge_size size = { .cores = 4, .resource = 1 };
    assert_int_equal(stint_ledger_charge(f->ledger, &size, HOUR_MS), 2 * HOUR_MICRO);
    size.resource = STINT_RESOURCE_NONE;
    assert_int_equal(stint_ledger_charge(f->ledger, &size, HOUR_MS), 0);
}

static void hours_of_different_places_are_not_moved(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 100);
    divide(f);
    grant_cpu(f);
    assert_int_equal(
        stint_ledger_award_transfer(f->ledger, &f->act, "2026-nlp", "cpu-nlp", HOUR_MICRO, &f->err),
        STINT_INVALID);
    int64_t id;
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "x", "nlp", "moon", HOUR_MICRO,
                                              clock_ms, clock_ms + DAY_MS, NULL, &id, &f->err),
                     STINT_NOT_FOUND);
    assert_string_equal(f->err.fix, "one of: local, cpu");
    /* What is left of a place that is no more can be had elsewhere, in the same unit. */
    (void)snprintf(f->resources.list[1].name, sizeof(f->resources.list[1].name), "new");
    fixture_restart(f);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "new-nlp", "nlp", "new",
                                              HOUR_MICRO, clock_ms, clock_ms + DAY_MS, NULL, &id,
                                              &f->err),
                     0);
    assert_int_equal(
        stint_ledger_award_transfer(f->ledger, &f->act, "cpu-nlp", "2026-nlp", HOUR_MICRO, &f->err),
        STINT_INVALID);
    assert_int_equal(
        stint_ledger_award_transfer(f->ledger, &f->act, "cpu-nlp", "new-nlp", HOUR_MICRO, &f->err),
        0);
    assert_int_equal(fixture_award(f->ledger, "new-nlp").awarded_micro, 2 * HOUR_MICRO);
}

static void a_run_of_a_resource_that_is_gone_is_settled_by_its_time(void **state)
{
    struct fixture *f = *state;
    int64_t charged = 0;
    fixture_nlp(f, 100);
    divide(f);
    grant_cpu(f);
    struct stint_ledger_run run = fixture_run(f, 1, 3600);
    run.award = stint_ledger_award_id(f->ledger, "cpu-nlp");
    run.size = (struct stint_charge_size){ .cores = 4, .resource = 1 };
    run.held_micro = stint_ledger_charge(f->ledger, &run.size, run.walltime_ms);
    assert_int_equal(run.held_micro, 2 * HOUR_MICRO);
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    f->resources.count = 1;
    fixture_restart(f);
    run.award = stint_ledger_award_id(f->ledger, "cpu-nlp");
    run.size.resource = STINT_RESOURCE_NONE;
    assert_string_equal(fixture_award(f->ledger, "cpu-nlp").resource, "cpu");
    assert_string_equal(fixture_award(f->ledger, "cpu-nlp").unit, "core-hour");
    assert_int_equal(stint_ledger_settle(f->ledger, &run, HOUR_MS / 4, &charged, &f->err), 0);
    assert_int_equal(charged, HOUR_MICRO / 2);
    assert_int_equal(fixture_award(f->ledger, "cpu-nlp").held_micro, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_award_pays_on_its_resource, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(hours_of_different_places_are_not_moved, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_run_of_a_resource_that_is_gone_is_settled_by_its_time,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
