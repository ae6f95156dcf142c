/* What an empty store begins with, so that `stint submit -- true` works at once (INTERFACE §3): one
 * institution, the project `default`, the operator as its PI, and an award of a year on
 * each resource. */
#include "state.h"

#include <ctype.h>
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
    const struct stint_resources *resources = ledger->options.resources;
    for (uint32_t i = 0; i < resources->count && hours > 0 && r == 0; i++) {
        char name[STINT_LEDGER_NAME_MAX];
        (void)snprintf(name, sizeof(name), i == 0 ? "default%.0s" : "default-%.40s",
                       resources->list[i].name);
        for (char *at = name; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        r = stint_ledger_award_grant(ledger, &act, name, "default", resources->list[i].name,
                                     hours * 1000000, now_ms, now_ms + FIRST_AWARD_MS,
                                     "Default award", &id, err);
    }
    return r;
}
