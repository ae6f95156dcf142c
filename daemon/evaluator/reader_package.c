/* Owns: licences that packages declare: pyproject.toml, Cargo.toml, setup.cfg, setup.py,
 * package.json, CITATION.cff. Only what the package says of itself counts: a dependency may be
 * called "license" too. Source: metadata.md §10. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

static const char licence_in[] = "SEE LICENSE IN ";

/* A text that a key points at is read where it lies, if its name says that it holds terms. */
static bool is_read_there(const struct reader *reader, const struct reader_file *file,
                          const char *name)
{
    char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
    const char *slash = strrchr(name, '/');
    (void)snprintf(path, sizeof(path), "%s%s%.900s", file->folder, file->folder[0] ? "/" : "",
                   name);
    return path_is_licence(slash ? slash + 1 : name) && reader_find(reader, path) != SIZE_MAX;
}

static void package_licence(struct reader *reader, const struct reader_file *file,
                            const char *value, struct stint_place at)
{
    size_t head = sizeof(licence_in) - 1;
    bool is_elsewhere = strlen(value) > head && strncasecmp(value, licence_in, head) == 0;
    if (value[strspn(value, " \t")] == '\0' ||
        (is_elsewhere && is_read_there(reader, file, value + head)))
        return;
    reader_declared_licence(reader, file, STINT_CODE, "", file->folder, NULL, value,
                            STINT_SOURCE_METADATA, at);
}

/* TOML and INI, line by line. */

struct table {
    struct reader *reader;
    const struct reader_file *file;
    bool is_own;             /* the section that is open speaks of the package itself */
    bool is_licence_section; /* [project.license] */
    bool has_licence;
    char classifier[160]; /* of an approved licence, for a package without the key */
    uint32_t classifier_line;
};

static void table_section(struct table *table, const char *line)
{
    static const char *const own[] = { "[project]", "[tool.poetry]", "[package]", "[metadata]",
                                       "[workspace.package]" };
    size_t length = strcspn(line, "]") + 1;
    table->is_own = false;
    table->is_licence_section = strncmp(line, "[project.license]", length) == 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(own); i++)
        table->is_own =
            table->is_own || (strlen(own[i]) == length && strncmp(line, own[i], length) == 0);
}

static bool is_key(const char *at, size_t length, const char *key)
{
    return strlen(key) == length && strncmp(at, key, length) == 0;
}

static void table_take(struct table *table, const char *at, uint32_t number)
{
    char value[PROSE_LINE_MAX];
    (void)snprintf(value, sizeof(value), "%s", at);
    value[strcspn(value, "\"'}]\r\n#")] = '\0';
    table->has_licence = table->has_licence || value[0];
    package_licence(table->reader, table->file, value, reader_line(number));
}

/* A text that stands elsewhere: what the key says is where. */
static void table_pointer(struct table *table, const char *at, uint32_t number)
{
    char value[PROSE_LINE_MAX];
    at += strspn(at, " \t=\"'");
    (void)snprintf(value, sizeof(value), "%s%.1900s", licence_in, at);
    table_take(table, value, number);
}

/* The value behind `key =`: a quoted text, a bare one, the text of {text = "…"}, a list of which
 * all hold together. */
static void table_value(struct table *table, const char *at, uint32_t number)
{
    at += strspn(at, " \t=:");
    if (*at == '{') {
        const char *text = strstr(at, "text");
        const char *file = strstr(at, "file");
        if (text)
            table_take(table, text + 4 + strspn(text + 4, " \t=\"'"), number);
        else if (file)
            table_pointer(table, file + 4, number);
        return;
    }
    bool is_list = *at == '[';
    do {
        at += strspn(at, "[ \t\"',");
        table_take(table, at, number);
        at += strcspn(at, "\"'}]\r\n#");
    } while (is_list && (*at == '"' || *at == '\'') && *++at);
}

/* "License :: Other/Proprietary License": what is not approved by the OSI restricts, or nobody
 * knows how; the approved ones leave versions out and serve only where nothing else is said. */
static void table_classifier(struct table *table, const char *line, uint32_t number)
{
    char value[160];
    const char *found = strstr(line, "License :: ");
    if (!found)
        return;
    (void)snprintf(value, sizeof(value), "%s", found + strlen("License :: "));
    value[strcspn(value, "\"'\r\n,")] = '\0';
    if (strncmp(value, "OSI Approved", 12) == 0) {
        const char *last = strrchr(value, ':');
        (void)snprintf(table->classifier, sizeof(table->classifier), "%s",
                       last ? last + 1 + strspn(last + 1, " ") : "");
        table->classifier_line = number;
        return;
    }
    if (strcasestr(value, "public domain") || strncmp(value, "CC0", 3) == 0)
        return;
    uint32_t id = reader_licence(table->reader, table->file, STINT_CODE, "", table->file->folder,
                                 NULL, "LicenseRef-unknown-classifier", STINT_SOURCE_METADATA,
                                 STINT_DECLARED, reader_line(number));
    if (id > 0 && (strcasestr(value, "non-commercial") || strcasestr(value, "noncommercial")))
        (void)reader_text(table->reader, table->file, STINT_CODE, STINT_RESTRICTION, "",
                          "non_commercial", STINT_SOURCE_METADATA, STINT_DECLARED,
                          reader_line(number));
}

static void table_line(struct table *table, const char *line, uint32_t number)
{
    const char *at = line + strspn(line, " \t");
    if (at[0] == '[' && at[1] != '"' && at[1] != '\'' && !strstr(at, "::")) {
        table_section(table, at);
        return;
    }
    size_t length = strcspn(at, " \t=:");
    if (table->is_licence_section && is_key(at, length, "text"))
        table_value(table, at + length, number);
    if (table->is_licence_section && is_key(at, length, "file"))
        table_pointer(table, at + length, number);
    if (!table->is_own)
        return;
    if (is_key(at, length, "license") || is_key(at, length, "licence"))
        table_value(table, at + length, number);
    if (is_key(at, length, "license-file"))
        table_pointer(table, at + length, number);
    table_classifier(table, at, number);
}

/* An approved licence that only a classifier names, without a version. */
static void table_end(struct table *table)
{
    char expression[600];
    if (table->has_licence || !table->classifier[0] ||
        !licence_value(table->reader->licences, table->classifier, expression, sizeof(expression)))
        return;
    package_licence(table->reader, table->file, table->classifier,
                    reader_line(table->classifier_line));
}

static int read_package_table(struct reader *reader, const struct reader_file *file)
{
    struct table table = { .reader = reader, .file = file };
    struct prose_lines lines = { .at = file->text };
    char line[PROSE_LINE_MAX];
    while (prose_line(&lines, line))
        table_line(&table, line, lines.number);
    table_end(&table);
    return 0;
}

/* setup.py is a program; license="…" and its classifiers are read as they stand. */
int read_setup(struct reader *reader, const struct reader_file *file)
{
    struct table table = { .reader = reader, .file = file };
    struct prose_lines lines = { .at = file->text };
    char line[PROSE_LINE_MAX];
    while (prose_line(&lines, line)) {
        table_classifier(&table, line, lines.number);
        for (const char *at = line; (at = strstr(at, "license")); at += 7) {
            bool is_word = at == line || strchr(" \t,({", at[-1]);
            const char *value = at + 7 + strspn(at + 7, " \t");
            if (is_word && *value == '=' && strchr("\"'", value[1 + strspn(value + 1, " \t")]) &&
                value[1 + strspn(value + 1, " \t")])
                table_value(&table, value, lines.number);
        }
    }
    table_end(&table);
    return 0;
}

/* package.json: a text, {"type": …} of old packages, or a list of those. */
static void npm_licence(struct reader *reader, const struct reader_file *file, const json_t *value,
                        const char *pointer)
{
    const json_t *type = json_is_object(value) ? json_object_get(value, "type") : value;
    if (json_string_value(type))
        package_licence(reader, file, json_string_value(type), reader_pointer(pointer));
    else if (value && !json_is_null(value))
        package_licence(reader, file, "unreadable", reader_pointer(pointer));
}

static int read_npm(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    size_t index;
    const json_t *entry;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(root)) {
        reader_unreadable(reader, file, STINT_PACKAGING, STINT_SOURCE_METADATA,
                          problem.line > 0 ? (uint32_t)problem.line : 1, "not a JSON object");
        json_decref(root);
        return 0;
    }
    const json_t *licence = json_object_get(root, "license");
    const json_t *list = json_is_array(licence) ? licence : json_object_get(root, "licenses");
    if (!json_is_array(licence))
        npm_licence(reader, file, licence, "/license");
    json_array_foreach(list, index, entry)
        npm_licence(reader, file, entry, licence == list ? "/license" : "/licenses");
    json_decref(root);
    return 0;
}

/* CITATION.cff: one id or a list; how those of a list stand to each other is not said everywhere,
 * so all of them bind. */
static int read_citation(struct reader *reader, const struct reader_file *file)
{
    stint_auto(strict_yaml_free) struct strict_yaml_document *document = NULL;
    struct stint_error why = { 0 };
    int r = strict_yaml_parse(file->text, file->length, 1, &document, &why);
    if (r == -ENOMEM)
        return r;
    if (r != 0) {
        reader_unreadable(reader, file, STINT_PACKAGING, STINT_SOURCE_METADATA,
                          strict_yaml_error_line(&why), why.text);
        return 0;
    }
    const struct strict_yaml_node *root = strict_yaml_root(document);
    const struct strict_yaml_node *licence = root ? strict_yaml_get(root, "license") : NULL;
    if (!licence || strict_yaml_is_null(licence))
        return 0;
    if (licence->kind == STRICT_YAML_SCALAR)
        package_licence(reader, file, licence->text, reader_line(licence->line));
    for (const struct strict_yaml_node *item = licence->child; item; item = item->next)
        if (item->kind == STRICT_YAML_SCALAR)
            package_licence(reader, file, item->text, reader_line(item->line));
    return 0;
}

int read_package_metadata(struct reader *reader, const struct reader_file *file)
{
    if (strcasecmp(file->base, "package.json") == 0)
        return read_npm(reader, file);
    if (strcasecmp(file->base, "CITATION.cff") == 0)
        return read_citation(reader, file);
    return read_package_table(reader, file);
}
