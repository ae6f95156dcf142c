/* What happens to a job, and where it goes: the table behind the diagram of stint/jobs.h. */
#ifndef STINT_JOBS_STATES_H
#define STINT_JOBS_STATES_H

#include "stint/jobs.h"

/* event, its name in the event table: "job." and this */
#define JOB_EVENTS(X)                                                                              \
    X(JOB_GRANTED, "granted")                                                                      \
    X(JOB_SPAWNED, "running")                                                                      \
    X(JOB_SUSPENDED, "suspended")                                                                  \
    X(JOB_RESUMED, "resumed")                                                                      \
    X(JOB_HELD, "held")                                                                            \
    X(JOB_RELEASED, "released")                                                                    \
    X(JOB_CANCELLED, "cancelled")                                                                  \
    X(JOB_REFUSED, "refused")                                                                      \
    X(JOB_PREEMPTED, "preempted")                                                                  \
    X(JOB_ENDED, "ended")                                                                          \
    X(JOB_RETURNED, "requeued")

enum job_event {
    JOB_NO_EVENT = 0,
#define X(name, wire) name,
    JOB_EVENTS(X)
#undef X
        JOB_EVENT_COUNT
};

/* Where @event leads from @state; STINT_JOB_NO_STATE when it may not happen there. */
enum stint_job_state job_next_state(enum stint_job_state state, enum job_event event);
const char *job_event_name(enum job_event event);

#endif
