/* SHA-256 by Nettle, the part of GnuTLS that does it, with the processor's SHA instructions. GnuTLS
 * itself hashes a sixth faster, and brings libraries that took a short command's half time to
 * start. */
#ifndef STINT_DIGEST_H
#define STINT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"

#define STINT_SHA256_BYTES 32
#define STINT_SHA256_HEX   65 /* with the NUL */

struct stint_sha256 {
    uint8_t bytes[STINT_SHA256_BYTES];
};

/* Digest of @length bytes. */
void stint_sha256(const void *bytes, size_t length, struct stint_sha256 *ret_digest);

/* The same over pieces. stream_end frees @stream and fills @ret_digest (may be NULL to throw the
 * work away). */
struct stint_sha256_stream;
int stint_sha256_stream_new(struct stint_sha256_stream **ret_stream); /* 0 or -ENOMEM */
void stint_sha256_stream_add(struct stint_sha256_stream *stream, const void *bytes, size_t length);
void stint_sha256_stream_end(struct stint_sha256_stream *stream, struct stint_sha256 *ret_digest);

/* 64 lower-case hex digits; @text has STINT_SHA256_HEX bytes. Returns @text. */
char *stint_sha256_hex(const struct stint_sha256 *digest, char *text);
/* Reads "sha256:<64 hex>" or 64 hex digits; 0 or STINT_INVALID. */
int stint_sha256_parse(const char *text, struct stint_sha256 *ret_digest, struct stint_error *err);

/* Compares without leaking where they differ, for secrets. */
int stint_equal_constant_time(const void *a, const void *b, size_t length); /* 1 equal, 0 not */

#endif
