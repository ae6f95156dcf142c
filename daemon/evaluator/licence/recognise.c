/* Owns: one recognition from text to result: words, the loop that takes the best licence out of
 * each stretch until nothing known is left, and the judgement on the words between the licences.
 *
 * 1. Every word of the text is in a match, or may stand between matches (list marks, notices,
 * titles of the licence that follows, true identifier tags), or is reported: as an edit of the
 * match beside it when few, as an UNKNOWN match when many.
 * 2. A match is CLEAN or AMBIGUOUS only when no edit belongs to it. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "recogniser.h"
#include "report.h"

/* Up to so many words beside a licence are an edit of it; more are a stretch of their own. */
#define NEIGHBOUR_WORD_MAX 60
/* Words left over on both sides: up to so many is near, and all candidates are tried; up to so many
 * is far, and the first FAR_MAX are. */
#define DISTANCE_NEAR 48u
#define DISTANCE_FAR  800u
#define FAR_MAX       4u
#define PRICE         12
/* Most words of the title lines before one licence. */
#define TITLE_WORD_MAX 40

/* A recogniser without a text: what depends on the table alone. */
static struct recogniser *recogniser_new(const struct stint_licences *table)
{
    struct recogniser *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->table = table;
    r->texts = &table->texts;
    size_t vocabulary = r->texts->counts[TEXTS_VOCABULARY] + 1u;
    r->places = malloc(vocabulary * sizeof(*r->places));
    r->balance = calloc(vocabulary, sizeof(*r->balance));
    r->supply = calloc(vocabulary, sizeof(*r->supply));
    r->votes = calloc(r->texts->counts[TEXTS_TEMPLATES] + 1u, sizeof(*r->votes));
    bool has_all = r->places && r->balance && r->supply && r->votes;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(r->leftovers); i++) {
        r->leftovers[i] = malloc(LEFTOVER_MAX * sizeof(*r->leftovers[i]));
        has_all &= r->leftovers[i] != NULL;
    }
    if (!has_all) {
        recogniser_free(r);
        return NULL;
    }
    for (size_t i = 0; i < vocabulary; i++)
        r->places[i] = ALIGN_NONE;
    return r;
}

void recogniser_free(struct recogniser *r)
{
    if (!r)
        return;
    words_deinit(&r->words);
    align_work_deinit(&r->work);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(r->leftovers); i++)
        free(r->leftovers[i]);
    free(r->kept);
    free(r->hits);
    free(r->places);
    free(r->next_place);
    free(r->votes);
    free(r->balance);
    free(r->supply);
    free(r->taken);
    free(r->a);
    free(r->b);
    free(r->a_words);
    free(r->b_words);
    free(r->pair);
    free(r->found);
    free(r->span_of_word);
    free(r->kind_of_word);
    free(r);
}

/* The one that lies idle at the table, or a new one. Two threads never get the same. */
static struct recogniser *recogniser_take(const struct stint_licences *table)
{
    struct recogniser *r = atomic_exchange(table->idle, NULL);
    return r ? r : recogniser_new(table);
}

/* Forgets the text and leaves the room to the next one, unless this was an unusual one. */
static void recogniser_give_back(struct recogniser *r)
{
    if (r->words.capacity > KEPT_WORD_MAX) {
        recogniser_free(r);
        return;
    }
    for (uint32_t i = 0; i < r->kept_count; i++) {
        uint16_t id = r->words.list[r->kept[i]].id;
        if (id != WORD_FOREIGN)
            r->places[id] = ALIGN_NONE;
    }
    r->kept_count = r->hit_count = 0;
    r->is_cut = false;
    recogniser_free(atomic_exchange(r->table->idle, r));
}

static int reserve_kept(struct recogniser *r)
{
    if (r->words.count <= r->kept_capacity)
        return 0;
    free(r->kept);
    free(r->next_place);
    r->kept = malloc(r->words.capacity * sizeof(*r->kept));
    r->next_place = malloc(r->words.capacity * sizeof(*r->next_place));
    r->kept_capacity = r->kept && r->next_place ? (uint32_t)r->words.capacity : 0;
    return r->kept_capacity > 0 ? 0 : -ENOMEM;
}

/* Links the places of each word, from the last to the first, so that they come in order. */
static void link_places(struct recogniser *r)
{
    for (uint32_t i = r->kept_count; i-- > 0;) {
        uint16_t id = r->words.list[r->kept[i]].id;
        if (id == WORD_FOREIGN)
            continue;
        r->next_place[i] = r->places[id];
        r->places[id] = i;
    }
}

static int recogniser_read(struct recogniser *r, const char *text, size_t length)
{
    int error = words_split_again(text, length, &r->words);
    if (error == 0)
        error = words_mark(&r->words);
    if (error == 0)
        error = reserve_kept(r);
    if (error != 0)
        return error;
    for (size_t i = 0; i < r->words.count; i++) {
        struct word *word = &r->words.list[i];
        if (!(word->flags & WORD_DISGUISED))
            word->id = texts_word(r->texts, words_text(&r->words, i));
        if (!word_is_free(&r->words, i))
            r->kept[r->kept_count++] = (uint32_t)i;
    }
    link_places(r);
    return candidates_find_hits(r);
}

/*
 * What an attempt is worth: the words of the text it accounts for, and a heavy price for each left
 * over. Counted in the text, because editions of one licence differ in how many of their words are
 * list marks, and must be compared by the same measure.
 */
static int64_t attempt_value(const struct attempt *attempt)
{
    return (int64_t)(attempt->core.end - attempt->core.first) - PRICE * (int64_t)attempt->bad;
}

static bool is_better(const struct attempt *a, const struct attempt *b)
{
    int64_t x = attempt_value(a);
    int64_t y = attempt_value(b);
    return x != y ? x > y : a->filled < b->filled;
}

/* How far a candidate may be from the text and still be worth more than @best. */
static uint32_t distance_of(const struct attempt *best, const struct texts_template *t,
                            uint32_t distance_max)
{
    uint32_t distance = t->word_count / 3 + DISTANCE_NEAR;
    if (best && attempt_value(best) >= 0) {
        int64_t more = (int64_t)t->word_count - attempt_value(best);
        if (more < 0)
            return 0;
        if (more / PRICE + DISTANCE_NEAR < distance)
            distance = (uint32_t)(more / PRICE) + DISTANCE_NEAR;
    }
    return distance < distance_max ? distance : distance_max;
}

/* Tries each candidate; keeps the best in @best, which holds one already when @has_best. */
static int try_candidates(struct recogniser *r, struct range range, const struct candidate *list,
                          uint32_t count, uint32_t distance_max, struct attempt *best,
                          struct attempt *other, bool *has_best)
{
    for (uint32_t i = 0; i < count; i++) {
        struct texts_template t = texts_template_at(r->texts, list[i].template);
        if (*has_best && best->bad == 0 && best->filled == 0 &&
            t.word_count <= texts_template_at(r->texts, best->template).word_count)
            continue; /* all of a longer text is there already */
        uint32_t distance = distance_of(*has_best ? best : NULL, &t, distance_max);
        if (distance == 0)
            continue; /* all its words together are worth less than the best */
        int error = attempt_run(r, list[i].template, range, distance, other);
        if (error < 0)
            return error;
        if (error != 0 || other->matched * 2 < other->needed)
            continue;
        if (!*has_best || is_better(other, best)) {
            struct attempt swapped = *best;
            *best = *other;
            *other = swapped;
            *has_best = true;
        }
    }
    return 0;
}

/*
 * The best template for words @range; 1 when none is near enough. An attempt stands for its licence
 * when at least half of the licence is there; less is other text with borrowed sentences. All
 * candidates are tried for a near match first, which is quick; only when there is none, the first
 * few are looked at for a distant one.
 */
static int find_best(struct recogniser *r, struct range range, struct attempt *best,
                     struct attempt *other)
{
    struct candidate list[CANDIDATE_MAX];
    uint32_t count = candidates_rank(r, range, list);
    bool has_best = false;
    if (count == 0)
        return 1;
    attempt_supply(r, range, 1);
    int error = try_candidates(r, range, list, count, DISTANCE_NEAR, best, other, &has_best);
    if (error == 0 && !has_best)
        error = try_candidates(r, range, list, count < FAR_MAX ? count : FAR_MAX, DISTANCE_FAR,
                               best, other, &has_best);
    attempt_supply(r, range, -1);
    return error != 0 ? error : has_best ? 0 : 1;
}

/* Takes licences out of @range, the best first, then out of what is left before and behind. */
static int find_matches(struct recogniser *r, struct report *report, struct attempt *best,
                        struct attempt *other)
{
    struct range pending[2 * STINT_LICENCE_MATCH_MAX + 1];
    uint32_t pending_count = 0;
    pending[pending_count++] = (struct range){ 0, (uint32_t)r->words.count };
    while (pending_count > 0) {
        struct range range = pending[--pending_count];
        if (report->match_count == STINT_LICENCE_MATCH_MAX) {
            report->is_cut = true;
            break;
        }
        int error = range.first < range.end ? find_best(r, range, best, other) : 1;
        if (error < 0)
            return error;
        if (error != 0)
            continue;
        error = report_attempt(report, r, best);
        if (error != 0)
            return error;
        pending[pending_count++] = (struct range){ range.first, best->words.first };
        pending[pending_count++] = (struct range){ best->words.end, range.end };
    }
    return 0;
}

/* "No" of "No Limit Public License" stands before "limit" and before nothing else. */
static bool is_titled_negation(const struct recogniser *r, const struct texts_template *t,
                               uint32_t at, uint32_t end)
{
    uint16_t id = r->words.list[at].id;
    uint16_t next = at + 1 < end ? r->words.list[at + 1].id : WORD_FOREIGN;
    for (uint32_t i = 0; i + 1 < t->word_count && next != WORD_FOREIGN; i++)
        if (texts_word_at(r->texts, t->word_first + i) == id &&
            texts_word_at(r->texts, t->word_first + i + 1) == next)
            return true;
    return false;
}

static bool is_negation(const char *word)
{
    static const char *const negations[] = { "no", "non", "not", "never", "without" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(negations); i++)
        if (strcmp(word, negations[i]) == 0)
            return true;
    return false;
}

/* Are all words of @line words of the template's title? Adds their number to @ret_count. */
static bool is_title_line(const struct recogniser *r, const struct texts_template *t,
                          struct range line, uint32_t *ret_count)
{
    for (uint32_t i = line.first; i < line.end; i++) {
        if (word_is_free(&r->words, i))
            continue;
        uint16_t id = r->words.list[i].id;
        if (id == WORD_FOREIGN || !texts_is_title_word(r->texts, t, id) ||
            (is_negation(words_text(&r->words, i)) && !is_titled_negation(r, t, i, line.end)))
            return false;
        ++*ret_count;
    }
    return *ret_count <= TITLE_WORD_MAX;
}

/* The words of @gap that may not be left over: a run of them, from @at on. Title lines of the match
 * that follows are passed over. False when there are no more. */
static bool next_leftover(const struct recogniser *r, struct range gap,
                          const struct report_match *following, uint32_t *at, uint32_t *titles,
                          struct leftover *ret_leftover)
{
    struct leftover run = { .is_inserted = true };
    while (*at < gap.end) {
        struct range line = { *at, *at + 1 };
        while (line.end < gap.end && !(r->words.list[line.end].flags & WORD_LINE_START))
            line.end++;
        struct texts_template t;
        if (following)
            t = texts_template_at(r->texts, following->template);
        if (following && is_title_line(r, &t, line, titles)) {
            *at = line.end;
            if (run.count > 0)
                break;
            continue;
        }
        for (uint32_t i = line.first; i < line.end; i++) {
            if (word_is_free(&r->words, i) || (r->words.list[i].flags & WORD_TAG))
                continue; /* a tag is asked about by report_finish() */
            run.words.first = run.count == 0 ? i : run.words.first;
            run.words.end = i + 1;
            run.count++;
        }
        *at = line.end;
    }
    *ret_leftover = run;
    return run.count > 0;
}

/* The words between two matches (or before the first, behind the last). */
static int judge_gap(struct recogniser *r, struct report *report, struct range gap,
                     uint32_t previous, uint32_t following)
{
    struct leftover runs[64];
    uint32_t count = 0;
    uint32_t total = 0;
    uint32_t at = gap.first;
    uint32_t titles = 0;
    const struct report_match *next = following != REPORT_NONE ? &report->matches[following] : NULL;
    while (count < STINT_ARRAY_SIZE(runs) &&
           next_leftover(r, gap, next, &at, &titles, &runs[count]))
        total += runs[count++].count;
    if (count == STINT_ARRAY_SIZE(runs))
        report->is_cut = true;
    if (count == 0)
        return 0;
    uint32_t host = previous != REPORT_NONE ? previous : following;
    if (total > NEIGHBOUR_WORD_MAX || host == REPORT_NONE)
        return report_unknown(
            report, (struct range){ runs[0].words.first, runs[count - 1].words.end }, total);
    for (uint32_t i = 0; i < count; i++) {
        int error = report_leftover(report, host, &runs[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

static int judge_gaps(struct recogniser *r, struct report *report)
{
    report_sort(report);
    uint32_t count = report->match_count; /* UNKNOWN ones are added behind it */
    uint32_t from = 0;
    for (uint32_t i = 0; i <= count; i++) {
        struct range gap = { from, i < count ? report->matches[i].words.first
                                             : (uint32_t)r->words.count };
        int error =
            judge_gap(r, report, gap, i > 0 ? i - 1 : REPORT_NONE, i < count ? i : REPORT_NONE);
        if (error != 0)
            return error;
        from = i < count ? report->matches[i].words.end : from;
    }
    return 0;
}

int stint_licence_recognise(const struct stint_licences *table, const char *text, size_t length,
                            struct stint_licence_recognition *ret)
{
    if (length > STINT_LICENCE_TEXT_MAX)
        return STINT_TOO_LARGE;
    struct recogniser *r = recogniser_take(table);
    if (!r)
        return -ENOMEM;
    struct report report = { 0 };
    struct attempt best = { .leftovers = r->leftovers[0] };
    struct attempt other = { .leftovers = r->leftovers[1] };
    int error = recogniser_read(r, text, length);
    if (error == 0)
        error = find_matches(r, &report, &best, &other);
    if (error == 0)
        error = judge_gaps(r, &report);
    if (error == 0)
        error = report_finish(&report, r, ret);
    report_deinit(&report);
    if (error == 0)
        recogniser_give_back(r);
    else
        recogniser_free(r);
    return error;
}
