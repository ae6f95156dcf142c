/* What this host offers to hold a run together: one table of roles, each bound to a cgroup v2 tree,
 * a v1 tree, or nothing, found once at the launcher's start by file-system type and mountinfo,
 * never by a path that is usual somewhere. On a hybrid host a v2 tree without controllers still
 * kills, freezes and counts CPU time, so it is made for every run. Source: Linux
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/. */
#ifndef STINT_ENGINE_CGROUP_H
#define STINT_ENGINE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

#define CGROUP_TREE_MAX 6

enum cgroup_role {
    CGROUP_MEMORY,
    CGROUP_PIDS,
    CGROUP_CPUSET,
    CGROUP_FREEZER, /* v2: core */
    CGROUP_KILL,    /* v2: cgroup.kill, core; v1: by the freezer */
    CGROUP_CPU_TIME,
    CGROUP_ROLE_COUNT
};

struct cgroup_tree {
    int parent_fd;   /* our own group */
    int instance_fd; /* the folder of all runs of this state folder */
    bool v2;
    uint32_t roles; /* bits of enum cgroup_role bound here */
};

struct cgroups {
    struct cgroup_tree trees[CGROUP_TREE_MAX];
    int tree_count;
    int bound[CGROUP_ROLE_COUNT]; /* index of a tree, or -1 */
    char instance[48];
};

/* The folders of one run; -1 where there is none. */
struct cgroup_run {
    int fds[CGROUP_TREE_MAX];
    char name[STINT_RUN_KEY_TEXT];
};

/* Binds what can be bound, v1 alone without @v2; nothing bound is no error. @instance names the
 * folder of all runs. */
void cgroups_find(struct cgroups *cgroups, const char *instance, bool v2);
void cgroups_none(struct cgroups *cgroups);
void cgroups_leave(struct cgroups *cgroups); /* removes the instance's folders if they are empty */
enum stint_engine_hold cgroups_hold(const struct cgroups *cgroups, enum cgroup_role role);

/* Makes the folders a run with these limits needs; a limit that could not be set is left out of
 * @hold. 0, or a negative errno when a folder could not be made at all. */
int cgroup_run_make(struct cgroups *cgroups, struct stint_run_key key, const struct wire_body *body,
                    struct cgroup_run *run, uint8_t *hold);
/* Finds the folders of a run again, for cleaning up. */
void cgroup_run_open(const struct cgroups *cgroups, struct stint_run_key key,
                     struct cgroup_run *run);
/* The v2 folder to clone into, or -1. */
int cgroup_run_clone_fd(const struct cgroups *cgroups, const struct cgroup_run *run);
/* Moves the caller into the v1 folders. 0 or a negative errno. */
int cgroup_run_enter(const struct cgroups *cgroups, const struct cgroup_run *run);
/* True when it was possible. */
bool cgroup_run_kill(const struct cgroups *cgroups, const struct cgroup_run *run);
bool cgroup_run_freeze(const struct cgroups *cgroups, const struct cgroup_run *run, bool frozen);
/* Fills what is counted here and leaves the rest alone. */
void cgroup_run_usage(const struct cgroups *cgroups, const struct cgroup_run *run, uint64_t *cpu_ms,
                      uint64_t *peak_memory_bytes, bool *oom_killed);
/* Closes and removes; waits a moment for the kernel to let go of the last process. */
void cgroup_run_remove(const struct cgroups *cgroups, struct cgroup_run *run);

#endif
