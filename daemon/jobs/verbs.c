/* Owns: what people do to a job: who may, in which state, and what follows once it is durable. */
#include <assert.h>
#include <errno.h>
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

/* It ends to come back: now it only ends. */
static int cancel_for_good(struct stint_jobs *jobs, struct job *job, const struct job_cause *cause,
                           struct stint_error *err)
{
    bool was_preempted = job->is_preempted;
    job->is_requeue_wanted = false;
    job->is_preempted = false;
    int r = job_post(jobs, job, JOB_CANCELLED, cause, err);
    if (r == 0) {
        job->run->stop_ms = 0;
        run_control_when_durable(jobs, job, STINT_VERB_CANCEL);
        return 0;
    }
    job->is_requeue_wanted = true;
    job->is_preempted = was_preempted;
    return r;
}

static int act_cancel(struct stint_jobs *jobs, struct job *job, const char *actor,
                      struct stint_error *err)
{
    struct job_cause cause = { .actor = actor, .outcome = STINT_OUTCOME_CANCELLED };
    struct stint_task_key key = job_task_key(job);
    if (job->state == STINT_JOB_ENDING)
        return job->is_requeue_wanted ? cancel_for_good(jobs, job, &cause, err) : 0;
    bool was_waiting = job_is_waiting(job);
    struct stint_clerk *clerk = job_clerk(jobs, job);
    int r = job_post(jobs, job, JOB_CANCELLED, &cause, err); /* a waiting job is gone after this */
    if (r != 0)
        return r;
    if (was_waiting)
        (void)stint_clerk_remove(clerk, key);
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
    char label[JOB_NAME_MAX];
    enum stint_job_state next = job_next_state(job->state, JOB_HELD);
    int r = next
                ? job_post(jobs, job, JOB_HELD, &cause, err)
                : stint_fail(err, STINT_WRONG_STATE, "job %s is %s, only a waiting job can be held",
                             job_label(job, label), stint_job_state_name(job->state));
    if (r != 0)
        job->held_by = before;
    else
        job_reblock(jobs, job);
    if (r == 0)
        estimate_void(jobs, job);
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
        char label[JOB_NAME_MAX];
        (void)stint_fail(err, STINT_NOT_PERMITTED, "job %s is held by an operator",
                         job_label(job, label));
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
    char label[JOB_NAME_MAX];
    if (job_is_waiting(job))
        return 0;
    if (job->state == STINT_JOB_ENDING)
        return stint_fail(err, STINT_WRONG_STATE, "job %s is ending", job_label(job, label));
    if (job->array && job->array->closing != STINT_OUTCOME_NONE)
        return stint_fail(err, STINT_WRONG_STATE, "job %" PRIu64 " was cancelled as a whole",
                          job->id);
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
    assert(job->run);
    if (verb == STINT_VERB_SUSPEND) {
        job->run->ran_ms = now_ms - job->run->start_boot_ms;
        job->run->ends_by_ms = 0;
        return;
    }
    job->run->start_boot_ms = now_ms - job->run->ran_ms;
    job->run->ends_by_ms = jobs->options.now_wall_ms() + job->walltime_s * 1000 - job->run->ran_ms;
    job->run->ran_ms = 0;
}

static int act_pause(struct stint_jobs *jobs, struct job *job, enum stint_job_verb verb,
                     const char *actor, struct stint_error *err)
{
    struct job_cause cause = { .actor = actor };
    bool is_suspend = verb == STINT_VERB_SUSPEND;
    if (job->state == (is_suspend ? STINT_JOB_SUSPENDED : STINT_JOB_RUNNING))
        return 0;
    struct job_run before = job->run ? *job->run : (struct job_run){ 0 };
    if (job->state == (is_suspend ? STINT_JOB_RUNNING : STINT_JOB_SUSPENDED))
        pause_clock(jobs, job, verb);
    int r = job_post(jobs, job, is_suspend ? JOB_SUSPENDED : JOB_RESUMED, &cause, err);
    if (r != 0) {
        if (job->run)
            *job->run = before;
        return r;
    }
    int64_t ends_ms =
        is_suspend ? JOB_ENDS_NEVER_MS : job->run->start_boot_ms + job->walltime_s * 1000;
    run_core_set_ends(jobs, job, ends_ms);
    run_control_when_durable(jobs, job, verb);
    return 0;
}

/* ---- one verb, on a job, an array or tasks of it */

struct act {
    struct stint_jobs *jobs;
    const struct stint_caller *caller;
    enum stint_job_verb verb;
    int signal_number;
};

static int act_signal(const struct act *act, const struct job *job, struct stint_error *err)
{
    char label[JOB_NAME_MAX];
    if (job->state != STINT_JOB_RUNNING && job->state != STINT_JOB_SUSPENDED &&
        job->state != STINT_JOB_ENDING)
        return stint_fail(err, STINT_WRONG_STATE, "job %s is %s, only a running job takes a signal",
                          job_label(job, label), stint_job_state_name(job->state));
    return stint_engine_signal(act->jobs->options.engine, job_run_key(job), act->signal_number,
                               err);
}

/* What has a record: a plain job, a task, or the tasks of an array that wait together. The record
 * may be gone after this. */
static int act_on_record(const struct act *act, struct job *job, struct stint_error *err)
{
    switch (act->verb) {
    case STINT_VERB_CANCEL:
        return act_cancel(act->jobs, job, act->caller->name, err);
    case STINT_VERB_HOLD:
        return act_hold(act->jobs, job, act->caller, err);
    case STINT_VERB_RELEASE:
        return act_release(act->jobs, job, act->caller, err);
    case STINT_VERB_REQUEUE:
        return act_requeue(act->jobs, job, act->caller->name, err);
    case STINT_VERB_SUSPEND:
    case STINT_VERB_RESUME:
        return act_pause(act->jobs, job, act->verb, act->caller->name, err);
    case STINT_VERB_SIGNAL:
        return act_signal(act, job, err);
    }
    return stint_fail(err, STINT_INVALID, "no such verb");
}

/* Of several, those that are not in a state for it are passed over, unless all are. */
struct tally {
    size_t done;
    int first; /* refusal */
    struct stint_error err;
};

/* False when it makes no sense to go on. */
static bool tally_add(struct tally *tally, int r, const struct stint_error *err)
{
    if (r == 0)
        tally->done++;
    else if (tally->first == 0 || (r != STINT_WRONG_STATE && tally->first == STINT_WRONG_STATE)) {
        tally->first = r;
        tally->err = *err;
    }
    return r == 0 || r == STINT_WRONG_STATE || r == STINT_NOT_PERMITTED;
}

static int tally_end(const struct tally *tally, struct stint_error *err)
{
    if (tally->first == 0 || (tally->done > 0 && tally->first == STINT_WRONG_STATE))
        return 0;
    if (err)
        *err = tally->err;
    return tally->first;
}

static bool is_for_waiting(enum stint_job_verb verb)
{
    return verb == STINT_VERB_HOLD || verb == STINT_VERB_RELEASE;
}

static int act_on_array(const struct act *act, struct job *whole, struct stint_error *err)
{
    struct tally tally = { 0 };
    struct stint_error one = { 0 };
    struct job_array *array = whole->array;
    uint64_t id = whole->id;
    bool goes_on = true;
    struct job *next;
    if (is_for_waiting(act->verb) && job_is_waiting(whole))
        goes_on = tally_add(&tally, act_on_record(act, whole, &one), &one);
    if (act->verb == STINT_VERB_REQUEUE && job_is_waiting(whole))
        tally.done++;
    for (struct job *job = array_next(act->jobs, array, NULL); job && goes_on; job = next) {
        next = array_next(act->jobs, array, job);
        if (is_for_waiting(act->verb) != job_is_waiting(job) && act->verb != STINT_VERB_REQUEUE)
            continue;
        one = (struct stint_error){ 0 };
        goes_on = tally_add(&tally, act_on_record(act, job, &one), &one);
    }
    if (tally.done == 0 && tally.first == 0)
        return stint_fail(err, STINT_WRONG_STATE, "no task of job %" PRIu64 " is %s", id,
                          is_for_waiting(act->verb) ? "waiting" : "running");
    return tally_end(&tally, err);
}

static int cancel_array(const struct act *act, struct job *whole, struct stint_error *err)
{
    struct job_cause cause = { .actor = act->caller->name, .outcome = STINT_OUTCOME_CANCELLED };
    struct job_array *array = whole->array;
    uint64_t id = whole->id;
    struct job *next;
    int r = array_close(act->jobs, whole, JOB_CANCELLED, &cause, err);
    if (r != 0 || jobs_find(act->jobs, id) != whole)
        return r;
    for (struct job *job = array_next(act->jobs, array, NULL); job && r == 0; job = next) {
        next = array_next(act->jobs, array, job);
        job->is_requeue_wanted = false;
        r = act_cancel(act->jobs, job, act->caller->name, err);
    }
    return r;
}

/* A task that waits with others gets a record of its own first. */
static int act_on_waiting_task(const struct act *act, struct job *whole, uint32_t task,
                               struct stint_error *err)
{
    struct stint_jobs *jobs = act->jobs;
    if (act->verb == STINT_VERB_REQUEUE ||
        (act->verb == STINT_VERB_RELEASE && whole->state == STINT_JOB_PENDING))
        return 0;
    if (act->verb != STINT_VERB_CANCEL && !is_for_waiting(act->verb))
        return stint_fail(err, STINT_WRONG_STATE, "job %" PRIu64 "_%" PRIu32 " is %s", whole->id,
                          task, stint_job_state_name(whole->state));
    struct job *job = array_split(jobs, whole, task);
    if (!job)
        return -ENOMEM;
    int r = job_enqueue(jobs, job, err);
    if (r == 0)
        r = act_on_record(act, job, err); /* cancelled, it is gone */
    if (r != 0) {
        struct stint_error ignored = { 0 };
        (void)stint_clerk_remove(job_clerk(jobs, job), job_task_key(job));
        array_join(jobs, job);
        (void)array_enqueue(jobs, whole, &ignored);
    }
    return r;
}

static int act_on_task(const struct act *act, uint64_t id, uint32_t task, struct stint_error *err)
{
    struct job *job = jobs_find_task(act->jobs, id, task);
    struct job *whole = jobs_find(act->jobs, id); /* the last task may have taken it with it */
    if (job)
        return act_on_record(act, job, err);
    if (whole && stint_tasks_has(whole->array->waiting, task))
        return act_on_waiting_task(act, whole, task, err);
    return stint_fail(err, STINT_WRONG_STATE, "job %" PRIu64 "_%" PRIu32 " is done", id, task);
}

/* A list with a number too many is a mistake: nothing is done then. */
static int has_tasks(const struct job *whole, const struct stint_job_ref *ref,
                     struct stint_error *err)
{
    for (uint32_t i = 0; i < ref->tasks->task_count; i++) {
        uint32_t task = stint_array_task(ref->tasks, i);
        if (stint_array_at(whole->array->shape, task) == STINT_TASK_WHOLE)
            return stint_fail(err, STINT_NOT_FOUND, "job %" PRIu64 " has no task %" PRIu32,
                              whole->id, task);
    }
    return 0;
}

static int act_on_tasks(const struct act *act, const struct job *whole,
                        const struct stint_job_ref *ref, struct stint_error *err)
{
    struct tally tally = { 0 };
    bool goes_on = true;
    if (ref->tasks->task_count > STINT_JOBS_ACT_TASK_MAX) {
        (void)stint_fail(err, STINT_TOO_LARGE, "%" PRIu32 " tasks by name, at most %d at once",
                         ref->tasks->task_count, STINT_JOBS_ACT_TASK_MAX);
        return stint_fix(err, STINT_TOO_LARGE, "name the whole array, or fewer tasks at a time");
    }
    int wrong = has_tasks(whole, ref, err);
    if (wrong != 0)
        return wrong;
    for (uint32_t i = 0; i < ref->tasks->task_count && goes_on; i++) {
        struct stint_error one = { 0 };
        int r = i % 64 == 0 ? stint_store_ready(act->jobs->options.store, &one) : 0;
        if (r == 0)
            r = act_on_task(act, ref->job, stint_array_task(ref->tasks, i), &one);
        goes_on = tally_add(&tally, r, &one);
    }
    return tally_end(&tally, err);
}

static bool names_plain_job(const struct job *job, const struct stint_job_ref *ref)
{
    return !job->array && ref->tasks && ref->tasks->task_count == 1 &&
           stint_array_task(ref->tasks, 0) == 0;
}

static int act_on_ref(const struct act *act, const struct stint_job_ref *ref,
                      struct stint_error *err)
{
    struct job *job = NULL;
    int r = find_for(act->jobs, act->caller, ref->job, &job, err);
    if (r != 0)
        return r;
    assert(job);
    if (ref->tasks && !job->array && !names_plain_job(job, ref))
        return stint_fail(err, STINT_NOT_FOUND, "job %" PRIu64 " is not an array", ref->job);
    if (!job->array)
        r = act_on_record(act, job, err);
    else if (ref->tasks)
        r = act_on_tasks(act, job, ref, err);
    else if (act->verb == STINT_VERB_CANCEL)
        r = cancel_array(act, job, err);
    else
        r = act_on_array(act, job, err);
    act->jobs->options.pass_wanted(act->jobs->options.context);
    return r;
}

int stint_jobs_act_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                      const struct stint_job_ref *ref, enum stint_job_verb verb,
                      struct stint_error *err)
{
    struct act act = { jobs, caller, verb, 0 };
    return act_on_ref(&act, ref, err);
}

int stint_jobs_act(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                   enum stint_job_verb verb, struct stint_error *err)
{
    struct stint_job_ref ref = { .job = id };
    return stint_jobs_act_on(jobs, caller, &ref, verb, err);
}

int stint_jobs_signal_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                         const struct stint_job_ref *ref, int signal_number,
                         struct stint_error *err)
{
    struct act act = { jobs, caller, STINT_VERB_SIGNAL, signal_number };
    return act_on_ref(&act, ref, err);
}

int stint_jobs_signal(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                      int signal_number, struct stint_error *err)
{
    struct stint_job_ref ref = { .job = id };
    return stint_jobs_signal_on(jobs, caller, &ref, signal_number, err);
}

/* Of an array, all tasks have the same. */
static void share_priority(struct stint_jobs *jobs, struct job *job, int32_t priority)
{
    struct job *task = NULL;
    (void)stint_clerk_set_priority(job_clerk(jobs, job), job_task_key(job), priority);
    while (job->array && (task = array_next(jobs, job->array, task))) {
        task->priority = (int8_t)priority;
        (void)stint_clerk_set_priority(job_clerk(jobs, task), job_task_key(task), priority);
    }
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
    if (!job_is_waiting(job) && !job->array)
        return stint_fail(err, STINT_WRONG_STATE,
                          "job %" PRIu64 " is %s, only a waiting job has a priority", id,
                          stint_job_state_name(job->state));
    int8_t before = job->priority;
    job->priority = (int8_t)priority;
    r = journal_changed(jobs, job, "job.priority", &cause, err);
    if (r != 0)
        job->priority = before;
    else
        share_priority(jobs, job, (int32_t)priority);
    jobs->options.pass_wanted(jobs->options.context);
    return r;
}
