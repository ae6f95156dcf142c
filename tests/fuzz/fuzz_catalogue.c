/* A catalogue from an operator's hand: a broken one is refused with its line, a sound one resolves
 * every name in it without a fault, and never into a verdict. Links evaluator_parts_dep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stint_licences *licences;

/* Facts that name what the catalogue may know: each name of it, as base and as data set. */
static void resolve(const struct catalogue *catalogue, const struct strict_yaml_node *entries)
{
    struct stint_finding findings[STINT_VERDICT_FINDINGS_MAX];
    struct stint_licence_seen seen[STINT_VERDICT_LICENCES_MAX];
    struct stint_verdict verdict = {
        .kind = STINT_KIND_MODEL, .name = "fuzz", .findings = findings, .licences = seen
    };
    struct stint_artifact_manifest manifest = { 0 };
    if (stint_facts_new(&verdict.facts) != 0)
        return;
    struct reader reader = { .manifest = &manifest,
                             .licences = licences,
                             .verdict = &verdict,
                             .facts = verdict.facts,
                             .kind = STINT_KIND_MODEL,
                             .catalogue = catalogue };
    for (const struct strict_yaml_node *entry = entries->child; entry; entry = entry->next) {
        const char *name = strict_yaml_text(entry, "name");
        struct stint_fact fact = { .component = STINT_BASE_MODEL,
                                   .predicate = STINT_NAME,
                                   .subject = name,
                                   .text = name,
                                   .path = "README.md",
                                   .grade = STINT_DECLARED };
        uint32_t base = stint_facts_add(reader.facts, &fact);
        fact.component = STINT_TRAINING_DATA;
        (void)stint_facts_add(reader.facts, &fact);
        if (base == 0)
            break;
        struct stint_fact copy = *stint_facts_by_id(reader.facts, base);
        bool is_known = catalogue_inherit(&reader, &copy);
        if (is_known != catalogue_has_model(catalogue, name))
            abort();
    }
    catalogue_describe(&reader);
    free(reader.scopes);
    stint_facts_free(verdict.facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct catalogue *catalogue = NULL;
    struct strict_yaml_document *document = NULL;
    struct stint_error err = { 0 };
    if (!licences && stint_licences_open(NULL, &licences, NULL) != 0)
        abort();
    if (catalogue_new(&catalogue) != 0)
        return 0;
    int r = catalogue_add(catalogue, "fuzz.yaml", (const char *)data, size, &err);
    if (r == STINT_INVALID && strncmp(err.text, "catalogue/fuzz.yaml:", 20) != 0)
        abort();
    if (r == 0 && size > 0 && strict_yaml_parse((const char *)data, size, 1, &document, NULL) == 0)
        resolve(catalogue, strict_yaml_get(strict_yaml_root(document), "entries"));
    strict_yaml_free(document);
    catalogue_close(catalogue);
    return 0;
}
