/* Owns: judging, a pure function of facts and rules (DESIGN §4). Strong Kleene logic throughout:
 * unknown is never pass, and a fail rests on a fact. Rules of evidence, for one component and
 * predicate: a fact of grade declared or better that speaks against binds (the strictest wins, a
 * reviewer's word too); else anything unclear, and any mere claim against, makes it unknown, unless
 * a reviewer's word settles it; else a fact of the wanted grade passes; else it is unknown. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/rules_tree.h"
#include "stint/auto.h"

/* What a check came to. @node: the check that decided; @fact: its first piece of evidence. */
struct outcome {
    enum stint_tristate value;
    const struct rule_node *node;
    const struct rule_node *leaf; /* the test that decided, NULL for none */
    enum stint_component component;
    const char *subject;
    bool is_about_terms;
    bool is_only_claimed;
    bool is_silent; /* no fact at all speaks of it */
    uint32_t evidence[STINT_EVIDENCE_MAX];
    uint32_t evidence_count;
};

/* @by_predicate: the facts in the order component, predicate, subject, id; @by_subject: component,
 * subject, id. A hostile card names thousands of data sets, and each leaf looks at each of them. */
struct judging {
    const struct stint_licences *licences;
    const struct stint_facts *facts;
    struct stint_verdict *verdict;
    const char *subject; /* bound by `each`, else NULL */
    const struct stint_fact **by_predicate;
    const struct stint_fact **by_subject;
    size_t count;
};

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

static int judging_index(struct judging *judging)
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

static void evidence_add(struct outcome *outcome, uint32_t id)
{
    for (uint32_t i = 0; i < outcome->evidence_count; i++)
        if (outcome->evidence[i] == id)
            return;
    if (outcome->evidence_count < STINT_EVIDENCE_MAX)
        outcome->evidence[outcome->evidence_count++] = id;
}

static void evidence_merge(struct outcome *into, const struct outcome *from)
{
    for (uint32_t i = 0; i < from->evidence_count; i++)
        evidence_add(into, from->evidence[i]);
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
    evidence_add(pile, fact->id);
}

/* Passed on by a base model or a source? Then it is they that have to be resolved. */
static bool is_inherited(const struct judging *judging, const struct stint_fact *fact)
{
    for (uint32_t from = fact->from; fact && from > 0; from = fact ? fact->from : 0) {
        fact = stint_facts_by_id(judging->facts, from);
        if (fact && (fact->component == STINT_BASE_MODEL || fact->component == STINT_SOURCE_DATA ||
                     fact->component == STINT_GENERATOR))
            return true;
    }
    return false;
}

/* Does the reviewer's @word settle what @unclear leaves open? What a file says of terms only if it
 * names that very file by its digest: who has not read a text cannot vouch for it. */
static bool word_settles(const struct judging *judging, const struct stint_fact *word,
                         const struct stint_fact *unclear)
{
    bool is_of_terms =
        unclear->predicate == STINT_LICENCE || unclear->predicate == STINT_RESTRICTION;
    bool is_in_file = unclear->has_sha256 && unclear->source != STINT_SOURCE_DERIVED;
    /* A word about one facet says nothing of the others. */
    bool is_partial =
        word->predicate == STINT_RESTRICTION && word->from == 0 && strcmp(word->text, "none") != 0;
    if (is_partial || is_inherited(judging, unclear))
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
            word_settles(judging, word, unclear))
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
        evidence_add(&piles->unclear, fact->id);
    }
}

static struct outcome leaf_component(const struct judging *judging, const struct rule_node *node,
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

/* Is the component known to be among the files? For `only_present`. */
static bool component_is_present(const struct judging *judging, enum stint_component component)
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

/* Folds @next into the running conjunction: the worst decides, evidence of its own value stays. */
static void fold_and(struct outcome *sum, const struct outcome *next, bool is_first)
{
    if (is_first || next->value < sum->value)
        *sum = *next;
    else if (next->value == sum->value)
        evidence_merge(sum, next);
}

static void fold_or(struct outcome *sum, const struct outcome *next, bool is_first)
{
    if (is_first || next->value > sum->value)
        *sum = *next;
    else if (next->value == sum->value && next->value != STINT_YES)
        evidence_merge(sum, next);
}

static struct outcome judge_leaf(const struct judging *judging, const struct rule_node *node)
{
    struct outcome sum = { .node = node };
    bool is_first = true;
    for (unsigned i = 1; i < STINT_COMPONENT_COUNT; i++) {
        enum stint_component component = (enum stint_component)i;
        if (!(node->components & (uint64_t)1 << i))
            continue;
        if (node->only_present && !component_is_present(judging, component))
            continue;
        struct outcome next = leaf_component(judging, node, component);
        fold_and(&sum, &next, is_first);
        is_first = false;
    }
    return sum;
}

static struct outcome judge_node(const struct judging *judging, const struct rule_node *node);

/* Every subject of the component, bound in turn; evidence that there are such subjects is any fact
 * of the component that names one. */
static struct outcome judge_each(const struct judging *judging, const struct rule_node *node)
{
    struct outcome sum = { .node = node, .value = node->if_none, .component = node->each };
    bool is_first = true;
    const char *last = "";
    struct stint_fact wanted = { .component = node->each, .subject = "" };
    for (size_t i = lower(judging->by_subject, judging->count, &wanted, subject_compare);
         i < judging->count && judging->by_subject[i]->component == node->each; i++) {
        const struct stint_fact *fact = judging->by_subject[i];
        if (strcmp(fact->subject, last) == 0)
            continue;
        last = fact->subject;
        struct judging bound = *judging;
        bound.subject = fact->subject;
        struct outcome next = judge_node(&bound, node->child);
        if (next.evidence_count == 0)
            evidence_add(&next, fact->id);
        fold_and(&sum, &next, is_first);
        is_first = false;
    }
    return sum;
}

static struct outcome judge_node(const struct judging *judging, const struct rule_node *node)
{
    struct outcome sum = { .node = node };
    bool is_first = true;
    switch (node->kind) {
    case NODE_LEAF:
        sum = judge_leaf(judging, node);
        break;
    case NODE_EACH:
        sum = judge_each(judging, node);
        break;
    case NODE_NOT:
        sum = judge_node(judging, node->child);
        sum.value = stint_tristate_not(sum.value);
        break;
    case NODE_ALL:
    case NODE_ANY:
        for (const struct rule_node *child = node->child; child; child = child->next) {
            struct outcome next = judge_node(judging, child);
            if (node->kind == NODE_ALL)
                fold_and(&sum, &next, is_first);
            else
                fold_or(&sum, &next, is_first);
            is_first = false;
        }
        break;
    }
    /* The most outer check with a fix of its own says how to cure it. */
    if (node->fix && sum.value != STINT_YES)
        sum.node = node;
    return sum;
}

/* One sentence of why, kept with the facts. */
static const char *outcome_why(const struct judging *judging, const struct outcome *outcome)
{
    char phrase[400];
    char why[700];
    const struct stint_fact *fact = outcome->evidence_count > 0
                                        ? stint_facts_by_id(judging->facts, outcome->evidence[0])
                                        : NULL;
    const char *words = stint_component_words(outcome->component);
    const char *meaning = outcome->leaf ? stint_predicate_meaning(outcome->leaf->predicate) : "";
    const char *subject = outcome->subject ? outcome->subject : "";
    if (!fact || outcome->is_silent)
        (void)snprintf(why, sizeof(why), "nothing says of %s%s%s%s: %s",
                       outcome->component ? words : "it", *subject ? " (" : "", subject,
                       *subject ? ")" : "", *meaning ? meaning : "there is none");
    else if (outcome->value == STINT_UNKNOWN && outcome->is_only_claimed)
        (void)snprintf(why, sizeof(why), "%s, but the grade of that evidence is only '%s'",
                       stint_fact_phrase(fact, phrase, sizeof(phrase)),
                       stint_grade_name(fact->grade));
    else if (outcome->value == STINT_UNKNOWN)
        (void)snprintf(why, sizeof(why), "%s, and that does not settle it",
                       stint_fact_phrase(fact, phrase, sizeof(phrase)));
    else
        (void)snprintf(why, sizeof(why), "%s", stint_fact_phrase(fact, phrase, sizeof(phrase)));
    return stint_facts_keep(judging->verdict->facts, why);
}

/* A copy that lives as long as the verdict, which may outlive the rules. */
static const char *keep(struct stint_verdict *verdict, const char *text)
{
    const char *kept = stint_facts_keep(verdict->facts, text);
    return kept ? kept : "";
}

static enum stint_result result_of(enum stint_tristate value)
{
    return value == STINT_YES  ? STINT_RESULT_PASS
           : value == STINT_NO ? STINT_RESULT_FAIL
                               : STINT_RESULT_UNKNOWN;
}

static void judge_criterion(struct judging *judging, const struct stint_rules *rules,
                            const struct rule_criterion *criterion,
                            struct stint_criterion_result *result)
{
    struct outcome outcome = judge_node(judging, criterion->check);
    /* A set that lost facts may lack the one that speaks against. */
    if (outcome.value == STINT_YES && stint_facts_is_full(judging->facts))
        outcome.value = STINT_UNKNOWN;
    const struct rule_node *decided = outcome.node ? outcome.node : criterion->check;
    bool is_pass = outcome.value == STINT_YES;
    *result = (struct stint_criterion_result){
        .id = keep(judging->verdict, criterion->id),
        .text = keep(judging->verdict, criterion->text),
        .result = result_of(outcome.value),
        .is_required = criterion->is_required,
        .is_about_terms = outcome.value == STINT_UNKNOWN && outcome.is_about_terms,
        .would_pass =
            is_pass ? "" : keep(judging->verdict, decided->fix ? decided->fix : criterion->fix),
        .evidence_count = outcome.evidence_count,
        .cost = decided->cost ? decided->cost : criterion->cost,
        .file = keep(judging->verdict, rules->file),
        .line = decided->line,
    };
    memcpy(result->evidence, outcome.evidence, sizeof(result->evidence));
    result->why = outcome_why(judging, &outcome);
    if (!result->why)
        result->why = "";
}

/* Classes as the Model Openness Tool counts them (openness.md §4.5): cumulative from III to I. A
 * paper may stand for a report that is not included, and then class I counts one part fewer. */
static void judge_progress(const struct stint_rules *rules, struct stint_rules_result *result)
{
    double progress[4] = { 0 };
    bool is_report_in = false;
    bool is_paper_in = false;
    for (size_t i = 0; i < rules->criterion_count; i++) {
        bool is_in = result->criteria[i].result == STINT_RESULT_PASS;
        is_report_in = is_report_in || (rules->criteria[i].is_report && is_in);
        is_paper_in = is_paper_in || (rules->criteria[i].is_paper && is_in);
    }
    for (unsigned goal = 1; goal <= 3; goal++) {
        unsigned total = 0;
        unsigned included = 0;
        bool is_broken = false;
        for (unsigned level = 3; level >= goal && !is_broken; level--) {
            bool is_met = true;
            for (size_t i = 0; i < rules->criterion_count; i++) {
                const struct rule_criterion *criterion = &rules->criteria[i];
                if (criterion->class_level != level || !criterion->is_required)
                    continue;
                bool is_in = result->criteria[i].result == STINT_RESULT_PASS ||
                             (criterion->is_report && is_paper_in);
                total++;
                included += is_in;
                is_met = is_met && is_in;
            }
            is_broken = !is_met && level > goal;
        }
        if (is_broken)
            continue;
        if (goal == 1 && !is_report_in && is_paper_in && total > 0) {
            total--; /* the paper was counted in the report's place and is one part, not two */
            included--;
        }
        progress[goal] = total > 0 ? 100.0 * included / total : 0;
    }
    result->class_name = progress[1] == 100.0   ? "I"
                         : progress[2] == 100.0 ? "II"
                         : progress[3] == 100.0 ? "III"
                                                : "none";
    result->has_progress = true;
    for (size_t i = 0; i < 3; i++)
        result->progress[i] = progress[i + 1];
    if (strcmp(result->class_name, "none") == 0)
        return;
    /* What the class that was reached does not ask for is no longer required. */
    unsigned reached = (unsigned)strlen(result->class_name);
    for (size_t i = 0; i < rules->criterion_count; i++)
        if (rules->criteria[i].class_level < reached ||
            (rules->criteria[i].is_report && is_paper_in))
            result->criteria[i].is_required = false;
    result->result = STINT_RESULT_PASS;
}

static enum stint_result criteria_result(const struct stint_rules_result *result)
{
    enum stint_result sum = STINT_RESULT_PASS;
    for (size_t i = 0; i < result->criterion_count; i++) {
        const struct stint_criterion_result *criterion = &result->criteria[i];
        if (!criterion->is_required)
            continue;
        if (criterion->result == STINT_RESULT_FAIL)
            return STINT_RESULT_FAIL;
        if (criterion->result == STINT_RESULT_UNKNOWN)
            sum = STINT_RESULT_UNKNOWN;
    }
    return sum;
}

int stint_rules_judge(const struct stint_rules *rules, const struct stint_licences *licences,
                      struct stint_verdict *verdict)
{
    assert(verdict->result_count < STINT_VERDICT_RESULTS_MAX);
    struct judging judging = { .licences = licences, .facts = verdict->facts, .verdict = verdict };
    struct stint_rules_result *result = &verdict->results[verdict->result_count];
    *result = (struct stint_rules_result){ .rules = keep(verdict, rules->id),
                                           .title = keep(verdict, rules->title),
                                           .version = keep(verdict, rules->version),
                                           .source = keep(verdict, rules->source),
                                           .date = keep(verdict, rules->date),
                                           .digest = rules->digest,
                                           .class_name = "",
                                           .criterion_count = rules->criterion_count };
    result->assurance = verdict->has_digest && !verdict->is_description ? STINT_ASSURANCE_VERIFIED
                                                                        : STINT_ASSURANCE_DECLARED;
    result->criteria = calloc(rules->criterion_count, sizeof(*result->criteria));
    if (!result->criteria)
        return -ENOMEM;
    int r = judging_index(&judging);
    for (size_t i = 0; r == 0 && i < rules->criterion_count; i++)
        judge_criterion(&judging, rules, &rules->criteria[i], &result->criteria[i]);
    free(judging.by_predicate);
    free(judging.by_subject);
    if (r != 0) {
        free(result->criteria);
        return r;
    }
    result->result = criteria_result(result);
    if (rules->has_classes)
        judge_progress(rules, result);
    verdict->result_count++;
    return 0;
}
