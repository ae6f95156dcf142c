/* `stint_words`: writes the completions, and fills the manual pages' templates, from the rows that
 * the programs themselves read, so that neither can say less or more than they do. Runs while
 * building; not installed.
 *   stint_words bash|zsh|fish
 *   stint_words man TEMPLATE      @OPTIONS verb@, @VERBS group@, @CONFIG@, @EXIT@, @FILES@,
 *                                 @ENVIRONMENT@ alone on a line are replaced
 *   stint_words page VERB         the whole page of one verb of a group, "admin quota set"
 *   stint_words pages PAGE…       0 when every verb has one among these names */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../config/config_table.h"
#include "settings.h"
#include "stint/auto.h"
#include "verb.h"

/* ---- manual (mdoc(7)) ---- */

/* Text inside a line: backslashes and a control character at its beginning lose their meaning. */
static void mdoc_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", stdout);
    for (; *text; text++)
        (void)fputs(*text == '\\' ? "\\e" : (char[]){ *text, '\0' }, stdout);
}

/* "[TYPE:]N" as an argument: mdoc takes a word that is only punctuation for more than itself. */
static void mdoc_argument(const char *value)
{
    (void)fputs(" Ar \"", stdout);
    for (; *value; value++)
        (void)fputs(*value == '"' ? "\\(dq" : (char[]){ *value, '\0' }, stdout);
    (void)fputs("\"", stdout);
}

static void option_mdoc(void *context, const struct option_row *row)
{
    bool is_optional = row->value && strncmp(row->value, "[=", 2) == 0;
    (void)context;
    (void)fputs(".It", stdout);
    if (row->letter)
        (void)printf(" Fl %c ,", row->letter);
    (void)printf(" Fl \\-%s%s", row->name, is_optional ? " Ns" : "");
    if (row->value)
        mdoc_argument(row->value);
    (void)putchar('\n');
    mdoc_text(row->help);
    (void)fputs(".\n", stdout);
}

static void options_mdoc(const char *name)
{
    const struct verb *found = NULL;
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            found = &verbs[i];
    if (!found) {
        (void)fprintf(stderr, "stint_words: no such verb: %s\n", name);
        exit(1);
    }
    (void)puts(".Bl -tag -width Ds");
    verb_each_option(found, option_mdoc, NULL);
    (void)puts(".El");
}

static void option_mention(void *context, const struct option_row *row)
{
    const struct option_row *rows[] = { common_options, reads_options, watches_options,
                                        writes_options };
    bool *is_first = context;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        for (const struct option_row *known = rows[i]; known->name; known++)
            if (strcmp(known->name, row->name) == 0)
                return;
    (void)printf("%s.Fl \\-%s", *is_first ? "Options:\n" : " ,\n", row->name);
    *is_first = false;
}

/* Verbs of a group as a list, with the names of their own options; those of later versions last and
 * together. */
static void verbs_mdoc(const char *group)
{
    size_t length = strlen(group);
    (void)puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < verb_count; i++) {
        bool is_first = true;
        bool is_admin = strncmp(verbs[i].name, "admin ", 6) == 0;
        if (strncmp(verbs[i].name, group, length) != 0 || (length == 0 && is_admin) ||
            (verbs[i].flags & VERB_LATER))
            continue;
        (void)printf(".It Ic %s", verbs[i].name);
        if (*verbs[i].words)
            mdoc_argument(verbs[i].words);
        (void)putchar('\n');
        mdoc_text(verbs[i].help);
        (void)fputs(".\n", stdout);
        if (length > 0) {
            verb_each_option(&verbs[i], option_mention, &is_first);
            (void)fputs(is_first ? "" : " .\n", stdout);
        }
    }
    (void)puts(".El");
}

static void later_mdoc(const char *group)
{
    size_t length = strlen(group);
    bool is_first = true;
    for (size_t i = 0; i < verb_count; i++) {
        if (!(verbs[i].flags & VERB_LATER) || strncmp(verbs[i].name, group, length) != 0)
            continue;
        (void)printf("%s.Ic %s",
                     is_first ? "Named in the interface and not in this version (exit "
                                "status 2):\n"
                              : " ,\n",
                     verbs[i].name);
        is_first = false;
    }
    (void)fputs(is_first ? "" : " .\n", stdout);
}

struct config_row {
    const char *section;
    const char *key;
    const char *private_default;
    const char *system_default;
    const char *unit;
    const char *help;
};

static void config_mdoc(void)
{
#define X(section, key, kind, member, min, max, private_default, system_default, unit, help)       \
    { section, key, private_default, system_default, unit, help },
    static const struct config_row rows[] = { STINT_CONFIG_OPTIONS(X) };
#undef X
    const char *section = "";
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++) {
        if (strcmp(section, rows[i].section) != 0) {
            (void)printf("%s.Ss [%s]\n.Bl -tag -width Ds\n", *section ? ".El\n" : "",
                         rows[i].section);
            section = rows[i].section;
        }
        (void)printf(".It Ic %s = Ar \"%s\"\n", rows[i].key, rows[i].unit);
        mdoc_text(rows[i].help);
        (void)printf("\nDefault: %s", *rows[i].system_default ? rows[i].system_default : "empty");
        if (strcmp(rows[i].system_default, rows[i].private_default) != 0)
            (void)printf("; of a private daemon: %s", *rows[i].private_default
                                                          ? rows[i].private_default
                                                          : "in the user's own folders");
        (void)puts(".");
    }
    (void)puts(".El");
}

static void exit_mdoc(void)
{
    static const char *const meanings[] = {
        "Done.",
        "Failed.",
        "The command was mistyped, or this version does not have it.",
        "Not found, or not yours to see.",
        "Refused by admission.",
        "No balance, over a limit, or larger than the machine.",
        "Not permitted, or not logged in.",
        "The daemon cannot be reached.",
        "In conflict with what is there, or not in this state.",
        "Timed out.",
    };
    (void)puts(".Bl -tag -width Ds -compact");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(meanings); i++)
        (void)printf(".It %zu\n%s\n", i, meanings[i]);
    (void)puts(".El");
}

static void files_mdoc(void)
{
    (void)puts(".Bl -tag -width Ds -compact\n"
               ".It Pa $XDG_RUNTIME_DIR/stint/stintd.sock\n"
               "The socket of your own daemon; without that variable,\n"
               ".Pa /tmp/stint-UID/stintd.sock .\n"
               ".It Pa /run/stint/stintd.sock\n"
               "The socket of the system's daemon.\n"
               ".El");
}

static void environment_mdoc(void)
{
    (void)puts(".Bl -tag -width Ds -compact\n"
               ".It Ev STINT_SOCKET\nThe daemon's socket.\n"
               ".It Ev STINT_URL\nThe daemon's address, when no socket is named.\n"
               ".It Ev STINT_TOKEN\nA bearer token, sent to that URL and to no socket.\n"
               ".It Ev STINT_PAGER , Ev PAGER\nThe pager; empty or cat for none.\n"
               ".It Ev NO_COLOR\nWhen set, there is never colour.\n"
               ".It Ev COLUMNS\nThe width of tables.\n"
               ".El");
}

/* `@OPTIONS submit@` -> word and argument; false for an ordinary line. */
static bool line_split(const char *line, char word[32], char argument[64])
{
    size_t length = strlen(line);
    if (length < 3 || line[0] != '@' || line[length - 1] != '@')
        return false;
    const char *blank = strchr(line, ' ');
    size_t word_length = blank ? (size_t)(blank - line) - 1 : length - 2;
    (void)snprintf(word, 32, "%.*s", (int)word_length, line + 1);
    (void)snprintf(argument, 64, "%.*s", blank ? (int)(strlen(blank + 1) - 1) : 0,
                   blank ? blank + 1 : "");
    return true;
}

static int template_fill(const char *path)
{
    char line[2000];
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        return 1;
    }
    while (fgets(line, sizeof(line), file)) {
        char word[32];
        char argument[64];
        line[strcspn(line, "\n")] = '\0';
        if (!line_split(line, word, argument))
            (void)puts(line);
        else if (strcmp(word, "OPTIONS") == 0)
            options_mdoc(argument);
        else if (strcmp(word, "VERBS") == 0)
            verbs_mdoc(argument);
        else if (strcmp(word, "LATER") == 0)
            later_mdoc(argument);
        else if (strcmp(word, "CONFIG") == 0)
            config_mdoc();
        else if (strcmp(word, "EXIT") == 0)
            exit_mdoc();
        else if (strcmp(word, "FILES") == 0)
            files_mdoc();
        else if (strcmp(word, "ENVIRONMENT") == 0)
            environment_mdoc();
        else {
            (void)fprintf(stderr, "%s: what is @%s@?\n", path, word);
            (void)fclose(file);
            return 1;
        }
    }
    (void)fclose(file);
    return 0;
}

static const struct verb *verb_named(const char *name)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0 && !(verbs[i].flags & VERB_LATER))
            return &verbs[i];
    return NULL;
}

/* "admin quota set" -> "stint-admin-quota-set". */
static void page_name(const struct verb *verb, char name[80])
{
    (void)snprintf(name, 80, "stint-%s", verb->name);
    for (char *c = name; *c; c++)
        if (*c == ' ')
            *c = '-';
}

/* A verb of a group has its examples on the group's page; this one has everything else of it. */
static int page_write(const char *verb_name)
{
    char name[80];
    const struct verb *verb = verb_named(verb_name);
    if (!verb) {
        (void)fprintf(stderr, "stint_words: no such verb: %s\n", verb_name);
        return 1;
    }
    page_name(verb, name);
    (void)fputs(".Dd November 25, 2026\n.Dt ", stdout);
    for (const char *c = name; *c; c++)
        (void)putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    (void)printf(" 1\n.Os Stint\n.Sh NAME\n.Nm %s\n.Nd ", name);
    mdoc_text(verb->help);
    (void)printf("\n.Sh SYNOPSIS\n.Nm stint %s\n.Op Ar option ...\n", verb->name);
    if (*verb->words) {
        (void)fputs(".Ar \"", stdout);
        mdoc_text(verb->words);
        (void)puts("\"");
    }
    (void)puts(".Sh OPTIONS");
    options_mdoc(verb->name);
    (void)puts(".Sh EXIT STATUS");
    exit_mdoc();
    (void)puts(".Sh FILES");
    files_mdoc();
    (void)puts(".Sh ENVIRONMENT");
    environment_mdoc();
    (void)printf(".Sh SEE ALSO\n.Xr stint-%.*s 1\n", (int)strcspn(verb->name, " "), verb->name);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int pages_check(int count, char **pages)
{
    int missing = 0;
    for (size_t i = 0; i < verb_count; i++) {
        char name[80];
        bool is_found = (verbs[i].flags & VERB_LATER) != 0;
        page_name(&verbs[i], name);
        for (int k = 0; k < count; k++)
            is_found |= strcmp(pages[k], name) == 0;
        if (!is_found) {
            (void)fprintf(stderr, "no page %s.1\n", name);
            missing++;
        }
    }
    return missing > 0;
}

/* ---- completions ---- */

static bool takes_job(const struct verb *verb)
{
    return strncmp(verb->words, "ID", 2) == 0;
}

static bool takes_path(const struct verb *verb)
{
    return strncmp(verb->words, "PATH", 4) == 0 || strncmp(verb->words, "SCRIPT", 6) == 0;
}

/* The words that may follow @prefix ("" or "admin "), each once. */
static void next_words(const char *prefix, void (*fn)(const char *word, const char *help))
{
    size_t length = strlen(prefix);
    char seen[4096] = " ";
    for (size_t i = 0; i < verb_count; i++) {
        char word[64];
        char framed[68];
        if (strncmp(verbs[i].name, prefix, length) != 0 || (verbs[i].flags & VERB_LATER))
            continue;
        const char *rest = verbs[i].name + length;
        (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(rest, " "), rest);
        (void)snprintf(framed, sizeof(framed), " %s ", word);
        if (strstr(seen, framed))
            continue;
        size_t used = strlen(seen);
        (void)snprintf(seen + used, sizeof(seen) - used, "%s ", word);
        fn(word, strchr(rest, ' ') ? "" : verbs[i].help);
    }
}

/* Every proper prefix of a verb's name, each once: "", "award", "admin", "admin quota". */
static void each_group(void (*fn)(const char *group))
{
    char seen[4096] = "|";
    fn("");
    for (size_t i = 0; i < verb_count; i++)
        for (const char *blank = strchr(verbs[i].name, ' '); blank;
             blank = strchr(blank + 1, ' ')) {
            char group[64];
            char framed[68];
            (void)snprintf(group, sizeof(group), "%.*s", (int)(blank - verbs[i].name),
                           verbs[i].name);
            (void)snprintf(framed, sizeof(framed), "|%s|", group);
            if ((verbs[i].flags & VERB_LATER) || strstr(seen, framed))
                continue;
            size_t used = strlen(seen);
            (void)snprintf(seen + used, sizeof(seen) - used, "%s|", group);
            fn(group);
        }
}

static void word_print(const char *word, const char *help)
{
    (void)help;
    (void)printf("%s ", word);
}

static void bash_group(const char *group)
{
    char prefix[80];
    (void)snprintf(prefix, sizeof(prefix), "%s%s", group, *group ? " " : "");
    (void)printf("    '%s') words='", group);
    next_words(prefix, word_print);
    (void)puts("';;");
}

static void bash_option(void *context, const struct option_row *row)
{
    (void)context;
    (void)printf("--%s ", row->name);
}

static void bash_write(void)
{
    (void)puts("# bash completion of stint(1); written from its own tables.\n"
               "_stint_jobs() { stint queue --mine --no-pager 2>/dev/null | awk 'NR > 1 { print "
               "$1 }'; }\n"
               "_stint() {\n"
               "  local cur=${COMP_WORDS[COMP_CWORD]} key='' i word words='' options='' kind=''\n"
               "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
               "    word=${COMP_WORDS[i]}\n"
               "    [[ $word == -* ]] && continue\n"
               "    case \"$key${key:+ }$word\" in");
    (void)fputs("    ", stdout);
    for (size_t i = 0; i < verb_count; i++)
        if (!(verbs[i].flags & VERB_LATER))
            (void)printf("'%s'|", verbs[i].name);
    (void)fputs("''", stdout);
    (void)puts(") key=\"$key${key:+ }$word\"; break;;\n"
               "    *) key=\"$key${key:+ }$word\";;\n"
               "    esac\n"
               "  done\n"
               "  case \"$key\" in");
    each_group(bash_group);
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i].flags & VERB_LATER)
            continue;
        (void)printf("    '%s') kind=%s options='", verbs[i].name,
                     takes_job(&verbs[i])    ? "job"
                     : takes_path(&verbs[i]) ? "file"
                                             : "none");
        verb_each_option(&verbs[i], bash_option, NULL);
        (void)puts("';;");
    }
    (void)puts("  esac\n"
               "  if [[ $cur == -* ]]; then words=$options\n"
               "  elif [[ $kind == job ]]; then words=$(_stint_jobs)\n"
               "  elif [[ -n $kind ]]; then COMPREPLY=($(compgen -f -- \"$cur\")); return; fi\n"
               "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
               "}\n"
               "complete -o filenames -o bashdefault -F _stint stint");
}

/* A text inside single quotes, where @bad characters are taken out. */
static void quoted(const char *text, const char *bad)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", stdout);
        else if (!strchr(bad, *text))
            (void)putchar(*text);
        else
            (void)putchar(' ');
    }
}

static void zsh_word(const char *word, const char *help)
{
    (void)printf(" '%s:", word);
    quoted(help, ":");
    (void)putchar('\'');
}

static void zsh_group(const char *group)
{
    char prefix[80];
    (void)snprintf(prefix, sizeof(prefix), "%s%s", group, *group ? " " : "");
    (void)printf("    '%s') words_=(", group);
    next_words(prefix, zsh_word);
    (void)puts(");;");
}

static void zsh_option(void *context, const struct option_row *row)
{
    (void)context;
    (void)printf(" '--%s:", row->name);
    quoted(row->help, ":");
    (void)putchar('\'');
}

static void zsh_write(void)
{
    (void)puts("#compdef stint\n"
               "# zsh completion of stint(1); written from its own tables.\n"
               "_stint() {\n"
               "  local key='' word kind='' i\n"
               "  local -a words_ options_ jobs_\n"
               "  for ((i = 2; i < CURRENT; i++)); do\n"
               "    word=${words[i]}\n"
               "    [[ $word == -* ]] && continue\n"
               "    key=\"$key${key:+ }$word\"\n"
               "    case \"$key\" in");
    (void)fputs("    ", stdout);
    for (size_t i = 0; i < verb_count; i++)
        if (!(verbs[i].flags & VERB_LATER))
            (void)printf("'%s'|", verbs[i].name);
    (void)puts("'') break;;\n    esac\n  done\n  case \"$key\" in");
    each_group(zsh_group);
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i].flags & VERB_LATER)
            continue;
        (void)printf("    '%s') kind=%s; options_=(", verbs[i].name,
                     takes_job(&verbs[i])    ? "job"
                     : takes_path(&verbs[i]) ? "file"
                                             : "none");
        verb_each_option(&verbs[i], zsh_option, NULL);
        (void)puts(");;");
    }
    (void)puts("  esac\n"
               "  if [[ ${words[CURRENT]} == -* ]]; then _describe option options_\n"
               "  elif [[ $kind == job ]]; then\n"
               "    jobs_=(${(f)\"$(stint queue --mine --no-pager 2>/dev/null | awk 'NR > 1 { "
               "print $1 }')\"})\n"
               "    _describe job jobs_\n"
               "  elif [[ -n $kind ]]; then _files\n"
               "  else _describe command words_; fi\n"
               "}\n"
               "_stint \"$@\"");
}

static const char *fish_group_name;

static void fish_word(const char *word, const char *help)
{
    (void)printf("complete -c stint -f -n '__stint_at \"%s\"' -a %s -d '", fish_group_name, word);
    quoted(help, "");
    (void)puts("'");
}

static void fish_group(const char *group)
{
    char prefix[80];
    fish_group_name = group;
    (void)snprintf(prefix, sizeof(prefix), "%s%s", group, *group ? " " : "");
    next_words(prefix, fish_word);
    fish_group_name = NULL;
}

static void fish_option(void *context, const struct option_row *row)
{
    (void)printf("complete -c stint -n '__stint_in \"%s\"' -l %s", (const char *)context,
                 row->name);
    if (row->letter)
        (void)printf(" -s %c", row->letter);
    (void)printf("%s -d '", row->value && row->value[1] != '=' ? " -r" : "");
    quoted(row->help, "");
    (void)puts("'");
}

static void fish_write(void)
{
    (void)puts(
        "# fish completion of stint(1); written from its own tables.\n"
        "function __stint_words\n"
        "  string match -v -- '-*' (commandline -opc)[2..-1] | string join ' '\n"
        "end\n"
        "function __stint_at\n"
        "  set -l typed (__stint_words)\n"
        "  test \"$typed\" = \"$argv[1]\"\n"
        "end\n"
        "function __stint_in\n"
        "  set -l typed (__stint_words)\n"
        "  string match -q -r -- \"^$argv[1]( |\\$)\" \"$typed\"\n"
        "end\n"
        "function __stint_jobs\n"
        "  stint queue --mine --no-pager 2>/dev/null | awk 'NR > 1 { print $1 \"\\t\" $2 }'\n"
        "end");
    each_group(fish_group);
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i].flags & VERB_LATER)
            continue;
        verb_each_option(&verbs[i], fish_option, (void *)(uintptr_t)verbs[i].name);
        if (takes_job(&verbs[i]))
            (void)printf("complete -c stint -f -n '__stint_in \"%s\"' -a '(__stint_jobs)'\n",
                         verbs[i].name);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "man") == 0)
        return template_fill(argv[2]);
    if (argc == 3 && strcmp(argv[1], "page") == 0)
        return page_write(argv[2]);
    if (argc > 2 && strcmp(argv[1], "pages") == 0)
        return pages_check(argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "bash") == 0)
        bash_write();
    else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
        zsh_write();
    else if (argc == 2 && strcmp(argv[1], "fish") == 0)
        fish_write();
    else
        return 2;
    return fflush(stdout) == 0 ? 0 : 1;
}
