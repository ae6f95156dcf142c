/* Reading the daemon's documents: a member by its path, a time for people. A missing member is not
 * an error: documents grow. */
#ifndef STINT_CLI_DOCUMENT_H
#define STINT_CLI_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* "reason.code" below @json; NULL when any part is missing. Borrowed. */
const json_t *doc_at(const json_t *json, const char *path);
const char *doc_text(const json_t *json, const char *path); /* NULL when none */
const char *doc_text_or(const json_t *json, const char *path, const char *other);
int64_t doc_int(const json_t *json, const char *path, int64_t other);
double doc_number(const json_t *json, const char *path, double other);
bool doc_bool(const json_t *json, const char *path);
bool doc_has(const json_t *json, const char *path); /* there and not null */
/* Does any of @rows have a `resource` that somebody gave a name? "local" is what the only one is
 * called that nobody named. */
bool doc_names_resources(const json_t *rows);

#define DOC_TIME_MAX 48
/* RFC 3339 text at @path as local time with its offset: "14:05:00 +0100" today,
 * "2026-11-25 14:05 +0100" else; "-" when none. */
char *doc_time(const json_t *json, const char *path, char text[DOC_TIME_MAX]);
/* The whole of it with its offset, and how far away: "2026-11-25 14:05:00 +0100 (in 3 h)". */
char *doc_time_full(const json_t *json, const char *path, char *text, size_t size);
int64_t doc_time_ms(const json_t *json, const char *path); /* 0 when none */
int64_t wall_now_ms(void);

#endif
