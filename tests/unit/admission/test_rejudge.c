/* Verdicts that do not stand any more: said, and judged again without anybody asking. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

#define USE_OPEN "{\"command\":[\"true\"],\"uses\":{\"models\":[\"org/open\"]}}"
#define FACTS(base)                                                                                \
    "[{\"id\":1,\"component\":\"weights\",\"predicate\":\"licence\",\"subject\":\"\",\"value\":"   \
    "\"MIT\",\"grade\":\"declared\"},{\"id\":2,\"component\":\"base-model\",\"predicate\":"        \
    "\"name\",\"subject\":\"" base "\",\"value\":\"" base "\",\"grade\":\"declared\"}]"

static char rules_dir[160];
static size_t judging_count;

/* A folder of rules of this test's own, under the names that policy asks for. */
static void own_rules(struct fixture *f)
{
    static const char *const sets[] = { "osaid-1.0", "open-definition-2.1", "osi-code" };
    char command[600];
    (void)snprintf(rules_dir, sizeof(rules_dir), "%s/rules", f->folder);
    (void)snprintf(command, sizeof(command), "mkdir -p %s && cp %s/*.yaml %s/ && chmod u+w %s/*",
                   rules_dir, STINT_RULES, rules_dir, rules_dir);
    assert_int_equal(system(command), 0); /* NOLINT(bugprone-command-processor) */
    f->options.rules_dir = rules_dir;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sets); i++)
        f->options.rules[i] = sets[i];
    f->options.rejudge_after_ms = 1;
    fixture_reopen(f);
    judging_count = 0;
}

/* The rules say the same in other words, or nothing that can be read. */
static int change_rules(struct fixture *f, const char *line)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/osaid-1.0.yaml", rules_dir);
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
    f->err = (struct stint_error){ 0 };
    return stint_admission_reload(f->admission, &f->options, &f->err);
}

/* Answers what is asked until nothing more is judged; no two children at a time. */
static struct stint_rejudge_report settle(struct fixture *f)
{
    struct stint_rejudge_report report = { .is_under_way = true };
    while (report.is_under_way) {
        uv_run(uv_default_loop(), UV_RUN_ONCE);
        assert_true(call_count <= 1);
        for (; call_count > 0; judging_count++)
            tool_answer();
        stint_admission_rejudge_report(f->admission, &report);
    }
    return report;
}

static struct stint_artifact_view look(struct fixture *f, const char *name)
{
    struct stint_artifact_view view;
    assert_int_equal(stint_admission_artifact(f->admission, name, &view), 0);
    return view;
}

static void other_rules_change_the_verdict_without_a_job(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct reply reply;
    char under[80];
    own_rules(f);
    fixture_register(f, &f->anna, fixture_folder(f, "open", "pass"), "org/open", false, &outcome);
    assert_int_equal(outcome.code, 0);
    struct stint_artifact_view view = look(f, "org/open");
    assert_string_equal(view.result, "pass");
    assert_false(view.is_stale);
    assert_string_equal(view.judged_under, view.now_under);
    (void)snprintf(under, sizeof(under), "%s", view.judged_under);
    (void)settle(f);
    assert_int_equal(change_rules(f, "# stricter\n"), 0);
    view = look(f, "org/open");
    assert_true(view.is_stale);
    assert_string_equal(view.result, "unknown");
    assert_string_equal(view.was, "pass");
    assert_string_equal(view.judged_under, under);
    assert_string_not_equal(view.now_under, under);
    tool_word = "fail";
    struct stint_rejudge_report report = settle(f);
    assert_int_equal(report.judged_count, 1);
    assert_int_equal(report.failed_count, 0);
    assert_int_equal(judging_count, 1);
    view = look(f, "org/open");
    assert_false(view.is_stale);
    assert_string_equal(view.result, "fail");
    assert_true(view.verdict_id > outcome.verdict);
    fixture_submit_judged(f, &f->bert, USE_OPEN, &reply);
    assert_int_equal(reply.reason, STINT_REASON_ModelNotOpen);
    fixture_reopen(f); /* it is stored */
    assert_string_equal(look(f, "org/open").result, "fail");
}

static void broken_rules_leave_verdicts_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    own_rules(f);
    fixture_register(f, &f->anna, fixture_folder(f, "open", "pass"), "org/open", false, &outcome);
    (void)settle(f);
    assert_int_equal(change_rules(f, "criteria: [\n"), STINT_INVALID);
    assert_non_null(strstr(f->err.text, "osaid-1.0.yaml:"));
    struct stint_artifact_view view = look(f, "org/open");
    assert_false(view.is_stale);
    assert_string_equal(view.result, "pass");
    struct stint_rejudge_report report;
    stint_admission_rejudge_report(f->admission, &report);
    assert_false(report.is_under_way);
    assert_int_equal(judging_count, 0);
}

static void register_based(struct fixture *f, const char *folder, const char *name,
                           const char *facts)
{
    struct outcome outcome;
    const char *path = fixture_folder(f, folder, "pass");
    fixture_write(path, "facts", facts);
    fixture_register(f, &f->anna, path, name, false, &outcome);
    assert_int_equal(outcome.code, 0);
}

/* The heir was registered first; it is judged after its base all the same, once each. */
static void what_is_named_is_judged_before_who_names_it(void **state)
{
    struct fixture *f = *state;
    own_rules(f);
    register_based(f, "heir", "org/heir", FACTS("org/base"));
    register_based(f, "base", "org/base", FACTS("org/root"));
    register_based(f, "root", "org/root", FACTS("nobody/knows"));
    (void)settle(f); /* the heirs, once their names stand for something */
    assert_false(look(f, "org/heir").is_stale);
    judging_count = 0;
    assert_int_equal(change_rules(f, "# other\n"), 0);
    assert_int_equal(settle(f).judged_count, 3);
    assert_int_equal(judging_count, 3);
    assert_false(look(f, "org/heir").is_stale);
    assert_false(look(f, "org/base").is_stale);
    assert_false(look(f, "org/root").is_stale);
}

static void two_that_name_each_other_are_judged_once_each(void **state)
{
    struct fixture *f = *state;
    own_rules(f);
    register_based(f, "one", "org/one", FACTS("org/two"));
    register_based(f, "two", "org/two", FACTS("org/one"));
    (void)settle(f);
    for (size_t i = 0; i < 3; i++) {
        judging_count = 0;
        tool_word = i == 1 ? "fail" : NULL;
        assert_int_equal(change_rules(f, "# other\n"), 0);
        struct stint_rejudge_report report = settle(f);
        assert_int_equal(report.judged_count + report.failed_count, 2);
        assert_true(judging_count >= 2 && judging_count <= 6); /* what it was told may change */
    }
}

static void people_go_first(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome, other;
    own_rules(f);
    fixture_register(f, &f->anna, fixture_folder(f, "open", "pass"), "org/open", false, &outcome);
    (void)settle(f);
    assert_int_equal(change_rules(f, "# other\n"), 0);
    fixture_register_begin(f, &f->bert, fixture_folder(f, "his", "pass"), "org/his", true, &other);
    tools_wait(1);
    for (int i = 0; i < 20; i++)
        uv_run(uv_default_loop(), UV_RUN_NOWAIT);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].uid, BERT);
    assert_true(look(f, "org/open").is_stale);
    tool_answer_all(f, &other.is_given);
    assert_int_equal(settle(f).judged_count, 1);
    assert_false(look(f, "org/open").is_stale);
}

/* The store is closed and opened by rules that changed meanwhile: as after an upgrade. */
static void a_start_judges_what_became_stale_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    own_rules(f);
    fixture_register(f, &f->anna, fixture_folder(f, "open", "pass"), "org/open", false, &outcome);
    (void)settle(f);
    f->options.rules[STINT_USE_MODEL] = "owd-0.3";
    judging_count = 0;
    fixture_reopen(f);
    struct stint_artifact_view view = look(f, "org/open");
    assert_true(view.is_stale);
    assert_null(view.was); /* by these rules it never was judged */
    assert_int_equal(settle(f).judged_count, 1);
    assert_string_equal(look(f, "org/open").result, "pass");
}

#define REJUDGE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REJUDGE_TEST(other_rules_change_the_verdict_without_a_job),
        REJUDGE_TEST(broken_rules_leave_verdicts_as_they_are),
        REJUDGE_TEST(what_is_named_is_judged_before_who_names_it),
        REJUDGE_TEST(two_that_name_each_other_are_judged_once_each),
        REJUDGE_TEST(people_go_first),
        REJUDGE_TEST(a_start_judges_what_became_stale_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
