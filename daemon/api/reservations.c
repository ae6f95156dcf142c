/* Owns: reservations over HTTP: public to read, an operator's to make and to end. */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
#include "stint/calendar.h"
#include "stint/measure.h"

/* ---- how one looks ---- */

static void write_place(struct stint_buffer *out, const struct stint_machine *machine,
                        const struct stint_grant *grant)
{
    struct stint_buffer gpus = { 0 };
    stint_gpus_format(machine->nodes[grant->node].shape, grant->gpus, &gpus);
    stint_json_object(out);
    stint_json_kv_text(out, "node", machine->nodes[grant->node].name);
    stint_json_kv_int(out, "cores", grant->core_count);
    stint_json_kv_text(out, "gpus", stint_buffer_text(&gpus));
    stint_json_kv_int(out, "gpu_count", grant->gpu_count);
    stint_json_kv_int(out, "memory_bytes", grant->memory_bytes);
    stint_json_object_end(out);
    stint_buffer_deinit(&gpus);
}

static void write_members(struct stint_api *api, struct stint_buffer *out,
                          const struct stint_reservation_view *view)
{
    bool is_project = view->scope && strcmp(view->scope, "project") == 0;
    stint_json_kv_int(out, "id", view->id);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "resource", api->options.resources->list[view->resource].name);
    stint_json_kv_text(out, "project", is_project ? view->holder : NULL);
    stint_json_kv_text(out, "institution", is_project ? NULL : view->holder);
    stint_json_kv_text(out, "state", view->is_active ? "active" : "upcoming");
    stint_json_kv_time(out, "window_from", view->window_from_ms);
    stint_json_kv_time(out, "window_until", view->window_until_ms);
    stint_json_kv_text(out, "weekly", view->days);
    stint_json_kv_text(out, "hours", view->hours);
    stint_json_kv_time(out, "from", view->from_ms);
    stint_json_kv_time(out, "until", view->until_ms);
    stint_json_key(out, "places");
    stint_json_array(out);
    for (uint32_t i = 0; i < view->allocation->grant_count; i++)
        write_place(out, api->options.resources->list[view->resource].machine,
                    &view->allocation->grants[i]);
    stint_json_array_end(out);
    if (view->release_after_s > 0)
        stint_json_kv_int(out, "release_after_s", view->release_after_s);
    if (view->conflicts > 0)
        stint_json_kv_int(out, "windows_not_kept", view->conflicts);
    stint_json_kv_text(out, "reason", view->reason);
    stint_json_kv_time(out, "created", view->created_ms);
}

static bool write_view(struct exchange *ex, const struct stint_reservation_view *view)
{
    stint_json_object(&ex->out);
    write_members(ex->api, &ex->out, view);
    stint_json_object_end(&ex->out);
    return !ex->out.failed;
}

struct list_walk {
    struct exchange *ex;
    const char *name; /* NULL: all */
    size_t count;
};

static bool list_on_view(void *context, const struct stint_reservation_view *view)
{
    struct list_walk *walk = context;
    if (walk->name && strcmp(walk->name, view->name) != 0)
        return true;
    walk->count++;
    return write_view(walk->ex, view);
}

void handle_reservations(struct exchange *ex)
{
    struct list_walk walk = { .ex = ex,
                              .name = ex->params.count > 0 ? exchange_param(ex, "name") : NULL };
    struct stint_error err;
    if (ex->params.count > 0 && !walk.name)
        return;
    document_begin(&ex->out, "reservations");
    stint_json_key(&ex->out, "reservations");
    stint_json_array(&ex->out);
    stint_calendar_each_reservation(ex->api->options.calendar, list_on_view, &walk);
    if (walk.name && walk.count == 0) {
        stint_buffer_clear(&ex->out);
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no reservation '%.60s'", walk.name);
        exchange_fail(ex, &err);
        return;
    }
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- beside a node ---- */

struct node_walk {
    struct stint_api *api;
    struct stint_buffer *out;
    uint32_t resource;
    uint32_t node;
    void (*line)(struct stint_buffer *out, const char *text);
};

static const struct stint_grant *grant_on(const struct stint_reservation_view *view,
                                          const struct node_walk *walk)
{
    for (uint32_t i = 0; i < view->allocation->grant_count; i++)
        if (view->resource == walk->resource && view->allocation->grants[i].node == walk->node)
            return &view->allocation->grants[i];
    return NULL;
}

static bool node_on_view(void *context, const struct stint_reservation_view *view)
{
    struct node_walk *walk = context;
    if (!grant_on(view, walk))
        return true;
    stint_json_object(walk->out);
    write_members(walk->api, walk->out, view);
    stint_json_object_end(walk->out);
    return !walk->out->failed;
}

void node_reserved_write(struct exchange *ex, uint32_t resource, uint32_t index)
{
    struct node_walk walk = { ex->api, &ex->out, resource, index, NULL };
    stint_json_key(&ex->out, "reserved");
    stint_json_array(&ex->out);
    stint_calendar_each_reservation(ex->api->options.calendar, node_on_view, &walk);
    stint_json_array_end(&ex->out);
}

static bool text_on_view(void *context, const struct stint_reservation_view *view)
{
    struct node_walk *walk = context;
    const struct stint_grant *grant = grant_on(view, walk);
    struct stint_buffer text = { 0 };
    char from[40];
    char until[40];
    if (!grant)
        return true;
    if (grant->gpu_count > 0)
        stint_buffer_printf(&text, "%u GPU%s", grant->gpu_count, grant->gpu_count == 1 ? "" : "s");
    if (grant->core_count > 0)
        stint_buffer_printf(&text, "%s%u core%s", grant->gpu_count > 0 ? " and " : "",
                            grant->core_count, grant->core_count == 1 ? "" : "s");
    if (view->holder)
        stint_buffer_printf(&text, " for %s %s", view->scope, view->holder);
    stint_buffer_printf(&text, ", %s until %s (%s: %s)",
                        view->is_active
                            ? "now"
                            : stint_instant_format_local(view->window_from_ms, from, sizeof(from)),
                        stint_instant_format_local(view->window_until_ms, until, sizeof(until)),
                        view->name, view->reason ? view->reason : "");
    walk->line(walk->out, stint_buffer_text(&text));
    stint_buffer_deinit(&text);
    return true;
}

void node_reserved_text(struct stint_api *api, uint32_t resource, uint32_t index,
                        struct stint_buffer *out,
                        void (*line)(struct stint_buffer *out, const char *text))
{
    struct node_walk walk = { api, out, resource, index, line };
    stint_calendar_each_reservation(api->options.calendar, text_on_view, &walk);
}

/* ---- to make and to end one ---- */

struct body {
    char *name;
    char *resource;
    char *project;
    char *institution;
    char *weekly;
    char *hours;
    char *from;
    char *until;
    char *node;
    char *gpu_type;
    char *reason;
    int64_t cpus;
    int64_t gpus;
    int64_t memory_bytes;
    int64_t release_after_s;
    bool is_rehearsal;
};

static void body_deinit(struct body *body)
{
    char *texts[] = { body->name,     body->project, body->institution, body->weekly,
                      body->hours,    body->from,    body->until,       body->node,
                      body->gpu_type, body->reason,  body->resource };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        free(texts[i]);
}

#define TEXT(member)                                                                               \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct body, member), 0, STINT_LEDGER_TITLE_MAX, NULL, NULL  \
    }
#define INT(member, least, most)                                                                   \
    {                                                                                              \
#member, FIELD_INT, offsetof(struct body, member), least, most, NULL, NULL                 \
    }

static const struct field post_fields[] = {
    TEXT(name),
    TEXT(resource),
    TEXT(project),
    TEXT(institution),
    TEXT(weekly),
    TEXT(hours),
    TEXT(from),
    TEXT(until),
    TEXT(node),
    TEXT(gpu_type),
    TEXT(reason),
    INT(cpus, 1, STINT_MACHINE_CORE_MAX),
    INT(gpus, 1, STINT_MACHINE_GPU_MAX),
    INT(memory_bytes, 1, INT64_MAX),
    INT(release_after_s, 60, STINT_DURATION_S_MAX),
    { "dry_run", FIELD_BOOL, offsetof(struct body, is_rehearsal), 0, 0, NULL, NULL },
    { .name = NULL },
};

static bool body_read(struct exchange *ex, struct body *body)
{
    if (exchange_fields(ex, post_fields, body))
        return true;
    body_deinit(body);
    return false;
}

static int instant_of(const struct exchange *ex, const char *text, int64_t *ret_ms,
                      struct stint_error *err)
{
    return text ? stint_instant_parse(text, ex->api->options.now_wall_ms(), ret_ms, err) : 0;
}

/* The end of a change: the reservation, with its window, or what stands against it. */
static void finish(struct exchange *ex, const struct stint_reservation_view *view, const char *name,
                   bool is_rehearsal, int status, const struct stint_error *err)
{
    if (err->code != 0) {
        exchange_fail(ex, err);
        return;
    }
    document_begin(&ex->out, "reservation");
    if (view)
        write_members(ex->api, &ex->out, view);
    else
        stint_json_kv_text(&ex->out, "name", name);
    stint_json_kv_bool(&ex->out, "dry_run", is_rehearsal);
    stint_json_object_end(&ex->out);
    if (!is_rehearsal)
        ex->api->options.pass_wanted(ex->api->options.context);
    exchange_send(ex, is_rehearsal ? 200 : status);
}

void handle_reservation_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    struct stint_reservation_view view;
    if (!body_read(ex, &body))
        return;
    struct stint_act act = { &ex->caller, body.reason,
                             body.is_rehearsal || exchange_query_flag(ex, "dry_run") };
    struct stint_reservation_new asked = {
        .name = body.name,
        .resource = body.resource,
        .project = body.project,
        .institution = body.institution,
        .days = body.weekly,
        .hours = body.hours,
        .nodes = body.node,
        .cpus = body.cpus,
        .gpus = body.gpus,
        .gpu_type = body.gpu_type,
        .memory_bytes = body.memory_bytes,
        .release_after_s = body.release_after_s,
    };
    err.code = instant_of(ex, body.from, &asked.from_ms, &err);
    if (err.code == 0)
        err.code = instant_of(ex, body.until, &asked.until_ms, &err);
    if (err.code == 0)
        err.code = stint_calendar_reserve(ex->api->options.calendar, &act, &asked, &view, &err);
    finish(ex, &view, NULL, act.is_rehearsal, 201, &err);
    body_deinit(&body);
}

void handle_reservation_delete(struct exchange *ex)
{
    struct stint_error err = { 0 };
    const char *name = exchange_param(ex, "name");
    struct stint_act act = { &ex->caller, exchange_query(ex, "reason"),
                             exchange_query_flag(ex, "dry_run") };
    if (!name)
        return;
    err.code = stint_calendar_unreserve(ex->api->options.calendar, &act, name, &err);
    finish(ex, NULL, name, act.is_rehearsal, 200, &err);
}
