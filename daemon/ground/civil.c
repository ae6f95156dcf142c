/* Civil time. The first instant that bears a day's date is its beginning. */
#include "stint/civil.h"

#include <string.h>
#include <time.h>

#define CLOCK_CHANGE_STEP_S 900 /* every change there is, is a multiple of this */
#define CLOCK_CHANGE_MAX_S  10800

static bool is_same_day(time_t at, const struct tm *day)
{
    struct tm local;
    return localtime_r(&at, &local) && local.tm_year == day->tm_year &&
           local.tm_mon == day->tm_mon && local.tm_mday == day->tm_mday;
}

/* First instant of the day at @year (since 1900), @month (0..11), @day, which may lie outside of
 * the month: mktime(3) moves it. */
static time_t day_begin(int year, int month, int day)
{
    /* Noon exists everywhere and every day, and tells which date is meant. */
    struct tm noon = {
        .tm_year = year, .tm_mon = month, .tm_mday = day, .tm_hour = 12, .tm_isdst = -1
    };
    (void)mktime(&noon);
    struct tm midnight = {
        .tm_year = noon.tm_year, .tm_mon = noon.tm_mon, .tm_mday = noon.tm_mday, .tm_isdst = -1
    };
    time_t at = mktime(&midnight);
    for (int moved = 0; moved < CLOCK_CHANGE_MAX_S && !is_same_day(at, &noon);
         moved += CLOCK_CHANGE_STEP_S)
        at += CLOCK_CHANGE_STEP_S;
    for (int moved = 0; moved < CLOCK_CHANGE_MAX_S && is_same_day(at - 1, &noon);
         moved += CLOCK_CHANGE_STEP_S)
        at -= CLOCK_CHANGE_STEP_S;
    return at;
}

static bool local_time(int64_t at_ms, struct tm *local)
{
    time_t at = (time_t)(at_ms >= 0 ? at_ms / 1000 : (at_ms - 999) / 1000);
    return localtime_r(&at, local) != NULL;
}

/* The beginning of the period that is @ahead (0 or 1) periods after that of @at_ms. */
static int64_t civil_begin(enum stint_period period, int64_t at_ms, int ahead)
{
    struct tm local;
    if (!local_time(at_ms, &local))
        return at_ms;
    int days_since_monday = (local.tm_wday + 6) % 7;
    switch (period) {
    case STINT_PERIOD_DAY:
        return (int64_t)day_begin(local.tm_year, local.tm_mon, local.tm_mday + ahead) * 1000;
    case STINT_PERIOD_WEEK:
        return (int64_t)day_begin(local.tm_year, local.tm_mon,
                                  local.tm_mday - days_since_monday + 7 * ahead) *
               1000;
    case STINT_PERIOD_MONTH:
        return (int64_t)day_begin(local.tm_year, local.tm_mon + ahead, 1) * 1000;
    case STINT_PERIOD_NONE:
        break;
    }
    return ahead ? INT64_MAX : at_ms;
}

int64_t stint_period_begin_ms(enum stint_period period, int64_t at_ms)
{
    return civil_begin(period, at_ms, 0);
}

int64_t stint_period_end_ms(enum stint_period period, int64_t at_ms)
{
    return civil_begin(period, at_ms, 1);
}

static const char *const period_names[] = { "", "day", "week", "month" };

const char *stint_period_name(enum stint_period period)
{
    return (unsigned)period <= STINT_PERIOD_MONTH ? period_names[period] : "";
}

enum stint_period stint_period_from_name(const char *name)
{
    for (unsigned i = STINT_PERIOD_DAY; i <= STINT_PERIOD_MONTH; i++)
        if (strcmp(name, period_names[i]) == 0)
            return (enum stint_period)i;
    return STINT_PERIOD_NONE;
}

int64_t stint_civil_day_ms(int64_t at_ms, int days)
{
    struct tm local;
    if (!local_time(at_ms, &local))
        return at_ms;
    return (int64_t)day_begin(local.tm_year, local.tm_mon, local.tm_mday + days) * 1000;
}

int stint_civil_weekday(int64_t at_ms)
{
    struct tm local;
    return local_time(at_ms, &local) ? (local.tm_wday + 6) % 7 : 0;
}

int64_t stint_civil_at_ms(int64_t day_ms, int minute, bool is_last)
{
    int64_t begin_ms = stint_civil_day_ms(day_ms, 0);
    int64_t end_ms = stint_civil_day_ms(day_ms, 1);
    int64_t found_ms = end_ms;
    bool is_exact = false;
    struct tm local;
    /* Days and clock changes begin at multiples of a quarter of an hour: so does this search. */
    int64_t step_ms = INT64_C(1000) * CLOCK_CHANGE_STEP_S;
    for (int64_t at_ms = begin_ms + (int64_t)minute % 15 * 60000; at_ms < end_ms;
         at_ms += step_ms) {
        if (!local_time(at_ms, &local))
            return end_ms;
        int shown = local.tm_hour * 60 + local.tm_min;
        if (shown == minute && (!is_exact || is_last)) {
            found_ms = at_ms;
            is_exact = true;
        } else if (shown > minute && !is_exact && at_ms < found_ms) {
            found_ms = at_ms - (int64_t)minute % 15 * 60000; /* behind a gap */
        }
    }
    return found_ms;
}
