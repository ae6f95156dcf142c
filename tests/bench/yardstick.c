#include "yardstick.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile(double *values, size_t count, double part)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare);
    size_t at = (size_t)(part * (double)count);
    return values[at < count ? at : count - 1];
}

double median(double *values, size_t count)
{
    return quantile(values, count, 0.5);
}

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

pid_t program_start(const char *const *words, const char *stderr_path)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    if (stderr_path)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, stderr_path,
                                         O_WRONLY | O_CREAT | O_APPEND, 0644);
    int r = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        die("%s: %s", words[0], strerror(r));
    return pid;
}

double program_loop_s(const char *program, size_t count)
{
    const char *words[] = { program, NULL };
    double start = now_s();
    for (size_t i = 0; i < count; i++)
        if (waitpid(program_start(words, NULL), NULL, 0) < 0)
            die("waiting for %s", program);
    return now_s() - start;
}

double disk_sync_ms(const char *folder)
{
    static const char block[16384];
    double took_ms[40];
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/sync", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < 40; i++) {
        double start = now_s();
        if (write(fd, block, sizeof(block)) < 0 || fdatasync(fd) != 0)
            die("%s cannot be written", path);
        took_ms[i] = (now_s() - start) * 1e3;
    }
    (void)close(fd);
    (void)unlink(path);
    return median(took_ms, 40);
}

bool program_is_there(const char *name)
{
    const char *path = getenv("PATH");
    char all[4096];
    char *rest = NULL;
    (void)snprintf(all, sizeof(all), "%s", path ? path : "");
    for (char *part = strtok_r(all, ":", &rest); part; part = strtok_r(NULL, ":", &rest)) {
        char file[4400];
        (void)snprintf(file, sizeof(file), "%s/%s", part, name);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

void folder_make(char *path, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(path, size, "%s/stint-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(path) || chmod(path, 0711) != 0)
        die("no temporary folder at %s", path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static char removed_later[FOLDERS_MAX][96];
static size_t removed_later_count;

static void folders_remove(void)
{
    for (size_t i = 0; i < removed_later_count; i++)
        (void)nftw(removed_later[i], remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* ext4 passes over inodes deleted a moment ago when it looks for a free one: thousands of files
 * removed after one round would be paid for by the next. */
void folder_remove(const char *path)
{
    if (removed_later_count == 0)
        (void)atexit(folders_remove);
    if (removed_later_count < FOLDERS_MAX && strlen(path) < sizeof(removed_later[0]))
        (void)snprintf(removed_later[removed_later_count++], sizeof(removed_later[0]), "%s", path);
    else
        (void)nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

int rounds(int fallback)
{
    const char *text = getenv("STINT_BENCH_ROUNDS");
    int count = text ? atoi(text) : fallback;
    return count < 1 ? 1 : count > ROUNDS_MAX ? ROUNDS_MAX : count;
}

bool judge(const char *what, double measured, const char *unit, double limit, bool is_ceiling)
{
    bool is_met = is_ceiling ? measured < limit : measured >= limit;
    (void)printf("%-58s %10.3f %-6s %s %-8g %s\n", what, measured, unit,
                 is_ceiling ? "<" : ">=", limit, is_met ? "met" : "MISSED");
    return is_met;
}
