/* Owns: allocations as text and back. An allocation is one block of memory: the grants, then each
 * one's words of cores and bytes by NUMA node. */
#include "stint/allocation.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grant.h"

size_t grant_bytes(const struct stint_shape *shape)
{
    return STINT_BIT_WORDS(shape->core_count) * sizeof(uint64_t) +
           shape->numa_count * sizeof(int64_t);
}

void grant_bind(const struct stint_machine *machine, struct stint_allocation *allocation,
                char *storage)
{
    for (uint32_t i = 0; i < allocation->grant_count; i++) {
        struct stint_grant *grant = &allocation->grants[i];
        const struct stint_shape *shape = machine->nodes[grant->node].shape;
        grant->cores = (uint64_t *)(void *)storage;
        storage += STINT_BIT_WORDS(shape->core_count) * sizeof(uint64_t);
        grant->numa_memory = (int64_t *)(void *)storage;
        storage += shape->numa_count * sizeof(int64_t);
    }
}

int grant_new(const struct stint_machine *machine, const uint32_t *nodes, uint32_t count,
              struct stint_allocation **ret_allocation)
{
    size_t bytes = sizeof(struct stint_allocation) + count * sizeof(struct stint_grant);
    size_t head = bytes;
    for (uint32_t i = 0; i < count; i++)
        bytes += grant_bytes(machine->nodes[nodes[i]].shape);
    struct stint_allocation *allocation = calloc(1, bytes);
    if (!allocation)
        return -ENOMEM;
    allocation->grant_count = count;
    allocation->grants = (struct stint_grant *)(void *)(allocation + 1);
    for (uint32_t i = 0; i < count; i++)
        allocation->grants[i].node = nodes[i];
    grant_bind(machine, allocation, (char *)allocation + head);
    *ret_allocation = allocation;
    return 0;
}

struct stint_allocation *stint_allocation_free(struct stint_allocation *allocation)
{
    free(allocation);
    return NULL;
}

int stint_allocation_copy(const struct stint_machine *machine,
                          const struct stint_allocation *allocation,
                          struct stint_allocation **ret_allocation)
{
    uint32_t *nodes = calloc(allocation->grant_count + 1, sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    for (uint32_t i = 0; i < allocation->grant_count; i++)
        nodes[i] = allocation->grants[i].node;
    struct stint_allocation *copy = NULL;
    int r = grant_new(machine, nodes, allocation->grant_count, &copy);
    free(nodes);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < copy->grant_count; i++) {
        const struct stint_grant *from = &allocation->grants[i];
        struct stint_grant *to = &copy->grants[i];
        const struct stint_shape *shape = machine->nodes[from->node].shape;
        memcpy(to->cores, from->cores, STINT_BIT_WORDS(shape->core_count) * sizeof(uint64_t));
        memcpy(to->numa_memory, from->numa_memory, shape->numa_count * sizeof(int64_t));
        to->core_count = from->core_count;
        to->gpu_count = from->gpu_count;
        to->gpu_milli = from->gpu_milli;
        to->gpus = from->gpus;
        to->memory_bytes = from->memory_bytes;
    }
    *ret_allocation = copy;
    return 0;
}

static uint32_t own_index(const struct stint_shape *shape, uint32_t i)
{
    (void)shape;
    return i;
}

/* "0-3,8": numbers rise with the bits. */
static void format_numbers(const struct stint_shape *shape, const uint64_t *bits, size_t bit_count,
                           uint32_t (*number)(const struct stint_shape *shape, uint32_t i),
                           struct stint_buffer *buffer)
{
    const char *comma = "";
    for (uint32_t i = 0; i < bit_count; i++) {
        if (!stint_bit_has(bits, i))
            continue;
        uint32_t first = number(shape, i);
        uint32_t last = first;
        while (i + 1 < bit_count && stint_bit_has(bits, i + 1) && number(shape, i + 1) == last + 1)
            last++, i++;
        if (last == first)
            stint_buffer_printf(buffer, "%s%u", comma, first);
        else
            stint_buffer_printf(buffer, "%s%u-%u", comma, first, last);
        comma = ",";
    }
}

void stint_bits_format(const uint64_t *bits, size_t bit_count, struct stint_buffer *buffer)
{
    format_numbers(NULL, bits, bit_count, own_index, buffer);
}

void stint_cores_format(const struct stint_shape *shape, const uint64_t *cores,
                        struct stint_buffer *buffer)
{
    format_numbers(shape, cores, shape->core_count, stint_core_number, buffer);
}

void stint_gpus_format(const struct stint_shape *shape, uint64_t gpus, struct stint_buffer *buffer)
{
    format_numbers(shape, &gpus, shape->gpu_count, stint_gpu_number, buffer);
}

static bool read_number(const char **text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text); (*text)++) {
        number = number * 10 + (uint64_t)(**text - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

int stint_bits_parse(const char *text, uint64_t *bits, size_t bit_count, const char **ret_end,
                     struct stint_error *err)
{
    const char *at = text;
    memset(bits, 0, STINT_BIT_WORDS(bit_count) * sizeof(*bits));
    while (isdigit((unsigned char)*at)) {
        uint64_t first = 0;
        if (bit_count == 0 || !read_number(&at, bit_count - 1, &first))
            return stint_fail(err, STINT_INVALID, "'%.40s' goes past the %zu there are", text,
                              bit_count);
        uint64_t last = first;
        if (*at == '-' && (at++, !read_number(&at, bit_count - 1, &last) || last < first))
            return stint_fail(err, STINT_INVALID, "'%.40s' is no list of the %zu there are", text,
                              bit_count);
        for (uint64_t i = first; i <= last; i++)
            bits[i / 64] |= UINT64_C(1) << (i % 64);
        if (*at != ',' || !isdigit((unsigned char)at[1]))
            break;
        at++;
    }
    if (at == text || (!ret_end && *at))
        return stint_fail(err, STINT_INVALID, "'%.40s' is not a list of numbers like 0-3,8", text);
    if (ret_end)
        *ret_end = at;
    return 0;
}

static void format_memory(const struct stint_shape *shape, const struct stint_grant *grant,
                          struct stint_buffer *buffer)
{
    const char *comma = "";
    if (grant->memory_bytes == 0)
        return;
    stint_buffer_add_text(buffer, "/memory[");
    for (uint32_t i = 0; i < shape->numa_count; i++) {
        if (grant->numa_memory[i] == 0)
            continue;
        stint_buffer_printf(buffer, "%s%u:%" PRId64, comma, stint_numa_number(shape, i),
                            grant->numa_memory[i]);
        comma = ",";
    }
    stint_buffer_add_char(buffer, ']');
}

static void format(const struct stint_machine *machine, const struct stint_allocation *allocation,
                   bool is_full, struct stint_buffer *buffer)
{
    for (uint32_t i = 0; i < allocation->grant_count; i++) {
        const struct stint_grant *grant = &allocation->grants[i];
        const struct stint_node *node = &machine->nodes[grant->node];
        stint_buffer_printf(buffer, "%s%s", i ? "," : "", node->name);
        if (grant->core_count > 0) {
            stint_buffer_add_text(buffer, "/core[");
            stint_cores_format(node->shape, grant->cores, buffer);
            stint_buffer_add_char(buffer, ']');
        }
        if (grant->gpu_count > 0) {
            stint_buffer_add_text(buffer, "/gpu[");
            stint_gpus_format(node->shape, grant->gpus, buffer);
            stint_buffer_add_char(buffer, ']');
            if (grant->gpu_milli < 1000)
                stint_buffer_printf(buffer, "*%um", grant->gpu_milli);
        }
        if (is_full)
            format_memory(node->shape, grant, buffer);
    }
}

void stint_allocation_format(const struct stint_machine *machine,
                             const struct stint_allocation *allocation, struct stint_buffer *buffer)
{
    format(machine, allocation, false, buffer);
}

void stint_allocation_format_full(const struct stint_machine *machine,
                                  const struct stint_allocation *allocation,
                                  struct stint_buffer *buffer)
{
    format(machine, allocation, true, buffer);
}

/* Where the part that begins at @text ends: at a comma outside of brackets, or at the end. */
static const char *part_end(const char *text)
{
    bool is_inside = false;
    for (; *text; text++) {
        if (*text == '[')
            is_inside = true;
        else if (*text == ']')
            is_inside = false;
        else if (*text == ',' && !is_inside)
            break;
    }
    return text;
}

/* One reading. @is_partial: what the machine does not have is passed over. */
struct parse {
    const struct stint_machine *machine;
    bool is_partial;
    struct stint_error *err;
};

/* @ret_node: -1 for one that is passed over. */
static int parse_node(const struct parse *parse, const char *text, int *ret_node)
{
    char name[STINT_MACHINE_NAME_MAX];
    size_t length = strcspn(text, "/,");
    if (length == 0 || length >= sizeof(name))
        return stint_fail(parse->err, STINT_INVALID, "'%.40s' is no allocation", text);
    memcpy(name, text, length);
    name[length] = '\0';
    *ret_node = stint_machine_find_node(parse->machine, name);
    if (*ret_node < 0 && !parse->is_partial)
        return stint_fail(parse->err, STINT_INVALID, "no node is called '%s'", name);
    return 0;
}

/* The index of NUMA node @number, the shape's numa_count when it has none so called. */
static uint32_t numa_at(const struct stint_shape *shape, uint64_t number)
{
    uint32_t i = 0;
    while (i < shape->numa_count && stint_numa_number(shape, i) != number)
        i++;
    return i;
}

static int parse_memory(const struct parse *parse, const char **at, const struct stint_shape *shape,
                        struct stint_grant *grant)
{
    do {
        uint64_t number = 0;
        uint64_t bytes = 0;
        bool is_read = read_number(at, STINT_MACHINE_NUMA_MAX - 1, &number) && *(*at)++ == ':' &&
                       read_number(at, INT64_MAX / STINT_MACHINE_NUMA_MAX, &bytes);
        uint32_t numa = numa_at(shape, number);
        if (is_read && numa == shape->numa_count && parse->is_partial)
            continue;
        if (!is_read || numa == shape->numa_count || grant->numa_memory[numa] != 0)
            return stint_fail(parse->err, STINT_INVALID,
                              "the memory of an allocation is not N:BYTES");
        grant->numa_memory[numa] = (int64_t)bytes;
        grant->memory_bytes += (int64_t)bytes;
    } while (**at == ',' && (*at)++);
    return 0;
}

/* Numbers that people wrote, as bits of the shape. @space: all numbers that it has are below. */
static int parse_numbers(const struct parse *parse, const char **at,
                         const struct stint_shape *shape, uint32_t count, uint32_t space,
                         uint32_t (*number)(const struct stint_shape *shape, uint32_t i),
                         uint64_t *bits)
{
    size_t bit_count = parse->is_partial ? STINT_MACHINE_CORE_MAX : space;
    size_t known = 0;
    uint64_t *written = calloc(STINT_BIT_WORDS(bit_count) + 1, sizeof(*written));
    if (!written)
        return -ENOMEM;
    int r = stint_bits_parse(*at, written, bit_count, at, parse->err);
    size_t left = 0;
    for (size_t i = 0; r == 0 && i < STINT_BIT_WORDS(bit_count); i++)
        left += (size_t)__builtin_popcountll(written[i]);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        if (!stint_bit_has(written, number(shape, i)))
            continue;
        bits[i / 64] |= UINT64_C(1) << (i % 64);
        known++;
    }
    free(written);
    if (r == 0 && known < left && !parse->is_partial)
        r = stint_fail(parse->err, STINT_INVALID, "'%.40s' names what this part does not have",
                       *at);
    return r;
}

static int parse_gpus(const struct parse *parse, const char **at, const struct stint_shape *shape,
                      struct stint_grant *grant)
{
    uint32_t space = shape->numbers ? STINT_MACHINE_GPU_MAX : shape->gpu_count;
    int r =
        parse_numbers(parse, at, shape, shape->gpu_count, space, stint_gpu_number, &grant->gpus);
    grant->gpu_count = (uint16_t)__builtin_popcountll(grant->gpus);
    grant->gpu_milli = grant->gpu_count > 0 ? 1000 : 0;
    return r;
}

static int parse_cores(const struct parse *parse, const char **at, const struct stint_shape *shape,
                       struct stint_grant *grant)
{
    uint32_t space = shape->numbers ? shape->numbers->core_space : shape->core_count;
    int r =
        parse_numbers(parse, at, shape, shape->core_count, space, stint_core_number, grant->cores);
    grant->core_count = 0;
    for (size_t i = 0; i < STINT_BIT_WORDS(shape->core_count); i++)
        grant->core_count += (uint32_t)__builtin_popcountll(grant->cores[i]);
    return r;
}

static bool read_word(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static int parse_grant(const struct parse *parse, const char *at, const char *end,
                       const struct stint_shape *shape, struct stint_grant *grant)
{
    struct stint_error *err = parse->err;
    bool seen[3] = { false };
    at += strcspn(at, "/,");
    while (at < end) {
        int r;
        int kind;
        if (read_word(&at, "/core["))
            kind = 0, r = parse_cores(parse, &at, shape, grant);
        else if (read_word(&at, "/gpu["))
            kind = 1, r = parse_gpus(parse, &at, shape, grant);
        else if (read_word(&at, "/memory["))
            kind = 2, r = parse_memory(parse, &at, shape, grant);
        else
            return stint_fail(err, STINT_INVALID, "'%.40s' in an allocation is not known", at);
        if (r != 0)
            return r;
        if (*at++ != ']' || seen[kind])
            return stint_fail(err, STINT_INVALID, "an allocation with a broken list");
        seen[kind] = true;
        uint64_t milli = 0;
        if (kind == 1 && read_word(&at, "*")) {
            if (!read_number(&at, 999, &milli) || milli == 0 || *at++ != 'm' ||
                grant->gpu_count > 1 || (grant->gpu_count == 0 && !parse->is_partial))
                return stint_fail(err, STINT_INVALID, "a share of a GPU is gpu[N]*1m to 999m");
            grant->gpu_milli = grant->gpu_count > 0 ? (uint16_t)milli : 0;
        }
    }
    return 0;
}

static int parse_nodes(const struct parse *parse, const char *text, uint32_t *nodes,
                       uint32_t *ret_count)
{
    uint32_t count = 0;
    int r = 0;
    for (const char *at = text; r == 0; at = part_end(at) + 1) {
        int node = -1;
        r = parse_node(parse, at, &node);
        if (r == 0 && node >= 0 && count == STINT_ALLOCATION_GRANT_MAX)
            r = stint_fail(parse->err, STINT_TOO_LARGE, "an allocation of more than %d nodes",
                           STINT_ALLOCATION_GRANT_MAX);
        if (r == 0 && node >= 0 && count > 0 && (uint32_t)node <= nodes[count - 1])
            r = stint_fail(parse->err, STINT_INVALID,
                           "the nodes of an allocation are not in order");
        if (r == 0 && node >= 0)
            nodes[count++] = (uint32_t)node;
        if (!*part_end(at))
            break;
    }
    *ret_count = count;
    return r;
}

static int parse_all(const struct parse *parse, const char *text,
                     struct stint_allocation **ret_allocation)
{
    uint32_t *nodes = calloc(STINT_ALLOCATION_GRANT_MAX, sizeof(*nodes));
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    uint32_t count = 0;
    int r = nodes ? parse_nodes(parse, text, nodes, &count) : -ENOMEM;
    if (r == 0)
        r = grant_new(parse->machine, nodes, count, &allocation);
    free(nodes);
    const char *at = text;
    for (uint32_t i = 0; i < count && r == 0; at = part_end(at) + 1) {
        struct stint_grant *grant = &allocation->grants[i];
        int node = -1;
        r = parse_node(parse, at, &node);
        if (r != 0 || node < 0)
            continue;
        i++;
        r = parse_grant(parse, at, part_end(at), parse->machine->nodes[node].shape, grant);
    }
    if (r == 0)
        *ret_allocation = stint_take(allocation);
    return r;
}

int stint_allocation_parse(const struct stint_machine *machine, const char *text,
                           struct stint_allocation **ret_allocation, struct stint_error *err)
{
    struct parse parse = { .machine = machine, .err = err };
    return parse_all(&parse, text, ret_allocation);
}

int stint_allocation_parse_part(const struct stint_machine *machine, const char *text,
                                struct stint_allocation **ret_allocation, struct stint_error *err)
{
    struct parse parse = { .machine = machine, .is_partial = true, .err = err };
    return parse_all(&parse, text, ret_allocation);
}
