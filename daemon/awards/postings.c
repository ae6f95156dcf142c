/* The books. Every transaction's legs sum to zero; balances in memory are the sums of what was
 * posted, moved with the posting; FREE never goes below zero, which is used + held <= awarded
 * (invariant 4). Legs go into the open batch first, memory moves at once after (DESIGN §2). */
#include "state.h"

#include <assert.h>
#include <errno.h>

#include "stint/measure.h"
#include "stint/store.h"

static int64_t award_free_micro(const struct ledger_award *award)
{
    return award->awarded_micro - award->used_micro - award->held_micro;
}

/* What all legs together do to FREE of @award. */
static charge_wide free_change(const struct ledger_leg *legs, size_t count,
                               const struct ledger_award *award)
{
    charge_wide change = 0;
    for (size_t i = 0; i < count; i++)
        if (legs[i].award == award && legs[i].account == STINT_POSTING_FREE)
            change += legs[i].amount_micro;
    return change;
}

int postings_check(const struct ledger_leg *legs, size_t count, struct stint_error *err)
{
    charge_wide sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += legs[i].amount_micro;
    assert(sum == 0);
    for (size_t i = 0; i < count; i++) {
        const struct ledger_award *award = legs[i].award;
        charge_wide left = award_free_micro(award) + free_change(legs, count, award);
        char text[32];
        if (left >= 0 && left <= INT64_MAX / 2)
            continue;
        return stint_fail(err, STINT_NO_AWARD, "award %s has only %s free", award->name,
                          stint_micro_format(award_free_micro(award), text, sizeof(text)));
    }
    return 0;
}

static void leg_apply(const struct ledger_leg *leg)
{
    switch (leg->account) {
    case STINT_POSTING_SITE: /* the source: what left it was awarded */
        leg->award->awarded_micro -= leg->amount_micro;
        break;
    case STINT_POSTING_HELD:
        leg->award->held_micro += leg->amount_micro;
        break;
    case STINT_POSTING_USED:
        leg->award->used_micro += leg->amount_micro;
        break;
    case STINT_POSTING_FREE: /* what is left of the others */
    case STINT_POSTING_NONE:
    case STINT_POSTING_ACCOUNT_COUNT:
        break;
    }
}

int postings_put(struct stint_ledger *ledger, const struct ledger_leg *legs, size_t count,
                 const struct stint_ledger_run *run, const char *memo, struct stint_error *err)
{
    struct stint_posting_row rows[LEDGER_LEGS_MAX];
    size_t filled = 0;
    int r = postings_check(legs, count, err);
    if (r != 0)
        return r;
    assert(count <= LEDGER_LEGS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (legs[i].amount_micro == 0)
            continue;
        rows[filled++] = (struct stint_posting_row){
            .at_ms = ledger_now_ms(ledger),
            .account = legs[i].account,
            .award = legs[i].award->id,
            .amount_micro = legs[i].amount_micro,
            .project = run ? run->project : legs[i].award->project->id,
            .uid = run ? run->uid : 0,
            .job = run ? run->key.job : 0,
            .task = run ? run->key.task : 0,
            .attempt = run ? run->key.attempt : 0,
            .memo = memo,
        };
    }
    if (filled > 0)
        r = stint_store_put_postings(ledger->options.store, rows, filled, NULL, err);
    if (r != 0)
        return r;
    for (size_t i = 0; i < count; i++)
        leg_apply(&legs[i]);
    return 0;
}

/* ---- the way of a run */

struct run_parts {
    struct ledger_award *award;
    struct ledger_account *owners[LEDGER_OWNERS];
};

static int run_find(struct stint_ledger *ledger, const struct stint_ledger_run *run,
                    struct run_parts *parts, struct stint_error *err)
{
    const struct ledger_project *project = project_find(ledger, run->project);
    parts->award = award_find(ledger, run->award);
    if (!project || !parts->award || parts->award->project != project)
        return stint_fail(err, STINT_NOT_FOUND, "no such project or award");
    if (!owners_of(ledger, project, run->uid, parts->owners))
        return stint_fail(err, -ENOMEM, "no memory for a new user");
    return 0;
}

int stint_ledger_hold(struct stint_ledger *ledger, const struct stint_ledger_run *run,
                      struct stint_error *err)
{
    struct run_parts parts;
    int64_t now_ms = ledger_now_ms(ledger);
    assert(run->held_micro >= 0);
    int r = usage_turn(ledger, now_ms, err);
    if (r == 0)
        r = run_find(ledger, run, &parts, err);
    if (r != 0)
        return r;
    assert(parts.award);
    if (parts.award->is_revoked || now_ms < parts.award->from_ms || now_ms >= parts.award->until_ms)
        return stint_fail(err, STINT_NO_AWARD, "award %s is %s", parts.award->name,
                          award_state(parts.award, now_ms));
    const struct ledger_leg legs[] = {
        { parts.award, STINT_POSTING_FREE, -run->held_micro },
        { parts.award, STINT_POSTING_HELD, run->held_micro },
    };
    r = postings_put(ledger, legs, STINT_ARRAY_SIZE(legs), run, "hold", err);
    if (r != 0)
        return r;
    usage_add(ledger, parts.owners, run, run->walltime_ms, 1);
    for (size_t i = 0; i < LEDGER_OWNERS; i++) {
        parts.owners[i]->running++;
        account_mark(ledger, parts.owners[i]);
    }
    return 0;
}

/* What @ms of the run cost. Of a resource that is no more nobody knows the price: the same part of
 * what was held. */
static int64_t run_price(const struct stint_ledger *ledger, const struct stint_ledger_run *run,
                         int64_t ms)
{
    if (stint_resource_at(ledger->options.resources, run->size.resource) || run->walltime_ms <= 0)
        return stint_ledger_charge(ledger, &run->size, ms);
    charge_wide top = (charge_wide)run->held_micro * (ms > 0 ? ms : 0);
    return (int64_t)((top + run->walltime_ms - 1) / run->walltime_ms);
}

int stint_ledger_settle(struct stint_ledger *ledger, const struct stint_ledger_run *run,
                        int64_t elapsed_ms, int64_t *ret_charged_micro, struct stint_error *err)
{
    struct run_parts parts;
    int64_t counted_ms = elapsed_ms < run->walltime_ms ? elapsed_ms : run->walltime_ms;
    int64_t charged = run_price(ledger, run, counted_ms);
    int r = run_find(ledger, run, &parts, err);
    if (r != 0)
        return r;
    assert(parts.award);
    if (charged > run->held_micro) /* a higher rate since the start: what was promised stands */
        charged = run->held_micro;
    const struct ledger_leg legs[] = {
        { parts.award, STINT_POSTING_HELD, -run->held_micro },
        { parts.award, STINT_POSTING_USED, charged },
        { parts.award, STINT_POSTING_FREE, run->held_micro - charged },
    };
    r = postings_put(ledger, legs, STINT_ARRAY_SIZE(legs), run, "settle", err);
    if (r != 0)
        return r;
    usage_add(ledger, parts.owners, run, run->walltime_ms, -1);
    usage_add(ledger, parts.owners, run, counted_ms, 1);
    for (size_t i = 0; i < LEDGER_OWNERS; i++) {
        parts.owners[i]->running--;
        account_mark(ledger, parts.owners[i]);
        account_tell(ledger, parts.owners[i], STINT_QUOTA_GPU_HOURS);
        account_tell(ledger, parts.owners[i], STINT_QUOTA_CORE_HOURS);
    }
    award_tell(ledger, parts.award);
    if (ret_charged_micro)
        *ret_charged_micro = charged;
    return 0;
}

const char *stint_ledger_counted_as(const struct stint_ledger *ledger,
                                    const struct stint_charge_size *size, char *text,
                                    size_t text_size)
{
    int64_t milli = 0;
    const char *by = stint_resource_at(ledger->options.resources, size->resource)
                         ? charge_counted_by(&ledger->base[size->resource], size, &milli)
                         : NULL;
    text[0] = '\0';
    if (by)
        (void)snprintf(text, text_size, "%lld.%03lld GPUs by its %s", (long long)(milli / 1000),
                       (long long)(milli % 1000), by);
    return text;
}

int64_t stint_ledger_charge(const struct stint_ledger *ledger, const struct stint_charge_size *size,
                            int64_t ms)
{
    const struct stint_resource *resource =
        stint_resource_at(ledger->options.resources, size->resource);
    if (!resource)
        return 0;
    int64_t rate_micro = resource->rate_micro;
    if (size->is_preemptible) /* the rate is at most a million units: no overflow */
        rate_micro = rate_micro / 1000000 * resource->preemptible_rate_micro +
                     rate_micro % 1000000 * resource->preemptible_rate_micro / 1000000;
    return charge_price(&ledger->base[size->resource], rate_micro, size, ms);
}
