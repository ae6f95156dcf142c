/* Claims about `stint log verify`: a true log passes, and each way of lying is found. The daemon is
 * scripted; the log is signed here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_daemon.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/record.h"

#define ENTRIES 3

struct log {
    struct stint_signer *signer;
    char key[STINT_VKEY_TEXT_MAX];
    struct stint_buffer entries[ENTRIES];
    struct stint_buffer heads[ENTRIES + 1]; /* signed note of each size */
};

static int log_setup(void **state)
{
    static struct log log;
    static const uint8_t seed[STINT_ED25519_KEY_BYTES] = { 7 };
    struct stint_merkle_range range = { 0 };
    struct stint_sha256 root;
    memset(&log, 0, sizeof(log));
    assert_int_equal(stint_signer_from_seed("test.example/log", seed, &log.signer, NULL), 0);
    stint_vkey_format(stint_signer_vkey(log.signer), log.key);
    for (uint64_t i = 0; i <= ENTRIES; i++) {
        stint_merkle_range_root(&range, &root);
        assert_int_equal(stint_checkpoint_sign(log.signer, i, &root, &log.heads[i]), 0);
        if (i == ENTRIES)
            break;
        struct stint_log_draft draft = {
            .type = "quota.set", .role = "operator", .reason = "a \"call\"", .prev = -1
        };
        struct stint_sha256 leaf;
        assert_int_equal(stint_log_entry_write(&draft, i, 1795608000000 + (int64_t)i, NULL,
                                               &log.entries[i], NULL),
                         0);
        stint_merkle_leaf(log.entries[i].data, log.entries[i].length, &leaf);
        stint_merkle_range_append(&range, &leaf);
    }
    *state = &log;
    return 0;
}

static int log_teardown(void **state)
{
    struct log *log = *state;
    for (size_t i = 0; i < ENTRIES; i++)
        stint_buffer_deinit(&log->entries[i]);
    for (size_t i = 0; i <= ENTRIES; i++)
        stint_buffer_deinit(&log->heads[i]);
    stint_signer_free(log->signer);
    return 0;
}

/* The page that the daemon gives, with @bad's byte flipped when it is an entry's index. */
static char *page_of(const struct log *log, size_t from, size_t count, int bad)
{
    struct stint_buffer page = { 0 };
    stint_json_object(&page);
    stint_json_key(&page, "entries");
    stint_json_array(&page);
    for (size_t i = from; i < from + count; i++) {
        char *text = strdup(stint_buffer_text(&log->entries[i]));
        char *reason = bad == (int)i ? strstr(text, "call") : NULL;
        if (reason)
            reason[0] = 'b';
        stint_json_object(&page);
        stint_json_kv_int(&page, "seq", (int64_t)i);
        stint_json_kv_text(&page, "entry", text);
        stint_json_object_end(&page);
        free(text);
    }
    stint_json_array_end(&page);
    stint_json_object_end(&page);
    return stint_buffer_take(&page);
}

struct lie {
    size_t head;     /* size of the head shown */
    size_t given;    /* entries in the first page; the rest in a second */
    int bad;         /* entry with a byte changed, -1 for none */
    bool is_cut;     /* no second page */
    const char *key; /* --key, NULL for the daemon's word, "" for the true one */
    size_t old;      /* --old: size of the earlier head, SIZE_MAX for none */
    int status;
    const char *says;
};

static void verify_with(struct log *log, const struct lie *lie)
{
    char second[120];
    char first[120];
    stint_auto(stint_free) char *page1 = page_of(log, 0, lie->given, lie->bad);
    stint_auto(stint_free) char *page2 =
        page_of(log, lie->given, lie->is_cut ? 0 : lie->head - lie->given, lie->bad);
    (void)snprintf(first, sizeof(first), "/api/v1/log/entries?limit=%zu", lie->head);
    (void)snprintf(second, sizeof(second), "/api/v1/log/entries?after=%zu&limit=%zu",
                   lie->given - 1, lie->head - lie->given);
    const struct fake_answer answers[] = {
        { "GET", "/api/v1/log/key", 200, log->key, NULL, 0, false },
        { "GET", "/api/v1/log/checkpoint", 200, stint_buffer_text(&log->heads[lie->head]), NULL, 0,
          false },
        { "GET", first, 200, page1, NULL, 0, false },
        { "GET", second, 200, page2, NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    const char *words[8] = { "log", "verify" };
    size_t count = 2;
    if (lie->key) {
        words[count++] = "--key";
        words[count++] = *lie->key ? lie->key : log->key;
    }
    if (lie->old != SIZE_MAX) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/s.sh", fake_daemon_folder(fake));
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(stint_buffer_text(&log->heads[lie->old]), file);
        (void)fclose(file);
        words[count++] = "--old";
        words[count++] = "s.sh";
    }
    struct outcome outcome =
        stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL, words);
    if (outcome.status != lie->status ||
        !strstr(lie->status ? outcome.err : outcome.out, lie->says))
        fail_msg("status %d, not %d\n%s%s", outcome.status, lie->status, outcome.out, outcome.err);
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

#define OTHER_KEY "stint.example/lab+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"

static void a_true_log_passes_and_lies_are_found(void **state)
{
    static const struct lie lies[] = {
        { 3, 3, -1, false, "", SIZE_MAX, 0, "3 entries hash to the root" },
        { 3, 1, -1, false, "", SIZE_MAX, 0, "3 entries hash to the root" },
        { 3, 3, -1, false, NULL, SIZE_MAX, 0, "the key is the daemon's own word" },
        { 3, 3, -1, false, "", 2, 0, "the earlier head, size 2, is contained" },
        { 3, 3, 0, false, "", SIZE_MAX, 1, "" },
        { 3, 1, 2, false, "", SIZE_MAX, 1, "" },
        { 3, 2, -1, true, "", SIZE_MAX, 1, "only 2 are given" },
        { 2, 2, -1, false, "", 3, 1, "" },
        { 3, 3, -1, false, OTHER_KEY, SIZE_MAX, 1, "" },
        { 3, 3, -1, false, "nonsense+key", SIZE_MAX, 1, "" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(lies); i++)
        verify_with(*state, &lies[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_log_passes_and_lies_are_found),
    };
    return cmocka_run_group_tests(tests, log_setup, log_teardown);
}
