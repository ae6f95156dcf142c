/* Every column of every table must come back as it was put; and the journal alone must be enough to
 * build the tables of jobs again. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "reader.h"
#include "table.h"

/* ---- the description and the schema */

static void description_names_the_columns_of_the_schema(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (int i = 0; i < TABLE_COUNT; i++) {
        const struct table *table = &store_tables[i];
        char sql[64];
        sqlite3_stmt *statement = NULL;
        (void)snprintf(sql, sizeof(sql), "PRAGMA table_info(\"%s\")", table->name);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        for (size_t j = 0; j < table->column_count; j++) {
            const struct column *column = &table->columns[j];
            assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
            assert_string_equal(sqlite3_column_text(statement, 1), column->name);
            assert_string_equal(sqlite3_column_text(statement, 2),
                                column->type == COLUMN_TEXT   ? "TEXT"
                                : column->type == COLUMN_BLOB ? "BLOB"
                                                              : "INTEGER");
            bool is_key = sqlite3_column_int(statement, 5) > 0;
            assert_int_equal(is_key, (column->flags & COLUMN_KEY) != 0);
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

/* Written by hand, unlike the rest here: the columns marked (*) in stint/store_rows.h. */
static void changes_write_the_columns_that_the_header_marks(void **state)
{
    (void)state;
    static const struct {
        enum table_id table;
        const char *columns;
    } cases[] = {
        { TABLE_JOB,
          "state outcome reason name priority walltime_s begin_ms start_ms end_ms held_by award "
          "decision uses exit_code exit_signal attempts updated_ms id " },
        { TABLE_TASK, "state outcome reason attempts start_ms end_ms updated_ms job task " },
        { TABLE_RUN, "state charged_micro start_ms start_boot_ms boot_id walltime_s end_ms "
                     "elapsed_ms exit_code "
                     "exit_signal cpu_ms peak_memory_bytes outcome note back job task attempt " },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct column *columns[TABLE_COLUMN_MAX];
        char names[512] = "";
        size_t count = table_select(&store_tables[cases[i].table], SELECT_CHANGE, columns);
        for (size_t j = 0; j < count; j++)
            (void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
                           columns[j]->name);
        assert_string_equal(names, cases[i].columns);
    }
}

/* ---- round trips, by the description: no column is forgotten */

/* Fills each column with something of its own; texts live in @pool. */
static void row_fill(const struct table *table, unsigned seed, union any_row *row,
                     char pool[TABLE_COLUMN_MAX][32])
{
    memset(row, 0, sizeof(*row));
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        struct value value = { .type = COLUMN_INT, .integer = (int64_t)(seed * 100 + i + 1) };
        if (column->type == COLUMN_BOOL)
            value.integer = seed % 2;
        if (column->type == COLUMN_TEXT || column->type == COLUMN_BLOB) {
            (void)snprintf(pool[i], sizeof(pool[i]),
                           column->flags & COLUMN_JSON ? "[%u,%zu]" : "%08u:%020zu:x", seed, i);
            value.data = pool[i];
            value.length = column->type == COLUMN_BLOB ? 32 : strlen(pool[i]);
        }
        column_set(column, row, &value);
    }
}

static void assert_same_column(const struct table *table, const struct column *column,
                               const void *left, const void *right)
{
    struct value a;
    struct value b;
    column_get(column, left, &a);
    column_get(column, right, &b);
    bool is_same = a.is_null == b.is_null && a.integer == b.integer && a.length == b.length &&
                   (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
    if (!is_same)
        fail_msg("%s.%s: %lld \"%.*s\" became %lld \"%.*s\"", table->name, column->name,
                 (long long)a.integer, (int)a.length, a.data ? (const char *)a.data : "",
                 (long long)b.integer, (int)b.length, b.data ? (const char *)b.data : "");
}

struct expected {
    const struct table *table;
    const union any_row *row;
    int seen;
};

static bool row_is_expected(const struct expected *expected, const void *row)
{
    for (size_t i = 0; i < expected->table->column_count; i++)
        if (!(expected->table->columns[i].flags & COLUMN_READ_ONLY))
            assert_same_column(expected->table, &expected->table->columns[i], expected->row, row);
    return true;
}

#define EXPECT(noun)                                                                               \
    static bool expect_##noun(void *context, const struct stint_##noun##_row *row)                 \
    {                                                                                              \
        struct expected *expected = context;                                                       \
        expected->seen++;                                                                          \
        return row_is_expected(expected, row);                                                     \
    }
EXPECT(job)
EXPECT(run)
EXPECT(script)
EXPECT(institution)
EXPECT(project)
EXPECT(user)
EXPECT(member)
EXPECT(award)
EXPECT(quota)
EXPECT(share)
EXPECT(artifact)
EXPECT(attestation)
EXPECT(verdict)
EXPECT(decision)
EXPECT(log_entry)
EXPECT(checkpoint)
EXPECT(personal)
EXPECT(idempotency)
EXPECT(token)
EXPECT(node_state)
EXPECT(reservation)
EXPECT(meta)
EXPECT(transcript)
EXPECT(estimate)

/* Put once; where the same key may be put again, put again with other values. */
#define ROUND_TRIP(noun, table_id, read)                                                           \
    static void noun##_comes_back_as_it_was_put(void **state)                                      \
    {                                                                                              \
        struct fixture *f = *state;                                                                \
        struct stint_reader *reader = stint_store_reader(f->store);                                \
        const struct table *table = &store_tables[table_id];                                       \
        char pool[TABLE_COLUMN_MAX][32];                                                           \
        union any_row row;                                                                         \
        struct expected expected = { table, &row, 0 };                                             \
        row_fill(table, 1, &row, pool);                                                            \
        assert_int_equal(stint_store_put_##noun(f->store, &row.noun, NULL), 0);                    \
        assert_int_equal(fixture_commit(f), 0);                                                    \
        assert_int_equal(read, 0);                                                                 \
        assert_int_equal(expected.seen, 1);                                                        \
        if (table->conflict != CONFLICT_REPLACES)                                                  \
            return;                                                                                \
        char other_pool[TABLE_COLUMN_MAX][32];                                                     \
        union any_row other;                                                                       \
        row_fill(table, 2, &other, other_pool);                                                    \
        for (size_t i = 0; i < table->column_count; i++) {                                         \
            struct value value;                                                                    \
            if (!(table->columns[i].flags & COLUMN_KEY))                                           \
                continue;                                                                          \
            column_get(&table->columns[i], &row, &value);                                          \
            column_set(&table->columns[i], &other, &value);                                        \
        }                                                                                          \
        row = other;                                                                               \
        assert_int_equal(stint_store_put_##noun(f->store, &row.noun, NULL), 0);                    \
        assert_int_equal(fixture_commit(f), 0);                                                    \
        assert_int_equal(read, 0);                                                                 \
        assert_int_equal(expected.seen, 2);                                                        \
    }
ROUND_TRIP(script, TABLE_SCRIPT,
           stint_reader_script(reader, row.script.sha256, expect_script, &expected))
ROUND_TRIP(institution, TABLE_INSTITUTION,
           stint_reader_each_institution(reader, expect_institution, &expected))
ROUND_TRIP(project, TABLE_PROJECT, stint_reader_each_project(reader, expect_project, &expected))
ROUND_TRIP(user, TABLE_USER, stint_reader_each_user(reader, expect_user, &expected))
ROUND_TRIP(member, TABLE_MEMBER, stint_reader_each_member(reader, expect_member, &expected))
ROUND_TRIP(award, TABLE_AWARD, stint_reader_each_award(reader, expect_award, &expected))
ROUND_TRIP(quota, TABLE_QUOTA, stint_reader_each_quota(reader, expect_quota, &expected))
ROUND_TRIP(share, TABLE_SHARE, stint_reader_each_share(reader, expect_share, &expected))
ROUND_TRIP(artifact, TABLE_ARTIFACT, stint_reader_each_artifact(reader, expect_artifact, &expected))
ROUND_TRIP(attestation, TABLE_ATTESTATION,
           stint_reader_each_attestation(reader, expect_attestation, &expected))
ROUND_TRIP(verdict, TABLE_VERDICT,
           stint_reader_verdict(reader, row.verdict.id, expect_verdict, &expected))
ROUND_TRIP(decision, TABLE_DECISION,
           stint_reader_decision(reader, row.decision.id, expect_decision, &expected))
ROUND_TRIP(log_entry, TABLE_LOG_ENTRY,
           stint_reader_log_entry(reader, row.log_entry.seq, expect_log_entry, &expected))
ROUND_TRIP(checkpoint, TABLE_CHECKPOINT,
           stint_reader_last_checkpoint(reader, expect_checkpoint, &expected))
ROUND_TRIP(personal, TABLE_PERSONAL,
           stint_reader_personal(reader, row.personal.commitment, expect_personal, &expected))
ROUND_TRIP(idempotency, TABLE_IDEMPOTENCY,
           stint_reader_idempotency(reader, row.idempotency.uid, row.idempotency.key,
                                    expect_idempotency, &expected))
ROUND_TRIP(token, TABLE_TOKEN, stint_reader_each_token(reader, expect_token, &expected))
ROUND_TRIP(node_state, TABLE_NODE_STATE,
           stint_reader_each_node_state(reader, expect_node_state, &expected))
ROUND_TRIP(reservation, TABLE_RESERVATION,
           stint_reader_each_reservation(reader, expect_reservation, &expected))
ROUND_TRIP(meta, TABLE_META, stint_reader_meta(reader, row.meta.key, expect_meta, &expected))
ROUND_TRIP(transcript, TABLE_TRANSCRIPT,
           stint_reader_each_transcript(reader, row.transcript.id, 0, 10, expect_transcript,
                                        &expected))

static void estimates_come_back_while_their_job_lives(void **state)
{
    struct fixture *f = *state;
    struct stint_reader *reader = stint_store_reader(f->store);
    char pool[TABLE_COLUMN_MAX][32];
    union any_row row;
    struct expected expected = { &store_tables[TABLE_ESTIMATE], &row, 0 };
    row_fill(&store_tables[TABLE_ESTIMATE], 1, &row, pool);
    assert_int_equal(fixture_put_job(f, row.estimate.job, NULL), 0);
    assert_int_equal(stint_store_put_estimate(f->store, &row.estimate, NULL), 0);
    row.estimate.start_ms++; /* the same job again: written over */
    assert_int_equal(stint_store_put_estimate(f->store, &row.estimate, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_reader_each_live_estimate(reader, expect_estimate, &expected), 0);
    assert_int_equal(expected.seen, 1);
}

/* Ten starts in seconds 100 to 109, expected at 100 and at the latest at 107, in which second one
 * starts after six milliseconds; what has not started,
 * or says nothing, is not counted. */
static void estimates_are_measured_by_the_starts_they_told(void **state)
{
    struct fixture *f = *state;
    struct stint_estimate_row row = { .given_ms = 1, .p50_ms = 100000, .p90_ms = 107000 };
    for (row.job = 1; row.job <= 12; row.job++) {
        row.start_ms = row.job == 11 ? 0 : row.job == 12 ? -1 : 99000 + (int64_t)row.job * 1000;
        row.start_ms += row.job == 8 ? 6 : 0;
        assert_int_equal(stint_store_put_estimate(f->store, &row, NULL), 0);
    }
    assert_int_equal(fixture_commit(f), 0);
    struct stint_estimate_window windows[] = { { .since_ms = 0, .until_ms = 1000000 },
                                               { .since_ms = 105000, .until_ms = 106000 },
                                               { .since_ms = 500000, .until_ms = 600000 } };
    static const int64_t figures[][4] = { { 10, 2, 4000, 8000 }, { 1, 0, 5000, 5000 }, { 0 } };
    assert_int_equal(stint_reader_estimate_windows(stint_store_reader(f->store), windows, 3), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(windows[i].count, figures[i][0]);
        assert_int_equal(windows[i].late_count, figures[i][1]);
        assert_int_equal(windows[i].median_error_ms, figures[i][2]);
        assert_int_equal(windows[i].p90_error_ms, figures[i][3]);
    }
}

static void job_and_run_come_back_and_change_only_where_they_may(void **state)
{
    struct fixture *f = *state;
    struct stint_reader *reader = stint_store_reader(f->store);
    char pool[4][TABLE_COLUMN_MAX][32];
    union any_row job;
    union any_row run;
    union any_row job_change;
    union any_row run_change;
    row_fill(&store_tables[TABLE_JOB], 1, &job, pool[0]);
    row_fill(&store_tables[TABLE_RUN], 1, &run, pool[1]);
    row_fill(&store_tables[TABLE_JOB], 2, &job_change, pool[2]);
    row_fill(&store_tables[TABLE_RUN], 2, &run_change, pool[3]);
    run.run.job = run_change.run.job = job_change.job.id = job.job.id;
    run_change.run.task = run.run.task;
    run_change.run.attempt = run.run.attempt;
    struct stint_change change = { .event = { .kind = "test.new", .job = job.job.id },
                                   .job = &job.job,
                                   .run = &run.run,
                                   .job_is_new = true,
                                   .run_is_new = true };
    struct expected expected_job = { &store_tables[TABLE_JOB], &job, 0 };
    struct expected expected_run = { &store_tables[TABLE_RUN], &run, 0 };
    struct stint_run_key key = { run.run.job, run.run.task, run.run.attempt };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_reader_job(reader, job.job.id, expect_job, &expected_job), 0);
    assert_int_equal(stint_reader_run(reader, key, expect_run, &expected_run), 0);

    change = (struct stint_change){ .event = { .kind = "test.change", .job = job.job.id },
                                    .job = &job_change.job,
                                    .run = &run_change.run };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    for (int i = TABLE_JOB; i <= TABLE_RUN; i++) /* what may not change, did not */
        for (size_t j = 0; i != TABLE_TASK && j < store_tables[i].column_count; j++) {
            const struct column *column = &store_tables[i].columns[j];
            union any_row *from = i == TABLE_JOB ? &job_change : &run_change;
            struct value value;
            column_get(column, from, &value);
            if (column->flags & COLUMN_CHANGES)
                column_set(column, i == TABLE_JOB ? &job : &run, &value);
        }
    assert_int_equal(stint_reader_job(reader, job.job.id, expect_job, &expected_job), 0);
    assert_int_equal(stint_reader_run(reader, key, expect_run, &expected_run), 0);
    assert_int_equal(expected_job.seen + expected_run.seen, 4);
    assert_int_equal(fixture_ask(f, "SELECT version FROM job"), 2);
}

/* ---- the journal is enough */

static const char *const parts[] = { "job", "task", "run" };

/* A row built from JSON, by column names. Texts are borrowed from @object or dumped into @keep. */
static void row_apply(const struct table *table, enum table_selection selection,
                      const json_t *object, union any_row *row, char **keep, size_t *keep_count)
{
    const struct column *columns[TABLE_COLUMN_MAX];
    size_t count = table_select(table, selection, columns);
    for (size_t i = 0; i < count; i++) {
        json_t *member = json_object_get(object, columns[i]->name);
        struct value value = { .type = COLUMN_INT, .is_null = member == NULL };
        if (json_is_integer(member)) {
            value.integer = json_integer_value(member);
        } else if (columns[i]->flags & COLUMN_JSON && member) {
            keep[*keep_count] = json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY);
            value.data = keep[(*keep_count)++];
        } else if (member) {
            value.data = json_string_value(member);
        }
        value.length = value.data ? strlen(value.data) : 0;
        column_set(columns[i], row, &value);
    }
}

struct rebuilt {
    union any_row rows[3]; /* job, task, run */
    json_t *payloads[64];
    size_t payload_count;
    char *keep[128];
    size_t keep_count;
    bool is_new[3];
};

static bool rebuild_on_event(void *context, const struct stint_event_row *event)
{
    struct rebuilt *rebuilt = context;
    json_t *payload = json_loads(event->payload, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(payload);
    rebuilt->payloads[rebuilt->payload_count++] = payload;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(parts); i++) {
        const json_t *part = json_object_get(payload, parts[i]);
        if (!part)
            continue;
        row_apply(&store_tables[TABLE_JOB + i], rebuilt->is_new[i] ? SELECT_CHANGE : SELECT_INSERT,
                  part, &rebuilt->rows[i], rebuilt->keep, &rebuilt->keep_count);
        rebuilt->is_new[i] = true;
    }
    return true;
}

static bool compare_job(void *context, const struct stint_job_row *row)
{
    struct expected expected = { &store_tables[TABLE_JOB], &((struct rebuilt *)context)->rows[0],
                                 0 };
    return row_is_expected(&expected, row);
}

static bool compare_task(void *context, const struct stint_task_row *row)
{
    struct expected expected = { &store_tables[TABLE_TASK], &((struct rebuilt *)context)->rows[1],
                                 0 };
    return row_is_expected(&expected, row);
}

static bool compare_run(void *context, const struct stint_run_row *row)
{
    struct expected expected = { &store_tables[TABLE_RUN], &((struct rebuilt *)context)->rows[2],
                                 0 };
    return row_is_expected(&expected, row);
}

/* Submit, start, end, with columns that become NULL and 0 again on the way. */
static void put_life(struct fixture *f, uint64_t id)
{
    struct stint_job_row job = fixture_job(id);
    struct stint_task_row task = { .job = id, .task = 3, .state = "pending" };
    struct stint_run_row run = { .job = id,
                                 .task = 3,
                                 .attempt = 1,
                                 .state = "starting",
                                 .allocation = "node0/core[0-3]",
                                 .cpus = 4,
                                 .project = 1,
                                 .uid = 1000,
                                 .walltime_s = 3600 };
    job.reason = "Priority";
    job.held_by = "user";
    job.name = "quotes \" and \n lines \xc3\xa9";
    struct stint_change change = {
        .event = { .kind = "job.submit", .job = id, .payload = "{\"why\":1}" },
        .job = &job,
        .task = &task,
        .job_is_new = true,
        .task_is_new = true
    };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    job.state = "running";
    job.reason = NULL;
    job.held_by = NULL;
    job.start_ms = 5000;
    job.attempts = 1;
    job.uses = "[{\"kind\":\"model\",\"name\":\"org/base\"}]";
    change =
        (struct stint_change){ .event = { .kind = "run.start", .job = id, .task = 3, .attempt = 1 },
                               .job = &job,
                               .task = &task,
                               .run = &run,
                               .run_is_new = true };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
    job.state = "done";
    job.outcome = "completed";
    job.end_ms = 9000;
    job.start_ms = 0;
    run.end_ms = 9000;
    run.elapsed_ms = 4000;
    run.state = "done";
    task.state = "done";
    task.end_ms = 9000;
    change =
        (struct stint_change){ .event = { .kind = "run.end", .job = id, .task = 3, .attempt = 1 },
                               .job = &job,
                               .task = &task,
                               .run = &run };
    assert_int_equal(stint_store_put_change(f->store, &change, NULL, NULL), 0);
}

static void jobs_tasks_and_runs_are_rebuilt_from_the_journal(void **state)
{
    struct fixture *f = *state;
    struct stint_reader *reader = stint_store_reader(f->store);
    for (uint64_t id = 1; id <= 3; id++)
        put_life(f, id);
    assert_int_equal(fixture_commit(f), 0);
    for (uint64_t id = 1; id <= 3; id++) {
        struct rebuilt *rebuilt = calloc(1, sizeof(*rebuilt));
        assert_int_equal(stint_reader_each_event_of(reader, id, 100, rebuild_on_event, rebuilt), 0);
        assert_int_equal(rebuilt->payload_count, 3);
        struct stint_run_key key = { id, 3, 1 };
        assert_int_equal(stint_reader_job(reader, id, compare_job, rebuilt), 0);
        assert_int_equal(stint_reader_run(reader, key, compare_run, rebuilt), 0);
        assert_int_equal(stint_reader_each_task_of(reader, id, compare_task, rebuilt), 0);
        for (size_t i = 0; i < rebuilt->keep_count; i++)
            free(rebuilt->keep[i]);
        for (size_t i = 0; i < rebuilt->payload_count; i++)
            json_decref(rebuilt->payloads[i]);
        free(rebuilt);
    }
}

/* ---- removals */

static bool count_row(void *context, const struct stint_quota_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

static void removed_rows_are_gone_and_others_stay(void **state)
{
    struct fixture *f = *state;
    struct stint_quota_row quota = {
        .scope = "project", .scope_id = 1, .kind = "gpus", .period = "", .ceiling = 4
    };
    int count = 0;
    assert_int_equal(stint_store_put_quota(f->store, &quota, NULL), 0);
    quota.kind = "jobs";
    assert_int_equal(stint_store_put_quota(f->store, &quota, NULL), 0);
    quota.kind = "gpu-hours"; /* one for each period, side by side */
    quota.period = "day";
    assert_int_equal(stint_store_put_quota(f->store, &quota, NULL), 0);
    quota.period = "month";
    assert_int_equal(stint_store_put_quota(f->store, &quota, NULL), 0);
    assert_int_equal(stint_store_remove_quota(f->store, "project", 1, "gpus", "", NULL), 0);
    assert_int_equal(stint_store_remove_quota(f->store, "project", 2, "jobs", "", NULL), 0);
    assert_int_equal(stint_store_remove_quota(f->store, "project", 1, "gpu-hours", "day", NULL), 0);
    struct stint_idempotency_row answers[] = {
        { .uid = 1, .key = "old", .body_sha256 = "x", .at_ms = 10 },
        { .uid = 1, .key = "new", .body_sha256 = "x", .at_ms = 20 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(answers); i++)
        assert_int_equal(stint_store_put_idempotency(f->store, &answers[i], NULL), 0);
    assert_int_equal(stint_store_expire_idempotency(f->store, 20, NULL), 0);
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_reader_each_quota(stint_store_reader(f->store), count_row, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM idempotency WHERE key = 'new'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM idempotency"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(description_names_the_columns_of_the_schema),
        cmocka_unit_test(changes_write_the_columns_that_the_header_marks),
        TEST(script_comes_back_as_it_was_put),
        TEST(institution_comes_back_as_it_was_put),
        TEST(project_comes_back_as_it_was_put),
        TEST(user_comes_back_as_it_was_put),
        TEST(member_comes_back_as_it_was_put),
        TEST(award_comes_back_as_it_was_put),
        TEST(quota_comes_back_as_it_was_put),
        TEST(share_comes_back_as_it_was_put),
        TEST(artifact_comes_back_as_it_was_put),
        TEST(attestation_comes_back_as_it_was_put),
        TEST(verdict_comes_back_as_it_was_put),
        TEST(decision_comes_back_as_it_was_put),
        TEST(log_entry_comes_back_as_it_was_put),
        TEST(checkpoint_comes_back_as_it_was_put),
        TEST(personal_comes_back_as_it_was_put),
        TEST(idempotency_comes_back_as_it_was_put),
        TEST(token_comes_back_as_it_was_put),
        TEST(node_state_comes_back_as_it_was_put),
        TEST(reservation_comes_back_as_it_was_put),
        TEST(meta_comes_back_as_it_was_put),
        TEST(transcript_comes_back_as_it_was_put),
        TEST(estimates_come_back_while_their_job_lives),
        TEST(estimates_are_measured_by_the_starts_they_told),
        TEST(job_and_run_come_back_and_change_only_where_they_may),
        TEST(jobs_tasks_and_runs_are_rebuilt_from_the_journal),
        TEST(removed_rows_are_gone_and_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
