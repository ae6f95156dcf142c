/* Owns: text for people: what the prose of cards and pages claims. A claim passes nothing, and one
 * that speaks against an artefact leaves what it speaks of unknown until somebody has looked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

/* What a heading claims: a description, of @component and @predicate. */
static const struct {
    const char *words;
    enum stint_component component;
    enum stint_predicate predicate;
} heading_claims[] = {
    { "training data", STINT_DATA_INFORMATION, STINT_PRESENT },
    { "provenance", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROVENANCE },
    { "source data", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROVENANCE },
    { "data sources", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROVENANCE },
    { "composition", STINT_DATA_INFORMATION, STINT_DESCRIBES_SCOPE },
    { "dataset structure", STINT_DATA_INFORMATION, STINT_DESCRIBES_SCOPE },
    { "scope", STINT_DATA_INFORMATION, STINT_DESCRIBES_SCOPE },
    { "collection", STINT_DATA_INFORMATION, STINT_DESCRIBES_SELECTION },
    { "selection", STINT_DATA_INFORMATION, STINT_DESCRIBES_SELECTION },
    { "annotation", STINT_DATA_INFORMATION, STINT_DESCRIBES_LABELLING },
    { "labelling", STINT_DATA_INFORMATION, STINT_DESCRIBES_LABELLING },
    { "labeling", STINT_DATA_INFORMATION, STINT_DESCRIBES_LABELLING },
    { "preprocessing", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROCESSING },
    { "processing", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROCESSING },
    { "filtering", STINT_DATA_INFORMATION, STINT_DESCRIBES_PROCESSING },
};

/* Phrases that claim openness. */
static const char *const open_claims[] = { "open source", "open-source", "opensource", "fully open",
                                           "free software" };
/* A claim after one of these is not one: "not open source", "unlike open source models". */
static bool is_of_something_else(const char *line, const char *at, size_t claim_length)
{
    static const char *const negations[] = { "not ",      "n't ",      "never ",   "no longer ",
                                             "unlike ",   "other ",    "than ",    "neither ",
                                             "compared ", "contrast ", "whether ", "nor " };
    static const char *const things[] = { "librar", "tool",     "framework",  "package", "project",
                                          "data",   "communit", "alternativ", "licen",   "effort" };
    char before[33];
    size_t length = (size_t)(at - line) < 32 ? (size_t)(at - line) : 32;
    memcpy(before, at - length, length);
    before[length] = '\0';
    for (size_t i = 0; i < STINT_ARRAY_SIZE(negations); i++)
        if (strcasestr(before, negations[i]))
            return true;
    /* "with the open-source library X" speaks of the library. */
    at += claim_length + strspn(at + claim_length, " ");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(things); i++)
        if (strncasecmp(at, things[i], strlen(things[i])) == 0)
            return true;
    return false;
}

static void prose_claims(struct reader *reader, const struct reader_file *file, const char *line,
                         uint32_t number)
{
    struct stint_place at = reader_line(number);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(open_claims); i++) {
        const char *found = strcasestr(line, open_claims[i]);
        if (found && !is_of_something_else(line, found, strlen(open_claims[i])))
            (void)reader_text(reader, file, STINT_ARTIFACT, STINT_CLAIM, "", open_claims[i],
                              STINT_SOURCE_PROSE, STINT_CLAIMED, at);
    }
    if (strcasestr(line, "publicly available") &&
        (strcasestr(line, "data") || strcasestr(line, "sources")))
        (void)reader_bool(reader, file, STINT_TRAINING_DATA, STINT_LISTED, "", false,
                          STINT_SOURCE_PROSE, STINT_CLAIMED, at);
    if (line[0] != '#')
        return;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(heading_claims); i++)
        if (strcasestr(line, heading_claims[i].words))
            (void)reader_bool(reader, file, heading_claims[i].component,
                              heading_claims[i].predicate, "", true, STINT_SOURCE_PROSE,
                              STINT_CLAIMED, at);
}

struct claims {
    struct reader *reader;
    const struct reader_file *file;
    uint32_t line; /* lines before the piece that is read */
};

static void claim_code_only(const struct claims *claims, struct stint_place at)
{
    struct reader *reader = claims->reader;
    uint32_t id = reader_text(reader, claims->file, STINT_WEIGHTS, STINT_LICENCE, "", "NOASSERTION",
                              STINT_SOURCE_PROSE, STINT_CLAIMED, at);
    (void)reader_text(reader, claims->file, STINT_WEIGHTS, STINT_RESTRICTION, "", "unknown",
                      STINT_SOURCE_PROSE, STINT_CLAIMED, at);
    verdict_finding(reader->verdict, "OW9",
                    "a sentence puts the code under the licence and leaves the weights out", &id,
                    1);
}

static void claims_on_saying(void *context, const struct stint_licence_saying *saying)
{
    const struct claims *claims = context;
    struct stint_place at = reader_line(claims->line + saying->place.line);
    switch (saying->kind) {
    case STINT_SAYS_FACET:
        (void)reader_text(claims->reader, claims->file, STINT_ARTIFACT, STINT_RESTRICTION, "",
                          stint_licence_facet_name(saying->facet), STINT_SOURCE_PROSE,
                          STINT_CLAIMED, at);
        return;
    case STINT_SAYS_TERMS:
        (void)reader_text(claims->reader, claims->file, STINT_ARTIFACT, STINT_RESTRICTION, "",
                          "unknown", STINT_SOURCE_PROSE, STINT_CLAIMED, at);
        return;
    case STINT_SAYS_CODE_ONLY:
        if (claims->reader->kind == STINT_KIND_MODEL)
            claim_code_only(claims, at);
        return;
    case STINT_SAYS_COMMAND:
        return; /* "you must install it first" */
    }
}

/* Front matter is data, not prose: blanks in its place keep the lines' numbers. */
static void blank_front_matter(const struct reader_file *file, char *text)
{
    size_t start;
    size_t length;
    uint32_t line;
    bool is_open;
    if (!card_front_matter(file->text, file->length, &start, &length, &line, &is_open))
        return;
    for (size_t i = 0; i < start + length; i++)
        if (text[i] != '\n')
            text[i] = ' ';
    text[start + length] = ' '; /* the closing mark is no heading */
}

/* What a page sends its reader elsewhere for, in whatever form. */
static void read_links(struct reader *reader, const char *text)
{
    if (strcasestr(text, "github.com/") || strcasestr(text, "gitlab.com/"))
        reader->has_code_elsewhere = true;
    if (strcasestr(text, "arxiv.org/") || strcasestr(text, "doi.org/"))
        reader->has_paper_elsewhere = true;
}

/* Pages about working together bind those who contribute, nobody who uses what is published. */
static bool is_about_terms(const char *base)
{
    static const char *const others[] = { "contributing", "conduct", "security",    "changelog",
                                          "changes",      "history", "authors",     "maintainers",
                                          "governance",   "privacy", "support",     "cla",
                                          "releasing",    "news",    "contributors" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(others); i++)
        if (text_has_word(base, others[i]))
            return false;
    return true;
}

/* Terms are read in what is shown as code too: many cards quote theirs so. */
static int read_terms(struct reader *reader, const struct reader_file *file, const char *text)
{
    struct claims claims = { .reader = reader, .file = file };
    int r = 0;
    for (size_t at = 0; r == 0 && at < file->length; at += STINT_LICENCE_TEXT_MAX) {
        size_t left = file->length - at;
        size_t length = left < STINT_LICENCE_TEXT_MAX ? left : STINT_LICENCE_TEXT_MAX;
        r = stint_licence_sayings(reader->licences, text + at, length,
                                  reader->kind == STINT_KIND_DATASET, claims_on_saying, &claims);
        for (size_t i = at; i < at + length; i++)
            claims.line += text[i] == '\n';
    }
    return r;
}

int read_prose(struct reader *reader, const struct reader_file *file)
{
    struct prose_lines lines = { 0 };
    char line[PROSE_LINE_MAX];
    stint_auto(stint_free) char *shown = prose_visible(file->text, file->length, PROSE_SHOWN);
    stint_auto(stint_free) char *all = prose_visible(file->text, file->length, PROSE_WITH_CODE);
    if (!shown || !all)
        return -ENOMEM;
    blank_front_matter(file, shown);
    blank_front_matter(file, all);
    for (lines.at = shown; prose_line(&lines, line);)
        prose_claims(reader, file, line, lines.number);
    read_links(reader, all);
    return is_about_terms(file->base) ? read_terms(reader, file, all) : 0;
}
