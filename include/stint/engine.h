/* Where jobs run (DESIGN §6). An engine starts runs, signals them, reports their ends and finds
 * them again after a restart of the daemon. `local` (stint/engine_local.h) serves this machine;
 * another engine fills the same table of operations.
 *
 * Everything here belongs to the loop's thread and never blocks: answers come as callbacks from the
 * loop, never from inside the call that asked. Invariant 5: neither a crash nor a restart of the
 * daemon kills, duplicates or forgets a run. */
#ifndef STINT_ENGINE_H
#define STINT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stint/error.h"
#include "stint/key.h"

#define STINT_RUN_GROUP_MAX    256                 /* supplementary groups of a user */
#define STINT_RUN_ARGUMENT_MAX 4096                /* words of a command */
#define STINT_RUN_ENV_MAX      4096                /* environment entries */
#define STINT_RUN_CORE_MAX     4096                /* processing units */
#define STINT_RUN_BODY_MAX     (UINT32_C(8) << 20) /* bytes of a whole start, script included */
#define STINT_RUN_PATH_MAX     4096                /* bytes of a path with its NUL */
#define STINT_RUN_TEXT_MAX     160                 /* why a start failed, with its NUL */
#define STINT_ENGINE_RUN_MAX   16384               /* runs an engine holds at once */
#define STINT_ENGINE_QUEUE_MAX 4096                /* messages waiting for the launcher */
#define STINT_TOOL_MAX         32                  /* tools running at once */
#define STINT_TOOL_OUTPUT_MAX  ((size_t)64 << 20)

/* How a limit of a run is held; the words are `stint_engine_hold_name()`'s. */
enum stint_engine_hold {
    STINT_HOLD_NONE = 0, /* not enforced */
    STINT_HOLD_PLAIN,    /* setrlimit, sched_setaffinity, process groups: a job may get around it */
    STINT_HOLD_CGROUP_V1, /* by the kernel, for the job as a whole */
    STINT_HOLD_CGROUP_V2
};
const char *stint_engine_hold_name(
    enum stint_engine_hold hold); /* "none", "plain", "cgroup-v1", … */

/**
 * struct stint_engine_report - which guarantees this engine gives here; for `stint doctor` and jobs
 * @memory, @processes, @cores, @kill, @freeze, @cpu_time: how each is held or measured
 * @separate_users: each job runs as its submitter's uid; otherwise all run as the daemon's own user
 * @root_allowed: jobs of uid 0 are run (a private daemon that root started by hand)
 * @min_uid: smaller uids are refused, unless @root_allowed for 0 or the daemon's own
 * @away: the launcher is gone: running jobs go on, nothing can be started or opened
 * @starts_again: another launcher is started when one dies; what is asked of running jobs meanwhile
 * waits for it
 * @launcher_deaths: since the engine was opened; @retry_in_ms: while away, until the next try
 * @launcher_why: what became of the last one that died, or could not be started; "" for none
 */
struct stint_engine_report {
    enum stint_engine_hold memory;
    enum stint_engine_hold processes;
    enum stint_engine_hold cores;
    enum stint_engine_hold kill;
    enum stint_engine_hold freeze;
    enum stint_engine_hold cpu_time;
    bool separate_users;
    bool root_allowed;
    uint32_t min_uid;
    bool away;
    bool starts_again;
    uint32_t launcher_deaths;
    uint64_t retry_in_ms;
    char launcher_why[STINT_RUN_TEXT_MAX];
};

/**
 * struct stint_run_owner - who a run, a tool or an open acts as
 * @groups: supplementary gids resolved by the daemon, @group_count of at most STINT_RUN_GROUP_MAX
 * @user, @home: for USER, LOGNAME and HOME; NULL leaves them out
 * All borrowed for the call.
 */
struct stint_run_owner {
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    const char *user;
    const char *home;
};

/**
 * struct stint_run_start - one start; everything is borrowed for the call
 * @argv: words of the command, or the arguments of @script; NULL-terminated; argv[0] is looked up
 * in the job's own PATH when it has no slash. May be NULL with a script.
 * @script, @script_length: text to run as a file with @argv as its arguments; NULL for a command.
 * It runs by its `#!` line, else by /bin/sh
 * @env: "NAME=value", NULL-terminated; the engine adds what is missing of PATH, HOME, USER,
 * LOGNAME, SHELL, and always sets STINT_OUTPUT_DIR and the three GPU variables
 * @workdir: absolute; NULL is the job's own folder
 * @stdout_path, @stderr_path: absolute, patterns already expanded. Both NULL: `stdout` and `stderr`
 * in the job's own folder. @stderr_path NULL with @stdout_path given, or equal: one file. Opened as
 * the owner, never through a symbolic link in the last component, regular files only; emptied on
 * attempt 1, appended to on later ones
 * @cores, @core_count: operating-system indexes of PUs to bind to; 0 binds nothing
 * @cores_foreign: the PUs are not this system's (a loaded topology): do not bind, and say so
 * @cuda_visible, @rocr_visible, @ze_mask: values of CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES,
 * ZE_AFFINITY_MASK; NULL shows the job no device of that kind (simulated GPUs are never shown)
 * @memory_bytes, @process_max: 0 is no limit
 * @walltime_ms: CLOCK_BOOTTIME from the job's exec, time suspended left out; 0 is no limit
 * @grace_ms: between SIGTERM and SIGKILL at the end of the walltime and at a cancel
 * @early_signal, @early_ms: sent to the job's process group this long before its walltime ends; 0
 * is none
 * @umask: of the job, 0..0777
 */
struct stint_run_start {
    struct stint_run_key key;
    struct stint_run_owner owner;
    const char *const *argv;
    const char *script;
    size_t script_length;
    const char *const *env;
    const char *workdir;
    const char *stdout_path;
    const char *stderr_path;
    const uint32_t *cores;
    size_t core_count;
    bool cores_foreign;
    const char *cuda_visible;
    const char *rocr_visible;
    const char *ze_mask;
    uint64_t memory_bytes;
    uint32_t process_max;
    uint64_t walltime_ms;
    uint64_t grace_ms;
    int early_signal;
    uint64_t early_ms;
    mode_t umask;
};

/**
 * struct stint_run_started - the job's program was executed
 * @started_ms: wall clock, ms since the epoch; @started_boot_ms: CLOCK_BOOTTIME
 * @memory, @processes, @cores, @kill: how this run's limits are held (NONE: not asked, or not here)
 */
struct stint_run_started {
    struct stint_run_key key;
    pid_t supervisor;
    int64_t started_ms;
    uint64_t started_boot_ms;
    enum stint_engine_hold memory;
    enum stint_engine_hold processes;
    enum stint_engine_hold cores;
    enum stint_engine_hold kill;
};

/**
 * struct stint_run_end - how a run ended, as its supervisor recorded it
 * @lost: nobody recorded an end (the supervisor was killed, or the machine restarted); all figures
 * but those of the start are 0
 * @start_failed: the job's program never ran; @start_code is a negative errno or a refusal, and
 * @text says what failed
 * @exit_status: 0..255, when @term_signal is 0; of a start that failed 127 (no such program), 126
 * (it could not be executed) or 0 (it did not come so far); @term_signal: the signal that ended the
 * job's first process
 * @timed_out: SIGTERM or SIGKILL was sent because the walltime was over; @cancelled: because
 * stint_engine_cancel() asked; @oom_killed: the kernel killed a process of it for memory
 * @started_ms, @ended_ms: wall clock; 0 when unknown
 * @elapsed_ms: CLOCK_BOOTTIME from exec to the end of its last process, @suspended_ms left out
 * @cpu_ms, @peak_memory_bytes: by cgroup where there is one, else by wait4(2)'s rusage (the largest
 * single process)
 */
struct stint_run_end {
    struct stint_run_key key;
    bool lost;
    bool start_failed;
    bool timed_out;
    bool cancelled;
    bool oom_killed;
    int start_code;
    int exit_status;
    int term_signal;
    int64_t started_ms;
    int64_t ended_ms;
    uint64_t elapsed_ms;
    uint64_t suspended_ms;
    uint64_t cpu_ms;
    uint64_t peak_memory_bytes;
    enum stint_engine_hold memory;
    enum stint_engine_hold processes;
    enum stint_engine_hold cores;
    enum stint_engine_hold kill;
    char text[STINT_RUN_TEXT_MAX];
};

/**
 * struct stint_engine_events - what the engine tells; every pointer is borrowed for the call
 * @on_started: once for each start or adoption of a run whose job's program runs
 * @on_ended: exactly once for each start or adoption that was accepted, until stint_engine_forget()
 * @on_away: the launcher died; see struct stint_engine_report.away. Ends are still reported
 * @on_back: another one answers: starts are taken again
 * A callback may call the engine, but not close it.
 */
struct stint_engine_events {
    void *ctx;
    void (*on_started)(void *ctx, const struct stint_run_started *started);
    void (*on_ended)(void *ctx, const struct stint_run_end *end);
    void (*on_away)(void *ctx, const char *why);
    void (*on_back)(void *ctx);
};

enum stint_run_stream { STINT_RUN_STDOUT = 1, STINT_RUN_STDERR = 2 };

/**
 * typedef stint_engine_open_fn - an output file was opened, or not
 * @fd: a read-only descriptor of a regular file, the callee's to close; or a negative errno
 * (-ENOENT while the job has written nothing, -ELOOP for a link, -EACCES, -EPIPE: launcher gone)
 */
typedef void (*stint_engine_open_fn)(void *ctx, int fd);

/**
 * struct stint_tool_request - one run of a helper program as a user (the evaluator)
 * @owner: as whom; uid 0 is refused unless root is allowed
 * @argv: words after the program's own name, NULL-terminated, at most 64
 * @input, @input_length: bytes given on standard input (at most STINT_RUN_BODY_MAX)
 * @extra_fd: a descriptor the program finds as 3, duplicated, still the caller's; -1 for none
 * @timeout_ms: then everything it started is killed; 1..3,600,000
 * @output_max: bytes of standard output kept; more is an error; at most STINT_TOOL_OUTPUT_MAX
 * @memory_bytes: RLIMIT_AS; 0 is 2 GiB
 */
struct stint_tool_request {
    struct stint_run_owner owner;
    const char *const *argv;
    const void *input;
    size_t input_length;
    int extra_fd;
    uint64_t timeout_ms;
    size_t output_max;
    uint64_t memory_bytes;
};

/**
 * typedef stint_engine_tool_fn - the tool ended
 * @result: 0 when it exited by itself (see @exit_status); else negative: -ETIMEDOUT, -EFBIG (too
 * much output), -ECHILD (killed by a signal), -EPIPE (launcher gone), the errno of a failed exec.
 * A caller must take everything but a clean exit as an error, never as a pass
 * @output: NUL-terminated, borrowed; @length bytes
 */
typedef void (*stint_engine_tool_fn)(void *ctx, int result, int exit_status, const char *output,
                                     size_t length);

struct stint_engine;

/* The table an engine fills; the functions below check their arguments and call it. */
struct stint_engine_ops {
    const char *name;
    void (*report)(struct stint_engine *engine, struct stint_engine_report *ret_report);
    int (*start)(struct stint_engine *engine, const struct stint_run_start *start,
                 struct stint_error *err);
    int (*adopt)(struct stint_engine *engine, struct stint_run_key key, struct stint_error *err);
    int (*control)(struct stint_engine *engine, struct stint_run_key key, int op, uint64_t value,
                   struct stint_error *err);
    int (*list)(struct stint_engine *engine, struct stint_run_key **ret_keys, size_t *ret_count);
    int (*forget)(struct stint_engine *engine, struct stint_run_key key);
    int (*open_output)(struct stint_engine *engine, struct stint_run_key key,
                       const struct stint_run_owner *owner, enum stint_run_stream stream,
                       const char *path, stint_engine_open_fn done, void *ctx,
                       struct stint_error *err);
    int (*run_tool)(struct stint_engine *engine, const struct stint_tool_request *request,
                    stint_engine_tool_fn done, void *ctx, struct stint_error *err);
    void (*close)(struct stint_engine *engine, void (*closed)(void *ctx), void *ctx);
};

/* Embedded first by every engine. */
struct stint_engine {
    const struct stint_engine_ops *ops;
};

void stint_engine_report(struct stint_engine *engine, struct stint_engine_report *ret_report);

/**
 * stint_engine_start() - run it, once
 * The caller has made the start durable before. The same key may be sent again after a restart: if
 * the run exists already it is adopted instead, and nothing runs twice.
 * Return: 0, then on_started and on_ended follow (on_ended alone if it could not start);
 * STINT_CONFLICT this engine holds the key already; STINT_INVALID or STINT_TOO_LARGE a bound of
 * struct stint_run_start is broken; STINT_NOT_PERMITTED an owner this engine never runs;
 * STINT_BUSY the queue is full; -EPIPE the engine is away; -ENOMEM and other faults.
 * Cost: one memfd and one message.
 */
int stint_engine_start(struct stint_engine *engine, const struct stint_run_start *start,
                       struct stint_error *err);

/**
 * stint_engine_adopt() - take up a run of an earlier daemon
 * Return: 0, then on_started (if it still runs) and on_ended follow; STINT_NOT_FOUND it never
 * started, so it may be started now; STINT_CONFLICT held already.
 */
int stint_engine_adopt(struct stint_engine *engine, struct stint_run_key key,
                       struct stint_error *err);

/* What can be asked of a running run. Each returns 0 (the request is on its way; a run that ends
 * meanwhile ignores it), STINT_NOT_FOUND (not held), STINT_INVALID, STINT_BUSY or -EPIPE. */
/* SIGTERM, grace, SIGKILL; on_ended says cancelled. A second one changes nothing. */
int stint_engine_cancel(struct stint_engine *engine, struct stint_run_key key,
                        struct stint_error *err);
/* @signal_number 1..64 to the job's process group. */
int stint_engine_signal(struct stint_engine *engine, struct stint_run_key key, int signal_number,
                        struct stint_error *err);
/* Stops every process (freezer, else SIGSTOP) and the walltime clock; and goes on. */
int stint_engine_suspend(struct stint_engine *engine, struct stint_run_key key,
                         struct stint_error *err);
int stint_engine_resume(struct stint_engine *engine, struct stint_run_key key,
                        struct stint_error *err);
/* A new walltime counted from the start; shorter than what has passed ends it now. 0 is no limit.
 */
int stint_engine_set_walltime(struct stint_engine *engine, struct stint_run_key key,
                              uint64_t walltime_ms, struct stint_error *err);

/* Every run that has a folder, held or not. @ret_keys: free() it. O(runs), reads one directory. */
int stint_engine_list(struct stint_engine *engine, struct stint_run_key **ret_keys,
                      size_t *ret_count);

/* Remove what is kept of a run, once its end is durable in the store. 0, STINT_WRONG_STATE while it
 * runs, STINT_BUSY, -EPIPE (then do it after a restart). The job's own folder stays. */
int stint_engine_forget(struct stint_engine *engine, struct stint_run_key key);

/**
 * stint_engine_open_output() - a descriptor to follow output with, opened as its owner
 * @path: as given at the start, or NULL for the file in the job's own folder; works for ended and
 * forgotten runs too
 * Return: 0, then @done is called once; STINT_INVALID, STINT_NOT_PERMITTED, STINT_BUSY, -EPIPE.
 */
int stint_engine_open_output(struct stint_engine *engine, struct stint_run_key key,
                             const struct stint_run_owner *owner, enum stint_run_stream stream,
                             const char *path, stint_engine_open_fn done, void *ctx,
                             struct stint_error *err);

/* Return: 0, then @done is called once; STINT_INVALID, STINT_NOT_PERMITTED, STINT_BUSY
 * (STINT_TOOL_MAX are running), -EPIPE, -ENOSYS (no tool was given to the launcher). */
int stint_engine_run_tool(struct stint_engine *engine, const struct stint_tool_request *request,
                          stint_engine_tool_fn done, void *ctx, struct stint_error *err);

/* Lets go: runs go on, no more callbacks of runs; opens and tools under way are answered with
 * -ECANCELED first. @closed is called from the loop when nothing is left, and frees the engine.
 * NULL engine: @closed is called at once. */
void stint_engine_close(struct stint_engine *engine, void (*closed)(void *ctx), void *ctx);

#endif
