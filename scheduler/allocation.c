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

void stint_bits_format(const uint64_t *bits, size_t bit_count, struct stint_buffer *buffer)
{
    const char *comma = "";
    for (size_t i = 0; i < bit_count; i++) {
        if (!stint_bit_has(bits, i))
            continue;
        size_t last = i;
        while (last + 1 < bit_count && stint_bit_has(bits, last + 1))
            last++;
        if (last == i)
            stint_buffer_printf(buffer, "%s%zu", comma, i);
        else
            stint_buffer_printf(buffer, "%s%zu-%zu", comma, i, last);
        comma = ",";
        i = last;
    }
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
        stint_buffer_printf(buffer, "%s%u:%" PRId64, comma, i, grant->numa_memory[i]);
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
            stint_bits_format(grant->cores, node->shape->core_count, buffer);
            stint_buffer_add_char(buffer, ']');
        }
        if (grant->gpu_count > 0) {
            stint_buffer_add_text(buffer, "/gpu[");
            stint_bits_format(&grant->gpus, node->shape->gpu_count, buffer);
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

static int parse_node(const struct stint_machine *machine, const char *text, uint32_t *ret_node,
                      struct stint_error *err)
{
    char name[STINT_MACHINE_NAME_MAX];
    size_t length = strcspn(text, "/,");
    if (length == 0 || length >= sizeof(name))
        return stint_fail(err, STINT_INVALID, "'%.40s' is no allocation", text);
    memcpy(name, text, length);
    name[length] = '\0';
    int node = stint_machine_find_node(machine, name);
    if (node < 0)
        return stint_fail(err, STINT_INVALID, "no node is called '%s'", name);
    *ret_node = (uint32_t)node;
    return 0;
}

static int parse_memory(const char **at, const struct stint_shape *shape, struct stint_grant *grant,
                        struct stint_error *err)
{
    do {
        uint64_t numa = 0;
        uint64_t bytes = 0;
        if (shape->numa_count == 0 || !read_number(at, shape->numa_count - 1, &numa) ||
            *(*at)++ != ':' || !read_number(at, INT64_MAX / STINT_MACHINE_NUMA_MAX, &bytes) ||
            grant->numa_memory[numa] != 0)
            return stint_fail(err, STINT_INVALID, "the memory of an allocation is not N:BYTES");
        grant->numa_memory[numa] = (int64_t)bytes;
        grant->memory_bytes += (int64_t)bytes;
    } while (**at == ',' && (*at)++);
    return 0;
}

static int parse_gpus(const char **at, const struct stint_shape *shape, struct stint_grant *grant,
                      struct stint_error *err)
{
    uint64_t bits[1] = { 0 };
    int r = stint_bits_parse(*at, bits, shape->gpu_count, at, err);
    if (r != 0)
        return r;
    grant->gpus = bits[0];
    grant->gpu_count = (uint16_t)__builtin_popcountll(bits[0]);
    grant->gpu_milli = 1000;
    return 0;
}

static int parse_cores(const char **at, const struct stint_shape *shape, struct stint_grant *grant,
                       struct stint_error *err)
{
    int r = stint_bits_parse(*at, grant->cores, shape->core_count, at, err);
    if (r != 0)
        return r;
    grant->core_count = 0;
    for (size_t i = 0; i < STINT_BIT_WORDS(shape->core_count); i++)
        grant->core_count += (uint32_t)__builtin_popcountll(grant->cores[i]);
    return 0;
}

static bool read_word(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static int parse_grant(const char *at, const char *end, const struct stint_shape *shape,
                       struct stint_grant *grant, struct stint_error *err)
{
    bool seen[3] = { false };
    at += strcspn(at, "/,");
    while (at < end) {
        int r;
        int kind;
        if (read_word(&at, "/core["))
            kind = 0, r = parse_cores(&at, shape, grant, err);
        else if (read_word(&at, "/gpu["))
            kind = 1, r = parse_gpus(&at, shape, grant, err);
        else if (read_word(&at, "/memory["))
            kind = 2, r = parse_memory(&at, shape, grant, err);
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
                grant->gpu_count != 1)
                return stint_fail(err, STINT_INVALID, "a share of a GPU is gpu[N]*1m to 999m");
            grant->gpu_milli = (uint16_t)milli;
        }
    }
    return 0;
}

int stint_allocation_parse(const struct stint_machine *machine, const char *text,
                           struct stint_allocation **ret_allocation, struct stint_error *err)
{
    uint32_t *nodes = calloc(STINT_ALLOCATION_GRANT_MAX, sizeof(*nodes));
    stint_auto(stint_allocation_free) struct stint_allocation *allocation = NULL;
    uint32_t count = 0;
    int r = nodes ? 0 : -ENOMEM;
    for (const char *at = text; r == 0; at = part_end(at) + 1) {
        if (count == STINT_ALLOCATION_GRANT_MAX)
            r = stint_fail(err, STINT_TOO_LARGE, "an allocation of more than %d nodes",
                           STINT_ALLOCATION_GRANT_MAX);
        else
            r = parse_node(machine, at, &nodes[count], err);
        if (r == 0 && count > 0 && nodes[count] <= nodes[count - 1])
            r = stint_fail(err, STINT_INVALID, "the nodes of an allocation are not in order");
        count++;
        if (!*part_end(at))
            break;
    }
    if (r == 0)
        r = grant_new(machine, nodes, count, &allocation);
    free(nodes);
    const char *at = text;
    for (uint32_t i = 0; i < count && r == 0; i++, at = part_end(at) + 1) {
        struct stint_grant *grant = &allocation->grants[i];
        r = parse_grant(at, part_end(at), machine->nodes[grant->node].shape, grant, err);
    }
    if (r == 0)
        *ret_allocation = stint_take(allocation);
    return r;
}
