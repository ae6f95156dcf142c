/* Owns: the public page: one document rendered here, whole without JavaScript, with nothing from
 * elsewhere and no names of people or jobs (invariant 10). Everything of the world's text goes
 * through html_text(). */
#include "page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/admission.h"
#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/record.h"
#include "stint/waiver.h"

#define QUEUE_ROWS    40
#define ALLOC_ROWS    60
#define AWARD_ROWS    24
#define ARTIFACT_ROWS 10
#define DECISION_ROWS 8
#define WAIVER_ROWS   20

void html_text(struct stint_buffer *out, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } escapes[] = {
        { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
    };
    for (; text && *text; text++) {
        const char *entity = NULL;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(escapes); i++)
            if (escapes[i].c == *text)
                entity = escapes[i].entity;
        if (entity)
            stint_buffer_add_text(out, entity);
        else if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t')
            stint_buffer_add_char(out, *text);
    }
}

/* "18:05 UTC" today, with the date otherwise; live.js shows it in the reader's zone. */
void html_time(struct stint_buffer *out, int64_t at_ms)
{
    char text[40];
    if (at_ms == 0) {
        stint_buffer_add_text(out, "–");
        return;
    }
    stint_instant_format(at_ms / 1000 * 1000, text, sizeof(text));
    stint_buffer_printf(out, "<time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

static void open_section(struct stint_buffer *out, const char *id, const char *title)
{
    stint_buffer_printf(out,
                        "<section id=\"%s\" data-live aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">%s"
                        "</h2>\n",
                        id, id, id, title);
}

/* ---- figures ---- */

static void figure(struct stint_buffer *out, uint64_t value, uint64_t of, const char *label)
{
    stint_buffer_printf(out, "<li><b>%" PRIu64, value);
    if (of != UINT64_MAX)
        stint_buffer_printf(out, " <span>of %" PRIu64 "</span>", of);
    stint_buffer_printf(out, "</b><span>%s</span></li>", label);
}

static void figures(const struct page_machine *machine, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "<ul class=\"figures\" id=\"figures\" data-live>");
    if (machine->gpus_total > 0 || machine->simulated_total == 0)
        figure(out, machine->gpus_held, machine->gpus_total, "GPUs held");
    figure(out, machine->cores_held, machine->cores_total, "cores held");
    figure(out, machine->running, UINT64_MAX, "jobs running");
    figure(out, machine->waiting, UINT64_MAX, "jobs waiting");
    stint_buffer_add_text(out, "</ul>\n");
}

/* ---- jobs ---- */

struct rows {
    struct stint_api *api;
    const struct page_machine *machine;
    struct stint_buffer *out;
    size_t shown;
    size_t total;
};

static void asks(struct stint_buffer *out, const struct stint_job_view *view)
{
    char size[32];
    stint_buffer_printf(out, "%" PRId64 " core%s", view->cpus, view->cpus == 1 ? "" : "s");
    if (view->gpus > 0 && view->gpu_milli < 1000)
        stint_buffer_printf(out, ", %.2f GPU", (double)view->gpu_milli / 1000);
    else if (view->gpus > 0)
        stint_buffer_printf(out, ", %" PRId64 " GPU%s", view->gpus, view->gpus == 1 ? "" : "s");
    if (view->memory_bytes > 0)
        stint_buffer_printf(out, ", %s", stint_size_format(view->memory_bytes, size, sizeof(size)));
}

static bool running_on_view(void *context, const struct stint_job_view *view)
{
    struct rows *rows = context;
    if (!view->allocation)
        return true;
    rows->total++;
    if (rows->shown == ALLOC_ROWS)
        return true;
    rows->shown++;
    stint_buffer_printf(rows->out, "<tr><td data-label=\"job\">%" PRIu64, view->id);
    if (view->is_task)
        stint_buffer_printf(rows->out, "_%" PRIu32, view->task);
    stint_buffer_add_text(rows->out, "</td><td data-label=\"project\">");
    page_holder(rows->machine, view->project, rows->out);
    stint_buffer_add_text(rows->out, "</td><td data-label=\"holds\"><code>");
    html_text(rows->out, view->allocation);
    stint_buffer_add_text(rows->out, "</code></td><td data-label=\"since\">");
    html_time(rows->out, view->start_ms);
    stint_buffer_add_text(rows->out, "</td><td data-label=\"ends by\">");
    html_time(rows->out, view->ends_by_ms);
    stint_buffer_printf(rows->out, "</td><td data-label=\"state\">%s</td></tr>\n",
                        stint_job_state_name(view->state));
    return true;
}

static void more(struct stint_buffer *out, size_t shown, size_t total, const char *path)
{
    if (total > shown)
        stint_buffer_printf(out, "<p class=\"quiet\">and %zu more: <a href=\"%s\">all</a></p>",
                            total - shown, path);
}

static void running(struct rows *rows)
{
    struct stint_buffer body = { 0 };
    struct stint_buffer *out = rows->out;
    rows->out = &body;
    stint_jobs_each(rows->api->options.jobs, running_on_view, rows);
    rows->out = out;
    open_section(out, "running", "Running");
    if (rows->shown > 0)
        stint_buffer_add_text(
            out, "<table><thead><tr><th scope=\"col\">job</th><th scope=\"col\">project</th>"
                 "<th scope=\"col\">holds</th><th scope=\"col\">since</th>"
                 "<th scope=\"col\">ends by</th><th scope=\"col\">state</th></tr></thead><tbody>");
    stint_buffer_add(out, body.data, body.length);
    stint_buffer_add_text(out, rows->shown > 0 ? "</tbody></table>"
                                               : "<p class=\"quiet\">Nothing runs now.</p>");
    more(out, rows->shown, rows->total, "/api/v1/allocations");
    stint_buffer_add_text(out, "</section>\n");
    stint_buffer_deinit(&body);
}

static bool queue_on_view(void *context, const struct stint_job_view *view)
{
    struct rows *rows = context;
    struct stint_buffer why = { 0 };
    bool waits = view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD ||
                 (view->array && view->reason.code != STINT_REASON_NONE);
    if (!waits || view->is_task)
        return true;
    rows->total++;
    if (rows->shown == QUEUE_ROWS)
        return true;
    rows->shown++;
    stint_buffer_printf(
        rows->out,
        "<tr><td class=\"n\" data-label=\"#\">%zu</td><td data-label=\"job\">%" PRIu64
        "</td><td data-label=\"project\">",
        rows->total, view->id);
    page_holder(rows->machine, view->project, rows->out);
    stint_buffer_add_text(rows->out, "</td><td data-label=\"asks\">");
    if (view->array)
        stint_buffer_printf(rows->out, "%" PRIu32 " of %" PRIu32 " tasks, each ",
                            view->array->live[STINT_JOB_PENDING] +
                                view->array->live[STINT_JOB_HELD],
                            view->array->task_count);
    asks(rows->out, view);
    if (has_resources(rows->api)) {
        stint_buffer_add_text(rows->out, ", on ");
        html_text(rows->out, view->resource);
    }
    stint_buffer_add_text(rows->out, "</td><td data-label=\"reason\"><div>");
    if (view->reason.code != STINT_REASON_NONE) {
        stint_buffer_printf(rows->out, "<b>%s</b><br><span class=\"quiet\">",
                            stint_reason_name(view->reason.code));
        reason_sentence(
            rows->api, &view->reason,
            view->award ? stint_ledger_award_name(rows->api->options.ledger, view->award) : NULL,
            &why);
        html_text(rows->out, stint_buffer_text(&why));
        stint_buffer_add_text(rows->out, "</span>");
    } else {
        html_text(rows->out, stint_job_state_name(view->state));
    }
    stint_buffer_add_text(rows->out, "</div></td><td data-label=\"expected\"><div>");
    if (view->no_estimate)
        stint_buffer_printf(rows->out, "<span class=\"quiet\">when %s</span>", view->no_estimate);
    else
        html_time(rows->out, view->estimate_p50_ms);
    if (view->estimate_supposes)
        stint_buffer_printf(rows->out, "<br><span class=\"quiet\">if %s</span>",
                            view->estimate_supposes);
    if (view->estimate_p90_ms >= view->estimate_p50_ms + 60000) {
        stint_buffer_add_text(rows->out, "<br><span class=\"quiet\">at the latest ");
        html_time(rows->out, view->estimate_p90_ms);
        stint_buffer_add_text(rows->out, "</span>");
    }
    stint_buffer_add_text(rows->out, "</div></td></tr>\n");
    stint_buffer_deinit(&why);
    return true;
}

static void queue(struct rows *rows)
{
    struct stint_buffer body = { 0 };
    struct stint_buffer *out = rows->out;
    rows->out = &body;
    rows->shown = rows->total = 0;
    stint_jobs_each(rows->api->options.jobs, queue_on_view, rows);
    rows->out = out;
    open_section(out, "queue", "Waiting, and why");
    if (rows->shown > 0)
        stint_buffer_add_text(
            out, "<table><thead><tr><th scope=\"col\" class=\"n\">#</th><th scope=\"col\">job</th>"
                 "<th scope=\"col\">project</th><th scope=\"col\">asks</th>"
                 "<th scope=\"col\">reason</th><th scope=\"col\">expected</th></tr></thead>"
                 "<tbody>");
    stint_buffer_add(out, body.data, body.length);
    stint_buffer_add_text(out, rows->shown > 0 ? "</tbody></table>"
                                               : "<p class=\"quiet\">Nobody waits.</p>");
    more(out, rows->shown, rows->total, "/api/v1/queue");
    if (rows->api->estimate_month.count > 0) {
        stint_buffer_add_text(out, "<p class=\"quiet\">");
        month_sentence(&rows->api->estimate_month, out);
        stint_buffer_add_text(out, " <a href=\"/api/v1/reports/estimates\">By week</a>.</p>");
    }
    stint_buffer_add_text(out, "</section>\n");
    stint_buffer_deinit(&body);
}

/* ---- awards ---- */

static double percent(int64_t part, int64_t whole)
{
    double value = whole > 0 ? (double)part * 100.0 / (double)whole : 0;
    return value < 0 ? 0 : value > 100 ? 100 : value;
}

static bool award_on_view(void *context, const struct stint_award_view *view)
{
    struct rows *rows = context;
    struct stint_buffer *out = rows->out;
    rows->total++;
    if (rows->shown == AWARD_ROWS)
        return true;
    rows->shown++;
    double used_part = percent(view->used_micro, view->awarded_micro);
    double held_part = percent(view->held_micro, view->awarded_micro);
    stint_buffer_add_text(out, "<div class=\"award\"><p><b>");
    html_text(out, view->name);
    stint_buffer_add_text(out, "</b> · ");
    page_holder(rows->machine, view->project, out);
    if (view->title && *view->title) {
        stint_buffer_add_text(out, " <span class=\"quiet\">");
        html_text(out, view->title);
        stint_buffer_add_text(out, "</span>");
    }
    stint_buffer_printf(out,
                        "</p><svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" "
                        "aria-hidden=\"true\"><rect class=\"used\" width=\"%.3f\" height=\"4\"/>"
                        "<rect class=\"held\" x=\"%.3f\" width=\"%.3f\" height=\"4\"/></svg>"
                        "<p class=\"quiet\">used %.2f, held %.2f of %.2f ",
                        used_part, used_part, held_part, (double)view->used_micro / 1e6,
                        (double)view->held_micro / 1e6, (double)view->awarded_micro / 1e6);
    html_text(out, view->unit);
    stint_buffer_add_text(out, "s");
    if (has_resources(rows->api)) {
        stint_buffer_add_text(out, " on ");
        html_text(out, view->resource);
    }
    stint_buffer_printf(out, " · %s · until ", view->state);
    html_time(out, view->until_ms);
    stint_buffer_add_text(out, "</p></div>\n");
    return true;
}

static void awards(struct rows *rows)
{
    rows->shown = rows->total = 0;
    open_section(rows->out, "awards", "Awards");
    stint_ledger_each_award(rows->api->options.ledger, award_on_view, rows);
    if (rows->total == 0)
        stint_buffer_add_text(rows->out, "<p class=\"quiet\">No awards yet.</p>");
    more(rows->out, rows->shown, rows->total, "/api/v1/awards");
    stint_buffer_add_text(rows->out, "</section>\n");
}

/* ---- verdicts ---- */

/* The newest registered ones; the walk has no order of its own. */
struct newest {
    struct stint_api *api;
    struct {
        int64_t at_ms;
        int64_t verdict;
        char name[160];
        char kind[16];
        char result[16];
        char rules[80];
        char was[16];
        char under[32];
        bool is_stale;
    } rows[ARTIFACT_ROWS];
    size_t count;
    size_t total;
};

static bool artifact_on_view(void *context, const struct stint_artifact_view *view)
{
    struct newest *newest = context;
    size_t at = newest->count;
    newest->total++;
    while (at > 0 && newest->rows[at - 1].at_ms < view->registered_ms)
        at--;
    if (at == ARTIFACT_ROWS)
        return true;
    if (newest->count < ARTIFACT_ROWS)
        newest->count++;
    memmove(&newest->rows[at + 1], &newest->rows[at],
            (newest->count - at - 1) * sizeof(newest->rows[0]));
    newest->rows[at].at_ms = view->registered_ms;
    newest->rows[at].verdict = view->verdict_id;
    (void)snprintf(newest->rows[at].name, sizeof(newest->rows[at].name), "%s", view->name);
    (void)snprintf(newest->rows[at].kind, sizeof(newest->rows[at].kind), "%s", view->kind);
    (void)snprintf(newest->rows[at].result, sizeof(newest->rows[at].result), "%s",
                   view->result ? view->result : "unknown");
    (void)snprintf(newest->rows[at].rules, sizeof(newest->rows[at].rules), "%s",
                   view->rules ? view->rules : "");
    newest->rows[at].is_stale = view->is_stale;
    (void)snprintf(newest->rows[at].was, sizeof(newest->rows[at].was), "%s",
                   view->was ? view->was : "");
    (void)snprintf(newest->rows[at].under, sizeof(newest->rows[at].under), "%.19s",
                   view->judged_under ? view->judged_under : "");
    return true;
}

/* The digests and words are ours: nothing to escape. */
static void stale_note(const struct newest *newest, size_t row, struct stint_buffer *out)
{
    if (!newest->rows[row].is_stale)
        return;
    stint_buffer_add_text(out, "<br><span class=\"quiet\">stale");
    if (newest->rows[row].was[0])
        stint_buffer_printf(out, ": was %s", newest->rows[row].was);
    if (newest->rows[row].under[0])
        stint_buffer_printf(out, " under rules and evidence %s…", newest->rows[row].under);
    stint_buffer_add_text(out, "; judged again soon, or when it is used</span>");
}

/* A waiver that stands, in a table that the first one opens. */
struct waived {
    struct stint_buffer *out;
    int64_t now_ms;
    size_t count;
};

static bool waived_on_view(void *context, const struct stint_waiver_view *view)
{
    struct waived *waived = context;
    struct stint_buffer *out = waived->out;
    if (view->is_revoked || view->until_ms <= waived->now_ms)
        return true;
    if (waived->count++ == 0)
        stint_buffer_add_text(out, "<p>Let in although it is unknown:</p><table><tbody>");
    stint_buffer_add_text(out, "<tr><td><span class=\"tag unknown\">waived</span></td><td>");
    if (*view->name)
        html_text(out, view->name);
    else
        stint_buffer_printf(out, "%.19s…", view->digest);
    stint_buffer_add_text(out, "<br><span class=\"quiet\">");
    html_text(out, view->reason);
    stint_buffer_add_text(out, " · until ");
    html_time(out, view->until_ms);
    stint_buffer_add_text(out, "</span></td></tr>\n");
    return waived->count < WAIVER_ROWS;
}

static void waivers(struct stint_api *api, struct stint_buffer *out)
{
    struct waived waived = { out, api->options.now_wall_ms(), 0 };
    stint_admission_each_waiver(api->options.admission, waived_on_view, &waived);
    if (waived.count > 0)
        stint_buffer_add_text(out,
                              "</tbody></table><p><a href=\"/api/v1/waivers\">all waivers</a></p>");
}

static void artifacts(struct stint_api *api, struct stint_buffer *out)
{
    struct newest newest = { .api = api };
    stint_admission_each_artifact(api->options.admission, artifact_on_view, &newest);
    open_section(out, "verdicts", "Judged models, data and code");
    for (size_t i = 0; i < newest.count; i++) {
        if (i == 0)
            stint_buffer_add_text(out, "<table><tbody>");
        stint_buffer_printf(out, "<tr><td><span class=\"tag %s\">%s</span></td><td>",
                            newest.rows[i].result,
                            newest.rows[i].is_stale ? "stale" : newest.rows[i].result);
        html_text(out, newest.rows[i].name);
        stint_buffer_add_text(out, "<br><span class=\"quiet\">");
        html_text(out, newest.rows[i].kind);
        stint_buffer_add_text(out, " by ");
        html_text(out, newest.rows[i].rules);
        stint_buffer_add_text(out, "</span>");
        stale_note(&newest, i, out);
        stint_buffer_printf(out,
                            "</td><td><a href=\"/api/v1/verdicts/%" PRId64 "\">verdict %" PRId64
                            "</a></td></tr>\n",
                            newest.rows[i].verdict, newest.rows[i].verdict);
    }
    stint_buffer_add_text(out, newest.count > 0 ? "</tbody></table>"
                                                : "<p class=\"quiet\">Nothing is registered "
                                                  "yet.</p>");
    more(out, newest.count, newest.total, "/api/v1/artifacts");
    waivers(api, out);
    stint_buffer_add_text(out, "</section>\n");
}

/* ---- refusals: read off the loop ---- */

struct refusals {
    struct stint_estimate_window month; /* of estimates; asked for when since_ms is not 0 */
    size_t count;
    struct {
        int64_t id;
        int64_t at_ms;
        int64_t project;
        char reason[64];
        char result[24];
    } rows[DECISION_ROWS];
};

static bool refusal_on_row(void *context, const struct stint_decision_row *row)
{
    struct refusals *refusals = context;
    size_t at = refusals->count++;
    refusals->rows[at].id = row->id;
    refusals->rows[at].at_ms = row->at_ms;
    refusals->rows[at].project = row->project;
    (void)snprintf(refusals->rows[at].reason, sizeof(refusals->rows[at].reason), "%s",
                   row->reason ? row->reason : "");
    (void)snprintf(refusals->rows[at].result, sizeof(refusals->rows[at].result), "%s",
                   row->result ? row->result : "");
    return refusals->count < DECISION_ROWS;
}

static int page_work(struct stint_reader *reader, void *data)
{
    struct refusals *refusals = data;
    int r = stint_reader_each_decision(reader, 0, DECISION_ROWS, refusal_on_row, refusals);
    if (r == 0 && refusals->month.since_ms != 0)
        r = stint_reader_estimate_windows(reader, &refusals->month, 1);
    return r;
}

static void decisions(struct stint_api *api, const struct refusals *refusals,
                      struct stint_buffer *out)
{
    open_section(out, "decisions", "Refusals");
    for (size_t i = 0; i < refusals->count; i++) {
        struct stint_buffer why = { 0 };
        struct stint_reason reason = { .code = reason_from_name(refusals->rows[i].reason),
                                       .account = UINT32_MAX };
        reason_sentence(api, &reason, NULL, &why);
        if (i == 0)
            stint_buffer_add_text(out, "<table><tbody>");
        stint_buffer_add_text(out, "<tr><td>");
        html_time(out, refusals->rows[i].at_ms);
        stint_buffer_add_text(out, "</td><td><b>");
        html_text(out,
                  *refusals->rows[i].reason ? refusals->rows[i].reason : refusals->rows[i].result);
        stint_buffer_add_text(out, "</b><br><span class=\"quiet\">");
        html_text(out, stint_buffer_text(&why));
        const char *project =
            stint_ledger_project_name(api->options.ledger, refusals->rows[i].project);
        if (project && *project) {
            stint_buffer_add_text(out, " · ");
            html_text(out, project);
        }
        stint_buffer_printf(out,
                            "</span></td><td><a href=\"/api/v1/decisions/%" PRId64
                            "\">decision %" PRId64 "</a></td></tr>\n",
                            refusals->rows[i].id, refusals->rows[i].id);
        stint_buffer_deinit(&why);
    }
    stint_buffer_add_text(out, refusals->count > 0 ? "</tbody></table>"
                                                   : "<p class=\"quiet\">Nothing was refused.</p>");
    stint_buffer_add_text(out, "</section>\n");
}

/* ---- the log ---- */

static void log_head(struct stint_api *api, struct stint_buffer *out)
{
    struct stint_checkpoint head;
    char key[STINT_VKEY_TEXT_MAX];
    char root[STINT_SHA256_HEX];
    const char *note = stint_record_checkpoint(api->options.record);
    open_section(out, "log", "The public record");
    if (!note || stint_checkpoint_parse(note, strlen(note), &head, NULL) != 0) {
        stint_buffer_add_text(out, "<p class=\"quiet\">No head is signed yet.</p></section>\n");
        return;
    }
    stint_vkey_format(stint_record_vkey(api->options.record), key);
    stint_buffer_add_text(out, "<dl><dt>origin</dt><dd>");
    html_text(out, head.origin);
    stint_buffer_printf(out,
                        "</dd><dt>entries under the signed head</dt><dd>%" PRIu64
                        "</dd><dt>root</dt><dd><code>%s</code></dd><dt>key</dt><dd><code>",
                        head.size, stint_sha256_hex(&head.root, root));
    html_text(out, key);
    stint_buffer_add_text(out, "</code></dd></dl><p class=\"quiet\">Check that nobody rewrote it: "
                               "<code>stint log verify</code> · <a "
                               "href=\"/api/v1/log/checkpoint\">signed head</a> · <a "
                               "href=\"/api/v1/log/entries\">entries</a></p></section>\n");
}

/* ---- the whole ---- */

static void head(struct stint_api *api, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                               "<meta name=\"viewport\" content=\"width=device-width, "
                               "initial-scale=1\">\n<title>");
    html_text(out, api->config->site);
    stint_buffer_add_text(out, ": who holds what</title>\n<link rel=\"stylesheet\" "
                               "href=\"/style.css\">\n<script src=\"/live.js\" defer></script>\n"
                               "</head><body>\n<a class=\"skip\" href=\"#main\">To the content</a>"
                               "<header><h1>");
    html_text(out, api->config->site);
    stint_buffer_add_text(out, "</h1><p>Publicly funded machines: who was given what, and why. As "
                               "of <span id=\"now\" data-live>");
    html_time(out, api->options.now_wall_ms());
    stint_buffer_add_text(out, "</span></p></header>\n<main id=\"main\">\n");
}

static void page_body(struct stint_api *api, const struct refusals *refusals,
                      struct page_machine *machine, struct stint_buffer *out)
{
    struct rows rows = { api, machine, out, 0, 0 };
    page_machine_gather(api, machine);
    head(api, out);
    figures(machine, out);
    stint_buffer_add_text(out, "<div class=\"columns\"><div>\n");
    page_machine_draw(api, machine, out);
    running(&rows);
    queue(&rows);
    stint_buffer_add_text(out, "</div><div>\n");
    awards(&rows);
    artifacts(api, out);
    decisions(api, refusals, out);
    log_head(api, out);
    stint_buffer_add_text(out,
                          "</div></div></main>\n<footer><p>Projects and institutions are public; "
                          "people are counts, and what they compute is theirs. The same facts for "
                          "programs: <a href=\"/api/v1/openapi.json\">the API</a>, <a "
                          "href=\"/metrics\">metrics</a>, <a href=\"/problems\">what each reason "
                          "means</a>.</p></footer>\n</body></html>\n");
}

static void page_ready(struct exchange *ex, void *data, int status)
{
    struct refusals none = { 0 };
    struct page_machine *machine = calloc(1, sizeof(*machine));
    struct stint_error err;
    if (!machine) {
        (void)stint_fail(&err, -ENOMEM, "no memory for the page");
        exchange_fail(ex, &err);
        return;
    }
    if (status >= 0 && ((const struct refusals *)data)->month.since_ms != 0)
        month_keep(ex->api, &((const struct refusals *)data)->month);
    page_body(ex->api, status < 0 ? &none : data, machine, &ex->out);
    free(machine);
    ex->type = "text/html; charset=utf-8";
    ex->cache = "no-cache";
    exchange_send(ex, 200);
}

void handle_page(struct exchange *ex)
{
    static const struct read_plan plan = { page_work, page_ready, free };
    struct refusals *refusals = calloc(1, sizeof(*refusals));
    if (refusals && month_is_old(ex->api))
        month_window(ex->api, &refusals->month);
    exchange_read(ex, &plan, refusals);
}
