/* Every way into the queue, and every way to be refused. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stint/auto.h"

static const char *with_model(const char *reference)
{
    static char text[700];
    (void)snprintf(text, sizeof(text), "{\"command\":[\"true\"],\"uses\":{\"models\":[\"%s\"]}}",
                   reference);
    return text;
}

static void a_job_that_uses_nothing_is_let_in(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    fixture_submit(f, &f->anna, "{\"command\":[\"true\"]}", false, &reply);
    assert_false(reply.is_given); /* not before it is durable (invariant 1) */
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_int_equal(reply.job, 1);
    assert_true(reply.is_evaluated);
    assert_int_equal(entry_count, 0);
}

static void a_script_is_kept_by_its_digest(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    fixture_submit(f, &f->anna, "{\"script\":{\"text\":\"abc\"}}", false, &reply);
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_string_equal(jobs_told[0].script,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void policy_may_demand_a_declaration(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    f->options.require_uses = true;
    fixture_reopen(f);
    fixture_submit(f, &f->anna, "{\"command\":[\"true\"]}", false, &reply);
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_int_equal(reply.reason, STINT_REASON_PolicyForbids);
    assert_int_equal(reply.decision, 1);
    assert_int_equal(jobs_count, 0);
}

static void an_open_model_is_judged_once_and_rechecked_then(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "open", "pass");
    fixture_submit(f, &f->anna, with_model(path), false, &reply);
    tools_wait(1);
    assert_string_equal(calls[0].verb, "judge");
    assert_string_equal(calls[0].kind, "model");
    assert_string_equal(calls[0].rules, "rules-m");
    assert_int_equal(calls[0].uid, ANNA);
    tool_answer_all(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_string_equal(jobs_told[0].path, path);
    assert_true(jobs_told[0].is_in_place);
    assert_true(strncmp(jobs_told[0].digest, "sha256:", 7) == 0);
    assert_int_equal(entry_count, 1);
    assert_string_equal(entry_types[0], "admission.verdict");
    assert_null(strstr(entry_subjects[0], f->folder));

    fixture_submit(f, &f->anna, with_model(path), false, &reply);
    tools_wait(1);
    assert_string_equal(calls[0].verb, "recheck");
    tool_answer_all(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_int_equal(entry_count, 1); /* no new verdict */
    assert_string_equal(jobs_told[1].digest, jobs_told[0].digest);
}

static void a_changed_path_is_judged_anew(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "changing", "pass");
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.code, 0);
    fixture_write(path, "verdict", "fail");
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_int_equal(reply.reason, STINT_REASON_ModelNotOpen);
}

static void a_refusal_names_criteria_and_is_public_without_names(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "washed", "fail");
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_int_equal(reply.reason, STINT_REASON_ModelNotOpen);
    assert_int_equal(reply.decision, 1);
    assert_int_equal(reply.job, 0);
    assert_int_equal(jobs_count, 0);
    assert_non_null(strstr(reply.criteria, "\"id\":\"T-1\""));
    assert_non_null(strstr(reply.criteria, "\"file\":\"verdict\""));
    assert_non_null(strstr(reply.criteria, "\"line\":1"));
    assert_non_null(strstr(reply.criteria, "\"would_pass\":\"write pass\""));
    assert_int_equal(entry_count, 2);
    assert_string_equal(entry_types[1], "decision");
    for (size_t i = 0; i < entry_count; i++) {
        assert_null(strstr(entry_subjects[i], "washed"));
        assert_null(strstr(entry_subjects[i], "anna"));
        assert_null(strstr(entry_subjects[i], "/tmp"));
    }
    /* the stored verdict refuses as well, with the same criteria */
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.reason, STINT_REASON_ModelNotOpen);
    assert_int_equal(reply.decision, 2);
    assert_non_null(strstr(reply.criteria, "\"would_pass\":\"write pass\""));
}

static void unknown_is_never_pass(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "vague", "unknown");
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_int_equal(reply.reason, STINT_REASON_EvidenceMissing);
    f->options.unknown = STINT_UNKNOWN_ADVISORY;
    fixture_reopen(f);
    fixture_submit_judged(f, &f->anna, with_model(path), &reply);
    assert_int_equal(reply.code, 0);
}

static void each_kind_has_its_own_headline(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key, *kind, *rules;
        enum stint_reason_code code;
    } cases[] = { { "models", "model", "rules-m", STINT_REASON_ModelNotOpen },
                  { "datasets", "dataset", "rules-d", STINT_REASON_DataNotOpen },
                  { "code", "code", "rules-c", STINT_REASON_CodeNotOpen } };
    const char *path = fixture_folder(f, "any", "fail");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct reply reply;
        char request[400];
        (void)snprintf(request, sizeof(request),
                       "{\"command\":[\"true\"],\"uses\":{\"%s\":[\"%s\"]}}", cases[i].key, path);
        fixture_submit(f, &f->anna, request, false, &reply);
        tools_wait(1);
        assert_string_equal(calls[0].kind, cases[i].kind);
        assert_string_equal(calls[0].rules, cases[i].rules);
        tool_answer_all(f, &reply.is_given);
        assert_int_equal(reply.reason, cases[i].code);
    }
}

static void what_is_not_there_is_missing(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    fixture_submit_judged(f, &f->anna, with_model("/no/such/folder"), &reply);
    assert_int_equal(reply.reason, STINT_REASON_ArtifactMissing);
    assert_non_null(strstr(reply.criteria, "\"id\":\"ArtifactMissing\""));
    assert_null(strstr(reply.criteria, "\"would_pass\":\"\""));
    fixture_submit_judged(f, &f->anna, with_model("org/unheard-of"), &reply);
    assert_int_equal(reply.reason, STINT_REASON_ArtifactMissing);
    assert_true(reply.fix[0] != '\0');
    assert_int_equal(jobs_count, 0);
}

static void an_evaluator_that_fails_refuses(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int result, exit_status;
        const char *output;
    } cases[] = {
        { -ETIMEDOUT, 0, "" },
        { -ECHILD, 0, "" },
        { -EFBIG, 0, "" },
        { 0, 1, "{\"schema\":\"stint.evaluation/1\",\"result\":\"pass\"}" },
        { 0, 0, "" },
        { 0, 0, "not json" },
        { 0, 0, "{\"schema\":\"stint.evaluation/1\",\"result\":\"pass\"}" },
        { 0, 0, "{\"schema\":\"stint.other/1\"}" },
        { 0, 0,
          "{\"schema\":\"stint.evaluation/1\",\"problem\":{\"code\":\"untrusted-input\","
          "\"text\":\"a link leads out\"}}" },
    };
    const char *path = fixture_folder(f, "hostile", "pass");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct reply reply;
        fixture_submit(f, &f->anna, with_model(path), false, &reply);
        tools_wait(1);
        tool_say(cases[i].result, cases[i].exit_status, cases[i].output);
        fixture_wait(f, &reply.is_given);
        assert_int_equal(reply.code, STINT_REFUSED);
        assert_int_equal(reply.reason, STINT_REASON_EvaluationFailed);
        assert_int_equal(jobs_count, 0);
    }
}

static void an_engine_that_is_away_is_no_verdict(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "waiting", "pass");
    engine_answer = -EPIPE;
    fixture_submit(f, &f->anna, with_model(path), false, &reply);
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, STINT_BUSY);
    assert_int_equal(reply.decision, 0);
    assert_int_equal(entry_count, 0);
}

static void a_busy_engine_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    const char *path = fixture_folder(f, "patient", "pass");
    engine_answer = STINT_BUSY;
    fixture_submit(f, &f->anna, with_model(path), false, &reply);
    uv_run(uv_default_loop(), UV_RUN_ONCE);
    assert_int_equal(call_count, 0);
    engine_answer = 0;
    tool_answer_all(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
}

static void what_takes_long_is_let_in_unjudged_and_admitted_later(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    f->options.wait_ms = 1;
    fixture_reopen(f);
    const char *path = fixture_folder(f, "slow", "pass");
    fixture_submit(f, &f->anna, with_model(path), false, &reply);
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_int_equal(reply.job, 1);
    assert_false(reply.is_evaluated);
    assert_false(jobs_told[0].is_admitted);
    tool_answer_all(f, &jobs_told[0].is_admitted);
    assert_string_equal(jobs_told[0].path, path);
    assert_int_equal(jobs_told[0].refused, STINT_REASON_NONE);
}

static void a_late_refusal_ends_the_job(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    f->options.wait_ms = 1;
    fixture_reopen(f);
    fixture_submit(f, &f->anna, with_model(fixture_folder(f, "late", "fail")), false, &reply);
    fixture_wait(f, &reply.is_given);
    tools_wait(1);
    tool_answer();
    while (jobs_told[0].refused == STINT_REASON_NONE)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    assert_int_equal(jobs_told[0].refused, STINT_REASON_ModelNotOpen);
    assert_int_equal(jobs_told[0].decision, 1);
}

static void unjudged_jobs_are_judged_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    f->options.wait_ms = 1;
    fixture_reopen(f);
    fixture_submit(f, &f->anna, with_model(fixture_folder(f, "crash", "pass")), false, &reply);
    fixture_wait(f, &reply.is_given);
    tools_wait(1);
    fixture_reopen(f);
    tool_answer_all(f, &jobs_told[0].is_admitted);
    assert_int_equal(jobs_count, 1);
}

static void identical_evaluations_are_shared(void **state)
{
    struct fixture *f = *state;
    struct reply replies[3];
    const char *path = fixture_folder(f, "shared", "pass");
    for (size_t i = 0; i < 3; i++)
        fixture_submit(f, i == 2 ? &f->bert : &f->anna, with_model(path), false, &replies[i]);
    tools_wait(2);
    assert_int_equal(call_count, 2); /* one for each user: each reads with his own eyes */
    for (size_t i = 0; i < 3; i++) {
        tool_answer_all(f, &replies[i].is_given);
        assert_int_equal(replies[i].code, 0);
    }
    assert_int_equal(entry_count, 1);
}

static void one_user_cannot_fill_the_waiting_room(void **state)
{
    struct fixture *f = *state;
    static struct reply replies[300];
    size_t busy = 0;
    const char *path = fixture_folder(f, "flood", "pass");
    struct reply other;
    for (size_t i = 0; i < 300; i++) {
        fixture_submit(f, &f->anna, with_model(path), true, &replies[i]);
        busy += replies[i].is_given && replies[i].code == STINT_BUSY;
    }
    assert_int_equal(busy, 300 - 256);
    fixture_submit(f, &f->bert, with_model(path), true, &other);
    assert_false(other.is_given);
    tool_answer_all(f, &other.is_given);
}

static void plain_refusals_make_no_decision(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *request;
        int code;
        enum stint_reason_code reason;
    } cases[] = {
        { "{\"command\":[\"true\"],\"project\":\"none\"}", STINT_NOT_FOUND, STINT_REASON_NONE },
        { "{\"command\":[\"true\"],\"resources\":{\"cpus\":17}}", STINT_UNSATISFIABLE,
          STINT_REASON_ExceedsMachine },
        { "{\"command\":[\"true\"],\"resources\":{\"cpus\":2,\"walltime_s\":36000000}}",
          STINT_NO_AWARD, STINT_REASON_BalanceExhausted },
        { "{\"command\":[\"true\"],\"award\":\"none\"}", STINT_NO_AWARD, STINT_REASON_NoAward },
    };
    fixture_reopen(f); /* nothing of the setup is pending afterwards */
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct reply reply;
        fixture_submit(f, &f->anna, cases[i].request, false, &reply);
        assert_true(reply.is_given);
        assert_int_equal(reply.code, cases[i].code);
        assert_int_equal(reply.reason, cases[i].reason);
        assert_int_equal(reply.decision, 0);
    }
    assert_int_equal(entry_count, 0);
    assert_false(stint_store_is_pending(f->store));
}

static void a_rehearsal_says_what_would_be_and_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    char request[400];
    fixture_reopen(f);
    (void)snprintf(request, sizeof(request),
                   "{\"command\":[\"true\"],\"uses\":{\"models\":[\"%s\"]},"
                   "\"resources\":{\"cpus\":2,\"walltime_s\":3600}}",
                   fixture_folder(f, "tried", "pass"));
    fixture_submit(f, &f->anna, request, true, &reply);
    tool_answer_all(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_int_equal(reply.job, 0);
    assert_non_null(strstr(reply.rehearsal, "\"result\":\"pass\""));
    assert_non_null(strstr(reply.rehearsal, "\"cost_micro\":2000000"));
    assert_non_null(strstr(reply.rehearsal, "\"award\":\"default\""));
    assert_non_null(strstr(reply.rehearsal, "\"balance_after_micro\":998000000"));
    assert_int_equal(jobs_count, 0);
    assert_int_equal(entry_count, 0);
    assert_false(stint_store_is_pending(f->store));
    fixture_submit(f, &f->anna, with_model(fixture_folder(f, "vain", "fail")), true, &reply);
    tool_answer_all(f, &reply.is_given);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_int_equal(reply.decision, 0);
    assert_false(stint_store_is_pending(f->store));
}

/* What would hold it is said, and no balance is below zero. */
static void a_rehearsal_says_what_would_hold_it(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    static const char plain[] =
        "{\"command\":[\"true\"],\"resources\":{\"cpus\":2,\"walltime_s\":3600}}";
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_non_null(strstr(reply.rehearsal, "\"waits_for\":null"));
    assert_null(strstr(reply.rehearsal, "estimate"));
    jobs_reason = (struct stint_reason){ .code = STINT_REASON_ProjectGpuLimit };
    jobs_p50_ms = INT64_C(1779710400000);
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_non_null(strstr(reply.rehearsal, "\"waits_for\":\"ProjectGpuLimit\""));
    assert_non_null(strstr(reply.rehearsal, "\"waits_class\":\"limited\""));
    assert_non_null(strstr(reply.rehearsal, "\"estimate\":{\"p50\":\"2026-05-25T12:00:00"));
    assert_non_null(strstr(reply.rehearsal, "\"balance_after_micro\":998000000"));
    jobs_reason.code = STINT_REASON_Priority; /* and it would start in the next pass */
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_non_null(strstr(reply.rehearsal, "\"waits_for\":null"));
    jobs_p50_ms += INT64_C(3600000);
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_non_null(strstr(reply.rehearsal, "\"waits_for\":\"Priority\""));
    /* All but one of the thousand hours are held by a run: money comes before the plan. */
    struct stint_ledger_run run = { .key = { .job = 7, .attempt = 1 },
                                    .project = 1,
                                    .uid = ANNA,
                                    .award = stint_ledger_award_id(f->ledger, "default"),
                                    .size = { .cores = 1 },
                                    .walltime_ms = 999 * INT64_C(3600000),
                                    .held_micro = 999000000 };
    assert_int_equal(stint_ledger_hold(f->ledger, &run, &f->err), 0);
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_non_null(strstr(reply.rehearsal, "\"waits_for\":\"BalanceHeld\""));
    assert_non_null(strstr(reply.rehearsal, "\"balance_micro\":1000000"));
    assert_null(strstr(reply.rehearsal, "balance_after_micro"));
    jobs_answer = STINT_UNSATISFIABLE;
    fixture_submit(f, &f->anna, plain, true, &reply);
    assert_int_equal(reply.code, STINT_UNSATISFIABLE);
    assert_int_equal(jobs_count, 0);
}

/* At submit, not by a wait without end; with the memory that nobody named. */
static void what_is_above_a_ceiling_alone_is_refused(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    struct stint_act act = { .caller = &f->boss, .reason = "spring" };
    jobs_default_memory = INT64_C(8) << 30;
    assert_int_equal(
        stint_ledger_quota_set(f->ledger, &act, STINT_SCOPE_SITE, NULL, "memory=4G", &f->err), 0);
    fixture_submit(f, &f->anna, "{\"command\":[\"true\"]}", false, &reply);
    assert_int_equal(reply.code, STINT_UNSATISFIABLE);
    assert_int_equal(reply.reason, STINT_REASON_SiteMemoryLimit);
    assert_non_null(strstr(reply.fix, "at most 4.0 GiB"));
    assert_int_equal(jobs_count, 0);
    jobs_default_memory = INT64_C(4) << 30;
    fixture_submit_judged(f, &f->anna, "{\"command\":[\"true\"]}", &reply);
    assert_int_equal(reply.code, 0);
}

static void a_jobs_room_that_says_no_is_heard(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    fixture_reopen(f);
    jobs_answer = STINT_INVALID;
    fixture_submit(f, &f->anna, "{\"script\":{\"text\":\"abc\"}}", false, &reply);
    assert_true(reply.is_given);
    assert_int_equal(reply.code, STINT_INVALID);
    assert_false(stint_store_is_pending(f->store)); /* the script's row was taken back */
}

static void a_going_daemon_forgets_its_waiting(void **state)
{
    struct fixture *f = *state;
    static struct reply reply;
    fixture_submit(f, &f->anna, with_model(fixture_folder(f, "gone", "pass")), false, &reply);
    tools_wait(1);
    assert_false(reply.is_given);
} /* the teardown frees everything while a tool is under way; the sanitizers look on */

#define ADMISSION_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMISSION_TEST(a_job_that_uses_nothing_is_let_in),
        ADMISSION_TEST(a_script_is_kept_by_its_digest),
        ADMISSION_TEST(policy_may_demand_a_declaration),
        ADMISSION_TEST(an_open_model_is_judged_once_and_rechecked_then),
        ADMISSION_TEST(a_changed_path_is_judged_anew),
        ADMISSION_TEST(a_refusal_names_criteria_and_is_public_without_names),
        ADMISSION_TEST(unknown_is_never_pass),
        ADMISSION_TEST(each_kind_has_its_own_headline),
        ADMISSION_TEST(what_is_not_there_is_missing),
        ADMISSION_TEST(an_evaluator_that_fails_refuses),
        ADMISSION_TEST(an_engine_that_is_away_is_no_verdict),
        ADMISSION_TEST(a_busy_engine_is_asked_again),
        ADMISSION_TEST(what_takes_long_is_let_in_unjudged_and_admitted_later),
        ADMISSION_TEST(a_late_refusal_ends_the_job),
        ADMISSION_TEST(unjudged_jobs_are_judged_after_a_restart),
        ADMISSION_TEST(identical_evaluations_are_shared),
        ADMISSION_TEST(one_user_cannot_fill_the_waiting_room),
        ADMISSION_TEST(plain_refusals_make_no_decision),
        ADMISSION_TEST(a_rehearsal_says_what_would_be_and_leaves_no_trace),
        ADMISSION_TEST(a_rehearsal_says_what_would_hold_it),
        ADMISSION_TEST(what_is_above_a_ceiling_alone_is_refused),
        ADMISSION_TEST(a_jobs_room_that_says_no_is_heard),
        ADMISSION_TEST(a_going_daemon_forgets_its_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
