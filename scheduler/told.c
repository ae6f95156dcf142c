/* Owns: each thing that a core can be told: how it is written and read (told_tape()) and what it
 * does (told_apply()). A change that an older transcript would not understand raises TOLD_VERSION,
 * and reading goes on to understand what was written before. */
#include "told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STARTS_MAX (UINT32_C(1) << 20) /* of one pass, when read */

const char *told_name(enum told_kind kind)
{
    static const char *const names[] = { "",
#define X(name, wire) wire,
                                         TOLD_KINDS(X)
#undef X
    };
    return (unsigned)kind < TOLD_KIND_COUNT ? names[kind] : "";
}

static uint32_t mix(uint32_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT32_C(0x01000193);
    return hash;
}

uint32_t told_place(const struct stint_machine *machine, const struct stint_allocation *allocation)
{
    uint32_t hash = UINT32_C(0x811c9dc5);
    for (uint32_t i = 0; i < allocation->grant_count; i++) {
        const struct stint_grant *grant = &allocation->grants[i];
        const struct stint_shape *shape = machine->nodes[grant->node].shape;
        hash = mix(hash, &grant->node, sizeof(grant->node));
        hash = mix(hash, &grant->gpus, sizeof(grant->gpus));
        hash = mix(hash, &grant->gpu_milli, sizeof(grant->gpu_milli));
        hash = mix(hash, grant->cores, STINT_BIT_WORDS(shape->core_count) * sizeof(uint64_t));
        hash = mix(hash, grant->numa_memory, shape->numa_count * sizeof(int64_t));
    }
    return hash;
}

/* ---- numbers of other widths, and differences ---- */

/* As the difference to @last, which follows. */
static void tape_step(struct tape *tape, int64_t *value, int64_t *last)
{
    int64_t step = (int64_t)((uint64_t)*value - (uint64_t)*last);
    tape_int(tape, &step);
    *value = (int64_t)((uint64_t)*last + (uint64_t)step);
    *last = *value;
}

/* A time of the core: near the last pass. */
static void tape_time(struct tape *tape, int64_t *at_ms)
{
    int64_t near = tape->now_ms;
    tape_step(tape, at_ms, &near);
}

#define TAPE_NARROW(name, type)                                                                    \
    static void name(struct tape *tape, type *value)                                               \
    {                                                                                              \
        int64_t wide = (int64_t)*value;                                                            \
        tape_int(tape, &wide);                                                                     \
        if (tape_expect(tape, (int64_t)(type)wide == wide))                                        \
            *value = (type)wide;                                                                   \
    }
TAPE_NARROW(tape_u16, uint16_t)
TAPE_NARROW(tape_i16, int16_t)
TAPE_NARROW(tape_u8, uint8_t)
TAPE_NARROW(tape_i32, int32_t)
TAPE_NARROW(tape_bool, bool)

/* An enum: a number below @count. */
#define tape_enum(tape, place, count)                                                              \
    do {                                                                                           \
        uint32_t tape_wide = (uint32_t) * (place);                                                 \
        tape_u32((tape), &tape_wide);                                                              \
        if (tape_expect((tape), tape_wide < (uint32_t)(count)))                                    \
            *(place) = (__typeof__(*(place)))tape_wide;                                            \
    } while (0)

static void tape_key(struct tape *tape, struct stint_task_key *key)
{
    int64_t job = (int64_t)key->job;
    tape_step(tape, &job, &tape->job);
    tape_u32(tape, &key->task);
    key->job = (uint64_t)job;
}

/* ---- structs: new members at the end ---- */

static void tape_accounts(struct tape *tape, struct stint_ask *ask)
{
    tape_u32(tape, &ask->account_count);
    if (!tape_expect(tape, ask->account_count <= STINT_ASK_ACCOUNT_MAX))
        ask->account_count = 0;
    for (uint32_t i = 0; i < ask->account_count; i++)
        tape_u32(tape, &ask->accounts[i]);
}

static void tape_ask(struct tape *tape, struct stint_ask *ask)
{
    struct stint_ask *last = &tape->ask;
    tape_key(tape, &ask->key);
    tape_u32(tape, &ask->cpus);
    tape_u16(tape, &ask->gpus);
    tape_u16(tape, &ask->gpu_milli);
    tape_i16(tape, &ask->gpu_type);
    tape_u8(tape, &ask->locality);
    tape_bool(tape, &ask->preemptible);
    tape_u32(tape, &ask->nodes);
    tape_i32(tape, &ask->priority);
    int64_t user = (int32_t)ask->user; /* none is -1, which is small */
    tape_int(tape, &user);
    ask->user = (uint32_t)user;
    tape_int(tape, &ask->gpu_memory_bytes);
    tape_step(tape, &ask->memory_bytes, &last->memory_bytes);
    tape_step(tape, &ask->walltime_ms, &last->walltime_ms);
    tape_int(tape, &ask->expected_ms);
    tape_int(tape, &ask->attained_ms);
    tape_time(tape, &ask->submit_ms);
    tape_int(tape, &ask->begin_ms);
    tape_step(tape, &ask->cost_micro, &last->cost_micro);
    int64_t fair = (int32_t)ask->fair_account;
    tape_int(tape, &fair);
    ask->fair_account = (uint32_t)fair;
    tape_accounts(tape, ask);
}

/* Unlimited is the largest number, which would be the longest. */
static void tape_ceiling(struct tape *tape, int64_t *ceiling)
{
    bool is_unlimited = *ceiling == STINT_UNLIMITED;
    tape_bool(tape, &is_unlimited);
    if (is_unlimited)
        *ceiling = STINT_UNLIMITED;
    else
        tape_int(tape, ceiling);
}

static void tape_reason(struct tape *tape, struct stint_reason *reason)
{
    tape_enum(tape, &reason->code, STINT_REASON_COUNT);
    int64_t account = (int32_t)reason->account;
    tape_int(tape, &account);
    reason->account = (uint32_t)account;
    tape_int(tape, &reason->asked);
    tape_int(tape, &reason->used);
    tape_int(tape, &reason->limit);
    tape_int(tape, &reason->until_ms);
}

static void tape_policy(struct tape *tape, struct stint_policy *policy)
{
    tape_enum(tape, &policy->mode, STINT_MODE_COUNT);
    tape_u32(tape, &policy->reserved_heads);
    tape_u32(tape, &policy->try_max);
    tape_u32(tape, &policy->cores_per_free_gpu);
    tape_int(tape, &policy->walltime_max_ms);
    tape_u32(tape, &policy->tiers);
    tape_int(tape, &policy->half_life_ms);
    tape_bool(tape, &policy->preempts);
    tape_int(tape, &policy->grace_ms);
    tape_int(tape, &policy->min_run_ms);
    tape_int(tape, &policy->resume_ms);
}

static void tape_begin(struct tape *tape, struct told *told)
{
    struct stint_buffer *out = tape->out;
    const uint8_t *at = tape->at;
    const uint8_t *end = tape->end;
    *tape = (struct tape){ .out = out, .at = at, .end = end };
    uint32_t version = TOLD_VERSION;
    tape_u32(tape, &version);
    (void)tape_expect(tape, version >= 1 && version <= TOLD_VERSION);
    tape_policy(tape, &told->policy);
    tape_machine(tape, &told->machine);
    if (version >= 4 && told->machine && !tape->is_broken)
        tape_machine_numbers(tape, told->machine);
}

static void tape_pass(struct tape *tape, struct told *told)
{
    tape_step(tape, &told->at_ms, &tape->now_ms);
    tape_u32(tape, &told->max);
    tape_u32(tape, &told->written_count);
    bool is_there = told->max > 0 && told->max <= STARTS_MAX && told->written_count <= told->max &&
                    told->written_count <= (size_t)(tape->end - tape->at);
    if (!tape->out && tape_expect(tape, is_there)) {
        told->written = calloc(told->written_count + 1, sizeof(*told->written));
        (void)tape_expect(tape, told->written != NULL);
    }
    for (uint32_t i = 0; told->written && i < told->written_count && !tape->is_broken; i++) {
        struct told_start *start = &told->written[i];
        tape_key(tape, &start->key);
        if (told->kind == TOLD_STOPS)
            continue;
        tape_time(tape, &start->ends_ms);
        tape_bool(tape, &start->is_backfill);
        int64_t place = (int32_t)start->place;
        tape_int(tape, &place);
        start->place = (uint32_t)place;
    }
}

void told_tape(struct tape *tape, struct told *told)
{
    uint8_t kind = (uint8_t)told->kind;
    tape_u8(tape, &kind);
    told->kind = (enum told_kind)kind;
    switch (told->kind) {
    case TOLD_BEGIN:
        tape_begin(tape, told);
        return;
    case TOLD_CLOCK:
        tape_int(tape, &told->at_ms);
        return;
    case TOLD_SUBMIT:
        tape_ask(tape, &told->ask);
        if (told->ask.key.task == STINT_TASK_WHOLE)
            tape_text(tape, &told->text, TOLD_TEXT_MAX);
        return;
    case TOLD_REMOVE:
    case TOLD_REMOVE_TASK:
    case TOLD_UNDO:
        tape_key(tape, &told->key);
        return;
    case TOLD_BLOCKED:
        tape_key(tape, &told->key);
        tape_reason(tape, &told->reason);
        return;
    case TOLD_PRIORITY:
        tape_key(tape, &told->key);
        tape_i32(tape, &told->priority);
        return;
    case TOLD_BEGIN_TIME:
    case TOLD_END:
    case TOLD_ENDS:
        tape_key(tape, &told->key);
        tape_time(tape, &told->at_ms);
        return;
    case TOLD_ACCOUNTS:
        tape_key(tape, &told->key);
        tape_accounts(tape, &told->ask);
        tape_int(tape, &told->ask.cost_micro);
        return;
    case TOLD_ADOPT:
        tape_ask(tape, &told->ask);
        tape_text(tape, &told->text, TOLD_TEXT_MAX);
        tape_time(tape, &told->at_ms);
        tape_time(tape, &told->until_ms);
        return;
    case TOLD_RESERVE:
        tape_u32(tape, &told->number);
        int64_t holder = (int32_t)told->parent;
        tape_int(tape, &holder);
        told->parent = (uint32_t)holder;
        tape_time(tape, &told->at_ms);
        tape_time(tape, &told->until_ms);
        tape_text(tape, &told->text, TOLD_TEXT_MAX);
        return;
    case TOLD_UNRESERVE:
        tape_u32(tape, &told->number);
        tape_time(tape, &told->at_ms);
        return;
    case TOLD_NODE_STATE:
        tape_u32(tape, &told->number);
        tape_enum(tape, &told->state, STINT_NODE_DOWN + 1);
        return;
    case TOLD_AWAY:
        tape_bool(tape, &told->is_away);
        return;
    case TOLD_ACCOUNT:
        tape_u32(tape, &told->number);
        tape_enum(tape, &told->account_kind, STINT_ACCOUNT_SEAT + 1);
        int64_t parent = (int32_t)told->parent;
        tape_int(tape, &parent);
        told->parent = (uint32_t)parent;
        tape_u32(tape, &told->shares);
        return;
    case TOLD_LIMIT:
        tape_u32(tape, &told->number);
        tape_enum(tape, &told->limit, STINT_LIMIT_COUNT);
        tape_ceiling(tape, &told->ceiling);
        tape_int(tape, &told->used);
        return;
    case TOLD_ADD_USE:
        tape_u32(tape, &told->number);
        tape_ask(tape, &told->ask);
        tape_time(tape, &told->at_ms);
        tape_time(tape, &told->until_ms);
        return;
    case TOLD_COUNT_USE:
        tape_key(tape, &told->key);
        tape_time(tape, &told->at_ms);
        tape_time(tape, &told->until_ms);
        return;
    case TOLD_FORGET_USE:
        return;
    case TOLD_PASS:
    case TOLD_STOPS:
        tape_pass(tape, told);
        return;
    case TOLD_RATIO:
        tape_u32(tape, &told->number);
        tape_u32(tape, &told->max);
        return;
    case TOLD_WAIT:
        tape_key(tape, &told->key);
        tape_time(tape, &told->clock.ready_ms);
        tape_int(tape, &told->clock.blocked_ms);
        tape_int(tape, &told->clock.lent_ms);
        tape_u32(tape, &told->clock.lent_count);
        tape_bool(tape, &told->clock.has_lent);
        return;
    case TOLD_NOTHING:
    case TOLD_KIND_COUNT:
        break;
    }
    (void)tape_expect(tape, false);
}

void told_deinit(struct told *told)
{
    free(told->text);
    free(told->written);
    (void)stint_machine_free(told->machine);
}

/* ---- what it does ---- */

static int apply_stops(struct stint_scheduler *s, struct told *told)
{
    told->count = (uint32_t)stint_scheduler_stops(s, told->stops, told->max);
    return 0;
}

static int apply_pass(struct stint_scheduler *s, struct told *told)
{
    size_t count = 0;
    int r = stint_scheduler_pass(s, told->at_ms, told->starts, told->max, &count);
    told->count = (uint32_t)count;
    return r;
}

static int apply_reserve(struct stint_scheduler *s, struct told *told, struct stint_error *err)
{
    struct stint_window window = { told->number, told->parent, told->at_ms, told->until_ms,
                                   told->allocation };
    return stint_scheduler_reserve(s, &window, &told->other, err);
}

int told_apply(struct stint_scheduler *s, struct told *told, struct stint_error *err)
{
    switch (told->kind) {
    case TOLD_SUBMIT:
        return stint_scheduler_submit(s, &told->ask, err);
    case TOLD_REMOVE:
        return stint_scheduler_remove(s, told->key);
    case TOLD_REMOVE_TASK:
        return stint_scheduler_remove_task(s, told->key);
    case TOLD_UNDO:
        return stint_scheduler_undo(s, told->key);
    case TOLD_BLOCKED:
        return stint_scheduler_set_blocked(s, told->key, &told->reason);
    case TOLD_PRIORITY:
        return stint_scheduler_set_priority(s, told->key, told->priority);
    case TOLD_BEGIN_TIME:
        return stint_scheduler_set_begin(s, told->key, told->at_ms);
    case TOLD_END:
        return stint_scheduler_end(s, told->key, told->at_ms);
    case TOLD_ENDS:
        return stint_scheduler_set_ends(s, told->key, told->at_ms);
    case TOLD_ACCOUNTS:
        return stint_scheduler_set_accounts(s, told->key, told->ask.accounts,
                                            told->ask.account_count, told->ask.cost_micro);
    case TOLD_ADOPT:
        return stint_scheduler_adopt(s, &told->ask, told->allocation, told->at_ms, told->until_ms,
                                     err);
    case TOLD_RESERVE:
        return apply_reserve(s, told, err);
    case TOLD_UNRESERVE:
        told->count = (uint32_t)stint_scheduler_unreserve(s, told->number, told->at_ms);
        return 0;
    case TOLD_NODE_STATE:
        return stint_scheduler_set_node_state(s, told->number, told->state);
    case TOLD_AWAY:
        stint_scheduler_set_away(s, told->is_away);
        return 0;
    case TOLD_ACCOUNT:
        return stint_scheduler_set_account(s, told->number, told->account_kind, told->parent,
                                           told->shares);
    case TOLD_LIMIT:
        return stint_scheduler_set_limit(s, told->number, told->limit, told->ceiling, told->used);
    case TOLD_ADD_USE:
        return stint_scheduler_add_use(s, told->number, &told->ask, told->at_ms, told->until_ms);
    case TOLD_COUNT_USE:
        return stint_scheduler_count_use(s, told->key, told->at_ms, told->until_ms);
    case TOLD_FORGET_USE:
        stint_scheduler_forget_use(s);
        return 0;
    case TOLD_RATIO:
        return stint_scheduler_set_ratio(s, told->number, told->max);
    case TOLD_WAIT:
        return stint_scheduler_set_wait(s, told->key, &told->clock);
    case TOLD_PASS:
        return apply_pass(s, told);
    case TOLD_STOPS:
        return apply_stops(s, told);
    case TOLD_BEGIN: /* who has the core makes it */
    case TOLD_CLOCK:
    case TOLD_NOTHING:
    case TOLD_KIND_COUNT:
        break;
    }
    return 0;
}
