/* How things look from outside. One writer for jobs, used by every view: what is not public is
 * behind one test in there (invariant 10). */
#ifndef STINT_API_VIEWS_H
#define STINT_API_VIEWS_H

#include "api_private.h"
#include "stint/jobs.h"
#include "stint/ledger.h"
#include "stint/machine.h"
#include "stint/resource.h"
#include "stint/store_reader.h"

/* What is told of a waiting job's start: struct stint_job_view has the words. */
struct start_told {
    int64_t p50_ms;
    int64_t p90_ms;
    const char *supposes;
    const char *none;
};

/**
 * struct job_shown - a job from memory or from the store, borrowed for the writing
 * @position: in the queue from 1, 0 when it does not wait
 * @elapsed_ms: -1 when unknown
 */
struct job_shown {
    uint64_t id;
    uint32_t task;
    bool is_task; /* of an array */
    const struct stint_array_view
        *array;         /* of an array as a whole; may be NULL for one that is done */
    int64_t task_count; /* of an array, else 0 */
    const char *state;
    const char *outcome;
    const char *reason;
    struct stint_reason figures; /* code STINT_REASON_NONE when only the token is known */
    const char *resource;
    const char *project;
    const char *award;
    const char *allocation;
    int64_t priority;
    int64_t cpus;
    int64_t gpus;
    int64_t gpu_milli;
    const char *gpu_type;
    int64_t memory_bytes;
    int64_t walltime_s;
    int64_t submit_ms;
    int64_t begin_ms;
    int64_t start_ms;
    int64_t ends_by_ms;
    int64_t end_ms;
    struct start_told start;
    int64_t decision;
    uint32_t attempt;
    size_t position;
    /* not public */
    uid_t uid;
    const char *name;
    const char *user;
    const char *spec;
    const char *uses;
    bool has_end;
    bool has_exit; /* something ran and left a status */
    int64_t exit_code;
    int64_t exit_signal;
    int64_t elapsed_ms;
    int64_t cpu_ms;
    int64_t peak_memory_bytes;
    int64_t charged_micro;
    const char *note;
};

void job_from_view(struct stint_api *api, const struct stint_job_view *view,
                   struct job_shown *ret_job);
/* @run may be NULL. */
void job_from_row(struct stint_api *api, const struct stint_job_row *row,
                  const struct stint_run_row *run, struct job_shown *ret_job);

/* Did a program of this job leave a status? Not when it was never started, was refused, or nobody
 * saw its end. */
bool job_row_has_exit(const struct stint_job_row *row);
/* Done, and what it should have run could not be started. */
bool job_row_failed_to_start(const struct stint_job_row *row);

/* The one writer. @sees_all: the caller may see what is not public; @is_whole: one job, with its
 * request, rather than a line of a list. */
void job_write(struct stint_api *api, struct stint_buffer *out, const struct job_shown *job,
               bool sees_all, bool is_whole);

/* "attestations":[…] of the artefact with @digest. */
void attestations_write(struct exchange *ex, const char *digest);

/* "ref": what verbs take, "41" or "41_7"; @task: STINT_TASK_WHOLE for a job. */
void ref_write(struct stint_buffer *out, uint64_t id, uint32_t task);
/* One sentence for a reason; "" for none. Names a user only as "the user". @award: the name of the
 * job's award, NULL for none. */
/* The member "estimate", or "no_estimate"; neither for what does not wait. */
void start_write(struct stint_buffer *out, const struct start_told *start);
void reason_sentence(struct stint_api *api, const struct stint_reason *reason, const char *award,
                     struct stint_buffer *out);
/* What helps against a code in general, "" when nothing but waiting does. */
const char *reason_fix(enum stint_reason_code code);
/* {"code","class","text","params","fix"} */
void reason_write(struct stint_api *api, struct stint_buffer *out,
                  const struct stint_reason *reason, const char *award, bool is_seen);
enum stint_reason_code reason_from_name(const char *name);

/* The document of one job as the caller sees it, from memory while it lives, then from the store;
 * 0, STINT_NOT_FOUND or a fault. */
int job_document(struct exchange *ex, const struct stint_job_ref *ref, struct stint_buffer *out,
                 struct stint_error *err);
/* jobs_tasks.c: one task of an array, and several as a list; the shape of an array from its row. */
int task_document(struct exchange *ex, uint64_t id, uint32_t task, struct stint_buffer *out,
                  struct stint_error *err);
/* How a task ended and why, into the members of a "why". */
int task_why(struct exchange *ex, uint64_t id, uint32_t task, struct stint_error *err);
int tasks_document(struct exchange *ex, const struct stint_job_ref *ref, struct stint_buffer *out,
                   struct stint_error *err);
#define ARRAY_TASKS_SHOWN 100 /* live ones, and as many that did not complete */
struct array_failed {
    uint32_t tasks[ARRAY_TASKS_SHOWN];
    size_t count;
};
/* How the tasks of an array that is done have ended; @ret_failed, zeroed before, may be NULL. */
int array_counts(struct stint_reader *reader, const struct stint_job_row *row,
                 struct stint_array_view *ret_counts, struct array_failed *ret_failed);
/* "tasks": those of an array that people look for first. @failed: of one that is done, else empty.
 */
void array_tasks_write(struct exchange *ex, uint64_t id, struct array_failed *failed,
                       struct stint_buffer *out);
/* A plain job that is written as its only task is a job: is it a job as a whole that is named? */
bool ref_settle(struct exchange *ex, struct stint_job_ref *ref);
/* Is it one task that is named, or a plain job as its only one? */
bool ref_is_one_task(const struct stint_job_ref *ref, uint32_t *ret_task);

/* Does it wait its turn? What is blocked or can never start has no place in the line. */
bool job_is_in_line(const struct stint_job_view *view);
/* Places in the queue, counted on each resource by itself; zeroed at the beginning of a walk. */
struct queue_line {
    size_t counts[STINT_RESOURCE_MAX + 1];
};
/* The place of the next one of a walk, from 1; 0 for one that is not in line. */
size_t queue_line_next(struct queue_line *line, const struct stint_job_view *view);
/* The resource that a query names with ?resource=, else the default. False: the problem was sent.
 */
bool exchange_resource(struct exchange *ex, uint32_t *ret_resource);
/* More than one, so that views say which. */
bool has_resources(const struct stint_api *api);
/* Does an award pay GPUs that are none? */
bool award_is_simulated(const struct stint_api *api, const struct stint_award_view *view);

/* Ids by name; 0 when there is none. */
int64_t project_id(struct stint_api *api, const char *name);

/* "schema":"stint.@noun/1" of a new object. */
void document_begin(struct stint_buffer *out, const char *noun);

/* ---- reports.c: how good first estimates were in the last 30 days, as the page and the metrics
 * say it. The window's times are filled in by month_window(); month_keep() after the figures are.
 */
struct stint_estimate_window;
void month_window(struct stint_api *api, struct stint_estimate_window *ret_window);
bool month_is_old(const struct stint_api *api);
void month_keep(struct stint_api *api, const struct stint_estimate_window *window);
void month_sentence(const struct stint_estimate_window *window, struct stint_buffer *out);
void month_metrics(const struct stint_estimate_window *window, struct stint_buffer *out);

/* ---- reads off the loop: @work on another thread with @data only; then @render on the loop,
 * unless the client has gone; @free_data always. */
struct read_plan {
    int (*work)(struct stint_reader *reader, void *data);
    void (*render)(struct exchange *ex, void *data, int status);
    void (*free_data)(void *data);
};
void exchange_read(struct exchange *ex, const struct read_plan *plan, void *data);
/* The usual end of a failed read: true when @status was a fault and is answered. */
bool exchange_read_failed(struct exchange *ex, int status, const char *what);

/* Opaque cursors of lists. */
#define CURSOR_MAX 32
char *cursor_write(uint64_t id, char *cursor);
/* 0 when absent; false: the problem was sent. */
bool cursor_read(struct exchange *ex, uint64_t *ret_id);
/* "next" and the Link header; @path with every query of @ex but `after`. */
void cursor_next(struct exchange *ex, uint64_t id, bool has_more);

/* What is kept on node @index now or next: a "reserved" member of the open object. */
void node_reserved_write(struct exchange *ex, uint32_t resource, uint32_t index);
/* The same for people, one line a reservation: "2 GPUs and 8 cores for nlp, … (workshop)". */
void node_reserved_text(struct stint_api *api, uint32_t resource, uint32_t index,
                        struct stint_buffer *out,
                        void (*line)(struct stint_buffer *out, const char *text));

/* HTML and its only way to escape. */
void html_text(struct stint_buffer *out, const char *text);

/* ---- shares.c: the turn of a waiting job and what decides it, as the member "turn"; nothing in
 * modes without shares */
void turn_write(struct exchange *ex, const struct stint_job_view *view);

#endif
