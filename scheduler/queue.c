/* Owns: ordered queues of pending tasks. */
#include "queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "stint/auto.h"

/* Limit times size; GPUs weigh as the literature's processors do, cores where there are none. What
 * was stopped for others comes back first, oldest first: it may be stopped again, and by its area
 * it would come last for ever. */
static int64_t area(const struct job *job)
{
    int64_t size = job->need.gpus > 0 ? (int64_t)job->need.gpus * job->need.gpu_milli
                                      : (int64_t)job->need.cores * 1000;
    int64_t all = 0;
    if (job->attained_ms > 0)
        return 0;
    size *= job->nodes;
    if (__builtin_mul_overflow(size, job->expected_ms / 1000 + 1, &all))
        return INT64_MAX;
    return all;
}

bool queue_is_before(enum queue_order order, const struct job *a, const struct job *b)
{
    int64_t x = 0;
    int64_t y = 0;
    switch (order) {
    case ORDER_TURN:
        x = -(int64_t)a->priority;
        y = -(int64_t)b->priority;
        break;
    case ORDER_SHORT:
        x = a->expected_ms;
        y = b->expected_ms;
        break;
    case ORDER_AREA:
        x = area(a);
        y = area(b);
        break;
    }
    if (x != y)
        return x < y;
    if (a->submit_ms != b->submit_ms)
        return a->submit_ms < b->submit_ms;
    return a->sequence < b->sequence;
}

void queue_deinit(struct queue *queue)
{
    for (uint32_t i = 0; i < queue->block_count; i++)
        free(queue->blocks[i]);
    free(queue->blocks);
    free(queue->least);
    free(queue->spare);
    *queue = (struct queue){ .order = queue->order };
}

int queue_reserve(struct queue *queue)
{
    if (!queue->spare && !(queue->spare = malloc(sizeof(*queue->spare))))
        return -ENOMEM;
    if (queue->block_count < queue->block_capacity)
        return 0;
    uint32_t capacity = queue->block_capacity ? queue->block_capacity * 2 : 8;
    struct queue_block **blocks = realloc(queue->blocks, capacity * sizeof(struct queue_block *));
    if (!blocks)
        return -ENOMEM;
    queue->blocks = blocks;
    struct queue_least *least = realloc(queue->least, capacity * sizeof(*least));
    if (!least)
        return -ENOMEM;
    queue->least = least;
    queue->block_capacity = capacity;
    return 0;
}

/* The block where @job is or belongs: the last one whose first task is not after it. */
static uint32_t find_block(const struct queue *queue, const struct job *jobs, const struct job *job)
{
    uint32_t low = 0;
    uint32_t high = queue->block_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (queue_is_before(queue->order, job, &jobs[queue->blocks[middle]->jobs[0]]))
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* How many of the block's tasks are before @job. */
static uint32_t find_place(const struct queue *queue, const struct queue_block *block,
                           const struct job *jobs, const struct job *job)
{
    uint32_t low = 0;
    uint32_t high = block->count;
    /* Most arrivals go to the end. */
    if (high > 0 && queue_is_before(queue->order, &jobs[block->jobs[high - 1]], job))
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (queue_is_before(queue->order, &jobs[block->jobs[middle]], job))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t smallest(const int32_t *numbers, uint32_t count)
{
    int32_t least = INT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        least = numbers[i] < least ? numbers[i] : least;
    return least;
}

static uint32_t account_at(const struct job *job, uint32_t place)
{
    return place < job->account_count ? job->accounts[place] : STINT_NO_ACCOUNT;
}

static void block_measure(struct queue *queue, uint32_t b, const struct job *jobs)
{
    struct queue_block *block = queue->blocks[b];
    for (uint32_t k = 0; k < STINT_ASK_ACCOUNT_MAX; k++)
        block->common[k] = block->count ? account_at(&jobs[block->jobs[0]], k) : STINT_NO_ACCOUNT;
    for (uint32_t i = 1; i < block->count; i++)
        for (uint32_t k = 0; k < STINT_ASK_ACCOUNT_MAX; k++)
            if (block->common[k] != account_at(&jobs[block->jobs[i]], k))
                block->common[k] = STINT_NO_ACCOUNT;
    queue->least[b] = (struct queue_least){ .cores = smallest(block->cores, block->count),
                                            .gpus = smallest(block->gpus, block->count),
                                            .memory = smallest(block->memory, block->count) };
}

static void insert_block(struct queue *queue, uint32_t at)
{
    memmove(&queue->blocks[at + 1], &queue->blocks[at],
            (queue->block_count - at) * sizeof(struct queue_block *));
    memmove(&queue->least[at + 1], &queue->least[at],
            (queue->block_count - at) * sizeof(*queue->least));
    queue->blocks[at] = stint_take(queue->spare);
    queue->blocks[at]->count = 0;
    queue->block_count++;
}

/* Moves the upper part of a full block to a new one behind it. At the very end nothing is moved, so
 * that a queue that only grows has full blocks. */
static void split_block(struct queue *queue, const struct job *jobs, uint32_t at, uint32_t keep)
{
    insert_block(queue, at + 1);
    struct queue_block *low = queue->blocks[at];
    struct queue_block *high = queue->blocks[at + 1];
    high->count = low->count - keep;
    low->count = keep;
    memcpy(high->jobs, low->jobs + keep, high->count * sizeof(*high->jobs));
    memcpy(high->cores, low->cores + keep, high->count * sizeof(*high->cores));
    memcpy(high->gpus, low->gpus + keep, high->count * sizeof(*high->gpus));
    memcpy(high->memory, low->memory + keep, high->count * sizeof(*high->memory));
    block_measure(queue, at, jobs);
    block_measure(queue, at + 1, jobs);
}

static void open_gap(struct queue_block *block, uint32_t at)
{
    uint32_t more = block->count - at;
    memmove(&block->jobs[at + 1], &block->jobs[at], more * sizeof(*block->jobs));
    memmove(&block->cores[at + 1], &block->cores[at], more * sizeof(*block->cores));
    memmove(&block->gpus[at + 1], &block->gpus[at], more * sizeof(*block->gpus));
    memmove(&block->memory[at + 1], &block->memory[at], more * sizeof(*block->memory));
    block->count++;
}

static void close_gap(struct queue_block *block, uint32_t at)
{
    uint32_t more = --block->count - at;
    memmove(&block->jobs[at], &block->jobs[at + 1], more * sizeof(*block->jobs));
    memmove(&block->cores[at], &block->cores[at + 1], more * sizeof(*block->cores));
    memmove(&block->gpus[at], &block->gpus[at + 1], more * sizeof(*block->gpus));
    memmove(&block->memory[at], &block->memory[at + 1], more * sizeof(*block->memory));
}

void queue_insert(struct queue *queue, const struct job *jobs, uint32_t number)
{
    const struct job *job = &jobs[number];
    if (queue->block_count == 0) {
        insert_block(queue, 0);
        block_measure(queue, 0, jobs);
    }
    uint32_t b = find_block(queue, jobs, job);
    uint32_t at = find_place(queue, queue->blocks[b], jobs, job);
    if (queue->blocks[b]->count == QUEUE_BLOCK) {
        bool is_end = at == QUEUE_BLOCK && b + 1 == queue->block_count;
        uint32_t keep = is_end ? QUEUE_BLOCK : QUEUE_BLOCK / 2;
        split_block(queue, jobs, b, keep);
        if (at > keep || is_end) {
            b++;
            at -= keep;
        }
    }
    struct queue_block *block = queue->blocks[b];
    open_gap(block, at);
    for (uint32_t k = 0; k < STINT_ASK_ACCOUNT_MAX; k++)
        if (block->count == 1)
            block->common[k] = account_at(job, k);
        else if (block->common[k] != account_at(job, k))
            block->common[k] = STINT_NO_ACCOUNT;
    block->jobs[at] = number;
    block->cores[at] = job->need.cores;
    block->gpus[at] = (int32_t)job->need.gpus * job->need.gpu_milli;
    block->memory[at] = job->need.memory_mib;
    struct queue_least *least = &queue->least[b];
    least->cores = block->cores[at] < least->cores ? block->cores[at] : least->cores;
    least->gpus = block->gpus[at] < least->gpus ? block->gpus[at] : least->gpus;
    least->memory = block->memory[at] < least->memory ? block->memory[at] : least->memory;
    queue->count++;
}

static void remove_block(struct queue *queue, uint32_t at)
{
    if (queue->spare)
        free(queue->blocks[at]);
    else
        queue->spare = queue->blocks[at];
    queue->block_count--;
    memmove(&queue->blocks[at], &queue->blocks[at + 1],
            (queue->block_count - at) * sizeof(struct queue_block *));
    memmove(&queue->least[at], &queue->least[at + 1],
            (queue->block_count - at) * sizeof(*queue->least));
}

/* Moves all of block @b + 1 into @b when both are thin, so that memory stays with the tasks. */
static void join_thin(struct queue *queue, const struct job *jobs, uint32_t b)
{
    if (b + 1 >= queue->block_count ||
        queue->blocks[b]->count + queue->blocks[b + 1]->count > QUEUE_BLOCK / 2)
        return;
    struct queue_block *low = queue->blocks[b];
    struct queue_block *high = queue->blocks[b + 1];
    memcpy(low->jobs + low->count, high->jobs, high->count * sizeof(*high->jobs));
    memcpy(low->cores + low->count, high->cores, high->count * sizeof(*high->cores));
    memcpy(low->gpus + low->count, high->gpus, high->count * sizeof(*high->gpus));
    memcpy(low->memory + low->count, high->memory, high->count * sizeof(*high->memory));
    low->count += high->count;
    block_measure(queue, b, jobs);
    remove_block(queue, b + 1);
}

void queue_remove(struct queue *queue, const struct job *jobs, uint32_t number)
{
    uint32_t b = find_block(queue, jobs, &jobs[number]);
    struct queue_block *block = queue->blocks[b];
    uint32_t at = find_place(queue, block, jobs, &jobs[number]);
    assert(at < block->count && block->jobs[at] == number);
    const struct queue_least *least = &queue->least[b];
    bool is_least = block->cores[at] == least->cores || block->gpus[at] == least->gpus ||
                    block->memory[at] == least->memory;
    close_gap(block, at);
    queue->count--;
    if (block->count == 0) {
        remove_block(queue, b);
        return;
    }
    if (is_least)
        block_measure(queue, b, jobs);
    if (block->count >= QUEUE_BLOCK / 4)
        return;
    if (queue->is_walked)
        queue->is_thin = true;
    else
        join_thin(queue, jobs, b > 0 ? b - 1 : 0);
}

uint32_t queue_at(const struct queue *queue, struct cursor *cursor)
{
    while (cursor->block < queue->block_count &&
           cursor->at >= queue->blocks[cursor->block]->count) {
        cursor->block++;
        cursor->at = 0;
    }
    return cursor->block < queue->block_count ? queue->blocks[cursor->block]->jobs[cursor->at]
                                              : NO_JOB;
}

void queue_walked(struct queue *queue, const struct job *jobs)
{
    queue->is_walked = false;
    if (!queue->is_thin)
        return;
    queue->is_thin = false;
    for (uint32_t b = queue->block_count; b-- > 0;) {
        if (queue->blocks[b]->count < QUEUE_BLOCK / 4)
            join_thin(queue, jobs, b);
    }
}

uint32_t queue_rank(const struct queue *queue, const struct job *jobs, uint32_t number)
{
    uint32_t b = find_block(queue, jobs, &jobs[number]);
    uint32_t rank = find_place(queue, queue->blocks[b], jobs, &jobs[number]);
    for (uint32_t i = 0; i < b; i++)
        rank += queue->blocks[i]->count;
    return rank;
}

void queue_regroup(struct queue *queue, const struct job *jobs, uint32_t number)
{
    block_measure(queue, find_block(queue, jobs, &jobs[number]), jobs);
}
