/* Owns: the reading of a command line by a verb's option rows, and near matches. */
#include "verb.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

const struct option_row common_options[] = {
    { "socket", 0, "PATH", "the daemon's Unix socket", 0 },
    { "color", 0, "WHEN", "auto, always or never", 0 },
    { "help", 'h', NULL, "this text", 0 },
    { 0 },
};
const struct option_row reads_options[] = {
    { "json", 0, NULL, "the document as JSON", 0 },
    { "no-pager", 0, NULL, "never a pager", 0 },
    { 0 },
};
const struct option_row watches_options[] = {
    { "watch", 0, "[=DUR]", "draw it again every 2 s, or DUR", 0 },
    { 0 },
};
const struct option_row writes_options[] = {
    { "reason", 0, "TEXT", "why, always needed; lands in the public log", 0 },
    { "dry-run", 0, NULL, "check and say what would be, change nothing", 0 },
    { "json", 0, NULL, "the answer as JSON", 0 },
    { 0 },
};

static void each_row(const struct option_row *rows,
                     void (*fn)(void *context, const struct option_row *row), void *context)
{
    for (; rows && rows->name; rows++)
        fn(context, rows);
}

void verb_each_option(const struct verb *verb,
                      void (*fn)(void *context, const struct option_row *row), void *context)
{
    each_row(verb->options, fn, context);
    if (verb->flags & VERB_READS)
        each_row(reads_options, fn, context);
    if (verb->flags & VERB_WATCHES)
        each_row(watches_options, fn, context);
    if (verb->flags & VERB_WRITES)
        each_row(writes_options, fn, context);
    each_row(common_options, fn, context);
}

/* The rows of one verb in getopt's two forms. getopt's val is 256 + index, out of any letter. */
struct getopt_form {
    const struct option_row *rows[VERB_OPTIONS_MAX];
    struct option longs[VERB_OPTIONS_MAX + 1];
    char shorts[3 * VERB_OPTIONS_MAX + 3];
    const char *names[VERB_OPTIONS_MAX];
    size_t count;
    size_t short_length;
};

#define GETOPT_FIRST 256

static void form_add(void *context, const struct option_row *row)
{
    struct getopt_form *form = context;
    if (form->count == VERB_OPTIONS_MAX)
        abort(); /* a table that outgrew its bound: every test meets it */
    bool is_optional = row->value && strncmp(row->value, "[=", 2) == 0;
    int takes = !row->value ? no_argument : is_optional ? optional_argument : required_argument;
    form->longs[form->count] =
        (struct option){ row->name, takes, NULL, GETOPT_FIRST + (int)form->count };
    form->names[form->count] = row->name;
    form->rows[form->count++] = row;
    if (!row->letter)
        return;
    form->shorts[form->short_length++] = row->letter;
    if (takes == required_argument)
        form->shorts[form->short_length++] = ':';
}

static const struct option_row *form_row(const struct getopt_form *form, int found)
{
    if (found >= GETOPT_FIRST)
        return form->rows[found - GETOPT_FIRST];
    for (size_t i = 0; i < form->count; i++)
        if (form->rows[i]->letter && form->rows[i]->letter == found)
            return form->rows[i];
    return NULL;
}

static int form_fail(const struct verb *verb, const struct getopt_form *form, int found,
                     const char *word, struct stint_error *err)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    if (found == ':') {
        (void)stint_fail(err, STINT_INVALID, "%s: option %s needs a value", verb->name, name);
        return stint_fix(err, STINT_INVALID, "stint %s --help", verb->name);
    }
    bool is_known = false;
    for (size_t i = 0; i < form->count; i++)
        is_known |= strncmp(name, "--", 2) == 0 && strcmp(name + 2, form->names[i]) == 0;
    if (is_known) {
        (void)stint_fail(err, STINT_INVALID, "%s: option %s takes no value", verb->name, name);
        return stint_fix(err, STINT_INVALID, "%s alone", name);
    }
    if (strncmp(name, "--", 2) != 0 && optopt)
        (void)snprintf(name, sizeof(name), "-%c", optopt);
    (void)stint_fail(err, STINT_INVALID, "%s: no such option: %s", verb->name, name);
    const char *near =
        strncmp(name, "--", 2) == 0 ? near_match(name + 2, form->names, form->count) : NULL;
    if (near)
        return stint_fix(err, STINT_INVALID, "--%s", near);
    return stint_fix(err, STINT_INVALID, "stint %s --help", verb->name);
}

int args_parse(const struct verb *verb, int argc, char **argv, struct args *ret_args,
               struct stint_error *err)
{
    struct getopt_form form = { 0 };
    if (verb->flags & VERB_STOPS_AT_WORD)
        form.shorts[form.short_length++] = '+';
    form.shorts[form.short_length++] = ':';
    verb_each_option(verb, form_add, &form);

    /* getopt skips argv[0]: the caller's argv begins with the verb's last word. */
    memset(ret_args, 0, sizeof(*ret_args));
    if (verb->flags & VERB_LATER)
        return 0;
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    for (;;) {
        const char *word = optind > 0 && optind < argc ? argv[optind] : "";
        int found = getopt_long(argc, argv, form.shorts, form.longs, NULL);
        if (found == -1)
            break;
        if (found == '?' || found == ':')
            return form_fail(verb, &form, found, optind > 0 ? argv[optind - 1] : word, err);
        if (ret_args->count == ARGS_GIVEN_MAX)
            return stint_fail(err, STINT_TOO_LARGE, "%s: more than %d options", verb->name,
                              ARGS_GIVEN_MAX);
        ret_args->given[ret_args->count++] = (struct args_given){ form_row(&form, found), optarg };
    }
    ret_args->words = argv + optind;
    ret_args->word_count = (size_t)(argc - optind);
    ret_args->has_dashes = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
    return 0;
}

bool args_has(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->count; i++)
        if (strcmp(args->given[i].row->name, name) == 0)
            return true;
    return false;
}

const char *args_value(const struct args *args, const char *name)
{
    for (size_t i = args->count; i-- > 0;)
        if (strcmp(args->given[i].row->name, name) == 0)
            return args->given[i].value;
    return NULL;
}

/* ---- near matches ---- */

#define NEAR_LENGTH_MAX 32

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits between two short words, neighbours swapped counting one (Damerau, CACM 7(3), 1964). */
static size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][NEAR_LENGTH_MAX + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > NEAR_LENGTH_MAX || b_length > NEAR_LENGTH_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a_length % 3][b_length];
}

const char *near_match(const char *text, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(text) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        bool is_prefix = *text && strncmp(names[i], text, strlen(text)) == 0;
        size_t distance = is_prefix ? 0 : word_distance(text, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}
