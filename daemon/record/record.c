/* Owns: the record in memory: the tree, what of it is durable, what is signed. Always true:
 *   1. published <= signed <= durable <= size, and each is a prefix of the next.
 *   2. A head is signed only for what is durable, and only one at a time is on its way to the disk.
 *   3. @first to @last are the effects that the sink holds for us, in their order, and perhaps some
 *      that it dropped when its batch was taken back; those are found when a later one comes. */
#include "stint/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base64.h"
#include "stint/auto.h"

/* Entries that become durable without a pause are covered at least this often. */
#define SIGN_ENTRIES_MAX 1024

/* An effect in the sink: what is durable when it comes. */
struct waiting {
    struct stint_record *record;
    struct waiting *next;
    uint64_t size;
};

#define RESTORE_FIX                                                                                \
    "the store was altered or an old one put back; put the newest file made by `stint admin "      \
    "backup` in its place. Nothing is signed until it agrees"

struct stint_record {
    struct stint_record_options options;
    struct stint_merkle_tree *tree;
    uint64_t durable;
    struct stint_checkpoint last_signed; /* size 0 before the first */
    uint64_t published;
    char *published_note;
    char *coming_note; /* stored, not durable yet */
    size_t heads_out;  /* effects of heads that the sink holds; the last is the coming note's */
    struct waiting *first;
    struct waiting *last;
    size_t waiting_count;
    bool is_loaded;
    bool has_policy;
    struct stint_sha256 policy;
};

/* ---- effects in the sink */

static struct waiting *waiting_push(struct stint_record *record, uint64_t size)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return NULL;
    *waiting = (struct waiting){ .record = record, .size = size };
    if (record->last)
        record->last->next = waiting;
    else
        record->first = waiting;
    record->last = waiting;
    record->waiting_count++;
    return waiting;
}

static void waiting_pop(struct stint_record *record)
{
    struct waiting *waiting = record->first;
    record->first = waiting->next;
    if (!record->first)
        record->last = NULL;
    record->waiting_count--;
    free(waiting);
}

/* @waiting came; those before it that never came were dropped by the sink. */
static uint64_t waiting_take(struct stint_record *record, const struct waiting *waiting)
{
    uint64_t size = waiting->size;
    while (record->first != waiting)
        waiting_pop(record);
    waiting_pop(record);
    return size;
}

/* ---- the life */

int stint_record_new(const struct stint_record_options *options, struct stint_record **ret_record,
                     struct stint_error *err)
{
    struct stint_record *record = calloc(1, sizeof(*record));
    if (!record || stint_merkle_tree_new(&record->tree) != 0) {
        free(record);
        return stint_fail(err, -ENOMEM, "no memory for the public record");
    }
    record->options = *options;
    *ret_record = record;
    return 0;
}

struct stint_record *stint_record_free(struct stint_record *record)
{
    if (!record)
        return NULL;
    stint_merkle_tree_free(record->tree);
    while (record->first)
        waiting_pop(record);
    free(record->published_note);
    free(record->coming_note);
    free(record);
    return NULL;
}

/* ---- loading */

void stint_record_load_begin(struct stint_record *record)
{
    stint_merkle_tree_truncate(record->tree, 0);
    record->durable = 0;
    record->published = 0;
    record->last_signed = (struct stint_checkpoint){ 0 };
    free(record->published_note);
    free(record->coming_note);
    record->published_note = record->coming_note = NULL;
    /* Effects that are still out tell us nothing any more, but they will come. */
    for (struct waiting *waiting = record->first; waiting; waiting = waiting->next)
        waiting->size = 0;
    record->is_loaded = false;
}

int stint_record_load_leaf(struct stint_record *record, uint64_t seq,
                           const struct stint_sha256 *leaf, struct stint_error *err)
{
    uint64_t next = stint_merkle_tree_size(record->tree);
    assert(!record->is_loaded);
    if (seq != next) {
        (void)stint_fail(err, STINT_UNTRUSTED,
                         "the public log has a hole: entry %llu is missing, the next is %llu",
                         (unsigned long long)next, (unsigned long long)seq);
        return stint_fix(err, STINT_UNTRUSTED, RESTORE_FIX);
    }
    if (stint_merkle_tree_append(record->tree, leaf) != 0)
        return stint_fail(err, -ENOMEM, "no memory for the public log");
    return 0;
}

static int contradiction(const char *what, struct stint_error *err)
{
    (void)stint_fail(err, STINT_UNTRUSTED, "the public log is not the one last signed: %s", what);
    return stint_fix(err, STINT_UNTRUSTED, RESTORE_FIX);
}

static int check_head(const struct stint_record *record, const char *note,
                      struct stint_checkpoint *ret_head, struct stint_error *err)
{
    struct stint_error why;
    struct stint_sha256 root;
    uint64_t size = stint_merkle_tree_size(record->tree);
    if (stint_checkpoint_verify(note, strlen(note), stint_signer_vkey(record->options.signer),
                                ret_head, &why) != 0)
        return contradiction(why.text, err);
    if (ret_head->size > size)
        return contradiction("entries are missing", err);
    stint_merkle_tree_root(record->tree, ret_head->size, &root);
    if (memcmp(&root, &ret_head->root, sizeof(root)) != 0)
        return contradiction("an entry is another", err);
    return 0;
}

/* The last head is of a key that is gone: it counts as signed, so that the next one is of a larger
 * log, and is shown no more. */
static int check_foreign_head(struct stint_record *record, const char *note,
                              struct stint_error *err)
{
    struct stint_error why;
    struct stint_checkpoint head;
    if (stint_checkpoint_parse(note, strlen(note), &head, &why) != 0)
        return contradiction(why.text, err);
    if (head.size > stint_merkle_tree_size(record->tree))
        return contradiction("entries are missing", err);
    record->last_signed.size = head.size;
    stint_merkle_tree_root(record->tree, head.size, &record->last_signed.root);
    return 0;
}

int stint_record_load_end(struct stint_record *record, const char *note, struct stint_error *err)
{
    if (record->is_loaded)
        return stint_fail(err, STINT_WRONG_STATE, "the public record is loaded already");
    struct stint_checkpoint head;
    int r = note ? check_head(record, note, &head, err) : 0;
    if (r != 0 && record->options.is_new_key) {
        if ((r = check_foreign_head(record, note, err)) != 0)
            return r;
    } else if (r != 0) {
        return r;
    } else if (note) {
        if (!(record->published_note = strdup(note)))
            return stint_fail(err, -ENOMEM, "no memory for the public record");
        record->last_signed = head;
        record->published = head.size;
    }
    record->durable = stint_merkle_tree_size(record->tree);
    record->is_loaded = true;
    return 0;
}

int stint_record_has_head(const struct stint_record *record, const char *note,
                          struct stint_error *err)
{
    struct stint_error why;
    struct stint_checkpoint head;
    if (stint_checkpoint_verify(note, strlen(note), stint_signer_vkey(record->options.signer),
                                &head, &why) != 0)
        return 0;
    return check_head(record, note, &head, err);
}

/* ---- heads */

static void record_on_head_durable(void *context, int status)
{
    struct stint_record *record = context;
    if (--record->heads_out > 0 || !record->coming_note) /* of one that was dropped */
        return;
    if (status != 0) {
        free(stint_take(record->coming_note));
        return;
    }
    free(record->published_note);
    record->published_note = stint_take(record->coming_note);
    record->published = record->last_signed.size;
    if (record->options.on_published)
        record->options.on_published(record->options.context, record->published);
    /* What became durable meanwhile; should it fail, the next entry signs again. */
    (void)stint_record_sign(record, NULL);
}

/* The effect first: a head in the batch of whose durability nobody tells would be stored twice. */
static int store_head(struct stint_record *record, const struct stint_checkpoint *head,
                      const char *note, struct stint_error *err)
{
    const struct stint_record_sink *sink = &record->options.sink;
    int r = sink->after(sink->context, record_on_head_durable, record, err);
    if (r != 0)
        return r;
    record->heads_out++;
    return sink->put_checkpoint(sink->context, head->size, &head->root, note,
                                record->options.now_wall_ms(), err);
}

int stint_record_sign(struct stint_record *record, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer note = { 0 };
    struct stint_checkpoint head = { .size = record->durable };
    struct stint_sha256 before;
    assert(record->is_loaded && record->last_signed.size <= record->durable);
    if (record->coming_note || head.size == record->last_signed.size)
        return 0;
    stint_merkle_tree_root(record->tree, record->last_signed.size, &before);
    if (record->last_signed.size > 0 &&
        memcmp(&before, &record->last_signed.root, sizeof(before)) != 0)
        return contradiction("the tree in memory", err); /* invariant 9; a bug */
    stint_merkle_tree_root(record->tree, head.size, &head.root);
    int r = stint_checkpoint_sign(record->options.signer, head.size, &head.root, &note);
    if (r != 0)
        return stint_fail(err, r, "signing the public log: %s", strerror(-r));
    char *text = stint_buffer_take(&note);
    if (!text)
        return stint_fail(err, -ENOMEM, "no memory for a checkpoint");
    if ((r = store_head(record, &head, text, err)) != 0) {
        free(text);
        return r;
    }
    record->coming_note = text;
    record->last_signed = head;
    return 0;
}

/* ---- entries */

static void record_on_entries_durable(void *context, int status)
{
    struct waiting *waiting = context;
    struct stint_record *record = waiting->record;
    uint64_t size = waiting_take(record, waiting);
    if (status != 0 || size <= record->durable || !record->is_loaded)
        return;
    record->durable = size;
    bool is_all = size == stint_merkle_tree_size(record->tree);
    if (is_all || size - record->last_signed.size >= SIGN_ENTRIES_MAX)
        (void)stint_record_sign(record, NULL); /* the next entry tries again */
}

/* Everything put so far will be durable, or lost, when the effect comes. */
static int queue_effect(struct stint_record *record, uint64_t size, struct waiting **ret_waiting,
                        struct stint_error *err)
{
    const struct stint_record_sink *sink = &record->options.sink;
    if (record->waiting_count >= STINT_RECORD_PENDING_MAX)
        return stint_fail(err, STINT_BUSY, "too many log entries wait for the disk");
    struct waiting *waiting = waiting_push(record, size);
    if (!waiting)
        return stint_fail(err, -ENOMEM, "no memory for a log entry");
    int r = sink->after(sink->context, record_on_entries_durable, waiting, err);
    if (r != 0)
        waiting->size = 0; /* as if dropped: freed when a later one comes */
    *ret_waiting = waiting;
    return r;
}

/* An entry's commitment to its person, whose salt and name go beside the log. */
static int put_person(struct stint_record *record, const char *person,
                      struct stint_sha256 *ret_commitment, struct stint_error *err)
{
    const struct stint_record_sink *sink = &record->options.sink;
    uint8_t salt[STINT_LOG_SALT_BYTES];
    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return stint_fail(err, -EIO, "the system gives no random numbers");
    stint_log_commit(salt, person, ret_commitment);
    return sink->put_personal(sink->context, ret_commitment, salt, person, err);
}

/* The effect is queued before the entry is put: were it the other way round, an entry could be in
 * the batch whose durability nobody tells us. If the entry then fails, the effect tells of those
 * before it. */
static int put_entry(struct stint_record *record, const struct stint_log_draft *draft,
                     const struct stint_buffer *entry, const struct stint_sha256 *leaf,
                     int64_t at_ms, struct stint_error *err)
{
    const struct stint_record_sink *sink = &record->options.sink;
    uint64_t seq = stint_merkle_tree_size(record->tree);
    struct waiting *waiting = NULL;
    int r = queue_effect(record, seq, &waiting, err);
    if (r != 0)
        return r;
    assert(waiting);
    if (stint_merkle_tree_append(record->tree, leaf) != 0)
        return stint_fail(err, -ENOMEM, "no memory for a log entry");
    r = sink->put_entry(sink->context, seq, at_ms, draft->type, entry->data, entry->length, leaf,
                        err);
    if (r != 0) {
        stint_merkle_tree_truncate(record->tree, seq);
        return r;
    }
    waiting->size = seq + 1;
    return 0;
}

void stint_record_set_policy(struct stint_record *record, const struct stint_sha256 *digest)
{
    record->policy = *digest;
    record->has_policy = true;
}

int stint_record_append(struct stint_record *record, const struct stint_log_draft *draft,
                        uint64_t *ret_seq, struct stint_error *err)
{
    struct stint_log_draft filled = *draft;
    stint_auto(stint_buffer_deinit) struct stint_buffer entry = { 0 };
    struct stint_sha256 commitment;
    struct stint_sha256 leaf;
    uint64_t seq = stint_merkle_tree_size(record->tree);
    int64_t at_ms = record->options.now_wall_ms();
    assert(record->is_loaded);
    if (!filled.policy && record->has_policy)
        filled.policy = &record->policy;
    int r = draft->person ? put_person(record, draft->person, &commitment, err) : 0;
    if (r == 0)
        r = stint_log_entry_write(&filled, seq, at_ms, draft->person ? &commitment : NULL, &entry,
                                  err);
    if (r != 0)
        return r;
    stint_merkle_leaf(entry.data, entry.length, &leaf);
    r = put_entry(record, draft, &entry, &leaf, at_ms, err);
    if (r == 0 && ret_seq)
        *ret_seq = seq;
    return r;
}

struct stint_record_mark stint_record_mark(const struct stint_record *record)
{
    return (struct stint_record_mark){ stint_merkle_tree_size(record->tree) };
}

void stint_record_rewind(struct stint_record *record, struct stint_record_mark mark)
{
    assert(mark.size >= record->durable);
    stint_merkle_tree_truncate(record->tree, mark.size);
    /* Should one of these still come, it tells only of what stayed. */
    for (struct waiting *waiting = record->first; waiting; waiting = waiting->next)
        if (waiting->size > mark.size)
            waiting->size = mark.size;
}

/* ---- what others ask */

uint64_t stint_record_size(const struct stint_record *record)
{
    return stint_merkle_tree_size(record->tree);
}

uint64_t stint_record_durable_size(const struct stint_record *record)
{
    return record->durable;
}

uint64_t stint_record_published_size(const struct stint_record *record)
{
    return record->published;
}

const char *stint_record_checkpoint(const struct stint_record *record)
{
    return record->published_note;
}

const struct stint_vkey *stint_record_vkey(const struct stint_record *record)
{
    return stint_signer_vkey(record->options.signer);
}

int stint_record_prove_entry(const struct stint_record *record, uint64_t seq,
                             struct stint_merkle_proof *ret_proof, struct stint_error *err)
{
    if (seq >= record->published)
        return stint_fail(err, STINT_NOT_FOUND, "entry %llu is not in the published log of %llu",
                          (unsigned long long)seq, (unsigned long long)record->published);
    stint_merkle_tree_inclusion(record->tree, seq, record->published, ret_proof);
    return 0;
}

int stint_record_prove_growth(const struct stint_record *record, uint64_t old_size,
                              struct stint_merkle_proof *ret_proof, struct stint_error *err)
{
    if (old_size == 0 || old_size > record->published)
        return stint_fail(err, STINT_NOT_FOUND, "the published log never had %llu entries",
                          (unsigned long long)old_size);
    stint_merkle_tree_consistency(record->tree, old_size, record->published, ret_proof);
    return 0;
}

int stint_record_write_proof(const struct stint_record *record, uint64_t seq,
                             struct stint_buffer *proof, struct stint_error *err)
{
    struct stint_merkle_proof path = { .count = 0 };
    int r = stint_record_prove_entry(record, seq, &path, err);
    if (r != 0)
        return r;
    stint_buffer_printf(proof, "c2sp.org/tlog-proof@v1\nindex %llu\n", (unsigned long long)seq);
    for (size_t i = 0; i < path.count; i++) {
        base64_add(proof, path.hashes[i].bytes, STINT_SHA256_BYTES);
        stint_buffer_add_char(proof, '\n');
    }
    stint_buffer_add_char(proof, '\n');
    stint_buffer_add_text(proof, record->published_note);
    return proof->failed ? stint_fail(err, -ENOMEM, "no memory for a proof") : 0;
}
