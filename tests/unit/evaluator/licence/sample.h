/* Licence texts for tests, made from the table's own word sequences: no text is kept in the tree.
 */
#ifndef STINT_TEST_LICENCE_SAMPLE_H
#define STINT_TEST_LICENCE_SAMPLE_H

#include "stint/buffer.h"
#include "table.h"

/* What a word of a template is to a test. */
enum sample_kind {
    SAMPLE_CORE = 1, /* must be there, as it is */
    SAMPLE_BULLET,
    SAMPLE_FREE,     /* of a title, a notice or a place-holder */
    SAMPLE_OPTIONAL, /* of a part that is there as a whole or not at all */
    SAMPLE_LONE,     /* an optional part of one word */
};

struct sample {
    const struct stint_licences *table;
    uint32_t template;
    struct texts_template t;
};

/* The first text of licence @id that is no notice; fails the test when there is none. */
struct sample sample_of(const struct stint_licences *table, const char *id);
struct sample sample_at(const struct stint_licences *table, uint32_t template);
const char *sample_id(const struct sample *sample);
const char *sample_word(const struct sample *sample, uint32_t index);
enum sample_kind sample_kind(const struct sample *sample, uint32_t index);

/**
 * sample_write() - the whole text, in lines of some twelve words
 * @at: word before which @insert is put, or which is replaced; UINT32_MAX for none; the number of
 *   words for the end
 * @insert: put there, NULL for nothing
 * @is_replaced: leave the word @at out
 */
void sample_write(const struct sample *sample, uint32_t at, const char *insert, bool is_replaced,
                  struct stint_buffer *out);

/* Is @text, as a whole, clean, and is @id among what it is? */
bool sample_is_clean(const struct stint_licences *table, const char *text, size_t length,
                     const char *id);

/* The same, and in @ret_other the first licence that it is cleanly instead: two licences may differ
 * by one word. "" for none. */
bool sample_is_clean_as(const struct stint_licences *table, const char *text, size_t length,
                        const char *id, char ret_other[64]);

/**
 * sample_range() - which texts of the table a long test looks at
 * STINT_HOSTILE=all: every one; STINT_HOSTILE=all:100-200: those from the 100th up to the 200th, so
 * that a long run can be cut into pieces; once, once:100-200: the same texts, and each word in one
 * way instead of in three. false when only samples are asked for.
 */
bool sample_is_once(void);
bool sample_range(const struct stint_licences *table, uint32_t *ret_first, uint32_t *ret_end);

/* xorshift64*: the same numbers every time. @state is not 0. Source: S. Vigna, 2016. */
uint32_t sample_random(uint64_t *state, uint32_t below);

#endif
