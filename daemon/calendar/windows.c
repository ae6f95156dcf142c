/* Owns: what the core is told of reservations, and what time does to them. The core's clock never
 * steps, the calendar's does: windows are told by the difference between the two, and again when
 * that has moved, so that a step of the wall clock moves reservations and never a running job. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/log.h"

#define DAY_MS     INT64_C(86400000)
#define STEP_MS    1000 /* a clock that was corrected by less has not stepped */
#define AHEAD_MS   (60 * DAY_MS)
#define AHEAD_MAX  (400 * DAY_MS)
#define FIRST_MS   (14 * DAY_MS) /* of a weekly one, however far away it begins */
#define MORE_MS    DAY_MS        /* what comes near is told so often */
#define RANGES_MAX (STINT_RESERVATION_MAX + 2)

static int64_t ahead_of(const struct stint_calendar *calendar)
{
    int64_t longest_ms = 0;
    bool is_bounded = true;
    for (uint32_t i = 0; i < calendar->options.resources->count; i++) {
        int64_t max_ms = calendar->options.resources->list[i].max_walltime_s * 1000;
        is_bounded = is_bounded && max_ms > 0;
        longest_ms = max_ms > longest_ms ? max_ms : longest_ms;
    }
    int64_t ahead_ms = is_bounded ? longest_ms + 8 * DAY_MS : AHEAD_MS;
    return ahead_ms < AHEAD_MAX ? ahead_ms : AHEAD_MAX;
}

/* ---- which windows */

/* Windows within any of these are told: the near future, and the times at which those that are far
 * away meet others. */
struct ranges {
    size_t count;
    struct stint_span list[RANGES_MAX];
};

static void ranges_add(struct ranges *ranges, const struct rule *rule)
{
    int64_t until_ms = rule->until_ms;
    if (rule->days != 0 && until_ms - rule->from_ms > FIRST_MS)
        until_ms = rule->from_ms + FIRST_MS;
    if (ranges->count < RANGES_MAX)
        ranges->list[ranges->count++] = (struct stint_span){ rule->from_ms, until_ms };
}

static void ranges_of(const struct stint_calendar *calendar, const struct reservation *extra,
                      struct ranges *ranges)
{
    int64_t now_ms = calendar->options.now_wall_ms();
    ranges->count = 1;
    ranges->list[0] = (struct stint_span){ now_ms, now_ms + ahead_of(calendar) };
    for (const struct reservation *at = calendar->reservations; at; at = at->next)
        ranges_add(ranges, &at->rule);
    if (extra)
        ranges_add(ranges, &extra->rule);
}

static bool is_in(const struct ranges *ranges, const struct stint_span *span)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (span->from_ms < ranges->list[i].until_ms && span->until_ms > ranges->list[i].from_ms)
            return true;
    return false;
}

/* The next window of @rule behind @at_ms that is to be told; skips from range to range. */
static bool next_in(const struct ranges *ranges, const struct rule *rule, int64_t at_ms,
                    struct stint_span *span)
{
    while (rule_next(rule, at_ms, span)) {
        if (is_in(ranges, span))
            return true;
        int64_t next_ms = INT64_MAX;
        for (size_t i = 0; i < ranges->count; i++)
            if (ranges->list[i].from_ms >= span->until_ms && ranges->list[i].from_ms < next_ms)
                next_ms = ranges->list[i].from_ms;
        if (next_ms == INT64_MAX)
            return false;
        at_ms = next_ms > span->until_ms ? next_ms : span->until_ms;
    }
    return false;
}

static size_t list(const struct stint_calendar *calendar, const struct reservation *reservation,
                   const struct ranges *ranges, struct stint_span *spans, size_t max)
{
    int64_t at_ms = calendar->options.now_wall_ms();
    size_t count = 0;
    struct stint_span span;
    while (count < max && next_in(ranges, &reservation->rule, at_ms, &span)) {
        at_ms = span.until_ms;
        if (span.from_ms >= reservation->released_ms)
            spans[count++] = span;
    }
    return count;
}

/* ---- telling them */

static bool is_told(const struct reservation *reservation, const struct stint_span *span)
{
    for (size_t i = 0; i < reservation->told_count; i++)
        if (reservation->told[i].span.from_ms == span->from_ms)
            return true;
    return false;
}

static void drop_told(struct reservation *reservation, size_t i)
{
    memmove(&reservation->told[i], &reservation->told[i + 1],
            (--reservation->told_count - i) * sizeof(*reservation->told));
}

static int tell_one(struct stint_calendar *calendar, struct reservation *reservation,
                    const struct stint_span *span, uint32_t *ret_other, struct stint_error *err)
{
    struct stint_window window = {
        .reservation = (uint32_t)reservation->id,
        .account = reservation->account,
        .from_ms = span->from_ms - calendar->offset_ms,
        .until_ms = span->until_ms - calendar->offset_ms,
        .allocation = reservation->allocation,
    };
    struct told_window *told =
        reallocarray(reservation->told, reservation->told_count + 1, sizeof(*told));
    if (!told)
        return -ENOMEM;
    reservation->told = told;
    int r = stint_clerk_reserve(calendar_clerk(calendar, reservation->resource), &window, ret_other,
                                err);
    if (r == 0)
        told[reservation->told_count++] = (struct told_window){ *span, window.from_ms };
    return r;
}

static int tell(struct stint_calendar *calendar, struct reservation *reservation,
                const struct ranges *ranges, bool is_strict, uint32_t *ret_other,
                struct stint_error *err)
{
    struct stint_span *spans = calloc(STINT_RESERVATION_WINDOW_MAX, sizeof(*spans));
    size_t count =
        spans ? list(calendar, reservation, ranges, spans, STINT_RESERVATION_WINDOW_MAX) : 0;
    int r = spans ? 0 : -ENOMEM;
    reservation->conflicts = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (is_told(reservation, &spans[i]))
            continue;
        r = tell_one(calendar, reservation, &spans[i], ret_other, err);
        if (r == STINT_CONFLICT && !is_strict) {
            reservation->conflicts++;
            r = 0;
        }
    }
    free(spans);
    return r;
}

int windows_tell(struct stint_calendar *calendar, struct reservation *reservation, bool is_strict,
                 uint32_t *ret_other, struct stint_error *err)
{
    struct ranges ranges;
    ranges_of(calendar, reservation, &ranges);
    return tell(calendar, reservation, &ranges, is_strict, ret_other, err);
}

size_t windows_list(const struct stint_calendar *calendar, const struct reservation *reservation,
                    struct stint_span *spans, size_t max)
{
    struct ranges ranges;
    ranges_of(calendar, reservation, &ranges);
    size_t count = list(calendar, reservation, &ranges, spans, max);
    for (size_t i = 0; i < count; i++) {
        spans[i].from_ms -= calendar->offset_ms;
        spans[i].until_ms -= calendar->offset_ms;
    }
    return count;
}

void windows_forget(struct stint_calendar *calendar, struct reservation *reservation)
{
    (void)stint_clerk_unreserve(calendar_clerk(calendar, reservation->resource),
                                (uint32_t)reservation->id, INT64_MIN);
    reservation->told_count = 0;
}

void windows_tell_more(struct stint_calendar *calendar, const struct reservation *extra)
{
    struct ranges ranges;
    struct stint_error err = { 0 };
    uint32_t other = 0;
    ranges_of(calendar, extra, &ranges);
    for (struct reservation *at = calendar->reservations; at; at = at->next) {
        int r = tell(calendar, at, &ranges, false, &other, &err);
        if (r != 0 || at->conflicts > 0)
            stint_log(STINT_LOG_WARNING, "reservation-not-kept", "name=%s windows=%u cause=\"%s\"",
                      at->name, at->conflicts, err.text);
    }
    calendar->ahead_ms = ranges.list[0].until_ms;
}

void windows_tell_all(struct stint_calendar *calendar)
{
    calendar->offset_ms = calendar->options.now_wall_ms() - calendar->options.now_boot_ms();
    for (uint32_t i = 0; i < calendar->options.resources->count; i++)
        (void)stint_clerk_unreserve(calendar_clerk(calendar, i), 0, INT64_MIN);
    for (struct reservation *at = calendar->reservations; at; at = at->next)
        at->told_count = 0;
    windows_tell_more(calendar, NULL);
}

/* ---- time */

static int release_publish(struct stint_calendar *calendar, const struct reservation *reservation,
                           const struct stint_span *span, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    char reason[80];
    (void)snprintf(reason, sizeof(reason), "unused for %" PRId64 " minutes",
                   reservation->release_after_s / 60);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "reservation", reservation->name);
    stint_json_kv_text(&subject, "change", "reservation.release");
    stint_json_kv_time(&subject, "from", span->from_ms);
    stint_json_kv_time(&subject, "until", span->until_ms);
    stint_json_object_end(&subject);
    if (subject.failed)
        return -ENOMEM;
    struct stint_event_row event = {
        .at_ms = calendar->options.now_wall_ms(),
        .kind = "reservation.release",
        .actor = "daemon",
        .payload = stint_buffer_text(&subject),
    };
    int r = stint_store_put_event(calendar->options.store, &event, NULL, err);
    struct stint_log_draft draft = {
        .type = "reservation.set",
        .role = "daemon",
        .subject = stint_buffer_text(&subject),
        .reason = reason,
        .prev = -1,
    };
    return r != 0 ? r : stint_record_append(calendar->options.record, &draft, NULL, err);
}

static void release(struct stint_calendar *calendar, struct reservation *reservation, size_t i)
{
    struct told_window told = reservation->told[i];
    struct stint_error err = { 0 };
    struct calendar_mark mark = calendar_mark(calendar);
    int64_t before_ms = reservation->released_ms;
    int r = stint_store_ready(calendar->options.store, &err);
    if (r != 0)
        return; /* it stays reserved until it can be said that it is not */
    reservation->released_ms = told.span.from_ms + 1;
    r = reservation_put(calendar, reservation, "active", &err);
    if (r == 0)
        r = release_publish(calendar, reservation, &told.span, &err);
    if (r != 0) {
        reservation->released_ms = before_ms;
        (void)calendar_end(calendar, mark, r);
        stint_log(STINT_LOG_ERROR, "release-failed", "name=%s cause=\"%s\"", reservation->name,
                  err.text);
        return;
    }
    (void)stint_clerk_unreserve(calendar_clerk(calendar, reservation->resource),
                                (uint32_t)reservation->id, told.boot_ms);
    drop_told(reservation, i);
    stint_log(STINT_LOG_INFO, "reservation-released", "name=%s unused_s=%" PRId64,
              reservation->name, reservation->release_after_s);
}

/* Windows that are over are forgotten, as the core forgets them; the one in force is looked at. */
static void look(struct stint_calendar *calendar, struct reservation *reservation, int64_t now_ms)
{
    const struct stint_scheduler *core =
        stint_clerk_scheduler(calendar_clerk(calendar, reservation->resource));
    for (size_t i = reservation->told_count; i-- > 0;) {
        const struct told_window *told = &reservation->told[i];
        if (told->span.until_ms <= now_ms) {
            drop_told(reservation, i);
            continue;
        }
        if (reservation->release_after_s == 0 || told->span.from_ms > now_ms)
            continue;
        int64_t idle_ms = calendar->offset_ms + stint_scheduler_idle_since_ms(
                                                    core, (uint32_t)reservation->id, told->boot_ms,
                                                    now_ms - calendar->offset_ms);
        /* What was before this daemon is not known: it counts as use. */
        idle_ms = idle_ms > calendar->loaded_ms ? idle_ms : calendar->loaded_ms;
        reservation->busy_ms = idle_ms > reservation->busy_ms ? idle_ms : reservation->busy_ms;
        if (now_ms - reservation->busy_ms >= reservation->release_after_s * 1000)
            release(calendar, reservation, i);
    }
}

static void drop_over(struct stint_calendar *calendar, int64_t now_ms)
{
    for (struct reservation **at = &calendar->reservations; *at;) {
        struct reservation *reservation = *at;
        struct stint_span span;
        bool is_once = reservation->rule.days == 0;
        if (rule_next(&reservation->rule, now_ms, &span) &&
            !(is_once && reservation->released_ms > span.from_ms)) {
            at = &reservation->next;
            continue;
        }
        windows_forget(calendar, reservation);
        *at = reservation->next;
        (void)reservation_free(reservation);
    }
}

void stint_calendar_turn(struct stint_calendar *calendar)
{
    int64_t now_ms = calendar->options.now_wall_ms();
    int64_t moved_ms = now_ms - calendar->options.now_boot_ms() - calendar->offset_ms;
    if (!calendar->reservations) {
        calendar->offset_ms += moved_ms;
        return;
    }
    if (moved_ms >= STEP_MS || moved_ms <= -STEP_MS) {
        stint_log(STINT_LOG_INFO, "clock-stepped", "by_ms=%" PRId64, moved_ms);
        windows_tell_all(calendar);
    } else if (now_ms + ahead_of(calendar) >= calendar->ahead_ms + MORE_MS) {
        windows_tell_more(calendar, NULL);
    }
    for (struct reservation *at = calendar->reservations; at; at = at->next)
        look(calendar, at, now_ms);
    drop_over(calendar, now_ms);
}
