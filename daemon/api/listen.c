/* Owns: the sockets and the libmicrohttpd daemons on them, driven by the libuv loop: the daemon's
 * epoll descriptor under a poll handle, its timeout under a timer, and one more run before the loop
 * sleeps whenever a connection was resumed (a resume announces itself on no descriptor in time). */
#include "api_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "stint/log.h"

#define BACKLOG 511

/* ---- sockets ---- */

static int fail_at(struct stint_error *err, const char *what, const char *address)
{
    int r = -errno;
    return stint_fail(err, r, "%s %.200s: %s", what, address, strerror(-r));
}

/* Makes the last folder of @path, only ours unless we are the system service, and refuses one that
 * somebody else made (a name in /tmp can be taken by anybody). */
static int folder_make(const struct stint_config *config, const char *path, struct stint_error *err)
{
    char folder[STINT_CONFIG_TEXT_MAX];
    struct stat st;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    if (mkdir(folder, config->is_system ? 0755 : 0700) != 0 && errno != EEXIST)
        return fail_at(err, "cannot make the folder", folder);
    if (stat(folder, &st) != 0)
        return fail_at(err, "cannot use the folder", folder);
    bool is_safe = st.st_uid == geteuid() || st.st_uid == 0 || (st.st_mode & S_ISVTX);
    if (!S_ISDIR(st.st_mode) || !is_safe) {
        (void)stint_fail(err, -EACCES, "the folder %.200s belongs to somebody else", folder);
        return stint_fix(err, -EACCES, "name another place with --socket");
    }
    return 0;
}

/* A socket that nobody answers on is left from a daemon that was killed. */
static int stale_remove(const struct sockaddr_un *address, struct stint_error *err)
{
    struct stat st;
    const char *path = address->sun_path;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : fail_at(err, "cannot look at", path);
    if (!S_ISSOCK(st.st_mode))
        return stint_fail(err, -EEXIST, "%.107s exists and is no socket", path);
    stint_auto(stint_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_at(err, "cannot make a socket for", path);
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN) {
        (void)stint_fail(err, STINT_CONFLICT, "another daemon answers on %.107s", path);
        return stint_fix(err, STINT_CONFLICT, "stop it, or name another place with --socket");
    }
    if (errno != ECONNREFUSED && errno != ENOENT)
        return fail_at(err, "cannot try", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return fail_at(err, "cannot remove the stale socket", path);
    return 0;
}

static int socket_rights(const struct stint_config *config, const char *path,
                         struct stint_error *err)
{
    if (config->socket_group[0]) {
        const struct group *group = getgrnam(config->socket_group);
        if (!group)
            return stint_fail(err, STINT_INVALID, "socket_group '%.64s' does not exist",
                              config->socket_group);
        if (lchown(path, (uid_t)-1, group->gr_gid) != 0)
            return fail_at(err, "cannot give a group to", path);
    }
    if (chmod(path, (mode_t)config->socket_mode) != 0)
        return fail_at(err, "cannot set the mode of", path);
    return 0;
}

static int bind_unix(const struct stint_config *config, int *ret_fd, struct stint_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = config->socket;
    if (strlen(path) >= sizeof(address.sun_path))
        return stint_fail(err, STINT_INVALID, "the socket's path %.60s… is longer than 107 bytes",
                          path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int r = folder_make(config, path, err);
    if (r == 0)
        r = stale_remove(&address, err);
    if (r != 0)
        return r;
    stint_auto(stint_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_at(err, "cannot make a socket for", path);
    mode_t mask = umask(0177); /* nobody else gets in before the mode is set */
    r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(mask);
    if (r != 0) {
        r = fail_at(err, "cannot bind", path);
        return stint_fix(err, r, "let the daemon's user own the folder, or set socket (--socket)");
    }
    if ((r = socket_rights(config, path, err)) != 0)
        return r;
    if (listen(fd, BACKLOG) != 0)
        return fail_at(err, "cannot listen on", path);
    *ret_fd = stint_take_fd(fd);
    return 0;
}

static int bind_tcp(const char *listen_at, int *ret_fd, struct stint_error *err)
{
    struct sockaddr_storage address;
    socklen_t length;
    int one = 1;
    int r = stint_config_address(listen_at, &address, &length, err);
    if (r != 0)
        return r;
    stint_auto(stint_fd) int fd =
        socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_at(err, "cannot make a socket for", listen_at);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address, length) != 0) {
        r = fail_at(err, "cannot bind", listen_at);
        return stint_fix(err, r, "stop what uses the port, or set listen (--listen) to another");
    }
    if (listen(fd, BACKLOG) != 0)
        return fail_at(err, "cannot listen on", listen_at);
    *ret_fd = stint_take_fd(fd);
    return 0;
}

bool address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof(v6));
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* The address as it came to be: the port may have been 0. */
static void url_write(struct stint_api *api, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t length = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";
    memset(&address, 0, sizeof(address));
    if (getsockname(fd, &address.any, &length) != 0)
        return;
    bool is_v6 = address.any.sa_family == AF_INET6;
    if (is_v6)
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
    else
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
    unsigned port = ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port);
    (void)snprintf(api->url, sizeof(api->url), is_v6 ? "http://[%s]:%u/" : "http://%s:%u/", host,
                   port);
    if (!address_is_loopback(&address.any))
        stint_log(
            STINT_LOG_WARNING, "listen-open",
            "url=%s cause=\"other machines may read what is public here, and nothing of it is "
            "encrypted\" fix=\"listen on 127.0.0.1 behind a proxy that speaks TLS\"",
            api->url);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

static void listener_run(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    listener->needs_run = false;
    (void)MHD_run(listener->daemon);
    if (MHD_get_timeout(listener->daemon, &timeout_ms) == MHD_YES)
        (void)uv_timer_start(&listener->timer, on_timer, timeout_ms, 0);
    else
        (void)uv_timer_stop(&listener->timer);
}

static void on_timer(uv_timer_t *timer)
{
    listener_run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    listener_run(poll->data);
}

/* The last thing before the loop sleeps: what was resumed in this turn is served in this turn. Two
 * rounds, since an answer may free a connection that has the next request in hand. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct stint_api *api = prepare->data;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < STINT_ARRAY_SIZE(api->listeners); i++)
            if (api->listeners[i] && api->listeners[i]->needs_run)
                listener_run(api->listeners[i]);
}

void listener_wake(struct listener *listener)
{
    listener->needs_run = true;
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list args)
{
    char text[300];
    char quoted[400];
    (void)context;
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    stint_log(STINT_LOG_DEBUG, "http", "message=%s", stint_log_quote(text, quoted, sizeof(quoted)));
}

/* Percent-decoding is ours: a decoded '/' must not become a separator. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static int listener_start(struct listener *listener, const struct stint_config *config)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_request, listener, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        NULL, MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, API_CONNECTION_POOL,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->idle_timeout_s,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
        guard_on_connection, listener, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_END);
    return listener->daemon ? 0 : -EIO;
}

static int listener_open(struct stint_api *api, int fd, bool is_unix,
                         struct listener **ret_listener)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener) {
        close(fd);
        return -ENOMEM;
    }
    listener->api = api;
    listener->fd = fd;
    listener->is_unix = is_unix;
    int r = listener_start(listener, api->config);
    if (r != 0) {
        close(fd);
        free(listener);
        return r;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    (void)uv_timer_init(api->options.loop, &listener->timer);
    (void)uv_poll_init(api->options.loop, &listener->poll, info->epoll_fd);
    listener->timer.data = listener;
    listener->poll.data = listener;
    listener->open_handles = 2;
    *ret_listener = listener;
    r = uv_poll_start(&listener->poll, UV_READABLE, on_poll);
    listener_wake(listener);
    return r;
}

int listeners_open(struct stint_api *api, struct stint_error *err)
{
    const struct stint_config *config = api->config;
    int fd = -1;
    if (!(api->prepare = calloc(1, sizeof(*api->prepare))))
        return -ENOMEM;
    (void)uv_prepare_init(api->options.loop, api->prepare);
    api->prepare->data = api;
    (void)uv_prepare_start(api->prepare, on_prepare);
    int r = bind_unix(config, &fd, err);
    if (r != 0)
        return r;
    (void)snprintf(api->socket_path, sizeof(api->socket_path), "%s", config->socket);
    r = listener_open(api, fd, true, &api->listeners[0]);
    if (r != 0)
        return stint_fail(err, r, "cannot serve HTTP on %.200s: %s", config->socket, strerror(-r));
    if (!config->listen[0])
        return 0;
    r = bind_tcp(config->listen, &fd, err);
    if (r != 0)
        return r;
    url_write(api, fd);
    r = listener_open(api, fd, false, &api->listeners[1]);
    if (r != 0)
        return stint_fail(err, r, "cannot serve HTTP on %.200s: %s", config->listen, strerror(-r));
    return 0;
}

static void listener_on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    if (--listener->open_handles == 0)
        free(listener);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void listener_close(struct listener *listener)
{
    for (int i = 0; i < 4; i++) /* the last answers leave as far as the sockets take them now */
        (void)MHD_run(listener->daemon);
    (void)uv_poll_stop(&listener->poll);
    MHD_stop_daemon(listener->daemon);
    uv_close((uv_handle_t *)&listener->poll, listener_on_closed);
    uv_close((uv_handle_t *)&listener->timer, listener_on_closed);
}

void listeners_close(struct stint_api *api)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(api->listeners); i++) {
        if (api->listeners[i])
            listener_close(api->listeners[i]);
        api->listeners[i] = NULL;
    }
    if (api->socket_path[0])
        (void)unlink(api->socket_path);
    if (api->prepare) {
        (void)uv_prepare_stop(api->prepare);
        uv_close((uv_handle_t *)api->prepare, free_handle);
        api->prepare = NULL;
    }
}
