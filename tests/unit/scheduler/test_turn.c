/* Priorities within a project, in mode stint: they order its own jobs, and nobody else notices. */
#include "fixture.h"

#define PROJECTS 3
#define JOBS     40
#define CORES    4
#define STEPS    400

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

static void open_projects(uint32_t reserved_heads)
{
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_machine_new_flat(CORES, &machine, NULL), 0);
    open_machine(machine, (struct stint_policy){ .mode = STINT_MODE_STINT,
                                                 .reserved_heads = reserved_heads });
    for (uint32_t p = 0; p < PROJECTS; p++)
        assert_int_equal(stint_scheduler_set_account(fixture.scheduler, p, STINT_ACCOUNT_PROJECT,
                                                     STINT_NO_ACCOUNT, 0),
                         0);
}

static struct stint_ask ask_of(uint32_t project, uint64_t job, int64_t submit_s, int32_t priority)
{
    struct stint_ask a = ask(job, CORES, 10);
    a.submit_ms = submit_s * 1000;
    a.priority = priority;
    a.accounts[a.account_count++] = project;
    return a;
}

/* ---- the same days with and without priorities: each start is of the same project at the same
 * time. Jobs are alike, so that only whose turn it is can make a difference. */

struct day {
    uint32_t project[JOBS + 1];
    int64_t submit_s[JOBS + 1];
    int32_t priority[JOBS + 1];
    int64_t moved_s[JOBS + 1]; /* when its priority changes, 0 for never */
    int32_t moved[JOBS + 1];
    int64_t ends_s[STEPS + 1]; /* how long the run that starts then takes */
    uint32_t heads;
};

static void day_draw(struct day *day)
{
    memset(day, 0, sizeof(*day));
    day->heads = 1 + below(3);
    for (uint32_t j = 1; j <= JOBS; j++) {
        day->project[j] = below(PROJECTS);
        day->submit_s[j] = day->submit_s[j - 1] + 1 + below(6);
        day->priority[j] = below(2) ? (int32_t)below(201) - 100 : 0;
        day->moved_s[j] = below(4) ? 0 : day->submit_s[j] + below(60);
        day->moved[j] = (int32_t)below(201) - 100;
    }
    for (uint32_t i = 0; i <= STEPS; i++)
        day->ends_s[i] = 1 + below(10);
}

/* Who starts at each second: the number of the job, 0 for none. */
static void day_run(const struct day *day, bool with_priorities, uint32_t started[STEPS + 1])
{
    int64_t end_s = 0;
    uint64_t runs = 0;
    open_projects(day->heads);
    for (int64_t now_s = 1; now_s <= STEPS; now_s++) {
        if (runs && end_s <= now_s) {
            end(runs, now_s);
            runs = 0;
        }
        for (uint32_t j = 1; j <= JOBS; j++) {
            struct stint_task_key key = { .job = j };
            if (day->submit_s[j] == now_s)
                submit(ask_of(day->project[j], j, now_s, with_priorities ? day->priority[j] : 0));
            if (with_priorities && day->moved_s[j] == now_s)
                (void)stint_scheduler_set_priority(fixture.scheduler, key, day->moved[j]);
        }
        (void)pass(now_s);
        started[now_s] = fixture.count ? (uint32_t)fixture.starts[0].key.job : 0;
        if (fixture.count) {
            runs = fixture.starts[0].key.job;
            end_s = now_s + day->ends_s[now_s];
        }
    }
    assert_int_equal(stint_scheduler_pending_count(fixture.scheduler), 0);
    (void)close_all(NULL);
}

static void priorities_take_no_other_projects_turn(void **state)
{
    (void)state;
    uint32_t different = 0;
    for (uint32_t i = 0; i < 300; i++) {
        struct day day;
        uint32_t with[STEPS + 1] = { 0 };
        uint32_t without[STEPS + 1] = { 0 };
        random_state = i + 1;
        day_draw(&day);
        day_run(&day, true, with);
        day_run(&day, false, without);
        for (uint32_t t = 1; t <= STEPS; t++) {
            different += with[t] != without[t];
            if ((with[t] == 0) != (without[t] == 0) ||
                (with[t] && day.project[with[t]] != day.project[without[t]]))
                fail_msg("day %u, second %u: job %u starts, and %u without priorities", i, t,
                         with[t], without[t]);
        }
    }
    assert_true(different > 1000); /* … and they do reorder */
}

/* ---- by hand */

static void the_highest_of_a_project_takes_its_turn(void **state)
{
    (void)state;
    open_projects(1);
    submit(ask_of(0, 1, 0, 0));
    assert_string_equal(pass(0), "1");
    submit(ask_of(0, 2, 1, 0));   /* the project's oldest */
    submit(ask_of(1, 3, 2, 0));   /* another project's */
    submit(ask_of(0, 4, 3, 50));  /* urgent, and late */
    submit(ask_of(1, 5, 4, -10)); /* waits for 6 */
    submit(ask_of(1, 6, 5, 0));
    (void)pass(9);
    end(1, 10);
    assert_string_equal(pass(10), "4"); /* by the turn of 2 */
    end(4, 20);
    assert_string_equal(pass(20), "3"); /* 2 has the factor of 4 now */
    end(3, 30);
    assert_string_equal(pass(30), "2");
    end(2, 40);
    assert_string_equal(pass(40), "6");
    end(6, 50);
    assert_string_equal(pass(50), "5");
}

static void who_lent_its_turn_is_still_before_later_ones_of_its_project(void **state)
{
    (void)state;
    open_projects(1);
    submit(ask_of(0, 1, 0, 0));
    assert_string_equal(pass(0), "1");
    submit(ask_of(0, 2, 1, 0));
    submit(ask_of(0, 3, 2, 0));
    submit(ask_of(0, 4, 3, 1));
    end(1, 10);
    assert_string_equal(pass(10), "4");
    end(4, 20);
    assert_string_equal(pass(20), "2");
    end(2, 30);
    assert_string_equal(pass(30), "3");
}

/* An array of three tasks lends one of three turns: its others keep theirs. */
static void an_array_lends_its_turns_one_by_one(void **state)
{
    (void)state;
    struct stint_array *array = NULL;
    struct stint_task_key task = { .job = 2, .task = 1 };
    open_projects(1);
    submit(ask_of(0, 1, 0, 0));
    assert_string_equal(pass(0), "1");
    assert_int_equal(stint_array_parse("1-3", &array, NULL), 0);
    struct stint_tasks *tasks = stint_tasks_new(array, true);
    struct stint_ask a = ask_of(0, 2, 1, 0);
    a.key.task = STINT_TASK_WHOLE;
    a.tasks = tasks;
    submit(a);
    submit(ask_of(1, 3, 2, 0));
    submit(ask_of(0, 4, 3, 7));
    end(1, 10);
    assert_string_equal(pass(10), "4");
    end(4, 20);
    for (uint32_t i = 1; i <= 2; i++) {
        assert_string_equal(pass(10 + 10 * i), "2");
        task.task = i;
        assert_int_equal(stint_scheduler_end(fixture.scheduler, task, 20000 + 10000 * i), 0);
    }
    assert_string_equal(pass(40), "3"); /* before the third, which has the factor of 4 */
    end(3, 50);
    assert_string_equal(pass(50), "2");
    (void)stint_tasks_free(tasks);
    (void)stint_array_free(array);
}

static void a_starved_job_lends_its_turn_to_nobody(void **state)
{
    (void)state;
    open_projects(1);
    submit(ask_of(0, 1, 0, 0));
    assert_string_equal(pass(0), "1");
    submit(ask_of(0, 2, 1, -100));
    (void)pass(1000); /* a hundred times its limit: 1 is overdue all the while */
    submit(ask_of(0, 3, 1000, 100));
    (void)pass(1001);
    end(1, 1002);
    assert_string_equal(pass(1002), "2");
}

static void set_blocked(uint64_t job, enum stint_reason_code code)
{
    struct stint_task_key key = { .job = job };
    struct stint_reason reason = { .code = code, .account = STINT_NO_ACCOUNT };
    assert_int_equal(stint_scheduler_set_blocked(fixture.scheduler, key, &reason), 0);
}

static size_t moved(void)
{
    struct stint_task_key keys[4];
    return stint_scheduler_clocks_moved(fixture.scheduler, keys, 4);
}

/* What a later core would work out by itself from the submission needs no word. */
static void who_is_blocked_from_the_first_is_told_of_when_freed(void **state)
{
    (void)state;
    struct stint_clock clock;
    open_projects(1);
    submit(ask_of(0, 1, 10, 0));
    set_blocked(1, STINT_REASON_HeldByUser);
    (void)pass(12);
    assert_int_equal(moved(), 0);
    assert_int_equal(
        stint_scheduler_clock(fixture.scheduler, (struct stint_task_key){ .job = 1 }, &clock), 0);
    assert_int_equal(clock.blocked_ms, 10 * 1000);
    submit(ask_of(0, 2, 20, 0));
    submit(ask_of(0, 3, 20, 0));
    (void)pass(20); /* one starts, the other waits, and is held when a pass has seen it */
    uint64_t waits = fixture.starts[0].key.job == 2 ? 3 : 2;
    set_blocked(waits, STINT_REASON_HeldByUser);
    (void)pass(30);
    assert_int_equal(moved(), 1);
    assert_int_equal(moved(), 0); /* once */
    set_blocked(1, STINT_REASON_NONE);
    (void)pass(40);
    assert_int_equal(moved(), 1);
    assert_int_equal(
        stint_scheduler_clock(fixture.scheduler, (struct stint_task_key){ .job = 1 }, &clock), 0);
    assert_int_equal(clock.ready_ms, 40 * 1000); /* it has waited for nothing yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(priorities_take_no_other_projects_turn),
        T(the_highest_of_a_project_takes_its_turn),
        T(who_lent_its_turn_is_still_before_later_ones_of_its_project),
        T(an_array_lends_its_turns_one_by_one),
        T(a_starved_job_lends_its_turn_to_nobody),
        T(who_is_blocked_from_the_first_is_told_of_when_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
