/* Owns: sums over postings and runs, and the audit of the books. Balances are never stored
 * (invariant 4), so the start adds them up: rows are stepped through and added here, because
 * SQLite's GROUP BY would sort them all first, at several times the cost. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "schema.h"

#define SUM_COLUMNS 7

/* A sum by a pair of integers: open addressing, at most half full. */
struct sum {
    int64_t key[2];
    int64_t amounts[SUM_COLUMNS];
    bool is_used;
};
struct sums {
    struct sum *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

static struct sum *sums_slot(const struct sums *sums, int64_t first, int64_t second)
{
    uint64_t hash = (uint64_t)first * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (uint64_t)second ^ (hash >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    size_t at = (size_t)(hash >> 32) & (sums->capacity - 1);
    while (sums->slots[at].is_used &&
           (sums->slots[at].key[0] != first || sums->slots[at].key[1] != second))
        at = (at + 1) & (sums->capacity - 1);
    return &sums->slots[at];
}

static int sums_grow(struct sums *sums)
{
    struct sums larger = { .capacity = sums->capacity ? 2 * sums->capacity : 64 };
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < sums->capacity; i++)
        if (sums->slots[i].is_used)
            *sums_slot(&larger, sums->slots[i].key[0], sums->slots[i].key[1]) = sums->slots[i];
    larger.count = sums->count;
    free(sums->slots);
    *sums = larger;
    return 0;
}

/* The sum of this key, made when it is new; NULL without memory. */
static struct sum *sums_at(struct sums *sums, int64_t first, int64_t second)
{
    if (2 * (sums->count + 1) > sums->capacity && sums_grow(sums) != 0)
        return NULL;
    struct sum *sum = sums_slot(sums, first, second);
    if (!sum->is_used) {
        *sum = (struct sum){ .key = { first, second }, .is_used = true };
        sums->count++;
    }
    return sum;
}

static int sum_compare(const void *a, const void *b)
{
    const struct sum *left = a;
    const struct sum *right = b;
    for (size_t i = 0; i < 2; i++)
        if (left->key[i] != right->key[i])
            return left->key[i] < right->key[i] ? -1 : 1;
    return 0;
}

/* The same order whenever the rows are the same. */
static void sums_sort(struct sums *sums)
{
    size_t count = 0;
    for (size_t i = 0; i < sums->capacity; i++)
        if (sums->slots[i].is_used)
            sums->slots[count++] = sums->slots[i];
    assert(count == sums->count);
    if (count > 1)
        qsort(sums->slots, count, sizeof(*sums->slots), sum_compare);
}

/* The value behind is a damaged store's or a bug's: it stays at the end of the range. */
static void add(int64_t *sum, int64_t amount)
{
    if (__builtin_add_overflow(*sum, amount, sum))
        *sum = amount < 0 ? INT64_MIN : INT64_MAX;
}

/* ceil(@a * @b / @divisor) for what is not negative; INT64_MAX when the product does not fit. */
static int64_t product_up(int64_t a, int64_t b, int64_t divisor)
{
    int64_t product;
    if (a <= 0 || b <= 0)
        return 0;
    if (__builtin_mul_overflow(a, b, &product))
        return INT64_MAX;
    return product / divisor + (product % divisor != 0);
}

static int step_all(sqlite3_stmt *statement, struct sums *sums,
                    int (*take)(sqlite3_stmt *statement, struct sums *sums))
{
    int code = SQLITE_DONE;
    int r = 0;
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
        r = take(statement, sums);
    sqlite3_reset(statement);
    return r != 0 ? r : schema_errno(code);
}

static int take_posting(sqlite3_stmt *statement, struct sums *sums)
{
    struct sum *sum =
        sums_at(sums, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
    if (!sum)
        return -ENOMEM;
    add(&sum->amounts[0], sqlite3_column_int64(statement, 2));
    return 0;
}

int stint_reader_sum_postings(struct stint_reader *reader,
                              bool (*fn)(void *context, const struct stint_posting_sum *sum),
                              void *context)
{
    struct sums sums = { 0 };
    sqlite3_stmt *statement;
    int r = reader_query(reader, QUERY_POSTING_SUMS, NULL, 0, &statement);
    if (r == 0)
        r = step_all(statement, &sums, take_posting);
    sums_sort(&sums);
    bool goes_on = r == 0;
    for (size_t i = 0; goes_on && i < sums.count; i++) {
        const struct sum *sum = &sums.slots[i];
        goes_on = fn(context, &(struct stint_posting_sum){ .account = sum->key[0],
                                                           .award = sum->key[1],
                                                           .amount_micro = sum->amounts[0] });
    }
    free(sums.slots);
    return r;
}

enum {
    USAGE_RUNS = 0,
    USAGE_GPU,
    USAGE_CORE,
    USAGE_CHARGED,
    USAGE_HELD,
    USAGE_OPEN_GPU,
    USAGE_OPEN_CORE
};

/* Columns of QUERY_USAGE_SUMS. */
static int take_usage(sqlite3_stmt *statement, struct sums *sums)
{
    struct sum *sum =
        sums_at(sums, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
    if (!sum)
        return -ENOMEM;
    int64_t gpu_milli = sqlite3_column_int64(statement, 2);
    int64_t cpus = sqlite3_column_int64(statement, 3);
    int64_t walltime_ms = product_up(sqlite3_column_int64(statement, 4), 1000, 1);
    int64_t elapsed_ms = sqlite3_column_int64(statement, 5);
    bool is_open = sqlite3_column_int64(statement, 6) == 0;
    int64_t counted_ms = is_open || elapsed_ms > walltime_ms ? walltime_ms : elapsed_ms;
    add(&sum->amounts[USAGE_RUNS], 1);
    add(&sum->amounts[USAGE_GPU], product_up(gpu_milli, counted_ms, 1000));
    add(&sum->amounts[USAGE_CORE], product_up(cpus, counted_ms, 1000));
    if (is_open) {
        add(&sum->amounts[USAGE_HELD], sqlite3_column_int64(statement, 7));
        add(&sum->amounts[USAGE_OPEN_GPU], product_up(gpu_milli, counted_ms, 1000));
        add(&sum->amounts[USAGE_OPEN_CORE], product_up(cpus, counted_ms, 1000));
    } else
        add(&sum->amounts[USAGE_CHARGED], sqlite3_column_int64(statement, 8));
    return 0;
}

int stint_reader_sum_usage(struct stint_reader *reader, int64_t since_ms, int64_t until_ms,
                           bool (*fn)(void *context, const struct stint_usage_sum *sum),
                           void *context)
{
    struct value values[] = { { .type = COLUMN_INT, .integer = since_ms },
                              { .type = COLUMN_INT, .integer = until_ms } };
    struct sums sums = { 0 };
    sqlite3_stmt *statement;
    int r = reader_query(reader, QUERY_USAGE_SUMS, values, 2, &statement);
    if (r == 0)
        r = step_all(statement, &sums, take_usage);
    sums_sort(&sums);
    bool goes_on = r == 0;
    for (size_t i = 0; goes_on && i < sums.count; i++) {
        const struct sum *sum = &sums.slots[i];
        goes_on =
            fn(context, &(struct stint_usage_sum){ .project = sum->key[0],
                                                   .uid = (uint32_t)sum->key[1],
                                                   .run_count = sum->amounts[USAGE_RUNS],
                                                   .gpu_milli_s = sum->amounts[USAGE_GPU],
                                                   .core_s = sum->amounts[USAGE_CORE],
                                                   .open_gpu_milli_s = sum->amounts[USAGE_OPEN_GPU],
                                                   .open_core_s = sum->amounts[USAGE_OPEN_CORE],
                                                   .charged_micro = sum->amounts[USAGE_CHARGED],
                                                   .held_micro = sum->amounts[USAGE_HELD] });
    }
    free(sums.slots);
    return r;
}

int stint_reader_each_past_use(struct stint_reader *reader, int64_t since_ms,
                               bool (*fn)(void *context, const struct stint_past_use *use),
                               void *context)
{
    struct value value = { .type = COLUMN_INT, .integer = since_ms };
    sqlite3_stmt *statement;
    int code = SQLITE_DONE;
    bool goes_on = true;
    int r = reader_query(reader, QUERY_USES, &value, 1, &statement);
    if (r != 0)
        return r;
    while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct stint_past_use use = {
            .project = sqlite3_column_int64(statement, 0),
            .uid = (uint32_t)sqlite3_column_int64(statement, 1),
            .cpus = sqlite3_column_int64(statement, 2),
            .gpu_milli = sqlite3_column_int64(statement, 3),
            .memory_bytes = sqlite3_column_int64(statement, 4),
            .gpu_type = (const char *)sqlite3_column_text(statement, 5),
            .start_ms = sqlite3_column_int64(statement, 6),
            .end_ms = sqlite3_column_int64(statement, 7),
            .resource = (const char *)sqlite3_column_text(statement, 8),
        };
        goes_on = fn(context, &use);
    }
    sqlite3_reset(statement);
    return schema_errno(code);
}

int stint_reader_audit(struct stint_reader *reader, struct stint_store_audit *ret_audit)
{
    struct stint_store_audit audit = { 0 };
    sqlite3_stmt *statement;
    int r = reader_query(reader, QUERY_AUDIT, NULL, 0, &statement);
    if (r != 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        audit.posting_count = sqlite3_column_int64(statement, 0);
        audit.held_micro = sqlite3_column_int64(statement, 1);
        audit.open_hold_micro = sqlite3_column_int64(statement, 2);
        audit.overdrawn = sqlite3_column_int64(statement, 3);
    }
    sqlite3_reset(statement);
    r = code == SQLITE_ROW ? reader_query(reader, QUERY_AUDIT_UNBALANCED, NULL, 0, &statement)
                           : schema_errno(code);
    if (r != 0)
        return r;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        audit.unbalanced = sqlite3_column_int64(statement, 0);
        audit.first_unbalanced = sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
    if (code != SQLITE_ROW)
        return schema_errno(code);
    *ret_audit = audit;
    return 0;
}
