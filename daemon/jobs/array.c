/* Owns: arrays: which of their tasks wait together, which have a record of their own, how those
 * ended that are gone.
 * 1. A task is in exactly one place: the waiting set, a record in the table, or the ended counts.
 * 2. The scheduler's element has the very tasks of the waiting set, or is not there when none is.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "job.h"
#include "journal.h"
#include "stint/ledger.h"

int array_new(const char *spec, struct job *whole, struct stint_error *err)
{
    stint_auto(stint_array_free) struct stint_array *shape = NULL;
    int r = stint_array_parse(spec, &shape, err);
    if (r != 0)
        return r;
    struct job_array *array = calloc(1, sizeof(*array));
    if (!array)
        return -ENOMEM;
    whole->array = array;
    whole->task = STINT_TASK_WHOLE;
    array->whole = whole;
    array->account = STINT_NO_ACCOUNT;
    array->shape = stint_take(shape);
    array->waiting = stint_tasks_new(array->shape, true);
    array->completed = stint_tasks_new(array->shape, false);
    return array->waiting && array->completed ? 0 : -ENOMEM; /* freed with the job */
}

struct job_array *array_free(struct job_array *array)
{
    if (!array)
        return NULL;
    (void)stint_tasks_free(array->waiting);
    (void)stint_tasks_free(array->completed);
    (void)stint_array_free(array->shape);
    free(array);
    return NULL;
}

int array_open(struct stint_jobs *jobs, struct job *whole)
{
    struct job_array *array = whole->array;
    if (array->shape->running_max == 0 || array->shape->running_max >= array->shape->task_count ||
        array->account != STINT_NO_ACCOUNT)
        return 0;
    return stint_ledger_array_account(jobs->options.ledger,
                                      job_is_homeless(jobs, whole) ? 0 : whole->resource, whole->id,
                                      array->shape->running_max, &array->account);
}

void array_shut(struct stint_jobs *jobs, struct job *whole)
{
    if (whole->array->account != STINT_NO_ACCOUNT)
        stint_ledger_array_account_free(jobs->options.ledger, whole->array->account);
    whole->array->account = STINT_NO_ACCOUNT;
}

/* ---- records of tasks */

struct job *array_split(struct stint_jobs *jobs, struct job *whole, uint32_t task)
{
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return NULL;
    *job = *whole;
    memset(&job->hh, 0, sizeof(job->hh));
    job->task = task;
    job->start_ms = 0;
    job->is_stored = false;
    jobs->counts[whole->state]--;
    bool was_waiting = stint_tasks_take(whole->array->waiting, task);
    assert(was_waiting);
    (void)was_waiting;
    job_add(jobs, job);
    (void)stint_clerk_remove_task(job_clerk(jobs, job), job_task_key(job));
    return job;
}

void array_join(struct stint_jobs *jobs, struct job *task)
{
    struct job *whole = task->array->whole;
    assert(!task->is_stored);
    stint_tasks_put(whole->array->waiting, task->task);
    jobs->counts[whole->state]++;
    job_drop(jobs, task);
}

struct job *array_next(struct stint_jobs *jobs, const struct job_array *array, struct job *after)
{
    struct job *job = after ? after->hh.next : jobs->table;
    while (job && (job->array != array || job_is_whole(job)))
        job = job->hh.next;
    return job;
}

int array_enqueue(struct stint_jobs *jobs, struct job *whole, struct stint_error *err)
{
    (void)stint_clerk_remove(job_clerk(jobs, whole), job_task_key(whole));
    return whole->array->waiting->count > 0 ? job_enqueue(jobs, whole, err) : 0;
}

/* ---- what it is as a whole */

static uint32_t holding(const struct job_array *array)
{
    return array->live[STINT_JOB_STARTING] + array->live[STINT_JOB_RUNNING] +
           array->live[STINT_JOB_SUSPENDED] + array->live[STINT_JOB_ENDING];
}

enum stint_job_state array_state(const struct job_array *array)
{
    bool is_held = array->whole->state == STINT_JOB_HELD;
    uint32_t pending = array->live[STINT_JOB_PENDING] + (is_held ? 0 : array->waiting->count);
    uint32_t held = array->live[STINT_JOB_HELD] + (is_held ? array->waiting->count : 0);
    if (holding(array) + pending + held == 0)
        return STINT_JOB_DONE;
    if (array->closing != STINT_OUTCOME_NONE)
        return STINT_JOB_ENDING;
    if (holding(array) > 0)
        return STINT_JOB_RUNNING;
    return pending > 0 ? STINT_JOB_PENDING : STINT_JOB_HELD;
}

/* Completed only if every task is; what all others came to, if they came to the same. */
enum stint_job_outcome array_outcome(const struct job_array *array)
{
    enum stint_job_outcome found = STINT_OUTCOME_NONE;
    if (array->closing != STINT_OUTCOME_NONE)
        return array->closing;
    for (int outcome = STINT_OUTCOME_NONE + 1; outcome < STINT_OUTCOME_COUNT; outcome++) {
        if (array->ended[outcome] == 0 || outcome == STINT_OUTCOME_COMPLETED)
            continue;
        if (found != STINT_OUTCOME_NONE)
            return STINT_OUTCOME_FAILED;
        found = (enum stint_job_outcome)outcome;
    }
    return found == STINT_OUTCOME_NONE ? STINT_OUTCOME_COMPLETED : found;
}

enum stint_job_state array_state_after(struct job_array *array, const struct job *task,
                                       enum stint_job_state next, enum stint_job_outcome outcome,
                                       enum stint_job_outcome *ret_outcome)
{
    uint32_t *ended = &array->ended[outcome];
    array->live[task->state]--;
    array->live[next] += next != STINT_JOB_DONE;
    *ended += next == STINT_JOB_DONE;
    enum stint_job_state state = array_state(array);
    *ret_outcome = state == STINT_JOB_DONE ? array_outcome(array) : STINT_OUTCOME_NONE;
    *ended -= next == STINT_JOB_DONE;
    array->live[next] -= next != STINT_JOB_DONE;
    array->live[task->state]++;
    return state;
}

void array_note_end(struct job_array *array, uint32_t task, enum stint_job_outcome outcome)
{
    array->ended[outcome]++;
    if (outcome == STINT_OUTCOME_COMPLETED)
        (void)stint_tasks_put(array->completed, task);
}

enum stint_job_outcome array_ended(const struct job_array *array, uint32_t task)
{
    if (stint_tasks_has(array->waiting, task))
        return STINT_OUTCOME_NONE;
    return stint_tasks_has(array->completed, task) ? STINT_OUTCOME_COMPLETED : STINT_OUTCOME_FAILED;
}

/* ---- the end of the whole */

/* Those that wait with a record of their own. */
static int close_records(struct stint_jobs *jobs, struct job_array *array, enum job_event event,
                         const struct job_cause *cause, struct stint_error *err)
{
    int r = 0;
    struct job *next;
    for (struct job *job = array_next(jobs, array, NULL); job && r == 0; job = next) {
        next = array_next(jobs, array, job);
        if (!job_is_waiting(job))
            continue;
        struct stint_task_key key = job_task_key(job);
        struct stint_clerk *clerk = job_clerk(jobs, job);
        r = job_post(jobs, job, event, cause, err); /* the last of all takes the array with it */
        if (r == 0)
            (void)stint_clerk_remove(clerk, key);
    }
    return r;
}

int array_close(struct stint_jobs *jobs, struct job *whole, enum job_event event,
                const struct job_cause *cause, struct stint_error *err)
{
    struct job_array *array = whole->array;
    uint32_t waiting = array->waiting->count;
    uint32_t split = array->live[STINT_JOB_PENDING] + array->live[STINT_JOB_HELD];
    if (array->closing == STINT_OUTCOME_NONE) {
        enum stint_job_outcome before = array->closing;
        struct stint_tasks *none = stint_tasks_new(array->shape, false);
        if (!none)
            return -ENOMEM;
        if (holding(array) + split == 0) {
            (void)stint_tasks_free(none);
            struct stint_task_key key = job_task_key(whole);
            struct stint_clerk *clerk = job_clerk(jobs, whole);
            int r = job_post(jobs, whole, event, cause, err); /* it is gone after this */
            if (r == 0)
                (void)stint_clerk_remove(clerk, key);
            return r;
        }
        array->closing = cause->outcome;
        int r = journal_changed(jobs, whole, "job.cancelled", cause, err);
        if (r != 0) {
            array->closing = before;
            (void)stint_tasks_free(none);
            return r;
        }
        (void)stint_clerk_remove(job_clerk(jobs, whole), job_task_key(whole));
        jobs->counts[whole->state] -= waiting;
        stint_ledger_job_queued(jobs->options.ledger, whole->project, whole->uid, -(int)waiting);
        (void)stint_tasks_free(array->waiting);
        array->waiting = none;
        array->ended[cause->outcome] += waiting;
    }
    return split > 0 ? close_records(jobs, array, event, cause, err) : 0;
}
