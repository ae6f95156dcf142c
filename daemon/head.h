/* The head of the public log that was shown last, in a file beside the store: a store that was lost
 * or is an old copy has none of it, and the log must not begin again under the same key (invariant
 * 9: two heads that contradict each other are never signed). */
#ifndef STINT_HEAD_H
#define STINT_HEAD_H

#include <stdint.h>

#include "stint/error.h"

struct rooms;

/* Once the record is loaded, at the start and after a failed commit: STINT_UNTRUSTED with the cure
 * when the log is not the one whose head was shown; -errno. A log that goes on under a new key gets
 * an entry that says so. */
int head_settle(struct rooms *rooms, struct stint_error *err);
/* stint_record_options.on_published: keeps it. In place and not synced: the loop waits for no disk,
 * and a head that power took away only makes the comparison an older one. */
void head_on_published(void *context, uint64_t size);
void head_close(struct rooms *rooms);

#endif
