/* Signed heads of the public log: checkpoints (C2SP tlog-checkpoint) inside signed notes (C2SP
 * signed-note), Ed25519 by Nettle, and the keys. Everything that reads here takes hostile bytes. */
#ifndef STINT_CHECKPOINT_H
#define STINT_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/error.h"

#define STINT_NOTE_BYTES_MAX       ((size_t)64 << 10)
#define STINT_NOTE_SIGNATURES_MAX  64  /* more are refused */
#define STINT_NOTE_NAME_MAX        256 /* bytes of an origin or key name, with the NUL */
#define STINT_VKEY_TEXT_MAX        384 /* name+hash+key, with the NUL */
#define STINT_ED25519_KEY_BYTES    32
#define STINT_ED25519_SIGNED_BYTES 64

/* The one byte before a key, in ids and in vkeys. 2 to 5 are others' (C2SP signed-note); a second
 * algorithm gets its own value here and its own line in the key file. */
enum stint_note_algorithm { STINT_NOTE_ED25519 = 1 };

/**
 * struct stint_vkey - a public key as it is passed around: `name+hash+base64(algorithm || key)`
 * @name: the log's origin: no blank, no '+', not empty; @id: big-endian first 4 bytes of
 * SHA-256(name || 0x0A || algorithm || key)
 */
struct stint_vkey {
    char name[STINT_NOTE_NAME_MAX];
    uint32_t id;
    enum stint_note_algorithm algorithm;
    uint8_t key[STINT_ED25519_KEY_BYTES];
};
/* 0; STINT_UNTRUSTED with what is wrong (also a hash that is not the key's). */
int stint_vkey_parse(const char *text, struct stint_vkey *ret_vkey, struct stint_error *err);
/* @text has STINT_VKEY_TEXT_MAX bytes. Returns @text. */
char *stint_vkey_format(const struct stint_vkey *vkey, char *text);
/**
 * stint_vkey_find() - the key called @name in a file of keys, one a line, up to 64 KiB
 * Empty lines, lines that begin with '#' and lines that are no key are passed over. Return: 0;
 * STINT_NOT_FOUND; -errno of the file. Blocking.
 */
int stint_vkey_find(const char *path, const char *name, struct stint_vkey *ret_vkey,
                    struct stint_error *err);
/* 0 or STINT_INVALID: could this be the name of a key, the origin of a log? */
int stint_note_name_check(const char *name, struct stint_error *err);

struct stint_signer;
/**
 * stint_signer_create() - a new key in the new file @path (0600, synced; -EEXIST when there is a
 * file)
 * The file is text: a line that says what it is, `algorithm ed25519`, `name …`, `seed <base64>`.
 * Blocking.
 */
int stint_signer_create(const char *path, const char *name, struct stint_signer **ret_signer,
                        struct stint_error *err);
/* From its file; -ENOENT; STINT_UNTRUSTED: not a key file, an algorithm we do not know, a mode that
 * lets others read it, not a regular file. */
int stint_signer_load(const char *path, struct stint_signer **ret_signer, struct stint_error *err);
/* From a 32-byte seed (RFC 8032), for tests and for keys kept elsewhere. */
int stint_signer_from_seed(const char *name, const uint8_t seed[STINT_ED25519_KEY_BYTES],
                           struct stint_signer **ret_signer, struct stint_error *err);
struct stint_signer *stint_signer_free(struct stint_signer *signer);
/* Borrowed. */
const struct stint_vkey *stint_signer_vkey(const struct stint_signer *signer);

/**
 * stint_note_sign() - @text, which ends in a newline, as a signed note, appended to @note; ~50 us
 * Return: 0, -ENOMEM or -EIO.
 */
int stint_note_sign(const struct stint_signer *signer, const char *text, size_t length,
                    struct stint_buffer *note);
/**
 * stint_note_verify() - is this note signed by @vkey?
 * @ret_text_length: how many of its first bytes are the text that was signed
 * Signatures of other keys are ignored; a bad one of @vkey refuses the note, and so does its
 * absence. Return: 0; STINT_UNTRUSTED with what is wrong; STINT_TOO_LARGE.
 */
int stint_note_verify(const char *note, size_t length, const struct stint_vkey *vkey,
                      size_t *ret_text_length, struct stint_error *err);

/**
 * struct stint_checkpoint - what a head says
 * @origin: of the log; @extensions: 1 if there were extension lines (we write none)
 */
struct stint_checkpoint {
    char origin[STINT_NOTE_NAME_MAX];
    uint64_t size;
    struct stint_sha256 root;
    int extensions;
};

/* The signed note of the head, appended to @note; ~50 us. 0, -ENOMEM or -EIO. */
int stint_checkpoint_sign(const struct stint_signer *signer, uint64_t size,
                          const struct stint_sha256 *root, struct stint_buffer *note);
/**
 * stint_checkpoint_parse() - the head in a note, signatures only checked for their form
 * Return: 0; STINT_UNTRUSTED with what is wrong; STINT_TOO_LARGE. @note need not end in a NUL.
 */
int stint_checkpoint_parse(const char *note, size_t length, struct stint_checkpoint *ret_checkpoint,
                           struct stint_error *err);
/**
 * stint_checkpoint_verify() - the same, and signed by @vkey, whose name is the origin
 * Signatures of unknown keys are ignored; a bad one of @vkey refuses the note, and so does its
 * absence.
 */
int stint_checkpoint_verify(const char *note, size_t length, const struct stint_vkey *vkey,
                            struct stint_checkpoint *ret_checkpoint, struct stint_error *err);

#endif
