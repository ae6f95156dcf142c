/* Between the files of scheduler/simulator/ only. */
#ifndef STINT_SCHEDULER_FIGURES_H
#define STINT_SCHEDULER_FIGURES_H

#include <stdbool.h>

#include "stint/simulator.h"

/* One job of a replay. Times in seconds of the trace; ends - starts is more than the run time when
 * it was stopped in between. */
struct replayed {
    int64_t start_s; /* first start */
    int64_t end_s;   /* -1 until it ended */
    uint32_t procs;
    uint32_t attempt;    /* counts stops, so that an old end is known as such */
    int64_t ran_s;       /* of its own run time, before the last stop */
    int64_t resumed_s;   /* when it last started */
    int64_t attained_ms; /* processors times time */
    bool is_preemptible;
    bool has_started;
};

/* Fills the figures that follow from @jobs, in the order of the trace. 0 or -ENOMEM. */
int figures_fill(const struct stint_trace *trace, const struct replayed *jobs, int64_t procs,
                 struct stint_simulation_result *result);

#endif
