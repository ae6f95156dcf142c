/* Owns: the table of verbs. Whatever a person can type is a row here. */
#include "cli.h"
#include "settings.h"
#include "stint/auto.h"

/* clang-format off */
static const struct option_row queue_options[] = {
    { "mine", 0, NULL, "only your own jobs", 0 },
    { 0 },
};
static const struct option_row jobs_options[] = {
    { "since",   0,  "WHEN",  "submitted since: 7d, 12h, 2026-11-25", 0 },
    { "state",   0,  "STATE", "a state (running, done …) or an outcome (failed …)", 0 },
    { "project", 'p', "NAME", "of this project", 0 },
    { "user",    0,  "NAME",  "of this user (operators)", 0 },
    { "mine",    0,  NULL,    "only your own jobs", 0 },
    { "limit",   0,  "N",     "at most so many a page; default 100", 0 },
    { "after",   0,  "CURSOR", "the page after this one", 0 },
    { "all",     0,  NULL,    "every page", 0 },
    { 0 },
};
static const struct option_row logs_options[] = {
    { "follow", 'f', NULL, "as it comes, until the job is done", 0 },
    { "stderr", 0,   NULL, "its errors instead of its output", 0 },
    { 0 },
};
static const struct option_row json_options[] = {
    { "json", 0, NULL, "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row cancel_options[] = {
    { "yes",  'y', NULL, "do not ask", 0 },
    { "json", 0,   NULL, "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row signal_options[] = {
    { "signal", 's', "SIG", "USR1 (default), TERM, 10 …", 0 },
    { "json",   0,   NULL,  "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row wait_options[] = {
    { "timeout", 't', "DUR", "at most so long; then exit status 9", 0 },
    { "json",    0,   NULL,  "each job as JSON when it is done", 0 },
    { 0 },
};

#define READS   VERB_READS
#define WATCHES (VERB_READS | VERB_WATCHES)

const struct verb verbs[] = {
    { "submit", "SCRIPT [ARG…] | -- CMD…", "submit a script or a command", verb_submit, submit_options, READS | VERB_STOPS_AT_WORD, 0, -1 },
    { "run", "-- CMD…", "run a command and wait: its output here, its exit status", verb_run, submit_options, READS | VERB_STOPS_AT_WORD, 1, -1 },
    { "queue", "", "what runs and what waits, and why", verb_queue, queue_options, WATCHES, 0, 0 },
    { "jobs", "", "jobs, finished ones too", verb_jobs, jobs_options, WATCHES, 0, 0 },
    { "show", "ID", "one job", verb_show, NULL, WATCHES, 1, 1 },
    { "why", "ID", "why a job does not run yet, and when it may", verb_why, NULL, WATCHES, 1, 1 },
    { "logs", "ID", "a job's output", verb_logs, logs_options, 0, 1, 1 },
    { "cancel", "ID…", "end jobs", verb_cancel, cancel_options, 0, 1, -1 },
    { "hold", "ID…", "keep waiting jobs from starting", verb_act, json_options, 0, 1, -1 },
    { "release", "ID…", "undo hold", verb_act, json_options, 0, 1, -1 },
    { "requeue", "ID…", "stop running jobs and queue them again", verb_act, json_options, 0, 1, -1 },
    { "suspend", "ID…", "stop running jobs for a while", verb_act, json_options, 0, 1, -1 },
    { "resume", "ID…", "undo suspend", verb_act, json_options, 0, 1, -1 },
    { "signal", "ID…", "send running jobs a signal", verb_signal, signal_options, 0, 1, -1 },
    { "wait", "ID…", "until jobs are done, with the first failure's exit status", verb_wait, wait_options, 0, 1, -1 },
    { "allocations", "", "who holds what now, drawn", verb_allocations, NULL, WATCHES, 0, 0 },
    { "balance", "", "what you may use: awards and quotas", verb_balance, NULL, WATCHES, 0, 0 },
    { "award list", "", "all awards", verb_award_list, NULL, WATCHES, 0, 0 },
    { "award show", "NAME", "one award and its postings", verb_award_show, NULL, READS, 1, 1 },
    { "award cite", "NAME", "the sentence for your paper", verb_award_cite, NULL, READS, 1, 1 },
};
/* clang-format on */
const size_t verb_count = STINT_ARRAY_SIZE(verbs);
