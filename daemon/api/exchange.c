/* Owns: the way of one request. Headers are judged before a byte of the body is kept; the handler
 * runs when the body is whole; what the handler cannot answer at once suspends the connection; an
 * answer leaves when everything put into the store before it is durable (invariant 1).
 *
 *   headers ─▶ BODY ─▶ HANDLED ─(suspended)─▶ ANSWERED ─▶ QUEUED
 *      └── refused: the rest of the body is read and thrown away ──▲
 */
#include "api_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/digest.h"
#include "stint/store.h"

/* A refused body is read to its end up to here, so that the client reads the refusal. */
#define DISCARD_MAX ((size_t)64 << 20)
/* Room made for a body by its Content-Length alone. */
#define BODY_BELIEVED ((size_t)512 << 10)

/* ---- memory ---- */

static struct exchange *exchange_new(struct listener *listener, struct MHD_Connection *connection)
{
    struct exchange *ex = calloc(1, sizeof(*ex));
    if (!ex)
        return NULL;
    ex->api = listener->api;
    ex->listener = listener;
    ex->connection = connection;
    ex->refs = 1;
    ex->step = STEP_BODY;
    ex->type = "application/json";
    ex->cache = "no-store";
    ex->next = ex->api->exchanges;
    if (ex->next)
        ex->next->previous = ex;
    ex->api->exchanges = ex;
    ex->api->exchange_count++;
    return ex;
}

static void body_drop(struct exchange *ex)
{
    if (ex->api)
        ex->api->body_bytes -= ex->body_bytes;
    ex->body_bytes = 0;
    stint_buffer_deinit(&ex->body);
}

static void exchange_unlink(struct exchange *ex)
{
    if (!ex->api)
        return;
    body_drop(ex);
    keys_end(ex);
    if (ex->next)
        ex->next->previous = ex->previous;
    if (ex->previous)
        ex->previous->next = ex->next;
    else
        ex->api->exchanges = ex->next;
    ex->api->exchange_count--;
    ex->api = NULL;
}

struct exchange *exchange_ref(struct exchange *ex)
{
    ex->refs++;
    return ex;
}

void exchange_unref(struct exchange *ex)
{
    if (--ex->refs > 0)
        return;
    exchange_unlink(ex);
    stint_buffer_deinit(&ex->body);
    stint_buffer_deinit(&ex->out);
    stint_buffer_deinit(&ex->link);
    for (size_t i = 0; i < ex->query_count; i++)
        free(ex->query_values[i]);
    for (size_t i = 0; i < ex->decoded_count; i++)
        free(ex->decoded[i]);
    free(ex->path);
    free(ex->key);
    if (ex->response)
        MHD_destroy_response(ex->response);
    free(ex);
}

bool exchange_is_gone(const struct exchange *ex)
{
    return !ex->connection;
}

void exchange_on_completed(void *context, struct MHD_Connection *connection, void **slot,
                           enum MHD_RequestTerminationCode code)
{
    struct exchange *ex = *slot;
    struct peer *peer = guard_peer(connection);
    (void)context;
    (void)code;
    if (peer)
        peer->since_ms = uv_now(peer->listener->api->options.loop);
    if (!ex)
        return;
    *slot = NULL;
    ex->connection = NULL;
    exchange_unlink(ex);
    exchange_unref(ex);
}

/* ---- headers ---- */

static const char *header(const struct exchange *ex, const char *name)
{
    return MHD_lookup_connection_value(ex->connection, MHD_HEADER_KIND, name);
}

/* A token gives no more than its scopes, whoever's it is. */
static int judge_scopes(const struct exchange *ex, struct stint_error *err)
{
    char words[256];
    bool is_operators = ex->route->access == ACCESS_OPERATOR;
    bool is_write = strcmp(ex->route->method, "GET") != 0;
    if (!ex->has_token || ex->route->access == ACCESS_PUBLIC ||
        stint_token_allows(ex->token_scopes, is_write, is_operators, route_place(ex->route)))
        return 0;
    (void)stint_fail(err, STINT_NOT_PERMITTED, "this token's scopes do not allow it: %s",
                     stint_token_scopes_format(ex->token_scopes, words, sizeof(words)));
    return stint_fix(err, STINT_NOT_PERMITTED,
                     "ask an operator for one with the scope that it needs");
}

static int judge_access(struct exchange *ex, struct stint_error *err)
{
    const char *authorization = header(ex, "Authorization");
    guard_caller(ex);
    int r = authorization ? guard_token(ex, authorization, err) : 0;
    if (r == 0)
        r = judge_scopes(ex, err);
    if (r != 0)
        return r;
    if (ex->route->access == ACCESS_USER && ex->caller.role < STINT_ROLE_USER) {
        (void)stint_fail(err, STINT_NOT_LOGGED_IN, "this needs to know who you are");
        return stint_fix(err, STINT_NOT_LOGGED_IN,
                         "use the Unix socket on the daemon's machine, or a bearer token");
    }
    if (ex->route->access == ACCESS_OPERATOR && ex->caller.role < STINT_ROLE_OPERATOR) {
        (void)stint_fail(
            err, ex->caller.role < STINT_ROLE_USER ? STINT_NOT_LOGGED_IN : STINT_NOT_PERMITTED,
            "only an operator may do this");
        return stint_fix(err, err ? err->code : STINT_NOT_PERMITTED,
                         "ask the people who run this machine");
    }
    return 0;
}

/* RFC 9110 §8.3.1: a type's name, without its parameters. */
static bool type_is(const char *type, const char *name)
{
    size_t length = strcspn(type, "; \t");
    return strlen(name) == length && strncasecmp(type, name, length) == 0;
}

bool exchange_is_lines(const struct exchange *ex)
{
    const char *type = header(ex, "Content-Type");
    return type && type_is(type, "application/x-ndjson");
}

static int judge_body(struct exchange *ex, struct stint_error *err)
{
    const char *length = header(ex, "Content-Length");
    const char *type = header(ex, "Content-Type");
    const char *encoding = header(ex, "Content-Encoding");
    if (encoding && strcasecmp(encoding, "identity") != 0) {
        (void)stint_fail(err, STINT_MEDIA_TYPE, "Content-Encoding '%.40s' is not taken", encoding);
        return stint_fix(err, STINT_MEDIA_TYPE, "send the body as it is");
    }
    if (length && strtoull(length, NULL, 10) > ex->route->body_max)
        return stint_fail(err, STINT_TOO_LARGE, "the body has %.20s bytes, at most %zu are taken",
                          length, ex->route->body_max);
    bool is_taken = !type || type_is(type, "application/json") ||
                    type_is(type, "application/x-www-form-urlencoded") || /* what curl -d says */
                    ((ex->route->flags & ROUTE_BULK) && exchange_is_lines(ex));
    if (ex->route->body_max > 0 && !is_taken) {
        (void)stint_fail(err, STINT_MEDIA_TYPE, "Content-Type '%.60s' is not taken", type);
        return stint_fix(err, STINT_MEDIA_TYPE, "Content-Type: application/json");
    }
    return 0;
}

static int judge_headers(struct exchange *ex, const char *method, const char *url,
                         struct stint_error *err)
{
    bool is_known = false;
    bool is_write = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    int r = guard_names(ex->api->config, ex->listener->is_unix, is_write, header(ex, "Host"),
                        header(ex, "Origin"), header(ex, "Sec-Fetch-Site"), err);
    if (r == 0 && (r = guard_framing(ex->connection, err)) != 0)
        ex->must_close = true;
    if (r == 0 && !ex->listener->is_unix && !header(ex, "Authorization"))
        r = pace_ask(ex->api, (uid_t)-1, err);
    if (r != 0)
        return r;
    if (strlen(url) > API_URL_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "the URL is longer than %d bytes", API_URL_MAX);
    if (!(ex->path = strdup(url)))
        return -ENOMEM;
    ex->route =
        route_find(strcmp(method, "HEAD") == 0 ? "GET" : method, ex->path, &ex->params, &is_known);
    if (!ex->route) {
        guard_caller(ex);
        if (is_known)
            return stint_fail(err, STINT_METHOD, "%.100s does not take %.10s", ex->path, method);
        (void)stint_fail(err, STINT_NOT_FOUND, "nothing is at %.200s", ex->path);
        return stint_fix(err, STINT_NOT_FOUND, "see /api/v1/openapi.json");
    }
    r = judge_access(ex, err);
    if (r == 0)
        r = query_read(ex, err);
    if (r == 0)
        r = judge_body(ex, err);
    if (r == 0 && is_write && ex->api->is_read_only)
        r = stint_fail(err, STINT_READ_ONLY, "%s", ex->api->read_only_why);
    return r;
}

/* ---- the answer ---- */

static void out_problem(struct exchange *ex, int status, const struct stint_error *err,
                        enum stint_reason_code reason, const char *also, int64_t decision)
{
    stint_buffer_clear(&ex->out);
    problem_write(&ex->out, status, err, reason, also, decision);
    ex->status = status;
    ex->is_too_often = err->code == STINT_TOO_OFTEN;
    ex->type = "application/problem+json";
    ex->cache = "no-store";
    ex->location[0] = '\0';
    stint_buffer_clear(&ex->link);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

void exchange_etag(const struct stint_buffer *out, char *etag, size_t size)
{
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    stint_sha256(stint_buffer_text(out), out->length, &digest);
    (void)snprintf(etag, size, "\"%.20s\"", stint_sha256_hex(&digest, hex));
}

/* Is @etag among the list of an If-Match or If-None-Match header? */
static bool etag_is_listed(const char *list, const char *etag)
{
    return list && (strcmp(list, "*") == 0 || strstr(list, etag) != NULL);
}

bool exchange_is_conditional(struct exchange *ex)
{
    return header(ex, "If-Match") != NULL;
}

bool exchange_matches(struct exchange *ex, const struct stint_buffer *out)
{
    char etag[40];
    const char *wanted = header(ex, "If-Match");
    struct stint_error err;
    exchange_etag(out, etag, sizeof(etag));
    if (!wanted || etag_is_listed(wanted, etag))
        return true;
    (void)stint_fail(&err, STINT_CONFLICT, "it changed since you read it");
    (void)stint_fix(&err, STINT_CONFLICT, "read it again, and send its ETag as If-Match");
    out_problem(ex, 412, &err, STINT_REASON_NONE, NULL, 0);
    exchange_send(ex, 412);
    return false;
}

static void apply_etag(struct exchange *ex)
{
    if (!ex->route || !(ex->route->flags & ROUTE_ETAG) || ex->status != 200 || ex->out.failed)
        return;
    exchange_etag(&ex->out, ex->etag, sizeof(ex->etag));
    if (etag_is_listed(header(ex, "If-None-Match"), ex->etag)) {
        stint_buffer_clear(&ex->out);
        ex->status = 304;
    }
    if (strcmp(ex->cache, "no-store") == 0)
        ex->cache = "private, no-cache";
}

/* What is read with GET is read with HEAD. */
static void add_allow(const struct exchange *ex, struct MHD_Response *response)
{
    static const char *const methods[] = { "GET", "POST", "PATCH", "DELETE" };
    char allow[48] = "";
    for (size_t i = 0; i < STINT_ARRAY_SIZE(methods); i++) {
        struct route_params params;
        bool is_known;
        size_t length = strlen(allow);
        if (route_find(methods[i], ex->path, &params, &is_known))
            (void)snprintf(allow + length, sizeof(allow) - length, "%s%s%s", length ? ", " : "",
                           methods[i], i == 0 ? ", HEAD" : "");
    }
    add_header(response, "Allow", allow);
}

static void add_headers(struct exchange *ex, struct MHD_Response *response)
{
    static const char csp[] = "default-src 'none'; style-src 'self'; script-src 'self'; "
                              "connect-src 'self'; img-src 'self'; base-uri 'none'; "
                              "form-action 'none'; frame-ancestors 'none'";
    add_header(response, "Content-Type", ex->type);
    add_header(response, "Cache-Control", ex->cache);
    add_header(response, "X-Content-Type-Options", "nosniff");
    if (!strstr(ex->type, "json")) { /* a browser draws none of that; see nosniff */
        add_header(response, "Referrer-Policy", "no-referrer");
        add_header(response, "Content-Security-Policy", csp);
    }
    if (ex->etag[0])
        add_header(response, "ETag", ex->etag);
    if (ex->link.length > 0 && !ex->link.failed)
        add_header(response, "Link", stint_buffer_text(&ex->link));
    if (ex->location[0])
        add_header(response, "Location", ex->location);
    if (ex->status == 429 || ex->status == 503)
        add_header(response, "Retry-After",
                   ex->is_too_often    ? "1"
                   : ex->status == 429 ? "60"
                                       : "2");
    if (ex->status == 401)
        add_header(response, "WWW-Authenticate",
                   header(ex, "Authorization") ? "Bearer realm=\"stint\", error=\"invalid_token\""
                                               : "Bearer realm=\"stint\"");
    if (ex->must_close)
        add_header(response, "Connection", "close");
    if (ex->status == 405)
        add_allow(ex, response);
}

static enum MHD_Result queue_answer(struct exchange *ex)
{
    struct MHD_Response *response = stint_take(ex->response);
    ex->step = STEP_QUEUED;
    body_drop(ex);
    if (!response) {
        apply_etag(ex);
        if (ex->out.failed) {
            struct stint_error err;
            (void)stint_fail(&err, -ENOMEM, "the answer did not fit into memory");
            out_problem(ex, 503, &err, STINT_REASON_NONE, NULL, 0);
        }
        size_t length = ex->out.length;
        char *text = stint_buffer_take(&ex->out);
        if (!text)
            return MHD_NO;
        response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
        if (!response) {
            free(text);
            return MHD_NO;
        }
    }
    ex->api->answer_counts[ex->status / 100 < 6 ? ex->status / 100 : 5]++;
    add_headers(ex, response);
    enum MHD_Result r = MHD_queue_response(ex->connection, (unsigned)ex->status, response);
    MHD_destroy_response(response);
    return r;
}

void exchange_suspend(struct exchange *ex)
{
    if (ex->is_suspended || !ex->connection)
        return;
    ex->is_suspended = true;
    MHD_suspend_connection(ex->connection);
}

void exchange_resume(struct exchange *ex)
{
    if (!ex->is_suspended || !ex->connection)
        return;
    ex->is_suspended = false;
    MHD_resume_connection(ex->connection);
    listener_wake(ex->listener);
}

static void answer_ready(struct exchange *ex)
{
    if (ex->step != STEP_HANDLED)
        return;
    keys_end(ex);
    ex->step = STEP_ANSWERED;
    exchange_resume(ex);
}

static void on_durable(void *context, int status)
{
    struct exchange *ex = context;
    if (!exchange_is_gone(ex)) {
        if (status < 0) {
            struct stint_error err;
            (void)stint_fail(&err, STINT_READ_ONLY, "the store could not be written: %s",
                             strerror(-status));
            (void)stint_fix(&err, STINT_READ_ONLY, "nothing was changed; try again later");
            out_problem(ex, 503, &err, STINT_REASON_NONE, NULL, 0);
        }
        answer_ready(ex);
    }
    exchange_unref(ex);
}

/* A 5xx, a full queue or a key in use says nothing of what a later try will give. */
static bool is_final(int status)
{
    return status < 500 && status != 409 && status != 429;
}

void exchange_send(struct exchange *ex, int status)
{
    struct stint_error err;
    struct stint_store *store;
    ex->status = status;
    if (exchange_is_gone(ex))
        return;
    store = ex->api->options.store;
    if (ex->key && !ex->is_kept && is_final(status) && !ex->out.failed)
        keys_keep(ex, status, stint_buffer_text(&ex->out));
    if ((ex->route && ex->route->flags & ROUTE_STATIC) || !stint_store_is_pending(store)) {
        answer_ready(ex);
        return;
    }
    int r = stint_store_after(store, on_durable, exchange_ref(ex), &err);
    if (r != 0) {
        ex->refs--; /* the connection still holds it */
        out_problem(ex, problem_status(r), &err, STINT_REASON_NONE, NULL, 0);
        answer_ready(ex);
    }
}

void exchange_send_durable(struct exchange *ex, int status)
{
    if (ex->key && !ex->is_kept) {
        exchange_send(ex, status);
        return;
    }
    ex->status = status;
    if (!exchange_is_gone(ex))
        answer_ready(ex);
}

void exchange_fail_reason(struct exchange *ex, const struct stint_error *err,
                          enum stint_reason_code reason, const char *also, int64_t decision)
{
    int status = problem_status(err->code);
    out_problem(ex, status, err, reason, also, decision);
    exchange_send(ex, status);
}

void exchange_fail(struct exchange *ex, const struct stint_error *err)
{
    exchange_fail_reason(ex, err, STINT_REASON_NONE, NULL, 0);
}

void exchange_end(struct exchange *ex, const struct stint_error *err)
{
    out_problem(ex, problem_status(err->code), err, STINT_REASON_NONE, NULL, 0);
    answer_ready(ex);
}

void exchange_send_response(struct exchange *ex, struct MHD_Response *response)
{
    if (exchange_is_gone(ex)) {
        MHD_destroy_response(response);
        return;
    }
    ex->response = response;
    ex->status = 200;
    answer_ready(ex);
}

bool exchange_is_hung_up(const struct exchange *ex)
{
    if (!ex->connection)
        return true;
    const struct peer *peer = guard_peer(ex->connection);
    struct pollfd fd = { .fd = peer ? peer->fd : -1, .events = POLLRDHUP };
    return peer && poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* ---- libmicrohttpd's calls ---- */

static enum MHD_Result on_headers(struct listener *listener, struct MHD_Connection *connection,
                                  const char *url, const char *method, void **slot)
{
    struct stint_error err = { 0 };
    struct exchange *ex = exchange_new(listener, connection);
    if (!ex)
        return MHD_NO;
    *slot = ex;
    int r = judge_headers(ex, method, url, &err);
    if (r == 0 && ex->api->is_closing)
        r = stint_fail(&err, STINT_BUSY, "the daemon is stopping");
    if (r == 0)
        return MHD_YES;
    err.code = r;
    out_problem(ex, problem_status(r), &err, STINT_REASON_NONE, NULL, 0);
    ex->is_discarding = true;
    return r == STINT_TOO_LARGE || ex->must_close ? queue_answer(ex) : MHD_YES;
}

static void body_refuse(struct exchange *ex, int code, const char *why)
{
    struct stint_error err;
    (void)stint_fail(&err, code, "%s", why);
    out_problem(ex, problem_status(code), &err, STINT_REASON_NONE, NULL, 0);
    body_drop(ex);
    ex->is_discarding = true;
}

/* What the client says will come, as far as one believes it before it is there. */
static void body_reserve(struct exchange *ex)
{
    const char *length = header(ex, "Content-Length");
    size_t bytes = length ? strtoull(length, NULL, 10) : 0;
    stint_buffer_reserve(&ex->body, bytes < BODY_BELIEVED ? bytes : BODY_BELIEVED);
}

static enum MHD_Result on_body(struct exchange *ex, const char *bytes, size_t *size)
{
    struct stint_api *api = ex->api;
    size_t length = *size;
    *size = 0;
    ex->received += length;
    if (ex->received > DISCARD_MAX)
        return MHD_NO;
    if (ex->is_discarding)
        return MHD_YES;
    if (ex->received > ex->route->body_max) {
        body_refuse(ex, STINT_TOO_LARGE, "the body is larger than this route takes");
    } else if (length > API_BODIES_MAX - api->body_bytes) {
        body_refuse(ex, STINT_BUSY, "too much is being received at once");
    } else {
        if (ex->body.capacity == 0)
            body_reserve(ex);
        stint_buffer_add(&ex->body, bytes, length);
        if (ex->body.failed) {
            body_refuse(ex, STINT_BUSY, "no memory for the body");
        } else {
            ex->body_bytes += length;
            api->body_bytes += length;
        }
    }
    return MHD_YES;
}

static enum MHD_Result on_whole(struct exchange *ex)
{
    struct peer *peer = guard_peer(ex->connection);
    if (peer)
        peer->since_ms = 0;
    if (ex->is_discarding)
        return queue_answer(ex);
    ex->step = STEP_HANDLED;
    const char *key = header(ex, "Idempotency-Key");
    if (!(ex->route->flags & ROUTE_IDEMPOTENT) || !key || keys_begin(ex, key))
        ex->route->handle(ex);
    if (ex->step == STEP_ANSWERED)
        return queue_answer(ex);
    exchange_suspend(ex);
    stint_store_advance(ex->api->options.store);
    return MHD_YES;
}

enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *upload, size_t *upload_size, void **slot)
{
    struct exchange *ex = *slot;
    (void)version;
    if (!ex)
        return on_headers(context, connection, url, method, slot);
    switch (ex->step) {
    case STEP_BODY:
        return *upload_size > 0 ? on_body(ex, upload, upload_size) : on_whole(ex);
    case STEP_HANDLED:
        exchange_suspend(ex);
        return MHD_YES;
    case STEP_ANSWERED:
        return queue_answer(ex);
    case STEP_QUEUED:
        *upload_size = 0;
        return MHD_YES;
    }
    return MHD_NO;
}
