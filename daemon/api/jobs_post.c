/* Owns: submitting. One request, a list or NDJSON: each is judged alone, all go into the same open
 * batch, and the answer leaves when the last of them is answered, which is after its commit. */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/admission.h"
#include "stint/request.h"
#include "stint/store.h"

#define BULK_MAX 20000 /* requests of one body */

/* One request of a bulk: its id, or its problem. @line: where it stands in NDJSON, from 1; 0 in a
 * list. */
struct result {
    uint64_t job;
    size_t line;
    bool is_evaluated;
    enum stint_reason_code reason; /* when it is not */
    char *problem;
};

/* @open: answers still to come, and one while requests are being handed over. */
struct submit {
    struct exchange *ex;
    size_t open;
    size_t count;
    bool is_bulk;
    struct result *results;
};

struct item {
    struct submit *submit;
    size_t index;
};

static void submit_free(struct submit *submit)
{
    for (size_t i = 0; i < submit->count; i++)
        free(submit->results[i].problem);
    free(submit->results);
    exchange_unref(submit->ex);
    free(submit);
}

/* Of a job that waits for its verdict, or for an operator's word on it. */
static const char *unjudged_reason(enum stint_reason_code reason)
{
    return stint_reason_name(reason != STINT_REASON_NONE ? reason : STINT_REASON_NotEvaluatedYet);
}

static void write_result(struct stint_buffer *out, const struct result *result)
{
    stint_json_object(out);
    if (result->line != 0)
        stint_json_kv_int(out, "line", (int64_t)result->line);
    if (result->job != 0) {
        stint_json_kv_int(out, "id", (int64_t)result->job);
        if (!result->is_evaluated)
            stint_json_kv_text(out, "reason", unjudged_reason(result->reason));
    } else {
        stint_json_key(out, "problem");
        stint_json_raw(out, result->problem ? result->problem : "{}",
                       result->problem ? strlen(result->problem) : 2);
    }
    stint_json_object_end(out);
}

static void submit_part_done(struct submit *submit)
{
    struct exchange *ex = submit->ex;
    if (--submit->open > 0)
        return;
    if (submit->is_bulk && !exchange_is_gone(ex)) {
        stint_json_object(&ex->out);
        stint_json_key(&ex->out, "results");
        stint_json_array(&ex->out);
        for (size_t i = 0; i < submit->count; i++)
            write_result(&ex->out, &submit->results[i]);
        stint_json_array_end(&ex->out);
        stint_json_object_end(&ex->out);
        exchange_send_durable(ex, 200);
    }
    submit_free(submit);
}

/* ---- one ---- */

static void single_created(struct exchange *ex, uint64_t job, const char *reason)
{
    stint_json_object(&ex->out);
    stint_json_kv_int(&ex->out, "id", (int64_t)job);
    if (reason)
        stint_json_kv_text(&ex->out, "reason", reason);
    stint_json_object_end(&ex->out);
    (void)snprintf(ex->location, sizeof(ex->location), "/api/v1/jobs/%llu",
                   (unsigned long long)job);
}

static void single_answer(struct exchange *ex, const struct stint_answer *answer)
{
    if (answer->error.code != 0) {
        exchange_fail_reason(ex, &answer->error, answer->reason, answer->criteria,
                             answer->decision);
        return;
    }
    if (answer->rehearsal) {
        document_begin(&ex->out, "rehearsal");
        stint_json_key(&ex->out, "job");
        stint_json_raw(&ex->out, answer->rehearsal, strlen(answer->rehearsal));
        stint_json_object_end(&ex->out);
        exchange_send_durable(ex, 200);
        return;
    }
    single_created(ex, answer->job, answer->is_evaluated ? NULL : unjudged_reason(answer->reason));
    exchange_send_durable(ex, answer->is_evaluated ? 201 : 202);
}

static void item_problem(struct submit *submit, size_t index, const struct stint_error *err,
                         enum stint_reason_code reason, const char *also, int64_t decision)
{
    struct stint_buffer problem = { 0 };
    problem_write(&problem, problem_status(err->code), err, reason, also, decision);
    free(submit->results[index].problem);
    submit->results[index].problem = stint_buffer_take(&problem);
    stint_buffer_deinit(&problem);
}

static void on_answer(void *context, const struct stint_answer *answer)
{
    struct item item = *(struct item *)context;
    struct submit *submit = item.submit;
    free(context);
    if (!submit->is_bulk) {
        if (!exchange_is_gone(submit->ex))
            single_answer(submit->ex, answer);
    } else if (answer->error.code != 0) {
        item_problem(submit, item.index, &answer->error, answer->reason, answer->criteria,
                     answer->decision);
    } else {
        submit->results[item.index].job = answer->job;
        submit->results[item.index].is_evaluated = answer->is_evaluated;
        submit->results[item.index].reason = answer->reason;
    }
    submit_part_done(submit);
}

/* A single request that went straight into the batch has its id already: then the answer for its
 * Idempotency-Key goes into the same transaction, and a crash cannot part the two. */
static void single_keep(struct exchange *ex, int64_t last_before)
{
    char answer[48];
    int64_t last = stint_store_last_id(ex->api->options.store, STINT_ID_JOB);
    if (!ex->key || ex->is_kept || last != last_before + 1)
        return;
    (void)snprintf(answer, sizeof(answer), "{\"id\":%lld}", (long long)last);
    keys_keep(ex, 201, answer);
}

static void item_submit(struct submit *submit, size_t index, const json_t *json, bool is_rehearsal)
{
    struct exchange *ex = submit->ex;
    struct stint_request request = { 0 };
    struct stint_error err = { 0 };
    err.code = stint_request_parse(json, &request, &err);
    struct item *item = err.code == 0 ? malloc(sizeof(*item)) : NULL;
    if (!item) {
        if (err.code == 0)
            (void)stint_fail(&err, -ENOMEM, "no memory for the request");
        stint_request_deinit(&request);
        if (submit->is_bulk)
            item_problem(submit, index, &err, STINT_REASON_NONE, NULL, 0);
        else
            exchange_fail(ex, &err);
        return;
    }
    *item = (struct item){ submit, index };
    submit->open++;
    int64_t last_before = stint_store_last_id(ex->api->options.store, STINT_ID_JOB);
    stint_admission_submit(ex->api->options.admission, &ex->caller, &request, is_rehearsal,
                           on_answer, item);
    if (!submit->is_bulk && !is_rehearsal)
        single_keep(ex, last_before);
}

/* ---- bodies ---- */

/* The others go on when one is no JSON. */
static void submit_line(struct submit *submit, size_t index, const char *text, size_t length,
                        bool is_rehearsal)
{
    struct stint_error err = { 0 };
    json_t *json = NULL;
    err.code = text_json(text, length, submit->results[index].line, &json, &err);
    if (err.code != 0)
        item_problem(submit, index, &err, STINT_REASON_NONE, NULL, 0);
    else
        item_submit(submit, index, json, is_rehearsal);
    json_decref(json);
}

static size_t line_ends(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to && (from = memchr(from, '\n', (size_t)(to - from))); from++)
        count++;
    return count;
}

/* Lines of nothing but blanks are no requests; so each result says which line it is of. */
static void submit_lines(struct submit *submit, bool is_rehearsal)
{
    const char *at = stint_buffer_text(&submit->ex->body);
    const char *end = at + submit->ex->body.length;
    const char *before = at;
    size_t line = 1;
    size_t length;
    for (size_t i = 0; text_line(&at, end, &length); i++, at += length) {
        line += line_ends(before, at);
        before = at;
        submit->results[i].line = line;
        submit_line(submit, i, at, length, is_rehearsal);
    }
}

static void submit_array(struct submit *submit, const json_t *array, bool is_rehearsal)
{
    size_t i;
    const json_t *json;
    json_array_foreach(array, i, json)
    {
        item_submit(submit, i, json, is_rehearsal);
    }
}

/* @count: requests of a bulk: each has its result before the first is handed over. */
static struct submit *submit_new(struct exchange *ex, bool is_bulk, size_t count)
{
    struct submit *submit = calloc(1, sizeof(*submit));
    if (!submit || !(submit->results = calloc(count + 1, sizeof(*submit->results)))) {
        free(submit);
        return NULL;
    }
    submit->count = count;
    submit->ex = exchange_ref(ex);
    submit->open = 1;
    submit->is_bulk = is_bulk;
    return submit;
}

/* Requests after the bound are refused together with the whole: nothing was promised yet. */
static size_t count_lines(const struct stint_buffer *body)
{
    size_t count = 0;
    size_t length;
    const char *at = stint_buffer_text(body);
    for (const char *end = at + body->length; text_line(&at, end, &length); at += length)
        count++;
    return count;
}

/* Several texts one after the other are meant as lines; only the header makes them so. */
static void advise_lines(const struct stint_buffer *body, struct stint_error *err)
{
    const char *text = stint_buffer_text(body);
    const char *line_end = text ? memchr(text, '\n', body->length) : NULL;
    json_t *first = NULL;
    if (line_end && text_json(text, (size_t)(line_end - text), 0, &first, NULL) == 0)
        (void)stint_fix(err, err->code,
                        "for one request a line, each judged alone: Content-Type: "
                        "application/x-ndjson");
    json_decref(first);
}

void handle_jobs_post(struct exchange *ex)
{
    struct stint_error err = { 0 };
    json_t *json = NULL;
    bool is_lines = exchange_is_lines(ex);
    bool is_rehearsal = exchange_query_flag(ex, "dry_run");
    if (!is_lines)
        err.code = text_json(stint_buffer_text(&ex->body), ex->body.length, 0, &json, &err);
    if (err.code == STINT_INVALID)
        advise_lines(&ex->body, &err);
    size_t count = is_lines ? count_lines(&ex->body) : json_array_size(json); /* 0 of an object */
    if (err.code == 0 && count > BULK_MAX)
        (void)stint_fail(&err, STINT_TOO_LARGE, "%zu requests, at most %d in one body", count,
                         BULK_MAX);
    bool is_bulk = is_lines || json_is_array(json);
    struct submit *submit = err.code == 0 ? submit_new(ex, is_bulk, count) : NULL;
    if (err.code == 0 && !submit)
        (void)stint_fail(&err, -ENOMEM, "no memory for the request");
    if (err.code != 0) {
        json_decref(json);
        exchange_fail(ex, &err);
        return;
    }
    if (!is_bulk)
        item_submit(submit, 0, json, is_rehearsal);
    else if (is_lines)
        submit_lines(submit, is_rehearsal);
    else
        submit_array(submit, json, is_rehearsal);
    json_decref(json);
    submit_part_done(submit);
}
