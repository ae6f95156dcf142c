/* Calendar periods in the process's time zone (stint_ledger_new() sets it to the site's). */
#ifndef STINT_AWARDS_PERIOD_H
#define STINT_AWARDS_PERIOD_H

#include "stint/ledger.h"

/* First instant (ms since the epoch) of the day, ISO 8601 week (from Monday) or month that @at_ms
 * lies in. @at_ms itself for STINT_PERIOD_NONE. */
int64_t period_begin_ms(enum stint_period period, int64_t at_ms);
/* First instant of the next one; INT64_MAX for STINT_PERIOD_NONE. */
int64_t period_end_ms(enum stint_period period, int64_t at_ms);

const char *period_name(enum stint_period period);    /* "", "day", "week", "month" */
enum stint_period period_from_name(const char *name); /* NONE for an unknown one */

#endif
