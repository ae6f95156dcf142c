/* One invocation of `stint`, and what every verb uses: the daemon, the screen, errors.
 * A thin client: it decides nothing that the daemon decides. */
#ifndef STINT_CLI_H
#define STINT_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "client.h"
#include "stint/error.h"
#include "verb.h"

/* INTERFACE §4; frozen, in stint(1). */
enum exit_status {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_REFUSED = 4,
    EXIT_LIMIT = 5,
    EXIT_NOT_PERMITTED = 6,
    EXIT_UNREACHABLE = 7,
    EXIT_CONFLICT = 8,
    EXIT_TIMED_OUT = 9,
};

struct cli {
    const struct verb *verb;
    struct args args;
    const char *socket; /* --socket before or after the verb; NULL */
    struct client *client;
};

/* `stint: text; try: fix` on stderr, and the exit status that belongs to the code. -ECONNREFUSED
 * and -ENOENT of the socket are EXIT_UNREACHABLE, -ETIMEDOUT is EXIT_TIMED_OUT. */
int cli_fail(const struct stint_error *err);
/* The same for a local file: one that is not there is EXIT_NOT_FOUND, not an absent daemon. */
int cli_fail_file(const struct stint_error *err, const char *path);
/* A mistake of the person who typed: the same line, EXIT_USAGE. */
int cli_usage(const char *fix, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * cli_call() - one request to the daemon and its answer
 * @body: JSON text or NULL
 * @ret_response: filled when EXIT_OK comes back; response_deinit() it
 * Return: EXIT_OK for a 2xx answer; else the problem was printed and this is the exit status.
 */
int cli_call(struct cli *cli, const char *method, const char *path, const char *body,
             struct response *ret_response);
/* The same for a JSON body that is consumed (decref'ed). */
int cli_send(struct cli *cli, const char *method, const char *path, json_t *body,
             struct response *ret_response);
/* Only the daemon's address; EXIT_OK or EXIT_UNREACHABLE. */
int cli_connect(struct cli *cli);

/* Prints a problem+json (or whatever it was) as an error, with its criteria; its exit status. */
int cli_problem(const struct response *response);
/* The exit status of a problem's code and HTTP status. Pure. */
int problem_exit_status(const char *code, long http_status);

/* One function that shows an answer to a person. */
typedef int (*show_fn)(struct cli *cli, const json_t *document);

/**
 * cli_show() - GET @path, then --json passes it through, else @show draws it
 * Follows --watch, and uses a pager on a terminal. Return: exit status.
 */
int cli_show(struct cli *cli, const char *path, show_fn show);
/* `--json`: the document and a newline on stdout. */
void cli_print_json(const json_t *document);

/* Asks "what? [y/N]" on a terminal; elsewhere --yes is needed. EXIT_OK to go on. */
int cli_confirm(struct cli *cli, const char *what);

static inline __attribute__((unused)) bool cli_has(const struct cli *cli, const char *name)
{
    return args_has(&cli->args, name);
}
static inline __attribute__((unused)) const char *cli_value(const struct cli *cli, const char *name)
{
    return args_value(&cli->args, name);
}

/* The verbs, by the file they live in. */
int verb_submit(struct cli *cli);
int verb_run(struct cli *cli);
int verb_queue(struct cli *cli);
int verb_jobs(struct cli *cli);
int verb_show(struct cli *cli);
int verb_why(struct cli *cli);
int verb_logs(struct cli *cli);
int verb_act(struct cli *cli);
int verb_cancel(struct cli *cli);
int verb_signal(struct cli *cli);
int verb_update(struct cli *cli);
int verb_wait(struct cli *cli);
int verb_allocations(struct cli *cli);
int verb_nodes(struct cli *cli);
int verb_balance(struct cli *cli);
int verb_award_list(struct cli *cli);
int verb_award_show(struct cli *cli);
int verb_award_cite(struct cli *cli);
int verb_check(struct cli *cli);
int verb_artifact_add(struct cli *cli);
int verb_artifact_list(struct cli *cli);
int verb_artifact_show(struct cli *cli);
int verb_artifact_remove(struct cli *cli);
int verb_artifact_attest(struct cli *cli);
int verb_artifact_revoke(struct cli *cli);
int verb_artifact_key(struct cli *cli);
int verb_log_head(struct cli *cli);
int verb_log_entry(struct cli *cli);
int verb_log_proof(struct cli *cli);
int verb_log_verify(struct cli *cli);
int verb_simulate(struct cli *cli);
int verb_doctor(struct cli *cli);
int verb_admin_add(struct cli *cli);
int verb_admin_list(struct cli *cli);
int verb_admin_show(struct cli *cli);
int verb_admin_set(struct cli *cli);
int verb_admin_state(struct cli *cli);
int verb_admin_remove(struct cli *cli);
int verb_award_grant(struct cli *cli);
int verb_award_change(struct cli *cli);
int verb_quota_set(struct cli *cli);
int verb_quota_list(struct cli *cli);
int verb_quota_remove(struct cli *cli);
int verb_review_list(struct cli *cli);
int verb_review_admit(struct cli *cli);
int verb_review_refuse(struct cli *cli);
int verb_waiver_grant(struct cli *cli);
int verb_waiver_list(struct cli *cli);
int verb_waiver_revoke(struct cli *cli);
int verb_token_create(struct cli *cli);
int verb_token_list(struct cli *cli);
int verb_token_revoke(struct cli *cli);
int verb_share_set(struct cli *cli);
int verb_share_list(struct cli *cli);
/* What decides a waiting job's turn, as `why` has it; NULL for nothing. */
void turn_print(const json_t *turn);
int verb_node_drain(struct cli *cli);
int verb_node_resume(struct cli *cli);
int verb_node_list(struct cli *cli);
int verb_reserve_add(struct cli *cli);
int verb_reserve_list(struct cli *cli);
int verb_reserve_show(struct cli *cli);
int verb_reserve_remove(struct cli *cli);
int verb_reload(struct cli *cli);
int verb_policy_show(struct cli *cli);
int verb_policy_history(struct cli *cli);
int verb_backup(struct cli *cli);
int verb_later(struct cli *cli);

#endif
