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

/* Does a word of @words come before @at? */
static bool has_before(const char *line, const char *at, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = strcasestr(line, words[i]);
        if (found && found < at)
            return true;
    }
    return false;
}

/* "… is a fine-tuned version of org/name": a page that names a base where no metadata does. What it
 * is called is cut out of the sentence, and resolves to a model that is known or to none. */
static void prose_base(struct reader *reader, const struct reader_file *file, const char *line,
                       uint32_t number)
{
    static const char *const phrases[] = {
        "fine-tuned from ",
        "finetuned from ",
        "fine tuned from ",
        "fine-tuned version of ",
        "finetuned version of ",
        "fine-tune of ",
        "finetune of ",
        "fine-tuning of ",
        "quantized version of ",
        "quantization of ",
        "quantized from ",
        "merge of ",
        "initialized from ",
        "initialised from ",
        "continued pretraining of ",
        "continued pre-training of ",
        "built with llama",
        "built with meta llama",
        "lora adapter for ",
        "lora for ",
    };
    /* Other models are compared with, and may have bases of their own. */
    static const char *const others[] = { "unlike ", "compar", "baseline", " not ",   "than ",
                                          "n't ",    "other ", "such as ", "can be ", "may be " };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(phrases); i++) {
        const char *found = strcasestr(line, phrases[i]);
        if (!found || has_before(line, found, others, STINT_ARRAY_SIZE(others)))
            continue;
        char name[128];
        const char *at = found + (strncmp(phrases[i], "built", 5) == 0 ? sizeof("built with") : 0);
        if (at == found)
            at += strlen(phrases[i]);
        while (strncasecmp(at, "the ", 4) == 0 || strncasecmp(at, "a ", 2) == 0 ||
               strncasecmp(at, "our ", 4) == 0 || strchr("[`*_ \"", *at)) {
            if (!*at)
                break;
            at += strncasecmp(at, "the ", 4) == 0 || strncasecmp(at, "our ", 4) == 0 ? 4
                  : strncasecmp(at, "a ", 2) == 0                                    ? 2
                                                                                     : 1;
        }
        size_t length = strcspn(at, "])(`*,;:\"");
        const char *stop = strstr(at, ". ");
        length = stop && (size_t)(stop - at) < length ? (size_t)(stop - at) : length;
        length = length < sizeof(name) ? length : sizeof(name) - 1;
        (void)snprintf(name, sizeof(name), "%.*s", (int)length, at);
        while (length > 0 && strchr(" .", name[length - 1]))
            name[--length] = '\0';
        if (length > 0 && strncasecmp(name, "scratch", 7) != 0 &&
            !verdict_is_own_name(reader, name))
            (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, name, name,
                              STINT_SOURCE_PROSE, STINT_CLAIMED, reader_line(number));
        return;
    }
}

/* Does some metadata name a base? Then a page's words for it are another name of the same. */
static bool has_base(const struct reader *reader)
{
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->component == STINT_BASE_MODEL && fact->predicate == STINT_NAME &&
            fact->grade > STINT_CLAIMED)
            return true;
    }
    return false;
}

/* Most words of a licence's name. */
#define NAMED_WORDS_MAX 7

/* What a line calls by name; the last binds most. */
enum named { NAMED_NOTHING, NAMED_LICENCE, NAMED_RESTRICTED };

static enum named named_by(const struct reader *reader, const char *name)
{
    char longer[240];
    struct stint_licence_name found;
    (void)snprintf(longer, sizeof(longer), "%.200s agreement", name);
    int r = stint_licence_find(reader->licences, name, &found);
    if (r != 0)
        r = stint_licence_find(reader->licences, longer, &found);
    if (r != 0 || !found.licence)
        return NAMED_NOTHING;
    return stint_licence_is_restricted(found.licence) == STINT_YES ? NAMED_RESTRICTED
                                                                   : NAMED_LICENCE;
}

/* The length of a word of a name; an address is one. */
static size_t name_part(const char *word)
{
    return strncasecmp(word, "http", 4) == 0 ? strcspn(word, " \t)]>`\"',;")
                                             : strcspn(word, " \t)]*`_\"',;:|<>");
}

/* All runs of up to NAMED_WORDS_MAX words of @line are looked up. */
static enum named named_in(const struct reader *reader, const char *line)
{
    enum named best = NAMED_NOTHING;
    for (const char *at = line; *at && best != NAMED_RESTRICTED;) {
        char name[200];
        size_t length = 0;
        const char *word = at;
        for (size_t words = 0; words < NAMED_WORDS_MAX && *word; words++) {
            word += strspn(word, " \t([*`_\"'|>,");
            size_t part = name_part(word);
            if (part == 0 || length + part + 2 >= sizeof(name))
                break;
            length += (size_t)snprintf(name + length, sizeof(name) - length, "%s%.*s",
                                       length > 0 ? " " : "", (int)part, word);
            word += part;
            if (name[length - 1] == '.')
                name[--length] = '\0';
            enum named found = named_by(reader, name);
            best = found > best ? found : best;
        }
        at += strcspn(at, " \t([<");
        at += strspn(at, " \t([<");
    }
    return best;
}

/* "License: proprietary", "**Licence** | custom": words for terms that are no licence known here,
 * and no pointer to a text beside the page. */
static bool is_licence_line(const char *line)
{
    const char *at = line + strspn(line, " \t*_-|>#+");
    if (strncasecmp(at, "license", 7) != 0 && strncasecmp(at, "licence", 7) != 0)
        return false;
    at += 7 + strspn(at + 7, "*_ \t");
    if (*at != ':' && *at != '|')
        return false;
    at += strspn(at, ":|*_ \t-");
    return *at && !strcasestr(at, "LICENSE") && !strcasestr(at, "LICENCE") && !strstr(at, "](");
}

/* "released under the Acme Research License": a proper name that is no licence known here. */
static bool is_under_other(const char *line)
{
    /* Families, which the card or a text settles. */
    static const char *const families[] = { "apache",   "mit ",    "bsd",     "gnu",    "gpl",
                                            "creative", "mozilla", "eclipse", "public", "open",
                                            "isc ",     "boost",   "zlib",    "cc",     "odc",
                                            "license",  "terms" };
    const char *at = line;
    while ((at = strcasestr(at, "under "))) {
        at += sizeof("under ") - 1;
        at += strncasecmp(at, "the ", 4) == 0 ? 4 : strncasecmp(at, "a ", 2) == 0 ? 2 : 0;
        const char *licence = strcasestr(at, " licen");
        size_t words = 0;
        for (const char *c = at; licence && c < licence; c++)
            words += *c == ' ';
        const char *mark = strpbrk(at, ".;,");
        bool is_family = false;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(families); i++)
            is_family |= strncasecmp(at, families[i], strlen(families[i])) == 0;
        if (!is_family && licence && *at >= 'A' && *at <= 'Z' && words < 5 &&
            (!mark || mark > licence))
            return true;
    }
    return false;
}

/* A line about terms that calls a restricting licence by its name: "released under CC-BY-NC-4.0".
 * Of a model's training data it may be said; that is judged by the data itself. */
void read_named_terms(struct reader *reader, const struct reader_file *file, const char *line,
                      uint32_t number)
{
    static const char *const others[] = { "unlike ", "compar",     " not ",
                                          "n't ",    "no longer ", "thanks " };
    static const char *const data[] = { "data", "corpus", "corpora", "benchmark" };
    static const char *const work[] = { "model",      "weights", "checkpoint",
                                        "everything", "release", "repository" };
    const char *end = line + strlen(line);
    bool is_of_data = reader->kind == STINT_KIND_MODEL &&
                      has_before(line, end, data, STINT_ARRAY_SIZE(data)) &&
                      !has_before(line, end, work, STINT_ARRAY_SIZE(work));
    if (is_of_data || has_before(line, end, others, STINT_ARRAY_SIZE(others)))
        return;
    enum named named = named_in(reader, line);
    if (named == NAMED_RESTRICTED ||
        (named == NAMED_NOTHING && (is_licence_line(line) || is_under_other(line))))
        (void)reader_text(reader, file, STINT_ARTIFACT, STINT_RESTRICTION, "", "unknown",
                          STINT_SOURCE_PROSE, STINT_CLAIMED, reader_line(number));
}

/* "All texts were generated with GPT-4o": whose outputs they are is not settled by that. */
static void prose_generator(struct reader *reader, const struct reader_file *file, const char *line,
                            uint32_t number)
{
    static const char *const deeds[] = { "generated ",  "synthesized ", "synthesised ",
                                         "written by ", "produced ",    "distilled " };
    static const char *const writers[] = { "gpt",     "claude",         "gemini",   "llama",
                                           "mixtral", "language model", "deepseek", "qwen" };
    static const char *const negations[] = { "no ", "not ", "n't ", "never ", "without " };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(deeds); i++) {
        const char *found = strcasestr(line, deeds[i]);
        if (!found || has_before(line, found, negations, STINT_ARRAY_SIZE(negations)))
            continue;
        for (size_t j = 0; j < STINT_ARRAY_SIZE(writers); j++)
            if (strcasestr(found, writers[j])) {
                reader_synthetic(reader, file, 0, STINT_SOURCE_PROSE, reader_line(number));
                return;
            }
    }
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
    bool is_base_open = reader->kind == STINT_KIND_MODEL && !has_base(reader);
    bool was_of_terms = false;
    for (lines.at = shown; prose_line(&lines, line);) {
        bool is_of_terms = strcasestr(line, "licen") || strcasestr(line, "under ") ||
                           strcasestr(line, "terms") || strcasestr(line, "by-nc") ||
                           strcasestr(line, "by nc");
        if ((is_of_terms || was_of_terms) && is_about_terms(file->base))
            read_named_terms(reader, file, line, lines.number);
        was_of_terms = is_of_terms;
        prose_claims(reader, file, line, lines.number);
        if (is_base_open)
            prose_base(reader, file, line, lines.number);
        if (reader->kind == STINT_KIND_DATASET)
            prose_generator(reader, file, line, lines.number);
    }
    read_links(reader, all);
    return is_about_terms(file->base) ? read_terms(reader, file, all) : 0;
}
