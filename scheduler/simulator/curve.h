/* Between the files of scheduler/simulator/ only. */
#ifndef STINT_SCHEDULER_CURVE_H
#define STINT_SCHEDULER_CURVE_H

#include "stint/simulator.h"

void curve_begin(struct stint_curve *curve, int64_t first_s);
/* From the end of what was added before until @until_s it was so. Amortised by steps touched. */
void curve_add(struct stint_curve *curve, int64_t until_s, double busy, double waiting);
/* Sums become means; once, at the end. */
void curve_end(struct stint_curve *curve);

#endif
