/* The evaluation child's own confinement. */
#ifndef STINT_EVALUATOR_CONFINE_H
#define STINT_EVALUATOR_CONFINE_H

#include <stdbool.h>

#include "stint/error.h"

/**
 * struct confinement - what the child may still do afterwards
 * @path: the artefact; only what lies below it (or its folder, for a file; its repository's folder,
 * for a hub snapshot) can be opened, and only for reading
 * @can_send: descriptors may be passed over a socket that is open already
 * @has_landlock: set: the kernel enforces the path; without it the opening code alone does
 */
struct confinement {
    const char *path;
    bool can_send;
    bool has_landlock;
};

/* Gives up everything else, for good: privileges, writing, network, other programs, processes, more
 * than its share of time and memory. Refuses (-errno) where the system call filter cannot be set.
 */
int confine(struct confinement *confinement, struct stint_error *err);

#endif
