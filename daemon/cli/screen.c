/* Owns: the terminal's facts (width, colour) and the pager. Meaning is never by colour alone. */
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool colour;
static pid_t pager = -1;
static int pager_saved = -1;
/* With a pager, stdout is a pipe: the width was asked before. */
static unsigned pager_columns;

bool screen_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

static bool env_is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

void screen_init(const char *color)
{
    const char *term = getenv("TERM");
    bool is_dumb = term && strcmp(term, "dumb") == 0;
    if (color && strcmp(color, "never") == 0)
        colour = false;
    else if (env_is_set("NO_COLOR"))
        colour = false; /* INTERFACE §4: never, whatever else was asked */
    else if (color && strcmp(color, "always") == 0)
        colour = true;
    else
        colour = screen_is_terminal() && !is_dumb;
}

bool screen_has_colour(void)
{
    return colour;
}

unsigned screen_columns(void)
{
    struct winsize size = { 0 };
    const char *columns = getenv("COLUMNS");
    if (pager_columns)
        return pager_columns;
    if (columns && strtoul(columns, NULL, 10) >= 20)
        return (unsigned)strtoul(columns, NULL, 10);
    if (screen_is_terminal() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 0;
}

const char *style_on(enum screen_style style)
{
    static const char *const codes[] = {
        [STYLE_NONE] = "",         [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",
        [STYLE_INFO] = "\033[36m",
    };
    return colour ? codes[style] : "";
}

const char *style_off(void)
{
    return colour ? "\033[0m" : "";
}

enum screen_style style_of_state(const char *word)
{
    static const struct {
        const char *word;
        enum screen_style style;
    } styles[] = {
        { "running", STYLE_GOOD },    { "completed", STYLE_GOOD }, { "active", STYLE_GOOD },
        { "pass", STYLE_GOOD },       { "up", STYLE_GOOD },        { "starting", STYLE_INFO },
        { "ending", STYLE_INFO },     { "held", STYLE_WARN },      { "suspended", STYLE_WARN },
        { "draining", STYLE_WARN },   { "unknown", STYLE_WARN },   { "expired", STYLE_WARN },
        { "failed", STYLE_BAD },      { "timeout", STYLE_BAD },    { "out-of-memory", STYLE_BAD },
        { "node-failed", STYLE_BAD }, { "lost", STYLE_BAD },       { "refused", STYLE_BAD },
        { "exhausted", STYLE_BAD },   { "revoked", STYLE_BAD },    { "fail", STYLE_BAD },
        { "down", STYLE_BAD },        { "cancelled", STYLE_DIM },
    };
    for (size_t i = 0; word && i < STINT_ARRAY_SIZE(styles); i++)
        if (strcmp(styles[i].word, word) == 0)
            return styles[i].style;
    return STYLE_NONE;
}

/* ---- pager ---- */

static const char *pager_command(void)
{
    const char *command = getenv("STINT_PAGER");
    if (!command)
        command = getenv("PAGER");
    return command ? command : "less -FRX";
}

void screen_pager_start(bool is_wanted)
{
    int ends[2];
    const char *command = pager_command();
    const char *term = getenv("TERM");
    if (!is_wanted || !screen_is_terminal() || !*command || strcmp(command, "cat") == 0 || !term ||
        strcmp(term, "dumb") == 0)
        return;
    pager_columns = screen_columns();
    (void)fflush(stdout);
    if (pipe(ends) != 0)
        return;
    pager = fork();
    if (pager == 0) {
        (void)dup2(ends[0], STDIN_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        /* No shell: be the simplest pager. */
        char bytes[4096];
        ssize_t got;
        while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
            if (write(STDOUT_FILENO, bytes, (size_t)got) != got)
                break;
        _exit(0);
    }
    if (pager > 0) {
        pager_saved = dup(STDOUT_FILENO);
        (void)dup2(ends[1], STDOUT_FILENO);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

void screen_pager_end(void)
{
    (void)fflush(stdout);
    if (pager <= 0)
        return;
    (void)dup2(pager_saved, STDOUT_FILENO);
    (void)close(pager_saved);
    (void)waitpid(pager, NULL, 0);
    pager = -1;
    pager_columns = 0;
}
