/* Owns: the alignment of two word sequences. */
#include "align.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* One call: the two sequences, and the rows of the trace. Row d holds, for each diagonal
 * k = x - y from -d to start_max + d, the furthest x reached with d edits, or -1. */
struct align {
    const uint16_t *a;
    const uint16_t *b;
    int32_t a_count;
    int32_t b_count;
    int32_t start_max;
    struct align_work *work;
};

void align_work_deinit(struct align_work *work)
{
    free(work->trace);
    memset(work, 0, sizeof(*work));
}

/* Where row @d begins: rows before it have start_max + 2i + 1 cells each. */
static size_t row_offset(const struct align *align, int32_t d)
{
    return (size_t)d * (size_t)align->start_max + (size_t)d * (size_t)d;
}

static int reserve_row(const struct align *align, int32_t d)
{
    size_t needed = row_offset(align, d + 1);
    struct align_work *work = align->work;
    if (needed <= work->capacity)
        return 0;
    size_t capacity = needed * 2;
    int32_t *trace = realloc(work->trace, capacity * sizeof(*trace));
    if (!trace)
        return -ENOMEM;
    work->trace = trace;
    work->capacity = capacity;
    return 0;
}

static int32_t cell(const struct align *align, int32_t d, int32_t k)
{
    if (k < -d || k > align->start_max + d)
        return -1;
    return align->work->trace[row_offset(align, d) + (size_t)(k + d)];
}

enum step { STEP_STAY, STEP_INSERT, STEP_DELETE };

/* The furthest x on diagonal @k before equal words are followed, from what the row before reached
 * on @k itself and on both its neighbours; -1: none. */
static inline int32_t best_of(const struct align *align, int32_t k, int32_t stay, int32_t insert,
                              int32_t delete, enum step *ret_step)
{
    int32_t best = stay;
    *ret_step = STEP_STAY;
    if (delete >= 0 && delete - k <= align->b_count && delete > best) {
        best = delete;
        *ret_step = STEP_DELETE;
    }
    if (insert >= 0 && insert < align->a_count && insert + 1 > best) {
        best = insert + 1;
        *ret_step = STEP_INSERT;
    }
    return best;
}

static int32_t follow(const struct align *align, int32_t x, int32_t k)
{
    while (x < align->a_count && x - k < align->b_count && align->a[x] == align->b[x - k] &&
           align->a[x] != WORD_FOREIGN)
        x++;
    return x;
}

/* Row 0: every diagonal that may begin. */
static bool fill_first_row(const struct align *align, int32_t *ret_k)
{
    int32_t *row = align->work->trace;
    bool is_done = false;
    for (int32_t k = 0; k <= align->start_max; k++) {
        row[k] = follow(align, k, k);
        if (row[k] - k == align->b_count && !is_done) {
            *ret_k = k;
            is_done = true;
        }
    }
    return is_done;
}

/* Fills row @d; true when all of b is used up, with the diagonal. Most of the time of a comparison
 * is spent here. */
static bool fill_row(const struct align *align, int32_t d, int32_t *ret_k)
{
    if (d == 0)
        return fill_first_row(align, ret_k);
    int32_t *row = align->work->trace + row_offset(align, d);
    const int32_t *before = align->work->trace + row_offset(align, d - 1);
    int32_t count = align->start_max + 2 * d - 1; /* cells of the row before */
    bool is_done = false;
    /* Cell i of this row is diagonal i - d, and between cells i - 2 and i of the row before. */
    for (int32_t i = 0; i < count + 2; i++) {
        enum step step;
        int32_t k = i - d;
        int32_t x = best_of(align, k, i >= 1 && i <= count ? before[i - 1] : -1,
                            i >= 2 ? before[i - 2] : -1, i < count ? before[i] : -1, &step);
        if (x > align->a_count || x - k > align->b_count || x - k < 0)
            x = -1;
        if (x >= 0)
            x = follow(align, x, k);
        row[i] = x;
        if (x >= 0 && x - k == align->b_count && !is_done) {
            *ret_k = k;
            is_done = true;
        }
    }
    return is_done;
}

static void trace_back(const struct align *align, int32_t d, int32_t k, uint32_t *pair)
{
    int32_t x = cell(align, d, k);
    for (;;) {
        enum step step = STEP_STAY;
        int32_t start = d == 0 ? k
                               : best_of(align, k, cell(align, d - 1, k), cell(align, d - 1, k - 1),
                                         cell(align, d - 1, k + 1), &step);
        for (; x > start; x--)
            pair[x - 1 - k] = (uint32_t)(x - 1);
        if (d == 0)
            return;
        d--;
        if (step == STEP_INSERT) {
            x = start - 1;
            k--;
        } else if (step == STEP_DELETE) {
            k++;
        }
    }
}

int align_words(struct align_work *work, const uint16_t *a, uint32_t a_count, const uint16_t *b,
                uint32_t b_count, uint32_t start_max, uint32_t distance_max, uint32_t *pair)
{
    if (start_max > ALIGN_START_MAX)
        start_max = ALIGN_START_MAX;
    if (start_max > a_count)
        start_max = a_count;
    if (distance_max > ALIGN_DISTANCE_MAX)
        distance_max = ALIGN_DISTANCE_MAX;
    struct align align = { a, b, (int32_t)a_count, (int32_t)b_count, (int32_t)start_max, work };
    for (int32_t d = 0; d <= (int32_t)distance_max; d++) {
        int32_t k = 0;
        if (reserve_row(&align, d) != 0)
            return -ENOMEM;
        if (!fill_row(&align, d, &k))
            continue;
        for (uint32_t i = 0; i < b_count; i++)
            pair[i] = ALIGN_NONE;
        trace_back(&align, d, k, pair);
        return 0;
    }
    return 1;
}
