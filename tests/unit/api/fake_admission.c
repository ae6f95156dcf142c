/* Admission as a fake: it answers at once, or when the test says. */
#include "fake_rooms.h"

#include <string.h>

static void answer_now(stint_answer_fn done, void *context)
{
    struct stint_answer answer = { .job = ++fake.jobs_made,
                                   .is_evaluated = true,
                                   .criteria = "[]" };
    done(context, &answer);
}

void fake_admission_answer(void)
{
    stint_answer_fn done = fake.answer;
    fake.answer = NULL;
    if (done)
        answer_now(done, fake.answer_context);
}

void stint_admission_submit(struct stint_admission *admission, const struct stint_caller *caller,
                            struct stint_request *request, bool is_rehearsal, stint_answer_fn done,
                            void *context)
{
    (void)admission;
    (void)caller;
    struct stint_answer answer = { .criteria = "[{\"id\":\"C1\"}]" };
    bool is_refused = request->use_count > 0;
    stint_request_deinit(request);
    if (is_refused) {
        answer.reason = STINT_REASON_ModelNotOpen;
        answer.decision = 1;
        (void)stint_fail(&answer.error, STINT_REFUSED, "not open");
        done(context, &answer);
    } else if (is_rehearsal) {
        answer.rehearsal = "{\"cost_micro\":1}";
        done(context, &answer);
    } else if (fake.is_admission_slow) {
        fake.answer = done;
        fake.answer_context = context;
    } else {
        answer_now(done, context);
    }
}

static const struct stint_artifact_view artifact = { .name = "org/<b>open",
                                                     .digest = "sha256:aa",
                                                     .kind = "model",
                                                     .path = "/" SEED "/artifact",
                                                     .registered_ms = 1795629600000,
                                                     .verdict_id = 1,
                                                     .result = "pass",
                                                     .rules = "osaid-1.0" };

void stint_admission_each_artifact(struct stint_admission *admission,
                                   bool (*fn)(void *context,
                                              const struct stint_artifact_view *view),
                                   void *context)
{
    (void)admission;
    (void)fn(context, &artifact);
}

int stint_admission_artifact(struct stint_admission *admission, const char *reference,
                             struct stint_artifact_view *ret_view)
{
    (void)admission;
    if (strcmp(reference, artifact.digest) != 0 && strcmp(reference, "org/open") != 0)
        return STINT_NOT_FOUND;
    *ret_view = artifact;
    return 0;
}

void stint_admission_rejudge_report(const struct stint_admission *admission,
                                    struct stint_rejudge_report *ret_report)
{
    (void)admission;
    *ret_report = (struct stint_rejudge_report){ .judged_count = 3, .failed_count = 1 };
}

void stint_admission_register(struct stint_admission *admission, const struct stint_caller *caller,
                              const char *path, const char *name, const char *kind,
                              bool is_in_place, stint_register_fn done, void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    (void)path;
    (void)name;
    (void)kind;
    (void)is_in_place;
    done(context, &error, "sha256:aa", 1, "{}");
}

int stint_admission_remove(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *reference, struct stint_error *err)
{
    (void)admission;
    (void)caller;
    return strcmp(reference, "org/open") == 0 ? 0
                                              : stint_fail(err, STINT_NOT_FOUND, "there is none");
}

#define FAKE_STATEMENT "{\"schema\":\"stint.attestation/1\",\"reviewer\":\"operator\"}"

int stint_admission_attestation(struct stint_admission *admission, int64_t id,
                                struct stint_attestation_view *ret_view)
{
    (void)admission;
    if (id != 1 && id != 2)
        return STINT_NOT_FOUND;
    *ret_view = (struct stint_attestation_view){ .id = id,
                                                 .digest = id == 1 ? artifact.digest : "sha256:bb",
                                                 .statement = FAKE_STATEMENT,
                                                 .is_standing = true,
                                                 .made_ms = 1795629600000 };
    return 0;
}

void stint_admission_each_attestation(struct stint_admission *admission, const char *digest,
                                      bool (*fn)(void *context,
                                                 const struct stint_attestation_view *view),
                                      void *context)
{
    struct stint_attestation_view view;
    if (strcmp(digest, artifact.digest) != 0)
        return;
    (void)stint_admission_attestation(admission, 1, &view);
    (void)fn(context, &view);
}

void stint_admission_attest(struct stint_admission *admission, const struct stint_caller *caller,
                            const char *reference, const char *statement, stint_attest_fn done,
                            void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    if (strcmp(reference, "org/open") != 0)
        (void)stint_fail(&error, STINT_NOT_FOUND, "there is none");
    else if (!strstr(statement, "stint.attestation/1"))
        (void)stint_fail(&error, STINT_INVALID, "no statement");
    done(context, &error, 1, error.code ? 0 : 7, error.code ? NULL : "{}");
}

void stint_admission_revoke(struct stint_admission *admission, const struct stint_caller *caller,
                            int64_t id, const char *reason, stint_attest_fn done, void *context)
{
    struct stint_error error = { 0 };
    (void)admission;
    (void)caller;
    if (!reason)
        (void)stint_fail(&error, STINT_INVALID, "no reason");
    done(context, &error, id, 0, NULL);
}

void stint_admission_check(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *path, const char *kind, const char *rules,
                           stint_register_fn done, void *context)
{
    (void)rules;
    stint_admission_register(admission, caller, path, NULL, kind, false, done, context);
}
