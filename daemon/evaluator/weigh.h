/* Weighing evidence: what the facts say to one test of a rule, and what that rests on. */
#ifndef STINT_EVALUATOR_WEIGH_H
#define STINT_EVALUATOR_WEIGH_H

#include "evaluator/rules_tree.h"

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

/* Puts the facts of judging->facts in their orders. 0 or -ENOMEM; weigh_deinit() either way. */
int weigh_init(struct judging *judging);
void weigh_deinit(struct judging *judging);
/* The first place in judging->by_subject of that component. O(log n). */
size_t weigh_first_subject(const struct judging *judging, enum stint_component component);
/* Is the component known to be among the files? */
bool weigh_is_present(const struct judging *judging, enum stint_component component);
/* What the facts of @component say to the test @node, for judging->subject or for all. */
struct outcome weigh(const struct judging *judging, const struct rule_node *node,
                     enum stint_component component);
void outcome_add(struct outcome *outcome, uint32_t fact); /* once, as far as there is room */
/* Does the reviewer's @word settle what @unclear leaves open? What a file says of terms only if it
 * names that very file by its digest: who has not read a text cannot vouch for it. What a base or a
 * source left unclear is settled by a word about them, and a word about them settles nothing else.
 */
bool weigh_settles(const struct stint_facts *facts, const struct stint_fact *word,
                   const struct stint_fact *unclear);

#endif
