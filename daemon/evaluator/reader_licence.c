/* Owns: licence texts (LICENSE*, COPYING*, NOTICE*, USE_POLICY* …) through the recogniser, and SPDX
 * lines in source files. A text with any word left over is never the licence it resembles: it is a
 * LicenseRef of its own, and the words left over are evidence. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/prose.h"
#include "evaluator/reader.h"
#include "stint/auto.h"

/* Names that are terms whatever follows them. */
static const char *const heads[] = { "license", "licence", "copying", "unlicense", "eula" };
/* Words of names of texts that are terms to the last word; and of texts that may hold terms beside
 * other things, where what they say decides (metadata.md §2). */
static const char *const words[] = {
    "license", "licence", "agreement", "eula", "terms", "copying"
};
static const char *const beside_words[] = { "notice", "copyright", "patents" };
static const char *const policy_words[] = { "policy",       "policies",     "prohibited",
                                            "prohibition",  "prohibitions", "restriction",
                                            "restrictions", "restricted",   "attachment",
                                            "addendum",     "rider",        "acceptable" };
/* Policies about something else than what may be done with the artefact. */
static const char *const other_policies[] = { "privacy", "security", "cookie", "cookies",
                                              "support", "branch",   "release" };
static const char *const text_ends[] = { ".md",  ".txt",  ".rst", ".html", ".htm",
                                         ".pdf", ".docx", ".rtf", ".doc",  ".odt" };
static const char *const other_ends[] = { ".o", ".a", ".so", ".d", ".bin", ".png", ".svg", ".css" };

static bool ends_as(const char *base, const char *const *ends, size_t count)
{
    const char *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < count; i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static bool has_word(const char *base, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_has_word(base, list[i]))
            return true;
    return false;
}
#define HAS_WORD(base, list) has_word(base, list, STINT_ARRAY_SIZE(list))

bool path_is_policy(const char *base)
{
    return HAS_WORD(base, policy_words) && !HAS_WORD(base, other_policies);
}

/* "MODEL_LICENSE", "Tongyi Qianwen LICENSE AGREEMENT", "Notice": without an ending, such files are
 * told by a capital letter from programs and folders of code. */
static bool is_titled(const char *base)
{
    if (strchr(base, '.'))
        return false;
    for (const char *c = base; *c; c++)
        if (isupper((unsigned char)*c))
            return true;
    return false;
}

static bool is_text_name(const char *base)
{
    return ends_as(base, text_ends, STINT_ARRAY_SIZE(text_ends)) || is_titled(base);
}

bool path_is_licence(const char *base)
{
    /* A source file called license.py is code, license.o came of it. */
    if (path_is_code(base) || ends_as(base, other_ends, STINT_ARRAY_SIZE(other_ends)))
        return false;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(heads); i++) {
        size_t length = strlen(heads[i]);
        if (strncasecmp(base, heads[i], length) == 0 && !isalpha((unsigned char)base[length]))
            return true;
    }
    return is_text_name(base) &&
           (HAS_WORD(base, words) || HAS_WORD(base, beside_words) || path_is_policy(base));
}

/* LICENSE-CODE, LICENSE_weights, MODEL_LICENSE.txt: what the name says it is for. */
static enum stint_component licence_target(const char *base)
{
    static const struct {
        const char *word;
        enum stint_component target;
    } parts[] = { { "code", STINT_CODE },
                  { "software", STINT_CODE },
                  { "model", STINT_WEIGHTS },
                  { "weights", STINT_WEIGHTS },
                  { "parameters", STINT_WEIGHTS },
                  { "data", STINT_TRAINING_DATA },
                  { "dataset", STINT_TRAINING_DATA } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(parts); i++)
        if (text_has_word(base, parts[i].word))
            return parts[i].target;
    return STINT_ARTIFACT;
}

/* REUSE's LICENSES/<id>.txt holds texts that other files point to; it licenses nothing by itself.
 */
static bool is_reuse_store(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    return strcmp(slash ? slash + 1 : folder, "LICENSES") == 0;
}

struct licence_file {
    struct reader *reader;
    const struct reader_file *file;
    const struct stint_licence_recognition *found;
    enum stint_component target;
    bool is_store;
};

/* A policy that lies among the documents binds whoever uses what they document. */
static const char *governed_folder(const struct reader_file *file)
{
    static const char *const shelves[] = { "doc", "docs", "legal", "policy", "policies" };
    for (size_t i = 0; path_is_policy(file->base) && i < STINT_ARRAY_SIZE(shelves); i++)
        if (strcasecmp(file->folder, shelves[i]) == 0)
            return "";
    return file->folder;
}

static uint32_t emit_licence(const struct licence_file *licence, const char *expression,
                             enum stint_grade grade, uint32_t line)
{
    if (licence->is_store)
        return reader_text(licence->reader, licence->file, STINT_MODEL_METADATA, STINT_VALUE, "",
                           expression, STINT_SOURCE_LICENCE, grade, reader_line(line));
    return reader_licence(licence->reader, licence->file, licence->target, "",
                          governed_folder(licence->file), NULL, expression, STINT_SOURCE_LICENCE,
                          grade, reader_line(line));
}

static void match_expression(const struct stint_licence_match *match, char *text, size_t size)
{
    size_t length = 0;
    switch (match->kind) {
    case STINT_MATCH_CLEAN:
        (void)snprintf(text, size, "%s", match->licence->id);
        return;
    case STINT_MATCH_AMBIGUOUS:
        for (uint32_t i = 0; i < match->twin_count && length < size; i++)
            length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? " OR " : "",
                                       match->twins[i]->id);
        return;
    case STINT_MATCH_MODIFIED:
        (void)snprintf(text, size, "LicenseRef-modified-%s", match->licence->id);
        return;
    case STINT_MATCH_UNKNOWN:
        (void)snprintf(text, size, "LicenseRef-unknown-text");
        return;
    }
}

/* The words that are left over, as a finding: OW1 for a text that resembles a known one. */
static void report_edits(const struct licence_file *licence,
                         const struct stint_licence_match *match, uint32_t fact)
{
    char what[400];
    const struct stint_licence_edit *edit =
        match->edit_count > 0 ? &licence->found->edits[match->edit_first] : NULL;
    if (!edit || !match->licence)
        return;
    (void)snprintf(what, sizeof(what), "%s: the text of %s with %u words %s at line %u: \"%s\"",
                   licence->file->path, match->licence->id, edit->word_count,
                   edit->is_inserted ? "put in" : "taken out", edit->place.line, edit->words);
    verdict_finding(licence->reader->verdict, "OW1", what, &fact, 1);
    if (match->is_disguised)
        verdict_finding(licence->reader->verdict, "OW18",
                        "look-alike letters or invisible characters stand in a licence text", &fact,
                        1);
}

/* Restrictions that the clauses of one stretch name, each at its own line. */
static void emit_clauses(const struct licence_file *licence, uint32_t index)
{
    for (uint32_t i = 0; i < licence->found->clause_count; i++) {
        const struct stint_licence_clause *clause = &licence->found->clauses[i];
        if (clause->match != index || !stint_licence_facet_restricts(clause->facet) ||
            licence->is_store)
            continue;
        (void)reader_text(licence->reader, licence->file, licence->target, STINT_RESTRICTION, "",
                          stint_licence_facet_name(clause->facet), STINT_SOURCE_LICENCE,
                          STINT_NAMED, reader_line(clause->place.line));
    }
}

static void emit_match(const struct licence_file *licence, uint32_t index)
{
    const struct stint_licence_match *match = &licence->found->matches[index];
    char expression[300];
    bool is_text = match->kind == STINT_MATCH_CLEAN || match->kind == STINT_MATCH_AMBIGUOUS;
    enum stint_grade grade =
        is_text && !match->is_notice && !licence->found->is_cut ? STINT_MATCHED : STINT_NAMED;
    match_expression(match, expression, sizeof(expression));
    /* Of a changed text the first change is the place that shows it. */
    uint32_t line = match->kind == STINT_MATCH_MODIFIED && match->edit_count > 0
                        ? licence->found->edits[match->edit_first].place.line
                        : match->place.line;
    uint32_t fact = emit_licence(licence, expression, grade, line);
    uint32_t facets = match->facets | (is_text ? match->licence->facets : 0);
    reader_licence_seen(licence->reader, licence->file->path, match->place.line,
                        match->licence ? match->licence->id : "unknown",
                        stint_licence_match_kind_name(match->kind), facets);
    if (match->kind == STINT_MATCH_MODIFIED)
        report_edits(licence, match, fact);
    emit_clauses(licence, index);
}

static bool is_binary(const struct reader_file *file)
{
    return memchr(file->text, '\0', file->length) != NULL;
}

/* NOTICE, COPYRIGHT and policy files hold attributions, lists of authors, good wishes and the like;
 * only what is a licence or takes a freedom away counts in them, and words beside it are no
 * finding. Files whose name says "license" or "terms" are terms to the last word. */
static bool is_beside(const char *base)
{
    return !HAS_WORD(base, words) && (HAS_WORD(base, beside_words) || path_is_policy(base));
}

static void note_command(void *context, const struct stint_licence_saying *saying)
{
    bool *has_command = context;
    *has_command = *has_command || saying->kind != STINT_SAYS_CODE_ONLY;
}

/* Does an unknown stretch of a file bind anyone? */
static bool stretch_binds(const struct reader *reader, const struct reader_file *file,
                          const struct stint_licence_match *match)
{
    bool has_command = false;
    if (match->facets != 0 || !is_beside(file->base))
        return true;
    if (!path_is_policy(file->base))
        return false;
    int r = stint_licence_sayings(reader->licences, file->text + match->place.offset,
                                  match->place.length, true, note_command, &has_command);
    return r != 0 || has_command;
}

int read_licence_text(struct reader *reader, const struct reader_file *file)
{
    struct stint_licence_recognition found = { 0 };
    struct licence_file licence = { .reader = reader,
                                    .file = file,
                                    .found = &found,
                                    .target = licence_target(file->base),
                                    .is_store = is_reuse_store(file->folder) };
    int r = STINT_TOO_LARGE;
    if (!is_binary(file) && !file->is_cut)
        r = stint_licence_recognise(reader->licences, file->text, file->length, &found);
    if (r == -ENOMEM)
        return r;
    if (r != 0) { /* a PDF, or a text beyond every licence */
        (void)emit_licence(&licence, "LicenseRef-unknown-text", STINT_NAMED, 0);
        reader_licence_seen(reader, file->path, 0, "unknown", "unknown", 0);
        return 0;
    }
    for (uint32_t i = 0; i < found.match_count; i++) {
        if (found.matches[i].kind != STINT_MATCH_UNKNOWN ||
            stretch_binds(reader, file, &found.matches[i]))
            emit_match(&licence, i);
    }
    if (found.is_cut)
        (void)emit_licence(&licence, "LicenseRef-unknown-text", STINT_NAMED, 0);
    struct prose_lines lines = { .at = file->text };
    char line[PROSE_LINE_MAX];
    while (is_beside(file->base) && prose_line(&lines, line))
        if (strcasestr(line, "licen"))
            read_named_terms(reader, file, line, lines.number);
    stint_licence_recognition_deinit(&found);
    return 0;
}

#define SPDX_LINE_MAX 512

/* "SPDX-License-Identifier: MIT", said of the file @whose. */
static void spdx_line(struct reader *reader, const struct reader_file *file, const char *whose,
                      const char *line, uint32_t number)
{
    static const char tag[] = "SPDX-License-Identifier:";
    char value[SPDX_LINE_MAX];
    const char *found = strstr(line, tag);
    if (!found)
        return;
    (void)snprintf(value, sizeof(value), "%s", found + sizeof(tag) - 1);
    /* What closes a comment ends the expression. */
    char *end = strpbrk(value, "\"'`<\r\n");
    if (end)
        *end = '\0';
    static const char *const closers[] = { "*/", "-->", "--}}", "#}", "*)" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(closers); i++)
        if ((end = strstr(value, closers[i])))
            *end = '\0';
    if (value[strspn(value, " \t")] == '\0')
        return;
    bool is_same = strcmp(reader->header_text, value) == 0;
    if (is_same && reader->header_count >= READER_SAME_MAX) {
        (void)reader_scope(reader, STINT_ARTIFACT, "", "", whose, reader->header_fact);
        return;
    }
    reader_declared_licence(reader, file, STINT_ARTIFACT, "", "", whose, value, STINT_SOURCE_HEADER,
                            reader_line(number));
    (void)snprintf(reader->header_text, sizeof(reader->header_text), "%s", value);
    reader->header_count = is_same ? reader->header_count + 1 : 1;
    reader->header_fact =
        reader->scope_count > 0 ? reader->scopes[reader->scope_count - 1].fact : 0;
}

static int read_spdx_lines(struct reader *reader, const struct reader_file *file, const char *whose)
{
    char line[SPDX_LINE_MAX];
    const char *at = file->text;
    const char *end = file->text + file->length;
    for (uint32_t number = 1; at < end && number <= 40; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t whole = newline ? (size_t)(newline - at) : (size_t)(end - at);
        size_t kept = whole < sizeof(line) ? whole : sizeof(line) - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        if (kept < whole)
            memcpy(line + kept - 3, "...", 3); /* what was cut off names nothing */
        spdx_line(reader, file, whose, line, number);
        at += whole + 1;
    }
    return 0;
}

int read_spdx_header(struct reader *reader, const struct reader_file *file)
{
    return read_spdx_lines(reader, file, file->path);
}

/* picture.png.license speaks for picture.png (REUSE 3). */
int read_sidecar(struct reader *reader, const struct reader_file *file)
{
    char whose[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    (void)snprintf(whose, sizeof(whose), "%.*s",
                   (int)(strlen(file->path) - (sizeof(".license") - 1)), file->path);
    if (reader_find(reader, whose) == SIZE_MAX)
        return 0;
    return read_spdx_lines(reader, file, whose);
}

#define REUSE_LINE_MAX 1200

struct reuse {
    struct reader *reader;
    const struct reader_file *file;
    char paths[1024]; /* of the annotation that is open, as written */
};

/* Does a pattern of REUSE.toml name @path? "*" stays in a folder, "**" does not. Falls back to the
 * last star only, so the cost is bounded by the lengths multiplied. */
static bool pattern_matches(const char *pattern, size_t length, const char *path)
{
    size_t at = 0;
    size_t star = SIZE_MAX;
    size_t deep = SIZE_MAX;
    const char *star_path = path;
    const char *deep_path = path;
    for (;;) {
        if (at < length && pattern[at] == '*') {
            bool is_deep = at + 1 < length && pattern[at + 1] == '*';
            at += is_deep ? 2 : 1;
            star = is_deep ? SIZE_MAX : at;
            star_path = path;
            deep = is_deep ? at : deep;
            deep_path = is_deep ? path : deep_path;
        } else if (*path && at < length && pattern[at] == *path) {
            at++;
            path++;
        } else if (!*path && at == length) {
            return true;
        } else if (star != SIZE_MAX && *star_path && *star_path != '/') {
            path = ++star_path;
            at = star;
        } else if (deep != SIZE_MAX && *deep_path) {
            path = ++deep_path;
            at = deep;
            star = SIZE_MAX;
        } else {
            return false;
        }
    }
}

/* Every file that one of the quoted patterns of the open annotation names gets the licence. */
static void reuse_apply(struct reuse *reuse, const char *value, uint32_t number)
{
    struct reader *reader = reuse->reader;
    char expression[600];
    uint32_t fact = 0;
    (void)licence_value(reader->licences, value, expression, sizeof(expression));
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        const char *path = reader->manifest->files[i].path;
        bool is_named = false;
        for (const char *at = reuse->paths; !is_named && (at = strchr(at, '"'));) {
            size_t length = strcspn(at + 1, "\"");
            is_named = pattern_matches(at + 1, length, path);
            at += 1 + length + (at[1 + length] == '"');
        }
        if (!is_named)
            continue;
        if (fact == 0)
            fact = reader_licence(reader, reuse->file, STINT_ARTIFACT, "", "", path, expression,
                                  STINT_SOURCE_HEADER, STINT_NAMED, reader_line(number));
        else
            (void)reader_scope(reader, STINT_ARTIFACT, "", "", path, fact);
    }
}

static void reuse_line(struct reuse *reuse, const char *line, uint32_t number)
{
    static const char licence[] = "SPDX-License-Identifier";
    char value[REUSE_LINE_MAX];
    line += strspn(line, " \t");
    if (strncmp(line, "[[", 2) == 0)
        reuse->paths[0] = '\0';
    else if (strncmp(line, "path", 4) == 0)
        (void)snprintf(reuse->paths, sizeof(reuse->paths), "%.1000s", line + 4);
    else if (strncmp(line, licence, sizeof(licence) - 1) == 0 && strchr(line, '"')) {
        (void)snprintf(value, sizeof(value), "%s", strchr(line, '"') + 1);
        value[strcspn(value, "\"")] = '\0';
        reuse_apply(reuse, value, number);
    }
}

/* .reuse/dep5, the older form (Debian's copyright format): "*" does not stop at a slash. */
static void dep5_line(struct reuse *reuse, const char *line, uint32_t number, bool *in_files)
{
    static const char licence[] = "License:";
    if (line[strspn(line, " \t\r")] == '\0') {
        reuse->paths[0] = '\0';
        *in_files = false;
    } else if (strncasecmp(line, "Files:", 6) == 0 ||
               (*in_files && isspace((unsigned char)*line))) {
        /* As quoted patterns, which is how REUSE.toml has them. */
        for (const char *at = line + (*in_files ? 0 : 6); *at;) {
            char pattern[300];
            size_t length = strcspn(at += strspn(at, " \t\r"), " \t\r");
            size_t kept = 0;
            for (size_t i = 0; i < length && kept + 3 < sizeof(pattern); i++) {
                pattern[kept++] = at[i];
                if (at[i] == '*')
                    pattern[kept++] = '*';
            }
            pattern[kept] = '\0';
            size_t used = strlen(reuse->paths);
            (void)snprintf(reuse->paths + used, sizeof(reuse->paths) - used, "\"%s\"", pattern);
            at += length;
        }
        *in_files = true;
    } else {
        *in_files = false;
        if (strncasecmp(line, licence, sizeof(licence) - 1) == 0)
            reuse_apply(reuse, line + sizeof(licence) - 1, number);
    }
}

int read_dep5(struct reader *reader, const struct reader_file *file)
{
    struct reuse reuse = { .reader = reader, .file = file };
    struct prose_lines lines = { .at = file->text };
    char line[PROSE_LINE_MAX];
    bool in_files = false;
    while (prose_line(&lines, line))
        dep5_line(&reuse, line, lines.number, &in_files);
    return 0;
}

/* REUSE.toml: annotations that say for patterns of paths what an SPDX line says for a file. */
int read_reuse(struct reader *reader, const struct reader_file *file)
{
    struct reuse reuse = { .reader = reader, .file = file };
    char line[REUSE_LINE_MAX];
    uint32_t number = 0;
    const char *at = file->text;
    const char *end = file->text + file->length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t whole = newline ? (size_t)(newline - at) : (size_t)(end - at);
        size_t kept = whole < sizeof(line) ? whole : sizeof(line) - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        if (kept < whole)
            memcpy(line + kept - 3, "...", 3);
        reuse_line(&reuse, line, ++number);
        at += whole + 1;
    }
    return 0;
}
