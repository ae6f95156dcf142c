/* Owns: the shape of the YAML files beside the text table. An entry that is not known here is
 * refused with its file and line: a misspelt facet must not silently make a licence freer.
 *
 *   spdx.yaml     generated: which ids there are and what three lists say of them
 *   terms.yaml    by hand: kinds, Open Definition, facets, licences that SPDX does not list
 *   names.yaml    by hand: hub keys, customary names, families
 *   clauses.yaml  by hand: phrases that betray a facet */
#include <errno.h>
#include <string.h>

#include "load.h"
#include "sayings.h"

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
    int r = load_add(load, id, &licence, err);
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
    int r = load_add(load, key, &licence, err);
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
    int r = load_find(load, document, id, &index, err);
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

int spdx_row(void *context, struct document *document, const char *key, struct stint_error *err)
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
    load_sort(load);
    if (is_new && licences_index(load->table, key) == LICENCE_NONE) {
        struct stint_licence *licence;
        int r = load_add(load, key, &licence, err);
        if (r != 0)
            return r;
    }
    int r = load_find(load, document, key, &load->current, err);
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
    int r = load_find(load, document, id, &index, err);
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

int terms_row(void *context, struct document *document, const char *key, struct stint_error *err)
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
        r = load_find(load, document, text, &name.licence, err);
    if (r == 0)
        r = load_name(load->table, key, name, err);
    return r != 0 ? r : document_next(document, err);
}

int names_row(void *context, struct document *document, const char *key, struct stint_error *err)
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
    int r = clauses_add(load->clauses, load->facet, copy, &what);
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
    load->clauses = &load->table->clauses;
    return document_sequence(document, clauses_phrase, load, err);
}

static int clauses_role(void *context, struct document *document, const char *key,
                        struct stint_error *err)
{
    struct load *load = context;
    int role = saying_role_find(key);
    if (role < 0)
        return document_fail(document, err, "no part '%s' is known", key);
    load->clauses = &load->table->prose[role];
    load->facet = role;
    return document_sequence(document, clauses_phrase, load, err);
}

int clauses_row(void *context, struct document *document, const char *key, struct stint_error *err)
{
    if (strcmp(key, "schema") == 0)
        return document_skip(document, err);
    if (strcmp(key, "clauses") == 0)
        return document_mapping(document, clauses_facet, context, err);
    if (strcmp(key, "prose") == 0)
        return document_mapping(document, clauses_role, context, err);
    return document_fail(document, err, "'%s' is not known here", key);
}
