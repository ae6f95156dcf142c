/* Owns: what is about the service itself: liveness, status, metrics, its description, its files. */
#include "views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "stint/admission.h"
#include "stint/allocation.h"
#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/engine.h"
#include "stint/ledger.h"
#include "stint/machine.h"
#include "stint/record.h"
#include "stint/store.h"

void handle_health(struct exchange *ex)
{
    ex->type = "text/plain; charset=utf-8";
    stint_buffer_add_text(&ex->out, "ok\n");
    exchange_send(ex, 200);
}

static void send_file(struct exchange *ex, const char *type, const unsigned char *bytes,
                      size_t length)
{
    ex->type = type;
    ex->cache = "public, no-cache"; /* asked again by its ETag: an upgrade shows at once */
    stint_buffer_add(&ex->out, bytes, length);
    exchange_send(ex, 200);
}

void handle_style(struct exchange *ex)
{
    send_file(ex, "text/css; charset=utf-8", file_style_css, file_style_css_length);
}

void handle_script(struct exchange *ex)
{
    send_file(ex, "text/javascript; charset=utf-8", file_live_js, file_live_js_length);
}

/* ---- what each code means ---- */

static void problem_row(struct stint_buffer *out, const char *code, const char *text,
                        const char *fix)
{
    stint_buffer_printf(out, "<dt id=\"%s\"><code>%s</code></dt><dd>", code, code);
    html_text(out, text);
    if (*fix) {
        stint_buffer_add_text(out, " <span class=\"quiet\">Try: ");
        html_text(out, fix);
        stint_buffer_add_text(out, "</span>");
    }
    stint_buffer_add_text(out, "</dd>\n");
}

void handle_problems(struct exchange *ex)
{
    static const struct {
        const char *code;
        const char *text;
    } refusals[] = {
#define X(name, wire, http, status, help) { wire, help },
        STINT_REFUSALS(X)
#undef X
    };
    struct stint_buffer *out = &ex->out;
    stint_buffer_add_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                               "<meta name=\"viewport\" content=\"width=device-width\">"
                               "<title>Problems and reasons</title>"
                               "<link rel=\"stylesheet\" href=\"/style.css\"></head><body>"
                               "<main><h1>Problems and reasons</h1>"
                               "<h2>Refused requests</h2><dl>\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(refusals); i++)
        problem_row(out, refusals[i].code, refusals[i].text, "");
    stint_buffer_add_text(out, "</dl><h2>Why a job does not run</h2><dl>\n");
    for (int code = 1; code < STINT_REASON_COUNT; code++) {
        struct stint_buffer text = { 0 };
        struct stint_reason reason = { .code = (enum stint_reason_code)code,
                                       .account = UINT32_MAX };
        if (stint_reason_class(reason.code) == STINT_CLASS_LIMITED)
            stint_buffer_add_text(&text, "a ceiling is reached");
        else
            reason_sentence(ex->api, &reason, NULL, &text);
        problem_row(out, stint_reason_name(reason.code), stint_buffer_text(&text),
                    reason_fix(reason.code));
        stint_buffer_deinit(&text);
    }
    stint_buffer_add_text(out, "</dl></main></body></html>\n");
    ex->type = "text/html; charset=utf-8";
    exchange_send(ex, 200);
}

/* ---- status ---- */

static void check(struct stint_buffer *out, const char *result, const char *name,
                  const char *detail)
{
    stint_json_object(out);
    stint_json_kv_text(out, "check", name);
    stint_json_kv_text(out, "result", result);
    stint_json_kv_text(out, "detail", detail);
    stint_json_object_end(out);
}

static void check_launcher(struct stint_buffer *out, const struct stint_engine_report *report)
{
    char text[STINT_RUN_TEXT_MAX + 160];
    if (!report->away && report->launcher_deaths == 0)
        (void)snprintf(text, sizeof(text), "answers");
    else if (!report->away)
        (void)snprintf(text, sizeof(text), "answers; %u died since the daemon's start",
                       report->launcher_deaths);
    else if (!report->starts_again)
        (void)snprintf(text, sizeof(text),
                       "gone: nothing can start; restart the daemon (running jobs go on)");
    else
        (void)snprintf(text, sizeof(text),
                       "gone (%s), %u died since the daemon's start: nothing starts until another "
                       "answers; next try in %u s (running jobs go on)",
                       report->launcher_why, report->launcher_deaths,
                       (unsigned)((report->retry_in_ms + 999) / 1000));
    check(out,
          report->away                  ? "fail"
          : report->launcher_deaths > 0 ? "warn"
                                        : "ok",
          "launcher", text);
}

static void check_engine(struct stint_buffer *out, const struct stint_engine_report *report)
{
    const struct {
        const char *name;
        enum stint_engine_hold hold;
    } rows[] = { { "memory limits", report->memory },   { "process limits", report->processes },
                 { "core binding", report->cores },     { "killing whole jobs", report->kill },
                 { "suspending jobs", report->freeze }, { "CPU time", report->cpu_time } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        check(out,
              rows[i].hold >= STINT_HOLD_CGROUP_V1 ? "ok"
              : rows[i].hold == STINT_HOLD_PLAIN   ? "info"
                                                   : "warn",
              rows[i].name,
              rows[i].hold >= STINT_HOLD_CGROUP_V1 ? "by the kernel, for the whole job"
              : rows[i].hold == STINT_HOLD_PLAIN   ? "plain limits: a job may get around them"
                                                   : "not enforced here");
    check(out, report->separate_users ? "ok" : "info", "users",
          report->separate_users ? "each job runs as who submitted it"
                                 : "all jobs run as the daemon's own user");
    if (report->root_allowed)
        check(out, "warn", "root",
              "private daemon started by root: jobs of root run, and none is called confined");
    check_launcher(out, report);
}

static uint32_t simulated_gpus(const struct stint_machine *machine)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < machine->node_count; i++)
        for (uint32_t slot = 0; slot < machine->nodes[i].shape->gpu_count; slot++)
            count += machine->nodes[i].shape->gpus[slot].is_simulated;
    return count;
}

/* What is in force, and whether verdicts follow it. */
static void check_configuration(struct exchange *ex)
{
    struct stint_rejudge_report report;
    struct stint_buffer *out = &ex->out;
    char text[480];
    const struct stint_api *api = ex->api;
    if (api->reload_refused_why[0]) {
        (void)snprintf(text, sizeof(text), "the last reload was refused, what was before stays: %s",
                       api->reload_refused_why);
        check(out, "fail", "configuration", text);
    } else if (api->reload_later[0]) {
        (void)snprintf(text, sizeof(text),
                       "as it was read last, but these wait for a restart of stintd: %s",
                       api->reload_later);
        check(out, "warn", "configuration", text);
    } else {
        check(out, "ok", "configuration", "as it was read last");
    }
    stint_admission_rejudge_report(ex->api->options.admission, &report);
    (void)snprintf(text, sizeof(text), "%zu stale ones judged again, %zu could not be%s",
                   report.judged_count, report.failed_count,
                   report.is_under_way ? "; under way" : "");
    check(out, report.failed_count > 0 ? "info" : "ok", "verdicts",
          report.judged_count + report.failed_count > 0 || report.is_under_way
              ? text
              : "none was stale after the last change");
}

static void check_all(struct exchange *ex)
{
    struct stint_engine_report report = { 0 };
    const struct stint_api_options *options = &ex->api->options;
    struct stint_buffer *out = &ex->out;
    char text[160];
    stint_json_key(out, "checks");
    stint_json_array(out);
    check(out, stint_store_is_read_only(options->store) ? "fail" : "ok", "store",
          stint_store_is_read_only(options->store) ? ex->api->read_only_why : "takes writes");
    check_configuration(ex);
    stint_engine_report(options->engine, &report);
    check_engine(out, &report);
    uint32_t simulated = 0;
    for (uint32_t i = 0; i < options->resources->count; i++)
        simulated += simulated_gpus(options->resources->list[i].machine);
    (void)snprintf(text, sizeof(text), "%u simulated GPUs: no job gets a real card for them",
                   simulated);
    if (simulated > 0)
        check(out, "info", "GPUs", text);
    (void)snprintf(text, sizeof(text), "%" PRIu64 " entries, %" PRIu64 " under the signed head",
                   stint_record_durable_size(options->record),
                   stint_record_published_size(options->record));
    check(out, "ok", "public log", text);
    check(out, ex->api->url[0] ? "ok" : "info", "public page",
          ex->api->url[0] ? ex->api->url : "on the Unix socket only");
    stint_json_array_end(out);
}

/* Paths of this machine are for people who are on it. */
static void status_private(struct exchange *ex)
{
    const struct stint_config *config = ex->api->config;
    struct stint_buffer *out = &ex->out;
    stint_json_kv_text(out, "config_file", config->file[0] ? config->file : NULL);
    stint_json_kv_text(out, "state", config->state);
    stint_json_kv_text(out, "socket", config->socket);
    stint_json_kv_bool(out, "system_service", config->is_system);
    stint_json_kv_int(out, "reloads", (int64_t)ex->api->reload_count);
    stint_json_kv_text(out, "you_are", ex->caller.name);
    stint_json_kv_text(out, "your_role", exchange_is_operator(ex) ? "operator" : "user");
    check_all(ex);
}

void handle_status(struct exchange *ex)
{
    uint64_t counts[STINT_JOB_STATE_COUNT] = { 0 };
    const struct stint_api_options *options = &ex->api->options;
    struct stint_buffer *out = &ex->out;
    stint_jobs_count(options->jobs, counts);
    document_begin(out, "status");
    stint_json_kv_text(out, "version", STINT_VERSION);
    stint_json_kv_text(out, "site", ex->api->config->site);
    stint_json_kv_text(out, "url", ex->api->url);
    stint_json_kv_bool(out, "read_only", ex->api->is_read_only);
    stint_json_kv_int(out, "log_size", (int64_t)stint_record_published_size(options->record));
    stint_json_key(out, "jobs");
    stint_json_object(out);
    for (int i = 1; i < STINT_JOB_STATE_COUNT; i++)
        if (i != STINT_JOB_DONE)
            stint_json_kv_int(out, stint_job_state_name((enum stint_job_state)i),
                              (int64_t)counts[i]);
    stint_json_object_end(out);
    if (ex->caller.role >= STINT_ROLE_USER)
        status_private(ex);
    stint_json_object_end(out);
    exchange_send(ex, 200);
}

/* ---- metrics (OpenMetrics 1.0): no users, no job names ---- */

static void label_text(struct stint_buffer *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '\\' || *text == '"')
            stint_buffer_add_char(out, '\\');
        stint_buffer_add_char(out, *text == '\n' ? ' ' : *text);
    }
}

struct metrics_walk {
    struct stint_buffer *out;
    uint64_t reasons[STINT_REASON_COUNT];
    const struct stint_api *api;
    struct {
        uint64_t cores;
        uint64_t gpus;
        uint64_t waiting;
    } on[STINT_RESOURCE_MAX];
};

/* Simulated GPUs are left out of public totals. */
static void metrics_add(struct metrics_walk *walk, uint32_t resource,
                        const struct stint_allocation *held)
{
    const struct stint_machine *machine = walk->api->options.resources->list[resource].machine;
    for (uint32_t i = 0; held && i < held->grant_count; i++) {
        const struct stint_grant *grant = &held->grants[i];
        const struct stint_shape *shape = machine->nodes[grant->node].shape;
        walk->on[resource].cores += grant->core_count;
        for (uint32_t slot = 0; slot < shape->gpu_count; slot++)
            walk->on[resource].gpus +=
                stint_bit_has(&grant->gpus, slot) && !shape->gpus[slot].is_simulated;
    }
}

static bool metrics_on_view(void *context, const struct stint_job_view *view)
{
    struct metrics_walk *walk = context;
    if (view->reason.code != STINT_REASON_NONE &&
        (view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD || view->array))
        walk->reasons[view->reason.code]++; /* the tasks of an array that wait together count once
                                             */
    bool waits = view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD;
    if (waits && !view->is_task && view->resource_number < STINT_RESOURCE_MAX)
        walk->on[view->resource_number].waiting++;
    for (uint32_t r = 0; view->allocation && r < walk->api->options.resources->count; r++)
        metrics_add(walk, r, stint_jobs_held_on(walk->api->options.jobs, view->id, view->task, r));
    return true;
}

static bool metrics_on_award(void *context, const struct stint_award_view *view)
{
    struct exchange *ex = context;
    struct stint_buffer *out = &ex->out;
    const struct {
        const char *kind;
        int64_t micro;
    } rows[] = { { "awarded", view->awarded_micro },
                 { "used", view->used_micro },
                 { "held", view->held_micro } };
    if (award_is_simulated(ex->api, view))
        return true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++) {
        stint_buffer_add_text(out, "stint_award_hours{award=\"");
        label_text(out, view->name);
        stint_buffer_add_text(out, "\",project=\"");
        label_text(out, view->project);
        stint_buffer_add_text(out, "\",resource=\"");
        label_text(out, view->resource);
        stint_buffer_printf(out, "\",unit=\"%s\",kind=\"%s\"} %.6f\n", view->unit, rows[i].kind,
                            (double)rows[i].micro / 1e6);
    }
    return true;
}

static void family(struct stint_buffer *out, const char *name, const char *type, const char *help)
{
    stint_buffer_printf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void metrics_jobs(struct exchange *ex, struct metrics_walk *walk)
{
    uint64_t counts[STINT_JOB_STATE_COUNT] = { 0 };
    struct stint_buffer *out = &ex->out;
    stint_jobs_count(ex->api->options.jobs, counts);
    family(out, "stint_jobs", "gauge", "Live jobs by state.");
    for (int i = 1; i < STINT_JOB_STATE_COUNT; i++)
        if (i != STINT_JOB_DONE)
            stint_buffer_printf(out, "stint_jobs{state=\"%s\"} %" PRIu64 "\n",
                                stint_job_state_name((enum stint_job_state)i), counts[i]);
    family(out, "stint_unstarted_jobs", "gauge", "Waiting jobs by headline reason.");
    for (int i = 1; i < STINT_REASON_COUNT; i++)
        if (walk->reasons[i] > 0)
            stint_buffer_printf(out, "stint_unstarted_jobs{reason=\"%s\"} %" PRIu64 "\n",
                                stint_reason_name((enum stint_reason_code)i), walk->reasons[i]);
}

/* One sample of a family for each resource, by its name where there are several. */
static void metrics_sample(struct stint_buffer *out, const char *name,
                           const struct stint_resources *resources, uint32_t resource,
                           uint64_t value)
{
    stint_buffer_add_text(out, name);
    if (resources->count > 1) {
        stint_buffer_add_text(out, "{resource=\"");
        label_text(out, resources->list[resource].name);
        stint_buffer_add_text(out, "\"}");
    }
    stint_buffer_printf(out, " %" PRIu64 "\n", value);
}

static void metrics_machine(struct stint_buffer *out, const struct metrics_walk *walk)
{
    const struct stint_resources *resources = walk->api->options.resources;
    static const struct {
        const char *name;
        const char *help;
    } families[] = {
        { "stint_cores", "Cores of the machine." },
        { "stint_allocated_cores", "Cores that jobs hold." },
        { "stint_gpus", "GPUs of the machine, simulated ones left out." },
        { "stint_allocated_gpus", "GPUs that jobs hold, simulated ones left out." },
    };
    for (size_t f = 0; f < STINT_ARRAY_SIZE(families); f++) {
        family(out, families[f].name, "gauge", families[f].help);
        for (uint32_t r = 0; r < resources->count; r++) {
            const struct stint_machine *machine = resources->list[r].machine;
            uint64_t values[4] = { 0, walk->on[r].cores, 0, walk->on[r].gpus };
            for (uint32_t i = 0; i < machine->node_count; i++) {
                values[0] += machine->nodes[i].shape->core_count;
                values[2] += machine->nodes[i].shape->gpu_count;
            }
            values[2] -= simulated_gpus(machine);
            metrics_sample(out, families[f].name, resources, r, values[f]);
        }
    }
    if (resources->count < 2)
        return;
    family(out, "stint_waiting_jobs", "gauge", "Waiting jobs by resource, an array counted once.");
    for (uint32_t r = 0; r < resources->count; r++)
        metrics_sample(out, "stint_waiting_jobs", resources, r, walk->on[r].waiting);
}

static void metrics_nodes(struct exchange *ex)
{
    const struct stint_resources *resources = ex->api->options.resources;
    struct stint_buffer *out = &ex->out;
    struct stint_node_view view;
    family(out, "stint_nodes", "gauge", "Nodes by state.");
    for (uint32_t r = 0; r < resources->count; r++) {
        uint32_t counts[STINT_NODE_DOWN + 1] = { 0 };
        for (uint32_t i = 0; i < resources->list[r].machine->node_count; i++) {
            stint_calendar_node(ex->api->options.calendar, r, i, &view);
            counts[view.state]++;
        }
        for (int i = 0; i <= STINT_NODE_DOWN; i++) {
            stint_buffer_printf(out, "stint_nodes{state=\"%s\"",
                                stint_node_state_name((enum stint_node_state)i));
            if (resources->count > 1) {
                stint_buffer_add_text(out, ",resource=\"");
                label_text(out, resources->list[r].name);
                stint_buffer_add_char(out, '"');
            }
            stint_buffer_printf(out, "} %u\n", counts[i]);
        }
    }
}

static void metrics_service(struct exchange *ex)
{
    struct stint_store_figures figures = { 0 };
    struct stint_buffer *out = &ex->out;
    stint_store_figures(ex->api->options.store, &figures);
    family(out, "stint_log_entries", "gauge", "Entries under the signed head of the public log.");
    stint_buffer_printf(out, "stint_log_entries %" PRIu64 "\n",
                        stint_record_published_size(ex->api->options.record));
    family(out, "stint_store_commits", "counter", "Durable commits.");
    stint_buffer_printf(out, "stint_store_commits_total %" PRIu64 "\n", figures.commits);
    family(out, "stint_store_failures", "counter", "Commits that failed.");
    stint_buffer_printf(out, "stint_store_failures_total %" PRIu64 "\n", figures.failures);
    family(out, "stint_store_commit_seconds", "counter", "Time spent in commits.");
    stint_buffer_printf(out, "stint_store_commit_seconds_total %.9f\n",
                        (double)figures.commit_ns_sum / 1e9);
    family(out, "stint_http_answers", "counter", "HTTP answers by class of status.");
    for (int i = 2; i < 6; i++)
        stint_buffer_printf(out, "stint_http_answers_total{class=\"%dxx\"} %" PRIu64 "\n", i,
                            ex->api->answer_counts[i]);
    family(out, "stint_read_only", "gauge", "1 while the store takes no writes.");
    stint_buffer_printf(out, "stint_read_only %d\n", ex->api->is_read_only);
}

/* GPU-seconds by project come from the store; the rest is in memory. */
struct metrics_usage {
    struct stint_estimate_window month;
    size_t count;
    bool is_full;
    struct stint_usage_sum rows[1024];
};

static bool metrics_on_sum(void *context, const struct stint_usage_sum *sum)
{
    struct metrics_usage *usage = context;
    for (size_t i = 0; i < usage->count; i++) {
        if (usage->rows[i].project == sum->project) {
            usage->rows[i].gpu_milli_s += sum->gpu_milli_s;
            usage->rows[i].core_s += sum->core_s;
            usage->rows[i].open_gpu_milli_s += sum->open_gpu_milli_s;
            usage->rows[i].open_core_s += sum->open_core_s;
            return true;
        }
    }
    if (usage->count < STINT_ARRAY_SIZE(usage->rows))
        usage->rows[usage->count++] = *sum;
    return true;
}

static int metrics_work(struct stint_reader *reader, void *data)
{
    struct metrics_usage *usage = data;
    int r = stint_reader_sum_usage(reader, 0, 0, metrics_on_sum, usage);
    return r != 0 ? r : stint_reader_estimate_windows(reader, &usage->month, 1);
}

/* Of runs that have ended: what goes on is counted by its limit, and a counter never goes down. */
static void metrics_usage_write(struct exchange *ex, const struct metrics_usage *usage,
                                const char *name, bool is_gpu, const char *help)
{
    struct stint_buffer *out = &ex->out;
    family(out, name, "counter", help);
    for (size_t i = 0; i < usage->count; i++) {
        const struct stint_usage_sum *sum = &usage->rows[i];
        stint_buffer_printf(out, "%s_total{project=\"", name);
        label_text(out, stint_ledger_project_name(ex->api->options.ledger, sum->project));
        stint_buffer_printf(out, "\"} %" PRId64 "\n",
                            is_gpu ? (sum->gpu_milli_s - sum->open_gpu_milli_s) / 1000
                                   : sum->core_s - sum->open_core_s);
    }
}

static void metrics_render(struct exchange *ex, void *data, int status)
{
    struct metrics_walk walk = { .out = &ex->out, .api = ex->api };
    bool is_simulated = false;
    struct stint_buffer *out = &ex->out;
    stint_jobs_each(ex->api->options.jobs, metrics_on_view, &walk);
    stint_buffer_printf(out,
                        "# TYPE stint_build info\n# HELP stint_build The program.\n"
                        "stint_build_info{version=\"%s\"} 1\n",
                        STINT_VERSION);
    metrics_jobs(ex, &walk);
    metrics_machine(out, &walk);
    metrics_nodes(ex);
    family(out, "stint_award_hours", "gauge",
           "Awards in hours of their unit, those of simulated GPUs left out.");
    stint_ledger_each_award(ex->api->options.ledger, metrics_on_award, ex);
    for (uint32_t r = 0; r < ex->api->options.resources->count; r++)
        is_simulated |= stint_machine_is_simulated(ex->api->options.resources->list[r].machine);
    if (status >= 0) {
        if (!is_simulated)
            metrics_usage_write(ex, data, "stint_gpu_seconds", true,
                                "GPU time of runs that have ended.");
        metrics_usage_write(ex, data, "stint_core_seconds", false,
                            "Core time of runs that have ended.");
        month_metrics(&((const struct metrics_usage *)data)->month, out);
    }
    metrics_service(ex);
    stint_buffer_add_text(out, "# EOF\n");
    ex->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    exchange_send_durable(ex, 200);
}

void handle_metrics(struct exchange *ex)
{
    static const struct read_plan plan = { metrics_work, metrics_render, free };
    struct metrics_usage *usage = calloc(1, sizeof(*usage));
    if (usage)
        month_window(ex->api, &usage->month);
    exchange_read(ex, &plan, usage);
}
