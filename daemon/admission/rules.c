/* One digest over every file that judges: rules, licence table, catalogue, and which rule sets a
 * kind is judged by. A stored verdict counts only while this digest is the one it was made under
 * (see context_of() for what it depends on besides). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"
#include "stint/rules.h"

#define RULES_DEPTH_MAX 4
#define RULES_FILES_MAX 20000
#define RULES_BYTES_MAX ((off_t)16 << 20) /* of one file */

struct rules_walk {
    struct stint_sha256_stream *stream;
    size_t file_count;
};

static void add_text(struct rules_walk *walk, const char *text)
{
    stint_sha256_stream_add(walk->stream, text, strlen(text) + 1);
}

static int add_file(struct rules_walk *walk, int folder, const char *name)
{
    char buffer[16384];
    struct stat at;
    stint_auto(stint_fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &at) != 0)
        return -errno;
    if (!S_ISREG(at.st_mode) || at.st_size > RULES_BYTES_MAX ||
        ++walk->file_count > RULES_FILES_MAX)
        return -EFBIG;
    add_text(walk, name);
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return 0;
        if (got > 0)
            stint_sha256_stream_add(walk->stream, buffer, (size_t)got);
    }
}

static int skip_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct rules_walk *walk, int parent, const char *name, int depth);

static int add_entry(struct rules_walk *walk, int folder, const char *name, int depth)
{
    struct stat at;
    if (fstatat(folder, name, &at, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    if (S_ISDIR(at.st_mode))
        return depth < RULES_DEPTH_MAX ? add_folder(walk, folder, name, depth + 1) : -ELOOP;
    return S_ISREG(at.st_mode) ? add_file(walk, folder, name) : 0;
}

static int add_folder(struct rules_walk *walk, int parent, const char *name, int depth)
{
    struct dirent **entries = NULL;
    stint_auto(stint_fd) int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int count = scandirat(folder, ".", &entries, skip_hidden, by_bytes);
    if (count < 0)
        return -errno;
    int r = 0;
    add_text(walk, depth == 0 ? "folder" : name);
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = add_entry(walk, folder, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return r;
}

/* The catalogue's folders, joined by ':'; one that is not there is empty. */
static int add_catalogue(struct rules_walk *walk, const char *dirs, struct stint_error *err)
{
    stint_auto(stint_free) char *list = strdup(dirs ? dirs : "");
    char *rest = list;
    int r = list ? 0 : -ENOMEM;
    for (char *dir; r == 0 && (dir = strsep(&rest, ":"));) {
        r = *dir ? add_folder(walk, AT_FDCWD, dir, 0) : 0;
        r = r == -ENOENT ? 0 : r;
        if (r != 0)
            (void)stint_fail(err, r, "the catalogue below %s cannot be read: %s", dir,
                             strerror(-r));
    }
    return r;
}

int stint_admission_rules_digest(const struct stint_admission_options *options,
                                 struct stint_sha256 *ret_digest, struct stint_error *err)
{
    const char *const folders[] = { options->rules_dir, options->licences_dir };
    struct rules_walk walk = { 0 };
    int r = stint_sha256_stream_new(&walk.stream);
    if (r != 0)
        return r;
    add_text(&walk, STINT_VERSION);
    for (size_t i = 0; i < STINT_USE_KIND_COUNT; i++)
        add_text(&walk, options->rules[i] ? options->rules[i] : "");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(folders) && r == 0; i++) {
        if (folders[i] && *folders[i])
            r = add_folder(&walk, AT_FDCWD, folders[i], 0);
        if (r != 0)
            (void)stint_fail(err, r, "the rules below %s cannot be read: %s", folders[i],
                             strerror(-r));
    }
    if (r == 0)
        r = add_catalogue(&walk, options->catalogue_dir, err);
    stint_sha256_stream_end(walk.stream, ret_digest);
    return r;
}

/* ---- are they there? */

/* The whole of a small file; NULL with errno. */
static char *read_rules(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(STINT_RULES_FILE_BYTES_MAX + 1) : NULL;
    if (text)
        *ret_length = fread(text, 1, STINT_RULES_FILE_BYTES_MAX + 1, file);
    if (text && (ferror(file) || *ret_length > STINT_RULES_FILE_BYTES_MAX)) {
        errno = ferror(file) ? EIO : EFBIG;
        free(text);
        text = NULL;
    }
    if (file)
        (void)fclose(file);
    return text;
}

static int check_set(const char *folder, const char *key, const char *set, size_t length,
                     struct stint_error *err)
{
    char path[ADMISSION_PATH_MAX];
    size_t bytes = 0;
    struct stint_rules *rules = NULL;
    bool is_plain = length > 0 && length < 64 && set[0] != '.' &&
                    strspn(set, "abcdefghijklmnopqrstuvwxyz0123456789.-_") >= length;
    int shown = (int)(length < 64 ? length : 64);
    (void)snprintf(path, sizeof(path), "%s/%.*s.yaml", folder, is_plain ? shown : 0, set);
    stint_auto(stint_free) char *text = is_plain ? read_rules(path, &bytes) : NULL;
    if (!text) {
        (void)stint_fail(err, STINT_INVALID,
                         "admission.%s: no rule set '%.*s' can be read in %.200s", key, shown, set,
                         folder);
        return stint_fix(err, STINT_INVALID,
                         "%s = the names of files there without .yaml, with commas", key);
    }
    int r = stint_rules_parse(path, text, bytes, &rules, err);
    stint_rules_free(rules);
    return r;
}

int rules_check(const struct stint_admission_options *options, struct stint_error *err)
{
    static const char *const keys[STINT_USE_KIND_COUNT] = { "rules_model", "rules_dataset",
                                                            "rules_code" };
    if (!options->rules_dir || !*options->rules_dir)
        return 0; /* the evaluator's own: it finds them */
    for (size_t i = 0; i < STINT_USE_KIND_COUNT; i++) {
        const char *at = options->rules[i] ? options->rules[i] : "";
        size_t length;
        do {
            length = strcspn(at, ",");
            int r = check_set(options->rules_dir, keys[i], at, length, err);
            if (r != 0)
                return r;
            at += length + 1;
        } while (at[-1]);
    }
    return 0;
}
