#include "daemon_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yardstick.h"

#define READY_WAIT_S 60.0
#define REPLY_MAX    ((size_t)256 << 20)

/* ---- the daemon */

void daemon_spawn(struct daemon_run *daemon, const char *topology)
{
    const char *words[] = { STINTD,
                            "--state",
                            daemon->state,
                            "--socket",
                            daemon->socket,
                            "--listen",
                            "",
                            topology ? "--topology" : NULL,
                            topology,
                            NULL };
    daemon->pid = program_start(words, daemon->log);
}

void daemon_await(struct daemon_run *daemon)
{
    struct client client;
    client_connect(&client, daemon->socket, READY_WAIT_S);
    struct reply reply = client_ask(&client, "GET", "/healthz", NULL, NULL, 0);
    if (reply.status != 200)
        die("the daemon answers %d; see %s", reply.status, daemon->log);
    client_close(&client);
}

void daemon_begin(struct daemon_run *daemon, const char *topology)
{
    folder_make(daemon->folder, sizeof(daemon->folder));
    (void)snprintf(daemon->state, sizeof(daemon->state), "%s/state", daemon->folder);
    (void)snprintf(daemon->socket, sizeof(daemon->socket), "%s/s", daemon->folder);
    (void)snprintf(daemon->log, sizeof(daemon->log), "%s/log", daemon->folder);
    daemon_spawn(daemon, topology);
    daemon_await(daemon);
}

void daemon_stop(struct daemon_run *daemon, int signal)
{
    if (daemon->pid <= 0)
        return;
    (void)kill(daemon->pid, signal);
    (void)waitpid(daemon->pid, NULL, 0);
    daemon->pid = 0;
}

void daemon_end(struct daemon_run *daemon)
{
    daemon_stop(daemon, SIGTERM);
    folder_remove(daemon->folder);
}

long process_kb(pid_t pid, const char *file, const char *name)
{
    char path[64];
    char line[256];
    long kb = -1;
    size_t length = strlen(name);
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    FILE *stream = fopen(path, "r");
    while (stream && kb < 0 && fgets(line, sizeof(line), stream))
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            kb = strtol(line + length + 1, NULL, 10);
    if (stream)
        (void)fclose(stream);
    return kb;
}

double process_cpu_s(pid_t pid)
{
    char path[64];
    char text[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stream = fopen(path, "r");
    size_t length = stream ? fread(text, 1, sizeof(text) - 1, stream) : 0;
    text[length] = '\0';
    if (stream)
        (void)fclose(stream);
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- one client */

static int socket_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

void client_connect(struct client *client, const char *socket, double wait_s)
{
    double end = now_s() + wait_s;
    *client = (struct client){ .fd = -1 };
    while ((client->fd = socket_connect(socket)) < 0 && now_s() < end)
        (void)usleep(500);
    if (client->fd < 0)
        die("nobody listens on %s", socket);
}

void client_close(struct client *client)
{
    (void)close(client->fd);
    free(client->buffer);
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            die("sending: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

static size_t head_write(char *head, size_t size, const char *method, const char *path,
                         const char *type, size_t length)
{
    int n = length
                ? snprintf(head, size,
                           "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           method, path, type, length)
                : snprintf(head, size, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, path);
    return (size_t)n;
}

void client_send(struct client *client, const char *method, const char *path, const char *type,
                 const char *body, size_t length)
{
    char head[512];
    send_all(client->fd, head, head_write(head, sizeof(head), method, path, type, length));
    if (length > 0)
        send_all(client->fd, body, length);
}

/* Where the body begins and how long the whole is; 0 while the head is not whole. */
static size_t reply_size(const char *text, size_t length, size_t *ret_body)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    const char *field = memmem(text, (size_t)(end - text), "Content-Length: ", 16);
    *ret_body = (size_t)(end - text) + 4;
    return *ret_body + (field ? strtoul(field + 16, NULL, 10) : 0);
}

struct reply client_receive(struct client *client)
{
    size_t body = 0;
    size_t size = 0;
    client->length = 0;
    do {
        if (client->capacity - client->length < 65536) {
            client->capacity = client->capacity ? client->capacity * 2 : 131072;
            client->buffer = realloc(client->buffer, client->capacity);
            if (!client->buffer || client->capacity > REPLY_MAX)
                die("no memory for the answer");
        }
        ssize_t got = recv(client->fd, client->buffer + client->length, 65000, 0);
        if (got <= 0)
            die("receiving: %s", got < 0 ? strerror(errno) : "closed");
        client->length += (size_t)got;
        size = reply_size(client->buffer, client->length, &body);
    } while (size == 0 || client->length < size);
    client->buffer[size] = '\0';
    return (struct reply){ atoi(client->buffer + 9), client->buffer + body, size - body };
}

struct reply client_ask(struct client *client, const char *method, const char *path,
                        const char *type, const char *body, size_t length)
{
    client_send(client, method, path, type, body, length);
    return client_receive(client);
}

uint64_t reply_id(const struct reply *reply)
{
    const char *at = strstr(reply->body, "\"id\":");
    if (reply->status / 100 != 2 || !at)
        die("answer %d: %.500s", reply->status, reply->body);
    return strtoull(at + 5, NULL, 10);
}

/* ---- many */

struct stream {
    int fd;
    double sent_s;
    size_t length;
    char text[8192];
};

static bool stream_next(struct load *load, struct stream *stream, size_t *number, double end_s)
{
    char request[LOAD_REQUEST_MAX];
    double now = now_s();
    size_t length = end_s > 0 && now >= end_s
                        ? 0
                        : load->next(load->context, (*number)++, request, sizeof(request));
    if (length == 0)
        return false;
    stream->length = 0;
    stream->sent_s = now;
    send_all(stream->fd, request, length);
    return true;
}

/* True when the answer is whole. */
static bool stream_read(struct load *load, struct stream *stream)
{
    size_t body;
    ssize_t got =
        recv(stream->fd, stream->text + stream->length, sizeof(stream->text) - stream->length, 0);
    if (got <= 0)
        die("the server closed a connection");
    stream->length += (size_t)got;
    size_t size = reply_size(stream->text, stream->length, &body);
    if (size == 0 || stream->length < size)
        return false;
    if (load->latency_ms && load->answered < load->latency_max)
        load->latency_ms[load->answered] = (now_s() - stream->sent_s) * 1e3;
    load->answered++;
    if (stream->text[9] != '2' && load->refused++ == 0)
        (void)fprintf(stderr, "refused: %.*s\n", (int)stream->length, stream->text);
    return true;
}

void load_run(struct load *load)
{
    struct stream *streams = calloc(load->connections, sizeof(*streams));
    struct epoll_event events[64];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    size_t number = 0;
    size_t busy = 0;
    if (!streams || epoll < 0)
        die("no memory for the load");
    load->answered = load->refused = 0;
    for (size_t i = 0; i < load->connections; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &streams[i] };
        streams[i].fd = socket_connect(load->socket);
        if (streams[i].fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, streams[i].fd, &event) != 0)
            die("connection %zu: %s", i, strerror(errno));
    }
    double start = now_s();
    double end = load->seconds > 0 ? start + load->seconds : 0;
    for (size_t i = 0; i < load->connections; i++)
        busy += stream_next(load, &streams[i], &number, end);
    while (busy > 0) {
        int count = epoll_wait(epoll, events, 64, 30000);
        if (count == 0)
            die("no answer for 30 s");
        for (int i = 0; i < count; i++) {
            struct stream *stream = events[i].data.ptr;
            if (stream_read(load, stream) && !stream_next(load, stream, &number, end))
                busy--;
        }
    }
    load->elapsed_s = now_s() - start;
    for (size_t i = 0; i < load->connections; i++)
        (void)close(streams[i].fd);
    (void)close(epoll);
    free(streams);
}
