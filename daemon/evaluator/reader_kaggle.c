/* Owns: metadata of other hosts: Kaggle's model and data-set files, a diffusers pipeline's index,
 * and codemeta. Source: metadata.md §2 and §10. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/linked.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = linked_text(json_object_get(object, key));
    return text && *text ? text : NULL;
}

static void say_licence(struct reader *reader, const struct reader_file *file, const char *value,
                        const char *pointer)
{
    if (value)
        reader_declared_licence(reader, file, STINT_ARTIFACT, "", file->folder, NULL, value,
                                STINT_SOURCE_METADATA, reader_pointer(pointer));
}

static void say_name(struct reader *reader, const struct reader_file *file,
                     enum stint_component component, const char *name, const char *pointer)
{
    if (name)
        (void)reader_text(reader, file, component, STINT_NAME, name, name, STINT_SOURCE_METADATA,
                          STINT_DECLARED, reader_pointer(pointer));
}

static void kaggle_model(struct reader *reader, const struct reader_file *file, const json_t *root)
{
    size_t index;
    const json_t *entry;
    say_licence(reader, file, text_of(root, "licenseName"), "/licenseName");
    say_name(reader, file, STINT_BASE_MODEL, text_of(root, "baseModelInstance"),
             "/baseModelInstance");
    say_name(reader, file, STINT_BASE_MODEL, text_of(root, "externalBaseModelUrl"),
             "/externalBaseModelUrl");
    json_array_foreach(json_object_get(root, "trainingData"), index, entry)
        say_name(reader, file, STINT_TRAINING_DATA, linked_text(entry), "/trainingData");
}

static void kaggle_dataset(struct reader *reader, const struct reader_file *file,
                           const json_t *root)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(root, "licenses"), index, entry)
        say_licence(reader, file, text_of(entry, "name"), "/licenses");
}

static void diffusers(struct reader *reader, const struct reader_file *file, const json_t *root)
{
    const char *class = text_of(root, "_class_name");
    if (!class)
        return;
    (void)reader_bool(reader, file, STINT_MODEL_METADATA, STINT_PRESENT, "", true,
                      STINT_SOURCE_CONFIG, STINT_DECLARED, reader_pointer("/_class_name"));
    (void)reader_text(reader, file, STINT_ARCHITECTURE, STINT_NAME, "", class, STINT_SOURCE_CONFIG,
                      STINT_DECLARED, reader_pointer("/_class_name"));
}

/* A list of licences has no operator: all of them hold. */
static void codemeta(struct reader *reader, const struct reader_file *file, const json_t *root)
{
    const json_t *licence = json_object_get(root, "license");
    size_t count = json_is_array(licence) ? json_array_size(licence) : licence != NULL;
    for (size_t i = 0; i < count; i++) {
        const char *value =
            linked_text(json_is_array(licence) ? json_array_get(licence, i) : licence);
        if (value && *value)
            reader_declared_licence(reader, file, STINT_CODE, "", file->folder, NULL, value,
                                    STINT_SOURCE_METADATA, reader_pointer("/license"));
    }
}

static void zenodo(struct reader *reader, const struct reader_file *file, const json_t *root)
{
    const json_t *licence = json_object_get(root, "license");
    say_licence(reader, file,
                json_is_object(licence) ? text_of(licence, "id") : linked_text(licence),
                "/license");
}

static const struct {
    const char *base;
    void (*read)(struct reader *reader, const struct reader_file *file, const json_t *root);
} rows[] = { { "model-metadata.json", kaggle_model },
             { "model-instance-metadata.json", kaggle_model },
             { "dataset-metadata.json", kaggle_dataset },
             { "model_index.json", diffusers },
             { "codemeta.json", codemeta },
             { ".zenodo.json", zenodo } };

bool path_is_host_metadata(const char *base)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        if (strcmp(base, rows[i].base) == 0)
            return true;
    return false;
}

int read_host_metadata(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(root))
        reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA,
                          root || problem.line < 1 ? 1 : (uint32_t)problem.line,
                          root ? "not a JSON object" : problem.text);
    for (size_t i = 0; json_is_object(root) && i < STINT_ARRAY_SIZE(rows); i++)
        if (strcmp(file->base, rows[i].base) == 0)
            rows[i].read(reader, file, root);
    json_decref(root);
    return 0;
}
