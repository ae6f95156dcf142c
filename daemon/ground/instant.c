/* Owns: instants as text. JSON has RFC 3339 UTC; people type and read local time. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "stint/measure.h"

char *stint_instant_format(int64_t at_ms, char *text, size_t size)
{
    int64_t ms = at_ms % 1000;
    time_t seconds = (time_t)(at_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    if (ms != 0)
        (void)snprintf(text + length, size - length, ".%03dZ", (int)ms);
    else
        (void)snprintf(text + length, size - length, "Z");
    return text;
}

char *stint_instant_format_local(int64_t at_ms, char *text, size_t size)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    strftime(text, size, "%Y-%m-%d %H:%M:%S %z", &parts);
    return text;
}

static bool read_fixed(const char **text, int digits, int low, int high, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*text)[i]))
            return false;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += digits;
    *ret_value = value;
    return value >= low && value <= high;
}

static bool read_literal(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

static int month_days(int year, int month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* `hh:mm[:ss[.fraction]]` into @parts; milliseconds to *ret_ms. */
static bool read_clock(const char **text, struct tm *parts, int64_t *ret_ms)
{
    *ret_ms = 0;
    parts->tm_sec = 0;
    if (!read_fixed(text, 2, 0, 23, &parts->tm_hour) || !read_literal(text, ':') ||
        !read_fixed(text, 2, 0, 59, &parts->tm_min))
        return false;
    if (!read_literal(text, ':'))
        return true;
    if (!read_fixed(text, 2, 0, 60, &parts->tm_sec))
        return false;
    if (**text == '.') {
        int weight = 100;
        (*text)++;
        if (!isdigit((unsigned char)**text))
            return false;
        for (; isdigit((unsigned char)**text); (*text)++, weight /= 10)
            *ret_ms += (**text - '0') * weight;
    }
    return true;
}

/* `2026-11-25`, `2026-11-25T18:00[:00[.5]]` local, or with `Z` / `+01:00` (RFC 3339). */
static bool parse_date(const char *text, int64_t *ret_ms)
{
    struct tm parts = { .tm_isdst = -1 };
    int64_t ms = 0;
    int year;
    int month;
    if (!read_fixed(&text, 4, 1970, 9999, &year) || !read_literal(&text, '-') ||
        !read_fixed(&text, 2, 1, 12, &month) || !read_literal(&text, '-') ||
        !read_fixed(&text, 2, 1, month_days(year, month), &parts.tm_mday))
        return false;
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    if (*text == 'T' || *text == 't' || *text == ' ') {
        text++;
        if (!read_clock(&text, &parts, &ms))
            return false;
        if (*text == 'Z' || *text == 'z' || *text == '+' || *text == '-') {
            char sign = *text++;
            int hours = 0;
            int minutes = 0;
            bool is_utc = sign == 'Z' || sign == 'z';
            if (!is_utc && (!read_fixed(&text, 2, 0, 23, &hours) || !read_literal(&text, ':') ||
                            !read_fixed(&text, 2, 0, 59, &minutes)))
                return false;
            int64_t offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
            *ret_ms = ((int64_t)timegm(&parts) - offset_s) * 1000 + ms;
            return *text == '\0';
        }
    }
    *ret_ms = (int64_t)mktime(&parts) * 1000 + ms;
    return *text == '\0';
}

/* `now`, `now+2h`, `today`, `tomorrow`, `18:00` (the next one). */
static bool parse_relative(const char *text, int64_t now_ms, int64_t *ret_ms)
{
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm parts;
    localtime_r(&now_s, &parts);
    parts.tm_isdst = -1;
    if (strncmp(text, "now", 3) == 0) {
        int64_t seconds = 0;
        if (text[3] != '\0' &&
            (text[3] != '+' || stint_duration_parse(text + 4, &seconds, NULL) != 0))
            return false;
        *ret_ms = now_ms + seconds * 1000;
        return true;
    }
    bool is_tomorrow = strcmp(text, "tomorrow") == 0;
    if (is_tomorrow || strcmp(text, "today") == 0) {
        parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
        parts.tm_mday += is_tomorrow;
        *ret_ms = (int64_t)mktime(&parts) * 1000;
        return true;
    }
    int64_t ms;
    if (!read_clock(&text, &parts, &ms) || *text != '\0')
        return false;
    *ret_ms = (int64_t)mktime(&parts) * 1000 + ms;
    if (*ret_ms <= now_ms) {
        parts.tm_mday++;
        parts.tm_isdst = -1;
        *ret_ms = (int64_t)mktime(&parts) * 1000 + ms;
    }
    return true;
}

int stint_instant_parse(const char *text, int64_t now_ms, int64_t *ret_ms, struct stint_error *err)
{
    int64_t at_ms;
    if (parse_date(text, &at_ms) || parse_relative(text, now_ms, &at_ms)) {
        *ret_ms = at_ms;
        return 0;
    }
    (void)stint_fail(err, STINT_INVALID, "'%.60s' is not a time", text);
    return stint_fix(err, STINT_INVALID,
                     "write 2026-11-25T18:00:00Z, 2026-11-25, 18:00, tomorrow, or now+2h");
}
