/* Owns: the weights of fair share, and what `why` says of a job's turn. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"

static const char *const scopes[] = { "institution", "project", "user" };

/* The one scope that was given, with its name; NULL: the message was printed. */
static const char *scope_find(struct cli *cli, const char **ret_name)
{
    const char *found = NULL;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(scopes); i++) {
        if (!cli_has(cli, scopes[i]))
            continue;
        if (found) {
            (void)cli_usage("one of them", "--%s and --%s", found, scopes[i]);
            return NULL;
        }
        found = scopes[i];
        *ret_name = cli_value(cli, scopes[i]);
    }
    if (!found)
        (void)cli_usage("--institution NAME, --project NAME or --user NAME", "%s: whose shares?",
                        cli->verb->name);
    return found;
}

int verb_share_set(struct cli *cli)
{
    char done[300];
    char *end;
    const char *word = cli->args.words[0];
    const char *name = NULL;
    const char *scope = scope_find(cli, &name);
    if (!scope)
        return EXIT_USAGE;
    long long shares = strtoll(word, &end, 10);
    if (*word < '0' || *word > '9' || *end)
        return cli_usage("a whole number; everybody has 1 until it is set", "%s: '%.40s'",
                         cli->verb->name, word);
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "scope", scope);
    admin_put(body, "name", name);
    (void)json_object_set_new(body, "shares", json_integer(shares));
    (void)snprintf(done, sizeof(done), "shares of %s %.100s set to %lld", scope, name, shares);
    return admin_send(cli, "POST", "/api/v1/shares", body, done);
}

static void percent(struct table *table, double part)
{
    table_printf(table, "%.1f %%", part * 100);
}

static int show_shares(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "SCOPE", false, false }, { "NAME", false, false },  { "IN", false, true },
        { "SHARES", true, false }, { "SHARE", true, false },  { "USE", true, false },
        { "RANK", true, false },   { "REASON", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "shares"), i, row)
    {
        table_add(&table, doc_text(row, "scope"));
        table_add(&table, doc_text(row, "name"));
        table_add(&table, doc_text_or(row, "parent", ""));
        table_printf(&table, "%" PRId64, doc_int(row, "shares", 0));
        percent(&table, doc_number(row, "share", 0));
        percent(&table, doc_number(row, "usage", 0));
        table_printf(&table, "%" PRId64 "/%" PRId64, doc_int(row, "rank", 0),
                     doc_int(row, "of", 0));
        table_add(&table, doc_text_or(row, "reason", ""));
    }
    table_print(&table, "no shares");
    return EXIT_OK;
}

int verb_share_list(struct cli *cli)
{
    char path[600];
    char encoded[400];
    const char *resource = cli_value(cli, "resource");
    (void)snprintf(path, sizeof(path), "/api/v1/shares%s%s", resource ? "?resource=" : "",
                   resource ? path_encode(resource, encoded, sizeof(encoded)) : "");
    return cli_show(cli, path, show_shares);
}

/* ---- of one job ---- */

void turn_print(const json_t *turn)
{
    const json_t *part;
    size_t i;
    if (!turn)
        return;
    (void)printf("  turn: %s job", doc_text_or(turn, "class", "normal"));
    if (strcmp(doc_text_or(turn, "class", ""), "preemptible") == 0)
        (void)printf(" of service level %" PRId64, doc_int(turn, "level", 0));
    if (doc_bool(turn, "overdue"))
        (void)printf(", first because it waited so long");
    else if (doc_has(turn, "tier"))
        (void)printf(", fair tier %" PRId64 " of %" PRId64, doc_int(turn, "tier", 1),
                     doc_int(turn, "tiers", 1));
    (void)printf(", expansion factor %.2f", doc_number(turn, "expansion_factor", 1));
    if (doc_int(turn, "priority", 0) != 0)
        (void)printf(", priority %" PRId64 " within its project", doc_int(turn, "priority", 0));
    (void)putchar('\n');
    json_array_foreach(doc_at(turn, "fair"), i, part)
    {
        (void)printf("    %s ", doc_text_or(part, "scope", ""));
        text_print(doc_text_or(part, "name", ""));
        (void)printf(": %" PRId64
                     " share%s, %.1f %% of those beside it, and %.1f %% of their use\n",
                     doc_int(part, "shares", 0), doc_int(part, "shares", 0) == 1 ? "" : "s",
                     doc_number(part, "share", 0) * 100, doc_number(part, "usage", 0) * 100);
    }
}
