/* Owns: waivers as HTTP, which are public, and the jobs that wait for one, which are not. */
#include "views.h"

#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/waiver.h"

struct body {
    char *reference;
    char *decision;
    char *until;
    char *reason;
    bool is_rehearsal;
};

#define TEXT(member)                                                                               \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct body, member), 0, STINT_REQUEST_TEXT_MAX, NULL, NULL  \
    }
#define ACT_FIELDS                                                                                 \
    TEXT(until), TEXT(reason),                                                                     \
        { "dry_run", FIELD_BOOL, offsetof(struct body, is_rehearsal), 0, 0, NULL, NULL },          \
    {                                                                                              \
        .name = NULL                                                                               \
    }
static const struct field waiver_fields[] = { TEXT(reference), ACT_FIELDS };
static const struct field review_fields[] = { TEXT(decision), ACT_FIELDS };

static void body_deinit(struct body *body)
{
    free(body->reference);
    free(body->decision);
    free(body->until);
    free(body->reason);
}

/* False: the problem was sent. */
static bool body_read(struct exchange *ex, const struct field *fields, struct body *body)
{
    if (!exchange_fields(ex, fields, body)) {
        body_deinit(body);
        return false;
    }
    body->is_rehearsal = body->is_rehearsal || exchange_query_flag(ex, "dry_run");
    return true;
}

static int until_of(const struct exchange *ex, const struct body *body, int64_t *ret_ms,
                    struct stint_error *err)
{
    *ret_ms = 0;
    return body->until
               ? stint_instant_parse(body->until, ex->api->options.now_wall_ms(), ret_ms, err)
               : 0;
}

/* What was done, or why not. */
static void finish(struct exchange *ex, struct body *body, const char *noun, int64_t id, int status,
                   const struct stint_error *err)
{
    if (err->code != 0) {
        exchange_fail(ex, err);
    } else {
        document_begin(&ex->out, noun);
        if (id > 0)
            stint_json_kv_int(&ex->out, "id", id);
        stint_json_kv_bool(&ex->out, "dry_run", body->is_rehearsal);
        stint_json_object_end(&ex->out);
        exchange_send(ex, body->is_rehearsal ? 200 : status);
    }
    body_deinit(body);
}

/* ---- waivers ---- */

struct listing {
    struct exchange *ex;
    int64_t now_ms;
};

static bool on_waiver(void *context, const struct stint_waiver_view *view)
{
    const struct listing *listing = context;
    struct stint_buffer *out = &listing->ex->out;
    stint_json_object(out);
    stint_json_kv_int(out, "id", view->id);
    stint_json_kv_text(out, "digest", view->digest);
    stint_json_kv_text(out, "name", *view->name ? view->name : NULL);
    stint_json_kv_text(out, "state",
                       view->is_revoked                    ? "revoked"
                       : view->until_ms <= listing->now_ms ? "ended"
                                                           : "standing");
    stint_json_kv_time(out, "granted", view->at_ms);
    stint_json_kv_time(out, "until", view->until_ms);
    stint_json_kv_text(out, "reason", view->reason);
    stint_json_object_end(out);
    return true;
}

void handle_waivers_list(struct exchange *ex)
{
    struct listing listing = { ex, ex->api->options.now_wall_ms() };
    document_begin(&ex->out, "waivers");
    stint_json_key(&ex->out, "waivers");
    stint_json_array(&ex->out);
    stint_admission_each_waiver(ex->api->options.admission, on_waiver, &listing);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

void handle_waiver_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t until_ms = 0;
    int64_t id = 0;
    if (!body_read(ex, waiver_fields, &body))
        return;
    struct stint_act act = { &ex->caller, body.reason, body.is_rehearsal };
    err.code = body.reference ? until_of(ex, &body, &until_ms, &err)
                              : stint_fail(&err, STINT_INVALID, "'reference' is missing");
    if (err.code == 0)
        err.code = stint_admission_waive(ex->api->options.admission, &act, body.reference, until_ms,
                                         &id, &err);
    finish(ex, &body, "waiver", id, 201, &err);
}

void handle_waiver_delete(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0 || !body_read(ex, waiver_fields, &body))
        return;
    struct stint_act act = { &ex->caller, body.reason ? body.reason : exchange_query(ex, "reason"),
                             body.is_rehearsal };
    err.code = stint_admission_unwaive(ex->api->options.admission, &act, (int64_t)id, &err);
    finish(ex, &body, "waiver", (int64_t)id, 200, &err);
}

/* ---- what waits for an operator ---- */

static bool on_review(void *context, const struct stint_review_view *view)
{
    struct exchange *ex = context;
    struct stint_buffer *out = &ex->out;
    stint_json_object(out);
    stint_json_kv_int(out, "job", (int64_t)view->job);
    stint_json_kv_text(out, "project",
                       stint_ledger_project_name(ex->api->options.ledger, view->project));
    stint_json_kv_text(out, "kind", view->kind);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "digest", view->digest);
    stint_json_kv_int(out, "verdict", view->verdict_id);
    stint_json_object_end(out);
    return true;
}

void handle_reviews_list(struct exchange *ex)
{
    document_begin(&ex->out, "reviews");
    stint_json_key(&ex->out, "reviews");
    stint_json_array(&ex->out);
    stint_admission_each_review(ex->api->options.admission, on_review, ex);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

void handle_review_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t until_ms = 0;
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0 || !body_read(ex, review_fields, &body))
        return;
    struct stint_act act = { &ex->caller, body.reason, body.is_rehearsal };
    bool is_admitted = body.decision && strcmp(body.decision, "admit") == 0;
    if (!is_admitted && (!body.decision || strcmp(body.decision, "refuse") != 0))
        err.code = stint_fail(&err, STINT_INVALID, "'decision' must be admit or refuse");
    if (err.code == 0)
        err.code = until_of(ex, &body, &until_ms, &err);
    if (err.code == 0)
        err.code = stint_admission_review(ex->api->options.admission, &act, id, is_admitted,
                                          until_ms, &err);
    finish(ex, &body, "review", 0, 200, &err);
}
