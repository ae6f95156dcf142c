/* The site's own past as a trace, through the daemon's public lists. */
#ifndef STINT_CLI_SIMULATE_HISTORY_H
#define STINT_CLI_SIMULATE_HISTORY_H

#include "cli.h"
#include "stint/simulator.h"

/**
 * struct history - jobs that ran, in the order of their submission
 * @trace: GPUs counted apart from cores; the number of a job's user is its project's place in
 * @projects: users of others' jobs are not public
 */
struct history {
    struct stint_trace trace;
    char **projects;
    uint32_t project_count;
};
void history_deinit(struct history *history);

/**
 * history_fetch() - every job that is done and was of the last @span ("30d"), page by page
 * Return: exit status; a problem was printed. EXIT_NOT_FOUND when no job ran.
 */
int history_fetch(struct cli *cli, const char *span, struct history *ret_history);
/* The machine that the daemon has now, as stint_cluster_parse() makes one: cores, NUMA nodes and
 * whole GPUs of one type a node. Exit status. */
int history_machine(struct cli *cli, struct stint_machine **ret_machine);
/* Lets users of the history's numbers belong to the projects that @shares names alike; others stay
 * with the first. 0 or -ENOMEM. */
int history_name_shares(const struct history *history, struct stint_shares *shares);

#endif
