/* Administrators' verbs on users. Public entries name no user: they say which project changed and
 * how many members it has now; whom it was about stays in the private event. */
#include "state.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "stint/buffer.h"

/* Does the system know @name, or is it a uid in digits? Blocking where users come from a network.
 */
static int system_uid(const char *name, uid_t *ret_uid)
{
    struct passwd entry, *found = NULL;
    char buffer[4096], *end;
    if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) == 0 && found) {
        *ret_uid = found->pw_uid;
        return 0;
    }
    if (name[0] < '0' || name[0] > '9')
        return STINT_NOT_FOUND;
    errno = 0;
    unsigned long uid = strtoul(name, &end, 10);
    if (errno || *end || uid >= (uid_t)-1)
        return STINT_NOT_FOUND;
    *ret_uid = (uid_t)uid;
    return 0;
}

int user_resolve(struct stint_ledger *ledger, const char *name, struct ledger_user **ret_user,
                 struct stint_error *err)
{
    uid_t uid;
    size_t length = name ? strnlen(name, STINT_USER_NAME_MAX) : 0;
    if (length == 0 || length == STINT_USER_NAME_MAX ||
        text_check("the login name", name, STINT_USER_NAME_MAX - 1, NULL) != 0)
        return stint_fail(err, STINT_INVALID, "a login name has 1 to %d characters",
                          STINT_USER_NAME_MAX - 1);
    struct ledger_user *user = user_by_name(ledger, name);
    if (!user) {
        if (system_uid(name, &uid) != 0) {
            (void)stint_fail(err, STINT_NOT_FOUND, "this machine knows no user %s", name);
            return stint_fix(err, STINT_NOT_FOUND, "create the account first, or name its uid");
        }
        user = user_for(ledger, uid, name);
    }
    if (!user)
        return stint_fail(err, -ENOMEM, "no memory for a new user");
    *ret_user = user;
    return 0;
}

static void user_fill(const struct stint_ledger *ledger, const struct ledger_user *user,
                      struct stint_user_row *row)
{
    *row = (struct stint_user_row){
        .uid = user->uid,
        .name = user->name,
        .state = user->is_suspended ? "suspended" : "active",
        .role = user->is_operator ? "operator" : "user",
        .created_ms = user->created_ms ? user->created_ms : ledger_now_ms(ledger),
        .suspended_ms = user->account->suspension.ms,
        .suspended_by = user->account->suspension.by,
        .suspended_why = user->account->suspension.why,
    };
}

/* @project, @role: NULL where it is about the user alone. */
static int user_publish(struct stint_ledger *ledger, const struct stint_act *act, const char *verb,
                        const struct ledger_user *user, const struct ledger_project *project,
                        const char *role, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "change", verb);
    if (project) {
        stint_json_kv_text(&subject, "project", project->name);
        stint_json_kv_int(&subject, "members_before", project->member_count);
    }
    if (role)
        stint_json_kv_text(&subject, "role", role);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, project ? "member.change" : "user.change", verb,
                       stint_buffer_text(&subject), user->name, err);
}

static int member_put(struct stint_ledger *ledger, const struct ledger_user *user,
                      const struct ledger_project *project, const char *role,
                      struct stint_error *err)
{
    struct stint_member_row row = {
        .project = project->id,
        .uid = user->uid,
        .role = role,
        .state = "active",
        .created_ms = ledger_now_ms(ledger),
    };
    return stint_store_put_member(ledger->options.store, &row, err);
}

struct user_change {
    struct ledger_user *user;
    struct ledger_project *project;
    const char *role;
    bool is_operator;
};

static int user_add_check(struct stint_ledger *ledger, const struct stint_act *act,
                          const char *name, const char *project, const char *role, int is_operator,
                          struct user_change *change, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r != 0)
        return r;
    change->role = role_word(role ? role : "member");
    if (!change->role) {
        (void)stint_fail(err, STINT_INVALID, "'%.32s' is no role", role);
        return stint_fix(err, STINT_INVALID, "use member, manager or pi");
    }
    change->project = project ? project_by_name(ledger, project) : NULL;
    if (project && !change->project)
        return stint_fail(err, STINT_NOT_FOUND, "there is no project %.64s", project);
    r = user_resolve(ledger, name, &change->user, err);
    if (r != 0)
        return r;
    assert(change->user);
    if (change->project && !user_member(change->user, change->project) &&
        change->user->member_count >= LEDGER_MEMBERSHIPS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%s is a member of %d projects already", name,
                          LEDGER_MEMBERSHIPS_MAX);
    change->is_operator = is_operator < 0 ? change->user->is_operator : is_operator != 0;
    return 0;
}

static int user_add_put(struct stint_ledger *ledger, const struct stint_act *act,
                        const struct user_change *change, struct stint_error *err)
{
    struct stint_user_row row;
    user_fill(ledger, change->user, &row);
    row.role = change->is_operator ? "operator" : "user";
    int r = stint_store_put_user(ledger->options.store, &row, err);
    if (r == 0 && change->project)
        r = member_put(ledger, change->user, change->project, change->role, err);
    if (r == 0)
        r = user_publish(ledger, act, "user.add", change->user, change->project,
                         change->project       ? change->role
                         : change->is_operator ? "operator"
                                               : "user",
                         err);
    return r;
}

int stint_ledger_user_add(struct stint_ledger *ledger, const struct stint_act *act,
                          const char *user, const char *project, const char *role, int is_operator,
                          struct stint_error *err)
{
    struct user_change change = { 0 };
    int r = user_add_check(ledger, act, user, project, role, is_operator, &change, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    assert(change.user);
    bool was_member = change.project && user_member(change.user, change.project);
    if (change.project && !was_member && !user_join(change.user, change.project, change.role))
        return stint_fail(err, -ENOMEM, "no memory");
    struct act_mark mark = act_mark(ledger);
    r = user_add_put(ledger, act, &change, err);
    if (r != 0) {
        if (change.project && !was_member)
            user_leave(change.user, change.project);
        return act_end(ledger, mark, r);
    }
    if (change.project)
        (void)user_join(change.user, change.project, change.role);
    change.user->is_operator = change.is_operator;
    change.user->is_stored = true;
    if (change.user->created_ms == 0)
        change.user->created_ms = ledger_now_ms(ledger);
    return 0;
}

int stint_ledger_user_suspend(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, bool is_suspended, struct stint_error *err)
{
    struct ledger_user *found = NULL;
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = user_resolve(ledger, user, &found, err);
    if (r != 0)
        return r;
    assert(found);
    if (found->is_suspended == is_suspended)
        return stint_fail(err, STINT_WRONG_STATE, "%s is %s already", user,
                          is_suspended ? "suspended" : "active");
    if (act->is_rehearsal)
        return 0;
    struct stint_user_row row;
    struct act_mark mark = act_mark(ledger);
    user_fill(ledger, found, &row);
    row.state = is_suspended ? "suspended" : "active";
    row.suspended_ms = is_suspended ? ledger_now_ms(ledger) : 0;
    row.suspended_by = is_suspended ? act->caller->name : NULL;
    row.suspended_why = is_suspended ? act->reason : NULL;
    r = stint_store_put_user(ledger->options.store, &row, err);
    if (r == 0)
        r = user_publish(ledger, act, is_suspended ? "user.suspend" : "user.resume", found, NULL,
                         NULL, err);
    if (r == 0) {
        found->is_suspended = is_suspended;
        found->is_stored = true;
        (void)suspension_take(found->account, row.suspended_ms, row.suspended_by,
                              row.suspended_why);
    }
    return act_end(ledger, mark, r);
}

int stint_ledger_user_remove(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *user, const char *project, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r != 0)
        return r;
    struct ledger_user *found = user ? user_by_name(ledger, user) : NULL;
    struct ledger_project *left = project ? project_by_name(ledger, project) : NULL;
    if (!found || !left || !user_member(found, left))
        return stint_fail(err, STINT_NOT_FOUND, "%.64s is not a member of %.64s", user ? user : "",
                          project ? project : "");
    if (act->is_rehearsal)
        return 0;
    struct act_mark mark = act_mark(ledger);
    r = stint_store_remove_member(ledger->options.store, left->id, found->uid, err);
    if (r == 0)
        r = user_publish(ledger, act, "user.remove", found, left, NULL, err);
    if (r == 0)
        user_leave(found, left);
    return act_end(ledger, mark, r);
}
