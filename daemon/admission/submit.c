/* One submission from the request to the answer.
 *
 *   refusals that need no look at files ─▶ answered at once
 *   every use resolved ─┬▶ all known: let in or refused, answered after the commit
 *                       └▶ waited for: after wait_ms let in as NotEvaluatedYet, answered 202,
 *                          and the verdict that comes later admits or refuses the job
 *
 * Nothing here blocks the loop; a client that went away changes nothing. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "submission.h"
#include "wake.h"

void submission_unref(struct submission *submission)
{
    if (--submission->refs > 0)
        return;
    for (size_t i = 0; submission->slots && i < submission->request.use_count; i++)
        use_deinit(&submission->slots[i].state);
    free(submission->slots);
    stint_request_deinit(&submission->request);
    stint_buffer_deinit(&submission->text);
    life_unref(submission->life);
    free(submission);
}

void submission_unlist(struct submission *submission)
{
    struct stint_admission *admission = submission->admission;
    if (!submission->is_listed)
        return;
    submission->is_listed = false;
    for (size_t i = 0; submission->slots && i < submission->request.use_count; i++)
        evaluation_unwanted(admission, &submission->slots[i]);
    DL_DELETE(admission->submissions, submission);
    *(submission->is_quick ? &admission->quick_count : &admission->waiting_count) -= 1;
    submission_unref(submission);
}

/* ---- answers */

static void answer_give(struct submission *submission)
{
    stint_answer_fn done = submission->done;
    submission->done = NULL;
    if (!submission->answer.criteria)
        submission->answer.criteria = "[]";
    if (done)
        done(submission->context, &submission->answer);
}

static void answer_on_durable(void *context, int status)
{
    struct submission *submission = context;
    if (!submission->life->is_over) {
        if (status != 0) {
            submission->answer = (struct stint_answer){ 0 };
            (void)stint_fail(&submission->answer.error, STINT_READ_ONLY,
                             "the store could not keep it: %s", strerror(-status));
        }
        answer_give(submission);
    }
    submission_unref(submission);
}

/* Answers when everything put so far is on disk (invariant 1). */
static int answer_after_commit(struct submission *submission, struct stint_error *err)
{
    int r =
        stint_store_after(submission->admission->options.store, answer_on_durable, submission, err);
    if (r == 0)
        submission->refs++;
    return r;
}

static void answer_error(struct submission *submission, const struct stint_error *error,
                         enum stint_reason_code code)
{
    submission->answer = (struct stint_answer){ .error = *error, .reason = code };
    answer_give(submission);
}

/* ---- letting in */

static int script_put(struct submission *submission, char sha256[STINT_SHA256_HEX],
                      struct stint_error *err)
{
    const struct stint_request *request = &submission->request;
    struct stint_sha256 digest;
    sha256[0] = '\0';
    if (!request->script)
        return 0;
    stint_sha256(request->script, request->script_bytes, &digest);
    struct stint_script_row row = { .sha256 = stint_sha256_hex(&digest, sha256),
                                    .text = { request->script, request->script_bytes } };
    return stint_store_put_script(submission->admission->options.store, &row, err);
}

struct stint_job_use *submission_uses(const struct submission *submission)
{
    size_t count = submission->request.use_count;
    struct stint_job_use *uses = calloc(count ? count : 1, sizeof(*uses));
    for (size_t i = 0; uses && i < count; i++)
        uses[i] = submission->slots[i].state.use;
    return uses;
}

static int job_create(struct submission *submission, bool is_evaluated, struct stint_error *err)
{
    char sha256[STINT_SHA256_HEX];
    bool has_uses = is_evaluated && submission->request.use_count > 0;
    stint_auto(stint_free) struct stint_job_use *uses =
        has_uses ? submission_uses(submission) : NULL;
    if (has_uses && !uses)
        return stint_fail(err, -ENOMEM, "no memory for the job");
    int r = script_put(submission, sha256, err);
    if (r != 0)
        return r;
    struct stint_job_new job = {
        .caller = &submission->caller,
        .request = &submission->request,
        .script_sha256 = sha256[0] ? sha256 : NULL,
        .project = submission->project,
        .award = submission->award,
        .uses = uses,
        .is_evaluated = is_evaluated,
    };
    return stint_jobs_create(submission->admission->options.jobs, &job, &submission->job, err);
}

/* A job that is in, and the answer that waits for its commit: all that is left of a submission
 * then, since thousands of one body may wait at once. */
struct admitted {
    struct admission_life *life;
    stint_answer_fn done;
    void *context;
    uint64_t job;
};

static void admitted_on_durable(void *context, int status)
{
    struct admitted *admitted = context;
    struct stint_answer answer = { .job = admitted->job, .is_evaluated = true, .criteria = "[]" };
    if (!admitted->life->is_over) {
        if (status != 0) {
            answer.job = 0;
            answer.is_evaluated = false;
            (void)stint_fail(&answer.error, STINT_READ_ONLY, "the store could not keep it: %s",
                             strerror(-status));
        }
        if (admitted->done)
            admitted->done(admitted->context, &answer);
    }
    life_unref(admitted->life);
    free(admitted);
}

static int admitted_answer(struct submission *submission, struct stint_error *err)
{
    struct admitted *admitted = malloc(sizeof(*admitted));
    if (!admitted)
        return stint_fail(err, -ENOMEM, "no memory for the answer");
    *admitted = (struct admitted){ life_ref(submission->life), submission->done,
                                   submission->context, submission->job };
    int r =
        stint_store_after(submission->admission->options.store, admitted_on_durable, admitted, err);
    if (r != 0) {
        life_unref(admitted->life);
        free(admitted);
        return r;
    }
    submission->done = NULL;
    return 0;
}

/* Into the queue, judged or not; the answer follows the commit. */
static void let_in(struct submission *submission, bool is_evaluated)
{
    struct stint_store *store = submission->admission->options.store;
    struct stint_error err = { 0 };
    enum stint_reason_code code = STINT_REASON_NONE;
    int r = 0;
    if (submission->has_waited) /* the queue may have filled meanwhile */
        r = submission_can_pay(submission, &code, &err);
    if (r == 0)
        r = stint_store_ready(store, &err);
    struct stint_store_mark mark = stint_store_mark(store);
    if (r == 0) {
        r = job_create(submission, is_evaluated, &err);
        if (r != 0)
            stint_store_rewind(store, mark);
    }
    if (r == 0 && is_evaluated) {
        r = admitted_answer(submission, &err);
    } else if (r == 0) {
        submission->answer = (struct stint_answer){ .job = submission->job };
        r = answer_after_commit(submission, &err);
    }
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, code);
    }
    if (is_evaluated || !submission->job)
        submission_unlist(submission);
}

/* ---- refusing */

static void say_refused(struct submission *submission, const struct use_state *headline,
                        const char *reference)
{
    struct stint_answer *answer = &submission->answer;
    (void)stint_fail(&answer->error, STINT_REFUSED, "%.160s: %s", reference, headline->why);
    (void)stint_fix(&answer->error, STINT_REFUSED, "%s", headline->fix);
    answer->reason = headline->code;
    answer->criteria = stint_buffer_text(&submission->text);
}

static void refuse(struct submission *submission, size_t which, const struct use_state *states)
{
    struct stint_admission *admission = submission->admission;
    struct stint_error err = { 0 };
    int64_t decision = 0;
    int r = 0;
    submission->answer = (struct stint_answer){ 0 };
    refusal_criteria(&submission->request, states, &submission->text);
    if (!submission->is_rehearsal)
        r = refusal_store(admission, &submission->request, submission->project, states,
                          states[which].code, &decision, &err);
    if (r == 0) {
        say_refused(submission, &states[which], submission->request.uses[which].reference);
        submission->answer.decision = decision;
        if (submission->is_rehearsal)
            answer_give(submission);
        else
            r = answer_after_commit(submission, &err);
    }
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, STINT_REASON_NONE);
    }
    submission_unlist(submission);
}

/* A job that demands of policy to name what it uses, and does not. */
static void refuse_undeclared(struct submission *submission)
{
    struct stint_admission *admission = submission->admission;
    struct stint_error err = { 0 };
    int64_t decision = 0;
    int r = submission->is_rehearsal
                ? 0
                : refusal_store(admission, &submission->request, submission->project, NULL,
                                STINT_REASON_PolicyForbids, &decision, &err);
    submission->answer =
        (struct stint_answer){ .reason = STINT_REASON_PolicyForbids, .decision = decision };
    (void)stint_fail(&submission->answer.error, STINT_REFUSED,
                     "the job names no model and no data set, and policy demands it");
    (void)stint_fix(&submission->answer.error, STINT_REFUSED,
                    "add --model REF or --data REF for what it uses");
    if (r == 0 && !submission->is_rehearsal)
        r = answer_after_commit(submission, &err);
    else if (r == 0)
        answer_give(submission);
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, STINT_REASON_NONE);
    }
    submission_unlist(submission);
}

/* ---- when every use is known */

static void conclude_rehearsal(struct submission *submission, const struct use_state *states)
{
    struct stint_error err = { 0 };
    struct rehearsal rehearsal = { .caller = &submission->caller,
                                   .request = &submission->request,
                                   .project = submission->project,
                                   .cost_micro = submission->cost_micro };
    struct stint_charge_size size;
    submission_size(submission, &size);
    (void)stint_ledger_counted_as(submission->admission->options.ledger, &size,
                                  rehearsal.counted_as, sizeof(rehearsal.counted_as));
    int r = rehearsal_write(submission->admission, &rehearsal, states, &submission->text, &err);
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, STINT_REASON_NONE);
    } else {
        submission->answer =
            (struct stint_answer){ .is_evaluated = true,
                                   .rehearsal = stint_buffer_text(&submission->text) };
        answer_give(submission);
    }
    submission_unlist(submission);
}

/* Nothing stands in the way but that something is unknown: an operator decides. Whoever submitted
 * has his answer, and the job waits without a submission of ours. */
static void to_review(struct submission *submission, const struct use_state *states)
{
    struct stint_admission *admission = submission->admission;
    struct stint_error err = { 0 };
    submission->refs++;
    if (submission->job == 0)
        let_in(submission, false);
    if (submission->job != 0) {
        int r = stint_jobs_review(admission->options.jobs, submission->job, &err);
        if (r == 0)
            r = review_keep(admission, submission->job, &submission->request, submission->project,
                            states);
        submission->answer.reason = STINT_REASON_NotReviewedYet;
        if (r == STINT_BUSY || r == STINT_READ_ONLY || r < 0)
            submission_late_again(submission);
        else
            submission_unlist(submission); /* or the job was cancelled meanwhile */
    }
    submission_unref(submission);
}

static void conclude_with(struct submission *submission, struct use_state *states)
{
    size_t count = submission->request.use_count;
    for (size_t i = 0; i < count; i++)
        states[i] = submission->slots[i].state;
    size_t which = refusal_headline(states, count);
    bool is_unsettled = which < count && states[which].code == STINT_REASON_NotReviewedYet;
    if (is_unsettled && !submission->is_rehearsal)
        to_review(submission, states);
    else if (submission->job && submission_late(submission, which, states) == 0)
        submission_unlist(submission); /* done, or the job was cancelled meanwhile */
    else if (submission->job)
        submission_late_again(submission);
    else if (which < count)
        refuse(submission, which, states);
    else if (submission->is_rehearsal)
        conclude_rehearsal(submission, states);
    else
        let_in(submission, true);
}

static void conclude(struct submission *submission)
{
    size_t count = submission->request.use_count;
    struct use_state *states = count ? calloc(count, sizeof(*states)) : NULL;
    bool has_room = count == 0 || states;
    if (!has_room)
        (void)stint_fail(&submission->own_error, -ENOMEM, "no memory for the decision");
    if (has_room && submission->own_error.code == 0) {
        conclude_with(submission, states);
    } else if (submission->job) {
        submission_late_again(submission);
    } else {
        answer_error(submission, &submission->own_error, STINT_REASON_NONE);
        submission_unlist(submission);
    }
    free(states);
}

static void use_on_answer(void *context, const struct evaluation_answer *answer)
{
    struct use_slot *slot = context;
    struct submission *submission = slot->submission;
    if (answer->error.code != 0)
        submission->own_error = answer->error;
    use_answered(submission->admission, answer, &slot->state);
    assert(submission->waiting_count > 0);
    if (--submission->waiting_count == 0)
        conclude(submission);
}

static int resolve_all(struct submission *submission, struct stint_error *err)
{
    submission->own_error = (struct stint_error){ 0 };
    submission->waiting_count = 0;
    for (size_t i = 0; i < submission->request.use_count; i++) {
        struct use_slot *slot = &submission->slots[i];
        use_deinit(&slot->state);
        *slot = (struct use_slot){ .submission = submission };
        int r =
            use_resolve(submission->admission, &submission->caller, &submission->request.uses[i],
                        !submission->is_rehearsal, &slot->state, use_on_answer, slot, err);
        if (r != 0)
            return r;
        submission->waiting_count += slot->state.is_waiting;
    }
    return 0;
}

/* ---- the beginning */

static size_t waiting_of(const struct stint_admission *admission, uid_t uid)
{
    size_t count = 0;
    for (const struct submission *at = admission->submissions; at; at = at->next)
        count += at->caller.uid == uid && !at->is_quick;
    return count;
}

static bool is_quick(struct stint_admission *admission, const struct stint_request *request)
{
    for (size_t i = 0; i < request->use_count; i++)
        if (!use_is_quick(admission, &request->uses[i]))
            return false;
    return request->use_count > 0;
}

/* All that use copies of ours share one look, a moment long: a body of thousands has room. */
static bool has_room(struct stint_admission *admission, const struct submission *submission)
{
    if (submission->is_quick)
        return admission->quick_count < ADMISSION_QUICK_MAX;
    if (admission->waiting_count >= STINT_ADMISSION_WAITING_MAX)
        return false;
    return submission->request.use_count == 0 ||
           waiting_of(admission, submission->caller.uid) < ADMISSION_WAITING_OF_USER_MAX;
}

void submission_list(struct submission *submission)
{
    struct stint_admission *admission = submission->admission;
    DL_APPEND(admission->submissions, submission);
    *(submission->is_quick ? &admission->quick_count : &admission->waiting_count) += 1;
    submission->is_listed = true;
    submission->refs++;
}

static void submission_begin(struct submission *submission)
{
    struct stint_admission *admission = submission->admission;
    struct stint_error err = { 0 };
    enum stint_reason_code code;
    int r = submission_check(submission, &code, &err);
    submission->is_quick = is_quick(admission, &submission->request);
    if (r == 0 && !has_room(admission, submission))
        r = stint_fail(&err, STINT_BUSY, "too many submissions wait for the evaluator");
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, code);
        return;
    }
    submission_list(submission);
    if (submission->request.use_count == 0 && admission->options.require_uses) {
        refuse_undeclared(submission);
        return;
    }
    r = resolve_all(submission, &err);
    if (r != 0) {
        err.code = r;
        answer_error(submission, &err, STINT_REASON_NONE);
        submission_unlist(submission);
    } else if (submission->waiting_count == 0) {
        conclude(submission);
    } else {
        submission->has_waited = true;
        submission->due_ms = (int64_t)uv_now(admission->options.loop) + admission->options.wait_ms;
        admission_wake(admission, admission->options.wait_ms);
    }
}

struct submission *submission_new(struct stint_admission *admission,
                                  const struct stint_caller *caller, struct stint_request *request)
{
    struct submission *submission = calloc(1, sizeof(*submission));
    if (!submission)
        return NULL;
    submission->refs = 1;
    submission->admission = admission;
    submission->life = life_ref(admission->life);
    submission->caller = *caller;
    if (request->use_count > 0)
        submission->slots = calloc(request->use_count, sizeof(*submission->slots));
    if (request->use_count > 0 && !submission->slots) {
        life_unref(submission->life);
        free(submission);
        return NULL;
    }
    submission->request = *request;
    *request = (struct stint_request){ 0 };
    return submission;
}

void stint_admission_submit(struct stint_admission *admission, const struct stint_caller *caller,
                            struct stint_request *request, bool is_rehearsal, stint_answer_fn done,
                            void *context)
{
    struct submission *submission = submission_new(admission, caller, request);
    if (!submission) {
        struct stint_answer answer = { .criteria = "[]" };
        (void)stint_fail(&answer.error, -ENOMEM, "no memory for the request");
        stint_request_deinit(request);
        done(context, &answer);
        return;
    }
    submission->is_rehearsal = is_rehearsal;
    submission->done = done;
    submission->context = context;
    submission_begin(submission);
    submission_unref(submission);
}

/* ---- time */

static void retry(struct submission *submission)
{
    struct stint_error err = { 0 };
    submission->is_retry = false;
    if (resolve_all(submission, &err) != 0)
        submission->own_error = err;
    if (submission->waiting_count == 0)
        conclude(submission);
}

static bool is_timed(const struct submission *submission)
{
    return submission->is_retry || (submission->job == 0 && !submission->is_rehearsal);
}

int64_t submissions_expire(struct stint_admission *admission)
{
    int64_t now_ms = (int64_t)uv_now(admission->options.loop);
    int64_t next_ms = -1;
    struct submission *at, *next;
    DL_FOREACH_SAFE(admission->submissions, at, next)
    {
        if (!is_timed(at))
            continue;
        if (at->due_ms <= now_ms) {
            if (at->is_retry)
                retry(at);
            else
                let_in(at, false);
        } else if (next_ms < 0 || at->due_ms - now_ms < next_ms) {
            next_ms = at->due_ms - now_ms;
        }
    }
    return next_ms;
}

void submissions_free(struct stint_admission *admission)
{
    struct submission *at, *next;
    DL_FOREACH_SAFE(admission->submissions, at, next)
    {
        submission_unlist(at);
    }
}
