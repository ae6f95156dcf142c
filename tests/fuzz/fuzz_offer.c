/* What an offer of an artefact passes to the daemon's store: the input is the stream, and after
 * each head of a record a descriptor rides along. Nothing may be written outside the store, and of
 * a refused offer nothing may stay. Links evaluator_dep. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stint/artifact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAM_BYTES_MAX ((size_t)64 << 10) /* what a socket takes without a reader */

static int store_fd = -1;

static void store_remove(void)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/dev/shm/fuzz-offer-%ld", (long)getpid());
    (void)rmdir(path);
}

static void store_open(void)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/dev/shm/fuzz-offer-%ld", (long)getpid());
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        abort();
    store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store_fd < 0 || atexit(store_remove) != 0)
        abort();
}

static size_t store_entries(void)
{
    size_t count = 0;
    int fd = openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        abort();
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

/* One piece of the stream, with @fd when it is one. */
static void feed(int socket_fd, const void *bytes, size_t length, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { (void *)(uintptr_t)bytes, length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    }
    (void)sendmsg(socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Head of 16 bytes; then records of 16 bytes and a path. The length of a path is taken from the
 * input as the receiver takes it, so that a descriptor lies where one is expected. */
static void feed_all(int socket_fd, const uint8_t *data, size_t size, int fd)
{
    size_t at = size < 16 ? size : 16;
    feed(socket_fd, data, at, -1);
    while (at < size) {
        uint32_t path_length = 0;
        if (size - at >= 12)
            memcpy(&path_length, data + at + 8, sizeof(path_length));
        size_t length = 16 + (size_t)(path_length & 0xfff);
        length = length < size - at ? length : size - at;
        feed(socket_fd, data + at, length, fd);
        at += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_error err = { 0 };
    if (size > STREAM_BYTES_MAX)
        return 0;
    if (store_fd < 0)
        store_open();
    int fd = memfd_create("offered", MFD_CLOEXEC);
    if (fd < 0 || write(fd, "0123456789", 10) != 10 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    feed_all(ends[0], data, size, fd);
    close(ends[0]);
    if (stint_artifact_receive(ends[1], store_fd, 1 << 20, &manifest, &err) == 0) {
        if (!manifest.has_digest || stint_artifact_store_remove(store_fd, &manifest.digest, NULL))
            abort();
    } else if (!err.text[0] || manifest.file_count > 0) {
        abort();
    }
    if (store_entries() > 0)
        abort();
    stint_artifact_manifest_deinit(&manifest);
    close(ends[1]);
    close(fd);
    return 0;
}
