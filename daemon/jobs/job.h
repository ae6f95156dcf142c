/* Inside of the jobs room: the live job, the table of them, and the ways between the room's files.
 */
#ifndef STINT_JOBS_JOB_H
#define STINT_JOBS_JOB_H

/* The default of uthash falls through in a switch, which our warnings refuse; keys are ids and
 * names. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "states.h"
#include "stint/allocation.h"
#include "stint/clerk.h"
#include "stint/jobs.h"
#include "stint/resource.h"
#include "stint/transcript.h"

/* One dependency; @outcome is NONE while the other job, or task, has not ended. */
struct job_after {
    uint64_t job;
    uint32_t task; /* STINT_TASK_WHOLE: all of it */
    enum stint_after_when when;
    enum stint_job_outcome outcome;
};

/**
 * struct job_array - what an array has beside its job: a hundred thousand tasks that wait are a bit
 * each. A task that starts, or that somebody acts on by itself, is split off: it has a struct job
 * of its own from then on until it ends.
 * @waiting: not split off and not ended; they wait in @whole's state
 * @completed: ended well, for dependencies on single tasks
 * @live: split off and not ended, by state; @ended: by outcome
 * @account: of %MAX in the scheduler, STINT_NO_ACCOUNT without
 * @exit_code: the highest of its tasks; @exit_signal: of a task, where none left a status
 * @closing: how the tasks end that have not started, once the array as a whole was cancelled
 */
struct job_array {
    struct job *whole;
    struct stint_array *shape;
    struct stint_tasks *waiting;
    struct stint_tasks *completed;
    uint32_t live[STINT_JOB_STATE_COUNT];
    uint32_t ended[STINT_OUTCOME_COUNT];
    uint32_t account;
    int32_t exit_code;
    int32_t exit_signal;
    enum stint_job_outcome closing;
    enum stint_job_state told; /* as its row says */
    int64_t ended_ms;          /* the latest end of a task since the daemon began; they come in any
                                * order */
};

/* In whole seconds, so that a long queue's are small; @given_s and the rest count from the epoch
 * ESTIMATE_EPOCH_MS. @is_given: there is one; @is_over: measured, or never will be. */
#define ESTIMATE_EPOCH_MS INT64_C(1577836800000) /* 2020; 32 bits reach to 2156 */
struct job_estimate {
    uint32_t given_s;
    uint32_t p50_s;
    uint32_t p90_s;
    bool is_given;
    bool is_over;
};

/**
 * struct job_run - what a job has beside while a run of it is open
 * @hold_micro: what it holds of the job's award
 * @ends_by_ms: wall clock; 0 while suspended: nobody knows
 * @ran_ms: at its suspension; 0 while it runs
 * @stop_ms: boot clock: of its checkpoint's time the end; 0 while no signal was sent for one
 * @late_end: an end that found the batch full, else NULL
 * @is_spread: what it holds belongs to other resources by now, whose cores know it too
 * @allocation_text: the stored form; @node: the first of it; @boot_id: of its start
 */
struct job_run {
    int64_t hold_micro;
    int64_t start_boot_ms;
    int64_t ends_by_ms;
    int64_t ran_ms;
    int64_t stop_ms;
    struct stint_run_end *late_end;
    bool is_spread;
    char *allocation_text;
    char *node;
    char *boot_id;
};

/**
 * struct job - one live job, or task of an array that was split off; a hundred thousand may wait,
 * so it is kept at or below 304 bytes
 * @task: 0, its number in the array, or STINT_TASK_WHOLE for the array itself, which never runs
 * @array: NULL but for arrays and their tasks; the array's owns it. A task borrows all texts and
 * dependencies of the array, which outlives it
 * @is_stored: its row is in the store (a task that was split off may have none yet)
 * @spec: the stored request as JSON; @uses: JSON array of struct stint_job_use, NULL for none
 * (job_uses() writes that out)
 * @blocked: what the scheduler was told keeps it from starting, apart from its own reasons
 * @is_launch_sent: the engine has this attempt's start (STARTING and later)
 * @has_dependents: some live job waits for its end
 * @is_requeue_wanted: its end brings it back to the queue
 */
struct job {
    uint64_t id;
    uint32_t task;
    uint32_t attempt;
    UT_hash_handle hh;
    enum stint_job_state state : 8;
    enum stint_preemptible preemptible : 8;
    enum stint_role held_by : 8; /* who holds it: USER or OPERATOR; PUBLIC (0) when nobody does */
    bool is_evaluated;
    bool
        is_in_review; /* judged, unknown, and an operator decides; found out anew after a restart */
    bool may_requeue;
    uid_t uid;
    gid_t gid;
    const char *user; /* lives as long as the room: jobs_user() */
    const char *name; /* in the memory of @spec */
    char *spec;
    char *uses;
    char *script_sha256;
    int64_t project;
    int64_t asked_award;
    int64_t award;
    int64_t attained_ms; /* processors times ms of its earlier runs: struct stint_ask */
    int64_t decision;
    int64_t submit_ms;
    int64_t begin_ms;
    int64_t start_ms;
    int64_t walltime_s;
    int64_t memory_bytes;
    int64_t gpu_memory_bytes;
    uint32_t nodes;
    uint32_t cpus;
    uint16_t gpus;
    uint16_t gpu_milli;
    int16_t gpu_type; /* as the scheduler numbers them */
    uint8_t locality;
    uint8_t resource; /* its number; from STINT_RESOURCE_MAX on: of those that are gone */
    int8_t priority;
    bool is_requeue_wanted;
    bool is_preempted;   /* it makes room for another, and comes back: preempt.c */
    bool is_stop_wanted; /* the scheduler asked for it, and it could not be done yet */
    bool is_launch_sent;
    bool has_dependents;
    bool is_unsent; /* the engine's queue was full: sent again by the next pass */
    bool is_stored;
    bool has_wait; /* the store has a row of what its wait counts */
    uint16_t after_count;
    enum stint_reason_code blocked : 16;
    char *gpu_type_text; /* as asked, where the machine has no such type */
    struct job_run *run; /* while one is open, else NULL; owned */
    struct job_after *after;
    struct job_array *array;
    struct job_estimate estimate; /* the first one that was given */
};

/* The name of somebody who has submitted since the start: thousands of jobs share one. */
struct jobs_user {
    UT_hash_handle hh;
    char name[];
};

/* What has ended a moment ago, whose row may not be durable yet: a dependency on it is not lost. */
#define JOBS_ENDED_MAX 4096
struct job_ended {
    uint64_t job;  /* 0: nothing */
    uint32_t task; /* STINT_TASK_WHOLE: all of it */
    enum stint_job_outcome outcome;
};

/* Names of resources that jobs are on and that are not configured any more. */
#define JOBS_GONE_MAX 200

struct stint_jobs {
    struct stint_jobs_options options;
    char *gone[JOBS_GONE_MAX];
    uint32_t gone_count;
    struct job *table; /* by id and task */
    uint64_t counts[STINT_JOB_STATE_COUNT];
    uint64_t ledger_generation;  /* of the last look at what the ledger blocks */
    size_t ledger_blocked_count; /* live jobs whose @blocked is the ledger's */
    bool is_balance_freed;       /* a settlement since then may let a job pay */
    bool has_unsent;             /* a launch found the engine's queue full */
    bool has_stops;              /* somebody is being stopped for another */
    int64_t stop_ms;             /* boot clock: when the next of them is looked at again */
    int64_t clock_offset_ms;     /* wall minus boot, at the last pass */
    struct stint_buffer view_text;
    struct stint_array_view view_counts;
    struct job_ended ended[JOBS_ENDED_MAX]; /* a ring */
    uint32_t ended_next;
    struct expect_memo *expected;   /* ends of jobs that others wait for, see expect.c */
    struct stint_buffer spec_text;  /* a request being written out */
    struct jobs_user *users;        /* by name */
    int64_t estimates_due_ms;       /* boot clock: not before */
    bool has_unestimated;           /* some job may have no first estimate */
    struct stint_sha256 transcript; /* digest of the last piece that was put */
    int64_t transcript_core;        /* id of the piece in which the first of these cores began */
    bool transcript_is_broken;      /* said so in the log */
};

/* ---- table.c
 * ----------------------------------------------------------------------------------------------------------
 */
/* The job, an array as a whole; NULL when it is not live. */
struct job *jobs_find(struct stint_jobs *jobs, uint64_t id);
/* What has a record under exactly this key. */
struct job *jobs_find_task(struct stint_jobs *jobs, uint64_t id, uint32_t task);
void job_add(struct stint_jobs *jobs, struct job *job);
void job_set_state(struct stint_jobs *jobs, struct job *job, enum stint_job_state state);
/* Out of the table and freed: it is done, and history is in the store. */
void job_drop(struct stint_jobs *jobs, struct job *job);
struct job *job_free(struct job *job);
const char *job_uses(const struct job *job);
/* Keeps copies of both, the name behind the request: one piece of memory a job. 0 or -ENOMEM. */
int job_keep_texts(struct job *job, const char *spec, const char *name);
/* A copy of @text in place of what @place held. 0 or -ENOMEM. */
int job_set_text(char **place, const char *text);
int job_run_open(struct job *job);   /* 0 or -ENOMEM; with nothing in it */
void job_run_close(struct job *job); /* forgotten, if there is one */
/* One copy of @name for all jobs of that user; NULL without memory. */
const char *jobs_user(struct stint_jobs *jobs, const char *name);
void jobs_users_free(struct stint_jobs *jobs);
static inline __attribute__((unused)) void job_free_auto(struct job **job)
{
    (void)job_free(*job);
}
bool job_is_waiting(const struct job *job); /* pending or held; an array: has tasks that are */
bool job_holds(const struct job *job);      /* has an open run */
bool job_is_whole(const struct job *job);   /* an array itself */
bool job_is_task(const struct job *job);    /* a task that was split off */
/* How many wait in it: 1, or an array's tasks that were not split off. */
uint32_t job_width(const struct job *job);
/* "41" or "41_7" */
#define JOB_NAME_MAX 40
const char *job_label(const struct job *job, char label[JOB_NAME_MAX]);
struct stint_run_key job_run_key(const struct job *job);
struct stint_task_key job_task_key(const struct job *job);

/* ---- resource.c: where it is, and whose core, machine and terms count; of one whose resource is
 * gone, the default's */
bool job_is_homeless(const struct stint_jobs *jobs, const struct job *job);
const struct stint_resource *job_resource(const struct stint_jobs *jobs, const struct job *job);
const char *job_resource_name(const struct stint_jobs *jobs, const struct job *job);
uint32_t job_resource_number(const struct stint_jobs *jobs, const struct job *job);
struct stint_clerk *job_clerk(const struct stint_jobs *jobs, const struct job *job);
const struct stint_scheduler *job_core(const struct stint_jobs *jobs, const struct job *job);
const struct stint_machine *job_machine(const struct stint_jobs *jobs, const struct job *job);
/* On the resource @name, NULL for the default. 0; -ENOMEM; -ENOSPC for too many that are gone. */
int job_place(struct stint_jobs *jobs, struct job *job, const char *name);
/* A run whose allocation is not, or not all, on its own resource: what others have of it now is
 * held back there. STINT_NOT_FOUND when nobody has any of it. */
int run_adopt_spread(struct stint_jobs *jobs, struct job *job, const struct stint_ask *ask,
                     int64_t started_ms, int64_t ends_ms, struct stint_error *err);
/* To every core that knows the run. */
void run_core_end(struct stint_jobs *jobs, struct job *job);
void run_core_undo(struct stint_jobs *jobs, struct job *job);
void run_core_set_ends(struct stint_jobs *jobs, struct job *job, int64_t ends_ms);

/* ---- ask.c: what the scheduler and the ledger are told of a job
 * ----------------------------------------------------------- */
/* The number by which the scheduler knows a user: his account. UINT32_MAX without one. */
uint32_t jobs_user_number(struct stint_jobs *jobs, int64_t project, uid_t uid);
void jobs_ask_of(struct stint_jobs *jobs, const struct job *job, struct stint_ask *ret_ask);
int64_t job_charge(struct stint_jobs *jobs, const struct job *job, int64_t ms);
/* All that keeps a waiting job from starting apart from the machine, headline first; how many. */
#define JOB_BLOCKS_MAX 5
size_t jobs_blocks(struct stint_jobs *jobs, const struct job *job,
                   struct stint_reason blocks[JOB_BLOCKS_MAX]);
/* The first of them; STINT_REASON_NONE when nothing does. */
struct stint_reason jobs_block(struct stint_jobs *jobs, const struct job *job);
/* Works jobs_block() out anew and tells the scheduler when it changed. */
void job_reblock(struct stint_jobs *jobs, struct job *job);
bool is_ledger_reason(enum stint_reason_code code);
/* When a run that is suspended ends: later than anything that is planned. */
#define JOB_ENDS_NEVER_MS (INT64_C(1) << 50)
int job_enqueue(struct stint_jobs *jobs, struct job *job, struct stint_error *err);

/* ---- create.c
 * ------------------------------------------------------------------------------------------------------------
 */
/* The fields that follow from a request; then, once all older jobs are in memory, how far those are
 * that it waits for. 0, STINT_INVALID, -ENOMEM. */
int job_fill(struct stint_jobs *jobs, const struct stint_request *request, struct job *job,
             struct stint_error *err);
int job_resolve_after(struct stint_jobs *jobs, struct job *job, struct stint_error *err);
/* ask.c: of a new job: what it waits for can still come to pass. 0; STINT_WRONG_STATE for a job
 * that has ended otherwise; STINT_INVALID for what contradicts itself. */
int jobs_check_after(const struct job *job, struct stint_error *err);

/* How @job, or its @task, ended a moment ago; NONE when it is not remembered. */
enum stint_job_outcome jobs_ended_lately(const struct stint_jobs *jobs, uint64_t job,
                                         uint32_t task);

/* ---- expect.c: when a waiting job will start, or the word why that cannot be told */
void job_expect(struct stint_jobs *jobs, const struct job *job, struct stint_job_view *view);
size_t job_improve(struct stint_jobs *jobs, const struct job *job,
                   struct stint_option options[STINT_OPTIONS_MAX]);

/* ---- view.c: reason and estimate of a waiting job */
void job_view_waiting(struct stint_jobs *jobs, const struct job *job, struct stint_job_view *view);

/* ---- life.c: the one function that moves
 * -------------------------------------------------------------------------------- */
/**
 * struct job_cause - why a job moves, for the event table and the log
 * @actor: a user's name, "scheduler", "engine" or "admission"; @note: what people read, NULL for
 * none
 */
struct job_cause {
    const char *actor;
    const char *note;
    enum stint_job_outcome outcome;
    enum stint_reason_code code;
    const struct stint_run_end *end;
    int64_t charged_micro;
};
int job_post(struct stint_jobs *jobs, struct job *job, enum job_event event,
             const struct job_cause *cause, struct stint_error *err);
void job_check(const struct job *job);

/* ---- array.c */
/* The array of a new job, all of whose tasks wait. 0, STINT_INVALID, -ENOMEM. */
int array_new(const char *spec, struct job *whole, struct stint_error *err);
struct job_array *array_free(struct job_array *array);
/* Its account in the scheduler, if it needs one; given back. 0 or -ENOMEM. */
int array_open(struct stint_jobs *jobs, struct job *whole);
void array_shut(struct stint_jobs *jobs, struct job *whole);
/* A record of its own, in the whole's state, for a task that waits in it; out of the scheduler's
 * element. NULL without memory. */
struct job *array_split(struct stint_jobs *jobs, struct job *whole, uint32_t task);
/* Back among those that wait together; nobody ever heard of the record. */
void array_join(struct stint_jobs *jobs, struct job *task);
/* The next live record of the array's tasks after @after, from NULL; safe when @after is dropped
 * only if the next one was asked for before. O(live jobs). */
struct job *array_next(struct stint_jobs *jobs, const struct job_array *array, struct job *after);
/* As people see it: done, ending, running, held or pending; and how it ended. */
enum stint_job_state array_state(const struct job_array *array);
enum stint_job_outcome array_outcome(const struct job_array *array);
/* The same as they will be when @task has gone to @next. */
enum stint_job_state array_state_after(struct job_array *array, const struct job *task,
                                       enum stint_job_state next, enum stint_job_outcome outcome,
                                       enum stint_job_outcome *ret_outcome);
/* A task has ended, and its record is about to go. */
void array_note_end(struct job_array *array, uint32_t task, enum stint_job_outcome outcome);
/* How a task that has no record ended: NONE while it has not. */
enum stint_job_outcome array_ended(const struct job_array *array, uint32_t task);
/* Whoever of the array waits leaves for good with @event; what runs is the caller's to end. The
 * array may be gone after this. */
int array_close(struct stint_jobs *jobs, struct job *whole, enum job_event event,
                const struct job_cause *cause, struct stint_error *err);
/* Out of the scheduler and in again, as it is now. */
int array_enqueue(struct stint_jobs *jobs, struct job *whole, struct stint_error *err);

/* ---- pass.c
 * ----------------------------------------------------------------------------------------------------------------
 */
struct stint_ledger_run;
void job_ledger_run(const struct stint_jobs *jobs, const struct job *job,
                    struct stint_ledger_run *ret_run);

/* ---- transcript.c: what the scheduler was told and decided, into the store. keep(): what is there
 * so far into the open batch, at the end of a pass. */
int jobs_transcript_load(struct stint_jobs *jobs);
void jobs_transcript_keep(struct stint_jobs *jobs);

/* ---- estimates.c: the first estimate of a start, and what became of it */
/* waits.c: what waits count, beside the jobs in the store */
/* At the end of a pass; false when the next turn of the loop has to go on. */
bool waits_keep(struct stint_jobs *jobs);
void wait_over(struct stint_jobs *jobs, struct job *job); /* it has started */
int waits_load(struct stint_jobs *jobs);                  /* when all that waits is in its queue */
void estimates_refresh(struct stint_jobs *jobs);          /* at the end of a pass */
int64_t estimates_due_ms(const struct stint_jobs *jobs);  /* boot clock; INT64_MAX for never */
void estimate_wanted(struct stint_jobs *jobs);            /* a job joined the queue */
void estimate_started(struct stint_jobs *jobs, struct job *job);
void estimate_void(struct stint_jobs *jobs, struct job *job); /* it will say nothing */
/* Before jobs join the queue, and after they are in memory. */
int estimates_load_past(struct stint_jobs *jobs);
int estimates_load(struct stint_jobs *jobs);

/* ---- run.c: from a durable grant to the end of the run
 * ---------------------------------------------------------------------- */
/* Queue the launch under the open batch; it goes when the grant is durable. */
int run_launch_when_durable(struct stint_jobs *jobs, struct job *job);
void run_launch(struct stint_jobs *jobs, struct job *job);
void run_retry(struct stint_jobs *jobs);
void run_ended(struct stint_jobs *jobs, struct job *job, const struct stint_run_end *end);
/* A run that never got to the engine: settled at nothing, @outcome, @note. */
void run_ended_unlaunched(struct stint_jobs *jobs, struct job *job, enum stint_job_outcome outcome,
                          enum stint_reason_code code, const char *note);
void run_control_when_durable(struct stint_jobs *jobs, const struct job *job,
                              enum stint_job_verb verb);
/* As it was journalled: preempt_stop() when that is on disk. */
void run_stop_when_durable(struct stint_jobs *jobs, const struct job *job);
void run_forget_when_durable(struct stint_jobs *jobs, struct stint_run_key key);

/* ---- preempt.c: runs that make room for waiting jobs */
/* GPUs, or cores of a job without: what service is counted in. */
int64_t job_processors(const struct job *job);
/* It had so much more service. */
void preempt_attain(struct job *job, uint64_t elapsed_ms);
/* What its earlier runs had, from the store. 0 or a negative errno. */
int preempt_load(struct stint_jobs *jobs, struct job *job);
/* At the end of a pass: begins the stops that it decided, and goes on with those under way. */
void preempt_follow(struct stint_jobs *jobs);
/* Its stop is durable: the signal for its checkpoint, else the end. */
void preempt_stop(struct stint_jobs *jobs, struct job *job);
/* Of a run that was being stopped: does it go on later, or was it done? */
bool preempt_comes_back(const struct job *job, enum stint_job_outcome outcome);

#endif
