/* Owns: public reports on how well the daemon does. Counts and times of all jobs together, nobody's
 * (invariant 10). */
#include "views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/measure.h"
#include "stint/store_reader.h"

#define DAY_MS     (INT64_C(86400) * 1000)
#define WEEK_MS    (7 * DAY_MS)
#define WEEK_COUNT 8
/* 1970-01-05, the first Monday. */
#define MONDAY_MS (4 * DAY_MS)
#define CACHE_MS  60000 /* the page is asked for often, and a scan takes 0.1 s a million starts */

/* The last 30 days, then whole weeks, the current one first. */
struct estimate_report {
    struct stint_estimate_window windows[1 + WEEK_COUNT];
};

static int report_work(struct stint_reader *reader, void *data)
{
    struct estimate_report *report = data;
    return stint_reader_estimate_windows(reader, report->windows,
                                         STINT_ARRAY_SIZE(report->windows));
}

void month_window(struct stint_api *api, struct stint_estimate_window *ret_window)
{
    int64_t now_ms = api->options.now_wall_ms();
    *ret_window = (struct stint_estimate_window){ .since_ms = now_ms - 30 * DAY_MS,
                                                  .until_ms = now_ms + DAY_MS };
}

static void window_write(struct stint_buffer *out, const struct stint_estimate_window *window)
{
    stint_json_kv_int(out, "count", window->count);
    stint_json_key(out, "median_error_s");
    stint_json_double(out, (double)window->median_error_ms / 1000.0);
    stint_json_key(out, "p90_error_s");
    stint_json_double(out, (double)window->p90_error_ms / 1000.0);
    stint_json_kv_int(out, "late", window->late_count);
    stint_json_key(out, "late_share");
    if (window->count > 0)
        stint_json_double(out, (double)window->late_count / (double)window->count);
    else
        stint_json_null(out);
}

static void report_render(struct exchange *ex, void *data, int status)
{
    const struct estimate_report *report = data;
    struct stint_buffer *out = &ex->out;
    if (exchange_read_failed(ex, status, "the estimates"))
        return;
    ex->api->estimate_month = report->windows[0];
    ex->api->estimate_month_ms = ex->api->options.now_wall_ms();
    document_begin(out, "estimates");
    stint_json_kv_int(out, "days", 30);
    window_write(out, &report->windows[0]);
    stint_json_key(out, "weeks");
    stint_json_array(out);
    for (size_t i = 1; i < STINT_ARRAY_SIZE(report->windows); i++) {
        if (report->windows[i].count == 0)
            continue;
        stint_json_object(out);
        stint_json_kv_time(out, "from", report->windows[i].since_ms);
        window_write(out, &report->windows[i]);
        stint_json_object_end(out);
    }
    stint_json_array_end(out);
    stint_json_object_end(out);
    exchange_send(ex, 200);
}

void handle_report_estimates(struct exchange *ex)
{
    static const struct read_plan plan = { report_work, report_render, free };
    struct estimate_report *report = calloc(1, sizeof(*report));
    int64_t now_ms = ex->api->options.now_wall_ms();
    int64_t week_ms = now_ms - (now_ms - MONDAY_MS) % WEEK_MS;
    for (size_t i = 1; report && i < STINT_ARRAY_SIZE(report->windows); i++) {
        report->windows[i].since_ms = week_ms - (int64_t)(i - 1) * WEEK_MS;
        report->windows[i].until_ms = report->windows[i].since_ms + WEEK_MS;
    }
    if (report)
        month_window(ex->api, &report->windows[0]);
    exchange_read(ex, &plan, report);
}

/* ---- for the page and the metrics ---- */

bool month_is_old(const struct stint_api *api)
{
    int64_t age_ms = api->options.now_wall_ms() - api->estimate_month_ms;
    return age_ms > CACHE_MS || age_ms < 0;
}

void month_keep(struct stint_api *api, const struct stint_estimate_window *window)
{
    api->estimate_month = *window;
    api->estimate_month_ms = api->options.now_wall_ms();
}

void month_sentence(const struct stint_estimate_window *window, struct stint_buffer *out)
{
    char times[2][64];
    if (window->count == 0)
        return;
    stint_buffer_printf(
        out,
        "Of %" PRId64 " first estimates in 30 days, half were within %s of the "
        "start, nine in ten within %s; %.1f %% began after the latest time told.",
        window->count,
        stint_duration_format((window->median_error_ms + 500) / 1000, times[0], sizeof(times[0])),
        stint_duration_format((window->p90_error_ms + 500) / 1000, times[1], sizeof(times[1])),
        100.0 * (double)window->late_count / (double)window->count);
}

void month_metrics(const struct stint_estimate_window *window, struct stint_buffer *out)
{
    stint_buffer_printf(
        out,
        "# TYPE stint_estimate_error_seconds gauge\n"
        "# HELP stint_estimate_error_seconds First estimates of starts in 30 days: how far off.\n"
        "stint_estimate_error_seconds{quantile=\"0.5\"} %.3f\n"
        "stint_estimate_error_seconds{quantile=\"0.9\"} %.3f\n"
        "# TYPE stint_estimates gauge\n"
        "# HELP stint_estimates First estimates in 30 days whose jobs started, and those whose "
        "jobs "
        "started after the latest time told.\n"
        "stint_estimates{kind=\"started\"} %" PRId64 "\n"
        "stint_estimates{kind=\"late\"} %" PRId64 "\n",
        (double)window->median_error_ms / 1000.0, (double)window->p90_error_ms / 1000.0,
        window->count, window->late_count);
}
