/* The Model Openness Tool's classes and percentages: its own published records where the reference
 * data is there, and a record made here always. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "fixture.h"

static const struct stint_rules_result *judged(const struct stint_verdict *verdict,
                                               const char *rules)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        if (strcmp(verdict->results[i].rules, rules) == 0)
            return &verdict->results[i];
    fail_msg("no result of %s", rules);
    return NULL;
}

static int class_number(const char *name)
{
    return strcmp(name, "I") == 0     ? 1
           : strcmp(name, "II") == 0  ? 2
           : strcmp(name, "III") == 0 ? 3
                                      : 0;
}

/* The next field of a CSV line with quotes; moves *at. */
static char *field(char **at)
{
    char *from = *at;
    bool is_quoted = *from == '"';
    char *to = from += is_quoted;
    while (*to && (is_quoted ? *to != '"' : *to != ',' && *to != '\n'))
        to++;
    char *next = to + (is_quoted && *to == '"');
    *at = *next ? next + 1 : next;
    *to = '\0';
    return from;
}

static size_t compare_all(struct fixture *f, const char *table, const char *folder)
{
    char path[1024];
    char line[4096];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/%s", STINT_SHARED_DATA, table);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file)); /* the head */
    while (fgets(line, sizeof(line), file)) {
        char *at = line;
        char *name = field(&at);
        (void)field(&at);
        int class = (int)strtol(field(&at), NULL, 10);
        (void)field(&at);
        char *progress[3] = { field(&at), field(&at), field(&at) };
        struct stint_verdict *verdict = NULL;
        struct stint_error err = { 0 };
        (void)snprintf(path, sizeof(path), "%s/%s/%s", STINT_SHARED_DATA, folder, name);
        if (stint_evaluate_path(f->evaluator, path, STINT_KIND_AUTO, "mot", &verdict, &err) != 0)
            fail_msg("%s: %s", name, err.text);
        const struct stint_rules_result *result = judged(verdict, "mot");
        assert_int_equal(result->assurance, STINT_ASSURANCE_DECLARED);
        for (size_t i = 0; i < 3; i++) {
            char text[32];
            (void)snprintf(text, sizeof(text), "%.2f", result->progress[i]);
            if (strcmp(text, progress[i]) != 0 || class_number(result->class_name) != class)
                fail_msg("%s: class %s, progress %zu is %s, wanted %d, %s", name,
                         result->class_name, i + 1, text, class, progress[i]);
        }
        stint_verdict_free(verdict);
        count++;
    }
    (void)fclose(file);
    return count;
}

static void every_published_record_gets_the_tools_class(void **state)
{
    if (access(STINT_SHARED_DATA "/mot_expected.csv", R_OK) != 0)
        skip();
    assert_int_equal(compare_all(*state, "mot_expected.csv", "mot_models"), 69);
    assert_int_equal(compare_all(*state, "mot_testdata_expected.csv", "mot_testdata"), 10);
}

#define HEAD                                                                                       \
    "framework:\n  name: 'Model Openness Framework'\n  version: '1.0'\n  date: '2024-12-15'\n"     \
    "release:\n  name: Tiny\n  producer: village\n"

static void a_paper_stands_for_a_report_that_is_missing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *parts;
        double progress;
    } cases[] = {
        { "Model architecture,Model parameters (Final),Evaluation results,Model card,Data card,"
          "Technical report",
          100.0 },
        { "Model architecture,Model parameters (Final),Evaluation results,Model card,Data card,"
          "Research paper",
          100.0 },
        { "Model architecture,Model parameters (Final),Evaluation results,Model card,Data card",
          100.0 * 5 / 6 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char text[4096] = HEAD "  license:\n    distribution: {name: Apache-2.0}\n  components:\n";
        char parts[512];
        char *rest = parts;
        (void)snprintf(parts, sizeof(parts), "%s", cases[i].parts);
        for (char *part; (part = strsep(&rest, ","));)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "  - name: '%s'\n",
                           part);
        fixture_text(f, "model.yml", text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "model.yml", STINT_KIND_AUTO, "mot,mof-1.0");
        assert_true(judged(verdict, "mot")->progress[2] == cases[i].progress);
        assert_true(judged(verdict, "mof-1.0")->progress[2] == cases[i].progress);
    }
}

static void names_that_are_no_ids_count_for_mof_and_not_for_mot(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "model.yml",
                 HEAD "  license: {}\n  components:\n"
                      "  - {name: 'Model card', license: 'Apache 2.0'}\n"
                      "  - {name: 'Data card', license: unlicensed}\n"
                      "  - {name: 'Model parameters (Final)', license: 'MIT OR Apache-2.0'}\n"
                      "  - {name: 'Nonsense', license: MIT}\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "model.yml", STINT_KIND_AUTO, "mot,mof-1.0");
    assert_string_equal(fixture_result(verdict, "MOF-model-card"), "pass");
    assert_string_equal(fixture_result(verdict, "MOT-model-card"), "fail");
    assert_string_equal(fixture_result(verdict, "MOF-data-card"), "unknown");
    assert_string_equal(fixture_result(verdict, "MOF-weights"), "pass");
    assert_string_equal(fixture_result(verdict, "MOT-weights"), "fail");
    assert_true(fixture_has_finding(verdict, "T-mof"));
    assert_string_equal(judged(verdict, "mot")->class_name, "none");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_published_record_gets_the_tools_class),
        CASE(a_paper_stands_for_a_report_that_is_missing),
        CASE(names_that_are_no_ids_count_for_mof_and_not_for_mot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
