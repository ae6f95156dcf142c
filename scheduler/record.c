/* Owns: the records of tasks, and the index that finds them by their keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* ---- the index of keys */

static uint32_t key_hash(struct stint_task_key key)
{
    uint64_t h = (key.job * UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)key.task << 32 | key.task);
    h *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(h >> 32);
}

static bool key_is(const struct job *job, struct stint_task_key key)
{
    return job->key.job == key.job && job->key.task == key.task;
}

uint32_t job_find(const struct stint_scheduler *s, struct stint_task_key key)
{
    for (uint32_t i = key_hash(key) & s->index_mask; s->index[i]; i = (i + 1) & s->index_mask)
        if (key_is(&s->jobs[s->index[i] - 1], key))
            return s->index[i] - 1;
    return NO_JOB;
}

static void index_put(struct stint_scheduler *s, uint32_t number)
{
    uint32_t i = key_hash(s->jobs[number].key) & s->index_mask;
    while (s->index[i])
        i = (i + 1) & s->index_mask;
    s->index[i] = number + 1;
}

static void index_take(struct stint_scheduler *s, uint32_t number)
{
    uint32_t mask = s->index_mask;
    uint32_t gap = key_hash(s->jobs[number].key) & mask;
    while (s->index[gap] != number + 1)
        gap = (gap + 1) & mask;
    /* Close the gap, so that no chain is broken (Knuth, volume 3, 6.4, algorithm R). */
    for (uint32_t i = (gap + 1) & mask; s->index[i]; i = (i + 1) & mask) {
        uint32_t home = key_hash(s->jobs[s->index[i] - 1].key) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            s->index[gap] = s->index[i];
            gap = i;
        }
    }
    s->index[gap] = 0;
}

static int index_reserve(struct stint_scheduler *s)
{
    uint32_t size = s->index_mask + 1;
    if (s->live_count + 1 <= size / 4 * 3)
        return 0;
    uint32_t *old = s->index;
    uint32_t *index = calloc((size_t)size * 2, sizeof(*index));
    if (!index)
        return -ENOMEM;
    s->index = index;
    s->index_mask = size * 2 - 1;
    for (uint32_t i = 0; i < size; i++)
        if (old[i])
            index_put(s, old[i] - 1);
    free(old);
    return 0;
}

/* ---- records */

static int reserve_records(struct stint_scheduler *s)
{
    if (s->free_job != NO_JOB || s->job_count < s->job_capacity)
        return 0;
    /* An eighth more: a doubling would cost more than all else of a pending job. */
    uint32_t capacity = s->job_capacity + s->job_capacity / 8 + 64;
    struct job *jobs = realloc(s->jobs, capacity * sizeof(*jobs));
    if (!jobs)
        return -ENOMEM;
    s->jobs = jobs;
    s->job_capacity = capacity;
    return 0;
}

/* Room for one more task anywhere it may go. */
int job_reserve(struct stint_scheduler *s)
{
    int r = index_reserve(s);
    if (r == 0)
        r = reserve_records(s);
    if (r == 0)
        r = queue_reserve(&s->main);
    if (r == 0 && s->has_backfill_queue)
        r = queue_reserve(&s->backfill);
    if (r == 0)
        r = heap_reserve(&s->early);
    return r;
}

uint32_t job_new(struct stint_scheduler *s, const struct stint_ask *ask)
{
    uint32_t number = s->free_job;
    if (number != NO_JOB)
        s->free_job = s->jobs[number].heap_at;
    else
        number = s->job_count++;
    struct job *job = &s->jobs[number];
    *job =
        (struct job){ .key = ask->key,
                      .sequence = s->next_sequence++,
                      .walltime_ms = ask->walltime_ms,
                      .expected_ms = ask->expected_ms > 0 && ask->expected_ms < ask->walltime_ms
                                         ? ask->expected_ms
                                         : ask->walltime_ms,
                      .submit_ms = ask->submit_ms,
                      .ready_ms = ask->begin_ms && ask->begin_ms > ask->submit_ms ? ask->begin_ms
                                                                                  : ask->submit_ms,
                      .begin_ms = ask->begin_ms ? ask->begin_ms : INT64_MIN,
                      .cost_micro = ask->cost_micro,
                      .attained_ms = ask->attained_ms > 0 ? ask->attained_ms : 0,
                      .priority = ask->priority,
                      .user = ask->user,
                      .fair_account = ask->fair_account,
                      .nodes = ask->nodes ? ask->nodes : 1,
                      .account_count = (uint8_t)ask->account_count,
                      .is_preemptible = ask->preemptible,
                      .is_unseen = true };
    need_from_ask(ask, &job->need);
    memcpy(job->accounts, ask->accounts, ask->account_count * sizeof(*ask->accounts));
    index_put(s, number);
    s->live_count++;
    return number;
}

void job_forget(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    index_take(s, number);
    job->tasks = stint_tasks_free(job->tasks);
    job->place = PLACE_FREE;
    job->heap_at = s->free_job;
    s->free_job = number;
    s->live_count--;
    s->generation++;
}

void job_ask(const struct stint_scheduler *s, const struct job *job, struct stint_ask *ask)
{
    (void)s;
    *ask = (struct stint_ask){ .key = job->key,
                               .cpus = (uint32_t)job->need.cores,
                               .gpus = job->need.gpus,
                               .gpu_milli = job->need.gpu_milli,
                               .gpu_type = job->need.gpu_type,
                               .locality = job->need.locality,
                               .preemptible = job->is_preemptible,
                               .nodes = job->nodes,
                               .priority = job->priority,
                               .user = job->user,
                               .gpu_memory_bytes = job->need.gpu_memory_mib * MIB,
                               .memory_bytes = job->need.memory_mib * MIB,
                               .walltime_ms = job->walltime_ms,
                               .expected_ms = job->expected_ms,
                               .submit_ms = job->submit_ms,
                               .begin_ms = job->begin_ms == INT64_MIN ? 0 : job->begin_ms,
                               .cost_micro = job->cost_micro,
                               .attained_ms = job->attained_ms,
                               .fair_account = job->fair_account,
                               .tasks = job->tasks,
                               .account_count = job->account_count };
    memcpy(ask->accounts, job->accounts, sizeof(ask->accounts));
}
