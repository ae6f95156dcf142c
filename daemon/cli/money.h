/* Quotas as people read them; shared by balance and admin. */
#ifndef STINT_CLI_MONEY_H
#define STINT_CLI_MONEY_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* A quota's number in the unit of its kind: GiB, hours, a duration, or a count. Returns @text. */
char *quota_text(const char *kind, int64_t value, char *text, size_t size);
/* An array of quotas as a table; @empty is said when there are none. */
void quotas_table(const json_t *quotas, const char *empty);

#endif
