/* Owns: files of shares, for replays with several projects. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "stint/simulator.h"

static uint32_t find_project(const struct stint_shares *shares, const char *name)
{
    for (uint32_t i = 0; i < shares->project_count; i++)
        if (strcmp(shares->projects[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

static bool is_name(const char *word)
{
    size_t length = strlen(word);
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.+@", *c))
            return false;
    return length > 0 && length < STINT_MACHINE_NAME_MAX;
}

static int read_project(struct stint_shares *shares, const struct line *line,
                        struct stint_error *err)
{
    uint64_t weight = 0;
    uint32_t parent = UINT32_MAX;
    if (line->count < 3 || line->count > 4 || !is_name(line->words[1]) ||
        !line_number(line->words[2], 1000000000, &weight))
        return line_fail(line, err, "not `project NAME SHARES [PARENT]`");
    if (find_project(shares, line->words[1]) != UINT32_MAX)
        return line_fail(line, err, "a project that is named before");
    if (line->count == 4 && (parent = find_project(shares, line->words[3])) == UINT32_MAX)
        return line_fail(line, err, "a parent that is not named before");
    if (shares->project_count == STINT_SHARES_PROJECT_MAX)
        return line_fail(line, err, "more than 4096 projects");
    struct stint_shares_project *projects =
        realloc(shares->projects, (shares->project_count + 1) * sizeof(*projects));
    if (!projects)
        return -ENOMEM;
    shares->projects = projects;
    struct stint_shares_project *project = &projects[shares->project_count++];
    *project = (struct stint_shares_project){ .shares = (uint32_t)weight, .parent = parent };
    (void)snprintf(project->name, sizeof(project->name), "%.63s", line->words[1]);
    return 0;
}

static int read_user(struct stint_shares *shares, const struct line *line, struct stint_error *err)
{
    uint64_t user = 0;
    uint32_t project = UINT32_MAX;
    if (line->count != 3 || !line_number(line->words[1], STINT_SHARES_USER_MAX - 1, &user))
        return line_fail(line, err, "not `user NUMBER PROJECT`");
    if ((project = find_project(shares, line->words[2])) == UINT32_MAX)
        return line_fail(line, err, "a project that is not named before");
    if (user >= shares->user_count) {
        uint32_t count = (uint32_t)user + 1;
        uint32_t *users = realloc(shares->users, count * sizeof(*users));
        if (!users)
            return -ENOMEM;
        memset(users + shares->user_count, 0, (count - shares->user_count) * sizeof(*users));
        shares->users = users;
        shares->user_count = count;
    }
    shares->users[user] = project;
    return 0;
}

static int read_line(void *context, const struct line *line, struct stint_error *err)
{
    if (strcmp(line->words[0], "project") == 0)
        return read_project(context, line, err);
    if (strcmp(line->words[0], "user") == 0)
        return read_user(context, line, err);
    return line_fail(line, err, "neither `project NAME SHARES [PARENT]` nor `user NUMBER PROJECT`");
}

int stint_shares_parse(const char *text, size_t length, const char *name,
                       struct stint_shares *ret_shares, struct stint_error *err)
{
    struct stint_shares shares = { 0 };
    int r = lines_each(text, length, name, read_line, &shares, err);
    if (r == 0 && shares.project_count == 0)
        r = stint_fail(err, STINT_INVALID, "%.200s names no project", name);
    if (r != 0) {
        stint_shares_deinit(&shares);
        return r;
    }
    *ret_shares = shares;
    return 0;
}

int stint_shares_load(const char *path, struct stint_shares *ret_shares, struct stint_error *err)
{
    stint_auto(stint_free) char *text = NULL;
    size_t length = 0;
    int r = lines_read(path, &text, &length, err);
    return r != 0 ? r : stint_shares_parse(text, length, path, ret_shares, err);
}

void stint_shares_deinit(struct stint_shares *shares)
{
    free(shares->projects);
    free(shares->users);
    *shares = (struct stint_shares){ 0 };
}
