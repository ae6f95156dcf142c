/* The life of a job: one table of states, the only place where a job changes state (DESIGN §2, §7;
 * INTERFACE §5). Live jobs are here; finished ones only in the store. All of it runs on the loop's
 * thread.
 *
 *              submit                    plan                spawned
 *   (nothing) ────────▶ PENDING ─────────────▶ STARTING ──────────────▶ RUNNING ◀──▶ SUSPENDED
 *                        │  ▲ │ hold                │ could not start      │ cancel, walltime,
 * preempted release│  │ ▼                     ▼                      ▼ │ HELD (requeue → PENDING)
 * ENDING │                                                 │ exited └──────────── cancel, refused
 * ───────▶ DONE ◀─────┘
 */
#ifndef STINT_JOBS_H
#define STINT_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/caller.h"
#include "stint/error.h"
#include "stint/key.h"
#include "stint/reason.h"
#include "stint/request.h"
#include "stint/tasks.h"

/* state, wire name */
#define STINT_JOB_STATES(X)                                                                        \
    X(STINT_JOB_PENDING, "pending")                                                                \
    X(STINT_JOB_HELD, "held")                                                                      \
    X(STINT_JOB_STARTING, "starting")                                                              \
    X(STINT_JOB_RUNNING, "running")                                                                \
    X(STINT_JOB_SUSPENDED, "suspended")                                                            \
    X(STINT_JOB_ENDING, "ending")                                                                  \
    X(STINT_JOB_DONE, "done")

enum stint_job_state {
    STINT_JOB_NO_STATE = 0,
#define X(name, wire) name,
    STINT_JOB_STATES(X)
#undef X
        STINT_JOB_STATE_COUNT
};

#define STINT_JOB_OUTCOMES(X)                                                                      \
    X(STINT_OUTCOME_COMPLETED, "completed")                                                        \
    X(STINT_OUTCOME_FAILED, "failed")                                                              \
    X(STINT_OUTCOME_CANCELLED, "cancelled")                                                        \
    X(STINT_OUTCOME_TIMEOUT, "timeout")                                                            \
    X(STINT_OUTCOME_OUT_OF_MEMORY, "out-of-memory")                                                \
    X(STINT_OUTCOME_NODE_FAILED, "node-failed")                                                    \
    X(STINT_OUTCOME_LOST, "lost")                                                                  \
    X(STINT_OUTCOME_REFUSED, "refused")

enum stint_job_outcome {
    STINT_OUTCOME_NONE = 0,
#define X(name, wire) name,
    STINT_JOB_OUTCOMES(X)
#undef X
        STINT_OUTCOME_COUNT
};

const char *stint_job_state_name(enum stint_job_state state);
enum stint_job_state stint_job_state_from_name(const char *name); /* NO_STATE for an unknown one */
const char *stint_job_outcome_name(enum stint_job_outcome outcome);
enum stint_job_outcome stint_job_outcome_from_name(const char *name);

struct stint_jobs;
struct stint_store;
struct stint_ledger;
struct stint_engine;
struct stint_resource;
struct stint_resources;
struct stint_allocation;

typedef void (*stint_start_checked_fn)(void *context, enum stint_reason_code code, const char *why);

/**
 * struct stint_jobs_options - what the jobs room stands on; all borrowed, all outlive it
 * @now_boot_ms, @now_wall_ms: the two clocks (CLOCK_BOOTTIME, wall), so that tests can turn them
 * @check_start: are the bytes behind these stored uses (JSON) what was judged? (invariant 2);
 * answers on the loop, once, also within the call: STINT_REASON_NONE, or why not. Main wires
 * admission here, which stands beside this room and not below it
 * @pass_wanted: called when the plan may have changed; main runs stint_jobs_pass() at the end of
 * the loop's turn
 */
struct stint_jobs_options {
    struct stint_store *store;
    struct stint_ledger *ledger;
    struct stint_engine *engine;
    const struct stint_resources *resources;
    int64_t grace_ms;
    int64_t process_limit; /* 0: none */
    const char *boot_id;
    int64_t (*now_boot_ms)(void);
    int64_t (*now_wall_ms)(void);
    void (*check_start)(void *context, uid_t uid, gid_t gid, const char *uses,
                        stint_start_checked_fn done, void *done_context);
    void (*pass_wanted)(void *context);
    void *context;
};

int stint_jobs_new(const struct stint_jobs_options *options, struct stint_jobs **ret_jobs,
                   struct stint_error *err);
struct stint_jobs *stint_jobs_free(struct stint_jobs *jobs);

/* A reload: what later starts use; jobs that wait keep what they were given. */
void stint_jobs_reconfigure(struct stint_jobs *jobs, int64_t grace_ms, int64_t process_limit);

/**
 * stint_jobs_load() - live jobs from the store, at start and after a failed commit
 * Throws away what is in memory, reads every job that is not done, re-adopts every open run from
 * the engine (or reports its end), and tells the scheduler. Blocking: before the loop runs, or with
 * the loop stopped on purpose. O(live jobs).
 */
int stint_jobs_load(struct stint_jobs *jobs, struct stint_error *err);

/* One verdict that admitted (or is still awaited for) one use of a job, in the order of
 * request->uses. */
struct stint_job_use {
    char name[STINT_REQUEST_NAME_MAX]; /* short name: STINT_MODEL_<NAME> */
    char digest[72];                   /* "sha256:…" of the artefact; "" while it is not known */
    char path[STINT_REQUEST_TEXT_MAX]; /* where the job finds it */
    int64_t verdict_id;                /* 0 while not evaluated */
    bool is_in_place;                  /* not in our own store */
};

/**
 * struct stint_job_new - a job that admission lets in
 * @request, @uses: borrowed for the call
 * @is_evaluated: false gives reason NotEvaluatedYet until stint_jobs_admit() or stint_jobs_refuse()
 * @award: id of the award that pays, 0 when it is to be chosen at the start
 */
struct stint_job_new {
    const struct stint_caller *caller;
    const struct stint_request *request;
    const char *script_sha256; /* hex, NULL without a script */
    int64_t project;
    int64_t award;
    const struct stint_job_use *uses;
    bool is_evaluated;
    int64_t decision;
};

/**
 * stint_jobs_create() - journal a new job into the open batch and put it into the queue
 * The caller releases its answer with stint_store_after(). Return: 0 and the id; STINT_BUSY when
 * the batch is full; STINT_READ_ONLY; STINT_UNSATISFIABLE (what can never start here, with the
 * largest that would fit in err->fix).
 */
int stint_jobs_create(struct stint_jobs *jobs, const struct stint_job_new *job, uint64_t *ret_id,
                      struct stint_error *err);

/* Where @request is to run: the resource that it names, else that of the award it names, else the
 * default; STINT_RESOURCE_NONE for a name that none has. And the resource, NULL for none. */
uint32_t stint_jobs_resource_of(struct stint_jobs *jobs, const struct stint_request *request);
const struct stint_resource *stint_jobs_resource(const struct stint_jobs *jobs, uint32_t index);

/* Is the shape of @request one that its resource could ever run? 0, or STINT_UNSATISFIABLE with
 * *ret_code. Pure. */
int stint_jobs_fits_ever(struct stint_jobs *jobs, const struct stint_request *request,
                         enum stint_reason_code *ret_code, struct stint_error *err);

/* The late verdict of a job that was let in unjudged: admitted with its uses, or refused for good
 * (outcome refused). */
int stint_jobs_admit(struct stint_jobs *jobs, uint64_t id, const struct stint_job_use *uses,
                     struct stint_error *err);
/* Or its verdict is unknown, and it waits for an operator with NotReviewedYet, until one of them.
 */
int stint_jobs_review(struct stint_jobs *jobs, uint64_t id, struct stint_error *err);
int stint_jobs_refuse(struct stint_jobs *jobs, uint64_t id, enum stint_reason_code code,
                      int64_t decision, const char *why, struct stint_error *err);

/*
 * Verbs of people. @caller may act on its own jobs; an operator on all (his hold is HeldByAdmin,
 * and only an operator releases it). Return: 0; STINT_NOT_FOUND; STINT_NOT_PERMITTED;
 * STINT_WRONG_STATE; STINT_BUSY; STINT_READ_ONLY.
 */
enum stint_job_verb {
    STINT_VERB_CANCEL = 1,
    STINT_VERB_HOLD,
    STINT_VERB_RELEASE,
    STINT_VERB_REQUEUE,
    STINT_VERB_SUSPEND,
    STINT_VERB_RESUME,
    STINT_VERB_SIGNAL, /* with a number: stint_jobs_signal_on() */
};
#define STINT_JOBS_ACT_TASK_MAX 10000 /* tasks named in one call */
/* On an array, or on tasks of it: those in no state for it are passed over, unless all are.
 * Cancelled as a whole, nothing more of it starts or comes back. STINT_NOT_FOUND also for a task it
 * does not have, STINT_TOO_LARGE for too many. */
int stint_jobs_act_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                      const struct stint_job_ref *ref, enum stint_job_verb verb,
                      struct stint_error *err);
int stint_jobs_signal_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                         const struct stint_job_ref *ref, int signal_number,
                         struct stint_error *err);
int stint_jobs_act(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                   enum stint_job_verb verb, struct stint_error *err);
int stint_jobs_set_priority(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                            int64_t priority, struct stint_error *err);

/* @signal_number to the processes of a running job, by its owner or an operator. As
 * stint_jobs_act(). */
int stint_jobs_signal(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                      int signal_number, struct stint_error *err);

/* What @request would be granted of each node's memory: as asked, else its default part. Pure. */
int64_t stint_jobs_memory_of(struct stint_jobs *jobs, const struct stint_request *request);

/* "--gpus h200:2": an option of `stint submit` with which a job would start at once. */
#define STINT_OPTIONS_MAX 8
struct stint_option {
    char text[96];
};

/**
 * struct stint_rehearsal - what a request would meet
 * @reason: STINT_REASON_NONE when it would start at once
 * @p50_ms, @p90_ms: wall clock ms, 0 when nothing is known: then @no_estimate says what ends that
 * @supposes: what they take for granted, NULL for nothing
 * @options: with any of which it would start at once; the smallest change first
 */
struct stint_rehearsal {
    struct stint_reason reason;
    int64_t p50_ms;
    int64_t p90_ms;
    const char *supposes;
    const char *no_estimate;
    struct stint_option options[STINT_OPTIONS_MAX];
    size_t option_count;
};

/**
 * stint_jobs_rehearse() - when would this request start, and what would it wait for? No effect
 * It joins the queue for the length of the call.
 * Return: 0; STINT_UNSATISFIABLE, STINT_NOT_PERMITTED as stint_jobs_create(); -ENOMEM.
 */
int stint_jobs_rehearse(struct stint_jobs *jobs, const struct stint_caller *caller,
                        const struct stint_request *request, int64_t project, int64_t award,
                        struct stint_rehearsal *ret_rehearsal, struct stint_error *err);

/**
 * struct stint_array_view - an array's tasks, counted
 * @live: by state, of those that have not ended; @ended: by outcome
 */
struct stint_array_view {
    uint32_t task_count;
    uint32_t running_max; /* 0: none */
    uint32_t live[STINT_JOB_STATE_COUNT];
    uint32_t ended[STINT_OUTCOME_COUNT];
};

/**
 * struct stint_job_view - one live job, typed, borrowed until the next call into jobs
 * Times are wall clock ms, 0 where they do not apply.
 */
struct stint_job_view {
    uint64_t id;
    uint32_t task;                        /* 0 for a plain job, STINT_TASK_WHOLE for an array */
    bool is_task;                         /* of an array */
    const struct stint_array_view *array; /* of an array as a whole, else NULL */
    enum stint_job_state state;
    enum stint_job_outcome outcome;
    struct stint_reason reason;
    const char *name;
    const char *resource;     /* its name, also of one that is not configured any more */
    uint32_t resource_number; /* STINT_RESOURCE_NONE for such a one */
    const char *project;
    uid_t uid;
    gid_t gid;
    const char *user;
    int64_t project_id;
    int64_t award;
    int64_t priority;
    int64_t cpus;
    int64_t gpus;
    int64_t gpu_milli;
    const char *gpu_type; /* NULL for any */
    int64_t memory_bytes;
    int64_t nodes;
    int64_t walltime_s;
    int64_t submit_ms;
    int64_t begin_ms;
    int64_t start_ms;
    int64_t ends_by_ms;
    int64_t estimate_p50_ms;
    int64_t estimate_p90_ms;
    const char *estimate_supposes; /* what the estimate takes for granted: "it is released now" */
    const char *no_estimate; /* of what waits without one: what ends that, in words; else NULL */
    uint32_t attempt;        /* of the open or last run, 0 before the first */
    const char *allocation;  /* "node0/core[0-3]/gpu[0-1]", NULL when it holds nothing */
    /* NULL when it holds nothing, or nothing on its own resource: see stint_jobs_held_on(). */
    const struct stint_allocation *held;
    int64_t decision; /* of admission, 0 for none */
    const char *spec; /* the stored request as JSON text */
    const char *uses; /* JSON array [{kind,name,digest,verdict}], "[]" for none */
};

/* What the run of a job, or of a task of an array, holds on a resource: its own, or one that has
 * its things since a restart with another configuration. NULL for nothing. */
const struct stint_allocation *stint_jobs_held_on(const struct stint_jobs *jobs, uint64_t id,
                                                  uint32_t task, uint32_t resource);

/* One live job; STINT_NOT_FOUND when it is not live (ask the store for history). */
int stint_jobs_view(struct stint_jobs *jobs, uint64_t id, struct stint_job_view *ret_view);
/* One task of a live array; STINT_NOT_FOUND also when it has ended (ask the store). */
int stint_jobs_view_task(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                         struct stint_job_view *ret_view);
/* Live tasks of an array that run or were acted on by themselves; those that wait together are only
 * counted. */
void stint_jobs_each_task(struct stint_jobs *jobs, uint64_t id,
                          bool (*fn)(void *context, const struct stint_job_view *view),
                          void *context);
/* Numbers of tasks of a live array that have ended other than completed, rising; fills at most
 * @max, returns how many. O(tasks). */
size_t stint_jobs_failed_tasks(struct stint_jobs *jobs, uint64_t id, uint32_t *tasks, size_t max);
/* Every live job in queue order: holders first (starting, running, suspended, ending), then waiting
 * ones by rank, resource by resource. An array is told once as a whole, as a holder if a task of it
 * runs, and each of its tasks that has a life of its own besides.
 * @fn returns false to stop. O(live jobs). */
void stint_jobs_each(struct stint_jobs *jobs,
                     bool (*fn)(void *context, const struct stint_job_view *view), void *context);
/* All blockers of a waiting job or of one task of an array (STINT_TASK_WHOLE: of the job, or of the
 * tasks that wait together), headline first; fills at most @max; returns the count. */
size_t stint_jobs_blockers(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                           struct stint_reason *reasons, size_t max);
/* With which single options it would start at once, of the same; each was tried, the smallest
 * change first. Returns how many. */
size_t stint_jobs_improve(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                          struct stint_option options[STINT_OPTIONS_MAX]);
/* What decides its turn, of the same; STINT_NOT_FOUND in modes that know no turns, and for what
 * does not wait. */
struct stint_turn;
int stint_jobs_turn(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                    struct stint_turn *ret_turn);
/* Live jobs by state, for metrics: array of STINT_JOB_STATE_COUNT. */
void stint_jobs_count(const struct stint_jobs *jobs, uint64_t counts[STINT_JOB_STATE_COUNT]);

/* One scheduling pass: starts what the plan says, journals, and leaves the rest with its reason. */
void stint_jobs_pass(struct stint_jobs *jobs);
/* When the next pass is due because time alone changes something (a begin time, a period's end);
 * wall ms, 0 for never. */
int64_t stint_jobs_next_wakeup_ms(struct stint_jobs *jobs);

/* What the engine says; main wires the engine's callbacks here. */
struct stint_run_end;
void stint_jobs_on_run_started(struct stint_jobs *jobs, struct stint_run_key key);
void stint_jobs_on_run_ended(struct stint_jobs *jobs, const struct stint_run_end *end);

#endif
