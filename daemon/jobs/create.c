/* Owns: how a job comes to be. A request that admission let in becomes a row, an event and a place
 * in the queue, all in the open batch; the caller's answer waits for that batch. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "journal.h"
#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/store.h"
#include "stint/store_reader.h"

/* What of a node's memory can be granted: whole MiB on each NUMA node, as the plan counts it. */
static int64_t grantable_memory(const struct stint_shape *shape)
{
    int64_t bytes = 0;
    for (uint32_t i = 0; i < shape->numa_count; i++)
        bytes += shape->numa[i].memory_bytes & ~((INT64_C(1) << 20) - 1);
    return bytes < shape->memory_bytes ? bytes : shape->memory_bytes;
}

#define SPEC_TEXT_KEEP ((size_t)64 << 10) /* memory kept between two requests */

/* A job that names no memory gets its cores' or its GPUs' part of a node, whichever is more, in
 * whole MiB: memory is never granted twice, so "unknown" cannot be allowed. */
static int64_t default_memory(const struct stint_machine *machine, int64_t cpus, int64_t gpu_milli)
{
    const struct stint_shape *shape = machine->nodes[0].shape;
    int64_t whole = grantable_memory(shape);
    int64_t by_cores = shape->core_count ? whole / shape->core_count * cpus : 0;
    int64_t by_gpus = shape->gpu_count ? whole / shape->gpu_count / 1000 * gpu_milli : 0;
    int64_t bytes = by_cores > by_gpus ? by_cores : by_gpus;
    if (bytes > whole)
        bytes = whole;
    return bytes & ~((INT64_C(1) << 20) - 1);
}

static void fill_resources(const struct stint_jobs *jobs, const struct stint_request *request,
                           struct job *job)
{
    const struct stint_resource *resource = job_resource(jobs, job);
    job->gpus = (uint16_t)request->gpu_count;
    job->gpu_milli = (uint16_t)(request->gpu_milli ? request->gpu_milli : 1000);
    job->cpus = (uint32_t)request->cpus;
    job->nodes = request->nodes > 0 ? (uint32_t)request->nodes : 1;
    job->gpu_type = STINT_ANY_GPU_TYPE;
    if (request->gpu_type) {
        int type = stint_machine_find_type(resource->machine, request->gpu_type);
        job->gpu_type = (int16_t)(type >= 0 ? type : STINT_NO_GPU_TYPE);
    }
    job->gpu_memory_bytes = request->gpu_memory_bytes;
    job->memory_bytes = request->memory_bytes;
    if (job->memory_bytes == 0)
        job->memory_bytes =
            default_memory(resource->machine, job->cpus, (int64_t)job->gpus * job->gpu_milli);
    job->walltime_s = request->walltime_s ? request->walltime_s : resource->default_walltime_s;
    job->locality = (uint8_t)request->locality;
    job->priority = (int8_t)request->priority;
    job->begin_ms = request->begin_ms;
    job->may_requeue = request->may_requeue;
    job->preemptible = request->preemptible;
}

static int copy_text(const char *text, char **ret_copy)
{
    if (text && !(*ret_copy = strdup(text)))
        return -ENOMEM;
    return 0;
}

static int write_uses(const struct stint_request *request, const struct stint_job_use *uses,
                      char **ret_json)
{
    if (request->use_count == 0) {
        *ret_json = NULL;
        return 0;
    }
    static const char *const kinds[STINT_USE_KIND_COUNT] = { "model", "dataset", "code" };
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    stint_json_array(&json);
    for (size_t i = 0; i < request->use_count; i++) {
        stint_json_object(&json);
        stint_json_kv_text(&json, "kind", kinds[request->uses[i].kind]);
        stint_json_kv_text(&json, "name", uses ? uses[i].name : request->uses[i].reference);
        if (uses) {
            stint_json_kv_text(&json, "digest", uses[i].digest);
            stint_json_kv_text(&json, "path", uses[i].path);
            stint_json_kv_int(&json, "verdict", uses[i].verdict_id);
            stint_json_kv_bool(&json, "in_place", uses[i].is_in_place);
        }
        stint_json_object_end(&json);
    }
    stint_json_array_end(&json);
    *ret_json = stint_buffer_take(&json);
    return *ret_json ? 0 : -ENOMEM;
}

struct ended_job {
    uint32_t task; /* that is asked for */
    bool has_task;
    bool is_array;
    enum stint_job_outcome outcome;
};

static bool spec_has_task(const char *spec, uint32_t task)
{
    stint_auto(stint_array_free) struct stint_array *shape = NULL;
    json_t *json = json_loads(spec, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "array"));
    bool has_task = text && stint_array_parse(text, &shape, NULL) == 0 &&
                    stint_array_at(shape, task) != STINT_TASK_WHOLE;
    json_decref(json);
    return has_task;
}

static bool take_outcome(void *context, const struct stint_job_row *row)
{
    struct ended_job *ended = context;
    ended->outcome = row->outcome ? stint_job_outcome_from_name(row->outcome) : STINT_OUTCOME_NONE;
    ended->is_array = row->task_count > 0;
    ended->has_task = ended->is_array && spec_has_task(row->spec, ended->task);
    return false;
}

static bool take_task(void *context, const struct stint_task_row *row)
{
    if (row->outcome)
        *(enum stint_job_outcome *)context = stint_job_outcome_from_name(row->outcome);
    return false;
}

static int no_such_after(const struct job_after *after, struct stint_error *err)
{
    if (after->task == STINT_TASK_WHOLE)
        (void)stint_fail(err, STINT_INVALID, "after: there is no job %" PRIu64, after->job);
    else
        (void)stint_fail(err, STINT_INVALID, "after: there is no task %" PRIu64 "_%" PRIu32,
                         after->job, after->task);
    return stint_fix(err, STINT_INVALID, "name jobs that were submitted before this one");
}

/* What a live job is waited for: all of it, or a task that may have ended already. */
static int resolve_live(struct stint_jobs *jobs, struct job *other, struct job_after *after,
                        struct stint_error *err)
{
    if (after->task == 0 && !other->array)
        after->task = STINT_TASK_WHOLE; /* `41_0` is how others write a plain job */
    if (after->task != STINT_TASK_WHOLE &&
        (!other->array || stint_array_at(other->array->shape, after->task) == STINT_TASK_WHOLE))
        return no_such_after(after, err);
    if (after->task != STINT_TASK_WHOLE && !jobs_find_task(jobs, after->job, after->task))
        after->outcome = array_ended(other->array, after->task);
    other->has_dependents |= after->outcome == STINT_OUTCOME_NONE;
    return 0;
}

/* A task of an array that is done: by its row, or as those that never began. */
static int resolve_done_task(struct stint_jobs *jobs, const struct ended_job *ended,
                             struct job_after *after, struct stint_error *err)
{
    if (after->task == 0 && !ended->is_array)
        after->task = STINT_TASK_WHOLE;
    after->outcome = ended->outcome;
    if (after->task == STINT_TASK_WHOLE)
        return 0;
    if (!ended->has_task)
        return no_such_after(after, err);
    enum stint_job_outcome lately = jobs_ended_lately(jobs, after->job, after->task);
    if (lately != STINT_OUTCOME_NONE) {
        after->outcome = lately;
        return 0;
    }
    int r = stint_reader_task(stint_store_reader(jobs->options.store), after->job, after->task,
                              take_task, &after->outcome);
    return r == -ENOENT ? 0 : r;
}

int job_resolve_after(struct stint_jobs *jobs, struct job *job, struct stint_error *err)
{
    for (size_t i = 0; i < job->after_count; i++) {
        struct job_after *after = &job->after[i];
        struct job *other = jobs_find(jobs, after->job);
        struct ended_job ended = { .task = after->task };
        int r;
        if (other) {
            r = resolve_live(jobs, other, after, err);
        } else {
            r = stint_reader_job(stint_store_reader(jobs->options.store), after->job, take_outcome,
                                 &ended);
            if (r == -ENOENT && jobs_ended_lately(jobs, after->job, STINT_TASK_WHOLE) == 0)
                r = no_such_after(after, err);
            if (r == -ENOENT)
                r = 0;
            if (r == 0 && ended.outcome == STINT_OUTCOME_NONE) /* its end is not durable yet */
                ended.outcome = jobs_ended_lately(jobs, after->job, STINT_TASK_WHOLE);
            if (r == 0 && ended.outcome == STINT_OUTCOME_NONE)
                r = no_such_after(after, err);
            if (r == 0)
                r = resolve_done_task(jobs, &ended, after, err);
        }
        if (r != 0)
            return r;
    }
    return 0;
}

static int fill_after(const struct stint_request *request, struct job *job)
{
    if (request->after_count == 0)
        return 0;
    job->after = calloc(request->after_count, sizeof(*job->after));
    if (!job->after)
        return -ENOMEM;
    job->after_count = (uint16_t)request->after_count;
    for (size_t i = 0; i < request->after_count; i++)
        job->after[i] = (struct job_after){ request->after[i].job, request->after[i].task,
                                            request->after[i].when, STINT_OUTCOME_NONE };
    return 0;
}

int job_fill(struct stint_jobs *jobs, const struct stint_request *request, struct job *job,
             struct stint_error *err)
{
    fill_resources(jobs, request, job);
    int r = 0;
    if (job->gpu_type == STINT_NO_GPU_TYPE)
        r = copy_text(request->gpu_type, &job->gpu_type_text);
    if (r == 0 && request->array)
        r = array_new(request->array, job, err);
    return r != 0 ? r : fill_after(request, job);
}

/* Through one buffer for all jobs, so that each keeps no more than it needs. */
static int write_spec(struct stint_jobs *jobs, const struct stint_job_new *from, struct job *job)
{
    struct stint_buffer *text = &jobs->spec_text;
    stint_buffer_clear(text);
    stint_request_write(from->request, from->script_sha256, text);
    int r =
        text->failed ? -ENOMEM : job_keep_texts(job, stint_buffer_text(text), from->request->name);
    if (text->capacity > SPEC_TEXT_KEEP)
        stint_buffer_deinit(text);
    return r;
}

/* The job is on the resource that was asked for; STINT_UNSATISFIABLE for one that is not there. */
static int request_place(struct stint_jobs *jobs, const struct stint_request *request,
                         struct job *job, enum stint_reason_code *ret_code, struct stint_error *err)
{
    char names[300];
    uint32_t index = stint_jobs_resource_of(jobs, request);
    if (index != STINT_RESOURCE_NONE) {
        job->resource = (uint8_t)index;
        return 0;
    }
    if (ret_code)
        *ret_code = STINT_REASON_NoSuchResource;
    (void)stint_fail(err, STINT_UNSATISFIABLE, "there is no resource '%.60s'", request->resource);
    return stint_fix(err, STINT_UNSATISFIABLE, "leave the resource out, or name %s%s",
                     jobs->options.resources->count > 1 ? "one of: " : "",
                     stint_resource_names(jobs->options.resources, names, sizeof(names)));
}

static int new_job(struct stint_jobs *jobs, const struct stint_job_new *from, struct job **ret_job,
                   struct stint_error *err)
{
    stint_auto(job_free) struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    int r = request_place(jobs, from->request, job, NULL, err);
    if (r == 0)
        r = job_fill(jobs, from->request, job, err);
    if (r == 0)
        r = job_resolve_after(jobs, job, err);
    if (r == 0)
        r = jobs_check_after(job, err);
    if (r == 0)
        r = copy_text(from->script_sha256, &job->script_sha256);
    if (r == 0)
        r = write_uses(from->request, from->uses, &job->uses);
    if (r == 0)
        r = write_spec(jobs, from, job);
    if (r != 0)
        return r;
    job->user = jobs_user(jobs, from->caller->name);
    if (!job->user)
        return -ENOMEM;
    job->uid = from->caller->uid;
    job->gid = from->caller->gid;
    job->project = from->project;
    job->asked_award = from->award;
    job->decision = from->decision;
    job->is_evaluated = from->is_evaluated;
    job->submit_ms = jobs->options.now_wall_ms();
    job->state = from->request->is_held ? STINT_JOB_HELD : STINT_JOB_PENDING;
    job->held_by = from->request->is_held ? STINT_ROLE_USER : STINT_ROLE_PUBLIC;
    *ret_job = stint_take(job);
    return 0;
}

/* What the engine would never run as is refused before it waits (users.md §3.3: no uid 0, no system
 * uids). */
static int owner_may_run(struct stint_jobs *jobs, uid_t uid, struct stint_error *err)
{
    struct stint_engine_report report;
    stint_engine_report(jobs->options.engine, &report);
    if (uid == 0 ? report.root_allowed : !report.separate_users || uid >= report.min_uid)
        return 0;
    if (uid == 0)
        (void)stint_fail(err, STINT_NOT_PERMITTED, "jobs of root are not run here");
    else
        (void)stint_fail(err, STINT_NOT_PERMITTED,
                         "jobs of system users (below uid %u) are not run here", report.min_uid);
    return stint_fix(
        err, STINT_NOT_PERMITTED,
        "submit as an ordinary user, for example with `runuser -u NAME -- stint submit …`");
}

int stint_jobs_create(struct stint_jobs *jobs, const struct stint_job_new *new, uint64_t *ret_id,
                      struct stint_error *err)
{
    stint_auto(job_free) struct job *job = NULL;
    int r = stint_store_ready(jobs->options.store, err);
    if (r == 0)
        r = owner_may_run(jobs, new->caller->uid, err);
    if (r == 0)
        r = new_job(jobs, new, &job, err);
    if (r != 0)
        return r;
    job->id = (uint64_t)stint_store_next_id(jobs->options.store, STINT_ID_JOB);
    if (job->array)
        r = array_open(jobs, job);
    if (r == 0)
        r = job_enqueue(jobs, job, err);
    if (r == 0 && (r = journal_submitted(jobs, job, err)) != 0)
        (void)stint_clerk_remove(job_clerk(jobs, job), job_task_key(job));
    if (r != 0 && job->array)
        array_shut(jobs, job);
    if (r != 0)
        return r;
    stint_ledger_job_queued(jobs->options.ledger, job->project, job->uid, (int)job_width(job));
    *ret_id = job->id;
    job_add(jobs, job);
    job_check(job);
    job = NULL;
    jobs->options.pass_wanted(jobs->options.context);
    return 0;
}

static int fits_on(struct stint_jobs *jobs, const struct stint_request *request, struct job *job,
                   struct stint_reason *ret_reason, struct stint_error *err)
{
    struct stint_ask ask;
    fill_resources(jobs, request, job);
    jobs_ask_of(jobs, job, &ask);
    ask.account_count = 0;
    ask.fair_account = STINT_NO_ACCOUNT;
    return stint_scheduler_fits_ever(job_core(jobs, job), &ask, ret_reason, NULL, err);
}

/* The first resource on which it could run, when it cannot on its own; NULL for none. */
static const char *fits_elsewhere(struct stint_jobs *jobs, const struct stint_request *request)
{
    for (uint32_t i = 0; i < jobs->options.resources->count; i++) {
        struct job job = { .id = 1, .resource = (uint8_t)i };
        struct stint_reason reason = { 0 };
        if (fits_on(jobs, request, &job, &reason, NULL) == 0)
            return jobs->options.resources->list[i].name;
    }
    return NULL;
}

int stint_jobs_fits_ever(struct stint_jobs *jobs, const struct stint_request *request,
                         enum stint_reason_code *ret_code, struct stint_error *err)
{
    struct job job = { .id = 1 };
    struct stint_reason reason = { 0 };
    int r = request_place(jobs, request, &job, ret_code, err);
    if (r != 0)
        return r;
    r = fits_on(jobs, request, &job, &reason, err);
    *ret_code = reason.code;
    const char *other =
        r == STINT_UNSATISFIABLE && !request->resource ? fits_elsewhere(jobs, request) : NULL;
    if (other) {
        char fix[sizeof(err->fix)];
        (void)snprintf(fix, sizeof(fix), "%s", err->fix);
        (void)stint_fix(err, STINT_UNSATISFIABLE, "--resource %s%s%s", other, fix[0] ? ", or " : "",
                        fix);
    }
    return r;
}

int64_t stint_jobs_memory_of(struct stint_jobs *jobs, const struct stint_request *request)
{
    struct job job = { .id = 1 };
    uint32_t index = stint_jobs_resource_of(jobs, request);
    job.resource = index == STINT_RESOURCE_NONE ? 0 : (uint8_t)index;
    fill_resources(jobs, request, &job);
    return job.memory_bytes;
}

int stint_jobs_rehearse(struct stint_jobs *jobs, const struct stint_caller *caller,
                        const struct stint_request *request, int64_t project, int64_t award,
                        struct stint_rehearsal *ret_rehearsal, struct stint_error *err)
{
    struct stint_job_new from = { .caller = caller,
                                  .request = request,
                                  .project = project,
                                  .award = award,
                                  .is_evaluated = true };
    struct stint_job_view view;
    stint_auto(job_free) struct job *job = NULL;
    int r = owner_may_run(jobs, caller->uid, err);
    if (r == 0)
        r = new_job(jobs, &from, &job, err);
    if (r != 0)
        return r;
    job->id = UINT64_MAX;
    r = job_enqueue(jobs, job, err);
    if (r != 0)
        return r;
    job_view_waiting(jobs, job, &view);
    ret_rehearsal->option_count = job_improve(jobs, job, ret_rehearsal->options);
    (void)stint_clerk_remove(job_clerk(jobs, job), job_task_key(job));
    ret_rehearsal->p50_ms = view.estimate_p50_ms;
    ret_rehearsal->p90_ms = view.estimate_p90_ms;
    ret_rehearsal->supposes = view.estimate_supposes;
    ret_rehearsal->no_estimate = view.no_estimate;
    ret_rehearsal->reason = view.reason;
    return 0;
}

/* Tasks that were held by themselves meanwhile. */
static void share_uses(struct stint_jobs *jobs, const struct job *whole)
{
    struct job *task = NULL;
    while ((task = array_next(jobs, whole->array, task))) {
        task->uses = whole->uses;
        task->is_evaluated = true;
        if (job_is_waiting(task))
            job_reblock(jobs, task);
    }
}

int stint_jobs_admit(struct stint_jobs *jobs, uint64_t id, const struct stint_job_use *uses,
                     struct stint_error *err)
{
    struct job *job = jobs_find(jobs, id);
    struct stint_request request;
    struct job_cause cause = { .actor = "admission" };
    if (!job)
        return stint_fail(err, STINT_NOT_FOUND, "job %" PRIu64 " is not live", id);
    json_t *json = json_loads(job->spec, JSON_REJECT_DUPLICATES, NULL);
    int r = json ? stint_request_parse_stored(json, &request, err) : STINT_INVALID;
    json_decref(json);
    if (r != 0)
        return r;
    char *before = job->uses;
    r = write_uses(&request, uses, &job->uses);
    stint_request_deinit(&request);
    if (r == 0) {
        enum stint_reason_code blocked = job->blocked;
        job->is_evaluated = true;
        job->blocked = jobs_block(jobs, job).code;
        r = journal_changed(jobs, job, "job.admitted", &cause, err);
        job->blocked = blocked;
    }
    if (r != 0) {
        if (job->uses != before)
            free(job->uses);
        job->uses = before;
        job->is_evaluated = false;
        return r;
    }
    free(before);
    if (job->array)
        share_uses(jobs, job);
    if (job_is_waiting(job))
        job_reblock(jobs, job);
    jobs->options.pass_wanted(jobs->options.context);
    return 0;
}

int stint_jobs_review(struct stint_jobs *jobs, uint64_t id, struct stint_error *err)
{
    struct job *job = jobs_find(jobs, id);
    struct job_cause cause = { .actor = "admission" };
    if (!job)
        return stint_fail(err, STINT_NOT_FOUND, "job %" PRIu64 " is not live", id);
    if (job->is_evaluated || job->is_in_review)
        return 0;
    enum stint_reason_code blocked = job->blocked;
    job->is_in_review = true;
    job->blocked = jobs_block(jobs, job).code;
    int r = journal_changed(jobs, job, "job.review", &cause, err);
    job->blocked = blocked;
    if (r != 0)
        job->is_in_review = false;
    else if (job_is_waiting(job))
        job_reblock(jobs, job);
    return r;
}

int stint_jobs_refuse(struct stint_jobs *jobs, uint64_t id, enum stint_reason_code code,
                      int64_t decision, const char *why, struct stint_error *err)
{
    struct job *job = jobs_find(jobs, id);
    struct job_cause cause = {
        .actor = "admission", .note = why, .code = code, .outcome = STINT_OUTCOME_REFUSED
    };
    if (!job)
        return stint_fail(err, STINT_NOT_FOUND, "job %" PRIu64 " is not live", id);
    job->decision = decision;
    if (job->array)
        return array_close(jobs, job, JOB_REFUSED, &cause, err);
    struct stint_task_key key = job_task_key(job);
    struct stint_clerk *clerk = job_clerk(jobs, job);
    int r = job_post(jobs, job, JOB_REFUSED, &cause, err);
    if (r == 0)
        (void)stint_clerk_remove(clerk, key);
    return r;
}
