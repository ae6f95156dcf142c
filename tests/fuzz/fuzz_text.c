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

#ifdef STINT_FUZZ_REPLAY
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        static uint8_t data[1 << 20];
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            return 1;
        size_t size = fread(data, 1, sizeof(data), file);
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}
#endif
