/* The daemon as a whole: its rooms in the order in which they open, and the wires between them. */
#ifndef STINT_ROOMS_H
#define STINT_ROOMS_H

#include <stdbool.h>
#include <uv.h>

#include "options.h"
#include "places.h"
#include "policy.h"
#include "resources.h"
#include "stint/engine_local.h"
#include "stint/error.h"
#include "stint/reason.h"

struct stint_store;
struct stint_signer;
struct stint_record;
struct stint_ledger;
struct stint_calendar;
struct stint_engine;
struct stint_jobs;
struct stint_admission;
struct stint_api;

/**
 * struct rooms - everything that is open; NULL or zero what is not
 * @is_pass_wanted: a pass runs at the end of this turn of the loop
 * @is_new_key: the key of the public log was made at this start
 * @is_private_root: root started us by hand: root's own jobs may run, and nothing is called
 * confined
 */
struct rooms {
    uv_loop_t loop;
    struct options *options;
    struct places places;
    struct stint_launcher_options launcher_options;
    struct policy policy;
    struct stint_launcher launcher;
    struct stint_store *store;
    struct stint_signer *signer;
    struct stint_record *record;
    int head_fd; /* log.head, see head.h; -1 */
    struct stint_resources resources;
    struct stint_ledger *ledger;
    struct stint_calendar *calendar;
    struct stint_engine *engine;
    struct stint_jobs *jobs;
    struct stint_admission *admission;
    struct stint_api *api;
    uv_prepare_t pass_prepare;
    uv_idle_t pass_idle;
    uv_timer_t wake_timer;
    uv_signal_t signals[3];
    uid_t daemon_uid;
    gid_t daemon_gid;
    bool is_private_root;
    bool is_new_key;
    bool is_pass_wanted;
    bool is_stopping;
    int exit_status;
};

/**
 * rooms_open() - launcher first, before we grow and before root is given up; then store, record,
 * resources, ledger, calendar, engine, jobs, admission, api Return: 0, and the loop may
 * run; else an error that names the room, and rooms_close() cleans up.
 */
int rooms_open(struct rooms *rooms, struct options *options, struct stint_error *err);
/* Orderly: commit what is open and answer, then close in reverse; returns when the loop is empty.
 */
void rooms_close(struct rooms *rooms);

/* As configuration and places say now; borrowed from @rooms. */
struct stint_admission_options;
void rooms_admission_options(struct rooms *rooms, struct stint_admission_options *ret_options);

/* wiring.c: handles on the loop, and what the rooms call. */
int wiring_start(struct rooms *rooms, struct stint_error *err);
void wiring_stop(struct rooms *rooms);
void wiring_want_pass(void *context);
int64_t wiring_now_wall_ms(void);
int64_t wiring_now_boot_ms(void);
/* Reads the configuration again, checks it whole, then swaps it; a changed policy is logged with
 * @reason, NULL for none. A rehearsal changes nothing. @later: keys that wait for a restart. */
int wiring_reload(void *context, const char *reason, bool is_rehearsal,
                  char later[STINT_RELOAD_LATER], struct stint_error *err);
/* Everything in memory from the store again, in the order of the rooms. */
int wiring_load(struct rooms *rooms, struct stint_error *err);
struct stint_event_row;
void wiring_on_event(void *context, const struct stint_event_row *event);
void wiring_on_store_failed(void *context, const struct stint_error *err);
void wiring_on_store_recovered(void *context);
void wiring_check_start(void *context, uid_t uid, gid_t gid, const char *uses,
                        void (*done)(void *context, enum stint_reason_code code, const char *why),
                        void *done_context);
extern const struct stint_engine_events wiring_engine_events;
struct stint_record_sink;
void wiring_record_sink(struct rooms *rooms, struct stint_record_sink *ret_sink);

#endif
