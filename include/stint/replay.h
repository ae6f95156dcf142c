/* A transcript replayed: the words that a daemon's core was told, to a new core, and its decisions
 * beside those that were written down (stint/clerk.h). Reading the bytes is for hostile input: each
 * record is checked and bounded, and a core refuses what is out of its bounds. */
#ifndef STINT_REPLAY_H
#define STINT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/scheduler.h"

struct stint_replay;

/**
 * struct stint_replay_counts - what was looked at so far
 * @passes, @starts: compared; @told: other records; @cores: transcripts that began
 * @at_ms: wall clock of the last pass (0: before the first, or before the clock was told)
 */
struct stint_replay_counts {
    uint64_t passes;
    uint64_t starts;
    uint64_t told;
    uint64_t cores;
    int64_t at_ms;
};

/**
 * struct stint_replay_difference - the first thing that is not as it was written down
 * @at_ms: wall clock of the pass, 0 when unknown; @core_ms: in the core's own clock
 * @key: the task it is about; {0, 0} for none
 * @text: what was written down, what the replay gives, and why: the reason for which the task
 * waits here, or what cannot be told
 */
struct stint_replay_difference {
    int64_t at_ms;
    int64_t core_ms;
    struct stint_task_key key;
    char text[400];
};

int stint_replay_new(struct stint_replay **ret_replay); /* 0 or -ENOMEM */
struct stint_replay *stint_replay_free(struct stint_replay *replay);
static inline __attribute__((unused)) void stint_replay_free_auto(struct stint_replay **replay)
{
    (void)stint_replay_free(*replay);
}

/**
 * stint_replay_feed() - the next piece, whole records as they were taken
 * The first piece must be one that begins (struct stint_transcript).
 * Return: 0 when all of it is equal; STINT_CONFLICT with @ret_difference at the first difference:
 * feed nothing more; STINT_UNTRUSTED for bytes that are no transcript; -ENOMEM.
 * Cost: that of the passes, a million jobs a second and core.
 */
int stint_replay_feed(struct stint_replay *replay, const void *data, size_t length,
                      struct stint_replay_difference *ret_difference, struct stint_error *err);

void stint_replay_counts(const struct stint_replay *replay, struct stint_replay_counts *ret_counts);
/* The core as it is now, NULL before the first record. */
const struct stint_scheduler *stint_replay_scheduler(const struct stint_replay *replay);

#endif
