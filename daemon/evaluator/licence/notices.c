/* Owns: which words of a text are list marks, copyright notices and identifier tags. The SPDX
 * matching guidelines let these differ, so whatever is marked here may be left over: the rules are
 * narrow for that reason, and a name may hold no word that grants, forbids or limits. */
#include <string.h>

#include "stint/licence.h"

#include "words.h"

/* Most words of one notice; a longer line is text. */
#define NOTICE_WORD_MAX 40
/* Most lines that continue one notice: lists of holders are long. */
#define NOTICE_LINE_MAX 200
/* A line of so many bytes was probably wrapped. */
#define NOTICE_WRAP 48u
/* Most lower-case words in one notice that are neither joining words nor parts of an address. */
#define NOTICE_LOWER_MAX 4

static bool is_number(const char *word)
{
    return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0';
}

static bool is_year(const char *word)
{
    return strlen(word) == 4 && is_number(word) && (word[0] == '1' || word[0] == '2');
}

/* The byte @ahead places after the word, ' ' at the end of the text. */
static char byte_after(const struct words *words, const struct word *word, size_t ahead)
{
    size_t at = (size_t)word->offset + word->length + ahead;
    return at < words->source_length ? words->source[at] : ' ';
}

static char byte_before(const struct words *words, const struct word *word)
{
    return word->offset > 0 ? words->source[word->offset - 1] : ' ';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* One or two digits, one letter, or a small Roman number. */
static bool is_bullet_word(const struct words *words, size_t index)
{
    const char *text = words_text(words, index);
    size_t length = words->list[index].text_length;
    if (length == 0 || length > 5)
        return false;
    if (is_number(text))
        return length <= 2;
    return (length == 1 && text[0] >= 'a' && text[0] <= 'z') || text[strspn(text, "ivx")] == '\0';
}

/* Does nothing but punctuation and a blank follow the word? */
static bool is_apart(const struct words *words, size_t index)
{
    return index + 1 >= words->count || !(words->list[index + 1].flags & WORD_GLUED);
}

/*
 * May a list mark stand here? At the beginning of a line, behind the end of a paragraph or of a
 * sentence. "Within thirty\n(60) days" and "version v.\n3.0" must stay text, however they are
 * wrapped: so a sentence does not end with a word as short as an abbreviation.
 */
static bool is_bullet_place(const struct words *words, size_t index)
{
    uint16_t flags = words->list[index].flags;
    if (!(flags & WORD_LINE_START))
        return false;
    return (flags & (WORD_BLANK | WORD_SENTENCE)) ||
           ((flags & WORD_STOP) && words->list[index - 1].text_length >= 4);
}

/* How many words the list mark at @index has, 0 when it is none. "(a)" is one anywhere. */
static size_t bullet_length(const struct words *words, size_t index)
{
    const struct word *word = &words->list[index];
    const char *text = words_text(words, index);
    if (!(word->flags & WORD_LINE_START) && byte_before(words, word) != '(')
        return 0;
    if (!is_bullet_word(words, index) || (word->flags & (WORD_DISGUISED | WORD_LINK)))
        return 0;
    bool is_begun = byte_before(words, word) == '(' && byte_after(words, word, 0) == ')';
    if (is_begun && !is_number(text) && !(word->flags & WORD_GLUED))
        return 1;
    if (!is_bullet_place(words, index))
        return 0;
    size_t count = 1;
    while (index + count < words->count && count < 4) {
        const struct word *last = &words->list[index + count - 1];
        const struct word *next = &words->list[index + count];
        if (!is_number(text) || byte_after(words, last, 0) != '.' ||
            next->offset != last->offset + last->length + 1u ||
            !is_bullet_word(words, index + count))
            break;
        count++;
    }
    char mark = byte_after(words, &words->list[index + count - 1], 0);
    bool is_marked = mark == '.' || mark == ')' || mark == ']';
    return is_apart(words, index + count - 1) && (is_marked || count > 1) ? count : 0;
}

/* Is the word of an address (a@b.org, www.example.org)? Those are written in small letters. */
static bool is_address(const struct words *words, size_t index)
{
    const struct word *word = &words->list[index];
    char before = byte_before(words, word);
    char after = byte_after(words, word, 0);
    return before == '@' || after == '@' || before == '/' ||
           ((word->flags & WORD_GLUED) && before == '.') ||
           (after == '.' && !is_blank(byte_after(words, word, 1)));
}

/* The words of a notice that begins at @index: how many, up to the first that no name may hold. */
static size_t notice_length(const struct words *words, size_t index, bool is_continued)
{
    size_t count = is_continued ? 0 : 1;
    unsigned lower = 0;
    for (; index + count < words->count && count < NOTICE_WORD_MAX; count++) {
        size_t at = index + count;
        const struct word *word = &words->list[at];
        if (count > 0 && (word->flags & WORD_LINE_START))
            break;
        if (!words_is_name(words, at))
            break;
        if (!(word->flags & (WORD_CAPITAL | WORD_BRACKET)) && !is_address(words, at) &&
            !words_is_joining(words, at) && ++lower > NOTICE_LOWER_MAX)
            break;
    }
    return count;
}

/*
 * Does a notice begin at @index? "Copyright" alone begins many sentences of licences; a notice goes
 * on with (c), ©, a year, "by", a place-holder or a capitalised name.
 */
static bool is_notice_start(const struct words *words, size_t index)
{
    const struct word *word = &words->list[index];
    const char *text = words_text(words, index);
    if (index + 1 >= words->count || (word->flags & WORD_DISGUISED) ||
        (text[0] != 'c' && text[0] != 'f'))
        return false;
    bool is_sign = strcmp(text, "c") == 0;
    if (!is_sign && strcmp(text, "copyright") != 0 && strcmp(text, "copyrights") != 0 &&
        strcmp(text, "copr") != 0 && strcmp(text, "filecopyrighttext") != 0)
        return false;
    const struct word *next = &words->list[index + 1];
    const char *next_text = words_text(words, index + 1);
    bool next_is_sign = strcmp(next_text, "c") == 0 || is_year(next_text) ||
                        ((next->flags & WORD_BRACKET) && words_is_name(words, index + 1));
    if (is_sign)
        return is_year(next_text) && !(next->flags & WORD_LINE_START);
    if (next_is_sign || strcmp(next_text, "by") == 0)
        return true;
    return (word->flags & WORD_LINE_START) && (word->flags & WORD_CAPITAL) &&
           (next->flags & WORD_CAPITAL) && !(next->flags & WORD_LINE_START) &&
           words_is_name(words, index + 1);
}

static void mark(struct words *words, size_t index, size_t count, enum word_flag flag)
{
    for (size_t i = index; i < index + count; i++)
        words->list[i].flags |= (uint16_t)flag;
}

/* "All rights reserved", which many notices end with. */
static size_t rights_length(const struct words *words, size_t index)
{
    return index + 2 < words->count && strcmp(words_text(words, index), "all") == 0 &&
                   strcmp(words_text(words, index + 1), "rights") == 0 &&
                   strcmp(words_text(words, index + 2), "reserved") == 0
               ? 3
               : 0;
}

/* "rights reserved" and "reserved", when the line was broken inside the phrase. */
static size_t rights_rest(const struct words *words, size_t index)
{
    static const char *const phrase[] = { "all", "rights", "reserved" };
    for (size_t had = 1; had < 3; had++) {
        size_t left = 3 - had;
        if (index < had || index + left > words->count)
            continue;
        bool is_rest = true;
        for (size_t i = 0; i < 3; i++)
            is_rest &= strcmp(words_text(words, index - had + i), phrase[i]) == 0;
        if (is_rest)
            return left;
    }
    return rights_length(words, index);
}

/* Does the line that ends before @index ask for another? It does when it ends with a comma or a
 * joining word, or is so long that it was probably wrapped. */
static bool is_unfinished(const struct words *words, size_t index)
{
    static const char *const joining[] = { "and", "by", "of", "the", "for" };
    const struct word *last = &words->list[index - 1];
    if (last->flags & WORD_COMMA)
        return true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(joining); i++)
        if (strcmp(words_text(words, index - 1), joining[i]) == 0)
            return true;
    size_t first = index - 1;
    while (first > 0 && !(words->list[first].flags & WORD_LINE_START))
        first--;
    return last->offset + last->length - words->list[first].offset >= NOTICE_WRAP;
}

/*
 * The line at @index, which follows a notice: how many of its words go on with it. All of them,
 * when the line holds nothing but names and the line above asked for it. A line with a condition in
 * it is text, all of it.
 */
static size_t continuation_length(const struct words *words, size_t index)
{
    if (words->list[index].flags & WORD_BLANK)
        return rights_length(words, index);
    size_t rights = rights_rest(words, index);
    if (rights > 0)
        return rights;
    if (!is_unfinished(words, index) && !is_year(words_text(words, index)))
        return 0;
    size_t length = notice_length(words, index, true);
    bool is_whole =
        index + length == words->count ||
        (index + length < words->count && (words->list[index + length].flags & WORD_LINE_START));
    return is_whole ? length : 0;
}

/* Marks the notice at @index with the lines that continue it; returns the word after it. */
static size_t mark_notice(struct words *words, size_t index)
{
    size_t end = index + notice_length(words, index, false);
    if (index > 0 && (strcmp(words_text(words, index - 1), "portions") == 0 ||
                      strcmp(words_text(words, index - 1), "spdx") == 0))
        index--;
    for (unsigned lines = 0; lines < NOTICE_LINE_MAX && end < words->count &&
                             (words->list[end].flags & WORD_LINE_START);
         lines++) {
        if (is_notice_start(words, end))
            break; /* a notice of its own */
        size_t length = continuation_length(words, end);
        if (length == 0)
            break;
        end += length;
    }
    if (end < words->count)
        end += rights_length(words, end);
    mark(words, index, end - index, WORD_NOTICE);
    return end;
}

/*
 * "SPDX-License-Identifier: …" with nothing but an expression on the rest of its line: how many
 * words, 0 when it is none. Whether it says the truth is asked later. 0 or -ENOMEM.
 */
static int tag_length(const struct words *words, size_t index, size_t *ret_count)
{
    *ret_count = 0;
    const char *text = words_text(words, index);
    if (text[0] != 's' || index + 3 >= words->count || strcmp(text, "spdx") != 0 ||
        strcmp(words_text(words, index + 1), "license") != 0 ||
        strcmp(words_text(words, index + 2), "identifier") != 0)
        return 0;
    size_t count = 3;
    while (index + count < words->count && !(words->list[index + count].flags & WORD_LINE_START))
        count++;
    char line[WORD_TAG_MAX];
    if (count == 3 || !words_tag(words, index, line))
        return 0;
    struct stint_licence_expression *expression = NULL;
    int r = stint_licence_expression_parse(line, &expression, NULL);
    stint_licence_expression_free(expression);
    *ret_count = r == 0 ? count : 0;
    return r < 0 ? r : 0;
}

bool words_tag(const struct words *words, size_t index, char text[WORD_TAG_MAX])
{
    const struct word *label = &words->list[index + 2];
    size_t offset = (size_t)label->offset + label->length;
    while (offset < words->source_length && strchr(": \t", words->source[offset]))
        offset++;
    size_t length = 0;
    for (; offset + length < words->source_length && length + 1 < WORD_TAG_MAX; length++) {
        char c = words->source[offset + length];
        if (strchr("\r\n*<#", c)) /* the end of the line, or of a comment in many languages */
            break;
        text[length] = c;
    }
    text[length] = '\0';
    return length + 1 < WORD_TAG_MAX && strlen(text) == length;
}

int words_mark(struct words *words)
{
    for (size_t i = 0; i < words->count;) {
        size_t length;
        int r = tag_length(words, i, &length);
        if (r != 0)
            return r;
        if (length > 0) {
            mark(words, i, length, WORD_TAG);
            i += length;
            continue;
        }
        if (is_notice_start(words, i)) {
            i = mark_notice(words, i);
            continue;
        }
        length = bullet_length(words, i);
        mark(words, i, length, WORD_BULLET);
        i += length > 0 ? length : 1;
    }
    return 0;
}
