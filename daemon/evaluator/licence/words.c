/* Owns: cutting a text into words. One pass over the bytes; the marks that need a view of several
 * words (bullets, notices) are set afterwards by notices.c.
 *
 * 1. Every letter and digit of the text is in exactly one word, save those of mark-up tags' names
 *    and of character references that stand for punctuation.
 * 2. An invisible or control character makes the word it touches equal to nothing; alone between
 *    blanks it is a word of its own. So none of them can be ignored.
 * 3. Words are in the order of the text and do not overlap. */
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "markup.h"

/* Stands for a hidden character in a normal form; no honest word contains it. */
#define HIDDEN_MARK '\x01'

/* The scanner: the word being read, and what was seen since the last one ended. */
struct scan {
    struct words *words;
    size_t word_offset;
    size_t word_end;
    size_t link_end;    /* words that begin before it belong to a link's target */
    size_t bracket_end; /* the same for a bracket */
    unsigned newlines;
    uint16_t flags; /* of the word being read, once it has begun */
    bool in_word;
    bool has_latin;
    bool has_other;
    bool saw_sentence;
    bool saw_stop;
    bool saw_blank;
    bool saw_edge;
    bool in_comment;
    bool saw_hyphen_only; /* since the last word nothing but blanks, hyphens, comment marks */
    char buffer[WORD_TEXT_MAX + 1];
    size_t buffer_length;
};

static int words_reserve(struct words *words)
{
    if (words->count == words->capacity) {
        size_t capacity = words->capacity ? words->capacity * 2 : 1024;
        struct word *list = realloc(words->list, capacity * sizeof(*list));
        if (!list)
            return -ENOMEM;
        words->list = list;
        words->capacity = capacity;
    }
    if (words->normal_capacity - words->normal_length < 2 * (WORD_TEXT_MAX + 1)) {
        size_t capacity = words->normal_capacity ? words->normal_capacity * 2 : 8192;
        char *normal = realloc(words->normal, capacity);
        if (!normal)
            return -ENOMEM;
        words->normal = normal;
        words->normal_capacity = capacity;
    }
    return 0;
}

/* Longest first part of a joined word. */
#define JOINED_LENGTH_MAX 3

/* "sub license", "non-commercial", "per cent", "e-mail": one word in some texts, two in others. */
static bool is_joined(const char *first, const char *second)
{
    static const char *const non[] = { "commercial",  "commercially", "exclusive",
                                       "exclusively", "infringement", "infringing",
                                       "profit",      "transferable", "sublicensable" };
    switch (first[0]) {
    case 's':
        return strcmp(first, "sub") == 0 && strncmp(second, "licen", 5) == 0;
    case 'p':
        return strcmp(first, "per") == 0 && strcmp(second, "cent") == 0;
    case 'e':
        return strcmp(first, "e") == 0 && strcmp(second, "mail") == 0;
    case 'n':
        for (size_t i = 0; strcmp(first, "non") == 0 && i < STINT_ARRAY_SIZE(non); i++)
            if (strcmp(second, non[i]) == 0)
                return true;
        return false;
    default:
        return false;
    }
}

static void set_normal(struct words *words, struct word *word, const char *text, size_t length)
{
    memcpy(words->normal + word->text, text, length);
    words->normal[word->text + length] = '\0';
    words->normal_length = word->text + length + 1;
    word->text_length = (uint8_t)length;
}

/* The word just read belongs to the one before it: put them together. */
static void join_last(struct words *words, const char *text, size_t length, size_t end,
                      unsigned flags)
{
    struct word *word = &words->list[words->count - 1];
    char joined[2 * WORD_TEXT_MAX + 2];
    memcpy(joined, words->normal + word->text, word->text_length);
    memcpy(joined + word->text_length, text, length);
    size_t joined_length = word->text_length + length;
    if (joined_length > WORD_TEXT_MAX) {
        joined_length = WORD_TEXT_MAX;
        joined[0] = HIDDEN_MARK;
    }
    joined[joined_length] = '\0';
    const char *normal = spelling_normal(joined);
    set_normal(words, word, normal, strlen(normal));
    word->length = (uint16_t)(end - word->offset > UINT16_MAX ? UINT16_MAX : end - word->offset);
    word->flags |= (uint16_t)(flags & (WORD_DISGUISED | WORD_LINK));
}

/* "copyright owner" and "copyright holder" are the same words to the matching guidelines. */
static const char *after_copyright(const struct words *words, const char *text)
{
    if (text[0] != 'o' || words->count == 0 ||
        strcmp(words_text(words, words->count - 1), "copyright") != 0)
        return text;
    return strcmp(text, "owner") == 0 ? "holder" : strcmp(text, "owners") == 0 ? "holders" : text;
}

static int word_end(struct scan *scan)
{
    struct words *words = scan->words;
    if (!scan->in_word)
        return 0;
    scan->in_word = false;
    int r = words_reserve(words);
    if (r != 0)
        return r;
    assert(words->list);
    if (scan->has_latin && scan->has_other)
        scan->flags |= WORD_DISGUISED;
    scan->buffer[scan->buffer_length] = '\0';
    const struct word *last = words->count > 0 ? &words->list[words->count - 1] : NULL;
    bool may_join = last && scan->saw_hyphen_only && last->text_length <= JOINED_LENGTH_MAX &&
                    !(last->flags & WORD_DISGUISED) &&
                    is_joined(words_text(words, words->count - 1), scan->buffer);
    if (may_join) {
        join_last(words, scan->buffer, scan->buffer_length, scan->word_end, scan->flags);
    } else {
        const char *normal = after_copyright(words, spelling_normal(scan->buffer));
        struct word *word = &words->list[words->count++];
        size_t length = scan->word_end - scan->word_offset;
        *word = (struct word){ .offset = (uint32_t)scan->word_offset,
                               .length = (uint16_t)(length > UINT16_MAX ? UINT16_MAX : length),
                               .text = (uint32_t)words->normal_length,
                               .flags = scan->flags,
                               .id = WORD_FOREIGN };
        set_normal(words, word, normal,
                   normal == scan->buffer ? scan->buffer_length : strlen(normal));
    }
    scan->newlines = 0;
    scan->saw_sentence = scan->saw_stop = scan->saw_blank = scan->saw_edge = false;
    scan->saw_hyphen_only = true;
    return 0;
}

static void word_begin(struct scan *scan, size_t offset)
{
    const struct words *words = scan->words;
    bool is_first = words->count == 0;
    unsigned flags = 0;
    if (is_first || scan->newlines > 0)
        flags |= WORD_LINE_START;
    if (is_first || scan->newlines > 1)
        flags |= WORD_BLANK;
    if (is_first || scan->saw_sentence)
        flags |= WORD_SENTENCE;
    if (scan->saw_stop)
        flags |= WORD_STOP;
    if (scan->saw_edge)
        flags |= WORD_EDGE;
    if (!is_first && !scan->saw_blank)
        flags |= WORD_GLUED;
    if (offset < scan->link_end)
        flags |= WORD_LINK;
    if (offset < scan->bracket_end)
        flags |= WORD_BRACKET;
    scan->flags = (uint16_t)flags;
    scan->word_offset = scan->word_end = offset;
    scan->buffer_length = 0;
    scan->has_latin = scan->has_other = false;
    scan->in_word = true;
}

/* One character of a word. What does not fit is dropped, and the word marked so that it equals
 * nothing: no word of a licence is that long. */
static void word_add(struct scan *scan, uint32_t code, size_t offset, size_t length)
{
    if (!scan->in_word)
        word_begin(scan, offset);
    uint32_t lower = character_lower(code);
    if (scan->buffer_length == 0 && (lower != code || code < 'a' || code > 'z'))
        scan->flags |= WORD_CAPITAL;
    enum character_script script = character_script_of(code);
    scan->has_latin |= script == SCRIPT_LATIN;
    scan->has_other |= script == SCRIPT_OTHER;
    if (scan->buffer_length + 4 < WORD_TEXT_MAX)
        scan->buffer_length += character_write(lower, scan->buffer + scan->buffer_length);
    else
        scan->buffer[0] = HIDDEN_MARK;
    scan->word_end = offset + length;
}

/* Letters and digits of ASCII at @offset, which are nearly all there is: the same as word_add() for
 * each of them. Returns how many. */
static size_t word_add_ascii(struct scan *scan, size_t offset)
{
    const char *text = scan->words->source;
    size_t end = offset;
    if (!scan->in_word)
        word_begin(scan, offset);
    if (scan->buffer_length == 0 && !(text[offset] >= 'a' && text[offset] <= 'z'))
        scan->flags |= WORD_CAPITAL;
    for (; end < scan->words->source_length && character_is_alphanumeric(text[end]); end++) {
        bool is_digit = text[end] <= '9';
        scan->has_latin |= !is_digit;
        if (scan->buffer_length + 4 < WORD_TEXT_MAX)
            scan->buffer[scan->buffer_length++] = (char)(is_digit ? text[end] : text[end] | 0x20);
        else
            scan->buffer[0] = HIDDEN_MARK;
    }
    scan->word_end = end;
    return end - offset;
}

static void word_add_hidden(struct scan *scan, size_t offset, size_t length)
{
    if (!scan->in_word)
        word_begin(scan, offset);
    if (scan->buffer_length + 1 < WORD_TEXT_MAX)
        scan->buffer[scan->buffer_length++] = HIDDEN_MARK;
    scan->flags |= WORD_DISGUISED;
    scan->word_end = offset + length;
}

/* "<year>", "[name]", "{owner}" closed on the same line: a place-holder as far as it can be one. */
static void bracket_open(struct scan *scan, size_t offset, char close)
{
    const struct words *words = scan->words;
    size_t end = offset + 80 < words->source_length ? offset + 80 : words->source_length;
    for (size_t i = offset + 1; i < end && words->source[i] != '\n'; i++) {
        if (words->source[i] == close) {
            scan->bracket_end = i;
            return;
        }
    }
}

/* "](http://…)": the target of a Markdown link. */
static void link_open(struct scan *scan, size_t offset)
{
    const char *text = scan->words->source + offset;
    size_t left = scan->words->source_length - offset;
    if (left < 7 || text[1] != '(' || strncmp(text + 2, "http", 4) != 0)
        return;
    size_t end = left < MARKUP_LENGTH_MAX ? left : MARKUP_LENGTH_MAX;
    for (size_t i = 2; i < end && text[i] != ' ' && text[i] != '\n'; i++) {
        if (text[i] == ')') {
            scan->link_end = offset + i;
            return;
        }
    }
}

/* "~~words~~": struck out by what shows the text, so no longer said. Longer rows of tildes are
 * lines. */
static bool is_struck(const struct scan *scan, size_t offset)
{
    const char *text = scan->words->source;
    size_t length = scan->words->source_length;
    size_t first = offset;
    size_t end = offset;
    while (first > 0 && offset - first < 4 && text[first - 1] == '~')
        first--;
    while (end < length && text[end] == '~' && end - first < 4)
        end++;
    bool has_before = first > 0 && !strchr(" \t\r\n", text[first - 1]);
    bool has_after = end < length && !strchr(" \t\r\n", text[end]);
    return end - first == 2 && (has_before || has_after);
}

/* "<!--" and "-->": what a page shows begins or ends here. */
static void comment_edge(struct scan *scan, size_t offset)
{
    const char *text = scan->words->source + offset;
    size_t left = scan->words->source_length - offset;
    bool is_edge = scan->in_comment ? left >= 3 && memcmp(text, "-->", 3) == 0
                                    : left >= 4 && memcmp(text, "<!--", 4) == 0;
    scan->in_comment ^= is_edge;
    scan->saw_edge |= is_edge;
}

static void scan_punctuation(struct scan *scan, size_t offset, uint32_t code)
{
    if (code == '<' || code == '-')
        comment_edge(scan, offset);
    if (code == '~' && is_struck(scan, offset))
        word_add_hidden(scan, offset, 1);
    bool is_comment = scan->newlines > 0 && code < 0x80 && strchr("#*/>|!%;", (int)code);
    scan->saw_hyphen_only &= code == '-' || code == 0x2010 || code == 0x2011 || is_comment;
    scan->saw_stop |= code == '.' || code == 0x3002;
    scan->saw_sentence |= code == ';' || code == ':' || code == 0xff1a || code == 0xff1b;
    if (code == '<')
        bracket_open(scan, offset, '>');
    else if (code == '[')
        bracket_open(scan, offset, ']');
    else if (code == '{')
        bracket_open(scan, offset, '}');
    else if (code == ']')
        link_open(scan, offset);
    if (code == ',' && scan->words->count > 0)
        scan->words->list[scan->words->count - 1].flags |= WORD_COMMA;
}

static int scan_other(struct scan *scan, size_t offset, size_t length, uint32_t code);

/* A tag: its values are words of a link, the rest of it is nothing. */
static int scan_tag(struct scan *scan, size_t offset, size_t length)
{
    const char *tag = scan->words->source + offset;
    size_t link_end = scan->link_end;
    scan->link_end = offset + length;
    int r = 0;
    scan->saw_blank = true;
    for (size_t i = 1; i < length && r == 0;) {
        uint32_t code;
        size_t step = character_read((const unsigned char *)tag + i, length - i, &code);
        if (markup_is_value(tag, length, i))
            r = scan_other(scan, offset + i, step, code);
        i += step;
    }
    if (r == 0)
        r = word_end(scan);
    scan->link_end = link_end;
    return r;
}

/* Any character that is not a mark-up's beginning. */
static int scan_other(struct scan *scan, size_t offset, size_t length, uint32_t code)
{
    const char *letters = character_ligature(code);
    if (letters) {
        for (; *letters; letters++)
            word_add(scan, (unsigned char)*letters, offset, length);
        return 0;
    }
    int r = 0;
    switch (character_class_of(code)) {
    case CHARACTER_LETTER:
        word_add(scan, code, offset, length);
        return 0;
    case CHARACTER_HIDDEN:
        if (offset > 0 || code != 0xfeff) /* a byte order mark may open a file */
            word_add_hidden(scan, offset, length);
        return 0;
    case CHARACTER_IDEOGRAPH:
        r = word_end(scan);
        word_add(scan, code, offset, length);
        return r != 0 ? r : word_end(scan);
    case CHARACTER_BLANK:
        r = word_end(scan);
        scan->newlines += code == '\n' || code == 0x2028 || code == 0x2029;
        scan->saw_blank = true;
        return r;
    case CHARACTER_PUNCTUATION:
        r = word_end(scan);
        scan_punctuation(scan, offset, code);
        if (code == 0xa9 && r == 0) {
            word_add(scan, 'c', offset, length);
            r = word_end(scan);
        }
        return r;
    }
    return r;
}

/* The mark-up at @offset, if it is one: its length, 0 otherwise. */
static int scan_markup(struct scan *scan, size_t offset, size_t *ret_length)
{
    const char *text = scan->words->source + offset;
    size_t left = scan->words->source_length - offset;
    *ret_length = 0;
    if (*text == '<' && (*ret_length = markup_tag(text, left)) != 0) {
        int r = word_end(scan);
        return r != 0 ? r : scan_tag(scan, offset, *ret_length);
    }
    char mark = ' ';
    if (*text == '&' && (*ret_length = markup_reference(text, left, &mark)) != 0) {
        int r = word_end(scan);
        return r != 0 ? r : scan_other(scan, offset, *ret_length, (unsigned char)mark);
    }
    return 0;
}

int words_split(const char *text, size_t length, struct words *ret_words)
{
    struct words words = { 0 };
    int r = words_split_again(text, length, &words);
    if (r != 0)
        words_deinit(&words);
    else
        *ret_words = words;
    return r;
}

int words_split_again(const char *text, size_t length, struct words *words)
{
    assert(length <= UINT32_MAX);
    words->source = text;
    words->source_length = length;
    words->count = words->normal_length = 0;
    struct scan scan = { .words = words, .saw_hyphen_only = true };
    int r = 0;
    for (size_t i = 0; i < length && r == 0;) {
        char c = text[i];
        if (character_is_alphanumeric(c)) {
            i += word_add_ascii(&scan, i);
            continue;
        }
        if (c == ' ' || c == '\n') { /* nearly all that is not a letter; as scan_other() has it */
            r = word_end(&scan);
            scan.newlines += c == '\n';
            scan.saw_blank = true;
            i++;
            continue;
        }
        size_t step = 0;
        if (c == '<' || c == '&')
            r = scan_markup(&scan, i, &step);
        if (step == 0) {
            uint32_t code;
            step = character_read((const unsigned char *)text + i, length - i, &code);
            r = scan_other(&scan, i, step, code);
        }
        i += step;
    }
    return r != 0 ? r : word_end(&scan);
}

void words_deinit(struct words *words)
{
    free(words->list);
    free(words->normal);
    memset(words, 0, sizeof(*words));
}
