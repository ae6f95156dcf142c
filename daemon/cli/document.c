/* Owns: reading members of the daemon's documents. */
#include "document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stint/measure.h"

#define DOC_PART_MAX 64

const json_t *doc_at(const json_t *json, const char *path)
{
    while (json && *path) {
        char part[DOC_PART_MAX];
        size_t length = strcspn(path, ".");
        if (length >= sizeof(part))
            return NULL;
        (void)snprintf(part, sizeof(part), "%.*s", (int)length, path);
        json = json_object_get(json, part);
        path += length + (path[length] == '.');
    }
    return json_is_null(json) ? NULL : json;
}

const char *doc_text(const json_t *json, const char *path)
{
    return json_string_value(doc_at(json, path));
}

const char *doc_text_or(const json_t *json, const char *path, const char *other)
{
    const char *text = doc_text(json, path);
    return text && *text ? text : other;
}

int64_t doc_int(const json_t *json, const char *path, int64_t other)
{
    const json_t *value = doc_at(json, path);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : other;
}

double doc_number(const json_t *json, const char *path, double other)
{
    const json_t *value = doc_at(json, path);
    return json_is_number(value) ? json_number_value(value) : other;
}

bool doc_bool(const json_t *json, const char *path)
{
    return json_is_true(doc_at(json, path));
}

bool doc_names_resources(const json_t *rows)
{
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(doc_text_or(row, "resource", "local"), "local") != 0)
            return true;
    }
    return false;
}

bool doc_has(const json_t *json, const char *path)
{
    return doc_at(json, path) != NULL;
}

int64_t wall_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t doc_time_ms(const json_t *json, const char *path)
{
    int64_t at_ms;
    const char *text = doc_text(json, path);
    return text && stint_instant_parse(text, 0, &at_ms, NULL) == 0 ? at_ms : 0;
}

char *doc_time(const json_t *json, const char *path, char text[DOC_TIME_MAX])
{
    int64_t at_ms = doc_time_ms(json, path);
    time_t at_s = (time_t)(at_ms / 1000);
    time_t now_s = time(NULL);
    struct tm at;
    struct tm now;
    (void)snprintf(text, DOC_TIME_MAX, "-");
    if (at_ms == 0)
        return text;
    localtime_r(&at_s, &at);
    localtime_r(&now_s, &now);
    bool is_today = at.tm_year == now.tm_year && at.tm_yday == now.tm_yday;
    (void)strftime(text, DOC_TIME_MAX, is_today ? "%H:%M:%S %z" : "%Y-%m-%d %H:%M %z", &at);
    return text;
}

/* "3 h", "20 min", "2 d": one unit, for reading only. */
static char *span_format(int64_t seconds, char *text, size_t size)
{
    if (seconds < 90)
        (void)snprintf(text, size, "%" PRId64 " s", seconds);
    else if (seconds < 90 * 60)
        (void)snprintf(text, size, "%" PRId64 " min", (seconds + 30) / 60);
    else if (seconds < 36 * 3600)
        (void)snprintf(text, size, "%" PRId64 " h", (seconds + 1800) / 3600);
    else
        (void)snprintf(text, size, "%" PRId64 " d", (seconds + 43200) / 86400);
    return text;
}

char *doc_time_full(const json_t *json, const char *path, char *text, size_t size)
{
    char whole[DOC_TIME_MAX];
    char span[32];
    int64_t at_ms = doc_time_ms(json, path);
    if (at_ms == 0) {
        (void)snprintf(text, size, "-");
        return text;
    }
    int64_t away_s = (at_ms - wall_now_ms()) / 1000;
    stint_instant_format_local(at_ms, whole, sizeof(whole));
    if (away_s == 0)
        (void)snprintf(text, size, "%s (now)", whole);
    else if (away_s > 0)
        (void)snprintf(text, size, "%s (in %s)", whole, span_format(away_s, span, sizeof(span)));
    else
        (void)snprintf(text, size, "%s (%s ago)", whole, span_format(-away_s, span, sizeof(span)));
    return text;
}
