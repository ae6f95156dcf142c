/* Windows of reservations: who is kept out, who is let in, what is said to those that wait. */
#include "fixture.h"

#include "stint/allocation.h"

enum { NLP = 0, VISION, UNI }; /* two projects of one institution */

static void accounts(void)
{
    const struct {
        uint32_t account;
        enum stint_account_kind kind;
        uint32_t parent;
    } rows[] = { { UNI, STINT_ACCOUNT_INSTITUTION, STINT_NO_ACCOUNT },
                 { NLP, STINT_ACCOUNT_PROJECT, UNI },
                 { VISION, STINT_ACCOUNT_PROJECT, UNI } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, rows[i].account,
                                                     rows[i].kind, rows[i].parent, 1),
                         0);
}

static struct stint_ask of(uint32_t project, struct stint_ask a)
{
    a.accounts[0] = UNI;
    a.accounts[1] = project;
    a.account_count = 2;
    return a;
}

/* Reserves what @line says; the status. */
static int reserve(uint32_t number, uint32_t account, int64_t from_s, int64_t until_s,
                   const char *place)
{
    struct stint_allocation *allocation = NULL;
    struct stint_error err = { 0 };
    uint32_t other = 0;
    assert_int_equal(stint_allocation_parse(fixture.machine, place, &allocation, &err), 0);
    struct stint_window window = { number, account, from_s * 1000, until_s * 1000, allocation };
    int r = stint_scheduler_reserve(fixture.scheduler, &window, &other, &err);
    assert_int_equal(other != 0, r == STINT_CONFLICT);
    (void)stint_allocation_free(allocation);
    return r;
}

static void what_would_run_into_a_window_does_not_start(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(7, STINT_NO_ACCOUNT, 100, 200, "node0/core[0-5]"), 0);
    submit(ask(1, 4, 101)); /* until 101: 4 and 6 are more than 8 */
    submit(ask(2, 4, 100)); /* until 100 exactly */
    submit(ask(3, 2, 500)); /* beside it all the time */
    assert_string_equal(pass(0), "2 3");
    assert_string_equal(why(1), "Capacity");
    end(2, 1);
    assert_string_equal(pass(1), "");
    struct stint_reason why_not = reason(1);
    assert_int_equal(why_not.code, STINT_REASON_Reserved);
    assert_int_equal(why_not.reservation, 7);
    assert_int_equal(why_not.until_ms, 200000);
    int64_t p50;
    int64_t p90;
    assert_int_equal(
        stint_scheduler_estimate(fixture.scheduler, (struct stint_task_key){ 1, 0 }, &p50, &p90),
        0);
    assert_int_equal(p90, 200000);
    assert_int_equal(stint_scheduler_next_ms(fixture.scheduler), 100000);
    assert_string_equal(pass(150), "");
    assert_string_equal(pass(200), "1");
}

static void the_holder_starts_inside_and_others_beside_it(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(1, NLP, 10, 100, "node0/core[0-5]"), 0);
    submit(of(VISION, ask(1, 3, 50)));
    submit(of(NLP, ask(2, 3, 50)));
    assert_string_equal(pass(20), "2");
    assert_int_equal(reason(1).reservation, 1);
    submit(of(VISION, ask(3, 2, 50))); /* 3 of the 6 are in use, 3 left, 2 beside */
    assert_string_equal(pass(20), "3");
    submit(of(NLP, ask(4, 3, 50)));
    assert_string_equal(pass(20), "4");
    end(2, 25);
    assert_string_equal(pass(25), ""); /* it stays the holder's */
    submit(of(NLP, ask(5, 3, 70)));
    assert_string_equal(pass(25), "5"); /* it may run beyond the end, as any task may */
}

static void an_institution_s_window_is_for_all_its_projects(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(1, UNI, 10, 100, "node0/core[0-3]"), 0);
    assert_int_equal(reserve(2, NLP, 10, 100, "node0/core[4-7]"), 0);
    submit(ask(9, 1, 50));
    assert_string_equal(pass(20), "");
    submit(of(NLP, ask(1, 6, 50))); /* 4 of its own, 2 of the institution's */
    submit(of(VISION, ask(2, 2, 50)));
    assert_string_equal(pass(20), "1 2");
    end(1, 30);
    submit(of(VISION, ask(3, 3, 50)));
    assert_string_equal(pass(30), "");
    submit(of(VISION, ask(4, 2, 50)));
    assert_string_equal(pass(30), "4");
}

static void a_holder_s_job_takes_the_reserved_gpus_first(void **state)
{
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    accounts();
    assert_int_equal(reserve(1, NLP, 0, 100, "node/core[4-7]/gpu[2-3]/memory[1:8589934592]"), 0);
    struct stint_ask a = gpu_ask(1, 2, 50);
    a.cpus = 2;
    submit(of(NLP, a));
    assert_string_equal(pass(1), "1");
    assert_string_equal(line(1), "node/core[4-5]/gpu[2-3]");
    a.key.job = 2;
    submit(of(VISION, a));
    assert_string_equal(pass(1), "2");
    assert_string_equal(line(2), "node/core[0-1]/gpu[0-1]");
}

static void a_promise_looks_past_a_window(void **state)
{
    static const enum stint_mode modes[] = { STINT_MODE_EASY, STINT_MODE_STINT,
                                             STINT_MODE_CONSERVATIVE };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(modes); i++) {
        open_flat(4, modes[i]);
        assert_int_equal(reserve(1, STINT_NO_ACCOUNT, 50, 80, "node0/core[0-3]"), 0);
        submit(ask(1, 4, 10));
        assert_string_equal(pass(0), "1");
        submit(ask(2, 4, 45)); /* 10 + 45 is in the window */
        submit(ask(3, 2, 30));
        submit(ask(4, 2, 39)); /* 41 to 80 is not free */
        assert_string_equal(pass(2), "");
        end(1, 10);
        assert_string_equal(pass(10), "3 4");
        end(3, 40);
        end(4, 49);
        assert_string_equal(pass(50), "");
        assert_int_equal(reason(2).code, STINT_REASON_Reserved);
        assert_int_equal(reason(2).until_ms, 80000);
        assert_string_equal(pass(80), "2");
        (void)close_all(NULL);
    }
}

static void windows_never_keep_more_than_there_is(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(1, NLP, 100, 200, "node0/core[0-5]"), 0);
    assert_int_equal(reserve(2, VISION, 150, 250, "node0/core[0-2]"), STINT_CONFLICT);
    assert_int_equal(reserve(2, VISION, 150, 250, "node0/core[0-1]"), 0);
    assert_int_equal(reserve(3, VISION, 200, 300, "node0/core[0-5]"), 0); /* the first is over */
    assert_int_equal(reserve(4, VISION, 190, 210, "node0/core[0]"), STINT_CONFLICT);
    assert_int_equal(reserve(5, NLP, 200, 200, "node0/core[0]"), STINT_INVALID);
    assert_int_equal(stint_scheduler_unreserve(fixture.scheduler, 1, INT64_MIN), 1);
    assert_int_equal(reserve(1, NLP, 100, 200, "node0/core[0-5]"), 0);
    assert_int_equal(stint_scheduler_unreserve(fixture.scheduler, 1, 99000), 0);
    assert_int_equal(stint_scheduler_unreserve(fixture.scheduler, 0, INT64_MIN), 3);
    submit(ask(1, 8, 300));
    assert_string_equal(pass(0), "1");
}

static void a_place_is_found_where_nothing_is_in_the_way(void **state)
{
    struct stint_allocation *allocation = NULL;
    struct stint_buffer text = { 0 };
    struct stint_error err = { 0 };
    struct stint_span spans[] = { { 10000, 20000 }, { 50000, 60000 } };
    (void)state;
    open_servers(2, 2, (struct stint_policy){ .mode = STINT_MODE_EASY });
    submit(gpu_ask(1, 1, 55)); /* runs on node0's first GPU into the second window */
    assert_string_equal(pass(0), "1");
    struct stint_ask two = gpu_ask(0, 2, 1);
    assert_int_equal(
        stint_scheduler_place_window(fixture.scheduler, &two, -1, spans, 2, &allocation, &err), 0);
    stint_allocation_format(fixture.machine, allocation, &text);
    assert_string_equal(stint_buffer_text(&text), "node1/gpu[0-1]");
    struct stint_window window = { 1, STINT_NO_ACCOUNT, 55000, 65000, allocation };
    assert_int_equal(stint_scheduler_reserve(fixture.scheduler, &window, NULL, &err), 0);
    (void)stint_allocation_free(allocation);
    assert_int_equal(
        stint_scheduler_place_window(fixture.scheduler, &two, 1, spans, 2, &allocation, &err),
        STINT_CONFLICT);
    assert_string_equal(err.fix, "at most 0 such GPUs of one node are not reserved then");
    /* What runs gives way in time, or is waited for: better than no reservation. */
    assert_int_equal(
        stint_scheduler_place_window(fixture.scheduler, &two, -1, spans, 2, &allocation, &err), 0);
    assert_int_equal(allocation->grants[0].node, 0);
    (void)stint_allocation_free(allocation);
    two.gpus = 3;
    assert_int_equal(
        stint_scheduler_place_window(fixture.scheduler, &two, -1, spans, 2, &allocation, &err),
        STINT_UNSATISFIABLE);
    stint_buffer_deinit(&text);
}

static int64_t idle_s(int64_t now_s)
{
    return stint_scheduler_idle_since_ms(fixture.scheduler, 1, 10000, now_s * 1000) / 1000;
}

static void a_window_knows_since_when_it_is_idle(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(1, NLP, 10, 100, "node0/core[0-3]"), 0);
    assert_string_equal(pass(15), "");
    assert_int_equal(idle_s(20), 10);
    submit(of(VISION, ask(1, 4, 50)));
    submit(of(NLP, ask(2, 1, 50)));
    assert_string_equal(pass(20), "1 2");
    assert_int_equal(idle_s(25), 25);
    end(2, 30);
    assert_int_equal(idle_s(40), 30);
    assert_true(stint_scheduler_idle_since_ms(fixture.scheduler, 2, 10000, 0) == INT64_MAX);
}

static void estimates_know_what_is_kept_and_what_is_used(void **state)
{
    int64_t p50;
    int64_t p90;
    (void)state;
    open_flat(4, STINT_MODE_EASY);
    accounts();
    assert_int_equal(reserve(1, NLP, 0, 200, "node0/core[0-1]"), 0);
    submit(ask(1, 2, 100));
    submit(of(NLP, ask(2, 1, 100)));
    submit(ask(3, 3, 100)); /* two are kept until 200, whoever runs on them */
    submit(ask(4, 2, 100)); /* behind the other runs of two */
    assert_string_equal(pass(0), "1 2");
    assert_int_equal(
        stint_scheduler_estimate(fixture.scheduler, (struct stint_task_key){ 3, 0 }, &p50, &p90),
        0);
    assert_int_equal(p50, 200000);
    assert_int_equal(p90, 200000);
    assert_int_equal(
        stint_scheduler_estimate(fixture.scheduler, (struct stint_task_key){ 4, 0 }, &p50, &p90),
        0);
    assert_int_equal(p50, 50000); /* of users nothing is known of: half of their limits */
    assert_int_equal(p90, 100000);
}

static void a_run_from_before_goes_on_and_nothing_follows_it(void **state)
{
    (void)state;
    open_flat(8, STINT_MODE_EASY);
    accounts();
    submit(ask(1, 8, 100));
    assert_string_equal(pass(0), "1");
    submit(ask(2, 8, 10)); /* promised 100 */
    assert_string_equal(pass(1), "");
    assert_int_equal(reserve(1, NLP, 50, 300, "node0/core[0-7]"), 0);
    assert_string_equal(pass(2), "");
    submit(of(NLP, ask(3, 8, 10)));
    assert_string_equal(pass(60), "");
    end(1, 70);
    assert_string_equal(pass(70), "3");
    end(3, 80);
    assert_string_equal(pass(80), "");
    assert_int_equal(reason(2).reservation, 1);
    assert_string_equal(pass(300), "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_would_run_into_a_window_does_not_start),
        T(the_holder_starts_inside_and_others_beside_it),
        T(an_institution_s_window_is_for_all_its_projects),
        T(a_holder_s_job_takes_the_reserved_gpus_first),
        T(a_promise_looks_past_a_window),
        T(windows_never_keep_more_than_there_is),
        T(a_place_is_found_where_nothing_is_in_the_way),
        T(a_window_knows_since_when_it_is_idle),
        T(estimates_know_what_is_kept_and_what_is_used),
        T(a_run_from_before_goes_on_and_nothing_follows_it),
    };
    return cmocka_run_group_tests_name("scheduler-reserve", tests, NULL, NULL);
}
