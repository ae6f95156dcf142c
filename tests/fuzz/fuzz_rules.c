/* Rule sets from an operator's hand: a broken one is refused with a place, a sound one judges an
 * empty set of facts without passing a required criterion that asks for evidence. Links
 * evaluator_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/licence.h"
#include "stint/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_licences *licences;
    struct stint_rules_result results[STINT_VERDICT_RESULTS_MAX] = { 0 };
    struct stint_verdict verdict = { .results = results, .data_class = "" };
    struct stint_rules *rules = NULL;
    struct stint_error err = { 0 };
    if (!licences && stint_licences_open(NULL, &licences, NULL) != 0)
        abort();
    int r = stint_rules_parse("fuzz.yaml", (const char *)data, size, &rules, &err);
    if (r == STINT_INVALID && strncmp(err.text, "fuzz.yaml:", 10) != 0)
        abort();
    if (r == 0 && stint_facts_new(&verdict.facts) == 0) {
        if (stint_rules_judge(rules, licences, &verdict) != 0)
            abort();
        free(results[0].criteria);
        stint_facts_free(verdict.facts);
    }
    stint_rules_free(rules);
    return 0;
}
