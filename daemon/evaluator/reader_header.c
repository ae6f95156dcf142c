/* Owns: the comment at the head of a source file, beside SPDX lines. A licence in it, whole, is the
 * file's; words that restrict it are evidence against the file, at their line; a copyright line, or
 * a description of the program, says nothing about terms. Many files share one header, so each is
 * read once. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "evaluator/reader.h"
#include "stint/auto.h"
#include "stint/buffer.h"

/* A header longer than this is a program's manual; what follows is not read. */
#define HEADER_LINES_MAX 120
#define HEADER_BYTES_MAX ((size_t)16 << 10)
/* Words put into a notice that are looked through, in bytes. */
#define HEADER_EDIT_MAX 2048

/* How comments begin, on a line of their own or as a block that a mark ends. */
static const struct {
    const char *open;
    const char *close; /* NULL: the line */
} comments[] = {
    { "/*", "*/" },          { "<!--", "-->" }, { "\"\"\"", "\"\"\"" }, { "'''", "'''" },
    { "r\"\"\"", "\"\"\"" }, { "{-", "-}" },    { "(*", "*)" },         { "//", NULL },
    { "--", NULL },          { "#", NULL },     { "%", NULL },          { ";", NULL },
};

struct header {
    struct stint_buffer text; /* without marks; one line for each of the file */
    const char *close;        /* of the block that is open */
};

static bool is_directive(const char *line)
{
    static const char *const directives[] = { "#include", "#define", "#if",    "#ifdef",
                                              "#ifndef",  "#pragma", "#undef", "#import" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(directives); i++) {
        size_t length = strlen(directives[i]);
        if (strncmp(line, directives[i], length) == 0 && !isalpha((unsigned char)line[length]))
            return true;
    }
    return false;
}

static void header_text(struct header *header, const char *line)
{
    line += strspn(line, " \t*#/!%;-");
    /* What SPDX lines say is read by themselves. */
    if (!strstr(line, "SPDX-"))
        stint_buffer_add_text(&header->text, line);
}

/* Takes one line; false when the header ended before it. */
static bool header_line(struct header *header, char *line)
{
    line += strspn(line, " \t\r\xef\xbb\xbf");
    if (!header->close && *line) {
        size_t i = 0;
        if (is_directive(line))
            return false;
        while (i < STINT_ARRAY_SIZE(comments) &&
               strncmp(line, comments[i].open, strlen(comments[i].open)) != 0)
            i++;
        if (i == STINT_ARRAY_SIZE(comments))
            return false;
        line += strlen(comments[i].open);
        header->close = comments[i].close;
    }
    char *end = header->close ? strstr(line, header->close) : NULL;
    if (end) {
        *end = '\0';
        header->close = NULL;
    }
    header_text(header, line);
    stint_buffer_add_char(&header->text, '\n');
    return true;
}

static void header_take(const struct reader_file *file, struct header *header)
{
    struct prose_lines lines = { .at = file->text };
    char line[PROSE_LINE_MAX];
    while (lines.number < HEADER_LINES_MAX && header->text.length < HEADER_BYTES_MAX &&
           prose_line(&lines, line) && header_line(header, line))
        ;
}

/* Most headers hold nothing but a name and a description. */
static bool may_hold_terms(const char *text)
{
    static const char *const signs[] = { "licen",    "prohibit",     "permi",      "proprietary",
                                         "terms",    "confidential", "commercial", "restrict",
                                         "research", "may not",      "forbid",     "unauthori",
                                         "must not" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(signs); i++)
        if (strcasestr(text, signs[i]))
            return true;
    return false;
}

struct finding_terms {
    struct reader *reader;
    const struct reader_file *file;
    uint32_t line;   /* lines before the piece that is read */
    uint32_t facets; /* seen so far */
    uint32_t first;  /* line of the first word that binds, 0 for none */
};

static void terms_restrict(struct finding_terms *terms, enum stint_licence_facet facet,
                           uint32_t line)
{
    uint32_t bit = (uint32_t)1 << facet;
    if (terms->first == 0)
        terms->first = line;
    if (!(terms->facets & bit))
        (void)reader_text(terms->reader, terms->file, STINT_CODE, STINT_RESTRICTION, "",
                          stint_licence_facet_name(facet), STINT_SOURCE_HEADER, STINT_NAMED,
                          reader_line(line));
    terms->facets |= bit;
}

static void terms_on_saying(void *context, const struct stint_licence_saying *saying)
{
    struct finding_terms *terms = context;
    uint32_t line = terms->line + saying->place.line;
    switch (saying->kind) {
    case STINT_SAYS_FACET:
        terms_restrict(terms, saying->facet, line);
        return;
    case STINT_SAYS_TERMS:
        if (terms->first == 0)
            terms->first = line;
        return;
    case STINT_SAYS_CODE_ONLY:
    case STINT_SAYS_COMMAND:
        return;
    }
}

/* Words put into a notice that change what it grants, though no phrase names a facet. */
static bool edit_binds(const char *text, const struct stint_licence_edit *edit)
{
    static const char *const binding[] = { "must",      "shall",   "only",   "prohibited",
                                           "forbidden", "except",  "unless", "provided",
                                           "not",       "without", "cannot", "agree",
                                           "permission" };
    char words[HEADER_EDIT_MAX];
    /* What is too long to be looked through binds. */
    if (edit->is_inserted && edit->place.length >= sizeof(words))
        return true;
    (void)snprintf(words, sizeof(words), "%.*s",
                   edit->is_inserted ? (int)edit->place.length : (int)sizeof(words),
                   edit->is_inserted ? text + edit->place.offset : edit->words);
    /* "You should have received a copy of it …; if not, see …" */
    for (char *at = words; (at = strcasestr(at, "if not"));)
        memset(at, ' ', sizeof("if not") - 1);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(binding); i++)
        if (text_has_word(words, binding[i]))
            return true;
    return false;
}

static void header_licence(const struct finding_terms *terms, const char *expression, uint32_t line)
{
    struct reader *reader = terms->reader;
    (void)reader_licence(reader, terms->file, STINT_ARTIFACT, "", "", terms->file->path, expression,
                         STINT_SOURCE_HEADER, STINT_NAMED, reader_line(line));
}

static int header_match(struct finding_terms *terms, const char *text,
                        const struct stint_licence_recognition *found, uint32_t index)
{
    const struct stint_licence_match *match = &found->matches[index];
    char expression[400] = "";
    size_t length = 0;
    if (match->kind == STINT_MATCH_UNKNOWN) {
        terms->line = match->place.line - 1;
        return stint_licence_sayings(terms->reader->licences, text + match->place.offset,
                                     match->place.length, true, terms_on_saying, terms);
    }
    for (uint32_t i = 0; i < found->clause_count; i++)
        if (found->clauses[i].match == index &&
            stint_licence_facet_restricts(found->clauses[i].facet))
            terms_restrict(terms, found->clauses[i].facet, found->clauses[i].place.line);
    for (uint32_t i = 0; i < match->edit_count; i++)
        if (edit_binds(text, &found->edits[match->edit_first + i]) && terms->first == 0)
            terms->first = found->edits[match->edit_first + i].place.line;
    if (match->kind == STINT_MATCH_MODIFIED)
        return 0; /* a notice among other words: what covers the folder covers the file */
    for (uint32_t i = 0; i < match->twin_count && length < sizeof(expression); i++)
        length += (size_t)snprintf(expression + length, sizeof(expression) - length, "%s%s",
                                   i > 0 ? " OR " : "", match->twins[i]->id);
    header_licence(terms, expression, match->place.line);
    return 0;
}

static int header_read(struct reader *reader, const struct reader_file *file, const char *text,
                       size_t length)
{
    stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
    struct finding_terms terms = { .reader = reader, .file = file };
    int r = stint_licence_recognise(reader->licences, text, length, &found);
    for (uint32_t i = 0; r == 0 && i < found.match_count; i++)
        r = header_match(&terms, text, &found, i);
    if (terms.first > 0)
        header_licence(&terms, "LicenseRef-unknown-header", terms.first);
    return r < 0 ? r : 0;
}

int read_header(struct reader *reader, const struct reader_file *file)
{
    struct header header = { 0 };
    struct stint_sha256 digest;
    int r = 0;
    header_take(file, &header);
    const char *text = stint_buffer_text(&header.text);
    if (header.text.failed)
        r = -ENOMEM;
    if (r != 0 || !may_hold_terms(text))
        goto out;
    stint_sha256(text, header.text.length, &digest);
    bool is_same =
        reader->has_comment && memcmp(&digest, &reader->comment_digest, sizeof(digest)) == 0;
    reader->has_comment = true;
    reader->comment_digest = digest;
    if (is_same) {
        for (size_t i = reader->comment_scopes; i < reader->comment_scopes_end; i++)
            (void)reader_scope(reader, STINT_ARTIFACT, "", "", file->path, reader->scopes[i].fact);
        goto out;
    }
    reader->comment_scopes = reader->scope_count;
    r = header_read(reader, file, text, header.text.length);
    reader->comment_scopes_end = reader->scope_count;
out:
    stint_buffer_deinit(&header.text);
    return r;
}
