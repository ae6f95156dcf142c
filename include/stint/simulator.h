/* Replaying a trace through the live scheduler with a virtual clock (INTERFACE §6). Not pure: it
 * reads trace files and measures its own passes. Link `simulator_dep`. */
#ifndef STINT_SIMULATOR_H
#define STINT_SIMULATOR_H

#include <stdint.h>
#include <stdio.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/error.h"
#include "stint/machine.h"
#include "stint/scheduler.h"

#define STINT_TRACE_JOB_MAX (UINT32_C(1) << 24)

/* One usable job of a trace, by the reading rules of the Standard Workload Format. Seconds. */
struct stint_trace_job {
    int64_t id;
    int64_t submit_s;
    int64_t run_s;   /* at most estimate_s */
    int64_t limit_s; /* the user's */
    uint32_t procs;
    uint32_t user; /* UINT32_MAX when unknown */
};

struct stint_trace {
    struct stint_trace_job *jobs;
    uint32_t
        *gpus; /* of each job, whose procs then are cores alone; NULL: procs are all there is */
    size_t job_count;
    size_t line_count;    /* lines that hold a job */
    size_t dropped_count; /* without a run time, processors or a submission time */
    uint32_t procs;       /* of the header: MaxProcs, else MaxNodes; 0 when it has neither */
};

/**
 * stint_trace_load() - a trace from a file, gzip'ed or plain
 * procs = field 8 if > 0 else 5; limit = field 9 if > 0 else 4; run = min(field 4, limit); jobs
 * with run <= 0, procs <= 0 or submit < 0 are dropped. The order is the file's.
 * Fields that a line lacks are unknown (-1).
 * Return: 0; STINT_UNTRUSTED naming the line (no number, a number past 2^53, no usable job at all);
 * STINT_TOO_LARGE; -ENOENT and other errnos with a text; -ENOMEM.
 * Source: the Parallel Workloads Archive's definition of the format, version 2.2.
 */
int stint_trace_load(const char *path, struct stint_trace *ret_trace, struct stint_error *err);
/* The same from bytes, not gzip'ed; for tests. @name is for the messages. */
int stint_trace_parse(const char *text, size_t length, const char *name,
                      struct stint_trace *ret_trace, struct stint_error *err);
void stint_trace_deinit(struct stint_trace *trace);

/* Who shares what in a replay. A file of lines: `project NAME SHARES [PARENT]` (the parent named
 * before), `user NUMBER PROJECT` (the trace's number of a user), empty ones and `# comments`. Users
 * that are not named belong to the first project. */
#define STINT_SHARES_PROJECT_MAX 4096
#define STINT_SHARES_USER_MAX    (1 << 20)

struct stint_shares_project {
    char name[STINT_MACHINE_NAME_MAX];
    uint32_t shares;
    uint32_t parent; /* UINT32_MAX for none */
};

struct stint_shares {
    struct stint_shares_project *projects;
    uint32_t project_count;
    uint32_t *users; /* project of each user number below @user_count */
    uint32_t user_count;
};

/* 0; STINT_INVALID naming the line; STINT_TOO_LARGE; errnos of the file with a text; -ENOMEM. */
int stint_shares_load(const char *path, struct stint_shares *ret_shares, struct stint_error *err);
int stint_shares_parse(const char *text, size_t length, const char *name,
                       struct stint_shares *ret_shares, struct stint_error *err);
void stint_shares_deinit(struct stint_shares *shares);

/**
 * stint_cluster_load() - a machine of several kinds of node, from a file of lines like
 * `name=a nodes=4 cores=32 numa=2 memory=256G gpus=h200:4`
 * Only cores is needed; memory is of a node and not counted when left out; numa is 1 by default.
 * Return: as stint_shares_load().
 */
int stint_cluster_load(const char *path, struct stint_machine **ret_machine,
                       struct stint_error *err);
int stint_cluster_parse(const char *text, size_t length, const char *name,
                        struct stint_machine **ret_machine, struct stint_error *err);

/* What a project got in a replay with shares. @used: its part of all that was used, 0..1. */
struct stint_simulation_project {
    size_t job_count;
    double mean_wait_s;
    double mean_bounded_slowdown;
    double used;
};

/* How busy and how long the queue was over a replay, as means of equal steps of time: so many at
 * most, however long it is. */
#define STINT_CURVE_STEPS 512
struct stint_curve {
    int64_t first_s; /* of the trace */
    int64_t last_s;
    int64_t step_s; /* a power of two */
    size_t count;
    double busy[STINT_CURVE_STEPS];    /* share of the machine's processors, 0..1 */
    double waiting[STINT_CURVE_STEPS]; /* jobs */
};

enum stint_estimates {
    STINT_ESTIMATES_USER = 0,
    STINT_ESTIMATES_ACTUAL,
    STINT_ESTIMATES_PREDICTED
};

/**
 * struct stint_simulation - what to replay and how; all borrowed
 * @machine: NULL for a flat one of @cores (0: as many as the trace's header says). A trace's
 * processor is a GPU on a machine with GPUs, a core otherwise, unless the trace counts GPUs apart;
 * jobs larger than the machine are cut to it
 * @estimates: what the scheduler is told as the limit: the user's, the true run time, or a
 * prediction from the user's last two (then limits only order the queue)
 * @preemptible: share of the jobs that may be stopped, 0..1, drawn with @seed; @resume_cost_s: what
 * each resume costs
 * @shares: fair share between projects (mode stint; 4 tiers and a half-life of 7 days unless
 * @policy says otherwise), NULL: all jobs are one project's
 * @projects: caller's array of shares->project_count to be filled, NULL for none
 * @events: one line a decision, NULL for none
 * @curve: caller's, to be filled; NULL for none
 * @progress: called now and then with jobs ended so far; may be NULL
 */
struct stint_simulation {
    const struct stint_trace *trace;
    const struct stint_machine *machine;
    uint32_t cores;
    struct stint_policy policy;
    enum stint_estimates estimates;
    double preemptible;
    uint64_t seed;
    int64_t resume_cost_s;
    const struct stint_shares *shares;
    struct stint_simulation_project *projects;
    FILE *events;
    struct stint_curve *curve;
    void (*progress)(void *context, size_t done, size_t total);
    void *context;
};

/**
 * struct stint_simulation_result - the figures of INTERFACE §6; times in the trace's seconds
 * @sum_start: start times summed minus jobs times the first submission
 * @starts: sha256 of the lines "<job id> <start>\n" in file order
 * @pass_count, pass_*: of scheduling passes, measured
 * @jobs_per_s: replayed jobs a second, without reading the trace
 * @promise_violations: promised starts that moved later; 0 or it is a bug
 */
struct stint_simulation_result {
    size_t job_count;
    int64_t makespan_s;
    double utilization;
    double busy_utilization; /* while at least one job waits */
    double mean_wait_s;
    int64_t p50_wait_s;
    int64_t p90_wait_s;
    int64_t p95_wait_s;
    int64_t p99_wait_s;
    int64_t max_wait_s;
    double mean_bounded_slowdown;
    double p95_bounded_slowdown;
    double mean_turnaround_s;
    int64_t sum_start;
    struct stint_sha256 starts;
    size_t pass_count;
    double pass_mean_us;
    double pass_max_us;
    double jobs_per_s;
    double decisions_per_s;
    size_t queue_max;
    size_t preemptions;
    size_t promise_violations;
};

/* Return: 0; STINT_INVALID for options that contradict each other; -ENOMEM. */
int stint_simulate(const struct stint_simulation *simulation,
                   struct stint_simulation_result *ret_result, struct stint_error *err);
/* As `stint simulate --json` prints it: {"schema":"stint.simulation/1",…}. */
void stint_simulation_write(const struct stint_simulation *simulation,
                            const struct stint_simulation_result *result,
                            struct stint_buffer *buffer);
/* As people read it, aligned. */
void stint_simulation_print(const struct stint_simulation *simulation,
                            const struct stint_simulation_result *result,
                            struct stint_buffer *buffer);

/* Several replays of one trace beside each other, in columns: what was changed in each, then the
 * figures. */
#define STINT_COMPARISON_MAX 6

/* @machine, @shares: what was changed, as it was named; NULL where all have the same. Borrowed. */
struct stint_comparison {
    struct stint_simulation simulation;
    struct stint_simulation_result result;
    const char *machine;
    const char *shares;
};
void stint_comparison_print(const struct stint_comparison *columns, size_t count,
                            struct stint_buffer *buffer);
/* {"schema":"stint.simulations/1","simulations":[…]} of documents as stint_simulation_write() makes
 * them. */
void stint_comparison_write(const struct stint_comparison *columns, size_t count,
                            struct stint_buffer *buffer);

/* One line of a plot. Borrowed; the name is UTF-8. */
struct stint_plot_line {
    const char *name;
    const struct stint_curve *curve;
};

/**
 * stint_plot_write() - utilization and queue length over time as an SVG image that stands alone
 * @count: 1..STINT_COMPARISON_MAX; lines differ in dashes too, not in colour alone. Legible on a
 * light and on a dark page. Time is counted from the earliest start of all.
 * The same lines give the same bytes.
 */
void stint_plot_write(const char *title, const struct stint_plot_line *lines, size_t count,
                      struct stint_buffer *buffer);

#endif
