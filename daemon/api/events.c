/* Owns: server-sent events (WHATWG HTML). Each durable event is shown to everybody in the same
 * public words (invariant 10): its number, time, kind and job. Last-Event-ID replays from the
 * store, page by page, off the loop; a client too slow for the live flow is let go and comes back
 * by itself where it stopped. */
#include "api_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/store.h"
#include "stint/store_reader.h"

#define BACKLOG_MAX   ((size_t)256 << 10) /* unsent bytes of one client */
#define REPLAY_EVENTS 500                 /* one page of a replay */
#define BEAT_MS       15000

/* @refs: the response and a read under way. @sent: bytes of @out that have left. */
struct client {
    struct exchange *ex; /* NULL once the response is gone */
    struct events *events;
    struct client *next;
    struct client *previous;
    struct stint_buffer out;
    size_t sent;
    int64_t last_id;
    uint64_t job; /* only this one's; 0 for all */
    uint64_t beat_ms;
    unsigned refs;
    bool is_live;
    bool is_reading;
    bool is_ended;
};

struct events {
    struct stint_api *api;
    struct client *clients;
    size_t client_count;
    int64_t last_id;
};

int events_new(struct stint_api *api, struct events **ret_events)
{
    struct events *events = calloc(1, sizeof(*events));
    if (!events)
        return -ENOMEM;
    events->api = api;
    events->last_id = stint_store_last_id(api->options.store, STINT_ID_EVENT);
    *ret_events = events;
    return 0;
}

size_t events_client_count(const struct stint_api *api)
{
    return api->events->client_count;
}

static void client_unlink(struct client *client)
{
    if (!client->events)
        return;
    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        client->events->clients = client->next;
    client->events->client_count--;
    client->events = NULL;
}

static void client_unref(struct client *client)
{
    if (--client->refs > 0)
        return;
    client_unlink(client);
    stint_buffer_deinit(&client->out);
    free(client);
}

static void client_wake(struct client *client)
{
    if (client->ex)
        exchange_resume(client->ex);
}

static void client_end(struct client *client)
{
    client->is_ended = true;
    client_wake(client);
}

void events_end(struct stint_api *api)
{
    for (struct client *client = api->events->clients; client; client = client->next)
        client_end(client);
}

struct events *events_free(struct events *events)
{
    while (events && events->clients)
        client_unlink(events->clients);
    free(events);
    return NULL;
}

static void event_write(struct stint_buffer *out, const struct stint_event_row *event)
{
    struct stint_buffer data = { 0 };
    stint_json_object(&data);
    stint_json_kv_int(&data, "id", event->id);
    stint_json_kv_time(&data, "at", event->at_ms);
    stint_json_kv_text(&data, "kind", event->kind);
    if (event->job != 0) {
        stint_json_kv_int(&data, "job", (int64_t)event->job);
        stint_json_kv_int(&data, "task", event->task);
        stint_json_kv_int(&data, "attempt", event->attempt);
    }
    stint_json_object_end(&data);
    /* No `event:` line: who listens wants all kinds, and need not know their names beforehand. */
    stint_buffer_printf(out, "id: %" PRId64 "\ndata: %s\n\n", event->id, stint_buffer_text(&data));
    stint_buffer_deinit(&data);
}

/* Drops what has been sent; keeps the memory. */
static void client_compact(struct client *client)
{
    if (client->sent == 0)
        return;
    size_t left = client->out.length - client->sent;
    if (left > 0)
        memmove(client->out.data, client->out.data + client->sent, left);
    client->out.length = left;
    client->sent = 0;
}

static void client_add(struct client *client, const struct stint_event_row *event)
{
    client->last_id = event->id;
    if (client->job != 0 && client->job != event->job)
        return;
    client_compact(client);
    event_write(&client->out, event);
    if (client->out.failed || client->out.length > BACKLOG_MAX)
        client->is_ended = true;
}

void events_on_event(struct stint_api *api, const struct stint_event_row *event)
{
    api->events->last_id = event->id;
    for (struct client *client = api->events->clients; client; client = client->next) {
        if (!client->is_live || client->is_ended || event->id <= client->last_id)
            continue;
        client_add(client, event);
        if (client->out.length > client->sent || client->is_ended)
            client_wake(client);
    }
}

void events_tick(struct stint_api *api)
{
    uint64_t now_ms = uv_now(api->options.loop);
    for (struct client *client = api->events->clients; client; client = client->next) {
        if (!client->ex || client->is_ended || now_ms - client->beat_ms < BEAT_MS)
            continue;
        client->beat_ms = now_ms;
        if (client->out.length == client->sent) {
            client_compact(client);
            stint_buffer_add_text(&client->out, ": still here\n\n");
        }
        client_wake(client); /* a vanished client is noticed by the write */
    }
}

/* ---- replay ---- */

struct replay {
    struct client *client;
    struct stint_buffer out;
    int64_t after;
    int64_t last;
    uint64_t job;
    size_t count;
};

static bool replay_on_event(void *context, const struct stint_event_row *event)
{
    struct replay *replay = context;
    replay->count++;
    replay->last = event->id;
    if (replay->job == 0 || replay->job == event->job)
        event_write(&replay->out, event);
    return true;
}

static int replay_work(struct stint_reader *reader, void *context)
{
    struct replay *replay = context;
    return stint_reader_each_event(reader, replay->after, REPLAY_EVENTS, replay_on_event, replay);
}

static void replay_done(void *context, int status);

static void client_replay(struct client *client)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay || !client->events) {
        free(replay);
        client_end(client);
        return;
    }
    replay->client = client;
    replay->after = client->last_id;
    replay->last = client->last_id;
    replay->job = client->job;
    client->refs++;
    client->is_reading = true;
    if (stint_store_read(client->events->api->options.store, replay_work, replay_done, replay,
                         NULL) != 0) {
        client->is_reading = false;
        client->refs--; /* the response still holds it */
        client_end(client);
        free(replay);
    }
}

static void replay_done(void *context, int status)
{
    struct replay *replay = context;
    struct client *client = replay->client;
    client->is_reading = false;
    if (status < 0 || replay->out.failed)
        client->is_ended = true;
    client_compact(client);
    stint_buffer_add(&client->out, replay->out.data, replay->out.length);
    client->last_id = replay->last;
    /* Live only when nothing can lie between the page and now. */
    if (client->events && replay->count < REPLAY_EVENTS &&
        client->last_id >= client->events->last_id)
        client->is_live = true;
    client_wake(client);
    stint_buffer_deinit(&replay->out);
    free(replay);
    client_unref(client);
}

/* ---- the response ---- */

static ssize_t client_read(void *context, uint64_t position, char *bytes, size_t max)
{
    struct client *client = context;
    size_t left = client->out.length - client->sent;
    (void)position;
    if (left > 0) {
        size_t length = left < max ? left : max;
        memcpy(bytes, client->out.data + client->sent, length);
        client->sent += length;
        return (ssize_t)length;
    }
    if (client->is_ended || !client->ex || !client->events)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!client->is_live && !client->is_reading)
        client_replay(client);
    exchange_suspend(client->ex);
    return 0;
}

static void client_closed(void *context)
{
    struct client *client = context;
    struct exchange *ex = stint_take(client->ex);
    client_unlink(client);
    if (ex)
        exchange_unref(ex);
    client_unref(client);
}

/* -1 when it is malformed. */
static int64_t event_id_parse(const char *text)
{
    char *end;
    errno = 0;
    long long id = strtoll(text, &end, 10);
    return *text && !*end && errno == 0 && id >= 0 ? id : -1;
}

static struct client *client_new(struct exchange *ex)
{
    struct events *events = ex->api->events;
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->ex = exchange_ref(ex);
    client->events = events;
    client->refs = 1;
    client->beat_ms = uv_now(ex->api->options.loop);
    client->next = events->clients;
    if (client->next)
        client->next->previous = client;
    events->clients = client;
    events->client_count++;
    stint_buffer_add_text(&client->out, ": the public events of this machine\nretry: 3000\n\n");
    return client;
}

void handle_events(struct exchange *ex)
{
    struct stint_error err;
    int64_t job;
    int64_t after = -1;
    const char *text =
        MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, "Last-Event-ID");
    if (!text)
        text = exchange_query(ex, "after");
    if (!exchange_query_int(ex, "job", 1, INT64_MAX, 0, &job))
        return;
    if (text && (after = event_id_parse(text)) < 0) {
        (void)stint_fail(&err, STINT_INVALID, "Last-Event-ID is not a number");
        exchange_fail(ex, &err);
        return;
    }
    if (ex->api->events->client_count >= API_STREAMS_MAX) {
        (void)stint_fail(&err, STINT_BUSY, "too many clients follow events");
        exchange_fail(ex, &err);
        return;
    }
    struct client *client = client_new(ex);
    if (!client) {
        (void)stint_fail(&err, -ENOMEM, "no memory for another client");
        exchange_fail(ex, &err);
        return;
    }
    if (after > ex->api->events->last_id) /* of a store that an older copy took the place of */
        after = -1;
    client->job = (uint64_t)job;
    client->is_live = after < 0;
    client->last_id = after < 0 ? ex->api->events->last_id : after;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, client_read, client, client_closed);
    if (!response) {
        client_closed(client);
        (void)stint_fail(&err, -ENOMEM, "no memory for another client");
        exchange_fail(ex, &err);
        return;
    }
    ex->type = "text/event-stream; charset=utf-8";
    exchange_send_response(ex, response);
}
