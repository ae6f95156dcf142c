/* Pending tasks in an order, in blocks of at most QUEUE_BLOCK: inserting and removing moves one
 * block's numbers, and a block none of whose tasks could fit is passed over whole. */
#ifndef STINT_SCHEDULER_QUEUE_H
#define STINT_SCHEDULER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_BLOCK 128

#include "stint/scheduler.h"

#define NO_JOB UINT32_MAX

struct job;

/* Turn: priority falling, then age. Short: limit. Area: limit times size. Ties: age, then the order
 * of submission. */
enum queue_order { ORDER_TURN = 0, ORDER_SHORT, ORDER_AREA };

/* Least needs of a block's tasks: none of them needs less. Beside the blocks, not in them: a
 * million tasks are passed over in one walk through neighbouring memory. */
struct queue_least {
    int32_t cores;
    int32_t gpus; /* thousandths */
    int32_t memory;
};

/* @common: accounts that all of the block's tasks have, at the same place of their lists, so that a
 * block of a project at its limit is passed over whole. */
struct queue_block {
    uint32_t count;
    uint32_t common[STINT_ASK_ACCOUNT_MAX]; /* STINT_NO_ACCOUNT: not the same for all */
    uint32_t jobs[QUEUE_BLOCK];
    int32_t cores[QUEUE_BLOCK];
    int32_t gpus[QUEUE_BLOCK];
    int32_t memory[QUEUE_BLOCK];
};

struct queue {
    enum queue_order order;
    uint32_t count;
    uint32_t block_count;
    uint32_t block_capacity;
    struct queue_block **blocks;
    struct queue_least *least; /* of each block */
    struct queue_block *spare;
    bool is_walked; /* a pass holds a cursor: blocks are not joined meanwhile */
    bool is_thin;   /* … and should be afterwards */
};

void queue_deinit(struct queue *queue);
/* Room for one more, so that queue_insert() cannot fail. 0 or -ENOMEM. */
int queue_reserve(struct queue *queue);
void queue_insert(struct queue *queue, const struct job *jobs, uint32_t number);
void queue_remove(struct queue *queue, const struct job *jobs, uint32_t number);
/* Is @a before @b in @order? */
bool queue_is_before(enum queue_order order, const struct job *a, const struct job *b);
/* The next task at or after a cursor, NO_JOB at the end; the cursor stays on it. A task that is
 * removed under the cursor leaves it on the next one. */
struct cursor {
    uint32_t block;
    uint32_t at;
};
uint32_t queue_at(const struct queue *queue, struct cursor *cursor);
/* Joins thin neighbours after a walk. */
void queue_walked(struct queue *queue, const struct job *jobs);
/* The accounts of a task in the queue have changed. */
void queue_regroup(struct queue *queue, const struct job *jobs, uint32_t number);
/* How many are before it. O(blocks). */
uint32_t queue_rank(const struct queue *queue, const struct job *jobs, uint32_t number);

#endif
