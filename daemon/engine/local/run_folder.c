/* Owns: `runs/<job>_<task>.<attempt>` with its record and script, and `jobs/<job>[_<task>]`, the
 * job's own folder. `runs` and `jobs` belong to whoever the launcher is, so that in a system
 * service not even the daemon can put a link where we write; each name is made exclusively or
 * checked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

#define LOCK_PAUSE_NS 1000000L

static const char record_name[] = RUN_RECORD_NAME;
static const char script_name[] = RUN_SCRIPT_NAME;

/* A record lock belongs to one process: forks do not inherit it, and it goes with its holder.
 * Whoever has it may make or remove the control groups' common folder: the launcher for as long as
 * it lives, or the last supervisor of one that is gone. It also keeps two launchers from one state
 * folder. */
int lock_take(int wait_ms)
{
    static const struct timespec pause = { 0, LOCK_PAUSE_NS };
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd =
        openat(launcher.runs_fd, "launcher.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* By the clock: where timers are coarse a pause is many times what was asked for, and the
     * daemon waits for our hello no longer than it said. */
    uint64_t until_ms = clock_boot_ms() + (uint64_t)wait_ms;
    while (fcntl(fd, F_SETLK, &lock) != 0) {
        if ((errno != EAGAIN && errno != EACCES) || clock_boot_ms() >= until_ms) {
            int r = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
            close(fd);
            return r;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

int run_folder_open(struct stint_run_key key, int *ret_fd)
{
    char name[STINT_RUN_KEY_TEXT];
    int fd = openat(launcher.runs_fd, wire_run_name(key, name),
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

int run_folder_make(struct stint_run_key key, int *ret_fd)
{
    char name[STINT_RUN_KEY_TEXT];
    if (mkdirat(launcher.runs_fd, wire_run_name(key, name), 0711) < 0)
        return -errno;
    return run_folder_open(key, ret_fd);
}

void run_folder_remove(struct stint_run_key key)
{
    char name[STINT_RUN_KEY_TEXT];
    int fd = -1;
    if (run_folder_open(key, &fd) != 0)
        return;
    /* The record last: a folder that still has it is whole. */
    (void)unlinkat(fd, script_name, 0);
    (void)unlinkat(fd, record_name, 0);
    close(fd);
    (void)unlinkat(launcher.runs_fd, wire_run_name(key, name), AT_REMOVEDIR);
}

static int record_put(int fd, struct wire_record *record)
{
    wire_record_seal(record);
    ssize_t wrote = pwrite(fd, record, sizeof(*record), 0);
    if (wrote != (ssize_t)sizeof(*record))
        return wrote < 0 ? -errno : -ENOSPC;
    return 0;
}

/* Whoever may not look into /proc can ask this lock whether the supervisor lives. */
static void record_lock(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    (void)fcntl(fd, F_SETLK, &lock);
}

int run_record_make(int folder_fd, struct wire_record *record, int *ret_fd)
{
    int fd = openat(folder_fd, record_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int r = launcher.daemon_gid != launcher.own_gid && fchown(fd, (uid_t)-1, launcher.daemon_gid)
                ? -errno
                : 0;
    record_lock(fd);
    if (r == 0)
        r = record_put(fd, record);
    /* fsync, not fdatasync: the new name goes down with the file on the file systems in use. */
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (r != 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* Not synced: its place on the disk was, for the run that had it before. */
int run_record_reuse(int folder_fd, struct wire_record *record, int *ret_fd)
{
    struct stat st;
    int fd = openat(folder_fd, record_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    bool is_whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
                    st.st_size == (off_t)sizeof(*record);
    record_lock(fd);
    int r = is_whole ? record_put(fd, record) : -EPROTO;
    if (r != 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

int run_record_write(int record_fd, struct wire_record *record)
{
    return record_put(record_fd, record);
}

int run_record_read(int folder_fd, struct stint_run_key key, struct wire_record *ret_record)
{
    int fd = openat(folder_fd, record_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = pread(fd, ret_record, sizeof(*ret_record), 0);
    int r = got < 0 ? -errno : wire_record_check(ret_record, (size_t)got, key);
    close(fd);
    return r;
}

int run_script_write(int folder_fd, const char *text, size_t length)
{
    int fd = openat(folder_fd, script_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500);
    if (fd < 0)
        return -errno;
    int r = 0;
    for (size_t at = 0; r == 0 && at < length;) {
        ssize_t wrote = write(fd, text + at, length - at);
        if (wrote > 0)
            at += (size_t)wrote;
        else
            r = wrote < 0 ? -errno : -ENOSPC;
    }
    if (r == 0 && launcher.own_uid == 0 &&
        fchown(fd, launcher.body.head->uid, launcher.body.head->gid) != 0)
        r = -errno;
    /* chown leaves the mode alone; the umask at creation may not have. */
    if (r == 0 && fchmod(fd, 0500) != 0)
        r = -errno;
    close(fd);
    return r;
}

void run_script_path(struct stint_run_key key, char *path, size_t size)
{
    char name[STINT_RUN_KEY_TEXT];
    path[0] = '\0';
    text_add(path, size, launcher.state_path);
    text_add(path, size, "/runs/");
    text_add(path, size, wire_run_name(key, name));
    text_add(path, size, "/script");
}

void job_folder_path(struct stint_run_key key, char *path, size_t size)
{
    char name[STINT_RUN_KEY_TEXT];
    path[0] = '\0';
    text_add(path, size, launcher.state_path);
    text_add(path, size, "/jobs/");
    text_add(path, size, wire_job_name(key, name));
}

/* A folder made just now is handed to the owner; one found must be the owner's already. */
int job_folder_open(struct stint_run_key key, bool make, int *ret_fd)
{
    char name[STINT_RUN_KEY_TEXT];
    uid_t uid = launcher.body.head->uid;
    wire_job_name(key, name);
    bool made = make && mkdirat(launcher.jobs_fd, name, 0700) == 0;
    if (make && !made && errno != EEXIST)
        return -errno;
    int fd = openat(launcher.jobs_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    int r = 0;
    if (made && uid != launcher.own_uid && fchown(fd, uid, launcher.body.head->gid) != 0)
        r = -errno;
    if (r == 0 && (fstat(fd, &st) != 0 || st.st_uid != uid))
        r = -EPERM;
    if (r != 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}
