/* Owns: arrays. The tasks that wait together are one element of the queue, with a set of their
 * numbers: a hundred thousand cost a pass what one job costs it. A start splits the lowest off into
 * a record of its own; the element keeps its place with the rest. */
#include <assert.h>
#include <errno.h>

#include "core.h"

int task_split(struct stint_scheduler *s, uint32_t number, uint32_t *ret_started)
{
    struct stint_ask ask;
    *ret_started = number;
    if (!s->jobs[number].tasks)
        return 0;
    assert(s->jobs[number].tasks->count > 0 && !s->jobs[number].claim);
    int r = job_reserve(s);
    if (r != 0)
        return r;
    job_ask(s, &s->jobs[number], &ask);
    ask.key.task = stint_tasks_first(s->jobs[number].tasks);
    ask.tasks = NULL;
    if (job_find(s, ask.key) != NO_JOB)
        return -EEXIST; /* the caller's books are wrong: nothing may run twice */
    *ret_started = job_new(s, &ask);
    return 0;
}

void task_started(struct stint_scheduler *s, uint32_t number, uint32_t task)
{
    struct job *job = &s->jobs[number];
    bool is_taken = stint_tasks_take(job->tasks, task);
    assert(is_taken);
    (void)is_taken;
    array_settle(job);
    job_unpromise(s, number);
    if (job->tasks->count == 0) {
        job_unqueue(s, number);
        job_forget(s, number);
    }
}

int stint_scheduler_remove_task(struct stint_scheduler *s, struct stint_task_key key)
{
    uint32_t number =
        job_find(s, (struct stint_task_key){ .job = key.job, .task = STINT_TASK_WHOLE });
    if (number == NO_JOB || !stint_tasks_take(s->jobs[number].tasks, key.task))
        return STINT_NOT_FOUND;
    s->generation++;
    array_settle(&s->jobs[number]);
    if (s->jobs[number].tasks->count == 0)
        job_withdraw(s, number);
    return 0;
}
