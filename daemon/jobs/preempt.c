/* Owns: a run that makes room for a waiting job (`--preemptible`). The scheduler says whom to stop;
 * the stop is journalled first and done when that is on disk (invariant 5), so that a daemon which
 * dies in the middle goes on with it:
 *
 *   RUNNING ──preempted──▶ ENDING ──▶ signal of --signal, its time ──▶ SIGTERM, grace, SIGKILL
 *                             └──────────────── requeued ──▶ PENDING
 *
 * One that declared `requeue` is only sent the second half. Whatever ends a run that was sent its
 * signal has made a checkpoint, also with exit status 0; one that ended well before anything was
 * sent is simply done. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "job.h"
#include "stint/engine.h"
#include "stint/log.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define STOPS_ONCE  64
#define AGAIN_MS    1000 /* a run that is not running yet is looked at again */
#define STOP_SENT   1    /* @stop_ms once its time is over: the signal was sent, and the end */
#define ATTEMPT_MAX 4096 /* earlier runs that are summed up at a start */

/* ---- what it had of service */

int64_t job_processors(const struct job *job)
{
    int64_t gpus = (int64_t)job->gpus * job->gpu_milli / 1000;
    int64_t each = job->gpus > 0 ? (gpus > 0 ? gpus : 1) : job->cpus;
    return (each > 0 ? each : 1) * job->nodes;
}

void preempt_attain(struct job *job, uint64_t elapsed_ms)
{
    int64_t more;
    if (elapsed_ms > INT64_MAX || job->preemptible == STINT_PREEMPTIBLE_NO)
        return;
    if (__builtin_mul_overflow((int64_t)elapsed_ms, job_processors(job), &more) ||
        __builtin_add_overflow(job->attained_ms, more, &job->attained_ms))
        job->attained_ms = INT64_MAX / 2;
}

static bool attain_run(void *context, const struct stint_run_row *row)
{
    preempt_attain(context, row->elapsed_ms > 0 ? (uint64_t)row->elapsed_ms : 0);
    return false;
}

int preempt_load(struct stint_jobs *jobs, struct job *job)
{
    struct stint_reader *reader = stint_store_reader(jobs->options.store);
    struct stint_run_key key = job_run_key(job);
    uint32_t last = job->attempt - (job_holds(job) ? 1 : 0);
    int r = 0;
    if (job->preemptible == STINT_PREEMPTIBLE_NO || job->attempt == 0)
        return 0;
    job->attained_ms = 0;
    key.attempt = last > ATTEMPT_MAX ? last - ATTEMPT_MAX : 0;
    while (key.attempt++ < last && (r == 0 || r == -ENOENT))
        r = stint_reader_run(reader, key, attain_run, job);
    return r == -ENOENT ? 0 : r;
}

/* ---- the stop */

/* The signal that its owner asked for, and how long it takes at most; 0 for none. */
static int checkpoint_signal(const struct stint_jobs *jobs, const struct job *job,
                             int64_t *ret_lead_ms)
{
    struct stint_request request;
    json_t *json = json_loads(job->spec, JSON_REJECT_DUPLICATES, NULL);
    int r = json ? stint_request_parse_stored(json, &request, NULL) : STINT_INVALID;
    json_decref(json);
    if (r != 0)
        return 0;
    int number = request.signal_number;
    int64_t lead_s = request.signal_before_s;
    stint_request_deinit(&request);
    if (lead_s > job_resource(jobs, job)->checkpoint_max_s)
        lead_s = job_resource(jobs, job)->checkpoint_max_s;
    *ret_lead_ms = lead_s * 1000;
    return number;
}

void preempt_stop(struct stint_jobs *jobs, struct job *job)
{
    struct stint_engine *engine = jobs->options.engine;
    int64_t lead_ms = 0;
    int number = job->preemptible == STINT_PREEMPTIBLE_CHECKPOINT
                     ? checkpoint_signal(jobs, job, &lead_ms)
                     : 0;
    if (number == 0) {
        (void)stint_engine_cancel(engine, job_run_key(job), NULL);
        return;
    }
    if (job->run->ran_ms > 0) /* it was suspended, and hears nothing */
        (void)stint_engine_resume(engine, job_run_key(job), NULL);
    (void)stint_engine_signal(engine, job_run_key(job), number, NULL);
    job->run->stop_ms = jobs->options.now_boot_ms() + lead_ms;
    jobs->has_stops = true;
    jobs->options.pass_wanted(jobs->options.context);
}

/* Returns false when it is to be tried again. */
static bool begin_stop(struct stint_jobs *jobs, struct job *job)
{
    struct stint_error err = { 0 };
    struct job_cause cause = { .actor = "scheduler", .note = "to make room for another job" };
    if (job->state != STINT_JOB_RUNNING && job->state != STINT_JOB_SUSPENDED)
        return job->state != STINT_JOB_STARTING; /* what ends needs no stop */
    if (stint_store_ready(jobs->options.store, NULL) != 0)
        return false;
    job->is_requeue_wanted = true;
    job->is_preempted = true;
    int r = job_post(jobs, job, JOB_PREEMPTED, &cause, &err);
    if (r == 0) {
        run_stop_when_durable(jobs, job);
        return true;
    }
    job->is_requeue_wanted = false;
    job->is_preempted = false;
    return false;
}

static void note_stop(struct stint_jobs *jobs, struct stint_task_key key)
{
    struct job *job = jobs_find_task(jobs, key.job, key.task);
    if (!job || !job_holds(job))
        return;
    job->is_stop_wanted = true;
    jobs->has_stops = true;
}

static void take_stops(struct stint_jobs *jobs, struct stint_clerk *clerk)
{
    struct stint_task_key keys[STOPS_ONCE];
    size_t count;
    do {
        count = stint_clerk_stops(clerk, keys, STOPS_ONCE);
        for (size_t i = 0; i < count; i++)
            note_stop(jobs, keys[i]);
    } while (count == STOPS_ONCE);
}

/* Begins or goes on with one stop; when it is looked at next, INT64_MAX for never. */
static int64_t look_again(struct stint_jobs *jobs, struct job *job, int64_t now_ms)
{
    if (job->is_stop_wanted)
        job->is_stop_wanted = !begin_stop(jobs, job);
    if (job->is_stop_wanted)
        return now_ms + AGAIN_MS;
    if (!job->run)
        return INT64_MAX;
    if (job->run->stop_ms > now_ms)
        return job->run->stop_ms;
    if (job->run->stop_ms > STOP_SENT && job->is_launch_sent) {
        (void)stint_engine_cancel(jobs->options.engine, job_run_key(job), NULL);
        job->run->stop_ms = STOP_SENT;
    }
    return INT64_MAX;
}

/* O(live jobs) while somebody is being stopped. */
void preempt_follow(struct stint_jobs *jobs)
{
    int64_t now_ms = jobs->options.now_boot_ms();
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        take_stops(jobs, jobs->options.resources->list[i].clerk);
    if (!jobs->has_stops)
        return;
    jobs->has_stops = false;
    jobs->stop_ms = INT64_MAX;
    for (struct job *job = jobs->table; job; job = job->hh.next) {
        int64_t next_ms = look_again(jobs, job, now_ms);
        jobs->has_stops |= next_ms != INT64_MAX;
        jobs->stop_ms = next_ms < jobs->stop_ms ? next_ms : jobs->stop_ms;
    }
}

bool preempt_comes_back(const struct job *job, enum stint_job_outcome outcome)
{
    if (outcome == STINT_OUTCOME_TIMEOUT)
        return false; /* its time was over anyhow */
    return outcome != STINT_OUTCOME_COMPLETED || job->run->stop_ms != 0;
}
