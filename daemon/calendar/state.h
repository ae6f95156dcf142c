/* Inside of the calendar, shared by its files. */
#ifndef STINT_CALENDAR_STATE_H
#define STINT_CALENDAR_STATE_H

#include "stint/auto.h"
#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/record.h"
#include "stint/store.h"
#include "stint/store_reader.h"

/* One a node of the machine. */
struct calendar_node {
    enum stint_node_state state;
    char *reason; /* NULL when it is up */
    int64_t since_ms;
};

struct stint_calendar {
    struct stint_calendar_options options;
    struct calendar_node *nodes;
};

/* Where the batch and the record stand; an action that fails half way goes back to it in both. */
struct calendar_mark {
    struct stint_store_mark store;
    struct stint_record_mark record;
};
struct calendar_mark calendar_mark(const struct stint_calendar *calendar);
/* Hands @status on; wound back unless it is 0. */
int calendar_end(struct stint_calendar *calendar, struct calendar_mark mark, int status);

/* nodes.c */
int nodes_load(struct stint_calendar *calendar, struct stint_error *err);
void nodes_clear(struct stint_calendar *calendar);

#endif
