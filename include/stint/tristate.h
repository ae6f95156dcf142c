/* Three-valued answers (strong Kleene logic). Zero is "unknown", so that what nobody filled in is
 * never taken for a yes (DESIGN invariant 6), and the order no < unknown < yes makes "and" the
 * minimum and "or" the maximum. Header-only. Source: S. C. Kleene, Introduction to Metamathematics,
 * 1952, section 64. */
#ifndef STINT_TRISTATE_H
#define STINT_TRISTATE_H

#include <stdbool.h>

enum stint_tristate { STINT_NO = -1, STINT_UNKNOWN = 0, STINT_YES = 1 };

static inline __attribute__((unused)) enum stint_tristate stint_tristate_and(enum stint_tristate a,
                                                                             enum stint_tristate b)
{
    return a < b ? a : b;
}

static inline __attribute__((unused)) enum stint_tristate stint_tristate_or(enum stint_tristate a,
                                                                            enum stint_tristate b)
{
    return a > b ? a : b;
}

static inline __attribute__((unused)) enum stint_tristate stint_tristate_not(enum stint_tristate a)
{
    return a == STINT_YES ? STINT_NO : a == STINT_NO ? STINT_YES : STINT_UNKNOWN;
}

static inline __attribute__((unused)) enum stint_tristate stint_tristate_from(bool value)
{
    return value ? STINT_YES : STINT_NO;
}

/* "yes", "no" or "unknown": the words of the rule files and of JSON. */
static inline __attribute__((unused)) const char *stint_tristate_name(enum stint_tristate a)
{
    return a == STINT_YES ? "yes" : a == STINT_NO ? "no" : "unknown";
}

#endif
