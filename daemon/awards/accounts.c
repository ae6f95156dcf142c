/* Numbers of everybody who can have ceilings, and what the scheduler's core is told of them. A
 * number once given stays with its owner as long as the process lives: the core and running jobs
 * hold on to it through a reload. */
#include "state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void quota_free(struct ledger_quota *quota)
{
    if (!quota)
        return;
    free(quota->set_by);
    free(quota->reason);
    free(quota);
}

bool suspension_take(struct ledger_account *account, int64_t ms, const char *by, const char *why)
{
    struct ledger_suspension suspension = { ms, by ? strdup(by) : NULL, why ? strdup(why) : NULL };
    free(account->suspension.by);
    free(account->suspension.why);
    account->suspension = suspension;
    return (!by || suspension.by) && (!why || suspension.why);
}

static void account_clear(struct ledger_account *account)
{
    account->queued = 0;
    account->running = 0;
    account->stale = NULL;
    memset(account->usage, 0, sizeof(account->usage));
    account->shares = LEDGER_SHARES;
    free(account->share.set_by);
    free(account->share.reason);
    account->share = (struct ledger_share){ 0 };
    (void)suspension_take(account, 0, NULL, NULL);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(account->quotas); i++)
        for (size_t period = 0; period < LEDGER_PERIODS; period++) {
            quota_free(account->quotas[i][period]);
            account->quotas[i][period] = NULL;
        }
}

void accounts_clear(struct stint_ledger *ledger)
{
    ledger->stale = NULL;
    for (uint32_t i = 0; i < ledger->account_count; i++)
        account_clear(ledger->accounts[i]);
}

void accounts_free(struct stint_ledger *ledger)
{
    accounts_clear(ledger);
    HASH_CLEAR(hh, ledger->accounts_by_key);
    for (uint32_t i = 0; i < ledger->account_count; i++)
        free(ledger->accounts[i]);
    free(ledger->accounts);
    ledger->accounts = NULL;
    ledger->account_count = 0;
    ledger->account_capacity = 0;
}

static int64_t account_key(enum stint_account_kind kind, int64_t owner)
{
    return owner * 8 + (int64_t)kind; /* ids and uids are far from 2^60 */
}

struct ledger_account *account_find(const struct stint_ledger *ledger, enum stint_account_kind kind,
                                    int64_t owner)
{
    int64_t key = account_key(kind, owner);
    struct ledger_account *account = NULL;
    HASH_FIND(hh, ledger->accounts_by_key, &key, sizeof(key), account);
    return account;
}

static bool accounts_grow(struct stint_ledger *ledger)
{
    if (ledger->account_count < ledger->account_capacity)
        return true;
    if (ledger->account_count >= STINT_SCHEDULER_ACCOUNT_MAX)
        return false;
    uint32_t capacity = ledger->account_capacity ? 2 * ledger->account_capacity : 64;
    struct ledger_account **accounts =
        reallocarray(ledger->accounts, capacity, sizeof(struct ledger_account *));
    if (!accounts)
        return false;
    ledger->accounts = accounts;
    ledger->account_capacity = capacity;
    return true;
}

struct ledger_account *account_for(struct stint_ledger *ledger, enum stint_account_kind kind,
                                   int64_t owner, uint32_t parent)
{
    struct ledger_account *account = account_find(ledger, kind, owner);
    if (!account) {
        if (!accounts_grow(ledger) || !(account = calloc(1, sizeof(*account))))
            return NULL;
        account->key = account_key(kind, owner);
        account->owner = owner;
        account->kind = kind;
        account->shares = LEDGER_SHARES;
        account->number = ledger->account_count;
        ledger->accounts[ledger->account_count++] = account;
        HASH_ADD(hh, ledger->accounts_by_key, key, sizeof(account->key), account);
    }
    uint32_t shares =
        parent == STINT_NO_ACCOUNT && kind != STINT_ACCOUNT_SITE ? 0 : account->shares;
    LEDGER_EACH_CORE(ledger, i)
    {
        if (stint_clerk_set_account(ledger_clerk(ledger, i), account->number, kind, parent,
                                    shares) != 0)
            return NULL; /* known here, not to the core: asked for again, it is told again */
    }
    return account;
}

static uid_t seat_uid(const struct ledger_account *seat)
{
    return (uid_t)(seat->owner & UINT32_MAX);
}

struct ledger_account *seat_for(struct stint_ledger *ledger, const struct ledger_project *project,
                                uid_t uid)
{
    int64_t owner = project->id << 32 | (int64_t)uid; /* ids are below 2^26: LEDGER_PROJECTS_MAX */
    struct ledger_account *seat = account_find(ledger, STINT_ACCOUNT_SEAT, owner);
    const struct ledger_user *user = seat ? NULL : user_for(ledger, uid, NULL);
    if (seat)
        return seat;
    seat = user ? account_for(ledger, STINT_ACCOUNT_SEAT, owner, project->account->number) : NULL;
    if (seat && user->account->shares != seat->shares) {
        seat->shares = user->account->shares;
        (void)account_tell_shares(ledger, seat);
    }
    return seat;
}

/* Where it hangs in the tree of shares. */
static uint32_t parent_of(const struct stint_ledger *ledger, const struct ledger_account *account)
{
    const struct ledger_project *project = NULL;
    switch (account->kind) {
    case STINT_ACCOUNT_INSTITUTION:
        return LEDGER_SITE_ACCOUNT;
    case STINT_ACCOUNT_PROJECT:
        project = project_find(ledger, account->owner);
        return project ? project->institution->account->number : LEDGER_SITE_ACCOUNT;
    case STINT_ACCOUNT_SEAT:
        project = project_find(ledger, account->owner >> 32);
        return project ? project->account->number : LEDGER_SITE_ACCOUNT;
    case STINT_ACCOUNT_SITE:
    case STINT_ACCOUNT_USER:
    case STINT_ACCOUNT_AWARD:
    case STINT_ACCOUNT_ARRAY:
        break;
    }
    return STINT_NO_ACCOUNT;
}

int account_tell_shares(struct stint_ledger *ledger, const struct ledger_account *account)
{
    uint32_t parent = parent_of(ledger, account);
    bool is_in_tree = parent != STINT_NO_ACCOUNT || account->kind == STINT_ACCOUNT_SITE;
    int r = 0;
    LEDGER_EACH_CORE(ledger, i)
    {
        if (r == 0)
            r = stint_clerk_set_account(ledger_clerk(ledger, i), account->number, account->kind,
                                        parent, is_in_tree ? account->shares : 0);
    }
    return r;
}

int seats_weigh(struct stint_ledger *ledger, const struct ledger_account *user)
{
    int r = 0;
    for (uint32_t i = 0; i < ledger->account_count && r == 0; i++) {
        struct ledger_account *seat = ledger->accounts[i];
        if (seat->kind != STINT_ACCOUNT_SEAT || seat_uid(seat) != (uid_t)user->owner)
            continue;
        seat->shares = user->shares;
        r = account_tell_shares(ledger, seat);
    }
    return r;
}

int64_t ledger_hours_ms(int64_t micro)
{
    int64_t ms;
    return __builtin_mul_overflow(micro, INT64_C(36), &ms) ? STINT_UNLIMITED : ms / 10;
}

/* 3.6 ms are a millionth of an hour. */
int64_t ledger_ms_hours(int64_t ms)
{
    return ms > INT64_MAX / 10 ? INT64_MAX : ms / 36 * 10 + (ms % 36 * 10 + 35) / 36;
}

/* One row a kind and period that the core counts; a factor of 0 means hours. */
static const struct {
    enum stint_quota_kind kind;
    enum stint_period period;
    enum stint_limit limit;
    int64_t factor;
} core_limits[] = {
    { STINT_QUOTA_GPUS, STINT_PERIOD_NONE, STINT_LIMIT_GPU_MILLI, 1000 },
    { STINT_QUOTA_CORES, STINT_PERIOD_NONE, STINT_LIMIT_CORES, 1 },
    { STINT_QUOTA_MEMORY, STINT_PERIOD_NONE, STINT_LIMIT_MEMORY, 1 },
    { STINT_QUOTA_JOBS, STINT_PERIOD_NONE, STINT_LIMIT_JOBS, 1 },
    { STINT_QUOTA_GPU_HOURS, STINT_PERIOD_DAY, STINT_LIMIT_GPU_MS_DAY, 0 },
    { STINT_QUOTA_GPU_HOURS, STINT_PERIOD_WEEK, STINT_LIMIT_GPU_MS_WEEK, 0 },
    { STINT_QUOTA_GPU_HOURS, STINT_PERIOD_MONTH, STINT_LIMIT_GPU_MS_MONTH, 0 },
    { STINT_QUOTA_CORE_HOURS, STINT_PERIOD_DAY, STINT_LIMIT_CORE_MS_DAY, 0 },
    { STINT_QUOTA_CORE_HOURS, STINT_PERIOD_WEEK, STINT_LIMIT_CORE_MS_WEEK, 0 },
    { STINT_QUOTA_CORE_HOURS, STINT_PERIOD_MONTH, STINT_LIMIT_CORE_MS_MONTH, 0 },
};

/* What runs of @limit under the account on all resources but @resource. */
static int64_t runs_elsewhere(const struct stint_ledger *ledger,
                              const struct ledger_account *account, enum stint_limit limit,
                              uint32_t resource)
{
    int64_t used = 0;
    LEDGER_EACH_CORE(ledger, i)
    {
        if (i != resource)
            used += stint_scheduler_used(stint_clerk_scheduler(ledger_clerk(ledger, i)),
                                         account->number, limit);
    }
    return used;
}

static void tell_limit(struct stint_ledger *ledger, const struct ledger_account *account,
                       size_t row)
{
    enum stint_period period = core_limits[row].period;
    const struct ledger_quota *quota = account->quotas[core_limits[row].kind][period];
    int64_t ceiling = STINT_UNLIMITED;
    int64_t used = 0;
    bool is_hours = core_limits[row].factor == 0;
    if (quota && is_hours) {
        const struct ledger_usage *usage = &account->usage[period];
        bool is_gpu = core_limits[row].kind == STINT_QUOTA_GPU_HOURS;
        ceiling = ledger_hours_ms(quota->ceiling);
        used = is_gpu ? usage->gpu_ms : usage->core_ms;
    } else if (quota && __builtin_mul_overflow(quota->ceiling, core_limits[row].factor, &ceiling)) {
        ceiling = STINT_UNLIMITED;
    }
    LEDGER_EACH_CORE(ledger, i)
    {
        if (quota && !is_hours)
            used = runs_elsewhere(ledger, account, core_limits[row].limit, i);
        (void)stint_clerk_set_limit(ledger_clerk(ledger, i), account->number,
                                    core_limits[row].limit, ceiling, used);
    }
}

void account_tell(struct stint_ledger *ledger, const struct ledger_account *account,
                  enum stint_quota_kind kind)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
        if (core_limits[i].kind == kind)
            tell_limit(ledger, account, i);
}

void account_tell_all(struct stint_ledger *ledger, const struct ledger_account *account)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
        tell_limit(ledger, account, i);
}

void award_tell(struct stint_ledger *ledger, const struct ledger_award *award)
{
    if (award->resource == STINT_RESOURCE_NONE)
        return;
    (void)stint_clerk_set_limit(ledger_clerk(ledger, award->resource), award->account->number,
                                STINT_LIMIT_BUDGET, award->awarded_micro,
                                award->used_micro + award->held_micro);
}

/* ---- ceilings over several resources: a core counts its own runs, and is told of the others' */

static bool has_ceiling(const struct ledger_account *account)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
        if (account->quotas[core_limits[i].kind][core_limits[i].period])
            return true;
    return false;
}

void account_mark(struct stint_ledger *ledger, struct ledger_account *account)
{
    if (ledger->options.resources->count < 2 || account->stale || !has_ceiling(account))
        return;
    account->stale = ledger->stale ? ledger->stale : account;
    ledger->stale = account;
}

void stint_ledger_share_counts(struct stint_ledger *ledger)
{
    while (ledger->stale) {
        struct ledger_account *account = ledger->stale;
        ledger->stale = account->stale == account ? NULL : account->stale;
        account->stale = NULL;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
            if (account->quotas[core_limits[i].kind][core_limits[i].period])
                tell_limit(ledger, account, i);
    }
}

void stint_ledger_runs_adopted(struct stint_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++)
        account_mark(ledger, ledger->accounts[i]);
    stint_ledger_share_counts(ledger);
}

void stint_ledger_run_undone(struct stint_ledger *ledger, int64_t project, uid_t uid)
{
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *found = project_find(ledger, project);
    if (!found || !owners_of(ledger, found, uid, owners))
        return;
    for (size_t i = 0; i < LEDGER_OWNERS; i++)
        account_mark(ledger, owners[i]);
}

bool owners_of(struct stint_ledger *ledger, const struct ledger_project *project, uid_t uid,
               struct ledger_account *owners[LEDGER_OWNERS])
{
    struct ledger_user *user = user_for(ledger, uid, NULL);
    if (!user)
        return false;
    owners[0] = ledger->accounts[LEDGER_SITE_ACCOUNT];
    owners[1] = project->institution->account;
    owners[2] = project->account;
    owners[3] = user->account;
    return true;
}

size_t stint_ledger_accounts(struct stint_ledger *ledger, int64_t project, uid_t uid, int64_t award,
                             uint32_t accounts[STINT_LEDGER_ACCOUNTS_MAX])
{
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *found = project_find(ledger, project);
    const struct ledger_award *paying = award ? award_find(ledger, award) : NULL;
    size_t count = 0;
    if (!found || !owners_of(ledger, found, uid, owners))
        return 0;
    for (; count < LEDGER_OWNERS; count++)
        accounts[count] = owners[count]->number;
    if (paying)
        accounts[count++] = paying->account->number;
    return count;
}

int stint_ledger_array_account(struct stint_ledger *ledger, uint32_t resource, uint64_t job,
                               uint32_t running_max, uint32_t *ret_account)
{
    uint32_t number = ledger->array_free;
    struct ledger_account *account;
    if (number != STINT_NO_ACCOUNT) {
        account = ledger->accounts[number];
        ledger->array_free = (uint32_t)account->owner;
        account->key = account_key(STINT_ACCOUNT_ARRAY, (int64_t)job);
        account->owner = (int64_t)job;
        HASH_ADD(hh, ledger->accounts_by_key, key, sizeof(account->key), account);
    }
    /* Told again in any case: the core may be another than the one that knew the number. */
    if (!(account = account_for(ledger, STINT_ACCOUNT_ARRAY, (int64_t)job, STINT_NO_ACCOUNT)))
        return -ENOMEM;
    *ret_account = account->number;
    return stint_clerk_set_limit(ledger_clerk(ledger, resource), account->number, STINT_LIMIT_JOBS,
                                 running_max, -1) == 0
               ? 0
               : -ENOMEM;
}

void stint_ledger_array_account_free(struct stint_ledger *ledger, uint32_t number)
{
    struct ledger_account *account = ledger->accounts[number];
    assert(account->kind == STINT_ACCOUNT_ARRAY);
    HASH_DEL(ledger->accounts_by_key, account);
    LEDGER_EACH_CORE(ledger, i)
    {
        (void)stint_clerk_set_limit(ledger_clerk(ledger, i), number, STINT_LIMIT_JOBS,
                                    STINT_UNLIMITED, -1);
    }
    account->owner = ledger->array_free;
    ledger->array_free = number;
}

static const char *owner_name(const struct stint_ledger *ledger,
                              const struct ledger_account *account)
{
    int64_t owner = account->owner;
    switch (account->kind) {
    case STINT_ACCOUNT_SITE:
    case STINT_ACCOUNT_ARRAY:
        return NULL;
    case STINT_ACCOUNT_INSTITUTION: {
        const struct ledger_institution *institution = institution_find(ledger, owner);
        return institution ? institution->name : NULL;
    }
    case STINT_ACCOUNT_PROJECT: {
        const struct ledger_project *project = project_find(ledger, owner);
        return project ? project->name : NULL;
    }
    case STINT_ACCOUNT_USER:
    case STINT_ACCOUNT_SEAT: {
        const struct ledger_user *user = user_find(ledger, (uid_t)(owner & UINT32_MAX));
        return user ? user->name : NULL;
    }
    case STINT_ACCOUNT_AWARD:
        return stint_ledger_award_name(ledger, owner);
    }
    return NULL;
}

/* The quota that the core calls @what: enum stint_limit plus 1; NULL for none. */
static const struct ledger_quota *quota_called(const struct ledger_account *account, uint32_t what)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
        if ((uint32_t)core_limits[i].limit + 1 == what)
            return account->quotas[core_limits[i].kind][core_limits[i].period];
    return NULL;
}

static const char *unit_called(uint32_t what)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(core_limits); i++)
        if ((uint32_t)core_limits[i].limit + 1 == what && core_limits[i].factor == 0)
            return core_limits[i].kind == STINT_QUOTA_GPU_HOURS ? "GPU-hours" : "core-hours";
    return NULL;
}

void stint_ledger_account(const struct stint_ledger *ledger, uint32_t account, uint32_t what,
                          struct stint_account_view *ret_view)
{
    static const char *const kinds[] = { "site",  "institution", "project", "user",
                                         "award", "array",       "user" };
    *ret_view = (struct stint_account_view){ 0 };
    if (account >= ledger->account_count)
        return;
    const struct ledger_account *found = ledger->accounts[account];
    const struct ledger_quota *quota = quota_called(found, what);
    ret_view->kind = kinds[found->kind];
    ret_view->name = owner_name(ledger, found);
    ret_view->unit = unit_called(what);
    if (!quota) {
        ret_view->set_ms = found->suspension.ms;
        ret_view->set_by = found->suspension.by;
        ret_view->set_reason = found->suspension.why;
        return;
    }
    ret_view->period = stint_period_name(quota->period);
    ret_view->set_by = quota->set_by;
    ret_view->set_reason = quota->reason;
    ret_view->set_ms = quota->set_ms;
}
