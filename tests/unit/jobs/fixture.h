/* The jobs room on a real store, scheduler, ledger and record in a temporary folder; the engine is
 * a table that remembers what it was told, and the test says how each run ends. The clocks are
 * variables. */
#ifndef TEST_JOBS_FIXTURE_H
#define TEST_JOBS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/engine.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/resource.h"
#include "stint/scheduler.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define START_MS INT64_C(1779710400000)
#define ANNA     70001
#define BERT     70002

struct engine_call {
    char what[16]; /* start, adopt, forget; control and then which: cancel, signal, … */
    struct stint_run_key key;
};

struct fake_engine {
    struct stint_engine engine; /* first */
    struct engine_call calls[256];
    size_t call_count;
    int start_answer;
    int adopt_answer;
};

struct fixture {
    char folder[64];
    struct uv_loop_s *loop;
    struct stint_store *store;
    struct stint_signer *signer;
    struct stint_record *record;
    struct stint_machine *machine;
    struct stint_clerk *clerk;
    struct stint_resources resources;
    struct stint_ledger *ledger;
    struct stint_jobs *jobs;
    struct fake_engine engine;
    struct stint_caller anna;
    struct stint_caller bert;
    struct stint_caller operator_caller;
    struct stint_error err;
    bool is_pass_wanted;
};

extern int64_t fixture_wall_ms;
extern int64_t fixture_boot_ms;
extern const char *fixture_boot_id; /* "this-boot" in each new fixture */

int fixture_setup(void **state); /* mode EASY */
int fixture_setup_with(void **state, struct stint_policy policy);
int fixture_teardown(void **state);
/* Passes and commits until nothing is wanted or open. */
void fixture_settle(struct fixture *f);
/* A job of @caller from a JSON request; its id, 0 when refused (then f->err says why). */
uint64_t fixture_submit(struct fixture *f, const struct stint_caller *caller, const char *request);
/* The same, waiting for its verdict. */
uint64_t fixture_submit_unjudged(struct fixture *f, const struct stint_caller *caller,
                                 const char *request);
/* How often the engine was told @what of job @id. */
size_t fixture_told(const struct fixture *f, const char *what, uint64_t id);
void fixture_end(struct fixture *f, uint64_t id, uint32_t attempt, int exit_status,
                 int64_t elapsed_ms);
void fixture_end_task(struct fixture *f, uint64_t id, uint32_t task, uint32_t attempt,
                      int exit_status, int64_t elapsed_ms);
/* Drops the jobs room and makes a new one from what is durable. */
void fixture_restart(struct fixture *f);
enum stint_job_state fixture_state(struct fixture *f, uint64_t id); /* DONE when it is not live */
enum stint_reason_code fixture_reason(struct fixture *f, uint64_t id);
/* Outcome as the store has it, "" while it has none. */
const char *fixture_outcome(struct fixture *f, uint64_t id);

#endif
