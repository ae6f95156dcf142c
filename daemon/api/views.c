/* Owns: a job as JSON, for everybody: one filter for all views. */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/machine.h"
#include "stint/store.h"

/* ---- resources ---- */

bool has_resources(const struct stint_api *api)
{
    return api->options.resources->count > 1;
}

bool award_is_simulated(const struct stint_api *api, const struct stint_award_view *view)
{
    uint32_t on = stint_resource_find(api->options.resources, view->resource);
    return on != STINT_RESOURCE_NONE && strcmp(view->unit, "gpu-hour") == 0 &&
           stint_machine_is_simulated(api->options.resources->list[on].machine);
}

bool exchange_resource(struct exchange *ex, uint32_t *ret_resource)
{
    struct stint_error err = { 0 };
    char names[300];
    const char *name = exchange_query(ex, "resource");
    *ret_resource = stint_resource_find(ex->api->options.resources, name);
    if (*ret_resource != STINT_RESOURCE_NONE)
        return true;
    (void)stint_fail(&err, STINT_NOT_FOUND, "there is no resource '%.60s'", name);
    (void)stint_fix(&err, STINT_NOT_FOUND, "one of: %s",
                    stint_resource_names(ex->api->options.resources, names, sizeof(names)));
    exchange_fail(ex, &err);
    return false;
}

size_t queue_line_next(struct queue_line *line, const struct stint_job_view *view)
{
    uint32_t on = view->resource_number;
    if (!job_is_in_line(view))
        return 0;
    return ++line->counts[on < STINT_RESOURCE_MAX ? on : STINT_RESOURCE_MAX];
}

void document_begin(struct stint_buffer *out, const char *noun)
{
    char schema[64];
    (void)snprintf(schema, sizeof(schema), "stint.%s/1", noun);
    stint_json_object(out);
    stint_json_kv_text(out, "schema", schema);
}

void job_from_view(struct stint_api *api, const struct stint_job_view *view,
                   struct job_shown *ret_job)
{
    bool waits = view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD ||
                 (view->array && view->reason.code != STINT_REASON_NONE);
    *ret_job = (struct job_shown){
        .id = view->id,
        .task = view->task,
        .is_task = view->is_task,
        .array = view->array,
        .task_count = view->array ? view->array->task_count : 0,
        .state = stint_job_state_name(view->state),
        .outcome = view->outcome ? stint_job_outcome_name(view->outcome) : NULL,
        .reason = waits && view->reason.code ? stint_reason_name(view->reason.code) : NULL,
        .figures = view->reason,
        .resource = view->resource,
        .project = view->project,
        .award = view->award ? stint_ledger_award_name(api->options.ledger, view->award) : NULL,
        .allocation = view->allocation,
        .priority = view->priority,
        .cpus = view->cpus,
        .gpus = view->gpus,
        .gpu_milli = view->gpu_milli,
        .gpu_type = view->gpu_type,
        .memory_bytes = view->memory_bytes,
        .walltime_s = view->walltime_s,
        .submit_ms = view->submit_ms,
        .begin_ms = view->begin_ms,
        .start_ms = view->start_ms,
        .ends_by_ms = view->ends_by_ms,
        .attempt = view->attempt,
        .uid = view->uid,
        .name = view->name,
        .user = view->user,
        .spec = view->spec,
        .uses = view->uses,
        .elapsed_ms = -1,
    };
    if (waits)
        ret_job->start = (struct start_told){ view->estimate_p50_ms, view->estimate_p90_ms,
                                              view->estimate_supposes, view->no_estimate };
    else
        ret_job->figures.code = STINT_REASON_NONE;
}

bool job_is_in_line(const struct stint_job_view *view)
{
    enum stint_reason_class class = stint_reason_class(view->reason.code);
    return view->state == STINT_JOB_PENDING &&
           (class == STINT_CLASS_NONE || class >= STINT_CLASS_LIMITED);
}

/* Below 0 nothing ran; a row of an earlier version has 0 then. */
bool job_row_failed_to_start(const struct stint_job_row *row)
{
    return row->end_ms != 0 && row->attempts > 0 && row->outcome &&
           strcmp(row->outcome, "failed") == 0 && row->exit_code <= 0 && row->exit_signal == 0;
}

bool job_row_has_exit(const struct stint_job_row *row)
{
    static const char *const unseen[] = { "lost", "node-failed", "refused" };
    if (row->end_ms == 0 || row->attempts == 0 || row->exit_code < 0 ||
        job_row_failed_to_start(row))
        return false;
    for (size_t i = 0; row->outcome && i < STINT_ARRAY_SIZE(unseen); i++)
        if (strcmp(row->outcome, unseen[i]) == 0)
            return false;
    return true;
}

void job_from_row(struct stint_api *api, const struct stint_job_row *row,
                  const struct stint_run_row *run, struct job_shown *ret_job)
{
    struct stint_ledger *ledger = api->options.ledger;
    *ret_job = (struct job_shown){
        .id = row->id,
        .task_count = row->task_count,
        .state = row->state,
        .outcome = row->outcome,
        .reason = row->reason && *row->reason ? row->reason : NULL,
        .resource = row->resource,
        .project = stint_ledger_project_name(ledger, row->project),
        .award = row->award ? stint_ledger_award_name(ledger, row->award) : NULL,
        .priority = row->priority,
        .cpus = row->cpus,
        .gpus = row->gpus,
        .gpu_milli = row->gpu_milli,
        .gpu_type = row->gpu_type,
        .memory_bytes = row->memory_bytes,
        .walltime_s = row->walltime_s,
        .submit_ms = row->submit_ms,
        .begin_ms = row->begin_ms,
        .start_ms = row->start_ms,
        .end_ms = row->end_ms,
        .decision = row->decision,
        .attempt = (uint32_t)row->attempts,
        .uid = row->uid,
        .name = row->name,
        .user = row->user_name,
        .spec = row->spec,
        .uses = row->uses,
        .has_end = row->end_ms != 0,
        .has_exit = job_row_has_exit(row),
        .exit_code = row->exit_code,
        .exit_signal = row->exit_signal,
        .elapsed_ms = -1,
    };
    if (run) {
        ret_job->elapsed_ms = run->end_ms ? run->elapsed_ms : -1;
        ret_job->cpu_ms = run->cpu_ms;
        ret_job->peak_memory_bytes = run->peak_memory_bytes;
        ret_job->charged_micro = run->charged_micro;
        ret_job->note = run->note;
    }
}

/* ---- writing ---- */

static void write_resources(struct stint_buffer *out, const struct job_shown *job)
{
    stint_json_kv_int(out, "cpus", job->cpus);
    stint_json_kv_int(out, "gpus", job->gpus);
    if (job->gpus > 0) {
        stint_json_kv_int(out, "gpu_milli", job->gpu_milli);
        stint_json_kv_text(out, "gpu_type", job->gpu_type);
    }
    stint_json_kv_int(out, "memory_bytes", job->memory_bytes);
    stint_json_kv_int(out, "walltime_s", job->walltime_s);
}

void start_write(struct stint_buffer *out, const struct start_told *start)
{
    if (start->none)
        stint_json_kv_text(out, "no_estimate", start->none);
    if (!start->p50_ms)
        return;
    stint_json_key(out, "estimate");
    stint_json_object(out);
    stint_json_kv_time(out, "p50", start->p50_ms);
    stint_json_kv_time(out, "p90", start->p90_ms);
    if (start->supposes)
        stint_json_kv_text(out, "supposes", start->supposes);
    stint_json_object_end(out);
}

static void write_times(struct stint_buffer *out, const struct job_shown *job)
{
    stint_json_kv_time(out, "submitted", job->submit_ms);
    if (job->begin_ms)
        stint_json_kv_time(out, "begin", job->begin_ms);
    stint_json_kv_time(out, "started", job->start_ms);
    if (job->ends_by_ms)
        stint_json_kv_time(out, "ends_by", job->ends_by_ms);
    stint_json_kv_time(out, "ended", job->end_ms);
    start_write(out, &job->start);
}

/* Members of the stored request that people look for at the top. */
static void write_request(struct stint_buffer *out, const char *spec)
{
    static const char *const texts[] = { "workdir", "output", "error", "purpose" };
    json_t *json = json_loads(spec, 0, NULL);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++) {
        const char *text = json_string_value(json_object_get(json, texts[i]));
        if (text)
            stint_json_kv_text(out, texts[i], text);
    }
    if (json) {
        stint_json_key(out, "request");
        stint_json_raw(out, spec, strlen(spec));
    }
    json_decref(json);
}

static void write_private(struct stint_buffer *out, const struct job_shown *job, bool is_whole)
{
    stint_json_kv_text(out, "name", job->name);
    stint_json_kv_text(out, "user", job->user);
    stint_json_kv_int(out, "uid", (int64_t)job->uid);
    if (job->has_end && !job->has_exit) {
        stint_json_kv_null(out, "exit_code");
        stint_json_kv_null(out, "term_signal");
        if (job->exit_code < -1)
            stint_json_kv_int(out, "start_status", -job->exit_code);
    } else if (job->has_end) {
        stint_json_kv_int(out, "exit_code", job->exit_code);
        stint_json_kv_int(out, "term_signal", job->exit_signal);
    }
    if (job->elapsed_ms >= 0) {
        stint_json_kv_int(out, "elapsed_ms", job->elapsed_ms);
        stint_json_kv_int(out, "cpu_ms", job->cpu_ms);
        stint_json_kv_int(out, "memory_peak_bytes", job->peak_memory_bytes);
        stint_json_kv_int(out, "charged_micro", job->charged_micro);
    }
    if (job->note && *job->note)
        stint_json_kv_text(out, "note", job->note);
    if (job->decision > 0)
        stint_json_kv_int(out, "decision", job->decision);
    if (!is_whole)
        return;
    stint_json_key(out, "uses");
    stint_json_raw(out, job->uses && *job->uses ? job->uses : "[]",
                   job->uses && *job->uses ? strlen(job->uses) : 2);
    if (job->spec && *job->spec)
        write_request(out, job->spec);
}

/* How far a job's surroundings are vouched for (DESIGN §4): nothing is sandboxed yet, so every job
 * is `recorded`. What is simulated, and that root's own jobs may run, is said in each job. */
static void write_assurance(struct stint_api *api, struct stint_buffer *out,
                            const struct job_shown *job)
{
    uint32_t on = stint_resource_find(api->options.resources, job->resource);
    struct stint_engine_report report;
    stint_engine_report(api->options.engine, &report);
    stint_json_kv_text(out, "level", "recorded");
    if (report.root_allowed)
        stint_json_kv_bool(out, "private_root", true);
    if (job->gpus > 0 && on != STINT_RESOURCE_NONE &&
        stint_machine_is_simulated(api->options.resources->list[on].machine))
        stint_json_kv_bool(out, "simulated", true);
}

void ref_write(struct stint_buffer *out, uint64_t id, uint32_t task)
{
    char ref[48];
    if (task != STINT_TASK_WHOLE)
        (void)snprintf(ref, sizeof(ref), "%llu_%lu", (unsigned long long)id, (unsigned long)task);
    else
        (void)snprintf(ref, sizeof(ref), "%llu", (unsigned long long)id);
    stint_json_kv_text(out, "ref", ref);
}

/* Which tasks are where; an old one of a list only says how many. */
static void write_array(struct stint_buffer *out, const struct job_shown *job)
{
    const struct stint_array_view *array = job->array;
    stint_json_key(out, "array");
    stint_json_object(out);
    stint_json_kv_int(out, "tasks", job->task_count);
    if (array) {
        uint32_t ended = 0;
        if (array->running_max)
            stint_json_kv_int(out, "running_max", array->running_max);
        stint_json_kv_int(out, "pending", array->live[STINT_JOB_PENDING]);
        stint_json_kv_int(out, "held", array->live[STINT_JOB_HELD]);
        stint_json_kv_int(out, "running",
                          (int64_t)array->live[STINT_JOB_STARTING] +
                              array->live[STINT_JOB_RUNNING] + array->live[STINT_JOB_SUSPENDED] +
                              array->live[STINT_JOB_ENDING]);
        for (int i = 0; i < STINT_OUTCOME_COUNT; i++)
            ended += array->ended[i];
        stint_json_kv_int(out, "done", ended);
        stint_json_key(out, "outcomes");
        stint_json_object(out);
        for (int i = STINT_OUTCOME_NONE + 1; i < STINT_OUTCOME_COUNT; i++)
            if (array->ended[i] > 0)
                stint_json_kv_int(out, stint_job_outcome_name((enum stint_job_outcome)i),
                                  array->ended[i]);
        stint_json_object_end(out);
    }
    stint_json_object_end(out);
}

void job_write(struct stint_api *api, struct stint_buffer *out, const struct job_shown *job,
               bool sees_all, bool is_whole)
{
    stint_json_object(out);
    stint_json_kv_int(out, "id", (int64_t)job->id);
    if (job->task_count > 0)
        stint_json_kv_null(out, "task");
    else
        stint_json_kv_int(out, "task", job->is_task ? job->task : 0);
    ref_write(out, job->id, job->is_task ? job->task : STINT_TASK_WHOLE);
    stint_json_kv_text(out, "state", job->state);
    stint_json_kv_text(out, "outcome", job->outcome);
    stint_json_kv_text(out, "reason", job->reason);
    if (job->reason)
        stint_json_kv_text(
            out, "reason_class",
            stint_reason_class_name(stint_reason_class(reason_from_name(job->reason))));
    if (job->figures.code != STINT_REASON_NONE) {
        struct stint_buffer text = { 0 };
        reason_sentence(api, &job->figures, job->award, &text);
        stint_json_kv_text(out, "reason_text", stint_buffer_text(&text));
        stint_buffer_deinit(&text);
    }
    if (job->position > 0)
        stint_json_kv_int(out, "position", (int64_t)job->position);
    if (job->task_count > 0)
        write_array(out, job);
    stint_json_kv_text(out, "resource", job->resource);
    stint_json_kv_text(out, "project", job->project);
    stint_json_kv_text(out, "award", job->award);
    stint_json_kv_int(out, "priority", job->priority);
    stint_json_kv_int(out, "attempt", job->attempt);
    write_resources(out, job);
    stint_json_kv_text(out, "allocation", job->allocation);
    write_assurance(api, out, job);
    write_times(out, job);
    if (sees_all)
        write_private(out, job, is_whole);
    stint_json_object_end(out);
}

/* ---- names ---- */

struct project_walk {
    const char *name;
    int64_t id;
};

static bool project_on_view(void *context, const struct stint_project_view *view)
{
    struct project_walk *walk = context;
    if (strcmp(view->name, walk->name) == 0)
        walk->id = view->id;
    return walk->id == 0;
}

int64_t project_id(struct stint_api *api, const char *name)
{
    struct project_walk walk = { name, 0 };
    stint_ledger_each_project(api->options.ledger, project_on_view, &walk);
    return walk.id;
}

/* ---- reads off the loop ---- */

struct reading {
    struct exchange *ex;
    struct read_plan plan;
    void *data;
};

static int reading_work(struct stint_reader *reader, void *context)
{
    struct reading *reading = context;
    return reading->plan.work(reader, reading->data);
}

static void reading_end(struct reading *reading)
{
    reading->plan.free_data(reading->data);
    exchange_unref(reading->ex);
    free(reading);
}

static void reading_done(void *context, int status)
{
    struct reading *reading = context;
    if (!exchange_is_gone(reading->ex))
        reading->plan.render(reading->ex, reading->data, status);
    reading_end(reading);
}

void exchange_read(struct exchange *ex, const struct read_plan *plan, void *data)
{
    struct stint_error err = { 0 };
    struct reading *reading = data ? malloc(sizeof(*reading)) : NULL;
    if (!reading) {
        (void)stint_fail(&err, -ENOMEM, "no memory for the question");
        exchange_fail(ex, &err);
        if (data)
            plan->free_data(data);
        return;
    }
    *reading = (struct reading){ exchange_ref(ex), *plan, data };
    int r = stint_store_read(ex->api->options.store, reading_work, reading_done, reading, &err);
    if (r != 0) {
        err.code = r;
        exchange_fail(ex, &err);
        reading_end(reading);
    }
}

bool exchange_read_failed(struct exchange *ex, int status, const char *what)
{
    struct stint_error err;
    if (status >= 0)
        return false;
    if (status == -ENOENT)
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no such %s", what);
    else
        (void)stint_fail(&err, status, "the %s could not be read: %s", what, strerror(-status));
    exchange_fail(ex, &err);
    return true;
}

/* ---- cursors ---- */

char *cursor_write(uint64_t id, char *cursor)
{
    (void)snprintf(cursor, CURSOR_MAX, "c%llx", (unsigned long long)id);
    return cursor;
}

bool cursor_read(struct exchange *ex, uint64_t *ret_id)
{
    struct stint_error err;
    const char *text = exchange_query(ex, "after");
    char *end = NULL;
    *ret_id = 0;
    if (!text)
        return true;
    errno = 0;
    if (text[0] == 'c' && strspn(text + 1, "0123456789abcdef") == strlen(text + 1) && text[1])
        *ret_id = strtoull(text + 1, &end, 16);
    if (*ret_id > 0 && errno == 0 && end && !*end)
        return true;
    (void)stint_fail(&err, STINT_INVALID, "the cursor 'after' is not one of this list");
    (void)stint_fix(&err, STINT_INVALID, "use `next` of the page before, or leave it away");
    exchange_fail(ex, &err);
    return false;
}

void cursor_next(struct exchange *ex, uint64_t id, bool has_more)
{
    char cursor[CURSOR_MAX];
    if (!has_more) {
        stint_json_kv_null(&ex->out, "next");
        return;
    }
    cursor_write(id, cursor);
    stint_json_kv_text(&ex->out, "next", cursor);
    struct stint_buffer *link = &ex->link;
    stint_buffer_clear(link);
    stint_buffer_printf(link, "<%s?after=%s", ex->path, cursor);
    for (size_t i = 0; i < ex->query_count; i++) {
        size_t length = strcspn(ex->query_names[i], " ");
        if (strncmp(ex->query_names[i], "after", length) == 0 && length == 5)
            continue;
        stint_buffer_printf(link, "&%.*s=", (int)length, ex->query_names[i]);
        for (const char *c = ex->query_values[i]; *c; c++)
            if (strchr("-._~:", *c) || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                (*c >= 'A' && *c <= 'Z'))
                stint_buffer_add_char(link, *c);
            else
                stint_buffer_printf(link, "%%%02X", (unsigned)(unsigned char)*c);
    }
    stint_buffer_add_text(link, ">; rel=\"next\"");
}
