/* Owns: whose turn it is in mode stint. The order moves with time, so no queue can keep it: keys
 * are computed when a head is needed, once for all tasks of a pass, and taken from a heap.
 * Expansion factor (wait + limit) / limit grows without bound while a task waits, so none starves
 * (the time that it was held, or waited for a job or for its begin time, is no wait for its turn).
 *
 * A task's priority orders it among those of its project alone. The factors say whose turn it is,
 * of which project, whatever the priorities; of the project's tasks with the same fair tier and
 * level of service, the one with the highest priority takes the turn, and when it does the two
 * exchange their factors: the project has neither more turns by it, nor earlier ones. An array has
 * a factor for each of its tasks, and lends them one by one. A task that has starved lends its turn
 * to nobody. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core.h"

static double waited(const struct stint_scheduler *s, int64_t from_ms)
{
    return s->now_ms > from_ms ? (double)(s->now_ms - from_ms) : 0;
}

static double expansion(const struct stint_scheduler *s, const struct job *job)
{
    double limit = (double)job->expected_ms;
    return (waited(s, job->ready_ms) + limit) / limit;
}

static bool is_first(const struct stint_scheduler *s, const struct turn *a, const struct turn *b)
{
    if (a->tier != b->tier)
        return a->tier < b->tier;
    if (a->key > b->key)
        return true;
    if (a->key < b->key)
        return false;
    const struct job *x = &s->jobs[a->job];
    const struct job *y = &s->jobs[b->job];
    if (x->submit_ms != y->submit_ms)
        return x->submit_ms < y->submit_ms;
    return x->sequence < y->sequence;
}

static void sift_up(const struct stint_scheduler *s, struct turn_list *list, uint32_t at)
{
    struct turn turn = list->turns[at];
    for (uint32_t up; at > 0 && is_first(s, &turn, &list->turns[up = (at - 1) / 2]); at = up)
        list->turns[at] = list->turns[up];
    list->turns[at] = turn;
}

static void sift(const struct stint_scheduler *s, struct turn_list *list, uint32_t at)
{
    assert(list->turns);
    struct turn turn = list->turns[at];
    for (uint32_t down; (down = 2 * at + 1) < list->count; at = down) {
        if (down + 1 < list->count && is_first(s, &list->turns[down + 1], &list->turns[down]))
            down++;
        if (!is_first(s, &list->turns[down], &turn))
            break;
        list->turns[at] = list->turns[down];
    }
    list->turns[at] = turn;
}

/* Whose turn it may be: tasks in the queue without a reservation (but one that is no promise yet,
 * @with_soft) and within their limits. The records are walked in the order of memory, which at a
 * million tasks is several times faster than in the order of the queue.
 */
static bool is_candidate(const struct stint_scheduler *s, const struct job *job, bool with_soft)
{
    return job->place == PLACE_QUEUE && (!job->claim || (with_soft && job->is_soft)) &&
           account_fits(s, job, NULL);
}

static struct turn turn_of(struct stint_scheduler *s, uint32_t number)
{
    const struct job *job = &s->jobs[number];
    double key = expansion(s, job);
    /* Shares order tasks until one has waited a hundred times its limit: then it goes first, so
     * that nobody waits for ever for those who have used less. */
    return (struct turn){ .key = key,
                          .tier =
                              key < STINT_STARVED_FACTOR
                                  ? fair_tier(s, job) * LEVELS_OF_SERVICE + service_level(s, job)
                                  : 0,
                          .job = number };
}

/* ---- priorities within a project */

static uint32_t project_of(const struct stint_scheduler *s, const struct job *job)
{
    for (uint32_t i = 0; i < job->account_count; i++)
        if (s->accounts[job->accounts[i]].kind == STINT_ACCOUNT_PROJECT)
            return job->accounts[i];
    return STINT_NO_ACCOUNT;
}

/* Is the order of its project's tasks another one than that of their factors? */
static bool is_favoured(const struct job *job)
{
    return job->priority != 0 || job->has_lent;
}

/* A task of a project in which somebody is favoured, in the order in which those of a project and
 * tier take its turns. */
struct favourite {
    uint32_t project;
    uint32_t tier;
    uint32_t job;
    uint32_t first; /* of its project and tier */
    uint32_t over;  /* of the first: so many of them, from the first on, have had their turn */
    bool is_over;
};

/* What lent its factor goes by its own age all the same, or it would wait behind those of its
 * project that came later. */
static bool is_preferred(const struct stint_scheduler *s, uint32_t a, uint32_t b)
{
    const struct job *x = &s->jobs[a];
    const struct job *y = &s->jobs[b];
    if (x->priority != y->priority)
        return x->priority > y->priority;
    double one = waited(s, x->submit_ms) * (double)y->expected_ms;
    double other = waited(s, y->submit_ms) * (double)x->expected_ms;
    if (one > other)
        return true;
    if (one < other)
        return false;
    return x->submit_ms != y->submit_ms ? x->submit_ms < y->submit_ms : x->sequence < y->sequence;
}

static int compare_favourites(const void *left, const void *right, void *scheduler)
{
    const struct favourite *a = left;
    const struct favourite *b = right;
    if (a->project != b->project)
        return a->project < b->project ? -1 : 1;
    if (a->tier != b->tier)
        return a->tier < b->tier ? -1 : 1;
    if (a->job == b->job)
        return 0;
    return is_preferred(scheduler, a->job, b->job) ? -1 : 1;
}

static bool *favours(struct stint_scheduler *s, struct turn_list *list, const struct job *job)
{
    uint32_t project = project_of(s, job);
    return project == STINT_NO_ACCOUNT ? &list->has_favours : &s->accounts[project].has_favours;
}

/* Which of the list's tasks are of a project in which somebody is favoured. */
static uint32_t favourites_count(struct stint_scheduler *s, struct turn_list *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        *favours(s, list, &s->jobs[list->turns[i].job]) = false;
    for (uint32_t i = 0; i < list->count; i++)
        if (is_favoured(&s->jobs[list->turns[i].job]))
            *favours(s, list, &s->jobs[list->turns[i].job]) = true;
    for (uint32_t i = 0; i < list->count; i++)
        count += *favours(s, list, &s->jobs[list->turns[i].job]);
    return count;
}

static void favourites_drop(struct turn_list *list)
{
    free(list->favourites);
    free(list->favourite_of);
    list->favourites = NULL;
    list->favourite_of = NULL;
}

void turn_list_deinit(struct turn_list *list)
{
    favourites_drop(list);
    free(list->turns);
    list->turns = NULL;
}

static int favourites_build(struct stint_scheduler *s, struct turn_list *list)
{
    favourites_drop(list);
    uint32_t count = list->is_favoured ? favourites_count(s, list) : 0;
    if (count == 0)
        return 0;
    list->favourites = calloc(count, sizeof(*list->favourites));
    list->favourite_of = calloc(s->job_count, sizeof(*list->favourite_of));
    if (!list->favourites || !list->favourite_of)
        return -ENOMEM;
    uint32_t at = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct turn *turn = &list->turns[i];
        const struct job *job = &s->jobs[turn->job];
        if (*favours(s, list, job) && turn->key < STINT_STARVED_FACTOR)
            list->favourites[at++] = (struct favourite){ .project = project_of(s, job),
                                                         .tier = turn->tier,
                                                         .job = turn->job };
    }
    qsort_r(list->favourites, at, sizeof(*list->favourites), compare_favourites, s);
    for (uint32_t i = 0; i < at; i++) {
        struct favourite *one = &list->favourites[i];
        bool is_same = i > 0 && one[-1].project == one->project && one[-1].tier == one->tier;
        one->first = is_same ? one[-1].first : i;
        list->favourite_of[one->job] = i + 1;
    }
    return 0;
}

static struct favourite *favourite(const struct turn_list *list, uint32_t number)
{
    return list->favourites && list->favourite_of[number] > 0
               ? &list->favourites[list->favourite_of[number] - 1]
               : NULL;
}

/* @owner has the turn: who of its project and tier takes it. */
static uint32_t favourite_next(struct turn_list *list, uint32_t owner)
{
    const struct favourite *one = favourite(list, owner);
    if (!one)
        return owner;
    struct favourite *first = &list->favourites[one->first];
    while (first[first->over].is_over)
        first->over++;
    return first[first->over].job;
}

/* @job has the factor @factor from now on. */
static int64_t ready_at(const struct stint_scheduler *s, const struct job *job, double factor)
{
    return s->now_ms - (int64_t)((factor - 1) * (double)job->expected_ms);
}

/* Of an array one task more has only the factor that began to count at @ready_ms; that the latest
 * of those counts for all of them keeps others' turns, and is written in one number. */
static void lend_of_array(struct job *array, int64_t ready_ms)
{
    if (array->lent_count == 0 || ready_ms > array->lent_ms)
        array->lent_ms = ready_ms;
    array->lent_count++;
    array_settle(array);
}

void array_settle(struct job *array)
{
    if (array->lent_count == 0 || array->tasks->count > array->lent_count)
        return;
    array->ready_ms = array->lent_ms;
    array->lent_count = 0;
}

bool turn_taken(struct stint_scheduler *s, struct turn_list *list, uint32_t number)
{
    list->is_taken = true;
    if (list->lender == NO_JOB || list->lender == number)
        return false;
    struct job *from = &s->jobs[list->lender];
    struct job *to = &s->jobs[number];
    bool is_same = from->expected_ms == to->expected_ms;
    int64_t lent = is_same ? from->ready_ms : ready_at(s, to, expansion(s, from));
    int64_t own = is_same ? to->ready_ms : ready_at(s, from, expansion(s, to));
    if (!to->tasks)
        to->ready_ms = lent; /* of an array one task takes it, and is gone with it */
    if (from->tasks)
        lend_of_array(from, own);
    else
        from->ready_ms = own;
    from->has_lent = true;
    clock_moved(s, from);
    clock_moved(s, to);
    return true;
}

/* ---- the list */

static int build(struct stint_scheduler *s, struct turn_list *list, bool with_soft)
{
    if (list->capacity < s->main.count) {
        uint32_t capacity = s->main.count + s->main.count / 16 + 16;
        struct turn *turns = realloc(list->turns, capacity * sizeof(*turns));
        if (!turns)
            return -ENOMEM;
        list->turns = turns;
        list->capacity = capacity;
    }
    list->count = 0;
    list->is_favoured = false;
    assert(list->turns || s->main.count == 0);
    for (uint32_t i = 0; list->turns && i < s->job_count; i++) {
        if (!is_candidate(s, &s->jobs[i], with_soft) || i == list->first)
            continue;
        list->turns[list->count++] = turn_of(s, i);
        list->is_favoured |= is_favoured(&s->jobs[i]);
    }
    int r = favourites_build(s, list);
    if (r != 0)
        return r;
    for (uint32_t i = list->count / 2; i-- > 0;)
        sift(s, list, i);
    list->is_built = true;
    return 0;
}

/* The one of @best's project and tier that takes its turn. */
static uint32_t find_favourite(struct stint_scheduler *s, const struct turn *best)
{
    uint32_t project = project_of(s, &s->jobs[best->job]);
    uint32_t number = best->job;
    bool is_any = false;
    if (best->key >= STINT_STARVED_FACTOR)
        return number;
    for (uint32_t i = 0; i < s->job_count; i++) {
        const struct job *job = &s->jobs[i];
        if (!is_candidate(s, job, false) || project_of(s, job) != project)
            continue;
        is_any |= is_favoured(job);
        struct turn turn = turn_of(s, i);
        if (turn.tier == best->tier && turn.key < STINT_STARVED_FACTOR &&
            is_preferred(s, i, number))
            number = i;
    }
    return is_any ? number : best->job;
}

/* The first of all, without a list: most passes need no second. */
static uint32_t find_first(struct stint_scheduler *s, struct turn_list *list)
{
    struct turn best = { .job = NO_JOB };
    bool is_any = false;
    for (uint32_t i = 0; i < s->job_count; i++) {
        if (!is_candidate(s, &s->jobs[i], false))
            continue;
        struct turn turn = turn_of(s, i);
        is_any |= is_favoured(&s->jobs[i]);
        if (best.job == NO_JOB || is_first(s, &turn, &best))
            best = turn;
    }
    list->lender = best.job;
    return is_any ? find_favourite(s, &best) : best.job;
}

/* What became of the turn that was given out last. Who took another's turn has had its own; whose
 * turn was taken has the other's. */
static void turn_settle(struct stint_scheduler *s, struct turn_list *list)
{
    uint32_t given = list->given;
    if (given == NO_JOB)
        return;
    struct favourite *one = favourite(list, given);
    list->given = NO_JOB;
    bool goes_on = list->is_taken && !list->is_asked && given != list->lender &&
                   is_candidate(s, &s->jobs[given], false);
    if (one && !goes_on)
        one->is_over = true;
    if (!one || given == list->lender)
        return;
    if (!list->is_asked)
        list->turn.key = expansion(s, &s->jobs[list->lender]);
    else if (!s->jobs[list->lender].tasks)
        list->turn.key = list->key;
    list->turns[list->count++] = list->turn;
    sift_up(s, list, list->count - 1);
}

static uint32_t turn_give(struct stint_scheduler *s, struct turn_list *list)
{
    for (;;) {
        if (list->count == 0)
            return NO_JOB;
        list->turn = list->turns[0];
        list->turns[0] = list->turns[--list->count];
        if (list->count > 0)
            sift(s, list, 0);
        const struct favourite *one = favourite(list, list->turn.job);
        if (!one || !one->is_over)
            break; /* else it took another's turn */
    }
    list->lender = list->turn.job;
    list->given = favourite_next(list, list->lender);
    list->key = expansion(s, &s->jobs[list->given]);
    list->is_taken = false;
    return list->given;
}

uint32_t turn_next(struct stint_scheduler *s, struct turn_list *list)
{
    if (!list->is_begun) {
        list->is_begun = true;
        (void)fair_refresh(s); /* without memory, the last ranking stands */
        favourites_drop(list);
        list->is_taken = false;
        list->first = find_first(s, list);
        return list->first;
    }
    if (!list->is_built) {
        /* Who took another's turn still has its own: an array with tasks left. */
        if (list->is_taken && list->lender != list->first)
            list->first = NO_JOB;
        list->given = NO_JOB;
        if (build(s, list, false) != 0)
            return NO_JOB;
    }
    turn_settle(s, list);
    return turn_give(s, list);
}

int turn_each(struct stint_scheduler *s, bool (*fn)(void *context, uint32_t number), void *context)
{
    struct cursor cursor = { 0 };
    uint32_t number;
    /* A head whose reservation is soft has its turn among the others: the next pass chooses anew.
     */
    for (uint32_t i = 0; i < s->head_count; i++)
        if (!s->jobs[s->heads[i]].is_soft && !fn(context, s->heads[i]))
            return 0;
    if (s->policy.mode != STINT_MODE_STINT) {
        for (; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++)
            if (!s->jobs[number].was_promised && !fn(context, number))
                return 0;
        return 0;
    }
    struct turn_list list = { .is_begun = true, .first = NO_JOB, .given = NO_JOB };
    int r = build(s, &list, true);
    while (r == 0 && (number = turn_next(s, &list)) != NO_JOB) {
        if (!fn(context, number))
            break;
        list.is_taken = true;
        list.is_asked = true;
    }
    turn_list_deinit(&list);
    return r;
}

struct each {
    const struct stint_scheduler *s;
    bool (*fn)(void *context, const struct stint_ask *ask);
    void *context;
    bool is_over;
};

static bool each_ask(void *context, uint32_t number)
{
    struct each *each = context;
    struct stint_ask ask;
    job_ask(each->s, &each->s->jobs[number], &ask);
    each->is_over = !each->fn(each->context, &ask);
    return !each->is_over;
}

/* In the queue, but in no order of turns: over a limit, in mode stint. */
static bool is_left_out(const struct stint_scheduler *s, const struct job *job)
{
    return s->policy.mode == STINT_MODE_STINT && job->place == PLACE_QUEUE && !job->claim &&
           !account_fits(s, job, NULL);
}

int stint_scheduler_each(const struct stint_scheduler *scheduler, int64_t now_ms,
                         bool (*fn)(void *context, const struct stint_ask *ask), void *context)
{
    struct stint_scheduler *s = asked(scheduler);
    struct each each = { .s = s, .fn = fn, .context = context };
    int64_t real = s->now_ms;
    s->now_ms = now_ms > real ? now_ms : real;
    int r = turn_each(s, each_ask, &each);
    s->now_ms = real;
    for (uint32_t i = 0; i < s->job_count && r == 0 && !each.is_over; i++)
        if (s->jobs[i].place == PLACE_WAITING || is_left_out(s, &s->jobs[i]))
            (void)each_ask(&each, i);
    return r;
}

int stint_scheduler_turn(const struct stint_scheduler *s, struct stint_task_key key,
                         struct stint_turn *ret_turn)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING ||
        s->policy.mode != STINT_MODE_STINT)
        return STINT_NOT_FOUND;
    const struct job *job = &s->jobs[number];
    double factor = expansion(s, job);
    *ret_turn = (struct stint_turn){ .factor = factor,
                                     .priority = job->priority,
                                     .tier = fair_tier(s, job),
                                     .tiers = s->policy.tiers,
                                     .level = service_level(s, job),
                                     .is_preemptible = job->is_preemptible,
                                     .is_starved = factor >= STINT_STARVED_FACTOR };
    return 0;
}
