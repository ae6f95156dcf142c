/* Owns: reading a rule set. Every word of the file is checked against the tables of fact.h and
 * licence.h; what is not known is refused with file, line and cure, so that a rule with a slip of
 * the pen can never silently be unknown for ever. Texts stay in the YAML document. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/rules_tree.h"
#include "stint/auto.h"

struct loading {
    struct stint_rules *rules;
    const struct strict_yaml_node *lists;
    struct stint_error *err;
};

__attribute__((format(printf, 4, 5))) static int bad(struct loading *loading, uint32_t line,
                                                     const char *cure, const char *format, ...)
{
    char what[240];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    int code = stint_fail(loading->err, STINT_INVALID, "%s:%" PRIu32 ": %s", loading->rules->file,
                          line, what);
    return stint_fix(loading->err, code, "%s", cure);
}

struct stint_rules *stint_rules_free(struct stint_rules *rules)
{
    if (!rules)
        return NULL;
    for (size_t i = 0; i < rules->node_count; i++) {
        free(rules->nodes[i]->values);
        free(rules->nodes[i]);
    }
    free(rules->nodes);
    free(rules->criteria);
    free(rules->file);
    strict_yaml_free(rules->document);
    free(rules);
    return NULL;
}

/* Refuses keys of @map that are not in @known (blank-separated words). */
static int only_keys(struct loading *loading, const struct strict_yaml_node *map, const char *known)
{
    for (const struct strict_yaml_node *child = map->child; child; child = child->next) {
        size_t length = strlen(child->key);
        const char *at = known;
        bool is_known = false;
        /* An empty key is found everywhere and never ends. */
        while (length > 0 && !is_known && (at = strstr(at, child->key))) {
            is_known = (at == known || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0');
            at += length;
        }
        if (!is_known)
            return bad(loading, child->key_line, known, "'%s' is not a key here; one of: %s",
                       child->key, known);
    }
    return 0;
}

static int want_text(struct loading *loading, const struct strict_yaml_node *map, const char *key,
                     const char **ret_text)
{
    const char *text = strict_yaml_text(map, key);
    char cure[80];
    (void)snprintf(cure, sizeof(cure), "add '%s: …'", key);
    if (!text || !*text)
        return bad(loading, map->line, cure, "'%s' is missing or not a text", key);
    *ret_text = text;
    return 0;
}

static int node_new(struct loading *loading, const struct strict_yaml_node *from,
                    enum node_kind kind, struct rule_node **ret_node)
{
    struct stint_rules *rules = loading->rules;
    if (rules->node_count >= STINT_RULES_NODES_MAX)
        return bad(loading, from->line, "split the rule set", "more than %d checks",
                   STINT_RULES_NODES_MAX);
    if (rules->node_count % 64 == 0) {
        struct rule_node **nodes =
            realloc(rules->nodes, (rules->node_count + 64) * sizeof(struct rule_node *));
        if (!nodes)
            return -ENOMEM;
        rules->nodes = nodes;
    }
    struct rule_node *node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->kind = kind;
    node->line = from->line;
    rules->nodes[rules->node_count++] = node;
    *ret_node = node;
    return 0;
}

static int node_add_value(struct loading *loading, struct rule_node *node, const char *value,
                          uint32_t line)
{
    if (node->value_count >= STINT_RULES_LIST_MAX)
        return bad(loading, line, "shorten the list", "more than %d values", STINT_RULES_LIST_MAX);
    if (node->value_count % 32 == 0) {
        const char **values = realloc(node->values, (node->value_count + 32) * sizeof(char *));
        if (!values)
            return -ENOMEM;
        node->values = values;
    }
    node->values[node->value_count++] = value;
    return 0;
}

/* One value of a list: a word, or $name for a list of the file's head. */
static int add_value(struct loading *loading, struct rule_node *node,
                     const struct strict_yaml_node *value)
{
    if (value->kind != STRICT_YAML_SCALAR)
        return bad(loading, value->line, "write words", "a list holds words");
    if (value->text[0] != '$')
        return node_add_value(loading, node, value->text, value->line);
    const struct strict_yaml_node *list = strict_yaml_get(loading->lists, value->text + 1);
    if (!list || list->kind != STRICT_YAML_LIST)
        return bad(loading, value->line, "define it under 'lists:'", "there is no list '%s'",
                   value->text + 1);
    for (const struct strict_yaml_node *item = list->child; item; item = item->next) {
        if (item->kind != STRICT_YAML_SCALAR || item->text[0] == '$')
            return bad(loading, item->line, "write words", "a list of the head holds words only");
        int r = node_add_value(loading, node, item->text, item->line);
        if (r != 0)
            return r;
    }
    return 0;
}

static int add_values(struct loading *loading, struct rule_node *node,
                      const struct strict_yaml_node *values)
{
    if (values->kind != STRICT_YAML_LIST)
        return add_value(loading, node, values);
    for (const struct strict_yaml_node *value = values->child; value; value = value->next) {
        int r = add_value(loading, node, value);
        if (r != 0)
            return r;
    }
    return 0;
}

/* `accept`: names of the table's lists become flags, the rest stay ids. */
static int take_accept(struct loading *loading, struct rule_node *node,
                       const struct strict_yaml_node *values)
{
    static const struct {
        const char *name;
        enum accept_list list;
    } lists[] = { { "osi", ACCEPT_OSI },
                  { "fsf", ACCEPT_FSF },
                  { "open-definition", ACCEPT_OPEN_DEFINITION } };
    if (node->predicate != STINT_LICENCE)
        return bad(loading, values->line, "use 'predicate: licence'",
                   "'accept' judges licences only");
    int r = add_values(loading, node, values);
    size_t kept = 0;
    for (size_t i = 0; r == 0 && i < node->value_count; i++) {
        bool is_list = false;
        for (size_t j = 0; j < STINT_ARRAY_SIZE(lists); j++)
            if (strcmp(node->values[i], lists[j].name) == 0) {
                node->accept |= (unsigned)lists[j].list;
                is_list = true;
            }
        if (!is_list)
            node->values[kept++] = node->values[i];
    }
    node->value_count = kept;
    return r;
}

static int take_is(struct loading *loading, struct rule_node *node,
                   const struct strict_yaml_node *value)
{
    char *end;
    int truth;
    switch (stint_predicate_type(node->predicate)) {
    case STINT_VALUE_TEXT:
        return add_values(loading, node, value);
    case STINT_VALUE_BOOL:
        truth = strict_yaml_bool(value);
        if (truth < 0)
            return bad(loading, value->line, "write true or false", "'%s' is yes or no",
                       stint_predicate_name(node->predicate));
        node->truth = truth == 1;
        return 0;
    case STINT_VALUE_NUMBER:
        errno = 0;
        node->number = strtoll(value->text, &end, 10);
        if (errno != 0 || !*value->text || *end)
            return bad(loading, value->line, "write a whole number", "'%s' is a number",
                       stint_predicate_name(node->predicate));
        return 0;
    }
    return 0;
}

/* Restriction values are facets of licence.h, or what the readers say besides. */
static int check_restrictions(struct loading *loading, const struct rule_node *node)
{
    for (size_t i = 0; i < node->value_count; i++)
        if (stint_licence_facet_find(node->values[i]) < 0 &&
            strcmp(node->values[i], "unlicensed") != 0)
            return bad(loading, node->line, "README.md beside the rule sets lists the facets",
                       "'%s' is not a facet", node->values[i]);
    return 0;
}

static int take_test(struct loading *loading, struct rule_node *node,
                     const struct strict_yaml_node *map)
{
    static const struct {
        const char *key;
        enum leaf_test test;
    } tests[] = { { "is", TEST_IS },
                  { "in", TEST_IN },
                  { "accept", TEST_ACCEPT },
                  { "none_of", TEST_NONE_OF },
                  { "any", TEST_ANY },
                  { "none", TEST_NONE },
                  { "at_least", TEST_AT_LEAST } };
    const struct strict_yaml_node *value = NULL;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(tests); i++) {
        const struct strict_yaml_node *found = strict_yaml_get(map, tests[i].key);
        if (found && value)
            return bad(loading, found->key_line, "keep one of them", "two tests in one check");
        if (found) {
            value = found;
            node->test = tests[i].test;
        }
    }
    enum stint_value_type type = stint_predicate_type(node->predicate);
    if (!value)
        return bad(loading, map->line, "add is, in, accept, none_of, any, none or at_least",
                   "a check without a test");
    if ((node->test == TEST_IN || node->test == TEST_NONE_OF) && type != STINT_VALUE_TEXT)
        return bad(loading, value->key_line, "use 'is'", "'%s' does not hold a text",
                   stint_predicate_name(node->predicate));
    if (node->test == TEST_AT_LEAST && type != STINT_VALUE_NUMBER)
        return bad(loading, value->key_line, "use 'is'", "'%s' does not hold a number",
                   stint_predicate_name(node->predicate));
    if (node->test == TEST_ANY || node->test == TEST_NONE)
        return strict_yaml_bool(value) == 1
                   ? 0
                   : bad(loading, value->line, "write true", "'any' and 'none' are true");
    int r = node->test == TEST_ACCEPT ? take_accept(loading, node, value)
            : node->test == TEST_IN || node->test == TEST_NONE_OF ? add_values(loading, node, value)
                                                                  : take_is(loading, node, value);
    if (r == 0 && node->predicate == STINT_RESTRICTION)
        r = check_restrictions(loading, node);
    return r;
}

static int take_component(struct loading *loading, struct rule_node *node,
                          const struct strict_yaml_node *value)
{
    enum stint_component component = value->kind == STRICT_YAML_SCALAR
                                         ? stint_component_parse(value->text)
                                         : STINT_COMPONENT_NONE;
    if (component == STINT_COMPONENT_NONE)
        return bad(loading, value->line, "README.md beside the rule sets lists the components",
                   "'%s' is not a component", value->text);
    node->components |= (uint64_t)1 << component;
    return 0;
}

static int take_components(struct loading *loading, struct rule_node *node,
                           const struct strict_yaml_node *map)
{
    const struct strict_yaml_node *value = strict_yaml_get(map, "component");
    if (!value)
        return bad(loading, map->line, "add 'component: …'", "a check without a component");
    if (value->kind != STRICT_YAML_LIST)
        return take_component(loading, node, value);
    int r = 0;
    for (const struct strict_yaml_node *item = value->child; r == 0 && item; item = item->next)
        r = take_component(loading, node, item);
    if (r == 0 && node->components == 0)
        r = bad(loading, value->line, "name one", "an empty list of components");
    return r;
}

static int take_grade(struct loading *loading, struct rule_node *node,
                      const struct strict_yaml_node *map)
{
    const struct strict_yaml_node *value = strict_yaml_get(map, "grade");
    node->grade = value ? stint_grade_parse(value->text) : STINT_DECLARED;
    if (node->grade == STINT_GRADE_NONE)
        return bad(loading, value->line, "declared, named, matched or attested",
                   "'%s' is not a grade", value->text);
    if (node->grade == STINT_CLAIMED)
        return bad(loading, value->line, "ask for 'declared' at least",
                   "a claim alone never passes a criterion");
    return 0;
}

static int take_cost(struct loading *loading, const struct strict_yaml_node *map, uint8_t *ret_cost)
{
    const struct strict_yaml_node *value = strict_yaml_get(map, "cost");
    if (!value)
        return 0;
    if (value->kind != STRICT_YAML_SCALAR || strlen(value->text) != 1 || value->text[0] < '1' ||
        value->text[0] > '9')
        return bad(loading, value->line, "write 1 to 9", "a cost is 1 (cheap) to 9 (dear)");
    *ret_cost = (uint8_t)(value->text[0] - '0');
    return 0;
}

static int load_leaf(struct loading *loading, const struct strict_yaml_node *map,
                     struct rule_node *node)
{
    int r = only_keys(loading, map,
                      "component predicate is in accept none_of any none at_least grade "
                      "only_present fix cost");
    const char *predicate = "";
    if (r == 0)
        r = want_text(loading, map, "predicate", &predicate);
    if (r != 0)
        return r;
    node->predicate = stint_predicate_parse(predicate);
    if (node->predicate == STINT_PREDICATE_NONE)
        return bad(loading, strict_yaml_get(map, "predicate")->line,
                   "README.md beside the rule sets lists the predicates", "'%s' is not a predicate",
                   predicate);
    const struct strict_yaml_node *only_present = strict_yaml_get(map, "only_present");
    node->only_present = strict_yaml_bool(only_present) == 1;
    if (only_present && strict_yaml_bool(only_present) < 0)
        return bad(loading, only_present->line, "write true or false",
                   "'only_present' is yes or no");
    if ((r = take_components(loading, node, map)) != 0 || (r = take_grade(loading, node, map)) != 0)
        return r;
    return take_test(loading, node, map);
}

static int load_node(struct loading *loading, const struct strict_yaml_node *from, unsigned depth,
                     struct rule_node **ret_node);

static int load_children(struct loading *loading, const struct strict_yaml_node *list,
                         struct rule_node *node, unsigned depth)
{
    struct rule_node **tail = &node->child;
    if (list->kind != STRICT_YAML_LIST || !list->child)
        return bad(loading, list->line, "write '- …' lines", "a list of checks was expected");
    for (const struct strict_yaml_node *item = list->child; item; item = item->next) {
        int r = load_node(loading, item, depth + 1, tail);
        if (r != 0)
            return r;
        tail = &(*tail)->next;
    }
    return 0;
}

static int load_each(struct loading *loading, const struct strict_yaml_node *map,
                     struct rule_node *node, unsigned depth)
{
    const struct strict_yaml_node *check = strict_yaml_get(map, "check");
    const char *if_none = strict_yaml_text(map, "if_none");
    int r = only_keys(loading, map, "each check if_none fix cost");
    if (r != 0)
        return r;
    const struct strict_yaml_node *each = strict_yaml_get(map, "each");
    node->each = each->kind == STRICT_YAML_SCALAR ? stint_component_parse(each->text) : 0;
    if (node->each == STINT_COMPONENT_NONE)
        return bad(loading, each->line, "README.md beside the rule sets lists the components",
                   "'%s' is not a component", each->text);
    if (!check)
        return bad(loading, map->line, "add 'check: …'", "'each' without a check");
    if (if_none && strcmp(if_none, "pass") == 0)
        node->if_none = STINT_YES;
    else if (if_none && strcmp(if_none, "fail") == 0)
        node->if_none = STINT_NO;
    else if (if_none && strcmp(if_none, "unknown") != 0)
        return bad(loading, strict_yaml_get(map, "if_none")->line, "pass, fail or unknown",
                   "'%s' is not a result", if_none);
    return load_node(loading, check, depth + 1, &node->child);
}

static int load_node(struct loading *loading, const struct strict_yaml_node *from, unsigned depth,
                     struct rule_node **ret_node)
{
    if (from->kind != STRICT_YAML_MAP)
        return bad(loading, from->line, "write 'component: …' or all, any, not, each",
                   "a check is a map");
    if (depth > STINT_RULES_DEPTH_MAX)
        return bad(loading, from->line, "flatten it", "checks nested deeper than %d",
                   STINT_RULES_DEPTH_MAX);
    const struct strict_yaml_node *all = strict_yaml_get(from, "all");
    const struct strict_yaml_node *any = strict_yaml_get(from, "any");
    const struct strict_yaml_node *not = strict_yaml_get(from, "not");
    bool is_any = any && any->kind == STRICT_YAML_LIST; /* a leaf has 'any: true' */
    enum node_kind kind = all                             ? NODE_ALL
                          : is_any                        ? NODE_ANY
                          : not                           ? NODE_NOT
                          : strict_yaml_get(from, "each") ? NODE_EACH
                                                          : NODE_LEAF;
    struct rule_node *node = NULL;
    int r = node_new(loading, from, kind, &node);
    if (r != 0)
        return r;
    node->fix = strict_yaml_text(from, "fix");
    if ((r = take_cost(loading, from, &node->cost)) != 0)
        return r;
    *ret_node = node;
    switch (kind) {
    case NODE_LEAF:
        return load_leaf(loading, from, node);
    case NODE_EACH:
        return load_each(loading, from, node, depth);
    case NODE_ALL:
    case NODE_ANY:
    case NODE_NOT:
        break;
    }
    r = only_keys(loading, from,
                  kind == NODE_ALL   ? "all fix cost"
                  : kind == NODE_ANY ? "any fix cost"
                                     : "not fix cost");
    if (r != 0)
        return r;
    return kind == NODE_NOT ? load_node(loading, not, depth + 1, &node->child)
                            : load_children(loading, all ? all : any, node, depth);
}

static int take_class(struct loading *loading, const struct strict_yaml_node *map,
                      struct rule_criterion *criterion)
{
    static const char *const names[] = { "I", "II", "III" };
    const char *role = strict_yaml_text(map, "role");
    const char *text = strict_yaml_text(map, "class");
    for (uint8_t i = 0; text && i < 3; i++)
        if (strcmp(text, names[i]) == 0)
            criterion->class_level = (uint8_t)(i + 1);
    if (text && criterion->class_level == 0)
        return bad(loading, strict_yaml_get(map, "class")->line, "I, II or III",
                   "'%s' is not a class", text);
    criterion->is_report = role && strcmp(role, "report") == 0;
    criterion->is_paper = role && strcmp(role, "paper") == 0;
    if (role && !criterion->is_report && !criterion->is_paper)
        return bad(loading, strict_yaml_get(map, "role")->line, "report or paper",
                   "'%s' is not a role", role);
    loading->rules->has_classes = loading->rules->has_classes || text != NULL;
    return 0;
}

static int load_criterion(struct loading *loading, const struct strict_yaml_node *map,
                          struct rule_criterion *criterion)
{
    int r;
    const struct strict_yaml_node *check = strict_yaml_get(map, "check");
    const struct strict_yaml_node *required = strict_yaml_get(map, "required");
    if (map->kind != STRICT_YAML_MAP)
        return bad(loading, map->line, "write 'id: …'", "a criterion is a map");
    criterion->line = map->line;
    criterion->is_required = !required || strict_yaml_bool(required) == 1;
    criterion->cost = 5;
    if (required && strict_yaml_bool(required) < 0)
        return bad(loading, required->line, "write true or false", "'required' is yes or no");
    if ((r = only_keys(loading, map, "id text fix cost required class role check")) != 0 ||
        (r = want_text(loading, map, "id", &criterion->id)) != 0 ||
        (r = want_text(loading, map, "text", &criterion->text)) != 0 ||
        (r = want_text(loading, map, "fix", &criterion->fix)) != 0 ||
        (r = take_cost(loading, map, &criterion->cost)) != 0 ||
        (r = take_class(loading, map, criterion)) != 0)
        return r;
    for (size_t i = 0; i < loading->rules->criterion_count; i++)
        if (strcmp(loading->rules->criteria[i].id, criterion->id) == 0)
            return bad(loading, map->line, "give it an id of its own", "'%s' is there twice",
                       criterion->id);
    if (!check)
        return bad(loading, map->line, "add 'check: …'", "a criterion without a check");
    return load_node(loading, check, 0, &criterion->check);
}

static int load_criteria(struct loading *loading, const struct strict_yaml_node *root)
{
    const struct strict_yaml_node *list = strict_yaml_get(root, "criteria");
    struct stint_rules *rules = loading->rules;
    if (!list || list->kind != STRICT_YAML_LIST || list->child_count == 0)
        return bad(loading, root->line, "add 'criteria:' with '- id: …'", "no criteria");
    if (list->child_count > STINT_RULES_CRITERIA_MAX)
        return bad(loading, list->line, "split the rule set", "more than %d criteria",
                   STINT_RULES_CRITERIA_MAX);
    rules->criteria = calloc(list->child_count, sizeof(*rules->criteria));
    if (!rules->criteria)
        return -ENOMEM;
    for (const struct strict_yaml_node *item = list->child; item; item = item->next) {
        int r = load_criterion(loading, item, &rules->criteria[rules->criterion_count]);
        if (r != 0)
            return r;
        rules->criterion_count++;
    }
    return 0;
}

static int load_root(struct loading *loading, const struct strict_yaml_node *root)
{
    struct stint_rules *rules = loading->rules;
    const char *kind = "";
    int r;
    if (!root || root->kind != STRICT_YAML_MAP) {
        struct strict_yaml_node nothing = { .line = 1 };
        return bad(loading, root ? root->line : nothing.line, "begin with 'rules: …'",
                   "a rule set is a map");
    }
    loading->lists = strict_yaml_get(root, "lists");
    if ((r = only_keys(loading, root, "rules title version date source kind lists criteria")) !=
            0 ||
        (r = want_text(loading, root, "rules", &rules->id)) != 0 ||
        (r = want_text(loading, root, "title", &rules->title)) != 0 ||
        (r = want_text(loading, root, "version", &rules->version)) != 0 ||
        (r = want_text(loading, root, "date", &rules->date)) != 0 ||
        (r = want_text(loading, root, "source", &rules->source)) != 0 ||
        (r = want_text(loading, root, "kind", &kind)) != 0)
        return r;
    if (stint_artifact_kind_parse(kind, &rules->kind) != 0)
        return bad(loading, strict_yaml_get(root, "kind")->line, "model, dataset or code",
                   "'%s' is not a kind of artefact", kind);
    return load_criteria(loading, root);
}

int stint_rules_parse(const char *name, const char *text, size_t length,
                      struct stint_rules **ret_rules, struct stint_error *err)
{
    struct stint_error inner = { 0 };
    stint_auto(stint_rules_free) struct stint_rules *rules = calloc(1, sizeof(*rules));
    struct loading loading = { .rules = rules, .err = err };
    if (!rules || !(rules->file = strdup(name)))
        return -ENOMEM;
    if (length > STINT_RULES_FILE_BYTES_MAX)
        return stint_fail(err, STINT_INVALID, "%s: larger than %zu bytes", name,
                          STINT_RULES_FILE_BYTES_MAX);
    int r = strict_yaml_parse(text, length, 1, &rules->document, &inner);
    if (r == STINT_INVALID || r == STINT_TOO_LARGE) {
        const char *what = strncmp(inner.text, "line ", 5) == 0 ? inner.text + 5 : inner.text;
        r = stint_fail(err, STINT_INVALID, "%s:%s", name, what);
        return stint_fix(err, r, "write maps, lists and words only");
    }
    if (r == 0)
        r = load_root(&loading, strict_yaml_root(rules->document));
    if (r != 0)
        return r;
    stint_sha256(text, length, &rules->digest);
    *ret_rules = stint_take(rules);
    return 0;
}

const char *stint_rules_id(const struct stint_rules *rules)
{
    return rules->id;
}

const char *stint_rules_title(const struct stint_rules *rules)
{
    return rules->title;
}

const char *stint_rules_version(const struct stint_rules *rules)
{
    return rules->version;
}

const char *stint_rules_source(const struct stint_rules *rules)
{
    return rules->source;
}

const char *stint_rules_date(const struct stint_rules *rules)
{
    return rules->date;
}

const struct stint_sha256 *stint_rules_digest(const struct stint_rules *rules)
{
    return &rules->digest;
}

enum stint_artifact_kind stint_rules_kind(const struct stint_rules *rules)
{
    return rules->kind;
}
