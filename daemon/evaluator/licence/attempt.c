/* Owns: aligning one template with one stretch of text, and the judgement on what is left over.
 *
 * 1. A word of the template that was not found counts as bad, unless it is a list mark, of a title,
 *    of a notice, of a place-holder, or of an optional part that is absent as a whole.
 * 2. A word of the text that was not matched counts as bad, unless it is a list mark or of a
 * notice, or stands where the template has a place-holder and could be part of a name.
 * 3. So bad == 0 is a proof: the text is the template but for what the matching guidelines allow.
 *
 * Two ways of comparing are tried. The first leaves list marks, notices, titles and place-holders
 * out of both sides, so that long lists of holders cost nothing. The second keeps all words, for
 * texts whose lines were joined, where a mark or a notice no longer shows as one. */
#include "recogniser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Most words a name may have that fills a place-holder. */
#define NAME_WORD_MAX 24

bool word_is_free(const struct words *words, size_t index)
{
    uint16_t flags = words->list[index].flags;
    return (flags & (WORD_BULLET | WORD_NOTICE)) != 0 ||
           ((flags & WORD_LINK) && words_is_name(words, index));
}

/* What a word of a template is besides itself; a plain one must be in the text. */
enum { KIND_PLAIN = 0, KIND_BULLET = 1, KIND_SPAN = 2 };

/* The span that holds word @at of @t, kind 0 when none does. */
static struct texts_span span_of(const struct recogniser *r, const struct texts_template *t,
                                 uint32_t at)
{
    uint32_t index = r->span_of_word[at];
    return index != ALIGN_NONE ? texts_span_at(r->texts, t->span_first + index)
                               : (struct texts_span){ 0, 0, 0 };
}

/* Notes for each word of the template its span, so that every later question is one look. */
static void note_spans(struct recogniser *r, const struct texts_template *t)
{
    for (uint32_t i = 0; i < t->word_count; i++) {
        r->span_of_word[i] = ALIGN_NONE;
        r->kind_of_word[i] =
            texts_is_bullet(r->texts, t->word_first + i) ? KIND_BULLET : KIND_PLAIN;
    }
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct texts_span span = texts_span_at(r->texts, t->span_first + i);
        for (uint32_t j = span.first; j < span.end; j++) {
            r->span_of_word[j] = i;
            r->kind_of_word[j] |= KIND_SPAN;
        }
    }
}

static int reserve(struct recogniser *r, uint32_t a_count, uint32_t b_count)
{
    if (a_count > r->a_capacity) {
        free(r->a);
        free(r->a_words);
        r->a = malloc(a_count * sizeof(*r->a));
        r->a_words = malloc(a_count * sizeof(*r->a_words));
        r->a_capacity = r->a && r->a_words ? a_count : 0;
        if (r->a_capacity == 0)
            return -ENOMEM;
    }
    if (b_count > r->b_capacity) {
        free(r->b);
        free(r->b_words);
        free(r->pair);
        free(r->found);
        free(r->span_of_word);
        free(r->kind_of_word);
        free(r->taken);
        r->b = malloc(b_count * sizeof(*r->b));
        r->b_words = malloc(b_count * sizeof(*r->b_words));
        r->pair = malloc(b_count * sizeof(*r->pair));
        r->found = malloc(b_count * sizeof(*r->found));
        r->span_of_word = malloc(b_count * sizeof(*r->span_of_word));
        r->kind_of_word = malloc(b_count * sizeof(*r->kind_of_word));
        r->taken = malloc(b_count * sizeof(*r->taken));
        bool has_all = r->b && r->b_words && r->pair && r->found && r->span_of_word &&
                       r->kind_of_word && r->taken;
        r->b_capacity = has_all ? b_count : 0;
        if (r->b_capacity == 0)
            return -ENOMEM;
    }
    return 0;
}

/* Do these words stand anywhere in the kept words of @range? */
static bool has_sequence(const struct recogniser *r, const uint16_t *ids, uint32_t count,
                         struct range range)
{
    for (uint32_t i = r->places[ids[0]]; i != ALIGN_NONE; i = r->next_place[i]) {
        if (i + count > r->kept_count || r->kept[i] < range.first ||
            r->kept[i + count - 1] >= range.end)
            continue;
        uint32_t j = 1;
        while (j < count && r->words.list[r->kept[i + j]].id == ids[j])
            j++;
        if (j == count)
            return true;
    }
    return false;
}

/*
 * Is an optional part there? Asked at five places of it; two must be found, because a few words of
 * a long part ("under the License") may stand elsewhere too. A wrong "no" leaves the part's words
 * over in the text, a wrong "yes" leaves them over in the template: neither makes a changed text
 * clean.
 */
static bool has_optional(const struct recogniser *r, const struct texts_template *t,
                         struct texts_span span, struct range range)
{
    enum { SAMPLE_WORDS = 5, SAMPLES = 5 };
    uint32_t length = span.end - span.first;
    uint32_t count = length < SAMPLE_WORDS ? length : SAMPLE_WORDS;
    uint32_t found = 0;
    for (uint32_t part = 0; part < SAMPLES; part++) {
        uint32_t at = span.first + (length - count) * part / (SAMPLES - 1);
        uint16_t ids[SAMPLE_WORDS] = { 0 };
        for (uint32_t i = 0; i < count; i++)
            ids[i] = texts_word_at(r->texts, t->word_first + at + i);
        found += has_sequence(r, ids, count, range);
    }
    return found >= (length > 3 * SAMPLE_WORDS ? 2 : 1);
}

/* The template's sequence in r->b. @is_full keeps titles, notices, place-holders and list marks. */
static uint32_t build_template(struct recogniser *r, const struct texts_template *t,
                               struct range range, bool is_full)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->word_count;) {
        if (r->kind_of_word[i] == KIND_PLAIN) {
            r->b[count] = texts_word_at(r->texts, t->word_first + i);
            r->b_words[count++] = i++;
            continue;
        }
        struct texts_span span = span_of(r, t, i);
        bool is_out = span.kind == SPAN_OPTIONAL ? !has_optional(r, t, span, range)
                                                 : span.kind != 0 && !is_full;
        uint32_t end = i + 1;
        if (span.kind != 0)
            end = span.end;
        for (; i < end; i++) {
            if (is_out || (!is_full && texts_is_bullet(r->texts, t->word_first + i)))
                continue;
            r->b[count] = texts_word_at(r->texts, t->word_first + i);
            r->b_words[count++] = i;
        }
    }
    return count;
}

static int compare_diagonal(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/*
 * Where the template may lie: hits that agree on the place of its beginning, the most of them that
 * fit into a window. Fills @ret_first and @ret_last with the smallest and largest beginning.
 */
static bool find_place(struct recogniser *r, uint16_t template, struct range range, bool is_full,
                       uint32_t b_count, int64_t *ret_first, int64_t *ret_last)
{
    enum { PLACE_MAX = 256 };
    int64_t places[PLACE_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < r->hit_count && count < PLACE_MAX; i++) {
        uint32_t word = r->kept[r->hits[i].kept];
        if (r->hits[i].template != template || word < range.first || word >= range.end)
            continue;
        /* The word's place in r->b: b_words is sorted. */
        uint32_t low = 0;
        uint32_t high = b_count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (r->b_words[middle] < r->hits[i].position)
                low = middle + 1;
            else
                high = middle;
        }
        places[count++] = (int64_t)(is_full ? word : r->hits[i].kept) - low;
    }
    if (count == 0)
        return false;
    qsort(places, count, sizeof(places[0]), compare_diagonal);
    int64_t window = 40 + b_count / 3;
    size_t best = 0;
    size_t best_count = 0;
    for (size_t i = 0, j = 0; i < count; i++) {
        while (j < count && places[j] - places[i] <= window)
            j++;
        if (j - i > best_count) {
            best = i;
            best_count = j - i;
        }
    }
    *ret_first = places[best];
    *ret_last = places[best + best_count - 1];
    return true;
}

/* The stretch of text where the template may lie, in r->a; returns its length. */
static uint32_t build_text(struct recogniser *r, struct range range, bool is_full, int64_t first,
                           int64_t last, uint32_t b_count, uint32_t *ret_start_max)
{
    const int64_t margin = 16;
    int64_t limit = is_full ? (int64_t)r->words.count : r->kept_count;
    int64_t from = first - margin < 0 ? 0 : first - margin;
    int64_t to = last + b_count + margin + b_count / 8;
    to = to > limit ? limit : to;
    uint32_t count = 0;
    for (int64_t i = from; i < to; i++) {
        uint32_t word = is_full ? (uint32_t)i : r->kept[i];
        if (word < range.first || word >= range.end)
            continue;
        r->a[count] = r->words.list[word].id;
        r->a_words[count++] = word;
    }
    int64_t spread = last - first + 2 * margin;
    *ret_start_max = spread > ALIGN_START_MAX ? ALIGN_START_MAX : (uint32_t)spread;
    return count;
}

static void leftover_add(struct attempt *attempt, struct leftover leftover)
{
    attempt->bad += leftover.count;
    if (attempt->leftover_count < LEFTOVER_MAX)
        attempt->leftovers[attempt->leftover_count++] = leftover;
    else
        attempt->is_cut = true;
}

/* An optional part none of whose words were found is absent, and may be. */
static bool is_absent(const struct recogniser *r, struct texts_span span)
{
    for (uint32_t i = span.first; i < span.end; i++)
        if (r->found[i] != ALIGN_NONE)
            return false;
    return true;
}

/* Does word @at look like its neighbour outside @span? */
static bool has_twin(const struct recogniser *r, const struct texts_template *t,
                     struct texts_span span, uint32_t at)
{
    uint16_t id = texts_word_at(r->texts, t->word_first + at);
    bool is_first = at == span.first && at > 0;
    bool is_last = at + 1 == span.end && at + 1 < t->word_count;
    return (is_first && texts_word_at(r->texts, t->word_first + at - 1) == id) ||
           (is_last && texts_word_at(r->texts, t->word_first + at + 1) == id);
}

/*
 * May word @at of the template be missing? Not beside a word that looks the same and must be there
 * ("version 2.1" before "1. Grant"): then nobody could say which of the two is gone.
 */
static bool may_miss(const struct recogniser *r, const struct texts_template *t, uint32_t at)
{
    if (r->kind_of_word[at] == KIND_PLAIN)
        return false;
    if (texts_is_bullet(r->texts, t->word_first + at))
        return !has_twin(r, t, (struct texts_span){ at, at + 1, 0 }, at);
    struct texts_span span = span_of(r, t, at);
    return span.kind == SPAN_OPTIONAL ? is_absent(r, span)
                                      : span.kind != 0 && !has_twin(r, t, span, at);
}

/* Is the word one by which attempts are compared? The two ways of comparing must count alike. */
static bool is_core(const struct recogniser *r, const struct texts_template *t, uint32_t at)
{
    uint8_t kind = r->kind_of_word[at];
    return kind == KIND_PLAIN || (kind == KIND_SPAN && span_of(r, t, at).kind == SPAN_OPTIONAL);
}

/* Words of the template between two found ones, as runs of those that had to be there. */
static void judge_missing(struct recogniser *r, const struct texts_template *t, struct range gap,
                          uint32_t text_word, struct attempt *attempt)
{
    for (uint32_t i = gap.first; i < gap.end;) {
        if (may_miss(r, t, i)) {
            i++;
            continue;
        }
        struct leftover leftover = { .words = { text_word, text_word }, .template_first = i };
        for (; i < gap.end && !may_miss(r, t, i); i++)
            leftover.count++;
        leftover.template_end = i;
        leftover_add(attempt, leftover);
    }
}

static bool same_word(const struct recogniser *r, const struct texts_template *t, uint32_t at,
                      uint32_t word)
{
    uint16_t id = r->words.list[word].id;
    return id != WORD_FOREIGN && id == texts_word_at(r->texts, t->word_first + at);
}

/* Are the words of the text at @words exactly those of the place-holder? */
static bool is_original(const struct recogniser *r, const struct texts_template *t,
                        struct texts_span span, const uint32_t *list, uint32_t count)
{
    if (span.end - span.first != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!same_word(r, t, span.first + i, list[i]))
            return false;
    return true;
}

enum filling { FILLING_NONE, FILLING_ORIGINAL, FILLING_NAME };

/* May @list fill a place-holder that the template has in @gap, or that touches it? */
static enum filling fills_holder(const struct recogniser *r, const struct texts_template *t,
                                 struct range gap, const uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct texts_span span = texts_span_at(r->texts, t->span_first + i);
        if (span.end < gap.first || span.first > gap.end ||
            (span.kind != SPAN_VARIABLE && span.kind != SPAN_NOTICE))
            continue;
        if (is_original(r, t, span, list, count))
            return FILLING_ORIGINAL;
        bool is_name = true;
        for (uint32_t j = 0; j < count && is_name; j++)
            is_name = words_is_holder(&r->words, list[j]);
        return is_name ? FILLING_NAME : FILLING_NONE;
    }
    return FILLING_NONE;
}

/* Words of the text between two matched ones. */
static void judge_inserted(struct recogniser *r, const struct texts_template *t, struct range gap,
                           struct range words, struct attempt *attempt)
{
    uint32_t list[NAME_WORD_MAX];
    uint32_t count = 0;
    uint32_t first = 0;
    uint32_t last = 0;
    for (uint32_t i = words.first; i < words.end; i++) {
        if (word_is_free(&r->words, i))
            continue;
        if (count < NAME_WORD_MAX)
            list[count] = i;
        first = count == 0 ? i : first;
        last = i;
        count++;
    }
    if (count == 0)
        return;
    enum filling filling =
        count <= NAME_WORD_MAX ? fills_holder(r, t, gap, list, count) : FILLING_NONE;
    attempt->filled += filling == FILLING_NAME ? count : 0;
    if (filling != FILLING_NONE)
        return;
    leftover_add(attempt, (struct leftover){ .words = { first, last + 1 },
                                             .template_first = gap.first,
                                             .template_end = gap.first,
                                             .count = count,
                                             .is_inserted = true });
}

/* A page shows either what is inside a comment or what is outside: a licence that lies on both
 * sides of an edge is not there as a whole. */
static void judge_edges(struct recogniser *r, struct attempt *attempt)
{
    for (uint32_t i = attempt->core.first + 1; i < attempt->core.end; i++)
        if (r->words.list[i].flags & WORD_EDGE)
            leftover_add(attempt, (struct leftover){
                                      .words = { i, i + 1 }, .count = 1, .is_inserted = true });
}

/* Walks the found words in order and judges each gap between them. */
static void judge(struct recogniser *r, const struct texts_template *t, struct attempt *attempt)
{
    uint32_t last = ALIGN_NONE; /* word of the template found last */
    attempt->words = (struct range){ UINT32_MAX, 0 };
    for (uint32_t i = 0; i <= t->word_count; i++) {
        bool is_end = i == t->word_count;
        if (!is_end && r->found[i] == ALIGN_NONE)
            continue;
        struct range gap = { last == ALIGN_NONE ? 0 : last + 1, i };
        uint32_t word = is_end ? attempt->words.end : r->found[i];
        if (last != ALIGN_NONE && !is_end)
            judge_inserted(r, t, gap, (struct range){ r->found[last] + 1, word }, attempt);
        judge_missing(r, t, gap, word, attempt);
        if (is_end)
            break;
        if (last == ALIGN_NONE)
            attempt->words.first = word;
        attempt->words.end = word + 1;
        if (is_core(r, t, i)) {
            attempt->core.first = attempt->matched == 0 ? word : attempt->core.first;
            attempt->core.end = word + 1;
            attempt->matched++;
        }
        last = i;
    }
    attempt->needed = 0;
    for (uint32_t i = 0; i < t->word_count; i++)
        attempt->needed += is_core(r, t, i) && (r->found[i] != ALIGN_NONE || !may_miss(r, t, i));
}

/*
 * How many words of the template the text lacks, wherever they stand: no alignment can have a
 * smaller distance, and counting is cheap.
 */
static uint32_t lacking(struct recogniser *r, uint32_t a_count, uint32_t b_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < a_count; i++)
        if (r->a[i] != WORD_FOREIGN)
            r->balance[r->a[i]]++;
    for (uint32_t i = 0; i < b_count; i++)
        count += r->balance[r->b[i]]-- <= 0;
    for (uint32_t i = 0; i < a_count; i++)
        if (r->a[i] != WORD_FOREIGN)
            r->balance[r->a[i]] = 0;
    for (uint32_t i = 0; i < b_count; i++)
        r->balance[r->b[i]] = 0;
    return count;
}

/*
 * The same bound from the whole stretch that is looked at and the words that must be there: only a
 * look at each word of the template until it is too far. Nearly all candidates end here, because
 * the editions of one licence are as near to each other as DISTANCE_NEAR.
 */
static bool is_too_far(struct recogniser *r, const struct texts_template *t, uint32_t distance_max)
{
    uint32_t lacks = 0;
    uint32_t count = 0;
    uint32_t span = 0;
    for (uint32_t i = 0; i < t->word_count && lacks <= distance_max;) {
        struct texts_span next = { t->word_count, t->word_count, 0 };
        if (span < t->span_count)
            next = texts_span_at(r->texts, t->span_first + span++);
        for (; i < next.first && lacks <= distance_max; i++) {
            uint16_t id = texts_word_at(r->texts, t->word_first + i);
            if (texts_is_bullet(r->texts, t->word_first + i))
                continue;
            lacks += r->supply[id]-- <= 0;
            r->taken[count++] = id;
        }
        i = i < next.first ? i : next.end;
    }
    while (count > 0)
        r->supply[r->taken[--count]]++;
    return lacks > distance_max;
}

void attempt_supply(struct recogniser *r, struct range range, int32_t count)
{
    for (uint32_t i = range.first; i < range.end; i++)
        if (r->words.list[i].id != WORD_FOREIGN)
            r->supply[r->words.list[i].id] += count;
}

static int attempt_once(struct recogniser *r, uint16_t template, const struct texts_template *t,
                        struct range range, bool is_full, uint32_t distance_max,
                        struct attempt *attempt)
{
    uint32_t b_count = build_template(r, t, range, is_full);
    int64_t first;
    int64_t last;
    if (b_count == 0 || !find_place(r, template, range, is_full, b_count, &first, &last))
        return 1;
    uint32_t start_max;
    uint32_t a_count = build_text(r, range, is_full, first, last, b_count, &start_max);
    if (lacking(r, a_count, b_count) > distance_max)
        return 1;
    int error =
        align_words(&r->work, r->a, a_count, r->b, b_count, start_max, distance_max, r->pair);
    if (error != 0)
        return error;
    struct leftover *leftovers = attempt->leftovers;
    *attempt = (struct attempt){ .template = template, .leftovers = leftovers };
    for (uint32_t i = 0; i < t->word_count; i++)
        r->found[i] = ALIGN_NONE;
    for (uint32_t i = 0; i < b_count; i++)
        if (r->pair[i] != ALIGN_NONE)
            r->found[r->b_words[i]] = r->a_words[r->pair[i]];
    judge(r, t, attempt);
    judge_edges(r, attempt);
    return attempt->matched > 0 ? 0 : 1;
}

int attempt_run(struct recogniser *r, uint16_t template, struct range range, uint32_t distance_max,
                struct attempt *ret_attempt)
{
    struct texts_template t = texts_template_at(r->texts, template);
    int error = reserve(r, (uint32_t)r->words.count + 1, t.word_count);
    if (error != 0)
        return error;
    if (is_too_far(r, &t, distance_max))
        return 1;
    note_spans(r, &t);
    int first = attempt_once(r, template, &t, range, false, distance_max, ret_attempt);
    if (first < 0 || (first == 0 && ret_attempt->bad == 0))
        return first;
    struct attempt second = { .leftovers = r->leftovers[2] };
    error = attempt_once(r, template, &t, range, true, distance_max, &second);
    if (error < 0)
        return error;
    if (error != 0 || (first == 0 && second.bad >= ret_attempt->bad))
        return first;
    memcpy(ret_attempt->leftovers, second.leftovers,
           second.leftover_count * sizeof(*second.leftovers));
    second.leftovers = ret_attempt->leftovers;
    *ret_attempt = second;
    return 0;
}
