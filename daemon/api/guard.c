/* Owns: who speaks (peer credentials of the Unix socket, or a bearer token), and under which name
 * the daemon was addressed. A web page somewhere else must be able neither to read through a
 * rebound name nor to write with somebody's rights. */
#include "api_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "stint/ledger.h"

static void peer_unlink(struct peer *peer)
{
    if (peer->next)
        peer->next->previous = peer->previous;
    if (peer->previous)
        peer->previous->next = peer->next;
    else
        peer->listener->peers = peer->next;
}

static void peer_link(struct peer *peer)
{
    peer->next = peer->listener->peers;
    if (peer->next)
        peer->next->previous = peer;
    peer->listener->peers = peer;
}

static bool is_from_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    memset(&address, 0, sizeof(address));
    return getpeername(fd, (struct sockaddr *)(void *)&address, &length) == 0 &&
           address_is_loopback((const struct sockaddr *)(const void *)&address);
}

/* By the socket's family first: SO_PEERCRED on TCP succeeds and says uid -1 (shared limits, A). */
void guard_on_connection(void *context, struct MHD_Connection *connection, void **socket_slot,
                         enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = context;
    struct ucred credentials;
    socklen_t length = sizeof(credentials);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_slot)
            peer_unlink(*socket_slot);
        free(*socket_slot);
        *socket_slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct peer *peer = info ? calloc(1, sizeof(*peer)) : NULL;
    if (!peer)
        return; /* nobody in particular: public rights */
    peer->uid = (uid_t)-1;
    peer->gid = (gid_t)-1;
    peer->fd = info->connect_fd;
    peer->is_near = listener->is_unix || is_from_loopback(info->connect_fd);
    peer->since_ms = uv_now(listener->api->options.loop);
    peer->listener = listener;
    if (listener->is_unix &&
        getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) {
        peer->uid = credentials.uid;
        peer->gid = credentials.gid;
    }
    peer_link(peer);
    *socket_slot = peer;
}

struct peer *guard_peer(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void guard_tick(struct listener *listener)
{
    uint64_t now_ms = uv_now(listener->api->options.loop);
    for (struct peer *peer = listener->peers; peer; peer = peer->next) {
        if (peer->since_ms != 0 && now_ms - peer->since_ms > API_EXCHANGE_S_MAX * 1000) {
            (void)shutdown(peer->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes it */
            peer->since_ms = now_ms;
        }
    }
}

static const struct user_name *user_find(struct stint_api *api, uid_t uid)
{
    struct user_name *entry = &api->user_names[uid % API_USER_NAMES];
    int64_t now_ms = (int64_t)uv_now(api->options.loop);
    char text[4096];
    struct passwd user;
    struct passwd *found = NULL;
    if (entry->uid == uid && entry->name[0] && entry->until_ms > now_ms)
        return entry;
    entry->uid = uid;
    entry->gid = (gid_t)-1;
    entry->until_ms = now_ms + 300000;
    if (getpwuid_r(uid, &user, text, sizeof(text), &found) == 0 && found) {
        (void)snprintf(entry->name, sizeof(entry->name), "%s", found->pw_name);
        entry->gid = found->pw_gid;
    } else {
        (void)snprintf(entry->name, sizeof(entry->name), "%u", (unsigned)uid);
    }
    return entry;
}

const char *guard_user_name(struct stint_api *api, uid_t uid)
{
    return user_find(api, uid)->name;
}

gid_t guard_user_group(struct stint_api *api, uid_t uid)
{
    return user_find(api, uid)->gid;
}

void guard_caller(struct exchange *ex)
{
    const struct peer *peer = guard_peer(ex->connection);
    ex->caller = (struct stint_caller){ (uid_t)-1, (gid_t)-1, "", STINT_ROLE_PUBLIC };
    if (!ex->listener->is_unix || !peer || peer->uid == (uid_t)-1)
        return;
    ex->caller.uid = peer->uid;
    ex->caller.gid = peer->gid;
    (void)snprintf(ex->caller.name, sizeof(ex->caller.name), "%s",
                   guard_user_name(ex->api, peer->uid));
    ex->caller.role = stint_ledger_role(ex->api->options.ledger, peer->uid, ex->caller.name);
    if (ex->caller.role == STINT_ROLE_PUBLIC)
        ex->caller.role = STINT_ROLE_USER;
}

/* A scheme is any case (RFC 9110 §11.1); NULL when it is another than Bearer. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    return authorization + strspn(authorization + sizeof(scheme) - 1, " ") + sizeof(scheme) - 1;
}

/* What an operator's token may not do in this route, its owner may not do with it: then he is a
 * user like others. */
static enum stint_role token_role(const struct exchange *ex, const struct stint_token_view *view)
{
    enum stint_role role = stint_ledger_role(ex->api->options.ledger, view->uid, ex->caller.name);
    bool is_write = ex->route && strcmp(ex->route->method, "GET") != 0;
    if (role < STINT_ROLE_USER)
        return STINT_ROLE_USER;
    if (role < STINT_ROLE_OPERATOR || !ex->route ||
        stint_token_allows(view->scopes & ~(1u << STINT_TOKEN_READ | 1u << STINT_TOKEN_SUBMIT),
                           is_write, true, route_place(ex->route)))
        return role;
    return STINT_ROLE_USER;
}

int guard_token(struct exchange *ex, const char *authorization, struct stint_error *err)
{
    struct stint_token_view view;
    const struct peer *peer = guard_peer(ex->connection);
    const char *token = bearer_of(authorization);
    if (!token) {
        (void)stint_fail(err, STINT_NOT_LOGGED_IN, "the Authorization is no bearer token");
        return stint_fix(err, STINT_NOT_LOGGED_IN, "Authorization: Bearer stint_…");
    }
    if (!peer || !peer->is_near) {
        (void)stint_fail(err, STINT_NOT_LOGGED_IN,
                         "a token is not taken over a network that is not encrypted");
        return stint_fix(err, STINT_NOT_LOGGED_IN,
                         "take this one for lost, and ask through a proxy that speaks TLS");
    }
    int r = stint_ledger_token_find(ex->api->options.ledger, token, &view, err);
    if (r != 0)
        return pace_wrong_token(ex->api, peer->uid, err);
    if (!ex->listener->is_unix && (r = pace_ask(ex->api, view.uid, err)) != 0)
        return r;
    ex->has_token = true;
    ex->token_scopes = view.scopes;
    ex->caller.uid = view.uid;
    ex->caller.gid = guard_user_group(ex->api, view.uid);
    if (ex->caller.gid == (gid_t)-1)
        ex->caller.gid = (gid_t)view.uid;
    (void)snprintf(ex->caller.name, sizeof(ex->caller.name), "%s",
                   guard_user_name(ex->api, view.uid));
    ex->caller.role = token_role(ex, &view);
    return 0;
}

/* "host:port" or "[v6]:port" without its port, lower case. False when it is no such thing. */
static bool host_name(const char *text, size_t length, char *name, size_t size)
{
    size_t end = length;
    if (length > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', length);
        if (!close)
            return false;
        text++;
        end = (size_t)(close - text);
    } else {
        const char *colon = memchr(text, ':', length);
        if (colon)
            end = (size_t)(colon - text);
    }
    if (end == 0 || end >= size)
        return false;
    for (size_t i = 0; i < end; i++)
        name[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    name[end] = '\0';
    return true;
}

static bool list_has(const char *list, const char *name)
{
    while (*list) {
        size_t skip = strspn(list, ", ");
        size_t length = strcspn(list + skip, ", ");
        if (length == strlen(name) && strncasecmp(list + skip, name, length) == 0)
            return true;
        list += skip + length;
    }
    return false;
}

static bool host_is_ours(const struct stint_config *config, const char *text, size_t length)
{
    static const char *const loopback[] = { "localhost", "127.0.0.1", "::1" };
    char name[256];
    char own[256];
    if (!host_name(text, length, name, sizeof(name)))
        return false;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(loopback); i++)
        if (strcmp(name, loopback[i]) == 0)
            return true;
    if (host_name(config->listen, strlen(config->listen), own, sizeof(own)) &&
        strcmp(own, name) == 0)
        return true;
    return list_has(config->hosts, name);
}

static bool origin_is_ours(const struct stint_config *config, const char *origin)
{
    const char *host = strstr(origin, "://");
    return host && host_is_ours(config, host + 3, strcspn(host + 3, "/"));
}

int guard_names(const struct stint_config *config, bool is_unix, bool is_write, const char *host,
                const char *origin, const char *fetch_site, struct stint_error *err)
{
    if (!is_unix && (!host || !host_is_ours(config, host, strlen(host)))) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "this daemon does not answer to '%.100s'",
                         host ? host : "");
        return stint_fix(err, STINT_NOT_PERMITTED,
                         "use a loopback name, or add the name to hosts in stint.conf");
    }
    bool is_cross_site = (origin && !origin_is_ours(config, origin)) ||
                         (fetch_site && strcmp(fetch_site, "cross-site") == 0);
    if (is_write && is_cross_site)
        return stint_fail(err, STINT_NOT_PERMITTED, "a page of another site may not write here");
    return 0;
}

struct framing {
    unsigned lengths;
    unsigned codings;
};

static enum MHD_Result framing_count(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct framing *framing = context;
    (void)kind, (void)value;
    framing->lengths += strcasecmp(name, "Content-Length") == 0;
    framing->codings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

int guard_framing(struct MHD_Connection *connection, struct stint_error *err)
{
    struct framing framing = { 0 };
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, framing_count, &framing);
    if (framing.lengths + framing.codings <= 1)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "the body's length is told twice");
    return stint_fix(err, STINT_INVALID, "send one Content-Length, or one Transfer-Encoding");
}
