/* Ceilings of projects and people: what they count, how they are said, what they refuse. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

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

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_job_above_a_ceiling_by_itself_is_refused_with_the_most),
        LEDGER_TEST(queue_and_walltime_ceilings_refuse_at_submit),
        LEDGER_TEST(ceilings_reach_the_core_in_its_units),
        LEDGER_TEST(hours_of_a_quota_are_rounded_as_the_hold_is),
        LEDGER_TEST(hours_of_two_periods_hold_side_by_side),
        LEDGER_TEST(a_limit_is_called_by_its_name),
        LEDGER_TEST(hours_count_in_the_period_of_the_start),
        LEDGER_TEST(malformed_ceilings_are_refused_with_the_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
