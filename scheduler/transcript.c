/* Owns: the digest that ties the pieces of a transcript together. */
#include "stint/transcript.h"

#include <string.h>

void stint_transcript_chain(const struct stint_sha256 *before,
                            const struct stint_transcript_piece *piece,
                            struct stint_sha256 *ret_digest)
{
    const int64_t numbers[] = { piece->id, piece->core, piece->at_ms, piece->start_count };
    uint8_t bytes[STINT_SHA256_BYTES + sizeof(numbers) + STINT_SHA256_BYTES] = { 0 };
    struct stint_sha256 body;
    uint8_t *at = bytes;
    if (before)
        memcpy(at, before->bytes, sizeof(before->bytes));
    at += STINT_SHA256_BYTES;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (unsigned shift = 0; shift < 64; shift += 8)
            *at++ = (uint8_t)((uint64_t)numbers[i] >> shift);
    stint_sha256(piece->body, piece->length, &body);
    memcpy(at, body.bytes, sizeof(body.bytes));
    stint_sha256(bytes, sizeof(bytes), ret_digest);
}
