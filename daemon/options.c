/* Owns: the command line of stintd. Each flag is a row that names the configuration key it sets, so
 * that a flag can do nothing that the file cannot. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stint/auto.h"

struct flag {
    const char *name;
    const char *section;
    const char *key;
    const char *argument;
    const char *help;
};

/* clang-format off */
static const struct flag flags[] = {
    { "state",    "daemon",    "state",    "DIR",              "where everything is kept" },
    { "socket",   "daemon",    "socket",   "PATH",             "the Unix socket that clients use" },
    { "listen",   "daemon",    "listen",   "ADDR:PORT",        "the TCP address of the page and the API; \"\" for none" },
    { "topology", "scheduler", "topology", "FILE|SYNTHETIC",   "an hwloc XML file or synthetic string instead of this machine" },
    { "gpus",     "scheduler", "gpus",     "TYPE:N",           "simulated GPUs beside the topology" },
    { "log-level","daemon",    "log_level","LEVEL",            "error, warning, info or debug" },
};
/* clang-format on */

enum { OPTION_CONFIG = 1000, OPTION_CHECK, OPTION_HELP, OPTION_VERSION };

static void print_help(void)
{
    (void)puts("stintd, the allocation daemon of Stint, in the foreground\n\n"
               "  stintd [OPTION…]\n\n"
               "  --config FILE            configuration file (stint.conf(5))\n"
               "  --check-config           say whether the configuration is good, and end");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(flags); i++) {
        char left[48];
        (void)snprintf(left, sizeof(left), "--%s %s", flags[i].name, flags[i].argument);
        (void)printf("  %-24s %s\n", left, flags[i].help);
    }
    (void)puts("  --help, --version\n\n"
               "Without a configuration file it serves its own user from the XDG folders and works "
               "at once.");
}

static size_t long_options(struct option *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(flags); i++)
        rows[count++] = (struct option){ flags[i].name, required_argument, NULL, (int)i };
    rows[count++] = (struct option){ "config", required_argument, NULL, OPTION_CONFIG };
    rows[count++] = (struct option){ "check-config", no_argument, NULL, OPTION_CHECK };
    rows[count++] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
    rows[count++] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
    rows[count] = (struct option){ 0 };
    return count;
}

#define FLAG_ROWS (STINT_ARRAY_SIZE(flags) + 5)

/* First walk: the file, and what ends at once. */
static const char *find_config(int argc, char **argv, bool *ret_check)
{
    struct option rows[FLAG_ROWS];
    const char *file = NULL;
    long_options(rows);
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
        switch (c) {
        case OPTION_CONFIG:
            file = optarg;
            break;
        case OPTION_CHECK:
            *ret_check = true;
            break;
        case OPTION_HELP:
            print_help();
            exit(0);
        case OPTION_VERSION:
            (void)puts("stintd " STINT_VERSION);
            exit(0);
        case '?':
            (void)fputs("stintd: usage; try: stintd --help\n", stderr);
            exit(2);
        default:
            break;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "stintd: '%s' is not an option; try: stintd --help\n", argv[optind]);
        exit(2);
    }
    return file;
}

/* Second walk: the flags laid over the file. */
static int lay_flags(int argc, char **argv, struct stint_config *config, struct stint_error *err)
{
    struct option rows[FLAG_ROWS];
    long_options(rows);
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
        if (c < 0 || (size_t)c >= STINT_ARRAY_SIZE(flags))
            continue;
        char where[40];
        (void)snprintf(where, sizeof(where), "--%s", flags[c].name);
        int r = stint_config_set(config, flags[c].section, flags[c].key, optarg, where, err);
        if (r != 0)
            return r;
    }
    return stint_config_check(config, err);
}

static int read_whole(int argc, char **argv, const char *file, bool is_system,
                      struct stint_config *config, struct stint_error *err)
{
    int r = 0;
    if (file)
        r = stint_config_load(file, is_system, config, err);
    else
        stint_config_defaults(false, config);
    return r != 0 ? r : lay_flags(argc, argv, config, err);
}

int options_read(int argc, char **argv, struct options *ret_options, struct stint_error *err)
{
    ret_options->argc = argc;
    ret_options->argv = argv;
    const char *file = find_config(argc, argv, &ret_options->check_only);
    return read_whole(argc, argv, file, geteuid() == 0, &ret_options->config, err);
}

int options_reload(const struct options *options, struct stint_config *ret_config,
                   struct stint_error *err)
{
    const struct stint_config *running = &options->config;
    const char *file = running->file[0] ? running->file : NULL;
    /* What was root at the start is the service's own user by now, and still the service. */
    return read_whole(options->argc, options->argv, file, running->is_system, ret_config, err);
}
