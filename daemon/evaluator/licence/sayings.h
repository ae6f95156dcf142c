/* The parts that phrases play in telling what a sentence says about terms; see clauses.yaml. */
#ifndef STINT_LICENCE_SAYINGS_H
#define STINT_LICENCE_SAYINGS_H

#include "table.h"

/* By its name in clauses.yaml; -1 when there is none. */
int saying_role_find(const char *name);

#endif
