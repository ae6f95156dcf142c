/* What an empty store begins with, so that `stint submit -- true` works at once (INTERFACE §3): one
 * institution, the project `default`, the operator as its PI, and an award of a year. */
#include "state.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "stint/buffer.h"
#include "stint/store.h"

#define FIRST_AWARD_MS (INT64_C(366) * 86400 * 1000)

/* The login name of @uid, or its digits. Asks the system: administrators' verbs and starts only. */
static void login_name(uid_t uid, char *name, size_t size)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
        strlen(found->pw_name) < size)
        (void)snprintf(name, size, "%s", found->pw_name);
    else
        (void)snprintf(name, size, "%lu", (unsigned long)uid);
}

int ledger_first_start(struct stint_ledger *ledger, struct stint_error *err)
{
    struct stint_caller caller = { .uid = ledger->options.operator_uid,
                                   .role = STINT_ROLE_OPERATOR };
    struct stint_act act = { .caller = &caller, .reason = "first start" };
    int64_t now_ms = ledger_now_ms(ledger);
    int64_t id, hours = ledger->options.default_award_hours;
    login_name(caller.uid, caller.name, sizeof(caller.name));
    int r = stint_ledger_institution_add(ledger, &act, "home", "Home institution", &id, err);
    if (r == 0)
        r = stint_ledger_project_add(ledger, &act, "default", "home", NULL, "Default project", &id,
                                     err);
    if (r == 0)
        r = stint_ledger_user_add(ledger, &act, caller.name, "default", "manager", 1, err);
    if (r == 0 && hours > 0)
        r = stint_ledger_award_grant(ledger, &act, "default", "default", hours * 1000000, now_ms,
                                     now_ms + FIRST_AWARD_MS, "Default award", &id, err);
    return r;
}
