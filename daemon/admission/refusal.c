/* A refusal: its headline, what the caller reads, and what everybody may read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "state.h"
#include "stint/record.h"

size_t refusal_headline(const struct use_state *uses, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        if (uses[i].code == STINT_REASON_NONE)
            continue;
        if (best == count || uses[i].code < uses[best].code) /* the table is in headline order */
            best = i;
    }
    return best;
}

/* ---- for the caller: everything, with files and lines */

/* What has no criteria (a missing artefact, a failed evaluation) is one line of the same shape. */
static void write_bare(const struct stint_use *use, const struct use_state *state,
                       struct stint_buffer *json)
{
    stint_json_object(json);
    stint_json_kv_text(json, "use", use->reference);
    stint_json_kv_text(json, "kind", kind_word(use->kind));
    stint_json_kv_text(json, "id", stint_reason_name(state->code));
    stint_json_kv_text(json, "result", document_result_name(DOCUMENT_UNKNOWN));
    stint_json_kv_text(json, "why", state->why);
    stint_json_key(json, "evidence");
    stint_json_array(json);
    stint_json_array_end(json);
    stint_json_kv_text(json, "would_pass", state->fix);
    stint_json_object_end(json);
}

static void write_criteria(const struct stint_use *use, json_t *criteria, struct stint_buffer *json)
{
    size_t i;
    json_t *criterion;
    json_array_foreach(criteria, i, criterion)
    {
        (void)json_object_set_new(criterion, "use", json_string(use->reference));
        (void)json_object_set_new(criterion, "kind", json_string(kind_word(use->kind)));
        stint_auto(stint_free) char *text = json_dumps(criterion, JSON_COMPACT);
        if (text)
            stint_json_raw(json, text, strlen(text));
    }
}

void refusal_criteria(const struct stint_request *request, const struct use_state *uses,
                      struct stint_buffer *json)
{
    stint_json_array(json);
    for (size_t i = 0; i < request->use_count; i++) {
        if (uses[i].code == STINT_REASON_NONE)
            continue;
        json_t *criteria = uses[i].criteria ? json_loads(uses[i].criteria, 0, NULL) : NULL;
        if (json_array_size(criteria) == 0)
            write_bare(&request->uses[i], &uses[i], json);
        else
            write_criteria(&request->uses[i], criteria, json);
        json_decref(criteria);
    }
    stint_json_array_end(json);
}

/* ---- for everybody: names and files only of what is registered (invariant 10) */

static void write_public_use(const struct stint_use *use, const struct use_state *state,
                             bool with_criteria, struct stint_buffer *json)
{
    stint_json_object(json);
    stint_json_kv_text(json, "kind", kind_word(use->kind));
    if (state->is_registered)
        stint_json_kv_text(json, "name", state->use.name);
    if (state->use.digest[0])
        stint_json_kv_text(json, "digest", state->use.digest);
    if (state->use.verdict_id)
        stint_json_kv_int(json, "verdict", state->use.verdict_id);
    stint_json_kv_text(json, "result", document_result_name(state->result));
    stint_json_kv_text(json, "code", state->code ? stint_reason_name(state->code) : NULL);
    if (with_criteria && state->is_registered && state->criteria) {
        stint_json_key(json, "criteria");
        stint_json_raw(json, state->criteria, strlen(state->criteria));
    }
    stint_json_object_end(json);
}

static void write_public(struct stint_admission *admission, const struct stint_request *request,
                         int64_t id, int64_t project, const struct use_state *uses,
                         enum stint_reason_code code, bool with_criteria, struct stint_buffer *json)
{
    stint_json_object(json);
    if (with_criteria)
        stint_json_kv_text(json, "schema", "stint.decision/1");
    stint_json_kv_int(json, "decision", id);
    stint_json_kv_text(json, "result", "refused");
    stint_json_kv_text(json, "reason", stint_reason_name(code));
    stint_json_kv_text(json, "project",
                       stint_ledger_project_name(admission->options.ledger, project));
    stint_json_key(json, "uses");
    stint_json_array(json);
    for (size_t i = 0; i < request->use_count; i++)
        write_public_use(&request->uses[i], &uses[i], with_criteria, json);
    stint_json_array_end(json);
    stint_json_object_end(json);
}

static int decision_publish(struct stint_admission *admission, const struct stint_buffer *subject,
                            enum stint_reason_code code, struct stint_error *err)
{
    struct stint_log_draft draft = {
        .type = "decision",
        .role = "daemon",
        .subject = stint_buffer_text(subject),
        .code = stint_reason_name(code),
        .prev = -1,
    };
    return stint_record_append(admission->options.record, &draft, NULL, err);
}

int refusal_store(struct stint_admission *admission, const struct stint_request *request,
                  int64_t project, const struct use_state *uses, enum stint_reason_code code,
                  int64_t *ret_decision, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer document = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    struct stint_store *store = admission->options.store;
    int r = stint_store_ready(store, err);
    if (r != 0)
        return r;
    struct stint_store_mark mark = stint_store_mark(store);
    int64_t id = stint_store_next_id(store, STINT_ID_DECISION);
    write_public(admission, request, id, project, uses, code, true, &document);
    write_public(admission, request, id, project, uses, code, false, &subject);
    struct stint_decision_row row = {
        .id = id,
        .at_ms = admission->options.now_wall_ms(),
        .result = "refused",
        .reason = stint_reason_name(code),
        .project = project,
        .document = stint_buffer_text(&document),
    };
    r = document.failed || subject.failed ? -ENOMEM : stint_store_put_decision(store, &row, err);
    if (r == 0)
        r = decision_publish(admission, &subject, code, err);
    if (r != 0)
        stint_store_rewind(store, mark);
    else
        *ret_decision = id;
    return r;
}
