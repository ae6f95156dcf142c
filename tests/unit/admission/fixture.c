#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stint/artifact.h"
#include "stint/clerk.h"
#include "stint/machine.h"
#include "stint/record.h"
#include "stint/resource.h"

struct tool_call calls[64];
size_t call_count;
int engine_answer;
struct told_job jobs_told[640];
size_t jobs_count;
int jobs_answer;
char entry_types[128][64];
char entry_subjects[128][2048];
size_t entry_count;

/* ---- the core */

int stint_clerk_set_account(struct stint_clerk *clerk, uint32_t account,
                            enum stint_account_kind kind, uint32_t parent, uint32_t shares)
{
    (void)clerk, (void)account, (void)kind, (void)parent, (void)shares;
    return 0;
}

int stint_clerk_set_limit(struct stint_clerk *clerk, uint32_t account, enum stint_limit limit,
                          int64_t ceiling, int64_t used)
{
    (void)clerk, (void)account, (void)limit, (void)ceiling, (void)used;
    return 0;
}

int stint_clerk_add_use(struct stint_clerk *clerk, uint32_t account, const struct stint_ask *ask,
                        int64_t from_ms, int64_t until_ms)
{
    (void)clerk, (void)account, (void)ask, (void)from_ms, (void)until_ms;
    return 0;
}

void stint_clerk_forget_use(struct stint_clerk *clerk)
{
    (void)clerk;
}

int stint_scheduler_fair(const struct stint_scheduler *scheduler, uint32_t account,
                         struct stint_fair *ret_fair)
{
    (void)scheduler, (void)account, (void)ret_fair;
    return STINT_NOT_FOUND;
}

const struct stint_scheduler *stint_clerk_scheduler(const struct stint_clerk *clerk)
{
    (void)clerk;
    return NULL;
}

int64_t stint_scheduler_used(const struct stint_scheduler *scheduler, uint32_t account,
                             enum stint_limit limit)
{
    (void)scheduler, (void)account, (void)limit;
    return 0;
}

/* ---- the record */

int stint_record_append(struct stint_record *record, const struct stint_log_draft *draft,
                        uint64_t *ret_seq, struct stint_error *err)
{
    (void)record, (void)ret_seq, (void)err;
    assert_true(entry_count < 128);
    (void)snprintf(entry_types[entry_count], 64, "%s", draft->type);
    (void)snprintf(entry_subjects[entry_count++], 2048, "%s", draft->subject);
    return 0;
}

struct stint_record_mark stint_record_mark(const struct stint_record *record)
{
    (void)record;
    return (struct stint_record_mark){ .size = entry_count };
}

void stint_record_rewind(struct stint_record *record, struct stint_record_mark mark)
{
    (void)record;
    entry_count = mark.size;
}

/* ---- the jobs room */

static void job_take_uses(struct told_job *job, const struct stint_job_use *uses)
{
    (void)snprintf(job->digest, sizeof(job->digest), "%s", uses[0].digest);
    (void)snprintf(job->path, sizeof(job->path), "%.*s", (int)sizeof(job->path) - 1, uses[0].path);
    job->is_in_place = uses[0].is_in_place;
}

int stint_jobs_create(struct stint_jobs *jobs, const struct stint_job_new *from, uint64_t *ret_id,
                      struct stint_error *err)
{
    (void)jobs;
    if (jobs_answer != 0)
        return stint_fail(err, jobs_answer, "the jobs room says no");
    struct told_job *job = &jobs_told[jobs_count++];
    struct stint_buffer spec = { 0 };
    *job =
        (struct told_job){ .id = jobs_count, .is_evaluated = from->is_evaluated, .is_live = true };
    stint_request_write(from->request, from->script_sha256, &spec);
    job->spec = stint_buffer_take(&spec);
    (void)snprintf(job->script, sizeof(job->script), "%s",
                   from->script_sha256 ? from->script_sha256 : "");
    if (from->uses && from->request->use_count > 0)
        job_take_uses(job, from->uses);
    *ret_id = job->id;
    return 0;
}

int stint_jobs_fits_ever(struct stint_jobs *jobs, const struct stint_request *request,
                         enum stint_reason_code *ret_code, struct stint_error *err)
{
    (void)jobs;
    *ret_code = request->cpus > 16 ? STINT_REASON_ExceedsMachine : STINT_REASON_NONE;
    return request->cpus > 16 ? stint_fail(err, STINT_UNSATISFIABLE, "too many cores") : 0;
}

int64_t jobs_default_memory;
struct stint_reason jobs_reason;
int64_t jobs_p50_ms;

int stint_jobs_rehearse(struct stint_jobs *jobs, const struct stint_caller *caller,
                        const struct stint_request *request, int64_t project, int64_t award,
                        struct stint_rehearsal *ret_rehearsal, struct stint_error *err)
{
    (void)jobs, (void)caller, (void)request, (void)project, (void)award;
    if (jobs_answer != 0)
        return stint_fail(err, jobs_answer, "the jobs room says no");
    *ret_rehearsal = (struct stint_rehearsal){ .reason = jobs_reason,
                                               .p50_ms = jobs_p50_ms,
                                               .p90_ms = jobs_p50_ms ? jobs_p50_ms + 60000 : 0 };
    return 0;
}

uint32_t stint_jobs_resource_of(struct stint_jobs *jobs, const struct stint_request *request)
{
    (void)jobs, (void)request;
    return 0;
}

const struct stint_resource *stint_jobs_resource(const struct stint_jobs *jobs, uint32_t index)
{
    (void)jobs, (void)index;
    return NULL;
}

int64_t stint_jobs_memory_of(struct stint_jobs *jobs, const struct stint_request *request)
{
    (void)jobs;
    return request->memory_bytes ? request->memory_bytes : jobs_default_memory;
}

int stint_jobs_admit(struct stint_jobs *jobs, uint64_t id, const struct stint_job_use *uses,
                     struct stint_error *err)
{
    (void)jobs, (void)err;
    if (!jobs_told[id - 1].is_live)
        return STINT_NOT_FOUND;
    jobs_told[id - 1].is_admitted = true;
    uv_stop(uv_default_loop());
    job_take_uses(&jobs_told[id - 1], uses);
    return 0;
}

int stint_jobs_refuse(struct stint_jobs *jobs, uint64_t id, enum stint_reason_code code,
                      int64_t decision, const char *why, struct stint_error *err)
{
    (void)jobs, (void)err, (void)why;
    jobs_told[id - 1].refused = code;
    uv_stop(uv_default_loop());
    jobs_told[id - 1].decision = decision;
    return 0;
}

int stint_jobs_review(struct stint_jobs *jobs, uint64_t id, struct stint_error *err)
{
    (void)jobs, (void)err;
    return jobs_told[id - 1].is_live ? 0 : STINT_NOT_FOUND;
}

static void job_view(const struct told_job *job, struct stint_job_view *view)
{
    bool is_waiting = !job->is_evaluated && !job->is_admitted && !job->refused;
    *view = (struct stint_job_view){ .id = job->id,
                                     .uid = ANNA,
                                     .gid = ANNA,
                                     .user = "anna",
                                     .spec = job->spec,
                                     .project_id = 1,
                                     .uses = job->digest,
                                     .reason = { .code = is_waiting ? STINT_REASON_NotEvaluatedYet
                                                                    : STINT_REASON_NONE } };
}

int stint_jobs_view(struct stint_jobs *jobs, uint64_t id, struct stint_job_view *ret_view)
{
    (void)jobs;
    job_view(&jobs_told[id - 1], ret_view);
    return 0;
}

void stint_jobs_each(struct stint_jobs *jobs,
                     bool (*fn)(void *context, const struct stint_job_view *view), void *context)
{
    (void)jobs;
    for (size_t i = 0; i < jobs_count; i++) {
        struct stint_job_view view;
        job_view(&jobs_told[i], &view);
        if (jobs_told[i].is_live && !fn(context, &view))
            return;
    }
}

/* ---- the engine: a table of its own; calls wait until the test answers them */

static int engine_run_tool(struct stint_engine *engine, const struct stint_tool_request *request,
                           stint_engine_tool_fn done, void *ctx, struct stint_error *err)
{
    size_t n = 0;
    (void)engine;
    if (engine_answer != 0)
        return stint_fail(err, engine_answer, "the engine says no");
    struct tool_call *call = &calls[call_count++];
    uv_stop(uv_default_loop()); /* the test looks, before the loop blocks for its next timer */
    *call = (struct tool_call){ .done = done, .context = ctx, .fd = -1, .uid = request->owner.uid };
    (void)snprintf(call->verb, sizeof(call->verb), "%s", request->argv[0]);
    for (; request->argv[n]; n++) {
        if (strcmp(request->argv[n], "--kind") == 0)
            (void)snprintf(call->kind, sizeof(call->kind), "%s", request->argv[n + 1]);
        if (strcmp(request->argv[n], "--name") == 0)
            (void)snprintf(call->name, sizeof(call->name), "%s", request->argv[n + 1]);
        if (strcmp(request->argv[n], "--rules") == 0)
            (void)snprintf(call->rules, sizeof(call->rules), "%s", request->argv[n + 1]);
    }
    (void)snprintf(call->path, sizeof(call->path), "%s", request->argv[n - 1]);
    if (request->input_length > 0)
        call->input = strndup(request->input, request->input_length);
    if (request->extra_fd >= 0)
        call->fd = dup(request->extra_fd);
    return 0;
}

struct stint_engine_report engine_says;
const char *tool_word;

static void engine_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    (void)engine;
    *ret_report = engine_says;
}

static struct stint_engine *engine(void)
{
    static const struct stint_engine_ops ops = { .name = "test",
                                                 .report = engine_report,
                                                 .run_tool = engine_run_tool };
    static struct stint_engine it = { &ops };
    return &it;
}

void tools_wait(size_t count)
{
    while (call_count < count)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

static struct tool_call call_take(void)
{
    assert_true(call_count > 0);
    struct tool_call call = calls[0];
    memmove(&calls[0], &calls[1], --call_count * sizeof(calls[0]));
    return call;
}

void tool_say(int result, int exit_status, const char *output)
{
    struct tool_call call = call_take();
    call.done(call.context, result, exit_status, output, strlen(output));
    free(call.input);
    if (call.fd >= 0)
        (void)close(call.fd);
}

static void read_word(const char *folder, char word[16])
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/verdict", folder);
    FILE *file = fopen(path, "re");
    (void)snprintf(word, 16, "%s", "pass");
    if (file && fscanf(file, "%15s", word) != 1) /* NOLINT(cert-err34-c) */
        (void)snprintf(word, 16, "%s", "unknown");
    if (file)
        (void)fclose(file);
}

/* A whole small file of the folder; "" when it is not there. */
static void read_small(const char *folder, const char *name, char text[2048])
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, 2047, file) : 0;
    text[length] = '\0';
    if (file)
        (void)fclose(file);
}

static void write_criterion(struct stint_buffer *json, const char *rules, const char *result)
{
    stint_json_object(json);
    if (rules)
        stint_json_kv_text(json, "rules", rules);
    stint_json_kv_text(json, "id", "T-1");
    stint_json_kv_text(json, "result", result);
    stint_json_kv_bool(json, "required", true);
    stint_json_kv_text(json, "why", "the file says so");
    stint_json_key(json, "evidence");
    stint_json_raw(json, "[{\"file\":\"verdict\",\"line\":1,\"grade\":\"declared\"}]",
                   strlen("[{\"file\":\"verdict\",\"line\":1,\"grade\":\"declared\"}]"));
    stint_json_kv_text(json, "would_pass", "write pass");
    stint_json_object_end(json);
}

static void write_verdict(struct stint_buffer *json, const char *digest, const char *kind,
                          const char *rules, const char *result, const char *facts)
{
    stint_json_object(json);
    stint_json_kv_text(json, "schema", "stint.verdict/1");
    stint_json_key(json, "subject");
    stint_json_object(json);
    stint_json_kv_text(json, "kind", kind);
    stint_json_kv_text(json, "digest", digest);
    stint_json_object_end(json);
    stint_json_key(json, "results");
    stint_json_array(json);
    stint_json_object(json);
    stint_json_kv_text(json, "rules", rules);
    stint_json_kv_text(json, "result", result);
    stint_json_key(json, "criteria");
    stint_json_array(json);
    write_criterion(json, NULL, result);
    stint_json_array_end(json);
    stint_json_object_end(json);
    stint_json_array_end(json);
    if (*facts) {
        stint_json_key(json, "facts");
        stint_json_raw(json, facts, strlen(facts));
    }
    stint_json_object_end(json);
}

static char *judging_text_with(const char *path, const char *kind, const char *rules,
                               const char *evidence)
{
    char needs[2048], facts[2048];
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_artifact_tree tree;
    struct stint_buffer json = { 0 };
    char word[16], digest[80] = "sha256:";
    if (stint_artifact_tree_open(path, &tree, NULL) != 0)
        return strdup("{\"schema\":\"stint.evaluation/1\",\"problem\":{\"code\":\"not-found\","
                      "\"text\":\"no such path\",\"fix\":\"look\"}}");
    assert_int_equal(stint_artifact_tree_list(&tree, &manifest, NULL), 0);
    assert_int_equal(stint_artifact_hash(&tree, &manifest, 1, NULL, NULL, NULL), 0);
    stint_artifact_tree_close(&tree);
    (void)stint_sha256_hex(&manifest.digest, digest + 7);
    read_word(path, word);
    read_small(path, "needs", needs);
    read_small(path, "facts", facts);
    if (strcmp(word, "pass") == 0 && needs[0] && !strstr(evidence, needs))
        (void)snprintf(word, sizeof(word), "%s", "unknown");
    if (tool_word)
        (void)snprintf(word, sizeof(word), "%s", tool_word);
    stint_json_object(&json);
    stint_json_kv_text(&json, "schema", "stint.evaluation/1");
    stint_json_kv_text(&json, "result", word);
    stint_json_key(&json, "criteria");
    stint_json_array(&json);
    if (strcmp(word, "pass") != 0)
        write_criterion(&json, rules, word);
    stint_json_array_end(&json);
    stint_json_key(&json, "manifest");
    stint_artifact_manifest_json(&manifest, &json);
    stint_json_key(&json, "verdict");
    write_verdict(&json, digest, strcmp(kind, "auto") == 0 ? "model" : kind,
                  *rules ? rules : "rules-m", word, facts);
    stint_json_object_end(&json);
    stint_artifact_manifest_deinit(&manifest);
    return stint_buffer_take(&json);
}

char *judging_text(const char *path, const char *kind, const char *rules)
{
    return judging_text_with(path, kind, rules, "");
}

static char *recheck_text(const struct tool_call *call)
{
    struct stint_artifact_manifest manifest = { 0 };
    enum stint_recheck_result result;
    static const char *const words[] = { "", "unchanged", "changed", "missing" };
    char path[256] = "", *text = NULL;
    assert_non_null(call->input);
    assert_int_equal(
        stint_artifact_manifest_parse(call->input, strlen(call->input), &manifest, NULL), 0);
    int r = stint_artifact_recheck(call->path, &manifest, &result, path, NULL);
    if (r != 0)
        result = STINT_RECHECK_MISSING;
    assert_true(asprintf(&text,
                         "{\"schema\":\"stint.recheck/1\",\"result\":\"%s\",\"path\":\"%s\"}",
                         words[result], path) > 0);
    stint_artifact_manifest_deinit(&manifest);
    return text;
}

static void *offer_in_thread(void *context)
{
    struct tool_call *call = context;
    (void)stint_artifact_offer(call->fd, call->path, NULL);
    (void)close(call->fd);
    return NULL;
}

void tool_answer(void)
{
    struct tool_call *call = &calls[0];
    char *text;
    if (strcmp(call->verb, "offer") == 0) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, offer_in_thread, call), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        call->fd = -1;
        tool_say(0, 0, "{\"schema\":\"stint.offer/1\",\"files\":1}");
        return;
    }
    text = strcmp(call->verb, "judge") == 0 ? judging_text_with(call->path, call->kind, call->rules,
                                                                call->input ? call->input : "")
                                            : recheck_text(call);
    tool_say(0, 0, text);
    free(text);
}

void tool_answer_all(struct fixture *f, const bool *until)
{
    (void)f;
    while (!*until) {
        while (call_count > 0)
            tool_answer();
        if (!*until)
            uv_run(uv_default_loop(), UV_RUN_ONCE);
    }
}

/* ---- the fixture */

static int64_t clock_now_ms(void)
{
    static int64_t now_ms = INT64_C(1779710400000);
    return now_ms++;
}

static struct stint_machine *one_node(void)
{
    static struct stint_shape shape = { .core_count = 16, .memory_bytes = INT64_C(64) << 30 };
    static struct stint_node nodes[1] = { { "node0", &shape } };
    static struct stint_machine machine = { .node_count = 1, .nodes = nodes };
    return &machine;
}

static int ledger_open(struct fixture *f)
{
    static struct stint_resources resources;
    resources = (struct stint_resources){
        .count = 1,
        .list = { { .name = "local",
                    .machine = one_node(),
                    .rate_micro = 1000000,
                    .preemptible_rate_micro = 500000 } },
    };
    struct stint_ledger_options options = {
        .store = f->store,
        .resources = &resources,
        .join_open = true,
        .operator_uid = 70000,
        .default_award_hours = 1000,
        .now_wall_ms = clock_now_ms,
    };
    int r = stint_ledger_new(&options, &f->ledger, &f->err);
    return r != 0 ? r : stint_ledger_load(f->ledger, &f->err);
}

static int admission_open(struct fixture *f)
{
    int r = stint_admission_new(&f->options, &f->admission, &f->err);
    return r != 0 ? r : stint_admission_load(f->admission, &f->err);
}

int fixture_setup(void **state)
{
    static char copies[96];
    struct fixture *f = calloc(1, sizeof(*f));
    call_count = jobs_count = entry_count = 0;
    engine_answer = jobs_answer = 0;
    tool_word = NULL;
    engine_says = (struct stint_engine_report){ .root_allowed = true };
    jobs_default_memory = jobs_p50_ms = 0;
    jobs_reason = (struct stint_reason){ 0 };
    (void)snprintf(f->folder, sizeof(f->folder), "%s", "/tmp/stint-admission-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    struct stint_store_options store = { .loop = uv_default_loop(), .state = f->folder };
    if (stint_store_open(&store, &f->store, &f->err) != 0 || ledger_open(f) != 0)
        return -1;
    (void)snprintf(copies, sizeof(copies), "%s/artifacts", f->folder);
    f->options = (struct stint_admission_options){
        .loop = uv_default_loop(),
        .store = f->store,
        .ledger = f->ledger,
        .engine = engine(),
        .rules = { "rules-m", "rules-d", "rules-c" },
        .artifact_store = copies,
        .wait_ms = 60000,
        .evaluation_timeout_ms = 60000,
        .now_wall_ms = clock_now_ms,
    };
    if (admission_open(f) != 0) {
        print_error("%s\n", f->err.text);
        return -1;
    }
    entry_count = 0;
    f->anna = (struct stint_caller){ ANNA, ANNA, "anna", STINT_ROLE_USER };
    f->bert = (struct stint_caller){ BERT, BERT, "bert", STINT_ROLE_USER };
    f->boss = (struct stint_caller){ 70000, 70000, "boss", STINT_ROLE_OPERATOR };
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
    f->admission = stint_admission_free(f->admission);
    while (call_count > 0) /* as a closing engine does */
        tool_say(-ECANCELED, 0, "");
    f->ledger = stint_ledger_free(f->ledger);
    stint_store_close(f->store, on_closed, &is_closed);
    while (!is_closed)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    while (uv_run(uv_default_loop(), UV_RUN_NOWAIT))
        ;
    for (size_t i = 0; i < jobs_count; i++)
        free(jobs_told[i].spec);
    (void)snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", f->folder, f->folder);
    int r = system(command); /* NOLINT(bugprone-command-processor): a name we made */
    free(f);
    return r;
}

static void on_durable(void *context, int status)
{
    assert_int_equal(status, 0);
    *(bool *)context = true;
}

void fixture_reopen(struct fixture *f)
{
    bool is_durable = false;
    assert_int_equal(stint_store_after(f->store, on_durable, &is_durable, &f->err), 0);
    fixture_wait(f, &is_durable);
    f->admission = stint_admission_free(f->admission);
    while (call_count > 0)
        tool_say(-ECANCELED, 0, "");
    assert_int_equal(admission_open(f), 0);
}

void fixture_write(const char *folder, const char *name, const char *text)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

const char *fixture_folder(struct fixture *f, const char *name, const char *verdict)
{
    static char paths[8][128];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, 128, "%s/%s", f->folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
    fixture_write(path, "weights", name);
    fixture_write(path, "verdict", verdict);
    return path;
}

void fixture_wait(struct fixture *f, const bool *until)
{
    (void)f;
    while (!*until)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

static void reply_on_answer(void *context, const struct stint_answer *answer)
{
    struct reply *reply = context;
    assert_false(reply->is_given);
    uv_stop(uv_default_loop());
    *reply = (struct reply){ .is_given = true,
                             .code = answer->error.code,
                             .job = answer->job,
                             .is_evaluated = answer->is_evaluated,
                             .reason = answer->reason,
                             .decision = answer->decision };
    (void)snprintf(reply->text, sizeof(reply->text), "%s", answer->error.text);
    (void)snprintf(reply->fix, sizeof(reply->fix), "%s", answer->error.fix);
    (void)snprintf(reply->criteria, sizeof(reply->criteria), "%s", answer->criteria);
    (void)snprintf(reply->rehearsal, sizeof(reply->rehearsal), "%s",
                   answer->rehearsal ? answer->rehearsal : "");
}

void fixture_submit(struct fixture *f, const struct stint_caller *caller, const char *request,
                    bool is_rehearsal, struct reply *reply)
{
    struct stint_request parsed = { 0 };
    json_t *json = json_loads(request, 0, NULL);
    assert_non_null(json);
    *reply = (struct reply){ 0 };
    if (stint_request_parse(json, &parsed, &f->err) != 0)
        fail_msg("%s", f->err.text);
    json_decref(json);
    stint_admission_submit(f->admission, caller, &parsed, is_rehearsal, reply_on_answer, reply);
}

void fixture_submit_judged(struct fixture *f, const struct stint_caller *caller,
                           const char *request, struct reply *reply)
{
    fixture_submit(f, caller, request, false, reply);
    tool_answer_all(f, &reply->is_given);
}

static void outcome_on_done(void *context, const struct stint_error *error, const char *digest,
                            int64_t verdict_id, const char *document)
{
    struct outcome *outcome = context;
    uv_stop(uv_default_loop());
    *outcome = (struct outcome){ .is_given = true, .code = error->code, .verdict = verdict_id };
    (void)snprintf(outcome->text, sizeof(outcome->text), "%s", error->text);
    (void)snprintf(outcome->fix, sizeof(outcome->fix), "%s", error->fix);
    (void)snprintf(outcome->digest, sizeof(outcome->digest), "%s", digest ? digest : "");
    (void)snprintf(outcome->document, sizeof(outcome->document), "%s", document ? document : "");
}

void fixture_register_begin(struct fixture *f, const struct stint_caller *caller, const char *path,
                            const char *name, bool is_in_place, struct outcome *outcome)
{
    *outcome = (struct outcome){ 0 };
    stint_admission_register(f->admission, caller, path, name, "model", is_in_place,
                             outcome_on_done, outcome);
}

void fixture_register(struct fixture *f, const struct stint_caller *caller, const char *path,
                      const char *name, bool is_in_place, struct outcome *outcome)
{
    fixture_register_begin(f, caller, path, name, is_in_place, outcome);
    tool_answer_all(f, &outcome->is_given);
}

void fixture_check(struct fixture *f, const char *path, const char *rules, struct outcome *outcome)
{
    *outcome = (struct outcome){ 0 };
    stint_admission_check(f->admission, &f->anna, path, "model", rules, outcome_on_done, outcome);
    tool_answer_all(f, &outcome->is_given);
}
