/* HTTP: libmicrohttpd inside the libuv loop, on a Unix socket and on loopback TCP (INTERFACE §5).
 * The only room that reads and writes bodies. */
#ifndef STINT_API_H
#define STINT_API_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/error.h"

struct stint_api;
struct stint_config;
struct stint_store;
struct stint_jobs;
struct stint_ledger;
struct stint_calendar;
struct stint_engine;
struct stint_admission;
struct stint_record;
struct stint_resources;
struct stint_event_row;
struct uv_loop_s;

#define STINT_POLICY_ENTRY  "policy.set" /* its type in the log */
#define STINT_POLICY_DIGEST 72           /* "sha256:…" */

/* The policy in force: its public text, and the SHA-256 of that. */
struct stint_policy_shown {
    const char *json;
    char digest[STINT_POLICY_DIGEST];
};

/**
 * struct stint_api_options - all borrowed, all outlive the api
 * @pass_wanted: as in jobs; called after an administrator's change that may let something start
 */
/* Room for the names of keys that wait for a restart. */
#define STINT_RELOAD_LATER 400

/* @reload: an operator's; @later becomes "" when nothing waits for a restart. 0, or why nothing was
 * changed. */
struct stint_api_options {
    struct uv_loop_s *loop;
    const struct stint_config *config;
    const struct stint_policy_shown *policy;
    struct stint_store *store;
    struct stint_jobs *jobs;
    struct stint_ledger *ledger;
    struct stint_calendar *calendar;
    struct stint_engine *engine;
    struct stint_admission *admission;
    struct stint_record *record;
    const struct stint_resources *resources;
    int64_t (*now_wall_ms)(void);
    int64_t (*now_boot_ms)(void);
    void (*pass_wanted)(void *context);
    int (*reload)(void *context, const char *reason, bool is_rehearsal,
                  char later[STINT_RELOAD_LATER], struct stint_error *err);
    void *context;
};

/* Binds the sockets (a stale Unix socket is replaced only when nobody answers on it) and serves.
 * Errors name the address. */
int stint_api_new(const struct stint_api_options *options, struct stint_api **ret_api,
                  struct stint_error *err);
/* Stops accepting, answers what waits with 503, closes. */
struct stint_api *stint_api_free(struct stint_api *api);
/* A reload swapped the configuration: bounds and names change, addresses do not. */
void stint_api_reload(struct stint_api *api, const struct stint_config *config);
/* A reload was refused, @refused, and what was before stays; or, NULL, was taken up, but for the
 * keys in @later, which wait for a restart ("" for none). */
void stint_api_set_reload(struct stint_api *api, const char *refused, const char *later);
/* The store failed or recovered: writes answer 503 read-only meanwhile. */
void stint_api_set_read_only(struct stint_api *api, bool is_read_only, const char *why);
/* The address people open: "http://127.0.0.1:8642/", "" when there is no TCP listener. Borrowed. */
const char *stint_api_url(const struct stint_api *api);
/* A durable event: pushed to server-sent-event clients and to those that wait for a job's end. */
void stint_api_on_event(struct stint_api *api, const struct stint_event_row *event);

#endif
