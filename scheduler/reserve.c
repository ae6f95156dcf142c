/* Owns: the making of windows: where a reservation goes, what stands against it, and what it
 * becomes in the core. How windows are seen is booking.c's. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "stint/auto.h"

/* ---- what other windows leave */

/* The most that any moment of [@from, @until) leaves of @node beside the windows there are;
 * @ret_other: one that is there then. 0 or -ENOMEM. O(windows). */
static int free_of_windows(const struct stint_scheduler *s, uint32_t node, int64_t from,
                           int64_t until, int32_t *least, uint32_t *ret_other)
{
    const struct layout *layout = s->nodes[node].layout;
    struct timeline timeline = { 0 };
    int r = timeline_init(&timeline, layout->width, layout->total);
    if (r == 0)
        r = timeline_reserve(&timeline, s->booking_count);
    *ret_other = 0;
    for (uint32_t i = 0; i < s->booking_count && r == 0; i++) {
        const struct booking *booking = &s->bookings[i];
        const int32_t *vector = booking->claim->vectors;
        for (uint32_t k = 0; k < booking->claim->node_count; k++) {
            uint32_t number = booking->claim->nodes[k];
            if (number == node && booking->from_ms < until && booking->until_ms > from) {
                timeline_add(&timeline, booking->from_ms, booking->until_ms, vector, -1);
                *ret_other = booking->reservation;
            }
            vector += s->nodes[number].layout->width;
        }
    }
    if (r == 0)
        timeline_least(&timeline, from, until, least);
    timeline_deinit(&timeline);
    return r;
}

/* ---- where */

struct search {
    struct need need;
    bool has_room; /* an empty node would do */
    bool is_found;
    bool is_clear; /* nothing that runs or was promised is in its way */
    uint32_t node;
    int64_t most; /* GPUs, or cores without, that windows leave anywhere */
    int32_t vector[PLACE_WIDTH_MAX];
};

/* The least over all windows of what other windows leave, and of what is free besides. */
static int node_least(struct stint_scheduler *s, uint32_t node, const struct stint_span *spans,
                      size_t count, int32_t *windows, int32_t *clear)
{
    uint32_t width = s->nodes[node].layout->width;
    timeline_trim(&s->nodes[node].timeline, s->now_ms);
    memcpy(windows, s->nodes[node].layout->total, width * sizeof(*windows));
    memcpy(clear, windows, width * sizeof(*clear));
    for (size_t i = 0; i < count; i++) {
        int32_t beside[PLACE_WIDTH_MAX];
        int32_t now[PLACE_WIDTH_MAX];
        uint32_t other;
        int r = free_of_windows(s, node, spans[i].from_ms, spans[i].until_ms, beside, &other);
        if (r != 0)
            return r;
        timeline_least(&s->nodes[node].timeline, spans[i].from_ms, spans[i].until_ms, now);
        for (uint32_t k = 0; k < width; k++) {
            int32_t both = beside[k] + now[k] - s->nodes[node].layout->total[k];
            windows[k] = beside[k] < windows[k] ? beside[k] : windows[k];
            clear[k] = both < clear[k] ? both : clear[k];
        }
    }
    return 0;
}

static int64_t amount(const struct layout *layout, const int32_t *free, const struct need *need)
{
    int64_t cores = 0;
    if (need->gpus > 0)
        return __builtin_popcountll(place_eligible(layout, free, need));
    for (uint32_t n = 0; n < layout->numa; n++)
        cores += free[n] > 0 ? free[n] : 0;
    return cores;
}

static int try_node(struct stint_scheduler *s, uint32_t node, const struct stint_span *spans,
                    size_t count, struct search *search)
{
    const struct layout *layout = s->nodes[node].layout;
    int32_t windows[PLACE_WIDTH_MAX];
    int32_t clear[PLACE_WIDTH_MAX];
    int32_t claim[PLACE_WIDTH_MAX];
    if (!place_could(layout, layout->total, &search->need, 0))
        return 0;
    search->has_room = true;
    int r = node_least(s, node, spans, count, windows, clear);
    if (r != 0)
        return r;
    int64_t most = amount(layout, windows, &search->need);
    search->most = most > search->most ? most : search->most;
    bool is_clear = place_fits(layout, clear, &search->need, 0, claim);
    if (search->is_clear || (search->is_found && !is_clear) ||
        (!is_clear && !place_fits(layout, windows, &search->need, 0, claim)))
        return 0;
    search->is_found = true;
    search->is_clear = is_clear;
    search->node = node;
    memcpy(search->vector, claim, layout->width * sizeof(*claim));
    return 0;
}

/* The first cores of each NUMA node, and the GPUs of a vector. */
static void grant_from_vector(const struct layout *layout, const int32_t *vector,
                              struct stint_grant *grant)
{
    for (uint32_t n = 0; n < layout->numa; n++) {
        const struct stint_numa *numa = &layout->shape->numa[n];
        for (uint32_t c = numa->core_first; c < numa->core_first + (uint32_t)vector[n]; c++)
            grant->cores[c / 64] |= UINT64_C(1) << (c % 64);
        grant->core_count += (uint32_t)vector[n];
        grant->numa_memory[n] = vector[layout->numa + n] * MIB;
        grant->memory_bytes += grant->numa_memory[n];
    }
    for (uint32_t i = 0; i < layout->gpus; i++) {
        if (vector[2 * layout->numa + i] == 0)
            continue;
        grant->gpus |= UINT64_C(1) << i;
        grant->gpu_count++;
        grant->gpu_milli = 1000;
    }
}

static int say_no(const struct search *search, struct stint_error *err)
{
    if (!search->has_room) {
        (void)stint_fail(err, STINT_UNSATISFIABLE, "no node is large enough for this reservation");
        return stint_fix(err, STINT_UNSATISFIABLE, "see what there is with: stint nodes");
    }
    (void)stint_fail(err, STINT_CONFLICT, "other reservations want the same at the same time");
    return stint_fix(err, STINT_CONFLICT,
                     "at most %" PRId64 " %s of one node are not reserved then", search->most,
                     search->need.gpus > 0 ? "such GPUs" : "cores");
}

int stint_scheduler_place_window(const struct stint_scheduler *s, const struct stint_ask *ask,
                                 int node, const struct stint_span *spans, size_t span_count,
                                 struct stint_allocation **ret_allocation, struct stint_error *err)
{
    struct search search = { 0 };
    int r = 0;
    need_from_ask(ask, &search.need);
    search.need.gpu_milli = 1000;
    for (uint32_t i = 0; i < s->machine->node_count && r == 0; i++)
        if (node < 0 || (uint32_t)node == i)
            r = try_node(asked(s), i, spans, span_count, &search);
    if (r == 0 && !search.is_found)
        return say_no(&search, err);
    if (r == 0)
        r = grant_new(s->machine, &search.node, 1, ret_allocation);
    if (r == 0)
        grant_from_vector(s->nodes[search.node].layout, search.vector,
                          &(*ret_allocation)->grants[0]);
    return r;
}

int stint_scheduler_whole_nodes(const struct stint_scheduler *s, const uint32_t *nodes,
                                uint32_t count, struct stint_allocation **ret_allocation)
{
    int r = grant_new(s->machine, nodes, count, ret_allocation);
    for (uint32_t i = 0; i < count && r == 0; i++)
        grant_from_vector(s->nodes[nodes[i]].layout, s->nodes[nodes[i]].layout->total,
                          &(*ret_allocation)->grants[i]);
    return r;
}

/* ---- into the core, and out */

static void vector_of_grant(const struct layout *layout, const struct stint_grant *grant,
                            int32_t *vector)
{
    for (uint32_t c = 0; c < layout->shape->core_count; c++)
        if (stint_bit_has(grant->cores, c))
            vector[layout->shape->cores[c].numa]++;
    for (uint32_t n = 0; n < layout->numa; n++) {
        int64_t mib = layout->has_memory ? grant->numa_memory[n] / MIB : 0;
        int32_t total = layout->total[layout->numa + n];
        vector[layout->numa + n] = mib > total ? total : (int32_t)mib;
    }
    for (uint32_t i = 0; i < layout->gpus; i++)
        vector[2 * layout->numa + i] = grant->gpus >> i & 1 ? 1000 : 0;
}

static int claim_of_window(const struct stint_scheduler *s, const struct stint_window *window,
                           struct claim **ret_claim)
{
    const struct stint_allocation *allocation = window->allocation;
    uint32_t *nodes = calloc(allocation->grant_count + 1, sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    for (uint32_t i = 0; i < allocation->grant_count; i++)
        nodes[i] = allocation->grants[i].node;
    int r = claim_new(s, nodes, allocation->grant_count, ret_claim);
    free(nodes);
    int32_t *vector = r == 0 ? (*ret_claim)->vectors : NULL;
    for (uint32_t i = 0; i < allocation->grant_count && r == 0; i++) {
        const struct layout *layout = s->nodes[allocation->grants[i].node].layout;
        vector_of_grant(layout, &allocation->grants[i], vector);
        vector += layout->width;
    }
    return r;
}

/* Do other windows leave what @claim wants? */
static int claim_check(const struct stint_scheduler *s, const struct stint_window *window,
                       const struct claim *claim, uint32_t *ret_other, struct stint_error *err)
{
    const int32_t *vector = claim->vectors;
    for (uint32_t i = 0; i < claim->node_count; i++) {
        uint32_t width = s->nodes[claim->nodes[i]].layout->width;
        int32_t least[PLACE_WIDTH_MAX];
        int r = free_of_windows(s, claim->nodes[i], window->from_ms, window->until_ms, least,
                                ret_other);
        if (r != 0)
            return r;
        for (uint32_t k = 0; k < width; k++)
            if (least[k] < vector[k])
                return stint_fail(err, STINT_CONFLICT, "%s is reserved for others then",
                                  s->machine->nodes[claim->nodes[i]].name);
        vector += width;
    }
    return 0;
}

static int booking_new(struct stint_scheduler *s, const struct stint_window *window,
                       struct claim *claim, struct booking *booking)
{
    static const int32_t none[PLACE_WIDTH_MAX];
    *booking = (struct booking){ .reservation = window->reservation,
                                 .account = window->account,
                                 .from_ms = window->from_ms,
                                 .until_ms = window->until_ms,
                                 .used_ms = TIME_START,
                                 .claim = claim };
    booking->left = calloc(claim->node_count + 1, sizeof(*booking->left));
    int r = booking->left ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < claim->node_count && r == 0; i++) {
        r = timeline_init(&booking->left[i], s->nodes[claim->nodes[i]].layout->width, none);
        if (r == 0)
            r = timeline_reserve(&booking->left[i], 2);
    }
    for (uint32_t i = 0; r != 0 && booking->left && i < claim->node_count; i++)
        timeline_deinit(&booking->left[i]);
    if (r != 0)
        free(booking->left);
    return r;
}

static int booking_reserve(struct stint_scheduler *s)
{
    if (s->booking_count < s->booking_capacity)
        return 0;
    uint32_t capacity = s->booking_capacity ? s->booking_capacity * 2 : 16;
    struct booking *bookings = realloc(s->bookings, capacity * sizeof(*bookings));
    if (!bookings)
        return -ENOMEM;
    s->bookings = bookings;
    s->booking_capacity = capacity;
    return 0;
}

static void booking_insert(struct stint_scheduler *s, const struct booking *booking)
{
    uint32_t at = s->booking_count;
    while (at > 0 && s->bookings[at - 1].from_ms > booking->from_ms)
        at--;
    memmove(&s->bookings[at + 1], &s->bookings[at], (s->booking_count++ - at) * sizeof(*booking));
    s->bookings[at] = *booking;
    for (uint32_t i = 0; i < booking->claim->node_count; i++)
        s->nodes[booking->claim->nodes[i]].bookings++;
    booking_changed(s);
    s->is_shaken = true; /* promises may have counted on it */
}

int stint_scheduler_reserve(struct stint_scheduler *s, const struct stint_window *window,
                            uint32_t *ret_other, struct stint_error *err)
{
    struct claim *claim = NULL;
    struct booking booking;
    uint32_t other = 0;
    if (window->reservation == 0 || window->from_ms >= window->until_ms ||
        window->allocation->grant_count == 0 || window->until_ms > -PASS_TIME_MIN)
        return stint_fail(err, STINT_INVALID,
                          "a window begins before it ends, and keeps something");
    if (s->booking_count >= STINT_SCHEDULER_WINDOW_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "more than %d windows of reservations",
                          STINT_SCHEDULER_WINDOW_MAX);
    int r = booking_reserve(s);
    if (r == 0)
        r = claim_of_window(s, window, &claim);
    if (r == 0)
        r = claim_check(s, window, claim, &other, err);
    if (r == 0)
        r = booking_new(s, window, claim, &booking);
    if (r != 0) {
        free(claim);
        if (ret_other && r == STINT_CONFLICT)
            *ret_other = other;
        return r;
    }
    booking_insert(s, &booking);
    return 0;
}

size_t stint_scheduler_unreserve(struct stint_scheduler *s, uint32_t reservation, int64_t from_ms)
{
    size_t count = 0;
    for (uint32_t i = s->booking_count; i-- > 0;) {
        const struct booking *booking = &s->bookings[i];
        if ((reservation != 0 && booking->reservation != reservation) ||
            (from_ms != TIME_START && booking->from_ms != from_ms))
            continue;
        booking_drop(s, i);
        count++;
    }
    if (count > 0)
        booking_changed(s);
    return count;
}
