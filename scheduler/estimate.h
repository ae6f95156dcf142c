/* Shared by the files that estimate starts. */
#ifndef STINT_SCHEDULER_ESTIMATE_H
#define STINT_SCHEDULER_ESTIMATE_H

#include "core.h"

#define NO_START INT64_MIN

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
    int64_t now_ms;       /* of the plan: the core's own moves on while later ones are planned */
    bool without_periods; /* what a period's ceiling says does not count */
};

/* plan.c. @start_ms: p50 and p90, NO_START where nothing can be told; @starts_now: with the next
 * pass */
struct estimate {
    uint32_t number;
    bool starts_now;
    struct stint_task_key key; /* the number may be another's by now, in a stale plan */
    int64_t start_ms[2];
};

/* What a plan has given away: the p50 (0) with expected lengths, the p90 (1) with whole limits.
 * @next_ms: before it nothing starts but what came since the last pass; @left: so many more could
 * be placed, the others were added up behind @latest */
struct plan_column {
    struct timeline *timelines;
    struct trial_use *trials;
    uint32_t trial_count;
    uint32_t left;
    struct uses uses;
    int64_t next_ms;
    int64_t latest;
};

struct plan {
    uint64_t generation;
    int64_t made_ms;
    int64_t valid_until_ms;
    uint32_t node_count;
    uint32_t supposed; /* tasks that were searched for behind it */
    struct plan_column columns[2];
    uint32_t count;
    struct estimate estimates[];
};

/* As of @now_ms, not before the last pass. 0 or -ENOMEM: the old one stays. */
int plan_make(struct stint_scheduler *s, int64_t now_ms);
/* NULL for what is not planned. */
const struct estimate *plan_find(const struct stint_scheduler *s, uint32_t number);
/* A plan's column stands in the place of the real timelines, and back. */
void column_enter(struct stint_scheduler *s, struct plan_column *column);
void column_leave(struct stint_scheduler *s, struct plan_column *column);
/* The earliest start from s->now_ms on of @job that is taken to run @takes_ms, in s->found; what it
 * may take by its limit has to fit before a reservation all the same. */
bool search_planned(struct stint_scheduler *s, const struct job *job, int64_t takes_ms);
/* Would the next pass start it, if it came now? */
bool could_start_now(struct stint_scheduler *s, const struct job *job);

/* suppose.c: the starts of a task that is not in the plan, behind those that are. */
void plan_suppose(struct stint_scheduler *s, const struct job *job,
                  const struct stint_suppose *suppose, int64_t now_ms, int64_t ret_start_ms[2]);

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
