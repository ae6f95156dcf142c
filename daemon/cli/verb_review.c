/* Owns: decisions on what is unknown: reviews of jobs that wait for one, and waivers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"

static int show_reviews(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "JOB", true, false },  { "PROJECT", false, true }, { "KIND", false, false },
        { "NAME", false, true }, { "VERDICT", true, false }, { "DIGEST", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "reviews"), i, row)
    {
        table_printf(&table, "%" PRId64, doc_int(row, "job", 0));
        table_add(&table, doc_text(row, "project"));
        table_add(&table, doc_text(row, "kind"));
        table_add(&table, doc_text(row, "name"));
        table_printf(&table, "%" PRId64, doc_int(row, "verdict", 0));
        table_add(&table, doc_text(row, "digest"));
    }
    table_print(&table, "nothing waits for a decision");
    return EXIT_OK;
}

int verb_review_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/reviews", show_reviews);
}

static int decide(struct cli *cli, const char *decision, const char *what)
{
    char path[400];
    char encoded[300];
    char done[200];
    const char *id = cli->args.words[0];
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "decision", decision);
    admin_put(body, "until", cli_value(cli, "until"));
    (void)snprintf(path, sizeof(path), "/api/v1/reviews/%s",
                   path_encode(id, encoded, sizeof(encoded)));
    (void)snprintf(done, sizeof(done), "job %.60s %s", id, what);
    return admin_send(cli, "POST", path, body, done);
}

int verb_review_admit(struct cli *cli)
{
    return decide(cli, "admit", "is admitted; a waiver stands for each artefact that is unknown");
}

int verb_review_refuse(struct cli *cli)
{
    return decide(cli, "refuse", "is refused");
}

int verb_waiver_grant(struct cli *cli)
{
    char done[400];
    const char *reference = cli->args.words[0];
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "reference", reference);
    admin_put(body, "until", cli_value(cli, "until"));
    (void)snprintf(done, sizeof(done), "%.300s is let in while its verdict is unknown", reference);
    return admin_send(cli, "POST", "/api/v1/waivers", body, done);
}

static int show_waivers(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "ID", true, false },     { "NAME", false, true },   { "STATE", false, false },
        { "UNTIL", false, false }, { "REASON", false, true }, { "DIGEST", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "waivers"), i, row)
    {
        char time[DOC_TIME_MAX];
        const char *state = doc_text_or(row, "state", "?");
        table_printf(&table, "%" PRId64, doc_int(row, "id", 0));
        table_add(&table, doc_text_or(row, "name", ""));
        table_add_styled(&table, state, style_of_state(state));
        table_add(&table, doc_time(row, "until", time));
        table_add(&table, doc_text(row, "reason"));
        table_add(&table, doc_text(row, "digest"));
    }
    table_print(&table, "no waivers");
    return EXIT_OK;
}

int verb_waiver_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/waivers", show_waivers);
}

int verb_waiver_revoke(struct cli *cli)
{
    char path[1500];
    char encoded[1000];
    char what[200];
    char done[200];
    const char *id = cli->args.words[0];
    (void)snprintf(what, sizeof(what), "revoke the waiver %.60s", id);
    int status = cli_confirm(cli, what);
    if (status != EXIT_OK)
        return status;
    size_t used =
        (size_t)snprintf(path, sizeof(path), "/api/v1/waivers/%s", path_encode(id, encoded, 300));
    used += (size_t)snprintf(path + used, sizeof(path) - used, "?reason=%s",
                             path_encode(cli_value(cli, "reason"), encoded, 700));
    if (cli_has(cli, "dry-run"))
        (void)snprintf(path + used, sizeof(path) - used, "&dry_run=true");
    (void)snprintf(done, sizeof(done), "the waiver %.60s is revoked", id);
    return admin_send(cli, "DELETE", path, NULL, done);
}
