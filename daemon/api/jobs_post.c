/* Owns: submitting one job. Its answer leaves after its commit. (Many at once: jobs_bulk.c.) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/admission.h"
#include "stint/request.h"
#include "stint/store.h"
#include "views.h"

const char *unjudged_reason(enum stint_reason_code reason)
{
    return stint_reason_name(reason != STINT_REASON_NONE ? reason : STINT_REASON_NotEvaluatedYet);
}

static void answer_created(struct exchange *ex, uint64_t job, const char *reason)
{
    stint_json_object(&ex->out);
    stint_json_kv_int(&ex->out, "id", (int64_t)job);
    if (reason)
        stint_json_kv_text(&ex->out, "reason", reason);
    stint_json_object_end(&ex->out);
    (void)snprintf(ex->location, sizeof(ex->location), "/api/v1/jobs/%llu",
                   (unsigned long long)job);
}

static void answer_write(struct exchange *ex, const struct stint_answer *answer)
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
    answer_created(ex, answer->job, answer->is_evaluated ? NULL : unjudged_reason(answer->reason));
    exchange_send_durable(ex, answer->is_evaluated ? 201 : 202);
}

static void on_answer(void *context, const struct stint_answer *answer)
{
    struct exchange *ex = context;
    if (!exchange_is_gone(ex))
        answer_write(ex, answer);
    exchange_unref(ex);
}

/* A request that went straight into the batch has its id already: then the answer for its
 * Idempotency-Key goes into the same transaction, and a crash cannot part the two. */
static void answer_keep(struct exchange *ex, int64_t last_before)
{
    char answer[48];
    int64_t last = stint_store_last_id(ex->api->options.store, STINT_ID_JOB);
    if (!ex->key || ex->is_kept || last != last_before + 1)
        return;
    (void)snprintf(answer, sizeof(answer), "{\"id\":%lld}", (long long)last);
    keys_keep(ex, 201, answer);
}

static void submit(struct exchange *ex, struct stint_request *request, bool is_rehearsal)
{
    int64_t last_before = stint_store_last_id(ex->api->options.store, STINT_ID_JOB);
    stint_admission_submit(ex->api->options.admission, &ex->caller, request, is_rehearsal,
                           on_answer, exchange_ref(ex));
    if (!is_rehearsal)
        answer_keep(ex, last_before);
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

static bool is_list(const struct stint_buffer *body)
{
    const char *text = stint_buffer_text(body);
    return text && text[strspn(text, " \t\r\n")] == '[';
}

void handle_jobs_post(struct exchange *ex)
{
    bool is_lines = exchange_is_lines(ex);
    bool is_rehearsal = exchange_query_flag(ex, "dry_run");
    if (is_lines || is_list(&ex->body)) {
        bulk_begin(ex, is_lines, is_rehearsal);
        return;
    }
    struct stint_error err = { 0 };
    struct stint_request request;
    json_t *json = NULL;
    err.code = text_json(stint_buffer_text(&ex->body), ex->body.length, 0, &json, &err);
    if (err.code == STINT_INVALID)
        advise_lines(&ex->body, &err);
    if (err.code == 0)
        err.code = stint_request_parse(json, &request, &err);
    json_decref(json);
    if (err.code == 0)
        submit(ex, &request, is_rehearsal);
    else
        exchange_fail(ex, &err);
}
