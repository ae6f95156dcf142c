/* Owns: what people do to jobs (cancel, hold, release, requeue, suspend, resume, signal, wait) and
 * logs. Several ids: each is tried, the first failure is the exit status. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "document.h"
#include "job.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/jobs.h"
#include "stint/measure.h"
#include "stint/request.h"

static const struct {
    const char *verb;
    const char *done;
} deeds[] = {
    { "cancel", "cancelled" }, { "hold", "held" },         { "release", "released" },
    { "requeue", "requeued" }, { "suspend", "suspended" }, { "resume", "resumed" },
    { "signal", "signalled" }, { "update", "updated" },
};

/* A job that is given time to end is not ended yet. */
static void ending_print(const char *id, const json_t *document)
{
    int64_t grace_s = doc_int(document, "grace_s", -1);
    (void)printf("job %s is ending", id);
    if (grace_s >= 0)
        (void)printf(", at most %" PRId64 " s", grace_s);
    (void)putchar('\n');
}

static void deed_print(const struct cli *cli, const char *id, const struct response *response)
{
    const char *done = cli->verb->name;
    const char *state = doc_text_or(response->json, "job.state", "");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(deeds); i++)
        if (strcmp(deeds[i].verb, cli->verb->name) == 0)
            done = deeds[i].done;
    if (cli_has(cli, "json"))
        (void)printf("%s\n", response->body.length ? stint_buffer_text(&response->body) : "{}");
    else if (strcmp(state, "ending") == 0 && strcmp(cli->verb->name, "signal") != 0)
        ending_print(id, response->json);
    else if (strcmp(cli->verb->name, "requeue") == 0) /* what ran is ending first */
        (void)printf("job %s is %s: it is in the queue already\n", id, state);
    else
        (void)printf("job %s %s\n", id, done);
}

struct act {
    struct cli *cli;
    const char *method;
    const char *rest;
    const char *body; /* NULL without one */
};

static int act_on_one(void *context, const char *id)
{
    const struct act *act = context;
    stint_auto(response_deinit) struct response response = { 0 };
    char path[JOB_PATH_MAX];
    int status = job_path(id, act->rest, path);
    if (status == EXIT_OK)
        status = cli_call(act->cli, act->method, path, act->body, &response);
    if (status == EXIT_OK)
        deed_print(act->cli, id, &response);
    return status;
}

/* @body is borrowed and sent for each id. */
static int act_on_each(struct cli *cli, const char *method, const char *rest, const char *body)
{
    int first = EXIT_OK;
    struct act act = { cli, method, rest, body };
    for (size_t i = 0; i < cli->args.word_count; i++) {
        int status = job_each_part(cli->args.words[i], STINT_JOBS_ACT_TASK_MAX, act_on_one, &act);
        if (first == EXIT_OK)
            first = status;
        if (status == EXIT_UNREACHABLE)
            break;
    }
    return first;
}

int verb_act(struct cli *cli)
{
    char rest[32];
    (void)snprintf(rest, sizeof(rest), "/%s", cli->verb->name);
    return act_on_each(cli, "POST", rest, NULL);
}

/* One plain job that was named is what was meant; several are asked about. */
int verb_cancel(struct cli *cli)
{
    char what[64];
    if (cli->args.word_count > 1) {
        (void)snprintf(what, sizeof(what), "cancel %zu jobs", cli->args.word_count);
        int status = cli_confirm(cli, what);
        if (status != EXIT_OK)
            return status;
    }
    return act_on_each(cli, "DELETE", "", NULL);
}

/* The number of `TERM`, `SIGTERM` or `15`; 0 when it is none. */
static int signal_number(const char *text)
{
    const char *bare = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    char *end;
    long number = strtol(text, &end, 10);
    if (end != text && !*end)
        return number > 0 && number < 65 ? (int)number : 0;
    for (int i = 1; i < 65; i++) {
        const char *name = sigabbrev_np(i);
        if (name && strcmp(name, bare) == 0)
            return i;
    }
    return 0;
}

int verb_signal(struct cli *cli)
{
    const char *text = cli_value(cli, "signal") ? cli_value(cli, "signal") : "USR1";
    int number = signal_number(text);
    char body[80];
    if (number == 0)
        return cli_usage("--signal USR1", "no such signal: %.40s", text);
    const char *name = sigabbrev_np(number);
    if (name)
        (void)snprintf(body, sizeof(body), "{\"signal\":\"%s\"}", name);
    else
        (void)snprintf(body, sizeof(body), "{\"signal\":\"%d\"}", number);
    return act_on_each(cli, "POST", "/signal", body);
}

int verb_update(struct cli *cli)
{
    const char *text = cli_value(cli, "priority");
    char body[40];
    char *end;
    if (!text)
        return cli_usage("--priority N", "update: what is to change?");
    long priority = strtol(text, &end, 10);
    if (end == text || *end || priority < -STINT_REQUEST_PRIORITY_MAX ||
        priority > STINT_REQUEST_PRIORITY_MAX)
        return cli_usage("a whole number from -100 to 100", "--priority %.40s", text);
    (void)snprintf(body, sizeof(body), "{\"priority\":%ld}", priority);
    return act_on_each(cli, "PATCH", "", body);
}

/* ---- wait ---- */

static void end_print(struct cli *cli, const char *id, const json_t *job)
{
    if (cli_has(cli, "json"))
        cli_print_json(job);
    else if (doc_text(job, "note"))
        job_end_tell(job);
    else if (screen_is_terminal())
        (void)printf("job %s %s\n", id, doc_text_or(job, "outcome", "done"));
}

struct waiting {
    struct cli *cli;
    int64_t deadline_ms;
    bool is_over; /* no use in waiting for the others */
};

static int wait_one(void *context, const char *id)
{
    struct waiting *waiting = context;
    json_t *job = NULL;
    int status = job_wait(waiting->cli, id, waiting->deadline_ms, &job);
    if (status == EXIT_OK) {
        end_print(waiting->cli, id, job);
        status = job_exit_status(job);
    } else if (status == EXIT_UNREACHABLE || status == EXIT_TIMED_OUT) {
        waiting->is_over = true;
    }
    json_decref(job);
    return status;
}

int verb_wait(struct cli *cli)
{
    const char *timeout = cli_value(cli, "timeout");
    struct stint_error err = { 0 };
    int64_t seconds = 0;
    int first = EXIT_OK;
    if (timeout && stint_duration_parse(timeout, &seconds, &err) != 0) {
        err.code = STINT_INVALID;
        return cli_fail(&err);
    }
    struct waiting waiting = { cli, timeout ? wall_now_ms() + seconds * 1000 : 0, false };
    for (size_t i = 0; i < cli->args.word_count; i++) {
        int status = job_each_part(cli->args.words[i], 1, wait_one, &waiting);
        if (waiting.is_over)
            return status;
        if (first == EXIT_OK)
            first = status;
    }
    return first;
}

/* ---- logs ---- */

static int logs_once(struct cli *cli, const char *id, const char *stream)
{
    char path[JOB_PATH_MAX];
    char rest[40];
    struct stint_error err = { 0 };
    (void)snprintf(rest, sizeof(rest), "/output?stream=%s", stream);
    int status = job_path(id, rest, path);
    if (status == EXIT_OK)
        status = cli_connect(cli);
    if (status != EXIT_OK)
        return status;
    struct client_stream whole = { .path = path, .fd = STDOUT_FILENO };
    (void)fflush(stdout);
    err.code = client_follow(cli->client, &whole, 1, NULL, NULL, &err);
    if (err.code != 0)
        status = cli_fail(&err);
    else if (whole.response.status / 100 != 2)
        status = cli_problem(&whole.response);
    response_deinit(&whole.response);
    return status;
}

static int logs_follow(struct cli *cli, const char *id, bool is_stderr)
{
    if (!job_id_is_valid(id))
        return cli_usage("a number, as `stint queue` shows it", "'%.60s' is not a job's id", id);
    int status = job_follow_one(cli, id, is_stderr ? "stderr" : "stdout");
    /* The status is that of reading, not the job's: `stint wait` has that one. */
    return status == 128 + 2 ? EXIT_OK : status;
}

int verb_logs(struct cli *cli)
{
    bool is_stderr = cli_has(cli, "stderr");
    const char *id = cli->args.words[0];
    if (cli_has(cli, "follow"))
        return logs_follow(cli, id, is_stderr);
    return logs_once(cli, id, is_stderr ? "stderr" : "stdout");
}
