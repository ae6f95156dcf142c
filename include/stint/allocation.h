/* What a run is granted, and its canonical line: `node3/core[0-3]/gpu[0-1,4]`. */
#ifndef STINT_ALLOCATION_H
#define STINT_ALLOCATION_H

#include <stdint.h>

#include "stint/buffer.h"
#include "stint/error.h"
#include "stint/machine.h"

#define STINT_ALLOCATION_GRANT_MAX 4096 /* nodes of one run */

/**
 * struct stint_grant - what is granted on one node
 * @node: index in the machine
 * @core_count: bits set in @cores
 * @gpu_count: bits set in @gpus
 * @gpu_milli: of each GPU in @gpus; 1000 is all of it. 0 without GPUs
 * @gpus: slots, bit i is slot i
 * @memory_bytes: sum of @numa_memory
 * @cores: STINT_BIT_WORDS(shape->core_count) words, bit i is core i
 * @numa_memory: bytes on each of the shape's NUMA nodes
 */
struct stint_grant {
    uint32_t node;
    uint32_t core_count;
    uint16_t gpu_count;
    uint16_t gpu_milli;
    uint64_t gpus;
    int64_t memory_bytes;
    uint64_t *cores;
    int64_t *numa_memory;
};

/* The grants are in the order of the nodes. */
struct stint_allocation {
    uint32_t grant_count;
    struct stint_grant *grants;
};

/**
 * stint_allocation_format() - the canonical line, appended to @buffer
 * `node0/core[0-3]/gpu[0-1]`, by the numbers of struct stint_numbers; several nodes are joined by
 * commas; a share of a GPU is `gpu[2]*250m`; without GPUs or cores that part is left out.
 */
void stint_allocation_format(const struct stint_machine *machine,
                             const struct stint_allocation *allocation,
                             struct stint_buffer *buffer);
/* The same with `/memory[0:1073741824,1:4096]`, bytes by NUMA node, behind each node: the form to
 * keep, from which stint_allocation_parse() gives back all. */
void stint_allocation_format_full(const struct stint_machine *machine,
                                  const struct stint_allocation *allocation,
                                  struct stint_buffer *buffer);

/**
 * stint_allocation_parse() - either form back
 * @ret_allocation: owned by the caller, stint_allocation_free() it
 * Return: 0; STINT_INVALID for a node, core or GPU the machine does not have, or what is no such
 * line; STINT_TOO_LARGE; -ENOMEM. The short form gives memory_bytes 0.
 */
int stint_allocation_parse(const struct stint_machine *machine, const char *text,
                           struct stint_allocation **ret_allocation, struct stint_error *err);
/* The same, of what this machine has of it: nodes, cores, GPUs and memory that it has not are
 * passed over. Nothing may be left. */
int stint_allocation_parse_part(const struct stint_machine *machine, const char *text,
                                struct stint_allocation **ret_allocation, struct stint_error *err);
struct stint_allocation *stint_allocation_free(struct stint_allocation *allocation);
static inline __attribute__((unused)) void stint_allocation_free_auto(
    struct stint_allocation **allocation)
{
    (void)stint_allocation_free(*allocation);
}
/* A copy of its own, for who keeps it longer than the run; 0 or -ENOMEM. */
int stint_allocation_copy(const struct stint_machine *machine,
                          const struct stint_allocation *allocation,
                          struct stint_allocation **ret_allocation);

/* "0-3,8" for the bits set in @bits, appended to @buffer; "" for none. */
void stint_bits_format(const uint64_t *bits, size_t bit_count, struct stint_buffer *buffer);
/* The same of a shape's cores or GPUs, by the numbers that people know (struct stint_numbers). */
void stint_cores_format(const struct stint_shape *shape, const uint64_t *cores,
                        struct stint_buffer *buffer);
void stint_gpus_format(const struct stint_shape *shape, uint64_t gpus, struct stint_buffer *buffer);
/**
 * stint_bits_parse() - bits from "0-3,8", read to its end or to @stop
 * @bits: STINT_BIT_WORDS(bit_count) words, cleared first
 * @ret_end: where reading stopped; NULL when the text must end there
 * Return: 0 or STINT_INVALID (also for a number not below @bit_count, or falling ranges).
 */
int stint_bits_parse(const char *text, uint64_t *bits, size_t bit_count, const char **ret_end,
                     struct stint_error *err);

#endif
