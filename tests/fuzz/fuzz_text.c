/* Fuzzes what comes first: bodies before anybody looks at their meaning, bodies of many lines, and
 * percent-encoded pieces of a path. Links api_dep, with daemon/api/ on its include path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/api/api_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines lie one after the other inside the body, none is blank, and between them is nothing. */
static void lines(const char *text, size_t size)
{
    const char *at = text;
    const char *before = text;
    size_t length;
    for (; text_line(&at, text + size, &length); at += length, before = at) {
        json_t *json = NULL;
        if (length == 0 || length > (size_t)(text + size - at) || memchr(at, '\n', length))
            abort();
        for (const char *c = before; c < at; c++)
            if (!memchr(" \t\r\n", *c, 4))
                abort();
        if (text_json(at, length, 1, &json, NULL) == 0 && !json)
            abort();
        json_decref(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lines((const char *)data, size);
    struct stint_error err = { 0 };
    json_t *json = NULL;
    const char *text = (const char *)data;
    int r = text_json(text, size, 0, &json, &err);
    if (r != 0 && (r != STINT_INVALID || !err.text[0]))
        abort();
    json_decref(json);
    char *decoded = text_decode(text, size, true);
    if (decoded && (strlen(decoded) > size || !text_is_utf8(decoded, strlen(decoded))))
        abort();
    free(decoded);
    return 0;
}
