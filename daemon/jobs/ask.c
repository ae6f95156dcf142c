/* Owns: what the scheduler and the ledger are told of a job, and what keeps a job from starting
 * that is not the machine's: verdicts, holds, dependencies, suspended people, awards. */
#include <assert.h>
#include <inttypes.h>

#include "job.h"
#include "stint/ledger.h"

uint32_t jobs_user_number(struct stint_jobs *jobs, int64_t project, uid_t uid)
{
    uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX];
    size_t count = stint_ledger_accounts(jobs->options.ledger, project, uid, 0, accounts);
    return count > STINT_LEDGER_USER_ACCOUNT ? accounts[STINT_LEDGER_USER_ACCOUNT] : UINT32_MAX;
}

void jobs_ask_of(struct stint_jobs *jobs, const struct job *job, struct stint_ask *ret_ask)
{
    int64_t offset_ms = jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    *ret_ask = (struct stint_ask){
        .key = job_task_key(job),
        .cpus = job->cpus,
        .gpus = job->gpus,
        .gpu_milli = job->gpu_milli,
        .gpu_type = job->gpu_type,
        .locality = job->locality,
        .nodes = 1,
        .priority = job->priority,
        .preemptible = job->preemptible != STINT_PREEMPTIBLE_NO,
        .attained_ms = job->attained_ms,
        .user = UINT32_MAX,
        .memory_bytes = job->memory_bytes,
        .walltime_ms = job->walltime_s * 1000,
        .submit_ms = job->submit_ms - offset_ms,
        .begin_ms = job->begin_ms ? job->begin_ms - offset_ms : 0,
        .cost_micro = job_charge(jobs, job, job->walltime_s * 1000),
        .fair_account = stint_ledger_seat(jobs->options.ledger, job->project, job->uid),
    };
    ret_ask->gpu_memory_bytes = job->gpu_memory_bytes;
    ret_ask->nodes = job->nodes;
    ret_ask->account_count = (uint32_t)stint_ledger_accounts(
        jobs->options.ledger, job->project, job->uid, job->award, ret_ask->accounts);
    if (ret_ask->account_count > STINT_LEDGER_USER_ACCOUNT)
        ret_ask->user = ret_ask->accounts[STINT_LEDGER_USER_ACCOUNT];
    if (job->array && job->array->account != STINT_NO_ACCOUNT)
        ret_ask->accounts[ret_ask->account_count++] = job->array->account;
    if (job->array && job_is_whole(job))
        ret_ask->tasks = job->array->waiting;
}

int64_t job_charge(struct stint_jobs *jobs, const struct job *job, int64_t ms)
{
    struct stint_charge_size size = {
        .gpu_milli = (int64_t)job->gpus * job->gpu_milli * job->nodes,
        .cores = (int64_t)job->cpus * job->nodes,
        .memory_bytes = job->memory_bytes * job->nodes,
        .is_preemptible = job->preemptible != STINT_PREEMPTIBLE_NO,
        .resource = job_resource_number(jobs, job),
    };
    return stint_ledger_charge(jobs->options.ledger, &size, ms);
}

static bool outcome_satisfies(enum stint_job_outcome outcome, enum stint_after_when when)
{
    switch (when) {
    case STINT_AFTER_OK:
        return outcome == STINT_OUTCOME_COMPLETED;
    case STINT_AFTER_FAIL:
        return outcome != STINT_OUTCOME_COMPLETED;
    case STINT_AFTER_ANY:
        return true;
    }
    return false;
}

/* The first dependency that has failed, and the first that has not ended; either may be none. */
static void dependency_blocks(const struct job *job, struct stint_reason *ret_failed,
                              struct stint_reason *ret_waiting)
{
    *ret_failed = (struct stint_reason){ .account = STINT_NO_ACCOUNT };
    *ret_waiting = *ret_failed;
    for (size_t i = 0; i < job->after_count; i++) {
        const struct job_after *after = &job->after[i];
        bool is_waiting = after->outcome == STINT_OUTCOME_NONE;
        struct stint_reason *reason = is_waiting ? ret_waiting : ret_failed;
        if ((!is_waiting && outcome_satisfies(after->outcome, after->when)) ||
            reason->code != STINT_REASON_NONE)
            continue;
        reason->code = is_waiting ? STINT_REASON_DependencyWaiting : STINT_REASON_DependencyFailed;
        reason->asked = (int64_t)after->job;
        reason->limit = after->task == STINT_TASK_WHOLE ? 0 : (int64_t)after->task + 1;
    }
}

int jobs_check_after(const struct job *job, struct stint_error *err)
{
    for (size_t i = 0; i < job->after_count; i++) {
        const struct job_after *after = &job->after[i];
        char name[JOB_NAME_MAX];
        (void)snprintf(name, sizeof(name),
                       after->task == STINT_TASK_WHOLE ? "%" PRIu64 : "%" PRIu64 "_%" PRIu32,
                       after->job, after->task);
        if (after->outcome != STINT_OUTCOME_NONE &&
            !outcome_satisfies(after->outcome, after->when)) {
            (void)stint_fail(err, STINT_WRONG_STATE,
                             "after: job %s has ended, %s: it would be waited for in vain", name,
                             stint_job_outcome_name(after->outcome));
            return stint_fix(err, STINT_WRONG_STATE, "submit it without that, or --after any:%s",
                             name);
        }
        for (size_t k = 0; k < i; k++)
            if (job->after[k].job == after->job && job->after[k].task == after->task &&
                job->after[k].when != after->when && after->when != STINT_AFTER_ANY &&
                job->after[k].when != STINT_AFTER_ANY) {
                (void)stint_fail(err, STINT_INVALID, "after: job %s cannot both complete and fail",
                                 name);
                return stint_fix(err, STINT_INVALID, "--after any:%s for either", name);
            }
    }
    return 0;
}

/* The table of reasons is in the order of headlines, so the smaller token comes first. */
static size_t add_block(struct stint_reason *blocks, size_t count, const struct stint_reason *other)
{
    if (other->code == STINT_REASON_NONE)
        return count;
    size_t at = count;
    for (; at > 0 && other->code < blocks[at - 1].code; at--)
        blocks[at] = blocks[at - 1];
    blocks[at] = *other;
    return count + 1;
}

size_t jobs_blocks(struct stint_jobs *jobs, const struct job *job,
                   struct stint_reason blocks[JOB_BLOCKS_MAX])
{
    struct stint_reason other = { .account = STINT_NO_ACCOUNT };
    struct stint_reason failed;
    size_t count = 0;
    if (job_is_homeless(jobs, job)) {
        blocks[0] = (struct stint_reason){ .code = STINT_REASON_NoSuchResource,
                                           .account = STINT_NO_ACCOUNT };
        return 1;
    }
    if (!job->is_evaluated)
        other.code = job->is_in_review ? STINT_REASON_NotReviewedYet : STINT_REASON_NotEvaluatedYet;
    count = add_block(blocks, count, &other);
    other.code = STINT_REASON_NONE;
    if (job->state == STINT_JOB_HELD)
        other.code = job->held_by == STINT_ROLE_OPERATOR ? STINT_REASON_HeldByAdmin
                                                         : STINT_REASON_HeldByUser;
    count = add_block(blocks, count, &other);
    dependency_blocks(job, &failed, &other);
    count = add_block(blocks, count, &failed);
    count = add_block(blocks, count, &other);
    other = stint_ledger_blocks(jobs->options.ledger, job->project, job->resource, job->uid,
                                job->asked_award, job_charge(jobs, job, job->walltime_s * 1000));
    return add_block(blocks, count, &other);
}

struct stint_reason jobs_block(struct stint_jobs *jobs, const struct job *job)
{
    struct stint_reason blocks[JOB_BLOCKS_MAX];
    if (jobs_blocks(jobs, job, blocks) > 0)
        return blocks[0];
    return (struct stint_reason){ .account = STINT_NO_ACCOUNT };
}

bool is_ledger_reason(enum stint_reason_code code)
{
    switch ((int)code) {
    case STINT_REASON_ProjectSuspended:
    case STINT_REASON_UserSuspended:
    case STINT_REASON_NoAward:
    case STINT_REASON_AwardExpired:
    case STINT_REASON_AwardNotStarted:
    case STINT_REASON_BalanceExhausted:
    case STINT_REASON_BalanceHeld:
        return true;
    default:
        return false;
    }
}

/* Keeps count of those in the table that a settlement may let pay. */
static void job_set_blocked(struct stint_jobs *jobs, struct job *job, enum stint_reason_code code)
{
    if (job->hh.tbl) {
        assert(!is_ledger_reason(job->blocked) || jobs->ledger_blocked_count > 0);
        jobs->ledger_blocked_count -= is_ledger_reason(job->blocked);
        jobs->ledger_blocked_count += is_ledger_reason(code);
    }
    job->blocked = code;
}

void job_reblock(struct stint_jobs *jobs, struct job *job)
{
    struct stint_reason reason = jobs_block(jobs, job);
    if (reason.code == job->blocked && reason.code == STINT_REASON_NONE)
        return;
    job_set_blocked(jobs, job, reason.code);
    if (reason.code == STINT_REASON_NONE)
        estimate_wanted(jobs);
    int r = stint_clerk_set_blocked(job_clerk(jobs, job), job_task_key(job), &reason);
    assert(r == 0);
    (void)r;
}

int job_enqueue(struct stint_jobs *jobs, struct job *job, struct stint_error *err)
{
    struct stint_ask ask;
    struct stint_reason reason;
    job->award = job->asked_award;
    if (job->award == 0)
        (void)stint_ledger_award_for(jobs->options.ledger, job->project, job->resource, 0,
                                     job_charge(jobs, job, job->walltime_s * 1000), &job->award);
    jobs_ask_of(jobs, job, &ask);
    int r = stint_clerk_submit(job_clerk(jobs, job), &ask, err);
    if (r != 0)
        return r;
    reason = jobs_block(jobs, job);
    job_set_blocked(jobs, job, reason.code);
    estimate_wanted(jobs);
    if (reason.code != STINT_REASON_NONE)
        (void)stint_clerk_set_blocked(job_clerk(jobs, job), job_task_key(job), &reason);
    return 0;
}
