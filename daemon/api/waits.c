/* Owns: requests that wait for a job's end (GET /jobs/{id}?wait_s=). Bounded; a client that has
 * gone is noticed at the next tick, since a suspended connection tells nothing by itself. */
#include "api_private.h"

#include <errno.h>
#include <stdlib.h>

#include "stint/jobs.h"

struct wait {
    struct exchange *ex;
    uint64_t job;
    uint32_t task; /* STINT_TASK_WHOLE: all of it */
    uint64_t until_ms;
    void (*answer)(struct exchange *ex);
};

struct waits {
    size_t count;
    struct wait items[API_WAITS_MAX];
};

int waits_new(struct waits **ret_waits)
{
    struct waits *waits = calloc(1, sizeof(*waits));
    if (!waits)
        return -ENOMEM;
    *ret_waits = waits;
    return 0;
}

struct waits *waits_free(struct waits *waits)
{
    for (size_t i = 0; waits && i < waits->count; i++)
        exchange_unref(waits->items[i].ex);
    free(waits);
    return NULL;
}

bool waits_add(struct exchange *ex, uint64_t job, uint32_t task, int64_t wait_s,
               void (*answer)(struct exchange *ex))
{
    struct waits *waits = ex->api->waits;
    if (waits->count == API_WAITS_MAX || wait_s <= 0)
        return false;
    waits->items[waits->count++] =
        (struct wait){ exchange_ref(ex), job, task,
                       uv_now(ex->api->options.loop) + (uint64_t)wait_s * 1000, answer };
    return true;
}

/* Takes @index out and answers it, unless nobody is left. */
static void wait_finish(struct waits *waits, size_t index)
{
    struct wait wait = waits->items[index];
    waits->items[index] = waits->items[--waits->count];
    if (!exchange_is_gone(wait.ex))
        wait.answer(wait.ex);
    exchange_unref(wait.ex);
}

bool job_or_task_is_done(const struct stint_api *api, uint64_t job, uint32_t task)
{
    struct stint_job_view view;
    int r = task == STINT_TASK_WHOLE ? stint_jobs_view(api->options.jobs, job, &view)
                                     : stint_jobs_view_task(api->options.jobs, job, task, &view);
    return r != 0 || view.state == STINT_JOB_DONE;
}

void waits_on_event(struct stint_api *api, uint64_t job)
{
    struct waits *waits = api->waits;
    for (size_t i = waits->count; i-- > 0;)
        if (i < waits->count && waits->items[i].job == job &&
            job_or_task_is_done(api, job, waits->items[i].task))
            wait_finish(waits, i);
}

void waits_tick(struct stint_api *api)
{
    struct waits *waits = api->waits;
    uint64_t now_ms = uv_now(api->options.loop);
    for (size_t i = waits->count; i-- > 0;) {
        if (i >= waits->count)
            continue;
        if (exchange_is_hung_up(waits->items[i].ex) || waits->items[i].until_ms <= now_ms)
            wait_finish(waits, i);
    }
}
