/* What of the machine is set aside, and when: nodes that operators drain. Above awards (whose
 * acts it shares), beside jobs and admission. Kept in the store, told to the scheduler's core at
 * once; everything lands in the event table and in the public log. */
#ifndef STINT_CALENDAR_H
#define STINT_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/ledger.h"
#include "stint/machine.h"

struct stint_calendar;
struct stint_store;
struct stint_record;
struct stint_clerk;

/* All borrowed, all outlive the calendar. */
struct stint_calendar_options {
    struct stint_store *store;
    struct stint_record *record;
    struct stint_ledger *ledger;
    struct stint_clerk *clerk;
    const struct stint_machine *machine;
    int64_t (*now_wall_ms)(void);
};

/* 0 or -ENOMEM. */
int stint_calendar_new(const struct stint_calendar_options *options,
                       struct stint_calendar **ret_calendar, struct stint_error *err);
struct stint_calendar *stint_calendar_free(struct stint_calendar *calendar);
/* Everything from the store, and told to the scheduler anew: after the ledger, before the jobs,
 * whose runs are adopted into it. Blocking. */
int stint_calendar_load(struct stint_calendar *calendar, struct stint_error *err);

/**
 * stint_calendar_drain() - let nothing new start on a node; what runs there goes on
 * stint_calendar_resume() - let it take jobs again
 * @act: an operator, with a reason; a rehearsal checks and changes nothing
 * @node: its name
 * Into the open batch: the row, an event ("node.drain", "node.resume") and an entry of the public
 * log ("node.set"). Return: 0; STINT_NOT_PERMITTED; STINT_INVALID without a reason;
 * STINT_NOT_FOUND; STINT_CONFLICT when it is so already; STINT_BUSY; STINT_READ_ONLY; -ENOMEM.
 */
int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *node, struct stint_error *err);
int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *node, struct stint_error *err);

/**
 * struct stint_node_view - how a node stands; borrowed until the next change
 * @reason: why it is not up, NULL when it is; public
 * @since_ms: wall clock of that change, 0 for a node that was never drained
 */
struct stint_node_view {
    enum stint_node_state state;
    const char *reason;
    int64_t since_ms;
};
/* @node: index in the machine. */
void stint_calendar_node(const struct stint_calendar *calendar, uint32_t node,
                         struct stint_node_view *ret_view);

#endif
