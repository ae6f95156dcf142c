/* Inside of admission: what it knows and the ways between its files.
 *
 *   submit.c ── one submission: refusals at once, the wait, the answer after the commit
 *     └ resolve.c ── a reference to an artefact: registered, or a path
 *         └ evaluation.c, recheck.c ── a judging or a recheck under way, shared by all who wait
 *             └ document.c ── what came back from the child, read field by field
 *   verdicts.c ── stored verdicts by artefact and rules; new ones with their public entry
 *   statements.c ── what reviewers said of which bytes; attest.c ── how their word comes and goes
 *   rejudge.c ── verdicts that do not stand any more, judged again when nobody waits
 *   registry.c ── what a name stands for here, and what else a verdict depends on
 *   artifacts.c ── registered artefacts and paths seen; register.c, copy.c ── the way in
 *   start.c ── rechecks
 *
 * Whatever waits outside (the engine, a worker, the store) holds an object that outlives admission:
 * its `admission` is NULL then, and it frees itself when it is called back. */
#ifndef STINT_ADMISSION_STATE_H
#define STINT_ADMISSION_STATE_H

/* The default of uthash falls through in a switch, which our warnings refuse. Keys are digests and
 * paths; a user who made paths collide would slow down his own submissions. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>
#include <utlist.h>
#include <uv.h>

#include "document.h"
#include "stint/admission.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/engine.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define ADMISSION_PATH_MAX            STINT_REQUEST_TEXT_MAX
#define ADMISSION_RUNNING_MAX         8 /* tools at once; STINT_TOOL_MAX are for everybody */
#define ADMISSION_RUNNING_OF_USER_MAX 3
#define ADMISSION_WAITING_OF_USER_MAX 256   /* of STINT_ADMISSION_WAITING_MAX */
#define ADMISSION_QUICK_MAX           20000 /* submissions that wait for a look at our copies */
#define ADMISSION_REGISTRATIONS_MAX   16    /* under way, waiting ones counted */
#define ADMISSION_COPIES_MAX          2     /* each holds a worker thread while it copies */
#define ADMISSION_SEEN_MAX            20000 /* paths remembered; more are judged anew each time */
#define ADMISSION_ARTIFACTS_MAX       100000
#define ADMISSION_STATEMENTS_MAX      20000 /* of reviewers, revoked ones counted */
#define ADMISSION_REGISTRY_MAX        1000  /* artefacts whose terms a judging is told */
#define ADMISSION_REGISTRY_BYTES      ((size_t)1 << 20)
#define ADMISSION_JUDGE_AGAIN_MAX     3 /* when what it was told changed meanwhile */
#define ADMISSION_DEFAULT_WALLTIME_S  3600

/* Address space of a tool; 0 is the engine's own bound. The address sanitizer maps 16 TiB at start.
 */
#if defined(__SANITIZE_ADDRESS__)
#define ADMISSION_TOOL_MEMORY (UINT64_C(1) << 60)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADMISSION_TOOL_MEMORY (UINT64_C(1) << 60)
#endif
#endif
#ifndef ADMISSION_TOOL_MEMORY
#define ADMISSION_TOOL_MEMORY 0
#endif

/* Shared by admission and by whoever waits for a commit: says that admission is gone. */
struct admission_life {
    int refs;
    bool is_over;
};
struct admission_life *life_ref(struct admission_life *life);
void life_unref(struct admission_life *life);

/* ---- artifacts.c */

struct verdict_head;

/**
 * struct artifact - one row of `artifact` in memory, without its manifest
 * @name: "" for a path that was only used (state "seen")
 * @identity: of a copy of ours, as it was when its bytes were last known to be those of @digest
 * (stint_artifact_identity()); @has_identity: it was looked at since the start
 * @heritage: its verdict that stands and says what it passes on, NULL for none; as it was at
 * @heritage_serial of the registry; @is_looked_at while that is found out, so that a circle of
 * names ends
 */
struct artifact {
    UT_hash_handle by_digest;
    UT_hash_handle by_path; /* rows in place only */
    uint64_t heritage_serial;
    uint64_t rejudged_at; /* change after which it was judged without being asked, see rejudge.c */
    const struct verdict_head *heritage;
    bool is_looked_at;
    char digest[DOCUMENT_DIGEST_SIZE];
    char *name;
    char *path;
    const char *kind; /* a literal */
    bool is_registered;
    bool is_in_place;
    bool is_by_path;
    int64_t bytes;
    int64_t files;
    int64_t at_ms;
    int64_t verdict;
    uint32_t registered_by;
    bool has_identity;
    struct stint_sha256 identity;
};
struct artifact *artifact_by_digest(const struct stint_admission *admission, const char *digest);
struct artifact *artifact_by_path(const struct stint_admission *admission, const char *path);
/* `org/name`, `org/name@sha256:…`, `sha256:…`: the newest that fits, registered ones only. */
struct artifact *artifact_by_reference(const struct stint_admission *admission,
                                       const char *reference);
struct artifact *artifact_by_name(const struct stint_admission *admission, const char *name);
/* The newest registered one that a card could mean by @name: case is ignored, as hubs do. O(1). */
struct artifact *artifact_by_any_case(const struct stint_admission *admission, const char *name);
/* Copies @row into memory, over one with the same digest; 0 or -ENOMEM. */
int artifact_keep(struct stint_admission *admission, const struct stint_artifact_row *row);
void artifact_forget(struct stint_admission *admission, struct artifact *artifact);
void artifacts_free(struct stint_admission *admission);
const char *kind_word(enum stint_use_kind kind); /* "model", "dataset", "code" */
const char *kind_literal(const char *word);      /* the same literal for a word, NULL for another */
/* The rule sets by which site policy judges that kind; "" for none. */
const char *rules_of_kind(const struct stint_admission *admission, const char *kind);

/* ---- verdicts.c */

/**
 * struct verdict_head - the newest verdict on some bytes by some rules, without its document
 * @context: digest over all that judged beside the bytes, see context_of()
 * @names, @heritage: as struct document has them; NULL for none
 */
struct verdict_head {
    UT_hash_handle hh;
    char *key; /* digest|rules */
    char digest[DOCUMENT_DIGEST_SIZE];
    char context[DOCUMENT_DIGEST_SIZE];
    char *names;
    char *heritage;
    int64_t id;
    enum stint_reason_code code; /* NONE for pass */
    enum document_result result;
};
/* The one that stands: NULL when there is none, and when rules, catalogue, reviewers' statements or
 * what its names stand for have changed since. */
struct verdict_head *verdict_find(struct stint_admission *admission, const char *digest,
                                  const char *rules);
/* The newest one, whether it stands or not; NULL for none. */
struct verdict_head *verdict_newest(const struct stint_admission *admission, const char *digest,
                                    const char *rules);
int verdict_keep(struct stint_admission *admission, const struct stint_verdict_row *row,
                 enum document_result result, enum stint_reason_code code);
void verdicts_free(struct stint_admission *admission);
/* Does policy let in what came out so? The token to refuse with, or NONE. */
enum stint_reason_code verdict_policy(const struct stint_admission *admission, const char *digest,
                                      enum document_result result, enum stint_reason_code code);
/**
 * verdict_store() - a new verdict: row, artefact seen at @path, public entry, into the open batch
 * One that says what a stored one says of the same bytes and rules is that one.
 * @path: NULL where nothing is to be remembered of it
 * @context: what it was judged under
 */
int verdict_store(struct stint_admission *admission, const struct document *document,
                  const char *rules, const char *context, const char *path, uid_t uid,
                  int64_t *ret_id, struct stint_error *err);

/* ---- statements.c */

/**
 * struct statement - a row of `attestation` in memory
 * @json: stint.attestation/1
 */
struct statement {
    struct statement *prev;
    struct statement *next;
    int64_t id;
    char *json;
    bool is_signed;
    bool is_standing;
    uint32_t made_by;
    int64_t at_ms;
    int64_t revoked_ms;
};
struct statement *statement_by_id(const struct stint_admission *admission, int64_t id,
                                  char digest[DOCUMENT_DIGEST_SIZE]);
size_t statements_standing(const struct stint_admission *admission, const char *digest);
/* Copies @row into memory, over the one with its id. 0 or -ENOMEM. */
int statement_keep(struct stint_admission *admission, const struct stint_attestation_row *row);
void statements_free(struct stint_admission *admission);
/* The standing ones of @digest as a JSON array, appended; nothing when there is none. */
void statements_json(const struct stint_admission *admission, const char *digest,
                     struct stint_buffer *json);

/* ---- registry.c */

/**
 * context_of() - digest over what a verdict on @digest depends on beside the bytes: rules, licences
 * and catalogue; the statements about it that stand; what each of @names stands for here
 * Just the digest of the rules when there is neither statement nor name. @names: JSON array or
 * NULL.
 */
void context_of(struct stint_admission *admission, const char *digest, const char *names,
                char context[DOCUMENT_DIGEST_SIZE]);
/* Something that names could stand for has changed. */
void registry_changed(struct stint_admission *admission);
/* What a judging is told: stint.evidence/1, or "" when there is nothing to tell. */
void evidence_write(struct stint_admission *admission, const char *digest,
                    struct stint_buffer *json);

/* ---- evaluation.c */

/**
 * struct evaluation_answer - what came of a use
 * @error: a fault or refusal of our own (busy, read-only): no word about the artefact
 * @code: NONE when it may be used; else why not, @why in a sentence, @fix what would help
 * @criteria: JSON array; owned by the evaluation; "[]" for none
 */
struct evaluation_answer {
    struct stint_error error;
    enum stint_reason_code code;
    enum document_result result;
    char why[240];
    char fix[240];
    char digest[DOCUMENT_DIGEST_SIZE];
    int64_t verdict_id;
    const char *criteria;
    const struct document *document; /* of a fresh judging; NULL else */
};
typedef void (*evaluation_fn)(void *context, const struct evaluation_answer *answer);

/**
 * struct evaluation_ask - what is asked of whom
 * @known_digest: what was at @path last time, "" when nothing is known
 * @must_be: the digest that it has to have, "" for any (a path that was never judged)
 * @name: what to call it, "" for the last part of the path
 * @is_ours: a copy in our own store: while nobody wrote to it, which a worker sees by its stat
 * identity, its stored verdict is the answer; else its bytes are looked at as others' are
 * @is_fresh: judge, whatever is stored
 * @is_kept: the verdict is stored; a rehearsal leaves no trace
 * @is_background: nobody waits for it: the child runs when the machine has nothing else to do
 */
struct evaluation_ask {
    uid_t uid;
    gid_t gid;
    const char *kind; /* "auto" for what the files say */
    const char *rules;
    const char *path;
    const char *name;
    const char *known_digest;
    const char *must_be;
    bool is_ours;
    bool is_fresh;
    bool is_kept;
    bool is_background;
};
/* Answers once, on the loop, never within the call. 0, STINT_BUSY, -ENOMEM. */
int evaluation_wanted(struct stint_admission *admission, const struct evaluation_ask *ask,
                      evaluation_fn fn, void *context, struct stint_error *err);
/* @context does not wait any more. */
void evaluation_unwanted(struct stint_admission *admission, void *context);
void evaluations_free(struct stint_admission *admission);

/* ---- runner.c: who may ask, and as whom files are judged */

struct runner {
    uid_t uid;
    gid_t gid;
    bool is_ours; /* the daemon's own user, for an operator as whom nothing is run */
};
/* May @caller run anything here? 0 or STINT_NOT_PERMITTED with the cure. */
int runner_check(const struct stint_admission *admission, const struct stint_caller *caller,
                 struct stint_error *err);
/* As whom files that @caller names are judged: himself; for an operator as whom nothing runs (root
 * in the service) the daemon's own user, if the launcher takes it. @verb: for the cure. */
int runner_of(const struct stint_admission *admission, const struct stint_caller *caller,
              const char *verb, struct runner *ret_runner, struct stint_error *err);

/* As whom a registered artefact is judged when nobody asks: a copy of ours as the daemon's own
 * user, what is in place as who registered it. false when the launcher takes neither. */
bool runner_of_artifact(const struct stint_admission *admission, const struct artifact *artifact,
                        struct runner *ret_runner);
/* To judge @artifact, as the bytes that it is registered with; the verdict is kept. Borrows from
 * it. */
struct evaluation_ask ask_of_artifact(struct stint_admission *admission,
                                      const struct artifact *artifact, const struct runner *runner);

/* Who a tool runs as, with his groups. */
struct owner {
    struct stint_run_owner run;
    gid_t groups[STINT_RUN_GROUP_MAX];
};
void owner_of(uid_t uid, gid_t gid, struct owner *ret_owner);

/* ---- submit.c */

struct submission;
int submissions_load(struct stint_admission *admission, struct stint_error *err);
void submissions_free(struct stint_admission *admission);

/* ---- resolve.c: a use and where it stands */

struct use_state {
    bool is_waiting; /* for an evaluation */
    enum stint_reason_code code;
    enum document_result result;
    char why[240];
    char fix[240];
    char *criteria; /* NULL for none */
    bool is_registered;
    struct stint_job_use use;
};
/**
 * use_resolve() - where @use stands: known at once, or waited for
 * Return: 0; STINT_BUSY or a fault of our own.
 */
int use_resolve(struct stint_admission *admission, const struct stint_caller *caller,
                const struct stint_use *use, bool is_kept, struct use_state *state,
                evaluation_fn fn, void *context, struct stint_error *err);
/* Will @use only be looked at by a worker, for a moment, because it is a copy of ours with a
 * verdict that lets it in? */
bool use_is_quick(struct stint_admission *admission, const struct stint_use *use);
void use_answered(struct stint_admission *admission, const struct evaluation_answer *answer,
                  struct use_state *state);
void use_deinit(struct use_state *state);

/* ---- refusal.c: what is written down of a refusal, and what the caller is told */

/* Decision row and public entry into the open batch; 0 and its id. */
int refusal_store(struct stint_admission *admission, const struct stint_request *request,
                  int64_t project, const struct use_state *uses, enum stint_reason_code code,
                  int64_t *ret_decision, struct stint_error *err);
/* The headline of all uses: the first in the order of reasons; NONE when all may be used. */
size_t refusal_headline(const struct use_state *uses, size_t count);
/* All criteria of all uses as one JSON array. */
void refusal_criteria(const struct stint_request *request, const struct use_state *uses,
                      struct stint_buffer *json);

/* ---- waivers.c: what operators let through although it is unknown, and what waits for them */

struct waiver;
struct review;
bool waiver_stands(const struct stint_admission *admission, const char *digest);
int waiver_keep(struct stint_admission *admission, const struct stint_waiver_row *row);
/* @job waits for an operator because of those of @states whose code is NotReviewedYet. 0 or
 * -ENOMEM. */
int review_keep(struct stint_admission *admission, uint64_t job,
                const struct stint_request *request, int64_t project,
                const struct use_state *states);
void waivers_free(struct stint_admission *admission);

/* ---- rehearsal.c */

struct rehearsal {
    const struct stint_caller *caller;
    const struct stint_request *request;
    int64_t project;
    int64_t cost_micro;
    char counted_as[64]; /* see stint_ledger_counted_as() */
};
/* 0, or what stint_jobs_rehearse() refuses it with. */
int rehearsal_write(struct stint_admission *admission, const struct rehearsal *rehearsal,
                    const struct use_state *uses, struct stint_buffer *json,
                    struct stint_error *err);

/* ---- rules.c */
/* Every rule set that is named is a file in rules_dir and can be read as rules; STINT_INVALID with
 * its key. Else every submission would be refused, one at a time, for what an operator wrote. */
int rules_check(const struct stint_admission_options *options, struct stint_error *err);

/* ---- rejudge.c: stale verdicts, judged in the background */
int rejudge_open(struct stint_admission *admission);
void rejudge_free(struct stint_admission *admission);
/* Something that verdicts depend on has changed: each stale one is judged once, soon. */
void rejudge_wanted(struct stint_admission *admission);
/* The next step; when it wants another, in milliseconds, -1 for not. Bounded work. */
int64_t rejudge_run(struct stint_admission *admission);

void registrations_free(struct stint_admission *admission);
void attests_free(struct stint_admission *admission); /* attest.c */
/* The public entry of an artefact that came or went: its registration makes it public. */
int artifact_publish(struct stint_admission *admission, const char *type,
                     const struct stint_caller *caller, const char *name, const char *digest,
                     const char *kind, bool is_in_place, int64_t verdict, struct stint_error *err);
void checks_free(struct stint_admission *admission);

struct evaluation;
struct registration;
struct start_check;
struct attest;
struct rejudge;
struct attested;
struct named;
struct stint_admission {
    struct stint_admission_options options;
    struct admission_life *life;
    char rules_digest[DOCUMENT_DIGEST_SIZE];
    int store_fd; /* the folder of our copies */
    struct artifact *artifacts;
    struct artifact *artifacts_by_path;
    size_t seen_count;
    struct named *named; /* registered artefacts by name */
    struct verdict_head *verdicts;
    struct attested *attested; /* statements by digest */
    size_t statement_count;
    uint64_t registry_serial;
    unsigned registry_depth;
    char *registry; /* JSON object for judgings, as it was at @registry_written */
    uint64_t registry_written;
    struct waiver *waivers;
    struct review *reviews;
    struct evaluation *evaluations;
    size_t running_count; /* evaluations that hold a tool or a worker */
    struct submission *submissions;
    size_t waiting_count;
    size_t quick_count;
    struct attest *attests; /* words whose verdict is waited for */
    struct registration *registrations;
    size_t registration_count;
    size_t copy_count;
    struct start_check *checks;
    struct rejudge *rejudge;
    uv_timer_t *timer; /* on the heap: it outlives us until it is closed */
};

#endif
