/* Owns: the phrases of clauses.yaml in compiled form, and looking for them in words. */
#include "clauses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned first_slot(const char *word)
{
    return ((unsigned char)word[0] * 31u + (unsigned char)word[1]) % (1024 * 8);
}

static void first_set(struct clauses *clauses, unsigned slot)
{
    clauses->first[slot / 8] = (uint8_t)(clauses->first[slot / 8] | 1u << slot % 8);
}

/* A first word of one letter and a star would match every second letter: then all bits are set. */
static void first_add(struct clauses *clauses, const char *word)
{
    if (word[0] == '#' || word[0] == '\0' || word[1] == '*')
        memset(clauses->first, 0xff, sizeof(clauses->first));
    else
        first_set(clauses, first_slot(word));
}

static int step_read(struct clause_step *step, char *token, struct stint_error *err)
{
    char *save;
    for (char *word = strtok_r(token, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
        if (step->word_count == CLAUSE_ALTERNATIVE_MAX)
            return stint_fail(err, STINT_INVALID, "more than %d words to choose from",
                              CLAUSE_ALTERNATIVE_MAX);
        const char *star = strchr(word, '*');
        if (star && star[1] != '\0')
            return stint_fail(err, STINT_INVALID, "'%s': a star may only end a word", word);
        step->words[step->word_count++] = word;
    }
    return step->word_count > 0 ? 0 : stint_fail(err, STINT_INVALID, "a step without words");
}

static int clause_read(struct clause *clause, char *text, struct stint_error *err)
{
    char *save;
    unsigned long gap = 0;
    for (char *token = strtok_r(text, " \t\n", &save); token;
         token = strtok_r(NULL, " \t\n", &save)) {
        if (strncmp(token, "..", 2) == 0) {
            char *end;
            gap = strtoul(token + 2, &end, 10);
            if (*end != '\0' || end == token + 2 || gap == 0 || gap > CLAUSE_GAP_MAX ||
                clause->step_count == 0)
                return stint_fail(err, STINT_INVALID, "'%s': a gap is ..1 to ..%d, between words",
                                  token, CLAUSE_GAP_MAX);
            continue;
        }
        if (clause->step_count == CLAUSE_STEP_MAX)
            return stint_fail(err, STINT_INVALID, "more than %d words", CLAUSE_STEP_MAX);
        struct clause_step *step = &clause->steps[clause->step_count++];
        step->gap = (uint8_t)gap;
        gap = 0;
        int r = step_read(step, token, err);
        if (r != 0)
            return r;
    }
    if (clause->step_count == 0 || gap != 0)
        return stint_fail(err, STINT_INVALID, "a phrase must begin and end with a word");
    return 0;
}

int clauses_add(struct clauses *clauses, int facet, char *text, struct stint_error *err)
{
    if (clauses->count == CLAUSE_COUNT_MAX)
        return stint_fail(err, STINT_INVALID, "more than %d phrases", CLAUSE_COUNT_MAX);
    if (clauses->count == clauses->capacity) {
        size_t capacity = clauses->capacity ? clauses->capacity * 2 : 32;
        struct clause *list = realloc(clauses->list, capacity * sizeof(*list));
        if (!list)
            return stint_fail(err, -ENOMEM, "out of memory");
        clauses->list = list;
        clauses->capacity = capacity;
    }
    struct clause *clause = &clauses->list[clauses->count];
    /* The text is cut in place; its name is kept as a copy behind it by the caller. */
    *clause = (struct clause){ .name = text + strlen(text) + 1, .facet = facet };
    int r = clause_read(clause, text, err);
    if (r != 0)
        return r;
    for (size_t i = 0; i < clause->steps[0].word_count; i++)
        first_add(clauses, clause->steps[0].words[i]);
    clauses->count++;
    return 0;
}

void clauses_deinit(struct clauses *clauses)
{
    free(clauses->list);
    memset(clauses, 0, sizeof(*clauses));
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool step_matches(const struct clause_step *step, const char *text)
{
    for (size_t i = 0; i < step->word_count; i++) {
        const char *word = step->words[i];
        size_t length = strlen(word);
        if (word[0] == '#' ? is_digits(text)
                           : (word[length - 1] == '*' ? strncmp(word, text, length - 1) == 0
                                                      : strcmp(word, text) == 0))
            return true;
    }
    return false;
}

/* The end of the phrase that begins at @at, 0 when none does. Each step takes the nearest word: a
 * phrase that wants a later one must say so. */
static size_t clause_matches(const struct clause *clause, const struct words *words, size_t at,
                             size_t limit)
{
    if (!step_matches(&clause->steps[0], words_text(words, at)))
        return 0;
    size_t next = at + 1;
    for (size_t i = 1; i < clause->step_count; i++) {
        size_t end = next + clause->steps[i].gap;
        while (next < limit && next <= end &&
               !step_matches(&clause->steps[i], words_text(words, next)))
            next++;
        if (next >= limit || next > end)
            return 0;
        next++;
    }
    return next;
}

void clauses_scan(const struct clauses *clauses, const struct words *words, size_t from, size_t to,
                  size_t limit, clause_hit_fn hit, void *context)
{
    for (size_t at = from; at < to; at++) {
        unsigned slot = first_slot(words_text(words, at));
        if (!(clauses->first[slot / 8] >> slot % 8 & 1))
            continue;
        for (size_t i = 0; i < clauses->count; i++) {
            size_t end = clause_matches(&clauses->list[i], words, at, limit);
            if (end != 0 && !hit(context, &clauses->list[i], at, end))
                return;
        }
    }
}
