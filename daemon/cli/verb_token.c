/* Owns: bearer tokens: create, list, revoke. The token itself goes to standard output alone, so
 * that it can be handed on without passing through a screen. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"

int verb_token_create(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    const char *name = cli->args.words[0];
    if (!cli_has(cli, "user") || !cli_has(cli, "scope"))
        return cli_usage("--user NAME --scope read:own or submit", "%s: %s is missing",
                         cli->verb->name, cli_has(cli, "user") ? "--scope" : "--user");
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "name", name);
    admin_put(body, "user", cli_value(cli, "user"));
    admin_put(body, "scopes", cli_value(cli, "scope"));
    admin_put(body, "until", cli_value(cli, "until"));
    int status = cli_send(cli, "POST", "/api/v1/tokens", body, &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response.body));
        return EXIT_OK;
    }
    if (cli_has(cli, "dry-run")) {
        (void)printf("would be done: a token for %s\n", cli_value(cli, "user"));
        return EXIT_OK;
    }
    (void)fprintf(stderr,
                  "token %s for %s; it is shown this once: keep it where only you can read it\n",
                  doc_text_or(response.json, "id", "?"), cli_value(cli, "user"));
    (void)printf("%s\n", doc_text_or(response.json, "token", ""));
    return EXIT_OK;
}

/* "submit,admin:quota" */
static const char *scopes_join(const json_t *row, char text[300])
{
    size_t length = 0;
    const json_t *word;
    size_t i;
    text[0] = '\0';
    json_array_foreach(doc_at(row, "scopes"), i, word)
    {
        (void)snprintf(text + length, 300 - length, "%s%s", length ? "," : "",
                       json_string_value(word));
        length += strlen(text + length);
    }
    return text;
}

static int show_tokens(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "ID", false, true },     { "NAME", false, true },      { "USER", false, true },
        { "SCOPES", false, true }, { "STATE", false, false },    { "CREATED", false, false },
        { "UNTIL", false, false }, { "LAST USE", false, false },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "tokens"), i, row)
    {
        char time[DOC_TIME_MAX];
        char scopes[300];
        const char *state = doc_text_or(row, "state", "?");
        table_add(&table, doc_text(row, "id"));
        table_add(&table, doc_text(row, "name"));
        table_add(&table, doc_text(row, "user"));
        table_add(&table, scopes_join(row, scopes));
        table_add_styled(&table, state, style_of_state(state));
        table_add(&table, doc_time(row, "created", time));
        table_add(&table, doc_time(row, "until", time));
        table_add(&table, doc_has(row, "used") ? doc_time(row, "used", time) : "never");
    }
    table_print(&table, "no tokens");
    return EXIT_OK;
}

int verb_token_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/tokens", show_tokens);
}

int verb_token_revoke(struct cli *cli)
{
    char path[1500];
    char encoded[1000];
    char what[200];
    char done[200];
    const char *id = cli->args.words[0];
    (void)snprintf(what, sizeof(what), "revoke the token %.60s", id);
    int status = cli_confirm(cli, what);
    if (status != EXIT_OK)
        return status;
    size_t used =
        (size_t)snprintf(path, sizeof(path), "/api/v1/tokens/%s", path_encode(id, encoded, 300));
    used += (size_t)snprintf(path + used, sizeof(path) - used, "?reason=%s",
                             path_encode(cli_value(cli, "reason"), encoded, 700));
    if (cli_has(cli, "dry-run"))
        (void)snprintf(path + used, sizeof(path) - used, "&dry_run=true");
    (void)snprintf(done, sizeof(done), "the token %.60s is revoked", id);
    return admin_send(cli, "DELETE", path, NULL, done);
}
