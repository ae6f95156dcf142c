/* Claims about `stint check`, `nodes --topology` and `simulate`: they need no daemon, and their
 * exit statuses are INTERFACE §7's and §4's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_daemon.h"
#include "stint/auto.h"

static void local_verbs_answer_without_a_daemon(void **state)
{
    static const struct {
        const char *words[10];
        int status;
        const char *out;
        const char *err;
    } cases[] = {
        { { "check", STINT_SOURCE_ROOT "/LICENSE" }, 0, "pass", "" },
        { { "check", "--json", STINT_SOURCE_ROOT "/LICENSE" }, 0, "\"stint.verdict/1\"", "" },
        { { "check", "/nonexistent" }, 3, "", "/nonexistent" },
        { { "check", STINT_SOURCE_ROOT "/LICENSE", "/nonexistent" }, 3, "pass", "/nonexistent" },
        { { "check", "--compare", STINT_SOURCE_ROOT "/LICENSE" }, 2, "", "two paths" },
        { { "check", "--compare", "--tree", "a", "b" }, 2, "", "--tree" },
        { { "check", "--compare", STINT_SOURCE_ROOT "/LICENSE", "/nonexistent" },
          3,
          "",
          "/nonexistent" },
        { { "check", "--tree", "/nonexistent" }, 3, "", "/nonexistent" },
        { { "check", "--tree", STINT_SOURCE_ROOT "/LICENSE" }, 1, "", "LICENSE" },
        { { "check", "--name", "n", "a", "b" }, 2, "", "--name" },
        { { "check", "--kind", "song", STINT_SOURCE_ROOT "/LICENSE" }, 2, "", "no such kind" },
        { { "check", "--rules", "no-such-rules", STINT_SOURCE_ROOT "/LICENSE" }, 3, "", "rule" },
        { { "nodes", "--topology", "core:4 pu:1" }, 0, "4", "" },
        { { "nodes", "--topology", "core:4 pu:1", "--gpus", "h200:2", "--json" },
          0,
          "\"stint.nodes/1\"",
          "" },
        { { "nodes", "--topology", "/nonexistent.xml" }, 3, "", "nonexistent" },
        { { "nodes", "--topology", "nonsense" }, 2, "", "" },
        { { "nodes", "--gpus", "h200:2" }, 2, "", "--topology" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct outcome outcome = stint_run(NULL, "/tmp", NULL, cases[i].words);
        if (outcome.status != cases[i].status || !strstr(outcome.out, cases[i].out) ||
            !strstr(outcome.err, cases[i].err))
            fail_msg("%s %s: status %d\n%s\n%s", cases[i].words[0], cases[i].words[1],
                     outcome.status, outcome.out, outcome.err);
        outcome_deinit(&outcome);
    }
}

static void several_paths_make_one_document(void **state)
{
    const char *const words[] = { "check", "--json", STINT_SOURCE_ROOT "/LICENSE",
                                  STINT_SOURCE_ROOT "/LICENSE", NULL };
    struct outcome outcome = stint_run(NULL, "/tmp", NULL, words);
    json_t *document = json_loads(outcome.out, 0, NULL);
    (void)state;
    assert_int_equal(outcome.status, 0);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "stint.verdicts/1");
    assert_int_equal(json_array_size(json_object_get(document, "verdicts")), 2);
    json_decref(document);
    outcome_deinit(&outcome);
}

/* ---- on a folder of models ---- */

#define REVISION "0123456789abcdef0123456789abcdef01234567"

struct models {
    char folder[64];
};

static void put(const struct models *models, const char *path, const char *text)
{
    char name[400];
    (void)snprintf(name, sizeof(name), "%s/%s", models->folder, path);
    for (char *slash = name + strlen(models->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(name, 0755);
        *slash = '/';
    }
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) != EOF);
    assert_int_equal(fclose(file), 0);
}

static int models_setup(void **state)
{
    struct models *models = calloc(1, sizeof(*models));
    assert_non_null(models);
    (void)snprintf(models->folder, sizeof(models->folder), "/tmp/stint-check-XXXXXX");
    assert_non_null(mkdtemp(models->folder));
    put(models, "m/acme/root/README.md", "---\nlicense: mit\n---\n");
    put(models, "m/branch/README.md", "---\nlicense: mit\nbase_model: acme/root\n---\n");
    put(models, "m/models--acme--leaf/refs/main", REVISION);
    put(models, "m/models--acme--leaf/snapshots/" REVISION "/README.md",
        "---\nlicense: cc-by-nc-4.0\nbase_model: branch\n---\n");
    put(models, "m/datasets--acme--data/README.md", "---\nlicense: mit\n---\n");
    put(models, "m/.cache/README.md", "---\nlicense: mit\n---\n");
    *state = models;
    return 0;
}

static int models_teardown(void **state)
{
    struct models *models = *state;
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", models->folder);
    int status = system(command);
    free(models);
    return status;
}

static struct outcome check(const struct models *models, const char *const *words)
{
    return stint_run(NULL, models->folder, NULL, words);
}

static void expect(const struct outcome *outcome, int status, const char *out)
{
    if (outcome->status != status || !strstr(outcome->out, out))
        fail_msg("status %d\n%s\n%s", outcome->status, outcome->out, outcome->err);
}

static void a_tree_shows_each_model_under_its_base(void **state)
{
    const char *const words[] = { "check", "--tree", "m", NULL };
    const char *const json[] = { "check", "--tree", "m", "--json", NULL };
    struct outcome outcome = check(*state, words);
    assert_int_equal(outcome.status, 4);
    assert_string_equal(outcome.out, "acme/root: fail\n"
                                     "  `- branch: fail\n"
                                     "    `- acme/leaf: unknown\n");
    outcome_deinit(&outcome);
    outcome = check(*state, json);
    json_t *document = json_loads(outcome.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "stint.verdicts/1");
    assert_int_equal(json_array_size(json_object_get(document, "verdicts")), 3);
    json_decref(document);
    outcome_deinit(&outcome);
}

static void a_tree_of_nothing_is_not_found(void **state)
{
    const char *const words[] = { "check", "--tree", "m/branch", NULL };
    struct outcome outcome = check(*state, words);
    expect(&outcome, 3, "");
    assert_non_null(strstr(outcome.err, "m/branch"));
    outcome_deinit(&outcome);
}

static void a_comparison_shows_only_what_differs(void **state)
{
    const char *const words[] = { "check",
                                  "--kind",
                                  "model",
                                  "--rules",
                                  "mof-1.0,osaid-1.0",
                                  "--compare",
                                  "m/branch",
                                  "m/models--acme--leaf",
                                  NULL };
    const char *const alike[] = { "check", "--compare", STINT_SOURCE_ROOT "/LICENSE",
                                  STINT_SOURCE_ROOT "/LICENSE", NULL };
    struct outcome outcome = check(*state, words);
    expect(&outcome, 4, "- m/branch\n+ m/models--acme--leaf\n");
    assert_non_null(strstr(outcome.out, " -> "));
    assert_non_null(strstr(outcome.out, "mof-1.0"));
    outcome_deinit(&outcome);
    outcome = check(*state, alike);
    expect(&outcome, 0, "osi-code");
    assert_null(strstr(outcome.out, " -> "));
    outcome_deinit(&outcome);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void all_rules_are_a_matrix_for_people(void **state)
{
    static const char *const ids[] = { "osaid-1.0", "owd-0.3", "mof-1.0", "mot", "fsf-2024" };
    const char *const words[] = { "check", "--kind",   "model",       "--rules",
                                  "all",   "m/branch", "m/acme/root", NULL };
    const char *const full[] = { "check", "--kind", "model",    "--rules",
                                 "all",   "--full", "m/branch", NULL };
    const char *const narrow[] = { "COLUMNS=40", NULL };
    struct models *models = *state;
    struct outcome outcome = check(models, words);
    expect(&outcome, 4, " branch         root");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ids); i++)
        assert_int_equal(count_of(outcome.out, ids[i]), 1);
    outcome_deinit(&outcome);
    /* A narrow screen gets one column at a time. */
    outcome = stint_run(NULL, models->folder, narrow, words);
    assert_int_equal(count_of(outcome.out, "osaid-1.0"), 2);
    outcome_deinit(&outcome);
    outcome = check(models, full);
    expect(&outcome, 4, "OSAID-");
    outcome_deinit(&outcome);
}

static void all_rules_are_results_in_json(void **state)
{
    const char *const words[] = { "check", "--kind", "model",    "--rules",
                                  "all",   "--json", "m/branch", NULL };
    struct outcome outcome = check(*state, words);
    json_t *document = json_loads(outcome.out, 0, NULL);
    const json_t *results = json_object_get(document, "results");
    expect(&outcome, 4, "");
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "stint.verdict/1");
    assert_true(json_array_size(results) >= 5);
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        assert_true(json_string_length(json_object_get(result, "rules")) > 0);
        assert_true(json_string_length(json_object_get(result, "result")) > 0);
    }
    json_decref(document);
    outcome_deinit(&outcome);
}

static size_t page_read(const struct models *models, char *page, size_t size)
{
    char name[100];
    (void)snprintf(name, sizeof(name), "%s/page.html", models->folder);
    FILE *file = fopen(name, "re");
    size_t length = file ? fread(page, 1, size - 1, file) : 0;
    page[length] = '\0';
    if (file)
        assert_int_equal(fclose(file), 0);
    return length;
}

static void a_page_is_whole_and_loads_nothing(void **state)
{
    static char page[200000];
    const char *const words[] = { "check", "--html",      "page.html", "--kind",
                                  "model", "m/acme/root", "m/branch",  NULL };
    struct outcome outcome = check(*state, words);
    expect(&outcome, 4, "root: fail\nbranch: fail\n");
    assert_true(page_read(*state, page, sizeof(page)) > 500);
    assert_non_null(strstr(page, "branch"));
    assert_non_null(strstr(page, "root"));
    assert_non_null(strstr(page, "</html>"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "<link"));
    outcome_deinit(&outcome);
}

static void a_page_is_overwritten_only_when_told(void **state)
{
    static char page[200000];
    struct models *models = *state;
    const char *const words[] = { "check", "--html", "page.html", STINT_SOURCE_ROOT "/LICENSE",
                                  NULL };
    const char *const told[] = {
        "check", "--yes", "--html", "page.html", STINT_SOURCE_ROOT "/LICENSE", NULL
    };
    put(models, "page.html", "mine");
    struct outcome outcome = check(models, words);
    expect(&outcome, 2, "");
    assert_non_null(strstr(outcome.err, "--yes"));
    (void)page_read(models, page, sizeof(page));
    assert_string_equal(page, "mine");
    outcome_deinit(&outcome);
    outcome = check(models, told);
    expect(&outcome, 0, "LICENSE: pass");
    (void)page_read(models, page, sizeof(page));
    assert_null(strstr(page, "mine"));
    assert_non_null(strstr(page, "</html>"));
    outcome_deinit(&outcome);
}

static void a_page_goes_only_to_a_plain_file(void **state)
{
    static const struct {
        const char *name;
        int status;
    } cases[] = { { "/dev/null", 2 }, { "m", 2 }, { "-", 2 }, { "link", 2 }, { "no/page", 1 } };
    struct models *models = *state;
    char link[100];
    (void)snprintf(link, sizeof(link), "%s/link", models->folder);
    assert_int_equal(symlink("page.html", link), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *const words[] = {
            "check", "--yes", "--html", cases[i].name, STINT_SOURCE_ROOT "/LICENSE", NULL
        };
        struct outcome outcome = check(models, words);
        expect(&outcome, cases[i].status, "");
        assert_non_null(strstr(outcome.err, "--html"));
        outcome_deinit(&outcome);
    }
}

static void the_worst_path_decides_the_exit_status(void **state)
{
    static const char licence[] = STINT_SOURCE_ROOT "/LICENSE";
    static const struct {
        const char *paths[3];
        int status;
        size_t verdicts;
    } cases[] = { { { licence, "m/models--acme--leaf" }, 4, 2 },
                  { { "m/models--acme--leaf", licence }, 4, 2 },
                  { { "m/models--acme--leaf", "nowhere" }, 3, 1 },
                  { { "nowhere", "m/models--acme--leaf" }, 3, 1 },
                  { { "m/models--acme--leaf", "m/empty" }, 1, 1 },
                  { { licence, "m/empty", "nowhere" }, 1, 1 } };
    struct models *models = *state;
    char empty[100];
    (void)snprintf(empty, sizeof(empty), "%s/m/empty", models->folder);
    assert_int_equal(mkdir(empty, 0755), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *const words[] = { "check",           "--json",          cases[i].paths[0],
                                      cases[i].paths[1], cases[i].paths[2], NULL };
        struct outcome outcome = check(models, words);
        json_t *document = json_loads(outcome.out, 0, NULL);
        expect(&outcome, cases[i].status, "\"stint.verdicts/1\"");
        assert_int_equal(json_array_size(json_object_get(document, "verdicts")), cases[i].verdicts);
        json_decref(document);
        outcome_deinit(&outcome);
    }
}

#define ON_MODELS(test) cmocka_unit_test_setup_teardown(test, models_setup, models_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_verbs_answer_without_a_daemon),
        cmocka_unit_test(several_paths_make_one_document),
        ON_MODELS(a_tree_shows_each_model_under_its_base),
        ON_MODELS(a_tree_of_nothing_is_not_found),
        ON_MODELS(a_comparison_shows_only_what_differs),
        ON_MODELS(all_rules_are_a_matrix_for_people),
        ON_MODELS(all_rules_are_results_in_json),
        ON_MODELS(the_worst_path_decides_the_exit_status),
        ON_MODELS(a_page_is_whole_and_loads_nothing),
        ON_MODELS(a_page_is_overwritten_only_when_told),
        ON_MODELS(a_page_goes_only_to_a_plain_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
