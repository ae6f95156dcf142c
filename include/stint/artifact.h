/* An artefact on disk: a model, data set or code tree, as a list of files below a root that nothing
 * can lead out of, with one digest over all of them (no file is ignored), and the passing of its
 * files from the user who owns them to the daemon's own store. Runs in the evaluation child, in the
 * CLI and in worker threads; never on the loop. */
#ifndef STINT_ARTIFACT_H
#define STINT_ARTIFACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/error.h"

/* Bounds of one artefact. */
#define STINT_ARTIFACT_FILES_MAX      100000
#define STINT_ARTIFACT_DEPTH_MAX      32
#define STINT_ARTIFACT_PATH_BYTES_MAX 1024
#define STINT_ARTIFACT_BYTES_MAX      ((uint64_t)64 << 40)

/**
 * struct stint_artifact_file - one regular file
 * @path: relative to the root, '/' between parts, no "." or "..", valid UTF-8 without control
 * characters
 * @size, @sha256: of the bytes that were hashed
 * @mtime_ns, @ctime_ns, @inode, @device: stat identity when it was hashed; while all of them and
 * @size are unchanged the bytes are taken to be unchanged (ctime cannot be set by a user)
 * @is_pointer: an LFS pointer: it names content that is not here
 * @target: for the hub cache layout: the blob it links to, relative to the root's cache folder;
 * NULL for plain files
 */
struct stint_artifact_file {
    char *path;
    char *target;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint64_t inode;
    uint64_t device;
    struct stint_sha256 sha256;
    bool has_sha256;
    bool is_pointer;
};

/* What is in a tree but cannot be part of an artefact. Each makes the artefact refused. */
#define STINT_ARTIFACT_TROUBLES(X)                                                                 \
    X(STINT_TROUBLE_LINK_OUT, "link-out", "a symbolic link that leads out of the tree")            \
    X(STINT_TROUBLE_LINK, "link", "a symbolic link; put the file itself in its place")             \
    X(STINT_TROUBLE_FIFO, "fifo", "a named pipe")                                                  \
    X(STINT_TROUBLE_DEVICE, "device", "a device file")                                             \
    X(STINT_TROUBLE_SOCKET, "socket", "a socket")                                                  \
    X(STINT_TROUBLE_NAME, "name", "a file name that is not UTF-8 or holds control characters")     \
    X(STINT_TROUBLE_DEPTH, "depth", "folders nested too deep")                                     \
    X(STINT_TROUBLE_COUNT, "count", "too many files")                                              \
    X(STINT_TROUBLE_BYTES, "bytes", "too many bytes")                                              \
    X(STINT_TROUBLE_UNREADABLE, "unreadable", "a file or folder that cannot be read")              \
    X(STINT_TROUBLE_CHANGED, "changed", "a file that changed while it was read")                   \
    X(STINT_TROUBLE_BLOB, "blob", "a cache blob whose name is not the hash of its bytes")
enum stint_artifact_trouble_kind {
    STINT_TROUBLE_NONE = 0,
#define X(name, wire, words) name,
    STINT_ARTIFACT_TROUBLES(X)
#undef X
        STINT_TROUBLE_KIND_COUNT
};
const char *stint_trouble_name(enum stint_artifact_trouble_kind kind);
const char *stint_trouble_words(enum stint_artifact_trouble_kind kind);

struct stint_artifact_trouble {
    enum stint_artifact_trouble_kind kind;
    char path[256]; /* cut, made printable */
};
#define STINT_ARTIFACT_TROUBLE_MAX 32 /* further ones are counted */

/**
 * struct stint_artifact_manifest - the files of an artefact, sorted by path (bytewise)
 * @digest: sha256 over one line a file, in order: "<64 hex of sha256> <size> <path>\n", after the
 * line "stint.artifact/1\n"
 * @total_bytes: sum of sizes
 * @is_file: the root was a single file (then one entry, its own name)
 * @is_hub_cache: a hub cache snapshot: links to blobs of the same repository are its files
 * @is_partial: there may be files of its revision that are not here: a hub cache snapshot, or the
 * store's copy of one; not part of its text
 * Zero-initialised to start; owned by whoever filled it.
 */
struct stint_artifact_manifest {
    struct stint_artifact_file *files;
    size_t file_count;
    size_t file_capacity;
    uint64_t total_bytes;
    struct stint_sha256 digest;
    bool has_digest;
    bool is_file;
    bool is_hub_cache;
    bool is_partial;
    struct stint_artifact_trouble troubles[STINT_ARTIFACT_TROUBLE_MAX];
    size_t trouble_count; /* may exceed the array */
};
void stint_artifact_manifest_deinit(struct stint_artifact_manifest *manifest);
static inline __attribute__((unused)) void stint_artifact_manifest_deinit_auto(
    struct stint_artifact_manifest *manifest)
{
    stint_artifact_manifest_deinit(manifest);
}

/**
 * struct stint_artifact_tree - an open root; every file is opened beneath it
 * @fd: the folder the paths are below (the snapshot's repository folder for a hub cache)
 * @prefix: what to put before a manifest path ("snapshots/<commit>/"), "" mostly
 * Opened without following a link in any component (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
 * or component by component with O_NOFOLLOW where the kernel has no openat2).
 */
struct stint_artifact_tree {
    int fd;
    char prefix[160];
    char name[256]; /* last part of the path given, printable */
    bool is_file;
    bool is_hub_cache;
    bool is_partial;
};

/**
 * stint_artifact_tree_open() - open the root of an artefact
 * @path: a folder or a regular file. The path itself may go through links (it is the caller's own
 * word); nothing below it may.
 * Return: 0, STINT_NOT_FOUND, STINT_UNTRUSTED (neither folder nor regular file), or -errno.
 */
int stint_artifact_tree_open(const char *path, struct stint_artifact_tree *ret_tree,
                             struct stint_error *err);
void stint_artifact_tree_close(struct stint_artifact_tree *tree);

/* List every file with its stat identity; fills troubles instead of failing. Reads no content.
 * 0, -ENOMEM or -errno of the root itself. */
int stint_artifact_tree_list(const struct stint_artifact_tree *tree,
                             struct stint_artifact_manifest *manifest, struct stint_error *err);
/* A read-only descriptor of manifest file @index, checked against its identity; -errno. */
int stint_artifact_tree_open_file(const struct stint_artifact_tree *tree,
                                  const struct stint_artifact_manifest *manifest, size_t index);

/* Called from the hashing threads now and then; may be NULL. */
typedef void (*stint_artifact_progress_fn)(void *context, uint64_t done_bytes,
                                           uint64_t total_bytes);
/**
 * stint_artifact_hash() - hash every file and set the digest
 * @thread_count: 0 for as many as there are processors, at most 16
 * A file that changes while it is read is a trouble (STINT_TROUBLE_CHANGED). Cost: one read of all
 * bytes.
 * Return: 0, -ENOMEM, -EIO.
 */
int stint_artifact_hash(const struct stint_artifact_tree *tree,
                        struct stint_artifact_manifest *manifest, unsigned thread_count,
                        stint_artifact_progress_fn progress, void *context,
                        struct stint_error *err);
/* The digest over entries that are all hashed; what stint_artifact_hash() ends with. */
void stint_artifact_manifest_seal(struct stint_artifact_manifest *manifest);

/* {"digest","files":N,"bytes":N,"is_file","is_hub_cache","list":[{"path","size","sha256",
 * "identity":"<mtime_ns>:<ctime_ns>:<inode>:<device>" in hexadecimal,"target"?,"is_pointer"?}]} */
void stint_artifact_manifest_json(const struct stint_artifact_manifest *manifest,
                                  struct stint_buffer *buffer);
/* Reads that text back, whole and bounded, and checks that the digest follows from the list.
 * 0, -ENOMEM, STINT_INVALID, STINT_TOO_LARGE. */
int stint_artifact_manifest_parse(const char *json, size_t length,
                                  struct stint_artifact_manifest *manifest,
                                  struct stint_error *err);

enum stint_recheck_result {
    STINT_RECHECK_UNCHANGED = 1,
    STINT_RECHECK_CHANGED,
    STINT_RECHECK_MISSING
};
/**
 * stint_artifact_recheck() - are the bytes below @path still those of @manifest?
 * Lists the tree again and compares stat identities; only files whose identity differs are hashed
 * again. A new file, a lost file and other bytes are all changes. @ret_path names the first, ""
 * when unchanged. Return: 0, -ENOMEM, -errno. Cost: one stat a file when nothing changed.
 */
int stint_artifact_recheck(const char *path, const struct stint_artifact_manifest *manifest,
                           enum stint_recheck_result *ret_result, char ret_path[256],
                           struct stint_error *err);

/* One digest over path, size and stat identity (times, inode, device) of every file of @manifest:
 * while it is the same, nobody wrote to any of them, for only root can set a change time back. */
void stint_artifact_manifest_identity(const struct stint_artifact_manifest *manifest,
                                      struct stint_sha256 *ret_identity);
/* The same of what lies at @path now. 0; STINT_NOT_FOUND; STINT_UNTRUSTED for a tree with troubles;
 * -ENOMEM, -errno. Cost: one stat a file. */
int stint_artifact_identity(const char *path, struct stint_sha256 *ret_identity,
                            struct stint_error *err);

/**
 * stint_artifact_offer() - pass read-only descriptors of all files over a Unix stream socket
 * Runs as the owner of the files. Sends a head (magic, count, bytes), then for each file its path,
 * size and one descriptor (SCM_RIGHTS). Blocks as long as the receiver does.
 * Return: 0, STINT_UNTRUSTED when the tree has troubles, -errno.
 */
int stint_artifact_offer(int socket_fd, const char *path, struct stint_error *err);

/**
 * stint_artifact_receive() - copy what an offer passes into the store (a worker thread's work)
 * @socket_fd: the other end; every byte from it is checked and bounded
 * @store_dir_fd: the store's folder; files are written below a private temporary name there, hashed
 * while they are copied (FICLONE where the file system can, then hashed from the copy; else
 * copy_file_range or read and write), set read-only, synced, and the folder is renamed to
 * "sha256-<hex>" in one step. If that exists already the copy is dropped: same digest, same bytes.
 * @bytes_max: refuse larger artefacts (STINT_TOO_LARGE); 0 for STINT_ARTIFACT_BYTES_MAX
 * @ret_manifest: identities are those of the copies; zero-initialised by the caller
 * Nothing of a failed receive stays in the store.
 * Return: 0, STINT_TOO_LARGE, STINT_UNTRUSTED, -ENOMEM, -ENOSPC, -EIO …
 * Layout: <store>/sha256-<hex>/files/<path> and <store>/sha256-<hex>/manifest.json; beside them an
 * empty file "partial" when all that was ever copied was a hub cache's snapshot
 */
int stint_artifact_receive(int socket_fd, int store_dir_fd, uint64_t bytes_max,
                           struct stint_artifact_manifest *ret_manifest, struct stint_error *err);

/* Remove a stored artefact again ("sha256-<hex>"). 0, STINT_NOT_FOUND, -errno. */
int stint_artifact_store_remove(int store_dir_fd, const struct stint_sha256 *digest,
                                struct stint_error *err);

#endif
