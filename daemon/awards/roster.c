/* Institutions, projects and users in memory, by id and by name. */
#include "state.h"

#include <errno.h>
#include <string.h>

bool name_is_valid(const char *name)
{
    size_t length = strnlen(name, STINT_LEDGER_NAME_MAX + 1);
    if (length == 0 || length > STINT_LEDGER_NAME_MAX)
        return false;
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != length)
        return false;
    return strchr("._-", name[0]) == NULL;
}

int name_check(const char *what, const char *name, struct stint_error *err)
{
    if (name && name_is_valid(name))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'%.64s' is no name for %s", name ? name : "", what);
    return stint_fix(err, STINT_INVALID,
                     "use 1 to %d of a-z 0-9 . _ - and begin with a letter or digit",
                     STINT_LEDGER_NAME_MAX);
}

/* Bytes of the UTF-8 sequence at @text, 0 for what is none, is overlong, or is a control. */
static size_t printable_length(const unsigned char *text)
{
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f;
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    bool is_no_character =
        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f);
    bool is_control = text[0] == 0xc2 && text[1] < 0xa0;
    return is_overlong || is_no_character || is_control ? 0 : length;
}

int text_check(const char *what, const char *text, size_t length_max, struct stint_error *err)
{
    if (!text)
        return 0;
    if (strnlen(text, length_max + 1) > length_max)
        return stint_fail(err, STINT_TOO_LARGE, "%s is longer than %zu bytes", what, length_max);
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = printable_length(at);
        if (length == 0)
            return stint_fail(err, STINT_INVALID, "%s is not one line of printable UTF-8", what);
        at += length;
    }
    return 0;
}

const char *role_word(const char *role)
{
    static const char *const words[] = { "member", "manager", "pi" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
        if (role && strcmp(role, words[i]) == 0)
            return words[i];
    return NULL;
}

/* ---- look-ups */

struct ledger_institution *institution_find(const struct stint_ledger *ledger, int64_t id)
{
    struct ledger_institution *institution = NULL;
    HASH_FIND(by_id, ledger->institutions, &id, sizeof(id), institution);
    return institution;
}

struct ledger_institution *institution_by_name(const struct stint_ledger *ledger, const char *name)
{
    struct ledger_institution *institution = NULL;
    HASH_FIND(by_name, ledger->institutions_by_name, name, strlen(name), institution);
    return institution;
}

struct ledger_project *project_find(const struct stint_ledger *ledger, int64_t id)
{
    struct ledger_project *project = NULL;
    HASH_FIND(by_id, ledger->projects, &id, sizeof(id), project);
    return project;
}

struct ledger_project *project_by_name(const struct stint_ledger *ledger, const char *name)
{
    struct ledger_project *project = NULL;
    HASH_FIND(by_name, ledger->projects_by_name, name, strlen(name), project);
    return project;
}

struct ledger_user *user_find(const struct stint_ledger *ledger, uid_t uid)
{
    struct ledger_user *user = NULL;
    HASH_FIND(hh, ledger->users, &uid, sizeof(uid), user);
    return user;
}

/* O(users): administrators' verbs only. */
struct ledger_user *user_by_name(const struct stint_ledger *ledger, const char *name)
{
    for (struct ledger_user *user = ledger->users; user; user = user->hh.next)
        if (strcmp(user->name, name) == 0)
            return user;
    return NULL;
}

/* ---- into memory */

static char *copy_text(const char *text)
{
    return strdup(text ? text : "");
}

static void institution_free(struct ledger_institution *institution)
{
    if (!institution)
        return;
    free(institution->name);
    free(institution->title);
    free(institution);
}

static bool institution_fill(struct stint_ledger *ledger, const struct stint_institution_row *row,
                             struct ledger_institution *institution)
{
    institution->id = row->id;
    institution->name = strdup(row->name);
    institution->title = copy_text(row->title);
    institution->account =
        account_for(ledger, STINT_ACCOUNT_INSTITUTION, row->id, LEDGER_SITE_ACCOUNT);
    return institution->name && institution->title && institution->account;
}

struct ledger_institution *institution_add(struct stint_ledger *ledger,
                                           const struct stint_institution_row *row)
{
    struct ledger_institution *institution = calloc(1, sizeof(*institution));
    if (!institution || !institution_fill(ledger, row, institution)) {
        institution_free(institution);
        return NULL;
    }
    HASH_ADD(by_id, ledger->institutions, id, sizeof(institution->id), institution);
    HASH_ADD_KEYPTR(by_name, ledger->institutions_by_name, institution->name,
                    strlen(institution->name), institution);
    return institution;
}

static void project_free(struct ledger_project *project)
{
    if (!project)
        return;
    free(project->name);
    free(project->pi);
    free(project->title);
    free(project->awards);
    free(project);
}

static bool project_fill(struct stint_ledger *ledger, const struct stint_project_row *row,
                         struct ledger_project *project)
{
    project->id = row->id;
    project->name = strdup(row->name);
    project->pi = copy_text(row->pi);
    project->title = copy_text(row->title);
    project->created_ms = row->created_ms;
    project->is_suspended = row->state && strcmp(row->state, "suspended") == 0;
    project->institution = institution_find(ledger, row->institution);
    if (project->institution)
        project->account = account_for(ledger, STINT_ACCOUNT_PROJECT, row->id,
                                       project->institution->account->number);
    return project->name && project->pi && project->title && project->account &&
           (!project->is_suspended || suspension_take(project->account, row->suspended_ms,
                                                      row->suspended_by, row->suspended_why));
}

struct ledger_project *project_add(struct stint_ledger *ledger, const struct stint_project_row *row)
{
    struct ledger_project *project = calloc(1, sizeof(*project));
    if (!project || !project_fill(ledger, row, project)) {
        project_free(project);
        return NULL;
    }
    HASH_ADD(by_id, ledger->projects, id, sizeof(project->id), project);
    HASH_ADD_KEYPTR(by_name, ledger->projects_by_name, project->name, strlen(project->name),
                    project);
    return project;
}

struct ledger_user *user_for(struct stint_ledger *ledger, uid_t uid, const char *name)
{
    struct ledger_user *user = user_find(ledger, uid);
    if (!user) {
        if (HASH_COUNT(ledger->users) >= LEDGER_USERS_MAX || !(user = calloc(1, sizeof(*user))))
            return NULL;
        user->uid = uid;
        user->account = account_for(ledger, STINT_ACCOUNT_USER, (int64_t)uid, STINT_NO_ACCOUNT);
        if (!user->account) {
            free(user);
            return NULL;
        }
        (void)snprintf(user->name, sizeof(user->name), "%lu", (unsigned long)uid);
        HASH_ADD(hh, ledger->users, uid, sizeof(user->uid), user);
    }
    if (name && *name)
        (void)snprintf(user->name, sizeof(user->name), "%s", name);
    return user;
}

struct ledger_member *user_member(const struct ledger_user *user,
                                  const struct ledger_project *project)
{
    for (size_t i = 0; user && i < user->member_count; i++)
        if (user->members[i].project == project)
            return &user->members[i];
    return NULL;
}

bool user_join(struct ledger_user *user, struct ledger_project *project, const char *role)
{
    struct ledger_member *member = user_member(user, project);
    if (!member) {
        struct ledger_member *members = NULL;
        if (user->member_count < LEDGER_MEMBERSHIPS_MAX)
            members = reallocarray(user->members, user->member_count + 1, sizeof(*members));
        if (!members)
            return false;
        user->members = members;
        member = &members[user->member_count++];
        member->project = project;
        project->member_count++;
    }
    member->role = role;
    return true;
}

void user_leave(struct ledger_user *user, struct ledger_project *project)
{
    struct ledger_member *member = user_member(user, project);
    if (!member)
        return;
    *member = user->members[--user->member_count];
    project->member_count--;
}

void institution_drop(struct stint_ledger *ledger, struct ledger_institution *institution)
{
    HASH_DELETE(by_id, ledger->institutions, institution);
    HASH_DELETE(by_name, ledger->institutions_by_name, institution);
    institution_free(institution);
}

void project_drop(struct stint_ledger *ledger, struct ledger_project *project)
{
    HASH_DELETE(by_id, ledger->projects, project);
    HASH_DELETE(by_name, ledger->projects_by_name, project);
    project_free(project);
}

/* HASH_CLEAR frees the tables alone; the elements stay a list. */
void roster_free(struct stint_ledger *ledger)
{
    struct ledger_institution *institution = ledger->institutions, *next_institution;
    struct ledger_project *project = ledger->projects, *next_project;
    struct ledger_user *user = ledger->users, *next_user;
    HASH_CLEAR(by_name, ledger->institutions_by_name);
    HASH_CLEAR(by_name, ledger->projects_by_name);
    HASH_CLEAR(by_id, ledger->institutions);
    HASH_CLEAR(by_id, ledger->projects);
    HASH_CLEAR(hh, ledger->users);
    for (; institution; institution = next_institution) {
        next_institution = institution->by_id.next;
        institution_free(institution);
    }
    for (; project; project = next_project) {
        next_project = project->by_id.next;
        project_free(project);
    }
    for (; user; user = next_user) {
        next_user = user->hh.next;
        free(user->members);
        free(user);
    }
}

/* ---- who may what */

enum stint_role stint_ledger_role(const struct stint_ledger *ledger, uid_t uid, const char *name)
{
    (void)name; /* roles go by uid: a name can be given anew to somebody else */
    if (uid == (uid_t)-1)
        return STINT_ROLE_PUBLIC;
    const struct ledger_user *user = user_find(ledger, uid);
    bool is_operator = uid == 0 || uid == ledger->options.operator_uid ||
                       (user && user->is_operator && !user->is_suspended);
    return is_operator ? STINT_ROLE_OPERATOR : STINT_ROLE_USER;
}

/* @project: NULL for any. */
static int membership_refusal(const struct stint_caller *caller, const char *project,
                              struct stint_error *err)
{
    (void)stint_fail(err, STINT_NOT_PERMITTED, "%s is not a member of %s", caller->name,
                     project ? project : "any project");
    return stint_fix(err, STINT_NOT_PERMITTED,
                     "ask an operator for: stint admin user add %s --project %s --reason TEXT",
                     caller->name, project ? project : "NAME");
}

static bool may_use(const struct stint_ledger *ledger, const struct ledger_user *user,
                    const struct stint_caller *caller, const struct ledger_project *project)
{
    if (user_member(user, project) || caller->role == STINT_ROLE_OPERATOR)
        return true;
    return ledger->options.join_open && strcmp(project->name, "default") == 0;
}

/* Without a word of the caller: his only project, else `default` if it is his. */
static int project_of_habit(struct stint_ledger *ledger, const struct stint_caller *caller,
                            const struct ledger_user *user, int64_t *ret_project,
                            struct stint_error *err)
{
    if (user && user->member_count == 1) {
        *ret_project = user->members[0].project->id;
        return 0;
    }
    const struct ledger_project *project = project_by_name(ledger, "default");
    if (project && may_use(ledger, user, caller, project)) {
        *ret_project = project->id;
        return 0;
    }
    if (!user || user->member_count == 0)
        return membership_refusal(caller, NULL, err);
    (void)stint_fail(err, STINT_INVALID, "%s is a member of several projects", caller->name);
    return stint_fix(err, STINT_INVALID, "name one: --project %s", user->members[0].project->name);
}

int stint_ledger_project_for(struct stint_ledger *ledger, const struct stint_caller *caller,
                             const char *name, int64_t *ret_project, struct stint_error *err)
{
    if (caller->uid == (uid_t)-1)
        return stint_fail(err, STINT_NOT_LOGGED_IN, "nobody is logged in");
    struct ledger_user *user = user_for(ledger, caller->uid, caller->name);
    if (!user)
        return -ENOMEM;
    if (!name)
        return project_of_habit(ledger, caller, user, ret_project, err);
    const struct ledger_project *project = project_by_name(ledger, name);
    if (!project) {
        (void)stint_fail(err, STINT_NOT_FOUND, "there is no project %.64s", name);
        return stint_fix(err, STINT_NOT_FOUND, "see: stint balance");
    }
    if (!may_use(ledger, user, caller, project))
        return membership_refusal(caller, name, err);
    *ret_project = project->id;
    return 0;
}

bool stint_ledger_is_member(const struct stint_ledger *ledger, uid_t uid, const char *project)
{
    const struct ledger_project *found = project_by_name(ledger, project);
    const struct ledger_user *user = user_find(ledger, uid);
    if (!found)
        return false;
    return user_member(user, found) != NULL ||
           (ledger->options.join_open && strcmp(project, "default") == 0 && uid != (uid_t)-1);
}

const char *stint_ledger_project_name(const struct stint_ledger *ledger, int64_t project)
{
    const struct ledger_project *found = project_find(ledger, project);
    return found ? found->name : NULL;
}
