/* What a core can be told, as values: written into a transcript, read from one, and done. The only
 * description of each: clerk.c and replay.c go through the same three functions. */
#ifndef STINT_SCHEDULER_TOLD_H
#define STINT_SCHEDULER_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/scheduler.h"

/* 1 knew no arrays, 2 no windows, 3 no parts of machines; they read as ever */
#define TOLD_VERSION  4
#define TOLD_TEXT_MAX ((size_t)1 << 20) /* of an allocation, of an array's tasks */

/* The number of each is on people's disks: add at the end, never move one or take one out. */
#define TOLD_KINDS(X)                                                                              \
    X(TOLD_BEGIN, "begin") /* a new core: the policy and the machine */                            \
    X(TOLD_CLOCK, "clock") /* for who reads: the core does not hear of it */                       \
    X(TOLD_SUBMIT, "submit")                                                                       \
    X(TOLD_REMOVE, "remove")                                                                       \
    X(TOLD_BLOCKED, "set_blocked")                                                                 \
    X(TOLD_PRIORITY, "set_priority")                                                               \
    X(TOLD_BEGIN_TIME, "set_begin")                                                                \
    X(TOLD_ACCOUNTS, "set_accounts")                                                               \
    X(TOLD_ADOPT, "adopt")                                                                         \
    X(TOLD_END, "end")                                                                             \
    X(TOLD_UNDO, "undo")                                                                           \
    X(TOLD_ENDS, "set_ends")                                                                       \
    X(TOLD_NODE_STATE, "set_node_state")                                                           \
    X(TOLD_AWAY, "set_away")                                                                       \
    X(TOLD_ACCOUNT, "set_account")                                                                 \
    X(TOLD_LIMIT, "set_limit")                                                                     \
    X(TOLD_ADD_USE, "add_use")                                                                     \
    X(TOLD_FORGET_USE, "forget_use")                                                               \
    X(TOLD_COUNT_USE, "count_use")                                                                 \
    X(TOLD_PASS, "pass")                                                                           \
    X(TOLD_STOPS, "stops")                                                                         \
    X(TOLD_REMOVE_TASK, "remove_task")                                                             \
    X(TOLD_RESERVE, "reserve")                                                                     \
    X(TOLD_UNRESERVE, "unreserve")                                                                 \
    X(TOLD_RATIO, "set_ratio")                                                                     \
    X(TOLD_WAIT, "set_wait")

enum told_kind {
    TOLD_NOTHING = 0,
#define X(name, wire) name,
    TOLD_KINDS(X)
#undef X
        TOLD_KIND_COUNT
};

/* A start as it is written down; @place is a digest of the allocation. */
struct told_start {
    struct stint_task_key key;
    int64_t ends_ms;
    bool is_backfill;
    uint32_t place;
};

/**
 * struct told - one thing told
 * @key: the task, where it is about one; @number: an account, a node; @at_ms: a time
 * @ask, @reason: of kinds that have one
 * @allocation: adopted, or of a window: borrowed when told, parsed from @text when read back; so
 * are an array's tasks that are submitted
 * @parent: of a window, whose it is; @number, @at_ms, @until_ms: as its neighbours say
 * @other: of a window that was refused: what is in its way
 * @max: of a pass or of stops: room that the caller had
 * @starts: of a pass: what it decided, @count of them, in the caller's array of @max
 * @stops: of stops, in the same way
 * @written: what the transcript says was decided: read back only, @written_count of them
 */
struct told {
    enum told_kind kind;
    struct stint_task_key key;
    uint32_t number;
    int64_t at_ms;
    int64_t until_ms;
    struct stint_ask ask;
    struct stint_reason reason;
    const struct stint_allocation *allocation;
    char *text;
    int32_t priority;
    struct stint_clock clock;
    bool is_away;
    enum stint_node_state state;
    enum stint_account_kind account_kind;
    uint32_t parent;
    uint32_t other;
    uint32_t shares;
    enum stint_limit limit;
    int64_t ceiling;
    int64_t used;
    struct stint_policy policy;
    struct stint_machine *machine;
    uint32_t max;
    uint32_t count;
    struct stint_start *starts;
    struct stint_task_key *stops;
    uint32_t written_count;
    struct told_start *written;
};

/* Where records go to or come from; zeroed is a good start, with @out or @at and @end set. Numbers
 * are written as differences to the last of their kind, so reading starts where writing did: at a
 * TOLD_BEGIN. */
struct tape {
    struct stint_buffer *out; /* writing, else NULL */
    const uint8_t *at;        /* reading */
    const uint8_t *end;
    bool is_broken; /* read: no such record */
    int64_t now_ms; /* of the last pass */
    int64_t job;    /* the last one named */
    struct stint_ask ask;
};

/* A number both ways: written small when it is near 0. */
void tape_int(struct tape *tape, int64_t *value);
void tape_u32(struct tape *tape, uint32_t *value);
/* @length bytes of text and a NUL, allocated when read; at most @max. */
void tape_text(struct tape *tape, char **text, size_t max);
/* Breaks the tape unless @is_good; nothing while writing. */
bool tape_expect(struct tape *tape, bool is_good);

/* A whole machine; allocated when read. */
void tape_machine(struct tape *tape, struct stint_machine **machine);
/* Behind it, since version 4. */
void tape_machine_numbers(struct tape *tape, struct stint_machine *machine);

/**
 * told_tape() - the record of @told: written, or read into it
 * A reader zeroes @told before and calls told_deinit() afterwards; is_broken says how it went.
 */
void told_tape(struct tape *tape, struct told *told);
void told_deinit(struct told *told);
/* Tells it. 0 or what the core answers; passes and stops fill @starts or @stops. */
int told_apply(struct stint_scheduler *scheduler, struct told *told, struct stint_error *err);

const char *told_name(enum told_kind kind);
/* FNV-1a of all that is granted. */
uint32_t told_place(const struct stint_machine *machine, const struct stint_allocation *allocation);

#endif
