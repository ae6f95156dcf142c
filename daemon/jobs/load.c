/* Owns: the way back from the store into memory, at the start and after a failed commit, and the
 * re-adoption of runs (invariant 5): a run that goes on is taken up, one that ended meanwhile is
 * reported, one that never began is sent again. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "job.h"
#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/log.h"
#include "stint/store.h"
#include "stint/store_reader.h"

struct load {
    struct stint_jobs *jobs;
    struct stint_error *err;
    int result;
};

int stint_jobs_new(const struct stint_jobs_options *options, struct stint_jobs **ret_jobs,
                   struct stint_error *err)
{
    struct stint_jobs *jobs = calloc(1, sizeof(*jobs));
    if (!jobs)
        return stint_fail(err, -ENOMEM, "no memory for the table of jobs");
    jobs->options = *options;
    jobs->clock_offset_ms = options->now_wall_ms() - options->now_boot_ms();
    *ret_jobs = jobs;
    return 0;
}

void stint_jobs_reconfigure(struct stint_jobs *jobs, int64_t grace_ms, int64_t process_limit)
{
    jobs->options.grace_ms = grace_ms;
    jobs->options.process_limit = process_limit;
}

/* Tasks before the arrays whose texts they borrow. */
static void drop_all(struct stint_jobs *jobs)
{
    struct job *job;
    struct job *next;
    HASH_ITER(hh, jobs->table, job, next)
    {
        if (job_is_task(job))
            job_drop(jobs, job);
    }
    HASH_ITER(hh, jobs->table, job, next)
    {
        job_drop(jobs, job);
    }
}

/* Everything out of memory and out of the scheduler, as if nothing had been submitted. */
static void clear(struct stint_jobs *jobs)
{
    struct job *job;
    struct job *next;
    HASH_ITER(hh, jobs->table, job, next)
    {
        if (job_holds(job))
            run_core_undo(jobs, job);
        else
            (void)stint_clerk_remove(job_clerk(jobs, job), job_task_key(job));
    }
    drop_all(jobs);
    memset(jobs->ended, 0, sizeof(jobs->ended)); /* some may not have become durable */
    jobs->has_unsent = false;
}

struct stint_jobs *stint_jobs_free(struct stint_jobs *jobs)
{
    if (!jobs)
        return NULL;
    drop_all(jobs);
    stint_buffer_deinit(&jobs->view_text);
    stint_buffer_deinit(&jobs->spec_text);
    jobs_users_free(jobs);
    for (uint32_t i = 0; i < jobs->gone_count; i++)
        free(jobs->gone[i]);
    free(jobs->expected);
    free(jobs);
    return NULL;
}

/* A job whose uses carry no digests was let in before its verdicts were known. */
static bool has_verdicts(const char *uses)
{
    json_t *list = json_loads(uses, JSON_REJECT_DUPLICATES, NULL);
    bool is_known = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++)
        is_known =
            is_known && json_string_value(json_object_get(json_array_get(list, i), "digest"));
    json_decref(list);
    return is_known;
}

static int fill_from_request(struct stint_jobs *jobs, const char *spec, struct job *job,
                             struct stint_error *err)
{
    struct stint_request request;
    json_t *json = json_loads(spec, JSON_REJECT_DUPLICATES, NULL);
    int r = json ? stint_request_parse_stored(json, &request, err)
                 : stint_fail(err, STINT_INVALID, "not JSON");
    json_decref(json);
    if (r != 0)
        return r;
    r = job_keep_texts(job, spec, request.name);
    if (r == 0)
        r = job_fill(jobs, &request, job, err);
    if (r == 0 && request.award)
        job->asked_award = stint_ledger_award_id(jobs->options.ledger, request.award);
    stint_request_deinit(&request);
    return r;
}

/* What its row says of the tasks that have none: whether they are held, or ended with the whole. */
static void array_from_row(const struct stint_job_row *row, struct job *whole)
{
    struct job_array *array = whole->array;
    array->told = whole->state;
    array->exit_code = (int32_t)row->exit_code;
    array->exit_signal = (int32_t)row->exit_signal;
    if (whole->state == STINT_JOB_ENDING)
        array->closing = STINT_OUTCOME_CANCELLED;
    whole->state = row->held_by ? STINT_JOB_HELD : STINT_JOB_PENDING;
    whole->attempt = 0;
}

static int job_from_row(struct stint_jobs *jobs, const struct stint_job_row *row,
                        struct job **ret_job, struct stint_error *err)
{
    stint_auto(job_free) struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->id = row->id;
    bool has_uses = row->uses && strcmp(row->uses, "[]") != 0;
    job->uses = has_uses ? strdup(row->uses) : NULL;
    job->user = jobs_user(jobs, row->user_name ? row->user_name : "");
    job->script_sha256 = row->script ? strdup(row->script) : NULL;
    if ((has_uses && !job->uses) || (row->script && !job->script_sha256) || !job->user)
        return -ENOMEM;
    int r = job_place(jobs, job, row->resource);
    if (r == 0)
        r = fill_from_request(jobs, row->spec, job, err);
    if (r != 0)
        return r;
    job->state = stint_job_state_from_name(row->state);
    job->is_stored = true;
    job->uid = row->uid;
    job->gid = row->gid;
    job->project = row->project;
    job->award = row->award;
    job->decision = row->decision;
    job->priority = (int8_t)row->priority;
    job->submit_ms = row->submit_ms;
    job->start_ms = row->start_ms;
    job->walltime_s = row->walltime_s;
    job->memory_bytes = row->memory_bytes;
    job->attempt = (uint32_t)row->attempts;
    job->is_evaluated = !has_uses || has_verdicts(job->uses);
    if (row->held_by)
        job->held_by = strcmp(row->held_by, "admin") == 0 ? STINT_ROLE_OPERATOR : STINT_ROLE_USER;
    if (job->array)
        array_from_row(row, job);
    *ret_job = stint_take(job);
    return 0;
}

static bool load_job(void *context, const struct stint_job_row *row)
{
    struct load *load = context;
    struct job *job;
    load->result = job_from_row(load->jobs, row, &job, load->err);
    if (load->result != 0) {
        char why[sizeof(load->err->text)];
        (void)snprintf(why, sizeof(why), "%s", load->err->text);
        (void)stint_fail(load->err, load->result,
                         "job %" PRIu64 " of the store does not read back: %.300s", row->id, why);
        return false;
    }
    job_add(load->jobs, job);
    if (job->array)
        load->result = array_open(load->jobs, job);
    return load->result == 0;
}

/* A held task has no column of its own for who holds it: the reason in its row tells. */
static enum stint_role task_held_by(const struct stint_task_row *row)
{
    bool is_admin = row->reason && strcmp(row->reason, "HeldByAdmin") == 0;
    return is_admin ? STINT_ROLE_OPERATOR : STINT_ROLE_USER;
}

/* A task that once had a record has a row: it lives by itself, or has ended. */
static bool load_task(void *context, const struct stint_task_row *row)
{
    struct load *load = context;
    struct job *whole = jobs_find(load->jobs, row->job);
    enum stint_job_state state = stint_job_state_from_name(row->state);
    if (!whole || !whole->array || !stint_tasks_has(whole->array->waiting, row->task)) {
        load->result = stint_fail(load->err, STINT_UNTRUSTED,
                                  "task %" PRIu64 "_%" PRIu32 " of the store has no array",
                                  row->job, row->task);
        return false;
    }
    if (state == STINT_JOB_DONE) {
        load->jobs->counts[whole->state]--;
        (void)stint_tasks_take(whole->array->waiting, row->task);
        array_note_end(whole->array, row->task, stint_job_outcome_from_name(row->outcome));
        return true;
    }
    struct job *job = array_split(load->jobs, whole, row->task);
    if (!job) {
        load->result = -ENOMEM;
        return false;
    }
    job->is_stored = true;
    job->attempt = (uint32_t)row->attempts;
    job->start_ms = row->start_ms;
    job_set_state(load->jobs, job, state);
    if (state != STINT_JOB_HELD)
        job->held_by = STINT_ROLE_PUBLIC;
    else if (job->held_by == STINT_ROLE_PUBLIC)
        job->held_by = task_held_by(row);
    return true;
}

/* Of an array that was cancelled as a whole, what never began has ended with it. */
static void close_array(struct stint_jobs *jobs, struct job *whole)
{
    struct job_array *array = whole->array;
    if (array->closing == STINT_OUTCOME_NONE)
        return;
    array->ended[array->closing] += array->waiting->count;
    jobs->counts[whole->state] -= array->waiting->count;
    for (uint32_t task; (task = stint_tasks_first(array->waiting)) != STINT_TASK_WHOLE;)
        (void)stint_tasks_take(array->waiting, task);
}

/* Everybody is in the table: who waits for whom is looked up, and who waits joins the queue. */
static int load_queue(struct stint_jobs *jobs, struct stint_error *err)
{
    int r = 0;
    for (struct job *job = jobs->table; job && r == 0; job = job->hh.next) {
        if (job_is_whole(job))
            close_array(jobs, job);
        if (!job_is_task(job))
            r = job_resolve_after(jobs, job, err);
    }
    for (struct job *job = jobs->table; job && r == 0; job = job->hh.next) {
        if (!job_is_waiting(job))
            continue;
        stint_ledger_job_queued(jobs->options.ledger, job->project, job->uid, (int)job_width(job));
        r = job_is_whole(job) ? 0 : preempt_load(jobs, job);
        if (r == 0)
            r = job_enqueue(jobs, job, err);
    }
    return r;
}

/* The machine was divided otherwise while it ran: it goes on and is paid as it began, and whoever
 * has its cores and GPUs now gets them when it ends. */
static int hold_spread(struct stint_jobs *jobs, struct job *job, const struct stint_ask *ask,
                       int64_t started_ms, int64_t ends_ms, struct stint_error *err)
{
    char label[JOB_NAME_MAX];
    int r = run_adopt_spread(jobs, job, ask, started_ms, ends_ms, err);
    if (r == STINT_NOT_FOUND)
        return stint_fail(err, r, "no resource has what it holds: %.200s",
                          job->run->allocation_text);
    if (r == 0)
        stint_log(STINT_LOG_WARNING, "allocation-kept",
                  "job=%s resource=%s cause=\"the resources were divided otherwise while it ran; "
                  "what it holds is free when it ends\"",
                  job_label(job, label), job_resource_name(jobs, job));
    return r;
}

static int hold_again(struct stint_jobs *jobs, struct job *job, const struct stint_run_row *row,
                      struct stint_error *err)
{
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    struct stint_ask ask;
    if (job_run_open(job) != 0)
        return -ENOMEM;
    job->run->allocation_text = strdup(row->allocation ? row->allocation : "");
    if (!job->run->allocation_text)
        return -ENOMEM;
    job->award = row->award;
    job->run->hold_micro = row->hold_micro;
    job->start_ms = row->start_ms;
    job->run->start_boot_ms = row->start_boot_ms;
    job->run->ran_ms = job->state == STINT_JOB_SUSPENDED ? row->elapsed_ms : 0;
    int64_t ends_ms = job->state == STINT_JOB_SUSPENDED
                          ? JOB_ENDS_NEVER_MS
                          : row->start_boot_ms + row->walltime_s * 1000;
    job->is_requeue_wanted = row->back != NULL;
    job->is_preempted = row->back && strcmp(row->back, "preempt") == 0;
    if (job->is_preempted && job->preemptible == STINT_PREEMPTIBLE_CHECKPOINT)
        job->run->stop_ms = 1; /* the signal may have been sent */
    if (job->state != STINT_JOB_SUSPENDED)
        job->run->ends_by_ms = ends_ms + jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    if (job_set_text(&job->run->boot_id, row->boot_id ? row->boot_id : "") != 0 ||
        job_set_text(&job->run->node, row->node ? row->node : "") != 0)
        return -ENOMEM;
    int r = preempt_load(jobs, job);
    if (r != 0)
        return r;
    jobs_ask_of(jobs, job, &ask);
    r = job_is_homeless(jobs, job)
            ? STINT_INVALID
            : stint_allocation_parse(job_machine(jobs, job), job->run->allocation_text, &allocation,
                                     err);
    if (r == STINT_INVALID)
        return hold_spread(jobs, job, &ask, row->start_boot_ms, ends_ms, err);
    return r != 0 ? r
                  : stint_clerk_adopt(job_clerk(jobs, job), &ask, allocation, row->start_boot_ms,
                                      ends_ms, err);
}

static void report_lost(struct stint_jobs *jobs, struct job *job)
{
    struct stint_run_end end = { .key = job_run_key(job), .lost = true };
    (void)snprintf(end.text, sizeof(end.text), "nothing is left of its run");
    job->run->late_end = malloc(sizeof(end));
    if (job->run->late_end)
        *job->run->late_end = end;
    jobs->has_unsent = true;
}

static int adopt(struct stint_jobs *jobs, struct job *job, struct stint_error *err)
{
    int r = stint_engine_adopt(jobs->options.engine, job_run_key(job), err);
    if (r == 0 || r == STINT_CONFLICT) {
        job->is_launch_sent = true;
        return 0;
    }
    if (r != STINT_NOT_FOUND)
        return r;
    /* Sent before this boot it may have run: its folder need not have reached the disk. */
    bool is_this_boot = strcmp(job->run->boot_id, jobs->options.boot_id) == 0;
    if (is_this_boot && (job->state == STINT_JOB_STARTING ||
                         (job->state == STINT_JOB_ENDING && job->run->start_boot_ms == 0))) {
        job->is_unsent = true;
        jobs->has_unsent = true;
    } else {
        report_lost(jobs, job);
    }
    return 0;
}

static bool load_run(void *context, const struct stint_run_row *row)
{
    struct load *load = context;
    char label[JOB_NAME_MAX];
    struct job *job = jobs_find_task(load->jobs, row->job, row->task);
    if (!job || job->attempt != row->attempt || !job_holds(job)) {
        load->result = stint_fail(load->err, STINT_UNTRUSTED,
                                  "run %" PRIu64 "_%" PRIu32 ".%" PRIu32 " is open without its job",
                                  row->job, row->task, row->attempt);
        return false;
    }
    load->result = hold_again(load->jobs, job, row, load->err);
    if (load->result != 0 && load->result != -ENOMEM) {
        /* The machine changed under a running job: it goes on, and its place is not counted. */
        stint_log(STINT_LOG_WARNING, "allocation-lost", "job=%s cause=\"%s\"",
                  job_label(job, label), load->err->text);
        load->result = 0;
    }
    if (load->result == 0)
        load->result = adopt(load->jobs, job, load->err);
    if (load->result == 0 && job->state == STINT_JOB_ENDING && job->is_launch_sent) {
        if (job->is_preempted)
            preempt_stop(load->jobs, job);
        else
            (void)stint_engine_cancel(load->jobs->options.engine, job_run_key(job), NULL);
    }
    return load->result == 0;
}

/* Folders of runs that ended durably, whose removal the last daemon did not live to see. */
static void forget_ended(struct stint_jobs *jobs)
{
    struct stint_run_key *keys = NULL;
    size_t count = 0;
    if (stint_engine_list(jobs->options.engine, &keys, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs_find_task(jobs, keys[i].job, keys[i].task);
        if (!job || job->attempt != keys[i].attempt || !job_holds(job))
            (void)stint_engine_forget(jobs->options.engine, keys[i]);
    }
    free(keys);
}

int stint_jobs_load(struct stint_jobs *jobs, struct stint_error *err)
{
    struct load load = { .jobs = jobs, .err = err };
    struct stint_reader *reader = stint_store_reader(jobs->options.store);
    clear(jobs);
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        (void)stint_clerk_set_clock(jobs->options.resources->list[i].clerk, jobs->clock_offset_ms);
    int r = jobs_transcript_load(jobs);
    if (r == 0)
        r = estimates_load_past(jobs);
    if (r == 0)
        r = stint_reader_each_live_job(reader, load_job, &load);
    if (r == 0 && load.result == 0)
        r = stint_reader_each_live_task(reader, load_task, &load);
    if (r == 0 && load.result == 0)
        load.result = load_queue(jobs, err);
    if (r == 0 && load.result == 0)
        r = stint_reader_each_open_run(reader, load_run, &load);
    if (r == 0 && load.result == 0)
        r = estimates_load(jobs);
    if (r == 0 && load.result == 0)
        r = waits_load(jobs);
    if (r == 0)
        r = load.result;
    if (r != 0)
        return r > 0 ? r : stint_fail(err, r, "the live jobs could not be read from the store");
    stint_ledger_runs_adopted(jobs->options.ledger);
    forget_ended(jobs);
    jobs->ledger_generation = stint_ledger_generation(jobs->options.ledger);
    jobs->options.pass_wanted(jobs->options.context);
    return 0;
}
