/* Owns: windows of operators' reservations. The nodes' timelines know nothing of them: they are
 * what is held and promised. What a reservation keeps is taken off where a task looks at the future
 * (node_view()), so that two tasks see different futures of one node: a holder sees what is
 * reserved for it, others do not.
 *
 * `left` of a window is what its holders have not taken: what it keeps, less their claims on the
 * node, never below nothing, from its beginning to its end. A claim is charged to a project's
 * windows before its institution's, so that as much as possible is charged; nothing a holder starts
 * or ends then takes from others what was promised to them:
 *
 *     what others see = total - all claims - sum of what is left
 *
 * and a claim that fits into what its own task sees lowers that by no more than was free of
 * promises. `left` is worked out anew when a claim on the node has changed and somebody looks. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "stint/auto.h"

#define DEPTH_MAX 16 /* windows of one holder at once; what is beyond counts as not taken */

int booking_init(struct stint_scheduler *s)
{
    static const int32_t none[PLACE_WIDTH_MAX];
    s->boundary_ms = TIME_NEVER;
    int r = timeline_init(&s->view, s->width_max, none);
    if (r == 0)
        r = timeline_init(&s->kept, s->width_max, none);
    return r == 0 ? timeline_init(&s->nothing, s->width_max, none) : r;
}

static void booking_free(const struct booking *booking)
{
    for (uint32_t i = 0; booking->left && i < booking->claim->node_count; i++)
        timeline_deinit(&booking->left[i]);
    free(booking->left);
    free(booking->claim);
}

void booking_deinit(struct stint_scheduler *s)
{
    for (uint32_t i = 0; i < s->booking_count; i++)
        booking_free(&s->bookings[i]);
    free(s->bookings);
    timeline_deinit(&s->view);
    timeline_deinit(&s->kept);
    timeline_deinit(&s->nothing);
}

static bool may_use(const struct booking *booking, const struct job *job)
{
    for (uint32_t i = 0; i < job->account_count; i++)
        if (job->accounts[i] == booking->account)
            return booking->account != STINT_NO_ACCOUNT;
    return false;
}

/* What @booking keeps on @node; NULL when it is elsewhere. */
static const int32_t *kept_on(const struct stint_scheduler *s, const struct booking *booking,
                              uint32_t node, struct timeline **ret_left)
{
    const int32_t *vector = booking->claim->vectors;
    for (uint32_t i = 0; i < booking->claim->node_count; i++) {
        if (booking->claim->nodes[i] == node) {
            if (ret_left)
                *ret_left = &booking->left[i];
            return vector;
        }
        vector += s->nodes[booking->claim->nodes[i]].layout->width;
    }
    return NULL;
}

/* ---- what is left of them */

static int left_reset(struct stint_scheduler *s, struct booking *booking)
{
    const int32_t *vector = booking->claim->vectors;
    int r = 0;
    for (uint32_t i = 0; i < booking->claim->node_count && r == 0; i++) {
        struct timeline *left = &booking->left[i];
        const struct layout *layout = s->nodes[booking->claim->nodes[i]].layout;
        memset(left->free, 0, layout->width * sizeof(*left->free));
        left->times[0] = TIME_START;
        left->first = 0;
        left->count = 1;
        r = timeline_reserve(left, 2);
        if (r == 0)
            timeline_add(left, booking->from_ms, booking->until_ms, vector, 1);
        vector += layout->width;
    }
    return r;
}

struct use {
    uint32_t node;
    uint32_t width;
    const struct job *job;
};

/* The windows in the order of charging: those of projects, then those of institutions. Place @at of
 * twice as many; NULL when this one has its turn in the other round. */
static struct booking *in_order(const struct stint_scheduler *s, uint32_t at)
{
    struct booking *booking = &s->bookings[at % s->booking_count];
    bool is_narrow = booking->account < s->account_count &&
                     s->accounts[booking->account].kind > STINT_ACCOUNT_INSTITUTION;
    return is_narrow == (at < s->booking_count) ? booking : NULL;
}

/* Charges @vector during [@from, @until) to the windows from place @at on. */
static void charge(struct stint_scheduler *s, const struct use *use, uint32_t at,
                   const int32_t *vector, int64_t from, int64_t until, int depth)
{
    for (; at < 2 * s->booking_count && from < until; at++) {
        struct booking *booking = in_order(s, at);
        struct timeline *left = NULL;
        if (!booking || booking->from_ms >= until || booking->until_ms <= from ||
            !may_use(booking, use->job) || !kept_on(s, booking, use->node, &left))
            continue;
        if (from < booking->from_ms && depth < DEPTH_MAX)
            charge(s, use, at + 1, vector, from, booking->from_ms, depth + 1);
        int64_t time = from > booking->from_ms ? from : booking->from_ms;
        int64_t end = until < booking->until_ms ? until : booking->until_ms;
        while (time < end && timeline_reserve(left, left->count + 2) == 0) {
            int32_t taken[PLACE_WIDTH_MAX];
            int32_t rest[PLACE_WIDTH_MAX];
            uint32_t i = 0;
            bool has_rest = false;
            while (timeline_until(left, i) <= time)
                i++;
            const int32_t *step = timeline_step(left, i);
            int64_t next = timeline_until(left, i) < end ? timeline_until(left, i) : end;
            for (uint32_t k = 0; k < use->width; k++) {
                taken[k] = vector[k] < step[k] ? vector[k] : step[k];
                rest[k] = vector[k] - taken[k];
                has_rest |= rest[k] > 0;
            }
            timeline_add(left, time, next, taken, -1);
            if (has_rest && depth < DEPTH_MAX)
                charge(s, use, at + 1, rest, time, next, depth + 1);
            time = next;
        }
        from = end;
    }
}

static void charge_job(struct stint_scheduler *s, const struct job *job, uint32_t node)
{
    struct use use = { node, s->nodes[node].layout->width, job };
    const int32_t *vector = job->claim->vectors;
    bool is_running = job->place == PLACE_RUNNING;
    if (job->is_lifted)
        return;
    for (uint32_t i = 0; i < job->claim->node_count; i++) {
        if (job->claim->nodes[i] == node)
            charge(s, &use, 0, vector, is_running ? TIME_START : job->claim->start_ms,
                   is_running ? job->ends_ms : job->claim->end_ms, 0);
        vector += s->nodes[job->claim->nodes[i]].layout->width;
    }
}

static void charge_trials(struct stint_scheduler *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->trial_count; i++) {
        struct use use = { node, s->nodes[node].layout->width, &s->jobs[s->trials[i].job] };
        if (s->trials[i].node == node)
            charge(s, &use, 0, s->trials[i].vector, s->trials[i].from_ms, s->trials[i].until_ms, 0);
    }
}

static void charge_all(struct stint_scheduler *s, uint32_t node)
{
    if (s->trials) { /* a plan knows all of its own */
        charge_trials(s, node);
        return;
    }
    for (uint32_t i = 0; i < s->running.count; i++)
        charge_job(s, &s->jobs[s->running.jobs[i]], node);
    for (uint32_t i = 0; i < s->head_count; i++)
        if (s->jobs[s->heads[i]].claim && s->jobs[s->heads[i]].place == PLACE_QUEUE)
            charge_job(s, &s->jobs[s->heads[i]], node);
    struct cursor cursor = { 0 };
    if (s->policy.mode == STINT_MODE_CONSERVATIVE)
        for (uint32_t number; (number = queue_at(&s->main, &cursor)) != NO_JOB; cursor.at++)
            if (s->jobs[number].claim)
                charge_job(s, &s->jobs[number], node);
}

/* Without memory the windows of the node are as if nothing of them was taken: others wait longer.
 */
static void left_refresh(struct stint_scheduler *s, uint32_t number)
{
    struct node *node = &s->nodes[number];
    if (node->left_version == s->use_version)
        return;
    for (uint32_t i = 0; i < s->booking_count; i++)
        if (kept_on(s, &s->bookings[i], number, NULL))
            (void)left_reset(s, &s->bookings[i]); /* its first steps have room since it was made */
    charge_all(s, number);
    node->left_version = s->use_version;
}

/* ---- what a task sees */

/* Room for @steps of the widest node: @view is of one shape after the other. */
static bool view_reserve(struct stint_scheduler *s, struct timeline *view, uint32_t steps)
{
    uint32_t width = view->width;
    view->width = s->width_max;
    int r = timeline_reserve(view, steps);
    view->width = width;
    return r == 0;
}

/* Takes what is left of a window off @view. */
static bool view_take(struct stint_scheduler *s, struct timeline *view, const struct timeline *left)
{
    if (!view_reserve(s, view, view->count + left->count))
        return false;
    for (uint32_t i = 0; i < left->count; i++)
        if (timeline_until(left, i) > s->now_ms)
            timeline_add(view, timeline_time(left, i), timeline_until(left, i),
                         timeline_step(left, i), -1);
    return true;
}

static bool view_copy(struct stint_scheduler *s, const struct timeline *timeline)
{
    struct timeline *view = &s->view;
    if (!view_reserve(s, view, timeline->count))
        return false;
    view->first = 0;
    view->width = timeline->width;
    view->count = timeline->count;
    memcpy(view->times, timeline->times + timeline->first, timeline->count * sizeof(*view->times));
    memcpy(view->free, timeline_step(timeline, 0),
           (size_t)timeline->count * timeline->width * sizeof(*view->free));
    return true;
}

/* A task that is planned to be over before a window begins must fit before it by its limit: so much
 * earlier, no more is there than the windows leave. */
static bool view_keep_clear(struct stint_scheduler *s)
{
    const struct timeline *kept = &s->kept;
    if (!view_reserve(s, &s->view, s->view.count + kept->count))
        return false;
    for (uint32_t i = 1; i < kept->count; i++)
        timeline_cap(&s->view, timeline_time(kept, i) - s->limit_past_ms, timeline_time(kept, i),
                     timeline_step(kept, i));
    return true;
}

static void kept_reset(struct stint_scheduler *s, const struct layout *layout)
{
    s->kept.first = 0;
    s->kept.width = layout->width;
    s->kept.count = 1;
    s->kept.times[0] = TIME_START;
    memcpy(s->kept.free, layout->total, layout->width * sizeof(*s->kept.free));
}

/* Where runs from before a window hold what it keeps, less than nothing is left of that thing: it
 * must not count against the others of the node. */
static void view_clamp(struct timeline *view)
{
    int32_t *free = &view->free[(size_t)view->first * view->width];
    for (size_t i = 0; i < (size_t)view->count * view->width; i++)
        free[i] = free[i] > 0 ? free[i] : 0;
}

static const struct timeline *see_nothing(struct stint_scheduler *s, uint32_t width)
{
    s->nothing.width = width;
    return &s->nothing;
}

static bool view_windows(struct stint_scheduler *s, uint32_t number, const struct job *job)
{
    kept_reset(s, s->nodes[number].layout);
    for (uint32_t i = 0; i < s->booking_count; i++) {
        struct booking *booking = &s->bookings[i];
        struct timeline *left = NULL;
        if (booking->is_ignored || booking->until_ms <= s->now_ms || may_use(booking, job) ||
            !kept_on(s, booking, number, &left))
            continue;
        if (!view_take(s, &s->view, left) ||
            (s->limit_past_ms > 0 && !view_take(s, &s->kept, left)))
            return false;
    }
    return s->limit_past_ms == 0 || view_keep_clear(s);
}

const struct timeline *node_view(struct stint_scheduler *s, uint32_t number, const struct job *job)
{
    struct node *node = &s->nodes[number];
    if (!s->is_supposing)
        timeline_trim(&node->timeline, s->now_ms);
    if (node->bookings == 0 && !s->is_supposing)
        return &node->timeline;
    left_refresh(s, number);
    if (!view_copy(s, &node->timeline) || !view_windows(s, number, job))
        return see_nothing(s, node->layout->width);
    timeline_trim(&s->view, s->now_ms);
    view_clamp(&s->view);
    return &s->view;
}

bool booking_inside(struct stint_scheduler *s, uint32_t number, const struct job *job,
                    int64_t until_ms, int32_t *inside)
{
    const struct node *node = &s->nodes[number];
    int32_t least[PLACE_WIDTH_MAX];
    bool has_some = false;
    memset(inside, 0, node->layout->width * sizeof(*inside));
    left_refresh(s, number);
    for (uint32_t i = 0; i < s->booking_count && s->bookings[i].from_ms <= s->now_ms; i++) {
        const struct booking *booking = &s->bookings[i];
        struct timeline *left = NULL;
        if (booking->until_ms <= s->now_ms || !may_use(booking, job) ||
            !kept_on(s, booking, number, &left))
            continue;
        timeline_least(left, s->now_ms, until_ms < booking->until_ms ? until_ms : booking->until_ms,
                       least);
        for (uint32_t k = 0; k < node->layout->width; k++) {
            inside[k] += least[k];
            has_some |= least[k] > 0;
        }
    }
    return has_some;
}

const struct booking *booking_blocks(struct stint_scheduler *s, const struct job *job)
{
    uint32_t number = (uint32_t)(job - s->jobs);
    const struct booking *found = NULL;
    if (s->booking_count == 0)
        return NULL;
    struct claim *claim = job->claim ? job_suspend_promise(s, number) : NULL;
    for (uint32_t i = 0; i < s->booking_count; i++)
        s->bookings[i].is_ignored = true;
    bool is_cause = search_now(s, job, s->now_ms);
    for (uint32_t i = 0; i < s->booking_count; i++)
        s->bookings[i].is_ignored = false;
    for (uint32_t i = 0; i < s->booking_count && is_cause; i++) {
        struct booking *booking = &s->bookings[i];
        if (booking->from_ms >= s->now_ms + job->walltime_ms || may_use(booking, job))
            continue;
        booking->is_ignored = true;
        bool is_enough = search_now(s, job, s->now_ms);
        booking->is_ignored = false;
        if (is_enough || !found)
            found = booking; /* of several that are in the way together, the first */
        if (is_enough)
            break;
    }
    if (claim)
        job_resume_promise(s, number, claim);
    return found;
}

static bool is_told(const struct booking *const *bookings, size_t count, uint32_t reservation)
{
    for (size_t i = 0; i < count; i++)
        if (bookings[i]->reservation == reservation)
            return true;
    return false;
}

/* Does enough of the machine stay beside @booking, from now for the whole walltime? */
static bool leaves_room(struct stint_scheduler *s, struct booking *booking, const struct job *job)
{
    uint32_t keep = job->need.gpus > 0 ? 0 : s->policy.cores_per_free_gpu;
    int64_t end_ms = s->now_ms + job->walltime_ms;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->machine->node_count && count < job->nodes; i++) {
        const struct node *node = &s->nodes[i];
        const struct layout *layout = node->layout;
        int32_t least[PLACE_WIDTH_MAX];
        struct timeline *left = NULL;
        if (node->state != STINT_NODE_UP)
            continue;
        memcpy(least, layout->total, layout->width * sizeof(*least));
        if (kept_on(s, booking, i, &left)) {
            left_refresh(s, i);
            for (uint32_t at = 0; at < left->count; at++)
                for (uint32_t k = 0; k < layout->width && timeline_time(left, at) < end_ms &&
                                     timeline_until(left, at) > s->now_ms;
                     k++) {
                    int32_t rest = layout->total[k] - timeline_step(left, at)[k];
                    least[k] = rest < least[k] ? rest : least[k];
                }
        }
        count += place_could(layout, least, &job->need, keep);
    }
    return count >= job->nodes;
}

size_t booking_each(struct stint_scheduler *s, const struct job *job,
                    const struct booking **ret_bookings, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < s->booking_count && count < max; i++) {
        struct booking *booking = &s->bookings[i];
        if (booking->from_ms < s->now_ms + job->walltime_ms && booking->until_ms > s->now_ms &&
            !may_use(booking, job) && !is_told(ret_bookings, count, booking->reservation) &&
            !leaves_room(s, booking, job))
            ret_bookings[count++] = booking;
    }
    return count;
}

/* ---- time */

int64_t booking_change(const struct stint_scheduler *s, int64_t at_ms)
{
    int64_t next = TIME_NEVER;
    for (uint32_t i = 0; i < s->booking_count; i++) {
        const struct booking *booking = &s->bookings[i];
        int64_t time = booking->from_ms > at_ms ? booking->from_ms : booking->until_ms;
        if (time > at_ms && time < next)
            next = time;
    }
    return next;
}

void booking_changed(struct stint_scheduler *s)
{
    s->boundary_ms = booking_change(s, s->now_ms);
    s->use_version++; /* what is charged to one window may be charged to another */
    s->generation++;
    s->is_dirty = true;
}

void booking_drop(struct stint_scheduler *s, uint32_t i)
{
    const struct claim *claim = s->bookings[i].claim;
    for (uint32_t k = 0; k < claim->node_count; k++)
        s->nodes[claim->nodes[k]].bookings--;
    booking_free(&s->bookings[i]);
    memmove(&s->bookings[i], &s->bookings[i + 1], (--s->booking_count - i) * sizeof(*s->bookings));
}

bool booking_turn(struct stint_scheduler *s)
{
    if (s->boundary_ms > s->now_ms)
        return false;
    for (uint32_t i = s->booking_count; i-- > 0;)
        if (s->bookings[i].until_ms <= s->now_ms)
            booking_drop(s, i);
    booking_changed(s);
    return true;
}

/* ---- in use or not */

static bool is_in_use(struct stint_scheduler *s, const struct booking *booking, int64_t now_ms)
{
    const int32_t *vector = booking->claim->vectors;
    for (uint32_t i = 0; i < booking->claim->node_count; i++) {
        uint32_t number = booking->claim->nodes[i];
        uint32_t width = s->nodes[number].layout->width;
        int32_t least[PLACE_WIDTH_MAX];
        left_refresh(s, number);
        timeline_least(&booking->left[i], now_ms, now_ms + 1, least);
        for (uint32_t k = 0; k < width; k++)
            if (least[k] < vector[k])
                return true;
        vector += width;
    }
    return false;
}

void booking_end_of_run(struct stint_scheduler *s, const struct job *job, int64_t now_ms)
{
    for (uint32_t i = 0; i < s->booking_count && s->bookings[i].from_ms <= now_ms; i++)
        if (now_ms < s->bookings[i].until_ms && may_use(&s->bookings[i], job) &&
            is_in_use(s, &s->bookings[i], s->now_ms))
            s->bookings[i].used_ms = now_ms;
}

int64_t stint_scheduler_idle_since_ms(const struct stint_scheduler *s, uint32_t reservation,
                                      int64_t from_ms, int64_t now_ms)
{
    for (uint32_t i = 0; i < s->booking_count; i++) {
        const struct booking *booking = &s->bookings[i];
        if (booking->reservation != reservation || booking->from_ms != from_ms)
            continue;
        if (now_ms >= from_ms && is_in_use(asked(s), booking, now_ms))
            return now_ms;
        return booking->used_ms > from_ms ? booking->used_ms : from_ms;
    }
    return INT64_MAX;
}
