/* Owns: reading YAML of a known shape. Aliases are refused (none of our files needs one), so no
 * file can unfold into more than it shows. */
#include "document.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "stint/auto.h"

#define DOCUMENT_KEY_MAX   200
#define DOCUMENT_DEPTH_MAX 8

int document_fail(const struct document *document, struct stint_error *err, const char *format, ...)
{
    char text[240];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t line =
        document->has_event ? document->event.start_mark.line : document->parser.problem_mark.line;
    return stint_fail(err, STINT_UNTRUSTED, "%s:%zu: %s", document->path, line + 1, text);
}

int document_next(struct document *document, struct stint_error *err)
{
    if (document->has_event)
        yaml_event_delete(&document->event);
    document->has_event = false;
    if (!yaml_parser_parse(&document->parser, &document->event))
        return document_fail(document, err, "%s",
                             document->parser.problem ? document->parser.problem : "no YAML");
    document->has_event = true;
    if (document->event.type == YAML_ALIAS_EVENT)
        return document_fail(document, err, "aliases are not used here");
    return 0;
}

int document_open(struct document *document, const char *path, const char *text, size_t length,
                  struct stint_error *err)
{
    memset(document, 0, sizeof(*document));
    document->path = path;
    if (!yaml_parser_initialize(&document->parser))
        return stint_fail(err, -ENOMEM, "out of memory");
    yaml_parser_set_input_string(&document->parser, (const unsigned char *)text, length);
    int r = document_next(document, err);
    while (r == 0 && (document->event.type == YAML_STREAM_START_EVENT ||
                      document->event.type == YAML_DOCUMENT_START_EVENT))
        r = document_next(document, err);
    return r;
}

void document_close(struct document *document)
{
    if (document->has_event)
        yaml_event_delete(&document->event);
    yaml_parser_delete(&document->parser);
}

const char *document_text(const struct document *document, struct stint_error *err)
{
    if (document->event.type != YAML_SCALAR_EVENT) {
        (void)document_fail(document, err, "a text was expected");
        return NULL;
    }
    return (const char *)document->event.data.scalar.value;
}

int document_mapping(struct document *document, document_row_fn row, void *context,
                     struct stint_error *err)
{
    if (document->event.type != YAML_MAPPING_START_EVENT)
        return document_fail(document, err, "a mapping was expected");
    int r = document_next(document, err);
    while (r == 0 && document->event.type != YAML_MAPPING_END_EVENT) {
        char key[DOCUMENT_KEY_MAX];
        const char *text = document_text(document, err);
        if (!text)
            return STINT_UNTRUSTED;
        size_t length = strlen(text);
        if (length >= sizeof(key))
            return document_fail(document, err, "a key of more than %d bytes", DOCUMENT_KEY_MAX);
        memcpy(key, text, length + 1);
        r = document_next(document, err);
        if (r == 0)
            r = row(context, document, key, err);
    }
    return r != 0 ? r : document_next(document, err);
}

int document_sequence(struct document *document, document_row_fn row, void *context,
                      struct stint_error *err)
{
    if (document->event.type != YAML_SEQUENCE_START_EVENT)
        return document_fail(document, err, "a list was expected");
    int r = document_next(document, err);
    while (r == 0 && document->event.type != YAML_SEQUENCE_END_EVENT)
        r = row(context, document, NULL, err);
    return r != 0 ? r : document_next(document, err);
}

int document_skip(struct document *document, struct stint_error *err)
{
    unsigned depth = 0;
    do {
        yaml_event_type_t type = document->event.type;
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth > DOCUMENT_DEPTH_MAX)
            return document_fail(document, err, "nested deeper than %d", DOCUMENT_DEPTH_MAX);
        int r = document_next(document, err);
        if (r != 0)
            return r;
    } while (depth > 0);
    return 0;
}
