/* `stint`: finds the verb, reads its options, runs it. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "screen.h"

static int top_help(int status)
{
    (void)puts("stint: turns on shared machines\n\n"
               "  stint VERB [OPTION…] [ARGUMENT…]\n");
    verbs_print(NULL);
    (void)puts("\n'stint VERB --help' says more. Before the verb: --socket PATH, --version, "
               "--help.");
    return status;
}

/* @is_asked: for help, so that a group's list is the answer and not a complaint. */
static int no_such_verb(const char *word, bool is_asked)
{
    char fix[80];
    const char *near = verb_near(word);
    if (verb_is_group(word)) {
        verbs_print(word);
        return is_asked ? EXIT_OK : EXIT_USAGE;
    }
    (void)snprintf(fix, sizeof(fix), near ? "stint %s" : "stint --help", near);
    return cli_usage(fix, "no such command: %.60s", word);
}

/* The first word, and those after it as long as what stands before them is a group: "admin quota".
 * Returns how many. */
static int typed_words(int argc, char **argv, char *words, size_t size)
{
    int taken = 0;
    words[0] = '\0';
    while (taken < argc && (taken == 0 || (argv[taken][0] != '-' && verb_is_group(words)))) {
        size_t used = strlen(words);
        (void)snprintf(words + used, size - used, "%s%.38s", taken ? " " : "", argv[taken]);
        taken++;
    }
    return taken;
}

/* What may stand before the verb; returns how many words, or -1 - status to end at once. */
static int take_leading(int argc, char **argv, struct cli *cli)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
            (void)puts("stint " STINT_VERSION);
            return -1;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return -1 - top_help(EXIT_OK);
        if (strncmp(argv[i], "--socket=", 9) == 0)
            cli->socket = argv[i] + 9;
        else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
            cli->socket = argv[++i];
        else
            return -1 -
                   cli_usage("stint --help", "no such option before a command: %.60s", argv[i]);
    }
    return i;
}

static void see_amount(void *context, const struct option_row *row)
{
    if (strcmp(row->name, "amount") == 0)
        *(bool *)context = true;
}

/* A bare number behind an award's name is meant as the amount. */
static int word_too_many(const struct verb *verb, const char *word)
{
    char fix[80];
    bool takes_amount = false;
    verb_each_option(verb, see_amount, &takes_amount);
    if (takes_amount && strspn(word, "0123456789.") == strlen(word))
        (void)snprintf(fix, sizeof(fix), "--amount %.40s", word);
    else
        (void)snprintf(fix, sizeof(fix), "stint %s --help", verb->name);
    return cli_usage(fix, "%s: '%.60s' is one word too many", verb->name, word);
}

static int run_verb(struct cli *cli, int argc, char **argv, int used)
{
    struct stint_error err = { 0 };
    const struct verb *verb = cli->verb;
    err.code = args_parse(verb, argc - used + 1, argv + used - 1, &cli->args, &err);
    if (err.code != 0)
        return cli_fail(&err);
    if (cli_has(cli, "help")) {
        verb_print_help(verb);
        return EXIT_OK;
    }
    char fix[80];
    const char *reason = cli_value(cli, "reason");
    (void)snprintf(fix, sizeof(fix), "stint %s --help", verb->name);
    if (verb->words_min >= 0 && cli->args.word_count < (size_t)verb->words_min)
        return cli_usage(fix, "%s: %s is missing", verb->name, verb->words);
    if (verb->words_max >= 0 && cli->args.word_count > (size_t)verb->words_max)
        return word_too_many(verb, cli->args.words[verb->words_max]);
    if ((verb->flags & VERB_WRITES) && !(reason && *reason))
        return cli_usage("--reason TEXT", "%s: a reason is needed; it lands in the public log",
                         verb->name);
    screen_init(cli_value(cli, "color"));
    return verb->run(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    int used;
    /* Widths of characters need a UTF-8 locale; where the caller has none, we take the library's.
     */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)signal(SIGPIPE, SIG_DFL);
    int first = take_leading(argc, argv, &cli);
    if (first < 0)
        return -1 - first;
    if (first == argc)
        return top_help(EXIT_USAGE);
    if (strcmp(argv[first], "help") == 0 && first + 1 < argc) {
        cli.verb = verb_find(argc - first - 1, argv + first + 1, &used);
        if (!cli.verb) {
            char words[80];
            (void)typed_words(argc - first - 1, argv + first + 1, words, sizeof(words));
            return no_such_verb(words, true);
        }
        verb_print_help(cli.verb);
        return EXIT_OK;
    }
    if (strcmp(argv[first], "help") == 0)
        return top_help(EXIT_OK);
    cli.verb = verb_find(argc - first, argv + first, &used);
    if (!cli.verb) {
        char words[80];
        int taken = first + typed_words(argc - first, argv + first, words, sizeof(words));
        bool is_asked =
            taken < argc && (strcmp(argv[taken], "--help") == 0 || strcmp(argv[taken], "-h") == 0);
        return no_such_verb(words, is_asked);
    }
    int status = run_verb(&cli, argc, argv, first + used);
    client_close(cli.client);
    /* A full disk must not look like success. */
    if (fflush(stdout) != 0 && status == EXIT_OK)
        status = EXIT_FAILED;
    return status;
}
