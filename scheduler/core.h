/* The inside of the scheduler, shared by its files and by nobody else.
 *
 * What must always hold (stint_scheduler_check() looks):
 *  1. a task is in exactly one of: the queue, the waiting room (blocked, or before its begin time,
 *     or never able to start), the running ones;
 *  2. a node's step "now" is its total less what runs there; later steps also lack what is
 * promised;
 *  3. no promise moves later, but when a node fails, a run outlives its limit, a walltime is
 *     extended, or the pass comes after the promised instant;
 *  4. what an account uses of a running kind is the sum over its running tasks. */
#ifndef STINT_SCHEDULER_CORE_H
#define STINT_SCHEDULER_CORE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "grant.h"
#include "place.h"
#include "queue.h"
#include "stint/scheduler.h"
#include "stint/tasks.h"
#include "timeline.h"

#define OVERDUE_MS                                                                                 \
    1000 /* a run past its limit is expected to end so much later, again and again                 \
          */
#define PASS_TIME_MIN (INT64_MIN / 4)

enum job_place {
    PLACE_FREE = 0, /* the record is unused */
    PLACE_QUEUE,
    PLACE_WAITING, /* blocked, early, or never */
    PLACE_RUNNING,
};

/* What a task holds or was promised on its nodes. */
struct claim {
    uint32_t node_count;
    uint32_t *nodes;
    int32_t *vectors; /* one of the node's width after the other */
    int64_t start_ms; /* of a promise */
    int64_t end_ms;
};

/* A pending or running task; kept at or below 216 bytes, the queues and the index take the rest of
 * the 256. */
struct job {
    struct stint_task_key key;
    struct need need;
    uint64_t sequence;
    int64_t walltime_ms;
    int64_t expected_ms; /* for orders alone */
    int64_t submit_ms;
    int64_t begin_ms;
    int64_t cost_micro;
    int64_t attained_ms;
    union {
        int64_t ready_ms;   /* while it waits: from when that counts, later by what it was held */
        int64_t started_ms; /* of a run */
    };
    union {
        int64_t ends_ms; /* of a run */
        int64_t lent_ms; /* of an array, as ready_ms: for @lent_count of its tasks, its last ones */
    };
    uint32_t lent_count; /* of an array: so many of its tasks lent their turns, see turn.c */
    int32_t priority;
    uint32_t user;
    uint32_t fair_account;
    uint32_t nodes;
    uint32_t accounts[STINT_ASK_ACCOUNT_MAX];
    uint32_t heap_at;  /* position among the running by end, or among the early by begin */
    uint32_t block_at; /* while is_blocked: its row in the table of blocks */
    uint8_t account_count;
    uint8_t place;       /* enum job_place */
    uint8_t never;       /* enum stint_reason_code of class never, or 0 */
    bool is_blocked : 1; /* by the caller; its reason is in the table of blocks */
    bool is_preemptible : 1;
    bool is_stopping : 1;   /* asked to stop, still running */
    bool is_preempting : 1; /* others are being stopped for its promise */
    bool was_promised : 1;  /* the sequence of heads holds it */
    bool is_counted : 1;    /* its use was counted already: stint_scheduler_count_use() */
    bool is_soft : 1;       /* its reservation is no promise yet, see pass.c */
    bool is_freed : 1;      /* since the last pass: it was blocked until then */
    bool is_moved : 1;      /* its clock, other than by time: stint_scheduler_clocks_moved() */
    bool has_lent : 1;      /* a task of its project with a higher priority took its turn */
    bool is_unseen : 1;     /* by a pass: what blocks it from the first costs it no wait */
    bool is_lifted : 1;     /* taken out of the timelines for a trial, see preempt.c */
    struct claim *claim;    /* running: what it holds; pending: its promise, NULL without */
    struct stint_allocation *allocation; /* running */
    struct stint_tasks *tasks;           /* an array: those that wait; else NULL */
};

static_assert(sizeof(struct job) <= 216, "the queues and the index take the rest");

/* One window of an operator's reservation. */
struct booking {
    uint32_t reservation;
    uint32_t account;
    int64_t from_ms;
    int64_t until_ms;
    int64_t used_ms;       /* when a holder's run on it last ended */
    struct claim *claim;   /* what it keeps */
    struct timeline *left; /* one a node of the claim: what no holder has taken, see booking.c */
    bool is_ignored;       /* while somebody asks what would be without it */
};

struct account {
    enum stint_account_kind kind;
    uint32_t parent;
    uint32_t shares;
    uint32_t limited; /* bit per limit that has a ceiling */
    bool is_known;
    int64_t ceiling[STINT_LIMIT_COUNT];
    int64_t used[STINT_LIMIT_COUNT];
    int64_t elsewhere[STINT_LIMIT_BUDGET]; /* part of used[]: of runs that are not this core's */
    int64_t held_micro;                    /* of running tasks, part of used[BUDGET] */
    double usage;                          /* dominant share times ms, decayed to usage_ms */
    int64_t rate;                          /* dominant share of what runs, in parts of 2^40 */
    int64_t usage_ms;
    double fair_share; /* of the siblings' shares, and of their use, at the last ranking */
    double fair_usage;
    uint32_t fair_place;
    uint32_t fair_rank;
    uint32_t fair_tier; /* at the last ranking for the plan */
    bool has_favours;   /* a project of which somebody in the last list of turns has a priority */
};

struct node {
    const struct layout *layout;
    struct timeline timeline;
    enum stint_node_state state;
    uint32_t claims;          /* of runs and promises in its timeline */
    uint32_t promises;        /* those of promises */
    int64_t first_promise_ms; /* not after the earliest of them */
    uint32_t bookings;        /* windows of reservations on it */
    uint64_t left_version;    /* of use_version, when their `left` was worked out */
    int32_t free_cores;
    int64_t free_memory_mib;
    int32_t whole_gpus;
    int32_t gpu_milli; /* free, all GPUs together */
    uint64_t *cores;   /* free ones */
    int32_t *gpus;     /* free thousandths of each */
};

/* Runs by their end, or early tasks by their begin: a binary heap of job numbers. */
struct heap {
    uint32_t count;
    uint32_t capacity;
    uint32_t *jobs;
};

/* A node that would do for a task of several. */
struct choice {
    int64_t score; /* smaller is better */
    uint32_t node;
    const int32_t *claim;
};

struct block {
    uint32_t job;
    int64_t since_ms; /* TIME_NEVER: since the last pass */
    struct stint_reason reason;
};

struct usage_ratio { /* what users took of their limits, by user number */
    uint32_t count;
    uint32_t capacity;
    uint16_t *milli; /* 0: not known */
};

struct turn {
    double key;
    uint32_t tier; /* of fair share, then of attained service */
    uint32_t job;
};

/* Pending tasks by turn, a heap built when a pass needs its first head; see turn.c. */
struct turn_list {
    uint32_t count;
    uint32_t capacity;
    struct turn *turns;
    struct favourite *favourites; /* NULL where nobody has a priority */
    uint32_t *favourite_of;       /* by job number, + 1 */
    uint32_t first;               /* given out before the list was built */
    struct turn turn;             /* that was given out last */
    uint32_t lender;              /* whose that turn is */
    uint32_t given;               /* who takes it */
    double key;                   /* of whom it was given to */
    bool is_taken;                /* … and started by it, or was promised a start */
    bool is_asked;                /* it is only asked what the order is */
    bool is_begun;
    bool is_built;
    bool is_favoured; /* somebody of it has a priority, or lent his turn */
    bool has_favours; /* the same, of those without a project */
};

struct stint_scheduler {
    const struct stint_machine *machine;
    struct stint_policy policy;
    struct layout *layouts; /* one a shape */
    struct node *nodes;
    uint32_t width_max;
    uint32_t reserved_max;

    struct job *jobs;
    uint32_t job_count; /* records in use or free */
    uint32_t job_capacity;
    uint32_t free_job; /* chain through heap_at */
    uint32_t *index;   /* open addressing: job number + 1 */
    uint32_t index_mask;
    uint32_t live_count;
    uint32_t running_count;
    uint64_t next_sequence;

    struct queue main;     /* order of turns */
    struct queue backfill; /* order of passing; unused when it is the same */
    bool has_backfill_queue;
    struct heap running;
    struct heap early;
    struct block *blocks;
    uint32_t block_count;
    uint32_t block_capacity;
    uint32_t fresh_blocks; /* of which it is not known since when */
    uint32_t *moved;       /* whose clocks have moved; a record may serve another by now */
    uint32_t moved_count;
    uint32_t moved_capacity;

    uint32_t heads[STINT_SCHEDULER_RESERVED_MAX]; /* tasks with a promise, first promised first */
    uint32_t head_count;
    uint32_t *news; /* queued since the last pass */
    uint32_t news_count;
    uint32_t news_capacity;

    int64_t preempt_ms; /* when time alone may let somebody be stopped */
    uint32_t *stops;    /* decided and not told yet */
    uint32_t stop_count;
    uint32_t stop_capacity;

    struct account *accounts;
    uint32_t account_count;
    uint32_t fair_ranks;
    int64_t ranked_ms;     /* when the plan's tiers were worked out */
    uint64_t fair_changes; /* of use and weights */
    uint64_t fair_asked;   /* at the last ranking, and when that was */
    int64_t fair_asked_ms;

    struct booking *bookings; /* by their beginnings */
    uint32_t booking_count;
    uint32_t booking_capacity;
    int64_t boundary_ms;      /* the next beginning or end of one */
    uint64_t use_version;     /* changes with every claim that is taken or given back */
    struct timeline view;     /* of one node, as one task sees it */
    struct timeline kept;     /* of one node: what windows of others leave */
    struct timeline nothing;  /* what is seen without memory for a view: no step has anything */
    struct trial_use *trials; /* claims of a plan, see plan.c */
    uint32_t trial_count;
    int64_t limit_past_ms; /* of a search: so much longer its limit is than what it is taken for */
    bool is_supposing;     /* searches leave the timelines as they are, whatever s->now_ms */

    int64_t now_ms;
    bool is_dirty;  /* something may have become free for somebody */
    bool is_shaken; /* promises may move later once: a failure, see 3 */
    bool is_away;
    bool is_partial;     /* the last pass ran out of room for starts */
    uint64_t generation; /* of the state, for cached estimates */
    uint64_t promise_breaks;

    int32_t *scratch;       /* width_max numbers, several of them */
    struct choice *choices; /* of a search for several nodes; room for every node */
    int32_t *choice_claims;
    struct claim found; /* where the last search put a task; room for every node */
    struct usage_ratio ratios;
    struct plan *plan; /* cached estimates, see plan.c */
    struct turn_list turns;
    int64_t nobody_ms;       /* when no task was found that could be promised a start */
    int64_t chosen_ms;       /* when heads were last chosen anew */
    int64_t next_promise_ms; /* earliest of all promises, conservative only */
    int32_t head_extra;      /* flat machine, one promise: cores free beside it at its start */
};

/* Questions are asked of a const core, and work out or keep what later ones need (ranks, a plan of
 * starts): nothing that a decision depends on. */
static inline __attribute__((unused)) struct stint_scheduler *asked(
    const struct stint_scheduler *scheduler)
{
    union {
        const struct stint_scheduler *asked;
        struct stint_scheduler *itself;
    } one = { .asked = scheduler };
    return one.itself;
}

/* record.c */
int job_reserve(struct stint_scheduler *s); /* room for one more task anywhere it may go */
uint32_t job_new(struct stint_scheduler *s, const struct stint_ask *ask);
void job_forget(struct stint_scheduler *s, uint32_t number);
void job_ask(const struct stint_scheduler *s, const struct job *job, struct stint_ask *ask);
uint32_t job_find(const struct stint_scheduler *s, struct stint_task_key key);
const struct stint_reason *job_block(const struct stint_scheduler *s, uint32_t number);
/* clock.c */
void clock_moved(struct stint_scheduler *s, struct job *job);
/* How long a task was blocked is known from pass to pass: events have no time of their own. */
void clock_block(struct stint_scheduler *s, struct block *block);
/* The time since the pass at @before_ms that tasks were blocked for is no wait. */
void clocks_pass(struct stint_scheduler *s, int64_t before_ms);
void clocks_block(struct stint_scheduler *s); /* of all that are blocked since the last pass */
/* It is blocked no more. */
void clock_unblock(struct stint_scheduler *s, uint32_t number);
/* event.c */
void job_queue(struct stint_scheduler *s, uint32_t number);
void job_unqueue(struct stint_scheduler *s, uint32_t number);
/* Its promise is used up or gone; it keeps its place in the queue. */
void job_unpromise(struct stint_scheduler *s, uint32_t number);
/* Out of wherever it waits, and forgotten. */
void job_withdraw(struct stint_scheduler *s, uint32_t number);

/* array.c */
/* What starts when the element @number does: itself, or a record of its own for the array's lowest
 * task. Room for it and its index is reserved; nothing else has changed. 0 or -ENOMEM. May move
 * s->jobs. */
int task_split(struct stint_scheduler *s, uint32_t number, uint32_t *ret_started);
/* The split task runs: its array waits with the rest, or is gone. */
void task_started(struct stint_scheduler *s, uint32_t number, uint32_t task);

/* run.c: what is held and promised */
/* @ret_started: what runs now, @number or a task of it. May move s->jobs. */
int job_start(struct stint_scheduler *s, uint32_t number, uint32_t *ret_started);
int job_hold(struct stint_scheduler *s, uint32_t number, struct claim *claim,
             struct stint_allocation *allocation);
void job_release(struct stint_scheduler *s, uint32_t number);
int job_promise(struct stint_scheduler *s, uint32_t number);
void job_drop_promise(struct stint_scheduler *s, uint32_t number);
/* Out of the timelines for a while, and back where it was; nothing is allocated. */
struct claim *job_suspend_promise(struct stint_scheduler *s, uint32_t number);
void job_resume_promise(struct stint_scheduler *s, uint32_t number, struct claim *claim);
/* Is what a suspended promise claims still free? One that is overdue is moved to now. */
bool claim_holds(struct stint_scheduler *s, const struct job *job, struct claim *claim);
void claim_to_found(struct stint_scheduler *s, const struct claim *claim);
int claim_new(const struct stint_scheduler *s, const uint32_t *nodes, uint32_t count,
              struct claim **ret_claim);

/* adopt.c: from allocations to claims and back */
int grant_vector(const struct node *node, const struct stint_grant *grant, const struct need *need,
                 int32_t *vector);
void grant_memory_from_claim(const struct stint_scheduler *s, const struct claim *claim,
                             struct stint_allocation *allocation);
void run_move_end(struct stint_scheduler *s, uint32_t number, int64_t ends_ms);

/* fits.c: what could never start */
void need_from_ask(const struct stint_ask *ask, struct need *need);
enum stint_reason_code never_code(const struct stint_scheduler *s, const struct stint_ask *ask);

/* heap.c */
int heap_reserve(struct heap *heap);
void heap_push(struct stint_scheduler *s, struct heap *heap, uint32_t number);
void heap_remove(struct stint_scheduler *s, struct heap *heap, uint32_t number);
int64_t heap_key(const struct stint_scheduler *s, const struct heap *heap, uint32_t number);

/* search.c: where and when a task goes. Results are in s->found. */
bool search_now(struct stint_scheduler *s, const struct job *job, int64_t now_ms);
bool search_earliest(struct stint_scheduler *s, const struct job *job, int64_t now_ms,
                     int64_t before_ms);
bool node_fits_empty(const struct node *node, const struct need *need, uint32_t keep);

/* booking.c: reservations of operators */

/* A planned claim of a task on one node, beside those that are real. */
struct trial_use {
    uint32_t job; /* its number: records move */
    uint32_t node;
    int64_t from_ms;
    int64_t until_ms;
    int32_t *vector;
};

/* The future of @node as @job may use it: less what reservations keep from it. Borrowed until the
 * next call; trimmed to now. */
const struct timeline *node_view(struct stint_scheduler *s, uint32_t node, const struct job *job);
/* What of reservations in force @job may use on @node until @until_ms, as a vector in @inside;
 * false for nothing. */
bool booking_inside(struct stint_scheduler *s, uint32_t node, const struct job *job,
                    int64_t until_ms, int32_t *inside);
/* The first beginning or end of a window after @at_ms, TIME_NEVER for none. */
int64_t booking_change(const struct stint_scheduler *s, int64_t at_ms);
/* The window that keeps @job from starting now; NULL when it would not start without them either.
 */
const struct booking *booking_blocks(struct stint_scheduler *s, const struct job *job);
/* Of each reservation the first window that alone, whatever else is free, keeps @job from starting
 * now; returns how many, at most @max. O(windows * nodes). */
size_t booking_each(struct stint_scheduler *s, const struct job *job,
                    const struct booking **ret_bookings, size_t max);
void booking_end_of_run(struct stint_scheduler *s, const struct job *job, int64_t now_ms);
/* One is gone; and what follows when some came or went. */
void booking_drop(struct stint_scheduler *s, uint32_t i);
void booking_changed(struct stint_scheduler *s);
/* Forgets what is over; true when a window began or ended since the last call. */
bool booking_turn(struct stint_scheduler *s);
int booking_init(struct stint_scheduler *s);
void booking_deinit(struct stint_scheduler *s);

/* turn.c: whose turn it is in mode stint */
uint32_t turn_next(struct stint_scheduler *s, struct turn_list *list);
/* The task that turn_next() gave last starts, or is promised a start: it has used the factor of
 * whoever lent it the turn. True when somebody did: then it was one turn, also of an array. */
bool turn_taken(struct stint_scheduler *s, struct turn_list *list, uint32_t number);
void turn_list_deinit(struct turn_list *list);
/* @array has fewer tasks: those that are left may all have lent their turns. */
void array_settle(struct job *array);
/* Every queued task in the order of turns, those with a firm promise first; 0 or -ENOMEM. */
int turn_each(struct stint_scheduler *s, bool (*fn)(void *context, uint32_t number), void *context);

/* account.c */
bool account_fits(const struct stint_scheduler *s, const struct job *job,
                  struct stint_reason *ret_reason);
bool account_excludes(const struct stint_scheduler *s, const struct queue *queue, uint32_t b);
/* What one start takes of a limit. */
int64_t account_takes(const struct job *job, enum stint_limit limit);
void account_charge(struct stint_scheduler *s, const struct job *job, int sign, bool with_budgets);
size_t account_reasons(const struct stint_scheduler *s, const struct job *job,
                       struct stint_reason *reasons, size_t max);

/* preempt.c */
enum { LEVELS_OF_SERVICE = 4 };
uint32_t service_level(const struct stint_scheduler *s, const struct job *job);
void preempt(struct stint_scheduler *s);
enum { PREEMPT_TRIES_MAX = 64 }; /* waiting tasks for which others may be stopped, by their turn */
/* When enough runs may have been stopped for a task in the queue that would start @otherwise_ms
 * without, if that pays; TIME_NEVER when it does not. Changes nothing. */
int64_t preempt_expect(struct stint_scheduler *s, uint32_t number, int64_t otherwise_ms);

/* plan.c */
struct plan *plan_free(struct plan *plan);
void ratio_learn(struct stint_scheduler *s, const struct job *job, int64_t took_ms);

/* fair.c */
uint32_t fair_tier(const struct stint_scheduler *s, const struct job *job);
void fair_change(struct stint_scheduler *s, const struct job *job, int sign, int64_t at_ms);
int fair_refresh(struct stint_scheduler *s);

#endif
