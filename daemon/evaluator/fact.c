/* Owns: the names of components, predicates, grades and sources, and the bounded set of facts. Text
 * lives in an arena of chunks, so that facts may be copied freely while their set lives. */
#include "stint/fact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name_row {
    const char *name;
    const char *words;
};

static const struct name_row component_rows[] = { { "none", "nothing" },
#define X(name, wire, words) { wire, words },
                                                  STINT_COMPONENTS(X)
#undef X
};
static const struct name_row predicate_rows[] = { { "none", "nothing" },
#define X(name, wire, type, meaning) { wire, meaning },
                                                  STINT_PREDICATES(X)
#undef X
};
static const unsigned char predicate_types[] = { 0,
#define X(name, wire, type, meaning) type,
                                                 STINT_PREDICATES(X)
#undef X
};
static const struct name_row grade_rows[] = { { "none", "nothing" },
#define X(name, wire, words) { wire, words },
                                              STINT_GRADES(X)
#undef X
};
static const struct name_row source_rows[] = { { "none", "nothing" },
#define X(name, wire, words) { wire, words },
                                               STINT_SOURCES(X)
#undef X
};

const char *stint_component_name(enum stint_component component)
{
    return component_rows[(unsigned)component < STINT_COMPONENT_COUNT ? component : 0].name;
}

const char *stint_component_words(enum stint_component component)
{
    return component_rows[(unsigned)component < STINT_COMPONENT_COUNT ? component : 0].words;
}

const char *stint_predicate_name(enum stint_predicate predicate)
{
    return predicate_rows[(unsigned)predicate < STINT_PREDICATE_COUNT ? predicate : 0].name;
}

const char *stint_predicate_meaning(enum stint_predicate predicate)
{
    return predicate_rows[(unsigned)predicate < STINT_PREDICATE_COUNT ? predicate : 0].words;
}

enum stint_value_type stint_predicate_type(enum stint_predicate predicate)
{
    unsigned index = (unsigned)predicate < STINT_PREDICATE_COUNT ? (unsigned)predicate : 0;
    return (enum stint_value_type)predicate_types[index];
}

const char *stint_grade_name(enum stint_grade grade)
{
    return grade_rows[(unsigned)grade < STINT_GRADE_COUNT ? grade : 0].name;
}

const char *stint_source_name(enum stint_source source)
{
    return source_rows[(unsigned)source < STINT_SOURCE_COUNT ? source : 0].name;
}

/* Index of @name among @count rows, 0 when it is none of them. */
static unsigned row_find(const struct name_row *rows, unsigned count, const char *name)
{
    for (unsigned i = 1; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return 0;
}

enum stint_component stint_component_parse(const char *name)
{
    return (enum stint_component)row_find(component_rows, STINT_COMPONENT_COUNT, name);
}

enum stint_predicate stint_predicate_parse(const char *name)
{
    return (enum stint_predicate)row_find(predicate_rows, STINT_PREDICATE_COUNT, name);
}

enum stint_grade stint_grade_parse(const char *name)
{
    return (enum stint_grade)row_find(grade_rows, STINT_GRADE_COUNT, name);
}

#define CHUNK_BYTES ((size_t)64 << 10)
#define BUCKET_MIN  64

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    char bytes[];
};

/* @buckets: heads of chains through @chain, by hash, of indices plus one. */
struct stint_facts {
    struct stint_fact *rows;
    uint32_t *chain;
    uint32_t *buckets;
    size_t count;
    size_t capacity;
    size_t bucket_count;
    struct chunk *chunks;
    size_t bytes;
    bool is_full;
};

int stint_facts_new(struct stint_facts **ret_facts)
{
    struct stint_facts *facts = calloc(1, sizeof(*facts));
    if (!facts)
        return -ENOMEM;
    *ret_facts = facts;
    return 0;
}

struct stint_facts *stint_facts_free(struct stint_facts *facts)
{
    if (!facts)
        return NULL;
    for (struct chunk *chunk = facts->chunks; chunk;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(facts->rows);
    free(facts->chain);
    free(facts->buckets);
    free(facts);
    return NULL;
}

static char *arena_take(struct stint_facts *facts, size_t size)
{
    if (size > STINT_FACTS_BYTES_MAX - facts->bytes) {
        facts->is_full = true;
        return NULL;
    }
    struct chunk *chunk = facts->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = malloc(sizeof(*chunk) + room);
        if (!chunk) {
            facts->is_full = true;
            return NULL;
        }
        *chunk = (struct chunk){ .next = facts->chunks, .size = room };
        facts->chunks = chunk;
    }
    char *bytes = chunk->bytes + chunk->used;
    chunk->used += size;
    facts->bytes += size;
    return bytes;
}

/* At most @length bytes of @text, not ending inside a UTF-8 character. */
static size_t cut_length(const char *text, size_t length)
{
    if (length <= STINT_FACT_TEXT_BYTES_MAX)
        return length;
    length = STINT_FACT_TEXT_BYTES_MAX;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

const char *stint_facts_keep(struct stint_facts *facts, const char *text)
{
    if (!text || !*text)
        return "";
    size_t length = cut_length(text, strlen(text));
    char *kept = arena_take(facts, length + 1);
    if (!kept)
        return NULL;
    memcpy(kept, text, length);
    kept[length] = '\0';
    return kept;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (const char *c = text; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    return (hash ^ 0xffU) * 16777619U;
}

static uint32_t fact_hash(const struct stint_fact *fact)
{
    uint32_t hash = 2166136261U ^ ((uint32_t)fact->component << 16 | (uint32_t)fact->predicate);
    hash = hash_text(hash, fact->subject);
    hash = hash_text(hash, fact->text);
    hash = hash_text(hash, fact->path);
    hash = (hash ^ (uint32_t)fact->at.number) * 16777619U;
    return (hash ^ (uint32_t)fact->number ^ (uint32_t)fact->truth) * 16777619U;
}

static bool place_equal(const struct stint_place *a, const struct stint_place *b)
{
    return a->kind == b->kind && a->number == b->number &&
           (a->kind != STINT_PLACE_POINTER || strcmp(a->pointer, b->pointer) == 0);
}

static bool fact_equal(const struct stint_fact *a, const struct stint_fact *b)
{
    return a->component == b->component && a->predicate == b->predicate && a->grade == b->grade &&
           a->truth == b->truth && a->number == b->number && strcmp(a->text, b->text) == 0 &&
           strcmp(a->subject, b->subject) == 0 && strcmp(a->path, b->path) == 0 &&
           place_equal(&a->at, &b->at);
}

/* Twice the rows, chains rebuilt. */
static int facts_grow(struct stint_facts *facts)
{
    size_t capacity = facts->capacity ? facts->capacity * 2 : BUCKET_MIN;
    struct stint_fact *rows = realloc(facts->rows, capacity * sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    facts->rows = rows;
    uint32_t *chain = realloc(facts->chain, capacity * sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    facts->chain = chain;
    uint32_t *buckets = calloc(capacity, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    free(facts->buckets);
    facts->buckets = buckets;
    facts->capacity = capacity;
    facts->bucket_count = capacity;
    for (size_t i = 0; i < facts->count; i++) {
        size_t bucket = fact_hash(&facts->rows[i]) & (capacity - 1);
        facts->chain[i] = buckets[bucket];
        buckets[bucket] = (uint32_t)(i + 1);
    }
    return 0;
}

/* The set's own copies of the texts of @fact. */
static bool fact_keep(struct stint_facts *facts, struct stint_fact *fact)
{
    const char **texts[] = { &fact->subject, &fact->text, &fact->path, &fact->at.pointer };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        if (!(*texts[i] = stint_facts_keep(facts, *texts[i])))
            return false;
    return true;
}

/* Texts as they will be stored, so that cut ones compare equal; @cut has room for them. */
static void fact_normalise(struct stint_fact *fact, char cut[4][STINT_FACT_TEXT_BYTES_MAX + 1])
{
    const char **texts[] = { &fact->subject, &fact->text, &fact->path, &fact->at.pointer };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++) {
        const char *text = *texts[i] ? *texts[i] : "";
        size_t length = strlen(text);
        size_t kept = cut_length(text, length);
        if (kept < length) {
            memcpy(cut[i], text, kept);
            cut[i][kept] = '\0';
            text = cut[i];
        }
        *texts[i] = text;
    }
}

uint32_t stint_facts_add(struct stint_facts *facts, const struct stint_fact *fact)
{
    char cut[4][STINT_FACT_TEXT_BYTES_MAX + 1];
    struct stint_fact row = *fact;
    fact_normalise(&row, cut);
    uint32_t hash = fact_hash(&row);
    if (facts->bucket_count > 0)
        for (uint32_t i = facts->buckets[hash & (facts->bucket_count - 1)]; i > 0;
             i = facts->chain[i - 1])
            if (fact_equal(&facts->rows[i - 1], &row))
                return i;
    if (facts->count >= STINT_FACTS_MAX ||
        (facts->count == facts->capacity && facts_grow(facts) != 0) || !fact_keep(facts, &row)) {
        facts->is_full = true;
        return 0;
    }
    row.id = (uint32_t)(facts->count + 1);
    facts->rows[facts->count] = row;
    size_t bucket = hash & (facts->bucket_count - 1);
    facts->chain[facts->count] = facts->buckets[bucket];
    facts->buckets[bucket] = row.id;
    facts->count++;
    return row.id;
}

size_t stint_facts_count(const struct stint_facts *facts)
{
    return facts->count;
}

const struct stint_fact *stint_facts_at(const struct stint_facts *facts, size_t index)
{
    return &facts->rows[index];
}

const struct stint_fact *stint_facts_by_id(const struct stint_facts *facts, uint32_t id)
{
    return id > 0 && id <= facts->count ? &facts->rows[id - 1] : NULL;
}

void stint_facts_settle(struct stint_facts *facts, uint32_t id, uint32_t by)
{
    if (id > 0 && id <= facts->count)
        facts->rows[id - 1].settled_by = by;
}

bool stint_facts_is_full(const struct stint_facts *facts)
{
    return facts->is_full;
}

void stint_facts_spoil(struct stint_facts *facts)
{
    facts->is_full = true;
}

static void place_json(const struct stint_place *at, struct stint_buffer *buffer)
{
    switch (at->kind) {
    case STINT_PLACE_NONE:
        return;
    case STINT_PLACE_LINE:
        stint_json_kv_int(buffer, "line", (int64_t)at->number);
        return;
    case STINT_PLACE_OFFSET:
        stint_json_kv_int(buffer, "offset", (int64_t)at->number);
        return;
    case STINT_PLACE_POINTER:
        stint_json_kv_text(buffer, "pointer", at->pointer);
        return;
    }
}

static void value_json(const struct stint_fact *fact, struct stint_buffer *buffer)
{
    switch (stint_predicate_type(fact->predicate)) {
    case STINT_VALUE_BOOL:
        stint_json_kv_bool(buffer, "value", fact->truth);
        return;
    case STINT_VALUE_NUMBER:
        stint_json_kv_int(buffer, "value", fact->number);
        return;
    case STINT_VALUE_TEXT:
        stint_json_kv_text(buffer, "value", fact->text);
        return;
    }
}

void stint_fact_json(const struct stint_fact *fact, struct stint_buffer *buffer)
{
    char hex[STINT_SHA256_HEX];
    stint_json_object(buffer);
    stint_json_kv_int(buffer, "id", fact->id);
    stint_json_kv_text(buffer, "subject", fact->subject);
    stint_json_kv_text(buffer, "component", stint_component_name(fact->component));
    stint_json_kv_text(buffer, "predicate", stint_predicate_name(fact->predicate));
    value_json(fact, buffer);
    stint_json_kv_text(buffer, "source", stint_source_name(fact->source));
    stint_json_kv_text(buffer, "path", fact->path);
    if (fact->has_sha256)
        stint_json_kv_text(buffer, "sha256", stint_sha256_hex(&fact->sha256, hex));
    if (fact->at.kind != STINT_PLACE_NONE) {
        stint_json_key(buffer, "at");
        stint_json_object(buffer);
        place_json(&fact->at, buffer);
        stint_json_object_end(buffer);
    }
    stint_json_kv_text(buffer, "grade", stint_grade_name(fact->grade));
    if (fact->from > 0)
        stint_json_kv_int(buffer, "from", fact->from);
    if (fact->settled_by > 0)
        stint_json_kv_int(buffer, "settled_by", fact->settled_by);
    stint_json_object_end(buffer);
}

char *stint_fact_phrase(const struct stint_fact *fact, char *text, size_t size)
{
    char head[320];
    const char *words = stint_component_words(fact->component);
    const char *truth = fact->truth ? "yes" : "no";
    (void)snprintf(head, sizeof(head), "%s%s%.200s%s", words, fact->subject[0] ? " (" : "",
                   fact->subject, fact->subject[0] ? ")" : "");
    if (fact->predicate == STINT_PRESENT) {
        (void)snprintf(text, size, "%s: %s the files", head, fact->truth ? "among" : "not among");
        return text;
    }
    switch (stint_predicate_type(fact->predicate)) {
    case STINT_VALUE_BOOL:
        (void)snprintf(text, size, "%s: %s: %s", head, stint_predicate_meaning(fact->predicate),
                       truth);
        break;
    case STINT_VALUE_NUMBER:
        (void)snprintf(text, size, "%s: %s is %lld", head, stint_predicate_name(fact->predicate),
                       (long long)fact->number);
        break;
    case STINT_VALUE_TEXT:
        (void)snprintf(text, size, "%s: %s is %.200s", head, stint_predicate_name(fact->predicate),
                       fact->text);
        break;
    }
    return text;
}
