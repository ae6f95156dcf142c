/* Owns: what every verb shares: calls and their refusals as exit statuses, showing, asking. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "document.h"
#include "screen.h"
#include "stint/measure.h"
#include "stint/reason.h"

static int error_exit_status(int code)
{
    switch (code) {
    case -ECONNREFUSED:
    case -ENOENT:
        return EXIT_UNREACHABLE;
    case -ETIMEDOUT:
        return EXIT_TIMED_OUT;
    default:
        return stint_refusal_exit_status(code);
    }
}

/* One line on stderr, made harmless. */
static void error_print(const char *text, const char *fix)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    stint_buffer_add_text(&line, "stint: ");
    text_add(&line, text, SIZE_MAX);
    if (fix && *fix) {
        stint_buffer_add_text(&line, "; try: ");
        text_add(&line, fix, SIZE_MAX);
    }
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n", stint_buffer_text(&line));
}

int cli_fail(const struct stint_error *err)
{
    if (err->text[0])
        error_print(err->text, err->fix);
    else
        error_print(err->code < 0 ? strerror(-err->code) : stint_refusal_name(err->code), err->fix);
    return error_exit_status(err->code);
}

int cli_fail_file(const struct stint_error *err, const char *path)
{
    struct stint_error named = *err;
    if (!named.text[0])
        (void)snprintf(named.text, sizeof(named.text), "%.200s: %s", path,
                       err->code < 0 ? strerror(-err->code) : stint_refusal_name(err->code));
    int status = cli_fail(&named);
    return err->code == -ENOENT ? EXIT_NOT_FOUND : status;
}

int cli_usage(const char *fix, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error_print(text, fix);
    return EXIT_USAGE;
}

/* ---- problems ---- */

static int reason_exit_status(enum stint_reason_class cls)
{
    switch (cls) {
    case STINT_CLASS_REFUSED:
    case STINT_CLASS_NEW:
        return EXIT_REFUSED;
    case STINT_CLASS_NEVER:
    case STINT_CLASS_BLOCKED:
    case STINT_CLASS_LIMITED:
    case STINT_CLASS_WAITING:
        return EXIT_LIMIT;
    case STINT_CLASS_NONE:
    case STINT_REASON_CLASS_COUNT:
        break;
    }
    return EXIT_FAILED;
}

static int http_exit_status(long status)
{
    switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
        return EXIT_USAGE;
    case 401:
    case 403:
        return EXIT_NOT_PERMITTED;
    case 404:
    case 410:
        return EXIT_NOT_FOUND;
    case 409:
    case 412:
        return EXIT_CONFLICT;
    case 422:
        return EXIT_REFUSED;
    case 429:
        return EXIT_LIMIT;
    case 504:
        return EXIT_TIMED_OUT;
    default:
        return EXIT_FAILED;
    }
}

int problem_exit_status(const char *code, long http_status)
{
    for (int i = 1; code && i < STINT_REFUSAL_COUNT; i++)
        if (strcmp(stint_refusal_name(i), code) == 0)
            return stint_refusal_exit_status(i);
    for (int i = 1; code && i < STINT_REASON_COUNT; i++)
        if (strcmp(stint_reason_name((enum stint_reason_code)i), code) == 0)
            return reason_exit_status(stint_reason_class((enum stint_reason_code)i));
    return http_exit_status(http_status);
}

/* One failed criterion: what, why, where it was seen, and what would pass. */
static void criterion_print(const json_t *criterion)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
    const json_t *seen = json_array_get(doc_at(criterion, "evidence"), 0);
    const char *subject = doc_text(criterion, "subject");
    stint_buffer_add_text(&line, "  ");
    if (subject) {
        text_add(&line, subject, SIZE_MAX);
        stint_buffer_add_text(&line, "  ");
    }
    text_add(&line, doc_text_or(criterion, "id", "?"), SIZE_MAX);
    stint_buffer_printf(&line, "  %s  ", doc_text_or(criterion, "result", "fail"));
    text_add(&line, doc_text_or(criterion, "why", ""), SIZE_MAX);
    if (doc_text(seen, "file")) {
        stint_buffer_add_text(&line, "  [");
        text_add(&line, doc_text(seen, "file"), SIZE_MAX);
        if (doc_int(seen, "line", 0) > 0)
            stint_buffer_printf(&line, ":%" PRId64, doc_int(seen, "line", 0));
        stint_buffer_add_text(&line, "]");
    }
    if (doc_text(criterion, "would_pass") && *doc_text(criterion, "would_pass")) {
        stint_buffer_add_text(&line, "\n      would pass: ");
        text_add(&line, doc_text(criterion, "would_pass"), SIZE_MAX);
    }
    (void)fprintf(stderr, "%s\n", stint_buffer_text(&line));
}

/* The array of criteria, wherever the problem carries it. */
static const json_t *problem_criteria(const json_t *problem)
{
    static const char *const places[] = { "criteria", "params.criteria", "also" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(places); i++) {
        const json_t *list = doc_at(problem, places[i]);
        if (json_is_array(list) && doc_text(json_array_get(list, 0), "id"))
            return list;
    }
    return NULL;
}

static void also_print(const json_t *problem)
{
    const json_t *item;
    size_t i;
    const json_t *also = doc_at(problem, "also");
    if (!json_is_array(also) || doc_text(json_array_get(also, 0), "id"))
        return;
    json_array_foreach(also, i, item)
    {
        stint_auto(stint_buffer_deinit) struct stint_buffer line = { 0 };
        const char *text = json_string_value(item);
        if (!text)
            text = doc_text(item, "detail");
        if (!text)
            text = doc_text(item, "text");
        if (!text)
            text = doc_text_or(item, "code", "");
        text_add(&line, text, SIZE_MAX);
        (void)fprintf(stderr, "  also: %s\n", stint_buffer_text(&line));
    }
}

int cli_problem(const struct response *response)
{
    const json_t *problem = response->json;
    const char *code = doc_text(problem, "code");
    const char *title = doc_text(problem, "title");
    const char *detail = doc_text(problem, "detail");
    const json_t *criteria = problem_criteria(problem);
    const json_t *item;
    size_t i;
    char text[1200];
    if (!problem)
        (void)snprintf(text, sizeof(text), "the daemon answered %ld without saying why",
                       response->status);
    else if (detail && code)
        (void)snprintf(text, sizeof(text), "%.100s: %.1000s", code, detail);
    else
        (void)snprintf(text, sizeof(text), "%.1000s",
                       detail  ? detail
                       : title ? title
                       : code  ? code
                               : "the daemon refused");
    error_print(text, doc_text(problem, "fix"));
    json_array_foreach(criteria, i, item) criterion_print(item);
    also_print(problem);
    if (doc_has(problem, "decision")) {
        char *decision = json_dumps(doc_at(problem, "decision"), JSON_ENCODE_ANY | JSON_COMPACT);
        if (decision)
            (void)fprintf(stderr, "  decision %s, public: /api/v1/decisions\n", decision);
        free(decision);
    }
    return problem_exit_status(code, response->status);
}

/* ---- calls ---- */

int cli_connect(struct cli *cli)
{
    char place[CLIENT_PLACE_MAX];
    struct stint_error err = { 0 };
    const char *named = cli_value(cli, "socket");
    if (cli->client)
        return EXIT_OK;
    int r = client_find(named ? named : cli->socket, place, &err);
    if (r == 0)
        r = client_open(place, &cli->client, &err);
    err.code = r;
    return r == 0 ? EXIT_OK : cli_fail(&err);
}

int cli_call(struct cli *cli, const char *method, const char *path, const char *body,
             struct response *ret_response)
{
    stint_auto(response_deinit) struct response response = { 0 };
    struct stint_error err = { 0 };
    int status = cli_connect(cli);
    if (status != EXIT_OK)
        return status;
    err.code = client_call(cli->client, method, path, body, NULL, &response, &err);
    if (err.code != 0)
        return cli_fail(&err);
    if (response.status / 100 != 2)
        return cli_problem(&response);
    *ret_response = response;
    memset(&response, 0, sizeof(response));
    return EXIT_OK;
}

int cli_send(struct cli *cli, const char *method, const char *path, json_t *body,
             struct response *ret_response)
{
    stint_auto(stint_free) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    bool is_lost = body && !text;
    json_decref(body);
    if (is_lost)
        return cli_usage("", "a value is not UTF-8 text");
    return cli_call(cli, method, path, text, ret_response);
}

/* ---- showing ---- */

void cli_print_json(const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (text)
        (void)puts(text);
    free(text);
}

static int show_once(struct cli *cli, const char *path, show_fn show)
{
    stint_auto(response_deinit) struct response response = { 0 };
    int status = cli_call(cli, "GET", path, NULL, &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response.body)); /* as the daemon wrote it */
        return EXIT_OK;
    }
    if (!response.json) {
        struct stint_error err = { .code = -EPROTO };
        (void)stint_fail(&err, -EPROTO, "the daemon's answer to %s is not JSON", path);
        return cli_fail(&err);
    }
    screen_pager_start(!cli_has(cli, "no-pager") && !cli_has(cli, "watch"));
    status = show(cli, response.json);
    screen_pager_end();
    return status;
}

static int watch_interval(struct cli *cli, struct timespec *ret_interval)
{
    const char *text = cli_value(cli, "watch");
    struct stint_error err = { 0 };
    int64_t seconds = 2;
    char with_unit[32];
    if (text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 8) {
        (void)snprintf(with_unit, sizeof(with_unit), "%ss", text); /* here a bare number is s */
        text = with_unit;
    }
    if (text && stint_duration_parse(text, &seconds, &err) != 0) {
        err.code = STINT_INVALID;
        return cli_fail(&err);
    }
    *ret_interval = (struct timespec){ .tv_sec = seconds > 0 ? seconds : 1 };
    return EXIT_OK;
}

int cli_show(struct cli *cli, const char *path, show_fn show)
{
    struct timespec interval;
    if (!cli_has(cli, "watch"))
        return show_once(cli, path, show);
    int status = watch_interval(cli, &interval);
    while (status == EXIT_OK) {
        if (!cli_has(cli, "json") && screen_is_terminal())
            (void)fputs("\033[H\033[2J\033[3J", stdout);
        status = show_once(cli, path, show);
        (void)fflush(stdout);
        if (ferror(stdout))
            return EXIT_FAILED;
        if (status == EXIT_OK)
            (void)nanosleep(&interval, NULL);
    }
    return status;
}

int cli_confirm(struct cli *cli, const char *what)
{
    char answer[16];
    if (cli_has(cli, "yes") || cli_has(cli, "dry-run"))
        return EXIT_OK;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return cli_usage("add --yes", "%s: not asked, since this is no terminal", what);
    (void)fprintf(stderr, "%s? [y/N] ", what);
    (void)fflush(stderr);
    if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y')) {
        (void)fputs("stint: nothing was done\n", stderr);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}
