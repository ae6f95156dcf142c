/* Admission's beginning and end, its timer, and the way back from the store. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"
#include "wake.h"

struct admission_life *life_ref(struct admission_life *life)
{
    life->refs++;
    return life;
}

void life_unref(struct admission_life *life)
{
    if (--life->refs == 0)
        free(life);
}

/* ---- the timer */

static void timer_on_due(uv_timer_t *timer)
{
    struct stint_admission *admission = timer->data;
    evaluations_run(admission);
    registrations_run(admission);
    int64_t next_ms = submissions_expire(admission);
    int64_t rejudge_ms = rejudge_run(admission);
    if (next_ms >= 0)
        admission_wake(admission, next_ms);
    if (rejudge_ms >= 0)
        admission_wake(admission, rejudge_ms);
}

void admission_wake(struct stint_admission *admission, int64_t in_ms)
{
    uint64_t due_in = uv_timer_get_due_in(admission->timer);
    if (uv_is_active((uv_handle_t *)admission->timer) && due_in <= (uint64_t)in_ms)
        return;
    (void)uv_timer_start(admission->timer, timer_on_due, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

static void timer_on_closed(uv_handle_t *handle)
{
    free(handle);
}

static int timer_open(struct stint_admission *admission)
{
    uv_timer_t *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    int r = uv_timer_init(admission->options.loop, timer);
    if (r != 0) {
        free(timer);
        return r;
    }
    timer->data = admission;
    admission->timer = timer;
    return 0;
}

/* ---- the store of copies */

static int store_open(struct stint_admission *admission, struct stint_error *err)
{
    const char *path = admission->options.artifact_store;
    if (!path || path[0] != '/')
        return stint_fail(err, STINT_INVALID, "the artefact store needs an absolute path");
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return stint_fail(err, -errno, "%s cannot be made: %s", path, strerror(errno));
    admission->store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (admission->store_fd < 0)
        return stint_fail(err, -errno, "%s cannot be opened: %s", path, strerror(errno));
    return 0;
}

int stint_admission_new(const struct stint_admission_options *options,
                        struct stint_admission **ret_admission, struct stint_error *err)
{
    struct stint_admission *admission = calloc(1, sizeof(*admission));
    if (!admission)
        return -ENOMEM;
    admission->options = *options;
    admission->store_fd = -1;
    admission->life = calloc(1, sizeof(*admission->life));
    int r = admission->life ? timer_open(admission) : -ENOMEM;
    if (r == 0)
        r = rejudge_open(admission);
    if (admission->life)
        admission->life->refs = 1;
    if (r == 0)
        r = rules_check(options, err);
    if (r == 0)
        r = store_open(admission, err);
    if (r != 0) {
        (void)stint_admission_free(admission);
        return r;
    }
    *ret_admission = admission;
    return 0;
}

struct stint_admission *stint_admission_free(struct stint_admission *admission)
{
    if (!admission)
        return NULL;
    if (admission->life) {
        admission->life->is_over = true;
        submissions_free(admission);
        registrations_free(admission);
        attests_free(admission);
        checks_free(admission);
        rejudge_free(admission);
        evaluations_free(admission);
        life_unref(admission->life);
    }
    artifacts_free(admission);
    verdicts_free(admission);
    statements_free(admission);
    waivers_free(admission);
    free(admission->registry);
    if (admission->timer)
        uv_close((uv_handle_t *)admission->timer, timer_on_closed);
    if (admission->store_fd >= 0)
        (void)close(admission->store_fd);
    free(admission);
    return NULL;
}

/* Nothing is taken up unless everything can be. What was judged by other rules, or with another
 * catalogue, does not stand any more, and is judged anew when it is used, or soon. */
int stint_admission_reload(struct stint_admission *admission,
                           const struct stint_admission_options *options, struct stint_error *err)
{
    struct stint_sha256 digest;
    int r = rules_check(options, err);
    if (r == 0)
        r = stint_admission_rules_digest(options, &digest, err);
    if (r != 0)
        return r;
    admission->options = *options;
    (void)stint_sha256_hex(&digest, admission->rules_digest + 7);
    registry_changed(admission);
    rejudge_wanted(admission);
    return 0;
}

/* ---- from the store */

struct loading {
    struct stint_admission *admission;
    int status;
};

static bool load_on_artifact(void *context, const struct stint_artifact_row *row)
{
    struct loading *loading = context;
    if (row->state && strcmp(row->state, "removed") == 0)
        return true;
    loading->status = artifact_keep(loading->admission, row);
    return loading->status == 0;
}

static enum stint_reason_code reason_from_name(const char *name)
{
    for (int code = 1; name && code < STINT_REASON_COUNT; code++)
        if (strcmp(stint_reason_name((enum stint_reason_code)code), name) == 0)
            return (enum stint_reason_code)code;
    return STINT_REASON_NONE;
}

/* In ascending order of ids: the newest stays. Whether it stands is asked when it is looked for. */
static bool load_on_verdict(void *context, const struct stint_verdict_row *row)
{
    struct loading *loading = context;
    loading->status = verdict_keep(loading->admission, row, document_result_from_name(row->result),
                                   reason_from_name(row->reason));
    return loading->status == 0;
}

static bool load_on_statement(void *context, const struct stint_attestation_row *row)
{
    struct loading *loading = context;
    loading->status = statement_keep(loading->admission, row);
    return loading->status == 0;
}

static bool load_on_waiver(void *context, const struct stint_waiver_row *row)
{
    struct loading *loading = context;
    loading->status = waiver_keep(loading->admission, row);
    return loading->status == 0;
}

static int load_rules_digest(struct stint_admission *admission, struct stint_error *err)
{
    struct stint_sha256 digest;
    int r = stint_admission_rules_digest(&admission->options, &digest, err);
    if (r != 0)
        return r;
    memcpy(admission->rules_digest, "sha256:", 7);
    (void)stint_sha256_hex(&digest, admission->rules_digest + 7);
    registry_changed(admission);
    return 0;
}

int stint_admission_load(struct stint_admission *admission, struct stint_error *err)
{
    struct stint_reader *reader = stint_store_reader(admission->options.store);
    struct loading loading = { .admission = admission };
    int r = load_rules_digest(admission, err);
    if (r != 0)
        return r;
    artifacts_free(admission);
    verdicts_free(admission);
    statements_free(admission);
    waivers_free(admission);
    r = stint_reader_each_artifact(reader, load_on_artifact, &loading);
    if (r == 0 && loading.status == 0)
        r = stint_reader_each_attestation(reader, load_on_statement, &loading);
    if (r == 0 && loading.status == 0)
        r = stint_reader_each_waiver(reader, load_on_waiver, &loading);
    if (r == 0 && loading.status == 0)
        r = stint_reader_each_verdict_head(reader, load_on_verdict, &loading);
    if (r == 0)
        r = loading.status;
    if (r != 0)
        return stint_fail(err, r, "artefacts and verdicts cannot be read: %s", strerror(-r));
    rejudge_wanted(admission);
    return submissions_load(admission, err);
}
