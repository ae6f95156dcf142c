/* Owns: submit and run. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "document.h"
#include "job.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"
#include "stint/request.h"
#include "submission.h"

extern char **environ;

/* ---- the script ---- */

/* Reads a script whole: a file, or "-" for standard input. */
static int script_read(const char *path, struct stint_buffer *text, struct stint_error *err)
{
    char bytes[16384];
    struct stat facts;
    ssize_t got;
    bool is_stdin = strcmp(path, "-") == 0;
    stint_auto(stint_fd) int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)stint_fail(err, STINT_NOT_FOUND, "cannot read the script %.200s: %s", path,
                         strerror(errno));
        return stint_fix(err, STINT_NOT_FOUND, "for a command, stint submit -- %.100s", path);
    }
    if (!is_stdin && fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        return stint_fail(err, STINT_INVALID, "%.200s is a folder, not a script", path);
    text->bound = STINT_REQUEST_SCRIPT_MAX + 1;
    while ((got = read(fd, bytes, sizeof(bytes))) > 0 && !text->failed)
        stint_buffer_add(text, bytes, (size_t)got);
    if (got < 0)
        return stint_fail(err, -errno, "reading %.200s: %s", path, strerror(errno));
    if (text->failed || text->length > STINT_REQUEST_SCRIPT_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "the script %.200s has more than %zu MiB", path,
                          STINT_REQUEST_SCRIPT_MAX >> 20);
    return 0;
}

/* What a shell would stumble over later, hours from now. */
static int script_check(const char *path, const struct stint_buffer *text, struct stint_error *err)
{
    const char *line_end = text->length > 0 ? memchr(text->data, '\n', text->length) : NULL;
    if (text->length == 0)
        return stint_fail(err, STINT_INVALID, "the script %.200s is empty", path);
    if (memchr(text->data, '\0', text->length)) {
        (void)stint_fail(err, STINT_INVALID, "%.200s is a program, not a script", path);
        return stint_fix(err, STINT_INVALID, "stint submit -- %.100s", path);
    }
    if (line_end && line_end > text->data && line_end[-1] == '\r') {
        (void)stint_fail(err, STINT_INVALID, "%.200s has DOS line ends", path);
        return stint_fix(err, STINT_INVALID, "dos2unix %.100s", path);
    }
    if (text->length < 3 || memcmp(text->data, "#!", 2) != 0) {
        (void)stint_fail(err, STINT_INVALID, "%.200s does not begin with #! and an interpreter",
                         path);
        return stint_fix(err, STINT_INVALID, "#!/bin/sh as its first line");
    }
    return 0;
}

/* ---- the request ---- */

struct submit {
    struct cli *cli;
    struct settings settings;
    struct stint_buffer script;
    json_t *request;
    bool is_run;
    struct stint_error err;
};

static void submit_deinit_auto(struct submit *submit)
{
    settings_deinit(&submit->settings);
    stint_buffer_deinit(&submit->script);
    json_decref(submit->request);
}

/* Readings are left out where a program reads our output; warnings never are. */
static void submit_on_note(void *context, enum note_kind kind, const char *text)
{
    const struct submit *submit = context;
    bool is_quiet = setting_is_on(&submit->settings, SET_PARSABLE) || cli_has(submit->cli, "json");
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    if (kind == NOTE_READING && is_quiet)
        return;
    text_add(&line, text, SIZE_MAX);
    (void)fprintf(stderr, "stint: %s%s\n", kind == NOTE_WARNING ? "warning: " : "",
                  stint_buffer_text(&line));
}

/* Which words are the command, which the script. */
static int program_find(struct submit *submit, struct submission *submission)
{
    const struct args *args = &submit->cli->args;
    bool is_strict = args_has(args, "strict");
    struct notes notes = { submit_on_note, submit };
    if (args->word_count == 0 && (args->has_dashes || submit->is_run || isatty(STDIN_FILENO)))
        return stint_fail(&submit->err, STINT_INVALID, "no script and no command given");
    if (submit->is_run || args->has_dashes) {
        submission->words = args->words;
        return 0;
    }
    static char *no_words[] = { NULL };
    const char *path = args->word_count > 0 ? args->words[0] : "-";
    submission->words = args->word_count > 0 ? args->words + 1 : no_words;
    submission->script_name = strcmp(path, "-") == 0 ? "stdin" : path;
    int r = script_read(path, &submit->script, &submit->err);
    if (r == 0)
        r = script_check(path, &submit->script, &submit->err);
    if (r != 0)
        return r;
    submission->script = submit->script.data;
    submission->script_length = submit->script.length;
    return directives_read(submission->script_name, submission->script, submission->script_length,
                           is_strict || getenv("STINT_STRICT"), &submit->settings, &notes,
                           &submit->err);
}

static int request_gather(struct submit *submit)
{
    char cwd[STINT_REQUEST_TEXT_MAX];
    struct notes notes = { submit_on_note, submit };
    struct submission submission = {
        .cwd = cwd, .home = getenv("HOME"), .environ_ = environ, .now_ms = wall_now_ms()
    };
    if (!getcwd(cwd, sizeof(cwd)))
        return stint_fail(&submit->err, -errno, "this folder's name: %s", strerror(errno));
    int r = settings_take_args(&submit->settings, &submit->cli->args, SOURCE_COMMAND_LINE, "",
                               &submit->err);
    if (r == 0)
        r = settings_take_environment(&submit->settings, environ, &submit->err);
    if (r == 0)
        r = program_find(submit, &submission);
    return r == 0 ? submission_build(&submission, &submit->settings, &notes, &submit->request,
                                     &submit->err)
                  : r;
}

/* ---- the answer ---- */

static const char *submit_key(const struct submit *submit, char key[64])
{
    uint64_t random[2] = { 0 };
    const char *given = setting_text(&submit->settings, SET_KEY);
    if (given)
        return given;
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return NULL;
    (void)snprintf(key, 64, "stint-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    return key;
}

/* Sends it; the answer has an id (or is a rehearsal's). */
static int submit_send(struct submit *submit, bool is_rehearsal, struct response *response)
{
    char key[64];
    struct cli *cli = submit->cli;
    const char *path = is_rehearsal ? "/api/v1/jobs?dry_run=true" : "/api/v1/jobs";
    stint_auto(stint_free) char *body = json_dumps(submit->request, JSON_COMPACT);
    int status = cli_connect(cli);
    if (status != EXIT_OK)
        return status;
    if (!body)
        return cli_fail(&(struct stint_error){ .code = -ENOMEM });
    submit->err.code =
        client_call(cli->client, "POST", path, body, is_rehearsal ? NULL : submit_key(submit, key),
                    response, &submit->err);
    if (submit->err.code != 0)
        return cli_fail(&submit->err);
    return response->status / 100 == 2 ? EXIT_OK : cli_problem(response);
}

/* One fact of a rehearsal a line, whatever the daemon can tell. */
static void fact_print(const char *name, const char *text)
{
    if (!text)
        return;
    (void)printf("  %-11s", name);
    text_print(text);
    (void)putchar('\n');
}

/* What it would wait for, and what would help. */
static void rehearsal_print_waits(const json_t *job)
{
    char time_[96];
    size_t i;
    const json_t *option;
    if (doc_time_ms(job, "estimate.p90") && doc_text(job, "waits_for"))
        fact_print("at latest", doc_time_full(job, "estimate.p90", time_, sizeof(time_)));
    fact_print("if", doc_text(job, "estimate.supposes"));
    fact_print("waits for", doc_text(job, "waits_for"));
    fact_print("when", doc_text(job, "no_estimate"));
    json_array_foreach(doc_at(job, "starts_now_with"), i, option)
        fact_print("now with", json_string_value(option));
}

static int rehearsal_print(const json_t *document)
{
    char time_[96];
    char text[120];
    const json_t *job = doc_at(document, "job") ? doc_at(document, "job") : document;
    (void)puts("would be accepted; nothing was submitted");
    fact_print("project", doc_text(job, "project"));
    fact_print("award", doc_text(job, "award"));
    if (json_is_true(doc_at(job, "simulated")))
        fact_print("GPUs", "simulated: no real card is given");
    if (doc_has(job, "cost_micro")) {
        char micro[32];
        (void)snprintf(text, sizeof(text), "up to %s %ss",
                       stint_micro_format(doc_int(job, "cost_micro", 0), micro, sizeof(micro)),
                       doc_text_or(job, "unit", "unit"));
        size_t used = strlen(text);
        if (doc_has(job, "tasks"))
            (void)snprintf(
                text + used, sizeof(text) - used, " for %" PRId64 " tasks, %s each",
                doc_int(job, "tasks", 0),
                stint_micro_format(doc_int(job, "task_cost_micro", 0), micro, sizeof(micro)));
        fact_print("cost", text);
    }
    if (doc_has(job, "counted_as"))
        fact_print("counts as", doc_text(job, "counted_as"));
    if (doc_has(job, "cost"))
        fact_print("cost", doc_text(job, "cost"));
    if (doc_has(job, "balance_after_micro"))
        fact_print("then left",
                   stint_micro_format(doc_int(job, "balance_after_micro", 0), text, sizeof(text)));
    static const char *const starts[] = { "start", "starts", "start_estimate", "estimate.p50",
                                          "estimate_p50" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(starts); i++)
        if (doc_time_ms(job, starts[i]))
            fact_print("starts", doc_time_full(job, starts[i], time_, sizeof(time_)));
    rehearsal_print_waits(job);
    const json_t *use;
    size_t i;
    json_array_foreach(doc_at(job, "uses"), i, use)
    {
        (void)snprintf(text, sizeof(text), "%.90s: %s",
                       doc_text_or(use, "name", doc_text_or(use, "reference", "?")),
                       doc_text_or(use, "result", "pass"));
        fact_print(doc_text_or(use, "kind", "uses"), text);
    }
    return EXIT_OK;
}

/* What an accepted job waits for before it may even queue. */
static const char *accepted_more(const struct response *response)
{
    if (response->status != 202)
        return "";
    return strcmp(doc_text_or(response->json, "reason", ""), "NotReviewedYet") == 0
               ? "; what it uses is unknown, and an operator decides"
               : "; what it uses is still being judged";
}

static void accepted_print(const struct submit *submit, const struct response *response,
                           const char *id)
{
    if (cli_has(submit->cli, "json"))
        (void)printf("%s\n", stint_buffer_text(&response->body));
    else if (setting_is_on(&submit->settings, SET_PARSABLE))
        (void)printf("%s\n", id);
    else
        (void)printf("job %s accepted%s\n", id, accepted_more(response));
    (void)fflush(stdout);
}

static int submit_whole(struct submit *submit, char id[JOB_ID_MAX])
{
    stint_auto(response_deinit) struct response response = { 0 };
    int r = request_gather(submit);
    if (r != 0) {
        submit->err.code = r;
        return cli_fail(&submit->err);
    }
    bool is_rehearsal = setting_is_on(&submit->settings, SET_TEST);
    int status = submit_send(submit, is_rehearsal, &response);
    id[0] = '\0';
    if (status != EXIT_OK)
        return status;
    if (is_rehearsal && cli_has(submit->cli, "json"))
        (void)printf("%s\n", stint_buffer_text(&response.body));
    else if (is_rehearsal)
        return rehearsal_print(response.json);
    if (is_rehearsal)
        return EXIT_OK;
    int64_t number = doc_int(response.json, "id", 0);
    if (number < 1)
        return cli_fail(&(struct stint_error){
            .code = -EPROTO, .text = "the daemon accepted the job but named no id" });
    (void)snprintf(id, JOB_ID_MAX, "%" PRId64, number);
    if (!submit->is_run)
        accepted_print(submit, &response, id);
    else if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "stint: job %s\n", id);
    return EXIT_OK;
}

int verb_submit(struct cli *cli)
{
    __attribute__((cleanup(submit_deinit_auto))) struct submit submit = { .cli = cli };
    char id[JOB_ID_MAX] = "";
    json_t *job = NULL;
    int status = submit_whole(&submit, id);
    if (status != EXIT_OK || !*id || !setting_is_on(&submit.settings, SET_WAIT))
        return status;
    status = job_wait(cli, id, 0, &job);
    if (status == EXIT_OK)
        status = job_exit_status(job);
    json_decref(job);
    return status;
}

int verb_run(struct cli *cli)
{
    __attribute__((cleanup(submit_deinit_auto))) struct submit submit = { .cli = cli,
                                                                          .is_run = true };
    char id[JOB_ID_MAX] = "";
    int status = submit_whole(&submit, id);
    if (status != EXIT_OK || !*id)
        return status;
    /* With --output alone, both streams are one file. */
    bool is_one_file =
        setting_text(&submit.settings, SET_OUTPUT) && !setting_text(&submit.settings, SET_ERROR);
    return job_follow(cli, id, !is_one_file, true);
}
