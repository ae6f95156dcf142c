/* What the admin verbs share. */
#ifndef STINT_CLI_ADMIN_H
#define STINT_CLI_ADMIN_H

#include <jansson.h>

#include "cli.h"

/* A body with --reason and --dry-run in it; NULL without memory. */
json_t *admin_body(struct cli *cli);
/* A text member, when there is one. */
void admin_put(json_t *body, const char *key, const char *text);
/* Sends @body (consumed) and says @done, or passes the answer through with --json. */
int admin_send(struct cli *cli, const char *method, const char *path, json_t *body,
               const char *done);

#endif
