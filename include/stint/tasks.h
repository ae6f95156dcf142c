/* The tasks of an array (DESIGN §7): which numbers it has, as asked for with `1-10:2,20%4`, and
 * sets of them. A hundred thousand tasks are some runs of numbers and a bit each, never an object
 * each. */
#ifndef STINT_TASKS_H
#define STINT_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/error.h"

#define STINT_ARRAY_TASK_MAX  100000                     /* tasks of one array */
#define STINT_ARRAY_INDEX_MAX 1000000                    /* the largest number of a task */
#define STINT_ARRAY_RUN_MAX   (STINT_ARRAY_TASK_MAX / 2) /* two numbers are a run, any two */

/* In place of a task's number: the array as a whole. No task has it. */
#define STINT_TASK_WHOLE UINT32_MAX

/* @first, @first + @step, … : @count numbers, of which @before come before in the array */
struct stint_array_run {
    uint32_t first;
    uint32_t step;
    uint32_t count;
    uint32_t before;
};

/**
 * struct stint_array - the shape of an array: its numbers, rising, each once
 * @running_max: of `%MAX`, 0 for none
 */
struct stint_array {
    uint32_t task_count;
    uint32_t running_max;
    uint32_t run_count;
    struct stint_array_run runs[];
};

/**
 * stint_array_parse() - `SPEC[%MAX]`: a comma list of N, A-B, A-B:STEP (sbatch(1) --array)
 * A number that is named twice counts once. @ret_array: stint_array_free() it
 * Return: 0; STINT_INVALID (not of that form, a number above STINT_ARRAY_INDEX_MAX);
 * STINT_TOO_LARGE more than STINT_ARRAY_TASK_MAX tasks; -ENOMEM. O(largest number / 64 + tasks).
 */
int stint_array_parse(const char *text, struct stint_array **ret_array, struct stint_error *err);
struct stint_array *stint_array_free(struct stint_array *array);
static inline __attribute__((unused)) void stint_array_free_auto(struct stint_array **array)
{
    (void)stint_array_free(*array);
}
/* The number of the task at place @at (below task_count); and back, STINT_TASK_WHOLE for a number
 * that the array does not have. O(log runs). */
uint32_t stint_array_task(const struct stint_array *array, uint32_t at);
uint32_t stint_array_at(const struct stint_array *array, uint32_t task);

/**
 * struct stint_tasks - a set of tasks of one array, a bit a task
 * @array: borrowed; outlives the set
 * @low: no task of the set is in a word before this one
 */
struct stint_tasks {
    const struct stint_array *array;
    uint32_t count;
    uint32_t low;
    uint64_t words[];
};

/* None of the tasks, or all; NULL without memory. */
struct stint_tasks *stint_tasks_new(const struct stint_array *array, bool is_full);
/* With a copy of the shape in it: it needs no other. NULL without memory. */
struct stint_tasks *stint_tasks_copy(const struct stint_tasks *tasks);
/* "1-9:2,20": stint_array_parse() reads an array of these very tasks. "" for none. */
void stint_tasks_write(const struct stint_tasks *tasks, struct stint_buffer *out);
struct stint_tasks *stint_tasks_free(struct stint_tasks *tasks);
bool stint_tasks_has(const struct stint_tasks *tasks, uint32_t task);
/* Takes @task out, puts it in; false when it was out, in, or is not of the array. */
bool stint_tasks_take(struct stint_tasks *tasks, uint32_t task);
bool stint_tasks_put(struct stint_tasks *tasks, uint32_t task);
/* The lowest; the lowest above @task; STINT_TASK_WHOLE when there is none. */
uint32_t stint_tasks_first(struct stint_tasks *tasks);
uint32_t stint_tasks_next(const struct stint_tasks *tasks, uint32_t task);

/**
 * struct stint_job_ref - what a verb is about: `41`, `41_7`, `41_[1-5,9]`
 * @tasks: NULL for the job as a whole; owned, stint_array_free() it
 */
struct stint_job_ref {
    uint64_t job;
    struct stint_array *tasks;
};
/* 0; STINT_INVALID with the place and the cure; -ENOMEM. */
int stint_job_ref_parse(const char *text, struct stint_job_ref *ret_ref, struct stint_error *err);

#endif
