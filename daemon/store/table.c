/* Owns: the description of every table, and what follows from it. A test compares it with the
 * schema that the migrations make. */
#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(noun, kind, member, marks)                                                          \
    {                                                                                              \
        .name = #member, .offset = offsetof(struct stint_##noun##_row, member), .type = kind,      \
        .flags = (marks)                                                                           \
    }
#define INT(noun, member)          COLUMN(noun, COLUMN_INT, member, 0)
#define UINT(noun, member)         COLUMN(noun, COLUMN_UINT, member, 0)
#define UINT32(noun, member)       COLUMN(noun, COLUMN_UINT32, member, 0)
#define TEXT(noun, member)         COLUMN(noun, COLUMN_TEXT, member, 0)
#define BLOB(noun, member)         COLUMN(noun, COLUMN_BLOB, member, 0)
#define KEY(noun, kind, member)    COLUMN(noun, kind, member, COLUMN_KEY)
#define INT_CHANGES(noun, member)  COLUMN(noun, COLUMN_INT, member, COLUMN_CHANGES)
#define TEXT_CHANGES(noun, member) COLUMN(noun, COLUMN_TEXT, member, COLUMN_CHANGES)

/* clang-format off */
static const struct column event_columns[] = {
    KEY(event, COLUMN_INT, id), INT(event, at_ms), TEXT(event, kind), UINT(event, job), UINT32(event, task),
    UINT32(event, attempt), TEXT(event, actor), TEXT(event, payload),
};
static const struct column job_columns[] = {
    KEY(job, COLUMN_UINT, id), TEXT_CHANGES(job, state), TEXT_CHANGES(job, outcome), TEXT_CHANGES(job, reason),
    TEXT(job, resource), INT(job, project), UINT32(job, uid), UINT32(job, gid), TEXT(job, user_name),
    TEXT_CHANGES(job, name), INT_CHANGES(job, priority), INT(job, cpus), INT(job, gpus), INT(job, gpu_milli),
    TEXT(job, gpu_type), INT(job, memory_bytes), INT(job, nodes), INT_CHANGES(job, walltime_s), INT(job, submit_ms),
    INT_CHANGES(job, begin_ms), INT_CHANGES(job, start_ms), INT_CHANGES(job, end_ms), TEXT_CHANGES(job, held_by),
    INT_CHANGES(job, award), INT_CHANGES(job, decision),
    COLUMN(job, COLUMN_TEXT, uses, COLUMN_CHANGES | COLUMN_JSON), COLUMN(job, COLUMN_TEXT, spec, COLUMN_JSON),
    TEXT(job, script), INT_CHANGES(job, exit_code), INT_CHANGES(job, exit_signal), INT_CHANGES(job, attempts),
    INT(job, task_count), INT_CHANGES(job, updated_ms), COLUMN(job, COLUMN_INT, version, COLUMN_READ_ONLY),
};
static const struct column task_columns[] = {
    KEY(task, COLUMN_UINT, job), KEY(task, COLUMN_UINT32, task), TEXT_CHANGES(task, state), TEXT_CHANGES(task, outcome),
    TEXT_CHANGES(task, reason), INT_CHANGES(task, attempts), INT_CHANGES(task, start_ms), INT_CHANGES(task, end_ms),
    INT_CHANGES(task, updated_ms),
};
static const struct column run_columns[] = {
    KEY(run, COLUMN_UINT, job), KEY(run, COLUMN_UINT32, task), KEY(run, COLUMN_UINT32, attempt), TEXT_CHANGES(run, state),
    TEXT(run, resource), TEXT(run, node), TEXT(run, allocation), INT(run, cpus), INT(run, gpu_milli),
    INT(run, memory_bytes), INT(run, project), UINT32(run, uid), INT(run, award), INT(run, hold_micro),
    INT_CHANGES(run, charged_micro), INT_CHANGES(run, start_ms), INT_CHANGES(run, start_boot_ms),
    TEXT_CHANGES(run, boot_id), INT_CHANGES(run, walltime_s), INT_CHANGES(run, end_ms), INT_CHANGES(run, elapsed_ms),
    INT_CHANGES(run, exit_code), INT_CHANGES(run, exit_signal), INT_CHANGES(run, cpu_ms),
    INT_CHANGES(run, peak_memory_bytes), TEXT_CHANGES(run, outcome), TEXT_CHANGES(run, note),
    TEXT_CHANGES(run, back),
};
static const struct column script_columns[] = {
    KEY(script, COLUMN_TEXT, sha256), BLOB(script, text),
};
static const struct column institution_columns[] = {
    KEY(institution, COLUMN_INT, id), TEXT(institution, name), TEXT(institution, title), TEXT(institution, state),
    INT(institution, created_ms),
};
static const struct column project_columns[] = {
    KEY(project, COLUMN_INT, id), TEXT(project, name), INT(project, institution), TEXT(project, state), TEXT(project, pi),
    TEXT(project, title), INT(project, created_ms), INT(project, suspended_ms), TEXT(project, suspended_by),
    TEXT(project, suspended_why),
};
static const struct column user_columns[] = {
    KEY(user, COLUMN_UINT32, uid), TEXT(user, name), INT(user, institution), TEXT(user, state), TEXT(user, role),
    INT(user, created_ms), INT(user, suspended_ms), TEXT(user, suspended_by), TEXT(user, suspended_why),
};
static const struct column member_columns[] = {
    KEY(member, COLUMN_INT, project), KEY(member, COLUMN_UINT32, uid), TEXT(member, role), TEXT(member, state),
    INT(member, created_ms),
};
static const struct column award_columns[] = {
    KEY(award, COLUMN_INT, id), TEXT(award, name), INT(award, project), TEXT(award, resource), TEXT(award, unit),
    INT(award, from_ms), INT(award, until_ms), TEXT(award, state), TEXT(award, title), INT(award, created_ms),
};
static const struct column posting_columns[] = {
    KEY(posting, COLUMN_INT, id), INT(posting, at_ms), INT(posting, transaction), INT(posting, account),
    INT(posting, award), INT(posting, amount_micro), INT(posting, project), UINT32(posting, uid), UINT(posting, job),
    UINT32(posting, task), UINT32(posting, attempt), TEXT(posting, memo),
};
static const struct column quota_columns[] = {
    KEY(quota, COLUMN_TEXT, scope), KEY(quota, COLUMN_INT, scope_id), KEY(quota, COLUMN_TEXT, kind),
    KEY(quota, COLUMN_TEXT, period), INT(quota, ceiling), TEXT(quota, reason), TEXT(quota, set_by), INT(quota, set_ms),
};
static const struct column share_columns[] = {
    KEY(share, COLUMN_TEXT, scope), KEY(share, COLUMN_INT, scope_id), INT(share, shares), TEXT(share, reason),
    TEXT(share, set_by), INT(share, set_ms),
};
static const struct column artifact_columns[] = {
    KEY(artifact, COLUMN_TEXT, digest), TEXT(artifact, name), TEXT(artifact, kind), TEXT(artifact, path),
    COLUMN(artifact, COLUMN_BOOL, is_in_place, 0), INT(artifact, bytes), INT(artifact, files), TEXT(artifact, manifest),
    TEXT(artifact, state), INT(artifact, verdict), UINT32(artifact, registered_by), INT(artifact, at_ms),
};
static const struct column verdict_columns[] = {
    KEY(verdict, COLUMN_INT, id), TEXT(verdict, digest), TEXT(verdict, rules), TEXT(verdict, rules_digest),
    TEXT(verdict, result), TEXT(verdict, reason), TEXT(verdict, document), INT(verdict, at_ms), TEXT(verdict, names),
    TEXT(verdict, heritage),
};
static const struct column attestation_columns[] = {
    KEY(attestation, COLUMN_INT, id), TEXT(attestation, digest), TEXT(attestation, statement),
    COLUMN(attestation, COLUMN_BOOL, is_signed, 0), TEXT(attestation, state), UINT32(attestation, made_by),
    INT(attestation, at_ms), INT(attestation, revoked_ms),
};
static const struct column waiver_columns[] = {
    KEY(waiver, COLUMN_INT, id), TEXT(waiver, digest), TEXT(waiver, reason), TEXT(waiver, set_by), TEXT(waiver, state),
    INT(waiver, at_ms), INT(waiver, until_ms),
};
static const struct column decision_columns[] = {
    KEY(decision, COLUMN_INT, id), INT(decision, at_ms), TEXT(decision, result), TEXT(decision, reason),
    INT(decision, project), TEXT(decision, document),
};
static const struct column log_entry_columns[] = {
    KEY(log_entry, COLUMN_UINT, seq), INT(log_entry, at_ms), TEXT(log_entry, type), BLOB(log_entry, body),
    BLOB(log_entry, leaf),
};
static const struct column checkpoint_columns[] = {
    KEY(checkpoint, COLUMN_UINT, size), BLOB(checkpoint, root), TEXT(checkpoint, note), INT(checkpoint, at_ms),
};
static const struct column personal_columns[] = {
    KEY(personal, COLUMN_BLOB, commitment), BLOB(personal, salt), TEXT(personal, value),
};
static const struct column idempotency_columns[] = {
    KEY(idempotency, COLUMN_UINT32, uid), KEY(idempotency, COLUMN_TEXT, key), TEXT(idempotency, body_sha256),
    INT(idempotency, status), TEXT(idempotency, answer), INT(idempotency, at_ms),
};
static const struct column token_columns[] = {
    KEY(token, COLUMN_TEXT, hash), UINT32(token, uid), TEXT(token, name), TEXT(token, role), TEXT(token, state),
    INT(token, created_ms), INT(token, until_ms), INT(token, used_ms),
};
static const struct column node_state_columns[] = {
    KEY(node_state, COLUMN_TEXT, name), KEY(node_state, COLUMN_TEXT, resource), TEXT(node_state, state),
    TEXT(node_state, reason), TEXT(node_state, set_by), INT(node_state, at_ms),
};
static const struct column reservation_columns[] = {
    KEY(reservation, COLUMN_INT, id), TEXT(reservation, name), TEXT(reservation, scope), TEXT(reservation, holder),
    TEXT(reservation, days), TEXT(reservation, hours), INT(reservation, from_ms), INT(reservation, until_ms),
    INT(reservation, release_after_s), INT(reservation, released_ms), TEXT(reservation, allocation),
    TEXT(reservation, state), TEXT(reservation, reason), TEXT(reservation, set_by), INT(reservation, created_ms),
    TEXT(reservation, resource),
};
static const struct column meta_columns[] = {
    KEY(meta, COLUMN_TEXT, key), TEXT(meta, value),
};
static const struct column transcript_columns[] = {
    KEY(transcript, COLUMN_INT, id), INT(transcript, core), INT(transcript, at_ms), INT(transcript, start_count),
    BLOB(transcript, body), BLOB(transcript, chain), TEXT(transcript, resource),
};
static const struct column wait_columns[] = {
    KEY(wait, COLUMN_UINT, job), KEY(wait, COLUMN_UINT32, task), INT(wait, ready_ms), INT(wait, blocked_ms),
    INT(wait, lent_ms), UINT32(wait, lent_count), COLUMN(wait, COLUMN_BOOL, has_lent, 0),
};
static const struct column estimate_columns[] = {
    KEY(estimate, COLUMN_UINT, job), INT(estimate, given_ms), INT(estimate, p50_ms), INT(estimate, p90_ms),
    INT(estimate, start_ms),
};

#define TABLE(noun, on_conflict)                                                                   \
    { .name = #noun, .columns = noun##_columns,                                                    \
      .column_count = sizeof(noun##_columns) / sizeof(noun##_columns[0]),                          \
      .conflict = (on_conflict), .row_size = sizeof(struct stint_##noun##_row) }

const struct table store_tables[TABLE_COUNT] = {
    [TABLE_EVENT]       = TABLE(event, CONFLICT_FAILS),
    [TABLE_JOB]         = TABLE(job, CONFLICT_FAILS),
    [TABLE_TASK]        = TABLE(task, CONFLICT_FAILS),
    [TABLE_RUN]         = TABLE(run, CONFLICT_FAILS),
    [TABLE_SCRIPT]      = TABLE(script, CONFLICT_KEEPS),
    [TABLE_INSTITUTION] = TABLE(institution, CONFLICT_REPLACES),
    [TABLE_PROJECT]     = TABLE(project, CONFLICT_REPLACES),
    [TABLE_USER]        = TABLE(user, CONFLICT_REPLACES),
    [TABLE_MEMBER]      = TABLE(member, CONFLICT_REPLACES),
    [TABLE_AWARD]       = TABLE(award, CONFLICT_REPLACES),
    [TABLE_POSTING]     = TABLE(posting, CONFLICT_FAILS),
    [TABLE_QUOTA]       = TABLE(quota, CONFLICT_REPLACES),
    [TABLE_SHARE]       = TABLE(share, CONFLICT_REPLACES),
    [TABLE_ARTIFACT]    = TABLE(artifact, CONFLICT_REPLACES),
    [TABLE_VERDICT]     = TABLE(verdict, CONFLICT_FAILS),
    [TABLE_ATTESTATION] = TABLE(attestation, CONFLICT_REPLACES),
    [TABLE_WAIVER]      = TABLE(waiver, CONFLICT_REPLACES),
    [TABLE_DECISION]    = TABLE(decision, CONFLICT_FAILS),
    [TABLE_LOG_ENTRY]   = TABLE(log_entry, CONFLICT_FAILS),
    [TABLE_CHECKPOINT]  = TABLE(checkpoint, CONFLICT_FAILS),
    [TABLE_PERSONAL]    = TABLE(personal, CONFLICT_FAILS),
    [TABLE_IDEMPOTENCY] = TABLE(idempotency, CONFLICT_REPLACES),
    [TABLE_TOKEN]       = TABLE(token, CONFLICT_REPLACES),
    [TABLE_NODE_STATE]  = TABLE(node_state, CONFLICT_REPLACES),
    [TABLE_RESERVATION] = TABLE(reservation, CONFLICT_REPLACES),
    [TABLE_META]        = TABLE(meta, CONFLICT_REPLACES),
    [TABLE_TRANSCRIPT]  = TABLE(transcript, CONFLICT_FAILS),
    [TABLE_ESTIMATE]    = TABLE(estimate, CONFLICT_REPLACES),
    [TABLE_WAIT]        = TABLE(wait, CONFLICT_REPLACES),
};
/* clang-format on */

static void text_get(const char *text, struct value *ret_value)
{
    ret_value->is_null = text == NULL;
    ret_value->data = text;
    ret_value->length = text ? strlen(text) : 0;
}

static void blob_get(const struct stint_bytes *bytes, struct value *ret_value)
{
    ret_value->is_null = bytes->data == NULL;
    ret_value->data = bytes->data;
    ret_value->length = bytes->length;
}

void column_get(const struct column *column, const void *row, struct value *ret_value)
{
    const void *member = (const char *)row + column->offset;
    *ret_value = (struct value){ .type = COLUMN_INT };
    switch ((enum column_type)column->type) {
    case COLUMN_INT:
        ret_value->integer = *(const int64_t *)member;
        return;
    case COLUMN_UINT:
        ret_value->integer = (int64_t) * (const uint64_t *)member;
        return;
    case COLUMN_UINT32:
        ret_value->integer = *(const uint32_t *)member;
        return;
    case COLUMN_BOOL:
        ret_value->integer = *(const bool *)member;
        return;
    case COLUMN_TEXT:
        ret_value->type = COLUMN_TEXT;
        text_get(*(const char *const *)member, ret_value);
        return;
    case COLUMN_BLOB:
        ret_value->type = COLUMN_BLOB;
        blob_get(member, ret_value);
        return;
    }
    abort(); /* a column has a type */
}

void column_set(const struct column *column, void *row, const struct value *value)
{
    void *member = (char *)row + column->offset;
    switch ((enum column_type)column->type) {
    case COLUMN_INT:
        *(int64_t *)member = value->integer;
        return;
    case COLUMN_UINT:
        *(uint64_t *)member = (uint64_t)value->integer;
        return;
    case COLUMN_UINT32:
        *(uint32_t *)member = (uint32_t)value->integer;
        return;
    case COLUMN_BOOL:
        *(bool *)member = value->integer != 0;
        return;
    case COLUMN_TEXT:
        *(const char **)member = value->is_null ? NULL : value->data;
        return;
    case COLUMN_BLOB:
        *(struct stint_bytes *)member = (struct stint_bytes){ value->data, value->length };
        return;
    }
    abort(); /* a column has a type */
}

size_t table_select(const struct table *table, enum table_selection selection,
                    const struct column *columns[TABLE_COLUMN_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        bool is_taken = selection == SELECT_INSERT ? !(column->flags & COLUMN_READ_ONLY)
                                                   : (column->flags & COLUMN_CHANGES) != 0;
        if (is_taken)
            columns[count++] = column;
    }
    for (size_t i = 0; selection == SELECT_CHANGE && i < table->column_count; i++)
        if (table->columns[i].flags & COLUMN_KEY)
            columns[count++] = &table->columns[i];
    return count;
}

/* `"a", "b"` for the keys, or `"a" = excluded."a", …` for what is no key. */
static void conflict_sql(const struct table *table, struct stint_buffer *sql)
{
    const char *comma = "";
    stint_buffer_add_text(sql, " ON CONFLICT(");
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].flags & COLUMN_KEY) {
            stint_buffer_printf(sql, "%s\"%s\"", comma, table->columns[i].name);
            comma = ", ";
        }
    if (table->conflict == CONFLICT_KEEPS) {
        stint_buffer_add_text(sql, ") DO NOTHING");
        return;
    }
    stint_buffer_add_text(sql, ") DO UPDATE SET ");
    comma = "";
    for (size_t i = 0; i < table->column_count; i++)
        if (!(table->columns[i].flags & COLUMN_KEY)) {
            const char *name = table->columns[i].name;
            stint_buffer_printf(sql, "%s\"%s\" = excluded.\"%s\"", comma, name, name);
            comma = ", ";
        }
}

void table_insert_sql(const struct table *table, struct stint_buffer *sql)
{
    const struct column *columns[TABLE_COLUMN_MAX];
    size_t count = table_select(table, SELECT_INSERT, columns);
    /* The journal is chained by job, so that one job's events are found without an index on the
     * hottest table: see QUERY_EVENTS_OF in reader_sql.c. */
    bool is_journal = table == &store_tables[TABLE_EVENT];
    bool is_job = table == &store_tables[TABLE_JOB];
    stint_buffer_printf(sql, "INSERT INTO \"%s\" (", table->name);
    for (size_t i = 0; i < count; i++)
        stint_buffer_printf(sql, "%s\"%s\"", i ? ", " : "", columns[i]->name);
    stint_buffer_printf(sql, "%s) VALUES (",
                        is_journal ? ", previous_event"
                        : is_job   ? ", last_event"
                                   : "");
    for (size_t i = 0; i < count; i++)
        stint_buffer_printf(sql, "%s?%zu", i ? ", " : "", i + 1);
    if (is_journal)
        stint_buffer_add_text(sql, ", (SELECT last_event FROM job WHERE id = ?4)");
    if (is_job)
        stint_buffer_printf(sql, ", ?%zu", count + 1);
    stint_buffer_add_text(sql, ")");
    if (table->conflict != CONFLICT_FAILS)
        conflict_sql(table, sql);
}

void table_change_sql(const struct table *table, struct stint_buffer *sql)
{
    const struct column *columns[TABLE_COLUMN_MAX];
    size_t count = table_select(table, SELECT_CHANGE, columns);
    const char *joint = "";
    stint_buffer_printf(sql, "UPDATE \"%s\" SET ", table->name);
    if (table == &store_tables[TABLE_JOB])
        stint_buffer_printf(sql, "version = version + 1, last_event = ?%zu, ", count + 1);
    for (size_t i = 0; i < count; i++) {
        if (columns[i]->flags & COLUMN_KEY && !strcmp(joint, ", "))
            joint = " WHERE ";
        stint_buffer_printf(sql, "%s\"%s\" = ?%zu", joint, columns[i]->name, i + 1);
        joint = columns[i]->flags & COLUMN_KEY ? " AND " : ", ";
    }
}

#define MEMBER_MAX 64 /* `"name":` and a number; names of columns are ours, and short */

/* The digits of @value before @end; returns where they begin. */
static char *digits_before(char *end, int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--end = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (value < 0)
        *--end = '-';
    return end;
}

/* A tenth of a bulk submission was spent here, on printf() and on looking for escapes in the names
 * of columns, which have none: a whole number is one piece with its name. */
static void int_json(const char *name, int64_t value, struct stint_buffer *json)
{
    char member[MEMBER_MAX];
    size_t length = strlen(name);
    char *end = member + sizeof(member);
    char *at = digits_before(end, value);
    assert(length + 3 <= (size_t)(at - member));
    *--at = ':';
    *--at = '"';
    at -= length;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the piece has a length */
    memcpy(at, name, length);
    *--at = '"';
    stint_json_raw(json, at, (size_t)(end - at));
}

static void value_json(const struct column *column, const struct value *value,
                       struct stint_buffer *json)
{
    if (value->type == COLUMN_INT) {
        int_json(column->name, value->integer, json);
        return;
    }
    stint_json_key(json, column->name);
    if (column->flags & COLUMN_JSON)
        stint_json_raw(json, value->data, value->length);
    else
        stint_json_text_n(json, value->data, value->length);
}

void table_row_json(const struct table *table, const void *row, enum table_selection selection,
                    struct stint_buffer *json)
{
    const struct column *columns[TABLE_COLUMN_MAX];
    size_t count = table_select(table, selection, columns);
    stint_json_object(json);
    for (size_t i = 0; i < count; i++) {
        struct value value;
        column_get(columns[i], row, &value);
        if (value.type == COLUMN_INT ? value.integer != 0 : !value.is_null)
            value_json(columns[i], &value, json);
    }
    stint_json_object_end(json);
}
