/* The calendar's beginning and end, and what its changes have in common. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

int stint_calendar_new(const struct stint_calendar_options *options,
                       struct stint_calendar **ret_calendar, struct stint_error *err)
{
    struct stint_calendar *calendar = calloc(1, sizeof(*calendar));
    if (!calendar)
        return stint_fail(err, -ENOMEM, "no memory for the calendar");
    calendar->options = *options;
    for (uint32_t i = 0; i < options->resources->count; i++) {
        uint32_t count = options->resources->list[i].machine->node_count;
        if (!(calendar->nodes[i] = calloc(count + 1, sizeof(*calendar->nodes[i])))) {
            (void)stint_calendar_free(calendar);
            return stint_fail(err, -ENOMEM, "no memory for the calendar");
        }
    }
    *ret_calendar = calendar;
    return 0;
}

struct stint_calendar *stint_calendar_free(struct stint_calendar *calendar)
{
    if (!calendar)
        return NULL;
    nodes_clear(calendar);
    reservations_clear(calendar);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(calendar->nodes); i++)
        free(calendar->nodes[i]);
    free(calendar);
    return NULL;
}

const struct stint_machine *calendar_machine(const struct stint_calendar *calendar,
                                             uint32_t resource)
{
    return calendar->options.resources->list[resource].machine;
}

struct stint_clerk *calendar_clerk(const struct stint_calendar *calendar, uint32_t resource)
{
    return calendar->options.resources->list[resource].clerk;
}

int calendar_resource(const struct stint_calendar *calendar, const char *name,
                      uint32_t *ret_resource, struct stint_error *err)
{
    char names[300];
    *ret_resource = stint_resource_find(calendar->options.resources, name);
    if (*ret_resource != STINT_RESOURCE_NONE)
        return 0;
    (void)stint_fail(err, STINT_NOT_FOUND, "there is no resource '%.60s'", name);
    return stint_fix(err, STINT_NOT_FOUND, "one of: %s",
                     stint_resource_names(calendar->options.resources, names, sizeof(names)));
}

int stint_calendar_load(struct stint_calendar *calendar, struct stint_error *err)
{
    int r = nodes_load(calendar, err);
    return r == 0 ? reservations_load(calendar, err) : r;
}

struct calendar_mark calendar_mark(const struct stint_calendar *calendar)
{
    return (struct calendar_mark){ stint_store_mark(calendar->options.store),
                                   stint_record_mark(calendar->options.record) };
}

int calendar_end(struct stint_calendar *calendar, struct calendar_mark mark, int status)
{
    if (status == 0)
        return 0;
    stint_store_rewind(calendar->options.store, mark.store);
    stint_record_rewind(calendar->options.record, mark.record);
    return status;
}
