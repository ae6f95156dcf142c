/* Owns: the daemon's log line. One write() a line, so that lines of several threads never mix. */
#include "stint/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000

static _Atomic int log_level = STINT_LOG_INFO;

void stint_log_set_level(enum stint_log_level level)
{
    atomic_store(&log_level, (int)level);
}

static const char *level_name(enum stint_log_level level)
{
    switch (level) {
    case STINT_LOG_ERROR:
        return "error";
    case STINT_LOG_WARNING:
        return "warning";
    case STINT_LOG_INFO:
        return "info";
    case STINT_LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}

enum stint_log_level stint_log_level_from_name(const char *name)
{
    static const enum stint_log_level levels[] = { STINT_LOG_ERROR, STINT_LOG_WARNING,
                                                   STINT_LOG_INFO, STINT_LOG_DEBUG };
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(name, level_name(levels[i])) == 0)
            return levels[i];
    return STINT_LOG_INFO;
}

/* The head of a line: a priority for the service manager, which adds the time itself, or the time
 * for people. */
static size_t line_head(char *line, size_t size, enum stint_log_level level, const char *event)
{
    int length;
    if (getenv("JOURNAL_STREAM")) {
        length = snprintf(line, size, "<%d>event=%s ", (int)level, event);
    } else {
        struct timespec now;
        struct tm parts;
        char when[32];
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &parts);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &parts);
        length = snprintf(line, size, "time=%s.%03ldZ level=%s event=%s ", when,
                          now.tv_nsec / 1000000, level_name(level), event);
    }
    return length < 0 ? 0 : (size_t)length;
}

void stint_log(enum stint_log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load(&log_level))
        return;
    char line[LINE_MAX_BYTES + 1];
    size_t length = line_head(line, sizeof(line), level, event);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + length, sizeof(line) - length, format, args);
    va_end(args);
    length += more < 0 ? 0 : (size_t)more;
    if (length > LINE_MAX_BYTES - 1)
        length = LINE_MAX_BYTES - 1;
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* a log that cannot be written has nobody to tell */
}

char *stint_log_quote(const char *text, char *quoted, unsigned size)
{
    unsigned at = 0;
    if (size < 4)
        return quoted;
    quoted[at++] = '"';
    for (const unsigned char *c = (const unsigned char *)text; *c && at + 6 < size; c++) {
        if (*c == '"' || *c == '\\') {
            quoted[at++] = '\\';
            quoted[at++] = (char)*c;
        } else if (*c < 0x20 || *c == 0x7f) {
            at += (unsigned)snprintf(quoted + at, size - at, "\\x%02x", *c);
        } else {
            quoted[at++] = (char)*c;
        }
    }
    quoted[at++] = '"';
    quoted[at] = '\0';
    return quoted;
}
