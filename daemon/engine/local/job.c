/* Owns: the child between fork and exec. It enters its groups while it still may, becomes the user,
 * opens the user's files as the user, and executes; or it says which step failed. Its parent waits
 * (CLONE_VFORK), so that the parent knows at once whether the program runs. As a rule it has lent
 * us its memory: what is written here stays there. The user cannot reach into it: who changed its
 * user may not be traced (PR_SET_DUMPABLE) until it has executed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "launcher.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

#define STATUS_NOT_EXECUTED 126
#define STATUS_NOT_FOUND    127

static void failed(struct job_failure *failure, int code, const char *what, const char *name)
{
    failure->code = code;
    failure->exit_status = STATUS_NOT_EXECUTED;
    failure->text[0] = '\0';
    text_add(failure->text, sizeof(failure->text), what);
    text_add(failure->text, sizeof(failure->text), name);
    text_add(failure->text, sizeof(failure->text), ": ");
    const char *why = strerrordesc_np(-code);
    text_add(failure->text, sizeof(failure->text), why ? why : "refused");
}

/* A regular file, or /dev/null, where people send what they do not want (Linux: character device
 * 1:3). */
static bool may_be_output(const struct stat *st)
{
    return S_ISREG(st->st_mode) || (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3));
}

/* Opened as the user. Not through a link, not a FIFO (which would wait), not another device. */
int job_open_output(int folder_fd, const char *path, const char *name, int flags)
{
    int fd = openat(folder_fd, *path ? path : name,
                    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    struct stat st;
    int r = fstat(fd, &st) != 0 ? -errno : may_be_output(&st) ? 0 : -EINVAL;
    if (r == 0 && fcntl(fd, F_SETFL, flags & O_APPEND) != 0)
        r = -errno;
    if (r != 0) {
        close(fd);
        return r;
    }
    return fd;
}

static int output_open(struct stint_run_key key, int folder_fd, const char *path, const char *name,
                       struct job_failure *failure)
{
    int fd = job_open_output(folder_fd, path, name, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0)
        failed(failure, fd, "cannot open output ", *path ? path : name);
    else if (key.attempt == 1 && ftruncate(fd, 0) != 0 &&
             errno != EINVAL) /* /dev/null has no length */
        failed(failure, -errno, "cannot empty output ", *path ? path : name);
    return failure->code == 0 ? fd : -1;
}

/* Descriptors 0, 1, 2 and nothing else. */
static bool streams_set(struct stint_run_key key, int folder_fd, struct job_failure *failure)
{
    const struct wire_body *body = &launcher.body;
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = output_open(key, folder_fd, body->stdout_path, "stdout", failure);
    if (out < 0)
        return false;
    const char *errors = body->stderr_path;
    bool one = *body->stdout_path && (!*errors || strcmp(errors, body->stdout_path) == 0);
    int err = one ? out : output_open(key, folder_fd, errors, "stderr", failure);
    if (err < 0)
        return false;
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
        failed(failure, -errno, "cannot set up ", "standard input and output");
        return false;
    }
    return true;
}

/* Where no cgroup holds the memory: private memory of each process by itself. RLIMIT_AS would break
 * programs that reserve address space, as GPU runtimes do. */
static void memory_limit(void)
{
    struct rlimit limit = { launcher.body.head->memory_bytes, launcher.body.head->memory_bytes };
    (void)setrlimit(RLIMIT_DATA, &limit);
}

/* The user's processes on the whole machine, for a limit that counts them all. */
static uint64_t processes_of(uid_t uid)
{
    char buffer[4096];
    uint64_t count = 0;
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (long got = 0;
         fd >= 0 && (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;) {
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const void *)(buffer + at);
            struct stat st;
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
                fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == uid)
                count++;
            at += entry->d_reclen;
        }
    }
    if (fd >= 0)
        close(fd);
    return count;
}

/* RLIMIT_NPROC counts every process of the user, so the job may add process_max to those there. */
static void process_limit(void)
{
    rlim_t most = launcher.body.head->process_max + processes_of(launcher.body.head->uid);
    struct rlimit limit = { most, most };
    (void)setrlimit(RLIMIT_NPROC, &limit);
}

static void program_execute(char *path, char **argv)
{
    char **env = launcher.body.env;
    execve(path, argv, env);
    if (errno == ENOEXEC) { /* a script without a first line that says by what */
        static char *shell[STINT_RUN_ARGUMENT_MAX + 3];
        static char sh[] = "/bin/sh";
        int count = 0;
        shell[count++] = sh;
        shell[count++] = path;
        for (int i = 1; argv[i]; i++)
            shell[count++] = argv[i];
        shell[count] = NULL;
        execve(sh, shell, env);
    }
}

static const char *path_of_job(void)
{
    for (char **entry = launcher.body.env; *entry; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            return *entry + 5;
    return PATH_DEFAULT;
}

/* As execvp(3), by the job's own PATH. errno says why it came back. */
static void program_search(char **argv)
{
    char path[STINT_RUN_PATH_MAX];
    int why = ENOENT;
    if (strchr(argv[0], '/')) {
        program_execute(argv[0], argv);
        return;
    }
    for (const char *at = path_of_job(); *at;) {
        size_t length = strcspn(at, ":");
        if (length && length + strlen(argv[0]) + 2 < sizeof(path)) {
            memcpy(path, at, length);
            path[length] = '\0';
            text_add(path, sizeof(path), "/");
            text_add(path, sizeof(path), argv[0]);
            program_execute(path, argv);
            if (errno != ENOENT && errno != ENOTDIR)
                why = errno;
        }
        at += length + (at[length] == ':');
    }
    errno = why;
}

static void confine(const struct cgroup_run *cgroup, const uint8_t *hold,
                    struct job_failure *failure)
{
    int r = cgroup_run_enter(&launcher.cgroups, cgroup);
    if (r != 0) {
        failed(failure, r, "cannot enter ", "the job's control group");
        return;
    }
    if (hold[WIRE_HOLD_MEMORY] == STINT_HOLD_PLAIN)
        memory_limit();
    if (hold[WIRE_HOLD_PROCESSES] == STINT_HOLD_PLAIN)
        process_limit();
}

void job_exec(const struct job_start *start)
{
    const struct wire_body *body = &launcher.body;
    struct stint_run_key key = start->key;
    struct job_failure *failure = start->failure;
    char script[STINT_RUN_PATH_MAX];
    char **argv = launcher.body.argv + 1;
    sigset_t none;
    int folder_fd = -1;
    int r = 0;
    confine(start->cgroup, start->hold, failure);
    if (failure->code)
        return;
    (void)setsid();
    umask((mode_t)body->head->umask);
    if ((r = owner_become()) != 0) {
        failed(failure, r, "cannot become ", "the user");
        return;
    }
    /* After the change of user, which clears it: the program dies with its supervisor. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != start->parent) {
        failed(failure, -ESRCH, "the supervisor is gone", "");
        return;
    }
    if ((r = job_folder_open(key, false, &folder_fd)) != 0) {
        failed(failure, r, "cannot open ", "the job's own folder");
        return;
    }
    if (!streams_set(key, folder_fd, failure))
        return;
    if (*body->workdir ? chdir(body->workdir) : fchdir(folder_fd)) {
        failed(failure, -errno, "cannot enter work folder ", body->workdir);
        return;
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(3, ~0u, 0);
    if (body->script) {
        run_script_path(key, script, sizeof(script));
        launcher.body.argv[0] = script;
        argv = launcher.body.argv;
        program_execute(script, argv);
    } else {
        program_search(argv);
    }
    r = -errno;
    failed(failure, r, "cannot execute ", body->script ? "the script" : argv[0]);
    if (r == -ENOENT)
        failure->exit_status = STATUS_NOT_FOUND;
}
