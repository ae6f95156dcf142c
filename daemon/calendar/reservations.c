/* Owns: reservations in memory and in the store. One that is over is forgotten here; its row and
 * its entries in the log stay. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/log.h"

struct reservation *reservation_free(struct reservation *reservation)
{
    if (!reservation)
        return NULL;
    free(reservation->name);
    free(reservation->holder);
    free(reservation->days);
    free(reservation->hours);
    free(reservation->reason);
    free(reservation->set_by);
    free(reservation->told);
    (void)stint_allocation_free(reservation->allocation);
    free(reservation);
    return NULL;
}

void reservations_clear(struct stint_calendar *calendar)
{
    while (calendar->reservations) {
        struct reservation *first = calendar->reservations;
        calendar->reservations = first->next;
        (void)reservation_free(first);
    }
    calendar->shown = reservation_free(calendar->shown);
}

struct reservation *reservation_find(const struct stint_calendar *calendar, const char *name)
{
    struct reservation *at = calendar->reservations;
    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

const char *scope_word(enum stint_quota_scope scope)
{
    return scope == STINT_SCOPE_PROJECT       ? "project"
           : scope == STINT_SCOPE_INSTITUTION ? "institution"
                                              : NULL;
}

/* ---- the store */

int reservation_put(struct stint_calendar *calendar, const struct reservation *reservation,
                    const char *state, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    bool is_for_good = reservation->rule.until_ms == INT64_MAX;
    stint_allocation_format_full(calendar_machine(calendar, reservation->resource),
                                 reservation->allocation, &line);
    if (line.failed)
        return -ENOMEM;
    struct stint_reservation_row row = {
        .id = reservation->id,
        .name = reservation->name,
        .scope = scope_word(reservation->scope),
        .holder = reservation->holder,
        .days = reservation->days,
        .hours = reservation->hours,
        .from_ms = reservation->rule.from_ms,
        .until_ms = is_for_good ? 0 : reservation->rule.until_ms,
        .release_after_s = reservation->release_after_s,
        .released_ms = reservation->released_ms,
        .allocation = stint_buffer_text(&line),
        .state = state,
        .reason = reservation->reason,
        .set_by = reservation->set_by,
        .created_ms = reservation->created_ms,
        .resource = calendar->options.resources->list[reservation->resource].name,
    };
    return stint_store_put_reservation(calendar->options.store, &row, err);
}

static bool copy(char **to, const char *from)
{
    return !from || (*to = strdup(from)) != NULL;
}

static enum stint_quota_scope scope_of(const char *word)
{
    if (!word)
        return 0;
    return strcmp(word, "project") == 0 ? STINT_SCOPE_PROJECT : STINT_SCOPE_INSTITUTION;
}

static int fill(const struct stint_calendar *calendar, const struct stint_reservation_row *row,
                struct reservation *reservation, struct stint_error *err)
{
    reservation->id = row->id;
    reservation->scope = scope_of(row->scope);
    reservation->account = STINT_NO_ACCOUNT;
    reservation->rule.from_ms = row->from_ms;
    reservation->rule.until_ms = row->until_ms ? row->until_ms : INT64_MAX;
    reservation->release_after_s = row->release_after_s;
    reservation->released_ms = row->released_ms;
    reservation->created_ms = row->created_ms;
    if (!copy(&reservation->name, row->name) || !copy(&reservation->holder, row->holder) ||
        !copy(&reservation->days, row->days) || !copy(&reservation->hours, row->hours) ||
        !copy(&reservation->reason, row->reason) || !copy(&reservation->set_by, row->set_by))
        return -ENOMEM;
    int r = calendar_resource(calendar, row->resource, &reservation->resource, err);
    if (r == 0 && row->days)
        r = rule_parse(row->days, row->hours, &reservation->rule, err);
    if (r == 0 && row->scope)
        r = stint_ledger_account_of(calendar->options.ledger, reservation->scope, row->holder,
                                    &reservation->account, err);
    if (r == 0)
        r = stint_allocation_parse(calendar_machine(calendar, reservation->resource),
                                   row->allocation, &reservation->allocation, err);
    return r;
}

struct loading {
    struct stint_calendar *calendar;
    struct reservation **end;
    int status;
};

static bool load_row(void *context, const struct stint_reservation_row *row)
{
    struct loading *loading = context;
    struct stint_calendar *calendar = loading->calendar;
    struct stint_error err = { 0 };
    struct stint_span span;
    calendar->last_id = row->id > calendar->last_id ? row->id : calendar->last_id;
    if (!row->state || strcmp(row->state, "active") != 0 ||
        (!row->days && row->until_ms <= calendar->loaded_ms))
        return true;
    stint_auto(reservation_free) struct reservation *reservation = calloc(1, sizeof(*reservation));
    int r = reservation ? fill(calendar, row, reservation, &err) : -ENOMEM;
    if (r > 0) { /* the machine changed: it stays in the store, and keeps nothing */
        stint_log(STINT_LOG_WARNING, "reservation-lost",
                  "name=%s cause=\"%s\" cure=\"remove it and add it again\"", row->name, err.text);
        return true;
    }
    loading->status = r;
    if (r != 0 || !rule_next(&reservation->rule, calendar->loaded_ms, &span))
        return r == 0;
    *loading->end = reservation;
    loading->end = &reservation->next;
    reservation = NULL;
    return true;
}

int reservations_load(struct stint_calendar *calendar, struct stint_error *err)
{
    struct loading loading = { .calendar = calendar, .end = &calendar->reservations };
    reservations_clear(calendar);
    calendar->loaded_ms = calendar->options.now_wall_ms();
    int r = stint_reader_each_reservation(stint_store_reader(calendar->options.store), load_row,
                                          &loading);
    if (r == 0)
        r = loading.status;
    if (r != 0)
        return stint_fail(err, r, "the reservations could not be read from the store");
    windows_tell_all(calendar);
    return 0;
}

/* ---- views */

void reservation_view(const struct stint_calendar *calendar, const struct reservation *reservation,
                      struct stint_reservation_view *ret_view)
{
    const struct rule *rule = &reservation->rule;
    int64_t now_ms = calendar->options.now_wall_ms();
    struct stint_span span = { 0 };
    bool has_next = rule_next(rule, now_ms, &span);
    if (has_next && span.from_ms < reservation->released_ms) /* given up for this time */
        has_next = rule_next(rule, span.until_ms, &span);
    if (!has_next)
        span = (struct stint_span){ 0 };
    *ret_view = (struct stint_reservation_view){
        .id = reservation->id,
        .name = reservation->name,
        .resource = reservation->resource,
        .scope = scope_word(reservation->scope),
        .holder = reservation->holder,
        .days = reservation->days,
        .hours = reservation->hours,
        .from_ms = rule->from_ms,
        .until_ms = rule->until_ms == INT64_MAX ? 0 : rule->until_ms,
        .release_after_s = reservation->release_after_s,
        .reason = reservation->reason,
        .created_ms = reservation->created_ms,
        .window_from_ms = span.from_ms,
        .window_until_ms = span.until_ms,
        .is_active = has_next && span.from_ms <= now_ms,
        .conflicts = reservation->conflicts,
        .allocation = reservation->allocation,
    };
}

void stint_calendar_each_reservation(const struct stint_calendar *calendar,
                                     bool (*fn)(void *context,
                                                const struct stint_reservation_view *view),
                                     void *context)
{
    struct stint_reservation_view view;
    for (const struct reservation *at = calendar->reservations; at; at = at->next) {
        reservation_view(calendar, at, &view);
        if (view.window_until_ms > 0 && !fn(context, &view))
            return;
    }
}

bool stint_calendar_reservation(const struct stint_calendar *calendar, uint32_t id,
                                struct stint_reservation_view *ret_view)
{
    const struct reservation *at = calendar->reservations;
    while (at && at->id != (int64_t)id)
        at = at->next;
    if (at)
        reservation_view(calendar, at, ret_view);
    return at != NULL;
}
