/* Signed notes inside the record: key ids, and Ed25519 over bytes. */
#ifndef RECORD_NOTE_H
#define RECORD_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/checkpoint.h"

uint32_t note_key_id(const char *name, enum stint_note_algorithm algorithm,
                     const uint8_t key[STINT_ED25519_KEY_BYTES]);
void signer_sign(const struct stint_signer *signer, const void *bytes, size_t length,
                 uint8_t signature[STINT_ED25519_SIGNED_BYTES]);
bool vkey_verify(const struct stint_vkey *vkey, const void *bytes, size_t length,
                 const uint8_t signature[STINT_ED25519_SIGNED_BYTES]);

#endif
