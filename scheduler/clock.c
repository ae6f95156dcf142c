/* Owns: from when on a pending task's wait counts, and what a later core has to be told of it. */
#include <assert.h>
#include <stdlib.h>

#include "core.h"

/* Without memory nobody is told: a restart then counts as waited what was held. */
void clock_moved(struct stint_scheduler *s, struct job *job)
{
    if (job->is_moved)
        return;
    if (s->moved_count == s->moved_capacity) {
        uint32_t capacity = s->moved_capacity ? s->moved_capacity * 2 : 64;
        uint32_t *moved = realloc(s->moved, capacity * sizeof(*moved));
        if (!moved)
            return;
        s->moved = moved;
        s->moved_capacity = capacity;
    }
    s->moved[s->moved_count++] = (uint32_t)(job - s->jobs);
    job->is_moved = true;
}

void clock_block(struct stint_scheduler *s, struct block *block)
{
    if (block->since_ms != TIME_NEVER)
        return;
    block->since_ms = s->now_ms;
    s->fresh_blocks--;
    clock_moved(s, &s->jobs[block->job]);
}

void clock_unblock(struct stint_scheduler *s, uint32_t number)
{
    struct job *job = &s->jobs[number];
    if (!job->is_blocked)
        return;
    struct block *block = &s->blocks[job->block_at];
    struct block *last = &s->blocks[s->block_count - 1];
    clock_block(s, block);
    clock_block(s, last); /* it leaves the end, where fresh ones are looked for */
    job->ready_ms += s->now_ms > block->since_ms ? s->now_ms - block->since_ms : 0;
    job->is_freed = true;
    *block = *last;
    s->block_count--;
    s->jobs[block->job].block_at = job->block_at;
    job->is_blocked = false;
}

void clocks_pass(struct stint_scheduler *s, int64_t before_ms)
{
    for (uint32_t i = 0; i < s->news_count; i++) {
        struct job *job = &s->jobs[s->news[i]];
        if (job->is_freed && job->submit_ms < s->now_ms) {
            job->ready_ms += s->now_ms - (before_ms > job->ready_ms ? before_ms : job->ready_ms);
        }
        if (job->is_freed)
            clock_moved(s, job);
        job->is_freed = false;
    }
}

void clocks_block(struct stint_scheduler *s)
{
    for (uint32_t i = s->block_count; i-- > 0 && s->fresh_blocks > 0;)
        clock_block(s, &s->blocks[i]);
}

int stint_scheduler_clock(const struct stint_scheduler *s, struct stint_task_key key,
                          struct stint_clock *ret_clock)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    const struct job *job = &s->jobs[number];
    int64_t since_ms = job->is_blocked ? s->blocks[job->block_at].since_ms : INT64_MIN;
    *ret_clock = (struct stint_clock){ .ready_ms = job->ready_ms,
                                       .blocked_ms = since_ms == TIME_NEVER ? s->now_ms : since_ms,
                                       .lent_ms = job->lent_count > 0 ? job->lent_ms : 0,
                                       .lent_count = job->lent_count,
                                       .has_lent = job->has_lent };
    return 0;
}

static bool is_time(int64_t at_ms)
{
    return at_ms >= PASS_TIME_MIN && at_ms <= -PASS_TIME_MIN;
}

int stint_scheduler_set_wait(struct stint_scheduler *s, struct stint_task_key key,
                             const struct stint_clock *clock)
{
    uint32_t number = job_find(s, key);
    if (number == NO_JOB || s->jobs[number].place == PLACE_RUNNING)
        return STINT_NOT_FOUND;
    bool is_blocked = clock->blocked_ms != INT64_MIN;
    if (!is_time(clock->ready_ms) || !is_time(clock->lent_ms) ||
        (is_blocked && !is_time(clock->blocked_ms)))
        return STINT_INVALID;
    struct job *job = &s->jobs[number];
    job->ready_ms = clock->ready_ms;
    job->has_lent = clock->has_lent;
    job->lent_count = job->tasks ? clock->lent_count : 0;
    job->lent_ms = clock->lent_ms;
    if (job->tasks)
        array_settle(job);
    if (job->is_blocked && is_blocked) {
        struct block *block = &s->blocks[job->block_at];
        s->fresh_blocks -= block->since_ms == TIME_NEVER;
        block->since_ms = clock->blocked_ms;
    }
    s->is_dirty = true;
    s->generation++;
    return 0;
}

size_t stint_scheduler_clocks_moved(const struct stint_scheduler *scheduler,
                                    struct stint_task_key *keys, size_t max)
{
    struct stint_scheduler *s = asked(scheduler);
    size_t count = 0;
    while (s->moved_count > 0 && count < max) {
        struct job *job = &s->jobs[s->moved[--s->moved_count]];
        bool is_pending = job->place == PLACE_QUEUE || job->place == PLACE_WAITING;
        if (is_pending && job->is_moved) /* else its record serves another by now */
            keys[count++] = job->key;
        job->is_moved = false;
    }
    return count;
}
