/* Owns: the folders of control groups, from finding the hierarchies to removing the last one. What
 * must hold: a run's folder is removed by whoever saw the run's last process go, and a limit that
 * could not be set is reported as not held. */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include "launcher.h"
#include "stint/auto.h"

#define MOUNTINFO_BYTES   65536
#define INSTANCE_TRIES    10
#define REMOVE_TRIES      200
#define REMOVE_PAUSE_NS   1000000L
#define CGROUP_LIST_BYTES 4096

/* Controller names as v1 mounts and v2's cgroup.controllers spell them. */
static const struct {
    const char *name;
    enum cgroup_role role;
    bool in_v2; /* a controller there, to be enabled */
} controllers[] = {
    { "memory", CGROUP_MEMORY, true },     { "pids", CGROUP_PIDS, true },
    { "cpuset", CGROUP_CPUSET, true },     { "freezer", CGROUP_FREEZER, false },
    { "cpuacct", CGROUP_CPU_TIME, false },
};

#define V2_ROLES (1u << CGROUP_MEMORY | 1u << CGROUP_PIDS | 1u << CGROUP_CPUSET)

/* Where the daemon and the launcher of a scope step aside to. */
static const char aside[] = "/stint-daemon";

static char mountinfo[MOUNTINFO_BYTES];
static char own_groups[8192];

/* The next @stop-ended piece of *text, cut out in place; NULL at the end. */
static char *piece_next(char **text, char stop)
{
    char *start = *text;
    if (!start || !*start)
        return NULL;
    char *end = strchr(start, stop);
    if (end)
        *end++ = '\0';
    *text = end;
    return start;
}

/* True when the comma- or blank-separated @list has @word. */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length) {
        bool begins = at == list || at[-1] == ',' || at[-1] == ' ';
        char end = at[length];
        if (begins && (end == '\0' || end == ',' || end == ' ' || end == '\n'))
            return true;
    }
    return false;
}

/* Our own path in the hierarchy with @controller ("" is v2) from /proc/self/cgroup. */
static bool own_path(const char *controller, char *path, size_t size)
{
    char copy[sizeof(own_groups)];
    memcpy(copy, own_groups, sizeof(copy));
    char *lines = copy;
    for (char *line = piece_next(&lines, '\n'); line; line = piece_next(&lines, '\n')) {
        char *rest = line;
        piece_next(&rest, ':');
        char *names = rest;
        char *colon = names ? strchr(names, ':') : NULL;
        if (!colon)
            continue;
        *colon = '\0';
        if (*controller ? list_has(names, controller) : *names == '\0') {
            path[0] = '\0';
            text_add(path, size, colon + 1);
            return true;
        }
    }
    return false;
}

/* The folder of our own group below a mount whose root is @root. In a container the path may name
 * what we cannot see; then the mount itself is the best there is. */
static int own_folder_open(const char *mount, const char *root, const char *path)
{
    char whole[4096];
    size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (skip && strncmp(path, root, skip) != 0)
        skip = strlen(path);
    whole[0] = '\0';
    text_add(whole, sizeof(whole), mount);
    text_add(whole, sizeof(whole), path + skip);
    int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_type(int fd, long magic)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (long)fs.f_type == magic;
}

static int folder_make(int parent_fd, const char *name)
{
    if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : -errno;
}

/* Only the daemon and we are here: step aside into a leaf, because an inner node of v2 may hold no
 * processes once it has controllers. */
static bool step_aside(int parent_fd)
{
    char pids[CGROUP_LIST_BYTES];
    char *at = pids;
    if (file_read(parent_fd, "cgroup.procs", pids, sizeof(pids)) <= 0)
        return false;
    char self[24];
    char daemon[24];
    wire_decimal(self, (uint64_t)getpid());
    wire_decimal(daemon, (uint64_t)getppid());
    for (char *pid = piece_next(&at, '\n'); pid; pid = piece_next(&at, '\n'))
        if (strcmp(pid, self) != 0 && strcmp(pid, daemon) != 0)
            return false;
    int leaf = folder_make(parent_fd, aside + 1);
    if (leaf < 0)
        return false;
    bool moved = file_write(leaf, "cgroup.procs", daemon) == 0 &&
                 file_write(leaf, "cgroup.procs", self) == 0;
    close(leaf);
    return moved;
}

/* The kernel hands `pids` and `cpuset` on even from a folder with processes inside, by making it
 * threaded: then no process can enter the folders below it, and ours could not be left for one of
 * them. The top of the hierarchy, the only folder without a type, may have both (cgroup-v2.rst,
 * Threads; No Internal Process Constraint). */
static bool may_hand_on(int folder_fd)
{
    char pids[64];
    return faccessat(folder_fd, "cgroup.type", F_OK, 0) != 0 ||
           file_read(folder_fd, "cgroup.procs", pids, sizeof(pids)) == 0;
}

/* Hands @folder_fd's controllers on to its children; those of ours that they have then, as bits of
 * enum cgroup_role. */
static uint32_t controllers_enable(int folder_fd)
{
    char has[512] = "";
    char given[512] = "";
    uint32_t roles = 0;
    if (!may_hand_on(folder_fd))
        return 0;
    (void)file_read(folder_fd, "cgroup.controllers", has, sizeof(has));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(controllers); i++) {
        char word[32] = "+";
        if (!controllers[i].in_v2 || !list_has(has, controllers[i].name))
            continue;
        text_add(word, sizeof(word), controllers[i].name);
        (void)file_write(folder_fd, "cgroup.subtree_control", word);
        if (file_read(folder_fd, "cgroup.subtree_control", given, sizeof(given)) >= 0 &&
            list_has(given, controllers[i].name))
            roles |= 1u << controllers[i].role;
    }
    return roles;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The v2 folder our runs go below: our own where it can hand on as much as there is; else, as root,
 * the top of the hierarchy, which is exempt from the rule against inner processes; else our own
 * after stepping aside, but only in a scope, which is never started again: a service manager could
 * not put a restarted daemon into a folder that has controllers enabled while jobs of the last one
 * run. Without any of these our own still kills, freezes and counts.
 *
 * How much a folder can hand on says nothing of the folders above it: one that was given no
 * controllers itself has none to keep, and the top may have them all. */
static int v2_parent_choose(int own_fd, const char *mount, const char *path)
{
    uint32_t own = controllers_enable(own_fd);
    if (own == V2_ROLES)
        return own_fd;
    int top = geteuid() == 0 ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (top >= 0 && (controllers_enable(top) & ~own)) {
        close(own_fd);
        return top;
    }
    if (top >= 0)
        close(top);
    if (ends_with(path, ".scope") && step_aside(own_fd))
        (void)controllers_enable(own_fd);
    return own_fd;
}

static void role_bind(struct cgroups *cgroups, enum cgroup_role role, int tree)
{
    if (cgroups->bound[role] >= 0)
        return;
    cgroups->bound[role] = tree;
    cgroups->trees[tree].roles |= 1u << role;
}

static void tree_bind_v2(struct cgroups *cgroups, int index)
{
    struct cgroup_tree *tree = &cgroups->trees[index];
    char text[512];
    (void)controllers_enable(tree->instance_fd);
    if (file_read(tree->instance_fd, "cgroup.subtree_control", text, sizeof(text)) > 0)
        for (size_t i = 0; i < STINT_ARRAY_SIZE(controllers); i++)
            if (controllers[i].in_v2 && list_has(text, controllers[i].name))
                role_bind(cgroups, controllers[i].role, index);
    if (faccessat(tree->instance_fd, "cgroup.kill", F_OK, 0) == 0)
        role_bind(cgroups, CGROUP_KILL, index);
    if (faccessat(tree->instance_fd, "cgroup.freeze", F_OK, 0) == 0)
        role_bind(cgroups, CGROUP_FREEZER, index);
    role_bind(cgroups, CGROUP_CPU_TIME, index);
}

static void tree_bind_v1(struct cgroups *cgroups, int index, const char *options)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(controllers); i++)
        if (list_has(options, controllers[i].name)) {
            role_bind(cgroups, controllers[i].role, index);
            if (controllers[i].role == CGROUP_FREEZER)
                role_bind(cgroups, CGROUP_KILL, index);
        }
}

static bool wants_v1(const struct cgroups *cgroups, const char *options, const char **ret_name)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(controllers); i++)
        if (cgroups->bound[controllers[i].role] < 0 && list_has(options, controllers[i].name)) {
            *ret_name = controllers[i].name;
            return true;
        }
    return false;
}

static void tree_try(struct cgroups *cgroups, const char *mount, const char *root, bool v2,
                     const char *options)
{
    char path[4096];
    const char *name = "";
    if (cgroups->tree_count == CGROUP_TREE_MAX || (!v2 && !wants_v1(cgroups, options, &name)) ||
        !own_path(name, path, sizeof(path)))
        return;
    struct cgroup_tree tree = { .v2 = v2 };
    /* A launcher that follows another begins where that one stepped to. */
    if (v2 && ends_with(path, aside))
        path[strlen(path) - strlen(aside)] = '\0';
    tree.parent_fd = own_folder_open(mount, root, path);
    if (tree.parent_fd < 0)
        return;
    if (!is_type(tree.parent_fd, v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) {
        close(tree.parent_fd);
        return;
    }
    if (v2)
        tree.parent_fd = v2_parent_choose(tree.parent_fd, mount, path);
    if ((tree.instance_fd = folder_make(tree.parent_fd, cgroups->instance)) < 0) {
        close(tree.parent_fd);
        return;
    }
    int index = cgroups->tree_count++;
    cgroups->trees[index] = tree;
    if (v2)
        tree_bind_v2(cgroups, index);
    else
        tree_bind_v1(cgroups, index, options);
}

/* mountinfo: ID PARENT MAJOR:MINOR ROOT MOUNT OPTIONS … - TYPE SOURCE SUPER-OPTIONS (proc(5)). */
static void mounts_walk(struct cgroups *cgroups, bool v2)
{
    if (file_read(AT_FDCWD, "/proc/self/mountinfo", mountinfo, sizeof(mountinfo)) <= 0)
        return;
    char *lines = mountinfo;
    for (char *line = piece_next(&lines, '\n'); line; line = piece_next(&lines, '\n')) {
        char *tail = strstr(line, " - ");
        if (!tail)
            continue;
        *tail = '\0';
        tail += 3;
        char *type = piece_next(&tail, ' ');
        piece_next(&tail, ' ');
        char *options = tail;
        char *fields = line;
        for (int i = 0; i < 3; i++)
            piece_next(&fields, ' ');
        char *root = piece_next(&fields, ' ');
        char *mount = piece_next(&fields, ' ');
        if (type && options && mount && strcmp(type, v2 ? "cgroup2" : "cgroup") == 0)
            tree_try(cgroups, mount, root, v2, options);
    }
}

void cgroups_none(struct cgroups *cgroups)
{
    memset(cgroups, 0, sizeof(*cgroups));
    for (int i = 0; i < CGROUP_ROLE_COUNT; i++)
        cgroups->bound[i] = -1;
}

void cgroups_find(struct cgroups *cgroups, const char *instance, bool v2)
{
    cgroups_none(cgroups);
    text_add(cgroups->instance, sizeof(cgroups->instance), instance);
    if (file_read(AT_FDCWD, "/proc/self/cgroup", own_groups, sizeof(own_groups)) <= 0)
        return;
    if (v2)
        mounts_walk(cgroups, true); /* first: what it has, v1 does not have */
    mounts_walk(cgroups, false);
}

void cgroups_leave(struct cgroups *cgroups)
{
    for (int i = 0; i < cgroups->tree_count; i++)
        (void)unlinkat(cgroups->trees[i].parent_fd, cgroups->instance, AT_REMOVEDIR);
}

enum stint_engine_hold cgroups_hold(const struct cgroups *cgroups, enum cgroup_role role)
{
    int tree = cgroups->bound[role];
    if (tree < 0)
        return STINT_HOLD_PLAIN;
    return cgroups->trees[tree].v2 ? STINT_HOLD_CGROUP_V2 : STINT_HOLD_CGROUP_V1;
}

/* The list of cores as the kernel writes it: "0,3,5". False when it does not fit. */
static bool cores_write(const struct wire_body *body, char *text, size_t size)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < body->head->core_count; i++) {
        if (i)
            text_add(text, size, ",");
        text_add_number(text, size, body->cores[i]);
    }
    return strlen(text) < size - 1;
}

static int number_write(int fd, const char *name, uint64_t number)
{
    char text[24];
    wire_decimal(text, number);
    return file_write(fd, name, text);
}

static bool memory_set(const struct cgroup_tree *tree, int fd, const struct wire_body *body)
{
    uint64_t bytes = body->head->memory_bytes;
    if (!tree->v2) {
        bool held = number_write(fd, "memory.limit_in_bytes", bytes) == 0;
        (void)number_write(fd, "memory.memsw.limit_in_bytes", bytes); /* only with swap counted */
        return held;
    }
    bool held = number_write(fd, "memory.max", bytes) == 0;
    (void)file_write(fd, "memory.swap.max", "0");
    (void)file_write(fd, "memory.oom.group", "1");
    return held;
}

static bool cpuset_set(const struct cgroup_tree *tree, int fd, const struct wire_body *body)
{
    static char cores[STINT_RUN_CORE_MAX * 5];
    char mems[512];
    if (!cores_write(body, cores, sizeof(cores)))
        return false;
    if (!tree->v2) { /* both must be set before anyone can enter */
        if (file_read(tree->parent_fd, "cpuset.effective_mems", mems, sizeof(mems)) <= 0 ||
            file_write(fd, "cpuset.mems", mems) != 0)
            return false;
    }
    return file_write(fd, "cpuset.cpus", cores) == 0;
}

/* What a run asks for, as bits of enum cgroup_role. */
static uint32_t roles_asked(const struct wire_body *body)
{
    const struct wire_body_head *head = body->head;
    uint32_t roles = 1u << CGROUP_KILL | 1u << CGROUP_FREEZER | 1u << CGROUP_CPU_TIME;
    if (head->memory_bytes)
        roles |= 1u << CGROUP_MEMORY;
    if (head->process_max)
        roles |= 1u << CGROUP_PIDS;
    if (head->core_count && !(head->flags & WIRE_BODY_CORES_FOREIGN))
        roles |= 1u << CGROUP_CPUSET;
    return roles;
}

static void limits_set(const struct cgroup_tree *tree, int fd, uint32_t roles,
                       const struct wire_body *body, uint8_t *hold)
{
    uint8_t kind = tree->v2 ? STINT_HOLD_CGROUP_V2 : STINT_HOLD_CGROUP_V1;
    if ((roles & 1u << CGROUP_MEMORY) && memory_set(tree, fd, body))
        hold[WIRE_HOLD_MEMORY] = kind;
    if ((roles & 1u << CGROUP_PIDS) && number_write(fd, "pids.max", body->head->process_max) == 0)
        hold[WIRE_HOLD_PROCESSES] = kind;
    if ((roles & 1u << CGROUP_CPUSET) && cpuset_set(tree, fd, body))
        hold[WIRE_HOLD_CORES] = kind;
    if (roles & 1u << CGROUP_KILL)
        hold[WIRE_HOLD_KILL] = kind;
    if (roles & 1u << CGROUP_FREEZER)
        hold[WIRE_HOLD_FREEZE] = kind;
    if (roles & 1u << CGROUP_CPU_TIME)
        hold[WIRE_HOLD_CPU_TIME] = kind;
}

static void run_clear(struct cgroup_run *run, struct stint_run_key key)
{
    for (int i = 0; i < CGROUP_TREE_MAX; i++)
        run->fds[i] = -1;
    wire_run_name(key, run->name);
}

/* The folder of all runs may vanish under us when the launcher has just died and the last of its
 * runs takes it away: then it is made again. */
static int run_folder_in(const struct cgroups *cgroups, struct cgroup_tree *tree, const char *name)
{
    int fd = folder_make(tree->instance_fd, name);
    for (int tries = 0; fd == -ENOENT && tries < INSTANCE_TRIES; tries++) {
        int again = folder_make(tree->parent_fd, cgroups->instance);
        if (again < 0)
            return again;
        close(tree->instance_fd);
        tree->instance_fd = again;
        if (tree->v2)
            (void)controllers_enable(again);
        fd = folder_make(again, name);
    }
    return fd;
}

int cgroup_run_make(struct cgroups *cgroups, struct stint_run_key key, const struct wire_body *body,
                    struct cgroup_run *run, uint8_t *hold)
{
    uint32_t asked = roles_asked(body);
    run_clear(run, key);
    for (int i = 0; i < cgroups->tree_count; i++) {
        struct cgroup_tree *tree = &cgroups->trees[i];
        uint32_t roles = tree->roles & asked;
        if (!roles)
            continue;
        int fd = run_folder_in(cgroups, tree, run->name);
        if (fd < 0) {
            cgroup_run_remove(cgroups, run);
            return fd;
        }
        run->fds[i] = fd;
        limits_set(tree, fd, roles, body, hold);
        if ((roles & 1u << CGROUP_CPUSET) && hold[WIRE_HOLD_CORES] == STINT_HOLD_NONE &&
            !tree->v2) {
            /* A v1 cpuset without cores lets nobody in: do without. */
            close(fd);
            run->fds[i] = -1;
            (void)unlinkat(tree->instance_fd, run->name, AT_REMOVEDIR);
        }
    }
    return 0;
}

void cgroup_run_open(const struct cgroups *cgroups, struct stint_run_key key,
                     struct cgroup_run *run)
{
    run_clear(run, key);
    for (int i = 0; i < cgroups->tree_count; i++)
        run->fds[i] = openat(cgroups->trees[i].instance_fd, run->name,
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int cgroup_run_clone_fd(const struct cgroups *cgroups, const struct cgroup_run *run)
{
    for (int i = 0; i < cgroups->tree_count; i++)
        if (cgroups->trees[i].v2)
            return run->fds[i];
    return -1;
}

int cgroup_run_enter(const struct cgroups *cgroups, const struct cgroup_run *run)
{
    for (int i = 0; i < cgroups->tree_count; i++) {
        if (cgroups->trees[i].v2 || run->fds[i] < 0)
            continue;
        int r = file_write(run->fds[i], "cgroup.procs", "0");
        if (r != 0)
            return r;
    }
    return 0;
}

static int role_fd(const struct cgroups *cgroups, const struct cgroup_run *run,
                   enum cgroup_role role, bool *ret_v2)
{
    int tree = cgroups->bound[role];
    *ret_v2 = tree >= 0 && cgroups->trees[tree].v2;
    return tree >= 0 ? run->fds[tree] : -1;
}

/* v1 has no kill: freeze, so that nobody forks away, signal each, thaw, so that they can die. */
static void kill_v1(int fd)
{
    char pids[CGROUP_LIST_BYTES];
    (void)file_write(fd, "freezer.state", "FROZEN");
    if (file_read(fd, "cgroup.procs", pids, sizeof(pids)) > 0) {
        for (char *at = pids; *at;) {
            pid_t pid = 0;
            while (*at >= '0' && *at <= '9')
                pid = pid * 10 + (*at++ - '0');
            if (*at != '\n')
                break;
            at++;
            if (pid > 1)
                (void)kill(pid, SIGKILL);
        }
    }
    (void)file_write(fd, "freezer.state", "THAWED");
}

bool cgroup_run_kill(const struct cgroups *cgroups, const struct cgroup_run *run)
{
    bool v2 = false;
    int fd = role_fd(cgroups, run, CGROUP_KILL, &v2);
    if (fd < 0)
        return false;
    if (v2)
        return file_write(fd, "cgroup.kill", "1") == 0;
    kill_v1(fd);
    return true;
}

bool cgroup_run_freeze(const struct cgroups *cgroups, const struct cgroup_run *run, bool frozen)
{
    bool v2 = false;
    int fd = role_fd(cgroups, run, CGROUP_FREEZER, &v2);
    if (fd < 0)
        return false;
    if (v2)
        return file_write(fd, "cgroup.freeze", frozen ? "1" : "0") == 0;
    return file_write(fd, "freezer.state", frozen ? "FROZEN" : "THAWED") == 0;
}

/* The number after @key in "key number" lines, or after the start of the text when @key is "". */
static bool number_read(int fd, const char *file, const char *key, uint64_t *ret_number)
{
    char text[2048];
    if (fd < 0 || file_read(fd, file, text, sizeof(text)) <= 0)
        return false;
    size_t length = strlen(key);
    char *lines = text;
    for (char *line = piece_next(&lines, '\n'); line; line = piece_next(&lines, '\n')) {
        if (length && (strncmp(line, key, length) != 0 || line[length] != ' '))
            continue;
        uint64_t number = 0;
        const char *at = length ? line + length + 1 : line;
        if (*at < '0' || *at > '9')
            return false;
        for (; *at >= '0' && *at <= '9'; at++)
            number = number * 10 + (uint64_t)(*at - '0');
        *ret_number = number;
        return true;
    }
    return false;
}

void cgroup_run_usage(const struct cgroups *cgroups, const struct cgroup_run *run, uint64_t *cpu_ms,
                      uint64_t *peak_memory_bytes, bool *oom_killed)
{
    bool v2 = false;
    uint64_t number = 0;
    int fd = role_fd(cgroups, run, CGROUP_CPU_TIME, &v2);
    if (v2 && number_read(fd, "cpu.stat", "usage_usec", &number))
        *cpu_ms = number / 1000;
    else if (!v2 && number_read(fd, "cpuacct.usage", "", &number))
        *cpu_ms = number / 1000000;
    fd = role_fd(cgroups, run, CGROUP_MEMORY, &v2);
    if (number_read(fd, v2 ? "memory.peak" : "memory.max_usage_in_bytes", "", &number))
        *peak_memory_bytes = number;
    if (number_read(fd, v2 ? "memory.events" : "memory.oom_control", "oom_kill", &number))
        *oom_killed = number > 0;
}

void cgroup_run_remove(const struct cgroups *cgroups, struct cgroup_run *run)
{
    static const struct timespec pause = { 0, REMOVE_PAUSE_NS };
    for (int i = 0; i < cgroups->tree_count; i++) {
        if (run->fds[i] < 0)
            continue;
        close(run->fds[i]);
        run->fds[i] = -1;
        for (int tries = 0; tries < REMOVE_TRIES; tries++) {
            if (unlinkat(cgroups->trees[i].instance_fd, run->name, AT_REMOVEDIR) == 0 ||
                errno != EBUSY)
                break;
            nanosleep(&pause, NULL);
        }
    }
}
