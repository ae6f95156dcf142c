/* Owns: a page about training data (DATA.md, a datasheet): its headed sections describe, its table
 * lists. The form makes it a declaration; whether it is true is for people to read. Only what a
 * reader of the page sees counts, a heading counts when every word of it is known here, and a
 * section that says nothing, puts it off or refuses to say gives nothing (openness.md §1.2, §1.3).
 */
#include "evaluator/data_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "stint/auto.h"
#include "stint/buffer.h"

/* Words of a heading that say which question its section answers. A heading is read when it
 * consists of these and of words that add nothing: "Resources and open source" is about something
 * else. */
static const struct {
    const char *word;
    enum stint_predicate predicate;
} topics[] = {
    { "provenance", STINT_DESCRIBES_PROVENANCE },
    { "source", STINT_DESCRIBES_PROVENANCE },
    { "sources", STINT_DESCRIBES_PROVENANCE },
    { "origin", STINT_DESCRIBES_PROVENANCE },
    { "origins", STINT_DESCRIBES_PROVENANCE },
    { "scope", STINT_DESCRIBES_SCOPE },
    { "characteristics", STINT_DESCRIBES_SCOPE },
    { "composition", STINT_DESCRIBES_SCOPE },
    { "structure", STINT_DESCRIBES_SCOPE },
    { "size", STINT_DESCRIBES_SCOPE },
    { "obtained", STINT_DESCRIBES_SELECTION },
    { "selected", STINT_DESCRIBES_SELECTION },
    { "selection", STINT_DESCRIBES_SELECTION },
    { "collection", STINT_DESCRIBES_SELECTION },
    { "collected", STINT_DESCRIBES_SELECTION },
    { "acquisition", STINT_DESCRIBES_SELECTION },
    { "curation", STINT_DESCRIBES_SELECTION },
    { "labelling", STINT_DESCRIBES_LABELLING },
    { "labeling", STINT_DESCRIBES_LABELLING },
    { "labelled", STINT_DESCRIBES_LABELLING },
    { "labeled", STINT_DESCRIBES_LABELLING },
    { "labels", STINT_DESCRIBES_LABELLING },
    { "annotation", STINT_DESCRIBES_LABELLING },
    { "annotations", STINT_DESCRIBES_LABELLING },
    { "processing", STINT_DESCRIBES_PROCESSING },
    { "processed", STINT_DESCRIBES_PROCESSING },
    { "preprocessing", STINT_DESCRIBES_PROCESSING },
    { "filtering", STINT_DESCRIBES_PROCESSING },
    { "filtered", STINT_DESCRIBES_PROCESSING },
    { "cleaning", STINT_DESCRIBES_PROCESSING },
    { "cleaned", STINT_DESCRIBES_PROCESSING },
    { "normalization", STINT_DESCRIBES_PROCESSING },
    { "normalisation", STINT_DESCRIBES_PROCESSING },
    { "deduplication", STINT_DESCRIBES_PROCESSING },
    { "withheld", STINT_DESCRIBES_REASON },
    { "unshareable", STINT_DESCRIBES_REASON },
    { "shared", STINT_DESCRIBES_REASON }, /* only with a "not": "why it cannot be shared" */
};

static const char *const fillers[] = {
    "a",
    "about",
    "all",
    "an",
    "and",
    "are",
    "be",
    "by",
    "cannot",
    "can",
    "data",
    "dataset",
    "datasets",
    "details",
    "did",
    "description",
    "for",
    "from",
    "general",
    "how",
    "in",
    "information",
    "initial",
    "is",
    "it",
    "its",
    "methods",
    "method",
    "methodologies",
    "methodology",
    "not",
    "of",
    "on",
    "optional",
    "or",
    "our",
    "overview",
    "pre",
    "procedure",
    "procedures",
    "process",
    "rationale",
    "set",
    "sets",
    "that",
    "the",
    "their",
    "these",
    "this",
    "to",
    "training",
    "used",
    "was",
    "we",
    "were",
    "what",
    "where",
    "which",
    "why",
};

#define CELLS_MAX 12
/* "# Data\n\nTo be written." is no page. */
#define PAGE_WORDS_MIN 8
#define SECTION_MAX    ((size_t)64 << 10)

struct page {
    struct reader *reader;
    const struct reader_file *file;
    unsigned predicates; /* bit i: topic predicate i of the section that is open */
    unsigned level;      /* of its heading */
    uint32_t line;       /* of its heading, 0 before the first */
    struct stint_buffer body;
    bool has_failed; /* some body is not whole */
    bool is_parted;  /* the table that is open has an empty line behind it */
    int name_cell; /* columns of the table that is open, -1 for none, -2 for one of another kind */
    int class_cell;
    int licence_cell;
    int place_cell;
    int writer_cell;
};

static unsigned predicate_bit(enum stint_predicate predicate)
{
    return 1u << (predicate - STINT_DESCRIBES_PROVENANCE);
}

static bool is_filler(const char *word)
{
    if (word[strspn(word, "0123456789")] == '\0')
        return true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(fillers); i++)
        if (strcmp(word, fillers[i]) == 0)
            return true;
    return false;
}

/* The questions that a heading says its section answers; 0 for a heading about something else. */
static unsigned heading_predicates(const char *heading)
{
    char word[PROSE_WORD_MAX];
    unsigned predicates = 0;
    bool has_not = false;
    bool is_withheld = false;
    while (prose_word(&heading, word)) {
        unsigned found = 0;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(topics); i++)
            if (strcmp(word, topics[i].word) == 0)
                found = predicate_bit(topics[i].predicate);
        if (found == 0 && !is_filler(word))
            return 0;
        has_not = has_not || strcmp(word, "not") == 0 || strcmp(word, "cannot") == 0;
        is_withheld = is_withheld || (found != 0 && strcmp(word, "shared") != 0);
        predicates |= found;
    }
    unsigned reason = predicate_bit(STINT_DESCRIBES_REASON);
    return has_not || is_withheld ? predicates : predicates & ~reason;
}

static bool section_describes(const char *body)
{
    return !prose_is_placeholder(body) && prose_says(body) >= PROSE_SAYS_MIN;
}

static void section_end(struct page *page)
{
    const char *body = stint_buffer_text(&page->body);
    unsigned reason = predicate_bit(STINT_DESCRIBES_REASON);
    if (page->predicates != 0 && !page->body.failed) {
        bool is_described = section_describes(body);
        bool has_reason = prose_gives_reason(body);
        for (unsigned i = 0; i < 8; i++) {
            unsigned bit = 1u << i;
            if (!(page->predicates & bit) || !(bit == reason ? has_reason : is_described))
                continue;
            (void)reader_bool(page->reader, page->file, STINT_DATA_INFORMATION,
                              (enum stint_predicate)(STINT_DESCRIBES_PROVENANCE + i), "", true,
                              STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(page->line));
        }
    } else if (prose_refuses(body)) {
        /* Data that is spoken of and not described: the list is not of all data. */
        (void)reader_bool(page->reader, page->file, STINT_TRAINING_DATA, STINT_LISTED, "", false,
                          STINT_SOURCE_PROSE, STINT_CLAIMED,
                          reader_line(page->line ? page->line : 1));
    }
    page->has_failed = page->has_failed || page->body.failed;
    stint_buffer_clear(&page->body);
}

/* Splits "| a | b |" in place; cells trimmed of blanks and of code marks. */
static size_t split_cells(char *line, char *cells[CELLS_MAX])
{
    size_t count = 0;
    char *at = line + (*line == '|');
    while (at && *at && count < CELLS_MAX) {
        char *bar = strchr(at, '|');
        if (bar)
            *bar = '\0';
        at += strspn(at, " \t`*");
        for (size_t length = strlen(at); length > 0 && strchr(" \t\r`*", at[length - 1]); length--)
            at[length - 1] = '\0';
        cells[count++] = at;
        at = bar ? bar + 1 : NULL;
    }
    return count;
}

/* Does a column of this head hold the names of data sets? */
static bool names_data(const char *head, bool *ret_is_of_data)
{
    static const char *const words[] = { "dataset", "datasets",  "data set", "data sets",
                                         "corpus",  "corpora",   "data",     "data source",
                                         "source",  "collection" };
    char plain[80];
    prose_plain(head, plain, sizeof(plain));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
        if (strcmp(plain, words[i]) == 0)
            return *ret_is_of_data = true;
    return strcasestr(head, "data") || text_has_word(head, "name");
}

static void table_head(struct page *page, char *cells[CELLS_MAX], size_t count)
{
    bool is_of_data = false;
    page->class_cell = page->licence_cell = page->place_cell = page->writer_cell = -1;
    page->name_cell = -1;
    for (size_t i = 0; i < count; i++) {
        int cell = (int)i;
        if (text_has_word(cells[i], "class"))
            page->class_cell = cell;
        else if (strcasestr(cells[i], "licen"))
            page->licence_cell = cell;
        else if (text_has_word(cells[i], "where") || strcasestr(cells[i], "location") ||
                 text_has_word(cells[i], "url"))
            page->place_cell = cell;
        else if (strcasestr(cells[i], "generated by") || text_has_word(cells[i], "generator"))
            page->writer_cell = cell;
        else if (page->name_cell < 0 && names_data(cells[i], &is_of_data))
            page->name_cell = cell;
    }
    /* A table of data sets names them and says something about their terms or their place; where
     * its head says "data set", whatever it says about them. Others are not read. */
    bool has_terms = page->class_cell >= 0 || page->licence_cell >= 0 || page->place_cell >= 0;
    if (page->name_cell < 0 || (!has_terms && !is_of_data))
        page->name_cell = -2;
}

static const char *cell_of(char *cells[CELLS_MAX], size_t count, int cell)
{
    bool is_there = cell >= 0 && (size_t)cell < count && cells[cell][0];
    return is_there && !prose_is_placeholder(cells[cell]) ? cells[cell] : NULL;
}

/* One of OSI's four, with what the FAQ writes behind it; "unknown" for every other word. */
static const char *class_of(const char *cell)
{
    static const struct {
        const char *text;
        const char *name;
    } classes[] = {
        { "open", "open" },
        { "open data", "open" },
        { "public", "public" },
        { "public data", "public" },
        { "obtainable", "obtainable" },
        { "obtainable data", "obtainable" },
        { "obtainable for a fee", "obtainable" },
        { "unshareable", "unshareable" },
        { "unshareable data", "unshareable" },
        { "unshareable non public", "unshareable" },
        { "unshareable non public data", "unshareable" },
    };
    char words[80];
    prose_plain(cell, words, sizeof(words));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(classes); i++)
        if (strcmp(words, classes[i].text) == 0)
            return classes[i].name;
    return "unknown";
}

/* The row that adds the others up. */
static bool is_sum(const char *name)
{
    static const char *const words[] = { "total", "sum", "all", "in total", "all data" };
    char plain[80];
    prose_plain(name, plain, sizeof(plain));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
        if (strcmp(plain, words[i]) == 0)
            return true;
    return false;
}

static void table_row(struct page *page, char *cells[CELLS_MAX], size_t count, uint32_t number)
{
    struct stint_place at = reader_line(number);
    const char *name = cell_of(cells, count, page->name_cell);
    const char *class = cell_of(cells, count, page->class_cell);
    const char *licence = cell_of(cells, count, page->licence_cell);
    const char *place = cell_of(cells, count, page->place_cell);
    const char *writer = cell_of(cells, count, page->writer_cell);
    if (!name || is_sum(name))
        return;
    uint32_t id = reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_NAME, name, name,
                              STINT_SOURCE_METADATA, STINT_DECLARED, at);
    if (writer && strspn(writer, "-\xe2\x80\x93\x94 ") != strlen(writer))
        reader_generator(page->reader, page->file, writer, id, STINT_SOURCE_METADATA, at);
    if (class)
        (void)reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_DATA_CLASS, name,
                          class_of(class), STINT_SOURCE_METADATA, STINT_DECLARED, at);
    if (licence)
        reader_declared_licence(page->reader, page->file, STINT_TRAINING_DATA, name,
                                page->file->folder, NULL, licence, STINT_SOURCE_METADATA, at);
    if (place && prose_is_address(place))
        (void)reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_LOCATION, name,
                          place, STINT_SOURCE_METADATA, STINT_DECLARED, at);
}

static void page_heading(struct page *page, const char *line, uint32_t number)
{
    unsigned level = (unsigned)strspn(line, "#");
    unsigned predicates = heading_predicates(line + level);
    page->name_cell = -1;
    /* "### Wikipedia" below "## Provenance" is part of it. */
    if (predicates == 0 && page->predicates != 0 && level > page->level)
        return;
    section_end(page);
    page->predicates = predicates;
    page->level = level;
    page->line = number;
}

/* "|---|:--:|", which makes the line above it the head of a table. */
static bool is_table_rule(const char *at)
{
    size_t length = strspn(at, "|:- \t\r");
    return (at[length] == '\n' || at[length] == '\0') && memchr(at, '|', length) &&
           memmem(at, length, "--", 2);
}

/* @next: what follows the line. A row behind an empty line is shown as text, and people read it as
 * the row it was meant to be. */
static void page_line(struct page *page, char *line, uint32_t number, const char *next)
{
    char *cells[CELLS_MAX];
    if (line[0] == '#') {
        page_heading(page, line, number);
        return;
    }
    if (page->body.length < SECTION_MAX) {
        stint_buffer_add_text(&page->body, line);
        stint_buffer_add_char(&page->body, '\n');
    }
    bool is_head = strchr(line, '|') && is_table_rule(next);
    bool is_open = page->name_cell != -1;
    line += strspn(line, " \t>");
    if (line[0] == '\0' || line[0] == '\r') {
        page->is_parted = true;
        return;
    }
    /* Outer bars may be left out; a sentence with a bar in it is no row of a table before it. */
    bool is_row = line[0] == '|' || (is_open && !page->is_parted && strchr(line, '|'));
    bool was_parted = page->is_parted;
    page->is_parted = false;
    if (!is_row && !is_head) {
        page->name_cell = -1;
        return;
    }
    bool begins = is_head || !is_open || (was_parted && page->name_cell == -2);
    size_t count = split_cells(line, cells);
    if (begins)
        table_head(page, cells, count);
    else if (page->name_cell >= 0 && !is_table_rule(line))
        table_row(page, cells, count, number);
}

/* false when the page shows a reader nothing. */
static bool page_is_written(const char *text)
{
    char word[PROSE_WORD_MAX];
    size_t count = 0;
    while (count < PAGE_WORDS_MIN && prose_word(&text, word))
        count++;
    return count >= PAGE_WORDS_MIN;
}

int read_data_page(struct reader *reader, const struct reader_file *file, bool *ret_is_written)
{
    struct page page = { .reader = reader, .file = file, .name_cell = -1 };
    stint_auto(stint_free) char *text = prose_visible(file->text, file->length, PROSE_SHOWN);
    struct prose_lines lines = { .at = text };
    char line[PROSE_LINE_MAX];
    if (!text)
        return -ENOMEM;
    *ret_is_written = page_is_written(text);
    while (prose_line(&lines, line))
        page_line(&page, line, lines.number, lines.at);
    section_end(&page);
    /* A table in HTML is not read: what it lists is missing from the list. */
    if (strcasestr(text, "<td"))
        (void)reader_bool(reader, file, STINT_TRAINING_DATA, STINT_LISTED, "", false,
                          STINT_SOURCE_PROSE, STINT_CLAIMED, reader_line(1));
    int r = page.has_failed ? -ENOMEM : 0;
    stint_buffer_deinit(&page.body);
    return r;
}
