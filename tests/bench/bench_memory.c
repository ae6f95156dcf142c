/* The daemon's memory with 100,000 finished and with 100,000 queued jobs, and how soon it answers
 * after kill -9 with 100,000 finished and 10,000 queued ones. Finished jobs are submitted held, a
 * thousand at a time, and cancelled: each has its rows and its end like any other. Queued ones wait
 * behind a job that fills the machine, with the scheduler looking at them. The peer is the limit.
 *
 * Usage: bench_memory; STINT_BENCH_ROUNDS (5) restarts. Exit status 1 when a target is missed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon_run.h"
#include "yardstick.h"

#define MANY           100000
#define QUEUED_RESTART 10000
#define BODY_LINES     1000
#define TOPOLOGY       "core:2 pu:1"
#define FINISHED_MB    32.0
#define QUEUED_MB      100.0
#define RESTART_S      0.5

static void submit_body(struct client *client, size_t first, bool is_held)
{
    static char body[BODY_LINES * 512];
    size_t length = 0;
    for (size_t i = 0; i < BODY_LINES; i++)
        length += (size_t)snprintf(
            body + length, 512,
            "{\"name\":\"tune-%06zu\",\"command\":[\"python3\",\"train.py\",\"--seed\",\"%zu\"],"
            "\"workdir\":\"/tmp\",\"resources\":{\"cpus\":2,\"memory_bytes\":17179869,"
            "\"walltime_s\":7200},\"hold\":%s,\"env\":{\"OMP_PROC_BIND\":\"true\"},"
            "\"purpose\":\"a seed of the sweep over learning rates\"}\n",
            first + i, first + i, is_held ? "true" : "false");
    struct reply reply =
        client_ask(client, "POST", "/api/v1/jobs", "application/x-ndjson", body, length);
    if (reply.status != 200 || strstr(reply.body, "problem"))
        die("bulk answer %d: %.300s", reply.status, reply.body);
}

static size_t cancel_write(void *context, size_t n, char *request, size_t size)
{
    if (n >= BODY_LINES)
        return 0;
    return (size_t)snprintf(request, size,
                            "DELETE /api/v1/jobs/%zu HTTP/1.1\r\nHost: localhost\r\n\r\n",
                            *(size_t *)context + n);
}

static void finish_many(struct daemon_run *daemon, struct client *client)
{
    for (size_t done = 0; done < MANY; done += BODY_LINES) {
        size_t first = done + 1;
        struct load load = {
            .socket = daemon->socket, .connections = 50, .next = cancel_write, .context = &first
        };
        submit_body(client, first, true);
        load_run(&load);
        if (load.refused > 0)
            die("%zu cancels were refused", load.refused);
    }
}

static void fill_machine(struct client *client)
{
    static const char body[] = "{\"command\":[\"sleep\",\"600\"],"
                               "\"resources\":{\"cpus\":2,\"walltime_s\":86400}}";
    struct reply reply =
        client_ask(client, "POST", "/api/v1/jobs", "application/json", body, sizeof(body) - 1);
    (void)reply_id(&reply);
}

static void say(const char *what, pid_t pid)
{
    (void)printf("%-44s %9.1f %9.1f %9.1f\n", what,
                 (double)process_kb(pid, "status", "VmRSS") / 1e3,
                 (double)process_kb(pid, "smaps_rollup", "Pss") / 1e3,
                 (double)process_kb(pid, "status", "VmHWM") / 1e3);
}

static double rss_mb(pid_t pid)
{
    return (double)process_kb(pid, "status", "VmRSS") / 1e3;
}

/* Seconds from the start of the program to the answer about one of its jobs. */
static double restart_s(struct daemon_run *daemon)
{
    struct client client;
    daemon_stop(daemon, SIGKILL);
    double start = now_s();
    daemon_spawn(daemon, TOPOLOGY);
    client_connect(&client, daemon->socket, 60);
    struct reply reply = client_ask(&client, "GET", "/api/v1/jobs/1", NULL, NULL, 0);
    double elapsed = now_s() - start;
    if (reply.status != 200)
        die("job 1 after a restart: %d", reply.status);
    client_close(&client);
    return elapsed;
}

static bool bench_finished(int count)
{
    struct daemon_run daemon;
    struct client client;
    double took_s[ROUNDS_MAX];
    daemon_begin(&daemon, TOPOLOGY);
    client_connect(&client, daemon.socket, 5);
    say("idle", daemon.pid);
    finish_many(&daemon, &client);
    say("100,000 finished", daemon.pid);
    double finished_mb = rss_mb(daemon.pid);
    fill_machine(&client);
    for (size_t i = 0; i < QUEUED_RESTART; i += BODY_LINES)
        submit_body(&client, MANY + i, false);
    client_close(&client);
    say("100,000 finished, 10,000 queued", daemon.pid);
    for (int i = 0; i < count; i++)
        took_s[i] = restart_s(&daemon);
    say("the same after a restart", daemon.pid);
    daemon_end(&daemon);
    bool is_met =
        judge("memory with 100,000 finished jobs (RSS)", finished_mb, "MB", FINISHED_MB, true);
    return judge("first answer after kill -9", median(took_s, (size_t)count), "s", RESTART_S,
                 true) &&
           is_met;
}

static bool bench_queued(void)
{
    struct daemon_run daemon;
    struct client client;
    daemon_begin(&daemon, TOPOLOGY);
    client_connect(&client, daemon.socket, 5);
    fill_machine(&client);
    double start = now_s();
    for (size_t i = 0; i < MANY; i += BODY_LINES)
        submit_body(&client, i, false);
    double elapsed = now_s() - start;
    say("100,000 queued", daemon.pid);
    double mb = rss_mb(daemon.pid);
    (void)printf("%.0f jobs/s on the way there\n", MANY / elapsed);
    client_close(&client);
    daemon_end(&daemon);
    return judge("memory with 100,000 queued jobs (RSS)", mb, "MB", QUEUED_MB, true);
}

int main(void)
{
    int count = rounds(5);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)printf("%-44s %9s %9s %9s\n", "stintd, MB", "RSS", "PSS", "peak RSS");
    bool is_met = bench_finished(count);
    is_met = bench_queued() && is_met;
    return is_met ? 0 : 1;
}
