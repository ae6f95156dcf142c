/* Words for time and size (INTERFACE §2): durations, sizes, instants. Text in, integers with a unit
 * out, and back. */
#ifndef STINT_MEASURE_H
#define STINT_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "stint/error.h"

/* Ten years; longer walltimes are refused as typing errors. */
#define STINT_DURATION_S_MAX (INT64_C(10) * 366 * 86400)

/**
 * stint_duration_parse() - seconds from `m`, `m:s`, `h:m:s`, `d-h[:m[:s]]`, `90m`, `2h30m`, `3d`,
 * `PT2H30M`
 * @text: NUL-terminated
 * @ret_s: 0..STINT_DURATION_S_MAX; untouched on failure
 * Return: 0 or STINT_INVALID. A bare number is minutes, as Slurm reads it.
 * Source: sbatch(1) --time; ISO 8601-1 5.5.2.
 */
int stint_duration_parse(const char *text, int64_t *ret_s, struct stint_error *err);

/* "2-03:04:05", "03:04:05" or "04:05": the form Slurm users read. @size >= 32. Returns @text. */
char *stint_duration_format(int64_t seconds, char *text, size_t size);

/**
 * stint_size_parse() - bytes from `512`, `16G`, `1.5T`, `16GiB`, `100MB`
 * A suffix K M G T P, alone or with iB, is a power of 1024, as Slurm reads it; with B alone (`MB`)
 * too. A bare number is bytes. Return: 0 or STINT_INVALID (also when it would pass INT64_MAX).
 */
int stint_size_parse(const char *text, int64_t *ret_bytes, struct stint_error *err);

/* "16.0 GiB". @size >= 24. Returns @text. */
char *stint_size_format(int64_t bytes, char *text, size_t size);

/**
 * stint_instant_parse() - milliseconds since the epoch from RFC 3339, or, relative to @now_ms and
 * in the local time zone, `now`, `now+2h`, `today`, `tomorrow`, `18:00`, `2026-11-25`,
 * `2026-11-25T18:00` Return: 0 or STINT_INVALID.
 */
int stint_instant_parse(const char *text, int64_t now_ms, int64_t *ret_ms, struct stint_error *err);

/* RFC 3339 UTC with milliseconds only where they are not zero: "2026-11-25T18:00:00Z". @size >= 32.
 * Returns @text. */
char *stint_instant_format(int64_t at_ms, char *text, size_t size);

/* Local time with its offset, for people: "2026-11-25 18:00:00 +0100". @size >= 40. Returns @text.
 */
char *stint_instant_format_local(int64_t at_ms, char *text, size_t size);

/* Micro-units ("posting" integers) as people read them: 1500000 -> "1.50". @size >= 32. Returns
 * @text. */
char *stint_micro_format(int64_t micro, char *text, size_t size);

/**
 * stint_micro_parse() - millionths from a decimal number: "500", "0.25", "1e3" is refused
 * Return: 0 or STINT_INVALID (more than six decimals, negative, above 9.2e12).
 */
int stint_micro_parse(const char *text, int64_t *ret_micro, struct stint_error *err);

#endif
