/* Verdicts that do not stand any more, judged again without anybody asking: one child at a time,
 * and only while nobody waits for another judging. After a change (rules read again, an artefact or
 * a statement that came or went) each artefact is judged at most once, so two that name each other
 * end; one that names a stale one waits for it, and a circle is cut at its first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "state.h"
#include "stint/log.h"
#include "wake.h"

#define REJUDGE_LOOK_MAX 16   /* artefacts looked at in one turn of the loop */
#define REJUDGE_RETRY_MS 5000 /* the evaluator could not be started, or the store takes nothing */

/**
 * struct rejudge - the walk over the registered artefacts
 * @change: number of the change that is followed up; an artefact keeps that of its last judging
 * @cursor: digest of the artefact that was looked at last, "" at the beginning of a pass
 * @waiting: the first of this pass that waits for what it names, "" for none
 */
struct rejudge {
    struct stint_admission *admission;
    uint64_t change;
    int64_t due_ms;
    bool is_wanted;
    bool is_running;
    bool has_judged; /* in this pass: then there is another */
    char cursor[DOCUMENT_DIGEST_SIZE];
    char waiting[DOCUMENT_DIGEST_SIZE];
    char current[DOCUMENT_DIGEST_SIZE];
    struct stint_rejudge_report report;
};

int rejudge_open(struct stint_admission *admission)
{
    admission->rejudge = calloc(1, sizeof(*admission->rejudge));
    if (!admission->rejudge)
        return -ENOMEM;
    admission->rejudge->admission = admission;
    return 0;
}

void rejudge_free(struct stint_admission *admission)
{
    if (admission->rejudge)
        evaluation_unwanted(admission, admission->rejudge);
    free(admission->rejudge);
    admission->rejudge = NULL;
}

void rejudge_wanted(struct stint_admission *admission)
{
    struct rejudge *rejudge = admission->rejudge;
    int64_t after_ms = admission->options.rejudge_after_ms;
    if (after_ms <= 0)
        return;
    rejudge->change++;
    rejudge->is_wanted = true;
    rejudge->has_judged = false;
    rejudge->cursor[0] = rejudge->waiting[0] = '\0';
    rejudge->report = (struct stint_rejudge_report){ .is_under_way = true };
    rejudge->due_ms = (int64_t)uv_now(admission->options.loop) + after_ms;
    admission_wake(admission, after_ms);
}

void stint_admission_rejudge_report(const struct stint_admission *admission,
                                    struct stint_rejudge_report *ret_report)
{
    *ret_report = admission->rejudge->report;
}

/* ---- which is next */

static bool is_stale(struct stint_admission *admission, const struct artifact *artifact)
{
    return artifact->is_registered && artifact->kind &&
           artifact->rejudged_at != admission->rejudge->change &&
           !verdict_find(admission, artifact->digest, rules_of_kind(admission, artifact->kind));
}

/* Does it name another one that is to be judged before it? */
static bool waits_for_another(struct stint_admission *admission, const struct artifact *artifact)
{
    const struct verdict_head *head =
        verdict_newest(admission, artifact->digest, rules_of_kind(admission, artifact->kind));
    json_t *names = head && head->names ? json_loads(head->names, 0, NULL) : NULL;
    size_t index;
    const json_t *item;
    bool waits = false;
    json_array_foreach(names, index, item)
    {
        const char *name = json_string_value(item);
        const struct artifact *other = name ? artifact_by_any_case(admission, name) : NULL;
        if (other && other != artifact && is_stale(admission, other)) {
            waits = true;
            break;
        }
    }
    json_decref(names);
    return waits;
}

/* The next one after the cursor, NULL when the turn or the pass (*@ret_is_end) is over. */
static struct artifact *walk(struct stint_admission *admission, bool *ret_is_end)
{
    struct rejudge *rejudge = admission->rejudge;
    struct artifact *at =
        rejudge->cursor[0] ? artifact_by_digest(admission, rejudge->cursor) : NULL;
    at = at ? at->by_digest.next : admission->artifacts; /* gone: from the beginning */
    *ret_is_end = false;
    for (size_t i = 0; at && i < REJUDGE_LOOK_MAX; i++, at = at->by_digest.next) {
        memcpy(rejudge->cursor, at->digest, sizeof(rejudge->cursor));
        if (!is_stale(admission, at))
            continue;
        if (!waits_for_another(admission, at))
            return at;
        if (!rejudge->waiting[0])
            memcpy(rejudge->waiting, at->digest, sizeof(rejudge->waiting));
    }
    *ret_is_end = at == NULL;
    return NULL;
}

/* ---- one judging */

static void on_answer(void *context, const struct evaluation_answer *answer)
{
    struct rejudge *rejudge = context;
    struct stint_admission *admission = rejudge->admission;
    struct artifact *artifact = artifact_by_digest(admission, rejudge->current);
    rejudge->is_running = false;
    if (answer->error.code != 0) {
        if (artifact)
            artifact->rejudged_at = 0;
        rejudge->due_ms = (int64_t)uv_now(admission->options.loop) + REJUDGE_RETRY_MS;
        admission_wake(admission, REJUDGE_RETRY_MS);
        return;
    }
    rejudge->has_judged = true;
    if (answer->verdict_id > 0)
        rejudge->report.judged_count++;
    else
        rejudge->report.failed_count++;
    admission_wake(admission, 0);
}

static void start(struct stint_admission *admission, struct artifact *artifact)
{
    struct rejudge *rejudge = admission->rejudge;
    struct runner runner;
    artifact->rejudged_at = rejudge->change;
    if (!runner_of_artifact(admission, artifact, &runner)) {
        rejudge->report.failed_count++; /* judged when it is used, by who uses it */
        return;
    }
    struct evaluation_ask ask = ask_of_artifact(admission, artifact, &runner);
    ask.is_background = true;
    memcpy(rejudge->current, artifact->digest, sizeof(rejudge->current));
    rejudge->is_running = evaluation_wanted(admission, &ask, on_answer, rejudge, NULL) == 0;
    if (!rejudge->is_running)
        rejudge->report.failed_count++;
}

/* ---- the walk */

static void end(struct rejudge *rejudge)
{
    rejudge->is_wanted = false;
    rejudge->report.is_under_way = false;
    if (rejudge->report.judged_count + rejudge->report.failed_count > 0)
        stint_log(STINT_LOG_INFO, "judged-again", "artifacts=%zu failed=%zu",
                  rejudge->report.judged_count, rejudge->report.failed_count);
}

static void pass_end(struct stint_admission *admission)
{
    struct rejudge *rejudge = admission->rejudge;
    struct artifact *first =
        rejudge->waiting[0] ? artifact_by_digest(admission, rejudge->waiting) : NULL;
    if (!rejudge->has_judged && !rejudge->waiting[0]) {
        end(rejudge);
        return;
    }
    bool is_circle = !rejudge->has_judged;
    rejudge->cursor[0] = rejudge->waiting[0] = '\0';
    rejudge->has_judged = false;
    if (is_circle && first)
        start(admission, first);
}

int64_t rejudge_run(struct stint_admission *admission)
{
    struct rejudge *rejudge = admission->rejudge;
    int64_t now_ms = (int64_t)uv_now(admission->options.loop);
    bool is_end;
    if (!rejudge->is_wanted || rejudge->is_running)
        return -1;
    if (rejudge->due_ms > now_ms)
        return rejudge->due_ms - now_ms;
    if (admission->evaluations || admission->registrations)
        return -1; /* whoever ends there wakes us */
    struct artifact *artifact = walk(admission, &is_end);
    if (artifact)
        start(admission, artifact);
    else if (is_end)
        pass_end(admission);
    return rejudge->is_wanted && !rejudge->is_running ? 0 : -1;
}
