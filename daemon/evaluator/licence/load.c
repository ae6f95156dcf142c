/* Owns: the shape of the YAML files beside the text table. An entry that is not known here is
 * refused with its file and line: a misspelt facet must not silently make a licence freer.
 *
 *   spdx.yaml     generated: which ids there are and what three lists say of them
 *   terms.yaml    by hand: kinds, Open Definition, facets, licences that SPDX does not list
 *   names.yaml    by hand: hub keys, customary names, families
 *   clauses.yaml  by hand: phrases that betray a facet */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document.h"

/* What the row functions share. */
struct load {
    struct stint_licences *table;
    uint16_t current;   /* licence of the row being read */
    int facet;          /* of the clauses being read */
    bool is_sorted;     /* the list is in order: licences_index() may be asked */
    uint32_t pending;   /* facets of the row being read */
    const char *target; /* names of this kind are being read */
    enum stint_licence_via via;
    bool is_reviewed;
    char expected_texts[STINT_SHA256_HEX];
};

static int compare_licence(const void *a, const void *b)
{
    return strcasecmp(((const struct stint_licence *)a)->id, ((const struct stint_licence *)b)->id);
}

static void sort_list(struct load *load)
{
    if (!load->is_sorted && load->table->count > 0)
        qsort(load->table->list, load->table->count, sizeof(load->table->list[0]), compare_licence);
    load->is_sorted = true;
}

/* The index of @id, after sorting; a refusal when it is not in the list. */
static int find_licence(struct load *load, const struct document *document, const char *id,
                        uint16_t *ret_index, struct stint_error *err)
{
    sort_list(load);
    *ret_index = licences_index(load->table, id);
    return *ret_index != LICENCE_NONE
               ? 0
               : document_fail(document, err, "no licence '%s' is known", id);
}

static int add_licence(struct load *load, const char *id, struct stint_licence **ret,
                       struct stint_error *err)
{
    struct stint_licences *table = load->table;
    if (table->count == LOAD_LICENCE_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "more than %d licences", LOAD_LICENCE_MAX);
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 1024;
        struct stint_licence *list = realloc(table->list, capacity * sizeof(*list));
        if (!list)
            return stint_fail(err, -ENOMEM, "out of memory");
        table->list = list;
        table->capacity = capacity;
    }
    const char *copy = arena_text(&table->arena, id, strlen(id));
    if (!copy)
        return stint_fail(err, -ENOMEM, "out of memory");
    struct stint_licence *licence = &table->list[table->count++];
    *licence = (struct stint_licence){ .id = copy, .name = copy, .successor = "", .note = "" };
    load->is_sorted = false;
    *ret = licence;
    return 0;
}

static int add_name(struct stint_licences *table, const char *key, struct licence_name name,
                    struct stint_error *err)
{
    if (table->name_count == LOAD_NAME_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "more than %d names", LOAD_NAME_MAX);
    if (table->name_count == table->name_capacity) {
        size_t capacity = table->name_capacity ? table->name_capacity * 2 : 2048;
        struct licence_name *names = realloc(table->names, capacity * sizeof(*names));
        if (!names)
            return stint_fail(err, -ENOMEM, "out of memory");
        table->names = names;
        table->name_capacity = capacity;
    }
    char lower[LICENCE_KEY_MAX];
    if (!licences_key(key, lower))
        return stint_fail(err, STINT_UNTRUSTED, "'%s' is no name", key);
    name.key = arena_text(&table->arena, lower, strlen(lower));
    if (!name.key)
        return stint_fail(err, -ENOMEM, "out of memory");
    table->names[table->name_count++] = name;
    return 0;
}

/* spdx.yaml */

static int spdx_add(void *context, struct document *document, const char *key,
                    struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *id = document_text(document, err);
    struct stint_licence *licence = NULL;
    if (!id)
        return STINT_UNTRUSTED;
    int r = add_licence(load, id, &licence, err);
    if (r != 0 || !licence)
        return r;
    licence->is_exception = strcmp(load->target, "exceptions") == 0;
    licence->is_spdx = true;
    licence->osi = licence->is_exception ? STINT_UNKNOWN : STINT_NO;
    return document_next(document, err);
}

/* Successors are looked up once all ids are known: until then they are a text of ids. */
static int spdx_successor(void *context, struct document *document, const char *key,
                          struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *id = document_text(document, err);
    if (!id)
        return STINT_UNTRUSTED;
    struct stint_licence *licence = &load->table->list[load->table->count - 1];
    char joined[128];
    int length = snprintf(joined, sizeof(joined), "%s%s%s", licence->successor,
                          licence->successor[0] ? " " : "", id);
    if (length < 0 || (size_t)length >= sizeof(joined))
        return document_fail(document, err, "too many successors");
    licence->successor = arena_text(&load->table->arena, joined, (size_t)length);
    if (!licence->successor)
        return stint_fail(err, -ENOMEM, "out of memory");
    return document_next(document, err);
}

static int spdx_deprecated(void *context, struct document *document, const char *key,
                           struct stint_error *err)
{
    struct load *load = context;
    struct stint_licence *licence = NULL;
    int r = add_licence(load, key, &licence, err);
    if (r != 0 || !licence)
        return r;
    licence->is_spdx = true;
    licence->is_deprecated = true;
    licence->osi = STINT_NO;
    return document_sequence(document, spdx_successor, load, err);
}

static int spdx_flag(void *context, struct document *document, const char *key,
                     struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *id = document_text(document, err);
    uint16_t index;
    if (!id)
        return STINT_UNTRUSTED;
    int r = find_licence(load, document, id, &index, err);
    if (r != 0)
        return r;
    struct stint_licence *licence = &load->table->list[index];
    if (strcmp(load->target, "osi") == 0)
        licence->osi = STINT_YES;
    else
        licence->fsf = strcmp(load->target, "fsf_free") == 0 ? STINT_YES : STINT_NO;
    return document_next(document, err);
}

static int copy_text(const struct document *document, char *to, size_t size,
                     struct stint_error *err)
{
    const char *text = document_text(document, err);
    if (!text)
        return STINT_UNTRUSTED;
    size_t length = strlen(text);
    if (length >= size)
        return document_fail(document, err, "longer than %zu bytes", size - 1);
    memcpy(to, text, length + 1);
    return 0;
}

static int spdx_row(void *context, struct document *document, const char *key,
                    struct stint_error *err)
{
    struct load *load = context;
    struct stint_licences *table = load->table;
    load->target = key;
    if (strcmp(key, "schema") == 0 || strcmp(key, "sources") == 0)
        return document_skip(document, err);
    if (strcmp(key, "version") == 0) {
        int r = copy_text(document, table->version, sizeof(table->version), err);
        return r != 0 ? r : document_next(document, err);
    }
    if (strcmp(key, "texts_sha256") == 0) {
        int r = copy_text(document, load->expected_texts, sizeof(load->expected_texts), err);
        return r != 0 ? r : document_next(document, err);
    }
    if (strcmp(key, "deprecated") == 0)
        return document_mapping(document, spdx_deprecated, load, err);
    if (strcmp(key, "spdx") == 0 || strcmp(key, "exceptions") == 0)
        return document_sequence(document, spdx_add, load, err);
    if (strcmp(key, "osi") == 0 || strcmp(key, "fsf_free") == 0 || strcmp(key, "fsf_nonfree") == 0)
        return document_sequence(document, spdx_flag, load, err);
    return document_fail(document, err, "'%s' is not known here", key);
}

/* terms.yaml */

static int terms_facet(void *context, struct document *document, const char *key,
                       struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *name = document_text(document, err);
    if (!name)
        return STINT_UNTRUSTED;
    int facet = stint_licence_facet_find(name);
    if (facet < 0)
        return document_fail(document, err, "no facet '%s' is known", name);
    load->pending |= (uint32_t)1 << facet;
    return document_next(document, err);
}

static int read_tristate(const struct document *document, enum stint_tristate *ret,
                         struct stint_error *err)
{
    const char *text = document_text(document, err);
    if (!text)
        return STINT_UNTRUSTED;
    for (int value = STINT_NO; value <= STINT_YES; value++) {
        if (strcmp(text, stint_tristate_name((enum stint_tristate)value)) == 0) {
            *ret = (enum stint_tristate)value;
            return 0;
        }
    }
    return document_fail(document, err, "'%s' is not yes, no or unknown", text);
}

static int read_arena_text(struct load *load, const struct document *document, const char **ret,
                           struct stint_error *err)
{
    const char *text = document_text(document, err);
    if (!text)
        return STINT_UNTRUSTED;
    const char *copy = arena_text(&load->table->arena, text, strlen(text));
    if (!copy)
        return stint_fail(err, -ENOMEM, "out of memory");
    *ret = copy;
    return 0;
}

static int terms_field(void *context, struct document *document, const char *key,
                       struct stint_error *err)
{
    struct load *load = context;
    struct stint_licence *licence = &load->table->list[load->current];
    if (strcmp(key, "facets") == 0)
        return document_sequence(document, terms_facet, load, err);
    int r = 0;
    if (strcmp(key, "name") == 0) {
        r = read_arena_text(load, document, &licence->name, err);
    } else if (strcmp(key, "note") == 0) {
        r = read_arena_text(load, document, &licence->note, err);
    } else if (strcmp(key, "open_definition") == 0) {
        r = read_tristate(document, &licence->open_definition, err);
    } else if (strcmp(key, "fsf") == 0) {
        r = read_tristate(document, &licence->fsf, err);
    } else if (strcmp(key, "reviewed") == 0) {
        enum stint_tristate reviewed = STINT_NO;
        r = read_tristate(document, &reviewed, err);
        load->is_reviewed = reviewed == STINT_YES;
    } else if (strcmp(key, "kind") == 0) {
        const char *text = document_text(document, err);
        if (!text)
            return STINT_UNTRUSTED;
        int kind = STINT_LICENCE_KIND_COUNT - 1;
        while (kind >= 0 &&
               strcmp(text, stint_licence_kind_name((enum stint_licence_kind)kind)) != 0)
            kind--;
        if (kind < 0)
            return document_fail(document, err, "no kind '%s' is known", text);
        licence->kind = (enum stint_licence_kind)kind;
    } else {
        return document_fail(document, err, "'%s' is not known here", key);
    }
    return r != 0 ? r : document_next(document, err);
}

/* One licence. The SPDX list's ids must be there already, others are added. */
static int terms_licence(void *context, struct document *document, const char *key,
                         struct stint_error *err)
{
    struct load *load = context;
    bool is_new = strncmp(key, "LicenseRef-", 11) == 0;
    sort_list(load);
    if (is_new && licences_index(load->table, key) == LICENCE_NONE) {
        struct stint_licence *licence;
        int r = add_licence(load, key, &licence, err);
        if (r != 0)
            return r;
    }
    int r = find_licence(load, document, key, &load->current, err);
    if (r != 0)
        return r;
    load->pending = 0;
    load->is_reviewed = false;
    r = document_mapping(document, terms_field, load, err);
    struct stint_licence *licence = &load->table->list[load->current];
    licence->facets |= load->pending;
    licence->facets_known |=
        load->is_reviewed ? ((uint32_t)1 << STINT_FACET_COUNT) - 1 : load->pending;
    return r;
}

/* One id of a list: the flag that the list stands for. */
static int group_id(void *context, struct document *document, const char *key,
                    struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *id = document_text(document, err);
    uint16_t index;
    if (!id)
        return STINT_UNTRUSTED;
    int r = find_licence(load, document, id, &index, err);
    if (r != 0)
        return r;
    struct stint_licence *licence = &load->table->list[index];
    if (strncmp(load->target, "kind_", 5) == 0) {
        for (int kind = 0; kind < STINT_LICENCE_KIND_COUNT; kind++)
            if (strcmp(load->target + 5, stint_licence_kind_name((enum stint_licence_kind)kind)) ==
                0)
                licence->kind = (enum stint_licence_kind)kind;
    } else if (strcmp(load->target, "open_definition") == 0) {
        licence->open_definition = STINT_YES;
    } else if (strcmp(load->target, "open_definition_not") == 0) {
        licence->open_definition = STINT_NO;
    } else {
        uint32_t bit = (uint32_t)1 << stint_licence_facet_find(load->target);
        licence->facets |= bit;
        licence->facets_known |= bit;
    }
    return document_next(document, err);
}

static int terms_list(void *context, struct document *document, const char *key,
                      struct stint_error *err)
{
    struct load *load = context;
    bool is_kind = false;
    for (int kind = 0; kind < STINT_LICENCE_KIND_COUNT && strncmp(key, "kind_", 5) == 0; kind++)
        is_kind |= strcmp(key + 5, stint_licence_kind_name((enum stint_licence_kind)kind)) == 0;
    if (!is_kind && strcmp(key, "open_definition") != 0 &&
        strcmp(key, "open_definition_not") != 0 && stint_licence_facet_find(key) < 0)
        return document_fail(document, err, "no facet '%s' is known", key);
    load->target = key;
    return document_sequence(document, group_id, load, err);
}

static int terms_row(void *context, struct document *document, const char *key,
                     struct stint_error *err)
{
    if (strcmp(key, "schema") == 0)
        return document_skip(document, err);
    if (strcmp(key, "lists") == 0)
        return document_mapping(document, terms_list, context, err);
    if (strcmp(key, "licences") == 0)
        return document_mapping(document, terms_licence, context, err);
    return document_fail(document, err, "'%s' is not known here", key);
}

/* names.yaml */

static int names_entry(void *context, struct document *document, const char *key,
                       struct stint_error *err)
{
    struct load *load = context;
    const char *text = document_text(document, err);
    if (!text)
        return STINT_UNTRUSTED;
    struct licence_name name = { .licence = LICENCE_NONE, .twin = LICENCE_NONE, .note = "" };
    name.via = (uint16_t)load->via;
    int r = 0;
    if (load->via == STINT_LICENCE_FAMILY)
        r = read_arena_text(load, document, &name.note, err);
    else
        r = find_licence(load, document, text, &name.licence, err);
    if (r == 0)
        r = add_name(load->table, key, name, err);
    return r != 0 ? r : document_next(document, err);
}

static int names_row(void *context, struct document *document, const char *key,
                     struct stint_error *err)
{
    struct load *load = context;
    if (strcmp(key, "schema") == 0)
        return document_skip(document, err);
    if (strcmp(key, "hub") == 0)
        load->via = STINT_LICENCE_BY_HUB;
    else if (strcmp(key, "aliases") == 0)
        load->via = STINT_LICENCE_BY_ALIAS;
    else if (strcmp(key, "families") == 0)
        load->via = STINT_LICENCE_FAMILY;
    else
        return document_fail(document, err, "'%s' is not known here", key);
    return document_mapping(document, names_entry, load, err);
}

/* clauses.yaml */

static int clauses_phrase(void *context, struct document *document, const char *key,
                          struct stint_error *err)
{
    (void)key;
    struct load *load = context;
    const char *text = document_text(document, err);
    if (!text)
        return STINT_UNTRUSTED;
    char twice[2 * 400 + 2];
    size_t length = strlen(text);
    if (length > 400)
        return document_fail(document, err, "a phrase of more than 400 bytes");
    memcpy(twice, text, length + 1);
    memcpy(twice + length + 1, text, length + 1);
    char *copy = (char *)(uintptr_t)arena_text(&load->table->arena, twice, 2 * length + 1);
    if (!copy)
        return stint_fail(err, -ENOMEM, "out of memory");
    struct stint_error what;
    int r = clauses_add(&load->table->clauses, load->facet, copy, &what);
    if (r < 0)
        return stint_fail(err, r, "%s", what.text);
    if (r > 0)
        return document_fail(document, err, "%s", what.text);
    return document_next(document, err);
}

static int clauses_facet(void *context, struct document *document, const char *key,
                         struct stint_error *err)
{
    struct load *load = context;
    load->facet = stint_licence_facet_find(key);
    if (load->facet < 0)
        return document_fail(document, err, "no facet '%s' is known", key);
    return document_sequence(document, clauses_phrase, load, err);
}

static int clauses_row(void *context, struct document *document, const char *key,
                       struct stint_error *err)
{
    if (strcmp(key, "schema") == 0)
        return document_skip(document, err);
    if (strcmp(key, "clauses") == 0)
        return document_mapping(document, clauses_facet, context, err);
    return document_fail(document, err, "'%s' is not known here", key);
}

/* Files */

static int read_file(const char *path, char **ret_text, size_t *ret_length, struct stint_error *err)
{
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (fd < 0 && errno == ENOENT)
        return stint_fail(err, STINT_NOT_FOUND, "%s: no such file", path);
    if (fd < 0 || fstat(fd, &status) != 0)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode) || (size_t)status.st_size > LOAD_FILE_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "%s: not a file of at most %zu bytes", path,
                          LOAD_FILE_MAX);
    size_t size = (size_t)status.st_size;
    stint_auto(stint_free) char *text = malloc(size + 1);
    if (!text)
        return stint_fail(err, -ENOMEM, "out of memory");
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_text = stint_take(text);
    *ret_length = length;
    return 0;
}

static int load_file(struct load *load, const char *dir, const char *name, document_row_fn row,
                     struct stint_error *err)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return stint_fail(err, -ENAMETOOLONG, "%.100s…: too long a path", dir);
    char *text = NULL;
    size_t text_length = 0;
    int r = read_file(path, &text, &text_length, err);
    if (r != 0)
        return r;
    stint_sha256_stream_add(load->table->digest_stream, text, text_length);
    struct document document;
    r = document_open(&document, path, text, text_length, err);
    if (r == 0)
        r = document_mapping(&document, row, load, err);
    document_close(&document);
    free(text);
    return r;
}

/* Full names from the text table; every text must belong to a licence of the list. */
static int link_texts(struct load *load, struct stint_error *err)
{
    struct stint_licences *table = load->table;
    const struct texts *texts = &table->texts;
    sort_list(load);
    for (uint32_t i = 0; i < texts->counts[TEXTS_LICENCES]; i++) {
        uint16_t index = licences_index(table, texts_licence_id(texts, i));
        if (index != LICENCE_NONE && table->list[index].name == table->list[index].id)
            table->list[index].name = texts_licence_name(texts, i);
    }
    table->text_licences = calloc(texts->counts[TEXTS_NAMES] + 1u, sizeof(uint16_t));
    if (!table->text_licences)
        return stint_fail(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < texts->counts[TEXTS_NAMES]; i++) {
        uint16_t index = licences_index(table, texts_name(texts, i));
        if (index == LICENCE_NONE)
            return stint_fail(err, STINT_UNTRUSTED,
                              "licences.bin has a text for '%s', which spdx.yaml does not list",
                              texts_name(texts, i));
        table->text_licences[i] = index;
        table->list[index].has_text = true;
    }
    return 0;
}

/* What the three lists imply: who is on the OSI's list, or conforms to the Open Definition, takes
 * no freedom away. */
static void imply_facets(struct stint_licences *table)
{
    uint32_t restrictions = 0;
    for (int facet = 0; facet < STINT_FACET_COUNT; facet++)
        if (stint_licence_facet_restricts((enum stint_licence_facet)facet))
            restrictions |= (uint32_t)1 << facet;
    for (size_t i = 0; i < table->count; i++) {
        struct stint_licence *licence = &table->list[i];
        if (licence->osi == STINT_YES || licence->open_definition == STINT_YES)
            licence->facets_known |= restrictions;
    }
}

/* The ids themselves as names; deprecated ones point to what they may mean now. */
static int name_ids(struct load *load, struct stint_error *err)
{
    struct stint_licences *table = load->table;
    sort_list(load);
    for (size_t i = 0; i < table->count; i++) {
        struct stint_licence *licence = &table->list[i];
        struct licence_name name = {
            .licence = (uint16_t)i, .twin = LICENCE_NONE, .via = STINT_LICENCE_BY_ID, .note = ""
        };
        if (licence->is_deprecated) {
            char ids[128];
            (void)snprintf(ids, sizeof(ids), "%s", licence->successor);
            char *second = strchr(ids, ' ');
            if (second)
                *second++ = '\0';
            uint16_t first_index = licences_index(table, ids);
            name.via = STINT_LICENCE_DEPRECATED;
            if (first_index != LICENCE_NONE)
                name.licence = first_index;
            if (second && (name.twin = licences_index(table, second)) != LICENCE_NONE)
                licence->successor = "";
            name.note = second        ? "deprecated: it does not say -only or -or-later"
                        : ids[0] != 0 ? "deprecated"
                                      : "deprecated: say the licence WITH its exception";
        }
        int r = add_name(table, licence->id, name, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int compare_name(const void *a, const void *b)
{
    const struct licence_name *x = a;
    const struct licence_name *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (int)x->via - (int)y->via;
}

int licences_load(struct stint_licences *table, const char *dir, struct stint_error *err)
{
    struct load load = { .table = table };
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/licences.bin", dir);
    if (length < 0 || (size_t)length >= sizeof(path))
        return stint_fail(err, -ENAMETOOLONG, "%.100s…: too long a path", dir);
    int r = texts_open(path, &table->texts, err);
    if (r == 0)
        r = load_file(&load, dir, "spdx.yaml", spdx_row, err);
    char digest[STINT_SHA256_HEX];
    if (r == 0 && strcmp(stint_sha256_hex(&table->texts.digest, digest), load.expected_texts) != 0)
        r = stint_fail(err, STINT_UNTRUSTED, "%s: its digest is not the one that spdx.yaml states",
                       path);
    if (r == 0)
        r = load_file(&load, dir, "terms.yaml", terms_row, err);
    if (r == 0)
        r = link_texts(&load, err);
    if (r == 0)
        r = name_ids(&load, err);
    if (r == 0)
        r = load_file(&load, dir, "names.yaml", names_row, err);
    if (r == 0)
        r = load_file(&load, dir, "clauses.yaml", clauses_row, err);
    if (r != 0)
        return r;
    imply_facets(table);
    qsort(table->names, table->name_count, sizeof(table->names[0]), compare_name);
    return 0;
}
