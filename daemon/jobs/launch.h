/* From a granted job to what the engine needs: owner, environment, devices, output files. */
#ifndef STINT_JOBS_LAUNCH_H
#define STINT_JOBS_LAUNCH_H

#include "stint/allocation.h"
#include "stint/engine.h"
#include "stint/request.h"

/**
 * struct launch - a stint_run_start and everything it borrows
 * Zero-initialise, launch_build(), hand &start to the engine, launch_deinit().
 */
struct launch {
    struct stint_run_start start;
    struct stint_request request;
    struct stint_buffer text; /* strings of the environment, one after the other */
    const char **env;
    uint32_t *cores;
    gid_t groups[STINT_RUN_GROUP_MAX];
    char user[64];
    char home[STINT_RUN_PATH_MAX];
    char stdout_path[STINT_RUN_PATH_MAX];
    char stderr_path[STINT_RUN_PATH_MAX];
    char cuda[512];
    char rocr[512];
    char ze[512];
};

/**
 * struct launch_facts - what is known of the job beside its request; borrowed
 * @spec: the stored request as JSON; @uses: JSON array of {kind,name,digest,path}
 * @script: text when the request has one
 * @ends_by_ms: wall clock end of the walltime
 */
struct launch_facts {
    struct stint_run_key key;
    uid_t uid;
    gid_t gid;
    const char *user;
    const char *project;
    const char *name;
    const char *spec;
    const char *uses;
    const char *script;
    size_t script_length;
    const struct stint_machine *machine;
    const struct stint_allocation *allocation;
    int64_t cpus;
    int64_t gpus;
    int64_t memory_bytes;
    int64_t walltime_s;
    int64_t ends_by_ms;
    int64_t grace_ms;
    int64_t process_limit;
};

/* Return: 0, STINT_INVALID (a stored request that does not read back, an output pattern that cannot
 * be filled), -ENOMEM. */
int launch_build(struct launch *launch, const struct launch_facts *facts, struct stint_error *err);
void launch_deinit(struct launch *launch);

/* Who @uid is to the system: primary and supplementary groups, home; a uid without an entry is its
 * own group. Asks NSS once for each uid and keeps the answer for @owner_age_s: a name service must
 * not be asked for each of a thousand starts. */
void launch_owner(struct launch *launch, uid_t uid, gid_t gid, const char *user);

#endif
