/* Owns: simulate --history: finished jobs as a trace, the daemon's nodes as a machine. */
#include "simulate_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "stint/auto.h"
#include "stint/measure.h"
#include "stint/tasks.h"

void history_deinit(struct history *history)
{
    stint_trace_deinit(&history->trace);
    for (uint32_t i = 0; i < history->project_count; i++)
        free(history->projects[i]);
    free(history->projects);
    *history = (struct history){ 0 };
}

/* ---- jobs ---- */

/* The project's number; UINT32_MAX when memory or the bound is out. */
static uint32_t project_number(struct history *history, const char *name)
{
    for (uint32_t i = history->project_count; i-- > 0;)
        if (strcmp(history->projects[i], name) == 0)
            return i;
    if (history->project_count == STINT_SHARES_PROJECT_MAX)
        return UINT32_MAX;
    char **projects =
        realloc(history->projects, (history->project_count + 1) * sizeof(history->projects[0]));
    if (!projects)
        return UINT32_MAX;
    history->projects = projects;
    if (!(projects[history->project_count] = strdup(name)))
        return UINT32_MAX;
    return history->project_count++;
}

/* Room for one job more; capacities are powers of two. */
static int grow(struct stint_trace *trace)
{
    size_t count = trace->job_count;
    if (count == STINT_TRACE_JOB_MAX)
        return STINT_TOO_LARGE;
    if (count & (count - 1))
        return 0;
    size_t capacity = count ? 2 * count : 1;
    struct stint_trace_job *jobs = realloc(trace->jobs, capacity * sizeof(*jobs));
    if (!jobs)
        return -ENOMEM;
    trace->jobs = jobs;
    uint32_t *gpus = realloc(trace->gpus, capacity * sizeof(*gpus));
    if (!gpus)
        return -ENOMEM;
    trace->gpus = gpus;
    return 0;
}

static uint32_t bounded(int64_t value, int64_t low, int64_t high)
{
    return (uint32_t)(value < low ? low : value > high ? high : value);
}

/* A job that never ran took nothing and is left out, as a trace's reader does. */
static int add_job(struct history *history, const json_t *job)
{
    struct stint_trace *trace = &history->trace;
    int64_t submit_ms = doc_time_ms(job, "submitted");
    int64_t start_ms = doc_time_ms(job, "started");
    int64_t end_ms = doc_time_ms(job, "ended");
    int64_t limit_s = doc_int(job, "walltime_s", 0);
    int r = grow(trace);
    trace->line_count++;
    if (r != 0)
        return r;
    if (submit_ms <= 0 || start_ms < submit_ms || end_ms <= start_ms || limit_s > INT32_MAX) {
        trace->dropped_count++;
        return 0;
    }
    int64_t run_s = end_ms - start_ms < 1000 ? 1 : (end_ms - start_ms + 500) / 1000;
    limit_s = limit_s > 0 ? limit_s : run_s;
    trace->gpus[trace->job_count] = bounded(doc_int(job, "gpus", 0), 0, UINT16_MAX);
    trace->jobs[trace->job_count++] = (struct stint_trace_job){
        .id = doc_int(job, "id", 0),
        .submit_s = submit_ms / 1000,
        .run_s = run_s < limit_s ? run_s : limit_s,
        .limit_s = limit_s,
        .procs = bounded(doc_int(job, "cpus", 1), 1, STINT_MACHINE_CORE_MAX),
        .user = project_number(history, doc_text_or(job, "project", "")),
    };
    return 0;
}

/* ---- arrays: each task is a job with times of its own ---- */

#define TASKS_A_CALL 1000
#define RUNS_A_CALL  32 /* "1-9:2" each: bounded, as a request's line is */

/* What comes back for the tasks @ref, "41_[1-5]", newest first as the list is. */
static int fetch_tasks(struct cli *cli, struct history *history, const char *ref)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[2048];
    char encoded[1800];
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s",
                   path_encode(ref, encoded, sizeof(encoded)));
    int status = cli_call(cli, "GET", path, NULL, &response);
    const json_t *tasks = doc_at(response.json, "jobs");
    for (size_t i = json_array_size(tasks); status == EXIT_OK && i-- > 0;) {
        struct stint_error err = { .code = add_job(history, json_array_get(tasks, i)) };
        if (err.code != 0)
            return cli_fail(&err);
    }
    return status;
}

/* The tasks of @array of job @id, some at a time, from the last. */
static int fetch_array(struct cli *cli, struct history *history, int64_t id,
                       const struct stint_array *array)
{
    for (uint32_t left = array->task_count; left > 0;) {
        char ref[600];
        uint32_t count = 0;
        uint32_t runs = 0;
        int n = snprintf(ref, sizeof(ref), "%" PRId64 "_[", id);
        while (left > 0 && count < TASKS_A_CALL && runs++ < RUNS_A_CALL) {
            const struct stint_array_run *run = &array->runs[array->run_count - 1];
            while (run->before >= left)
                run--;
            uint32_t here = left - run->before;
            here = here < TASKS_A_CALL - count ? here : TASKS_A_CALL - count;
            n += snprintf(ref + n, sizeof(ref) - (size_t)n, "%s%" PRIu32 "-%" PRIu32 ":%" PRIu32,
                          count > 0 ? "," : "", stint_array_task(array, left - here),
                          stint_array_task(array, left - 1), run->step > 0 ? run->step : 1);
            left -= here;
            count += here;
        }
        (void)snprintf(ref + n, sizeof(ref) - (size_t)n, "]");
        int status = fetch_tasks(cli, history, ref);
        if (status != EXIT_OK)
            return status;
    }
    return EXIT_OK;
}

/* One whose request is somebody else's secret is left out: what its tasks are is not known. */
static int add_array(struct cli *cli, struct history *history, int64_t id)
{
    stint_auto(response_deinit) struct response response = { 0 };
    stint_auto(stint_array_free) struct stint_array *array = NULL;
    char path[60];
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%" PRId64, id);
    int status = cli_call(cli, "GET", path, NULL, &response);
    if (status != EXIT_OK)
        return status;
    if (stint_array_parse(doc_text_or(response.json, "job.request.array", ""), &array, NULL) != 0) {
        history->trace.line_count++;
        history->trace.dropped_count++;
        return EXIT_OK;
    }
    return fetch_array(cli, history, id, array);
}

static int add_row(struct cli *cli, struct history *history, const json_t *job)
{
    if (doc_has(job, "array"))
        return add_array(cli, history, doc_int(job, "id", 0));
    struct stint_error err = { .code = add_job(history, job) };
    return err.code == 0 ? EXIT_OK : cli_fail(&err);
}

/* The list is newest first; a trace is read from its begin. */
static void turn_round(struct stint_trace *trace)
{
    for (size_t i = 0, j = trace->job_count; i + 1 < j; i++) {
        j--;
        struct stint_trace_job job = trace->jobs[i];
        uint32_t gpus = trace->gpus[i];
        trace->jobs[i] = trace->jobs[j];
        trace->gpus[i] = trace->gpus[j];
        trace->jobs[j] = job;
        trace->gpus[j] = gpus;
    }
}

/* One page; its cursor into @cursor, "" for the last. A cursor that comes back would never end. */
static int fetch_page(struct cli *cli, struct history *history, const char *since, char *cursor,
                      size_t size)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[1024];
    char encoded[400];
    const json_t *job;
    size_t i;
    int n = snprintf(path, sizeof(path), "/api/v1/jobs?state=done&since=%s&limit=1000",
                     path_encode(since, encoded, sizeof(encoded)));
    if (*cursor)
        (void)snprintf(path + n, sizeof(path) - (size_t)n, "&after=%s",
                       path_encode(cursor, encoded, sizeof(encoded)));
    int status = cli_call(cli, "GET", path, NULL, &response);
    if (status != EXIT_OK)
        return status;
    const char *resource = cli_value(cli, "resource");
    json_array_foreach(doc_at(response.json, "jobs"), i, job)
    {
        if (resource && strcmp(doc_text_or(job, "resource", resource), resource) != 0)
            continue;
        status = add_row(cli, history, job);
        if (status != EXIT_OK)
            return status;
    }
    const char *next = doc_text_or(response.json, "next", "");
    if (strlen(next) >= size || (*next && (strcmp(next, cursor) == 0 || i == 0)))
        return cli_usage("stint doctor",
                         "the daemon's list of jobs does not go on from its cursor");
    (void)snprintf(cursor, size, "%s", next);
    return EXIT_OK;
}

int history_fetch(struct cli *cli, const char *span, struct history *ret_history)
{
    struct history history = { 0 };
    char since[40];
    char cursor[200] = "";
    int64_t seconds;
    int status = EXIT_OK;
    if (span[strspn(span, "0123456789")] == '\0' ||
        stint_duration_parse(span, &seconds, NULL) != 0 || seconds == 0)
        return cli_usage("30d, 12h", "--history %.40s is not how far back", span);
    stint_instant_format(wall_now_ms() - seconds * 1000, since, sizeof(since));
    do
        status = fetch_page(cli, &history, since, cursor, sizeof(cursor));
    while (status == EXIT_OK && *cursor);
    if (status == EXIT_OK && history.trace.job_count == 0) {
        (void)cli_usage("a longer time", "--history %.40s: no job ran in that time", span);
        status = EXIT_NOT_FOUND;
    }
    if (status != EXIT_OK) {
        history_deinit(&history);
        return status;
    }
    turn_round(&history.trace);
    *ret_history = history;
    return EXIT_OK;
}

int history_name_shares(const struct history *history, struct stint_shares *shares)
{
    uint32_t *users = calloc(history->project_count + 1, sizeof(*users));
    if (!users)
        return -ENOMEM;
    for (uint32_t i = 0; i < history->project_count; i++)
        for (uint32_t p = 0; p < shares->project_count; p++)
            if (strcmp(shares->projects[p].name, history->projects[i]) == 0)
                users[i] = p;
    free(shares->users);
    shares->users = users;
    shares->user_count = history->project_count;
    return 0;
}

/* ---- the machine ---- */

/* A GPU that is cut into partitions is counted once; a node's GPUs are of its first one's type. */
static void write_node(const json_t *node, struct stint_buffer *text)
{
    const json_t *gpus = doc_at(node, "gpus");
    const json_t *gpu;
    size_t i;
    size_t count = 0;
    json_array_foreach(gpus, i, gpu) count += !doc_has(gpu, "partition_of");
    int64_t cores = doc_int(node, "cores", 0);
    int64_t numa = doc_int(node, "numa_nodes", 1);
    stint_buffer_printf(text, "name=%.50s cores=%" PRId64 " numa=%" PRId64,
                        doc_text_or(node, "name", "node"), cores,
                        numa >= 1 && numa <= cores ? numa : 1);
    if (count > 0)
        stint_buffer_printf(text, " gpus=%.50s:%zu",
                            doc_text_or(json_array_get(gpus, 0), "type", "gpu"), count);
    stint_buffer_add_char(text, '\n');
}

/* A replay is of one queue: with several, somebody has to say which. */
static int one_resource(struct cli *cli, const json_t *nodes)
{
    const char *first = doc_text_or(json_array_get(nodes, 0), "resource", "");
    const json_t *node;
    size_t i;
    if (cli_has(cli, "resource"))
        return EXIT_OK;
    json_array_foreach(nodes, i, node)
    {
        const char *other = doc_text_or(node, "resource", first);
        if (strcmp(other, first) != 0)
            return cli_usage("--resource NAME", "there are several resources, as %.60s and %.60s",
                             first, other);
    }
    return EXIT_OK;
}

int history_machine(struct cli *cli, struct stint_machine **ret_machine)
{
    stint_auto(response_deinit) struct response response = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_error err = { 0 };
    const json_t *node;
    size_t i;
    char path[600];
    char encoded[400];
    const char *resource = cli_value(cli, "resource");
    (void)snprintf(path, sizeof(path), "/api/v1/nodes%s%s", resource ? "?resource=" : "",
                   resource ? path_encode(resource, encoded, sizeof(encoded)) : "");
    int status = cli_call(cli, "GET", path, NULL, &response);
    if (status == EXIT_OK)
        status = one_resource(cli, doc_at(response.json, "nodes"));
    if (status != EXIT_OK)
        return status;
    json_array_foreach(doc_at(response.json, "nodes"), i, node) write_node(node, &text);
    err.code = stint_cluster_parse(stint_buffer_text(&text), text.length, "the daemon's nodes",
                                   ret_machine, &err);
    return err.code == 0 ? EXIT_OK : cli_fail(&err);
}
