/* The open-AI evaluator: files -> facts -> rules -> verdict (DESIGN §4). Linked into the evaluation
 * child, the CLI (`stint check`) and the tests; the daemon runs the child. Knows no log, clock or
 * network, writes nothing, executes nothing it reads. */
#ifndef STINT_EVALUATOR_H
#define STINT_EVALUATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "stint/artifact.h"
#include "stint/error.h"
#include "stint/rules.h"
#include "stint/verdict.h"

struct stint_evaluator;

/**
 * struct stint_evaluator_options - where the data is; all borrowed for the call
 * @rules_dir: folder of rule sets (*.yaml); NULL for the installed one, else the source tree's
 * @licences_dir: folder of the licence table; NULL likewise
 * @catalogue_dir: folders of dated evidence joined by ':' (the installed one, and say the site's
 * own); NULL for the installed one; a missing one is empty
 * @catalogue_more: folders that are read beside @catalogue_dir; NULL for none
 * @registered: one more such file as text, about artefacts that are registered here, so that their
 * names resolve; NULL for none
 */
struct stint_evaluator_options {
    const char *rules_dir;
    const char *licences_dir;
    const char *catalogue_dir;
    const char *catalogue_more;
    const char *registered;
};
/* 0, -ENOMEM, -errno, STINT_INVALID (a broken rule, table or catalogue file: file, line, cure).
 * Rule sets are read when they are first asked for. */
int stint_evaluator_open(const struct stint_evaluator_options *options,
                         struct stint_evaluator **ret_evaluator, struct stint_error *err);
struct stint_evaluator *stint_evaluator_close(struct stint_evaluator *evaluator);
static inline __attribute__((unused)) void stint_evaluator_close_auto(
    struct stint_evaluator **evaluator)
{
    stint_evaluator_close(*evaluator);
}

/* Read and check one rule set by id; borrowed. STINT_NOT_FOUND names those there are. */
int stint_evaluator_rules(struct stint_evaluator *evaluator, const char *id,
                          const struct stint_rules **ret_rules, struct stint_error *err);
/* Ids of all rule sets in the folder, sorted, comma-joined; borrowed. */
const char *stint_evaluator_rules_list(struct stint_evaluator *evaluator);
/* "osaid-1.0", "open-definition-2.1", "osi-code" */
const char *stint_evaluator_default_rules(enum stint_artifact_kind kind);

/**
 * struct stint_evaluation - what to judge and how
 * @path: folder or file
 * @kind: STINT_KIND_AUTO to let the files say
 * @rules: comma-separated ids, "all" for every set of the kind, NULL or "" for the default
 * @name: what to call it; NULL for the last part of the path
 * @attestations: JSON array of reviewers' statements (stint/attestation.h), NULL for none. They
 * count only for the very bytes whose digest they name; the caller has checked who made them
 * @thread_count: hashing threads, 0 for all processors
 * @is_listing_only: do not hash weights: the digest is missing and assurance is `declared`
 * @progress: may be NULL
 */
struct stint_evaluation {
    const char *path;
    enum stint_artifact_kind kind;
    const char *rules;
    const char *name;
    const char *attestations;
    unsigned thread_count;
    bool is_listing_only;
    stint_artifact_progress_fn progress;
    void *progress_context;
};

/**
 * stint_evaluate() - judge one artefact on disk
 * @ret_manifest: zero-initialised by the caller, deinit'ed by the caller; may be NULL
 * Return: 0 with a verdict (whatever it says); STINT_NOT_FOUND (no such path, no such rule set),
 * STINT_UNTRUSTED (links out, devices, FIFOs …: the tree cannot be an artefact; @err names the
 * first), STINT_INVALID, STINT_TOO_LARGE, -ENOMEM, -errno. Cost: one read of every byte, unless
 * is_listing_only.
 */
int stint_evaluate(struct stint_evaluator *evaluator, const struct stint_evaluation *evaluation,
                   struct stint_verdict **ret_verdict, struct stint_artifact_manifest *ret_manifest,
                   struct stint_error *err);

/* The short form: kind, rule sets, and no manifest. */
int stint_evaluate_path(struct stint_evaluator *evaluator, const char *path,
                        enum stint_artifact_kind kind, const char *rules,
                        struct stint_verdict **ret_verdict, struct stint_error *err);

/**
 * The child, `stint-evaluate` (installed in <libexecdir>/stint), run as the submitting user:
 *   stint-evaluate judge --kind K --rules A,B [--rules-dir D] [--licences-dir D] [--catalogue-dir
 * D:D…] [--evidence -|FILE] [--name N] PATH; evidence, on standard input or in a file, is
 *     {"schema":"stint.evidence/1","attestations":[stint.attestation/1 …],"registered":{"entries":
 *      […as in the catalogue, each with the digest of the artefact]}}
 * Answers one line on stdout, at most STINT_EVALUATION_BYTES_MAX:
 *     {"schema":"stint.evaluation/1","result":"pass|fail|unknown","reason":"ModelNotOpen"|null,
 *      "criteria":[…],"manifest":{…stint_artifact_manifest_json()},"verdict":{…stint.verdict/1}}
 *     or {"schema":"stint.evaluation/1","problem":{"code","text","fix"}}
 *   stint-evaluate recheck PATH     manifest JSON on stdin; answers
 *     {"schema":"stint.recheck/1","result":"unchanged|changed|missing","path":"…"} or a problem
 *   stint-evaluate offer --socket FD PATH    passes the files; answers
 * {"schema":"stint.offer/1","files":N} or a problem Exit status 0 whenever a document was written
 * (also a problem); anything else, a signal, a time-out or an unreadable document is a refused
 * evaluation, never a pass.
 */
#define STINT_EVALUATION_BYTES_MAX ((size_t)64 << 20)

#endif
