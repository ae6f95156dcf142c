/* Owns: reading an operator's folder of YAML files. These are trusted as configuration is: links
 * are followed, sizes are bounded. */
#include "evaluator/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stint/auto.h"

#define FOLDER_FILE_MAX ((size_t)2 << 20)

int folder_read_file(const char *dir, const char *name, size_t max, char **ret_text,
                     size_t *ret_length, struct stint_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? stint_fail(err, STINT_NOT_FOUND, "%s: no such file", path)
                               : stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return stint_fail(err, STINT_INVALID, "%s: not a regular file", path);
    if ((size_t)st.st_size > max)
        return stint_fail(err, STINT_TOO_LARGE, "%s: larger than %zu bytes", path, max);
    size_t length = (size_t)st.st_size;
    stint_auto(stint_free) char *text = malloc(length + 1);
    if (!text)
        return -ENOMEM;
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, text + done, length - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return stint_fail(err, got < 0 ? -errno : -EIO, "%s: cannot be read", path);
        done += (size_t)got;
    }
    text[length] = '\0';
    *ret_text = stint_take(text);
    *ret_length = length;
    return 0;
}

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

int folder_each_yaml(const char *dir, folder_yaml_fn fn, void *context, struct stint_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_yaml, alphasort);
    int r = 0;
    if (count < 0)
        return errno == ENOENT ? stint_fail(err, STINT_NOT_FOUND, "%s: no such folder", dir)
                               : stint_fail(err, -errno, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *text = NULL;
        size_t length = 0;
        if (r == 0)
            r = folder_read_file(dir, entries[i]->d_name, FOLDER_FILE_MAX, &text, &length, err);
        if (r == 0)
            r = fn(context, entries[i]->d_name, text, length, err);
        free(text);
        free(entries[i]);
    }
    free(entries);
    return r;
}
