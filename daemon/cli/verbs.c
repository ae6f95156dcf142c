/* Owns: the table of verbs. Whatever a person can type is a row here. */
#include "cli.h"
#include "settings.h"
#include "stint/auto.h"

/* A room that is not linked into this build has its commands answered plainly (verb_later.c). */
#ifdef STINT_CLI_HAS_EVALUATOR
#define HAS_EVALUATOR(fn) fn
#else
#define HAS_EVALUATOR(fn) verb_later
#endif
#ifdef STINT_CLI_HAS_RECORD
#define HAS_RECORD(fn) fn
#else
#define HAS_RECORD(fn) verb_later
#endif
#ifdef STINT_CLI_HAS_SIMULATOR
#define HAS_SIMULATOR(fn) fn
#else
#define HAS_SIMULATOR(fn) verb_later
#endif
#ifdef STINT_CLI_HAS_TOPOLOGY
#define HAS_TOPOLOGY(fn) fn
#else
#define HAS_TOPOLOGY(fn) verb_later
#endif

#if defined(STINT_CLI_HAS_EVALUATOR) && defined(STINT_CLI_HAS_RECORD)
#define HAS_REVIEW(fn) fn
#else
#define HAS_REVIEW(fn) verb_later
#endif

/* clang-format off */
static const struct option_row queue_options[] = {
    { "mine", 0, NULL, "only your own jobs", 0 },
    { "resource", 0, "NAME", "only what is on this resource", 0 },
    { 0 },
};
static const struct option_row update_options[] = {
    { "priority", 0, "N", "-100 to 100; 0 until it is given. Higher goes first", 0 },
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

static const struct option_row nodes_options[] = {
    { "topology", 0, "SOURCE", "an hwloc XML file or synthetic string instead of the daemon's", 0 },
    { "gpus",     0, "TYPE:N", "GPUs declared beside it", 0 },
    { 0 },
};
static const struct option_row check_options[] = {
    { "rules",   0, "ID,…",  "rule sets: osaid-1.0, open-definition-2.1, osi-code, mof-1.0 …, all", 0 },
    { "kind",    0, "KIND",  "model, dataset or code; default: what the files say", 0 },
    { "name",    0, "NAME",  "what to call it", 0 },
    { "full",    0, NULL,    "every criterion, not only what failed", 0 },
    { "compare", 0, NULL,    "of two paths, what differs", 0 },
    { "tree",    0, NULL,    "of the models in a folder, each under the bases it names", 0 },
    { "html",    0, "FILE",  "one page for a browser that needs nothing else", 0 },
    { "yes",     'y', NULL,  "overwrite it without asking", 0 },
    { "no-hash", 0, NULL,    "do not read the weights: no digest, assurance declared", 0 },
    { "attestations", 0, "FILE", "reviewers' statements, from 'stint artifact attest --print'", 0 },
    { "reviewers", 0, "FILE", "public keys, one a line: each statement must be signed by one of them", 0 },
    { "rules-dir", 0, "DIR", "folder of rule sets", 0 },
    { "catalogue-dir", 0, "DIR[:DIR…]", "folders of evidence about models and data sets, beside the installed one", 0 },
    { "licences-dir", 0, "DIR", "folder of the licence table", 0 },
    { "json",    0, NULL,    "stint.verdict/1", 0 },
    { 0 },
};
static const struct option_row artifact_add_options[] = {
    { "name",     0, "ORG/NAME", "the name it is registered under", 0 },
    { "kind",     0, "KIND",     "model, dataset or code", 0 },
    { "in-place", 0, NULL,       "leave it where it is: jobs with it are at best watched", 0 },
    { "json",     0, NULL,       "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row attest_options[] = {
    { "criterion", 0, "ID",        "the criterion that it answers; says which component and predicate, if it asks one thing", 0 },
    { "component", 0, "C",         "what it is about: weights, training-code, data-information, training-data …", 0 },
    { "predicate", 0, "P",         "what is said of it: licence, restriction, data-class, describes-provenance, present …", 0 },
    { "value",     0, "VALUE",     "true, false, or a text", 0 },
    { "subject",   0, "NAME",      "the data set or base model of the artefact that it speaks of", 0 },
    { "source",    0, "TEXT",      "what it rests on: an address or a title; public", 0 },
    { "date",      0, "DATE",      "as of when; default today", 0 },
    { "document",  0, "FILE|DIGEST", "the document it rests on, by its digest; the file whose terms it settles", 0 },
    { "key",       0, "FILE",      "sign it with this reviewer's key", 0 },
    { "statement", 0, "FILE",      "instead: statements that were made and signed elsewhere", 0 },
    { "print",     0, NULL,        "print it instead of handing it in; of a path, without a daemon", 0 },
    { "json",      0, NULL,        "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row attest_revoke_options[] = {
    { "reason", 0, "TEXT", "why; public", 0 },
    { "json",   0, NULL,   "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row attest_key_options[] = {
    { "name", 0, "NAME", "make a new key of this name (a host and a path: review.example.org/ada)", 0 },
    { 0 },
};
static const struct option_row verify_options[] = {
    { "key",  0, "VKEY|FILE", "the log's public key, from somewhere else than the daemon", 0 },
    { "old",  0, "FILE",      "an earlier 'stint log head', to be contained", 0 },
    { "json", 0, NULL,        "the result as JSON", 0 },
    { 0 },
};
static const struct option_row simulate_options[] = {
    { "trace",       0, "FILE",   "a trace in the Standard Workload Format, .gz too", 0 },
    { "history",     0, "30d",    "instead: the jobs that this site finished in that time", 0 },
    { "resource",    0, "NAME",   "of those, on this resource; needed where there are several", 0 },
    { "replay",      0, "DAY",    "instead: what the live scheduler was told that day, and did it decide so? (operators)", 0 },
    { "cores",       0, "N",      "a flat machine of N processors; default: as the trace says", 0 },
    { "topology",    0, "SOURCE", "an hwloc XML file or synthetic string", 0 },
    { "gpus",        0, "TYPE:N", "GPUs declared beside the topology", 0 },
    { "nodes",       0, "N",      "so many such nodes", 0 },
    { "cluster",     0, "FILE",   "a machine of lines like: name=a nodes=4 cores=32 gpus=h200:4", 0 },
    { "policy",      0, "NAME",   "fcfs, sjf, easy, easy-sjbf, conservative or stint (default)", 0 },
    { "compare",     0, "NAME",   "the same with this policy, beside it", 0 },
    { "shares",      0, "FILE",   "lines: project NAME SHARES [PARENT], user NUMBER PROJECT", 0 },
    { "estimates",   0, "WHOSE",  "user (default), actual or predicted", 0 },
    { "preemptible", 0, "SHARE",  "share of the jobs that may be stopped, 0 to 1", 0 },
    { "seed",        0, "N",      "of that draw", 0 },
    { "resume-cost", 0, "S",      "seconds that each resume costs", 0 },
    { "events",      0, "FILE",   "one line a decision", 0 },
    { "plot",        0, "FILE",   "utilization and queue over time, as an SVG image", 0 },
    { "json",        0, NULL,     "stint.simulation/1, of several stint.simulations/1, of --replay stint.replay/1", 0 },
    { 0 },
};
static const struct option_row institution_options[] = {
    { "title", 0, "TEXT", "its full name", 0 },
    { 0 },
};
static const struct option_row project_options[] = {
    { "institution", 0, "NAME", "whose project it is; default: the only one", 0 },
    { "pi",          0, "NAME", "who leads it; public", 0 },
    { "title",       0, "TEXT", "what it is about; public", 0 },
    { 0 },
};
static const struct option_row project_set_options[] = {
    { "pi",    0, "NAME", "who leads it; public", 0 },
    { "title", 0, "TEXT", "what it is about; public", 0 },
    { 0 },
};
static const struct option_row user_add_options[] = {
    { "project",  'p', "NAME",   "of which project", 0 },
    { "role",     0,   "ROLE",   "member (default), manager or pi", 0 },
    { "operator", 0,   "yes|no", "may administer", 0 },
    { 0 },
};
static const struct option_row user_set_options[] = {
    { "operator", 0, "yes|no", "may administer", 0 },
    { 0 },
};
static const struct option_row user_remove_options[] = {
    { "project", 'p', "NAME", "from which project", 0 },
    { "yes",     'y', NULL,   "do not ask", 0 },
    { 0 },
};
static const struct option_row award_show_options[] = {
    { "limit", 0, "N",      "at most so many postings; default 100", 0 },
    { "after", 0, "CURSOR", "the postings after these", 0 },
    { 0 },
};
#define AMOUNT { "amount", 0, "NUMBER", "GPU-hours (core-hours on a machine without GPUs)", 0 }
#define UNTIL  { "until", 0, "TIME", "until when", 0 }
#define YES    { "yes", 'y', NULL, "do not ask", 0 }
static const struct option_row grant_options[] = {
    { "project", 'p', "NAME", "to which project", 0 },
    { "resource", 0,  "NAME", "on which resource; default the first", 0 },
    AMOUNT,
    { "from",    0,   "TIME", "from when; default now", 0 },
    UNTIL,
    { "title",   0,   "TEXT", "what it is for; public", 0 },
    { 0 },
};
static const struct option_row extend_options[] = { UNTIL, { 0 } };
static const struct option_row reload_options[] = {
    { "reason",  0,   "TEXT", "why; lands in the public log where the policy changes", 0 },
    { "dry-run", 0,   NULL,   "check and say what would be, change nothing", 0 },
    { "json",    0,   NULL,   "the answer as JSON", 0 },
    { 0 },
};
static const struct option_row amount_options[] = { AMOUNT, { 0 } };
static const struct option_row reduce_options[] = { AMOUNT, YES, { 0 } };
static const struct option_row revoke_options[] = { YES, { 0 } };
#define SCOPES \
    { "site",        0,   NULL,   "of everything together", 0 }, \
    { "institution", 0,   "NAME", "of this institution", 0 }, \
    { "project",     'p', "NAME", "of this project", 0 }, \
    { "user",        0,   "NAME", "of this user", 0 }
static const struct option_row token_options[] = {
    { "user",  0, "NAME",   "for whom it speaks", 0 },
    { "scope", 0, "WORD,…", "what it may do: read:own, submit, audit, admin, admin:quota …", 0 },
    { "until", 0, "TIME",   "when it ends: now+30d or a date; default 90 days, at most 366", 0 },
    { 0 },
};
static const struct option_row waiver_options[] = {
    { "until", 0, "TIME", "when the waiver ends: now+30d or a date; default 90 days, at most 366", 0 },
    { 0 },
};
static const struct option_row share_options[] = {
    { "institution", 0,   "NAME", "of this institution, among all", 0 },
    { "project",     'p', "NAME", "of this project, in its institution", 0 },
    { "user",        0,   "NAME", "of this user, in each of his projects", 0 },
    { 0 },
};
static const struct option_row quota_options[] = { SCOPES, { 0 } };
static const struct option_row quota_remove_options[] = { SCOPES, YES, { 0 } };

static const struct option_row node_options[] = {
    { "resource", 0, "NAME", "only on this resource; else on all that have a part of the node", 0 },
    { 0 },
};
static const struct option_row share_list_options[] = {
    { "resource", 0, "NAME", "as they stand there; default the first resource", 0 },
    { 0 },
};
static const struct option_row reserve_options[] = {
    { "resource",      0,   "NAME",        "on which resource; default the first", 0 },
    { "project",       'p', "NAME",        "for this project; without one for nobody: maintenance", 0 },
    { "institution",   0,   "NAME",        "for all projects of this institution", 0 },
    { "gpus",          'G', "[TYPE:]N",    "so many whole GPUs of one node, with their part of its cores and memory", 0 },
    { "cpus",          'c', "N",           "so many cores of one node, with their part of its memory", 0 },
    { "memory",        0,   "SIZE",        "so much memory instead of the part", 0 },
    { "node",          0,   "NAME,…|all",  "whole nodes; with --gpus or --cpus, on which one", 0 },
    { "from",          0,   "TIME",        "from when; default now", 0 },
    { "until",         0,   "TIME",        "until when; a weekly one has no end without", 0 },
    { "weekly",        0,   "DAYS",        "every week: mon-fri,sun or daily, in the site's time zone", 0 },
    { "hours",         0,   "HH:MM-HH:MM", "of those days; 22:00-06:00 goes into the next", 0 },
    { "release-after", 0,   "DUR",         "given up when no job of theirs uses it for so long", 0 },
    { 0 },
};

#define READS   VERB_READS
#define WRITES  VERB_WRITES
#define LOCAL   VERB_NO_DAEMON
#define WATCHES (VERB_READS | VERB_WATCHES)

const struct verb verbs[] = {
    { "submit", "SCRIPT [ARG…] | -- CMD…", "submit a script or a command", verb_submit, submit_options, READS | VERB_STOPS_AT_WORD, 0, -1 },
    { "run", "-- CMD…", "run a command and wait: its output here, its exit status", verb_run, submit_options, READS | VERB_STOPS_AT_WORD, 1, -1 },
    { "queue", "", "what runs and what waits, and why", verb_queue, queue_options, WATCHES, 0, 0 },
    { "jobs", "", "jobs, finished ones too", verb_jobs, jobs_options, WATCHES, 0, 0 },
    { "show", "ID", "one job, array (41) or task (41_7, 41_[1-5])", verb_show, NULL, WATCHES, 1, 1 },
    { "why", "ID", "why a job does not run yet, and when it may", verb_why, NULL, WATCHES, 1, 1 },
    { "logs", "ID", "a job's output", verb_logs, logs_options, 0, 1, 1 },
    { "cancel", "ID…", "end jobs", verb_cancel, cancel_options, 0, 1, -1 },
    { "hold", "ID…", "keep waiting jobs from starting", verb_act, json_options, 0, 1, -1 },
    { "release", "ID…", "undo hold", verb_act, json_options, 0, 1, -1 },
    { "requeue", "ID…", "stop running jobs and queue them again", verb_act, json_options, 0, 1, -1 },
    { "suspend", "ID…", "stop running jobs for a while", verb_act, json_options, 0, 1, -1 },
    { "resume", "ID…", "undo suspend", verb_act, json_options, 0, 1, -1 },
    { "signal", "ID…", "send running jobs a signal", verb_signal, signal_options, 0, 1, -1 },
    { "update", "ID…", "change waiting jobs: their --priority", verb_update, update_options, 0, 1, -1 },
    { "wait", "ID…", "until jobs are done, with the exit status of the first that failed", verb_wait, wait_options, 0, 1, -1 },
    { "allocations", "", "who holds what now, drawn", verb_allocations, NULL, WATCHES, 0, 0 },
    { "nodes", "[NAME]", "machines; with --topology without a daemon", HAS_TOPOLOGY(verb_nodes), nodes_options, WATCHES, 0, 1 },
    { "balance", "", "what you may use: awards and quotas", verb_balance, NULL, WATCHES, 0, 0 },
    { "award list", "", "all awards", verb_award_list, NULL, WATCHES, 0, 0 },
    { "award show", "NAME", "one award and its postings, newest first", verb_award_show, award_show_options, READS, 1, 1 },
    { "award cite", "NAME", "the sentence for your paper", verb_award_cite, NULL, READS, 1, 1 },
    { "check", "PATH…", "judge artefacts on disk, without a daemon", HAS_EVALUATOR(verb_check), check_options, LOCAL, 1, -1 },
    { "artifact add", "PATH", "judge a folder or file and register it", verb_artifact_add, artifact_add_options, 0, 1, 1 },
    { "artifact list", "", "what is registered", verb_artifact_list, NULL, WATCHES, 0, 0 },
    { "artifact show", "REF", "one artefact and its verdict", verb_artifact_show, NULL, READS, 1, 1 },
    { "artifact remove", "REF", "take one out of the register", verb_artifact_remove, cancel_options, 0, 1, 1 },
    { "artifact attest", "REF|PATH", "attest a fact of an artefact, as a reviewer", HAS_REVIEW(verb_artifact_attest), attest_options, 0, 1, 1 },
    { "artifact revoke", "NUMBER", "take a statement back", HAS_REVIEW(verb_artifact_revoke), attest_revoke_options, 0, 1, 1 },
    { "artifact key", "FILE", "a reviewer's public key; with --name make the pair", HAS_REVIEW(verb_artifact_key), attest_key_options, LOCAL, 1, 1 },
    { "log head", "", "the signed head of the public log", HAS_RECORD(verb_log_head), json_options, 0, 0, 0 },
    { "log entry", "N", "one entry, its stored bytes", HAS_RECORD(verb_log_entry), json_options, 0, 1, 1 },
    { "log proof", "N", "that one entry is in the log, as a file", HAS_RECORD(verb_log_proof), NULL, 0, 1, 1 },
    { "log verify", "", "recompute the log's root and check its signature", HAS_RECORD(verb_log_verify), verify_options, 0, 0, 0 },
    { "simulate", "", "replay a trace through the scheduler", HAS_SIMULATOR(verb_simulate), simulate_options, LOCAL, 0, 0 },
    { "doctor", "", "health of the installation", verb_doctor, NULL, READS, 0, 0 },
    { "admin institution add", "NAME", "add an institution", verb_admin_add, institution_options, WRITES, 1, 1 },
    { "admin institution list", "", "all institutions", verb_admin_list, NULL, READS, 0, 0 },
    { "admin institution show", "NAME", "one institution", verb_admin_show, NULL, READS, 1, 1 },
    { "admin project add", "NAME", "add a project", verb_admin_add, project_options, WRITES, 1, 1 },
    { "admin project list", "", "all projects", verb_admin_list, NULL, READS, 0, 0 },
    { "admin project show", "NAME", "one project", verb_admin_show, NULL, READS, 1, 1 },
    { "admin project set", "NAME", "change a project", verb_admin_set, project_set_options, WRITES, 1, 1 },
    { "admin project suspend", "NAME", "let nothing of its start", verb_admin_state, NULL, WRITES, 1, 1 },
    { "admin project resume", "NAME", "undo suspend", verb_admin_state, NULL, WRITES, 1, 1 },
    { "admin user add", "NAME", "add a user, or a membership", verb_admin_add, user_add_options, WRITES, 1, 1 },
    { "admin user list", "", "all users", verb_admin_list, NULL, READS, 0, 0 },
    { "admin user show", "NAME", "one user", verb_admin_show, NULL, READS, 1, 1 },
    { "admin user set", "NAME", "change a user", verb_admin_set, user_set_options, WRITES, 1, 1 },
    { "admin user suspend", "NAME", "let nothing of theirs start", verb_admin_state, NULL, WRITES, 1, 1 },
    { "admin user resume", "NAME", "undo suspend", verb_admin_state, NULL, WRITES, 1, 1 },
    { "admin user remove", "NAME", "end a membership", verb_admin_remove, user_remove_options, WRITES, 1, 1 },
    { "admin award grant", "NAME", "give a project an award", verb_award_grant, grant_options, WRITES, 1, 1 },
    { "admin award extend", "NAME", "move an award's end", verb_award_change, extend_options, WRITES, 1, 1 },
    { "admin award supplement", "NAME", "add to an award", verb_award_change, amount_options, WRITES, 1, 1 },
    { "admin award reduce", "NAME", "take from an award", verb_award_change, reduce_options, WRITES, 1, 1 },
    { "admin award revoke", "NAME", "end an award for new starts", verb_award_change, revoke_options, WRITES, 1, 1 },
    { "admin award transfer", "FROM TO", "move an amount to another award", verb_award_change, amount_options, WRITES, 2, 2 },
    { "admin quota set", "KIND=N[/PERIOD]…", "set ceilings: gpus=4 jobs=50 gpu-hours=500/month", verb_quota_set, quota_options, WRITES, 1, -1 },
    { "admin quota list", "", "all ceilings", verb_quota_list, quota_options, WATCHES, 0, 0 },
    { "admin quota show", "", "ceilings of one scope", verb_quota_list, quota_options, READS, 0, 0 },
    { "admin quota remove", "KIND…", "remove ceilings", verb_quota_remove, quota_remove_options, WRITES, 1, -1 },
    { "admin share set", "N", "set a weight of fair share: everybody has 1 until then", verb_share_set, share_options, WRITES, 1, 1 },
    { "admin share list", "", "weights, use and ranks", verb_share_list, share_list_options, WATCHES, 0, 0 },
    { "admin node drain", "NAME", "let nothing new start on a node; what runs goes on", verb_node_drain, node_options, WRITES, 1, 1 },
    { "admin node resume", "NAME", "undo drain", verb_node_resume, node_options, WRITES, 1, 1 },
    { "admin node list", "", "all nodes and how they stand", verb_node_list, NULL, WATCHES, 0, 0 },
    { "admin reserve add", "NAME", "keep a part of the machine for somebody, or for nobody", verb_reserve_add, reserve_options, WRITES, 1, 1 },
    { "admin reserve list", "", "all reservations that are not over", verb_reserve_list, NULL, WATCHES, 0, 0 },
    { "admin reserve show", "NAME", "one reservation", verb_reserve_show, NULL, READS, 1, 1 },
    { "admin reserve remove", "NAME", "end a reservation", verb_reserve_remove, revoke_options, WRITES, 1, 1 },
    { "admin review list", "", "jobs that wait for a decision, and the artefacts why", verb_review_list, NULL, READS, 0, 0 },
    { "admin review admit", "ID", "let a job in, with a waiver for what is unknown", verb_review_admit, waiver_options, WRITES, 1, 1 },
    { "admin review refuse", "ID", "end a job as refused", verb_review_refuse, NULL, WRITES, 1, 1 },
    { "admin waiver grant", "REF|PATH", "let in an artefact while its verdict is unknown", verb_waiver_grant, waiver_options, WRITES, 1, 1 },
    { "admin waiver list", "", "all waivers", verb_waiver_list, NULL, READS, 0, 0 },
    { "admin waiver revoke", "ID", "end a waiver", verb_waiver_revoke, revoke_options, WRITES, 1, 1 },
    { "admin token create", "NAME", "make a bearer token for a user; it is shown this once", verb_token_create, token_options, WRITES, 1, 1 },
    { "admin token list", "", "all tokens, without what is secret", verb_token_list, NULL, READS, 0, 0 },
    { "admin token revoke", "ID", "end a token now", verb_token_revoke, revoke_options, WRITES, 1, 1 },
    { "admin policy show", "", "the policy in force", verb_policy_show, NULL, READS, 0, 0 },
    { "admin policy history", "", "its changes, as the public log has them", verb_policy_history, NULL, READS, 0, 0 },
    { "admin backup", "FILE", "copy the store into a new file, while the daemon works", verb_backup, NULL, 0, 1, 1 },
    { "admin reload", "", "let the daemon read its configuration again", verb_reload, reload_options, 0, 0, 0 },
    { "extend", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
    { "admin policy test", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
    { "admin policy set", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
    { "admin institution set", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
    { "admin institution suspend", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
    { "admin institution resume", "…", "not in this version", verb_later, NULL, VERB_LATER, 0, -1 },
};
/* clang-format on */
const size_t verb_count = STINT_ARRAY_SIZE(verbs);
