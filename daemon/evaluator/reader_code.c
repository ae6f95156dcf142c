/* Owns: source files. A file's part in the making of a model is read from its name and confirmed by
 * what it holds: a name alone is a claim, and an empty train.py trains nothing. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

static const char *const code_ends[] = {
    ".py", ".c",     ".h",  ".cc",  ".cpp", ".hpp", ".cxx", ".cu",    ".cuh", ".rs",   ".go",
    ".jl", ".java",  ".js", ".ts",  ".r",   ".sh",  ".pl",  ".rb",    ".lua", ".m",    ".scala",
    ".kt", ".swift", ".cs", ".f90", ".ml",  ".hs",  ".zig", ".ipynb", ".sql", ".mojo",
};

static const char *path_end(const char *base)
{
    const char *dot = strrchr(base, '.');
    return dot ? dot : "";
}

bool path_is_code(const char *path)
{
    const char *end = path_end(path);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(code_ends); i++)
        if (strcasecmp(end, code_ends[i]) == 0)
            return true;
    return false;
}

/* The parts of a path are its words; a word of @names and a sign of @signs make the role. */
static const struct role {
    enum stint_component component;
    const char *names; /* blank-separated */
    const char *signs; /* '|'-separated, any of them in the text */
} roles[] = {
    { STINT_TRAINING_CODE,
      "train trainer training pretrain pretraining finetune finetuning sft dpo rlhf fit",
      "backward(|optimizer|gradient|epoch|learning_rate|.fit(|loss|grad" },
    { STINT_INFERENCE_CODE,
      "infer inference generate generation predict sample sampling chat serve run decode",
      "generate|predict|sample|forward|logits|decode|inference" },
    { STINT_EVALUATION_CODE,
      "eval evaluate evaluation test tests testing validate validation benchmark score metrics",
      "accuracy|loss|perplexity|score|metric|assert|f1" },
    { STINT_DATA_CODE,
      "prepare preprocess preprocessing process processing clean cleaning filter filtering dedup "
      "tokenize build make_data prepare_data data dataset datasets corpus",
      "open(|read|write|tokenize|filter|dataset|normalize|split(" },
    { STINT_ARCHITECTURE, "model modeling modelling architecture network net layers transformer",
      "class |def |struct |forward|layer|matrix" },
    { STINT_SUPPORTING_CODE, "tokenizer tokenization tokeniser utils util lib support search sweep",
      "class |def |struct |function |return" },
};

static const char *const setting_signs[] = { "learning_rate", "learning-rate", "batch_size",
                                             "epochs",        "EPOCHS",        "LEARNING_RATE",
                                             "lr =",          "lr=",           "argparse" };

static bool path_has_name(const char *path, const char *names)
{
    char word[64];
    while (*names) {
        size_t length = strcspn(names, " ");
        if (length > 0 && length < sizeof(word)) {
            memcpy(word, names, length);
            word[length] = '\0';
            if (text_has_word(path, word))
                return true;
        }
        names += length + (names[length] == ' ');
    }
    return false;
}

static bool text_has_sign(const char *text, const char *signs)
{
    char sign[40];
    while (*signs) {
        size_t length = strcspn(signs, "|");
        if (length > 0 && length < sizeof(sign)) {
            memcpy(sign, signs, length);
            sign[length] = '\0';
            if (strstr(text, sign))
                return true;
        }
        signs += length + (signs[length] == '|');
    }
    return false;
}

/* Lines that are neither blank nor wholly comment; counted up to ten. */
static unsigned code_lines(const struct reader_file *file)
{
    unsigned count = 0;
    const char *end = file->text + file->length;
    for (const char *at = file->text; at < end && count < 10;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        while (at < stop && isspace((unsigned char)*at))
            at++;
        bool is_code = at < stop && *at != '#' && strncmp(at, "//", 2) != 0 && *at != '*' &&
                       strncmp(at, "/*", 2) != 0;
        count += is_code;
        at = stop + 1;
    }
    return count;
}

static uint32_t line_of(const struct reader_file *file, const char *at)
{
    uint32_t line = 1;
    for (const char *c = file->text; c < at; c++)
        line += *c == '\n';
    return line;
}

static void read_settings(struct reader *reader, const struct reader_file *file)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(setting_signs); i++) {
        const char *found = strstr(file->text, setting_signs[i]);
        if (!found)
            continue;
        (void)reader_bool(reader, file, STINT_TRAINING_SETTINGS, STINT_PRESENT, "", true,
                          STINT_SOURCE_CODE, STINT_DECLARED, reader_line(line_of(file, found)));
        return;
    }
}

/* A training program that measures on data it holds out is validation code too. */
static void read_validation(struct reader *reader, const struct reader_file *file)
{
    static const char *const signs[] = { "held_out", "heldout",   "held-out",  "validation",
                                         "val_loss", "evaluate(", "eval_loss", "test_loss" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(signs); i++) {
        const char *found = strstr(file->text, signs[i]);
        if (!found)
            continue;
        (void)reader_bool(reader, file, STINT_EVALUATION_CODE, STINT_PRESENT, "", true,
                          STINT_SOURCE_CODE, STINT_DECLARED, reader_line(line_of(file, found)));
        return;
    }
}

static void code_present(struct reader *reader, const struct reader_file *file,
                         enum stint_component component, enum stint_grade grade)
{
    if (reader->present_count[component]++ < READER_SAME_MAX)
        (void)reader_bool(reader, file, component, STINT_PRESENT, "", true, STINT_SOURCE_CODE,
                          grade, reader_line(1));
}

int read_code(struct reader *reader, const struct reader_file *file)
{
    bool is_substance = code_lines(file) >= 5;
    code_present(reader, file, STINT_CODE, STINT_DECLARED);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(roles); i++) {
        if (!path_has_name(file->path, roles[i].names))
            continue;
        bool is_confirmed = is_substance && text_has_sign(file->text, roles[i].signs);
        code_present(reader, file, roles[i].component,
                     is_confirmed ? STINT_DECLARED : STINT_CLAIMED);
        if (is_confirmed && roles[i].component == STINT_TRAINING_CODE) {
            read_settings(reader, file);
            read_validation(reader, file);
        }
    }
    read_imports(reader, file);
    if (strcmp(file->base, "setup.py") == 0)
        (void)read_setup(reader, file);
    int r = read_header(reader, file);
    return r != 0 ? r : read_spdx_header(reader, file);
}

/* requirements*.txt: the libraries that are used, or that none are. */
int read_requirements(struct reader *reader, const struct reader_file *file)
{
    uint32_t number = 0;
    bool is_any = false;
    const char *end = file->text + file->length;
    for (const char *at = file->text; at < end && !is_any;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        number++;
        while (at < stop && isspace((unsigned char)*at))
            at++;
        is_any = at < stop && *at != '#';
        at = stop + 1;
    }
    /* Names of libraries are evidence that the list is published, not that they are. */
    (void)reader_bool(reader, file, STINT_SUPPORTING_CODE, is_any ? STINT_LISTED : STINT_USED, "",
                      is_any, STINT_SOURCE_METADATA, STINT_DECLARED,
                      reader_line(is_any ? number : 1));
    return 0;
}
