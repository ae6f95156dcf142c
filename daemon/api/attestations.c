/* Owns: reviewers' statements as HTTP: made on an artefact, listed with it, taken back by their id.
 */
#include "views.h"

#include <stdlib.h>
#include <string.h>

#include "stint/admission.h"

static void attestation_write(struct stint_buffer *out, const struct stint_attestation_view *view)
{
    stint_json_object(out);
    stint_json_kv_int(out, "id", view->id);
    stint_json_kv_bool(out, "signed", view->is_signed);
    stint_json_kv_text(out, "state", view->is_standing ? "standing" : "revoked");
    stint_json_kv_time(out, "made", view->made_ms);
    stint_json_kv_time(out, "revoked", view->revoked_ms);
    stint_json_key(out, "statement");
    stint_json_raw(out, view->statement, strlen(view->statement));
    stint_json_object_end(out);
}

static bool attestation_on_view(void *context, const struct stint_attestation_view *view)
{
    attestation_write(context, view);
    return true;
}

void attestations_write(struct exchange *ex, const char *digest)
{
    stint_json_key(&ex->out, "attestations");
    stint_json_array(&ex->out);
    stint_admission_each_attestation(ex->api->options.admission, digest, attestation_on_view,
                                     &ex->out);
    stint_json_array_end(&ex->out);
}

/* After the commit, with the verdict that came of it when there is one already. */
static void attestation_answer(struct exchange *ex, int status, const struct stint_error *error,
                               int64_t attestation, int64_t verdict_id, const char *document)
{
    struct stint_attestation_view view;
    if (exchange_is_gone(ex)) {
        exchange_unref(ex);
        return;
    }
    if (error->code != 0) {
        exchange_fail(ex, error);
        exchange_unref(ex);
        return;
    }
    document_begin(&ex->out, "attestation");
    if (stint_admission_attestation(ex->api->options.admission, attestation, &view) == 0) {
        stint_json_key(&ex->out, "attestation");
        attestation_write(&ex->out, &view);
    }
    if (verdict_id > 0)
        stint_json_kv_int(&ex->out, "verdict_id", verdict_id);
    if (document) {
        stint_json_key(&ex->out, "verdict");
        stint_json_raw(&ex->out, document, strlen(document));
    }
    stint_json_object_end(&ex->out);
    exchange_send_durable(ex, status);
    exchange_unref(ex);
}

static void on_attested(void *context, const struct stint_error *error, int64_t attestation,
                        int64_t verdict_id, const char *document)
{
    attestation_answer(context, 201, error, attestation, verdict_id, document);
}

static void on_revoked(void *context, const struct stint_error *error, int64_t attestation,
                       int64_t verdict_id, const char *document)
{
    attestation_answer(context, 200, error, attestation, verdict_id, document);
}

void handle_attestation_post(struct exchange *ex)
{
    const char *reference = exchange_param(ex, "ref");
    json_t *json = reference ? exchange_json(ex) : NULL;
    if (!json)
        return;
    char *statement = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    stint_admission_attest(ex->api->options.admission, &ex->caller, reference,
                           statement ? statement : "", on_attested, exchange_ref(ex));
    free(statement);
}

/* A statement about what is not registered is for users: strangers do not see what is used here. */
void handle_attestation_get(struct exchange *ex)
{
    struct stint_attestation_view view;
    struct stint_artifact_view artifact;
    struct stint_error err;
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0)
        return;
    struct stint_admission *admission = ex->api->options.admission;
    bool is_there = stint_admission_attestation(admission, (int64_t)id, &view) == 0;
    if (!is_there || (ex->caller.role < STINT_ROLE_USER &&
                      stint_admission_artifact(admission, view.digest, &artifact) != 0)) {
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no attestation %llu",
                         (unsigned long long)id);
        exchange_fail(ex, &err);
        return;
    }
    document_begin(&ex->out, "attestation");
    stint_json_key(&ex->out, "attestation");
    attestation_write(&ex->out, &view);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

void handle_attestation_delete(struct exchange *ex)
{
    uint64_t id = exchange_param_id(ex, "id");
    if (id == 0)
        return;
    stint_admission_revoke(ex->api->options.admission, &ex->caller, (int64_t)id,
                           exchange_query(ex, "reason"), on_revoked, exchange_ref(ex));
}
