/* Owns: which terms govern which file. The nearest word wins: a line in the file itself, then a
 * licence of its folder written for its kind of part, then any licence of that folder, then the
 * folder above. What stands beside each other at one level all binds (DESIGN §4: the strictest
 * decides). */
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
    int order = strcmp(is_left_file ? left->file : left->folder,
                       is_right_file ? right->file : right->folder);
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

/* Scopes of one name that fit: those written for the part first, the general ones only without
 * them. */
static size_t level(const struct reader *reader, bool is_file, const char *name,
                    enum stint_component component, const char *subject, scope_fn fn, void *context)
{
    size_t first = scope_lower(reader, is_file, name);
    size_t count = 0;
    for (int pass = 0; pass < 2 && count == 0; pass++)
        for (size_t i = first; i < reader->scope_count; i++) {
            const struct licence_scope *scope = &reader->scopes[i];
            if ((scope->file != NULL) != is_file ||
                strcmp(is_file ? scope->file : scope->folder, name) != 0)
                break;
            bool is_general = scope->target == STINT_ARTIFACT;
            bool fits =
                pass == 0 ? !is_general && target_matches(scope->target, component) : is_general;
            if (!fits || (scope->subject[0] && strcmp(scope->subject, subject) != 0))
                continue;
            fn(context, scope);
            count++;
        }
    return count;
}

size_t reader_governing(const struct reader *reader, const char *path,
                        enum stint_component component, const char *subject, scope_fn fn,
                        void *context)
{
    char folder[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    size_t count = level(reader, true, path, component, subject, fn, context);
    (void)snprintf(folder, sizeof(folder), "%s", path);
    while (count == 0 && folder[0]) {
        char *slash = strrchr(folder, '/');
        if (slash)
            *slash = '\0';
        else
            folder[0] = '\0';
        count = level(reader, false, folder, component, subject, fn, context);
    }
    return count;
}
