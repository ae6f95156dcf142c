/* The way out of artefacts: the row says removed, then the copy goes. What jobs use stays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state.h"
#include "stint/artifact.h"

struct digest_search {
    const char *digest;
    bool is_found;
};

static bool digest_search_on_job(void *context, const struct stint_job_view *view)
{
    struct digest_search *search = context;
    search->is_found = view->uses && strstr(view->uses, search->digest) != NULL;
    return !search->is_found;
}

struct removal {
    uv_work_t work;
    int store_fd;
    struct stint_sha256 digest;
};

static void remove_in_worker(uv_work_t *work)
{
    struct removal *removal = work->data;
    (void)stint_artifact_store_remove(removal->store_fd, &removal->digest, NULL);
}

static void remove_on_done(uv_work_t *work, int status)
{
    struct removal *removal = work->data;
    (void)status;
    (void)close(removal->store_fd);
    free(removal);
}

/* When the row is durably gone; a copy that stays behind after a crash only takes space. */
static void remove_on_durable(void *context, int status)
{
    struct removal *removal = context;
    uv_loop_t *loop = removal->work.data;
    removal->work.data = removal;
    if (status != 0 || uv_queue_work(loop, &removal->work, remove_in_worker, remove_on_done) != 0)
        remove_on_done(&removal->work, 0);
}

static void copy_remove(struct stint_admission *admission, const char *digest)
{
    struct removal *removal = calloc(1, sizeof(*removal));
    if (!removal)
        return;
    removal->store_fd = dup(admission->store_fd);
    removal->work.data = admission->options.loop;
    if (removal->store_fd < 0 || stint_sha256_parse(digest, &removal->digest, NULL) != 0 ||
        stint_store_after(admission->options.store, remove_on_durable, removal, NULL) != 0) {
        if (removal->store_fd >= 0)
            (void)close(removal->store_fd);
        free(removal);
    }
}

static int remove_check(struct stint_admission *admission, const struct stint_caller *caller,
                        const struct artifact *artifact, struct stint_error *err)
{
    struct digest_search search = { .digest = artifact->digest };
    if (artifact->registered_by != caller->uid && caller->role != STINT_ROLE_OPERATOR)
        return stint_fail(err, STINT_NOT_PERMITTED, "%s belongs to somebody else", artifact->name);
    stint_jobs_each(admission->options.jobs, digest_search_on_job, &search);
    if (search.is_found) {
        (void)stint_fail(err, STINT_CONFLICT, "jobs in the queue use %s", artifact->name);
        return stint_fix(err, STINT_CONFLICT, "wait until they have ended, or cancel them");
    }
    return stint_store_ready(admission->options.store, err);
}

int stint_admission_remove(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *reference, struct stint_error *err)
{
    struct artifact *artifact = artifact_by_reference(admission, reference);
    if (!artifact)
        return stint_fail(err, STINT_NOT_FOUND, "no artefact %.100s is registered", reference);
    int r = remove_check(admission, caller, artifact, err);
    if (r != 0)
        return r;
    struct stint_store_mark mark = stint_store_mark(admission->options.store);
    struct stint_artifact_row row = {
        .digest = artifact->digest,
        .name = artifact->name,
        .kind = artifact->kind,
        .path = artifact->path,
        .is_in_place = artifact->is_in_place,
        .bytes = artifact->bytes,
        .files = artifact->files,
        .state = "removed",
        .verdict = artifact->verdict,
        .registered_by = artifact->registered_by,
        .at_ms = admission->options.now_wall_ms(),
    };
    r = stint_store_put_artifact(admission->options.store, &row, err);
    if (r == 0)
        r = artifact_publish(admission, "artifact.remove", caller, artifact->name, artifact->digest,
                             artifact->kind, artifact->is_in_place, artifact->verdict, err);
    if (r != 0) {
        stint_store_rewind(admission->options.store, mark);
        return r;
    }
    if (!artifact->is_in_place)
        copy_remove(admission, artifact->digest);
    artifact_forget(admission, artifact);
    rejudge_wanted(admission);
    return 0;
}
