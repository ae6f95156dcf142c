/* The open table: what include/stint/licence.h hides. Read-only after stint_licences_open(), but
 * for the idle recogniser, which one thread at a time takes away. */
#ifndef STINT_LICENCE_TABLE_H
#define STINT_LICENCE_TABLE_H

#include "stint/licence.h"

#include "clauses.h"
#include "texts.h"

/* One name by which licences are found; @key is in lower case, one blank between words. */
struct licence_name {
    const char *key;
    const char *note;
    uint16_t licence; /* LICENCE_NONE for a family */
    uint16_t twin;    /* LICENCE_NONE when there is none */
    uint16_t via;     /* enum stint_licence_via */
};
#define LICENCE_NONE ((uint16_t)0xffff)

/* Blocks of memory that live as long as the table: texts from the YAML files. */
struct arena {
    char **blocks;
    size_t block_count;
    size_t used; /* of the last block */
};
void arena_deinit(struct arena *arena);
/* A copy of @text; NULL without memory. */
const char *arena_text(struct arena *arena, const char *text, size_t length);

/* What a phrase of the `prose` part of clauses.yaml tells of the sentence it stands in. */
enum saying_role {
    SAYING_SUBJECT,   /* it may be about terms */
    SAYING_LIMIT,     /* it may limit something */
    SAYING_OTHERS,    /* it compares with others */
    SAYING_FREE,      /* it says that something is free, … */
    SAYING_YET,       /* … and takes part of it back */
    SAYING_OWN,       /* it speaks of what is published here */
    SAYING_DATA,      /* it speaks of data */
    SAYING_BINDING,   /* it binds by terms kept elsewhere */
    SAYING_TERMS,     /* it speaks of a licence by name */
    SAYING_UNDER,     /* it puts something under terms */
    SAYING_CODE,      /* it says what the code is under */
    SAYING_CODE_ONLY, /* it takes the weights out */
    SAYING_WEIGHTS,   /* it speaks of the weights, or of all */
    SAYING_HERE,      /* the terms it speaks of are a file that is read */
    SAYING_COMMAND,   /* it commands or forbids */
    SAYING_HEADING,   /* a heading of a section about terms */
    SAYING_BARS,      /* somebody may not, or must ask, pay or belong first */
    SAYING_STRICT,    /* nobody else, nowhere else */
    SAYING_DUTY,      /* something comes first */
    SAYING_NEVER,     /* a negation */
    SAYING_PARTY,     /* for whom, where */
    SAYING_DEED,      /* what licensors like to keep for themselves */
    SAYING_TOLL,      /* what is asked in return */
    SAYING_ADVICE,    /* it advises */
    SAYING_HARMLESS,  /* what only sounds as if somebody may not */
    SAYING_ROLE_COUNT
};

struct recogniser;

struct stint_licences {
    struct texts texts;
    struct arena arena;
    struct stint_licence *list; /* sorted by id, letter case ignored */
    size_t count;
    size_t capacity;
    struct licence_name *names; /* sorted by key, then by via: exact ids win */
    size_t name_count;
    size_t name_capacity;
    uint16_t *text_licences; /* for each entry of NAMES its licence */
    struct clauses clauses;
    struct clauses prose[SAYING_ROLE_COUNT];
    struct stint_sha256_stream *digest_stream; /* only while opening */
    /* A recogniser between two texts; NULL while it has one. */
    _Atomic(struct recogniser *) *idle;
    char digest[80];
    char version[240];
};

/* Longest name looked up, with its NUL. */
#define LICENCE_KEY_MAX 200
/* @name as a key: lower case, blanks at the ends gone, one blank inside; false when it is empty or
 * too long. */
bool licences_key(const char *name, char key[LICENCE_KEY_MAX]);

/* Where @id belongs among @count licences in the order of their ids, letters of either case the
 * same. O(log count). */
size_t licences_place(const struct stint_licence *list, size_t count, const char *id);
/* Index in the list by exact id, letter case ignored; LICENCE_NONE when absent. */
uint16_t licences_index(const struct stint_licences *table, const char *id);

#endif
