/* Owns: records of the Model Openness Framework (YAML): what a publisher declares of each
 * component. The licence is kept twice: as written, letter by letter, because the Model Openness
 * Tool compares so, and as what it names, for every other rule set. Source: metadata.md §5. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

static const struct mof_component {
    const char *name;
    const char *type; /* which of the record's global licences is for it */
    enum stint_component component;
} components[] = {
    { "Model architecture", "code", STINT_ARCHITECTURE },
    { "Model parameters (Final)", "data", STINT_WEIGHTS },
    { "Evaluation results", "document", STINT_EVALUATION_RESULTS },
    { "Model card", "document", STINT_MODEL_CARD },
    { "Data card", "document", STINT_DATA_CARD },
    { "Technical report", "document", STINT_TECHNICAL_REPORT },
    { "Sample model outputs", "document", STINT_SAMPLE_OUTPUTS },
    { "Training code", "code", STINT_TRAINING_CODE },
    { "Inference code", "code", STINT_INFERENCE_CODE },
    { "Evaluation code", "code", STINT_EVALUATION_CODE },
    { "Evaluation data", "data", STINT_EVALUATION_DATA },
    { "Supporting libraries and tools", "code", STINT_SUPPORTING_CODE },
    { "Datasets", "data", STINT_TRAINING_DATA },
    { "Data preprocessing code", "code", STINT_DATA_CODE },
    { "Model parameters (Intermediate)", "data", STINT_CHECKPOINTS },
    { "Research paper", "document", STINT_RESEARCH_PAPER },
    { "Model metadata", "data", STINT_MODEL_METADATA },
};

static const struct mof_component *component_find(const char *name)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(components); i++)
        if (strcmp(components[i].name, name) == 0)
            return &components[i];
    return NULL;
}

struct record {
    struct reader *reader;
    const struct reader_file *file;
    const struct strict_yaml_node *release;
};

/* license.<type>.name, else license.distribution.name. */
static const struct strict_yaml_node *global_licence(const struct record *record, const char *type)
{
    const struct strict_yaml_node *licences = strict_yaml_get(record->release, "license");
    const char *const keys[] = { type, "distribution" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(keys); i++) {
        const struct strict_yaml_node *node = strict_yaml_get(licences, keys[i]);
        const char *name = strict_yaml_text(node, "name");
        if (name && *name)
            return strict_yaml_get(node, "name");
    }
    return NULL;
}

static void record_licence(struct record *record, const struct mof_component *row,
                           const struct strict_yaml_node *entry)
{
    const char *own = strict_yaml_text(entry, "license");
    const struct strict_yaml_node *node =
        own && *own ? strict_yaml_get(entry, "license") : global_licence(record, row->type);
    if (!node || strcmp(node->text, "unlicensed") == 0)
        return;
    (void)reader_text(record->reader, record->file, row->component, STINT_LICENCE_WRITTEN, "",
                      node->text, STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(node->line));
    reader_declared_licence(record->reader, record->file, row->component, "", record->file->folder,
                            NULL, node->text, STINT_SOURCE_METADATA, reader_line(node->line));
}

/* A path of the record that names a file beside it makes the component present. */
static void record_place(struct record *record, const struct mof_component *row,
                         const struct strict_yaml_node *entry)
{
    char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
    const struct reader_file *file = record->file;
    const char *place = strict_yaml_text(entry, "component_path");
    if (!place || !*place)
        return;
    struct stint_place at = reader_line(strict_yaml_get(entry, "component_path")->line);
    (void)snprintf(path, sizeof(path), "%s%s%s", file->folder, file->folder[0] ? "/" : "", place);
    size_t index = strstr(place, "://") ? SIZE_MAX : reader_find(record->reader, path);
    if (index == SIZE_MAX) {
        (void)reader_text(record->reader, file, row->component, STINT_LOCATION, "", place,
                          STINT_SOURCE_METADATA, STINT_DECLARED, at);
        return;
    }
    struct reader_file local = { .index = index };
    (void)reader_bool(record->reader, &local, row->component, STINT_PRESENT, "", true,
                      STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(1));
}

static void record_component(struct record *record, const struct strict_yaml_node *entry)
{
    const char *name = strict_yaml_text(entry, "name");
    const struct mof_component *row = name ? component_find(name) : NULL;
    if (!row) {
        /* The tool takes an unknown name for its first component; nothing is better than that. */
        uint32_t id = reader_text(record->reader, record->file, STINT_ARTIFACT, STINT_VALUE, "",
                                  name ? name : "", STINT_SOURCE_METADATA, STINT_DECLARED,
                                  reader_line(entry->line));
        verdict_finding(record->reader->verdict, "T-mof", "a component the framework does not know",
                        &id, 1);
        return;
    }
    (void)reader_bool(record->reader, record->file, row->component, STINT_LISTED, "", true,
                      STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(entry->line));
    record_licence(record, row, entry);
    record_place(record, row, entry);
}

static void record_release(struct record *record)
{
    const struct strict_yaml_node *entries = strict_yaml_get(record->release, "components");
    const char *origin = strict_yaml_text(record->release, "origin");
    const char *producer = strict_yaml_text(record->release, "producer");
    char base[200] = "";
    size_t length = origin ? strlen(origin += strspn(origin, " ")) : 0;
    while (length > 0 && origin[length - 1] == ' ')
        length--;
    /* The beginning of a longer name may be another's. */
    (void)snprintf(base, sizeof(base), "%.*s%s", (int)(length < 190 ? length : 190),
                   origin ? origin : "", length > 190 ? "..." : "");
    if (base[0])
        (void)reader_text(record->reader, record->file, STINT_BASE_MODEL, STINT_NAME, base, base,
                          STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_line(strict_yaml_get(record->release, "origin")->line));
    if (producer && *producer)
        (void)reader_text(record->reader, record->file, STINT_ARTIFACT, STINT_OWNER, "", producer,
                          STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_line(strict_yaml_get(record->release, "producer")->line));
    for (const struct strict_yaml_node *entry = entries ? entries->child : NULL; entry;
         entry = entry->next)
        if (entry->kind == STRICT_YAML_MAP)
            record_component(record, entry);
    /* A record alone is a description; beside files it is one more word about them. */
    if (record->reader->manifest->is_file)
        record->reader->verdict->is_description = true;
}

bool text_is_mof(const char *text)
{
    return strstr(text, "Model Openness Framework") != NULL && strstr(text, "release:") != NULL;
}

int read_mof(struct reader *reader, const struct reader_file *file)
{
    struct strict_yaml_document *document = NULL;
    struct stint_error why = { 0 };
    if (!text_is_mof(file->text))
        return 0;
    int r = strict_yaml_parse(file->text, file->length, 1, &document, &why);
    if (r == -ENOMEM)
        return r;
    const struct strict_yaml_node *root = r == 0 ? strict_yaml_root(document) : NULL;
    const char *name = strict_yaml_text(strict_yaml_get(root, "framework"), "name");
    struct record record = { .reader = reader,
                             .file = file,
                             .release = strict_yaml_get(root, "release") };
    if (r == 0 && record.release && name && strcmp(name, "Model Openness Framework") == 0) {
        record_release(&record);
    } else {
        reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA,
                          strict_yaml_error_line(&why),
                          why.text[0] ? why.text : "not a record of the framework");
    }
    strict_yaml_free(document);
    return 0;
}
