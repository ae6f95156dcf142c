/* Owns: the local engine as the daemon holds it: its table of operations, its handles, its end. */
#include "local.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stint/log.h"

#define ENV_ADDED_MAX 10
#define PATH_DEFAULT  "PATH=/usr/local/bin:/usr/bin:/bin"

static struct local *local_of(struct stint_engine *engine)
{
    return stint_container_of(engine, struct local, base);
}

static void local_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    *ret_report = local_of(engine)->report;
    local_keep_report(local_of(engine), ret_report);
}

/* The environment a job gets: the caller's, less what the engine alone may set, and the rest. */
struct environment {
    const char **entries;
    size_t count;
    char output[STINT_RUN_PATH_MAX + 32];
    char cuda[1024];
    char rocr[1024];
    char ze[1024];
    char home[STINT_RUN_PATH_MAX];
    char user[300];
    char logname[300];
};

static bool env_is(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool env_has(const struct environment *env, const char *name)
{
    for (size_t i = 0; i < env->count; i++)
        if (env_is(env->entries[i], name))
            return true;
    return false;
}

static void env_put(struct environment *env, char *space, size_t size, const char *name,
                    const char *value)
{
    int length = snprintf(space, size, "%s=%s", name, value);
    if (length > 0 && (size_t)length < size)
        env->entries[env->count++] = space;
}

static void env_put_missing(struct environment *env, char *space, size_t size, const char *name,
                            const char *value)
{
    if (value && !env_has(env, name))
        env_put(env, space, size, name, value);
}

static void env_output_folder(const struct local *engine, struct stint_run_key key, char *path,
                              size_t size)
{
    char name[STINT_RUN_KEY_TEXT];
    (void)snprintf(path, size, "%s/jobs/%s", engine->state, wire_job_name(key, name));
}

static int environment_make(const struct local *engine, const struct stint_run_start *start,
                            struct environment *env)
{
    static const char *const ours[] = { "STINT_OUTPUT_DIR", "CUDA_VISIBLE_DEVICES",
                                        "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK" };
    char folder[STINT_RUN_PATH_MAX];
    size_t given = 0;
    while (start->env && start->env[given] && given <= STINT_RUN_ENV_MAX)
        given++;
    if (given > STINT_RUN_ENV_MAX - ENV_ADDED_MAX)
        return STINT_TOO_LARGE;
    env->entries = calloc(given + ENV_ADDED_MAX + 1, sizeof(*env->entries));
    if (!env->entries)
        return -ENOMEM;
    for (size_t i = 0; i < given; i++) {
        bool own = !strchr(start->env[i], '=');
        for (size_t k = 0; k < STINT_ARRAY_SIZE(ours); k++)
            own = own || env_is(start->env[i], ours[k]);
        if (!own)
            env->entries[env->count++] = start->env[i];
    }
    env_output_folder(engine, start->key, folder, sizeof(folder));
    env_put(env, env->output, sizeof(env->output), ours[0], folder);
    env_put(env, env->cuda, sizeof(env->cuda), ours[1],
            start->cuda_visible ? start->cuda_visible : "");
    env_put(env, env->rocr, sizeof(env->rocr), ours[2],
            start->rocr_visible ? start->rocr_visible : "");
    env_put(env, env->ze, sizeof(env->ze), ours[3], start->ze_mask ? start->ze_mask : "");
    env_put_missing(env, env->home, sizeof(env->home), "HOME", start->owner.home);
    env_put_missing(env, env->user, sizeof(env->user), "USER", start->owner.user);
    env_put_missing(env, env->logname, sizeof(env->logname), "LOGNAME", start->owner.user);
    if (!env_has(env, "PATH"))
        env->entries[env->count++] = PATH_DEFAULT;
    if (!env_has(env, "SHELL"))
        env->entries[env->count++] = "SHELL=/bin/sh";
    return 0;
}

static void body_fill(const struct stint_run_start *start, struct wire_body_source *source)
{
    struct wire_body_head *head = &source->head;
    local_owner_put(&start->owner, source);
    head->umask = start->umask;
    head->flags = (start->script ? WIRE_BODY_HAS_SCRIPT : 0) |
                  (start->cores_foreign ? WIRE_BODY_CORES_FOREIGN : 0);
    head->walltime_ms = start->walltime_ms;
    head->grace_ms = start->grace_ms;
    head->early_ms = start->early_ms;
    head->early_signal = (uint32_t)start->early_signal;
    head->memory_bytes = start->memory_bytes;
    head->process_max = start->process_max;
    head->core_count = (uint32_t)start->core_count;
    head->script_length = start->script ? (uint32_t)start->script_length : 0;
    source->cores = start->cores;
    source->workdir = start->workdir;
    source->stdout_path = start->stdout_path;
    source->stderr_path = start->stderr_path;
    source->argv = start->argv;
    source->script = start->script;
}

static int start_body(const struct local *engine, const struct stint_run_start *start, int *ret_fd)
{
    struct wire_body_source source = { 0 };
    struct environment env = { 0 };
    int r = environment_make(engine, start, &env);
    if (r == 0) {
        body_fill(start, &source);
        source.env = env.entries;
        r = local_body_make(&source, ret_fd);
    }
    free(env.entries);
    return r;
}

static int local_start(struct stint_engine *engine, const struct stint_run_start *start,
                       struct stint_error *err)
{
    struct local *local = local_of(engine);
    struct local_run *run = NULL;
    struct wire_message message;
    int fd = -1;
    if (local_run_find(local, start->key))
        return stint_fail(err, STINT_CONFLICT, "the run is held already");
    int r = start_body(local, start, &fd);
    if (r != 0)
        return stint_fail(err, r, "the start cannot be written down: a bound is broken");
    if ((r = local_run_new(local, start->key, LOCAL_SENT, &run)) != 0) {
        close(fd);
        return stint_fail(err, r, "the engine holds %d runs", STINT_ENGINE_RUN_MAX);
    }
    wire_message_init(&message, WIRE_START, start->key);
    if ((r = local_send(local, &message, &fd, 1)) != 0) {
        local_run_drop(run);
        return stint_fail(err, r, "the launcher takes nothing now");
    }
    return 0;
}

static int local_adopt(struct stint_engine *engine, struct stint_run_key key,
                       struct stint_error *err)
{
    struct local *local = local_of(engine);
    struct local_run *run = NULL;
    char name[STINT_RUN_KEY_TEXT];
    if (local_run_find(local, key))
        return stint_fail(err, STINT_CONFLICT, "the run is held already");
    if (faccessat(local->runs_fd, wire_run_name(key, name), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return stint_fail(err, STINT_NOT_FOUND, "no such run was started");
    int r = local_run_new(local, key, LOCAL_LOOKING, &run);
    if (r != 0)
        return stint_fail(err, r, "the engine holds %d runs", STINT_ENGINE_RUN_MAX);
    local_run_look_begin(run);
    return 0;
}

static int local_control(struct stint_engine *engine, struct stint_run_key key, int op,
                         uint64_t value, struct stint_error *err)
{
    struct local *local = local_of(engine);
    struct local_run *run = local_run_find(local, key);
    struct wire_message message;
    if (!run || run->state == LOCAL_OVER)
        return stint_fail(err, STINT_NOT_FOUND, "the run is not held");
    if (local->report.away && !local->has_keeping)
        return stint_fail(err, -EPIPE, "the launcher is gone");
    if (run->state != LOCAL_RUNNING) {
        if (run->pending_count == LOCAL_PENDING_MAX)
            return stint_fail(err, STINT_BUSY, "the run has not started yet");
        run->pending[run->pending_count++] = (struct local_control){ (enum wire_op)op, value };
        return 0;
    }
    wire_message_init(&message, WIRE_CONTROL, key);
    message.value = (uint64_t)op;
    message.value2 = value;
    int r = local_send(local, &message, NULL, 0);
    return r ? stint_fail(err, r, "the launcher takes nothing now") : 0;
}

static int local_list(struct stint_engine *engine, struct stint_run_key **ret_keys,
                      size_t *ret_count)
{
    struct local *local = local_of(engine);
    struct stint_run_key *keys = NULL;
    struct stint_run_key key;
    size_t count = 0;
    size_t room = 0;
    int fd = openat(local->runs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return -errno;
    for (struct dirent *entry = NULL; (entry = readdir(folder));) {
        if (!wire_key_read(entry->d_name, &key))
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            struct stint_run_key *more = realloc(keys, room * sizeof(*keys));
            if (!more) {
                free(keys);
                closedir(folder);
                return -ENOMEM;
            }
            keys = more;
        }
        keys[count++] = key;
    }
    closedir(folder);
    *ret_keys = keys;
    *ret_count = count;
    return 0;
}

static int local_forget(struct stint_engine *engine, struct stint_run_key key)
{
    struct local *local = local_of(engine);
    struct wire_message message;
    if (local_run_find(local, key))
        return STINT_WRONG_STATE;
    wire_message_init(&message, WIRE_FORGET, key);
    return local_send(local, &message, NULL, 0);
}

static void engine_free(struct local *engine)
{
    void (*closed)(void *ctx) = engine->closed;
    void *ctx = engine->closed_ctx;
    if (engine->runs_fd >= 0)
        close(engine->runs_fd);
    free(engine->state);
    free(engine);
    if (closed)
        closed(ctx);
}

void local_handle_closed(struct local *engine)
{
    if (--engine->handles == 0 && engine->closing)
        engine_free(engine);
}

static void engine_on_closed(uv_handle_t *handle)
{
    struct local *engine = handle->data;
    if (handle == (uv_handle_t *)&engine->socket_poll)
        close(engine->launcher.socket);
    else if (handle == (uv_handle_t *)&engine->launcher_poll)
        close(engine->launcher.pidfd);
    local_handle_closed(engine);
}

/* Not those that keep.c has closed already. */
static void engine_polls_close(struct local *engine)
{
    if (!local_keep_close(engine))
        return;
    uv_close((uv_handle_t *)&engine->socket_poll, engine_on_closed);
    uv_close((uv_handle_t *)&engine->launcher_poll, engine_on_closed);
}

static void local_close(struct stint_engine *engine, void (*closed)(void *ctx), void *ctx)
{
    struct local *local = local_of(engine);
    local_link_flush(local); /* what was promised and fits; the rest is asked again after a start */
    local_calls_fail(local, -ECANCELED);
    local->closing = true;
    local->closed = closed;
    local->closed_ctx = ctx;
    local_link_drop(local);
    for (size_t i = 0; i < LOCAL_BUCKETS; i++)
        while (local->runs[i])
            local_run_drop(local->runs[i]);
    engine_polls_close(local);
    uv_close((uv_handle_t *)&local->timer, engine_on_closed);
}

static const struct stint_engine_ops local_ops = {
    .name = "local",
    .report = local_report,
    .start = local_start,
    .adopt = local_adopt,
    .control = local_control,
    .list = local_list,
    .forget = local_forget,
    .open_output = local_open_output,
    .run_tool = local_run_tool,
    .close = local_close,
};

static void launcher_on_gone(uv_poll_t *poll, int status, int events)
{
    struct local *engine = poll->data;
    bool was_away = engine->report.away;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    (void)waitpid(engine->launcher.pid, NULL, WNOHANG);
    engine->report.away = true;
    engine->report.launcher_deaths++;
    engine->keeping.is_gone = true;
    local_receive(engine);
    if (!was_away && engine->events.on_away)
        engine->events.on_away(engine->events.ctx, "the launcher ended");
    local_keep_gone(engine);
}

static int boot_id_read(char *boot_id)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, boot_id, WIRE_BOOT_ID_BYTES - 1);
    close(fd);
    if (got <= 0)
        return -EIO;
    boot_id[strcspn(boot_id, "\n")] = '\0';
    return 0;
}

void local_report_take(struct local *engine, const struct wire_message *hello)
{
    struct stint_engine_report *report = &engine->report;
    report->memory = (enum stint_engine_hold)hello->hold[WIRE_HOLD_MEMORY];
    report->processes = (enum stint_engine_hold)hello->hold[WIRE_HOLD_PROCESSES];
    report->cores = (enum stint_engine_hold)hello->hold[WIRE_HOLD_CORES];
    report->kill = (enum stint_engine_hold)hello->hold[WIRE_HOLD_KILL];
    report->freeze = (enum stint_engine_hold)hello->hold[WIRE_HOLD_FREEZE];
    report->cpu_time = (enum stint_engine_hold)hello->hold[WIRE_HOLD_CPU_TIME];
    report->separate_users = hello->value & WIRE_HELLO_SEPARATE_USERS;
    report->root_allowed = hello->value & WIRE_HELLO_ROOT_ALLOWED;
    report->min_uid = (uint32_t)hello->value2;
    engine->has_tool = hello->value & WIRE_HELLO_TOOL;
}

/* The launcher said hello before stint_launcher_spawn() returned. */
static int hello_read(struct local *engine)
{
    struct wire_message hello;
    ssize_t got = recv(engine->launcher.socket, &hello, sizeof(hello), MSG_DONTWAIT);
    if (got < 0)
        return -errno;
    if (wire_message_check(&hello, (size_t)got) != 0 || hello.kind != WIRE_HELLO)
        return -EPROTO;
    local_report_take(engine, &hello);
    return hello.code;
}

static int engine_open(struct local *engine, const char *state)
{
    char path[STINT_RUN_PATH_MAX];
    int r = hello_read(engine);
    if (r != 0)
        return r;
    if (!(engine->state = strdup(state)))
        return -ENOMEM;
    (void)snprintf(path, sizeof(path), "%s/runs", state);
    engine->runs_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (engine->runs_fd < 0)
        return -errno;
    return boot_id_read(engine->boot_id);
}

void local_link_open(struct local *engine)
{
    int r = uv_poll_init(engine->loop, &engine->socket_poll, engine->launcher.socket);
    if (r == 0)
        r = uv_poll_init(engine->loop, &engine->launcher_poll, engine->launcher.pidfd);
    assert(r == 0); /* fresh descriptors of kinds that epoll takes */
    engine->socket_poll.data = engine;
    engine->launcher_poll.data = engine;
    engine->handles += 2;
    local_link_watch(engine);
    (void)uv_poll_start(&engine->launcher_poll, UV_READABLE, launcher_on_gone);
}

static void engine_watch(uv_loop_t *loop, struct local *engine)
{
    uv_timer_init(loop, &engine->timer);
    engine->timer.data = engine;
    engine->handles = 1;
    local_link_open(engine);
}

int stint_engine_local_new(uv_loop_t *loop, const char *state, struct stint_launcher *launcher,
                           const struct stint_engine_events *events,
                           struct stint_engine **ret_engine, struct stint_error *err)
{
    struct local *engine = calloc(1, sizeof(*engine));
    int r = -ENOMEM;
    if (engine) {
        engine->base.ops = &local_ops;
        engine->loop = loop;
        engine->events = *events;
        engine->launcher = *launcher;
        engine->runs_fd = -1;
        r = engine_open(engine, state);
    }
    if (r != 0) {
        if (engine && engine->runs_fd >= 0)
            close(engine->runs_fd);
        if (engine)
            free(engine->state);
        free(engine);
        stint_launcher_close(launcher);
        return stint_fail(err, r, "cannot open the local engine in %s: %s", state, strerror(-r));
    }
    engine_watch(loop, engine);
    *launcher = (struct stint_launcher){ -1, -1, 0 };
    *ret_engine = &engine->base;
    return 0;
}
