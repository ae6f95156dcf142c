/* Owns: the catalogue of dated evidence, read from YAML and turned into facts about names. A wrong
 * entry would mislead every verdict, so an unknown key or value refuses the whole file. */
#include "evaluator/derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/folder.h"
#include "stint/auto.h"

#define CATALOGUE_FILES_MAX 64
#define CATALOGUE_DIRS_MAX  ((size_t)16 << 10) /* bytes of the joined list of folders */
#define CATALOGUE_FOUND_MAX 8 /* entries of one name; the rest would have to agree with them */

struct catalogue_file {
    char name[80];
    struct stint_sha256 sha256;
    struct strict_yaml_document *document;
};

struct catalogue {
    struct catalogue_file files[CATALOGUE_FILES_MAX];
    size_t file_count;
};

struct catalogue *catalogue_close(struct catalogue *catalogue)
{
    if (!catalogue)
        return NULL;
    for (size_t i = 0; i < catalogue->file_count; i++)
        strict_yaml_free(catalogue->files[i].document);
    free(catalogue);
    return NULL;
}

static int refuse(const struct catalogue_file *file, uint32_t line, struct stint_error *err,
                  const char *what)
{
    return stint_fail(err, STINT_INVALID, "%s:%u: %s", file->name, line, what);
}

static bool is_key_of(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static bool is_class(const char *text)
{
    static const char *const classes[] = { "open", "public", "obtainable", "unshareable",
                                           "unknown" };
    return is_key_of(text, classes, STINT_ARRAY_SIZE(classes));
}

static int check_parts(const struct catalogue_file *file, const struct strict_yaml_node *entry,
                       struct stint_error *err)
{
    static const char *const keys[] = { "part",         "licence", "class", "location",
                                        "restrictions", "note",    "source" };
    const struct strict_yaml_node *parts = strict_yaml_get(entry, "parts");
    if (!parts || parts->kind != STRICT_YAML_LIST || !parts->child)
        return refuse(file, entry->line, err, "an entry without parts; try: add 'parts:'");
    for (const struct strict_yaml_node *part = parts->child; part; part = part->next) {
        const char *class = strict_yaml_text(part, "class");
        const struct strict_yaml_node *restrictions = strict_yaml_get(part, "restrictions");
        if (part->kind != STRICT_YAML_MAP || !strict_yaml_text(part, "part") ||
            !strict_yaml_text(part, "licence") || !strict_yaml_text(part, "source"))
            return refuse(file, part->line, err,
                          "a part lacks part, licence or source; try: name all three");
        if (class && !is_class(class))
            return refuse(file, part->line, err,
                          "not a class; try: open, public, obtainable, unshareable or unknown");
        /* Only what was judged here may be attested: files of evidence declare. */
        for (const struct strict_yaml_node *key = part->child; key; key = key->next)
            if (!is_key_of(key->key, keys, STINT_ARRAY_SIZE(keys)) &&
                !(strcmp(key->key, "grade") == 0 && strict_yaml_text(entry, "digest")))
                return refuse(file, key->key_line, err, "not a key of a part; try: remove it");
        for (const struct strict_yaml_node *item = restrictions ? restrictions->child : NULL; item;
             item = item->next)
            if (stint_licence_facet_find(item->text) < 0)
                return refuse(file, item->line, err, "not a facet; try: see the licence table");
    }
    return 0;
}

static int check_file(const struct catalogue_file *file, struct stint_error *err)
{
    static const char *const keys[] = { "name",  "aliases", "kind",      "date",  "datasets",
                                        "bases", "parts",   "describes", "digest" };
    const struct strict_yaml_node *root = strict_yaml_root(file->document);
    const struct strict_yaml_node *entries = strict_yaml_get(root, "entries");
    if (!entries || entries->kind != STRICT_YAML_LIST)
        return refuse(file, root ? root->line : 1, err, "no entries; try: add 'entries:'");
    for (const struct strict_yaml_node *entry = entries->child; entry; entry = entry->next) {
        const char *kind = strict_yaml_text(entry, "kind");
        if (entry->kind != STRICT_YAML_MAP || !strict_yaml_text(entry, "name") ||
            !strict_yaml_text(entry, "date"))
            return refuse(file, entry->line, err, "an entry lacks name or date; try: add them");
        if (!kind || (strcmp(kind, "dataset") != 0 && strcmp(kind, "model") != 0))
            return refuse(file, entry->line, err, "no kind; try: 'kind: dataset' or 'kind: model'");
        for (const struct strict_yaml_node *key = entry->child; key; key = key->next)
            if (!is_key_of(key->key, keys, STINT_ARRAY_SIZE(keys)))
                return refuse(file, key->key_line, err, "not a key of an entry; try: remove it");
        const struct strict_yaml_node *describes = strict_yaml_get(entry, "describes");
        for (const struct strict_yaml_node *item = describes ? describes->child : NULL; item;
             item = item->next)
            if (stint_predicate_parse(item->text) == STINT_PREDICATE_NONE)
                return refuse(file, item->line, err, "not a predicate; try: see fact.h");
        int r = check_parts(file, entry, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int catalogue_new(struct catalogue **ret_catalogue)
{
    *ret_catalogue = calloc(1, sizeof(**ret_catalogue));
    return *ret_catalogue ? 0 : -ENOMEM;
}

int catalogue_add(struct catalogue *catalogue, const char *name, const char *text, size_t length,
                  struct stint_error *err)
{
    if (length == 0)
        return 0;
    struct stint_error inner = { 0 };
    if (catalogue->file_count == CATALOGUE_FILES_MAX)
        return stint_fail(err, STINT_INVALID, "more than %d catalogue files", CATALOGUE_FILES_MAX);
    struct catalogue_file *file = &catalogue->files[catalogue->file_count];
    (void)snprintf(file->name, sizeof(file->name), "catalogue/%s", name);
    stint_sha256(text, length, &file->sha256);
    int r = strict_yaml_parse(text, length, 1, &file->document, &inner);
    if (r != 0)
        return r < 0 ? r : stint_fail(err, STINT_INVALID, "%s: %s", file->name, inner.text);
    catalogue->file_count++;
    return check_file(file, err);
}

static int open_file(void *context, const char *name, const char *text, size_t length,
                     struct stint_error *err)
{
    return catalogue_add(context, name, text, length, err);
}

static int open_dirs(struct catalogue *catalogue, const char *dirs, struct stint_error *err)
{
    size_t length = strlen(dirs);
    if (length > CATALOGUE_DIRS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "the catalogue's folders take more than %zu bytes",
                          CATALOGUE_DIRS_MAX);
    stint_auto(stint_free) char *list = strdup(dirs);
    char *rest = list;
    int r = list ? 0 : -ENOMEM;
    for (char *dir; r == 0 && (dir = strsep(&rest, ":"));)
        if (*dir) {
            r = folder_each_yaml(dir, open_file, catalogue, err);
            r = r == STINT_NOT_FOUND ? 0 : r;
        }
    return r;
}

int catalogue_open(const char *dirs, const char *registered, struct catalogue **ret_catalogue,
                   struct stint_error *err)
{
    struct catalogue *catalogue;
    int r = catalogue_new(&catalogue);
    if (r != 0)
        return r;
    r = open_dirs(catalogue, dirs, err);
    if (r == 0 && registered)
        r = open_file(catalogue, "registered", registered, strlen(registered), err);
    if (r != 0) {
        catalogue_close(catalogue);
        return r;
    }
    *ret_catalogue = catalogue;
    return 0;
}

/* Names. */

static bool entry_has_name(const struct strict_yaml_node *entry, const char *name)
{
    const struct strict_yaml_node *aliases = strict_yaml_get(entry, "aliases");
    if (strcasecmp(strict_yaml_text(entry, "name"), name) == 0)
        return true;
    for (const struct strict_yaml_node *alias = aliases ? aliases->child : NULL; alias;
         alias = alias->next)
        if (strcasecmp(alias->text, name) == 0)
            return true;
    return false;
}

struct found {
    const struct catalogue_file *file;
    const struct strict_yaml_node *entry;
};

/* What is judged is not its own base, whoever registered it before. */
static bool is_self(const struct strict_yaml_node *entry, const char *self)
{
    const char *digest = strict_yaml_text(entry, "digest");
    return digest && strcmp(digest, self) == 0;
}

static void self_of(const struct reader *reader, char self[8 + STINT_SHA256_HEX])
{
    memcpy(self, "sha256:", 8);
    if (reader->manifest->has_digest)
        (void)stint_sha256_hex(&reader->manifest->digest, self + 7);
}

/* Every entry of that name: where several know it, all of them count and the strictest binds, so
 * that nobody can register a kinder namesake. */
static size_t find_entries(const struct catalogue *catalogue, const char *self, const char *name,
                           const char *kind, struct found found[CATALOGUE_FOUND_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < catalogue->file_count; i++) {
        const struct strict_yaml_node *entries =
            strict_yaml_get(strict_yaml_root(catalogue->files[i].document), "entries");
        for (const struct strict_yaml_node *entry = entries->child;
             entry && count < CATALOGUE_FOUND_MAX; entry = entry->next)
            if (strcmp(strict_yaml_text(entry, "kind"), kind) == 0 && !is_self(entry, self) &&
                entry_has_name(entry, name))
                found[count++] = (struct found){ .file = &catalogue->files[i], .entry = entry };
    }
    return count;
}

bool catalogue_has_model(const struct catalogue *catalogue, const char *name)
{
    struct found found[CATALOGUE_FOUND_MAX];
    return catalogue && find_entries(catalogue, "", name, "model", found) > 0;
}

/* A fact at a line of a catalogue file, or one about an artefact that is registered here. */
static uint32_t found_fact(struct reader *reader, const struct found *found,
                           const struct strict_yaml_node *at, struct stint_fact fact)
{
    char path[300];
    const char *digest = strict_yaml_text(found->entry, "digest");
    fact.source = STINT_SOURCE_CATALOGUE;
    fact.grade = fact.grade ? fact.grade : STINT_DECLARED;
    if (digest) {
        (void)snprintf(path, sizeof(path), "registered %.150s@%.80s",
                       strict_yaml_text(found->entry, "name"), digest);
        fact.path = path;
        return stint_facts_add(reader->facts, &fact);
    }
    fact.path = found->file->name;
    fact.has_sha256 = true;
    fact.sha256 = found->file->sha256;
    fact.at = reader_line(at->line);
    return stint_facts_add(reader->facts, &fact);
}

static void found_terms(struct reader *reader, const struct found *found,
                        const struct strict_yaml_node *part, enum stint_component component,
                        const char *subject, uint32_t from)
{
    char expression[600];
    const struct strict_yaml_node *restrictions = strict_yaml_get(part, "restrictions");
    const char *licence = strict_yaml_text(part, "licence");
    const char *grade = strict_yaml_text(part, "grade");
    enum stint_grade graded =
        grade && strcmp(grade, "attested") == 0 ? STINT_ATTESTED : STINT_DECLARED;
    (void)licence_value(reader->licences, licence, expression, sizeof(expression));
    if (strcmp(licence, "unknown") == 0)
        (void)snprintf(expression, sizeof(expression), "NOASSERTION");
    uint32_t id = found_fact(reader, found, part,
                             (struct stint_fact){ .component = component,
                                                  .predicate = STINT_LICENCE,
                                                  .subject = subject,
                                                  .text = expression,
                                                  .grade = graded,
                                                  .from = from });
    if (id > 0)
        derive_restrictions(reader, id, component, subject, expression);
    for (const struct strict_yaml_node *item = restrictions ? restrictions->child : NULL; item;
         item = item->next)
        (void)found_fact(reader, found, item,
                         (struct stint_fact){ .component = component,
                                              .predicate = STINT_RESTRICTION,
                                              .subject = subject,
                                              .text = item->text,
                                              .from = from });
}

/* The class of a whole is that of its weakest part. */
static const char *weakest_class(const struct strict_yaml_node *entry,
                                 const struct strict_yaml_node **ret_part)
{
    static const char *const order[] = { "unknown", "unshareable", "obtainable", "public", "open" };
    size_t weakest = STINT_ARRAY_SIZE(order);
    for (const struct strict_yaml_node *part = strict_yaml_get(entry, "parts")->child; part;
         part = part->next) {
        const char *class = strict_yaml_text(part, "class");
        for (size_t i = 0; i < weakest; i++)
            if (strcmp(class ? class : "unknown", order[i]) == 0) {
                weakest = i;
                *ret_part = part;
            }
    }
    return weakest < STINT_ARRAY_SIZE(order) ? order[weakest] : "unknown";
}

static void describe_data(struct reader *reader, const struct found *found,
                          const struct stint_fact *name)
{
    const struct strict_yaml_node *weakest = found->entry;
    const struct strict_yaml_node *describes = strict_yaml_get(found->entry, "describes");
    const char *class = weakest_class(found->entry, &weakest);
    for (const struct strict_yaml_node *part = strict_yaml_get(found->entry, "parts")->child; part;
         part = part->next) {
        const char *location = strict_yaml_text(part, "location");
        found_terms(reader, found, part, STINT_TRAINING_DATA, name->subject, name->id);
        if (location)
            (void)found_fact(reader, found, part,
                             (struct stint_fact){ .component = STINT_TRAINING_DATA,
                                                  .predicate = STINT_LOCATION,
                                                  .subject = name->subject,
                                                  .text = location,
                                                  .from = name->id });
    }
    (void)found_fact(reader, found, weakest,
                     (struct stint_fact){ .component = STINT_TRAINING_DATA,
                                          .predicate = STINT_DATA_CLASS,
                                          .subject = name->subject,
                                          .text = class,
                                          .from = name->id });
    for (const struct strict_yaml_node *item = describes ? describes->child : NULL; item;
         item = item->next)
        (void)found_fact(reader, found, item,
                         (struct stint_fact){ .component = STINT_DATA_INFORMATION,
                                              .predicate = stint_predicate_parse(item->text),
                                              .subject = name->subject,
                                              .truth = true,
                                              .from = name->id });
}

static void describe_named(struct reader *reader, const struct stint_fact *name)
{
    struct found found[CATALOGUE_FOUND_MAX];
    char self[8 + STINT_SHA256_HEX];
    self_of(reader, self);
    size_t count = find_entries(reader->catalogue, self, name->text, "dataset", found);
    for (size_t i = 0; i < count; i++)
        describe_data(reader, &found[i], name);
}

void catalogue_describe(struct reader *reader)
{
    size_t count = stint_facts_count(reader->facts);
    for (size_t i = 0; i < count; i++) {
        struct stint_fact fact = *stint_facts_at(reader->facts, i);
        if (fact.component == STINT_TRAINING_DATA && fact.predicate == STINT_NAME)
            describe_named(reader, &fact);
    }
}

/* The data sets a known base was trained on, as training data of what was made from it. */
static void inherit_datasets(struct reader *reader, const struct found *found,
                             const struct stint_fact *name)
{
    const struct strict_yaml_node *datasets = strict_yaml_get(found->entry, "datasets");
    if (!datasets || !datasets->child) {
        (void)found_fact(reader, found, found->entry,
                         (struct stint_fact){ .component = STINT_TRAINING_DATA,
                                              .predicate = STINT_DATA_CLASS,
                                              .subject = name->subject,
                                              .text = "unknown",
                                              .from = name->id });
        return;
    }
    for (const struct strict_yaml_node *item = datasets->child; item; item = item->next) {
        uint32_t id = found_fact(reader, found, item,
                                 (struct stint_fact){ .component = STINT_TRAINING_DATA,
                                                      .predicate = STINT_NAME,
                                                      .subject = item->text,
                                                      .text = item->text,
                                                      .from = name->id });
        if (id > 0) {
            struct stint_fact fact = *stint_facts_by_id(reader->facts, id);
            describe_named(reader, &fact);
        }
    }
}

static void inherit_from(struct reader *reader, const struct found *found,
                         const struct stint_fact *name)
{
    bool is_model = name->component == STINT_BASE_MODEL;
    bool is_generator = name->component == STINT_GENERATOR;
    enum stint_component heir = is_model       ? STINT_WEIGHTS
                                : is_generator ? STINT_GENERATOR
                                               : STINT_DATA;
    (void)found_fact(reader, found, found->entry,
                     (struct stint_fact){ .component = name->component,
                                          .predicate = STINT_RESOLVED,
                                          .subject = name->subject,
                                          .truth = true,
                                          .from = name->id });
    for (const struct strict_yaml_node *part = strict_yaml_get(found->entry, "parts")->child; part;
         part = part->next)
        found_terms(reader, found, part, heir, is_generator ? name->subject : "", name->id);
    if (is_model)
        inherit_datasets(reader, found, name);
}

bool catalogue_inherit(struct reader *reader, const struct stint_fact *name)
{
    struct found found[CATALOGUE_FOUND_MAX];
    const char *kind = name->component == STINT_SOURCE_DATA ? "dataset" : "model";
    char self[8 + STINT_SHA256_HEX];
    self_of(reader, self);
    size_t count = find_entries(reader->catalogue, self, name->text, kind, found);
    for (size_t i = 0; i < count; i++)
        inherit_from(reader, &found[i], name);
    return count > 0;
}
