/* When a reservation is: once, or every week. Pure but for the process's time zone. */
#ifndef STINT_CALENDAR_RULE_H
#define STINT_CALENDAR_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/error.h"
#include "stint/scheduler.h"

#define RULE_TEXT_MAX 64

/**
 * struct rule - @days 0: once, from @from_ms until @until_ms; else on these days (bit 0 is Monday)
 * from @from_minute of the day until @until_minute, of the next day when that is not later, as far
 * as it lies between @from_ms and @until_ms (INT64_MAX: for good)
 */
struct rule {
    uint8_t days;
    int from_minute;
    int until_minute;
    int64_t from_ms;
    int64_t until_ms;
};

/* "mon-fri,sun" or "daily", and "08:00-18:00". 0 or STINT_INVALID. */
int rule_parse(const char *days, const char *hours, struct rule *rule, struct stint_error *err);

/* The first window of @rule that ends after @at_ms; false when there is none. */
bool rule_next(const struct rule *rule, int64_t at_ms, struct stint_span *ret_span);

#endif
