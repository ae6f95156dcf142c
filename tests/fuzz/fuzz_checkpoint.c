/* Fuzzes what a verifier is handed: signed notes, keys as text, and offline proofs. What parses
 * must keep its bounds, and nothing may verify that the key did not sign. Links record_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The one note that the key of RFC 8032 §7.1, test 1 signed here. */
static const char VKEY[] =
    "stint.example/lab+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
static const char TEXT[] = "stint.example/lab\n5\nh9UMXqS06cZqY1DcnPgMhWQabcLU6G++7tynUvpM20w=\n";

static void fuzz_note(const char *note, size_t size, const struct stint_vkey *vkey)
{
    struct stint_checkpoint checkpoint;
    struct stint_error err = { 0 };
    int parsed = stint_checkpoint_parse(note, size, &checkpoint, &err);
    if (parsed != 0 && err.text[0] == '\0')
        abort(); /* a refusal that says nothing */
    if (parsed == 0 && memchr(checkpoint.origin, '\0', sizeof(checkpoint.origin)) == NULL)
        abort();
    if (stint_checkpoint_verify(note, size, vkey, &checkpoint, NULL) != 0)
        return;
    if (parsed != 0 || size < sizeof(TEXT) - 1 || memcmp(note, TEXT, sizeof(TEXT) - 1) != 0)
        abort(); /* a forgery */
}

static void fuzz_vkey(const char *bytes, size_t size)
{
    struct stint_vkey vkey;
    char *text = strndup(bytes, size);
    char again[STINT_VKEY_TEXT_MAX];
    if (text && stint_vkey_parse(text, &vkey, NULL) == 0 &&
        strcmp(stint_vkey_format(&vkey, again), text) != 0)
        abort(); /* two texts for one key */
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct stint_vkey vkey;
    uint64_t index;
    if (stint_vkey_parse(VKEY, &vkey, NULL) != 0)
        abort();
    fuzz_note(bytes, size, &vkey);
    fuzz_vkey(bytes, size);
    if (stint_log_check_proof(bytes, size, &vkey, "{\"n\":2}", 7, &index, NULL) == 0 && index != 2)
        abort(); /* an entry in two places */
    return 0;
}
