/* Civil time: days, weeks and months of the process's time zone, which is the site's
 * (stint_ledger_new() sets it). Days are not 24 hours: on two days a year a clock change makes them
 * 23 or 25, and in some zones it takes midnight itself away, or has it twice. */
#ifndef STINT_CIVIL_H
#define STINT_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum stint_period {
    STINT_PERIOD_NONE = 0,
    STINT_PERIOD_DAY,
    STINT_PERIOD_WEEK,
    STINT_PERIOD_MONTH
};

/* First instant (ms since the epoch) of the day, ISO 8601 week (from Monday) or month that @at_ms
 * lies in. @at_ms itself for STINT_PERIOD_NONE. */
int64_t stint_period_begin_ms(enum stint_period period, int64_t at_ms);
/* First instant of the next one; INT64_MAX for STINT_PERIOD_NONE. */
int64_t stint_period_end_ms(enum stint_period period, int64_t at_ms);

const char *stint_period_name(enum stint_period period);    /* "", "day", "week", "month" */
enum stint_period stint_period_from_name(const char *name); /* NONE for an unknown one */

/* First instant of the day that is @days after that of @at_ms; before it, when negative. */
int64_t stint_civil_day_ms(int64_t at_ms, int days);
/* 0 is Monday, 6 is Sunday. */
int stint_civil_weekday(int64_t at_ms);

/**
 * stint_civil_at_ms() - when the clock shows @minute (0..1440) of the day that @day_ms lies in
 * @is_last: of a time that the day has twice, the second
 * A time that the day has not is the first instant behind the gap; 1440 is the next day's first.
 * Looks at each quarter of an hour of the day: some 100 calls of localtime_r(3).
 */
int64_t stint_civil_at_ms(int64_t day_ms, int minute, bool is_last);

#endif
