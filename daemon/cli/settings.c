/* Owns: the options of a submission and their precedence. */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"

/* clang-format off */
const struct option_row submit_options[] = {
    { "project",         'p', "NAME",       "the project that pays; default: your only one", SET_PROJECT },
    { "award",            0,  "NAME",       "the award that pays; default: the one that ends first", SET_AWARD },
    { "name",            'J', "NAME",       "the job's name; default: the script's", SET_NAME },
    { "cpus",            'c', "N",          "cores; default 1", SET_CPUS },
    { "gpus",            'G', "[TYPE:]N",   "GPUs, or a share of one: 0.25", SET_GPUS },
    { "gpu-memory",       0,  "SIZE",       "least memory of each GPU", SET_GPU_MEMORY },
    { "memory",           0,  "SIZE",       "main memory: 16G is 16 GiB", SET_MEMORY },
    { "time",            't', "DUR",        "longest run: 90m, 2h30m, 3d; a bare number is minutes", SET_TIME },
    { "array",           'a', "SPEC[%MAX]", "one task for each index: 1-10, 0,4,7, 1-100:2%8", SET_ARRAY },
    { "after",           'd', "[WHEN:]ID[,…]", "start after these jobs; WHEN is ok, any or fail", SET_AFTER },
    { "begin",            0,  "TIME",       "not before: 18:00, tomorrow, now+2h, 2026-11-25T18:00Z", SET_BEGIN },
    { "hold",             0,  NULL,         "wait until it is released", SET_HOLD },
    { "requeue",          0,  NULL,         "may run again from the start after a node failed", SET_REQUEUE },
    { "resource",         0,  "NAME",       "the machine or cluster to run on", SET_RESOURCE },
    { "nodes",           'N', "N",          "nodes; default 1", SET_NODES },
    { "locality",         0,  "HOW",        "strict, prefer or any: cores near GPUs and memory", SET_LOCALITY },
    { "preemptible",      0,  "HOW",        "may be stopped for others, at a lower price: no, requeue or checkpoint", SET_PREEMPTIBLE },
    { "priority",         0,  "N",          "-100 to 100 among your own jobs", SET_PRIORITY },
    { "output",          'o', "PATTERN",    "file for output; %j job, %A array, %a task, %x name, %u user", SET_OUTPUT },
    { "error",           'e', "PATTERN",    "file for errors; default: with the output", SET_ERROR },
    { "chdir",           'D', "DIR",        "folder to run in; default: this one", SET_CHDIR },
    { "env",              0,  "NAME[=VALUE]", "set a variable, or pass this one on (repeatable)", SET_ENV },
    { "export",           0,  "ALL|NONE|NAMES", "which of the environment to pass on; default ALL but credentials", SET_EXPORT },
    { "model",            0,  "REF",        "a model it uses: name, name@digest or path (repeatable)", SET_MODEL },
    { "data",             0,  "REF",        "a data set it uses (repeatable)", SET_DATA },
    { "code",             0,  "REF",        "code that is to be judged too (repeatable)", SET_CODE },
    { "purpose",          0,  "TEXT",       "what it is for", SET_PURPOSE },
    { "network",          0,  NULL,         "it needs the network", SET_NETWORK },
    { "signal",           0,  "SIG@SECONDS", "send SIG that long before the time is over", SET_SIGNAL },
    { "mail-type",        0,  "EVENTS",     "not in this version", SET_MAIL },
    { "mail-user",        0,  "ADDRESS",    "not in this version", SET_MAIL },
    { "test",             0,  NULL,         "verdict, cost and estimate only; nothing is submitted", SET_TEST },
    { "parsable",         0,  NULL,         "print the id alone", SET_PARSABLE },
    { "wait",            'W', NULL,         "wait for the end, with the job's own exit status", SET_WAIT },
    { "strict",           0,  NULL,         "refuse a script with an unknown directive", SET_STRICT },
    { "idempotency-key",  0,  "KEY",        "the same key and job submit once", SET_KEY },
    { "pty",              0,  NULL,         "a terminal for the job: not in this version", SET_PTY },
    { 0 },
};
/* clang-format on */

void settings_deinit(struct settings *settings)
{
    for (size_t i = 0; i < SET_COUNT; i++)
        free(settings->values[i].text);
    for (size_t i = 0; i < settings->item_count; i++)
        free(settings->items[i].value.text);
    memset(settings, 0, sizeof(*settings));
}

static bool is_list(enum setting id)
{
    return id == SET_MODEL || id == SET_DATA || id == SET_CODE || id == SET_ENV;
}

/* Entries of @id from sources below @source go. */
static void items_drop_lower(struct settings *settings, enum setting id, enum setting_source source)
{
    size_t kept = 0;
    for (size_t i = 0; i < settings->item_count; i++) {
        struct setting_item *item = &settings->items[i];
        if (item->id == id && item->value.source < source)
            free(item->value.text);
        else
            settings->items[kept++] = *item;
    }
    settings->item_count = kept;
}

static bool is_outranked(const struct settings *settings, enum setting id,
                         enum setting_source source)
{
    if (!is_list(id))
        return settings->values[id].text && settings->values[id].source > source;
    for (size_t i = 0; id != SET_ENV && i < settings->item_count; i++)
        if (settings->items[i].id == id && settings->items[i].value.source > source)
            return true;
    return false;
}

int settings_set(struct settings *settings, enum setting id, const char *text,
                 enum setting_source source, const char *where, struct stint_error *err)
{
    struct setting_value value = { NULL, source, "" };
    if (is_outranked(settings, id, source))
        return 0;
    if (!(value.text = strdup(text ? text : "")))
        return -ENOMEM;
    (void)snprintf(value.where, sizeof(value.where), "%.*s", SETTING_WHERE_MAX - 1, where);
    if (!is_list(id)) {
        free(settings->values[id].text);
        settings->values[id] = value;
        return 0;
    }
    if (id != SET_ENV)
        items_drop_lower(settings, id, source);
    if (settings->item_count == SETTING_ITEMS_MAX) {
        free(value.text);
        return stint_fail(err, STINT_TOO_LARGE,
                          "%s: more than %d --model, --data, --code and --env", where,
                          SETTING_ITEMS_MAX);
    }
    settings->items[settings->item_count++] = (struct setting_item){ id, value };
    return 0;
}

int settings_take_args(struct settings *settings, const struct args *args,
                       enum setting_source source, const char *where, struct stint_error *err)
{
    for (size_t i = 0; i < args->count; i++) {
        const struct args_given *given = &args->given[i];
        char place[SETTING_WHERE_MAX];
        if (given->row->id == SET_NONE)
            continue;
        (void)snprintf(place, sizeof(place), "%.50s%s--%.24s", where, *where ? " " : "",
                       given->row->name);
        int r =
            settings_set(settings, (enum setting)given->row->id, given->value, source, place, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static const char *environment_get(char **environ_, const char *name)
{
    size_t length = strlen(name);
    for (; environ_ && *environ_; environ_++)
        if (strncmp(*environ_, name, length) == 0 && (*environ_)[length] == '=')
            return *environ_ + length + 1;
    return NULL;
}

static bool is_no(const char *text)
{
    return strcasecmp(text, "no") == 0 || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

int settings_take_environment(struct settings *settings, char **environ_, struct stint_error *err)
{
    bool is_in_job = environment_get(environ_, "STINT_JOB_ID") != NULL;
    for (const struct option_row *row = submit_options; row->name; row++) {
        char name[48] = "STINT_";
        bool is_fact = row->id == SET_CPUS || row->id == SET_GPUS || row->id == SET_MEMORY;
        if (row->id > SET_ENVIRONMENT_LAST || (is_in_job && is_fact))
            continue;
        for (size_t i = 0; row->name[i] && i + 7 < sizeof(name); i++)
            name[i + 6] = row->name[i] == '-' ? '_' : (char)toupper((unsigned char)row->name[i]);
        const char *value = environment_get(environ_, name);
        if (!value || !*value || (!row->value && is_no(value)))
            continue;
        int r = settings_set(settings, (enum setting)row->id, row->value ? value : NULL,
                             SOURCE_ENVIRONMENT, name, err);
        if (r != 0)
            return r;
    }
    return 0;
}

const char *setting_text(const struct settings *settings, enum setting id)
{
    return settings->values[id].text;
}

bool setting_is_on(const struct settings *settings, enum setting id)
{
    return settings->values[id].text && !is_no(settings->values[id].text);
}
