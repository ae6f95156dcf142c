/* Owns: the public questions of stint/store_reader.h: parameters in, typed rows out. */
#include <errno.h>
#include <string.h>

#include "reader.h"
#include "stint/auto.h"

static struct value integer(int64_t value)
{
    return (struct value){ .type = COLUMN_INT, .integer = value };
}

static struct value text(const char *value)
{
    return (struct value){ .type = COLUMN_TEXT,
                           .is_null = value == NULL,
                           .data = value,
                           .length = value ? strlen(value) : 0 };
}

static int64_t bounded(int64_t limit)
{
    return limit < 1 ? 1 : limit > STINT_READER_LIMIT_MAX ? STINT_READER_LIMIT_MAX : limit;
}

static int64_t below(uint64_t id)
{
    return id == 0 || id > INT64_MAX ? INT64_MAX : (int64_t)id;
}

/* A row function of one type behind that of all types. */
#define FORWARD(noun)                                                                              \
    struct noun##_call {                                                                           \
        stint_##noun##_row_fn fn;                                                                  \
        void *context;                                                                             \
    };                                                                                             \
    static bool noun##_forward(void *context, const union any_row *row)                            \
    {                                                                                              \
        const struct noun##_call *call = context;                                                  \
        return call->fn(call->context, &row->noun);                                                \
    }
FORWARD(event)
FORWARD(job)
FORWARD(task)
FORWARD(run)
FORWARD(script)
FORWARD(institution)
FORWARD(project)
FORWARD(user)
FORWARD(member)
FORWARD(award)
FORWARD(posting)
FORWARD(quota)
FORWARD(share)
FORWARD(artifact)
FORWARD(attestation)
FORWARD(waiver)
FORWARD(verdict)
FORWARD(decision)
FORWARD(log_entry)
FORWARD(transcript)
FORWARD(estimate)
FORWARD(wait)
FORWARD(checkpoint)
FORWARD(personal)
FORWARD(idempotency)
FORWARD(token)
FORWARD(node_state)
FORWARD(reservation)
FORWARD(meta)
#undef FORWARD

/* The body of a question about many rows; `return EACH(…)`. */
#define EACH(noun, table, query, ...)                                                              \
    __extension__({                                                                                \
        struct noun##_call call = { fn, context };                                                 \
        struct value values[] = { __VA_ARGS__ };                                                   \
        reader_each(reader, query, values, STINT_ARRAY_SIZE(values), table, noun##_forward, &call, \
                    NULL);                                                                         \
    })
/* And about one, which must be there. */
#define ONE(noun, table, query, ...)                                                               \
    __extension__({                                                                                \
        struct noun##_call call = { fn, context };                                                 \
        struct value values[] = { __VA_ARGS__ };                                                   \
        size_t found = 0;                                                                          \
        int one = reader_each(reader, query, values, STINT_ARRAY_SIZE(values), table,              \
                              noun##_forward, &call, &found);                                      \
        one != 0 ? one : found == 0 ? -ENOENT : 0;                                                 \
    })
/* All rows of a table. */
#define ALL(function, noun, table, query)                                                          \
    int stint_reader_each_##function(struct stint_reader *reader, stint_##noun##_row_fn fn,        \
                                     void *context)                                                \
    {                                                                                              \
        struct noun##_call call = { fn, context };                                                 \
        return reader_each(reader, query, NULL, 0, table, noun##_forward, &call, NULL);            \
    }

ALL(live_job, job, TABLE_JOB, QUERY_LIVE_JOBS)
ALL(live_task, task, TABLE_TASK, QUERY_LIVE_TASKS)
ALL(open_run, run, TABLE_RUN, QUERY_OPEN_RUNS)
ALL(institution, institution, TABLE_INSTITUTION, QUERY_INSTITUTIONS)
ALL(project, project, TABLE_PROJECT, QUERY_PROJECTS)
ALL(user, user, TABLE_USER, QUERY_USERS)
ALL(member, member, TABLE_MEMBER, QUERY_MEMBERS)
ALL(award, award, TABLE_AWARD, QUERY_AWARDS)
ALL(quota, quota, TABLE_QUOTA, QUERY_QUOTAS)
ALL(share, share, TABLE_SHARE, QUERY_SHARES)
ALL(artifact, artifact, TABLE_ARTIFACT, QUERY_ARTIFACTS)
ALL(attestation, attestation, TABLE_ATTESTATION, QUERY_ATTESTATIONS)
ALL(waiver, waiver, TABLE_WAIVER, QUERY_WAIVERS)
ALL(verdict_head, verdict, TABLE_VERDICT, QUERY_VERDICT_HEADS)
ALL(token, token, TABLE_TOKEN, QUERY_TOKENS)
ALL(node_state, node_state, TABLE_NODE_STATE, QUERY_NODE_STATES)
ALL(reservation, reservation, TABLE_RESERVATION, QUERY_RESERVATIONS)
ALL(live_estimate, estimate, TABLE_ESTIMATE, QUERY_LIVE_ESTIMATES)
ALL(live_wait, wait, TABLE_WAIT, QUERY_LIVE_WAITS)

int stint_reader_each_leaf(struct stint_reader *reader, uint64_t from, stint_log_entry_row_fn fn,
                           void *context)
{
    return EACH(log_entry, TABLE_LOG_ENTRY, QUERY_LEAVES, integer((int64_t)from));
}

int stint_reader_job(struct stint_reader *reader, uint64_t id, stint_job_row_fn fn, void *context)
{
    return ONE(job, TABLE_JOB, QUERY_JOB, integer((int64_t)id));
}

int stint_reader_run(struct stint_reader *reader, struct stint_run_key key, stint_run_row_fn fn,
                     void *context)
{
    return ONE(run, TABLE_RUN, QUERY_RUN, integer((int64_t)key.job), integer(key.task),
               integer(key.attempt));
}

int stint_reader_task(struct stint_reader *reader, uint64_t job, uint32_t task,
                      stint_task_row_fn fn, void *context)
{
    return ONE(task, TABLE_TASK, QUERY_TASK, integer((int64_t)job), integer(task));
}

int stint_reader_script(struct stint_reader *reader, const char *sha256, stint_script_row_fn fn,
                        void *context)
{
    return ONE(script, TABLE_SCRIPT, QUERY_SCRIPT, text(sha256));
}

int stint_reader_verdict(struct stint_reader *reader, int64_t id, stint_verdict_row_fn fn,
                         void *context)
{
    return ONE(verdict, TABLE_VERDICT, QUERY_VERDICT, integer(id));
}

int stint_reader_decision(struct stint_reader *reader, int64_t id, stint_decision_row_fn fn,
                          void *context)
{
    return ONE(decision, TABLE_DECISION, QUERY_DECISION, integer(id));
}

int stint_reader_log_entry(struct stint_reader *reader, uint64_t seq, stint_log_entry_row_fn fn,
                           void *context)
{
    return ONE(log_entry, TABLE_LOG_ENTRY, QUERY_LOG_ENTRY, integer((int64_t)seq));
}

int stint_reader_last_checkpoint(struct stint_reader *reader, stint_checkpoint_row_fn fn,
                                 void *context)
{
    struct checkpoint_call call = { fn, context };
    size_t found = 0;
    int r = reader_each(reader, QUERY_LAST_CHECKPOINT, NULL, 0, TABLE_CHECKPOINT,
                        checkpoint_forward, &call, &found);
    return r != 0 ? r : found == 0 ? -ENOENT : 0;
}

int stint_reader_personal(struct stint_reader *reader, struct stint_bytes commitment,
                          stint_personal_row_fn fn, void *context)
{
    struct value key = { .type = COLUMN_BLOB,
                         .data = commitment.data,
                         .length = commitment.length };
    return ONE(personal, TABLE_PERSONAL, QUERY_PERSONAL, key);
}

int stint_reader_idempotency(struct stint_reader *reader, uint32_t uid, const char *key,
                             stint_idempotency_row_fn fn, void *context)
{
    return ONE(idempotency, TABLE_IDEMPOTENCY, QUERY_IDEMPOTENCY, integer(uid), text(key));
}

int stint_reader_meta(struct stint_reader *reader, const char *key, stint_meta_row_fn fn,
                      void *context)
{
    return ONE(meta, TABLE_META, QUERY_META, text(key));
}

int stint_reader_each_job(struct stint_reader *reader, const struct stint_job_filter *filter,
                          stint_job_row_fn fn, void *context)
{
    return EACH(job, TABLE_JOB, QUERY_JOBS, integer(below(filter->before)), integer(filter->uid),
                integer(filter->project), text(filter->state), text(filter->outcome),
                text(filter->name), integer(filter->since_ms), integer(filter->until_ms),
                integer(bounded(filter->limit)));
}

int stint_reader_each_run_of(struct stint_reader *reader, uint64_t job, stint_run_row_fn fn,
                             void *context)
{
    return EACH(run, TABLE_RUN, QUERY_RUNS_OF, integer((int64_t)job));
}

int stint_reader_each_task_of(struct stint_reader *reader, uint64_t job, stint_task_row_fn fn,
                              void *context)
{
    return EACH(task, TABLE_TASK, QUERY_TASKS_OF, integer((int64_t)job));
}

int stint_reader_each_event_of(struct stint_reader *reader, uint64_t job, int64_t limit,
                               stint_event_row_fn fn, void *context)
{
    return EACH(event, TABLE_EVENT, QUERY_EVENTS_OF, integer((int64_t)job),
                integer(bounded(limit)));
}

int stint_reader_each_event(struct stint_reader *reader, int64_t after, int64_t limit,
                            stint_event_row_fn fn, void *context)
{
    return EACH(event, TABLE_EVENT, QUERY_EVENTS, integer(after), integer(bounded(limit)));
}

int stint_reader_each_posting(struct stint_reader *reader, int64_t award, int64_t before,
                              int64_t limit, stint_posting_row_fn fn, void *context)
{
    return EACH(posting, TABLE_POSTING, QUERY_POSTINGS, integer(award),
                integer(below((uint64_t)before)), integer(bounded(limit)));
}

int stint_reader_each_decision(struct stint_reader *reader, int64_t before, int64_t limit,
                               stint_decision_row_fn fn, void *context)
{
    return EACH(decision, TABLE_DECISION, QUERY_DECISIONS, integer(below((uint64_t)before)),
                integer(bounded(limit)));
}

int stint_reader_each_log_entry(struct stint_reader *reader, uint64_t from, int64_t limit,
                                stint_log_entry_row_fn fn, void *context)
{
    return EACH(log_entry, TABLE_LOG_ENTRY, QUERY_LOG_ENTRIES, integer((int64_t)from),
                integer(bounded(limit)));
}

int stint_reader_each_log_entry_of(struct stint_reader *reader, const char *type, uint64_t before,
                                   int64_t limit, stint_log_entry_row_fn fn, void *context)
{
    return EACH(log_entry, TABLE_LOG_ENTRY, QUERY_LOG_ENTRIES_OF, text(type),
                integer(below(before)), integer(bounded(limit)));
}

int stint_reader_each_transcript(struct stint_reader *reader, int64_t from, int64_t until_ms,
                                 int64_t limit, stint_transcript_row_fn fn, void *context)
{
    return EACH(transcript, TABLE_TRANSCRIPT, QUERY_TRANSCRIPT, integer(from), integer(until_ms),
                integer(bounded(limit)));
}

int stint_reader_transcript_before(struct stint_reader *reader, int64_t id,
                                   stint_transcript_row_fn fn, void *context)
{
    return ONE(transcript, TABLE_TRANSCRIPT, QUERY_LAST_TRANSCRIPT, integer(id));
}

int stint_reader_last_transcript(struct stint_reader *reader, stint_transcript_row_fn fn,
                                 void *context)
{
    return stint_reader_transcript_before(reader, INT64_MAX, fn, context);
}

static bool keep_head(void *context, const struct stint_transcript_row *row)
{
    struct stint_transcript_row *head = context;
    *head = *row;
    return false;
}

/* The first row with this id or a later one; -ENOENT. */
static int transcript_head(struct stint_reader *reader, int64_t from,
                           struct stint_transcript_row *context)
{
    stint_transcript_row_fn fn = keep_head;
    return ONE(transcript, TABLE_TRANSCRIPT, QUERY_TRANSCRIPT_HEAD, integer(from));
}

int stint_reader_transcript_core(struct stint_reader *reader, int64_t at_ms, int64_t *ret_core)
{
    struct stint_transcript_row head = { 0 };
    int64_t low = 1;
    int64_t high = 0;
    int r = stint_reader_last_transcript(reader, keep_head, &head);
    high = head.id + 1;
    while (r == 0 && low < high) {
        int64_t middle = low + (high - low) / 2;
        r = transcript_head(reader, middle, &head);
        if (r == -ENOENT || (r == 0 && head.at_ms >= at_ms))
            high = middle;
        else
            low = head.id + 1;
        r = r == -ENOENT ? 0 : r;
    }
    if (r == 0)
        r = transcript_head(reader, low, &head);
    if (r == 0)
        *ret_core = head.core;
    else if (r == -ENOENT)
        *ret_core = 0;
    return r == -ENOENT ? 0 : r;
}

int stint_reader_each_past_run(struct stint_reader *reader, int64_t limit, stint_run_row_fn fn,
                               void *context)
{
    return EACH(run, TABLE_RUN, QUERY_PAST_RUNS, integer(bounded(limit)));
}
