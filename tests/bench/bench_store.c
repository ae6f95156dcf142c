/* What the store adds to SQLite. The same rows (a job and its event, 1,000 to a batch) go through
 * the store's batch path (copied on one thread, written by another, each batch durable) and through
 * a bare loop of prepared statements and transactions, in turn in the same run, so that a slow disk
 * slows both. Prints rows a second, their ratio, and what a put costs the loop; then one row a
 * commit, and what the start reads.
 *
 * Usage: bench_store [BATCHES [FOLDER]]; exit status 1 when the target is missed. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>
#include <uv.h>

#include "stint/auto.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define BATCHES_DEFAULT 100
#define BATCH_JOBS      500 /* two rows each: job and event */
#define SINGLES         300
#define ROUNDS          5
#define RATIO_TARGET    0.5 /* of the bare loop, which forgets the copying, JSON and hand-over */

static const char SPEC[] = "{\"name\":\"tune\",\"project\":\"nlp\",\"command\":[\"python3\","
                           "\"train.py\",\"--epochs\",\"3\"],"
                           "\"workdir\":\"/home/user/"
                           "run1\",\"resources\":{\"cpus\":4,\"memory_bytes\":17179869184,\"gpus\":"
                           "{\"count\":1,\"type\":\"h200\",\"milli\":1000}},\"walltime_s\":7200,"
                           "\"uses\":{\"models\":[\"org/base\"],"
                           "\"datasets\":[\"org/corpus\"]}}";

static uv_loop_t loop;
static struct stint_store *store;
static char folder[256];
static uint64_t job_next = 1;
static double put_s;
static size_t put_count;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(2);
}

static struct stint_job_row job_row(uint64_t id)
{
    return (struct stint_job_row){ .id = id,
                                   .state = "pending",
                                   .resource = "default",
                                   .project = (int64_t)(id % 20),
                                   .uid = 1000 + (uint32_t)(id % 50),
                                   .gid = 1000,
                                   .user_name = "user",
                                   .name = "tune",
                                   .priority = (int64_t)(id % 100),
                                   .cpus = 4,
                                   .gpus = 1,
                                   .gpu_milli = 1000,
                                   .memory_bytes = INT64_C(1) << 34,
                                   .nodes = 1,
                                   .walltime_s = 7200,
                                   .submit_ms = INT64_C(1795600000000) + (int64_t)id,
                                   .end_ms = id % 10 ? 1795600000000 : 0, /* a tenth is live */
                                   .spec = SPEC,
                                   .updated_ms = INT64_C(1795600000000) };
}

/* ---- through the store */

static void on_durable(void *context, int status)
{
    if (status != 0)
        give_up("a commit failed");
    ++*(size_t *)context;
}

static void put_jobs(size_t count)
{
    double start_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct stint_job_row job = job_row(job_next++);
        struct stint_change change = {
            .event = { .at_ms = job.submit_ms,
                       .kind = "job.submit",
                       .job = job.id,
                       .actor = "uid:1000" },
            .job = &job,
            .job_is_new = true,
        };
        if (stint_store_put_change(store, &change, NULL, NULL) != 0)
            give_up("a put was refused");
    }
    put_s += now_s() - start_s;
    put_count += count;
}

/* Every batch is durable at the end; the next is filled while one is written. */
static double store_rate(size_t batches, size_t jobs)
{
    size_t durable = 0;
    double start_s = now_s();
    for (size_t i = 0; i < batches; i++) {
        put_jobs(jobs);
        if (stint_store_after(store, on_durable, &durable, NULL) != 0)
            give_up("an effect was refused");
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        while (durable + 1 < i) /* at most one waits behind the one in flight */
            (void)uv_run(&loop, UV_RUN_ONCE);
    }
    while (durable < batches)
        (void)uv_run(&loop, UV_RUN_ONCE);
    return (double)(batches * jobs * 2) / (now_s() - start_s);
}

/* One row, one commit, one client. */
static double store_singles(size_t count)
{
    double start_s = now_s();
    for (size_t i = 0; i < count; i++) {
        size_t durable = 0;
        put_jobs(1);
        if (stint_store_after(store, on_durable, &durable, NULL) != 0)
            give_up("an effect was refused");
        while (!durable)
            (void)uv_run(&loop, UV_RUN_ONCE);
    }
    return (double)count / (now_s() - start_s);
}

/* ---- the bare loop: the same tables, the same columns filled, the payload ready made */

struct bare {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *job;
    sqlite3_stmt *event;
    int64_t next;
    char payload[900];
};

static sqlite3_stmt *bare_prepare(struct bare *bare, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(bare->db, sql, -1, &statement, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(bare->db));
    return statement;
}

static void bare_run(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        give_up("the bare loop failed");
    sqlite3_reset(statement);
}

static void bare_open(struct bare *bare)
{
    char path[300];
    char *schema = NULL;
    (void)snprintf(path, sizeof(path), "%s/bare.db", folder);
    if (sqlite3_open(path, &bare->db) != SQLITE_OK)
        give_up("the bare database does not open");
    /* The store's own schema, so that both write the same tables. */
    if (asprintf(&schema,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                 "PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -8192;"
                 "ATTACH '%s/state/stint.db' AS of;",
                 folder) < 0 ||
        sqlite3_exec(bare->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(bare->db));
    free(schema);
    static const char ddl[] =
        "SELECT sql FROM of.sqlite_schema WHERE name IN ('job', 'event', 'job_live')"
        " ORDER BY rowid";
    sqlite3_stmt *tables = bare_prepare(bare, ddl);
    while (sqlite3_step(tables) == SQLITE_ROW)
        if (sqlite3_exec(bare->db, (const char *)sqlite3_column_text(tables, 0), NULL, NULL,
                         NULL) != SQLITE_OK)
            give_up(sqlite3_errmsg(bare->db));
    sqlite3_finalize(tables);
    if (sqlite3_exec(bare->db, "DETACH of", NULL, NULL, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(bare->db));
    bare->begin = bare_prepare(bare, "BEGIN IMMEDIATE");
    bare->commit = bare_prepare(bare, "COMMIT");
    bare->job = bare_prepare(
        bare,
        "INSERT INTO job (id, state, resource, project, uid, gid, user_name, name, priority, cpus,"
        " gpus, gpu_milli, memory_bytes, nodes, walltime_s, submit_ms, begin_ms, start_ms, end_ms,"
        " award, decision, spec, exit_code, exit_signal, attempts, task_count, updated_ms) VALUES "
        "(?1,"
        " 'pending', 'default', ?2, ?3, 1000, 'user', 'tune', ?4, 4, 1, 1000, 17179869184, 1, 7200,"
        " ?5, 0, 0, ?6, 0, 0, ?7, 0, 0, 0, 0, ?5)");
    bare->event =
        bare_prepare(bare, "INSERT INTO event (id, at_ms, kind, job, task, attempt, actor, payload)"
                           " VALUES (?1, ?2, 'job.submit', ?1, 0, 0, 'uid:1000', ?3)");
    (void)snprintf(
        bare->payload, sizeof(bare->payload),
        "{\"job\":{\"id\":1,\"state\":\"pending\",\"resource\":\"default\",\"project\":1,\"uid\":"
        "1000,"
        "\"gid\":1000,\"user_name\":\"user\",\"name\":\"tune\",\"priority\":1,\"cpus\":4,\"gpus\":"
        "1,"
        "\"gpu_milli\":1000,\"memory_bytes\":17179869184,\"nodes\":1,\"walltime_s\":7200,"
        "\"submit_ms\":1795600000000,\"spec\":%s,\"updated_ms\":1795600000000}}",
        SPEC);
}

static void bare_put(struct bare *bare)
{
    int64_t id = ++bare->next;
    int64_t at_ms = INT64_C(1795600000000) + id;
    sqlite3_bind_int64(bare->event, 1, id);
    sqlite3_bind_int64(bare->event, 2, at_ms);
    sqlite3_bind_text(bare->event, 3, bare->payload, -1, SQLITE_STATIC);
    bare_run(bare->event);
    sqlite3_bind_int64(bare->job, 1, id);
    sqlite3_bind_int64(bare->job, 2, id % 20);
    sqlite3_bind_int64(bare->job, 3, 1000 + id % 50);
    sqlite3_bind_int64(bare->job, 4, id % 100);
    sqlite3_bind_int64(bare->job, 5, at_ms);
    sqlite3_bind_int64(bare->job, 6, id % 10 ? 1795600000000 : 0);
    sqlite3_bind_text(bare->job, 7, SPEC, sizeof(SPEC) - 1, SQLITE_STATIC);
    bare_run(bare->job);
}

static double bare_rate(struct bare *bare, size_t batches, size_t jobs)
{
    double start_s = now_s();
    for (size_t i = 0; i < batches; i++) {
        bare_run(bare->begin);
        for (size_t j = 0; j < jobs; j++)
            bare_put(bare);
        bare_run(bare->commit);
    }
    return (double)(batches * jobs * 2) / (now_s() - start_s);
}

static void bare_close(struct bare *bare)
{
    sqlite3_finalize(bare->begin);
    sqlite3_finalize(bare->commit);
    sqlite3_finalize(bare->job);
    sqlite3_finalize(bare->event);
    sqlite3_close(bare->db);
}

/* ---- the start */

static bool count_job(void *context, const struct stint_job_row *row)
{
    (void)row;
    ++*(size_t *)context;
    return true;
}

static void open_store(void)
{
    char state[300];
    struct stint_error err = { 0 };
    (void)snprintf(state, sizeof(state), "%s/state", folder);
    struct stint_store_options options = { .loop = &loop, .state = state };
    if (stint_store_open(&options, &store, &err) != 0)
        give_up(err.text);
}

static void close_store(void)
{
    stint_store_close(store, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void print_start(void)
{
    size_t live = 0;
    close_store();
    double start_s = now_s();
    open_store();
    double open_s = now_s() - start_s;
    if (stint_reader_each_live_job(stint_store_reader(store), count_job, &live) != 0)
        give_up("the live jobs do not load");
    double load_s = now_s() - start_s - open_s;
    printf("start: open and check %.1f ms, %zu live of %" PRIu64 " jobs %.1f ms\n", open_s * 1e3,
           live, job_next - 1, load_s * 1e3);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* The middle one: a round in which somebody else had the disk decides nothing. */
static double median(double ratios[ROUNDS])
{
    qsort(ratios, ROUNDS, sizeof(*ratios), compare);
    return ratios[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    size_t batches = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : BATCHES_DEFAULT;
    struct bare bare = { 0 };
    double batched[ROUNDS];
    double single[ROUNDS];
    (void)snprintf(folder, sizeof(folder), "%s/stint-bench-store-XXXXXX",
                   argc > 2 ? argv[2] : "/var/tmp");
    if (batches == 0 || !mkdtemp(folder) || uv_loop_init(&loop) != 0)
        give_up("usage: bench_store [BATCHES [FOLDER]]");
    open_store();
    bare_open(&bare);
    printf("%-28s %14s %14s %8s\n", "durable rows/s", "store", "bare sqlite", "ratio");
    for (int round = 0; round < ROUNDS; round++) {
        double a = store_rate(batches, BATCH_JOBS);
        double b = bare_rate(&bare, batches, BATCH_JOBS);
        printf("batches of %d rows %9s %14.0f %14.0f %8.2f\n", 2 * BATCH_JOBS, "", a, b, a / b);
        batched[round] = a / b;
    }
    double put_us = put_s / (double)put_count * 1e6;
    for (int round = 0; round < ROUNDS; round++) {
        double a = store_singles(SINGLES);
        double b = bare_rate(&bare, SINGLES, 1) / 2;
        printf("one job a commit, one client %14.0f %14.0f %8.2f\n", a, b, a / b);
        single[round] = a / b;
    }
    printf("put of a job and its event on the loop: %.2f us\n", put_us);
    print_start();
    close_store();
    bare_close(&bare);
    (void)uv_loop_close(&loop);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    double ratio = median(batched);
    bool is_reached = ratio >= RATIO_TARGET;
    printf("ratio %.2f of the bare loop in batches (target %.2f: %s), %.2f one by one\n", ratio,
           RATIO_TARGET, is_reached ? "reached" : "MISSED", median(single));
    return is_reached ? 0 : 1;
}
