/* What the scheduler costs: replays, and single events and passes against the length of the queue,
 * so that growth is seen. Links simulator_dep. Each table names the limit it is judged by; the
 * yardstick of the same run is a plain loop over as many numbers as there are tasks. */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stint/simulator.h"

#ifndef STINT_SHARED_DATA
#define STINT_SHARED_DATA "../shared/data"
#endif

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % n);
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_scheduler: %s failed\n", what);
    exit(1);
}

/* ---- replays */

static void replay(const char *name, enum stint_mode mode, const char *limit)
{
    char path[4096];
    struct stint_trace trace;
    struct stint_simulation_result best = { 0 };
    (void)snprintf(path, sizeof(path), "%s/traces/%s.swf.gz", STINT_SHARED_DATA, name);
    if (access(path, R_OK) != 0)
        return;
    if (stint_trace_load(path, &trace, NULL) != 0)
        die(path);
    for (int i = 0; i < 3; i++) {
        struct stint_simulation simulation = { .trace = &trace, .policy = { .mode = mode } };
        struct stint_simulation_result result;
        if (stint_simulate(&simulation, &result, NULL) != 0)
            die("replay");
        if (result.jobs_per_s > best.jobs_per_s)
            best = result;
    }
    (void)printf("%-20s %-13s %10.0f %8.3f %10.3f %10.1f %8zu   %s\n", name, stint_mode_name(mode),
                 best.jobs_per_s, (double)best.job_count / best.jobs_per_s, best.pass_mean_us,
                 best.pass_max_us, best.queue_max, limit);
    stint_trace_deinit(&trace);
}

static void replays(void)
{
    static const char *const names[] = { "kth-sp2-1996", "sdsc-sp2-1998", "philly-6c71a0-g80" };
    (void)printf("replay (best of 3)\n%-20s %-13s %10s %8s %10s %10s %8s   limit\n", "trace",
                 "mode", "jobs/s", "seconds", "pass us", "longest", "queue");
    for (size_t i = 0; i < 3; i++) {
        replay(names[i], STINT_MODE_EASY, "1,000,000 jobs/s; pass 1 us");
        replay(names[i], STINT_MODE_CONSERVATIVE, i == 1 ? "0.5 s" : "");
        replay(names[i], STINT_MODE_STINT, "pass 1 us");
    }
}

/* ---- one event against the length of the queue */

struct bench {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    struct stint_start starts[64];
    size_t count;
    uint64_t next;
    uint64_t ended;
    int64_t now_ms;
    bool is_limited; /* what waits belongs to a project at its limit */
};

static void submit(struct bench *bench, uint32_t cores, int64_t walltime_ms)
{
    struct stint_ask ask = { .key = { ++bench->next, 0 },
                             .cpus = cores,
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .walltime_ms = walltime_ms,
                             .submit_ms = bench->now_ms,
                             .user = below(100),
                             .account_count = bench->is_limited,
                             .fair_account = STINT_NO_ACCOUNT };
    if (stint_scheduler_submit(bench->scheduler, &ask, NULL) != 0)
        die("submit");
}

static void pass(struct bench *bench)
{
    if (stint_scheduler_pass(bench->scheduler, bench->now_ms, bench->starts, 64, &bench->count) !=
        0)
        die("pass");
}

/* A machine of 128 cores, all but one taken by tasks of one core, and @pending tasks that all need
 * two or more: nothing can start. */
static void fill(struct bench *bench, enum stint_mode mode, uint32_t pending, bool is_limited)
{
    struct stint_policy policy = { .mode = mode };
    if (stint_machine_new_flat(128, &bench->machine, NULL) != 0 ||
        stint_scheduler_new(bench->machine, &policy, &bench->scheduler, NULL) != 0)
        die("set-up");
    for (int i = 0; i < 127; i++)
        submit(bench, 1, 100000000 + i);
    do
        pass(bench);
    while (bench->count == 64);
    bench->is_limited = is_limited;
    if (is_limited &&
        (stint_scheduler_set_account(bench->scheduler, 0, STINT_ACCOUNT_PROJECT, STINT_NO_ACCOUNT,
                                     0) != 0 ||
         stint_scheduler_set_limit(bench->scheduler, 0, STINT_LIMIT_JOBS, 0, -1) != 0))
        die("limit");
    for (uint32_t i = 0; i < pending; i++)
        submit(bench, is_limited ? 1 : 2 + below(100), 1000 * (1 + (int64_t)below(100000)));
    pass(bench);
}

#define EVENTS 200

/* Mean of a submission and its pass, when it cannot start. */
static double submission_us(struct bench *bench)
{
    double before = now_us();
    for (int i = 0; i < EVENTS; i++) {
        submit(bench, 2 + below(100), 1000 * (1 + (int64_t)below(100000)));
        pass(bench);
    }
    return (now_us() - before) / EVENTS;
}

/* Mean of the end of a run, one core of which nothing can use, and a pass. @step_ms lets mode stint
 * choose its heads anew (1 s) or not. */
static double end_us(struct bench *bench, int events, int64_t step_ms)
{
    double sum = 0;
    for (int i = 0; i < events; i++) {
        struct stint_task_key key = { ++bench->ended, 0 };
        struct stint_ask one = { .key = { ++bench->next, 0 },
                                 .cpus = 1,
                                 .gpu_type = STINT_ANY_GPU_TYPE,
                                 .walltime_ms = 50000000 - 10000 * (int64_t)bench->ended,
                                 .submit_ms = bench->now_ms,
                                 .user = UINT32_MAX,
                                 .fair_account = STINT_NO_ACCOUNT };
        /* Another of one core first, so that no more than one is ever free. */
        if (stint_scheduler_submit(bench->scheduler, &one, NULL) != 0)
            die("submit");
        pass(bench);
        bench->now_ms += step_ms;
        double before = now_us();
        if (stint_scheduler_end(bench->scheduler, key, bench->now_ms) != 0)
            die("end");
        pass(bench);
        sum += now_us() - before;
        if (bench->count != 0)
            die("nothing should start");
    }
    return sum / events;
}

/* The yardstick: one look at a number of each task. */
static double scan_us(uint32_t pending)
{
    volatile int32_t *numbers = calloc(pending + 1, sizeof(*numbers));
    int32_t least = INT32_MAX;
    if (!numbers)
        die("calloc");
    for (uint32_t i = 0; i < pending; i++)
        numbers[i] = (int32_t)i;
    double before = now_us();
    for (uint32_t i = 0; i < pending; i++)
        least = numbers[i] < least ? numbers[i] : least;
    double took = now_us() - before;
    free((void *)(uintptr_t)numbers);
    return took;
}

static void queue_row(enum stint_mode mode, uint32_t pending, bool is_limited)
{
    struct bench bench = { 0 };
    struct mallinfo2 before = mallinfo2();
    fill(&bench, mode, pending, is_limited);
    struct mallinfo2 after = mallinfo2();
    double bytes =
        (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / pending;
    double submission = submission_us(&bench);
    double end = end_us(&bench, 50, 1);
    double whole = end_us(&bench, 20, 2000);
    (void)printf("%-6s %9u %10.2f %10.2f %12.1f %10.0f %12.1f%s\n", stint_mode_name(mode), pending,
                 submission, end, whole, bytes, scan_us(pending),
                 is_limited ? "  all of one project at its limit, cores free" : "");
    (void)stint_scheduler_free(bench.scheduler);
    (void)stint_machine_free(bench.machine);
}

static void queues(uint32_t longest)
{
    (void)printf(
        "\nevents that start nothing, us (limits: 20 at 100,000 and 100 at 1,000,000; re-key and "
        "pass 5,000 and 60,000; 256 bytes a task)\n%-6s %9s %10s %10s %12s %10s %12s\n",
        "mode", "pending", "submit", "end", "re-key+pass", "bytes/task", "plain scan");
    for (uint32_t pending = 100; pending <= longest; pending *= 10) {
        queue_row(STINT_MODE_EASY, pending, false);
        queue_row(STINT_MODE_STINT, pending, false);
        if (pending == 100000) {
            queue_row(STINT_MODE_EASY, pending, true);
            queue_row(STINT_MODE_STINT, pending, true);
        }
    }
}

/* ---- GPU sets */

/* Mean of choosing and giving back @ask of @total GPUs with uneven links, @ask already taken. */
static double gpu_us(uint32_t total, uint16_t asked)
{
    struct bench bench = { 0 };
    struct stint_shape *shape = NULL;
    struct stint_policy policy = { .mode = STINT_MODE_EASY };
    uint32_t links = total * (total - 1) / 2;
    if (stint_machine_new(&bench.machine) != 0 ||
        stint_machine_add_shape(bench.machine, 4, 64, 64, total, links, &shape, NULL) != 0)
        die("set-up");
    for (uint32_t n = 0; n < 4; n++)
        shape->numa[n] =
            (struct stint_numa){ .package = n / 2, .core_first = 16 * n, .core_count = 16 };
    for (uint32_t c = 0; c < 64; c++)
        shape->cores[c] =
            (struct stint_core){ .pu_first = c, .pu_count = 1, .numa = (uint16_t)(c / 16) };
    for (uint32_t g = 0; g < total; g++) {
        shape->gpus[g] = (struct stint_gpu){ .type = "x",
                                             .numa = (uint16_t)(g * 4 / total),
                                             .partition_of = -1 };
        (void)stint_machine_type(bench.machine, "x", &shape->gpus[g].type_index, NULL);
    }
    uint32_t at = 0;
    for (uint32_t a = 0; a < total; a++)
        for (uint32_t b = a + 1; b < total; b++)
            shape->links[at++] = (struct stint_link){ (uint16_t)a, (uint16_t)b, STINT_LINK_NVLINK,
                                                      25000 * (1 + below(4)) };
    if (stint_machine_add_nodes(bench.machine, "node", shape, 1, NULL) != 0 ||
        stint_scheduler_new(bench.machine, &policy, &bench.scheduler, NULL) != 0)
        die("set-up");
    int rounds = 2000;
    double before = now_us();
    for (int i = 0; i < rounds; i++) {
        struct stint_ask ask = { .key = { ++bench.next, 0 },
                                 .gpus = asked,
                                 .gpu_type = STINT_ANY_GPU_TYPE,
                                 .walltime_ms = 1000,
                                 .user = UINT32_MAX,
                                 .fair_account = STINT_NO_ACCOUNT };
        if (stint_scheduler_submit(bench.scheduler, &ask, NULL) != 0)
            die("submit");
        pass(&bench);
        if (bench.count != 1 || stint_scheduler_end(bench.scheduler, ask.key, 0) != 0)
            die("start");
    }
    double took = (now_us() - before) / rounds;
    (void)stint_scheduler_free(bench.scheduler);
    (void)stint_machine_free(bench.machine);
    return took;
}

int main(int argc, char **argv)
{
    uint32_t longest = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    replays();
    queues(longest);
    (void)printf(
        "\nsubmit, choose a GPU set, start, end, us (limit for the choice: 2 of 8, 20 of 16)\n");
    for (uint16_t asked = 1; asked <= 8; asked *= 2)
        (void)printf("%2u of 8: %6.2f   %2u of 16: %6.2f\n", asked, gpu_us(8, asked), asked,
                     gpu_us(16, asked));
    return 0;
}
