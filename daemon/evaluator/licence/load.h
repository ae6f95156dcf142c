/* Filling a table from its folder: load.c has the files, rows.c their shapes, list.c what grows.
 * Beside licences.c, the only user of the whole. */
#ifndef STINT_LICENCE_LOAD_H
#define STINT_LICENCE_LOAD_H

#include "document.h"
#include "table.h"

/* Most bytes of one YAML file; most licences, names. */
#define LOAD_FILE_MAX    ((size_t)1 << 20)
#define LOAD_LICENCE_MAX 4096
#define LOAD_NAME_MAX    16384

/* A table that is being filled, and what its row functions share. */
struct load {
    struct stint_licences *table;
    uint16_t current;        /* licence of the row being read */
    struct clauses *clauses; /* being read, */
    int facet;               /* and their facet */
    size_t sorted_count; /* so many of the list are in order; all: licences_index() may be asked */
    uint32_t pending;    /* facets of the row being read */
    const char *target;  /* names of this kind are being read */
    enum stint_licence_via via;
    bool is_reviewed;
    char expected_texts[STINT_SHA256_HEX];
};

/* list.c. The index of @id after sorting, or a refusal when it is not in the list; another licence;
 * another name. 0, STINT_UNTRUSTED, -ENOMEM. */
void load_sort(struct load *load);
int load_find(struct load *load, const struct document *document, const char *id,
              uint16_t *ret_index, struct stint_error *err);
int load_add(struct load *load, const char *id, struct stint_licence **ret,
             struct stint_error *err);
int load_name(struct stint_licences *table, const char *key, struct licence_name name,
              struct stint_error *err);

/* rows.c: one entry at the top of each file. */
int spdx_row(void *context, struct document *document, const char *key, struct stint_error *err);
int terms_row(void *context, struct document *document, const char *key, struct stint_error *err);
int names_row(void *context, struct document *document, const char *key, struct stint_error *err);
int clauses_row(void *context, struct document *document, const char *key, struct stint_error *err);

/* All files of @dir into the zeroed @table; on failure the caller closes it. */
int licences_load(struct stint_licences *table, const char *dir, struct stint_error *err);

#endif
