/* Owns: the way from a path to a verdict: list, hash, read, derive, find, judge; and the operator's
 * folders of rules, licences and evidence. Holds no state but what it read from those folders. */
#include "stint/evaluator.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/catalogue.h"
#include "evaluator/folder.h"
#include "evaluator/hub_cache.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

#define RULE_SETS_MAX 64

#ifndef STINT_RULES_DIR
#define STINT_RULES_DIR "/usr/share/stint/rules"
#endif
#ifndef STINT_CATALOGUE_DIR
#define STINT_CATALOGUE_DIR "/usr/share/stint/catalogue"
#endif
#ifndef STINT_CONFIG_TREE
#define STINT_CONFIG_TREE ""
#endif

struct stint_evaluator {
    char rules_dir[PATH_MAX];
    struct stint_licences *licences;
    struct catalogue *catalogue;
    struct stint_rules *rules[RULE_SETS_MAX];
    size_t rules_count;
    char list[2048];
};

/* The first folder that is there: what was asked for, the environment's, the installed one, the
 * source tree's (so that a build runs where it was built). */
static void find_dir(const char *asked, const char *variable, const char *installed,
                     const char *source, char dir[PATH_MAX])
{
    const char *environment = secure_getenv(variable);
    const char *candidates[] = { asked, environment, installed, source };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(candidates); i++) {
        if (!candidates[i] || !*candidates[i])
            continue;
        (void)snprintf(dir, PATH_MAX, "%s", candidates[i]);
        if (candidates[i] == asked || access(dir, R_OK | X_OK) == 0)
            return;
    }
}

struct stint_evaluator *stint_evaluator_close(struct stint_evaluator *evaluator)
{
    if (!evaluator)
        return NULL;
    for (size_t i = 0; i < evaluator->rules_count; i++)
        stint_rules_free(evaluator->rules[i]);
    catalogue_close(evaluator->catalogue);
    stint_licences_close(evaluator->licences);
    free(evaluator);
    return NULL;
}

int stint_evaluator_open(const struct stint_evaluator_options *options,
                         struct stint_evaluator **ret_evaluator, struct stint_error *err)
{
    static const struct stint_evaluator_options nothing;
    char catalogue_dir[PATH_MAX] = "";
    if (!options)
        options = &nothing;
    stint_auto(stint_evaluator_close) struct stint_evaluator *evaluator =
        calloc(1, sizeof(*evaluator));
    if (!evaluator)
        return -ENOMEM;
    find_dir(options->rules_dir, "STINT_RULES", STINT_RULES_DIR, STINT_CONFIG_TREE "/rules",
             evaluator->rules_dir);
    find_dir(NULL, "STINT_CATALOGUE", STINT_CATALOGUE_DIR, STINT_CONFIG_TREE "/catalogue",
             catalogue_dir);
    stint_auto(stint_free) char *catalogue_dirs = NULL;
    if (asprintf(&catalogue_dirs, "%s%s%s",
                 options->catalogue_dir ? options->catalogue_dir : catalogue_dir,
                 options->catalogue_more ? ":" : "",
                 options->catalogue_more ? options->catalogue_more : "") < 0) {
        catalogue_dirs = NULL; /* asprintf(3) leaves it undefined */
        return -ENOMEM;
    }
    int r = stint_licences_open(options->licences_dir, &evaluator->licences, err);
    if (r == 0)
        r = catalogue_open(catalogue_dirs, options->registered, &evaluator->catalogue, err);
    if (r != 0)
        return r;
    *ret_evaluator = stint_take(evaluator);
    return 0;
}

static int list_one(void *context, const char *name, const char *text, size_t length,
                    struct stint_error *err)
{
    struct stint_evaluator *evaluator = context;
    size_t used = strlen(evaluator->list);
    (void)text;
    (void)length;
    (void)err;
    (void)snprintf(evaluator->list + used, sizeof(evaluator->list) - used, "%s%.*s",
                   used > 0 ? "," : "", (int)(strlen(name) - sizeof(".yaml") + 1), name);
    return 0;
}

const char *stint_evaluator_rules_list(struct stint_evaluator *evaluator)
{
    if (!evaluator->list[0])
        (void)folder_each_yaml(evaluator->rules_dir, list_one, evaluator, NULL);
    return evaluator->list;
}

const char *stint_evaluator_default_rules(enum stint_artifact_kind kind)
{
    switch (kind) {
    case STINT_KIND_DATASET:
        return "open-definition-2.1";
    case STINT_KIND_CODE:
        return "osi-code";
    case STINT_KIND_AUTO:
    case STINT_KIND_MODEL:
        break;
    }
    return "osaid-1.0";
}

static bool id_is_plain(const char *id)
{
    size_t length = strlen(id);
    return length > 0 && length < 64 && id[0] != '.' &&
           strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == length;
}

int stint_evaluator_rules(struct stint_evaluator *evaluator, const char *id,
                          const struct stint_rules **ret_rules, struct stint_error *err)
{
    char name[80];
    stint_auto(stint_free) char *text = NULL;
    size_t length;
    for (size_t i = 0; i < evaluator->rules_count; i++)
        if (strcmp(stint_rules_id(evaluator->rules[i]), id) == 0) {
            *ret_rules = evaluator->rules[i];
            return 0;
        }
    (void)snprintf(name, sizeof(name), "%.64s.yaml", id);
    int r = id_is_plain(id) ? folder_read_file(evaluator->rules_dir, name,
                                               STINT_RULES_FILE_BYTES_MAX, &text, &length, err)
                            : STINT_NOT_FOUND;
    if (r == STINT_NOT_FOUND) {
        r = stint_fail(err, r, "no rule set '%.64s' in %.200s", id, evaluator->rules_dir);
        return stint_fix(err, r, "one of: %.200s", stint_evaluator_rules_list(evaluator));
    }
    if (r == 0 && evaluator->rules_count == RULE_SETS_MAX)
        r = stint_fail(err, STINT_TOO_LARGE, "more than %d rule sets", RULE_SETS_MAX);
    stint_auto(stint_rules_free) struct stint_rules *rules = NULL;
    if (r == 0)
        r = stint_rules_parse(name, text, length, &rules, err);
    if (r == 0 && strcmp(stint_rules_id(rules), id) != 0)
        r = stint_fail(err, STINT_INVALID, "%s:1: 'rules:' must be %s, as the file is called", name,
                       id);
    if (r == 0)
        r = stint_rules_check_licences(rules, evaluator->licences, err);
    if (r != 0)
        return r;
    *ret_rules = evaluator->rules[evaluator->rules_count++] = stint_take(rules);
    return 0;
}

static int verdict_new(const char *name, struct stint_verdict **ret_verdict)
{
    stint_auto(stint_verdict_free) struct stint_verdict *verdict = calloc(1, sizeof(*verdict));
    if (!verdict)
        return -ENOMEM;
    verdict->results = calloc(STINT_VERDICT_RESULTS_MAX, sizeof(*verdict->results));
    verdict->findings = calloc(STINT_VERDICT_FINDINGS_MAX, sizeof(*verdict->findings));
    verdict->licences = calloc(STINT_VERDICT_LICENCES_MAX, sizeof(*verdict->licences));
    if (!verdict->results || !verdict->findings || !verdict->licences ||
        stint_facts_new(&verdict->facts) != 0)
        return -ENOMEM;
    verdict->name = stint_facts_keep(verdict->facts, name);
    verdict->data_class = "";
    if (!verdict->name)
        return -ENOMEM;
    *ret_verdict = stint_take(verdict);
    return 0;
}

static int refuse_troubles(const struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    const struct stint_artifact_trouble *first = &manifest->troubles[0];
    if (manifest->trouble_count == 0)
        return 0;
    int r = stint_fail(err, STINT_UNTRUSTED, "%s: %s%s", first->path[0] ? first->path : ".",
                       stint_trouble_words(first->kind),
                       manifest->trouble_count > 1 ? " (and others)" : "");
    return stint_fix(err, r, "an artefact holds regular files only; remove it or put the file in");
}

static void verdict_data_class(struct stint_verdict *verdict)
{
    if (verdict->kind != STINT_KIND_DATASET)
        return;
    verdict->data_class = "unknown";
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        if (fact->component == STINT_DATA && fact->predicate == STINT_DATA_CLASS)
            verdict->data_class = fact->text;
    }
}

/* Judges by each id of a comma-joined list. */
static int judge_by(struct stint_evaluator *evaluator, const char *ids,
                    struct stint_verdict *verdict, bool is_all, struct stint_error *err)
{
    while (*ids) {
        const struct stint_rules *rules;
        char id[80];
        size_t length = strcspn(ids, ",");
        (void)snprintf(id, sizeof(id), "%.*s", (int)(length < 79 ? length : 79), ids);
        ids += length + (ids[length] == ',');
        int r = stint_evaluator_rules(evaluator, id, &rules, err);
        if (r != 0)
            return r;
        if (is_all && stint_rules_kind(rules) != verdict->kind)
            continue;
        if (stint_rules_kind(rules) != STINT_KIND_AUTO && stint_rules_kind(rules) != verdict->kind)
            return stint_fail(err, STINT_INVALID, "rule set '%s' judges a %s, this is a %s", id,
                              stint_artifact_kind_name(stint_rules_kind(rules)),
                              stint_artifact_kind_name(verdict->kind));
        if (verdict->result_count == STINT_VERDICT_RESULTS_MAX)
            return stint_fail(err, STINT_TOO_LARGE, "more than %d rule sets at once",
                              STINT_VERDICT_RESULTS_MAX);
        if ((r = stint_rules_judge(rules, evaluator->licences, verdict)) != 0)
            return r;
    }
    return 0;
}

static int judge(struct stint_evaluator *evaluator, const char *asked,
                 struct stint_verdict *verdict, struct stint_error *err)
{
    bool is_all = asked && strcmp(asked, "all") == 0;
    const char *ids = is_all              ? stint_evaluator_rules_list(evaluator)
                      : asked && asked[0] ? asked
                                          : stint_evaluator_default_rules(verdict->kind);
    return judge_by(evaluator, ids, verdict, is_all, err);
}

/* Every rule set that is asked for exists and is well made, before a byte is hashed. */
static int check_rules(struct stint_evaluator *evaluator, const char *ids, struct stint_error *err)
{
    const struct stint_rules *rules;
    while (ids && *ids && strcmp(ids, "all") != 0) {
        char id[80];
        size_t length = strcspn(ids, ",");
        (void)snprintf(id, sizeof(id), "%.*s", (int)(length < 79 ? length : 79), ids);
        ids += length + (ids[length] == ',');
        int r = stint_evaluator_rules(evaluator, id, &rules, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int evaluate_tree(struct stint_evaluator *evaluator,
                         const struct stint_evaluation *evaluation,
                         const struct stint_artifact_tree *tree,
                         struct stint_artifact_manifest *manifest,
                         struct stint_verdict **ret_verdict, struct stint_error *err)
{
    int r = stint_artifact_tree_list(tree, manifest, err);
    if (r == 0)
        r = refuse_troubles(manifest, err);
    if (r == 0 && manifest->file_count == 0)
        r = stint_fail(err, STINT_UNTRUSTED, "%s: an empty folder", tree->name);
    if (r == 0 && !evaluation->is_listing_only)
        r = stint_artifact_hash(tree, manifest, evaluation->thread_count, evaluation->progress,
                                evaluation->progress_context, err);
    if (r == 0)
        r = refuse_troubles(manifest, err);
    if (r != 0)
        return r;
    stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
    if (verdict_new(evaluation->name ? evaluation->name : tree->name, &verdict) != 0)
        return -ENOMEM;
    struct reader reader = { .tree = tree,
                             .manifest = manifest,
                             .licences = evaluator->licences,
                             .catalogue = evaluator->catalogue,
                             .verdict = verdict,
                             .facts = verdict->facts,
                             .kind = evaluation->kind };
    verdict->digest = manifest->digest;
    verdict->has_digest = manifest->has_digest;
    r = read_layers(&reader);
    if (reader.kind == STINT_KIND_AUTO)
        reader.kind = guess_kind(&reader);
    verdict->kind = reader.kind;
    if (r == 0)
        r = read_all(&reader, err);
    read_hub_cache(&reader);
    if (r == 0)
        r = read_attestations(&reader, evaluation->attestations, err);
    if (r == 0)
        r = derive_facts(&reader);
    if (r == 0)
        r = find_patterns(&reader);
    free(reader.scopes);
    verdict_data_class(verdict);
    if (r == 0)
        r = judge(evaluator, evaluation->rules, verdict, err);
    if (r == 0)
        *ret_verdict = stint_take(verdict);
    return r;
}

int stint_evaluate(struct stint_evaluator *evaluator, const struct stint_evaluation *evaluation,
                   struct stint_verdict **ret_verdict, struct stint_artifact_manifest *ret_manifest,
                   struct stint_error *err)
{
    struct stint_artifact_tree tree;
    struct stint_artifact_manifest manifest = { 0 };
    int r = check_rules(evaluator, evaluation->rules, err);
    if (r == 0)
        r = stint_artifact_tree_open(evaluation->path, &tree, err);
    if (r != 0)
        return r;
    r = evaluate_tree(evaluator, evaluation, &tree, &manifest, ret_verdict, err);
    stint_artifact_tree_close(&tree);
    if (r == 0 && ret_manifest)
        *ret_manifest = manifest;
    else
        stint_artifact_manifest_deinit(&manifest);
    return r;
}

int stint_evaluate_path(struct stint_evaluator *evaluator, const char *path,
                        enum stint_artifact_kind kind, const char *rules,
                        struct stint_verdict **ret_verdict, struct stint_error *err)
{
    struct stint_evaluation evaluation = { .path = path, .kind = kind, .rules = rules };
    return stint_evaluate(evaluator, &evaluation, ret_verdict, NULL, err);
}
