/* Artefact trees: what may be in one, the digest over every file, re-checking, and the passing of
 * files into the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static int list_and_hash(const struct fixture *f, const char *path,
                         struct stint_artifact_manifest *manifest)
{
    struct stint_artifact_tree tree;
    struct stint_error err = { 0 };
    int r = stint_artifact_tree_open(fixture_path(f, path), &tree, &err);
    if (r != 0)
        return r;
    r = stint_artifact_tree_list(&tree, manifest, &err);
    if (r == 0)
        r = stint_artifact_hash(&tree, manifest, 2, NULL, NULL, &err);
    stint_artifact_tree_close(&tree);
    return r;
}

static void every_file_counts_in_the_digest(void **state)
{
    struct fixture *f = *state;
    static const char *const added[] = { ".hidden", "deep/er/file", "empty", ".git/HEAD" };
    struct stint_sha256 last = { { 0 } };
    fixture_text(f, "a/one", "1");
    for (size_t i = 0; i <= STINT_ARRAY_SIZE(added); i++) {
        struct stint_artifact_manifest manifest = { 0 };
        assert_int_equal(list_and_hash(f, "a", &manifest), 0);
        assert_true(manifest.has_digest);
        assert_memory_not_equal(&manifest.digest, &last, sizeof(last));
        last = manifest.digest;
        stint_artifact_manifest_deinit(&manifest);
        if (i < STINT_ARRAY_SIZE(added)) {
            char path[64];
            (void)snprintf(path, sizeof(path), "a/%s", added[i]);
            fixture_text(f, path, "");
        }
    }
}

static void the_digest_is_the_documented_one(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_sha256 expected;
    char hex[STINT_SHA256_HEX];
    char text[512];
    fixture_text(f, "a/b.txt", "abc");
    assert_int_equal(list_and_hash(f, "a", &manifest), 0);
    stint_sha256("abc", 3, &expected);
    int length = snprintf(text, sizeof(text), "stint.artifact/1\n%s 3 b.txt\n",
                          stint_sha256_hex(&expected, hex));
    stint_sha256(text, (size_t)length, &expected);
    assert_memory_equal(&manifest.digest, &expected, sizeof(expected));
    stint_artifact_manifest_deinit(&manifest);
}

static void make_link_out(const char *path)
{
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void make_link_up(const char *path)
{
    assert_int_equal(symlink("../../secret", path), 0);
}

static void make_link_in(const char *path)
{
    assert_int_equal(symlink("one", path), 0);
}

static void make_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0644), 0);
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void make_device(const char *path)
{
    if (mknod(path, S_IFCHR | 0644, makedev(1, 3)) != 0)
        make_fifo(path); /* only root makes devices */
}

static void make_bad_name(const char *path)
{
    char name[600];
    (void)snprintf(name, sizeof(name), "%s\xff\x01", path);
    close(open(name, O_WRONLY | O_CREAT, 0644));
}

static void what_is_no_plain_file_refuses_the_artefact(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        void (*make)(const char *path);
        enum stint_artifact_trouble_kind kind;
    } cases[] = { { "out", make_link_out, STINT_TROUBLE_LINK_OUT },
                  { "up", make_link_up, STINT_TROUBLE_LINK_OUT },
                  { "in", make_link_in, STINT_TROUBLE_LINK },
                  { "fifo", make_fifo, STINT_TROUBLE_FIFO },
                  { "socket", make_socket, STINT_TROUBLE_SOCKET },
                  { "device", make_device, STINT_TROUBLE_DEVICE },
                  { "name", make_bad_name, STINT_TROUBLE_NAME } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_artifact_manifest manifest = { 0 };
        struct stint_verdict *verdict = NULL;
        struct stint_error err = { 0 };
        char path[64];
        (void)snprintf(path, sizeof(path), "t%zu/one", i);
        fixture_text(f, path, "x");
        (void)snprintf(path, sizeof(path), "t%zu/bad", i);
        cases[i].make(fixture_path(f, path));
        (void)snprintf(path, sizeof(path), "t%zu", i);
        assert_int_equal(list_and_hash(f, path, &manifest), 0);
        assert_int_equal(manifest.trouble_count, 1);
        if (cases[i].kind != STINT_TROUBLE_DEVICE || geteuid() == 0)
            assert_int_equal(manifest.troubles[0].kind, cases[i].kind);
        assert_false(manifest.has_digest);
        assert_int_equal(stint_evaluate_path(f->evaluator, fixture_path(f, path), STINT_KIND_AUTO,
                                             NULL, &verdict, &err),
                         STINT_UNTRUSTED);
        assert_null(verdict);
        assert_non_null(strstr(err.text, "bad"));
        stint_artifact_manifest_deinit(&manifest);
    }
}

static void a_tree_too_deep_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    char path[200] = "d";
    for (int i = 0; i < STINT_ARTIFACT_DEPTH_MAX + 1; i++)
        strcat(path, "/d");
    strcat(path, "/file");
    fixture_text(f, path, "x");
    assert_int_equal(list_and_hash(f, "d", &manifest), 0);
    assert_int_equal(manifest.troubles[0].kind, STINT_TROUBLE_DEPTH);
    stint_artifact_manifest_deinit(&manifest);
}

#define COMMIT       "0123456789abcdef0123456789abcdef01234567"
#define OTHER_COMMIT "ffffffffffffffffffffffffffffffffffffffff"
#define SNAPSHOT     "models--org--tiny/snapshots/" COMMIT

/* A hub cache with one blob of each kind of name. */
static void make_cache(const struct fixture *f, const char *text)
{
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    char path[300];
    char target[300];
    stint_sha256("weights", 7, &digest);
    stint_sha256_hex(&digest, hex);
    (void)snprintf(path, sizeof(path), "models--org--tiny/blobs/%s", hex);
    fixture_text(f, path, text);
    fixture_text(f, SNAPSHOT "/sub/plain", "plain");
    (void)snprintf(target, sizeof(target), "../../blobs/%s", hex);
    assert_int_equal(symlink(target, fixture_path(f, SNAPSHOT "/file")), 0);
    (void)snprintf(target, sizeof(target), "../../../blobs/%s", hex);
    assert_int_equal(symlink(target, fixture_path(f, SNAPSHOT "/sub/file")), 0);
    fixture_text(f, "models--org--tiny/refs/main", COMMIT);
}

static void links_of_a_hub_cache_lead_to_its_blobs(void **state)
{
    struct fixture *f = *state;
    static const char *const roots[] = { SNAPSHOT, "models--org--tiny" };
    make_cache(f, "weights");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(roots) + 1; i++) {
        struct stint_artifact_manifest manifest = { 0 };
        if (i == STINT_ARRAY_SIZE(roots)) /* asked for by commit: no refs, one snapshot */
            fixture_remove(f, "models--org--tiny/refs/main");
        assert_int_equal(list_and_hash(f, roots[i < STINT_ARRAY_SIZE(roots) ? i : 1], &manifest),
                         0);
        assert_int_equal(manifest.trouble_count, 0);
        assert_true(manifest.is_hub_cache);
        assert_int_equal(manifest.file_count, 3);
        assert_string_equal(manifest.files[0].path, "file");
        assert_memory_equal(&manifest.files[0].sha256, &manifest.files[1].sha256,
                            sizeof(struct stint_sha256));
        stint_artifact_manifest_deinit(&manifest);
    }
}

static void a_blob_that_is_not_its_name_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    make_cache(f, "other!!");
    assert_int_equal(list_and_hash(f, SNAPSHOT, &manifest), 0);
    assert_int_equal(manifest.trouble_count, 2);
    assert_int_equal(manifest.troubles[0].kind, STINT_TROUBLE_BLOB);
    stint_artifact_manifest_deinit(&manifest);
}

static void a_cache_link_elsewhere_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const targets[] = { "/etc/passwd", "../../../etc/passwd", "../../refs/main",
                                           "../../blobs/../refs/main" };
    make_cache(f, "weights");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(targets); i++) {
        struct stint_artifact_manifest manifest = { 0 };
        assert_int_equal(symlink(targets[i], fixture_path(f, SNAPSHOT "/evil")), 0);
        assert_int_equal(list_and_hash(f, SNAPSHOT, &manifest), 0);
        assert_int_equal(manifest.trouble_count, 1);
        assert_int_equal(manifest.troubles[0].kind, STINT_TROUBLE_LINK_OUT);
        stint_artifact_manifest_deinit(&manifest);
        fixture_remove(f, SNAPSHOT "/evil");
    }
}

/* Says the verdict that @name is known to be absent? */
static bool is_absent(const struct stint_verdict *verdict, const char *name)
{
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        if (fact->predicate == STINT_ABSENT && strcmp(fact->text, name) == 0)
            return true;
    }
    return false;
}

/* Markers count for their own revision, and not against a file that is there. */
static void a_marker_says_what_a_revision_does_not_have(void **state)
{
    struct fixture *f = *state;
    make_cache(f, "weights");
    fixture_text(f, "models--org--tiny/.no_exist/" COMMIT "/README.md", "");
    fixture_text(f, "models--org--tiny/.no_exist/" COMMIT "/sub/added_tokens.json", "");
    fixture_text(f, "models--org--tiny/.no_exist/" COMMIT "/file", "");
    fixture_text(f, "models--org--tiny/.no_exist/" OTHER_COMMIT "/config.json", "");
    struct stint_verdict *verdict =
        fixture_judge(f, "models--org--tiny", STINT_KIND_MODEL, "eu-osai");
    assert_true(is_absent(verdict, "README.md"));
    assert_true(is_absent(verdict, "sub/added_tokens.json"));
    assert_false(is_absent(verdict, "file"));
    assert_false(is_absent(verdict, "config.json"));
    const struct stint_fact *card = fixture_fact(verdict, STINT_MODEL_CARD, STINT_PRESENT);
    assert_non_null(card);
    assert_false(card->truth);
    assert_string_equal(card->path, ".no_exist/" COMMIT "/README.md");
    assert_string_equal(fixture_result(verdict, "EU-model-card"), "fail");
    /* Of a snapshot without a marker, nothing is known of what is not there. */
    assert_string_equal(fixture_result(verdict, "EU-datasheet"), "unknown");
    stint_verdict_free(verdict);
    fixture_text(f, SNAPSHOT "/README.md", "---\nlicense: mit\n---\n");
    verdict = fixture_judge(f, "models--org--tiny", STINT_KIND_MODEL, "eu-osai");
    assert_false(is_absent(verdict, "README.md"));
    assert_string_not_equal(fixture_result(verdict, "EU-model-card"), "fail");
    stint_verdict_free(verdict);
}

static void a_ref_without_its_snapshot_is_said(void **state)
{
    struct fixture *f = *state;
    struct stint_verdict *verdict = NULL;
    struct stint_error err = { 0 };
    make_cache(f, "weights");
    fixture_text(f, "models--org--tiny/refs/main", OTHER_COMMIT);
    assert_int_equal(stint_evaluate_path(f->evaluator, fixture_path(f, "models--org--tiny"),
                                         STINT_KIND_MODEL, NULL, &verdict, &err),
                     STINT_NOT_FOUND);
    assert_non_null(strstr(err.text, "snapshots/" OTHER_COMMIT " is not in the cache"));
}

static enum stint_recheck_result recheck(const struct fixture *f, const char *path,
                                         const struct stint_artifact_manifest *manifest,
                                         char where[256])
{
    enum stint_recheck_result result = 0;
    struct stint_error err = { 0 };
    assert_int_equal(stint_artifact_recheck(fixture_path(f, path), manifest, &result, where, &err),
                     0);
    return result;
}

static void a_recheck_sees_every_change_and_forgives_none(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    char where[256];
    fixture_text(f, "r/a", "aaa");
    fixture_text(f, "r/b", "bbb");
    assert_int_equal(list_and_hash(f, "r", &manifest), 0);
    assert_int_equal(recheck(f, "r", &manifest, where), STINT_RECHECK_UNCHANGED);
    fixture_text(f, "r/a", "aaa"); /* same bytes, another time: hashed again */
    assert_int_equal(recheck(f, "r", &manifest, where), STINT_RECHECK_UNCHANGED);
    fixture_text(f, "r/a", "aab");
    assert_int_equal(recheck(f, "r", &manifest, where), STINT_RECHECK_CHANGED);
    assert_string_equal(where, "a");
    fixture_text(f, "r/a", "aaa");
    fixture_text(f, "r/new", "");
    assert_int_equal(recheck(f, "r", &manifest, where), STINT_RECHECK_CHANGED);
    assert_string_equal(where, "new");
    fixture_remove(f, "r/new");
    fixture_remove(f, "r/b");
    assert_int_equal(recheck(f, "r", &manifest, where), STINT_RECHECK_MISSING);
    assert_string_equal(where, "b");
    assert_int_equal(recheck(f, "nowhere", &manifest, where), STINT_RECHECK_MISSING);
    stint_artifact_manifest_deinit(&manifest);
}

static void a_manifest_comes_back_from_its_text(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_artifact_manifest back = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    char where[256];
    fixture_text(f, "m/a/b \"quoted\"", "x");
    fixture_text(f, "m/ü", "y");
    assert_int_equal(list_and_hash(f, "m", &manifest), 0);
    stint_artifact_manifest_json(&manifest, &text);
    assert_int_equal(stint_artifact_manifest_parse(text.data, text.length, &back, NULL), 0);
    assert_memory_equal(&manifest.digest, &back.digest, sizeof(back.digest));
    assert_int_equal(recheck(f, "m", &back, where), STINT_RECHECK_UNCHANGED);
    stint_artifact_manifest_deinit(&manifest);
    stint_artifact_manifest_deinit(&back);
}

static void a_forged_manifest_is_refused(void **state)
{
    (void)state;
#define HEX64 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":[]}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":{}}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":[{\"path\":\"../x\",\"size\":1,\"sha256\":"
        "\"" HEX64 "\",\"identity\":\"1:1:1:1\"}]}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":[{\"path\":\"/x\",\"size\":1,\"sha256\":\"" HEX64
        "\",\"identity\":\"1:1:1:1\"}]}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":[{\"path\":\"x\",\"size\":-1,\"sha256\":\"" HEX64
        "\",\"identity\":\"1:1:1:1\"}]}",
        "{\"digest\":\"sha256:" HEX64 "\",\"list\":[{\"path\":\"x\",\"size\":1,\"sha256\":\"" HEX64
        "\",\"identity\":\"1:1:1\"}]}",
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++) {
        struct stint_artifact_manifest manifest = { 0 };
        assert_int_equal(stint_artifact_manifest_parse(texts[i], strlen(texts[i]), &manifest, NULL),
                         STINT_INVALID);
        assert_null(manifest.files);
    }
}

struct sender {
    int fd;
    const char *path;
    int result;
};

static void *send_offer(void *argument)
{
    struct sender *sender = argument;
    sender->result = stint_artifact_offer(sender->fd, sender->path, NULL);
    close(sender->fd);
    return NULL;
}

static int offer_and_receive(const struct fixture *f, const char *path, int store,
                             uint64_t bytes_max, struct stint_artifact_manifest *manifest)
{
    int pair[2];
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct sender sender = { .fd = pair[0], .path = fixture_path(f, path) };
    assert_int_equal(pthread_create(&thread, NULL, send_offer, &sender), 0);
    int r = stint_artifact_receive(pair[1], store, bytes_max, manifest, NULL);
    close(pair[1]);
    pthread_join(thread, NULL);
    return r;
}

static int open_store(const struct fixture *f)
{
    assert_int_equal(mkdir(fixture_path(f, "store"), 0700), 0);
    return open(fixture_path(f, "store"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void an_offer_becomes_a_read_only_copy_of_the_same_digest(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest here = { 0 };
    struct stint_artifact_manifest there = { 0 };
    struct stint_artifact_manifest again = { 0 };
    char path[300];
    char hex[STINT_SHA256_HEX];
    char where[256];
    struct stat st;
    int store = open_store(f);
    fixture_open_model(f, "model");
    assert_int_equal(list_and_hash(f, "model", &here), 0);
    assert_int_equal(offer_and_receive(f, "model", store, 0, &there), 0);
    assert_memory_equal(&here.digest, &there.digest, sizeof(here.digest));
    (void)snprintf(path, sizeof(path), "store/sha256-%s/files",
                   stint_sha256_hex(&there.digest, hex));
    assert_int_equal(recheck(f, path, &there, where), STINT_RECHECK_UNCHANGED);
    strcat(path, "/src/train.py");
    assert_int_equal(stat(fixture_path(f, path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0444);
    /* A second copy is dropped, and its manifest speaks of the one that is kept. */
    assert_int_equal(offer_and_receive(f, "model", store, 0, &again), 0);
    assert_int_equal(again.files[0].inode, there.files[0].inode);
    assert_int_equal(stint_artifact_store_remove(store, &there.digest, NULL), 0);
    assert_int_equal(stint_artifact_store_remove(store, &there.digest, NULL), STINT_NOT_FOUND);
    assert_int_equal(rmdir(fixture_path(f, "store")), 0);
    stint_artifact_manifest_deinit(&here);
    stint_artifact_manifest_deinit(&there);
    stint_artifact_manifest_deinit(&again);
    close(store);
}

static enum stint_completeness completeness(struct fixture *f, const char *path)
{
    struct stint_verdict *verdict = fixture_judge(f, path, STINT_KIND_MODEL, "osaid-1.0");
    enum stint_completeness complete = verdict->complete;
    stint_verdict_free(verdict);
    return complete;
}

/* Registered, a snapshot becomes plain files in the store: they are no more complete than it was,
 * until somebody brings the same bytes from a folder that is no cache. */
static void the_copy_of_a_snapshot_is_no_complete_one(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_artifact_manifest again = { 0 };
    char path[300];
    char hex[STINT_SHA256_HEX];
    int store = open_store(f);
    fixture_open_model(f, SNAPSHOT);
    fixture_open_model(f, "plain");
    assert_int_equal(completeness(f, SNAPSHOT), STINT_COMPLETE_UNKNOWN);
    assert_int_equal(completeness(f, "plain"), STINT_COMPLETE_YES);
    assert_int_equal(offer_and_receive(f, SNAPSHOT, store, 0, &manifest), 0);
    (void)snprintf(path, sizeof(path), "store/sha256-%s/files",
                   stint_sha256_hex(&manifest.digest, hex));
    assert_int_equal(completeness(f, path), STINT_COMPLETE_UNKNOWN);
    assert_int_equal(offer_and_receive(f, "plain", store, 0, &again), 0);
    assert_memory_equal(&manifest.digest, &again.digest, sizeof(again.digest));
    assert_int_equal(completeness(f, path), STINT_COMPLETE_YES);
    assert_int_equal(stint_artifact_store_remove(store, &manifest.digest, NULL), 0);
    stint_artifact_manifest_deinit(&manifest);
    stint_artifact_manifest_deinit(&again);
    close(store);
}

static void an_offer_too_large_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    int store = open_store(f);
    fixture_open_model(f, "model");
    assert_int_equal(offer_and_receive(f, "model", store, 100, &manifest), STINT_TOO_LARGE);
    assert_int_equal(rmdir(fixture_path(f, "store")), 0);
    close(store);
}

static void a_hostile_offer_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } offers[] = {
        { "", 0 },
        { "STINTOF2\1\0\0\0\0\0\0\0", 16 },
        { "STINTOF1\xff\xff\xff\xff\0\0\0\0", 16 },
        { "STINTOF1\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0x", 33 }, /* no descriptor */
    };
    int store = open_store(f);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(offers); i++) {
        struct stint_artifact_manifest manifest = { 0 };
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(send(pair[0], offers[i].bytes, offers[i].length, 0), offers[i].length);
        close(pair[0]);
        assert_int_not_equal(stint_artifact_receive(pair[1], store, 0, &manifest, NULL), 0);
        close(pair[1]);
    }
    assert_int_equal(rmdir(fixture_path(f, "store")), 0);
    close(store);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_file_counts_in_the_digest),
        CASE(the_digest_is_the_documented_one),
        CASE(what_is_no_plain_file_refuses_the_artefact),
        CASE(a_tree_too_deep_is_refused),
        CASE(links_of_a_hub_cache_lead_to_its_blobs),
        CASE(a_blob_that_is_not_its_name_is_refused),
        CASE(a_marker_says_what_a_revision_does_not_have),
        CASE(a_ref_without_its_snapshot_is_said),
        CASE(a_cache_link_elsewhere_is_refused),
        CASE(a_recheck_sees_every_change_and_forgives_none),
        CASE(a_manifest_comes_back_from_its_text),
        CASE(a_forged_manifest_is_refused),
        CASE(an_offer_becomes_a_read_only_copy_of_the_same_digest),
        CASE(the_copy_of_a_snapshot_is_no_complete_one),
        CASE(an_offer_too_large_leaves_no_trace),
        CASE(a_hostile_offer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
