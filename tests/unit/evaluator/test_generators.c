/* What data inherits from the models that wrote it: limits on outputs, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "stint/auto.h"

#define CARD(more)                                                                                 \
    "---\nlicense: cc0-1.0\npretty_name: Sentences\nsize_categories:\n- n<1K\n" more "---\n"

static struct stint_verdict *judge_data(struct fixture *f, const char *file, const char *text)
{
    char path[80];
    fixture_open_data(f, "d");
    (void)snprintf(path, sizeof(path), "d/%s", file);
    fixture_text(f, path, text);
    return fixture_judge(f, "d", STINT_KIND_DATASET, NULL);
}

/* Llama 3 and the OpenAI API limit outputs, Pythia (Apache-2.0) and Gemma's licence do not; who is
 * known to nobody is unknown, and so is data that is only said to be synthetic. */
static void a_card_that_names_the_writer_inherits_its_limits(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *card;
        const char *terms;   /* OD-2.1 */
        const char *sources; /* OD-S */
        const char *class;
    } cases[] = {
        { CARD(""), "pass", "pass", "open" },
        { CARD("generated_by: meta-llama/Meta-Llama-3-8B-Instruct\n"), "fail", "pass", "public" },
        { CARD("generated_by: gpt-4\n"), "fail", "pass", "public" },
        { CARD("generated_from:\n- EleutherAI/pythia-1b\n"), "pass", "pass", "open" },
        { CARD("generator: [EleutherAI/pythia-1b, gpt-4]\n"), "fail", "pass", "public" },
        { CARD("generated_by: nobody/knows\n"), "unknown", "unknown", "unknown" },
        { CARD("tags:\n- synthetic\n"), "unknown", "pass", "unknown" },
        { CARD("tags:\n- distilabel\n"), "unknown", "pass", "unknown" },
        { CARD("synthetic: true\n"), "unknown", "pass", "unknown" },
        { CARD("synthetic: false\n"), "pass", "pass", "open" },
        { CARD("language_creators:\n- machine-generated\n"), "unknown", "pass", "unknown" },
        { CARD("annotations_creators:\n- machine-generated\n"), "pass", "pass", "open" },
        { CARD("tags:\n- synthetic\ngenerated_by: EleutherAI/pythia-1b\n"), "pass", "pass",
          "open" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_verdict *verdict = judge_data(f, "README.md", cases[i].card);
        if (strcmp(fixture_result(verdict, "OD-2.1"), cases[i].terms) != 0 ||
            strcmp(fixture_result(verdict, "OD-S"), cases[i].sources) != 0 ||
            strcmp(verdict->data_class, cases[i].class) != 0)
            fail_msg("%s: OD-2.1 %s, OD-S %s, class %s", cases[i].card,
                     fixture_result(verdict, "OD-2.1"), fixture_result(verdict, "OD-S"),
                     verdict->data_class);
        assert_int_equal(fixture_has_finding(verdict, "OW6"), strcmp(cases[i].terms, "fail") == 0);
        stint_verdict_free(verdict);
    }
}

#define CROISSANT(more)                                                                            \
    "{\"@context\":{\"@vocab\":\"https://schema.org/\"},\"@type\":\"sc:Dataset\","                 \
    "\"dct:conformsTo\":\"http://mlcommons.org/croissant/1.1\",\"name\":\"sentences\","            \
    "\"license\":\"https://creativecommons.org/publicdomain/zero/1.0/\"," more                     \
    "\"distribution\":[]}"

static void a_croissant_that_names_the_writer_inherits_its_limits(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        const char *terms;
    } cases[] = {
        { CROISSANT(""), "pass" },
        { CROISSANT("\"rai:hasSyntheticData\":true,"), "unknown" },
        { CROISSANT("\"rai:hasSyntheticData\":false,"), "pass" },
        { CROISSANT("\"rai:dataCollectionType\":[\"Synthetic\"],"), "unknown" },
        { CROISSANT("\"rai:dataCollectionType\":[\"Synthetic\"],"
                    "\"prov:wasGeneratedBy\":{\"prov:wasAssociatedWith\":{\"name\":\"gpt-4\"}},"),
          "fail" },
        { CROISSANT("\"rai:dataCollectionType\":\"Synthetic\","
                    "\"prov:wasGeneratedBy\":\"EleutherAI/pythia-1b\","),
          "pass" },
        { CROISSANT("\"rai:machineAnnotationTools\":[\"a script of ours\",\"gpt-4o\"],"), "fail" },
        { CROISSANT("\"rai:machineAnnotationTools\":[\"a script of ours\"],"), "pass" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_verdict *verdict = judge_data(f, "croissant.json", cases[i].text);
        if (strcmp(fixture_result(verdict, "OD-2.1"), cases[i].terms) != 0)
            fail_msg("%s: %s", cases[i].text, fixture_result(verdict, "OD-2.1"));
        stint_verdict_free(verdict);
    }
}

#define GRAPH(model)                                                                               \
    "{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":["                \
    "{\"type\":\"dataset_DatasetPackage\",\"spdxId\":\"urn:d\",\"name\":\"village/sentences\"},"   \
    "{\"type\":\"ai_AIPackage\",\"spdxId\":\"urn:g\",\"name\":\"" model "\"},"                     \
    "{\"type\":\"Relationship\",\"relationshipType\":\"generates\",\"from\":\"urn:g\","            \
    "\"to\":[\"urn:d\"]}]}"

static void a_bill_that_names_the_writer_inherits_its_limits(void **state)
{
    struct fixture *f = *state;
    struct stint_verdict *verdict = judge_data(f, "bom.json", GRAPH("meta-llama/Llama-2-7b"));
    assert_string_equal(fixture_result(verdict, "OD-2.1"), "fail");
    stint_verdict_free(verdict);
    verdict = judge_data(f, "bom.json", GRAPH("EleutherAI/pythia-1b"));
    assert_string_equal(fixture_result(verdict, "OD-2.1"), "pass");
    stint_verdict_free(verdict);
}

#define PAGE(writer)                                                                               \
    "# Data\n\n| data set | class | licence | where | generated by |\n|---|---|---|---|---|\n"     \
    "| village/sentences | open | CC0-1.0 | https://example.org/s.txt | " writer " |\n\n"          \
    "## Provenance\n\nWritten for this purpose, copied from nowhere else.\n"

/* Free software's criterion asks for open data; OSAID for what class it has. */
static void training_data_that_a_model_wrote_is_judged_with_its_writer(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *page;
        const char *fsf;
        const char *osaid;
    } cases[] = { { PAGE("-"), "pass", "pass" },
                  { PAGE("\xe2\x80\x93"), "pass", "pass" },
                  { PAGE("EleutherAI/pythia-1b"), "pass", "pass" },
                  { PAGE("google/nobody-knows"), "unknown", "unknown" },
                  { PAGE("gpt-4"), "fail", "pass" } };
    fixture_open_model(f, "m");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fixture_text(f, "m/DATA.md", cases[i].page);
        struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, "fsf-2024,osaid-1.0");
        if (strcmp(fixture_result(verdict, "FSF-2"), cases[i].fsf) != 0 ||
            strcmp(fixture_result(verdict, "OSAID-D1"), cases[i].osaid) != 0)
            fail_msg("%s: FSF-2 %s, OSAID-D1 %s", cases[i].page, fixture_result(verdict, "FSF-2"),
                     fixture_result(verdict, "OSAID-D1"));
        stint_verdict_free(verdict);
    }
}

static struct stint_verdict *judge_with(struct fixture *f, const char *members)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_error err = { 0 };
    char hex[STINT_SHA256_HEX];
    struct stint_verdict *verdict = fixture_judge(f, "d", STINT_KIND_DATASET, NULL);
    stint_sha256_hex(&verdict->digest, hex);
    stint_verdict_free(verdict);
    stint_buffer_printf(&text,
                        "[{\"schema\":\"stint.attestation/1\",\"digest\":\"sha256:%s\",%s,"
                        "\"source\":\"https://example.org/terms\",\"date\":\"2026-11-01\","
                        "\"reviewer\":\"operator\"}]",
                        hex, members);
    struct stint_evaluation evaluation = { .path = fixture_path(f, "d"),
                                           .kind = STINT_KIND_DATASET,
                                           .attestations = stint_buffer_text(&text) };
    if (stint_evaluate(f->evaluator, &evaluation, &verdict, NULL, &err) != 0)
        fail_msg("%s; %s", err.text, err.fix);
    return verdict;
}

/* An unknown writer is resolved by a word about the writer; where none is named, by one about the
 * data. */
static void a_reviewer_settles_who_wrote_it_and_under_what(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *card;
        const char *word;
        const char *terms;
    } cases[] = {
        { CARD("generated_by: nobody/knows\n"),
          "\"component\":\"generator\",\"subject\":\"nobody/knows\",\"predicate\":\"licence\","
          "\"value\":\"MIT\"",
          "pass" },
        { CARD("generated_by: nobody/knows\n"),
          "\"component\":\"generator\",\"subject\":\"nobody/knows\",\"predicate\":\"licence\","
          "\"value\":\"llama3\"",
          "fail" },
        { CARD("generated_by: nobody/knows\n"),
          "\"component\":\"data\",\"predicate\":\"restriction\",\"value\":\"none\"", "unknown" },
        { CARD("tags: [synthetic]\n"),
          "\"component\":\"data\",\"predicate\":\"restriction\",\"value\":\"none\"", "pass" },
        { CARD("generated_by: gpt-4\n"),
          "\"component\":\"generator\",\"subject\":\"gpt-4\",\"predicate\":\"licence\","
          "\"value\":\"MIT\"",
          "fail" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fixture_open_data(f, "d");
        fixture_text(f, "d/README.md", cases[i].card);
        struct stint_verdict *verdict = judge_with(f, cases[i].word);
        if (strcmp(fixture_result(verdict, "OD-2.1"), cases[i].terms) != 0)
            fail_msg("%s with %s: %s", cases[i].card, cases[i].word,
                     fixture_result(verdict, "OD-2.1"));
        stint_verdict_free(verdict);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_card_that_names_the_writer_inherits_its_limits),
        CASE(a_croissant_that_names_the_writer_inherits_its_limits),
        CASE(a_bill_that_names_the_writer_inherits_its_limits),
        CASE(training_data_that_a_model_wrote_is_judged_with_its_writer),
        CASE(a_reviewer_settles_who_wrote_it_and_under_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
