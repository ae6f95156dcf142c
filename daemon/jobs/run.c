/* Owns: a run, from the grant that became durable to the end that became durable. Nothing here
 * starts, signals or forgets anything before its batch is on disk (invariants 1 and 5). A callback
 * that finds another attempt than its own does nothing: the job went on without it. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "job.h"
#include "journal.h"
#include "launch.h"
#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/log.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define START_TAKES_MAX_MS 60000

/* What waits for durability or for an answer: a run by its key, never by a pointer to its job. */
struct run_step {
    struct stint_jobs *jobs;
    struct stint_run_key key;
    enum stint_job_verb verb;
    char *script;
    size_t script_length;
    char sha256[80];
};

static struct run_step *step_new(struct stint_jobs *jobs, struct stint_run_key key)
{
    struct run_step *step = calloc(1, sizeof(*step));
    if (step) {
        step->jobs = jobs;
        step->key = key;
    }
    return step;
}

static void step_free(struct run_step *step)
{
    free(step->script);
    free(step);
}

/* The job, if it is still in this attempt and holds a run. */
static struct job *step_job(const struct run_step *step)
{
    struct job *job = jobs_find_task(step->jobs, step->key.job, step->key.task);
    return job && job->attempt == step->key.attempt && job_holds(job) ? job : NULL;
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------------------
 */

static enum stint_job_outcome outcome_of(const struct stint_jobs *jobs, const struct job *job,
                                         const struct stint_run_end *end)
{
    if (end->lost)
        return strcmp(job->run->boot_id, jobs->options.boot_id) == 0 ? STINT_OUTCOME_LOST
                                                                     : STINT_OUTCOME_NODE_FAILED;
    if (end->cancelled)
        return STINT_OUTCOME_CANCELLED;
    if (end->start_failed)
        return STINT_OUTCOME_FAILED;
    if (end->timed_out)
        return STINT_OUTCOME_TIMEOUT;
    if (end->exit_status == 0 && end->term_signal == 0)
        return STINT_OUTCOME_COMPLETED;
    return end->oom_killed ? STINT_OUTCOME_OUT_OF_MEMORY : STINT_OUTCOME_FAILED;
}

static bool comes_back(const struct job *job, enum stint_job_outcome outcome)
{
    if (job->array && job->array->closing != STINT_OUTCOME_NONE)
        return false; /* it was cancelled as a whole */
    if (job->is_requeue_wanted)
        return !job->is_preempted || preempt_comes_back(job, outcome);
    bool is_our_fault = outcome == STINT_OUTCOME_LOST || outcome == STINT_OUTCOME_NODE_FAILED;
    return is_our_fault && job->may_requeue;
}

static void requeue(struct stint_jobs *jobs, struct job *job)
{
    struct stint_error err = { 0 };
    char label[JOB_NAME_MAX];
    job->is_requeue_wanted = false;
    job->is_preempted = false;
    job->is_stop_wanted = false;
    job->start_ms = 0;
    int r = job_enqueue(jobs, job, &err);
    if (r != 0)
        stint_log(STINT_LOG_ERROR, "queue-lost", "job=%s cause=\"%s\"", job_label(job, label),
                  err.text);
}

/* A store that cannot take the end now (full batch, read-only): the end is kept, and tried again by
 * the next pass. */
static bool run_close_later(struct stint_jobs *jobs, struct job *job,
                            const struct stint_run_end *end)
{
    int r = stint_store_ready(jobs->options.store, NULL);
    assert(job->run);
    if (r == 0)
        return false;
    if (!job->run->late_end && (job->run->late_end = malloc(sizeof(*end))))
        *job->run->late_end = *end;
    jobs->has_unsent = true;
    if (r == STINT_BUSY)
        jobs->options.pass_wanted(jobs->options.context);
    return true;
}

/* For fair share, the run used what its row in the store says, so that a restart, which reads that
 * row, finds everybody where he was. */
static void count_use(const struct stint_jobs *jobs, const struct job *job,
                      const struct stint_run_end *end)
{
    int64_t now_ms = jobs->options.now_wall_ms();
    int64_t offset_ms = jobs->options.now_boot_ms() - now_ms;
    int64_t from_ms = end->started_ms ? end->started_ms : job->start_ms;
    int64_t until_ms = end->ended_ms ? end->ended_ms : now_ms;
    if (end->elapsed_ms == 0)
        until_ms = from_ms;
    (void)stint_clerk_count_use(job_clerk(jobs, job), job_task_key(job), from_ms + offset_ms,
                                until_ms + offset_ms);
}

/* From the grant to the first instruction. The scheduler counts service from the grant; what was
 * stopped at a level must not come back below it, before the job that room was made for. A clock
 * that stepped in between says nothing. */
static uint64_t start_took_ms(const struct job *job, const struct stint_run_end *end)
{
    int64_t took_ms = end->started_ms - job->start_ms;
    return end->started_ms != 0 && took_ms > 0 && took_ms < START_TAKES_MAX_MS ? (uint64_t)took_ms
                                                                               : 0;
}

/* What a run took of its limit is learnt from for estimates, unless somebody or something cut it
 * short: that tells nothing of the next one. */
static void end_in_plan(struct stint_jobs *jobs, struct job *job, enum stint_job_outcome outcome)
{
    struct stint_clerk *clerk = job_clerk(jobs, job);
    uint32_t user = jobs_user_number(jobs, job->project, job->uid);
    uint32_t before = stint_scheduler_ratio(stint_clerk_scheduler(clerk), user);
    bool is_whole = outcome == STINT_OUTCOME_COMPLETED || outcome == STINT_OUTCOME_FAILED ||
                    outcome == STINT_OUTCOME_TIMEOUT || outcome == STINT_OUTCOME_OUT_OF_MEMORY;
    run_core_end(jobs, job);
    if (!is_whole && user != UINT32_MAX)
        (void)stint_clerk_set_ratio(clerk, user, before);
}

static void run_close(struct stint_jobs *jobs, struct job *job, const struct stint_run_end *end,
                      enum stint_job_outcome outcome, enum stint_reason_code code, const char *note)
{
    struct stint_error err = { 0 };
    struct stint_ledger_run ledger_run;
    struct stint_run_key key = job_run_key(job);
    char name[STINT_RUN_KEY_TEXT];
    struct job_cause cause = {
        .actor = "engine", .note = note, .outcome = outcome, .code = code, .end = end
    };
    bool is_back = comes_back(job, outcome);
    int64_t held_ms =
        end->lost || end->start_failed ? 0 : (int64_t)(end->elapsed_ms + end->suspended_ms);
    if (run_close_later(jobs, job, end))
        return;
    job_ledger_run(jobs, job, &ledger_run);
    count_use(jobs, job, end);
    preempt_attain(job, end->elapsed_ms + start_took_ms(job, end));
    if (is_back && job->is_preempted && !note)
        cause.note = "stopped to make room for another job";
    if (!is_back)
        job->is_requeue_wanted = false; /* it was done before it could be stopped */
    end_in_plan(jobs, job, outcome);
    int r =
        stint_ledger_settle(jobs->options.ledger, &ledger_run, held_ms, &cause.charged_micro, &err);
    if (r == 0)
        r = job_post(jobs, job, is_back ? JOB_RETURNED : JOB_ENDED, &cause,
                     &err); /* a job that is done is gone after this */
    if (r != 0) { /* no memory half way: a restart reads everything back as it was (invariant 5) */
        stint_log(STINT_LOG_ERROR, "end-not-recorded", "run=%s cause=\"%s\"",
                  stint_run_key_format(key, name), err.text);
        abort();
    }
    jobs->is_balance_freed = true;
    run_forget_when_durable(jobs, key);
    if (is_back)
        requeue(jobs, job);
    jobs->options.pass_wanted(jobs->options.context);
}

void run_ended(struct stint_jobs *jobs, struct job *job, const struct stint_run_end *end)
{
    enum stint_job_outcome outcome = outcome_of(jobs, job, end);
    if (end->start_failed && end->start_code == -EPIPE) {
        /* It died with its launcher, and has not happened. */
        bool is_wanted = job->state == STINT_JOB_STARTING;
        job->is_requeue_wanted = job->is_requeue_wanted || is_wanted;
        outcome = is_wanted ? STINT_OUTCOME_LOST : STINT_OUTCOME_CANCELLED;
    }
    run_close(jobs, job, end, outcome, STINT_REASON_NONE, end->text[0] ? end->text : NULL);
}

void run_ended_unlaunched(struct stint_jobs *jobs, struct job *job, enum stint_job_outcome outcome,
                          enum stint_reason_code code, const char *note)
{
    struct stint_run_end end = { .key = job_run_key(job), .start_failed = true };
    run_close(jobs, job, &end, outcome, code, note);
}

static void on_end_durable(void *context, int status)
{
    struct run_step *step = context;
    if (status == 0)
        (void)stint_engine_forget(step->jobs->options.engine, step->key);
    step_free(step);
}

void run_forget_when_durable(struct stint_jobs *jobs, struct stint_run_key key)
{
    struct run_step *step = step_new(jobs, key);
    if (step && stint_store_follow(jobs->options.store, on_end_durable, step, NULL) != 0)
        step_free(
            step); /* its folder stays until the next start, which forgets folders of ended runs */
}

void stint_jobs_on_run_ended(struct stint_jobs *jobs, const struct stint_run_end *end)
{
    struct job *job = jobs_find_task(jobs, end->key.job, end->key.task);
    if (job && job->attempt == end->key.attempt && job_holds(job))
        run_ended(jobs, job, end);
    else
        run_forget_when_durable(jobs, end->key);
}

void stint_jobs_on_run_started(struct stint_jobs *jobs, struct stint_run_key key)
{
    struct job *job = jobs_find_task(jobs, key.job, key.task);
    struct job_cause cause = { .actor = "engine" };
    struct stint_error err = { 0 };
    char name[STINT_RUN_KEY_TEXT];
    if (!job || job->attempt != key.attempt || job->state != STINT_JOB_STARTING)
        return;
    if (job_post(jobs, job, JOB_SPAWNED, &cause, &err) != 0)
        stint_log(STINT_LOG_WARNING, "start-not-recorded", "run=%s cause=\"%s\"",
                  stint_run_key_format(key, name), err.text);
}

/* ---- the launch
 * -----------------------------------------------------------------------------------------------------------
 */

static void launch_now(struct stint_jobs *jobs, struct job *job, const char *script,
                       size_t script_length)
{
    struct launch *launch = calloc(1, sizeof(*launch));
    struct stint_error err = { 0 };
    assert(job->run);
    struct launch_facts facts = {
        .key = job_run_key(job),
        .uid = job->uid,
        .gid = job->gid,
        .user = job->user,
        .project = stint_ledger_project_name(jobs->options.ledger, job->project),
        .name = job->name,
        .spec = job->spec,
        .uses = job_uses(job),
        .script = script,
        .script_length = script_length,
        .machine = job_machine(jobs, job),
        .allocation = stint_scheduler_allocation(job_core(jobs, job), job_task_key(job)),
        .cpus = job->cpus,
        .gpus = job->gpus,
        .memory_bytes = job->memory_bytes,
        .walltime_s = job->walltime_s,
        .ends_by_ms = job->run->ends_by_ms,
        .grace_ms = jobs->options.grace_ms,
        .process_limit = jobs->options.process_limit,
    };
    int r = launch ? launch_build(launch, &facts, &err) : -ENOMEM;
    if (r == 0)
        r = stint_engine_start(jobs->options.engine, &launch->start, &err);
    if (launch)
        launch_deinit(launch);
    free(launch);
    job->is_unsent = r == STINT_BUSY || r == -ENOMEM;
    if (job->is_unsent) {
        jobs->has_unsent = true;
    } else if (r == 0 || r == STINT_CONFLICT) {
        job->is_launch_sent = true;
    } else if (r == -EPIPE) {
        for (uint32_t i = 0; i < jobs->options.resources->count; i++)
            stint_clerk_set_away(jobs->options.resources->list[i].clerk, true);
        job->is_requeue_wanted = true;
        run_ended_unlaunched(jobs, job, STINT_OUTCOME_LOST, STINT_REASON_NONE,
                             "the engine is away");
    } else {
        run_ended_unlaunched(jobs, job, STINT_OUTCOME_FAILED, STINT_REASON_NONE,
                             err.text[0] ? err.text : "it could not be started");
    }
}

static bool take_script(void *context, const struct stint_script_row *row)
{
    struct run_step *step = context;
    step->script = malloc(row->text.length + 1);
    if (step->script) {
        memcpy(step->script, row->text.data, row->text.length);
        step->script[row->text.length] = '\0';
        step->script_length = row->text.length;
    }
    return false;
}

static int read_script(struct stint_reader *reader, void *context)
{
    struct run_step *step = context;
    int r = stint_reader_script(reader, step->sha256, take_script, step);
    return r == 0 && !step->script ? -ENOMEM : r;
}

static void on_script_read(void *context, int status)
{
    struct run_step *step = context;
    struct job *job = step_job(step);
    if (job && job->state == STINT_JOB_STARTING) {
        if (status == 0)
            launch_now(step->jobs, job, step->script, step->script_length);
        else
            run_ended_unlaunched(step->jobs, job, STINT_OUTCOME_FAILED, STINT_REASON_NONE,
                                 "its script could not be read back");
    } else if (job && job->state == STINT_JOB_ENDING && !job->is_launch_sent) {
        run_ended_unlaunched(step->jobs, job, STINT_OUTCOME_CANCELLED, STINT_REASON_NONE, NULL);
    }
    step_free(step);
}

/* Its artefacts are what was judged: now its script, then the engine. */
static void launch_checked(struct stint_jobs *jobs, struct job *job)
{
    if (!job->script_sha256) {
        launch_now(jobs, job, NULL, 0);
        return;
    }
    struct run_step *step = step_new(jobs, job_run_key(job));
    if (step)
        (void)snprintf(step->sha256, sizeof(step->sha256), "%s", job->script_sha256);
    if (!step ||
        stint_store_read(jobs->options.store, read_script, on_script_read, step, NULL) != 0) {
        if (step)
            step_free(step);
        job->is_unsent = true;
        jobs->has_unsent = true;
    }
}

static void on_artifacts_checked(void *context, enum stint_reason_code code, const char *why)
{
    struct run_step *step = context;
    struct job *job = step_job(step);
    if (job && job->state == STINT_JOB_ENDING && !job->is_launch_sent)
        run_ended_unlaunched(step->jobs, job, STINT_OUTCOME_CANCELLED, STINT_REASON_NONE, NULL);
    else if (job && job->state == STINT_JOB_STARTING && code != STINT_REASON_NONE)
        run_ended_unlaunched(step->jobs, job, STINT_OUTCOME_REFUSED, code, why);
    else if (job && job->state == STINT_JOB_STARTING)
        launch_checked(step->jobs, job);
    step_free(step);
}

void run_launch(struct stint_jobs *jobs, struct job *job)
{
    job->is_unsent = false;
    if (job->state != STINT_JOB_STARTING) { /* cancelled before it was sent */
        run_ended_unlaunched(jobs, job, STINT_OUTCOME_CANCELLED, STINT_REASON_NONE, NULL);
        return;
    }
    if (!job->uses) {
        launch_checked(jobs, job);
        return;
    }
    struct run_step *step = step_new(jobs, job_run_key(job));
    if (step)
        jobs->options.check_start(jobs->options.context, job->uid, job->gid, job->uses,
                                  on_artifacts_checked, step);
    else
        job->is_unsent = jobs->has_unsent = true;
}

static void on_grant_durable(void *context, int status)
{
    struct run_step *step = context;
    struct job *job = status == 0 ? step_job(step) : NULL;
    if (job && !job->is_launch_sent)
        run_launch(step->jobs, job);
    step_free(step);
}

int run_launch_when_durable(struct stint_jobs *jobs, struct job *job)
{
    struct run_step *step = step_new(jobs, job_run_key(job));
    int r = step ? stint_store_after(jobs->options.store, on_grant_durable, step, NULL) : -ENOMEM;
    if (r != 0 && step)
        step_free(step);
    return r;
}

/* What found a queue full: ends first, then launches. Either may take the job out of the table. */
void run_retry(struct stint_jobs *jobs)
{
    struct job *next;
    jobs->has_unsent = false;
    for (struct job *job = jobs->table; job; job = next) {
        next = job->hh.next;
        if (job->run && job->run->late_end) {
            struct stint_run_end end = *job->run->late_end;
            free(job->run->late_end);
            job->run->late_end = NULL;
            run_ended(jobs, job, &end);
        } else if (job->is_unsent) {
            run_launch(jobs, job);
        }
    }
}

/* ---- control
 * --------------------------------------------------------------------------------------------------------------
 */

static void on_control_durable(void *context, int status)
{
    struct run_step *step = context;
    struct job *job = status == 0 ? step_job(step) : NULL;
    struct stint_engine *engine = step->jobs->options.engine;
    if (job && job->is_launch_sent) {
        if (step->verb == STINT_VERB_CANCEL)
            (void)stint_engine_cancel(engine, step->key, NULL);
        else if (step->verb == STINT_VERB_SUSPEND)
            (void)stint_engine_suspend(engine, step->key, NULL);
        else if (step->verb == STINT_VERB_RESUME)
            (void)stint_engine_resume(engine, step->key, NULL);
    }
    step_free(step);
}

static void on_stop_durable(void *context, int status)
{
    struct run_step *step = context;
    struct job *job = status == 0 ? step_job(step) : NULL;
    if (job && job->is_preempted && job->is_launch_sent)
        preempt_stop(step->jobs, job);
    step_free(step);
}

void run_stop_when_durable(struct stint_jobs *jobs, const struct job *job)
{
    struct run_step *step = step_new(jobs, job_run_key(job));
    if (step && stint_store_after(jobs->options.store, on_stop_durable, step, NULL) != 0)
        step_free(step);
}

void run_control_when_durable(struct stint_jobs *jobs, const struct job *job,
                              enum stint_job_verb verb)
{
    struct run_step *step = step_new(jobs, job_run_key(job));
    if (!step)
        return;
    step->verb = verb;
    if (stint_store_after(jobs->options.store, on_control_durable, step, NULL) != 0)
        step_free(step);
}
