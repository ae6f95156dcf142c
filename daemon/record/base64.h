/* Base64 as RFC 4648 §4 has it, by GnuTLS, strict in reading: one text for one value, nothing else.
 */
#ifndef RECORD_BASE64_H
#define RECORD_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "stint/buffer.h"

void base64_add(struct stint_buffer *buffer, const void *bytes, size_t length);
/* Exactly @length bytes from the @text_length characters of @text; false for anything else. */
bool base64_take(const char *text, size_t text_length, void *ret_bytes, size_t length);

#endif
