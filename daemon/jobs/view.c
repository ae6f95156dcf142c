/* Owns: live jobs as others see them. A view borrows; it is good until the next call into jobs. */
#include <inttypes.h>
#include <stdlib.h>

#include "job.h"
#include "stint/ledger.h"

static int64_t to_wall(const struct stint_jobs *jobs, int64_t boot_ms)
{
    return boot_ms + jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
}

/* A promise beyond this is none: something stands in the way that nobody can date (a suspended
 * run).
 */
#define UNTIL_MAX_MS (INT64_C(5) * 366 * 86400 * 1000)

void job_view_waiting(struct stint_jobs *jobs, const struct job *job, struct stint_job_view *view)
{
    struct stint_task_key key = job_task_key(job);
    view->reason = stint_scheduler_reason(job_core(jobs, job), key);
    if (view->reason.code == STINT_REASON_BeforeBeginTime)
        view->reason.until_ms = job->begin_ms;
    else if (view->reason.until_ms != 0 && !is_ledger_reason(view->reason.code))
        view->reason.until_ms = view->reason.until_ms - jobs->options.now_boot_ms() < UNTIL_MAX_MS
                                    ? to_wall(jobs, view->reason.until_ms)
                                    : 0;
    job_expect(jobs, job, view);
}

/* The short form of a stored allocation. */
static void without_memory(const char *text, struct stint_buffer *buffer)
{
    for (const char *at = text; *at;) {
        const char *memory = strstr(at, "/memory[");
        const char *end = memory ? strchr(memory, ']') : NULL;
        stint_buffer_add(buffer, at, memory ? (size_t)(memory - at) : strlen(at));
        at = end ? end + 1 : "";
    }
}

static void view_holding(struct stint_jobs *jobs, const struct job *job,
                         struct stint_job_view *view)
{
    const struct stint_allocation *held =
        job->run->is_spread ? NULL
                            : stint_scheduler_allocation(job_core(jobs, job), job_task_key(job));
    view->start_ms = job->start_ms;
    view->ends_by_ms = job->run->ends_by_ms;
    stint_buffer_clear(&jobs->view_text);
    if (job->run->is_spread) {
        without_memory(job->run->allocation_text, &jobs->view_text);
        view->allocation = stint_buffer_text(&jobs->view_text);
    }
    if (!held || held->grant_count == 0)
        return;
    stint_allocation_format(job_machine(jobs, job), held, &jobs->view_text);
    view->allocation = stint_buffer_text(&jobs->view_text);
    view->held = held;
}

static void view_array(struct stint_jobs *jobs, const struct job *whole,
                       struct stint_job_view *view)
{
    const struct job_array *array = whole->array;
    struct stint_array_view *counts = &jobs->view_counts;
    *counts = (struct stint_array_view){ .task_count = array->shape->task_count,
                                         .running_max = array->shape->running_max };
    memcpy(counts->live, array->live, sizeof(counts->live));
    memcpy(counts->ended, array->ended, sizeof(counts->ended));
    counts->live[whole->state] += array->waiting->count;
    view->array = counts;
    view->start_ms = whole->start_ms;
    view->attempt = whole->start_ms != 0;
}

/* Of an array none of whose tasks wait together: the first that waits by itself (somebody holds
 * it), NULL for none. */
static const struct job *first_waiting(struct stint_jobs *jobs, const struct job *whole)
{
    struct job *task = NULL;
    if (whole->array->live[STINT_JOB_PENDING] + whole->array->live[STINT_JOB_HELD] == 0)
        return NULL; /* the walk is over all live jobs */
    while ((task = array_next(jobs, whole->array, task)))
        if (job_is_waiting(task))
            return task;
    return NULL;
}

static void view_fill(struct stint_jobs *jobs, const struct job *job, struct stint_job_view *view)
{
    *view = (struct stint_job_view){
        .id = job->id,
        .task = job->task,
        .is_task = job_is_task(job),
        .state = job_is_whole(job) ? array_state(job->array) : job->state,
        .name = job->name,
        .resource = job_resource_name(jobs, job),
        .resource_number = job_resource_number(jobs, job),
        .project = stint_ledger_project_name(jobs->options.ledger, job->project),
        .uid = job->uid,
        .gid = job->gid,
        .user = job->user,
        .project_id = job->project,
        .award = job->award,
        .priority = job->priority,
        .cpus = job->cpus,
        .gpus = job->gpus,
        .gpu_milli = job->gpu_milli,
        .gpu_type =
            job->gpu_type >= 0 ? job_machine(jobs, job)->types[job->gpu_type] : job->gpu_type_text,
        .memory_bytes = job->memory_bytes,
        .nodes = job->nodes,
        .walltime_s = job->walltime_s,
        .submit_ms = job->submit_ms,
        .begin_ms = job->begin_ms,
        .attempt = job->attempt,
        .spec = job->spec,
        .uses = job_uses(job),
        .decision = job->decision,
    };
    if (job_is_whole(job))
        view_array(jobs, job, view);
    const struct job *waiting = job;
    if (!job_is_waiting(job))
        waiting = job_is_whole(job) ? first_waiting(jobs, job) : NULL;
    if (waiting)
        job_view_waiting(jobs, waiting, view);
    else if (!job_is_whole(job))
        view_holding(jobs, job, view);
}

int stint_jobs_view(struct stint_jobs *jobs, uint64_t id, struct stint_job_view *ret_view)
{
    struct job *job = jobs_find(jobs, id);
    if (!job)
        return STINT_NOT_FOUND;
    view_fill(jobs, job, ret_view);
    return 0;
}

/* A task that waits with the others is told as they are. */
int stint_jobs_view_task(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                         struct stint_job_view *ret_view)
{
    struct job *whole = jobs_find(jobs, id);
    struct job *job = jobs_find_task(jobs, id, task);
    if (!whole || (!job && !(whole->array && stint_tasks_has(whole->array->waiting, task))))
        return STINT_NOT_FOUND;
    view_fill(jobs, job ? job : whole, ret_view);
    if (job)
        return 0;
    ret_view->task = task;
    ret_view->is_task = true;
    ret_view->state = whole->state;
    ret_view->start_ms = 0;
    ret_view->attempt = 0;
    ret_view->array = NULL;
    return 0;
}

void stint_jobs_each_task(struct stint_jobs *jobs, uint64_t id,
                          bool (*fn)(void *context, const struct stint_job_view *view),
                          void *context)
{
    struct job *whole = jobs_find(jobs, id);
    struct stint_job_view view;
    if (!whole || !whole->array)
        return;
    for (struct job *job = NULL; (job = array_next(jobs, whole->array, job));) {
        view_fill(jobs, job, &view);
        if (!fn(context, &view))
            return;
    }
}

struct each {
    struct stint_jobs *jobs;
    bool (*fn)(void *context, const struct stint_job_view *view);
    void *context;
    bool is_over; /* @fn wants no more */
};

size_t stint_jobs_failed_tasks(struct stint_jobs *jobs, uint64_t id, uint32_t *tasks, size_t max)
{
    const struct job *whole = jobs_find(jobs, id);
    size_t count = 0;
    if (!whole || !whole->array || array_outcome(whole->array) == STINT_OUTCOME_COMPLETED)
        return 0;
    for (uint32_t at = 0; at < whole->array->shape->task_count && count < max; at++) {
        uint32_t task = stint_array_task(whole->array->shape, at);
        if (array_ended(whole->array, task) == STINT_OUTCOME_FAILED &&
            !jobs_find_task(jobs, id, task))
            tasks[count++] = task;
    }
    return count;
}

static bool is_told_as_holder(const struct job *job)
{
    return job_is_whole(job)
               ? array_state(job->array) >= STINT_JOB_STARTING || job->array->waiting->count == 0
               : job_holds(job);
}

static bool each_waiting(void *context, const struct stint_ask *ask)
{
    struct each *each = context;
    struct stint_job_view view;
    struct job *job = jobs_find_task(each->jobs, ask->key.job, ask->key.task);
    if (!job || is_told_as_holder(job))
        return true;
    view_fill(each->jobs, job, &view);
    each->is_over = !each->fn(each->context, &view);
    return !each->is_over;
}

void stint_jobs_each(struct stint_jobs *jobs,
                     bool (*fn)(void *context, const struct stint_job_view *view), void *context)
{
    struct each each = { jobs, fn, context, false };
    struct stint_job_view view;
    for (struct job *job = jobs->table; job; job = job->hh.next) {
        if (!is_told_as_holder(job))
            continue;
        view_fill(jobs, job, &view);
        if (!fn(context, &view))
            return;
    }
    for (uint32_t i = 0; i < jobs->options.resources->count && !each.is_over; i++)
        (void)stint_scheduler_each(stint_clerk_scheduler(jobs->options.resources->list[i].clerk),
                                   jobs->options.now_boot_ms(), each_waiting, &each);
}

/* NULL when nothing of it waits. */
static const struct job *find_waiting(struct stint_jobs *jobs, uint64_t id, uint32_t task)
{
    const struct job *job = task == STINT_TASK_WHOLE ? NULL : jobs_find_task(jobs, id, task);
    if (!job)
        job = jobs_find(jobs, id);
    if (job && job_is_whole(job) && !job_is_waiting(job))
        job = first_waiting(jobs, job);
    return job && job_is_waiting(job) ? job : NULL;
}

int stint_jobs_turn(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                    struct stint_turn *ret_turn)
{
    const struct job *job = find_waiting(jobs, id, task);
    if (!job)
        return STINT_NOT_FOUND;
    return stint_scheduler_turn(job_core(jobs, job), job_task_key(job), ret_turn);
}

size_t stint_jobs_improve(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                          struct stint_option options[STINT_OPTIONS_MAX])
{
    const struct job *job = find_waiting(jobs, id, task);
    return job ? job_improve(jobs, job, options) : 0;
}

/* The scheduler was told the first block alone: the others follow it. */
static size_t add_blocks(struct stint_jobs *jobs, const struct job *job,
                         struct stint_reason *reasons, size_t count, size_t max)
{
    struct stint_reason blocks[JOB_BLOCKS_MAX];
    size_t block_count = jobs_blocks(jobs, job, blocks);
    for (size_t i = 1; i < block_count && count < max; i++)
        reasons[count++] = blocks[i];
    return count;
}

size_t stint_jobs_blockers(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                           struct stint_reason *reasons, size_t max)
{
    const struct job *job = find_waiting(jobs, id, task);
    if (!job)
        return 0;
    size_t count = stint_scheduler_blockers(job_core(jobs, job), job_task_key(job), reasons, max);
    count = add_blocks(jobs, job, reasons, count, max);
    for (size_t i = 0; i < count; i++)
        if (reasons[i].code == STINT_REASON_BeforeBeginTime)
            reasons[i].until_ms = job->begin_ms;
        else if (reasons[i].until_ms != 0 &&
                 !is_ledger_reason(reasons[i].code)) /* the ledger knows the wall clock */
            reasons[i].until_ms = to_wall(jobs, reasons[i].until_ms);
    return count;
}

void stint_jobs_count(const struct stint_jobs *jobs, uint64_t counts[STINT_JOB_STATE_COUNT])
{
    memcpy(counts, jobs->counts, sizeof(jobs->counts));
}
