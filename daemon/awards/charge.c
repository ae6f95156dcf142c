/* What a run costs. One formula, integers only, rounded up once (shared reference on allocations,
 * section 1.5: every accounting system we read decides its rounding late; we decide it here).
 *
 *   price = time x rate x max(GPUs, cores / cores per GPU, memory / memory per GPU)
 *
 * "Per GPU" is the whole resource's: all its cores or bytes by all its GPUs, as a fraction, so that
 * a machine of 96 cores and 7 GPUs needs no rounding of its own. A machine without GPUs counts
 * cores. */
#include "charge.h"

/* What a share of the resource is measured by, as a fraction of one GPU (or one core). */
struct fraction {
    charge_wide_unsigned top;
    charge_wide_unsigned bottom; /* > 0 */
};

static bool fraction_is_less(struct fraction a, struct fraction b)
{
    return a.top * b.bottom < b.top * a.bottom;
}

/* @amount of @total, in GPUs out of @gpu_count; none where the resource does not count it. */
static struct fraction fraction_of(int64_t amount, int64_t total, int64_t gpu_count)
{
    struct fraction none = { 0, 1 };
    if (amount <= 0 || total <= 0)
        return none;
    struct fraction share = { (charge_wide_unsigned)amount * (charge_wide_unsigned)gpu_count,
                              (charge_wide_unsigned)total };
    return share;
}

static struct fraction size_units(const struct charge_base *base,
                                  const struct stint_charge_size *size)
{
    if (base->gpu_count == 0) {
        struct fraction cores = { (charge_wide_unsigned)(size->cores > 0 ? size->cores : 0), 1 };
        return cores;
    }
    struct fraction most = { (charge_wide_unsigned)(size->gpu_milli > 0 ? size->gpu_milli : 0),
                             1000 };
    struct fraction cores = fraction_of(size->cores, base->core_count, base->gpu_count);
    struct fraction memory = fraction_of(size->memory_bytes, base->memory_bytes, base->gpu_count);
    if (fraction_is_less(most, cores))
        most = cores;
    if (fraction_is_less(most, memory))
        most = memory;
    return most;
}

void charge_base_of(const struct stint_machine *machine, struct charge_base *ret_base)
{
    struct charge_base base = { 0 };
    for (uint32_t i = 0; i < machine->node_count; i++) {
        const struct stint_shape *shape = machine->nodes[i].shape;
        base.gpu_count += shape->gpu_count;
        base.core_count += shape->core_count;
        base.memory_bytes += shape->memory_bytes;
    }
    *ret_base = base;
}

const char *charge_counted_by(const struct charge_base *base, const struct stint_charge_size *size,
                              int64_t *ret_milli)
{
    struct fraction most = size_units(base, size);
    struct fraction memory = fraction_of(size->memory_bytes, base->memory_bytes, base->gpu_count);
    struct fraction gpus = { (charge_wide_unsigned)(size->gpu_milli > 0 ? size->gpu_milli : 0),
                             1000 };
    if (base->gpu_count == 0 || !fraction_is_less(gpus, most))
        return NULL;
    *ret_milli = (int64_t)((most.top * 1000 + most.bottom - 1) / most.bottom);
    return fraction_is_less(memory, most) ? "cores" : "memory";
}

/* Products that pass 128 bits are prices that nobody can pay: they saturate like all others. */
int64_t charge_price(const struct charge_base *base, int64_t rate_micro,
                     const struct stint_charge_size *size, int64_t ms)
{
    struct fraction units = size_units(base, size);
    charge_wide_unsigned top;
    if (ms <= 0 || rate_micro <= 0 || units.top == 0)
        return 0;
    if (__builtin_mul_overflow((charge_wide_unsigned)rate_micro * (charge_wide_unsigned)ms,
                               units.top, &top))
        return INT64_MAX;
    charge_wide_unsigned bottom = units.bottom * CHARGE_HOUR_MS;
    charge_wide_unsigned price = top / bottom + (top % bottom != 0);
    return price > INT64_MAX ? INT64_MAX : (int64_t)price;
}
