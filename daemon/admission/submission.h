/* Inside of submit.c and late.c. */
#ifndef STINT_ADMISSION_SUBMISSION_H
#define STINT_ADMISSION_SUBMISSION_H

#include "state.h"

struct use_slot {
    struct submission *submission;
    struct use_state state;
};

/**
 * struct submission - @refs: the list's, and the store's while an answer waits for its commit
 * @job: 0 until there is one; then the submission waits for a late verdict without a client
 * @is_quick: waits for nothing but a worker's look at copies of ours, so it takes nobody's place
 * @due_ms: of the loop's clock: let in unjudged then, or tried again
 */
struct submission {
    struct stint_admission *admission; /* may be looked at while life is not over */
    struct admission_life *life;
    struct submission *prev;
    struct submission *next;
    int refs;
    bool is_listed;
    bool is_rehearsal;
    bool is_quick;
    bool has_waited; /* for a verdict: what was checked before may hold no more */
    bool is_retry;   /* resolved again at due_ms */
    struct stint_caller caller;
    struct stint_request request;
    stint_answer_fn done;
    void *context;
    int64_t project;
    int64_t award;
    int64_t cost_micro;
    int64_t due_ms;
    uint64_t job;
    struct use_slot *slots;
    size_t waiting_count;
    struct stint_error own_error; /* of an evaluation that could not be made */
    struct stint_answer answer;
    struct stint_buffer text; /* of answer.criteria or answer.rehearsal */
};

/* ---- submit.c */

/* Takes @request over; one reference, the caller's. NULL without memory: then it took nothing. */
struct submission *submission_new(struct stint_admission *admission,
                                  const struct stint_caller *caller, struct stint_request *request);
void submission_unref(struct submission *submission);
/* Among those that wait, with a reference of the list's; and out again. */
void submission_list(struct submission *submission);
void submission_unlist(struct submission *submission);
/* Of all its uses, for the jobs room; free() it; NULL without memory. */
struct stint_job_use *submission_uses(const struct submission *submission);

/* ---- payable.c */

/* The whole job as charging and ceilings see it, with the memory that it will be given. */
void submission_size(const struct submission *submission, struct stint_charge_size *ret_size);
/* 0 with its cost set, or what @err and @ret_code say. Asked again when files took their time. */
int submission_can_pay(struct submission *submission, enum stint_reason_code *ret_code,
                       struct stint_error *err);
/* All that needs no files, payment included; its project and award are set. 0, or as above. */
int submission_check(struct submission *submission, enum stint_reason_code *ret_code,
                     struct stint_error *err);

/* ---- late.c: a job that was let in unjudged */

/* Its verdict is there: @which is the use that refuses it, the count of uses for none. 0, or what
 * to try again for. */
int submission_late(struct submission *submission, size_t which, const struct use_state *states);
void submission_late_again(struct submission *submission);
/* The job @id is resolved and judged anew, from its stored request. 0 or a fault; @err may be NULL.
 */
int submission_reload(struct stint_admission *admission, uint64_t id, struct stint_error *err);

#endif
