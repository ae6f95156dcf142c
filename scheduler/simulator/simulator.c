/* Owns: the replay. One rule an instant: every run that ends then gives back, every job submitted
 * then joins in the order of the trace, then one pass. */
#include "stint/simulator.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "curve.h"
#include "figures.h"

#define START_MAX     65536
#define PROGRESS_STEP 4096

struct ending {
    int64_t end_s;
    uint32_t job;
    uint32_t attempt;
};

/* What the last two runs of a user took. */
struct memory {
    int64_t last_s;
    int64_t before_s;
};

struct replay {
    const struct stint_simulation *simulation;
    const struct stint_trace *trace;
    const struct stint_machine *machine;
    struct stint_machine *own_machine;
    struct stint_scheduler *scheduler;
    struct replayed *jobs;
    uint32_t *order;        /* of submission */
    struct ending *endings; /* a heap by end, then job */
    size_t ending_count;
    struct stint_start *starts;
    struct memory *memories; /* by user, for predictions */
    size_t memory_count;
    size_t next;
    size_t ended;
    int64_t now_s;
    int64_t procs;       /* of the machine: GPUs if it has any, else cores */
    uint32_t node_procs; /* of its largest node */
    bool has_gpus;
    int64_t busy;
    double busy_area;    /* while jobs wait */
    double waiting_time; /* of the clock, while jobs wait */
    double pass_sum_us;
    struct stint_simulation_result *result;
};

/* ---- the heap of ends */

static bool is_earlier(const struct ending *a, const struct ending *b)
{
    return a->end_s < b->end_s || (a->end_s == b->end_s && a->job < b->job);
}

static void ending_push(struct replay *replay, struct ending ending)
{
    size_t at = replay->ending_count++;
    for (size_t up; at > 0; at = up) {
        up = (at - 1) / 2;
        if (!is_earlier(&ending, &replay->endings[up]))
            break;
        replay->endings[at] = replay->endings[up];
    }
    replay->endings[at] = ending;
}

static struct ending ending_pop(struct replay *replay)
{
    struct ending first = replay->endings[0];
    struct ending last = replay->endings[--replay->ending_count];
    size_t at = 0;
    for (size_t down; (down = 2 * at + 1) < replay->ending_count; at = down) {
        if (down + 1 < replay->ending_count &&
            is_earlier(&replay->endings[down + 1], &replay->endings[down]))
            down++;
        if (!is_earlier(&replay->endings[down], &last))
            break;
        replay->endings[at] = replay->endings[down];
    }
    replay->endings[at] = last;
    return first;
}

/* ---- events */

static int64_t limit_of(const struct replay *replay, const struct stint_trace_job *job)
{
    return replay->simulation->estimates == STINT_ESTIMATES_ACTUAL ? job->run_s : job->limit_s;
}

/* What a resume adds to what is left; nothing before the first start. */
static int64_t resume_of(const struct replay *replay, const struct replayed *job)
{
    return job->attempt > 0 ? replay->simulation->resume_cost_s : 0;
}

/* The mean of the user's last two run times, at most the limit; the limit until there were two. */
static int64_t predict(const struct replay *replay, const struct stint_trace_job *job)
{
    if (replay->simulation->estimates != STINT_ESTIMATES_PREDICTED ||
        job->user >= replay->memory_count || replay->memories[job->user].before_s == 0)
        return job->limit_s;
    const struct memory *memory = &replay->memories[job->user];
    int64_t guess = (memory->last_s + memory->before_s) / 2;
    return guess < job->limit_s ? (guess > 0 ? guess : 1) : job->limit_s;
}

/* What job @number asks of each of @nodes nodes: processors are GPUs on a machine that has some,
 * and cores otherwise, where the trace does not tell them apart. */
static void ask_share(const struct replay *replay, uint32_t number, uint32_t nodes,
                      struct stint_ask *ask)
{
    uint32_t share = (replay->jobs[number].procs + nodes - 1) / nodes;
    ask->nodes = nodes;
    ask->gpus = replay->has_gpus ? (uint16_t)share : 0;
    ask->cpus = replay->has_gpus ? 0 : share;
    if (replay->trace->gpus && replay->has_gpus)
        ask->cpus = (replay->trace->jobs[number].procs + nodes - 1) / nodes;
}

/* Several nodes share what no node has alone, as few as can ever hold it; what no number of nodes
 * could hold is cut. */
static void ask_size(const struct replay *replay, uint32_t number, struct stint_ask *ask)
{
    uint32_t procs = replay->jobs[number].procs;
    uint32_t least = (procs + replay->node_procs - 1) / replay->node_procs;
    bool is_certain = replay->machine->node_count == 1 && !replay->trace->gpus;
    struct stint_ask largest;
    for (uint32_t nodes = least > 0 ? least : 1; nodes <= replay->machine->node_count; nodes++) {
        ask_share(replay, number, nodes, ask);
        if (is_certain || stint_scheduler_fits_ever(replay->scheduler, ask, NULL, NULL, NULL) == 0)
            return;
    }
    ask_share(replay, number, 1, ask);
    if (stint_scheduler_fits_ever(replay->scheduler, ask, NULL, &largest, NULL) != 0)
        *ask = largest;
}

/* Projects are the accounts, by their numbers. */
static uint32_t project_of(const struct replay *replay, const struct stint_trace_job *job)
{
    const struct stint_shares *shares = replay->simulation->shares;
    if (!shares)
        return STINT_NO_ACCOUNT;
    return job->user < shares->user_count ? shares->users[job->user] : 0;
}

/* As in the daemon, a user in a project is a leaf of the tree of shares with one share: beside the
 * projects below it, where it has some. */
static uint32_t seat_of(const struct replay *replay, const struct stint_trace_job *job)
{
    const struct stint_shares *shares = replay->simulation->shares;
    if (!shares)
        return STINT_NO_ACCOUNT;
    if (job->user >= replay->memory_count || job->user >= STINT_SHARES_USER_MAX / 2)
        return project_of(replay, job); /* nobody that is known */
    return shares->project_count + job->user;
}

static int open_seats(struct replay *replay)
{
    int r = 0;
    for (size_t i = 0; i < replay->trace->job_count && r == 0; i++) {
        const struct stint_trace_job *job = &replay->trace->jobs[i];
        uint32_t seat = seat_of(replay, job);
        if (seat != project_of(replay, job))
            r = stint_scheduler_set_account(replay->scheduler, seat, STINT_ACCOUNT_SEAT,
                                            project_of(replay, job), 1);
    }
    return r;
}

static int open_shares(struct replay *replay)
{
    const struct stint_shares *shares = replay->simulation->shares;
    int r = 0;
    for (uint32_t i = 0; shares && i < shares->project_count && r == 0; i++)
        r = stint_scheduler_set_account(replay->scheduler, i, STINT_ACCOUNT_PROJECT,
                                        shares->projects[i].parent, shares->projects[i].shares);
    return r == 0 && shares ? open_seats(replay) : r;
}

/* What each project got. */
static void fill_projects(const struct replay *replay)
{
    const struct stint_simulation *simulation = replay->simulation;
    double all = 0;
    if (!simulation->shares || !simulation->projects)
        return;
    memset(simulation->projects, 0,
           simulation->shares->project_count * sizeof(*simulation->projects));
    for (size_t i = 0; i < replay->trace->job_count; i++) {
        const struct stint_trace_job *job = &replay->trace->jobs[i];
        struct stint_simulation_project *project = &simulation->projects[project_of(replay, job)];
        double flow = (double)(replay->jobs[i].end_s - job->submit_s);
        double slowdown = flow / (double)(job->run_s > 10 ? job->run_s : 10);
        double used = (double)replay->jobs[i].procs * (double)job->run_s;
        project->job_count++;
        project->mean_wait_s += flow - (double)job->run_s;
        project->mean_bounded_slowdown += slowdown > 1 ? slowdown : 1;
        project->used += used;
        all += used;
    }
    for (uint32_t i = 0; i < simulation->shares->project_count; i++) {
        struct stint_simulation_project *project = &simulation->projects[i];
        double count = project->job_count > 0 ? (double)project->job_count : 1;
        project->mean_wait_s /= count;
        project->mean_bounded_slowdown /= count;
        project->used = all > 0 ? project->used / all : 0;
    }
}

static int submit(struct replay *replay, uint32_t number, struct stint_error *err)
{
    const struct stint_trace_job *job = &replay->trace->jobs[number];
    const struct replayed *mine = &replay->jobs[number];
    struct stint_ask ask = {
        .key = { (uint64_t)number + 1, 0 },
        .preemptible = mine->is_preemptible,
        .attained_ms = mine->attained_ms,
        .gpu_type = STINT_ANY_GPU_TYPE,
        .user = UINT32_MAX,
        .walltime_ms = (limit_of(replay, job) - mine->ran_s + resume_of(replay, mine)) * 1000,
        .expected_ms = replay->simulation->estimates == STINT_ESTIMATES_PREDICTED
                           ? predict(replay, job) * 1000
                           : 0,
        .submit_ms = (job->submit_s + mine->ran_s) * 1000,
        .fair_account = seat_of(replay, job)
    };
    ask_size(replay, number, &ask);
    return stint_scheduler_submit(replay->scheduler, &ask, err);
}

static void learn(struct replay *replay, const struct stint_trace_job *job)
{
    if (job->user >= replay->memory_count)
        return;
    struct memory *memory = &replay->memories[job->user];
    memory->before_s = memory->last_s;
    memory->last_s = job->run_s;
}

static void end_due(struct replay *replay)
{
    while (replay->ending_count > 0 && replay->endings[0].end_s == replay->now_s) {
        struct ending ending = ending_pop(replay);
        if (ending.attempt != replay->jobs[ending.job].attempt)
            continue; /* it was stopped before */
        struct stint_task_key key = { (uint64_t)ending.job + 1, 0 };
        (void)stint_scheduler_end(replay->scheduler, key, replay->now_s * 1000);
        replay->jobs[ending.job].end_s = replay->now_s;
        replay->busy -= replay->jobs[ending.job].procs;
        learn(replay, &replay->trace->jobs[ending.job]);
        replay->ended++;
        if (replay->simulation->events)
            (void)fprintf(replay->simulation->events, "%" PRId64 " end %" PRId64 "\n",
                          replay->now_s, replay->trace->jobs[ending.job].id);
        if (replay->simulation->progress && replay->ended % PROGRESS_STEP == 0)
            replay->simulation->progress(replay->simulation->context, replay->ended,
                                         replay->trace->job_count);
    }
}

static int submit_due(struct replay *replay, struct stint_error *err)
{
    size_t count = replay->trace->job_count;
    while (replay->next < count &&
           replay->trace->jobs[replay->order[replay->next]].submit_s == replay->now_s) {
        int r = submit(replay, replay->order[replay->next++], err);
        if (r != 0)
            return r;
    }
    return 0;
}

static void note_start(struct replay *replay, const struct stint_start *start)
{
    uint32_t number = (uint32_t)(start->key.job - 1);
    const struct stint_trace_job *job = &replay->trace->jobs[number];
    struct replayed *mine = &replay->jobs[number];
    if (!mine->has_started)
        mine->start_s = replay->now_s;
    mine->has_started = true;
    mine->resumed_s = replay->now_s;
    replay->busy += mine->procs;
    ending_push(replay,
                (struct ending){ replay->now_s + job->run_s - mine->ran_s + resume_of(replay, mine),
                                 number, mine->attempt });
    if (!replay->simulation->events)
        return;
    struct stint_buffer line = { 0 };
    stint_allocation_format(replay->machine, start->allocation, &line);
    (void)fprintf(replay->simulation->events, "%" PRId64 " start %" PRId64 " %s%s\n", replay->now_s,
                  job->id, stint_buffer_text(&line), start->is_backfill ? " backfill" : "");
    stint_buffer_deinit(&line);
}

static double microseconds(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) * 1e6 + (double)(to->tv_nsec - from->tv_nsec) / 1e3;
}

static int pass_once(struct replay *replay)
{
    struct timespec before;
    struct timespec after;
    size_t count = START_MAX;
    while (count == START_MAX) {
        clock_gettime(CLOCK_MONOTONIC, &before);
        int r = stint_scheduler_pass(replay->scheduler, replay->now_s * 1000, replay->starts,
                                     START_MAX, &count);
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (r != 0)
            return r;
        double took = microseconds(&before, &after);
        replay->pass_sum_us += took;
        replay->result->pass_count++;
        if (took > replay->result->pass_max_us)
            replay->result->pass_max_us = took;
        for (size_t i = 0; i < count; i++)
            note_start(replay, &replay->starts[i]);
    }
    return 0;
}

/* A task that was asked to stop does so at once, and is back in the queue. */
static int stop(struct replay *replay, struct stint_task_key key, struct stint_error *err)
{
    uint32_t number = (uint32_t)(key.job - 1);
    struct replayed *mine = &replay->jobs[number];
    int64_t ran = replay->now_s - mine->resumed_s;
    int64_t resume = resume_of(replay, mine);
    (void)stint_scheduler_end(replay->scheduler, key, replay->now_s * 1000);
    mine->ran_s += ran > resume ? ran - resume : 0;
    mine->attained_ms += ran * mine->procs * 1000;
    mine->attempt++;
    replay->busy -= mine->procs;
    replay->result->preemptions++;
    if (replay->simulation->events)
        (void)fprintf(replay->simulation->events, "%" PRId64 " stop %" PRId64 "\n", replay->now_s,
                      replay->trace->jobs[number].id);
    return submit(replay, number, err);
}

static int pass(struct replay *replay, struct stint_error *err)
{
    struct stint_task_key keys[64];
    size_t count;
    int r = pass_once(replay);
    while (r == 0 && (count = stint_scheduler_stops(replay->scheduler, keys, 64)) > 0) {
        for (size_t i = 0; i < count && r == 0; i++)
            r = stop(replay, keys[i], err);
        if (r == 0 && count < 64)
            r = pass_once(replay);
    }
    return r;
}

/* To the next instant at which something happens; false when all is over. */
static bool advance(struct replay *replay)
{
    int64_t next = INT64_MAX;
    if (replay->next < replay->trace->job_count)
        next = replay->trace->jobs[replay->order[replay->next]].submit_s;
    if (replay->ending_count > 0 && replay->endings[0].end_s < next)
        next = replay->endings[0].end_s;
    size_t waiting = stint_scheduler_pending_count(replay->scheduler);
    if (next == INT64_MAX && waiting > 0) {
        /* Nothing runs and nothing comes: time alone may bring a promised start. */
        int64_t promised_ms = stint_scheduler_next_ms(replay->scheduler);
        if (promised_ms < INT64_MAX && promised_ms / 1000 >= replay->now_s)
            next = promised_ms / 1000 + 1;
    }
    if (next == INT64_MAX)
        return false;
    if (waiting > 0) {
        replay->busy_area += (double)replay->busy * (double)(next - replay->now_s);
        replay->waiting_time += (double)(next - replay->now_s);
    }
    if (replay->simulation->curve)
        curve_add(replay->simulation->curve, next, (double)replay->busy / (double)replay->procs,
                  (double)waiting);
    replay->result->queue_max =
        waiting > replay->result->queue_max ? waiting : replay->result->queue_max;
    replay->now_s = next;
    return true;
}

/* ---- set-up */

static int by_submission(const void *a, const void *b, void *context)
{
    const struct stint_trace_job *jobs = context;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    if (jobs[x].submit_s != jobs[y].submit_s)
        return jobs[x].submit_s < jobs[y].submit_s ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Does the trace tell GPUs apart, and has none? */
static bool is_without_gpus(const struct stint_trace *trace)
{
    for (size_t i = 0; trace->gpus && i < trace->job_count; i++)
        if (trace->gpus[i] > 0)
            return false;
    return trace->gpus != NULL;
}

static void count_procs(struct replay *replay)
{
    const struct stint_machine *machine = replay->machine;
    for (uint32_t i = 0; i < machine->node_count; i++)
        replay->has_gpus |= machine->nodes[i].shape->gpu_count > 0;
    replay->has_gpus &= !is_without_gpus(replay->trace);
    for (uint32_t i = 0; i < machine->node_count; i++) {
        const struct stint_shape *shape = machine->nodes[i].shape;
        uint32_t procs = replay->has_gpus ? shape->gpu_count : shape->core_count;
        replay->procs += procs;
        replay->node_procs = procs > replay->node_procs ? procs : replay->node_procs;
    }
}

static int open_machine(struct replay *replay, struct stint_error *err)
{
    const struct stint_simulation *simulation = replay->simulation;
    uint32_t cores = simulation->cores ? simulation->cores : simulation->trace->procs;
    int r = 0;
    if (simulation->machine) {
        replay->machine = simulation->machine;
    } else if (cores == 0) {
        (void)stint_fail(err, STINT_INVALID,
                         "the trace does not say how many processors there are");
        return stint_fix(err, STINT_INVALID, "say it with --cores N or --topology FILE");
    } else {
        r = stint_machine_new_flat(cores, &replay->own_machine, err);
        replay->machine = replay->own_machine;
    }
    if (r == 0)
        count_procs(replay);
    return r;
}

/* A number in [0, 1): splitmix64 (Steele, Lea & Flood 2014). */
static double draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / (double)(UINT64_C(1) << 53);
}

static int open_arrays(struct replay *replay)
{
    size_t count = replay->trace->job_count;
    uint64_t random = replay->simulation->seed;
    for (size_t i = 0; i < count; i++)
        if (replay->trace->jobs[i].user < STINT_TRACE_JOB_MAX &&
            replay->trace->jobs[i].user >= replay->memory_count)
            replay->memory_count = replay->trace->jobs[i].user + 1;
    assert(count > 0);
    replay->jobs = calloc(count, sizeof(*replay->jobs));
    replay->order = calloc(count, sizeof(*replay->order));
    replay->endings = calloc(count, sizeof(*replay->endings));
    replay->starts = calloc(START_MAX, sizeof(*replay->starts));
    replay->memories = calloc(replay->memory_count + 1, sizeof(*replay->memories));
    if (!replay->jobs || !replay->order || !replay->endings || !replay->starts || !replay->memories)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        bool is_gpus = replay->trace->gpus && replay->has_gpus;
        int64_t procs = is_gpus ? replay->trace->gpus[i] : replay->trace->jobs[i].procs;
        replay->jobs[i].procs = (uint32_t)(procs < replay->procs ? procs : replay->procs);
        replay->jobs[i].end_s = -1;
        replay->jobs[i].is_preemptible = draw(&random) < replay->simulation->preemptible;
        replay->order[i] = (uint32_t)i;
    }
    qsort_r(replay->order, count, sizeof(*replay->order), by_submission, replay->trace->jobs);
    return 0;
}

static void replay_close(struct replay *replay)
{
    (void)stint_scheduler_free(replay->scheduler);
    (void)stint_machine_free(replay->own_machine);
    free(replay->jobs);
    free(replay->order);
    free(replay->endings);
    free(replay->starts);
    free(replay->memories);
}

static int replay_run(struct replay *replay, struct stint_error *err)
{
    struct timespec before;
    struct timespec after;
    int r = 0;
    replay->now_s = replay->trace->jobs[replay->order[0]].submit_s;
    if (replay->simulation->curve)
        curve_begin(replay->simulation->curve, replay->now_s);
    clock_gettime(CLOCK_MONOTONIC, &before);
    do {
        end_due(replay);
        r = submit_due(replay, err);
        if (r == 0)
            r = pass(replay, err);
    } while (r == 0 && advance(replay));
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (r != 0)
        return r;
    if (replay->ended < replay->trace->job_count)
        return stint_fail(err, STINT_INVALID, "%zu jobs never started on this machine",
                          replay->trace->job_count - replay->ended);
    struct stint_simulation_result *result = replay->result;
    double seconds = microseconds(&before, &after) / 1e6;
    result->jobs_per_s = (double)replay->trace->job_count / (seconds > 0 ? seconds : 1e-9);
    result->decisions_per_s = (double)replay->trace->job_count /
                              (replay->pass_sum_us > 0 ? replay->pass_sum_us / 1e6 : 1e-9);
    result->pass_mean_us = replay->pass_sum_us / (double)result->pass_count;
    result->busy_utilization =
        replay->waiting_time > 0 ? replay->busy_area / replay->waiting_time / (double)replay->procs
                                 : 0;
    result->promise_violations = stint_scheduler_promise_breaks(replay->scheduler);
    return figures_fill(replay->trace, replay->jobs, replay->procs, result);
}

int stint_simulate(const struct stint_simulation *simulation,
                   struct stint_simulation_result *ret_result, struct stint_error *err)
{
    struct stint_simulation_result result = { 0 };
    struct replay replay = { .simulation = simulation,
                             .trace = simulation->trace,
                             .result = &result };
    int r = simulation->trace->job_count > 0
                ? open_machine(&replay, err)
                : stint_fail(err, STINT_INVALID, "a trace without jobs");
    if (r == 0)
        r = open_arrays(&replay);
    struct stint_policy policy = simulation->policy;
    if (simulation->preemptible > 0) {
        policy.preempts = true;
        policy.resume_ms = simulation->resume_cost_s * 1000;
    }
    if (simulation->shares && policy.tiers == 0)
        policy.tiers = 4;
    if (simulation->shares && policy.half_life_ms == 0)
        policy.half_life_ms = INT64_C(7) * 86400 * 1000;
    if (r == 0)
        r = stint_scheduler_new(replay.machine, &policy, &replay.scheduler, err);
    if (r == 0)
        r = open_shares(&replay);
    if (r == 0)
        r = replay_run(&replay, err);
    if (r == 0 && simulation->curve)
        curve_end(simulation->curve);
    if (r == 0)
        fill_projects(&replay);
    replay_close(&replay);
    if (r == 0)
        *ret_result = result;
    return r;
}
