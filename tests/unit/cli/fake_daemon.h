/* A daemon that says what a test tells it to: HTTP on a Unix socket, from a list of answers, and a
 * record of what was asked. */
#ifndef STINT_TEST_FAKE_DAEMON_H
#define STINT_TEST_FAKE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct fake_answer - the answer to @method @path (path and query as one text; a `*` in it stands
 * for anything, such as an instant)
 * @times: how often it is given before the next row of the same method and path comes; 0 for ever
 * @drops: the connection is closed without an answer
 */
struct fake_answer {
    const char *method;
    const char *path;
    int status;
    const char *body;
    const char *link;
    int times;
    bool drops;
};

#define FAKE_ASKED_MAX 64
struct fake_asked {
    char method[16];
    char path[1024];
    char key[128];
    char *body;
};

struct fake_daemon;
/* Serves @answers (ended by a NULL method; borrowed) on a socket in a new folder. */
struct fake_daemon *fake_daemon_start(const struct fake_answer *answers);
void fake_daemon_stop(struct fake_daemon *fake);
const char *fake_daemon_socket(const struct fake_daemon *fake);
const char *fake_daemon_folder(const struct fake_daemon *fake);
size_t fake_daemon_asked(const struct fake_daemon *fake);
const struct fake_asked *fake_daemon_request(const struct fake_daemon *fake, size_t index);

/* What a program wrote and how it ended. */
struct outcome {
    int status; /* exit status, 128 + signal */
    char *out;
    char *err;
};
/* Runs stint with these words (ended by NULL) in @folder, stdin empty, against @socket (NULL: none
 * is named), with a fixed environment beside @environment ("NAME=VALUE", ended by NULL; may be
 * NULL). outcome_deinit() it. */
struct outcome stint_run(const char *socket, const char *folder, const char *const *environment,
                         const char *const *words);
void outcome_deinit(struct outcome *outcome);

#endif
