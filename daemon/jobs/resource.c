/* Owns: which resource a job is on. One whose resource is not configured any more keeps its name,
 * waits in the default resource's queue, and cannot start there: NoSuchResource. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "stint/ledger.h"

bool job_is_homeless(const struct stint_jobs *jobs, const struct job *job)
{
    return job->resource >= jobs->options.resources->count;
}

const struct stint_resource *job_resource(const struct stint_jobs *jobs, const struct job *job)
{
    return &jobs->options.resources->list[job_is_homeless(jobs, job) ? 0 : job->resource];
}

const char *job_resource_name(const struct stint_jobs *jobs, const struct job *job)
{
    return job_is_homeless(jobs, job) ? jobs->gone[job->resource - STINT_RESOURCE_MAX]
                                      : job_resource(jobs, job)->name;
}

uint32_t job_resource_number(const struct stint_jobs *jobs, const struct job *job)
{
    return job_is_homeless(jobs, job) ? STINT_RESOURCE_NONE : job->resource;
}

struct stint_clerk *job_clerk(const struct stint_jobs *jobs, const struct job *job)
{
    return job_resource(jobs, job)->clerk;
}

const struct stint_scheduler *job_core(const struct stint_jobs *jobs, const struct job *job)
{
    return stint_clerk_scheduler(job_clerk(jobs, job));
}

const struct stint_machine *job_machine(const struct stint_jobs *jobs, const struct job *job)
{
    return job_resource(jobs, job)->machine;
}

int job_place(struct stint_jobs *jobs, struct job *job, const char *name)
{
    uint32_t index = stint_resource_find(jobs->options.resources, name);
    if (index != STINT_RESOURCE_NONE) {
        job->resource = (uint8_t)index;
        return 0;
    }
    uint32_t i = 0;
    while (i < jobs->gone_count && strcmp(jobs->gone[i], name) != 0)
        i++;
    if (i == JOBS_GONE_MAX)
        return -ENOSPC;
    if (i == jobs->gone_count) {
        if (!(jobs->gone[i] = strdup(name)))
            return -ENOMEM;
        jobs->gone_count++;
    }
    job->resource = (uint8_t)(STINT_RESOURCE_MAX + i);
    return 0;
}

uint32_t stint_jobs_resource_of(struct stint_jobs *jobs, const struct stint_request *request)
{
    if (request->resource || !request->award)
        return stint_resource_find(jobs->options.resources, request->resource);
    uint32_t on = stint_ledger_award_resource(jobs->options.ledger, request->award);
    return on == STINT_RESOURCE_NONE ? 0 : on;
}

const struct stint_resource *stint_jobs_resource(const struct stint_jobs *jobs, uint32_t index)
{
    return stint_resource_at(jobs->options.resources, index);
}

/* ---- a run may hold things that the configuration has given to other resources since: each of
 * these knows the run until it ends, so that nobody is granted them twice (invariant 3) */

void run_core_end(struct stint_jobs *jobs, struct job *job)
{
    struct stint_task_key key = job_task_key(job);
    int64_t now_ms = jobs->options.now_boot_ms();
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        if (job->run->is_spread || i == job_resource_number(jobs, job))
            (void)stint_clerk_end(jobs->options.resources->list[i].clerk, key, now_ms);
}

void run_core_undo(struct stint_jobs *jobs, struct job *job)
{
    struct stint_task_key key = job_task_key(job);
    bool is_spread = job->run && job->run->is_spread;
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        if (is_spread || i == job_resource_number(jobs, job))
            (void)stint_clerk_undo(jobs->options.resources->list[i].clerk, key);
}

void run_core_set_ends(struct stint_jobs *jobs, struct job *job, int64_t ends_ms)
{
    struct stint_task_key key = job_task_key(job);
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        if (job->run->is_spread || i == job_resource_number(jobs, job))
            (void)stint_clerk_set_ends(jobs->options.resources->list[i].clerk, key, ends_ms);
}

/* What of a machine's things an allocation has at all. */
static bool has_something(const struct stint_allocation *allocation)
{
    for (uint32_t i = 0; i < allocation->grant_count; i++)
        if (allocation->grants[i].core_count > 0 || allocation->grants[i].gpu_count > 0)
            return true;
    return false;
}

/* The ask of a piece: what it holds, so that the core's counts are right; of GPUs and cores of
 * which the ask said another number. */
static void ask_of_piece(const struct stint_allocation *piece, struct stint_ask *ask)
{
    const struct stint_grant *grant = &piece->grants[0];
    ask->nodes = 1;
    ask->cpus = grant->core_count;
    ask->gpus = grant->gpu_count;
    ask->gpu_milli = grant->gpu_count > 0 ? grant->gpu_milli : 1000;
    ask->gpu_type = STINT_ANY_GPU_TYPE;
    ask->gpu_memory_bytes = 0;
    ask->memory_bytes = grant->memory_bytes;
    ask->fair_account = STINT_NO_ACCOUNT; /* counted where the job is, or nowhere */
    ask->user = UINT32_MAX;
}

static int adopt_piece(const struct stint_resource *resource, const char *text,
                       const struct stint_ask *whole, int64_t started_ms, int64_t ends_ms,
                       bool *ret_is_held, struct stint_error *err)
{
    stint_auto(stint_allocation_free) struct stint_allocation *piece = NULL;
    int r = stint_allocation_parse_part(resource->machine, text, &piece, err);
    if (r != 0 || piece->grant_count != 1 || !has_something(piece))
        return r;
    struct stint_ask ask = *whole;
    ask_of_piece(piece, &ask);
    r = stint_clerk_adopt(resource->clerk, &ask, piece, started_ms, ends_ms, err);
    if (r == STINT_CONFLICT && ask.memory_bytes > 0) {
        /* Its memory is divided otherwise now: cores and GPUs are what must not be granted. */
        memset(piece->grants[0].numa_memory, 0,
               resource->machine->nodes[0].shape->numa_count * sizeof(int64_t));
        piece->grants[0].memory_bytes = 0;
        ask.memory_bytes = 0;
        r = stint_clerk_adopt(resource->clerk, &ask, piece, started_ms, ends_ms, err);
    }
    *ret_is_held |= r == 0;
    return r;
}

int run_adopt_spread(struct stint_jobs *jobs, struct job *job, const struct stint_ask *ask,
                     int64_t started_ms, int64_t ends_ms, struct stint_error *err)
{
    bool is_held = false;
    int r = 0;
    job->run->is_spread = true;
    for (uint32_t i = 0; i < jobs->options.resources->count; i++) {
        const struct stint_resource *resource = &jobs->options.resources->list[i];
        if (!resource->is_part)
            continue;
        int piece = adopt_piece(resource, job->run->allocation_text, ask, started_ms, ends_ms,
                                &is_held, err);
        r = piece != 0 ? piece : r;
    }
    return r != 0 || is_held ? r : STINT_NOT_FOUND;
}

const struct stint_allocation *stint_jobs_held_on(const struct stint_jobs *jobs, uint64_t id,
                                                  uint32_t task, uint32_t resource)
{
    struct stint_task_key key = { id, task };
    const struct stint_resource *on = stint_resource_at(jobs->options.resources, resource);
    return on ? stint_scheduler_allocation(stint_clerk_scheduler(on->clerk), key) : NULL;
}
