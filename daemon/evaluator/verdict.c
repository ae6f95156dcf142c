/* Owns: the verdict's life, what it comes to, and its JSON (INTERFACE §7). */
#include "stint/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"
#include "stint/error.h"

const char *stint_result_name(enum stint_result result)
{
    switch (result) {
    case STINT_RESULT_UNKNOWN:
        return "unknown";
    case STINT_RESULT_PASS:
        return "pass";
    case STINT_RESULT_FAIL:
        return "fail";
    }
    return "unknown";
}

static const char *const kind_names[] = { "auto", "model", "dataset", "code" };

const char *stint_artifact_kind_name(enum stint_artifact_kind kind)
{
    return kind_names[(unsigned)kind < STINT_ARRAY_SIZE(kind_names) ? kind : 0];
}

int stint_artifact_kind_parse(const char *text, enum stint_artifact_kind *ret_kind)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(kind_names); i++) {
        if (text && strcmp(text, kind_names[i]) != 0)
            continue;
        *ret_kind = (enum stint_artifact_kind)i;
        return 0;
    }
    return STINT_INVALID;
}

struct stint_verdict *stint_verdict_free(struct stint_verdict *verdict)
{
    if (!verdict)
        return NULL;
    for (size_t i = 0; i < verdict->result_count; i++)
        free(verdict->results[i].criteria);
    free(verdict->results);
    free(verdict->findings);
    free(verdict->licences);
    stint_facts_free(verdict->facts);
    free(verdict);
    return NULL;
}

enum stint_result stint_verdict_result(const struct stint_verdict *verdict)
{
    enum stint_result sum = verdict->result_count > 0 ? STINT_RESULT_PASS : STINT_RESULT_UNKNOWN;
    for (size_t i = 0; i < verdict->result_count; i++) {
        if (verdict->results[i].result == STINT_RESULT_FAIL)
            return STINT_RESULT_FAIL;
        if (verdict->results[i].result == STINT_RESULT_UNKNOWN)
            sum = STINT_RESULT_UNKNOWN;
    }
    return sum;
}

static const struct stint_criterion_result *first_unknown(const struct stint_verdict *verdict)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        for (size_t j = 0; j < verdict->results[i].criterion_count; j++) {
            const struct stint_criterion_result *criterion = &verdict->results[i].criteria[j];
            if (criterion->is_required && criterion->result == STINT_RESULT_UNKNOWN)
                return criterion;
        }
    return NULL;
}

enum stint_reason_code stint_verdict_reason(const struct stint_verdict *verdict)
{
    const struct stint_criterion_result *unknown;
    switch (stint_verdict_result(verdict)) {
    case STINT_RESULT_PASS:
        return STINT_REASON_NONE;
    case STINT_RESULT_FAIL:
        return verdict->kind == STINT_KIND_DATASET ? STINT_REASON_DataNotOpen
               : verdict->kind == STINT_KIND_CODE  ? STINT_REASON_CodeNotOpen
                                                   : STINT_REASON_ModelNotOpen;
    case STINT_RESULT_UNKNOWN:
        unknown = first_unknown(verdict);
        return unknown && unknown->is_about_terms ? STINT_REASON_LicenceUnknown
                                                  : STINT_REASON_EvidenceMissing;
    }
    return STINT_REASON_EvidenceMissing;
}

static void evidence_json(const struct stint_verdict *verdict, const uint32_t *ids, uint32_t count,
                          struct stint_buffer *buffer)
{
    char text[512];
    stint_json_key(buffer, "evidence");
    stint_json_array(buffer);
    for (uint32_t i = 0; i < count; i++) {
        const struct stint_fact *fact = stint_facts_by_id(verdict->facts, ids[i]);
        if (!fact)
            continue;
        stint_json_object(buffer);
        stint_json_kv_text(buffer, "file", fact->path);
        if (fact->has_sha256)
            stint_json_kv_text(buffer, "sha256", stint_sha256_hex(&fact->sha256, text));
        if (fact->at.kind == STINT_PLACE_LINE)
            stint_json_kv_int(buffer, "line", (int64_t)fact->at.number);
        if (fact->at.kind == STINT_PLACE_OFFSET)
            stint_json_kv_int(buffer, "offset", (int64_t)fact->at.number);
        if (fact->at.kind == STINT_PLACE_POINTER)
            stint_json_kv_text(buffer, "pointer", fact->at.pointer);
        stint_json_kv_text(buffer, "grade", stint_grade_name(fact->grade));
        stint_json_kv_text(buffer, "fact", stint_fact_phrase(fact, text, sizeof(text)));
        stint_json_kv_int(buffer, "id", fact->id);
        stint_json_object_end(buffer);
    }
    stint_json_array_end(buffer);
}

static void criterion_json(const struct stint_verdict *verdict, const char *rules,
                           const struct stint_criterion_result *criterion,
                           struct stint_buffer *buffer)
{
    stint_json_object(buffer);
    if (rules)
        stint_json_kv_text(buffer, "rules", rules);
    stint_json_kv_text(buffer, "id", criterion->id);
    stint_json_kv_text(buffer, "text", criterion->text);
    stint_json_kv_text(buffer, "result", stint_result_name(criterion->result));
    stint_json_kv_bool(buffer, "required", criterion->is_required);
    stint_json_kv_text(buffer, "why", criterion->why);
    evidence_json(verdict, criterion->evidence, criterion->evidence_count, buffer);
    stint_json_kv_text(buffer, "would_pass", criterion->would_pass);
    stint_json_key(buffer, "rule");
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "file", criterion->file);
    stint_json_kv_int(buffer, "line", criterion->line);
    stint_json_object_end(buffer);
    stint_json_object_end(buffer);
}

static void progress_json(const struct stint_rules_result *result, struct stint_buffer *buffer)
{
    static const char *const names[] = { "I", "II", "III" };
    stint_json_kv_text(buffer, "class", result->class_name);
    stint_json_key(buffer, "progress");
    stint_json_object(buffer);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        stint_json_key(buffer, names[i]);
        stint_json_double(buffer, result->progress[i]);
    }
    stint_json_object_end(buffer);
}

static void result_json(const struct stint_verdict *verdict,
                        const struct stint_rules_result *result, struct stint_buffer *buffer)
{
    char text[sizeof("sha256:") + STINT_SHA256_HEX] = "sha256:";
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "rules", result->rules);
    stint_json_kv_text(buffer, "title", result->title);
    stint_json_kv_text(buffer, "version", result->version);
    stint_json_kv_text(buffer, "source", result->source);
    stint_json_kv_text(buffer, "date", result->date);
    stint_sha256_hex(&result->digest, text + 7);
    stint_json_kv_text(buffer, "digest", text);
    stint_json_kv_text(buffer, "result", stint_result_name(result->result));
    stint_json_kv_text(buffer, "assurance",
                       result->assurance == STINT_ASSURANCE_VERIFIED ? "verified" : "declared");
    if (result->has_progress)
        progress_json(result, buffer);
    stint_json_key(buffer, "criteria");
    stint_json_array(buffer);
    for (size_t i = 0; i < result->criterion_count; i++)
        criterion_json(verdict, NULL, &result->criteria[i], buffer);
    stint_json_array_end(buffer);
    stint_json_object_end(buffer);
}

static void findings_json(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    stint_json_key(buffer, "findings");
    stint_json_array(buffer);
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct stint_finding *finding = &verdict->findings[i];
        stint_json_object(buffer);
        stint_json_kv_text(buffer, "id", finding->id);
        stint_json_kv_text(buffer, "what", finding->what);
        evidence_json(verdict, finding->evidence, finding->evidence_count, buffer);
        stint_json_object_end(buffer);
    }
    stint_json_array_end(buffer);
}

/* "a,b" as ["a","b"]. */
static void words_json(const char *words, struct stint_buffer *buffer)
{
    stint_json_array(buffer);
    while (*words) {
        size_t length = strcspn(words, ",");
        if (length > 0)
            stint_json_text_n(buffer, words, length);
        words += length + (words[length] == ',');
    }
    stint_json_array_end(buffer);
}

static void licences_json(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    stint_json_key(buffer, "licences");
    stint_json_array(buffer);
    for (size_t i = 0; i < verdict->licence_count; i++) {
        const struct stint_licence_seen *seen = &verdict->licences[i];
        stint_json_object(buffer);
        stint_json_kv_text(buffer, "file", seen->file);
        if (seen->line > 0)
            stint_json_kv_int(buffer, "line", seen->line);
        stint_json_kv_text(buffer, "id", seen->id);
        stint_json_kv_text(buffer, "match", seen->match);
        stint_json_key(buffer, "facets");
        words_json(seen->facets, buffer);
        stint_json_object_end(buffer);
    }
    stint_json_array_end(buffer);
}

static void subject_json(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    static const char *const complete[] = { "unknown", "yes", "no" };
    char text[sizeof("sha256:") + STINT_SHA256_HEX] = "sha256:";
    stint_json_key(buffer, "subject");
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "kind", stint_artifact_kind_name(verdict->kind));
    stint_json_kv_text(buffer, "name", verdict->name);
    stint_sha256_hex(&verdict->digest, text + 7);
    stint_json_kv_text(buffer, "digest", verdict->has_digest ? text : NULL);
    stint_json_kv_text(buffer, "complete", complete[verdict->complete]);
    if (verdict->data_class[0])
        stint_json_kv_text(buffer, "data_class", verdict->data_class);
    stint_json_object_end(buffer);
}

void stint_verdict_json(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", "stint.verdict/1");
    subject_json(verdict, buffer);
    stint_json_key(buffer, "results");
    stint_json_array(buffer);
    for (size_t i = 0; i < verdict->result_count; i++)
        result_json(verdict, &verdict->results[i], buffer);
    stint_json_array_end(buffer);
    findings_json(verdict, buffer);
    licences_json(verdict, buffer);
    stint_json_key(buffer, "facts");
    stint_json_array(buffer);
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++)
        stint_fact_json(stint_facts_at(verdict->facts, i), buffer);
    stint_json_array_end(buffer);
    stint_json_object_end(buffer);
}

void stint_verdict_criteria_json(const struct stint_verdict *verdict, struct stint_buffer *buffer)
{
    stint_json_array(buffer);
    for (size_t i = 0; i < verdict->result_count; i++)
        for (size_t j = 0; j < verdict->results[i].criterion_count; j++) {
            const struct stint_criterion_result *criterion = &verdict->results[i].criteria[j];
            if (criterion->is_required && criterion->result != STINT_RESULT_PASS)
                criterion_json(verdict, verdict->results[i].rules, criterion, buffer);
        }
    stint_json_array_end(buffer);
}
