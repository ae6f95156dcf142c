/* The ledger's beginning and end, and the way back from the store. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stint/measure.h"
#include "stint/store.h"
#include "stint/store_reader.h"

int64_t ledger_now_ms(const struct stint_ledger *ledger)
{
    return ledger->options.now_wall_ms();
}

const char *ledger_unit(const struct stint_ledger *ledger, uint32_t resource)
{
    bool has_gpus = resource < STINT_RESOURCE_MAX && ledger->base[resource].gpu_count > 0;
    return has_gpus ? "gpu-hour" : "core-hour";
}

const char *stint_ledger_unit(const struct stint_ledger *ledger, uint32_t resource)
{
    return ledger_unit(ledger, resource);
}

struct stint_clerk *ledger_clerk(const struct stint_ledger *ledger, uint32_t resource)
{
    return ledger->options.resources->list[resource].clerk;
}

/* The C library knows one time zone a process, and dates that people write mean the same one. Done
 * once, before the daemon has threads: setenv(3) is not safe beside them. */
static int time_zone_set(const char *name, struct stint_error *err)
{
    if (!name || !*name)
        return 0;
    if (setenv("TZ", name, 1) != 0)
        return stint_fail(err, -errno, "the time zone cannot be set");
    tzset();
    return 0;
}

int stint_ledger_new(const struct stint_ledger_options *options, struct stint_ledger **ret_ledger,
                     struct stint_error *err)
{
    struct stint_ledger *ledger = calloc(1, sizeof(*ledger));
    if (!ledger)
        return -ENOMEM;
    ledger->options = *options;
    ledger->array_free = STINT_NO_ACCOUNT;
    LEDGER_EACH_CORE(ledger, i)
    {
        charge_base_of(options->resources->list[i].machine, &ledger->base[i]);
    }
    int r = time_zone_set(options->time_zone, err);
    if (r == 0 && !account_for(ledger, STINT_ACCOUNT_SITE, 0, STINT_NO_ACCOUNT))
        r = -ENOMEM;
    if (r != 0) {
        (void)stint_ledger_free(ledger);
        return r;
    }
    *ret_ledger = ledger;
    return 0;
}

struct stint_ledger *stint_ledger_free(struct stint_ledger *ledger)
{
    if (!ledger)
        return NULL;
    tokens_free(ledger);
    awards_free(ledger);
    roster_free(ledger);
    accounts_free(ledger);
    free(ledger);
    return NULL;
}

/* ---- from the store. A row that leads nowhere is damage: nothing is guessed. */

struct loading {
    struct stint_ledger *ledger;
    int status;
    const char *table;
    int64_t sum_micro; /* of all postings: 0, as every transaction's is */
};

static bool loading_keep(struct loading *loading, const char *table, bool is_kept)
{
    if (!is_kept) {
        loading->status = -EUCLEAN;
        loading->table = table;
    }
    return is_kept;
}

static bool load_on_institution(void *context, const struct stint_institution_row *row)
{
    struct loading *loading = context;
    return loading_keep(loading, "institution", institution_add(loading->ledger, row) != NULL);
}

static bool load_on_project(void *context, const struct stint_project_row *row)
{
    struct loading *loading = context;
    return loading_keep(loading, "project", project_add(loading->ledger, row) != NULL);
}

static bool load_on_user(void *context, const struct stint_user_row *row)
{
    struct loading *loading = context;
    struct ledger_user *user = user_for(loading->ledger, (uid_t)row->uid, row->name);
    if (user) {
        user->is_stored = true;
        user->is_operator = row->role && strcmp(row->role, "operator") == 0;
        user->is_suspended = row->state && strcmp(row->state, "suspended") == 0;
        user->created_ms = row->created_ms;
    }
    bool is_kept =
        user && (!user->is_suspended || suspension_take(user->account, row->suspended_ms,
                                                        row->suspended_by, row->suspended_why));
    return loading_keep(loading, "user", is_kept);
}

static bool load_on_member(void *context, const struct stint_member_row *row)
{
    struct loading *loading = context;
    struct ledger_project *project = project_find(loading->ledger, row->project);
    struct ledger_user *user = user_for(loading->ledger, (uid_t)row->uid, NULL);
    const char *role = role_word(row->role);
    return loading_keep(loading, "member",
                        project && user && role && user_join(user, project, role));
}

static bool load_on_award(void *context, const struct stint_award_row *row)
{
    struct loading *loading = context;
    return loading_keep(loading, "award", award_add(loading->ledger, row) != NULL);
}

static bool load_on_sum(void *context, const struct stint_posting_sum *sum)
{
    struct loading *loading = context;
    struct ledger_award *award = award_find(loading->ledger, sum->award);
    if (__builtin_add_overflow(loading->sum_micro, sum->amount_micro, &loading->sum_micro))
        loading->sum_micro = INT64_MAX;
    if (!loading_keep(loading, "posting", award != NULL))
        return false;
    if (sum->account == STINT_POSTING_SITE)
        award->awarded_micro = -sum->amount_micro;
    else if (sum->account == STINT_POSTING_HELD)
        award->held_micro = sum->amount_micro;
    else if (sum->account == STINT_POSTING_USED)
        award->used_micro = sum->amount_micro;
    return true;
}

static struct ledger_account *scope_owner(struct stint_ledger *ledger, const char *scope,
                                          int64_t id)
{
    switch (quota_scope_from_name(scope)) {
    case STINT_SCOPE_SITE:
        return ledger->accounts[LEDGER_SITE_ACCOUNT];
    case STINT_SCOPE_INSTITUTION:
        return account_find(ledger, STINT_ACCOUNT_INSTITUTION, id);
    case STINT_SCOPE_PROJECT:
        return account_find(ledger, STINT_ACCOUNT_PROJECT, id);
    case STINT_SCOPE_USER: {
        struct ledger_user *user = user_for(ledger, (uid_t)id, NULL);
        return user ? user->account : NULL;
    }
    }
    return NULL;
}

static bool load_on_share(void *context, const struct stint_share_row *row)
{
    struct loading *loading = context;
    struct ledger_account *owner = scope_owner(loading->ledger, row->scope, row->scope_id);
    return loading_keep(loading, "share",
                        owner && row->shares >= 0 && row->shares <= STINT_LEDGER_SHARES_MAX &&
                            share_put(loading->ledger, owner, row) == 0);
}

static bool load_on_quota(void *context, const struct stint_quota_row *row)
{
    struct loading *loading = context;
    struct ledger_account *owner = scope_owner(loading->ledger, row->scope, row->scope_id);
    enum stint_quota_kind kind = quota_kind_from_name(row->kind);
    enum stint_period period = stint_period_from_name(row->period ? row->period : "");
    bool is_good = owner && kind != STINT_QUOTA_NONE &&
                   quota_kind_is_periodic(kind) == (period != STINT_PERIOD_NONE);
    return loading_keep(loading, "quota",
                        is_good && quota_put(loading->ledger, owner, kind, period, row) == 0);
}

static bool load_on_token(void *context, const struct stint_token_row *row)
{
    struct loading *loading = context;
    return loading_keep(loading, "token", token_keep(loading->ledger, row) != NULL);
}

static bool load_on_open_run(void *context, const struct stint_run_row *row)
{
    struct loading *loading = context;
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *project = project_find(loading->ledger, row->project);
    bool is_found = project && owners_of(loading->ledger, project, (uid_t)row->uid, owners);
    for (size_t i = 0; is_found && i < LEDGER_OWNERS; i++)
        owners[i]->running++;
    return loading_keep(loading, "run", is_found);
}

static int load_tables(struct loading *loading)
{
    struct stint_reader *reader = stint_store_reader(loading->ledger->options.store);
    int r = stint_reader_each_institution(reader, load_on_institution, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_project(reader, load_on_project, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_user(reader, load_on_user, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_member(reader, load_on_member, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_award(reader, load_on_award, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_sum_postings(reader, load_on_sum, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_quota(reader, load_on_quota, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_share(reader, load_on_share, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_token(reader, load_on_token, loading);
    if (r == 0 && loading->status == 0)
        r = stint_reader_each_open_run(reader, load_on_open_run, loading);
    return r != 0 ? r : loading->status;
}

/* Somebody changed an amount: which one takes a longer look, which a store that is right never
 * needs. */
static int refuse_unbalanced(const struct stint_ledger *ledger, int64_t sum_micro,
                             struct stint_error *err)
{
    struct stint_store_audit audit = { 0 };
    char off[32];
    (void)stint_reader_audit(stint_store_reader(ledger->options.store), &audit);
    (void)stint_fail(
        err, STINT_UNTRUSTED,
        "the books do not balance: the postings of transaction %lld do not sum to "
        "zero, and all together are off by %s",
        (long long)audit.first_unbalanced,
        stint_micro_format(sum_micro < 0 ? -(sum_micro + 1) : sum_micro, off, sizeof(off)));
    return stint_fix(err, STINT_UNTRUSTED,
                     "the store was altered; put the newest file made by `stint admin backup` in "
                     "its place");
}

/* Invariant 4, on what the store says; a store that breaks it is not served from. */
static int books_check(const struct stint_ledger *ledger, int64_t sum_micro,
                       struct stint_error *err)
{
    if (sum_micro != 0)
        return refuse_unbalanced(ledger, sum_micro, err);
    const struct ledger_award *award, *next;
    HASH_ITER(by_id, ledger->awards, award, next)
    {
        if (award->used_micro >= 0 && award->held_micro >= 0 &&
            award->held_micro <= award->awarded_micro - award->used_micro)
            continue;
        (void)stint_fail(err, STINT_UNTRUSTED, "the books of award %s hold more than was awarded",
                         award->name);
        return stint_fix(err, STINT_UNTRUSTED,
                         "restore a backup, or report it with `stint doctor`");
    }
    return 0;
}

static void tell_core(struct stint_ledger *ledger)
{
    const struct ledger_award *award, *next;
    for (uint32_t i = 0; i < ledger->account_count; i++)
        account_tell_all(ledger, ledger->accounts[i]);
    HASH_ITER(by_id, ledger->awards, award, next)
    {
        award_tell(ledger, award);
    }
}

/* The core may be a new one after a reload: numbers keep their owners, so it is told all of them,
 * in the order in which they came. Parents came first. */
static int accounts_retell(struct stint_ledger *ledger)
{
    int r = 0;
    for (uint32_t i = 0; i < ledger->account_count && r == 0; i++)
        r = account_tell_shares(ledger, ledger->accounts[i]);
    return r;
}

int stint_ledger_load(struct stint_ledger *ledger, struct stint_error *err)
{
    struct loading loading = { .ledger = ledger };
    int r = accounts_retell(ledger);
    tokens_free(ledger);
    awards_free(ledger);
    roster_free(ledger);
    accounts_clear(ledger);
    if (r != 0)
        return stint_fail(err, r, "the scheduler does not take its accounts");
    r = load_tables(&loading);
    if (r != 0) {
        (void)stint_fail(err, r, "the ledger cannot be read from the store (table %s)%s",
                         loading.table ? loading.table : "unknown",
                         r == -EUCLEAN ? ": a row is none of ours, or names what is not there"
                                       : "");
        return r != -EUCLEAN ? r
                             : stint_fix(err, r,
                                         "nothing was changed; put the newest file of `stint admin "
                                         "backup` in the place of stint.db");
    }
    if (accounts_retell(ledger) != 0) /* weights that were taken back, too */
        return stint_fail(err, -ENOMEM, "the scheduler does not take its accounts");
    r = books_check(ledger, loading.sum_micro, err);
    if (r == 0)
        r = usage_load(ledger, ledger_now_ms(ledger), err);
    if (r == 0)
        r = shares_load_use(ledger, err);
    if (r != 0)
        return r;
    tell_core(ledger);
    return ledger->institutions ? 0 : ledger_first_start(ledger, err);
}

/* ---- time */

int64_t stint_ledger_next_turn_ms(const struct stint_ledger *ledger)
{
    int64_t now_ms = ledger_now_ms(ledger);
    int64_t next_ms = INT64_MAX;
    const struct ledger_award *award, *following;
    for (int period = STINT_PERIOD_DAY; period <= STINT_PERIOD_MONTH; period++)
        if (ledger->period_end_ms[period] < next_ms)
            next_ms = ledger->period_end_ms[period];
    HASH_ITER(by_id, ledger->awards, award, following)
    {
        if (award->from_ms > now_ms && award->from_ms < next_ms)
            next_ms = award->from_ms;
        if (award->until_ms > now_ms && award->until_ms < next_ms)
            next_ms = award->until_ms;
    }
    return next_ms == INT64_MAX ? 0 : next_ms;
}

void stint_ledger_turn(struct stint_ledger *ledger)
{
    /* A set-back clock reads the store again; when that fails, hours stay counted as they were,
     * which refuses too much and never too little. */
    (void)usage_turn(ledger, ledger_now_ms(ledger), NULL);
    ledger->generation++;
}
