/* Values of JSON-LD documents, however they abbreviate and wrap them. */
#ifndef STINT_EVALUATOR_LINKED_H
#define STINT_EVALUATOR_LINKED_H

#include <jansson.h>
#include <stdbool.h>

/* A description shorter than this describes nothing. */
#define LINKED_DESCRIPTION_MIN 20

/* A property of @object by its local name; NULL for none. */
const json_t *linked_term(const json_t *object, const char *name);
/* The text of a value: a string, {"@value"}, {"@id"}, {"name"} or {"url"}, or the first of a list.
 */
const char *linked_text(const json_t *value);
/* Does the value say something: a text of some length, an object, a list of either? */
bool linked_is_substance(const json_t *value);
/* The last part of a type or property: "Dataset" of "sc:Dataset". NULL gives "". */
const char *linked_local(const char *name);

#endif
