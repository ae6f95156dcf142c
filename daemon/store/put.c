/* Owns: the writers of rows. Each copies a row into the open batch; a change composes its event's
 * payload from the very rows it writes, so that the journal and the tables cannot differ. */
#include <assert.h>
#include <errno.h>

#include "state.h"
#include "stint/auto.h"

#define PAYLOAD_BYTES_MAX  ((size_t)12 << 20)
#define PAYLOAD_KEEP_BYTES ((size_t)64 << 10) /* memory kept for the next payload */

/* Unlike stint_store_ready(), lets a piece of work that was begun go past the bound. */
static int can_put(const struct stint_store *store, struct stint_error *err)
{
    return store->is_closing || store->is_read_only ? stint_store_ready(store, err) : 0;
}

static int put_values(struct stint_store *store, enum statement_id statement,
                      const struct value *values, size_t count, struct stint_error *err)
{
    int r = can_put(store, err);
    if (r == 0)
        r = batch_put(store->open, statement, values, count, err);
    if (r == 0 && store->open->rows == 1)
        store_wake(store);
    return r;
}

static int put_row(struct stint_store *store, enum table_id table, const void *row,
                   struct stint_error *err)
{
    int r = can_put(store, err);
    if (r == 0)
        r = batch_put_row(store->open, (enum statement_id)table, &store_tables[table],
                          SELECT_INSERT, row, NULL, err);
    if (r == 0 && store->open->rows == 1)
        store_wake(store);
    return r;
}

static struct value int_value(int64_t integer)
{
    return (struct value){ .type = COLUMN_INT, .integer = integer };
}

static struct value text_value(const char *text)
{
    return (struct value){ .type = COLUMN_TEXT,
                           .is_null = text == NULL,
                           .data = text,
                           .length = text ? strlen(text) : 0 };
}

static int put_event_row(struct stint_store *store, const struct stint_event_row *event,
                         struct stint_error *err)
{
    return put_row(store, TABLE_EVENT, event, err);
}

/* The event ends its job's chain of events. */
static int put_touch(struct stint_store *store, const struct stint_event_row *event,
                     struct stint_error *err)
{
    struct value values[] = { int_value(event->id), int_value((int64_t)event->job) };
    if (event->job == 0)
        return 0;
    return put_values(store, STATEMENT_TOUCH_JOB, values, STINT_ARRAY_SIZE(values), err);
}

int stint_store_put_event(struct stint_store *store, const struct stint_event_row *event,
                          int64_t *ret_event, struct stint_error *err)
{
    struct stint_event_row row = *event;
    struct stint_store_mark mark = stint_store_mark(store);
    row.id = stint_store_next_id(store, STINT_ID_EVENT);
    int r = put_event_row(store, &row, err);
    if (r == 0)
        r = put_touch(store, &row, err);
    if (r != 0) {
        stint_store_rewind(store, mark);
        return r;
    }
    if (ret_event)
        *ret_event = row.id;
    return 0;
}

/* ---- changes of jobs */

static void part_json(enum table_id table, const void *row, bool is_new, struct stint_buffer *json)
{
    if (!row)
        return;
    stint_json_key(json, store_tables[table].name);
    table_row_json(&store_tables[table], row, is_new ? SELECT_INSERT : SELECT_CHANGE, json);
}

static int payload_write(const struct stint_change *change, struct stint_buffer *json,
                         struct stint_error *err)
{
    json->bound = PAYLOAD_BYTES_MAX;
    stint_json_object(json);
    part_json(TABLE_JOB, change->job, change->job_is_new, json);
    part_json(TABLE_TASK, change->task, change->task_is_new, json);
    part_json(TABLE_RUN, change->run, change->run_is_new, json);
    if (change->event.payload) {
        stint_json_key(json, "detail");
        stint_json_raw(json, change->event.payload, strlen(change->event.payload));
    }
    stint_json_object_end(json);
    if (json->failed)
        return stint_fail(err, STINT_TOO_LARGE, "an event of more than %zu bytes",
                          PAYLOAD_BYTES_MAX);
    return 0;
}

/* A row of the change. A job remembers the event, its newest (see the chain in reader_sql.c). */
static int put_part(struct stint_store *store, enum table_id table, const void *row, bool is_new,
                    int64_t event, struct stint_error *err)
{
    enum statement_id change = (enum statement_id)(STATEMENT_CHANGE_JOB + (table - TABLE_JOB));
    struct value last_event = int_value(event);
    if (!row)
        return 0;
    return batch_put_row(store->open, is_new ? (enum statement_id)table : change,
                         &store_tables[table], is_new ? SELECT_INSERT : SELECT_CHANGE, row,
                         table == TABLE_JOB ? &last_event : NULL, err);
}

int stint_store_put_change(struct stint_store *store, const struct stint_change *change,
                           int64_t *ret_event, struct stint_error *err)
{
    struct stint_buffer *payload = &store->payload;
    struct stint_event_row event = change->event;
    struct stint_store_mark mark = stint_store_mark(store);
    assert(change->job || change->task || change->run);
    assert(!change->job || change->job->id == event.job);
    assert(!change->run || change->run->job == event.job);
    stint_buffer_clear(payload);
    int r = payload_write(change, payload, err);
    event.id = stint_store_next_id(store, STINT_ID_EVENT);
    event.payload = stint_buffer_text(payload);
    if (r == 0)
        r = put_event_row(store, &event, err);
    if (r == 0)
        r = put_part(store, TABLE_JOB, change->job, change->job_is_new, event.id, err);
    if (r == 0)
        r = put_part(store, TABLE_TASK, change->task, change->task_is_new, event.id, err);
    if (r == 0)
        r = put_part(store, TABLE_RUN, change->run, change->run_is_new, event.id, err);
    if (r == 0 && !change->job)
        r = put_touch(store, &event, err);
    if (payload->capacity > PAYLOAD_KEEP_BYTES)
        stint_buffer_deinit(payload);
    if (r != 0) {
        stint_store_rewind(store, mark);
        return r;
    }
    if (ret_event)
        *ret_event = event.id;
    return 0;
}

/* ---- the books */

int stint_store_put_postings(struct stint_store *store, const struct stint_posting_row *postings,
                             size_t count, int64_t *ret_transaction, struct stint_error *err)
{
    struct stint_store_mark mark = stint_store_mark(store);
    int64_t transaction = stint_store_next_id(store, STINT_ID_TRANSACTION);
    int64_t sum = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct stint_posting_row row = postings[i];
        bool wraps = __builtin_add_overflow(sum, row.amount_micro, &sum);
        assert(!wraps);
        (void)wraps;
        row.id = stint_store_next_id(store, STINT_ID_POSTING);
        row.transaction = transaction;
        r = put_row(store, TABLE_POSTING, &row, err);
    }
    if (r != 0) {
        stint_store_rewind(store, mark);
        return r;
    }
    assert(sum == 0); /* invariant 4 */
    if (ret_transaction)
        *ret_transaction = transaction;
    return 0;
}

/* ---- one row, one table */

#define PUT(noun, table)                                                                           \
    int stint_store_put_##noun(struct stint_store *store, const struct stint_##noun##_row *row,    \
                               struct stint_error *err)                                            \
    {                                                                                              \
        return put_row(store, table, row, err);                                                    \
    }
PUT(script, TABLE_SCRIPT)
PUT(verdict, TABLE_VERDICT)
PUT(decision, TABLE_DECISION)
PUT(log_entry, TABLE_LOG_ENTRY)
PUT(checkpoint, TABLE_CHECKPOINT)
PUT(personal, TABLE_PERSONAL)
PUT(institution, TABLE_INSTITUTION)
PUT(project, TABLE_PROJECT)
PUT(user, TABLE_USER)
PUT(member, TABLE_MEMBER)
PUT(award, TABLE_AWARD)
PUT(quota, TABLE_QUOTA)
PUT(share, TABLE_SHARE)
PUT(artifact, TABLE_ARTIFACT)
PUT(attestation, TABLE_ATTESTATION)
PUT(waiver, TABLE_WAIVER)
PUT(idempotency, TABLE_IDEMPOTENCY)
PUT(token, TABLE_TOKEN)
PUT(node_state, TABLE_NODE_STATE)
PUT(reservation, TABLE_RESERVATION)
PUT(meta, TABLE_META)
PUT(transcript, TABLE_TRANSCRIPT)
PUT(estimate, TABLE_ESTIMATE)
PUT(wait, TABLE_WAIT)
#undef PUT

/* ---- removals */

int stint_store_remove_quota(struct stint_store *store, const char *scope, int64_t scope_id,
                             const char *kind, const char *period, struct stint_error *err)
{
    struct value values[] = { text_value(scope), int_value(scope_id), text_value(kind),
                              text_value(period) };
    return put_values(store, STATEMENT_REMOVE_QUOTA, values, STINT_ARRAY_SIZE(values), err);
}

int stint_store_remove_member(struct stint_store *store, int64_t project, uint32_t uid,
                              struct stint_error *err)
{
    struct value values[] = { int_value(project), int_value(uid) };
    return put_values(store, STATEMENT_REMOVE_MEMBER, values, STINT_ARRAY_SIZE(values), err);
}

int stint_store_remove_personal(struct stint_store *store, struct stint_bytes commitment,
                                struct stint_error *err)
{
    struct value value = { .type = COLUMN_BLOB,
                           .data = commitment.data,
                           .length = commitment.length };
    return put_values(store, STATEMENT_REMOVE_PERSONAL, &value, 1, err);
}

int stint_store_expire_idempotency(struct stint_store *store, int64_t before_ms,
                                   struct stint_error *err)
{
    struct value value = int_value(before_ms);
    return put_values(store, STATEMENT_EXPIRE_IDEMPOTENCY, &value, 1, err);
}
