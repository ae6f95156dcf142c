/* Owns: artefacts, verdicts, decisions, rules and policy as HTTP. */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
#include "stint/admission.h"
#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/store.h"

/* ---- registered artefacts ---- */

static void artifact_write(const struct exchange *ex, struct stint_buffer *out,
                           const struct stint_artifact_view *view)
{
    stint_json_object(out);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "kind", view->kind);
    stint_json_kv_text(out, "digest", view->digest);
    stint_json_kv_text(out, "result", view->result);
    stint_json_kv_text(out, "rules", view->rules);
    stint_json_kv_int(out, "verdict", view->verdict_id);
    stint_json_kv_bool(out, "stale", view->is_stale);
    stint_json_kv_text(out, "was", view->was);
    stint_json_kv_text(out, "judged_under", view->judged_under);
    stint_json_kv_text(out, "now_under", view->now_under);
    stint_json_kv_int(out, "bytes", view->bytes);
    stint_json_kv_int(out, "files", view->files);
    stint_json_kv_bool(out, "in_place", view->is_in_place);
    stint_json_kv_time(out, "added", view->registered_ms);
    if (exchange_is_operator(ex))
        stint_json_kv_text(out, "path", view->path);
    stint_json_object_end(out);
}

struct artifact_walk {
    struct exchange *ex;
    const char *kind;
};

static bool artifact_on_view(void *context, const struct stint_artifact_view *view)
{
    struct artifact_walk *walk = context;
    if (!walk->kind || strcmp(walk->kind, view->kind) == 0)
        artifact_write(walk->ex, &walk->ex->out, view);
    return true;
}

void handle_artifacts_list(struct exchange *ex)
{
    struct artifact_walk walk = { ex, exchange_query(ex, "kind") };
    document_begin(&ex->out, "artifacts");
    stint_json_key(&ex->out, "artifacts");
    stint_json_array(&ex->out);
    stint_admission_each_artifact(ex->api->options.admission, artifact_on_view, &walk);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

static bool verdict_into(void *context, const struct stint_verdict_row *row)
{
    struct stint_buffer *out = context;
    if (row->document && *row->document) {
        stint_json_key(out, "verdict");
        stint_json_raw(out, row->document, strlen(row->document));
    }
    return false;
}

void handle_artifact_get(struct exchange *ex)
{
    struct stint_error err;
    struct stint_artifact_view view;
    const char *reference = exchange_param(ex, "ref");
    if (!reference)
        return;
    if (stint_admission_artifact(ex->api->options.admission, reference, &view) != 0) {
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no artefact '%.100s'", reference);
        (void)stint_fix(&err, STINT_NOT_FOUND, "see /api/v1/artifacts, or add it");
        exchange_fail(ex, &err);
        return;
    }
    int64_t verdict = view.verdict_id;
    document_begin(&ex->out, "artifact");
    stint_json_key(&ex->out, "artifact");
    artifact_write(ex, &ex->out, &view);
    attestations_write(ex, view.digest);
    if (verdict > 0)
        (void)stint_reader_verdict(stint_store_reader(ex->api->options.store), verdict,
                                   verdict_into, &ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- judging ---- */

struct artifact_body {
    char *path;
    char *name;
    char *kind;
    char *rules;
    char *reason;
    bool is_in_place;
};

static void artifact_body_deinit(struct artifact_body *body)
{
    free(body->path);
    free(body->name);
    free(body->kind);
    free(body->rules);
    free(body->reason);
}

#define ARTIFACT_TEXT(member)                                                                      \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct artifact_body, member), 0, 4095, NULL, NULL           \
    }

static const struct field register_fields[] = {
    ARTIFACT_TEXT(path),
    ARTIFACT_TEXT(name),
    ARTIFACT_TEXT(kind),
    ARTIFACT_TEXT(reason),
    { "in_place", FIELD_BOOL, offsetof(struct artifact_body, is_in_place), 0, 0, NULL, NULL },
    { .name = NULL },
};
static const struct field check_fields[] = {
    ARTIFACT_TEXT(path), ARTIFACT_TEXT(kind), ARTIFACT_TEXT(rules), { .name = NULL }
};

static int artifact_body_check(const struct artifact_body *body, bool needs_name,
                               struct stint_error *err)
{
    static const char *const kinds[] = { "model", "dataset", "code", "auto" };
    if (!body->path)
        return stint_fail(err, STINT_INVALID, "'path' is missing");
    if (body->path[0] != '/')
        return stint_fail(err, STINT_INVALID, "'path' must be absolute");
    if (needs_name && !body->name)
        return stint_fail(err, STINT_INVALID, "'name' is missing: ORG/NAME");
    for (size_t i = 0; body->kind && i < STINT_ARRAY_SIZE(kinds); i++)
        if (strcmp(body->kind, kinds[i]) == 0)
            return 0;
    return body->kind
               ? stint_fail(err, STINT_INVALID, "'kind' must be model, dataset, code or auto")
               : 0;
}

static bool artifact_body_read(struct exchange *ex, const struct field *fields, bool needs_name,
                               struct artifact_body *body)
{
    struct stint_error err = { 0 };
    bool is_read = exchange_fields(ex, fields, body);
    if (is_read)
        err.code = artifact_body_check(body, needs_name, &err);
    if (is_read && err.code == 0)
        return true;
    artifact_body_deinit(body);
    if (is_read)
        exchange_fail(ex, &err);
    return false;
}

static void on_registered(void *context, const struct stint_error *error, const char *digest,
                          int64_t verdict_id, const char *document)
{
    struct exchange *ex = context;
    struct stint_artifact_view view;
    if (exchange_is_gone(ex)) {
        exchange_unref(ex);
        return;
    }
    if (error->code != 0) {
        exchange_fail(ex, error);
        exchange_unref(ex);
        return;
    }
    document_begin(&ex->out, "artifact");
    stint_json_key(&ex->out, "artifact");
    if (digest && stint_admission_artifact(ex->api->options.admission, digest, &view) == 0) {
        artifact_write(ex, &ex->out, &view);
    } else {
        stint_json_object(&ex->out);
        stint_json_kv_text(&ex->out, "digest", digest);
        stint_json_kv_int(&ex->out, "verdict", verdict_id);
        stint_json_object_end(&ex->out);
    }
    if (document) {
        stint_json_key(&ex->out, "verdict");
        stint_json_raw(&ex->out, document, strlen(document));
    }
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 201);
    exchange_unref(ex);
}

static const char *kind_or_null(const char *kind)
{
    return kind && strcmp(kind, "auto") != 0 ? kind : NULL;
}

void handle_artifact_post(struct exchange *ex)
{
    struct artifact_body body = { 0 };
    if (!artifact_body_read(ex, register_fields, true, &body))
        return;
    stint_admission_register(ex->api->options.admission, &ex->caller, body.path, body.name,
                             kind_or_null(body.kind), body.is_in_place, on_registered,
                             exchange_ref(ex));
    artifact_body_deinit(&body);
}

static void on_checked(void *context, const struct stint_error *error, const char *digest,
                       int64_t verdict_id, const char *document)
{
    struct exchange *ex = context;
    (void)digest;
    (void)verdict_id;
    if (!exchange_is_gone(ex)) {
        if (error->code != 0) {
            exchange_fail(ex, error);
        } else {
            stint_buffer_add_text(&ex->out, document ? document : "{}");
            exchange_send_durable(ex, 200);
        }
    }
    exchange_unref(ex);
}

void handle_check(struct exchange *ex)
{
    struct artifact_body body = { 0 };
    if (!artifact_body_read(ex, check_fields, false, &body))
        return;
    stint_admission_check(ex->api->options.admission, &ex->caller, body.path,
                          kind_or_null(body.kind), body.rules, on_checked, exchange_ref(ex));
    artifact_body_deinit(&body);
}

void handle_artifact_delete(struct exchange *ex)
{
    struct stint_error err = { 0 };
    const char *reference = exchange_param(ex, "ref");
    if (!reference)
        return;
    err.code = stint_admission_remove(ex->api->options.admission, &ex->caller, reference, &err);
    if (err.code != 0) {
        exchange_fail(ex, &err);
        return;
    }
    document_begin(&ex->out, "artifact");
    stint_json_kv_text(&ex->out, "removed", reference);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- verdicts and decisions ---- */

/* A verdict of something that is not registered belongs to who asked: strangers do not see it. */
static bool verdict_on_row(void *context, const struct stint_verdict_row *row)
{
    struct exchange *ex = context;
    struct stint_artifact_view view;
    bool is_public = row->digest &&
                     stint_admission_artifact(ex->api->options.admission, row->digest, &view) == 0;
    if (!row->document || (!is_public && ex->caller.role < STINT_ROLE_USER))
        return false;
    stint_buffer_add_text(&ex->out, row->document);
    return false;
}

void handle_verdict_get(struct exchange *ex)
{
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0)
        return;
    int r = stint_reader_verdict(stint_store_reader(ex->api->options.store), (int64_t)id,
                                 verdict_on_row, ex);
    if (r == 0 && ex->out.length == 0)
        r = -ENOENT;
    if (!exchange_read_failed(ex, r, "verdict"))
        exchange_send(ex, 200);
}

struct decision {
    int64_t id;
    int64_t at_ms;
    int64_t project;
    char *result;
    char *reason;
    char *document;
};

struct decisions {
    int64_t before;
    int64_t limit;
    size_t count;
    struct decision rows[];
};

static void decisions_free(void *data)
{
    struct decisions *decisions = data;
    for (size_t i = 0; i < decisions->count; i++) {
        free(decisions->rows[i].result);
        free(decisions->rows[i].reason);
        free(decisions->rows[i].document);
    }
    free(decisions);
}

static char *copy(const char *text)
{
    return strdup(text ? text : "");
}

static bool decision_on_row(void *context, const struct stint_decision_row *row)
{
    struct decisions *decisions = context;
    decisions->rows[decisions->count++] =
        (struct decision){ row->id,           row->at_ms,        row->project,
                           copy(row->result), copy(row->reason), copy(row->document) };
    return decisions->count <= (size_t)decisions->limit;
}

static int decisions_work(struct stint_reader *reader, void *data)
{
    struct decisions *decisions = data;
    return stint_reader_each_decision(reader, decisions->before, decisions->limit + 1,
                                      decision_on_row, decisions);
}

static void decision_write(struct exchange *ex, const struct decision *row)
{
    struct stint_buffer *out = &ex->out;
    stint_json_object(out);
    stint_json_kv_int(out, "id", row->id);
    stint_json_kv_time(out, "at", row->at_ms);
    stint_json_kv_text(out, "result", row->result);
    stint_json_kv_text(out, "reason", row->reason && *row->reason ? row->reason : NULL);
    stint_json_kv_text(out, "project",
                       stint_ledger_project_name(ex->api->options.ledger, row->project));
    if (row->document && *row->document) {
        stint_json_key(out, "document");
        stint_json_raw(out, row->document, strlen(row->document));
    }
    stint_json_object_end(out);
}

static void decisions_render(struct exchange *ex, void *data, int status)
{
    const struct decisions *decisions = data;
    size_t shown =
        decisions->count < (size_t)decisions->limit ? decisions->count : (size_t)decisions->limit;
    if (exchange_read_failed(ex, status, "decisions"))
        return;
    document_begin(&ex->out, "decisions");
    stint_json_key(&ex->out, "decisions");
    stint_json_array(&ex->out);
    for (size_t i = 0; i < shown; i++)
        decision_write(ex, &decisions->rows[i]);
    stint_json_array_end(&ex->out);
    cursor_next(ex, shown ? (uint64_t)decisions->rows[shown - 1].id : 0, decisions->count > shown);
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, 200);
}

void handle_decisions_list(struct exchange *ex)
{
    static const struct read_plan plan = { decisions_work, decisions_render, decisions_free };
    int64_t limit;
    uint64_t before;
    if (!exchange_query_int(ex, "limit", 1, API_LIST_MAX, 50, &limit) || !cursor_read(ex, &before))
        return;
    struct decisions *decisions =
        calloc(1, sizeof(*decisions) + ((size_t)limit + 1) * sizeof(decisions->rows[0]));
    if (decisions) {
        decisions->before = (int64_t)before;
        decisions->limit = limit;
    }
    exchange_read(ex, &plan, decisions);
}

static bool decision_on_one(void *context, const struct stint_decision_row *row)
{
    struct exchange *ex = context;
    struct decision decision = { row->id,           row->at_ms,        row->project,
                                 copy(row->result), copy(row->reason), copy(row->document) };
    document_begin(&ex->out, "decision");
    stint_json_key(&ex->out, "decision");
    decision_write(ex, &decision);
    stint_json_object_end(&ex->out);
    free(decision.result);
    free(decision.reason);
    free(decision.document);
    return false;
}

void handle_decision_get(struct exchange *ex)
{
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0)
        return;
    int r = stint_reader_decision(stint_store_reader(ex->api->options.store), (int64_t)id,
                                  decision_on_one, ex);
    if (!exchange_read_failed(ex, r, "decision"))
        exchange_send(ex, 200);
}

/* ---- rules and policy in force ---- */

static void write_list(struct stint_buffer *out, const char *key, const char *names)
{
    stint_json_key(out, key);
    stint_json_array(out);
    while (*names) {
        size_t skip = strspn(names, ", ");
        size_t length = strcspn(names + skip, ", ");
        if (length > 0)
            stint_json_text_n(out, names + skip, length);
        names += skip + length;
    }
    stint_json_array_end(out);
}

static void write_rules(struct exchange *ex)
{
    stint_json_key(&ex->out, "rules");
    stint_json_object(&ex->out);
    write_list(&ex->out, "model", ex->api->config->rules_model);
    write_list(&ex->out, "dataset", ex->api->config->rules_dataset);
    write_list(&ex->out, "code", ex->api->config->rules_code);
    stint_json_object_end(&ex->out);
}

void handle_rules(struct exchange *ex)
{
    document_begin(&ex->out, "rules");
    write_rules(ex);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}
