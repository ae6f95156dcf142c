/* Owns: opening the root of an artefact and every file beneath it, and listing what is there. What
 * must always hold: no descriptor leaves this file that a symbolic link, a FIFO or a device led to.
 * Listing walks folder by folder with O_NOFOLLOW; opening uses openat2(2) where the kernel has it
 * and the same walk otherwise. */
#include "evaluator/tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "evaluator/hub_cache.h"
#include "stint/auto.h"

static const char *const trouble_names[] = { "none",
#define X(name, wire, words) wire,
                                             STINT_ARTIFACT_TROUBLES(X)
#undef X
};
static const char *const trouble_words[] = { "nothing",
#define X(name, wire, words) words,
                                             STINT_ARTIFACT_TROUBLES(X)
#undef X
};

const char *stint_trouble_name(enum stint_artifact_trouble_kind kind)
{
    return trouble_names[(unsigned)kind < STINT_TROUBLE_KIND_COUNT ? kind : 0];
}

const char *stint_trouble_words(enum stint_artifact_trouble_kind kind)
{
    return trouble_words[(unsigned)kind < STINT_TROUBLE_KIND_COUNT ? kind : 0];
}

void tree_printable(const char *text, char *printable, size_t size)
{
    size_t length = 0;
    for (const char *c = text; *c && length + 1 < size; c++)
        printable[length++] = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    printable[length] = '\0';
}

void tree_trouble(struct stint_artifact_manifest *manifest, enum stint_artifact_trouble_kind kind,
                  const char *path)
{
    if (manifest->trouble_count < STINT_ARTIFACT_TROUBLE_MAX) {
        struct stint_artifact_trouble *trouble = &manifest->troubles[manifest->trouble_count];
        trouble->kind = kind;
        tree_printable(path, trouble->path, sizeof(trouble->path));
    }
    manifest->trouble_count++;
}

/* Valid UTF-8 without control characters: what a manifest line and a report can hold. */
bool tree_name_is_plain(const char *name)
{
    const unsigned char *c = (const unsigned char *)name;
    while (*c) {
        size_t more = *c < 0x80   ? 0
                      : *c < 0xc2 ? 9
                      : *c < 0xe0 ? 1
                      : *c < 0xf0 ? 2
                      : *c < 0xf5 ? 3
                                  : 9;
        if (more == 9 || *c < 0x20 || *c == 0x7f)
            return false;
        unsigned char first = *c++;
        if ((first == 0xe0 && *c < 0xa0) || (first == 0xed && *c > 0x9f) ||
            (first == 0xf0 && *c < 0x90) || (first == 0xf4 && *c > 0x8f))
            return false;
        for (; more > 0; more--, c++)
            if ((*c & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* The walk for kernels without openat2(2), which Linux has since 5.6. */
static int open_beneath_by_steps(int root_fd, const char *path, int flags)
{
    char part[NAME_MAX + 1];
    stint_auto(stint_fd) int folder = dup(root_fd);
    while (folder >= 0) {
        size_t length = strcspn(path, "/");
        if (length == 0 || length > NAME_MAX)
            return -ENOENT;
        memcpy(part, path, length);
        part[length] = '\0';
        if (strcmp(part, "..") == 0 || strcmp(part, ".") == 0)
            return -EXDEV;
        bool is_last = path[length] == '\0';
        int next = openat(folder, part,
                          (is_last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return -errno;
        if (is_last)
            return next;
        close(folder);
        folder = next;
        path += length + 1;
    }
    return -errno;
}

int tree_open_beneath(int root_fd, const char *path, int flags)
{
    struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
                            .resolve =
                                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
    long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
    if (fd >= 0)
        return (int)fd;
    if (errno == ENOSYS || errno == EPERM || errno == E2BIG)
        return open_beneath_by_steps(root_fd, path, flags);
    return -errno;
}

/* A single file: the root is its folder, the prefix empty, the name the only path. */
static int tree_open_single(const char *real, struct stint_artifact_tree *tree,
                            struct stint_error *err)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", real);
    char *last = strrchr(folder, '/');
    assert(last);
    if (strlen(last + 1) >= sizeof(tree->name))
        return stint_fail(err, STINT_UNTRUSTED, "%s: file name too long", real);
    memcpy(tree->name, last + 1, strlen(last + 1) + 1);
    last[last == folder] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return stint_fail(err, -errno, "%s: %s", folder, strerror(errno));
    tree->fd = fd;
    tree->is_file = true;
    return 0;
}

/* A copy in the daemon's store, "…/sha256-<hex>/files", of what was a part: see transfer.c. */
static bool tree_is_partial_copy(const char *real, int fd)
{
    struct stat st;
    size_t length = strlen(real);
    const char *name = real + length - (sizeof("/files") - 1);
    const char *folder = name - 2 * STINT_SHA256_BYTES;
    return length > 2 * STINT_SHA256_BYTES + sizeof("/sha256-/files") - 2 &&
           strcmp(name, "/files") == 0 && strncmp(folder - 8, "/sha256-", 8) == 0 &&
           fstatat(fd, "../" STORE_PARTIAL, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int stint_artifact_tree_open(const char *path, struct stint_artifact_tree *ret_tree,
                             struct stint_error *err)
{
    struct stint_artifact_tree tree = { .fd = -1 };
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(path, real) || stat(real, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? stint_fail(err, STINT_NOT_FOUND, "%s: no such file or folder", path)
                   : stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (S_ISREG(st.st_mode)) {
        int r = tree_open_single(real, &tree, err);
        if (r == 0)
            *ret_tree = tree;
        return r;
    }
    if (!S_ISDIR(st.st_mode))
        return stint_fail(err, STINT_UNTRUSTED, "%s: neither a folder nor a regular file", path);
    tree.fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree.fd < 0)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    const char *last = strrchr(real, '/');
    tree_printable(last && last[1] ? last + 1 : real, tree.name, sizeof(tree.name));
    tree.is_hub_cache = hub_cache_enter(real, &tree);
    tree.is_partial = tree.is_hub_cache || tree_is_partial_copy(real, tree.fd);
    *ret_tree = tree;
    return 0;
}

void stint_artifact_tree_close(struct stint_artifact_tree *tree)
{
    if (tree && tree->fd >= 0)
        close(tree->fd);
    if (tree)
        tree->fd = -1;
}

void stint_artifact_manifest_deinit(struct stint_artifact_manifest *manifest)
{
    if (!manifest)
        return;
    for (size_t i = 0; i < manifest->file_count; i++) {
        free(manifest->files[i].path);
        free(manifest->files[i].target);
    }
    free(manifest->files);
    memset(manifest, 0, sizeof(*manifest));
}

static int64_t time_ns(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void tree_identity(const struct stat *st, struct stint_artifact_file *file)
{
    file->size = (uint64_t)st->st_size;
    file->mtime_ns = time_ns(st->st_mtim);
    file->ctime_ns = time_ns(st->st_ctim);
    file->inode = st->st_ino;
    file->device = st->st_dev;
}

bool tree_identity_equal(const struct stint_artifact_file *a, const struct stint_artifact_file *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
           a->inode == b->inode && a->device == b->device;
}

int tree_manifest_append(struct stint_artifact_manifest *manifest,
                         const struct stint_artifact_file *file)
{
    if (manifest->file_count == manifest->file_capacity) {
        size_t capacity = manifest->file_capacity ? manifest->file_capacity * 2 : 32;
        struct stint_artifact_file *files = realloc(manifest->files, capacity * sizeof(*files));
        if (!files)
            return -ENOMEM;
        manifest->files = files;
        manifest->file_capacity = capacity;
    }
    struct stint_artifact_file *row = &manifest->files[manifest->file_count];
    *row = *file;
    row->path = strdup(file->path);
    row->target = file->target ? strdup(file->target) : NULL;
    if (!row->path || (file->target && !row->target)) {
        free(row->path);
        free(row->target);
        return -ENOMEM;
    }
    manifest->file_count++;
    manifest->total_bytes += row->size;
    return 0;
}

struct walk {
    const struct stint_artifact_tree *tree;
    struct stint_artifact_manifest *manifest;
    char path[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    size_t depth;
};

static bool walk_is_full(const struct walk *walk)
{
    return walk->manifest->file_count >= STINT_ARTIFACT_FILES_MAX ||
           walk->manifest->total_bytes > STINT_ARTIFACT_BYTES_MAX;
}

static int walk_file(struct walk *walk, const struct stat *st, char *target)
{
    struct stint_artifact_file file = { .path = walk->path, .target = target };
    if (walk->manifest->file_count >= STINT_ARTIFACT_FILES_MAX) {
        tree_trouble(walk->manifest, STINT_TROUBLE_COUNT, walk->path);
        return 0;
    }
    tree_identity(st, &file);
    if (file.size > STINT_ARTIFACT_BYTES_MAX - walk->manifest->total_bytes) {
        tree_trouble(walk->manifest, STINT_TROUBLE_BYTES, walk->path);
        return 0;
    }
    return tree_manifest_append(walk->manifest, &file);
}

static int walk_link(struct walk *walk, int folder_fd, const char *name)
{
    char link[PATH_MAX];
    char target[80];
    struct stat st;
    ssize_t length = readlinkat(folder_fd, name, link, sizeof(link) - 1);
    if (length < 0) {
        tree_trouble(walk->manifest, STINT_TROUBLE_UNREADABLE, walk->path);
        return 0;
    }
    link[length] = '\0';
    if (!walk->tree->is_hub_cache) {
        bool is_out = link[0] == '/' || strstr(link, "..") != NULL;
        tree_trouble(walk->manifest, is_out ? STINT_TROUBLE_LINK_OUT : STINT_TROUBLE_LINK,
                     walk->path);
        return 0;
    }
    if (!hub_cache_target(walk->path, link, target)) {
        tree_trouble(walk->manifest, STINT_TROUBLE_LINK_OUT, walk->path);
        return 0;
    }
    stint_auto(stint_fd) int fd =
        tree_open_beneath(walk->tree->fd, target, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        tree_trouble(walk->manifest, STINT_TROUBLE_UNREADABLE, walk->path);
        return 0;
    }
    return walk_file(walk, &st, target);
}

static int walk_folder(struct walk *walk, int folder_fd, size_t length);

static int walk_entry(struct walk *walk, int folder_fd, const char *name, size_t length)
{
    struct stat st;
    if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        tree_trouble(walk->manifest, STINT_TROUBLE_UNREADABLE, walk->path);
        return 0;
    }
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return walk_file(walk, &st, NULL);
    case S_IFLNK:
        return walk_link(walk, folder_fd, name);
    case S_IFDIR:
        break;
    default:
        tree_trouble(walk->manifest,
                     S_ISFIFO(st.st_mode)   ? STINT_TROUBLE_FIFO
                     : S_ISSOCK(st.st_mode) ? STINT_TROUBLE_SOCKET
                                            : STINT_TROUBLE_DEVICE,
                     walk->path);
        return 0;
    }
    if (walk->depth >= STINT_ARTIFACT_DEPTH_MAX) {
        tree_trouble(walk->manifest, STINT_TROUBLE_DEPTH, walk->path);
        return 0;
    }
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        tree_trouble(walk->manifest, STINT_TROUBLE_UNREADABLE, walk->path);
        return 0;
    }
    return walk_folder(walk, fd, length);
}

/* Takes over @folder_fd. @length: bytes of walk->path that name this folder, without a slash. */
static int walk_folder(struct walk *walk, int folder_fd, size_t length)
{
    DIR *folder = fdopendir(folder_fd);
    if (!folder) {
        int r = -errno;
        close(folder_fd);
        return r;
    }
    int r = 0;
    walk->depth++;
    for (struct dirent *entry; r == 0 && !walk_is_full(walk) && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int more = snprintf(walk->path + length, sizeof(walk->path) - length, "%s%s",
                            length > 0 ? "/" : "", entry->d_name);
        size_t whole = length + (size_t)more;
        if (whole >= sizeof(walk->path) || !tree_name_is_plain(entry->d_name))
            tree_trouble(walk->manifest, STINT_TROUBLE_NAME, walk->path);
        else
            r = walk_entry(walk, dirfd(folder), entry->d_name, whole);
        walk->path[length] = '\0';
    }
    walk->depth--;
    closedir(folder);
    return r;
}

static int file_compare(const void *a, const void *b)
{
    const struct stint_artifact_file *left = a;
    const struct stint_artifact_file *right = b;
    return strcmp(left->path, right->path);
}

static int tree_list_single(const struct stint_artifact_tree *tree,
                            struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    struct walk walk = { .tree = tree, .manifest = manifest };
    struct stat st;
    manifest->is_file = true;
    (void)snprintf(walk.path, sizeof(walk.path), "%s", tree->name);
    if (!tree_name_is_plain(tree->name)) {
        tree_trouble(manifest, STINT_TROUBLE_NAME, tree->name);
        return 0;
    }
    if (fstatat(tree->fd, tree->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return stint_fail(err, -errno, "%s: %s", tree->name, strerror(errno));
    if (!S_ISREG(st.st_mode)) {
        tree_trouble(manifest, STINT_TROUBLE_DEVICE, tree->name);
        return 0;
    }
    return walk_file(&walk, &st, NULL);
}

int stint_artifact_tree_list(const struct stint_artifact_tree *tree,
                             struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    if (tree->is_file)
        return tree_list_single(tree, manifest, err);
    struct walk walk = { .tree = tree, .manifest = manifest };
    manifest->is_hub_cache = tree->is_hub_cache;
    manifest->is_partial = tree->is_partial;
    char start[sizeof(tree->prefix)] = ".";
    if (tree->prefix[0]) {
        memcpy(start, tree->prefix, sizeof(start));
        start[strlen(start) - 1] = '\0';
    }
    int fd = tree_open_beneath(tree->fd, start, O_RDONLY | O_DIRECTORY);
    if (fd == -ENOENT && tree->is_hub_cache) {
        (void)stint_fail(err, STINT_NOT_FOUND, "%s: %s is not in the cache", tree->name, start);
        return stint_fix(err, STINT_NOT_FOUND, "download that revision, or name a snapshot's path");
    }
    if (fd < 0)
        return stint_fail(err, fd, "%s: %s", tree->name, strerror(-fd));
    int r = walk_folder(&walk, fd, 0);
    if (r != 0)
        return stint_fail(err, r, "%s: %s", tree->name, strerror(-r));
    if (walk_is_full(&walk))
        tree_trouble(manifest, STINT_TROUBLE_COUNT, "");
    if (manifest->file_count > 0)
        qsort(manifest->files, manifest->file_count, sizeof(*manifest->files), file_compare);
    return 0;
}

int stint_artifact_tree_open_file(const struct stint_artifact_tree *tree,
                                  const struct stint_artifact_manifest *manifest, size_t index)
{
    const struct stint_artifact_file *file = &manifest->files[index];
    struct stint_artifact_file now = { 0 };
    struct stat st;
    char path[sizeof(tree->prefix) + STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    (void)snprintf(path, sizeof(path), "%s%s", file->target ? "" : tree->prefix,
                   file->target ? file->target : file->path);
    stint_auto(stint_fd) int fd =
        tree_open_beneath(tree->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) != 0)
        return -errno;
    tree_identity(&st, &now);
    if (!S_ISREG(st.st_mode) || !tree_identity_equal(&now, file))
        return -ESTALE;
    return stint_take_fd(fd);
}
