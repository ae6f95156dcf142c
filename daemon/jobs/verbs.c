/* Owns: what people do to a job: who may, in which state, and what follows once it is durable. */
#include <assert.h>
#include <inttypes.h>

#include "job.h"
#include "journal.h"
#include "stint/engine.h"
#include "stint/store.h"
#include "stint/store_reader.h"

static int may_act(const struct job *job, const struct stint_caller *caller,
                   struct stint_error *err)
{
    if (caller->role == STINT_ROLE_OPERATOR ||
        (caller->role == STINT_ROLE_USER && caller->uid == job->uid))
        return 0;
    (void)stint_fail(err, STINT_NOT_PERMITTED, "job %" PRIu64 " is not yours", job->id);
    return stint_fix(err, STINT_NOT_PERMITTED, "ask its owner or an operator");
}

static bool row_is_there(void *context, const struct stint_job_row *row)
{
    *(bool *)context = row->end_ms != 0;
    return false;
}

/* A job that ended is in the store only; one that never was is nowhere. */
static int not_live(struct stint_jobs *jobs, uint64_t id, struct stint_error *err)
{
    bool is_done = false;
    (void)stint_reader_job(stint_store_reader(jobs->options.store), id, row_is_there, &is_done);
    if (is_done)
        return stint_fail(err, STINT_WRONG_STATE, "job %" PRIu64 " is done", id);
    return stint_fail(err, STINT_NOT_FOUND, "there is no job %" PRIu64, id);
}

static int find_for(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                    struct job **ret_job, struct stint_error *err)
{
    struct job *job = jobs_find(jobs, id);
    if (!job)
        return not_live(jobs, id, err);
    int r = may_act(job, caller, err);
    if (r == 0)
        r = stint_store_ready(jobs->options.store, err);
    if (r == 0)
        *ret_job = job;
    return r;
}

static int act_cancel(struct stint_jobs *jobs, struct job *job, const char *actor,
                      struct stint_error *err)
{
    struct job_cause cause = { .actor = actor, .outcome = STINT_OUTCOME_CANCELLED };
    struct stint_task_key key = job_task_key(job);
    if (job->state == STINT_JOB_ENDING)
        return 0;
    bool was_waiting = job_is_waiting(job);
    int r = job_post(jobs, job, JOB_CANCELLED, &cause, err); /* a waiting job is gone after this */
    if (r != 0)
        return r;
    if (was_waiting)
        (void)stint_clerk_remove(jobs->options.clerk, key);
    else
        run_control_when_durable(jobs, job, STINT_VERB_CANCEL);
    return 0;
}

static int act_hold(struct stint_jobs *jobs, struct job *job, const struct stint_caller *caller,
                    struct stint_error *err)
{
    enum stint_role before = job->held_by;
    enum stint_role by = caller->uid == job->uid ? STINT_ROLE_USER : STINT_ROLE_OPERATOR;
    struct job_cause cause = { .actor = caller->name };
    if (job->state == STINT_JOB_HELD && by <= before)
        return 0;
    job->held_by = by;
    enum stint_job_state next = job_next_state(job->state, JOB_HELD);
    int r = next ? job_post(jobs, job, JOB_HELD, &cause, err)
                 : stint_fail(err, STINT_WRONG_STATE,
                              "job %" PRIu64 " is %s, only a waiting job can be held", job->id,
                              stint_job_state_name(job->state));
    if (r != 0)
        job->held_by = before;
    else
        job_reblock(jobs, job);
    return r;
}

static int act_release(struct stint_jobs *jobs, struct job *job, const struct stint_caller *caller,
                       struct stint_error *err)
{
    enum stint_role before = job->held_by;
    struct job_cause cause = { .actor = caller->name };
    if (job->state == STINT_JOB_PENDING)
        return 0;
    if (before == STINT_ROLE_OPERATOR && caller->role != STINT_ROLE_OPERATOR) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "job %" PRIu64 " is held by an operator",
                         job->id);
        return stint_fix(err, STINT_NOT_PERMITTED, "ask an operator to release it");
    }
    job->held_by = STINT_ROLE_PUBLIC;
    int r = job_post(jobs, job, JOB_RELEASED, &cause, err);
    if (r != 0)
        job->held_by = before;
    else
        job_reblock(jobs, job);
    return r;
}

static int act_requeue(struct stint_jobs *jobs, struct job *job, const char *actor,
                       struct stint_error *err)
{
    if (job_is_waiting(job))
        return 0;
    if (job->state == STINT_JOB_ENDING)
        return stint_fail(err, STINT_WRONG_STATE, "job %" PRIu64 " is ending", job->id);
    job->is_requeue_wanted = true;
    int r = act_cancel(jobs, job, actor, err);
    if (r != 0)
        job->is_requeue_wanted = false;
    return r;
}

/* Time suspended is not walltime: the run's clock stands, and goes on where it stood. What was
 * known of its end is not known until then, so the plan is told that it never ends. */
static void pause_clock(struct stint_jobs *jobs, struct job *job, enum stint_job_verb verb)
{
    int64_t now_ms = jobs->options.now_boot_ms();
    if (verb == STINT_VERB_SUSPEND) {
        job->ran_ms = now_ms - job->start_boot_ms;
        job->ends_by_ms = 0;
        return;
    }
    job->start_boot_ms = now_ms - job->ran_ms;
    job->ends_by_ms = jobs->options.now_wall_ms() + job->walltime_s * 1000 - job->ran_ms;
    job->ran_ms = 0;
}

static int act_pause(struct stint_jobs *jobs, struct job *job, enum stint_job_verb verb,
                     const char *actor, struct stint_error *err)
{
    struct job_cause cause = { .actor = actor };
    bool is_suspend = verb == STINT_VERB_SUSPEND;
    int64_t start_boot_ms = job->start_boot_ms;
    int64_t ends_by_ms = job->ends_by_ms;
    int64_t ran_ms = job->ran_ms;
    if (job->state == (is_suspend ? STINT_JOB_SUSPENDED : STINT_JOB_RUNNING))
        return 0;
    if (job->state == (is_suspend ? STINT_JOB_RUNNING : STINT_JOB_SUSPENDED))
        pause_clock(jobs, job, verb);
    int r = job_post(jobs, job, is_suspend ? JOB_SUSPENDED : JOB_RESUMED, &cause, err);
    if (r != 0) {
        job->start_boot_ms = start_boot_ms;
        job->ends_by_ms = ends_by_ms;
        job->ran_ms = ran_ms;
        return r;
    }
    int64_t ends_ms = is_suspend ? JOB_ENDS_NEVER_MS : job->start_boot_ms + job->walltime_s * 1000;
    (void)stint_clerk_set_ends(jobs->options.clerk, job_task_key(job), ends_ms);
    run_control_when_durable(jobs, job, verb);
    return 0;
}

int stint_jobs_act(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                   enum stint_job_verb verb, struct stint_error *err)
{
    struct job *job = NULL;
    int r = find_for(jobs, caller, id, &job, err);
    if (r != 0)
        return r;
    assert(job);
    switch (verb) {
    case STINT_VERB_CANCEL:
        r = act_cancel(jobs, job, caller->name, err);
        break;
    case STINT_VERB_HOLD:
        r = act_hold(jobs, job, caller, err);
        break;
    case STINT_VERB_RELEASE:
        r = act_release(jobs, job, caller, err);
        break;
    case STINT_VERB_REQUEUE:
        r = act_requeue(jobs, job, caller->name, err);
        break;
    case STINT_VERB_SUSPEND:
    case STINT_VERB_RESUME:
        r = act_pause(jobs, job, verb, caller->name, err);
        break;
    }
    jobs->options.pass_wanted(jobs->options.context);
    return r;
}

int stint_jobs_signal(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                      int signal_number, struct stint_error *err)
{
    struct job *job = NULL;
    int r = find_for(jobs, caller, id, &job, err);
    if (r != 0)
        return r;
    assert(job);
    if (job->state != STINT_JOB_RUNNING && job->state != STINT_JOB_SUSPENDED &&
        job->state != STINT_JOB_ENDING)
        return stint_fail(err, STINT_WRONG_STATE,
                          "job %" PRIu64 " is %s, only a running job takes a signal", id,
                          stint_job_state_name(job->state));
    return stint_engine_signal(jobs->options.engine, job_run_key(job), signal_number, err);
}

int stint_jobs_set_priority(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                            int64_t priority, struct stint_error *err)
{
    struct job *job = NULL;
    struct job_cause cause = { .actor = caller->name };
    int r = find_for(jobs, caller, id, &job, err);
    if (r != 0)
        return r;
    assert(job);
    if (priority < -STINT_REQUEST_PRIORITY_MAX || priority > STINT_REQUEST_PRIORITY_MAX)
        return stint_fail(err, STINT_INVALID, "priority is -%d..%d", STINT_REQUEST_PRIORITY_MAX,
                          STINT_REQUEST_PRIORITY_MAX);
    if (!job_is_waiting(job))
        return stint_fail(err, STINT_WRONG_STATE,
                          "job %" PRIu64 " is %s, only a waiting job has a priority", id,
                          stint_job_state_name(job->state));
    int8_t before = job->priority;
    job->priority = (int8_t)priority;
    r = journal_changed(jobs, job, "job.priority", &cause, err);
    if (r != 0)
        job->priority = before;
    else
        (void)stint_clerk_set_priority(jobs->options.clerk, job_task_key(job), (int32_t)priority);
    jobs->options.pass_wanted(jobs->options.context);
    return r;
}
