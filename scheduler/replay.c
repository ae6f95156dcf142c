/* Owns: the comparison of a transcript with what the same words give now. */
#include "stint/replay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"
#include "stint/machine.h"
#include "told.h"

struct stint_replay {
    struct stint_machine *machine;
    struct stint_scheduler *scheduler;
    struct tape tape;
    struct stint_start *starts;
    struct stint_task_key *stops;
    size_t starts_max;
    int64_t clock_ms;
    bool has_clock;
    struct stint_replay_counts counts;
};

int stint_replay_new(struct stint_replay **ret_replay)
{
    *ret_replay = calloc(1, sizeof(**ret_replay));
    return *ret_replay ? 0 : -ENOMEM;
}

struct stint_replay *stint_replay_free(struct stint_replay *replay)
{
    if (!replay)
        return NULL;
    (void)stint_scheduler_free(replay->scheduler);
    (void)stint_machine_free(replay->machine);
    free(replay->starts);
    free(replay->stops);
    free(replay);
    return NULL;
}

void stint_replay_counts(const struct stint_replay *replay, struct stint_replay_counts *ret_counts)
{
    *ret_counts = replay->counts;
}

const struct stint_scheduler *stint_replay_scheduler(const struct stint_replay *replay)
{
    return replay->scheduler;
}

/* ---- differences ---- */

static int differ(struct stint_replay *replay, struct stint_task_key key,
                  struct stint_replay_difference *ret_difference)
{
    ret_difference->key = key;
    ret_difference->core_ms = replay->tape.now_ms;
    ret_difference->at_ms = replay->counts.at_ms;
    return STINT_CONFLICT;
}

/* Why @key does not start here: what the core says of it. */
static void say_why(struct stint_replay *replay, struct stint_task_key key, char *text, size_t size)
{
    struct stint_reason reason = stint_scheduler_reason(replay->scheduler, key);
    if (stint_scheduler_allocation(replay->scheduler, key))
        (void)snprintf(text, size, "it runs already");
    else if (reason.code != STINT_REASON_NONE)
        (void)snprintf(text, size,
                       "it waits: %s (asks %" PRId64 ", %" PRId64 " of %" PRId64 " taken)",
                       stint_reason_name(reason.code), reason.asked, reason.used, reason.limit);
    else
        (void)snprintf(text, size, "nothing in the record says that it was submitted");
}

/* One start that the record has and the replay has not, or the other way round. */
static int differ_in_start(struct stint_replay *replay, const struct told *told, uint32_t i,
                           struct stint_replay_difference *ret_difference)
{
    char *text = ret_difference->text;
    size_t size = sizeof(ret_difference->text);
    const struct told_start *was = i < told->written_count ? &told->written[i] : NULL;
    const struct stint_start *is = i < told->count ? &told->starts[i] : NULL;
    assert(was || is);
    if (!was) {
        (void)snprintf(text, size,
                       "job %" PRIu64 "_%" PRIu32 " starts here; the record has no such start",
                       is->key.job, is->key.task);
        return differ(replay, is->key, ret_difference);
    }
    bool is_same_task = is && is->key.job == was->key.job && is->key.task == was->key.task;
    if (is_same_task && is->ends_ms != was->ends_ms)
        (void)snprintf(text, size,
                       "job %" PRIu64 "_%" PRIu32 " was to end at %" PRId64 ", here at %" PRId64,
                       was->key.job, was->key.task, was->ends_ms, is->ends_ms);
    else if (is_same_task)
        (void)snprintf(text, size,
                       "job %" PRIu64 "_%" PRIu32 " started, but on other cores or GPUs, "
                       "or by another rule, than here",
                       was->key.job, was->key.task);
    else if (is) {
        char why[160];
        say_why(replay, was->key, why, sizeof(why));
        (void)snprintf(text, size,
                       "job %" PRIu64 "_%" PRIu32 " started; here it is job %" PRIu64 "_%" PRIu32
                       "'s turn, and of the first %s",
                       was->key.job, was->key.task, is->key.job, is->key.task, why);
    } else {
        char why[160];
        say_why(replay, was->key, why, sizeof(why));
        (void)snprintf(text, size, "job %" PRIu64 "_%" PRIu32 " started; here it does not: %s",
                       was->key.job, was->key.task, why);
    }
    return differ(replay, was->key, ret_difference);
}

static bool is_as_written(const struct stint_replay *replay, const struct told_start *was,
                          const struct stint_start *is)
{
    return is->key.job == was->key.job && is->key.task == was->key.task &&
           is->ends_ms == was->ends_ms && is->is_backfill == was->is_backfill &&
           told_place(replay->machine, is->allocation) == was->place;
}

/* ---- one record ---- */

static int reserve(struct stint_replay *replay, size_t max)
{
    if (max <= replay->starts_max)
        return 0;
    struct stint_start *starts = realloc(replay->starts, max * sizeof(*starts));
    if (starts)
        replay->starts = starts;
    struct stint_task_key *stops = realloc(replay->stops, max * sizeof(*stops));
    if (stops)
        replay->stops = stops;
    if (!starts || !stops)
        return -ENOMEM;
    replay->starts_max = max;
    return 0;
}

static int replay_begin(struct stint_replay *replay, struct told *told, struct stint_error *err)
{
    replay->scheduler = stint_scheduler_free(replay->scheduler);
    (void)stint_machine_free(replay->machine);
    replay->machine = stint_take(told->machine);
    replay->counts.cores++;
    replay->has_clock = false;
    int r = stint_scheduler_new(replay->machine, &told->policy, &replay->scheduler, err);
    return r > 0 ? STINT_UNTRUSTED : r;
}

static int replay_pass(struct stint_replay *replay, struct told *told,
                       struct stint_replay_difference *ret_difference)
{
    told->starts = replay->starts;
    int r = told_apply(replay->scheduler, told, NULL);
    if (r != 0)
        return r;
    replay->counts.passes++;
    replay->counts.at_ms = replay->has_clock ? told->at_ms + replay->clock_ms : 0;
    for (uint32_t i = 0; i < told->count || i < told->written_count; i++) {
        if (i >= told->count || i >= told->written_count ||
            !is_as_written(replay, &told->written[i], &told->starts[i]))
            return differ_in_start(replay, told, i, ret_difference);
        replay->counts.starts++;
    }
    return 0;
}

static int replay_stops(struct stint_replay *replay, struct told *told,
                        struct stint_replay_difference *ret_difference)
{
    told->stops = replay->stops;
    (void)told_apply(replay->scheduler, told, NULL);
    for (uint32_t i = 0; i < told->count || i < told->written_count; i++) {
        bool is_there = i < told->count && i < told->written_count &&
                        told->stops[i].job == told->written[i].key.job &&
                        told->stops[i].task == told->written[i].key.task;
        if (is_there)
            continue;
        struct stint_task_key key = i < told->written_count ? told->written[i].key : told->stops[i];
        (void)snprintf(ret_difference->text, sizeof(ret_difference->text),
                       "who is stopped for others is not the same: job %" PRIu64 "_%" PRIu32
                       " is in %s alone",
                       key.job, key.task, i < told->written_count ? "the record" : "the replay");
        return differ(replay, key, ret_difference);
    }
    return 0;
}

/* Everything else: what the core took then, it takes now. */
static int replay_told(struct stint_replay *replay, struct told *told,
                       struct stint_replay_difference *ret_difference)
{
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    stint_auto(stint_array_free) struct stint_array *array = NULL;
    stint_auto(stint_free) struct stint_tasks *tasks = NULL;
    struct stint_error err = { 0 };
    int r = 0;
    if (told->kind == TOLD_SUBMIT && told->text) {
        r = stint_array_parse(told->text, &array, &err);
        if (r == 0 && !(tasks = stint_tasks_new(array, true)))
            r = -ENOMEM;
        told->ask.tasks = tasks;
    }
    if (told->kind == TOLD_ADOPT || told->kind == TOLD_RESERVE) {
        r = stint_allocation_parse(replay->machine, told->text, &allocation, &err);
        told->allocation = allocation;
    }
    if (r == 0)
        r = told_apply(replay->scheduler, told, &err);
    replay->counts.told++;
    if (r <= 0)
        return r;
    bool has_ask = told->kind == TOLD_SUBMIT || told->kind == TOLD_ADOPT;
    (void)snprintf(ret_difference->text, sizeof(ret_difference->text),
                   "%s was taken then and is refused here: %s", told_name(told->kind),
                   err.text[0] ? err.text : stint_refusal_name(r));
    return differ(replay, has_ask ? told->ask.key : told->key, ret_difference);
}

static int replay_one(struct stint_replay *replay, struct told *told,
                      struct stint_replay_difference *ret_difference, struct stint_error *err)
{
    if (told->kind != TOLD_BEGIN && !replay->scheduler)
        return stint_fail(err, STINT_UNTRUSTED, "the record does not begin with a machine");
    int r = reserve(replay, told->max);
    if (r != 0)
        return r;
    if (told->kind == TOLD_BEGIN)
        return replay_begin(replay, told, err);
    if (told->kind == TOLD_CLOCK) {
        replay->clock_ms = told->at_ms;
        replay->has_clock = true;
        return 0;
    }
    if (told->kind == TOLD_PASS)
        return replay_pass(replay, told, ret_difference);
    if (told->kind == TOLD_STOPS)
        return replay_stops(replay, told, ret_difference);
    return replay_told(replay, told, ret_difference);
}

int stint_replay_feed(struct stint_replay *replay, const void *data, size_t length,
                      struct stint_replay_difference *ret_difference, struct stint_error *err)
{
    const uint8_t *start = data;
    int r = 0;
    replay->tape.at = start;
    replay->tape.end = start + length;
    while (r == 0 && replay->tape.at < replay->tape.end) {
        struct told told = { 0 };
        const uint8_t *at = replay->tape.at;
        told_tape(&replay->tape, &told);
        if (replay->tape.is_broken)
            r = stint_fail(err, STINT_UNTRUSTED,
                           "byte %zu of %zu is the start of no record that this version knows",
                           (size_t)(at - start), length);
        else
            r = replay_one(replay, &told, ret_difference, err);
        told_deinit(&told);
    }
    return r;
}
