/* Heads must be what other implementations of C2SP sign and accept, and the key must never be
 * replaced, shared or read where it should not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/checkpoint.h"
#include "vectors.h"

static void vector_root(struct stint_sha256 *ret_root)
{
    assert_int_equal(stint_sha256_parse(vector_roots[5], ret_root, NULL), 0);
}

static void signing_gives_the_note_of_the_vector(void **state)
{
    (void)state;
    struct stint_signer *signer = NULL;
    struct stint_buffer note = { 0 };
    struct stint_sha256 root;
    char text[STINT_VKEY_TEXT_MAX];
    vector_root(&root);
    assert_int_equal(stint_signer_from_seed("stint.example/lab", vector_seed, &signer, NULL), 0);
    assert_string_equal(stint_vkey_format(stint_signer_vkey(signer), text), vector_vkey);
    assert_int_equal(stint_checkpoint_sign(signer, 5, &root, &note), 0);
    assert_string_equal(stint_buffer_text(&note), vector_note);
    stint_buffer_deinit(&note);
    stint_signer_free(signer);
}

static void note_of_the_vector_verifies(void **state)
{
    (void)state;
    struct stint_vkey vkey;
    struct stint_checkpoint checkpoint;
    struct stint_sha256 root;
    vector_root(&root);
    assert_int_equal(stint_vkey_parse(vector_vkey, &vkey, NULL), 0);
    assert_int_equal(
        stint_checkpoint_verify(vector_note, strlen(vector_note), &vkey, &checkpoint, NULL), 0);
    assert_string_equal(checkpoint.origin, "stint.example/lab");
    assert_int_equal(checkpoint.size, 5);
    assert_memory_equal(&checkpoint.root, &root, sizeof(root));
    assert_int_equal(checkpoint.extensions, 0);
}

/* Whichever byte is changed, to whatever nearby value: never accepted. */
static void note_with_any_byte_changed_is_refused(void **state)
{
    (void)state;
    struct stint_vkey vkey;
    struct stint_checkpoint checkpoint;
    char note[sizeof(vector_note)];
    size_t length = strlen(vector_note);
    assert_int_equal(stint_vkey_parse(vector_vkey, &vkey, NULL), 0);
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(note, vector_note, sizeof(note));
            note[i] = (char)(note[i] ^ (1 << bit));
            assert_int_equal(stint_checkpoint_verify(note, length, &vkey, &checkpoint, NULL),
                             STINT_UNTRUSTED);
        }
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(stint_checkpoint_verify(vector_note, cut, &vkey, &checkpoint, NULL),
                         STINT_UNTRUSTED);
}

static void malformed_notes_are_refused(void **state)
{
    (void)state;
#define SIGNED "\n\xe2\x80\x94 a AAAAAAAA\n"
#define ROOT   "h9UMXqS06cZqY1DcnPgMhWQabcLU6G++7tynUvpM20w=\n"
    static const struct {
        const char *note;
        int result;
    } cases[] = {
        { "a\n5\n" ROOT SIGNED, 0 },
        { "a\n0\n" ROOT SIGNED, 0 },
        { "a\n5\n" ROOT "an extension\n" SIGNED, 0 },
        { "a\n05\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n-5\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n5 \n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n18446744073709551617\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n9223372036854775807\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a b\n5\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a+b\n5\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "\n5\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "a\n5\nh9UM\n" SIGNED, STINT_UNTRUSTED },
        { "a\n5\n" SIGNED, STINT_UNTRUSTED },
        { "a\n5\n" ROOT "\nmore\n" SIGNED, STINT_UNTRUSTED },
        { "a\n5\n" ROOT "\n", STINT_UNTRUSTED },
        { "a\n5\n" ROOT, STINT_UNTRUSTED },
        { "a\n5\n" ROOT "\n- a AAAAAAAA\n", STINT_UNTRUSTED },
        { "a\n5\n" ROOT "\n\xe2\x80\x94 AAAAAAAA\n", STINT_UNTRUSTED },
        { "a\n5\n" ROOT "\n\xe2\x80\x94 a AAAA\n", STINT_UNTRUSTED },
        { "a\n5\r\n" ROOT SIGNED, STINT_UNTRUSTED },
        { "", STINT_UNTRUSTED },
        { "\n\n", STINT_UNTRUSTED },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_checkpoint checkpoint;
        int r = stint_checkpoint_parse(cases[i].note, strlen(cases[i].note), &checkpoint, NULL);
        if (r != cases[i].result)
            fail_msg("case %zu gave %d", i, r);
    }
}

static void note_is_bounded_in_bytes_and_signatures(void **state)
{
    (void)state;
    struct stint_buffer note = { 0 };
    struct stint_checkpoint checkpoint;
    stint_buffer_add_text(&note, "a\n5\n" ROOT "\n");
    for (int i = 0; i < STINT_NOTE_SIGNATURES_MAX; i++)
        stint_buffer_add_text(&note, "\xe2\x80\x94 witness AAAAAAAAAAAA\n");
    assert_int_equal(stint_checkpoint_parse(note.data, note.length, &checkpoint, NULL), 0);
    stint_buffer_add_text(&note, "\xe2\x80\x94 witness AAAAAAAAAAAA\n");
    assert_int_equal(stint_checkpoint_parse(note.data, note.length, &checkpoint, NULL),
                     STINT_UNTRUSTED);
    while (note.length <= STINT_NOTE_BYTES_MAX)
        stint_buffer_add_text(&note, "\xe2\x80\x94 witness AAAAAAAAAAAA\n");
    assert_int_equal(stint_checkpoint_parse(note.data, note.length, &checkpoint, NULL),
                     STINT_TOO_LARGE);
    stint_buffer_deinit(&note);
}

static void note_of_another_key_or_log_is_refused(void **state)
{
    (void)state;
    struct stint_signer *stranger = NULL;
    struct stint_buffer note = { 0 };
    struct stint_vkey vkey;
    struct stint_checkpoint checkpoint;
    struct stint_error err;
    struct stint_sha256 root;
    uint8_t seed[32] = { 7 };
    vector_root(&root);
    assert_int_equal(stint_vkey_parse(vector_vkey, &vkey, NULL), 0);
    assert_int_equal(stint_signer_from_seed("stint.example/lab", seed, &stranger, NULL), 0);
    assert_int_equal(stint_checkpoint_sign(stranger, 5, &root, &note), 0);
    assert_int_equal(stint_checkpoint_verify(note.data, note.length, &vkey, &checkpoint, &err),
                     STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "no signature of the key stint.example/lab+5a1ed5d3"));
    /* A witness's line beside ours is ignored. */
    struct stint_buffer both = { 0 };
    stint_buffer_add_text(&both, vector_note);
    stint_buffer_add_text(&both, strstr(note.data, "\n\n") + 2);
    assert_int_equal(stint_checkpoint_verify(both.data, both.length, &vkey, &checkpoint, NULL), 0);
    stint_buffer_deinit(&both);
    stint_buffer_deinit(&note);
    stint_signer_free(stranger);
}

static void malformed_keys_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "stint.example/lab",
        "stint.example/lab+5a1ed5d3",
        "stint.example/lab+5a1ed5d3+",
        "stint.example/lab+5a1ed5d4+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "stint.example/lab+5A1ED5D3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "stint.example/lap+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "stint.example/lab+5a1ed5d3+AtdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "stint.example/lab+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E",
        "+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "stint.example/lab+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n",
    };
    struct stint_vkey vkey;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        if (stint_vkey_parse(cases[i], &vkey, NULL) != STINT_UNTRUSTED)
            fail_msg("accepted %s", cases[i]);
}

/* ---- the key file */

struct folder {
    char path[64];
    char key[96];
};

static int folder_make(void **state)
{
    static struct folder folder;
    (void)snprintf(folder.path, sizeof(folder.path), "/tmp/stint-key-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    (void)snprintf(folder.key, sizeof(folder.key), "%s/log.key", folder.path);
    *state = &folder;
    return 0;
}

static int folder_remove(void **state)
{
    struct folder *folder = *state;
    (void)unlink(folder->key);
    return rmdir(folder->path);
}

static void key_is_made_once_private_and_read_back(void **state)
{
    struct folder *folder = *state;
    struct stint_signer *made = NULL;
    struct stint_signer *loaded = NULL;
    struct stint_signer *again = NULL;
    struct stat info;
    char first[STINT_VKEY_TEXT_MAX];
    char second[STINT_VKEY_TEXT_MAX];
    assert_int_equal(stint_signer_load(folder->key, &loaded, NULL), -ENOENT);
    assert_int_equal(stint_signer_create(folder->key, "lab.example", &made, NULL), 0);
    assert_int_equal(stat(folder->key, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stint_signer_create(folder->key, "lab.example", &again, NULL), -EEXIST);
    assert_int_equal(stint_signer_load(folder->key, &loaded, NULL), 0);
    assert_string_equal(stint_vkey_format(stint_signer_vkey(made), first),
                        stint_vkey_format(stint_signer_vkey(loaded), second));
    stint_signer_free(made);
    stint_signer_free(loaded);
}

static void write_key(const struct folder *folder, const char *text, mode_t mode)
{
    (void)unlink(folder->key);
    int fd = open(folder->key, O_WRONLY | O_CREAT | O_EXCL, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

#define HEAD "stint log key, keep secret\n"
#define SEED "seed nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n"

static void key_files_that_are_not_right_are_refused(void **state)
{
    struct folder *folder = *state;
    static const struct {
        const char *text;
        mode_t mode;
        int result;
    } cases[] = {
        { HEAD "algorithm ed25519\nname a\n" SEED, 0600, 0 },
        { HEAD "algorithm ed25519\nname a\n" SEED, 0400, 0 },
        { HEAD "algorithm ed25519\nname a\n" SEED, 0640, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\nname a\n" SEED, 0604, STINT_UNTRUSTED },
        { HEAD "algorithm ml-dsa-44\nname a\n" SEED, 0600, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\nname a b\n" SEED, 0600, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\n" SEED, 0600, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\nname a\n" SEED "more\n", 0600, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\nname a\nseed nWGx\n", 0600, STINT_UNTRUSTED },
        { HEAD "algorithm ed25519\nname a\nseed ", 0600, STINT_UNTRUSTED },
        { HEAD, 0600, STINT_UNTRUSTED },
        { "-----BEGIN PRIVATE KEY-----\n", 0600, STINT_UNTRUSTED },
        { "", 0600, STINT_UNTRUSTED },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_signer *signer = NULL;
        write_key(folder, cases[i].text, cases[i].mode);
        int r = stint_signer_load(folder->key, &signer, NULL);
        if (r != cases[i].result)
            fail_msg("case %zu gave %d", i, r);
        stint_signer_free(signer);
    }
}

static void key_behind_a_link_or_a_pipe_is_refused(void **state)
{
    struct folder *folder = *state;
    struct stint_signer *signer = NULL;
    assert_int_equal(symlink("/dev/null", folder->key), 0);
    assert_int_equal(stint_signer_load(folder->key, &signer, NULL), -ELOOP);
    assert_int_equal(unlink(folder->key), 0);
    assert_int_equal(mkfifo(folder->key, 0600), 0);
    assert_int_equal(stint_signer_load(folder->key, &signer, NULL), STINT_UNTRUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_gives_the_note_of_the_vector),
        cmocka_unit_test(note_of_the_vector_verifies),
        cmocka_unit_test(note_with_any_byte_changed_is_refused),
        cmocka_unit_test(malformed_notes_are_refused),
        cmocka_unit_test(note_is_bounded_in_bytes_and_signatures),
        cmocka_unit_test(note_of_another_key_or_log_is_refused),
        cmocka_unit_test(malformed_keys_are_refused),
        cmocka_unit_test_setup_teardown(key_is_made_once_private_and_read_back, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(key_files_that_are_not_right_are_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(key_behind_a_link_or_a_pipe_is_refused, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
