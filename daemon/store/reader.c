/* Owns: connections that read, and the way of a result into a typed row. A statement is always
 * reset before its reader returns: a read transaction left open would keep the log of the database
 * from being folded back, and it would grow without bound. */
#include "reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "stint/auto.h"

_Static_assert(STINT_POSTING_FREE == 2 && STINT_POSTING_HELD == 3 && STINT_POSTING_USED == 4,
               "the queries name accounts by number");

int reader_open(const char *path, struct stint_reader **ret_reader, struct stint_error *err)
{
    struct stint_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return stint_fail(err, -ENOMEM, "no memory to read the store");
    int r = schema_open_reader(path, &reader->db, err);
    if (r != 0) {
        free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

void reader_close(struct stint_reader *reader)
{
    if (!reader)
        return;
    for (int query = 0; query < QUERY_COUNT; query++)
        sqlite3_finalize(reader->queries[query]);
    sqlite3_close_v2(reader->db);
    free(reader);
}

int reader_last_ids(struct stint_reader *reader, int64_t ids[STINT_ID_KIND_COUNT],
                    struct stint_error *err)
{
    static const char *const sql[STINT_ID_KIND_COUNT] = {
        [STINT_ID_EVENT] = "SELECT max(id) FROM event",
        [STINT_ID_JOB] = "SELECT max(id) FROM job",
        [STINT_ID_INSTITUTION] = "SELECT max(id) FROM institution",
        [STINT_ID_PROJECT] = "SELECT max(id) FROM project",
        [STINT_ID_AWARD] = "SELECT max(id) FROM award",
        [STINT_ID_POSTING] = "SELECT max(id) FROM posting",
        [STINT_ID_TRANSACTION] =
            "SELECT \"transaction\" FROM posting WHERE id = (SELECT max(id) FROM posting)",
        [STINT_ID_VERDICT] = "SELECT max(id) FROM verdict",
        [STINT_ID_DECISION] = "SELECT max(id) FROM decision",
        [STINT_ID_ATTESTATION] = "SELECT max(id) FROM attestation",
        [STINT_ID_WAIVER] = "SELECT max(id) FROM waiver",
        [STINT_ID_TRANSCRIPT] = "SELECT max(id) FROM transcript",
    };
    for (int kind = 0; kind < STINT_ID_KIND_COUNT; kind++) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(reader->db, sql[kind], -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        ids[kind] = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_finalize(statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return schema_fail(reader->db, code, "reading the last ids", err);
    }
    return 0;
}

static int bind(sqlite3_stmt *statement, int index, const struct value *value)
{
    if (value->is_null)
        return sqlite3_bind_null(statement, index);
    if (value->type == COLUMN_INT)
        return sqlite3_bind_int64(statement, index, value->integer);
    if (value->type == COLUMN_TEXT)
        return sqlite3_bind_text64(statement, index, value->data, value->length, SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    return sqlite3_bind_blob64(statement, index, value->data, value->length, SQLITE_TRANSIENT);
}

int reader_query(struct stint_reader *reader, enum query_id query, const struct value *values,
                 size_t count, sqlite3_stmt **ret_statement)
{
    int code = SQLITE_OK;
    if (!reader->queries[query])
        code = sqlite3_prepare_v3(reader->db, reader_sql[query], -1, SQLITE_PREPARE_PERSISTENT,
                                  &reader->queries[query], NULL);
    for (size_t i = 0; code == SQLITE_OK && i < count; i++)
        code = bind(reader->queries[query], (int)i + 1, &values[i]);
    *ret_statement = reader->queries[query];
    return schema_errno(code);
}

/* For each column of the result, the column of the table with its name, or NULL. */
static void map_columns(sqlite3_stmt *statement, const struct table *table,
                        const struct column *map[TABLE_COLUMN_MAX], int *ret_count)
{
    int count = sqlite3_column_count(statement);
    assert(count <= TABLE_COLUMN_MAX);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(statement, i);
        map[i] = NULL;
        for (size_t j = 0; name && j < table->column_count; j++)
            if (strcmp(table->columns[j].name, name) == 0)
                map[i] = &table->columns[j];
    }
    *ret_count = count;
}

static void take_value(sqlite3_stmt *statement, int index, const struct column *column,
                       struct value *ret_value)
{
    *ret_value = (struct value){ .type = COLUMN_INT };
    ret_value->is_null = sqlite3_column_type(statement, index) == SQLITE_NULL;
    if (column->type == COLUMN_TEXT)
        ret_value->data = sqlite3_column_text(statement, index);
    else if (column->type == COLUMN_BLOB)
        ret_value->data = sqlite3_column_blob(statement, index);
    else
        ret_value->integer = sqlite3_column_int64(statement, index);
    if (column->type == COLUMN_TEXT || column->type == COLUMN_BLOB)
        ret_value->length = (size_t)sqlite3_column_bytes(statement, index);
}

int reader_each(struct stint_reader *reader, enum query_id query, const struct value *values,
                size_t count, enum table_id table,
                bool (*fn)(void *context, const union any_row *row), void *context,
                size_t *ret_count)
{
    const struct column *map[TABLE_COLUMN_MAX];
    union any_row row;
    sqlite3_stmt *statement;
    int columns = 0;
    int code = SQLITE_DONE;
    int r = reader_query(reader, query, values, count, &statement);
    if (r != 0)
        return r;
    map_columns(statement, &store_tables[table], map, &columns);
    size_t rows = 0;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        memset(&row, 0, store_tables[table].row_size);
        for (int i = 0; i < columns; i++) {
            struct value value;
            if (!map[i])
                continue;
            take_value(statement, i, map[i], &value);
            column_set(map[i], &row, &value);
        }
        rows++;
        goes_on = fn(context, &row);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (ret_count)
        *ret_count = rows;
    return schema_errno(code);
}
