/* Owns: operators' verbs on reservations: what is asked is checked whole, a place is found, and all
 * windows are told to the core before anything is written; a rehearsal takes them back. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/buffer.h"
#include "stint/log.h"
#include "stint/measure.h"

#define LENGTH_MAX_MS (INT64_C(366) * 86400000) /* of one window: longer ones are typing errors */
#define FAR_MAX_MS    (INT64_C(5) * LENGTH_MAX_MS)

/* ---- what is asked */

static int name_check(const struct stint_calendar *calendar, const char *name,
                      struct stint_error *err)
{
    size_t length = name ? strnlen(name, STINT_RESERVATION_NAME_MAX + 1) : 0;
    if (length == 0 || length > STINT_RESERVATION_NAME_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != length ||
        strchr("._-", name[0])) {
        (void)stint_fail(err, STINT_INVALID, "'%.64s' is no name for a reservation",
                         name ? name : "");
        return stint_fix(err, STINT_INVALID,
                         "use 1 to %d of a-z 0-9 . _ - and begin with a letter or digit",
                         STINT_RESERVATION_NAME_MAX);
    }
    if (reservation_find(calendar, name))
        return stint_fail(err, STINT_CONFLICT, "there is a reservation %s already", name);
    return 0;
}

static int when_check(const struct stint_calendar *calendar,
                      const struct stint_reservation_new *asked, struct rule *rule,
                      struct stint_error *err)
{
    int64_t now_ms = calendar->options.now_wall_ms();
    bool is_weekly = asked->days || asked->hours;
    *rule = (struct rule){ .from_ms = asked->from_ms ? asked->from_ms : now_ms,
                           .until_ms = asked->until_ms ? asked->until_ms : INT64_MAX };
    int r = is_weekly ? rule_parse(asked->days, asked->hours, rule, err) : 0;
    if (r != 0)
        return r;
    if (!is_weekly && asked->until_ms == 0) {
        (void)stint_fail(err, STINT_INVALID, "a reservation needs an end");
        return stint_fix(err, STINT_INVALID,
                         "add --until TIME, or --weekly DAYS --hours HH:MM-HH:MM");
    }
    struct stint_span span;
    if (rule->until_ms <= now_ms || rule->from_ms >= rule->until_ms ||
        !rule_next(rule, now_ms, &span))
        return stint_fail(err, STINT_INVALID, "it would be over before it begins");
    if (rule->from_ms > now_ms + FAR_MAX_MS || span.until_ms - span.from_ms > LENGTH_MAX_MS)
        return stint_fail(err, STINT_INVALID,
                          "a window is at most a year long and begins within five");
    return 0;
}

static int holder_check(const struct stint_calendar *calendar,
                        const struct stint_reservation_new *asked, struct reservation *reservation,
                        struct stint_error *err)
{
    const char *holder = asked->project ? asked->project : asked->institution;
    reservation->account = STINT_NO_ACCOUNT;
    if (asked->project && asked->institution)
        return stint_fail(err, STINT_INVALID, "for a project or an institution, not for both");
    if (!holder && asked->release_after_s > 0)
        return stint_fail(err, STINT_INVALID,
                          "nobody uses it, so it cannot be given up when unused");
    if (asked->release_after_s < 0)
        return stint_fail(err, STINT_INVALID, "'release_after_s' is below 0");
    if (!holder)
        return 0;
    reservation->scope = asked->project ? STINT_SCOPE_PROJECT : STINT_SCOPE_INSTITUTION;
    int r = stint_ledger_account_of(calendar->options.ledger, reservation->scope, holder,
                                    &reservation->account, err);
    if (r == 0 && !(reservation->holder = strdup(holder)))
        r = -ENOMEM;
    return r;
}

/* ---- where */

static int nodes_check(const struct stint_machine *machine, const char *text, uint32_t *nodes,
                       uint32_t *ret_count, struct stint_error *err)
{
    uint32_t count = 0;
    bool *is_named = calloc(machine->node_count + 1, sizeof(*is_named));
    int r = is_named ? 0 : -ENOMEM;
    while (r == 0 && *text) {
        char name[STINT_MACHINE_NAME_MAX];
        size_t length = strcspn(text, ",");
        (void)snprintf(name, sizeof(name), "%.*s", (int)(length < 63 ? length : 63), text);
        int index = stint_machine_find_node(machine, name);
        if (strcmp(name, "all") == 0 && index < 0)
            memset(is_named, true, machine->node_count);
        else if (index < 0)
            r = stint_fail(err, STINT_NOT_FOUND, "there is no node '%.60s'", name);
        else
            is_named[index] = true;
        text += length + (text[length] == ',');
    }
    for (uint32_t i = 0; i < machine->node_count && r == 0; i++)
        if (is_named[i])
            nodes[count++] = i;
    free(is_named);
    *ret_count = count;
    return r == 0 && count == 0 ? stint_fail(err, STINT_INVALID, "no node is named") : r;
}

/* Cores and memory that were not given: as large a part of the node as what was. */
static void ask_fill(const struct stint_machine *machine, uint32_t node,
                     const struct stint_reservation_new *asked, struct stint_ask *ask)
{
    const struct stint_shape *shape = machine->nodes[node].shape;
    if (asked->cpus == 0 && asked->gpus > 0 && shape->gpu_count > 0)
        ask->cpus = (uint32_t)((uint64_t)shape->core_count * ask->gpus / shape->gpu_count);
    double part = shape->core_count > 0 ? (double)ask->cpus / shape->core_count : 0;
    if (shape->gpu_count > 0 && (double)ask->gpus / shape->gpu_count > part)
        part = (double)ask->gpus / shape->gpu_count;
    part = part < 1 ? part : 1;
    if (asked->memory_bytes == 0)
        ask->memory_bytes = (int64_t)((double)shape->memory_bytes * part) >> 20 << 20;
}

static int ask_check(const struct stint_machine *machine, const struct stint_reservation_new *asked,
                     uint32_t node, struct stint_ask *ask, struct stint_error *err)
{
    *ask = (struct stint_ask){ .cpus = (uint32_t)asked->cpus,
                               .gpus = (uint16_t)asked->gpus,
                               .gpu_type = STINT_ANY_GPU_TYPE,
                               .memory_bytes = asked->memory_bytes };
    if (asked->cpus < 0 || asked->cpus > STINT_MACHINE_CORE_MAX || asked->gpus < 0 ||
        asked->gpus > STINT_MACHINE_GPU_MAX || asked->memory_bytes < 0)
        return stint_fail(err, STINT_INVALID, "an amount out of its bounds");
    if (asked->gpu_type && *asked->gpu_type) {
        int type = stint_machine_find_type(machine, asked->gpu_type);
        if (type < 0)
            return stint_fail(err, STINT_UNSATISFIABLE, "no node has a GPU of type %.60s",
                              asked->gpu_type);
        ask->gpu_type = (int16_t)type;
    }
    ask_fill(machine, node, asked, ask);
    return 0;
}

/* In the way of @reservation at the same time and on the same node, as well as it can be told. */
static int say_conflict(const struct stint_calendar *calendar, uint32_t other,
                        struct stint_error *err)
{
    const struct reservation *at = calendar->reservations;
    struct stint_reservation_view view;
    char from[40];
    char until[40];
    char fix[160];
    while (at && at->id != (int64_t)other)
        at = at->next;
    if (!at)
        return STINT_CONFLICT;
    reservation_view(calendar, at, &view);
    (void)snprintf(fix, sizeof(fix), "%s", err && err->fix[0] ? err->fix : "");
    (void)stint_fail(err, STINT_CONFLICT, "reservation %s%s%s keeps some of it, %sfrom %s",
                     view.name, view.holder ? " of " : "", view.holder ? view.holder : "",
                     view.days ? "weekly, next " : "",
                     stint_instant_format_local(view.window_from_ms, from, sizeof(from)));
    return stint_fix(err, STINT_CONFLICT, "%s%swait until %s, or choose another time or place", fix,
                     *fix ? "; " : "",
                     stint_instant_format_local(view.window_until_ms, until, sizeof(until)));
}

static bool meets(const struct stint_calendar *calendar, const struct reservation *reservation,
                  const struct stint_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < reservation->told_count; k++) {
            int64_t from_ms = reservation->told[k].boot_ms;
            int64_t until_ms = reservation->told[k].span.until_ms - calendar->offset_ms;
            if (from_ms < spans[i].until_ms && until_ms > spans[i].from_ms)
                return true;
        }
    return false;
}

/* Of those whose windows meet @spans, the one that keeps most; 0 for none. */
static uint32_t largest_met(const struct stint_calendar *calendar, uint32_t resource,
                            const struct stint_span *spans, size_t count)
{
    uint64_t most = 0;
    uint32_t found = 0;
    for (const struct reservation *at = calendar->reservations; at; at = at->next) {
        uint64_t size = 0;
        for (uint32_t i = 0; i < at->allocation->grant_count; i++)
            size += ((uint64_t)at->allocation->grants[i].gpu_count << 20) +
                    at->allocation->grants[i].core_count;
        if (size > most && at->resource == resource && meets(calendar, at, spans, count)) {
            most = size;
            found = (uint32_t)at->id;
        }
    }
    return found;
}

static int place_part(struct stint_calendar *calendar, const struct stint_reservation_new *asked,
                      struct reservation *reservation, struct stint_error *err)
{
    const struct stint_scheduler *core =
        stint_clerk_scheduler(calendar_clerk(calendar, reservation->resource));
    const struct stint_machine *machine = calendar_machine(calendar, reservation->resource);
    uint32_t *nodes = calloc(machine->node_count + 1, sizeof(*nodes));
    struct stint_span *spans = calloc(STINT_RESERVATION_WINDOW_MAX, sizeof(*spans));
    struct stint_ask ask;
    uint32_t node_count = 0;
    int r = nodes && spans ? 0 : -ENOMEM;
    if (r == 0 && asked->nodes)
        r = nodes_check(machine, asked->nodes, nodes, &node_count, err);
    if (r == 0 && node_count > 1)
        r = stint_fail(err, STINT_INVALID, "amounts are of one node; name one, or none");
    if (r == 0)
        r = ask_check(machine, asked, node_count == 1 ? nodes[0] : 0, &ask, err);
    size_t count =
        r == 0 ? windows_list(calendar, reservation, spans, STINT_RESERVATION_WINDOW_MAX) : 0;
    if (r == 0)
        r = stint_scheduler_place_window(core, &ask, node_count == 1 ? (int)nodes[0] : -1, spans,
                                         count, &reservation->allocation, err);
    if (r == STINT_CONFLICT)
        r = say_conflict(calendar, largest_met(calendar, reservation->resource, spans, count), err);
    free(nodes);
    free(spans);
    return r;
}

static int place_whole(struct stint_calendar *calendar, const struct stint_reservation_new *asked,
                       struct reservation *reservation, struct stint_error *err)
{
    const struct stint_scheduler *core =
        stint_clerk_scheduler(calendar_clerk(calendar, reservation->resource));
    const struct stint_machine *machine = calendar_machine(calendar, reservation->resource);
    uint32_t *nodes = calloc(machine->node_count + 1, sizeof(*nodes));
    uint32_t count = 0;
    int r = nodes ? 0 : -ENOMEM;
    if (r == 0)
        r = nodes_check(machine, asked->nodes, nodes, &count, err);
    if (r == 0 && count > STINT_ALLOCATION_GRANT_MAX)
        r = stint_fail(err, STINT_TOO_LARGE, "more than %d nodes", STINT_ALLOCATION_GRANT_MAX);
    if (r == 0)
        r = stint_scheduler_whole_nodes(core, nodes, count, &reservation->allocation);
    free(nodes);
    return r;
}

static int place(struct stint_calendar *calendar, const struct stint_reservation_new *asked,
                 struct reservation *reservation, struct stint_error *err)
{
    uint32_t other = 0;
    bool has_amount = asked->cpus != 0 || asked->gpus != 0 || asked->memory_bytes != 0;
    if (!has_amount && !asked->nodes) {
        (void)stint_fail(err, STINT_INVALID, "what is to be reserved?");
        return stint_fix(err, STINT_INVALID, "add --gpus, --cpus or --node NAME|all");
    }
    windows_tell_more(calendar, reservation);
    int r = has_amount ? place_part(calendar, asked, reservation, err)
                       : place_whole(calendar, asked, reservation, err);
    if (r == 0)
        r = windows_tell(calendar, reservation, true, &other, err);
    if (r == STINT_CONFLICT && other)
        r = say_conflict(calendar, other, err);
    if (r != 0)
        windows_forget(calendar, reservation);
    return r;
}

/* ---- add and remove */

static int reservation_new(struct stint_calendar *calendar, const struct stint_act *act,
                           const struct stint_reservation_new *asked,
                           struct reservation *reservation, struct stint_error *err)
{
    reservation->id = calendar->last_id + 1;
    reservation->release_after_s = asked->release_after_s;
    reservation->created_ms = calendar->options.now_wall_ms();
    int r = name_check(calendar, asked->name, err);
    if (r == 0)
        r = calendar_resource(calendar, asked->resource, &reservation->resource, err);
    if (r == 0)
        r = when_check(calendar, asked, &reservation->rule, err);
    if (r == 0)
        r = holder_check(calendar, asked, reservation, err);
    if (r != 0)
        return r;
    reservation->name = strdup(asked->name);
    reservation->reason = strdup(act->reason);
    reservation->set_by = strdup(act->caller->name);
    if (reservation->rule.days != 0) {
        reservation->days = strdup(asked->days);
        reservation->hours = strdup(asked->hours);
    }
    if (!reservation->name || !reservation->reason || !reservation->set_by ||
        (reservation->rule.days != 0 && (!reservation->days || !reservation->hours)))
        return -ENOMEM;
    return place(calendar, asked, reservation, err);
}

static int publish(struct stint_calendar *calendar, const struct stint_act *act,
                   const struct reservation *reservation, const char *change,
                   struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    const struct rule *rule = &reservation->rule;
    stint_allocation_format(calendar_machine(calendar, reservation->resource),
                            reservation->allocation, &line);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "reservation", reservation->name);
    stint_json_kv_text(&subject, "change", change);
    if (calendar->options.resources->count > 1)
        stint_json_kv_text(&subject, "resource",
                           calendar->options.resources->list[reservation->resource].name);
    if (reservation->holder)
        stint_json_kv_text(&subject, scope_word(reservation->scope), reservation->holder);
    stint_json_kv_text(&subject, "days", reservation->days);
    stint_json_kv_text(&subject, "hours", reservation->hours);
    stint_json_kv_time(&subject, "from", rule->from_ms);
    stint_json_kv_time(&subject, "until", rule->until_ms == INT64_MAX ? 0 : rule->until_ms);
    stint_json_kv_text(&subject, "allocation", stint_buffer_text(&line));
    stint_json_object_end(&subject);
    if (subject.failed || line.failed)
        return -ENOMEM;
    return stint_ledger_act_publish(calendar->options.ledger, act, "reservation.set", change,
                                    stint_buffer_text(&subject), err);
}

static void append(struct stint_calendar *calendar, struct reservation *reservation)
{
    struct reservation **end = &calendar->reservations;
    while (*end)
        end = &(*end)->next;
    *end = reservation;
}

int stint_calendar_reserve(struct stint_calendar *calendar, const struct stint_act *act,
                           const struct stint_reservation_new *asked,
                           struct stint_reservation_view *ret_view, struct stint_error *err)
{
    size_t count = 0;
    int r = stint_ledger_act_begin(calendar->options.ledger, act, err);
    for (const struct reservation *at = calendar->reservations; at; at = at->next)
        count++;
    if (r == 0 && count >= STINT_RESERVATION_MAX)
        r = stint_fail(err, STINT_TOO_LARGE, "more than %d reservations", STINT_RESERVATION_MAX);
    if (r != 0)
        return r;
    stint_auto(reservation_free) struct reservation *reservation = calloc(1, sizeof(*reservation));
    r = reservation ? reservation_new(calendar, act, asked, reservation, err) : -ENOMEM;
    if (r != 0)
        return r;
    struct calendar_mark mark = calendar_mark(calendar);
    if (act->is_rehearsal) {
        windows_forget(calendar, reservation);
        (void)reservation_free(calendar->shown);
        calendar->shown = reservation;
    } else {
        r = reservation_put(calendar, reservation, "active", err);
        if (r == 0)
            r = publish(calendar, act, reservation, "reservation.add", err);
        if (r != 0) {
            windows_forget(calendar, reservation);
            return calendar_end(calendar, mark, r);
        }
        calendar->last_id = reservation->id;
        append(calendar, reservation);
        stint_log(STINT_LOG_INFO, "reservation", "name=%s windows=%zu", reservation->name,
                  reservation->told_count);
    }
    reservation_view(calendar, reservation, ret_view);
    reservation = NULL; /* the calendar's */
    return 0;
}

int stint_calendar_unreserve(struct stint_calendar *calendar, const struct stint_act *act,
                             const char *name, struct stint_error *err)
{
    int r = stint_ledger_act_begin(calendar->options.ledger, act, err);
    struct reservation *reservation = r == 0 ? reservation_find(calendar, name ? name : "") : NULL;
    if (r == 0 && !reservation) {
        (void)stint_fail(err, STINT_NOT_FOUND, "there is no reservation '%.64s'", name ? name : "");
        return stint_fix(err, STINT_NOT_FOUND, "`stint admin reserve list` names them");
    }
    if (r != 0 || act->is_rehearsal)
        return r;
    struct calendar_mark mark = calendar_mark(calendar);
    r = reservation_put(calendar, reservation, "removed", err);
    if (r == 0)
        r = publish(calendar, act, reservation, "reservation.remove", err);
    if (r != 0)
        return calendar_end(calendar, mark, r);
    windows_forget(calendar, reservation);
    for (struct reservation **at = &calendar->reservations; *at; at = &(*at)->next)
        if (*at == reservation) {
            *at = reservation->next;
            break;
        }
    (void)reservation_free(reservation);
    return 0;
}
