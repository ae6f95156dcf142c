/* A strict subset of YAML as a small tree with positions: one document of maps, lists and scalars.
 * Anchors, aliases, tags, further documents, duplicate and non-scalar keys are refused with their
 * line, so that a card cannot grow (alias bombs) or mean two things. Read through libyaml's events.
 */
#ifndef STINT_EVALUATOR_STRICT_YAML_H
#define STINT_EVALUATOR_STRICT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"

#define STRICT_YAML_NODES_MAX ((size_t)65536)
#define STRICT_YAML_DEPTH_MAX 24
#define STRICT_YAML_TEXT_MAX  ((size_t)2 << 20)

enum strict_yaml_kind { STRICT_YAML_SCALAR = 1, STRICT_YAML_LIST, STRICT_YAML_MAP };

/**
 * struct strict_yaml_node - one value
 * @key: of an entry of a map, else NULL
 * @text: of a scalar, never NULL; "" for lists and maps
 * @is_plain: a scalar without quotes, which YAML 1.1 readers may take for a number or a boolean
 * @line: from 1, of the value; @key_line likewise
 * Children hang on @child through @next, in the order of the file.
 */
struct strict_yaml_node {
    enum strict_yaml_kind kind;
    bool is_plain;
    uint32_t line;
    uint32_t column;
    uint32_t key_line;
    const char *key;
    const char *text;
    struct strict_yaml_node *child;
    struct strict_yaml_node *next;
    size_t child_count;
};

struct strict_yaml_document;
/**
 * strict_yaml_parse() - read @length bytes as one document
 * @first_line: number of the first line, for front matter inside a larger file
 * Return: 0; STINT_INVALID with "line N: …"; STINT_TOO_LARGE; -ENOMEM. An empty document gives a
 * NULL root.
 */
int strict_yaml_parse(const char *text, size_t length, uint32_t first_line,
                      struct strict_yaml_document **ret_document, struct stint_error *err);
/* The line that a refusal of strict_yaml_parse() names; 1 when it names none. */
uint32_t strict_yaml_error_line(const struct stint_error *err);
struct strict_yaml_document *strict_yaml_free(struct strict_yaml_document *document);
const struct strict_yaml_node *strict_yaml_root(const struct strict_yaml_document *document);
static inline __attribute__((unused)) void strict_yaml_free_auto(
    struct strict_yaml_document **document)
{
    strict_yaml_free(*document);
}

/* The entry of a map, NULL when @map is no map or lacks it. */
const struct strict_yaml_node *strict_yaml_get(const struct strict_yaml_node *map, const char *key);
/* Its scalar text; NULL when it is missing, no scalar, or a plain null (empty, ~, null). */
const char *strict_yaml_text(const struct strict_yaml_node *map, const char *key);
bool strict_yaml_is_null(const struct strict_yaml_node *node);
/* A scalar that says yes or no (true/false, yes/no, on/off in any case). 1, 0, or -1 for neither.
 */
int strict_yaml_bool(const struct strict_yaml_node *node);

#endif
