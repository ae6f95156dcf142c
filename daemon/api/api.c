/* Owns: the room's life: opens what serves, ticks once a second, closes. */
#include "api_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/log.h"
#include "stint/store_rows.h"

static void on_tick(uv_timer_t *timer)
{
    struct stint_api *api = timer->data;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(api->listeners); i++)
        if (api->listeners[i])
            guard_tick(api->listeners[i]);
    waits_tick(api);
    events_tick(api);
    keys_tick(api);
}

static int parts_new(struct stint_api *api)
{
    int r = waits_new(&api->waits);
    if (r == 0)
        r = keys_new(&api->keys);
    if (r == 0)
        r = streams_new(api, &api->streams);
    if (r == 0)
        r = events_new(api, &api->events);
    if (r == 0 && !(api->tick = calloc(1, sizeof(*api->tick))))
        r = -ENOMEM;
    return r;
}

int stint_api_new(const struct stint_api_options *options, struct stint_api **ret_api,
                  struct stint_error *err)
{
    struct stint_api *api = calloc(1, sizeof(*api));
    if (!api)
        return -ENOMEM;
    api->options = *options;
    api->config = options->config;
    int r = parts_new(api);
    if (r == 0) {
        (void)uv_timer_init(options->loop, api->tick);
        api->tick->data = api;
        (void)uv_timer_start(api->tick, on_tick, 1000, 1000);
        uv_unref((uv_handle_t *)api->tick);
        r = listeners_open(api, err);
    } else {
        free(stint_take(api->tick));
    }
    if (r != 0) {
        (void)stint_api_free(api);
        return r;
    }
    stint_log(STINT_LOG_INFO, "http-listening", "socket=%s url=%s", api->socket_path,
              api->url[0] ? api->url : "none");
    *ret_api = api;
    return 0;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* libmicrohttpd must not be stopped with suspended connections: all are answered and resumed. */
static void exchanges_end(struct stint_api *api)
{
    struct stint_error err;
    (void)stint_fail(&err, STINT_BUSY, "the daemon is stopping");
    for (struct exchange *ex = api->exchanges; ex; ex = ex->next) {
        if (ex->step == STEP_HANDLED)
            exchange_end(ex, &err);
        exchange_resume(ex);
    }
}

struct stint_api *stint_api_free(struct stint_api *api)
{
    if (!api)
        return NULL;
    api->is_closing = true;
    if (api->events)
        events_end(api);
    if (api->streams)
        streams_end(api);
    exchanges_end(api);
    listeners_close(api);
    api->waits = waits_free(api->waits);
    api->events = events_free(api->events);
    api->streams = streams_free(api->streams);
    api->keys = keys_free(api->keys);
    if (api->tick) {
        (void)uv_timer_stop(api->tick);
        uv_close((uv_handle_t *)api->tick, free_handle);
    }
    free(api);
    return NULL;
}

void stint_api_reload(struct stint_api *api, const struct stint_config *config)
{
    api->config = config;
}

void stint_api_set_reload(struct stint_api *api, const char *refused, const char *later)
{
    api->reload_count++;
    (void)snprintf(api->reload_refused_why, sizeof(api->reload_refused_why), "%s",
                   refused ? refused : "");
    if (!refused)
        (void)snprintf(api->reload_later, sizeof(api->reload_later), "%s", later);
}

void stint_api_set_read_only(struct stint_api *api, bool is_read_only, const char *why)
{
    api->is_read_only = is_read_only;
    (void)snprintf(api->read_only_why, sizeof(api->read_only_why), "%s",
                   why && *why ? why : "the store cannot be written now");
}

const char *stint_api_url(const struct stint_api *api)
{
    return api->url;
}

void stint_api_on_event(struct stint_api *api, const struct stint_event_row *event)
{
    if (!api || api->is_closing)
        return;
    events_on_event(api, event);
    if (event->job != 0) {
        waits_on_event(api, event->job);
        streams_on_event(api, event->job);
    }
}
