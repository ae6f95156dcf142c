/* Owns: the table of runs the engine holds and the life of each as the daemon sees it. A run is
 * alive while its supervisor's pidfd is unreadable, and only then; what a supervisor that is gone
 * leaves in its record is the truth about its run. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "local.h"
#include "stint/log.h"

static size_t bucket_of(struct stint_run_key key)
{
    uint64_t hash = (key.job * UINT64_C(0x9e3779b97f4a7c15)) ^
                    (key.task * UINT64_C(0xbf58476d1ce4e5b9)) ^ key.attempt;
    return (size_t)(hash >> 32 ^ hash) & (LOCAL_BUCKETS - 1);
}

static bool key_equal(struct stint_run_key a, struct stint_run_key b)
{
    return a.job == b.job && a.task == b.task && a.attempt == b.attempt;
}

struct local_run *local_run_find(struct local *engine, struct stint_run_key key)
{
    struct local_run *run = engine->runs[bucket_of(key)];
    while (run && !key_equal(run->key, key))
        run = run->next;
    return run;
}

int local_run_new(struct local *engine, struct stint_run_key key, enum local_run_state state,
                  struct local_run **ret_run)
{
    if (engine->run_count == STINT_ENGINE_RUN_MAX)
        return STINT_BUSY;
    struct local_run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    size_t bucket = bucket_of(key);
    run->engine = engine;
    run->key = key;
    run->state = state;
    run->next = engine->runs[bucket];
    engine->runs[bucket] = run;
    engine->run_count++;
    *ret_run = run;
    return 0;
}

static void watch_on_closed(uv_handle_t *handle)
{
    struct local_watch *watch = handle->data;
    struct local *engine = watch->engine;
    close(watch->pidfd);
    free(watch);
    local_handle_closed(engine);
}

static void watch_release(struct local_run *run)
{
    if (run->watch) {
        run->watch->run = NULL;
        uv_close((uv_handle_t *)&run->watch->poll, watch_on_closed);
    }
    run->watch = NULL;
    run->supervisor = 0;
}

static void attention_remove(struct local_run *run)
{
    struct local_run **link = &run->engine->attention;
    while (*link && *link != run)
        link = &(*link)->next_attention;
    if (*link)
        *link = run->next_attention;
    run->attention = false;
}

void local_run_drop(struct local_run *run)
{
    struct local_run **link = &run->engine->runs[bucket_of(run->key)];
    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    run->engine->run_count--;
    if (run->attention)
        attention_remove(run);
    watch_release(run);
    free(run);
}

static void engine_on_timer(uv_timer_t *timer)
{
    local_runs_attend(timer->data);
}

void local_run_attend(struct local_run *run)
{
    struct local *engine = run->engine;
    uint64_t wait_ms = run->state == LOCAL_LOOKING ? LOCAL_RECORD_WAIT_MS : 0;
    if (!run->attention) {
        run->attention = true;
        run->next_attention = engine->attention;
        engine->attention = run;
    }
    if (!uv_is_active((uv_handle_t *)&engine->timer) ||
        uv_timer_get_due_in(&engine->timer) > wait_ms)
        uv_timer_start(&engine->timer, engine_on_timer, wait_ms, 0);
}

static void holds_take(const uint8_t *hold, enum stint_engine_hold *memory,
                       enum stint_engine_hold *processes, enum stint_engine_hold *cores,
                       enum stint_engine_hold *kill_hold)
{
    *memory = (enum stint_engine_hold)hold[WIRE_HOLD_MEMORY];
    *processes = (enum stint_engine_hold)hold[WIRE_HOLD_PROCESSES];
    *cores = (enum stint_engine_hold)hold[WIRE_HOLD_CORES];
    *kill_hold = (enum stint_engine_hold)hold[WIRE_HOLD_KILL];
}

static void started_tell(struct local_run *run, pid_t supervisor, int64_t at_ms, uint64_t boot_ms,
                         const uint8_t *hold)
{
    struct local *engine = run->engine;
    struct stint_run_started started = {
        .key = run->key, .supervisor = supervisor, .started_ms = at_ms, .started_boot_ms = boot_ms
    };
    holds_take(hold, &started.memory, &started.processes, &started.cores, &started.kill);
    run->told_started = true;
    if (engine->events.on_started)
        engine->events.on_started(engine->events.ctx, &started);
}

/* The end is told from the timer or a handle's event, and the run is let go before, so that the
 * callback may start the key again. */
static void run_finish(struct local_run *run)
{
    struct local *engine = run->engine;
    struct stint_run_end end = run->end;
    run->state = LOCAL_OVER;
    local_run_drop(run);
    if (engine->events.on_ended)
        engine->events.on_ended(engine->events.ctx, &end);
}

void local_run_fail(struct local_run *run, int code, const char *text)
{
    run->end = (struct stint_run_end){ .key = run->key, .start_failed = true, .start_code = code };
    (void)snprintf(run->end.text, sizeof(run->end.text), "%s", text);
    run->state = LOCAL_OVER;
    local_run_attend(run);
}

/* Somebody else supervises it, or did: the record will say. */
void local_run_look_begin(struct local_run *run)
{
    watch_release(run);
    run->state = LOCAL_LOOKING;
    run->look_until_ms = uv_now(run->engine->loop) + LOCAL_RECORD_GIVE_UP_MS;
    local_run_attend(run);
}

static void end_from_record(struct local_run *run, const struct wire_record *record)
{
    struct stint_run_end *end = &run->end;
    *end = (struct stint_run_end){ .key = run->key,
                                   .lost = record->state != WIRE_RECORD_ENDED,
                                   .started_ms = record->started_ms };
    holds_take(record->hold, &end->memory, &end->processes, &end->cores, &end->kill);
    if (end->lost) {
        (void)snprintf(end->text, sizeof(end->text), "its supervisor left no end");
        return;
    }
    end->start_failed = record->flags & WIRE_RECORD_START_FAILED;
    end->timed_out = record->flags & WIRE_RECORD_TIMED_OUT;
    end->cancelled = record->flags & WIRE_RECORD_CANCELLED;
    end->oom_killed = record->flags & WIRE_RECORD_OOM_KILLED;
    end->start_code = record->start_code;
    end->exit_status = record->exit_status;
    end->term_signal = record->term_signal;
    end->ended_ms = record->ended_ms;
    end->elapsed_ms = record->elapsed_ms;
    end->suspended_ms = record->suspended_ms;
    end->cpu_ms = record->cpu_ms;
    end->peak_memory_bytes = record->peak_memory_bytes;
    memcpy(end->text, record->text, sizeof(end->text));
}

static int record_open(struct local *engine, struct stint_run_key key)
{
    char name[STINT_RUN_KEY_TEXT];
    char path[STINT_RUN_KEY_TEXT + sizeof("/record")];
    (void)snprintf(path, sizeof(path), "%s/record", wire_run_name(key, name));
    int fd = openat(engine->runs_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int record_read(struct local *engine, struct stint_run_key key,
                       struct wire_record *ret_record)
{
    int fd = record_open(engine, key);
    if (fd < 0)
        return fd;
    ssize_t got = pread(fd, ret_record, sizeof(*ret_record), 0);
    int r = got < 0 ? -errno : wire_record_check(ret_record, (size_t)got, key);
    close(fd);
    return r;
}

static void lost_clean(struct local_run *run)
{
    struct wire_message message;
    char name[STINT_RUN_KEY_TEXT];
    stint_log(STINT_LOG_WARNING, "run-lost", "run=%s", wire_run_name(run->key, name));
    wire_message_init(&message, WIRE_CLEAN, run->key);
    (void)local_send(run->engine, &message, NULL, 0);
}

/* The record says how the run ended, or that nobody could say. */
static void run_over(struct local_run *run, const struct wire_record *record)
{
    end_from_record(run, record);
    if (run->end.lost)
        lost_clean(run);
    else if (!run->told_started && !run->end.start_failed)
        started_tell(run, record->supervisor, record->started_ms, record->started_boot_ms,
                     record->hold);
    run_finish(run);
}

static void run_over_unknown(struct local_run *run)
{
    struct wire_record record = { .state = WIRE_RECORD_LOST };
    run_over(run, &record);
}

/* Its supervisor is gone. What it sent before is in the socket, so that is read first. */
static void run_gone(struct local *engine, struct stint_run_key key, pid_t supervisor)
{
    struct wire_record record = { 0 };
    local_receive(engine);
    struct local_run *run = local_run_find(engine, key);
    if (!run || !run->watch || run->supervisor != supervisor ||
        (run->state != LOCAL_SENT && run->state != LOCAL_RUNNING))
        return;
    int r = record_read(engine, key, &record);
    if (r == 0 && record.supervisor == supervisor)
        run_over(run, &record);
    else if (r == 0)
        local_run_look_begin(run); /* it found another's folder and ended without running */
    else
        run_over_unknown(run);
}

static void watch_on_event(uv_poll_t *poll, int status, int events)
{
    struct local_watch *watch = poll->data;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    if (watch->run)
        run_gone(watch->engine, watch->run->key, watch->run->supervisor);
}

/* Takes @pidfd. */
static int run_watch(struct local_run *run, pid_t supervisor, int pidfd)
{
    struct local_watch *watch = run->watch ? NULL : calloc(1, sizeof(*watch));
    int r = !watch ? -ENOMEM : uv_poll_init(run->engine->loop, &watch->poll, pidfd);
    if (r != 0) {
        close(pidfd);
        free(watch);
        return r;
    }
    watch->engine = run->engine;
    watch->run = run;
    watch->pidfd = pidfd;
    watch->poll.data = watch;
    run->watch = watch;
    run->supervisor = supervisor;
    run->engine->handles++;
    return uv_poll_start(&watch->poll, UV_READABLE, watch_on_event);
}

void local_run_forked(struct local_run *run, int code, pid_t pid, int pidfd)
{
    if (code != 0 || pidfd < 0 || run->watch) { /* its seat died, and it was told of twice */
        if (pidfd >= 0)
            close(pidfd);
        if (run->state == LOCAL_SENT && !run->watch)
            local_run_fail(run, code ? code : -EPROTO, "the launcher could not fork a supervisor");
        return;
    }
    if (run->state != LOCAL_SENT && run->state != LOCAL_RUNNING) {
        close(pidfd); /* of a second supervisor, which found the first one's folder */
        return;
    }
    int r = run_watch(run, pid, pidfd);
    if (r != 0)
        stint_log(STINT_LOG_ERROR, "run-watch", "error=%s", uv_strerror(r));
}

/* What was asked before the run could hear it. */
static void pending_send(struct local_run *run)
{
    for (int i = 0; i < run->pending_count; i++) {
        struct wire_message message;
        wire_message_init(&message, WIRE_CONTROL, run->key);
        message.value = run->pending[i].op;
        message.value2 = run->pending[i].value;
        (void)local_send(run->engine, &message, NULL, 0);
    }
    run->pending_count = 0;
}

void local_run_started(struct local_run *run, const struct wire_message *message)
{
    if (run->state != LOCAL_SENT)
        return;
    if (message->code == -EEXIST) {
        local_run_look_begin(run);
        return;
    }
    if (message->code != 0) {
        local_run_fail(run, message->code, message->text);
        return;
    }
    run->state = LOCAL_RUNNING;
    pending_send(run);
    started_tell(run, (pid_t)message->value, message->at_ms, message->value2, message->hold);
}

/* True when @record's supervisor holds its lock on it: a lock belongs to a process, so that no
 * later one of the same pid could. For hosts that hide others' processes in /proc (hidepid). */
static bool supervisor_has_lock(struct local *engine, const struct wire_record *record)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    struct stint_run_key key = { record->job, record->task, record->attempt };
    int fd = record_open(engine, key);
    if (fd < 0)
        return false;
    bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK &&
                lock.l_pid == record->supervisor;
    close(fd);
    return held;
}

/* 0 with a pidfd of the very process that wrote @record, or -ESRCH. */
static int supervisor_open(struct local *engine, const struct wire_record *record, int *ret_pidfd)
{
    char path[40];
    char stat[1024];
    if (memcmp(record->boot_id, engine->boot_id, sizeof(engine->boot_id)) != 0)
        return -ESRCH;
    int pidfd = (int)syscall(SYS_pidfd_open, record->supervisor, 0);
    if (pidfd < 0)
        return -errno;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", record->supervisor);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, stat, sizeof(stat));
    if (fd >= 0)
        close(fd);
    bool same = got > 0 ? wire_stat_ticks(stat, (size_t)got) == record->supervisor_ticks
                        : supervisor_has_lock(engine, record);
    if (!same) {
        close(pidfd);
        return -ESRCH;
    }
    *ret_pidfd = pidfd;
    return 0;
}

static void look_again(struct local_run *run)
{
    if (uv_now(run->engine->loop) < run->look_until_ms)
        local_run_attend(run);
    else
        run_over_unknown(run);
}

static void look_at_running(struct local_run *run, struct wire_record *record)
{
    int pidfd = -1;
    if (supervisor_open(run->engine, record, &pidfd) == 0) {
        run->state = LOCAL_RUNNING;
        if (run_watch(run, record->supervisor, pidfd) != 0) {
            run_over_unknown(run);
            return;
        }
        pending_send(run);
        if (!run->told_started)
            started_tell(run, record->supervisor, record->started_ms, record->started_boot_ms,
                         record->hold);
        return;
    }
    /* Gone: it may have written its end since we read. */
    (void)record_read(run->engine, run->key, record);
    run_over(run, record);
}

static int run_look(struct local_run *run)
{
    struct wire_record record = { 0 };
    struct stat st;
    char name[STINT_RUN_KEY_TEXT];
    int r = record_read(run->engine, run->key, &record);
    if (r != 0) {
        if (fstatat(run->engine->runs_fd, wire_run_name(run->key, name), &st,
                    AT_SYMLINK_NOFOLLOW) != 0)
            return STINT_NOT_FOUND;
        look_again(run);
        return 0;
    }
    if (record.state == WIRE_RECORD_STARTED)
        look_at_running(run, &record);
    else
        run_over(run, &record);
    return 0;
}

static void run_attend(struct local_run *run)
{
    switch (run->state) {
    case LOCAL_OVER:
        run_finish(run);
        break;
    case LOCAL_LOOKING:
        if (run_look(run) != 0)
            run_over_unknown(run);
        break;
    case LOCAL_SENT:
    case LOCAL_RUNNING:
        break;
    }
}

void local_runs_attend(struct local *engine)
{
    struct local_run *list = engine->attention;
    engine->attention = NULL;
    while (list && !engine->closing) {
        struct local_run *run = list;
        list = run->next_attention;
        run->attention = false;
        run_attend(run);
    }
}

void local_runs_pending_send(struct local *engine)
{
    for (size_t i = 0; i < LOCAL_BUCKETS; i++)
        for (struct local_run *run = engine->runs[i]; run; run = run->next)
            if (run->state == LOCAL_RUNNING)
                pending_send(run);
}

/* After the launcher's last word: starts that nobody took, and supervisors whose pidfd it did not
 * live to send. None is on its way any more, so a run without a folder has not run and will not. */
void local_runs_unsent(struct local *engine)
{
    for (size_t i = 0; i < LOCAL_BUCKETS; i++)
        for (struct local_run *run = engine->runs[i]; run; run = run->next) {
            struct wire_record record = { 0 };
            if (run->watch || (run->state != LOCAL_SENT && run->state != LOCAL_RUNNING))
                continue;
            if (record_read(engine, run->key, &record) == -ENOENT) {
                local_run_fail(run, -EPIPE, "the launcher died before it could start the job");
            } else {
                local_run_look_begin(run);
            }
        }
}
