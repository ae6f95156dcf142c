/* Owns: the passing of an artefact's files from their owner to the daemon's store. The owner's side
 * opens (as that user) and sends descriptors; the daemon's side never sees a path it would open
 * itself, believes nothing but the bytes it copied, and names the copy by what it hashed.
 *
 * Wire: head { "STINTOF1", u32 count, u32 what }, then for each file { u32 path_length, u64 size,
 * path } with one descriptor on the first byte of the record. Host byte order: both ends are one
 * machine. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "evaluator/tree.h"
#include "stint/auto.h"

static const char offer_magic[8] = { 'S', 'T', 'I', 'N', 'T', 'O', 'F', '1' };

enum offer_what { OFFER_IS_FILE = 1, OFFER_IS_PARTIAL = 2 };
struct offer_head {
    char magic[8];
    uint32_t count;
    uint32_t what;
};
struct offer_file {
    uint64_t size;
    uint32_t path_length;
    uint32_t zero;
};

static int send_all(int socket_fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(socket_fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return sent < 0 ? -errno : -EPIPE;
        at += sent;
        length -= (size_t)sent;
    }
    return 0;
}

/* The record of one file; the descriptor rides on its first byte. */
static int send_file(int socket_fd, int fd, const struct stint_artifact_file *file)
{
    struct offer_file record = { .size = file->size, .path_length = (uint32_t)strlen(file->path) };
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { .iov_base = &record, .iov_len = sizeof(record) };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control.bytes) };
    memset(&control, 0, sizeof(control));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    ssize_t sent;
    do
        sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent <= 0)
        return sent < 0 ? -errno : -EPIPE;
    int r = send_all(socket_fd, (const char *)&record + sent, sizeof(record) - (size_t)sent);
    return r != 0 ? r : send_all(socket_fd, file->path, record.path_length);
}

static int offer_tree(int socket_fd, const struct stint_artifact_tree *tree,
                      struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    int r = stint_artifact_tree_list(tree, manifest, err);
    if (r != 0)
        return r;
    if (manifest->trouble_count > 0)
        return stint_fail(err, STINT_UNTRUSTED, "%s: %s", manifest->troubles[0].path,
                          stint_trouble_words(manifest->troubles[0].kind));
    struct offer_head head = { .count = (uint32_t)manifest->file_count,
                               .what = (manifest->is_file ? OFFER_IS_FILE : 0U) |
                                       (manifest->is_partial ? OFFER_IS_PARTIAL : 0U) };
    memcpy(head.magic, offer_magic, sizeof(head.magic));
    r = send_all(socket_fd, &head, sizeof(head));
    for (size_t i = 0; r == 0 && i < manifest->file_count; i++) {
        stint_auto(stint_fd) int fd = stint_artifact_tree_open_file(tree, manifest, i);
        r = fd < 0 ? fd : send_file(socket_fd, fd, &manifest->files[i]);
    }
    return r == 0 ? 0 : stint_fail(err, r, "offer: %s", strerror(-r));
}

int stint_artifact_offer(int socket_fd, const char *path, struct stint_error *err)
{
    struct stint_artifact_tree tree;
    struct stint_artifact_manifest manifest = { 0 };
    int r = stint_artifact_tree_open(path, &tree, err);
    if (r != 0)
        return r;
    r = offer_tree(socket_fd, &tree, &manifest, err);
    stint_artifact_manifest_deinit(&manifest);
    stint_artifact_tree_close(&tree);
    return r;
}

/* Reads exactly @length bytes; *ret_fd (when asked) is the one descriptor that came with them, -1
 * for none. Descriptors beyond one are closed: they are not part of the protocol. */
static int receive_all(int socket_fd, void *bytes, size_t length, int *ret_fd)
{
    char *at = bytes;
    if (ret_fd)
        *ret_fd = -1;
    while (length > 0) {
        union {
            struct cmsghdr head;
            char bytes[CMSG_SPACE(4 * sizeof(int))];
        } control;
        struct iovec part = { .iov_base = at, .iov_len = length };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof(control.bytes) };
        ssize_t got = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR)
            continue;
        for (struct cmsghdr *head = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL; head;
             head = CMSG_NXTHDR(&message, head)) {
            if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
                continue;
            size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
                if (ret_fd && *ret_fd < 0)
                    *ret_fd = fd;
                else
                    close(fd);
            }
        }
        if (got <= 0)
            return got < 0 ? -errno : -EPIPE;
        at += got;
        length -= (size_t)got;
    }
    return 0;
}

/* Creates the folders of @path below @root_fd and opens the last one; -errno. */
static int make_folders(int root_fd, const char *path)
{
    char part[256];
    stint_auto(stint_fd) int folder = dup(root_fd);
    for (const char *slash; folder >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdirat(folder, part, 0700) != 0 && errno != EEXIST)
            return -errno;
        int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return -errno;
        close(folder);
        folder = next;
    }
    return folder < 0 ? -errno : stint_take_fd(folder);
}

/* @size bytes of @from into @to: shared blocks, a copy inside the kernel, or through memory. */
static int copy_bytes(int from, int to, uint64_t size)
{
    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    uint64_t left = size;
    while (left > 0) {
        ssize_t copied =
            copy_file_range(from, NULL, to, NULL, left > INT32_MAX ? INT32_MAX : left, 0);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0 && left == size)
            break; /* not between these file systems */
        if (copied <= 0)
            return copied < 0 ? -errno : -ESTALE;
        left -= (uint64_t)copied;
    }
    stint_auto(stint_free) char *block = left > 0 ? malloc((size_t)1 << 20) : NULL;
    if (left > 0 && !block)
        return -ENOMEM;
    while (left > 0) {
        ssize_t got = read(from, block, left < (1U << 20) ? left : (size_t)1 << 20);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ESTALE;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, block + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                return -errno;
            done += put > 0 ? put : 0;
        }
        left -= (uint64_t)got;
    }
    return 0;
}

/* Copies one offered file and hashes the copy: what the store holds is what the digest names. */
static int store_file(int files_fd, int from, struct stint_artifact_file *file)
{
    struct stat st;
    const char *last = strrchr(file->path, '/');
    stint_auto(stint_fd) int folder = make_folders(files_fd, file->path);
    if (folder < 0)
        return folder;
    if (fstat(from, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
        return -ESTALE;
    if ((fcntl(from, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    stint_auto(stint_fd) int to = openat(folder, last ? last + 1 : file->path,
                                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (to < 0)
        return -errno;
    if (lseek(from, 0, SEEK_SET) < 0)
        return -errno;
    int r = copy_bytes(from, to, file->size);
    if (r != 0)
        return r;
    if (fchmod(to, 0444) != 0 || fsync(to) != 0 || lseek(to, 0, SEEK_SET) < 0 ||
        fstat(to, &st) != 0)
        return -errno;
    /* Shared blocks follow the source, which its owner may have let grow meanwhile. */
    if ((uint64_t)st.st_size != file->size)
        return -ESTALE;
    tree_identity(&st, file);
    return tree_hash_file(to, file);
}

static int receive_file(int socket_fd, int files_fd, uint64_t bytes_max,
                        struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    struct offer_file record;
    char path[STINT_ARTIFACT_PATH_BYTES_MAX + 1];
    int fd;
    int r = receive_all(socket_fd, &record, sizeof(record), &fd);
    stint_auto(stint_fd) int from = fd;
    if (r != 0)
        return stint_fail(err, r, "receive: %s", strerror(-r));
    if (from < 0 || record.zero != 0 || record.path_length == 0 ||
        record.path_length > STINT_ARTIFACT_PATH_BYTES_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "receive: malformed record");
    r = receive_all(socket_fd, path, record.path_length, NULL);
    if (r != 0)
        return stint_fail(err, r, "receive: %s", strerror(-r));
    path[record.path_length] = '\0';
    size_t count = manifest->file_count;
    if (strlen(path) != record.path_length || !manifest_path_is_safe(path) ||
        (count > 0 && strcmp(manifest->files[count - 1].path, path) >= 0))
        return stint_fail(err, STINT_UNTRUSTED, "receive: unsafe or unsorted path");
    if (record.size > bytes_max - manifest->total_bytes)
        return stint_fail(err, STINT_TOO_LARGE, "artefact of more than %" PRIu64 " bytes",
                          bytes_max);
    struct stint_artifact_file file = { .path = path, .size = record.size };
    r = store_file(files_fd, from, &file);
    if (r == -ESTALE)
        return stint_fail(err, STINT_UNTRUSTED, "%s changed while it was copied", path);
    if (r == 0)
        r = tree_manifest_append(manifest, &file);
    return r == 0 ? 0 : stint_fail(err, r, "%s: %s", path, strerror(-r));
}

/* Everything below @name in @folder_fd, which only ever held what store_file() made. */
static void remove_tree(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        (void)unlinkat(folder_fd, name, 0);
        return;
    }
    (void)fchmod(fd, 0700);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) != 0)
            remove_tree(fd, entry->d_name); /* depth is bounded by what we stored */
    }
    closedir(folder);
    (void)unlinkat(folder_fd, name, AT_REMOVEDIR);
}

/* Folders read-only, so that nobody adds a file beside the hashed ones by accident. */
static void seal_folders(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            seal_folders(fd, entry->d_name);
    (void)fsync(fd);
    (void)fchmod(fd, 0555);
    closedir(folder);
}

static int write_manifest(int folder_fd, const struct stint_artifact_manifest *manifest)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_artifact_manifest_json(manifest, &text);
    if (text.failed)
        return -ENOMEM;
    stint_auto(stint_fd) int fd =
        openat(folder_fd, "manifest.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0)
        return -errno;
    for (size_t done = 0; done < text.length;) {
        ssize_t put = write(fd, text.data + done, text.length - done);
        if (put < 0 && errno != EINTR)
            return -errno;
        done += put > 0 ? (size_t)put : 0;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

/* Absence counts in a complete snapshot only, and the copy of a part looks like one. */
static int mark_partial(int folder_fd)
{
    stint_auto(stint_fd) int fd =
        openat(folder_fd, STORE_PARTIAL, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    return fd < 0 ? -errno : fsync(fd) == 0 ? 0 : -errno;
}

/* The same bytes came from a folder that is no part of one: then that is all there is. */
static int unmark_partial(int store_dir_fd, const char *name)
{
    stint_auto(stint_fd) int fd =
        openat(store_dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (faccessat(fd, STORE_PARTIAL, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    (void)fchmod(fd, 0755);
    int r = unlinkat(fd, STORE_PARTIAL, 0) == 0 && fsync(fd) == 0 ? 0 : -errno;
    (void)fchmod(fd, 0555);
    return r;
}

static int receive_into(int socket_fd, int folder_fd, uint64_t bytes_max,
                        struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    struct offer_head head;
    int r = receive_all(socket_fd, &head, sizeof(head), NULL);
    if (r != 0)
        return stint_fail(err, r, "receive: %s", strerror(-r));
    if (memcmp(head.magic, offer_magic, sizeof(head.magic)) != 0 ||
        head.count > STINT_ARTIFACT_FILES_MAX || head.what > (OFFER_IS_FILE | OFFER_IS_PARTIAL))
        return stint_fail(err, STINT_UNTRUSTED, "receive: not an offer of an artefact");
    manifest->is_file = (head.what & OFFER_IS_FILE) != 0;
    manifest->is_partial = (head.what & OFFER_IS_PARTIAL) != 0;
    if (mkdirat(folder_fd, "files", 0700) != 0)
        return stint_fail(err, -errno, "store: %s", strerror(errno));
    stint_auto(stint_fd) int files_fd =
        openat(folder_fd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files_fd < 0)
        return stint_fail(err, -errno, "store: %s", strerror(errno));
    for (uint32_t i = 0; r == 0 && i < head.count; i++)
        r = receive_file(socket_fd, files_fd, bytes_max, manifest, err);
    if (r != 0)
        return r;
    stint_artifact_manifest_seal(manifest);
    r = manifest->has_digest ? write_manifest(folder_fd, manifest) : -ENOMEM;
    if (r == 0 && manifest->is_partial)
        r = mark_partial(folder_fd);
    return r == 0 ? 0 : stint_fail(err, r, "store: %s", strerror(-r));
}

/* The copy that is kept is the older one: its stat identities are what later checks compare with.
 */
static int take_identities(int store_dir_fd, const char *name,
                           struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    struct stint_artifact_tree tree = { .fd = -1 };
    struct stint_artifact_manifest kept = { 0 };
    char path[8 + STINT_SHA256_HEX + sizeof("/files")];
    (void)snprintf(path, sizeof(path), "%s/files", name);
    tree.fd = tree_open_beneath(store_dir_fd, path, O_RDONLY | O_DIRECTORY);
    if (tree.fd < 0)
        return stint_fail(err, tree.fd, "store: %s: %s", name, strerror(-tree.fd));
    int r = stint_artifact_tree_list(&tree, &kept, err);
    stint_artifact_tree_close(&tree);
    if (r == 0 && kept.file_count != manifest->file_count)
        r = stint_fail(err, -EIO, "store: %s is damaged", name);
    assert(r != 0 || kept.file_count == 0 || manifest->files);
    for (size_t i = 0; r == 0 && i < kept.file_count; i++) {
        struct stint_artifact_file *file = &manifest->files[i];
        if (strcmp(kept.files[i].path, file->path) != 0 || kept.files[i].size != file->size)
            r = stint_fail(err, -EIO, "store: %s is damaged", name);
        file->mtime_ns = kept.files[i].mtime_ns;
        file->ctime_ns = kept.files[i].ctime_ns;
        file->inode = kept.files[i].inode;
        file->device = kept.files[i].device;
    }
    stint_artifact_manifest_deinit(&kept);
    return r;
}

/* Gives the finished copy its name; one that is there already holds the same bytes. */
static int receive_publish(int store_dir_fd, const char *temporary,
                           struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    char name[8 + STINT_SHA256_HEX] = "sha256-";
    struct stat st;
    stint_sha256_hex(&manifest->digest, name + 7);
    if (renameat2(store_dir_fd, temporary, store_dir_fd, name, RENAME_NOREPLACE) == 0) {
        seal_folders(store_dir_fd, name);
        return fsync(store_dir_fd) == 0 ? 0 : stint_fail(err, -errno, "store: %s", strerror(errno));
    }
    int fault = errno;
    if (fault == EEXIST && fstatat(store_dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        remove_tree(store_dir_fd, temporary);
        int r = manifest->is_partial ? 0 : unmark_partial(store_dir_fd, name);
        return r == 0 ? take_identities(store_dir_fd, name, manifest, err)
                      : stint_fail(err, r, "store: %s: %s", name, strerror(-r));
    }
    return stint_fail(err, -fault, "store: %s", strerror(fault));
}

int stint_artifact_receive(int socket_fd, int store_dir_fd, uint64_t bytes_max,
                           struct stint_artifact_manifest *ret_manifest, struct stint_error *err)
{
    static atomic_uint serial;
    char temporary[64];
    struct stint_artifact_manifest manifest = { 0 };
    if (bytes_max == 0 || bytes_max > STINT_ARTIFACT_BYTES_MAX)
        bytes_max = STINT_ARTIFACT_BYTES_MAX;
    (void)snprintf(temporary, sizeof(temporary), ".incoming-%ld-%u", (long)getpid(),
                   atomic_fetch_add(&serial, 1));
    if (mkdirat(store_dir_fd, temporary, 0700) != 0 && errno == EEXIST) {
        remove_tree(store_dir_fd, temporary); /* an earlier daemon with our process id died */
        (void)mkdirat(store_dir_fd, temporary, 0700);
    }
    stint_auto(stint_fd) int fd =
        openat(store_dir_fd, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return stint_fail(err, -errno, "store: %s", strerror(errno));
    int r = receive_into(socket_fd, fd, bytes_max, &manifest, err);
    if (r == 0)
        r = receive_publish(store_dir_fd, temporary, &manifest, err);
    if (r != 0) {
        remove_tree(store_dir_fd, temporary);
        stint_artifact_manifest_deinit(&manifest);
        return r;
    }
    *ret_manifest = manifest;
    return 0;
}

int stint_artifact_store_remove(int store_dir_fd, const struct stint_sha256 *digest,
                                struct stint_error *err)
{
    char name[8 + STINT_SHA256_HEX] = "sha256-";
    struct stat st;
    stint_sha256_hex(digest, name + 7);
    if (fstatat(store_dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return stint_fail(err, errno == ENOENT ? STINT_NOT_FOUND : -errno, "store: no %s", name);
    remove_tree(store_dir_fd, name);
    if (fstatat(store_dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return stint_fail(err, -EBUSY, "store: %s is not empty", name);
    return 0;
}
