/* Owns: the growing byte string and the streaming JSON writer. A buffer that failed stays as it was
 * and says so; nobody checks each append, everybody checks once at the end. */
#include "stint/buffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/measure.h"

void stint_buffer_deinit(struct stint_buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    memset(buffer, 0, sizeof(*buffer));
}

static bool buffer_grow(struct stint_buffer *buffer, size_t capacity)
{
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Room for @more, so that many small appends cost little. */
static bool buffer_room(struct stint_buffer *buffer, size_t more)
{
    size_t bound = buffer->bound ? buffer->bound : STINT_BUFFER_BOUND;
    if (buffer->failed || more > bound || buffer->length > bound - more) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + more + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < needed)
        capacity *= 2;
    return buffer_grow(buffer, capacity);
}

void stint_buffer_reserve(struct stint_buffer *buffer, size_t bytes)
{
    if (!buffer->failed && bytes < STINT_BUFFER_BOUND && bytes + 1 > buffer->capacity)
        (void)buffer_grow(buffer, bytes + 1);
}

void stint_buffer_add(struct stint_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0 || !buffer_room(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void stint_buffer_add_text(struct stint_buffer *buffer, const char *text)
{
    stint_buffer_add(buffer, text, strlen(text));
}

void stint_buffer_add_char(struct stint_buffer *buffer, char c)
{
    if (!buffer_room(buffer, 1))
        return;
    buffer->data[buffer->length++] = c;
    buffer->data[buffer->length] = '\0';
}

void stint_buffer_printf(struct stint_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !buffer_room(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, args);
    va_end(args);
    buffer->length += (size_t)length;
}

const char *stint_buffer_text(const struct stint_buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

char *stint_buffer_take(struct stint_buffer *buffer)
{
    if (buffer->failed || !buffer_room(buffer, 0))
        return NULL;
    buffer->data[buffer->length] = '\0';
    char *data = stint_take(buffer->data);
    size_t bound = buffer->bound;
    memset(buffer, 0, sizeof(*buffer));
    buffer->bound = bound;
    return data;
}

void stint_buffer_clear(struct stint_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    buffer->depth = 0;
    memset(buffer->comma, 0, sizeof(buffer->comma));
    if (buffer->data)
        buffer->data[0] = '\0';
}

/* A comma before this value or key, if one is due at this level. */
static void json_separate(struct stint_buffer *buffer)
{
    if (buffer->comma[buffer->depth])
        stint_buffer_add_char(buffer, ',');
    buffer->comma[buffer->depth] = true;
}

static void json_open(struct stint_buffer *buffer, char bracket)
{
    json_separate(buffer);
    if (buffer->depth + 1 >= STINT_JSON_DEPTH_MAX) {
        buffer->failed = true;
        return;
    }
    stint_buffer_add_char(buffer, bracket);
    buffer->comma[++buffer->depth] = false;
}

static void json_close(struct stint_buffer *buffer, char bracket)
{
    stint_buffer_add_char(buffer, bracket);
    if (buffer->depth == 0)
        buffer->failed = true;
    else
        buffer->depth--;
}

void stint_json_object(struct stint_buffer *buffer)
{
    json_open(buffer, '{');
}

void stint_json_object_end(struct stint_buffer *buffer)
{
    json_close(buffer, '}');
}

void stint_json_array(struct stint_buffer *buffer)
{
    json_open(buffer, '[');
}

void stint_json_array_end(struct stint_buffer *buffer)
{
    json_close(buffer, ']');
}

/* Length of the valid UTF-8 sequence at @text (RFC 3629: no surrogates, nothing above U+10FFFF,
 * shortest form), 0 if none. */
static size_t utf8_sequence(const unsigned char *text, size_t left)
{
    unsigned char first = text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

static void json_escape(struct stint_buffer *buffer, unsigned char c)
{
    switch (c) {
    case '"':
        stint_buffer_add(buffer, "\\\"", 2);
        return;
    case '\\':
        stint_buffer_add(buffer, "\\\\", 2);
        return;
    case '\n':
        stint_buffer_add(buffer, "\\n", 2);
        return;
    case '\r':
        stint_buffer_add(buffer, "\\r", 2);
        return;
    case '\t':
        stint_buffer_add(buffer, "\\t", 2);
        return;
    default:
        stint_buffer_printf(buffer, "\\u%04x", c);
        return;
    }
}

static bool is_plain_ascii(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void json_quote(struct stint_buffer *buffer, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t plain = 0; /* start of the run that needs no escape */
    stint_buffer_add_char(buffer, '"');
    for (size_t i = 0; i < length;) {
        if (is_plain_ascii(bytes[i])) {
            i++;
            continue;
        }
        size_t sequence = utf8_sequence(bytes + i, length - i);
        if (sequence > 1) {
            i += sequence;
            continue;
        }
        stint_buffer_add(buffer, text + plain, i - plain);
        if (sequence == 0)
            stint_buffer_add(buffer, "\xef\xbf\xbd", 3);
        else
            json_escape(buffer, bytes[i]);
        plain = ++i;
    }
    stint_buffer_add(buffer, text + plain, length - plain);
    stint_buffer_add_char(buffer, '"');
}

void stint_json_key(struct stint_buffer *buffer, const char *key)
{
    json_separate(buffer);
    json_quote(buffer, key, strlen(key));
    stint_buffer_add_char(buffer, ':');
    buffer->comma[buffer->depth] = false; /* the value that follows wants no comma */
}

void stint_json_text_n(struct stint_buffer *buffer, const char *text, size_t length)
{
    json_separate(buffer);
    json_quote(buffer, text, length);
}

void stint_json_text(struct stint_buffer *buffer, const char *text)
{
    if (text)
        stint_json_text_n(buffer, text, strlen(text));
    else
        stint_json_null(buffer);
}

void stint_json_int(struct stint_buffer *buffer, int64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%lld", (long long)value);
    json_separate(buffer);
    stint_buffer_add(buffer, text, (size_t)length);
}

void stint_json_double(struct stint_buffer *buffer, double value)
{
    if (!isfinite(value)) {
        stint_json_null(buffer);
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_separate(buffer);
    stint_buffer_add_text(buffer, text);
    if (!strpbrk(text, ".e"))
        stint_buffer_add(buffer, ".0", 2);
}

void stint_json_bool(struct stint_buffer *buffer, bool value)
{
    json_separate(buffer);
    stint_buffer_add_text(buffer, value ? "true" : "false");
}

void stint_json_null(struct stint_buffer *buffer)
{
    json_separate(buffer);
    stint_buffer_add(buffer, "null", 4);
}

void stint_json_raw(struct stint_buffer *buffer, const char *json, size_t length)
{
    json_separate(buffer);
    stint_buffer_add(buffer, json, length);
}

void stint_json_time(struct stint_buffer *buffer, int64_t at_ms)
{
    char text[40];
    if (at_ms == 0)
        stint_json_null(buffer);
    else
        stint_json_text(buffer, stint_instant_format(at_ms, text, sizeof(text)));
}

void stint_json_kv_text(struct stint_buffer *buffer, const char *key, const char *text)
{
    stint_json_key(buffer, key);
    stint_json_text(buffer, text);
}

void stint_json_kv_int(struct stint_buffer *buffer, const char *key, int64_t value)
{
    stint_json_key(buffer, key);
    stint_json_int(buffer, value);
}

void stint_json_kv_bool(struct stint_buffer *buffer, const char *key, bool value)
{
    stint_json_key(buffer, key);
    stint_json_bool(buffer, value);
}

void stint_json_kv_null(struct stint_buffer *buffer, const char *key)
{
    stint_json_key(buffer, key);
    stint_json_null(buffer);
}

void stint_json_kv_time(struct stint_buffer *buffer, const char *key, int64_t at_ms)
{
    stint_json_key(buffer, key);
    stint_json_time(buffer, at_ms);
}
