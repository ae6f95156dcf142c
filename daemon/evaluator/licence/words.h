/* Words of a text, in the normal form in which licence texts are compared, with their places kept.
 * The generator of the text table and the recogniser both use these functions, so that they can
 * never disagree about what a word is. */
#ifndef STINT_LICENCE_WORDS_H
#define STINT_LICENCE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/auto.h"

/* Longest normal form kept of a word; longer words are cut and marked, and equal nothing. */
#define WORD_TEXT_MAX 63
/* The id of a word that is in no licence; it equals nothing, itself included. */
#define WORD_FOREIGN ((uint16_t)0xffff)

/* What is known of a word from the text around it. */
enum word_flag {
    WORD_LINE_START = 1 << 0, /* first of its line */
    WORD_BLANK = 1 << 1,      /* an empty line, or nothing at all, stands before it */
    WORD_SENTENCE = 1 << 2,   /* a colon or semicolon, or nothing, stands before it */
    WORD_GLUED = 1 << 3,      /* no blank between it and the word before */
    WORD_CAPITAL = 1 << 4,    /* begins with a capital letter, a digit or a letter without case */
    WORD_BULLET = 1 << 5,     /* a list mark: "1.", "(a)", "iv)" */
    WORD_NOTICE = 1 << 6,     /* of a copyright notice */
    WORD_TAG = 1 << 7,        /* of an SPDX-License-Identifier line */
    WORD_BRACKET = 1 << 8,    /* inside <…>, […] or {…} on one line */
    WORD_DISGUISED = 1 << 9,  /* look-alike letters, invisible characters, control characters */
    WORD_LINK = 1 << 10,      /* of the target of a mark-up link */
    WORD_COMMA = 1 << 11,     /* a comma follows */
    WORD_STOP = 1 << 12,      /* a full stop stands before it */
    WORD_EDGE = 1 << 13,      /* an HTML comment begins or ends before it */
};

/**
 * struct word - one word
 * @offset, @length: bytes in the source text
 * @text: where its normal form begins in words.normal; ends in NUL
 * @text_length: of the normal form
 * @id: in the vocabulary of a table, WORD_FOREIGN before it was looked up
 */
struct word {
    uint32_t offset;
    uint32_t text;
    uint16_t length;
    uint16_t flags;
    uint16_t id;
    uint8_t text_length;
};

struct words {
    const char *source; /* borrowed */
    size_t source_length;
    struct word *list;
    size_t count;
    size_t capacity;
    char *normal;
    size_t normal_length;
    size_t normal_capacity;
};

/**
 * words_split() - cut @text into words
 * Ignored: white space, punctuation, letter case, mark-up tags and character references, the style
 * of quotes and dashes. Varietal spellings get one form. Never ignored: any letter or digit, any
 * invisible or control character.
 * Return: 0, -ENOMEM. O(length).
 */
int words_split(const char *text, size_t length, struct words *ret_words);
/* The same in the room of words that were split before, or are all zero; theirs are gone. On
 * failure @words still wants words_deinit(). */
int words_split_again(const char *text, size_t length, struct words *words);
void words_deinit(struct words *words);
static inline __attribute__((unused)) void words_deinit_auto(struct words *words)
{
    words_deinit(words);
}

/* The normal form of the @index-th word. */
static inline __attribute__((unused)) const char *words_text(const struct words *words,
                                                             size_t index)
{
    return words->normal + words->list[index].text;
}

/* notices.c: mark bullets, copyright notices and identifier tags. 0 or -ENOMEM. O(words). */
int words_mark(struct words *words);

/* names.c: may this word stand in the name of a copyright holder? Words that grant, forbid or
 * condition may not, whatever their case. */
bool words_is_name(const struct words *words, size_t index);

/* The same for a place-holder inside a text, where "holders" and "owner" are at home too. */
bool words_is_holder(const struct words *words, size_t index);

/* A word that joins names ("and", "of", "inc") and is written in small letters there. */
bool words_is_joining(const struct words *words, size_t index);

/* The expression of the identifier tag whose first word is @index, as it stands; false when it is
 * longer than any. */
#define WORD_TAG_MAX 256
bool words_tag(const struct words *words, size_t index, char text[WORD_TAG_MAX]);

/* spelling.c: the one form of a word with several spellings; the word itself when it has one. */
const char *spelling_normal(const char *word);

#endif
