/* Claims about the request that options make. Each is read back by the daemon's own parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "stint/auto.h"
#include "stint/request.h"
#include "submission.h"

/* 2026-11-25T12:00:00Z */
#define NOW_MS INT64_C(1795608000000)

static char *no_environment[] = { NULL };
static char *command[] = { (char[]){ "python3" }, (char[]){ "train.py" }, NULL };

static const struct submission plain = { .words = command,
                                         .cwd = "/work/run",
                                         .home = "/home/user",
                                         .environ_ = no_environment,
                                         .now_ms = NOW_MS };

static int build_with(const struct submission *submission, const char *const *options,
                      json_t **ret_request, struct stint_error *err)
{
    static const struct verb verb = { "submit", "", "", NULL, submit_options, 0, 0, 0 };
    stint_auto(settings_deinit) struct settings settings = { 0 };
    struct args args;
    char *argv[32] = { (char[]){ "submit" } };
    int argc = 1;
    for (; options && *options; options++)
        argv[argc++] = strdup(*options);
    int r = args_parse(&verb, argc, argv, &args, err);
    if (r == 0)
        r = settings_take_args(&settings, &args, SOURCE_COMMAND_LINE, "", err);
    if (r == 0)
        r = submission_build(submission, &settings, NULL, ret_request, err);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    return r;
}

/* Each option, and the member of the request it makes (as compact JSON with sorted keys). */
static void each_option_makes_its_member(void **state)
{
    static const struct {
        const char *options[6];
        const char *path[2]; /* member, or member of a member */
        const char *json;
    } cases[] = {
        { { NULL }, { "command" }, "[\"python3\",\"train.py\"]" },
        { { NULL }, { "name" }, "\"python3\"" },
        { { NULL }, { "workdir" }, "\"/work/run\"" },
        { { "-J", "tune" }, { "name" }, "\"tune\"" },
        { { "-p", "nlp" }, { "project" }, "\"nlp\"" },
        { { "--award", "A-1" }, { "award" }, "\"A-1\"" },
        { { "--resource", "r" }, { "resource" }, "\"r\"" },
        { { "-c", "4" }, { "resources", "cpus" }, "4" },
        { { "-G", "2" }, { "resources", "gpus" }, "{\"count\":2,\"milli\":1000}" },
        { { "-G", "h200:2" },
          { "resources", "gpus" },
          "{\"count\":2,\"milli\":1000,\"type\":\"h200\"}" },
        { { "-G", "0.25" }, { "resources", "gpus" }, "{\"count\":1,\"milli\":250}" },
        { { "-G", "1", "--gpu-memory", "80G" },
          { "resources", "gpus" },
          "{\"count\":1,\"memory_bytes\":85899345920,\"milli\":1000}" },
        { { "--memory", "16G" }, { "resources", "memory_bytes" }, "17179869184" },
        { { "-t", "30" }, { "resources", "walltime_s" }, "1800" },
        { { "-t", "2h30m" }, { "resources", "walltime_s" }, "9000" },
        { { "-N", "2" }, { "resources", "nodes" }, "2" },
        { { "--locality", "strict" }, { "resources", "locality" }, "\"strict\"" },
        { { "-a", "1-10%2" }, { "array" }, "\"1-10%2\"" },
        { { "-d", "41" }, { "after" }, "[{\"job_id\":41,\"when\":\"ok\"}]" },
        { { "-d", "fail:41_0" }, { "after" }, "[{\"job_id\":41,\"task\":0,\"when\":\"fail\"}]" },
        { { "-d", "any:41,42,fail:43" },
          { "after" },
          "[{\"job_id\":41,\"when\":\"any\"},{\"job_id\":42,\"when\":\"any\"},"
          "{\"job_id\":43,\"when\":\"fail\"}]" },
        { { "--begin", "2026-12-01T08:00:00+01:00" }, { "begin" }, "\"2026-12-01T07:00:00Z\"" },
        { { "--begin", "now+2h" }, { "begin" }, "\"2026-11-25T14:00:00Z\"" },
        { { "--hold" }, { "hold" }, "true" },
        { { "--requeue" }, { "requeue" }, "true" },
        { { "--network" }, { "network" }, "true" },
        { { "--preemptible", "requeue" }, { "preemptible" }, "\"requeue\"" },
        { { "--priority=-5" }, { "priority" }, "-5" },
        { { "-o", "out.%j" }, { "output" }, "\"/work/run/out.%j\"" },
        { { "-o", "/data/out" }, { "output" }, "\"/data/out\"" },
        { { "-e", "./err" }, { "error" }, "\"/work/run/err\"" },
        { { "-D", "sub", "-o", "out" }, { "output" }, "\"/work/run/sub/out\"" },
        { { "-D", "~/x" }, { "workdir" }, "\"/home/user/x\"" },
        { { "--model", "org/base" },
          { "uses" },
          "{\"code\":[],\"datasets\":[],\"models\":[\"org/base\"]}" },
        { { "--data", "./corpus", "--data", "/d" },
          { "uses", "datasets" },
          "[\"/work/run/corpus\",\"/d\"]" },
        { { "--code", "." }, { "uses", "code" }, "[\"/work/run\"]" },
        { { "--purpose", "a talk" }, { "purpose" }, "\"a talk\"" },
        { { "--signal", "USR1@60" }, { "signal" }, "\"USR1@60\"" },
        { { "--env", "A=1", "--env", "B=x y" }, { "env" }, "{\"A\":\"1\",\"B\":\"x y\"}" },
        { { NULL }, { "env" }, "{}" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        json_t *request = NULL;
        struct stint_error err = { 0 };
        if (build_with(&plain, cases[i].options, &request, &err) != 0)
            fail_msg("%s: %s", cases[i].options[0], err.text);
        const json_t *value = json_object_get(request, cases[i].path[0]);
        if (cases[i].path[1])
            value = json_object_get(value, cases[i].path[1]);
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        assert_non_null(text);
        assert_string_equal(text, cases[i].json);
        free(text);
        stint_auto(stint_request_deinit) struct stint_request parsed = { 0 };
        if (stint_request_parse(request, &parsed, &err) != 0)
            fail_msg("%s: the daemon's parser: %s", cases[i].options[0], err.text);
        json_decref(request);
    }
}

static void a_bad_value_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *options[4];
        const char *place;
    } cases[] = {
        { { "-c", "0" }, "--cpus" },
        { { "-c", "two" }, "--cpus" },
        { { "-c", "99999999999999" }, "--cpus" },
        { { "-G", "1.5" }, "--gpus" },
        { { "-G", ":2" }, "--gpus" },
        { { "-G", "h200:" }, "--gpus" },
        { { "-G", "-1" }, "--gpus" },
        { { "--memory", "much" }, "--memory" },
        { { "--memory", "0" }, "--memory" },
        { { "-t", "0" }, "--time" },
        { { "-t", "soon" }, "--time" },
        { { "--begin", "someday" }, "--begin" },
        { { "-d", "ok:" }, "--after" },
        { { "-d", "x" }, "--after" },
        { { "-d", "41_" }, "--after" },
        { { "-d", "41_-1" }, "--after" },
        { { "-d", "41_1000001" }, "--after" },
        { { "--locality", "near" }, "--locality" },
        { { "--priority", "101" }, "--priority" },
        { { "--gpu-memory", "1G" }, "--gpu-memory" },
        { { "--pty" }, "--pty" },
        { { "--mail-user", "x" }, "--mail-user" },
        { { "--env", "1A=2" }, "--env" },
        { { "--env", "NOT_HERE" }, "--env" },
        { { "-o", "" }, "--output" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        json_t *request = NULL;
        struct stint_error err = { 0 };
        int r = build_with(&plain, cases[i].options, &request, &err);
        if (r != STINT_INVALID || !strstr(err.text, cases[i].place))
            fail_msg("%s %s: %d %s", cases[i].options[0], cases[i].options[1], r, err.text);
        assert_true(strlen(err.fix) > 0);
        assert_null(request);
    }
}

static void a_script_s_content_is_sent_with_its_arguments(void **state)
{
    struct submission submission = plain;
    char *words[] = { (char[]){ "a" }, (char[]){ "b c" }, NULL };
    json_t *request = NULL;
    stint_auto(stint_request_deinit) struct stint_request parsed = { 0 };
    (void)state;
    submission.script = "#!/bin/sh\necho\n";
    submission.script_length = strlen(submission.script);
    submission.script_name = "dir/train.sh";
    submission.words = words;
    assert_int_equal(build_with(&submission, NULL, &request, NULL), 0);
    assert_int_equal(stint_request_parse(request, &parsed, NULL), 0);
    json_decref(request);
    assert_string_equal(parsed.script, "#!/bin/sh\necho\n");
    assert_string_equal(parsed.words[1], "b c");
    assert_string_equal(parsed.name, "train.sh");
}

/* ---- the environment ---- */

static json_t *captured(const char *export_, char **environment)
{
    stint_auto(settings_deinit) struct settings settings = { 0 };
    json_t *env = NULL;
    if (export_)
        assert_int_equal(
            settings_set(&settings, SET_EXPORT, export_, SOURCE_COMMAND_LINE, "", NULL), 0);
    assert_int_equal(environment_capture(&settings, environment, NULL, &env, NULL), 0);
    return env;
}

static char *usual[] = { (char[]){ "PATH=/bin" },
                         (char[]){ "LANG=C.UTF-8" },
                         (char[]){ "HF_TOKEN=x" },
                         (char[]){ "AWS_SECRET_ACCESS_KEY=x" },
                         (char[]){ "WANDB_API_KEY=x" },
                         (char[]){ "db_password=x" },
                         (char[]){ "SSH_AUTH_SOCK=/x" },
                         (char[]){ "PWD=/x" },
                         (char[]){ "STINT_SOCKET=/x" },
                         (char[]){ "CUDA_VISIBLE_DEVICES=3" },
                         (char[]){ "BASH_FUNC_f%%=() { :; }" },
                         (char[]){ "KEYBOARD=de" },
                         (char[]){ "BROKEN=\xff" },
                         NULL };

static void credentials_and_the_login_s_own_stay_behind(void **state)
{
    json_t *env = captured(NULL, usual);
    char *text = json_dumps(env, JSON_COMPACT | JSON_SORT_KEYS);
    (void)state;
    assert_string_equal(text, "{\"KEYBOARD\":\"de\",\"LANG\":\"C.UTF-8\",\"PATH\":\"/bin\"}");
    free(text);
    json_decref(env);
}

static void export_names_exactly_what_is_passed_on(void **state)
{
    static const struct {
        const char *export_;
        const char *json;
    } cases[] = {
        { "NONE", "{}" },
        { "PATH", "{\"PATH\":\"/bin\"}" },
        { "HF_TOKEN,X=1", "{\"HF_TOKEN\":\"x\",\"X\":\"1\"}" },
        { "ALL,X=1", "{\"KEYBOARD\":\"de\",\"LANG\":\"C.UTF-8\",\"PATH\":\"/bin\",\"X\":\"1\"}" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        json_t *env = captured(cases[i].export_, usual);
        char *text = json_dumps(env, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(text, cases[i].json);
        free(text);
        json_decref(env);
    }
}

static void a_huge_environment_is_refused_not_cut(void **state)
{
    stint_auto(settings_deinit) struct settings settings = { 0 };
    char *environment[] = { malloc(300 * 1024), NULL };
    json_t *env = NULL;
    (void)state;
    assert_non_null(environment[0]);
    memset(environment[0], 'x', 300 * 1024 - 1);
    environment[0][300 * 1024 - 1] = '\0';
    memcpy(environment[0], "BIG=", 4);
    assert_int_equal(environment_capture(&settings, environment, NULL, &env, NULL),
                     STINT_TOO_LARGE);
    free(environment[0]);
}

/* ---- references ---- */

static void a_word_that_exists_is_a_path_and_others_are_names(void **state)
{
    char folder[] = "/tmp/stint-test-XXXXXX";
    char below[64];
    static const struct {
        const char *word;
        bool is_below; /* the answer is a path below the folder */
        const char *reference;
    } cases[] = {
        { "here", true, "here" },          { "./here", true, "here" },
        { "./missing", true, "missing" },  { ".", true, "" },
        { "org/base", false, "org/base" }, { "here@sha256:00", false, "here@sha256:00" },
        { "/etc", false, "/etc" },         { "~/x", false, "/nonexistent/x" },
    };
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(below, sizeof(below), "%s/here", folder);
    assert_int_equal(mkdir(below, 0700), 0);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_free) char *reference = NULL;
        char expected[128];
        (void)snprintf(expected, sizeof(expected), "%s%s%s", cases[i].is_below ? folder : "",
                       cases[i].is_below && *cases[i].reference ? "/" : "", cases[i].reference);
        assert_int_equal(reference_resolve(cases[i].word, folder, "/nonexistent", NULL, "--model",
                                           &reference, NULL),
                         0);
        assert_string_equal(reference, expected);
    }
    (void)rmdir(below);
    (void)rmdir(folder);
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_makes_its_member),
        cmocka_unit_test(a_bad_value_is_refused_with_its_place),
        cmocka_unit_test(a_script_s_content_is_sent_with_its_arguments),
        cmocka_unit_test(credentials_and_the_login_s_own_stay_behind),
        cmocka_unit_test(export_names_exactly_what_is_passed_on),
        cmocka_unit_test(a_huge_environment_is_refused_not_cut),
        cmocka_unit_test(a_word_that_exists_is_a_path_and_others_are_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
