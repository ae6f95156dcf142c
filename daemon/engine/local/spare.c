/* Owns: spare run folders. The folder of a run that is over and forgotten is kept, with its record,
 * for a later run: the record has its final size on the disk already, so that run need not wait for
 * the disk before its first instruction, and its end can be written when the disk is full.
 *
 *   runs/41_0.1 ──forget──→ runs/spare.<launcher>.3 ──start──→ runs/57_0.1
 *
 * Who hands spares out is the launcher alone, and no two launchers share a name: so a spare has one
 * taker, and the rename onto the run's name, which must be free, is what makes a start happen once.
 * What a loss of power leaves of it does not matter: a run of an earlier boot never starts again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

#define SPARE_MAX  64 /* starts in one go that need not wait */
#define SPARE_TEXT 64

static const char prefix[] = "spare.";
static uint64_t serial;
static uint64_t kept[SPARE_MAX];
static size_t kept_count;

/* Process and time of its start: a pid comes round again, both do not. */
static void spare_name(uint64_t spare, char *name)
{
    memcpy(name, prefix, sizeof(prefix));
    text_add_number(name, SPARE_TEXT, (uint64_t)launcher.pid);
    text_add(name, SPARE_TEXT, "-");
    text_add_number(name, SPARE_TEXT, launcher.started_ms);
    text_add(name, SPARE_TEXT, ".");
    text_add_number(name, SPARE_TEXT, spare);
}

static void folder_remove(const char *name)
{
    int fd = openat(launcher.runs_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)unlinkat(fd, RUN_RECORD_NAME, 0);
    close(fd);
    (void)unlinkat(launcher.runs_fd, name, AT_REMOVEDIR);
}

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

void spares_clear(void)
{
    _Alignas(struct entry) char buffer[4096];
    int fd = openat(launcher.runs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (long got; fd >= 0 && (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;) {
        for (long at = 0; at < got;) {
            const struct entry *entry = (const void *)(buffer + at);
            if (strncmp(entry->name, prefix, sizeof(prefix) - 1) == 0)
                folder_remove(entry->name);
            at += entry->length;
        }
    }
    if (fd >= 0)
        close(fd);
}

bool spare_keep(struct stint_run_key key)
{
    char run[STINT_RUN_KEY_TEXT];
    char name[SPARE_TEXT + sizeof("/" RUN_SCRIPT_NAME)];
    if (kept_count == SPARE_MAX)
        return false;
    spare_name(serial + 1, name);
    if (renameat(launcher.runs_fd, wire_run_name(key, run), launcher.runs_fd, name) != 0)
        return false;
    kept[kept_count++] = ++serial;
    text_add(name, sizeof(name), "/" RUN_SCRIPT_NAME);
    (void)unlinkat(launcher.runs_fd, name, 0);
    return true;
}

uint64_t spare_take(void)
{
    return kept_count > 0 ? kept[--kept_count] : 0;
}

void spare_return(uint64_t spare)
{
    if (spare && kept_count < SPARE_MAX)
        kept[kept_count++] = spare;
}

void spare_drop(uint64_t spare)
{
    char name[SPARE_TEXT];
    if (!spare)
        return;
    spare_name(spare, name);
    folder_remove(name);
}

int spare_use(uint64_t spare, struct wire_record *record, int *ret_folder_fd, int *ret_record_fd)
{
    struct stint_run_key key = { record->job, record->task, record->attempt };
    char run[STINT_RUN_KEY_TEXT];
    char name[SPARE_TEXT];
    int record_fd = -1;
    spare_name(spare, name);
    int fd = openat(launcher.runs_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = fd < 0 ? -errno : run_record_reuse(fd, record, &record_fd);
    /* From here on it is the run's, whoever looks: its record said so before its name did. */
    if (r == 0 && renameat2(launcher.runs_fd, name, launcher.runs_fd, wire_run_name(key, run),
                            RENAME_NOREPLACE) != 0)
        r = -errno;
    if (r == 0) {
        *ret_folder_fd = fd;
        *ret_record_fd = record_fd;
        return 0;
    }
    if (record_fd >= 0)
        close(record_fd);
    if (fd >= 0)
        close(fd);
    folder_remove(name);
    return r;
}
