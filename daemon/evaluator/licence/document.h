/* YAML documents of a known shape, event by event, with positions: nested mappings and sequences of
 * texts. Beside the loader of the licence table, its only user. */
#ifndef STINT_LICENCE_DOCUMENT_H
#define STINT_LICENCE_DOCUMENT_H

#include <stdbool.h>
#include <yaml.h>

#include "stint/error.h"

struct document {
    yaml_parser_t parser;
    yaml_event_t event; /* the event looked at; document_next() replaces it */
    const char *path;
    bool has_event;
};

/* @text is borrowed until document_close(). The first event looked at is inside the document. */
int document_open(struct document *document, const char *path, const char *text, size_t length,
                  struct stint_error *err);
void document_close(struct document *document);
int document_next(struct document *document, struct stint_error *err);
/* A refusal with file and line of the event looked at. */
int document_fail(const struct document *document, struct stint_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The text looked at, borrowed until document_next(); NULL (and an error) when it is none. */
const char *document_text(const struct document *document, struct stint_error *err);

/* Walks a mapping: @row is called for each key (a copy of it) with the event of its value looked
 * at, and must consume the value: afterwards the event after the value is looked at. */
typedef int (*document_row_fn)(void *context, struct document *document, const char *key,
                               struct stint_error *err);
int document_mapping(struct document *document, document_row_fn row, void *context,
                     struct stint_error *err);
/* Walks a sequence of texts or of anything: @row is called with each item looked at. */
int document_sequence(struct document *document, document_row_fn row, void *context,
                      struct stint_error *err);
/* Passes over whatever is looked at. */
int document_skip(struct document *document, struct stint_error *err);

#endif
