/* Owns: artifact add, list, show, remove. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"

/* The result over all rule sets of an artefact. */
static const char *artifact_result(const json_t *artifact)
{
    const char *result = doc_text(artifact, "result");
    return result ? result : doc_text_or(artifact, "verdict.result", "-");
}

static char *short_digest(const char *digest, char text[24])
{
    (void)snprintf(text, 24, "%.19s", digest ? digest : "-");
    return text;
}

static int show_artifacts(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "NAME", false, true },    { "KIND", false, false }, { "RESULT", false, false },
        { "DIGEST", false, false }, { "FILES", true, false }, { "SIZE", true, false },
        { "ADDED", true, false },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *artifact;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "artifacts"), i, artifact)
    {
        char text[DOC_TIME_MAX];
        char digest[24];
        const char *result = doc_bool(artifact, "stale") ? "stale" : artifact_result(artifact);
        int64_t bytes = doc_int(artifact, "bytes", doc_int(artifact, "size_bytes", -1));
        table_add(&table, doc_text(artifact, "name"));
        table_add(&table, doc_text(artifact, "kind"));
        table_add_styled(&table, result, style_of_state(result));
        table_add(&table, short_digest(doc_text(artifact, "digest"), digest));
        table_printf(&table, "%" PRId64, doc_int(artifact, "files", 0));
        table_add(&table, bytes >= 0 ? stint_size_format(bytes, text, sizeof(text)) : NULL);
        table_add(&table,
                  doc_time(artifact, doc_has(artifact, "added") ? "added" : "created", text));
    }
    table_print(&table, "nothing is registered");
    return EXIT_OK;
}

int verb_artifact_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/artifacts", show_artifacts);
}

/* A name has a slash, which the path keeps; a digest has none. */
static void artifact_path(const char *reference, char *path, size_t size)
{
    char encoded[1024];
    (void)snprintf(path, size, "/api/v1/artifacts/%s",
                   path_encode(reference, encoded, sizeof(encoded)));
}

static void line(const char *name, const char *text)
{
    if (!text || !*text)
        return;
    (void)printf("%-10s", name);
    text_print(text);
    (void)putchar('\n');
}

static void criteria_print(const json_t *criteria)
{
    const json_t *criterion;
    size_t i;
    json_array_foreach(criteria, i, criterion)
    {
        const char *result = doc_text_or(criterion, "result", "unknown");
        if (strcmp(result, "pass") == 0)
            continue;
        (void)printf("  %s%s%s  ", style_on(style_of_state(result)), result, style_off());
        text_print(doc_text_or(criterion, "id", "?"));
        (void)fputs("  ", stdout);
        text_print(doc_text_or(criterion, "why", ""));
        (void)putchar('\n');
        if (doc_text(criterion, "would_pass") && *doc_text(criterion, "would_pass")) {
            (void)fputs("        would pass: ", stdout);
            text_print(doc_text(criterion, "would_pass"));
            (void)putchar('\n');
        }
    }
}

/* "12  standing  review.example.org/ada (signed), 2026-11-01: licence of weights is MIT; source" */
static void attestations_print(const json_t *attestations)
{
    const json_t *attestation;
    size_t i;
    json_array_foreach(attestations, i, attestation)
    {
        const json_t *statement = doc_at(attestation, "statement");
        const json_t *value = doc_at(statement, "value");
        const char *subject = doc_text_or(statement, "subject", "");
        (void)printf("%-10s%" PRId64 "  %s  ", i == 0 ? "attested" : "",
                     doc_int(attestation, "id", 0), doc_text_or(attestation, "state", "?"));
        text_print(doc_text_or(statement, "reviewer", "?"));
        (void)printf("%s, %s: ", doc_bool(attestation, "signed") ? " (signed)" : "",
                     doc_text_or(statement, "date", "?"));
        (void)printf("%s of %s", doc_text_or(statement, "predicate", "?"),
                     doc_text_or(statement, "component", "?"));
        (void)fputs(*subject ? " " : "", stdout);
        text_print(subject);
        (void)fputs(" is ", stdout);
        text_print(json_is_string(value) ? json_string_value(value)
                   : json_is_true(value) ? "true"
                                         : "false");
        (void)fputs("; ", stdout);
        text_print(doc_text_or(statement, "source", "?"));
        (void)putchar('\n');
    }
}

/* What follows below it is what the stale verdict said. */
static void stale_print(const json_t *artifact)
{
    char digests[2][24];
    const char *was = doc_text(artifact, "was");
    const char *under = doc_text(artifact, "judged_under");
    (void)printf("%-10s%s%s", "stale", was ? "was " : "", was ? was : "not judged by these rules");
    if (under)
        (void)printf(", judged under %s…, now %s… judges", short_digest(under, digests[0]),
                     short_digest(doc_text(artifact, "now_under"), digests[1]));
    (void)printf("\n%-10sjudged again soon, or when a job uses it\n", "");
}

static int show_artifact(struct cli *cli, const json_t *document)
{
    const json_t *artifact = doc_at(document, "artifact") ? doc_at(document, "artifact") : document;
    const json_t *verdict =
        doc_at(document, "verdict") ? doc_at(document, "verdict") : doc_at(artifact, "verdict");
    const json_t *result;
    size_t i;
    char text[96];
    (void)cli;
    line("name", doc_text(artifact, "name"));
    line("kind", doc_text(artifact, "kind"));
    line("digest", doc_text(artifact, "digest"));
    line("path", doc_text(artifact, "path"));
    if (doc_int(artifact, "bytes", -1) >= 0)
        line("size", stint_size_format(doc_int(artifact, "bytes", 0), text, sizeof(text)));
    line("result", doc_text(artifact, "result"));
    if (doc_bool(artifact, "stale"))
        stale_print(artifact);
    json_array_foreach(doc_at(verdict, "results"), i, result)
    {
        const char *word = doc_text_or(result, "result", "unknown");
        (void)printf("%-10s%s%s%s\n", doc_text_or(result, "rules", "rules"),
                     style_on(style_of_state(word)), word, style_off());
        criteria_print(doc_at(result, "criteria"));
    }
    criteria_print(doc_at(artifact, "criteria"));
    attestations_print(doc_at(document, "attestations"));
    return EXIT_OK;
}

int verb_artifact_show(struct cli *cli)
{
    char path[1100];
    artifact_path(cli->args.words[0], path, sizeof(path));
    return cli_show(cli, path, show_artifact);
}

int verb_artifact_add(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    stint_auto(stint_free) char *path = realpath(cli->args.words[0], NULL);
    const char *name = cli_value(cli, "name");
    if (!path) {
        (void)cli_usage("a folder or file that exists", "cannot find %.200s", cli->args.words[0]);
        return EXIT_NOT_FOUND;
    }
    if (!name)
        return cli_usage("--name ORG/NAME", "artifact add: no name given");
    json_t *body = json_pack("{s:s,s:s,s:b}", "path", path, "name", name, "in_place",
                             cli_has(cli, "in-place"));
    if (body && cli_value(cli, "kind"))
        (void)json_object_set_new(body, "kind", json_string(cli_value(cli, "kind")));
    if (!body)
        return cli_usage("", "the path or name is not UTF-8");
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "stint: reading and judging %s\n", path);
    int status = cli_send(cli, "POST", "/api/v1/artifacts", body, &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response.body));
        return EXIT_OK;
    }
    const json_t *artifact =
        doc_at(response.json, "artifact") ? doc_at(response.json, "artifact") : response.json;
    text_print(doc_text_or(artifact, "name", name));
    (void)printf("@%s  ", doc_text_or(artifact, "digest", "(being judged)"));
    (void)printf("%s\n", artifact_result(artifact));
    return EXIT_OK;
}

int verb_artifact_remove(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[1100];
    char what[200];
    (void)snprintf(what, sizeof(what), "remove %.150s", cli->args.words[0]);
    int status = cli_confirm(cli, what);
    if (status != EXIT_OK)
        return status;
    artifact_path(cli->args.words[0], path, sizeof(path));
    status = cli_call(cli, "DELETE", path, NULL, &response);
    if (status == EXIT_OK && cli_has(cli, "json"))
        (void)printf("%s\n", response.body.length ? stint_buffer_text(&response.body) : "{}");
    else if (status == EXIT_OK)
        (void)printf("%s removed\n", cli->args.words[0]);
    return status;
}
