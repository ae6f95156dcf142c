#include "fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "stint/record.h"

struct told_limit told[64][STINT_LIMIT_COUNT];
struct told_share told_shares[64];
struct told_use told_uses[64];
size_t told_use_count;
int64_t core_used[64][STINT_LIMIT_COUNT];
struct told_entry entries[64];
size_t entry_count;
int record_answer;
int64_t clock_ms;

/* ---- the core and the record, as far as the ledger calls them */

int stint_clerk_set_account(struct stint_clerk *clerk, uint32_t account,
                            enum stint_account_kind kind, uint32_t parent, uint32_t shares)
{
    (void)clerk;
    if (account < 64)
        told_shares[account] = (struct told_share){ kind, parent, shares };
    return account < 64 && (parent == STINT_NO_ACCOUNT || parent < account) ? 0 : STINT_INVALID;
}

int stint_clerk_set_limit(struct stint_clerk *clerk, uint32_t account, enum stint_limit limit,
                          int64_t ceiling, int64_t used)
{
    (void)clerk;
    told[account][limit] = (struct told_limit){ ceiling, used };
    return 0;
}

const struct stint_scheduler *stint_clerk_scheduler(const struct stint_clerk *clerk)
{
    (void)clerk;
    return NULL;
}

void stint_clerk_forget_use(struct stint_clerk *clerk)
{
    (void)clerk;
    told_use_count = 0;
}

int stint_clerk_add_use(struct stint_clerk *clerk, uint32_t account, const struct stint_ask *ask,
                        int64_t from_ms, int64_t until_ms)
{
    (void)clerk;
    assert_true(told_use_count < 64);
    told_uses[told_use_count++] = (struct told_use){ account, *ask, from_ms, until_ms };
    return 0;
}

int stint_scheduler_fair(const struct stint_scheduler *scheduler, uint32_t account,
                         struct stint_fair *ret_fair)
{
    (void)scheduler;
    *ret_fair = (struct stint_fair){ .shares = told_shares[account].shares,
                                     .parent = told_shares[account].parent };
    return 0;
}

int64_t stint_scheduler_used(const struct stint_scheduler *scheduler, uint32_t account,
                             enum stint_limit limit)
{
    (void)scheduler;
    return core_used[account][limit];
}

int stint_record_append(struct stint_record *record, const struct stint_log_draft *draft,
                        uint64_t *ret_seq, struct stint_error *err)
{
    (void)record;
    (void)ret_seq;
    if (record_answer != 0)
        return stint_fail(err, record_answer, "the record is full");
    if (entry_count < 64) {
        struct told_entry *entry = &entries[entry_count++];
        (void)snprintf(entry->type, sizeof(entry->type), "%s", draft->type);
        (void)snprintf(entry->subject, sizeof(entry->subject), "%s", draft->subject);
        (void)snprintf(entry->reason, sizeof(entry->reason), "%s", draft->reason);
    }
    return 0;
}

struct stint_record_mark stint_record_mark(const struct stint_record *record)
{
    (void)record;
    return (struct stint_record_mark){ entry_count };
}

void stint_record_rewind(struct stint_record *record, struct stint_record_mark mark)
{
    (void)record;
    entry_count = mark.size;
}

/* ---- the fixture */

static int64_t clock_now_ms(void)
{
    return clock_ms;
}

/* Two nodes of 8 cores, 4 GPUs and 64 GiB each. */
static struct stint_machine *two_nodes(void)
{
    static struct stint_shape shape = { .core_count = 8,
                                        .gpu_count = 4,
                                        .memory_bytes = INT64_C(64) << 30 };
    static struct stint_node nodes[2] = { { "node0", &shape }, { "node1", &shape } };
    static struct stint_machine machine = { .node_count = 2, .nodes = nodes };
    return &machine;
}

static void on_closed(void *context)
{
    *(bool *)context = true;
}

static void on_effect(void *context, int status)
{
    *(int *)context = status;
}

int fixture_commit(struct fixture *f)
{
    int status = 1;
    assert_int_equal(stint_store_after(f->store, on_effect, &status, &f->err), 0);
    while (status == 1)
        uv_run(f->loop, UV_RUN_ONCE);
    return status;
}

void fixture_sql(struct fixture *f, const char *sql)
{
    char path[96];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof(path), "%s/stint.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    memset(told, 0, sizeof(told));
    memset(core_used, 0, sizeof(core_used));
    entry_count = 0;
    record_answer = 0;
    clock_ms = NOON_MS;
    (void)snprintf(f->folder, sizeof(f->folder), "%s", "/tmp/stint-awards-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    f->loop = uv_default_loop();
    struct stint_store_options store = { .loop = f->loop, .state = f->folder };
    if (stint_store_open(&store, &f->store, &f->err) != 0)
        return -1;
    f->resources = (struct stint_resources){
        .count = 1,
        .list = { { .name = "local",
                    .machine = two_nodes(),
                    .rate_micro = HOUR_MICRO,
                    .preemptible_rate_micro = 500000 } },
    };
    f->options = (struct stint_ledger_options){
        .store = f->store,
        .resources = &f->resources,
        .time_zone = "Europe/Berlin",
        .join_open = true,
        .operator_uid = 70000,
        .default_award_hours = 1000,
        .now_wall_ms = clock_now_ms,
    };
    f->operator_caller =
        (struct stint_caller){ .uid = 70000, .name = "70000", .role = STINT_ROLE_OPERATOR };
    f->anna = (struct stint_caller){ .uid = ANNA, .name = "70001", .role = STINT_ROLE_USER };
    f->act = (struct stint_act){ .caller = &f->operator_caller, .reason = "autumn call" };
    if (stint_ledger_new(&f->options, &f->ledger, &f->err) != 0 ||
        stint_ledger_load(f->ledger, &f->err) != 0) {
        print_error("%s\n", f->err.text);
        return -1;
    }
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    bool is_closed = false;
    char command[96];
    f->ledger = stint_ledger_free(f->ledger);
    stint_store_close(f->store, on_closed, &is_closed);
    while (!is_closed)
        uv_run(f->loop, UV_RUN_ONCE);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    int r = system(command); /* NOLINT(bugprone-command-processor): a name we made */
    free(f);
    return r;
}

struct stint_ledger *fixture_reload(struct fixture *f)
{
    struct stint_ledger *other = NULL;
    assert_int_equal(fixture_commit(f), 0);
    assert_int_equal(stint_ledger_new(&f->options, &other, &f->err), 0);
    assert_int_equal(stint_ledger_load(other, &f->err), 0);
    return other;
}

void fixture_restart(struct fixture *f)
{
    struct stint_ledger *other = fixture_reload(f);
    (void)stint_ledger_free(f->ledger);
    f->ledger = other;
}

void fixture_nlp(struct fixture *f, int64_t hours)
{
    int64_t id;
    assert_int_equal(
        stint_ledger_institution_add(f->ledger, &f->act, "uni", "A university", &id, &f->err), 0);
    assert_int_equal(stint_ledger_project_add(f->ledger, &f->act, "nlp", "uni", "C. Curie",
                                              "Language", &id, &f->err),
                     0);
    assert_int_equal(
        stint_ledger_user_add(f->ledger, &f->act, "70001", "nlp", "member", -1, &f->err), 0);
    assert_int_equal(stint_ledger_award_grant(f->ledger, &f->act, "2026-nlp", "nlp", NULL,
                                              hours * HOUR_MICRO, clock_ms, clock_ms + 90 * DAY_MS,
                                              NULL, &id, &f->err),
                     0);
}

int64_t fixture_project(struct fixture *f, const char *name)
{
    int64_t id = 0;
    assert_int_equal(stint_ledger_project_for(f->ledger, &f->operator_caller, name, &id, &f->err),
                     0);
    return id;
}

struct award_search {
    const char *name;
    struct stint_award_view found;
};

static bool award_search_on(void *context, const struct stint_award_view *view)
{
    struct award_search *search = context;
    if (strcmp(view->name, search->name) == 0)
        search->found = *view;
    return true;
}

struct stint_award_view fixture_award(struct stint_ledger *ledger, const char *name)
{
    struct award_search search = { .name = name };
    stint_ledger_each_award(ledger, award_search_on, &search);
    assert_non_null(search.found.name);
    return search.found;
}

struct stint_ledger_run fixture_run(struct fixture *f, uint64_t job, int64_t walltime_s)
{
    struct stint_ledger_run run = {
        .key = { .job = job, .attempt = 1 },
        .project = fixture_project(f, "nlp"),
        .uid = ANNA,
        .award = stint_ledger_award_id(f->ledger, "2026-nlp"),
        .size = { .gpu_milli = 1000, .cores = 2 },
        .walltime_ms = walltime_s * 1000,
        .start_ms = clock_ms,
    };
    run.held_micro = stint_ledger_charge(f->ledger, &run.size, run.walltime_ms);
    return run;
}
