/* The peer of bench_submit: libmicrohttpd by its own epoll inside a libuv loop, as the daemon has
 * it, that reads the body, lets jansson parse it, and answers 201 with a number. Nothing is judged,
 * scheduled or kept.
 *
 * Usage: bench_http_bare SOCKET */
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

struct body {
    size_t length;
    char text[8192];
};

static struct MHD_Daemon *daemon_handle;
static uv_timer_t timer;

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
    static unsigned long long id;
    char answer[48];
    struct body *body = *slot;
    (void)context, (void)url, (void)method, (void)version;
    if (!body) {
        *slot = calloc(1, sizeof(*body));
        return *slot ? MHD_YES : MHD_NO;
    }
    if (*upload_size > 0) {
        if (*upload_size > sizeof(body->text) - body->length)
            return MHD_NO;
        memcpy(body->text + body->length, upload, *upload_size);
        body->length += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    json_t *json = json_loadb(body->text, body->length, JSON_REJECT_DUPLICATES, NULL);
    int length = snprintf(answer, sizeof(answer), "{\"id\":%llu}", ++id);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)length, answer, MHD_RESPMEM_MUST_COPY);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result r = MHD_queue_response(connection, json ? 201 : 400, response);
    MHD_destroy_response(response);
    json_decref(json);
    return r;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    free(*slot);
    *slot = NULL;
}

static void run(void);

static void on_timer(uv_timer_t *handle)
{
    (void)handle;
    run();
}

static void run(void)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(daemon_handle);
    if (MHD_get_timeout(daemon_handle, &wait_ms) == MHD_YES)
        (void)uv_timer_start(&timer, on_timer, wait_ms, 0);
    else
        (void)uv_timer_stop(&timer);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)status, (void)events;
    run();
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    uv_poll_t poll;
    if (argc != 2)
        return 2;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 128) != 0)
        return 1;
    daemon_handle =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
                         fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (!daemon_handle)
        return 1;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon_handle, MHD_DAEMON_INFO_EPOLL_FD);
    (void)uv_timer_init(uv_default_loop(), &timer);
    (void)uv_poll_init(uv_default_loop(), &poll, info->epoll_fd);
    (void)uv_poll_start(&poll, UV_READABLE, on_poll);
    run();
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
