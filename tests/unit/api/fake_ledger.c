/* The books as a fake: one award, and deeds that are counted. */
#include "fake_rooms.h"

#include <unistd.h>

#include "stint/ledger.h"

enum stint_role stint_ledger_role(const struct stint_ledger *ledger, uid_t uid, const char *name)
{
    (void)ledger;
    (void)uid;
    (void)name;
    return STINT_ROLE_USER; /* even for root: what a user sees is what is tested */
}

const char *stint_ledger_project_name(const struct stint_ledger *ledger, int64_t project)
{
    (void)ledger;
    return project == 1 ? "<nlp>" : NULL;
}

const char *stint_ledger_award_name(const struct stint_ledger *ledger, int64_t award)
{
    (void)ledger;
    return award ? "2026-001" : NULL;
}

int64_t stint_ledger_award_id(const struct stint_ledger *ledger, const char *name)
{
    (void)ledger;
    (void)name;
    return 1;
}

void stint_ledger_account(const struct stint_ledger *ledger, uint32_t account, uint32_t what,
                          struct stint_account_view *ret_view)
{
    (void)ledger;
    (void)account;
    *ret_view = (struct stint_account_view){
        .kind = "user", .name = SEED "user", .set_by = SEED "operator", .set_ms = 1
    };
    if (what == FAKE_HOURS_OF_A_DAY) {
        ret_view->unit = "GPU-hours";
        ret_view->period = "day";
    }
    if (fake.account_kind) {
        ret_view->kind = fake.account_kind;
        ret_view->name = fake.account_name;
    }
}

const char *stint_ledger_unit(const struct stint_ledger *ledger, uint32_t resource)
{
    (void)ledger, (void)resource;
    return "core-hour";
}

bool stint_ledger_is_member(const struct stint_ledger *ledger, uid_t uid, const char *project)
{
    (void)ledger;
    (void)project;
    return uid == getuid();
}

void stint_ledger_each_award(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_award_view *view),
                             void *context)
{
    struct stint_award_view view = { .id = 1,
                                     .name = "2026-001",
                                     .project = "<nlp>",
                                     .title = "A \"title\"",
                                     .unit = "core-hour",
                                     .state = fake.award_state ? fake.award_state : "active",
                                     .resource = "local",
                                     .awarded_micro = 10000000,
                                     .used_micro = 2500000,
                                     .held_micro = 1000000,
                                     .until_ms = 1795629660000 };
    (void)ledger;
    (void)fn(context, &view);
}

void stint_ledger_each_project(struct stint_ledger *ledger,
                               bool (*fn)(void *context, const struct stint_project_view *view),
                               void *context)
{
    struct stint_project_view view = { .id = 1,
                                       .name = "<nlp>",
                                       .institution = "ling",
                                       .pi = "Prof. Example",
                                       .title = "t",
                                       .member_count = 3 };
    (void)ledger;
    (void)fn(context, &view);
}

void stint_ledger_each_institution(struct stint_ledger *ledger,
                                   bool (*fn)(void *context, int64_t id, const char *name,
                                              const char *title),
                                   void *context)
{
    (void)ledger;
    (void)fn(context, 1, "ling", "Linguistics");
}

void stint_ledger_each_quota(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_quota_view *view),
                             void *context)
{
    struct stint_quota_view user = { .scope = "user",
                                     .scope_name = SEED "user",
                                     .kind = "jobs",
                                     .period = "",
                                     .ceiling = 1,
                                     .set_by = SEED "operator",
                                     .reason = "r" };
    struct stint_quota_view project = user;
    project.scope = "project";
    project.scope_name = "<nlp>";
    (void)ledger;
    struct stint_quota_view hours = project;
    hours.kind = "gpu-hours";
    hours.period = "day";
    hours.ceiling = 1000000;
    if (fn(context, &user) && fn(context, &project))
        (void)fn(context, &hours);
}

void stint_ledger_each_user(struct stint_ledger *ledger,
                            bool (*fn)(void *context, const struct stint_user_view *view),
                            void *context)
{
    struct stint_user_view view = { 4242, SEED "user", "<nlp>", false, false };
    (void)ledger;
    (void)fn(context, &view);
}

/* One of each scope; the user's is somebody else's. */
static const struct stint_share_view fake_shares[] = {
    { .scope = "institution",
      .name = "ling",
      .parent = "",
      .shares = 1,
      .share = 1,
      .rank_count = 1 },
    { .scope = "project",
      .name = "<nlp>",
      .parent = "ling",
      .shares = 3,
      .share = 0.75,
      .usage = 0.5,
      .used_share_ms = 10,
      .rank_count = 1,
      .awarded_micro = 2500000,
      .set_by = SEED "operator",
      .reason = "call",
      .set_ms = 1 },
    { .scope = "user", .name = SEED "user", .parent = "<nlp>", .shares = 1, .rank_count = 1 },
};

void stint_ledger_each_share(struct stint_ledger *ledger, uint32_t resource,
                             bool (*fn)(void *context, const struct stint_share_view *view),
                             void *context)
{
    (void)ledger, (void)resource;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(fake_shares); i++)
        if (!fn(context, &fake_shares[i]))
            return;
}

void stint_ledger_shares_of(struct stint_ledger *ledger, uint32_t resource, int64_t project,
                            uid_t uid,
                            bool (*fn)(void *context, const struct stint_share_view *view),
                            void *context)
{
    (void)ledger, (void)resource, (void)project, (void)uid;
    for (size_t i = STINT_ARRAY_SIZE(fake_shares); i-- > 0;)
        if (!fn(context, &fake_shares[i]))
            return;
}

#define FAKE_ADMIN(name, ...)                                                                      \
    int name(struct stint_ledger *ledger, const struct stint_act *act, __VA_ARGS__)

FAKE_ADMIN(stint_ledger_institution_add, const char *name, const char *title, int64_t *ret_id,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)title, (void)err;
    *ret_id = 1;
    return 0;
}

FAKE_ADMIN(stint_ledger_project_add, const char *name, const char *institution, const char *pi,
           const char *title, int64_t *ret_id, struct stint_error *err)
{
    (void)institution, (void)pi;
    return stint_ledger_institution_add(ledger, act, name, title, ret_id, err);
}

FAKE_ADMIN(stint_ledger_project_suspend, const char *name, bool is_suspended,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)is_suspended, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_project_set, const char *name, const char *pi, const char *title,
           struct stint_error *err)
{
    (void)ledger, (void)act, (void)name, (void)pi, (void)title, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_user_add, const char *user, const char *project, const char *role,
           int is_operator, struct stint_error *err)
{
    (void)ledger, (void)act, (void)user, (void)project, (void)role, (void)is_operator, (void)err;
    return 0;
}

FAKE_ADMIN(stint_ledger_user_suspend, const char *user, bool is_suspended, struct stint_error *err)
{
    return stint_ledger_project_suspend(ledger, act, user, is_suspended, err);
}

FAKE_ADMIN(stint_ledger_user_remove, const char *user, const char *project, struct stint_error *err)
{
    (void)project;
    return stint_ledger_project_suspend(ledger, act, user, false, err);
}

FAKE_ADMIN(stint_ledger_award_grant, const char *name, const char *project, const char *resource,
           int64_t amount_micro, int64_t from_ms, int64_t until_ms, const char *title,
           int64_t *ret_id, struct stint_error *err)
{
    (void)project, (void)resource, (void)amount_micro, (void)from_ms, (void)until_ms;
    return stint_ledger_institution_add(ledger, act, name, title, ret_id, err);
}

FAKE_ADMIN(stint_ledger_award_change, const char *name, enum stint_award_change change,
           int64_t amount_micro, int64_t until_ms, struct stint_error *err)
{
    (void)change, (void)amount_micro, (void)until_ms;
    return stint_ledger_project_suspend(ledger, act, name, false, err);
}

FAKE_ADMIN(stint_ledger_award_transfer, const char *from, const char *to, int64_t amount_micro,
           struct stint_error *err)
{
    (void)to, (void)amount_micro;
    return stint_ledger_project_suspend(ledger, act, from, false, err);
}

FAKE_ADMIN(stint_ledger_share_set, enum stint_quota_scope scope, const char *scope_name,
           int64_t shares, struct stint_error *err)
{
    (void)scope, (void)shares;
    return stint_ledger_project_suspend(ledger, act, scope_name, false, err);
}

FAKE_ADMIN(stint_ledger_quota_set, enum stint_quota_scope scope, const char *scope_name,
           const char *assignment, struct stint_error *err)
{
    (void)scope, (void)assignment;
    return stint_ledger_project_suspend(ledger, act, scope_name, false, err);
}
