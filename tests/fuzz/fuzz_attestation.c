/* Reviewers' statements: refused with a reason, or facts that are attested and say whose they are;
 * about other bytes they say nothing. Links evaluator_parts_dep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"
#include "stint/attestation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct stint_facts *facts)
{
    for (size_t i = 0; i < stint_facts_count(facts); i++) {
        const struct stint_fact *fact = stint_facts_at(facts, i);
        if (fact->from > 0)
            continue; /* what terms restrict: it follows from a statement */
        if (fact->grade != STINT_ATTESTED || fact->source != STINT_SOURCE_ATTESTATION ||
            strncmp(fact->path, "attestation by ", 15) != 0)
            abort();
    }
}

/* One statement by itself: what is read is written, and read the same. */
static void round_trip(const char *text, size_t length)
{
    struct stint_attestation first = { 0 };
    struct stint_attestation second = { 0 };
    struct stint_buffer json = { 0 };
    struct stint_buffer again = { 0 };
    if (stint_attestation_parse(text, length, &first, NULL) == 0) {
        stint_attestation_json(&first, &json);
        if (stint_attestation_parse(stint_buffer_text(&json), json.length, &second, NULL) != 0)
            abort();
        stint_attestation_json(&second, &again);
        if (strcmp(stint_buffer_text(&json), stint_buffer_text(&again)) != 0)
            abort();
        stint_buffer_clear(&again);
        stint_attestation_note(&second, &again);
    }
    stint_buffer_deinit(&json);
    stint_buffer_deinit(&again);
    stint_attestation_deinit(&first);
    stint_attestation_deinit(&second);
}

/* The first byte: are the statements about the artefact that is judged? Digests of zeros are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_finding findings[STINT_VERDICT_FINDINGS_MAX];
    static struct stint_licence_seen seen[STINT_VERDICT_LICENCES_MAX];
    struct stint_verdict verdict = {
        .kind = STINT_KIND_MODEL, .name = "fuzz", .findings = findings, .licences = seen
    };
    static struct stint_licences *licences;
    struct stint_error err = { 0 };
    if (!licences && stint_licences_open(NULL, &licences, NULL) != 0)
        abort();
    if (size == 0)
        return 0;
    round_trip((const char *)data + 1, size - 1);
    struct stint_artifact_manifest manifest = { .has_digest = true };
    manifest.digest.bytes[0] = data[0] & 1;
    char *text = strndup((const char *)data + 1, size - 1);
    if (!text || stint_facts_new(&verdict.facts) != 0)
        abort();
    struct reader reader = { .manifest = &manifest,
                             .licences = licences,
                             .verdict = &verdict,
                             .facts = verdict.facts,
                             .kind = STINT_KIND_MODEL };
    int r = read_attestations(&reader, text, &err);
    if (r != 0 && (r != STINT_INVALID || !err.text[0]))
        abort();
    check(verdict.facts);
    free(reader.scopes);
    free(text);
    stint_facts_free(verdict.facts);
    return 0;
}
