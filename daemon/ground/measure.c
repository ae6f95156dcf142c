/* Owns: words for durations, sizes and millionths (INTERFACE §2). Each form is read whole or
 * refused whole. */
#include "stint/measure.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

/* Products of two 64-bit numbers, before they are judged. */
__extension__ typedef __int128 wide;

static bool read_digits(const char **text, int64_t *ret_value)
{
    const char *c = *text;
    int64_t value = 0;
    if (!isdigit((unsigned char)*c))
        return false;
    for (; isdigit((unsigned char)*c); c++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c - '0', &value))
            return false;
    *text = c;
    *ret_value = value;
    return true;
}

static int64_t unit_seconds(char unit)
{
    switch (tolower((unsigned char)unit)) {
    case 'w':
        return 7 * 86400;
    case 'd':
        return 86400;
    case 'h':
        return 3600;
    case 'm':
        return 60;
    case 's':
        return 1;
    default:
        return 0;
    }
}

/* Adds count * seconds to *total; false when it passes the longest duration. */
static bool add_seconds(int64_t *total, int64_t count, int64_t seconds)
{
    int64_t product;
    return !__builtin_mul_overflow(count, seconds, &product) &&
           !__builtin_add_overflow(*total, product, total) && *total <= STINT_DURATION_S_MAX;
}

/* `90m`, `2h30m`, `3d`, and the body of `PT2H30M`: number and unit, units falling. */
static bool parse_units(const char *text, int64_t *ret_s)
{
    int64_t total = 0;
    int64_t last_unit = INT64_MAX;
    bool in_time = false;
    bool is_iso = *text == 'P';
    if (is_iso)
        text++;
    if (!*text)
        return false;
    while (*text) {
        int64_t count;
        if (is_iso && !in_time && *text == 'T' && text[1]) {
            in_time = true;
            text++;
        }
        if (!read_digits(&text, &count))
            return false;
        int64_t seconds = unit_seconds(*text);
        bool is_time_unit = seconds > 0 && seconds < 86400;
        if (seconds == 0 || seconds >= last_unit || (is_iso && is_time_unit != in_time) ||
            !add_seconds(&total, count, seconds))
            return false;
        last_unit = seconds;
        text++;
    }
    *ret_s = total;
    return true;
}

/* Slurm's forms: `m`, `m:s`, `h:m:s`, `d-h`, `d-h:m`, `d-h:m:s`. */
static bool parse_colons(const char *text, int64_t *ret_s)
{
    int64_t fields[3] = { 0 };
    int64_t days = 0;
    int64_t total = 0;
    int count = 0;
    bool has_days = strchr(text, '-') != NULL;
    if (has_days && (!read_digits(&text, &days) || *text++ != '-'))
        return false;
    do {
        if (count == 3 || !read_digits(&text, &fields[count++]))
            return false;
    } while (*text == ':' && text++);
    if (*text)
        return false;
    static const int64_t with_days[3] = { 3600, 60, 1 };
    static const int64_t from_minutes[3][3] = { { 60, 0, 0 }, { 60, 1, 0 }, { 3600, 60, 1 } };
    const int64_t *unit = has_days ? with_days : from_minutes[count - 1];
    if (!add_seconds(&total, days, 86400))
        return false;
    for (int i = 0; i < count; i++)
        if (!add_seconds(&total, fields[i], unit[i]))
            return false;
    *ret_s = total;
    return true;
}

int stint_duration_parse(const char *text, int64_t *ret_s, struct stint_error *err)
{
    if (parse_colons(text, ret_s) || parse_units(text, ret_s))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'%.40s' is not a duration of at most ten years", text);
    return stint_fix(err, STINT_INVALID, "write minutes (30), 90m, 2h30m, 3d, h:m:s or d-h:m:s");
}

char *stint_duration_format(int64_t seconds, char *text, size_t size)
{
    int64_t days = seconds / 86400;
    int64_t hours = seconds / 3600 % 24;
    int64_t minutes = seconds / 60 % 60;
    if (days > 0)
        (void)snprintf(text, size, "%" PRId64 "-%02" PRId64 ":%02" PRId64 ":%02" PRId64, days,
                       hours, minutes, seconds % 60);
    else if (hours > 0)
        (void)snprintf(text, size, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, hours, minutes,
                       seconds % 60);
    else
        (void)snprintf(text, size, "%02" PRId64 ":%02" PRId64, minutes, seconds % 60);
    return text;
}

/* Reads "12" or "12.345" as millionths of one; false when malformed, too large or finer than a
 * millionth. */
static bool read_decimal(const char **text, int64_t *ret_micro)
{
    int64_t whole;
    int64_t fraction = 0;
    int64_t weight = 1000000;
    if (!read_digits(text, &whole))
        return false;
    if (**text == '.') {
        (*text)++;
        if (!isdigit((unsigned char)**text))
            return false;
        for (; isdigit((unsigned char)**text); (*text)++) {
            if (weight == 1)
                return false;
            weight /= 10;
            fraction += (**text - '0') * weight;
        }
    }
    return !__builtin_mul_overflow(whole, 1000000, ret_micro) &&
           !__builtin_add_overflow(*ret_micro, fraction, ret_micro);
}

static int size_shift(const char *suffix)
{
    static const char letters[] = "KMGTP";
    if (*suffix == '\0' || strcmp(suffix, "B") == 0)
        return 0;
    const char *letter = strchr(letters, toupper((unsigned char)*suffix));
    if (!letter ||
        !(suffix[1] == '\0' || strcmp(suffix + 1, "B") == 0 || strcmp(suffix + 1, "iB") == 0))
        return -1;
    return 10 * (int)(letter - letters + 1);
}

int stint_size_parse(const char *text, int64_t *ret_bytes, struct stint_error *err)
{
    const char *suffix = text;
    int64_t whole = 0;
    int64_t micro = 0;
    int shift = -1;
    bool has_fraction = strchr(text, '.') != NULL;
    bool is_number = has_fraction ? read_decimal(&suffix, &micro) : read_digits(&suffix, &whole);
    if (is_number)
        shift = size_shift(suffix);
    if (shift >= 0) {
        wide bytes = has_fraction ? ((wide)micro << shift) / 1000000 : (wide)whole << shift;
        if (bytes <= INT64_MAX) {
            *ret_bytes = (int64_t)bytes;
            return 0;
        }
    }
    (void)stint_fail(err, STINT_INVALID, "'%.40s' is not a size", text);
    return stint_fix(err, STINT_INVALID,
                     "write bytes, or a number with K, M, G, T or P: 16G is 16 GiB");
}

char *stint_size_format(int64_t bytes, char *text, size_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

char *stint_micro_format(int64_t micro, char *text, size_t size)
{
    bool is_negative = micro < 0;
    uint64_t magnitude = is_negative ? -(uint64_t)micro : (uint64_t)micro;
    uint64_t whole = magnitude / 1000000;
    uint64_t rest = magnitude % 1000000;
    int digits = 6;
    while (digits > 2 && rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    (void)snprintf(text, size, "%s%" PRIu64 ".%0*" PRIu64, is_negative ? "-" : "", whole, digits,
                   rest);
    return text;
}

int stint_micro_parse(const char *text, int64_t *ret_micro, struct stint_error *err)
{
    const char *rest = text;
    int64_t micro;
    if (read_decimal(&rest, &micro) && !*rest) {
        *ret_micro = micro;
        return 0;
    }
    return stint_fail(err, STINT_INVALID, "'%.40s' is not a number with at most six decimals",
                      text);
}
