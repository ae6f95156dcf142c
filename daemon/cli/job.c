/* Owns: what is common to verbs about one job. */
#include "job.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "document.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/tasks.h"

bool job_id_is_valid(const char *text)
{
    struct stint_job_ref ref = { 0 };
    bool is_valid = strlen(text) < JOB_ID_MAX && stint_job_ref_parse(text, &ref, NULL) == 0;
    ref.tasks = stint_array_free(ref.tasks);
    return is_valid;
}

int job_path(const char *id, const char *rest, char path[JOB_PATH_MAX])
{
    char encoded[JOB_ID_MAX * 3];
    if (!job_id_is_valid(id))
        return cli_usage("41, 41_7 or 41_[1-5], as `stint queue` shows them",
                         "'%.60s' is not a job's id", id);
    (void)snprintf(path, JOB_PATH_MAX, "/api/v1/jobs/%s%s",
                   path_encode(id, encoded, sizeof(encoded)), rest);
    return EXIT_OK;
}

/* "41_[1-5]" of the @count tasks from place @at of the list on. */
static int part_write(const struct stint_job_ref *ref, uint32_t at, uint32_t count,
                      struct stint_buffer *part)
{
    struct stint_tasks *tasks = stint_tasks_new(ref->tasks, false);
    if (!tasks)
        return cli_fail(&(struct stint_error){ .code = -ENOMEM });
    for (uint32_t i = at; i < at + count; i++)
        (void)stint_tasks_put(tasks, stint_array_task(ref->tasks, i));
    stint_buffer_clear(part);
    stint_buffer_printf(part, count > 1 ? "%" PRIu64 "_[" : "%" PRIu64 "_", ref->job);
    stint_tasks_write(tasks, part);
    if (count > 1)
        stint_buffer_add_char(part, ']');
    (void)stint_tasks_free(tasks);
    return part->failed ? cli_fail(&(struct stint_error){ .code = -ENOMEM }) : EXIT_OK;
}

int job_each_part(const char *id, uint32_t task_max, int (*fn)(void *context, const char *id),
                  void *context)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer part = { 0 };
    struct stint_job_ref ref = { 0 };
    int first = EXIT_OK;
    if (!job_id_is_valid(id) || stint_job_ref_parse(id, &ref, NULL) != 0 || !ref.tasks ||
        ref.tasks->task_count <= task_max) {
        ref.tasks = stint_array_free(ref.tasks);
        return fn(context, id); /* who takes it says what is wrong with it */
    }
    for (uint32_t at = 0;
         at < ref.tasks->task_count && first != EXIT_UNREACHABLE && first != EXIT_TIMED_OUT;
         at += task_max) {
        uint32_t left = ref.tasks->task_count - at;
        int status = part_write(&ref, at, left < task_max ? left : task_max, &part);
        if (status == EXIT_OK)
            status = fn(context, stint_buffer_text(&part));
        if (first == EXIT_OK || status == EXIT_UNREACHABLE || status == EXIT_TIMED_OUT)
            first = status;
    }
    ref.tasks = stint_array_free(ref.tasks);
    return first;
}

const json_t *job_of(const json_t *document)
{
    const json_t *job = doc_at(document, "job");
    return job ? job : document;
}

bool job_is_done(const json_t *job)
{
    return strcmp(doc_text_or(job, "state", ""), "done") == 0;
}

int job_exit_status(const json_t *job)
{
    static const struct {
        const char *outcome;
        int status;
    } ends[] = {
        { "completed", 0 }, { "refused", EXIT_REFUSED }, { "cancelled", 130 }, { "timeout", 124 }
    };
    const char *outcome = doc_text_or(job, "outcome", "failed");
    int64_t code = doc_int(job, "exit_code", 0);
    int64_t signal_ = doc_int(job, "term_signal", 0);
    if (strcmp(outcome, "completed") == 0 && code == 0)
        return 0;
    if (code > 0 && code < 256)
        return (int)code;
    if (strcmp(outcome, "failed") == 0 && signal_ > 0 && signal_ < 65)
        return 128 + (int)signal_;
    if (strcmp(outcome, "failed") == 0 && !doc_has(job, "exit_code"))
        return (int)doc_int(job, "start_status", EXIT_NEVER_RAN);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ends); i++)
        if (strcmp(outcome, ends[i].outcome) == 0)
            return ends[i].status;
    return EXIT_FAILED;
}

/* ---- waiting ---- */

/* One question may wait this long at the daemon; shorter than any proxy's patience. */
#define POLL_WAIT_S 25
/* A daemon that restarts is back well within this. */
#define AWAY_MAX_S 60

static void sleep_ms(long ms)
{
    struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&span, NULL);
}

/* Asks once, the daemon waiting up to @wait_s. 0, -errno, or the printed problem's exit status. */
static int job_poll(struct cli *cli, const char *id, int64_t wait_s, struct response *response,
                    struct stint_error *err)
{
    char path[JOB_PATH_MAX];
    char rest[40];
    (void)snprintf(rest, sizeof(rest), "?wait_s=%" PRId64, wait_s);
    int status = job_path(id, rest, path);
    if (status != EXIT_OK)
        return status;
    response_deinit(response);
    int r = client_call(cli->client, "GET", path, NULL, NULL, response, err);
    if (r != 0)
        return r;
    return response->status / 100 == 2 && response->json ? 0 : cli_problem(response);
}

/* Waiting for a job that can never start would be for ever. */
static int never_starts(const char *id, const json_t *job)
{
    const char *code = doc_text_or(job, "reason", "");
    struct stint_error err = { 0 };
    if (strcmp(code, "DependencyFailed") != 0 &&
        strcmp(doc_text_or(job, "reason_class", ""), "never") != 0)
        return EXIT_OK;
    err.code = stint_fail(&err, STINT_WRONG_STATE, "job %s can never start: %s: %s", id, code,
                          doc_text_or(job, "reason_text", ""));
    (void)stint_fix(&err, STINT_WRONG_STATE, "stint cancel %s", id);
    return cli_fail(&err);
}

int job_wait(struct cli *cli, const char *id, int64_t deadline_ms, json_t **ret_job)
{
    stint_auto(response_deinit) struct response response = { 0 };
    int away = 0;
    bool is_first = true;
    int status = cli_connect(cli);
    while (status == EXIT_OK) {
        struct stint_error err = { 0 };
        int64_t asked_ms = wall_now_ms();
        int64_t wait_s = POLL_WAIT_S;
        if (deadline_ms && (deadline_ms - asked_ms) / 1000 < wait_s)
            wait_s = deadline_ms > asked_ms ? (deadline_ms - asked_ms) / 1000 : 0;
        if (is_first) /* what can never start is told at once */
            wait_s = 0;
        int r = job_poll(cli, id, wait_s, &response, &err);
        if (r > 0)
            return r;
        if (r < 0 && ++away > AWAY_MAX_S) {
            err.code = r;
            return cli_fail(&err);
        }
        if (r == 0 && job_is_done(job_of(response.json))) {
            if (ret_job)
                *ret_job = json_incref((json_t *)(uintptr_t)job_of(response.json));
            return EXIT_OK;
        }
        if (r == 0 && (status = never_starts(id, job_of(response.json))) != EXIT_OK)
            return status;
        if (deadline_ms && wall_now_ms() >= deadline_ms) {
            err.code = stint_fail(&err, -ETIMEDOUT, "job %s is not done yet", id);
            (void)stint_fix(&err, -ETIMEDOUT, "stint why %s", id);
            return cli_fail(&err);
        }
        if (r == 0)
            away = 0;
        if (r < 0)
            sleep_ms(1000);
        else if (is_first)
            is_first = false;
        else if (wall_now_ms() - asked_ms < 100)
            sleep_ms(200); /* it answered at once: do not spin */
    }
    return status;
}

/* ---- following ---- */

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_)
{
    (void)signal_;
    interrupts++;
}

struct follow {
    struct cli *cli;
    const char *id;
    const char *names[2]; /* of the streams */
    bool cancels;
    bool is_reader; /* only reads: the job's own end is not ours */
    int seen;       /* interrupts that were acted on */
};

/* False to stop following. */
static bool follow_tick(void *context)
{
    struct follow *follow = context;
    char path[JOB_PATH_MAX];
    if (interrupts == follow->seen)
        return true;
    follow->seen = interrupts;
    if (!follow->cancels || interrupts > 1)
        return false;
    (void)fprintf(stderr, "stint: cancelling job %s; once more to leave it\n", follow->id);
    stint_auto(response_deinit) struct response response = { 0 };
    if (job_path(follow->id, "", path) != EXIT_OK)
        return false;
    (void)cli_call(follow->cli, "DELETE", path, NULL, &response);
    return true;
}

static void stream_aim(struct client_stream *stream, const char *id, const char *name, char *path)
{
    char encoded[JOB_ID_MAX * 3];
    uint64_t offset = stream->offset;
    int fd = stream->fd;
    response_deinit(&stream->response);
    (void)snprintf(path, JOB_PATH_MAX, "/api/v1/jobs/%s/output?stream=%s&follow=1&offset=%" PRIu64,
                   path_encode(id, encoded, sizeof(encoded)), name, offset);
    *stream = (struct client_stream){ .path = path, .fd = fd, .offset = offset };
}

/* Until both streams end; 0, -EINTR or a fault. */
static int follow_streams(struct follow *follow, struct client_stream *streams, size_t count,
                          struct stint_error *err)
{
    char paths[2][JOB_PATH_MAX];
    for (size_t i = 0; i < count; i++)
        stream_aim(&streams[i], follow->id, follow->names[i], paths[i]);
    return client_follow(follow->cli->client, streams, count, follow_tick, follow, err);
}

const char *job_label(const json_t *job, char label[JOB_ID_MAX])
{
    const char *ref = doc_text(job, "ref") ? doc_text(job, "ref") : doc_text(job, "id");
    if (ref)
        (void)snprintf(label, JOB_ID_MAX, "%s", ref);
    else
        (void)snprintf(label, JOB_ID_MAX, "%" PRId64, doc_int(job, "id", doc_int(job, "job", 0)));
    return label;
}

void job_end_tell(const json_t *job)
{
    char label[JOB_ID_MAX];
    const char *outcome = doc_text_or(job, "outcome", "failed");
    const char *note = doc_text(job, "note");
    bool is_plain = strcmp(outcome, "completed") == 0 || strcmp(outcome, "failed") == 0;
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    if (note && *note)
        text_add(&line, note, SIZE_MAX);
    if (!is_plain || line.length > 0)
        (void)fprintf(stderr, "stint: job %s %s%s%s\n", job_label(job, label), outcome,
                      line.length > 0 ? ": " : "", stint_buffer_text(&line));
}

/* Everything was read to its end. A reader who got nothing but a problem is told that one; whoever
 * ran the job gets its status. */
static int follow_end(const struct follow *follow, const struct client_stream *stream,
                      const json_t *job)
{
    if (follow->is_reader)
        return stream->response.status / 100 == 2 ? EXIT_OK : cli_problem(&stream->response);
    job_end_tell(job);
    return job_exit_status(job);
}

static int follow_loop(struct follow *follow, struct client_stream *streams, size_t count)
{
    stint_auto(response_deinit) struct response response = { 0 };
    for (int away = 0; away <= AWAY_MAX_S;) {
        struct stint_error err = { 0 };
        int r = follow_streams(follow, streams, count, &err);
        if (r == -EINTR)
            return 128 + SIGINT;
        if (r == 0 && streams[0].response.status / 100 != 2 && streams[0].response.status != 404 &&
            streams[0].response.status != 409)
            return cli_problem(&streams[0].response);
        bool has_output = r == 0 && streams[0].response.status / 100 == 2;
        r = job_poll(follow->cli, follow->id, has_output ? 5 : 1, &response, &err);
        if (r > 0)
            return r;
        if (r < 0) { /* a restart: come back where we were */
            away++;
            sleep_ms(1000);
            continue;
        }
        away = 0;
        /* Done, and the streams were read to their ends after it: nothing is left. */
        if (job_is_done(job_of(response.json))) {
            if (!has_output)
                (void)follow_streams(follow, streams, count, &err);
            return follow_end(follow, &streams[0], job_of(response.json));
        }
        if (!follow_tick(follow))
            return 128 + SIGINT;
    }
    return cli_fail(&(struct stint_error){ .code = -ECONNREFUSED,
                                           .text = "the daemon went away and did not come back",
                                           .fix = "stint wait, once it runs again" });
}

static int follow_run(struct follow *follow, struct client_stream *streams, size_t count)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    int status = cli_connect(follow->cli);
    if (status != EXIT_OK)
        return status;
    (void)fflush(stdout);
    interrupts = 0;
    (void)sigaction(SIGINT, &action, NULL);
    if (follow->cancels)
        (void)sigaction(SIGTERM, &action, NULL);
    status = follow_loop(follow, streams, count);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    for (size_t i = 0; i < count; i++)
        response_deinit(&streams[i].response);
    return status;
}

int job_follow(struct cli *cli, const char *id, bool has_stderr, bool cancels)
{
    struct client_stream streams[2] = { { .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO } };
    struct follow follow = {
        .cli = cli, .id = id, .names = { "stdout", "stderr" }, .cancels = cancels
    };
    return follow_run(&follow, streams, has_stderr ? 2 : 1);
}

int job_follow_one(struct cli *cli, const char *id, const char *stream)
{
    struct client_stream streams[1] = { { .fd = STDOUT_FILENO } };
    struct follow follow = { .cli = cli, .id = id, .names = { stream }, .is_reader = true };
    return follow_run(&follow, streams, 1);
}
