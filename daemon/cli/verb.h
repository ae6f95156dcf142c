/* A verb of `stint` is one row: name, arguments, help, function, options. The option rows drive the
 * parser, --help, the completions and the option lists of the manual, and the rows of `submit`
 * drive the #STINT lines of scripts too. */
#ifndef STINT_CLI_VERB_H
#define STINT_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "stint/error.h"

struct cli;

/* Option rows end with a NULL name. @value NULL is a switch; "[=X]" an optional value. */
struct option_row {
    const char *name;
    char letter;
    const char *value;
    const char *help;
    int id; /* the verb's own; 0 where the name is enough */
};

enum verb_flag {
    VERB_READS = 1,          /* takes --json */
    VERB_WATCHES = 2,        /* takes --watch[=2s] */
    VERB_WRITES = 4,         /* needs --reason, takes --dry-run */
    VERB_NO_DAEMON = 8,      /* works without one */
    VERB_STOPS_AT_WORD = 16, /* options end at the first word that is none: the job's own follow */
    VERB_LATER = 32          /* promised, and not in this version: takes anything, does nothing */
};

/**
 * struct verb - one command
 * @name: one to three words: "queue", "award list", "admin award grant"
 * @words: for help: "ID…"
 * @words_min, @words_max: how many; -1 for no bound
 */
struct verb {
    const char *name;
    const char *words;
    const char *help;
    int (*run)(struct cli *cli);
    const struct option_row *options;
    unsigned flags;
    int words_min;
    int words_max;
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* Options of every verb, and those that the flags of a verb add. */
extern const struct option_row common_options[];
extern const struct option_row reads_options[];
extern const struct option_row watches_options[];
extern const struct option_row writes_options[];

/* Calls @fn for each option that @verb takes, its own first. */
void verb_each_option(const struct verb *verb,
                      void (*fn)(void *context, const struct option_row *row), void *context);

#define ARGS_GIVEN_MAX   512
#define VERB_OPTIONS_MAX 96

struct args_given {
    const struct option_row *row;
    const char *value; /* NULL for a switch or a left-out optional value */
};

/* What was typed after the verb; borrows from argv. */
struct args {
    struct args_given given[ARGS_GIVEN_MAX];
    size_t count;
    char **words; /* NULL-terminated by argv itself */
    size_t word_count;
    bool has_dashes; /* a `--` stood before the first word */
};

/**
 * args_parse() - options and words of one verb
 * @argv: without the verb; permuted. Return: 0 or STINT_INVALID with the near match as the cure.
 * Not for several threads (getopt).
 */
int args_parse(const struct verb *verb, int argc, char **argv, struct args *ret_args,
               struct stint_error *err);
/* Was it given; its last value (NULL when not given). By the long name. */
bool args_has(const struct args *args, const char *name);
const char *args_value(const struct args *args, const char *name);

/**
 * verb_find() - the verb with the most words that match
 * @ret_used: words of @argv that were its name
 * Return: NULL when there is none.
 */
const struct verb *verb_find(int argc, char **argv, int *ret_used);
/* Is @text the first word or words of some verb ("award", "admin quota")? */
bool verb_is_group(const char *text);
/* The nearest of @names to @text, NULL when nothing is near (distance at most a third of it). */
const char *near_match(const char *text, const char *const *names, size_t count);
/* The nearest verb to what was typed, NULL when nothing is near. */
const char *verb_near(const char *text);

void verb_print_help(const struct verb *verb);
/* All verbs, or those of one group. */
void verbs_print(const char *group);

#endif
