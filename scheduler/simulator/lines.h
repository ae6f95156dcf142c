/* Small files of words in lines, with `#` comments: shares and clusters. */
#ifndef STINT_SCHEDULER_LINES_H
#define STINT_SCHEDULER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"

#define LINES_BYTES_MAX ((size_t)16 << 20)
#define LINES_WORD_MAX  128
#define LINES_WORDS     16

/* One line's words; @file and @number are for messages. */
struct line {
    const char *file;
    size_t number;
    size_t count;
    char words[LINES_WORDS][LINES_WORD_MAX];
};

/**
 * lines_each() - calls @fn for each line that has a word, until it returns other than 0
 * Return: what @fn returned last, or STINT_INVALID for a line with too many or too long words.
 */
int lines_each(const char *text, size_t length, const char *name,
               int (*fn)(void *context, const struct line *line, struct stint_error *err),
               void *context, struct stint_error *err);
/* The whole file; free() it. */
int lines_read(const char *path, char **ret_text, size_t *ret_length, struct stint_error *err);
/* All of @word as a number of at most @max. */
bool line_number(const char *word, uint64_t max, uint64_t *ret_number);
/* "FILE:LINE: what", as STINT_INVALID. */
int line_fail(const struct line *line, struct stint_error *err, const char *what);

#endif
