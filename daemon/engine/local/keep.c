/* Owns: the launcher that follows one that died (stint_engine_local_keep()). Runs do not notice:
 * their supervisors outlive every launcher. What must hold:
 *
 * 1. The next one is started only when the last one's socket is closed at its other end by
 *    everybody. Until then a supervisor may be on its way, and what it says is still heard.
 * 2. Between two tries lies a pause that grows to a bound, unless the last launcher had lived.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "local.h"
#include "stint/log.h"

#define KEEP_PAUSE_MS  1000  /* after the second death; doubled after each further one */
#define KEEP_STEADY_MS 60000 /* who lived so long did not die of its start */
#define KEEP_HELLO_MS  10000

static void on_timer(uv_timer_t *timer);

static void why_set(struct local *engine, const char *why)
{
    (void)snprintf(engine->report.launcher_why, sizeof(engine->report.launcher_why), "%s", why);
}

static uint64_t pause_of(const struct keeping *keeping, uint64_t now_ms)
{
    uint64_t pause_ms = KEEP_PAUSE_MS;
    if (keeping->tries == 0 || now_ms - keeping->born_ms >= KEEP_STEADY_MS)
        return 0;
    for (unsigned i = 1; i < keeping->tries && pause_ms < STINT_LAUNCHER_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    return pause_ms < STINT_LAUNCHER_PAUSE_MAX_MS ? pause_ms : STINT_LAUNCHER_PAUSE_MAX_MS;
}

static void pause_begin(struct local *engine)
{
    struct keeping *keeping = &engine->keeping;
    uint64_t pause_ms = pause_of(keeping, uv_now(engine->loop));
    if (pause_ms == 0)
        keeping->tries = 0;
    else
        stint_log(STINT_LOG_WARNING, "launcher-retry", "in_ms=%llu deaths=%u cause=\"%s\"",
                  (unsigned long long)pause_ms, (unsigned)engine->report.launcher_deaths,
                  engine->report.launcher_why);
    keeping->tries++;
    keeping->step = KEEP_PAUSING;
    (void)uv_timer_start(&keeping->timer, on_timer, pause_ms, 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct local *engine = handle->data;
    if (--engine->keeping.closing_count == 0) {
        stint_launcher_close(&engine->launcher);
        if (!engine->closing)
            pause_begin(engine);
    }
    local_handle_closed(engine);
}

void local_keep_gone(struct local *engine)
{
    struct keeping *keeping = &engine->keeping;
    bool is_open = keeping->step == KEEP_ANSWERS || keeping->step == KEEP_GREETING;
    if (!engine->has_keeping || engine->closing || !is_open || !keeping->is_gone || !engine->ended)
        return;
    if (keeping->step == KEEP_ANSWERS)
        why_set(engine, "it was killed or failed");
    keeping->step = KEEP_CLOSING;
    keeping->closing_count = 2;
    (void)uv_timer_stop(&keeping->timer);
    uv_close((uv_handle_t *)&engine->socket_poll, on_closed);
    uv_close((uv_handle_t *)&engine->launcher_poll, on_closed);
}

static void launcher_begin(struct local *engine)
{
    struct keeping *keeping = &engine->keeping;
    struct stint_launcher launcher = { -1, -1, 0 };
    struct stint_error err = { 0 };
    keeping->born_ms = uv_now(engine->loop);
    if (local_launcher_begin(&keeping->options, &launcher, &err) != 0) {
        why_set(engine, err.text);
        pause_begin(engine);
        return;
    }
    engine->launcher = launcher;
    engine->ended = false;
    keeping->is_gone = false;
    keeping->step = KEEP_GREETING;
    why_set(engine, "it ended before it answered");
    (void)uv_timer_start(&keeping->timer, on_timer, KEEP_HELLO_MS, 0);
    local_link_open(engine);
}

static void on_timer(uv_timer_t *timer)
{
    struct local *engine = timer->data;
    if (engine->closing)
        return;
    if (engine->keeping.step == KEEP_PAUSING) {
        launcher_begin(engine);
    } else if (engine->keeping.step == KEEP_GREETING) {
        why_set(engine, "it did not answer");
        (void)syscall(SYS_pidfd_send_signal, engine->launcher.pidfd, SIGKILL, NULL, 0);
    }
}

void local_keep_hello(struct local *engine, const struct wire_message *hello)
{
    struct keeping *keeping = &engine->keeping;
    if (keeping->step != KEEP_GREETING)
        return;
    if (hello->code != 0) { /* it ends by itself now */
        why_set(engine, hello->code == -EBUSY ? "another daemon uses this state folder"
                                              : strerror(-hello->code));
        return;
    }
    (void)uv_timer_stop(&keeping->timer);
    keeping->step = KEEP_ANSWERS;
    local_report_take(engine, hello);
    engine->report.away = false;
    stint_log(STINT_LOG_INFO, "launcher-started", "pid=%d deaths=%u", (int)engine->launcher.pid,
              (unsigned)engine->report.launcher_deaths);
    local_link_flush(engine);
    local_runs_pending_send(engine);
    local_link_watch(engine);
    if (engine->events.on_back)
        engine->events.on_back(engine->events.ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    local_handle_closed(handle->data);
}

bool local_keep_close(struct local *engine)
{
    struct keeping *keeping = &engine->keeping;
    if (engine->has_keeping)
        uv_close((uv_handle_t *)&keeping->timer, on_timer_closed);
    return keeping->step == KEEP_ANSWERS || keeping->step == KEEP_GREETING;
}

void local_keep_report(const struct local *engine, struct stint_engine_report *report)
{
    const struct keeping *keeping = &engine->keeping;
    report->starts_again = engine->has_keeping;
    report->retry_in_ms = keeping->step == KEEP_PAUSING ? uv_timer_get_due_in(&keeping->timer) : 0;
}

void stint_engine_local_keep(struct stint_engine *base,
                             const struct stint_launcher_options *options)
{
    struct local *engine = stint_container_of(base, struct local, base);
    engine->has_keeping = true;
    engine->keeping.options = *options;
    engine->keeping.born_ms = uv_now(engine->loop);
    uv_timer_init(engine->loop, &engine->keeping.timer);
    engine->keeping.timer.data = engine;
    engine->handles++;
}
