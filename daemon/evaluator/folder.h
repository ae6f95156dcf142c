/* Reading the operator's own files: every YAML of a folder, in the order of names. */
#ifndef STINT_EVALUATOR_FOLDER_H
#define STINT_EVALUATOR_FOLDER_H

#include <stddef.h>

#include "stint/error.h"

/* 0 to go on. */
typedef int (*folder_yaml_fn)(void *context, const char *name, const char *text, size_t length,
                              struct stint_error *err);
/* STINT_NOT_FOUND when there is no such folder; what @fn returned; -ENOMEM, -errno. */
int folder_each_yaml(const char *dir, folder_yaml_fn fn, void *context, struct stint_error *err);
/* A whole file, NUL-ended, at most @max bytes; @dir "" for a path by itself. 0, STINT_NOT_FOUND,
 * STINT_TOO_LARGE, -errno. */
int folder_read_file(const char *dir, const char *name, size_t max, char **ret_text,
                     size_t *ret_length, struct stint_error *err);

#endif
