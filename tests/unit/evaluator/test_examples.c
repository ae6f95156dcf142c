/* The example artefacts of the demonstration, by every rule set that fits them, criterion by
 * criterion. A change here is a change of what a definition is taken to say: look at it twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "stint/auto.h"

#define EXAMPLES STINT_TEST_DATA "/../../contrib/examples/"

/* Of each rule set its result (and class), and which criteria come to what. */
static const struct {
    const char *name;
    const char *expected;
} examples[] = {
    { "commons-lm", "dpg-1.1.7: unknown\n"
                    "  pass DPG-2-code DPG-2-model DPG-2-data DPG-4 DPG-5 DPG-6\n"
                    "  unknown DPG-1 DPG-3\n"
                    "eu-osai: unknown\n"
                    "  pass EU-base-data EU-end-data EU-base-weights EU-end-weights "
                    "EU-training-code EU-code EU-architecture EU-model-card EU-datasheet "
                    "EU-licences\n"
                    "  unknown EU-preprint EU-paper\n"
                    "fsf-2024: pass\n"
                    "  pass FSF-1 FSF-2 FSF-3\n"
                    "mof-1.0: unknown, class none\n"
                    "  pass MOF-architecture MOF-weights MOF-evaluation-results MOF-model-card "
                    "MOF-training-code MOF-inference-code MOF-evaluation-code MOF-training-data "
                    "MOF-data-code MOF-model-metadata\n"
                    "  unknown MOF-data-card MOF-technical-report MOF-sample-outputs "
                    "MOF-evaluation-data MOF-supporting-code MOF-checkpoints MOF-research-paper\n"
                    "mot: unknown, class none\n"
                    "  unknown MOT-architecture MOT-weights MOT-evaluation-results MOT-model-card "
                    "MOT-data-card MOT-technical-report MOT-sample-outputs MOT-training-code "
                    "MOT-inference-code MOT-evaluation-code MOT-evaluation-data MOT-supporting-code"
                    " MOT-training-data MOT-data-code MOT-checkpoints MOT-research-paper "
                    "MOT-model-metadata\n"
                    "osaid-1.0: pass\n"
                    "  pass OSAID-F1 OSAID-F2 OSAID-F3 OSAID-F4 OSAID-D1 OSAID-D1a OSAID-D1b "
                    "OSAID-D1c OSAID-D1d OSAID-D1e OSAID-D2 OSAID-D3 OSAID-D4 OSAID-C1 OSAID-C2 "
                    "OSAID-C3 OSAID-C4 OSAID-C5 OSAID-C6 OSAID-C7 OSAID-P1 OSAID-P2\n"
                    "owd-0.3: pass\n"
                    "  pass OWD-1 OWD-2 OWD-3 OWD-4 OWD-5 OWD-6 OWD-7 OWD-9 OWD-10\n" },
    { "gated-lm", "dpg-1.1.7: fail\n"
                  "  pass DPG-6\n"
                  "  fail DPG-2-code DPG-2-data DPG-5\n"
                  "  unknown DPG-1 DPG-2-model DPG-3 DPG-4\n"
                  "eu-osai: fail\n"
                  "  pass EU-base-weights EU-architecture EU-model-card\n"
                  "  fail EU-end-data EU-end-weights EU-training-code EU-code EU-datasheet\n"
                  "  unknown EU-base-data EU-preprint EU-paper EU-licences\n"
                  "fsf-2024: fail\n"
                  "  fail FSF-1 FSF-2 FSF-3\n"
                  "mof-1.0: fail, class none\n"
                  "  fail MOF-training-data\n"
                  "  unknown MOF-architecture MOF-weights MOF-evaluation-results MOF-model-card "
                  "MOF-data-card MOF-technical-report MOF-sample-outputs MOF-training-code "
                  "MOF-inference-code MOF-evaluation-code MOF-evaluation-data MOF-supporting-code"
                  " MOF-data-code MOF-checkpoints MOF-research-paper MOF-model-metadata\n"
                  "mot: unknown, class none\n"
                  "  unknown MOT-architecture MOT-weights MOT-evaluation-results MOT-model-card "
                  "MOT-data-card MOT-technical-report MOT-sample-outputs MOT-training-code "
                  "MOT-inference-code MOT-evaluation-code MOT-evaluation-data MOT-supporting-code"
                  " MOT-training-data MOT-data-code MOT-checkpoints MOT-research-paper "
                  "MOT-model-metadata\n"
                  "osaid-1.0: fail\n"
                  "  pass OSAID-P1\n"
                  "  fail OSAID-F1 OSAID-F2 OSAID-F3 OSAID-F4 OSAID-D1 OSAID-D1a OSAID-D1b "
                  "OSAID-D1c OSAID-D1d OSAID-D1e OSAID-D2 OSAID-D3 OSAID-D4 OSAID-C2 OSAID-C5\n"
                  "  unknown OSAID-C1 OSAID-C3 OSAID-C4 OSAID-C6 OSAID-C7 OSAID-P2\n"
                  "owd-0.3: fail\n"
                  "  fail OWD-1 OWD-2 OWD-3 OWD-4 OWD-5 OWD-6 OWD-7 OWD-9 OWD-10\n" },
    { "commons-text", "open-definition-2.1: pass\n"
                      "  pass OD-1.1 OD-1.2 OD-1.3 OD-1.4 OD-2.1 OD-S OD-K\n" },
};

static void results_write(const struct stint_rules_result *result, struct stint_buffer *text)
{
    static const enum stint_result kinds[] = { STINT_RESULT_PASS, STINT_RESULT_FAIL,
                                               STINT_RESULT_UNKNOWN };
    stint_buffer_printf(text, "%s: %s%s%s\n", result->rules, stint_result_name(result->result),
                        *result->class_name ? ", class " : "", result->class_name);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(kinds); i++) {
        bool is_first = true;
        for (size_t j = 0; j < result->criterion_count; j++) {
            if (result->criteria[j].result != kinds[i])
                continue;
            stint_buffer_printf(text, "%s%s %s", is_first ? "  " : "",
                                is_first ? stint_result_name(kinds[i]) : "",
                                result->criteria[j].id);
            is_first = false;
        }
        stint_buffer_add_text(text, is_first ? "" : "\n");
    }
}

static void examples_come_to_what_they_should(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(examples); i++) {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        struct stint_error err = { 0 };
        char path[1024];
        (void)snprintf(path, sizeof(path), EXAMPLES "%s", examples[i].name);
        if (stint_evaluate_path(f->evaluator, path, STINT_KIND_AUTO, "all", &verdict, &err) != 0)
            fail_msg("%s: %s", path, err.text);
        for (size_t j = 0; j < verdict->result_count; j++)
            results_write(&verdict->results[j], &text);
        assert_string_equal(stint_buffer_text(&text), examples[i].expected);
    }
}

/* A pass needs more than a claim, a fail names what shows it, and what is unknown says what would
 * settle it. */
static void every_word_of_a_verdict_has_its_evidence(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(examples); i++) {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
        struct stint_error err = { 0 };
        char path[1024];
        (void)snprintf(path, sizeof(path), EXAMPLES "%s", examples[i].name);
        assert_int_equal(
            stint_evaluate_path(f->evaluator, path, STINT_KIND_AUTO, "all", &verdict, &err), 0);
        for (size_t j = 0; j < verdict->result_count; j++)
            for (size_t k = 0; k < verdict->results[j].criterion_count; k++) {
                const struct stint_criterion_result *criterion = &verdict->results[j].criteria[k];
                bool is_pass = criterion->result == STINT_RESULT_PASS;
                assert_int_equal(*criterion->would_pass != '\0', !is_pass);
                if (criterion->result == STINT_RESULT_FAIL)
                    assert_true(criterion->evidence_count > 0);
                for (uint32_t n = 0; is_pass && n < criterion->evidence_count; n++)
                    assert_true(stint_facts_by_id(verdict->facts, criterion->evidence[n])->grade >
                                STINT_CLAIMED);
            }
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(examples_come_to_what_they_should),
        CASE(every_word_of_a_verdict_has_its_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
