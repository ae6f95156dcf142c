/* HTTP to the daemon, over its Unix socket or STINT_URL, by libcurl. */
#ifndef STINT_CLI_CLIENT_H
#define STINT_CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "stint/buffer.h"
#include "stint/error.h"

/* Most bytes of one answer that is kept whole; output is streamed and has no bound. */
#define RESPONSE_BYTES_MAX ((size_t)256 << 20)

struct client;

/**
 * struct response - one answer, whole
 * @status: HTTP status
 * @json: the body as JSON, NULL when it is none; owned
 * @next: the path and query of the Link header's rel="next", NULL without one; owned
 */
struct response {
    long status;
    struct stint_buffer body;
    json_t *json;
    char *next;
};
void response_deinit(struct response *response);
static inline __attribute__((unused)) void response_deinit_auto(struct response *response)
{
    response_deinit(response);
}

/**
 * client_find() - where the daemon is: @socket (of --socket), STINT_SOCKET, STINT_URL, the own
 * user's socket, the system's
 * @ret_place: at least CLIENT_PLACE_MAX bytes; a path, or a URL when it begins with "http"
 * Return: 0, or -ENOENT with both places named. Looks at the file system, connects to nothing.
 */
#define CLIENT_PLACE_MAX 4096
int client_find(const char *socket, char *ret_place, struct stint_error *err);

/* Opens a handle for @place; connects at the first call. 0, -ENOMEM, STINT_INVALID. */
int client_open(const char *place, struct client **ret_client, struct stint_error *err);
struct client *client_close(struct client *client);

/**
 * client_call() - one request, its whole answer
 * @body: JSON text or NULL. @key: Idempotency-Key or NULL; with one, an answer that was lost on the
 * way is asked for again.
 * Return: 0 with any HTTP status; -ECONNREFUSED or -ENOENT when nobody answers; -ETIMEDOUT;
 * -EPROTO; STINT_TOO_LARGE; -ENOMEM. Blocks.
 */
int client_call(struct client *client, const char *method, const char *path, const char *body,
                const char *key, struct response *ret_response, struct stint_error *err);

/**
 * struct client_stream - one answer passed on as it comes
 * @fd: where the bytes go; @offset: counts what was passed on
 * @response: status, and the body of an answer that is not 2xx
 */
struct client_stream {
    const char *path;
    int fd;
    uint64_t offset;
    struct response response;
    bool is_done;
    int result;
};

/**
 * client_follow() - stream several answers at once until all have ended
 * @tick: called about every 200 ms, may return false to give up (-EINTR); may be NULL
 * Return: 0, -EINTR, or what client_call() returns.
 */
int client_follow(struct client *client, struct client_stream *streams, size_t count,
                  bool (*tick)(void *context), void *context, struct stint_error *err);

/* @text as one part of a path: percent-encoded into @encoded. Returns @encoded. */
char *path_encode(const char *text, char *encoded, size_t size);

#endif
