/* The layout of a hub's cache: refs name a commit, its snapshot links to blobs, and markers say
 * which files that commit does not have. Source: metadata.md §10. */
#ifndef STINT_EVALUATOR_HUB_CACHE_H
#define STINT_EVALUATOR_HUB_CACHE_H

#include "evaluator/reader.h"

/* Does @real (a canonical folder path) lie in a hub cache? Then @tree's root is moved to the
 * repository's folder, its prefix names the snapshot and its name the repository. */
bool hub_cache_enter(const char *real, struct stint_artifact_tree *tree);
/* The blob that the link at @path of a snapshot names, "blobs/<hash>"; false for any other link. */
bool hub_cache_target(const char *path, const char *link, char target[80]);
/* Facts that the cache gives beside the files: the revision, and the files that it is known not to
 * have. Nothing for a tree that is no hub cache. */
void read_hub_cache(struct reader *reader);

#endif
