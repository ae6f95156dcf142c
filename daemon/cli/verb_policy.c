/* Owns: admin policy show and history (what is in force, and the entries of the log that set it)
 * and admin reload. */
#include <inttypes.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"

/* One line a member; what is nested as it stands in the document. */
static void value_print(const json_t *value)
{
    stint_auto(stint_free) char *text =
        json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    text_print(json_is_string(value) ? json_string_value(value) : text ? text : "");
}

static int show_policy(struct cli *cli, const json_t *document)
{
    const char *key;
    json_t *value;
    (void)cli;
    json_object_foreach((json_t *)(uintptr_t)document, key, value)
    {
        if (strcmp(key, "schema") == 0)
            continue;
        (void)printf("%-22s ", key);
        value_print(value);
        (void)putchar('\n');
    }
    return EXIT_OK;
}

int verb_policy_show(struct cli *cli)
{
    return cli_show(cli, "/api/v1/policy", show_policy);
}

/* "unknown: strict -> advisory" and the rest of them. */
static void changes_write(const json_t *entry, struct stint_buffer *line)
{
    const json_t *change;
    size_t i;
    json_array_foreach(doc_at(entry, "subject.changes"), i, change)
    {
        stint_auto(stint_free) char *before =
            json_dumps(json_object_get(change, "before"), JSON_ENCODE_ANY | JSON_COMPACT);
        stint_auto(stint_free) char *after =
            json_dumps(json_object_get(change, "after"), JSON_ENCODE_ANY | JSON_COMPACT);
        stint_buffer_printf(line, "%s%s: %s to %s", i ? "; " : "", doc_text_or(change, "key", ""),
                            before ? before : "null", after ? after : "null");
    }
}

static int show_history(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "ENTRY", true, false }, { "SINCE", false, false },  { "DIGEST", false, false },
        { "WHY", false, false },  { "CHANGED", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *entry;
    size_t i;
    char time[DOC_TIME_MAX];
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(doc_at(document, "entries"), i, entry)
    {
        stint_auto(stint_buffer_deinit) struct stint_buffer changes = { 0 };
        changes_write(entry, &changes);
        table_printf(&table, "%" PRId64, doc_int(entry, "seq", 0));
        table_add(&table, doc_time(entry, "time", time));
        table_printf(&table, "%.19s", doc_text_or(entry, "subject.after", ""));
        table_add(&table, doc_text_or(entry, "reason.text", ""));
        table_add(&table, stint_buffer_text(&changes));
    }
    table_print(&table, "no policy was logged");
    return EXIT_OK;
}

int verb_policy_history(struct cli *cli)
{
    return cli_show(cli, "/api/v1/policy/history", show_history);
}

/* ---- the configuration ---- */

int verb_reload(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    int status = cli_send(cli, "POST", "/api/v1/reload", admin_body(cli), &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response.body));
        return EXIT_OK;
    }
    const char *later = doc_text(response.json, "later");
    (void)fputs(cli_has(cli, "dry-run") ? "would be done: " : "", stdout);
    (void)fputs("configuration: as it was read last", stdout);
    if (later)
        (void)fputs(", but these wait for a restart of stintd: ", stdout);
    text_print(later ? later : "");
    (void)putchar('\n');
    return EXIT_OK;
}
