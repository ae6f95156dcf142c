/* Owns: small things over system calls, without stdio and without allocation. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

uint64_t clock_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ssize_t file_read(int dir_fd, const char *name, char *text, size_t size)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    size_t length = 0;
    ssize_t got = 0;
    while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    int r = got < 0 ? -errno : 0;
    close(fd);
    text[length] = '\0';
    return r < 0 ? r : (ssize_t)length;
}

int file_write(int dir_fd, const char *name, const char *text)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return r;
}

uint64_t process_ticks(pid_t pid)
{
    char path[40] = "/proc/";
    char stat[1024];
    text_add_number(path, sizeof(path), (uint64_t)pid);
    text_add(path, sizeof(path), "/stat");
    ssize_t length = file_read(AT_FDCWD, path, stat, sizeof(stat));
    return length > 0 ? wire_stat_ticks(stat, (size_t)length) : 0;
}

char *text_add(char *text, size_t size, const char *more)
{
    size_t used = strnlen(text, size - 1);
    while (used < size - 1 && *more)
        text[used++] = *more++;
    text[used] = '\0';
    return text;
}

char *text_add_number(char *text, size_t size, uint64_t number)
{
    char digits[24];
    wire_decimal(digits, number);
    return text_add(text, size, digits);
}

/* What the launcher ignores would stay ignored in the programs its forks execute. */
void signals_reset(void)
{
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
}

/* True for a fork of the launcher that has not executed anything: those are supervisors. A job that
 * executes the launcher's file is told from them by its user. */
static bool is_own_program(pid_t pid)
{
    char path[40] = "/proc/";
    char theirs[256];
    char ours[256];
    struct stat st;
    text_add_number(path, sizeof(path), (uint64_t)pid);
    if (stat(path, &st) != 0 || st.st_uid != launcher.own_uid)
        return false;
    text_add(path, sizeof(path), "/exe");
    ssize_t a = readlink(path, theirs, sizeof(theirs));
    /* One that lends its memory to a job becoming its user may not be looked at meanwhile, where we
     * lack CAP_SYS_PTRACE. */
    if (a < 0 && errno == EACCES)
        return true;
    ssize_t b = readlink("/proc/self/exe", ours, sizeof(ours));
    return a > 0 && a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

int children_signal(int signal_number, bool spare_forks)
{
    char path[64] = "/proc/self/task/";
    char buffer[4096] = "";
    int count = 0;
    text_add_number(path, sizeof(path), (uint64_t)getpid());
    text_add(path, sizeof(path), "/children");
    ssize_t length = file_read(AT_FDCWD, path, buffer, sizeof(buffer));
    for (char *at = buffer; length > 0 && *at;) {
        pid_t pid = 0;
        while (*at >= '0' && *at <= '9')
            pid = pid * 10 + (*at++ - '0');
        if (*at != ' ')
            break; /* cut off by the buffer: the next round sees it */
        at++;
        if (pid <= 1 || (spare_forks && is_own_program(pid)))
            continue;
        kill(pid, signal_number);
        count++;
    }
    return count;
}

static void clone_describe(struct clone_args *args, uint64_t flags, int cgroup_fd)
{
    memset(args, 0, sizeof(*args));
    args->flags = flags;
    args->exit_signal = SIGCHLD;
    if (cgroup_fd >= 0) {
        args->flags |= CLONE_INTO_CGROUP;
        args->cgroup = (unsigned)cgroup_fd;
    }
}

pid_t process_fork(int *ret_pidfd)
{
    struct clone_args args;
    int pidfd = -1;
    clone_describe(&args, 0, -1);
    if (ret_pidfd) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)&pidfd;
    }
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0)
        return -errno;
    if (ret_pidfd)
        *ret_pidfd = pidfd;
    return (pid_t)pid;
}

/* clone3() without a function around it: a child on its parent's stack must not return from one,
 * for the next call would overwrite the address that the parent, waiting, is to return to. */
#if defined(__x86_64__)
#define CAN_LEND_MEMORY 1
static inline __attribute__((always_inline)) long clone3_here(struct clone_args *args)
{
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "0"(SYS_clone3), "D"(args), "S"(sizeof(*args))
                     : "rcx", "r11", "memory");
    return r;
}
#elif defined(__aarch64__)
#define CAN_LEND_MEMORY 1
static inline __attribute__((always_inline)) long clone3_here(struct clone_args *args)
{
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof(*args);
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
}
#else
#define CAN_LEND_MEMORY   0
#define clone3_here(args) syscall(SYS_clone3, (args), sizeof(*(args)))
#endif

bool process_can_lend(void)
{
    return CAN_LEND_MEMORY;
}

__attribute__((noinline)) pid_t process_run(bool lends_memory, int cgroup_fd,
                                            void (*child)(void *context), void *context)
{
    struct clone_args args;
    clone_describe(&args, CLONE_VFORK | (lends_memory ? CLONE_VM : 0), cgroup_fd);
    long pid = clone3_here(&args);
    if (pid == 0) {
        child(context);
        _exit(127);
    }
    return (pid_t)(CAN_LEND_MEMORY || pid >= 0 ? pid : -errno);
}
