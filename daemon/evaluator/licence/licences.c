/* Owns: the open table and the answers it gives without reading a text. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "load.h"
#include "recogniser.h"
#include "table.h"

#define ARENA_BLOCK ((size_t)64 << 10)

static const struct {
    const char *name;
    const char *meaning;
    bool restricts;
} facets[] = {
#define X(name, word, restricts, meaning) { word, meaning, restricts },
    STINT_LICENCE_FACETS(X)
#undef X
};

const char *stint_licence_facet_name(enum stint_licence_facet facet)
{
    return facet < STINT_FACET_COUNT ? facets[facet].name : NULL;
}

const char *stint_licence_facet_meaning(enum stint_licence_facet facet)
{
    return facet < STINT_FACET_COUNT ? facets[facet].meaning : NULL;
}

bool stint_licence_facet_restricts(enum stint_licence_facet facet)
{
    return facet < STINT_FACET_COUNT && facets[facet].restricts;
}

int stint_licence_facet_find(const char *name)
{
    for (int i = 0; i < STINT_FACET_COUNT; i++)
        if (strcmp(facets[i].name, name) == 0)
            return i;
    return -1;
}

const char *stint_licence_kind_name(enum stint_licence_kind kind)
{
    static const char *const names[] = {
#define X(name, word) word,
        STINT_LICENCE_KINDS(X)
#undef X
    };
    return kind < STINT_LICENCE_KIND_COUNT ? names[kind] : NULL;
}

const char *stint_licence_via_name(enum stint_licence_via via)
{
    static const char *const names[] = { "", "id", "deprecated", "hub", "alias", "family" };
    return via <= STINT_LICENCE_FAMILY ? names[via] : "";
}

const char *stint_licence_match_kind_name(enum stint_licence_match_kind kind)
{
    static const char *const names[] = { "", "clean", "ambiguous", "modified", "unknown" };
    return kind <= STINT_MATCH_UNKNOWN ? names[kind] : "";
}

enum stint_tristate stint_licence_is_restricted(const struct stint_licence *licence)
{
    enum stint_tristate answer = STINT_NO;
    for (int i = 0; i < STINT_FACET_COUNT; i++)
        if (facets[i].restricts)
            answer =
                stint_tristate_or(answer, stint_licence_has(licence, (enum stint_licence_facet)i));
    return answer;
}

void arena_deinit(struct arena *arena)
{
    for (size_t i = 0; i < arena->block_count; i++)
        free(arena->blocks[i]);
    free(arena->blocks);
    memset(arena, 0, sizeof(*arena));
}

const char *arena_text(struct arena *arena, const char *text, size_t length)
{
    if (length >= ARENA_BLOCK)
        return NULL;
    if (arena->block_count == 0 || ARENA_BLOCK - arena->used <= length) {
        char **blocks = realloc(arena->blocks, (arena->block_count + 1) * sizeof(*blocks));
        if (!blocks)
            return NULL;
        arena->blocks = blocks;
        char *block = malloc(ARENA_BLOCK);
        if (!block)
            return NULL;
        arena->blocks[arena->block_count++] = block;
        arena->used = 0;
    }
    char *copy = arena->blocks[arena->block_count - 1] + arena->used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    arena->used += length + 1;
    return copy;
}

bool licences_key(const char *name, char key[LICENCE_KEY_MAX])
{
    size_t length = 0;
    bool has_blank = false;
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            has_blank = length > 0;
            continue;
        }
        if (length + 2 >= LICENCE_KEY_MAX)
            return false;
        if (has_blank)
            key[length++] = ' ';
        has_blank = false;
        key[length++] = (char)(c < 0x80 ? tolower(c) : c);
    }
    key[length] = '\0';
    return length > 0;
}

size_t licences_place(const struct stint_licence *list, size_t count, const char *id)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcasecmp(list[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint16_t licences_index(const struct stint_licences *table, const char *id)
{
    size_t place = licences_place(table->list, table->count, id);
    bool is_there = place < table->count && strcasecmp(table->list[place].id, id) == 0;
    return is_there ? (uint16_t)place : LICENCE_NONE;
}

/* The first of the places where the data may be. */
static const char *default_dir(void)
{
    const char *dir = getenv("STINT_LICENCES");
    if (dir && dir[0] != '\0')
        return dir;
    return access(STINT_LICENCES_INSTALLED "/licences.bin", R_OK) == 0 ? STINT_LICENCES_INSTALLED
                                                                       : STINT_LICENCES_SOURCE;
}

static int finish_digest(struct stint_licences *table)
{
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    stint_sha256_stream_add(table->digest_stream, table->texts.digest.bytes, STINT_SHA256_BYTES);
    stint_sha256_stream_end(stint_take(table->digest_stream), &digest);
    (void)snprintf(table->digest, sizeof(table->digest), "sha256:%s",
                   stint_sha256_hex(&digest, hex));
    return 0;
}

int stint_licences_open(const char *dir, struct stint_licences **ret_table, struct stint_error *err)
{
    stint_auto(stint_licences_close) struct stint_licences *table = calloc(1, sizeof(*table));
    if (!table || !(table->idle = calloc(1, sizeof(*table->idle))) ||
        stint_sha256_stream_new(&table->digest_stream) != 0)
        return stint_fail(err, -ENOMEM, "out of memory");
    int r = licences_load(table, dir ? dir : default_dir(), err);
    if (r == 0)
        r = finish_digest(table);
    if (r != 0)
        return r;
    *ret_table = stint_take(table);
    return 0;
}

struct stint_licences *stint_licences_close(struct stint_licences *table)
{
    if (!table)
        return NULL;
    if (table->idle)
        recogniser_free(*table->idle);
    free(table->idle);
    if (table->digest_stream)
        stint_sha256_stream_end(table->digest_stream, NULL);
    texts_close(&table->texts);
    clauses_deinit(&table->clauses);
    for (int i = 0; i < SAYING_ROLE_COUNT; i++)
        clauses_deinit(&table->prose[i]);
    arena_deinit(&table->arena);
    free(table->text_licences);
    free(table->names);
    free(table->list);
    free(table);
    return NULL;
}

const char *stint_licences_digest(const struct stint_licences *table)
{
    return table->digest;
}

const char *stint_licences_version(const struct stint_licences *table)
{
    return table->version;
}

size_t stint_licences_count(const struct stint_licences *table)
{
    return table->count;
}

const struct stint_licence *stint_licences_at(const struct stint_licences *table, size_t index)
{
    return index < table->count ? &table->list[index] : NULL;
}

int stint_licence_find(const struct stint_licences *table, const char *name,
                       struct stint_licence_name *ret_name)
{
    char key[LICENCE_KEY_MAX];
    if (!licences_key(name, key))
        return STINT_NOT_FOUND;
    size_t low = 0;
    size_t high = table->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->names[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == table->name_count || strcmp(table->names[low].key, key) != 0)
        return STINT_NOT_FOUND;
    const struct licence_name *found = &table->names[low];
    *ret_name = (struct stint_licence_name){
        .licence = found->licence != LICENCE_NONE ? &table->list[found->licence] : NULL,
        .twin = found->twin != LICENCE_NONE ? &table->list[found->twin] : NULL,
        .via = (enum stint_licence_via)found->via,
        .note = found->note,
    };
    return 0;
}

int stint_licence_term_resolve(const struct stint_licences *table,
                               const struct stint_licence_term *term,
                               struct stint_licence_name *ret_name)
{
    char id[LICENCE_KEY_MAX];
    struct stint_licence_name name;
    if (term->exception) {
        uint16_t index = licences_index(table, term->exception);
        if (index == LICENCE_NONE || !table->list[index].is_exception)
            return STINT_NOT_FOUND;
    }
    int length = snprintf(id, sizeof(id), "%s%s", term->id, term->is_or_later ? "+" : "");
    if (length < 0 || (size_t)length >= sizeof(id))
        return STINT_NOT_FOUND;
    /* "GPL-2.0+" is an id of its own, a deprecated one; "EPL-1.0+" is EPL-1.0 or a later one, and
     * whoever may choose may choose the one that is written. */
    int r = stint_licence_find(table, id, &name);
    if (r != 0 && term->is_or_later)
        r = stint_licence_find(table, term->id, &name);
    if (r != 0 || (name.via != STINT_LICENCE_BY_ID && name.via != STINT_LICENCE_DEPRECATED) ||
        !name.licence || name.licence->is_exception)
        return STINT_NOT_FOUND;
    *ret_name = name;
    return 0;
}
