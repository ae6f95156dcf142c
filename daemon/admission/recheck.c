/* Is what lies there still what was judged? A copy of our own is, while its stat identity is what
 * it was; everything else a tool compares with the manifest, as the user whose files it may be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation.h"
#include "stint/artifact.h"

/* The bytes of ours at @seen are those of its digest: what is the same later needs no look. Taken
 * before the look, so that a write meanwhile is seen the next time. */
void evaluation_remember(const struct evaluation *evaluation, const char *digest)
{
    struct artifact *artifact = artifact_by_digest(evaluation->admission, digest);
    if (!artifact || artifact->is_in_place || !evaluation->is_ours || !evaluation->has_seen)
        return;
    artifact->identity = evaluation->seen;
    artifact->has_identity = true;
}

static void recheck_decide(struct evaluation *evaluation, enum document_recheck result,
                           const char *path)
{
    char why[240];
    switch (result) {
    case DOCUMENT_RECHECK_UNCHANGED:
        evaluation_remember(evaluation, evaluation->known_digest);
        evaluation_answer_stored(evaluation);
        return;
    case DOCUMENT_RECHECK_MISSING:
        evaluation_answer_code(evaluation, STINT_REASON_ArtifactMissing, "it is not there any more",
                               "put it back, or name another");
        return;
    case DOCUMENT_RECHECK_CHANGED:
        if (!evaluation->must_be[0]) {
            evaluation_judge(evaluation);
            return;
        }
        (void)snprintf(why, sizeof(why), "it changed since it was judged: %.180s", path);
        evaluation_answer_code(evaluation, STINT_REASON_ArtifactChanged, why,
                               "restore it, or register it anew");
        return;
    }
}

static void recheck_on_done(void *context, int result, int exit_status, const char *output,
                            size_t length)
{
    struct evaluation *evaluation = context;
    enum document_recheck outcome = DOCUMENT_RECHECK_CHANGED;
    struct stint_error err = { 0 };
    char path[256] = "";
    if (!evaluation->admission) {
        evaluation_free(evaluation);
        return;
    }
    if (evaluation_tool_failed(evaluation, result, exit_status))
        return;
    int r = document_read_recheck(output, length, &outcome, path, &err);
    if (r != 0)
        evaluation_answer_problem(evaluation, &err);
    else
        recheck_decide(evaluation, outcome, path);
}

static void recheck_now(struct evaluation *evaluation)
{
    const char *argv[] = { "recheck", evaluation->path, NULL };
    struct stint_error err = { 0 };
    evaluation->stage = EVALUATION_RECHECKING;
    int r = evaluation_run_tool(evaluation, argv, evaluation->manifest, recheck_on_done, &err);
    if (r != 0)
        evaluation_not_started(evaluation, r, &err);
}

/* ---- fetching the manifest of the last judging, and why it failed then */

static bool fetch_on_artifact(void *context, const struct stint_artifact_row *row)
{
    struct evaluation *evaluation = context;
    if (strcmp(row->digest, evaluation->known_digest) != 0)
        return true;
    if (row->manifest)
        evaluation->manifest = strdup(row->manifest);
    return false;
}

static bool fetch_on_verdict(void *context, const struct stint_verdict_row *row)
{
    struct evaluation *evaluation = context;
    if (row->document)
        evaluation->criteria = document_criteria_of_verdict(row->document);
    return false;
}

/* The first look after a start: as the copy was when it was written, which its manifest knows. */
static bool is_as_written(const struct evaluation *evaluation)
{
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_sha256 written;
    const char *text = evaluation->manifest;
    if (!text || !evaluation->has_seen ||
        stint_artifact_manifest_parse(text, strlen(text), &manifest, NULL) != 0)
        return false;
    stint_artifact_manifest_identity(&manifest, &written);
    stint_artifact_manifest_deinit(&manifest);
    return memcmp(&evaluation->seen, &written, sizeof(written)) == 0;
}

static int fetch_in_worker(struct stint_reader *reader, void *context)
{
    struct evaluation *evaluation = context;
    int r = 0;
    if (evaluation->is_ours) {
        evaluation->has_seen =
            stint_artifact_identity(evaluation->path, &evaluation->seen, NULL) == 0;
        evaluation->is_same =
            evaluation->has_seen && evaluation->has_known &&
            memcmp(&evaluation->seen, &evaluation->known, sizeof(evaluation->seen)) == 0;
    }
    if (!evaluation->is_same)
        r = stint_reader_each_artifact(reader, fetch_on_artifact, evaluation);
    if (r == 0 && evaluation->is_ours && !evaluation->is_same)
        evaluation->is_same = is_as_written(evaluation);
    if (r == 0 && evaluation->head.code != STINT_REASON_NONE)
        r = stint_reader_verdict(reader, evaluation->head.id, fetch_on_verdict, evaluation);
    return r == -ENOENT ? 0 : r;
}

static void fetch_on_done(void *context, int status)
{
    struct evaluation *evaluation = context;
    if (!evaluation->admission) {
        evaluation_free(evaluation);
    } else if (status == 0 && evaluation->is_same) {
        evaluation_remember(evaluation, evaluation->known_digest);
        evaluation_answer_stored(evaluation);
    } else if (status == 0 && evaluation->manifest &&
               strlen(evaluation->manifest) <= STINT_RUN_BODY_MAX) {
        recheck_now(evaluation);
    } else { /* no manifest, or one too long to hand over: hash it all again */
        evaluation_judge(evaluation);
    }
}

int evaluation_recheck(struct evaluation *evaluation, struct stint_error *err)
{
    struct stint_admission *admission = evaluation->admission;
    const struct artifact *artifact =
        evaluation->is_ours ? artifact_by_digest(admission, evaluation->known_digest) : NULL;
    evaluation->stage = EVALUATION_FETCHING;
    evaluation->has_known = artifact && artifact->has_identity;
    if (evaluation->has_known)
        evaluation->known = artifact->identity;
    return stint_store_read(admission->options.store, fetch_in_worker, fetch_on_done, evaluation,
                            err);
}
