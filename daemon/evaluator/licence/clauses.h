/* Clauses that take a freedom away, found by phrases in words that no clean licence accounts for.
 * A hit is evidence of a restriction with its place; no hit is evidence of nothing. */
#ifndef STINT_LICENCE_CLAUSES_H
#define STINT_LICENCE_CLAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"
#include "words.h"

/* Most steps of one phrase, most alternatives of one step, most words a gap may span. */
#define CLAUSE_STEP_MAX        16
#define CLAUSE_ALTERNATIVE_MAX 32
#define CLAUSE_GAP_MAX         20
#define CLAUSE_COUNT_MAX       400

/* A word, the beginning of a word, or '#' for any number. */
struct clause_word {
    const char *text; /* not ended where @length ends when it is a beginning */
    uint8_t length;
    bool is_head;
};

/* One step of a phrase: any of its words, after a gap of at most @gap other words. */
struct clause_step {
    uint32_t word_first; /* in clauses.words */
    uint8_t word_count;
    uint8_t gap;
};

struct clause {
    const char *name; /* the phrase as it stands in clauses.yaml */
    int facet;
    uint32_t step_first; /* in clauses.steps */
    uint32_t step_count;
    uint32_t letters; /* that its first word may begin with: bit 0 for 'a', bit 26 for others */
};

/* Arrays that grow. @first: a bit set by the first two letters of a first word, since most words
 * begin no phrase. */
struct clauses {
    struct clause *list;
    struct clause_step *steps;
    struct clause_word *words;
    size_t count;
    size_t capacity;
    size_t step_count;
    size_t step_capacity;
    size_t word_count;
    size_t word_capacity;
    uint8_t first[1024];
};

/**
 * clauses_add() - compile one phrase: such as "not ..3 commercial|business purpose*"
 * @text: words with blanks between; `a|b` either; `word*` a beginning; `#` a number; `..3` up to
 *   three words between. It is cut in place, must live as long as @clauses, and the untouched
 *   phrase must follow its NUL: that is the name hits carry
 * Return: 0; STINT_INVALID with what is wrong; -ENOMEM.
 */
int clauses_add(struct clauses *clauses, int facet, char *text, struct stint_error *err);
void clauses_deinit(struct clauses *clauses);

/* A hit: words @first to @end (exclusive). Return false to stop. */
typedef bool (*clause_hit_fn)(void *context, const struct clause *clause, size_t first, size_t end);
/* All hits that begin in words @from to @to (exclusive) of @words; a hit may end behind @to but not
 * at or behind @limit. O(words * phrases that begin with the word). */
void clauses_scan(const struct clauses *clauses, const struct words *words, size_t from, size_t to,
                  size_t limit, clause_hit_fn hit, void *context);

#endif
