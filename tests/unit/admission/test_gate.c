/* What is settled before anything is judged: that the rules are there, that whoever asks may run
 * something here, and as whom files are judged. */
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "stint/auto.h"

/* An operator's typing error must not become a refusal of every job. */
static void rule_sets_that_are_not_there_are_refused_at_the_start(void **state)
{
    static const struct {
        bool is_broken; /* the folder with a file that is no rule set */
        const char *model;
        const char *dataset;
        const char *named;
    } cases[] = {
        { false, "osaid-1.0", "osi-code", NULL },
        { false, "osaid-1.0,mof-1.0", "osi-code", NULL },
        { false, "nope-1", "osi-code", "admission.rules_model" },
        { false, "osaid-1.0", "osi-code,nope", "admission.rules_dataset" },
        { false, "osaid-1.0", "osi-code,", "admission.rules_dataset" },
        { false, "osaid-1.0", "../rules/osi-code", "admission.rules_dataset" },
        { false, "", "osi-code", "admission.rules_model" },
        { true, "broken", "broken", "broken.yaml:" },
        { true, "osaid-1.0", "broken", "admission.rules_model" },
    };
    struct fixture *f = *state;
    char broken[128];
    (void)snprintf(broken, sizeof(broken), "%s", fixture_folder(f, "rules", "pass"));
    fixture_write(broken, "broken.yaml", "rules: [\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_admission_options options = f->options;
        struct stint_admission *admission = NULL;
        struct stint_error err = { 0 };
        options.rules_dir = cases[i].is_broken ? broken : STINT_RULES;
        options.rules[STINT_USE_MODEL] = cases[i].model;
        options.rules[STINT_USE_DATASET] = cases[i].dataset;
        options.rules[STINT_USE_CODE] = cases[i].is_broken ? "broken" : "osi-code";
        int r = stint_admission_new(&options, &admission, &err);
        if ((r == 0) != (cases[i].named == NULL) ||
            (cases[i].named && !strstr(err.text, cases[i].named)))
            fail_msg("%s, %s gave %d '%s'", cases[i].model, cases[i].dataset, r, err.text);
        if (strncmp(err.text, "admission.", 10) == 0)
            assert_non_null(strstr(err.fix, ".yaml"));
        (void)stint_admission_free(admission);
    }
}

static const struct stint_engine_report service = { .separate_users = true, .min_uid = 1000 };
static const struct stint_caller root = { 0, 0, "root", STINT_ROLE_OPERATOR };
static const struct stint_caller mailer = { 8, 8, "mail", STINT_ROLE_USER };

/* Plain or with a model, to run or to rehearse: the same answer, and nothing public. */
static void who_may_run_nothing_leaves_no_decision(void **state)
{
    struct fixture *f = *state;
    const char *path = fixture_folder(f, "open", "fail");
    char request[300];
    struct reply reply;
    engine_says = service;
    (void)snprintf(request, sizeof(request),
                   "{\"command\":[\"true\"],\"uses\":{\"models\":[\"%s\"]}}", path);
    const struct stint_caller *const callers[] = { &root, &mailer };
    const char *const requests[] = { "{\"command\":[\"true\"]}", request };
    for (size_t i = 0; i < 8; i++) {
        fixture_submit(f, callers[i & 1], requests[i >> 1 & 1], i >> 2 & 1, &reply);
        assert_true(reply.is_given);
        assert_int_equal(reply.code, STINT_NOT_PERMITTED);
        assert_int_equal(reply.decision, 0);
        assert_non_null(strstr(reply.fix, "runuser -u NAME -- stint submit"));
    }
    assert_int_equal(call_count, 0);
    assert_int_equal(entry_count, 0);
    assert_int_equal(jobs_count, 0);
    fixture_submit_judged(f, &f->anna, request, &reply);
    assert_int_equal(reply.code, STINT_REFUSED);
    assert_true(reply.decision > 0);
}

static void an_operator_as_whom_nothing_runs_registers_as_the_daemon(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct stint_artifact_view view;
    const char *path = fixture_folder(f, "open", "pass");
    engine_says = service;
    f->options.own_uid = 70009;
    f->options.own_gid = 70008;
    fixture_reopen(f);
    fixture_register_begin(f, &root, path, "org/open", false, &outcome);
    tools_wait(1);
    assert_int_equal(calls[0].uid, 70009);
    tool_answer();
    tools_wait(1); /* the copying */
    assert_int_equal(calls[0].uid, 70009);
    tool_answer_all(f, &outcome.is_given);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(stint_admission_artifact(f->admission, "org/open", &view), 0);
    /* Others are themselves, as ever. */
    fixture_register_begin(f, &f->anna, fixture_folder(f, "hers", "pass"), "org/hers", true,
                           &outcome);
    tools_wait(1);
    assert_int_equal(calls[0].uid, ANNA);
    tool_answer_all(f, &outcome.is_given);
}

static void files_the_daemon_cannot_read_name_the_cure(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    engine_says = service;
    f->options.own_uid = 70009;
    fixture_reopen(f);
    fixture_register_begin(f, &root, "/nonexistent/artefact", "org/open", false, &outcome);
    tools_wait(1);
    tool_say(0, 3, "");
    while (!outcome.is_given)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    assert_true(outcome.code > 0);
    assert_non_null(strstr(outcome.fix, "runuser -u NAME -- stint artifact add"));
}

static void registering_needs_somebody_the_launcher_takes(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    const char *path = fixture_folder(f, "open", "pass");
    const struct stint_caller *const callers[] = { &root, &mailer };
    engine_says = service;
    f->options.own_uid = 112; /* a system user: below min_uid */
    fixture_reopen(f);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(callers); i++) {
        fixture_register_begin(f, callers[i], path, "org/open", false, &outcome);
        assert_true(outcome.is_given);
        assert_int_equal(outcome.code, STINT_NOT_PERMITTED);
        assert_non_null(strstr(outcome.fix, "runuser -u NAME -- stint artifact add"));
    }
    f->options.own_uid = 70009; /* and only operators go as the daemon */
    fixture_reopen(f);
    fixture_register_begin(f, &mailer, path, "org/open", false, &outcome);
    assert_int_equal(outcome.code, STINT_NOT_PERMITTED);
    assert_int_equal(call_count, 0);
    assert_int_equal(entry_count, 0);
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(rule_sets_that_are_not_there_are_refused_at_the_start),
        GATE_TEST(who_may_run_nothing_leaves_no_decision),
        GATE_TEST(an_operator_as_whom_nothing_runs_registers_as_the_daemon),
        GATE_TEST(files_the_daemon_cannot_read_name_the_cure),
        GATE_TEST(registering_needs_somebody_the_launcher_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
