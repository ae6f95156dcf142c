/* What the files of the local engine share on the daemon's side. Everything here is the loop's. */
#ifndef STINT_ENGINE_LOCAL_LOCAL_H
#define STINT_ENGINE_LOCAL_LOCAL_H

#include <uv.h>

#include "stint/buffer.h"
#include "stint/engine.h"
#include "stint/engine_local.h"
#include "wire.h"

#define LOCAL_BUCKETS           1024 /* of the table of runs; a power of two */
#define LOCAL_PENDING_MAX       4    /* controls kept until a run has started */
#define LOCAL_RECORD_WAIT_MS    20   /* between two looks for a record that is being written */
#define LOCAL_RECORD_GIVE_UP_MS 10000

/*
 *   SENT ──forked, started──→ RUNNING ──supervisor gone──→ (end)
 *     └──it was there already──→ LOOKING ──record found──→ RUNNING or (end)
 *   adopt ─────────────────────────↗
 */
enum local_run_state { LOCAL_SENT = 1, LOCAL_LOOKING, LOCAL_RUNNING, LOCAL_OVER };

struct local_control {
    enum wire_op op;
    uint64_t value;
};

/* A supervisor's pidfd under the loop; outlives its run until the handle is closed. */
struct local_watch {
    struct local *engine;
    struct local_run *run; /* NULL: let go */
    int pidfd;
    uv_poll_t poll;
};

struct local_run {
    struct local *engine;
    struct stint_run_key key;
    enum local_run_state state;
    bool told_started;
    bool attention; /* in the list of what the timer looks at */
    struct local_watch *watch;
    pid_t supervisor; /* the one watched */
    uint64_t look_until_ms;
    int pending_count;
    struct local_control pending[LOCAL_PENDING_MAX];
    struct stint_run_end end; /* of a run that is LOCAL_OVER, to be told by the timer */
    struct local_run *next;
    struct local_run *next_attention;
};

/* A message that waits for room in the socket; its descriptors are its own. */
struct local_message {
    struct wire_message wire;
    int fds[WIRE_FD_MAX];
    int fd_count;
    struct local_message *next;
};

/* An open or a tool under way. */
struct local_call {
    struct local *engine;
    uint64_t id;
    stint_engine_open_fn opened;
    stint_engine_tool_fn ended;
    void *ctx;
    struct local_call *next;
    /* Of a tool: */
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;
    int output_fd;
    bool reading;
    bool answered;
    int result;
    int exit_status;
    struct stint_buffer output;
};

/* keep.c: the launcher that follows one that died.
 *
 *   answers ──its process and its socket are gone──→ closing ──both polls closed──→ pausing
 *      ↖──its hello──── greeting ←──the pause is over, one was started──────────────────┘
 *                          └──no hello in time, or it died: closing again
 */
enum keeping_step { KEEP_ANSWERS = 0, KEEP_CLOSING, KEEP_PAUSING, KEEP_GREETING };

struct keeping {
    struct stint_launcher_options options;
    enum keeping_step step;
    bool is_gone;      /* its process */
    int closing_count; /* of the two polls */
    unsigned tries;    /* in a row, none of which lived long */
    uint64_t born_ms;  /* of the loop's clock */
    uv_timer_t timer;  /* of a pause, or of waiting for a hello */
};

struct local {
    struct stint_engine base;
    uv_loop_t *loop;
    struct stint_engine_events events;
    struct stint_launcher launcher;
    struct stint_engine_report report;
    bool has_tool;
    char *state;
    int runs_fd;
    char boot_id[WIRE_BOOT_ID_BYTES];
    uv_poll_t socket_poll;
    uv_poll_t launcher_poll;
    uv_timer_t timer;
    int handles; /* open handles; the last one's close callback frees */
    bool closing;
    bool ended; /* the socket's other end is closed by everybody */
    bool has_keeping;
    struct keeping keeping;
    void (*closed)(void *ctx);
    void *closed_ctx;
    struct local_message *first;
    struct local_message *last;
    size_t message_count;
    struct local_run *runs[LOCAL_BUCKETS];
    size_t run_count;
    struct local_run *attention;
    struct local_call *calls;
    size_t tool_count;
    uint64_t id_last;
};

/* link.c: the socket. local_send() takes the descriptors, whatever it returns: 0, STINT_BUSY,
 * -EPIPE, -ENOMEM. */
int local_send(struct local *engine, const struct wire_message *message, const int *fds,
               int fd_count);
void local_receive(struct local *engine);
void local_link_watch(struct local *engine);
void local_link_flush(struct local *engine);
void local_link_drop(struct local *engine);
void local_link_drop_starts(struct local *engine); /* what may be sent to another launcher stays */
int local_body_make(struct wire_body_source *source, int *ret_fd); /* sealed memfd */
int local_bytes_make(const void *bytes, size_t length, int *ret_fd);
void local_owner_put(const struct stint_run_owner *owner, struct wire_body_source *source);

/* runs.c: the table and the life of runs as the daemon sees it. */
struct local_run *local_run_find(struct local *engine, struct stint_run_key key);
int local_run_new(struct local *engine, struct stint_run_key key, enum local_run_state state,
                  struct local_run **ret_run);
void local_run_drop(struct local_run *run); /* out of the table, without telling */
void local_run_forked(struct local_run *run, int code, pid_t pid, int pidfd);
void local_run_started(struct local_run *run, const struct wire_message *message);
/* Goes on from what its record says, which may still be on its way. */
void local_run_look_begin(struct local_run *run);
void local_run_attend(struct local_run *run);
void local_run_fail(struct local_run *run, int code, const char *text);
void local_runs_attend(struct local *engine);
void local_runs_unsent(struct local *engine);       /* after the launcher's last word */
void local_runs_pending_send(struct local *engine); /* to another launcher */

/* calls.c: opens and tools. */
void local_call_opened(struct local *engine, const struct wire_message *message, int fd);
void local_call_ended(struct local *engine, const struct wire_message *message);
void local_calls_fail(struct local *engine, int code);
int local_open_output(struct stint_engine *engine, struct stint_run_key key,
                      const struct stint_run_owner *owner, enum stint_run_stream stream,
                      const char *path, stint_engine_open_fn done, void *ctx,
                      struct stint_error *err);
int local_run_tool(struct stint_engine *engine, const struct stint_tool_request *request,
                   stint_engine_tool_fn done, void *ctx, struct stint_error *err);

/* local.c */
void local_handle_closed(struct local *engine); /* one of @handles less */
void local_link_open(struct local *engine);     /* polls on engine->launcher */
void local_report_take(struct local *engine, const struct wire_message *hello);

/* spawn.c: starts it and does not wait for its hello. */
int local_launcher_begin(const struct stint_launcher_options *options,
                         struct stint_launcher *ret_launcher, struct stint_error *err);

/* keep.c */
void local_keep_gone(struct local *engine); /* its process ended, or its socket */
void local_keep_hello(struct local *engine, const struct wire_message *hello);
/* With the engine. True when the polls are open, and the caller's to close. */
bool local_keep_close(struct local *engine);
void local_keep_report(const struct local *engine, struct stint_engine_report *report);

#endif
