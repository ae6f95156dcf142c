/* Owns: the connection to the daemon. libcurl's start-up is the only cost that shows (8.5 ms with
 * its TLS library), so TLS is initialised only for an https URL, and all of it only when there is
 * something to say. */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "curl_late.h"

#define SYSTEM_SOCKET "/run/stint/stintd.sock"
/* A lost answer is asked for again this often, with the same Idempotency-Key. */
#define RETRY_MAX 3

struct client {
    CURL *curl;
    struct curl_slist *headers;
    struct curl_slist *headers_json;
    char *socket; /* NULL for a URL */
    char *base;   /* "http://stint" or the URL without a last slash */
    char error[CURL_ERROR_SIZE];
};

void response_deinit(struct response *response)
{
    stint_buffer_deinit(&response->body);
    json_decref(response->json);
    free(response->next);
    memset(response, 0, sizeof(*response));
}

/* ---- finding it ---- */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Below /tmp anyone may make a folder with our name: only one of our own is believed. */
static bool is_own_folder(const char *path)
{
    struct stat facts;
    char folder[CLIENT_PLACE_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash ? slash - path : 0), path);
    return lstat(folder, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == getuid();
}

int client_find(const char *socket, char *ret_place, struct stint_error *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *named = socket && *socket ? socket : getenv("STINT_SOCKET");
    const char *url = getenv("STINT_URL");
    char own[CLIENT_PLACE_MAX - 32];
    if (named && *named) {
        (void)snprintf(ret_place, CLIENT_PLACE_MAX, "%s", named);
        return 0;
    }
    if (url && *url) {
        (void)snprintf(ret_place, CLIENT_PLACE_MAX, "%s", url);
        return 0;
    }
    if (runtime && *runtime)
        (void)snprintf(own, sizeof(own), "%s/stint/stintd.sock", runtime);
    else
        (void)snprintf(own, sizeof(own), "/tmp/stint-%u/stintd.sock", (unsigned)getuid());
    if (is_there(own) && is_own_folder(own)) {
        (void)snprintf(ret_place, CLIENT_PLACE_MAX, "%s", own);
        return 0;
    }
    if (is_there(SYSTEM_SOCKET)) {
        (void)snprintf(ret_place, CLIENT_PLACE_MAX, "%s", SYSTEM_SOCKET);
        return 0;
    }
    (void)stint_fail(err, -ENOENT, "no daemon: neither %.180s nor %s exists", own, SYSTEM_SOCKET);
    return stint_fix(err, -ENOENT, "start one with 'stintd', or name it with --socket PATH");
}

static int place_split(const char *place, struct client *client, struct stint_error *err)
{
    bool is_url = strncmp(place, "http://", 7) == 0 || strncmp(place, "https://", 8) == 0;
    if (!is_url && strstr(place, "://"))
        return stint_fail(err, STINT_INVALID, "'%.200s' is neither a path nor an http URL", place);
    client->base = strdup(is_url ? place : "http://localhost");
    if (!is_url)
        client->socket = strdup(place);
    if (!client->base || (!is_url && !client->socket))
        return -ENOMEM;
    for (size_t n = strlen(client->base); n > 0 && client->base[n - 1] == '/'; n--)
        client->base[n - 1] = '\0';
    return 0;
}

static bool headers_add(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_late.slist_append(*list, header);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool headers_build(struct client *client)
{
    const char *token = getenv("STINT_TOKEN");
    char bearer[512];
    bool is_built = headers_add(&client->headers, "Expect:") &&
                    headers_add(&client->headers_json, "Expect:") &&
                    headers_add(&client->headers_json, "Content-Type: application/json");
    /* A socket knows who we are; a token that is over would only be in the way there. */
    if (is_built && token && *token && !client->socket) {
        (void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", token);
        is_built =
            headers_add(&client->headers, bearer) && headers_add(&client->headers_json, bearer);
    }
    return is_built;
}

int client_open(const char *place, struct client **ret_client, struct stint_error *err)
{
    int r = curl_late_load(err);
    if (r != 0)
        return r;
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
    r = place_split(place, client, err);
    if (r == 0 &&
        curl_late.global_init(strncmp(place, "https:", 6) == 0 ? CURL_GLOBAL_DEFAULT
                                                               : CURL_GLOBAL_NOTHING) != 0)
        r = -ENOMEM;
    if (r == 0 && (!(client->curl = curl_late.easy_init()) || !headers_build(client)))
        r = -ENOMEM;
    if (r != 0) {
        client_close(client);
        return r;
    }
    *ret_client = client;
    return 0;
}

struct client *client_close(struct client *client)
{
    if (!client)
        return NULL;
    if (client->curl)
        curl_late.easy_cleanup(client->curl);
    curl_late.slist_free_all(client->headers);
    curl_late.slist_free_all(client->headers_json);
    curl_late.global_cleanup();
    free(client->socket);
    free(client->base);
    free(client);
    return NULL;
}

/* ---- one request ---- */

static size_t response_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;
    stint_buffer_add(&response->body, bytes, size * count);
    return response->body.failed ? 0 : size * count;
}

/* `Link: </api/v1/jobs?after=x>; rel="next"`; the first such part counts. */
static void response_read_link(struct response *response, const char *line, size_t length)
{
    char text[2048];
    (void)snprintf(text, sizeof(text), "%.*s", (int)length, line);
    char *open = strchr(text, '<');
    char *close = open ? strchr(open, '>') : NULL;
    if (!close || !strstr(close, "rel=\"next\""))
        return;
    *close = '\0';
    char *path = strstr(open + 1, "/api/");
    free(response->next);
    response->next = path ? strdup(path) : NULL;
}

static size_t response_on_header(char *bytes, size_t size, size_t count, void *context)
{
    size_t length = size * count;
    if (length > 5 && strncasecmp(bytes, "link:", 5) == 0)
        response_read_link(context, bytes + 5, length - 5);
    return length;
}

static int curl_failed(const struct client *client, CURLcode code, const struct response *response,
                       struct stint_error *err)
{
    const char *place = client->socket ? client->socket : client->base;
    if (response->body.failed)
        return stint_fail(err, STINT_TOO_LARGE, "the daemon's answer is larger than %zu MiB",
                          RESPONSE_BYTES_MAX >> 20);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        (void)stint_fail(err, -ECONNREFUSED, "no daemon answers at %.300s", place);
        return stint_fix(err, -ECONNREFUSED,
                         "start one with 'stintd', or name another with --socket PATH");
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return stint_fail(err, -ETIMEDOUT, "the daemon at %.300s did not answer in time", place);
    if (code == CURLE_OUT_OF_MEMORY)
        return stint_fail(err, -ENOMEM, "out of memory");
    return stint_fail(err, -EPROTO, "talking to the daemon at %.200s: %.150s", place,
                      client->error[0] ? client->error : curl_late.easy_strerror(code));
}

/* Common to whole answers and streams. */
static void handle_aim(const struct client *client, CURL *curl, const char *url)
{
    curl_late.easy_setopt(curl, CURLOPT_URL, url);
    curl_late.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_late.easy_setopt(curl, CURLOPT_USERAGENT, "stint/" STINT_VERSION);
    curl_late.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_late.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (client->socket) {
        curl_late.easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
        curl_late.easy_setopt(curl, CURLOPT_PROXY, "");
    }
}

/* Was the request perhaps heard, though no answer came? */
static bool is_answer_lost(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_PARTIAL_FILE;
}

static CURLcode request_send(struct client *client, const char *method, const char *url,
                             const char *body, const char *key, struct response *response)
{
    CURL *curl = client->curl;
    struct curl_slist *headers = body ? client->headers_json : client->headers;
    struct curl_slist *key_header = NULL;
    char text[200];
    if (key) { /* in front of the lasting list, and taken off again below */
        (void)snprintf(text, sizeof(text), "Idempotency-Key: %.150s", key);
        key_header = curl_late.slist_append(NULL, text);
        if (!key_header)
            return CURLE_OUT_OF_MEMORY;
        key_header->next = headers;
        headers = key_header;
    }
    curl_late.easy_reset(curl);
    handle_aim(client, curl, url);
    curl_late.easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    curl_late.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_late.easy_setopt(curl, CURLOPT_WRITEFUNCTION, response_on_body);
    curl_late.easy_setopt(curl, CURLOPT_WRITEDATA, response);
    curl_late.easy_setopt(curl, CURLOPT_HEADERFUNCTION, response_on_header);
    curl_late.easy_setopt(curl, CURLOPT_HEADERDATA, response);
    if (body || strcmp(method, "POST") == 0) {
        curl_late.easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
        curl_late.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                              (curl_off_t)(body ? strlen(body) : 0));
    }
    curl_late.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    client->error[0] = '\0';
    CURLcode code = curl_late.easy_perform(curl);
    if (key_header) {
        key_header->next = NULL;
        curl_late.slist_free_all(key_header);
    }
    return code;
}

int client_call(struct client *client, const char *method, const char *path, const char *body,
                const char *key, struct response *ret_response, struct stint_error *err)
{
    stint_auto(response_deinit) struct response response = { 0 };
    stint_auto(stint_free) char *url = NULL;
    CURLcode code = CURLE_OK;
    bool may_repeat = key || strcmp(method, "GET") == 0;
    if (asprintf(&url, "%s%s", client->base, path) < 0) {
        url = NULL;
        return -ENOMEM;
    }
    for (int attempt = 0; attempt <= RETRY_MAX; attempt++) {
        response_deinit(&response);
        response.body.bound = RESPONSE_BYTES_MAX;
        code = request_send(client, method, url, body, key, &response);
        if (!may_repeat || !is_answer_lost(code))
            break;
    }
    if (code != CURLE_OK)
        return curl_failed(client, code, &response, err);
    curl_late.easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &response.status);
    if (response.body.length > 0)
        response.json = json_loadb(response.body.data, response.body.length, 0, NULL);
    *ret_response = response;
    memset(&response, 0, sizeof(response));
    return 0;
}

/* ---- streams ---- */

struct stream_handle {
    CURL *curl;
    struct client_stream *stream;
    char *url;
};

static int write_whole(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -errno;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static size_t stream_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct stream_handle *handle = context;
    struct client_stream *stream = handle->stream;
    size_t length = size * count;
    curl_late.easy_getinfo(handle->curl, CURLINFO_RESPONSE_CODE, &stream->response.status);
    if (stream->response.status / 100 != 2)
        return response_on_body(bytes, size, count, &stream->response);
    stream->result = write_whole(stream->fd, bytes, length);
    stream->offset += stream->result == 0 ? length : 0;
    return stream->result == 0 ? length : 0;
}

static int stream_open(struct client *client, CURLM *multi, struct client_stream *stream,
                       struct stream_handle *handle)
{
    memset(&stream->response, 0, sizeof(stream->response));
    stream->response.body.bound = RESPONSE_BYTES_MAX;
    handle->stream = stream;
    if (asprintf(&handle->url, "%s%s", client->base, stream->path) < 0) {
        handle->url = NULL;
        return -ENOMEM;
    }
    if (!(handle->curl = curl_late.easy_init()))
        return -ENOMEM;
    handle_aim(client, handle->curl, handle->url);
    curl_late.easy_setopt(handle->curl, CURLOPT_HTTPHEADER, client->headers);
    curl_late.easy_setopt(handle->curl, CURLOPT_WRITEFUNCTION, stream_on_body);
    curl_late.easy_setopt(handle->curl, CURLOPT_WRITEDATA, handle);
    curl_late.easy_setopt(handle->curl, CURLOPT_PRIVATE, handle);
    return curl_late.multi_add_handle(multi, handle->curl) == CURLM_OK ? 0 : -ENOMEM;
}

static void streams_collect(struct client *client, CURLM *multi, struct stint_error *err)
{
    int left;
    for (CURLMsg *message; (message = curl_late.multi_info_read(multi, &left)) != NULL;) {
        struct stream_handle *handle = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_late.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
        struct client_stream *stream = handle->stream;
        curl_late.easy_getinfo(handle->curl, CURLINFO_RESPONSE_CODE, &stream->response.status);
        stream->is_done = true;
        if (message->data.result != CURLE_OK && stream->result == 0)
            stream->result = curl_failed(client, message->data.result, &stream->response, err);
        if (stream->response.body.length > 0)
            stream->response.json =
                json_loadb(stream->response.body.data, stream->response.body.length, 0, NULL);
    }
}

#define STREAMS_MAX 2

int client_follow(struct client *client, struct client_stream *streams, size_t count,
                  bool (*tick)(void *context), void *context, struct stint_error *err)
{
    struct stream_handle handles[STREAMS_MAX] = { 0 };
    CURLM *multi = curl_late.multi_init();
    int running = 1;
    int r = multi && count <= STREAMS_MAX ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = stream_open(client, multi, &streams[i], &handles[i]);
    while (r == 0 && running > 0) {
        if (curl_late.multi_perform(multi, &running) != CURLM_OK)
            r = -EPROTO;
        streams_collect(client, multi, err);
        if (tick && !tick(context))
            r = -EINTR;
        if (r == 0 && running > 0)
            (void)curl_late.multi_poll(multi, NULL, 0, 200, NULL);
    }
    for (size_t i = 0; i < count && i < STREAMS_MAX; i++) {
        if (handles[i].curl) {
            (void)curl_late.multi_remove_handle(multi, handles[i].curl);
            curl_late.easy_cleanup(handles[i].curl);
        }
        free(handles[i].url);
        if (r == 0 && streams[i].result != 0)
            r = streams[i].result;
    }
    if (multi)
        curl_late.multi_cleanup(multi);
    return r;
}

char *path_encode(const char *text, char *encoded, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = 0;
    for (; *text && used + 4 <= size; text++) {
        unsigned char byte = (unsigned char)*text;
        if (strchr(plain, byte)) {
            encoded[used++] = *text;
            continue;
        }
        encoded[used++] = '%';
        encoded[used++] = hex[byte >> 4];
        encoded[used++] = hex[byte & 15];
    }
    encoded[used] = '\0';
    return encoded;
}
