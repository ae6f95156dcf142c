/* Owns: how the machine is divided. Everything is given to one resource at most (invariant 3): who
 * names a core or a GPU has it, and one resource that names no cores has the rest. */
#include "resources.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/allocation.h"
#include "stint/auto.h"
#include "stint/clerk.h"
#include "stint/machine.h"
#include "stint/scheduler.h"
#include "stint/topology.h"

#define NOBODY (-1)

/**
 * struct division - the machine while it is being divided
 * @cores, @gpus, @numa: whose each is, an index of resources; NOBODY: nobody's yet
 */
struct division {
    const struct stint_config *config;
    const struct stint_machine *whole;
    const struct stint_shape *shape;
    int *cores;
    int gpus[STINT_MACHINE_GPU_MAX];
    int numa[STINT_MACHINE_NUMA_MAX];
    struct stint_config_resource *sections;
    int rest; /* who has what no other names; NOBODY */
};

/* Gives @number to @to; refuses one that another has. */
static int give(const struct division *division, const char *what, int *owner, size_t number,
                int to, const char *key, struct stint_error *err)
{
    if (*owner == NOBODY || *owner == to) {
        *owner = to;
        return 0;
    }
    (void)stint_config_resource_fail(division->config, &division->sections[to], key, err,
                                     "%s %zu is resource %s's already", what, number,
                                     division->sections[*owner].name);
    return stint_fix(err, STINT_INVALID,
                     "name each core and each GPU once: `stint nodes --json` lists them");
}

static int read_set(const struct division *division, const struct stint_config_resource *section,
                    const char *key, const char *text, size_t count, uint64_t *bits,
                    struct stint_error *err)
{
    struct stint_error why = { 0 };
    int r = stint_bits_parse(text, bits, count, NULL, &why);
    if (r != STINT_INVALID)
        return r;
    (void)stint_config_resource_fail(division->config, section, key, err, "%s = %s", key, why.text);
    return count == 0 ? stint_fix(err, STINT_INVALID, "leave %s out: the machine has none", key)
                      : stint_fix(err, STINT_INVALID, "numbers from 0 to %zu, as 0-3,8", count - 1);
}

/* NUMA nodes with all their cores, and the GPUs that are local to them. */
static int give_numa(struct division *division, int to, struct stint_error *err)
{
    const struct stint_config_resource *section = &division->sections[to];
    const struct stint_shape *shape = division->shape;
    uint64_t bits[1] = { 0 };
    if (!section->numa[0])
        return 0;
    int r = read_set(division, section, "numa", section->numa, shape->numa_count, bits, err);
    for (uint32_t i = 0; i < shape->numa_count && r == 0; i++) {
        if (!stint_bit_has(bits, i))
            continue;
        r = give(division, "NUMA node", &division->numa[i], i, to, "numa", err);
        for (uint32_t core = 0; core < shape->core_count && r == 0; core++)
            if (shape->cores[core].numa == i)
                r = give(division, "core", &division->cores[core], core, to, "numa", err);
        for (uint32_t gpu = 0; gpu < shape->gpu_count && r == 0 && !section->gpus[0]; gpu++)
            if (shape->gpus[gpu].numa == i)
                r = give(division, "GPU", &division->gpus[gpu], gpu, to, "numa", err);
    }
    return r;
}

static int give_cores(struct division *division, int to, struct stint_error *err)
{
    const struct stint_config_resource *section = &division->sections[to];
    uint32_t count = division->shape->core_count;
    if (!section->cores[0])
        return 0;
    stint_auto(stint_free) uint64_t *bits = calloc(STINT_BIT_WORDS(count) + 1, sizeof(*bits));
    if (!bits)
        return -ENOMEM;
    int r = read_set(division, section, "cores", section->cores, count, bits, err);
    for (uint32_t i = 0; i < count && r == 0; i++)
        if (stint_bit_has(bits, i))
            r = give(division, "core", &division->cores[i], i, to, "cores", err);
    return r;
}

static int give_gpus(struct division *division, int to, struct stint_error *err)
{
    const struct stint_config_resource *section = &division->sections[to];
    uint64_t bits[1] = { 0 };
    if (!section->gpus[0] || strcmp(section->gpus, "none") == 0)
        return 0;
    int r =
        read_set(division, section, "gpus", section->gpus, division->shape->gpu_count, bits, err);
    for (uint32_t i = 0; i < division->shape->gpu_count && r == 0; i++)
        if (stint_bit_has(bits, i))
            r = give(division, "GPU", &division->gpus[i], i, to, "gpus", err);
    return r;
}

static int note_rest(struct division *division, int to, struct stint_error *err)
{
    const struct stint_config_resource *section = &division->sections[to];
    if (section->numa[0] || section->cores[0])
        return 0;
    if (division->rest == NOBODY) {
        division->rest = to;
        return 0;
    }
    (void)stint_config_resource_fail(division->config, section, "cores", err,
                                     "it names no cores, and neither does resource %s",
                                     division->sections[division->rest].name);
    return stint_fix(err, STINT_INVALID,
                     "give one of them cores or numa; the other has what is left");
}

static void give_rest(struct division *division)
{
    int to = division->rest;
    if (to == NOBODY)
        return;
    for (uint32_t i = 0; i < division->shape->core_count; i++)
        if (division->cores[i] == NOBODY)
            division->cores[i] = to;
    for (uint32_t i = 0; i < division->shape->numa_count; i++)
        if (division->numa[i] == NOBODY)
            division->numa[i] = to;
    for (uint32_t i = 0; i < division->shape->gpu_count && !division->sections[to].gpus[0]; i++)
        if (division->gpus[i] == NOBODY)
            division->gpus[i] = to;
}

static bool is_part(const struct division *division, size_t index)
{
    return !division->sections[index].topology[0];
}

static int divide(struct division *division, size_t count, struct stint_error *err)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (!is_part(division, i))
            continue;
        r = give_numa(division, (int)i, err);
        if (r == 0)
            r = give_cores(division, (int)i, err);
        if (r == 0)
            r = give_gpus(division, (int)i, err);
        if (r == 0)
            r = note_rest(division, (int)i, err);
    }
    if (r == 0)
        give_rest(division);
    return r;
}

/* The machine of one part. */
static int part_new(const struct division *division, int of, struct stint_machine **ret_machine,
                    struct stint_error *err)
{
    const struct stint_shape *shape = division->shape;
    struct stint_part part = { 0 };
    uint32_t count = 0;
    stint_auto(stint_free) uint64_t *cores =
        calloc(STINT_BIT_WORDS(shape->core_count) + 1, sizeof(*cores));
    if (!cores)
        return -ENOMEM;
    for (uint32_t i = 0; i < shape->core_count; i++) {
        if (division->cores[i] != of)
            continue;
        cores[i / 64] |= UINT64_C(1) << (i % 64);
        count++;
    }
    for (uint32_t i = 0; i < shape->gpu_count; i++)
        if (division->gpus[i] == of)
            part.gpus |= UINT64_C(1) << i;
    for (uint32_t i = 0; i < shape->numa_count; i++)
        if (division->numa[i] == of)
            part.numa |= UINT64_C(1) << i;
    part.cores = cores;
    if (count > 0)
        return stint_machine_part(division->whole, &part, ret_machine, err);
    const struct stint_config_resource *section = &division->sections[of];
    (void)stint_config_resource_fail(
        division->config, section, section->cores[0] ? "cores" : "numa", err,
        "no core of the machine's %u is left for it", shape->core_count);
    return stint_fix(err, STINT_INVALID, "give it cores, and others less; or remove the section");
}

static int machine_load(const struct stint_config *config, const char *source, const char *gpus,
                        const char *host, struct stint_machine **ret_machine,
                        struct stint_error *err)
{
    (void)config;
    struct stint_topology_options options = { .source = source,
                                              .gpus = gpus,
                                              .name = source[0] ? NULL : host };
    return stint_topology_load(&options, ret_machine, err);
}

static int parts_open(struct division *division, struct stint_resources *resources,
                      struct stint_error *err)
{
    const struct stint_machine *whole = division->whole;
    if (whole->node_count != 1) {
        (void)stint_config_resource_fail(division->config, &division->sections[0], "cores", err,
                                         "a machine of %u nodes has no parts", whole->node_count);
        return stint_fix(err, STINT_INVALID, "topology of its own for each resource");
    }
    division->shape = whole->nodes[0].shape;
    if (!(division->cores = calloc(division->shape->core_count + 1, sizeof(*division->cores))))
        return -ENOMEM;
    for (uint32_t i = 0; i < division->shape->core_count; i++)
        division->cores[i] = NOBODY;
    for (size_t i = 0; i < STINT_MACHINE_GPU_MAX; i++)
        division->gpus[i] = division->numa[i] = NOBODY;
    int r = divide(division, resources->count, err);
    for (uint32_t i = 0; i < resources->count && r == 0; i++) {
        if (!is_part(division, i))
            continue;
        resources->list[i].is_part = true;
        r = part_new(division, (int)i, &resources->list[i].machine, err);
    }
    free(division->cores);
    return r;
}
_Static_assert(STINT_MACHINE_GPU_MAX == STINT_MACHINE_NUMA_MAX, "one loop for both");

/* Only one, and it is not said which part: all of it, as it is. */
static bool is_undivided(const struct stint_config_resource *sections, uint32_t count)
{
    return count == 1 && !sections[0].cores[0] && !sections[0].numa[0] && !sections[0].gpus[0] &&
           !sections[0].topology[0];
}

static int machines_open(const struct stint_config *config, const char *host,
                         struct stint_config_resource *sections, struct stint_resources *resources,
                         struct stint_error *err)
{
    stint_auto(stint_machine_free) struct stint_machine *whole = NULL;
    bool has_parts = false;
    int r = 0;
    for (uint32_t i = 0; i < resources->count && r == 0; i++) {
        has_parts |= !sections[i].topology[0];
        if (sections[i].topology[0])
            r = machine_load(config, sections[i].topology, sections[i].gpus, host,
                             &resources->list[i].machine, err);
    }
    if (r == 0 && has_parts)
        r = machine_load(config, config->topology, config->gpus, host, &whole, err);
    if (r != 0 || !has_parts)
        return r;
    if (is_undivided(sections, resources->count)) {
        resources->list[0].machine = stint_take(whole);
        resources->list[0].is_part = true;
        return 0;
    }
    struct division division = {
        .config = config, .whole = whole, .sections = sections, .rest = NOBODY
    };
    return parts_open(&division, resources, err);
}

/* Only mode stint knows shares and preemption. */
static void policy_of(const struct stint_config_terms *terms, int64_t grace_s,
                      struct stint_policy *ret_policy)
{
    int mode = stint_mode_from_name(terms->policy);
    bool is_stint = mode == STINT_MODE_STINT;
    assert(mode >= 0); /* a word of the table of options */
    *ret_policy = (struct stint_policy){
        .mode = (enum stint_mode)mode,
        .reserved_heads = (uint32_t)terms->reserved_heads,
        .cores_per_free_gpu = (uint32_t)terms->cores_per_free_gpu,
        .walltime_max_ms = terms->max_walltime_s * 1000,
        .tiers = is_stint ? (uint32_t)terms->fair_tiers : 0,
        .half_life_ms = terms->half_life_s * 1000,
        .preempts = is_stint && terms->preemption,
        .grace_ms = grace_s * 1000,
        .min_run_ms = terms->preemption_min_run_s * 1000,
        .resume_ms = terms->preemption_resume_s * 1000,
    };
}

static void terms_take(const struct stint_config_resource *section, struct stint_resource *resource)
{
    const struct stint_config_terms *terms = &section->terms;
    (void)snprintf(resource->name, sizeof(resource->name), "%s", section->name);
    resource->default_walltime_s = terms->default_walltime_s;
    resource->max_walltime_s = terms->max_walltime_s;
    resource->checkpoint_max_s = terms->checkpoint_max_s;
    resource->half_life_ms = terms->half_life_s * 1000;
    resource->rate_micro = terms->rate_micro;
    resource->preemptible_rate_micro = terms->preemptible_rate_micro;
    resource->policy = stint_mode_name((enum stint_mode)stint_mode_from_name(terms->policy));
}

static int open_all(const struct stint_config *config, const char *host, bool with_cores,
                    struct stint_resources *resources, struct stint_error *err)
{
    size_t count = stint_config_resource_count(config);
    struct stint_config_resource *sections = calloc(count, sizeof(*sections));
    if (!sections)
        return -ENOMEM;
    assert(count <= STINT_RESOURCE_MAX);
    memset(resources, 0, sizeof(*resources));
    resources->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        stint_config_resource(config, i, &sections[i]);
        terms_take(&sections[i], &resources->list[i]);
    }
    int r = machines_open(config, host, sections, resources, err);
    for (size_t i = 0; i < count && r == 0 && with_cores; i++) {
        struct stint_policy policy;
        policy_of(&sections[i].terms, config->grace_s, &policy);
        r = stint_clerk_new(resources->list[i].machine, &policy, &resources->list[i].clerk, err);
    }
    free(sections);
    return r;
}
_Static_assert(STINT_CONFIG_RESOURCES_MAX == STINT_RESOURCE_MAX, "a place for each section");

int resources_open(const struct stint_config *config, const char *host,
                   struct stint_resources *ret_resources, struct stint_error *err)
{
    return open_all(config, host, true, ret_resources, err);
}

void resources_close(struct stint_resources *resources)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        resources->list[i].clerk = stint_clerk_free(resources->list[i].clerk);
        resources->list[i].machine = stint_machine_free(resources->list[i].machine);
    }
    resources->count = 0;
}

int resources_check(const struct stint_config *config, const char *host, struct stint_error *err)
{
    struct stint_resources resources = { .count = 0 };
    if (config->part_count == 0 && !config->topology[0])
        return 0; /* this machine is what it is */
    int r = open_all(config, host, false, &resources, err);
    resources_close(&resources);
    return r;
}

void resources_reload(struct stint_resources *resources, const struct stint_config *config)
{
    for (size_t i = 0; i < stint_config_resource_count(config); i++) {
        struct stint_config_resource section;
        stint_config_resource(config, i, &section);
        uint32_t at = stint_resource_find(resources, section.name);
        if (at != STINT_RESOURCE_NONE)
            resources->list[at].default_walltime_s = section.terms.default_walltime_s;
    }
}
