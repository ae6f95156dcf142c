/* What is shown of the ledger. Views are borrowed until the next call. */
#include "state.h"

#include <string.h>

#include "stint/buffer.h"

int stint_ledger_account_of(const struct stint_ledger *ledger, enum stint_quota_scope scope,
                            const char *name, uint32_t *ret_account, struct stint_error *err)
{
    const struct ledger_account *account = NULL;
    if (scope != STINT_SCOPE_PROJECT && scope != STINT_SCOPE_INSTITUTION)
        return stint_fail(err, STINT_INVALID, "a project or an institution holds it");
    bool is_project = scope == STINT_SCOPE_PROJECT;
    const struct ledger_project *project = is_project ? project_by_name(ledger, name) : NULL;
    const struct ledger_institution *institution =
        is_project ? NULL : institution_by_name(ledger, name);
    account = project ? project->account : institution ? institution->account : NULL;
    if (!account)
        return stint_fail(err, STINT_NOT_FOUND, "there is no %s %.64s",
                          is_project ? "project" : "institution", name);
    *ret_account = account->number;
    return 0;
}

void stint_ledger_each_institution(struct stint_ledger *ledger,
                                   bool (*fn)(void *context, int64_t id, const char *name,
                                              const char *title),
                                   void *context)
{
    const struct ledger_institution *institution, *next;
    HASH_ITER(by_id, ledger->institutions, institution, next)
    {
        if (!fn(context, institution->id, institution->name, institution->title))
            return;
    }
}

void stint_ledger_each_project(struct stint_ledger *ledger,
                               bool (*fn)(void *context, const struct stint_project_view *view),
                               void *context)
{
    const struct ledger_project *project, *next;
    HASH_ITER(by_id, ledger->projects, project, next)
    {
        struct stint_project_view view = {
            .id = project->id,
            .name = project->name,
            .institution = project->institution->name,
            .pi = project->pi,
            .title = project->title,
            .is_suspended = project->is_suspended,
            .member_count = project->member_count,
            .running_jobs = project->account->running,
            .queued_jobs = project->account->queued,
        };
        if (!fn(context, &view))
            return;
    }
}

void stint_ledger_each_award(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_award_view *view),
                             void *context)
{
    const struct ledger_award *award, *next;
    int64_t now_ms = ledger_now_ms(ledger);
    HASH_ITER(by_id, ledger->awards, award, next)
    {
        struct stint_award_view view = {
            .id = award->id,
            .name = award->name,
            .project = award->project->name,
            .title = award->title,
            .unit = award->unit,
            .state = award_state(award, now_ms),
            .resource = award->resource_name,
            .awarded_micro = award->awarded_micro,
            .used_micro = award->used_micro,
            .held_micro = award->held_micro,
            .from_ms = award->from_ms,
            .until_ms = award->until_ms,
        };
        if (!fn(context, &view))
            return;
    }
}

/* The scopes of quotas are the first four kinds of accounts. */
static bool quotas_of(struct stint_ledger *ledger, const struct ledger_account *account,
                      bool (*fn)(void *context, const struct stint_quota_view *view), void *context)
{
    struct stint_account_view owner;
    stint_ledger_account(ledger, account->number, 0, &owner);
    for (int at = LEDGER_PERIODS; at < STINT_QUOTA_KIND_COUNT * LEDGER_PERIODS; at++) {
        int kind = at / LEDGER_PERIODS;
        const struct ledger_quota *quota = account->quotas[kind][at % LEDGER_PERIODS];
        if (!quota)
            continue;
        struct stint_quota_view view = {
            .scope = owner.kind,
            .scope_name = owner.name ? owner.name : "",
            .kind = quota_kind_name((enum stint_quota_kind)kind),
            .period = stint_period_name(quota->period),
            .ceiling = quota->ceiling,
            .used = quota_used(ledger, account, (enum stint_quota_kind)kind, quota->period),
            .set_by = quota->set_by,
            .reason = quota->reason,
            .set_ms = quota->set_ms,
        };
        if (!fn(context, &view))
            return false;
    }
    return true;
}

void stint_ledger_each_quota(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_quota_view *view),
                             void *context)
{
    for (uint32_t i = 0; i < ledger->account_count; i++)
        if (!quotas_of(ledger, ledger->accounts[i], fn, context))
            return;
}

/* With join = open everybody may name `default` too, whatever else is his. */
static void projects_text(const struct stint_ledger *ledger, const struct ledger_user *user,
                          struct stint_buffer *text)
{
    const struct ledger_project *open =
        ledger->options.join_open ? project_by_name(ledger, "default") : NULL;
    for (size_t i = 0; i < user->member_count; i++)
        stint_buffer_printf(text, "%s%s (%s)", i ? ", " : "", user->members[i].project->name,
                            user->members[i].role);
    if (open && !user_member(user, open))
        stint_buffer_printf(text, "%sdefault (open)", text->length > 0 ? ", " : "");
}

void stint_ledger_each_user(struct stint_ledger *ledger,
                            bool (*fn)(void *context, const struct stint_user_view *view),
                            void *context)
{
    const struct ledger_user *user, *next;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    bool goes_on = true;
    HASH_ITER(hh, ledger->users, user, next)
    {
        stint_buffer_clear(&text);
        projects_text(ledger, user, &text);
        struct stint_user_view view = {
            .uid = user->uid,
            .name = user->name,
            .projects = stint_buffer_text(&text),
            .is_operator = stint_ledger_role(ledger, user->uid, user->name) == STINT_ROLE_OPERATOR,
            .is_suspended = user->is_suspended,
        };
        goes_on = goes_on && fn(context, &view);
    }
}
