/* What of the machine is set aside, and when: nodes that operators drain, reservations. Above
 * awards (whose acts it shares), beside jobs and admission. Kept in the store, told to the
 * scheduler's core at once; everything lands in the event table and in the public log. */
#ifndef STINT_CALENDAR_H
#define STINT_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/allocation.h"
#include "stint/error.h"
#include "stint/ledger.h"
#include "stint/machine.h"

struct stint_calendar;
struct stint_store;
struct stint_record;
struct stint_resources;

/* All borrowed, all outlive the calendar. */
struct stint_calendar_options {
    struct stint_store *store;
    struct stint_record *record;
    struct stint_ledger *ledger;
    const struct stint_resources *resources;
    int64_t (*now_wall_ms)(void);
    int64_t (*now_boot_ms)(void);
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
 * @resource: on which; NULL for all that have a node of this name
 * @node: its name
 * Into the open batch: the row, an event ("node.drain", "node.resume") and an entry of the public
 * log ("node.set"). Return: 0; STINT_NOT_PERMITTED; STINT_INVALID without a reason;
 * STINT_NOT_FOUND; STINT_CONFLICT when it is so already; STINT_BUSY; STINT_READ_ONLY; -ENOMEM.
 */
int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *resource, const char *node, struct stint_error *err);
int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *resource, const char *node, struct stint_error *err);

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
/* @node: index in the resource's machine. */
void stint_calendar_node(const struct stint_calendar *calendar, uint32_t resource, uint32_t node,
                         struct stint_node_view *ret_view);

/* ---- reservations: once or weekly in the site's time zone, for a project, an institution, or
 * nobody (maintenance). Wall clock; the scheduler's core, which has another clock, is told windows,
 * again after a step of the wall clock. Weekly ones are told ahead for as long as the longest job
 * may take and a week, or 60 days where walltimes have no bound: a job longer than that may run
 * into a window behind it. */

#define STINT_RESERVATION_MAX        256
#define STINT_RESERVATION_NAME_MAX   64
#define STINT_RESERVATION_WINDOW_MAX 400 /* told of one at once */

/**
 * struct stint_reservation_new - what an operator asks for; NULL and 0 for what is not asked
 * @resource: on which; NULL for the default one
 * @project, @institution: whose, one of them; nobody's with neither
 * @days, @hours: "mon-fri", "08:00-18:00": weekly; else once
 * @from_ms, @until_ms: of the one window; of a weekly one from when (0: now) and until when (0: for
 * good)
 * @nodes: "n1,n2" or "all": whole nodes, unless amounts are given, then on the one named
 * @cpus, @gpus, @gpu_type, @memory_bytes: of one node. Cores and memory that are not given are as
 * much of the node's as the GPUs (or cores) are of its GPUs (or cores)
 * @release_after_s: a window that no job of the holder's uses for so long is given up
 */
struct stint_reservation_new {
    const char *name;
    const char *resource;
    const char *project;
    const char *institution;
    const char *days;
    const char *hours;
    int64_t from_ms;
    int64_t until_ms;
    const char *nodes;
    int64_t cpus;
    int64_t gpus;
    const char *gpu_type;
    int64_t memory_bytes;
    int64_t release_after_s;
};

/**
 * struct stint_reservation_view - one reservation; borrowed until the next change
 * @scope, @holder: as in the store; NULL for nobody's
 * @window_from_ms, @window_until_ms: the window in force or the next one; @is_active: in force
 * @allocation: what is kept; of cores only their number in each NUMA node counts
 * @conflicts: windows that are not kept because an earlier reservation has them
 */
struct stint_reservation_view {
    int64_t id;
    const char *name;
    uint32_t resource;
    const char *scope;
    const char *holder;
    const char *days;
    const char *hours;
    int64_t from_ms;
    int64_t until_ms;
    int64_t release_after_s;
    const char *reason;
    int64_t created_ms;
    int64_t window_from_ms;
    int64_t window_until_ms;
    bool is_active;
    uint32_t conflicts;
    const struct stint_allocation *allocation;
};

/**
 * stint_calendar_reserve() - a place is chosen, and kept from now on
 * Places where nothing runs into its windows come first; what runs is never stopped for it.
 * Conflicts with other reservations are refused with their name and figures.
 * @ret_view: what it is, of a rehearsal what it would be; until the next call
 * Into the open batch, as a drain ("reservation.add", "reservation.set"). Return: as
 * stint_calendar_drain(); STINT_CONFLICT for a name in use, or other reservations in the way;
 * STINT_UNSATISFIABLE; STINT_TOO_LARGE.
 */
int stint_calendar_reserve(struct stint_calendar *calendar, const struct stint_act *act,
                           const struct stint_reservation_new *reservation,
                           struct stint_reservation_view *ret_view, struct stint_error *err);
/* Ends it, and its window in force with it ("reservation.remove"). */
int stint_calendar_unreserve(struct stint_calendar *calendar, const struct stint_act *act,
                             const char *name, struct stint_error *err);
/* In the order of their making; false from @fn stops. Those that are over are not there. */
void stint_calendar_each_reservation(const struct stint_calendar *calendar,
                                     bool (*fn)(void *context,
                                                const struct stint_reservation_view *view),
                                     void *context);
/* By the number that a reason has; false when it is over. */
bool stint_calendar_reservation(const struct stint_calendar *calendar, uint32_t id,
                                struct stint_reservation_view *ret_view);

/**
 * stint_calendar_turn() - what time brings: to be called before each pass of the scheduler
 * Tells windows again after a step of the wall clock, tells those that came near, gives up those
 * that nobody uses ("reservation.release", by the daemon). Logs what fails.
 */
void stint_calendar_turn(struct stint_calendar *calendar);

#endif
