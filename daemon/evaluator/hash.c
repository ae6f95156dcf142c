/* Owns: hashing the files of an artefact with a few threads, and the digest over the whole. One
 * thread a file at a time, the largest first: a large model is many shards, and Nettle hashes a
 * shard as fast as a disk reads it (1.2 GB/s with the processor's SHA instructions). SHA-256 is a
 * chain, so that a single large file takes one core and no more. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "evaluator/tree.h"
#include "stint/auto.h"

/* A block stays in the core's own cache between the read and the hash. */
#define READ_BYTES  ((size_t)256 << 10)
#define SPLIT_BYTES ((size_t)4 << 20) /* less is not worth a second thread */
#define THREADS_MAX 16U

static const char pointer_head[] = "version https://git-lfs.github.com/spec/v1\n";

struct hashing {
    const struct stint_artifact_tree *tree;
    struct stint_artifact_manifest *manifest;
    struct stint_artifact_file **order; /* largest first; NULL: as listed */
    atomic_size_t next;
    atomic_uint_fast64_t done_bytes;
    atomic_int fault;
    stint_artifact_progress_fn progress;
    void *context;
    pthread_mutex_t mutex; /* for progress and troubles */
};

/* git names a blob by SHA-1 over "blob <length>\0" and the bytes. */
static bool git_hash_start(const struct stint_artifact_file *file, struct sha1_ctx *hash)
{
    char head[32];
    if (!file->target || strlen(file->target) != sizeof("blobs/") - 1 + 40)
        return false;
    int length = snprintf(head, sizeof(head), "blob %llu", (unsigned long long)file->size);
    sha1_init(hash);
    sha1_update(hash, (size_t)length + 1, (const uint8_t *)head);
    return true;
}

static bool git_hash_matches(struct sha1_ctx *hash, const struct stint_artifact_file *file)
{
    unsigned char bytes[SHA1_DIGEST_SIZE];
    char hex[41];
    sha1_digest(hash, sizeof(bytes), bytes);
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return strcmp(hex, file->target + sizeof("blobs/") - 1) == 0;
}

static bool blob_name_matches(const struct stint_artifact_file *file)
{
    char hex[STINT_SHA256_HEX];
    if (!file->target || strlen(file->target) != sizeof("blobs/") - 1 + 64)
        return true;
    return strcmp(stint_sha256_hex(&file->sha256, hex), file->target + sizeof("blobs/") - 1) == 0;
}

/* Reads @fd to its end into both hashes; bytes read, or -errno. @git and @hashing may be NULL.
 * Where the file is no longer than a block, one byte more tells that it grew. */
static int64_t hash_bytes(int fd, struct stint_artifact_file *file,
                          struct stint_sha256_stream *stream, struct sha1_ctx *git,
                          struct hashing *hashing)
{
    size_t room = file->size < READ_BYTES ? (size_t)file->size + 1 : READ_BYTES;
    stint_auto(stint_free) unsigned char *block = malloc(room);
    int64_t total = 0;
    if (!block)
        return -ENOMEM;
    for (;;) {
        ssize_t length = read(fd, block, room);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        if (length == 0)
            return total;
        if (total == 0)
            file->is_pointer = (size_t)length >= sizeof(pointer_head) - 1 && length < 1024 &&
                               memcmp(block, pointer_head, sizeof(pointer_head) - 1) == 0;
        stint_sha256_stream_add(stream, block, (size_t)length);
        if (git)
            sha1_update(git, (size_t)length, block);
        total += length;
        if (hashing)
            atomic_fetch_add(&hashing->done_bytes, (uint64_t)length);
    }
}

static int hash_open_file(int fd, struct stint_artifact_file *file, struct hashing *hashing)
{
    struct stint_sha256_stream *stream;
    struct stint_artifact_file after = { 0 };
    struct stat st;
    if (stint_sha256_stream_new(&stream) != 0)
        return -ENOMEM;
    struct sha1_ctx git;
    bool has_git = git_hash_start(file, &git);
    int64_t length = hash_bytes(fd, file, stream, has_git ? &git : NULL, hashing);
    stint_sha256_stream_end(stream, &file->sha256);
    bool is_git_right = !has_git || git_hash_matches(&git, file);
    if (length < 0)
        return (int)length;
    if (fstat(fd, &st) != 0)
        return -errno;
    tree_identity(&st, &after);
    if (!tree_identity_equal(&after, file) || (uint64_t)length != file->size)
        return -ESTALE;
    if (!is_git_right || !blob_name_matches(file))
        return -EBADMSG;
    file->has_sha256 = true;
    return 0;
}

int tree_hash_file(int fd, struct stint_artifact_file *file)
{
    return hash_open_file(fd, file, NULL);
}

static void hashing_trouble(struct hashing *hashing, int fault, const char *path)
{
    enum stint_artifact_trouble_kind kind = fault == -ESTALE    ? STINT_TROUBLE_CHANGED
                                            : fault == -EBADMSG ? STINT_TROUBLE_BLOB
                                                                : STINT_TROUBLE_UNREADABLE;
    pthread_mutex_lock(&hashing->mutex);
    tree_trouble(hashing->manifest, kind, path);
    pthread_mutex_unlock(&hashing->mutex);
}

static void hashing_progress(struct hashing *hashing)
{
    if (!hashing->progress)
        return;
    pthread_mutex_lock(&hashing->mutex);
    hashing->progress(hashing->context, atomic_load(&hashing->done_bytes),
                      hashing->manifest->total_bytes);
    pthread_mutex_unlock(&hashing->mutex);
}

static void *hashing_work(void *argument)
{
    struct hashing *hashing = argument;
    struct stint_artifact_manifest *manifest = hashing->manifest;
    for (;;) {
        size_t index = atomic_fetch_add(&hashing->next, 1);
        if (index >= manifest->file_count || atomic_load(&hashing->fault) != 0)
            return NULL;
        struct stint_artifact_file *file =
            hashing->order ? hashing->order[index] : &manifest->files[index];
        stint_auto(stint_fd) int fd = stint_artifact_tree_open_file(
            hashing->tree, manifest, (size_t)(file - manifest->files));
        int r = fd < 0 ? fd : hash_open_file(fd, file, hashing);
        if (r == -ENOMEM)
            atomic_store(&hashing->fault, r);
        else if (r != 0)
            hashing_trouble(hashing, r, file->path);
        hashing_progress(hashing);
    }
}

static unsigned thread_count_of(unsigned asked, const struct stint_artifact_manifest *manifest)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = asked ? asked : processors > 0 ? (unsigned)processors : 1;
    if (manifest->total_bytes < SPLIT_BYTES)
        count = 1; /* a thread costs more than it saves */
    if (count > manifest->file_count)
        count = (unsigned)manifest->file_count;
    return count > THREADS_MAX ? THREADS_MAX : count;
}

static int compare_size(const void *a, const void *b)
{
    const struct stint_artifact_file *left = *(struct stint_artifact_file *const *)a;
    const struct stint_artifact_file *right = *(struct stint_artifact_file *const *)b;
    return left->size < right->size ? 1 : left->size > right->size ? -1 : left < right ? -1 : 1;
}

/* The largest first, so that no thread is left alone with one at the end. */
static struct stint_artifact_file **order_of(struct stint_artifact_manifest *manifest)
{
    struct stint_artifact_file **order =
        calloc(manifest->file_count, sizeof(struct stint_artifact_file *));
    if (!order)
        return NULL;
    for (size_t i = 0; i < manifest->file_count; i++)
        order[i] = &manifest->files[i];
    qsort(order, manifest->file_count, sizeof(struct stint_artifact_file *), compare_size);
    return order;
}

int stint_artifact_hash(const struct stint_artifact_tree *tree,
                        struct stint_artifact_manifest *manifest, unsigned thread_count,
                        stint_artifact_progress_fn progress, void *context, struct stint_error *err)
{
    struct hashing hashing = { .tree = tree,
                               .manifest = manifest,
                               .progress = progress,
                               .context = context,
                               .mutex = PTHREAD_MUTEX_INITIALIZER };
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;
    unsigned wanted = thread_count_of(thread_count, manifest);
    hashing.order = wanted > 1 ? order_of(manifest) : NULL;
    /* This thread is one of them; a thread that cannot be started only costs time. */
    while (started + 1 < wanted &&
           pthread_create(&threads[started], NULL, hashing_work, &hashing) == 0)
        started++;
    (void)hashing_work(&hashing);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&hashing.mutex);
    free(hashing.order);
    int fault = atomic_load(&hashing.fault);
    if (fault != 0)
        return stint_fail(err, fault, "no memory to hash %s", tree->name);
    if (manifest->trouble_count > 0)
        return 0;
    stint_artifact_manifest_seal(manifest);
    return manifest->has_digest ? 0 : stint_fail(err, -ENOMEM, "no memory to hash %s", tree->name);
}

void stint_artifact_manifest_seal(struct stint_artifact_manifest *manifest)
{
    static const char head[] = "stint.artifact/1\n";
    struct stint_sha256_stream *stream;
    char hex[STINT_SHA256_HEX];
    char line[STINT_SHA256_HEX + 24];
    manifest->has_digest = false;
    if (stint_sha256_stream_new(&stream) != 0)
        return;
    stint_sha256_stream_add(stream, head, sizeof(head) - 1);
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct stint_artifact_file *file = &manifest->files[i];
        assert(file->has_sha256);
        int length = snprintf(line, sizeof(line), "%s %llu ", stint_sha256_hex(&file->sha256, hex),
                              (unsigned long long)file->size);
        stint_sha256_stream_add(stream, line, (size_t)length);
        stint_sha256_stream_add(stream, file->path, strlen(file->path));
        stint_sha256_stream_add(stream, "\n", 1);
    }
    stint_sha256_stream_end(stream, &manifest->digest);
    manifest->has_digest = true;
}
