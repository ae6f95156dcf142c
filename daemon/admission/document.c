/* The child's documents, field by field. The child runs as the user whose files it reads: whatever
 * it says may be that user's word. What is certain afterwards: the schema, every bound, that the
 * digest follows from the listed files, and that the result is no better than its criteria. */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "stint/artifact.h"
#include "stint/buffer.h"

static const char *const result_names[] = { "unknown", "pass", "fail" };

const char *document_result_name(enum document_result result)
{
    return (unsigned)result < STINT_ARRAY_SIZE(result_names) ? result_names[result] : "unknown";
}

enum document_result document_result_from_name(const char *name)
{
    for (unsigned i = 0; name && i < STINT_ARRAY_SIZE(result_names); i++)
        if (strcmp(name, result_names[i]) == 0)
            return (enum document_result)i;
    return DOCUMENT_UNKNOWN;
}

void document_deinit(struct document *document)
{
    if (!document)
        return;
    free(document->criteria);
    free(document->manifest);
    free(document->verdict);
    free(document->names);
    free(document->heritage);
    *document = (struct document){ 0 };
}

static int refuse(struct stint_error *err, const char *what)
{
    return stint_fail(err, STINT_UNTRUSTED, "the evaluator's answer is not valid: %s", what);
}

/* Reads the whole text; NULL with @err. */
static json_t *load(const char *text, size_t length, const char *schema, struct stint_error *err)
{
    json_error_t problem;
    if (length > DOCUMENT_BYTES_MAX) {
        (void)refuse(err, "too long");
        return NULL;
    }
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    const char *given = json_string_value(json_object_get(root, "schema"));
    if (given && strcmp(given, schema) == 0)
        return root;
    (void)refuse(err, root ? "another schema" : "no JSON");
    json_decref(root);
    return NULL;
}

static void json_free(json_t *json)
{
    json_decref(json);
}
STINT_AUTO_FREE(json_t, json_free);

/* ---- problems of the child's own */

/* Only what a judging can meet; anything else is an evaluation that failed. */
static int problem_code(const char *word)
{
    static const int codes[] = { STINT_NOT_FOUND, STINT_UNTRUSTED, STINT_TOO_LARGE, STINT_INVALID };
    for (size_t i = 0; word && i < STINT_ARRAY_SIZE(codes); i++)
        if (strcmp(word, stint_refusal_name(codes[i])) == 0)
            return codes[i];
    return STINT_UNTRUSTED;
}

static bool read_problem(const json_t *root, struct stint_error *ret_problem)
{
    const json_t *problem = json_object_get(root, "problem");
    if (!json_is_object(problem))
        return false;
    const char *text = json_string_value(json_object_get(problem, "text"));
    const char *fix = json_string_value(json_object_get(problem, "fix"));
    int code = problem_code(json_string_value(json_object_get(problem, "code")));
    (void)stint_fail(ret_problem, code, "%s", text ? text : "the evaluator could not judge it");
    if (fix)
        (void)stint_fix(ret_problem, code, "%s", fix);
    return true;
}

/* ---- criteria */

static void copy_text(struct stint_buffer *json, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    size_t length = json_string_length(value);
    stint_json_key(json, key);
    if (!json_is_string(value))
        stint_json_null(json);
    else
        stint_json_text_n(json, json_string_value(value),
                          length < DOCUMENT_TEXT_MAX ? length : DOCUMENT_TEXT_MAX);
}

static void copy_int(struct stint_buffer *json, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        stint_json_kv_int(json, key, json_integer_value(value));
}

static bool copy_piece(struct stint_buffer *json, const json_t *piece)
{
    static const char *const texts[] = { "file", "sha256", "pointer", "grade", "fact" };
    bool has_place = json_string_length(json_object_get(piece, "file")) > 0;
    if (!has_place && json_string_length(json_object_get(piece, "fact")) == 0)
        return false;
    stint_json_object(json);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        if (json_string_length(json_object_get(piece, texts[i])) > 0)
            copy_text(json, piece, texts[i]);
    copy_int(json, piece, "line");
    copy_int(json, piece, "offset");
    stint_json_object_end(json);
    return true;
}

/* A piece without a file and a fact shows nothing, and is left out. */
static void copy_evidence(struct stint_buffer *json, const json_t *list)
{
    stint_json_key(json, "evidence");
    stint_json_array(json);
    for (size_t i = 0, kept = 0; i < json_array_size(list) && kept < DOCUMENT_EVIDENCE_MAX; i++)
        kept += copy_piece(json, json_array_get(list, i));
    stint_json_array_end(json);
}

/* @rules: overrides the criterion's own member, for a verdict's results. */
static void copy_criterion(struct stint_buffer *json, const json_t *criterion, const char *rules)
{
    static const char *const texts[] = { "id", "result", "why", "would_pass" };
    stint_json_object(json);
    if (rules)
        stint_json_kv_text(json, "rules", rules);
    else
        copy_text(json, criterion, "rules");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        copy_text(json, criterion, texts[i]);
    copy_evidence(json, json_object_get(criterion, "evidence"));
    stint_json_object_end(json);
}

static int read_criteria(const json_t *list, struct document *document, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    if (!json_is_array(list) || json_array_size(list) > DOCUMENT_CRITERIA_MAX)
        return refuse(err, "no criteria, or too many");
    stint_json_array(&json);
    for (size_t i = 0; i < json_array_size(list); i++)
        copy_criterion(&json, json_array_get(list, i), NULL);
    stint_json_array_end(&json);
    document->criteria = stint_buffer_take(&json);
    return document->criteria ? 0 : -ENOMEM;
}

char *document_criteria_of_verdict(const char *verdict)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    stint_auto(json_free) json_t *root = json_loads(verdict, JSON_REJECT_DUPLICATES, NULL);
    const json_t *results = json_object_get(root, "results");
    size_t count = 0;
    stint_json_array(&json);
    for (size_t i = 0; i < json_array_size(results) && i < DOCUMENT_RESULTS_MAX; i++) {
        const json_t *result = json_array_get(results, i);
        const json_t *criteria = json_object_get(result, "criteria");
        const char *rules = json_string_value(json_object_get(result, "rules"));
        for (size_t j = 0; j < json_array_size(criteria) && count < DOCUMENT_CRITERIA_MAX; j++) {
            const json_t *criterion = json_array_get(criteria, j);
            const char *word = json_string_value(json_object_get(criterion, "result"));
            const json_t *required = json_object_get(criterion, "required");
            if (!word || strcmp(word, "pass") == 0 || json_is_false(required))
                continue;
            copy_criterion(&json, criterion, rules ? rules : "");
            count++;
        }
    }
    stint_json_array_end(&json);
    return stint_buffer_take(&json);
}

/* ---- the manifest: its own parser checks that the digest follows from the list */

static int read_manifest(const json_t *json, struct document *document, struct stint_error *err)
{
    stint_auto(stint_artifact_manifest_deinit) struct stint_artifact_manifest manifest = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer written = { 0 };
    stint_auto(stint_free) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!text)
        return refuse(err, "no manifest");
    int r = stint_artifact_manifest_parse(text, strlen(text), &manifest, err);
    if (r != 0)
        return r < 0 ? r : STINT_UNTRUSTED;
    if (!manifest.has_digest || manifest.file_count == 0)
        return refuse(err, "a manifest of nothing");
    memcpy(document->digest, "sha256:", 7);
    (void)stint_sha256_hex(&manifest.digest, document->digest + 7);
    document->files = (int64_t)manifest.file_count;
    document->bytes = (int64_t)manifest.total_bytes;
    stint_artifact_manifest_json(&manifest, &written);
    document->manifest = stint_buffer_take(&written);
    return document->manifest ? 0 : -ENOMEM;
}

/* ---- the verdict */

static const char *kind_of(const char *word)
{
    static const char *const kinds[] = { "model", "dataset", "code" };
    for (size_t i = 0; word && i < STINT_ARRAY_SIZE(kinds); i++)
        if (strcmp(word, kinds[i]) == 0)
            return kinds[i];
    return NULL;
}

static int read_subject(const json_t *subject, const char *kind, struct document *document,
                        struct stint_error *err)
{
    const char *digest = json_string_value(json_object_get(subject, "digest"));
    document->kind = kind_of(json_string_value(json_object_get(subject, "kind")));
    if (!document->kind)
        return refuse(err, "a subject without a kind");
    if (strcmp(kind, "auto") != 0 && strcmp(kind, document->kind) != 0)
        return refuse(err, "judged as another kind");
    if (!digest || strcmp(digest, document->digest) != 0)
        return refuse(err, "the verdict is about other bytes than the manifest");
    return 0;
}

/* Is the id @word of @length one of the comma-separated @rules? */
static bool rules_name(const char *rules, const char *word, size_t length)
{
    for (const char *at = rules; at && *at;) {
        size_t here = strcspn(at, ",");
        if (here == length && memcmp(at, word, length) == 0)
            return true;
        at += here + (at[here] == ',');
    }
    return false;
}

static bool rules_are_covered(const char *asked, const char *given)
{
    for (const char *at = asked; at && *at;) {
        size_t here = strcspn(at, ",");
        if (!rules_name(given, at, here))
            return false;
        at += here + (at[here] == ',');
    }
    return true;
}

/* Kleene's and over the results; what is not a known word is unknown. */
static void result_and(enum document_result *sum, enum document_result next)
{
    if (*sum == DOCUMENT_FAIL || next == DOCUMENT_FAIL)
        *sum = DOCUMENT_FAIL;
    else if (next == DOCUMENT_UNKNOWN)
        *sum = DOCUMENT_UNKNOWN;
}

/* A result is no better than its required criteria. */
static enum document_result read_result(const json_t *result)
{
    enum document_result sum =
        document_result_from_name(json_string_value(json_object_get(result, "result")));
    const json_t *criteria = json_object_get(result, "criteria");
    for (size_t i = 0; sum == DOCUMENT_PASS && i < json_array_size(criteria); i++) {
        const json_t *criterion = json_array_get(criteria, i);
        const json_t *required = json_object_get(criterion, "required");
        if (json_is_true(required))
            result_and(&sum, document_result_from_name(
                                 json_string_value(json_object_get(criterion, "result"))));
    }
    return sum;
}

static int read_results(const json_t *results, const char *rules, struct document *document,
                        struct stint_error *err)
{
    size_t used = 0;
    if (json_array_size(results) == 0 || json_array_size(results) > DOCUMENT_RESULTS_MAX)
        return refuse(err, "no results, or too many");
    document->result = DOCUMENT_PASS;
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const char *id = json_string_value(json_object_get(result, "rules"));
        size_t length = id ? strnlen(id, sizeof(document->rules)) : 0;
        if (length == 0 || strchr(id, ',') || used + length + 2 > sizeof(document->rules))
            return refuse(err, "a result without rules");
        used += (size_t)snprintf(document->rules + used, sizeof(document->rules) - used, "%s%s",
                                 i ? "," : "", id);
        result_and(&document->result, read_result(result));
    }
    return rules_are_covered(rules, document->rules)
               ? 0
               : refuse(err, "rules that were asked are missing");
}

static enum stint_reason_code reason_of(const struct document *document, const char *word)
{
    if (document->result == DOCUMENT_PASS)
        return STINT_REASON_NONE;
    if (document->result == DOCUMENT_UNKNOWN)
        return word && strcmp(word, stint_reason_name(STINT_REASON_LicenceUnknown)) == 0
                   ? STINT_REASON_LicenceUnknown
                   : STINT_REASON_EvidenceMissing;
    if (strcmp(document->kind, "model") == 0)
        return STINT_REASON_ModelNotOpen;
    return strcmp(document->kind, "dataset") == 0 ? STINT_REASON_DataNotOpen
                                                  : STINT_REASON_CodeNotOpen;
}

static int read_verdict(const json_t *verdict, const char *kind, const char *rules,
                        struct document *document, struct stint_error *err)
{
    const char *schema = json_string_value(json_object_get(verdict, "schema"));
    if (!schema || strcmp(schema, "stint.verdict/1") != 0)
        return refuse(err, "no verdict");
    int r = read_subject(json_object_get(verdict, "subject"), kind, document, err);
    if (r == 0)
        r = read_results(json_object_get(verdict, "results"), rules, document, err);
    if (r != 0)
        return r;
    if ((r = document_read_heritage(json_object_get(verdict, "facts"), document)) != 0)
        return r;
    document->verdict = json_dumps(verdict, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (!document->verdict)
        return -ENOMEM;
    if (strlen(document->verdict) > DOCUMENT_VERDICT_MAX)
        return refuse(err, "the verdict is too long");
    return 0;
}

int document_read(const char *text, size_t length, const char *kind, const char *rules,
                  struct document *ret_document, struct stint_error *err)
{
    struct document document = { 0 };
    stint_auto(json_free) json_t *root = load(text, length, "stint.evaluation/1", err);
    if (!root)
        return STINT_UNTRUSTED;
    if (read_problem(root, &document.problem)) {
        *ret_document = document;
        return 0;
    }
    int r = read_criteria(json_object_get(root, "criteria"), &document, err);
    if (r == 0)
        r = read_manifest(json_object_get(root, "manifest"), &document, err);
    if (r == 0)
        r = read_verdict(json_object_get(root, "verdict"), kind, rules, &document, err);
    if (r != 0) {
        document_deinit(&document);
        return r;
    }
    document.code = reason_of(&document, json_string_value(json_object_get(root, "reason")));
    *ret_document = document;
    return 0;
}

int document_read_recheck(const char *text, size_t length, enum document_recheck *ret_result,
                          char path[256], struct stint_error *err)
{
    static const char *const words[] = { "unchanged", "changed", "missing" };
    struct stint_error problem = { 0 };
    stint_auto(json_free) json_t *root = load(text, length, "stint.recheck/1", err);
    if (!root)
        return STINT_UNTRUSTED;
    if (read_problem(root, &problem)) {
        if (err)
            *err = problem;
        return problem.code;
    }
    const char *word = json_string_value(json_object_get(root, "result"));
    const char *first = json_string_value(json_object_get(root, "path"));
    for (unsigned i = 0; word && i < STINT_ARRAY_SIZE(words); i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        (void)snprintf(path, 256, "%s", first ? first : "");
        *ret_result = (enum document_recheck)(i + 1);
        return 0;
    }
    return refuse(err, "no result of a recheck");
}

int document_read_offer(const char *text, size_t length, struct stint_error *err)
{
    struct stint_error problem = { 0 };
    stint_auto(json_free) json_t *root = load(text, length, "stint.offer/1", err);
    if (!root)
        return STINT_UNTRUSTED;
    if (!read_problem(root, &problem))
        return 0;
    if (err)
        *err = problem;
    return problem.code;
}
