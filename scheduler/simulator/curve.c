/* Owns: the course of a replay in a bounded number of steps. Nobody knows at its begin how long it
 * will take: a step begins at one second, and when the steps are full each two become one. */
#include "curve.h"

#include <assert.h>
#include <string.h>

void curve_begin(struct stint_curve *curve, int64_t first_s)
{
    *curve = (struct stint_curve){ .first_s = first_s, .last_s = first_s, .step_s = 1 };
}

static void curve_halve(struct stint_curve *curve)
{
    size_t half = STINT_CURVE_STEPS / 2;
    for (size_t i = 0; i < half; i++) {
        curve->busy[i] = curve->busy[2 * i] + curve->busy[2 * i + 1];
        curve->waiting[i] = curve->waiting[2 * i] + curve->waiting[2 * i + 1];
    }
    memset(curve->busy + half, 0, half * sizeof(curve->busy[0]));
    memset(curve->waiting + half, 0, half * sizeof(curve->waiting[0]));
    curve->step_s *= 2;
}

void curve_add(struct stint_curve *curve, int64_t until_s, double busy, double waiting)
{
    assert(until_s >= curve->last_s);
    while ((until_s - curve->first_s - 1) / curve->step_s >= STINT_CURVE_STEPS)
        curve_halve(curve);
    while (curve->last_s < until_s) {
        int64_t step = (curve->last_s - curve->first_s) / curve->step_s;
        int64_t stop_s = curve->first_s + (step + 1) * curve->step_s;
        stop_s = stop_s < until_s ? stop_s : until_s;
        double seconds = (double)(stop_s - curve->last_s);
        curve->busy[step] += busy * seconds;
        curve->waiting[step] += waiting * seconds;
        curve->last_s = stop_s;
    }
}

void curve_end(struct stint_curve *curve)
{
    curve->count = (size_t)((curve->last_s - curve->first_s + curve->step_s - 1) / curve->step_s);
    for (size_t i = 0; i < curve->count; i++) {
        int64_t left_s = curve->last_s - curve->first_s - (int64_t)i * curve->step_s;
        double seconds = (double)(left_s < curve->step_s ? left_s : curve->step_s);
        curve->busy[i] /= seconds;
        curve->waiting[i] /= seconds;
    }
}
