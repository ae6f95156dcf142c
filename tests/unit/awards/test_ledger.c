/* Who may what, what pays, what is refused, and what is written down of it. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

static void a_first_start_makes_a_place_to_submit_to(void **state)
{
    struct fixture *f = *state;
    int64_t project = 0, award = 0;
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, NULL, &project, &f->err), 0);
    assert_string_equal(stint_ledger_project_name(f->ledger, project), "default");
    struct stint_reason reason =
        stint_ledger_award_for(f->ledger, project, 0, 0, HOUR_MICRO, &award);
    assert_int_equal(reason.code, STINT_REASON_NONE);
    assert_int_equal(fixture_award(f->ledger, "default").awarded_micro, 1000 * HOUR_MICRO);
    assert_int_equal(stint_ledger_role(f->ledger, 70000, "x"), STINT_ROLE_OPERATOR);
    assert_int_equal(stint_ledger_role(f->ledger, 0, "root"), STINT_ROLE_OPERATOR);
    assert_int_equal(stint_ledger_role(f->ledger, ANNA, "x"), STINT_ROLE_USER);
}

static void a_second_start_makes_nothing_new(void **state)
{
    struct fixture *f = *state;
    size_t before = entry_count;
    struct stint_ledger *other = fixture_reload(f);
    assert_int_equal(entry_count, before);
    assert_int_equal(fixture_award(other, "default").awarded_micro, 1000 * HOUR_MICRO);
    (void)stint_ledger_free(other);
}

static void only_members_use_a_project(void **state)
{
    struct fixture *f = *state;
    struct stint_caller bert = { .uid = BERT, .name = "70002", .role = STINT_ROLE_USER };
    int64_t id = 0;
    fixture_nlp(f, 10);
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, "nlp", &id, &f->err), 0);
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, NULL, &id, &f->err), 0);
    assert_string_equal(stint_ledger_project_name(f->ledger, id), "nlp");
    assert_int_equal(stint_ledger_project_for(f->ledger, &bert, "nlp", &id, &f->err),
                     STINT_NOT_PERMITTED);
    assert_non_null(strstr(f->err.fix, "stint admin user add 70002 --project nlp"));
    assert_int_equal(stint_ledger_project_for(f->ledger, &bert, "no-such", &id, &f->err),
                     STINT_NOT_FOUND);
    assert_true(stint_ledger_is_member(f->ledger, ANNA, "nlp"));
    assert_false(stint_ledger_is_member(f->ledger, BERT, "nlp"));
    assert_int_equal(stint_ledger_user_remove(f->ledger, &f->act, "70001", "nlp", &f->err), 0);
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->anna, "nlp", &id, &f->err),
                     STINT_NOT_PERMITTED);
}

static void a_closed_site_answers_how_to_ask(void **state)
{
    struct fixture *f = *state;
    struct stint_ledger *closed = NULL;
    int64_t id;
    f->options.join_open = false;
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_ledger_new(&f->options, &closed, &f->err), 0);
    assert_int_equal(stint_ledger_load(closed, &f->err), 0);
    assert_int_equal(stint_ledger_project_for(closed, &f->anna, NULL, &id, &f->err),
                     STINT_NOT_PERMITTED);
    assert_non_null(strstr(f->err.text, "70001 is not a member of any project"));
    assert_non_null(strstr(f->err.fix, "user add 70001 --project NAME --reason"));
    assert_int_equal(stint_ledger_project_for(closed, &f->anna, "default", &id, &f->err),
                     STINT_NOT_PERMITTED);
    assert_non_null(strstr(f->err.fix, "user add 70001 --project default --reason"));
    (void)stint_ledger_free(closed);
}

static void the_award_that_ends_first_pays(void **state)
{
    struct fixture *f = *state;
    int64_t id, award;
    fixture_nlp(f, 10);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "soon", "nlp", NULL,
                                              2 * HOUR_MICRO, clock_ms, clock_ms + DAY_MS, NULL,
                                              &id, &f->err),
                     0);
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 0, 0, HOUR_MICRO, &award).code,
                     STINT_REASON_NONE);
    assert_int_equal(award, id);
    /* too dear for it, not for the other */
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 0, 0, 5 * HOUR_MICRO, &award).code,
                     STINT_REASON_NONE);
    assert_int_equal(award, stint_ledger_award_id(f->ledger, "2026-nlp"));
    /* one that was asked for is the one that pays, or nobody does */
    assert_int_equal(stint_ledger_award_for(f->ledger, project, 0, id, 5 * HOUR_MICRO, &award).code,
                     STINT_REASON_BalanceExhausted);
    assert_int_equal(award, id);
}

static void what_stands_in_the_way_is_said_with_figures(void **state)
{
    struct fixture *f = *state;
    int64_t award;
    fixture_nlp(f, 2);
    struct stint_ledger_run run = fixture_run(f, 1, 3600);
    int64_t project = run.project;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    struct stint_reason reason =
        stint_ledger_award_for(f->ledger, project, 0, 0, 2 * HOUR_MICRO, &award);
    assert_int_equal(reason.code, STINT_REASON_BalanceHeld);
    assert_int_equal(reason.used, HOUR_MICRO);
    assert_int_equal(reason.limit, 2 * HOUR_MICRO);
    assert_int_equal(stint_ledger_settle(f->ledger, &run, 3600000, NULL, &f->err), 0);
    reason = stint_ledger_award_for(f->ledger, project, 0, 0, 2 * HOUR_MICRO, &award);
    assert_int_equal(reason.code, STINT_REASON_BalanceExhausted);
    clock_ms += 91 * DAY_MS;
    reason = stint_ledger_award_for(f->ledger, project, 0, 0, 1, &award);
    assert_int_equal(reason.code, STINT_REASON_AwardExpired);
    clock_ms -= 92 * DAY_MS;
    reason = stint_ledger_award_for(f->ledger, project, 0, 0, 1, &award);
    assert_int_equal(reason.code, STINT_REASON_AwardNotStarted);
    assert_int_equal(reason.until_ms, NOON_MS);
}

static void a_revoked_award_is_named(void **state)
{
    struct fixture *f = *state;
    int64_t award, id;
    enum stint_reason_code code;
    struct stint_account_view view;
    fixture_nlp(f, 2);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_award_change(f->ledger, &f->act, "2026-nlp", STINT_AWARD_REVOKE,
                                               0, 0, &f->err),
                     0);
    for (int is_asked = 0; is_asked < 2; is_asked++) {
        const char *name = is_asked ? "2026-nlp" : NULL;
        struct stint_reason reason = stint_ledger_award_for(
            f->ledger, project, 0, stint_ledger_award_id(f->ledger, name ? name : "none"), 1,
            &award);
        assert_int_equal(reason.code, STINT_REASON_AwardExpired);
        stint_ledger_account(f->ledger, reason.account, 0, &view);
        assert_string_equal(view.name, "2026-nlp");
        assert_string_equal(fixture_award(f->ledger, view.name).state, "revoked");
        assert_int_equal(
            stint_ledger_can_pay(f->ledger, project, 0, ANNA, name, 1, 60, 1, &code, &f->err),
            STINT_NO_AWARD);
        assert_non_null(strstr(f->err.text, "2026-nlp of project nlp was revoked"));
    }
    /* Any other is nearer, expired ones too. */
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "other", "nlp", NULL, HOUR_MICRO,
                                              clock_ms, clock_ms + DAY_MS, NULL, &id, &f->err),
                     0);
    clock_ms += 2 * DAY_MS;
    struct stint_reason reason = stint_ledger_award_for(f->ledger, project, 0, 0, 1, &award);
    assert_int_equal(reason.code, STINT_REASON_AwardExpired);
    assert_int_equal(award, id);
    stint_ledger_account(f->ledger, reason.account, 0, &view);
    assert_string_equal(view.name, "other");
    clock_ms -= 2 * DAY_MS;
}

static void an_expired_award_starts_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 2);
    struct stint_ledger_run run = fixture_run(f, 1, 60);
    clock_ms += 90 * DAY_MS;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), STINT_NO_AWARD);
    clock_ms -= 1;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    assert_int_equal(stint_ledger_award_change(f->ledger, &f->act, "2026-nlp", STINT_AWARD_REVOKE,
                                               0, 0, &f->err),
                     0);
    run.key.job = 2;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), STINT_NO_AWARD);
}

static void a_run_is_charged_what_it_used_and_never_more_than_its_walltime(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t elapsed_ms, charged_micro;
    } cases[] = { { 0, 0 },
                  { 1, 1 },
                  { 1800000, 500000 },
                  { 3600000, 1000000 },
                  { 3600001, 1000000 },
                  { 7200000, 1000000 } };
    int64_t used = 0;
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_ledger_run run = fixture_run(f, i + 1, 3600);
        int64_t charged = -1;
        assert_int_equal(run.held_micro, HOUR_MICRO);
        assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
        assert_int_equal(fixture_award(f->ledger, "2026-nlp").held_micro, HOUR_MICRO);
        assert_int_equal(
            stint_ledger_settle(f->ledger, &run, cases[i].elapsed_ms, &charged, &f->err), 0);
        assert_int_equal(charged, cases[i].charged_micro);
        used += charged;
        assert_int_equal(fixture_award(f->ledger, "2026-nlp").used_micro, used);
        assert_int_equal(fixture_award(f->ledger, "2026-nlp").held_micro, 0);
    }
}

static void a_hold_never_passes_what_was_awarded(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 2);
    struct stint_ledger_run run = fixture_run(f, 1, 3600);
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    run.key.job = 2;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    run.key.job = 3;
    run.held_micro = 1;
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), STINT_NO_AWARD);
    /* and no reduction takes what is held */
    assert_int_equal(stint_ledger_award_change(f->ledger, &f->act, "2026-nlp", STINT_AWARD_REDUCE,
                                               1, 0, &f->err),
                     STINT_NO_AWARD);
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").awarded_micro, 2 * HOUR_MICRO);
}

static void what_can_never_be_paid_is_refused_at_submit(void **state)
{
    struct fixture *f = *state;
    enum stint_reason_code code;
    int64_t id;
    fixture_nlp(f, 2);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 2 * HOUR_MICRO, 60, 1,
                                          &code, &f->err),
                     0);
    assert_int_equal(stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 2 * HOUR_MICRO + 1, 60,
                                          1, &code, &f->err),
                     STINT_NO_AWARD);
    assert_int_equal(code, STINT_REASON_BalanceExhausted);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, "default", 1, 60, 1, &code, &f->err),
        STINT_NO_AWARD);
    assert_int_equal(code, STINT_REASON_NoAward);
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "poor", "uni", NULL, NULL, &id, &f->err), 0);
    assert_int_equal(stint_ledger_can_pay(f->ledger, id, 0, ANNA, NULL, 1, 60, 1, &code, &f->err),
                     STINT_NO_AWARD);
    assert_int_equal(code, STINT_REASON_NoAward);
}

static void suspended_people_and_projects_wait(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).code,
                     STINT_REASON_NONE);
    assert_int_equal(stint_ledger_user_suspend(f->ledger, &f->act, "70001", true, &f->err), 0);
    assert_int_equal(stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).code,
                     STINT_REASON_UserSuspended);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &f->act, "nlp", true, &f->err), 0);
    assert_int_equal(stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).code,
                     STINT_REASON_ProjectSuspended);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &f->act, "nlp", true, &f->err),
                     STINT_WRONG_STATE);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &f->act, "nlp", false, &f->err), 0);
    assert_int_equal(stint_ledger_user_suspend(f->ledger, &f->act, "70001", false, &f->err), 0);
    assert_int_equal(stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).code,
                     STINT_REASON_NONE);
}

/* ---- shares */

struct shown_shares {
    char text[256];
};

static bool shares_keep(void *context, const struct stint_share_view *view)
{
    struct shown_shares *shown = context;
    (void)snprintf(shown->text + strlen(shown->text), sizeof(shown->text) - strlen(shown->text),
                   "%s %s %lld, ", view->scope, view->name, (long long)view->shares);
    return true;
}

static void weights_hang_in_the_tree_and_outlive_a_restart(void **state)
{
    struct fixture *f = *state;
    struct shown_shares shown = { "" };
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    uint32_t seat = stint_ledger_seat(f->ledger, project, ANNA);
    (void)stint_ledger_accounts(f->ledger, project, ANNA, 0, accounts);
    assert_int_equal(told_shares[seat].parent, accounts[2]);
    assert_int_equal(told_shares[accounts[2]].parent, accounts[1]);
    assert_int_equal(told_shares[accounts[1]].parent, accounts[0]);
    assert_int_equal(told_shares[accounts[3]].parent, STINT_NO_ACCOUNT); /* limits alone */
    assert_int_equal(told_shares[accounts[3]].shares, 0);
    assert_int_equal(
        stint_ledger_share_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp", 3, &f->err), 0);
    assert_int_equal(
        stint_ledger_share_set(f->ledger, &f->act, STINT_SCOPE_USER, "70001", 5, &f->err), 0);
    assert_int_equal(told_shares[accounts[2]].shares, 3);
    assert_int_equal(told_shares[seat].shares, 5);
    assert_string_equal(entries[entry_count - 1].type, "share.set");
    assert_null(strstr(entries[entry_count - 1].subject, "70001")); /* invariant 10 */
    assert_non_null(strstr(entries[entry_count - 2].subject, "\"before\":1,\"after\":3"));
    fixture_restart(f);
    project = fixture_project(f, "nlp");
    seat = stint_ledger_seat(f->ledger, project, ANNA);
    assert_int_equal(told_shares[seat].shares, 5);
    stint_ledger_shares_of(f->ledger, 0, project, ANNA, shares_keep, &shown);
    assert_non_null(strstr(shown.text, "user 70001 5, project nlp 3, institution "));
}

static void weights_out_of_their_bounds_change_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum stint_quota_scope scope;
        const char *name;
        int64_t shares;
        int code;
    } cases[] = {
        { STINT_SCOPE_SITE, NULL, 1, STINT_INVALID },
        { STINT_SCOPE_PROJECT, "nlp", -1, STINT_INVALID },
        { STINT_SCOPE_PROJECT, "nlp", STINT_LEDGER_SHARES_MAX + 1, STINT_INVALID },
        { STINT_SCOPE_PROJECT, "none", 1, STINT_NOT_FOUND },
        { STINT_SCOPE_PROJECT, "nlp", STINT_LEDGER_SHARES_MAX, 0 },
        { STINT_SCOPE_PROJECT, "nlp", 0, 0 },
    };
    fixture_nlp(f, 100);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        size_t count = entry_count;
        assert_int_equal(stint_ledger_share_set(f->ledger, &f->act, cases[i].scope, cases[i].name,
                                                cases[i].shares, &f->err),
                         cases[i].code);
        assert_int_equal(entry_count, count + (cases[i].code == 0));
    }
    struct stint_act rehearsal = f->act;
    rehearsal.is_rehearsal = true;
    size_t count = entry_count;
    assert_int_equal(
        stint_ledger_share_set(f->ledger, &rehearsal, STINT_SCOPE_PROJECT, "nlp", 7, &f->err), 0);
    assert_int_equal(entry_count, count);
}

/* A restart tells the core what each run that ended had held, and nothing of those that had not
 * begun or whose use has decayed to nothing. */
static void past_use_is_told_again_from_the_runs(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    static const struct {
        int64_t start_ms, end_ms, elapsed_ms;
    } runs[] = {
        { NOON_MS, NOON_MS + HOUR_MS, HOUR_MS - 1000 },      /* suspended for a second */
        { NOON_MS, NOON_MS + HOUR_MS, 0 },                   /* lost, or never began */
        { NOON_MS - 65 * DAY_MS, NOON_MS - 64 * DAY_MS, 1 }, /* long ago */
        { NOON_MS + HOUR_MS, 0, 0 },                         /* goes on */
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(runs); i++) {
        struct stint_job_row job = { .id = i + 1,
                                     .state = runs[i].end_ms ? "done" : "running",
                                     .project = project,
                                     .uid = ANNA,
                                     .end_ms = runs[i].end_ms };
        struct stint_run_row run = { .job = i + 1,
                                     .attempt = 1,
                                     .state = "done",
                                     .cpus = 4,
                                     .gpu_milli = 2000,
                                     .memory_bytes = INT64_C(1) << 30,
                                     .project = project,
                                     .uid = ANNA,
                                     .start_ms = runs[i].start_ms,
                                     .end_ms = runs[i].end_ms,
                                     .elapsed_ms = runs[i].elapsed_ms };
        struct stint_change change = { .event = { .kind = "job.test", .job = i + 1 },
                                       .job = &job,
                                       .run = &run,
                                       .job_is_new = true,
                                       .run_is_new = true };
        assert_int_equal(stint_store_put_change(f->store, &change, NULL, &f->err), 0);
    }
    clock_ms = NOON_MS + 2 * HOUR_MS;
    f->resources.list[0].half_life_ms = DAY_MS;
    fixture_restart(f);
    assert_int_equal(told_use_count, 1);
    assert_int_equal(told_uses[0].account, stint_ledger_seat(f->ledger, project, ANNA));
    assert_int_equal(told_uses[0].ask.cpus, 4);
    assert_int_equal(told_uses[0].ask.gpus, 2);
    assert_int_equal(told_uses[0].until_ms - told_uses[0].from_ms, HOUR_MS);
    f->resources.list[0].half_life_ms = 0;
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_first_start_makes_a_place_to_submit_to),
        LEDGER_TEST(a_second_start_makes_nothing_new),
        LEDGER_TEST(only_members_use_a_project),
        LEDGER_TEST(a_closed_site_answers_how_to_ask),
        LEDGER_TEST(the_award_that_ends_first_pays),
        LEDGER_TEST(what_stands_in_the_way_is_said_with_figures),
        LEDGER_TEST(a_revoked_award_is_named),
        LEDGER_TEST(an_expired_award_starts_nothing),
        LEDGER_TEST(a_run_is_charged_what_it_used_and_never_more_than_its_walltime),
        LEDGER_TEST(a_hold_never_passes_what_was_awarded),
        LEDGER_TEST(what_can_never_be_paid_is_refused_at_submit),
        LEDGER_TEST(suspended_people_and_projects_wait),
        LEDGER_TEST(weights_hang_in_the_tree_and_outlive_a_restart),
        LEDGER_TEST(weights_out_of_their_bounds_change_nothing),
        LEDGER_TEST(past_use_is_told_again_from_the_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
