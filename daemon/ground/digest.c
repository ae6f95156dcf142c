/* Owns: SHA-256 by GnuTLS, digests as text, and the comparison of secrets. */
#include "stint/digest.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

struct stint_sha256_stream {
    gnutls_hash_hd_t handle;
};

void stint_sha256(const void *bytes, size_t length, struct stint_sha256 *ret_digest)
{
    int r = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes ? bytes : "", length, ret_digest->bytes);
    assert(r == 0);
    (void)r;
}

int stint_sha256_stream_new(struct stint_sha256_stream **ret_stream)
{
    struct stint_sha256_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    if (gnutls_hash_init(&stream->handle, GNUTLS_DIG_SHA256) != 0) {
        free(stream);
        return -ENOMEM;
    }
    *ret_stream = stream;
    return 0;
}

void stint_sha256_stream_add(struct stint_sha256_stream *stream, const void *bytes, size_t length)
{
    int r = gnutls_hash(stream->handle, bytes, length);
    assert(r == 0);
    (void)r;
}

void stint_sha256_stream_end(struct stint_sha256_stream *stream, struct stint_sha256 *ret_digest)
{
    if (!stream)
        return;
    gnutls_hash_deinit(stream->handle, ret_digest ? ret_digest->bytes : NULL);
    free(stream);
}

char *stint_sha256_hex(const struct stint_sha256 *digest, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < STINT_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    text[STINT_SHA256_HEX - 1] = '\0';
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int stint_sha256_parse(const char *text, struct stint_sha256 *ret_digest, struct stint_error *err)
{
    static const char prefix[] = "sha256:";
    struct stint_sha256 digest;
    const char *hex =
        strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1 : text;
    if (strlen(hex) != STINT_SHA256_HEX - 1)
        return stint_fail(err, STINT_INVALID, "a digest is sha256: and 64 hex digits, not %zu",
                          strlen(hex));
    for (size_t i = 0; i < STINT_SHA256_BYTES; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return stint_fail(err, STINT_INVALID, "'%c' in a digest is not a hex digit",
                              hex[2 * i + (high >= 0)]);
        digest.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_digest = digest;
    return 0;
}

int stint_equal_constant_time(const void *a, const void *b, size_t length)
{
    return gnutls_memcmp(a, b, length) == 0;
}
