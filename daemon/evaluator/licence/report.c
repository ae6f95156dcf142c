/* Owns: the result of a recognition, from word ranges to bytes and lines. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Words before and behind an inserted one that a clause may also be made of. */
#define CLAUSE_CONTEXT 6

void report_deinit(struct report *report)
{
    free(report->edits);
    memset(report, 0, sizeof(*report));
}

int report_leftover(struct report *report, uint32_t match, const struct leftover *leftover)
{
    report->matches[match].edits++;
    if (report->edit_count == STINT_LICENCE_EDIT_MAX) {
        report->is_cut = true;
        return 0;
    }
    if (report->edit_count == report->edit_capacity) {
        uint32_t capacity = report->edit_capacity ? report->edit_capacity * 2 : 16;
        struct report_edit *edits = realloc(report->edits, capacity * sizeof(*edits));
        if (!edits)
            return -ENOMEM;
        report->edits = edits;
        report->edit_capacity = capacity;
    }
    report->edits[report->edit_count++] = (struct report_edit){ *leftover, match };
    return 0;
}

int report_attempt(struct report *report, const struct recogniser *r, const struct attempt *attempt)
{
    (void)r;
    uint32_t index = report->match_count++;
    report->matches[index] = (struct report_match){ .words = attempt->words,
                                                    .matched = attempt->matched,
                                                    .needed = attempt->needed,
                                                    .template = attempt->template };
    report->is_cut |= attempt->is_cut;
    int error = 0;
    for (uint32_t i = 0; i < attempt->leftover_count && error == 0; i++)
        error = report_leftover(report, index, &attempt->leftovers[i]);
    return error;
}

int report_unknown(struct report *report, struct range words, uint32_t word_count)
{
    if (report->match_count == STINT_LICENCE_MATCH_MAX) {
        report->is_cut = true;
        return 0;
    }
    report->matches[report->match_count++] =
        (struct report_match){ .words = words, .matched = word_count, .is_unknown = true };
    return 0;
}

void report_sort(struct report *report)
{
    uint32_t order[STINT_LICENCE_MATCH_MAX];
    struct report_match sorted[STINT_LICENCE_MATCH_MAX];
    uint32_t count = report->match_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (;
             at > 0 && report->matches[order[at - 1]].words.first > report->matches[i].words.first;
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    uint32_t place[STINT_LICENCE_MATCH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = report->matches[order[i]];
        place[order[i]] = i;
    }
    memcpy(report->matches, sorted, count * sizeof(sorted[0]));
    for (uint32_t i = 0; i < report->edit_count; i++)
        report->edits[i].match = place[report->edits[i].match];
}

/* The lines of a text: where each begins. */
struct lines {
    uint32_t *starts;
    uint32_t count;
};

static int lines_init(struct lines *lines, const char *text, size_t length)
{
    size_t capacity = 2;
    for (const char *at = text; length > 0 && (at = memchr(at, '\n', length - (size_t)(at - text)));
         at++)
        capacity++;
    lines->starts = malloc(capacity * sizeof(*lines->starts));
    if (!lines->starts)
        return -ENOMEM;
    lines->starts[0] = 0;
    lines->count = 1;
    for (const char *at = text; length > 0 && (at = memchr(at, '\n', length - (size_t)(at - text)));
         at++)
        lines->starts[lines->count++] = (uint32_t)(at - text) + 1;
    return 0;
}

static uint32_t line_of(const struct lines *lines, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = lines->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lines->starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low + 1;
}

/* What report_finish() works with. */
struct finish {
    struct report *report;
    const struct recogniser *r;
    struct lines lines;
    struct stint_licence_recognition result;
    uint32_t match; /* whose clauses are looked for */
    struct range must_touch;
};

static struct stint_licence_place place_of(const struct finish *finish, struct range words)
{
    const struct words *all = &finish->r->words;
    struct stint_licence_place place = { 0 };
    if (words.first == words.end) { /* between two words */
        place.offset =
            words.first < all->count ? all->list[words.first].offset : (uint32_t)all->source_length;
        place.line = place.line_end = line_of(&finish->lines, place.offset);
        return place;
    }
    const struct word *first = &all->list[words.first];
    const struct word *last = &all->list[words.end - 1];
    place.offset = first->offset;
    place.length = last->offset + last->length - first->offset;
    place.line = line_of(&finish->lines, first->offset);
    place.line_end = line_of(&finish->lines, last->offset);
    return place;
}

/* The missing words in normal form, or the inserted ones as they stand, cut to fit. */
static void write_words(const struct finish *finish, const struct report_edit *edit, char *text,
                        size_t size)
{
    const struct recogniser *r = finish->r;
    size_t length = 0;
    if (edit->leftover.is_inserted) {
        struct stint_licence_place place = place_of(finish, edit->leftover.words);
        for (; length + 1 < size && length < place.length; length++) {
            char c = r->words.source[place.offset + length];
            text[length] = c == '\n' || c == '\r' || c == '\t' || c == '\0' ? ' ' : c;
        }
        while (length > 0 && length < place.length && (text[length - 1] & 0xc0) == 0x80)
            length--; /* do not end inside a character */
        text[length] = '\0';
        return;
    }
    struct texts_template t =
        texts_template_at(r->texts, finish->report->matches[edit->match].template);
    text[0] = '\0';
    for (uint32_t i = edit->leftover.template_first; i < edit->leftover.template_end; i++) {
        const char *word = texts_word_text(r->texts, texts_word_at(r->texts, t.word_first + i));
        size_t needed = strlen(word) + (length > 0);
        if (length + needed >= size)
            break;
        if (length > 0)
            text[length++] = ' ';
        memcpy(text + length, word, strlen(word) + 1);
        length += strlen(word);
    }
}

static void finish_edits(struct finish *finish)
{
    struct stint_licence_recognition *result = &finish->result;
    for (uint32_t match = 0; match < finish->report->match_count; match++) {
        struct stint_licence_match *out = &result->matches[match];
        out->edit_first = result->edit_count;
        for (uint32_t i = 0; i < finish->report->edit_count; i++) {
            const struct report_edit *edit = &finish->report->edits[i];
            if (edit->match != match)
                continue;
            struct stint_licence_edit *row = &result->edits[result->edit_count++];
            row->place = place_of(finish, edit->leftover.words);
            row->word_count = edit->leftover.count;
            row->is_inserted = edit->leftover.is_inserted;
            write_words(finish, edit, row->words, sizeof(row->words));
            for (uint32_t j = edit->leftover.words.first; j < edit->leftover.words.end; j++)
                out->is_disguised |= (finish->r->words.list[j].flags & WORD_DISGUISED) != 0;
        }
        out->edit_count = result->edit_count - out->edit_first;
    }
}

static bool finish_on_clause(void *context, const struct clause *clause, size_t first, size_t end)
{
    struct finish *finish = context;
    struct stint_licence_recognition *result = &finish->result;
    if (end <= finish->must_touch.first || first >= finish->must_touch.end)
        return true;
    if (result->clause_count == STINT_LICENCE_CLAUSE_MAX) {
        result->is_cut = true;
        return false;
    }
    struct stint_licence_place place =
        place_of(finish, (struct range){ (uint32_t)first, (uint32_t)end });
    result->matches[finish->match].facets |= (uint32_t)1 << clause->facet;
    /* The same facet in the same place, by another phrase or from another edit, says nothing new.
     */
    for (uint32_t i = 0; i < result->clause_count; i++)
        if (result->clauses[i].facet == (enum stint_licence_facet)clause->facet &&
            place.offset < result->clauses[i].place.offset + result->clauses[i].place.length &&
            result->clauses[i].place.offset < place.offset + place.length)
            return true;
    result->clauses[result->clause_count++] =
        (struct stint_licence_clause){ .facet = (enum stint_licence_facet)clause->facet,
                                       .place = place,
                                       .match = finish->match,
                                       .phrase = clause->name };
    return true;
}

/* Phrases in unknown stretches, and around inserted words. */
static void finish_clauses(struct finish *finish)
{
    const struct recogniser *r = finish->r;
    const struct clauses *clauses = &r->table->clauses;
    uint32_t count = (uint32_t)r->words.count;
    for (uint32_t i = 0; i < finish->report->match_count; i++) {
        struct report_match *match = &finish->report->matches[i];
        finish->match = i;
        finish->must_touch = match->words;
        if (match->is_unknown)
            clauses_scan(clauses, &r->words, match->words.first, match->words.end, match->words.end,
                         finish_on_clause, finish);
    }
    for (uint32_t i = 0; i < finish->report->edit_count; i++) {
        const struct report_edit *edit = &finish->report->edits[i];
        if (!edit->leftover.is_inserted)
            continue;
        struct range words = edit->leftover.words;
        finish->match = edit->match;
        finish->must_touch = words;
        clauses_scan(clauses, &r->words,
                     words.first > CLAUSE_CONTEXT ? words.first - CLAUSE_CONTEXT : 0, words.end,
                     words.end + CLAUSE_CONTEXT < count ? words.end + CLAUSE_CONTEXT : count,
                     finish_on_clause, finish);
    }
}

/* The licences of a match. Twins are several ids of one text. */
static void finish_match(struct finish *finish, uint32_t index)
{
    const struct recogniser *r = finish->r;
    const struct report_match *match = &finish->report->matches[index];
    struct stint_licence_match *out = &finish->result.matches[index];
    out->place = place_of(finish, match->words);
    out->word_count = match->matched;
    out->is_disguised = match->is_disguised;
    if (match->is_unknown) {
        out->kind = STINT_MATCH_UNKNOWN;
        for (uint32_t i = match->words.first; i < match->words.end; i++)
            out->is_disguised |= (r->words.list[i].flags & WORD_DISGUISED) != 0;
        return;
    }
    struct texts_template t = texts_template_at(r->texts, match->template);
    out->is_notice = t.is_notice != 0;
    out->template_word_count = match->needed;
    for (uint32_t i = 0; i < t.name_count && i < STINT_LICENCE_TWIN_MAX; i++)
        out->twins[out->twin_count++] = &r->table->list[r->table->text_licences[t.name_first + i]];
    out->licence = out->twins[0];
    out->kind = match->edits > 0      ? STINT_MATCH_MODIFIED
                : out->twin_count > 1 ? STINT_MATCH_AMBIGUOUS
                                      : STINT_MATCH_CLEAN;
}

static bool match_has(const struct stint_licence_match *match, const struct stint_licence *licence)
{
    for (uint32_t i = 0; i < match->twin_count; i++)
        if (match->twins[i] == licence)
            return true;
    return false;
}

/* Is the licence of one term among the matches? @is_alone: it also settles which twin is meant. */
static bool term_is_found(struct finish *finish, const struct stint_licence_term *term,
                          bool is_alone)
{
    struct stint_licence_name name;
    if (term->exception || stint_licence_term_resolve(finish->r->table, term, &name) != 0 ||
        !name.licence)
        return false;
    bool is_found = false;
    for (uint32_t i = 0; i < finish->report->match_count; i++) {
        struct stint_licence_match *match = &finish->result.matches[i];
        if (!match_has(match, name.licence))
            continue;
        is_found = true;
        if (!is_alone || name.twin)
            continue;
        match->licence = match->twins[0] = name.licence;
        match->twin_count = 1;
        if (match->kind == STINT_MATCH_AMBIGUOUS)
            match->kind = STINT_MATCH_CLEAN;
    }
    return is_found;
}

/* One identifier tag: true when each licence it names is among the matches. 0 or -ENOMEM. */
static int tag_is_true(struct finish *finish, struct range tag, bool *ret_is_true)
{
    char line[WORD_TAG_MAX];
    struct stint_licence_expression *expression = NULL;
    *ret_is_true = false;
    if (!words_tag(&finish->r->words, tag.first, line))
        return 0;
    int r = stint_licence_expression_parse(line, &expression, NULL);
    if (r != 0)
        return r < 0 ? r : 0;
    size_t terms = stint_licence_expression_term_count(expression);
    *ret_is_true = true;
    for (size_t i = 0; i < terms && *ret_is_true; i++)
        *ret_is_true =
            term_is_found(finish, stint_licence_expression_term(expression, i), terms == 1);
    stint_licence_expression_free(expression);
    return 0;
}

static bool is_inside(const struct report *report, struct range words)
{
    for (uint32_t i = 0; i < report->match_count; i++)
        if (words.first >= report->matches[i].words.first &&
            words.end <= report->matches[i].words.end)
            return true;
    return false;
}

/* Identifier tags that say something else than the text are words left over. */
static int finish_tags(struct finish *finish)
{
    const struct words *words = &finish->r->words;
    for (uint32_t i = 0; i < words->count;) {
        struct range tag = { i, i + 1 };
        if (!(words->list[i].flags & WORD_TAG)) {
            i++;
            continue;
        }
        while (tag.end < words->count && (words->list[tag.end].flags & WORD_TAG) &&
               !(words->list[tag.end].flags & WORD_LINE_START))
            tag.end++;
        i = tag.end;
        bool is_true = is_inside(finish->report, tag); /* its words were judged with all others */
        int error = is_true ? 0 : tag_is_true(finish, tag, &is_true);
        if (error != 0)
            return error;
        if (is_true)
            continue;
        if (finish->report->match_count == 0) {
            error = report_unknown(finish->report, tag, tag.end - tag.first);
            if (error != 0)
                return error;
            finish_match(finish, 0);
            continue;
        }
        struct leftover leftover = { .words = tag,
                                     .count = tag.end - tag.first,
                                     .is_inserted = true };
        struct stint_licence_match *match = &finish->result.matches[0];
        if (match->kind != STINT_MATCH_UNKNOWN)
            match->kind = STINT_MATCH_MODIFIED;
        error = report_leftover(finish->report, 0, &leftover);
        if (error != 0)
            return error;
    }
    return 0;
}

int report_finish(struct report *report, const struct recogniser *r,
                  struct stint_licence_recognition *ret)
{
    struct finish finish = { .report = report, .r = r };
    struct stint_licence_recognition *result = &finish.result;
    report_sort(report);
    int error = lines_init(&finish.lines, r->words.source, r->words.source_length);
    result->matches = calloc(STINT_LICENCE_MATCH_MAX, sizeof(*result->matches));
    result->clauses = calloc(STINT_LICENCE_CLAUSE_MAX, sizeof(*result->clauses));
    if (error != 0 || !result->matches || !result->clauses)
        error = -ENOMEM;
    for (uint32_t i = 0; i < report->match_count && error == 0; i++)
        finish_match(&finish, i);
    if (error == 0)
        error = finish_tags(&finish);
    if (error == 0 && !(result->edits = calloc(report->edit_count + 1u, sizeof(*result->edits))))
        error = -ENOMEM;
    if (error != 0) {
        free(finish.lines.starts);
        stint_licence_recognition_deinit(result);
        return error;
    }
    result->match_count = report->match_count;
    result->is_cut = report->is_cut || r->is_cut;
    finish_edits(&finish);
    finish_clauses(&finish);
    result->is_clean = result->match_count > 0 && !result->is_cut;
    for (uint32_t i = 0; i < result->match_count; i++)
        result->is_clean &= result->matches[i].kind == STINT_MATCH_CLEAN ||
                            result->matches[i].kind == STINT_MATCH_AMBIGUOUS;
    free(finish.lines.starts);
    *ret = *result;
    return 0;
}

void stint_licence_recognition_deinit(struct stint_licence_recognition *recognition)
{
    free(recognition->matches);
    free(recognition->edits);
    free(recognition->clauses);
    memset(recognition, 0, sizeof(*recognition));
}
