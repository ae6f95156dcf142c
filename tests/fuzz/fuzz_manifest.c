/* Manifests as text: what is read and written again must be read the same. Links evaluator_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/artifact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_artifact_manifest again = { 0 };
    struct stint_buffer text = { 0 };
    if (stint_artifact_manifest_parse((const char *)data, size, &manifest, NULL) == 0) {
        stint_artifact_manifest_json(&manifest, &text);
        if (stint_artifact_manifest_parse(text.data, text.length, &again, NULL) != 0 ||
            memcmp(&manifest.digest, &again.digest, sizeof(again.digest)) != 0)
            abort();
    }
    stint_artifact_manifest_deinit(&manifest);
    stint_artifact_manifest_deinit(&again);
    stint_buffer_deinit(&text);
    return 0;
}
