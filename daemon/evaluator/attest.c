/* Owns: reviewers' statements as facts of grade `attested`. A statement is bound to the digest of
 * the artefact it was made about; about other bytes it says nothing. Whether its signature or role
 * is good is decided by whoever hands it over, before it comes here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/derive.h"
#include "evaluator/reader.h"
#include "evaluator/weigh.h"
#include "stint/attestation.h"
#include "stint/auto.h"

static bool is_about(const struct reader *reader, const struct stint_attestation *attestation)
{
    return reader->manifest->has_digest && memcmp(&attestation->digest, &reader->manifest->digest,
                                                  sizeof(attestation->digest)) == 0;
}

/* Terms of a part say at once what they restrict; terms of a base or a source are passed on when
 * what is inherited is derived. */
static void attest_terms(struct reader *reader, uint32_t id, const struct stint_fact *fact)
{
    if (fact->predicate == STINT_LICENCE && id > 0)
        derive_restrictions(reader, id, fact->component, fact->subject, fact->text);
}

static void attest_fact(struct reader *reader, const struct stint_attestation *attestation)
{
    char expression[600];
    char path[400];
    char what[500];
    (void)snprintf(path, sizeof(path), "attestation by %.100s, %.20s: %.200s",
                   attestation->reviewer, attestation->date, attestation->source);
    if (!is_about(reader, attestation)) {
        (void)snprintf(what, sizeof(what), "%s speaks of other bytes", path);
        verdict_finding(reader->verdict, "T-attestation", what, NULL, 0);
        return;
    }
    struct stint_fact fact = { .source = STINT_SOURCE_ATTESTATION,
                               .grade = STINT_ATTESTED,
                               .component = attestation->component,
                               .predicate = attestation->predicate,
                               .subject = attestation->subject,
                               .truth = attestation->truth,
                               .number = attestation->number,
                               .text = attestation->text,
                               .path = path,
                               .has_sha256 = attestation->has_document,
                               .sha256 = attestation->document };
    if (fact.predicate == STINT_LICENCE) {
        (void)licence_value(reader->licences, attestation->text, expression, sizeof(expression));
        fact.text = expression;
    }
    attest_terms(reader, stint_facts_add(reader->facts, &fact), &fact);
}

static int attest_one(struct reader *reader, json_t *entry, size_t index, struct stint_error *err)
{
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    struct stint_error inner = { 0 };
    stint_auto(stint_free) char *text = json_dumps(entry, JSON_COMPACT);
    if (!text)
        return stint_fail(err, STINT_INVALID, "attestation %zu: not a JSON object", index + 1);
    int r = stint_attestation_parse(text, strlen(text), &attestation, &inner);
    if (r != 0) {
        (void)stint_fail(err, r, "statement %zu: %s", index + 1, inner.text);
        return stint_fix(err, r, "%s", inner.fix);
    }
    attest_fact(reader, &attestation);
    return 0;
}

int read_attestations(struct reader *reader, const char *text, struct stint_error *err)
{
    json_error_t problem;
    size_t index;
    json_t *entry;
    if (!text || !*text)
        return 0;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    int r = 0;
    if (!json_is_array(root) || json_array_size(root) > STINT_ATTESTATIONS_MAX)
        r = stint_fail(err, STINT_INVALID, "attestations are a JSON array of at most %d: %s",
                       STINT_ATTESTATIONS_MAX, root ? "it is not one" : problem.text);
    json_array_foreach(root, index, entry)
    {
        if (r != 0)
            break;
        r = attest_one(reader, entry, index, err);
    }
    json_decref(root);
    return r;
}

/* ---- what words settle for whoever inherits */

static bool is_own_term(const struct stint_fact *fact)
{
    return (fact->component == STINT_WEIGHTS || fact->component == STINT_DATA) &&
           (fact->predicate == STINT_LICENCE || fact->predicate == STINT_RESTRICTION) &&
           fact->subject[0] == '\0';
}

static bool is_unclear(const struct stint_fact *fact)
{
    return fact->predicate == STINT_RESTRICTION
               ? strcmp(fact->text, "unknown") == 0
               : strstr(fact->text, "NOASSERTION") || strstr(fact->text, "LicenseRef-unknown") ||
                     strstr(fact->text, "LicenseRef-modified");
}

static uint32_t settling_word(const struct stint_facts *facts, const struct stint_fact *unclear)
{
    for (size_t i = 0; i < stint_facts_count(facts); i++) {
        const struct stint_fact *word = stint_facts_at(facts, i);
        if (word->grade == STINT_ATTESTED && word->component == unclear->component &&
            word->predicate == unclear->predicate && is_own_term(word) && !is_unclear(word) &&
            weigh_settles(facts, word, unclear))
            return word->id;
    }
    return 0;
}

void derive_settled(struct reader *reader)
{
    bool has_words = false;
    for (size_t i = 0; i < stint_facts_count(reader->facts) && !has_words; i++)
        has_words = stint_facts_at(reader->facts, i)->source == STINT_SOURCE_ATTESTATION;
    for (size_t i = 0; has_words && i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (is_own_term(fact) && is_unclear(fact))
            stint_facts_settle(reader->facts, fact->id, settling_word(reader->facts, fact));
    }
}
