#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "stint/checkpoint.h"
#include "stint/clerk.h"
#include "stint/record.h"

int64_t fixture_wall_ms;
const char *fixture_boot_id;
int64_t fixture_boot_ms;
static struct stint_policy fixture_policy;

static int64_t wall_now(void)
{
    return fixture_wall_ms;
}

static int64_t boot_now(void)
{
    return fixture_boot_ms;
}

/* ---- the engine
 * -------------------------------------------------------------------------------------------------------
 */

static void note(struct stint_engine *engine, const char *what, struct stint_run_key key)
{
    struct fake_engine *fake = (struct fake_engine *)engine;
    assert_true(fake->call_count < STINT_ARRAY_SIZE(fake->calls));
    struct engine_call *call = &fake->calls[fake->call_count++];
    (void)snprintf(call->what, sizeof(call->what), "%s", what);
    call->key = key;
}

static void fake_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    (void)engine;
    *ret_report = (struct stint_engine_report){ .separate_users = true, .min_uid = 1000 };
}

static int fake_start(struct stint_engine *engine, const struct stint_run_start *start,
                      struct stint_error *err)
{
    (void)err;
    note(engine, "start", start->key);
    return ((struct fake_engine *)engine)->start_answer;
}

static int fake_adopt(struct stint_engine *engine, struct stint_run_key key,
                      struct stint_error *err)
{
    (void)err;
    note(engine, "adopt", key);
    return ((struct fake_engine *)engine)->adopt_answer;
}

static int fake_control(struct stint_engine *engine, struct stint_run_key key, int op,
                        uint64_t value, struct stint_error *err)
{
    static const char *const names[] = { "", "cancel", "signal", "suspend", "resume" };
    (void)value;
    (void)err;
    note(engine, "control", key);
    assert_in_range(op, 1, STINT_ARRAY_SIZE(names) - 1); /* enum wire_op of the engine */
    note(engine, names[op], key);
    return 0;
}

static int fake_list(struct stint_engine *engine, struct stint_run_key **ret_keys,
                     size_t *ret_count)
{
    (void)engine;
    *ret_keys = NULL;
    *ret_count = 0;
    return 0;
}

static int fake_forget(struct stint_engine *engine, struct stint_run_key key)
{
    note(engine, "forget", key);
    return 0;
}

static const struct stint_engine_ops fake_ops = {
    .name = "fake",
    .report = fake_report,
    .start = fake_start,
    .adopt = fake_adopt,
    .control = fake_control,
    .list = fake_list,
    .forget = fake_forget,
};

/* ---- wires
 * --------------------------------------------------------------------------------------------------------------
 */

static void want_pass(void *context)
{
    ((struct fixture *)context)->is_pass_wanted = true;
}

static void check_start(void *context, uid_t uid, gid_t gid, const char *uses,
                        stint_start_checked_fn done, void *done_context)
{
    (void)context;
    (void)uid;
    (void)gid;
    (void)uses;
    done(done_context, STINT_REASON_NONE, "");
}

static int put_entry(void *context, uint64_t seq, int64_t at_ms, const char *type,
                     const char *entry, size_t length, const struct stint_sha256 *leaf,
                     struct stint_error *err)
{
    struct stint_log_entry_row row = {
        seq, at_ms, type, { entry, length }, { leaf->bytes, sizeof(leaf->bytes) }
    };
    return stint_store_put_log_entry(((struct fixture *)context)->store, &row, err);
}

static int put_checkpoint(void *context, uint64_t size, const struct stint_sha256 *root,
                          const char *text, int64_t at_ms, struct stint_error *err)
{
    struct stint_checkpoint_row row = { size, { root->bytes, sizeof(root->bytes) }, text, at_ms };
    return stint_store_put_checkpoint(((struct fixture *)context)->store, &row, err);
}

static int put_personal(void *context, const struct stint_sha256 *commitment,
                        const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                        struct stint_error *err)
{
    struct stint_personal_row row = { { commitment->bytes, 32 },
                                      { salt, STINT_LOG_SALT_BYTES },
                                      value };
    return stint_store_put_personal(((struct fixture *)context)->store, &row, err);
}

static int sink_after(void *context, void (*fn)(void *, int), void *fn_context,
                      struct stint_error *err)
{
    return stint_store_after(((struct fixture *)context)->store, fn, fn_context, err);
}

/* ---- making and unmaking
 * --------------------------------------------------------------------------------------------------
 */

static void open_jobs(struct fixture *f)
{
    struct stint_jobs_options options = {
        .store = f->store,
        .ledger = f->ledger,
        .engine = &f->engine.engine,
        .resources = &f->resources,
        .grace_ms = 1000,
        .boot_id = fixture_boot_id,
        .now_boot_ms = boot_now,
        .now_wall_ms = wall_now,
        .check_start = check_start,
        .pass_wanted = want_pass,
        .context = f,
    };
    assert_int_equal(stint_jobs_new(&options, &f->jobs, &f->err), 0);
    assert_int_equal(stint_jobs_load(f->jobs, &f->err), 0);
}

static void open_ledger(struct fixture *f)
{
    assert_int_equal(stint_clerk_new(f->machine, &fixture_policy, &f->clerk, &f->err), 0);
    f->resources = (struct stint_resources){
        .count = 1,
        .list = { { .name = "local",
                    .machine = f->machine,
                    .clerk = f->clerk,
                    .is_part = true,
                    .default_walltime_s = 3600,
                    .checkpoint_max_s = 300,
                    .half_life_ms = fixture_policy.half_life_ms,
                    .rate_micro = 1000000,
                    .preemptible_rate_micro = 500000 } },
    };
    struct stint_ledger_options options = {
        .store = f->store,
        .record = f->record,
        .resources = &f->resources,
        .time_zone = "UTC",
        .join_open = true,
        .operator_uid = 0,
        .default_award_hours = 100,
        .now_wall_ms = wall_now,
        .now_boot_ms = boot_now,
    };
    assert_int_equal(stint_ledger_new(&options, &f->ledger, &f->err), 0);
    assert_int_equal(stint_ledger_load(f->ledger, &f->err), 0);
}

int fixture_setup(void **state)
{
    return fixture_setup_with(state, (struct stint_policy){ .mode = STINT_MODE_EASY });
}

int fixture_setup_with(void **state, struct stint_policy policy)
{
    static const uint8_t seed[STINT_ED25519_KEY_BYTES] = { 1 };
    fixture_policy = policy;
    fixture_boot_id = "this-boot";
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_wall_ms = START_MS;
    fixture_boot_ms = 1000000;
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/stint-jobs-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->loop = malloc(sizeof(*f->loop));
    assert_int_equal(uv_loop_init(f->loop), 0);
    f->engine.engine.ops = &fake_ops;
    f->anna = (struct stint_caller){ ANNA, ANNA, "anna", STINT_ROLE_USER };
    f->bert = (struct stint_caller){ BERT, BERT, "bert", STINT_ROLE_USER };
    f->operator_caller = (struct stint_caller){ 0, 0, "root", STINT_ROLE_OPERATOR };
    struct stint_store_options store = { .loop = f->loop, .state = f->folder };
    assert_int_equal(stint_store_open(&store, &f->store, &f->err), 0);
    assert_int_equal(stint_signer_from_seed("test/log", seed, &f->signer, &f->err), 0);
    struct stint_record_options record = {
        .signer = f->signer,
        .now_wall_ms = wall_now,
        .sink = { put_entry, put_checkpoint, put_personal, sink_after, f },
    };
    assert_int_equal(stint_record_new(&record, &f->record, &f->err), 0);
    stint_record_load_begin(f->record);
    assert_int_equal(stint_record_load_end(f->record, NULL, &f->err), 0);
    assert_int_equal(stint_machine_new_flat(4, &f->machine, &f->err), 0);
    open_ledger(f);
    open_jobs(f);
    fixture_settle(f);
    *state = f;
    return 0;
}

static void on_closed(void *context)
{
    *(bool *)context = true;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    bool is_closed = false;
    char command[96];
    stint_store_close(f->store, on_closed, &is_closed);
    while (!is_closed)
        (void)uv_run(f->loop, UV_RUN_ONCE);
    f->jobs = stint_jobs_free(f->jobs);
    f->ledger = stint_ledger_free(f->ledger);
    f->record = stint_record_free(f->record);
    f->signer = stint_signer_free(f->signer);
    f->clerk = stint_clerk_free(f->clerk);
    f->machine = stint_machine_free(f->machine);
    (void)uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(f->loop), 0);
    free(f->loop);
    (void)snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* ---- acting
 * ----------------------------------------------------------------------------------------------------------------
 */

static void on_durable(void *context, int status)
{
    *(int *)context = status == 0 ? 1 : -1;
}

void fixture_settle(struct fixture *f)
{
    do {
        int done = 0;
        f->is_pass_wanted = false;
        stint_jobs_pass(f->jobs);
        assert_int_equal(stint_store_after(f->store, on_durable, &done, NULL), 0);
        while (done == 0)
            (void)uv_run(f->loop, UV_RUN_ONCE);
        assert_int_equal(done, 1);
        while (uv_run(f->loop, UV_RUN_NOWAIT) && stint_store_is_pending(f->store))
            ;
    } while (f->is_pass_wanted || stint_store_is_pending(f->store));
}

static uint64_t submit(struct fixture *f, const struct stint_caller *caller, const char *text,
                       bool is_evaluated)
{
    struct stint_request request;
    uint64_t id = 0;
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_int_equal(stint_request_parse(json, &request, &f->err), 0);
    json_decref(json);
    struct stint_job_new job = { .caller = caller,
                                 .request = &request,
                                 .is_evaluated = is_evaluated };
    int r = stint_ledger_project_for(f->ledger, caller, request.project, &job.project, &f->err);
    if (r == 0)
        r = stint_jobs_create(f->jobs, &job, &id, &f->err);
    stint_request_deinit(&request);
    return r == 0 ? id : 0;
}

uint64_t fixture_submit(struct fixture *f, const struct stint_caller *caller, const char *text)
{
    return submit(f, caller, text, true);
}

uint64_t fixture_submit_unjudged(struct fixture *f, const struct stint_caller *caller,
                                 const char *text)
{
    return submit(f, caller, text, false);
}

size_t fixture_told(const struct fixture *f, const char *what, uint64_t id)
{
    size_t count = 0;
    for (size_t i = 0; i < f->engine.call_count; i++)
        count += f->engine.calls[i].key.job == id && strcmp(f->engine.calls[i].what, what) == 0;
    return count;
}

void fixture_end(struct fixture *f, uint64_t id, uint32_t attempt, int exit_status,
                 int64_t elapsed_ms)
{
    fixture_end_task(f, id, 0, attempt, exit_status, elapsed_ms);
}

void fixture_end_task(struct fixture *f, uint64_t id, uint32_t task, uint32_t attempt,
                      int exit_status, int64_t elapsed_ms)
{
    struct stint_run_end end = {
        .key = { id, task, attempt },
        .exit_status = exit_status,
        .started_ms = fixture_wall_ms - elapsed_ms,
        .ended_ms = fixture_wall_ms,
        .elapsed_ms = (uint64_t)elapsed_ms,
    };
    stint_jobs_on_run_ended(f->jobs, &end);
}

void fixture_restart(struct fixture *f)
{
    fixture_settle(f);
    f->jobs = stint_jobs_free(f->jobs);
    f->ledger = stint_ledger_free(f->ledger);
    f->clerk = stint_clerk_free(f->clerk);
    f->engine.call_count = 0;
    open_ledger(f);
    open_jobs(f);
}

enum stint_job_state fixture_state(struct fixture *f, uint64_t id)
{
    struct stint_job_view view;
    return stint_jobs_view(f->jobs, id, &view) == 0 ? view.state : STINT_JOB_DONE;
}

enum stint_reason_code fixture_reason(struct fixture *f, uint64_t id)
{
    struct stint_job_view view;
    return stint_jobs_view(f->jobs, id, &view) == 0 ? view.reason.code : STINT_REASON_NONE;
}

static bool take_outcome(void *context, const struct stint_job_row *row)
{
    (void)snprintf(context, 32, "%s", row->outcome ? row->outcome : "");
    return false;
}

const char *fixture_outcome(struct fixture *f, uint64_t id)
{
    static char outcome[32];
    outcome[0] = '\0';
    (void)stint_reader_job(stint_store_reader(f->store), id, take_outcome, outcome);
    return outcome;
}
