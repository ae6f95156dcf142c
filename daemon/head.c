/* Owns: log.head in the state folder: the signed note that was shown last, nothing else. */
#include "head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rooms.h"
#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/log.h"
#include "stint/record.h"
#include "stint/store.h"

#define HEAD_BYTES_MAX 4096
#define HEAD_FIX                                                                                   \
    "put the store that belongs to it in its place; when what came after this copy is lost for "   \
    "good, move log.key and log.head out of the state folder: the log goes on under a new key, "   \
    "and says so"

static int head_open(struct rooms *rooms, struct stint_error *err)
{
    char path[PLACE_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/log.head", rooms->places.state);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    rooms->head_fd = fd;
    return 0;
}

/* What is no whole note, or of another key, compares with nothing. */
static int head_compare(const struct rooms *rooms, struct stint_error *err)
{
    char note[HEAD_BYTES_MAX + 1];
    ssize_t length = pread(rooms->head_fd, note, HEAD_BYTES_MAX, 0);
    if (length < 0)
        return stint_fail(err, -errno, "log.head: %s", strerror(errno));
    note[length] = '\0';
    if (length == 0 || stint_record_has_head(rooms->record, note, err) == 0)
        return 0;
    (void)stint_fail(
        err, STINT_UNTRUSTED,
        "the store's public log is older than a head of it that was shown, or another");
    return stint_fix(err, STINT_UNTRUSTED, HEAD_FIX);
}

/* The last head in the store is of a key that is gone. */
static int head_succeed(struct rooms *rooms, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    uint64_t size = stint_record_size(rooms->record);
    if (!rooms->is_new_key || size == 0 || stint_record_checkpoint(rooms->record) ||
        stint_store_is_read_only(rooms->store))
        return 0;
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "change", "log.key");
    stint_json_kv_int(&subject, "entries", (int64_t)size);
    stint_json_object_end(&subject);
    struct stint_log_draft draft = {
        .type = "log.key",
        .role = "daemon",
        .subject = stint_buffer_text(&subject),
        .reason = "the log goes on under a new key; heads of the one before may be of entries that "
                  "are lost",
        .prev = -1,
    };
    int r = stint_store_ready(rooms->store, err);
    return r == 0 ? stint_record_append(rooms->record, &draft, NULL, err) : r;
}

int head_settle(struct rooms *rooms, struct stint_error *err)
{
    int r = rooms->head_fd >= 0 ? 0 : head_open(rooms, err);
    if (r == 0)
        r = head_compare(rooms, err);
    if (r != 0)
        return r;
    head_on_published(rooms, stint_record_published_size(rooms->record));
    return head_succeed(rooms, err);
}

void head_on_published(void *context, uint64_t size)
{
    struct rooms *rooms = context;
    const char *note = stint_record_checkpoint(rooms->record);
    size_t length = note ? strlen(note) : 0;
    (void)size;
    if (rooms->head_fd < 0 || length == 0 || length > HEAD_BYTES_MAX)
        return;
    if (pwrite(rooms->head_fd, note, length, 0) != (ssize_t)length ||
        ftruncate(rooms->head_fd, (off_t)length) != 0)
        stint_log(STINT_LOG_WARNING, "head-not-kept", "file=log.head cause=\"%s\"",
                  strerror(errno));
}

void head_close(struct rooms *rooms)
{
    if (rooms->head_fd >= 0)
        close(rooms->head_fd);
    rooms->head_fd = -1;
}
