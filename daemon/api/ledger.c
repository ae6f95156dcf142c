/* Owns: who may use what: awards, projects, institutions, quotas, users, balances, to read. Users
 * are never named to others than operators and themselves. */
#include "views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/ledger.h"
#include "stint/machine.h"
#include "stint/measure.h"

/* One walk over the ledger's views: what is wanted of it, and where it goes. */
struct walk {
    struct exchange *ex;
    const char *wanted; /* NULL: all */
    bool is_mine;       /* only what the caller is a member of */
    size_t count;
    int64_t id; /* of the one that was found */
};

static bool name_is_wanted(const char *wanted, const char *name, int64_t id)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%" PRId64, id);
    return !wanted || strcmp(wanted, name) == 0 || strcmp(wanted, number) == 0;
}

static void write_micro(struct stint_buffer *out, const char *key, int64_t micro)
{
    char text[32];
    char key_micro[32];
    (void)snprintf(key_micro, sizeof(key_micro), "%s_micro", key);
    stint_json_kv_int(out, key_micro, micro);
    stint_json_kv_text(out, key, stint_micro_format(micro, text, sizeof(text)));
}

/* ---- awards ---- */

static void award_write(struct exchange *ex, const struct stint_award_view *view)
{
    struct stint_buffer *out = &ex->out;
    stint_json_object(out);
    stint_json_kv_int(out, "id", view->id);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "project", view->project);
    stint_json_kv_text(out, "title", view->title);
    stint_json_kv_text(out, "resource", view->resource);
    stint_json_kv_text(out, "unit", view->unit);
    if (award_is_simulated(ex->api, view))
        stint_json_kv_bool(out, "simulated", true);
    stint_json_kv_text(out, "state", view->state);
    write_micro(out, "awarded", view->awarded_micro);
    write_micro(out, "used", view->used_micro);
    write_micro(out, "held", view->held_micro);
    write_micro(out, "free", view->awarded_micro - view->used_micro - view->held_micro);
    stint_json_kv_time(out, "from", view->from_ms);
    stint_json_kv_time(out, "until", view->until_ms);
    stint_json_object_end(out);
}

static bool award_on_view(void *context, const struct stint_award_view *view)
{
    struct walk *walk = context;
    const struct stint_ledger *ledger = walk->ex->api->options.ledger;
    if (walk->wanted && strcmp(walk->wanted, view->project) != 0)
        return true;
    if (walk->is_mine && !stint_ledger_is_member(ledger, walk->ex->caller.uid, view->project))
        return true;
    award_write(walk->ex, view);
    return true;
}

void handle_awards_list(struct exchange *ex)
{
    struct walk walk = { ex, exchange_query(ex, "project"), false, 0, 0 };
    document_begin(&ex->out, "awards");
    stint_json_key(&ex->out, "awards");
    stint_json_array(&ex->out);
    stint_ledger_each_award(ex->api->options.ledger, award_on_view, &walk);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

static bool award_on_one(void *context, const struct stint_award_view *view)
{
    struct walk *walk = context;
    if (!name_is_wanted(walk->wanted, view->name, view->id))
        return true;
    walk->count++;
    walk->id = view->id;
    stint_json_key(&walk->ex->out, "award");
    award_write(walk->ex, view);
    return false;
}

/* Ends a document of one thing: 404 when the walk found none. */
static void send_one(struct exchange *ex, const struct walk *walk, const char *noun)
{
    struct stint_error err;
    if (walk->count == 0) {
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no %s '%.60s'", noun, walk->wanted);
        exchange_fail(ex, &err);
        return;
    }
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- one award and its postings ---- */

#define POSTING_MEMO_MAX 32

/* One leg, as everybody may see it: of a job its number, of a person nothing. */
struct posting {
    int64_t id;
    int64_t at_ms;
    int64_t transaction;
    int64_t account;
    int64_t amount_micro;
    uint64_t job;
    uint32_t attempt;
    char memo[POSTING_MEMO_MAX];
};

struct postings {
    char *wanted; /* as the request named the award */
    int64_t award;
    uint64_t before;
    size_t limit;
    size_t count;
    struct posting rows[];
};

static void postings_free(void *data)
{
    struct postings *postings = data;
    free(postings->wanted);
    free(postings);
}

static bool posting_on_row(void *context, const struct stint_posting_row *row)
{
    struct postings *postings = context;
    struct posting *posting = &postings->rows[postings->count++];
    *posting = (struct posting){ .id = row->id,
                                 .at_ms = row->at_ms,
                                 .transaction = row->transaction,
                                 .account = row->account,
                                 .amount_micro = row->amount_micro,
                                 .job = row->job,
                                 .attempt = row->attempt };
    (void)snprintf(posting->memo, sizeof(posting->memo), "%s", row->memo ? row->memo : "");
    return postings->count <= postings->limit;
}

static int postings_work(struct stint_reader *reader, void *data)
{
    struct postings *postings = data;
    return stint_reader_each_posting(reader, postings->award, (int64_t)postings->before,
                                     (int64_t)postings->limit + 1, posting_on_row, postings);
}

static void posting_write(struct stint_buffer *out, const struct posting *posting)
{
    static const char *const accounts[] = { "",
#define X(name, wire) wire,
                                            STINT_POSTING_ACCOUNTS(X)
#undef X
    };
    bool is_known = posting->account > 0 && posting->account < STINT_POSTING_ACCOUNT_COUNT;
    stint_json_object(out);
    stint_json_kv_int(out, "id", posting->id);
    stint_json_kv_int(out, "transaction", posting->transaction);
    stint_json_kv_time(out, "at", posting->at_ms);
    stint_json_kv_text(out, "kind", posting->memo);
    stint_json_kv_text(out, "account", is_known ? accounts[posting->account] : "");
    write_micro(out, "amount", posting->amount_micro);
    if (posting->job > 0) {
        stint_json_kv_int(out, "job", (int64_t)posting->job);
        stint_json_kv_int(out, "attempt", posting->attempt);
    }
    stint_json_object_end(out);
}

static void postings_render(struct exchange *ex, void *data, int status)
{
    const struct postings *postings = data;
    struct walk walk = { ex, postings->wanted, false, 0, 0 };
    size_t shown = postings->count < postings->limit ? postings->count : postings->limit;
    if (exchange_read_failed(ex, status, "award"))
        return;
    document_begin(&ex->out, "award");
    stint_ledger_each_award(ex->api->options.ledger, award_on_one, &walk);
    stint_json_key(&ex->out, "postings");
    stint_json_array(&ex->out);
    for (size_t i = 0; i < shown; i++)
        posting_write(&ex->out, &postings->rows[i]);
    stint_json_array_end(&ex->out);
    cursor_next(ex, shown ? (uint64_t)postings->rows[shown - 1].id : 0, postings->count > shown);
    send_one(ex, &walk, "award");
}

void handle_award_get(struct exchange *ex)
{
    static const struct read_plan plan = { postings_work, postings_render, postings_free };
    struct walk walk = { ex, exchange_param(ex, "id"), false, 0, 0 };
    uint64_t before;
    int64_t limit;
    if (!walk.wanted || !cursor_read(ex, &before) ||
        !exchange_query_int(ex, "limit", 1, API_LIST_MAX, API_LIST_DEFAULT, &limit))
        return;
    stint_ledger_each_award(ex->api->options.ledger, award_on_one, &walk);
    stint_buffer_clear(&ex->out); /* that walk was only for the id */
    if (walk.count == 0) {
        send_one(ex, &walk, "award");
        return;
    }
    struct postings *postings =
        calloc(1, sizeof(*postings) + ((size_t)limit + 1) * sizeof(postings->rows[0]));
    if (postings && !(postings->wanted = strdup(walk.wanted))) {
        free(postings);
        postings = NULL;
    }
    if (postings) {
        postings->award = walk.id;
        postings->before = before;
        postings->limit = (size_t)limit;
    }
    exchange_read(ex, &plan, postings);
}

/* ---- projects, institutions, users ---- */

static void project_write(struct stint_buffer *out, const struct stint_project_view *view)
{
    stint_json_object(out);
    stint_json_kv_int(out, "id", view->id);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "institution", view->institution);
    stint_json_kv_text(out, "pi", view->pi);
    stint_json_kv_text(out, "title", view->title);
    stint_json_kv_text(out, "state", view->is_suspended ? "suspended" : "active");
    stint_json_kv_int(out, "members", view->member_count);
    stint_json_kv_int(out, "running_jobs", view->running_jobs);
    stint_json_kv_int(out, "queued_jobs", view->queued_jobs);
    stint_json_object_end(out);
}

static bool project_on_list(void *context, const struct stint_project_view *view)
{
    struct exchange *ex = context;
    project_write(&ex->out, view);
    return true;
}

void handle_projects_list(struct exchange *ex)
{
    document_begin(&ex->out, "projects");
    stint_json_key(&ex->out, "projects");
    stint_json_array(&ex->out);
    stint_ledger_each_project(ex->api->options.ledger, project_on_list, ex);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

static bool project_on_one(void *context, const struct stint_project_view *view)
{
    struct walk *walk = context;
    if (!name_is_wanted(walk->wanted, view->name, view->id))
        return true;
    walk->count++;
    stint_json_key(&walk->ex->out, "project");
    project_write(&walk->ex->out, view);
    return false;
}

void handle_project_get(struct exchange *ex)
{
    struct walk walk = { ex, exchange_param(ex, "id"), false, 0, 0 };
    if (!walk.wanted)
        return;
    document_begin(&ex->out, "project");
    stint_ledger_each_project(ex->api->options.ledger, project_on_one, &walk);
    send_one(ex, &walk, "project");
}

static bool institution_on_view(void *context, int64_t id, const char *name, const char *title)
{
    struct exchange *ex = context;
    stint_json_object(&ex->out);
    stint_json_kv_int(&ex->out, "id", id);
    stint_json_kv_text(&ex->out, "name", name);
    stint_json_kv_text(&ex->out, "title", title);
    stint_json_object_end(&ex->out);
    return true;
}

void handle_institutions_list(struct exchange *ex)
{
    document_begin(&ex->out, "institutions");
    stint_json_key(&ex->out, "institutions");
    stint_json_array(&ex->out);
    stint_ledger_each_institution(ex->api->options.ledger, institution_on_view, ex);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

static bool user_on_view(void *context, const struct stint_user_view *view)
{
    struct exchange *ex = context;
    stint_json_object(&ex->out);
    stint_json_kv_int(&ex->out, "uid", (int64_t)view->uid);
    stint_json_kv_text(&ex->out, "name", view->name);
    stint_json_kv_text(&ex->out, "projects", view->projects);
    stint_json_kv_text(&ex->out, "role", view->is_operator ? "operator" : "user");
    stint_json_kv_text(&ex->out, "state", view->is_suspended ? "suspended" : "active");
    stint_json_object_end(&ex->out);
    return true;
}

void handle_users_list(struct exchange *ex)
{
    document_begin(&ex->out, "users");
    stint_json_key(&ex->out, "users");
    stint_json_array(&ex->out);
    stint_ledger_each_user(ex->api->options.ledger, user_on_view, ex);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- quotas ---- */

static bool quota_is_shown(const struct walk *walk, const struct stint_quota_view *view)
{
    const struct exchange *ex = walk->ex;
    bool is_users = strcmp(view->scope, "user") == 0;
    bool is_own = ex->caller.role >= STINT_ROLE_USER && view->scope_name &&
                  strcmp(view->scope_name, ex->caller.name) == 0;
    if (is_users)
        return is_own || (exchange_is_operator(ex) && !walk->is_mine);
    return !walk->is_mine || strcmp(view->scope, "project") != 0 ||
           stint_ledger_is_member(ex->api->options.ledger, ex->caller.uid, view->scope_name);
}

static bool quota_on_view(void *context, const struct stint_quota_view *view)
{
    struct walk *walk = context;
    struct stint_buffer *out = &walk->ex->out;
    if (!quota_is_shown(walk, view))
        return true;
    stint_json_object(out);
    stint_json_kv_text(out, "scope", view->scope);
    stint_json_kv_text(out, "name", view->scope_name);
    stint_json_kv_text(out, "kind", view->kind);
    stint_json_kv_text(out, "period", view->period && *view->period ? view->period : NULL);
    stint_json_kv_int(out, "ceiling", view->ceiling);
    stint_json_kv_int(out, "used", view->used);
    stint_json_kv_text(out, "reason", view->reason);
    stint_json_kv_time(out, "set", view->set_ms);
    if (exchange_is_operator(walk->ex))
        stint_json_kv_text(out, "set_by", view->set_by);
    stint_json_object_end(out);
    return true;
}

static void write_quotas(struct exchange *ex, bool is_mine)
{
    struct walk walk = { ex, NULL, is_mine, 0, 0 };
    stint_json_key(&ex->out, "quotas");
    stint_json_array(&ex->out);
    stint_ledger_each_quota(ex->api->options.ledger, quota_on_view, &walk);
    stint_json_array_end(&ex->out);
}

void handle_quotas_list(struct exchange *ex)
{
    document_begin(&ex->out, "quotas");
    write_quotas(ex, false);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

void handle_balance(struct exchange *ex)
{
    struct walk walk = { ex, NULL, true, 0, 0 };
    document_begin(&ex->out, "balance");
    stint_json_kv_text(&ex->out, "user", ex->caller.name);
    stint_json_kv_text(&ex->out, "role", exchange_is_operator(ex) ? "operator" : "user");
    stint_json_key(&ex->out, "awards");
    stint_json_array(&ex->out);
    stint_ledger_each_award(ex->api->options.ledger, award_on_view, &walk);
    stint_json_array_end(&ex->out);
    write_quotas(ex, true);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- usage ---- */

struct usage {
    int64_t project;
    int64_t since_ms;
    int64_t until_ms;
    int64_t runs;
    int64_t gpu_milli_s;
    int64_t core_s;
    int64_t charged_micro;
    int64_t held_micro;
    int64_t people;
};

static bool usage_on_sum(void *context, const struct stint_usage_sum *sum)
{
    struct usage *usage = context;
    if (sum->project != usage->project)
        return true;
    usage->people++;
    usage->runs += sum->run_count;
    usage->gpu_milli_s += sum->gpu_milli_s;
    usage->core_s += sum->core_s;
    usage->charged_micro += sum->charged_micro;
    usage->held_micro += sum->held_micro;
    return true;
}

static int usage_work(struct stint_reader *reader, void *data)
{
    const struct usage *usage = data;
    return stint_reader_sum_usage(reader, usage->since_ms, usage->until_ms, usage_on_sum, data);
}

static bool has_simulated(const struct stint_resources *resources)
{
    for (uint32_t i = 0; i < resources->count; i++)
        if (stint_machine_is_simulated(resources->list[i].machine))
            return true;
    return false;
}

static void usage_render(struct exchange *ex, void *data, int status)
{
    const struct usage *usage = data;
    if (exchange_read_failed(ex, status, "usage"))
        return;
    document_begin(&ex->out, "usage");
    stint_json_kv_text(&ex->out, "project",
                       stint_ledger_project_name(ex->api->options.ledger, usage->project));
    stint_json_kv_time(&ex->out, "since", usage->since_ms);
    stint_json_kv_time(&ex->out, "until", usage->until_ms);
    stint_json_kv_int(&ex->out, "runs", usage->runs);
    stint_json_kv_int(&ex->out, "people", usage->people);
    /* Simulated GPUs are left out of public totals: with some, the sum is not of real ones. */
    stint_json_kv_int(&ex->out,
                      has_simulated(ex->api->options.resources) ? "simulated_gpu_s" : "gpu_s",
                      usage->gpu_milli_s / 1000);
    stint_json_kv_int(&ex->out, "core_s", usage->core_s);
    write_micro(&ex->out, "charged", usage->charged_micro);
    write_micro(&ex->out, "held", usage->held_micro);
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 200);
}

static bool usage_time(struct exchange *ex, const char *name, int64_t *ret_ms)
{
    struct stint_error err = { 0 };
    const char *text = exchange_query(ex, name);
    if (!text)
        return true;
    err.code = stint_instant_parse(text, ex->api->options.now_wall_ms(), ret_ms, &err);
    if (err.code != 0)
        exchange_fail(ex, &err);
    return err.code == 0;
}

struct project_find {
    const char *wanted;
    int64_t id;
};

static bool project_on_find(void *context, const struct stint_project_view *view)
{
    struct project_find *find = context;
    if (name_is_wanted(find->wanted, view->name, view->id))
        find->id = view->id;
    return find->id == 0;
}

void handle_project_usage(struct exchange *ex)
{
    static const struct read_plan plan = { usage_work, usage_render, free };
    struct stint_error err;
    struct project_find find = { exchange_param(ex, "id"), 0 };
    int64_t since_ms = 0;
    int64_t until_ms = 0;
    if (!find.wanted || !usage_time(ex, "since", &since_ms) || !usage_time(ex, "until", &until_ms))
        return;
    stint_ledger_each_project(ex->api->options.ledger, project_on_find, &find);
    if (find.id == 0) {
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no project '%.60s'", find.wanted);
        exchange_fail(ex, &err);
        return;
    }
    struct usage *usage = calloc(1, sizeof(*usage));
    if (usage) {
        usage->project = find.id;
        usage->since_ms = since_ms;
        usage->until_ms = until_ms;
    }
    exchange_read(ex, &plan, usage);
}
