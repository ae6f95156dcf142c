/* A ledger on a real store in a temporary folder. The scheduler's core and the public record are
 * stood in for by a few lines that remember what they were told; the clock is a variable. */
#ifndef TEST_AWARDS_FIXTURE_H
#define TEST_AWARDS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/clerk.h"
#include "stint/ledger.h"
#include "stint/machine.h"
#include "stint/resource.h"
#include "stint/store.h"
#include "stint/store_reader.h"

#define HOUR_MS    INT64_C(3600000)
#define HOUR_MICRO INT64_C(1000000)
#define DAY_MS     (24 * HOUR_MS)
#define NOON_MS    INT64_C(1779710400000) /* 2026-05-25T12:00:00Z, a Monday */
#define ANNA       70001
#define BERT       70002

struct fixture {
    char folder[64];
    struct uv_loop_s *loop;
    struct stint_store *store;
    struct stint_ledger *ledger;
    struct stint_ledger_options options;
    struct stint_resources resources;
    struct stint_caller operator_caller;
    struct stint_caller anna;
    struct stint_act act; /* by the operator, with a reason */
    struct stint_error err;
};

struct told_limit {
    int64_t ceiling;
    int64_t used;
};
struct told_entry {
    char type[64];
    char subject[2048];
    char reason[512];
};
/* Where an account hangs in the tree of shares, and its weight there. */
struct told_share {
    enum stint_account_kind kind;
    uint32_t parent;
    uint32_t shares;
};
/* Past use, as the ledger told it. */
struct told_use {
    uint32_t account;
    struct stint_ask ask;
    int64_t from_ms;
    int64_t until_ms;
};
/* What the core and the record were told. */
extern struct told_share told_shares[64];
extern struct told_use told_uses[64];
extern size_t told_use_count;
extern struct told_limit told[64][STINT_LIMIT_COUNT];
extern int64_t core_used[64][STINT_LIMIT_COUNT];
extern struct told_entry entries[64];
extern size_t entry_count;
extern int record_answer; /* what the record says to the next entry */
extern int64_t clock_ms;

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Everything put so far is durable afterwards; 0 or the commit's errno. */
/* Somebody else writes to the store. */
void fixture_sql(struct fixture *f, const char *sql);
int fixture_commit(struct fixture *f);
/* A second ledger, loaded from what is durable. */
struct stint_ledger *fixture_reload(struct fixture *f);
/* The ledger of a daemon that was stopped and started again. */
void fixture_restart(struct fixture *f);
/* Project `nlp` of institution `uni`, with Anna as a member and an award `2026-nlp` of @hours. */
void fixture_nlp(struct fixture *f, int64_t hours);
int64_t fixture_project(struct fixture *f, const char *name);
struct stint_award_view fixture_award(struct stint_ledger *ledger, const char *name);
/* One GPU for @walltime_s of `nlp`, by Anna, starting now. */
struct stint_ledger_run fixture_run(struct fixture *f, uint64_t job, int64_t walltime_s);

#endif
