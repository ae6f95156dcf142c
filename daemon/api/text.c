/* Owns: text from outside before anybody looks at its meaning. */
#include "api_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of the sequence at @s, 0 when it is not valid (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t length;
    } rows[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++) {
        if (s[0] < rows[i].first_min || s[0] > rows[i].first_max)
            continue;
        if (left < rows[i].length || s[1] < rows[i].second_min || s[1] > rows[i].second_max)
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].length;
    }
    return 0;
}

/* Offset of the first byte that is not UTF-8, @length when all is. */
static size_t utf8_end(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof(eight)) { /* most text is ASCII */
            memcpy(&eight, s + at, sizeof(eight));
            if (!(eight & UINT64_C(0x8080808080808080))) {
                at += sizeof(eight);
                continue;
            }
        }
        size_t n = utf8_length(s + at, length - at);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

bool text_is_utf8(const char *text, size_t length)
{
    return utf8_end(text, length) == length;
}

/* One byte of @text at *at, decoded; -1 when it is malformed or NUL. */
static int decode_byte(const char *text, size_t length, size_t *at, bool plus_is_space)
{
    char c = text[*at];
    if (c == '%') {
        int high = length - *at < 3 ? -1 : hex_digit(text[*at + 1]);
        int low = high < 0 ? -1 : hex_digit(text[*at + 2]);
        *at += 3;
        return low < 0 || high * 16 + low == 0 ? -1 : high * 16 + low;
    }
    (*at)++;
    if (c == '+' && plus_is_space)
        return ' ';
    return c == '\0' ? -1 : (unsigned char)c;
}

char *text_decode(const char *text, size_t length, bool plus_is_space)
{
    char *decoded = malloc(length + 1);
    size_t out = 0;
    bool is_good = decoded != NULL;
    for (size_t at = 0; is_good && at < length;) {
        int byte = decode_byte(text, length, &at, plus_is_space);
        is_good = byte > 0;
        decoded[out++] = (char)byte;
    }
    if (!is_good || !text_is_utf8(decoded, out)) {
        free(decoded);
        return NULL;
    }
    decoded[out] = '\0';
    return decoded;
}

/* A loop that compilers make into a few vector instructions. */
static size_t brackets_count(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += (size_t)((text[i] == '{') | (text[i] == '['));
    return count;
}

/* Nesting is judged before the parser recurses: strings are skipped, brackets counted. */
static bool json_is_too_deep(const char *text, size_t length)
{
    unsigned depth = 0;
    bool in_string = false;
    if (brackets_count(text, length) <= API_JSON_DEPTH_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > API_JSON_DEPTH_MAX)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

bool text_line(const char **at, const char *end, size_t *ret_length)
{
    while (*at < end) {
        const char *line_end = memchr(*at, '\n', (size_t)(end - *at));
        const char *last = line_end ? line_end : end;
        const char *c = *at;
        while (c < last && (*c == ' ' || *c == '\t' || *c == '\r'))
            c++;
        if (c < last) {
            *ret_length = (size_t)(last - *at);
            return true;
        }
        *at = line_end ? line_end + 1 : end;
    }
    return false;
}

int text_json(const char *text, size_t length, size_t line, json_t **ret_json,
              struct stint_error *err)
{
    json_error_t where;
    char what[32] = "the body";
    size_t end = utf8_end(text, length);
    if (line > 0)
        (void)snprintf(what, sizeof(what), "line %zu", line);
    if (end != length)
        return stint_fail(err, STINT_INVALID, "%s is not UTF-8 at byte %zu", what, end);
    if (json_is_too_deep(text, length))
        return stint_fail(err, STINT_INVALID, "%s nests deeper than %d levels", what,
                          API_JSON_DEPTH_MAX);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!json && line > 0)
        return stint_fail(err, STINT_INVALID, "%s is not JSON: column %d: %.200s", what,
                          where.column, where.text);
    if (!json)
        return stint_fail(err, STINT_INVALID, "the body is not JSON: line %d, column %d: %.200s",
                          where.line, where.column, where.text);
    *ret_json = json;
    return 0;
}
