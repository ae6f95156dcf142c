/* A rule set in memory: what rules.c reads and judge.c walks. */
#ifndef STINT_EVALUATOR_RULES_TREE_H
#define STINT_EVALUATOR_RULES_TREE_H

#include "evaluator/strict_yaml.h"
#include "stint/licence.h"
#include "stint/rules.h"
#include "stint/tristate.h"

enum node_kind { NODE_ALL = 1, NODE_ANY, NODE_NOT, NODE_EACH, NODE_LEAF };

/* How a leaf looks at the facts of its component and predicate.
 * TEST_NONE: there must be no such fact; it can only go beside a test that wants evidence. */
enum leaf_test {
    TEST_IS = 1,  /* value equals */
    TEST_IN,      /* value is one of */
    TEST_ACCEPT,  /* licence expression is on one of the lists */
    TEST_NONE_OF, /* no value is one of */
    TEST_AT_LEAST,
    TEST_ANY, /* some value */
    TEST_NONE
};

/* Lists of the licence table that `accept` may name. */
enum accept_list { ACCEPT_OSI = 1, ACCEPT_FSF = 2, ACCEPT_OPEN_DEFINITION = 4 };

/**
 * struct rule_node - one node of a check
 * @components: bit i: component i; every one of them must hold
 * @only_present: leave out components that are not among the files
 * @if_none: EACH without a subject
 * @values: of IN, NONE_OF, ACCEPT (ids) and of IS for text
 * @fix: what would make this node pass, else the criterion's
 */
struct rule_node {
    enum node_kind kind;
    uint32_t line;
    struct rule_node *child;
    struct rule_node *next;
    uint64_t components;
    enum stint_component each;
    enum stint_predicate predicate;
    enum leaf_test test;
    enum stint_grade grade;
    enum stint_tristate if_none;
    bool only_present;
    bool truth;
    int64_t number;
    unsigned accept;
    const char **values;
    size_t value_count;
    const char *fix;
    uint8_t cost;
};

/* @class_level: 0 none, 1, 2, 3: the class of a mof criterion; @is_report and @is_paper mark the
 * pair of which one may stand for the other. */
struct rule_criterion {
    const char *id;
    const char *text;
    const char *fix;
    bool is_required;
    uint8_t cost;
    uint8_t class_level;
    bool is_report;
    bool is_paper;
    uint32_t line;
    struct rule_node *check;
};

struct stint_rules {
    struct strict_yaml_document *document;
    char *file;
    const char *id;
    const char *title;
    const char *version;
    const char *source;
    const char *date;
    enum stint_artifact_kind kind;
    bool has_classes;
    struct stint_sha256 digest;
    struct rule_criterion *criteria;
    size_t criterion_count;
    struct rule_node **nodes; /* for freeing */
    size_t node_count;
};

#endif
