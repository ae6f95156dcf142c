/* Administrators' verb on ceilings. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/buffer.h"

struct quota_change {
    enum stint_quota_scope scope;
    enum stint_quota_kind kind;
    enum stint_period period;
    bool is_removal;
    int64_t ceiling;
    int64_t scope_id;
    struct ledger_account *owner;
    const char *owner_name; /* NULL for the site and for users, who are nobody's business */
};

static int owner_unknown(const char *what, const char *name, struct stint_error *err)
{
    return stint_fail(err, STINT_NOT_FOUND, "there is no %s %.64s", what, name ? name : "");
}

static int user_owner(struct stint_ledger *ledger, const char *name, struct quota_change *change,
                      struct stint_error *err)
{
    struct ledger_user *user;
    int r = user_resolve(ledger, name, &user, err);
    if (r != 0)
        return r;
    change->owner = user->account;
    change->scope_id = (int64_t)user->uid;
    return 0;
}

static int owner_find(struct stint_ledger *ledger, const char *name, struct quota_change *change,
                      struct stint_error *err)
{
    const struct ledger_institution *institution;
    const struct ledger_project *project;
    switch (change->scope) {
    case STINT_SCOPE_SITE:
        change->owner = ledger->accounts[LEDGER_SITE_ACCOUNT];
        return 0;
    case STINT_SCOPE_INSTITUTION:
        institution = name ? institution_by_name(ledger, name) : NULL;
        if (!institution)
            return owner_unknown("institution", name, err);
        change->owner = institution->account;
        change->owner_name = institution->name;
        change->scope_id = institution->id;
        return 0;
    case STINT_SCOPE_PROJECT:
        project = name ? project_by_name(ledger, name) : NULL;
        if (!project)
            return owner_unknown("project", name, err);
        change->owner = project->account;
        change->owner_name = project->name;
        change->scope_id = project->id;
        return 0;
    case STINT_SCOPE_USER:
        return user_owner(ledger, name, change, err);
    }
    return stint_fail(err, STINT_INVALID, "no such scope of a quota");
}

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
    stint_json_kv_text(subject, "period", period_name(period));
    stint_json_object_end(subject);
}

static int quota_publish(struct stint_ledger *ledger, const struct stint_act *act,
                         const struct quota_change *change, const char *target,
                         struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    const struct ledger_quota *before = change->owner->quotas[change->kind];
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "scope", quota_scope_name(change->scope));
    if (change->owner_name)
        stint_json_kv_text(&subject, "name", change->owner_name);
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
                                        err);
    return stint_store_put_quota(ledger->options.store, row, err);
}

static int quota_apply(struct stint_ledger *ledger, const struct stint_act *act,
                       const struct quota_change *change, const char *target,
                       struct stint_error *err)
{
    struct stint_quota_row row = {
        .scope = quota_scope_name(change->scope),
        .scope_id = change->scope_id,
        .kind = quota_kind_name(change->kind),
        .period = period_name(change->period),
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
    return quota_put(ledger, change->owner, change->kind, change->is_removal ? NULL : &row);
}

int stint_ledger_quota_set(struct stint_ledger *ledger, const struct stint_act *act,
                           enum stint_quota_scope scope, const char *scope_name,
                           const char *assignment, struct stint_error *err)
{
    struct quota_change change = { .scope = scope };
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = quota_parse(assignment ? assignment : "", &change.kind, &change.ceiling, &change.period,
                        &change.is_removal, err);
    if (r == 0)
        r = owner_find(ledger, scope_name, &change, err);
    if (r != 0)
        return r;
    if (change.is_removal && !change.owner->quotas[change.kind])
        return stint_fail(err, STINT_NOT_FOUND, "there is no ceiling of %s to remove",
                          quota_kind_name(change.kind));
    if (act->is_rehearsal)
        return 0;
    return quota_apply(ledger, act, &change, scope == STINT_SCOPE_USER ? scope_name : NULL, err);
}
