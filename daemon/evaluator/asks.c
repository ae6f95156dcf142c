/* Owns: what a criterion asks, test by test, for whoever wants to answer it with a statement. */
#include <string.h>

#include "evaluator/rules_tree.h"
#include "stint/auto.h"
#include "stint/rules.h"

struct asking {
    struct stint_rules_ask *asks;
    size_t count;
    size_t max;
};

static void ask_add(struct asking *asking, struct stint_rules_ask ask)
{
    for (size_t i = 0; i < asking->count && i < asking->max; i++)
        if (asking->asks[i].component == ask.component &&
            asking->asks[i].predicate == ask.predicate)
            return;
    if (asking->count < asking->max)
        asking->asks[asking->count] = ask;
    asking->count++;
}

/* Bounded by STINT_RULES_DEPTH_MAX, which the reading of the rules enforces. */
static void node_ask(struct asking *asking, const struct rule_node *node, enum stint_component each)
{
    if (node->kind == NODE_EACH)
        each = node->each;
    for (const struct rule_node *child = node->child; child; child = child->next)
        node_ask(asking, child, each);
    for (unsigned i = 1; node->kind == NODE_LEAF && i < STINT_COMPONENT_COUNT; i++)
        if (node->components & (uint64_t)1 << i)
            ask_add(asking,
                    (struct stint_rules_ask){ .component = (enum stint_component)i,
                                              .predicate = node->predicate,
                                              .each = each,
                                              .is_truth = node->test == TEST_IS && node->truth });
}

size_t stint_rules_asks(const struct stint_rules *rules, const char *id,
                        struct stint_rules_ask *asks, size_t max)
{
    struct asking asking = { .asks = asks, .max = max };
    for (size_t i = 0; i < rules->criterion_count; i++)
        if (strcmp(rules->criteria[i].id, id) == 0)
            node_ask(&asking, rules->criteria[i].check, STINT_COMPONENT_NONE);
    return asking.count;
}
