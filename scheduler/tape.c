/* Owns: numbers, texts and machines on a tape: one function writes and reads each, so that the two
 * cannot differ. A number is a zigzag varint (as in Protocol Buffers): 7 bits a byte, small near 0.
 * What is read is bounded before anything is allocated for it. */
#include <stdlib.h>
#include <string.h>

#include "told.h"

#define VARINT_MAX 10 /* bytes of 64 bits */

bool tape_expect(struct tape *tape, bool is_good)
{
    if (!tape->out && !is_good)
        tape->is_broken = true;
    return !tape->is_broken;
}

static void write_int(struct tape *tape, int64_t value)
{
    uint8_t bytes[VARINT_MAX];
    size_t length = 0;
    uint64_t rest = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    do {
        bytes[length++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest);
    stint_buffer_add(tape->out, bytes, length);
}

static int64_t read_int(struct tape *tape)
{
    uint64_t rest = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_MAX && !tape->is_broken; shift += 7) {
        if (!tape_expect(tape, tape->at < tape->end))
            break;
        uint8_t byte = *tape->at++;
        rest |= (uint64_t)(byte & 0x7f) << (shift < 63 ? shift : 63);
        if (byte < 0x80)
            return (int64_t)(rest >> 1) ^ -(int64_t)(rest & 1);
    }
    tape->is_broken = true;
    return 0;
}

void tape_int(struct tape *tape, int64_t *value)
{
    if (tape->out)
        write_int(tape, *value);
    else
        *value = read_int(tape);
}

void tape_u32(struct tape *tape, uint32_t *value)
{
    int64_t wide = *value;
    tape_int(tape, &wide);
    if (tape_expect(tape, wide >= 0 && wide <= UINT32_MAX))
        *value = (uint32_t)wide;
}

void tape_text(struct tape *tape, char **text, size_t max)
{
    uint32_t length = tape->out ? (uint32_t)strlen(*text) : 0;
    tape_u32(tape, &length);
    if (tape->out) {
        stint_buffer_add(tape->out, *text, length);
        return;
    }
    if (!tape_expect(tape, length <= max && length <= (size_t)(tape->end - tape->at)))
        return;
    *text = strndup((const char *)tape->at, length);
    tape->at += length;
    (void)tape_expect(tape, *text != NULL);
}

/* ---- a machine ---- */

/* A name in a fixed array. */
static void tape_name(struct tape *tape, char *name, size_t size)
{
    char *text = tape->out ? name : NULL;
    tape_text(tape, &text, size - 1);
    if (tape->out)
        return;
    if (!tape->is_broken) {
        size_t length = strlen(text);
        memcpy(name, text, length + 1);
    }
    free(text);
}

static void tape_u16(struct tape *tape, uint16_t *value)
{
    uint32_t wide = *value;
    tape_u32(tape, &wide);
    if (tape_expect(tape, wide <= UINT16_MAX))
        *value = (uint16_t)wide;
}

static void tape_i32(struct tape *tape, int32_t *value)
{
    int64_t wide = *value;
    tape_int(tape, &wide);
    if (tape_expect(tape, wide >= INT32_MIN && wide <= INT32_MAX))
        *value = (int32_t)wide;
}

static void tape_gpu(struct tape *tape, const struct stint_machine *machine, struct stint_gpu *gpu)
{
    uint32_t vendor = gpu->vendor;
    uint32_t is_simulated = gpu->is_simulated;
    tape_u16(tape, &gpu->type_index);
    tape_u16(tape, &gpu->numa);
    tape_i32(tape, &gpu->partition_of);
    tape_i32(tape, &gpu->device);
    tape_u32(tape, &vendor);
    tape_u32(tape, &is_simulated);
    tape_int(tape, &gpu->memory_bytes);
    tape_name(tape, gpu->pci, sizeof(gpu->pci));
    if (!tape_expect(tape, gpu->type_index < machine->type_count && vendor <= STINT_GPU_INTEL))
        return;
    memcpy(gpu->type, machine->types[gpu->type_index], sizeof(gpu->type));
    gpu->vendor = (enum stint_gpu_vendor)vendor;
    gpu->is_simulated = is_simulated != 0;
}

static void tape_numa(struct tape *tape, const struct stint_shape *shape, struct stint_numa *numa)
{
    tape_u32(tape, &numa->os_index);
    tape_u32(tape, &numa->package);
    tape_u32(tape, &numa->core_first);
    tape_u32(tape, &numa->core_count);
    tape_int(tape, &numa->memory_bytes);
    (void)tape_expect(tape, numa->core_first <= shape->core_count &&
                                numa->core_count <= shape->core_count - numa->core_first &&
                                numa->memory_bytes >= 0);
}

static void tape_core(struct tape *tape, const struct stint_shape *shape, struct stint_core *core)
{
    tape_u32(tape, &core->pu_first);
    tape_u16(tape, &core->pu_count);
    tape_u16(tape, &core->numa);
    tape_u32(tape, &core->cache);
    (void)tape_expect(tape, core->numa < shape->numa_count && core->pu_first <= shape->pu_count &&
                                core->pu_count <= shape->pu_count - core->pu_first);
}

static void tape_link(struct tape *tape, const struct stint_shape *shape, struct stint_link *link)
{
    uint32_t kind = link->kind;
    tape_u16(tape, &link->a);
    tape_u16(tape, &link->b);
    tape_u32(tape, &kind);
    tape_u32(tape, &link->mb_per_s);
    if (tape_expect(tape,
                    link->a < link->b && link->b < shape->gpu_count && kind <= STINT_LINK_XGMI))
        link->kind = (enum stint_link_kind)kind;
}

static void tape_shape(struct tape *tape, struct stint_machine *machine, struct stint_shape *shape)
{
    tape_u32(tape, &shape->packages);
    tape_int(tape, &shape->memory_bytes);
    for (uint32_t i = 0; i < shape->numa_count && !tape->is_broken; i++)
        tape_numa(tape, shape, &shape->numa[i]);
    for (uint32_t i = 0; i < shape->core_count && !tape->is_broken; i++)
        tape_core(tape, shape, &shape->cores[i]);
    for (uint32_t i = 0; i < shape->pu_count && !tape->is_broken; i++)
        tape_u32(tape, &shape->pus[i]);
    for (uint32_t i = 0; i < shape->gpu_count && !tape->is_broken; i++)
        tape_gpu(tape, machine, &shape->gpus[i]);
    for (uint32_t i = 0; i < shape->link_count && !tape->is_broken; i++)
        tape_link(tape, shape, &shape->links[i]);
}

/* The sizes of a shape come first: an empty one of that size is made when it is read. */
static void tape_new_shape(struct tape *tape, struct stint_machine *machine, uint32_t number)
{
    struct stint_shape *shape = tape->out ? machine->shapes[number] : NULL;
    uint32_t sizes[5] = { 0 };
    if (shape) {
        const uint32_t counts[5] = { shape->numa_count, shape->core_count, shape->pu_count,
                                     shape->gpu_count, shape->link_count };
        memcpy(sizes, counts, sizeof(sizes));
    }
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sizes); i++)
        tape_u32(tape, &sizes[i]);
    /* Every element takes a byte at least: what cannot be there is not allocated. */
    uint64_t elements = (uint64_t)sizes[0] + sizes[1] + sizes[2] + sizes[3] + sizes[4];
    if (!shape && tape_expect(tape, elements <= (uint64_t)(tape->end - tape->at) && sizes[0] > 0))
        (void)tape_expect(tape, stint_machine_add_shape(machine, sizes[0], sizes[1], sizes[2],
                                                        sizes[3], sizes[4], &shape, NULL) == 0);
    if (shape && !tape->is_broken)
        tape_shape(tape, machine, shape);
}

static uint32_t shape_number(const struct stint_machine *machine, const struct stint_shape *shape)
{
    uint32_t number = 0;
    while (machine->shapes[number] != shape)
        number++;
    return number;
}

/* Neighbours of one shape: the first one's name, and all their names behind it. */
static void tape_nodes(struct tape *tape, struct stint_machine *machine)
{
    uint32_t count = machine->node_count;
    tape_u32(tape, &count);
    if (!tape_expect(tape, count <= STINT_MACHINE_NODE_MAX))
        return;
    for (uint32_t i = 0; i < count && !tape->is_broken; i++) {
        char name[STINT_MACHINE_NAME_MAX] = "";
        uint32_t shape = tape->out ? shape_number(machine, machine->nodes[i].shape) : 0;
        if (tape->out)
            memcpy(name, machine->nodes[i].name, sizeof(name));
        tape_u32(tape, &shape);
        tape_name(tape, name, sizeof(name));
        if (tape->out || !tape_expect(tape, shape < machine->shape_count))
            continue;
        (void)tape_expect(
            tape, stint_machine_add_nodes(machine, name, machine->shapes[shape], 1, NULL) == 0);
        if (!tape->is_broken) /* a second node would be numbered */
            memcpy(machine->nodes[i].name, name, sizeof(name));
    }
}

/* What a part's things are called; nothing for a machine that is whole. */
static void tape_numbers(struct tape *tape, struct stint_shape *shape)
{
    uint32_t space = shape->numbers ? shape->numbers->core_space : 0;
    tape_u32(tape, &space);
    if (space == 0 || !tape_expect(tape, space <= STINT_MACHINE_CORE_MAX))
        return;
    if (!shape->numbers && !tape_expect(tape, stint_shape_number(shape, space) == 0))
        return;
    struct stint_numbers *numbers = shape->numbers;
    uint32_t next = 0;
    for (uint32_t i = 0; i < shape->core_count && !tape->is_broken; i++) {
        tape_u32(tape, &numbers->cores[i]);
        (void)tape_expect(tape, numbers->cores[i] >= next && numbers->cores[i] < space);
        next = numbers->cores[i] + 1;
    }
    for (uint32_t i = 0; i < shape->gpu_count && !tape->is_broken; i++) {
        uint32_t number = numbers->gpus[i];
        tape_u32(tape, &number);
        if (tape_expect(tape, number < STINT_MACHINE_GPU_MAX))
            numbers->gpus[i] = (uint8_t)number;
    }
    for (uint32_t i = 0; i < shape->numa_count && !tape->is_broken; i++) {
        uint32_t number = numbers->numa[i];
        tape_u32(tape, &number);
        if (tape_expect(tape, number < STINT_MACHINE_NUMA_MAX))
            numbers->numa[i] = (uint8_t)number;
    }
}

void tape_machine_numbers(struct tape *tape, struct stint_machine *machine)
{
    for (uint32_t i = 0; i < machine->shape_count && !tape->is_broken; i++)
        tape_numbers(tape, machine->shapes[i]);
}

void tape_machine(struct tape *tape, struct stint_machine **machine_place)
{
    if (!tape->out && !tape_expect(tape, stint_machine_new(machine_place) == 0))
        return;
    struct stint_machine *machine = *machine_place;
    uint32_t counts[2] = { machine->type_count, machine->shape_count };
    tape_u32(tape, &counts[0]);
    tape_u32(tape, &counts[1]);
    if (!tape_expect(tape,
                     counts[0] <= STINT_MACHINE_TYPE_MAX && counts[1] <= STINT_MACHINE_NODE_MAX))
        return;
    for (uint32_t i = 0; i < counts[0] && !tape->is_broken; i++) {
        uint16_t index = 0;
        char type[STINT_MACHINE_NAME_MAX] = "";
        if (tape->out)
            memcpy(type, machine->types[i], sizeof(type));
        tape_name(tape, type, sizeof(type));
        if (!tape->out)
            (void)tape_expect(tape,
                              stint_machine_type(machine, type, &index, NULL) == 0 && index == i);
    }
    for (uint32_t i = 0; i < counts[1] && !tape->is_broken; i++)
        tape_new_shape(tape, machine, i);
    if (!tape->is_broken)
        tape_nodes(tape, machine);
}
