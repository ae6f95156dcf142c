/* Owns: doctor: what this client finds, then what the daemon says of itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"

static void check(const char *word, const char *what, const char *fact)
{
    static const struct {
        const char *word;
        enum screen_style style;
    } styles[] = { { "ok", STYLE_GOOD }, { "warn", STYLE_WARN }, { "fail", STYLE_BAD } };
    enum screen_style style = STYLE_INFO;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(styles); i++)
        if (strcmp(styles[i].word, word) == 0)
            style = styles[i].style;
    (void)printf("%s[%s]%s%*s ", style_on(style), word, style_off(), (int)(4 - strlen(word) % 5),
                 "");
    text_print(what);
    if (fact && *fact) {
        (void)fputs(": ", stdout);
        text_print(fact);
    }
    (void)putchar('\n');
}

/* A member that is judged by nobody: told as it is. */
static void fact_print(const char *key, const json_t *value)
{
    char *text = json_is_string(value) ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!json_is_null(value) && text && *text)
        check("info", key, text);
    free(text);
}

/* How good first estimates of starts were; a daemon without that report is not asked twice. */
static void show_estimates(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char text[200];
    char times[2][64];
    if (cli_call(cli, "GET", "/api/v1/reports/estimates", NULL, &response) != EXIT_OK ||
        doc_int(response.json, "count", 0) == 0)
        return;
    (void)snprintf(text, sizeof(text),
                   "of %" PRId64 " first ones in 30 days, half within %s of the start, nine in ten "
                   "within %s; %.1f %% started after the latest time told",
                   doc_int(response.json, "count", 0),
                   stint_duration_format((int64_t)doc_number(response.json, "median_error_s", 0),
                                         times[0], sizeof(times[0])),
                   stint_duration_format((int64_t)doc_number(response.json, "p90_error_s", 0),
                                         times[1], sizeof(times[1])),
                   100.0 * doc_number(response.json, "late_share", 0));
    check("info", "start estimates", text);
}

/* Rows {"check","result","detail"} when the daemon has them; else its plain members. */
static int show_status(struct cli *cli, const json_t *document)
{
    const json_t *checks = doc_at(document, "checks");
    const json_t *row;
    const char *key;
    json_t *value;
    size_t i;
    int status = EXIT_OK;
    json_array_foreach(checks, i, row)
    {
        const char *result = doc_text_or(row, "result", doc_text_or(row, "state", "info"));
        check(result, doc_text_or(row, "check", doc_text_or(row, "name", "?")),
              doc_text_or(row, "detail", doc_text_or(row, "text", "")));
        if (strcmp(result, "fail") == 0)
            status = EXIT_FAILED;
    }
    json_object_foreach((json_t *)(uintptr_t)document, key, value)
    {
        const char *inner_key;
        json_t *inner;
        if (strcmp(key, "schema") == 0 || json_is_array(value))
            continue;
        if (!json_is_object(value)) {
            fact_print(key, value);
            continue;
        }
        json_object_foreach(value, inner_key, inner)
        {
            char name[160];
            (void)snprintf(name, sizeof(name), "%.70s %.70s", key, inner_key);
            fact_print(name, inner);
        }
    }
    const json_t *warning;
    json_array_foreach(doc_at(document, "warnings"), i, warning)
    {
        const char *text = json_string_value(warning);
        check("warn", text ? text : doc_text_or(warning, "text", "?"), doc_text(warning, "fix"));
    }
    show_estimates(cli);
    return status;
}

int verb_doctor(struct cli *cli)
{
    char place[CLIENT_PLACE_MAX];
    struct stint_error err = { 0 };
    const char *named = cli_value(cli, "socket");
    bool is_quiet = cli_has(cli, "json");
    int r = client_find(named ? named : cli->socket, place, &err);
    if (r != 0) {
        if (!is_quiet)
            check("fail", "daemon", "not found");
        err.code = r;
        return cli_fail(&err);
    }
    if (!is_quiet) {
        check("info", "client", "stint " STINT_VERSION);
        check("info", "daemon at", place);
    }
    return cli_show(cli, "/api/v1/status", show_status);
}
