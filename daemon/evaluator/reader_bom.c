/* Owns: bills of materials: SPDX 3.0 (AI and Dataset profiles, JSON-LD) and CycloneDX 1.6 (ML-BOM).
 * Both are read by name and what is not wanted is ignored; everything is a declaration, also what a
 * generator copied from a hub. Source: metadata.md §6 and §7. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/linked.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

#define ELEMENTS_MAX 4000

struct bom {
    struct reader *reader;
    const struct reader_file *file;
    const json_t *root;
    const json_t *elements;
};

static const char *text_of(const json_t *object, const char *key)
{
    return linked_text(json_object_get(object, key));
}

static void say_text(struct bom *bom, enum stint_component component,
                     enum stint_predicate predicate, const char *subject, const char *value,
                     const char *pointer)
{
    if (value && *value)
        (void)reader_text(bom->reader, bom->file, component, predicate, subject, value,
                          STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer(pointer));
}

static void say_yes(struct bom *bom, enum stint_component component, enum stint_predicate predicate,
                    const char *subject, const char *pointer)
{
    (void)reader_bool(bom->reader, bom->file, component, predicate, subject, true,
                      STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer(pointer));
}

/* A data set of a data-set artefact is the artefact; of a model it is training data. */
static bool is_own_data(const struct bom *bom)
{
    return bom->reader->kind == STINT_KIND_DATASET;
}

static void say_licence(struct bom *bom, bool is_data, const char *subject, const char *value,
                        const char *pointer)
{
    enum stint_component target = !is_data           ? STINT_WEIGHTS
                                  : is_own_data(bom) ? STINT_ARTIFACT
                                                     : STINT_TRAINING_DATA;
    if (value && *value && strcasecmp(value, "NOASSERTION") != 0)
        reader_declared_licence(bom->reader, bom->file, target,
                                target == STINT_TRAINING_DATA ? subject : "", bom->file->folder,
                                NULL, value, STINT_SOURCE_METADATA, reader_pointer(pointer));
}

/* SPDX 3.0. */

static const json_t *element_by_id(const struct bom *bom, const char *id)
{
    size_t index;
    const json_t *element;
    if (!id)
        return NULL;
    json_array_foreach(bom->elements, index, element)
    {
        const char *own = text_of(element, "spdxId");
        if (own && strcmp(own, id) == 0)
            return element;
    }
    return NULL;
}

static bool is_type(const json_t *element, const char *type)
{
    const char *own = text_of(element, "type");
    const char *name = own ? own : text_of(element, "@type");
    return name && strcasecmp(linked_local(name), type) == 0;
}

static const char *element_name(const json_t *element)
{
    const char *name = text_of(element, "name");
    return name ? name : text_of(element, "spdxId");
}

static void spdx_availability(struct bom *bom, enum stint_component component, const char *subject,
                              const json_t *element)
{
    const char *value = text_of(element, "dataset_datasetAvailability");
    static const struct {
        const char *availability;
        const char *class;
    } classes[] = { { "clickthrough", "obtainable" },
                    { "registration", "obtainable" },
                    { "scrapingScript", "public" },
                    { "query", "public" } };
    for (size_t i = 0; value && i < STINT_ARRAY_SIZE(classes); i++)
        if (strcasecmp(linked_local(value), classes[i].availability) == 0)
            say_text(bom, component, STINT_DATA_CLASS, subject, classes[i].class,
                     "/dataset_datasetAvailability");
}

static void spdx_dataset(struct bom *bom, const json_t *element)
{
    static const struct {
        const char *key;
        enum stint_predicate predicate;
    } rows[] = { { "dataset_dataCollectionProcess", STINT_DESCRIBES_SELECTION },
                 { "dataset_dataCollectionProcess", STINT_DESCRIBES_PROVENANCE },
                 { "originatedBy", STINT_DESCRIBES_PROVENANCE },
                 { "dataset_dataPreprocessing", STINT_DESCRIBES_PROCESSING },
                 { "dataset_datasetNoise", STINT_DESCRIBES_SCOPE },
                 { "description", STINT_DESCRIBES_SCOPE } };
    const char *name = element_name(element);
    enum stint_component component = is_own_data(bom) ? STINT_DATA : STINT_TRAINING_DATA;
    const char *subject = is_own_data(bom) ? "" : name;
    if (!name)
        return;
    say_text(bom, component, STINT_NAME, subject, name, "/name");
    say_yes(bom, STINT_DATA_INFORMATION, STINT_PRESENT, subject, "/@graph");
    say_text(bom, component, STINT_LOCATION, subject, text_of(element, "software_downloadLocation"),
             "/software_downloadLocation");
    spdx_availability(bom, component, subject, element);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        if (linked_is_substance(json_object_get(element, rows[i].key)))
            say_yes(bom, STINT_DATA_INFORMATION, rows[i].predicate, subject, rows[i].key);
}

static void spdx_licence(struct bom *bom, const json_t *from, const json_t *to)
{
    const char *value = text_of(to, "simplelicensing_licenseExpression");
    const char *name = element_name(from);
    bool is_data = is_type(from, "dataset_DatasetPackage");
    if (!value)
        value = to ? text_of(to, "name") : NULL;
    if (from && name && (is_data || is_type(from, "ai_AIPackage")))
        say_licence(bom, is_data, name, value, "/simplelicensing_licenseExpression");
}

/* A model that wrote a data set. */
static void spdx_generates(struct bom *bom, const json_t *model, const json_t *data)
{
    const char *name = element_name(data);
    uint32_t id = 0;
    if (!is_type(model, "ai_AIPackage") || !is_type(data, "dataset_DatasetPackage") || !name ||
        !element_name(model))
        return;
    if (!is_own_data(bom))
        id = reader_text(bom->reader, bom->file, STINT_TRAINING_DATA, STINT_NAME, name, name,
                         STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer("/name"));
    reader_generator(bom->reader, bom->file, element_name(model), id, STINT_SOURCE_METADATA,
                     reader_pointer("/relationshipType"));
}

static void spdx_relation(struct bom *bom, const json_t *relation)
{
    const char *type = text_of(relation, "relationshipType");
    const json_t *from = element_by_id(bom, text_of(relation, "from"));
    const json_t *list = json_object_get(relation, "to");
    size_t count = json_is_array(list) ? json_array_size(list) : list != NULL;
    for (size_t i = 0; type && i < count && i < 64; i++) {
        const char *id = linked_text(json_is_array(list) ? json_array_get(list, i) : list);
        const json_t *to = element_by_id(bom, id);
        const char *name = to ? element_name(to) : id;
        if (!name)
            continue;
        if (strcmp(type, "hasDeclaredLicense") == 0 || strcmp(type, "hasConcludedLicense") == 0) {
            if (to)
                spdx_licence(bom, from, to);
            else if (from) /* a licence of the list, by its address */
                say_licence(bom, is_type(from, "dataset_DatasetPackage"), element_name(from), id,
                            "/relationshipType");
        } else if (strcmp(type, "descendantOf") == 0 && from && is_type(from, "ai_AIPackage")) {
            say_text(bom, STINT_BASE_MODEL, STINT_NAME, name, name, "/relationshipType");
        } else if (strcmp(type, "generates") == 0 && from && to) {
            spdx_generates(bom, from, to);
        } else if (strcmp(type, "trainedOn") == 0) {
            say_text(bom, STINT_TRAINING_DATA, STINT_NAME, name, name, "/relationshipType");
        }
    }
}

static void read_spdx(struct bom *bom)
{
    size_t index;
    const json_t *element;
    bom->elements = json_object_get(bom->root, "@graph");
    if (!json_is_array(bom->elements) || json_array_size(bom->elements) > ELEMENTS_MAX)
        return;
    json_array_foreach(bom->elements, index, element)
    {
        if (is_type(element, "dataset_DatasetPackage"))
            spdx_dataset(bom, element);
        else if (is_type(element, "ai_AIPackage"))
            say_yes(bom, STINT_MODEL_METADATA, STINT_PRESENT, "", "/@graph");
        else if (is_type(element, "Relationship") ||
                 is_type(element, "LifecycleScopedRelationship"))
            spdx_relation(bom, element);
    }
}

/* CycloneDX 1.6. */

static void cyclone_licences(struct bom *bom, const json_t *component, bool is_data,
                             const char *subject)
{
    const json_t *list = json_object_get(component, "licenses");
    size_t index;
    const json_t *entry;
    json_array_foreach(list, index, entry)
    {
        const json_t *licence = json_object_get(entry, "license");
        const char *value = text_of(entry, "expression");
        if (!value)
            value = text_of(licence, "id");
        if (!value)
            value = text_of(licence, "name");
        say_licence(bom, is_data, subject, value, "/licenses");
    }
}

static void cyclone_dataset(struct bom *bom, const json_t *data, const json_t *licensed)
{
    const char *name = text_of(data, "name");
    const json_t *contents = json_object_get(data, "contents");
    const json_t *governance = json_object_get(data, "governance");
    enum stint_component component = is_own_data(bom) ? STINT_DATA : STINT_TRAINING_DATA;
    const char *subject = is_own_data(bom) ? "" : name;
    if (!name || !*name)
        return;
    say_text(bom, component, STINT_NAME, subject, name, "/name");
    say_yes(bom, STINT_DATA_INFORMATION, STINT_PRESENT, subject, "/components");
    say_text(bom, component, STINT_LOCATION, subject, text_of(contents, "url"), "/contents/url");
    if (linked_is_substance(json_object_get(data, "description")))
        say_yes(bom, STINT_DATA_INFORMATION, STINT_DESCRIBES_SCOPE, subject, "/description");
    if (linked_is_substance(json_object_get(governance, "owners")))
        say_yes(bom, STINT_DATA_INFORMATION, STINT_DESCRIBES_PROVENANCE, subject,
                "/governance/owners");
    if (licensed)
        cyclone_licences(bom, licensed, true, subject);
}

static const json_t *cyclone_by_ref(const struct bom *bom, const char *ref)
{
    size_t index;
    const json_t *component;
    json_array_foreach(bom->elements, index, component)
    {
        const char *own = text_of(component, "bom-ref");
        if (ref && own && strcmp(own, ref) == 0)
            return component;
    }
    return NULL;
}

static void cyclone_model(struct bom *bom, const json_t *model)
{
    const json_t *card = json_object_get(model, "modelCard");
    const json_t *parameters = json_object_get(card, "modelParameters");
    const json_t *ancestors = json_object_get(json_object_get(model, "pedigree"), "ancestors");
    size_t index;
    const json_t *entry;
    say_yes(bom, STINT_MODEL_METADATA, STINT_PRESENT, "", "/components");
    cyclone_licences(bom, model, false, "");
    say_text(bom, STINT_ARCHITECTURE, STINT_NAME, "", text_of(parameters, "modelArchitecture"),
             "/modelCard/modelParameters/modelArchitecture");
    if (json_array_size(json_object_get(json_object_get(card, "quantitativeAnalysis"),
                                        "performanceMetrics")) > 0)
        say_yes(bom, STINT_EVALUATION_RESULTS, STINT_PRESENT, "",
                "/modelCard/quantitativeAnalysis/performanceMetrics");
    json_array_foreach(ancestors, index, entry)
    {
        const char *name = text_of(entry, "name");
        say_text(bom, STINT_BASE_MODEL, STINT_NAME, name, name, "/pedigree/ancestors");
    }
    json_array_foreach(json_object_get(parameters, "datasets"), index, entry)
    {
        const char *ref = text_of(entry, "ref");
        const json_t *data = ref ? cyclone_by_ref(bom, ref) : entry;
        if (data)
            cyclone_dataset(bom, data, ref ? data : NULL);
        else /* named, and nowhere described */
            say_text(bom, STINT_TRAINING_DATA, STINT_NAME, ref, ref,
                     "/modelCard/modelParameters/datasets");
    }
}

static void cyclone_component(struct bom *bom, const json_t *component)
{
    const char *type = text_of(component, "type");
    if (type && strcmp(type, "machine-learning-model") == 0)
        cyclone_model(bom, component);
    else if (type && strcmp(type, "data") == 0 && is_own_data(bom))
        cyclone_dataset(bom, component, component);
}

static void read_cyclone(struct bom *bom)
{
    size_t index;
    const json_t *component;
    bom->elements = json_object_get(bom->root, "components");
    if (json_array_size(bom->elements) > ELEMENTS_MAX)
        return;
    cyclone_component(bom, json_object_get(json_object_get(bom->root, "metadata"), "component"));
    json_array_foreach(bom->elements, index, component) cyclone_component(bom, component);
}

int read_bom(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    json_t *root = NULL;
    /* Most JSON files are none; a look at the text is cheaper than a tree. */
    if (!strstr(file->text, "CycloneDX") && !strstr(file->text, "spdx.org/rdf"))
        return 0;
    root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA,
                          problem.line > 0 ? (uint32_t)problem.line : 1, problem.text);
    struct bom bom = { .reader = reader, .file = file, .root = root };
    const char *format = text_of(root, "bomFormat");
    const char *context = text_of(root, "@context");
    if (format && strcmp(format, "CycloneDX") == 0)
        read_cyclone(&bom);
    else if (context && strstr(context, "spdx.org/rdf/3"))
        read_spdx(&bom);
    json_decref(root);
    return 0;
}
