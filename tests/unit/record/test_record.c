/* The record must never sign two heads that contradict each other, nor anything that is not on the
 * disk; what it publishes must satisfy whoever checks. The sink here is a store in memory whose
 * batches the test makes durable, or loses, when it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/record.h"
#include "vectors.h"

#define ROWS_MAX 256

struct entry {
    char *text;
    size_t length;
    struct stint_sha256 leaf;
};

/* What is in a store, durable or in the open batch. */
struct shelf {
    struct entry entries[ROWS_MAX];
    size_t entry_count;
    char *heads[ROWS_MAX];
    size_t head_count;
    size_t personal_count;
};

struct effect {
    void (*fn)(void *context, int status);
    void *context;
};

struct fixture {
    struct stint_signer *signer;
    struct stint_record *record;
    struct shelf shelf;
    size_t durable_entries;
    size_t durable_heads;
    struct effect effects[ROWS_MAX];
    size_t effect_count;
    int refuse_entries; /* what put_entry answers */
    int refuse_heads;
    uint64_t published;
    uint64_t person_salted;
};

static int64_t now_wall_ms(void)
{
    return INT64_C(1795600000123);
}

static int sink_entry(void *context, uint64_t seq, int64_t at_ms, const char *type,
                      const char *entry, size_t length, const struct stint_sha256 *leaf,
                      struct stint_error *err)
{
    struct fixture *f = context;
    (void)type;
    assert_int_equal(at_ms, now_wall_ms());
    if (f->refuse_entries)
        return stint_fail(err, f->refuse_entries, "refused by the test");
    assert_int_equal(seq, f->shelf.entry_count);
    f->shelf.entries[f->shelf.entry_count++] =
        (struct entry){ strndup(entry, length), length, *leaf };
    return 0;
}

static int sink_checkpoint(void *context, uint64_t size, const struct stint_sha256 *root,
                           const char *note, int64_t at_ms, struct stint_error *err)
{
    struct fixture *f = context;
    (void)root;
    (void)at_ms;
    if (f->refuse_heads)
        return stint_fail(err, f->refuse_heads, "refused by the test");
    /* Invariant 9: never for what is not on the disk. */
    assert_true(size <= f->durable_entries);
    f->shelf.heads[f->shelf.head_count++] = strdup(note);
    return 0;
}

static int sink_personal(void *context, const struct stint_sha256 *commitment,
                         const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                         struct stint_error *err)
{
    struct fixture *f = context;
    struct stint_sha256 again;
    (void)err;
    stint_log_commit(salt, value, &again);
    assert_memory_equal(commitment, &again, sizeof(again));
    f->shelf.personal_count++;
    return 0;
}

static int sink_after(void *context, void (*fn)(void *fn_context, int status), void *fn_context,
                      struct stint_error *err)
{
    struct fixture *f = context;
    (void)err;
    assert_true(f->effect_count < ROWS_MAX);
    f->effects[f->effect_count++] = (struct effect){ fn, fn_context };
    return 0;
}

static void on_published(void *context, uint64_t size)
{
    struct fixture *f = context;
    f->published = size;
}

static void fixture_new_record(struct fixture *f)
{
    struct stint_record_options options = {
        .signer = f->signer,
        .sink = { sink_entry, sink_checkpoint, sink_personal, sink_after, f },
        .now_wall_ms = now_wall_ms,
        .on_published = on_published,
        .context = f,
    };
    assert_int_equal(stint_record_new(&options, &f->record, NULL), 0);
}

static int fixture_load(struct fixture *f, struct stint_error *err)
{
    stint_record_load_begin(f->record);
    for (size_t i = 0; i < f->durable_entries; i++)
        assert_int_equal(stint_record_load_leaf(f->record, i, &f->shelf.entries[i].leaf, NULL), 0);
    return stint_record_load_end(
        f->record, f->durable_heads ? f->shelf.heads[f->durable_heads - 1] : NULL, err);
}

static int fixture_make(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(stint_signer_from_seed("stint.example/lab", vector_seed, &f->signer, NULL), 0);
    fixture_new_record(f);
    assert_int_equal(fixture_load(f, NULL), 0);
    *state = f;
    return 0;
}

static int fixture_free(void **state)
{
    struct fixture *f = *state;
    stint_record_free(f->record);
    stint_signer_free(f->signer);
    for (size_t i = 0; i < f->shelf.entry_count; i++)
        free(f->shelf.entries[i].text);
    for (size_t i = 0; i < f->shelf.head_count; i++)
        free(f->shelf.heads[i]);
    free(f);
    return 0;
}

/* The open batch becomes durable, once. */
static void fixture_commit(struct fixture *f)
{
    struct effect effects[ROWS_MAX];
    size_t count = f->effect_count;
    memcpy(effects, f->effects, sizeof(effects));
    f->effect_count = 0;
    f->durable_entries = f->shelf.entry_count;
    f->durable_heads = f->shelf.head_count;
    for (size_t i = 0; i < count; i++)
        effects[i].fn(effects[i].context, 0);
}

static void fixture_lose_batch(struct fixture *f)
{
    size_t count = f->effect_count;
    f->effect_count = 0;
    while (f->shelf.entry_count > f->durable_entries)
        free(f->shelf.entries[--f->shelf.entry_count].text);
    while (f->shelf.head_count > f->durable_heads)
        free(f->shelf.heads[--f->shelf.head_count]);
    for (size_t i = 0; i < count; i++)
        f->effects[i].fn(f->effects[i].context, -28);
}

static int fixture_append(struct fixture *f)
{
    struct stint_log_draft draft = { .type = "award.change",
                                     .role = "operator",
                                     .person = "ada",
                                     .subject = "{\"award\":\"2026-001\"}",
                                     .reason = "autumn call",
                                     .prev = -1 };
    return stint_record_append(f->record, &draft, NULL, NULL);
}

static void head_is_signed_only_when_durable_and_shown_only_when_stored(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(stint_record_size(f->record), 2);
    assert_int_equal(stint_record_durable_size(f->record), 0);
    assert_int_equal(f->shelf.head_count, 0);
    fixture_commit(f); /* the entries */
    assert_int_equal(stint_record_durable_size(f->record), 2);
    assert_int_equal(f->shelf.head_count, 1);
    assert_null(stint_record_checkpoint(f->record));
    fixture_commit(f); /* the head */
    assert_int_equal(f->published, 2);
    assert_string_equal(stint_record_checkpoint(f->record), f->shelf.heads[0]);
}

static void every_entry_names_the_policy_in_force(void **state)
{
    struct fixture *f = *state;
    struct stint_sha256 policy;
    char hex[STINT_SHA256_HEX];
    assert_int_equal(fixture_append(f), 0);
    assert_non_null(strstr(f->shelf.entries[0].text, "\"policy\":null"));
    stint_sha256("{}", 2, &policy);
    stint_record_set_policy(f->record, &policy);
    assert_int_equal(fixture_append(f), 0);
    assert_non_null(strstr(f->shelf.entries[1].text, stint_sha256_hex(&policy, hex)));
    fixture_commit(f);
    fixture_commit(f);
}

static void nothing_is_signed_for_what_is_still_in_the_batch(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(stint_record_sign(f->record, NULL), 0);
    assert_int_equal(f->shelf.head_count, 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(stint_record_sign(f->record, NULL), 0);
    assert_int_equal(f->shelf.head_count, 1);
    fixture_lose_batch(f);
}

static void entries_that_come_meanwhile_get_the_next_head(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    assert_int_equal(fixture_append(f), 0); /* shares a batch with the head of size 1 */
    fixture_commit(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(f->shelf.head_count, 2);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
    fixture_commit(f);
    assert_int_equal(f->shelf.head_count, 2);
}

static void lost_batch_leaves_no_trace_after_a_load(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(fixture_append(f), 0);
    fixture_lose_batch(f);
    assert_int_equal(fixture_load(f, NULL), 0);
    assert_int_equal(stint_record_size(f->record), 1);
    assert_int_equal(stint_record_published_size(f->record), 1);
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
}

static void lost_head_is_signed_again_after_a_load(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_lose_batch(f); /* the head */
    assert_int_equal(f->published, 0);
    assert_int_equal(fixture_load(f, NULL), 0);
    assert_int_equal(stint_record_sign(f->record, NULL), 0);
    fixture_commit(f);
    assert_int_equal(f->published, 1);
}

static void refused_entry_leaves_the_record_as_it_was(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    f->refuse_entries = STINT_BUSY;
    assert_int_equal(fixture_append(f), STINT_BUSY);
    f->refuse_entries = 0;
    assert_int_equal(stint_record_size(f->record), 1);
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    assert_int_equal(stint_record_durable_size(f->record), 2);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
}

static void refused_head_is_tried_again_with_the_next_entry(void **state)
{
    struct fixture *f = *state;
    f->refuse_heads = STINT_BUSY;
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    assert_int_equal(f->shelf.head_count, 0);
    fixture_commit(f);
    assert_int_equal(f->published, 0);
    f->refuse_heads = 0;
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
}

static void rewound_entries_had_not_been(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    struct stint_record_mark mark = stint_record_mark(f->record);
    size_t effects = f->effect_count;
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(fixture_append(f), 0);
    stint_record_rewind(f->record, mark);
    f->effect_count = effects; /* what stint_store_rewind() does */
    while (f->shelf.entry_count > 1)
        free(f->shelf.entries[--f->shelf.entry_count].text);
    assert_int_equal(stint_record_size(f->record), 1);
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
}

/* A caller whose batch is taken back because the entry itself was refused tells the record nothing:
 * it was as it was. The effect is gone with the batch all the same. */
static void dropped_effects_do_not_confuse_later_ones(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    size_t effects = f->effect_count;
    f->refuse_entries = STINT_BUSY;
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_append(f), STINT_BUSY);
    f->effect_count = effects;
    f->refuse_entries = 0;
    fixture_commit(f);
    assert_int_equal(stint_record_durable_size(f->record), 1);
    assert_int_equal(f->shelf.head_count, 1);
    assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(f->published, 2);
}

static void start_refuses_a_tree_that_is_not_the_signed_one(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
    assert_int_equal(fixture_load(f, NULL), 0);

    f->durable_entries = 4; /* an entry is gone */
    assert_int_equal(fixture_load(f, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "entries are missing"));
    assert_non_null(strstr(err.fix, "backup"));
    f->durable_entries = 5;

    f->shelf.entries[2].leaf.bytes[0] ^= 1; /* an entry was changed */
    assert_int_equal(fixture_load(f, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "an entry is another"));
    f->shelf.entries[2].leaf.bytes[0] ^= 1;

    char *note = f->shelf.heads[0]; /* the head was changed */
    *strchr(note, '5') = '4';
    assert_int_equal(fixture_load(f, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "signature"));
}

static void start_refuses_a_hole_in_the_log(void **state)
{
    struct fixture *f = *state;
    struct stint_sha256 leaf = { { 0 } };
    stint_record_load_begin(f->record);
    assert_int_equal(stint_record_load_leaf(f->record, 0, &leaf, NULL), 0);
    assert_int_equal(stint_record_load_leaf(f->record, 2, &leaf, NULL), STINT_UNTRUSTED);
    assert_int_equal(stint_record_load_end(f->record, NULL, NULL), 0);
}

static void publish_entries(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(fixture_append(f), 0);
    fixture_commit(f);
    fixture_commit(f);
}

static int audit_all(struct fixture *f, const char *old_note, struct stint_error *err)
{
    struct stint_log_audit audit;
    const char *note = stint_record_checkpoint(f->record);
    int r = stint_log_audit_begin(&audit, stint_record_vkey(f->record), note, strlen(note),
                                  old_note, old_note ? strlen(old_note) : 0, err);
    for (size_t i = 0; r == 0 && i < f->shelf.entry_count; i++)
        r = stint_log_audit_add(&audit, f->shelf.entries[i].text, f->shelf.entries[i].length, err);
    return r == 0 ? stint_log_audit_end(&audit, err) : r;
}

static void whole_log_passes_the_audit_and_a_changed_one_fails(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    publish_entries(f, 3);
    publish_entries(f, 4);
    assert_int_equal(audit_all(f, NULL, &err), 0);
    assert_int_equal(audit_all(f, f->shelf.heads[0], &err), 0);
    char *letter = strstr(f->shelf.entries[1].text, "autumn");
    letter[0] = 'A';
    assert_int_equal(audit_all(f, NULL, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "an entry was changed"));
    assert_int_equal(audit_all(f, f->shelf.heads[0], &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "earlier head"));
    letter[0] = 'a';
    f->shelf.entry_count--;
    assert_int_equal(audit_all(f, NULL, &err), STINT_UNTRUSTED);
    f->shelf.entry_count++;
    assert_int_equal(audit_all(f, NULL, &err), 0);
}

static void older_log_than_the_one_seen_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_error err;
    struct stint_log_audit audit;
    publish_entries(f, 3);
    publish_entries(f, 4);
    const char *small = f->shelf.heads[0];
    const char *large = f->shelf.heads[1];
    assert_int_equal(stint_log_audit_begin(&audit, stint_record_vkey(f->record), small,
                                           strlen(small), large, strlen(large), &err),
                     STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "shrank"));
}

static void every_entry_has_an_offline_proof_that_fits_no_other(void **state)
{
    struct fixture *f = *state;
    const struct stint_vkey *vkey = stint_record_vkey(f->record);
    publish_entries(f, 7);
    for (uint64_t seq = 0; seq < 7; seq++) {
        struct stint_buffer proof = { 0 };
        uint64_t index = 99;
        const struct entry *entry = &f->shelf.entries[seq];
        const struct entry *other = &f->shelf.entries[(seq + 1) % 7];
        assert_int_equal(stint_record_write_proof(f->record, seq, &proof, NULL), 0);
        assert_int_equal(stint_log_check_proof(proof.data, proof.length, vkey, entry->text,
                                               entry->length, &index, NULL),
                         0);
        assert_int_equal(index, seq);
        assert_int_equal(stint_log_check_proof(proof.data, proof.length, vkey, other->text,
                                               other->length, &index, NULL),
                         STINT_UNTRUSTED);
        for (size_t cut = 0; cut < proof.length; cut++)
            assert_int_equal(stint_log_check_proof(proof.data, cut, vkey, entry->text,
                                                   entry->length, &index, NULL),
                             STINT_UNTRUSTED);
        stint_buffer_deinit(&proof);
    }
    struct stint_merkle_proof growth;
    assert_int_equal(stint_record_prove_growth(f->record, 3, &growth, NULL), 0);
    assert_int_equal(stint_record_prove_entry(f->record, 7, &growth, NULL), STINT_NOT_FOUND);
    assert_int_equal(stint_record_prove_growth(f->record, 8, &growth, NULL), STINT_NOT_FOUND);
}

static void entry_names_no_person(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_append(f), 0);
    assert_int_equal(f->shelf.personal_count, 1);
    const char *text = f->shelf.entries[0].text;
    assert_null(strstr(text, "ada"));
    assert_non_null(strstr(text, "\"actor\":{\"role\":\"operator\",\"c\":\""));
    assert_non_null(strstr(text, "\"time\":\"2026-11-25T"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(head_is_signed_only_when_durable_and_shown_only_when_stored),
        TEST(every_entry_names_the_policy_in_force),
        TEST(nothing_is_signed_for_what_is_still_in_the_batch),
        TEST(entries_that_come_meanwhile_get_the_next_head),
        TEST(lost_batch_leaves_no_trace_after_a_load),
        TEST(lost_head_is_signed_again_after_a_load),
        TEST(refused_entry_leaves_the_record_as_it_was),
        TEST(refused_head_is_tried_again_with_the_next_entry),
        TEST(rewound_entries_had_not_been),
        TEST(dropped_effects_do_not_confuse_later_ones),
        TEST(start_refuses_a_tree_that_is_not_the_signed_one),
        TEST(start_refuses_a_hole_in_the_log),
        TEST(whole_log_passes_the_audit_and_a_changed_one_fails),
        TEST(older_log_than_the_one_seen_is_refused),
        TEST(every_entry_has_an_offline_proof_that_fits_no_other),
        TEST(entry_names_no_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
