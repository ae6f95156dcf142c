/* Stored verdicts, by the bytes judged and the rules that judged them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "stint/record.h"

static char *key_of(const char *digest, const char *rules)
{
    char *key = NULL;
    return asprintf(&key, "%s|%s", digest, rules) < 0 ? NULL : key;
}

struct verdict_head *verdict_newest(const struct stint_admission *admission, const char *digest,
                                    const char *rules)
{
    char key[DOCUMENT_DIGEST_SIZE + 1024];
    struct verdict_head *head = NULL;
    (void)snprintf(key, sizeof(key), "%s|%s", digest, rules ? rules : "");
    HASH_FIND(hh, admission->verdicts, key, strlen(key), head);
    return head;
}

struct verdict_head *verdict_find(struct stint_admission *admission, const char *digest,
                                  const char *rules)
{
    char context[DOCUMENT_DIGEST_SIZE];
    struct verdict_head *head = verdict_newest(admission, digest, rules);
    if (!head)
        return NULL;
    context_of(admission, digest, head->names, context);
    return strcmp(context, head->context) == 0 ? head : NULL;
}

static bool head_fill(struct verdict_head *head, const struct stint_verdict_row *row)
{
    char *names = row->names ? strdup(row->names) : NULL;
    char *heritage = row->heritage ? strdup(row->heritage) : NULL;
    if ((row->names && !names) || (row->heritage && !heritage)) {
        free(names);
        free(heritage);
        return false;
    }
    free(head->names);
    free(head->heritage);
    head->names = names;
    head->heritage = heritage;
    (void)snprintf(head->digest, sizeof(head->digest), "%s", row->digest);
    (void)snprintf(head->context, sizeof(head->context), "%s",
                   row->rules_digest ? row->rules_digest : "");
    return true;
}

int verdict_keep(struct stint_admission *admission, const struct stint_verdict_row *row,
                 enum document_result result, enum stint_reason_code code)
{
    const char *rules = row->rules ? row->rules : "";
    struct verdict_head *head = verdict_newest(admission, row->digest, rules);
    const struct artifact *artifact = artifact_by_digest(admission, row->digest);
    if (!head) {
        head = calloc(1, sizeof(*head));
        if (!head || !(head->key = key_of(row->digest, rules))) {
            free(head);
            return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, admission->verdicts, head->key, strlen(head->key), head);
    }
    if (!head_fill(head, row))
        return -ENOMEM;
    head->id = row->id;
    head->result = result;
    head->code = code;
    if (artifact && artifact->is_registered)
        registry_changed(admission);
    return 0;
}

void verdicts_free(struct stint_admission *admission)
{
    struct verdict_head *head = admission->verdicts, *next;
    HASH_CLEAR(hh, admission->verdicts); /* frees the table alone; the heads stay a list */
    for (; head; head = next) {
        next = head->hh.next;
        free(head->key);
        free(head->names);
        free(head->heritage);
        free(head);
    }
}

/* An unknown is let in by policy's own word `advisory`, or by an operator's waiver for these bytes;
 * the verdict stays what it is. A fail is let in by nobody. */
enum stint_reason_code verdict_policy(const struct stint_admission *admission, const char *digest,
                                      enum document_result result, enum stint_reason_code code)
{
    if (result == DOCUMENT_PASS)
        return STINT_REASON_NONE;
    if (result == DOCUMENT_UNKNOWN &&
        (admission->options.unknown == STINT_UNKNOWN_ADVISORY || waiver_stands(admission, digest)))
        return STINT_REASON_NONE;
    if (result == DOCUMENT_UNKNOWN && admission->options.unknown == STINT_UNKNOWN_REVIEW)
        return STINT_REASON_NotReviewedYet;
    return code != STINT_REASON_NONE ? code : STINT_REASON_EvaluationFailed;
}

/* ---- a new one */

static void digest_text(const char *text, char hex[DOCUMENT_DIGEST_SIZE])
{
    struct stint_sha256 digest;
    stint_sha256(text, strlen(text), &digest);
    char bare[STINT_SHA256_HEX];
    (void)snprintf(hex, DOCUMENT_DIGEST_SIZE, "sha256:%s", stint_sha256_hex(&digest, bare));
}

/* Public: the bytes and the rules by digest, the outcome, no name and no path. The verdict itself
 * lies beside the log and is bound by its digest. */
static int verdict_publish(struct stint_admission *admission, int64_t id,
                           const struct document *document, const char *rules, const char *context,
                           struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer beside = { 0 };
    char digest[DOCUMENT_DIGEST_SIZE];
    digest_text(document->verdict, digest);
    stint_json_object(&subject);
    stint_json_kv_int(&subject, "verdict", id);
    stint_json_kv_text(&subject, "kind", document->kind);
    stint_json_kv_text(&subject, "digest", document->digest);
    stint_json_kv_text(&subject, "rules", rules);
    stint_json_kv_text(&subject, "rules_digest", context);
    stint_json_kv_text(&subject, "result", document_result_name(document->result));
    stint_json_kv_text(&subject, "assurance", "verified");
    stint_json_object_end(&subject);
    stint_json_object(&beside);
    stint_json_kv_text(&beside, "verdict", digest);
    stint_json_object_end(&beside);
    struct stint_log_draft draft = {
        .type = "admission.verdict",
        .role = "daemon",
        .subject = stint_buffer_text(&subject),
        .code = document->code ? stint_reason_name(document->code) : NULL,
        .prev = -1,
        .doc = stint_buffer_text(&beside),
    };
    return stint_record_append(admission->options.record, &draft, NULL, err);
}

/* What was seen at @path; a registered row stays what it is. */
static int seen_store(struct stint_admission *admission, const struct document *document,
                      int64_t verdict, const char *path, uid_t uid, struct stint_error *err)
{
    struct artifact *known = artifact_by_digest(admission, document->digest);
    if (!path || (known && known->is_registered))
        return 0;
    struct stint_artifact_row row = {
        .digest = document->digest,
        .kind = document->kind,
        .path = path,
        .is_in_place = true,
        .bytes = document->bytes,
        .files = document->files,
        .manifest = document->manifest,
        .state = "seen",
        .verdict = verdict,
        .registered_by = uid,
        .at_ms = admission->options.now_wall_ms(),
    };
    int r = stint_store_put_artifact(admission->options.store, &row, err);
    return r != 0 ? r : artifact_keep(admission, &row);
}

static int verdict_put(struct stint_admission *admission, int64_t id,
                       const struct document *document, const char *rules, const char *context,
                       struct stint_error *err)
{
    struct stint_verdict_row row = {
        .id = id,
        .digest = document->digest,
        .rules = rules,
        .rules_digest = context,
        .result = document_result_name(document->result),
        .reason = document->code ? stint_reason_name(document->code) : NULL,
        .document = document->verdict,
        .at_ms = admission->options.now_wall_ms(),
        .names = document->names,
        .heritage = document->heritage,
    };
    int r = stint_store_put_verdict(admission->options.store, &row, err);
    return r != 0 ? r : verdict_keep(admission, &row, document->result, document->code);
}

int verdict_store(struct stint_admission *admission, const struct document *document,
                  const char *rules, const char *context, const char *path, uid_t uid,
                  int64_t *ret_id, struct stint_error *err)
{
    const struct verdict_head *head = verdict_find(admission, document->digest, rules);
    bool is_same = head && head->result == document->result && head->code == document->code;
    struct stint_store *store = admission->options.store;
    int r = stint_store_ready(store, err);
    if (r != 0)
        return r;
    struct stint_store_mark mark = stint_store_mark(store);
    struct stint_record_mark record_mark = stint_record_mark(admission->options.record);
    int64_t id = is_same ? head->id : stint_store_next_id(store, STINT_ID_VERDICT);
    if (!is_same)
        r = verdict_publish(admission, id, document, rules, context, err);
    if (r == 0)
        r = seen_store(admission, document, id, path, uid, err);
    if (r == 0 && !is_same)
        r = verdict_put(admission, id, document, rules, context, err);
    if (r == 0) {
        *ret_id = id;
        return 0;
    }
    stint_store_rewind(store, mark);
    stint_record_rewind(admission->options.record, record_mark);
    return r;
}
