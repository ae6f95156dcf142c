/* Owns: the few things that are told from text for people: see prose.h. Lists of words, no more;
 * they err towards "says nothing", which leaves a criterion unknown and never fails it. */
#include "evaluator/prose.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"

/* What is shown. */

static void blank(char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != '\n')
            *from = ' ';
}

/* The fence that @line opens or closes: its mark and length, 0 for none (CommonMark §4.5). */
static size_t fence_of(const char *line, const char *end, char *ret_mark)
{
    size_t indent = 0;
    size_t length = 0;
    while (line + indent < end && line[indent] == ' ')
        indent++;
    if (indent > 3 || line + indent >= end)
        return 0;
    char mark = line[indent];
    while (line + indent + length < end && line[indent + length] == mark)
        length++;
    *ret_mark = mark;
    return (mark == '`' || mark == '~') && length >= 3 ? length : 0;
}

static void blank_fences(char *text, char *end)
{
    char open_mark = '\0';
    size_t open_length = 0;
    for (char *line = text; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline ? newline : end;
        char mark = '\0';
        size_t length = fence_of(line, stop, &mark);
        bool was_open = open_length > 0;
        if (was_open && length >= open_length && mark == open_mark)
            open_length = 0;
        else if (!was_open && length > 0) {
            open_length = length;
            open_mark = mark;
        }
        if (was_open || length > 0)
            blank(line, stop);
        line = stop + 1;
    }
}

static void blank_comments(char *text, char *end, enum prose_part part)
{
    for (char *at = text; (at = memmem(at, (size_t)(end - at), "<!--", 4));) {
        char *close = memmem(at + 4, (size_t)(end - at - 4), "-->", 3);
        if (!close && part == PROSE_WITH_CODE)
            return;
        char *stop = close ? close + 3 : end;
        blank(at, stop);
        at = stop;
    }
}

char *prose_visible(const char *text, size_t length, enum prose_part part)
{
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (copy[i] == '\0')
            copy[i] = ' ';
    if (part == PROSE_SHOWN)
        blank_fences(copy, copy + length);
    blank_comments(copy, copy + length, part);
    return copy;
}

bool prose_line(struct prose_lines *lines, char line[PROSE_LINE_MAX])
{
    if (!*lines->at)
        return false;
    size_t whole = strcspn(lines->at, "\n");
    size_t kept = whole < PROSE_LINE_MAX ? whole : PROSE_LINE_MAX - 1;
    memcpy(line, lines->at, kept);
    line[kept] = '\0';
    if (kept < whole)
        memcpy(line + kept - 3, "...", 3); /* what was cut off names nothing */
    lines->at += whole + (lines->at[whole] == '\n');
    lines->number++;
    return true;
}

/* Words. */

/* Bytes of the apostrophe at @at, 0 for none. */
static size_t apostrophe(const char *at)
{
    if (*at == '\'')
        return 1;
    return strncmp(at, "\xe2\x80\x99", 3) == 0 ? 3 : 0;
}

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

bool prose_word(const char **at, char word[PROSE_WORD_MAX])
{
    size_t length = 0;
    bool is_plain = false;
    const char *c = *at;
    for (; *c; c++) {
        size_t skip = length > 0 ? apostrophe(c) : 0;
        if (skip > 0 && is_letter(c[skip])) {
            c += skip - 1;
            continue;
        }
        if (is_letter(*c)) {
            is_plain = is_plain || isalnum((unsigned char)*c);
            if (length + 1 < PROSE_WORD_MAX)
                word[length++] = (char)tolower((unsigned char)*c);
        } else if (length > 0 && is_plain) {
            break;
        } else {
            length = 0; /* a dash or a picture */
        }
    }
    *at = c;
    word[length] = '\0';
    return length > 0 && is_plain;
}

void prose_plain(const char *text, char *plain, size_t size)
{
    char word[PROSE_WORD_MAX];
    char kept[256] = { 0 };
    size_t length = 0;
    unsigned depth = 0;
    for (; *text && length + 1 < sizeof(kept); text++) {
        depth += *text == '(';
        kept[length++] = depth > 0 ? ' ' : *text;
        depth -= *text == ')' && depth > 0;
    }
    kept[length] = '\0';
    const char *at = kept;
    length = 0;
    plain[0] = '\0';
    while (prose_word(&at, word) && length < size)
        length +=
            (size_t)snprintf(plain + length, size - length, "%s%s", length > 0 ? " " : "", word);
}

/* Placeholders. */

static bool is_marker(const char *word)
{
    static const char *const markers[] = { "todo", "tbd", "tba", "tbc", "fixme", "xxx", "wip" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(markers); i++)
        if (strcasecmp(word, markers[i]) == 0)
            return true;
    return false;
}

bool prose_is_placeholder(const char *text)
{
    static const char *const wholes[] = {
        "",
        "na",
        "n a",
        "none",
        "nil",
        "null",
        "unknown",
        "not available",
        "not applicable",
        "unavailable",
        "no",
        "nothing",
        "not disclosed",
        "undisclosed",
        "not specified",
        "unspecified",
        "not yet",
        "pending",
        "secret",
        "confidential",
        "withheld",
        "not public",
        "to follow",
        "see above",
        "see below",
    };
    static const char *const parts[] = { "more information needed",
                                         "information needed",
                                         "coming soon",
                                         "lorem ipsum",
                                         "to be added",
                                         "to be announced",
                                         "to be written",
                                         "to be determined",
                                         "to be described",
                                         "to be done",
                                         "to be decided",
                                         "to be completed",
                                         "work in progress" };
    char plain[240];
    char word[PROSE_WORD_MAX];
    prose_plain(text, plain, sizeof(plain));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(wholes); i++)
        if (strcmp(plain, wholes[i]) == 0)
            return true;
    /* In a long text such words are about something else. */
    bool is_short = strlen(plain) < 80;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(parts); i++)
        if (is_short && strstr(plain, parts[i]))
            return true;
    for (const char *at = text; prose_word(&at, word);)
        if (is_marker(word))
            return true;
    return false;
}

/* Sentences. */

static bool is_in(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(list[i]);
        bool is_head = list[i][length - 1] == '*';
        if (is_head ? strncmp(word, list[i], length - 1) == 0 : strcmp(word, list[i]) == 0)
            return true;
    }
    return false;
}
#define IS_IN(word, list) is_in(word, list, STINT_ARRAY_SIZE(list))

/* Ends at a stop that a blank follows, at an empty line, at the end of a table cell. */
static const char *sentence_end(const char *at)
{
    for (; *at; at++) {
        if (strchr(".!?;", *at) && (at[1] == '\0' || isspace((unsigned char)at[1])))
            return at + 1;
        if (*at == '|' || (*at == '\n' && (at[1] == '\n' || at[1] == '\r' || at[1] == '-')))
            return at + 1;
    }
    return at;
}

enum refusal { REFUSAL_NONE = 0, REFUSAL_PARTIAL, REFUSAL_OUTRIGHT };

struct sentence {
    enum refusal refusal;
    size_t words;
};

/* Words after a "not" that are looked at. */
#define REFUSAL_REACH 5

static struct sentence sentence_read(const char *at, const char *end)
{
    static const char *const negators[] = { "not",     "no",     "never",   "cannot",   "cant",
                                            "wont",    "dont",   "doesnt",  "didnt",    "isnt",
                                            "arent",   "wasnt",  "werent",  "couldnt",  "wouldnt",
                                            "nobody",  "unable", "refuse*", "decline*", "without",
                                            "neither", "nor",    "none",    "nothing" };
    static const char *const strong[] = { "disclos*", "reveal*",  "tell*",   "told",    "say*",
                                          "said",     "describ*", "reason*", "divulge*" };
    static const char *const weak[] = { "publish*", "release*", "provid*",   "document*", "specif*",
                                        "share*",   "list*",    "name*",     "given",     "give",
                                        "known",    "recorded", "available", "public" };
    static const char *const alone[] = { "undisclosed", "undocumented", "unspecified", "secret" };
    /* "No labels are given", "the names of the writers are not disclosed". */
    static const char *const excused[] = { "label*",   "annotat*",     "personal*", "person",
                                           "persons",  "people*",      "identit*",  "individual*",
                                           "address*", "contributor*", "patient*",  "email*",
                                           "author*",  "speaker*",     "names" };
    struct sentence sentence = { 0 };
    char word[PROSE_WORD_MAX];
    unsigned reach = 0;
    bool is_excused = false;
    while (at < end && prose_word(&at, word) && at <= end) {
        sentence.words++;
        is_excused = is_excused || IS_IN(word, excused);
        enum refusal refusal = IS_IN(word, alone)                 ? REFUSAL_OUTRIGHT
                               : reach > 0 && IS_IN(word, strong) ? REFUSAL_OUTRIGHT
                               : reach > 0 && IS_IN(word, weak)   ? REFUSAL_PARTIAL
                                                                  : REFUSAL_NONE;
        sentence.refusal = refusal > sentence.refusal ? refusal : sentence.refusal;
        reach = IS_IN(word, negators) ? REFUSAL_REACH : reach > 0 ? reach - 1 : 0;
    }
    if (is_excused)
        sentence.refusal = REFUSAL_NONE;
    return sentence;
}

bool prose_refuses(const char *text)
{
    for (const char *at = text; *at;) {
        const char *end = sentence_end(at);
        if (sentence_read(at, end).refusal == REFUSAL_OUTRIGHT)
            return true;
        at = end;
    }
    return false;
}

size_t prose_says(const char *text)
{
    size_t words = 0;
    bool is_partial = false;
    for (const char *at = text; *at;) {
        const char *end = sentence_end(at);
        struct sentence sentence = sentence_read(at, end);
        at = end;
        if (sentence.refusal == REFUSAL_OUTRIGHT)
            return 0;
        is_partial = is_partial || sentence.refusal == REFUSAL_PARTIAL;
        words += sentence.refusal == REFUSAL_NONE ? sentence.words : 0;
    }
    /* What is left beside something that is not given must be a description of its own. */
    return is_partial && words < 12 ? 0 : words;
}

/* "No reason is given", "without a legal reason", "the reasons are confidential": words that deny a
 * reason, in whatever company. */
static bool denies_reason(const char *at, const char *end)
{
    static const char *const denials[] = { "no", "without", "any", "neither", "nor", "lacks" };
    static const char *const hidden[] = { "not",         "never",    "secret",  "confidential",
                                          "internal",    "withheld", "private", "ours",
                                          "undisclosed", "none",     "unknown", "cannot",
                                          "isnt",        "arent",    "wont" };
    char word[PROSE_WORD_MAX];
    unsigned denied = 0;
    unsigned behind = 0;
    while (at < end && prose_word(&at, word) && at <= end) {
        bool is_reason = strncmp(word, "reason", 6) == 0 || strcmp(word, "explanation") == 0;
        if ((is_reason && denied > 0) || (behind > 0 && IS_IN(word, hidden)))
            return true;
        denied = IS_IN(word, denials) ? REFUSAL_REACH : denied > 0 ? denied - 1 : 0;
        behind = is_reason ? 4 : behind > 0 ? behind - 1 : 0;
    }
    return false;
}

static bool sentence_has_reason(const char *at, const char *end)
{
    static const char *const reasons[] = { "privacy",    "personal*", "patient*",   "confidential*",
                                           "consent*",   "licen*",    "copyright*", "contract*",
                                           "agreement*", "law*",      "legal*",     "regulat*",
                                           "gdpr",       "hipaa",     "pii",        "sensitive",
                                           "medical*",   "health*",   "rights",     "ethic*",
                                           "identif*",   "security",  "minors",     "children" };
    char word[PROSE_WORD_MAX];
    while (at < end && prose_word(&at, word) && at <= end)
        if (IS_IN(word, reasons))
            return true;
    return false;
}

bool prose_gives_reason(const char *text)
{
    bool has_reason = false;
    if (prose_is_placeholder(text) || strcasestr(text, "not say"))
        return false;
    for (const char *at = text; *at;) {
        const char *end = sentence_end(at);
        has_reason = has_reason || (!denies_reason(at, end) && sentence_has_reason(at, end));
        at = end;
    }
    return has_reason;
}

/* Addresses. */

/* "org/name", "data/words.csv", "example.org", "a@b.org", "10.5281/zenodo.1": letters on both sides
 * of a mark. "n/a", "and/or" are none. */
static bool token_is_address(const char *token, size_t length)
{
    size_t before = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_mark = strchr("/.@:", token[i]) != NULL;
        bool has_after = i + 1 < length && is_letter(token[i + 1]);
        if (is_mark && before >= 2 && has_after && i + 2 < length && is_letter(token[i + 2]))
            return true;
        before = is_letter(token[i]) || strchr("-_", token[i]) ? before + 1 : 0;
    }
    return false;
}

bool prose_is_address(const char *text)
{
    static const char *const no_address[] = { "and/or", "his/her", "either/or" };
    if (strstr(text, "://"))
        return true;
    for (const char *at = text; *at;) {
        at += strspn(at, " \t`*()[]<>,;\"'");
        size_t length = strcspn(at, " \t`*()[]<>,;\"'");
        bool is_word = false;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(no_address); i++)
            is_word = is_word || (strlen(no_address[i]) == length &&
                                  strncasecmp(at, no_address[i], length) == 0);
        if (!is_word && token_is_address(at, length))
            return true;
        at += length;
    }
    return false;
}
