/* Administrators' verb on weights in the tree of shares. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/buffer.h"

static int share_publish(struct stint_ledger *ledger, const struct stint_act *act,
                         enum stint_quota_scope scope, const struct scope_owner *owner,
                         int64_t shares, const char *target, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "scope", quota_scope_name(scope));
    if (owner->name)
        stint_json_kv_text(&subject, "name", owner->name);
    stint_json_kv_int(&subject, "before", owner->account->shares);
    stint_json_kv_int(&subject, "after", shares);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "share.set", "share.set", stint_buffer_text(&subject), target,
                       err);
}

static int share_check(enum stint_quota_scope scope, int64_t shares, struct stint_error *err)
{
    if (scope == STINT_SCOPE_SITE) {
        (void)stint_fail(err, STINT_INVALID, "the site shares with nobody");
        return stint_fix(err, STINT_INVALID, "--institution, --project or --user NAME");
    }
    if (shares >= 0 && shares <= STINT_LEDGER_SHARES_MAX)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "%lld shares", (long long)shares);
    return stint_fix(err, STINT_INVALID, "0 to %d; everybody has 1 until it is set",
                     STINT_LEDGER_SHARES_MAX);
}

int stint_ledger_share_set(struct stint_ledger *ledger, const struct stint_act *act,
                           enum stint_quota_scope scope, const char *scope_name, int64_t shares,
                           struct stint_error *err)
{
    struct scope_owner owner;
    const char *target = scope == STINT_SCOPE_USER ? scope_name : NULL;
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = share_check(scope, shares, err);
    if (r == 0)
        r = scope_find(ledger, scope, scope_name, &owner, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    struct stint_share_row row = {
        .scope = quota_scope_name(scope),
        .scope_id = owner.id,
        .shares = shares,
        .reason = act->reason,
        .set_by = act->caller->name,
        .set_ms = ledger_now_ms(ledger),
    };
    struct act_mark mark = act_mark(ledger);
    r = stint_store_put_share(ledger->options.store, &row, err);
    if (r == 0)
        r = share_publish(ledger, act, scope, &owner, shares, target, err);
    if (r != 0)
        return act_end(ledger, mark, r);
    return share_put(ledger, owner.account, &row);
}
