/* The public record (DESIGN §2): entries, their tree, signed heads. Knows no SQLite: it says what
 * to keep through a sink, and is told what is durable. Invariant 9: the log only grows, two heads
 * that contradict each other are never signed, an entry is durable before its effect.
 *
 * An entry goes into the transaction of its effect (put_entry into the open batch). When that is
 * durable, and not before, a head that covers it is signed; the head is stored, and only when it is
 * durable too is it published. So whatever was ever signed covers only what is on disk. */
#ifndef STINT_RECORD_H
#define STINT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/checkpoint.h"
#include "stint/error.h"
#include "stint/log_entry.h"
#include "stint/merkle.h"

struct stint_record;

/* Entries whose batch is not durable yet, at most. */
#define STINT_RECORD_PENDING_MAX 65536

/**
 * struct stint_record_sink - where it is kept; main fills it with the store's functions
 * @put_entry, @put_checkpoint, @put_personal: into the open batch; 0 or what the store answered.
 * @entry is NUL-terminated behind @length
 * @after: call @fn(@fn_context, status) when everything put so far is durable (status 0), or is
 * lost; as stint_store_after()
 */
struct stint_record_sink {
    int (*put_entry)(void *context, uint64_t seq, int64_t at_ms, const char *type,
                     const char *entry, size_t length, const struct stint_sha256 *leaf,
                     struct stint_error *err);
    int (*put_checkpoint)(void *context, uint64_t size, const struct stint_sha256 *root,
                          const char *note, int64_t at_ms, struct stint_error *err);
    int (*put_personal)(void *context, const struct stint_sha256 *commitment,
                        const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                        struct stint_error *err);
    int (*after)(void *context, void (*fn)(void *fn_context, int status), void *fn_context,
                 struct stint_error *err);
    void *context;
};

/**
 * struct stint_record_options - all borrowed, all outlive the record
 * @signer: the log's key; its name is the origin
 * @is_new_key: the key was made just now: a log that is there goes on under it, whatever signed its
 * last head; what it says of that is the caller's to append
 * @now_wall_ms: the clock of entries and heads
 * @on_published: a new head is durable and may be shown; may be NULL
 */
struct stint_record_options {
    const struct stint_signer *signer;
    bool is_new_key;
    struct stint_record_sink sink;
    int64_t (*now_wall_ms)(void);
    void (*on_published)(void *context, uint64_t size);
    void *context;
};

/* Empty; load it before anything else. 0 or -ENOMEM. */
int stint_record_new(const struct stint_record_options *options, struct stint_record **ret_record,
                     struct stint_error *err);
struct stint_record *stint_record_free(struct stint_record *record);

/*
 * Loading, at start and after a failed commit: _load_begin() forgets everything in memory, each
 * leaf hash of the store goes in in order, and _load_end() compares with the last stored head.
 */
void stint_record_load_begin(struct stint_record *record);
/* @seq must be the next; STINT_UNTRUSTED else (a hole in the log); -ENOMEM. */
int stint_record_load_leaf(struct stint_record *record, uint64_t seq,
                           const struct stint_sha256 *leaf, struct stint_error *err);
/**
 * stint_record_load_end() - refuse a tree that is not the one last signed
 * @note: the last stored signed head, NULL when there is none
 * Return: 0; STINT_UNTRUSTED: the head is not ours, covers more entries than there are, or another
 * root (the store was altered or an old one put back: err->fix says what to do); STINT_WRONG_STATE.
 * When entries came after the last head, a new one is signed with the next append or
 * stint_record_sign().
 */
int stint_record_load_end(struct stint_record *record, const char *note, struct stint_error *err);

/**
 * stint_record_has_head() - is the loaded log the one that @note, a head kept elsewhere, was signed
 * for?
 * Return: 0, also when @note is not signed by this key; STINT_UNTRUSTED: it was, and the log does
 * not reach it, or is another.
 */
int stint_record_has_head(const struct stint_record *record, const char *note,
                          struct stint_error *err);

/**
 * stint_record_append() - put an entry into the open batch, and the commitment of its person
 * @ret_seq: its index; may be NULL
 * Return: 0; STINT_INVALID, STINT_TOO_LARGE (bounds of stint/log_entry.h); STINT_BUSY; what the
 * sink answered; -ENOMEM. On failure the record is as it was; a person's row may be left in the
 * batch, which says nothing. O(log n).
 */
int stint_record_append(struct stint_record *record, const struct stint_log_draft *draft,
                        uint64_t *ret_seq, struct stint_error *err);

/* The policy that entries name from now on, unless their draft names one. */
void stint_record_set_policy(struct stint_record *record, const struct stint_sha256 *digest);

/* Where the record stands; and back to it when the batch was taken back to a mark of the same
 * moment (stint_store_rewind()): the entries since then had not been. Within one callback only. */
struct stint_record_mark {
    uint64_t size;
};
struct stint_record_mark stint_record_mark(const struct stint_record *record);
void stint_record_rewind(struct stint_record *record, struct stint_record_mark mark);

/* Signs a head for all that is durable and not covered yet, and stores it. Called by the record
 * itself when entries become durable; to be called once after a load. 0, also when there is nothing
 * to sign; what the sink answered. */
int stint_record_sign(struct stint_record *record, struct stint_error *err);

/* Entries in memory, durable or not; durable ones; those the published head covers. */
uint64_t stint_record_size(const struct stint_record *record);
uint64_t stint_record_durable_size(const struct stint_record *record);
uint64_t stint_record_published_size(const struct stint_record *record);
/* The published signed note, NULL before the first. Borrowed until the next head. */
const char *stint_record_checkpoint(const struct stint_record *record);
const struct stint_vkey *stint_record_vkey(const struct stint_record *record);
/* Proofs against the published head or an earlier size; STINT_NOT_FOUND beyond it. O(log n). */
int stint_record_prove_entry(const struct stint_record *record, uint64_t seq,
                             struct stint_merkle_proof *ret_proof, struct stint_error *err);
int stint_record_prove_growth(const struct stint_record *record, uint64_t old_size,
                              struct stint_merkle_proof *ret_proof, struct stint_error *err);
/* An offline proof of entry @seq (C2SP tlog-proof), appended: index, hashes, the checkpoint. */
int stint_record_write_proof(const struct stint_record *record, uint64_t seq,
                             struct stint_buffer *proof, struct stint_error *err);

/* ---- for whoever checks: no daemon, no key but the public one */

/**
 * struct stint_log_audit - reads a whole log, entry by entry, and compares it with its heads
 * @old: an earlier head to be contained; has_old false without one
 */
struct stint_log_audit {
    struct stint_merkle_range range;
    struct stint_checkpoint head;
    struct stint_checkpoint old;
    bool has_old;
};
/**
 * stint_log_audit_begin() - from the signed head (and an earlier one, NULL for none)
 * Return: 0; STINT_UNTRUSTED: not signed by @vkey, another log, or heads that contradict each
 * other.
 */
int stint_log_audit_begin(struct stint_log_audit *audit, const struct stint_vkey *vkey,
                          const char *note, size_t length, const char *old_note, size_t old_length,
                          struct stint_error *err);
/* The next entry. STINT_UNTRUSTED: no entry, a wrong number, one that amends a later one, more than
 * the head covers. */
int stint_log_audit_add(struct stint_log_audit *audit, const void *entry, size_t length,
                        struct stint_error *err);
/* 0: every entry is there and the roots are the signed ones. */
int stint_log_audit_end(struct stint_log_audit *audit, struct stint_error *err);
/* An offline proof file against @vkey: 0 and the index when @entry is in the log it signed. */
int stint_log_check_proof(const char *proof, size_t proof_length, const struct stint_vkey *vkey,
                          const void *entry, size_t length, uint64_t *ret_index,
                          struct stint_error *err);

#endif
