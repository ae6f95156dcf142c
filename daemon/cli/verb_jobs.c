/* Owns: queue, jobs, show, why. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "job.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/jobs.h"
#include "stint/measure.h"

/* ---- what a job is, in cells ---- */

/* `running`, or the outcome of what is done. */
static const char *job_word(const json_t *job)
{
    const char *state = doc_text_or(job, "state", "?");
    return strcmp(state, "done") == 0 ? doc_text_or(job, "outcome", "done") : state;
}

/* A reason is a token, or an object with one. */
static const char *reason_code(const json_t *job)
{
    const char *code = doc_text(job, "reason");
    return code ? code : doc_text(job, "reason.code");
}

/* A figure that may stand in the job or among its resources. */
static int64_t job_int(const json_t *job, const char *name, int64_t other)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "resources.%s", name);
    return doc_int(job, name, doc_int(job, path, other));
}

static char *gpus_text(const json_t *job, char *text, size_t size)
{
    const json_t *gpus = doc_at(job, "gpus");
    if (!gpus)
        gpus = doc_at(job, "resources.gpus");
    int64_t count =
        json_is_integer(gpus) ? (int64_t)json_integer_value(gpus) : doc_int(gpus, "count", 0);
    int64_t milli =
        json_is_object(gpus) ? doc_int(gpus, "milli", 1000) : doc_int(job, "gpu_milli", 1000);
    const char *type = json_is_object(gpus) ? doc_text(gpus, "type") : doc_text(job, "gpu_type");
    if (count > 0 && milli < 1000)
        (void)snprintf(text, size, "%s%s%.3g", type ? type : "", type ? ":" : "",
                       (double)milli / 1000);
    else
        (void)snprintf(text, size, "%s%s%" PRId64, type && count > 0 ? type : "",
                       type && count > 0 ? ":" : "", count);
    return text;
}

/* "6 pending, 2 running, 2 of 10 done": how far an array is; "" for a plain job. */
static char *tasks_text(const json_t *job, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    if (!doc_at(job, "array"))
        return text;
    static const char *const states[] = { "pending", "held", "running" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(states); i++) {
        char path[24];
        (void)snprintf(path, sizeof(path), "array.%s", states[i]);
        int64_t count = doc_int(job, path, 0);
        if (count > 0 && used < size)
            used +=
                (size_t)snprintf(text + used, size - used, "%" PRId64 " %s, ", count, states[i]);
    }
    if (used < size && doc_has(job, "array.done"))
        (void)snprintf(text + used, size - used, "%" PRId64 " of %" PRId64 " done",
                       doc_int(job, "array.done", 0), doc_int(job, "array.tasks", 0));
    else if (used < size)
        (void)snprintf(text + used, size - used, "%" PRId64 " tasks",
                       doc_int(job, "array.tasks", 0));
    return text;
}

/* What it waits for, or since when and until when it runs, or how it ended. */
static void situation_text(const json_t *job, char *text, size_t size)
{
    char first[DOC_TIME_MAX];
    const char *state = doc_text_or(job, "state", "");
    const char *code = reason_code(job);
    if (strcmp(state, "done") == 0 && doc_text(job, "note"))
        (void)snprintf(text, size, "ended %s: %s", doc_time(job, "ended", first),
                       doc_text(job, "note"));
    else if (strcmp(state, "done") == 0)
        (void)snprintf(text, size, "ended %s", doc_time(job, "ended", first));
    else if (doc_has(job, "ends_by") && strcmp(state, "pending") != 0)
        (void)snprintf(text, size, "until %s", doc_time(job, "ends_by", first));
    else if (code && *code && doc_has(job, "estimate.p50") && !doc_has(job, "estimate.supposes"))
        (void)snprintf(text, size, "%s, about %s", code, doc_time(job, "estimate.p50", first));
    else if (code && *code)
        (void)snprintf(text, size, "%s", code);
    else
        (void)snprintf(text, size, "-");
}

static void job_row(struct table *table, const json_t *job)
{
    char id[JOB_ID_MAX];
    char text[128];
    char situation[400];
    const char *word = job_word(job);
    int64_t walltime_s = job_int(job, "walltime_s", 0);
    table_add(table, job_label(job, id));
    table_add(table, doc_text(job, "name"));
    table_add(table, doc_text(job, "project"));
    table_add(table, doc_text(job, "resource"));
    table_add(table, doc_text(job, "user"));
    table_add_styled(table, word, style_of_state(word));
    table_printf(table, "%" PRId64, job_int(job, "cpus", 0));
    table_add(table, gpus_text(job, text, sizeof(text)));
    table_add(table, walltime_s ? stint_duration_format(walltime_s, text, sizeof(text)) : NULL);
    size_t used = strlen(tasks_text(job, situation, sizeof(situation)));
    if (used > 0) {
        situation_text(job, text, sizeof(text));
        if (strcmp(text, "-") != 0)
            (void)snprintf(situation + used, sizeof(situation) - used, "; %s", text);
    } else {
        situation_text(job, situation, sizeof(situation));
    }
    table_add(table, situation);
}

static const struct table_column job_columns[] = {
    { "ID", true, false },      { "NAME", false, true },
    { "PROJECT", false, true }, { "RESOURCE", false, true },
    { "USER", false, true },    { "STATE", false, false },
    { "CORES", true, false },   { "GPUS", true, false },
    { "LIMIT", true, false },   { "REASON OR TIME", false, true },
};
#define JOB_COLUMN_RESOURCE 3

static void jobs_table(const json_t *jobs, const char *empty)
{
    stint_auto(table_deinit) struct table table;
    const json_t *job;
    size_t i;
    table_init(&table, job_columns, STINT_ARRAY_SIZE(job_columns));
    if (!doc_names_resources(jobs))
        table_hide(&table, JOB_COLUMN_RESOURCE);
    json_array_foreach(jobs, i, job) job_row(&table, job);
    table_print(&table, empty);
}

/* ---- queue ---- */

static int show_queue(struct cli *cli, const json_t *document)
{
    (void)cli;
    jobs_table(doc_at(document, "jobs"), "nothing is queued or running");
    if (doc_text(document, "next"))
        (void)puts("… and more; --json with ?after= reads on");
    return EXIT_OK;
}

int verb_queue(struct cli *cli)
{
    char path[600];
    char encoded[400];
    const char *resource = cli_value(cli, "resource");
    int n =
        snprintf(path, sizeof(path), "/api/v1/queue%s", cli_has(cli, "mine") ? "?mine=true" : "");
    if (resource)
        (void)snprintf(path + n, sizeof(path) - (size_t)n, "%cresource=%s",
                       cli_has(cli, "mine") ? '&' : '?',
                       path_encode(resource, encoded, sizeof(encoded)));
    return cli_show(cli, path, show_queue);
}

/* ---- jobs ---- */

struct query {
    char text[1024];
    size_t used;
};

static void query_add(struct query *query, const char *key, const char *value)
{
    char encoded[400];
    if (!value)
        return;
    int n = snprintf(query->text + query->used, sizeof(query->text) - query->used, "%c%s=%s",
                     query->used ? '&' : '?', key, path_encode(value, encoded, sizeof(encoded)));
    if (n > 0 && query->used + (size_t)n < sizeof(query->text))
        query->used += (size_t)n;
}

/* `7d` (that long ago) or an instant, as RFC 3339 for the daemon. */
static int since_read(const char *text, char instant[40])
{
    struct stint_error err = { 0 };
    int64_t seconds;
    int64_t at_ms;
    int64_t now_ms = wall_now_ms();
    bool is_bare = text[strspn(text, "0123456789")] == '\0';
    if (!is_bare && stint_duration_parse(text, &seconds, NULL) == 0)
        at_ms = now_ms - seconds * 1000;
    else if (stint_instant_parse(text, now_ms, &at_ms, &err) != 0)
        return cli_usage("7d, 12h, 2026-11-25 or 2026-11-25T18:00:00Z", "--since %.40s: not a time",
                         text);
    stint_instant_format(at_ms, instant, 40);
    return EXIT_OK;
}

static bool is_outcome(const char *word)
{
#define X(name, wire) wire,
    static const char *const outcomes[] = { STINT_JOB_OUTCOMES(X) };
#undef X
    for (size_t i = 0; i < STINT_ARRAY_SIZE(outcomes); i++)
        if (strcmp(outcomes[i], word) == 0)
            return true;
    return false;
}

/* The filters of the command line as a query. */
static int jobs_query(struct cli *cli, struct query *query)
{
    char instant[40];
    const char *since = cli_value(cli, "since");
    const char *state = cli_value(cli, "state");
    if (since) {
        int status = since_read(since, instant);
        if (status != EXIT_OK)
            return status;
        query_add(query, "since", instant);
    }
    if (state)
        query_add(query, is_outcome(state) ? "outcome" : "state", state);
    query_add(query, "project", cli_value(cli, "project"));
    query_add(query, "user", cli_value(cli, "user"));
    query_add(query, "limit", cli_value(cli, "limit") ? cli_value(cli, "limit") : "100");
    query_add(query, "after", cli_value(cli, "after"));
    if (cli_has(cli, "mine"))
        query_add(query, "mine", "true");
    return EXIT_OK;
}

/* Most pages that --all follows: a cursor that never ends must not hold us for ever. */
#define PAGES_MAX 100000

/* The path of the page after this answer into @path; false when it was the last. */
static bool next_page(const struct response *response, const struct query *query, char *path,
                      size_t size)
{
    struct query next = *query;
    const char *cursor = doc_text(response->json, "next");
    if (response->next && strlen(response->next) < size) {
        (void)snprintf(path, size, "%s", response->next);
        return true;
    }
    if (!cursor || !*cursor)
        return false;
    query_add(&next, "after", cursor);
    (void)snprintf(path, size, "/api/v1/jobs%s", next.text);
    return true;
}

/* --all: every page; one document a page with --json, one table else. */
static int jobs_all(struct cli *cli, const struct query *query)
{
    char path[2048];
    json_t *all = json_array();
    int status = EXIT_OK;
    bool has_more = true;
    (void)snprintf(path, sizeof(path), "/api/v1/jobs%s", query->text);
    for (int page = 0; has_more && status == EXIT_OK && page < PAGES_MAX; page++) {
        stint_auto(response_deinit) struct response response = { 0 };
        char before[2048];
        (void)snprintf(before, sizeof(before), "%s", path);
        status = cli_call(cli, "GET", path, NULL, &response);
        if (status != EXIT_OK)
            break;
        if (cli_has(cli, "json"))
            (void)printf("%s\n", stint_buffer_text(&response.body));
        else
            (void)json_array_extend(all, (json_t *)(uintptr_t)doc_at(response.json, "jobs"));
        has_more = next_page(&response, query, path, sizeof(path)) && strcmp(before, path) != 0;
    }
    if (status == EXIT_OK && !cli_has(cli, "json")) {
        screen_pager_start(!cli_has(cli, "no-pager"));
        jobs_table(all, "no such jobs");
        screen_pager_end();
    }
    json_decref(all);
    return status;
}

static int show_jobs(struct cli *cli, const json_t *document)
{
    (void)cli;
    jobs_table(doc_at(document, "jobs"), "no such jobs");
    if (doc_text(document, "next")) {
        (void)fputs("… and more: --after ", stdout);
        text_print(doc_text(document, "next"));
        (void)puts(", or --all");
    }
    return EXIT_OK;
}

int verb_jobs(struct cli *cli)
{
    char path[1100];
    struct query query = { 0 };
    int status = jobs_query(cli, &query);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "all"))
        return jobs_all(cli, &query);
    (void)snprintf(path, sizeof(path), "/api/v1/jobs%s", query.text);
    return cli_show(cli, path, show_jobs);
}

/* ---- show ---- */

static void line(const char *name, const char *text)
{
    if (!text || !*text || strcmp(text, "-") == 0)
        return;
    (void)printf("%-11s", name);
    text_print(text);
    (void)putchar('\n');
}

static void line_time(const json_t *job, const char *name, const char *path)
{
    char text[120];
    if (doc_time_ms(job, path))
        line(name, doc_time_full(job, path, text, sizeof(text)));
}

static void resources_line(const json_t *job)
{
    char text[300];
    char gpus[100];
    char memory[40] = "";
    char limit[40];
    int64_t bytes = job_int(job, "memory_bytes", 0);
    int64_t walltime_s = job_int(job, "walltime_s", 0);
    if (bytes > 0)
        stint_size_format(bytes, memory, sizeof(memory));
    int64_t cpus = job_int(job, "cpus", 1);
    gpus_text(job, gpus, sizeof(gpus));
    (void)snprintf(text, sizeof(text), "%" PRId64 " %s, %s %s%s%s%s%s", cpus,
                   cpus == 1 ? "core" : "cores", gpus, strcmp(gpus, "1") == 0 ? "GPU" : "GPUs",
                   *memory ? ", " : "", memory, walltime_s ? ", at most " : "",
                   walltime_s ? stint_duration_format(walltime_s, limit, sizeof(limit)) : "");
    line("asks", text);
}

static void uses_lines(const json_t *job)
{
    const json_t *use;
    size_t i;
    json_array_foreach(doc_at(job, "uses"), i, use)
    {
        char text[300];
        (void)snprintf(text, sizeof(text), "%s %.100s %.80s", doc_text_or(use, "kind", "uses"),
                       doc_text_or(use, "name", doc_text_or(use, "reference", "?")),
                       doc_text_or(use, "digest", ""));
        line(i == 0 ? "uses" : "", text);
    }
}

static void end_lines(const json_t *job)
{
    char text[200];
    char span[40];
    int64_t code = doc_int(job, "exit_code", -1);
    int64_t signal_ = doc_int(job, "term_signal", 0);
    if (code >= 0 && job_is_done(job)) {
        (void)snprintf(text, sizeof(text), signal_ > 0 ? "killed by signal %" PRId64 : "%" PRId64,
                       signal_ > 0 ? signal_ : code);
        line("exit", text);
    }
    if (doc_int(job, "elapsed_ms", -1) >= 0)
        line("ran",
             stint_duration_format(doc_int(job, "elapsed_ms", 0) / 1000, span, sizeof(span)));
    if (doc_int(job, "memory_peak_bytes", 0) > 0)
        line("memory", stint_size_format(doc_int(job, "memory_peak_bytes", 0), span, sizeof(span)));
    if (doc_text(job, "level"))
        line("level", doc_bool(job, "private_root")
                          ? "recorded (a private daemon of root: nothing is confined)"
                          : doc_text(job, "level"));
    if (doc_bool(job, "simulated"))
        line("GPUs", "simulated: no real card is given");
    if (doc_int(job, "charged_micro", 0) > 0)
        line("charged", stint_micro_format(doc_int(job, "charged_micro", 0), span, sizeof(span)));
}

static void outcomes_line(const json_t *job)
{
    char text[300];
    const char *outcome;
    json_t *count;
    const char *joint = " (";
    size_t used = strlen(tasks_text(job, text, sizeof(text)));
    json_object_foreach((json_t *)(uintptr_t)doc_at(job, "array.outcomes"), outcome, count)
    {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRId64 " %.20s", joint,
                                 (int64_t)json_integer_value(count), outcome);
        if (used >= sizeof(text))
            break;
        joint = ", ";
    }
    if (joint[0] == ',' && used < sizeof(text))
        (void)snprintf(text + used, sizeof(text) - used, ")");
    line("tasks", text);
}

static int show_job(struct cli *cli, const json_t *document)
{
    if (json_is_array(doc_at(document, "jobs"))) {
        jobs_table(doc_at(document, "jobs"), "no such tasks");
        return EXIT_OK;
    }
    const json_t *job = job_of(document);
    char id[JOB_ID_MAX];
    const char *word = job_word(job);
    const char *code = reason_code(job);
    (void)cli;
    (void)printf("%sjob %s%s  ", style_on(STYLE_BOLD), job_label(job, id), style_off());
    text_print(doc_text_or(job, "name", ""));
    (void)printf("  %s%s%s\n", style_on(style_of_state(word)), word, style_off());
    outcomes_line(job);
    line("reason", code);
    line("note", doc_text(job, "note"));
    line("", doc_text(job, "reason_text"));
    line("project", doc_text(job, "project"));
    if (strcmp(doc_text_or(job, "resource", "local"), "local") != 0)
        line("resource", doc_text(job, "resource"));
    line("award", doc_text(job, "award"));
    line("user", doc_text(job, "user"));
    resources_line(job);
    line("holds", doc_text(job, "allocation"));
    uses_lines(job);
    line("folder", doc_text(job, "workdir"));
    line("output", doc_text(job, "output"));
    line("errors", doc_text(job, "error"));
    line_time(job, "submitted", "submitted");
    line_time(job, "begin", "begin");
    line_time(job, "expected", "estimate.p50");
    line("if", doc_text(job, "estimate.supposes"));
    line("when", doc_text(job, "no_estimate"));
    line_time(job, "started", "started");
    line_time(job, "ends by", "ends_by");
    line_time(job, "ended", "ended");
    end_lines(job);
    line("assurance", doc_text(job, "assurance"));
    line("purpose", doc_text(job, "purpose"));
    if (json_array_size(doc_at(document, "tasks")) > 0) {
        (void)putchar('\n');
        jobs_table(doc_at(document, "tasks"), "");
    }
    return EXIT_OK;
}

int verb_show(struct cli *cli)
{
    char path[JOB_PATH_MAX];
    int status = job_path(cli->args.words[0], "", path);
    return status == EXIT_OK ? cli_show(cli, path, show_job) : status;
}

/* ---- why ---- */

/* Of a limit: who set it, when and why. */
static void setter_print(const json_t *reason)
{
    char when[DOC_TIME_MAX];
    if (!doc_time_ms(reason, "params.set"))
        return;
    (void)printf("  set %s by ", doc_time(reason, "params.set", when));
    text_print(doc_text_or(reason, "params.set_by", "an operator"));
    (void)fputs(": ", stdout);
    text_print(doc_text_or(reason, "params.set_reason", ""));
    (void)putchar('\n');
}

static void reason_print(const char *id, const char *head, const json_t *reason)
{
    const char *code =
        json_is_string(reason) ? json_string_value(reason) : doc_text_or(reason, "code", "");
    const char *text = doc_text(reason, "text");
    if (!text)
        text = doc_text(reason, "detail");
    (void)printf("%s%s%s%s", head, style_on(STYLE_BOLD), code, style_off());
    if (text) {
        (void)fputs(": ", stdout);
        text_print(text);
    }
    (void)putchar('\n');
    setter_print(reason);
    if (doc_text(reason, "fix")) {
        (void)fputs("  try: ", stdout);
        text_print(doc_text(reason, "fix"));
        if (strcmp(doc_text(reason, "fix"), "stint release") == 0)
            (void)printf(" %s", id);
        (void)putchar('\n');
    }
}

/* What is over waits for nothing; the cause of its end is what was asked for. */
static int why_done(const char *id, const json_t *why, const json_t *reason)
{
    char head[128];
    bool has_reason = reason && doc_text(reason, "code");
    (void)snprintf(head, sizeof(head), "job %.40s is done, %.20s%s", id,
                   doc_text_or(why, "outcome", "with no outcome"), has_reason ? ": " : "");
    if (has_reason) {
        reason_print(id, head, reason);
        if (doc_text(why, "note")) {
            (void)fputs("  ", stdout);
            text_print(doc_text(why, "note"));
            (void)putchar('\n');
        }
    } else {
        (void)fputs(head, stdout);
        (void)fputs(doc_text(why, "note") ? ": " : "", stdout);
        text_print(doc_text_or(why, "note", ""));
        (void)putchar('\n');
    }
    return EXIT_OK;
}

/* When it may start, or what ends the time for which that cannot be told; and with what it would
 * start now. */
static void start_print(const json_t *why)
{
    char time_[120];
    size_t i;
    const json_t *option;
    const char *supposes = doc_text(why, "estimate.supposes");
    if (supposes) {
        (void)fputs("  if ", stdout);
        text_print(supposes);
        (void)fputs(":\n", stdout);
    }
    if (doc_time_ms(why, "estimate.p50"))
        (void)printf("  expected %s\n", doc_time_full(why, "estimate.p50", time_, sizeof(time_)));
    if (doc_time_ms(why, "estimate.p90"))
        (void)printf("  at the latest, 9 times in 10, %s\n",
                     doc_time_full(why, "estimate.p90", time_, sizeof(time_)));
    if (doc_text(why, "no_estimate")) {
        (void)fputs("  no start can be told until ", stdout);
        text_print(doc_text(why, "no_estimate"));
        (void)putchar('\n');
    }
    json_array_foreach(doc_at(why, "starts_now_with"), i, option)
    {
        (void)fputs("  would start now with ", stdout);
        text_print(json_string_value(option));
        (void)putchar('\n');
    }
}

static int show_why(struct cli *cli, const json_t *document)
{
    const json_t *why = doc_at(document, "why") ? doc_at(document, "why") : document;
    const json_t *reason = doc_at(why, "reason") ? doc_at(why, "reason") : doc_at(why, "headline");
    const json_t *other;
    char head[128];
    size_t i;
    const char *state = doc_text_or(why, "state", "pending");
    if (strcmp(state, "done") == 0)
        return why_done(cli->args.words[0], why, reason);
    if (!reason || (json_is_string(reason) && !*json_string_value(reason))) {
        (void)printf("job %s is %s; nothing stands in its way\n", cli->args.words[0], state);
        return EXIT_OK;
    }
    (void)snprintf(head, sizeof(head), "job %.40s waits: ", cli->args.words[0]);
    reason_print(cli->args.words[0], head, reason);
    json_array_foreach(doc_at(why, "also"), i, other)
    {
        reason_print(cli->args.words[0], "  also: ", other);
    }
    turn_print(doc_at(why, "turn"));
    const char *resource = doc_text_or(why, "resource", "local");
    if (doc_has(why, "position")) {
        (void)printf("  position %" PRId64 " in the queue", doc_int(why, "position", 0));
        (void)fputs(strcmp(resource, "local") != 0 ? " of " : "", stdout);
        text_print(strcmp(resource, "local") != 0 ? resource : "");
        (void)putchar('\n');
    }
    start_print(why);
    return EXIT_OK;
}

int verb_why(struct cli *cli)
{
    char path[JOB_PATH_MAX];
    int status = job_path(cli->args.words[0], "/why", path);
    return status == EXIT_OK ? cli_show(cli, path, show_why) : status;
}
