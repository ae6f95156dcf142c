/* Jobs that were let in as NotEvaluatedYet: their verdicts come later, also after a restart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/record.h"
#include "submission.h"
#include "wake.h"

#define LATE_RETRY_MS 5000 /* the evaluator could not be started, or the batch is full */

static int late_conclude(struct submission *submission, size_t which,
                         const struct use_state *states, struct stint_error *err)
{
    struct stint_admission *admission = submission->admission;
    int64_t decision = 0;
    if (which == submission->request.use_count) {
        struct stint_job_use *uses = submission_uses(submission);
        int admitted =
            uses ? stint_jobs_admit(admission->options.jobs, submission->job, uses, err) : -ENOMEM;
        free(uses);
        return admitted;
    }
    int r = stint_store_ready(admission->options.store, err);
    if (r != 0)
        return r;
    struct stint_store_mark mark = stint_store_mark(admission->options.store);
    struct stint_record_mark record_mark = stint_record_mark(admission->options.record);
    r = refusal_store(admission, &submission->request, submission->project, states,
                      states[which].code, &decision, err);
    if (r == 0)
        r = stint_jobs_refuse(admission->options.jobs, submission->job, states[which].code,
                              decision, states[which].why, err);
    if (r != 0) { /* tried again, or the job is gone: then nothing was decided of it */
        stint_store_rewind(admission->options.store, mark);
        stint_record_rewind(admission->options.record, record_mark);
    }
    return r;
}

/* 0, or what to try again for. */
int submission_late(struct submission *submission, size_t which, const struct use_state *states)
{
    struct stint_error err = { 0 };
    int r = late_conclude(submission, which, states, &err);
    return r == STINT_BUSY || r == STINT_READ_ONLY || r < 0 ? r : 0;
}

void submission_late_again(struct submission *submission)
{
    struct stint_admission *admission = submission->admission;
    submission->is_retry = true; /* the job goes on waiting with its true reason */
    submission->due_ms = (int64_t)uv_now(admission->options.loop) + LATE_RETRY_MS;
    admission_wake(admission, LATE_RETRY_MS);
}

/* ---- after a start or a failed commit */

struct unjudged {
    uint64_t *ids;
    size_t count;
    bool has_failed;
};

static bool unjudged_on_job(void *context, const struct stint_job_view *view)
{
    struct unjudged *unjudged = context;
    if (view->reason.code != STINT_REASON_NotEvaluatedYet || view->is_task)
        return true;
    uint64_t *ids = reallocarray(unjudged->ids, unjudged->count + 1, sizeof(*ids));
    if (!ids) {
        unjudged->has_failed = true;
        return false;
    }
    unjudged->ids = ids;
    ids[unjudged->count++] = view->id;
    return true;
}

int submission_reload(struct stint_admission *admission, uint64_t id, struct stint_error *err)
{
    struct stint_job_view view;
    struct stint_request request = { 0 };
    struct stint_caller caller = { .role = STINT_ROLE_USER };
    if (stint_jobs_view(admission->options.jobs, id, &view) != 0)
        return 0;
    json_t *json = json_loads(view.spec, 0, NULL);
    int r = json ? stint_request_parse_stored(json, &request, err) : STINT_INVALID;
    json_decref(json);
    if (r != 0)
        return stint_fail(err, -EUCLEAN, "the stored request of job %llu does not read back",
                          (unsigned long long)id);
    caller.uid = view.uid;
    caller.gid = view.gid;
    (void)snprintf(caller.name, sizeof(caller.name), "%s", view.user);
    struct submission *submission = submission_new(admission, &caller, &request);
    if (!submission) {
        stint_request_deinit(&request);
        return -ENOMEM;
    }
    submission->job = id;
    submission->project = view.project_id;
    submission->is_retry = true;
    submission->due_ms = (int64_t)uv_now(admission->options.loop);
    submission_list(submission);
    submission_unref(submission);
    return 0;
}

/* Those that already wait for a job's late verdict are thrown away: their jobs are read anew. */
static void late_forget(struct stint_admission *admission)
{
    struct submission *at, *next;
    DL_FOREACH_SAFE(admission->submissions, at, next)
    {
        if (at->job)
            submission_unlist(at);
    }
}

int submissions_load(struct stint_admission *admission, struct stint_error *err)
{
    struct unjudged unjudged = { 0 };
    late_forget(admission);
    stint_jobs_each(admission->options.jobs, unjudged_on_job, &unjudged);
    int r = unjudged.has_failed ? -ENOMEM : 0;
    for (size_t i = 0; i < unjudged.count && r == 0; i++)
        r = submission_reload(admission, unjudged.ids[i], err);
    if (unjudged.count > 0)
        admission_wake(admission, 0);
    free(unjudged.ids);
    return r;
}
