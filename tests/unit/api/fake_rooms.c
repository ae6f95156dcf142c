/* Fakes of the rooms below; see the header. */
#include "fake_rooms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "stint/allocation.h"
#include "stint/calendar.h"
#include "stint/civil.h"
#include "stint/engine.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/scheduler.h"
#include "stint/store_reader.h"
#include "stint/token.h"

struct fake fake;

void fake_reset(void)
{
    struct uv_loop_s *loop = fake.loop;
    memset(&fake, 0, sizeof(fake));
    fake.loop = loop;
}

/* ---- store: one effect, reads at once on the loop's next turn ---- */

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

/* ---- jobs: 1 is the tester's and runs, 2 is another's and waits ---- */

static uint64_t core_bits[1] = { 0x3 };
static int64_t numa_memory[2] = { 1 << 20, 0 };
static struct stint_grant grant = { .node = 0,
                                    .core_count = 2,
                                    .cores = core_bits,
                                    .memory_bytes = 1 << 20,
                                    .numa_memory = numa_memory };
static const struct stint_allocation held = { 1, &grant };

static struct stint_job_view live_job(uint64_t id)
{
    struct stint_reason reason = {
        .code = STINT_REASON_UserJobLimit, .account = 3, .asked = 1, .used = 1, .limit = 1
    };
    if (id == 1)
        reason = (struct stint_reason){ 0 };
    else if (fake.reason.code != STINT_REASON_NONE)
        reason = fake.reason;
    return (struct stint_job_view){
        .id = id,
        .state = id != 1              ? STINT_JOB_PENDING
                 : fake.is_job_ending ? STINT_JOB_ENDING
                                      : STINT_JOB_RUNNING,
        .reason = reason,
        .award = id == 2 ? fake.award : 0,
        .name = SEED "job",
        .project = "<nlp>",
        .uid = id == 1 ? getuid() : 4242,
        .user = SEED "user",
        .project_id = 1,
        .cpus = 2,
        .walltime_s = 60,
        .submit_ms = 1795629600000,
        .start_ms = id == 1 ? 1795629600000 : 0,
        .ends_by_ms = id == 1 ? 1795629660000 : 0,
        .estimate_p50_ms = id == 1 ? 0 : 1795629660000,
        .estimate_p90_ms = id == 1 ? 0 : 1795629960000,
        .attempt = 1,
        .allocation = id == 1 ? "node0/core[0-1]" : NULL,
        .resource = "local",
        .held = id == 1 ? &held : NULL,
        .spec = "{\"command\":[\"" SEED "command\"],\"workdir\":\"/" SEED "/dir\"}",
        .uses = "[{\"path\":\"/" SEED "/use\"}]",
    };
}

const struct stint_allocation *stint_jobs_held_on(const struct stint_jobs *jobs, uint64_t id,
                                                  uint32_t task, uint32_t resource)
{
    (void)jobs, (void)task, (void)resource;
    return id == 1 ? &held : NULL;
}

int stint_jobs_view(struct stint_jobs *jobs, uint64_t id, struct stint_job_view *ret_view)
{
    (void)jobs;
    if (id > 2 || (id == 1 && fake.is_job_done))
        return STINT_NOT_FOUND;
    *ret_view = live_job(id);
    return 0;
}

int stint_jobs_view_task(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                         struct stint_job_view *ret_view)
{
    return task == 0 ? stint_jobs_view(jobs, id, ret_view) : STINT_NOT_FOUND;
}

void stint_jobs_each_task(struct stint_jobs *jobs, uint64_t id,
                          bool (*fn)(void *context, const struct stint_job_view *view),
                          void *context)
{
    (void)jobs;
    (void)id;
    (void)fn;
    (void)context;
}

size_t stint_jobs_failed_tasks(struct stint_jobs *jobs, uint64_t id, uint32_t *tasks, size_t max)
{
    (void)jobs;
    (void)id;
    (void)tasks;
    (void)max;
    return 0;
}

void stint_jobs_each(struct stint_jobs *jobs,
                     bool (*fn)(void *context, const struct stint_job_view *view), void *context)
{
    (void)jobs;
    for (uint64_t id = 1; id <= 2; id++) {
        struct stint_job_view view = live_job(id);
        if (!fn(context, &view))
            break;
    }
}

int stint_jobs_turn(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                    struct stint_turn *ret_turn)
{
    (void)jobs, (void)id, (void)task;
    *ret_turn =
        (struct stint_turn){ .factor = 2.5, .weight = 1, .tier = 1, .tiers = 4, .level = 2 };
    return 0;
}

size_t stint_jobs_improve(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                          struct stint_option options[STINT_OPTIONS_MAX])
{
    (void)jobs, (void)id, (void)task;
    options[0] = (struct stint_option){ "--gpus h200:2" };
    return 1;
}

size_t stint_jobs_blockers(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                           struct stint_reason *reasons, size_t max)
{
    (void)jobs;
    (void)task;
    (void)max;
    reasons[0] = live_job(id).reason;
    return 1;
}

void stint_jobs_count(const struct stint_jobs *jobs, uint64_t counts[STINT_JOB_STATE_COUNT])
{
    (void)jobs;
    counts[STINT_JOB_RUNNING] = 1;
    counts[STINT_JOB_PENDING] = 1;
}

int stint_jobs_act_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                      const struct stint_job_ref *ref, enum stint_job_verb verb,
                      struct stint_error *err)
{
    (void)jobs;
    (void)caller;
    (void)verb;
    fake.acts++;
    return ref->job <= 2 ? 0 : stint_fail(err, STINT_NOT_FOUND, "there is no job");
}

int stint_jobs_set_priority(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                            int64_t priority, struct stint_error *err)
{
    struct stint_job_ref ref = { .job = id };
    (void)priority;
    return stint_jobs_act_on(jobs, caller, &ref, STINT_VERB_HOLD, err);
}

int stint_jobs_signal_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                         const struct stint_job_ref *ref, int signal_number,
                         struct stint_error *err)
{
    fake.signal_number = signal_number;
    return stint_jobs_act_on(jobs, caller, ref, STINT_VERB_CANCEL, err);
}

static const char *const state_names[] = { "",
#define X(name, wire) wire,
                                           STINT_JOB_STATES(X)
#undef X
};
static const char *const outcome_names[] = { "",
#define X(name, wire) wire,
                                             STINT_JOB_OUTCOMES(X)
#undef X
};

const char *stint_job_state_name(enum stint_job_state state)
{
    return state_names[state];
}

const char *stint_job_outcome_name(enum stint_job_outcome outcome)
{
    return outcome_names[outcome];
}

enum stint_job_state stint_job_state_from_name(const char *name)
{
    for (int i = 1; i < STINT_JOB_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum stint_job_state)i;
    return STINT_JOB_NO_STATE;
}

enum stint_job_outcome stint_job_outcome_from_name(const char *name)
{
    for (int i = 1; i < STINT_OUTCOME_COUNT; i++)
        if (strcmp(outcome_names[i], name) == 0)
            return (enum stint_job_outcome)i;
    return STINT_OUTCOME_NONE;
}

int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size);
int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size)
{
    (void)workdir;
    (void)job;
    (void)task;
    (void)name;
    (void)user;
    (void)snprintf(ret_path, size, "%s", pattern);
    return 0;
}

/* ---- engine: the output is a file with a known text ---- */

void stint_engine_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    (void)engine;
    memset(ret_report, 0, sizeof(*ret_report));
}

int stint_engine_open_output(struct stint_engine *engine, struct stint_run_key key,
                             const struct stint_run_owner *owner, enum stint_run_stream stream,
                             const char *path, stint_engine_open_fn done, void *context,
                             struct stint_error *err)
{
    char name[] = "/tmp/stint-test-output-XXXXXX";
    (void)engine;
    (void)key;
    (void)owner;
    (void)stream;
    (void)path;
    (void)err;
    if (fake.output_fault) {
        done(context, fake.output_fault);
        return 0;
    }
    int fd = mkstemp(name);
    (void)unlink(name);
    ssize_t n = write(fd, "hello output\n", 13);
    (void)n;
    done(context, fd);
    return 0;
}

/* ---- admission ---- */

static void answer_now(stint_answer_fn done, void *context)
{
    struct stint_answer answer = { .job = ++fake.jobs_made,
                                   .is_evaluated = true,
                                   .criteria = "[]" };
    done(context, &answer);
}

void fake_admission_answer(void)
{
    stint_answer_fn done = fake.answer;
    fake.answer = NULL;
    if (done)
        answer_now(done, fake.answer_context);
}

void stint_admission_submit(struct stint_admission *admission, const struct stint_caller *caller,
                            struct stint_request *request, bool is_rehearsal, stint_answer_fn done,
                            void *context)
{
    (void)admission;
    (void)caller;
    struct stint_answer answer = { .criteria = "[{\"id\":\"C1\"}]" };
    bool is_refused = request->use_count > 0;
    stint_request_deinit(request);
    if (is_refused) {
        answer.reason = STINT_REASON_ModelNotOpen;
        answer.decision = 1;
        (void)stint_fail(&answer.error, STINT_REFUSED, "not open");
        done(context, &answer);
    } else if (is_rehearsal) {
        answer.rehearsal = "{\"cost_micro\":1}";
        done(context, &answer);
    } else if (fake.is_admission_slow) {
        fake.answer = done;
        fake.answer_context = context;
    } else {
        answer_now(done, context);
    }
}

static const struct stint_artifact_view artifact = { .name = "org/<b>open",
                                                     .digest = "sha256:aa",
                                                     .kind = "model",
                                                     .path = "/" SEED "/artifact",
                                                     .registered_ms = 1795629600000,
                                                     .verdict_id = 1,
                                                     .result = "pass",
                                                     .rules = "osaid-1.0" };

void stint_admission_each_artifact(struct stint_admission *admission,
                                   bool (*fn)(void *context,
                                              const struct stint_artifact_view *view),
                                   void *context)
{
    (void)admission;
    (void)fn(context, &artifact);
}

int stint_admission_artifact(struct stint_admission *admission, const char *reference,
                             struct stint_artifact_view *ret_view)
{
    (void)admission;
    if (strcmp(reference, artifact.digest) != 0 && strcmp(reference, "org/open") != 0)
        return STINT_NOT_FOUND;
    *ret_view = artifact;
    return 0;
}

void stint_admission_rejudge_report(const struct stint_admission *admission,
                                    struct stint_rejudge_report *ret_report)
{
    (void)admission;
    *ret_report = (struct stint_rejudge_report){ .judged_count = 3, .failed_count = 1 };
}

void stint_admission_register(struct stint_admission *admission, const struct stint_caller *caller,
                              const char *path, const char *name, const char *kind,
                              bool is_in_place, stint_register_fn done, void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    (void)path;
    (void)name;
    (void)kind;
    (void)is_in_place;
    done(context, &error, "sha256:aa", 1, "{}");
}

int stint_admission_remove(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *reference, struct stint_error *err)
{
    (void)admission;
    (void)caller;
    return strcmp(reference, "org/open") == 0 ? 0
                                              : stint_fail(err, STINT_NOT_FOUND, "there is none");
}

#define FAKE_STATEMENT "{\"schema\":\"stint.attestation/1\",\"reviewer\":\"operator\"}"

int stint_admission_attestation(struct stint_admission *admission, int64_t id,
                                struct stint_attestation_view *ret_view)
{
    (void)admission;
    if (id != 1 && id != 2)
        return STINT_NOT_FOUND;
    *ret_view = (struct stint_attestation_view){ .id = id,
                                                 .digest = id == 1 ? artifact.digest : "sha256:bb",
                                                 .statement = FAKE_STATEMENT,
                                                 .is_standing = true,
                                                 .made_ms = 1795629600000 };
    return 0;
}

void stint_admission_each_attestation(struct stint_admission *admission, const char *digest,
                                      bool (*fn)(void *context,
                                                 const struct stint_attestation_view *view),
                                      void *context)
{
    struct stint_attestation_view view;
    if (strcmp(digest, artifact.digest) != 0)
        return;
    (void)stint_admission_attestation(admission, 1, &view);
    (void)fn(context, &view);
}

void stint_admission_attest(struct stint_admission *admission, const struct stint_caller *caller,
                            const char *reference, const char *statement, stint_attest_fn done,
                            void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    if (strcmp(reference, "org/open") != 0)
        (void)stint_fail(&error, STINT_NOT_FOUND, "there is none");
    else if (!strstr(statement, "stint.attestation/1"))
        (void)stint_fail(&error, STINT_INVALID, "no statement");
    done(context, &error, 1, error.code ? 0 : 7, error.code ? NULL : "{}");
}

void stint_admission_revoke(struct stint_admission *admission, const struct stint_caller *caller,
                            int64_t id, const char *reason, stint_attest_fn done, void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    if (!reason)
        (void)stint_fail(&error, STINT_INVALID, "no reason");
    done(context, &error, id, 0, NULL);
}

void stint_admission_check(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *path, const char *kind, const char *rules,
                           stint_register_fn done, void *context)
{
    (void)rules;
    stint_admission_register(admission, caller, path, NULL, kind, false, done, context);
}

/* ---- ledger ---- */

enum stint_role stint_ledger_role(const struct stint_ledger *ledger, uid_t uid, const char *name)
{
    (void)ledger;
    (void)uid;
    (void)name;
    return STINT_ROLE_USER; /* even for root: what a user sees is what is tested */
}

const char *stint_ledger_project_name(const struct stint_ledger *ledger, int64_t project)
{
    (void)ledger;
    return project == 1 ? "<nlp>" : NULL;
}

const char *stint_ledger_award_name(const struct stint_ledger *ledger, int64_t award)
{
    (void)ledger;
    return award ? "2026-001" : NULL;
}

int64_t stint_ledger_award_id(const struct stint_ledger *ledger, const char *name)
{
    (void)ledger;
    (void)name;
    return 1;
}

void stint_ledger_account(const struct stint_ledger *ledger, uint32_t account, uint32_t what,
                          struct stint_account_view *ret_view)
{
    (void)ledger;
    (void)account;
    *ret_view = (struct stint_account_view){
        .kind = "user", .name = SEED "user", .set_by = SEED "operator", .set_ms = 1
    };
    if (what == FAKE_HOURS_OF_A_DAY) {
        ret_view->unit = "GPU-hours";
        ret_view->period = "day";
    }
    if (fake.account_kind) {
        ret_view->kind = fake.account_kind;
        ret_view->name = fake.account_name;
    }
}

const char *stint_ledger_unit(const struct stint_ledger *ledger, uint32_t resource)
{
    (void)ledger, (void)resource;
    return "core-hour";
}

bool stint_ledger_is_member(const struct stint_ledger *ledger, uid_t uid, const char *project)
{
    (void)ledger;
    (void)project;
    return uid == getuid();
}

void stint_ledger_each_award(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_award_view *view),
                             void *context)
{
    struct stint_award_view view = { .id = 1,
                                     .name = "2026-001",
                                     .project = "<nlp>",
                                     .title = "A \"title\"",
                                     .unit = "core-hour",
                                     .state = fake.award_state ? fake.award_state : "active",
                                     .resource = "local",
                                     .awarded_micro = 10000000,
                                     .used_micro = 2500000,
                                     .held_micro = 1000000,
                                     .until_ms = 1795629660000 };
    (void)ledger;
    (void)fn(context, &view);
}

void stint_ledger_each_project(struct stint_ledger *ledger,
                               bool (*fn)(void *context, const struct stint_project_view *view),
                               void *context)
{
    struct stint_project_view view = { .id = 1,
                                       .name = "<nlp>",
                                       .institution = "ling",
                                       .pi = "Prof. Example",
                                       .title = "t",
                                       .member_count = 3 };
    (void)ledger;
    (void)fn(context, &view);
}

void stint_ledger_each_institution(struct stint_ledger *ledger,
                                   bool (*fn)(void *context, int64_t id, const char *name,
                                              const char *title),
                                   void *context)
{
    (void)ledger;
    (void)fn(context, 1, "ling", "Linguistics");
}

void stint_ledger_each_quota(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_quota_view *view),
                             void *context)
{
    struct stint_quota_view user = { .scope = "user",
                                     .scope_name = SEED "user",
                                     .kind = "jobs",
                                     .period = "",
                                     .ceiling = 1,
                                     .set_by = SEED "operator",
                                     .reason = "r" };
    struct stint_quota_view project = user;
    project.scope = "project";
    project.scope_name = "<nlp>";
    (void)ledger;
    struct stint_quota_view hours = project;
    hours.kind = "gpu-hours";
    hours.period = "day";
    hours.ceiling = 1000000;
    if (fn(context, &user) && fn(context, &project))
        (void)fn(context, &hours);
}

void stint_ledger_each_user(struct stint_ledger *ledger,
                            bool (*fn)(void *context, const struct stint_user_view *view),
                            void *context)
{
    struct stint_user_view view = { 4242, SEED "user", "<nlp>", false, false };
    (void)ledger;
    (void)fn(context, &view);
}

/* One of each scope; the user's is somebody else's. */
static const struct stint_share_view fake_shares[] = {
    { .scope = "institution",
      .name = "ling",
      .parent = "",
      .shares = 1,
      .share = 1,
      .rank_count = 1 },
    { .scope = "project",
      .name = "<nlp>",
      .parent = "ling",
      .shares = 3,
      .share = 0.75,
      .usage = 0.5,
      .used_share_ms = 10,
      .rank_count = 1,
      .awarded_micro = 2500000,
      .set_by = SEED "operator",
      .reason = "call",
      .set_ms = 1 },
    { .scope = "user", .name = SEED "user", .parent = "<nlp>", .shares = 1, .rank_count = 1 },
};

void stint_ledger_each_share(struct stint_ledger *ledger, uint32_t resource,
                             bool (*fn)(void *context, const struct stint_share_view *view),
                             void *context)
{
    (void)ledger, (void)resource;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(fake_shares); i++)
        if (!fn(context, &fake_shares[i]))
            return;
}

void stint_ledger_shares_of(struct stint_ledger *ledger, uint32_t resource, int64_t project,
                            uid_t uid,
                            bool (*fn)(void *context, const struct stint_share_view *view),
                            void *context)
{
    (void)ledger, (void)resource, (void)project, (void)uid;
    for (size_t i = STINT_ARRAY_SIZE(fake_shares); i-- > 0;)
        if (!fn(context, &fake_shares[i]))
            return;
}

#define FAKE_ADMIN(name, ...)                                                                      \
    int name(struct stint_ledger *ledger, const struct stint_act *act, __VA_ARGS__)

FAKE_ADMIN(stint_ledger_institution_add, const char *name, const char *title, int64_t *ret_id,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)title, (void)err;
    *ret_id = 1;
    return 0;
}

FAKE_ADMIN(stint_ledger_project_add, const char *name, const char *institution, const char *pi,
           const char *title, int64_t *ret_id, struct stint_error *err)
{
    (void)institution, (void)pi;
    return stint_ledger_institution_add(ledger, act, name, title, ret_id, err);
}

FAKE_ADMIN(stint_ledger_project_suspend, const char *name, bool is_suspended,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)is_suspended, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_project_set, const char *name, const char *pi, const char *title,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)pi, (void)title, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_user_add, const char *user, const char *project, const char *role,
           int is_operator, struct stint_error *err)
{
    (void)ledger, (void)act, (void)user, (void)project, (void)role, (void)is_operator, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_user_suspend, const char *user, bool is_suspended, struct stint_error *err)
{
    return stint_ledger_project_suspend(ledger, act, user, is_suspended, err);
}

FAKE_ADMIN(stint_ledger_user_remove, const char *user, const char *project, struct stint_error *err)
{
    (void)project;
    return stint_ledger_project_suspend(ledger, act, user, false, err);
}

FAKE_ADMIN(stint_ledger_award_grant, const char *name, const char *project, const char *resource,
           int64_t amount_micro, int64_t from_ms, int64_t until_ms, const char *title,
           int64_t *ret_id, struct stint_error *err)
{
    (void)project, (void)resource, (void)amount_micro, (void)from_ms, (void)until_ms;
    return stint_ledger_institution_add(ledger, act, name, title, ret_id, err);
}

FAKE_ADMIN(stint_ledger_award_change, const char *name, enum stint_award_change change,
           int64_t amount_micro, int64_t until_ms, struct stint_error *err)
{
    (void)change, (void)amount_micro, (void)until_ms;
    return stint_ledger_project_suspend(ledger, act, name, false, err);
}

FAKE_ADMIN(stint_ledger_award_transfer, const char *from, const char *to, int64_t amount_micro,
           struct stint_error *err)
{
    (void)to, (void)amount_micro;
    return stint_ledger_project_suspend(ledger, act, from, false, err);
}

FAKE_ADMIN(stint_ledger_share_set, enum stint_quota_scope scope, const char *scope_name,
           int64_t shares, struct stint_error *err)
{
    (void)scope, (void)shares;
    return stint_ledger_project_suspend(ledger, act, scope_name, false, err);
}

FAKE_ADMIN(stint_ledger_quota_set, enum stint_quota_scope scope, const char *scope_name,
           const char *assignment, struct stint_error *err)
{
    (void)scope, (void)assignment;
    return stint_ledger_project_suspend(ledger, act, scope_name, false, err);
}

/* ---- tokens: nobody has one ---- */

int stint_token_scopes_parse(const char *text, stint_token_scopes *ret_scopes,
                             struct stint_error *err)
{
    (void)text, (void)err;
    *ret_scopes = 0;
    return 0;
}

char *stint_token_scopes_format(stint_token_scopes scopes, char *text, size_t size)
{
    (void)scopes;
    (void)snprintf(text, size, "read");
    return text;
}

bool stint_token_allows(stint_token_scopes scopes, bool is_write, bool is_operators,
                        const char *place)
{
    (void)scopes, (void)is_write, (void)is_operators, (void)place;
    return false;
}

int stint_ledger_token_create(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, const char *name, stint_token_scopes scopes,
                              int64_t until_ms, char *ret_token, char *ret_id,
                              struct stint_error *err)
{
    (void)name, (void)scopes, (void)until_ms;
    *ret_token = *ret_id = '\0';
    return stint_ledger_project_suspend(ledger, act, user, false, err);
}

int stint_ledger_token_revoke(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *id, struct stint_error *err)
{
    return stint_ledger_project_suspend(ledger, act, id, true, err);
}

int stint_ledger_token_find(struct stint_ledger *ledger, const char *token,
                            struct stint_token_view *ret_view, struct stint_error *err)
{
    (void)ledger, (void)token;
    *ret_view = (struct stint_token_view){ 0 };
    return stint_fail(err, STINT_NOT_LOGGED_IN, "no such token");
}

void stint_ledger_each_token(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_token_view *view),
                             void *context)
{
    (void)ledger, (void)fn, (void)context;
}

/* ---- calendar ---- */

void stint_calendar_node(const struct stint_calendar *calendar, uint32_t resource, uint32_t node,
                         struct stint_node_view *ret_view)
{
    (void)calendar, (void)resource;
    (void)node;
    *ret_view = (struct stint_node_view){ STINT_NODE_DRAINING, "new <fan>", 1779710400000 };
}

static struct stint_reservation_view fake_reservation(void)
{
    static uint64_t cores[1] = { 3 };
    static int64_t memory[1] = { 1 << 20 };
    static struct stint_grant kept = {
        .core_count = 2, .cores = cores, .numa_memory = memory, .memory_bytes = 1 << 20
    };
    static const struct stint_allocation allocation = { 1, &kept };
    return (struct stint_reservation_view){ .id = 7,
                                            .name = "node0",
                                            .scope = "project",
                                            .holder = "<nlp>",
                                            .reason = "a <course>",
                                            .from_ms = 1779710400000,
                                            .until_ms = 1779714000000,
                                            .window_from_ms = 1779710400000,
                                            .window_until_ms = 1779714000000,
                                            .is_active = true,
                                            .allocation = &allocation };
}

void stint_calendar_each_reservation(const struct stint_calendar *calendar,
                                     bool (*fn)(void *context,
                                                const struct stint_reservation_view *view),
                                     void *context)
{
    struct stint_reservation_view view = fake_reservation();
    (void)calendar;
    (void)fn(context, &view);
}

bool stint_calendar_reservation(const struct stint_calendar *calendar, uint32_t id,
                                struct stint_reservation_view *ret_view)
{
    (void)calendar;
    *ret_view = fake_reservation();
    ret_view->is_active = id == 7;
    return id <= 8;
}

int stint_calendar_reserve(struct stint_calendar *calendar, const struct stint_act *act,
                           const struct stint_reservation_new *reservation,
                           struct stint_reservation_view *ret_view, struct stint_error *err)
{
    (void)calendar;
    *ret_view = fake_reservation();
    return stint_ledger_project_suspend(NULL, act, reservation->name, false, err);
}

int stint_calendar_unreserve(struct stint_calendar *calendar, const struct stint_act *act,
                             const char *name, struct stint_error *err)
{
    (void)calendar;
    return stint_ledger_project_suspend(NULL, act, name, false, err);
}

int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *resource, const char *node, struct stint_error *err)
{
    (void)calendar, (void)resource;
    return stint_ledger_project_suspend(NULL, act, node, true, err);
}

int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *resource, const char *node, struct stint_error *err)
{
    (void)calendar, (void)resource;
    return stint_ledger_project_suspend(NULL, act, node, false, err);
}
