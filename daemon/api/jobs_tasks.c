/* Owns: tasks of arrays to read: one by itself, several as a list, all of them as counts. A task
 * that never had a row of its own shares its array's lot. */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "stint/store.h"

bool ref_is_one_task(const struct stint_job_ref *ref, uint32_t *ret_task)
{
    if (!ref->tasks || ref->tasks->task_count != 1)
        return false;
    *ret_task = stint_array_task(ref->tasks, 0);
    return true;
}

/* ---- counts */

/* @failed: the first ones that did not complete; NULL when nobody asks */
struct counting {
    struct stint_array_view *counts;
    struct array_failed *failed;
};

static bool count_on_task(void *context, const struct stint_task_row *row)
{
    struct counting *counting = context;
    struct array_failed *failed = counting->failed;
    if (!row->outcome)
        return true;
    counting->counts->ended[stint_job_outcome_from_name(row->outcome)]++;
    if (failed && failed->count < ARRAY_TASKS_SHOWN && strcmp(row->outcome, "completed") != 0)
        failed->tasks[failed->count++] = row->task;
    return true;
}

int array_counts(struct stint_reader *reader, const struct stint_job_row *row,
                 struct stint_array_view *ret_counts, struct array_failed *ret_failed)
{
    uint32_t ended = 0;
    struct counting counting = { ret_counts, ret_failed };
    *ret_counts = (struct stint_array_view){ .task_count = (uint32_t)row->task_count };
    int r = stint_reader_each_task_of(reader, row->id, count_on_task, &counting);
    for (int i = 0; i < STINT_OUTCOME_COUNT; i++)
        ended += ret_counts->ended[i];
    if (row->outcome && ended < ret_counts->task_count)
        ret_counts->ended[stint_job_outcome_from_name(row->outcome)] +=
            ret_counts->task_count - ended;
    return r;
}

/* ---- one task that is done */

struct history {
    struct exchange *ex;
    struct stint_reader *reader;
    struct stint_buffer *out;
    const struct stint_job_row *row;
    const struct stint_task_row *task_row;
    uint32_t task;
    bool is_whole; /* a document of its own, no line of a list */
    bool is_why;   /* only how it ended, and why */
    bool is_shown;
    int result;
};

static void write_end(struct history *history, const struct stint_run_row *run)
{
    struct stint_buffer *out = history->out;
    const struct stint_task_row *task = history->task_row;
    const char *token = task ? task->reason : history->row->reason;
    struct stint_reason reason = { .code = reason_from_name(token), .account = UINT32_MAX };
    stint_json_kv_int(out, "id", (int64_t)history->row->id);
    ref_write(out, history->row->id, history->task);
    stint_json_kv_text(out, "state", task ? task->state : history->row->state);
    stint_json_kv_text(out, "outcome", task ? task->outcome : history->row->outcome);
    stint_json_key(out, "reason");
    if (reason.code != STINT_REASON_NONE)
        reason_write(history->ex->api, out, &reason, NULL, false);
    else
        stint_json_null(out);
    stint_json_key(out, "also");
    stint_json_raw(out, "[]", 2);
    if (run && run->note && *run->note && exchange_sees(history->ex, history->row->uid))
        stint_json_kv_text(out, "note", run->note);
    history->is_shown = true;
}

static void write_done(struct history *history, const struct stint_run_row *run)
{
    if (history->is_why) {
        write_end(history, run);
        return;
    }
    const struct stint_task_row *task = history->task_row;
    struct job_shown job;
    job_from_row(history->ex->api, history->row, run, &job);
    job.task_count = 0;
    job.is_task = true;
    job.task = history->task;
    job.attempt = task ? (uint32_t)task->attempts : 0;
    job.start_ms = task ? task->start_ms : 0;
    if (task) {
        job.state = task->state;
        job.outcome = task->outcome;
        job.reason = task->reason;
        job.end_ms = task->end_ms;
    }
    job.has_end = job.end_ms != 0;
    job.has_exit = run && task && run->end_ms != 0 && run->exit_code >= 0 && task->outcome &&
                   strcmp(task->outcome, "lost") != 0 && strcmp(task->outcome, "node-failed") != 0;
    job.exit_code = run ? run->exit_code : 0;
    job.exit_signal = run ? run->exit_signal : 0;
    job_write(history->ex->api, history->out, &job, exchange_sees(history->ex, history->row->uid),
              history->is_whole);
    history->is_shown = true;
}

static bool on_run(void *context, const struct stint_run_row *run)
{
    write_done(context, run);
    return false;
}

static bool on_task(void *context, const struct stint_task_row *task)
{
    struct history *history = context;
    struct stint_run_key key = { task->job, task->task, (uint32_t)task->attempts };
    history->task_row = task;
    if (task->attempts > 0)
        (void)stint_reader_run(history->reader, key, on_run, history);
    if (!history->is_shown)
        write_done(history, NULL);
    return false;
}

static bool has_task(const struct stint_job_row *row, uint32_t task)
{
    stint_auto(stint_array_free) struct stint_array *shape = NULL;
    json_t *spec = row->task_count > 0 ? json_loads(row->spec, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(spec, "array"));
    bool is_there = text && stint_array_parse(text, &shape, NULL) == 0 &&
                    stint_array_at(shape, task) != STINT_TASK_WHOLE;
    json_decref(spec);
    return is_there;
}

static bool on_job(void *context, const struct stint_job_row *row)
{
    struct history *history = context;
    history->row = row;
    if (!has_task(row, history->task)) {
        history->result = -ENOENT;
        return false;
    }
    int r = stint_reader_task(history->reader, row->id, history->task, on_task, history);
    if (r == -ENOENT)
        write_done(history, NULL);
    else
        history->result = r;
    return false;
}

static int history_read(struct history *history, uint64_t id, struct stint_error *err)
{
    history->reader = stint_store_reader(history->ex->api->options.store);
    int r = stint_reader_job(history->reader, id, on_job, history);
    r = r != 0 ? r : history->result;
    if (r == -ENOENT)
        return stint_fail(err, STINT_NOT_FOUND, "there is no task %" PRIu64 "_%" PRIu32, id,
                          history->task);
    return r == 0 ? 0
                  : stint_fail(err, r, "task %" PRIu64 "_%" PRIu32 " could not be read: %s", id,
                               history->task, strerror(-r));
}

/* ---- any one */

static int task_write(struct exchange *ex, uint64_t id, uint32_t task, bool is_whole,
                      struct stint_buffer *out, struct stint_error *err)
{
    struct stint_job_view view;
    if (stint_jobs_view_task(ex->api->options.jobs, id, task, &view) == 0) {
        struct job_shown job;
        job_from_view(ex->api, &view, &job);
        job_write(ex->api, out, &job, exchange_sees(ex, view.uid), is_whole);
        return 0;
    }
    struct history history = { .ex = ex, .out = out, .task = task, .is_whole = is_whole };
    return history_read(&history, id, err);
}

int task_why(struct exchange *ex, uint64_t id, uint32_t task, struct stint_error *err)
{
    struct history history = { .ex = ex, .out = &ex->out, .task = task, .is_why = true };
    return history_read(&history, id, err);
}

/* ---- beside the array: who runs or was acted on, and who did not complete */

struct live_tasks {
    struct exchange *ex;
    struct stint_buffer *out;
    size_t count;
};

static bool live_on_view(void *context, const struct stint_job_view *view)
{
    struct live_tasks *live = context;
    struct job_shown job;
    job_from_view(live->ex->api, view, &job);
    job_write(live->ex->api, live->out, &job, exchange_sees(live->ex, view->uid), false);
    return ++live->count < ARRAY_TASKS_SHOWN;
}

void array_tasks_write(struct exchange *ex, uint64_t id, struct array_failed *failed,
                       struct stint_buffer *out)
{
    struct live_tasks live = { ex, out, 0 };
    stint_json_key(out, "tasks");
    stint_json_array(out);
    stint_jobs_each_task(ex->api->options.jobs, id, live_on_view, &live);
    if (failed->count == 0)
        failed->count =
            stint_jobs_failed_tasks(ex->api->options.jobs, id, failed->tasks, ARRAY_TASKS_SHOWN);
    for (size_t i = 0; i < failed->count; i++)
        (void)task_write(ex, id, failed->tasks[i], false, out, NULL);
    stint_json_array_end(out);
}

int task_document(struct exchange *ex, uint64_t id, uint32_t task, struct stint_buffer *out,
                  struct stint_error *err)
{
    document_begin(out, "job");
    stint_json_key(out, "job");
    int r = task_write(ex, id, task, true, out, err);
    stint_json_object_end(out);
    if (r != 0)
        stint_buffer_clear(out);
    return r;
}

#define TASKS_MAX 10000 /* of one list */

int tasks_document(struct exchange *ex, const struct stint_job_ref *ref, struct stint_buffer *out,
                   struct stint_error *err)
{
    int r = 0;
    if (ref->tasks->task_count > TASKS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%" PRIu32 " tasks, at most %d in one answer",
                          ref->tasks->task_count, TASKS_MAX);
    document_begin(out, "jobs");
    stint_json_key(out, "jobs");
    stint_json_array(out);
    for (uint32_t i = 0; i < ref->tasks->task_count && r == 0; i++)
        r = task_write(ex, ref->job, stint_array_task(ref->tasks, i), false, out, err);
    stint_json_array_end(out);
    stint_json_kv_null(out, "next");
    stint_json_object_end(out);
    if (r != 0)
        stint_buffer_clear(out);
    return r;
}
