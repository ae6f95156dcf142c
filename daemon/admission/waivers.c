/* Waivers, and the jobs that wait for one (stint/waiver.h). Waivers are few, and read with every
 * verdict that is unknown; a job's review is found out anew after a restart, from its request and
 * the stored verdicts, so that only waivers are kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "stint/waiver.h"
#include "submission.h"
#include "wake.h"

#define DAY_MS INT64_C(86400000)

struct waiver {
    struct waiver *prev;
    struct waiver *next;
    int64_t id;
    char digest[DOCUMENT_DIGEST_SIZE];
    char *reason;
    char *set_by;
    bool is_revoked;
    int64_t at_ms;
    int64_t until_ms;
};

struct reviewed {
    char digest[DOCUMENT_DIGEST_SIZE];
    char name[STINT_REQUEST_TEXT_MAX];
    const char *kind;
    int64_t verdict_id;
};

struct review {
    struct review *prev;
    struct review *next;
    uint64_t job;
    int64_t project;
    size_t count;
    struct reviewed uses[];
};

/* ---- in memory */

static bool stands(const struct stint_admission *admission, const struct waiver *waiver)
{
    return !waiver->is_revoked && waiver->until_ms > admission->options.now_wall_ms();
}

bool waiver_stands(const struct stint_admission *admission, const char *digest)
{
    const struct waiver *waiver;
    DL_FOREACH(admission->waivers, waiver)
    {
        if (strcmp(waiver->digest, digest) == 0 && stands(admission, waiver))
            return true;
    }
    return false;
}

static struct waiver *waiver_by_id(struct stint_admission *admission, int64_t id)
{
    struct waiver *waiver;
    DL_FOREACH(admission->waivers, waiver)
    {
        if (waiver->id == id)
            return waiver;
    }
    return NULL;
}

static void waiver_free(struct waiver *waiver)
{
    free(waiver->reason);
    free(waiver->set_by);
    free(waiver);
}

/* A row that is there already can only have been revoked. */
int waiver_keep(struct stint_admission *admission, const struct stint_waiver_row *row)
{
    struct waiver *waiver = waiver_by_id(admission, row->id);
    if (waiver) {
        waiver->is_revoked = strcmp(row->state, "revoked") == 0;
        return 0;
    }
    waiver = calloc(1, sizeof(*waiver));
    if (!waiver || !(waiver->reason = strdup(row->reason ? row->reason : "")) ||
        !(waiver->set_by = strdup(row->set_by ? row->set_by : ""))) {
        if (waiver)
            waiver_free(waiver);
        return -ENOMEM;
    }
    waiver->id = row->id;
    (void)snprintf(waiver->digest, sizeof(waiver->digest), "%s", row->digest);
    waiver->is_revoked = strcmp(row->state, "revoked") == 0;
    waiver->at_ms = row->at_ms;
    waiver->until_ms = row->until_ms;
    DL_APPEND(admission->waivers, waiver);
    return 0;
}

void waivers_free(struct stint_admission *admission)
{
    struct waiver *waiver, *next_waiver;
    struct review *review, *next_review;
    DL_FOREACH_SAFE(admission->waivers, waiver, next_waiver)
    {
        DL_DELETE(admission->waivers, waiver);
        waiver_free(waiver);
    }
    DL_FOREACH_SAFE(admission->reviews, review, next_review)
    {
        DL_DELETE(admission->reviews, review);
        free(review);
    }
}

/* ---- what waits */

static bool is_waiting(const struct stint_admission *admission, uint64_t job)
{
    struct stint_job_view view;
    return stint_jobs_view(admission->options.jobs, job, &view) == 0 &&
           view.reason.code == STINT_REASON_NotReviewedYet;
}

static struct review *review_find(struct stint_admission *admission, uint64_t job)
{
    struct review *review, *next;
    struct review *found = NULL;
    DL_FOREACH_SAFE(admission->reviews, review, next)
    {
        if (review->job == job)
            found = review;
    }
    return found;
}

static void review_drop(struct stint_admission *admission, uint64_t job)
{
    struct review *review = review_find(admission, job);
    if (review)
        DL_DELETE(admission->reviews, review);
    free(review);
}

int review_keep(struct stint_admission *admission, uint64_t job,
                const struct stint_request *request, int64_t project,
                const struct use_state *states)
{
    struct review *review = calloc(1, sizeof(*review) + request->use_count * sizeof(*review->uses));
    if (!review)
        return -ENOMEM;
    review->job = job;
    review->project = project;
    for (size_t i = 0; i < request->use_count; i++) {
        struct reviewed *use = &review->uses[review->count];
        if (states[i].code != STINT_REASON_NotReviewedYet)
            continue;
        (void)snprintf(use->digest, sizeof(use->digest), "%s", states[i].use.digest);
        (void)snprintf(use->name, sizeof(use->name), "%s",
                       states[i].is_registered ? states[i].use.name : request->uses[i].reference);
        use->kind = kind_word(request->uses[i].kind);
        use->verdict_id = states[i].use.verdict_id;
        review->count++;
    }
    review_drop(admission, job);
    DL_APPEND(admission->reviews, review);
    return 0;
}

void stint_admission_each_review(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_review_view *view),
                                 void *context)
{
    struct review *review, *next;
    DL_FOREACH_SAFE(admission->reviews, review, next)
    {
        if (!is_waiting(admission, review->job)) { /* cancelled, or decided */
            DL_DELETE(admission->reviews, review);
            free(review);
            continue;
        }
        for (size_t i = 0; i < review->count; i++) {
            const struct reviewed *use = &review->uses[i];
            struct stint_review_view view = { review->job, review->project, use->kind,
                                              use->name,   use->digest,     use->verdict_id };
            if (!fn(context, &view))
                return;
        }
    }
}

/* Whoever waits is judged again: what waited for these bytes goes on, the rest waits on. */
static void reviews_wake(struct stint_admission *admission)
{
    const struct review *review;
    DL_FOREACH(admission->reviews, review)
    {
        if (is_waiting(admission, review->job))
            (void)submission_reload(admission, review->job, NULL);
    }
    admission_wake(admission, 0);
}

/* ---- operators' acts */

static int end_check(const struct stint_admission *admission, int64_t *until_ms,
                     struct stint_error *err)
{
    int64_t now_ms = admission->options.now_wall_ms();
    if (*until_ms == 0)
        *until_ms = now_ms + STINT_WAIVER_DAYS * DAY_MS;
    if (*until_ms > now_ms && *until_ms <= now_ms + STINT_WAIVER_DAYS_MAX * DAY_MS)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "a waiver ends in the future, within %d days",
                     STINT_WAIVER_DAYS_MAX);
    return stint_fix(err, STINT_INVALID, "--until now+90d, or a date");
}

static int waiver_publish(struct stint_admission *admission, const struct stint_act *act,
                          const char *verb, const struct stint_waiver_row *row,
                          struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_int(&subject, "waiver", row->id);
    stint_json_kv_text(&subject, "change", verb);
    stint_json_kv_text(&subject, "digest", row->digest);
    stint_json_kv_time(&subject, "until", row->until_ms);
    stint_json_object_end(&subject);
    return stint_ledger_act_publish(admission->options.ledger, act, "waiver", verb,
                                    stint_buffer_text(&subject), err);
}

static int waiver_put(struct stint_admission *admission, const struct stint_act *act,
                      const char *verb, const struct stint_waiver_row *row, struct stint_error *err)
{
    struct stint_store *store = admission->options.store;
    struct stint_store_mark mark = stint_store_mark(store);
    int r = stint_store_put_waiver(store, row, err);
    if (r == 0)
        r = waiver_publish(admission, act, verb, row, err);
    if (r == 0)
        r = waiver_keep(admission, row);
    if (r != 0)
        stint_store_rewind(store, mark);
    return r;
}

static int waive_digest(struct stint_admission *admission, const struct stint_act *act,
                        const char *digest, int64_t until_ms, int64_t *ret_id,
                        struct stint_error *err)
{
    struct stint_waiver_row row = {
        .digest = digest,
        .reason = act->reason,
        .set_by = act->caller->name,
        .state = "standing",
        .at_ms = admission->options.now_wall_ms(),
        .until_ms = until_ms,
    };
    size_t count = 0;
    const struct waiver *waiver;
    DL_COUNT(admission->waivers, waiver, count);
    if (count >= STINT_WAIVERS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are %d waivers already", STINT_WAIVERS_MAX);
    row.id = stint_store_next_id(admission->options.store, STINT_ID_WAIVER);
    *ret_id = row.id;
    return waiver_put(admission, act, "waiver.grant", &row, err);
}

static const struct artifact *find(const struct stint_admission *admission, const char *reference)
{
    const struct artifact *artifact = reference[0] == '/'
                                          ? artifact_by_path(admission, reference)
                                          : artifact_by_reference(admission, reference);
    return artifact ? artifact : artifact_by_digest(admission, reference);
}

int stint_admission_waive(struct stint_admission *admission, const struct stint_act *act,
                          const char *reference, int64_t until_ms, int64_t *ret_id,
                          struct stint_error *err)
{
    int r = stint_ledger_act_begin(admission->options.ledger, act, err);
    if (r == 0)
        r = end_check(admission, &until_ms, err);
    if (r != 0)
        return r;
    const struct artifact *artifact = find(admission, reference);
    if (!artifact)
        return stint_fail(err, STINT_NOT_FOUND, "no artefact %.160s was judged here", reference);
    if (waiver_stands(admission, artifact->digest))
        return stint_fail(err, STINT_WRONG_STATE, "a waiver for %.160s stands already", reference);
    if (act->is_rehearsal)
        return 0;
    r = waive_digest(admission, act, artifact->digest, until_ms, ret_id, err);
    if (r == 0)
        reviews_wake(admission);
    return r;
}

int stint_admission_unwaive(struct stint_admission *admission, const struct stint_act *act,
                            int64_t id, struct stint_error *err)
{
    int r = stint_ledger_act_begin(admission->options.ledger, act, err);
    struct waiver *waiver = r == 0 ? waiver_by_id(admission, id) : NULL;
    if (r != 0)
        return r;
    if (!waiver)
        return stint_fail(err, STINT_NOT_FOUND, "there is no waiver %" PRId64, id);
    if (!stands(admission, waiver))
        return stint_fail(err, STINT_WRONG_STATE, "the waiver %" PRId64 " stands no more", id);
    if (act->is_rehearsal)
        return 0;
    struct stint_waiver_row row = {
        .id = id,
        .digest = waiver->digest,
        .reason = waiver->reason,
        .set_by = waiver->set_by,
        .state = "revoked",
        .at_ms = waiver->at_ms,
        .until_ms = waiver->until_ms,
    };
    return waiver_put(admission, act, "waiver.revoke", &row, err);
}

void stint_admission_each_waiver(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_waiver_view *view),
                                 void *context)
{
    const struct waiver *waiver;
    DL_FOREACH(admission->waivers, waiver)
    {
        const struct artifact *artifact = artifact_by_digest(admission, waiver->digest);
        struct stint_waiver_view view = {
            .id = waiver->id,
            .digest = waiver->digest,
            .name = artifact && artifact->is_registered ? artifact->name : "",
            .reason = waiver->reason,
            .is_revoked = waiver->is_revoked,
            .at_ms = waiver->at_ms,
            .until_ms = waiver->until_ms,
        };
        if (!fn(context, &view))
            return;
    }
}

/* ---- a decision on one job */

static int review_admit(struct stint_admission *admission, const struct stint_act *act,
                        const struct review *review, int64_t until_ms, struct stint_error *err)
{
    int64_t id = 0;
    int r = 0;
    for (size_t i = 0; i < review->count && r == 0; i++)
        if (!waiver_stands(admission, review->uses[i].digest))
            r = waive_digest(admission, act, review->uses[i].digest, until_ms, &id, err);
    reviews_wake(admission);
    return r;
}

static int review_refuse(struct stint_admission *admission, const struct stint_act *act,
                         const struct review *review, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    struct stint_store *store = admission->options.store;
    struct stint_store_mark mark = stint_store_mark(store);
    char why[240];
    (void)snprintf(why, sizeof(why), "an operator decided: %.200s", act->reason);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "change", "review.refuse");
    stint_json_kv_int(&subject, "job", (int64_t)review->job);
    stint_json_key(&subject, "digests");
    stint_json_array(&subject);
    for (size_t i = 0; i < review->count; i++)
        stint_json_text(&subject, review->uses[i].digest);
    stint_json_array_end(&subject);
    stint_json_object_end(&subject);
    int r = stint_jobs_refuse(admission->options.jobs, review->job, STINT_REASON_PolicyForbids, 0,
                              why, err);
    if (r != 0) {
        stint_store_rewind(store, mark);
        return r;
    }
    r = stint_ledger_act_publish(admission->options.ledger, act, "decision", "review.refuse",
                                 stint_buffer_text(&subject), err);
    if (r == 0)
        review_drop(admission, review->job);
    return r;
}

int stint_admission_review(struct stint_admission *admission, const struct stint_act *act,
                           uint64_t job, bool is_admitted, int64_t until_ms,
                           struct stint_error *err)
{
    int r = stint_ledger_act_begin(admission->options.ledger, act, err);
    if (r == 0 && is_admitted)
        r = end_check(admission, &until_ms, err);
    if (r != 0)
        return r;
    const struct review *review = is_waiting(admission, job) ? review_find(admission, job) : NULL;
    if (!review)
        return stint_fail(err, STINT_NOT_FOUND, "no job %" PRIu64 " waits for a decision", job);
    if (act->is_rehearsal)
        return 0;
    return is_admitted ? review_admit(admission, act, review, until_ms, err)
                       : review_refuse(admission, act, review, err);
}
