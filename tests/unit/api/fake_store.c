/* The store as a fake: one effect, and reads at once on the loop's next turn. */
#include "fake_rooms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "stint/store_reader.h"

bool stint_store_is_pending(const struct stint_store *store)
{
    (void)store;
    return fake.is_pending;
}

int stint_store_after(struct stint_store *store, stint_effect_fn fn, void *context,
                      struct stint_error *err)
{
    (void)store;
    if (fake.effect)
        return stint_fail(err, STINT_BUSY, "the fake keeps one effect");
    fake.effect = fn;
    fake.effect_context = context;
    return 0;
}

void stint_store_advance(struct stint_store *store)
{
    (void)store;
}

void fake_commit(int status)
{
    stint_effect_fn fn = fake.effect;
    fake.effect = NULL;
    fake.is_pending = false;
    if (fn)
        fn(fake.effect_context, status);
}

struct fake_read {
    uv_timer_t timer;
    int (*work)(struct stint_reader *reader, void *context);
    void (*done)(void *context, int status);
    void *context;
};

static void fake_read_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void fake_read_run(uv_timer_t *timer)
{
    struct fake_read *read = timer->data;
    read->done(read->context, read->work(NULL, read->context));
    uv_close((uv_handle_t *)timer, fake_read_closed);
}

int stint_reader_each_log_entry_of(struct stint_reader *reader, const char *type, uint64_t before,
                                   int64_t limit, stint_log_entry_row_fn fn, void *context)
{
    static const char body[] = "{\"type\":\"policy.set\"}";
    (void)reader, (void)before, (void)limit;
    struct stint_log_entry_row row = { .type = type, .body = { body, sizeof(body) - 1 } };
    (void)fn(context, &row);
    return 0;
}

int stint_store_backup(struct stint_store *store, const char *path,
                       void (*done)(void *context, int status), void *context,
                       struct stint_error *err)
{
    (void)store, (void)path, (void)done, (void)context;
    return stint_fail(err, STINT_BUSY, "a fake has no copy");
}

int stint_store_read(struct stint_store *store,
                     int (*work)(struct stint_reader *reader, void *context),
                     void (*done)(void *context, int status), void *context,
                     struct stint_error *err)
{
    struct fake_read *read = calloc(1, sizeof(*read));
    (void)store;
    (void)err;
    *read = (struct fake_read){ .work = work, .done = done, .context = context };
    (void)uv_timer_init(fake.loop, &read->timer);
    read->timer.data = read;
    return uv_timer_start(&read->timer, fake_read_run, 0, 0);
}

struct stint_reader *stint_store_reader(struct stint_store *store)
{
    (void)store;
    return (struct stint_reader *)(void *)&fake; /* somebody; nobody looks inside */
}

bool stint_store_is_read_only(const struct stint_store *store)
{
    (void)store;
    return false;
}

int64_t stint_store_last_id(const struct stint_store *store, enum stint_id_kind kind)
{
    (void)store;
    return kind == STINT_ID_JOB ? (int64_t)fake.jobs_made : 10;
}

int stint_store_put_idempotency(struct stint_store *store, const struct stint_idempotency_row *row,
                                struct stint_error *err)
{
    (void)store;
    (void)err;
    (void)snprintf(fake.key, sizeof(fake.key), "%s", row->key);
    (void)snprintf(fake.key_sha256, sizeof(fake.key_sha256), "%s", row->body_sha256);
    (void)snprintf(fake.key_answer, sizeof(fake.key_answer), "%s", row->answer);
    fake.key_status = row->status;
    return 0;
}

int stint_store_expire_idempotency(struct stint_store *store, int64_t before_ms,
                                   struct stint_error *err)
{
    (void)store;
    (void)before_ms;
    (void)err;
    return 0;
}

void stint_store_figures(const struct stint_store *store, struct stint_store_figures *ret_figures)
{
    (void)store;
    memset(ret_figures, 0, sizeof(*ret_figures));
}

/* ---- reader ---- */

int stint_reader_idempotency(struct stint_reader *reader, uint32_t uid, const char *key,
                             stint_idempotency_row_fn fn, void *context)
{
    (void)reader;
    if (!fake.key[0] || strcmp(fake.key, key) != 0)
        return -ENOENT;
    struct stint_idempotency_row row = {
        uid, fake.key, fake.key_sha256, fake.key_status, fake.key_answer, 1795629600000
    };
    (void)fn(context, &row);
    return 0;
}

static struct stint_job_row done_job(uint64_t id)
{
    return (struct stint_job_row){
        .id = id,
        .state = "done",
        .outcome = id == 7 || id == 8 ? "failed" : "completed", /* these could not be started */
        .project = 1,
        .uid = (uint32_t)(id % 2 ? getuid() : 4242),
        .gid = 1,
        .user_name = SEED "user",
        .name = SEED "job",
        .cpus = 2,
        .nodes = 1,
        .walltime_s = 60,
        .submit_ms = 1795629600000,
        .start_ms = 1795629600000,
        .end_ms = 1795629601000,
        .uses = "[{\"path\":\"/" SEED "/use\"}]",
        .spec = "{\"command\":[\"" SEED "command\"],\"workdir\":\"/" SEED "/dir\"}",
        .attempts = 1,
    };
}

int stint_reader_job(struct stint_reader *reader, uint64_t id, stint_job_row_fn fn, void *context)
{
    (void)reader;
    if (id > 9)
        return -ENOENT;
    struct stint_job_row row = done_job(id);
    (void)fn(context, &row);
    return 0;
}

int stint_reader_task(struct stint_reader *reader, uint64_t job, uint32_t task,
                      stint_task_row_fn fn, void *context)
{
    (void)reader;
    (void)job;
    (void)task;
    (void)fn;
    (void)context;
    return -ENOENT;
}

int stint_reader_each_task_of(struct stint_reader *reader, uint64_t job, stint_task_row_fn fn,
                              void *context)
{
    (void)reader;
    (void)job;
    (void)fn;
    (void)context;
    return 0;
}

int stint_reader_run(struct stint_reader *reader, struct stint_run_key key, stint_run_row_fn fn,
                     void *context)
{
    struct stint_run_row row = {
        .job = key.job, .attempt = 1, .end_ms = 1, .elapsed_ms = 900, .note = SEED "note"
    };
    (void)reader;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_each_job(struct stint_reader *reader, const struct stint_job_filter *filter,
                          stint_job_row_fn fn, void *context)
{
    (void)reader;
    int64_t given = 0;
    for (uint64_t id = filter->before ? filter->before - 1 : 9; id >= 3; id--) {
        struct stint_job_row row = done_job(id);
        if (filter->uid >= 0 && filter->uid != (int64_t)row.uid)
            continue;
        if (given++ == filter->limit || !fn(context, &row))
            break;
    }
    return 0;
}

int stint_reader_each_event_of(struct stint_reader *reader, uint64_t job, int64_t limit,
                               stint_event_row_fn fn, void *context)
{
    struct stint_event_row row = { .id = 10,
                                   .kind = "job.refused",
                                   .job = job,
                                   .payload = "{\"detail\":{\"note\":\"" SEED "note\"}}" };
    (void)reader;
    (void)limit;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_each_event(struct stint_reader *reader, int64_t after, int64_t limit,
                            stint_event_row_fn fn, void *context)
{
    (void)reader;
    for (int64_t id = after + 1; id <= 10 && id <= after + limit; id++) {
        struct stint_event_row row = { .id = id,
                                       .at_ms = 1795629600000,
                                       .kind = "job.submit",
                                       .job = 1,
                                       .actor = SEED "user",
                                       .payload = "{\"name\":\"" SEED "job\"}" };
        if (!fn(context, &row))
            break;
    }
    return 0;
}

int stint_reader_decision(struct stint_reader *reader, int64_t id, stint_decision_row_fn fn,
                          void *context)
{
    struct stint_decision_row row = { id, 1795629600000, "refused", "ModelNotOpen", 1, "{}" };
    (void)reader;
    if (id > 9)
        return -ENOENT;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_each_decision(struct stint_reader *reader, int64_t before, int64_t limit,
                               stint_decision_row_fn fn, void *context)
{
    (void)before;
    (void)limit;
    return stint_reader_decision(reader, 1, fn, context);
}

int stint_reader_estimate_windows(struct stint_reader *reader,
                                  struct stint_estimate_window *windows, size_t count)
{
    (void)reader;
    for (size_t i = 0; i < count && i < 2; i++) {
        windows[i].count = 40;
        windows[i].late_count = 1;
        windows[i].median_error_ms = 90000;
        windows[i].p90_error_ms = 600500;
    }
    return 0;
}

int stint_reader_transcript_core(struct stint_reader *reader, int64_t at_ms, int64_t *ret_core)
{
    (void)reader;
    (void)at_ms;
    *ret_core = 4;
    return 0;
}

int stint_reader_transcript_before(struct stint_reader *reader, int64_t id,
                                   stint_transcript_row_fn fn, void *context)
{
    static const uint8_t chain[32] = { 0xab };
    struct stint_transcript_row row = { .id = id - 1, .chain = { chain, sizeof(chain) } };
    (void)reader;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_each_transcript(struct stint_reader *reader, int64_t from, int64_t until_ms,
                                 int64_t limit, stint_transcript_row_fn fn, void *context)
{
    static const uint8_t chain[32] = { 1 };
    struct stint_transcript_row row = {
        .id = from, .core = 4, .at_ms = 1000, .body = { "\x01\xfe", 2 }, .chain = { chain, 32 }
    };
    (void)reader;
    (void)until_ms;
    (void)limit;
    if (from < 6)
        (void)fn(context, &row);
    return 0;
}

int stint_reader_verdict(struct stint_reader *reader, int64_t id, stint_verdict_row_fn fn,
                         void *context)
{
    /* 1 is of a registered artefact, others of a folder somebody asked about. */
    struct stint_verdict_row row = { .id = id,
                                     .digest = id == 1 ? "sha256:aa" : "sha256:private",
                                     .document = id == 1 ? "{\"schema\":\"stint.verdict/1\"}"
                                                         : "{\"name\":\"" SEED "folder\"}" };
    (void)reader;
    if (id > 9)
        return -ENOENT;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_log_entry(struct stint_reader *reader, uint64_t seq, stint_log_entry_row_fn fn,
                           void *context)
{
    struct stint_log_entry_row row = { .seq = seq, .type = "genesis", .body = { "{\"n\":0}", 7 } };
    (void)reader;
    if (seq > 4)
        return -ENOENT;
    (void)fn(context, &row);
    return 0;
}

int stint_reader_each_log_entry(struct stint_reader *reader, uint64_t from, int64_t limit,
                                stint_log_entry_row_fn fn, void *context)
{
    for (uint64_t seq = from; seq < from + (uint64_t)limit; seq++)
        if (stint_reader_log_entry(reader, seq, fn, context) != 0)
            break;
    return 0;
}

int stint_reader_each_posting(struct stint_reader *reader, int64_t award, int64_t before,
                              int64_t limit, stint_posting_row_fn fn, void *context)
{
    (void)reader;
    for (int64_t id = before ? before - 1 : 5; id > 0 && limit-- > 0; id--) {
        struct stint_posting_row row = { .id = id,
                                         .at_ms = 1795629600000,
                                         .transaction = id,
                                         .account = STINT_POSTING_HELD,
                                         .award = award,
                                         .amount_micro = -250000,
                                         .uid = 4242,
                                         .job = 7,
                                         .attempt = 1,
                                         .memo = "settle" };
        if (!fn(context, &row))
            break;
    }
    return 0;
}

int stint_reader_sum_usage(struct stint_reader *reader, int64_t since_ms, int64_t until_ms,
                           bool (*fn)(void *context, const struct stint_usage_sum *sum),
                           void *context)
{
    struct stint_usage_sum sum = { .project = 1, .uid = 4242, .run_count = 2, .core_s = 10 };
    (void)reader;
    (void)since_ms;
    (void)until_ms;
    (void)fn(context, &sum);
    return 0;
}
