/* Owns: which reader takes which file, and in what order. One table: a name, and what reads it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/catalogue.h"
#include "evaluator/reader.h"
#include "evaluator/tree.h"
#include "stint/auto.h"

/* A safetensors header may have 100 MB by its makers' reference; sound ones have a few MB. */
#define TENSORS_HEADER_MAX ((size_t)32 << 20)
/* Vocabularies lie in the header; what follows the wanted keys may be beyond this. */
#define GGUF_HEADER_MAX ((size_t)32 << 20)
#define ONNX_HEADER_MAX ((size_t)16 << 20)
#define CODE_TEXT_MAX   ((size_t)1 << 20)

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static bool is_name(const char *base, const char *name)
{
    return strcasecmp(base, name) == 0;
}

static bool is_card(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return is_name(base, "README.md") || is_name(base, "MODEL_CARD.md") ||
           is_name(base, "DATA_CARD.md") || is_name(base, "DATASET_CARD.md");
}

/* Files are sorted by their paths. */
bool reader_has_work_beside(const struct reader *reader, const char *path)
{
    const struct stint_artifact_manifest *manifest = reader->manifest;
    const char *end = strrchr(path, '/');
    size_t folder_length = end ? (size_t)(end + 1 - path) : 0;
    size_t low = 0;
    size_t high = manifest->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(manifest->files[middle].path, path, folder_length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < manifest->file_count; low++) {
        const char *other = manifest->files[low].path;
        const char *slash = strrchr(other, '/');
        const char *base = slash ? slash + 1 : other;
        if (strncmp(other, path, folder_length) != 0)
            return false;
        if (reader->kind == STINT_KIND_DATASET ? path_is_data(base) : path_is_weights(base))
            return true;
    }
    return false;
}

/* Pages at the root, and those beside weights or data: what they say of terms is said of those. */
static bool is_prose(const struct reader *reader, const char *path, const char *base)
{
    bool is_page = ends_with(base, ".md") || is_name(base, "README") ||
                   is_name(base, "README.txt") || is_name(base, "README.rst");
    if (!is_page || path_is_licence(base))
        return false;
    return !strchr(path, '/') || reader_has_work_beside(reader, path);
}

/* Handed over alone, whatever its name, unless another reader knows what it is. */
bool reader_is_lone_text(const struct reader *reader, const char *path)
{
    static const char *const others[] = { ".yml",  ".yaml", ".json", ".jsonld", ".toml",
                                          ".cfg",  ".cff",  ".csv",  ".tsv",    ".jsonl",
                                          ".onnx", ".zip",  ".gz",   ".tar",    ".xml" };
    if (!reader->manifest->is_file || path_is_code(path) || path_is_weights(path) ||
        is_card(reader, path, path))
        return false;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(others); i++)
        if (ends_with(path, others[i]))
            return false;
    return !path_is_data(path) || ends_with(path, ".txt");
}

static bool is_licence(const struct reader *reader, const char *path, const char *base)
{
    if (reader_layer(reader, path) == LAYER_LICENCE || reader_is_lone_text(reader, path))
        return true;
    return strncmp(path, ".git/", 5) != 0 && path_is_licence(base) &&
           !(ends_with(base, ".license") && strlen(base) > 8);
}

static bool is_code(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    return strncmp(path, ".git/", 5) != 0 && path_is_code(base);
}

/* In a code tree any text may carry an SPDX line; source files have been read already. */
static bool is_code_tree_text(const struct reader *reader, const char *path, const char *base)
{
    return reader->kind == STINT_KIND_CODE && !is_code(reader, path, base) &&
           strncmp(path, ".git/", 5) != 0 && !path_is_licence(base);
}

static bool is_config(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strcmp(base, "config.json") == 0;
}

static bool is_adapter_config(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strcmp(base, "adapter_config.json") == 0;
}

static bool is_shard_index(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return ends_with(base, ".index.json");
}

static bool is_safetensors(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return ends_with(base, ".safetensors");
}

static bool is_gguf(const struct reader *reader, const char *path, const char *base)
{
    return ends_with(base, ".gguf") || reader_layer(reader, path) == LAYER_WEIGHTS;
}

static bool is_other_weights(const struct reader *reader, const char *path, const char *base)
{
    (void)path;
    /* What calls itself a model is looked at in any artefact: weights under another kind's name
     * would be judged by laxer rules. */
    bool is_called_model =
        text_has_word(base, "model") || ends_with(base, ".ckpt") || ends_with(base, ".pth");
    return (reader->kind == STINT_KIND_MODEL || is_called_model) && path_is_weights(base) &&
           !ends_with(base, ".safetensors") && !ends_with(base, ".gguf") &&
           !ends_with(base, ".onnx");
}

static bool is_onnx(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return ends_with(base, ".onnx");
}

static bool is_json(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    /* A bill lies at the root; JSON further down is data. */
    return !strchr(path, '/') && (ends_with(base, ".json") || ends_with(base, ".jsonld"));
}

static bool is_host_metadata(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return path_is_host_metadata(base);
}

static bool is_sidecar(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return ends_with(base, ".license") && strlen(base) > 8;
}

static bool is_reuse(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strcmp(base, "REUSE.toml") == 0;
}

static bool is_dep5(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)base;
    return strcmp(path, ".reuse/dep5") == 0;
}

static bool is_mergekit(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strncasecmp(base, "mergekit", 8) == 0 &&
           (ends_with(base, ".yml") || ends_with(base, ".yaml"));
}

static bool is_tokenizer_config(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strcmp(base, "tokenizer_config.json") == 0;
}

static bool is_metadata_json(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return (ends_with(base, ".json") || ends_with(base, ".jsonld")) &&
           (text_has_word(base, "croissant") || text_has_word(base, "metadata"));
}

static bool is_yaml(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    return !strchr(path, '/') && (ends_with(base, ".yml") || ends_with(base, ".yaml"));
}

static bool is_requirements(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return strncasecmp(base, "requirements", 12) == 0 && ends_with(base, ".txt");
}

static bool is_package(const struct reader *reader, const char *path, const char *base)
{
    (void)reader;
    (void)path;
    return is_name(base, "pyproject.toml") || is_name(base, "Cargo.toml") ||
           is_name(base, "package.json") || is_name(base, "setup.cfg") ||
           is_name(base, "CITATION.cff");
}

/* At the root and beside weights or data; a program's own settings further down name other models
 * too, to compare with. Data in JSON is data, unless its name says what it is. */
static bool is_keys(const struct reader *reader, const char *path, const char *base)
{
    bool is_records = reader->kind == STINT_KIND_DATASET && path_is_data(base) &&
                      strncasecmp(base, "dataset_info", 12) != 0 &&
                      !is_name(base, "datapackage.json") && !text_has_word(base, "metadata");
    bool is_of_training = text_has_word(base, "train") || text_has_word(base, "training") ||
                          text_has_word(base, "finetune") || text_has_word(base, "sft") ||
                          text_has_word(base, "lora") || text_has_word(base, "dpo");
    bool has_keys = path_has_keys(path, base) || is_card(reader, path, base);
    return reader->kind != STINT_KIND_CODE && !is_records && has_keys &&
           (!strchr(path, '/') || is_of_training || reader_has_work_beside(reader, path));
}

static bool is_document(const struct reader *reader, const char *path, const char *base)
{
    return !is_code(reader, path, base) && !path_is_licence(base) && !path_is_weights(base) &&
           !is_name(base, "README.md");
}

static bool is_data(const struct reader *reader, const char *path, const char *base)
{
    (void)path;
    return reader->kind == STINT_KIND_DATASET && path_is_data(base) && !path_is_licence(base) &&
           !ends_with(base, ".md") && !is_metadata_json(reader, path, base) &&
           !is_requirements(reader, path, base) && !is_package(reader, path, base);
}

static const struct {
    bool (*matches)(const struct reader *reader, const char *path, const char *base);
    int (*read)(struct reader *reader, const struct reader_file *file);
    size_t bytes_max;
} rows[] = {
    { is_card, read_card, READER_TEXT_MAX },
    { is_prose, read_prose, READER_TEXT_MAX },
    { is_licence, read_licence_text, STINT_LICENCE_TEXT_MAX },
    { is_code, read_code, CODE_TEXT_MAX },
    { is_code_tree_text, read_spdx_header, 4096 },
    { is_config, read_config, READER_TEXT_MAX },
    { is_adapter_config, read_adapter_config, READER_TEXT_MAX },
    { is_shard_index, read_shard_index, READER_TEXT_MAX },
    { is_safetensors, read_safetensors, TENSORS_HEADER_MAX },
    { is_gguf, read_gguf, GGUF_HEADER_MAX },
    { is_onnx, read_onnx, ONNX_HEADER_MAX },
    { is_other_weights, read_pickle, 64 },
    { is_json, read_bom, READER_TEXT_MAX },
    { is_host_metadata, read_host_metadata, READER_TEXT_MAX },
    { is_sidecar, read_sidecar, 65536 },
    { is_reuse, read_reuse, READER_TEXT_MAX },
    { is_dep5, read_dep5, READER_TEXT_MAX },
    { is_mergekit, read_mergekit, READER_TEXT_MAX },
    { is_tokenizer_config, read_tokenizer_config, READER_TEXT_MAX },
    { is_metadata_json, read_croissant, READER_TEXT_MAX },
    { is_yaml, read_mof, STRICT_YAML_TEXT_MAX },
    { is_requirements, read_requirements, READER_TEXT_MAX },
    { is_package, read_package_metadata, READER_TEXT_MAX },
    { is_keys, read_keys, READER_TEXT_MAX },
    { is_document, read_document, (size_t)256 << 10 },
    { is_data, read_data_file, 0 },
};

static int read_file(struct reader *reader, size_t index)
{
    const char *path = reader->manifest->files[index].path;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t max = 0;
    bool is_wanted = false;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        if (rows[i].matches(reader, path, base)) {
            is_wanted = true;
            max = rows[i].bytes_max > max ? rows[i].bytes_max : max;
        }
    /* A pointer names content that is not here; nothing of it can be read. */
    if (!is_wanted || reader->manifest->files[index].is_pointer)
        return 0;
    struct reader_file file;
    int r = reader_load(reader, index, max, &file);
    if (r != 0)
        return r;
    for (size_t i = 0; r == 0 && i < STINT_ARRAY_SIZE(rows); i++)
        if (rows[i].matches(reader, path, base))
            r = rows[i].read(reader, &file);
    reader_unload(&file);
    return r;
}

int read_all(struct reader *reader, struct stint_error *err)
{
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        int r = read_file(reader, i);
        if (r == 0)
            continue;
        const char *path = reader->manifest->files[i].path;
        return r == STINT_UNTRUSTED
                   ? stint_fail(err, r, "%s changed while it was judged", path)
                   : stint_fail(err, r, "%s: %s", path, strerror(r < 0 ? -r : EIO));
    }
    return 0;
}

bool verdict_is_own_name(const struct reader *reader, const char *name)
{
    return strcasecmp(reader->verdict->name, name) == 0 &&
           !catalogue_has_model(reader->catalogue, name);
}

/* Front matter keys that only cards of data sets have. */
static bool card_is_of_data(struct reader *reader)
{
    static const char *const keys[] = { "dataset_info:", "task_categories:", "size_categories:",
                                        "annotations_creators:", "language_creators:" };
    size_t start;
    size_t length;
    uint32_t line;
    bool is_open;
    bool is_data = false;
    struct reader_file file;
    size_t index = reader_find(reader, "README.md");
    if (index == SIZE_MAX || reader_load(reader, index, READER_TEXT_MAX, &file) != 0)
        return false;
    if (card_front_matter(file.text, file.length, &start, &length, &line, &is_open)) {
        char end = file.text[start + length];
        file.text[start + length] = '\0';
        for (size_t i = 0; i < STINT_ARRAY_SIZE(keys) && !is_data; i++) {
            const char *found = strstr(file.text + start, keys[i]);
            is_data = found && (found == file.text + start || found[-1] == '\n');
        }
        file.text[start + length] = end;
    }
    reader_unload(&file);
    return is_data;
}

/* A record of the Model Openness Framework by itself speaks of a model. */
static bool is_record(struct reader *reader)
{
    struct reader_file file;
    const char *path = reader->manifest->files[0].path;
    if (!reader->manifest->is_file || !is_yaml(reader, path, path) ||
        reader_load(reader, 0, STRICT_YAML_TEXT_MAX, &file) != 0)
        return false;
    bool is_mof = text_is_mof(file.text);
    reader_unload(&file);
    return is_mof;
}

enum stint_artifact_kind guess_kind(struct reader *reader)
{
    if (is_record(reader) || reader->layer_count > 0)
        return STINT_KIND_MODEL;
    if (reader->manifest->is_file && reader_is_lone_text(reader, reader->manifest->files[0].path))
        return STINT_KIND_CODE;
    size_t weights = 0;
    size_t code = 0;
    size_t data = 0;
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        const char *path = reader->manifest->files[i].path;
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;
        if (is_config(reader, path, base) || is_adapter_config(reader, path, base) ||
            ends_with(base, ".safetensors") || ends_with(base, ".gguf"))
            return STINT_KIND_MODEL;
        weights += path_is_weights(base);
        code += path_is_code(base);
        data += path_is_data(base) && !path_is_licence(base);
    }
    if (card_is_of_data(reader) || reader_find(reader, "croissant.json") != SIZE_MAX ||
        reader_find(reader, "dataset-metadata.json") != SIZE_MAX)
        return STINT_KIND_DATASET;
    if (weights > 0)
        return STINT_KIND_MODEL;
    return data > 0 && code == 0 ? STINT_KIND_DATASET : STINT_KIND_CODE;
}
