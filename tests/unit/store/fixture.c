#include "fixture.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

static void on_event(void *context, const struct stint_event_row *event)
{
    struct fixture *f = context;
    assert_true(f->event_count < FIXTURE_EVENTS_MAX);
    f->events[f->event_count++] = event->id;
}

static void on_failed(void *context, const struct stint_error *err)
{
    struct fixture *f = context;
    f->failed_count++;
    f->failure = *err;
}

static void on_recovered(void *context)
{
    struct fixture *f = context;
    f->recovered_count++;
}

int fixture_open(struct fixture *f, struct stint_error *err)
{
    struct stint_store_options options = { .loop = &f->loop,
                                           .state = f->state,
                                           .on_event = on_event,
                                           .on_failed = on_failed,
                                           .on_recovered = on_recovered,
                                           .context = f };
    return stint_store_open(&options, &f->store, err);
}

void fixture_close(struct fixture *f)
{
    if (!f->store)
        return;
    stint_store_close(f->store, NULL, NULL);
    f->store = NULL;
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
}

int fixture_make(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/stint-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->state, sizeof(f->state), "%s/state", f->folder);
    (void)snprintf(f->path, sizeof(f->path), "%s/stint.db", f->state);
    assert_int_equal(fixture_open(f, NULL), 0);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

int fixture_free(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    int r = uv_loop_close(&f->loop);
    (void)nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return r;
}

struct waiter {
    int status;
    int called;
};

static void waiter_on_durable(void *context, int status)
{
    struct waiter *waiter = context;
    waiter->status = status;
    waiter->called = 1;
}

void fixture_run_until(struct fixture *f, const int *flag)
{
    while (!*flag)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
}

int fixture_commit(struct fixture *f)
{
    struct waiter waiter = { 0 };
    assert_int_equal(stint_store_after(f->store, waiter_on_durable, &waiter, NULL), 0);
    fixture_run_until(f, &waiter.called);
    return waiter.status;
}

struct stint_job_row fixture_job(uint64_t id)
{
    return (struct stint_job_row){ .id = id,
                                   .state = "pending",
                                   .resource = "default",
                                   .project = 1,
                                   .uid = 1000,
                                   .gid = 1000,
                                   .user_name = "user",
                                   .name = "tune",
                                   .cpus = 4,
                                   .memory_bytes = INT64_C(1) << 34,
                                   .nodes = 1,
                                   .walltime_s = 3600,
                                   .submit_ms = 1795600000000 + (int64_t)id,
                                   .spec = "{\"command\":[\"true\"]}",
                                   .updated_ms = 1795600000000 };
}

int fixture_put_job(struct fixture *f, uint64_t id, struct stint_error *err)
{
    struct stint_job_row job = fixture_job(id);
    struct stint_change change = {
        .event = { .at_ms = job.submit_ms, .kind = "job.submit", .job = id, .actor = "uid:1000" },
        .job = &job,
        .job_is_new = true,
    };
    return stint_store_put_change(f->store, &change, NULL, err);
}

int fixture_put_event(struct fixture *f, const char *kind)
{
    struct stint_event_row event = { .at_ms = 1795600000000, .kind = kind, .payload = "{}" };
    return stint_store_put_event(f->store, &event, NULL, NULL);
}

int64_t fixture_ask(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}
