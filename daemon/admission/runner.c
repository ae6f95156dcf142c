/* Who may ask for anything to be run or judged here, and as whom it is. Before the first look at a
 * file: a caller who may run nothing must not leave a public decision. */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "state.h"
#include "stint/engine.h"

/* As the launcher will see it. */
static bool is_run_here(const struct stint_engine_report *report, uid_t uid)
{
    return uid == 0 ? report->root_allowed : !report->separate_users || uid >= report->min_uid;
}

static int refuse_user(const struct stint_engine_report *report, uid_t uid, const char *verb,
                       struct stint_error *err)
{
    if (uid == 0)
        (void)stint_fail(err, STINT_NOT_PERMITTED, "nothing is run or judged as root here");
    else
        (void)stint_fail(err, STINT_NOT_PERMITTED,
                         "nothing is run or judged as a system user (below uid %u) here",
                         (unsigned)report->min_uid);
    return stint_fix(err, STINT_NOT_PERMITTED,
                     "as an ordinary user, for example: runuser -u NAME -- stint %s …", verb);
}

int runner_check(const struct stint_admission *admission, const struct stint_caller *caller,
                 struct stint_error *err)
{
    struct stint_engine_report report;
    stint_engine_report(admission->options.engine, &report);
    return is_run_here(&report, caller->uid) ? 0 : refuse_user(&report, caller->uid, "submit", err);
}

int runner_of(const struct stint_admission *admission, const struct stint_caller *caller,
              const char *verb, struct runner *ret_runner, struct stint_error *err)
{
    const struct stint_admission_options *options = &admission->options;
    struct stint_engine_report report;
    uid_t own_uid = options->own_uid ? options->own_uid : geteuid();
    gid_t own_gid = options->own_uid ? options->own_gid : getegid();
    stint_engine_report(options->engine, &report);
    *ret_runner = (struct runner){ .uid = caller->uid, .gid = caller->gid };
    if (is_run_here(&report, caller->uid))
        return 0;
    if (caller->role < STINT_ROLE_OPERATOR || !is_run_here(&report, own_uid))
        return refuse_user(&report, caller->uid, verb, err);
    *ret_runner = (struct runner){ .uid = own_uid, .gid = own_gid, .is_ours = true };
    return 0;
}

static bool runner_as(const struct stint_engine_report *report, uid_t uid, struct runner *runner)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (!is_run_here(report, uid))
        return false;
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
        return false;
    *runner = (struct runner){ .uid = uid, .gid = found->pw_gid };
    return true;
}

bool runner_of_artifact(const struct stint_admission *admission, const struct artifact *artifact,
                        struct runner *ret_runner)
{
    const struct stint_admission_options *options = &admission->options;
    struct stint_engine_report report;
    uid_t own_uid = options->own_uid ? options->own_uid : geteuid();
    gid_t own_gid = options->own_uid ? options->own_gid : getegid();
    stint_engine_report(options->engine, &report);
    if (!artifact->is_in_place && is_run_here(&report, own_uid)) {
        *ret_runner = (struct runner){ .uid = own_uid, .gid = own_gid, .is_ours = true };
        return true;
    }
    if (!report.separate_users) { /* all is run as the daemon's own user anyway */
        *ret_runner = (struct runner){ .uid = artifact->registered_by, .gid = own_gid };
        return is_run_here(&report, artifact->registered_by);
    }
    return runner_as(&report, artifact->registered_by, ret_runner);
}

void owner_of(uid_t uid, gid_t gid, struct owner *ret_owner)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    int count = STINT_RUN_GROUP_MAX;
    *ret_owner = (struct owner){ .run = { .uid = uid, .gid = gid } };
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
        return;
    if (getgrouplist(found->pw_name, gid, ret_owner->groups, &count) < 0)
        count = 0; /* in more groups than a run can have: in none */
    ret_owner->run.groups = ret_owner->groups;
    ret_owner->run.group_count = (size_t)count;
}

struct evaluation_ask ask_of_artifact(struct stint_admission *admission,
                                      const struct artifact *artifact, const struct runner *runner)
{
    return (struct evaluation_ask){
        .uid = runner->uid,
        .gid = runner->gid,
        .kind = artifact->kind,
        .rules = rules_of_kind(admission, artifact->kind),
        .path = artifact->path,
        .name = artifact->name,
        .known_digest = artifact->digest,
        .must_be = artifact->digest,
        .is_ours = !artifact->is_in_place,
        .is_kept = true,
    };
}
