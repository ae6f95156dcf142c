/* What the files of api/ share: the room, its listeners, and one exchange (a request and its
 * answer). Everything runs on the loop's thread. */
#ifndef STINT_API_PRIVATE_H
#define STINT_API_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <microhttpd.h>
#include <uv.h>

#include "stint/api.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/caller.h"
#include "stint/config.h"
#include "stint/error.h"
#include "stint/reason.h"
#include "stint/store_reader.h"
#include "stint/tasks.h"
#include "stint/token.h"

/* Bounds of the room; those of one body stand in the route table. */
#define API_BODY_MAX        ((size_t)32 << 20)  /* any body */
#define API_BODIES_MAX      ((size_t)256 << 20) /* all bodies being received at once */
#define API_BODY_SMALL      ((size_t)64 << 10)
#define API_CONNECTION_POOL ((size_t)16 << 10) /* headers, URL and reply head of one connection */
#define API_URL_MAX         4096
#define API_PARAM_MAX       3 /* {placeholders} of a path */
#define API_QUERY_MAX       16
#define API_JSON_DEPTH_MAX  32
#define API_STREAMS_MAX     512  /* server-sent events and followed outputs */
#define API_WAITS_MAX       1024 /* requests that wait for a job's end */
#define API_WAIT_S_MAX      60
#define API_LIST_MAX        1000 /* entries of one page of a list */
#define API_LIST_DEFAULT    100
#define API_EXCHANGE_S_MAX  60 /* a request must have arrived whole by then, however it trickles */

enum api_access { ACCESS_PUBLIC = 0, ACCESS_USER, ACCESS_OPERATOR };

enum route_flag {
    ROUTE_STATIC = 1,     /* shows nothing that changes: need not wait for durability */
    ROUTE_ETAG = 2,       /* the answer gets an ETag; If-None-Match is honoured */
    ROUTE_IDEMPOTENT = 4, /* Idempotency-Key is honoured */
    ROUTE_BULK = 8,       /* takes application/x-ndjson as well */
    ROUTE_WAITS = 16,     /* a write that is answered by others after their commit */
};

struct exchange;

/**
 * struct route - one row of the table (routes.c)
 * @pattern: segments; {name} stands for one, {name...} for the rest
 * @query: known query parameters, separated by blanks; others are refused by name
 * @summary: for OpenAPI
 */
struct route {
    const char *method;
    const char *pattern;
    enum api_access access;
    size_t body_max;
    unsigned flags;
    const char *query;
    void (*handle)(struct exchange *ex);
    const char *summary;
};

extern const struct route api_routes[];
extern const size_t api_route_count;

/* The part of its pattern below /api/v1; "" for what lies elsewhere. */
const char *route_place(const struct route *route);

/* The row for @method and @path (still percent-encoded). @ret_params: start and length of each
 * placeholder. NULL: none; *ret_is_known tells 404 from 405. */
struct route_params {
    const char *name[API_PARAM_MAX];
    size_t name_length[API_PARAM_MAX];
    const char *value[API_PARAM_MAX];
    size_t value_length[API_PARAM_MAX];
    size_t count;
};
const struct route *route_find(const char *method, const char *path,
                               struct route_params *ret_params, bool *ret_is_known);

/* A socket and the libmicrohttpd daemon that serves it. */
struct listener {
    struct stint_api *api;
    struct MHD_Daemon *daemon;
    int fd;
    bool is_unix;
    bool needs_run;
    int open_handles;
    struct peer *peers;
    uv_poll_t poll;
    uv_timer_t timer;
};

struct events;
struct streams;
struct waits;
struct keys;

/* One entry of the cache of user names: name services may be slow. */
struct user_name {
    uid_t uid;
    gid_t gid;
    int64_t until_ms;
    char name[STINT_USER_NAME_MAX];
};
#define API_USER_NAMES 256

/* ---- pace.c: how often one may ask */

#define PACE_PLACES        256
#define PACE_WRONG_PER_S   1
#define PACE_WRONG_AT_ONCE 20

/**
 * struct pace - requests that may still come, by a bucket that fills with time
 * @milli: thousandths of a request; @at_ms: when it was filled last, 0 for never: it is full
 */
struct pace {
    uint64_t milli;
    uint64_t at_ms;
};

/**
 * struct paces - one bucket a user, and one for everybody who is not known
 * @asked: requests over TCP; @wrong: tokens that are none, by who connected
 * A user's place is his uid modulo PACE_PLACES: two who meet there share one bucket, so that nobody
 * gets more by being many.
 */
struct paces {
    struct pace asked[PACE_PLACES + 1];
    struct pace wrong[PACE_PLACES + 1];
    uint64_t told_ms; /* when the log last heard of wrong tokens */
};

/* One request more at @now_ms, of @per_s a second and @at_once at a time; false: too many. O(1). */
bool pace_take(struct pace *pace, uint64_t per_s, uint64_t at_once, uint64_t now_ms);
/* A request over TCP by @uid, (uid_t)-1 for whoever brings no token. 0 or STINT_TOO_OFTEN. */
int pace_ask(struct stint_api *api, uid_t uid, struct stint_error *err);
/* @peer, (uid_t)-1 over TCP, brought a token that is none: what @err says of it, or
 * STINT_TOO_OFTEN. Who brings a good one is never stopped for it: behind a proxy all are one peer.
 */
int pace_wrong_token(struct stint_api *api, uid_t peer, struct stint_error *err);

struct stint_api {
    struct stint_api_options options;
    const struct stint_config *config;
    struct listener *listeners[2];
    uv_prepare_t *prepare;
    uv_timer_t *tick;
    struct exchange *exchanges; /* doubly linked */
    size_t exchange_count;
    size_t body_bytes;
    struct events *events;
    struct streams *streams;
    struct waits *waits;
    struct keys *keys;
    bool is_read_only;
    bool is_closing;
    bool is_copying; /* the store, see backup.c */
    char read_only_why[200];
    char reload_refused_why[400];          /* "" when the last one was taken up */
    char reload_later[STINT_RELOAD_LATER]; /* keys of it that wait for a restart; "" for none */
    uint64_t reload_count;                 /* taken up or refused, since the start */
    char url[128];
    char socket_path[STINT_CONFIG_TEXT_MAX];
    uint64_t answer_counts[6];                   /* by hundreds of the status */
    struct stint_estimate_window estimate_month; /* as of estimate_month_ms, see reports.c */
    int64_t estimate_month_ms;
    struct user_name user_names[API_USER_NAMES];
    struct paces paces;
};

/* ---- listen.c */
int listeners_open(struct stint_api *api, struct stint_error *err);
void listeners_close(struct stint_api *api);
/* Of an IPv4 or IPv6 address: is it one that no other machine can reach? */
struct sockaddr;
bool address_is_loopback(const struct sockaddr *address);
/* The listener's daemon has something to do that no descriptor announces. */
void listener_wake(struct listener *listener);

/* ---- exchange.c: the way of a request */

enum exchange_step {
    STEP_BODY = 1, /* headers judged, body arriving */
    STEP_HANDLED,  /* the handler has it; suspended while it works */
    STEP_ANSWERED, /* the answer is ready to be queued */
    STEP_QUEUED,
};

/**
 * struct exchange - one request and its answer
 * @refs: the connection and each callback under way; memory lives until all are gone
 * @connection: NULL once the client or the room is gone
 * @out: the answer's body; @type its content type
 * @etag_of: see exchange_etag()
 */
struct exchange {
    struct stint_api *api;
    struct listener *listener;
    struct MHD_Connection *connection;
    const struct route *route;
    struct exchange *next;
    struct exchange *previous;
    unsigned refs;
    enum exchange_step step;
    bool is_suspended;
    bool must_close;    /* the connection, with the answer */
    bool is_discarding; /* the body is read and thrown away: the answer is a refusal */
    bool is_kept;       /* the answer was kept under the idempotency key */
    bool is_too_often;  /* refused as such: a second later it may come again */
    int status;
    struct stint_caller caller;
    bool has_token; /* the caller is known by a token, with these scopes */
    stint_token_scopes token_scopes;
    struct route_params params;
    char *path;
    char *query_values[API_QUERY_MAX];
    const char *query_names[API_QUERY_MAX];
    size_t query_count;
    char *decoded[8]; /* placeholders handed out */
    size_t decoded_count;
    size_t received;
    size_t body_bytes; /* of them in memory, for this request's answer */
    struct stint_buffer body;
    struct stint_buffer out;
    const char *type;
    const char *cache;
    char etag[40];
    struct stint_buffer link; /* the Link header's value; none while empty */
    char location[48];
    struct MHD_Response *response; /* instead of @out, for streams */
    char *key;                     /* Idempotency-Key in progress */
    char key_sha256[65];
};

enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *upload, size_t *upload_size, void **slot);
void exchange_on_completed(void *context, struct MHD_Connection *connection, void **slot,
                           enum MHD_RequestTerminationCode code);

struct exchange *exchange_ref(struct exchange *ex);
void exchange_unref(struct exchange *ex);
/* Nobody is left to answer. */
bool exchange_is_gone(const struct exchange *ex);

/* A placeholder of the path, percent-decoded into ex's own memory; "" never, NULL when malformed
 * (then the problem was sent). */
const char *exchange_param(struct exchange *ex, const char *name);
/* The same as a number from 1 (ids); 0 when it is none: then 404 was sent. */
uint64_t exchange_param_id(struct exchange *ex, const char *name);
/* The same as a job or tasks of one: 41, 41_7, 41_[1-5]. stint_array_free() its tasks. False: the
 * problem was sent. */
bool exchange_param_ref(struct exchange *ex, struct stint_job_ref *ret_ref);
/* A query parameter, decoded; NULL when not given. */
const char *exchange_query(const struct exchange *ex, const char *name);
/* An integer of the query in min..max; @other when not given. False: the problem was sent. */
bool exchange_query_int(struct exchange *ex, const char *name, int64_t min, int64_t max,
                        int64_t other, int64_t *ret_value);
/* An instant, in any of the forms that people write; 0 when not given. False: the problem was sent.
 */
bool exchange_query_time(struct exchange *ex, const char *name, int64_t *ret_ms);
/* Given, and not "false", "no" or "0". */
bool exchange_query_flag(const struct exchange *ex, const char *name);
/* Takes the query in, before the handler is called. What the route does not know, is given twice,
 * is not one of its words or names no project is refused: it would select nothing by mistake. */
int query_read(struct exchange *ex, struct stint_error *err);
/* The body is NDJSON: one request a line. */
bool exchange_is_lines(const struct exchange *ex);
/* Submits the requests of the body, which is NDJSON or else a list: answers {results:[...]}, one
 * for each in their order, or refuses the whole. Takes @ex's body over. Cost: the loop is kept for
 * a hundred requests at a time. */
void bulk_begin(struct exchange *ex, bool is_lines, bool is_rehearsal);
/* Of a job that waits for its verdict, or for an operator's word on it. */
const char *unjudged_reason(enum stint_reason_code reason);

/* The body as JSON (borrowed by nobody: json_decref() it); NULL: the problem was sent. */
json_t *exchange_json(struct exchange *ex);
struct field;
/* The members of a body by @fields into @target; no body is an empty one. False: the problem was
 * sent; what was read until then is the caller's to free, as after true. */
bool exchange_fields(struct exchange *ex, const struct field *fields, void *target);

/* Answers. Each is the last call of a handler on its exchange. exchange_send() waits until
 * everything put into the store so far is durable; _send_durable() knows that it is. */
void exchange_send(struct exchange *ex, int status);
void exchange_send_durable(struct exchange *ex, int status);
void exchange_fail(struct exchange *ex, const struct stint_error *err);
/* A problem with the token of a reason instead of a refusal's name; @also: JSON array or NULL. */
void exchange_fail_reason(struct exchange *ex, const struct stint_error *err,
                          enum stint_reason_code reason, const char *also, int64_t decision);
/* The room closes: whatever the handler waits for, this is the answer. */
void exchange_end(struct exchange *ex, const struct stint_error *err);
/* A response that makes its own body (streams). */
void exchange_send_response(struct exchange *ex, struct MHD_Response *response);
/* A stream's reader has nothing now, and later has. */
void exchange_suspend(struct exchange *ex);
void exchange_resume(struct exchange *ex);
/* The client has closed its side. */
bool exchange_is_hung_up(const struct exchange *ex);

bool exchange_is_operator(const struct exchange *ex);
/* May the caller see all of what belongs to @uid? */
bool exchange_sees(const struct exchange *ex, uid_t uid);

/* The ETag of @out as it stands: quoted, 20 bytes at least. */
void exchange_etag(const struct stint_buffer *out, char *etag, size_t size);
/* Has the request an If-Match, so that its document must be made to compare? */
bool exchange_is_conditional(struct exchange *ex);
/* If-Match against @out: false: 412 was sent. */
bool exchange_matches(struct exchange *ex, const struct stint_buffer *out);

/* ---- guard.c: who may speak, under which name */

/* One connection, in its listener's list; @uid is (uid_t)-1 on TCP. @since_ms: when it last had
 * nothing to do; 0 while a whole request is being answered. */
struct peer {
    uid_t uid;
    gid_t gid;
    int fd;
    bool is_near; /* no network lies between: the Unix socket, or a loopback address */
    uint64_t since_ms;
    struct peer *next;
    struct peer *previous;
    struct listener *listener;
};
struct peer *guard_peer(struct MHD_Connection *connection);
/* Closes connections that have not sent a whole request in time (slow clients). */
void guard_tick(struct listener *listener);
void guard_on_connection(void *context, struct MHD_Connection *connection, void **socket_slot,
                         enum MHD_ConnectionNotificationCode code);
/* Who asks, as far as the socket tells. */
void guard_caller(struct exchange *ex);
/* And by @authorization, the header's value: a token decides, wherever it comes from. 0;
 * STINT_NOT_LOGGED_IN when it is none that is taken here. */
int guard_token(struct exchange *ex, const char *authorization, struct stint_error *err);
/* A body that two readers would end at two places lets a second request hide in the first (RFC
 * 9112, section 6.3): STINT_INVALID, and the connection has to end with the answer. */
int guard_framing(struct MHD_Connection *connection, struct stint_error *err);
/* Host and Origin; 0 or a refusal. Pure: the headers come as texts, NULL when absent. */
int guard_names(const struct stint_config *config, bool is_unix, bool is_write, const char *host,
                const char *origin, const char *fetch_site, struct stint_error *err);
/* A user of this machine, by a cache: his name, and his group, (gid_t)-1 when he has no account. */
const char *guard_user_name(struct stint_api *api, uid_t uid);
gid_t guard_user_group(struct stint_api *api, uid_t uid);

/* ---- text.c: percent-decoding, UTF-8, bodies */
/* A decoded copy (free()), NULL when malformed, NUL inside or no UTF-8. */
char *text_decode(const char *text, size_t length, bool plus_is_space);
bool text_is_utf8(const char *text, size_t length);
/* The next line of NDJSON that holds more than blanks: *at moves to its beginning. false at the
 * end. Go on at *at + *ret_length. */
bool text_line(const char **at, const char *end, size_t *ret_length);
/* JSON from outside: UTF-8, no NUL, depth, no duplicate keys; STINT_INVALID with the place.
 * @line: which line of the body it is, 0 when it is the whole body */
int text_json(const char *text, size_t length, size_t line, json_t **ret_json,
              struct stint_error *err);

/* ---- problem.c */
void problem_write(struct stint_buffer *out, int status, const struct stint_error *err,
                   enum stint_reason_code reason, const char *also, int64_t decision);
int problem_status(int code);

/* ---- waits.c, stream.c, events.c, keys.c: what outlives one handler */
int waits_new(struct waits **ret_waits);
struct waits *waits_free(struct waits *waits);
/* Answers @ex with @answer when job @job is done or @wait_s are over; false when there are too many
 * (then nothing was done). */
bool waits_add(struct exchange *ex, uint64_t job, uint32_t task, int64_t wait_s,
               void (*answer)(struct exchange *ex));
void waits_on_event(struct stint_api *api, uint64_t job);
/* @task: STINT_TASK_WHOLE for the job, or the array as a whole. */
bool job_or_task_is_done(const struct stint_api *api, uint64_t job, uint32_t task);
void waits_tick(struct stint_api *api);

int events_new(struct stint_api *api, struct events **ret_events);
struct events *events_free(struct events *events);
void events_on_event(struct stint_api *api, const struct stint_event_row *event);
void events_tick(struct stint_api *api);
void events_end(struct stint_api *api);
size_t events_client_count(const struct stint_api *api);

int streams_new(struct stint_api *api, struct streams **ret_streams);
struct streams *streams_free(struct streams *streams);
void streams_on_event(struct stint_api *api, uint64_t job);
void streams_end(struct stint_api *api);

/* Idempotency keys. keys_begin(): true when the handler shall go on; false when it answered (from
 * the store, or 409, 422). keys_keep(): the answer into the open batch. */
int keys_new(struct keys **ret_keys);
struct keys *keys_free(struct keys *keys);
bool keys_begin(struct exchange *ex, const char *key);
void keys_keep(struct exchange *ex, int status, const char *answer);
void keys_end(struct exchange *ex);
void keys_tick(struct stint_api *api);

/* ---- handlers, by file */
#define HANDLER(name) void name(struct exchange *ex)
/* site.c */
HANDLER(handle_health);
HANDLER(handle_openapi);
HANDLER(handle_style);
HANDLER(handle_script);
HANDLER(handle_problems);
HANDLER(handle_status);
HANDLER(handle_metrics);
HANDLER(handle_page);
/* jobs_get.c */
HANDLER(handle_jobs_list);
HANDLER(handle_job_get);
HANDLER(handle_job_why);
/* jobs_post.c */
HANDLER(handle_jobs_post);
/* jobs_act.c */
HANDLER(handle_job_patch);
HANDLER(handle_job_cancel);
HANDLER(handle_job_hold);
HANDLER(handle_job_release);
HANDLER(handle_job_requeue);
HANDLER(handle_job_suspend);
HANDLER(handle_job_resume);
HANDLER(handle_job_signal);
/* stream.c, events.c */
HANDLER(handle_job_output);
HANDLER(handle_events);
/* reports.c */
HANDLER(handle_report_estimates);
/* transcript.c */
HANDLER(handle_transcript);
HANDLER(handle_backup);
HANDLER(handle_policy_history);
/* machine.c */
HANDLER(handle_nodes);
HANDLER(handle_node_patch);
HANDLER(handle_reload);
HANDLER(handle_reservations);
HANDLER(handle_reservation_post);
HANDLER(handle_reservation_delete);
HANDLER(handle_allocations);
HANDLER(handle_queue);
/* ledger.c */
HANDLER(handle_awards_list);
HANDLER(handle_award_get);
HANDLER(handle_projects_list);
HANDLER(handle_project_get);
HANDLER(handle_project_usage);
HANDLER(handle_institutions_list);
HANDLER(handle_quotas_list);
HANDLER(handle_shares_list);
HANDLER(handle_equity);
HANDLER(handle_users_list);
HANDLER(handle_balance);
/* admin.c */
HANDLER(handle_institution_post);
HANDLER(handle_project_post);
HANDLER(handle_project_patch);
HANDLER(handle_user_post);
HANDLER(handle_user_patch);
HANDLER(handle_user_delete);
HANDLER(handle_award_post);
HANDLER(handle_award_extend);
HANDLER(handle_award_supplement);
HANDLER(handle_award_reduce);
HANDLER(handle_award_revoke);
HANDLER(handle_award_transfer);
HANDLER(handle_quota_post);
HANDLER(handle_share_post);
/* tokens.c */
HANDLER(handle_tokens_list);
HANDLER(handle_token_post);
HANDLER(handle_token_delete);
/* waivers.c */
HANDLER(handle_waivers_list);
HANDLER(handle_waiver_post);
HANDLER(handle_waiver_delete);
HANDLER(handle_reviews_list);
HANDLER(handle_review_post);
/* artifacts.c */
HANDLER(handle_artifacts_list);
HANDLER(handle_artifact_get);
HANDLER(handle_artifact_post);
HANDLER(handle_artifact_delete);
HANDLER(handle_attestation_post);
HANDLER(handle_attestation_get);
HANDLER(handle_attestation_delete);
HANDLER(handle_check);
HANDLER(handle_verdict_get);
HANDLER(handle_decisions_list);
HANDLER(handle_decision_get);
HANDLER(handle_rules);
HANDLER(handle_policy);
/* log.c */
HANDLER(handle_log_checkpoint);
HANDLER(handle_log_entry);
HANDLER(handle_log_entries);
HANDLER(handle_log_proof);
HANDLER(handle_log_key);
#undef HANDLER

#endif
