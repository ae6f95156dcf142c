/* A batch: statements with their values, copied, in the order they were put, and the effects that
 * wait for them. The loop fills one while the writer thread reads another; no batch is ever touched
 * by both. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/store.h"
#include "table.h"

/* The first TABLE_COUNT statements insert a row of that table. */
enum statement_id {
    STATEMENT_CHANGE_JOB = TABLE_COUNT,
    STATEMENT_CHANGE_TASK,
    STATEMENT_CHANGE_RUN,
    STATEMENT_TOUCH_JOB,
    STATEMENT_REMOVE_QUOTA,
    STATEMENT_REMOVE_MEMBER,
    STATEMENT_REMOVE_PERSONAL,
    STATEMENT_EXPIRE_IDEMPOTENCY,
    STATEMENT_COUNT
};

struct effect {
    stint_effect_fn fn;
    void *context;
};

/**
 * struct batch - see above
 * @number: its place in the order of commits
 * @bytes: for each row {uint16 statement, uint16 value count} and for each value {uint8 type, 0 for
 * NULL; int64, or uint32 length, bytes and a NUL}; unaligned
 */
struct batch {
    uint64_t number;
    unsigned char *bytes;
    size_t length;
    size_t capacity;
    size_t rows;
    struct effect *effects;
    size_t effect_count;
    bool is_awaited; /* somebody waits for one of the effects */
    size_t effect_capacity;
};

/* 0; STINT_BUSY past twice the bounds of stint/store.h; STINT_TOO_LARGE a value is; -ENOMEM. Then
 * the batch is as it was. */
int batch_put(struct batch *batch, enum statement_id statement, const struct value *values,
              size_t count, struct stint_error *err);
/* @extra: one more value behind the selection's; NULL for none. */
int batch_put_row(struct batch *batch, enum statement_id statement, const struct table *table,
                  enum table_selection selection, const void *row, const struct value *extra,
                  struct stint_error *err);
int batch_after(struct batch *batch, stint_effect_fn fn, void *context, struct stint_error *err);
/* Empty; its memory is kept unless it is large and this batch used little of it. */
void batch_clear(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Reading it again, from *@at = 0 to its length. Values borrow from the batch. */
struct batch_row {
    enum statement_id statement;
    size_t count;
    struct value values[TABLE_COLUMN_MAX];
};
bool batch_next(const struct batch *batch, size_t *at, struct batch_row *ret_row);
/* The next one of @statement; others are passed over without a look at their values. */
bool batch_next_of(const struct batch *batch, enum statement_id statement, size_t *at,
                   struct batch_row *ret_row);

#endif
