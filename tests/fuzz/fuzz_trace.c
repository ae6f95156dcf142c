/* Traces from outside: the reader must refuse or read, and what it read must replay. Links
 * simulator_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "stint/simulator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_trace trace;
    struct stint_error err = { 0 };
    if (stint_trace_parse((const char *)data, size, "fuzz", &trace, &err) != 0)
        return 0;
    struct stint_simulation simulation = {
        .trace = &trace,
        .cores = 16,
        .policy = { .mode = (enum stint_mode)(size % STINT_MODE_COUNT) },
    };
    struct stint_simulation_result result;
    int r = stint_simulate(&simulation, &result, &err);
    if (r == 0 && result.promise_violations > 0)
        abort();
    stint_trace_deinit(&trace);
    return 0;
}
