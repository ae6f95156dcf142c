/* Owns: SHA-256 by Nettle, digests as text, and the comparison of secrets. */
#include "stint/digest.h"

#include <errno.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

struct stint_sha256_stream {
    struct sha256_ctx context;
};

void stint_sha256(const void *bytes, size_t length, struct stint_sha256 *ret_digest)
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, length, bytes ? bytes : "");
    sha256_digest(&context, STINT_SHA256_BYTES, ret_digest->bytes);
}

int stint_sha256_stream_new(struct stint_sha256_stream **ret_stream)
{
    struct stint_sha256_stream *stream = malloc(sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    sha256_init(&stream->context);
    *ret_stream = stream;
    return 0;
}

void stint_sha256_stream_add(struct stint_sha256_stream *stream, const void *bytes, size_t length)
{
    sha256_update(&stream->context, length, bytes);
}

void stint_sha256_stream_end(struct stint_sha256_stream *stream, struct stint_sha256 *ret_digest)
{
    if (stream && ret_digest)
        sha256_digest(&stream->context, STINT_SHA256_BYTES, ret_digest->bytes);
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
    return memeql_sec(a, b, length);
}
