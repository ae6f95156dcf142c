/* The rooms below api/, as fakes with seeded names: what must never be seen in public contains
 * SEED. What a test turns: the state of the store, and when admission answers. */
#ifndef TEST_API_FAKE_ROOMS_H
#define TEST_API_FAKE_ROOMS_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/admission.h"
#include "stint/reason.h"
#include "stint/store.h"

#define SEED "seeded"

/* The `what` of a reason whose limit is hours of a day. */
#define FAKE_HOURS_OF_A_DAY 77

/* The one token that is known; it may read what is its user's. */
#define FAKE_TOKEN "stint_good"

struct fake {
    bool is_pending;        /* something is put that is not durable */
    bool is_admission_slow; /* answers are kept until fake_admission_answer() */
    stint_effect_fn effect; /* the one effect that waits */
    void *effect_context;
    stint_answer_fn answer;
    void *answer_context;
    bool is_job_done; /* job 1 */
    uint64_t jobs_made;
    int acts;
    int signal_number;          /* that the last job was sent */
    bool is_job_ending;         /* job 1 is in its grace */
    int output_fault;           /* what opening an output gives instead of a descriptor */
    struct stint_reason reason; /* why job 2 waits; its usual one while the code is NONE */
    const char *account_kind;   /* of the account that the reason names; NULL for a user's */
    const char *account_name;
    const char *award_state; /* NULL for "active" */
    int64_t award;           /* of job 2 */
    char key[300];           /* the one kept idempotency row */
    char key_sha256[80];
    char key_answer[4096];
    int64_t key_status;
    struct uv_loop_s *loop;
};
extern struct fake fake;

void fake_reset(void);
/* The commit succeeded (0) or failed. */
void fake_commit(int status);
void fake_admission_answer(void);

#endif
