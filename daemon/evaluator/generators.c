/* Owns: what data inherits from the models that wrote it: limits on outputs, and nothing else of
 * their terms. A model whose terms limit what its outputs may be used for leaves no open data; one
 * that nobody here knows, or that is not named where data is said to be synthetic, leaves the terms
 * of the data unknown. Source: openness.md §8.8. */
#include <string.h>

#include "evaluator/derive.h"

/* The data that a generator or a mark of synthetic data speaks of. */
struct heir {
    enum stint_component component;
    const char *subject;
};

static struct heir heir_of(const struct reader *reader, const struct stint_fact *fact)
{
    const struct stint_fact *data = stint_facts_by_id(reader->facts, fact->from);
    if (data && data->component == STINT_TRAINING_DATA)
        return (struct heir){ STINT_TRAINING_DATA, data->subject };
    return (struct heir){ STINT_DATA, "" };
}

/* A fact about the heir, in the words and at the place of @from; @id: what it follows from. */
static void heir_fact(struct reader *reader, const struct heir *heir, const struct stint_fact *from,
                      uint32_t id, enum stint_predicate predicate, const char *text)
{
    struct stint_fact fact = *from;
    fact.component = heir->component;
    fact.subject = heir->subject;
    fact.predicate = predicate;
    fact.truth = false;
    fact.text = text;
    fact.from = id;
    if (id == 0) /* no word of the file: what follows from there being none */
        fact.source = STINT_SOURCE_DERIVED;
    (void)stint_facts_add(reader->facts, &fact);
}

/* Data that was open by its own terms is so no longer. */
static void heir_class(struct reader *reader, const struct heir *heir,
                       const struct stint_fact *from, uint32_t id, const char *class)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->component != heir->component || fact->predicate != STINT_DATA_CLASS ||
            strcmp(fact->text, "open") != 0 || strcmp(fact->subject, heir->subject) != 0)
            continue;
        heir_fact(reader, heir, from, id, STINT_DATA_CLASS, class);
        return;
    }
}

static void heir_limit(struct reader *reader, const struct heir *heir,
                       const struct stint_fact *from, uint32_t id, bool is_limited)
{
    heir_fact(reader, heir, from, id, STINT_RESTRICTION, is_limited ? "output_limits" : "unknown");
    heir_class(reader, heir, from, id, is_limited ? "public" : "unknown");
}

static bool is_unclear(const char *facet)
{
    return strcmp(facet, "unknown") == 0 || strcmp(facet, "other_restriction") == 0 ||
           strcmp(facet, "unlicensed") == 0;
}

/* Do the terms of the model limit its outputs? What the catalogue and reviewers say counts
 * together, the strictest binds. @ret_id: the fact that says so. */
static enum stint_tristate limits_outputs(const struct reader *reader, const char *model,
                                          uint32_t *ret_id)
{
    enum stint_tristate answer = STINT_NO;
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->component != STINT_GENERATOR || fact->predicate != STINT_RESTRICTION ||
            !derive_names_match(fact->subject, model))
            continue;
        bool is_limit = strcmp(fact->text, "output_limits") == 0;
        if (!is_limit && (answer != STINT_NO || !is_unclear(fact->text)))
            continue;
        *ret_id = fact->id;
        answer = is_limit ? STINT_YES : STINT_UNKNOWN;
        if (is_limit)
            break;
    }
    return answer;
}

static bool has_attested_terms(const struct reader *reader, const char *model)
{
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->source == STINT_SOURCE_ATTESTATION && fact->component == STINT_GENERATOR &&
            fact->predicate == STINT_LICENCE && derive_names_match(fact->subject, model))
            return true;
    }
    return false;
}

static void generator_named(struct reader *reader, const struct stint_fact *name)
{
    struct heir heir = heir_of(reader, name);
    uint32_t id = name->id;
    bool is_in_catalogue = reader->catalogue && catalogue_inherit(reader, name);
    bool is_known = has_attested_terms(reader, name->text) || is_in_catalogue;
    enum stint_tristate limit = is_known ? limits_outputs(reader, name->text, &id) : STINT_UNKNOWN;
    if (!is_in_catalogue) {
        struct stint_fact resolved = *name;
        resolved.predicate = STINT_RESOLVED;
        resolved.text = "";
        resolved.truth = is_known;
        resolved.from = name->id;
        (void)stint_facts_add(reader->facts, &resolved);
    }
    if (limit == STINT_NO)
        return;
    struct stint_fact from = *stint_facts_by_id(reader->facts, id);
    heir_limit(reader, &heir, &from, id, limit == STINT_YES);
}

/* Is a model named that wrote the data @mark calls synthetic? */
static bool is_named(const struct reader *reader, const struct stint_fact *mark)
{
    struct heir heir = heir_of(reader, mark);
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->component != STINT_GENERATOR || fact->predicate != STINT_NAME)
            continue;
        struct heir other = heir_of(reader, fact);
        if (other.component == heir.component && strcmp(other.subject, heir.subject) == 0)
            return true;
    }
    return false;
}

void derive_generators(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.component != STINT_GENERATOR)
            continue;
        if (fact.predicate == STINT_NAME)
            generator_named(reader, &fact);
        /* A reviewer may settle this one: he has seen that no model wrote it. */
        if (fact.predicate == STINT_USED && fact.truth && !is_named(reader, &fact)) {
            struct heir heir = heir_of(reader, &fact);
            heir_limit(reader, &heir, &fact, 0, false);
        }
    }
}
