/* Owns: base64. Nettle reads leniently (blanks), so what was read is written again and compared: a
 * signature must not have two texts. */
#include "base64.h"

#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

void base64_add(struct stint_buffer *buffer, const void *bytes, size_t length)
{
    stint_auto(stint_free) char *text = malloc(BASE64_ENCODE_RAW_LENGTH(length) + 1);
    if (!text) {
        buffer->failed = true;
        return;
    }
    base64_encode_raw(text, length, bytes);
    stint_buffer_add(buffer, text, BASE64_ENCODE_RAW_LENGTH(length));
}

bool base64_take(const char *text, size_t text_length, void *ret_bytes, size_t length)
{
    struct base64_decode_ctx context;
    size_t decoded = BASE64_DECODE_LENGTH(text_length);
    if (text_length != BASE64_ENCODE_RAW_LENGTH(length))
        return false;
    stint_auto(stint_free) uint8_t *bytes = malloc(decoded + 1);
    stint_auto(stint_free) char *again = malloc(text_length + 1);
    if (!bytes || !again)
        return false;
    base64_decode_init(&context);
    bool is_good = base64_decode_update(&context, &decoded, bytes, text_length, text) &&
                   base64_decode_final(&context) && decoded == length;
    if (is_good) {
        base64_encode_raw(again, length, bytes);
        is_good = memcmp(again, text, text_length) == 0;
    }
    if (is_good)
        memcpy(ret_bytes, bytes, length);
    explicit_bzero(bytes, BASE64_DECODE_LENGTH(text_length));
    explicit_bzero(again, text_length);
    return is_good;
}
