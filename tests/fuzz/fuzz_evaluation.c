/* Fuzzes what the daemon reads back from the evaluation child. Whatever comes, a pass has a digest,
 * a manifest and a verdict, and every criterion that is handed on is JSON. Links admission_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../../daemon/admission/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const char *text)
{
    json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json)
        abort();
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document document = { 0 };
    struct stint_error err = { 0 };
    enum document_recheck recheck;
    char path[256];
    const char *text = (const char *)data;
    if (document_read(text, size, "auto", NULL, &document, &err) != 0) {
        if (err.text[0] == '\0')
            abort(); /* a refusal that says nothing */
    } else if (document.problem.code == 0) {
        if (strlen(document.digest) != DOCUMENT_DIGEST_SIZE - 1 || document.files <= 0)
            abort();
        if ((document.result == DOCUMENT_PASS) != (document.code == STINT_REASON_NONE))
            abort();
        check_json(document.criteria);
        check_json(document.manifest);
        check_json(document.verdict);
        char *criteria = document_criteria_of_verdict(document.verdict);
        check_json(criteria);
        free(criteria);
    }
    document_deinit(&document);
    (void)document_read_recheck(text, size, &recheck, path, NULL);
    (void)document_read_offer(text, size, NULL);
    return 0;
}
