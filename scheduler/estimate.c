/* Owns: when a pending task may start. A plan is made on copies of the nodes' timelines: each task
 * in turn is given the earliest start that moves nobody before it (conservative backfilling), once
 * with whole limits (p90), once with the share of their limits that users took before (p50). The
 * plan is made when somebody asks and kept until something changes. An array's tasks are placed one
 * by one; under a %MAX they are as many lanes, one task behind the other, and the estimate is that
 * of the first that waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define RATIO_FULL    1000
#define RATIO_DEFAULT 500  /* of users nothing is known of */
#define TRIALS_MAX    4096 /* claims on nodes with reservations that a plan remembers */
#define PLAN_MAX      1000 /* tasks placed; those behind them are added up by their area */

struct estimate {
    uint32_t number;
    int64_t start_ms[2]; /* p50, p90 */
};

struct plan {
    uint64_t generation;
    uint32_t count;
    struct estimate estimates[];
};

void plan_free(struct plan *plan)
{
    free(plan);
}

/* A running mean of what a user's runs took of their limits, the last run weighing a quarter. */
void ratio_learn(struct stint_scheduler *s, const struct job *job, int64_t took_ms)
{
    struct usage_ratio *ratios = &s->ratios;
    if (job->user >= STINT_SCHEDULER_ACCOUNT_MAX || took_ms < 0)
        return;
    if (job->user >= ratios->capacity) {
        uint32_t capacity = job->user + job->user / 4 + 64;
        uint16_t *milli = realloc(ratios->milli, capacity * sizeof(*milli));
        if (!milli)
            return; /* an estimate stays worse: no fault */
        memset(milli + ratios->capacity, 0, (capacity - ratios->capacity) * sizeof(*milli));
        ratios->milli = milli;
        ratios->capacity = capacity;
    }
    int64_t took = took_ms < job->walltime_ms ? took_ms : job->walltime_ms;
    int64_t milli = took * RATIO_FULL / job->walltime_ms; /* at most 2^50 times 1000 */
    uint16_t *known = &ratios->milli[job->user];
    milli = *known ? (3 * (int64_t)*known + milli) / 4 : milli;
    *known = (uint16_t)(milli > 0 ? milli : 1);
}

/* What of its walltime @job is expected to take: all of it, or its user's share. */
static int64_t expected_ms(const struct stint_scheduler *s, const struct job *job, bool whole)
{
    int64_t milli = RATIO_DEFAULT;
    if (whole)
        return job->walltime_ms;
    if (job->user < s->ratios.capacity && s->ratios.milli[job->user] > 0)
        milli = s->ratios.milli[job->user];
    int64_t expected = job->walltime_ms / RATIO_FULL * milli;
    return expected > 0 ? expected : 1;
}

/* ---- arrays */

/* The array whose tasks wait beside this one, NULL without. */
static const struct job *array_of(const struct stint_scheduler *s, const struct job *job)
{
    struct stint_task_key key = { .job = job->key.job, .task = STINT_TASK_WHOLE };
    uint32_t number = job->key.task == STINT_TASK_WHOLE ? NO_JOB : job_find(s, key);
    return number == NO_JOB ? NULL : &s->jobs[number];
}

/* How many of its tasks may run at once, and how many more than do. */
static int64_t lanes_of(const struct stint_scheduler *s, const struct job *array, int64_t *ret_free)
{
    for (uint32_t i = 0; i < array->account_count; i++) {
        const struct account *account = &s->accounts[array->accounts[i]];
        int64_t lanes = account->ceiling[STINT_LIMIT_JOBS];
        if (account->kind != STINT_ACCOUNT_ARRAY || lanes == STINT_UNLIMITED)
            continue;
        *ret_free = lanes - account->used[STINT_LIMIT_JOBS];
        return lanes;
    }
    *ret_free = array->tasks->count;
    return 0; /* as many as there are */
}

/* How long a lane takes for its part of the tasks that wait; for @lanes 0 one task. */
static int64_t lane_ms(const struct stint_scheduler *s, const struct job *array, int64_t lanes,
                       bool whole)
{
    int64_t tasks = lanes > 0 ? (array->tasks->count + lanes - 1) / lanes : 1;
    int64_t took;
    bool wraps = __builtin_mul_overflow(expected_ms(s, array, whole), tasks, &took);
    return wraps || took > STINT_ASK_WALLTIME_MAX_MS ? STINT_ASK_WALLTIME_MAX_MS : took;
}

static void timelines_free(const struct stint_scheduler *s, struct timeline *timelines)
{
    for (uint32_t i = 0; timelines && i < s->machine->node_count; i++)
        timeline_deinit(&timelines[i]);
    free(timelines);
}

/* When what runs ends: at its limit, or when it is expected to. */
static int64_t run_end(const struct stint_scheduler *s, const struct job *job, bool whole)
{
    int64_t end = job->started_ms + expected_ms(s, job, whole);
    /* It took more than we thought: now we only know the limit. */
    return whole || end <= s->now_ms || end > job->ends_ms ? job->ends_ms : end;
}

/* Timelines of what runs, each run until @whole ? its limit : its expected end; of an array under a
 * %MAX, as long as its lane goes on. */
static struct timeline *timelines_new(struct stint_scheduler *s, bool whole)
{
    struct timeline *timelines = calloc(s->machine->node_count + 1, sizeof(*timelines));
    if (!timelines)
        return NULL;
    for (uint32_t i = 0; i < s->machine->node_count; i++) {
        const struct layout *layout = s->nodes[i].layout;
        if (timeline_init(&timelines[i], layout->width, layout->total) != 0 ||
            timeline_reserve(&timelines[i], s->nodes[i].claims + 1) != 0) {
            timelines_free(s, timelines);
            return NULL;
        }
    }
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        int64_t end = run_end(s, job, whole);
        const struct job *array = array_of(s, job);
        int64_t unused;
        int64_t lanes = array ? lanes_of(s, array, &unused) : 0;
        if (lanes > 0)
            end += lane_ms(s, array, lanes, whole);
        const int32_t *vector = job->claim->vectors;
        for (uint32_t k = 0; k < job->claim->node_count; k++) {
            timeline_add(&timelines[job->claim->nodes[k]], TIME_START, end, vector, -1);
            vector += s->nodes[job->claim->nodes[k]].layout->width;
        }
    }
    return timelines;
}

/* The plan's timelines take the place of the real ones, and back. */
static void swap_timelines(struct stint_scheduler *s, struct timeline *timelines)
{
    for (uint32_t i = 0; i < s->machine->node_count; i++) {
        struct timeline real = s->nodes[i].timeline;
        s->nodes[i].timeline = timelines[i];
        timelines[i] = real;
    }
}

/* What the plan gives a task on a node with reservations counts as use of its own. */
static void note_use(struct stint_scheduler *s, const struct job *job, uint32_t node,
                     const int32_t *vector)
{
    uint32_t width = s->nodes[node].layout->width;
    if (s->nodes[node].bookings == 0 || s->trial_count >= TRIALS_MAX)
        return; /* others are told a later start */
    int32_t *copy = malloc(width * sizeof(*copy));
    if (!copy)
        return;
    memcpy(copy, vector, width * sizeof(*copy));
    s->trials[s->trial_count++] =
        (struct trial_use){ job, node, s->found.start_ms, s->found.end_ms, copy };
    s->use_version++;
}

static void trials_free(struct stint_scheduler *s)
{
    for (uint32_t i = 0; i < s->trial_count; i++)
        free(s->trials[i].vector);
    free(s->trials);
    s->trials = NULL;
    s->trial_count = 0;
    s->use_version++;
}

/* Gives @job its earliest start in the plan; -1 when there is none. */
static int64_t plan_one(struct stint_scheduler *s, const struct job *job, int64_t takes_ms)
{
    struct job trial = *job;
    trial.walltime_ms = takes_ms;
    trial.claim = NULL;
    if (!search_earliest(s, &trial, s->now_ms, TIME_NEVER))
        return -1;
    const int32_t *vector = s->found.vectors;
    for (uint32_t i = 0; i < s->found.node_count; i++) {
        struct node *node = &s->nodes[s->found.nodes[i]];
        if (timeline_reserve(&node->timeline, node->timeline.count + 2) != 0)
            return -1;
        timeline_add(&node->timeline, s->found.start_ms, s->found.end_ms, vector, -1);
        note_use(s, job, s->found.nodes[i], vector);
        vector += node->layout->width;
    }
    return s->found.start_ms;
}

static double machine_size(const struct stint_scheduler *s, bool gpus)
{
    double size = 0;
    for (uint32_t i = 0; i < s->machine->node_count; i++)
        size += gpus ? s->nodes[i].layout->gpus : s->nodes[i].layout->shape->core_count;
    return size > 0 ? size : 1;
}

/* How far a column is: @left more can be placed, the others are added up behind @latest. */
struct column {
    bool whole;
    uint32_t left;
    int64_t latest;
    double size[2];
};

static void add_area(const struct stint_scheduler *s, struct column *column, const struct job *job,
                     double count)
{
    bool gpus = job->need.gpus > 0;
    double width = (double)job->nodes * (gpus ? job->need.gpus : job->need.cores);
    double ms = (double)expected_ms(s, job, column->whole) * width * count / column->size[gpus];
    column->latest +=
        ms < (double)STINT_ASK_WALLTIME_MAX_MS ? (int64_t)ms : STINT_ASK_WALLTIME_MAX_MS;
}

static int64_t place_one(struct stint_scheduler *s, struct column *column, const struct job *job,
                         int64_t takes_ms)
{
    column->left--;
    int64_t start = plan_one(s, job, takes_ms);
    column->latest = start > column->latest ? start : column->latest;
    return start;
}

/* All its lanes are taken: it goes on when the first of its runs ends. */
static int64_t lane_end(const struct stint_scheduler *s, const struct job *array, bool whole)
{
    int64_t first = -1;
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        int64_t end = job->key.job == array->key.job ? run_end(s, job, whole) : -1;
        if (end >= 0 && (first < 0 || end < first))
            first = end;
    }
    return first;
}

/* The start of its first task; the others take their room. */
static int64_t place_array(struct stint_scheduler *s, struct column *column, const struct job *job)
{
    int64_t free_lanes;
    int64_t lanes = lanes_of(s, job, &free_lanes);
    int64_t takes_ms = lane_ms(s, job, lanes, column->whole);
    int64_t count = free_lanes < job->tasks->count ? free_lanes : job->tasks->count;
    if (count <= 0)
        return lane_end(s, job, column->whole);
    int64_t first = place_one(s, column, job, takes_ms);
    int64_t placed = 1;
    for (int64_t start = first; placed < count && column->left > 0 && start >= 0; placed++)
        start = place_one(s, column, job, takes_ms);
    if (lanes == 0 && placed < count)
        add_area(s, column, job, (double)(count - placed));
    return first;
}

/* Fills column @which of the plan; its tasks are in the order of turns. */
static int plan_column(struct stint_scheduler *s, struct plan *plan, int which)
{
    bool whole = which == 1;
    struct timeline *timelines = timelines_new(s, whole);
    if (timelines)
        s->trials = calloc(s->booking_count > 0 ? TRIALS_MAX : 1, sizeof(*s->trials));
    if (!timelines || !s->trials) {
        timelines_free(s, timelines);
        return -ENOMEM;
    }
    s->use_version++;
    struct column column = { .whole = whole,
                             .left = PLAN_MAX,
                             .latest = s->now_ms,
                             .size = { machine_size(s, false), machine_size(s, true) } };
    swap_timelines(s, timelines);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct job *job = &s->jobs[plan->estimates[i].number];
        int64_t *start = &plan->estimates[i].start_ms[which];
        if (column.left > 0 && job->tasks) {
            *start = place_array(s, &column, job);
        } else if (column.left > 0) {
            *start = place_one(s, &column, job, expected_ms(s, job, whole));
        } else {
            *start = column.latest;
            add_area(s, &column, job, job->tasks ? job->tasks->count : 1);
        }
    }
    swap_timelines(s, timelines);
    timelines_free(s, timelines);
    trials_free(s);
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct estimate *x = a;
    const struct estimate *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

struct collected {
    struct stint_scheduler *s;
    struct plan *plan;
};

static bool collect(void *context, uint32_t number)
{
    struct collected *c = context;
    if (account_fits(c->s, &c->s->jobs[number], NULL))
        c->plan->estimates[c->plan->count++].number = number;
    return true;
}

/* Arrays that have all the runs they may: no turn is theirs before one ends, yet that is known. */
static void collect_full_arrays(struct stint_scheduler *s, struct plan *plan)
{
    for (uint32_t i = 0; i < s->job_count; i++) {
        const struct job *job = &s->jobs[i];
        struct stint_reason reasons[2];
        if (job->place == PLACE_QUEUE && job->tasks && account_reasons(s, job, reasons, 2) == 1 &&
            reasons[0].code == STINT_REASON_ArrayLimit)
            plan->estimates[plan->count++].number = i;
    }
}

static int plan_make(struct stint_scheduler *s)
{
    struct plan *plan = malloc(sizeof(*plan) + s->main.count * sizeof(struct estimate));
    if (!plan)
        return -ENOMEM;
    plan->generation = s->generation;
    plan->count = 0;
    struct collected context = { s, plan };
    int r = turn_each(s, collect, &context);
    collect_full_arrays(s, plan);
    for (int which = 0; which < 2 && r == 0; which++)
        r = plan_column(s, plan, which);
    if (r != 0) {
        free(plan);
        return r;
    }
    qsort(plan->estimates, plan->count, sizeof(*plan->estimates), by_number);
    plan_free(s->plan);
    s->plan = plan;
    return 0;
}

int stint_scheduler_estimate(const struct stint_scheduler *s, struct stint_task_key key,
                             int64_t *ret_p50_ms, int64_t *ret_p90_ms)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    if (s->jobs[number].place != PLACE_QUEUE)
        return STINT_UNSATISFIABLE;
    if (!s->plan || s->plan->generation != s->generation) {
        int r = plan_make(asked(s));
        if (r != 0)
            return r;
    }
    struct estimate wanted = { .number = number };
    const struct estimate *found =
        bsearch(&wanted, s->plan->estimates, s->plan->count, sizeof(wanted), by_number);
    if (!found || found->start_ms[0] < s->now_ms || found->start_ms[1] < s->now_ms)
        return STINT_UNSATISFIABLE;
    int64_t p90 = found->start_ms[1];
    /* A promise is kept whatever the plan says. */
    if (s->jobs[number].claim && s->jobs[number].claim->start_ms < p90)
        p90 = s->jobs[number].claim->start_ms;
    p90 = p90 > s->now_ms ? p90 : s->now_ms;
    *ret_p90_ms = p90;
    *ret_p50_ms = found->start_ms[0] < p90 ? found->start_ms[0] : p90;
    return 0;
}
