#ifndef STINT_AWARDS_CHARGE_H
#define STINT_AWARDS_CHARGE_H

#include "stint/ledger.h"
#include "stint/machine.h"

/* Products of an amount, a time and a rate need more than 64 bits; both compilers have these. */
__extension__ typedef __int128 charge_wide;
__extension__ typedef unsigned __int128 charge_wide_unsigned;

#define CHARGE_HOUR_MS INT64_C(3600000)

/* What the resource has in all; without GPUs its cores are counted. */
struct charge_base {
    int64_t gpu_count;
    int64_t core_count;
    int64_t memory_bytes;
};
void charge_base_of(const struct stint_machine *machine, struct charge_base *ret_base);

/* What the price counts @size by, where that is not its GPUs: "memory" or "cores", and how many
 * thousandths of a GPU that is, rounded up; NULL else. */
const char *charge_counted_by(const struct charge_base *base, const struct stint_charge_size *size,
                              int64_t *ret_milli);

/* stint_ledger_charge() with everything given; pure. */
int64_t charge_price(const struct charge_base *base, int64_t rate_micro,
                     const struct stint_charge_size *size, int64_t ms);

#endif
