/* Owns: the first estimate of a job's start: given within a second or so of its submission, off the
 * way of a submission, kept beside the job, and measured against the start when it comes. How good
 * they were is public (GET /api/v1/reports/estimates). What people do to a job (a hold) or a start
 * that was there before any estimate is no measure of one, and leaves none.
 *
 * What users took of their limits before, from which the expected start follows, is told to the
 * scheduler when the store is read; it learns on from each end by itself. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "job.h"
#include "stint/ledger.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define REFRESH_MS    1000  /* estimates are given at most so often … */
#define REFRESH_PART  20    /* … and take at most such a part of the loop's time */
#define GIVEN_MAX     1000  /* rows a time */
#define PAST_RUNS     10000 /* the newest, which tell what users take of their limits */
#define ROUND_UP_MS   999   /* a start within its second is not later than what was told */
#define VOID_START_MS (-1)  /* in the store: no start will be measured */

static uint32_t to_seconds(int64_t ms)
{
    int64_t since_s = (ms - ESTIMATE_EPOCH_MS) / 1000;
    return since_s < 0 ? 0 : since_s > UINT32_MAX ? UINT32_MAX : (uint32_t)since_s;
}

static int64_t from_seconds(uint32_t since_s)
{
    return ESTIMATE_EPOCH_MS + (int64_t)since_s * 1000;
}

/* The one that has the estimate: of an array, the array. */
static struct job *teller(struct job *job)
{
    return job->array ? job->array->whole : job;
}

static int put(struct stint_jobs *jobs, const struct job *job, int64_t start_ms)
{
    struct stint_estimate_row row = { .job = job->id,
                                      .given_ms = from_seconds(job->estimate.given_s),
                                      .p50_ms = from_seconds(job->estimate.p50_s),
                                      .p90_ms = from_seconds(job->estimate.p90_s),
                                      .start_ms = start_ms };
    return stint_store_put_estimate(jobs->options.store, &row, NULL);
}

/* Is there something to be told of @job that was not told yet? Gives it. */
static bool give(struct stint_jobs *jobs, struct job *job)
{
    struct stint_job_view view;
    if (job->estimate.is_given || job_is_task(job) || !job_is_waiting(job) || job->attempt > 0 ||
        job->blocked != STINT_REASON_NONE)
        return false;
    job_view_waiting(jobs, job, &view);
    if (view.estimate_p90_ms == 0)
        return false;
    job->estimate = (struct job_estimate){ .given_s = to_seconds(jobs->options.now_wall_ms()),
                                           .p50_s = to_seconds(view.estimate_p50_ms + ROUND_UP_MS),
                                           .p90_s = to_seconds(view.estimate_p90_ms + ROUND_UP_MS),
                                           .is_given = true };
    if (put(jobs, job, 0) == 0)
        return true;
    job->estimate.is_given = false;
    return false;
}

void estimates_refresh(struct stint_jobs *jobs)
{
    int64_t begin_ms = jobs->options.now_boot_ms();
    size_t given = 0;
    if (begin_ms < jobs->estimates_due_ms || !jobs->has_unestimated ||
        stint_store_ready(jobs->options.store, NULL) != 0)
        return;
    jobs->has_unestimated = false;
    for (struct job *job = jobs->table; job && given < GIVEN_MAX; job = job->hh.next)
        given += give(jobs, job);
    int64_t took_ms = jobs->options.now_boot_ms() - begin_ms;
    int64_t pause_ms = took_ms * REFRESH_PART > REFRESH_MS ? took_ms * REFRESH_PART : REFRESH_MS;
    jobs->estimates_due_ms = begin_ms + took_ms + pause_ms;
    jobs->has_unestimated = given == GIVEN_MAX;
}

int64_t estimates_due_ms(const struct stint_jobs *jobs)
{
    return jobs->has_unestimated ? jobs->estimates_due_ms : INT64_MAX;
}

void estimate_wanted(struct stint_jobs *jobs)
{
    int64_t soon_ms = jobs->options.now_boot_ms() + REFRESH_MS;
    if (!jobs->has_unestimated && jobs->estimates_due_ms < soon_ms)
        jobs->estimates_due_ms = soon_ms;
    jobs->has_unestimated = true;
}

/* @start_ms, or VOID_START_MS. A full batch loses the measure, nothing else. */
static void end(struct stint_jobs *jobs, struct job *job, int64_t start_ms)
{
    struct job *told = teller(job);
    if (!told->estimate.is_given || told->estimate.is_over)
        return;
    (void)put(jobs, told, start_ms);
    told->estimate.is_over = true;
}

void estimate_started(struct stint_jobs *jobs, struct job *job)
{
    end(jobs, job, job->start_ms);
}

void estimate_void(struct stint_jobs *jobs, struct job *job)
{
    end(jobs, job, VOID_START_MS);
}

/* ---- from the store ---- */

static bool load_estimate(void *context, const struct stint_estimate_row *row)
{
    struct stint_jobs *jobs = context;
    struct job *job = jobs_find(jobs, row->job);
    if (job)
        job->estimate = (struct job_estimate){ .given_s = to_seconds(row->given_ms),
                                               .p50_s = to_seconds(row->p50_ms),
                                               .p90_s = to_seconds(row->p90_ms),
                                               .is_given = true,
                                               .is_over = row->start_ms != 0 };
    return true;
}

/* Past runs, newest first; a user is known by the number of his account. */
struct past {
    struct stint_jobs *jobs;
    struct {
        uint32_t user;
        int64_t took_ms;
        int64_t walltime_ms;
    } runs[PAST_RUNS];
    size_t count;
};

static bool load_past(void *context, const struct stint_run_row *row)
{
    struct past *past = context;
    uint32_t user = jobs_user_number(past->jobs, row->project, row->uid);
    if (user != UINT32_MAX && row->walltime_s > 0 && row->elapsed_ms >= 0) {
        past->runs[past->count].user = user;
        past->runs[past->count].took_ms = row->elapsed_ms;
        past->runs[past->count++].walltime_ms = row->walltime_s * 1000;
    }
    return past->count < PAST_RUNS;
}

/* How people use their limits is theirs wherever they run. */
static int tell_ratio(const struct stint_jobs *jobs, uint32_t user, uint32_t milli)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < jobs->options.resources->count; i++)
        r = stint_clerk_set_ratio(jobs->options.resources->list[i].clerk, user, milli);
    return r;
}

/* Oldest first, as if the scheduler had seen them end. */
static int tell_past(struct past *past)
{
    uint32_t *milli = calloc(STINT_SCHEDULER_ACCOUNT_MAX, sizeof(*milli));
    int r = milli ? 0 : -ENOMEM;
    for (size_t i = past->count; milli && i-- > 0;) {
        uint32_t user = past->runs[i].user;
        milli[user] =
            stint_ratio_learn(milli[user], past->runs[i].took_ms, past->runs[i].walltime_ms);
    }
    for (size_t i = 0; milli && r == 0 && i < past->count; i++) {
        uint32_t user = past->runs[i].user;
        if (milli[user] > 0)
            r = tell_ratio(past->jobs, user, milli[user]);
        milli[user] = 0; /* told */
    }
    free(milli);
    return r;
}

int estimates_load_past(struct stint_jobs *jobs)
{
    struct past *past = calloc(1, sizeof(*past));
    if (!past)
        return -ENOMEM;
    past->jobs = jobs;
    int r = stint_reader_each_past_run(stint_store_reader(jobs->options.store), PAST_RUNS,
                                       load_past, past);
    if (r == 0)
        r = tell_past(past);
    free(past);
    return r;
}

int estimates_load(struct stint_jobs *jobs)
{
    jobs->has_unestimated = true;
    jobs->estimates_due_ms = jobs->options.now_boot_ms() + REFRESH_MS;
    return stint_reader_each_live_estimate(stint_store_reader(jobs->options.store), load_estimate,
                                           jobs);
}
