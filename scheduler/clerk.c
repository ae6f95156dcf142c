/* Owns: the seam between everybody who tells the scheduler something and the scheduler: told, then
 * written down. A refusal leaves no record, for it leaves no trace in the core. */
#include "stint/clerk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "told.h"

struct stint_clerk {
    const struct stint_machine *machine;
    struct stint_policy policy;
    struct stint_scheduler *scheduler;
    struct stint_buffer transcript;
    struct tape tape;
    struct told_start *written; /* room for the starts of a pass */
    size_t written_max;
    int64_t clock_ms;
    bool begins; /* the open piece holds the beginning */
    uint64_t start_count;
    bool is_away;
    bool has_hole;
};

/* ---- the transcript ---- */

static void hole(struct stint_clerk *clerk)
{
    clerk->has_hole = true;
    stint_buffer_deinit(&clerk->transcript);
}

static void write_down(struct stint_clerk *clerk, struct told *told)
{
    if (clerk->has_hole)
        return;
    told_tape(&clerk->tape, told);
    if (clerk->transcript.failed)
        hole(clerk);
}

/* The first record of a new core. */
static void begin(struct stint_clerk *clerk)
{
    struct told told = { .kind = TOLD_BEGIN, .policy = clerk->policy };
    struct stint_machine *const *machine;
    const struct stint_machine *const *borrowed = &clerk->machine;
    memcpy(&machine, &borrowed, sizeof(machine)); /* it is only read: the tape writes */
    told.machine = *machine;
    stint_buffer_clear(&clerk->transcript);
    clerk->transcript.failed = false;
    clerk->tape = (struct tape){ .out = &clerk->transcript };
    clerk->begins = true;
    clerk->start_count = 0;
    clerk->has_hole = false;
    write_down(clerk, &told);
}

int stint_clerk_transcript(const struct stint_clerk *clerk, struct stint_transcript *ret_transcript)
{
    if (clerk->has_hole)
        return -ENOMEM;
    *ret_transcript = (struct stint_transcript){
        .data = stint_buffer_text(&clerk->transcript),
        .length = clerk->transcript.length,
        .begins = clerk->begins,
        .start_count = clerk->start_count,
    };
    return 0;
}

void stint_clerk_taken(struct stint_clerk *clerk)
{
    stint_buffer_clear(&clerk->transcript);
    clerk->begins = false;
    clerk->start_count = 0;
}

int stint_clerk_set_clock(struct stint_clerk *clerk, int64_t wall_minus_core_ms)
{
    struct told told = { .kind = TOLD_CLOCK, .at_ms = wall_minus_core_ms };
    write_down(clerk, &told);
    return 0;
}

/* ---- the life of it ---- */

int stint_clerk_new(const struct stint_machine *machine, const struct stint_policy *policy,
                    struct stint_clerk **ret_clerk, struct stint_error *err)
{
    struct stint_clerk *clerk = calloc(1, sizeof(*clerk));
    if (!clerk)
        return -ENOMEM;
    clerk->machine = machine;
    clerk->policy = *policy;
    clerk->transcript.bound = STINT_CLERK_BYTES_MAX;
    int r = stint_scheduler_new(machine, policy, &clerk->scheduler, err);
    if (r != 0) {
        free(clerk);
        return r;
    }
    begin(clerk);
    *ret_clerk = clerk;
    return 0;
}

struct stint_clerk *stint_clerk_free(struct stint_clerk *clerk)
{
    if (!clerk)
        return NULL;
    (void)stint_scheduler_free(clerk->scheduler);
    stint_buffer_deinit(&clerk->transcript);
    free(clerk->written);
    free(clerk);
    return NULL;
}

int stint_clerk_reset(struct stint_clerk *clerk, struct stint_error *err)
{
    struct stint_scheduler *old = clerk->scheduler;
    int r = stint_scheduler_new(clerk->machine, &clerk->policy, &clerk->scheduler, err);
    if (r != 0) {
        clerk->scheduler = old;
        return r;
    }
    begin(clerk);
    for (uint32_t i = 0; i < clerk->machine->node_count; i++)
        (void)stint_clerk_set_node_state(clerk, i, stint_scheduler_node_state(old, i));
    if (clerk->is_away)
        stint_clerk_set_away(clerk, true);
    (void)stint_scheduler_free(old);
    return 0;
}

const struct stint_scheduler *stint_clerk_scheduler(const struct stint_clerk *clerk)
{
    return clerk->scheduler;
}

/* ---- telling ---- */

static int tell(struct stint_clerk *clerk, struct told *told, struct stint_error *err)
{
    int r = told_apply(clerk->scheduler, told, err);
    if (r == 0)
        write_down(clerk, told);
    return r;
}

int stint_clerk_submit(struct stint_clerk *clerk, const struct stint_ask *ask,
                       struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { .bound = TOLD_TEXT_MAX };
    struct told told = { .kind = TOLD_SUBMIT, .ask = *ask };
    if (!ask->tasks)
        return tell(clerk, &told, err);
    int r = told_apply(clerk->scheduler, &told, err);
    if (r != 0)
        return r;
    stint_tasks_write(ask->tasks, &text);
    told.text = text.data;
    if (text.failed || !text.data)
        hole(clerk);
    write_down(clerk, &told);
    return 0;
}

int stint_clerk_remove(struct stint_clerk *clerk, struct stint_task_key key)
{
    struct told told = { .kind = TOLD_REMOVE, .key = key };
    return tell(clerk, &told, NULL);
}

int stint_clerk_remove_task(struct stint_clerk *clerk, struct stint_task_key key)
{
    struct told told = { .kind = TOLD_REMOVE_TASK, .key = key };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_blocked(struct stint_clerk *clerk, struct stint_task_key key,
                            const struct stint_reason *reason)
{
    struct told told = { .kind = TOLD_BLOCKED, .key = key, .reason = *reason };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_priority(struct stint_clerk *clerk, struct stint_task_key key, int32_t priority)
{
    struct told told = { .kind = TOLD_PRIORITY, .key = key, .priority = priority };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_wait(struct stint_clerk *clerk, struct stint_task_key key,
                         const struct stint_clock *clock)
{
    struct told told = { .kind = TOLD_WAIT, .key = key, .clock = *clock };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_begin(struct stint_clerk *clerk, struct stint_task_key key, int64_t begin_ms)
{
    struct told told = { .kind = TOLD_BEGIN_TIME, .key = key, .at_ms = begin_ms };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_accounts(struct stint_clerk *clerk, struct stint_task_key key,
                             const uint32_t *accounts, uint32_t account_count, int64_t cost_micro)
{
    struct told told = { .kind = TOLD_ACCOUNTS, .key = key };
    if (account_count > STINT_ASK_ACCOUNT_MAX)
        return STINT_INVALID;
    memcpy(told.ask.accounts, accounts, account_count * sizeof(*accounts));
    told.ask.account_count = account_count;
    told.ask.cost_micro = cost_micro;
    return tell(clerk, &told, NULL);
}

int stint_clerk_adopt(struct stint_clerk *clerk, const struct stint_ask *ask,
                      const struct stint_allocation *allocation, int64_t started_ms,
                      int64_t ends_ms, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { .bound = TOLD_TEXT_MAX };
    struct told told = { .kind = TOLD_ADOPT,
                         .ask = *ask,
                         .allocation = allocation,
                         .at_ms = started_ms,
                         .until_ms = ends_ms };
    int r = told_apply(clerk->scheduler, &told, err);
    if (r != 0)
        return r;
    stint_allocation_format_full(clerk->machine, allocation, &text);
    told.text = text.data;
    if (text.failed || !text.data)
        hole(clerk);
    write_down(clerk, &told);
    return 0;
}

int stint_clerk_reserve(struct stint_clerk *clerk, const struct stint_window *window,
                        uint32_t *ret_other, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { .bound = TOLD_TEXT_MAX };
    struct told told = { .kind = TOLD_RESERVE,
                         .number = window->reservation,
                         .parent = window->account,
                         .at_ms = window->from_ms,
                         .until_ms = window->until_ms,
                         .allocation = window->allocation };
    int r = told_apply(clerk->scheduler, &told, err);
    if (r == STINT_CONFLICT && ret_other)
        *ret_other = told.other;
    if (r != 0)
        return r;
    stint_allocation_format_full(clerk->machine, window->allocation, &text);
    told.text = text.data;
    if (text.failed || !text.data)
        hole(clerk);
    write_down(clerk, &told);
    return 0;
}

size_t stint_clerk_unreserve(struct stint_clerk *clerk, uint32_t reservation, int64_t from_ms)
{
    struct told told = { .kind = TOLD_UNRESERVE, .number = reservation, .at_ms = from_ms };
    (void)told_apply(clerk->scheduler, &told, NULL);
    if (told.count > 0)
        write_down(clerk, &told);
    return told.count;
}

int stint_clerk_end(struct stint_clerk *clerk, struct stint_task_key key, int64_t now_ms)
{
    struct told told = { .kind = TOLD_END, .key = key, .at_ms = now_ms };
    return tell(clerk, &told, NULL);
}

int stint_clerk_undo(struct stint_clerk *clerk, struct stint_task_key key)
{
    struct told told = { .kind = TOLD_UNDO, .key = key };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_ends(struct stint_clerk *clerk, struct stint_task_key key, int64_t ends_ms)
{
    struct told told = { .kind = TOLD_ENDS, .key = key, .at_ms = ends_ms };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_node_state(struct stint_clerk *clerk, uint32_t node,
                               enum stint_node_state state)
{
    struct told told = { .kind = TOLD_NODE_STATE, .number = node, .state = state };
    return tell(clerk, &told, NULL);
}

void stint_clerk_set_away(struct stint_clerk *clerk, bool is_away)
{
    struct told told = { .kind = TOLD_AWAY, .is_away = is_away };
    clerk->is_away = is_away;
    (void)tell(clerk, &told, NULL);
}

int stint_clerk_set_account(struct stint_clerk *clerk, uint32_t account,
                            enum stint_account_kind kind, uint32_t parent, uint32_t shares)
{
    struct told told = { .kind = TOLD_ACCOUNT,
                         .number = account,
                         .account_kind = kind,
                         .parent = parent,
                         .shares = shares };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_limit(struct stint_clerk *clerk, uint32_t account, enum stint_limit limit,
                          int64_t ceiling, int64_t used)
{
    struct told told = {
        .kind = TOLD_LIMIT, .number = account, .limit = limit, .ceiling = ceiling, .used = used
    };
    return tell(clerk, &told, NULL);
}

int stint_clerk_add_use(struct stint_clerk *clerk, uint32_t account, const struct stint_ask *ask,
                        int64_t from_ms, int64_t until_ms)
{
    struct told told = {
        .kind = TOLD_ADD_USE, .number = account, .ask = *ask, .at_ms = from_ms, .until_ms = until_ms
    };
    return tell(clerk, &told, NULL);
}

void stint_clerk_forget_use(struct stint_clerk *clerk)
{
    struct told told = { .kind = TOLD_FORGET_USE };
    (void)tell(clerk, &told, NULL);
}

int stint_clerk_count_use(struct stint_clerk *clerk, struct stint_task_key key, int64_t from_ms,
                          int64_t until_ms)
{
    struct told told = {
        .kind = TOLD_COUNT_USE, .key = key, .at_ms = from_ms, .until_ms = until_ms
    };
    return tell(clerk, &told, NULL);
}

int stint_clerk_set_ratio(struct stint_clerk *clerk, uint32_t user, uint32_t milli)
{
    struct told told = { .kind = TOLD_RATIO, .number = user, .max = milli };
    return tell(clerk, &told, NULL);
}

/* ---- deciding ---- */

/* Room to write down @count of them. */
static bool reserve_written(struct stint_clerk *clerk, size_t count)
{
    if (count <= clerk->written_max)
        return true;
    struct told_start *written = realloc(clerk->written, count * sizeof(*written));
    if (!written)
        return false;
    clerk->written = written;
    clerk->written_max = count;
    return true;
}

int stint_clerk_pass(struct stint_clerk *clerk, int64_t now_ms, struct stint_start *starts,
                     size_t start_max, size_t *ret_count)
{
    struct told told = {
        .kind = TOLD_PASS, .at_ms = now_ms, .starts = starts, .max = (uint32_t)start_max
    };
    int r = told_apply(clerk->scheduler, &told, NULL);
    *ret_count = told.count;
    if (r != 0 || !reserve_written(clerk, told.count + 1)) {
        hole(clerk); /* a replay has the memory that we had not */
        return r;
    }
    for (uint32_t i = 0; i < told.count; i++)
        clerk->written[i] =
            (struct told_start){ .key = starts[i].key,
                                 .ends_ms = starts[i].ends_ms,
                                 .is_backfill = starts[i].is_backfill,
                                 .place = told_place(clerk->machine, starts[i].allocation) };
    told.written = clerk->written;
    told.written_count = told.count;
    clerk->start_count += told.count;
    write_down(clerk, &told);
    return 0;
}

size_t stint_clerk_stops(struct stint_clerk *clerk, struct stint_task_key *keys, size_t max)
{
    struct told told = {
        .kind = TOLD_STOPS, .at_ms = clerk->tape.now_ms, .stops = keys, .max = (uint32_t)max
    };
    (void)told_apply(clerk->scheduler, &told, NULL);
    if (told.count == 0)
        return 0;
    if (!reserve_written(clerk, told.count)) {
        hole(clerk);
        return told.count;
    }
    for (uint32_t i = 0; i < told.count; i++)
        clerk->written[i] = (struct told_start){ .key = keys[i] };
    told.written = clerk->written;
    told.written_count = told.count;
    write_down(clerk, &told);
    return told.count;
}
