/* Inside of the calendar, shared by its files. */
#ifndef STINT_CALENDAR_STATE_H
#define STINT_CALENDAR_STATE_H

#include "rule.h"
#include "stint/auto.h"
#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/record.h"
#include "stint/resource.h"
#include "stint/store.h"
#include "stint/store_reader.h"

/* One a node of the machine. */
struct calendar_node {
    enum stint_node_state state;
    char *reason; /* NULL when it is up */
    int64_t since_ms;
};

/* A window that the core was told, by the wall clock. */
struct told_window {
    struct stint_span span;
    int64_t boot_ms; /* its beginning in the core's clock: its key there */
};

/**
 * struct reservation - one that is not over
 * @account: of its holder in the core; @released_ms: windows that began before are given up
 * @busy_ms: when its holder was last seen to use it
 */
struct reservation {
    struct reservation *next;
    int64_t id;
    char *name;
    uint32_t resource;
    enum stint_quota_scope scope; /* 0: nobody's */
    char *holder;
    char *days;
    char *hours;
    char *reason;
    char *set_by;
    struct rule rule;
    uint32_t account;
    int64_t release_after_s;
    int64_t released_ms;
    int64_t created_ms;
    int64_t busy_ms;
    uint32_t conflicts;
    struct stint_allocation *allocation;
    struct told_window *told;
    size_t told_count;
};

struct stint_calendar {
    struct stint_calendar_options options;
    struct calendar_node *nodes[STINT_RESOURCE_MAX]; /* of each resource */
    struct reservation *reservations;                /* in the order of their numbers */
    struct reservation *shown;                       /* of the last rehearsal */
    int64_t last_id;
    int64_t offset_ms; /* wall less boot, as windows were told */
    int64_t ahead_ms;  /* weekly ones are told until here */
    int64_t loaded_ms;
};

const struct stint_machine *calendar_machine(const struct stint_calendar *calendar,
                                             uint32_t resource);
struct stint_clerk *calendar_clerk(const struct stint_calendar *calendar, uint32_t resource);
/* The resource @name, NULL for the default: 0, or STINT_NOT_FOUND naming those there are. */
int calendar_resource(const struct stint_calendar *calendar, const char *name,
                      uint32_t *ret_resource, struct stint_error *err);

/* Where the batch and the record stand; an action that fails half way goes back to it in both. */
struct calendar_mark {
    struct stint_store_mark store;
    struct stint_record_mark record;
};
struct calendar_mark calendar_mark(const struct stint_calendar *calendar);
/* Hands @status on; wound back unless it is 0. */
int calendar_end(struct stint_calendar *calendar, struct calendar_mark mark, int status);

/* reservations.c: in memory, from the store and into it */
struct reservation *reservation_free(struct reservation *reservation);
static inline __attribute__((unused)) void reservation_free_auto(struct reservation **reservation)
{
    (void)reservation_free(*reservation);
}
struct reservation *reservation_find(const struct stint_calendar *calendar, const char *name);
const char *scope_word(enum stint_quota_scope scope); /* NULL for nobody */
int reservation_put(struct stint_calendar *calendar, const struct reservation *reservation,
                    const char *state, struct stint_error *err);
void reservation_view(const struct stint_calendar *calendar, const struct reservation *reservation,
                      struct stint_reservation_view *ret_view);
int reservations_load(struct stint_calendar *calendar, struct stint_error *err);
void reservations_clear(struct stint_calendar *calendar);

/* windows.c: what the core is told of them */
/* All anew, or only what is missing; @extra: of one that is about to be, so that those it may meet
 * are there, NULL for none. */
void windows_tell_all(struct stint_calendar *calendar);
void windows_tell_more(struct stint_calendar *calendar, const struct reservation *extra);
/* The windows of @reservation that are told, or would be, in the core's clock: at most @max. */
size_t windows_list(const struct stint_calendar *calendar, const struct reservation *reservation,
                    struct stint_span *spans, size_t max);
/* Tells one reservation; STINT_CONFLICT with *ret_other when @is_strict and a window is taken. */
int windows_tell(struct stint_calendar *calendar, struct reservation *reservation, bool is_strict,
                 uint32_t *ret_other, struct stint_error *err);
void windows_forget(struct stint_calendar *calendar, struct reservation *reservation);

/* nodes.c */
int nodes_load(struct stint_calendar *calendar, struct stint_error *err);
void nodes_clear(struct stint_calendar *calendar);

#endif
