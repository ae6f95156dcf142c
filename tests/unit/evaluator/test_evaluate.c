/* The child `stint-evaluate` as the daemon runs it: documents on its standard output, problems as
 * documents, a confinement that holds, and the passing of files over a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

extern char **environ;

/* Runs the child with @input; its document, or NULL with the wait status in @ret_status. */
static json_t *child(const char *const *arguments, const char *input, size_t input_length,
                     int socket_fd, int *ret_status)
{
    const char *argv[16] = { STINT_EVALUATE };
    posix_spawn_file_actions_t actions;
    char in_name[] = "/tmp/stint-in-XXXXXX";
    char block[65536];
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    int out[2];
    int in = mkstemp(in_name);
    pid_t pid;
    assert_true(in >= 0);
    unlink(in_name);
    assert_int_equal(write(in, input, input_length), input_length);
    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = arguments[i];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (socket_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, socket_fd, 9);
    assert_int_equal(
        posix_spawn(&pid, STINT_EVALUATE, &actions, NULL, (char *const *)(uintptr_t)argv, environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(in);
    close(out[1]);
    if (socket_fd >= 0)
        close(socket_fd);
    for (ssize_t got; (got = read(out[0], block, sizeof(block))) > 0;)
        stint_buffer_add(&text, block, (size_t)got);
    close(out[0]);
    assert_int_equal(waitpid(pid, ret_status, 0), pid);
    return json_loadb(stint_buffer_text(&text), text.length, 0, NULL);
}

static json_t *judge(const char *path, const char *rules)
{
    const char *arguments[] = { "judge", "--kind", "auto", "--rules", rules, path, NULL };
    int status;
    json_t *root = child(arguments, "", 0, -1, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_non_null(root);
    return root;
}

static const char *at(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text ? text : "";
}

static const char *problem_code(const json_t *root)
{
    return at(json_object_get(root, "problem"), "code");
}

static void an_open_model_is_judged_open(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    json_t *root = judge(fixture_path(f, "m"), "osaid-1.0");
    assert_string_equal(at(root, "schema"), "stint.evaluation/1");
    assert_string_equal(at(root, "result"), "pass");
    assert_true(json_is_null(json_object_get(root, "reason")));
    assert_int_equal(json_array_size(json_object_get(root, "criteria")), 0);
    json_t *manifest = json_object_get(root, "manifest");
    assert_int_equal(json_integer_value(json_object_get(manifest, "files")), 9);
    assert_string_equal(at(json_object_get(root, "verdict"), "schema"), "stint.verdict/1");
    assert_string_equal(at(json_object_get(json_object_get(root, "verdict"), "subject"), "digest"),
                        at(manifest, "digest"));
    json_decref(root);
}

static void an_open_washed_model_is_refused_with_places(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "w/README.md",
                 "---\nlicense: other\nlicense_name: llama3\nextra_gated_prompt: Who are you?\n"
                 "---\n# Washed\nThe most open source model there is, from publicly available "
                 "data.\n");
    fixture_text(f, "w/LICENSE",
                 "You may use this model for non-commercial purposes only. Services "
                 "with more than 700 million monthly active users must ask.\n");
    fixture_tensors(f, "w/model.safetensors", NULL);
    json_t *root = judge(fixture_path(f, "w"), "osaid-1.0");
    assert_string_equal(at(root, "result"), "fail");
    assert_string_equal(at(root, "reason"), "ModelNotOpen");
    json_t *criteria = json_object_get(root, "criteria");
    json_t *criterion;
    size_t index;
    bool has_place = false;
    json_array_foreach(criteria, index, criterion)
    {
        json_t *evidence = json_array_get(json_object_get(criterion, "evidence"), 0);
        assert_string_not_equal(at(criterion, "would_pass"), "");
        has_place = has_place || (strcmp(at(criterion, "id"), "OSAID-F1") == 0 &&
                                  json_integer_value(json_object_get(evidence, "line")) > 0);
    }
    assert_true(has_place);
    json_t *findings = json_object_get(json_object_get(root, "verdict"), "findings");
    json_t *finding;
    bool has_claim = false;
    json_array_foreach(findings, index, finding) has_claim =
        has_claim || strcmp(at(finding, "id"), "OW2") == 0;
    assert_true(has_claim);
    json_decref(root);
}

static void hostile_folders_are_problems_not_verdicts(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "link");
    assert_int_equal(symlink("/etc/passwd", fixture_path(f, "link/README2.md")), 0);
    fixture_open_model(f, "fifo");
    assert_int_equal(mkfifo(fixture_path(f, "fifo/train.fifo"), 0644), 0);
    assert_int_equal(mkdir(fixture_path(f, "empty"), 0755), 0);
    static const struct {
        const char *path;
        const char *rules;
        const char *code;
    } cases[] = {
        { "link", "osaid-1.0", "untrusted-input" },  { "fifo", "osaid-1.0", "untrusted-input" },
        { "empty", "osaid-1.0", "untrusted-input" }, { "nowhere", "osaid-1.0", "not-found" },
        { "link", "no-such-rules", "fault" },        { "link", "../../etc/passwd", "fault" }
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        json_t *root = judge(fixture_path(f, cases[i].path), cases[i].rules);
        assert_null(json_object_get(root, "verdict"));
        if (strcmp(problem_code(root), cases[i].code) != 0)
            fail_msg("%s gave %s", cases[i].path, problem_code(root));
        json_decref(root);
    }
}

/* The loader follows no link to this file, and the kernel would not open it either. */
static void a_confined_child_still_hashes_with_threads(void **state)
{
    struct fixture *f = *state;
    size_t length = (size_t)6 << 20;
    char *bytes = calloc(1, length);
    assert_non_null(bytes);
    fixture_open_model(f, "m");
    fixture_bytes(f, "m/extra-1.dat", bytes, length);
    bytes[5] = 1;
    fixture_bytes(f, "m/extra-2.dat", bytes, length);
    free(bytes);
    json_t *root = judge(fixture_path(f, "m"), "osaid-1.0");
    assert_string_equal(at(root, "result"), "pass");
    json_decref(root);
}

static void a_recheck_reads_the_manifest_it_wrote(void **state)
{
    struct fixture *f = *state;
    char path[256];
    int status;
    fixture_open_model(f, "m");
    (void)snprintf(path, sizeof(path), "%s", fixture_path(f, "m"));
    json_t *root = judge(path, "osaid-1.0");
    char *manifest = json_dumps(json_object_get(root, "manifest"), 0);
    json_decref(root);
    const char *arguments[] = { "recheck", path, NULL };
    static const char *const expected[] = { "unchanged", "changed", "missing" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(expected); i++) {
        if (i == 1)
            fixture_text(f, "m/DATA.md", "other");
        if (i == 2)
            fixture_remove(f, "m/DATA.md");
        root = child(arguments, manifest, strlen(manifest), -1, &status);
        assert_string_equal(at(root, "result"), expected[i]);
        assert_string_equal(at(root, "path"), i == 0 ? "" : "DATA.md");
        json_decref(root);
    }
    root = child(arguments, "{}", 2, -1, &status);
    assert_string_equal(problem_code(root), "invalid-request");
    json_decref(root);
    free(manifest);
}

static void an_offer_passes_the_files_to_the_store(void **state)
{
    struct fixture *f = *state;
    struct stint_artifact_manifest manifest = { 0 };
    char path[256];
    int pair[2];
    int status;
    fixture_open_model(f, "m");
    (void)snprintf(path, sizeof(path), "%s", fixture_path(f, "m"));
    assert_int_equal(mkdir(fixture_path(f, "store"), 0700), 0);
    int store = open(fixture_path(f, "store"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const char *arguments[] = { "offer", "--socket", "9", path, NULL };
    json_t *root = child(arguments, "", 0, pair[0], &status); /* small: fits the socket's buffer */
    assert_string_equal(at(root, "result"), "offered");
    assert_int_equal(stint_artifact_receive(pair[1], store, 0, &manifest, NULL), 0);
    assert_int_equal(manifest.file_count, 9);
    stint_artifact_manifest_deinit(&manifest);
    json_decref(root);
    close(pair[1]);
    close(store);
}

static void wrong_usage_is_no_document(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        { "judge", NULL }, { "judge", "--kind", NULL }, { "bake", "x", NULL }, { NULL }
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        int status;
        json_t *root = child(cases[i], "", 0, -1, &status);
        assert_null(root);
        assert_int_equal(WEXITSTATUS(status), 2);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_open_model_is_judged_open),
        CASE(an_open_washed_model_is_refused_with_places),
        CASE(hostile_folders_are_problems_not_verdicts),
        CASE(a_confined_child_still_hashes_with_threads),
        CASE(a_recheck_reads_the_manifest_it_wrote),
        CASE(an_offer_passes_the_files_to_the_store),
        CASE(wrong_usage_is_no_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
