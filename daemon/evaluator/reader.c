/* Owns: loading a file for a reader, and the small calls with which readers say what they saw. */
#include "evaluator/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/tree.h"
#include "stint/auto.h"

static int read_bytes(int fd, char *text, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = read(fd, text + done, length - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ESTALE;
        done += (size_t)got;
    }
    return 0;
}

int reader_load(struct reader *reader, size_t index, size_t max, struct reader_file *ret_file)
{
    const struct stint_artifact_file *entry = &reader->manifest->files[index];
    struct reader_file file = { .index = index, .path = entry->path, .size = entry->size };
    const char *slash = strrchr(entry->path, '/');
    file.base = slash ? slash + 1 : entry->path;
    (void)snprintf(file.folder, sizeof(file.folder), "%.*s", slash ? (int)(slash - entry->path) : 0,
                   entry->path);
    file.length = entry->size > max ? max : (size_t)entry->size;
    file.is_cut = entry->size > max;
    stint_auto(stint_fd) int fd =
        stint_artifact_tree_open_file(reader->tree, reader->manifest, index);
    if (fd < 0)
        return fd == -ESTALE ? STINT_UNTRUSTED : fd;
    file.text = malloc(file.length + 1);
    if (!file.text)
        return -ENOMEM;
    int r = read_bytes(fd, file.text, file.length);
    file.text[file.length] = '\0';
    if (r == 0 && !file.is_cut && entry->has_sha256) {
        /* The bytes that are judged are the bytes that were hashed. */
        struct stint_sha256 digest;
        stint_sha256(file.text, file.length, &digest);
        if (memcmp(&digest, &entry->sha256, sizeof(digest)) != 0)
            r = -ESTALE;
    }
    if (r != 0) {
        free(file.text);
        return r == -ESTALE ? STINT_UNTRUSTED : r;
    }
    *ret_file = file;
    return 0;
}

int reader_load_part(struct reader *reader, size_t index, uint64_t offset, size_t length,
                     char **ret_bytes)
{
    stint_auto(stint_fd) int fd =
        stint_artifact_tree_open_file(reader->tree, reader->manifest, index);
    if (fd < 0)
        return fd == -ESTALE ? STINT_UNTRUSTED : fd;
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return -errno;
    char *bytes = malloc(length + 1);
    if (!bytes)
        return -ENOMEM;
    int r = read_bytes(fd, bytes, length);
    if (r != 0) {
        free(bytes);
        return r == -ESTALE ? STINT_UNTRUSTED : r;
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    return 0;
}

void reader_unload(struct reader_file *file)
{
    free(file->text);
    file->text = NULL;
}

struct stint_place reader_line(uint64_t line)
{
    return (struct stint_place){ .kind = line ? STINT_PLACE_LINE : STINT_PLACE_NONE,
                                 .number = line };
}

struct stint_place reader_offset(uint64_t offset)
{
    return (struct stint_place){ .kind = STINT_PLACE_OFFSET, .number = offset };
}

struct stint_place reader_pointer(const char *pointer)
{
    return (struct stint_place){ .kind = STINT_PLACE_POINTER, .pointer = pointer };
}

static void fact_file(const struct reader *reader, const struct reader_file *file,
                      struct stint_fact *fact)
{
    if (!file)
        return;
    const struct stint_artifact_file *entry = &reader->manifest->files[file->index];
    fact->path = entry->path;
    fact->has_sha256 = entry->has_sha256;
    fact->sha256 = entry->sha256;
}

uint32_t reader_bool(struct reader *reader, const struct reader_file *file,
                     enum stint_component component, enum stint_predicate predicate,
                     const char *subject, bool value, enum stint_source source,
                     enum stint_grade grade, struct stint_place at)
{
    struct stint_fact fact = { .component = component,
                               .predicate = predicate,
                               .subject = subject,
                               .truth = value,
                               .source = source,
                               .grade = grade,
                               .at = at };
    fact_file(reader, file, &fact);
    return stint_facts_add(reader->facts, &fact);
}

/* Kaggle's "owner/model/framework/variation". */
static bool is_framework(const char *text, size_t length)
{
    static const char *const names[] = { "pytorch", "transformers", "keras",       "jax",
                                         "flax",    "tflite",       "tensorflow1", "tensorflow2",
                                         "gguf",    "gemmacpp",     "maxtext",     "tensorrtllm",
                                         "other",   "onnx" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == length && strncasecmp(names[i], text, length) == 0)
            return true;
    return false;
}

const char *model_name(const char *text, char *name, size_t size)
{
    static const char *const hosts[] = { "huggingface.co/", "hf.co/", "kaggle.com/models/" };
    const char *at = text;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(hosts); i++) {
        const char *host = strstr(text, hosts[i]);
        if (host)
            at = host + strlen(hosts[i]);
    }
    bool is_address = at != text;
    if (!is_address && (strstr(text, "://") || strchr("/.~", text[0])))
        return text;
    size_t owner = strcspn(at, "/");
    if (!at[owner] || owner == 0)
        return text;
    const char *model = at + owner + 1;
    size_t length = strcspn(model, "/@?#");
    const char *rest = model + length;
    size_t framework = *rest == '/' ? strcspn(rest + 1, "/") : 0;
    if (framework > 0 && is_framework(rest + 1, framework) && rest[1 + framework] == '/') {
        const char *variation = rest + 2 + framework;
        (void)snprintf(name, size, "%.*s/%.*s-%.*s", (int)owner, at, (int)length, model,
                       (int)strcspn(variation, "/@?#"), variation);
        return name;
    }
    /* Of an address what follows is a page of it; of a name only a revision may follow. */
    if (length == 0 || (!is_address && *rest != '@' && *rest))
        return text;
    (void)snprintf(name, size, "%.*s/%.*s", (int)owner, at, (int)length, model);
    return name;
}

uint32_t reader_text(struct reader *reader, const struct reader_file *file,
                     enum stint_component component, enum stint_predicate predicate,
                     const char *subject, const char *value, enum stint_source source,
                     enum stint_grade grade, struct stint_place at)
{
    struct stint_fact fact = { .component = component,
                               .predicate = predicate,
                               .subject = subject,
                               .text = value,
                               .source = source,
                               .grade = grade,
                               .at = at };
    char name[STINT_FACT_TEXT_BYTES_MAX];
    if (component == STINT_BASE_MODEL) {
        fact.subject = model_name(subject, name, sizeof(name));
        fact.text = predicate == STINT_NAME ? fact.subject : value;
    }
    if (predicate == STINT_NAME && ++reader->name_count > READER_NAMES_MAX) {
        stint_facts_spoil(reader->facts);
        return 0;
    }
    fact_file(reader, file, &fact);
    return stint_facts_add(reader->facts, &fact);
}

uint32_t reader_number(struct reader *reader, const struct reader_file *file,
                       enum stint_component component, enum stint_predicate predicate,
                       int64_t value, enum stint_source source, struct stint_place at)
{
    struct stint_fact fact = { .component = component,
                               .predicate = predicate,
                               .number = value,
                               .source = source,
                               .grade = STINT_DECLARED,
                               .at = at };
    fact_file(reader, file, &fact);
    return stint_facts_add(reader->facts, &fact);
}

void reader_generator(struct reader *reader, const struct reader_file *file, const char *model,
                      uint32_t data, enum stint_source source, struct stint_place at)
{
    struct stint_fact fact = { .component = STINT_GENERATOR,
                               .predicate = STINT_NAME,
                               .subject = model,
                               .text = model,
                               .source = source,
                               .grade = STINT_DECLARED,
                               .from = data,
                               .at = at };
    if (!*model)
        return;
    if (++reader->name_count > READER_NAMES_MAX) {
        stint_facts_spoil(reader->facts);
        return;
    }
    fact_file(reader, file, &fact);
    (void)stint_facts_add(reader->facts, &fact);
}

void reader_synthetic(struct reader *reader, const struct reader_file *file, uint32_t data,
                      enum stint_source source, struct stint_place at)
{
    struct stint_fact fact = { .component = STINT_GENERATOR,
                               .predicate = STINT_USED,
                               .truth = true,
                               .source = source,
                               .grade = STINT_DECLARED,
                               .from = data,
                               .at = at };
    fact_file(reader, file, &fact);
    (void)stint_facts_add(reader->facts, &fact);
}

static struct licence_scope *scope_new(struct reader *reader)
{
    if (reader->scope_count >= READER_SCOPES_MAX)
        return NULL;
    if (reader->scope_count == reader->scope_capacity) {
        size_t capacity = reader->scope_capacity ? reader->scope_capacity * 2 : 32;
        struct licence_scope *scopes =
            realloc(reader->scopes, capacity * sizeof(struct licence_scope));
        if (!scopes)
            return NULL;
        reader->scopes = scopes;
        reader->scope_capacity = capacity;
    }
    return &reader->scopes[reader->scope_count++];
}

bool reader_scope(struct reader *reader, enum stint_component target, const char *subject,
                  const char *folder, const char *only_file, uint32_t fact)
{
    struct licence_scope *scope = fact > 0 ? scope_new(reader) : NULL;
    if (!scope) {
        stint_facts_spoil(reader->facts); /* terms that nobody would look at */
        return false;
    }
    *scope = (struct licence_scope){
        .folder = stint_facts_keep(reader->facts, folder),
        .file = only_file ? stint_facts_keep(reader->facts, only_file) : NULL,
        .subject = stint_facts_keep(reader->facts, subject),
        .target = target,
        .fact = fact,
    };
    if (scope->folder && scope->subject && (!only_file || scope->file))
        return true;
    reader->scope_count--;
    return false;
}

uint32_t reader_licence(struct reader *reader, const struct reader_file *file,
                        enum stint_component target, const char *subject, const char *folder,
                        const char *only_file, const char *expression, enum stint_source source,
                        enum stint_grade grade, struct stint_place at)
{
    uint32_t id =
        reader_text(reader, file, target, STINT_LICENCE, subject, expression, source, grade, at);
    return reader_scope(reader, target, subject, folder, only_file, id) ? id : 0;
}

void reader_unreadable(struct reader *reader, const struct reader_file *file,
                       enum stint_component component, enum stint_source source, uint32_t line,
                       const char *why)
{
    char what[600];
    uint32_t id = reader_bool(reader, file, component, STINT_READABLE, "", false, source,
                              STINT_DECLARED, reader_line(line));
    (void)reader_licence(reader, file, STINT_ARTIFACT, "", file->folder, NULL,
                         "LicenseRef-unknown-unreadable", source, STINT_DECLARED,
                         reader_line(line));
    (void)snprintf(what, sizeof(what), "%.200s cannot be read: %.300s", file->path, why);
    verdict_finding(reader->verdict, "T-unreadable", what, &id, 1);
}

void reader_licence_seen(struct reader *reader, const char *path, uint32_t line, const char *id,
                         const char *match, uint32_t facets)
{
    struct stint_verdict *verdict = reader->verdict;
    char names[512] = "";
    size_t length = 0;
    if (verdict->licence_count >= STINT_VERDICT_LICENCES_MAX)
        return;
    for (int i = 0; i < STINT_FACET_COUNT; i++)
        if (facets & (uint32_t)1 << i)
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
                                       length > 0 ? "," : "",
                                       stint_licence_facet_name((enum stint_licence_facet)i));
    struct stint_licence_seen seen = { .file = stint_facts_keep(reader->facts, path),
                                       .id = stint_facts_keep(reader->facts, id),
                                       .match = match,
                                       .facets = stint_facts_keep(reader->facts, names),
                                       .line = line };
    if (!seen.file || !seen.id || !seen.facets)
        return;
    verdict->licences[verdict->licence_count++] = seen;
}

size_t reader_find(const struct reader *reader, const char *path)
{
    size_t low = 0;
    size_t high = reader->manifest->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(reader->manifest->files[middle].path, path);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

bool text_has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strcasestr(at, word)); at += 1)
        if ((at == text || !is_word_byte(at[-1])) && !is_word_byte(at[length]))
            return true;
    return false;
}

void verdict_finding(struct stint_verdict *verdict, const char *id, const char *what,
                     const uint32_t *evidence, uint32_t count)
{
    if (verdict->finding_count >= STINT_VERDICT_FINDINGS_MAX)
        return;
    struct stint_finding *finding = &verdict->findings[verdict->finding_count];
    *finding = (struct stint_finding){ .id = id, .what = stint_facts_keep(verdict->facts, what) };
    if (!finding->what)
        finding->what = "";
    finding->evidence_count = count < STINT_EVIDENCE_MAX ? count : STINT_EVIDENCE_MAX;
    for (uint32_t i = 0; i < finding->evidence_count; i++)
        finding->evidence[i] = evidence[i];
    verdict->finding_count++;
}
