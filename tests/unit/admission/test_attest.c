/* Reviewers' words and names: what they change of a verdict, and that it stands only as long as
 * they do. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stint/attestation.h"
#include "stint/auto.h"
#include "stint/checkpoint.h"

#define USE_OPEN "{\"command\":[\"true\"],\"uses\":{\"models\":[\"org/open\"]}}"

struct word {
    bool is_given;
    int code;
    char text[400];
    char fix[240];
    int64_t id;
    int64_t verdict;
    char document[4096];
};

static void word_on_done(void *context, const struct stint_error *error, int64_t attestation,
                         int64_t verdict_id, const char *document)
{
    struct word *word = context;
    uv_stop(uv_default_loop());
    *word = (struct word){
        .is_given = true, .code = error->code, .id = attestation, .verdict = verdict_id
    };
    (void)snprintf(word->text, sizeof(word->text), "%s", error->text);
    (void)snprintf(word->fix, sizeof(word->fix), "%s", error->fix);
    (void)snprintf(word->document, sizeof(word->document), "%s", document ? document : "");
}

/* What everybody in these tests says, of the bytes with @digest. */
static void statement_of(const char *digest, const char *reviewer, const char *signature,
                         struct stint_buffer *json)
{
    stint_buffer_clear(json);
    stint_buffer_printf(json,
                        "{\"schema\":\"stint.attestation/1\",\"digest\":\"%s\",\"component\":"
                        "\"training-data\",\"predicate\":\"data-class\",\"value\":\"public\","
                        "\"source\":\"the catalogue\",\"date\":\"2026-11-01\",\"reviewer\":\"%s\"",
                        digest, reviewer);
    if (signature)
        stint_buffer_printf(json, ",\"signature\":\"%s\"", signature);
    stint_buffer_add_char(json, '}');
}

static void attest(struct fixture *f, const struct stint_caller *caller, const char *reference,
                   const char *statement, struct word *word)
{
    *word = (struct word){ 0 };
    stint_admission_attest(f->admission, caller, reference, statement, word_on_done, word);
    tool_answer_all(f, &word->is_given);
}

static void attest_plainly(struct fixture *f, const struct stint_caller *caller, const char *digest,
                           struct word *word)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    statement_of(digest, "me", NULL, &json);
    attest(f, caller, digest, stint_buffer_text(&json), word);
}

static void take_back(struct fixture *f, const struct stint_caller *caller, int64_t id,
                      const char *reason, struct word *word)
{
    *word = (struct word){ 0 };
    stint_admission_revoke(f->admission, caller, id, reason, word_on_done, word);
    tool_answer_all(f, &word->is_given);
}

/* A folder that passes only with statements about it. */
static const char *unclear_folder(struct fixture *f, const char *name)
{
    const char *path = fixture_folder(f, name, "pass");
    fixture_write(path, "needs", "\"attestations\":");
    return path;
}

static enum stint_reason_code submit(struct fixture *f, const char *request)
{
    struct reply reply;
    fixture_submit_judged(f, &f->bert, request, &reply);
    return reply.reason;
}

struct recheck {
    bool is_given;
    enum stint_reason_code code;
};

static void recheck_on_done(void *context, enum stint_reason_code code, const char *why)
{
    struct recheck *recheck = context;
    (void)why;
    uv_stop(uv_default_loop());
    *recheck = (struct recheck){ .is_given = true, .code = code };
}

static enum stint_reason_code check_start(struct fixture *f, const char *digest)
{
    struct recheck recheck = { 0 };
    stint_admission_check_start(f->admission, BERT, BERT, &digest, 1, recheck_on_done, &recheck);
    tool_answer_all(f, &recheck.is_given);
    return recheck.code;
}

static bool has_entry(const char *type)
{
    for (size_t i = 0; i < entry_count; i++)
        if (strcmp(entry_types[i], type) == 0)
            return true;
    return false;
}

static void a_word_gives_a_new_verdict_and_its_end_takes_it_back(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct word made;
    struct word revoked;
    struct stint_artifact_view view;
    fixture_register(f, &f->anna, unclear_folder(f, "open"), "org/open", false, &outcome);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    attest_plainly(f, &f->boss, outcome.digest, &made);
    assert_int_equal(made.code, 0);
    assert_true(made.verdict > outcome.verdict);
    assert_non_null(strstr(made.document, "\"result\":\"pass\""));
    assert_true(has_entry("attestation.make"));
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
    assert_int_equal(check_start(f, outcome.digest), STINT_REASON_NONE);
    assert_int_equal(call_count, 0); /* what stands is not judged again */
    fixture_reopen(f);               /* and it stands in the next daemon too */
    assert_int_equal(stint_admission_artifact(f->admission, "org/open", &view), 0);
    assert_int_equal(view.verdict_id, made.verdict);
    assert_string_equal(view.result, "pass");
    take_back(f, &f->boss, made.id, "the catalogue was wrong", &revoked);
    assert_int_equal(revoked.code, 0);
    assert_true(has_entry("attestation.revoke"));
    assert_int_equal(check_start(f, outcome.digest), STINT_REASON_EvidenceMissing);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    fixture_reopen(f);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
}

static bool count_on_view(void *context, const struct stint_attestation_view *view)
{
    int *counts = context;
    counts[view->is_standing ? 1 : 0]++;
    assert_non_null(strstr(view->statement, "\"reviewer\":\"operator\""));
    assert_null(strstr(view->statement, "boss")); /* invariant 10 */
    return true;
}

static void statements_are_listed_without_the_names_of_users(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct word word;
    int counts[2] = { 0 };
    fixture_register(f, &f->anna, unclear_folder(f, "open"), "org/open", false, &outcome);
    attest_plainly(f, &f->boss, outcome.digest, &word);
    take_back(f, &f->boss, word.id, "wrong", &word);
    attest_plainly(f, &f->boss, outcome.digest, &word);
    stint_admission_each_attestation(f->admission, outcome.digest, count_on_view, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    for (size_t i = 0; i < entry_count; i++)
        assert_null(strstr(entry_subjects[i], "boss"));
}

static void who_may_attest(void **state)
{
    struct fixture *f = *state;
    struct stint_caller nobody = { .role = STINT_ROLE_PUBLIC };
    struct outcome outcome;
    struct word word;
    fixture_register(f, &f->anna, unclear_folder(f, "open"), "org/open", false, &outcome);
    attest_plainly(f, &nobody, outcome.digest, &word);
    assert_int_equal(word.code, STINT_NOT_LOGGED_IN);
    attest_plainly(f, &f->anna, outcome.digest, &word);
    assert_int_equal(word.code, STINT_NOT_PERMITTED);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    f->options.reviewers = "zoe, anna";
    fixture_reopen(f);
    attest_plainly(f, &f->anna, outcome.digest, &word);
    assert_int_equal(word.code, 0);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
    take_back(f, &f->bert, word.id, "I do not like it", &word);
    assert_int_equal(word.code, STINT_NOT_PERMITTED);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
}

/* @signature gets the line that @signer would write under the statement about @digest. */
static void sign(const struct stint_signer *signer, const char *digest, const char *reviewer,
                 char signature[300])
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer note = { 0 };
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    statement_of(digest, reviewer, NULL, &json);
    assert_int_equal(
        stint_attestation_parse(stint_buffer_text(&json), json.length, &attestation, NULL), 0);
    stint_attestation_text(&attestation, &text);
    assert_int_equal(stint_note_sign(signer, text.data, text.length, &note), 0);
    (void)snprintf(signature, 300, "%s", stint_buffer_text(&note) + text.length + 1);
    signature[strcspn(signature, "\n")] = '\0';
}

static void a_signed_word_counts_for_whoever_hands_it_in(void **state)
{
    struct fixture *f = *state;
    static const uint8_t seeds[2][STINT_ED25519_KEY_BYTES] = { { 1 }, { 2 } };
    struct stint_signer *ada = NULL;
    struct stint_signer *eve = NULL;
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    struct outcome outcome;
    struct word word;
    char keys[160], vkey[STINT_VKEY_TEXT_MAX], signature[300];
    assert_int_equal(stint_signer_from_seed("review.example.org/ada", seeds[0], &ada, NULL), 0);
    assert_int_equal(stint_signer_from_seed("review.example.org/ada", seeds[1], &eve, NULL), 0);
    fixture_register(f, &f->anna, unclear_folder(f, "open"), "org/open", false, &outcome);
    sign(ada, outcome.digest, "review.example.org/ada", signature);
    statement_of(outcome.digest, "review.example.org/ada", signature, &json);
    attest(f, &f->bert, "org/open", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_NOT_PERMITTED); /* no key is known */
    fixture_write(f->folder, "keys", "# reviewers\n\n");
    (void)snprintf(keys, sizeof(keys), "%s/keys", f->folder);
    fixture_write(f->folder, "keys", stint_vkey_format(stint_signer_vkey(ada), vkey));
    f->options.reviewer_keys = keys;
    fixture_reopen(f);
    sign(eve, outcome.digest, "review.example.org/ada", signature); /* the name, another key */
    statement_of(outcome.digest, "review.example.org/ada", signature, &json);
    attest(f, &f->bert, "org/open", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_UNTRUSTED);
    attest(f, &f->boss, "org/open", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_UNTRUSTED); /* nor from an operator */
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    sign(ada, outcome.digest, "review.example.org/ada", signature);
    statement_of(outcome.digest, "review.example.org/ada", signature, &json);
    char *date = strstr(json.data, "2026-11-01"); /* another word under the same signature */
    date[9] = '2';
    attest(f, &f->bert, "org/open", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_UNTRUSTED);
    statement_of(outcome.digest, "review.example.org/ada", signature, &json);
    attest(f, &f->bert, "org/open", stint_buffer_text(&json), &word);
    if (word.code != 0)
        fail_msg("%s; %s", word.text, word.fix);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
    stint_signer_free(ada);
    stint_signer_free(eve);
}

static void a_word_is_about_the_bytes_it_names(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    struct outcome outcome;
    struct word word;
    static const char other[] =
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    fixture_register(f, &f->anna, unclear_folder(f, "open"), "org/open", false, &outcome);
    statement_of(other, "me", NULL, &json);
    attest(f, &f->boss, "org/open", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_CONFLICT);
    attest(f, &f->boss, "org/nothing", stint_buffer_text(&json), &word);
    assert_int_equal(word.code, STINT_NOT_FOUND);
    attest(f, &f->boss, "org/open", "{}", &word);
    assert_int_equal(word.code, STINT_INVALID);
    assert_true(word.fix[0] != '\0');
    attest(f, &f->boss, other, stint_buffer_text(&json), &word); /* never seen: it waits for them */
    assert_int_equal(word.code, 0);
    assert_int_equal(word.verdict, 0);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    take_back(f, &f->boss, word.id, "", &word);
    assert_int_equal(word.code, STINT_INVALID);
    take_back(f, &f->boss, 77, "wrong", &word);
    assert_int_equal(word.code, STINT_NOT_FOUND);
}

/* Of a path, the digest is known only after a first look. */
static void a_word_counts_for_a_path_with_those_bytes(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct word word;
    char request[300];
    const char *path = unclear_folder(f, "open");
    fixture_check(f, path, NULL, &outcome);
    attest_plainly(f, &f->boss, outcome.digest, &word);
    assert_int_equal(word.code, 0);
    (void)snprintf(request, sizeof(request),
                   "{\"command\":[\"true\"],\"uses\":{\"models\":[\"%s\"]}}", path);
    assert_int_equal(submit(f, request), STINT_REASON_NONE);
    take_back(f, &f->boss, word.id, "wrong", &word);
    assert_int_equal(submit(f, request), STINT_REASON_EvidenceMissing);
}

#define OPEN_FACTS                                                                                 \
    "[{\"subject\":\"\",\"component\":\"weights\",\"predicate\":\"licence\",\"value\":\"MIT\"}]"
#define BASED_FACTS                                                                                \
    "[{\"subject\":\"org/base\",\"component\":\"base-model\",\"predicate\":\"name\",\"value\":"    \
    "\"org/Base\"}]"

/* Judged while its base is not there, judged again when it is, and again when it goes. */
static void a_verdict_stands_as_long_as_the_names_in_it(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    struct reply reply;
    const char *path = fixture_folder(f, "based", "pass");
    fixture_write(path, "facts", BASED_FACTS);
    fixture_write(path, "needs", "\"name\":\"org/base\"");
    fixture_register(f, &f->anna, path, "org/open", false, &outcome);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
    path = fixture_folder(f, "base", "pass");
    fixture_write(path, "facts", OPEN_FACTS);
    fixture_register(f, &f->anna, path, "org/base", false, &outcome);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_NONE);
    fixture_reopen(f);
    fixture_submit(f, &f->bert, USE_OPEN, false, &reply);
    fixture_wait(f, &reply.is_given);
    assert_int_equal(reply.code, 0);
    assert_int_equal(call_count, 0); /* the stored verdict stands after a restart */
    assert_int_equal(stint_admission_remove(f->admission, &f->anna, "org/base", &f->err), 0);
    assert_int_equal(submit(f, USE_OPEN), STINT_REASON_EvidenceMissing);
}

static void corpus_on_done(void *context, const struct stint_error *error, const char *digest,
                           int64_t verdict_id, const char *document)
{
    (void)digest, (void)verdict_id, (void)document;
    assert_int_equal(error->code, 0);
    uv_stop(uv_default_loop());
    *(bool *)context = true;
}

/* What a reviewer settled is passed on in his words; where the data is, with its terms. */
static void what_a_reviewer_settled_is_passed_on_as_his_word(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    bool is_done = false;
    const char *path = fixture_folder(f, "corpus", "pass");
    fixture_write(
        path, "facts",
        "[{\"subject\":\"\",\"component\":\"data\",\"predicate\":\"licence\",\"value\":"
        "\"LicenseRef-modified-MIT\",\"settled_by\":3},{\"subject\":\"\",\"component\":\"data\","
        "\"predicate\":\"restriction\",\"value\":\"unknown\",\"settled_by\":4},{\"subject\":\"\","
        "\"component\":\"data\",\"predicate\":\"licence\",\"value\":\"MIT\",\"grade\":"
        "\"attested\"},{\"subject\":\"\",\"component\":\"data\",\"predicate\":\"restriction\","
        "\"value\":\"none\",\"grade\":\"attested\"},{\"subject\":\"\",\"component\":\"data\","
        "\"predicate\":\"location\",\"value\":\"https://example.org/corpus\"}]");
    stint_admission_register(f->admission, &f->anna, path, "org/corpus", "dataset", false,
                             corpus_on_done, &is_done);
    tool_answer_all(f, &is_done);
    path = fixture_folder(f, "based", "pass");
    fixture_register_begin(f, &f->anna, path, "org/open", false, &outcome);
    tools_wait(1);
    const char *input = calls[0].input ? calls[0].input : "";
    assert_non_null(strstr(input, "\"licence\":\"MIT\",\"grade\":\"attested\""));
    assert_non_null(strstr(input, "\"location\":\"https://example.org/corpus\""));
    assert_null(strstr(input, "LicenseRef-modified-MIT"));
    assert_null(strstr(input, "\"licence\":\"unknown\""));
    tool_answer_all(f, &outcome.is_given);
}

static void what_a_base_passes_on_is_told_strictly(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    const char *path = fixture_folder(f, "base", "fail");
    fixture_write(
        path, "facts",
        "[{\"subject\":\"\",\"component\":\"weights\",\"predicate\":\"licence\",\"value\":"
        "\"CC-BY-NC-4.0\"},{\"subject\":\"\",\"component\":\"weights\",\"predicate\":"
        "\"restriction\",\"value\":\"non_commercial\"},{\"subject\":\"\",\"component\":"
        "\"weights\",\"predicate\":\"restriction\",\"value\":\"unknown\"},{\"subject\":"
        "\"org/data\",\"component\":\"training-data\",\"predicate\":\"name\",\"value\":"
        "\"org/data\"}]");
    fixture_register(f, &f->anna, path, "org/base", false, &outcome);
    path = fixture_folder(f, "based", "pass");
    fixture_register_begin(f, &f->anna, path, "org/open", false, &outcome);
    tools_wait(1);
    assert_string_equal(calls[0].name, "org/open");
    const char *input = calls[0].input ? calls[0].input : "";
    assert_non_null(strstr(input, "\"name\":\"org/base\""));
    assert_non_null(strstr(input, "\"kind\":\"model\""));
    assert_non_null(strstr(input, "\"licence\":\"CC-BY-NC-4.0\""));
    assert_non_null(strstr(input, "\"restrictions\":[\"non_commercial\"]"));
    assert_non_null(strstr(input, "\"licence\":\"unknown\""));
    assert_non_null(strstr(input, "\"datasets\":[\"org/data\"]"));
    tool_answer_all(f, &outcome.is_given);
}

#define ADMISSION_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMISSION_TEST(a_word_gives_a_new_verdict_and_its_end_takes_it_back),
        ADMISSION_TEST(statements_are_listed_without_the_names_of_users),
        ADMISSION_TEST(who_may_attest),
        ADMISSION_TEST(a_signed_word_counts_for_whoever_hands_it_in),
        ADMISSION_TEST(a_word_is_about_the_bytes_it_names),
        ADMISSION_TEST(what_a_reviewer_settled_is_passed_on_as_his_word),
        ADMISSION_TEST(a_word_counts_for_a_path_with_those_bytes),
        ADMISSION_TEST(a_verdict_stands_as_long_as_the_names_in_it),
        ADMISSION_TEST(what_a_base_passes_on_is_told_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
