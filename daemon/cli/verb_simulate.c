/* Owns: simulate: a trace through the live scheduler's own code (INTERFACE §6). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/machine.h"
#include "stint/simulator.h"
#include "stint/topology.h"

static int number_read(struct cli *cli, const char *name, int64_t high, int64_t *ret_value)
{
    const char *text = cli_value(cli, name);
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

static int policy_read(struct cli *cli, struct stint_policy *policy)
{
    const char *text = cli_value(cli, "policy") ? cli_value(cli, "policy") : "stint";
    int mode = stint_mode_from_name(text);
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

/* What to replay on, and how, from the options. */
static int simulation_read(struct cli *cli, struct stint_simulation *simulation, int64_t *nodes)
{
    int64_t cores = 0;
    int64_t seed = 1;
    const char *fraction = cli_value(cli, "preemptible");
    char *end = NULL;
    int status = policy_read(cli, &simulation->policy);
    if (status == EXIT_OK)
        status = estimates_read(cli, &simulation->estimates);
    if (status == EXIT_OK)
        status = number_read(cli, "cores", UINT32_MAX, &cores);
    if (status == EXIT_OK)
        status = number_read(cli, "seed", INT64_MAX, &seed);
    if (status == EXIT_OK)
        status = number_read(cli, "resume-cost", 1 << 30, &simulation->resume_cost_s);
    if (status == EXIT_OK)
        status = number_read(cli, "nodes", STINT_MACHINE_NODE_MAX, nodes);
    if (status != EXIT_OK)
        return status;
    simulation->cores = (uint32_t)cores;
    simulation->seed = (uint64_t)seed;
    if (fraction) {
        simulation->preemptible = strtod(fraction, &end);
        if (*end || !(simulation->preemptible >= 0 && simulation->preemptible <= 1))
            return cli_usage("0.2", "--preemptible %.40s is not a share from 0 to 1", fraction);
    }
    if (cores > 0 && cli_value(cli, "topology"))
        return cli_usage("one of them", "--cores and --topology contradict each other");
    return EXIT_OK;
}

static void on_progress(void *context, size_t done, size_t total)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1 && total > 0)
        (void)fprintf(stderr, "\r%3zu %% of %zu jobs", done * 100 / total, total);
}

static int simulate_print(struct cli *cli, const struct stint_simulation *simulation)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    struct stint_simulation_result result;
    struct stint_error err = { 0 };
    err.code = stint_simulate(simulation, &result, &err);
    if (isatty(STDERR_FILENO) == 1)
        (void)fputs("\r\033[K", stderr);
    if (err.code != 0)
        return cli_fail(&err);
    if (cli_has(cli, "json")) {
        stint_simulation_write(simulation, &result, &out);
        stint_buffer_add_char(&out, '\n');
    } else {
        stint_simulation_print(simulation, &result, &out);
    }
    (void)fputs(stint_buffer_text(&out), stdout);
    return EXIT_OK;
}

static int simulate_on(struct cli *cli, struct stint_simulation *simulation)
{
    const char *events = cli_value(cli, "events");
    if (events) {
        simulation->events = strcmp(events, "-") == 0 ? stdout : fopen(events, "we");
        if (!simulation->events)
            return cli_usage("a file that can be written", "--events %.200s: %s", events,
                             strerror(errno));
    }
    simulation->progress = on_progress;
    int status = simulate_print(cli, simulation);
    if (simulation->events && simulation->events != stdout && fclose(simulation->events) != 0 &&
        status == EXIT_OK)
        status = cli_usage("a disk with room", "--events %.200s: %s", events, strerror(errno));
    return status;
}

int verb_simulate(struct cli *cli)
{
    struct stint_trace trace = { 0 };
    struct stint_simulation simulation = { .trace = &trace };
    struct stint_machine *machine = NULL;
    struct stint_error err = { 0 };
    int64_t nodes = 0;
    const char *path = cli_value(cli, "trace");
    if (!path)
        return cli_usage("--trace FILE.swf", "simulate: no trace given");
    if (cli_has(cli, "cluster") || cli_has(cli, "shares"))
        return cli_usage("leave it out", "this version does not have --cluster and --shares");
    int status = simulation_read(cli, &simulation, &nodes);
    if (status != EXIT_OK)
        return status;
    if (cli_value(cli, "topology")) {
        struct stint_topology_options options = { .source = cli_value(cli, "topology"),
                                                  .gpus = cli_value(cli, "gpus"),
                                                  .nodes = (uint32_t)nodes };
        err.code = stint_topology_load(&options, &machine, &err);
        if (err.code != 0)
            return cli_fail_file(&err, options.source);
        simulation.machine = machine;
    }
    err.code = stint_trace_load(path, &trace, &err);
    status = err.code == 0 ? simulate_on(cli, &simulation) : cli_fail_file(&err, path);
    stint_trace_deinit(&trace);
    stint_machine_free(machine);
    return status;
}
