/* What the evaluation child wrote, read back: hostile until it has passed here (DESIGN §4,
 * invariant 11). Every field is checked and written anew, nothing is handed on as it came. Pure;
 * runs in a worker thread. */
#ifndef STINT_ADMISSION_DOCUMENT_H
#define STINT_ADMISSION_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/reason.h"

#define DOCUMENT_BYTES_MAX    ((size_t)64 << 20) /* as the child may write */
#define DOCUMENT_VERDICT_MAX  ((size_t)8 << 20)  /* of the verdict in it, kept in the store */
#define DOCUMENT_CRITERIA_MAX 512
#define DOCUMENT_EVIDENCE_MAX 8
#define DOCUMENT_RESULTS_MAX  16
#define DOCUMENT_TEXT_MAX     2048 /* one sentence; longer ones are cut */
#define DOCUMENT_NAMES_MAX    128
#define DOCUMENT_NAME_MAX     200
#define DOCUMENT_HERITAGE_MAX ((size_t)8 << 10)
#define DOCUMENT_DIGEST_SIZE  72 /* "sha256:" and 64 digits, with the NUL */

enum document_result { DOCUMENT_UNKNOWN = 0, DOCUMENT_PASS, DOCUMENT_FAIL };
const char *document_result_name(enum document_result result);
enum document_result document_result_from_name(const char *name); /* UNKNOWN for anything else */

/**
 * struct document - a judging
 * @problem: code 0 for a verdict; else the child could not judge: STINT_NOT_FOUND, STINT_UNTRUSTED
 * …
 * @result: over the asked rule sets, computed here: unknown is never pass (invariant 6)
 * @code: STINT_REASON_NONE for pass
 * @kind: "model", "dataset" or "code"
 * @rules: ids of the rule sets in it, comma-joined in their order
 * @criteria, @manifest, @verdict: JSON texts written here
 * @names: JSON array of the names of base models and data sets that were looked up; NULL for none.
 * ["*"] when there are more than DOCUMENT_NAMES_MAX: then it depends on everything registered
 * @heritage: what another artefact inherits that names this one: members of an entry of the
 * catalogue, as JSON without the braces: "kind":…,"parts":[…],"datasets":[…]
 */
struct document {
    struct stint_error problem;
    enum document_result result;
    enum stint_reason_code code;
    const char *kind;
    char digest[DOCUMENT_DIGEST_SIZE];
    char rules[256];
    int64_t bytes;
    int64_t files;
    char *criteria;
    char *manifest;
    char *verdict;
    char *names;
    char *heritage;
};
void document_deinit(struct document *document);

/**
 * document_read() - an answer of `stint-evaluate judge`
 * @rules: ids asked for, comma-separated: each must be in it; NULL takes what is there
 * @kind: asked for; "auto" takes what is there
 * Return: 0; STINT_UNTRUSTED naming what is wrong; -ENOMEM. O(length).
 */
int document_read(const char *text, size_t length, const char *kind, const char *rules,
                  struct document *ret_document, struct stint_error *err);

enum document_recheck {
    DOCUMENT_RECHECK_UNCHANGED = 1,
    DOCUMENT_RECHECK_CHANGED,
    DOCUMENT_RECHECK_MISSING
};
/* An answer of `stint-evaluate recheck`; @path: the first that differs, printable. */
int document_read_recheck(const char *text, size_t length, enum document_recheck *ret_result,
                          char path[256], struct stint_error *err);
/* An answer of `stint-evaluate offer`: 0, or its problem. */
int document_read_offer(const char *text, size_t length, struct stint_error *err);

/* The criteria (failed and unknown required ones) of a stored stint.verdict/1 text, written anew;
 * "[]" when it does not read. free() it; NULL without memory. */
char *document_criteria_of_verdict(const char *verdict);

/* heritage.c: @names and @heritage from the facts of a verdict. 0 or -ENOMEM. O(facts * names). */
struct json_t;
int document_read_heritage(const struct json_t *facts, struct document *document);

#endif
