/* The tree of shares: site, institutions, projects, and in each project the users who submitted to
 * it. Weights are kept here, use is the core's: what runs it counts itself, and what ended before
 * the last start is added from the runs in the store, so that a restart leaves everybody where he
 * was (invariant 7). */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/machine.h"
#include "stint/store.h"
#include "stint/store_reader.h"

int share_put(struct stint_ledger *ledger, struct ledger_account *account,
              const struct stint_share_row *row)
{
    struct ledger_share share = {
        .set_ms = row->set_ms,
        .set_by = strdup(row->set_by ? row->set_by : ""),
        .reason = strdup(row->reason ? row->reason : ""),
    };
    if (!share.set_by || !share.reason) {
        free(share.set_by);
        free(share.reason);
        return -ENOMEM;
    }
    free(account->share.set_by);
    free(account->share.reason);
    account->share = share;
    account->shares = (uint32_t)row->shares;
    return account->kind == STINT_ACCOUNT_USER ? seats_weigh(ledger, account)
                                               : account_tell_shares(ledger, account);
}

uint32_t stint_ledger_seat(struct stint_ledger *ledger, int64_t project, uid_t uid)
{
    const struct ledger_project *found = project_find(ledger, project);
    const struct ledger_account *seat = found ? seat_for(ledger, found, uid) : NULL;
    return seat ? seat->number : STINT_NO_ACCOUNT;
}

/* ---- use from before the start */

struct use_loading {
    struct stint_ledger *ledger;
    int64_t offset_ms; /* the core's clock less the wall's */
    int64_t since_ms[STINT_RESOURCE_MAX];
    int r;
};

static uint32_t bounded(int64_t value)
{
    return value < 0 ? 0 : value > INT32_MAX ? INT32_MAX : (uint32_t)value;
}

static bool load_on_use(void *context, const struct stint_past_use *use)
{
    struct use_loading *loading = context;
    const struct stint_resources *resources = loading->ledger->options.resources;
    uint32_t on = stint_resource_find(resources, use->resource);
    if (on == STINT_RESOURCE_NONE ||
        use->end_ms < loading->since_ms[on]) /* of a resource that is gone, or long ago */
        return true;
    const struct stint_machine *machine = resources->list[on].machine;
    uint32_t seat = stint_ledger_seat(loading->ledger, use->project, (uid_t)use->uid);
    int64_t whole = (use->gpu_milli + 999) / 1000;
    bool is_share = use->gpu_milli > 0 && use->gpu_milli < 1000;
    int type = use->gpu_type ? stint_machine_find_type(machine, use->gpu_type) : -1;
    struct stint_ask ask = {
        .cpus = bounded(use->cpus),
        .gpus = (uint16_t)(whole > UINT16_MAX ? UINT16_MAX : whole),
        .gpu_milli = (uint16_t)(is_share ? use->gpu_milli : 1000),
        .gpu_type = (int16_t)(type >= 0 ? type : STINT_ANY_GPU_TYPE),
        .memory_bytes = use->memory_bytes > 0 ? use->memory_bytes : 0,
        .nodes = 1,
    };
    if (seat == STINT_NO_ACCOUNT)
        loading->r = -ENOMEM;
    else
        (void)stint_clerk_add_use(resources->list[on].clerk, seat, &ask,
                                  use->start_ms + loading->offset_ms,
                                  use->end_ms + loading->offset_ms);
    return loading->r == 0;
}

int shares_load_use(struct stint_ledger *ledger, struct stint_error *err)
{
    const struct stint_ledger_options *options = &ledger->options;
    int64_t now_ms = ledger_now_ms(ledger);
    int64_t since_ms = INT64_MAX;
    struct use_loading loading = {
        .ledger = ledger,
        .offset_ms = options->now_boot_ms ? options->now_boot_ms() - now_ms : 0,
    };
    LEDGER_EACH_CORE(ledger, i)
    {
        int64_t half_life_ms = options->resources->list[i].half_life_ms;
        loading.since_ms[i] = half_life_ms == 0 ? INT64_MAX : 0;
        if (half_life_ms > 0 && now_ms / LEDGER_HALF_LIVES > half_life_ms)
            loading.since_ms[i] = now_ms - half_life_ms * LEDGER_HALF_LIVES;
        if (half_life_ms > 0)
            stint_clerk_forget_use(ledger_clerk(ledger, i));
        since_ms = loading.since_ms[i] < since_ms ? loading.since_ms[i] : since_ms;
    }
    if (since_ms == INT64_MAX)
        return 0;
    int r = stint_reader_each_past_use(stint_store_reader(options->store), since_ms, load_on_use,
                                       &loading);
    if (r == 0)
        r = loading.r;
    return r == 0 ? 0 : stint_fail(err, r, "past use cannot be summed up: %s", strerror(-r));
}

/* ---- views */

static bool view_of(struct stint_ledger *ledger, uint32_t resource,
                    const struct ledger_account *account, struct stint_share_view *ret_view)
{
    struct stint_account_view owner;
    struct stint_account_view parent = { 0 };
    struct stint_fair fair = { 0 };
    const struct ledger_share *share = &account->share;
    bool is_leaf = account->kind == STINT_ACCOUNT_SEAT;
    const struct ledger_user *user =
        is_leaf ? user_find(ledger, (uid_t)(account->owner & UINT32_MAX)) : NULL;
    if (account->kind != STINT_ACCOUNT_INSTITUTION && account->kind != STINT_ACCOUNT_PROJECT &&
        !is_leaf)
        return false;
    bool is_ranked = stint_scheduler_fair(stint_clerk_scheduler(ledger_clerk(ledger, resource)),
                                          account->number, &fair) == 0;
    stint_ledger_account(ledger, account->number, 0, &owner);
    if (is_ranked)
        stint_ledger_account(ledger, fair.parent, 0, &parent);
    if (user)
        share = &user->account->share;
    *ret_view = (struct stint_share_view){
        .scope = owner.kind,
        .name = owner.name ? owner.name : "",
        .parent = parent.name ? parent.name : "",
        .shares = account->shares,
        .share = fair.share,
        .usage = fair.usage,
        .used_share_ms = fair.usage_share_ms,
        .rank = fair.rank,
        .rank_count = fair.rank_count,
        .tier = fair.tier,
        .set_by = share->set_by,
        .reason = share->reason,
        .set_ms = share->set_ms,
    };
    return true;
}

/* What the account's projects were awarded and used there; a person's is not counted. */
static void add_awards(const struct stint_ledger *ledger, uint32_t resource,
                       const struct ledger_account *account, struct stint_share_view *view)
{
    const struct ledger_award *award, *next;
    HASH_ITER(by_id, ledger->awards, award, next)
    {
        const struct ledger_project *project = award->project;
        if (award->resource != resource ||
            (account != project->account && account != project->institution->account))
            continue;
        view->awarded_micro += award->awarded_micro;
        view->used_micro += award->used_micro;
    }
}

void stint_ledger_each_share(struct stint_ledger *ledger, uint32_t resource,
                             bool (*fn)(void *context, const struct stint_share_view *view),
                             void *context)
{
    static const enum stint_account_kind kinds[] = { STINT_ACCOUNT_INSTITUTION,
                                                     STINT_ACCOUNT_PROJECT, STINT_ACCOUNT_SEAT };
    for (size_t k = 0; k < STINT_ARRAY_SIZE(kinds); k++) {
        for (uint32_t i = 0; i < ledger->account_count; i++) {
            struct stint_share_view view;
            if (ledger->accounts[i]->kind != kinds[k] ||
                !view_of(ledger, resource, ledger->accounts[i], &view))
                continue;
            add_awards(ledger, resource, ledger->accounts[i], &view);
            if (!fn(context, &view))
                return;
        }
    }
}

void stint_ledger_shares_of(struct stint_ledger *ledger, uint32_t resource, int64_t project,
                            uid_t uid,
                            bool (*fn)(void *context, const struct stint_share_view *view),
                            void *context)
{
    uint32_t at = stint_ledger_seat(ledger, project, uid);
    struct stint_share_view view;
    struct stint_fair fair;
    while (at < ledger->account_count && view_of(ledger, resource, ledger->accounts[at], &view)) {
        bool is_ranked = stint_scheduler_fair(stint_clerk_scheduler(ledger_clerk(ledger, resource)),
                                              at, &fair) == 0;
        if (!is_ranked || !fn(context, &view))
            return;
        at = fair.parent;
    }
}
