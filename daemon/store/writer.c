/* Owns: the writing connection, its prepared statements, and the thread. A batch is one
 * transaction: all of it or nothing. Whatever fails, the transaction is rolled back and the
 * connection is fit for the next one. */
#include "writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "fold.h"
#include "schema.h"
#include "thread.h"

static const char BEGIN_BATCH[] = "BEGIN IMMEDIATE";
static const char COMMIT_BATCH[] = "COMMIT";
static const char ROLLBACK_BATCH[] = "ROLLBACK";

/* What is not made from the description of a table. Parameters in the order they are put. */
static const char *const writer_sql[STATEMENT_COUNT] = {
    [STATEMENT_TOUCH_JOB] = "UPDATE job SET last_event = ?1 WHERE id = ?2",
    [STATEMENT_REMOVE_QUOTA] =
        "DELETE FROM quota WHERE scope = ?1 AND scope_id = ?2 AND kind = ?3 AND period = ?4",
    [STATEMENT_REMOVE_MEMBER] = "DELETE FROM member WHERE project = ?1 AND uid = ?2",
    [STATEMENT_REMOVE_PERSONAL] = "DELETE FROM personal WHERE commitment = ?1",
    [STATEMENT_EXPIRE_IDEMPOTENCY] = "DELETE FROM idempotency WHERE at_ms < ?1",
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    void (*notify)(void *context);
    void *context;
    struct fold *fold;
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t wake;
    const struct batch *batch; /* to commit; NULL while idle */
    bool has_result;
    bool is_stopping;
    struct writer_result result;
};

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
}

static int prepare_statement(struct writer *writer, enum statement_id id)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer sql = { 0 };
    if ((int)id < (int)TABLE_COUNT)
        table_insert_sql(&store_tables[id], &sql);
    else if (id <= STATEMENT_CHANGE_RUN)
        table_change_sql(&store_tables[TABLE_JOB + (id - STATEMENT_CHANGE_JOB)], &sql);
    else
        stint_buffer_add_text(&sql, writer_sql[id]);
    if (sql.failed)
        return SQLITE_NOMEM;
    return prepare(writer->db, stint_buffer_text(&sql), &writer->statements[id]);
}

static int writer_prepare(struct writer *writer, struct stint_error *err)
{
    int code = prepare(writer->db, BEGIN_BATCH, &writer->begin);
    if (code == SQLITE_OK)
        code = prepare(writer->db, COMMIT_BATCH, &writer->commit);
    if (code == SQLITE_OK)
        code = prepare(writer->db, ROLLBACK_BATCH, &writer->rollback);
    for (int id = 0; code == SQLITE_OK && id < STATEMENT_COUNT; id++)
        code = prepare_statement(writer, (enum statement_id)id);
    return code == SQLITE_OK
               ? 0
               : schema_fail(writer->db, code, "preparing the store's statements", err);
}

static int run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : reset ? reset : code;
}

static int bind_value(sqlite3_stmt *statement, int index, const struct value *value)
{
    if (value->is_null)
        return sqlite3_bind_null(statement, index);
    if (value->type == COLUMN_INT)
        return sqlite3_bind_int64(statement, index, value->integer);
    if (value->type == COLUMN_TEXT)
        return sqlite3_bind_text64(statement, index, value->data, value->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    return sqlite3_bind_blob64(statement, index, value->data, value->length, SQLITE_STATIC);
}

static int write_row(struct writer *writer, const struct batch_row *row)
{
    sqlite3_stmt *statement = writer->statements[row->statement];
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < row->count; i++)
        code = bind_value(statement, (int)i + 1, &row->values[i]);
    if (code == SQLITE_OK)
        code = run(statement);
    return code;
}

/* A change of a row that is not there is a bug above, and must not be lost in silence. */
static bool is_lost_change(struct writer *writer, enum statement_id statement)
{
    return statement >= STATEMENT_CHANGE_JOB && statement <= STATEMENT_CHANGE_RUN &&
           sqlite3_changes(writer->db) != 1;
}

static int write_rows(struct writer *writer, const struct batch *batch, struct stint_error *err)
{
    struct batch_row row;
    size_t at = 0;
    while (batch_next(batch, &at, &row)) {
        int code = write_row(writer, &row);
        const char *sql = sqlite3_sql(writer->statements[row.statement]);
        char what[64];
        if (code != SQLITE_OK) {
            (void)snprintf(what, sizeof(what), "%.50s", sql);
            return schema_fail(writer->db, code, what, err);
        }
        if (is_lost_change(writer, row.statement))
            return stint_fail(err, -ENOENT, "%.50s: there is no such row", sql);
    }
    return 0;
}

static int write_batch(struct writer *writer, const struct batch *batch, struct stint_error *err)
{
    int code = run(writer->begin);
    if (code != SQLITE_OK)
        return schema_fail(writer->db, code, "beginning a transaction", err);
    int r = write_rows(writer, batch, err);
    if (r == 0 && (code = run(writer->commit)) != SQLITE_OK)
        r = schema_fail(writer->db, code, "committing", err);
    /* After some errors SQLite has rolled back itself. */
    if (r != 0 && !sqlite3_get_autocommit(writer->db))
        (void)run(writer->rollback);
    return r;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void writer_main(void *argument)
{
    struct writer *writer = argument;
    uv_mutex_lock(&writer->mutex);
    while (true) {
        while (!writer->batch && !writer->is_stopping)
            uv_cond_wait(&writer->wake, &writer->mutex);
        if (!writer->batch)
            break;
        const struct batch *batch = writer->batch;
        uv_mutex_unlock(&writer->mutex);

        struct writer_result result = { 0 };
        uint64_t start_ns = now_ns();
        result.status = write_batch(writer, batch, &result.error);
        result.commit_ns = now_ns() - start_ns;

        uv_mutex_lock(&writer->mutex);
        writer->batch = NULL;
        writer->result = result;
        writer->has_result = true;
        writer->notify(writer->context); /* within: who takes the result may close the loop */
    }
    uv_mutex_unlock(&writer->mutex);
}

int writer_start(const char *path, void (*notify)(void *context), void *context,
                 struct writer **ret_writer, struct stint_error *err)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return stint_fail(err, -ENOMEM, "no memory for the store's writer");
    writer->notify = notify;
    writer->context = context;
    if (uv_mutex_init(&writer->mutex) != 0 || uv_cond_init(&writer->wake) != 0)
        abort(); /* never on Linux: nothing is allocated */
    int r = schema_open_writer(path, &writer->db, err);
    if (r == 0)
        r = schema_migrate(writer->db, schema_migrations, schema_version, err);
    if (r == 0)
        r = writer_prepare(writer, err);
    if (r == 0)
        r = fold_start(path, writer->db, &writer->fold, err);
    if (r == 0 && (r = thread_start(&writer->thread, writer_main, writer)) != 0)
        (void)stint_fail(err, r, "starting the store's writer thread: %s", uv_strerror(r));
    writer->has_thread = r == 0;
    if (r != 0) {
        writer_stop(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

void writer_give(struct writer *writer, const struct batch *batch)
{
    uv_mutex_lock(&writer->mutex);
    assert(!writer->batch && !writer->has_result);
    writer->batch = batch;
    uv_mutex_unlock(&writer->mutex); /* first: it wakes to take it */
    uv_cond_signal(&writer->wake);
}

bool writer_take(struct writer *writer, struct writer_result *ret_result)
{
    uv_mutex_lock(&writer->mutex);
    bool has_result = writer->has_result;
    if (has_result)
        *ret_result = writer->result;
    writer->has_result = false;
    uv_mutex_unlock(&writer->mutex);
    return has_result;
}

void writer_stop(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->has_thread) {
        uv_mutex_lock(&writer->mutex);
        writer->is_stopping = true;
        uv_cond_signal(&writer->wake);
        uv_mutex_unlock(&writer->mutex);
        uv_thread_join(&writer->thread);
    }
    fold_stop(writer->fold);
    for (int id = 0; id < STATEMENT_COUNT; id++)
        sqlite3_finalize(writer->statements[id]);
    sqlite3_finalize(writer->begin);
    sqlite3_finalize(writer->commit);
    sqlite3_finalize(writer->rollback);
    sqlite3_close_v2(writer->db);
    uv_cond_destroy(&writer->wake);
    uv_mutex_destroy(&writer->mutex);
    free(writer);
}
