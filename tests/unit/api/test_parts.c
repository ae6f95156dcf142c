/* The pure parts of api/: finding routes, text from outside, names that may speak, escaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "views.h"

static void a_path_finds_its_route_and_its_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        const char *pattern; /* NULL: none */
        bool is_known;
        const char *value;
    } cases[] = {
        { "GET", "/", "/", true, NULL },
        { "GET", "/healthz", "/healthz", true, NULL },
        { "GET", "/healthz/", NULL, false, NULL },
        { "GET", "/api/v1/jobs/41", "/api/v1/jobs/{id}", true, "41" },
        { "GET", "/api/v1/jobs/41/why", "/api/v1/jobs/{id}/why", true, "41" },
        { "GET", "/api/v1/jobs/", NULL, false, NULL },
        { "GET", "/api/v1/jobs//why", NULL, false, NULL },
        { "PUT", "/api/v1/jobs", NULL, true, NULL },
        { "POST", "/healthz", NULL, true, NULL },
        { "GET", "/api/v1/artifacts/org/name", "/api/v1/artifacts/{ref...}", true, "org/name" },
        { "GET", "/api/v1/artifacts/org%2Fname", "/api/v1/artifacts/{ref...}", true, "org%2Fname" },
        { "POST", "/api/v1/artifacts/org/name/attestations",
          "/api/v1/artifacts/{ref...}/attestations", true, "org/name" },
        { "POST", "/api/v1/artifacts//attestations", NULL, true, NULL },
        { "DELETE", "/api/v1/artifacts/a/b/c", "/api/v1/artifacts/{ref...}", true, "a/b/c" },
        { "GET", "/api/v1/artifacts", "/api/v1/artifacts", true, NULL },
        { "POST", "/api/v1/awards/x/extend", "/api/v1/awards/{name}/extend", true, "x" },
        { "GET", "/api/v1/log/entry/0", "/api/v1/log/entry/{n}", true, "0" },
        { "GET", "/../etc/passwd", NULL, false, NULL },
        { "GET", "", NULL, false, NULL },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct route_params params = { 0 };
        bool is_known;
        const struct route *route = route_find(cases[i].method, cases[i].path, &params, &is_known);
        if ((route != NULL) != (cases[i].pattern != NULL) || is_known != cases[i].is_known)
            fail_msg("%s %s", cases[i].method, cases[i].path);
        if (route)
            assert_string_equal(route->pattern, cases[i].pattern);
        if (cases[i].value) {
            assert_int_equal(params.value_length[0], strlen(cases[i].value));
            assert_memory_equal(params.value[0], cases[i].value, strlen(cases[i].value));
        }
    }
}

static void only_reading_routes_are_public(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        if (strcmp(api_routes[i].method, "GET") == 0)
            assert_int_equal(api_routes[i].body_max, 0);
        else
            assert_true(api_routes[i].access > ACCESS_PUBLIC);
        assert_true(api_routes[i].body_max <= API_BODY_MAX);
        assert_true(api_routes[i].summary[0]);
    }
}

static void percent_decoding_is_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        { "a%2Fb", "a/b" }, { "a%2fb%20c", "a/b c" }, { "", "" },        { "%", NULL },
        { "%2", NULL },     { "%zz", NULL },          { "a%00b", NULL }, { "%ff", NULL },
        { "%C3%A9", "é" },  { "%ED%A0%80", NULL },    { "a+b", "a+b" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char *decoded = text_decode(cases[i].text, strlen(cases[i].text), false);
        if (!cases[i].decoded) {
            assert_null(decoded);
            continue;
        }
        assert_non_null(decoded);
        assert_string_equal(decoded, cases[i].decoded);
        free(decoded);
    }
    char *spaced = text_decode("a+b", 3, true);
    assert_string_equal(spaced, "a b");
    free(spaced);
}

static void bodies_are_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says; /* NULL: taken */
    } cases[] = {
        { "{}", NULL },
        { "", "not JSON" },
        { "{\"a\":1,\"a\":2}", "duplicate" },
        { "{\"a\":1e999}", "line 1" },
        { "{\"a\":99999999999999999999}", "too big" },
        { "{\"a\":NaN}", "line 1" },
        { "{\"a\":\"\\u0000\"}", "line 1" },
        { "{\"a\":\"\xff\"}", "UTF-8 at byte 6" },
        { "{\"a\":\n  x}", "line 2" },
        { "{} {}", "not JSON" },
        { "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", NULL },
        { "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", NULL },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_error err = { 0 };
        json_t *json = NULL;
        int r = text_json(cases[i].text, strlen(cases[i].text), 0, &json, &err);
        if ((r == 0) != (cases[i].says == NULL) ||
            (cases[i].says && !strstr(err.text, cases[i].says)))
            fail_msg("%s gave %d '%s'", cases[i].text, r, err.text);
        json_decref(json);
    }
    char deep[2 * API_JSON_DEPTH_MAX + 8];
    for (int over = 0; over < 2; over++) {
        struct stint_error err = { 0 };
        json_t *json = NULL;
        size_t depth = API_JSON_DEPTH_MAX + (size_t)over;
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        assert_int_equal(text_json(deep, 2 * depth, 0, &json, &err), over ? STINT_INVALID : 0);
        json_decref(json);
    }
}

static void names_of_others_may_not_speak(void **state)
{
    (void)state;
    static const struct {
        bool is_unix;
        bool is_write;
        const char *host;
        const char *origin;
        const char *site;
        bool is_good;
    } cases[] = {
        { false, false, "127.0.0.1:8642", NULL, NULL, true },
        { false, false, "LOCALHOST", NULL, NULL, true },
        { false, false, "[::1]:8642", NULL, NULL, true },
        { false, false, "lab.example", NULL, NULL, true },
        { false, false, "evil.example", NULL, NULL, false },
        { false, false, "localhost.evil.example", NULL, NULL, false },
        { false, false, NULL, NULL, NULL, false },
        { false, false, "", NULL, NULL, false },
        { false, false, "[::1", NULL, NULL, false },
        { true, false, "anything", NULL, NULL, true },
        { true, true, NULL, NULL, NULL, true },
        { false, true, "localhost", "http://evil.example", NULL, false },
        { false, true, "localhost", "null", NULL, false },
        { false, true, "localhost", "http://localhost:8642", NULL, true },
        { false, true, "lab.example", "https://lab.example", NULL, true },
        { false, true, "localhost", NULL, "cross-site", false },
        { false, true, "localhost", NULL, "same-origin", true },
        { false, false, "localhost", "http://evil.example", NULL, true },
        { true, true, "x", "http://evil.example", NULL, false },
    };
    struct stint_config config;
    stint_config_defaults(false, &config);
    (void)snprintf(config.hosts, sizeof(config.hosts), "stint.example, Lab.Example");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_error err = { 0 };
        int r = guard_names(&config, cases[i].is_unix, cases[i].is_write, cases[i].host,
                            cases[i].origin, cases[i].site, &err);
        if ((r == 0) != cases[i].is_good)
            fail_msg("case %zu gave %d", i, r);
    }
}

static void html_has_one_way_out(void **state)
{
    (void)state;
    struct stint_buffer out = { 0 };
    html_text(&out, "<script>alert('x')</script>&\"\x01\x1b");
    assert_string_equal(stint_buffer_text(&out),
                        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;");
    stint_buffer_deinit(&out);
    html_text(&out, NULL);
    assert_int_equal(out.length, 0);
}

static void a_problem_has_all_its_members(void **state)
{
    (void)state;
    struct stint_buffer out = { 0 };
    struct stint_error err = { 0 };
    (void)stint_fail(&err, STINT_REFUSED, "no \"openness\"");
    (void)stint_fix(&err, STINT_REFUSED, "see");
    problem_write(&out, 422, &err, STINT_REASON_ModelNotOpen, "[{\"id\":\"C1\"}]", 7);
    json_t *json = json_loads(stint_buffer_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "code")), "ModelNotOpen");
    assert_string_equal(json_string_value(json_object_get(json, "detail")), "no \"openness\"");
    assert_string_equal(json_string_value(json_object_get(json, "fix")), "see");
    assert_int_equal(json_integer_value(json_object_get(json, "decision")), 7);
    assert_int_equal(json_array_size(json_object_get(json, "also")), 1);
    assert_non_null(json_object_get(json, "params"));
    json_decref(json);
    stint_buffer_deinit(&out);
}

static void every_reason_has_a_sentence(void **state)
{
    (void)state;
    struct stint_api *api = calloc(1, sizeof(*api));
    for (int code = 1; code < STINT_REASON_COUNT; code++) {
        struct stint_buffer out = { 0 };
        struct stint_reason reason = { .code = (enum stint_reason_code)code,
                                       .account = UINT32_MAX,
                                       .asked = 4000,
                                       .used = 2000,
                                       .limit = 5000 };
        reason_sentence(api, &reason, NULL, &out);
        if (out.length == 0)
            fail_msg("%s has no sentence", stint_reason_name(reason.code));
        assert_int_equal(reason_from_name(stint_reason_name(reason.code)), code);
        if (reason.code == STINT_REASON_ProjectGpuLimit)
            assert_string_equal(stint_buffer_text(&out), "the project has 2 of 5 GPUs in use");
        stint_buffer_deinit(&out);
    }
    free(api);
}

static void only_loopback_addresses_are_out_of_reach(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_loopback;
    } cases[] = {
        { "127.0.0.1:80", true },  { "127.255.0.9:80", true },    { "[::1]:80", true },
        { "0.0.0.0:80", false },   { "10.0.0.1:80", false },      { "[::]:80", false },
        { "126.0.0.1:80", false }, { "[2001:db8::1]:80", false },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct sockaddr_storage address;
        socklen_t length;
        assert_int_equal(stint_config_address(cases[i].text, &address, &length, NULL), 0);
        if (address_is_loopback((const struct sockaddr *)&address) != cases[i].is_loopback)
            fail_msg("%s", cases[i].text);
    }
}

static void a_pace_fills_with_time_and_never_beyond_its_measure(void **state)
{
    (void)state;
    static const struct {
        uint64_t now_ms;
        int taken; /* of many that come at once */
    } cases[] = {
        { 1, 20 },              /* full from the first on */
        { 1000, 0 },            /* 999 ms later */
        { 1001, 1 },            /* a second later */
        { 3501, 2 },            /* two and a half */
        { 4001, 1 },            /* the half was kept */
        { 24001, 20 },          /* as long as it takes to be full */
        { 1000000, 20 },        /* no more after a long time */
        { UINT64_MAX / 2, 20 }, /* nothing wraps */
    };
    struct pace pace = { 0 };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        int taken = 0;
        while (taken <= 20 && pace_take(&pace, 1, 20, cases[i].now_ms))
            taken++;
        if (taken != cases[i].taken)
            fail_msg("at %llu: %d", (unsigned long long)cases[i].now_ms, taken);
    }
    struct pace fast = { 0 };
    int taken = 0;
    for (uint64_t ms = 1; ms <= 1000; ms++)
        while (pace_take(&fast, 1000, 1000, ms))
            taken++;
    assert_int_equal(taken, 1999); /* a second's measure at once, and 999 ms of filling */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_route_and_its_parameters),
        cmocka_unit_test(only_reading_routes_are_public),
        cmocka_unit_test(percent_decoding_is_whole_or_refused),
        cmocka_unit_test(bodies_are_refused_with_the_place),
        cmocka_unit_test(names_of_others_may_not_speak),
        cmocka_unit_test(html_has_one_way_out),
        cmocka_unit_test(a_problem_has_all_its_members),
        cmocka_unit_test(every_reason_has_a_sentence),
        cmocka_unit_test(only_loopback_addresses_are_out_of_reach),
        cmocka_unit_test(a_pace_fills_with_time_and_never_beyond_its_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
