/* Submitting over HTTP: one, many, again with the same key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_private.h"
#include "client.h"
#include "fake_rooms.h"

#define PUBLIC false
#define USER   true
#define JSON   "Content-Type: application/json\r\n"

static void one_request_is_created_and_a_list_is_judged_alone(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, USER, "POST", "/api/v1/jobs", JSON, "{\"command\":[\"true\"]}");
    assert_int_equal(answer_status(answer), 201);
    assert_string_equal(answer_body(answer), "{\"id\":1}");
    assert_non_null(strstr(answer, "Location: /api/v1/jobs/1"));
    answer = ask(f, USER, "POST", "/api/v1/jobs", JSON,
                 "[{\"command\":[\"true\"]},{\"bad\":1},{\"command\":[\"true\"]}]");
    assert_int_equal(answer_status(answer), 200);
    json_t *json = json_loads(answer_body(answer), 0, NULL);
    const json_t *results = json_object_get(json, "results");
    assert_int_equal(json_array_size(results), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 0), "id")), 2);
    assert_non_null(json_object_get(json_array_get(results, 1), "problem"));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 2), "id")), 3);
    json_decref(json);
    answer = ask(f, USER, "POST", "/api/v1/jobs", "Content-Type: application/x-ndjson\r\n",
                 "{\"command\":[\"true\"]}\n\n{x\n{\"command\":[\"true\"]}");
    json = json_loads(answer_body(answer), 0, NULL);
    results = json_object_get(json, "results");
    assert_int_equal(json_array_size(results), 3);
    assert_non_null(json_object_get(json_array_get(results, 0), "id"));
    assert_non_null(json_object_get(json_array_get(results, 1), "problem"));
    assert_non_null(json_object_get(json_array_get(results, 2), "id"));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 2), "line")), 4);
    json_decref(json);
    assert_non_null(strstr(answer, "line 3 is not JSON"));
    assert_int_equal(fake.jobs_made, 5);
    answer = ask(f, USER, "POST", "/api/v1/jobs?dry_run=true", JSON, "{\"command\":[\"true\"]}");
    assert_int_equal(answer_status(answer), 200);
    assert_int_equal(fake.jobs_made, 5);
}

/* @count requests, of which the last has no end of its line, and @blank lines without any. */
static char *lines_of(size_t count, size_t blank)
{
    static const char line[] = "{x}\n";
    char *body = malloc(count * strlen(line) + blank + 1);
    char *end = body;
    assert_non_null(body);
    for (size_t i = 0; i < blank; i++)
        *end++ = '\n';
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, line);
    end[-1] = '\0';
    return body;
}

static void every_line_counts_and_no_blank_one(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t count, blank;
        int status;
    } cases[] = { { 20001, 0, 413 }, { 1, 30000, 200 } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char *body = lines_of(cases[i].count, cases[i].blank);
        const char *answer =
            ask(f, USER, "POST", "/api/v1/jobs", "Content-Type: application/x-ndjson\r\n", body);
        assert_int_equal(answer_status(answer), cases[i].status);
        if (cases[i].status == 200)
            assert_non_null(strstr(answer, "\"line\":30001"));
        free(body);
    }
}

/* More than is read at once: @count requests, all good but the one at @bad. */
static char *many_requests(size_t count, size_t bad, const char *between, const char *first,
                           const char *last)
{
    char *body = malloc(count * 32 + 8);
    assert_non_null(body);
    char *end = stpcpy(body, first);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, i > 0 ? between : "");
        end = stpcpy(end, i == bad ? "{\"bad\":1}" : "{\"command\":[\"true\"]}");
    }
    (void)stpcpy(end, last);
    return body;
}

static void many_are_answered_each_in_its_place(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 500, BAD = 300 };
    for (int is_list = 0; is_list <= 1; is_list++) {
        char *body = is_list ? many_requests(COUNT, BAD, ",", " [", "]")
                             : many_requests(COUNT, BAD, "\n", "", "\n");
        int64_t before = (int64_t)fake.jobs_made;
        const char *answer = ask(f, USER, "POST", "/api/v1/jobs",
                                 is_list ? JSON : "Content-Type: application/x-ndjson\r\n", body);
        free(body);
        assert_int_equal(answer_status(answer), 200);
        json_t *json = json_loads(answer_body(answer), 0, NULL);
        const json_t *results = json_object_get(json, "results");
        const json_t *result;
        size_t i;
        assert_int_equal(json_array_size(results), COUNT);
        json_array_foreach(results, i, result)
        {
            int64_t id = before + 1 + (int64_t)i - (i > BAD);
            assert_int_equal(json_integer_value(json_object_get(result, "id")), i == BAD ? 0 : id);
            assert_int_equal(json_integer_value(json_object_get(result, "line")),
                             is_list ? 0 : i + 1);
            assert_int_equal(json_object_get(result, "problem") != NULL, i == BAD);
        }
        json_decref(json);
        assert_int_equal(fake.jobs_made, before + COUNT - 1);
    }
}

static void many_are_rehearsed_each_alone(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, USER, "POST", "/api/v1/jobs?dry_run=true", JSON,
                             "[{\"command\":[\"true\"]},{\"bad\":1}]");
    assert_int_equal(answer_status(answer), 200);
    assert_non_null(strstr(answer, "[{\"job\":{\"cost_micro\":1}},{\"problem\":"));
    assert_int_equal(fake.jobs_made, 0);
}

static void a_method_that_is_not_taken_is_told_which_are(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, USER, "PUT", "/api/v1/jobs", JSON, "{}");
    assert_non_null(strstr(answer, "Allow: GET, HEAD, POST\r\n"));
}

static void a_refusal_names_its_criteria_and_decision(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, USER, "POST", "/api/v1/jobs", JSON,
                             "{\"command\":[\"true\"],\"uses\":{\"models\":[\"a/b\"]}}");
    assert_int_equal(answer_status(answer), 422);
    assert_non_null(strstr(answer, "\"code\":\"ModelNotOpen\""));
    assert_non_null(strstr(answer, "\"also\":[{\"id\":\"C1\"}]"));
    assert_non_null(strstr(answer, "\"decision\":1"));
}

static void the_same_key_gives_the_same_answer(void **state)
{
    struct fixture *f = *state;
    static const char key[] = JSON "Idempotency-Key: k1\r\n";
    static const char body[] = "{\"command\":[\"true\"]}";
    assert_string_equal(answer_body(ask(f, USER, "POST", "/api/v1/jobs", key, body)), "{\"id\":1}");
    const char *again = ask(f, USER, "POST", "/api/v1/jobs", key, body);
    assert_int_equal(answer_status(again), 201);
    assert_string_equal(answer_body(again), "{\"id\":1}");
    assert_int_equal(fake.jobs_made, 1);
    again = ask(f, USER, "POST", "/api/v1/jobs", key, "{\"command\":[\"false\"]}");
    assert_int_equal(answer_status(again), 422);
    assert_non_null(strstr(again, "idempotency-key-reused"));
    assert_int_equal(fake.jobs_made, 1);
    again = ask(f, USER, "POST", "/api/v1/jobs", JSON "Idempotency-Key: a b\r\n", body);
    assert_int_equal(answer_status(again), 400);
}

static const char slow_post[] = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                "application/json\r\nIdempotency-Key: slow\r\nContent-Length: "
                                "20\r\n\r\n{\"command\":[\"true\"]}";

static void a_key_in_progress_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    char got[4096] = "";
    fake.is_admission_slow = true;
    int fd = client_connect(f, USER);
    client_send(f, fd, slow_post, sizeof(slow_post) - 1);
    for (int i = 0; i < 1000 && !fake.answer; i++)
        fixture_turn(f);
    assert_non_null(fake.answer);
    const char *second = ask(f, USER, "POST", "/api/v1/jobs", JSON "Idempotency-Key: slow\r\n",
                             "{\"command\":[\"true\"]}");
    assert_int_equal(answer_status(second), 409);
    fake_admission_answer();
    assert_true(client_until(f, fd, "{\"id\":1}", got, sizeof(got)));
    close(fd);
}

static void a_client_that_left_is_not_answered(void **state)
{
    struct fixture *f = *state;
    fake.is_admission_slow = true;
    int fd = client_connect(f, USER);
    client_send(f, fd, slow_post, sizeof(slow_post) - 1);
    for (int i = 0; i < 1000 && !fake.answer; i++)
        fixture_turn(f);
    close(fd);
    fixture_turn(f);
    fake_admission_answer(); /* the sanitizer watches */
    fixture_turn(f);
    assert_int_equal(answer_status(ask(f, USER, "GET", "/healthz", NULL, NULL)), 200);
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(one_request_is_created_and_a_list_is_judged_alone),
        OVER_HTTP(every_line_counts_and_no_blank_one),
        OVER_HTTP(many_are_answered_each_in_its_place),
        OVER_HTTP(many_are_rehearsed_each_alone),
        OVER_HTTP(a_method_that_is_not_taken_is_told_which_are),
        OVER_HTTP(a_refusal_names_its_criteria_and_decision),
        OVER_HTTP(the_same_key_gives_the_same_answer),
        OVER_HTTP(a_key_in_progress_is_a_conflict),
        OVER_HTTP(a_client_that_left_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
