/* What a verdict depends on by name, and what it passes on to whoever names its artefact: read from
 * the facts of the verdict, bounded, and written as an entry of the catalogue is. What does not fit
 * is left out in the strict direction: terms that are not passed on whole are unknown. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "document.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/licence.h"

#define HERITAGE_LICENCES_MAX 8
#define HERITAGE_TEXT_MAX     300

/* Texts seen, in the order they came. */
struct texts {
    const char *items[DOCUMENT_NAMES_MAX];
    size_t count;
    size_t max;
    bool is_full;
};

static void texts_add(struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i], text) == 0)
            return;
    if (texts->count < texts->max)
        texts->items[texts->count++] = text;
    else
        texts->is_full = true;
}

static const char *member(const json_t *fact, const char *key)
{
    const char *text = json_string_value(json_object_get(fact, key));
    return text ? text : "";
}

static bool is_about(const json_t *fact, const char *component, const char *predicate)
{
    return strcmp(member(fact, "component"), component) == 0 &&
           strcmp(member(fact, "predicate"), predicate) == 0;
}

static void texts_json(const struct texts *texts, const char *key, struct stint_buffer *json)
{
    if (key)
        stint_json_key(json, key);
    stint_json_array(json);
    for (size_t i = 0; i < texts->count; i++)
        stint_json_text(json, texts->items[i]);
    stint_json_array_end(json);
}

/* ---- what it depends on */

static void names_collect(const json_t *facts, struct texts *names)
{
    static const char *const components[] = { "base-model", "source-data", "training-data",
                                              "generator" };
    for (size_t i = 0; i < json_array_size(facts); i++) {
        const json_t *fact = json_array_get(facts, i);
        const char *name = member(fact, "value");
        for (size_t j = 0; j < STINT_ARRAY_SIZE(components); j++)
            if (is_about(fact, components[j], "name") && *name) {
                texts_add(names, name);
                names->is_full = names->is_full || strlen(name) > DOCUMENT_NAME_MAX;
            }
    }
}

static int names_write(const json_t *facts, struct document *document)
{
    struct texts names = { .max = DOCUMENT_NAMES_MAX };
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    names_collect(facts, &names);
    if (names.count == 0)
        return 0;
    if (names.is_full)
        names = (struct texts){ .items = { "*" }, .count = 1 };
    texts_json(&names, NULL, &json);
    document->names = stint_buffer_take(&json);
    return document->names ? 0 : -ENOMEM;
}

/* ---- what it passes on */

/* @is_unclear: some of its terms nobody here knows; @is_attested: of each licence, whether a
 * reviewer says it; @location: where the data can be obtained, NULL when nothing says so */
struct heritage {
    const char *part;
    struct texts licences;
    bool is_attested[HERITAGE_LICENCES_MAX];
    const char *location;
    struct texts restrictions;
    struct texts datasets;
    const char *class;
    bool is_unclear;
};

static void heritage_restriction(struct heritage *heritage, const char *facet)
{
    if (strcmp(facet, "none") == 0)
        return;
    if (strcmp(facet, "unknown") == 0)
        heritage->is_unclear = true;
    else
        texts_add(&heritage->restrictions,
                  stint_licence_facet_find(facet) >= 0 ? facet : "other_restriction");
}

/* The strictest class that is said of it. */
static const char *weaker_class(const char *a, const char *b)
{
    static const char *const order[] = { "unknown", "unshareable", "obtainable", "public", "open" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(order); i++)
        if ((a && strcmp(a, order[i]) == 0) || strcmp(b, order[i]) == 0)
            return order[i];
    return "unknown";
}

static void heritage_licence(struct heritage *heritage, const char *licence, const char *grade)
{
    texts_add(&heritage->licences, licence);
    for (size_t i = 0; i < heritage->licences.count; i++)
        if (strcmp(heritage->licences.items[i], licence) == 0 && strcmp(grade, "attested") == 0)
            heritage->is_attested[i] = true;
}

static void heritage_collect(const json_t *facts, const char *component, struct heritage *heritage)
{
    for (size_t i = 0; i < json_array_size(facts); i++) {
        const json_t *fact = json_array_get(facts, i);
        const char *value = member(fact, "value");
        heritage->is_unclear = heritage->is_unclear || strlen(value) > HERITAGE_TEXT_MAX;
        if (is_about(fact, "training-data", "name") && *value)
            texts_add(&heritage->datasets, value);
        /* What a reviewer settled is passed on in his words. */
        if (*member(fact, "subject") || !*value || json_object_get(fact, "settled_by"))
            continue;
        if (is_about(fact, component, "licence"))
            heritage_licence(heritage, value, member(fact, "grade"));
        else if (is_about(fact, "data", "location") && !heritage->location)
            heritage->location = value;
        else if (is_about(fact, component, "restriction"))
            heritage_restriction(heritage, value);
        else if (is_about(fact, "data", "data-class"))
            heritage->class = weaker_class(heritage->class, value);
    }
    heritage->is_unclear = heritage->is_unclear || heritage->licences.count == 0 ||
                           heritage->licences.is_full || heritage->restrictions.is_full;
}

static void part_write(const struct heritage *heritage, const char *licence, bool is_attested,
                       bool is_first, struct stint_buffer *json)
{
    stint_json_object(json);
    stint_json_kv_text(json, "part", heritage->part);
    stint_json_kv_text(json, "licence", licence);
    if (is_attested)
        stint_json_kv_text(json, "grade", "attested");
    if (is_first && heritage->location)
        stint_json_kv_text(json, "location", heritage->location);
    if (heritage->class)
        stint_json_kv_text(json, "class", heritage->class);
    if (is_first && heritage->restrictions.count > 0)
        texts_json(&heritage->restrictions, "restrictions", json);
    stint_json_kv_text(json, "source", "its own files, as judged here");
    stint_json_object_end(json);
}

static void heritage_members(const struct heritage *heritage, const char *kind,
                             struct stint_buffer *json)
{
    bool is_first = true;
    stint_json_kv_text(json, "kind", kind);
    stint_json_key(json, "parts");
    stint_json_array(json);
    for (size_t i = 0; i < heritage->licences.count; i++, is_first = false)
        part_write(heritage, heritage->licences.items[i], heritage->is_attested[i], is_first, json);
    if (heritage->is_unclear)
        part_write(heritage, "unknown", false, is_first, json);
    stint_json_array_end(json);
    if (heritage->datasets.count > 0 && !heritage->datasets.is_full)
        texts_json(&heritage->datasets, "datasets", json);
}

/* Code is no base and no data: nobody inherits from it by name. */
static int heritage_write(const json_t *facts, struct document *document)
{
    bool is_model = strcmp(document->kind, "model") == 0;
    struct heritage heritage = { .part = is_model ? "weights" : "contents",
                                 .licences.max = HERITAGE_LICENCES_MAX,
                                 .restrictions.max = STINT_FACET_COUNT,
                                 .datasets.max = DOCUMENT_NAMES_MAX };
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    if (strcmp(document->kind, "code") == 0)
        return 0;
    heritage_collect(facts, is_model ? "weights" : "data", &heritage);
    stint_json_object(&json);
    heritage_members(&heritage, document->kind, &json);
    stint_json_object_end(&json);
    if (json.failed)
        return -ENOMEM;
    if (json.length - 2 > DOCUMENT_HERITAGE_MAX)
        return 0; /* it does not resolve: unknown */
    document->heritage = strndup(json.data + 1, json.length - 2);
    return document->heritage ? 0 : -ENOMEM;
}

int document_read_heritage(const json_t *facts, struct document *document)
{
    int r = names_write(facts, document);
    return r == 0 ? heritage_write(facts, document) : r;
}
