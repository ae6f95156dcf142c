/* The room over real sockets: what the world sees, what it never sees, and what it may not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_private.h"
#include "client.h"
#include "fake_rooms.h"

#define PUBLIC false
#define USER   true
#define JSON   "Content-Type: application/json\r\n"

/* ---- bad input ---- */

static void bad_requests_are_answered_by_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *method;
        const char *path;
        const char *headers;
        const char *body;
        int status;
        const char *says;
    } cases[] = {
        { "POST", "/api/v1/jobs", JSON, "", 400, "not JSON" },
        { "POST", "/api/v1/jobs", JSON, "{", 400, "line 1" },
        { "POST", "/api/v1/jobs", JSON, "{\"command\":[\"a\"],\"x\":1}", 400, "unknown field 'x'" },
        { "POST", "/api/v1/jobs", JSON, "3", 400, "not JSON" },
        { "POST", "/api/v1/jobs", JSON, "{\"command\":[\"a\"]}\n{x\n", 400,
          "application/x-ndjson" },
        { "POST", "/api/v1/jobs", "Content-Type: text/xml\r\n", "{}", 415, "text/xml" },
        { "POST", "/api/v1/jobs", "Content-Type: application/jsonx\r\n", "{}", 415, "jsonx" },
        { "POST", "/api/v1/jobs", JSON "Content-Encoding: gzip\r\n", "{}", 415, "gzip" },
        { "POST", "/api/v1/jobs", "Content-Type: Application/JSON; charset=utf-8\r\n", "{", 400,
          "not JSON" },
        { "POST", "/api/v1/jobs?x=1", JSON, "{}", 400, "parameter 'x'" },
        { "POST", "/api/v1/jobs?dry_run=%zz", JSON, "{}", 400, "dry_run" },
        { "GET", "/api/v1/jobs/abc", NULL, NULL, 404, "abc" },
        { "GET", "/api/v1/jobs/0", NULL, NULL, 404, "no job '0'" },
        { "GET", "/api/v1/jobs/99999999999999999999", NULL, NULL, 404, "no job" },
        { "GET", "/api/v1/jobs/1_", NULL, NULL, 404, "no job '1_'" },
        { "GET", "/api/v1/jobs/1_%5B3-1%5D", NULL, NULL, 404, "no job" },
        { "GET", "/api/v1/jobs/1_4", NULL, NULL, 404, "no task 1_4" },
        { "GET", "/api/v1/jobs/%00", NULL, NULL, 400, "malformed" },
        { "GET", "/api/v1/jobs?after=zz", NULL, NULL, 400, "cursor" },
        { "GET", "/api/v1/jobs?limit=0", NULL, NULL, 400, "limit" },
        { "GET", "/api/v1/jobs?limit=1001", NULL, NULL, 400, "limit" },
        { "GET", "/api/v1/jobs?state=asleep", NULL, NULL, 400, "state" },
        { "GET", "/api/v1/jobs?project=none", NULL, NULL, 404, "none" },
        { "GET", "/api/v1/jobs?mine=maybe", NULL, NULL, 400, "mine" },
        { "GET", "/api/v1/jobs?limit=1&limit=2", NULL, NULL, 400, "twice" },
        { "GET", "/api/v1/jobs?since=2026-02-01&until=2026-01-01", NULL, NULL, 400, "later" },
        { "GET", "/api/v1/queue?state=zzz", NULL, NULL, 400, "one of: pending" },
        { "GET", "/api/v1/queue?project=none", NULL, NULL, 404, "none" },
        { "GET", "/api/v1/artifacts?kind=zzz", NULL, NULL, 400, "one of: model" },
        { "GET", "/api/v1/awards?project=none", NULL, NULL, 404, "none" },
        { "GET", "/api/v1/projects/default/usage?since=2026-02-01&until=2026-01-01", NULL, NULL,
          400, "later" },
        { "GET", "/api/v1/jobs/1?wait_s=61", NULL, NULL, 400, "wait_s" },
        { "GET", "/api/v1/jobs/1/output?stream=x", NULL, NULL, 400, "stderr" },
        { "GET", "/api/v1/nodes/none", NULL, NULL, 404, "none" },
        { "GET", "/nothing", NULL, NULL, 404, "/nothing" },
        { "POST", "/api/v1/jobs", JSON "Content-Length: 9\r\n", "{}", 400, "told twice" },
        { "POST", "/api/v1/jobs", JSON "Transfer-Encoding: chunked\r\n", "{}", 400, "told twice" },
        { "PUT", "/api/v1/jobs", JSON, "{}", 405, "PUT" },
        { "PATCH", "/api/v1/jobs/1", JSON, "{\"priority\":101}", 400, "priority" },
        { "PATCH", "/api/v1/jobs/1", JSON, "{\"name\":\"x\"}", 400, "unknown field 'name'" },
        { "PATCH", "/api/v1/jobs/1", JSON "If-Match: \"x\"\r\n", "{\"priority\":1}", 412,
          "changed" },
        { "DELETE", "/api/v1/jobs/1", "If-Match: \"x\"\r\n", NULL, 412, "changed" },
        { "POST", "/api/v1/jobs/1/hold", "If-Match: \"x\"\r\n", NULL, 412, "changed" },
        { "POST", "/api/v1/jobs/1/hold", JSON, "{\"why\":1}", 400, "unknown field 'why'" },
        { "POST", "/api/v1/artifacts", JSON, "{\"path\":\"x\",\"name\":\"a/b\"}", 400, "absolute" },
        { "POST", "/api/v1/artifacts", JSON, "{\"path\":\"/x\"}", 400, "'name'" },
        { "POST", "/api/v1/check", JSON, "{\"path\":\"/x\",\"kind\":\"z\"}", 400, "'kind'" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *answer =
            ask(f, USER, cases[i].method, cases[i].path, cases[i].headers, cases[i].body);
        if (answer_status(answer) != cases[i].status || !strstr(answer, cases[i].says))
            fail_msg("%s %s %s: %.600s", cases[i].method, cases[i].path,
                     cases[i].body ? cases[i].body : "", answer);
        assert_non_null(strstr(answer, "application/problem+json"));
    }
    assert_int_equal(fake.jobs_made, 0);
}

static void too_large_bodies_are_refused_before_they_are_kept(void **state)
{
    struct fixture *f = *state;
    static char body[API_BODY_SMALL + 2];
    memset(body, ' ', API_BODY_SMALL + 1);
    const char *answer = ask(f, USER, "POST", "/api/v1/jobs/1/hold", JSON, body);
    assert_int_equal(answer_status(answer), 413);
    body[API_BODY_SMALL] = '\0';
    answer = ask(f, USER, "POST", "/api/v1/jobs/1/hold", JSON, body);
    assert_int_equal(answer_status(answer), 400);
}

static void a_body_that_does_not_say_its_length_is_bounded_too(void **state)
{
    struct fixture *f = *state;
    static const char head[] =
        "POST /api/v1/jobs/1/hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    static char chunk[0x1000 + 8];
    char got[4096] = "";
    int fd = client_connect(f, USER);
    client_send(f, fd, head, sizeof(head) - 1);
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'x', 0x1000);
    memcpy(chunk + 6 + 0x1000, "\r\n", 2);
    for (int i = 0; i < 20; i++)
        client_send(f, fd, chunk, sizeof(chunk));
    client_send(f, fd, "0\r\n\r\n", 5);
    (void)client_until(f, fd, NULL, got, sizeof(got));
    assert_int_equal(answer_status(got), 413);
    close(fd);
}

static void other_names_and_other_pages_may_not_speak(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/", "Host: evil.example\r\n", NULL)),
                     403);
    assert_int_equal(answer_status(ask(f, USER, "POST", "/api/v1/jobs/1/hold",
                                       JSON "Origin: http://evil.example\r\n", "{}")),
                     403);
    assert_int_equal(fake.acts, 0);
}

/* Asks until it is answered @status; NULL when it never is. */
static const char *ask_until(struct fixture *f, bool who, const char *headers, int status)
{
    for (int i = 0; i < 1000; i++) {
        const char *answer = ask(f, who, "GET", "/api/v1/queue", headers, NULL);
        if (answer_status(answer) == status)
            return answer;
    }
    return NULL;
}

static void who_asks_too_often_over_tcp_is_told_to_wait(void **state)
{
    struct fixture *f = *state;
    f->config.requests_per_s = 1;
    const char *answer = ask_until(f, PUBLIC, NULL, 429);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"code\":\"too-often\""));
    assert_non_null(strstr(answer, "Retry-After: 1\r\n"));
    for (int i = 0; i < 100; i++) /* the socket has no such bound */
        assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/queue", NULL, NULL)), 200);
    f->config.requests_per_s = 0;
    assert_null(ask_until(f, PUBLIC, NULL, 429));
}

static void wrong_tokens_are_bounded_and_good_ones_are_not(void **state)
{
    struct fixture *f = *state;
    static const char wrong[] = "Authorization: Bearer stint_0\r\n";
    static const char good[] = "Authorization: Bearer " FAKE_TOKEN "\r\n";
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/queue", good, NULL)), 200);
    for (int i = 0; i < PACE_WRONG_AT_ONCE; i++)
        assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/queue", wrong, NULL)), 401);
    const char *answer = ask_until(f, PUBLIC, wrong, 429);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"code\":\"too-often\""));
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/queue", good, NULL)), 200);
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/queue", wrong, NULL)), 401);
}

static void a_thousand_idle_connections_do_not_stop_the_next(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit;
    int fds[1000];
    size_t count = STINT_ARRAY_SIZE(fds);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * count + 100)
        skip(); /* both ends are ours */
    for (size_t i = 0; i < count; i++) {
        fds[i] = client_connect(f, USER);
        assert_true(fds[i] >= 0);
        if (i % 64 == 0)
            fixture_turn(f);
    }
    assert_int_equal(answer_status(ask(f, USER, "GET", "/healthz", NULL, NULL)), 200);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    fixture_turn(f);
}

/* ---- durability ---- */

static void pending_ask(struct fixture *f, int *ret_fd, const char *path)
{
    char request[200];
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    fake.is_pending = true;
    *ret_fd = client_connect(f, USER);
    client_send(f, *ret_fd, request, (size_t)length);
    for (int i = 0; i < 1000 && !fake.effect; i++)
        fixture_turn(f);
    assert_non_null(fake.effect);
}

static void a_read_waits_until_what_it_shows_is_durable(void **state)
{
    struct fixture *f = *state;
    char got[8192] = "";
    char nothing[8];
    int fd;
    pending_ask(f, &fd, "/api/v1/queue");
    assert_true(recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT) < 0);
    fake_commit(0);
    assert_true(client_until(f, fd, "stint.queue/1", got, sizeof(got)));
    close(fd);
}

static void a_failed_commit_shows_nothing(void **state)
{
    struct fixture *f = *state;
    char got[8192] = "";
    int fd;
    pending_ask(f, &fd, "/api/v1/queue");
    fake_commit(-5);
    assert_true(client_until(f, fd, "read-only", got, sizeof(got)));
    assert_int_equal(answer_status(got), 503);
    assert_null(strstr(got, "stint.queue/1"));
    close(fd);
}

static void a_read_only_daemon_refuses_writes_and_answers_reads(void **state)
{
    struct fixture *f = *state;
    stint_api_set_read_only(f->api, true, "the disk is full");
    const char *answer = ask(f, USER, "POST", "/api/v1/jobs", JSON, "{\"command\":[\"true\"]}");
    assert_int_equal(answer_status(answer), 503);
    assert_non_null(strstr(answer, "the disk is full"));
    assert_non_null(strstr(answer, "Retry-After"));
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/queue", NULL, NULL)), 200);
    stint_api_set_read_only(f->api, false, NULL);
    assert_int_equal(
        answer_status(ask(f, USER, "POST", "/api/v1/jobs", JSON, "{\"command\":[\"true\"]}")), 201);
}

static void stopping_answers_who_waits(void **state)
{
    struct fixture *f = *state;
    char got[8192] = "";
    int fd;
    pending_ask(f, &fd, "/api/v1/queue");
    f->api = stint_api_free(f->api);
    (void)client_until(f, fd, "stopping", got, sizeof(got));
    assert_int_equal(answer_status(got), 503);
    fake_commit(0); /* the effect comes after the room is gone */
    close(fd);
}

/* ---- waiting, events, output ---- */

static void a_wait_ends_with_the_job(void **state)
{
    struct fixture *f = *state;
    char got[8192] = "";
    static const char request[] = "GET /api/v1/jobs/1?wait_s=30 HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = client_connect(f, USER);
    client_send(f, fd, request, sizeof(request) - 1);
    fixture_turn(f);
    struct stint_event_row event = { .id = 11, .kind = "run.end", .job = 1 };
    stint_api_on_event(f->api, &event); /* something happened, but it runs on */
    fixture_turn(f);
    assert_true(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0);
    fake.is_job_done = true;
    event.id = 12;
    stint_api_on_event(f->api, &event);
    assert_true(client_until(f, fd, "\"state\":\"done\"", got, sizeof(got)));
    close(fd);
}

static void events_replay_and_go_on_without_names(void **state)
{
    struct fixture *f = *state;
    static char got[65536];
    static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                                  "Last-Event-ID: 7\r\n\r\n";
    got[0] = '\0';
    int fd = client_connect(f, PUBLIC);
    client_send(f, fd, request, sizeof(request) - 1);
    assert_true(client_until(f, fd, "id: 10\n", got, sizeof(got)));
    assert_null(strstr(got, "id: 7\n"));
    fixture_turn(f);
    struct stint_event_row event = {
        .id = 11, .kind = "job.start", .job = 2, .actor = SEED "user", .payload = SEED
    };
    stint_api_on_event(f->api, &event);
    assert_true(client_until(f, fd, "id: 11\n", got, sizeof(got)));
    assert_null(strstr(got, SEED));
    close(fd);
    fixture_turn(f);
}

static void an_event_id_that_was_never_given_listens_from_now_on(void **state)
{
    struct fixture *f = *state;
    char got[4096] = "";
    static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                                  "Last-Event-ID: 999999\r\n\r\n";
    int fd = client_connect(f, PUBLIC);
    client_send(f, fd, request, sizeof(request) - 1);
    assert_true(client_until(f, fd, "retry:", got, sizeof(got)));
    struct stint_event_row event = { .id = 11, .kind = "job.start", .job = 2 };
    stint_api_on_event(f->api, &event);
    assert_true(client_until(f, fd, "id: 11\n", got, sizeof(got)));
    close(fd);
    fixture_turn(f);
}

static void output_is_given_and_followed_to_its_end(void **state)
{
    struct fixture *f = *state;
    char got[8192] = "";
    static const char request[] = "GET /api/v1/jobs/1/output?follow=1&offset=6 HTTP/1.1\r\n"
                                  "Host: x\r\nConnection: close\r\n\r\n";
    assert_non_null(
        strstr(ask(f, USER, "GET", "/api/v1/jobs/5/output", NULL, NULL), "hello output\n"));
    int fd = client_connect(f, USER);
    client_send(f, fd, request, sizeof(request) - 1);
    assert_true(client_until(f, fd, "output\n", got, sizeof(got)));
    assert_null(strstr(got, "hello"));
    close(fd);
    fixture_turn(f);
}

/* ---- lists and descriptions ---- */

static void a_list_goes_on_where_its_cursor_says(void **state)
{
    struct fixture *f = *state;
    char path[128] = "/api/v1/jobs?limit=3";
    uint64_t expected = 9;
    for (int page = 0; page < 3; page++) {
        const char *answer = ask(f, USER, "GET", path, NULL, NULL);
        json_t *json = json_loads(answer_body(answer), 0, NULL);
        const json_t *jobs = json_object_get(json, "jobs");
        const char *next = json_string_value(json_object_get(json, "next"));
        for (size_t i = 0; i < json_array_size(jobs); i++)
            assert_int_equal(json_integer_value(json_object_get(json_array_get(jobs, i), "id")),
                             expected--);
        assert_int_equal(next != NULL, page < 2);
        assert_int_equal(strstr(answer, "rel=\"next\"") != NULL, page < 2);
        (void)snprintf(path, sizeof(path), "/api/v1/jobs?limit=3&after=%s", next ? next : "");
        json_decref(json);
    }
    assert_int_equal(expected, 2);
}

static void an_etag_spares_the_second_answer(void **state)
{
    struct fixture *f = *state;
    char headers[80] = "If-None-Match: ";
    const char *answer = ask(f, PUBLIC, "GET", "/api/v1/nodes", NULL, NULL);
    const char *etag = strstr(answer, "ETag: ");
    assert_non_null(etag);
    (void)snprintf(headers + 15, sizeof(headers) - 15, "%.22s\r\n", etag + 6);
    answer = ask(f, PUBLIC, "GET", "/api/v1/nodes", headers, NULL);
    assert_int_equal(answer_status(answer), 304);
    assert_string_equal(answer_body(answer), "");
}

static void the_description_has_every_route(void **state)
{
    struct fixture *f = *state;
    json_t *json =
        json_loads(answer_body(ask(f, PUBLIC, "GET", "/api/v1/openapi.json", NULL, NULL)), 0, NULL);
    const json_t *paths = json_object_get(json, "paths");
    assert_non_null(paths);
    for (size_t i = 0; i < api_route_count; i++) {
        char path[128];
        char method[8] = "";
        char *dots;
        (void)snprintf(path, sizeof(path), "%s", api_routes[i].pattern);
        if ((dots = strstr(path, "...}")))
            memmove(dots, dots + 3, strlen(dots + 3) + 1);
        for (size_t k = 0; api_routes[i].method[k]; k++)
            method[k] = (char)(api_routes[i].method[k] | 0x20);
        if (!json_object_get(json_object_get(paths, path), method))
            fail_msg("%s %s is not described", method, path);
    }
    json_decref(json);
}

static void metrics_end_as_openmetrics_say(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, PUBLIC, "GET", "/metrics", NULL, NULL);
    size_t length = strlen(answer);
    assert_string_equal(answer + length - 6, "# EOF\n");
    assert_non_null(strstr(answer, "stint_jobs{state=\"running\"} 1\n"));
    assert_non_null(strstr(answer, "stint_unstarted_jobs{reason=\"UserJobLimit\"} 1\n"));
    assert_non_null(strstr(answer, "stint_allocated_cores 2\n"));
    assert_non_null(strstr(answer, "stint_nodes{state=\"draining\"} 1\n"));
}

static void log_entries_come_as_they_are_stored(void **state)
{
    struct fixture *f = *state;
    json_t *json = json_loads(
        answer_body(ask(f, PUBLIC, "GET", "/api/v1/log/entries?after=1&limit=2", NULL, NULL)), 0,
        NULL);
    const json_t *entries = json_object_get(json, "entries");
    assert_int_equal(json_array_size(entries), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(entries, 0), "seq")), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 0), "entry")),
                        "{\"n\":0}");
    json_decref(json);
    assert_string_equal(answer_body(ask(f, PUBLIC, "GET", "/api/v1/log/entry/0", NULL, NULL)),
                        "{\"n\":0}");
}

static void a_second_daemon_does_not_take_the_socket(void **state)
{
    struct fixture *f = *state;
    struct stint_error err = { 0 };
    struct stint_config config = f->config;
    struct stint_api *second = NULL;
    config.listen[0] = '\0';
    struct stint_api_options options = { .loop = &f->loop, .config = &config };
    assert_int_equal(stint_api_new(&options, &second, &err), STINT_CONFLICT);
    assert_non_null(strstr(err.text, "another daemon answers"));
    assert_int_equal(answer_status(ask(f, USER, "GET", "/healthz", NULL, NULL)), 200);
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(bad_requests_are_answered_by_name),
        OVER_HTTP(too_large_bodies_are_refused_before_they_are_kept),
        OVER_HTTP(a_body_that_does_not_say_its_length_is_bounded_too),
        OVER_HTTP(other_names_and_other_pages_may_not_speak),
        OVER_HTTP(who_asks_too_often_over_tcp_is_told_to_wait),
        OVER_HTTP(wrong_tokens_are_bounded_and_good_ones_are_not),
        OVER_HTTP(a_thousand_idle_connections_do_not_stop_the_next),
        OVER_HTTP(a_read_waits_until_what_it_shows_is_durable),
        OVER_HTTP(a_failed_commit_shows_nothing),
        OVER_HTTP(a_read_only_daemon_refuses_writes_and_answers_reads),
        OVER_HTTP(stopping_answers_who_waits),
        OVER_HTTP(a_wait_ends_with_the_job),
        OVER_HTTP(events_replay_and_go_on_without_names),
        OVER_HTTP(an_event_id_that_was_never_given_listens_from_now_on),
        OVER_HTTP(output_is_given_and_followed_to_its_end),
        OVER_HTTP(a_list_goes_on_where_its_cursor_says),
        OVER_HTTP(an_etag_spares_the_second_answer),
        OVER_HTTP(the_description_has_every_route),
        OVER_HTTP(metrics_end_as_openmetrics_say),
        OVER_HTTP(log_entries_come_as_they_are_stored),
        OVER_HTTP(a_second_daemon_does_not_take_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
