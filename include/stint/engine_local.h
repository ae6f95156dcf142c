/* The engine of this machine. main() starts the launcher FIRST, before it grows and before it gives
 * up privileges, and makes the engine once it has a loop. */
#ifndef STINT_ENGINE_LOCAL_H
#define STINT_ENGINE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "stint/engine.h"

/**
 * struct stint_launcher_options - what the launcher is told once, as arguments it enforces itself
 * @program: path of `stint-launcher`, absolute
 * @state: path of the daemon's state folder, absolute, existing; the launcher makes `runs` and
 * `jobs` in it. Job users must be able to pass through it (x)
 * @tool: path of the evaluator's program (`stint-evaluate`), absolute; NULL for none
 * @daemon_uid, @daemon_gid: whom the daemon becomes later; may read the run folders
 * @min_uid: uids below are refused (default 1000)
 * @allow_root: run jobs of uid 0; only for a private daemon that root starts by hand
 * @no_cgroups: use plain limits even where cgroups are writable (tests, odd hosts)
 * @no_cgroup_v2: use v1 alone (tests)
 */
struct stint_launcher_options {
    const char *program;
    const char *state;
    const char *tool;
    uid_t daemon_uid;
    gid_t daemon_gid;
    uint32_t min_uid;
    bool allow_root;
    bool no_cgroups;
    bool no_cgroup_v2;
};

/* A launcher that was started; -1 and 0 while there is none. */
struct stint_launcher {
    int socket; /* SOCK_SEQPACKET, close-on-exec, non-blocking */
    int pidfd;
    pid_t pid;
};

/**
 * stint_launcher_spawn() - start the launcher; call it before anything else
 * Waits for the launcher's first word (milliseconds), at most 10 s: the only call here that blocks.
 * Return: 0; a negative errno with @err saying which path or right was missing. Thread: the only
 * one.
 */
int stint_launcher_spawn(const struct stint_launcher_options *options,
                         struct stint_launcher *ret_launcher, struct stint_error *err);

/**
 * stint_launcher_find() - where `stint-launcher` is: the path of the running program's folder first
 * (the build tree: `engine/local/` beside it, or the same folder), then @libexecdir/stint
 * @ret_path: at least STINT_RUN_PATH_MAX bytes
 * Return: 0 or -ENOENT.
 */
int stint_launcher_find(const char *libexecdir, char *ret_path);

/* Close what is open of it; the launcher then exits and its supervisors go on. */
void stint_launcher_close(struct stint_launcher *launcher);

/**
 * stint_engine_local_new() - an engine on @loop that speaks with @launcher
 * @launcher: taken over, whatever is returned
 * @events: copied
 * Return: 0 or a negative errno. Close with stint_engine_close().
 */
int stint_engine_local_new(uv_loop_t *loop, const char *state, struct stint_launcher *launcher,
                           const struct stint_engine_events *events,
                           struct stint_engine **ret_engine, struct stint_error *err);

/**
 * stint_engine_local_keep() - from now on a launcher that dies is followed by another
 * @options: copied; its texts are borrowed and outlive the engine
 * The next one is started at once, or, when launchers die young, after 1 s, 2 s, … up to
 * STINT_LAUNCHER_PAUSE_MAX_MS; for ever. Starts that no launcher took end with `start_failed` and
 * -EPIPE: they have not happened and may be sent again. Not for a daemon that gave up the
 * privileges its first launcher has: its next one would lack them.
 * Cost: one posix_spawn(3) on the loop (under 1 ms, whatever the daemon's size); nothing waits.
 */
#define STINT_LAUNCHER_PAUSE_MAX_MS 60000
void stint_engine_local_keep(struct stint_engine *engine,
                             const struct stint_launcher_options *options);

#endif
