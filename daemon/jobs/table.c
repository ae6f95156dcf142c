/* Owns: the table of live jobs by id, and their counts by state. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

/* The key: two members, one after the other. */
#define JOB_KEY_BYTES (sizeof(uint64_t) + sizeof(uint32_t))
_Static_assert(offsetof(struct job, task) == offsetof(struct job, id) + sizeof(uint64_t),
               "the key is in one piece");

struct job *jobs_find_task(struct stint_jobs *jobs, uint64_t id, uint32_t task)
{
    const struct job wanted = { .id = id, .task = task };
    struct job *job;
    HASH_FIND(hh, jobs->table, &wanted.id, JOB_KEY_BYTES, job);
    return job;
}

struct job *jobs_find(struct stint_jobs *jobs, uint64_t id)
{
    struct job *job = jobs_find_task(jobs, id, 0);
    if (!job)
        return jobs_find_task(jobs, id, STINT_TASK_WHOLE);
    return job->array ? job->array->whole : job;
}

void job_add(struct stint_jobs *jobs, struct job *job)
{
    HASH_ADD(hh, jobs->table, id, JOB_KEY_BYTES, job);
    jobs->counts[job->state] += job_width(job);
    if (job_is_task(job))
        job->array->live[job->state]++;
    jobs->ledger_blocked_count += is_ledger_reason(job->blocked);
}

void job_set_state(struct stint_jobs *jobs, struct job *job, enum stint_job_state state)
{
    uint32_t width = job_width(job);
    assert(jobs->counts[job->state] >= width);
    jobs->counts[job->state] -= width;
    jobs->counts[state] += width;
    if (job_is_task(job)) {
        job->array->live[job->state]--;
        job->array->live[state]++;
    }
    job->state = state;
}

void job_drop(struct stint_jobs *jobs, struct job *job)
{
    jobs->counts[job->state] -= job_width(job);
    if (job_is_task(job))
        job->array->live[job->state]--;
    if (job_is_whole(job))
        array_shut(jobs, job);
    jobs->ledger_blocked_count -= is_ledger_reason(job->blocked);
    HASH_DEL(jobs->table, job);
    (void)job_free(job);
}

int job_run_open(struct job *job)
{
    assert(!job->run);
    job->run = calloc(1, sizeof(*job->run));
    return job->run ? 0 : -ENOMEM;
}

void job_run_close(struct job *job)
{
    if (!job->run)
        return;
    free(job->run->allocation_text);
    free(job->run->node);
    free(job->run->boot_id);
    free(job->run->late_end);
    free(job->run);
    job->run = NULL;
}

struct job *job_free(struct job *job)
{
    if (!job)
        return NULL;
    if (!job_is_task(job)) {
        free(job->spec);
        free(job->uses);
        free(job->script_sha256);
        free(job->gpu_type_text);
        free(job->after);
        (void)array_free(job->array);
    }
    job_run_close(job);
    free(job);
    return NULL;
}

bool job_is_waiting(const struct job *job)
{
    return (job->state == STINT_JOB_PENDING || job->state == STINT_JOB_HELD) && job_width(job) > 0;
}

bool job_is_whole(const struct job *job)
{
    return job->task == STINT_TASK_WHOLE;
}

bool job_is_task(const struct job *job)
{
    return job->array && job->task != STINT_TASK_WHOLE;
}

uint32_t job_width(const struct job *job)
{
    return job_is_whole(job) ? job->array->waiting->count : 1;
}

const char *job_label(const struct job *job, char label[JOB_NAME_MAX])
{
    if (job_is_task(job))
        (void)snprintf(label, JOB_NAME_MAX, "%" PRIu64 "_%" PRIu32, job->id, job->task);
    else
        (void)snprintf(label, JOB_NAME_MAX, "%" PRIu64, job->id);
    return label;
}

bool job_holds(const struct job *job)
{
    return job->state == STINT_JOB_STARTING || job->state == STINT_JOB_RUNNING ||
           job->state == STINT_JOB_SUSPENDED || job->state == STINT_JOB_ENDING;
}

struct stint_run_key job_run_key(const struct job *job)
{
    return (struct stint_run_key){ .job = job->id, .task = job->task, .attempt = job->attempt };
}

struct stint_task_key job_task_key(const struct job *job)
{
    return (struct stint_task_key){ .job = job->id, .task = job->task };
}

int job_keep_texts(struct job *job, const char *spec, const char *name)
{
    size_t length = strlen(spec) + 1;
    size_t name_length = name ? strlen(name) + 1 : 0;
    char *texts = malloc(length + name_length);
    if (!texts)
        return -ENOMEM;
    memcpy(texts, spec, length);
    if (name)
        memcpy(texts + length, name, name_length);
    free(job->spec);
    job->spec = texts;
    job->name = name ? texts + length : NULL;
    return 0;
}

int job_set_text(char **place, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*place);
    *place = copy;
    return 0;
}

const char *job_uses(const struct job *job)
{
    return job->uses ? job->uses : "[]";
}

const char *jobs_user(struct stint_jobs *jobs, const char *name)
{
    struct jobs_user *user;
    size_t length = strlen(name);
    HASH_FIND(hh, jobs->users, name, length, user);
    if (user)
        return user->name;
    user = malloc(sizeof(*user) + length + 1);
    if (!user)
        return NULL;
    memcpy(user->name, name, length + 1);
    HASH_ADD(hh, jobs->users, name, length, user);
    return user->name;
}

void jobs_users_free(struct stint_jobs *jobs)
{
    struct jobs_user *user;
    struct jobs_user *next;
    HASH_ITER(hh, jobs->users, user, next)
    {
        HASH_DEL(jobs->users, user);
        free(user);
    }
}
