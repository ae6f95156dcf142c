/* Registered artefacts, and the paths that were used and judged ("seen"). Manifests stay in the
 * store: they can be long, and are read when one is rechecked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "state.h"

static const char *const kinds[STINT_USE_KIND_COUNT] = { "model", "dataset", "code" };

const char *kind_word(enum stint_use_kind kind)
{
    return (unsigned)kind < STINT_USE_KIND_COUNT ? kinds[kind] : "";
}

const char *kind_literal(const char *word)
{
    for (size_t i = 0; word && i < STINT_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i], word) == 0)
            return kinds[i];
    return NULL;
}

const char *rules_of_kind(const struct stint_admission *admission, const char *kind)
{
    for (size_t i = 0; kind && i < STINT_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return admission->options.rules[i];
    return "";
}

struct artifact *artifact_by_digest(const struct stint_admission *admission, const char *digest)
{
    struct artifact *artifact = NULL;
    HASH_FIND(by_digest, admission->artifacts, digest, strlen(digest), artifact);
    return artifact;
}

struct artifact *artifact_by_path(const struct stint_admission *admission, const char *path)
{
    struct artifact *artifact = NULL;
    HASH_FIND(by_path, admission->artifacts_by_path, path, strlen(path), artifact);
    return artifact;
}

/* ---- by name, whatever its case */

struct named {
    UT_hash_handle hh;
    char *key; /* in lower case */
    struct artifact *newest;
};

static char *lower_case(const char *name)
{
    char *key = strdup(name);
    for (char *c = key; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return key;
}

static struct named *named_find(const struct stint_admission *admission, const char *key)
{
    struct named *named = NULL;
    HASH_FIND(hh, admission->named, key, strlen(key), named);
    return named;
}

struct artifact *artifact_by_any_case(const struct stint_admission *admission, const char *name)
{
    stint_auto(stint_free) char *key = lower_case(name);
    const struct named *named = key ? named_find(admission, key) : NULL;
    return named ? named->newest : NULL;
}

static int named_keep(struct stint_admission *admission, struct artifact *artifact)
{
    stint_auto(stint_free) char *key = lower_case(artifact->name);
    struct named *named = key ? named_find(admission, key) : NULL;
    registry_changed(admission);
    if (!key)
        return -ENOMEM;
    if (!named) {
        if (!(named = calloc(1, sizeof(*named))))
            return -ENOMEM;
        named->key = stint_take(key);
        HASH_ADD_KEYPTR(hh, admission->named, named->key, strlen(named->key), named);
    }
    if (!named->newest || artifact->at_ms >= named->newest->at_ms)
        named->newest = artifact;
    return 0;
}

/* The next newest takes its place. O(artefacts), and rare. */
static void named_forget(struct stint_admission *admission, const struct artifact *artifact)
{
    stint_auto(stint_free) char *key = lower_case(artifact->name);
    struct named *named = key ? named_find(admission, key) : NULL;
    registry_changed(admission);
    if (!named || named->newest != artifact)
        return;
    named->newest = NULL;
    for (struct artifact *at = admission->artifacts; at; at = at->by_digest.next)
        if (at != artifact && at->is_registered && strcasecmp(at->name, key) == 0 &&
            (!named->newest || at->at_ms >= named->newest->at_ms))
            named->newest = at;
}

static void named_free(struct stint_admission *admission)
{
    struct named *named = admission->named, *next;
    HASH_CLEAR(hh, admission->named); /* frees the table alone; the rows stay a list */
    for (; named; named = next) {
        next = named->hh.next;
        free(named->key);
        free(named);
    }
}

/* The newest registered one called so. O(artefacts): names are asked for once a submission, and a
 * site has hundreds. */
static struct artifact *newest_named(const struct stint_admission *admission, const char *name,
                                     size_t length)
{
    struct artifact *best = NULL;
    for (struct artifact *at = admission->artifacts; at; at = at->by_digest.next) {
        if (!at->is_registered || strlen(at->name) != length || memcmp(at->name, name, length) != 0)
            continue;
        if (!best || at->at_ms >= best->at_ms)
            best = at;
    }
    return best;
}

struct artifact *artifact_by_name(const struct stint_admission *admission, const char *name)
{
    return newest_named(admission, name, strlen(name));
}

struct artifact *artifact_by_reference(const struct stint_admission *admission,
                                       const char *reference)
{
    const char *at = strchr(reference, '@');
    const char *digest = at ? at + 1 : reference;
    if (!at && strncmp(reference, "sha256:", 7) != 0)
        return artifact_by_name(admission, reference);
    struct artifact *artifact = artifact_by_digest(admission, digest);
    if (!artifact || !artifact->is_registered)
        return NULL;
    if (at && (strlen(artifact->name) != (size_t)(at - reference) ||
               memcmp(artifact->name, reference, (size_t)(at - reference)) != 0))
        return NULL;
    return artifact;
}

static void artifact_free(struct artifact *artifact)
{
    if (!artifact)
        return;
    free(artifact->name);
    free(artifact->path);
    free(artifact);
}

void artifact_forget(struct stint_admission *admission, struct artifact *artifact)
{
    HASH_DELETE(by_digest, admission->artifacts, artifact);
    if (artifact->is_by_path)
        HASH_DELETE(by_path, admission->artifacts_by_path, artifact);
    if (artifact->is_registered)
        named_forget(admission, artifact);
    else
        admission->seen_count--;
    artifact_free(artifact);
}

static void path_keep(struct stint_admission *admission, struct artifact *artifact)
{
    struct artifact *before = artifact_by_path(admission, artifact->path);
    if (before) {
        HASH_DELETE(by_path, admission->artifacts_by_path, before);
        before->is_by_path = false;
    }
    HASH_ADD_KEYPTR(by_path, admission->artifacts_by_path, artifact->path, strlen(artifact->path),
                    artifact);
    artifact->is_by_path = true;
}

static bool artifact_fill(const struct stint_artifact_row *row, struct artifact *artifact)
{
    artifact->name = strdup(row->name ? row->name : "");
    artifact->path = strdup(row->path ? row->path : "");
    (void)snprintf(artifact->digest, sizeof(artifact->digest), "%s", row->digest);
    artifact->kind = kind_literal(row->kind);
    artifact->is_registered = row->state && strcmp(row->state, "registered") == 0;
    artifact->is_in_place = row->is_in_place;
    artifact->bytes = row->bytes;
    artifact->files = row->files;
    artifact->at_ms = row->at_ms;
    artifact->verdict = row->verdict;
    artifact->registered_by = row->registered_by;
    return artifact->name && artifact->path;
}

int artifact_keep(struct stint_admission *admission, const struct stint_artifact_row *row)
{
    struct artifact *before = artifact_by_digest(admission, row->digest);
    struct artifact *artifact = calloc(1, sizeof(*artifact));
    if (!artifact || !artifact_fill(row, artifact)) {
        artifact_free(artifact);
        return -ENOMEM;
    }
    if (before)
        artifact_forget(admission, before);
    if (!artifact->is_registered && admission->seen_count >= ADMISSION_SEEN_MAX) {
        artifact_free(artifact); /* not remembered: judged again when it comes again */
        return 0;
    }
    HASH_ADD(by_digest, admission->artifacts, digest, strlen(artifact->digest), artifact);
    if (artifact->is_in_place)
        path_keep(admission, artifact);
    if (artifact->is_registered)
        return named_keep(admission, artifact);
    admission->seen_count++;
    return 0;
}

void artifacts_free(struct stint_admission *admission)
{
    struct artifact *artifact = admission->artifacts, *next;
    named_free(admission);
    registry_changed(admission);
    HASH_CLEAR(by_path, admission->artifacts_by_path);
    HASH_CLEAR(by_digest, admission->artifacts); /* frees the table alone; the rows stay a list */
    for (; artifact; artifact = next) {
        next = artifact->by_digest.next;
        artifact_free(artifact);
    }
    admission->seen_count = 0;
}

/* ---- views */

static void view_fill(struct stint_admission *admission, const struct artifact *artifact,
                      struct stint_artifact_view *view)
{
    static char now[DOCUMENT_DIGEST_SIZE]; /* as borrowed as the rest of the view */
    const char *rules = rules_of_kind(admission, artifact->kind);
    const struct verdict_head *head = verdict_find(admission, artifact->digest, rules);
    const struct verdict_head *last =
        head ? head : verdict_newest(admission, artifact->digest, rules);
    context_of(admission, artifact->digest, last ? last->names : NULL, now);
    *view = (struct stint_artifact_view){
        .name = artifact->name,
        .digest = artifact->digest,
        .kind = artifact->kind ? artifact->kind : "",
        .path = artifact->path,
        .is_in_place = artifact->is_in_place,
        .bytes = artifact->bytes,
        .files = artifact->files,
        .registered_ms = artifact->at_ms,
        .verdict_id = last ? last->id : artifact->verdict,
        .result = document_result_name(head ? head->result : DOCUMENT_UNKNOWN),
        .rules = rules,
        .is_stale = !head,
        .was = last && !head ? document_result_name(last->result) : NULL,
        .judged_under = last && last->context[0] ? last->context : NULL,
        .now_under = now,
    };
}

void stint_admission_each_artifact(struct stint_admission *admission,
                                   bool (*fn)(void *context,
                                              const struct stint_artifact_view *view),
                                   void *context)
{
    struct artifact *artifact, *next;
    HASH_ITER(by_digest, admission->artifacts, artifact, next)
    {
        struct stint_artifact_view view;
        if (!artifact->is_registered)
            continue;
        view_fill(admission, artifact, &view);
        if (!fn(context, &view))
            return;
    }
}

int stint_admission_artifact(struct stint_admission *admission, const char *reference,
                             struct stint_artifact_view *ret_view)
{
    const struct artifact *artifact = artifact_by_reference(admission, reference);
    if (!artifact)
        return STINT_NOT_FOUND;
    view_fill(admission, artifact, ret_view);
    return 0;
}
