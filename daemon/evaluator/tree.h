/* Between the evaluator's own files: opening beneath a root, and building a manifest. */
#ifndef STINT_EVALUATOR_TREE_H
#define STINT_EVALUATOR_TREE_H

#include <sys/stat.h>

#include "stint/artifact.h"

/* An empty file beside the files of a stored copy: the snapshot that was copied was a part. */
#define STORE_PARTIAL "partial"

/* Open @path beneath @root_fd, refusing every symbolic link and every way out; -errno. */
int tree_open_beneath(int root_fd, const char *path, int flags);
void tree_trouble(struct stint_artifact_manifest *manifest, enum stint_artifact_trouble_kind kind,
                  const char *path);
/* @text with control characters replaced, cut to @size. */
void tree_printable(const char *text, char *printable, size_t size);
bool tree_name_is_plain(const char *name);
void tree_identity(const struct stat *st, struct stint_artifact_file *file);
bool tree_identity_equal(const struct stint_artifact_file *a, const struct stint_artifact_file *b);
/* Append a copy of @file (its texts are copied). 0 or -ENOMEM. */
int tree_manifest_append(struct stint_artifact_manifest *manifest,
                         const struct stint_artifact_file *file);
/* Relative, no empty, "." or ".." part, plain UTF-8, bounded. */
bool manifest_path_is_safe(const char *path);
/* Hash one open file into @file; -ESTALE when it changed meanwhile. With a 40-digit blob name in
 * target also checks git's own hash of it: -EBADMSG when it is another. */
int tree_hash_file(int fd, struct stint_artifact_file *file);

#endif
