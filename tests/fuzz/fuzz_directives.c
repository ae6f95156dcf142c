/* Fuzzes the reading of a script's #STINT and #SBATCH lines, and the request made of them. Links
 * cli_dep. What is read must be bounded, and a request that is built must be JSON. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "directives.h"
#include "submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, enum note_kind kind, const char *text)
{
    size_t *heard = context;
    (void)kind;
    *heard += text[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = { 0 };
    struct stint_error err = { 0 };
    size_t heard = 0;
    struct notes notes = { hear, &heard };
    char *none[] = { NULL };
    bool is_strict = size > 0 && data[0] == '!';
    const char *script = size > 0 ? (const char *)data : "";
    if (directives_read("fuzz.sh", script, size, is_strict, &settings, &notes, &err) == 0) {
        struct submission submission = { .script = script,
                                         .script_length = size,
                                         .script_name = "fuzz.sh",
                                         .words = none,
                                         .cwd = "/nonexistent",
                                         .environ_ = none,
                                         .now_ms = 1 };
        json_t *request = NULL;
        if (submission_build(&submission, &settings, &notes, &request, &err) == 0 &&
            !json_is_object(request))
            abort();
        json_decref(request);
    }
    settings_deinit(&settings);
    return 0;
}
