/* Hostile answers of the evaluation child: refused, and never better than what they can prove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "document.h"
#include "stint/artifact.h"
#include "stint/auto.h"
#include "stint/buffer.h"

/* One file "a" of three bytes, with its true digest. */
static char *good(void)
{
    struct stint_artifact_file file = { .size = 3, .has_sha256 = true };
    struct stint_artifact_manifest manifest = { .files = &file, .file_count = 1, .total_bytes = 3 };
    struct stint_buffer json = { 0 };
    char name[] = "a", digest[80] = "sha256:";
    file.path = name;
    stint_sha256("abc", 3, &file.sha256);
    stint_artifact_manifest_seal(&manifest);
    (void)stint_sha256_hex(&manifest.digest, digest + 7);
    stint_buffer_add_text(&json, "{\"schema\":\"stint.evaluation/1\",\"result\":\"pass\","
                                 "\"reason\":null,\"criteria\":[],\"manifest\":");
    struct stint_buffer list = { 0 };
    stint_artifact_manifest_json(&manifest, &list);
    stint_buffer_add_text(&json, stint_buffer_text(&list));
    stint_buffer_deinit(&list);
    stint_buffer_printf(
        &json,
        ",\"verdict\":{\"schema\":\"stint.verdict/1\",\"subject\":{\"kind\":\"model\","
        "\"digest\":\"%s\"},\"results\":[{\"rules\":\"osaid-1.0\",\"result\":\"pass\","
        "\"criteria\":[{\"id\":\"C1\",\"required\":true,\"result\":\"pass\"}]}]}}",
        digest);
    return stint_buffer_take(&json);
}

static int read_text(const char *text, const char *rules, struct document *document)
{
    struct stint_error err;
    *document = (struct document){ 0 };
    return document_read(text, strlen(text), "model", rules, document, &err);
}

static void a_good_answer_is_read(void **state)
{
    (void)state;
    struct document document;
    char *text = good();
    assert_int_equal(read_text(text, "osaid-1.0", &document), 0);
    assert_int_equal(document.result, DOCUMENT_PASS);
    assert_int_equal(document.code, STINT_REASON_NONE);
    assert_int_equal(document.files, 1);
    assert_int_equal(document.bytes, 3);
    assert_string_equal(document.rules, "osaid-1.0");
    assert_string_equal(document.kind, "model");
    document_deinit(&document);
    free(text);
}

/* @path: object keys and array indexes joined by '/'; @value: JSON. */
static char *mutated(const char *path, const char *value)
{
    char *text = good(), copy[128], *rest = NULL;
    json_t *root = json_loads(text, 0, NULL), *at = root;
    (void)snprintf(copy, sizeof(copy), "%s", path);
    char *part = strtok_r(copy, "/", &rest);
    for (char *next = strtok_r(NULL, "/", &rest); next; next = strtok_r(NULL, "/", &rest)) {
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        part = next;
    }
    assert_non_null(at);
    json_t *set = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(set);
    if (json_is_array(at))
        assert_int_equal(json_array_set_new(at, strtoul(part, NULL, 10), set), 0);
    else
        assert_int_equal(json_object_set_new(at, part, set), 0);
    free(text);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void answers_that_cannot_be_true_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value;
    } cases[] = {
        { "schema", "\"stint.evaluation/2\"" },
        { "schema", "7" },
        { "criteria", "{}" },
        { "criteria", "null" },
        { "manifest", "null" },
        { "manifest", "{}" },
        { "manifest/list", "[]" },
        { "manifest/list/0/size", "4" },
        { "manifest/list/0/size", "-1" },
        { "manifest/list/0/path", "\"../a\"" },
        { "manifest/list/0/path", "\"/etc/passwd\"" },
        { "manifest/list/0/sha256", "\"00\"" },
        { "verdict", "[]" },
        { "verdict/schema", "\"stint.verdict/9\"" },
        { "verdict/subject/kind", "\"dataset\"" },
        { "verdict/subject/kind", "\"poem\"" },
        { "verdict/subject/digest",
          "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"" },
        { "verdict/results", "[]" },
        { "verdict/results/0/rules", "\"mof-1.0\"" },
        { "verdict/results/0/rules", "\"osaid-1.0,mof-1.0\"" },
        { "verdict/results/0/rules", "3" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct document document;
        char *text = mutated(cases[i].path, cases[i].value);
        if (read_text(text, "osaid-1.0", &document) != STINT_UNTRUSTED)
            fail_msg("%s = %s was taken", cases[i].path, cases[i].value);
        free(text);
    }
}

static void a_result_is_no_better_than_its_criteria(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value;
        enum document_result result;
        enum stint_reason_code code;
    } cases[] = {
        { "verdict/results/0/result", "\"fail\"", DOCUMENT_FAIL, STINT_REASON_ModelNotOpen },
        { "verdict/results/0/result", "\"unknown\"", DOCUMENT_UNKNOWN,
          STINT_REASON_EvidenceMissing },
        { "verdict/results/0/result", "\"Pass\"", DOCUMENT_UNKNOWN, STINT_REASON_EvidenceMissing },
        { "verdict/results/0/result", "true", DOCUMENT_UNKNOWN, STINT_REASON_EvidenceMissing },
        { "verdict/results/0/criteria/0/result", "\"fail\"", DOCUMENT_FAIL,
          STINT_REASON_ModelNotOpen },
        { "verdict/results/0/criteria/0/result", "\"unknown\"", DOCUMENT_UNKNOWN,
          STINT_REASON_EvidenceMissing },
        { "verdict/results/0/criteria/0/result", "null", DOCUMENT_UNKNOWN,
          STINT_REASON_EvidenceMissing },
        /* the child's own summary is not believed */
        { "result", "\"fail\"", DOCUMENT_PASS, STINT_REASON_NONE },
        { "reason", "\"ModelNotOpen\"", DOCUMENT_PASS, STINT_REASON_NONE },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct document document;
        char *text = mutated(cases[i].path, cases[i].value);
        assert_int_equal(read_text(text, "osaid-1.0", &document), 0);
        assert_int_equal(document.result, cases[i].result);
        assert_int_equal(document.code, cases[i].code);
        document_deinit(&document);
        free(text);
    }
}

static void criteria_are_written_anew_and_bounded(void **state)
{
    (void)state;
    struct document document;
    char *text = mutated("criteria", "[{\"id\":\"C1\",\"why\":7,\"evil\":\"<script>\","
                                     "\"evidence\":[{\"file\":\"a\",\"line\":-4,\"more\":1}]}]");
    assert_int_equal(read_text(text, "osaid-1.0", &document), 0);
    assert_null(strstr(document.criteria, "evil"));
    assert_null(strstr(document.criteria, "more"));
    assert_null(strstr(document.criteria, "-4"));
    assert_non_null(strstr(document.criteria, "\"why\":null"));
    document_deinit(&document);
    free(text);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    char *text = good();
    for (size_t length = strlen(text); length-- > 0;) {
        struct document document = { 0 };
        assert_int_equal(document_read(text, length, "model", NULL, &document, NULL),
                         STINT_UNTRUSTED);
    }
    free(text);
}

static void problems_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int is;
    } cases[] = { { "not-found", STINT_NOT_FOUND },
                  { "untrusted-input", STINT_UNTRUSTED },
                  { "too-large", STINT_TOO_LARGE },
                  { "fault", STINT_UNTRUSTED },
                  { "pass", STINT_UNTRUSTED } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct document document;
        char text[200];
        (void)snprintf(text, sizeof(text),
                       "{\"schema\":\"stint.evaluation/1\",\"problem\":{\"code\":\"%s\"}}",
                       cases[i].code);
        assert_int_equal(read_text(text, NULL, &document), 0);
        assert_int_equal(document.problem.code, cases[i].is);
        document_deinit(&document);
    }
}

static void rechecks_are_one_of_three(void **state)
{
    (void)state;
    enum document_recheck result;
    char path[256];
    static const char *const bad[] = {
        "", "{}", "{\"schema\":\"stint.recheck/1\"}",
        "{\"schema\":\"stint.recheck/1\",\"result\":\"fine\"}",
        "{\"schema\":\"stint.evaluation/1\",\"result\":\"unchanged\"}"
    };
    const char *text = "{\"schema\":\"stint.recheck/1\",\"result\":\"changed\",\"path\":\"x\"}";
    assert_int_equal(document_read_recheck(text, strlen(text), &result, path, NULL), 0);
    assert_int_equal(result, DOCUMENT_RECHECK_CHANGED);
    assert_string_equal(path, "x");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(bad); i++)
        assert_int_equal(document_read_recheck(bad[i], strlen(bad[i]), &result, path, NULL),
                         STINT_UNTRUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_read),
        cmocka_unit_test(answers_that_cannot_be_true_are_refused),
        cmocka_unit_test(a_result_is_no_better_than_its_criteria),
        cmocka_unit_test(criteria_are_written_anew_and_bounded),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(problems_are_told_apart),
        cmocka_unit_test(rechecks_are_one_of_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
