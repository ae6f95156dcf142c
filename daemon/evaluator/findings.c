/* Owns: the open-washing patterns of openness.md §7, each from facts and never from how a name
 * sounds. OW1 and OW18 are reported by the licence reader, which sees the words. A finding judges
 * nothing: it shows what rules decide on, in the words of the literature. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/derive.h"
#include "stint/auto.h"

/* Facts that a pattern collects, up to what a finding shows. */
struct pile {
    uint32_t ids[STINT_EVIDENCE_MAX];
    uint32_t count;
};

static void pile_add(struct pile *pile, uint32_t id)
{
    if (pile->count < STINT_EVIDENCE_MAX)
        pile->ids[pile->count++] = id;
}

typedef bool (*fact_is_fn)(const struct reader *reader, const struct stint_fact *fact);

static struct pile collect(const struct reader *reader, fact_is_fn is)
{
    struct pile pile = { 0 };
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        /* What was derived repeats what was read. */
        bool is_repeat = fact->from != 0 && fact->source != STINT_SOURCE_CATALOGUE &&
                         fact->predicate != STINT_RESTRICTION;
        if (!is_repeat && is(reader, fact))
            pile_add(&pile, fact->id);
    }
    return pile;
}

/* Restrictions, by facet; each is shown once with its places. */
static const struct {
    const char *facet;
    const char *id;
    const char *what;
} facet_patterns[] = {
    { "user_limit", "OW3", "the terms end at a number of users" },
    { "revenue_limit", "OW3", "the terms end at a revenue" },
    { "field_of_use", "OW4", "the terms forbid fields of use" },
    { "use_policy_by_link", "OW4", "a use policy kept elsewhere binds and may change" },
    { "geography", "OW5", "the terms leave out countries or regions" },
    { "output_limits", "OW6", "the terms limit what may be done with outputs" },
    { "registration", "OW11", "one must register, ask or accept before access" },
    { "non_commercial", "OW12", "the terms forbid commercial use" },
    { "research_only", "OW12", "the terms allow research only" },
    { "no_derivatives", "OW12", "the terms forbid changed versions" },
    { "revocable", "OW19", "the licensor may end or restrict the grant at will" },
};

static void find_facets(struct reader *reader)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(facet_patterns); i++) {
        struct pile pile = { 0 };
        for (size_t j = 0; j < stint_facts_count(reader->facts); j++) {
            const struct stint_fact *fact = stint_facts_at(reader->facts, j);
            if (fact->predicate == STINT_RESTRICTION &&
                strcmp(fact->text, facet_patterns[i].facet) == 0)
                pile_add(&pile, fact->id);
        }
        if (pile.count > 0)
            verdict_finding(reader->verdict, facet_patterns[i].id, facet_patterns[i].what, pile.ids,
                            pile.count);
    }
}

static bool is_open_claim(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->predicate == STINT_CLAIM;
}

static bool is_real_restriction(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->predicate == STINT_RESTRICTION && fact->grade >= STINT_DECLARED &&
           strcmp(fact->text, "none") != 0 && strcmp(fact->text, "unknown") != 0 &&
           fact->component != STINT_TRAINING_DATA;
}

static void pile_join(struct pile *into, const struct pile *from)
{
    /* Leave room for both sides. */
    if (into->count > STINT_EVIDENCE_MAX / 2)
        into->count = STINT_EVIDENCE_MAX / 2;
    for (uint32_t i = 0; i < from->count; i++)
        pile_add(into, from->ids[i]);
}

static void find_claim(struct reader *reader)
{
    struct pile claims = collect(reader, is_open_claim);
    struct pile limits = collect(reader, is_real_restriction);
    if (claims.count == 0 || limits.count == 0)
        return;
    pile_join(&claims, &limits);
    verdict_finding(reader->verdict, "OW2", "openness is claimed under terms that restrict",
                    claims.ids, claims.count);
}

/* OW7 and OW8: a base whose terms bind, and what the derivative says of its own. */
static bool is_inherited_restriction(const struct reader *reader, const struct stint_fact *fact)
{
    return is_real_restriction(reader, fact) && fact->source == STINT_SOURCE_CATALOGUE;
}

static bool is_base(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->component == STINT_BASE_MODEL && fact->predicate == STINT_NAME;
}

static bool is_own_licence(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->predicate == STINT_LICENCE && fact->source != STINT_SOURCE_CATALOGUE &&
           fact->source != STINT_SOURCE_DERIVED && fact->component != STINT_TRAINING_DATA &&
           strcmp(fact->text, "NOASSERTION") != 0;
}

/* Do the artefact's own terms hold every restriction of its bases? Then nothing was relabelled. */
static bool keeps_restrictions(const struct reader *reader)
{
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *theirs = stint_facts_at(reader->facts, i);
        bool is_kept = false;
        if (theirs->component != STINT_WEIGHTS || !is_inherited_restriction(reader, theirs))
            continue;
        for (size_t j = 0; j < stint_facts_count(reader->facts) && !is_kept; j++) {
            const struct stint_fact *own = stint_facts_at(reader->facts, j);
            is_kept = own->component == STINT_WEIGHTS && is_real_restriction(reader, own) &&
                      own->source != STINT_SOURCE_CATALOGUE && strcmp(own->text, theirs->text) == 0;
        }
        if (!is_kept)
            return false;
    }
    return true;
}

static void find_relabelled(struct reader *reader)
{
    struct pile bases = collect(reader, is_base);
    struct pile inherited = collect(reader, is_inherited_restriction);
    struct pile own = collect(reader, is_own_licence);
    if (bases.count == 0)
        return;
    if (own.count == 0)
        verdict_finding(reader->verdict, "OW8", "made from another model, without any licence",
                        bases.ids, bases.count);
    if (inherited.count == 0 || keeps_restrictions(reader))
        return;
    pile_join(&bases, &inherited);
    verdict_finding(reader->verdict, "OW7", "made from a model whose terms restrict", bases.ids,
                    bases.count);
}

/* OW9: a licence for the code alone, while nothing says what the weights are under. */
static void find_scoped(struct reader *reader)
{
    struct pile pile = { 0 };
    bool has_weights_terms = false;
    for (size_t i = 0; i < reader->scope_count; i++) {
        const struct licence_scope *scope = &reader->scopes[i];
        has_weights_terms = has_weights_terms || scope->target == STINT_WEIGHTS ||
                            (scope->target == STINT_ARTIFACT && !scope->file);
        if (scope->target == STINT_CODE && !scope->file)
            pile_add(&pile, scope->fact);
    }
    if (pile.count > 0 && !has_weights_terms && reader->kind == STINT_KIND_MODEL)
        verdict_finding(reader->verdict, "OW9",
                        "the licence is for the code, none is for the weights", pile.ids,
                        pile.count);
}

static bool is_vague_data(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->component == STINT_TRAINING_DATA &&
           ((fact->predicate == STINT_LISTED && !fact->truth) ||
            (fact->predicate == STINT_PRESENT && !fact->truth));
}

static void find_undisclosed(struct reader *reader)
{
    struct pile pile = collect(reader, is_vague_data);
    bool is_named = derive_find(reader->facts, STINT_TRAINING_DATA, STINT_NAME, NULL) != NULL;
    if (pile.count > 0 && !is_named && reader->kind == STINT_KIND_MODEL)
        verdict_finding(reader->verdict, "OW10", "the training data is not disclosed", pile.ids,
                        pile.count);
}

static void find_missing_training(struct reader *reader)
{
    const struct stint_fact *fact =
        derive_find(reader->facts, STINT_TRAINING_CODE, STINT_PRESENT, NULL);
    if (reader->kind == STINT_KIND_MODEL && fact && !fact->truth)
        verdict_finding(reader->verdict, "OW13", "the training code is missing", &fact->id, 1);
}

/* OW14: the licence of the packaging is taken for that of the contents. */
static void find_packaging(struct reader *reader)
{
    struct pile pile = { 0 };
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->source == STINT_SOURCE_CATALOGUE && fact->predicate == STINT_LICENCE &&
            fact->component == STINT_TRAINING_DATA && strcmp(fact->text, "NOASSERTION") == 0)
            pile_add(&pile, fact->id);
    }
    if (pile.count > 0)
        verdict_finding(reader->verdict, "OW14", "a data set's licence does not cover its contents",
                        pile.ids, pile.count);
}

static bool is_label(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->predicate == STINT_LICENCE && fact->source == STINT_SOURCE_CARD;
}

/* Does an earlier label say another licence of the same thing? */
static bool is_another_label(const struct reader *reader, const struct stint_fact *fact)
{
    for (uint32_t id = 1; is_label(reader, fact) && id < fact->id; id++) {
        const struct stint_fact *other = stint_facts_by_id(reader->facts, id);
        if (other && is_label(reader, other) && other->from == 0 &&
            other->component == fact->component && strcmp(other->subject, fact->subject) == 0 &&
            strcmp(other->text, fact->text) != 0)
            return true;
    }
    return false;
}

/* Terms in a sentence that no facet names. */
static bool is_spoken_terms(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->component == STINT_ARTIFACT && fact->predicate == STINT_RESTRICTION &&
           fact->source == STINT_SOURCE_PROSE && strcmp(fact->text, "unknown") == 0;
}

static void find_spoken(struct reader *reader)
{
    struct pile pile = collect(reader, is_spoken_terms);
    if (pile.count > 0)
        verdict_finding(reader->verdict, "OW17", "sentences of a page put terms beside the licence",
                        pile.ids, pile.count);
}

static bool is_text(const struct reader *reader, const struct stint_fact *fact)
{
    (void)reader;
    return fact->predicate == STINT_LICENCE && fact->source == STINT_SOURCE_LICENCE;
}

static void find_label(struct reader *reader)
{
    struct pile labels = collect(reader, is_label);
    struct pile texts = collect(reader, is_text);
    if (labels.count > 0 && texts.count == 0 && reader->verdict->complete == STINT_COMPLETE_YES)
        verdict_finding(reader->verdict, "OW15", "a licence is named, and its text is not there",
                        labels.ids, labels.count);
    struct pile different = collect(reader, is_another_label);
    if (different.count > 0)
        verdict_finding(reader->verdict, "OW17", "several licences are named; all of them bind",
                        labels.ids, labels.count);
}

/* OW16: an open licence of the work, over a source that is not. */
static bool is_source_restriction(const struct reader *reader, const struct stint_fact *fact)
{
    return reader->kind == STINT_KIND_DATASET && is_inherited_restriction(reader, fact);
}

static void find_drift(struct reader *reader)
{
    struct pile pile = collect(reader, is_source_restriction);
    if (pile.count > 0)
        verdict_finding(reader->verdict, "OW16", "restrictions of a source were dropped", pile.ids,
                        pile.count);
}

static bool is_policy_file(const struct reader *reader, const struct stint_fact *fact)
{
    const char *slash = strrchr(fact->path, '/');
    const char *base = slash ? slash + 1 : fact->path;
    (void)reader;
    return fact->predicate == STINT_LICENCE && fact->source == STINT_SOURCE_LICENCE &&
           path_is_policy(base);
}

static void find_policy(struct reader *reader)
{
    struct pile pile = collect(reader, is_policy_file);
    if (pile.count > 0)
        verdict_finding(reader->verdict, "OW20", "a use policy lies beside the licence", pile.ids,
                        pile.count);
}

/* Licences that contradict each other: the strictest binds, and the conflict is said. */
static void find_conflict(struct reader *reader)
{
    struct pile free_pile = { 0 };
    struct pile bound_pile = { 0 };
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(reader->facts, i);
        if (fact->component != STINT_WEIGHTS || fact->predicate != STINT_RESTRICTION)
            continue;
        if (strcmp(fact->text, "unknown") == 0)
            continue; /* nobody disagrees who says nothing */
        pile_add(strcmp(fact->text, "none") == 0 ? &free_pile : &bound_pile, fact->id);
    }
    if (free_pile.count == 0 || bound_pile.count == 0)
        return;
    pile_join(&free_pile, &bound_pile);
    verdict_finding(reader->verdict, "conflict",
                    "sources disagree about the terms of the weights; the strictest binds",
                    free_pile.ids, free_pile.count);
}

/* Does @fact say another thing than the statement @word, of the same part? */
static bool contradicts(const struct stint_fact *fact, const struct stint_fact *word)
{
    if (fact->source == STINT_SOURCE_ATTESTATION || fact->grade < STINT_DECLARED ||
        fact->component != word->component || fact->predicate != word->predicate ||
        strcmp(fact->subject, word->subject) != 0)
        return false;
    switch (stint_predicate_type(fact->predicate)) {
    case STINT_VALUE_BOOL:
        return fact->truth != word->truth;
    case STINT_VALUE_NUMBER:
        return fact->number != word->number;
    case STINT_VALUE_TEXT:
        break;
    }
    bool is_silent = strcmp(fact->text, "NOASSERTION") == 0 || strcmp(fact->text, "unknown") == 0;
    bool is_one = fact->predicate == STINT_LICENCE || fact->predicate == STINT_RESTRICTION ||
                  fact->predicate == STINT_DATA_CLASS;
    return is_one && !is_silent && strcmp(fact->text, word->text) != 0;
}

/* What a reviewer says and the files contradict. */
static void find_contradicted(struct reader *reader)
{
    for (size_t i = 0; i < stint_facts_count(reader->facts); i++) {
        const struct stint_fact *word = stint_facts_at(reader->facts, i);
        struct pile pile = { 0 };
        if (word->source != STINT_SOURCE_ATTESTATION || word->from != 0)
            continue;
        pile_add(&pile, word->id);
        for (size_t j = 0; j < stint_facts_count(reader->facts); j++)
            if (contradicts(stint_facts_at(reader->facts, j), word))
                pile_add(&pile, stint_facts_at(reader->facts, j)->id);
        if (pile.count > 1)
            verdict_finding(reader->verdict, "conflict",
                            "a reviewer's statement and the files disagree; the strictest binds",
                            pile.ids, pile.count);
    }
}

int find_patterns(struct reader *reader)
{
    find_claim(reader);
    find_facets(reader);
    find_relabelled(reader);
    find_scoped(reader);
    find_undisclosed(reader);
    find_missing_training(reader);
    find_packaging(reader);
    find_label(reader);
    find_spoken(reader);
    find_drift(reader);
    find_policy(reader);
    find_conflict(reader);
    find_contradicted(reader);
    return 0;
}
