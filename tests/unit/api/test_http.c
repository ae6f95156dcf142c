/* The room over real sockets: what the world sees, what it never sees, and what it may not do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_private.h"
#include "client.h"
#include "fake_rooms.h"
#include "stint/scheduler.h"
#include "stint/store_rows.h"

#define PUBLIC false
#define USER   true
#define JSON   "Content-Type: application/json\r\n"

/* ---- invariant 10 ---- */

/* The pattern with something in each place. */
static void fill(const char *pattern, char *path)
{
    while (*pattern) {
        if (*pattern != '{') {
            *path++ = *pattern++;
            continue;
        }
        const char *value = strncmp(pattern, "{ref", 4) == 0     ? "org/open"
                            : strncmp(pattern, "{name}", 6) == 0 ? "node0"
                            : strstr(pattern, "{n}") == pattern  ? "0"
                                                                 : "1";
        path = stpcpy(path, value);
        pattern += strcspn(pattern, "}") + 1;
    }
    *path = '\0';
}

static void no_public_route_shows_a_seeded_name(void **state)
{
    struct fixture *f = *state;
    int seen = 0;
    for (size_t i = 0; i < api_route_count; i++) {
        char path[256];
        const struct route *route = &api_routes[i];
        if (route->access != ACCESS_PUBLIC || strstr(route->pattern, "/events"))
            continue;
        fill(route->pattern, path);
        const char *answer = ask(f, PUBLIC, "GET", path, NULL, NULL);
        if (answer_status(answer) != 200)
            fail_msg("%s answered %.300s", path, answer);
        if (strstr(answer, SEED))
            fail_msg("%s shows %.80s", path, strstr(answer, SEED) - 40);
        assert_true(answer_body(answer)[0]);
        seen++;
    }
    assert_true(seen > 25);
}

static void a_verdict_of_a_private_folder_is_not_public(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/verdicts/2", NULL, NULL)), 404);
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/verdicts/2", NULL, NULL)), 200);
}

static void a_user_sees_own_jobs_whole_and_others_as_public(void **state)
{
    struct fixture *f = *state;
    static const char *const private[] = { SEED "job", SEED "command", "/" SEED "/dir" };
    const char *own = ask(f, USER, "GET", "/api/v1/jobs/1", NULL, NULL);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(private); i++)
        assert_non_null(strstr(own, private[i]));
    assert_null(strstr(ask(f, USER, "GET", "/api/v1/jobs/2", NULL, NULL), SEED));
    assert_null(strstr(ask(f, USER, "GET", "/api/v1/jobs/2/why", NULL, NULL), SEED));
    /* Of the history, 4242's jobs have even ids. */
    assert_null(strstr(ask(f, USER, "GET", "/api/v1/jobs/4", NULL, NULL), SEED));
    assert_non_null(strstr(ask(f, USER, "GET", "/api/v1/jobs/5", NULL, NULL), SEED));
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/jobs/4/output", NULL, NULL)), 404);
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/jobs?user=x", NULL, NULL)), 403);
}

static void strangers_and_users_stay_outside(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < api_route_count; i++) {
        char path[256];
        const struct route *route = &api_routes[i];
        fill(route->pattern, path);
        if (route->access > ACCESS_PUBLIC)
            assert_int_equal(answer_status(ask(f, PUBLIC, route->method, path, JSON, "{}")), 401);
        if (route->access == ACCESS_OPERATOR)
            assert_int_equal(answer_status(ask(f, USER, route->method, path, JSON, "{}")), 403);
    }
    assert_int_equal(fake.acts, 0);
}

static void the_page_escapes_what_it_shows(void **state)
{
    struct fixture *f = *state;
    const char *page = ask(f, PUBLIC, "GET", "/", NULL, NULL);
    assert_non_null(strstr(page, "Content-Security-Policy: default-src 'none'"));
    assert_non_null(strstr(page, "&lt;nlp&gt;"));
    assert_non_null(strstr(page, "&lt;Lab&gt;"));
    assert_null(strstr(page, "<nlp>"));
    assert_null(strstr(page, "<b>open"));
    assert_null(strstr(page, "style=\""));
    assert_non_null(strstr(page, "2 of 4 cores held"));
    assert_non_null(
        strstr(page, "Reserved: 2 cores for project &lt;nlp&gt;, now until 2026-05-25"));
    assert_non_null(strstr(page, "(node0: a &lt;course&gt;)"));
    assert_non_null(strstr(page, "Takes no new jobs since 2026-05-25 12:00:00 +0000: new &lt;fan"));
    assert_non_null(strstr(page, "used 2.50, held 1.00 of 10.00 core-hours"));
    assert_non_null(strstr(page, "test.example/log"));
}

/* ---- why ---- */

static void a_reason_says_its_figures_in_words_and_units_of_people(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct stint_reason reason;
        const char *kind;
        const char *award_state;
        const char *says[6];
    } cases[] = {
        { { STINT_REASON_PeriodLimit, 2, 0, 3600000, 37032, 3600000, 0, FAKE_HOURS_OF_A_DAY, 0, 0 },
          "project",
          NULL,
          { "the project <nlp> has used 0.01 of 1.00 GPU-hours of this day, and the job may take "
            "1.00, until ",
            "\"unit\":\"GPU-hours\"", "\"asked\":1,", "\"limit\":1,", "\"period\":\"day\"",
            "\"until\":\"2026-11-26T" } },
        { { STINT_REASON_PeriodLimit, 2, 0, 7200000, 0, 3600000, 0, FAKE_HOURS_OF_A_DAY, 0, 0 },
          "project",
          NULL,
          { "it may take 2.00 GPU-hours, more than the ceiling of 1.00 a day of the project "
            "<nlp>\"",
            "\"fix\":\"ask for at most 1.00 GPU-hours" } },
        { { STINT_REASON_PeriodLimit, 2, 0, 1080000, 3060000, 3600000, 0, FAKE_HOURS_OF_A_DAY,
            2988000, 0 },
          "project",
          NULL,
          { "has used 0.02, and running jobs hold 0.83, of 1.00 GPU-hours of this day, and the job "
            "may take 0.30, until ",
            " or a running job's end", "\"held\":0.83" } },
        { { STINT_REASON_ProjectCoreLimit, 2, 0, 2, 0, 1, 0, 0, 0, 0 },
          "project",
          NULL,
          { "it asks for 2 cores, more than the ceiling of 1 of the project <nlp>",
            "\"fix\":\"ask for at most 1 core,", "\"unit\":\"cores\"" } },
        { { STINT_REASON_ProjectGpuLimit, 2, 0, 2000, 0, 1000, 0, 0, 0, 0 },
          "project",
          NULL,
          { "it asks for 2 GPUs, more than", "ask for at most 1 GPU,", "\"unit\":\"GPUs\"",
            "\"asked\":2,", "\"limit\":1," } },
        { { STINT_REASON_ProjectGpuLimit, 2, 0, 1000, 1500, 2000, 0, 0, 0, 0 },
          "project",
          NULL,
          { "the project <nlp> has 1.5 of 2 GPUs in use", "\"used\":1.5", "running job's end" } },
        { { STINT_REASON_ProjectMemoryLimit, 2, 0, INT64_C(4) << 30, 0, INT64_C(1) << 30, 0, 0, 0,
            0 },
          "project",
          NULL,
          { "it asks for 4.0 GiB of memory, more than the ceiling of 1.0 GiB of the" } },
        { { STINT_REASON_UserJobLimit, 3, 0, 1, 1, 1, 0, 0, 0, 0 },
          NULL,
          NULL,
          { "the user has 1 of 1 running job in use" } },
        { { STINT_REASON_BalanceHeld, 4, 0, 333334, 333334, 500000, 0, 0, 0, 0 },
          "award",
          NULL,
          { "asks 0.333334; 0.333334 of 0.50 core-hours taken", "\"asked\":0.333334",
            "\"unit\":\"core-hours\"" } },
        { { STINT_REASON_NoAward, UINT32_MAX, 0, 5, 0, 0, 0, 0, 0, 0 },
          NULL,
          "revoked",
          { "the award 2026-001 was revoked", "\"fix\":\"ask the operator for another award\"" } },
        { { STINT_REASON_AwardExpired, 4, 0, 5, 0, 0, 0, 0, 0, 0 },
          "award",
          NULL,
          { "the award 2026-001 ended on ", "\"award\":\"2026-001\"",
            "\"ends\":\"2026-11-25T18:01:00Z\"" } },
        { { STINT_REASON_AwardNotStarted, 4, 0, 5, 0, 0, 1795629660000, 0, 0, 0 },
          "award",
          NULL,
          { "the award 2026-001 has not begun, until ", "\"award\":\"2026-001\"",
            "it goes on by itself then" } },
        { { STINT_REASON_DependencyFailed, UINT32_MAX, 0, 41, 0, 0, 0, 0, 0, 0 },
          NULL,
          NULL,
          { "job 41, which it waits for, did not end as asked", "\"params\":{\"job\":41}" } },
        { { STINT_REASON_Reserved, UINT32_MAX, 8, 0, 0, 0, 1779714000000, 0, 0, 0 },
          NULL,
          NULL,
          { "it would run into the reservation node0, until ", "\"reservation\":\"node0\"",
            "\"starts_now_with\":[\"--gpus h200:2\"]" } },
        { { STINT_REASON_Reserved, UINT32_MAX, 7, 0, 0, 0, 1779714000000, 0, 0, 0 },
          NULL,
          NULL,
          { "the reservation node0 keeps what it needs, until ", "\"fix\":null" } },
        { { .code = STINT_REASON_Capacity,
            .account = UINT32_MAX,
            .asked = 500,
            .used = 2400,
            .limit = 4000,
            .what = STINT_LIMIT_GPU_MILLI + 1 },
          NULL,
          NULL,
          { "not enough GPUs are free (asks 0.5; 2.4 of 4 taken)",
            "\"asked\":0.5,\"used\":2.4,\"limit\":4,\"unit\":\"GPUs\"" } },
        { { .code = STINT_REASON_Capacity,
            .account = UINT32_MAX,
            .asked = 2,
            .used = 2,
            .limit = 8,
            .kept = 6,
            .what = STINT_LIMIT_CORES + 1 },
          NULL,
          NULL,
          { "not enough cores are free beside those that are kept for free GPUs (asks 2; 2 of 8 "
            "taken, 6 kept)",
            "\"kept\":6,\"unit\":\"cores\"" } },
        { { .code = STINT_REASON_Fragmented,
            .account = UINT32_MAX,
            .asked = INT64_C(3) << 30,
            .used = INT64_C(4) << 30,
            .limit = INT64_C(8) << 30,
            .what = STINT_LIMIT_MEMORY + 1 },
          NULL,
          NULL,
          { "enough memory is free, but not in one place (asks 3.0 GiB; 4.0 GiB of 8.0 GiB taken)",
            "\"unit\":\"bytes\"" } },
        { { STINT_REASON_UserJobLimit, 3, 0, 1, 0, 0, 0, 0, 0, 0 },
          NULL,
          NULL,
          { "\"fix\":\"have the ceiling raised" } },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fake.reason = cases[i].reason;
        fake.account_kind = cases[i].kind;
        fake.account_name =
            cases[i].kind && strcmp(cases[i].kind, "award") == 0 ? "2026-001" : "<nlp>";
        fake.award_state = cases[i].award_state;
        fake.award = cases[i].award_state ? 1 : 0;
        const char *answer = ask(f, USER, "GET", "/api/v1/jobs/2/why", NULL, NULL);
        for (size_t k = 0; k < STINT_ARRAY_SIZE(cases[i].says) && cases[i].says[k]; k++)
            if (!strstr(answer, cases[i].says[k]))
                fail_msg("%s lacks %s", answer_body(answer), cases[i].says[k]);
    }
}

static void the_policy_is_public_with_its_digest_and_history(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, PUBLIC, "GET", "/api/v1/policy", NULL, NULL);
    assert_non_null(
        strstr(answer, "\"digest\":\"sha256:0\",\"unknown\":\"strict\",\"resources\":["));
    answer = ask(f, PUBLIC, "GET", "/api/v1/policy/history", NULL, NULL);
    assert_non_null(strstr(answer, "\"entries\":[{\"type\":\"policy.set\"}],\"next\":null"));
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/backup", NULL, NULL)), 401);
}

/* The owner sees the parts of his turn, and nobody sees another's name; the report of equity is of
 * institutions and projects alone (invariant 10). */
static void a_turn_is_shown_with_its_parts_and_equity_without_people(void **state)
{
    struct fixture *f = *state;
    static const struct {
        bool who;
        const char *path;
        const char *says[4];
    } cases[] = {
        { USER,
          "/api/v1/jobs/2/why",
          { "\"turn\":{\"class\":\"normal\",\"level\":2,\"expansion_factor\":2.5",
            "\"tier\":2,\"tiers\":4,\"fair\":[{\"scope\":\"user\",\"shares\":1" } },
        { PUBLIC, "/api/v1/shares", { "\"name\":\"<nlp>\",\"parent\":\"ling\",\"shares\":3" } },
        { PUBLIC,
          "/api/v1/reports/equity",
          { "\"projects\":[{\"name\":\"<nlp>\",\"institution\":\"ling\",\"awarded\":\"2.50\"" } },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *answer = ask(f, cases[i].who, "GET", cases[i].path, NULL, NULL);
        for (size_t k = 0; k < STINT_ARRAY_SIZE(cases[i].says) && cases[i].says[k]; k++)
            if (!strstr(answer, cases[i].says[k]))
                fail_msg("%s lacks %s", answer_body(answer), cases[i].says[k]);
        if (strstr(answer, SEED "user") || strstr(answer, SEED "operator"))
            fail_msg("%s names people", cases[i].path);
    }
}

static void a_job_that_never_ran_has_no_exit_status_and_says_why(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        int status;
        const char *says[2];
    } cases[] = {
        { "/api/v1/jobs/7", 200, { "\"exit_code\":null", "\"note\":\"" SEED "note" } },
        { "/api/v1/jobs/5", 200, { "\"exit_code\":0", "\"term_signal\":0" } },
        { "/api/v1/jobs/7/why", 200, { "\"note\":\"" SEED "note" } },
        { "/api/v1/jobs?limit=2&after=c8", 200, { "\"note\":\"" SEED "note" } },
        { "/api/v1/jobs/7/output", 409, { "job 7 could not be started: " SEED "note" } },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *answer = ask(f, USER, "GET", cases[i].path, NULL, NULL);
        assert_int_equal(answer_status(answer), cases[i].status);
        for (size_t k = 0; k < 2 && cases[i].says[k]; k++)
            if (!strstr(answer, cases[i].says[k]))
                fail_msg("%s lacks %s: %s", cases[i].path, cases[i].says[k], answer_body(answer));
    }
    assert_null(strstr(ask(f, USER, "GET", "/api/v1/jobs/8/why", NULL, NULL), SEED));
    fake.output_fault = -ENOENT;
    const char *answer = ask(f, USER, "GET", "/api/v1/jobs/5/output", NULL, NULL);
    assert_int_equal(answer_status(answer), 404);
    assert_non_null(strstr(answer, "the job is done, and its file is not there"));
}

static void estimates_are_measured_in_public(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *says[4];
    } cases[] = {
        { "/api/v1/reports/estimates",
          { "\"schema\":\"stint.estimates/1\"", "\"count\":40,\"median_error_s\":90",
            "\"p90_error_s\":600.5", "\"late\":1,\"late_share\":0.025" } },
        { "/metrics",
          { "stint_estimate_error_seconds{quantile=\"0.5\"} 90.000",
            "stint_estimate_error_seconds{quantile=\"0.9\"} 600.500",
            "stint_estimates{kind=\"late\"} 1" } },
        { "/", { "Of 40 first estimates in 30 days", "2.5 % began after" } },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *answer = ask(f, PUBLIC, "GET", cases[i].path, NULL, NULL);
        assert_int_equal(answer_status(answer), 200);
        for (size_t k = 0; k < 4 && cases[i].says[k]; k++)
            if (!strstr(answer, cases[i].says[k]))
                fail_msg("%s lacks %s: %s", cases[i].path, cases[i].says[k], answer_body(answer));
    }
}

static void statements_are_made_listed_and_taken_back(void **state)
{
    struct fixture *f = *state;
    static const char statement[] = "{\"schema\":\"stint.attestation/1\"}";
    static const char of_open[] = "/api/v1/artifacts/org/open/attestations";
    const char *answer = ask(f, USER, "POST", of_open, JSON, statement);
    assert_int_equal(answer_status(answer), 201);
    assert_non_null(strstr(answer, "\"state\":\"standing\""));
    assert_non_null(strstr(answer, "\"verdict_id\":7"));
    assert_int_equal(answer_status(ask(f, USER, "POST", of_open, JSON, "{}")), 400);
    assert_int_equal(answer_status(ask(f, PUBLIC, "POST", of_open, JSON, statement)), 401);
    assert_int_equal(answer_status(ask(f, USER, "POST", "/api/v1/artifacts/org/no/attestations",
                                       JSON, statement)),
                     404);
    answer = ask(f, PUBLIC, "GET", "/api/v1/artifacts/org/open", NULL, NULL);
    assert_non_null(strstr(answer, "\"attestations\":[{\"id\":1"));
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/attestations/1", NULL, NULL)),
                     200);
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/attestations/2", NULL, NULL)),
                     404); /* of what is not registered */
    assert_int_equal(answer_status(ask(f, USER, "GET", "/api/v1/attestations/2", NULL, NULL)), 200);
    assert_int_equal(answer_status(ask(f, USER, "DELETE", "/api/v1/attestations/1", NULL, NULL)),
                     400);
    assert_int_equal(
        answer_status(ask(f, USER, "DELETE", "/api/v1/attestations/1?reason=wrong", NULL, NULL)),
        200);
}

static void only_what_waits_its_turn_has_a_place_in_the_queue(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum stint_reason_code code;
        bool has_place;
    } cases[] = {
        { STINT_REASON_DependencyFailed, false }, { STINT_REASON_NoAward, false },
        { STINT_REASON_ProjectGpuLimit, true },   { STINT_REASON_Priority, true },
        { STINT_REASON_NotEvaluatedYet, false },
    };
    static const char *const paths[] = { "/api/v1/jobs/2", "/api/v1/jobs/2/why", "/api/v1/queue",
                                         "/api/v1/jobs?live=true" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        for (size_t k = 0; k < STINT_ARRAY_SIZE(paths); k++) {
            fake.reason =
                (struct stint_reason){ .code = cases[i].code, .account = UINT32_MAX, .limit = 1 };
            const char *answer = ask(f, USER, "GET", paths[k], NULL, NULL);
            if ((strstr(answer, "\"position\":1") != NULL) != cases[i].has_place)
                fail_msg("%s %s: %s", paths[k], stint_reason_name(cases[i].code), answer);
        }
}

static void an_award_shows_its_postings_and_no_person(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, PUBLIC, "GET", "/api/v1/awards/2026-001?limit=3", NULL, NULL);
    json_t *json = json_loads(answer_body(answer), 0, NULL);
    json_t *postings = json_object_get(json, "postings");
    json_t *first = json_array_get(postings, 0);
    assert_int_equal(json_array_size(postings), 3);
    assert_int_equal(json_integer_value(json_object_get(first, "amount_micro")), -250000);
    assert_int_equal(json_integer_value(json_object_get(first, "job")), 7);
    assert_string_equal(json_string_value(json_object_get(first, "account")), "held");
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "settle");
    assert_null(strstr(answer, "4242"));
    assert_string_equal(json_string_value(json_object_get(json, "next")), "c3");
    json_decref(json);
    answer = ask(f, PUBLIC, "GET", "/api/v1/awards/1?after=c3", NULL, NULL);
    assert_non_null(strstr(answer, "\"id\":2"));
    assert_null(strstr(answer, "\"id\":3"));
    assert_non_null(strstr(answer, "\"next\":null"));
    assert_int_equal(answer_status(ask(f, PUBLIC, "GET", "/api/v1/awards/none", NULL, NULL)), 404);
}

static void a_signal_is_sent_by_name_or_number(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        int status;
        int number;
        const char *says;
    } cases[] = {
        { "{\"signal\":\"USR1\"}", 200, 10, "running" },
        { "{\"signal\":\"SIGTERM\"}", 200, 15, "running" },
        { "{\"signal\":\"64\"}", 200, 64, "running" },
        { "{\"signal\":2,\"reason\":\"r\"}", 200, 2, "running" },
        { "{\"signal\":\"65\"}", 400, 0, "'signal'" },
        { "{\"signal\":0}", 400, 0, "'signal'" },
        { "{\"signal\":\"\"}", 400, 0, "'signal'" },
        { "{\"signal\":\"NOTHING\"}", 400, 0, "'signal'" },
        { "{}", 400, 0, "'signal'" },
        { "{\"signal\":\"USR1\",\"x\":1}", 400, 0, "unknown field 'x'" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fake.signal_number = 0;
        const char *answer = ask(f, USER, "POST", "/api/v1/jobs/1/signal", JSON, cases[i].body);
        if (answer_status(answer) != cases[i].status || !strstr(answer, cases[i].says))
            fail_msg("%s: %s", cases[i].body, answer);
        assert_int_equal(fake.signal_number, cases[i].number);
    }
}

static void a_cancel_says_how_long_the_grace_may_take(void **state)
{
    struct fixture *f = *state;
    f->config.grace_s = 30;
    assert_null(strstr(ask(f, USER, "DELETE", "/api/v1/jobs/2", NULL, NULL), "grace_s"));
    fake.is_job_ending = true;
    const char *answer = ask(f, USER, "DELETE", "/api/v1/jobs/1", NULL, NULL);
    assert_non_null(strstr(answer, "\"grace_s\":30"));
    assert_non_null(strstr(answer, "\"state\":\"ending\""));
}

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

/* ---- submitting ---- */

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
        OVER_HTTP(no_public_route_shows_a_seeded_name),
        OVER_HTTP(a_verdict_of_a_private_folder_is_not_public),
        OVER_HTTP(a_user_sees_own_jobs_whole_and_others_as_public),
        OVER_HTTP(strangers_and_users_stay_outside),
        OVER_HTTP(the_page_escapes_what_it_shows),
        OVER_HTTP(a_reason_says_its_figures_in_words_and_units_of_people),
        OVER_HTTP(a_job_that_never_ran_has_no_exit_status_and_says_why),
        OVER_HTTP(estimates_are_measured_in_public),
        OVER_HTTP(a_turn_is_shown_with_its_parts_and_equity_without_people),
        OVER_HTTP(statements_are_made_listed_and_taken_back),
        OVER_HTTP(only_what_waits_its_turn_has_a_place_in_the_queue),
        OVER_HTTP(an_award_shows_its_postings_and_no_person),
        OVER_HTTP(a_signal_is_sent_by_name_or_number),
        OVER_HTTP(a_cancel_says_how_long_the_grace_may_take),
        OVER_HTTP(bad_requests_are_answered_by_name),
        OVER_HTTP(too_large_bodies_are_refused_before_they_are_kept),
        OVER_HTTP(a_body_that_does_not_say_its_length_is_bounded_too),
        OVER_HTTP(other_names_and_other_pages_may_not_speak),
        OVER_HTTP(a_thousand_idle_connections_do_not_stop_the_next),
        OVER_HTTP(one_request_is_created_and_a_list_is_judged_alone),
        OVER_HTTP(the_policy_is_public_with_its_digest_and_history),
        OVER_HTTP(every_line_counts_and_no_blank_one),
        OVER_HTTP(many_are_answered_each_in_its_place),
        OVER_HTTP(many_are_rehearsed_each_alone),
        OVER_HTTP(a_method_that_is_not_taken_is_told_which_are),
        OVER_HTTP(a_refusal_names_its_criteria_and_decision),
        OVER_HTTP(the_same_key_gives_the_same_answer),
        OVER_HTTP(a_key_in_progress_is_a_conflict),
        OVER_HTTP(a_client_that_left_is_not_answered),
        OVER_HTTP(a_read_waits_until_what_it_shows_is_durable),
        OVER_HTTP(a_failed_commit_shows_nothing),
        OVER_HTTP(a_read_only_daemon_refuses_writes_and_answers_reads),
        OVER_HTTP(stopping_answers_who_waits),
        OVER_HTTP(a_wait_ends_with_the_job),
        OVER_HTTP(events_replay_and_go_on_without_names),
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
