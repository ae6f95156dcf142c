/* Claims about `stint artifact attest`, `revoke` and `key`, and `stint check --attestations`: a
 * statement is made, signed and checked on this side; what is wrong is said before it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_daemon.h"
#include "stint/auto.h"

#define TEXT STINT_SOURCE_ROOT "/LICENSE" /* judged as code: one licence text, and nothing else */

static char folder[64];

static int folder_make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s", "/tmp/stint-attest-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    char command[96];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command); /* NOLINT(bugprone-command-processor): a name we made */
}

static void file_write(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What these words write; their exit status is @status. free() it. */
static char *run(const char *socket, int status, const char *const *words, const char *says)
{
    struct outcome outcome = stint_run(socket, folder, NULL, words);
    if (outcome.status != status || (says && !strstr(outcome.err, says)))
        fail_msg("%s %s: status %d\n%s\n%s", words[0], words[1], outcome.status, outcome.out,
                 outcome.err);
    char *out = strdup(outcome.out);
    outcome_deinit(&outcome);
    return out;
}

static void a_signed_statement_counts_for_who_knows_the_key(void **state)
{
    static const char *const key[] = { "artifact",        "key", "ada.key", "--name",
                                       "example.org/ada", NULL };
    static const char *const print[] = { "artifact",    "attest",   TEXT,
                                         "--print",     "--key",    "ada.key",
                                         "--component", "code",     "--predicate",
                                         "restriction", "--value",  "non_commercial",
                                         "--source",    "a letter", NULL };
    static const char *const check[] = { "check", TEXT, "--attestations", "st.json", "--reviewers",
                                         "keys",  NULL };
    static const char *const blind[] = { "check", TEXT, "--attestations", "st.json", NULL };
    (void)state;
    stint_auto(stint_free) char *public = run(NULL, 0, key, NULL);
    assert_non_null(strstr(public, "example.org/ada+"));
    file_write("keys", public);
    stint_auto(stint_free) char *statement = run(NULL, 0, print, NULL);
    assert_non_null(strstr(statement, "\"reviewer\":\"example.org/ada\""));
    file_write("st.json", statement);
    free(run(NULL, 4, check, NULL)); /* without it, the text passes */
    free(run(NULL, 1, blind, "--reviewers"));
    char *word = strstr(statement, "letter");
    word[0] = 'b'; /* another word under the same signature */
    file_write("st.json", statement);
    free(run(NULL, 1, check, "signature"));
    file_write("keys", "# nobody\n");
    free(run(NULL, 1, check, "example.org/ada"));
}

static void an_unsigned_statement_is_the_word_of_who_runs_it(void **state)
{
    static const char *const print[] = {
        "artifact", "attest",      TEXT,          "--print", "--component",
        "code",     "--predicate", "restriction", "--value", "non_commercial",
        "--source", "a letter",    NULL
    };
    static const char *const check[] = { "check", TEXT, "--attestations", "st.json", NULL };
    static const char *const signed_only[] = { "check",   TEXT,          "--attestations",
                                               "st.json", "--reviewers", "keys",
                                               NULL };
    (void)state;
    stint_auto(stint_free) char *statement = run(NULL, 0, print, NULL);
    file_write("st.json", statement);
    file_write("keys", "");
    free(run(NULL, 4, check, NULL));
    free(run(NULL, 1, signed_only, "not signed"));
}

static void what_is_wrong_is_said_before_it_is_sent(void **state)
{
    static const struct {
        const char *words[16];
        int status;
        const char *says;
    } cases[] = {
        { { "artifact", "attest", TEXT, "--print", "--source", "x" }, 2, "--criterion" },
        { { "artifact", "attest", TEXT, "--print", "--component", "weights", "--predicate",
            "licence", "--value", "MIT" },
          2,
          "--source" },
        { { "artifact", "attest", TEXT, "--print", "--source", "x", "--component", "weights",
            "--predicate", "present", "--value", "true" },
          2,
          "among the files" },
        { { "artifact", "attest", TEXT, "--print", "--source", "x", "--criterion", "OSAID-D1a" },
          2,
          "describes-provenance" },
        { { "artifact", "attest", TEXT, "--print", "--source", "x", "--criterion", "NO-1" },
          2,
          "no criterion" },
        { { "artifact", "attest", "/nonexistent", "--print", "--source", "x", "--component", "code",
            "--predicate", "licence", "--value", "MIT" },
          3,
          "/nonexistent" },
        { { "artifact", "revoke", "7" }, 2, "--reason" },
        { { "artifact", "revoke", "x", "--reason", "y" }, 2, "number" },
        { { "artifact", "key", "none.key" }, 3, "none.key" },
        { { "check", TEXT, "--reviewers", "keys" }, 2, "--attestations" },
        { { "check", TEXT, "--attestations", "none.json" }, 3, "none.json" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        free(run(NULL, cases[i].status, cases[i].words, cases[i].says));
}

static void a_statement_about_a_name_is_about_its_digest(void **state)
{
#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/artifacts/lab/m", 200, "{\"artifact\":{\"digest\":\"" DIGEST "\"}}", NULL,
          0, false },
        { "POST", "/api/v1/artifacts/" DIGEST "/attestations", 201,
          "{\"attestation\":{\"id\":3,\"state\":\"standing\"},\"verdict\":{\"results\":[{\"rules\":"
          "\"osaid-1.0\",\"result\":\"pass\"}]}}",
          NULL, 0, false },
        { "DELETE", "/api/v1/attestations/3?reason=was*wrong", 200,
          "{\"attestation\":{\"id\":3,\"state\":\"revoked\"}}", NULL, 0, false },
        { 0 },
    };
    static const char *const attest[] = {
        "artifact",       "attest",  "lab/m",      "--component", "training-code",
        "--predicate",    "present", "--value",    "yes",         "--source",
        "its repository", "--date",  "2026-11-01", NULL
    };
    static const char *const revoke_it[] = { "artifact", "revoke",    "3",
                                             "--reason", "was wrong", NULL };
    struct fake_daemon *fake = fake_daemon_start(answers);
    (void)state;
    stint_auto(stint_free) char *made = run(fake_daemon_socket(fake), 0, attest, NULL);
    assert_non_null(strstr(made, "attestation 3 standing"));
    assert_non_null(strstr(made, "osaid-1.0  pass"));
    const char *body = fake_daemon_request(fake, 1)->body;
    assert_non_null(strstr(body, "\"digest\":\"" DIGEST "\""));
    assert_non_null(strstr(body, "\"value\":true"));
    assert_non_null(strstr(body, "\"date\":\"2026-11-01\""));
    stint_auto(stint_free) char *revoked = run(fake_daemon_socket(fake), 0, revoke_it, NULL);
    assert_non_null(strstr(revoked, "attestation 3 revoked"));
    fake_daemon_stop(fake);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_signed_statement_counts_for_who_knows_the_key),
        IN_FOLDER(an_unsigned_statement_is_the_word_of_who_runs_it),
        IN_FOLDER(what_is_wrong_is_said_before_it_is_sent),
        IN_FOLDER(a_statement_about_a_name_is_about_its_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
