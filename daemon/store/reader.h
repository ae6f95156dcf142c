/* A read-only connection with its prepared queries. One thread uses it at a time. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdint.h>

#include <sqlite3.h>

#include "stint/error.h"
#include "stint/store.h"
#include "stint/store_reader.h"
#include "table.h"

enum query_id {
    QUERY_LIVE_JOBS = 0,
    QUERY_LIVE_TASKS,
    QUERY_OPEN_RUNS,
    QUERY_INSTITUTIONS,
    QUERY_PROJECTS,
    QUERY_USERS,
    QUERY_MEMBERS,
    QUERY_AWARDS,
    QUERY_QUOTAS,
    QUERY_SHARES,
    QUERY_ARTIFACTS,
    QUERY_ATTESTATIONS,
    QUERY_WAIVERS,
    QUERY_VERDICT_HEADS,
    QUERY_TOKENS,
    QUERY_NODE_STATES,
    QUERY_RESERVATIONS,
    QUERY_LEAVES,
    QUERY_POSTING_SUMS,
    QUERY_USAGE_SUMS,
    QUERY_USES,
    QUERY_JOB,
    QUERY_RUN,
    QUERY_TASK,
    QUERY_SCRIPT,
    QUERY_VERDICT,
    QUERY_DECISION,
    QUERY_LOG_ENTRY,
    QUERY_LAST_CHECKPOINT,
    QUERY_PERSONAL,
    QUERY_IDEMPOTENCY,
    QUERY_META,
    QUERY_JOBS,
    QUERY_RUNS_OF,
    QUERY_TASKS_OF,
    QUERY_EVENTS_OF,
    QUERY_EVENTS,
    QUERY_POSTINGS,
    QUERY_DECISIONS,
    QUERY_LOG_ENTRIES,
    QUERY_LOG_ENTRIES_OF,
    QUERY_TRANSCRIPT,
    QUERY_PAST_RUNS,
    QUERY_LIVE_ESTIMATES,
    QUERY_LIVE_WAITS,
    QUERY_TOLD_STARTS,
    QUERY_LAST_TRANSCRIPT,
    QUERY_TRANSCRIPT_HEAD,
    QUERY_AUDIT,
    QUERY_AUDIT_UNBALANCED,
    QUERY_COUNT
};

struct stint_reader {
    sqlite3 *db;
    sqlite3_stmt *queries[QUERY_COUNT];
    struct stint_reader *next; /* in the pool */
};

int reader_open(const char *path, struct stint_reader **ret_reader, struct stint_error *err);
void reader_close(struct stint_reader *reader); /* NULL is fine */
int reader_last_ids(struct stint_reader *reader, int64_t ids[STINT_ID_KIND_COUNT],
                    struct stint_error *err);

/* The query, prepared once, reset, its first @count parameters bound. */
int reader_query(struct stint_reader *reader, enum query_id query, const struct value *values,
                 size_t count, sqlite3_stmt **ret_statement);
/* Every row of it as a row of @table; the statement is reset behind. *ret_count may be NULL. */
int reader_each(struct stint_reader *reader, enum query_id query, const struct value *values,
                size_t count, enum table_id table,
                bool (*fn)(void *context, const union any_row *row), void *context,
                size_t *ret_count);

/* The texts of the queries, in reader_sql.c. */
extern const char *const reader_sql[QUERY_COUNT];

#endif
