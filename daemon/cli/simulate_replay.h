/* A day of the live scheduler, again: what it was told, to a new core, start by start. */
#ifndef STINT_CLI_SIMULATE_REPLAY_H
#define STINT_CLI_SIMULATE_REPLAY_H

#include "cli.h"

/**
 * simulate_replay() - the verb with --replay DAY ("2026-11-25", "today")
 * Fetches the daemon's transcript from the begin of the core that was at work that day to the end
 * of the day, checks that its pieces hang together, and replays it. Return: exit status;
 * EXIT_FAILED at the first difference, which was printed.
 */
int simulate_replay(struct cli *cli, const char *day);

#endif
