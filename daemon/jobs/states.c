/* Owns: the table of a job's states and events (INTERFACE §5, the diagram is in stint/jobs.h), and
 * their names. An empty cell is STINT_JOB_NO_STATE: a refusal, never a silent stay. */
#include "states.h"

#include <string.h>

/* clang-format off */
static const enum stint_job_state job_next[STINT_JOB_STATE_COUNT][JOB_EVENT_COUNT] = {
    [STINT_JOB_PENDING]   = { [JOB_GRANTED]   = STINT_JOB_STARTING, [JOB_HELD]     = STINT_JOB_HELD,
                              [JOB_CANCELLED] = STINT_JOB_DONE,     [JOB_REFUSED]  = STINT_JOB_DONE },
    [STINT_JOB_HELD]      = { [JOB_RELEASED]  = STINT_JOB_PENDING,  [JOB_HELD]     = STINT_JOB_HELD,
                              [JOB_CANCELLED] = STINT_JOB_DONE,     [JOB_REFUSED]  = STINT_JOB_DONE },
    [STINT_JOB_STARTING]  = { [JOB_SPAWNED]   = STINT_JOB_RUNNING,  [JOB_CANCELLED] = STINT_JOB_ENDING,
                              [JOB_ENDED]     = STINT_JOB_DONE,     [JOB_RETURNED] = STINT_JOB_PENDING },
    [STINT_JOB_RUNNING]   = { [JOB_SUSPENDED] = STINT_JOB_SUSPENDED,[JOB_CANCELLED] = STINT_JOB_ENDING,
                              [JOB_PREEMPTED] = STINT_JOB_ENDING,
                              [JOB_ENDED]     = STINT_JOB_DONE,     [JOB_RETURNED] = STINT_JOB_PENDING },
    [STINT_JOB_SUSPENDED] = { [JOB_RESUMED]   = STINT_JOB_RUNNING,  [JOB_CANCELLED] = STINT_JOB_ENDING,
                              [JOB_PREEMPTED] = STINT_JOB_ENDING,
                              [JOB_ENDED]     = STINT_JOB_DONE,     [JOB_RETURNED] = STINT_JOB_PENDING },
    [STINT_JOB_ENDING]    = { [JOB_ENDED]     = STINT_JOB_DONE,     [JOB_RETURNED] = STINT_JOB_PENDING,
                              [JOB_CANCELLED] = STINT_JOB_ENDING },
};
/* clang-format on */

enum stint_job_state job_next_state(enum stint_job_state state, enum job_event event)
{
    return job_next[state][event];
}

const char *job_event_name(enum job_event event)
{
    static const char *const names[JOB_EVENT_COUNT] = { "",
#define X(name, wire) wire,
                                                        JOB_EVENTS(X)
#undef X
    };
    return (unsigned)event < JOB_EVENT_COUNT ? names[event] : "";
}

static const char *const state_names[STINT_JOB_STATE_COUNT] = { "",
#define X(name, wire) wire,
                                                                STINT_JOB_STATES(X)
#undef X
};

static const char *const outcome_names[STINT_OUTCOME_COUNT] = { "",
#define X(name, wire) wire,
                                                                STINT_JOB_OUTCOMES(X)
#undef X
};

static unsigned name_index(const char *const *names, unsigned count, const char *name)
{
    for (unsigned i = 1; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

const char *stint_job_state_name(enum stint_job_state state)
{
    return (unsigned)state < STINT_JOB_STATE_COUNT ? state_names[state] : "";
}

enum stint_job_state stint_job_state_from_name(const char *name)
{
    return (enum stint_job_state)name_index(state_names, STINT_JOB_STATE_COUNT, name);
}

const char *stint_job_outcome_name(enum stint_job_outcome outcome)
{
    return (unsigned)outcome < STINT_OUTCOME_COUNT ? outcome_names[outcome] : "";
}

enum stint_job_outcome stint_job_outcome_from_name(const char *name)
{
    return (enum stint_job_outcome)name_index(outcome_names, STINT_OUTCOME_COUNT, name);
}
