/* The resources that a daemon serves: each a machine, or a part of this one, with a scheduler's
 * core, terms and awards of its own. What happens on one costs the others nothing, but for ceilings
 * that hold over all (stint/ledger.h). Their number and machines stay as long as the process lives;
 * of their terms a reload changes default_walltime_s. */
#ifndef STINT_RESOURCE_H
#define STINT_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "stint/error.h"

struct stint_machine;
struct stint_clerk;

#define STINT_RESOURCE_MAX  16
#define STINT_RESOURCE_NONE UINT32_MAX

/**
 * struct stint_resource - one of them; its index in the list is its number as long as we live
 * @machine, @clerk: its own, not shared with another
 * @is_part: its things are those of the machine that other parts are of too: a run that holds what
 * the configuration gave to another part must be known there (invariant 3)
 * @rate_micro, @preemptible_rate_micro, @half_life_ms: as in struct stint_ledger_options before
 */
struct stint_resource {
    char name[64];
    struct stint_machine *machine;
    struct stint_clerk *clerk;
    bool is_part;
    int64_t default_walltime_s;
    int64_t max_walltime_s;   /* 0: none */
    int64_t checkpoint_max_s; /* longest time for a checkpoint when a job is stopped for another */
    int64_t half_life_ms;     /* of past use, for the tree of shares; 0: use is not looked up */
    /* Price of one GPU-hour (or core-hour where there are no GPUs) in millionths of the unit, and
     * what part of it jobs pay that may be stopped for others; 1000000: all. */
    int64_t rate_micro;
    int64_t preemptible_rate_micro;
    const char *policy; /* the word of its mode */
};

/* The first is the default, for jobs that name none. */
struct stint_resources {
    uint32_t count; /* at least 1 */
    struct stint_resource list[STINT_RESOURCE_MAX];
};

/* By name, NULL is the default's; STINT_RESOURCE_NONE when none is so called. */
static inline __attribute__((unused)) uint32_t stint_resource_find(
    const struct stint_resources *resources, const char *name)
{
    for (uint32_t i = 0; i < resources->count; i++)
        if (!name || strcmp(resources->list[i].name, name) == 0)
            return i;
    return STINT_RESOURCE_NONE;
}
/* NULL for STINT_RESOURCE_NONE. */
static inline __attribute__((unused)) const struct stint_resource *stint_resource_at(
    const struct stint_resources *resources, uint32_t index)
{
    return index < resources->count ? &resources->list[index] : NULL;
}
/* "cpu, gpu": all their names, cut at @size. */
static inline __attribute__((unused)) const char *stint_resource_names(
    const struct stint_resources *resources, char *text, size_t size)
{
    size_t length = 0;
    for (uint32_t i = 0; i < resources->count && length + 1 < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "",
                                   resources->list[i].name);
    return text;
}

#endif
