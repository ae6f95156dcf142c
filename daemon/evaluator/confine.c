/* Owns: what the evaluation child gives up before it looks at a byte of a stranger's files: new
 * privileges, writing, other programs, processes, the network, and every path but the artefact's.
 * A crash or a limit ends the child, and a child that ended without a document is a refusal. */
#include "evaluator/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "stint/auto.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#endif

/* Processor seconds: an hour hashes five terabytes. Address space: a hundred times what the largest
 * sound header needs. */
#define CPU_SECONDS_MAX  3600
#define MEMORY_BYTES_MAX ((rlim_t)4 << 30)

static int limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
        return -errno;
    if (now.rlim_max < value)
        value = now.rlim_max;
    struct rlimit wanted = { .rlim_cur = value, .rlim_max = value };
    return setrlimit((__rlimit_resource_t)resource, &wanted) == 0 ? 0 : -errno;
}

static int limit_all(void)
{
    struct stat st;
    int r = limit(RLIMIT_CORE, 0);
    if (r == 0)
        r = limit(RLIMIT_CPU, CPU_SECONDS_MAX);
#ifndef HAS_SANITIZER /* which reserves terabytes of addresses */
    if (r == 0)
        r = limit(RLIMIT_AS, MEMORY_BYTES_MAX);
#endif
    /* The answer goes to a pipe; only a person at a shell sends it to a file. */
    if (r == 0 && fstat(STDOUT_FILENO, &st) == 0 && !S_ISREG(st.st_mode))
        r = limit(RLIMIT_FSIZE, 0);
    return r;
}

/* The folder below which the artefact's files are. */
static int root_of(const char *path, char root[PATH_MAX])
{
    struct stat st;
    char *last;
    if (!realpath(path, root) || stat(root, &st) != 0)
        return -errno;
    last = strrchr(root, '/');
    if (!S_ISDIR(st.st_mode)) {
        last[last == root] = '\0';
        return 0;
    }
    /* <repository>/snapshots/<commit> reads <repository>/blobs. */
    if (last && last - root > 10 && strncmp(last - 10, "/snapshots", 10) == 0)
        last[-10] = '\0';
    return 0;
}

/* Reading below one folder, nothing else; where the kernel has no Landlock, false. */
static bool landlock_to(const char *root)
{
    const __u64 everything = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    struct landlock_ruleset_attr ruleset = { .handled_access_fs = everything };
    stint_auto(stint_fd) int fd =
        (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset.handled_access_fs), 0);
    if (fd < 0)
        return false;
    stint_auto(stint_fd) int folder = open(root, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
                                                                 LANDLOCK_ACCESS_FS_READ_DIR,
                                               .parent_fd = folder };
    if (folder < 0 || syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return false;
    return syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(openat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(tgkill),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fadvise64),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrlimit),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getcwd),
};
static const int sending[] = { SCMP_SYS(sendmsg), SCMP_SYS(sendto) };

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (r != 0 && r != -EDOM) /* not a call of this architecture */
            return r;
    }
    return 0;
}

/* Opening for reading, threads but no processes, and limits that are only looked at. */
static int allow_some(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0));
    if (r == 0 || r == -EDOM)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (r == 0) /* flags lie in memory, where no filter sees them; the C library falls back */
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                             ((struct scmp_arg_cmp){ .arg = 2, .op = SCMP_CMP_EQ }));
    return r;
}

static int filter_calls(bool can_send)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int r = allow_all(filter, allowed, STINT_ARRAY_SIZE(allowed));
    if (r == 0 && can_send)
        r = allow_all(filter, sending, STINT_ARRAY_SIZE(sending));
    if (r == 0)
        r = allow_some(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

int confine(struct confinement *confinement, struct stint_error *err)
{
    char root[PATH_MAX];
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return stint_fail(err, -errno, "confinement: %s", strerror(errno));
    int r = limit_all();
    if (r != 0)
        return stint_fail(err, r, "confinement: limits: %s", strerror(-r));
    if (confinement->path && root_of(confinement->path, root) == 0)
        confinement->has_landlock = landlock_to(root);
    r = filter_calls(confinement->can_send);
    if (r != 0)
        return stint_fail(err, r, "confinement: system call filter: %s", strerror(-r));
    return 0;
}
