/* Owns: the licences that a rule set names, against the table. An id that nobody bears would make
 * the rule fail for ever without a word. */
#include <inttypes.h>
#include <string.h>

#include "evaluator/rules_tree.h"
#include "stint/error.h"

/* What @value should have been, in @cure; true when it is an id of the table, letter by letter. */
static bool is_id(const struct stint_licences *licences, const char *value, char *cure, size_t room)
{
    struct stint_licence_name name = { 0 };
    if (stint_licence_find(licences, value, &name) != 0 || !name.licence) {
        (void)snprintf(cure, room,
                       "write an SPDX id, a LicenseRef- id of the licence table, osi, fsf or "
                       "open-definition");
        return false;
    }
    (void)snprintf(cure, room, "write %.100s", name.licence->id);
    return strcmp(name.licence->id, value) == 0 || name.via == STINT_LICENCE_DEPRECATED;
}

int stint_rules_check_licences(const struct stint_rules *rules,
                               const struct stint_licences *licences, struct stint_error *err)
{
    char cure[160];
    for (size_t i = 0; i < rules->node_count; i++) {
        const struct rule_node *node = rules->nodes[i];
        if (node->kind != NODE_LEAF || node->predicate != STINT_LICENCE)
            continue;
        for (size_t j = 0; j < node->value_count; j++) {
            if (is_id(licences, node->values[j], cure, sizeof(cure)))
                continue;
            int r = stint_fail(err, STINT_INVALID, "%s:%" PRIu32 ": '%.100s' is not a licence's id",
                               rules->file, node->line, node->values[j]);
            return stint_fix(err, r, "%s", cure);
        }
    }
    return 0;
}
