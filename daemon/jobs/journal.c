/* Owns: how the jobs room writes down what happens. One stint_change a step: the event and the rows
 * it explains. */
#include "journal.h"

#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/store.h"

static const char *held_word(const struct job *job)
{
    switch (job->held_by) {
    case STINT_ROLE_USER:
        return "user";
    case STINT_ROLE_OPERATOR:
        return "admin";
    case STINT_ROLE_PUBLIC:
        break;
    }
    return NULL;
}

static const char *gpu_type_word(const struct stint_jobs *jobs, const struct job *job)
{
    return job->gpu_type >= 0 ? job_machine(jobs, job)->types[job->gpu_type] : job->gpu_type_text;
}

static void fill_job(const struct stint_jobs *jobs, const struct job *job,
                     struct stint_job_row *row)
{
    const struct job_array *array = job->array;
    *row = (struct stint_job_row){
        .id = job->id,
        .state = stint_job_state_name(array ? array_state(array) : job->state),
        .reason = job->blocked ? stint_reason_name(job->blocked) : NULL,
        .resource = job_resource_name(jobs, job),
        .project = job->project,
        .uid = job->uid,
        .gid = job->gid,
        .user_name = job->user,
        .name = job->name,
        .priority = job->priority,
        .cpus = job->cpus,
        .gpus = job->gpus,
        .gpu_milli = job->gpu_milli,
        .gpu_type = gpu_type_word(jobs, job),
        .memory_bytes = job->memory_bytes,
        .nodes = job->nodes,
        .walltime_s = job->walltime_s,
        .submit_ms = job->submit_ms,
        .begin_ms = job->begin_ms,
        .start_ms = job->start_ms,
        .held_by = held_word(job),
        .award = job->award,
        .decision = job->decision,
        .uses = job_uses(job),
        .spec = job->spec,
        .script = job->script_sha256,
        .attempts = job->attempt,
        .updated_ms = jobs->options.now_wall_ms(),
    };
    if (array) {
        row->attempts = job->start_ms != 0;
        row->task_count = array->shape->task_count;
        row->exit_code = array->exit_code;
        row->exit_signal = array->exit_signal;
    }
}

static void fill_task(const struct stint_jobs *jobs, const struct job *job,
                      struct stint_task_row *row)
{
    *row = (struct stint_task_row){
        .job = job->id,
        .task = job->task,
        .state = stint_job_state_name(job->state),
        .reason = job->blocked ? stint_reason_name(job->blocked) : NULL,
        .attempts = job->attempt,
        .start_ms = job->start_ms,
        .updated_ms = jobs->options.now_wall_ms(),
    };
}

static void fill_run(const struct stint_jobs *jobs, const struct job *job,
                     struct stint_run_row *row)
{
    *row = (struct stint_run_row){
        .job = job->id,
        .task = job->task,
        .attempt = job->attempt,
        .resource = job_resource_name(jobs, job),
        .node = job->run->node,
        .allocation = job->run->allocation_text,
        .cpus = (int64_t)job->cpus * job->nodes,
        .gpu_milli = (int64_t)job->gpus * job->gpu_milli * job->nodes,
        .memory_bytes = job->memory_bytes * job->nodes,
        .project = job->project,
        .uid = job->uid,
        .award = job->award,
        .hold_micro = job->run->hold_micro,
        .start_ms = job->start_ms,
        .start_boot_ms = job->run->start_boot_ms,
        .boot_id = job->run->boot_id,
        .walltime_s = job->walltime_s,
        .elapsed_ms = job->run->ran_ms,
        .back = !job->is_requeue_wanted ? NULL
                : job->is_preempted     ? "preempt"
                                        : "requeue",
    };
}

/* A run whose program never ran left no status: below 0, and what a shell would say of it. */
static int64_t status_of(const struct stint_run_end *end)
{
    if (!end->start_failed)
        return end->exit_status;
    return end->exit_status ? -(int64_t)end->exit_status : -1;
}

/* When it was over: the supervisor's word where there is one. We may hear of it much later: after a
 * restart, or once a full disk takes writes again. */
static int64_t end_of(const struct job_cause *cause, int64_t now_ms)
{
    return cause->end && cause->end->ended_ms ? cause->end->ended_ms : now_ms;
}

static void fill_end(const struct job_cause *cause, struct stint_run_row *run, int64_t now_ms)
{
    const struct stint_run_end *end = cause->end;
    run->end_ms = end_of(cause, now_ms);
    run->elapsed_ms = (int64_t)end->elapsed_ms;
    run->exit_code = status_of(end);
    run->exit_signal = end->term_signal;
    run->cpu_ms = (int64_t)end->cpu_ms;
    run->peak_memory_bytes = (int64_t)end->peak_memory_bytes;
    run->charged_micro = cause->charged_micro;
    run->outcome = stint_job_outcome_name(cause->outcome);
    run->note = cause->note;
    if (end->started_ms)
        run->start_ms = end->started_ms;
}

static void detail_write(const struct job_cause *cause, struct stint_buffer *detail)
{
    stint_json_object(detail);
    if (cause->code != STINT_REASON_NONE)
        stint_json_kv_text(detail, "reason", stint_reason_name(cause->code));
    if (cause->note)
        stint_json_kv_text(detail, "note", cause->note);
    stint_json_object_end(detail);
}

static int put(struct stint_jobs *jobs, struct stint_change *change, const char *kind,
               const struct job *job, const struct job_cause *cause, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer detail = { 0 };
    change->event = (struct stint_event_row){
        .at_ms = jobs->options.now_wall_ms(),
        .kind = kind,
        .job = job->id,
        .task = job_is_task(job) ? job->task : 0,
        .attempt = job->attempt,
        .actor = cause->actor,
    };
    if (cause->note || cause->code != STINT_REASON_NONE) {
        detail_write(cause, &detail);
        change->event.payload = stint_buffer_text(&detail);
    }
    return stint_store_put_change(jobs->options.store, change, NULL, err);
}

int journal_submitted(struct stint_jobs *jobs, const struct job *job, struct stint_error *err)
{
    struct stint_job_row row;
    struct job_cause cause = { .actor = job->user };
    struct stint_change change = { .job = &row, .job_is_new = true };
    fill_job(jobs, job, &row);
    return put(jobs, &change, "job.submitted", job, &cause, err);
}

/* The array's exit is the highest of its tasks; a signal counts where none left a status. */
static bool is_worse_end(const struct job_array *array, const struct stint_run_end *end)
{
    if (end->exit_status != 0)
        return end->exit_status > array->exit_code;
    return end->term_signal != 0 && array->exit_code == 0 && array->exit_signal == 0;
}

/* The array's row beside its task's: only where the move shows there. */
static bool fill_whole(struct stint_jobs *jobs, const struct job *task, enum stint_job_state next,
                       const struct job_cause *cause, struct stint_job_row *row)
{
    struct job_array *array = task->array;
    enum stint_job_outcome outcome = STINT_OUTCOME_NONE;
    enum stint_job_state state = array_state_after(array, task, next, cause->outcome, &outcome);
    bool is_worse = next == STINT_JOB_DONE && cause->end && is_worse_end(array, cause->end);
    bool is_first = array->whole->start_ms == 0 && task->start_ms != 0;
    int64_t ended_ms = end_of(cause, jobs->options.now_wall_ms());
    if (next == STINT_JOB_DONE && ended_ms > array->ended_ms)
        array->ended_ms = ended_ms;
    if (state == array->told && !is_worse && !is_first)
        return false;
    if (is_first)
        array->whole->start_ms = task->start_ms;
    if (is_worse) {
        array->exit_code = cause->end->exit_status;
        array->exit_signal = cause->end->term_signal;
    }
    array->told = state;
    fill_job(jobs, array->whole, row);
    row->state = stint_job_state_name(state);
    if (state == STINT_JOB_DONE) {
        row->outcome = stint_job_outcome_name(outcome);
        row->reason = NULL;
        row->end_ms = array->ended_ms;
    }
    return true;
}

static int journal_task_moved(struct stint_jobs *jobs, struct job *job, enum job_event event,
                              enum stint_job_state next, const struct job_cause *cause,
                              const struct stint_run_row *run, struct stint_error *err)
{
    struct stint_change change = { .run = run, .run_is_new = event == JOB_GRANTED };
    struct stint_task_row row;
    struct stint_job_row whole;
    char kind[32];
    fill_task(jobs, job, &row);
    row.state = stint_job_state_name(next);
    if (next == STINT_JOB_HELD)
        row.reason =
            stint_reason_name(job->held_by == STINT_ROLE_OPERATOR ? STINT_REASON_HeldByAdmin
                                                                  : STINT_REASON_HeldByUser);
    if (next == STINT_JOB_DONE) {
        row.outcome = stint_job_outcome_name(cause->outcome);
        row.reason = cause->code ? stint_reason_name(cause->code) : NULL;
        row.end_ms = end_of(cause, jobs->options.now_wall_ms());
        if (cause->outcome == STINT_OUTCOME_REFUSED)
            row.start_ms = 0; /* it was granted, and nothing of it ran */
    }
    change.task = &row;
    change.task_is_new = !job->is_stored;
    struct job_array before = *job->array;
    int64_t start_ms = before.whole->start_ms;
    if (fill_whole(jobs, job, next, cause, &whole))
        change.job = &whole;
    (void)snprintf(kind, sizeof(kind), "job.%s", job_event_name(event));
    int r = put(jobs, &change, kind, job, cause, err);
    if (r == 0)
        job->is_stored = true;
    else {
        *job->array = before;
        before.whole->start_ms = start_ms;
    }
    return r;
}

/* @job as it will be: for an array, what the tasks that wait together come to with the others. */
static void fill_moved(struct stint_jobs *jobs, struct job *job, enum stint_job_state next,
                       struct stint_job_row *row)
{
    enum stint_job_state before = job->state;
    if (job_is_whole(job))
        job->state = next;
    fill_job(jobs, job, row);
    if (job_is_whole(job))
        job->array->told = array_state(job->array);
    job->state = before;
    if (!job->array || next == STINT_JOB_DONE)
        row->state = stint_job_state_name(next);
}

int journal_moved(struct stint_jobs *jobs, struct job *job, enum job_event event,
                  enum stint_job_state next, const struct job_cause *cause, struct stint_error *err)
{
    struct stint_job_row row;
    struct stint_run_row run;
    struct stint_change change = { 0 };
    char kind[32];
    if (job_holds(job) || event == JOB_GRANTED) {
        fill_run(jobs, job, &run);
        run.state = stint_job_state_name(next);
        change.run = &run;
        change.run_is_new = event == JOB_GRANTED;
        if (cause->end) {
            fill_end(cause, &run, jobs->options.now_wall_ms());
            run.state = stint_job_state_name(STINT_JOB_DONE);
        }
    }
    if (job_is_task(job))
        return journal_task_moved(jobs, job, event, next, cause, change.run, err);
    change.job = &row;
    fill_moved(jobs, job, next, &row);
    if (cause->end) {
        row.exit_code = status_of(cause->end);
        row.exit_signal = cause->end->term_signal;
    }
    if (next == STINT_JOB_DONE) {
        row.outcome = stint_job_outcome_name(cause->outcome);
        row.reason = cause->code ? stint_reason_name(cause->code) : NULL;
        row.end_ms = end_of(cause, jobs->options.now_wall_ms());
        if (cause->outcome == STINT_OUTCOME_REFUSED)
            row.start_ms = 0; /* it was granted, and nothing of it ran */
    }
    (void)snprintf(kind, sizeof(kind), "job.%s", job_event_name(event));
    return put(jobs, &change, kind, job, cause, err);
}

int journal_changed(struct stint_jobs *jobs, struct job *job, const char *kind,
                    const struct job_cause *cause, struct stint_error *err)
{
    struct stint_job_row row;
    struct stint_task_row task;
    struct stint_change change = { 0 };
    if (job_is_task(job)) {
        fill_task(jobs, job, &task);
        change.task = &task;
        change.task_is_new = !job->is_stored;
    } else {
        fill_job(jobs, job, &row);
        change.job = &row;
        if (job->array)
            job->array->told = array_state(job->array);
    }
    int r = put(jobs, &change, kind, job, cause, err);
    if (r == 0)
        job->is_stored = true;
    return r;
}
