/* Owns: machines as plain data. Pure: nothing here asks the system. */
#include "stint/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int stint_machine_new(struct stint_machine **ret_machine)
{
    struct stint_machine *machine = calloc(1, sizeof(*machine));
    if (!machine)
        return -ENOMEM;
    *ret_machine = machine;
    return 0;
}

static void shape_free(struct stint_shape *shape)
{
    if (!shape)
        return;
    free(shape->numa);
    free(shape->cores);
    free(shape->pus);
    free(shape->gpus);
    free(shape->links);
    if (shape->numbers)
        free(shape->numbers->cores);
    free(shape->numbers);
    free(shape);
}

struct stint_machine *stint_machine_free(struct stint_machine *machine)
{
    if (!machine)
        return NULL;
    for (uint32_t i = 0; i < machine->shape_count; i++)
        shape_free(machine->shapes[i]);
    free(machine->shapes);
    free(machine->nodes);
    free(machine);
    return NULL;
}

static int check_bound(const char *what, uint32_t count, uint32_t max, struct stint_error *err)
{
    if (count <= max)
        return 0;
    return stint_fail(err, STINT_TOO_LARGE, "%u %s in one node, at most %u are handled", count,
                      what, max);
}

/* calloc(0) may be NULL, which would look like a failure. */
static void *array_new(uint32_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

int stint_machine_add_shape(struct stint_machine *machine, uint32_t numa_count, uint32_t core_count,
                            uint32_t pu_count, uint32_t gpu_count, uint32_t link_count,
                            struct stint_shape **ret_shape, struct stint_error *err)
{
    int r = check_bound("NUMA nodes", numa_count, STINT_MACHINE_NUMA_MAX, err);
    if (r == 0)
        r = check_bound("cores", core_count, STINT_MACHINE_CORE_MAX, err);
    if (r == 0)
        r = check_bound("PUs", pu_count, STINT_MACHINE_PU_MAX, err);
    if (r == 0)
        r = check_bound("GPUs", gpu_count, STINT_MACHINE_GPU_MAX, err);
    if (r == 0)
        r = check_bound("links", link_count, STINT_MACHINE_LINK_MAX, err);
    if (r == 0)
        r = check_bound("kinds of node", machine->shape_count, STINT_MACHINE_NODE_MAX, err);
    if (r != 0)
        return r;
    struct stint_shape **shapes =
        realloc(machine->shapes, (machine->shape_count + 1) * sizeof(struct stint_shape *));
    struct stint_shape *shape = calloc(1, sizeof(*shape));
    if (shapes)
        machine->shapes = shapes;
    if (!shapes || !shape || !(shape->numa = array_new(numa_count, sizeof(*shape->numa))) ||
        !(shape->cores = array_new(core_count, sizeof(*shape->cores))) ||
        !(shape->pus = array_new(pu_count, sizeof(*shape->pus))) ||
        !(shape->gpus = array_new(gpu_count, sizeof(*shape->gpus))) ||
        !(shape->links = array_new(link_count, sizeof(*shape->links)))) {
        shape_free(shape);
        return -ENOMEM;
    }
    shape->packages = 1;
    shape->numa_count = numa_count;
    shape->core_count = core_count;
    shape->pu_count = pu_count;
    shape->gpu_count = gpu_count;
    shape->link_count = link_count;
    machine->shapes[machine->shape_count++] = shape;
    *ret_shape = shape;
    return 0;
}

int stint_shape_number(struct stint_shape *shape, uint32_t core_space)
{
    struct stint_numbers *numbers = calloc(1, sizeof(*numbers));
    if (!numbers || !(numbers->cores = array_new(shape->core_count, sizeof(*numbers->cores)))) {
        free(numbers);
        return -ENOMEM;
    }
    numbers->core_space = core_space;
    shape->numbers = numbers;
    return 0;
}

bool stint_machine_is_simulated(const struct stint_machine *machine)
{
    for (uint32_t i = 0; i < machine->shape_count; i++)
        if (machine->shapes[i]->gpu_count > 0 && machine->shapes[i]->gpus[0].is_simulated)
            return true;
    return false;
}

int stint_machine_find_type(const struct stint_machine *machine, const char *type)
{
    for (uint32_t i = 0; i < machine->type_count; i++)
        if (strcmp(machine->types[i], type) == 0)
            return (int)i;
    return -1;
}

int stint_machine_type(struct stint_machine *machine, const char *type, uint16_t *ret_index,
                       struct stint_error *err)
{
    int known = stint_machine_find_type(machine, type);
    if (known >= 0) {
        *ret_index = (uint16_t)known;
        return 0;
    }
    if (machine->type_count == STINT_MACHINE_TYPE_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "more than %d types of GPU in one machine",
                          STINT_MACHINE_TYPE_MAX);
    if (strlen(type) >= STINT_MACHINE_NAME_MAX || !*type)
        return stint_fail(err, STINT_INVALID, "'%.80s' is no name for a type of GPU", type);
    (void)snprintf(machine->types[machine->type_count], STINT_MACHINE_NAME_MAX, "%s", type);
    *ret_index = (uint16_t)machine->type_count++;
    return 0;
}

int stint_machine_add_nodes(struct stint_machine *machine, const char *name,
                            const struct stint_shape *shape, uint32_t count,
                            struct stint_error *err)
{
    if (count > STINT_MACHINE_NODE_MAX - machine->node_count)
        return stint_fail(err, STINT_TOO_LARGE, "more than %d nodes in one machine",
                          STINT_MACHINE_NODE_MAX);
    if (strlen(name) >= STINT_MACHINE_NAME_MAX - 8)
        return stint_fail(err, STINT_INVALID, "'%.80s' is too long for the name of a node", name);
    struct stint_node *nodes =
        realloc(machine->nodes, (machine->node_count + count) * sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    machine->nodes = nodes;
    bool is_numbered = count > 1 || machine->node_count > 0;
    for (uint32_t i = 0; i < count; i++) {
        struct stint_node *node = &nodes[machine->node_count++];
        node->shape = shape;
        if (is_numbered)
            (void)snprintf(node->name, sizeof(node->name), "%s%u", name, machine->node_count - 1);
        else
            (void)snprintf(node->name, sizeof(node->name), "%s", name);
    }
    return 0;
}

int stint_machine_new_flat(uint32_t cores, struct stint_machine **ret_machine,
                           struct stint_error *err)
{
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    struct stint_shape *shape = NULL;
    if (cores == 0)
        return stint_fail(err, STINT_INVALID, "a machine needs at least one core");
    int r = stint_machine_new(&machine);
    if (r == 0)
        r = stint_machine_add_shape(machine, 1, cores, cores, 0, 0, &shape, err);
    if (r != 0)
        return r;
    shape->numa[0].core_count = cores;
    for (uint32_t i = 0; i < cores; i++) {
        shape->cores[i] = (struct stint_core){ .pu_first = i, .pu_count = 1 };
        shape->pus[i] = i;
    }
    r = stint_machine_add_nodes(machine, "node0", shape, 1, err);
    if (r == 0)
        *ret_machine = stint_take(machine);
    return r;
}

int stint_machine_find_node(const struct stint_machine *machine, const char *name)
{
    for (uint32_t i = 0; i < machine->node_count; i++)
        if (strcmp(machine->nodes[i].name, name) == 0)
            return (int)i;
    return -1;
}
