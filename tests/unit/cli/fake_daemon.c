/* Owns: the scripted daemon and the running of stint in tests. */
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stint/auto.h"

#define FAKE_ANSWERS_MAX 64

struct fake_daemon {
    struct MHD_Daemon *daemon;
    const struct fake_answer *answers;
    int given[FAKE_ANSWERS_MAX];
    pthread_mutex_t lock;
    struct fake_asked asked[FAKE_ASKED_MAX];
    size_t asked_count;
    char folder[64];
    char socket[128];
};

static enum MHD_Result query_add(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    char *path = context;
    size_t used = strlen(path);
    (void)kind;
    (void)snprintf(path + used, 1024 - used, "%c%s=%s", strchr(path, '?') ? '&' : '?', name,
                   value ? value : "");
    return MHD_YES;
}

/* The first row for this request that has answers left. */
static const struct fake_answer *answer_find(struct fake_daemon *fake, const char *method,
                                             const char *path)
{
    for (size_t i = 0; fake->answers[i].method && i < FAKE_ANSWERS_MAX; i++) {
        const struct fake_answer *answer = &fake->answers[i];
        if (strcmp(answer->method, method) != 0 ||
            (strcmp(answer->path, path) != 0 &&
             (!strchr(answer->path, '*') || fnmatch(answer->path, path, 0) != 0)))
            continue;
        if (answer->times > 0 && fake->given[i] >= answer->times)
            continue;
        fake->given[i]++;
        return answer;
    }
    return NULL;
}

static void body_grow(struct fake_asked *asked, const char *bytes, size_t size)
{
    size_t used = asked->body ? strlen(asked->body) : 0;
    char *longer = realloc(asked->body, used + size + 1);
    if (!longer)
        abort();
    memcpy(longer + used, bytes, size);
    longer[used + size] = '\0';
    asked->body = longer;
}

static enum MHD_Result answer_queue(struct MHD_Connection *connection,
                                    const struct fake_answer *answer)
{
    const char *body = answer ? answer->body : "{\"code\":\"not-found\",\"detail\":\"no row\"}";
    int status = answer ? answer->status : 404;
    if (answer && answer->drops)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    if (answer && answer->link)
        (void)MHD_add_response_header(response, "Link", answer->link);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
    struct fake_daemon *fake = context;
    struct fake_asked *asked = *slot;
    (void)version;
    (void)pthread_mutex_lock(&fake->lock);
    if (!asked) {
        if (fake->asked_count == FAKE_ASKED_MAX)
            abort();
        asked = *slot = &fake->asked[fake->asked_count++];
        const char *key =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Idempotency-Key");
        (void)snprintf(asked->method, sizeof(asked->method), "%s", method);
        (void)snprintf(asked->path, sizeof(asked->path), "%s", url);
        (void)snprintf(asked->key, sizeof(asked->key), "%s", key ? key : "");
        (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, query_add, asked->path);
        (void)pthread_mutex_unlock(&fake->lock);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        body_grow(asked, upload, *upload_size);
        *upload_size = 0;
        (void)pthread_mutex_unlock(&fake->lock);
        return MHD_YES;
    }
    const struct fake_answer *answer = answer_find(fake, method, asked->path);
    (void)pthread_mutex_unlock(&fake->lock);
    return answer_queue(connection, answer);
}

struct fake_daemon *fake_daemon_start(const struct fake_answer *answers)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct fake_daemon *fake = calloc(1, sizeof(*fake));
    if (!fake)
        abort();
    fake->answers = answers;
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)snprintf(fake->folder, sizeof(fake->folder), "/tmp/stint-test-XXXXXX");
    if (!mkdtemp(fake->folder))
        abort();
    (void)snprintf(fake->socket, sizeof(fake->socket), "%s/stintd.sock", fake->folder);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 16) != 0)
        abort();
    fake->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request,
                                    fake, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    if (!fake->daemon)
        abort();
    return fake;
}

void fake_daemon_stop(struct fake_daemon *fake)
{
    char command[128];
    MHD_stop_daemon(fake->daemon);
    for (size_t i = 0; i < fake->asked_count; i++)
        free(fake->asked[i].body);
    (void)snprintf(command, sizeof(command), "%s/s.sh", fake->folder);
    (void)unlink(command);
    (void)unlink(fake->socket);
    (void)rmdir(fake->folder);
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const char *fake_daemon_socket(const struct fake_daemon *fake)
{
    return fake->socket;
}

const char *fake_daemon_folder(const struct fake_daemon *fake)
{
    return fake->folder;
}

size_t fake_daemon_asked(const struct fake_daemon *fake)
{
    return fake->asked_count;
}

const struct fake_asked *fake_daemon_request(const struct fake_daemon *fake, size_t index)
{
    return index < fake->asked_count ? &fake->asked[index] : NULL;
}

/* ---- running stint ---- */

static void child_exec(const char *socket, const char *folder, const char *const *environment,
                       const char *const *words, const int out[2], const int err[2])
{
    char *argv[64] = { (char *)(uintptr_t) "stint" };
    char named[200];
    char *envp[32] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin", (char *)(uintptr_t) "TZ=UTC",
                       (char *)(uintptr_t) "HOME=/nonexistent",
                       (char *)(uintptr_t) "XDG_RUNTIME_DIR=/nonexistent" };
    size_t argc = 1;
    size_t count = 4;
    for (; *words && argc < 63; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    if (socket) {
        (void)snprintf(named, sizeof(named), "STINT_SOCKET=%s", socket);
        envp[count++] = named;
    }
    for (; environment && *environment && count < 31; environment++)
        envp[count++] = (char *)(uintptr_t)*environment;
    int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out[1], STDOUT_FILENO);
    (void)dup2(err[1], STDERR_FILENO);
    (void)close(out[0]);
    (void)close(err[0]);
    if (folder && chdir(folder) != 0)
        _exit(126);
    (void)execve(STINT_EXE, argv, envp);
    _exit(127);
}

struct text {
    char *bytes;
    size_t length;
};

static bool text_read(int fd, struct text *text)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    if (got <= 0)
        return false;
    char *longer = realloc(text->bytes, text->length + (size_t)got + 1);
    if (!longer)
        abort();
    memcpy(longer + text->length, bytes, (size_t)got);
    text->bytes = longer;
    text->length += (size_t)got;
    longer[text->length] = '\0';
    return true;
}

struct outcome stint_run(const char *socket, const char *folder, const char *const *environment,
                         const char *const *words)
{
    int out[2];
    int err[2];
    int status = 0;
    struct text texts[2] = { { 0 } };
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0)
        child_exec(socket, folder, environment, words, out, err);
    (void)close(out[1]);
    (void)close(err[1]);
    struct pollfd ends[2] = { { out[0], POLLIN, 0 }, { err[0], POLLIN, 0 } };
    for (int open_ends = 2; open_ends > 0;) {
        (void)poll(ends, 2, -1);
        for (int i = 0; i < 2; i++)
            if (ends[i].revents && !text_read(ends[i].fd, &texts[i])) {
                (void)close(ends[i].fd);
                ends[i].fd = -1;
                open_ends--;
            }
    }
    (void)waitpid(pid, &status, 0);
    return (struct outcome){ WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                             texts[0].bytes ? texts[0].bytes : strdup(""),
                             texts[1].bytes ? texts[1].bytes : strdup("") };
}

void outcome_deinit(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}
