/* What a submission asks for, gathered from script, environment and command line, in that rising
 * order of precedence (INTERFACE §2). Values stay the text that was written, with the place it came
 * from, until submission.c reads them, so that a message can name the place. */
#ifndef STINT_CLI_SETTINGS_H
#define STINT_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "stint/error.h"
#include "verb.h"

/* Those up to SET_ENVIRONMENT_LAST are read from STINT_<NAME> too. */
enum setting {
    SET_NONE = 0,
    SET_PROJECT,
    SET_AWARD,
    SET_NAME,
    SET_CPUS,
    SET_GPUS,
    SET_GPU_MEMORY,
    SET_MEMORY,
    SET_TIME,
    SET_RESOURCE,
    SET_LOCALITY,
    SET_PREEMPTIBLE,
    SET_PRIORITY,
    SET_NODES,
    SET_OUTPUT,
    SET_ERROR,
    SET_PURPOSE,
    SET_NETWORK,
    SET_REQUEUE,
    SET_SIGNAL,
    SET_MODEL, /* lists from here … */
    SET_DATA,
    SET_CODE, /* … to here, and SET_ENV */
    SET_EXPORT,
    SET_ENVIRONMENT_LAST = SET_EXPORT,
    SET_ENV,
    SET_ARRAY,
    SET_AFTER,
    SET_BEGIN,
    SET_HOLD,
    SET_CHDIR,
    SET_MAIL,
    SET_TEST,
    SET_PARSABLE,
    SET_WAIT,
    SET_STRICT,
    SET_KEY,
    SET_PTY,
    SET_COUNT
};

/* The option rows of `submit` and `run`, with these as their ids. */
extern const struct option_row submit_options[];

/* Rising precedence: a #STINT line is the more exact word of the same author. */
enum setting_source {
    SOURCE_SLURM = 1,
    SOURCE_SCRIPT,
    SOURCE_ENVIRONMENT,
    SOURCE_COMMAND_LINE,
};

#define SETTING_WHERE_MAX 80
#define SETTING_ITEMS_MAX 256

struct setting_value {
    char *text; /* "" for a switch that is on; NULL when not set */
    enum setting_source source;
    char where[SETTING_WHERE_MAX]; /* "train.sh:4: #SBATCH --mem=4000" */
};

struct setting_item {
    enum setting id;
    struct setting_value value;
};

/* Zero-initialise; settings_deinit(). */
struct settings {
    struct setting_value values[SET_COUNT];
    struct setting_item items[SETTING_ITEMS_MAX];
    size_t item_count;
};
void settings_deinit(struct settings *settings);
static inline __attribute__((unused)) void settings_deinit_auto(struct settings *settings)
{
    settings_deinit(settings);
}

/**
 * settings_set() - one option
 * @text: NULL turns a switch on; for SET_HOLD, SET_REQUEUE … "no" turns it off. Copied.
 * What a higher source has set stays, in whatever order the sources are read. A list (model, data,
 * code) is of the highest source that has any; `env` is merged by name later, highest last.
 * Return: 0, -ENOMEM, STINT_TOO_LARGE.
 */
int settings_set(struct settings *settings, enum setting id, const char *text,
                 enum setting_source source, const char *where, struct stint_error *err);

/* All options of a parsed command line or directive. */
int settings_take_args(struct settings *settings, const struct args *args,
                       enum setting_source source, const char *where, struct stint_error *err);

/**
 * settings_take_environment() - STINT_PROJECT, STINT_TIME … of @environ
 * Inside a job (STINT_JOB_ID is set) STINT_CPUS, STINT_GPUS and STINT_MEMORY are facts of that job
 * and are not read.
 */
int settings_take_environment(struct settings *settings, char **environ_, struct stint_error *err);

const char *setting_text(const struct settings *settings, enum setting id); /* NULL when not set */
bool setting_is_on(const struct settings *settings, enum setting id);

#endif
