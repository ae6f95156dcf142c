/* Reviewers' statements: what they settle, what they never do, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "stint/attestation.h"
#include "stint/auto.h"

#define TAIL                                                                                       \
    "\"source\":\"https://example.org/tiny\",\"date\":\"2026-11-01\",\"reviewer\":\"operator\""

/* Judges m, with statements about it: each of @members is what stands between digest and source. */
static struct stint_verdict *judge_with(struct fixture *f, const char *const *members, size_t count)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_error err = { 0 };
    struct stint_verdict *verdict = fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    char hex[STINT_SHA256_HEX];
    stint_sha256_hex(&verdict->digest, hex);
    stint_verdict_free(verdict);
    stint_buffer_add_char(&text, '[');
    for (size_t i = 0; i < count; i++)
        stint_buffer_printf(
            &text, "%s{\"schema\":\"stint.attestation/1\",\"digest\":\"sha256:%s\",%s," TAIL "}",
            i ? "," : "", hex, members[i]);
    stint_buffer_add_char(&text, ']');
    struct stint_evaluation evaluation = { .path = fixture_path(f, "m"),
                                           .kind = STINT_KIND_MODEL,
                                           .attestations = stint_buffer_text(&text) };
    if (stint_evaluate(f->evaluator, &evaluation, &verdict, NULL, &err) != 0)
        fail_msg("%s; %s", err.text, err.fix);
    return verdict;
}

static struct stint_verdict *judge_with_one(struct fixture *f, const char *members)
{
    return judge_with(f, &members, 1);
}

static void document_of(const struct fixture *f, const char *path, char hex[STINT_SHA256_HEX])
{
    char bytes[32768];
    struct stint_sha256 digest;
    FILE *file = fopen(fixture_path(f, path), "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    assert_int_equal(fclose(file), 0);
    stint_sha256(bytes, length, &digest);
    stint_sha256_hex(&digest, hex);
}

static bool passes(const struct stint_verdict *verdict, const char *criterion)
{
    return strcmp(fixture_result(verdict, criterion), "pass") == 0;
}

/* A licence text with a sentence more, in the place of the model's. */
static void modified_licence(struct fixture *f, const char *rider)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    fixture_open_model(f, "m");
    stint_buffer_printf(&text, "%s\n%s\n", fixture_apache(), rider);
    fixture_text(f, "m/LICENSE", stint_buffer_text(&text));
}

static void no_word_lifts_a_restriction_that_stands_in_a_file(void **state)
{
    struct fixture *f = *state;
    static const char *const riders[] = {
        "The Software may not be used for commercial purposes.",
        "You may not use the Software to train other models.",
        "This licence ends if you have more than 700 million monthly active users.",
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(riders); i++) {
        char hex[STINT_SHA256_HEX];
        char words[2][300];
        modified_licence(f, riders[i]);
        document_of(f, "m/LICENSE", hex);
        (void)snprintf(
            words[0], 300,
            "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\","
            "\"document\":\"sha256:%s\"",
            hex);
        (void)snprintf(words[1], 300,
                       "\"component\":\"weights\",\"predicate\":\"restriction\",\"value\":\"none\","
                       "\"document\":\"sha256:%s\"",
                       hex);
        const char *const both[] = { words[0], words[1] };
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = judge_with(f, both, 2);
        assert_int_not_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
        assert_true(fixture_has_finding(verdict, "conflict"));
    }
}

static void an_unclear_text_is_settled_only_by_who_names_its_digest(void **state)
{
    struct fixture *f = *state;
    char hex[STINT_SHA256_HEX];
    char words[300];
    modified_licence(f, "The village band plays on Sundays.");
    struct stint_verdict *verdict = judge_with_one(
        f, "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\"");
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "unknown");
    stint_verdict_free(verdict);
    document_of(f, "m/LICENSE", hex);
    (void)snprintf(words, sizeof(words),
                   "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\","
                   "\"document\":\"sha256:%s\"",
                   hex);
    verdict = judge_with_one(f, words);
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "pass");
    const struct stint_criterion_result *criterion = fixture_criterion(verdict, "OSAID-P2");
    const struct stint_fact *fact = stint_facts_by_id(verdict->facts, criterion->evidence[0]);
    assert_int_equal(fact->grade, STINT_ATTESTED);
    assert_int_equal(fact->source, STINT_SOURCE_ATTESTATION);
    assert_non_null(strstr(fact->path, "attestation by operator, 2026-11-01"));
    stint_verdict_free(verdict);
}

#define BASED                                                                                      \
    "---\nlicense: apache-2.0\nbase_model: nobody/knows\ndatasets:\n- village/sentences\n---\n"

static void an_unknown_base_is_resolved_by_a_word_about_the_base_alone(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", BASED);
    struct stint_verdict *verdict = judge_with_one(
        f, "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\"");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "unknown");
    stint_verdict_free(verdict);
    verdict = judge_with_one(f, "\"component\":\"base-model\",\"subject\":\"nobody/knows\","
                                "\"predicate\":\"licence\",\"value\":\"MIT\"");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "pass");
    assert_int_not_equal(stint_verdict_result(verdict),
                         STINT_RESULT_PASS); /* its data is unknown */
    stint_verdict_free(verdict);
    verdict = judge_with_one(f, "\"component\":\"base-model\",\"subject\":\"nobody/knows\","
                                "\"predicate\":\"licence\",\"value\":\"llama3\"");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "fail");
    stint_verdict_free(verdict);
}

/* A word about the base says nothing of what was made from it: whose own terms nobody names. */
static void a_word_about_the_base_settles_nothing_of_the_heir(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", "---\nbase_model: nobody/knows\n---\n");
    fixture_text(f, "m/.cache/huggingface/download", "a part of it");
    fixture_remove(f, "m/LICENSE");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        judge_with_one(f, "\"component\":\"base-model\",\"subject\":\"nobody/knows\","
                          "\"predicate\":\"licence\",\"value\":\"MIT\"");
    assert_int_equal(verdict->complete, STINT_COMPLETE_UNKNOWN);
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "unknown");
}

/* The fact that the word settles says so; one that it does not, does not. */
static void what_a_word_settles_is_marked_for_heirs(void **state)
{
    struct fixture *f = *state;
    char hex[STINT_SHA256_HEX];
    char words[2][300];
    modified_licence(f, "The village band plays on Sundays.");
    document_of(f, "m/LICENSE", hex);
    (void)snprintf(words[0], 300,
                   "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\","
                   "\"document\":\"sha256:%s\"",
                   hex);
    (void)snprintf(words[1], 300, "%s",
                   "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"Apache-2.0\"");
    for (size_t i = 0; i < 2; i++) {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = judge_with_one(f, words[i]);
        size_t unclear_count = 0;
        for (size_t j = 0; j < stint_facts_count(verdict->facts); j++) {
            const struct stint_fact *fact = stint_facts_at(verdict->facts, j);
            bool is_unclear = fact->component == STINT_WEIGHTS &&
                              (strcmp(fact->text, "unknown") == 0 ||
                               strncmp(fact->text, "LicenseRef-modified", 19) == 0);
            if (!is_unclear)
                continue;
            unclear_count++;
            assert_int_equal(fact->settled_by > 0, i == 0);
        }
        assert_true(unclear_count >= 2);
    }
}

#define REGISTERED(part)                                                                           \
    "{\"entries\":[{\"name\":\"lab/base\",\"digest\":\"sha256:"                                    \
    "0000000000000000000000000000000000000000000000000000000000000000\",\"date\":\"2026-11-01\","  \
    "\"kind\":\"model\",\"parts\":[{\"part\":\"weights\"," part ",\"source\":\"judged here\"}]}]}"

/* What a reviewer said of a registered base reaches its heirs as his word. */
static void a_registered_base_passes_its_reviewers_word_on(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *registered;
        const char *result;
        enum stint_grade grade;
    } cases[] = {
        { REGISTERED("\"licence\":\"Apache-2.0\",\"grade\":\"attested\""), "pass", STINT_ATTESTED },
        { REGISTERED("\"licence\":\"Apache-2.0\""), "pass", STINT_DECLARED },
        { REGISTERED("\"licence\":\"llama3\",\"grade\":\"attested\""), "fail", STINT_ATTESTED },
    };
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", "---\nlicense: apache-2.0\nbase_model: lab/base\n---\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_evaluator_options options = { .registered = cases[i].registered };
        stint_auto(stint_evaluator_close) struct stint_evaluator *evaluator = NULL;
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
        struct stint_error err = { 0 };
        if (stint_evaluator_open(&options, &evaluator, &err) != 0 ||
            stint_evaluate_path(evaluator, fixture_path(f, "m"), STINT_KIND_MODEL, NULL, &verdict,
                                &err) != 0)
            fail_msg("%s", err.text);
        assert_string_equal(fixture_result(verdict, "OSAID-F1"), cases[i].result);
        bool is_found = false;
        for (size_t j = 0; j < stint_facts_count(verdict->facts); j++) {
            const struct stint_fact *fact = stint_facts_at(verdict->facts, j);
            is_found = is_found || (fact->predicate == STINT_LICENCE &&
                                    strncmp(fact->path, "registered lab/base@", 20) == 0 &&
                                    fact->grade == cases[i].grade);
        }
        assert_true(is_found);
    }
}

/* The catalogue knows the base, and its terms restrict: a kinder word does not help. */
static void a_word_about_a_known_base_lifts_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", "---\nlicense: apache-2.0\nbase_model: google/gemma-2b\n---\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        judge_with_one(f, "\"component\":\"base-model\",\"subject\":\"google/gemma-2b\","
                          "\"predicate\":\"licence\",\"value\":\"Apache-2.0\"");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "fail");
}

/* What it says of study, it does not say of use. */
static void a_word_about_one_facet_settles_no_other(void **state)
{
    struct fixture *f = *state;
    char hex[STINT_SHA256_HEX];
    char words[300];
    modified_licence(f, "The village band plays on Sundays.");
    document_of(f, "m/LICENSE", hex);
    (void)snprintf(words, sizeof(words),
                   "\"component\":\"weights\",\"predicate\":\"restriction\",\"value\":\"no_study\","
                   "\"document\":\"sha256:%s\"",
                   hex);
    stint_auto(stint_verdict_free) struct stint_verdict *verdict = judge_with_one(f, words);
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "unknown");
    assert_string_equal(fixture_result(verdict, "OSAID-F2"), "fail");
}

static void a_word_can_take_away_what_files_claim(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict = judge_with_one(
        f, "\"component\":\"weights\",\"predicate\":\"restriction\",\"value\":\"non_commercial\"");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "fail");
    assert_true(fixture_has_finding(verdict, "conflict"));
}

static void an_attested_class_stands_beside_the_one_that_follows(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", "---\nlicense: apache-2.0\ndatasets:\n- village/other\n---\n");
    struct stint_verdict *verdict = judge_with(f, NULL, 0);
    assert_false(passes(verdict, "OSAID-D1"));
    stint_verdict_free(verdict);
    verdict = judge_with_one(f, "\"component\":\"training-data\",\"subject\":\"village/other\","
                                "\"predicate\":\"data-class\",\"value\":\"public\"");
    assert_true(passes(verdict, "OSAID-D1"));
    stint_verdict_free(verdict);
}

static void what_files_show_is_not_for_reviewers(void **state)
{
    struct fixture *f = *state;
    static const char *const members[] = {
        "\"component\":\"weights\",\"predicate\":\"present\",\"value\":true",
        "\"component\":\"artifact\",\"predicate\":\"complete\",\"value\":true",
        "\"component\":\"weights\",\"predicate\":\"readable\",\"value\":true",
        "\"component\":\"weights\",\"predicate\":\"quantized\",\"value\":\"no\"",
        "\"component\":\"artifact\",\"predicate\":\"licence\",\"value\":\"MIT\"",
        "\"component\":\"weights\",\"predicate\":\"restriction\",\"value\":\"unknown\"",
        "\"component\":\"weights\",\"predicate\":\"restriction\",\"value\":\"attribution\"",
        "\"component\":\"training-data\",\"predicate\":\"data-class\",\"value\":\"unknown\"",
        "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":true",
        "\"component\":\"training-code\",\"predicate\":\"present\",\"value\":\"true\"",
        "\"component\":\"wights\",\"predicate\":\"licence\",\"value\":\"MIT\"",
        "\"component\":\"weights\",\"predicate\":\"license\",\"value\":\"MIT\"",
        "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"MIT\\nreviewer eve\"",
        "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"MIT\",\"extra\":1",
        "\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"MIT\",\"document\":\"x\"",
    };
    (void)f;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(members); i++) {
        struct stint_attestation attestation = { 0 };
        struct stint_error err = { 0 };
        char text[1024];
        int length = snprintf(
            text, sizeof(text),
            "{\"schema\":\"stint.attestation/1\",\"digest\":\"sha256:"
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",%s," TAIL "}",
            members[i]);
        int r = stint_attestation_parse(text, (size_t)length, &attestation, &err);
        if (r != STINT_INVALID || !err.fix[0])
            fail_msg("%s: %d %s", members[i], r, err.text);
    }
}

static void a_statement_reads_back_as_it_was_written(void **state)
{
    static const char json[] =
        "{\"schema\":\"stint.attestation/1\",\"digest\":\"sha256:"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"component\":"
        "\"training-data\",\"predicate\":\"data-class\",\"subject\":\"village/"
        "sentences\",\"value\":"
        "\"open\",\"source\":\"the archive's catalogue\",\"date\":\"2026-11-01\",\"document\":"
        "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"criterion\":"
        "\"OSAID-D1\",\"reviewer\":\"review.example.org/ada\",\"signature\":\"x\"}";
    static const char signed_text[] =
        "stint.attestation/1\n"
        "digest sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
        "component training-data\npredicate data-class\nsubject village/sentences\nvalue open\n"
        "source the archive's catalogue\ndate 2026-11-01\n"
        "document sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        "criterion OSAID-D1\nreviewer review.example.org/ada\n";
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer again = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_error err = { 0 };
    (void)state;
    assert_int_equal(stint_attestation_parse(json, sizeof(json) - 1, &attestation, &err), 0);
    stint_attestation_json(&attestation, &again);
    assert_string_equal(stint_buffer_text(&again), json);
    stint_attestation_text(&attestation, &text);
    assert_string_equal(stint_buffer_text(&text), signed_text);
}

#define ATTEST_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ATTEST_TEST(no_word_lifts_a_restriction_that_stands_in_a_file),
        ATTEST_TEST(an_unclear_text_is_settled_only_by_who_names_its_digest),
        ATTEST_TEST(an_unknown_base_is_resolved_by_a_word_about_the_base_alone),
        ATTEST_TEST(a_word_about_the_base_settles_nothing_of_the_heir),
        ATTEST_TEST(what_a_word_settles_is_marked_for_heirs),
        ATTEST_TEST(a_registered_base_passes_its_reviewers_word_on),
        ATTEST_TEST(a_word_about_a_known_base_lifts_nothing),
        ATTEST_TEST(a_word_about_one_facet_settles_no_other),
        ATTEST_TEST(a_word_can_take_away_what_files_claim),
        ATTEST_TEST(an_attested_class_stands_beside_the_one_that_follows),
        ATTEST_TEST(what_files_show_is_not_for_reviewers),
        cmocka_unit_test(a_statement_reads_back_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
