/* Owns: the hub cache layout. What must always hold: a link leads to a blob of its own repository
 * or nowhere; a marker of absence counts for its own commit only, and not against a file that is
 * there. A snapshot holds the files that somebody asked for, so it is never a complete one. */
#include "evaluator/hub_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "evaluator/derive.h"
#include "evaluator/tree.h"
#include "stint/auto.h"

#define MARKERS_MAX 1000 /* a loader asks for some twenty files that may not be there */

static bool is_hex(const char *text, size_t length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

static bool is_cache_folder(const char *name)
{
    return strncmp(name, "models--", 8) == 0 || strncmp(name, "datasets--", 10) == 0 ||
           strncmp(name, "spaces--", 8) == 0;
}

/* "models--org--name" as "org/name". */
static void cache_folder_name(const char *folder, char *name, size_t size)
{
    const char *from = strstr(folder, "--") + 2;
    size_t length = 0;
    for (; *from && length + 1 < size; from++) {
        bool is_slash = from[0] == '-' && from[1] == '-';
        name[length++] = is_slash ? '/' : *from;
        from += is_slash;
    }
    name[length] = '\0';
}

/* The commit that refs/main names, in a hub cache folder; 0 or -errno. */
static int cache_main(int repository_fd, char commit[41])
{
    stint_auto(stint_fd) int fd = tree_open_beneath(repository_fd, "refs/main", O_RDONLY);
    if (fd < 0)
        return fd;
    ssize_t length = read(fd, commit, 40);
    if (length != 40)
        return -EINVAL;
    commit[40] = '\0';
    return is_hex(commit, 40) ? 0 : -EINVAL;
}

/* The only snapshot of a hub cache folder that lacks refs/main (it was asked for by commit); false
 * when there are several or none. */
static bool cache_only_snapshot(int repository_fd, char commit[41])
{
    size_t count = 0;
    int fd = tree_open_beneath(repository_fd, "snapshots", O_RDONLY | O_DIRECTORY);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        if (is_hex(entry->d_name, 40)) {
            memcpy(commit, entry->d_name, 41);
            count++;
        }
    closedir(folder);
    return count == 1;
}

bool hub_cache_enter(const char *real, struct stint_artifact_tree *tree)
{
    char path[PATH_MAX];
    char commit[41];
    (void)snprintf(path, sizeof(path), "%s", real);
    char *last = strrchr(path, '/');
    if (!last || last == path)
        return false;
    if (is_cache_folder(last + 1)) {
        if (cache_main(tree->fd, commit) != 0 && !cache_only_snapshot(tree->fd, commit))
            return false;
        (void)snprintf(tree->prefix, sizeof(tree->prefix), "snapshots/%s/", commit);
        cache_folder_name(last + 1, tree->name, sizeof(tree->name));
        return true;
    }
    if (!is_hex(last + 1, 40))
        return false;
    memcpy(commit, last + 1, 41);
    *last = '\0';
    char *parent = strrchr(path, '/');
    if (!parent || strcmp(parent, "/snapshots") != 0)
        return false;
    *parent = '\0';
    char *folder = strrchr(path, '/');
    if (!folder || !is_cache_folder(folder + 1))
        return false;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(tree->fd);
    tree->fd = fd;
    (void)snprintf(tree->prefix, sizeof(tree->prefix), "snapshots/%s/", commit);
    cache_folder_name(folder + 1, tree->name, sizeof(tree->name));
    return true;
}

/* The blob that a link of a hub snapshot names, "blobs/<hash>", or false: each ".." must climb from
 * the link's own folder exactly to the repository's. */
bool hub_cache_target(const char *path, const char *link, char target[80])
{
    size_t folders = 2; /* snapshots/<commit>/ */
    for (const char *c = path; *c; c++)
        folders += *c == '/';
    while (strncmp(link, "../", 3) == 0 && folders > 0) {
        link += 3;
        folders--;
    }
    if (folders != 0 || strncmp(link, "blobs/", 6) != 0 ||
        !(is_hex(link + 6, 40) || is_hex(link + 6, 64)))
        return false;
    (void)snprintf(target, 80, "%.79s", link);
    return true;
}

/* ---- what it says beside the files */

static const char *commit_of(const struct reader *reader)
{
    return reader->tree->prefix + sizeof("snapshots/") - 1;
}

static uint32_t cache_fact(struct reader *reader, const char *path, struct stint_fact fact)
{
    fact.source = STINT_SOURCE_TREE;
    fact.grade = STINT_DECLARED;
    fact.path = path;
    return stint_facts_add(reader->facts, &fact);
}

/* The card of a hub is its README.md and nothing else; of other files only the name is known. */
static void marker_read(struct reader *reader, const char *name)
{
    char path[sizeof(reader->tree->prefix) + STINT_ARTIFACT_PATH_BYTES_MAX + 16];
    const struct stint_fact *card;
    (void)snprintf(path, sizeof(path), ".no_exist/%s%s", commit_of(reader), name);
    if (reader_find(reader, name) != SIZE_MAX)
        return;
    (void)cache_fact(reader, path,
                     (struct stint_fact){
                         .component = STINT_ARTIFACT, .predicate = STINT_ABSENT, .text = name });
    card = derive_find(reader->facts, STINT_MODEL_CARD, STINT_PRESENT, NULL);
    if (reader->kind == STINT_KIND_MODEL && strcmp(name, "README.md") == 0 && !card)
        (void)cache_fact(
            reader, path,
            (struct stint_fact){ .component = STINT_MODEL_CARD, .predicate = STINT_PRESENT });
}

struct markers {
    struct reader *reader;
    char name[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    size_t depth;
    size_t count;
};

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void markers_walk(struct markers *markers, int folder, size_t length);

static void marker_entry(struct markers *markers, int folder, const char *base, size_t length)
{
    struct stat st;
    int more = snprintf(markers->name + length, sizeof(markers->name) - length, "%s%s",
                        length > 0 ? "/" : "", base);
    size_t whole = length + (size_t)more;
    if (base[0] == '.' && (!base[1] || (base[1] == '.' && !base[2])))
        return;
    if (whole >= sizeof(markers->name) || !tree_name_is_plain(base) ||
        fstatat(folder, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISREG(st.st_mode) && markers->count++ < MARKERS_MAX)
        marker_read(markers->reader, markers->name);
    if (!S_ISDIR(st.st_mode) || markers->depth >= STINT_ARTIFACT_DEPTH_MAX)
        return;
    stint_auto(stint_fd) int inner =
        openat(folder, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner >= 0)
        markers_walk(markers, inner, whole);
}

/* @length: bytes of markers->name that name this folder. In the order of names, so that the same
 * cache gives the same facts. */
static void markers_walk(struct markers *markers, int folder, size_t length)
{
    struct dirent **entries = NULL;
    int count = scandirat(folder, ".", &entries, NULL, by_bytes);
    markers->depth++;
    for (int i = 0; i < count; i++) {
        if (markers->count < MARKERS_MAX)
            marker_entry(markers, folder, entries[i]->d_name, length);
        markers->name[length] = '\0';
        free(entries[i]);
    }
    markers->depth--;
    free(entries);
}

void read_hub_cache(struct reader *reader)
{
    struct markers markers = { .reader = reader };
    char path[sizeof(reader->tree->prefix) + 16];
    char revision[sizeof(reader->tree->prefix) + 16];
    if (!reader->tree->is_hub_cache)
        return;
    (void)snprintf(path, sizeof(path), "%s", reader->tree->prefix);
    path[strlen(path) - 1] = '\0';
    (void)snprintf(revision, sizeof(revision), "revision %.40s", commit_of(reader));
    (void)cache_fact(reader, path,
                     (struct stint_fact){
                         .component = STINT_ARTIFACT, .predicate = STINT_VALUE, .text = revision });
    (void)snprintf(path, sizeof(path), ".no_exist/%.40s", commit_of(reader));
    stint_auto(stint_fd) int folder =
        tree_open_beneath(reader->tree->fd, path, O_RDONLY | O_DIRECTORY);
    if (folder >= 0)
        markers_walk(&markers, folder, 0);
}
