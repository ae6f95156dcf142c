/* Administrators' verb on ceilings. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/buffer.h"

struct quota_change {
    enum stint_quota_scope scope;
    enum stint_quota_kind kind;
    enum stint_period period;
    bool is_removal; /* with period NONE of hours: of all periods */
    int64_t ceiling;
    struct scope_owner owner;
};

static void write_ceiling(struct stint_buffer *subject, const char *key, bool is_set,
                          int64_t ceiling, enum stint_period period)
{
    stint_json_key(subject, key);
    if (!is_set) {
        stint_json_null(subject);
        return;
    }
    stint_json_object(subject);
    stint_json_kv_int(subject, "ceiling", ceiling);
    stint_json_kv_text(subject, "period", stint_period_name(period));
    stint_json_object_end(subject);
}

static int quota_publish(struct stint_ledger *ledger, const struct stint_act *act,
                         const struct quota_change *change, const char *target,
                         struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    const struct ledger_quota *before = change->owner.account->quotas[change->kind][change->period];
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "scope", quota_scope_name(change->scope));
    if (change->owner.name)
        stint_json_kv_text(&subject, "name", change->owner.name);
    stint_json_kv_text(&subject, "kind", quota_kind_name(change->kind));
    write_ceiling(&subject, "before", before != NULL, before ? before->ceiling : 0,
                  before ? before->period : STINT_PERIOD_NONE);
    write_ceiling(&subject, "after", !change->is_removal, change->ceiling, change->period);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "quota.set", change->is_removal ? "quota.remove" : "quota.set",
                       stint_buffer_text(&subject), target, err);
}

static int quota_store(struct stint_ledger *ledger, const struct quota_change *change,
                       const struct stint_quota_row *row, struct stint_error *err)
{
    if (change->is_removal)
        return stint_store_remove_quota(ledger->options.store, row->scope, row->scope_id, row->kind,
                                        row->period, err);
    return stint_store_put_quota(ledger->options.store, row, err);
}

static int quota_apply(struct stint_ledger *ledger, const struct stint_act *act,
                       const struct quota_change *change, const char *target,
                       struct stint_error *err)
{
    struct stint_quota_row row = {
        .scope = quota_scope_name(change->scope),
        .scope_id = change->owner.id,
        .kind = quota_kind_name(change->kind),
        .period = stint_period_name(change->period),
        .ceiling = change->ceiling,
        .reason = act->reason,
        .set_by = act->caller->name,
        .set_ms = ledger_now_ms(ledger),
    };
    struct act_mark mark = act_mark(ledger);
    int r = quota_store(ledger, change, &row, err);
    if (r == 0)
        r = quota_publish(ledger, act, change, target, err);
    if (r != 0)
        return act_end(ledger, mark, r);
    return quota_put(ledger, change->owner.account, change->kind, change->period,
                     change->is_removal ? NULL : &row);
}

/* Is there a ceiling that the removal means? */
static bool is_there(const struct quota_change *change, int period)
{
    bool is_meant = change->period == STINT_PERIOD_NONE || (int)change->period == period;
    return is_meant && change->owner.account->quotas[change->kind][period];
}

static int quota_remove(struct stint_ledger *ledger, const struct stint_act *act,
                        const struct quota_change *change, const char *target,
                        struct stint_error *err)
{
    bool is_any = false;
    int r = 0;
    for (int period = STINT_PERIOD_NONE; period < LEDGER_PERIODS && r == 0; period++) {
        struct quota_change one = *change;
        if (!is_there(change, period))
            continue;
        is_any = true;
        one.period = (enum stint_period)period;
        if (!act->is_rehearsal)
            r = quota_apply(ledger, act, &one, target, err);
    }
    if (r == 0 && !is_any)
        return stint_fail(err, STINT_NOT_FOUND, "there is no ceiling of %s to remove",
                          quota_kind_name(change->kind));
    return r;
}

int stint_ledger_quota_set(struct stint_ledger *ledger, const struct stint_act *act,
                           enum stint_quota_scope scope, const char *scope_name,
                           const char *assignment, struct stint_error *err)
{
    struct quota_change change = { .scope = scope };
    const char *target = scope == STINT_SCOPE_USER ? scope_name : NULL;
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = quota_parse(assignment ? assignment : "", &change.kind, &change.ceiling, &change.period,
                        &change.is_removal, err);
    if (r == 0)
        r = scope_find(ledger, scope, scope_name, &change.owner, err);
    if (r != 0)
        return r;
    if (change.is_removal)
        return quota_remove(ledger, act, &change, target, err);
    return act->is_rehearsal ? 0 : quota_apply(ledger, act, &change, target, err);
}
