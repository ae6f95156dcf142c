/* Owns: Croissant (1.0, and 1.1 with its responsible-AI terms), the carrier of data information
 * that a machine can read. Source: metadata.md §8, openness.md §1.2 and §1.3. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/catalogue.h"
#include "evaluator/linked.h"
#include "evaluator/reader.h"
#include "stint/auto.h"
#include "stint/digest.h"

struct croissant {
    struct reader *reader;
    const struct reader_file *file;
    const json_t *root;
    const char *subject;
    enum stint_component data;
    uint32_t name; /* fact that names it, 0 when it is the artefact itself */
};

static void describe(struct croissant *croissant, const char *name, enum stint_predicate predicate)
{
    char pointer[80];
    const json_t *value = linked_term(croissant->root, name);
    if (!linked_is_substance(value))
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
    const json_t *licence = linked_term(croissant->root, "license");
    const json_t *own = linked_term(croissant->root, "sdLicense");
    size_t count = json_is_array(licence) ? json_array_size(licence) : licence != NULL;
    bool is_own = croissant->reader->kind == STINT_KIND_DATASET;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(licence) ? json_array_get(licence, i) : licence;
        const char *text = linked_text(item);
        if (text)
            reader_declared_licence(croissant->reader, croissant->file,
                                    is_own ? STINT_ARTIFACT : STINT_TRAINING_DATA,
                                    is_own ? "" : croissant->subject, croissant->file->folder, NULL,
                                    text, STINT_SOURCE_METADATA, reader_pointer("/license"));
    }
    if (linked_text(own))
        reader_declared_licence(croissant->reader, croissant->file, STINT_DATA_INFORMATION, "", "",
                                croissant->file->path, linked_text(own), STINT_SOURCE_METADATA,
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
    const char *hex = linked_text(linked_term(object, "sha256"));
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
    const char *url = linked_text(linked_term(croissant->root, "url"));
    const json_t *distribution = linked_term(croissant->root, "distribution");
    size_t count = json_is_array(distribution) ? json_array_size(distribution) : 0;
    if (url && *url)
        (void)reader_text(croissant->reader, croissant->file, croissant->data, STINT_LOCATION,
                          croissant->subject, url, STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_pointer("/url"));
    for (size_t i = 0; i < count && i < 1000; i++) {
        const json_t *object = json_array_get(distribution, i);
        const char *place = linked_text(linked_term(object, "contentUrl"));
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

static const json_t *item_of(const json_t *value, size_t index)
{
    return json_is_array(value) ? json_array_get(value, index) : index == 0 ? value : NULL;
}

/* Says the description that the data is synthetic? Also what no model wrote is called so. */
static const char *synthetic_at(const struct croissant *croissant)
{
    const json_t *has = linked_term(croissant->root, "hasSyntheticData");
    const json_t *types = linked_term(croissant->root, "dataCollectionType");
    const char *text = linked_text(has);
    if (json_is_true(has) || (text && strcasecmp(text, "true") == 0))
        return "/rai:hasSyntheticData";
    for (size_t i = 0; i < 64; i++) {
        text = linked_text(item_of(types, i));
        if (text && text_has_word(text, "synthetic"))
            return "/rai:dataCollectionType";
    }
    return NULL;
}

static void croissant_generator(struct croissant *croissant, const char *model, const char *pointer)
{
    if (model)
        reader_generator(croissant->reader, croissant->file, model, croissant->name,
                         STINT_SOURCE_METADATA, reader_pointer(pointer));
}

/* Who wrote synthetic data: the activity it came from, or the agent of that activity. Tools that
 * annotate may be anything; one that the catalogue knows as a model is one. */
static void croissant_generators(struct croissant *croissant)
{
    const json_t *made = linked_term(croissant->root, "wasGeneratedBy");
    const json_t *tools = linked_term(croissant->root, "machineAnnotationTools");
    const char *pointer = synthetic_at(croissant);
    if (pointer)
        reader_synthetic(croissant->reader, croissant->file, croissant->name, STINT_SOURCE_METADATA,
                         reader_pointer(pointer));
    for (size_t i = 0; pointer && i < 64; i++) {
        const json_t *item = item_of(made, i);
        const json_t *agent = linked_term(item, "wasAssociatedWith");
        croissant_generator(croissant, linked_text(agent ? agent : item), "/prov:wasGeneratedBy");
    }
    for (size_t i = 0; i < 64; i++) {
        const char *tool = linked_text(item_of(tools, i));
        if (tool && catalogue_has_model(croissant->reader->catalogue, tool))
            croissant_generator(croissant, tool, "/rai:machineAnnotationTools");
    }
}

static bool is_croissant(const json_t *root)
{
    const char *type = linked_text(json_object_get(root, "@type"));
    const char *conforms = linked_text(linked_term(root, "conformsTo"));
    const char *colon = type ? strrchr(type, ':') : NULL;
    const char *local = colon ? colon + 1 : type;
    return local && (strcmp(local, "Dataset") == 0 || strstr(type, "schema.org/Dataset")) &&
           ((conforms && strstr(conforms, "croissant")) || linked_term(root, "distribution"));
}

static void croissant_root(struct croissant *croissant)
{
    struct reader *reader = croissant->reader;
    const struct reader_file *file = croissant->file;
    const char *name = linked_text(linked_term(croissant->root, "name"));
    const json_t *source = linked_term(croissant->root, "wasDerivedFrom");
    const char *owner = linked_text(linked_term(croissant->root, "creator"));
    bool is_own = reader->kind == STINT_KIND_DATASET;
    croissant->subject = is_own ? "" : name ? name : file->path;
    croissant->data = is_own ? STINT_DATA : STINT_TRAINING_DATA;
    uint32_t id = reader_text(reader, file, croissant->data, STINT_NAME, croissant->subject,
                              name ? name : file->path, STINT_SOURCE_METADATA, STINT_DECLARED,
                              reader_pointer("/name"));
    croissant->name = is_own ? 0 : id;
    (void)reader_bool(reader, file, STINT_DATA_INFORMATION, STINT_PRESENT, croissant->subject, true,
                      STINT_SOURCE_METADATA, STINT_DECLARED, reader_line(1));
    (void)reader_bool(reader, file, STINT_DATA_CARD, STINT_PRESENT, "", true, STINT_SOURCE_METADATA,
                      STINT_DECLARED, reader_line(1));
    if (owner)
        (void)reader_text(reader, file, croissant->data, STINT_OWNER, croissant->subject, owner,
                          STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer("/creator"));
    if (is_own && linked_text(source))
        (void)reader_text(reader, file, STINT_SOURCE_DATA, STINT_NAME, linked_text(source),
                          linked_text(source), STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_pointer("/prov:wasDerivedFrom"));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(descriptions); i++)
        describe(croissant, descriptions[i].name, descriptions[i].predicate);
    croissant_licences(croissant);
    croissant_places(croissant);
    croissant_generators(croissant);
}

int read_croissant(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    struct croissant croissant = { .reader = reader, .file = file, .root = root };
    bool looks_like_one = strstr(file->text, "croissant") || strstr(file->text, "schema.org");
    if (!root && looks_like_one)
        reader_unreadable(reader, file, STINT_DATA_INFORMATION, STINT_SOURCE_METADATA,
                          problem.line > 0 ? (uint32_t)problem.line : 1, problem.text);
    if (json_is_object(root) && is_croissant(root))
        croissant_root(&croissant);
    json_decref(root);
    return 0;
}
