/* Owns: what other metadata says under keys that mean terms or a base, whatever the format:
 * Kitfiles, model packs and other OCI documents, Modelfiles, MLflow models, data packages,
 * RO-Crates, SPDX 2, configurations of training. No such file is understood as a whole. It is asked
 * one thing: does it name a licence, or a model that this one was made from? Then that binds, as
 * what a card says does; so nothing here can open what other files close. Source: metadata.md §10.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

/* Longer files of these kinds are data: vocabularies, annotations. */
#define KEYS_TEXT_MAX  ((size_t)512 << 10)
#define KEYS_DEPTH_MAX 16

struct keys {
    struct reader *reader;
    const struct reader_file *file;
    enum stint_component target; /* of the part that is being read */
    bool is_card;                /* front matter, whose proper keys have been read */
};

/* "org.opencontainers.image.licenses", "license_name", "licenseName": what the last part says, in
 * small letters without marks. */
static void plain_key(const char *key, size_t length, char plain[48])
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = key[i];
        if (c == '.' || c == ':' || c == '/' || c == '#')
            used = 0;
        else if (isalnum((unsigned char)c) && used + 1 < 48)
            plain[used++] = (char)tolower((unsigned char)c);
    }
    plain[used] = '\0';
}

static bool is_among(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

static bool is_licence_key(const char *plain)
{
    static const char *const keys[] = { "license",
                                        "licence",
                                        "licenses",
                                        "licences",
                                        "licensename",
                                        "licenseid",
                                        "licenseexpression",
                                        "licensedeclared",
                                        "licenseconcluded",
                                        "packagelicensedeclared",
                                        "packagelicenseconcluded",
                                        "modellicense",
                                        "termsofuse",
                                        "usagerestrictions",
                                        "userestrictions",
                                        "usagepolicy",
                                        "weightslicense" };
    return is_among(plain, keys, STINT_ARRAY_SIZE(keys));
}

static bool is_base_key(const char *plain)
{
    static const char *const keys[] = { "basemodel",           "basemodels",
                                        "basemodelid",         "basemodelname",
                                        "basemodelnameorpath", "modelnameorpath",
                                        "nameorpath",          "pretrainedmodel",
                                        "pretrainedmodelname", "pretrainedmodelnameorpath",
                                        "parentmodel",         "sourcemodel",
                                        "sourcemodelname",     "finetunedfrom" };
    return is_among(plain, keys, STINT_ARRAY_SIZE(keys));
}

/* Parts that are the work of others, or that other readers judge by what lies there. */
static bool is_foreign_key(const struct keys *keys, const char *plain)
{
    static const char *const foreign[] = { "authors",      "dependencies", "devdependencies",
                                           "references",   "requirements", "citation",
                                           "contributors", "docs" };
    if (is_among(plain, foreign, STINT_ARRAY_SIZE(foreign)))
        return true;
    return keys->reader->kind == STINT_KIND_MODEL &&
           (strcmp(plain, "data") == 0 || strstr(plain, "dataset") ||
            strstr(plain, "trainingdata"));
}

/* A text of the tree that is read for itself. */
static bool is_here(const struct keys *keys, const char *name)
{
    char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    (void)snprintf(path, sizeof(path), "%s%s%.900s", keys->file->folder,
                   keys->file->folder[0] ? "/" : "", name);
    return reader_find(keys->reader, path) != SIZE_MAX;
}

static void take_licence(struct keys *keys, const char *value, uint32_t line)
{
    static const char *const silent[] = { "", "null", "none", "~", "true", "false", "noassertion" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(silent); i++)
        if (strcasecmp(value, silent[i]) == 0)
            return;
    if (is_here(keys, value))
        return;
    reader_declared_licence(keys->reader, keys->file, keys->target, "", keys->file->folder, NULL,
                            value, STINT_SOURCE_METADATA, reader_line(line));
}

static void take_base(struct keys *keys, const char *value, uint32_t line)
{
    if (!*value || strcasecmp(value, "null") == 0 || is_here(keys, value) ||
        reader_names_own_folder(keys->reader, value) || verdict_is_own_name(keys->reader, value))
        return;
    (void)reader_text(keys->reader, keys->file, STINT_BASE_MODEL, STINT_NAME, value, value,
                      STINT_SOURCE_CONFIG, STINT_DECLARED, reader_line(line));
}

/* Of {"name": …, "path": …} the entry that names best. */
static const struct strict_yaml_node *best_entry(const struct strict_yaml_node *map)
{
    static const char *const names[] = { "id",         "@id",     "spdx",        "identifier",
                                         "expression", "license", "name",        "type",
                                         "url",        "path",    "name_or_path" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        const struct strict_yaml_node *entry = strict_yaml_get(map, names[i]);
        if (entry && !strict_yaml_is_null(entry))
            return entry;
    }
    return NULL;
}

typedef void (*take_fn)(struct keys *keys, const char *value, uint32_t line);

/* The value of a key: a text, a map that names one, a list of those. */
static void take_value(struct keys *keys, const struct strict_yaml_node *value, take_fn take,
                       unsigned depth)
{
    if (depth > KEYS_DEPTH_MAX)
        return;
    switch (value->kind) {
    case STRICT_YAML_SCALAR:
        if (!strict_yaml_is_null(value))
            take(keys, value->text, value->line);
        return;
    case STRICT_YAML_MAP: {
        const struct strict_yaml_node *entry = best_entry(value);
        if (entry)
            take_value(keys, entry, take, depth + 1);
        return;
    }
    case STRICT_YAML_LIST:
        for (const struct strict_yaml_node *item = value->child; item; item = item->next)
            take_value(keys, item, take, depth + 1);
        return;
    }
}

/* A Kitfile's model may be another one, by its reference: the path is of no file here. */
static bool is_kit_reference(const struct keys *keys, const char *parent, const char *plain,
                             const struct strict_yaml_node *value)
{
    return strcmp(keys->file->base, "Kitfile") == 0 && strcmp(parent, "model") == 0 &&
           strcmp(plain, "path") == 0 && value->kind == STRICT_YAML_SCALAR &&
           strchr(value->text, '/') && !is_here(keys, value->text) && value->text[0] != '.';
}

/* Cards have their reader. Here is what it passes over: keys that are written otherwise. */
static bool is_proper_key(const struct keys *keys, const char *key)
{
    static const char *const proper[] = { "license",      "licenses",        "license_name",
                                          "license_link", "license_details", "base_model",
                                          "model-index",  "widget",          "configs",
                                          "dataset_info", "datasets" };
    return keys->is_card && key && is_among(key, proper, STINT_ARRAY_SIZE(proper));
}

static void walk(struct keys *keys, const struct strict_yaml_node *node, const char *parent,
                 unsigned depth)
{
    for (const struct strict_yaml_node *child = node->child; child; child = child->next) {
        char plain[48] = "";
        if (child->key)
            plain_key(child->key, strlen(child->key), plain);
        if (is_proper_key(keys, child->key))
            continue;
        if (is_licence_key(plain)) {
            take_value(keys, child, take_licence, 0);
        } else if (keys->reader->kind == STINT_KIND_MODEL &&
                   (is_base_key(plain) || is_kit_reference(keys, parent, plain, child))) {
            take_value(keys, child, take_base, 0);
        } else if (child->kind != STRICT_YAML_SCALAR && depth < KEYS_DEPTH_MAX &&
                   !is_foreign_key(keys, plain)) {
            enum stint_component target = keys->target;
            if (strcmp(plain, "code") == 0)
                keys->target = STINT_CODE;
            walk(keys, child, child->key ? plain : parent, depth + 1);
            keys->target = target;
        }
    }
}

/* "key = value", "Key: value" and "FROM value", a line each. */
static void read_lines(struct keys *keys)
{
    bool is_modelfile = strcmp(keys->file->base, "Modelfile") == 0;
    struct prose_lines lines = { .at = keys->file->text };
    char line[PROSE_LINE_MAX];
    while (prose_line(&lines, line)) {
        const char *at = line + strspn(line, " \t\"'");
        size_t length = strcspn(at, " \t=:\"'");
        char plain[48];
        plain_key(at, length, plain);
        char *value = line + (at - line) + length;
        value += strspn(value, is_modelfile ? " \t" : " \t=:\"'[");
        value[strcspn(value, is_modelfile ? "\r\n" : "\"']\r\n#")] = '\0';
        if (is_licence_key(plain))
            take_licence(keys, is_modelfile ? "terms of a Modelfile" : value, lines.number);
        else if (keys->reader->kind == STINT_KIND_MODEL &&
                 (is_base_key(plain) || (is_modelfile && strcmp(plain, "from") == 0)))
            take_base(keys, value, lines.number);
    }
}

static bool mentions(const char *text)
{
    return strcasestr(text, "licen") || strcasestr(text, "terms") ||
           strcasestr(text, "restrictions") || strcasestr(text, "policy") ||
           strcasestr(text, "base_model") || strcasestr(text, "basemodel") ||
           strcasestr(text, "name_or_path") || strcasestr(text, "pretrained_model") ||
           strcasestr(text, "parent_model") || strcasestr(text, "source_model") ||
           strcasestr(text, "finetuned_from");
}

bool path_has_keys(const char *path, const char *base)
{
    static const char *const ends[] = { ".json", ".jsonld", ".yml",        ".yaml", ".toml",
                                        ".spdx", ".ini",    ".properties", ".xml",  ".rdf" };
    /* Read by readers of their own, or lists of the work of others. */
    static const char *const others[] = { "package.json",         "package-lock.json",
                                          "pyproject.toml",       "Cargo.toml",
                                          "REUSE.toml",           "tokenizer.json",
                                          "vocab.json",           "adapter_config.json",
                                          "tokenizer_config.json" };
    if (strncmp(path, ".git/", 5) == 0 || strncasecmp(base, "mergekit", 8) == 0 ||
        path_is_host_metadata(base) || text_has_word(base, "croissant"))
        return false;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(others); i++)
        if (strcasecmp(base, others[i]) == 0)
            return false;
    if (strcmp(base, "Kitfile") == 0 || strcmp(base, "Modelfile") == 0 ||
        strcmp(base, "MLmodel") == 0)
        return true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ends); i++) {
        size_t length = strlen(base);
        size_t tail = strlen(ends[i]);
        if (length > tail && strcasecmp(base + length - tail, ends[i]) == 0)
            return true;
    }
    return false;
}

/* A bill in XML is not read, and what it says of terms may be anything. */
static bool is_bill_in_xml(const struct reader_file *file)
{
    return strstr(file->text, "cyclonedx.org/schema/bom") || strstr(file->text, "spdx.org/rdf");
}

/* @text: JSON or YAML, from line @line of the file. What is none hides what it says; a card's
 * reader has said so already. */
static int read_tree(struct keys *keys, const char *text, size_t length, uint32_t line)
{
    stint_auto(strict_yaml_free) struct strict_yaml_document *document = NULL;
    struct stint_error why = { 0 };
    int r = strict_yaml_parse(text, length, line, &document, &why);
    if (r == -ENOMEM)
        return r;
    if (r != 0 && !keys->is_card)
        reader_unreadable(keys->reader, keys->file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA,
                          strict_yaml_error_line(&why), why.text);
    else if (r == 0 && strict_yaml_root(document))
        walk(keys, strict_yaml_root(document), "", 0);
    return 0;
}

int read_keys(struct reader *reader, const struct reader_file *file)
{
    struct keys keys = { .reader = reader, .file = file, .target = STINT_ARTIFACT };
    size_t start;
    size_t length;
    uint32_t line;
    if (strlen(file->base) > 3 && strcasecmp(file->base + strlen(file->base) - 3, ".md") == 0) {
        bool is_open;
        keys.is_card = true;
        return card_front_matter(file->text, file->length, &start, &length, &line, &is_open)
                   ? read_tree(&keys, file->text + start, length, line)
                   : 0;
    }
    /* Bills and records have readers that know which part a licence is of. */
    const char *dot = strrchr(file->base, '.');
    bool is_xml = dot && (strcasecmp(dot, ".xml") == 0 || strcasecmp(dot, ".rdf") == 0);
    bool is_always =
        is_xml || strcmp(file->base, "Kitfile") == 0 || strcmp(file->base, "Modelfile") == 0;
    if (file->length > KEYS_TEXT_MAX || file->is_cut || (!is_always && !mentions(file->text)) ||
        (!is_xml && (strstr(file->text, "CycloneDX") || strstr(file->text, "spdx.org/rdf"))) ||
        text_is_mof(file->text) || strstr(file->text, "mlcommons.org/croissant"))
        return 0;
    if (is_xml) {
        if (is_bill_in_xml(file))
            reader_unreadable(reader, file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA, 1,
                              "a bill of materials in XML; give it in JSON");
        return 0;
    }
    bool has_lines = strcmp(file->base, "Modelfile") == 0 ||
                     (dot && (strcasecmp(dot, ".toml") == 0 || strcasecmp(dot, ".spdx") == 0 ||
                              strcasecmp(dot, ".ini") == 0 || strcasecmp(dot, ".properties") == 0));
    if (has_lines) {
        read_lines(&keys);
        return 0;
    }
    return read_tree(&keys, file->text, file->length, 1);
}
