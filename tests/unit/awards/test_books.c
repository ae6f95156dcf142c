/* Random grants, holds, settlements and changes: whatever comes, the books balance, and what is
 * read back from the store is what was in memory. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

#define STEPS    3000
#define RUNS_MAX 64

/* A small generator of our own: the same steps on every machine. */
static uint64_t seed;
static uint64_t roll(uint64_t sides)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % sides;
}

struct open_runs {
    struct stint_ledger_run runs[RUNS_MAX];
    size_t count;
    uint64_t last_job;
};

static void put_run(struct fixture *f, const struct stint_ledger_run *run, int64_t charged_micro,
                    int64_t elapsed_ms, bool is_new)
{
    struct stint_job_row job = { .id = run->key.job,
                                 .state = is_new ? "running" : "done",
                                 .outcome = is_new ? NULL : "completed",
                                 .resource = "local",
                                 .project = run->project,
                                 .uid = (uint32_t)run->uid,
                                 .user_name = "x",
                                 .spec = "{}",
                                 .submit_ms = run->start_ms,
                                 .end_ms = is_new ? 0 : clock_ms };
    struct stint_run_row row = { .job = run->key.job,
                                 .attempt = 1,
                                 .state = is_new ? "running" : "done",
                                 .resource = "local",
                                 .node = "node0",
                                 .allocation = "node0/core[0]",
                                 .cpus = run->size.cores,
                                 .gpu_milli = run->size.gpu_milli,
                                 .project = run->project,
                                 .uid = (uint32_t)run->uid,
                                 .award = run->award,
                                 .hold_micro = run->held_micro,
                                 .charged_micro = charged_micro,
                                 .start_ms = run->start_ms,
                                 .walltime_s = run->walltime_ms / 1000,
                                 .elapsed_ms = elapsed_ms,
                                 .end_ms = is_new ? 0 : clock_ms };
    struct stint_change change = { .event = { .at_ms = clock_ms,
                                              .kind = "run.test",
                                              .job = run->key.job,
                                              .attempt = 1,
                                              .actor = "test" },
                                   .job = &job,
                                   .run = &row,
                                   .job_is_new = is_new,
                                   .run_is_new = is_new };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, &f->err), 0);
}

static void step_start(struct fixture *f, struct open_runs *open)
{
    static const char *const awards[] = { "2026-nlp", "second" };
    if (open->count == RUNS_MAX)
        return;
    struct stint_ledger_run run = fixture_run(f, 0, (int64_t)roll(7200) + 1);
    run.award = stint_ledger_award_id(f->ledger, awards[roll(2)]);
    run.size.gpu_milli = (int64_t)roll(3001);
    run.size.cores = (int64_t)roll(8) + 1;
    run.uid = roll(2) ? ANNA : BERT;
    run.held_micro = stint_ledger_charge(f->ledger, &run.size, run.walltime_ms);
    run.key.job = (uint64_t)stint_store_next_id(f->store, STINT_ID_JOB);
    if (stint_ledger_hold(f->ledger, &run, &f->err) != 0) {
        assert_int_equal(f->err.code, STINT_NO_AWARD);
        return;
    }
    put_run(f, &run, 0, 0, true);
    open->runs[open->count++] = run;
}

static void step_end(struct fixture *f, struct open_runs *open)
{
    int64_t charged;
    if (open->count == 0)
        return;
    size_t which = roll(open->count);
    struct stint_ledger_run run = open->runs[which];
    int64_t elapsed_ms = (int64_t)roll((uint64_t)run.walltime_ms * 5 / 4);
    assert_int_equal(stint_ledger_settle(f->ledger, &run, elapsed_ms, &charged, &f->err), 0);
    put_run(f, &run, charged, elapsed_ms, false);
    open->runs[which] = open->runs[--open->count];
}

static void step_change(struct fixture *f)
{
    static const char *const awards[] = { "2026-nlp", "second" };
    int64_t amount = (int64_t)roll(4000000) + 1;
    size_t which = roll(2);
    int r;
    switch (roll(3)) {
    case 0:
        r = stint_ledger_award_change(f->ledger, &f->act, awards[which], STINT_AWARD_SUPPLEMENT,
                                      amount, 0, &f->err);
        break;
    case 1:
        r = stint_ledger_award_change(f->ledger, &f->act, awards[which], STINT_AWARD_REDUCE, amount,
                                      0, &f->err);
        break;
    default:
        r = stint_ledger_award_transfer(f->ledger, &f->act, awards[which], awards[1 - which],
                                        amount, &f->err);
        break;
    }
    assert_true(r == 0 || r == STINT_NO_AWARD);
}

static void check_award(struct stint_ledger *ledger, const char *name)
{
    struct stint_award_view award = fixture_award(ledger, name);
    assert_true(award.used_micro >= 0 && award.held_micro >= 0);
    assert_true(award.used_micro + award.held_micro <= award.awarded_micro);
}

struct quota_list {
    int64_t used[8];
    size_t count;
};
static bool quota_list_on(void *context, const struct stint_quota_view *view)
{
    struct quota_list *list = context;
    list->used[list->count++] = view->used;
    return list->count < 8;
}

static void check_same(struct stint_ledger *a, struct stint_ledger *b, const char *name)
{
    struct stint_award_view left = fixture_award(a, name), right = fixture_award(b, name);
    assert_int_equal(left.awarded_micro, right.awarded_micro);
    assert_int_equal(left.used_micro, right.used_micro);
    assert_int_equal(left.held_micro, right.held_micro);
    assert_int_equal(left.until_ms, right.until_ms);
    assert_string_equal(left.project, right.project);
}

static void the_books_balance_whatever_comes(void **state)
{
    struct fixture *f = *state;
    struct open_runs open = { 0 };
    struct stint_store_audit audit;
    int64_t id;
    seed = 20261125;
    fixture_nlp(f, 40);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "second", "nlp", NULL,
                                              10 * HOUR_MICRO, clock_ms, clock_ms + 90 * DAY_MS,
                                              NULL, &id, &f->err),
                     0);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp",
                                            "gpu-hours=9/day", &f->err),
                     0);
    assert_int_equal(stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_USER, "70002",
                                            "core-hours=9/month", &f->err),
                     0);
    for (int i = 0; i < STEPS; i++) {
        clock_ms += (int64_t)roll(120000);
        stint_ledger_turn(f->ledger);
        uint64_t what = roll(10);
        if (what < 4)
            step_start(f, &open);
        else if (what < 8)
            step_end(f, &open);
        else
            step_change(f);
        check_award(f->ledger, "2026-nlp");
        check_award(f->ledger, "second");
    }
    struct stint_ledger *other = fixture_reload(f);
    struct quota_list before = { 0 }, after = { 0 };
    check_same(f->ledger, other, "2026-nlp");
    check_same(f->ledger, other, "second");
    stint_ledger_each_quota(f->ledger, quota_list_on, &before);
    stint_ledger_each_quota(other, quota_list_on, &after);
    assert_int_equal(before.count, 2);
    assert_int_equal(after.count, 2);
    assert_int_equal(before.used[0] + before.used[1], after.used[0] + after.used[1]);
    assert_true(before.used[0] + before.used[1] > 0);
    assert_int_equal(stint_reader_audit(stint_store_reader(f->store), &audit), 0);
    assert_int_equal(audit.unbalanced, 0);
    assert_int_equal(audit.overdrawn, 0);
    assert_int_equal(audit.held_micro, audit.open_hold_micro);
    assert_true(audit.posting_count > STEPS / 2);
    (void)stint_ledger_free(other);
}

/* One leg of one transaction, changed behind our back. */
static void books_that_do_not_balance_are_not_served_from(void **state)
{
    struct fixture *f = *state;
    const char *name = "2026-nlp";
    fixture_nlp(f, 40);
    int64_t award = stint_ledger_award_id(f->ledger, name);
    struct stint_posting_row odd[] = {
        { .account = STINT_POSTING_FREE, .award = award, .amount_micro = -5 },
        { .account = STINT_POSTING_USED, .award = award, .amount_micro = 5 },
    };
    assert_int_equal(stint_store_put_postings(f->store, odd, 2, NULL, &f->err), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_ledger_load(f->ledger, &f->err), 0);
    fixture_sql(f, "UPDATE posting SET amount_micro = 4 WHERE id = (SELECT max(id) FROM posting)");
    assert_int_equal(stint_ledger_load(f->ledger, &f->err), STINT_UNTRUSTED);
    assert_non_null(strstr(f->err.text, "transaction"));
    assert_non_null(strstr(f->err.fix, "stint admin backup"));
}

static void a_reload_keeps_people_projects_and_ceilings(void **state)
{
    struct fixture *f = *state;
    uint32_t before[STINT_LEDGER_ACCOUNTS_MAX], after[STINT_LEDGER_ACCOUNTS_MAX];
    fixture_nlp(f, 10);
    int64_t project = fixture_project(f, "nlp");
    assert_int_equal(stint_ledger_user_suspend(f->ledger, &f->act, "70001", true, &f->err), 0);
    struct stint_account_view view;
    stint_ledger_account(f->ledger, stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).account,
                         0, &view);
    int64_t since_ms = view.set_ms;
    assert_true(since_ms > 0);
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &f->act, STINT_SCOPE_PROJECT, "nlp", "gpus=4", &f->err),
        0);
    (void)stint_ledger_accounts(f->ledger, project, ANNA, 0, before);
    assert_int_equal(fixture_commit(f), 0);
    memset(told, 0, sizeof(told));
    assert_int_equal(stint_ledger_load(f->ledger, &f->err),
                     0); /* the same ledger, as after a fault */
    (void)stint_ledger_accounts(f->ledger, project, ANNA, 0, after);
    assert_memory_equal(before, after, 4 * sizeof(uint32_t));
    assert_int_equal(told[after[2]][STINT_LIMIT_GPU_MILLI].ceiling, 4000);
    assert_true(stint_ledger_is_member(f->ledger, ANNA, "nlp"));
    assert_int_equal(stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).code,
                     STINT_REASON_UserSuspended);
    stint_ledger_account(f->ledger, stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).account,
                         0, &view);
    assert_string_equal(view.kind, "user");
    assert_int_equal(view.set_ms, since_ms);
    assert_string_equal(view.set_by, f->act.caller->name);
    assert_string_equal(view.set_reason, f->act.reason);
    assert_int_equal(stint_ledger_user_suspend(f->ledger, &f->act, "70001", false, &f->err), 0);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &f->act, "nlp", true, &f->err), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_ledger_load(f->ledger, &f->err), 0);
    stint_ledger_account(f->ledger, stint_ledger_blocks(f->ledger, project, 0, ANNA, 0, 1).account,
                         0, &view);
    assert_string_equal(view.kind, "project");
    assert_string_equal(view.set_reason, f->act.reason);
    assert_int_equal(stint_ledger_project_suspend(f->ledger, &f->act, "nlp", false, &f->err), 0);
    assert_int_equal(stint_ledger_user_suspend(f->ledger, &f->act, "70001", true, &f->err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_books_balance_whatever_comes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(books_that_do_not_balance_are_not_served_from,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_reload_keeps_people_projects_and_ceilings, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
