/* Shared by the files that estimate starts. */
#ifndef STINT_SCHEDULER_ESTIMATE_H
#define STINT_SCHEDULER_ESTIMATE_H

#include "core.h"

struct change;

/* What a plan gives to tasks whose accounts have ceilings: counted against those. */
struct use {
    uint32_t number;
    int64_t from_ms;
    int64_t until_ms;
};
struct uses {
    struct use *list;
    uint32_t count;
    struct change *changes; /* scratch of allowed_from() */
    uint32_t change_max;
    int64_t now_ms; /* of the plan: the core's own moves on while later ones are planned */
};

/* ratio.c: what of its walltime @job is expected to take: all of it, or its user's share. */
int64_t expected_ms(const struct stint_scheduler *s, const struct job *job, bool whole);
/* When a run likely ends, as of @now_ms: by its limit, or by its user's share of limits. */
int64_t estimate_end_ms(const struct stint_scheduler *s, const struct job *job, int64_t now_ms,
                        bool whole);

/* allowed.c: from when on, not before @from_ms, the limits of @job's accounts let it start beside
 * what runs and @uses; TIME_NEVER when that cannot be told. O((running + uses) log) a ceiling. */
int64_t allowed_from(struct stint_scheduler *s, struct uses *uses, const struct job *job,
                     int64_t from_ms, bool whole);
/* Has any account of it a ceiling? */
bool is_limited(const struct stint_scheduler *s, const struct job *job);

#endif
