/* Owns: one scheduling pass: what the plan starts is paid for, journalled and sent on; what the
 * ledger cannot pay goes back to the queue with that reason. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "job.h"
#include "journal.h"
#include "stint/ledger.h"
#include "stint/log.h"
#include "stint/store.h"

#define PASS_STARTS 64 /* starts taken from the plan at once */
#define PASS_ROUNDS_MAX                                                                            \
    64 /* rounds of those in one turn of the loop; the rest waits for the next turn */
#define CLOCK_STEP_MS 500 /* a wall clock that moved less against CLOCK_BOOTTIME did not step */

/* Begin times are wall clock, the plan runs on CLOCK_BOOTTIME: a stepped clock moves them, and
 * never a running job: what the clock will show at its end is what changes. */
static void follow_clock(struct stint_jobs *jobs)
{
    int64_t offset_ms = jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    int64_t moved_ms = offset_ms - jobs->clock_offset_ms;
    if (moved_ms < CLOCK_STEP_MS && moved_ms > -CLOCK_STEP_MS)
        return;
    jobs->clock_offset_ms = offset_ms;
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        (void)stint_clerk_set_clock(jobs->options.resources->list[i].clerk, offset_ms);
    for (struct job *job = jobs->table; job; job = job->hh.next) {
        if (job->run && job->run->ends_by_ms != 0)
            job->run->ends_by_ms += moved_ms;
        if (job->begin_ms != 0 && job_is_waiting(job))
            (void)stint_clerk_set_begin(job_clerk(jobs, job), job_task_key(job),
                                        job->begin_ms - offset_ms);
    }
}

/* After an administrator's change everybody looks again; after a settlement only those who could
 * not pay. */
static void follow_ledger(struct stint_jobs *jobs)
{
    uint64_t generation = stint_ledger_generation(jobs->options.ledger);
    bool is_changed = generation != jobs->ledger_generation;
    if (!is_changed && !jobs->is_balance_freed)
        return;
    jobs->ledger_generation = generation;
    jobs->is_balance_freed = false;
    if (!is_changed && jobs->ledger_blocked_count == 0)
        return; /* each end comes by here: a long queue that can pay is not walked */
    for (struct job *job = jobs->table; job; job = job->hh.next)
        if (job_is_waiting(job) && (is_changed || is_ledger_reason(job->blocked)))
            job_reblock(jobs, job);
}

static struct stint_ledger_run ledger_run(const struct stint_jobs *jobs, const struct job *job)
{
    return (struct stint_ledger_run){
        .key = job_run_key(job),
        .project = job->project,
        .uid = job->uid,
        .award = job->award,
        .size = { .gpu_milli = (int64_t)job->gpus * job->gpu_milli * job->nodes,
                  .cores = (int64_t)job->cpus * job->nodes,
                  .memory_bytes = job->memory_bytes * job->nodes,
                  .is_preemptible = job->preemptible != STINT_PREEMPTIBLE_NO,
                  .resource = job_resource_number(jobs, job) },
        .walltime_ms = job->walltime_s * 1000,
        .held_micro = job->run ? job->run->hold_micro : 0,
        .start_ms = job->start_ms,
    };
}

void job_ledger_run(const struct stint_jobs *jobs, const struct job *job,
                    struct stint_ledger_run *ret_run)
{
    *ret_run = ledger_run(jobs, job);
}

static int take_allocation(struct stint_jobs *jobs, struct job *job,
                           const struct stint_allocation *allocation)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_allocation_format_full(job_machine(jobs, job), allocation, &text);
    char *taken = stint_buffer_take(&text);
    if (!taken)
        return -ENOMEM;
    job->run->allocation_text = taken;
    int r = job_set_text(&job->run->node,
                         job_machine(jobs, job)->nodes[allocation->grants[0].node].name);
    return r != 0 ? r : job_set_text(&job->run->boot_id, jobs->options.boot_id);
}

/* The start that the plan chose, made durable: award, hold, run, state. On any refusal nothing of
 * it is left in the batch. */
static int grant(struct stint_jobs *jobs, struct job *job, const struct stint_start *start,
                 struct stint_reason *ret_block, struct stint_error *err)
{
    struct job_cause cause = { .actor = "scheduler" };
    int64_t cost = job_charge(jobs, job, job->walltime_s * 1000);
    *ret_block = stint_ledger_award_for(jobs->options.ledger, job->project, job->resource,
                                        job->asked_award, cost, &job->award);
    if (ret_block->code != STINT_REASON_NONE)
        return STINT_NO_AWARD;
    int r = job_run_open(job);
    if (r != 0)
        return r;
    job->run->hold_micro = cost;
    job->attempt++;
    /* The pass's own time: a later core is told the very start and end that this one knows. */
    job->run->start_boot_ms = start->ends_ms - job->walltime_s * 1000;
    job->start_ms =
        job->run->start_boot_ms + jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    job->run->ends_by_ms = job->start_ms + job->walltime_s * 1000;
    struct stint_ledger_run run = ledger_run(jobs, job);
    r = take_allocation(jobs, job, start->allocation);
    if (r == 0)
        r = run_launch_when_durable(jobs, job);
    if (r == 0)
        r = stint_ledger_hold(jobs->options.ledger, &run, err);
    if (r != 0)
        return r;
    r = job_post(jobs, job, JOB_GRANTED, &cause, err);
    if (r != 0) { /* no memory half way: a restart reads everything back as it was (invariant 5) */
        stint_log(STINT_LOG_ERROR, "start-not-recorded", "job=%" PRIu64 " cause=\"%s\"", job->id,
                  err->text);
        abort();
    }
    return 0;
}

/* A start that could not be had: back into the queue as if the plan had not chosen it. */
static void queue_again(struct stint_jobs *jobs, struct job *job)
{
    char label[JOB_NAME_MAX];
    int r = job_is_whole(job) ? array_enqueue(jobs, job, NULL) : job_enqueue(jobs, job, NULL);
    if (r != 0)
        stint_log(STINT_LOG_ERROR, "queue-lost",
                  "job=%s code=%d cause=\"it waits for the next restart\"", job_label(job, label),
                  r);
}

/* The start of what has no record, or keeps the one it has. */
static void decline(struct stint_jobs *jobs, struct stint_task_key key)
{
    struct job *job = jobs_find_task(jobs, key.job, key.task);
    if (!job)
        job = jobs_find(jobs, key.job);
    (void)stint_clerk_undo(job_clerk(jobs, job), key);
    stint_ledger_run_undone(jobs->options.ledger, job->project, job->uid);
    queue_again(jobs, job);
}

static void take_back(struct stint_jobs *jobs, struct job *job, uint32_t attempt)
{
    struct stint_task_key key = job_task_key(job);
    job->attempt = attempt;
    job->start_ms = 0;
    job_run_close(job);
    if (job_is_task(job) && !job->is_stored)
        array_join(jobs, job);
    decline(jobs, key);
}

/* The job that the plan starts: of an array, its task gets a record now. NULL without memory. */
static struct job *job_of_start(struct stint_jobs *jobs, struct stint_task_key key)
{
    struct job *job = jobs_find_task(jobs, key.job, key.task);
    if (job)
        return job;
    struct job *whole = jobs_find(jobs, key.job);
    assert(whole && whole->array);
    return array_split(jobs, whole, key.task);
}

/* Returns false when the batch is full or the store read-only: the pass ends, and the next turn
 * goes on. */
static bool begin(struct stint_jobs *jobs, const struct stint_start *start)
{
    struct stint_reason block = { 0 };
    struct stint_error err = { 0 };
    struct job *job = NULL;
    if (stint_store_ready(jobs->options.store, &err) != 0 ||
        !(job = job_of_start(jobs, start->key))) {
        decline(jobs, start->key);
        return false;
    }
    assert(job->state == STINT_JOB_PENDING);
    struct stint_store_mark mark = stint_store_mark(jobs->options.store);
    uint32_t attempt = job->attempt;
    int r = grant(jobs, job, start, &block, &err);
    if (r == 0) {
        estimate_started(jobs, job);
        wait_over(jobs, job);
        return true;
    }
    stint_store_rewind(jobs->options.store, mark);
    take_back(jobs, job, attempt);
    if (block.code == STINT_REASON_NONE)
        stint_log(STINT_LOG_WARNING, "start-refused", "job=%" PRIu64 "_%" PRIu32 " cause=\"%s\"",
                  start->key.job, start->key.task, err.text);
    return r == STINT_NO_AWARD;
}

/* One resource's turn; false when something is left for the next turn of the loop. @may_go_on:
 * false as soon as the batch is full. */
static bool pass_on(struct stint_jobs *jobs, const struct stint_resource *resource, bool *may_go_on)
{
    struct stint_start starts[PASS_STARTS];
    size_t count = PASS_STARTS;
    stint_ledger_share_counts(jobs->options.ledger);
    for (int round = 0; *may_go_on && count == PASS_STARTS && round < PASS_ROUNDS_MAX; round++) {
        int64_t now_ms = jobs->options.now_boot_ms();
        if (stint_clerk_pass(resource->clerk, now_ms, starts, PASS_STARTS, &count) != 0)
            break;
        for (size_t i = 0; i < count; i++) {
            if (*may_go_on)
                *may_go_on = begin(jobs, &starts[i]);
            else
                decline(jobs, starts[i].key);
        }
    }
    return *may_go_on && count < PASS_STARTS;
}

void stint_jobs_pass(struct stint_jobs *jobs)
{
    bool may_go_on = !stint_store_is_read_only(jobs->options.store);
    bool is_done = true;
    follow_clock(jobs);
    follow_ledger(jobs);
    if (jobs->has_unsent)
        run_retry(jobs);
    for (uint32_t i = 0; i < jobs->options.resources->count; i++)
        is_done = pass_on(jobs, &jobs->options.resources->list[i], &may_go_on) && is_done;
    is_done = waits_keep(jobs) && is_done;
    preempt_follow(jobs);
    estimates_refresh(jobs);
    jobs_transcript_keep(jobs);
    if (!is_done)
        jobs->options.pass_wanted(jobs->options.context);
}

int64_t stint_jobs_next_wakeup_ms(struct stint_jobs *jobs)
{
    int64_t next_boot_ms = INT64_MAX;
    int64_t next_ms = stint_ledger_next_turn_ms(jobs->options.ledger);
    for (uint32_t i = 0; i < jobs->options.resources->count; i++) {
        int64_t core_ms =
            stint_scheduler_next_ms(stint_clerk_scheduler(jobs->options.resources->list[i].clerk));
        next_boot_ms = core_ms < next_boot_ms ? core_ms : next_boot_ms;
    }
    if (estimates_due_ms(jobs) < next_boot_ms)
        next_boot_ms = estimates_due_ms(jobs);
    if (next_boot_ms != INT64_MAX) {
        int64_t wall_ms = next_boot_ms + jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
        if (next_ms == 0 || wall_ms < next_ms)
            next_ms = wall_ms;
    }
    if (jobs->has_stops) {
        int64_t wall_ms = jobs->stop_ms + jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
        if (next_ms == 0 || wall_ms < next_ms)
            next_ms = wall_ms;
    }
    return next_ms;
}
