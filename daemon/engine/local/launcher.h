/* What the files of `stint-launcher` share. The launcher is one static program without allocation,
 * stdio or threads: a fork server whose few pages make a fork cheap (a page fault costs ten times a
 * system call). Its forks never execute another program of ours:
 *
 *   launcher ─ fork ─→ seat (seat.c) ─ clone ─→ supervisor (supervisor.c): parent of one run's
 *            │                                    processes, outlives everybody
 *            ─ fork ─→ opener    (errand.c): becomes the user, opens a file, sends the descriptor
 *            ─ fork ─→ keeper    (errand.c): runs the evaluator as the user, ends with the launcher
 *
 * All state is this one struct, filled at start and never changed by a message. */
#ifndef STINT_ENGINE_LAUNCHER_H
#define STINT_ENGINE_LAUNCHER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "wire.h"

/* Carries a control to a supervisor: enum wire_op and its argument in the signal's value. */
#define CONTROL_SIGNAL (SIGRTMIN + 5)

struct launcher {
    int socket;
    int state_fd;
    int runs_fd;
    int jobs_fd;
    int lock_fd;
    const char *state_path;
    const char *tool;
    pid_t pid;
    pid_t seat;          /* in a seat and in its supervisor */
    uint64_t started_ms; /* CLOCK_BOOTTIME */
    uint64_t spare;      /* of the start at hand, 0: none; used in forks only */
    uid_t own_uid;
    gid_t own_gid;
    uid_t daemon_uid;
    gid_t daemon_gid;
    uint32_t min_uid;
    bool allow_root;
    char boot_id[WIRE_BOOT_ID_BYTES];
    struct cgroups cgroups;
    struct wire_body body; /* of the request at hand; used in forks only */
};
extern struct launcher launcher;

/* A request as it was received; descriptors are closed by the receiver. */
struct request {
    struct wire_message message;
    int fds[WIRE_FD_MAX];
    int fd_count;
};

/* request.c: what every fork does first. */
/* Map and check the sealed body in @fd into launcher.body, and the policy of who may run. 0 or a
 * negative errno (-EPROTO, -EPERM, …). */
int request_body(int fd);
void body_release(void); /* what was mapped last */
/* Send; @fd is -1 for none. Waits at most a few seconds for a daemon that does not read. */
void request_answer(const struct wire_message *message, int fd);
/* Become the body's owner for good: groups, gid, uid. 0 or a negative errno. */
int owner_become(void);

/* run_folder.c */
#define RUN_RECORD_NAME "record"
#define RUN_SCRIPT_NAME "script"
/* The lock of this state folder, held until the process ends; a descriptor, -EBUSY or another. */
int lock_take(int wait_ms);
/* 0 with the folder's descriptor; -EEXIST: the run was started before. */
int run_folder_make(struct stint_run_key key, int *ret_fd);
int run_folder_open(struct stint_run_key key, int *ret_fd); /* 0, -ENOENT, … */
void run_folder_remove(struct stint_run_key key);
/* Creates `record` with @record, synced; 0 with its descriptor, or a negative errno. */
int run_record_make(int folder_fd, struct wire_record *record, int *ret_fd);
/* The same in a folder that had one: in place, not synced. */
int run_record_reuse(int folder_fd, struct wire_record *record, int *ret_fd);
int run_record_write(int record_fd, struct wire_record *record); /* in place, not synced */
int run_record_read(int folder_fd, struct stint_run_key key, struct wire_record *ret_record);
/* The script as an executable file of the owner's, and its path for execve(). */
int run_script_write(int folder_fd, const char *text, size_t length);
void run_script_path(struct stint_run_key key, char *path, size_t size);
/* The job's own folder, made for the owner if it is not there. 0 with its descriptor and path. */
int job_folder_open(struct stint_run_key key, bool make, int *ret_fd);
void job_folder_path(struct stint_run_key key, char *path, size_t size);

/* spare.c: the first four are the launcher's, the others a supervisor's. */
void spares_clear(void);                   /* what an earlier launcher kept */
bool spare_keep(struct stint_run_key key); /* false: not kept, and still there */
uint64_t spare_take(void);                 /* 0: there is none */
void spare_return(uint64_t spare);         /* nobody was forked for it */
void spare_drop(uint64_t spare);           /* removed; 0 is nothing */
/* Makes it the folder of @record's run, with @record in it. 0 with both descriptors; -EEXIST: the
 * run was started before; or another negative errno. After an error the spare is gone. */
int spare_use(uint64_t spare, struct wire_record *record, int *ret_folder_fd, int *ret_record_fd);

/* job.c: the child between fork and exec. */
struct job_failure {
    int32_t code;
    int32_t exit_status; /* as a shell has it: 127 there is no such program, 126 any other cause */
    char text[STINT_RUN_TEXT_MAX];
};
/* What the child is told; it fills in @failure, or never comes back. @parent is the supervisor,
 * without which nothing runs. */
struct job_start {
    struct stint_run_key key;
    pid_t parent;
    const struct cgroup_run *cgroup;
    const uint8_t *hold;
    struct job_failure *failure;
};
/* Opens output, becomes the owner, executes; comes back only with the failure filled in. May run in
 * the supervisor's own memory. */
void job_exec(const struct job_start *start);
int job_open_output(int folder_fd, const char *path, const char *name, int flags);

/* seat.c: for the launcher, but the last two. */
int seats_open(void);                     /* 0 or a negative errno */
bool seats_wait(void);                    /* true when the daemon's socket can be read */
int seats_start(struct request *request); /* 0; -EAGAIN: all are in use; or another errno */
void seats_end(void);                     /* the last act */
void seats_leave(void);                   /* in a fork: others' channels are not to be kept open */
bool seat_is_there(void);                 /* in a supervisor: its seat will clear up */

/* supervisor.c */
void supervisor_settle(void); /* signals and session of a fork that supervises */
/* What a run that has ended leaves: its record goes to the disk, its groups and this memory are
 * cleared. False when the launcher is gone. */
bool supervisor_clear(void);

/* supervisor.c, errand.c: never return. */
_Noreturn void supervisor_run(struct request *request);
_Noreturn void opener_run(struct request *request);
_Noreturn void keeper_run(struct request *request);

/* plain.c: small things over system calls. */
uint64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);
/* Whole small file as text into @text, NUL-terminated; its length or a negative errno. */
ssize_t file_read(int dir_fd, const char *name, char *text, size_t size);
int file_write(int dir_fd, const char *name, const char *text); /* existing file; 0 or -errno */
uint64_t process_ticks(pid_t pid);                              /* 0: no such process */
/* Appends as much of @more as fits; returns @text. */
char *text_add(char *text, size_t size, const char *more);
char *text_add_number(char *text, size_t size, uint64_t number);
/* Sends @signal_number to every child; how many there were. @spare_forks leaves out supervisors.
 * The caller must not reap meanwhile, and must not ignore SIGCHLD, so that a pid stays its child's.
 */
int children_signal(int signal_number, bool spare_forks);
void signals_reset(void);
/* fork() without glibc's handlers; @ret_pidfd may be NULL. The pid, 0 in the child, or a negative
 * errno. */
pid_t process_fork(int *ret_pidfd);
/* Calls @child in a new process, made straight in cgroup @cgroup_fd when it is >= 0, and comes back
 * when that has executed a program or is gone: with its pid, or a negative errno. With
 * @lends_memory the child runs in the caller's own memory meanwhile (vfork(2)), so that no copy of
 * it is made and thrown away; where process_can_lend() says no, it must be false. */
pid_t process_run(bool lends_memory, int cgroup_fd, void (*child)(void *context), void *context);
bool process_can_lend(void);

#endif
