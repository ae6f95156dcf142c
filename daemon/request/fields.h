/* Reading one JSON object by a table of its fields: each row says the name, the type, the range and
 * where the value goes. What the table does not know is refused by name. Private to request/. */
#ifndef STINT_REQUEST_FIELDS_H
#define STINT_REQUEST_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "stint/error.h"

enum field_kind {
    FIELD_TEXT = 1, /* char *: 1..max bytes, no control characters; ours to free */
    FIELD_PROSE,    /* char *: 0..max bytes, line breaks and tabs allowed */
    FIELD_INT,      /* int64_t: min..max */
    FIELD_BOOL,     /* bool */
    FIELD_WORD,     /* enum: its index in words[] */
    FIELD_OWN,      /* anything else: read() */
};

struct field;

/**
 * struct reader - where values go, and how the place is called in messages
 * @target: base of the offsets
 * @path: "" or "resources.": put before each name
 */
struct reader {
    void *target;
    const char *path;
    struct stint_error *err;
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    int64_t min;
    int64_t max;
    const char *const *words; /* NULL-terminated */
    int (*read)(const struct reader *reader, const struct field *field, const json_t *value);
};

/* Every member of @object by @fields (ended by a NULL name). null counts as not given. Return: 0,
 * STINT_UNKNOWN_FIELD, STINT_INVALID, STINT_TOO_LARGE or -ENOMEM. */
int fields_read(const struct reader *reader, const struct field *fields, const json_t *object);

/* STINT_INVALID: "'resources.cpus' must be …". */
int field_fail(const struct reader *reader, const struct field *field, const char *must);

/* A copy of a text: @max bytes at most, no control characters unless @is_prose. */
int field_text(const struct reader *reader, const struct field *field, const json_t *value,
               bool is_prose, char **ret_text);

#endif
