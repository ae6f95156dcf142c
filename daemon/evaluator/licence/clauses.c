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

static uint32_t letter_bit(const char *word)
{
    return 1u << (word[0] >= 'a' && word[0] <= 'z' ? word[0] - 'a' : 26);
}

/* @list with room for one more of @size bytes; NULL without memory, and @list is what it was. */
static void *grow(void *list, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return list;
    size_t wanted = *capacity ? *capacity * 2 : 32;
    void *bigger = realloc(list, wanted * size);
    if (bigger)
        *capacity = wanted;
    return bigger;
}

/* A first word of one letter and a star would match every second letter: then all bits are set. */
static void first_add(struct clauses *clauses, struct clause *clause,
                      const struct clause_word *word)
{
    if (word->text[0] == '#' || word->length < 2) {
        memset(clauses->first, 0xff, sizeof(clauses->first));
        clause->letters = UINT32_MAX;
        return;
    }
    first_set(clauses, first_slot(word->text));
    clause->letters |= letter_bit(word->text);
}

static int step_read(struct clauses *clauses, struct clause_step *step, char *token,
                     struct stint_error *err)
{
    char *save;
    step->word_first = (uint32_t)clauses->word_count;
    for (char *word = strtok_r(token, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
        if (step->word_count == CLAUSE_ALTERNATIVE_MAX)
            return stint_fail(err, STINT_INVALID, "more than %d words to choose from",
                              CLAUSE_ALTERNATIVE_MAX);
        const char *star = strchr(word, '*');
        size_t length = star ? (size_t)(star - word) : strlen(word);
        if (star && star[1] != '\0')
            return stint_fail(err, STINT_INVALID, "'%s': a star may only end a word", word);
        if (length > UINT8_MAX)
            return stint_fail(err, STINT_INVALID, "a word of more than 255 letters");
        struct clause_word *words =
            grow(clauses->words, sizeof(*words), clauses->word_count, &clauses->word_capacity);
        if (!words)
            return stint_fail(err, -ENOMEM, "out of memory");
        clauses->words = words;
        clauses->words[clauses->word_count++] =
            (struct clause_word){ .text = word, .length = (uint8_t)length, .is_head = star };
        step->word_count++;
    }
    return step->word_count > 0 ? 0 : stint_fail(err, STINT_INVALID, "a step without words");
}

static int clause_read(struct clauses *clauses, struct clause *clause, char *text,
                       struct stint_error *err)
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
        struct clause_step *steps =
            grow(clauses->steps, sizeof(*steps), clauses->step_count, &clauses->step_capacity);
        if (!steps)
            return stint_fail(err, -ENOMEM, "out of memory");
        clauses->steps = steps;
        struct clause_step *step = &clauses->steps[clauses->step_count++];
        *step = (struct clause_step){ .gap = (uint8_t)gap };
        clause->step_count++;
        gap = 0;
        int r = step_read(clauses, step, token, err);
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
    struct clause *list = grow(clauses->list, sizeof(*list), clauses->count, &clauses->capacity);
    if (!list)
        return stint_fail(err, -ENOMEM, "out of memory");
    clauses->list = list;
    struct clause *clause = &clauses->list[clauses->count];
    /* The text is cut in place; its name is kept as a copy behind it by the caller. */
    *clause = (struct clause){ .name = text + strlen(text) + 1,
                               .facet = facet,
                               .step_first = (uint32_t)clauses->step_count };
    int r = clause_read(clauses, clause, text, err);
    if (r != 0)
        return r;
    const struct clause_step *step = &clauses->steps[clause->step_first];
    for (size_t i = 0; i < step->word_count; i++)
        first_add(clauses, clause, &clauses->words[step->word_first + i]);
    clauses->count++;
    return 0;
}

void clauses_deinit(struct clauses *clauses)
{
    free(clauses->list);
    free(clauses->steps);
    free(clauses->words);
    memset(clauses, 0, sizeof(*clauses));
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool step_matches(const struct clauses *clauses, const struct clause_step *step,
                         const char *text)
{
    const struct clause_word *words = &clauses->words[step->word_first];
    for (size_t i = 0; i < step->word_count; i++) {
        const struct clause_word *word = &words[i];
        if (word->text[0] == '#' && is_digits(text))
            return true;
        if (word->text[0] == text[0] && strncmp(word->text, text, word->length) == 0 &&
            (word->is_head || text[word->length] == '\0'))
            return true;
    }
    return false;
}

/* The end of the phrase that begins at @at, 0 when none does. Each step takes the nearest word: a
 * phrase that wants a later one must say so. */
static size_t clause_matches(const struct clauses *clauses, const struct clause *clause,
                             const struct words *words, size_t at, size_t limit)
{
    const struct clause_step *steps = &clauses->steps[clause->step_first];
    if (!step_matches(clauses, &steps[0], words_text(words, at)))
        return 0;
    size_t next = at + 1;
    for (size_t i = 1; i < clause->step_count; i++) {
        size_t end = next + steps[i].gap;
        while (next < limit && next <= end &&
               !step_matches(clauses, &steps[i], words_text(words, next)))
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
        const char *text = words_text(words, at);
        unsigned slot = first_slot(text);
        uint32_t letter = letter_bit(text);
        if (!(clauses->first[slot / 8] >> slot % 8 & 1))
            continue;
        for (size_t i = 0; i < clauses->count; i++) {
            if (!(clauses->list[i].letters & letter))
                continue;
            size_t end = clause_matches(clauses, &clauses->list[i], words, at, limit);
            if (end != 0 && !hit(context, &clauses->list[i], at, end))
                return;
        }
    }
}
