/* The real stintd in a temporary folder, and a plain HTTP client for its Unix socket. */
#ifndef STINT_BENCH_DAEMON_RUN_H
#define STINT_BENCH_DAEMON_RUN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon_run {
    pid_t pid;
    char folder[64];
    char state[96];
    char socket[96];
    char log[96];
};

/* @topology: of the pretended machine; NULL for the real one. Returns when it is ready. */
void daemon_begin(struct daemon_run *daemon, const char *topology);
/* Starts the program on the same state again without waiting; see client_connect(). */
void daemon_spawn(struct daemon_run *daemon, const char *topology);
void daemon_await(struct daemon_run *daemon);
void daemon_stop(struct daemon_run *daemon, int signal);
void daemon_end(struct daemon_run *daemon); /* stops it and removes its folder */
/* A line "NAME: N kB" of a file of /proc; -1 when there is none. */
long process_kb(pid_t pid, const char *file, const char *name);
double process_cpu_s(pid_t pid); /* user and system time of all its threads */

/* The answer of one exchange; @body ends with a zero and is good until the next one. */
struct reply {
    int status;
    char *body;
    size_t length;
};

struct client {
    int fd;
    char *buffer;
    size_t capacity;
    size_t length;
};

/* Tries until somebody listens or @wait_s is over. */
void client_connect(struct client *client, const char *socket, double wait_s);
void client_close(struct client *client);
void client_send(struct client *client, const char *method, const char *path, const char *type,
                 const char *body, size_t length);
struct reply client_receive(struct client *client);
struct reply client_ask(struct client *client, const char *method, const char *path,
                        const char *type, const char *body, size_t length);
/* The number after "id": of an answer; dies when there is none. */
uint64_t reply_id(const struct reply *reply);

/* ---- many clients at once */

/**
 * struct load - @connections keep-alive clients that each send the next request when the last one
 * is answered
 * @next: writes request number @n into @request and returns its length; 0 to end
 * @seconds: how long; 0 for until @next ends
 * @latency_ms: filled with one number an answer, as many as there is room for
 */
struct load {
    const char *socket;
    size_t connections;
    double seconds;
    size_t (*next)(void *context, size_t n, char *request, size_t size);
    void *context;
    double *latency_ms;
    size_t latency_max;
    /* results */
    size_t answered;
    size_t refused; /* answers that are not 2xx */
    double elapsed_s;
};
#define LOAD_REQUEST_MAX 4096
void load_run(struct load *load);

#endif
