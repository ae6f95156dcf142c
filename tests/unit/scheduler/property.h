/* Random scenarios for the scheduler: what the test itself believes, worked out from what it told
 * and was told, and never asked of the core. Shared by the files of test_property. */
#ifndef STINT_TEST_SCHEDULER_PROPERTY_H
#define STINT_TEST_SCHEDULER_PROPERTY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/clerk.h"
#include "stint/replay.h"

#define JOBS         48 /* submitted in a scenario */
#define START_MAX    8
#define WINDOWS      40
#define TASK_MAX     6   /* of an array */
#define ELEMENT_MAX  512 /* of the core at once */
#define CORE_WORDS   16  /* of a node */
#define GPU_SLOTS    64
#define NUMA_SLOTS   64
#define HISTORY_MAX  1024
#define USERS        4
#define INSTITUTIONS 2
#define PROJECTS     4

/* Numbers of accounts: limits are of the first four kinds, budgets of awards, %MAX of arrays; seats
 * (a user in a project) are the leaves of the tree of shares. */
enum {
    SITE = 0,
    INSTITUTION = 1,
    PROJECT = INSTITUTION + INSTITUTIONS,
    USER = PROJECT + PROJECTS,
    AWARD = USER + USERS,
    SEAT = AWARD + PROJECTS,
    ARRAY = SEAT + PROJECTS * USERS, /* one a job */
    ACCOUNTS = ARRAY + JOBS + 1,
};

enum element_state { ELEMENT_WAITING, ELEMENT_RUNNING };

/* One record of the core: a task that waits or runs, or the tasks of an array that wait together.
 */
struct element {
    enum element_state state;
    struct stint_ask ask;
    uint64_t sequence;         /* of submissions */
    struct stint_tasks *tasks; /* those of an array, as the test remembers them */
    uint64_t after;            /* a job that has to be over first; 0 for none */
    bool is_held;
    bool is_stopping; /* a run that was told to stop */
    int64_t promised_ms;
    /* of a run */
    struct stint_allocation *held;
    int64_t started_ms;
    int64_t ends_ms;  /* when the test will end it */
    int64_t limit_ms; /* its latest end */
};

static inline bool is_blocked(const struct element *element)
{
    return element->is_held || element->after;
}

/* A window of a reservation; without an allocation it was taken back or never made. */
struct kept {
    struct stint_allocation *allocation;
    uint32_t account;
    int64_t from_ms;
    int64_t until_ms;
};

/* An account as it was told. */
struct told_account {
    enum stint_account_kind kind;
    uint32_t parent;
    uint32_t shares;
};

/* A run that is over, for the use of its seat. */
struct past {
    struct stint_ask ask;
    int64_t from_ms;
    int64_t until_ms;
};

struct world {
    struct stint_machine *machine;
    struct stint_policy policy;
    struct stint_clerk *clerk;
    const struct stint_scheduler *scheduler; /* the clerk's */
    struct stint_scheduler *twin;            /* told the same, always made to look at everything */
    struct stint_replay *replay; /* hears what the clerk wrote down, and is asked nothing */
    uint64_t *cores;             /* taken, of all nodes, CORE_WORDS a node */
    int32_t *gpus;               /* thousandths taken, GPU_SLOTS a node */
    int64_t *memory;             /* taken, NUMA_SLOTS a node */
    enum stint_node_state nodes[16];
    struct element elements[ELEMENT_MAX];
    uint32_t element_count;
    uint64_t next_sequence;
    struct stint_array *arrays[JOBS + 1];
    uint32_t open[JOBS + 1]; /* elements of a job, tasks of an array counted one by one */
    bool is_preemptible[JOBS + 1];
    struct kept windows[WINDOWS];
    struct past history[HISTORY_MAX];
    uint32_t history_count;
    struct told_account accounts[ACCOUNTS];
    int64_t ceilings[ACCOUNTS][STINT_LIMIT_COUNT];
    int64_t used[ACCOUNTS][STINT_LIMIT_COUNT];
    int64_t elsewhere[ACCOUNTS]; /* cores used on another resource */
    int64_t now_ms;
    bool is_calm; /* nothing happens that may move a promise; every instant is looked at */
    bool is_away;
    bool is_late;      /* runs may outlive their limits; nothing is reserved then */
    bool is_unsettled; /* something was stopped or undone after the last look at all */
    uint64_t trail;    /* hash of all decisions */
};

/* Both schedulers hear the same. */
#define BOTH(world, verb, ...)                                                                     \
    do {                                                                                           \
        assert_int_equal(stint_clerk_##verb((world)->clerk, __VA_ARGS__), 0);                      \
        if ((world)->twin)                                                                         \
            assert_int_equal(stint_scheduler_##verb((world)->twin, __VA_ARGS__), 0);               \
    } while (0)

/* property_random.c: what is drawn */
extern uint64_t random_state;
uint64_t random_next(void);
uint32_t below(uint32_t n);
/* How many scenarios, and the seed of the first: STINT_SCENARIOS and STINT_SCENARIO_FIRST say so;
 * else @quick of them, in the long suite its own number times STINT_LONG. */
uint64_t scenario_count(uint64_t quick, uint64_t *ret_first);
struct stint_machine *random_machine(bool is_flat);
struct stint_policy random_policy(void);
struct stint_ask random_ask(const struct world *world, uint64_t job);

/* property_limits.c: accounts, and what is used of them */
void accounts_open(struct world *world);
/* A ceiling is set, raised, lowered or taken away; something is used elsewhere. */
void limits_change(struct world *world);
/* One run more: fails when that is over a ceiling. */
void limits_charge(struct world *world, const struct stint_ask *ask);
/* One run less, which took so much of its walltime: what it did not use of budgets comes back. */
void limits_settle(struct world *world, const struct stint_ask *ask, int64_t took_ms);
/* One that never ran. */
void limits_undo(struct world *world, const struct stint_ask *ask);
/* The core counts what the test counts. */
void limits_check(const struct world *world, const struct stint_scheduler *scheduler);
/* Would a start of @ask go over a ceiling now? */
bool limits_over(const struct world *world, const struct stint_ask *ask);
/* Could a start of @ask never fit a ceiling, whatever ends? */
bool limits_exclude(const struct world *world, const struct stint_ask *ask);
void limits_copy(const struct world *world, struct stint_scheduler *scheduler);

/* property_kept.c: reservations */
void windows_change(struct world *world);
void windows_forget(struct world *world, uint32_t i);
/* @run has just started: it holds nothing that is kept from it, now or until its end. */
void windows_check_start(const struct world *world, const struct element *run);

/* property_held.c: what runs hold, slot by slot */
void held_take(struct world *world, const struct element *run);
void held_give_back(struct world *world, const struct element *run);

/* property_waiting.c: reasons, promises and estimates of all that waits, after a pass */
void waiting_check(struct world *world);

/* property_rebuilt.c: a new core that is told the whole state at once stands where the old one does
 */
void rebuilt_check(const struct world *world);

#endif
