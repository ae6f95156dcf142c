/* A store in a folder of its own, a loop, and rows to put. */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <uv.h>

#include "stint/auto.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define FIXTURE_EVENTS_MAX 4096

struct fixture {
    uv_loop_t loop;
    char folder[64]; /* removed at the end */
    char state[96];
    char path[128]; /* of the database */
    struct stint_store *store;
    int failed_count;
    int recovered_count;
    struct stint_error failure;
    int64_t events[FIXTURE_EVENTS_MAX];
    size_t event_count;
};

int fixture_make(void **state);
int fixture_free(void **state);
int fixture_open(struct fixture *f, struct stint_error *err);
/* Closes in order and runs the loop until it is gone. */
void fixture_close(struct fixture *f);
/* Runs the loop until everything put is durable; the status of the effect. */
int fixture_commit(struct fixture *f);
/* Runs the loop until *@flag. */
void fixture_run_until(struct fixture *f, const int *flag);

/* A pending job, inserted; a plain event. */
struct stint_job_row fixture_job(uint64_t id);
int fixture_put_job(struct fixture *f, uint64_t id, struct stint_error *err);
int fixture_put_event(struct fixture *f, const char *kind);
/* One integer from the database, by a connection of its own. */
int64_t fixture_ask(struct fixture *f, const char *sql);

#endif
