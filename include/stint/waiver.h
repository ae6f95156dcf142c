/* Waivers: what an operator lets in although its verdict is unknown. The verdict stays what it is;
 * a waiver is for the bytes of one artefact, has an end, and is public with its reason. A verdict
 * that is a fail is waived by nobody. Under `unknown = review` a job whose artefacts are unknown
 * waits for that decision with NotReviewedYet. Source: the shared reference on the record §4.4. */
#ifndef STINT_WAIVER_H
#define STINT_WAIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/error.h"

struct stint_admission;
struct stint_act;

#define STINT_WAIVERS_MAX     1000 /* ended and revoked ones counted */
#define STINT_WAIVER_DAYS     90   /* when no end is named */
#define STINT_WAIVER_DAYS_MAX 366

/* Borrowed until the next call. @name: registered under, "" for none. */
struct stint_waiver_view {
    int64_t id;
    const char *digest;
    const char *name;
    const char *reason;
    bool is_revoked;
    int64_t at_ms;
    int64_t until_ms;
};

/**
 * stint_admission_waive() - let in the artefact @reference while its verdict is unknown
 * @reference: a registered name, name@digest, a digest, or the path of one that was judged
 * @until_ms: 0 is STINT_WAIVER_DAYS from now
 * Jobs that wait for it are judged again at once.
 * Return: 0; STINT_NOT_PERMITTED; STINT_INVALID (no reason, an end that is past or too far);
 * STINT_NOT_FOUND; STINT_WRONG_STATE: it stands already; STINT_TOO_LARGE; STINT_BUSY;
 * STINT_READ_ONLY.
 */
int stint_admission_waive(struct stint_admission *admission, const struct stint_act *act,
                          const char *reference, int64_t until_ms, int64_t *ret_id,
                          struct stint_error *err);
/* From now on it lets nothing start. STINT_NOT_FOUND; STINT_WRONG_STATE: it stands no more. */
int stint_admission_unwaive(struct stint_admission *admission, const struct stint_act *act,
                            int64_t id, struct stint_error *err);
void stint_admission_each_waiver(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_waiver_view *view),
                                 void *context);

/* One artefact that a waiting job wants. @name is a path where nothing is registered: operators
 * alone see it. */
struct stint_review_view {
    uint64_t job;
    int64_t project;
    const char *kind;
    const char *name;
    const char *digest;
    int64_t verdict_id;
};
void stint_admission_each_review(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_review_view *view),
                                 void *context);

/**
 * stint_admission_review() - decide on a job that waits with NotReviewedYet
 * @is_admitted: true waives each of its unknown artefacts until @until_ms; false ends the job as
 * refused, PolicyForbids, with the reason
 * Return: as stint_admission_waive(); STINT_NOT_FOUND: no such job waits for a decision.
 */
int stint_admission_review(struct stint_admission *admission, const struct stint_act *act,
                           uint64_t job, bool is_admitted, int64_t until_ms,
                           struct stint_error *err);

#endif
