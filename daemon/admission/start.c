/* Are the bytes of a job still what was judged? Asked before each start (invariant 2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "state.h"

#define START_USES_MAX (STINT_USE_KIND_COUNT * STINT_REQUEST_USES_MAX)

/**
 * struct start_check - one question; it is answered when nothing is waited for any more
 */
struct start_check {
    struct stint_admission *admission;
    struct start_check *prev;
    struct start_check *next;
    uid_t uid;
    gid_t gid;
    stint_recheck_fn done;
    void *context;
    size_t waiting_count;
    enum stint_reason_code code;
    char why[240];
};

/* The first that is wrong is the answer. */
static void check_fail(struct start_check *check, enum stint_reason_code code, const char *why)
{
    if (check->code != STINT_REASON_NONE)
        return;
    check->code = code;
    (void)snprintf(check->why, sizeof(check->why), "%s", why);
}

static void check_end(struct start_check *check)
{
    DL_DELETE(check->admission->checks, check);
    check->done(check->context, check->code, check->why);
    free(check);
}

static void check_on_answer(void *context, const struct evaluation_answer *answer)
{
    struct start_check *check = context;
    if (answer->error.code != 0)
        check_fail(check, STINT_REASON_EvaluationFailed, answer->error.text);
    else if (answer->code == STINT_REASON_NotReviewedYet) /* at its start it waits for nobody */
        check_fail(
            check, STINT_REASON_PolicyForbids,
            "its verdict is unknown, and the waiver that let it in was revoked or has ended");
    else if (answer->code != STINT_REASON_NONE)
        check_fail(check, answer->code, answer->why);
    if (--check->waiting_count == 0)
        check_end(check);
}

static void check_ask(struct start_check *check, const char *kind, const char *digest,
                      const char *path, bool is_ours)
{
    struct stint_admission *admission = check->admission;
    const struct artifact *artifact = artifact_by_digest(admission, digest);
    struct stint_error err = { 0 };
    if (!kind_literal(kind)) {
        check_fail(check, STINT_REASON_EvaluationFailed, "an artefact of no known kind");
        return;
    }
    struct evaluation_ask ask = {
        .uid = check->uid,
        .gid = check->gid,
        .kind = kind,
        .rules = rules_of_kind(admission, kind),
        .path = path,
        .name = artifact && artifact->is_registered ? artifact->name : "",
        .known_digest = digest,
        .must_be = digest,
        .is_ours = is_ours,
        .is_kept = true,
    };
    int r = evaluation_wanted(admission, &ask, check_on_answer, check, &err);
    if (r != 0)
        check_fail(check, STINT_REASON_EvaluationFailed, err.text);
    else
        check->waiting_count++;
}

/* @kind, @path: NULL takes those that are known of the digest. */
static void check_one(struct start_check *check, const char *digest, const char *kind,
                      const char *path)
{
    const struct artifact *artifact = artifact_by_digest(check->admission, digest);
    bool is_ours =
        artifact && !artifact->is_in_place && (!path || strcmp(path, artifact->path) == 0);
    if (!path && artifact)
        path = artifact->path;
    if (!kind && artifact)
        kind = artifact->kind;
    if (!path || !kind || strlen(digest) >= DOCUMENT_DIGEST_SIZE)
        check_fail(check, STINT_REASON_ArtifactMissing, "an artefact of it is not known any more");
    else
        check_ask(check, kind, digest, path, is_ours);
}

static struct start_check *check_new(struct stint_admission *admission, uid_t uid, gid_t gid,
                                     stint_recheck_fn done, void *context)
{
    struct start_check *check = calloc(1, sizeof(*check));
    if (!check) {
        done(context, STINT_REASON_EvaluationFailed, "no memory to look at its artefacts");
        return NULL;
    }
    check->admission = admission;
    check->uid = uid;
    check->gid = gid;
    check->done = done;
    check->context = context;
    DL_APPEND(admission->checks, check);
    return check;
}

void stint_admission_check_start(struct stint_admission *admission, uid_t uid, gid_t gid,
                                 const char *const *digests, size_t digest_count,
                                 stint_recheck_fn done, void *context)
{
    struct start_check *check = check_new(admission, uid, gid, done, context);
    if (!check)
        return;
    for (size_t i = 0; i < digest_count; i++)
        check_one(check, digests[i], NULL, NULL);
    if (check->waiting_count == 0)
        check_end(check);
}

void stint_admission_check_uses(struct stint_admission *admission, uid_t uid, gid_t gid,
                                const char *uses, stint_recheck_fn done, void *context)
{
    struct start_check *check = check_new(admission, uid, gid, done, context);
    json_t *list = check ? json_loads(uses, JSON_REJECT_DUPLICATES, NULL) : NULL;
    size_t count = json_array_size(list);
    if (!check)
        return;
    if (!json_is_array(list) || count > START_USES_MAX)
        check_fail(check, STINT_REASON_EvaluationFailed, "its stored uses do not read back");
    for (size_t i = 0; i < count && check->code == STINT_REASON_NONE; i++) {
        const json_t *use = json_array_get(list, i);
        const char *digest = json_string_value(json_object_get(use, "digest"));
        const char *kind = kind_literal(json_string_value(json_object_get(use, "kind")));
        if (digest && kind)
            check_one(check, digest, kind, json_string_value(json_object_get(use, "path")));
        else
            check_fail(check, STINT_REASON_EvaluationFailed, "its stored uses do not read back");
    }
    json_decref(list);
    if (check->waiting_count == 0)
        check_end(check);
}

void checks_free(struct stint_admission *admission)
{
    struct start_check *check, *next;
    DL_FOREACH_SAFE(admission->checks, check, next)
    {
        evaluation_unwanted(admission, check);
        DL_DELETE(admission->checks, check);
        free(check);
    }
}
