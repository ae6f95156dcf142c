/* Hours used in the current day, week and month, by owner. A run counts, whole, in the period in
 * which it started, with its walltime while it runs and with min(elapsed, walltime) afterwards; so
 * holds are counted, and a night's run is not torn in two at midnight. */
#include "state.h"

#include <errno.h>

#include "stint/store.h"
#include "stint/store_reader.h"

/* @milli or cores for @ms, in units for a second each rounded up, as the store sums a run. */
static int64_t amount_ms(int64_t amount, int64_t ms)
{
    charge_wide product = (charge_wide)amount * (ms > 0 ? ms : 0);
    charge_wide rounded = (product + 999) / 1000;
    return rounded > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)rounded;
}

static void usage_count(struct ledger_usage *usage, int64_t gpu_ms, int64_t core_ms)
{
    if (__builtin_add_overflow(usage->gpu_ms, gpu_ms, &usage->gpu_ms))
        usage->gpu_ms = INT64_MAX;
    if (__builtin_add_overflow(usage->core_ms, core_ms, &usage->core_ms))
        usage->core_ms = INT64_MAX;
}

static int64_t cores_ms(int64_t core_s)
{
    return core_s > INT64_MAX / 1000 ? INT64_MAX : core_s * 1000;
}

void usage_of(const struct stint_charge_size *size, int64_t ms, struct ledger_usage *ret_usage)
{
    ret_usage->gpu_ms = amount_ms(size->gpu_milli, ms);
    ret_usage->core_ms = cores_ms(amount_ms(size->cores, ms));
}

void usage_add(struct stint_ledger *ledger, struct ledger_account *const owners[LEDGER_OWNERS],
               const struct stint_ledger_run *run, int64_t ms, int sign)
{
    struct ledger_usage usage;
    usage_of(&run->size, ms, &usage);
    for (int period = STINT_PERIOD_DAY; period <= STINT_PERIOD_MONTH; period++) {
        if (run->start_ms < ledger->period_begin_ms[period])
            continue;
        for (size_t i = 0; i < LEDGER_OWNERS; i++)
            usage_count(&owners[i]->usage[period], usage.gpu_ms * sign, usage.core_ms * sign);
    }
}

struct usage_loading {
    struct stint_ledger *ledger;
    int period;
    bool has_failed;
};

static bool usage_on_sum(void *context, const struct stint_usage_sum *sum)
{
    struct usage_loading *loading = context;
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *project = project_find(loading->ledger, sum->project);
    if (!project || !owners_of(loading->ledger, project, sum->uid, owners)) {
        loading->has_failed = true;
        return false;
    }
    for (size_t i = 0; i < LEDGER_OWNERS; i++)
        usage_count(&owners[i]->usage[loading->period], sum->gpu_milli_s, cores_ms(sum->core_s));
    return true;
}

/* Forgets and sums up again the period that @now_ms lies in. */
static int period_load(struct stint_ledger *ledger, enum stint_period period, int64_t now_ms)
{
    struct usage_loading loading = { .ledger = ledger, .period = (int)period };
    ledger->period_begin_ms[period] = stint_period_begin_ms(period, now_ms);
    ledger->period_end_ms[period] = stint_period_end_ms(period, now_ms);
    for (uint32_t i = 0; i < ledger->account_count; i++)
        ledger->accounts[i]->usage[period] = (struct ledger_usage){ 0 };
    int r = stint_reader_sum_usage(stint_store_reader(ledger->options.store),
                                   ledger->period_begin_ms[period], 0, usage_on_sum, &loading);
    return r != 0 ? r : loading.has_failed ? -EUCLEAN : 0;
}

int usage_load(struct stint_ledger *ledger, int64_t now_ms, struct stint_error *err)
{
    for (int period = STINT_PERIOD_DAY; period <= STINT_PERIOD_MONTH; period++) {
        int r = period_load(ledger, (enum stint_period)period, now_ms);
        if (r != 0)
            return stint_fail(err, r, "the hours of this %s cannot be summed up: %s",
                              stint_period_name((enum stint_period)period), strerror(-r));
    }
    return 0;
}

static void period_empty(struct stint_ledger *ledger, int period, int64_t now_ms)
{
    ledger->period_begin_ms[period] = stint_period_begin_ms((enum stint_period)period, now_ms);
    ledger->period_end_ms[period] = stint_period_end_ms((enum stint_period)period, now_ms);
    for (uint32_t i = 0; i < ledger->account_count; i++)
        ledger->accounts[i]->usage[period] = (struct ledger_usage){ 0 };
}

int usage_turn(struct stint_ledger *ledger, int64_t now_ms, struct stint_error *err)
{
    bool has_turned = false;
    for (int period = STINT_PERIOD_DAY; period <= STINT_PERIOD_MONTH; period++) {
        if (now_ms <
            ledger->period_begin_ms[period]) /* the clock was set back over a period's end */
            return usage_load(ledger, now_ms, err);
        if (now_ms < ledger->period_end_ms[period])
            continue;
        period_empty(ledger, period, now_ms);
        has_turned = true;
    }
    for (uint32_t i = 0; has_turned && i < ledger->account_count; i++) {
        account_tell(ledger, ledger->accounts[i], STINT_QUOTA_GPU_HOURS);
        account_tell(ledger, ledger->accounts[i], STINT_QUOTA_CORE_HOURS);
    }
    return 0;
}
