/* Rule sets as data (config/rules/): one YAML file per definition, each rule with id, our own
 * wording, source, component, predicate and least grade; and judging, a pure function of facts and
 * rules. An operator can add a file; an error in it is refused with file, line and cure. */
#ifndef STINT_RULES_H
#define STINT_RULES_H

#include <stddef.h>

#include "stint/error.h"
#include "stint/fact.h"
#include "stint/verdict.h"

struct stint_rules;

#define STINT_RULES_FILE_BYTES_MAX ((size_t)256 << 10)
#define STINT_RULES_CRITERIA_MAX   128
#define STINT_RULES_NODES_MAX      2048
#define STINT_RULES_DEPTH_MAX      12
#define STINT_RULES_LIST_MAX       512

/**
 * stint_rules_parse() - read one rule set
 * @name: what to call the file in messages; kept
 * Return: 0, -ENOMEM, or STINT_INVALID with "file:line: what; try: cure" in @err. A component,
 * predicate, grade, list or value that does not exist is refused.
 */
int stint_rules_parse(const char *name, const char *text, size_t length,
                      struct stint_rules **ret_rules, struct stint_error *err);
struct stint_rules *stint_rules_free(struct stint_rules *rules);
static inline __attribute__((unused)) void stint_rules_free_auto(struct stint_rules **rules)
{
    stint_rules_free(*rules);
}

const char *stint_rules_id(const struct stint_rules *rules);      /* "osaid-1.0" */
const char *stint_rules_title(const struct stint_rules *rules);   /* for people */
const char *stint_rules_version(const struct stint_rules *rules); /* of this file */
const char *stint_rules_source(const struct stint_rules *rules);  /* document it restates */
const char *stint_rules_date(const struct stint_rules *rules);
const struct stint_sha256 *stint_rules_digest(const struct stint_rules *rules);
enum stint_artifact_kind stint_rules_kind(const struct stint_rules *rules);

/**
 * struct stint_rules_ask - one test of a criterion: what a fact would have to say
 * @each: the component of each of whose subjects it is asked; STINT_COMPONENT_NONE for none
 * @is_truth: it asks for true
 */
struct stint_rules_ask {
    enum stint_component component;
    enum stint_predicate predicate;
    enum stint_component each;
    bool is_truth;
};
/* The different tests of criterion @id, in the order of the file. Return: how many there are, at
 * most @max of them in @asks; 0 when there is no such criterion. */
size_t stint_rules_asks(const struct stint_rules *rules, const char *id,
                        struct stint_rules_ask *asks, size_t max);

struct stint_licences;
/**
 * stint_rules_check_licences() - is every licence that the rules name in the table?
 * Return: 0, or STINT_INVALID with "file:line: what; try: cure" in @err. Cost: a look-up for each.
 */
int stint_rules_check_licences(const struct stint_rules *rules,
                               const struct stint_licences *licences, struct stint_error *err);

/**
 * stint_rules_judge() - facts and rules to a result; pure
 * @licences: the licence table, for rules that ask whether an id is OSI-approved and the like
 * @verdict: receives one more result; its texts are kept in the verdict
 * Return: 0 or -ENOMEM. O(rules * facts).
 */
int stint_rules_judge(const struct stint_rules *rules, const struct stint_licences *licences,
                      struct stint_verdict *verdict);

#endif
