/* A reviewer's statement about an artefact: one fact of the table in stint/fact.h about the very
 * bytes whose digest it names, with what it rests on, when, and by whom. JSON between programs, a
 * text of its own for signatures (a C2SP signed note). Whether a signature or a role is good is for
 * whoever takes it in; what is handed to the evaluator counts. */
#ifndef STINT_ATTESTATION_H
#define STINT_ATTESTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/error.h"
#include "stint/fact.h"

#define STINT_ATTESTATION_BYTES_MAX ((size_t)8 << 10) /* of its JSON */
#define STINT_ATTESTATION_TEXT_MAX  1000              /* of one of its texts */
#define STINT_ATTESTATIONS_MAX      256               /* of one artefact */

/**
 * struct stint_attestation - one statement
 * @digest: of the artefact it was made about
 * @subject: the data set or base model of the artefact that it speaks of, "" for the artefact
 * @truth, @number, @text: the value, by the predicate's type; @text is "" else
 * @source: what it rests on: an address, a title; @document: that thing's digest, when
 * has_document. Only a statement that names the digest of a file of the artefact settles what
 * stands in that file
 * @date: YYYY-MM-DD; @criterion: for people: what was asked ("OSAID-D1c"), "" for none
 * @reviewer: the name of the key that signed it, or the role in which it was made
 * @signature: its signature line of a signed note ("U+2014 name base64"), "" for none
 * Texts are one line each, and belong to @owner. Zero-initialised to start.
 */
struct stint_attestation {
    struct stint_sha256 digest;
    struct stint_sha256 document;
    bool has_document;
    enum stint_component component;
    enum stint_predicate predicate;
    bool truth;
    int64_t number;
    const char *subject;
    const char *text;
    const char *source;
    const char *date;
    const char *criterion;
    const char *reviewer;
    const char *signature;
    void *owner;
};

/**
 * stint_attestation_parse() - read one statement (stint.attestation/1), whole and bounded
 * Return: 0; STINT_INVALID with the member and the cure: an unknown member, a component or
 * predicate that is none, a value of another type, or what no reviewer's word can settle (what the
 * files show by themselves: that weights are there, that a snapshot is complete); STINT_TOO_LARGE;
 * -ENOMEM.
 */
int stint_attestation_parse(const char *json, size_t length,
                            struct stint_attestation *ret_attestation, struct stint_error *err);
void stint_attestation_deinit(struct stint_attestation *attestation);
static inline __attribute__((unused)) void stint_attestation_deinit_auto(
    struct stint_attestation *attestation)
{
    stint_attestation_deinit(attestation);
}

/* The JSON of it, always the same for the same statement. */
void stint_attestation_json(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer);
/* What a reviewer signs: `stint.attestation/1` and a line `member value` for each member that is
 * there, in a fixed order; @reviewer is in it, the signature is not. */
void stint_attestation_text(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer);
/* The signed note: that text, an empty line, the signature line. For stint_note_verify(). */
void stint_attestation_note(const struct stint_attestation *attestation,
                            struct stint_buffer *buffer);

#endif
