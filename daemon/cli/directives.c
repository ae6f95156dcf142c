/* Owns: the walk over a script's head and the words of a #STINT line. */
#include "directives.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

void note_send(const struct notes *notes, enum note_kind kind, const char *format, ...)
{
    char text[600];
    va_list args;
    if (!notes || !notes->fn)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    notes->fn(notes->context, kind, text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Takes the next word off *text, in place, quotes and backslashes read as a shell would. Return:
 * the word, NULL at the end (also at a `#` that begins a word: a comment), *ret_open for a quote
 * that never closes. */
static char *word_take(char **text, bool *ret_open)
{
    char *from = *text;
    char quote = '\0';
    while (is_blank(*from))
        from++;
    if (!*from || *from == '#')
        return NULL;
    char *word = from;
    char *to = from;
    for (; *from && (quote || !is_blank(*from)); from++) {
        if (quote && *from == quote)
            quote = '\0';
        else if (!quote && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (*from == '\\' && quote != '\'' && from[1])
            *to++ = *++from;
        else
            *to++ = *from;
    }
    *ret_open |= quote != '\0';
    *text = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

static int directive_fail(const struct directive *at, const char *keyword, const char *what,
                          const char *fix)
{
    (void)stint_fail(at->err, STINT_INVALID, "%s:%u: %s: %s", at->name, at->line, keyword, what);
    return stint_fix(at->err, STINT_INVALID, "%s", fix);
}

/* The verb whose options a #STINT line takes. */
static const struct verb directive_verb = { "submit", "", "", NULL, submit_options, 0, 0, 0 };

/* What makes sense only where the command is typed. */
static bool is_for_scripts(int id)
{
    return id != SET_NONE && id != SET_KEY && id != SET_STRICT && id != SET_PTY;
}

static int stint_directive(const struct directive *at, char **words, size_t count)
{
    struct args args;
    struct stint_error inner = { 0 };
    char where[SETTING_WHERE_MAX];
    char **argv = words - 1; /* getopt skips the first: the keyword's place */
    argv[0] = (char *)(uintptr_t) "#STINT";
    (void)snprintf(where, sizeof(where), "%.30s:%u: #STINT", at->name, at->line);
    if (args_parse(&directive_verb, (int)count + 1, argv, &args, &inner) != 0) {
        const char *why = strstr(inner.text, ": ");
        if (at->is_strict)
            return directive_fail(at, "#STINT", why ? why + 2 : inner.text, inner.fix);
        note_send(at->notes, NOTE_WARNING, "%s: %s; the line is ignored; try: %s", where,
                  why ? why + 2 : inner.text, inner.fix);
        return 0;
    }
    if (args.word_count > 0) {
        if (at->is_strict)
            return directive_fail(at, "#STINT", "a word that is no option", args.words[0]);
        note_send(at->notes, NOTE_WARNING, "%s: '%.60s' is no option; ignored", where,
                  args.words[0]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < args.count; i++) {
        if (is_for_scripts(args.given[i].row->id))
            args.given[kept++] = args.given[i];
        else
            note_send(at->notes, NOTE_WARNING, "%s: --%s has no meaning in a script; ignored",
                      where, args.given[i].row->name);
    }
    args.count = kept;
    return settings_take_args(at->settings, &args, SOURCE_SCRIPT, where, at->err);
}

/* One line that begins with `#STINT` or `#SBATCH`; @text is ours to cut up. */
static int directive_read(const struct directive *at, bool is_slurm, char *text,
                          struct slurm_sums *sums)
{
    char *room[DIRECTIVE_WORDS_MAX + 3];
    char **words = room + 1;
    size_t count = 0;
    bool is_open = false;
    const char *keyword = is_slurm ? "#SBATCH" : "#STINT";
    for (char *word; (word = word_take(&text, &is_open)) != NULL;) {
        if (count == DIRECTIVE_WORDS_MAX)
            return directive_fail(at, keyword, "too many words", "several lines");
        words[count++] = word;
    }
    words[count] = NULL;
    if (is_open)
        return directive_fail(at, keyword, "a quote is not closed", "close it on the same line");
    if (count == 0)
        return 0;
    return is_slurm ? slurm_directive(at, words, count, sums) : stint_directive(at, words, count);
}

static bool begins(const char *line, size_t length, const char *keyword)
{
    size_t n = strlen(keyword);
    return length > n && memcmp(line, keyword, n) == 0 && is_blank(line[n]);
}

/* Is the line blank, or a comment? The head of the script ends at the first that is neither. */
static bool is_head(const char *line, size_t length)
{
    size_t i = 0;
    while (i < length && is_blank(line[i]))
        i++;
    return i == length || line[i] == '#';
}

int directives_read(const char *name, const char *script, size_t length, bool is_strict,
                    struct settings *settings, const struct notes *notes, struct stint_error *err)
{
    struct slurm_sums sums = { 0 };
    struct directive at = { name, 0, is_strict, settings, notes, err };
    unsigned found = 0;
    int r = 0;
    for (size_t from = 0; r == 0 && from < length;) {
        char line[DIRECTIVE_LINE_MAX + 1];
        const char *end = memchr(script + from, '\n', length - from);
        size_t n = end ? (size_t)(end - script) - from : length - from;
        const char *text = script + from;
        at.line++;
        from += n + 1;
        if (!is_head(text, n))
            break;
        bool is_slurm = begins(text, n, "#SBATCH");
        if (!is_slurm && !begins(text, n, "#STINT"))
            continue;
        if (n > DIRECTIVE_LINE_MAX || ++found > DIRECTIVE_LINES_MAX)
            return stint_fail(err, STINT_TOO_LARGE,
                              "%s:%u: a directive has at most %d bytes, a script at most %d", name,
                              at.line, DIRECTIVE_LINE_MAX, DIRECTIVE_LINES_MAX);
        if (memchr(text, '\0', n))
            return stint_fail(err, STINT_INVALID, "%s:%u: a NUL in a directive", name, at.line);
        size_t skip = is_slurm ? strlen("#SBATCH") : strlen("#STINT");
        memcpy(line, text + skip, n - skip);
        line[n - skip] = '\0';
        r = directive_read(&at, is_slurm, line, &sums);
    }
    return r == 0 ? slurm_finish(&sums, settings, notes, err) : r;
}
