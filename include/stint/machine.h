/* What a resource is made of, as plain data: nodes, cores, memory, GPUs and the links between GPUs.
 * No hwloc type and no function that asks the system appears here; stint/topology.h makes one from
 * the live machine, a file or a synthetic string. Nodes of one kind share one shape, so that a
 * machine of 16,384 equal nodes stays small. A machine is never changed after it was made: what
 * changes (drained, down, what is taken) is the scheduler's. */
#ifndef STINT_MACHINE_H
#define STINT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/auto.h"
#include "stint/error.h"

#define STINT_MACHINE_NODE_MAX 16384
#define STINT_MACHINE_CORE_MAX 131072 /* of one node; only simulated ones are near it */
#define STINT_MACHINE_PU_MAX   262144
#define STINT_MACHINE_GPU_MAX  64 /* slots of one node: a set of them is one 64-bit mask */
#define STINT_MACHINE_NUMA_MAX 64 /* NUMA nodes of one node that have cores, memory or GPUs */
#define STINT_MACHINE_TYPE_MAX 32 /* different GPU types of one machine */
#define STINT_MACHINE_LINK_MAX (STINT_MACHINE_GPU_MAX * (STINT_MACHINE_GPU_MAX - 1) / 2)
#define STINT_MACHINE_NAME_MAX 64

/* A set of small numbers: bit i of word i / 64. */
#define STINT_BIT_WORDS(count) (((size_t)(count) + 63) / 64)
static inline __attribute__((unused)) bool stint_bit_has(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

/**
 * struct stint_numa - one NUMA node; its index in the shape is the number used everywhere
 * @os_index: the system's number, for binding memory
 * @memory_bytes: what it has
 * @package: index of the package it belongs to, 0 when unknown
 * @core_first, @core_count: its cores are neighbours in the shape's array of cores (0 for memory
 * without cores)
 */
struct stint_numa {
    uint32_t os_index;
    uint32_t package;
    uint32_t core_first;
    uint32_t core_count;
    int64_t memory_bytes;
};

/**
 * struct stint_core - one physical core; its index in the shape is the number in `core[0-3]`
 * @pu_first, @pu_count: its hardware threads are shape->pus[pu_first .. + pu_count)
 * @cache: cores with the same number share the last level of cache
 */
struct stint_core {
    uint32_t pu_first;
    uint16_t pu_count;
    uint16_t numa;
    uint32_t cache;
};

enum stint_gpu_vendor {
    STINT_GPU_OTHER = 0,
    STINT_GPU_NVIDIA, /* CUDA_VISIBLE_DEVICES */
    STINT_GPU_AMD,    /* ROCR_VISIBLE_DEVICES */
    STINT_GPU_INTEL   /* ZE_AFFINITY_MASK */
};

/**
 * struct stint_gpu - one slot: a GPU, or one partition of a partitioned GPU; its index is its slot
 * @type: lower case, "h200"; "gpu" when the topology does not say
 * @type_index: number of @type in machine->types
 * @numa: index in the shape's numa array
 * @pci: "0000:1b:00.0", "" when it has none
 * @partition_of: slot of the first partition of the same card, -1 for a whole GPU
 * @device: the vendor's own number, for the *_VISIBLE_DEVICES variables; -1 when it has none
 * @memory_bytes: 0 when unknown
 * @is_simulated: declared, not there: never given to a job as a device, left out of public totals
 */
struct stint_gpu {
    char type[STINT_MACHINE_NAME_MAX];
    char pci[24];
    uint16_t type_index;
    uint16_t numa;
    int32_t partition_of;
    int32_t device;
    enum stint_gpu_vendor vendor;
    bool is_simulated;
    int64_t memory_bytes;
};

enum stint_link_kind { STINT_LINK_NVLINK = 0, STINT_LINK_XGMI };
static inline __attribute__((unused)) const char *stint_link_kind_name(enum stint_link_kind kind)
{
    return kind == STINT_LINK_XGMI ? "xgmi" : "nvlink";
}

/* A link between GPU slots a < b; pairs without one are reached over PCI. */
struct stint_link {
    uint16_t a;
    uint16_t b;
    enum stint_link_kind kind;
    uint32_t mb_per_s;
};

/**
 * struct stint_numbers - what the cores, GPUs and NUMA nodes of a part are called: their numbers in
 * the machine that it is a part of, rising, so that a line like `core[4-7]` means the same things
 * whatever the machine is divided into
 * @core_space: all numbers of cores are below it
 */
struct stint_numbers {
    uint32_t core_space;
    uint32_t *cores; /* core_count of the shape */
    uint8_t gpus[STINT_MACHINE_GPU_MAX];
    uint8_t numa[STINT_MACHINE_NUMA_MAX];
};

/* What a kind of node has. All arrays are owned by the machine. @numbers: of a part of a machine;
 * NULL: everything is called by its index. */
struct stint_shape {
    uint32_t packages;
    uint32_t numa_count;
    uint32_t core_count;
    uint32_t pu_count;
    uint32_t gpu_count;
    uint32_t link_count;
    int64_t
        memory_bytes; /* sum over its NUMA nodes, or more where sysfs is wrong; 0: not counted */
    struct stint_numa *numa;
    struct stint_core *cores;
    uint32_t *pus; /* the system's numbers of the hardware threads */
    struct stint_gpu *gpus;
    struct stint_link *links;
    struct stint_numbers *numbers;
};

/* What people call core, GPU slot or NUMA node number @i of the shape. */
static inline __attribute__((unused)) uint32_t stint_core_number(const struct stint_shape *shape,
                                                                 uint32_t i)
{
    return shape->numbers ? shape->numbers->cores[i] : i;
}
static inline __attribute__((unused)) uint32_t stint_gpu_number(const struct stint_shape *shape,
                                                                uint32_t i)
{
    return shape->numbers ? shape->numbers->gpus[i] : i;
}
static inline __attribute__((unused)) uint32_t stint_numa_number(const struct stint_shape *shape,
                                                                 uint32_t i)
{
    return shape->numbers ? shape->numbers->numa[i] : i;
}

enum stint_node_state { STINT_NODE_UP = 0, STINT_NODE_DRAINING, STINT_NODE_DOWN };
static inline __attribute__((unused)) const char *stint_node_state_name(enum stint_node_state state)
{
    return state == STINT_NODE_DOWN ? "down" : state == STINT_NODE_DRAINING ? "draining" : "up";
}

struct stint_node {
    char name[STINT_MACHINE_NAME_MAX];
    const struct stint_shape *shape;
};

/**
 * struct stint_machine - one resource
 * @is_this_system: the PUs are this system's own; else nothing can be bound to them
 */
struct stint_machine {
    uint32_t node_count;
    uint32_t shape_count;
    uint32_t type_count;
    bool is_this_system;
    struct stint_node *nodes;
    struct stint_shape **shapes;
    char types[STINT_MACHINE_TYPE_MAX][STINT_MACHINE_NAME_MAX];
};

/**
 * stint_machine_new() - a machine without nodes
 * Return: 0 or -ENOMEM.
 */
int stint_machine_new(struct stint_machine **ret_machine);
/* Frees it with its shapes; takes NULL; returns NULL. */
struct stint_machine *stint_machine_free(struct stint_machine *machine);
static inline __attribute__((unused)) void stint_machine_free_auto(struct stint_machine **machine)
{
    (void)stint_machine_free(*machine);
}

/**
 * stint_machine_add_shape() - an empty shape with arrays of these sizes, zeroed, to be filled in
 * Return: 0; STINT_TOO_LARGE naming the bound; -ENOMEM. The shape belongs to @machine.
 */
int stint_machine_add_shape(struct stint_machine *machine, uint32_t numa_count, uint32_t core_count,
                            uint32_t pu_count, uint32_t gpu_count, uint32_t link_count,
                            struct stint_shape **ret_shape, struct stint_error *err);
/* Number of the GPU type @type (lower-cased by the caller), added when new; STINT_TOO_LARGE when
 * there are too many. */
int stint_machine_type(struct stint_machine *machine, const char *type, uint16_t *ret_index,
                       struct stint_error *err);
/* Are its GPUs declared for trying things out, and no cards? They are all real or all simulated. */
bool stint_machine_is_simulated(const struct stint_machine *machine);
/* The number of a known type, -1 for one that no node has. */
int stint_machine_find_type(const struct stint_machine *machine, const char *type);
/**
 * stint_machine_add_nodes() - @count nodes of @shape; names are @name, or @name with 0, 1, … behind
 * it when @count > 1 or the machine has nodes already
 */
int stint_machine_add_nodes(struct stint_machine *machine, const char *name,
                            const struct stint_shape *shape, uint32_t count,
                            struct stint_error *err);
/* One node `node0` with @cores cores of one thread, one NUMA node, memory not counted: a flat
 * machine of processors, as in the literature. */
int stint_machine_new_flat(uint32_t cores, struct stint_machine **ret_machine,
                           struct stint_error *err);
/**
 * struct stint_part - which things of a machine of one node are a part of it; sets of its numbers
 * @cores: STINT_BIT_WORDS(core_count) words; @gpus: bit i is slot i
 * @numa: NUMA nodes whose memory is the part's, all of it where no other part has cores of them
 */
struct stint_part {
    const uint64_t *cores;
    uint64_t gpus;
    uint64_t numa;
};
/**
 * stint_machine_part() - a machine of its own made of a part of @whole
 * Its node has the name of the whole's; cores, GPUs and NUMA nodes keep their numbers
 * (struct stint_numbers). Memory of a NUMA node goes with its cores, in whole MiB; of one without
 * cores, to the part that names it.
 * Return: 0; STINT_INVALID for a part without cores, or a whole of several nodes or that is a part
 * itself; -ENOMEM. The machine is the caller's, and stands without @whole.
 */
int stint_machine_part(const struct stint_machine *whole, const struct stint_part *part,
                       struct stint_machine **ret_machine, struct stint_error *err);
/* Room for the numbers of a part: 0 or -ENOMEM. Owned by the shape. */
int stint_shape_number(struct stint_shape *shape, uint32_t core_space);
/* Index of the node called @name, -1 when there is none. O(nodes). */
int stint_machine_find_node(const struct stint_machine *machine, const char *name);

#endif
