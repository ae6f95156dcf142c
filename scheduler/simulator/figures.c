/* Owns: the figures of a replay and how they are shown. Definitions are those of the literature:
 * bounded slowdown with a bound of 10 s, percentiles by nearest rank. */
#include "figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define SLOWDOWN_BOUND_S 10

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* sorted[ceil(share * n) - 1] with @share in hundredths. */
static double percentile(const double *sorted, size_t n, size_t hundredths)
{
    size_t rank = (n * hundredths + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static int hash_starts(const struct stint_trace *trace, const struct replayed *jobs,
                       struct stint_sha256 *ret_digest)
{
    struct stint_sha256_stream *stream = NULL;
    char line[64];
    int r = stint_sha256_stream_new(&stream);
    if (r != 0)
        return r;
    for (size_t i = 0; i < trace->job_count; i++) {
        int length = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n", trace->jobs[i].id,
                              jobs[i].start_s);
        stint_sha256_stream_add(stream, line, (size_t)length);
    }
    stint_sha256_stream_end(stream, ret_digest);
    return 0;
}

int figures_fill(const struct stint_trace *trace, const struct replayed *jobs, int64_t procs,
                 struct stint_simulation_result *result)
{
    size_t n = trace->job_count;
    double *waits = calloc(2 * n, sizeof(*waits));
    double *slowdowns = waits + n;
    double work = 0;
    double wait_sum = 0;
    double slowdown_sum = 0;
    double flow_sum = 0;
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    if (!waits)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        first = trace->jobs[i].submit_s < first ? trace->jobs[i].submit_s : first;
    result->sum_start = 0;
    for (size_t i = 0; i < n; i++) {
        const struct stint_trace_job *job = &trace->jobs[i];
        double flow = (double)(jobs[i].end_s - job->submit_s);
        double run = (double)job->run_s;
        double slowdown = flow / (run > SLOWDOWN_BOUND_S ? run : SLOWDOWN_BOUND_S);
        waits[i] = flow - run;
        slowdowns[i] = slowdown > 1 ? slowdown : 1;
        wait_sum += waits[i];
        slowdown_sum += slowdowns[i];
        flow_sum += flow;
        work += (double)jobs[i].procs * run;
        result->sum_start += jobs[i].start_s - first;
        last = jobs[i].end_s > last ? jobs[i].end_s : last;
    }
    int r = hash_starts(trace, jobs, &result->starts);
    qsort(waits, n, sizeof(*waits), by_value);
    qsort(slowdowns, n, sizeof(*slowdowns), by_value);
    result->job_count = n;
    result->makespan_s = last - first;
    result->utilization =
        result->makespan_s > 0 ? work / ((double)procs * (double)result->makespan_s) : 0;
    result->mean_wait_s = wait_sum / (double)n;
    result->mean_turnaround_s = flow_sum / (double)n;
    result->mean_bounded_slowdown = slowdown_sum / (double)n;
    result->p50_wait_s = (int64_t)percentile(waits, n, 50);
    result->p90_wait_s = (int64_t)percentile(waits, n, 90);
    result->p95_wait_s = (int64_t)percentile(waits, n, 95);
    result->p99_wait_s = (int64_t)percentile(waits, n, 99);
    result->max_wait_s = (int64_t)waits[n - 1];
    result->p95_bounded_slowdown = percentile(slowdowns, n, 95);
    free(waits);
    return r;
}

/* Names are of letters, digits and a few signs: nothing to escape. */
static void write_projects(const struct stint_simulation *simulation, struct stint_buffer *buffer)
{
    if (!simulation->shares || !simulation->projects)
        return;
    stint_buffer_add_text(buffer, ",\"projects\":[");
    for (uint32_t i = 0; i < simulation->shares->project_count; i++) {
        const struct stint_simulation_project *project = &simulation->projects[i];
        stint_buffer_printf(buffer,
                            "%s{\"name\":\"%s\",\"shares\":%u,\"jobs\":%zu,\"used\":%.6f,"
                            "\"mean_wait_s\":%.6f,\"mean_bounded_slowdown\":%.6f}",
                            i ? "," : "", simulation->shares->projects[i].name,
                            simulation->shares->projects[i].shares, project->job_count,
                            project->used, project->mean_wait_s, project->mean_bounded_slowdown);
    }
    stint_buffer_add_char(buffer, ']');
}

void stint_simulation_write(const struct stint_simulation *simulation,
                            const struct stint_simulation_result *result,
                            struct stint_buffer *buffer)
{
    char hex[STINT_SHA256_HEX];
    stint_buffer_printf(buffer,
                        "{\"schema\":\"stint.simulation/1\",\"policy\":\"%s\",\"jobs\":%zu,",
                        stint_mode_name(simulation->policy.mode), result->job_count);
    stint_buffer_printf(buffer, "\"makespan_s\":%" PRId64 ",\"utilization\":%.6f,",
                        result->makespan_s, result->utilization);
    stint_buffer_printf(buffer, "\"busy_utilization\":%.6f,\"mean_wait_s\":%.6f,",
                        result->busy_utilization, result->mean_wait_s);
    stint_buffer_printf(buffer,
                        "\"p50_wait_s\":%" PRId64 ",\"p90_wait_s\":%" PRId64
                        ",\"p95_wait_s\":%" PRId64 ",\"p99_wait_s\":%" PRId64
                        ",\"max_wait_s\":%" PRId64 ",",
                        result->p50_wait_s, result->p90_wait_s, result->p95_wait_s,
                        result->p99_wait_s, result->max_wait_s);
    stint_buffer_printf(buffer,
                        "\"mean_bounded_slowdown\":%.6f,\"p95_bounded_slowdown\":%.6f,"
                        "\"mean_turnaround_s\":%.6f,",
                        result->mean_bounded_slowdown, result->p95_bounded_slowdown,
                        result->mean_turnaround_s);
    stint_buffer_printf(buffer,
                        "\"decisions_per_s\":%.0f,\"jobs_per_s\":%.0f,\"passes\":%zu,"
                        "\"pass_mean_us\":%.3f,\"pass_max_us\":%.3f,\"queue_max\":%zu,",
                        result->decisions_per_s, result->jobs_per_s, result->pass_count,
                        result->pass_mean_us, result->pass_max_us, result->queue_max);
    stint_buffer_printf(buffer,
                        "\"preemptions\":%zu,\"promise_violations\":%zu,\"sum_start\":%" PRId64
                        ",\"starts_sha256\":\"%s\"",
                        result->preemptions, result->promise_violations, result->sum_start,
                        stint_sha256_hex(&result->starts, hex));
    write_projects(simulation, buffer);
    stint_buffer_add_char(buffer, '}');
}
