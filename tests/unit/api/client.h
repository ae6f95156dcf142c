/* The room under test with its loop, and a client that turns the loop while it waits. */
#ifndef TEST_API_CLIENT_H
#define TEST_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "stint/api.h"
#include "stint/config.h"
#include "stint/resource.h"

struct fixture {
    uv_loop_t loop;
    char folder[64];
    struct stint_config config;
    struct stint_machine *machine;
    struct stint_resources resources;
    struct stint_record *record;
    struct stint_signer *signer;
    struct stint_api *api;
};

int fixture_up(void **state);
int fixture_down(void **state);

/* A connected socket, -1 when refused. */
int client_connect(struct fixture *f, bool is_unix);
/* Turns the loop a few times without waiting for more than a moment. */
void fixture_turn(struct fixture *f);
/* Turns until what came over @fd contains @text, or the other side closed; the text so far is in
 * @got (NUL-ended). False after ten seconds. */
bool client_until(struct fixture *f, int fd, const char *text, char *got, size_t size);
void client_send(struct fixture *f, int fd, const char *bytes, size_t length);

/* One request on a connection of its own: the whole answer, headers and body, in a static buffer.
 */
const char *ask(struct fixture *f, bool is_unix, const char *method, const char *path,
                const char *headers, const char *body);
int answer_status(const char *answer);
const char *answer_body(const char *answer);

#endif
