/* The store: SQLite in WAL mode, one writer thread, group commit (DESIGN §2). The loop fills the
 * open batch; while a commit runs, what arrives gathers in the next one. Effects queued under a
 * batch are released, in order, when it is durable, and never otherwise (invariants 1 and 9).
 *
 *   put …, put …, after(answer) ──▶ open batch ──▶ writer: one transaction, one fsync
 *                                       ▲                      │
 *                                 next arrivals                ▼ on the loop
 *                                                     effects in order, status 0 or -errno
 *
 * Everything here belongs to the loop's thread unless it says otherwise. A put only copies bytes:
 * it never waits for the disk. */
#ifndef STINT_STORE_H
#define STINT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/store_rows.h"

struct stint_store;
struct stint_reader;
struct uv_loop_s;

/* The open batch takes new work up to these; what began before may use as much again, so that a
 * change of several rows that was let in by stint_store_ready() does not stop half way. */
#define STINT_STORE_BATCH_ROWS_MAX  ((size_t)100000)
#define STINT_STORE_BATCH_BYTES_MAX ((size_t)64 << 20)
#define STINT_STORE_EFFECTS_MAX     ((size_t)100000)
#define STINT_STORE_TEXT_MAX        ((size_t)16 << 20) /* bytes of one column */
#define STINT_STORE_READS_MAX       256                /* reads waiting or running at once */
#define STINT_STORE_COMPANY_MS      5 /* a batch that nobody waits for waits this long for more */
#define STINT_STORE_PROBE_MS        1000 /* between tries to write again */

/**
 * struct stint_store_options - where it is and whom it tells
 * @state: the state folder; made (0700) when it is not there; copied
 * @on_event: each durable event, in order of ids, before the effects of its batch; may be NULL
 * @on_failed: a commit failed: its batch and the open one are gone, their effects were called with
 * a negative status, and the store takes only reads. The daemon rebuilds its live state now (the
 * synchronous reader works). @err says why.
 * @on_recovered: a probe commit succeeded; writes are taken again
 */
struct stint_store_options {
    struct uv_loop_s *loop;
    const char *state;
    void (*on_event)(void *context, const struct stint_event_row *event);
    void (*on_failed)(void *context, const struct stint_error *err);
    void (*on_recovered)(void *context);
    void *context;
};

/**
 * stint_store_open() - lock the state folder, check the database, bring its schema up to date
 * Return: 0; STINT_CONFLICT another daemon has the folder; STINT_UNTRUSTED the database is damaged,
 * foreign or of a newer Stint (err->fix says how to restore; the files are as they were);
 * -EROFS or -EACCES the folder or file cannot be written; other errnos with a text.
 * Blocking: 5-20 ms, plus migrations.
 */
int stint_store_open(const struct stint_store_options *options, struct stint_store **ret_store,
                     struct stint_error *err);
/* Is no daemon at work on @state? For whoever would wait for it otherwise: 0 when none is now, or
 * STINT_CONFLICT with the cure. Opening asks again, and that answer holds. */
int stint_store_is_free(const char *state, struct stint_error *err);
/**
 * stint_store_close() - commit what is open, release its effects, finish reads, stop the thread
 * Writes are refused from now on. @closed (may be NULL) is called on the loop when nothing is left;
 * the store is gone then. Needs the loop to run. NULL store: @closed is called at once.
 */
void stint_store_close(struct stint_store *store, void (*closed)(void *context), void *context);

/**
 * stint_store_ready() - may a new piece of work be put into the open batch?
 * Ask once before the first put of an action; then its puts fail only for want of memory.
 * Return: 0; STINT_BUSY the batch is full; STINT_READ_ONLY after a failed commit, with the cause.
 */
int stint_store_ready(const struct stint_store *store, struct stint_error *err);
bool stint_store_is_read_only(const struct stint_store *store);

/* Where the open batch ends now; and back to it, as if the puts and afters since then had not been.
 * Valid only in the same callback. Ids that were given are not given again. */
struct stint_store_mark {
    uint64_t batch;
    size_t bytes;
    size_t rows;
    size_t effects;
};
struct stint_store_mark stint_store_mark(const struct stint_store *store);
void stint_store_rewind(struct stint_store *store, struct stint_store_mark mark);

/**
 * typedef stint_effect_fn - what waits for durability
 * @status: 0 durable; a negative errno: nothing of the batch is in the store
 */
typedef void (*stint_effect_fn)(void *context, int status);

/**
 * stint_store_after() - call @fn when everything put so far is durable
 * With nothing pending it is called in this turn of the loop, with 0. Never from inside this call.
 * Return: 0; STINT_BUSY; -ENOMEM: then @fn is never called.
 */
int stint_store_after(struct stint_store *store, stint_effect_fn fn, void *context,
                      struct stint_error *err);
/* The same for what can wait: the batch is not handed over for it before it has waited for more
 * (STINT_STORE_COMPANY_MS). */
int stint_store_follow(struct stint_store *store, stint_effect_fn fn, void *context,
                       struct stint_error *err);
/**
 * stint_store_advance() - release what became durable, and hand over what waits
 * The store does so itself before and after the loop sleeps. Whoever does much in one turn calls it
 * between two pieces: a hundred requests that lie ready would else be one batch, and the writer
 * would stand still while they are read, and they while it commits. Effects run within this call,
 * so that it is made where nothing is half done. One lock when there is nothing to do.
 */
void stint_store_advance(struct stint_store *store);
/* Is anything put that is not durable yet? Then a read of live memory would show more than is
 * durable and must wait with stint_store_after(). */
bool stint_store_is_pending(const struct stint_store *store);

/* ---- ids, from 1, increasing, never reused for something durable. Given at once. */
enum stint_id_kind {
    STINT_ID_EVENT = 0,
    STINT_ID_JOB,
    STINT_ID_INSTITUTION,
    STINT_ID_PROJECT,
    STINT_ID_AWARD,
    STINT_ID_POSTING,
    STINT_ID_TRANSACTION,
    STINT_ID_VERDICT,
    STINT_ID_DECISION,
    STINT_ID_ATTESTATION,
    STINT_ID_WAIVER,
    STINT_ID_TRANSCRIPT,
    STINT_ID_KIND_COUNT
};
int64_t stint_store_next_id(struct stint_store *store, enum stint_id_kind kind);
/* The last one given. */
int64_t stint_store_last_id(const struct stint_store *store, enum stint_id_kind kind);

/* ---- writers: copy one row into the open batch.
 * Return: 0; STINT_BUSY, STINT_READ_ONLY (as stint_store_ready()); STINT_TOO_LARGE a column is
 * larger than STINT_STORE_TEXT_MAX; -ENOMEM. Nothing is put then. */

/* The event and its rows, all or none. @ret_event may be NULL. */
int stint_store_put_change(struct stint_store *store, const struct stint_change *change,
                           int64_t *ret_event, struct stint_error *err);
/* An event that changes no job. */
int stint_store_put_event(struct stint_store *store, const struct stint_event_row *event,
                          int64_t *ret_event, struct stint_error *err);
/* The legs of one transaction, all or none; they must sum to zero (asserted). @ret_transaction may
 * be NULL. */
int stint_store_put_postings(struct stint_store *store, const struct stint_posting_row *postings,
                             size_t count, int64_t *ret_transaction, struct stint_error *err);

/* Inserted once; the same key again fails the batch, except for scripts, which are kept once. */
int stint_store_put_script(struct stint_store *store, const struct stint_script_row *row,
                           struct stint_error *err);
int stint_store_put_verdict(struct stint_store *store, const struct stint_verdict_row *row,
                            struct stint_error *err);
int stint_store_put_decision(struct stint_store *store, const struct stint_decision_row *row,
                             struct stint_error *err);
int stint_store_put_log_entry(struct stint_store *store, const struct stint_log_entry_row *row,
                              struct stint_error *err);
int stint_store_put_checkpoint(struct stint_store *store, const struct stint_checkpoint_row *row,
                               struct stint_error *err);
int stint_store_put_transcript(struct stint_store *store, const struct stint_transcript_row *row,
                               struct stint_error *err);
int stint_store_put_personal(struct stint_store *store, const struct stint_personal_row *row,
                             struct stint_error *err);

/* Inserted, or written over the row with the same key. */
int stint_store_put_institution(struct stint_store *store, const struct stint_institution_row *row,
                                struct stint_error *err);
int stint_store_put_project(struct stint_store *store, const struct stint_project_row *row,
                            struct stint_error *err);
int stint_store_put_user(struct stint_store *store, const struct stint_user_row *row,
                         struct stint_error *err);
int stint_store_put_member(struct stint_store *store, const struct stint_member_row *row,
                           struct stint_error *err);
int stint_store_put_award(struct stint_store *store, const struct stint_award_row *row,
                          struct stint_error *err);
int stint_store_put_quota(struct stint_store *store, const struct stint_quota_row *row,
                          struct stint_error *err);
int stint_store_put_share(struct stint_store *store, const struct stint_share_row *row,
                          struct stint_error *err);
int stint_store_put_artifact(struct stint_store *store, const struct stint_artifact_row *row,
                             struct stint_error *err);
int stint_store_put_waiver(struct stint_store *store, const struct stint_waiver_row *row,
                           struct stint_error *err);
int stint_store_put_attestation(struct stint_store *store, const struct stint_attestation_row *row,
                                struct stint_error *err);
int stint_store_put_idempotency(struct stint_store *store, const struct stint_idempotency_row *row,
                                struct stint_error *err);
int stint_store_put_token(struct stint_store *store, const struct stint_token_row *row,
                          struct stint_error *err);
int stint_store_put_node_state(struct stint_store *store, const struct stint_node_state_row *row,
                               struct stint_error *err);
int stint_store_put_reservation(struct stint_store *store, const struct stint_reservation_row *row,
                                struct stint_error *err);
int stint_store_put_meta(struct stint_store *store, const struct stint_meta_row *row,
                         struct stint_error *err);
int stint_store_put_estimate(struct stint_store *store, const struct stint_estimate_row *row,
                             struct stint_error *err);
int stint_store_put_wait(struct stint_store *store, const struct stint_wait_row *row,
                         struct stint_error *err);

/* Removed; nothing happens when it is not there. */
int stint_store_remove_quota(struct stint_store *store, const char *scope, int64_t scope_id,
                             const char *kind, const char *period, struct stint_error *err);
int stint_store_remove_member(struct stint_store *store, int64_t project, uint32_t uid,
                              struct stint_error *err);
int stint_store_remove_personal(struct stint_store *store, struct stint_bytes commitment,
                                struct stint_error *err);
/* Answers kept for idempotency keys before @before_ms. */
int stint_store_expire_idempotency(struct stint_store *store, int64_t before_ms,
                                   struct stint_error *err);

/* ---- reads (functions of stint/store_reader.h) */

/* The loop's own reader: blocking, for the start, for a rebuild after a failure, and for reads of
 * one row by its key (10-30 us from memory). Never for lists while the loop serves. */
struct stint_reader *stint_store_reader(struct stint_store *store);

/**
 * stint_store_read() - run @work on the thread pool with a reader of its own
 * @work: on another thread; touches nothing but @reader and @context. Returns a status
 * @done: on the loop, with what @work returned, or a negative errno (no connection, -ECANCELED when
 * the store closes first)
 * Sees what was durable when it ran. Return: 0; STINT_BUSY; -ENOMEM: then neither is called.
 */
int stint_store_read(struct stint_store *store,
                     int (*work)(struct stint_reader *reader, void *context),
                     void (*done)(void *context, int status), void *context,
                     struct stint_error *err);

/* A consistent copy of the durable store into the new file @path (0600, never overwritten), made on
 * the thread pool while work goes on; @done as above (-EEXIST …). ~1 s for a million jobs. */
int stint_store_backup(struct stint_store *store, const char *path,
                       void (*done)(void *context, int status), void *context,
                       struct stint_error *err);

/* Figures since the open, for metrics. */
struct stint_store_figures {
    uint64_t commits;
    uint64_t rows;
    uint64_t failures;
    uint64_t commit_ns_sum;
    uint64_t commit_ns_max;
    uint64_t batch_rows_max;
};
void stint_store_figures(const struct stint_store *store, struct stint_store_figures *ret_figures);

#endif
