/* Durable submits. One job a request over the Unix socket with keep-alive clients, beside a bare
 * libmicrohttpd server that only parses the same bodies; 1,000 jobs a request as NDJSON beside a
 * loop that parses the same lines and inserts one row each with the daemon's own libraries and
 * durability (the loop never stands still: several clients send at once). Jobs are held, so that
 * nothing starts. Each round takes a fresh daemon, and the two take turns, so that a slow minute
 * slows both.
 *
 * Usage: bench_submit; STINT_BENCH_ROUNDS (5). Exit status 1 when a target is missed. */
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_run.h"
#include "yardstick.h"

#define CONNECTIONS      50
#define SINGLE_S         2.0
#define LATENCY_MAX      400000
#define LINES            1000 /* of one NDJSON body */
#define BODIES           20
#define RATIO_SINGLE     0.3
#define RATIO_BULK       0.5
#define P99_MS           10.0
#define SBATCH_TIMES     50.0
#define SBATCH_JOBS      50
#define BULK_CONNECTIONS 4

static const char body_format[] =
    "{\"name\":\"tune-%06zu\",\"project\":\"default\",\"command\":[\"python3\",\"train.py\","
    "\"--seed\",\"%zu\"],\"workdir\":\"/tmp\",\"resources\":{\"cpus\":4,\"memory_bytes\":17179869,"
    "\"walltime_s\":7200,\"locality\":\"prefer\"},\"hold\":true,\"env\":{\"OMP_PROC_BIND\":"
    "\"true\"},"
    "\"purpose\":\"a seed of the sweep over learning rates\"}";

static size_t request_write(void *context, size_t n, char *request, size_t size)
{
    char body[1024];
    int length = snprintf(body, sizeof(body), body_format, n % 1000000, n);
    (void)context;
    return (size_t)snprintf(request, size,
                            "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                            length, body);
}

static double latency_ms[LATENCY_MAX];

/* What one server did: requests a second, milliseconds, and the CPU time of one request. */
struct single {
    double rate;
    double p50_ms;
    double p99_ms;
    double cpu_us;
};

static struct single single_run(const char *socket, pid_t pid)
{
    double cpu_s = process_cpu_s(pid);
    struct load load = { .socket = socket,
                         .connections = CONNECTIONS,
                         .seconds = SINGLE_S,
                         .next = request_write,
                         .latency_ms = latency_ms,
                         .latency_max = LATENCY_MAX };
    load_run(&load);
    if (load.refused > 0)
        die("%zu of %zu submits were refused", load.refused, load.answered);
    size_t count = load.answered < LATENCY_MAX ? load.answered : LATENCY_MAX;
    return (struct single){
        .rate = (double)load.answered / load.elapsed_s,
        .p99_ms = quantile(latency_ms, count, 0.99),
        .p50_ms = quantile(latency_ms, count, 0.5),
        .cpu_us = (process_cpu_s(pid) - cpu_s) * 1e6 / (double)load.answered,
    };
}

static struct single bare_run(const char *folder)
{
    char socket[128];
    struct client client;
    (void)snprintf(socket, sizeof(socket), "%s/bare", folder);
    const char *words[] = { BENCH_HTTP_BARE, socket, NULL };
    pid_t pid = program_start(words, NULL);
    client_connect(&client, socket, 10);
    client_close(&client);
    struct single bare = single_run(socket, pid);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)unlink(socket);
    return bare;
}

static bool bench_single(int count)
{
    double ratio[ROUNDS_MAX];
    double p99[ROUNDS_MAX];
    (void)printf("one job a request, %d connections, %.0f s a round\n"
                 "%5s %8s %10s %10s %7s %8s %8s %9s %9s\n",
                 CONNECTIONS, SINGLE_S, "round", "fsync ms", "bare/s", "stintd/s", "ratio",
                 "p50 ms", "p99 ms", "bare us", "stintd us");
    for (int i = 0; i < count; i++) {
        struct daemon_run daemon;
        daemon_begin(&daemon, "core:32 pu:1");
        double sync_ms = disk_sync_ms(daemon.folder);
        struct single bare = bare_run(daemon.folder);
        struct single stint = single_run(daemon.socket, daemon.pid);
        ratio[i] = stint.rate / bare.rate;
        p99[i] = stint.p99_ms;
        daemon_end(&daemon);
        (void)printf("%5d %8.2f %10.0f %10.0f %7.3f %8.2f %8.2f %9.1f %9.1f\n", i + 1, sync_ms,
                     bare.rate, stint.rate, ratio[i], stint.p50_ms, stint.p99_ms, bare.cpu_us,
                     stint.cpu_us);
    }
    bool is_met = judge("durable submits, part of the bare server", median(ratio, (size_t)count),
                        "", RATIO_SINGLE, false);
    return judge("p99 of a durable submit", median(p99, (size_t)count), "ms", P99_MS, true) &&
           is_met;
}

/* ---- bulk */

static char *lines_make(size_t *ret_length)
{
    char *text = calloc(LINES + 1, 1024);
    size_t length = 0;
    for (size_t i = 0; text && i < LINES; i++) {
        length += (size_t)snprintf(text + length, 1024, body_format, i, i);
        text[length++] = '\n';
    }
    if (!text)
        die("no memory for the lines");
    *ret_length = length;
    return text;
}

static double bulk_rate(const char *socket, const char *lines, size_t length, size_t connections)
{
    struct client clients[BULK_CONNECTIONS];
    for (size_t i = 0; i < connections; i++)
        client_connect(&clients[i], socket, 5);
    double start = now_s();
    for (size_t i = 0; i < connections && i < BODIES; i++)
        client_send(&clients[i], "POST", "/api/v1/jobs", "application/x-ndjson", lines, length);
    for (size_t i = 0; i < BODIES; i++) {
        struct client *client = &clients[i % connections];
        struct reply reply = client_receive(client);
        if (reply.status != 200 || strstr(reply.body, "problem"))
            die("bulk answer %d: %.300s", reply.status, reply.body);
        if (i + connections < BODIES)
            client_send(client, "POST", "/api/v1/jobs", "application/x-ndjson", lines, length);
    }
    double elapsed = now_s() - start;
    for (size_t i = 0; i < connections; i++)
        client_close(&clients[i]);
    return (double)LINES * BODIES / elapsed;
}

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die("%s: %s", text, sqlite3_errmsg(db));
}

static void insert_line(sqlite3_stmt *insert, const char *line, size_t length)
{
    json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *resources = json_object_get(json, "resources");
    const char *name = json_string_value(json_object_get(json, "name"));
    if (!json || !name)
        die("a line that is no request");
    for (int i = 2; i <= 13; i++)
        (void)sqlite3_bind_int64(insert, i, i);
    (void)sqlite3_bind_int64(insert, 1, json_integer_value(json_object_get(resources, "cpus")));
    (void)sqlite3_bind_int64(insert, 2,
                             json_integer_value(json_object_get(resources, "memory_bytes")));
    (void)sqlite3_bind_int64(insert, 3,
                             json_integer_value(json_object_get(resources, "walltime_s")));
    (void)sqlite3_bind_text(insert, 14, name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(insert, 15, line, (int)length, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE)
        die("inserting failed");
    (void)sqlite3_reset(insert);
    json_decref(json);
}

static double loop_rate(const char *folder, const char *lines)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *insert;
    (void)snprintf(path, sizeof(path), "%s/bare.db", folder);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("no database at %s", path);
    sql(db, "PRAGMA journal_mode=WAL");
    sql(db, "PRAGMA synchronous=FULL");
    sql(db, "CREATE TABLE job(id INTEGER PRIMARY KEY, a,b,c,d,e,f,g,h,i,j,k,l,m, name TEXT, spec "
            "TEXT)");
    if (sqlite3_prepare_v2(db, "INSERT INTO job VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
                           &insert, NULL) != SQLITE_OK)
        die("preparing: %s", sqlite3_errmsg(db));
    double start = now_s();
    for (size_t i = 0; i < BODIES; i++) {
        sql(db, "BEGIN IMMEDIATE");
        for (const char *line = lines, *end; (end = strchr(line, '\n')); line = end + 1)
            insert_line(insert, line, (size_t)(end - line));
        sql(db, "COMMIT");
    }
    double elapsed = now_s() - start;
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return (double)LINES * BODIES / elapsed;
}

static bool bench_bulk(int count)
{
    double ratio[ROUNDS_MAX];
    double ratio_one[ROUNDS_MAX];
    size_t length;
    char *lines = lines_make(&length);
    (void)printf("\n%d jobs a request as NDJSON, %d requests a round\n"
                 "%5s %8s %12s %12s %12s %8s %8s %9s\n",
                 LINES, BODIES, "round", "fsync ms", "loop jobs/s", "1 client", "4 clients",
                 "ratio 1", "ratio 4", "stintd us");
    for (int i = 0; i < count; i++) {
        struct daemon_run daemon;
        daemon_begin(&daemon, "core:32 pu:1");
        double sync_ms = disk_sync_ms(daemon.folder);
        double loop = loop_rate(daemon.folder, lines);
        double cpu_s = process_cpu_s(daemon.pid);
        double one = bulk_rate(daemon.socket, lines, length, 1);
        double four = bulk_rate(daemon.socket, lines, length, BULK_CONNECTIONS);
        double cpu_us = (process_cpu_s(daemon.pid) - cpu_s) * 1e6 / (2.0 * LINES * BODIES);
        daemon_end(&daemon);
        ratio_one[i] = one / loop;
        ratio[i] = four / loop;
        (void)printf("%5d %8.2f %12.0f %12.0f %12.0f %8.3f %8.3f %9.1f\n", i + 1, sync_ms, loop,
                     one, four, ratio_one[i], ratio[i], cpu_us);
    }
    free(lines);
    (void)printf("%-58s %10.3f        (no target: it waits for each commit)\n",
                 "NDJSON by one client, part of the loop", median(ratio_one, (size_t)count));
    return judge("NDJSON, part of a parse-and-insert loop", median(ratio, (size_t)count), "",
                 RATIO_BULK, false);
}

/* ---- sbatch */

static void slurm_cancel(void)
{
    const char *words[] = { "scancel", "--quiet", "--name=stint-bench", NULL };
    (void)waitpid(program_start(words, NULL), NULL, 0);
}

static bool bench_sbatch(void)
{
    const char *words[] = { "sbatch",      "--quiet",
                            "--hold",      "--job-name=stint-bench",
                            "--wrap=true", "--output=/dev/null",
                            NULL };
    int status = 0;
    if (!program_is_there("sbatch") || !program_is_there("scancel")) {
        (void)printf("\nsbatch: not installed here, not compared\n");
        return true;
    }
    double start = now_s();
    for (int i = 0; i < SBATCH_JOBS; i++)
        if (waitpid(program_start(words, NULL), &status, 0) < 0 || status != 0) {
            (void)printf("\nsbatch: installed, but it does not take jobs; not compared\n");
            slurm_cancel();
            return true;
        }
    double sbatch = SBATCH_JOBS / (now_s() - start);
    slurm_cancel();
    struct daemon_run daemon;
    daemon_begin(&daemon, "core:32 pu:1");
    double stint = single_run(daemon.socket, daemon.pid).rate;
    daemon_end(&daemon);
    (void)printf("\nsbatch, one client: %.0f jobs/s; stintd: %.0f\n", sbatch, stint);
    return judge("times one-client sbatch", stint / sbatch, "", SBATCH_TIMES, false);
}

int main(int argc, char **argv)
{
    int count = rounds(5);
    const char *part = argc > 1 ? argv[1] : NULL;
    bool is_met = true;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!part || strcmp(part, "single") == 0)
        is_met = bench_single(count) && is_met;
    if (!part || strcmp(part, "bulk") == 0)
        is_met = bench_bulk(count) && is_met;
    if (!part || strcmp(part, "sbatch") == 0)
        is_met = bench_sbatch() && is_met;
    return is_met ? 0 : 1;
}
