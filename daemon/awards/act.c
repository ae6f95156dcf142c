/* What every administrator's change has in common: who may, the reason, the event for the audit
 * trail and the entry of the public log, both in the batch of the change. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/buffer.h"
#include "stint/record.h"
#include "stint/store.h"

/* Every change is public, and says why. */
static int reason_check(const struct stint_act *act, struct stint_error *err)
{
    bool is_given = act->reason && act->reason[strspn(act->reason, " ")] != '\0';
    if (!is_given) {
        (void)stint_fail(err, STINT_INVALID, "this change needs a reason");
        return stint_fix(err, STINT_INVALID, "add --reason TEXT; it is published in the log");
    }
    return text_check("the reason", act->reason, STINT_LEDGER_REASON_MAX, err);
}

int act_begin(const struct stint_ledger *ledger, const struct stint_act *act,
              struct stint_error *err)
{
    if (act->caller->role < STINT_ROLE_OPERATOR) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "only operators may change this");
        return stint_fix(err, STINT_NOT_PERMITTED,
                         "ask an operator; `stint admin user list` names them to operators");
    }
    int r = reason_check(act, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    return stint_store_ready(ledger->options.store, err);
}

static void payload_write(const struct stint_act *act, const char *subject, const char *target,
                          struct stint_buffer *payload)
{
    stint_json_object(payload);
    stint_json_key(payload, "subject");
    stint_json_raw(payload, subject, strlen(subject));
    if (target)
        stint_json_kv_text(payload, "target", target);
    stint_json_kv_text(payload, "reason", act->reason);
    stint_json_object_end(payload);
}

int act_publish(struct stint_ledger *ledger, const struct stint_act *act, const char *type,
                const char *verb, const char *subject, const char *target, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer payload = { 0 };
    char actor[32];
    payload_write(act, subject, target, &payload);
    if (payload.failed)
        return -ENOMEM;
    (void)snprintf(actor, sizeof(actor), "uid:%lu", (unsigned long)act->caller->uid);
    struct stint_event_row event = {
        .at_ms = ledger_now_ms(ledger),
        .kind = verb,
        .actor = actor,
        .payload = stint_buffer_text(&payload),
    };
    int r = stint_store_put_event(ledger->options.store, &event, NULL, err);
    if (r != 0)
        return r;
    struct stint_log_draft draft = {
        .type = type,
        .role = "operator",
        .person = act->caller->name,
        .subject = subject,
        .reason = act->reason,
        .prev = -1,
    };
    return stint_record_append(ledger->options.record, &draft, NULL, err);
}

int stint_ledger_act_begin(const struct stint_ledger *ledger, const struct stint_act *act,
                           struct stint_error *err)
{
    return act_begin(ledger, act, err);
}

int stint_ledger_act_publish(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *type, const char *verb, const char *subject,
                             struct stint_error *err)
{
    return act_publish(ledger, act, type, verb, subject, NULL, err);
}

struct act_mark act_mark(const struct stint_ledger *ledger)
{
    return (struct act_mark){ stint_store_mark(ledger->options.store),
                              stint_record_mark(ledger->options.record) };
}

int act_end(struct stint_ledger *ledger, struct act_mark mark, int status)
{
    if (status == 0) {
        ledger->generation++;
        return 0;
    }
    stint_store_rewind(ledger->options.store, mark.store);
    stint_record_rewind(ledger->options.record, mark.record);
    return status;
}

uint64_t stint_ledger_generation(const struct stint_ledger *ledger)
{
    return ledger->generation;
}

/* ---- whom it is about */

static int owner_unknown(const char *what, const char *name, struct stint_error *err)
{
    return stint_fail(err, STINT_NOT_FOUND, "there is no %s %.64s", what, name ? name : "");
}

static int user_owner(struct stint_ledger *ledger, const char *name, struct scope_owner *ret_owner,
                      struct stint_error *err)
{
    struct ledger_user *user;
    int r = user_resolve(ledger, name, &user, err);
    if (r != 0)
        return r;
    ret_owner->account = user->account;
    ret_owner->id = (int64_t)user->uid;
    return 0;
}

int scope_find(struct stint_ledger *ledger, enum stint_quota_scope scope, const char *name,
               struct scope_owner *ret_owner, struct stint_error *err)
{
    const struct ledger_institution *institution;
    const struct ledger_project *project;
    *ret_owner = (struct scope_owner){ 0 };
    switch (scope) {
    case STINT_SCOPE_SITE:
        ret_owner->account = ledger->accounts[LEDGER_SITE_ACCOUNT];
        return 0;
    case STINT_SCOPE_INSTITUTION:
        institution = name ? institution_by_name(ledger, name) : NULL;
        if (!institution)
            return owner_unknown("institution", name, err);
        *ret_owner =
            (struct scope_owner){ institution->account, institution->id, institution->name };
        return 0;
    case STINT_SCOPE_PROJECT:
        project = name ? project_by_name(ledger, name) : NULL;
        if (!project)
            return owner_unknown("project", name, err);
        *ret_owner = (struct scope_owner){ project->account, project->id, project->name };
        return 0;
    case STINT_SCOPE_USER:
        return user_owner(ledger, name, ret_owner, err);
    }
    return stint_fail(err, STINT_INVALID, "no such scope");
}
