/* Owns: weekly hours in the site's time zone. A window begins at the first and ends at the last of
 * a time that its day has twice, so that it is never shorter than it reads. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

#include "stint/auto.h"
#include "stint/civil.h"

#define DAYS_ALL    0x7f
#define AHEAD_MAX   15 /* days: a window of the week's only day lies within */
#define DAY_MINUTES 1440

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int day_parse(const char **text)
{
    for (int i = 0; i < 7; i++) {
        if (strncmp(*text, day_names[i], 3) == 0) {
            *text += 3;
            return i;
        }
    }
    return -1;
}

/* "mon-fri,sun"; a range may pass Sunday. */
static bool days_parse(const char *text, uint8_t *ret_days)
{
    uint8_t days = 0;
    if (strcmp(text, "daily") == 0) {
        *ret_days = DAYS_ALL;
        return true;
    }
    for (;;) {
        int first = day_parse(&text);
        int last = first;
        if (first >= 0 && *text == '-' && text++)
            last = day_parse(&text);
        if (first < 0 || last < 0)
            return false;
        for (int i = first;; i = (i + 1) % 7) {
            days |= (uint8_t)(1 << i);
            if (i == last)
                break;
        }
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return false;
    }
    *ret_days = days;
    return true;
}

/* "08:00", to "24:00". */
static bool minute_parse(const char *text, int *ret_minute)
{
    bool is_shaped =
        strspn(text, "0123456789") == 2 && text[2] == ':' && strspn(text + 3, "0123456789") == 2;
    int minute = is_shaped ? (text[0] - '0') * 600 + (text[1] - '0') * 60 + (text[3] - '0') * 10 +
                                 text[4] - '0'
                           : -1;
    if (!is_shaped || text[3] > '5' || minute > DAY_MINUTES)
        return false;
    *ret_minute = minute;
    return true;
}

int rule_parse(const char *days, const char *hours, struct rule *rule, struct stint_error *err)
{
    if (!days || !days_parse(days, &rule->days)) {
        (void)stint_fail(err, STINT_INVALID, "'%.40s' are no days of the week", days ? days : "");
        return stint_fix(err, STINT_INVALID, "write them as mon-fri,sun or daily");
    }
    if (!hours || strlen(hours) != 11 || hours[5] != '-' ||
        !minute_parse(hours, &rule->from_minute) || !minute_parse(hours + 6, &rule->until_minute) ||
        rule->from_minute == DAY_MINUTES) {
        (void)stint_fail(err, STINT_INVALID, "'%.40s' are no hours of the day", hours ? hours : "");
        return stint_fix(err, STINT_INVALID,
                         "write them as 08:00-18:00, or 22:00-06:00 into the next day");
    }
    return 0;
}

static bool once(const struct rule *rule, int64_t at_ms, struct stint_span *ret_span)
{
    *ret_span = (struct stint_span){ rule->from_ms, rule->until_ms };
    return rule->until_ms > at_ms;
}

bool rule_next(const struct rule *rule, int64_t at_ms, struct stint_span *ret_span)
{
    if (rule->days == 0)
        return once(rule, at_ms, ret_span);
    int64_t since_ms = at_ms > rule->from_ms ? at_ms : rule->from_ms;
    bool is_overnight = rule->until_minute <= rule->from_minute;
    for (int ahead = -1; ahead <= AHEAD_MAX; ahead++) { /* one that began yesterday may go on */
        int64_t day_ms = stint_civil_day_ms(since_ms, ahead);
        if (!(rule->days >> stint_civil_weekday(day_ms) & 1))
            continue;
        int64_t end_day_ms = is_overnight ? stint_civil_day_ms(day_ms, 1) : day_ms;
        struct stint_span span = {
            .from_ms = stint_civil_at_ms(day_ms, rule->from_minute, false),
            .until_ms = stint_civil_at_ms(end_day_ms, rule->until_minute, true),
        };
        span.from_ms = span.from_ms > rule->from_ms ? span.from_ms : rule->from_ms;
        span.until_ms = span.until_ms < rule->until_ms ? span.until_ms : rule->until_ms;
        if (span.from_ms < span.until_ms && span.until_ms > at_ms) {
            *ret_span = span;
            return true;
        }
    }
    return false;
}
