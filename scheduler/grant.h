/* Making allocations; only scheduler/ does. */
#ifndef STINT_SCHEDULER_GRANT_H
#define STINT_SCHEDULER_GRANT_H

#include "stint/allocation.h"

/* Bytes of one grant's arrays. */
size_t grant_bytes(const struct stint_shape *shape);
/* Points each grant's arrays into @storage; the grants' nodes are set. */
void grant_bind(const struct stint_machine *machine, struct stint_allocation *allocation,
                char *storage);
/* An empty grant on each of @nodes (rising), in one block; 0 or -ENOMEM. */
int grant_new(const struct stint_machine *machine, const uint32_t *nodes, uint32_t count,
              struct stint_allocation **ret_allocation);

#endif
