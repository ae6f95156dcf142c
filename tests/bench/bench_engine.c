/* What the local engine adds to starting a program. Prints jobs a second for a bare posix_spawn()
 * loop and for whole runs (start, supervisor, exec, durable record, end told) of the same no-op in
 * the same minute, their ratio, and the time from the accepted start to the program's first
 * instruction on an idle engine.
 *
 * Usage: bench_engine [JOBS [SLOTS]]; exit status 1 when a target is missed. */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stint/auto.h"
#include "stint/engine.h"
#include "stint/engine_local.h"

#define JOBS_DEFAULT   3000
#define SLOTS_DEFAULT  32
#define LATENCY_JOBS   300
#define RATIO_TARGET   0.5
#define LATENCY_P99_MS 15.0
#define ROUNDS         3

static uv_loop_t loop;
static struct stint_engine *engine;
static char state[64] = "/tmp/stint-bench-XXXXXX";
static uint64_t job_next = 1;
static size_t jobs_left;
static size_t in_flight;
static size_t failed;
static bool with_limits;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void job_start(const char *const *argv)
{
    struct stint_run_start start = { .key = { job_next++, 0, 1 },
                                     .owner = { getuid(), getgid(), NULL, 0, "bench", "/" },
                                     .argv = argv,
                                     .walltime_ms = 3600000,
                                     .umask = 022 };
    struct stint_error err = { 0 };
    if (with_limits) {
        start.memory_bytes = UINT64_C(1) << 30;
        start.process_max = 1000;
    }
    if (stint_engine_start(engine, &start, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    in_flight++;
}

static const char *const noop_argv[] = { STINT_NOOP, NULL };

static void on_ended(void *ctx, const struct stint_run_end *end)
{
    (void)ctx;
    in_flight--;
    failed += end->lost || end->start_failed || end->exit_status != 0;
    (void)stint_engine_forget(engine, end->key);
    if (jobs_left) {
        jobs_left--;
        job_start(noop_argv);
    }
}

static double bare_rate(size_t jobs)
{
    char *argv[] = { strdup(STINT_NOOP), NULL };
    double began = now_s();
    for (size_t i = 0; i < jobs; i++) {
        pid_t pid = 0;
        if (posix_spawn(&pid, STINT_NOOP, NULL, NULL, argv, NULL) != 0)
            exit(2);
        waitpid(pid, NULL, 0);
    }
    double rate = (double)jobs / (now_s() - began);
    free(argv[0]);
    return rate;
}

static double engine_rate(size_t jobs, size_t slots)
{
    double began = now_s();
    jobs_left = jobs > slots ? jobs - slots : 0;
    for (size_t i = 0; i < slots && i < jobs; i++)
        job_start(noop_argv);
    while (in_flight)
        uv_run(&loop, UV_RUN_ONCE);
    return (double)jobs / (now_s() - began);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The no-op writes CLOCK_MONOTONIC nanoseconds as its first act when it is given a word. */
static double first_instruction_ms(uint64_t job, double accepted_s)
{
    char path[128];
    char text[32] = "";
    (void)snprintf(path, sizeof(path), "%s/jobs/%" PRIu64 "/stdout", state, job);
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    return got <= 0 ? 1e9 : ((double)strtoull(text, NULL, 10) / 1e9 - accepted_s) * 1e3;
}

static void latency(double *ret_p50, double *ret_p99)
{
    static const char *const argv[] = { STINT_NOOP, "when", NULL };
    static double times[LATENCY_JOBS];
    for (size_t i = 0; i < LATENCY_JOBS; i++) {
        uint64_t job = job_next;
        double accepted = now_s();
        job_start(argv);
        while (in_flight)
            uv_run(&loop, UV_RUN_ONCE);
        times[i] = first_instruction_ms(job, accepted);
    }
    qsort(times, LATENCY_JOBS, sizeof(times[0]), compare);
    *ret_p50 = times[LATENCY_JOBS / 2];
    *ret_p99 = times[LATENCY_JOBS * 99 / 100];
}

static void engine_open(bool no_cgroups)
{
    struct stint_launcher launcher;
    struct stint_error err = { 0 };
    struct stint_engine_report report;
    struct stint_engine_events events = { .on_ended = on_ended };
    struct stint_launcher_options options = { .program = STINT_LAUNCHER,
                                              .state = state,
                                              .daemon_uid = getuid(),
                                              .daemon_gid = getgid(),
                                              .min_uid = 1000,
                                              .allow_root = getuid() == 0,
                                              .no_cgroups = no_cgroups };
    if (stint_launcher_spawn(&options, &launcher, &err) != 0 ||
        stint_engine_local_new(&loop, state, &launcher, &events, &engine, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    stint_engine_report(engine, &report);
    printf("  memory %s, processes %s, kill %s\n", stint_engine_hold_name(report.memory),
           stint_engine_hold_name(report.processes), stint_engine_hold_name(report.kill));
}

static void engine_end(void)
{
    stint_engine_close(engine, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static double measure(const char *what, size_t jobs, size_t slots, bool no_cgroups, bool limits)
{
    double best = 0;
    printf("%s\n", what);
    with_limits = limits;
    engine_open(no_cgroups);
    for (int round = 0; round < ROUNDS; round++) {
        double bare = bare_rate(jobs);
        double rate = engine_rate(jobs, slots);
        printf("  bare %7.0f/s   engine %7.0f/s   ratio %.2f\n", bare, rate, rate / bare);
        best = rate / bare > best ? rate / bare : best;
    }
    engine_end();
    return best;
}

int main(int argc, char **argv)
{
    size_t jobs = argc > 1 ? strtoul(argv[1], NULL, 10) : JOBS_DEFAULT;
    size_t slots = argc > 2 ? strtoul(argv[2], NULL, 10) : SLOTS_DEFAULT;
    double p50 = 0;
    double p99 = 0;
    if (!mkdtemp(state) || uv_loop_init(&loop) != 0)
        return 2;
    double plain = measure("plain limits", jobs, slots, true, false);
    double groups = measure("cgroups, no limit asked", jobs, slots, false, false);
    double limited = measure("cgroups, memory and process limits", jobs, slots, false, true);
    with_limits = false;
    engine_open(false);
    latency(&p50, &p99);
    engine_end();
    printf("accepted to first instruction, idle: p50 %.2f ms, p99 %.2f ms (target %.0f)\n", p50,
           p99, LATENCY_P99_MS);
    printf("ratio to bare posix_spawn, %zu slots: plain %.2f, cgroups %.2f, limits %.2f (target "
           "%.1f)\n",
           slots, plain, groups, limited, RATIO_TARGET);
    if (failed)
        printf("%zu runs FAILED\n", failed);
    return failed || groups < RATIO_TARGET || p99 > LATENCY_P99_MS;
}
