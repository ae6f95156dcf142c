/* Owns: judging, a pure function of facts and rules (DESIGN §4). Strong Kleene logic throughout:
 * unknown is never pass, and a fail rests on a fact. What one test's evidence comes to is weighed
 * in weigh.c. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/weigh.h"
#include "stint/auto.h"

static void evidence_merge(struct outcome *into, const struct outcome *from)
{
    for (uint32_t i = 0; i < from->evidence_count; i++)
        outcome_add(into, from->evidence[i]);
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
        if (node->only_present && !weigh_is_present(judging, component))
            continue;
        struct outcome next = weigh(judging, node, component);
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
    for (size_t i = weigh_first_subject(judging, node->each);
         i < judging->count && judging->by_subject[i]->component == node->each; i++) {
        const struct stint_fact *fact = judging->by_subject[i];
        if (strcmp(fact->subject, last) == 0)
            continue;
        last = fact->subject;
        struct judging bound = *judging;
        bound.subject = fact->subject;
        struct outcome next = judge_node(&bound, node->child);
        if (next.evidence_count == 0)
            outcome_add(&next, fact->id);
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
    int r = weigh_init(&judging);
    for (size_t i = 0; r == 0 && i < rules->criterion_count; i++)
        judge_criterion(&judging, rules, &rules->criteria[i], &result->criteria[i]);
    weigh_deinit(&judging);
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
