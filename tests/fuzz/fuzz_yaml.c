/* The strict subset of YAML that cards, rules and the catalogue are read in: bounded, every refusal
 * with its line, every node where it says it is. Links evaluator_parts_dep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/strict_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static size_t check(const struct strict_yaml_node *node, unsigned depth, uint32_t lines)
{
    size_t count = 1;
    size_t children = 0;
    require(depth <= STRICT_YAML_DEPTH_MAX && node->text != NULL);
    require(node->line >= 1 && node->line <= lines);
    require(node->kind != STRICT_YAML_SCALAR || !node->child);
    (void)strict_yaml_bool(node);
    for (const struct strict_yaml_node *child = node->child; child; child = child->next) {
        require((node->kind == STRICT_YAML_MAP) == (child->key != NULL));
        require(!child->key || strict_yaml_get(node, child->key) == child); /* no key twice */
        count += check(child, depth + 1, lines);
        children++;
    }
    require(children == node->child_count);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strict_yaml_document *document = NULL;
    struct stint_error err = { 0 };
    uint32_t lines = 2; /* a file may end in a line that has no end, and YAML knows more breaks */
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    int r = strict_yaml_parse((const char *)data, size, 1, &document, &err);
    if (r == 0 && strict_yaml_root(document))
        require(check(strict_yaml_root(document), 1, lines) <= STRICT_YAML_NODES_MAX);
    else if (r != 0)
        require(err.text[0] != '\0' && strict_yaml_error_line(&err) >= 1);
    strict_yaml_free(document);
    return 0;
}
