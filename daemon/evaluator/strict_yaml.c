/* Owns: the strict YAML tree. Everything is allocated in one arena of blocks and freed at once; the
 * bounds are nodes, depth and bytes of the input. */
#include "evaluator/strict_yaml.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <yaml.h>

#include "stint/auto.h"

#define BLOCK_BYTES ((size_t)32 << 10)

struct block {
    struct block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

struct strict_yaml_document {
    struct block *blocks;
    struct strict_yaml_node *root;
};

struct reading {
    struct strict_yaml_document *document;
    const char *text;
    yaml_parser_t parser;
    uint32_t first_line;
    size_t node_count;
    struct stint_error *err;
};

static void *document_take(struct strict_yaml_document *document, size_t size)
{
    struct block *block = document->blocks;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof(*block) + room);
        if (!block)
            return NULL;
        block->next = document->blocks;
        block->used = 0;
        block->size = room;
        document->blocks = block;
    }
    void *bytes = (char *)block->bytes + block->used;
    block->used += size;
    return bytes;
}

struct strict_yaml_document *strict_yaml_free(struct strict_yaml_document *document)
{
    if (!document)
        return NULL;
    for (struct block *block = document->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(document);
    return NULL;
}

static uint32_t mark_line(const struct reading *reading, yaml_mark_t mark)
{
    return reading->first_line + (uint32_t)mark.line;
}

static int refuse(struct reading *reading, yaml_mark_t mark, const char *what)
{
    return stint_fail(reading->err, STINT_INVALID, "line %u: %s", mark_line(reading, mark), what);
}

static int next_event(struct reading *reading, yaml_event_t *event)
{
    if (yaml_parser_parse(&reading->parser, event))
        return 0;
    if (reading->parser.error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    /* The parser says of bytes that are no text only where they lie. */
    yaml_mark_t mark = reading->parser.problem_mark;
    if (reading->parser.error == YAML_READER_ERROR)
        for (size_t i = mark.line = 0; i < reading->parser.problem_offset; i++)
            mark.line += reading->text[i] == '\n';
    return refuse(reading, mark, reading->parser.problem ? reading->parser.problem : "not YAML");
}

static char *copy_scalar(struct reading *reading, const yaml_event_t *event)
{
    size_t length = event->data.scalar.length;
    char *text = document_take(reading->document, length + 1);
    if (!text)
        return NULL;
    memcpy(text, event->data.scalar.value, length);
    text[length] = '\0';
    return text;
}

static int node_new(struct reading *reading, const yaml_event_t *event, enum strict_yaml_kind kind,
                    struct strict_yaml_node **ret_node)
{
    if (++reading->node_count > STRICT_YAML_NODES_MAX)
        return refuse(reading, event->start_mark, "too many values");
    struct strict_yaml_node *node = document_take(reading->document, sizeof(*node));
    if (!node)
        return -ENOMEM;
    *node = (struct strict_yaml_node){ .kind = kind,
                                       .text = "",
                                       .line = mark_line(reading, event->start_mark),
                                       .column = (uint32_t)event->start_mark.column + 1 };
    *ret_node = node;
    return 0;
}

/* What the subset leaves out, in any event that could carry it. */
static int check_subset(struct reading *reading, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(reading, event->start_mark, "an alias (*name) is not read");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
            return refuse(reading, event->start_mark, "a NUL character in a value");
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return refuse(reading, event->start_mark, "an anchor (&name) is not read");
    if (tag && strcmp((const char *)tag, "!") != 0)
        return refuse(reading, event->start_mark, "a tag (!name) is not read");
    return 0;
}

static int read_value(struct reading *reading, const yaml_event_t *event, unsigned depth,
                      struct strict_yaml_node **ret_node);

static void append_child(struct strict_yaml_node *parent, struct strict_yaml_node ***tail,
                         struct strict_yaml_node *child)
{
    assert(*tail && child);
    **tail = child;
    *tail = &child->next;
    parent->child_count++;
}

static int read_list(struct reading *reading, struct strict_yaml_node *list, unsigned depth)
{
    struct strict_yaml_node **tail = &list->child;
    for (;;) {
        yaml_event_t event;
        struct strict_yaml_node *child = NULL;
        int r = next_event(reading, &event);
        if (r != 0)
            return r;
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!is_end)
            r = read_value(reading, &event, depth, &child);
        yaml_event_delete(&event);
        if (r != 0 || is_end)
            return r;
        append_child(list, &tail, child);
    }
}

static int read_key(struct reading *reading, const struct strict_yaml_node *map,
                    const yaml_event_t *event, const char **ret_key)
{
    int r = check_subset(reading, event);
    if (r != 0)
        return r;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reading, event->start_mark, "a key must be a word");
    char *key = copy_scalar(reading, event);
    if (!key)
        return -ENOMEM;
    if (strcmp(key, "<<") == 0)
        return refuse(reading, event->start_mark, "a merge key (<<) is not read");
    /* Maps of outside files are short; one as long as the bound costs its square once. */
    if (map->child_count > 2048)
        return refuse(reading, event->start_mark, "a map of more than 2048 keys");
    if (strict_yaml_get(map, key))
        return refuse(reading, event->start_mark, "this key is there twice");
    *ret_key = key;
    return 0;
}

static int read_map(struct reading *reading, struct strict_yaml_node *map, unsigned depth)
{
    struct strict_yaml_node **tail = &map->child;
    for (;;) {
        yaml_event_t event;
        struct strict_yaml_node *child = NULL;
        const char *key = NULL;
        int r = next_event(reading, &event);
        if (r != 0)
            return r;
        bool is_end = event.type == YAML_MAPPING_END_EVENT;
        uint32_t key_line = mark_line(reading, event.start_mark);
        if (!is_end)
            r = read_key(reading, map, &event, &key);
        yaml_event_delete(&event);
        if (r != 0 || is_end)
            return r;
        if ((r = next_event(reading, &event)) != 0)
            return r;
        r = read_value(reading, &event, depth, &child);
        yaml_event_delete(&event);
        if (r != 0)
            return r;
        assert(child);
        child->key = key;
        child->key_line = key_line;
        append_child(map, &tail, child);
    }
}

static int read_value(struct reading *reading, const yaml_event_t *event, unsigned depth,
                      struct strict_yaml_node **ret_node)
{
    int r = check_subset(reading, event);
    if (r != 0)
        return r;
    if (depth >= STRICT_YAML_DEPTH_MAX)
        return refuse(reading, event->start_mark, "nested too deep");
    if (event->type == YAML_SCALAR_EVENT) {
        if ((r = node_new(reading, event, STRICT_YAML_SCALAR, ret_node)) != 0)
            return r;
        (*ret_node)->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        (*ret_node)->text = copy_scalar(reading, event);
        return (*ret_node)->text ? 0 : -ENOMEM;
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        r = node_new(reading, event, STRICT_YAML_LIST, ret_node);
        return r != 0 ? r : read_list(reading, *ret_node, depth + 1);
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        r = node_new(reading, event, STRICT_YAML_MAP, ret_node);
        return r != 0 ? r : read_map(reading, *ret_node, depth + 1);
    }
    return refuse(reading, event->start_mark, "a value was expected");
}

static int read_document(struct reading *reading)
{
    bool is_done = false;
    while (!is_done) {
        yaml_event_t event;
        int r = next_event(reading, &event);
        if (r != 0)
            return r;
        if (event.type == YAML_STREAM_END_EVENT)
            is_done = true;
        else if (event.type == YAML_DOCUMENT_START_EVENT && reading->document->root)
            r = refuse(reading, event.start_mark, "a second document is not read");
        else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
                 event.type != YAML_DOCUMENT_END_EVENT)
            r = read_value(reading, &event, 0, &reading->document->root);
        yaml_event_delete(&event);
        if (r != 0)
            return r;
    }
    return 0;
}

int strict_yaml_parse(const char *text, size_t length, uint32_t first_line,
                      struct strict_yaml_document **ret_document, struct stint_error *err)
{
    if (length > STRICT_YAML_TEXT_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "YAML of %zu bytes", length);
    stint_auto(strict_yaml_free) struct strict_yaml_document *document =
        calloc(1, sizeof(*document));
    struct reading reading = {
        .document = document, .text = text, .first_line = first_line, .err = err
    };
    if (!document || !yaml_parser_initialize(&reading.parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
    int r = read_document(&reading);
    yaml_parser_delete(&reading.parser);
    if (r != 0)
        return r;
    *ret_document = stint_take(document);
    return 0;
}

uint32_t strict_yaml_error_line(const struct stint_error *err)
{
    static const char head[] = "line ";
    if (strncmp(err->text, head, sizeof(head) - 1) != 0)
        return 1;
    unsigned long line = strtoul(err->text + sizeof(head) - 1, NULL, 10);
    return line > 0 && line < UINT32_MAX ? (uint32_t)line : 1;
}

const struct strict_yaml_node *strict_yaml_root(const struct strict_yaml_document *document)
{
    return document->root;
}

const struct strict_yaml_node *strict_yaml_get(const struct strict_yaml_node *map, const char *key)
{
    if (!map || map->kind != STRICT_YAML_MAP)
        return NULL;
    for (const struct strict_yaml_node *child = map->child; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

bool strict_yaml_is_null(const struct strict_yaml_node *node)
{
    return !node ||
           (node->kind == STRICT_YAML_SCALAR && node->is_plain &&
            (!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0));
}

const char *strict_yaml_text(const struct strict_yaml_node *map, const char *key)
{
    const struct strict_yaml_node *node = strict_yaml_get(map, key);
    return node && node->kind == STRICT_YAML_SCALAR && !strict_yaml_is_null(node) ? node->text
                                                                                  : NULL;
}

int strict_yaml_bool(const struct strict_yaml_node *node)
{
    static const char *const yes[] = { "true", "yes", "on" };
    static const char *const no[] = { "false", "no", "off" };
    if (!node || node->kind != STRICT_YAML_SCALAR)
        return -1;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(yes); i++) {
        if (strcasecmp(node->text, yes[i]) == 0)
            return 1;
        if (strcasecmp(node->text, no[i]) == 0)
            return 0;
    }
    return -1;
}
