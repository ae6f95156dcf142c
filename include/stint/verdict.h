/* A verdict: what rule sets say of the facts of one artefact, with the evidence of every word.
 * Three-valued: unknown is never pass (DESIGN invariant 6). Its JSON is INTERFACE §7's. */
#ifndef STINT_VERDICT_H
#define STINT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/fact.h"
#include "stint/reason.h"

enum stint_result { STINT_RESULT_UNKNOWN = 0, STINT_RESULT_PASS, STINT_RESULT_FAIL };
const char *stint_result_name(enum stint_result result); /* "unknown", "pass", "fail" */

enum stint_artifact_kind {
    STINT_KIND_AUTO = 0,
    STINT_KIND_MODEL,
    STINT_KIND_DATASET,
    STINT_KIND_CODE
};
const char *stint_artifact_kind_name(enum stint_artifact_kind kind); /* "auto", "model", … */
/* 0 or STINT_INVALID; "auto" and NULL are STINT_KIND_AUTO. */
int stint_artifact_kind_parse(const char *text, enum stint_artifact_kind *ret_kind);

enum stint_completeness { STINT_COMPLETE_UNKNOWN = 0, STINT_COMPLETE_YES, STINT_COMPLETE_NO };
enum stint_assurance { STINT_ASSURANCE_DECLARED = 1, STINT_ASSURANCE_VERIFIED };

/* Most pieces of evidence shown for one criterion; the count says how many there were. */
#define STINT_EVIDENCE_MAX 8

/**
 * struct stint_criterion_result - one rule, judged
 * @why: one sentence; @would_pass: the smallest change that would pass, "" when it passes
 * @evidence: ids of facts, @evidence_count of them (at most STINT_EVIDENCE_MAX)
 * @is_about_terms: it is unknown because nobody here knows some terms that were found
 * @cost: how dear the fix is, 1 (a line of metadata) to 9 (publish a data set)
 * @file, @line: the place of the rule in its rule file, which decided
 */
struct stint_criterion_result {
    const char *id;
    const char *text;
    enum stint_result result;
    bool is_required;
    bool is_about_terms;
    const char *why;
    const char *would_pass;
    uint32_t evidence[STINT_EVIDENCE_MAX];
    uint32_t evidence_count;
    uint8_t cost;
    const char *file;
    uint32_t line;
};

/* One rule set, judged: @version and @digest are of the file, @source and @date of the document
 * that it restates. @class_name "" and has_progress false but for mof-1.0 and mot. */
struct stint_rules_result {
    const char *rules;
    const char *title;
    const char *version;
    const char *source;
    const char *date;
    struct stint_sha256 digest;
    enum stint_result result;
    enum stint_assurance assurance;
    const char *class_name;
    bool has_progress;
    double progress[3]; /* for class I, II, III */
    struct stint_criterion_result *criteria;
    size_t criterion_count;
};

/* An open-washing pattern (OW1 … OW20), or a trouble of the tree (T-…). */
struct stint_finding {
    const char *id;
    const char *what;
    uint32_t evidence[STINT_EVIDENCE_MAX];
    uint32_t evidence_count;
    const char *path; /* for what is not a fact: a file, "" for none */
};

/* One licence text or declaration and what became of it. @facets: names joined by ','. */
struct stint_licence_seen {
    const char *file;
    const char *id;
    const char *match; /* clean, modified, unknown, ambiguous */
    const char *facets;
    uint32_t line;
};

#define STINT_VERDICT_RESULTS_MAX  16
#define STINT_VERDICT_FINDINGS_MAX 256
#define STINT_VERDICT_LICENCES_MAX 1024

/**
 * struct stint_verdict - all of it; owns its texts and facts
 * @is_description: judged from a record alone, without the files: assurance is `declared`
 * @data_class: of a data set: "open", "public", "obtainable", "unshareable" or "unknown"; "" for
 * others
 */
struct stint_verdict {
    enum stint_artifact_kind kind;
    const char *name;
    struct stint_sha256 digest;
    bool has_digest;
    bool is_description;
    enum stint_completeness complete;
    const char *data_class;
    struct stint_rules_result *results;
    size_t result_count;
    struct stint_finding *findings;
    size_t finding_count;
    struct stint_licence_seen *licences;
    size_t licence_count;
    struct stint_facts *facts;
};
struct stint_verdict *stint_verdict_free(struct stint_verdict *verdict);
static inline __attribute__((unused)) void stint_verdict_free_auto(struct stint_verdict **verdict)
{
    stint_verdict_free(*verdict);
}

/* Kleene and over the rule sets that were asked. A verdict without results is unknown. */
enum stint_result stint_verdict_result(const struct stint_verdict *verdict);

/**
 * stint_verdict_reason() - the headline token admission answers with
 * STINT_REASON_NONE when everything passes; ModelNotOpen, DataNotOpen or CodeNotOpen when something
 * fails; LicenceUnknown when the first unknown required criterion is about terms that no table
 * knows; else EvidenceMissing.
 */
enum stint_reason_code stint_verdict_reason(const struct stint_verdict *verdict);

/* The stint.verdict/1 object of INTERFACE §7, as one value. */
void stint_verdict_json(const struct stint_verdict *verdict, struct stint_buffer *buffer);
/* Array of the failed and unknown required criteria: {rules,id,result,why,evidence,would_pass}. */
void stint_verdict_criteria_json(const struct stint_verdict *verdict, struct stint_buffer *buffer);

/**
 * struct stint_report_options - how a person wants to see it
 * @columns: width of the screen, 0 for 80
 * @has_colour: SGR colours
 * @is_full: every criterion with its wording, not only what failed
 */
struct stint_report_options {
    unsigned columns;
    bool has_colour;
    bool is_full;
};
/* One screen: verdict, failing criteria with file:line and what would pass, cheapest first. */
void stint_verdict_report(const struct stint_verdict *verdict,
                          const struct stint_report_options *options, struct stint_buffer *buffer);
/* One self-contained page; every outside text is escaped. */
void stint_verdict_html(const struct stint_verdict *const *verdicts, size_t count,
                        struct stint_buffer *buffer);
/* Rule sets as rows, verdicts as columns; as many at a time as the screen holds, all without one.
 */
void stint_verdict_matrix(const struct stint_verdict *const *verdicts, size_t count,
                          const struct stint_report_options *options, struct stint_buffer *buffer);
/* What differs between two artefacts: criteria whose results differ, licences, bases. */
void stint_verdict_compare(const struct stint_verdict *left, const struct stint_verdict *right,
                           const struct stint_report_options *options, struct stint_buffer *buffer);

/* The families of several models: each under the bases it names, as far as they are among @verdicts
 * or only known by name. */
void stint_verdict_families(const struct stint_verdict *const *verdicts, size_t count,
                            const struct stint_report_options *options,
                            struct stint_buffer *buffer);

#endif
