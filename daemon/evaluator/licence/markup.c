/* Owns: the short lists of HTML tags, attributes and character references that may stand in a
 * licence text without being words of it. */
#include "markup.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "characters.h"
#include "stint/auto.h"

static const char *const tags[] = {
    "a",  "abbr", "article", "b",     "big",  "blockquote", "body", "br",   "center", "code",
    "dd", "div",  "dl",      "dt",    "em",   "font",       "h1",   "h2",   "h3",     "h4",
    "h5", "h6",   "head",    "hr",    "html", "i",          "li",   "link", "meta",   "ol",
    "p",  "pre",  "section", "small", "span", "strong",     "sub",  "sup",  "table",  "tbody",
    "td", "th",   "title",   "tr",    "tt",   "u",          "ul",   NULL,
};
static const char *const attributes[] = {
    "align", "alt",  "border", "charset", "class", "color",  "content",  "dir",   "face",  "href",
    "id",    "lang", "name",   "rel",     "rev",   "size",   "src",      "start", "style", "target",
    "title", "type", "valign", "value",   "width", "height", "xml:lang", "xmlns", NULL,
};

static bool markup_in_list(const char *const *list, const char *name, size_t length)
{
    for (; *list; list++)
        if (strlen(*list) == length && strncasecmp(*list, name, length) == 0)
            return true;
    return false;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
           c == '-';
}

static bool is_blank_char(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t name_length(const char *text, size_t left)
{
    size_t length = 0;
    while (length < left && is_name_char(text[length]))
        length++;
    return length;
}

/* One attribute at @text: its length, 0 when it is none. @ret_value: where its value begins. */
static size_t attribute_length(const char *text, size_t left, size_t *ret_value)
{
    size_t length = name_length(text, left);
    *ret_value = length;
    if (length == 0 || !markup_in_list(attributes, text, length))
        return 0;
    if (length >= left || text[length] != '=')
        return length;
    length++;
    if (length >= left)
        return 0;
    *ret_value = length;
    char quote = text[length];
    if (quote != '"' && quote != '\'') {
        while (length < left && !is_blank_char(text[length]) && text[length] != '>')
            length++;
        return length;
    }
    const char *end = memchr(text + length + 1, quote, left - length - 1);
    return end ? (size_t)(end - text) + 1 : 0;
}

/* Walks the tag; when @at is inside it, tells whether it lies in a value. */
static size_t tag_walk(const char *text, size_t left, size_t at, bool *ret_in_value)
{
    if (left > MARKUP_LENGTH_MAX)
        left = MARKUP_LENGTH_MAX;
    size_t i = left > 1 && text[1] == '/' ? 2 : 1;
    if (i >= left)
        return 0;
    size_t name = name_length(text + i, left - i);
    if (name == 0 || !markup_in_list(tags, text + i, name))
        return 0;
    i += name;
    while (i < left && text[i] != '>') {
        size_t value = 0;
        size_t length = 1;
        if (!is_blank_char(text[i]) && text[i] != '/') {
            length = attribute_length(text + i, left - i, &value);
            if (length == 0)
                return 0;
            if (at >= i + value && at < i + length && ret_in_value)
                *ret_in_value = true;
        }
        i += length;
    }
    return i < left ? i + 1 : 0;
}

size_t markup_tag(const char *text, size_t left)
{
    return tag_walk(text, left, 0, NULL);
}

bool markup_is_value(const char *text, size_t length, size_t at)
{
    bool in_value = false;
    (void)tag_walk(text, length, at, &in_value);
    return in_value;
}

/* "#8220" or "#x201c": the code point, 0 when it is no number. */
static uint32_t reference_number(const char *text, size_t length)
{
    bool is_hex = length > 1 && (text[1] == 'x' || text[1] == 'X');
    uint32_t code = 0;
    for (size_t i = is_hex ? 2 : 1; i < length; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit >= (is_hex ? 16u : 10u) || code > 0x10ffff)
            return 0;
        code = code * (is_hex ? 16 : 10) + digit;
    }
    return code;
}

size_t markup_reference(const char *text, size_t left, char *ret_mark)
{
    static const struct {
        const char *name;
        char mark;
    } names[] = {
        { "nbsp", ' ' },  { "ensp", ' ' },   { "emsp", ' ' },   { "thinsp", ' ' }, { "quot", '"' },
        { "amp", '&' },   { "lt", '<' },     { "gt", '>' },     { "apos", '\'' },  { "ldquo", '"' },
        { "rdquo", '"' }, { "lsquo", '\'' }, { "rsquo", '\'' }, { "laquo", '"' },  { "raquo", '"' },
        { "mdash", '-' }, { "ndash", '-' },  { "hellip", '-' }, { "sect", '-' },   { "para", '-' },
        { "bull", '-' },  { "middot", '-' }, { "reg", '-' },    { "trade", '-' },
    };
    if (left > 12)
        left = 12;
    const char *end = memchr(text, ';', left);
    if (!end || end - text < 3)
        return 0;
    size_t length = (size_t)(end - text) - 1;
    if (text[1] == '#') {
        uint32_t code = reference_number(text + 1, length);
        enum character_class class = code ? character_class_of(code) : CHARACTER_LETTER;
        *ret_mark = class == CHARACTER_BLANK ? ' ' : code < 0x80 ? (char)code : '-';
        return class == CHARACTER_BLANK || class == CHARACTER_PUNCTUATION ? length + 2 : 0;
    }
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        if (strlen(names[i].name) == length && strncmp(names[i].name, text + 1, length) == 0) {
            *ret_mark = names[i].mark;
            return length + 2;
        }
    }
    return 0;
}
