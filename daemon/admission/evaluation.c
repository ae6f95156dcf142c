/* Judgings and rechecks under way. Whoever asks for the same bytes as the same user shares one.
 *
 *   QUEUED ─▶ FETCHING ─▶ RECHECKING ─┬▶ answered with the stored verdict
 *      │       (manifest)   (tool)    └▶ JUDGING
 *      └────────────────────────────────▶ JUDGING ─▶ READING ─▶ stored, answered
 *                                          (tool)    (worker)
 *
 * A tool that times out, is killed, or writes what is no document is EvaluationFailed: a refusal,
 * never a pass (DESIGN §4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation.h"
#include "wake.h"

void evaluation_free(struct evaluation *evaluation)
{
    if (!evaluation)
        return;
    free(evaluation->rules);
    free(evaluation->path);
    free(evaluation->name);
    free(evaluation->waiters);
    free(evaluation->manifest);
    free(evaluation->criteria);
    free(evaluation->output);
    document_deinit(&evaluation->document);
    free(evaluation);
}

/* ---- the answer */

static void evaluation_answer(struct evaluation *evaluation, struct evaluation_answer *answer)
{
    struct stint_admission *admission = evaluation->admission;
    DL_DELETE(admission->evaluations, evaluation);
    if (evaluation->stage != EVALUATION_QUEUED)
        admission->running_count--;
    if (!answer->criteria)
        answer->criteria = "[]";
    for (size_t i = 0; i < evaluation->waiter_count; i++)
        if (evaluation->waiters[i].fn)
            evaluation->waiters[i].fn(evaluation->waiters[i].context, answer);
    evaluation_free(evaluation);
    admission_wake(admission, 0);
}

void evaluation_answer_code(struct evaluation *evaluation, enum stint_reason_code code,
                            const char *why, const char *fix)
{
    struct evaluation_answer answer = { .code = code };
    (void)snprintf(answer.why, sizeof(answer.why), "%s", why);
    (void)snprintf(answer.fix, sizeof(answer.fix), "%s", fix ? fix : "");
    evaluation_answer(evaluation, &answer);
}

static void answer_error(struct evaluation *evaluation, const struct stint_error *error)
{
    struct evaluation_answer answer = { .error = *error };
    evaluation_answer(evaluation, &answer);
}

static void say_verdict(struct stint_admission *admission, struct evaluation_answer *answer)
{
    static const char *const why[] = { "what must be known of it is missing", "",
                                       "it does not pass its rules" };
    answer->code = verdict_policy(admission, answer->digest, answer->result, answer->code);
    if (answer->code == STINT_REASON_NONE)
        return;
    (void)snprintf(answer->why, sizeof(answer->why), "%s", why[answer->result]);
    (void)snprintf(answer->fix, sizeof(answer->fix),
                   "each failed criterion says what would pass; or use another artefact");
}

/* The bytes are those that were judged before. */
void evaluation_answer_stored(struct evaluation *evaluation)
{
    struct evaluation_answer answer = {
        .code = evaluation->head.code,
        .result = evaluation->head.result,
        .verdict_id = evaluation->head.id,
        .criteria = evaluation->criteria,
    };
    (void)snprintf(answer.digest, sizeof(answer.digest), "%s", evaluation->known_digest);
    say_verdict(evaluation->admission, &answer);
    evaluation_answer(evaluation, &answer);
}

/* ---- judging */

void evaluation_answer_problem(struct evaluation *evaluation, const struct stint_error *problem)
{
    bool is_missing = problem->code == STINT_NOT_FOUND;
    evaluation_answer_code(
        evaluation, is_missing ? STINT_REASON_ArtifactMissing : STINT_REASON_EvaluationFailed,
        problem->text,
        is_missing && !problem->fix[0] ? "name a folder that is there and that you may read, or an "
                                         "artefact of `stint artifact list`"
                                       : problem->fix);
}

static int judge_start(struct evaluation *evaluation, struct stint_error *err);
void evaluation_not_started(struct evaluation *evaluation, int code, struct stint_error *err);

/* Was it told all that counts? What is said of these bytes is only known once their digest is. */
static bool was_told_all(const struct evaluation *evaluation)
{
    const struct stint_admission *admission = evaluation->admission;
    const struct document *document = &evaluation->document;
    bool is_ruled = strcmp(evaluation->told_rules, admission->rules_digest) == 0;
    bool is_named = document->names || strcmp(evaluation->told, document->digest) == 0;
    if (statements_standing(admission, document->digest) > 0 &&
        strcmp(evaluation->told, document->digest) != 0)
        return false;
    return is_ruled && (!is_named || evaluation->told_serial == admission->registry_serial);
}

static void judge_again(struct evaluation *evaluation)
{
    struct stint_error err = { 0 };
    (void)snprintf(evaluation->known_digest, sizeof(evaluation->known_digest), "%s",
                   evaluation->document.digest);
    document_deinit(&evaluation->document);
    free(stint_take(evaluation->output));
    int r = judge_start(evaluation, &err);
    if (r != 0)
        evaluation_not_started(evaluation, r, &err);
}

/* A verdict that was not told all is history: it never stands. */
static int keep_verdict(struct evaluation *evaluation, struct evaluation_answer *answer)
{
    const struct document *document = &evaluation->document;
    char context[DOCUMENT_DIGEST_SIZE] = "";
    if (was_told_all(evaluation))
        context_of(evaluation->admission, document->digest, document->names, context);
    return verdict_store(evaluation->admission, document,
                         evaluation->rules[0] ? evaluation->rules : document->rules, context,
                         evaluation->is_ours ? NULL : evaluation->path, evaluation->uid,
                         &answer->verdict_id, &answer->error);
}

static void evaluation_judged(struct evaluation *evaluation)
{
    struct stint_admission *admission = evaluation->admission;
    struct document *document = &evaluation->document;
    struct evaluation_answer answer = { .document = document, .criteria = document->criteria };
    if (document->problem.code != 0) {
        evaluation_answer_problem(evaluation, &document->problem);
        return;
    }
    if (evaluation->must_be[0] && strcmp(evaluation->must_be, document->digest) != 0) {
        evaluation_answer_code(evaluation, STINT_REASON_ArtifactChanged,
                               "its files are not those that were registered",
                               "restore them, or register it anew");
        return;
    }
    evaluation_remember(evaluation, document->digest);
    if (!was_told_all(evaluation) && evaluation->times < ADMISSION_JUDGE_AGAIN_MAX) {
        judge_again(evaluation);
        return;
    }
    answer.code = document->code;
    answer.result = document->result;
    (void)snprintf(answer.digest, sizeof(answer.digest), "%s", document->digest);
    if (evaluation->is_kept)
        answer.error.code = keep_verdict(evaluation, &answer);
    say_verdict(admission, &answer);
    evaluation_answer(evaluation, &answer);
}

static void read_in_worker(uv_work_t *work)
{
    struct evaluation *evaluation = work->data;
    evaluation->read_status =
        document_read(evaluation->output, evaluation->output_length, evaluation->kind,
                      evaluation->rules[0] ? evaluation->rules : NULL, &evaluation->document,
                      &evaluation->read_error);
}

static void read_on_done(uv_work_t *work, int status)
{
    struct evaluation *evaluation = work->data;
    if (!evaluation->admission) {
        evaluation_free(evaluation);
        return;
    }
    if (status != 0 || evaluation->read_status != 0)
        evaluation_answer_code(evaluation, STINT_REASON_EvaluationFailed,
                               evaluation->read_error.text[0]
                                   ? evaluation->read_error.text
                                   : "the evaluator's answer could not be read",
                               NULL);
    else
        evaluation_judged(evaluation);
}

/* What a tool that did not end well means. False when there is a document to read. */
bool evaluation_tool_failed(struct evaluation *evaluation, int result, int exit_status)
{
    struct stint_error error = { 0 };
    if (result == 0 && exit_status == 0)
        return false;
    if (result == -EPIPE || result == -ECANCELED || result == -ENOSYS) {
        (void)stint_fail(&error, STINT_BUSY, "the evaluator cannot be started now: %s",
                         strerror(-result));
        answer_error(evaluation, &error);
    } else if (result == -ETIMEDOUT) {
        evaluation_answer_code(evaluation, STINT_REASON_EvaluationFailed,
                               "judging it took too long",
                               "ask an operator to raise evaluation_timeout_s");
    } else {
        evaluation_answer_code(evaluation, STINT_REASON_EvaluationFailed,
                               "the evaluator ended abnormally",
                               "run `stint check` on it to see more");
    }
    return true;
}

static void judge_on_done(void *context, int result, int exit_status, const char *output,
                          size_t length)
{
    struct evaluation *evaluation = context;
    if (!evaluation->admission) {
        evaluation_free(evaluation);
        return;
    }
    if (evaluation_tool_failed(evaluation, result, exit_status))
        return;
    evaluation->output = malloc(length + 1);
    evaluation->output_length = length;
    if (evaluation->output) {
        memcpy(evaluation->output, output, length);
        evaluation->output[length] = '\0';
    }
    evaluation->stage = EVALUATION_READING;
    evaluation->work.data = evaluation;
    if (!evaluation->output || uv_queue_work(evaluation->admission->options.loop, &evaluation->work,
                                             read_in_worker, read_on_done) != 0)
        evaluation_answer_code(evaluation, STINT_REASON_EvaluationFailed,
                               "no memory to read the answer", NULL);
}

int evaluation_run_tool(struct evaluation *evaluation, const char *const *argv, const char *input,
                        stint_engine_tool_fn done, struct stint_error *err)
{
    struct stint_admission *admission = evaluation->admission;
    struct owner owner;
    owner_of(evaluation->uid, evaluation->gid, &owner);
    struct stint_tool_request request = {
        .owner = owner.run,
        .argv = argv,
        .input = input,
        .input_length = input ? strlen(input) : 0,
        .extra_fd = -1,
        .timeout_ms = (uint64_t)admission->options.evaluation_timeout_ms,
        .output_max = DOCUMENT_BYTES_MAX,
        .memory_bytes = ADMISSION_TOOL_MEMORY,
    };
    return stint_engine_run_tool(admission->options.engine, &request, done, evaluation, err);
}

/* A refusal of the engine is a word about us, not about the artefact. */
void evaluation_not_started(struct evaluation *evaluation, int code, struct stint_error *err)
{
    err->code = code < 0 ? STINT_BUSY : code;
    if (code == STINT_NOT_PERMITTED)
        evaluation_answer_code(evaluation, STINT_REASON_EvaluationFailed, err->text, err->fix);
    else
        answer_error(evaluation, err);
}

static int judge_start(struct evaluation *evaluation, struct stint_error *err)
{
    const struct stint_admission_options *options = &evaluation->admission->options;
    stint_auto(stint_buffer_deinit) struct stint_buffer evidence = { .bound = STINT_RUN_BODY_MAX };
    const char *argv[20];
    size_t n = 0;
    evidence_write(evaluation->admission, evaluation->known_digest, &evidence);
    if (evidence.failed)
        return stint_fail(err, -ENOMEM, "no memory to judge it");
    (void)snprintf(evaluation->told, sizeof(evaluation->told), "%s", evaluation->known_digest);
    memcpy(evaluation->told_rules, evaluation->admission->rules_digest,
           sizeof(evaluation->told_rules));
    evaluation->told_serial = evaluation->admission->registry_serial;
    evaluation->times++;
    argv[n++] = "judge";
    if (evaluation->is_background)
        argv[n++] = "--background";
    argv[n++] = "--kind";
    argv[n++] = evaluation->kind;
    if (evaluation->rules[0]) {
        argv[n++] = "--rules";
        argv[n++] = evaluation->rules;
    }
    if (options->rules_dir && *options->rules_dir) {
        argv[n++] = "--rules-dir";
        argv[n++] = options->rules_dir;
    }
    if (options->licences_dir && *options->licences_dir) {
        argv[n++] = "--licences-dir";
        argv[n++] = options->licences_dir;
    }
    if (options->catalogue_dir && *options->catalogue_dir) {
        argv[n++] = "--catalogue-dir";
        argv[n++] = options->catalogue_dir;
    }
    if (evaluation->name[0]) {
        argv[n++] = "--name";
        argv[n++] = evaluation->name;
    }
    if (evidence.length > 0) {
        argv[n++] = "--evidence";
        argv[n++] = "-";
    }
    argv[n++] = evaluation->path;
    argv[n] = NULL;
    evaluation->stage = EVALUATION_JUDGING;
    return evaluation_run_tool(evaluation, argv,
                               evidence.length > 0 ? stint_buffer_text(&evidence) : NULL,
                               judge_on_done, err);
}

void evaluation_judge(struct evaluation *evaluation)
{
    struct stint_error err = { 0 };
    int r = judge_start(evaluation, &err);
    if (r != 0)
        evaluation_not_started(evaluation, r, &err);
}

/* ---- the queue */

static size_t running_of(const struct stint_admission *admission, uid_t uid)
{
    size_t count = 0;
    for (const struct evaluation *at = admission->evaluations; at; at = at->next)
        count += at->uid == uid && at->stage != EVALUATION_QUEUED;
    return count;
}

/* Starts it; STINT_BUSY leaves it in the queue. */
static int evaluation_start(struct evaluation *evaluation)
{
    struct stint_admission *admission = evaluation->admission;
    struct stint_error err = { 0 };
    const struct verdict_head *head =
        evaluation->is_fresh || !evaluation->known_digest[0]
            ? NULL
            : verdict_find(admission, evaluation->known_digest, evaluation->rules);
    int r;
    admission->running_count++;
    if (head) {
        evaluation->head = *head;
        r = evaluation_recheck(evaluation, &err);
    } else {
        r = judge_start(evaluation, &err);
    }
    if (r == STINT_BUSY) {
        evaluation->stage = EVALUATION_QUEUED;
        admission->running_count--;
        return r;
    }
    if (r != 0)
        evaluation_not_started(evaluation, r, &err);
    return 0;
}

/* A look at a copy of ours is a moment of a worker, and waits for nobody's tools. */
static bool is_quick(struct stint_admission *admission, const struct evaluation *evaluation)
{
    return evaluation->is_ours && !evaluation->is_fresh &&
           verdict_find(admission, evaluation->known_digest, evaluation->rules) != NULL;
}

void evaluations_run(struct stint_admission *admission)
{
    struct evaluation *at, *next;
    DL_FOREACH_SAFE(admission->evaluations, at, next)
    {
        bool has_turn = is_quick(admission, at) ||
                        (admission->running_count < ADMISSION_RUNNING_MAX &&
                         running_of(admission, at->uid) < ADMISSION_RUNNING_OF_USER_MAX);
        if (at->stage != EVALUATION_QUEUED || !has_turn)
            continue;
        if (evaluation_start(at) == STINT_BUSY) {
            admission_wake(admission, ADMISSION_RETRY_MS);
            return;
        }
    }
}

static bool is_same(const struct evaluation *evaluation, const struct evaluation_ask *ask)
{
    return evaluation->uid == ask->uid && evaluation->gid == ask->gid &&
           strcmp(evaluation->kind, ask->kind) == 0 && strcmp(evaluation->rules, ask->rules) == 0 &&
           strcmp(evaluation->path, ask->path) == 0 && strcmp(evaluation->name, ask->name) == 0 &&
           strcmp(evaluation->must_be, ask->must_be) == 0 &&
           evaluation->is_fresh == ask->is_fresh && evaluation->is_background == ask->is_background;
}

/* Room for twice as many whenever it is full, at a power of two: thousands of one body may join. */
static int evaluation_join(struct evaluation *evaluation, evaluation_fn fn, void *context)
{
    struct waiter *waiters = evaluation->waiters;
    size_t count = evaluation->waiter_count;
    if ((count & (count - 1)) == 0)
        waiters = reallocarray(waiters, count ? 2 * count : 1, sizeof(*waiters));
    if (!waiters)
        return -ENOMEM;
    evaluation->waiters = waiters;
    waiters[evaluation->waiter_count++] = (struct waiter){ fn, context };
    return 0;
}

static bool evaluation_fill(const struct evaluation_ask *ask, struct evaluation *evaluation)
{
    evaluation->rules = strdup(ask->rules);
    evaluation->path = strdup(ask->path);
    evaluation->name = strdup(ask->name);
    evaluation->uid = ask->uid;
    evaluation->gid = ask->gid;
    evaluation->kind = kind_literal(ask->kind) ? kind_literal(ask->kind) : "auto";
    evaluation->is_ours = ask->is_ours;
    evaluation->is_fresh = ask->is_fresh;
    evaluation->is_background = ask->is_background;
    (void)snprintf(evaluation->known_digest, sizeof(evaluation->known_digest), "%s",
                   ask->known_digest);
    (void)snprintf(evaluation->must_be, sizeof(evaluation->must_be), "%s", ask->must_be);
    return evaluation->rules && evaluation->path && evaluation->name;
}

static struct evaluation *evaluation_new(struct stint_admission *admission,
                                         const struct evaluation_ask *ask)
{
    struct evaluation *evaluation = calloc(1, sizeof(*evaluation));
    if (!evaluation || !evaluation_fill(ask, evaluation)) {
        evaluation_free(evaluation);
        return NULL;
    }
    evaluation->admission = admission;
    return evaluation;
}

int evaluation_wanted(struct stint_admission *admission, const struct evaluation_ask *ask,
                      evaluation_fn fn, void *context, struct stint_error *err)
{
    struct evaluation *evaluation;
    DL_FOREACH(admission->evaluations, evaluation)
    {
        if (is_same(evaluation, ask))
            break;
    }
    if (!evaluation) {
        evaluation = evaluation_new(admission, ask);
        if (!evaluation)
            return stint_fail(err, -ENOMEM, "no memory to judge it");
        DL_APPEND(admission->evaluations, evaluation);
        admission_wake(admission, 0);
    }
    evaluation->is_kept = evaluation->is_kept || ask->is_kept;
    if (evaluation_join(evaluation, fn, context) != 0)
        return stint_fail(err, -ENOMEM, "no memory to judge it");
    return 0;
}

void evaluation_unwanted(struct stint_admission *admission, void *context)
{
    struct evaluation *evaluation;
    DL_FOREACH(admission->evaluations, evaluation)
    {
        for (size_t i = 0; i < evaluation->waiter_count; i++)
            if (evaluation->waiters[i].context == context)
                evaluation->waiters[i].fn = NULL;
    }
}

void evaluations_free(struct stint_admission *admission)
{
    struct evaluation *at, *next;
    DL_FOREACH_SAFE(admission->evaluations, at, next)
    {
        DL_DELETE(admission->evaluations, at);
        at->admission = NULL;
        if (at->stage == EVALUATION_QUEUED)
            evaluation_free(at);
    }
}
