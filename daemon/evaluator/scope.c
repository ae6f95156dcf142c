/* Owns: which terms govern which file. The nearest word wins: a line in the file itself, then a
 * licence of its folder written for its kind of part, then any licence of that folder, then the
 * folder above. What stands beside each other at one level all binds (DESIGN §4: the strictest
 * decides). Weights are the exception: they are one work, and a permissive word close to them (a
 * key in their own header, a LICENSE in their folder) does not lift what the card or the root says,
 * so all levels bind. A licence text written for one part spares other parts other texts of its
 * level, never what metadata declares of the whole. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"

/* Files before folders, then by name. */
static int scope_compare(const void *a, const void *b)
{
    const struct licence_scope *left = a;
    const struct licence_scope *right = b;
    bool is_left_file = left->file != NULL;
    bool is_right_file = right->file != NULL;
    if (is_left_file != is_right_file)
        return is_left_file ? -1 : 1;
    const char *left_name = is_left_file ? left->file : left->folder;
    const char *right_name = is_right_file ? right->file : right->folder;
    assert(left_name && right_name);
    int order = strcmp(left_name, right_name);
    if (order != 0)
        return order;
    return left->fact < right->fact ? -1 : left->fact > right->fact;
}

void reader_scopes_sort(struct reader *reader)
{
    if (reader->scope_count > 0)
        qsort(reader->scopes, reader->scope_count, sizeof(*reader->scopes), scope_compare);
}

/* First scope of a name at or after which the order holds. */
static size_t scope_lower(const struct reader *reader, bool is_file, const char *name)
{
    struct licence_scope wanted = { .file = is_file ? name : NULL, .folder = name, .fact = 0 };
    size_t low = 0;
    size_t high = reader->scope_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (scope_compare(&reader->scopes[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_code_component(enum stint_component component)
{
    return component == STINT_CODE || component == STINT_TRAINING_CODE ||
           component == STINT_INFERENCE_CODE || component == STINT_DATA_CODE ||
           component == STINT_EVALUATION_CODE || component == STINT_SUPPORTING_CODE ||
           component == STINT_ARCHITECTURE || component == STINT_PACKAGING;
}

static bool target_matches(enum stint_component target, enum stint_component component)
{
    if (target == component)
        return true;
    if (target == STINT_CODE)
        return is_code_component(component);
    if (target == STINT_WEIGHTS)
        return component == STINT_CHECKPOINTS || component == STINT_OPTIMIZER_STATE ||
               component == STINT_TOKENIZER || component == STINT_MODEL_METADATA;
    if (target == STINT_TRAINING_DATA)
        return component == STINT_DATA || component == STINT_ANNOTATIONS ||
               component == STINT_EVALUATION_DATA;
    return target == STINT_DATA_INFORMATION && component == STINT_DATA_CARD;
}

static bool is_weights(enum stint_component component)
{
    return component == STINT_WEIGHTS || component == STINT_CHECKPOINTS ||
           component == STINT_OPTIMIZER_STATE;
}

static bool is_metadata(const struct reader *reader, const struct licence_scope *scope)
{
    const struct stint_fact *fact = stint_facts_by_id(reader->facts, scope->fact);
    return fact && fact->source != STINT_SOURCE_LICENCE && fact->source != STINT_SOURCE_HEADER;
}

struct question {
    const struct reader *reader;
    enum stint_component component;
    const char *subject;
    scope_fn fn;
    void *context;
};

static bool scope_fits(const struct question *question, const struct licence_scope *scope,
                       bool has_own)
{
    bool is_general = scope->target == STINT_ARTIFACT;
    if (scope->subject[0] && strcmp(scope->subject, question->subject) != 0)
        return false;
    if (!is_general)
        return target_matches(scope->target, question->component);
    /* Terms written for the part stand in the place of the general ones of their level. */
    bool is_word_of_whole =
        !is_code_component(question->component) && is_metadata(question->reader, scope);
    return !has_own || is_word_of_whole;
}

static bool scope_is_own(const struct question *question, const struct licence_scope *scope)
{
    return scope->target != STINT_ARTIFACT && target_matches(scope->target, question->component) &&
           (!scope->subject[0] || strcmp(scope->subject, question->subject) == 0);
}

static bool scope_has_name(const struct licence_scope *scope, bool is_file, const char *name)
{
    return (scope->file != NULL) == is_file &&
           strcmp(is_file ? scope->file : scope->folder, name) == 0;
}

/* Calls @fn for the scopes of one name that fit; how many. */
static size_t level(const struct question *question, bool is_file, const char *name)
{
    const struct reader *reader = question->reader;
    size_t first = scope_lower(reader, is_file, name);
    size_t count = 0;
    bool has_own = false;
    for (size_t i = first;
         i < reader->scope_count && scope_has_name(&reader->scopes[i], is_file, name); i++)
        has_own = has_own || scope_is_own(question, &reader->scopes[i]);
    for (size_t i = first;
         i < reader->scope_count && scope_has_name(&reader->scopes[i], is_file, name); i++)
        if (scope_fits(question, &reader->scopes[i], has_own)) {
            question->fn(question->context, &reader->scopes[i]);
            count++;
        }
    return count;
}

size_t reader_governing(const struct reader *reader, const char *path,
                        enum stint_component component, const char *subject, scope_fn fn,
                        void *context)
{
    char folder[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    struct question question = {
        .reader = reader, .component = component, .subject = subject, .fn = fn, .context = context
    };
    size_t count = level(&question, true, path);
    (void)snprintf(folder, sizeof(folder), "%s", path);
    while (folder[0] && (count == 0 || is_weights(component))) {
        char *slash = strrchr(folder, '/');
        if (slash)
            *slash = '\0';
        else
            folder[0] = '\0';
        count += level(&question, false, folder);
    }
    return count;
}
