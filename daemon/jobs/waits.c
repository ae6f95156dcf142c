/* Owns: what each waiting task's wait counts, kept in the store beside the jobs: what it was held,
 * and what priorities within its project did to its turn. The scheduler knows it pass by pass; a
 * daemon that was killed goes on from there. */
#include "job.h"
#include "stint/log.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define MOVED_MAX 512 /* of one resource in one turn of the loop */

static int keep(struct stint_jobs *jobs, const struct stint_scheduler *core,
                struct stint_task_key key)
{
    int64_t offset_ms = jobs->clock_offset_ms;
    struct stint_clock clock;
    struct job *job = jobs_find_task(jobs, key.job, key.task);
    if (!job || stint_scheduler_clock(core, key, &clock) != 0)
        return 0;
    struct stint_wait_row row = {
        .job = key.job,
        .task = key.task,
        .ready_ms = clock.ready_ms + offset_ms,
        .blocked_ms = clock.blocked_ms == INT64_MIN ? 0 : clock.blocked_ms + offset_ms,
        .lent_ms = clock.lent_count ? clock.lent_ms + offset_ms : 0,
        .lent_count = clock.lent_count,
        .has_lent = clock.has_lent,
    };
    job->has_wait = true;
    return stint_store_put_wait(jobs->options.store, &row, NULL);
}

bool waits_keep(struct stint_jobs *jobs)
{
    bool is_done = true;
    for (uint32_t i = 0; i < jobs->options.resources->count; i++) {
        const struct stint_scheduler *core =
            stint_clerk_scheduler(jobs->options.resources->list[i].clerk);
        struct stint_task_key moved[MOVED_MAX];
        if (stint_store_ready(jobs->options.store, NULL) != 0)
            return is_done; /* they are asked for again when it takes changes */
        size_t count = stint_scheduler_clocks_moved(core, moved, MOVED_MAX);
        int r = 0;
        for (size_t k = 0; k < count && r == 0; k++)
            r = keep(jobs, core, moved[k]);
        if (r != 0)
            stint_log(STINT_LOG_WARNING, "wait-not-kept",
                      "cause=\"no room in the batch\" note=\"a restart now would count time that "
                      "was held as waited\"");
        is_done = is_done && count < MOVED_MAX;
    }
    return is_done;
}

void wait_over(struct stint_jobs *jobs, struct job *job)
{
    struct stint_wait_row row = { .job = job->id, .task = job->task };
    if (!job->has_wait)
        return;
    job->has_wait = stint_store_put_wait(jobs->options.store, &row, NULL) != 0;
}

static bool load_wait(void *context, const struct stint_wait_row *row)
{
    struct stint_jobs *jobs = context;
    int64_t offset_ms = jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    struct job *job = jobs_find_task(jobs, row->job, row->task);
    if (!job || !job_is_waiting(job) || job_is_homeless(jobs, job))
        return true;
    struct stint_clock clock = {
        .ready_ms = row->ready_ms - offset_ms,
        .blocked_ms = row->blocked_ms ? row->blocked_ms - offset_ms : INT64_MIN,
        .lent_ms = row->lent_count ? row->lent_ms - offset_ms : 0,
        .lent_count = row->lent_count,
        .has_lent = row->has_lent,
    };
    if (job->blocked == STINT_REASON_NONE && row->blocked_ms) { /* freed as the daemon died */
        clock.ready_ms += jobs->options.now_boot_ms() - clock.blocked_ms;
        clock.blocked_ms = INT64_MIN;
    }
    job->has_wait = true;
    (void)stint_clerk_set_wait(job_clerk(jobs, job), job_task_key(job), &clock);
    return true;
}

int waits_load(struct stint_jobs *jobs)
{
    return stint_reader_each_live_wait(stint_store_reader(jobs->options.store), load_wait, jobs);
}
