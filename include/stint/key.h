/* Identities (DESIGN §7). A job is what was submitted; a task is one element of an array (a plain
 * job is task 0); a run is one attempt of a task, and allocations, exit records, usage and postings
 * belong to runs. */
#ifndef STINT_KEY_H
#define STINT_KEY_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

struct stint_run_key {
    uint64_t job;     /* from 1 */
    uint32_t task;    /* 0 for a plain job */
    uint32_t attempt; /* from 1 */
};

/* "41_7.1": the name of the run's folder and its name in logs. */
#define STINT_RUN_KEY_TEXT 48
static inline __attribute__((unused)) char *stint_run_key_format(struct stint_run_key key,
                                                                 char *text)
{
    (void)snprintf(text, STINT_RUN_KEY_TEXT, "%" PRIu64 "_%" PRIu32 ".%" PRIu32, key.job, key.task,
                   key.attempt);
    return text;
}

#endif
