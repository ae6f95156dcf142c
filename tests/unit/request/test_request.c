/* A job request: what is taken, what is refused by name, and that it survives the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stint/request.h"

static json_t *load(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        fail_msg("%s: %s", error.text, text);
    return json;
}

static int parse(const char *text, struct stint_request *request, struct stint_error *err)
{
    json_t *json = load(text);
    int r = stint_request_parse(json, request, err);
    json_decref(json);
    return r;
}

static const char full_request[] =
    "{\"name\":\"tune\",\"project\":\"nlp\",\"award\":null,\"resource\":null,"
    "\"command\":[\"python3\",\"train.py\"],\"workdir\":\"/home/user/run1\","
    "\"resources\":{\"cpus\":4,\"memory_bytes\":17179869184,\"gpus\":{\"count\":1,\"type\":"
    "\"h200\",\"milli\":1000,\"memory_bytes\":null},\"nodes\":1,\"walltime_s\":7200,"
    "\"locality\":\"prefer\"},\"uses\":{\"models\":[\"org/base@sha256:ab\"],\"datasets\":"
    "[\"org/corpus\"],\"code\":[\".\"]},\"array\":\"1-10%2\",\"after\":[{\"job_id\":41,"
    "\"when\":\"fail\"}],\"begin\":\"2026-11-25T18:00:00Z\",\"hold\":true,\"requeue\":true,"
    "\"preemptible\":\"requeue\",\"priority\":-5,\"output\":\"out-%j.txt\",\"error\":null,"
    "\"env\":{\"A\":\"1\",\"_b2\":\"x=y\"},\"signal\":\"USR1@60\",\"network\":true,"
    "\"purpose\":\"to learn\\nmore\"}";

static void the_documented_request_is_read_whole(void **state)
{
    (void)state;
    struct stint_request r = { 0 };
    assert_int_equal(parse(full_request, &r, NULL), 0);
    assert_string_equal(r.name, "tune");
    assert_string_equal(r.project, "nlp");
    assert_null(r.award);
    assert_string_equal(r.words[0], "python3");
    assert_string_equal(r.words[1], "train.py");
    assert_null(r.words[2]);
    assert_null(r.script);
    assert_int_equal(r.cpus, 4);
    assert_int_equal(r.memory_bytes, INT64_C(17179869184));
    assert_int_equal(r.gpu_count, 1);
    assert_int_equal(r.gpu_milli, 1000);
    assert_string_equal(r.gpu_type, "h200");
    assert_int_equal(r.walltime_s, 7200);
    assert_int_equal(r.use_count, 3);
    assert_int_equal(r.uses[1].kind, STINT_USE_DATASET);
    assert_string_equal(r.uses[2].reference, "/home/user/run1/.");
    assert_string_equal(r.array, "1-10%2");
    assert_int_equal(r.after[0].job, 41);
    assert_int_equal(r.after[0].when, STINT_AFTER_FAIL);
    assert_int_equal(r.begin_ms, INT64_C(1795629600000));
    assert_true(r.is_held && r.may_requeue && r.wants_network);
    assert_int_equal(r.preemptible, STINT_PREEMPTIBLE_REQUEUE);
    assert_int_equal(r.priority, -5);
    assert_string_equal(r.output, "/home/user/run1/out-%j.txt");
    assert_string_equal(r.env[1], "_b2=x=y");
    assert_int_equal(r.signal_number, 10);
    assert_int_equal(r.signal_before_s, 60);
    stint_request_deinit(&r);
}

static void one_command_is_enough_and_gets_defaults(void **state)
{
    (void)state;
    struct stint_request r = { 0 };
    assert_int_equal(parse("{\"command\":[\"true\"]}", &r, NULL), 0);
    assert_int_equal(r.cpus, 1);
    assert_int_equal(r.nodes, 1);
    assert_int_equal(r.gpu_count, 0);
    assert_int_equal(r.walltime_s, 0);
    assert_int_equal(r.locality, STINT_LOCALITY_PREFER);
    assert_null(r.name);
    stint_request_deinit(&r);
}

#define WITH(member) "{\"command\":[\"true\"]," member "}"

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int code;
        const char *names;
    } cases[] = {
        { "[]", STINT_INVALID, "object" },
        { "{}", STINT_INVALID, "neither" },
        { "{\"command\":[\"a\"],\"script\":{\"text\":\"x\"}}", STINT_INVALID, "both" },
        { "{\"script\":{\"text\":\"x\"},\"command\":[\"a\"]}", STINT_INVALID, "both" },
        { "{\"command\":[]}", STINT_INVALID, "'command'" },
        { "{\"command\":[\"\"]}", STINT_INVALID, "'command'" },
        { "{\"command\":\"true\"}", STINT_INVALID, "'command'" },
        { "{\"command\":[1]}", STINT_INVALID, "'command'" },
        { "{\"command\":[\"a\\u0000b\"]}", STINT_INVALID, "'command'" },
        { "{\"script\":{\"args\":[]}}", STINT_INVALID, "script.text" },
        { "{\"script\":{\"text\":\"a\\u0000b\"}}", STINT_INVALID, "script.text" },
        { "{\"script\":{\"sha256\":\"00\"}}", STINT_INVALID, "script.text" },
        { "{\"script\":{\"text\":\"x\",\"lang\":\"sh\"}}", STINT_UNKNOWN_FIELD, "script.lang" },
        { WITH("\"cpu\":1"), STINT_UNKNOWN_FIELD, "'cpu'" },
        { WITH("\"resources\":{\"gpu\":1}"), STINT_UNKNOWN_FIELD, "resources.gpu" },
        { WITH("\"resources\":{\"cpus\":0}"), STINT_INVALID, "resources.cpus" },
        { WITH("\"resources\":{\"cpus\":-1}"), STINT_INVALID, "resources.cpus" },
        { WITH("\"resources\":{\"cpus\":100001}"), STINT_INVALID, "resources.cpus" },
        { WITH("\"resources\":{\"cpus\":1.5}"), STINT_INVALID, "resources.cpus" },
        { WITH("\"resources\":{\"cpus\":\"4\"}"), STINT_INVALID, "resources.cpus" },
        { WITH("\"resources\":{\"memory_bytes\":9223372036854775807}"), STINT_INVALID,
          "memory_bytes" },
        { WITH("\"resources\":{\"walltime_s\":0}"), STINT_INVALID, "walltime_s" },
        { WITH("\"resources\":{\"locality\":\"near\"}"), STINT_INVALID, "strict" },
        { WITH("\"resources\":{\"gpus\":{\"count\":2,\"milli\":500}}"), STINT_INVALID, "milli" },
        { WITH("\"resources\":{\"gpus\":2}"), STINT_INVALID, "resources.gpus" },
        { WITH("\"priority\":101"), STINT_INVALID, "priority" },
        { WITH("\"name\":\"\""), STINT_INVALID, "'name'" },
        { WITH("\"name\":\"a\\nb\""), STINT_INVALID, "'name'" },
        { WITH("\"name\":\"a\\u0000b\""), STINT_INVALID, "'name'" },
        { WITH("\"workdir\":\"home\""), STINT_INVALID, "workdir" },
        { WITH("\"output\":\"o.txt\""), STINT_INVALID, "'output'" },
        { WITH("\"uses\":{\"code\":[\".\"]}"), STINT_INVALID, "'uses'" },
        { WITH("\"uses\":{\"model\":[]}"), STINT_UNKNOWN_FIELD, "uses.model" },
        { WITH("\"env\":{\"1A\":\"x\"}"), STINT_INVALID, "'1A'" },
        { WITH("\"env\":{\"A=B\":\"x\"}"), STINT_INVALID, "'A=B'" },
        { WITH("\"env\":{\"A\":1}"), STINT_INVALID, "env.A" },
        { WITH("\"begin\":\"tomorrow\""), STINT_INVALID, "'begin'" },
        { WITH("\"begin\":\"2026-11-25T18:00:00\""), STINT_INVALID, "'begin'" },
        { WITH("\"begin\":\"now+2h00000000000000Z\""), STINT_INVALID, "'begin'" },
        { WITH("\"array\":\"5-1\""), STINT_INVALID, "'array'" },
        { WITH("\"array\":\"1-1000001\""), STINT_INVALID, "'array'" },
        { WITH("\"array\":\"1,\""), STINT_INVALID, "'array'" },
        { WITH("\"array\":\"1-9:0\""), STINT_INVALID, "'array'" },
        { WITH("\"array\":\"1%0\""), STINT_INVALID, "'array'" },
        { WITH("\"after\":[{\"when\":\"ok\"}]"), STINT_INVALID, "job_id" },
        { WITH("\"after\":[41]"), STINT_INVALID, "'after'" },
        { WITH("\"signal\":\"USR1\""), STINT_INVALID, "'signal'" },
        { WITH("\"signal\":\"NOPE@60\""), STINT_INVALID, "'signal'" },
        { WITH("\"signal\":\"USR1@0\""), STINT_INVALID, "'signal'" },
        { WITH("\"hold\":1"), STINT_INVALID, "'hold'" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_request r = { 0 };
        struct stint_error err = { 0 };
        int code = parse(cases[i].json, &r, &err);
        if (code != cases[i].code || !strstr(err.text, cases[i].names))
            fail_msg("%s gave %d '%s'", cases[i].json, code, err.text);
        assert_null(r.words);
    }
}

static void boundaries_are_taken_from_inside(void **state)
{
    (void)state;
    static const char *const cases[] = {
        WITH("\"resources\":{\"cpus\":100000,\"memory_bytes\":1125899906842624}"),
        WITH("\"resources\":{\"gpus\":{\"count\":1,\"milli\":1}}"),
        WITH("\"resources\":{\"gpus\":{\"count\":10000}}"),
        WITH("\"priority\":100"),
        WITH("\"array\":\"0,3,5-9:2,1000000%1\""),
        WITH("\"begin\":\"2026-11-25T18:00:00+01:00\""),
        WITH("\"signal\":\"SIGTERM@1\""),
        WITH("\"purpose\":\"\""),
        "{\"script\":{\"text\":\"\"}}",
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_request r = { 0 };
        struct stint_error err = { 0 };
        if (parse(cases[i], &r, &err) != 0)
            fail_msg("%s refused: %s", cases[i], err.text);
        stint_request_deinit(&r);
    }
}

static void long_things_are_too_large(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        int code;
    } cases[] = { { STINT_REQUEST_NAME_MAX - 1, 0 }, { STINT_REQUEST_NAME_MAX, STINT_TOO_LARGE } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_request r = { 0 };
        char name[STINT_REQUEST_NAME_MAX + 1] = { 0 };
        memset(name, 'n', cases[i].length);
        json_t *json = json_pack("{s:[s],s:s}", "command", "true", "name", name);
        assert_int_equal(stint_request_parse(json, &r, NULL), cases[i].code);
        json_decref(json);
        stint_request_deinit(&r);
    }
    char *script = malloc(STINT_REQUEST_SCRIPT_MAX + 2);
    memset(script, 'x', STINT_REQUEST_SCRIPT_MAX + 1);
    script[STINT_REQUEST_SCRIPT_MAX + 1] = '\0';
    for (int over = 1; over >= 0; over--) {
        struct stint_request r = { 0 };
        script[STINT_REQUEST_SCRIPT_MAX + (size_t)over] = '\0';
        json_t *json = json_pack("{s:{s:s}}", "script", "text", script);
        assert_int_equal(stint_request_parse(json, &r, NULL), over ? STINT_TOO_LARGE : 0);
        json_decref(json);
        stint_request_deinit(&r);
    }
    free(script);
}

static void a_request_survives_the_store(void **state)
{
    (void)state;
    static const char *const cases[] = { full_request,
                                         "{\"script\":{\"text\":\"#!/bin/sh\\necho\\n\",\"args\":"
                                         "[\"a b\"]}}",
                                         "{\"command\":[\"true\"]}" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_request first = { 0 };
        struct stint_request second = { 0 };
        struct stint_buffer a = { 0 };
        struct stint_buffer b = { 0 };
        assert_int_equal(parse(cases[i], &first, NULL), 0);
        stint_request_write(&first, NULL, &a);
        assert_int_equal(parse(stint_buffer_text(&a), &second, NULL), 0);
        stint_request_write(&second, NULL, &b);
        assert_string_equal(stint_buffer_text(&a), stint_buffer_text(&b));
        stint_request_deinit(&first);
        stint_request_deinit(&second);
        stint_buffer_deinit(&a);
        stint_buffer_deinit(&b);
    }
}

static void a_stored_script_is_its_digest_only(void **state)
{
    (void)state;
    static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct stint_request r = { 0 };
    struct stint_buffer b = { 0 };
    assert_int_equal(parse("{\"script\":{\"text\":\"abc\",\"args\":[\"x\"]}}", &r, NULL), 0);
    stint_request_write(&r, sha, &b);
    stint_request_deinit(&r);
    assert_null(strstr(stint_buffer_text(&b), "abc"));
    json_t *json = load(stint_buffer_text(&b));
    assert_int_equal(stint_request_parse(json, &r, NULL), STINT_INVALID);
    assert_int_equal(stint_request_parse_stored(json, &r, NULL), 0);
    assert_null(r.script);
    assert_string_equal(r.words[0], "x");
    json_decref(json);
    stint_request_deinit(&r);
    stint_buffer_deinit(&b);
}

static void a_given_digest_must_be_the_texts(void **state)
{
    (void)state;
    struct stint_request r = { 0 };
    assert_int_equal(parse("{\"script\":{\"text\":\"abc\",\"sha256\":\"ba7816bf8f01cfea414140de5d"
                           "ae2223b00361a396177a9cb410ff61f20015ad\"}}",
                           &r, NULL),
                     0);
    stint_request_deinit(&r);
    assert_int_equal(parse("{\"script\":{\"text\":\"abd\",\"sha256\":\"ba7816bf8f01cfea414140de5d"
                           "ae2223b00361a396177a9cb410ff61f20015ad\"}}",
                           &r, NULL),
                     STINT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_request_is_read_whole),
        cmocka_unit_test(one_command_is_enough_and_gets_defaults),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(boundaries_are_taken_from_inside),
        cmocka_unit_test(long_things_are_too_large),
        cmocka_unit_test(a_request_survives_the_store),
        cmocka_unit_test(a_stored_script_is_its_digest_only),
        cmocka_unit_test(a_given_digest_must_be_the_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
