/* How a reviewer's word comes and goes. Who may say it: operators, those whom the configuration
 * names, and anybody with a statement that a known reviewer's key signed. It is durable and in the
 * public log before it counts (invariant 9); then a copy of ours is judged anew at once, and
 * anything else when it is used next: the verdict that stood before does not stand any more. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "stint/attestation.h"
#include "stint/checkpoint.h"
#include "stint/record.h"
#include "wake.h"

/* One word coming or going, until it is answered. */
struct attest {
    struct attest *prev; /* of those whose verdict is waited for */
    struct attest *next;
    struct admission_life *life;
    struct stint_admission *admission;
    struct stint_caller caller;
    stint_attest_fn done;
    void *context;
    int64_t id;
    int64_t verdict_id;
    char digest[DOCUMENT_DIGEST_SIZE];
    char *document; /* of the verdict that came of it; NULL while there is none */
};

static void attest_free(struct attest *attest)
{
    if (!attest)
        return;
    free(attest->document);
    life_unref(attest->life);
    free(attest);
}

static void attest_end(struct attest *attest, const struct stint_error *error)
{
    attest->done(attest->context, error, attest->id, attest->verdict_id, attest->document);
    attest_free(attest);
}

/* ---- who may */

static bool is_in_list(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at && *at;) {
        at += strspn(at, ", ");
        size_t here = strcspn(at, ", ");
        if (here == length && memcmp(at, name, here) == 0)
            return true;
        at += here;
    }
    return false;
}

static int check_signature(const struct stint_admission *admission,
                           const struct stint_attestation *attestation, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer note = { 0 };
    const char *keys = admission->options.reviewer_keys;
    struct stint_vkey vkey;
    size_t signed_length = 0;
    int r =
        keys && *keys ? stint_vkey_find(keys, attestation->reviewer, &vkey, err) : STINT_NOT_FOUND;
    if (r == STINT_NOT_FOUND) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "no reviewer's key is known as %.100s",
                         attestation->reviewer);
        return stint_fix(
            err, STINT_NOT_PERMITTED,
            "an operator adds its line to the file that admission.reviewer_keys names");
    }
    if (r != 0)
        return r;
    stint_attestation_note(attestation, &note);
    if (note.failed)
        return -ENOMEM;
    return stint_note_verify(note.data, note.length, &vkey, &signed_length, err);
}

/* In which role the caller may say something himself; NULL for none. */
static const char *role_of(const struct stint_admission *admission,
                           const struct stint_caller *caller)
{
    if (caller->role >= STINT_ROLE_OPERATOR)
        return "operator";
    bool is_named =
        caller->role >= STINT_ROLE_USER && is_in_list(admission->options.reviewers, caller->name);
    return is_named ? "reviewer" : NULL;
}

static int check_reviewer(const struct stint_admission *admission,
                          const struct stint_caller *caller, struct stint_attestation *attestation,
                          struct stint_error *err)
{
    const char *role = role_of(admission, caller);
    if (attestation->signature[0])
        return check_signature(admission, attestation, err);
    if (!role) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "only operators and reviewers attest here");
        return stint_fix(
            err, STINT_NOT_PERMITTED,
            "hand in a statement that a known reviewer has signed, or ask an operator");
    }
    attestation->reviewer = role;
    return 0;
}

static int check_room(struct stint_admission *admission, const char *digest,
                      struct stint_error *err)
{
    if (admission->statement_count >= ADMISSION_STATEMENTS_MAX ||
        statements_standing(admission, digest) >= STINT_ATTESTATIONS_MAX) {
        (void)stint_fail(err, STINT_TOO_LARGE, "there are too many statements");
        return stint_fix(err, STINT_TOO_LARGE, "revoke some of them");
    }
    return stint_store_ready(admission->options.store, err);
}

/* ---- keeping */

/* Public: what is said of which part of which bytes, by what kind of reviewer. His name and his
 * words lie beside the log, bound by their digest. */
static int statement_publish(struct stint_admission *admission, const char *type,
                             const struct stint_caller *caller,
                             const struct stint_attestation_row *row, const char *reason,
                             struct stint_error *err)
{
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    struct stint_sha256 sum;
    char hex[STINT_SHA256_HEX];
    char beside[120];
    int r = stint_attestation_parse(row->statement, strlen(row->statement), &attestation, err);
    if (r != 0)
        return r;
    stint_sha256(row->statement, strlen(row->statement), &sum);
    (void)snprintf(beside, sizeof(beside), "{\"statement\":\"sha256:%s\"}",
                   stint_sha256_hex(&sum, hex));
    stint_json_object(&subject);
    stint_json_kv_int(&subject, "attestation", row->id);
    stint_json_kv_text(&subject, "digest", row->digest);
    stint_json_kv_text(&subject, "component", stint_component_name(attestation.component));
    stint_json_kv_text(&subject, "predicate", stint_predicate_name(attestation.predicate));
    stint_json_kv_bool(&subject, "signed", row->is_signed);
    stint_json_object_end(&subject);
    struct stint_log_draft draft = {
        .type = type,
        .role = row->is_signed && !reason
                    ? "reviewer"
                    : (role_of(admission, caller) ? role_of(admission, caller) : "user"),
        .person = row->is_signed && !reason ? attestation.reviewer : caller->name,
        .subject = stint_buffer_text(&subject),
        .reason = reason,
        .prev = -1,
        .doc = beside,
    };
    return stint_record_append(admission->options.record, &draft, NULL, err);
}

/* Row, memory and public entry into the open batch, all or none. */
static int statement_put(struct stint_admission *admission, const struct stint_caller *caller,
                         const struct stint_attestation_row *row, const char *reason,
                         struct stint_error *err)
{
    struct stint_store *store = admission->options.store;
    struct stint_store_mark mark = stint_store_mark(store);
    struct stint_record_mark record_mark = stint_record_mark(admission->options.record);
    int r = stint_store_put_attestation(store, row, err);
    if (r == 0)
        r = statement_publish(admission, reason ? "attestation.revoke" : "attestation.make", caller,
                              row, reason, err);
    if (r == 0)
        r = statement_keep(admission, row);
    if (r != 0) {
        stint_store_rewind(store, mark);
        stint_record_rewind(admission->options.record, record_mark);
    }
    return r;
}

/* ---- the verdict that comes of it */

static void attest_on_durable(void *context, int status)
{
    struct attest *attest = context;
    struct stint_error error = { 0 };
    if (attest->life->is_over) {
        attest_free(attest);
        return;
    }
    if (status != 0)
        (void)stint_fail(&error, STINT_READ_ONLY, "the store could not keep it: %s",
                         strerror(-status));
    attest_end(attest, &error);
}

static void attest_answer(struct attest *attest)
{
    struct stint_error err = { 0 };
    err.code = stint_store_after(attest->admission->options.store, attest_on_durable, attest, &err);
    if (err.code != 0)
        attest_end(attest, &err);
}

/* What cannot be judged now is judged when it is used: the statement stands all the same. */
static void attest_on_judged(void *context, const struct evaluation_answer *answer)
{
    struct attest *attest = context;
    DL_DELETE(attest->admission->attests, attest);
    attest->verdict_id = answer->verdict_id;
    if (answer->document && answer->document->verdict)
        attest->document = strdup(answer->document->verdict);
    attest_answer(attest);
}

/* A copy of ours, as the caller or as the daemon's own user; in place, only the caller's own. */
static bool attest_judges(struct attest *attest)
{
    struct stint_admission *admission = attest->admission;
    const struct artifact *artifact = artifact_by_digest(admission, attest->digest);
    struct runner runner;
    if (!artifact || !artifact->is_registered || !artifact->kind ||
        (artifact->is_in_place && artifact->registered_by != attest->caller.uid) ||
        runner_of(admission, &attest->caller, "artifact attest", &runner, NULL) != 0)
        return false;
    struct evaluation_ask ask = ask_of_artifact(admission, artifact, &runner);
    ask.is_fresh = true;
    if (evaluation_wanted(admission, &ask, attest_on_judged, attest, NULL) != 0)
        return false;
    DL_APPEND(admission->attests, attest);
    return true;
}

void attests_free(struct stint_admission *admission)
{
    struct attest *attest, *next;
    DL_FOREACH_SAFE(admission->attests, attest, next)
    {
        evaluation_unwanted(admission, attest);
        DL_DELETE(admission->attests, attest);
        attest_free(attest);
    }
}

static int attest_begin(struct stint_admission *admission, const struct stint_caller *caller,
                        const struct stint_attestation_row *row, const char *reason,
                        stint_attest_fn done, void *context, struct stint_error *err)
{
    struct attest *attest = calloc(1, sizeof(*attest));
    if (!attest)
        return stint_fail(err, -ENOMEM, "no memory");
    attest->life = life_ref(admission->life);
    attest->admission = admission;
    attest->caller = *caller;
    attest->done = done;
    attest->context = context;
    attest->id = row->id;
    (void)snprintf(attest->digest, sizeof(attest->digest), "%s", row->digest);
    int r = statement_put(admission, caller, row, reason, err);
    if (r != 0) {
        attest_free(attest);
        return r;
    }
    if (!attest_judges(attest))
        attest_answer(attest);
    rejudge_wanted(admission); /* its heirs, and what its word's maker may not have judged */
    return 0;
}

/* ---- in and out */

static int attest_make(struct stint_admission *admission, const struct stint_caller *caller,
                       const char *digest, const char *statement, stint_attest_fn done,
                       void *context, struct stint_error *err)
{
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    char about[DOCUMENT_DIGEST_SIZE] = "sha256:";
    int r = stint_attestation_parse(statement, strlen(statement), &attestation, err);
    if (r != 0)
        return r;
    (void)stint_sha256_hex(&attestation.digest, about + 7);
    if (strcmp(about, digest) != 0)
        return stint_fail(err, STINT_CONFLICT, "the statement is about other bytes: %s", about);
    bool is_signed = attestation.signature[0] != '\0';
    r = check_reviewer(admission, caller, &attestation, err);
    if (r == 0)
        r = check_room(admission, digest, err);
    if (r != 0)
        return r;
    stint_attestation_json(&attestation, &json);
    if (json.failed)
        return -ENOMEM;
    struct stint_attestation_row row = {
        .id = stint_store_next_id(admission->options.store, STINT_ID_ATTESTATION),
        .digest = digest,
        .statement = stint_buffer_text(&json),
        .is_signed = is_signed,
        .state = "standing",
        .made_by = caller->uid,
        .at_ms = admission->options.now_wall_ms(),
    };
    return attest_begin(admission, caller, &row, NULL, done, context, err);
}

/* By name or digest; bytes that are not registered may be spoken of by their digest. */
static int digest_of(const struct stint_admission *admission, const char *reference,
                     char digest[DOCUMENT_DIGEST_SIZE], struct stint_error *err)
{
    struct stint_sha256 sum;
    const struct artifact *artifact = artifact_by_reference(admission, reference);
    bool is_digest = strncmp(reference, "sha256:", 7) == 0 && strlen(reference) == 71 &&
                     stint_sha256_parse(reference, &sum, NULL) == 0;
    if (!artifact && !is_digest) {
        (void)stint_fail(err, STINT_NOT_FOUND, "no artefact %.100s is registered", reference);
        return stint_fix(err, STINT_NOT_FOUND, "name its digest: sha256:…");
    }
    (void)snprintf(digest, DOCUMENT_DIGEST_SIZE, "%s", artifact ? artifact->digest : reference);
    return 0;
}

void stint_admission_attest(struct stint_admission *admission, const struct stint_caller *caller,
                            const char *reference, const char *statement, stint_attest_fn done,
                            void *context)
{
    struct stint_error err = { 0 };
    char digest[DOCUMENT_DIGEST_SIZE];
    int r = caller->role < STINT_ROLE_USER
                ? stint_fail(&err, STINT_NOT_LOGGED_IN, "nobody is logged in")
                : digest_of(admission, reference, digest, &err);
    if (r == 0)
        r = attest_make(admission, caller, digest, statement, done, context, &err);
    if (r != 0) {
        err.code = r;
        done(context, &err, 0, 0, NULL);
    }
}

static int check_revoke(struct stint_admission *admission, const struct stint_caller *caller,
                        const struct statement *statement, const char *reason,
                        struct stint_error *err)
{
    if (!statement)
        return stint_fail(err, STINT_NOT_FOUND, "there is no such statement");
    if (statement->made_by != caller->uid && caller->role < STINT_ROLE_OPERATOR)
        return stint_fail(err, STINT_NOT_PERMITTED, "the statement is somebody else's");
    if (!statement->is_standing)
        return stint_fail(err, STINT_WRONG_STATE, "the statement is revoked already");
    if (!reason || !*reason) {
        (void)stint_fail(err, STINT_INVALID, "a statement is not revoked without a reason");
        return stint_fix(err, STINT_INVALID, "--reason TEXT; it is public");
    }
    return stint_store_ready(admission->options.store, err);
}

void stint_admission_revoke(struct stint_admission *admission, const struct stint_caller *caller,
                            int64_t id, const char *reason, stint_attest_fn done, void *context)
{
    struct stint_error err = { 0 };
    char digest[DOCUMENT_DIGEST_SIZE] = "";
    const struct statement *statement =
        caller->role < STINT_ROLE_USER ? NULL : statement_by_id(admission, id, digest);
    int r = check_revoke(admission, caller, statement, reason, &err);
    assert(r != 0 || statement);
    if (r == 0) {
        struct stint_attestation_row row = {
            .id = id,
            .digest = digest,
            .statement = statement->json,
            .is_signed = statement->is_signed,
            .state = "revoked",
            .made_by = statement->made_by,
            .at_ms = statement->at_ms,
            .revoked_ms = admission->options.now_wall_ms(),
        };
        r = attest_begin(admission, caller, &row, reason, done, context, &err);
    }
    if (r != 0) {
        err.code = r;
        done(context, &err, 0, 0, NULL);
    }
}
