/* Filling a table from its folder. Beside licences.c, its only user. */
#ifndef STINT_LICENCE_LOAD_H
#define STINT_LICENCE_LOAD_H

#include "table.h"

/* Most bytes of one YAML file; most licences, names. */
#define LOAD_FILE_MAX    ((size_t)1 << 20)
#define LOAD_LICENCE_MAX 4096
#define LOAD_NAME_MAX    16384

/* All files of @dir into the zeroed @table; on failure the caller closes it. */
int licences_load(struct stint_licences *table, const char *dir, struct stint_error *err);

#endif
