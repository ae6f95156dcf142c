/* Owns: the names and public keys of signed notes (C2SP signed-note). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "note.h"
#include "stint/auto.h"
#include "stint/checkpoint.h"

int stint_note_name_check(const char *name, struct stint_error *err)
{
    size_t length = strlen(name);
    if (length == 0 || length >= STINT_NOTE_NAME_MAX)
        return stint_fail(err, STINT_INVALID, "the name of a log has 1 to %d bytes, not %zu",
                          STINT_NOTE_NAME_MAX - 1, length);
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c == '+' || *c == 0x7f)
            return stint_fail(err, STINT_INVALID,
                              "the name of a log is a host and a path of plain characters, without "
                              "blanks and '+': \"stint.example.org/lab\"");
    return 0;
}

uint32_t note_key_id(const char *name, enum stint_note_algorithm algorithm,
                     const uint8_t key[STINT_ED25519_KEY_BYTES])
{
    struct stint_sha256_stream *stream;
    struct stint_sha256 digest;
    unsigned char mark[2] = { '\n', (unsigned char)algorithm };
    if (stint_sha256_stream_new(&stream) != 0)
        abort(); /* out of memory for a few hundred bytes */
    stint_sha256_stream_add(stream, name, strlen(name));
    stint_sha256_stream_add(stream, mark, sizeof(mark));
    stint_sha256_stream_add(stream, key, STINT_ED25519_KEY_BYTES);
    stint_sha256_stream_end(stream, &digest);
    return (uint32_t)digest.bytes[0] << 24 | (uint32_t)digest.bytes[1] << 16 |
           (uint32_t)digest.bytes[2] << 8 | digest.bytes[3];
}

char *stint_vkey_format(const struct stint_vkey *vkey, char *text)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer buffer = { 0 };
    unsigned char bytes[1 + STINT_ED25519_KEY_BYTES];
    bytes[0] = (unsigned char)vkey->algorithm;
    memcpy(bytes + 1, vkey->key, STINT_ED25519_KEY_BYTES);
    stint_buffer_printf(&buffer, "%s+%08x+", vkey->name, vkey->id);
    base64_add(&buffer, bytes, sizeof(bytes));
    (void)snprintf(text, STINT_VKEY_TEXT_MAX, "%s", stint_buffer_text(&buffer));
    return text;
}

static int bad_key(const char *why, struct stint_error *err)
{
    return stint_fail(err, STINT_UNTRUSTED, "not a log key NAME+HASH+KEY: %s", why);
}

static bool take_id(const char *hex, size_t length, uint32_t *ret_id)
{
    uint32_t id = 0;
    for (size_t i = 0; i < length; i++) {
        char c = hex[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit == 16)
            return false;
        id = id << 4 | digit;
    }
    *ret_id = id;
    return length == 8;
}

int stint_vkey_parse(const char *text, struct stint_vkey *ret_vkey, struct stint_error *err)
{
    struct stint_vkey vkey = { .algorithm = STINT_NOTE_ED25519 };
    unsigned char bytes[1 + STINT_ED25519_KEY_BYTES];
    const char *hash = strchr(text, '+');
    const char *key = hash ? strchr(hash + 1, '+') : NULL;
    if (!key)
        return bad_key("it has no two '+'", err);
    if ((size_t)(hash - text) >= sizeof(vkey.name))
        return bad_key("the name is too long", err);
    memcpy(vkey.name, text, (size_t)(hash - text));
    if (stint_note_name_check(vkey.name, NULL) != 0)
        return bad_key("the name is not one", err);
    if (!take_id(hash + 1, (size_t)(key - hash - 1), &vkey.id))
        return bad_key("the hash is not 8 hex digits", err);
    if (!base64_take(key + 1, strlen(key + 1), bytes, sizeof(bytes)))
        return bad_key("the key is not base64 of 33 bytes", err);
    if (bytes[0] != STINT_NOTE_ED25519)
        return bad_key("an algorithm that this version does not know", err);
    memcpy(vkey.key, bytes + 1, STINT_ED25519_KEY_BYTES);
    if (note_key_id(vkey.name, vkey.algorithm, vkey.key) != vkey.id)
        return bad_key("the hash is not that of this name and key", err);
    *ret_vkey = vkey;
    return 0;
}

#define KEYS_BYTES_MAX ((size_t)64 << 10)

int stint_vkey_find(const char *path, const char *name, struct stint_vkey *ret_vkey,
                    struct stint_error *err)
{
    char line[STINT_VKEY_TEXT_MAX];
    struct stint_vkey vkey;
    size_t read = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return stint_fail(err, -errno, "%.200s: %s", path, strerror(errno));
    bool is_found = false;
    while (!is_found && read <= KEYS_BYTES_MAX && fgets(line, sizeof(line), file)) {
        read += strlen(line);
        line[strcspn(line, "\r\n")] = '\0';
        is_found = line[0] && line[0] != '#' && stint_vkey_parse(line, &vkey, NULL) == 0 &&
                   strcmp(vkey.name, name) == 0;
    }
    (void)fclose(file);
    if (!is_found)
        return stint_fail(err, STINT_NOT_FOUND, "no key of %.100s in %.200s", name, path);
    *ret_vkey = vkey;
    return 0;
}
