/* Owns: reading values of JSON-LD by local names, without resolving a context: a document that
 * gives a well-known name another meaning only fools its own description. */
#include "evaluator/linked.h"

#include <stdio.h>
#include <string.h>

#include "stint/auto.h"

const json_t *linked_term(const json_t *object, const char *name)
{
    static const char *const prefixes[] = {
        "",
        "sc:",
        "schema:",
        "https://schema.org/",
        "http://schema.org/",
        "cr:",
        "rai:",
        "http://mlcommons.org/croissant/",
        "http://mlcommons.org/croissant/RAI/",
        "dct:",
        "prov:",
    };
    char key[128];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(prefixes); i++) {
        (void)snprintf(key, sizeof(key), "%s%s", prefixes[i], name);
        const json_t *value = json_object_get(object, key);
        if (value)
            return value;
    }
    return NULL;
}

/* The text of a value: a string, {"@value"}, {"@id"}, {"name"} or {"url"}, or the first of a list.
 */
const char *linked_text(const json_t *value)
{
    static const char *const keys[] = { "@value", "@id", "url", "sc:url", "name", "sc:name" };
    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_string(value))
        return json_string_value(value);
    for (size_t i = 0; json_is_object(value) && i < STINT_ARRAY_SIZE(keys); i++)
        if (json_is_string(json_object_get(value, keys[i])))
            return json_string_value(json_object_get(value, keys[i]));
    return NULL;
}

bool linked_is_substance(const json_t *value)
{
    if (json_is_array(value) && json_array_size(value) > 0) {
        if (json_is_object(json_array_get(value, 0)))
            return true;
        value = json_array_get(value, 0);
    }
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return json_is_string(value) && json_string_length(value) >= LINKED_DESCRIPTION_MIN;
}

const char *linked_local(const char *name)
{
    const char *colon = name ? strrchr(name, ':') : NULL;
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *last = colon && (!slash || colon > slash) ? colon : slash;
    return last ? last + 1 : name ? name : "";
}
