/* Owns: the environment and the files of a job (INTERFACE §2, "In the job"). Simulated GPUs are
 * never given as device variables of a real card (issue: they carry "simulated" everywhere), and a
 * job without GPUs sees none. */
#include "launch.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pattern.h"
#include "stint/measure.h"

#define LAUNCH_ENV_EXTRA 64 /* variables of ours: a dozen, and one for each use */

/* ---- environment
 * --------------------------------------------------------------------------------------------------
 */

/* The strings lie in one buffer that may move while it grows; offsets are turned into pointers at
 * the end. */
struct environment {
    struct stint_buffer *text;
    size_t offsets[STINT_REQUEST_ENV_MAX + LAUNCH_ENV_EXTRA + 2 * STINT_REQUEST_USES_MAX];
    size_t count;
};

static void environment_begin(struct environment *environment)
{
    if (environment->count < STINT_ARRAY_SIZE(environment->offsets))
        environment->offsets[environment->count++] = environment->text->length;
}

static void environment_end(struct environment *environment)
{
    stint_buffer_add(environment->text, "", 1);
}

static void environment_text(struct environment *environment, const char *name, const char *value)
{
    environment_begin(environment);
    stint_buffer_printf(environment->text, "%s=%s", name, value);
    environment_end(environment);
}

static void environment_int(struct environment *environment, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    environment_text(environment, name, text);
}

/* STINT_MODEL_<NAME>: the last part of the name in capitals, other characters than letters and
 * digits as '_'. */
static void environment_use(struct environment *environment, const char *kind, const char *name,
                            const char *path)
{
    const char *prefix = strcmp(kind, "model") == 0     ? "STINT_MODEL_"
                         : strcmp(kind, "dataset") == 0 ? "STINT_DATA_"
                                                        : "STINT_CODE_";
    const char *last = strrchr(name, '/');
    environment_begin(environment);
    stint_buffer_add_text(environment->text, prefix);
    for (const char *c = last ? last + 1 : name; *c && *c != '@'; c++)
        stint_buffer_add_char(environment->text,
                              isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_');
    stint_buffer_printf(environment->text, "=%s", path);
    environment_end(environment);
}

static int environment_uses(struct environment *environment, const char *uses)
{
    json_t *list = json_loads(uses, JSON_REJECT_DUPLICATES, NULL);
    size_t i;
    json_t *use;
    if (!json_is_array(list)) {
        json_decref(list);
        return STINT_INVALID;
    }
    json_array_foreach(list, i, use)
    {
        const char *kind = json_string_value(json_object_get(use, "kind"));
        const char *name = json_string_value(json_object_get(use, "name"));
        const char *path = json_string_value(json_object_get(use, "path"));
        if (i < STINT_REQUEST_USES_MAX && kind && name && path)
            environment_use(environment, kind, name, path);
    }
    json_decref(list);
    return 0;
}

static int launch_environment(struct launch *launch, const struct launch_facts *facts,
                              struct stint_error *err)
{
    struct environment environment = { .text = &launch->text };
    char when[40];
    for (char **own = launch->request.env; own && *own; own++) {
        environment_begin(&environment);
        stint_buffer_add_text(&launch->text, *own);
        environment_end(&environment);
    }
    environment_int(&environment, "STINT_JOB_ID", (int64_t)facts->key.job);
    if (launch->request.array)
        environment_int(&environment, "STINT_ARRAY_TASK_ID", facts->key.task);
    environment_text(&environment, "STINT_PROJECT", facts->project);
    environment_int(&environment, "STINT_CPUS", facts->cpus);
    environment_int(&environment, "STINT_GPUS", facts->gpus);
    environment_int(&environment, "STINT_MEMORY_BYTES", facts->memory_bytes);
    environment_int(&environment, "OMP_NUM_THREADS", facts->cpus);
    environment_text(&environment, "STINT_END_TIME",
                     stint_instant_format(facts->ends_by_ms, when, sizeof(when)));
    if (environment_uses(&environment, facts->uses) != 0)
        return stint_fail(err, STINT_INVALID, "the stored uses of job %" PRIu64 " do not read back",
                          facts->key.job);
    launch->env = calloc(environment.count + 1, sizeof(*launch->env));
    if (!launch->env || launch->text.failed)
        return -ENOMEM;
    for (size_t i = 0; i < environment.count; i++)
        launch->env[i] = launch->text.data + environment.offsets[i];
    return 0;
}

/* ---- cores and devices
 * -------------------------------------------------------------------------------------------- */

static int launch_cores(struct launch *launch, const struct launch_facts *facts)
{
    const struct stint_grant *grant = &facts->allocation->grants[0];
    const struct stint_shape *shape = facts->machine->nodes[grant->node].shape;
    size_t count = 0;
    launch->cores = calloc(shape->pu_count + 1, sizeof(*launch->cores));
    if (!launch->cores)
        return -ENOMEM;
    for (uint32_t core = 0; core < shape->core_count; core++) {
        if (!stint_bit_has(grant->cores, core))
            continue;
        for (uint32_t pu = 0; pu < shape->cores[core].pu_count && count < STINT_RUN_CORE_MAX; pu++)
            launch->cores[count++] = shape->pus[shape->cores[core].pu_first + pu];
    }
    launch->start.cores = launch->cores;
    launch->start.core_count = count;
    launch->start.cores_foreign = !facts->machine->is_this_system;
    return 0;
}

static void add_device(char *list, size_t size, int32_t device)
{
    size_t length = strlen(list);
    (void)snprintf(list + length, size - length, "%s%" PRId32, length ? "," : "", device);
}

static void launch_devices(struct launch *launch, const struct launch_facts *facts)
{
    const struct stint_grant *grant = &facts->allocation->grants[0];
    const struct stint_shape *shape = facts->machine->nodes[grant->node].shape;
    for (uint32_t slot = 0; slot < shape->gpu_count; slot++) {
        const struct stint_gpu *gpu = &shape->gpus[slot];
        if (!(grant->gpus >> slot & 1) || gpu->is_simulated || gpu->device < 0)
            continue;
        if (gpu->vendor == STINT_GPU_NVIDIA)
            add_device(launch->cuda, sizeof(launch->cuda), gpu->device);
        else if (gpu->vendor == STINT_GPU_AMD)
            add_device(launch->rocr, sizeof(launch->rocr), gpu->device);
        else if (gpu->vendor == STINT_GPU_INTEL)
            add_device(launch->ze, sizeof(launch->ze), gpu->device);
    }
    launch->start.cuda_visible = launch->cuda[0] ? launch->cuda : NULL;
    launch->start.rocr_visible = launch->rocr[0] ? launch->rocr : NULL;
    launch->start.ze_mask = launch->ze[0] ? launch->ze : NULL;
}

/* ---- owner and files
 * ---------------------------------------------------------------------------------------------- */

#define OWNER_CACHE_MAX 64
#define OWNER_AGE_S     60

struct owner_entry {
    uid_t uid;
    gid_t gid;
    int group_count;
    time_t asked;
    bool is_known;
    gid_t groups[STINT_RUN_GROUP_MAX];
    char home[1024];
};

static struct owner_entry owner_cache[OWNER_CACHE_MAX];

static void owner_ask(struct owner_entry *entry, uid_t uid, time_t now)
{
    struct passwd passwd;
    struct passwd *found = NULL;
    char text[4096];
    memset(entry, 0, sizeof(*entry));
    entry->uid = uid;
    entry->asked = now;
    if (getpwuid_r(uid, &passwd, text, sizeof(text), &found) != 0 || !found)
        return;
    entry->is_known = true;
    entry->gid = found->pw_gid;
    entry->group_count = STINT_RUN_GROUP_MAX;
    if (getgrouplist(found->pw_name, found->pw_gid, entry->groups, &entry->group_count) < 0)
        entry->group_count = STINT_RUN_GROUP_MAX; /* more groups than we carry: the first ones */
    (void)snprintf(entry->home, sizeof(entry->home), "%s", found->pw_dir);
}

static const struct owner_entry *owner_find(uid_t uid)
{
    struct timespec now;
    struct owner_entry *oldest = &owner_cache[0];
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (size_t i = 0; i < OWNER_CACHE_MAX; i++) {
        struct owner_entry *entry = &owner_cache[i];
        if (entry->asked != 0 && entry->uid == uid && now.tv_sec - entry->asked < OWNER_AGE_S)
            return entry;
        if (entry->asked < oldest->asked)
            oldest = entry;
    }
    owner_ask(oldest, uid, now.tv_sec + 1);
    return oldest;
}

void launch_owner(struct launch *launch, uid_t uid, gid_t gid, const char *user)
{
    const struct owner_entry *entry = owner_find(uid);
    struct stint_run_owner *owner = &launch->start.owner;
    (void)snprintf(launch->user, sizeof(launch->user), "%s", user);
    owner->uid = uid;
    owner->gid = entry->is_known ? entry->gid : gid;
    owner->groups = launch->groups;
    owner->user = launch->user;
    if (!entry->is_known) {
        launch->groups[0] = gid;
        owner->group_count = 1;
        return;
    }
    memcpy(launch->groups, entry->groups, sizeof(launch->groups));
    owner->group_count = (size_t)entry->group_count;
    (void)snprintf(launch->home, sizeof(launch->home), "%s", entry->home);
    owner->home = launch->home;
}

static int launch_output(const struct launch_facts *facts, const struct launch *launch,
                         const char *pattern, char *path, struct stint_error *err)
{
    int r = pattern_expand(pattern, launch->request.workdir, facts->key.job, facts->key.task,
                           facts->name, facts->user, path, STINT_RUN_PATH_MAX);
    if (r != 0)
        return stint_fail(err, STINT_INVALID, "output '%.200s': %s", pattern,
                          r == -EINVAL ? "an unknown % letter, or relative without a working folder"
                                       : "longer than a path can be");
    return 0;
}

static int launch_files(struct launch *launch, const struct launch_facts *facts,
                        struct stint_error *err)
{
    struct stint_run_start *start = &launch->start;
    int r = 0;
    start->workdir = launch->request.workdir;
    if (launch->request.output) {
        r = launch_output(facts, launch, launch->request.output, launch->stdout_path, err);
        start->stdout_path = launch->stdout_path;
    }
    if (r == 0 && launch->request.error) {
        r = launch_output(facts, launch, launch->request.error, launch->stderr_path, err);
        start->stderr_path = launch->stderr_path;
    }
    return r;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------------------
 */

static int launch_request(struct launch *launch, const struct launch_facts *facts,
                          struct stint_error *err)
{
    json_t *json = json_loads(facts->spec, JSON_REJECT_DUPLICATES, NULL);
    int r = json ? stint_request_parse_stored(json, &launch->request, err)
                 : stint_fail(err, STINT_INVALID,
                              "the stored request of job %" PRIu64 " is not JSON", facts->key.job);
    json_decref(json);
    return r;
}

int launch_build(struct launch *launch, const struct launch_facts *facts, struct stint_error *err)
{
    struct stint_run_start *start = &launch->start;
    int r = launch_request(launch, facts, err);
    if (r == 0)
        r = launch_environment(launch, facts, err);
    if (r == 0)
        r = launch_cores(launch, facts);
    if (r == 0)
        r = launch_files(launch, facts, err);
    if (r != 0)
        return r;
    launch_devices(launch, facts);
    launch_owner(launch, facts->uid, facts->gid, facts->user);
    start->key = facts->key;
    start->argv = (const char *const *)launch->request.words;
    start->script = facts->script;
    start->script_length = facts->script_length;
    start->env = launch->env;
    start->memory_bytes = (uint64_t)facts->memory_bytes;
    start->process_max = (uint32_t)facts->process_limit;
    start->walltime_ms = (uint64_t)facts->walltime_s * 1000;
    start->grace_ms = (uint64_t)facts->grace_ms;
    start->early_signal = launch->request.signal_number;
    start->early_ms = (uint64_t)launch->request.signal_before_s * 1000;
    start->umask = 022;
    return 0;
}

void launch_deinit(struct launch *launch)
{
    stint_request_deinit(&launch->request);
    stint_buffer_deinit(&launch->text);
    free(launch->env);
    free(launch->cores);
}
