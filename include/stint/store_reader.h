/* Questions to the store, as typed rows through callbacks. A reader belongs to one thread at a
 * time: the loop's (stint_store_reader()) or the one that stint_store_read() gives.
 *
 * Each function returns 0 (also when nothing was found, unless it says so) or a negative errno:
 * -EIO, -EUCLEAN (damaged), -ENOMEM, -EINTR (the store closes). Row texts live until the callback
 * returns; a callback that returns false stops, and that is 0. */
#ifndef STINT_STORE_READER_H
#define STINT_STORE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "stint/key.h"
#include "stint/store_rows.h"

struct stint_reader;

/* stint_job_row_fn, stint_run_row_fn, … */
#define STINT_ROW_FN(noun)                                                                         \
    typedef bool (*stint_##noun##_row_fn)(void *context, const struct stint_##noun##_row *row)
STINT_ROW_FN(event);
STINT_ROW_FN(job);
STINT_ROW_FN(task);
STINT_ROW_FN(run);
STINT_ROW_FN(script);
STINT_ROW_FN(institution);
STINT_ROW_FN(project);
STINT_ROW_FN(user);
STINT_ROW_FN(member);
STINT_ROW_FN(award);
STINT_ROW_FN(posting);
STINT_ROW_FN(quota);
STINT_ROW_FN(share);
STINT_ROW_FN(artifact);
STINT_ROW_FN(verdict);
STINT_ROW_FN(attestation);
STINT_ROW_FN(waiver);
STINT_ROW_FN(decision);
STINT_ROW_FN(log_entry);
STINT_ROW_FN(checkpoint);
STINT_ROW_FN(personal);
STINT_ROW_FN(idempotency);
STINT_ROW_FN(token);
STINT_ROW_FN(node_state);
STINT_ROW_FN(reservation);
STINT_ROW_FN(meta);
STINT_ROW_FN(transcript);
STINT_ROW_FN(estimate);
STINT_ROW_FN(wait);
#undef STINT_ROW_FN

/* ---- the start: what is live. In ascending order of keys. */

/* Jobs that are not done; by a partial index, O(live jobs). */
int stint_reader_each_live_job(struct stint_reader *reader, stint_job_row_fn fn, void *context);
int stint_reader_each_live_task(struct stint_reader *reader, stint_task_row_fn fn, void *context);
/* Runs without an end, of live jobs. */
int stint_reader_each_open_run(struct stint_reader *reader, stint_run_row_fn fn, void *context);
int stint_reader_each_institution(struct stint_reader *reader, stint_institution_row_fn fn,
                                  void *context);
int stint_reader_each_project(struct stint_reader *reader, stint_project_row_fn fn, void *context);
int stint_reader_each_user(struct stint_reader *reader, stint_user_row_fn fn, void *context);
int stint_reader_each_member(struct stint_reader *reader, stint_member_row_fn fn, void *context);
int stint_reader_each_award(struct stint_reader *reader, stint_award_row_fn fn, void *context);
int stint_reader_each_quota(struct stint_reader *reader, stint_quota_row_fn fn, void *context);
int stint_reader_each_share(struct stint_reader *reader, stint_share_row_fn fn, void *context);
int stint_reader_each_artifact(struct stint_reader *reader, stint_artifact_row_fn fn,
                               void *context);
int stint_reader_each_waiver(struct stint_reader *reader, stint_waiver_row_fn fn, void *context);
int stint_reader_each_attestation(struct stint_reader *reader, stint_attestation_row_fn fn,
                                  void *context);
/* Without the documents. */
int stint_reader_each_verdict_head(struct stint_reader *reader, stint_verdict_row_fn fn,
                                   void *context);
int stint_reader_each_token(struct stint_reader *reader, stint_token_row_fn fn, void *context);
int stint_reader_each_node_state(struct stint_reader *reader, stint_node_state_row_fn fn,
                                 void *context);
/* Those that are over or removed too. */
int stint_reader_each_reservation(struct stint_reader *reader, stint_reservation_row_fn fn,
                                  void *context);
/* Without the bodies: seq, time, type and leaf, from @from on. */
int stint_reader_each_leaf(struct stint_reader *reader, uint64_t from, stint_log_entry_row_fn fn,
                           void *context);

/* The balance of one account of one award. O(postings), 0.2-0.4 s a million. */
struct stint_posting_sum {
    int64_t account; /* enum stint_posting_account */
    int64_t award;
    int64_t amount_micro;
};
int stint_reader_sum_postings(struct stint_reader *reader,
                              bool (*fn)(void *context, const struct stint_posting_sum *sum),
                              void *context);

/**
 * struct stint_usage_sum - what runs of one project and user used, or hold, since a time
 * @gpu_milli_s: GPUs times 1000 times seconds; @core_s: cores times seconds; both rounded up a run.
 * An open run counts its whole walltime, an ended one min(elapsed, walltime)
 * @open_gpu_milli_s, @open_core_s: the part of open runs
 * @charged_micro: of ended runs; @held_micro: of open ones
 */
struct stint_usage_sum {
    int64_t project;
    uint32_t uid;
    int64_t run_count;
    int64_t gpu_milli_s;
    int64_t core_s;
    int64_t open_gpu_milli_s;
    int64_t open_core_s;
    int64_t charged_micro;
    int64_t held_micro;
};
/* Runs that started at @since_ms or later and before @until_ms (0: no end), summed by project and
 * user. O(runs). */
int stint_reader_sum_usage(struct stint_reader *reader, int64_t since_ms, int64_t until_ms,
                           bool (*fn)(void *context, const struct stint_usage_sum *sum),
                           void *context);

/* What one ended run held, and how long; @gpu_type as its job asked, NULL for any. */
struct stint_past_use {
    int64_t project;
    uint32_t uid;
    int64_t cpus;
    int64_t gpu_milli;
    int64_t memory_bytes;
    const char *gpu_type;
    int64_t start_ms;
    int64_t end_ms;
    const char *resource;
};
/* Runs that held something and ended after @since_ms. O(runs). */
int stint_reader_each_past_use(struct stint_reader *reader, int64_t since_ms,
                               bool (*fn)(void *context, const struct stint_past_use *use),
                               void *context);

/* ---- one by its key: -ENOENT when there is none */
int stint_reader_job(struct stint_reader *reader, uint64_t id, stint_job_row_fn fn, void *context);
int stint_reader_run(struct stint_reader *reader, struct stint_run_key key, stint_run_row_fn fn,
                     void *context);
int stint_reader_script(struct stint_reader *reader, const char *sha256, stint_script_row_fn fn,
                        void *context);
int stint_reader_verdict(struct stint_reader *reader, int64_t id, stint_verdict_row_fn fn,
                         void *context);
int stint_reader_decision(struct stint_reader *reader, int64_t id, stint_decision_row_fn fn,
                          void *context);
int stint_reader_log_entry(struct stint_reader *reader, uint64_t seq, stint_log_entry_row_fn fn,
                           void *context);
/* The one with the largest size; -ENOENT before the first. */
int stint_reader_last_checkpoint(struct stint_reader *reader, stint_checkpoint_row_fn fn,
                                 void *context);
int stint_reader_personal(struct stint_reader *reader, struct stint_bytes commitment,
                          stint_personal_row_fn fn, void *context);
int stint_reader_idempotency(struct stint_reader *reader, uint32_t uid, const char *key,
                             stint_idempotency_row_fn fn, void *context);
int stint_reader_meta(struct stint_reader *reader, const char *key, stint_meta_row_fn fn,
                      void *context);

/* ---- history */

/**
 * struct stint_job_filter - which jobs; a member that is 0, NULL or -1 as said does not filter
 * @before: ids below this (the cursor: the last id of the page before); 0 for the newest
 * @limit: at most so many rows, 1..STINT_READER_LIMIT_MAX
 * @uid: -1 for every user; @project: id, 0 for all
 * @state, @outcome: wire names; @name: exact
 * @since_ms, @until_ms: submitted then
 */
#define STINT_READER_LIMIT_MAX 10000
struct stint_job_filter {
    uint64_t before;
    int64_t limit;
    int64_t uid;
    int64_t project;
    const char *state;
    const char *outcome;
    const char *name;
    int64_t since_ms;
    int64_t until_ms;
};
/* Newest first. No index helps here, on purpose (a secondary index costs three quarters of the
 * insert rate): a rare match scans, 0.3 s a million jobs, so only on the thread pool. */
int stint_reader_each_job(struct stint_reader *reader, const struct stint_job_filter *filter,
                          stint_job_row_fn fn, void *context);
int stint_reader_each_run_of(struct stint_reader *reader, uint64_t job, stint_run_row_fn fn,
                             void *context);
/* One of them; -ENOENT for one that never had a record of its own: it shares its array's lot. */
int stint_reader_task(struct stint_reader *reader, uint64_t job, uint32_t task,
                      stint_task_row_fn fn, void *context);
int stint_reader_each_task_of(struct stint_reader *reader, uint64_t job, stint_task_row_fn fn,
                              void *context);
/* Events of one job, oldest first; scans from the job's first event to its last, which the job's
 * own times bound. */
int stint_reader_each_event_of(struct stint_reader *reader, uint64_t job, int64_t limit,
                               stint_event_row_fn fn, void *context);
/* Events with ids above @after, oldest first: the replay of server-sent events. */
int stint_reader_each_event(struct stint_reader *reader, int64_t after, int64_t limit,
                            stint_event_row_fn fn, void *context);
int stint_reader_each_posting(struct stint_reader *reader, int64_t award, int64_t before,
                              int64_t limit, stint_posting_row_fn fn, void *context);
/* Newest first, ids below @before (0: the newest). */
int stint_reader_each_decision(struct stint_reader *reader, int64_t before, int64_t limit,
                               stint_decision_row_fn fn, void *context);
/* Oldest first, from @from on. */
int stint_reader_each_log_entry(struct stint_reader *reader, uint64_t from, int64_t limit,
                                stint_log_entry_row_fn fn, void *context);
/* Entries of one type, newest first, numbers below @before (0: the newest). O(log): the log has no
 * index by type, so never on the loop. */
int stint_reader_each_log_entry_of(struct stint_reader *reader, const char *type, uint64_t before,
                                   int64_t limit, stint_log_entry_row_fn fn, void *context);
/* Runs that ended, newest job first, at most @limit: what users took of their limits. */
int stint_reader_each_past_run(struct stint_reader *reader, int64_t limit, stint_run_row_fn fn,
                               void *context);
/* First estimates of jobs that are not done. */
int stint_reader_each_live_estimate(struct stint_reader *reader, stint_estimate_row_fn fn,
                                    void *context);
/* Waits of jobs that are not done. */
int stint_reader_each_live_wait(struct stint_reader *reader, stint_wait_row_fn fn, void *context);

/**
 * struct stint_estimate_window - how good first estimates were, of starts from @since_ms until
 * before @until_ms
 * @count: starts; @late_count: of them after the latest that was told (p90)
 * @median_error_ms, @p90_error_ms: off the expected start (p50), either way: half of them, and nine
 * of ten, were at most so far off
 */
struct stint_estimate_window {
    int64_t since_ms;
    int64_t until_ms;
    int64_t count;
    int64_t late_count;
    int64_t median_error_ms;
    int64_t p90_error_ms;
};
/* Fills the figures of @windows, whose times are given. O(estimates log), so not on the loop. */
int stint_reader_estimate_windows(struct stint_reader *reader,
                                  struct stint_estimate_window *windows, size_t count);

/* The transcript: rows from id @from on, put before @until_ms (0: no end). */
int stint_reader_each_transcript(struct stint_reader *reader, int64_t from, int64_t until_ms,
                                 int64_t limit, stint_transcript_row_fn fn, void *context);
/* The last row, without its body; -ENOENT before the first. */
int stint_reader_last_transcript(struct stint_reader *reader, stint_transcript_row_fn fn,
                                 void *context);
/* The row before id @id, without its body; -ENOENT. */
int stint_reader_transcript_before(struct stint_reader *reader, int64_t id,
                                   stint_transcript_row_fn fn, void *context);
/* The core that was at work at @at_ms, or the next to begin: *ret_core, the id of its first row; 0
 * when there is none. O(log rows): ids grow with time. */
int stint_reader_transcript_core(struct stint_reader *reader, int64_t at_ms, int64_t *ret_core);

/**
 * struct stint_store_audit - do the books balance? (invariant 4)
 * @unbalanced: transactions whose legs do not sum to zero; @first_unbalanced: one of them
 * @overdrawn: awards with used + held above what was awarded, or an account FREE below zero
 * @held_micro: sum of the accounts HELD; @open_hold_micro: of the holds of open runs
 */
struct stint_store_audit {
    int64_t posting_count;
    int64_t unbalanced;
    int64_t first_unbalanced;
    int64_t overdrawn;
    int64_t held_micro;
    int64_t open_hold_micro;
};
/* O(postings log postings + runs), 2 s a million postings: never on the loop. The books are right
 * when @unbalanced and @overdrawn are 0 and @held_micro equals @open_hold_micro. */
int stint_reader_audit(struct stint_reader *reader, struct stint_store_audit *ret_audit);

#endif
