/* A job request in the daemon's JSON (INTERFACE §5) from settings, and a command or script.
 * No socket; the file system is asked only whether a word names a path. */
#ifndef STINT_CLI_SUBMISSION_H
#define STINT_CLI_SUBMISSION_H

#include <stdint.h>

#include <jansson.h>

#include "directives.h"
#include "settings.h"
#include "stint/error.h"

/**
 * struct submission - what is to run, and where it was asked for
 * @script, @script_length, @script_name: NULL for a command
 * @words: the command, or the script's arguments; NULL-terminated
 * @cwd: absolute; relative paths are below it (or below --chdir, for the output)
 * @home: for `~/`; may be NULL
 * @environ_: the caller's environment
 */
struct submission {
    const char *script;
    size_t script_length;
    const char *script_name;
    char **words;
    const char *cwd;
    const char *home;
    char **environ_;
    int64_t now_ms;
};

/**
 * submission_build() - the request
 * Return: 0 and a new reference, STINT_INVALID naming place and cure, STINT_TOO_LARGE, -ENOMEM.
 */
int submission_build(const struct submission *submission, const struct settings *settings,
                     const struct notes *notes, json_t **ret_request, struct stint_error *err);

/**
 * environment_capture() - the variables a job gets from the caller
 * Rule, in this order: `--export NONE` passes nothing on and `--export A,B=1` only those; otherwise
 * everything but (1) what belongs to this login (PWD, SHLVL, SSH_*, XDG_*, DISPLAY …), (2) STINT_*
 * and what the job gets from Stint itself, (3) exported shell functions and names that are not
 * [A-Za-z_][A-Za-z0-9_]*, (4) names that look like credentials (*TOKEN*, *SECRET*, *PASSWORD*,
 * *_KEY …), because a request is kept on disk; a warning says how many were left out. `--env NAME`
 * passes any of them on. At most 1,000 variables and 240 KiB; more is refused.
 */
int environment_capture(const struct settings *settings, char **environ_, const struct notes *notes,
                        json_t **ret_env, struct stint_error *err);
/* Does a variable's name look like that of a credential? */
bool environment_is_secret(const char *name);

/* `[TYPE:]N` or a fraction below one; *ret_milli is 1000 for whole GPUs. @type has 64 bytes. */
int gpus_parse(const char *text, char type[64], int64_t *ret_count, int64_t *ret_milli,
               struct stint_error *err);

/**
 * reference_resolve() - a --model, --data or --code word for the daemon
 * The rule: it is a path if it begins with `.`, `/` or `~/`, or if it has no `@` and names
 * something that exists below @cwd (this is echoed); otherwise it is a registered name. Paths come
 * out absolute.
 */
int reference_resolve(const char *word, const char *cwd, const char *home,
                      const struct notes *notes, const char *where, char **ret_reference,
                      struct stint_error *err);

#endif
