/* Order, backfill, and what holds a task back. */
#include "fixture.h"

/* ---- order and backfill */

static void jobs_start_by_priority_then_age(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_ask third = ask(3, 1, 10);
    third.priority = 5;
    submit(ask(1, 1, 10));
    submit(ask(2, 1, 10));
    submit(third);
    assert_string_equal(pass(0), "3");
    end(3, 10);
    assert_string_equal(pass(10), "1");
}

static void easy_fills_holes_without_delaying_the_head(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    submit(ask(1, 6, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 8, 100)); /* the head: waits until 100 */
    submit(ask(3, 4, 101)); /* would end after 100 and leave 6 for 8 */
    submit(ask(4, 4, 100)); /* ends in time */
    assert_string_equal(pass(0), "4");
    assert_true(fixture.starts[0].is_backfill);
    assert_string_equal(why(2), "Capacity");
    assert_int_equal(reason(2).until_ms, 100000);
    end(4, 50);
    submit(ask(5, 2, 1000)); /* fits beside the head */
    assert_string_equal(pass(50), "5");
    assert_string_equal(why(3), "Capacity");
    end(1, 60); /* early: the head moves up */
    assert_string_equal(pass(60), "2");
}

static void a_job_that_would_delay_a_promise_is_told_so(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100));
    submit(ask(3, 4, 101));
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(3), "Reserved");
    assert_int_equal(reason(3).asked, 4);
    assert_int_equal(reason(3).used, 6);
    assert_int_equal(reason(3).limit, 10);
}

static void fcfs_lets_nobody_pass(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_FCFS);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100));
    submit(ask(3, 1, 1));
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "Capacity");
    assert_string_equal(why(3), "Priority");
}

static void sjf_takes_the_shortest_first(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_SJF);
    submit(ask(1, 1, 30));
    submit(ask(2, 1, 10));
    submit(ask(3, 1, 20));
    assert_string_equal(pass(0), "2");
    end(2, 10);
    assert_string_equal(pass(10), "3");
}

static void conservative_gives_everybody_a_promise(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_CONSERVATIVE);
    submit(ask(1, 6, 100));
    submit(ask(2, 8, 100)); /* at 100 */
    submit(ask(3, 4, 150)); /* at 200: at 0 and 100 it would move 2 */
    submit(ask(4, 4, 100)); /* now */
    assert_string_equal(pass(0), "1 4");
    assert_int_equal(reason(2).until_ms, 100000);
    assert_int_equal(reason(3).until_ms, 200000);
    end(1, 40);
    assert_string_equal(pass(40), "");
    assert_int_equal(reason(2).until_ms, 100000);
}

static void stint_mode_serves_by_expansion_factor(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_STINT);
    submit(ask(1, 1, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 1, 10000)); /* first to have a reservation, but no promise yet */
    assert_string_equal(pass(1), "");
    assert_int_equal(reason(2).until_ms, 0);
    submit(ask(3, 1, 1000));
    submit(ask(4, 1, 10)); /* the same wait is more to it */
    assert_string_equal(pass(2), "");
    end(1, 100);
    assert_string_equal(pass(100), "4");
    end(4, 110);
    assert_string_equal(pass(110), "3");
}

static void a_near_reservation_is_a_promise_and_kept(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_STINT);
    submit(ask(1, 1, 80));
    assert_string_equal(pass(1000), "1");
    submit(ask(2, 2, 1000)); /* has waited since 0: 79 s more are near */
    assert_string_equal(pass(1001), "");
    assert_int_equal(reason(2).until_ms, 1080000);
    submit(ask(3, 2, 10)); /* a larger factor, too late */
    end(1, 1050);
    assert_string_equal(pass(1050), "2");
}

/* … and with a start that is far for what was waited, another with a larger factor takes it. */
static void a_far_reservation_is_no_promise_until_it_is_near(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_STINT);
    submit(ask(1, 1, 1000));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 2, 1000));
    assert_string_equal(pass(1), "");
    assert_int_equal(reason(2).until_ms, 0); /* no promise to tell */
    submit(ask(3, 2, 1));                    /* alike, until it has waited some seconds */
    (void)pass(10);
    end(1, 20);
    assert_string_equal(pass(20), "3");
    end(3, 21);
    assert_string_equal(pass(21), "2");
}

static void an_overdue_run_keeps_what_it_holds(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_EASY);
    submit(ask(1, 2, 10));
    submit(ask(2, 1, 10));
    assert_string_equal(pass(0), "1");
    assert_string_equal(pass(10), "");
    assert_string_equal(pass(11), "");
    assert_true(stint_scheduler_next_ms(fixture.scheduler) > 11000);
    end(1, 12);
    assert_string_equal(pass(12), "2");
}

static void time_that_steps_back_changes_nothing(void **state)
{
    (void)state;
    open_flat(2, STINT_MODE_EASY);
    submit(ask(1, 1, 10));
    assert_string_equal(pass(1000), "1");
    submit(ask(2, 1, 10));
    assert_string_equal(pass(5), "2");
    assert_int_equal(fixture.starts[0].ends_ms, 1010000);
}

static void a_full_array_of_starts_goes_on_with_the_next_call(void **state)
{
    (void)state;
    open_flat(100, STINT_MODE_EASY);
    size_t count = 0;
    for (uint64_t i = 1; i <= 100; i++)
        submit(ask(i, 1, 10));
    for (size_t got = 64; got == 64; count += got)
        assert_int_equal(stint_scheduler_pass(fixture.scheduler, 0, fixture.starts, 64, &got), 0);
    assert_int_equal(count, 100);
    check();
}

/* ---- what holds a job back */

static void blocked_jobs_keep_their_place_and_say_why(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_task_key first = { 1, 0 };
    struct stint_reason held = { .code = STINT_REASON_HeldByUser, .account = STINT_NO_ACCOUNT };
    struct stint_reason none = { .code = STINT_REASON_NONE };
    submit(ask(1, 1, 10));
    submit(ask(2, 1, 10));
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, first, &held), 0);
    assert_string_equal(pass(0), "2");
    assert_string_equal(why(1), "HeldByUser");
    submit(ask(3, 1, 10));
    assert_string_equal(pass(1), "");
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, first, &none), 0);
    end(2, 5);
    /* 3 holds a promise since 1, so 1 comes after it. */
    assert_string_equal(pass(5), "3");
    end(3, 6);
    assert_string_equal(pass(6), "1");
}

static void begin_times_are_kept(void **state)
{
    (void)state;
    open_flat(1, STINT_MODE_EASY);
    struct stint_ask later = ask(1, 1, 10);
    later.begin_ms = 60000;
    submit(later);
    assert_string_equal(pass(59), "");
    assert_string_equal(why(1), "BeforeBeginTime");
    assert_int_equal(reason(1).until_ms, 60000);
    assert_int_equal(stint_scheduler_next_ms(fixture.scheduler), 60000);
    assert_string_equal(pass(60), "1");
}

static void limits_hold_and_name_themselves(void **state)
{
    (void)state;
    open_flat(100, STINT_MODE_EASY);
    assert_int_equal(stint_scheduler_set_account(fixture.scheduler, 7, STINT_ACCOUNT_PROJECT,
                                                 STINT_NO_ACCOUNT, 0),
                     0);
    assert_int_equal(stint_scheduler_set_limit(fixture.scheduler, 7, STINT_LIMIT_CORES, 10, -1), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        struct stint_ask a = ask(i, 5, 100);
        a.account_count = 1;
        a.accounts[0] = 7;
        submit(a);
    }
    submit(ask(4, 90, 10));                /* nobody's limit */
    assert_string_equal(pass(0), "1 2 4"); /* starts of one pass count at once */
    struct stint_reason r = reason(3);
    assert_string_equal(stint_reason_name(r.code), "ProjectCoreLimit");
    assert_int_equal(r.asked, 5);
    assert_int_equal(r.used, 10);
    assert_int_equal(r.limit, 10);
    assert_int_equal(r.account, 7);
    end(1, 5);
    assert_string_equal(pass(5), "3");
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 7, STINT_LIMIT_CORES), 10);
}

static void a_limited_job_never_blocks_the_others(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_FCFS);
    (void)stint_scheduler_set_account(fixture.scheduler, 0, STINT_ACCOUNT_USER, STINT_NO_ACCOUNT,
                                      0);
    (void)stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_JOBS, 0, -1);
    struct stint_ask a = ask(1, 1, 10);
    a.account_count = 1;
    submit(a);
    submit(ask(2, 1, 10));
    assert_string_equal(pass(0), "2");
    assert_string_equal(why(1), "UserJobLimit");
    (void)stint_scheduler_set_limit(fixture.scheduler, 0, STINT_LIMIT_JOBS, STINT_UNLIMITED, -1);
    assert_string_equal(pass(0), "1");
}

static void budgets_are_held_until_the_ledger_settles(void **state)
{
    (void)state;
    open_flat(10, STINT_MODE_EASY);
    (void)stint_scheduler_set_account(fixture.scheduler, 3, STINT_ACCOUNT_AWARD, STINT_NO_ACCOUNT,
                                      0);
    (void)stint_scheduler_set_limit(fixture.scheduler, 3, STINT_LIMIT_BUDGET, 100, 20);
    for (uint64_t i = 1; i <= 3; i++) {
        struct stint_ask a = ask(i, 1, 10);
        a.cost_micro = i == 3 ? 90 : 50;
        a.account_count = 1;
        a.accounts[0] = 3;
        submit(a);
    }
    assert_string_equal(pass(0), "1");
    assert_string_equal(why(2), "BalanceHeld"); /* 20 used + 50 held + 50 */
    assert_string_equal(why(3), "BalanceExhausted");
    end(1, 5);
    assert_string_equal(pass(5), ""); /* not settled yet */
    (void)stint_scheduler_set_limit(fixture.scheduler, 3, STINT_LIMIT_BUDGET, 100, 30);
    assert_string_equal(pass(5), "2");
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 3, STINT_LIMIT_BUDGET), 80);
    struct stint_task_key second = { 2, 0 };
    assert_int_equal(stint_scheduler_undo(fixture.scheduler, second), 0);
    assert_int_equal(stint_scheduler_used(fixture.scheduler, 3, STINT_LIMIT_BUDGET), 30);
}

static void every_kind_of_limit_has_its_token(void **state)
{
    (void)state;
    static const struct {
        enum stint_account_kind kind;
        enum stint_limit limit;
        const char *token;
    } cases[] = {
        { STINT_ACCOUNT_SITE, STINT_LIMIT_GPU_MILLI, "SiteGpuLimit" },
        { STINT_ACCOUNT_INSTITUTION, STINT_LIMIT_CORES, "InstitutionCoreLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_MEMORY, "ProjectMemoryLimit" },
        { STINT_ACCOUNT_USER, STINT_LIMIT_GPU_MILLI, "UserGpuLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_GPU_MS_WEEK, "PeriodLimit" },
        { STINT_ACCOUNT_PROJECT, STINT_LIMIT_CORE_MS_MONTH, "PeriodLimit" },
        { STINT_ACCOUNT_ARRAY, STINT_LIMIT_JOBS, "ArrayLimit" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        open_servers(1, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
        (void)stint_scheduler_set_account(fixture.scheduler, 0, cases[i].kind, STINT_NO_ACCOUNT, 0);
        (void)stint_scheduler_set_limit(fixture.scheduler, 0, cases[i].limit, 0, -1);
        struct stint_ask a = gpu_ask(1, 1, 10);
        a.cpus = 1;
        a.memory_bytes = GIB;
        a.account_count = 1;
        submit(a);
        assert_string_equal(pass(0), "");
        assert_string_equal(why(1), cases[i].token);
        (void)close_all(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(jobs_start_by_priority_then_age),
        T(easy_fills_holes_without_delaying_the_head),
        T(a_job_that_would_delay_a_promise_is_told_so),
        T(fcfs_lets_nobody_pass),
        T(sjf_takes_the_shortest_first),
        T(conservative_gives_everybody_a_promise),
        T(stint_mode_serves_by_expansion_factor),
        T(a_near_reservation_is_a_promise_and_kept),
        T(a_far_reservation_is_no_promise_until_it_is_near),
        T(an_overdue_run_keeps_what_it_holds),
        T(time_that_steps_back_changes_nothing),
        T(a_full_array_of_starts_goes_on_with_the_next_call),
        T(blocked_jobs_keep_their_place_and_say_why),
        T(begin_times_are_kept),
        T(limits_hold_and_name_themselves),
        T(a_limited_job_never_blocks_the_others),
        T(budgets_are_held_until_the_ledger_settles),
        T(every_kind_of_limit_has_its_token),
    };
    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
