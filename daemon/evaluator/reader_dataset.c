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
#define DESCRIPTION_BYTES_MIN 20

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
    if (page->heading_line == 0 || page->body_bytes < DESCRIPTION_BYTES_MIN)
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
    if (file->size < 2 * DESCRIPTION_BYTES_MIN)
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

/* Croissant. */

struct croissant {
    struct reader *reader;
    const struct reader_file *file;
    const json_t *root;
    const char *subject;
    enum stint_component data;
};

/* A property by its local name, however the document abbreviates its vocabulary. */
static const json_t *term(const json_t *object, const char *name)
{
    static const char *const prefixes[] = {
        "",
        "sc:",
        "schema:",
        "https://schema.org/",
        "http://schema.org/",
        "cr:",
        "rai:",
        "http://mlcommons.org/croissant/",
        "http://mlcommons.org/croissant/RAI/",
        "dct:",
        "prov:",
    };
    char key[128];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(prefixes); i++) {
        (void)snprintf(key, sizeof(key), "%s%s", prefixes[i], name);
        const json_t *value = json_object_get(object, key);
        if (value)
            return value;
    }
    return NULL;
}

/* The text of a value: a string, {"@value"}, {"@id"}, {"name"} or {"url"}, or the first of a list.
 */
static const char *value_text(const json_t *value)
{
    static const char *const keys[] = { "@value", "@id", "url", "sc:url", "name", "sc:name" };
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_string(value))
        return json_string_value(value);
    for (size_t i = 0; json_is_object(value) && i < STINT_ARRAY_SIZE(keys); i++)
        if (json_is_string(json_object_get(value, keys[i])))
            return json_string_value(json_object_get(value, keys[i]));
    return NULL;
}

static bool is_substance(const json_t *value)
{
    if (json_is_array(value) && json_array_size(value) > 0) {
        if (json_is_object(json_array_get(value, 0)))
            return true;
        value = json_array_get(value, 0);
    }
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return json_is_string(value) && json_string_length(value) >= DESCRIPTION_BYTES_MIN;
}

static void describe(struct croissant *croissant, const char *name, enum stint_predicate predicate)
{
    char pointer[80];
    const json_t *value = term(croissant->root, name);
    if (!is_substance(value))
        return;
    (void)snprintf(pointer, sizeof(pointer), "/%s", name);
    (void)reader_bool(croissant->reader, croissant->file, STINT_DATA_INFORMATION, predicate,
                      croissant->subject, true, STINT_SOURCE_METADATA, STINT_DECLARED,
                      reader_pointer(pointer));
}

static const struct {
    const char *name;
    enum stint_predicate predicate;
} descriptions[] = {
    { "dataCollection", STINT_DESCRIBES_SELECTION },
    { "dataCollection", STINT_DESCRIBES_PROVENANCE },
    { "wasDerivedFrom", STINT_DESCRIBES_PROVENANCE },
    { "dataCollectionRawData", STINT_DESCRIBES_PROVENANCE },
    { "recordSet", STINT_DESCRIBES_SCOPE },
    { "dataLimitations", STINT_DESCRIBES_SCOPE },
    { "dataAnnotationProtocol", STINT_DESCRIBES_LABELLING },
    { "dataAnnotationPlatform", STINT_DESCRIBES_LABELLING },
    { "machineAnnotationTools", STINT_DESCRIBES_LABELLING },
    { "dataPreprocessingProtocol", STINT_DESCRIBES_PROCESSING },
    { "dataManipulationProtocol", STINT_DESCRIBES_PROCESSING },
};

static void croissant_licences(struct croissant *croissant)
{
    const json_t *licence = term(croissant->root, "license");
    const json_t *own = term(croissant->root, "sdLicense");
    size_t count = json_is_array(licence) ? json_array_size(licence) : licence != NULL;
    bool is_own = croissant->reader->kind == STINT_KIND_DATASET;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(licence) ? json_array_get(licence, i) : licence;
        const char *text = value_text(item);
        if (text)
            reader_declared_licence(croissant->reader, croissant->file,
                                    is_own ? STINT_ARTIFACT : STINT_TRAINING_DATA,
                                    is_own ? "" : croissant->subject, croissant->file->folder, NULL,
                                    text, STINT_SOURCE_METADATA, reader_pointer("/license"));
    }
    if (value_text(own))
        reader_declared_licence(croissant->reader, croissant->file, STINT_DATA_INFORMATION, "", "",
                                croissant->file->path, value_text(own), STINT_SOURCE_METADATA,
                                reader_pointer("/sdLicense"));
}

/* A file of the distribution that lies beside the description, with the digest it is said to have.
 */
static void croissant_local_file(struct croissant *croissant, const json_t *object,
                                 const char *place)
{
    char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
    struct stint_sha256 digest;
    const struct reader_file *file = croissant->file;
    const char *hex = value_text(term(object, "sha256"));
    (void)snprintf(path, sizeof(path), "%s%s%s", file->folder, file->folder[0] ? "/" : "", place);
    size_t index = reader_find(croissant->reader, path);
    if (index == SIZE_MAX)
        return;
    const struct stint_artifact_file *entry = &croissant->reader->manifest->files[index];
    bool is_other = hex && entry->has_sha256 &&
                    (stint_sha256_parse(hex, &digest, NULL) != 0 ||
                     memcmp(&digest, &entry->sha256, sizeof(digest)) != 0);
    if (is_other) {
        char what[STINT_ARTIFACT_PATH_BYTES_MAX + 80];
        (void)snprintf(what, sizeof(what), "%s is not the file that %s describes", path,
                       file->path);
        uint32_t id = reader_bool(croissant->reader, file, croissant->data, STINT_READABLE,
                                  croissant->subject, false, STINT_SOURCE_METADATA, STINT_DECLARED,
                                  reader_pointer("/distribution"));
        verdict_finding(croissant->reader->verdict, "T-data", what, &id, 1);
        return;
    }
    struct reader_file local = { .index = index, .path = entry->path };
    (void)reader_bool(croissant->reader, &local, croissant->data, STINT_PRESENT, croissant->subject,
                      true, STINT_SOURCE_TREE, STINT_DECLARED, reader_offset(0));
}

static void croissant_places(struct croissant *croissant)
{
    const char *url = value_text(term(croissant->root, "url"));
    const json_t *distribution = term(croissant->root, "distribution");
    size_t count = json_is_array(distribution) ? json_array_size(distribution) : 0;
    if (url && *url)
        (void)reader_text(croissant->reader, croissant->file, croissant->data, STINT_LOCATION,
                          croissant->subject, url, STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_pointer("/url"));
    for (size_t i = 0; i < count && i < 1000; i++) {
        const json_t *object = json_array_get(distribution, i);
        const char *place = value_text(term(object, "contentUrl"));
        if (!place || !*place)
            continue;
        if (strstr(place, "://"))
            (void)reader_text(croissant->reader, croissant->file, croissant->data, STINT_LOCATION,
                              croissant->subject, place, STINT_SOURCE_METADATA, STINT_DECLARED,
                              reader_pointer("/distribution"));
        else
            croissant_local_file(croissant, object, place);
    }
}

static bool is_croissant(const json_t *root)
{
    const char *type = value_text(json_object_get(root, "@type"));
    const char *conforms = value_text(term(root, "conformsTo"));
    const char *colon = type ? strrchr(type, ':') : NULL;
    const char *local = colon ? colon + 1 : type;
    return local && (strcmp(local, "Dataset") == 0 || strstr(type, "schema.org/Dataset")) &&
           ((conforms && strstr(conforms, "croissant")) || term(root, "distribution"));
}

static void croissant_root(struct croissant *croissant)
{
    struct reader *reader = croissant->reader;
    const struct reader_file *file = croissant->file;
    const char *name = value_text(term(croissant->root, "name"));
    const json_t *source = term(croissant->root, "wasDerivedFrom");
    const char *owner = value_text(term(croissant->root, "creator"));
    bool is_own = reader->kind == STINT_KIND_DATASET;
    croissant->subject = is_own ? "" : name ? name : file->path;
    croissant->data = is_own ? STINT_DATA : STINT_TRAINING_DATA;
    (void)reader_text(reader, file, croissant->data, STINT_NAME, croissant->subject,
                      name ? name : file->path, STINT_SOURCE_METADATA, STINT_DECLARED,
                      reader_pointer("/name"));
    (void)reader_bool(reader, file, STINT_DATA_INFORMATION, STINT_PRESENT, croissant->subject, true,
                      STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(1));
    (void)reader_bool(reader, file, STINT_DATA_CARD, STINT_PRESENT, "", true, STINT_SOURCE_METADATA,
                      STINT_DECLARED, reader_line(1));
    if (owner)
        (void)reader_text(reader, file, croissant->data, STINT_OWNER, croissant->subject, owner,
                          STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer("/creator"));
    if (is_own && value_text(source))
        (void)reader_text(reader, file, STINT_SOURCE_DATA, STINT_NAME, value_text(source),
                          value_text(source), STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_pointer("/prov:wasDerivedFrom"));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(descriptions); i++)
        describe(croissant, descriptions[i].name, descriptions[i].predicate);
    croissant_licences(croissant);
    croissant_places(croissant);
}

int read_croissant(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    struct croissant croissant = { .reader = reader, .file = file, .root = root };
    if (json_is_object(root) && is_croissant(root))
        croissant_root(&croissant);
    json_decref(root);
    return 0;
}
