/* Rule sets: the shipped ones load, a slip is refused with line and cure, and judging keeps the
 * rules of evidence. The strict YAML underneath. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluator/folder.h"
#include "evaluator/strict_yaml.h"
#include "fixture.h"
#include "stint/auto.h"
#include "stint/licence.h"

static void yaml_outside_the_subset_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "a: &x 1\n", "line 1: an anchor" },
        { "a: 1\nb: *x\n", "line 2: an alias" },
        { "a: !!python/object 1\n", "line 1: a tag" },
        { "a: 1\na: 2\n", "line 2: this key is there twice" },
        { "a: 1\n---\nb: 2\n", "line 2: a second document" },
        { "<<: {a: 1}\n", "line 1: a merge key" },
        { "[1, 2]: x\n", "line 1: a key must be a word" },
        { "a: [1\n", "line " },
        { "a: \"x\\0y\"\n", "line 1: a NUL" },
        { "\ta: 1\n", "line 1" },
        { "a: \xff\n", "line 1" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct strict_yaml_document *document = NULL;
        struct stint_error err = { 0 };
        int r = strict_yaml_parse(cases[i].text, strlen(cases[i].text), 1, &document, &err);
        if (r != STINT_INVALID || strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("'%s' gave %d '%s'", cases[i].text, r, err.text);
        assert_null(document);
    }
}

static void yaml_of_any_depth_and_size_is_bounded(void **state)
{
    (void)state;
    static const char *const pieces[] = { "[", "{a: ", "- ", "? " };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(pieces); i++) {
        struct strict_yaml_document *document = NULL;
        size_t length = strlen(pieces[i]) * 5000;
        char *text = malloc(length + 1);
        text[0] = '\0';
        for (size_t j = 0; j < 5000; j++)
            memcpy(text + j * strlen(pieces[i]), pieces[i], strlen(pieces[i]));
        assert_int_equal(strict_yaml_parse(text, length, 1, &document, NULL), STINT_INVALID);
        free(text);
    }
}

static void every_shipped_rule_set_loads(void **state)
{
    struct fixture *f = *state;
    char list[2048];
    char *rest = list;
    size_t count = 0;
    (void)snprintf(list, sizeof(list), "%s", stint_evaluator_rules_list(f->evaluator));
    for (char *id; (id = strsep(&rest, ","));) {
        const struct stint_rules *rules;
        struct stint_error err = { 0 };
        if (stint_evaluator_rules(f->evaluator, id, &rules, &err) != 0)
            fail_msg("%s: %s; %s", id, err.text, err.fix);
        assert_string_equal(stint_rules_id(rules), id);
        count++;
    }
    assert_true(count >= 3);
}

#define HEAD                                                                                       \
    "rules: r\ntitle: t\nversion: v\ndate: d\nsource: s\nkind: model\nlists: {l: [MIT]}\n"         \
    "criteria:\n- id: A\n  text: t\n  fix: f\n  check: "

static void a_slip_in_a_rule_is_refused_with_line_and_cure(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "rules: r\n", "x.yaml:1: 'title' is missing" },
        { HEAD "{component: weihgts, predicate: present, is: true}\n", "'weihgts' is not a comp" },
        { HEAD "{component: weights, predicate: presnt, is: true}\n", "'presnt' is not a predic" },
        { HEAD "{component: weights, predicate: present, is: maybe}\n", "x.yaml:12: 'present' is" },
        { HEAD "{component: weights, predicate: present}\n", "a check without a test" },
        { HEAD "{component: weights, predicate: present, is: true, grade: claimed}\n",
          "a claim alone never" },
        { HEAD "{component: weights, predicate: present, is: true, grade: sure}\n",
          "'sure' is not a grade" },
        { HEAD "{component: weights, predicate: licence, accept: [$m]}\n", "no list 'm'" },
        { HEAD "{component: weights, predicate: present, accept: [osi]}\n", "judges licences" },
        { HEAD "{component: weights, predicate: restriction, none_of: [nc]}\n", "not a facet" },
        { HEAD "{component: weights, predicate: present, is: true, none: true}\n", "two tests" },
        { HEAD "{component: weights, predicate: present, is: true, wight: 1}\n", "'wight' is not" },
        { HEAD "{all: []}\n", "a list of checks" },
        { HEAD "[]\n", "a check is a map" },
        { HEAD "{each: base-model, if_none: maybe, check: {component: weights, predicate: present, "
               "is: true}}\n",
          "'maybe' is not a result" },
        { HEAD "{component: weights, predicate: present, is: true}\n- {id: A, text: t, fix: f, "
               "check: {component: weights, predicate: present, is: true}}\n",
          "'A' is there twice" },
        { "a: &b 1\n", "x.yaml:1: an anchor" },
        { "?", "x.yaml:1: '' is not a key" },
        { HEAD "{component: weights, predicate: present, is: true, '': 1}\n", "'' is not a key" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_rules *rules = NULL;
        struct stint_error err = { 0 };
        int r = stint_rules_parse("x.yaml", cases[i].text, strlen(cases[i].text), &rules, &err);
        if (r != STINT_INVALID || !strstr(err.text, cases[i].says) || !err.fix[0] ||
            strncmp(err.text, "x.yaml:", 7) != 0)
            fail_msg("case %zu gave %d '%s' cure '%s'", i, r, err.text, err.fix);
    }
}

static void a_licence_that_nobody_bears_is_refused(void **state)
{
    stint_auto(stint_licences_close) struct stint_licences *licences = NULL;
    (void)state;
    static const struct {
        const char *text;
        const char *says;
        const char *cure;
    } cases[] = {
        { HEAD "{component: weights, predicate: licence, accept: [osi, MIT, GPL-3.0-only]}\n", "",
          "" },
        { HEAD "{component: weights, predicate: licence, accept: [osi, Apache2.0]}\n",
          "x.yaml:12: 'Apache2.0' is not a licence's id", "write Apache-2.0" },
        { HEAD "{component: weights, predicate: licence, accept: [osi, Acme-9]}\n",
          "x.yaml:12: 'Acme-9' is not", "SPDX id" },
        { HEAD "{component: weights, predicate: licence, is: true}\n", "'true' is not", "SPDX" },
        { HEAD "{any: [{component: code, predicate: licence, accept: [cc]}]}\n", "'cc' is not",
          "SPDX" },
    };
    assert_int_equal(stint_licences_open(NULL, &licences, NULL), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_rules_free) struct stint_rules *rules = NULL;
        struct stint_error err = { 0 };
        assert_int_equal(
            stint_rules_parse("x.yaml", cases[i].text, strlen(cases[i].text), &rules, &err), 0);
        int r = stint_rules_check_licences(rules, licences, &err);
        if (r != (*cases[i].says ? STINT_INVALID : 0) || !strstr(err.text, cases[i].says) ||
            !strstr(err.fix, cases[i].cure))
            fail_msg("case %zu gave %d '%s' cure '%s'", i, r, err.text, err.fix);
    }
}

/* The cure of a misspelt word is a list that is there. */
static void the_words_are_listed_for_who_writes_rules(void **state)
{
    (void)state;
    stint_auto(stint_free) char *text = NULL;
    size_t length;
    char word[80];
    assert_int_equal(folder_read_file(STINT_TEST_DATA "/../../config/rules", "README.md", 1 << 20,
                                      &text, &length, NULL),
                     0);
    for (unsigned i = 1; i < STINT_COMPONENT_COUNT; i++) {
        (void)snprintf(word, sizeof(word), "`%s`", stint_component_name((enum stint_component)i));
        if (!strstr(text, word))
            fail_msg("the component %s is not in config/rules/README.md", word);
    }
    for (unsigned i = 1; i < STINT_PREDICATE_COUNT; i++) {
        (void)snprintf(word, sizeof(word), "`%s`", stint_predicate_name((enum stint_predicate)i));
        if (!strstr(text, word))
            fail_msg("the predicate %s is not in config/rules/README.md", word);
    }
    for (unsigned i = 0; i < STINT_FACET_COUNT; i++) {
        (void)snprintf(word, sizeof(word), "`%s`",
                       stint_licence_facet_name((enum stint_licence_facet)i));
        if (!strstr(text, word))
            fail_msg("the facet %s is not in config/rules/README.md", word);
    }
}

/* One fact in short: component weights, predicate licence or present, value, grade. */
struct short_fact {
    enum stint_predicate predicate;
    const char *value;
    enum stint_grade grade;
};

static const char *judge_short(struct stint_licences *licences, const char *check,
                               const struct short_fact *facts, size_t count)
{
    static struct stint_rules_result results[STINT_VERDICT_RESULTS_MAX];
    struct stint_verdict verdict = { .results = results, .data_class = "" };
    struct stint_rules *rules = NULL;
    struct stint_error err = { 0 };
    char text[2048];
    (void)snprintf(text, sizeof(text), HEAD "%s\n", check);
    if (stint_rules_parse("x.yaml", text, strlen(text), &rules, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(stint_facts_new(&verdict.facts), 0);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = { .component = STINT_WEIGHTS,
                                   .predicate = facts[i].predicate,
                                   .grade = facts[i].grade,
                                   .text = facts[i].value,
                                   .subject =
                                       facts[i].predicate == STINT_NAME ? facts[i].value : "" };
        if (stint_predicate_type(fact.predicate) == STINT_VALUE_BOOL)
            fact = (struct stint_fact){ .component = STINT_WEIGHTS,
                                        .predicate = fact.predicate,
                                        .grade = fact.grade,
                                        .truth = strcmp(facts[i].value, "yes") == 0 };
        assert_int_not_equal(stint_facts_add(verdict.facts, &fact), 0);
    }
    assert_int_equal(stint_rules_judge(rules, licences, &verdict), 0);
    const char *result = stint_result_name(results[0].criteria[0].result);
    assert_int_equal(results[0].result, results[0].criteria[0].result);
    assert_string_not_equal(results[0].criteria[0].why, "");
    free(results[0].criteria);
    stint_facts_free(verdict.facts);
    stint_rules_free(rules);
    return result;
}

static void judging_keeps_the_rules_of_evidence(void **state)
{
    (void)state;
    static const char present[] = "{component: weights, predicate: present, is: true}";
    static const char matched[] =
        "{component: weights, predicate: present, is: true, grade: matched}";
    static const char accept[] = "{component: weights, predicate: licence, accept: [osi, $l]}";
    static const char none_of[] =
        "{component: weights, predicate: restriction, none_of: [non_commercial]}";
    static const char none[] = "{component: weights, predicate: gated, none: true}";
    static const char either[] =
        "{any: [{component: weights, predicate: present, is: true}, {component: weights, "
        "predicate: used, is: false}]}";
    static const struct {
        const char *check;
        struct short_fact facts[3];
        const char *result;
    } cases[] = {
        { present, { { 0 } }, "unknown" },
        { present, { { STINT_PRESENT, "yes", STINT_DECLARED } }, "pass" },
        { present, { { STINT_PRESENT, "yes", STINT_CLAIMED } }, "unknown" },
        { present, { { STINT_PRESENT, "no", STINT_DECLARED } }, "fail" },
        { present, { { STINT_PRESENT, "no", STINT_CLAIMED } }, "unknown" },
        { present,
          { { STINT_PRESENT, "yes", STINT_ATTESTED }, { STINT_PRESENT, "no", STINT_DECLARED } },
          "fail" },
        { present,
          { { STINT_PRESENT, "yes", STINT_ATTESTED }, { STINT_PRESENT, "no", STINT_CLAIMED } },
          "pass" },
        { present,
          { { STINT_PRESENT, "yes", STINT_MATCHED }, { STINT_PRESENT, "no", STINT_CLAIMED } },
          "unknown" },
        { accept,
          { { STINT_LICENCE, "MIT", STINT_ATTESTED },
            { STINT_LICENCE, "LicenseRef-modified-MIT", STINT_NAMED } },
          "pass" },
        { matched, { { STINT_PRESENT, "yes", STINT_DECLARED } }, "unknown" },
        { matched, { { STINT_PRESENT, "yes", STINT_MATCHED } }, "pass" },
        { accept, { { STINT_LICENCE, "Apache-2.0", STINT_MATCHED } }, "pass" },
        { accept, { { STINT_LICENCE, "CC-BY-NC-4.0", STINT_MATCHED } }, "fail" },
        { accept, { { STINT_LICENCE, "LicenseRef-unknown-x", STINT_NAMED } }, "unknown" },
        { accept, { { STINT_LICENCE, "NOASSERTION", STINT_NAMED } }, "unknown" },
        { accept, { { STINT_LICENCE, "NONE", STINT_DECLARED } }, "fail" },
        { accept, { { STINT_LICENCE, "MIT OR CC-BY-NC-4.0", STINT_DECLARED } }, "pass" },
        { accept, { { STINT_LICENCE, "MIT AND CC-BY-NC-4.0", STINT_DECLARED } }, "fail" },
        { accept, { { STINT_LICENCE, "not an (expression", STINT_DECLARED } }, "unknown" },
        { accept,
          { { STINT_LICENCE, "MIT", STINT_MATCHED },
            { STINT_LICENCE, "CC-BY-NC-4.0", STINT_DECLARED } },
          "fail" },
        { accept,
          { { STINT_LICENCE, "MIT", STINT_MATCHED },
            { STINT_LICENCE, "LicenseRef-modified-MIT", STINT_NAMED } },
          "unknown" },
        { none_of, { { 0 } }, "unknown" },
        { none_of, { { STINT_RESTRICTION, "none", STINT_DECLARED } }, "pass" },
        { none_of, { { STINT_RESTRICTION, "unknown", STINT_DECLARED } }, "unknown" },
        { none_of, { { STINT_RESTRICTION, "share_alike", STINT_DECLARED } }, "pass" },
        { none_of,
          { { STINT_RESTRICTION, "none", STINT_MATCHED },
            { STINT_RESTRICTION, "non_commercial", STINT_DECLARED } },
          "fail" },
        { none_of,
          { { STINT_RESTRICTION, "none", STINT_MATCHED },
            { STINT_RESTRICTION, "non_commercial", STINT_CLAIMED } },
          "unknown" },
        { none, { { 0 } }, "pass" },
        { none, { { STINT_GATED, "auto", STINT_DECLARED } }, "fail" },
        { either, { { STINT_PRESENT, "no", STINT_DECLARED } }, "unknown" },
        { either,
          { { STINT_PRESENT, "no", STINT_DECLARED }, { STINT_USED, "no", STINT_DECLARED } },
          "pass" },
        { either,
          { { STINT_PRESENT, "no", STINT_DECLARED }, { STINT_USED, "yes", STINT_DECLARED } },
          "fail" },
    };
    struct stint_licences *licences = NULL;
    assert_int_equal(stint_licences_open(NULL, &licences, NULL), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        size_t count = 0;
        while (count < 3 && cases[i].facts[count].value)
            count++;
        const char *result = judge_short(licences, cases[i].check, cases[i].facts, count);
        if (strcmp(result, cases[i].result) != 0)
            fail_msg("case %zu: %s, wanted %s", i, result, cases[i].result);
    }
    stint_licences_close(licences);
}

static void the_same_facts_give_the_same_verdict(void **state)
{
    struct fixture *f = *state;
    char *texts[2];
    fixture_open_model(f, "m");
    for (size_t i = 0; i < 2; i++) {
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_AUTO, NULL);
        stint_verdict_json(verdict, &text);
        texts[i] = stint_buffer_take(&text);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

static void a_full_set_of_facts_never_passes(void **state)
{
    (void)state;
    struct stint_facts *facts = NULL;
    assert_int_equal(stint_facts_new(&facts), 0);
    for (int64_t i = 0; i <= STINT_FACTS_MAX; i++) {
        struct stint_fact fact = { .component = STINT_WEIGHTS,
                                   .predicate = STINT_SIZE,
                                   .number = i };
        uint32_t id = stint_facts_add(facts, &fact);
        assert_int_equal(id, i < STINT_FACTS_MAX ? i + 1 : 0);
    }
    assert_true(stint_facts_is_full(facts));
    assert_int_equal(stint_facts_count(facts), STINT_FACTS_MAX);
    stint_facts_free(facts);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_outside_the_subset_is_refused_with_its_line),
        cmocka_unit_test(yaml_of_any_depth_and_size_is_bounded),
        CASE(every_shipped_rule_set_loads),
        CASE(a_licence_that_nobody_bears_is_refused),
        CASE(the_words_are_listed_for_who_writes_rules),
        cmocka_unit_test(a_slip_in_a_rule_is_refused_with_line_and_cure),
        cmocka_unit_test(judging_keeps_the_rules_of_evidence),
        CASE(the_same_facts_give_the_same_verdict),
        cmocka_unit_test(a_full_set_of_facts_never_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
