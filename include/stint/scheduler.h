/* Who starts now, where, and why everybody else waits: the decisions of one resource.
 *
 * An opaque core: events in, decisions out. It has no clock, file, thread, random number or log:
 * the same machine, policy and sequence of calls give the same decisions anywhere (DESIGN invariant
 * 7), in the daemon and in `stint simulate` alike. Times are int64 milliseconds of one clock of the
 * caller's choice that never steps back (the daemon: CLOCK_BOOTTIME); they may be negative (a
 * submission before the last boot). One rule an instant: ends, then submissions, then one pass.
 *
 * Not safe for two threads at once. Every function is a bounded amount of work: an event costs what
 * it touches (a hash look-up, O(log pending) for the queue, O(running on the node) for the node's
 * timeline), a pass costs what it tries; blocks of the queue of which nothing could fit are skipped
 * whole. At most 256 bytes a pending job.
 *
 * What takes a const scheduler is a question: it may keep what it worked out, and changes no
 * decision. What does not is told, and the daemon tells it through stint/clerk.h alone. */
#ifndef STINT_SCHEDULER_H
#define STINT_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/allocation.h"
#include "stint/error.h"
#include "stint/machine.h"
#include "stint/reason.h"
#include "stint/tasks.h"

struct stint_scheduler;

#define STINT_SCHEDULER_JOB_MAX      (UINT32_C(1) << 24) /* pending and running */
#define STINT_SCHEDULER_ACCOUNT_MAX  (UINT32_C(1) << 20)
#define STINT_SCHEDULER_RESERVED_MAX 64 /* reserved heads, but for conservative */
#define STINT_ASK_ACCOUNT_MAX        8
#define STINT_ASK_WALLTIME_MAX_MS    (INT64_C(1) << 50)
#define STINT_NO_ACCOUNT             UINT32_MAX

/* Nobody starves. Let M be the longest limit of any task. A task that fits, that nothing blocks and
 * no ceiling keeps out, on nodes that are up and not reserved for others, of which nobody is
 * stopped for somebody else, starts after it came
 *  - in modes fcfs, easy, easy-sjbf and conservative within (n + 1) * M, n being the tasks before
 * it in the queue: each of them has a promise, and starts, at most M after the one before it;
 *  - in mode stint within (n + 1)^2 * (M + 1 s) from when its expansion factor has reached
 *    STINT_STARVED_FACTOR (fair share and attained service count no more) and it has waited
 *    STINT_FIRM_WAITS * M (whatever it is given is a promise), n being the tasks whose factor was
 *    larger than its own since then. Whoever comes later with the same or a longer limit never is
 *    one of them; of those with shorter limits, each that had to wait as many times its own (until
 *    it has reached that factor its own project may set others before it, by priorities);
 *  - in mode sjf never, if shorter ones do not cease to come. */
#define STINT_STARVED_FACTOR 100
#define STINT_FIRM_WAITS     10

/* How the queue is ordered and what may pass it. All but the last are those of the literature. */
#define STINT_MODES(X)                                                                             \
    X(STINT_MODE_STINT, "stint") /* by tier, then expansion factor; backfill by smallest area */   \
    X(STINT_MODE_EASY, "easy")   /* by priority, then age; one reservation; backfill by age */     \
    X(STINT_MODE_FCFS, "fcfs")   /* the head blocks */                                             \
    X(STINT_MODE_SJF, "sjf")     /* shortest limit first, the head blocks */                       \
    X(STINT_MODE_EASY_SJBF, "easy-sjbf")       /* easy, backfill by shortest limit */              \
    X(STINT_MODE_CONSERVATIVE, "conservative") /* every job has a reservation */

enum stint_mode {
#define X(name, wire) name,
    STINT_MODES(X)
#undef X
        STINT_MODE_COUNT
};
const char *stint_mode_name(enum stint_mode mode);
int stint_mode_from_name(const char *name); /* -1 when unknown */

/**
 * struct stint_policy - how this resource decides; zeroed is a good default
 * @reserved_heads: jobs that hold a promised start at once, 0 is 1 (EASY); at most
 * STINT_SCHEDULER_RESERVED_MAX; fcfs and sjf have none, conservative all
 * @try_max: jobs tried for backfill in one pass, 0 is all
 * @cores_per_free_gpu: cores of a node that jobs without GPUs leave for each of its GPUs that is
 * free when they start
 * @walltime_max_ms: 0 is none; longer asks are ExceedsMaxWalltime
 * @tiers: coarse classes of fair share, 0 turns fair share off; 1..16
 * @half_life_ms: of past use; must be > 0 when @tiers > 0
 * @preempts: in mode stint, running tasks that may be stopped are, for waiting ones of a lower
 * level of attained service (processor-hours: up to 1, 8, 64, more); see stint_scheduler_stops()
 * @grace_ms: what a task that is asked to stop takes at most
 * @min_run_ms: it runs so long between two stops; 0 is 10 minutes
 * @resume_ms: what a stop and a resume cost it; none is made for a smaller gain
 */
struct stint_policy {
    enum stint_mode mode;
    uint32_t reserved_heads;
    uint32_t try_max;
    uint32_t cores_per_free_gpu;
    int64_t walltime_max_ms;
    uint32_t tiers;
    int64_t half_life_ms;
    bool preempts;
    int64_t grace_ms;
    int64_t min_run_ms;
    int64_t resume_ms;
};

/**
 * stint_scheduler_new() - a core for @machine
 * @machine: borrowed, must outlive it. A changed machine is a new core, to which everything is told
 * again (stint_scheduler_adopt() for what runs)
 * Return: 0; STINT_INVALID for a policy out of its bounds; -ENOMEM.
 */
int stint_scheduler_new(const struct stint_machine *machine, const struct stint_policy *policy,
                        struct stint_scheduler **ret_scheduler, struct stint_error *err);
struct stint_scheduler *stint_scheduler_free(struct stint_scheduler *scheduler);
static inline __attribute__((unused)) void stint_scheduler_free_auto(
    struct stint_scheduler **scheduler)
{
    (void)stint_scheduler_free(*scheduler);
}

/* What is scheduled: a task of a job (DESIGN §7), or with task STINT_TASK_WHOLE the tasks of an
 * array that wait together: one element, which starts task by task. Attempts are the caller's
 * matter. */
struct stint_task_key {
    uint64_t job;
    uint32_t task;
};

/* The numbers are those of enum stint_locality in stint/request.h. */
enum stint_place_locality { STINT_PLACE_PREFER = 0, STINT_PLACE_STRICT = 1, STINT_PLACE_ANY = 2 };

#define STINT_ANY_GPU_TYPE (-1)
#define STINT_NO_GPU_TYPE  (-2) /* asked for a type no node has: NoSuchResource */

/**
 * struct stint_ask - what a task needs; amounts are for each of its @nodes
 * @tasks: with key task STINT_TASK_WHOLE, the tasks that wait, at least one; copied. Each start
 * takes the lowest, runs it by the key of its own, and leaves the rest in its place; all else of
 * the ask is each task's. NULL otherwise
 * @cpus: cores; 0 is 1 when there are no GPUs, else none
 * @gpus: whole GPUs, or 1 with @gpu_milli < 1000 for a share of one
 * @gpu_milli: 1..1000; 0 is 1000
 * @gpu_type: number in machine->types, STINT_ANY_GPU_TYPE or STINT_NO_GPU_TYPE
 * @gpu_memory_bytes: each GPU has at least so much, 0 for any. A slot whose memory is unknown is
 * taken to have enough
 * @memory_bytes: rounded up to a MiB; 0 is none
 * @nodes: 0 is 1
 * @walltime_ms: > 0, at most STINT_ASK_WALLTIME_MAX_MS
 * @expected_ms: what it will likely take, for the order of turns and of backfill alone: promises
 * and fits go by @walltime_ms. 0 is @walltime_ms
 * @submit_ms: its age counts from here
 * @begin_ms: not before; 0 or INT64_MIN for at once
 * @priority: -100..100; in mode stint only among the tasks of its project (the first of @accounts
 * of that kind; tasks without one are as of one project), in the other modes in the whole queue
 * @locality: enum stint_place_locality
 * @preemptible: may be stopped for others and comes back to the queue
 * @attained_ms: its processors (GPUs, or cores without) times milliseconds that it ran already,
 * before it was stopped and came back
 * @user: number of the user, for past use of limits; UINT32_MAX for none
 * @cost_micro: what it holds of its accounts' STINT_LIMIT_BUDGET for the whole walltime
 * @accounts: every limit of each of them must fit; @account_count used, unknown ones refused
 * @fair_account: its leaf in the tree of shares, STINT_NO_ACCOUNT for none
 */
struct stint_ask {
    struct stint_task_key key;
    const struct stint_tasks *tasks;
    uint32_t cpus;
    uint16_t gpus;
    uint16_t gpu_milli;
    int16_t gpu_type;
    uint8_t locality;
    bool preemptible;
    uint32_t nodes;
    int32_t priority;
    uint32_t user;
    int64_t gpu_memory_bytes;
    int64_t memory_bytes;
    int64_t walltime_ms;
    int64_t expected_ms;
    int64_t attained_ms;
    int64_t submit_ms;
    int64_t begin_ms;
    int64_t cost_micro;
    uint32_t fair_account;
    uint32_t account_count;
    uint32_t accounts[STINT_ASK_ACCOUNT_MAX];
};

/**
 * stint_scheduler_submit() - a task joins the queue
 * One that can never start joins too and keeps a reason of class `never`: refuse it before, with
 * stint_scheduler_fits_ever().
 * Return: 0; STINT_CONFLICT for a key that is pending or running; STINT_INVALID for an ask out of
 * its bounds; STINT_TOO_LARGE; -ENOMEM.
 */
int stint_scheduler_submit(struct stint_scheduler *scheduler, const struct stint_ask *ask,
                           struct stint_error *err);
/* A pending task leaves (cancelled, refused). 0 or STINT_NOT_FOUND. */
int stint_scheduler_remove(struct stint_scheduler *scheduler, struct stint_task_key key);
/* One task leaves those of an array that wait together; with the last of them the element is gone.
 * 0 or STINT_NOT_FOUND. */
int stint_scheduler_remove_task(struct stint_scheduler *scheduler, struct stint_task_key key);
/* It keeps its place but cannot start while @reason->code is not STINT_REASON_NONE (held,
 * dependencies, not evaluated, no award…); reason and blockers then show it. Replaces an earlier
 * one. 0 or STINT_NOT_FOUND. */
int stint_scheduler_set_blocked(struct stint_scheduler *scheduler, struct stint_task_key key,
                                const struct stint_reason *reason);
/* 0 or STINT_NOT_FOUND (not pending). */
int stint_scheduler_set_priority(struct stint_scheduler *scheduler, struct stint_task_key key,
                                 int32_t priority);
int stint_scheduler_set_begin(struct stint_scheduler *scheduler, struct stint_task_key key,
                              int64_t begin_ms);
/**
 * struct stint_clock - what a pending task's wait counts, for its turn
 * @ready_ms: from when on: submitted, or later by what it was blocked or began later; what its own
 * project's priorities gave or took is in it
 * @blocked_ms: since when it is blocked, INT64_MIN while it is not
 * @lent_count, @lent_ms: of an array, so many of its tasks count only from then on
 * @has_lent: a task of its project with a higher priority took its turn
 */
struct stint_clock {
    int64_t ready_ms;
    int64_t blocked_ms;
    int64_t lent_ms;
    uint32_t lent_count;
    bool has_lent;
};
/* As of the last pass. 0 or STINT_NOT_FOUND (not pending). */
int stint_scheduler_clock(const struct stint_scheduler *scheduler, struct stint_task_key key,
                          struct stint_clock *ret_clock);
/* What an earlier core knew of a task, after it was submitted and blocked again: it waits on as if
 * nothing had happened. 0; STINT_NOT_FOUND (not pending); STINT_INVALID for a time out of bounds.
 */
int stint_scheduler_set_wait(struct stint_scheduler *scheduler, struct stint_task_key key,
                             const struct stint_clock *clock);
/**
 * stint_scheduler_clocks_moved() - whose clock a pass has moved, other than by time
 * @keys: caller's array of @max; each is told once until it moves again
 * A task that was blocked before any pass saw it is not told of: it counts from its submission, to
 * a later core too. Changes no decision. Returns how many; O(that many).
 */
size_t stint_scheduler_clocks_moved(const struct stint_scheduler *scheduler,
                                    struct stint_task_key *keys, size_t max);
/* Another award pays, or another cost: 0, STINT_NOT_FOUND, STINT_INVALID. */
int stint_scheduler_set_accounts(struct stint_scheduler *scheduler, struct stint_task_key key,
                                 const uint32_t *accounts, uint32_t account_count,
                                 int64_t cost_micro);

/**
 * stint_scheduler_adopt() - a run that holds @allocation already, from before a restart
 * @allocation: copied; memory is placed from @ask when it has none. Running kinds of its accounts
 * are counted; budgets are not: the caller's set_limit() holds them already
 * Return: 0; STINT_CONFLICT when a key or a slot is taken (invariant 3); STINT_INVALID; -ENOMEM.
 */
int stint_scheduler_adopt(struct stint_scheduler *scheduler, const struct stint_ask *ask,
                          const struct stint_allocation *allocation, int64_t started_ms,
                          int64_t ends_ms, struct stint_error *err);
/* A run ended, or its start could not be honoured: everything it holds is free. Budgets stay used
 * until the caller corrects them. 0 or STINT_NOT_FOUND (not running). */
int stint_scheduler_end(struct stint_scheduler *scheduler, struct stint_task_key key,
                        int64_t now_ms);
/* A start that never happened: as end(), gives back budgets too, learns nothing from it. The task
 * is gone; submit it again to have it back in the queue. */
int stint_scheduler_undo(struct stint_scheduler *scheduler, struct stint_task_key key);
/* The latest end of a run moved (extended, suspended). Later may move promises of others: what was
 * promised is planned again. 0 or STINT_NOT_FOUND. */
int stint_scheduler_set_ends(struct stint_scheduler *scheduler, struct stint_task_key key,
                             int64_t ends_ms);

/* Drained nodes finish what runs and take nothing new; down nodes too (the caller ends their runs).
 * 0 or STINT_NOT_FOUND. */
int stint_scheduler_set_node_state(struct stint_scheduler *scheduler, uint32_t node,
                                   enum stint_node_state state);
enum stint_node_state stint_scheduler_node_state(const struct stint_scheduler *scheduler,
                                                 uint32_t node);
/* The engine is away: passes start nothing, reasons say EngineAway. */
void stint_scheduler_set_away(struct stint_scheduler *scheduler, bool is_away);

/* ---- reservations: what operators keep for somebody, or for nobody, during a window of time.
 * A task whose accounts have the window's may use it; to all others what its holders have not taken
 * of it is not there: nothing of theirs starts that would still run into it, and no promise or
 * estimate counts on it. Whatever a holder runs on the reserved things counts as use of the
 * reservation, also what began earlier; runs that were there before the window was told go on. */
#define STINT_SCHEDULER_WINDOW_MAX 4096

/**
 * struct stint_window - one window of a reservation
 * @reservation: the caller's number of it, > 0; it comes back in reasons
 * @account: its holder (a project, an institution), STINT_NO_ACCOUNT for nobody: maintenance
 * @from_ms, @until_ms: in the core's clock, from < until
 * @allocation: what is kept; borrowed for the call. GPUs are the very ones, whole; of cores only
 * how many in each NUMA node counts
 */
struct stint_window {
    uint32_t reservation;
    uint32_t account;
    int64_t from_ms;
    int64_t until_ms;
    const struct stint_allocation *allocation;
};

/**
 * stint_scheduler_reserve() - a window is kept from now on; promises of others may move later for
 * it
 * @ret_other: may be NULL; of STINT_CONFLICT, the number of a reservation that is in the way
 * Windows that are over are forgotten by the next pass. Return: 0; STINT_CONFLICT when other
 * windows leave less than it wants; STINT_INVALID; STINT_TOO_LARGE; -ENOMEM. O(windows).
 */
int stint_scheduler_reserve(struct stint_scheduler *scheduler, const struct stint_window *window,
                            uint32_t *ret_other, struct stint_error *err);
/* Takes back the windows of @reservation (0: of all) that begin at @from_ms (INT64_MIN: all of
 * them); returns how many. */
size_t stint_scheduler_unreserve(struct stint_scheduler *scheduler, uint32_t reservation,
                                 int64_t from_ms);

struct stint_span {
    int64_t from_ms;
    int64_t until_ms;
};
/**
 * stint_scheduler_place_window() - where a reservation of this size would be best
 * @ask: cpus, gpus (whole ones), gpu_type, gpu_memory_bytes, memory_bytes; the rest is not read
 * @node: index of the node it must be on, -1 for any
 * @spans: its windows, @span_count >= 1 of them: one place is chosen for all
 * Places that no other window wants, and among those one where nothing runs into them by its limit
 * or was promised, if there is one. Return: 0 with an allocation of the caller's; STINT_CONFLICT
 * when other windows leave no room, with the largest number of GPUs or cores that any node still
 * has in err->fix; STINT_UNSATISFIABLE when no empty node is large enough; -ENOMEM. Changes
 * nothing.
 */
int stint_scheduler_place_window(const struct stint_scheduler *scheduler,
                                 const struct stint_ask *ask, int node,
                                 const struct stint_span *spans, size_t span_count,
                                 struct stint_allocation **ret_allocation, struct stint_error *err);
/* All of each of @nodes (rising numbers): an allocation of the caller's; 0 or -ENOMEM. */
int stint_scheduler_whole_nodes(const struct stint_scheduler *scheduler, const uint32_t *nodes,
                                uint32_t count, struct stint_allocation **ret_allocation);
/* Since when nothing of its holder's has run on a window: @now_ms while something does, its
 * beginning when nothing did yet; INT64_MAX for a window that is not known. */
int64_t stint_scheduler_idle_since_ms(const struct stint_scheduler *scheduler, uint32_t reservation,
                                      int64_t from_ms, int64_t now_ms);

/* Whose limits, for the reasons: <kind>GpuLimit and so on. An award has budgets, an array %MAX. */
enum stint_account_kind {
    STINT_ACCOUNT_SITE = 0,
    STINT_ACCOUNT_INSTITUTION,
    STINT_ACCOUNT_PROJECT,
    STINT_ACCOUNT_USER,
    STINT_ACCOUNT_AWARD,
    STINT_ACCOUNT_ARRAY,
    STINT_ACCOUNT_SEAT /* a user in a project: a leaf of the tree of shares, without limits */
};

/* What a limit counts. The first four are of running tasks and kept by the core; budgets are used
 * for good. */
enum stint_limit {
    STINT_LIMIT_GPU_MILLI = 0, /* GPUs in thousandths */
    STINT_LIMIT_CORES,
    STINT_LIMIT_MEMORY, /* bytes */
    STINT_LIMIT_JOBS,   /* running tasks */
    STINT_LIMIT_BUDGET, /* millionths of the award's unit: cost_micro of an ask */
    /* Of a month, a week, a day: GPUs times walltime, shares by their share; cores likewise. The
     * numbers are on people's disks: the first two were of any period. */
    STINT_LIMIT_GPU_MS_MONTH,
    STINT_LIMIT_CORE_MS_MONTH,
    STINT_LIMIT_GPU_MS_WEEK,
    STINT_LIMIT_CORE_MS_WEEK,
    STINT_LIMIT_GPU_MS_DAY,
    STINT_LIMIT_CORE_MS_DAY,
    STINT_LIMIT_COUNT
};
#define STINT_UNLIMITED INT64_MAX

/**
 * stint_scheduler_set_account() - make account number @account known, or change it
 * @parent: its parent in the tree of shares, STINT_NO_ACCOUNT for a root; @shares: its weight among
 * its siblings, 0 for none
 * Numbers are the caller's, dense from 0. Limits start as STINT_UNLIMITED and unused.
 * Return: 0; STINT_INVALID (a parent that is unknown or below it); STINT_TOO_LARGE; -ENOMEM.
 */
int stint_scheduler_set_account(struct stint_scheduler *scheduler, uint32_t account,
                                enum stint_account_kind kind, uint32_t parent, uint32_t shares);
/**
 * stint_scheduler_set_limit() - a ceiling, and what is used of it that the core does not count
 * @used: for STINT_LIMIT_BUDGET and later ones what is used and held in all; for running kinds,
 * which the core counts, what runs elsewhere under the same ceiling (on another resource). -1 keeps
 * what it was
 * Lowered below what runs, nothing is stopped and nothing more starts. 0 or STINT_NOT_FOUND.
 */
int stint_scheduler_set_limit(struct stint_scheduler *scheduler, uint32_t account,
                              enum stint_limit limit, int64_t ceiling, int64_t used);
/* What the core has counted as used, of running kinds by its own runs; 0 for an unknown account. */
int64_t stint_scheduler_used(const struct stint_scheduler *scheduler, uint32_t account,
                             enum stint_limit limit);

/**
 * struct stint_fair - where an account stands in the tree of shares, and why
 * @share, @usage: its part, 0..1, of its siblings' shares and of their decayed use
 * @usage_share_ms: its decayed use: dominant share of the machine times milliseconds
 * @rank: 0 is served first, of @rank_count; @tier: what the order of turns sees
 * @shares: its weight; @parent: the account above, STINT_NO_ACCOUNT for a root
 */
struct stint_fair {
    double share;
    double usage;
    double usage_share_ms;
    uint32_t rank;
    uint32_t rank_count;
    uint32_t tier;
    uint32_t shares;
    uint32_t parent;
};
/* As of the last pass's time; moves nothing in the plan. Needs a policy with tiers. 0,
 * STINT_NOT_FOUND, -ENOMEM. O(accounts log accounts). */
int stint_scheduler_fair(const struct stint_scheduler *scheduler, uint32_t account,
                         struct stint_fair *ret_fair);
/**
 * struct stint_turn - what decides when a pending task's turn is, in mode stint, as of the last
 * pass
 * @factor: expansion factor (wait + walltime) / walltime; larger goes first
 * @priority: of the tasks of its project with the same tier and level, the one with the highest
 * takes the turn of the one with the largest factor, and the two exchange factors
 * @tier: of fair share, of @tiers (0: shares do not count), smaller goes first; then @level of
 * attained service, 0..3, of one that may be stopped
 * @is_starved: it waited so long that neither counts any more
 */
struct stint_turn {
    double factor;
    int32_t priority;
    uint32_t tier;
    uint32_t tiers;
    uint32_t level;
    bool is_preemptible;
    bool is_starved;
};
/* 0; STINT_NOT_FOUND for what is not pending, and in other modes. */
int stint_scheduler_turn(const struct stint_scheduler *scheduler, struct stint_task_key key,
                         struct stint_turn *ret_turn);

/**
 * stint_scheduler_add_use() - past use of a run that ended, for @account and all above it
 * @ask: what the run held; amounts, nodes and GPU type count
 * @from_ms, @until_ms: it held it so long; may lie far back, and in any order of calls
 * Return: 0 (nothing is done without tiers) or STINT_NOT_FOUND.
 */
int stint_scheduler_add_use(struct stint_scheduler *scheduler, uint32_t account,
                            const struct stint_ask *ask, int64_t from_ms, int64_t until_ms);
/* Forgets all use but that of what runs, which counts from its start. O(accounts + tasks). */
void stint_scheduler_forget_use(struct stint_scheduler *scheduler);
/* Before stint_scheduler_end(): the run used what it held from @from_ms until @until_ms, as the
 * books will say, and not from its start to its end here; equal times for nothing at all. 0 or
 * STINT_NOT_FOUND (not running). */
int stint_scheduler_count_use(struct stint_scheduler *scheduler, struct stint_task_key key,
                              int64_t from_ms, int64_t until_ms);

/**
 * struct stint_start - one decision
 * @ends_ms: now + walltime
 * @is_backfill: it passed a job that has a promise
 * @allocation: borrowed until stint_scheduler_end() of @key
 */
struct stint_start {
    struct stint_task_key key;
    int64_t ends_ms;
    bool is_backfill;
    const struct stint_allocation *allocation;
};

/**
 * stint_scheduler_pass() - what starts now
 * @now_ms: not before an earlier one (an earlier time is taken as the last one seen)
 * @starts: caller's array of @start_max >= 1; filled in start order. What is in it runs: end() or
 * undo() what cannot be honoured
 * @ret_count: entries filled; equal to @start_max means: call again
 * Return: 0 or -ENOMEM (what was filled stands). Costs nothing when nothing happened.
 * Sources: EASY: Mu'alem & Feitelson, IEEE TPDS 12(6), 2001; expansion factor and the choice of
 * orders: the table in the shared reference on scheduling, section 1.
 */
int stint_scheduler_pass(struct stint_scheduler *scheduler, int64_t now_ms,
                         struct stint_start *starts, size_t start_max, size_t *ret_count);
/**
 * stint_scheduler_stops() - who must be stopped, as the last pass decided
 * @keys: caller's array of @max; each is told once
 * The caller stops them (a signal, the grace), reports stint_scheduler_end() and submits them again
 * with what they attained; the waiting tasks in whose favour it was hold a promise meanwhile and
 * say Preempting. Returns how many.
 */
size_t stint_scheduler_stops(struct stint_scheduler *scheduler, struct stint_task_key *keys,
                             size_t max);
/* When time alone could let something start (a begin time, a promised start, a run past its end);
 * INT64_MAX for never. */
int64_t stint_scheduler_next_ms(const struct stint_scheduler *scheduler);

/**
 * stint_scheduler_reason() - the headline of a pending task, true at the last pass
 * Figures: asked, used and limit of the scarcest thing (GPUs in thousandths for limits of accounts,
 * else GPUs; cores; bytes). until_ms is the promised start in the core's clock, 0 without one.
 * STINT_REASON_NONE for what is not pending.
 */
struct stint_reason stint_scheduler_reason(const struct stint_scheduler *scheduler,
                                           struct stint_task_key key);
/* All that stands in its way, headline first; fills at most @max, returns how many. */
size_t stint_scheduler_blockers(const struct stint_scheduler *scheduler, struct stint_task_key key,
                                struct stint_reason *reasons, size_t max);

/**
 * stint_scheduler_estimate() - when a pending task may start, in the core's clock
 * @ret_p90_ms: if every run and every job before it takes its whole limit; @ret_p50_ms: if they
 * take the share of their limits that their users took before. Of an array, its next task
 * Begin times ahead and ceilings of what runs are waited for in the plan; what runs hold of a
 * budget is taken to come back in part, as their users' past says, at their ends, for p90 at their
 * limits. As of the last pass's time; stint_scheduler_expect() takes another. Return: 0;
 * STINT_NOT_FOUND; STINT_UNSATISFIABLE when nothing can be told: it is blocked, can never start, or
 * is over a budget or a period's ceiling that no end of a run is known to lift; -ENOMEM. The first
 * call after a change, or after something should have happened (an end that was expected), plans up
 * to 1,000 jobs, and so at most once a second of the core's time for queues of more than 200; other
 * calls look it up.
 */
int stint_scheduler_estimate(const struct stint_scheduler *scheduler, struct stint_task_key key,
                             int64_t *ret_p50_ms, int64_t *ret_p90_ms);

/**
 * struct stint_suppose - what is taken for granted when somebody asks
 * @now_ms: the core's clock now; an earlier one than the last pass's is taken as that
 * @is_free: as if nothing the caller blocks it for did (a hold, a dependency): it is looked for
 * behind all that wait
 * @from_ms: with @is_free, not before then: for p50 and for p90
 * @without_periods: with @is_free, as if the ceilings of periods had turned
 */
struct stint_suppose {
    int64_t now_ms;
    bool is_free;
    bool without_periods;
    int64_t from_ms[2];
};
/* As stint_scheduler_estimate(), with that supposed; one search in the plan for what is free by
 * supposition. */
int stint_scheduler_expect(const struct stint_scheduler *scheduler, struct stint_task_key key,
                           const struct stint_suppose *suppose, int64_t *ret_p50_ms,
                           int64_t *ret_p90_ms);
/* When a run ends: likely, and by its limit. 0 or STINT_NOT_FOUND (not running). */
int stint_scheduler_ends(const struct stint_scheduler *scheduler, struct stint_task_key key,
                         int64_t now_ms, int64_t *ret_p50_ms, int64_t *ret_p90_ms);
/* What a task takes once it runs: its limit when @whole, else likely. 0 for an unknown one. */
int64_t stint_scheduler_takes_ms(const struct stint_scheduler *scheduler, struct stint_task_key key,
                                 bool whole);
/* Changes with all that the core is told. */
uint64_t stint_scheduler_version(const struct stint_scheduler *scheduler);

/* What may be asked for instead; values in the units of struct stint_ask (walltime in ms, a GPU's
 * share in thousandths, a GPU type by its number). */
enum stint_better_kind {
    STINT_BETTER_WALLTIME = 0,
    STINT_BETTER_GPUS,
    STINT_BETTER_GPU_MILLI,
    STINT_BETTER_CPUS,
    STINT_BETTER_MEMORY,
    STINT_BETTER_GPU_TYPE,
    STINT_BETTER_LOCALITY_ANY,
    STINT_BETTER_KIND_COUNT
};
/* @part: of what was asked for, so much is left; more than 1 where amounts stay as they are */
struct stint_better {
    enum stint_better_kind kind;
    int64_t value;
    double part;
};
/**
 * stint_scheduler_improve() - with which single change a task in the queue would start at once
 * @ret_changes: at most @max, the smallest change first; each was tried by the search of a pass, as
 * of the last one, beside this task as it is (instead of it where nobody else waits)
 * Return: how many; 0 where nothing of it helps, or for what is blocked, never fits, or would start
 * anyhow. O(changes * log amount) searches, some sixty.
 */
size_t stint_scheduler_improve(const struct stint_scheduler *scheduler, struct stint_task_key key,
                               struct stint_better *ret_changes, size_t max);

/* The option of `stint submit` that makes @change, "--gpus h200:2": @gpu_type as it was asked for
 * (NULL: any), @gpus how many. Returns @text. */
const char *stint_better_format(const struct stint_machine *machine,
                                const struct stint_better *change, const char *gpu_type,
                                int64_t gpus, char *text, size_t size);

/* What user number @user took of limits before, in thousandths, 1..1000: the core goes on from
 * there at each end. 0; STINT_INVALID for a number from STINT_SCHEDULER_ACCOUNT_MAX on; -ENOMEM. */
int stint_scheduler_set_ratio(struct stint_scheduler *scheduler, uint32_t user, uint32_t milli);
/* What the core knows of it; a half where it knows nothing. */
uint32_t stint_scheduler_ratio(const struct stint_scheduler *scheduler, uint32_t user);
/* That share after one run more: a mean in which the last run weighs a quarter; @known_milli 0 for
 * the first, which is weighed against a half. Pure; @walltime_ms > 0. */
uint32_t stint_ratio_learn(uint32_t known_milli, int64_t took_ms, int64_t walltime_ms);

/**
 * stint_scheduler_fits_ever() - could it start on this machine when it is empty and all nodes are
 * up?
 * @ret_reason: STINT_REASON_NONE, or NoSuchResource, ExceedsMachine or ExceedsMaxWalltime with what
 * was asked and the largest that would fit in `limit`
 * @ret_largest: may be NULL; the largest ask of this kind that would fit
 * Return: 0, STINT_UNSATISFIABLE with the same in words, or STINT_INVALID. Pure.
 */
int stint_scheduler_fits_ever(const struct stint_scheduler *scheduler, const struct stint_ask *ask,
                              struct stint_reason *ret_reason, struct stint_ask *ret_largest,
                              struct stint_error *err);

/* How many are pending (blocked ones counted) and running; free cores and whole free GPUs of @node.
 */
size_t stint_scheduler_pending_count(const struct stint_scheduler *scheduler);
size_t stint_scheduler_running_count(const struct stint_scheduler *scheduler);
uint32_t stint_scheduler_free_cores(const struct stint_scheduler *scheduler, uint32_t node);
uint32_t stint_scheduler_free_gpus(const struct stint_scheduler *scheduler, uint32_t node);
/* How often a promised start moved later without a failure, an overdue run or an extension to
 * blame. Always 0, or it is a bug; published so that it can be seen. */
uint64_t stint_scheduler_promise_breaks(const struct stint_scheduler *scheduler);
/* What a run holds; NULL when it does not run. Borrowed until its end. */
const struct stint_allocation *stint_scheduler_allocation(const struct stint_scheduler *scheduler,
                                                          struct stint_task_key key);
/* Pending tasks in queue order as of @now_ms, blocked ones last; @fn returns false to stop. -ENOMEM
 * or 0. O(pending log pending). */
int stint_scheduler_each(const struct stint_scheduler *scheduler, int64_t now_ms,
                         bool (*fn)(void *context, const struct stint_ask *ask), void *context);

/**
 * stint_scheduler_check() - rebuild everything from what runs and waits and compare
 * Return: NULL when all is well, else a sentence. For tests; O(everything). Invariant 3, limits and
 * promises are looked at too.
 */
const char *stint_scheduler_check(const struct stint_scheduler *scheduler);

#endif
