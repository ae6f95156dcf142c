/* Owns: descriptions of data. Croissant (1.0, 1.1 with its responsible-AI terms) is the carrier of
 * data information that a machine can read; documents named as data cards, papers and reports count
 * as present, and what they say is only a claim. Source: metadata.md §8, openness.md §1.2 and §1.3.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"
#include "stint/digest.h"

/* A description shorter than this describes nothing. */
#define DESCRIPTION_MIN 20

static const struct {
    const char *end;
    bool is_open;
} data_ends[] = {
    { ".csv", true },    { ".tsv", true },     { ".json", true },  { ".jsonl", true },
    { ".txt", true },    { ".parquet", true }, { ".arrow", true }, { ".xml", true },
    { ".ndjson", true }, { ".png", true },     { ".jpg", true },   { ".jpeg", true },
    { ".flac", true },   { ".wav", true },     { ".ogg", true },   { ".webp", true },
    { ".tar", true },    { ".gz", true },      { ".zst", true },   { ".zip", true },
    { ".h5", true },     { ".npz", true },     { ".npy", true },   { ".sqlite", true },
    { ".db", true },     { ".xls", false },    { ".mat", false },  { ".sav", false },
    { ".mp3", true },    { ".mp4", true },
};

static int data_format(const char *base)
{
    const char *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < STINT_ARRAY_SIZE(data_ends); i++)
        if (strcasecmp(dot, data_ends[i].end) == 0)
            return data_ends[i].is_open;
    return -1;
}

bool path_is_data(const char *base)
{
    return data_format(base) >= 0;
}

int read_data_file(struct reader *reader, const struct reader_file *file)
{
    int format = data_format(file->base);
    if (reader->kind != STINT_KIND_DATASET)
        return 0;
    bool is_annotation = text_has_word(file->path, "labels") ||
                         text_has_word(file->path, "label") ||
                         text_has_word(file->path, "annotations");
    enum stint_component component = is_annotation ? STINT_ANNOTATIONS : STINT_DATA;
    (void)reader_bool(reader, file, component, STINT_PRESENT, "", true, STINT_SOURCE_TREE,
                      STINT_DECLARED, reader_offset(0));
    (void)reader_bool(reader, file, component, STINT_OPEN_FORMAT, "", format == 1,
                      STINT_SOURCE_TREE, STINT_DECLARED, reader_offset(0));
    return 0;
}

static const struct {
    const char *words; /* all of them in the name */
    enum stint_component component;
} documents[] = {
    { "data card", STINT_DATA_CARD },
    { "datacard", STINT_DATA_CARD },
    { "datasheet", STINT_DATA_CARD },
    { "dataset card", STINT_DATA_CARD },
    { "data", STINT_DATA_INFORMATION },
    { "datasets", STINT_DATA_INFORMATION },
    { "model card", STINT_MODEL_CARD },
    { "modelcard", STINT_MODEL_CARD },
    { "technical report", STINT_TECHNICAL_REPORT },
    { "report", STINT_TECHNICAL_REPORT },
    { "paper", STINT_RESEARCH_PAPER },
    { "evaluation", STINT_EVALUATION_RESULTS },
    { "results", STINT_EVALUATION_RESULTS },
    { "metrics", STINT_EVALUATION_RESULTS },
    { "samples", STINT_SAMPLE_OUTPUTS },
    { "sample outputs", STINT_SAMPLE_OUTPUTS },
    { "hyperparameters", STINT_TRAINING_SETTINGS },
    { "hparams", STINT_TRAINING_SETTINGS },
    { "training config", STINT_TRAINING_SETTINGS },
    { "train config", STINT_TRAINING_SETTINGS },
    { "trainer state", STINT_TRAINING_SETTINGS },
    { "tokenizer", STINT_TOKENIZER },
    { "vocab", STINT_TOKENIZER },
};

static bool name_has_words(const char *name, const char *words)
{
    char word[32];
    while (*words) {
        size_t length = strcspn(words, " ");
        memcpy(word, words, length);
        word[length] = '\0';
        if (!text_has_word(name, word))
            return false;
        words += length + (words[length] == ' ');
    }
    return true;
}

/* A page about data: its headed sections describe, its table lists. The form makes it a
 * declaration; whether it is true is for people to read. */

static const struct {
    const char *words;
    enum stint_predicate predicate;
} sections[] = {
    { "provenance", STINT_DESCRIBES_PROVENANCE }, { "source", STINT_DESCRIBES_PROVENANCE },
    { "origin", STINT_DESCRIBES_PROVENANCE },     { "scope", STINT_DESCRIBES_SCOPE },
    { "characteristics", STINT_DESCRIBES_SCOPE }, { "composition", STINT_DESCRIBES_SCOPE },
    { "obtained", STINT_DESCRIBES_SELECTION },    { "selected", STINT_DESCRIBES_SELECTION },
    { "selection", STINT_DESCRIBES_SELECTION },   { "collection", STINT_DESCRIBES_SELECTION },
    { "labelling", STINT_DESCRIBES_LABELLING },   { "labeling", STINT_DESCRIBES_LABELLING },
    { "labels", STINT_DESCRIBES_LABELLING },      { "annotation", STINT_DESCRIBES_LABELLING },
    { "processing", STINT_DESCRIBES_PROCESSING }, { "preprocessing", STINT_DESCRIBES_PROCESSING },
    { "filtering", STINT_DESCRIBES_PROCESSING },  { "cleaning", STINT_DESCRIBES_PROCESSING },
    { "withheld", STINT_DESCRIBES_REASON },       { "cannot be shared", STINT_DESCRIBES_REASON },
};

#define TABLE_CELLS_MAX 12

struct page {
    struct reader *reader;
    const struct reader_file *file;
    char heading[200];
    uint32_t heading_line;
    size_t body_bytes;
    int name_cell; /* columns of the table that is open, -1 for none */
    int class_cell;
    int licence_cell;
    int place_cell;
};

static void page_section_end(struct page *page)
{
    if (page->heading_line == 0 || page->body_bytes < DESCRIPTION_MIN)
        return;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sections); i++)
        if (strcasestr(page->heading, sections[i].words))
            (void)reader_bool(page->reader, page->file, STINT_DATA_INFORMATION,
                              sections[i].predicate, "", true, STINT_SOURCE_METADATA,
                              STINT_DECLARED, reader_line(page->heading_line));
}

/* Splits "| a | b |" in place; cells trimmed of blanks and of code marks. */
static size_t split_cells(char *line, char *cells[TABLE_CELLS_MAX])
{
    size_t count = 0;
    char *at = line + (*line == '|');
    while (at && *at && count < TABLE_CELLS_MAX) {
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

static void page_table_head(struct page *page, char *cells[TABLE_CELLS_MAX], size_t count)
{
    page->class_cell = page->licence_cell = page->place_cell = -1;
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
        else if (page->name_cell < 0 &&
                 (strcasestr(cells[i], "data") || text_has_word(cells[i], "name")))
            page->name_cell = cell;
    }
    /* A table of data sets has a name and a class; others are not read. */
    if (page->class_cell < 0 || page->name_cell < 0)
        page->name_cell = -2;
}

static const char *cell_of(char *cells[TABLE_CELLS_MAX], size_t count, int cell)
{
    return cell >= 0 && (size_t)cell < count && cells[cell][0] ? cells[cell] : NULL;
}

static void page_table_row(struct page *page, char *cells[TABLE_CELLS_MAX], size_t count,
                           uint32_t number)
{
    static const char *const classes[] = { "open", "public", "obtainable", "unshareable" };
    struct stint_place at = reader_line(number);
    const char *name = cell_of(cells, count, page->name_cell);
    const char *class = cell_of(cells, count, page->class_cell);
    const char *licence = cell_of(cells, count, page->licence_cell);
    const char *place = cell_of(cells, count, page->place_cell);
    if (!name || strspn(name, "-: ") == strlen(name))
        return;
    (void)reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_NAME, name, name,
                      STINT_SOURCE_METADATA, STINT_DECLARED, at);
    for (size_t i = 0; class && i < STINT_ARRAY_SIZE(classes); i++)
        if (text_has_word(class, classes[i]))
            (void)reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_DATA_CLASS, name,
                              classes[i], STINT_SOURCE_METADATA, STINT_DECLARED, at);
    if (licence)
        reader_declared_licence(page->reader, page->file, STINT_TRAINING_DATA, name,
                                page->file->folder, NULL, licence, STINT_SOURCE_METADATA, at);
    if (place)
        (void)reader_text(page->reader, page->file, STINT_TRAINING_DATA, STINT_LOCATION, name,
                          place, STINT_SOURCE_METADATA, STINT_DECLARED, at);
}

static void page_line(struct page *page, char *line, uint32_t number)
{
    char *cells[TABLE_CELLS_MAX];
    if (line[0] == '#') {
        page_section_end(page);
        (void)snprintf(page->heading, sizeof(page->heading), "%s", line);
        page->heading_line = number;
        page->body_bytes = 0;
        page->name_cell = -1;
        return;
    }
    page->body_bytes += strlen(line);
    if (line[0] != '|') {
        page->name_cell = -1;
        return;
    }
    size_t count = split_cells(line, cells);
    if (page->name_cell == -1)
        page_table_head(page, cells, count);
    else if (page->name_cell >= 0)
        page_table_row(page, cells, count, number);
}

static void read_page(struct reader *reader, const struct reader_file *file)
{
    struct page page = { .reader = reader, .file = file, .name_cell = -1 };
    char line[2048];
    uint32_t number = 0;
    const char *at = file->text;
    const char *end = file->text + file->length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t whole = newline ? (size_t)(newline - at) : (size_t)(end - at);
        size_t kept = whole < sizeof(line) ? whole : sizeof(line) - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        page_line(&page, line, ++number);
        at += whole + 1;
    }
    page_section_end(&page);
}

static bool is_page(const char *base)
{
    const char *dot = strrchr(base, '.');
    return !dot || strcasecmp(dot, ".md") == 0 || strcasecmp(dot, ".txt") == 0 ||
           strcasecmp(dot, ".rst") == 0;
}

/* DATA.md, paper.pdf, results.json …: the document is there; what it says is for people to read. */
int read_document(struct reader *reader, const struct reader_file *file)
{
    if (file->size < 2 * DESCRIPTION_MIN)
        return 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(documents); i++) {
        if (!name_has_words(file->base, documents[i].words))
            continue;
        enum stint_component component = documents[i].component;
        bool is_data = component == STINT_DATA_CARD || component == STINT_DATA_INFORMATION;
        if (is_data && !is_page(file->base))
            return 0; /* data.csv is data */
        (void)reader_bool(reader, file, component, STINT_PRESENT, "", true, STINT_SOURCE_TREE,
                          STINT_DECLARED, reader_line(1));
        if (is_data && reader->kind == STINT_KIND_MODEL)
            read_page(reader, file);
        if (component == STINT_DATA_CARD)
            (void)reader_bool(reader, file, STINT_DATA_INFORMATION, STINT_PRESENT, "", true,
                              STINT_SOURCE_TREE, STINT_DECLARED, reader_line(1));
        return 0;
    }
    return 0;
}
