/* Entries of the public log: one JSON object each; the stored bytes are what is hashed. No personal
 * value is ever in one (they could never be erased): a person is a salted commitment,
 * {"c":"<base64 SHA-256(salt || value)>"}, whose salt and value lie beside the log and can be
 * deleted. */
#ifndef STINT_LOG_ENTRY_H
#define STINT_LOG_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/error.h"

#define STINT_LOG_ENTRY_BYTES_MAX 65535 /* a tile's length prefix has 16 bits */
#define STINT_LOG_ENTRY_VERSION   1
#define STINT_LOG_TYPE_MAX        64
#define STINT_LOG_SALT_BYTES      16

/**
 * struct stint_log_draft - what somebody wants in the log
 * @type: "award.change", "quota.set", "admission.verdict", "policy.set", "waiver", … lower-case
 * words joined by dots
 * @role: who did it, by role: "operator", "daemon", "pi"
 * @person: login name or other personal value of the actor; only its commitment is written. NULL
 * for none
 * @subject: JSON object: what it is about and what it is now (ids, digests, amounts, before and
 * after); NULL writes null. Public: no user or job names, no host paths (invariant 10)
 * @policy: digest of the policy in force, NULL for the one that the record was told
 * @code, @params, @reason: the reason: a stable token, a JSON object of its figures, the sentence
 * that --reason gave; each may be NULL
 * @prev: index of the entry this one amends, -1 for none
 * @doc: JSON object of digests of side documents, {"verdict":"sha256:…"}; NULL writes null
 */
struct stint_log_draft {
    const char *type;
    const char *role;
    const char *person;
    const char *subject;
    const struct stint_sha256 *policy;
    const char *code;
    const char *params;
    const char *reason;
    int64_t prev;
    const char *doc;
};

/**
 * stint_log_entry_write() - the entry's bytes, appended to @buffer
 * @seq: its index from 0; @person: its commitment, NULL for none
 * Return: 0; STINT_INVALID: a type or a JSON part that is not what it should be; STINT_TOO_LARGE;
 * -ENOMEM. O(bytes).
 */
int stint_log_entry_write(const struct stint_log_draft *draft, uint64_t seq, int64_t at_ms,
                          const struct stint_sha256 *person, struct stint_buffer *buffer,
                          struct stint_error *err);

/* What a verifier reads of an entry. */
struct stint_log_entry {
    uint64_t seq;
    int64_t at_ms;
    int64_t prev; /* -1 for none */
    char type[STINT_LOG_TYPE_MAX];
};
/* 0; STINT_UNTRUSTED with what is wrong; STINT_TOO_LARGE. Safe on any bytes. Unknown members are
 * let be (a later version may have more). */
int stint_log_entry_parse(const void *bytes, size_t length, struct stint_log_entry *ret_entry,
                          struct stint_error *err);

/* SHA-256(salt || value), the commitment to @value. */
void stint_log_commit(const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                      struct stint_sha256 *ret_commitment);

#endif
