/* Owns: finding verbs and printing what they are, from their rows. */
#include <stdio.h>
#include <string.h>

#include "screen.h"
#include "stint/auto.h"
#include "verb.h"

/* Words of @argv that make up @name, 0 when they do not. */
static int name_match(const char *name, int argc, char **argv)
{
    int used = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        if (used == argc || strlen(argv[used]) != length || strncmp(argv[used], name, length) != 0)
            return 0;
        used++;
        name += length + (name[length] == ' ');
    }
    return used;
}

const struct verb *verb_find(int argc, char **argv, int *ret_used)
{
    const struct verb *best = NULL;
    *ret_used = 0;
    for (size_t i = 0; i < verb_count; i++) {
        int used = name_match(verbs[i].name, argc, argv);
        if (used > *ret_used) {
            best = &verbs[i];
            *ret_used = used;
        }
    }
    return best;
}

bool verb_is_group(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < verb_count; i++)
        if (strncmp(verbs[i].name, text, length) == 0 && verbs[i].name[length] == ' ')
            return true;
    return false;
}

#define NEAR_NAMES_MAX 256

/* Within the group that @text begins with: "admin qouta" is near "admin quota", "admin award add"
 * is near no verb of awards and gets them all. NULL when it begins with none. */
static const char *verb_near_in_group(const char *text)
{
    static char near[64];
    static char words[NEAR_NAMES_MAX][32];
    const char *names[NEAR_NAMES_MAX];
    size_t count = 0;
    const char *last = strrchr(text, ' ');
    if (!last || (size_t)(last - text) >= sizeof(near))
        return NULL;
    int length = (int)(last - text);
    (void)snprintf(near, sizeof(near), "%.*s", length, text);
    if (!verb_is_group(near))
        return NULL;
    for (size_t i = 0; i < verb_count && count < NEAR_NAMES_MAX; i++) {
        const char *word = verbs[i].name + length + 1;
        if (strncmp(verbs[i].name, text, (size_t)length + 1) != 0)
            continue;
        (void)snprintf(words[count], sizeof(words[count]), "%.*s", (int)strcspn(word, " "), word);
        names[count] = words[count];
        count++;
    }
    const char *word = near_match(last + 1, names, count);
    if (word)
        (void)snprintf(near + length, sizeof(near) - (size_t)length, " %s", word);
    return near;
}

/* "admin qouta": whole names first, then groups by their first word. */
const char *verb_near(const char *text)
{
    static char groups[NEAR_NAMES_MAX][32];
    const char *in_group = verb_near_in_group(text);
    if (in_group)
        return in_group;
    const char *names[NEAR_NAMES_MAX * 2];
    size_t count = 0;
    for (size_t i = 0; i < verb_count && count < NEAR_NAMES_MAX; i++)
        names[count++] = verbs[i].name;
    for (size_t i = 0, n = count; i < n; i++) {
        (void)snprintf(groups[i], sizeof(groups[i]), "%.*s", (int)strcspn(names[i], " "), names[i]);
        names[count++] = groups[i];
    }
    const char *near = near_match(text, names, count);
    if (near || !strchr(text, ' '))
        return near;
    char first[64];
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, " "), text);
    return near_match(first, names, count);
}

/* @left padded to @width columns, then @right; on a line of its own where @left is too long. */
static void help_line(const char *left, size_t width, const char *right)
{
    size_t taken = text_width(left);
    (void)printf("  %s", left);
    if (taken >= width) {
        (void)putchar('\n');
        taken = 0;
        (void)fputs("  ", stdout);
    }
    (void)printf("%*s%s\n", (int)(width - taken), "", right);
}

static void option_print(void *context, const struct option_row *row)
{
    char left[64];
    char letter[8] = "    ";
    bool is_optional = row->value && row->value[0] == '[' && row->value[1] == '=';
    (void)context;
    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
                   row->value && !is_optional ? " " : "", row->value ? row->value : "");
    help_line(left, 30, row->help);
}

void verb_print_help(const struct verb *verb)
{
    (void)printf("stint %s [OPTION…]%s%s\n\n%s.\n\n", verb->name, *verb->words ? " " : "",
                 verb->words, verb->help);
    verb_each_option(verb, option_print, NULL);
}

void verbs_print(const char *group)
{
    for (size_t i = 0; i < verb_count; i++) {
        char left[96];
        size_t length = group ? strlen(group) : 0;
        if (group && (strncmp(verbs[i].name, group, length) != 0 ||
                      (verbs[i].name[length] != ' ' && verbs[i].name[length] != '\0')))
            continue;
        if (!group && strncmp(verbs[i].name, "admin ", 6) == 0)
            continue;
        if (!group && (verbs[i].flags & VERB_LATER))
            continue;
        (void)snprintf(left, sizeof(left), "%s %s", verbs[i].name, verbs[i].words);
        help_line(left, 34, verbs[i].help);
    }
    if (!group)
        help_line("admin …", 34, "for operators: 'stint admin' lists them");
}
