/* A real launcher in a temporary folder, an engine on a loop of its own, and what it told. Tests
 * wait for what must happen, never for a time; a guard ends a test that waits in vain. */
#ifndef STINT_TEST_ENGINE_FIXTURE_H
#define STINT_TEST_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/engine.h"
#include "stint/engine_local.h"

#define FIXTURE_EVENT_MAX 512
#define TEST_UID          61001 /* without an entry in any user database */
#define TEST_OTHER_UID    61002

struct fixture {
    char state[256];
    uv_loop_t loop;
    struct stint_engine *engine;
    pid_t launcher_pid;
    struct stint_run_started started[FIXTURE_EVENT_MAX];
    size_t started_count;
    struct stint_run_end ended[FIXTURE_EVENT_MAX];
    size_t ended_count;
    bool away;
    size_t back_count;
    bool closed;
    bool no_cgroups;
    const char *tool;
    int opened_fd;
    bool opened;
    bool tool_ended;
    int tool_result;
    int tool_status;
    char tool_output[8192];
    struct stint_launcher_options options;
};

bool is_root(void);
/* The uid jobs of these tests run as: TEST_UID as root, else our own. */
uid_t job_uid(void);

int fixture_setup(void **state);       /* with cgroups where there are any */
int fixture_setup_plain(void **state); /* with plain limits */
int fixture_setup_v1(void **state);    /* with cgroup v1 alone, where there is any */
int fixture_teardown(void **state);
void fixture_open(struct fixture *f);  /* a launcher and an engine on f->state */
void fixture_close(struct fixture *f); /* as a daemon that ends in order */
void fixture_kill_launcher(struct fixture *f);

struct stint_run_key key_of(uint64_t job);
/* A start of `/bin/sh -c script` as job_uid() with nothing limited; to be changed and started. */
void start_init(struct stint_run_start *start, uint64_t job, const char *script);
void fixture_start(struct fixture *f, const struct stint_run_start *start);

/* Turn the loop until it is so. */
const struct stint_run_started *fixture_wait_started(struct fixture *f, uint64_t job);
const struct stint_run_end *fixture_wait_end(struct fixture *f, uint64_t job);
void fixture_wait(struct fixture *f, bool (*is_so)(struct fixture *f, void *ctx), void *ctx);
void fixture_wait_file(struct fixture *f, const char *path); /* it exists and is not empty */
size_t fixture_end_count(const struct fixture *f, uint64_t job);
/* Start it and wait for its end. */
const struct stint_run_end *fixture_run(struct fixture *f, uint64_t job, const char *script);

char *path_in(const struct fixture *f, const char *name); /* in one of a few static buffers */
char *output_of(const struct fixture *f, uint64_t job, const char *name); /* text of the file */
bool is_alive(pid_t pid); /* a process that is no zombie */
pid_t pid_from_file(const char *path);

#endif
