/* No-op jobs from submit to durable end. With 32 slots beside a bare posix_spawn() loop of the same
 * static program; with two slots beside task-spooler, where it is installed; and the time from the
 * answer of a submit to the program's first instruction on an idle machine. Every job is a whole
 * one: judged, stored, paid, supervised, its output kept, its end durable.
 *
 * Usage: bench_jobs [wide|narrow|latency]; STINT_BENCH_ROUNDS (5). Exit status 1 when a target is
 * missed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_run.h"
#include "yardstick.h"

#define JOBS_WIDE    2000
#define JOBS_NARROW  600
#define JOBS_LATENCY 200
#define LINES_A_BODY 1000
#define LAST_LOOKED_AT                                                                             \
    64 /* jobs end nearly in their order: these may still run when the last ended */
#define RATIO_SPAWN    0.5
#define LATENCY_P99_MS 15.0

static const char line_format[] =
    "{\"name\":\"noop\",\"command\":[\"" STINT_NOOP "\"],"
    "\"resources\":{\"cpus\":1,\"memory_bytes\":16777216,\"walltime_s\":600}}\n";

static void submit_lines(struct client *client, size_t count)
{
    char *body = malloc(LINES_A_BODY * sizeof(line_format));
    if (!body)
        die("no memory for the lines");
    while (count > 0) {
        size_t now = count < LINES_A_BODY ? count : LINES_A_BODY;
        for (size_t i = 0; i < now; i++)
            memcpy(body + i * (sizeof(line_format) - 1), line_format, sizeof(line_format) - 1);
        struct reply reply = client_ask(client, "POST", "/api/v1/jobs", "application/x-ndjson",
                                        body, now * (sizeof(line_format) - 1));
        if (reply.status != 200 || strstr(reply.body, "problem"))
            die("bulk answer %d: %.300s", reply.status, reply.body);
        count -= now;
    }
    free(body);
}

/* Waits for the job's durable end: the daemon answers from what is on disk. */
static void job_await(struct client *client, uint64_t id)
{
    char path[80];
    struct reply reply;
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%llu?wait_s=60", (unsigned long long)id);
    do {
        reply = client_ask(client, "GET", path, NULL, NULL, 0);
    } while (reply.status == 200 && !strstr(reply.body, "\"state\":\"done\""));
    if (reply.status != 200 || !strstr(reply.body, "\"outcome\":\"completed\""))
        die("job %llu: %d %.500s", (unsigned long long)id, reply.status, reply.body);
}

struct jobs_run {
    double rate;
    double sync_ms; /* of the disk, just before */
    double cpu_us;
    double commits; /* a job */
    double commit_ms;
};

static double metric(struct client *client, const char *name)
{
    struct reply reply = client_ask(client, "GET", "/metrics", NULL, NULL, 0);
    const char *at = strstr(reply.body, name);
    if (!at)
        die("no metric %s", name);
    return strtod(at + strlen(name), NULL);
}

static struct jobs_run jobs_run(const char *topology, size_t count)
{
    struct jobs_run run = { 0 };
    struct daemon_run daemon;
    struct client client;
    daemon_begin(&daemon, topology);
    client_connect(&client, daemon.socket, 5);
    run.sync_ms = disk_sync_ms(daemon.folder);
    double cpu_s = process_cpu_s(daemon.pid);
    double start = now_s();
    submit_lines(&client, count);
    for (uint64_t id = count; id > 0 && id + LAST_LOOKED_AT > count; id--)
        job_await(&client, id);
    run.rate = (double)count / (now_s() - start);
    run.cpu_us = (process_cpu_s(daemon.pid) - cpu_s) * 1e6 / (double)count;
    double commits = metric(&client, "\nstint_store_commits_total ");
    run.commits = commits / (double)count;
    run.commit_ms = metric(&client, "\nstint_store_commit_seconds_total ") * 1e3 / commits;
    client_close(&client);
    daemon_end(&daemon);
    return run;
}

static void head(const char *peer, const char *ratio)
{
    (void)printf("%5s %9s %9s %9s %7s %10s %9s %10s\n", "round", "fsync ms", peer, "jobs/s", ratio,
                 "stintd us", "commits/j", "commit ms");
}

static void row(int round, double peer, const struct jobs_run *run, double ratio)
{
    (void)printf("%5d %9.2f %9.0f %9.0f %7.3f %10.1f %9.2f %10.2f\n", round, run->sync_ms, peer,
                 run->rate, ratio, run->cpu_us, run->commits, run->commit_ms);
}

static bool bench_wide(int count)
{
    double ratio[ROUNDS_MAX];
    (void)printf("no-op jobs to their durable end, 32 slots, %d a round\n", JOBS_WIDE);
    head("spawn/s", "ratio");
    for (int i = 0; i < count; i++) {
        double spawn = JOBS_WIDE / program_loop_s(STINT_NOOP, JOBS_WIDE);
        struct jobs_run run = jobs_run("core:32 pu:1", JOBS_WIDE);
        ratio[i] = run.rate / spawn;
        row(i + 1, spawn, &run, ratio[i]);
    }
    return judge("no-op jobs, part of a posix_spawn() loop", median(ratio, (size_t)count), "",
                 RATIO_SPAWN, false);
}

/* ---- two slots, beside task-spooler */

static void tsp(const char *const *words)
{
    int status;
    if (waitpid(program_start(words, NULL), &status, 0) < 0 || status != 0)
        die("%s %s ended with %d", words[0], words[1], status);
}

/* Its client is started once a job, as its users do. Both keep what a job writes. */
static double tsp_rate(const char *name)
{
    char folder[64];
    char socket[96];
    const char *slots[] = { name, "-S", "2", NULL };
    const char *job[] = { name, STINT_NOOP, NULL };
    const char *wait[] = { name, "-w", NULL };
    const char *stop[] = { name, "-K", NULL };
    folder_make(folder, sizeof(folder));
    (void)snprintf(socket, sizeof(socket), "%s/tsp", folder);
    (void)setenv("TS_SOCKET", socket, 1);
    (void)fflush(stdout);
    int out = dup(STDOUT_FILENO);
    if (!freopen("/dev/null", "w", stdout)) /* it prints each number */
        die("no /dev/null");
    const char *tmp = getenv("TMPDIR");
    (void)setenv("TMPDIR", folder, 1); /* where it keeps output */
    tsp(slots);
    (void)(tmp ? setenv("TMPDIR", tmp, 1) : unsetenv("TMPDIR"));
    double start = now_s();
    for (int i = 0; i < JOBS_NARROW; i++)
        tsp(job);
    tsp(wait);
    double elapsed = now_s() - start;
    tsp(stop);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)close(out);
    folder_remove(folder);
    return JOBS_NARROW / elapsed;
}

static bool bench_narrow(int count)
{
    double ratio[ROUNDS_MAX];
    const char *name = program_is_there("tsp") ? "tsp" : program_is_there("ts") ? "ts" : NULL;
    if (!name || strcmp(name, "ts") == 0) { /* `ts` alone is the time stamper of moreutils */
        (void)printf("\ntask-spooler: not installed here (tsp), not compared\n");
        return true;
    }
    (void)printf("\nno-op jobs, two slots, %d a round\n", JOBS_NARROW);
    head("tsp/s", "times");
    for (int i = 0; i < count; i++) {
        double spooler = tsp_rate(name);
        struct jobs_run run = jobs_run("core:2 pu:1", JOBS_NARROW);
        ratio[i] = run.rate / spooler;
        row(i + 1, spooler, &run, ratio[i]);
    }
    return judge("no-op jobs on two slots, times task-spooler", median(ratio, (size_t)count), "", 1,
                 false);
}

/* ---- latency */

static double file_ns(const char *path)
{
    char text[32] = "";
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof(text), file))
        die("%s: the job left no time", path);
    (void)fclose(file);
    return strtod(text, NULL);
}

static bool bench_latency(void)
{
    static double accepted_ms[JOBS_LATENCY];
    static double sent_ms[JOBS_LATENCY];
    struct daemon_run daemon;
    struct client client;
    char path[128];
    char body[512];
    daemon_begin(&daemon, "core:32 pu:1");
    client_connect(&client, daemon.socket, 5);
    (void)snprintf(path, sizeof(path), "%s/out", daemon.folder);
    int length =
        snprintf(body, sizeof(body),
                 "{\"name\":\"noop\",\"command\":[\"%s\",\"when\"],\"output\":\"%s\","
                 "\"resources\":{\"cpus\":1,\"memory_bytes\":16777216,\"walltime_s\":600}}",
                 STINT_NOOP, path);
    for (size_t i = 0; i < JOBS_LATENCY; i++) {
        double sent = now_s();
        struct reply reply =
            client_ask(&client, "POST", "/api/v1/jobs", "application/json", body, (size_t)length);
        double accepted = now_s();
        uint64_t id = reply_id(&reply);
        job_await(&client, id);
        double first = file_ns(path) / 1e9;
        accepted_ms[i] = (first - accepted) * 1e3;
        sent_ms[i] = (first - sent) * 1e3;
    }
    client_close(&client);
    daemon_end(&daemon);
    (void)printf("\nto the first instruction on an idle machine, %d jobs, ms\n%-12s %8s %8s\n",
                 JOBS_LATENCY, "from", "p50", "p99");
    (void)printf("%-12s %8.2f %8.2f\n", "sent", quantile(sent_ms, JOBS_LATENCY, 0.5),
                 quantile(sent_ms, JOBS_LATENCY, 0.99));
    (void)printf("%-12s %8.2f %8.2f\n", "accepted", quantile(accepted_ms, JOBS_LATENCY, 0.5),
                 quantile(accepted_ms, JOBS_LATENCY, 0.99));
    return judge("accepted to first instruction, p99", quantile(accepted_ms, JOBS_LATENCY, 0.99),
                 "ms", LATENCY_P99_MS, true);
}

int main(int argc, char **argv)
{
    int count = rounds(5);
    const char *part = argc > 1 ? argv[1] : NULL;
    bool is_met = true;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!part || strcmp(part, "wide") == 0)
        is_met = bench_wide(count) && is_met;
    if (!part || strcmp(part, "narrow") == 0)
        is_met = bench_narrow(count) && is_met;
    if (!part || strcmp(part, "latency") == 0)
        is_met = bench_latency() && is_met;
    return is_met ? 0 : 1;
}
