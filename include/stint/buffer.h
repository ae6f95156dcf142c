/* A growing byte string with a hard bound, and a streaming JSON writer on top of it. The writer
 * costs 25 ms for 100,000 jobs where a jansson tree costs a second (shared measurements, limits H),
 * so answers are written with it and bodies are read with jansson. */
#ifndef STINT_BUFFER_H
#define STINT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/auto.h"

/**
 * struct stint_buffer - bytes with a trailing NUL that is not counted
 * @data: NULL while empty; owned
 * @length: bytes without the NUL
 * @capacity: bytes allocated
 * @bound: most bytes it may ever hold; 0 means STINT_BUFFER_BOUND
 * @failed: an allocation failed or the bound was reached; later appends do nothing and the owner
 * must check once at the end
 * @depth, @comma: the JSON writer's nesting and, for each level, whether a comma is due
 * Zero-initialise to start: `struct stint_buffer b = { 0 };`
 */
#define STINT_BUFFER_BOUND   ((size_t)256 << 20)
#define STINT_JSON_DEPTH_MAX 32
struct stint_buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t bound;
    bool failed;
    uint8_t depth;
    bool comma[STINT_JSON_DEPTH_MAX];
};

void stint_buffer_deinit(struct stint_buffer *buffer);
static inline __attribute__((unused)) void stint_buffer_deinit_auto(struct stint_buffer *buffer)
{
    stint_buffer_deinit(buffer);
}

/* Room for @bytes in all, where one knows what is coming: the rest is not copied as it grows. Fails
 * the buffer when there is no memory. */
void stint_buffer_reserve(struct stint_buffer *buffer, size_t bytes);
/* Append; on failure they set @failed and leave what was there. Amortised O(length). */
void stint_buffer_add(struct stint_buffer *buffer, const void *bytes, size_t length);
void stint_buffer_add_text(struct stint_buffer *buffer, const char *text);
void stint_buffer_add_char(struct stint_buffer *buffer, char c);
void stint_buffer_printf(struct stint_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The text, never NULL: "" while empty. Borrowed until the next append. */
const char *stint_buffer_text(const struct stint_buffer *buffer);
/* Hands the bytes to the caller (free()), leaves the buffer empty; NULL when it failed. */
char *stint_buffer_take(struct stint_buffer *buffer);
/* Forget the content, keep the memory. */
void stint_buffer_clear(struct stint_buffer *buffer);

/*
 * The JSON writer (RFC 8259). Commas are its own business. A key belongs before every value inside
 * an object; the shorthand `_kv` forms write both. Text is taken as UTF-8: control characters,
 * quotes and backslashes are escaped, and bytes that are not valid UTF-8 become U+FFFD. Nesting
 * beyond STINT_JSON_DEPTH_MAX fails the buffer.
 */
void stint_json_object(struct stint_buffer *buffer);     /* { */
void stint_json_object_end(struct stint_buffer *buffer); /* } */
void stint_json_array(struct stint_buffer *buffer);      /* [ */
void stint_json_array_end(struct stint_buffer *buffer);  /* ] */
void stint_json_key(struct stint_buffer *buffer, const char *key);
void stint_json_text(struct stint_buffer *buffer, const char *text); /* NULL writes null */
void stint_json_text_n(struct stint_buffer *buffer, const char *text, size_t length);
void stint_json_int(struct stint_buffer *buffer, int64_t value);
void stint_json_double(struct stint_buffer *buffer,
                       double value); /* shortest that reads back; not finite writes null */
void stint_json_bool(struct stint_buffer *buffer, bool value);
void stint_json_null(struct stint_buffer *buffer);
void stint_json_raw(struct stint_buffer *buffer, const char *json,
                    size_t length); /* a value written before */
void stint_json_time(struct stint_buffer *buffer,
                     int64_t at_ms); /* RFC 3339 UTC text; 0 writes null */

void stint_json_kv_text(struct stint_buffer *buffer, const char *key, const char *text);
void stint_json_kv_int(struct stint_buffer *buffer, const char *key, int64_t value);
void stint_json_kv_bool(struct stint_buffer *buffer, const char *key, bool value);
void stint_json_kv_null(struct stint_buffer *buffer, const char *key);
void stint_json_kv_time(struct stint_buffer *buffer, const char *key, int64_t at_ms);

#endif
