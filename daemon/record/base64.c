/* Owns: base64. GnuTLS reads leniently (blanks, missing padding), so what was read is written again
 * and compared: a signature must not have two texts. */
#include "base64.h"

#include <gnutls/gnutls.h>
#include <string.h>

static bool is_canonical(const char *text, size_t text_length, const gnutls_datum_t *bytes)
{
    gnutls_datum_t again = { 0 };
    if (gnutls_base64_encode2(bytes, &again) != 0)
        return false;
    bool is_same = again.size == text_length && memcmp(again.data, text, text_length) == 0;
    gnutls_free(again.data);
    return is_same;
}

void base64_add(struct stint_buffer *buffer, const void *bytes, size_t length)
{
    unsigned char *data = (unsigned char *)(uintptr_t)bytes; /* only read */
    gnutls_datum_t in = { .data = data, .size = (unsigned)length };
    gnutls_datum_t out = { 0 };
    if (gnutls_base64_encode2(&in, &out) != 0) {
        buffer->failed = true;
        return;
    }
    stint_buffer_add(buffer, out.data, out.size);
    gnutls_free(out.data);
}

bool base64_take(const char *text, size_t text_length, void *ret_bytes, size_t length)
{
    if (text_length != (length + 2) / 3 * 4)
        return false;
    unsigned char *data = (unsigned char *)(uintptr_t)text; /* only read */
    gnutls_datum_t in = { .data = data, .size = (unsigned)text_length };
    gnutls_datum_t out = { 0 };
    if (gnutls_base64_decode2(&in, &out) != 0)
        return false;
    bool is_good = out.size == length && is_canonical(text, text_length, &out);
    if (is_good)
        memcpy(ret_bytes, out.data, length);
    gnutls_memset(out.data, 0, out.size);
    gnutls_free(out.data);
    return is_good;
}
