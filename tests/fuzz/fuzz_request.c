/* Fuzzes job requests: what parses must be written and read back the same. Links request_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_request request = { 0 };
    struct stint_error err = { 0 };
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json && stint_request_parse(json, &request, &err) == 0) {
        struct stint_request again = { 0 };
        struct stint_buffer text = { 0 };
        stint_request_write(&request, NULL, &text);
        json_t *back = json_loads(stint_buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
        if (!text.failed && (!back || stint_request_parse(back, &again, &err) != 0))
            abort();
        json_decref(back);
        stint_request_deinit(&again);
        stint_buffer_deinit(&text);
    } else if (json && err.text[0] == '\0') {
        abort(); /* a refusal that says nothing */
    }
    json_decref(json);
    stint_request_deinit(&request);
    return 0;
}
