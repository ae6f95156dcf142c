/* What people are told of starts: estimates of all that wait, what is short, what would help. */
#include "fixture.h"

#define LAB INT64_C(0) /* account of a project */

static struct stint_task_key key_of(uint64_t job)
{
    return (struct stint_task_key){ job, 0 };
}

/* "p50 p90" of @job in seconds at @now_s, or "none". */
static const char *starts(uint64_t job, int64_t now_s)
{
    static char text[64];
    struct stint_suppose suppose = { .now_ms = now_s * 1000 };
    int64_t p50 = 0;
    int64_t p90 = 0;
    if (stint_scheduler_expect(fixture.scheduler, key_of(job), &suppose, &p50, &p90) != 0)
        return "none";
    (void)snprintf(text, sizeof(text), "%lld %lld", (long long)p50 / 1000, (long long)p90 / 1000);
    return text;
}

static const char *starts_if(uint64_t job, struct stint_suppose suppose)
{
    static char text[64];
    int64_t p50 = 0;
    int64_t p90 = 0;
    suppose.is_free = true;
    if (stint_scheduler_expect(fixture.scheduler, key_of(job), &suppose, &p50, &p90) != 0)
        return "none";
    (void)snprintf(text, sizeof(text), "%lld %lld", (long long)p50 / 1000, (long long)p90 / 1000);
    return text;
}

static void block(uint64_t job, enum stint_reason_code code)
{
    struct stint_reason held = { .code = code, .account = STINT_NO_ACCOUNT };
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, key_of(job), &held), 0);
}

static void keep(uint32_t number, int64_t from_s, int64_t until_s, const char *what)
{
    struct stint_allocation *allocation = NULL;
    assert_int_equal(stint_allocation_parse(fixture.machine, what, &allocation, NULL), 0);
    struct stint_window window = { number, STINT_NO_ACCOUNT, from_s * 1000, until_s * 1000,
                                   allocation };
    assert_int_equal(stint_scheduler_reserve(fixture.scheduler, &window, NULL, NULL), 0);
    (void)stint_allocation_free(allocation);
}

static void a_limit_must_fit_before_a_reservation_in_an_estimate_too(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_STINT);
    keep(1, 45, 90, "node0/core[0-7]");
    struct stint_ask a = ask(1, 1, 600);
    a.user = 7; /* took next to nothing of limits: by that it would be over in a second */
    assert_int_equal(stint_scheduler_set_ratio(fixture.scheduler, 7, 1), 0);
    submit(a);
    assert_string_equal(starts(1, 0), "90 90");
    assert_string_equal(pass(0), "");
    assert_string_equal(starts(1, 0), "90 90");
    a = ask(2, 1, 40);
    submit(a);
    assert_string_equal(starts(2, 0), "0 0");
    assert_string_equal(pass(0), "2");
}

/* Nights are kept: a task of 20 hours finds none between them. */
static void a_limit_that_fits_between_no_two_windows_waits_for_the_last(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_STINT);
    for (int64_t day = 0; day < 5; day++)
        keep(1, (day * 24 + 22) * 3600, (day * 24 + 30) * 3600, "node0/core[0-3]");
    submit(ask(1, 5, INT64_C(20) * 3600));
    submit(ask(2, 4, INT64_C(20) * 3600)); /* beside them */
    assert_string_equal(pass(6 * 3600), "2");
    submit(ask(3, 5, INT64_C(15) * 3600));
    assert_string_equal(pass(30 * 3600), "");
    end(2, 30 * 3600);
    assert_string_equal(starts(1, 30 * 3600), "453600 453600"); /* 126 h, the last one's end */
    for (int64_t day = 5; day < 10; day++) /* it goes on: nothing can be told */
        keep(1, (day * 24 + 22) * 3600, (day * 24 + 30) * 3600, "node0/core[0-3]");
    assert_string_equal(pass(31 * 3600), "3");
    assert_string_equal(starts(1, 31 * 3600), "none");
}

static void what_the_pass_left_waiting_does_not_start_now(void **state)
{
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    struct stint_ask a = ask(1, 3, 100);
    submit(a);
    submit(ask(2, 4, 100)); /* promised 100 */
    a = ask(3, 1, 1000);    /* would run into that by its limit, but is not expected to */
    a.user = 7;
    assert_int_equal(stint_scheduler_set_ratio(fixture.scheduler, 7, 1), 0);
    submit(a);
    assert_string_equal(pass(0), "1");
    assert_string_equal(starts(3, 0), "100 200");
}

/* Half of 100 s is expected: after that, nobody knows but the limit; and so on with each second. */
static void an_estimate_follows_the_clock(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    submit(ask(1, 1, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 100));
    submit(ask(3, 1, 100));
    assert_string_equal(pass(1), "");
    assert_string_equal(starts(2, 1), "50 100");
    assert_string_equal(starts(3, 1), "100 200");
    assert_string_equal(starts(2, 49), "50 100");
    assert_string_equal(starts(2, 51), "100 100");
    assert_string_equal(starts(3, 51), "150 200");
    assert_string_equal(starts(2, 101), "102 102"); /* overdue: a second more, again and again */
}

/* A soft reservation has no turn of its own: the next pass chooses anew. */
static void a_soft_head_has_no_place_before_others(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_STINT);
    submit(ask(1, 1, 1000));
    assert_string_equal(pass(0), "1");
    struct stint_ask a = ask(15, 1, 1000);
    a.priority = -50;
    submit(a);
    assert_string_equal(pass(1), "");
    a = ask(16, 1, 1000);
    submit(a);
    a = ask(17, 1, 1000);
    a.priority = 100;
    submit(a);
    assert_string_equal(pass(2), "");
    assert_string_equal(starts(17, 2), "500 1000");
    assert_string_equal(starts(16, 2), "1000 2000");
    assert_string_equal(starts(15, 2), "1500 3000");
    end(1, 10);
    assert_string_equal(pass(10), "17");
}

static void what_is_held_is_told_when_it_would_start(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_STINT);
    submit(ask(1, 1, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 2, 100));
    submit(ask(3, 1, 50));
    block(3, STINT_REASON_HeldByUser);
    assert_string_equal(pass(1), "");
    assert_string_equal(starts(3, 1), "none");
    assert_string_equal(starts_if(3, (struct stint_suppose){ .now_ms = 1000 }), "1 1");
    submit(ask(4, 2, 10));
    block(4, STINT_REASON_DependencyWaiting);
    assert_string_equal(pass(1), "");
    /* Behind those that wait, and not before what it waits for has ended. */
    assert_string_equal(starts_if(4, (struct stint_suppose){ .now_ms = 1000 }), "100 200");
    assert_string_equal(
        starts_if(4, (struct stint_suppose){ .now_ms = 1000, .from_ms = { 300000, 400000 } }),
        "300 400");
    assert_string_equal(
        starts_if(4, (struct stint_suppose){ .now_ms = 1000, .from_ms = { 300000, 400000 } }),
        "300 400"); /* asking changes nothing */
    assert_string_equal(starts_if(4, (struct stint_suppose){ .now_ms = 1000 }), "100 200");
    assert_string_equal(starts(2, 1), "50 100");
}

static void hours_that_runs_hold_come_back_with_their_ends(void **state)
{
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, LAB, STINT_ACCOUNT_PROJECT,
                                                 STINT_NO_ACCOUNT, 1),
                     0);
    assert_int_equal(
        stint_scheduler_set_limit(fixture.scheduler, LAB, STINT_LIMIT_CORE_MS_DAY, 1000000, 50000),
        0);
    struct stint_ask a = ask(1, 1, 900);
    a.account_count = 1;
    a.accounts[0] = LAB;
    submit(a);
    a = ask(2, 1, 400);
    a.account_count = 1;
    a.accounts[0] = LAB;
    submit(a);
    assert_string_equal(pass(0), "1");
    struct stint_reason r = reason(2);
    assert_string_equal(stint_reason_name(r.code), "PeriodLimit");
    assert_int_equal(r.used, 950000);
    assert_int_equal(r.held, 900000);
    assert_string_equal(starts(2, 0), "none"); /* if all is used, the period decides */
    /* Or half of what the run holds comes back with its expected end. */
    assert_string_equal(starts_if(2, (struct stint_suppose){ .without_periods = true,
                                                             .from_ms = { 5000000, 5000000 } }),
                        "450 5000");
}

static void a_suspended_run_is_not_expected_to_end(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    submit(ask(1, 1, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 100));
    assert_int_equal(
        stint_scheduler_set_ends(fixture.scheduler, key_of(1), STINT_ASK_WALLTIME_MAX_MS), 0);
    assert_string_equal(pass(1), "");
    int64_t p50 = 0;
    int64_t p90 = 0;
    struct stint_suppose now = { .now_ms = 1000 };
    assert_int_equal(stint_scheduler_expect(fixture.scheduler, key_of(2), &now, &p50, &p90), 0);
    assert_true(p50 >= STINT_ASK_WALLTIME_MAX_MS && p90 >= STINT_ASK_WALLTIME_MAX_MS);
}

static void capacity_names_what_is_short_in_its_unit(void **state)
{
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    for (uint64_t job = 1; job <= 4; job++) {
        struct stint_ask a = gpu_ask(job, 1, 100);
        a.gpu_milli = 600;
        submit(a);
    }
    assert_string_equal(pass(0), "1 2 3 4");
    struct stint_ask a = gpu_ask(5, 1, 100);
    a.gpu_milli = 500; /* 0.4 are free four times */
    submit(a);
    submit(gpu_ask(6, 3, 100));
    a = ask(7, 9, 100);
    assert_string_equal(pass(0), "");
    struct stint_reason r = reason(5);
    assert_string_equal(stint_reason_name(r.code), "Fragmented");
    assert_int_equal(r.what, STINT_LIMIT_GPU_MILLI + 1);
    assert_int_equal(r.asked, 500);
    assert_int_equal(r.used, 2400);
    assert_int_equal(r.limit, 4000);
    r = reason(6);
    assert_string_equal(stint_reason_name(r.code), "Capacity");
    assert_int_equal(r.asked, 3000);
    assert_int_equal(r.used, 2400);
}

static void a_change_that_helps_was_tried(void **state)
{
    struct stint_better changes[STINT_BETTER_KIND_COUNT];
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    for (uint64_t job = 1; job <= 4; job++) {
        struct stint_ask a = gpu_ask(job, 1, 100);
        a.gpu_milli = 600;
        submit(a);
    }
    struct stint_ask a = gpu_ask(5, 1, 100);
    a.gpu_milli = 500;
    submit(a);
    assert_string_equal(pass(0), "1 2 3 4");
    assert_int_equal(
        stint_scheduler_improve(fixture.scheduler, key_of(5), changes, STINT_BETTER_KIND_COUNT), 1);
    assert_int_equal(changes[0].kind, STINT_BETTER_GPU_MILLI);
    assert_int_equal(changes[0].value, 400);
    a.key.job = 6;
    a.gpu_milli = 400;
    submit(a);
    assert_string_equal(pass(0), "6");
    /* Nothing helps beside a reservation of everything. */
    (void)close_all(NULL);
    open_flat(4, STINT_MODE_EASY);
    keep(1, 0, 100, "node0/core[0-3]");
    submit(ask(1, 2, 50));
    assert_string_equal(pass(1), "");
    assert_int_equal(
        stint_scheduler_improve(fixture.scheduler, key_of(1), changes, STINT_BETTER_KIND_COUNT), 0);
    /* Before one that comes, a shorter time does, and it is the longest that does. */
    (void)close_all(NULL);
    open_flat(4, STINT_MODE_EASY);
    keep(1, 30, 100, "node0/core[0-3]");
    submit(ask(1, 2, 50));
    assert_string_equal(pass(0), "");
    assert_int_equal(
        stint_scheduler_improve(fixture.scheduler, key_of(1), changes, STINT_BETTER_KIND_COUNT), 1);
    assert_int_equal(changes[0].kind, STINT_BETTER_WALLTIME);
    assert_int_equal(changes[0].value, 30000);
    submit(ask(2, 2, 30));
    assert_string_equal(pass(0), "2");
}

static void every_reservation_in_the_way_is_named(void **state)
{
    struct stint_reason reasons[16];
    (void)state;
    open_flat(8, STINT_MODE_STINT);
    keep(1, 0, 100, "node0/core[0-3]");
    keep(2, 200, 300, "node0/core[0-3]");
    keep(3, 500, 600, "node0/core[0-3]"); /* behind its limit */
    submit(ask(1, 8, 400));
    assert_string_equal(pass(1), "");
    size_t count = stint_scheduler_blockers(fixture.scheduler, key_of(1), reasons, 16);
    uint32_t named = 0;
    for (size_t i = 0; i < count; i++)
        named |= UINT32_C(1) << reasons[i].reservation;
    assert_int_equal(named & ~UINT32_C(1), 1 << 1 | 1 << 2);
    assert_int_equal(reason(1).reservation, 1);
}

/* What was held an hour has waited no longer than who came at its release. */
static void held_time_is_no_wait(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_STINT);
    submit(ask(1, 1, 10000));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 100));
    block(2, STINT_REASON_HeldByUser);
    assert_string_equal(pass(1), "");
    struct stint_ask a = ask(3, 1, 100);
    a.submit_ms = 3000000;
    submit(a);
    assert_string_equal(pass(3000), "");
    a = ask(4, 1, 100);
    a.begin_ms = 3550000;
    submit(a);
    assert_string_equal(pass(3599), "");
    block(2, STINT_REASON_NONE);
    assert_string_equal(pass(3600), "");
    struct stint_turn turn;
    assert_int_equal(stint_scheduler_turn(fixture.scheduler, key_of(2), &turn), 0);
    assert_true(turn.factor < 1.02); /* it waited a second before the hold */
    assert_int_equal(stint_scheduler_turn(fixture.scheduler, key_of(4), &turn), 0);
    assert_true(turn.factor < 1.52);
    end(1, 3700);
    assert_string_equal(pass(3700), "3");
}

/* A job that may be stopped after ten minutes is not waited for until its end in two days. */
static void an_estimate_knows_who_may_be_stopped(void **state)
{
    (void)state;
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(1, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                 .preempts = true,
                                                 .grace_ms = 30000,
                                                 .min_run_ms = 600000,
                                                 .resume_ms = 60000 });
    struct stint_ask a = ask(1, 1, INT64_C(48) * 3600);
    a.preemptible = true;
    submit(a);
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 3600));
    assert_string_equal(pass(1), "");
    /* One core for an hour is the second level of service. */
    assert_string_equal(starts(2, 1), "3630 172800");
    struct stint_task_key stops[4];
    assert_string_equal(pass(3599), "");
    assert_int_equal(stint_scheduler_stops(fixture.scheduler, stops, 4), 0);
    assert_string_equal(pass(3601), "");
    assert_int_equal(stint_scheduler_stops(fixture.scheduler, stops, 4), 1);
}

static void one_short_run_teaches_little(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_ask a = ask(1, 1, 3600);
    a.user = 3;
    submit(a);
    assert_string_equal(pass(0), "1");
    end(1, 5);
    a.key.job = 2;
    submit(a);
    a.key.job = 3;
    submit(a);
    assert_string_equal(pass(10), "2");
    assert_string_equal(starts(3, 10), "1360 3610"); /* 0.375 of an hour */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_limit_must_fit_before_a_reservation_in_an_estimate_too),
        T(a_limit_that_fits_between_no_two_windows_waits_for_the_last),
        T(what_the_pass_left_waiting_does_not_start_now),
        T(an_estimate_follows_the_clock),
        T(a_soft_head_has_no_place_before_others),
        T(what_is_held_is_told_when_it_would_start),
        T(hours_that_runs_hold_come_back_with_their_ends),
        T(a_suspended_run_is_not_expected_to_end),
        T(capacity_names_what_is_short_in_its_unit),
        T(a_change_that_helps_was_tried),
        T(every_reservation_in_the_way_is_named),
        T(held_time_is_no_wait),
        T(an_estimate_knows_who_may_be_stopped),
        T(one_short_run_teaches_little),
    };
    return cmocka_run_group_tests_name("scheduler-estimate", tests, NULL, NULL);
}
