/* Owns: output file patterns. */
#include "pattern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct place {
    char *path;
    size_t size;
    size_t length;
};

static bool put(struct place *place, const char *text, bool is_name)
{
    for (; *text; text++) {
        if (place->length + 1 >= place->size)
            return false;
        place->path[place->length++] = is_name && *text == '/' ? '_' : *text;
    }
    place->path[place->length] = '\0';
    return true;
}

static int put_letter(struct place *place, char letter, uint64_t job, uint32_t task,
                      const char *name, const char *user)
{
    char number[24];
    switch (letter) {
    case 'j':
    case 'A':
        (void)snprintf(number, sizeof(number), "%" PRIu64, job);
        return put(place, number, false) ? 0 : -ENAMETOOLONG;
    case 'a':
        (void)snprintf(number, sizeof(number), "%" PRIu32, task);
        return put(place, number, false) ? 0 : -ENAMETOOLONG;
    case 'x':
        return put(place, name ? name : "job", true) ? 0 : -ENAMETOOLONG;
    case 'u':
        return put(place, user, true) ? 0 : -ENAMETOOLONG;
    case '%':
        return put(place, "%", false) ? 0 : -ENAMETOOLONG;
    default:
        return -EINVAL;
    }
}

int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size)
{
    struct place place = { .path = ret_path, .size = size };
    if (pattern[0] != '/') {
        if (!workdir)
            return -EINVAL;
        if (!put(&place, workdir, false) || !put(&place, "/", false))
            return -ENAMETOOLONG;
    }
    for (const char *c = pattern; *c; c++) {
        char one[2] = { *c, '\0' };
        int r = 0;
        if (*c == '%')
            r = put_letter(&place, *++c, job, task, name, user);
        else if (!put(&place, one, false))
            r = -ENAMETOOLONG;
        if (r != 0)
            return r;
    }
    return 0;
}
