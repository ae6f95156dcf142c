/* Owns: descriptions of data. Croissant (1.0, 1.1 with its responsible-AI terms) is the carrier of
 * data information that a machine can read; documents named as data cards, papers and reports count
 * as present, and what they say is only a claim. Source: metadata.md §8, openness.md §1.2 and §1.3.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/data_page.h"
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
        bool is_written = true;
        if (is_data && reader->kind == STINT_KIND_MODEL) {
            int r = read_data_page(reader, file, &is_written);
            if (r != 0 || !is_written)
                return r;
        }
        (void)reader_bool(reader, file, component, STINT_PRESENT, "", true, STINT_SOURCE_TREE,
                          STINT_DECLARED, reader_line(1));
        if (component == STINT_DATA_CARD)
            (void)reader_bool(reader, file, STINT_DATA_INFORMATION, STINT_PRESENT, "", true,
                              STINT_SOURCE_TREE, STINT_DECLARED, reader_line(1));
        return 0;
    }
    return 0;
}
