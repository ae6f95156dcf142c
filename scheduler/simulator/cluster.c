/* Owns: files that describe a machine of several kinds of node, for replays. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "stint/measure.h"
#include "stint/simulator.h"

struct kind {
    char name[STINT_MACHINE_NAME_MAX];
    char type[STINT_MACHINE_NAME_MAX];
    uint64_t nodes;
    uint64_t cores;
    uint64_t numa;
    uint64_t gpus;
    int64_t memory_bytes;
};

/* "h200:4" or "4". */
static bool read_gpus(const char *value, struct kind *kind)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : 0;
    if (colon && (length == 0 || length >= sizeof(kind->type)))
        return false;
    (void)snprintf(kind->type, sizeof(kind->type), "gpu");
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)value[i]) && value[i] != '-' && value[i] != '_')
            return false;
        kind->type[i] = (char)tolower((unsigned char)value[i]);
        kind->type[i + 1] = '\0';
    }
    return line_number(colon ? colon + 1 : value, STINT_MACHINE_GPU_MAX, &kind->gpus);
}

static bool read_value(const char *word, struct kind *kind)
{
    const char *value = strchr(word, '=');
    size_t length = value ? (size_t)(value - word) : 0;
    if (!value)
        return false;
    value++;
    if (length == 4 && memcmp(word, "name", 4) == 0) {
        for (const char *c = value; *c; c++)
            if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
                return false;
        return snprintf(kind->name, sizeof(kind->name), "%s", value) < STINT_MACHINE_NAME_MAX - 8 &&
               *value;
    }
    if (length == 5 && memcmp(word, "nodes", 5) == 0)
        return line_number(value, STINT_MACHINE_NODE_MAX, &kind->nodes) && kind->nodes > 0;
    if (length == 5 && memcmp(word, "cores", 5) == 0)
        return line_number(value, STINT_MACHINE_CORE_MAX, &kind->cores) && kind->cores > 0;
    if (length == 4 && memcmp(word, "numa", 4) == 0)
        return line_number(value, STINT_MACHINE_NUMA_MAX, &kind->numa) && kind->numa > 0;
    if (length == 6 && memcmp(word, "memory", 6) == 0)
        return stint_size_parse(value, &kind->memory_bytes, NULL) == 0;
    return length == 4 && memcmp(word, "gpus", 4) == 0 && read_gpus(value, kind);
}

static int add_kind(struct stint_machine *machine, const struct kind *kind, struct stint_error *err)
{
    struct stint_shape *shape = NULL;
    uint32_t cores = (uint32_t)kind->cores;
    uint32_t numa = (uint32_t)kind->numa;
    uint32_t at = 0;
    int r =
        stint_machine_add_shape(machine, numa, cores, cores, (uint32_t)kind->gpus, 0, &shape, err);
    if (r != 0)
        return r;
    shape->packages = numa;
    shape->memory_bytes = kind->memory_bytes;
    for (uint32_t n = 0; n < numa; n++) {
        uint32_t mine = cores / numa + (n < cores % numa);
        shape->numa[n] = (struct stint_numa){ .os_index = n,
                                              .package = n,
                                              .core_first = at,
                                              .core_count = mine,
                                              .memory_bytes = kind->memory_bytes / numa };
        for (uint32_t c = 0; c < mine; c++, at++) {
            shape->cores[at] = (struct stint_core){
                .pu_first = at, .pu_count = 1, .numa = (uint16_t)n, .cache = n
            };
            shape->pus[at] = at;
        }
    }
    for (uint32_t g = 0; g < kind->gpus && r == 0; g++) {
        shape->gpus[g] = (struct stint_gpu){ .numa = (uint16_t)(g * numa / (uint32_t)kind->gpus),
                                             .partition_of = -1,
                                             .device = -1,
                                             .is_simulated = true };
        memcpy(shape->gpus[g].type, kind->type, sizeof(kind->type));
        r = stint_machine_type(machine, kind->type, &shape->gpus[g].type_index, err);
    }
    return r != 0 ? r
                  : stint_machine_add_nodes(machine, kind->name, shape, (uint32_t)kind->nodes, err);
}

static int read_line(void *context, const struct line *line, struct stint_error *err)
{
    struct kind kind = { .name = "node", .nodes = 1, .numa = 1 };
    for (size_t i = 0; i < line->count; i++)
        if (!read_value(line->words[i], &kind))
            return line_fail(
                line, err, "not words like name=a nodes=4 cores=32 numa=2 memory=256G gpus=h200:4");
    if (kind.cores < kind.numa)
        return line_fail(line, err, "a node needs cores, at least one for each NUMA node");
    return add_kind(context, &kind, err);
}

int stint_cluster_parse(const char *text, size_t length, const char *name,
                        struct stint_machine **ret_machine, struct stint_error *err)
{
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    int r = stint_machine_new(&machine);
    if (r == 0)
        r = lines_each(text, length, name, read_line, machine, err);
    if (r == 0 && machine->node_count == 0)
        r = stint_fail(err, STINT_INVALID, "%.200s names no node", name);
    if (r == 0)
        *ret_machine = stint_take(machine);
    return r;
}

int stint_cluster_load(const char *path, struct stint_machine **ret_machine,
                       struct stint_error *err)
{
    stint_auto(stint_free) char *text = NULL;
    size_t length = 0;
    int r = lines_read(path, &text, &length, err);
    return r != 0 ? r : stint_cluster_parse(text, length, path, ret_machine, err);
}
