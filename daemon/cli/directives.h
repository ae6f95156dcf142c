/* The #STINT and #SBATCH lines of a script (INTERFACE §2). Slurm's rules: only before the first
 * line that is neither comment nor blank; a second `#` disables a line. Pure: no file, clock or
 * environment. */
#ifndef STINT_CLI_DIRECTIVES_H
#define STINT_CLI_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"
#include "stint/error.h"

#define DIRECTIVE_LINE_MAX  4096 /* bytes of one directive */
#define DIRECTIVE_LINES_MAX 1000 /* directives of one script */
#define DIRECTIVE_WORDS_MAX 64   /* words of one directive */

enum note_kind {
    NOTE_READING, /* how something was understood that could surprise */
    NOTE_WARNING  /* something that was left out */
};
/* Receives "train.sh:4: #SBATCH --mem=4000 understood as 4000 MiB" and the like. */
typedef void (*note_fn)(void *context, enum note_kind kind, const char *text);

struct notes {
    note_fn fn; /* may be NULL */
    void *context;
};
void note_send(const struct notes *notes, enum note_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * directives_read() - the directives of @script into @settings
 * @name: of the script, for messages
 * @is_strict: an unknown directive is refused
 * Return: 0; STINT_INVALID naming line and cure; STINT_TOO_LARGE; -ENOMEM. O(length).
 */
int directives_read(const char *name, const char *script, size_t length, bool is_strict,
                    struct settings *settings, const struct notes *notes, struct stint_error *err);

/* ---- between directives.c and slurm.c ---- */

/* Where a directive stands, for messages. */
struct directive {
    const char *name; /* the script's */
    unsigned line;
    bool is_strict;
    struct settings *settings;
    const struct notes *notes;
    struct stint_error *err;
};

/* What #SBATCH lines say together: a job's cores are tasks times cores of a task. */
struct slurm_sums {
    long long tasks;
    long long cpus_per_task;
    long long nodes;
    long long gpus_per_node;
    long long gpus_per_task;
    long long memory_per_cpu_mib;
    long long memory_per_gpu_mib;
    char gpu_type[64];
    struct directive last; /* line of the last that counted */
};
#define SLURM_COUNT_MAX 1000000

/* One #SBATCH line of @count words. */
int slurm_directive(const struct directive *at, char **words, size_t count,
                    struct slurm_sums *sums);
/* The sums, as settings of the script. */
int slurm_finish(const struct slurm_sums *sums, struct settings *settings,
                 const struct notes *notes, struct stint_error *err);

#endif
