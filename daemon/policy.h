/* The policy in force, and its entries in the public log (record.md §4.1: `policy.set`). */
#ifndef STINT_POLICY_H
#define STINT_POLICY_H

#include "stint/api.h"
#include "stint/error.h"

struct rooms;

/**
 * struct policy - @json: its public text; @logged: the text that was logged last, in the store or
 * in the open batch; NULL for none
 * @shown: the same for the API, borrowed from here
 */
struct policy {
    char *json;
    char *logged;
    struct stint_policy_shown shown;
};

/* At the start and after a failed commit: what the configuration says, logged when it is not what
 * was logged last. After the record is loaded and before anybody appends. */
int policy_load(struct rooms *rooms, struct stint_error *err);
/* Logs what is in force when that was not done yet; nothing while the store cannot be written. */
int policy_settle(struct rooms *rooms, const char *reason, struct stint_error *err);
/* The configuration changed: in force and logged with @reason, NULL for none, or refused and what
 * was. */
int policy_change(struct rooms *rooms, const char *reason, struct stint_error *err);
void policy_deinit(struct policy *policy);

#endif
