/* Owns: jobs to read: one (with its end waited for), why it waits, the history. */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/store.h"

/* ---- one job ---- */

struct position_walk {
    uint64_t id;
    struct queue_line line;
    size_t position;
    bool is_found;
};

static bool position_on_view(void *context, const struct stint_job_view *view)
{
    struct position_walk *walk = context;
    if (!job_is_in_line(view) || view->is_task)
        return true;
    walk->position = queue_line_next(&walk->line, view);
    walk->is_found = view->id == walk->id;
    return !walk->is_found;
}

static size_t queue_position(struct stint_api *api, uint64_t id)
{
    struct position_walk walk = { .id = id };
    stint_jobs_each(api->options.jobs, position_on_view, &walk);
    return walk.is_found ? walk.position : 0;
}

struct history {
    struct exchange *ex;
    struct stint_reader *reader;
    struct stint_buffer *out;
    bool is_shown;
    bool is_array;
    struct array_failed failed;
};

struct history_run {
    struct history *history;
    const struct stint_job_row *row;
};

static void history_write(struct history *history, const struct stint_job_row *row,
                          const struct stint_run_row *run)
{
    struct job_shown job;
    struct stint_array_view counts;
    job_from_row(history->ex->api, row, run, &job);
    history->is_array = row->task_count > 0;
    if (history->is_array && array_counts(history->reader, row, &counts, &history->failed) == 0)
        job.array = &counts;
    job_write(history->ex->api, history->out, &job, exchange_sees(history->ex, row->uid), true);
    history->is_shown = true;
}

static bool history_on_run(void *context, const struct stint_run_row *run)
{
    struct history_run *both = context;
    history_write(both->history, both->row, run);
    return false;
}

static bool history_on_job(void *context, const struct stint_job_row *row)
{
    struct history *history = context;
    struct history_run both = { history, row };
    struct stint_run_key key = { row->id, 0, (uint32_t)row->attempts };
    if (row->attempts > 0 && row->task_count == 0)
        (void)stint_reader_run(history->reader, key, history_on_run, &both);
    if (!history->is_shown)
        history_write(history, row, NULL);
    return false;
}

static bool row_is_array(void *context, const struct stint_job_row *row)
{
    *(bool *)context = row->task_count > 0;
    return false;
}

static int history_document(struct exchange *ex, uint64_t id, struct stint_buffer *out,
                            struct stint_error *err)
{
    struct history history = { .ex = ex,
                               .reader = stint_store_reader(ex->api->options.store),
                               .out = out };
    int r = stint_reader_job(history.reader, id, history_on_job, &history);
    if (r == -ENOENT || (r == 0 && !history.is_shown))
        return stint_fail(err, STINT_NOT_FOUND, "there is no job %" PRIu64, id);
    if (r != 0)
        return stint_fail(err, r, "job %" PRIu64 " could not be read: %s", id, strerror(-r));
    if (history.is_array)
        array_tasks_write(ex, id, &history.failed, out);
    return 0;
}

static int whole_document(struct exchange *ex, uint64_t id, struct stint_buffer *out,
                          struct stint_error *err)
{
    struct stint_job_view view;
    struct job_shown job;
    struct array_failed failed = { .count = 0 };
    document_begin(out, "job");
    stint_json_key(out, "job");
    if (stint_jobs_view(ex->api->options.jobs, id, &view) == 0 && view.state != STINT_JOB_DONE) {
        bool is_array = view.array != NULL;
        size_t position = job_is_in_line(&view) ? queue_position(ex->api, id) : 0;
        (void)stint_jobs_view(ex->api->options.jobs, id, &view); /* the walk had the memory of it */
        job_from_view(ex->api, &view, &job);
        job.position = position;
        job_write(ex->api, out, &job, exchange_sees(ex, view.uid), true);
        if (is_array)
            array_tasks_write(ex, id, &failed, out);
    } else {
        int r = history_document(ex, id, out, err);
        if (r != 0)
            return r;
    }
    stint_json_object_end(out);
    return 0;
}

/* `41_0` and `41_[0-0]` are how others write a plain job. */
static bool is_plain_job(struct exchange *ex, uint64_t id, uint32_t task)
{
    struct stint_job_view view;
    bool is_array = true;
    if (task != 0)
        return false;
    if (stint_jobs_view(ex->api->options.jobs, id, &view) == 0)
        return !view.array;
    (void)stint_reader_job(stint_store_reader(ex->api->options.store), id, row_is_array, &is_array);
    return !is_array;
}

bool ref_settle(struct exchange *ex, struct stint_job_ref *ref)
{
    uint32_t task = STINT_TASK_WHOLE;
    if (ref_is_one_task(ref, &task) && is_plain_job(ex, ref->job, task))
        ref->tasks = stint_array_free(ref->tasks);
    return ref->tasks == NULL;
}

int job_document(struct exchange *ex, const struct stint_job_ref *ref, struct stint_buffer *out,
                 struct stint_error *err)
{
    uint32_t task;
    if (!ref->tasks)
        return whole_document(ex, ref->job, out, err);
    return ref_is_one_task(ref, &task) ? task_document(ex, ref->job, task, out, err)
                                       : tasks_document(ex, ref, out, err);
}

static void job_answer(struct exchange *ex)
{
    struct stint_error err = { 0 };
    struct stint_job_ref ref = { 0 };
    if (!exchange_param_ref(ex, &ref))
        return;
    (void)ref_settle(ex, &ref);
    err.code = job_document(ex, &ref, &ex->out, &err);
    ref.tasks = stint_array_free(ref.tasks);
    if (err.code != 0)
        exchange_fail(ex, &err);
    else
        exchange_send(ex, 200);
}

void handle_job_get(struct exchange *ex)
{
    struct stint_job_ref ref = { 0 };
    int64_t wait_s;
    if (!exchange_query_int(ex, "wait_s", 0, API_WAIT_S_MAX, 0, &wait_s) ||
        !exchange_param_ref(ex, &ref))
        return;
    uint32_t task = STINT_TASK_WHOLE;
    bool is_one = ref_settle(ex, &ref) || ref_is_one_task(&ref, &task);
    uint64_t id = ref.job;
    ref.tasks = stint_array_free(ref.tasks);
    bool is_live = is_one && !job_or_task_is_done(ex->api, id, task);
    if (!is_live || wait_s == 0 || !waits_add(ex, id, task, wait_s, job_answer))
        job_answer(ex);
}

/* ---- why ---- */

#define BLOCKERS_MAX 32

/* With what it would start at once: each was tried. */
static void options_write(struct exchange *ex, const struct stint_job_view *view,
                          struct stint_buffer *out)
{
    struct stint_option options[STINT_OPTIONS_MAX];
    uint32_t task = view->is_task ? view->task : STINT_TASK_WHOLE;
    size_t count = stint_jobs_improve(ex->api->options.jobs, view->id, task, options);
    stint_json_key(out, "starts_now_with");
    stint_json_array(out);
    for (size_t i = 0; i < count; i++)
        stint_json_text(out, options[i].text);
    stint_json_array_end(out);
}

static void why_live(struct exchange *ex, const struct stint_job_view *view)
{
    struct stint_reason reasons[BLOCKERS_MAX];
    struct stint_buffer *out = &ex->out;
    struct stint_reason headline = view->reason;
    bool waits = view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD ||
                 (view->array && headline.code != STINT_REASON_NONE);
    struct start_told start = { view->estimate_p50_ms, view->estimate_p90_ms,
                                view->estimate_supposes, view->no_estimate };
    bool is_in_line = job_is_in_line(view);
    bool is_seen = exchange_sees(ex, view->uid);
    uint64_t id = view->id;
    uint32_t task = view->is_task ? view->task : STINT_TASK_WHOLE;
    const char *award =
        view->award ? stint_ledger_award_name(ex->api->options.ledger, view->award) : NULL;
    stint_json_kv_int(out, "id", (int64_t)id);
    ref_write(out, id, task);
    stint_json_kv_text(out, "state", stint_job_state_name(view->state));
    stint_json_kv_text(out, "resource", view->resource);
    stint_json_key(out, "reason");
    if (waits && headline.code != STINT_REASON_NONE)
        reason_write(ex->api, out, &headline, award, is_seen);
    else
        stint_json_null(out);
    stint_json_key(out, "also");
    stint_json_array(out);
    size_t count =
        waits ? stint_jobs_blockers(ex->api->options.jobs, id, task, reasons, BLOCKERS_MAX) : 0;
    for (size_t i = 0; i < count; i++)
        if (reasons[i].code != headline.code || reasons[i].account != headline.account)
            reason_write(ex->api, out, &reasons[i], award, is_seen);
    stint_json_array_end(out);
    if (waits)
        turn_write(ex, view);
    size_t position = is_in_line ? queue_position(ex->api, id) : 0;
    if (position > 0) /* a task of an array has the array's */
        stint_json_kv_int(out, "position", (int64_t)position);
    if (waits)
        start_write(out, &start);
    if (waits)
        options_write(ex, view, out);
}

static bool why_on_run(void *context, const struct stint_run_row *run)
{
    struct stint_buffer *out = context;
    if (run->note && *run->note)
        stint_json_kv_text(out, "note", run->note);
    return false;
}

/* What was said to the end of a job that never ran: an operator's word, a late verdict's. */
static bool why_on_end(void *context, const struct stint_event_row *event)
{
    struct stint_buffer *out = context;
    json_t *payload = event->payload ? json_loads(event->payload, 0, NULL) : NULL;
    const char *note =
        json_string_value(json_object_get(json_object_get(payload, "detail"), "note"));
    if (note && *note)
        stint_json_kv_text(out, "note", note);
    json_decref(payload);
    return false;
}

static bool why_on_row(void *context, const struct stint_job_row *row)
{
    struct exchange *ex = context;
    struct stint_reader *reader = stint_store_reader(ex->api->options.store);
    struct stint_run_key key = { row->id, 0, (uint32_t)row->attempts };
    struct stint_reason reason = { .code = reason_from_name(row->reason), .account = UINT32_MAX };
    stint_json_kv_int(&ex->out, "id", (int64_t)row->id);
    stint_json_kv_text(&ex->out, "state", row->state);
    stint_json_kv_text(&ex->out, "outcome", row->outcome);
    stint_json_key(&ex->out, "reason");
    if (reason.code != STINT_REASON_NONE)
        reason_write(ex->api, &ex->out, &reason, NULL, false);
    else
        stint_json_null(&ex->out);
    stint_json_key(&ex->out, "also");
    stint_json_raw(&ex->out, "[]", 2);
    if (row->decision)
        stint_json_kv_int(&ex->out, "decision", row->decision);
    if (row->attempts > 0 && exchange_sees(ex, row->uid))
        (void)stint_reader_run(reader, key, why_on_run, &ex->out);
    else if (exchange_sees(ex, row->uid)) /* the last event is the end */
        (void)stint_reader_each_event_of(reader, row->id, 1, why_on_end, &ex->out);
    return false;
}

static bool view_of(struct exchange *ex, uint64_t id, uint32_t task, struct stint_job_view *view)
{
    int r = task == STINT_TASK_WHOLE ? stint_jobs_view(ex->api->options.jobs, id, view)
                                     : stint_jobs_view_task(ex->api->options.jobs, id, task, view);
    return r == 0 && view->state != STINT_JOB_DONE;
}

void handle_job_why(struct exchange *ex)
{
    struct stint_error err = { 0 };
    struct stint_job_view view;
    struct stint_job_ref ref = { 0 };
    if (!exchange_param_ref(ex, &ref))
        return;
    uint64_t id = ref.job;
    uint32_t task = STINT_TASK_WHOLE;
    bool is_one = ref_settle(ex, &ref) || ref_is_one_task(&ref, &task);
    ref.tasks = stint_array_free(ref.tasks);
    if (!is_one) {
        (void)stint_fail(&err, STINT_INVALID, "one task at a time, or the array");
        exchange_fail(ex, &err);
        return;
    }
    document_begin(&ex->out, "why");
    if (view_of(ex, id, task, &view)) {
        why_live(ex, &view);
    } else if (task != STINT_TASK_WHOLE) {
        if (task_why(ex, id, task, &err) != 0) {
            exchange_fail(ex, &err);
            return;
        }
    } else {
        int r = stint_reader_job(stint_store_reader(ex->api->options.store), id, why_on_row, ex);
        if (r != 0) {
            (void)stint_fail(&err, r == -ENOENT ? STINT_NOT_FOUND : r, "there is no job %" PRIu64,
                             id);
            exchange_fail(ex, &err);
            return;
        }
    }
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- live jobs of the caller ---- */

struct live_walk {
    struct exchange *ex;
    bool is_mine;
    int64_t project;
    struct queue_line line;
};

static bool live_on_view(void *context, const struct stint_job_view *view)
{
    struct live_walk *walk = context;
    struct job_shown job;
    if (view->is_task)
        return true;
    size_t position = queue_line_next(&walk->line, view);
    if ((walk->is_mine && view->uid != walk->ex->caller.uid) ||
        (walk->project && view->project_id != walk->project))
        return true;
    job_from_view(walk->ex->api, view, &job);
    job.position = position;
    job_write(walk->ex->api, &walk->ex->out, &job, exchange_sees(walk->ex, view->uid), false);
    return true;
}

static void list_live(struct exchange *ex, int64_t project)
{
    struct live_walk walk = { .ex = ex,
                              .is_mine = exchange_query_flag(ex, "mine"),
                              .project = project };
    document_begin(&ex->out, "jobs");
    stint_json_key(&ex->out, "jobs");
    stint_json_array(&ex->out);
    stint_jobs_each(ex->api->options.jobs, live_on_view, &walk);
    stint_json_array_end(&ex->out);
    stint_json_kv_null(&ex->out, "next");
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- history ---- */

/* A page as the other thread reads it: rows with their texts copied. */
struct list_row {
    struct stint_job_row row;
    char *texts[8];
};

struct list {
    struct stint_job_filter filter;
    char *texts[3]; /* that the filter borrows */
    int64_t limit;
    size_t count;
    bool is_out_of_memory;
    struct list_row rows[];
};

static void list_free(void *data)
{
    struct list *list = data;
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < STINT_ARRAY_SIZE(list->rows[i].texts); k++)
            free(list->rows[i].texts[k]);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(list->texts); i++)
        free(list->texts[i]);
    free(list);
}

static bool list_on_row(void *context, const struct stint_job_row *row)
{
    struct list *list = context;
    struct list_row *copy = &list->rows[list->count++];
    copy->row = *row;
    const char **members[] = { &copy->row.state,    &copy->row.outcome,   &copy->row.reason,
                               &copy->row.resource, &copy->row.user_name, &copy->row.name,
                               &copy->row.gpu_type };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(members); i++) {
        if (!*members[i])
            continue;
        if (!(copy->texts[i] = strdup(*members[i])))
            list->is_out_of_memory = true;
        *members[i] = copy->texts[i];
    }
    copy->row.spec = NULL;
    copy->row.uses = NULL;
    copy->row.script = NULL;
    copy->row.held_by = NULL;
    return list->count <= (size_t)list->limit;
}

#define LIST_NOTE 7 /* the last of the texts */

static bool list_on_run(void *context, const struct stint_run_row *run)
{
    char **note = context;
    if (run->note && *run->note)
        *note = strdup(run->note);
    return false;
}

/* Jobs that never began say why; the others' attempts are not read for a list. */
static int list_work(struct stint_reader *reader, void *data)
{
    struct list *list = data;
    int r = stint_reader_each_job(reader, &list->filter, list_on_row, list);
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        const struct stint_job_row *row = &list->rows[i].row;
        struct stint_run_key key = { row->id, 0, (uint32_t)row->attempts };
        if (job_row_failed_to_start(row))
            (void)stint_reader_run(reader, key, list_on_run, &list->rows[i].texts[LIST_NOTE]);
    }
    return r == 0 && list->is_out_of_memory ? -ENOMEM : r;
}

static void list_render(struct exchange *ex, void *data, int status)
{
    const struct list *list = data;
    size_t shown = list->count < (size_t)list->limit ? list->count : (size_t)list->limit;
    if (exchange_read_failed(ex, status, "history"))
        return;
    document_begin(&ex->out, "jobs");
    stint_json_key(&ex->out, "jobs");
    stint_json_array(&ex->out);
    for (size_t i = 0; i < shown; i++) {
        struct stint_job_view view;
        struct job_shown job;
        /* A live job is told from memory: its reason is of the last pass, not of the last event. */
        if (list->rows[i].row.end_ms == 0 &&
            stint_jobs_view(ex->api->options.jobs, list->rows[i].row.id, &view) == 0)
            job_from_view(ex->api, &view, &job);
        else
            job_from_row(ex->api, &list->rows[i].row, NULL, &job);
        if (list->rows[i].texts[LIST_NOTE])
            job.note = list->rows[i].texts[LIST_NOTE];
        job_write(ex->api, &ex->out, &job, exchange_sees(ex, job.uid), false);
    }
    stint_json_array_end(&ex->out);
    cursor_next(ex, shown ? list->rows[shown - 1].row.id : 0, list->count > shown);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

struct user_walk {
    const char *name;
    int64_t uid;
};

static bool user_on_view(void *context, const struct stint_user_view *view)
{
    struct user_walk *walk = context;
    if (strcmp(view->name, walk->name) == 0)
        walk->uid = (int64_t)view->uid;
    return walk->uid < 0;
}

/* Whose jobs: a filter by user or job name would tell what is not public, so that others than
 * operators get their own only. False: the problem was sent. */
static bool list_owner(struct exchange *ex, struct stint_job_filter *filter)
{
    struct stint_error err;
    const char *user = exchange_query(ex, "user");
    filter->uid = -1;
    if (exchange_query_flag(ex, "mine") || (filter->name && !exchange_is_operator(ex)) ||
        (user && strcmp(user, ex->caller.name) == 0))
        filter->uid = (int64_t)ex->caller.uid;
    else if (user) {
        struct user_walk walk = { user, -1 };
        if (exchange_is_operator(ex))
            stint_ledger_each_user(ex->api->options.ledger, user_on_view, &walk);
        if (walk.uid < 0) {
            (void)stint_fail(&err, exchange_is_operator(ex) ? STINT_NOT_FOUND : STINT_NOT_PERMITTED,
                             exchange_is_operator(ex) ? "there is no user '%.60s'"
                                                      : "only an operator may list jobs of '%.60s'",
                             user);
            exchange_fail(ex, &err);
            return false;
        }
        filter->uid = walk.uid;
    }
    return true;
}

/* Copies a query parameter, so that the other thread may use it. */
static const char *list_keep(struct list *list, size_t index, const char *text)
{
    return text ? (list->texts[index] = strdup(text)) : NULL;
}

void handle_jobs_list(struct exchange *ex)
{
    static const struct read_plan plan = { list_work, list_render, list_free };
    struct stint_job_filter filter = { .name = exchange_query(ex, "name") };
    int64_t limit;
    if (!exchange_query_int(ex, "limit", 1, API_LIST_MAX, API_LIST_DEFAULT, &limit) ||
        !cursor_read(ex, &filter.before) || !exchange_query_time(ex, "since", &filter.since_ms) ||
        !exchange_query_time(ex, "until", &filter.until_ms) || !list_owner(ex, &filter))
        return;
    const char *project = exchange_query(ex, "project");
    filter.project = project ? project_id(ex->api, project) : 0;
    if (exchange_query_flag(ex, "live")) {
        list_live(ex, filter.project);
        return;
    }
    struct list *list = calloc(1, sizeof(*list) + ((size_t)limit + 1) * sizeof(list->rows[0]));
    if (list) {
        list->limit = limit;
        list->filter = filter;
        list->filter.limit = limit + 1;
        list->filter.state = list_keep(list, 0, exchange_query(ex, "state"));
        list->filter.outcome = list_keep(list, 1, exchange_query(ex, "outcome"));
        list->filter.name = list_keep(list, 2, filter.name);
    }
    exchange_read(ex, &plan, list);
}
