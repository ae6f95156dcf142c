/* Owns: simulate --replay: the daemon's transcript through a new core, and what is not the same. */
#include "simulate_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "document.h"
#include "stint/auto.h"
#include "stint/measure.h"
#include "stint/replay.h"
#include "stint/resource.h"
#include "stint/transcript.h"

#define DIFFERENCE_FIX                                                                             \
    "if stintd was replaced since then, its rules may have changed: replay with that version; "    \
    "else somebody changed the record"

/* What was told to the core of one resource, done again. */
struct core {
    char resource[64]; /* "": the only one */
    struct stint_replay *replay;
    uint64_t starts_before; /* of this day */
    uint64_t passes_before;
};

struct day {
    struct cli *cli;
    int64_t since_ms;
    int64_t until_ms;
    struct core cores[STINT_RESOURCE_MAX];
    size_t core_count;
    struct stint_sha256 chain; /* of the last row */
    int64_t last_id;
    bool is_of_day;
    uint64_t row_count;
};

/* From midnight to midnight, of 23 or 25 hours twice a year. */
static int day_read(const char *text, struct day *day)
{
    struct stint_error err = { 0 };
    struct tm tm;
    err.code = stint_instant_parse(text, wall_now_ms(), &day->since_ms, &err);
    if (err.code != 0)
        return cli_usage("2026-11-25, or today", "--replay %.40s is no day", text);
    time_t seconds = (time_t)(day->since_ms / 1000);
    if (!localtime_r(&seconds, &tm))
        return cli_usage("2026-11-25, or today", "--replay %.40s is no day", text);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    day->since_ms = (int64_t)mktime(&tm) * 1000;
    tm.tm_mday++;
    tm.tm_isdst = -1;
    day->until_ms = (int64_t)mktime(&tm) * 1000;
    return EXIT_OK;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes from hex digits; NULL for anything else. */
static uint8_t *hex_read(const char *text, size_t *ret_length)
{
    size_t length = text ? strlen(text) : 1;
    uint8_t *bytes = length % 2 == 0 ? malloc(length / 2 + 1) : NULL;
    for (size_t i = 0; bytes && i < length / 2; i++) {
        int high = nibble(text[2 * i]);
        int low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(bytes);
            return NULL;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_length = length / 2;
    return bytes;
}

static int fail(int code, const char *fix, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int fail(int code, const char *fix, const char *format, ...)
{
    char text[300];
    struct stint_error err = { 0 };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)stint_fail(&err, code, "%s", text);
    (void)stint_fix(&err, code, "%s", fix);
    (void)cli_fail(&err);
    return EXIT_FAILED;
}

/* ---- one row ---- */

static int row_check(struct day *day, const json_t *row, const uint8_t *body, size_t length)
{
    struct stint_sha256 chain;
    struct stint_sha256 given;
    struct stint_transcript_piece piece = { .id = doc_int(row, "id", 0),
                                            .core = doc_int(row, "core", 0),
                                            .at_ms = doc_int(row, "at_ms", 0),
                                            .start_count = doc_int(row, "starts", 0),
                                            .body = body,
                                            .length = length };
    stint_transcript_chain(&day->chain, &piece, &chain);
    if (stint_sha256_parse(doc_text_or(row, "chain", ""), &given, NULL) != 0 ||
        memcmp(&chain, &given, sizeof(chain)) != 0 || piece.id <= day->last_id)
        return fail(STINT_UNTRUSTED, "compare with a backup: stint admin backup",
                    "piece %" PRId64 " of the record does not follow from the one before: it was "
                    "changed, or one is missing",
                    piece.id);
    day->chain = chain;
    day->last_id = piece.id;
    return EXIT_OK;
}

static int differs(const struct day *day, const struct stint_replay_difference *difference)
{
    char when[48] = "before its clock was told";
    if (cli_has(day->cli, "json")) {
        json_t *document =
            json_pack("{s:s, s:b, s:I, s:{s:I, s:I, s:I, s:s}}", "schema", "stint.replay/1",
                      "equal", 0, "piece", (json_int_t)day->last_id, "difference", "at_ms",
                      (json_int_t)difference->at_ms, "job", (json_int_t)difference->key.job, "task",
                      (json_int_t)difference->key.task, "text", difference->text);
        cli_print_json(document);
        json_decref(document);
        return EXIT_FAILED;
    }
    if (difference->at_ms != 0)
        (void)stint_instant_format_local(difference->at_ms, when, sizeof(when));
    return fail(STINT_UNTRUSTED, DIFFERENCE_FIX, "replay differs at %s, in piece %" PRId64 ": %s",
                when, day->last_id, difference->text);
}

static void begin_core(struct core *core)
{
    struct stint_replay_counts counts;
    stint_replay_counts(core->replay, &counts);
    core->starts_before = counts.starts;
    core->passes_before = counts.passes;
}

/* What came before the day is replayed to get there, and not counted. */
static void begin_day(struct day *day, const json_t *row)
{
    if (day->is_of_day || doc_int(row, "at_ms", 0) < day->since_ms)
        return;
    for (size_t i = 0; i < day->core_count; i++)
        begin_core(&day->cores[i]);
    day->is_of_day = true;
}

/* The core that a row was told to; NULL without memory, or for one too many. */
static struct core *core_of(struct day *day, const json_t *row)
{
    const char *resource = doc_text_or(row, "resource", "");
    size_t i = 0;
    while (i < day->core_count && strcmp(day->cores[i].resource, resource) != 0)
        i++;
    if (i == STINT_ARRAY_SIZE(day->cores))
        return NULL;
    struct core *core = &day->cores[i];
    if (i < day->core_count)
        return core;
    if (stint_replay_new(&core->replay) != 0)
        return NULL;
    (void)snprintf(core->resource, sizeof(core->resource), "%s", resource);
    day->core_count++;
    return core;
}

static int row_replay(struct day *day, const json_t *row)
{
    struct stint_replay_difference difference = { 0 };
    struct stint_error err = { 0 };
    size_t length = 0;
    stint_auto(stint_free) uint8_t *body = hex_read(doc_text(row, "body"), &length);
    if (!body)
        return fail(STINT_UNTRUSTED, "stint doctor", "the daemon's record is not in hex");
    int status = row_check(day, row, body, length);
    if (status != EXIT_OK)
        return status;
    struct core *core = core_of(day, row);
    if (!core)
        return fail(-ENOMEM, "", "no memory for a replay");
    begin_day(day, row);
    day->row_count++;
    err.code = stint_replay_feed(core->replay, body, length, &difference, &err);
    if (err.code == 0)
        return EXIT_OK;
    return err.code == STINT_CONFLICT ? differs(day, &difference) : cli_fail(&err);
}

/* ---- pages ---- */

static int page_fetch(struct day *day, char *cursor, size_t size)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[1024];
    char times[2][64];
    char encoded[3][200];
    const json_t *row;
    size_t i;
    (void)stint_instant_format(day->since_ms, times[0], sizeof(times[0]));
    (void)stint_instant_format(day->until_ms, times[1], sizeof(times[1]));
    int n = snprintf(path, sizeof(path), "/api/v1/transcript?since=%s&until=%s",
                     path_encode(times[0], encoded[0], sizeof(encoded[0])),
                     path_encode(times[1], encoded[1], sizeof(encoded[1])));
    if (*cursor)
        (void)snprintf(path + n, sizeof(path) - (size_t)n, "&after=%s",
                       path_encode(cursor, encoded[2], sizeof(encoded[2])));
    int status = cli_call(day->cli, "GET", path, NULL, &response);
    if (status != EXIT_OK)
        return status;
    if (!*cursor && doc_has(response.json, "before"))
        (void)stint_sha256_parse(doc_text(response.json, "before"), &day->chain, NULL);
    json_array_foreach(doc_at(response.json, "rows"), i, row)
    {
        status = row_replay(day, row);
        if (status != EXIT_OK)
            return status;
    }
    const char *next = doc_text_or(response.json, "next", "");
    (void)snprintf(cursor, size, "%s", i > 0 && strlen(next) < size ? next : "");
    return EXIT_OK;
}

/* Of all cores together, and of the day alone. */
static void count_all(const struct day *day, struct stint_replay_counts *ret_counts,
                      uint64_t *ret_starts, uint64_t *ret_passes)
{
    *ret_counts = (struct stint_replay_counts){ 0 };
    *ret_starts = *ret_passes = 0;
    for (size_t i = 0; i < day->core_count; i++) {
        struct stint_replay_counts one;
        stint_replay_counts(day->cores[i].replay, &one);
        ret_counts->starts += one.starts;
        ret_counts->cores += one.cores;
        *ret_starts += day->is_of_day ? one.starts - day->cores[i].starts_before : 0;
        *ret_passes += day->is_of_day ? one.passes - day->cores[i].passes_before : 0;
    }
}

static void print_equal(const struct day *day)
{
    struct stint_replay_counts counts;
    char head[STINT_SHA256_HEX];
    char date[48];
    uint64_t starts;
    uint64_t passes;
    count_all(day, &counts, &starts, &passes);
    (void)stint_sha256_hex(&day->chain, head);
    if (cli_has(day->cli, "json")) {
        json_t *document = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:n}", "schema",
                                     "stint.replay/1", "equal", 1, "starts", (json_int_t)starts,
                                     "passes", (json_int_t)passes, "replayed_starts",
                                     (json_int_t)counts.starts, "cores", (json_int_t)counts.cores,
                                     "piece", (json_int_t)day->last_id, "head", head, "difference");
        cli_print_json(document);
        json_decref(document);
        return;
    }
    (void)stint_instant_format_local(day->since_ms, date, sizeof(date));
    (void)printf("%.10s: %" PRIu64 " starts in %" PRIu64 " passes, all as they were\n", date,
                 starts, passes);
    if (counts.starts > starts)
        (void)printf("  and %" PRIu64 " starts before that day, since the daemon began\n",
                     counts.starts - starts);
    (void)printf("  record ends with piece %" PRId64 ", digest %s\n", day->last_id, head);
}

int simulate_replay(struct cli *cli, const char *text)
{
    struct day day = { .cli = cli };
    char cursor[64] = "";
    int status = day_read(text, &day);
    if (status != EXIT_OK)
        return status;
    do
        status = page_fetch(&day, cursor, sizeof(cursor));
    while (status == EXIT_OK && *cursor);
    if (status == EXIT_OK && !day.is_of_day)
        status = cli_usage("another day", "nothing was recorded on %.40s", text);
    else if (status == EXIT_OK)
        print_equal(&day);
    for (size_t i = 0; i < day.core_count; i++)
        (void)stint_replay_free(day.cores[i].replay);
    return status;
}
