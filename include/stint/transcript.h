/* How the pieces of a transcript hang together (stint/clerk.h): each has a digest over itself and
 * the one before, so that a piece that was changed, taken out or put in is noticed by whoever knows
 * a later digest. */
#ifndef STINT_TRANSCRIPT_H
#define STINT_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "stint/digest.h"

/**
 * struct stint_transcript_piece - one piece as it is kept, without its digest
 * As struct stint_transcript_row; @body is borrowed.
 */
struct stint_transcript_piece {
    int64_t id;
    int64_t core;
    int64_t at_ms;
    int64_t start_count;
    const void *body;
    size_t length;
};

/**
 * stint_transcript_chain() - the digest of @piece behind @before (NULL before the first)
 * SHA-256(before || id || core || at_ms || start_count || SHA-256(body)); numbers are 8 bytes,
 * least significant first; 32 zeros before the first piece.
 */
void stint_transcript_chain(const struct stint_sha256 *before,
                            const struct stint_transcript_piece *piece,
                            struct stint_sha256 *ret_digest);

#endif
