/* The calendar's beginning and end, and what its changes have in common. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

int stint_calendar_new(const struct stint_calendar_options *options,
                       struct stint_calendar **ret_calendar, struct stint_error *err)
{
    struct stint_calendar *calendar = calloc(1, sizeof(*calendar));
    if (calendar)
        calendar->nodes = calloc(options->machine->node_count + 1, sizeof(*calendar->nodes));
    if (!calendar || !calendar->nodes) {
        free(calendar);
        return stint_fail(err, -ENOMEM, "no memory for the calendar");
    }
    calendar->options = *options;
    *ret_calendar = calendar;
    return 0;
}

struct stint_calendar *stint_calendar_free(struct stint_calendar *calendar)
{
    if (!calendar)
        return NULL;
    nodes_clear(calendar);
    reservations_clear(calendar);
    free(calendar->nodes);
    free(calendar);
    return NULL;
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
