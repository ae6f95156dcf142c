/* Owns: sections [resource NAME]: parts of the machine, or machines of their own, each with terms
 * that the sections for all have in common. */
#include "stint/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "stint/auto.h"

#define PREFIX "resource "

const char *section_resource(const char *section)
{
    return strncmp(section, PREFIX, strlen(PREFIX)) == 0 ? section + strlen(PREFIX) : NULL;
}

struct stint_config_resource *resource_find(struct stint_config *config, const char *name)
{
    for (size_t i = 0; name && i < config->part_count; i++)
        if (strcmp(config->parts[i].name, name) == 0)
            return &config->parts[i];
    return NULL;
}

int resource_add(struct stint_config *config, const char *name, int line, const char *where,
                 struct stint_error *err)
{
    const struct stint_config_resource *known = resource_find(config, name);
    if (!name_is_good(name) || strlen(name) > STINT_CONFIG_RESOURCE_NAME_MAX) {
        (void)stint_fail(err, STINT_INVALID, "%s: '%.60s' is no name for a resource", where, name);
        return stint_fix(err, STINT_INVALID, "at most %d letters, digits, '.', '-' and '_'",
                         STINT_CONFIG_RESOURCE_NAME_MAX);
    }
    if (known) {
        (void)stint_fail(err, STINT_INVALID, "%s: [resource %s] is on line %d already", where, name,
                         known->line);
        return stint_fix(err, STINT_INVALID, "another name, or one section for both");
    }
    if (config->part_count == STINT_CONFIG_RESOURCES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%s: more than %d resources", where,
                          STINT_CONFIG_RESOURCES_MAX);
    struct stint_config_resource *resource = &config->parts[config->part_count++];
    *resource = (struct stint_config_resource){ .line = line };
    memcpy(resource->name, name, strlen(name) + 1);
    return 0;
}

/* ---- its keys: those of its own, and those that it may have otherwise than all */

static bool is_of_terms(const struct option *option)
{
    size_t first = offsetof(struct stint_config, terms);
    return option->offset >= first && option->offset < first + sizeof(struct stint_config_terms);
}

static bool is_of_part(const struct option *option)
{
    size_t first = offsetof(struct stint_config, part);
    return option->offset >= first && option->offset < first + sizeof(struct stint_config_resource);
}

const struct option *resource_option(const char *key)
{
    const struct option *option = option_find(RESOURCE_SECTION, key);
    if (!option && (option = option_find("scheduler", key)) && !is_of_terms(option))
        option = NULL;
    if (!option && (option = option_find("awards", key)) && !is_of_terms(option))
        option = NULL;
    return option;
}

void *resource_place(const struct option *option, struct stint_config_resource *resource)
{
    if (is_of_part(option))
        return (char *)resource + (option->offset - offsetof(struct stint_config, part));
    return (char *)&resource->terms + (option->offset - offsetof(struct stint_config, terms));
}

static const struct option *option_at(size_t index)
{
    const struct stint_config_option *row = stint_config_option(index);
    return row ? option_find(row->section, row->key) : NULL;
}

size_t stint_config_resource_count(const struct stint_config *config)
{
    return config->part_count > 0 ? config->part_count : 1;
}

void stint_config_resource(const struct stint_config *config, size_t index,
                           struct stint_config_resource *ret_resource)
{
    const struct option *option;
    if (config->part_count == 0) {
        *ret_resource = (struct stint_config_resource){ .terms = config->terms };
        (void)snprintf(ret_resource->name, sizeof(ret_resource->name), "%s", config->resource);
        return;
    }
    *ret_resource = config->parts[index];
    for (size_t i = 0; (option = option_at(i)); i++)
        if (is_of_terms(option) && ret_resource->lines[i] == 0)
            memcpy(resource_place(option, ret_resource), (const char *)config + option->offset,
                   option->size);
}

bool resource_is_same(const struct stint_config *a, const struct stint_config *b, size_t index,
                      bool (*is_live)(const struct option *option))
{
    struct stint_config_resource left;
    struct stint_config_resource right;
    const struct option *option;
    if (index >= a->part_count || index >= b->part_count)
        return false;
    left = a->parts[index];
    right = b->parts[index];
    if (strcmp(left.name, right.name) != 0)
        return false;
    for (size_t i = 0; (option = option_at(i)); i++) {
        if ((!is_of_terms(option) && !is_of_part(option)) || is_live(option))
            continue;
        bool is_given = left.lines[i] != 0;
        if (is_given != (right.lines[i] != 0) ||
            (is_given && !option_is_equal(option, resource_place(option, &left),
                                          resource_place(option, &right))))
            return false;
    }
    return true;
}

/* ---- what takes more than a row to judge; the machine itself is looked at when it is there */

int stint_config_resource_fail(const struct stint_config *config,
                               const struct stint_config_resource *resource, const char *key,
                               struct stint_error *err, const char *format, ...)
{
    char text[300];
    const struct option *option = resource_option(key);
    int line = option ? resource->lines[option_index(option)] : 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (resource->line == 0) /* no section of its own */
        return stint_fail(err, STINT_INVALID, "%s", text);
    return stint_fail(err, STINT_INVALID, "%s:%d: [resource %s]: %s", config->file,
                      line > 0 ? line : resource->line, resource->name, text);
}

static int check_place(const struct stint_config *config,
                       const struct stint_config_resource *resource, struct stint_error *err)
{
    bool is_file;
    if (!topology_is_good(resource->topology, &is_file)) {
        (void)stint_config_resource_fail(
            config, resource, "topology", err, "topology = '%.100s' is %s", resource->topology,
            is_file ? "not a file that can be found" : "neither a file nor a synthetic string");
        return stint_fix(err, STINT_INVALID,
                         "topology = numa:2 core:8 pu:2, an hwloc XML file, or empty");
    }
    if (resource->topology[0] && (resource->cores[0] || resource->numa[0])) {
        (void)stint_config_resource_fail(config, resource, resource->cores[0] ? "cores" : "numa",
                                         err, "it has a topology of its own, and is no part");
        return stint_fix(err, STINT_INVALID, "either topology, or cores and numa");
    }
    if (resource->topology[0] && !gpus_are_good(resource->gpus)) {
        (void)stint_config_resource_fail(config, resource, "gpus", err,
                                         "gpus = '%.60s' is not TYPE:N", resource->gpus);
        return stint_fix(err, STINT_INVALID, "gpus = h200:4");
    }
    return 0;
}

static int check_terms(const struct stint_config *config,
                       const struct stint_config_resource *resource, struct stint_error *err)
{
    const struct stint_config_terms *terms = &resource->terms;
    const struct option *half_life = option_find("scheduler", "half_life_s");
    bool is_shared = strcmp(terms->policy, "stint") == 0 && terms->fair_tiers > 0;
    bool is_said = resource->lines[option_index(half_life)] != 0 ||
                   config->lines[option_index(half_life)] != 0;
    if (terms->max_walltime_s && terms->default_walltime_s > terms->max_walltime_s) {
        const struct option *option = option_find("scheduler", "default_walltime_s");
        (void)stint_config_resource_fail(
            config, resource,
            resource->lines[option_index(option)] ? "default_walltime_s" : "max_walltime_s", err,
            "default_walltime_s is longer than max_walltime_s");
        return stint_fix(err, STINT_INVALID, "default_walltime_s = %lld",
                         (long long)terms->max_walltime_s);
    }
    if (is_shared && config->file[0] && !is_said) {
        (void)stint_config_resource_fail(
            config, resource, "half_life_s", err,
            "half_life_s is missing: policy = stint shares by past use");
        return stint_fix(err, STINT_INVALID,
                         "half_life_s = 604800 (a week), here or in [scheduler]");
    }
    return 0;
}

int check_resources(const struct stint_config *config, struct stint_error *err)
{
    int r = 0;
    for (size_t i = 0; i < config->part_count && r == 0; i++) {
        struct stint_config_resource resource;
        stint_config_resource(config, i, &resource);
        r = check_place(config, &resource, err);
        if (r == 0)
            r = check_terms(config, &resource, err);
    }
    return r;
}
