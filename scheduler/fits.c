/* Owns: what could never start here, and the largest that could. */
#include <inttypes.h>

#include "core.h"
#include "stint/measure.h"

static int32_t mib_up(int64_t bytes)
{
    int64_t mib = bytes / MIB + (bytes % MIB > 0);
    return mib > INT32_MAX ? INT32_MAX : (int32_t)mib;
}

void need_from_ask(const struct stint_ask *ask, struct need *need)
{
    *need = (struct need){ .cores = ask->cpus ? (int32_t)ask->cpus : ask->gpus == 0,
                           .memory_mib = mib_up(ask->memory_bytes),
                           .gpus = ask->gpus,
                           .gpu_milli = ask->gpu_milli ? ask->gpu_milli : 1000,
                           .gpu_type = ask->gpu_type,
                           .locality = ask->locality,
                           .gpu_memory_mib = (uint32_t)mib_up(ask->gpu_memory_bytes) };
}

/* On how many nodes of the empty machine it fits, @keep cores being left for each GPU. */
static uint64_t nodes_keeping(const struct stint_scheduler *s, const struct need *need,
                              uint32_t keep)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < s->machine->shape_count; i++)
        if (place_could(&s->layouts[i], s->layouts[i].total, need, keep))
            count += s->layouts[i].node_count;
    return count;
}

/* A task without GPUs that fits only where GPUs are in use is none that could be promised a start:
 * it might wait for ever while they are free. */
static uint64_t fitting_nodes(const struct stint_scheduler *s, const struct need *need)
{
    return nodes_keeping(s, need, need->gpus > 0 ? 0 : s->policy.cores_per_free_gpu);
}

static uint32_t nodes_of(const struct stint_ask *ask)
{
    return ask->nodes ? ask->nodes : 1;
}

/* A resource that no node has at all: a type of GPU, or GPUs of that memory, or any GPU. */
static bool is_unknown_gpu(const struct stint_scheduler *s, const struct need *need)
{
    struct need one = *need;
    one.cores = 0;
    one.memory_mib = 0;
    one.gpus = 1;
    one.locality = STINT_PLACE_ANY;
    return need->gpus > 0 && fitting_nodes(s, &one) == 0;
}

enum stint_reason_code never_code(const struct stint_scheduler *s, const struct stint_ask *ask)
{
    struct need need;
    need_from_ask(ask, &need);
    if (is_unknown_gpu(s, &need))
        return STINT_REASON_NoSuchResource;
    if (nodes_of(ask) > STINT_ALLOCATION_GRANT_MAX || fitting_nodes(s, &need) < nodes_of(ask))
        return STINT_REASON_ExceedsMachine;
    if (s->policy.walltime_max_ms > 0 && ask->walltime_ms > s->policy.walltime_max_ms)
        return STINT_REASON_ExceedsMaxWalltime;
    return STINT_REASON_NONE;
}

/* One dimension of an ask that is cut until the rest fits. */
struct dimension {
    const char *one;
    const char *many;
    int64_t (*get)(const struct stint_ask *ask);
    void (*set)(struct stint_ask *ask, int64_t value);
};

static int64_t get_gpus(const struct stint_ask *ask)
{
    return ask->gpus;
}
static void set_gpus(struct stint_ask *ask, int64_t value)
{
    ask->gpus = (uint16_t)value;
}
static int64_t get_cpus(const struct stint_ask *ask)
{
    return ask->cpus ? ask->cpus : ask->gpus == 0;
}
static void set_cpus(struct stint_ask *ask, int64_t value)
{
    ask->cpus = (uint32_t)value;
}
static int64_t get_memory(const struct stint_ask *ask)
{
    return ask->memory_bytes;
}
static void set_memory(struct stint_ask *ask, int64_t value)
{
    ask->memory_bytes = value;
}
static int64_t get_nodes(const struct stint_ask *ask)
{
    return nodes_of(ask);
}
static void set_nodes(struct stint_ask *ask, int64_t value)
{
    ask->nodes = (uint32_t)value;
}

static const struct dimension dimensions[] = {
    { "GPU", "GPUs", get_gpus, set_gpus },
    { "core", "cores", get_cpus, set_cpus },
    { "of memory", "of memory", get_memory, set_memory },
    { "node", "nodes", get_nodes, set_nodes },
};
#define DIMENSIONS (sizeof(dimensions) / sizeof(dimensions[0]))

/* "4 cores", "999.0 GiB of memory". */
static char *amount_format(size_t d, int64_t value, char *text, size_t size)
{
    char bytes[40];
    if (dimensions[d].get == get_memory)
        (void)snprintf(text, size, "%s %s", stint_size_format(value, bytes, sizeof(bytes)),
                       dimensions[d].many);
    else
        (void)snprintf(text, size, "%" PRId64 " %s", value,
                       value == 1 ? dimensions[d].one : dimensions[d].many);
    return text;
}

/* @kept: cores of each free GPU, where but for them it would fit. */
static int say_too_much(size_t d, int64_t asked, int64_t most, uint32_t kept,
                        struct stint_error *err)
{
    char text[80];
    bool is_nodes = dimensions[d].get == get_nodes;
    amount_format(d, asked, text, sizeof(text));
    if (kept > 0)
        (void)stint_fail(err, STINT_UNSATISFIABLE,
                         "%s %s more than a job without GPUs may have here: %" PRIu32
                         " of a node's cores are kept for each GPU that is free",
                         text, asked == 1 ? "is" : "are", kept);
    else
        (void)stint_fail(err, STINT_UNSATISFIABLE,
                         is_nodes ? "%s of this kind are more than there are"
                                  : "%s on a node are more than any node here could ever give",
                         text);
    (void)stint_params(err, STINT_UNSATISFIABLE,
                       "\"asked\":%" PRId64 ",\"limit\":%" PRId64 ",\"unit\":\"%s\"", asked, most,
                       dimensions[d].get == get_memory ? "bytes" : dimensions[d].many);
    if (most > 0 && dimensions[d].get == get_memory) /* downwards, in words that can be typed */
        return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %" PRId64 "M of memory",
                         most / MIB);
    if (most > 0)
        return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %s",
                         amount_format(d, most, text, sizeof(text)));
    if (kept > 0)
        return stint_fix(err, STINT_UNSATISFIABLE, "ask for a GPU with it");
    return stint_fix(err, STINT_UNSATISFIABLE, "see what there is with: stint nodes");
}

static bool fits(const struct stint_scheduler *s, const struct stint_ask *ask)
{
    struct need need;
    need_from_ask(ask, &need);
    return fitting_nodes(s, &need) >= nodes_of(ask);
}

/* The largest value of dimension @d with which @ask fits, all dimensions behind @d set to their
 * least meanwhile: so the first that cannot be had is found. -1 when none fits. */
static int64_t largest(const struct stint_scheduler *s, const struct stint_ask *ask, size_t d)
{
    struct stint_ask trial = *ask;
    for (size_t later = d + 1; later < DIMENSIONS; later++)
        dimensions[later].set(&trial, later == DIMENSIONS - 1 ? 1 : later == 1);
    int64_t low = -1;
    int64_t high = dimensions[d].get(ask);
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        dimensions[d].set(&trial, middle);
        if (fits(s, &trial))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The cores that are kept for each GPU, where they are what @ask is too large for. */
static uint32_t kept_from(const struct stint_scheduler *s, const struct stint_ask *ask)
{
    struct need need;
    need_from_ask(ask, &need);
    return need.gpus == 0 && nodes_keeping(s, &need, 0) >= nodes_of(ask)
               ? s->policy.cores_per_free_gpu
               : 0;
}

static int refuse(const struct stint_scheduler *s, const struct stint_ask *ask,
                  struct stint_reason *ret_reason, struct stint_ask *ret_largest,
                  struct stint_error *err)
{
    struct stint_ask trial = *ask;
    int r = 0;
    for (size_t d = 0; d < DIMENSIONS; d++) {
        int64_t asked = dimensions[d].get(&trial);
        int64_t most = largest(s, &trial, d);
        if (most >= asked)
            continue;
        most = most < 0 ? 0 : most;
        dimensions[d].set(&trial, most);
        if (r != 0)
            continue;
        *ret_reason = (struct stint_reason){ .code = STINT_REASON_ExceedsMachine,
                                             .account = STINT_NO_ACCOUNT,
                                             .asked = asked,
                                             .limit = most };
        r = say_too_much(d, asked, most, kept_from(s, ask), err);
    }
    if (ret_largest)
        *ret_largest = trial;
    return r;
}

int stint_scheduler_fits_ever(const struct stint_scheduler *s, const struct stint_ask *ask,
                              struct stint_reason *ret_reason, struct stint_ask *ret_largest,
                              struct stint_error *err)
{
    struct stint_reason reason = { .account = STINT_NO_ACCOUNT };
    char text[40];
    if (ret_largest)
        *ret_largest = *ask;
    if (ask->gpu_milli > 1000 || (ask->gpu_milli > 0 && ask->gpu_milli < 1000 && ask->gpus != 1) ||
        ask->cpus > INT32_MAX || ask->memory_bytes < 0)
        return stint_fail(err, STINT_INVALID, "an amount out of its bounds");
    enum stint_reason_code code = never_code(s, ask);
    reason.code = code;
    int r = code == STINT_REASON_NONE ? 0 : STINT_UNSATISFIABLE;
    if (code == STINT_REASON_NoSuchResource) {
        reason.asked = ask->gpus;
        (void)stint_fail(err, r, "no node has a GPU of this type and memory");
        (void)stint_fix(err, r, "see the GPUs with: stint nodes");
        (void)stint_params(err, r, "\"asked\":%" PRIu32 ",\"unit\":\"GPUs\"", ask->gpus);
    } else if (code == STINT_REASON_ExceedsMaxWalltime) {
        reason.asked = ask->walltime_ms;
        reason.limit = s->policy.walltime_max_ms;
        if (ret_largest)
            ret_largest->walltime_ms = s->policy.walltime_max_ms;
        (void)stint_fail(err, r, "a walltime of %s is longer than the site allows",
                         stint_duration_format(ask->walltime_ms / 1000, text, sizeof(text)));
        (void)stint_fix(
            err, r, "ask for at most %s",
            stint_duration_format(s->policy.walltime_max_ms / 1000, text, sizeof(text)));
        (void)stint_params(err, r,
                           "\"asked\":%" PRId64 ",\"limit\":%" PRId64 ",\"unit\":\"seconds\"",
                           ask->walltime_ms / 1000, s->policy.walltime_max_ms / 1000);
    } else if (code == STINT_REASON_ExceedsMachine) {
        (void)refuse(s, ask, &reason, ret_largest, err);
    }
    if (ret_reason)
        *ret_reason = reason;
    return r;
}
