/* Owns: SPDX licence expressions: reading them into a small tree and folding answers over it.
 *
 * Grammar (SPDX specification, annex "License expressions"), loosest first:
 *   or   = and *( "OR" and )
 *   and  = term *( "AND" term )
 *   term = "(" or ")" | id [ "+" ] [ "WITH" id ]
 * The tree is stored in postfix order, so that folding needs a stack and no recursion. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/licence.h"

enum expression_code { CODE_AND = -1, CODE_OR = -2 }; /* others are indices of terms */

struct stint_licence_expression {
    size_t term_count;
    size_t code_count;
    struct stint_licence_term terms[STINT_EXPRESSION_TERM_MAX];
    int16_t codes[2 * STINT_EXPRESSION_TERM_MAX];
    char text[STINT_EXPRESSION_LENGTH_MAX + 2 * STINT_EXPRESSION_TERM_MAX];
    size_t text_length;
};

/* The reader's place. */
struct reader {
    const char *text;
    const char *at;
    struct stint_licence_expression *expression;
    struct stint_error *err;
    unsigned depth;
};

static int reader_fail(const struct reader *reader, const char *what)
{
    return stint_fail(reader->err, STINT_INVALID, "licence expression, column %zu: %s",
                      (size_t)(reader->at - reader->text) + 1, what);
}

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t')
        reader->at++;
}

static bool is_id_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == ':' || c == '_';
}

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (is_id_char(text[length]))
        length++;
    return length;
}

/* Takes the operator when it comes next: in upper case or, as the specification allows, in lower.
 */
static bool take_operator(struct reader *reader, const char *upper, const char *lower)
{
    skip_blanks(reader);
    size_t length = word_length(reader->at);
    if (length != strlen(upper) ||
        (memcmp(reader->at, upper, length) != 0 && memcmp(reader->at, lower, length) != 0))
        return false;
    reader->at += length;
    return true;
}

static bool is_operator(const char *text, size_t length)
{
    static const char *const words[] = { "AND", "OR", "WITH", "and", "or", "with" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return true;
    return false;
}

/* An id, copied into the expression; NULL after a failure. */
static const char *read_id(struct reader *reader, const char *missing)
{
    skip_blanks(reader);
    size_t length = word_length(reader->at);
    if (length == 0 || is_operator(reader->at, length)) {
        (void)reader_fail(reader, missing);
        return NULL;
    }
    struct stint_licence_expression *expression = reader->expression;
    char *copy = expression->text + expression->text_length;
    memcpy(copy, reader->at, length);
    copy[length] = '\0';
    expression->text_length += length + 1;
    reader->at += length;
    return copy;
}

static int read_term(struct reader *reader)
{
    struct stint_licence_expression *expression = reader->expression;
    if (expression->term_count == STINT_EXPRESSION_TERM_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "licence expression: more than %d licences",
                          STINT_EXPRESSION_TERM_MAX);
    struct stint_licence_term term = { .id = read_id(reader, "a licence id is missing") };
    if (!term.id)
        return STINT_INVALID;
    if (*reader->at == '+') {
        term.is_or_later = true;
        reader->at++;
    }
    if (take_operator(reader, "WITH", "with") &&
        !(term.exception = read_id(reader, "an exception's id is missing after WITH")))
        return STINT_INVALID;
    expression->codes[expression->code_count++] = (int16_t)expression->term_count;
    expression->terms[expression->term_count++] = term;
    return 0;
}

static int read_or(struct reader *reader);

static int read_factor(struct reader *reader)
{
    skip_blanks(reader);
    if (*reader->at != '(')
        return read_term(reader);
    if (++reader->depth > STINT_EXPRESSION_DEPTH_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE,
                          "licence expression: more than %d parentheses inside each other",
                          STINT_EXPRESSION_DEPTH_MAX);
    reader->at++;
    int r = read_or(reader); /* recursion bounded by depth */
    if (r != 0)
        return r;
    skip_blanks(reader);
    if (*reader->at != ')')
        return reader_fail(reader, "a closing parenthesis is missing");
    reader->at++;
    reader->depth--;
    return 0;
}

static int read_and(struct reader *reader)
{
    int r = read_factor(reader);
    while (r == 0 && take_operator(reader, "AND", "and")) {
        r = read_factor(reader);
        if (r == 0)
            reader->expression->codes[reader->expression->code_count++] = CODE_AND;
    }
    return r;
}

static int read_or(struct reader *reader)
{
    int r = read_and(reader);
    while (r == 0 && take_operator(reader, "OR", "or")) {
        r = read_and(reader);
        if (r == 0)
            reader->expression->codes[reader->expression->code_count++] = CODE_OR;
    }
    return r;
}

int stint_licence_expression_parse(const char *text,
                                   struct stint_licence_expression **ret_expression,
                                   struct stint_error *err)
{
    if (strnlen(text, STINT_EXPRESSION_LENGTH_MAX + 1) > STINT_EXPRESSION_LENGTH_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "licence expression: longer than %d bytes",
                          STINT_EXPRESSION_LENGTH_MAX);
    stint_auto(stint_licence_expression_free) struct stint_licence_expression *expression =
        calloc(1, sizeof(*expression));
    if (!expression)
        return stint_fail(err, -ENOMEM, "out of memory");
    struct reader reader = { .text = text, .at = text, .expression = expression, .err = err };
    int r = read_or(&reader);
    if (r != 0)
        return r;
    while (isspace((unsigned char)*reader.at))
        reader.at++;
    if (*reader.at != '\0')
        return reader_fail(&reader, "AND, OR or WITH was expected here");
    *ret_expression = stint_take(expression);
    return 0;
}

struct stint_licence_expression *stint_licence_expression_free(
    struct stint_licence_expression *expression)
{
    free(expression);
    return NULL;
}

size_t stint_licence_expression_term_count(const struct stint_licence_expression *expression)
{
    return expression->term_count;
}

const struct stint_licence_term *stint_licence_expression_term(
    const struct stint_licence_expression *expression, size_t index)
{
    return &expression->terms[index];
}

enum stint_tristate stint_licence_expression_fold(const struct stint_licence_expression *expression,
                                                  stint_licence_ask_fn ask, void *context)
{
    enum stint_tristate stack[STINT_EXPRESSION_TERM_MAX] = { STINT_UNKNOWN };
    size_t depth = 0;
    assert(expression->term_count > 0);
    for (size_t i = 0; i < expression->code_count; i++) {
        int code = expression->codes[i];
        if (code >= 0) {
            stack[depth++] = ask(context, &expression->terms[code]);
            continue;
        }
        assert(depth >= 2); /* the reader writes an operator behind its two sides only */
        depth--;
        stack[depth - 1] = code == CODE_AND ? stint_tristate_and(stack[depth - 1], stack[depth])
                                            : stint_tristate_or(stack[depth - 1], stack[depth]);
    }
    return stack[0];
}
