/* The daemon's command line (INTERFACE §4): flags over the configuration file over defaults. */
#ifndef STINT_OPTIONS_H
#define STINT_OPTIONS_H

#include <stdbool.h>

#include "stint/config.h"
#include "stint/error.h"

/**
 * struct options - what main needs to know before it opens a room
 * @config: file and flags together, checked
 * @check_only: --check-config: say whether it is good and end
 * @argc, @argv: kept for a reload, which reads the file anew and lays the flags over it again
 */
struct options {
    struct stint_config config;
    bool check_only;
    int argc;
    char **argv;
};

/**
 * options_read() - from the command line
 * Prints help, version and usage errors itself and exits (0 or 2): it runs before anything is open.
 * Return: 0, or an error of the configuration.
 */
int options_read(int argc, char **argv, struct options *ret_options, struct stint_error *err);

/* The same file and flags once more, into @ret_config; nothing exits. */
int options_reload(const struct options *options, struct stint_config *ret_config,
                   struct stint_error *err);

#endif
