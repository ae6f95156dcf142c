/* Owns: typed reading of JSON members by a table. */
#include "fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int field_fail(const struct reader *reader, const struct field *field, const char *must)
{
    return stint_fail(reader->err, STINT_INVALID, "'%s%s' must be %s", reader->path, field->name,
                      must);
}

static bool text_has_control(const char *text, size_t length, bool is_prose)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_layout = c == '\n' || c == '\t' || c == '\r';
        if (c == '\0' || c == 0x7f || (c < 0x20 && !(is_prose && is_layout)))
            return true;
    }
    return false;
}

int field_text(const struct reader *reader, const struct field *field, const json_t *value,
               bool is_prose, char **ret_text)
{
    if (!json_is_string(value))
        return field_fail(reader, field, "a text");
    size_t length = json_string_length(value);
    if (length == 0 && !is_prose)
        return field_fail(reader, field, "a text that is not empty (or null)");
    if (length > (size_t)field->max)
        return stint_fail(reader->err, STINT_TOO_LARGE,
                          "'%s%s' has %zu bytes, at most %" PRId64 " are taken", reader->path,
                          field->name, length, field->max);
    if (text_has_control(json_string_value(value), length, is_prose))
        return field_fail(reader, field, "a text without control characters");
    char *text = strdup(json_string_value(value));
    if (!text)
        return -ENOMEM;
    free(*ret_text);
    *ret_text = text;
    return 0;
}

static int field_int(const struct reader *reader, const struct field *field, const json_t *value,
                     int64_t *ret_value)
{
    char must[96];
    int64_t number = json_is_integer(value) ? (int64_t)json_integer_value(value) : 0;
    if (!json_is_integer(value) || number < field->min || number > field->max) {
        (void)snprintf(must, sizeof(must), "a whole number from %" PRId64 " to %" PRId64,
                       field->min, field->max);
        return field_fail(reader, field, must);
    }
    *ret_value = number;
    return 0;
}

static int field_word(const struct reader *reader, const struct field *field, const json_t *value,
                      unsigned *ret_index)
{
    char must[128] = "one of:";
    const char *word = json_string_value(value);
    for (unsigned i = 0; field->words[i]; i++) {
        if (word && strcmp(word, field->words[i]) == 0) {
            *ret_index = i;
            return 0;
        }
        size_t used = strlen(must);
        (void)snprintf(must + used, sizeof(must) - used, " %s", field->words[i]);
    }
    return field_fail(reader, field, must);
}

static int field_read(const struct reader *reader, const struct field *field, const json_t *value)
{
    char *place = (char *)reader->target + field->offset;
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_PROSE:
        return field_text(reader, field, value, field->kind == FIELD_PROSE, (char **)(void *)place);
    case FIELD_INT:
        return field_int(reader, field, value, (int64_t *)(void *)place);
    case FIELD_BOOL:
        if (!json_is_boolean(value))
            return field_fail(reader, field, "true or false");
        *(bool *)place = json_is_true(value);
        return 0;
    case FIELD_WORD:
        return field_word(reader, field, value, (unsigned *)(void *)place);
    case FIELD_OWN:
        return field->read(reader, field, value);
    }
    return -EINVAL;
}

static int field_unknown(const struct reader *reader, const struct field *fields, const char *name)
{
    char known[200] = "";
    (void)stint_fail(reader->err, STINT_UNKNOWN_FIELD, "unknown field '%s%.60s'", reader->path,
                     name);
    for (size_t i = 0; fields[i].name; i++) {
        size_t used = strlen(known);
        (void)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", fields[i].name);
    }
    return stint_fix(reader->err, STINT_UNKNOWN_FIELD, "known here: %s", known);
}

int fields_read(const struct reader *reader, const struct field *fields, const json_t *object)
{
    const char *name;
    const json_t *value;
    /* jansson's iterators are not const-correct; nothing here changes the object. */
    json_t *mutable_object = (json_t *)(uintptr_t)object;
    json_object_foreach(mutable_object, name, value)
    {
        const struct field *field = fields;
        while (field->name && strcmp(field->name, name) != 0)
            field++;
        if (!field->name)
            return field_unknown(reader, fields, name);
        if (json_is_null(value))
            continue;
        int r = field_read(reader, field, value);
        if (r != 0)
            return r;
    }
    return 0;
}
