/* Owns: the check of everything against everything, for tests. */
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* Rebuilds a node's timeline and free amounts from the claims on it. */
static const char *check_node(struct stint_scheduler *s, uint32_t number)
{
    struct node *node = &s->nodes[number];
    const struct layout *layout = node->layout;
    struct timeline rebuilt;
    uint32_t claims = 0;
    uint32_t promises = 0;
    const char *wrong = NULL;
    size_t words = STINT_BIT_WORDS(layout->shape->core_count);
    uint64_t *cores = calloc(words + 1, sizeof(*cores));
    if (!cores || timeline_init(&rebuilt, layout->width, layout->total) != 0 ||
        timeline_reserve(&rebuilt, node->claims + 2) != 0)
        return "out of memory";
    timeline_trim(&node->timeline, s->now_ms);
    for (uint32_t i = 0; i < s->job_count && !wrong; i++) {
        const struct job *job = &s->jobs[i];
        if (job->place == PLACE_FREE || !job->claim)
            continue;
        const int32_t *vector = job->claim->vectors;
        for (uint32_t k = 0; k < job->claim->node_count; k++) {
            if (job->claim->nodes[k] == number && ++claims <= node->claims) {
                bool is_running = job->place == PLACE_RUNNING;
                promises += !is_running;
                timeline_add(&rebuilt, is_running ? TIME_START : job->claim->start_ms,
                             is_running ? job->ends_ms : job->claim->end_ms, vector, -1);
                for (size_t w = 0; is_running && w < words; w++) {
                    if (cores[w] & job->allocation->grants[k].cores[w])
                        wrong = "a core is granted twice (invariant 3)";
                    cores[w] |= job->allocation->grants[k].cores[w];
                }
            }
            vector += s->nodes[job->claim->nodes[k]].layout->width;
        }
    }
    timeline_trim(&rebuilt, s->now_ms);
    if (!wrong && (claims != node->claims || promises != node->promises))
        wrong = "a node counts other claims than there are";
    if (!wrong && rebuilt.count != node->timeline.count)
        wrong = "a timeline has other steps than one built anew";
    for (uint32_t i = 0; i < rebuilt.count && !wrong; i++) {
        if (timeline_time(&rebuilt, i) != timeline_time(&node->timeline, i) ||
            memcmp(timeline_step(&rebuilt, i), timeline_step(&node->timeline, i),
                   layout->width * sizeof(int32_t)) != 0)
            wrong = "a timeline differs from one built anew";
        for (uint32_t k = 0; k < layout->width && !wrong; k++)
            if (timeline_step(&rebuilt, i)[k] < 0 && !s->is_shaken && i == 0)
                wrong = "more is granted than there is (invariant 3)";
    }
    for (uint32_t c = 0; c < layout->shape->core_count && !wrong; c++)
        if (stint_bit_has(cores, c) == stint_bit_has(node->cores, c))
            wrong = "a core is neither free nor granted, or both";
    timeline_deinit(&rebuilt);
    free(cores);
    return wrong;
}

/* What is counted as free, against what runs. */
static const char *check_amounts(const struct stint_scheduler *s, uint32_t number)
{
    const struct node *node = &s->nodes[number];
    const struct layout *layout = node->layout;
    int32_t free[PLACE_WIDTH_MAX];
    int64_t cores = 0;
    int64_t memory = 0;
    int32_t whole = 0;
    int32_t milli = 0;
    memcpy(free, layout->total, layout->width * sizeof(*free));
    for (uint32_t i = 0; i < s->running.count; i++) {
        const struct claim *claim = s->jobs[s->running.jobs[i]].claim;
        const int32_t *vector = claim->vectors;
        for (uint32_t k = 0; k < claim->node_count; k++) {
            uint32_t width = s->nodes[claim->nodes[k]].layout->width;
            for (uint32_t w = 0; claim->nodes[k] == number && w < width; w++)
                free[w] -= vector[w];
            vector += width;
        }
    }
    for (uint32_t n = 0; n < layout->numa; n++) {
        cores += free[n];
        memory += free[layout->numa + n];
    }
    for (uint32_t g = 0; g < layout->gpus; g++) {
        whole += free[2 * layout->numa + g] == 1000;
        milli += free[2 * layout->numa + g];
    }
    return node->free_cores == cores && node->free_memory_mib == memory &&
                   node->whole_gpus == whole && node->gpu_milli == milli
               ? NULL
               : "a node counts other free amounts than it has";
}

static const char *check_accounts(const struct stint_scheduler *s)
{
    for (uint32_t a = 0; a < s->account_count; a++) {
        int64_t used[STINT_LIMIT_BUDGET];
        memcpy(used, s->accounts[a].elsewhere, sizeof(used));
        for (uint32_t i = 0; i < s->job_count; i++) {
            const struct job *job = &s->jobs[i];
            for (uint32_t k = 0; job->place == PLACE_RUNNING && k < job->account_count; k++) {
                if (job->accounts[k] != a)
                    continue;
                used[STINT_LIMIT_GPU_MILLI] +=
                    (int64_t)job->need.gpus * job->need.gpu_milli * job->nodes;
                used[STINT_LIMIT_CORES] += (int64_t)job->need.cores * job->nodes;
                used[STINT_LIMIT_MEMORY] += (int64_t)job->need.memory_mib * MIB * job->nodes;
                used[STINT_LIMIT_JOBS]++;
            }
        }
        if (memcmp(used, s->accounts[a].used, sizeof(used)) != 0)
            return "an account counts other than what runs";
    }
    return NULL;
}

static const char *check_queue(const struct stint_scheduler *s, const struct queue *queue)
{
    uint32_t count = 0;
    uint32_t last = NO_JOB;
    for (uint32_t b = 0; b < queue->block_count; b++) {
        const struct queue_block *block = queue->blocks[b];
        if (block->count == 0)
            return "an empty block in a queue";
        for (uint32_t i = 0; i < block->count; i++) {
            const struct job *job = &s->jobs[block->jobs[i]];
            if (job->place != PLACE_QUEUE)
                return "a task in the queue that is elsewhere";
            if (last != NO_JOB && !queue_is_before(queue->order, &s->jobs[last], job))
                return "a queue out of order";
            if (job->need.cores < queue->least[b].cores ||
                job->need.memory_mib < queue->least[b].memory ||
                (int32_t)job->need.gpus * job->need.gpu_milli < queue->least[b].gpus)
                return "a block that needs less than it says";
            last = block->jobs[i];
            count++;
        }
    }
    return count == queue->count ? NULL : "a queue counts other tasks than it has";
}

/* A task that runs or waits by itself is not among those that wait together. */
static const char *check_array(const struct stint_scheduler *s, const struct job *job)
{
    struct stint_task_key whole = { .job = job->key.job, .task = STINT_TASK_WHOLE };
    if (job->key.task == STINT_TASK_WHOLE)
        return job->place != PLACE_RUNNING && job->tasks && job->tasks->count > 0
                   ? NULL
                   : "an array that runs, or has no tasks";
    uint32_t array = job_find(s, whole);
    if (array != NO_JOB && stint_tasks_has(s->jobs[array].tasks, job->key.task))
        return "a task that is here twice";
    return job->tasks ? "a task with tasks" : NULL;
}

const char *stint_scheduler_check(const struct stint_scheduler *scheduler)
{
    struct stint_scheduler *s = asked(scheduler);
    const char *wrong = NULL;
    uint32_t queued = 0;
    for (uint32_t i = 0; i < s->machine->node_count && !wrong; i++)
        wrong = check_node(s, i);
    for (uint32_t i = 0; i < s->machine->node_count && !wrong; i++)
        wrong = check_amounts(s, i);
    if (!wrong)
        wrong = check_accounts(s);
    if (!wrong)
        wrong = check_queue(s, &s->main);
    if (!wrong && s->has_backfill_queue)
        wrong = check_queue(s, &s->backfill);
    for (uint32_t i = 0; i < s->job_count && !wrong; i++) {
        if (s->jobs[i].place != PLACE_FREE && job_find(s, s->jobs[i].key) != i)
            wrong = "a task that the index does not find";
        queued += s->jobs[i].place == PLACE_QUEUE;
        if (s->jobs[i].place != PLACE_FREE && !wrong)
            wrong = check_array(s, &s->jobs[i]);
    }
    if (!wrong && queued != s->main.count)
        wrong = "a task outside of the queue that is in it";
    if (!wrong && s->promise_breaks > 0)
        wrong = "a promise moved later";
    return wrong;
}
