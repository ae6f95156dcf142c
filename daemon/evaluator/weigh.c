/* Owns: weighing evidence. Rules of evidence, for one component and predicate: a fact of grade
 * declared or better that speaks against binds (the strictest wins, a reviewer's word too); else
 * anything unclear, and any mere claim against, makes it unknown, unless a reviewer's word settles
 * it; else a fact of the wanted grade passes; else it is unknown. */
#include "evaluator/weigh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

static int id_compare(const struct stint_fact *a, const struct stint_fact *b)
{
    return a->id < b->id ? -1 : a->id > b->id;
}

static int predicate_compare(const void *left, const void *right)
{
    const struct stint_fact *a = *(const struct stint_fact *const *)left;
    const struct stint_fact *b = *(const struct stint_fact *const *)right;
    if (a->component != b->component)
        return a->component < b->component ? -1 : 1;
    if (a->predicate != b->predicate)
        return a->predicate < b->predicate ? -1 : 1;
    int order = strcmp(a->subject, b->subject);
    return order != 0 ? order : id_compare(a, b);
}

static int subject_compare(const void *left, const void *right)
{
    const struct stint_fact *a = *(const struct stint_fact *const *)left;
    const struct stint_fact *b = *(const struct stint_fact *const *)right;
    if (a->component != b->component)
        return a->component < b->component ? -1 : 1;
    int order = strcmp(a->subject, b->subject);
    return order != 0 ? order : id_compare(a, b);
}

/* First place in @rows at or after @wanted. */
static size_t lower(const struct stint_fact *const *rows, size_t count,
                    const struct stint_fact *wanted,
                    int (*compare)(const void *left, const void *right))
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int weigh_init(struct judging *judging)
{
    judging->count = stint_facts_count(judging->facts);
    judging->by_predicate = calloc(judging->count + 1, sizeof(const struct stint_fact *));
    judging->by_subject = calloc(judging->count + 1, sizeof(const struct stint_fact *));
    if (!judging->by_predicate || !judging->by_subject)
        return -ENOMEM;
    for (size_t i = 0; i < judging->count; i++)
        judging->by_predicate[i] = judging->by_subject[i] = stint_facts_at(judging->facts, i);
    qsort(judging->by_predicate, judging->count, sizeof(const struct stint_fact *),
          predicate_compare);
    qsort(judging->by_subject, judging->count, sizeof(const struct stint_fact *), subject_compare);
    return 0;
}

void weigh_deinit(struct judging *judging)
{
    free(judging->by_predicate);
    free(judging->by_subject);
}

size_t weigh_first_subject(const struct judging *judging, enum stint_component component)
{
    struct stint_fact wanted = { .component = component, .subject = "" };
    return lower(judging->by_subject, judging->count, &wanted, subject_compare);
}

void outcome_add(struct outcome *outcome, uint32_t id)
{
    for (uint32_t i = 0; i < outcome->evidence_count; i++)
        if (outcome->evidence[i] == id)
            return;
    if (outcome->evidence_count < STINT_EVIDENCE_MAX)
        outcome->evidence[outcome->evidence_count++] = id;
}

struct asking {
    const struct judging *judging;
    const struct rule_node *node;
};

static enum stint_tristate list_has(enum stint_tristate answer, bool is_asked,
                                    enum stint_tristate so_far)
{
    return is_asked ? stint_tristate_or(so_far, answer) : so_far;
}

/* Is one licence id accepted? yes when one list has it, no when every asked list says no. */
static enum stint_tristate ask_accepted(void *context, const struct stint_licence_term *term)
{
    const struct asking *asking = context;
    const struct rule_node *node = asking->node;
    struct stint_licence_name name;
    if (strcmp(term->id, "NONE") == 0)
        return STINT_NO;
    if (strcmp(term->id, "NOASSERTION") == 0 ||
        stint_licence_term_resolve(asking->judging->licences, term, &name) != 0 || !name.licence)
        return STINT_UNKNOWN;
    for (size_t i = 0; i < node->value_count; i++)
        if (strcmp(node->values[i], name.licence->id) == 0)
            return STINT_YES;
    enum stint_tristate answer = STINT_NO;
    answer = list_has(name.licence->osi, node->accept & ACCEPT_OSI, answer);
    answer = list_has(name.licence->fsf, node->accept & ACCEPT_FSF, answer);
    answer = list_has(name.licence->open_definition, node->accept & ACCEPT_OPEN_DEFINITION, answer);
    /* A list that is silent about a licence known to restrict does not leave it open. */
    if (answer == STINT_UNKNOWN && stint_licence_is_restricted(name.licence) == STINT_YES)
        return STINT_NO;
    return answer;
}

static enum stint_tristate test_accept(const struct judging *judging, const struct rule_node *node,
                                       const struct stint_fact *fact)
{
    struct asking asking = { .judging = judging, .node = node };
    struct stint_licence_expression *expression;
    if (stint_licence_expression_parse(fact->text, &expression, NULL) != 0)
        return STINT_UNKNOWN;
    enum stint_tristate answer = stint_licence_expression_fold(expression, ask_accepted, &asking);
    stint_licence_expression_free(expression);
    return answer;
}

static bool values_have(const struct rule_node *node, const char *text)
{
    for (size_t i = 0; i < node->value_count; i++)
        if (strcmp(node->values[i], text) == 0)
            return true;
    return false;
}

static enum stint_tristate test_is(const struct rule_node *node, const struct stint_fact *fact)
{
    switch (stint_predicate_type(node->predicate)) {
    case STINT_VALUE_BOOL:
        return stint_tristate_from(fact->truth == node->truth);
    case STINT_VALUE_NUMBER:
        return stint_tristate_from(fact->number == node->number);
    case STINT_VALUE_TEXT:
        return stint_tristate_from(values_have(node, fact->text));
    }
    return STINT_UNKNOWN;
}

/* Does one fact speak for the leaf, against it, or neither? */
static enum stint_tristate leaf_test_fact(const struct judging *judging,
                                          const struct rule_node *node,
                                          const struct stint_fact *fact)
{
    bool is_unknown = strcmp(fact->text, "unknown") == 0 &&
                      stint_predicate_type(node->predicate) == STINT_VALUE_TEXT;
    /* That a name is not known here is no evidence against what it names. */
    if (fact->predicate == STINT_RESOLVED && !fact->truth)
        return STINT_UNKNOWN;
    switch (node->test) {
    case TEST_ANY:
        return is_unknown ? STINT_UNKNOWN : STINT_YES;
    case TEST_NONE:
        return STINT_NO;
    case TEST_ACCEPT:
        return test_accept(judging, node, fact);
    case TEST_NONE_OF:
        return is_unknown ? STINT_UNKNOWN : stint_tristate_from(!values_have(node, fact->text));
    case TEST_AT_LEAST:
        return stint_tristate_from(fact->number >= node->number);
    case TEST_IS:
    case TEST_IN:
        return is_unknown ? STINT_UNKNOWN : test_is(node, fact);
    }
    return STINT_UNKNOWN;
}

/* The four piles evidence falls on. */
struct piles {
    struct outcome against;
    struct outcome unclear;
    struct outcome support;
    struct outcome weak;
    bool is_attested; /* a reviewer's word is among the support */
    bool is_open;     /* something unclear is left that no reviewer's word settles */
};

static void piles_sort(struct piles *piles, const struct rule_node *node,
                       const struct stint_fact *fact, enum stint_tristate answer)
{
    struct outcome *pile;
    if (answer == STINT_NO)
        pile = fact->grade >= STINT_DECLARED ? &piles->against : &piles->unclear;
    else if (answer == STINT_UNKNOWN)
        pile = &piles->unclear;
    else
        pile = fact->grade >= node->grade ? &piles->support : &piles->weak;
    piles->is_attested =
        piles->is_attested || (answer == STINT_YES && fact->grade == STINT_ATTESTED);
    outcome_add(pile, fact->id);
}

/* Passed on by a base model or a source? Then it is they that have to be resolved. */
static bool is_inherited(const struct stint_facts *facts, const struct stint_fact *fact)
{
    for (uint32_t from = fact->from; fact && from > 0; from = fact ? fact->from : 0) {
        fact = stint_facts_by_id(facts, from);
        if (fact && (fact->component == STINT_BASE_MODEL || fact->component == STINT_SOURCE_DATA ||
                     fact->component == STINT_GENERATOR))
            return true;
    }
    return false;
}

bool weigh_settles(const struct stint_facts *facts, const struct stint_fact *word,
                   const struct stint_fact *unclear)
{
    bool is_of_terms =
        unclear->predicate == STINT_LICENCE || unclear->predicate == STINT_RESTRICTION;
    bool is_in_file = unclear->has_sha256 && unclear->source != STINT_SOURCE_DERIVED;
    /* A word about one facet says nothing of the others. */
    bool is_partial =
        word->predicate == STINT_RESTRICTION && word->from == 0 && strcmp(word->text, "none") != 0;
    if (is_partial || is_inherited(facts, word) || is_inherited(facts, unclear))
        return false;
    return !is_of_terms || !is_in_file ||
           (word->has_sha256 && memcmp(&word->sha256, &unclear->sha256, sizeof(word->sha256)) == 0);
}

/* Is @fact of @wanted's component and predicate, and of the subject that is bound? */
static bool is_in_row(const struct judging *judging, const struct stint_fact *fact,
                      const struct stint_fact *wanted)
{
    return fact->component == wanted->component && fact->predicate == wanted->predicate &&
           (!judging->subject || strcmp(fact->subject, judging->subject) == 0);
}

static bool is_settled(const struct judging *judging, const struct rule_node *node, size_t first,
                       const struct stint_fact *unclear)
{
    for (size_t i = first;
         i < judging->count && is_in_row(judging, judging->by_predicate[i], unclear); i++) {
        const struct stint_fact *word = judging->by_predicate[i];
        if (word->grade == STINT_ATTESTED && leaf_test_fact(judging, node, word) == STINT_YES &&
            weigh_settles(judging->facts, word, unclear))
            return true;
    }
    return false;
}

/* Leaves in the unclear pile what no reviewer's word settles. O(facts * attested ones). */
static void piles_settle(const struct judging *judging, const struct rule_node *node, size_t first,
                         const struct stint_fact *wanted, struct piles *piles)
{
    piles->unclear = (struct outcome){ 0 };
    for (size_t i = first;
         i < judging->count && is_in_row(judging, judging->by_predicate[i], wanted); i++) {
        const struct stint_fact *fact = judging->by_predicate[i];
        enum stint_tristate answer = leaf_test_fact(judging, node, fact);
        bool is_unclear =
            answer == STINT_UNKNOWN || (answer == STINT_NO && fact->grade < STINT_DECLARED);
        if (!is_unclear || is_settled(judging, node, first, fact))
            continue;
        piles->is_open = true;
        outcome_add(&piles->unclear, fact->id);
    }
}

struct outcome weigh(const struct judging *judging, const struct rule_node *node,
                     enum stint_component component)
{
    struct piles piles = { 0 };
    struct stint_fact wanted = { .component = component,
                                 .predicate = node->predicate,
                                 .subject = judging->subject ? judging->subject : "" };
    size_t first = lower(judging->by_predicate, judging->count, &wanted, predicate_compare);
    for (size_t i = first;
         i < judging->count && is_in_row(judging, judging->by_predicate[i], &wanted); i++)
        piles_sort(&piles, node, judging->by_predicate[i],
                   leaf_test_fact(judging, node, judging->by_predicate[i]));
    if (piles.is_attested && piles.unclear.evidence_count > 0)
        piles_settle(judging, node, first, &wanted, &piles);
    struct outcome outcome;
    if (piles.against.evidence_count > 0) {
        outcome = piles.against;
        outcome.value = STINT_NO;
    } else if (piles.unclear.evidence_count > 0 && (!piles.is_attested || piles.is_open)) {
        outcome = piles.unclear;
        outcome.is_about_terms =
            node->predicate == STINT_LICENCE || node->predicate == STINT_RESTRICTION;
    } else if (piles.support.evidence_count > 0 || node->test == TEST_NONE) {
        outcome = piles.support;
        outcome.value = STINT_YES;
    } else {
        outcome = piles.weak;
        outcome.is_only_claimed = outcome.evidence_count > 0;
        outcome.is_silent = outcome.evidence_count == 0;
    }
    outcome.node = node;
    outcome.leaf = node;
    outcome.component = component;
    outcome.subject = judging->subject;
    return outcome;
}

bool weigh_is_present(const struct judging *judging, enum stint_component component)
{
    struct stint_fact wanted = { .component = component,
                                 .predicate = STINT_PRESENT,
                                 .subject = "" };
    for (size_t i = lower(judging->by_predicate, judging->count, &wanted, predicate_compare);
         i < judging->count; i++) {
        const struct stint_fact *fact = judging->by_predicate[i];
        if (fact->component != component || fact->predicate != STINT_PRESENT)
            break;
        if (fact->truth)
            return true;
    }
    return false;
}
