/* Owns: the text of checkpoints and signed notes. A note is its text, which ends in a newline, an
 * empty line, and signature lines; only the text is signed. */
#include "stint/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "note.h"
#include "stint/auto.h"

static const char DASH[] = "\xe2\x80\x94 "; /* U+2014 and a blank begin a signature line */
#define DASH_BYTES (sizeof(DASH) - 1)

/* A piece of the note; never NUL-terminated. */
struct span {
    const char *text;
    size_t length;
};

static int bad_note(const char *why, struct stint_error *err)
{
    return stint_fail(err, STINT_UNTRUSTED, "not a signed note: %s", why);
}

/* ---- writing */

static void text_write(const char *origin, uint64_t size, const struct stint_sha256 *root,
                       struct stint_buffer *note)
{
    stint_buffer_printf(note, "%s\n%llu\n", origin, (unsigned long long)size);
    base64_add(note, root->bytes, STINT_SHA256_BYTES);
    stint_buffer_add_char(note, '\n');
}

int stint_note_sign(const struct stint_signer *signer, const char *text, size_t length,
                    struct stint_buffer *note)
{
    const struct stint_vkey *vkey = stint_signer_vkey(signer);
    uint8_t signature[4 + STINT_ED25519_SIGNED_BYTES];
    assert(length > 0 && text[length - 1] == '\n');
    for (unsigned i = 0; i < 4; i++)
        signature[i] = (uint8_t)(vkey->id >> (24 - 8 * i));
    signer_sign(signer, text, length, signature + 4);
    stint_buffer_add(note, text, length);
    stint_buffer_printf(note, "\n%s%s ", DASH, vkey->name);
    base64_add(note, signature, sizeof(signature));
    stint_buffer_add_char(note, '\n');
    return note->failed ? -ENOMEM : 0;
}

int stint_checkpoint_sign(const struct stint_signer *signer, uint64_t size,
                          const struct stint_sha256 *root, struct stint_buffer *note)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    text_write(stint_signer_vkey(signer)->name, size, root, &text);
    if (text.failed)
        return -ENOMEM;
    return stint_note_sign(signer, text.data, text.length, note);
}

/* ---- reading */

/* The next line without its newline; false at the end, and for a last line without one. */
static bool take_line(struct span *rest, struct span *ret_line)
{
    const char *end = rest->length ? memchr(rest->text, '\n', rest->length) : NULL;
    if (!end)
        return false;
    *ret_line = (struct span){ rest->text, (size_t)(end - rest->text) };
    rest->length -= ret_line->length + 1;
    rest->text = end + 1;
    return true;
}

static bool is_plain(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)bytes[i] < 0x20 && bytes[i] != '\n') || bytes[i] == 0x7f)
            return false;
    return true;
}

/* At the last empty line: the text may have empty lines too. */
static int split_note(const char *note, size_t length, struct span *ret_text, struct span *ret_rest,
                      struct stint_error *err)
{
    if (length > STINT_NOTE_BYTES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "a note of %zu bytes, at most %zu", length,
                          STINT_NOTE_BYTES_MAX);
    if (!is_plain(note, length))
        return bad_note("control characters", err);
    for (size_t i = length; i >= 2; i--)
        if (note[i - 1] == '\n' && note[i - 2] == '\n') {
            *ret_text = (struct span){ note, i - 1 };
            *ret_rest = (struct span){ note + i, length - i };
            return 0;
        }
    return bad_note("no empty line before the signatures", err);
}

static bool take_size(struct span line, uint64_t *ret_size)
{
    uint64_t size = 0;
    if (line.length == 0 || (line.length > 1 && line.text[0] == '0'))
        return false;
    for (size_t i = 0; i < line.length; i++) {
        unsigned digit = (unsigned)(line.text[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(size, UINT64_C(10), &size) ||
            __builtin_add_overflow(size, digit, &size))
            return false;
    }
    *ret_size = size;
    return size <= UINT64_C(1) << 62;
}

static int parse_text(struct span text, struct stint_checkpoint *ret_checkpoint,
                      struct stint_error *err)
{
    struct stint_checkpoint checkpoint = { 0 };
    struct span line;
    if (!take_line(&text, &line) || line.length >= sizeof(checkpoint.origin))
        return bad_note("no origin in the first line", err);
    memcpy(checkpoint.origin, line.text, line.length);
    if (stint_note_name_check(checkpoint.origin, NULL) != 0)
        return bad_note("no origin in the first line", err);
    if (!take_line(&text, &line) || !take_size(line, &checkpoint.size))
        return bad_note("no size in the second line", err);
    if (!take_line(&text, &line) ||
        !base64_take(line.text, line.length, checkpoint.root.bytes, STINT_SHA256_BYTES))
        return bad_note("no root hash in the third line", err);
    while (take_line(&text, &line)) {
        if (line.length == 0)
            return bad_note("an empty line among the extensions", err);
        checkpoint.extensions = 1;
    }
    *ret_checkpoint = checkpoint;
    return 0;
}

/* A signature line: who says he signed, and the bytes that prove it when they are Ed25519's. */
struct note_signature {
    struct span name;
    uint32_t id;
    uint8_t bytes[STINT_ED25519_SIGNED_BYTES];
    bool is_ed25519_size;
};

static bool parse_signature(struct span line, struct note_signature *ret_signature)
{
    uint8_t bytes[4 + STINT_ED25519_SIGNED_BYTES];
    if (line.length < DASH_BYTES || memcmp(line.text, DASH, DASH_BYTES) != 0)
        return false;
    struct span name = { line.text + DASH_BYTES, line.length - DASH_BYTES };
    const char *blank = name.length ? memchr(name.text, ' ', name.length) : NULL;
    if (!blank || blank == name.text)
        return false;
    struct span encoded = { blank + 1, name.length - (size_t)(blank - name.text) - 1 };
    ret_signature->name = (struct span){ name.text, (size_t)(blank - name.text) };
    ret_signature->is_ed25519_size =
        base64_take(encoded.text, encoded.length, bytes, sizeof(bytes));
    if (!ret_signature->is_ed25519_size) /* another algorithm's: 5 bytes at least */
        return encoded.length >= 8 && encoded.length % 4 == 0;
    ret_signature->id =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    memcpy(ret_signature->bytes, bytes + 4, STINT_ED25519_SIGNED_BYTES);
    return true;
}

static bool is_of(const struct note_signature *signature, const struct stint_vkey *vkey)
{
    return signature->is_ed25519_size && signature->id == vkey->id &&
           signature->name.length == strlen(vkey->name) &&
           memcmp(signature->name.text, vkey->name, signature->name.length) == 0;
}

/* @vkey NULL looks at the form only. */
static int check_signatures(struct span text, struct span rest, const struct stint_vkey *vkey,
                            struct stint_error *err)
{
    struct note_signature signature;
    struct span line;
    size_t count = 0;
    bool is_signed = false;
    while (take_line(&rest, &line)) {
        if (++count > STINT_NOTE_SIGNATURES_MAX)
            return bad_note("more signatures than this version reads", err);
        if (!parse_signature(line, &signature))
            return bad_note("a signature line that is none", err);
        if (!vkey || !is_of(&signature, vkey))
            continue;
        if (!vkey_verify(vkey, text.text, text.length, signature.bytes))
            return stint_fail(err, STINT_UNTRUSTED, "the signature of %s is bad", vkey->name);
        is_signed = true;
    }
    if (rest.length > 0 || count == 0)
        return bad_note("it does not end in a signature line", err);
    if (vkey && !is_signed)
        return stint_fail(err, STINT_UNTRUSTED, "no signature of the key %s+%08x", vkey->name,
                          vkey->id);
    return 0;
}

int stint_note_verify(const char *note, size_t length, const struct stint_vkey *vkey,
                      size_t *ret_text_length, struct stint_error *err)
{
    struct span text = { 0 };
    struct span rest = { 0 };
    int r = split_note(note, length, &text, &rest, err);
    if (r == 0)
        r = check_signatures(text, rest, vkey, err);
    if (r == 0)
        *ret_text_length = text.length;
    return r;
}

static int checkpoint_read(const char *note, size_t length, const struct stint_vkey *vkey,
                           struct stint_checkpoint *ret_checkpoint, struct stint_error *err)
{
    struct stint_checkpoint checkpoint;
    struct span text = { 0 };
    struct span rest = { 0 };
    int r = split_note(note, length, &text, &rest, err);
    if (r == 0)
        r = check_signatures(text, rest, vkey, err);
    if (r == 0)
        r = parse_text(text, &checkpoint, err);
    if (r == 0 && vkey && strcmp(checkpoint.origin, vkey->name) != 0)
        r = stint_fail(err, STINT_UNTRUSTED, "a checkpoint of the log %s, not of %s",
                       checkpoint.origin, vkey->name);
    if (r == 0)
        *ret_checkpoint = checkpoint;
    return r;
}

int stint_checkpoint_parse(const char *note, size_t length, struct stint_checkpoint *ret_checkpoint,
                           struct stint_error *err)
{
    return checkpoint_read(note, length, NULL, ret_checkpoint, err);
}

int stint_checkpoint_verify(const char *note, size_t length, const struct stint_vkey *vkey,
                            struct stint_checkpoint *ret_checkpoint, struct stint_error *err)
{
    return checkpoint_read(note, length, vkey, ret_checkpoint, err);
}
