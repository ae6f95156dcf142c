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

static void a_job_above_a_ceiling_by_itself_is_refused_with_the_most(void **state)
{
    static const struct {
        enum stint_quota_scope scope;
        const char *owner;
        const char *quota;
        int64_t gpu_milli, cores, gib, walltime_s;
        enum stint_reason_code code; /* NONE: it may wait */
        const char *fix;
    } cases[] = {
        { STINT_SCOPE_PROJECT, "nlp", "cores=1", 0, 1, 1, 60, STINT_REASON_NONE, "" },
        { STINT_SCOPE_PROJECT, "nlp", "cores=1", 0, 2, 1, 60, STINT_REASON_ProjectCoreLimit,
          "at most 1 core" },
        { STINT_SCOPE_SITE, NULL, "gpus=1", 1000, 1, 1, 60, STINT_REASON_NONE, "" },
        { STINT_SCOPE_SITE, NULL, "gpus=1", 1001, 1, 1, 60, STINT_REASON_SiteGpuLimit,
          "at most 1 GPU" },
        { STINT_SCOPE_INSTITUTION, "uni", "memory=4G", 0, 1, 4, 60, STINT_REASON_NONE, "" },
        { STINT_SCOPE_INSTITUTION, "uni", "memory=4G", 0, 1, 5, 60,
          STINT_REASON_InstitutionMemoryLimit, "at most 4.0 GiB" },
        { STINT_SCOPE_USER, "70001", "gpu-hours=1/day", 2000, 1, 1, 1800, STINT_REASON_NONE, "" },
        { STINT_SCOPE_USER, "70001", "gpu-hours=1/day", 2000, 1, 1, 1801, STINT_REASON_PeriodLimit,
          "--time 30:00" },
        { STINT_SCOPE_USER, "70001", "core-hours=2/month", 0, 4, 1, 1800, STINT_REASON_NONE, "" },
        { STINT_SCOPE_USER, "70001", "core-hours=2/month", 0, 4, 1, 3600, STINT_REASON_PeriodLimit,
          "--time 30:00" },
        { STINT_SCOPE_USER, "70001", "jobs=1", 0, 1, 1, 60, STINT_REASON_NONE, "" },
        { STINT_SCOPE_USER, "70001", "jobs=0", 0, 1, 1, 60, STINT_REASON_UserJobLimit,
          "raise the quota jobs=0" },
    };
    struct fixture *f = *state;
    enum stint_reason_code code;
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char removal[32];
        struct stint_charge_size size = { cases[i].gpu_milli, cases[i].cores, cases[i].gib << 30,
                                          false, 0 };
        struct stint_error err = { 0 };
        (void)snprintf(removal, sizeof(removal), "%.*s=", (int)strcspn(cases[i].quota, "="),
                       cases[i].quota);
        assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, cases[i].scope, cases[i].owner,
                                                cases[i].quota, &f->err),
                         0);
        int r = stint_ledger_fits_ceilings(f->ledger, project, ANNA, &size, cases[i].walltime_s,
                                           &code, &err);
        bool is_refused = cases[i].code != STINT_REASON_NONE;
        if (r != (is_refused ? STINT_UNSATISFIABLE : 0) || code != cases[i].code ||
            !strstr(err.fix, cases[i].fix))
            fail_msg("%zu: %s gave %d %s '%s'; '%s'", i, cases[i].quota, r, stint_reason_name(code),
                     err.text, err.fix);
        if (is_refused)
            assert_non_null(strstr(err.params, "\"limit\":"));
        assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, cases[i].scope, cases[i].owner,
                                                removal, &f->err),
                         0);
    }
}

static void queue_and_walltime_ceilings_refuse_at_submit(void **state)
{
    struct fixture *f = *state;
    enum stint_reason_code code;
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp", "queued=2", &f->err),
        0);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_USER, "70001",
                                            "walltime=1h", &f->err),
                     0);
    stint_ledger_job_queued(f->ledger, project, ANNA, 1);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 1, 3600, 1, &code, &f->err), 0);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 1, 3601, 1, &code, &f->err),
        STINT_UNSATISFIABLE);
    assert_int_equal(code, STINT_REASON_ExceedsMaxWalltime);
    stint_ledger_job_queued(f->ledger, project, BERT, 1);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 1, 60, 1, &code, &f->err),
        STINT_OVER_QUOTA);
    assert_non_null(strstr(f->err.text, "2 of at most 2"));
    stint_ledger_job_queued(f->ledger, project, BERT, -1);
    assert_int_equal(
        stint_ledger_can_pay(f->ledger, project, 0, ANNA, NULL, 1, 60, 1, &code, &f->err), 0);
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

static void ceilings_reach_the_core_in_its_units(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *assignment;
        enum stint_limit limit;
        int64_t ceiling;
    } cases[] = {
        { "gpus=4", STINT_LIMIT_GPU_MILLI, 4000 },
        { "cores=64", STINT_LIMIT_CORES, 64 },
        { "memory=512G", STINT_LIMIT_MEMORY, INT64_C(512) << 30 },
        { "jobs=0", STINT_LIMIT_JOBS, 0 },
        { "gpu-hours=500/month", STINT_LIMIT_GPU_MS_MONTH, 500 * HOUR_MS },
        { "gpu-hours=0.5/day", STINT_LIMIT_GPU_MS_DAY, HOUR_MS / 2 },
        { "core-hours=3/week", STINT_LIMIT_CORE_MS_WEEK, 3 * HOUR_MS },
        { "gpus=", STINT_LIMIT_GPU_MILLI, STINT_UNLIMITED },
    };
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    fixture_nlp(f, 100);
    size_t count = stint_ledger_accounts(f->ledger, fixture_project(f, "nlp"), ANNA,
                                         stint_ledger_award_id(f->ledger, "2026-nlp"), accounts);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                                cases[i].assignment, &f->err),
                         0);
        assert_int_equal(told[accounts[2]][cases[i].limit].ceiling, cases[i].ceiling);
    }
    assert_int_equal(told[accounts[4]][STINT_LIMIT_BUDGET].ceiling, 100 * HOUR_MICRO);
}

static bool quota_keep(void *context, const struct stint_quota_view *view)
{
    *(int64_t *)context = view->used;
    return true;
}

/* A third of an hour has no end in decimals. */
static void hours_of_a_quota_are_rounded_as_the_hold_is(void **state)
{
    static const int64_t seconds[] = { 1, 60, 1200, 3599, 3600 };
    struct fixture *f = *state;
    int64_t used = 0;
    clock_ms = NOON_MS;
    fixture_nlp(f, 100);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=5/day", &f->err),
                     0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(seconds); i++) {
        struct stint_ledger_run run = fixture_run(f, i + 1, seconds[i]);
        assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
        stint_ledger_each_quota(f->ledger, quota_keep, &used);
        assert_int_equal(used, run.held_micro);
        assert_int_equal(stint_ledger_settle(f->ledger, &run, 0, NULL, &f->err), 0);
    }
}

struct ceilings {
    int count;
    char periods[32];
};

static bool ceilings_keep(void *context, const struct stint_quota_view *view)
{
    struct ceilings *ceilings = context;
    ceilings->count++;
    (void)snprintf(ceilings->periods + strlen(ceilings->periods),
                   sizeof(ceilings->periods) - strlen(ceilings->periods), "%s ", view->period);
    return true;
}

/* Hours of a day and of a month are two ceilings: both hold, through a restart, and each is taken
 * away by its name. */
static void hours_of_two_periods_hold_side_by_side(void **state)
{
    struct fixture *f = *state;
    static const char *const set[] = { "gpu-hours=5/day", "gpu-hours=50/month", "gpu-hours=9/day" };
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    enum stint_reason_code code;
    struct stint_charge_size size = { .gpu_milli = 1000 };
    struct ceilings ceilings = { 0 };
    fixture_nlp(f, 100);
    int64_t project = fixture_project(f, "nlp");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(set); i++)
        assert_int_equal(
            stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp", set[i], &f->err),
            0);
    fixture_restart(f);
    (void)stint_ledger_accounts(f->ledger, project, ANNA, 0, accounts);
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_DAY].ceiling, 9 * HOUR_MS);
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_MONTH].ceiling, 50 * HOUR_MS);
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_WEEK].ceiling, STINT_UNLIMITED);
    stint_ledger_each_quota(f->ledger, ceilings_keep, &ceilings);
    assert_string_equal(ceilings.periods, "day month ");
    assert_int_equal(
        stint_ledger_fits_ceilings(f->ledger, project, ANNA, &size, 10 * 3600, &code, &f->err),
        STINT_UNSATISFIABLE);
    assert_non_null(strstr(f->err.text, "a day"));
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=/week", &f->err),
                     STINT_NOT_FOUND);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=/day", &f->err),
                     0);
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_DAY].ceiling, STINT_UNLIMITED);
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_MONTH].ceiling, 50 * HOUR_MS);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=60/day", &f->err),
                     0);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=", &f->err),
                     0); /* all of them */
    assert_int_equal(told[accounts[2]][STINT_LIMIT_GPU_MS_MONTH].ceiling, STINT_UNLIMITED);
    fixture_restart(f);
    ceilings = (struct ceilings){ 0 };
    stint_ledger_each_quota(f->ledger, ceilings_keep, &ceilings);
    assert_int_equal(ceilings.count, 0);
}

/* A limit's reason leads to whoever set that very one. */
static void a_limit_is_called_by_its_name(void **state)
{
    struct fixture *f = *state;
    struct stint_account_view view;
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    struct stint_act spring = f->act;
    spring.reason = "spring";
    fixture_nlp(f, 100);
    (void)stint_ledger_accounts(f->ledger, fixture_project(f, "nlp"), ANNA, 0, accounts);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &spring, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=5/day", &f->err),
                     0);
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp", "gpus=2", &f->err),
        0);
    stint_ledger_account(f->ledger, accounts[2], STINT_LIMIT_GPU_MS_DAY + 1, &view);
    assert_string_equal(view.name, "nlp");
    assert_string_equal(view.set_reason, "spring");
    assert_string_equal(view.period, "day");
    assert_string_equal(view.unit, "GPU-hours");
    stint_ledger_account(f->ledger, accounts[2], STINT_LIMIT_GPU_MILLI + 1, &view);
    assert_string_equal(view.set_reason, f->act.reason);
    assert_null(view.unit);
    stint_ledger_account(f->ledger, accounts[2], STINT_LIMIT_CORES + 1, &view);
    assert_null(view.set_by);
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

static void hours_count_in_the_period_of_the_start(void **state)
{
    struct fixture *f = *state;
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    clock_ms = NOON_MS;
    fixture_nlp(f, 100);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=5/day", &f->err),
                     0);
    (void)stint_ledger_accounts(f->ledger, fixture_project(f, "nlp"), ANNA, 0, accounts);
    const struct told_limit *limit = &told[accounts[2]][STINT_LIMIT_GPU_MS_DAY];
    struct stint_ledger_run short_run = fixture_run(f, 1, 3600);
    struct stint_ledger_run long_run = fixture_run(f, 2, 20 * 3600);
    assert_int_equal(stint_ledger_hold(f->ledger, &short_run, &f->err), 0);
    assert_int_equal(stint_ledger_hold(f->ledger, &long_run, &f->err), 0);
    assert_int_equal(stint_ledger_settle(f->ledger, &short_run, HOUR_MS / 4, NULL, &f->err), 0);
    assert_int_equal(limit->used, HOUR_MS / 4 + 20 * HOUR_MS); /* the hold is counted */
    /* Berlin's midnight is at 22:00 UTC */
    assert_int_equal(stint_ledger_next_turn_ms(f->ledger), NOON_MS + 10 * HOUR_MS);
    clock_ms = NOON_MS + 10 * HOUR_MS;
    stint_ledger_turn(f->ledger);
    assert_int_equal(limit->used, 0);
    assert_int_equal(stint_ledger_settle(f->ledger, &long_run, 15 * HOUR_MS, NULL, &f->err), 0);
    assert_int_equal(limit->used, 0); /* it counted yesterday */
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").used_micro,
                     HOUR_MICRO / 4 + 15 * HOUR_MICRO);
}

static void malformed_ceilings_are_refused_with_the_cure(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[] = { "",
                                         "gpus",
                                         "gpus=-1",
                                         "gpus=4.5",
                                         "gpus=4/day",
                                         "cpus=4",
                                         "gpu-hours=5",
                                         "gpu-hours=5/year",
                                         "gpu-hours=/year",
                                         "memory=x",
                                         "walltime=soon",
                                         "jobs=99999999999999999999",
                                         "=4",
                                         "gpu-hours=-5/day" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        assert_int_equal(
            stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_SITE, NULL, cases[i], &f->err),
            STINT_INVALID);
        assert_true(f->err.fix[0] != '\0');
    }
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_SITE, NULL, "gpus=", &f->err),
        STINT_NOT_FOUND);
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "no", "gpus=1", &f->err),
        STINT_NOT_FOUND);
}

/* ---- permission, reason, rehearsal, and what is written down: the same for every verb */

typedef int (*verb_fn)(struct fixture *f, const struct stint_act *act);

static int verb_institution(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_institution_add(f->ledger, act, "lab", NULL, &id, &f->err);
}
static int verb_project(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_project_add(f->ledger, act, "vision", "uni", NULL, NULL, &id, &f->err);
}
static int verb_set(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_project_set(f->ledger, act, "nlp", "D. Other", NULL, &f->err);
}
static int verb_suspend(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_project_suspend(f->ledger, act, "nlp", true, &f->err);
}
static int verb_user(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_add(f->ledger, act, "70002", "nlp", "pi", -1, &f->err);
}
static int verb_user_suspend(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_suspend(f->ledger, act, "70001", true, &f->err);
}
static int verb_user_remove(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_user_remove(f->ledger, act, "70001", "nlp", &f->err);
}
static int verb_grant(struct fixture *f, const struct stint_act *act)
{
    int64_t id;
    return stint_ledger_award_grant(f->ledger, act, NULL, "nlp", NULL, HOUR_MICRO, clock_ms,
                                    clock_ms + DAY_MS, NULL, &id, &f->err);
}
static int verb_reduce(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_award_change(f->ledger, act, "2026-nlp", STINT_AWARD_REDUCE, HOUR_MICRO, 0,
                                     &f->err);
}
static int verb_transfer(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_award_transfer(f->ledger, act, "default", "2026-nlp", HOUR_MICRO, &f->err);
}
static int verb_quota(struct fixture *f, const struct stint_act *act)
{
    return stint_ledger_quota_set(f->ledger, act, STINT_SCOPE_SITE, NULL, "gpus=3", &f->err);
}

static const struct {
    verb_fn run;
    const char *entry; /* type in the public log */
} verbs[] = {
    { verb_institution, "institution.change" },
    { verb_project, "project.change" },
    { verb_set, "project.change" },
    { verb_suspend, "project.change" },
    { verb_user, "member.change" },
    { verb_user_suspend, "user.change" },
    { verb_user_remove, "member.change" },
    { verb_grant, "award.change" },
    { verb_reduce, "award.change" },
    { verb_transfer, "award.change" },
    { verb_quota, "quota.set" },
};

static void only_operators_change_anything(void **state)
{
    struct fixture *f = *state;
    struct stint_act act = { .caller = &f->anna, .reason = "mine" };
    fixture_nlp(f, 10);
    size_t before = entry_count;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        assert_int_equal(verbs[i].run(f, &act), STINT_NOT_PERMITTED);
    assert_int_equal(entry_count, before);
}

static void every_change_needs_a_reason(void **state)
{
    struct fixture *f = *state;
    static const char *const reasons[] = { NULL, "", "  " };
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        for (size_t j = 0; j < STINT_ARRAY_SIZE(reasons); j++) {
            struct stint_act act = { .caller = &f->operator_caller, .reason = reasons[j] };
            assert_int_equal(verbs[i].run(f, &act), STINT_INVALID);
        }
}

static void a_rehearsal_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_act act = { .caller = &f->operator_caller, .reason = "try", .is_rehearsal = true };
    fixture_nlp(f, 10);
    assert_int_equal(fixture_commit(f), 0);
    size_t before = entry_count;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++)
        assert_int_equal(verbs[i].run(f, &act), 0);
    assert_int_equal(entry_count, before);
    assert_false(stint_store_is_pending(f->store));
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").awarded_micro, 10 * HOUR_MICRO);
}

static void every_change_is_public_and_names_no_user(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) {
        size_t before = entry_count;
        assert_int_equal(verbs[i].run(f, &f->act), 0);
        assert_int_equal(entry_count, before + 1);
        assert_string_equal(entries[before].type, verbs[i].entry);
        assert_string_equal(entries[before].reason, "autumn call");
        assert_null(strstr(entries[before].subject, "7000"));
    }
}

static void a_change_the_record_refuses_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    assert_int_equal(fixture_commit(f), 0);
    record_answer = STINT_BUSY;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) {
        assert_int_equal(verbs[i].run(f, &f->act), STINT_BUSY);
        assert_false(stint_store_is_pending(f->store));
    }
    record_answer = 0;
    assert_int_equal(fixture_award(f->ledger, "2026-nlp").awarded_micro, 10 * HOUR_MICRO);
    assert_int_equal(fixture_award(f->ledger, "default").awarded_micro, 1000 * HOUR_MICRO);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(verbs); i++) /* and each can be done afterwards */
        assert_int_equal(verbs[i].run(f, &f->act), 0);
}

static void malformed_administration_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "",      "Upper",
        "-dash", ".dot",
        "a b",   "ümlaut",
        "a/b",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    int64_t id;
    fixture_nlp(f, 10);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        assert_int_equal(
            stint_ledger_project_add(f->ledger, &f->act, names[i], "uni", NULL, NULL, &id, &f->err),
            STINT_INVALID);
        assert_int_equal(
            stint_ledger_institution_add(f->ledger, &f->act, names[i], NULL, &id, &f->err),
            STINT_INVALID);
    }
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "nlp", "uni", NULL, NULL, &id, &f->err),
        STINT_CONFLICT);
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "p", "none", NULL, NULL, &id, &f->err),
        STINT_NOT_FOUND);
    assert_int_equal(
        stint_ledger_project_add(f->ledger, &f->act, "p", "uni", NULL, "two\nlines", &id, &f->err),
        STINT_INVALID);
    assert_int_equal(
        stint_ledger_user_add(f->ledger, &f->act, "no-such-login", "nlp", NULL, -1, &f->err),
        STINT_NOT_FOUND);
    assert_int_equal(stint_ledger_user_add(f->ledger, &f->act, "70002", "nlp", "boss", -1, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "x", "nlp", NULL, 0, clock_ms,
                                              clock_ms + 1, NULL, &id, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "x", "nlp", NULL, 1, clock_ms,
                                              clock_ms, NULL, &id, &f->err),
                     STINT_INVALID);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "2026-nlp", "nlp", NULL, 1,
                                              clock_ms, clock_ms + 1, NULL, &id, &f->err),
                     STINT_CONFLICT);
    assert_int_equal(stint_ledger_award_change(f->ledger, &f->act, "2026-nlp", STINT_AWARD_EXTEND,
                                               0, clock_ms, &f->err),
                     STINT_INVALID);
    assert_int_equal(
        stint_ledger_award_transfer(f->ledger, &f->act, "2026-nlp", "2026-nlp", 1, &f->err),
        STINT_INVALID);
    assert_int_equal(stint_ledger_award_transfer(f->ledger, &f->act, "2026-nlp", "default",
                                                 10 * HOUR_MICRO + 1, &f->err),
                     STINT_NO_AWARD);
}

static void awards_get_names_of_the_year(void **state)
{
    struct fixture *f = *state;
    fixture_nlp(f, 10);
    assert_int_equal(verb_grant(f, &f->act), 0);
    assert_int_equal(verb_grant(f, &f->act), 0);
    assert_int_not_equal(stint_ledger_award_id(f->ledger, "2026-001"), 0);
    assert_int_not_equal(stint_ledger_award_id(f->ledger, "2026-002"), 0);
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
        LEDGER_TEST(a_job_above_a_ceiling_by_itself_is_refused_with_the_most),
        LEDGER_TEST(queue_and_walltime_ceilings_refuse_at_submit),
        LEDGER_TEST(suspended_people_and_projects_wait),
        LEDGER_TEST(ceilings_reach_the_core_in_its_units),
        LEDGER_TEST(hours_of_a_quota_are_rounded_as_the_hold_is),
        LEDGER_TEST(hours_of_two_periods_hold_side_by_side),
        LEDGER_TEST(a_limit_is_called_by_its_name),
        LEDGER_TEST(weights_hang_in_the_tree_and_outlive_a_restart),
        LEDGER_TEST(weights_out_of_their_bounds_change_nothing),
        LEDGER_TEST(past_use_is_told_again_from_the_runs),
        LEDGER_TEST(hours_count_in_the_period_of_the_start),
        LEDGER_TEST(malformed_ceilings_are_refused_with_the_cure),
        LEDGER_TEST(only_operators_change_anything),
        LEDGER_TEST(every_change_needs_a_reason),
        LEDGER_TEST(a_rehearsal_leaves_no_trace),
        LEDGER_TEST(every_change_is_public_and_names_no_user),
        LEDGER_TEST(a_change_the_record_refuses_leaves_no_trace),
        LEDGER_TEST(malformed_administration_is_refused),
        LEDGER_TEST(awards_get_names_of_the_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
