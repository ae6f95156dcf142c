/* The step between request and queue: resolves what a job uses, asks the evaluator, asks policy,
 * asks awards, and answers with an id or with reasons and what would fix them (DESIGN §2). Whoever
 * reads admission/ sees every way in. */
#ifndef STINT_ADMISSION_H
#define STINT_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/caller.h"
#include "stint/error.h"
#include "stint/reason.h"
#include "stint/request.h"

struct stint_sha256;
struct stint_admission;
struct stint_store;
struct stint_jobs;
struct stint_ledger;
struct stint_engine;
struct stint_record;
struct uv_loop_s;

/* Most submissions that may wait for the evaluator at once; one more is STINT_BUSY. */
#define STINT_ADMISSION_WAITING_MAX 1024

enum stint_unknown_policy {
    STINT_UNKNOWN_STRICT = 0,
    STINT_UNKNOWN_REVIEW,
    STINT_UNKNOWN_ADVISORY
};

/**
 * struct stint_admission_options - all borrowed, all outlive the room
 * @rules: names of the rule sets that judge each kind, comma-separated ("osaid-1.0",
 * "open-definition-2.1", "osi-code")
 * @catalogue_dir: folders of dated evidence, joined by ':'; NULL or "" for the evaluator's own
 * @reviewers: login names, comma-separated, of those who may attest beside operators; NULL for none
 * @reviewer_keys: file of public keys (stint_vkey_format()), one a line: what one of them signed
 * anybody may hand in; NULL or "" for none
 * @artifact_store: absolute path of our own read-only copies, below the state folder; made when it
 * is not there (0755: jobs read it as their users)
 * @rejudge_after_ms: how long after a change verdicts that do not stand any more begin to be judged
 * again without being asked for; 0 for never
 * @own_uid, @own_gid: the daemon's own user, as whom an operator's registration is judged when
 * nothing is run as himself; @own_uid 0 is the process's
 */
struct stint_admission_options {
    struct uv_loop_s *loop;
    struct stint_store *store;
    struct stint_jobs *jobs;
    struct stint_ledger *ledger;
    struct stint_engine *engine;
    struct stint_record *record;
    const char *rules[STINT_USE_KIND_COUNT];
    const char *rules_dir;
    const char *licences_dir;
    const char *catalogue_dir;
    const char *reviewers;
    const char *reviewer_keys;
    const char *artifact_store;
    bool require_uses;
    enum stint_unknown_policy unknown;
    int64_t wait_ms;
    int64_t evaluation_timeout_ms;
    int64_t rejudge_after_ms;
    uid_t own_uid;
    gid_t own_gid;
    int64_t (*now_wall_ms)(void);
};

/* STINT_INVALID with the key when a rule set is not in @rules_dir or cannot be read as one. */
int stint_admission_new(const struct stint_admission_options *options,
                        struct stint_admission **ret_admission, struct stint_error *err);
struct stint_admission *stint_admission_free(struct stint_admission *admission);
/* Takes up another configuration, and reads rules, licences and catalogue again; the rooms in
 * @options stay the same. STINT_INVALID or a fault: nothing has changed. Cost: one read of those
 * files. */
int stint_admission_reload(struct stint_admission *admission,
                           const struct stint_admission_options *options, struct stint_error *err);
/* Artefacts and verdict heads from the store; at start and after a failed commit. */
int stint_admission_load(struct stint_admission *admission, struct stint_error *err);

/**
 * struct stint_answer - what admission says of one request, valid during the callback only
 * @job: the new job's id, 0 when none was made
 * @is_evaluated: false: let in as @reason, NotEvaluatedYet or NotReviewedYet (answer 202)
 * @error: the refusal, code 0 when admitted; @reason its token (STINT_REASON_NONE for plain bad
 * requests)
 * @decision: public id of the refusal (or of a late one), 0 for none
 * @criteria: JSON array for the problem's `also`: each failed or unknown criterion of each use with
 * file, line and what would pass; "[]" when there is none
 * @rehearsal: for dry runs: JSON object {result, verdicts, project, award, unit, cost_micro,
 * balance_micro, balance_after_micro (not when it could not be paid now), waits_for (the reason
 * with which it would wait now, or null), waits_class, waits_until, estimate {p50, p90} when one is
 * known}; NULL otherwise
 */
struct stint_answer {
    uint64_t job;
    bool is_evaluated;
    struct stint_error error;
    enum stint_reason_code reason;
    int64_t decision;
    const char *criteria;
    const char *rehearsal;
};
typedef void (*stint_answer_fn)(void *context, const struct stint_answer *answer);

/**
 * stint_admission_submit() - judge one request and, unless @is_rehearsal, let it in
 * @request: taken over (deinit'ed by admission whatever happens)
 * @done: called once, on the loop: after the commit that makes the answer durable. It may be called
 * before this returns when nothing has to be written (refusals that make no row). Bounded by
 * STINT_ADMISSION_WAITING_MAX. A stored verdict for unchanged bytes answers at once; else the
 * evaluator runs as @caller and, after wait_ms, the job is let in as NotEvaluatedYet. A caller as
 * whom nothing is run here (root in the service, system users) is answered STINT_NOT_PERMITTED
 * before any of it: no evaluation, no decision.
 */
void stint_admission_submit(struct stint_admission *admission, const struct stint_caller *caller,
                            struct stint_request *request, bool is_rehearsal, stint_answer_fn done,
                            void *context);

/* A digest over every file that judges (rules, licence table, catalogue) and which rule sets a kind
 * is judged by, as @options say; it is what a verdict names. 0 or -errno with the folder. Reads all
 * of them, a few ms. */
int stint_admission_rules_digest(const struct stint_admission_options *options,
                                 struct stint_sha256 *ret_digest, struct stint_error *err);

/**
 * stint_admission_check_start() - are the bytes of a job's artefacts what was judged? (invariant 2)
 * @done: called on the loop with STINT_REASON_NONE, ArtifactChanged, ArtifactMissing or
 * EvaluationFailed, and a sentence. Cheap when nothing changed: compares stat identities, as the
 * job's user; of copies in our own store as the daemon.
 */
typedef void (*stint_recheck_fn)(void *context, enum stint_reason_code code, const char *why);
void stint_admission_check_start(struct stint_admission *admission, uid_t uid, gid_t gid,
                                 const char *const *digests, size_t digest_count,
                                 stint_recheck_fn done, void *context);

/**
 * stint_admission_check_uses() - the same, from the stored uses of a job: better, because it knows
 * the path that the job was given (two folders can hold the same bytes, and only one may have
 * changed)
 * @uses: JSON array [{kind,name,digest,path,…}] as jobs keep it; malformed is EvaluationFailed
 * @done: once, on the loop, also within the call.
 * Rules that changed since judge again: then the codes of a refused verdict come too.
 */
void stint_admission_check_uses(struct stint_admission *admission, uid_t uid, gid_t gid,
                                const char *uses, stint_recheck_fn done, void *context);

/* Registered artefacts. Views are borrowed until the next call. */
struct stint_artifact_view {
    const char *name;   /* ORG/NAME */
    const char *digest; /* sha256:… */
    const char *kind;   /* model, dataset, code */
    const char *path;   /* never public */
    bool is_in_place;
    int64_t bytes;
    int64_t files;
    int64_t registered_ms;
    int64_t verdict_id;
    const char *result; /* pass, fail, unknown; unknown while it is stale */
    const char *rules;
    bool is_stale;            /* no verdict stands: rules, evidence or names have changed since */
    const char *was;          /* what a stale one said; NULL when it was never judged by @rules */
    const char *judged_under; /* digest over all that judged beside the bytes; NULL for none */
    const char *now_under;    /* the same of today; another one where it is stale */
};
void stint_admission_each_artifact(struct stint_admission *admission,
                                   bool (*fn)(void *context,
                                              const struct stint_artifact_view *view),
                                   void *context);
/* By name, name@digest or digest; STINT_NOT_FOUND. */
int stint_admission_artifact(struct stint_admission *admission, const char *reference,
                             struct stint_artifact_view *ret_view);

/**
 * struct stint_rejudge_report - what became of stale verdicts since the last change
 * @judged_count: judged again; @failed_count: could not be, and wait for their next use
 */
struct stint_rejudge_report {
    bool is_under_way;
    size_t judged_count;
    size_t failed_count;
};
void stint_admission_rejudge_report(const struct stint_admission *admission,
                                    struct stint_rejudge_report *ret_report);

/* Statements of reviewers (stint/attestation.h), borrowed until the next call. */
struct stint_attestation_view {
    int64_t id;
    const char *digest;
    const char *statement; /* stint.attestation/1 */
    bool is_signed;        /* by a known key; else made in a role */
    bool is_standing;      /* not revoked */
    int64_t made_ms;
    int64_t revoked_ms; /* 0 while it stands */
};
/* By its id; STINT_NOT_FOUND. */
int stint_admission_attestation(struct stint_admission *admission, int64_t id,
                                struct stint_attestation_view *ret_view);
/* Those about the artefact with @digest, revoked ones too, in the order of their ids. */
void stint_admission_each_attestation(struct stint_admission *admission, const char *digest,
                                      bool (*fn)(void *context,
                                                 const struct stint_attestation_view *view),
                                      void *context);

/**
 * stint_admission_attest() - take in a reviewer's statement about an artefact
 * @reference: a registered name, name@digest, or a digest (also of bytes that were never seen)
 * @statement: stint.attestation/1, about that digest. Signed by a known reviewer's key anybody may
 * hand it in; unsigned it is the word of the caller's role (operator, or reviewer by
 * configuration), and what it says of its reviewer is replaced by that role
 * @done: once, on the loop, after the commit; @attestation its id, @verdict_id and @document those
 * of the verdict that came of it, 0 and NULL when the bytes are judged later
 */
typedef void (*stint_attest_fn)(void *context, const struct stint_error *error, int64_t attestation,
                                int64_t verdict_id, const char *document);
void stint_admission_attest(struct stint_admission *admission, const struct stint_caller *caller,
                            const char *reference, const char *statement, stint_attest_fn done,
                            void *context);
/* Takes a word back: who made it, or an operator; @reason is public. Answers as above. */
void stint_admission_revoke(struct stint_admission *admission, const struct stint_caller *caller,
                            int64_t id, const char *reason, stint_attest_fn done, void *context);

/**
 * stint_admission_register() - judge @path as the caller and register it under @name
 * @kind: "model", "dataset", "code" or NULL to let the evaluator see
 * Root in the service is judged as the daemon's own user, where the launcher takes that; else
 * STINT_NOT_PERMITTED with `runuser …` as the cure.
 * @done: once, on the loop, after the commit: @error.code 0 and @document the evaluator's verdict
 * JSON (stint.verdict/1). An artefact that fails is registered too, with its verdict: it cannot be
 * used, and the refusal can be read.
 */
typedef void (*stint_register_fn)(void *context, const struct stint_error *error,
                                  const char *digest, int64_t verdict_id, const char *document);
void stint_admission_register(struct stint_admission *admission, const struct stint_caller *caller,
                              const char *path, const char *name, const char *kind,
                              bool is_in_place, stint_register_fn done, void *context);
int stint_admission_remove(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *reference, struct stint_error *err);
/* Judge without registering: POST /api/v1/check. @rules NULL for the defaults. Same callback,
 * verdict_id 0. */
void stint_admission_check(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *path, const char *kind, const char *rules,
                           stint_register_fn done, void *context);

#endif
