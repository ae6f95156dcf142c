/* Owns: the wires between rooms: who is called when something became durable, ended, or may start;
 * the loop's own handles; signals. Decides nothing. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "head.h"
#include "notify.h"
#include "rooms.h"
#include "stint/admission.h"
#include "stint/api.h"
#include "stint/calendar.h"
#include "stint/clerk.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/log.h"
#include "stint/record.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define WAKE_MAX_MS 5000 /* a stepped wall clock is noticed within this */

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wiring_now_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t wiring_now_boot_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

/* ---- passes
 * ---------------------------------------------------------------------------------------------------------------
 */

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* its only use is that the loop does not sleep before the pass */
}

void wiring_want_pass(void *context)
{
    struct rooms *rooms = context;
    if (rooms->is_pass_wanted || rooms->is_stopping)
        return;
    rooms->is_pass_wanted = true;
    (void)uv_idle_start(&rooms->pass_idle, on_idle);
}

static void on_wake(uv_timer_t *timer);

static void set_wake(struct rooms *rooms)
{
    int64_t next_ms = stint_jobs_next_wakeup_ms(rooms->jobs);
    int64_t wait_ms = next_ms == 0 ? WAKE_MAX_MS : next_ms - wiring_now_wall_ms();
    if (wait_ms > WAKE_MAX_MS)
        wait_ms = WAKE_MAX_MS;
    (void)uv_timer_start(&rooms->wake_timer, on_wake, wait_ms > 0 ? (uint64_t)wait_ms : 1, 0);
}

static void on_wake(uv_timer_t *timer)
{
    struct rooms *rooms = timer->data;
    int64_t turn_ms = stint_ledger_next_turn_ms(rooms->ledger);
    if (turn_ms != 0 && turn_ms <= wiring_now_wall_ms())
        stint_ledger_turn(rooms->ledger);
    wiring_want_pass(rooms);
}

/* At the end of the loop's turn, before the store hands its batch over (libuv runs the handle that
 * was started last first). */
static void on_prepare(uv_prepare_t *handle)
{
    struct rooms *rooms = handle->data;
    if (!rooms->is_pass_wanted || rooms->is_stopping)
        return;
    rooms->is_pass_wanted = false;
    (void)uv_idle_stop(&rooms->pass_idle);
    stint_calendar_turn(rooms->calendar);
    stint_jobs_pass(rooms->jobs);
    set_wake(rooms);
}

/* ---- the store
 * ------------------------------------------------------------------------------------------------------------
 */

void wiring_on_event(void *context, const struct stint_event_row *event)
{
    struct rooms *rooms = context;
    if (rooms->api)
        stint_api_on_event(rooms->api, event);
}

void wiring_on_store_failed(void *context, const struct stint_error *err)
{
    struct rooms *rooms = context;
    struct stint_error load_err = { 0 };
    stint_log(STINT_LOG_ERROR, "store-read-only", "cause=\"%s\" cure=\"%s\"", err->text, err->fix);
    stint_notify("STATUS=the store cannot be written; reads only");
    if (rooms->api)
        stint_api_set_read_only(rooms->api, true, err->text);
    if (rooms->is_stopping || !rooms->jobs)
        return;
    int r = wiring_load(rooms, &load_err);
    if (r != 0) {
        stint_log(STINT_LOG_ERROR, "rebuild-failed", "cause=\"%s\"", load_err.text);
        rooms->exit_status = 1;
        uv_stop(&rooms->loop);
    }
}

void wiring_on_store_recovered(void *context)
{
    struct rooms *rooms = context;
    stint_log(STINT_LOG_INFO, "store-recovered", "state=writable");
    stint_notify("STATUS=serving");
    struct stint_error err = { 0 };
    if (policy_settle(rooms, "reloaded", &err) != 0)
        stint_log(STINT_LOG_ERROR, "policy-not-logged", "cause=\"%s\"", err.text);
    if (rooms->api)
        stint_api_set_read_only(rooms->api, false, NULL);
    wiring_want_pass(rooms);
}

static int sink_put_entry(void *context, uint64_t seq, int64_t at_ms, const char *type,
                          const char *entry, size_t length, const struct stint_sha256 *leaf,
                          struct stint_error *err)
{
    struct rooms *rooms = context;
    struct stint_log_entry_row row = {
        .seq = seq,
        .at_ms = at_ms,
        .type = type,
        .body = { entry, length },
        .leaf = { leaf->bytes, sizeof(leaf->bytes) },
    };
    return stint_store_put_log_entry(rooms->store, &row, err);
}

static int sink_put_checkpoint(void *context, uint64_t size, const struct stint_sha256 *root,
                               const char *note, int64_t at_ms, struct stint_error *err)
{
    struct rooms *rooms = context;
    struct stint_checkpoint_row row = {
        .size = size,
        .root = { root->bytes, sizeof(root->bytes) },
        .note = note,
        .at_ms = at_ms,
    };
    return stint_store_put_checkpoint(rooms->store, &row, err);
}

static int sink_put_personal(void *context, const struct stint_sha256 *commitment,
                             const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                             struct stint_error *err)
{
    struct rooms *rooms = context;
    struct stint_personal_row row = {
        .commitment = { commitment->bytes, sizeof(commitment->bytes) },
        .salt = { salt, STINT_LOG_SALT_BYTES },
        .value = value,
    };
    return stint_store_put_personal(rooms->store, &row, err);
}

static int sink_after(void *context, void (*fn)(void *fn_context, int status), void *fn_context,
                      struct stint_error *err)
{
    struct rooms *rooms = context;
    return stint_store_after(rooms->store, fn, fn_context, err);
}

void wiring_record_sink(struct rooms *rooms, struct stint_record_sink *ret_sink)
{
    *ret_sink = (struct stint_record_sink){
        .put_entry = sink_put_entry,
        .put_checkpoint = sink_put_checkpoint,
        .put_personal = sink_put_personal,
        .after = sink_after,
        .context = rooms,
    };
}

/* ---- from the store into memory
 * ---------------------------------------------------------------------------------------------- */

struct leaves {
    struct stint_record *record;
    struct stint_error *err;
    int result;
};

static bool load_leaf(void *context, const struct stint_log_entry_row *row)
{
    struct leaves *leaves = context;
    struct stint_sha256 leaf;
    if (row->leaf.length != sizeof(leaf.bytes)) {
        leaves->result =
            stint_fail(leaves->err, STINT_UNTRUSTED, "a leaf hash of the log is not 32 bytes long");
        return false;
    }
    memcpy(leaf.bytes, row->leaf.data, sizeof(leaf.bytes));
    leaves->result = stint_record_load_leaf(leaves->record, row->seq, &leaf, leaves->err);
    return leaves->result == 0;
}

static bool load_note(void *context, const struct stint_checkpoint_row *row)
{
    *(char **)context = row->note ? strdup(row->note) : NULL;
    return false;
}

static int load_record(struct rooms *rooms, struct stint_error *err)
{
    struct leaves leaves = { .record = rooms->record, .err = err };
    struct stint_reader *reader = stint_store_reader(rooms->store);
    char *note = NULL;
    stint_record_load_begin(rooms->record);
    int r = stint_reader_each_leaf(reader, 0, load_leaf, &leaves);
    if (r == 0)
        r = leaves.result;
    if (r == 0)
        r = stint_reader_last_checkpoint(reader, load_note, &note);
    if (r == -ENOENT) /* the first start; any other error must not skip the comparison */
        r = 0;
    if (r == 0)
        r = stint_record_load_end(rooms->record, note, err);
    free(note);
    return r;
}

static int reset_cores(struct rooms *rooms, struct stint_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < rooms->resources.count && r == 0; i++)
        r = stint_clerk_reset(rooms->resources.list[i].clerk, err);
    return r;
}

int wiring_load(struct rooms *rooms, struct stint_error *err)
{
    int r = load_record(rooms, err);
    if (r == 0)
        r = head_settle(rooms, err);
    if (r == 0)
        r = policy_load(rooms, err);
    if (r == 0) /* new cores: what it was told of a batch that failed has not happened */
        r = reset_cores(rooms, err);
    if (r == 0)
        r = stint_ledger_load(rooms->ledger, err);
    if (r == 0)
        r = stint_calendar_load(rooms->calendar, err);
    if (r == 0)
        r = stint_jobs_load(rooms->jobs, err);
    if (r == 0)
        r = stint_admission_load(rooms->admission, err);
    if (r == 0 && !stint_store_is_read_only(rooms->store))
        r = stint_record_sign(rooms->record, err);
    return r;
}

/* ---- engine and admission
 * ----------------------------------------------------------------------------------------------------
 */

static void on_run_started(void *context, const struct stint_run_started *started)
{
    struct rooms *rooms = context;
    if (rooms->jobs)
        stint_jobs_on_run_started(rooms->jobs, started->key);
}

static void on_run_ended(void *context, const struct stint_run_end *end)
{
    struct rooms *rooms = context;
    if (rooms->jobs)
        stint_jobs_on_run_ended(rooms->jobs, end);
}

static void cores_set_away(struct rooms *rooms, bool is_away)
{
    for (uint32_t i = 0; i < rooms->resources.count; i++)
        stint_clerk_set_away(rooms->resources.list[i].clerk, is_away);
}

static void on_engine_away(void *context, const char *why)
{
    struct rooms *rooms = context;
    if (rooms->is_stopping)
        return;
    stint_log(STINT_LOG_ERROR, "engine-away", "cause=\"%s\" cure=\"%s\"", why,
              rooms->options->config.is_system ? "the service manager starts stintd again"
                                               : "another is started; running jobs go on");
    stint_notify("STATUS=the launcher is gone");
    cores_set_away(rooms, true);
    wiring_want_pass(rooms);
    if (!rooms->options->config.is_system)
        return;
    /* Root was given up: only the service manager can start us, and so a launcher, again. Jobs do
     * not notice. */
    rooms->exit_status = 1;
    uv_stop(&rooms->loop);
}

static void on_engine_back(void *context)
{
    struct rooms *rooms = context;
    if (rooms->is_stopping)
        return;
    stint_notify("STATUS=serving");
    cores_set_away(rooms, false);
    wiring_want_pass(rooms);
}

const struct stint_engine_events wiring_engine_events = {
    .on_started = on_run_started,
    .on_ended = on_run_ended,
    .on_away = on_engine_away,
    .on_back = on_engine_back,
};

void wiring_check_start(void *context, uid_t uid, gid_t gid, const char *uses,
                        void (*done)(void *context, enum stint_reason_code code, const char *why),
                        void *done_context)
{
    struct rooms *rooms = context;
    stint_admission_check_uses(rooms->admission, uid, gid, uses, done, done_context);
}

/* ---- signals and handles
 * ------------------------------------------------------------------------------------------------------
 */

/* Rules, licences and catalogue are read again, also when their names did not change. */
static int reload_admission(struct rooms *rooms, struct stint_error *err)
{
    struct stint_admission_options options;
    int r = places_find_data(&rooms->options->config, &rooms->places, err);
    rooms_admission_options(rooms, &options);
    return r == 0 ? stint_admission_reload(rooms->admission, &options, err) : r;
}

static void refuse_reload(struct rooms *rooms, const struct stint_error *err)
{
    char why[400];
    (void)snprintf(why, sizeof(why), "%s%s%s", err->text, err->fix[0] ? "; try: " : "", err->fix);
    stint_api_set_reload(rooms->api, why, "");
    stint_log(STINT_LOG_ERROR, "reload-refused", "cause=\"%s\" cure=\"%s\"", err->text, err->fix);
    stint_notify("STATUS=reload refused; the old configuration stays\nREADY=1");
}

/* Into force, or what was: the log entry of a changed policy is what it stands or falls with. */
static int reload_swap(struct rooms *rooms, const struct stint_config *config, const char *reason,
                       struct stint_error *err)
{
    struct stint_config before = rooms->options->config;
    struct places places = rooms->places;
    rooms->options->config = *config;
    int r = reload_admission(rooms, err);
    if (r == 0 && (r = policy_change(rooms, reason, err)) != 0) {
        struct stint_error back = { 0 };
        rooms->options->config = before;
        rooms->places = places;
        (void)reload_admission(rooms, &back);
    }
    if (r != 0) {
        rooms->options->config = before;
        rooms->places = places;
    }
    return r;
}

int wiring_reload(void *context, const char *reason, bool is_rehearsal,
                  char later[STINT_RELOAD_LATER], struct stint_error *err)
{
    struct rooms *rooms = context;
    struct stint_config config;
    int r = options_reload(rooms->options, &config, err);
    if (r == 0)
        (void)stint_config_changed(&rooms->options->config, &config, later, STINT_RELOAD_LATER);
    if (is_rehearsal)
        return r;
    stint_notify_reloading();
    if (r == 0) {
        stint_config_keep(&rooms->options->config, &config);
        r = reload_swap(rooms, &config, reason, err);
    }
    if (r != 0) {
        refuse_reload(rooms, err);
        return r;
    }
    stint_log_set_level(stint_log_level_from_name(config.log_level));
    resources_reload(&rooms->resources, &rooms->options->config);
    stint_jobs_reconfigure(rooms->jobs, config.grace_s * 1000, config.process_limit);
    stint_api_reload(rooms->api, &rooms->options->config);
    stint_api_set_reload(rooms->api, NULL, later);
    stint_log(STINT_LOG_INFO, "reloaded", "file=%s", config.file[0] ? config.file : "none");
    if (later[0])
        stint_log(STINT_LOG_WARNING, "reload-partial",
                  "keys=\"%s\" cure=\"restart stintd for these; running jobs go on\"", later);
    stint_notify("STATUS=serving\nREADY=1");
    return 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct rooms *rooms = handle->data;
    if (number == SIGHUP) {
        char later[STINT_RELOAD_LATER];
        struct stint_error err = { 0 };
        (void)wiring_reload(rooms, NULL, false, later, &err); /* it says itself what came of it */
        return;
    }
    stint_log(STINT_LOG_INFO, "stopping", "signal=%d", number);
    uv_stop(&rooms->loop);
}

int wiring_start(struct rooms *rooms, struct stint_error *err)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    int r = uv_prepare_init(&rooms->loop, &rooms->pass_prepare);
    assert(r == 0);
    (void)uv_idle_init(&rooms->loop, &rooms->pass_idle);
    (void)uv_timer_init(&rooms->loop, &rooms->wake_timer);
    rooms->pass_prepare.data = rooms;
    rooms->wake_timer.data = rooms;
    (void)uv_prepare_start(&rooms->pass_prepare, on_prepare);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(numbers); i++) {
        (void)uv_signal_init(&rooms->loop, &rooms->signals[i]);
        rooms->signals[i].data = rooms;
        r = uv_signal_start(&rooms->signals[i], on_signal, numbers[i]);
        if (r != 0)
            return stint_fail(err, r, "signal %d: %s", numbers[i], uv_strerror(r));
    }
    return 0;
}

static void close_handle(uv_handle_t *handle)
{
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

void wiring_stop(struct rooms *rooms)
{
    close_handle((uv_handle_t *)&rooms->pass_prepare);
    close_handle((uv_handle_t *)&rooms->pass_idle);
    close_handle((uv_handle_t *)&rooms->wake_timer);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rooms->signals); i++)
        close_handle((uv_handle_t *)&rooms->signals[i]);
}
