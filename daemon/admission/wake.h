/* The one timer of admission: it starts what is queued, lets in what has waited long enough, and
 * tries again what was busy. */
#ifndef STINT_ADMISSION_WAKE_H
#define STINT_ADMISSION_WAKE_H

#include <stdint.h>

struct stint_admission;

#define ADMISSION_RETRY_MS 200

/* At most @in_ms from now, on the loop, never within the call. */
void admission_wake(struct stint_admission *admission, int64_t in_ms);

/* What it calls. */
void evaluations_run(struct stint_admission *admission);
void registrations_run(struct stint_admission *admission);
/* Returns in how many ms the next one is due, -1 for never. */
int64_t submissions_expire(struct stint_admission *admission);

#endif
