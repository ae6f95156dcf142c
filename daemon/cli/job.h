/* Jobs by the daemon's documents: ids, ends, waiting for them, following their output. */
#ifndef STINT_CLI_JOB_H
#define STINT_CLI_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli.h"

#define JOB_ID_MAX 256

/* Is @text `41`, `41_7` or `41_[1-5]`? `41_0` is also how others write a plain job. */
bool job_id_is_valid(const char *text);
/* "/api/v1/jobs/41" + @rest into @path. EXIT_OK, or EXIT_USAGE with the message printed. */
#define JOB_PATH_MAX 1024
int job_path(const char *id, const char *rest, char path[JOB_PATH_MAX]);

/* @fn for @id, or, where it names more tasks than @task_max, for parts of at most so many, one
 * after the other. The first status that is not EXIT_OK. */
int job_each_part(const char *id, uint32_t task_max, int (*fn)(void *context, const char *id),
                  void *context);
/* The job object of an answer, wherever it stands. Borrowed. */
const json_t *job_of(const json_t *document);
/* What verbs call it: "41", or "41_7" for a task. */
const char *job_label(const json_t *job, char label[JOB_ID_MAX]);
bool job_is_done(const json_t *job);
/* The job's own exit status: its code, 128 + signal, and for what left none: 4 when refused, 130
 * when cancelled, 124 when out of time, 127 when there is no such program and 126 when it could not
 * be started for another cause (as a shell has it), 1 otherwise. */
#define EXIT_NEVER_RAN 126
int job_exit_status(const json_t *job);
/* On stderr, an end that the job's own output cannot tell: its cause, or an outcome of ours. */
void job_end_tell(const json_t *job);

/**
 * job_wait() - until the job is done
 * @deadline_ms: wall clock, 0 for none
 * @ret_job: the last document, a new reference; may be NULL
 * A daemon that is away (a restart) is waited for up to a minute. Return: EXIT_OK, EXIT_TIMED_OUT,
 * EXIT_CONFLICT for a job that can never start, or the printed problem's.
 */
int job_wait(struct cli *cli, const char *id, int64_t deadline_ms, json_t **ret_job);

/**
 * job_follow() - output to ours as it comes, until the job is done
 * @has_stderr: its errors go to our stderr too. Ctrl-C cancels the job; a second one leaves it.
 * Return: the job's own exit status.
 */
int job_follow(struct cli *cli, const char *id, bool has_stderr, bool cancels);
/* One stream ("stdout", "stderr") to our stdout, until the job is done. Ctrl-C leaves (130).
 * Return: EXIT_OK or the printed problem's: the job's own end is not ours. */
int job_follow_one(struct cli *cli, const char *id, const char *stream);

#endif
