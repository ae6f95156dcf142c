/* Owns: the plan of starts. It is made on copies of the nodes' timelines: each task in turn is
 * given the earliest start that moves nobody before it (conservative backfilling), once with whole
 * limits (p90), once with the share of their limits that users took before (p50). An array's tasks
 * are placed one by one; under a %MAX they are as many lanes, one task behind the other, and the
 * estimate is that of the first that waits. Those that may not start yet, for a begin time or a
 * ceiling of their accounts, are given theirs behind the others, by when they may.
 *
 * What the last pass left waiting cannot start before something happens, whatever the plan's order
 * would say: it is planned from the next event on. Only what came since may start at once.
 *
 * Each column's timelines are kept with the plan: what is asked of a blocked task is searched for
 * in them (suppose.c), behind all those that are planned. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"

#define TRIALS_MAX  4096  /* claims on nodes with reservations that a plan remembers */
#define PLAN_MAX    1000  /* tasks placed; those behind them are added up by their area */
#define LATER_TRIES 4     /* times that a task's turn among the later ones may move */
#define NEWS_MAX    64    /* tasks that came since the last pass, looked at one by one */
#define AGE_MS      10000 /* the order of turns moves with time, and the plan with it */

/* A task that may not start at once, and from when on. */
struct later {
    int64_t from_ms;
    uint32_t turn; /* its place in the plan */
    uint32_t tries;
};

/* What is worked with while a column of the plan is filled. */
struct planning {
    struct stint_scheduler *s;
    struct plan *plan;
    struct plan_column *column;
    struct later *later;
    uint32_t later_count;
    bool whole;
    double size[2];
};

/* ---- what the next pass does */

/* Has the last pass looked at everything but what came since? */
static bool is_settled(const struct stint_scheduler *s)
{
    return !s->is_dirty && !s->is_away && s->news_count <= NEWS_MAX;
}

bool could_start_now(struct stint_scheduler *s, const struct job *job)
{
    bool blocks = s->policy.mode == STINT_MODE_FCFS || s->policy.mode == STINT_MODE_SJF;
    return !s->is_away && !(blocks && s->main.count > 1) && account_fits(s, job, NULL) &&
           search_now(s, job, s->now_ms);
}

static bool may_start_now(struct stint_scheduler *s, uint32_t number)
{
    for (uint32_t i = 0; i < s->news_count; i++)
        if (s->news[i] == number)
            return s->jobs[number].place == PLACE_QUEUE && could_start_now(s, &s->jobs[number]);
    return false;
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

/* What the plan gives a task on a node with reservations counts as use of its own. */
static void note_use(struct stint_scheduler *s, const struct job *job, uint32_t node,
                     int64_t from_ms, int64_t until_ms, const int32_t *vector)
{
    uint32_t width = s->nodes[node].layout->width;
    if (s->nodes[node].bookings == 0 || s->trial_count >= TRIALS_MAX)
        return; /* others are told a later start */
    int32_t *copy = malloc(width * sizeof(*copy));
    if (!copy)
        return;
    memcpy(copy, vector, width * sizeof(*copy));
    s->trials[s->trial_count++] =
        (struct trial_use){ (uint32_t)(job - s->jobs), node, from_ms, until_ms, copy };
    s->use_version++;
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
        int64_t end = estimate_end_ms(s, job, s->now_ms, whole);
        const struct job *array = array_of(s, job);
        int64_t unused;
        int64_t lanes = array ? lanes_of(s, array, &unused) : 0;
        if (lanes > 0)
            end += lane_ms(s, array, lanes, whole);
        const int32_t *vector = job->claim->vectors;
        for (uint32_t k = 0; k < job->claim->node_count; k++) {
            timeline_add(&timelines[job->claim->nodes[k]], TIME_START, end, vector, -1);
            note_use(s, job, job->claim->nodes[k], TIME_START, end, vector);
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

/* The column's claims count as the use of reservations while its timelines stand for the real ones.
 */
void column_enter(struct stint_scheduler *s, struct plan_column *column)
{
    s->trials = column->trials;
    s->trial_count = column->trial_count;
    s->use_version++;
    swap_timelines(s, column->timelines);
}

void column_leave(struct stint_scheduler *s, struct plan_column *column)
{
    swap_timelines(s, column->timelines);
    column->trial_count = s->trial_count;
    s->trials = NULL;
    s->trial_count = 0;
    s->use_version++;
}

static void column_free(struct plan_column *column, uint32_t node_count)
{
    for (uint32_t i = 0; column->timelines && i < node_count; i++)
        timeline_deinit(&column->timelines[i]);
    for (uint32_t i = 0; column->trials && i < column->trial_count; i++)
        free(column->trials[i].vector);
    free(column->timelines);
    free(column->trials);
    free(column->uses.list);
    free(column->uses.changes);
}

struct plan *plan_free(struct plan *plan)
{
    for (int which = 0; plan && which < 2; which++)
        column_free(&plan->columns[which], plan->node_count);
    free(plan);
    return NULL;
}

/* What the last search found is @job's in the plan; NO_START without memory. */
static int64_t plan_take(struct planning *planning, const struct job *job)
{
    struct stint_scheduler *s = planning->s;
    const int32_t *vector = s->found.vectors;
    for (uint32_t i = 0; i < s->found.node_count; i++) {
        struct node *node = &s->nodes[s->found.nodes[i]];
        if (timeline_reserve(&node->timeline, node->timeline.count + 2) != 0)
            return NO_START;
        timeline_add(&node->timeline, s->found.start_ms, s->found.end_ms, vector, -1);
        note_use(s, job, s->found.nodes[i], s->found.start_ms, s->found.end_ms, vector);
        vector += node->layout->width;
    }
    if (is_limited(s, job))
        planning->column->uses.list[planning->column->uses.count++] =
            (struct use){ (uint32_t)(job - s->jobs), s->found.start_ms, s->found.end_ms };
    return s->found.start_ms;
}

static bool is_sooner(const struct later *a, const struct later *b)
{
    return a->from_ms != b->from_ms ? a->from_ms < b->from_ms : a->turn < b->turn;
}

/* Among the later ones, by when they may start, then by turn. */
static void plan_later(struct planning *planning, struct later later)
{
    uint32_t at = planning->later_count++;
    for (; at > 0 && is_sooner(&planning->later[at - 1], &later); at--)
        planning->later[at] = planning->later[at - 1];
    planning->later[at] = later; /* the last of the list is the first to come */
}

bool search_planned(struct stint_scheduler *s, const struct job *job, int64_t takes_ms)
{
    struct job trial = *job;
    trial.walltime_ms = takes_ms;
    trial.claim = NULL;
    s->limit_past_ms = job->walltime_ms > takes_ms ? job->walltime_ms - takes_ms : 0;
    bool is_found = search_earliest(s, &trial, s->now_ms, TIME_NEVER);
    s->limit_past_ms = 0;
    return is_found;
}

/* Gives @job, task @turn of the plan, its earliest start from now on; NO_START when there is none.
 * One that its ceilings keep back then is put off instead, unless that was done too often. */
static int64_t place_one(struct planning *planning, uint32_t turn, const struct job *job,
                         int64_t takes_ms, uint32_t tries)
{
    struct stint_scheduler *s = planning->s;
    struct plan_column *column = planning->column;
    if (!search_planned(s, job, takes_ms))
        return NO_START;
    if (tries < LATER_TRIES && is_limited(s, job)) {
        int64_t start_ms = s->found.start_ms;
        int64_t from_ms = allowed_from(s, &column->uses, job, start_ms, planning->whole);
        if (from_ms > start_ms && from_ms != TIME_NEVER)
            plan_later(planning, (struct later){ from_ms, turn, tries + 1 });
        if (from_ms > start_ms)
            return NO_START;
    }
    int64_t start = plan_take(planning, job);
    column->latest = start > column->latest ? start : column->latest;
    return start;
}

static double machine_size(const struct stint_scheduler *s, bool gpus)
{
    double size = 0;
    for (uint32_t i = 0; i < s->machine->node_count; i++)
        size += gpus ? s->nodes[i].layout->gpus : s->nodes[i].layout->shape->core_count;
    return size > 0 ? size : 1;
}

static void add_area(struct planning *planning, const struct job *job, double count)
{
    bool gpus = job->need.gpus > 0;
    double width = (double)job->nodes * (gpus ? job->need.gpus : job->need.cores);
    double ms = (double)expected_ms(planning->s, job, planning->whole) * width * count /
                planning->size[gpus];
    planning->column->latest +=
        ms < (double)STINT_ASK_WALLTIME_MAX_MS ? (int64_t)ms : STINT_ASK_WALLTIME_MAX_MS;
}

/* All its lanes are taken: it goes on when the first of its runs ends. */
static int64_t lane_end(const struct planning *planning, const struct job *array)
{
    const struct stint_scheduler *s = planning->s;
    int64_t first = NO_START;
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct job *job = &s->jobs[s->running.jobs[i]];
        if (job->key.job != array->key.job)
            continue;
        int64_t end = estimate_end_ms(s, job, planning->plan->made_ms, planning->whole);
        first = first == NO_START || end < first ? end : first;
    }
    return first;
}

/* The start of its first task; the others take their room. */
static int64_t place_array(struct planning *planning, uint32_t turn, const struct job *job,
                           uint32_t tries)
{
    int64_t free_lanes;
    int64_t lanes = lanes_of(planning->s, job, &free_lanes);
    int64_t takes_ms = lane_ms(planning->s, job, lanes, planning->whole);
    int64_t count = free_lanes < job->tasks->count ? free_lanes : job->tasks->count;
    if (count <= 0)
        return lane_end(planning, job);
    int64_t first = place_one(planning, turn, job, takes_ms, tries);
    int64_t placed = 1;
    for (int64_t start = first; placed < count && planning->column->left > 0 && start != NO_START;
         placed++, planning->column->left--)
        start = place_one(planning, turn, job, takes_ms, LATER_TRIES);
    if (lanes == 0 && placed < count && first != NO_START)
        add_area(planning, job, (double)(count - placed));
    return first;
}

static int64_t place(struct planning *planning, uint32_t turn, uint32_t tries)
{
    const struct job *job = &planning->s->jobs[planning->plan->estimates[turn].number];
    if (job->tasks)
        return place_array(planning, turn, job, tries);
    return place_one(planning, turn, job, expected_ms(planning->s, job, planning->whole), tries);
}

/* Those that may not start yet: time goes on from one to the next. */
static void plan_later_ones(struct planning *planning, int which)
{
    struct stint_scheduler *s = planning->s;
    while (planning->later_count > 0) {
        struct later later = planning->later[--planning->later_count];
        s->now_ms = later.from_ms > s->now_ms ? later.from_ms : s->now_ms;
        planning->plan->estimates[later.turn].start_ms[which] =
            place(planning, later.turn, later.tries);
    }
}

static bool is_early(const struct stint_scheduler *s, const struct job *job)
{
    return job->place == PLACE_WAITING && job->begin_ms > s->now_ms;
}

/* In the order of turns; behind PLAN_MAX, by what those before need of the whole machine. */
static void plan_turns(struct planning *planning, int which)
{
    struct stint_scheduler *s = planning->s;
    struct plan_column *column = planning->column;
    for (uint32_t i = 0; i < planning->plan->count; i++) {
        struct estimate *estimate = &planning->plan->estimates[i];
        const struct job *job = &s->jobs[estimate->number];
        if (estimate->starts_now)
            continue;
        if (column->left == 0) {
            estimate->start_ms[which] =
                job->begin_ms > column->latest ? job->begin_ms : column->latest;
            add_area(planning, job, job->tasks ? job->tasks->count : 1);
            continue;
        }
        column->left--;
        if (is_early(s, job))
            plan_later(planning, (struct later){ job->begin_ms, i, 0 });
        else
            estimate->start_ms[which] = place(planning, i, 0);
    }
}

/* Those that came since the last pass and will start with the next. */
static void plan_starting(struct planning *planning, int which)
{
    struct plan *plan = planning->plan;
    for (uint32_t i = 0; i < plan->count && planning->column->left > 0; i++) {
        if (!plan->estimates[i].starts_now)
            continue;
        planning->column->left--;
        plan->estimates[i].start_ms[which] = place(planning, i, LATER_TRIES);
    }
}

/* The next thing that may let somebody start: an end, a begin time, the edge of a reservation. */
static int64_t next_event(const struct stint_scheduler *s, bool whole)
{
    int64_t next = booking_change(s, s->now_ms);
    for (uint32_t i = 0; i < s->running.count; i++) {
        int64_t end = estimate_end_ms(s, &s->jobs[s->running.jobs[i]], s->now_ms, whole);
        next = end < next ? end : next;
    }
    if (s->early.count > 0 && s->jobs[s->early.jobs[0]].begin_ms < next)
        next = s->jobs[s->early.jobs[0]].begin_ms;
    return next == TIME_NEVER || next < s->now_ms ? s->now_ms : next;
}

/* Fills column @which of the plan; its tasks are in the order of turns. */
static int plan_column(struct planning *planning, int which)
{
    struct stint_scheduler *s = planning->s;
    struct plan *plan = planning->plan;
    struct plan_column *column = planning->column = &plan->columns[which];
    planning->whole = which == 1;
    planning->later_count = 0;
    column->left = PLAN_MAX;
    column->latest = s->now_ms;
    column->next_ms = is_settled(s) ? next_event(s, planning->whole) : s->now_ms;
    column->uses.now_ms = s->now_ms;
    column->uses.list = malloc((PLAN_MAX + 1) * sizeof(struct use));
    column->trials = calloc(s->booking_count > 0 ? TRIALS_MAX : 1, sizeof(*column->trials));
    s->trials = column->trials;
    if (column->trials && column->uses.list)
        column->timelines = timelines_new(s, planning->whole);
    column->trial_count = s->trial_count;
    s->trials = NULL;
    s->trial_count = 0;
    if (!column->timelines)
        return -ENOMEM;
    for (uint32_t i = 0; i < plan->count; i++)
        plan->estimates[i].start_ms[which] = NO_START;
    column_enter(s, column);
    plan_starting(planning, which);
    s->now_ms = column->next_ms;
    plan_turns(planning, which);
    plan_later_ones(planning, which);
    s->now_ms = plan->made_ms;
    column_leave(s, column);
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct estimate *x = a;
    const struct estimate *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void plan_add(struct planning *planning, uint32_t number)
{
    planning->plan->estimates[planning->plan->count++] =
        (struct estimate){ .number = number, .key = planning->s->jobs[number].key };
}

static bool collect(void *context, uint32_t number)
{
    struct planning *planning = context;
    if (account_fits(planning->s, &planning->s->jobs[number], NULL))
        plan_add(planning, number);
    return true;
}

/* Behind those whose turn it may be: what is over a limit now, and what has a begin time ahead. */
static void collect_rest(struct planning *planning)
{
    struct stint_scheduler *s = planning->s;
    struct cursor cursor = { 0 };
    for (uint32_t number; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++)
        if (!account_fits(s, &s->jobs[number], NULL))
            plan_add(planning, number);
    for (uint32_t i = 0; i < s->early.count; i++)
        plan_add(planning, s->early.jobs[i]);
}

/* How long the plan holds if nothing happens: until something should have happened. */
static int64_t plan_validity(const struct plan *plan)
{
    int64_t until = plan->made_ms + AGE_MS;
    for (int which = 0; which < 2; which++) {
        const struct plan_column *column = &plan->columns[which];
        if (column->next_ms > plan->made_ms && column->next_ms < until)
            until = column->next_ms;
        for (uint32_t i = 0; i < plan->count; i++)
            if (plan->estimates[i].start_ms[which] > plan->made_ms &&
                plan->estimates[i].start_ms[which] < until)
                until = plan->estimates[i].start_ms[which];
    }
    return until;
}

/* Those for whom others may be stopped likely start when they can be: by whole limits they start no
 * later. */
static void plan_preemption(struct planning *planning)
{
    struct stint_scheduler *s = planning->s;
    if (!s->policy.preempts || s->policy.mode != STINT_MODE_STINT)
        return;
    for (uint32_t i = 0; i < planning->plan->count && i < PREEMPT_TRIES_MAX; i++) {
        struct estimate *estimate = &planning->plan->estimates[i];
        if (estimate->starts_now || estimate->start_ms[0] == NO_START)
            continue;
        int64_t start_ms = preempt_expect(s, estimate->number, estimate->start_ms[0]);
        if (start_ms < estimate->start_ms[0])
            estimate->start_ms[0] = start_ms;
    }
}

/* The columns of a plan whose tasks are listed. */
static int plan_fill(struct planning *planning, int64_t pass_ms)
{
    struct stint_scheduler *s = planning->s;
    struct plan *plan = planning->plan;
    int r = 0;
    s->now_ms = pass_ms;
    for (uint32_t i = 0; i < plan->count && is_settled(s); i++)
        plan->estimates[i].starts_now = may_start_now(s, plan->estimates[i].number);
    s->now_ms = plan->made_ms;
    for (int which = 0; which < 2 && r == 0; which++)
        r = plan_column(planning, which);
    s->now_ms = pass_ms;
    if (r == 0)
        plan_preemption(planning);
    return r;
}

int plan_make(struct stint_scheduler *s, int64_t now_ms)
{
    int64_t pass_ms = s->now_ms;
    uint32_t most = s->main.count + s->early.count;
    struct planning planning = {
        .s = s,
        .plan = calloc(1, sizeof(*planning.plan) + most * sizeof(struct estimate)),
        .later = malloc((PLAN_MAX + 1) * sizeof(struct later)),
        .size = { machine_size(s, false), machine_size(s, true) },
    };
    struct plan *plan = planning.plan;
    int r = plan && planning.later ? 0 : -ENOMEM;
    s->now_ms = now_ms;
    if (r == 0) {
        plan->generation = s->generation;
        plan->made_ms = now_ms;
        plan->node_count = s->machine->node_count;
        r = turn_each(s, collect, &planning);
    }
    if (r == 0) {
        collect_rest(&planning);
        r = plan_fill(&planning, pass_ms);
    }
    s->now_ms = pass_ms;
    free(planning.later);
    if (r != 0) {
        (void)plan_free(plan);
        return r;
    }
    plan->valid_until_ms = plan_validity(plan);
    qsort(plan->estimates, plan->count, sizeof(*plan->estimates), by_number);
    (void)plan_free(s->plan);
    s->plan = plan;
    return 0;
}

const struct estimate *plan_find(const struct stint_scheduler *s, uint32_t number)
{
    struct estimate wanted = { .number = number };
    if (!s->plan || s->plan->count == 0)
        return NULL;
    const struct estimate *found =
        bsearch(&wanted, s->plan->estimates, s->plan->count, sizeof(wanted), by_number);
    if (found && found->key.job == s->jobs[number].key.job &&
        found->key.task == s->jobs[number].key.task)
        return found;
    return NULL;
}
