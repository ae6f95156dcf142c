/* Owns: reading small files of words in lines. */
#include "lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

int line_fail(const struct line *line, struct stint_error *err, const char *what)
{
    return stint_fail(err, STINT_INVALID, "%.200s:%zu: %s", line->file, line->number, what);
}

bool line_number(const char *word, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (!*word)
        return false;
    for (; *word; word++) {
        if (!isdigit((unsigned char)*word) || number > (max - (uint64_t)(*word - '0')) / 10)
            return false;
        number = number * 10 + (uint64_t)(*word - '0');
    }
    *ret_number = number;
    return true;
}

static int split(const char *at, const char *end, struct line *line, struct stint_error *err)
{
    line->count = 0;
    while (at < end && *at != '#') {
        size_t length = 0;
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        while (at + length < end && !isspace((unsigned char)at[length]))
            length++;
        if (line->count == LINES_WORDS || length >= LINES_WORD_MAX)
            return line_fail(line, err, "too many words, or too long ones");
        memcpy(line->words[line->count], at, length);
        line->words[line->count++][length] = '\0';
        at += length;
    }
    return 0;
}

int lines_each(const char *text, size_t length, const char *name,
               int (*fn)(void *context, const struct line *line, struct stint_error *err),
               void *context, struct stint_error *err)
{
    struct line line = { .file = name };
    const char *end = text + length;
    int r = 0;
    for (const char *at = text; at < end && r == 0;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        line.number++;
        r = split(at, stop, &line, err);
        if (r == 0 && line.count > 0)
            r = fn(context, &line, err);
        at = stop + 1;
    }
    return r;
}

int lines_read(const char *path, char **ret_text, size_t *ret_length, struct stint_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return stint_fail(err, -errno, "%.200s: %s", path, strerror(errno));
    size_t capacity = 4096;
    size_t length = 0;
    size_t more;
    stint_auto(stint_free) char *text = malloc(capacity);
    int r = text ? 0 : -ENOMEM;
    while (r == 0 && (more = fread(text + length, 1, capacity - length, file)) > 0) {
        length += more;
        if (length < capacity)
            continue;
        char *larger = capacity < LINES_BYTES_MAX ? realloc(text, capacity * 2) : NULL;
        if (larger) {
            text = larger;
            capacity *= 2;
        } else {
            r = capacity < LINES_BYTES_MAX
                    ? -ENOMEM
                    : stint_fail(err, STINT_TOO_LARGE, "%.200s has more than 16 MiB", path);
        }
    }
    if (r == 0 && ferror(file))
        r = stint_fail(err, -EIO, "%.200s cannot be read", path);
    (void)fclose(file);
    if (r == 0) {
        *ret_text = stint_take(text);
        *ret_length = length;
    }
    return r;
}
