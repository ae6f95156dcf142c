/* What the routes show, and to whom. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api_private.h"
#include "client.h"
#include "fake_rooms.h"
#include "stint/scheduler.h"

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
    assert_non_null(strstr(page, "Referrer-Policy: no-referrer"));
    assert_non_null(strstr(page, "X-Content-Type-Options: nosniff"));
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
        OVER_HTTP(the_policy_is_public_with_its_digest_and_history),
        OVER_HTTP(a_turn_is_shown_with_its_parts_and_equity_without_people),
        OVER_HTTP(a_job_that_never_ran_has_no_exit_status_and_says_why),
        OVER_HTTP(estimates_are_measured_in_public),
        OVER_HTTP(statements_are_made_listed_and_taken_back),
        OVER_HTTP(only_what_waits_its_turn_has_a_place_in_the_queue),
        OVER_HTTP(an_award_shows_its_postings_and_no_person),
        OVER_HTTP(a_signal_is_sent_by_name_or_number),
        OVER_HTTP(a_cancel_says_how_long_the_grace_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
