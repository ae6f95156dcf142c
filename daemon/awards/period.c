/* Where a day, a week and a month begin, in the site's time zone. Days are not 24 hours: on two
 * days a year a clock change makes them 23 or 25, and in some zones the change takes midnight
 * itself away, or has it twice. The first instant that bears the day's date is its beginning. */
#include "period.h"

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

/* The beginning of the period that is @ahead (0 or 1) periods after that of @at_ms. */
static int64_t period_begin(enum stint_period period, int64_t at_ms, int ahead)
{
    time_t at = (time_t)(at_ms >= 0 ? at_ms / 1000 : (at_ms - 999) / 1000);
    struct tm local;
    if (!localtime_r(&at, &local))
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

int64_t period_begin_ms(enum stint_period period, int64_t at_ms)
{
    return period_begin(period, at_ms, 0);
}

int64_t period_end_ms(enum stint_period period, int64_t at_ms)
{
    return period_begin(period, at_ms, 1);
}

static const char *const period_names[] = { "", "day", "week", "month" };

const char *period_name(enum stint_period period)
{
    return (unsigned)period <= STINT_PERIOD_MONTH ? period_names[period] : "";
}

enum stint_period period_from_name(const char *name)
{
    for (unsigned i = STINT_PERIOD_DAY; i <= STINT_PERIOD_MONTH; i++)
        if (strcmp(name, period_names[i]) == 0)
            return (enum stint_period)i;
    return STINT_PERIOD_NONE;
}
