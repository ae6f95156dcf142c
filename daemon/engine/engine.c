/* Owns: what every engine has in common: the bounds of a request, checked once, before any engine
 * sees it. */
#include "stint/engine.h"

#include <errno.h>
#include <string.h>

#include "local/wire.h"
#include "stint/auto.h"

const char *stint_engine_hold_name(enum stint_engine_hold hold)
{
    switch (hold) {
    case STINT_HOLD_NONE:
        return "none";
    case STINT_HOLD_PLAIN:
        return "plain";
    case STINT_HOLD_CGROUP_V1:
        return "cgroup-v1";
    case STINT_HOLD_CGROUP_V2:
        return "cgroup-v2";
    }
    return "unknown";
}

void stint_engine_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    engine->ops->report(engine, ret_report);
}

static bool key_is_valid(struct stint_run_key key)
{
    return key.job != 0 && key.job <= INT64_MAX && key.attempt != 0;
}

static bool path_is_valid(const char *path)
{
    return !path || (*path == '/' && strlen(path) < STINT_RUN_PATH_MAX);
}

/* The policy of users as the launcher will enforce it, said early so that the answer is a refusal.
 */
static int owner_check(struct stint_engine *engine, const struct stint_run_owner *owner,
                       struct stint_error *err)
{
    struct stint_engine_report report;
    stint_engine_report(engine, &report);
    if (owner->group_count > STINT_RUN_GROUP_MAX)
        return stint_fail(err, STINT_INVALID, "%zu supplementary groups, at most %d",
                          owner->group_count, STINT_RUN_GROUP_MAX);
    if (!report.separate_users)
        return 0;
    if (owner->uid == 0 && !report.root_allowed)
        return stint_fail(err, STINT_NOT_PERMITTED, "jobs never run as root here");
    if (owner->uid != 0 && owner->uid < report.min_uid)
        return stint_fail(err, STINT_NOT_PERMITTED, "uid %u is below min_uid %u",
                          (unsigned)owner->uid, (unsigned)report.min_uid);
    return 0;
}

static int start_check(const struct stint_run_start *start, struct stint_error *err)
{
    if (!key_is_valid(start->key))
        return stint_fail(err, STINT_INVALID, "not a run's key");
    if (!start->script && (!start->argv || !start->argv[0] || !*start->argv[0]))
        return stint_fail(err, STINT_INVALID, "neither a command nor a script");
    if (!path_is_valid(start->workdir) || !path_is_valid(start->stdout_path) ||
        !path_is_valid(start->stderr_path))
        return stint_fail(err, STINT_INVALID, "paths must be absolute and below %d bytes",
                          STINT_RUN_PATH_MAX);
    if (start->core_count > STINT_RUN_CORE_MAX || start->script_length > STINT_RUN_BODY_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "more cores or script than a start can carry");
    if (start->umask > 0777 || start->early_signal < 0 || start->early_signal > 64 ||
        start->walltime_ms > WIRE_OP_VALUE || start->grace_ms > WIRE_OP_VALUE ||
        start->early_ms > WIRE_OP_VALUE)
        return stint_fail(err, STINT_INVALID, "a number of the start is out of range");
    return 0;
}

int stint_engine_start(struct stint_engine *engine, const struct stint_run_start *start,
                       struct stint_error *err)
{
    int r = start_check(start, err);
    if (r == 0)
        r = owner_check(engine, &start->owner, err);
    return r ? r : engine->ops->start(engine, start, err);
}

int stint_engine_adopt(struct stint_engine *engine, struct stint_run_key key,
                       struct stint_error *err)
{
    if (!key_is_valid(key))
        return stint_fail(err, STINT_INVALID, "not a run's key");
    return engine->ops->adopt(engine, key, err);
}

int stint_engine_cancel(struct stint_engine *engine, struct stint_run_key key,
                        struct stint_error *err)
{
    return engine->ops->control(engine, key, WIRE_OP_CANCEL, 0, err);
}

int stint_engine_signal(struct stint_engine *engine, struct stint_run_key key, int signal_number,
                        struct stint_error *err)
{
    if (signal_number < 1 || signal_number > 64)
        return stint_fail(err, STINT_INVALID, "%d is not a signal", signal_number);
    return engine->ops->control(engine, key, WIRE_OP_SIGNAL, (uint64_t)signal_number, err);
}

int stint_engine_suspend(struct stint_engine *engine, struct stint_run_key key,
                         struct stint_error *err)
{
    return engine->ops->control(engine, key, WIRE_OP_SUSPEND, 0, err);
}

int stint_engine_resume(struct stint_engine *engine, struct stint_run_key key,
                        struct stint_error *err)
{
    return engine->ops->control(engine, key, WIRE_OP_RESUME, 0, err);
}

int stint_engine_set_walltime(struct stint_engine *engine, struct stint_run_key key,
                              uint64_t walltime_ms, struct stint_error *err)
{
    if (walltime_ms > WIRE_OP_VALUE)
        return stint_fail(err, STINT_INVALID, "the walltime is out of range");
    return engine->ops->control(engine, key, WIRE_OP_WALLTIME, walltime_ms, err);
}

int stint_engine_list(struct stint_engine *engine, struct stint_run_key **ret_keys,
                      size_t *ret_count)
{
    return engine->ops->list(engine, ret_keys, ret_count);
}

int stint_engine_forget(struct stint_engine *engine, struct stint_run_key key)
{
    return key_is_valid(key) ? engine->ops->forget(engine, key) : STINT_INVALID;
}

int stint_engine_open_output(struct stint_engine *engine, struct stint_run_key key,
                             const struct stint_run_owner *owner, enum stint_run_stream stream,
                             const char *path, stint_engine_open_fn done, void *ctx,
                             struct stint_error *err)
{
    if (!key_is_valid(key) || !path_is_valid(path))
        return stint_fail(err, STINT_INVALID, "not a run's key or not an absolute path");
    int r = owner_check(engine, owner, err);
    return r ? r : engine->ops->open_output(engine, key, owner, stream, path, done, ctx, err);
}

int stint_engine_run_tool(struct stint_engine *engine, const struct stint_tool_request *request,
                          stint_engine_tool_fn done, void *ctx, struct stint_error *err)
{
    int r = owner_check(engine, &request->owner, err);
    return r ? r : engine->ops->run_tool(engine, request, done, ctx, err);
}

void stint_engine_close(struct stint_engine *engine, void (*closed)(void *ctx), void *ctx)
{
    if (engine)
        engine->ops->close(engine, closed, ctx);
    else if (closed)
        closed(ctx);
}
