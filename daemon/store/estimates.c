/* Owns: how good the first estimates of starts were, from what the store kept of them. */
#include <errno.h>
#include <stdlib.h>

#include "reader.h"
#include "schema.h"

#define ERRORS_MAX ((size_t)1 << 22) /* starts looked at: those that were given first */

struct told_start {
    int64_t start_ms;
    int64_t error_ms; /* off the expected one, either way */
    bool is_late;
};

struct told_starts {
    struct told_start *list;
    size_t count;
    size_t capacity;
};

static int take(struct told_starts *starts, sqlite3_stmt *statement)
{
    if (starts->count == starts->capacity) {
        size_t capacity = starts->capacity ? 2 * starts->capacity : 256;
        struct told_start *list = realloc(starts->list, capacity * sizeof(*list));
        if (!list)
            return -ENOMEM;
        starts->list = list;
        starts->capacity = capacity;
    }
    int64_t start_ms = sqlite3_column_int64(statement, 0);
    int64_t off_ms = start_ms - sqlite3_column_int64(statement, 1);
    starts->list[starts->count++] =
        (struct told_start){ .start_ms = start_ms,
                             .error_ms = off_ms < 0 ? -off_ms : off_ms,
                             /* Told in whole seconds: within that second it is on time. */
                             .is_late =
                                 start_ms / 1000 > sqlite3_column_int64(statement, 2) / 1000 };
    return 0;
}

static int by_error(const void *a, const void *b)
{
    const struct told_start *x = a;
    const struct told_start *y = b;
    return x->error_ms < y->error_ms ? -1 : x->error_ms > y->error_ms;
}

/* Of those sorted by error: the first two passes find how many there are of the window, the third
 * goes to the ones in the middle and at nine tenths. */
static void figures_of(const struct told_starts *starts, struct stint_estimate_window *window)
{
    int64_t seen = 0;
    window->count = 0;
    window->late_count = 0;
    window->median_error_ms = 0;
    window->p90_error_ms = 0;
    for (size_t i = 0; i < starts->count; i++) {
        const struct told_start *start = &starts->list[i];
        bool is_in = start->start_ms >= window->since_ms && start->start_ms < window->until_ms;
        window->count += is_in;
        window->late_count += is_in && start->is_late;
    }
    for (size_t i = 0; i < starts->count && seen < window->count; i++) {
        const struct told_start *start = &starts->list[i];
        if (start->start_ms < window->since_ms || start->start_ms >= window->until_ms)
            continue;
        if (seen == (window->count - 1) / 2)
            window->median_error_ms = start->error_ms;
        if (seen == (window->count * 9 + 9) / 10 - 1)
            window->p90_error_ms = start->error_ms;
        seen++;
    }
}

int stint_reader_estimate_windows(struct stint_reader *reader,
                                  struct stint_estimate_window *windows, size_t count)
{
    struct told_starts starts = { 0 };
    sqlite3_stmt *statement;
    int64_t since_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        since_ms = windows[i].since_ms < since_ms ? windows[i].since_ms : since_ms;
    struct value value = { .type = COLUMN_INT, .integer = since_ms > 0 ? since_ms : 1 };
    int code = SQLITE_DONE;
    int r = reader_query(reader, QUERY_TOLD_STARTS, &value, 1, &statement);
    if (r != 0)
        return r;
    while (r == 0 && starts.count < ERRORS_MAX && (code = sqlite3_step(statement)) == SQLITE_ROW)
        r = take(&starts, statement);
    sqlite3_reset(statement);
    if (r == 0 && code != SQLITE_ROW)
        r = schema_errno(code);
    if (r == 0 && starts.count > 1)
        qsort(starts.list, starts.count, sizeof(*starts.list), by_error);
    for (size_t i = 0; i < count && r == 0; i++)
        figures_of(&starts, &windows[i]);
    free(starts.list);
    return r;
}
