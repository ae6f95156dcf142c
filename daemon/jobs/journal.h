/* What the jobs room writes down: events first, with the rows they change in the same batch (DESIGN
 * §2). All of it only adds to the open batch: 0, STINT_BUSY when that is full, STINT_READ_ONLY. */
#ifndef STINT_JOBS_JOURNAL_H
#define STINT_JOBS_JOURNAL_H

#include "job.h"

int journal_submitted(struct stint_jobs *jobs, const struct job *job, struct stint_error *err);
/* The row of a task stands beside that of its array, which changes only where the move shows. @job
 * as it will be after @event leads it to @next. */
int journal_moved(struct stint_jobs *jobs, struct job *job, enum job_event event,
                  enum stint_job_state next, const struct job_cause *cause,
                  struct stint_error *err);
/* A change that is no move: priority, admitted uses. @kind: "job.priority", "job.admitted". */
int journal_changed(struct stint_jobs *jobs, struct job *job, const char *kind,
                    const struct job_cause *cause, struct stint_error *err);

#endif
