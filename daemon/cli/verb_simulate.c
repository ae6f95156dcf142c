/* Owns: simulate: a trace, or the site's own past, through the live scheduler's own code (INTERFACE
 * §6), once or as several columns of a comparison. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "simulate_history.h"
#include "simulate_replay.h"
#include "stint/auto.h"
#include "stint/machine.h"
#include "stint/simulator.h"
#include "stint/topology.h"

static int out_of_memory(void)
{
    struct stint_error err = { .code = -ENOMEM };
    return cli_fail(&err);
}

static int number_read(const char *name, const char *text, int64_t high, int64_t *ret_value)
{
    char *end;
    if (!text)
        return EXIT_OK;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end || value < 0 || value > high)
        return cli_usage("a whole number", "--%s %.40s is not a number from 0 to %" PRId64, name,
                         text, high);
    *ret_value = value;
    return EXIT_OK;
}

static int policy_read(const char *text, struct stint_policy *policy)
{
    int mode = text ? stint_mode_from_name(text) : STINT_MODE_STINT;
    if (mode < 0)
        return cli_usage("fcfs, sjf, easy, easy-sjbf, conservative or stint",
                         "--policy %.40s is none of them", text);
    policy->mode = (enum stint_mode)mode;
    return EXIT_OK;
}

static int estimates_read(struct cli *cli, enum stint_estimates *ret_estimates)
{
    static const char *const names[] = { "user", "actual", "predicted" };
    const char *text = cli_value(cli, "estimates");
    if (!text)
        return EXIT_OK;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++)
        if (strcmp(names[i], text) == 0) {
            *ret_estimates = (enum stint_estimates)i;
            return EXIT_OK;
        }
    return cli_usage("user, actual or predicted", "--estimates %.40s is none of them", text);
}

/* What all columns have alike. */
static int common_read(struct cli *cli, struct stint_simulation *simulation, int64_t *nodes)
{
    int64_t seed = 1;
    const char *fraction = cli_value(cli, "preemptible");
    char *end = NULL;
    int status = estimates_read(cli, &simulation->estimates);
    if (status == EXIT_OK)
        status = number_read("seed", cli_value(cli, "seed"), INT64_MAX, &seed);
    if (status == EXIT_OK)
        status = number_read("resume-cost", cli_value(cli, "resume-cost"), 1 << 30,
                             &simulation->resume_cost_s);
    if (status == EXIT_OK)
        status = number_read("nodes", cli_value(cli, "nodes"), STINT_MACHINE_NODE_MAX, nodes);
    if (status != EXIT_OK)
        return status;
    simulation->seed = (uint64_t)seed;
    if (fraction) {
        simulation->preemptible = strtod(fraction, &end);
        if (end == fraction || *end ||
            !(simulation->preemptible >= 0 && simulation->preemptible <= 1))
            return cli_usage("0.2", "--preemptible %.40s is not a share from 0 to 1", fraction);
    }
    return EXIT_OK;
}

/* ---- columns: what is compared ---- */

/* Everything that one replay is made of. A file that two columns share is read twice: they are
 * few, and each owns what it has. */
struct column {
    const char *policy;
    const char *cores;
    const char *cluster;
    const char *shares_path;
    struct stint_shares shares;
    struct stint_machine *machine;
    struct stint_simulation_project *projects;
    struct stint_curve *curve;
    char name[80];
};

struct simulate {
    struct cli *cli;
    struct history history;
    struct stint_trace *trace;
    struct stint_simulation common;
    int64_t nodes;
    struct column columns[STINT_COMPARISON_MAX];
    struct stint_comparison shown[STINT_COMPARISON_MAX];
    size_t count;
};

/* The @index-th value that was given, the last one when there are fewer, NULL for none; how many
 * there are goes into @ret_count. */
static const char *value_at(const struct cli *cli, const char *name, size_t index,
                            size_t *ret_count)
{
    const char *value = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < cli->args.count; i++)
        if (strcmp(cli->args.given[i].row->name, name) == 0 && (*ret_count)++ <= index)
            value = cli->args.given[i].value;
    return value;
}

/* Options given several times make columns; each --compare adds one, which is the first with
 * another policy. */
static int columns_read(struct simulate *simulate)
{
    static const char *const names[] = { "policy", "cores", "cluster", "shares" };
    const struct cli *cli = simulate->cli;
    size_t count = 1;
    size_t more = 0;
    size_t n;
    (void)value_at(cli, "compare", 0, &more);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        (void)value_at(cli, names[i], 0, &n);
        count = n > count ? n : count;
    }
    if (count + more > STINT_COMPARISON_MAX)
        return cli_usage("fewer", "at most %d replays stand beside each other",
                         STINT_COMPARISON_MAX);
    for (size_t i = 0; i < count + more; i++) {
        struct column *column = &simulate->columns[i];
        size_t from = i < count ? i : 0;
        column->policy =
            i < count ? value_at(cli, "policy", from, &n) : value_at(cli, "compare", i - count, &n);
        column->cores = value_at(cli, "cores", from, &n);
        column->cluster = value_at(cli, "cluster", from, &n);
        column->shares_path = value_at(cli, "shares", from, &n);
    }
    simulate->count = count + more;
    return EXIT_OK;
}

/* The word `now` is the machine that the daemon has, and what a history runs on by itself. */
static int machine_read(struct simulate *simulate, struct column *column)
{
    struct stint_error err = { 0 };
    const char *topology = cli_value(simulate->cli, "topology");
    bool has_history = cli_has(simulate->cli, "history");
    bool is_now = column->cluster ? strcmp(column->cluster, "now") == 0 : !topology;
    if (has_history && is_now && !column->cores)
        return history_machine(simulate->cli, &column->machine);
    if (column->cluster) {
        err.code = stint_cluster_load(column->cluster, &column->machine, &err);
    } else if (topology) {
        struct stint_topology_options options = { .source = topology,
                                                  .gpus = cli_value(simulate->cli, "gpus"),
                                                  .nodes = (uint32_t)simulate->nodes };
        err.code = stint_topology_load(&options, &column->machine, &err);
    }
    return err.code == 0 ? EXIT_OK
                         : cli_fail_file(&err, column->cluster ? column->cluster : topology);
}

static int shares_read(struct simulate *simulate, struct column *column)
{
    struct stint_error err = { 0 };
    if (!column->shares_path)
        return EXIT_OK;
    err.code = stint_shares_load(column->shares_path, &column->shares, &err);
    if (err.code == 0 && cli_has(simulate->cli, "history"))
        err.code = history_name_shares(&simulate->history, &column->shares);
    if (err.code != 0)
        return cli_fail_file(&err, column->shares_path);
    column->projects = calloc(column->shares.project_count, sizeof(*column->projects));
    return column->projects ? EXIT_OK : out_of_memory();
}

/* A column's name in plots: what is not the same in all of them. */
static void column_name(const struct simulate *simulate, struct column *column)
{
    const struct column *first = &simulate->columns[0];
    const char *parts[] = { column->cores, column->cluster, column->shares_path };
    bool differs[3] = { false };
    size_t used = 0;
    for (size_t i = 0; i < simulate->count; i++) {
        differs[0] |= simulate->columns[i].cores != first->cores;
        differs[1] |= simulate->columns[i].cluster != first->cluster;
        differs[2] |= simulate->columns[i].shares_path != first->shares_path;
    }
    used = (size_t)snprintf(column->name, sizeof(column->name), "%.16s",
                            column->policy ? column->policy : "stint");
    for (size_t i = 0; i < 3; i++) {
        const char *slash = parts[i] ? strrchr(parts[i], '/') : NULL;
        if (differs[i] && parts[i])
            used += (size_t)snprintf(column->name + used, sizeof(column->name) - used, " %.16s",
                                     slash ? slash + 1 : parts[i]);
    }
}

static int column_read(struct simulate *simulate, size_t index)
{
    struct column *column = &simulate->columns[index];
    struct stint_comparison *shown = &simulate->shown[index];
    int64_t cores = 0;
    shown->simulation = simulate->common;
    shown->simulation.trace = simulate->trace;
    int status = policy_read(column->policy, &shown->simulation.policy);
    if (status == EXIT_OK)
        status = number_read("cores", column->cores, UINT32_MAX, &cores);
    if (status == EXIT_OK && column->cores && cores == 0)
        return cli_usage("--cores 64", "--cores %.20s: a machine has at least one core",
                         column->cores);
    if (status == EXIT_OK)
        status = machine_read(simulate, column);
    if (status == EXIT_OK)
        status = shares_read(simulate, column);
    if (status != EXIT_OK)
        return status;
    if (cli_has(simulate->cli, "plot") && !(column->curve = calloc(1, sizeof(*column->curve))))
        return out_of_memory();
    shown->simulation.cores = (uint32_t)cores;
    shown->simulation.machine = column->machine;
    shown->simulation.shares = column->shares_path ? &column->shares : NULL;
    shown->simulation.projects = column->projects;
    shown->simulation.curve = column->curve;
    shown->machine = column->cluster ? column->cluster : column->cores;
    shown->shares = column->shares_path;
    column_name(simulate, column);
    return EXIT_OK;
}

static void simulate_deinit(struct simulate *simulate, struct stint_trace *trace)
{
    for (size_t i = 0; i < simulate->count; i++) {
        stint_shares_deinit(&simulate->columns[i].shares);
        (void)stint_machine_free(simulate->columns[i].machine);
        free(simulate->columns[i].projects);
        free(simulate->columns[i].curve);
    }
    history_deinit(&simulate->history);
    stint_trace_deinit(trace);
}

/* ---- replaying and showing ---- */

struct bar {
    const char *name;
    bool is_shown;
};

#define BAR_COLUMNS 30

static void on_progress(void *context, size_t done, size_t total)
{
    const struct bar *bar = context;
    char drawn[BAR_COLUMNS + 1];
    size_t filled = total > 0 ? done * BAR_COLUMNS / total : 0;
    if (!bar->is_shown || total == 0)
        return;
    for (size_t i = 0; i < BAR_COLUMNS; i++)
        drawn[i] = i < filled ? '#' : '.';
    drawn[BAR_COLUMNS] = '\0';
    (void)fprintf(stderr, "\r[%s] %3zu %% of %zu jobs  %s\033[K", drawn, done * 100 / total, total,
                  bar->name);
}

static int replay(struct stint_comparison *shown, struct column *column, FILE *events)
{
    struct stint_error err = { 0 };
    struct bar bar = { column->name, isatty(STDERR_FILENO) == 1 };
    shown->simulation.events = events;
    shown->simulation.progress = on_progress;
    shown->simulation.context = &bar;
    on_progress(&bar, 0, shown->simulation.trace->job_count);
    err.code = stint_simulate(&shown->simulation, &shown->result, &err);
    if (bar.is_shown)
        (void)fputs("\r\033[K", stderr);
    return err.code == 0 ? EXIT_OK : cli_fail(&err);
}

static FILE *file_open(const char *option, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (!file)
        (void)cli_usage("a file that can be written", "--%s %.200s: %s", option, path,
                        strerror(errno));
    return file;
}

/* What could not be written is known at the latest when the file is closed. */
static int file_close(FILE *file, const char *option, const char *path)
{
    bool is_bad = ferror(file) != 0;
    int r = file == stdout ? fflush(file) : fclose(file);
    if (r == 0 && !is_bad)
        return EXIT_OK;
    return cli_usage("a disk with room", "--%s %.200s: %s", option, path, strerror(errno));
}

static int replay_all(struct simulate *simulate)
{
    const char *path = cli_value(simulate->cli, "events");
    FILE *events = path ? file_open("events", path) : NULL;
    int status = path && !events ? EXIT_USAGE : EXIT_OK;
    for (size_t i = 0; i < simulate->count && status == EXIT_OK; i++) {
        if (events && simulate->count > 1)
            (void)fprintf(events, "# %s\n", simulate->columns[i].name);
        status = replay(&simulate->shown[i], &simulate->columns[i], events);
    }
    if (events) {
        int closed = file_close(events, "events", path);
        status = status == EXIT_OK ? closed : status;
    }
    return status;
}

static int plot_write(const struct simulate *simulate)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer image = { 0 };
    struct stint_plot_line lines[STINT_COMPARISON_MAX];
    const char *path = cli_value(simulate->cli, "plot");
    const char *span = cli_value(simulate->cli, "history");
    char title[200];
    if (!path)
        return EXIT_OK;
    for (size_t i = 0; i < simulate->count; i++)
        lines[i] =
            (struct stint_plot_line){ simulate->columns[i].name, simulate->columns[i].curve };
    const char *from = span ? span : cli_value(simulate->cli, "trace");
    const char *slash = strrchr(from, '/');
    (void)snprintf(title, sizeof(title), "%zu jobs of %s%.120s", simulate->trace->job_count,
                   span ? "the last " : "", slash ? slash + 1 : from);
    stint_plot_write(title, lines, simulate->count, &image);
    if (image.failed)
        return out_of_memory();
    FILE *file = file_open("plot", path);
    if (!file)
        return EXIT_USAGE;
    (void)fwrite(image.data, 1, image.length, file);
    return file_close(file, "plot", path);
}

static int simulate_print(const struct simulate *simulate)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    if (!cli_has(simulate->cli, "json"))
        stint_comparison_print(simulate->shown, simulate->count, &out);
    else if (simulate->count > 1)
        stint_comparison_write(simulate->shown, simulate->count, &out);
    else
        stint_simulation_write(&simulate->shown[0].simulation, &simulate->shown[0].result, &out);
    if (cli_has(simulate->cli, "json"))
        stint_buffer_add_char(&out, '\n');
    if (out.failed)
        return out_of_memory();
    (void)fputs(stint_buffer_text(&out), stdout);
    return EXIT_OK;
}

/* ---- the verb ---- */

static int trace_read(struct simulate *simulate, struct stint_trace *trace)
{
    struct stint_error err = { 0 };
    const char *path = cli_value(simulate->cli, "trace");
    const char *span = cli_value(simulate->cli, "history");
    if (span) {
        simulate->trace = &simulate->history.trace;
        return history_fetch(simulate->cli, span, &simulate->history);
    }
    simulate->trace = trace;
    err.code = stint_trace_load(path, trace, &err);
    return err.code == 0 ? EXIT_OK : cli_fail_file(&err, path);
}

/* Options that say the same thing twice. */
static int contradictions(const struct cli *cli)
{
    bool has_trace = cli_has(cli, "trace");
    int machines = cli_has(cli, "cores") + cli_has(cli, "topology") + cli_has(cli, "cluster");
    if (cli_has(cli, "replay") && (has_trace || machines > 0 || cli_has(cli, "history") ||
                                   cli_has(cli, "policy") || cli_has(cli, "compare")))
        return cli_usage("--history 1d for another policy or machine",
                         "--replay takes machine, policy and jobs from the record");
    if (cli_has(cli, "replay"))
        return EXIT_OK;
    if (has_trace == cli_has(cli, "history"))
        return cli_usage("--trace FILE.swf", has_trace
                                                 ? "--trace and --history contradict each other"
                                                 : "simulate: no trace given");
    if (machines > 1)
        return cli_usage("one of them", "--cores, --topology and --cluster contradict each other");
    return EXIT_OK;
}

int verb_simulate(struct cli *cli)
{
    struct simulate simulate = { .cli = cli };
    struct stint_trace trace = { 0 };
    int status = contradictions(cli);
    if (status == EXIT_OK && cli_has(cli, "replay"))
        return simulate_replay(cli, cli_value(cli, "replay"));
    if (status == EXIT_OK)
        status = common_read(cli, &simulate.common, &simulate.nodes);
    if (status == EXIT_OK)
        status = columns_read(&simulate);
    if (status == EXIT_OK)
        status = trace_read(&simulate, &trace);
    for (size_t i = 0; i < simulate.count && status == EXIT_OK; i++)
        status = column_read(&simulate, i);
    if (status == EXIT_OK)
        status = replay_all(&simulate);
    if (status == EXIT_OK)
        status = plot_write(&simulate);
    if (status == EXIT_OK)
        status = simulate_print(&simulate);
    simulate_deinit(&simulate, &trace);
    return status;
}
