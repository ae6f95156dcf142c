/* The daemon's log: one event a line, `key=value`, on standard error; with <N> priorities when a
 * service manager reads it (sd-daemon(3)), with a UTC time otherwise. Whoever decides to give up
 * writes the one line. Never called by scheduler/ or evaluator/. Safe from any thread: a line is
 * one write(). */
#ifndef STINT_LOG_H
#define STINT_LOG_H

enum stint_log_level {
    STINT_LOG_ERROR = 3,
    STINT_LOG_WARNING = 4,
    STINT_LOG_INFO = 6,
    STINT_LOG_DEBUG = 7
};

/* Lines above @level are dropped; STINT_LOG_INFO at start. */
void stint_log_set_level(enum stint_log_level level);

/* The level called "error", "warning", "info" or "debug"; STINT_LOG_INFO for anything else. */
enum stint_log_level stint_log_level_from_name(const char *name);

/**
 * stint_log() - write `event` and the formatted pairs as one line
 * @event: what happened, two or three words joined by '-': "job-state"
 * @format: printf form of the pairs: "job=%" PRIu64 " from=%s to=%s cause=%s"; values that may hold
 * blanks, quotes or control characters go through stint_log_quote() Lines longer than 2,000 bytes
 * are cut.
 */
void stint_log(enum stint_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* @text in double quotes, with control characters, quotes and backslashes escaped, cut to fit;
 * returns @quoted. */
char *stint_log_quote(const char *text, char *quoted, unsigned size);

#endif
