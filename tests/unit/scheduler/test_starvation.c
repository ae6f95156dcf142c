/* How long a task may wait at the most (stint/scheduler.h, "nobody starves"), against others that
 * never stop coming: more than the machine can do, of projects that have used less. */
#include "property.h"

#define LONGEST_MS  1000 /* M */
#define WAITING_MAX 2000
#define HUNGRY      1 /* the task in question */

struct crowd {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    struct stint_policy policy;
    int64_t now_ms;
    uint64_t next_job;
    uint32_t before; /* that waited when the task came */
    uint64_t runs[WAITING_MAX];
    int64_t ends_ms[WAITING_MAX];
    uint32_t run_count;
    uint64_t waiting[WAITING_MAX];
    bool was_larger[WAITING_MAX * 8]; /* by job: its factor was larger than the task's own */
    uint32_t larger_count;
    int64_t came_ms;
    int64_t walltime_ms; /* of the task */
    bool has_started;
};

static struct stint_ask crowd_ask(const struct crowd *crowd, uint64_t job)
{
    struct stint_ask ask = { .key = { .job = job },
                             .cpus = 1 + below(3),
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .locality = STINT_PLACE_ANY,
                             .nodes = 1,
                             .user = UINT32_MAX,
                             .walltime_ms = 1 + below(LONGEST_MS),
                             .submit_ms = crowd->now_ms,
                             .fair_account = below(4) ? 1 : 2 };
    if (below(3) == 0)
        ask.gpus = (uint16_t)(1 + below(2));
    return ask;
}

/* The largest thing that the machine can start: it needs everybody else to be over. */
static struct stint_ask hungry_ask(const struct crowd *crowd)
{
    struct stint_ask ask = { .key = { .job = HUNGRY },
                             .cpus = 1000,
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .locality = STINT_PLACE_ANY,
                             .nodes = 1 + below(crowd->machine->node_count),
                             .user = UINT32_MAX,
                             .walltime_ms = 1 + below(LONGEST_MS),
                             .submit_ms = crowd->now_ms,
                             .fair_account = 3 };
    struct stint_ask fits = ask;
    (void)stint_scheduler_fits_ever(crowd->scheduler, &ask, NULL, &fits, NULL);
    if (stint_scheduler_fits_ever(crowd->scheduler, &fits, NULL, NULL, NULL) != 0)
        fits.nodes = 1;
    return fits;
}

static void tell(struct crowd *crowd, const struct stint_ask *ask)
{
    if (stint_scheduler_fits_ever(crowd->scheduler, ask, NULL, NULL, NULL) != 0)
        return;
    assert_int_equal(stint_scheduler_submit(crowd->scheduler, ask, NULL), 0);
}

/* From when on only larger factors go before the task, in mode stint. */
static int64_t first_in_turn_ms(const struct crowd *crowd)
{
    int64_t factor = (STINT_STARVED_FACTOR - 1) * crowd->walltime_ms;
    int64_t firm = STINT_FIRM_WAITS * LONGEST_MS;
    return crowd->came_ms + (factor > firm ? factor : firm);
}

static void count_larger(struct crowd *crowd)
{
    struct stint_turn own;
    struct stint_turn other;
    if (crowd->policy.mode != STINT_MODE_STINT || crowd->now_ms < first_in_turn_ms(crowd) ||
        stint_scheduler_turn(crowd->scheduler, (struct stint_task_key){ .job = HUNGRY }, &own) != 0)
        return;
    for (uint64_t job = HUNGRY + 1; job < crowd->next_job; job++) {
        struct stint_task_key key = { .job = job };
        if (crowd->was_larger[job] || stint_scheduler_turn(crowd->scheduler, key, &other) != 0 ||
            other.factor < own.factor)
            continue;
        crowd->was_larger[job] = true;
        crowd->larger_count++;
    }
}

static int64_t bound_ms(const struct crowd *crowd)
{
    int64_t n = crowd->policy.mode == STINT_MODE_STINT ? crowd->larger_count : crowd->before;
    if (crowd->policy.mode != STINT_MODE_STINT)
        return crowd->came_ms + (n + 1) * LONGEST_MS;
    return first_in_turn_ms(crowd) + (n + 1) * (n + 1) * (LONGEST_MS + 1000);
}

static void check_wait(const struct crowd *crowd)
{
    if (crowd->now_ms > bound_ms(crowd))
        fail_msg("in mode %s it waits %lld ms, at most %lld were said",
                 stint_mode_name(crowd->policy.mode), (long long)(crowd->now_ms - crowd->came_ms),
                 (long long)(bound_ms(crowd) - crowd->came_ms));
}

static void pass(struct crowd *crowd)
{
    struct stint_start starts[START_MAX];
    size_t count = START_MAX;
    while (count == START_MAX) {
        assert_int_equal(
            stint_scheduler_pass(crowd->scheduler, crowd->now_ms, starts, START_MAX, &count), 0);
        for (size_t i = 0; i < count; i++) {
            int64_t limit = starts[i].ends_ms - crowd->now_ms;
            if (starts[i].key.job == HUNGRY) {
                crowd->has_started = true;
                check_wait(crowd);
            }
            crowd->runs[crowd->run_count] = starts[i].key.job;
            crowd->ends_ms[crowd->run_count++] =
                below(3) == 0 ? starts[i].ends_ms : crowd->now_ms + 1 + below((uint32_t)limit);
        }
    }
}

static uint32_t first_to_end(const struct crowd *crowd)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < crowd->run_count; i++)
        if (crowd->ends_ms[i] < crowd->ends_ms[first])
            first = i;
    return first;
}

/* Everything that happens until @until_ms, at its instant. */
static void go_through(struct crowd *crowd, int64_t until_ms)
{
    while (!crowd->has_started) {
        int64_t next_ms = stint_scheduler_next_ms(crowd->scheduler);
        uint32_t first = first_to_end(crowd);
        if (crowd->run_count > 0 && crowd->ends_ms[first] < next_ms)
            next_ms = crowd->ends_ms[first];
        if (next_ms > until_ms)
            break;
        crowd->now_ms = next_ms > crowd->now_ms ? next_ms : crowd->now_ms;
        while (crowd->run_count > 0 && crowd->ends_ms[first] <= crowd->now_ms) {
            struct stint_task_key key = { .job = crowd->runs[first] };
            assert_int_equal(stint_scheduler_end(crowd->scheduler, key, crowd->now_ms), 0);
            crowd->runs[first] = crowd->runs[--crowd->run_count];
            crowd->ends_ms[first] = crowd->ends_ms[crowd->run_count];
            first = first_to_end(crowd);
        }
        pass(crowd);
    }
    crowd->now_ms = until_ms > crowd->now_ms ? until_ms : crowd->now_ms;
}

static void crowd_open(struct crowd *crowd, uint64_t seed)
{
    static const enum stint_mode modes[] = { STINT_MODE_STINT,       STINT_MODE_EASY,
                                             STINT_MODE_STINT,       STINT_MODE_FCFS,
                                             STINT_MODE_EASY_SJBF,   STINT_MODE_STINT,
                                             STINT_MODE_CONSERVATIVE };
    random_state = seed;
    crowd->machine = random_machine(below(3) == 0);
    crowd->policy = random_policy();
    crowd->policy.mode = modes[seed % (sizeof(modes) / sizeof(modes[0]))];
    crowd->policy.preempts = false;
    crowd->policy.cores_per_free_gpu = 0;
    crowd->next_job = HUNGRY + 1;
    assert_int_equal(stint_scheduler_new(crowd->machine, &crowd->policy, &crowd->scheduler, NULL),
                     0);
    for (uint32_t a = 0; a < 4; a++)
        assert_int_equal(stint_scheduler_set_account(crowd->scheduler, a, STINT_ACCOUNT_PROJECT,
                                                     STINT_NO_ACCOUNT, 1),
                         0);
    /* The task's project has used all that was used, again and again. */
    struct stint_ask used = { .cpus = 100 };
    for (int64_t at = 0; at < 1000000; at += 1000)
        assert_int_equal(stint_scheduler_add_use(crowd->scheduler, 3, &used, at - 1000000, at), 0);
}

/* Between two that come, at the most: they want 0.8 to 2 times what the machine has. */
static uint32_t random_gap_ms(const struct crowd *crowd)
{
    static const uint32_t core_ms = 760; /* of one, in the mean */
    uint32_t cores = 1;
    for (uint32_t n = 0; n < crowd->machine->node_count; n++)
        cores += crowd->machine->nodes[n].shape->core_count;
    return 1 + 2 * core_ms * 10 / (cores * (8 + below(12)));
}

static void scenario(uint64_t seed)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    assert_non_null(crowd);
    crowd_open(crowd, seed);
    uint32_t gap_ms = random_gap_ms(crowd);
    uint32_t before = below(40);
    for (int64_t i = 0; !crowd->has_started && crowd->next_job < WAITING_MAX * 8; i++) {
        struct stint_ask ask = crowd_ask(crowd, crowd->next_job++);
        if (i == before) {
            crowd->came_ms = crowd->now_ms;
            crowd->before = (uint32_t)stint_scheduler_pending_count(crowd->scheduler);
            ask = hungry_ask(crowd);
            crowd->walltime_ms = ask.walltime_ms;
        }
        tell(crowd, &ask);
        pass(crowd);
        if (i >= before) {
            count_larger(crowd);
            if (!crowd->has_started)
                check_wait(crowd);
        }
        /* No more come than can be told apart; but there is always somebody. */
        int64_t until_ms = crowd->now_ms + 1 + below(gap_ms);
        go_through(crowd, until_ms);
        while (stint_scheduler_pending_count(crowd->scheduler) > WAITING_MAX / 4 &&
               !crowd->has_started)
            go_through(crowd, until_ms += 100);
    }
    assert_true(crowd->has_started);
    (void)stint_scheduler_free(crowd->scheduler);
    (void)stint_machine_free(crowd->machine);
    free(crowd);
}

static uint64_t current_seed;

static void nobody_starves_whoever_comes(void **state)
{
    (void)state;
    uint64_t seed;
    uint64_t count = scenario_count(120, &seed);
    for (uint64_t end = seed + count; seed < end; seed++) {
        current_seed = seed;
        scenario(seed);
    }
    current_seed = 0;
}

static int print_seed(void **state)
{
    (void)state;
    if (current_seed)
        print_error("in scenario %llu\n", (unsigned long long)current_seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_starves_whoever_comes, print_seed),
    };
    return cmocka_run_group_tests_name("scheduler-starvation", tests, NULL, NULL);
}
