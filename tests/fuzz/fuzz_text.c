/* Fuzzes what comes first: bodies before anybody looks at their meaning, and percent-encoded
 * pieces of a path. Links api_dep, with daemon/api/ on its include path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/api/api_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_error err = { 0 };
    json_t *json = NULL;
    const char *text = (const char *)data;
    int r = text_json(text, size, &json, &err);
    if (r != 0 && (r != STINT_INVALID || !err.text[0]))
        abort();
    json_decref(json);
    char *decoded = text_decode(text, size, true);
    if (decoded && (strlen(decoded) > size || !text_is_utf8(decoded, strlen(decoded))))
        abort();
    free(decoded);
    return 0;
}
