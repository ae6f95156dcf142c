/* Stands in for admission's waivers and reviews: one of each. */
#include "stint/waiver.h"

int stint_admission_waive(struct stint_admission *admission, const struct stint_act *act,
                          const char *reference, int64_t until_ms, int64_t *ret_id,
                          struct stint_error *err)
{
    (void)admission;
    (void)act;
    (void)until_ms;
    *ret_id = 1;
    return reference[0] == 'o' ? 0 : stint_fail(err, STINT_NOT_FOUND, "there is none");
}

int stint_admission_unwaive(struct stint_admission *admission, const struct stint_act *act,
                            int64_t id, struct stint_error *err)
{
    (void)admission;
    (void)act;
    return id == 1 ? 0 : stint_fail(err, STINT_NOT_FOUND, "there is none");
}

void stint_admission_each_waiver(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_waiver_view *view),
                                 void *context)
{
    const struct stint_waiver_view view = { .id = 1, .digest = "sha256:aa", .name = "org/open" };
    (void)admission;
    (void)fn(context, &view);
}

void stint_admission_each_review(struct stint_admission *admission,
                                 bool (*fn)(void *context, const struct stint_review_view *view),
                                 void *context)
{
    const struct stint_review_view view = { .job = 7, .kind = "model", .name = "org/unsure" };
    (void)admission;
    (void)fn(context, &view);
}

int stint_admission_review(struct stint_admission *admission, const struct stint_act *act,
                           uint64_t job, bool is_admitted, int64_t until_ms,
                           struct stint_error *err)
{
    (void)admission;
    (void)act;
    (void)is_admitted;
    (void)until_ms;
    return job == 7 ? 0 : stint_fail(err, STINT_NOT_FOUND, "it waits for no decision");
}
