/* Owns: the move. Journal, move, act, in that order (STYLE, "States"): what a state asks for waits
 * until its batch is durable.
 * 1. A job's state changes here and nowhere else.
 * 2. What a state promises holds after every move: job_check(). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "job.h"
#include "journal.h"
#include "stint/ledger.h"
#include "stint/log.h"

void job_check(const struct job *job)
{
    switch (job->state) {
    case STINT_JOB_PENDING:
    case STINT_JOB_HELD:
        assert(!job_is_whole(job) || job->array->whole == job);
        assert(!job->run && !job->is_launch_sent);
        assert((job->state == STINT_JOB_HELD) == (job->held_by != STINT_ROLE_PUBLIC));
        break;
    case STINT_JOB_STARTING:
    case STINT_JOB_RUNNING:
    case STINT_JOB_SUSPENDED:
    case STINT_JOB_ENDING:
        assert(!job_is_whole(job));
        assert(job->run && job->attempt > 0 && job->held_by == STINT_ROLE_PUBLIC);
        break;
    case STINT_JOB_DONE:
        assert(!job->run);
        break;
    case STINT_JOB_NO_STATE:
    case STINT_JOB_STATE_COUNT:
        abort(); /* a bug: a job always has a state */
    }
}

enum stint_job_outcome jobs_ended_lately(const struct stint_jobs *jobs, uint64_t job, uint32_t task)
{
    for (uint32_t back = 1; back <= JOBS_ENDED_MAX; back++) {
        const struct job_ended *ended = &jobs->ended[(jobs->ended_next - back) % JOBS_ENDED_MAX];
        if (ended->job == job && ended->task == task)
            return ended->outcome;
    }
    return STINT_OUTCOME_NONE;
}

/* Remembers the end; and jobs that wait for the end of @ended look at it again. O(live jobs), only
 * when somebody waits for it. */
static void wake_dependents(struct stint_jobs *jobs, uint64_t ended, uint32_t task,
                            enum stint_job_outcome outcome, bool has_dependents)
{
    jobs->ended[jobs->ended_next++ % JOBS_ENDED_MAX] = (struct job_ended){ ended, task, outcome };
    if (!has_dependents)
        return;
    for (struct job *job = jobs->table; job; job = job->hh.next) {
        bool is_woken = false;
        for (size_t i = 0; i < job->after_count; i++) {
            if (job->after[i].job != ended || job->after[i].task != task)
                continue;
            job->after[i].outcome = outcome;
            is_woken = true;
        }
        if (is_woken && job_is_waiting(job))
            job_reblock(jobs, job);
    }
}

/* The record of a task goes; with the last of them, the array. */
static void end_task(struct stint_jobs *jobs, struct job *job, const struct job_cause *cause)
{
    struct job_array *array = job->array;
    uint32_t task = job->task;
    struct job *whole = array->whole;
    uint64_t id = job->id;
    bool has_dependents = whole->has_dependents;
    array_note_end(array, task, cause->outcome);
    job_drop(jobs, job);
    wake_dependents(jobs, id, task, cause->outcome, has_dependents);
    if (array_state(array) != STINT_JOB_DONE)
        return;
    enum stint_job_outcome outcome = array_outcome(array);
    job_set_state(jobs, whole, STINT_JOB_DONE);
    job_drop(jobs, whole);
    wake_dependents(jobs, id, STINT_TASK_WHOLE, outcome, has_dependents);
}

/* What entering the state changes in memory; effects were queued by who posted. */
static void job_enter(struct stint_jobs *jobs, struct job *job, enum stint_job_state next,
                      const struct job_cause *cause)
{
    bool was_waiting = job_is_waiting(job);
    int width = (int)job_width(job);
    job_set_state(jobs, job, next);
    if (was_waiting != job_is_waiting(job))
        stint_ledger_job_queued(jobs->options.ledger, job->project, job->uid,
                                was_waiting ? -width : width);
    switch (next) {
    case STINT_JOB_PENDING:
    case STINT_JOB_DONE:
        job_run_close(job);
        job->is_launch_sent = false;
        break;
    case STINT_JOB_HELD:
    case STINT_JOB_STARTING:
    case STINT_JOB_RUNNING:
    case STINT_JOB_SUSPENDED:
    case STINT_JOB_ENDING:
    case STINT_JOB_NO_STATE:
    case STINT_JOB_STATE_COUNT:
        break;
    }
    job_check(job);
    if (next != STINT_JOB_DONE)
        return;
    if (job_is_task(job)) {
        end_task(jobs, job, cause);
        return;
    }
    uint64_t id = job->id;
    bool has_dependents = job->has_dependents;
    job_drop(jobs, job);
    wake_dependents(jobs, id, STINT_TASK_WHOLE, cause->outcome, has_dependents);
}

int job_post(struct stint_jobs *jobs, struct job *job, enum job_event event,
             const struct job_cause *cause, struct stint_error *err)
{
    enum stint_job_state from = job->state;
    enum stint_job_state next = job_next_state(from, event);
    char label[JOB_NAME_MAX];
    (void)job_label(job, label);
    if (next == STINT_JOB_NO_STATE)
        return stint_fail(err, STINT_WRONG_STATE, "job %s is %s, it cannot be %s", label,
                          stint_job_state_name(from), job_event_name(event));
    int r = journal_moved(jobs, job, event, next, cause, err);
    if (r != 0)
        return r;
    stint_log(STINT_LOG_INFO, "job-state", "job=%s from=%s to=%s cause=%s actor=%s", label,
              stint_job_state_name(from), stint_job_state_name(next), job_event_name(event),
              cause->actor);
    job_enter(jobs, job, next, cause);
    return 0;
}
