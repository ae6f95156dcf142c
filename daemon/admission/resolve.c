/* A use, from its words to an artefact with its digest and verdict. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

void use_deinit(struct use_state *state)
{
    free(state->criteria);
    state->criteria = NULL;
}

static void refuse(struct use_state *state, enum stint_reason_code code, const char *why,
                   const char *fix)
{
    state->code = code;
    (void)snprintf(state->why, sizeof(state->why), "%s", why);
    (void)snprintf(state->fix, sizeof(state->fix), "%s", fix);
}

static int want(struct stint_admission *admission, const struct stint_caller *caller,
                const struct evaluation_ask *ask, struct use_state *state, evaluation_fn fn,
                void *context, struct stint_error *err)
{
    int r = evaluation_wanted(admission, ask, fn, context, err);
    (void)caller;
    state->is_waiting = r == 0;
    return r;
}

static int path_resolve(struct stint_admission *admission, const struct stint_caller *caller,
                        const struct stint_use *use, bool is_kept, struct use_state *state,
                        evaluation_fn fn, void *context, struct stint_error *err)
{
    const char *last = strrchr(use->reference, '/');
    const struct artifact *known = artifact_by_path(admission, use->reference);
    struct evaluation_ask ask = {
        .uid = caller->uid,
        .gid = caller->gid,
        .kind = kind_word(use->kind),
        .rules = admission->options.rules[use->kind],
        .path = use->reference,
        .name = "",
        .known_digest = known ? known->digest : "",
        .must_be = "",
        .is_kept = is_kept,
    };
    (void)snprintf(state->use.name, sizeof(state->use.name), "%.*s",
                   (int)sizeof(state->use.name) - 1, last && last[1] ? last + 1 : "root");
    (void)snprintf(state->use.path, sizeof(state->use.path), "%s", use->reference);
    state->use.is_in_place = true;
    return want(admission, caller, &ask, state, fn, context, err);
}

static void refuse_unknown(const struct stint_use *use, struct use_state *state)
{
    char why[240];
    (void)snprintf(why, sizeof(why), "no artefact %.160s is registered", use->reference);
    refuse(state, STINT_REASON_ArtifactMissing, why,
           "see `stint artifact list`, or name a folder by its path");
}

/* A model under the rules of data sets would be judged by what data sets owe, and that is less. */
static void refuse_kind(const struct stint_use *use, const struct artifact *artifact,
                        struct use_state *state)
{
    static const char *const options[] = { "--model", "--data", "--code" };
    char why[240], fix[64];
    size_t is = artifact->kind && strcmp(artifact->kind, "dataset") == 0 ? 1
                : artifact->kind && strcmp(artifact->kind, "code") == 0  ? 2
                                                                         : 0;
    (void)snprintf(why, sizeof(why), "%.120s is registered as a %s", use->reference,
                   artifact->kind ? artifact->kind : "model");
    (void)snprintf(fix, sizeof(fix), "use it with %s", options[is]);
    refuse(state, STINT_REASON_ArtifactMissing, why, fix);
}

bool use_is_quick(struct stint_admission *admission, const struct stint_use *use)
{
    const struct artifact *artifact =
        use->reference[0] == '/' ? NULL : artifact_by_reference(admission, use->reference);
    if (!artifact || artifact->is_in_place || !artifact->has_identity)
        return false;
    const struct verdict_head *head =
        verdict_find(admission, artifact->digest, admission->options.rules[use->kind]);
    return head && verdict_policy(admission, artifact->digest, head->result, head->code) ==
                       STINT_REASON_NONE;
}

int use_resolve(struct stint_admission *admission, const struct stint_caller *caller,
                const struct stint_use *use, bool is_kept, struct use_state *state,
                evaluation_fn fn, void *context, struct stint_error *err)
{
    if (use->reference[0] == '/')
        return path_resolve(admission, caller, use, is_kept, state, fn, context, err);
    const struct artifact *artifact = artifact_by_reference(admission, use->reference);
    (void)snprintf(state->use.name, sizeof(state->use.name), "%.*s",
                   (int)sizeof(state->use.name) - 1, artifact ? artifact->name : use->reference);
    if (!artifact) {
        refuse_unknown(use, state);
        return 0;
    }
    state->is_registered = true;
    (void)snprintf(state->use.digest, sizeof(state->use.digest), "%s", artifact->digest);
    (void)snprintf(state->use.path, sizeof(state->use.path), "%s", artifact->path);
    state->use.is_in_place = artifact->is_in_place;
    if (!artifact->kind || strcmp(artifact->kind, kind_word(use->kind)) != 0) {
        refuse_kind(use, artifact, state);
        return 0;
    }
    const char *rules = admission->options.rules[use->kind];
    struct evaluation_ask ask = {
        .uid = caller->uid,
        .gid = caller->gid,
        .kind = artifact->kind,
        .rules = rules,
        .path = artifact->path,
        .name = artifact->name,
        .known_digest = artifact->digest,
        .must_be = artifact->digest,
        .is_ours = !artifact->is_in_place,
        .is_kept = is_kept,
    };
    return want(admission, caller, &ask, state, fn, context, err);
}

void use_answered(struct stint_admission *admission, const struct evaluation_answer *answer,
                  struct use_state *state)
{
    (void)admission;
    state->is_waiting = false;
    state->result = answer->result;
    refuse(state, answer->code, answer->why, answer->fix);
    if (answer->digest[0])
        (void)snprintf(state->use.digest, sizeof(state->use.digest), "%s", answer->digest);
    state->use.verdict_id = answer->verdict_id;
    if (answer->code == STINT_REASON_NONE)
        return;
    free(state->criteria);
    state->criteria = strdup(answer->criteria); /* without memory: refused without its details */
}
