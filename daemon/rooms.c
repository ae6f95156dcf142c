/* Owns: the order of opening and closing. What needs root happens first (launcher, state folder,
 * giving up root); each later room stands only on earlier ones. */
#include "rooms.h"

#include <errno.h>
#include <unistd.h>

#include "head.h"
#include "stint/admission.h"
#include "stint/api.h"
#include "stint/calendar.h"
#include "stint/checkpoint.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/log.h"
#include "stint/record.h"
#include "stint/store.h"

static int open_launcher(struct rooms *rooms, struct stint_error *err)
{
    const struct stint_config *config = &rooms->options->config;
    int r = places_find(config, &rooms->places, err);
    if (r == 0)
        r = places_daemon_user(config, &rooms->daemon_uid, &rooms->daemon_gid, err);
    if (r == 0)
        r = places_make_state(config->state, rooms->daemon_uid, rooms->daemon_gid, err);
    if (r == 0) /* the launcher would wait for the other's to end */
        r = stint_store_is_free(config->state, err);
    if (r == 0)
        r = places_make_socket_folder(config->socket, rooms->daemon_uid, rooms->daemon_gid, err);
    if (r != 0)
        return r;
    (void)snprintf(rooms->places.state, sizeof(rooms->places.state), "%s", config->state);
    (void)snprintf(rooms->places.artifacts, sizeof(rooms->places.artifacts), "%s/artifacts",
                   config->state);
    (void)snprintf(rooms->places.key, sizeof(rooms->places.key), "%s/log.key", config->state);
    rooms->is_private_root = geteuid() == 0 && !config->file[0];
    rooms->launcher_options = (struct stint_launcher_options){
        .program = rooms->places.launcher,
        .state = rooms->places.state,
        .tool = rooms->places.evaluator,
        .daemon_uid = rooms->daemon_uid,
        .daemon_gid = rooms->daemon_gid,
        .min_uid = (uint32_t)config->min_uid,
        .allow_root = rooms->is_private_root,
    };
    return stint_launcher_spawn(&rooms->launcher_options, &rooms->launcher, err);
}

static int open_store(struct rooms *rooms, struct stint_error *err)
{
    struct stint_store_options options = {
        .loop = &rooms->loop,
        .state = rooms->places.state,
        .on_event = wiring_on_event,
        .on_failed = wiring_on_store_failed,
        .on_recovered = wiring_on_store_recovered,
        .context = rooms,
    };
    return stint_store_open(&options, &rooms->store, err);
}

/* The log's key is made on the first start; its origin is then fixed in it. */
static int open_record(struct rooms *rooms, struct stint_error *err)
{
    char origin[STINT_NOTE_NAME_MAX];
    const char *configured = rooms->options->config.origin;
    if (configured[0])
        (void)snprintf(origin, sizeof(origin), "%.250s", configured);
    else
        (void)snprintf(origin, sizeof(origin), "%s/stint", rooms->places.host);
    int r = stint_signer_load(rooms->places.key, &rooms->signer, err);
    if (r == -ENOENT) {
        r = stint_signer_create(rooms->places.key, origin, &rooms->signer, err);
        rooms->is_new_key = r == 0;
    }
    if (r != 0)
        return r;
    struct stint_record_options options = { .signer = rooms->signer,
                                            .is_new_key = rooms->is_new_key,
                                            .now_wall_ms = wiring_now_wall_ms,
                                            .on_published = head_on_published,
                                            .context = rooms };
    wiring_record_sink(rooms, &options.sink);
    return stint_record_new(&options, &rooms->record, err);
}

static int open_resources(struct rooms *rooms, struct stint_error *err)
{
    return resources_open(&rooms->options->config, rooms->places.host, &rooms->resources, err);
}

static int open_ledger(struct rooms *rooms, struct stint_error *err)
{
    const struct stint_config *config = &rooms->options->config;
    struct stint_ledger_options options = {
        .store = rooms->store,
        .record = rooms->record,
        .resources = &rooms->resources,
        .time_zone = config->time_zone[0] ? config->time_zone : NULL,
        .join_open = config->join == STINT_JOIN_OPEN,
        .operator_uid = rooms->daemon_uid,
        .default_award_hours = config->default_award_hours,
        .now_wall_ms = wiring_now_wall_ms,
        .now_boot_ms = wiring_now_boot_ms,
    };
    return stint_ledger_new(&options, &rooms->ledger, err);
}

static int open_calendar(struct rooms *rooms, struct stint_error *err)
{
    struct stint_calendar_options options = {
        .store = rooms->store,
        .record = rooms->record,
        .ledger = rooms->ledger,
        .resources = &rooms->resources,
        .now_wall_ms = wiring_now_wall_ms,
        .now_boot_ms = wiring_now_boot_ms,
    };
    return stint_calendar_new(&options, &rooms->calendar, err);
}

static int open_engine(struct rooms *rooms, struct stint_error *err)
{
    struct stint_engine_events events = wiring_engine_events;
    events.ctx = rooms;
    struct stint_launcher launcher = rooms->launcher;
    rooms->launcher = (struct stint_launcher){ .socket = -1, .pidfd = -1 };
    int r = stint_engine_local_new(&rooms->loop, rooms->places.state, &launcher, &events,
                                   &rooms->engine, err);
    /* A service gave up what its launcher needs; see on_engine_away(). */
    if (r == 0 && !rooms->options->config.is_system)
        stint_engine_local_keep(rooms->engine, &rooms->launcher_options);
    return r;
}

static int open_jobs(struct rooms *rooms, struct stint_error *err)
{
    const struct stint_config *config = &rooms->options->config;
    struct stint_jobs_options options = {
        .store = rooms->store,
        .ledger = rooms->ledger,
        .engine = rooms->engine,
        .resources = &rooms->resources,
        .grace_ms = config->grace_s * 1000,
        .process_limit = config->process_limit,
        .boot_id = rooms->places.boot_id,
        .now_boot_ms = wiring_now_boot_ms,
        .now_wall_ms = wiring_now_wall_ms,
        .check_start = wiring_check_start,
        .pass_wanted = wiring_want_pass,
        .context = rooms,
    };
    return stint_jobs_new(&options, &rooms->jobs, err);
}

static enum stint_unknown_policy unknown_policy(const char *word)
{
    if (strcmp(word, "review") == 0)
        return STINT_UNKNOWN_REVIEW;
    return strcmp(word, "advisory") == 0 ? STINT_UNKNOWN_ADVISORY : STINT_UNKNOWN_STRICT;
}

void rooms_admission_options(struct rooms *rooms, struct stint_admission_options *ret_options)
{
    const struct stint_config *config = &rooms->options->config;
    *ret_options = (struct stint_admission_options){
        .loop = &rooms->loop,
        .store = rooms->store,
        .jobs = rooms->jobs,
        .ledger = rooms->ledger,
        .engine = rooms->engine,
        .record = rooms->record,
        .rules = { [STINT_USE_MODEL] = config->rules_model,
                   [STINT_USE_DATASET] = config->rules_dataset,
                   [STINT_USE_CODE] = config->rules_code },
        .rules_dir = rooms->places.rules,
        .licences_dir = rooms->places.licences,
        .catalogue_dir = rooms->places.catalogue,
        .reviewers = config->reviewers,
        .reviewer_keys = config->reviewer_keys,
        .artifact_store = rooms->places.artifacts,
        .require_uses = config->require_uses,
        .unknown = unknown_policy(config->unknown),
        .wait_ms = config->admission_wait_s * 1000,
        .rejudge_after_ms = 2000, /* a moment for those who wait */
        .evaluation_timeout_ms = config->evaluation_timeout_s * 1000,
        .now_wall_ms = wiring_now_wall_ms,
    };
}

static int open_admission(struct rooms *rooms, struct stint_error *err)
{
    struct stint_admission_options options;
    rooms_admission_options(rooms, &options);
    return stint_admission_new(&options, &rooms->admission, err);
}

static int open_api(struct rooms *rooms, struct stint_error *err)
{
    struct stint_api_options options = {
        .loop = &rooms->loop,
        .config = &rooms->options->config,
        .policy = &rooms->policy.shown,
        .store = rooms->store,
        .jobs = rooms->jobs,
        .ledger = rooms->ledger,
        .calendar = rooms->calendar,
        .engine = rooms->engine,
        .admission = rooms->admission,
        .record = rooms->record,
        .resources = &rooms->resources,
        .now_wall_ms = wiring_now_wall_ms,
        .now_boot_ms = wiring_now_boot_ms,
        .pass_wanted = wiring_want_pass,
        .reload = wiring_reload,
        .context = rooms,
    };
    return stint_api_new(&options, &rooms->api, err);
}

static int become(struct rooms *rooms, struct stint_error *err)
{
    return places_become(rooms->options->config.user, rooms->daemon_uid, rooms->daemon_gid, err);
}

/* The wires lie before the api: it may ask for a pass as soon as it is there. */
int rooms_open(struct rooms *rooms, struct options *options, struct stint_error *err)
{
    static const struct {
        const char *name;
        int (*open)(struct rooms *rooms, struct stint_error *err);
    } steps[] = {
        { "launcher", open_launcher },
        { "user", become },
        { "store", open_store },
        { "record", open_record },
        { "resources", open_resources },
        { "ledger", open_ledger },
        { "calendar", open_calendar },
        { "engine", open_engine },
        { "jobs", open_jobs },
        { "admission", open_admission },
        { "wiring", wiring_start },
        { "state", wiring_load },
        { "api", open_api },
    };
    rooms->options = options;
    rooms->launcher = (struct stint_launcher){ .socket = -1, .pidfd = -1 };
    rooms->head_fd = -1;
    int r = uv_loop_init(&rooms->loop);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(steps) && r == 0; i++) {
        r = steps[i].open(rooms, err);
        if (r != 0) {
            if (err->text[0] == '\0')
                (void)stint_fail(err, r, "%s", r < 0 ? strerror(-r) : stint_refusal_name(r));
            stint_log(STINT_LOG_ERROR, "start-failed", "room=%s cause=\"%s\"", steps[i].name,
                      err->text);
        }
    }
    return r;
}

static void on_engine_closed(void *context)
{
    struct rooms *rooms = context;
    rooms->engine = NULL;
}

/* Nothing is open any more: every acknowledged change is on disk, every waiting answer has gone
 * out. */
static void on_store_closed(void *context)
{
    struct rooms *rooms = context;
    rooms->store = NULL;
    rooms->api = stint_api_free(rooms->api);
    rooms->admission = stint_admission_free(rooms->admission);
    rooms->jobs = stint_jobs_free(rooms->jobs);
    rooms->calendar = stint_calendar_free(rooms->calendar);
    rooms->ledger = stint_ledger_free(rooms->ledger);
    rooms->record = stint_record_free(rooms->record);
    stint_engine_close(rooms->engine, on_engine_closed, rooms);
    wiring_stop(rooms);
}

void rooms_close(struct rooms *rooms)
{
    rooms->is_stopping = true;
    stint_store_close(rooms->store, on_store_closed, rooms);
    (void)uv_run(&rooms->loop, UV_RUN_DEFAULT);
    stint_launcher_close(&rooms->launcher);
    resources_close(&rooms->resources);
    head_close(rooms);
    rooms->signer = stint_signer_free(rooms->signer);
    policy_deinit(&rooms->policy);
    int r = uv_loop_close(&rooms->loop);
    if (r != 0)
        stint_log(STINT_LOG_WARNING, "loop-not-empty", "cause=\"%s\"", uv_strerror(r));
}
