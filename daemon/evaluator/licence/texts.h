/* The text table: one generated, memory-mapped file with every licence text as a sequence of word
 * numbers. Written by contrib/licence-table, read here, trusted by nobody: texts_open() checks each
 * offset, count and number once, and afterwards the accessors need no checks.
 *
 * All numbers are little-endian. The file is a header, then the sections in any order:
 *
 *   "stintlic" | version u32 | file length u32 | SECTION_COUNT x { offset u32, count u32 } | …
 */
#ifndef STINT_LICENCE_TEXTS_H
#define STINT_LICENCE_TEXTS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/digest.h"
#include "stint/error.h"

#define TEXTS_MAGIC    "stintlic"
#define TEXTS_VERSION  1u
#define TEXTS_FILE_MAX ((size_t)16 << 20)

/* name, bytes of one entry, what it holds */
#define TEXTS_SECTIONS(X)                                                                          \
    X(STRINGS, 1)    /* NUL-ended texts, one after the other; the first is the version line */     \
    X(VOCABULARY, 4) /* string offset of each word */                                              \
    X(VOCABULARY_HASH, 2) /* open addressing, a power of two, 0xffff is empty */                   \
    X(TEMPLATES, 32)      /* struct texts_template */                                              \
    X(WORDS, 2)           /* word numbers of all templates */                                      \
    X(BULLETS, 1)         /* one bit a word: it is a list mark */                                  \
    X(SPANS, 12)          /* struct texts_span, by template, in order, not overlapping */          \
    X(NAMES, 4)           /* string offset of a licence id; templates point here */                \
    X(TITLES, 2)          /* sorted word numbers that may stand in a template's title */           \
    X(KEYS, 4)            /* sorted hashes of chosen three-word sequences */                       \
    X(KEY_STARTS, 4)      /* first posting of each key, and the end */                             \
    X(POSTINGS, 4)        /* struct texts_posting */                                               \
    X(LICENCES, 8)        /* string offsets of id and full name, for all ids of the list */

enum texts_section {
#define X(name, size) TEXTS_##name,
    TEXTS_SECTIONS(X)
#undef X
        TEXTS_SECTION_COUNT
};

/* Parts of a template that need not be in a text. */
enum texts_span_kind {
    SPAN_TITLE = 1, /* may be missing or reworded from its own words */
    SPAN_NOTICE,    /* a copyright notice */
    SPAN_VARIABLE,  /* a name fills it */
    SPAN_OPTIONAL,  /* present as a whole or absent as a whole */
};

struct texts_template {
    uint32_t word_first;
    uint32_t word_count;
    uint32_t span_first;
    uint32_t span_count;
    uint32_t name_first;
    uint16_t name_count;
    uint16_t title_count;
    uint32_t title_first;
    uint16_t key_count; /* how many of its sequences are in KEYS */
    uint16_t is_notice; /* a customary notice, not the licence */
};

/* Words @first to @end (exclusive) of its template. */
struct texts_span {
    uint32_t first;
    uint32_t end;
    uint32_t kind;
};

struct texts_posting {
    uint16_t template;
    uint16_t position;
};

#define TEXTS_BUCKET_BITS 13
/* Most sequences of a text are no key: a bit for each prefix that is one says so at once. */
#define TEXTS_PREFIX_BITS 18

struct texts {
    const uint8_t *map;
    size_t map_length;
    const void *sections[TEXTS_SECTION_COUNT];
    uint32_t counts[TEXTS_SECTION_COUNT];
    uint32_t buckets[(1 << TEXTS_BUCKET_BITS) + 1]; /* first key of each prefix */
    uint8_t prefixes[1 << (TEXTS_PREFIX_BITS - 3)];
    struct stint_sha256 digest;
};

/**
 * texts_open() - map and check one file
 * Return: 0; STINT_NOT_FOUND; STINT_UNTRUSTED naming the section; -errno. A few milliseconds.
 */
int texts_open(const char *path, struct texts *ret_texts, struct stint_error *err);
void texts_close(struct texts *texts);

const char *texts_string(const struct texts *texts, uint32_t offset);
/* A licence id of NAMES; the id and full name of a row of LICENCES. */
const char *texts_name(const struct texts *texts, uint32_t index);
const char *texts_licence_id(const struct texts *texts, uint32_t index);
const char *texts_licence_name(const struct texts *texts, uint32_t index);
/* Number of a normal form, WORD_FOREIGN when no licence has it. */
uint16_t texts_word(const struct texts *texts, const char *normal);
/* The normal form of a number that came from the table. */
const char *texts_word_text(const struct texts *texts, uint16_t id);
struct texts_template texts_template_at(const struct texts *texts, uint32_t index);
struct texts_span texts_span_at(const struct texts *texts, uint32_t index);
bool texts_is_title_word(const struct texts *texts, const struct texts_template *template,
                         uint16_t id);
/* Postings of a three-word sequence: first and end in POSTINGS. */
void texts_lookup(const struct texts *texts, uint32_t key, uint32_t *ret_first, uint32_t *ret_end);
struct texts_posting texts_posting_at(const struct texts *texts, uint32_t index);

static inline __attribute__((unused)) uint16_t texts_word_at(const struct texts *texts,
                                                             uint32_t index)
{
    return le16toh(((const uint16_t *)texts->sections[TEXTS_WORDS])[index]);
}

static inline __attribute__((unused)) bool texts_is_bullet(const struct texts *texts,
                                                           uint32_t word_index)
{
    const uint8_t *bits = texts->sections[TEXTS_BULLETS];
    return bits[word_index / 8] >> (word_index % 8) & 1;
}

/* The key of a three-word sequence. */
static inline __attribute__((unused)) uint32_t texts_key(uint16_t a, uint16_t b, uint16_t c)
{
    uint64_t packed = (uint64_t)a << 32 | (uint64_t)b << 16 | c;
    return (uint32_t)((packed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* Hash of a normal form (FNV-1a, 32 bits). */
static inline __attribute__((unused)) uint32_t texts_hash(const char *normal)
{
    uint32_t hash = 2166136261u;
    for (; *normal; normal++)
        hash = (hash ^ (unsigned char)*normal) * 16777619u;
    return hash;
}

#endif
