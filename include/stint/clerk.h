/* The clerk: the one way to tell the scheduler anything. Each call that tells the core something is
 * passed on and written down, with what the core decided, so that any day can be replayed and must
 * give the same starts (DESIGN §5, §7): the core is a pure function of what it was told (invariant
 * 7), so the same words to a new core give the same decisions, or somebody changed one of the two.
 *
 *   ledger, jobs, … ──▶ stint_clerk_*() ──▶ stint_scheduler_*()      what it is told, what it
 * decides └──▶ transcript, bytes ──▶ the store    (stint_clerk_take()) questions ─────────▶
 * stint_scheduler_*(stint_clerk_scheduler())  they change nothing
 *
 * A room never holds the scheduler itself: stint_clerk_scheduler() gives it out as const, and what
 * tells the core something does not take a const one. So a new input of the core cannot be
 * forgotten here; to add one:
 *  1. scheduler/told.h: a kind at the end of TOLD_KINDS (its number is on people's disks: never
 *     move or take out one), and a member of struct told if its arguments fit none;
 *  2. scheduler/told.c: its case in told_tape() (how it is written, and read: one function does
 *     both) and in told_apply() (what is called). Without them the compiler complains;
 *  3. clerk.c and here: stint_clerk_<what>() of a few lines, like its neighbours.
 * A field that is added to an ask, a reason or the policy goes to the end of its list in told.c,
 * behind a raised TOLD_VERSION.
 *
 * Pure as the scheduler is: it writes into memory. One record of tens of bytes an input; what a
 * call refuses is not written, for it has no effect. */
#ifndef STINT_CLERK_H
#define STINT_CLERK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/scheduler.h"

struct stint_clerk;

#define STINT_CLERK_BYTES_MAX ((size_t)64 << 20) /* of transcript that nobody took yet */

/**
 * stint_clerk_new() - a core for @machine, and a transcript that begins with both
 * @machine: borrowed, must outlive it
 * Return: as stint_scheduler_new().
 */
int stint_clerk_new(const struct stint_machine *machine, const struct stint_policy *policy,
                    struct stint_clerk **ret_clerk, struct stint_error *err);
struct stint_clerk *stint_clerk_free(struct stint_clerk *clerk);
/**
 * stint_clerk_reset() - a new core in place of the old one: everything is told again
 * What was not taken of the transcript is thrown away, and a new one begins: for the rebuild after
 * a failed commit. Nodes that drain or are down stay so, and so does the engine's absence; all else
 * (accounts, limits, what runs, what waits) is for the caller to tell.
 * Return: 0 or -ENOMEM (the old core stays).
 */
int stint_clerk_reset(struct stint_clerk *clerk, struct stint_error *err);

/* For questions; another one after stint_clerk_reset(). */
const struct stint_scheduler *stint_clerk_scheduler(const struct stint_clerk *clerk);

/**
 * struct stint_transcript - a piece of what was told, as bytes
 * @begins: its first record begins a new core
 * @start_count: so many started in it: it belongs into the batch that holds those starts
 */
struct stint_transcript {
    const void *data;
    size_t length;
    bool begins;
    uint64_t start_count;
};
/**
 * stint_clerk_transcript() - what was told since the last stint_clerk_taken()
 * Return: 0, @ret_transcript borrowed until the next call that tells something; -ENOMEM when the
 * transcript has a hole: nothing more is written until stint_clerk_reset().
 */
int stint_clerk_transcript(const struct stint_clerk *clerk,
                           struct stint_transcript *ret_transcript);
/* It is in the store's batch: the next piece begins here. */
void stint_clerk_taken(struct stint_clerk *clerk);

/* What the wall clock shows when the core's clock is at 0: told once at the start and after each
 * step of the wall clock, so that a replay can say when. The core does not hear of it. */
int stint_clerk_set_clock(struct stint_clerk *clerk, int64_t wall_minus_core_ms);

/* ---- as in stint/scheduler.h, by the same names and with the same answers ---- */

int stint_clerk_submit(struct stint_clerk *clerk, const struct stint_ask *ask,
                       struct stint_error *err);
int stint_clerk_remove(struct stint_clerk *clerk, struct stint_task_key key);
int stint_clerk_remove_task(struct stint_clerk *clerk, struct stint_task_key key);
int stint_clerk_set_blocked(struct stint_clerk *clerk, struct stint_task_key key,
                            const struct stint_reason *reason);
int stint_clerk_set_priority(struct stint_clerk *clerk, struct stint_task_key key,
                             int32_t priority);
int stint_clerk_set_begin(struct stint_clerk *clerk, struct stint_task_key key, int64_t begin_ms);
int stint_clerk_set_wait(struct stint_clerk *clerk, struct stint_task_key key,
                         const struct stint_clock *clock);
int stint_clerk_set_accounts(struct stint_clerk *clerk, struct stint_task_key key,
                             const uint32_t *accounts, uint32_t account_count, int64_t cost_micro);
int stint_clerk_adopt(struct stint_clerk *clerk, const struct stint_ask *ask,
                      const struct stint_allocation *allocation, int64_t started_ms,
                      int64_t ends_ms, struct stint_error *err);
int stint_clerk_end(struct stint_clerk *clerk, struct stint_task_key key, int64_t now_ms);
int stint_clerk_undo(struct stint_clerk *clerk, struct stint_task_key key);
int stint_clerk_set_ends(struct stint_clerk *clerk, struct stint_task_key key, int64_t ends_ms);
int stint_clerk_set_node_state(struct stint_clerk *clerk, uint32_t node,
                               enum stint_node_state state);
void stint_clerk_set_away(struct stint_clerk *clerk, bool is_away);
/* Windows of reservations; after stint_clerk_reset() they are for the caller to tell again. */
int stint_clerk_reserve(struct stint_clerk *clerk, const struct stint_window *window,
                        uint32_t *ret_other, struct stint_error *err);
size_t stint_clerk_unreserve(struct stint_clerk *clerk, uint32_t reservation, int64_t from_ms);
int stint_clerk_set_account(struct stint_clerk *clerk, uint32_t account,
                            enum stint_account_kind kind, uint32_t parent, uint32_t shares);
int stint_clerk_set_limit(struct stint_clerk *clerk, uint32_t account, enum stint_limit limit,
                          int64_t ceiling, int64_t used);
int stint_clerk_add_use(struct stint_clerk *clerk, uint32_t account, const struct stint_ask *ask,
                        int64_t from_ms, int64_t until_ms);
void stint_clerk_forget_use(struct stint_clerk *clerk);
int stint_clerk_count_use(struct stint_clerk *clerk, struct stint_task_key key, int64_t from_ms,
                          int64_t until_ms);
int stint_clerk_set_ratio(struct stint_clerk *clerk, uint32_t user, uint32_t milli);
int stint_clerk_pass(struct stint_clerk *clerk, int64_t now_ms, struct stint_start *starts,
                     size_t start_max, size_t *ret_count);
size_t stint_clerk_stops(struct stint_clerk *clerk, struct stint_task_key *keys, size_t max);

#endif
