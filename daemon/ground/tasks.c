/* Owns: the numbers of an array's tasks, and sets of them. */
#include "stint/tasks.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

#define WORD_BITS  64
#define INDEX_BITS (STINT_ARRAY_INDEX_MAX + 1)

static size_t words_for(uint32_t bits)
{
    return ((size_t)bits + WORD_BITS - 1) / WORD_BITS;
}

/* ---- the shape */

static int bad_form(struct stint_error *err)
{
    (void)stint_fail(err, STINT_INVALID, "not a list of tasks");
    return stint_fix(err, STINT_INVALID, "write 1-10, 0,4,7 or 1-100:2%%8, numbers up to %d",
                     STINT_ARRAY_INDEX_MAX);
}

/* Digits at *@text; false without any, or above @max. */
static bool read_number(const char **text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > max)
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *ret_number = number;
    return true;
}

/* N, A-B, A-B:STEP */
static bool read_part(const char **text, struct stint_array_run *ret_part)
{
    uint64_t first;
    uint64_t last;
    uint64_t step = 1;
    if (!read_number(text, STINT_ARRAY_INDEX_MAX, &first))
        return false;
    last = first;
    if (**text == '-') {
        ++*text;
        if (!read_number(text, STINT_ARRAY_INDEX_MAX, &last) || last < first)
            return false;
        if (**text == ':') {
            ++*text;
            if (!read_number(text, STINT_ARRAY_INDEX_MAX, &step) || step == 0)
                return false;
        }
    }
    *ret_part = (struct stint_array_run){ .first = (uint32_t)first,
                                          .step = (uint32_t)step,
                                          .count = (uint32_t)((last - first) / step + 1) };
    return true;
}

/* All parts into @bits; 0, STINT_INVALID. */
static int read_parts(const char *text, uint64_t *bits, uint32_t *ret_running_max,
                      struct stint_error *err)
{
    uint64_t running_max = 0;
    for (;; text++) { /* over the comma */
        struct stint_array_run part;
        if (!read_part(&text, &part))
            return bad_form(err);
        for (uint32_t i = 0; i < part.count; i++) {
            uint32_t task = part.first + i * part.step;
            bits[task / WORD_BITS] |= UINT64_C(1) << (task % WORD_BITS);
        }
        if (*text != ',')
            break;
    }
    if (*text == '%') {
        text++;
        if (!read_number(&text, STINT_ARRAY_INDEX_MAX, &running_max) || running_max == 0)
            return bad_form(err);
    }
    if (*text)
        return bad_form(err);
    *ret_running_max = (uint32_t)running_max;
    return 0;
}

/* Appends @task, which is above all before it. */
static void append(struct stint_array *array, uint32_t task)
{
    struct stint_array_run *run = array->run_count ? &array->runs[array->run_count - 1] : NULL;
    if (run && run->count == 1)
        run->step = task - run->first;
    if (run && task == run->first + run->count * run->step) {
        run->count++;
    } else {
        assert(array->run_count < STINT_ARRAY_RUN_MAX);
        array->runs[array->run_count++] = (struct stint_array_run){
            .first = task, .step = 1, .count = 1, .before = array->task_count
        };
    }
    array->task_count++;
}

static int from_bits(const uint64_t *bits, struct stint_array *array, struct stint_error *err)
{
    for (size_t w = 0; w < words_for(INDEX_BITS); w++) {
        for (uint64_t word = bits[w]; word; word &= word - 1) {
            uint32_t task = (uint32_t)(w * WORD_BITS) + (uint32_t)__builtin_ctzll(word);
            if (array->task_count == STINT_ARRAY_TASK_MAX)
                return stint_fail(err, STINT_TOO_LARGE, "an array has at most %d tasks",
                                  STINT_ARRAY_TASK_MAX);
            append(array, task);
        }
    }
    return 0;
}

int stint_array_parse(const char *text, struct stint_array **ret_array, struct stint_error *err)
{
    stint_auto(stint_free) uint64_t *bits = calloc(words_for(INDEX_BITS), sizeof(*bits));
    stint_auto(stint_array_free) struct stint_array *array =
        calloc(1, sizeof(*array) + STINT_ARRAY_RUN_MAX * sizeof(array->runs[0]));
    if (!bits || !array)
        return -ENOMEM;
    int r = read_parts(text, bits, &array->running_max, err);
    if (r == 0)
        r = from_bits(bits, array, err);
    if (r != 0)
        return r;
    struct stint_array *fitted =
        realloc(array, sizeof(*array) + array->run_count * sizeof(array->runs[0]));
    array = fitted ? fitted : array;
    *ret_array = stint_take(array);
    return 0;
}

struct stint_array *stint_array_free(struct stint_array *array)
{
    free(array);
    return NULL;
}

uint32_t stint_array_task(const struct stint_array *array, uint32_t at)
{
    uint32_t low = 0;
    uint32_t high = array->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (array->runs[middle].before <= at)
            low = middle;
        else
            high = middle;
    }
    return array->runs[low].first + (at - array->runs[low].before) * array->runs[low].step;
}

uint32_t stint_array_at(const struct stint_array *array, uint32_t task)
{
    uint32_t low = 0;
    uint32_t high = array->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (array->runs[middle].first <= task)
            low = middle;
        else
            high = middle;
    }
    const struct stint_array_run *run = &array->runs[low];
    uint32_t offset = task - run->first;
    if (task < run->first || offset % run->step != 0 || offset / run->step >= run->count)
        return STINT_TASK_WHOLE;
    return run->before + offset / run->step;
}

/* ---- sets */

struct stint_tasks *stint_tasks_new(const struct stint_array *array, bool is_full)
{
    size_t count = words_for(array->task_count);
    struct stint_tasks *tasks = calloc(1, sizeof(*tasks) + count * sizeof(tasks->words[0]));
    if (!tasks)
        return NULL;
    tasks->array = array;
    if (!is_full) {
        tasks->low = (uint32_t)count;
        return tasks;
    }
    memset(tasks->words, 0xff, count * sizeof(tasks->words[0]));
    if (array->task_count % WORD_BITS)
        tasks->words[count - 1] = (UINT64_C(1) << (array->task_count % WORD_BITS)) - 1;
    tasks->count = array->task_count;
    return tasks;
}

static uint32_t first_from(const struct stint_tasks *tasks, size_t word, uint64_t mask,
                           size_t *ret_word)
{
    for (size_t count = words_for(tasks->array->task_count); word < count; word++) {
        uint64_t left = tasks->words[word] & mask;
        *ret_word = word;
        if (left)
            return stint_array_task(tasks->array,
                                    (uint32_t)(word * WORD_BITS) + (uint32_t)__builtin_ctzll(left));
        mask = UINT64_MAX;
    }
    return STINT_TASK_WHOLE;
}

struct stint_tasks *stint_tasks_copy(const struct stint_tasks *tasks)
{
    const struct stint_array *array = tasks->array;
    size_t size = sizeof(*tasks) + words_for(array->task_count) * sizeof(tasks->words[0]);
    size_t shape_size = sizeof(*array) + array->run_count * sizeof(array->runs[0]);
    struct stint_tasks *copy = malloc(size + shape_size); /* words first: they are aligned most */
    if (!copy)
        return NULL;
    memcpy(copy, tasks, size);
    memcpy((char *)copy + size, array, shape_size);
    copy->array = (const struct stint_array *)(const void *)((char *)copy + size);
    return copy;
}

static void write_run(const struct stint_array_run *run, const char *comma,
                      struct stint_buffer *out)
{
    uint32_t last = run->first + (run->count - 1) * run->step;
    stint_buffer_printf(out, "%s%" PRIu32, comma, run->first);
    if (run->count == 2)
        stint_buffer_printf(out, ",%" PRIu32, last);
    else if (run->count > 2)
        stint_buffer_printf(out, "-%" PRIu32, last);
    if (run->count > 2 && run->step > 1)
        stint_buffer_printf(out, ":%" PRIu32, run->step);
}

void stint_tasks_write(const struct stint_tasks *tasks, struct stint_buffer *out)
{
    struct stint_array_run run = { 0 };
    const char *comma = "";
    size_t word;
    uint32_t task = first_from(tasks, 0, UINT64_MAX, &word);
    for (; task != STINT_TASK_WHOLE; task = stint_tasks_next(tasks, task)) {
        if (run.count == 1)
            run.step = task - run.first;
        if (run.count > 0 && task == run.first + run.count * run.step) {
            run.count++;
            continue;
        }
        if (run.count > 0) {
            write_run(&run, comma, out);
            comma = ",";
        }
        run = (struct stint_array_run){ .first = task, .step = 1, .count = 1 };
    }
    if (run.count > 0)
        write_run(&run, comma, out);
}

struct stint_tasks *stint_tasks_free(struct stint_tasks *tasks)
{
    free(tasks);
    return NULL;
}

/* The word and bit of @task; false when it is none of the array's. */
static bool place(const struct stint_tasks *tasks, uint32_t task, size_t *ret_word,
                  uint64_t *ret_bit)
{
    uint32_t at = stint_array_at(tasks->array, task);
    if (at == STINT_TASK_WHOLE)
        return false;
    *ret_word = at / WORD_BITS;
    *ret_bit = UINT64_C(1) << (at % WORD_BITS);
    return true;
}

bool stint_tasks_has(const struct stint_tasks *tasks, uint32_t task)
{
    size_t word;
    uint64_t bit;
    return place(tasks, task, &word, &bit) && (tasks->words[word] & bit);
}

bool stint_tasks_take(struct stint_tasks *tasks, uint32_t task)
{
    size_t word;
    uint64_t bit;
    if (!place(tasks, task, &word, &bit) || !(tasks->words[word] & bit))
        return false;
    tasks->words[word] &= ~bit;
    tasks->count--;
    return true;
}

bool stint_tasks_put(struct stint_tasks *tasks, uint32_t task)
{
    size_t word;
    uint64_t bit;
    if (!place(tasks, task, &word, &bit) || (tasks->words[word] & bit))
        return false;
    tasks->words[word] |= bit;
    tasks->count++;
    if (word < tasks->low)
        tasks->low = (uint32_t)word;
    return true;
}

uint32_t stint_tasks_first(struct stint_tasks *tasks)
{
    size_t word = tasks->low;
    uint32_t task = first_from(tasks, tasks->low, UINT64_MAX, &word);
    if (task != STINT_TASK_WHOLE)
        tasks->low = (uint32_t)word;
    return task;
}

uint32_t stint_tasks_next(const struct stint_tasks *tasks, uint32_t task)
{
    size_t word;
    uint64_t bit;
    if (!place(tasks, task, &word, &bit))
        return STINT_TASK_WHOLE;
    return first_from(tasks, word, ~(bit | (bit - 1)), &word);
}

/* ---- names of jobs and tasks */

int stint_job_ref_parse(const char *text, struct stint_job_ref *ret_ref, struct stint_error *err)
{
    struct stint_job_ref ref = { 0 };
    char list[1024]; /* of one request's path */
    const char *at = text;
    size_t length = strlen(text);
    if (!read_number(&at, INT64_MAX / 10, &ref.job) || ref.job == 0 || (*at && *at != '_'))
        return stint_fail(err, STINT_INVALID, "'%.60s' names no job: 41, 41_7 or 41_[1-5]", text);
    if (!*at) {
        *ret_ref = ref;
        return 0;
    }
    bool is_list = *++at == '[' && text[length - 1] == ']';
    length = strlen(at) - 2 * (size_t)is_list;
    if (length >= sizeof(list) || (!is_list && strspn(at, "0123456789") != length))
        return stint_fail(err, STINT_INVALID, "'%.60s' names no task: 41_7 or 41_[1-5]", text);
    (void)snprintf(list, sizeof(list), "%.*s", (int)length, at + is_list);
    int r = strchr(list, '%') ? bad_form(err) : stint_array_parse(list, &ref.tasks, err);
    if (r == 0)
        *ret_ref = ref;
    return r;
}
