/* Owns: the bytes of a batch. They are only ever read back by this same process. */
#include "batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_KEEP_BYTES ((size_t)2 << 20) /* memory kept between batches */
/* More is kept while batches need it: growing anew costs a bulk submission two faults a job. */
#define BATCH_USED_PART 4

/* Before each row: @length from here to the next one's. */
struct row_head {
    size_t length;
    uint16_t statement;
    uint16_t count;
};

static int batch_reserve(struct batch *batch, size_t more, struct stint_error *err)
{
    if (more > 2 * STINT_STORE_BATCH_BYTES_MAX - batch->length ||
        batch->rows >= 2 * STINT_STORE_BATCH_ROWS_MAX)
        return stint_fail(err, STINT_BUSY, "too much waits to be written");
    if (batch->length + more <= batch->capacity)
        return 0;
    size_t capacity = batch->capacity ? batch->capacity : 4096;
    while (capacity < batch->length + more)
        capacity *= 2;
    unsigned char *bytes = realloc(batch->bytes, capacity);
    if (!bytes)
        return stint_fail(err, -ENOMEM, "no memory to gather what is to be written");
    batch->bytes = bytes;
    batch->capacity = capacity;
    return 0;
}

static void batch_add(struct batch *batch, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(batch->bytes + batch->length, bytes, length);
    batch->length += length;
}

static void batch_add_value(struct batch *batch, const struct value *value)
{
    unsigned char type = value->is_null ? 0 : (unsigned char)value->type;
    batch_add(batch, &type, 1);
    if (type == 0)
        return;
    if (type == COLUMN_INT) {
        batch_add(batch, &value->integer, sizeof(value->integer));
        return;
    }
    uint32_t length = (uint32_t)value->length;
    batch_add(batch, &length, sizeof(length));
    batch_add(batch, value->data, value->length);
    batch_add(batch, "", 1);
}

int batch_put(struct batch *batch, enum statement_id statement, const struct value *values,
              size_t count, struct stint_error *err)
{
    assert(count <= TABLE_COLUMN_MAX);
    size_t needed = sizeof(struct row_head);
    for (size_t i = 0; i < count; i++) {
        if (values[i].length > STINT_STORE_TEXT_MAX)
            return stint_fail(err, STINT_TOO_LARGE, "%zu bytes in one column, at most %zu",
                              values[i].length, STINT_STORE_TEXT_MAX);
        needed += 1 + sizeof(int64_t) + values[i].length + 1;
    }
    int r = batch_reserve(batch, needed, err);
    if (r != 0)
        return r;
    struct row_head head = { .statement = (uint16_t)statement, .count = (uint16_t)count };
    size_t start = batch->length;
    batch_add(batch, &head, sizeof(head));
    for (size_t i = 0; i < count; i++)
        batch_add_value(batch, &values[i]);
    head.length = batch->length - start;
    memcpy(batch->bytes + start, &head, sizeof(head));
    batch->rows++;
    return 0;
}

int batch_put_row(struct batch *batch, enum statement_id statement, const struct table *table,
                  enum table_selection selection, const void *row, const struct value *extra,
                  struct stint_error *err)
{
    const struct column *columns[TABLE_COLUMN_MAX];
    struct value values[TABLE_COLUMN_MAX];
    size_t count = table_select(table, selection, columns);
    for (size_t i = 0; i < count; i++)
        column_get(columns[i], row, &values[i]);
    if (extra)
        values[count++] = *extra;
    return batch_put(batch, statement, values, count, err);
}

int batch_after(struct batch *batch, stint_effect_fn fn, void *context, struct stint_error *err)
{
    if (batch->effect_count >= 2 * STINT_STORE_EFFECTS_MAX)
        return stint_fail(err, STINT_BUSY, "too many answers wait for the disk");
    if (batch->effect_count == batch->effect_capacity) {
        size_t capacity = batch->effect_capacity ? 2 * batch->effect_capacity : 64;
        struct effect *effects = realloc(batch->effects, capacity * sizeof(*effects));
        if (!effects)
            return stint_fail(err, -ENOMEM, "no memory for an answer that waits for the disk");
        batch->effects = effects;
        batch->effect_capacity = capacity;
    }
    batch->effects[batch->effect_count++] = (struct effect){ fn, context };
    return 0;
}

static bool is_too_large(size_t capacity, size_t used)
{
    return capacity > BATCH_KEEP_BYTES && used < capacity / BATCH_USED_PART;
}

void batch_clear(struct batch *batch)
{
    if (is_too_large(batch->capacity, batch->length)) {
        free(batch->bytes);
        batch->bytes = NULL;
        batch->capacity = 0;
    }
    if (is_too_large(batch->effect_capacity * sizeof(*batch->effects),
                     batch->effect_count * sizeof(*batch->effects))) {
        free(batch->effects);
        batch->effects = NULL;
        batch->effect_capacity = 0;
    }
    batch->length = 0;
    batch->rows = 0;
    batch->effect_count = 0;
    batch->is_awaited = false;
}

void batch_deinit(struct batch *batch)
{
    free(batch->bytes);
    free(batch->effects);
    memset(batch, 0, sizeof(*batch));
}

static void batch_take(const struct batch *batch, size_t *at, void *ret_bytes, size_t length)
{
    assert(length <= batch->length - *at);
    memcpy(ret_bytes, batch->bytes + *at, length);
    *at += length;
}

static void batch_take_value(const struct batch *batch, size_t *at, struct value *ret_value)
{
    unsigned char type;
    batch_take(batch, at, &type, 1);
    *ret_value = (struct value){ .type = COLUMN_INT, .is_null = type == 0 };
    if (type == 0)
        return;
    ret_value->type = (enum column_type)type;
    if (type == COLUMN_INT) {
        batch_take(batch, at, &ret_value->integer, sizeof(ret_value->integer));
        return;
    }
    uint32_t length;
    batch_take(batch, at, &length, sizeof(length));
    ret_value->data = batch->bytes + *at;
    ret_value->length = length;
    *at += (size_t)length + 1;
}

bool batch_next(const struct batch *batch, size_t *at, struct batch_row *ret_row)
{
    if (*at >= batch->length)
        return false;
    struct row_head head;
    batch_take(batch, at, &head, sizeof(head));
    ret_row->statement = (enum statement_id)head.statement;
    ret_row->count = head.count;
    for (size_t i = 0; i < ret_row->count; i++)
        batch_take_value(batch, at, &ret_row->values[i]);
    return true;
}

bool batch_next_of(const struct batch *batch, enum statement_id statement, size_t *at,
                   struct batch_row *ret_row)
{
    struct row_head head;
    for (; *at < batch->length; *at += head.length) {
        memcpy(&head, batch->bytes + *at, sizeof(head));
        if (head.statement == (uint16_t)statement)
            return batch_next(batch, at, ret_row);
    }
    return false;
}
