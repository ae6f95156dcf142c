/* Owns: what is told of a waiting job's start: two instants, or in words what ends the time for
 * which none can be told. The scheduler plans what waits in its queue; here it is asked to suppose
 * what people decide (a release) or what other jobs do (the ends of those that this one waits for),
 * and calendars are looked at. */
#include <stdlib.h>

#include "job.h"
#include "stint/civil.h"
#include "stint/ledger.h"

#define CHAIN_MAX 200  /* jobs that wait for each other, one behind the other, that are followed */
#define MEMO_MAX  1024 /* ends that are remembered; a power of two */

/* An estimate beyond this is no estimate: something stands in the way that nobody can date (a
 * suspended run). */
#define ESTIMATE_MAX_MS (INT64_C(5) * 366 * 86400 * 1000)

/* Boot clock, p50 and p90; @none: why there are none. Words live for ever. */
struct expectation {
    int64_t ms[2];
    const char *supposes;
    const char *none;
};

/* The end of one job that others wait for; true while the core was told nothing since, and for a
 * second at most. */
struct expect_memo {
    uint64_t job;
    uint32_t task;
    uint64_t version;
    int64_t at_ms;
    struct expectation end;
};

static struct expectation no_estimate(const char *none)
{
    return (struct expectation){ .none = none };
}

static struct expectation start_of(struct stint_jobs *jobs, const struct job *job, int depth);

/* ---- ends of other jobs */

/* When the last task of an array ends, by waves of as many as run at once. */
static struct expectation array_end(struct stint_jobs *jobs, const struct job *whole, int depth)
{
    struct job_array *array = whole->array;
    struct expectation end = { .ms = { 0, 0 } };
    int64_t now_ms = jobs->options.now_boot_ms();
    int64_t lanes = 0;
    for (struct job *task = NULL; (task = array_next(jobs, array, task));) {
        int64_t ms[2];
        if (stint_scheduler_ends(job_core(jobs, task), job_task_key(task), now_ms, &ms[0],
                                 &ms[1]) != 0)
            continue;
        lanes++;
        end.ms[0] = ms[0] > end.ms[0] ? ms[0] : end.ms[0];
        end.ms[1] = ms[1] > end.ms[1] ? ms[1] : end.ms[1];
    }
    if (array->waiting->count == 0)
        return end;
    struct expectation start = start_of(jobs, whole, depth);
    if (start.none)
        return start;
    int64_t most = array->shape->running_max;
    lanes = most > 0 && (lanes == 0 || most < lanes) ? most : lanes > 0 ? lanes : 1;
    int64_t waves = (array->waiting->count + lanes - 1) / lanes;
    for (int i = 0; i < 2; i++) {
        int64_t takes =
            stint_scheduler_takes_ms(job_core(jobs, whole), job_task_key(whole), i == 1);
        int64_t last =
            start.ms[i] + (takes < ESTIMATE_MAX_MS / waves ? takes * waves : ESTIMATE_MAX_MS);
        end.ms[i] = last > end.ms[i] ? last : end.ms[i];
    }
    return end;
}

static struct expectation end_of(struct stint_jobs *jobs, const struct job *job, int depth)
{
    struct expectation end = { .ms = { 0, 0 } };
    if (job_is_whole(job))
        return array_end(jobs, job, depth);
    if (stint_scheduler_ends(job_core(jobs, job), job_task_key(job), jobs->options.now_boot_ms(),
                             &end.ms[0], &end.ms[1]) == 0)
        return end;
    end = start_of(jobs, job, depth);
    for (int i = 0; i < 2 && !end.none; i++)
        end.ms[i] += stint_scheduler_takes_ms(job_core(jobs, job), job_task_key(job), i == 1);
    return end;
}

/* As end_of(), remembered: chains of jobs are walked once, not once for each of their jobs. */
static struct expectation end_remembered(struct stint_jobs *jobs, const struct job *job, int depth)
{
    uint64_t version = stint_scheduler_version(job_core(jobs, job));
    int64_t now_ms = jobs->options.now_boot_ms();
    if (!jobs->expected)
        jobs->expected = calloc(MEMO_MAX, sizeof(*jobs->expected));
    if (!jobs->expected)
        return end_of(jobs, job, depth);
    struct expect_memo *memo = &jobs->expected[(job->id * 31 + job->task) % MEMO_MAX];
    if (memo->job == job->id && memo->task == job->task && memo->version == version &&
        now_ms - memo->at_ms < 1000)
        return memo->end;
    struct expectation end = end_of(jobs, job, depth);
    *memo = (struct expect_memo){ job->id, job->task, version, now_ms, end };
    return end;
}

/* Not before the jobs that it waits for have ended. */
static struct expectation dependencies_end(struct stint_jobs *jobs, const struct job *job,
                                           int depth)
{
    struct expectation last = { .ms = { 0, 0 } };
    if (depth >= CHAIN_MAX)
        return no_estimate("the jobs before it in a long chain have ended");
    for (size_t i = 0; i < job->after_count; i++) {
        const struct job_after *after = &job->after[i];
        if (after->outcome != STINT_OUTCOME_NONE)
            continue;
        const struct job *other = jobs_find_task(jobs, after->job, after->task);
        if (!other)
            other = jobs_find(jobs, after->job);
        if (!other || other == job)
            continue;
        struct expectation end = end_remembered(jobs, other, depth + 1);
        if (end.none)
            return no_estimate("the job that it waits for can start: see why that one waits");
        last.ms[0] = end.ms[0] > last.ms[0] ? end.ms[0] : last.ms[0];
        last.ms[1] = end.ms[1] > last.ms[1] ? end.ms[1] : last.ms[1];
        last.supposes = end.supposes ? end.supposes : last.supposes;
    }
    return last;
}

/* ---- what stands in the way */

/* What somebody has to do, where nothing else ends it; NULL where time or a supposition does. */
static const char *word_for(const struct stint_reason *reason)
{
    switch ((int)reason->code) {
    case STINT_REASON_NotReviewedYet:
        return "an operator decides on what it uses";
    case STINT_REASON_NoSuchResource:
        return "its resource is there again, or it is submitted to another";
    case STINT_REASON_ProjectSuspended:
        return "an operator resumes the project";
    case STINT_REASON_UserSuspended:
        return "an operator resumes the user";
    case STINT_REASON_DependencyFailed:
        return "it is cancelled, and submitted without that dependency";
    case STINT_REASON_NoAward:
        return "an operator grants the project an award";
    case STINT_REASON_AwardExpired:
        return "an operator extends the award";
    case STINT_REASON_AwardNotStarted:
        return "the award begins";
    case STINT_REASON_BalanceExhausted:
        return "an operator supplements the award";
    case STINT_REASON_BalanceHeld:
        return "running jobs that hold the rest of the award end before their limits";
    case STINT_REASON_EngineAway:
        return "the launcher is back";
    case STINT_REASON_NodeDraining:
        return "an operator resumes the node";
    case STINT_REASON_NodeDown:
        return "the node is back";
    default:
        return NULL;
    }
}

/* Of what is in the queue, or could be, and has no place in the plan. */
static const char *word_of_plan(const struct stint_reason *reason)
{
    const char *word = word_for(reason);
    if (word)
        return word;
    switch ((int)stint_reason_class(reason->code)) {
    case STINT_CLASS_NEVER:
        return "it is submitted anew and asks for less";
    case STINT_CLASS_LIMITED:
        if (reason->asked > reason->limit)
            return "the ceiling is raised, or less is asked for";
        break;
    default:
        break;
    }
    if (reason->code == STINT_REASON_BeforeBeginTime)
        return "its begin time comes, which is beyond what is planned for";
    if (reason->reservation != 0)
        return "a reservation that recurs is taken back: it leaves no time so long";
    return "a suspended job is resumed or ends";
}

static void suppose_from(struct stint_suppose *suppose, int64_t ms)
{
    for (int i = 0; i < 2; i++)
        suppose->from_ms[i] = ms > suppose->from_ms[i] ? ms : suppose->from_ms[i];
}

/* @suppose is filled with what ends the blocks; the word when nothing does. */
static const char *suppose_blocks(struct stint_jobs *jobs, const struct job *job, int depth,
                                  struct stint_suppose *suppose, const char **ret_supposes)
{
    struct stint_reason blocks[JOB_BLOCKS_MAX];
    size_t count = jobs_blocks(jobs, job, blocks);
    suppose->is_free = count > 0;
    for (size_t i = 0; i < count; i++) {
        struct expectation ends;
        switch ((int)blocks[i].code) {
        case STINT_REASON_HeldByUser:
        case STINT_REASON_HeldByAdmin:
            *ret_supposes = "it is released now";
            break;
        case STINT_REASON_NotEvaluatedYet:
            *ret_supposes = "what it uses passes now";
            break;
        case STINT_REASON_DependencyWaiting:
            ends = dependencies_end(jobs, job, depth);
            if (ends.none)
                return ends.none;
            suppose_from(suppose, ends.ms[0]);
            suppose->from_ms[1] =
                ends.ms[1] > suppose->from_ms[1] ? ends.ms[1] : suppose->from_ms[1];
            if (ends.supposes)
                *ret_supposes = "a job that it waits for is released now";
            break;
        case STINT_REASON_BalanceHeld:
            break; /* the core knows what runs, and what of it likely comes back */
        case STINT_REASON_AwardNotStarted:
            if (blocks[i].until_ms == 0)
                return word_for(&blocks[i]);
            suppose_from(suppose, blocks[i].until_ms - jobs->options.now_wall_ms() +
                                      jobs->options.now_boot_ms());
            break;
        default:
            return word_for(&blocks[i]);
        }
    }
    return NULL;
}

/* Of hours that are used up, the calendar knows the end. */
static bool period_ends(struct stint_jobs *jobs, const struct stint_reason *reason, int64_t *ret_ms)
{
    struct stint_account_view account = { 0 };
    int64_t wall_ms = jobs->options.now_wall_ms();
    if (reason->code != STINT_REASON_PeriodLimit || reason->asked > reason->limit)
        return false;
    stint_ledger_account(jobs->options.ledger, reason->account, reason->what, &account);
    enum stint_period period =
        account.period ? stint_period_from_name(account.period) : STINT_PERIOD_NONE;
    if (period == STINT_PERIOD_NONE)
        return false;
    *ret_ms = stint_period_end_ms(period, wall_ms) - wall_ms + jobs->options.now_boot_ms();
    return true;
}

static struct expectation start_of(struct stint_jobs *jobs, const struct job *job, int depth)
{
    struct stint_suppose suppose = { .now_ms = jobs->options.now_boot_ms() };
    struct stint_task_key key = job_task_key(job);
    struct expectation start = { .ms = { 0, 0 } };
    start.none = suppose_blocks(jobs, job, depth, &suppose, &start.supposes);
    if (start.none)
        return start;
    int r = stint_scheduler_expect(job_core(jobs, job), key, &suppose, &start.ms[0], &start.ms[1]);
    bool is_known = r == 0 && start.ms[1] - suppose.now_ms < ESTIMATE_MAX_MS;
    struct stint_reason reason = jobs_block(jobs, job);
    if (!suppose.is_free)
        reason = stint_scheduler_reason(job_core(jobs, job), key);
    if (!is_known && period_ends(jobs, &reason, &suppose.from_ms[0])) {
        suppose.from_ms[1] = suppose.from_ms[0];
        suppose.is_free = true;
        suppose.without_periods = true;
        r = stint_scheduler_expect(job_core(jobs, job), key, &suppose, &start.ms[0], &start.ms[1]);
        is_known = r == 0 && start.ms[1] - suppose.now_ms < ESTIMATE_MAX_MS;
    }
    if (!is_known || reason.code == STINT_REASON_EngineAway)
        start.none = word_of_plan(&reason);
    return start;
}

size_t job_improve(struct stint_jobs *jobs, const struct job *job,
                   struct stint_option options[STINT_OPTIONS_MAX])
{
    const struct stint_machine *machine = job_machine(jobs, job);
    struct stint_better changes[STINT_OPTIONS_MAX];
    const char *type = job->gpu_type >= 0 ? machine->types[job->gpu_type] : NULL;
    size_t count =
        stint_scheduler_improve(job_core(jobs, job), job_task_key(job), changes, STINT_OPTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        (void)stint_better_format(machine, &changes[i], type, job->gpus, options[i].text,
                                  sizeof(options[i].text));
    return count;
}

void job_expect(struct stint_jobs *jobs, const struct job *job, struct stint_job_view *view)
{
    struct expectation start = start_of(jobs, job, 0);
    int64_t offset_ms = jobs->options.now_wall_ms() - jobs->options.now_boot_ms();
    view->estimate_p50_ms = start.none ? 0 : start.ms[0] + offset_ms;
    view->estimate_p90_ms = start.none ? 0 : start.ms[1] + offset_ms;
    view->estimate_supposes = start.none ? NULL : start.supposes;
    view->no_estimate = start.none;
}
