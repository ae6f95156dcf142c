/* Owns: a model's configuration files: config.json (architecture, base, remote code, quantization)
 * and adapter_config.json. Source: metadata.md §2. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

static const char *object_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text ? text : NULL;
}

static json_t *load_object(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    if (json_is_object(root))
        return root;
    reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_CONFIG,
                      root || problem.line < 1 ? 1 : (uint32_t)problem.line,
                      root ? "not a JSON object" : problem.text);
    json_decref(root);
    return NULL;
}

/* "./", "./out", "/home/me/commons-lm": the place where this model itself was written. */
bool reader_names_own_folder(const struct reader *reader, const char *path)
{
    static const char *const places[] = { "", ".", "..", "out", "output", "output_dir" };
    char last[256];
    size_t length = strlen(path);
    if (!strchr("/.~", path[0]))
        return false;
    while (length > 0 && path[length - 1] == '/')
        length--;
    size_t first = length;
    while (first > 0 && path[first - 1] != '/')
        first--;
    (void)snprintf(last, sizeof(last), "%.*s", (int)(length - first), path + first);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(places); i++)
        if (strcasecmp(last, places[i]) == 0)
            return true;
    const char *own = strrchr(reader->verdict->name, '/');
    return strcasecmp(last, own ? own + 1 : reader->verdict->name) == 0;
}

static void config_base(struct reader *reader, const struct reader_file *file, const json_t *root,
                        const char *key, const char *relation)
{
    char pointer[64];
    const char *base = object_text(root, key);
    /* A path of the author's own disk says that there is a base and not which: it resolves to
     * nothing, unless it is where this model itself was saved, and an adapter always has a base.
     * Old models of the hub have names of one word. */
    if (!base || (!relation && reader_names_own_folder(reader, base)))
        return;
    if (verdict_is_own_name(reader, base))
        return;
    (void)snprintf(pointer, sizeof(pointer), "/%s", key);
    (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, base, base, STINT_SOURCE_CONFIG,
                      STINT_DECLARED, reader_pointer(pointer));
    if (relation)
        (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_RELATION, base, relation,
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_pointer(pointer));
}

/* "org/name--modeling.Class": code of another repository, under terms that do not stand here. */
static bool has_foreign_code(const json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        const json_t *text = json_is_array(value) ? json_array_get(value, 0) : value;
        if (json_is_string(text) && strstr(json_string_value(text), "--"))
            return true;
    }
    return false;
}

int read_config(struct reader *reader, const struct reader_file *file)
{
    json_t *root = load_object(reader, file);
    if (!root)
        return 0;
    const json_t *architectures = json_object_get(root, "architectures");
    const json_t *quantization = json_object_get(root, "quantization_config");
    const char *type = object_text(root, "model_type");
    const char *first = json_string_value(json_array_get(architectures, 0));
    if (first || type) {
        (void)reader_bool(reader, file, STINT_MODEL_METADATA, STINT_PRESENT, "", true,
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_line(1));
        (void)reader_text(reader, file, STINT_ARCHITECTURE, STINT_NAME, "", first ? first : type,
                          STINT_SOURCE_CONFIG, STINT_DECLARED,
                          reader_pointer(first ? "/architectures/0" : "/model_type"));
    }
    if (json_object_get(root, "auto_map"))
        (void)reader_text(reader, file, STINT_ARCHITECTURE, STINT_UNSAFE, "", "remote code",
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_pointer("/auto_map"));
    if (has_foreign_code(json_object_get(root, "auto_map")))
        (void)reader_text(reader, file, STINT_CODE, STINT_LICENCE, "", "NOASSERTION",
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_pointer("/auto_map"));
    if (json_is_object(quantization)) {
        const char *method = object_text(quantization, "quant_method");
        (void)reader_text(reader, file, STINT_WEIGHTS, STINT_QUANTIZED, "",
                          method ? method : "quantized", STINT_SOURCE_CONFIG, STINT_DECLARED,
                          reader_pointer("/quantization_config"));
        (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_SAYS_QUANTIZED, "", true,
                          STINT_SOURCE_CONFIG, STINT_DECLARED,
                          reader_pointer("/quantization_config"));
    }
    config_base(reader, file, root, "_name_or_path", NULL);
    json_decref(root);
    return 0;
}

int read_adapter_config(struct reader *reader, const struct reader_file *file)
{
    json_t *root = load_object(reader, file);
    if (!root)
        return 0;
    config_base(reader, file, root, "base_model_name_or_path", "adapter");
    json_decref(root);
    return 0;
}

/* A tokenizer is saved with the model it came with. */
int read_tokenizer_config(struct reader *reader, const struct reader_file *file)
{
    json_t *root = load_object(reader, file);
    if (!root)
        return 0;
    config_base(reader, file, root, "name_or_path", NULL);
    json_decref(root);
    return 0;
}

/* Every `model:` and `base_model:` of a merge, however deep: a text, or a map with a path. */
static void merge_bases(struct reader *reader, const struct reader_file *file,
                        const struct strict_yaml_node *node, bool is_model)
{
    for (const struct strict_yaml_node *child = node->child; child; child = child->next) {
        const char *key = child->key ? child->key : "";
        bool names_model = strcmp(key, "model") == 0 || strcmp(key, "base_model") == 0 ||
                           (is_model && (strcmp(key, "path") == 0 || !*key));
        if (child->kind != STRICT_YAML_SCALAR) {
            merge_bases(reader, file, child, names_model);
            continue;
        }
        if (!names_model || strict_yaml_is_null(child) || !child->text[0] ||
            verdict_is_own_name(reader, child->text))
            continue;
        (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, child->text, child->text,
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_line(child->line));
        (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_RELATION, child->text, "merge",
                          STINT_SOURCE_CONFIG, STINT_DECLARED, reader_line(child->line));
    }
}

int read_mergekit(struct reader *reader, const struct reader_file *file)
{
    stint_auto(strict_yaml_free) struct strict_yaml_document *document = NULL;
    struct stint_error why = { 0 };
    int r = strict_yaml_parse(file->text, file->length, 1, &document, &why);
    if (r == -ENOMEM)
        return r;
    if (r != 0)
        reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_CONFIG,
                          strict_yaml_error_line(&why), why.text);
    else if (strict_yaml_root(document))
        merge_bases(reader, file, strict_yaml_root(document), false);
    return 0;
}
