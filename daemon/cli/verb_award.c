/* Owns: balance, award list, show, cite. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "money.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"

static const struct table_column award_columns[] = {
    { "AWARD", false, true },  { "PROJECT", false, true }, { "RESOURCE", false, true },
    { "STATE", false, false }, { "AWARDED", true, false }, { "USED", true, false },
    { "HELD", true, false },   { "FREE", true, false },    { "UNIT", false, false },
    { "UNTIL", true, false },
};
#define AWARD_COLUMN_RESOURCE 2

static void micro_cell(struct table *table, int64_t micro)
{
    char text[40];
    table_add(table, stint_micro_format(micro, text, sizeof(text)));
}

static void award_row(struct table *table, const json_t *award)
{
    char time_[DOC_TIME_MAX];
    int64_t awarded = doc_int(award, "awarded_micro", 0);
    int64_t used = doc_int(award, "used_micro", 0);
    int64_t held = doc_int(award, "held_micro", 0);
    const char *state = doc_text_or(award, "state", "-");
    table_add(table, doc_text(award, "name"));
    table_add(table, doc_text(award, "project"));
    table_add(table, doc_text(award, "resource"));
    table_add_styled(table, state, style_of_state(state));
    micro_cell(table, awarded);
    micro_cell(table, used);
    micro_cell(table, held);
    micro_cell(table, awarded - used - held);
    table_add(table, doc_text(award, "unit"));
    table_add(table, doc_time(award, "until", time_));
}

static void awards_table(const json_t *awards, const char *empty)
{
    stint_auto(table_deinit) struct table table;
    const json_t *award;
    size_t i;
    table_init(&table, award_columns, STINT_ARRAY_SIZE(award_columns));
    if (!doc_names_resources(awards))
        table_hide(&table, AWARD_COLUMN_RESOURCE);
    json_array_foreach(awards, i, award) award_row(&table, award);
    table_print(&table, empty);
}

static int show_awards(struct cli *cli, const json_t *document)
{
    (void)cli;
    awards_table(doc_at(document, "awards"), "no awards");
    return EXIT_OK;
}

int verb_award_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/awards", show_awards);
}

/* ---- quotas, as figures ---- */

/* What a quota's number counts. */
char *quota_text(const char *kind, int64_t value, char *text, size_t size)
{
    if (strcmp(kind, "memory") == 0)
        return stint_size_format(value, text, size);
    if (strcmp(kind, "walltime") == 0)
        return stint_duration_format(value, text, size);
    if (strstr(kind, "-hours"))
        return stint_micro_format(value, text, size);
    (void)snprintf(text, size, "%" PRId64, value);
    return text;
}

void quotas_table(const json_t *quotas, const char *empty)
{
    static const struct table_column columns[] = {
        { "SCOPE", false, false }, { "NAME", false, true },    { "KIND", false, false },
        { "USED", true, false },   { "CEILING", true, false }, { "PERIOD", false, false },
        { "REASON", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *quota;
    size_t i;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(quotas, i, quota)
    {
        char text[48];
        const char *kind = doc_text_or(quota, "kind", "?");
        table_add(&table, doc_text(quota, "scope"));
        table_add(&table, doc_text_or(quota, "name", doc_text_or(quota, "scope_name", "-")));
        table_add(&table, kind);
        table_add(&table, quota_text(kind, doc_int(quota, "used", 0), text, sizeof(text)));
        table_add(&table, quota_text(kind, doc_int(quota, "ceiling", doc_int(quota, "limit", 0)),
                                     text, sizeof(text)));
        table_add(&table, doc_text(quota, "period"));
        table_add(&table, doc_text(quota, "reason"));
    }
    table_print(&table, empty);
}

/* ---- balance ---- */

static int show_balance(struct cli *cli, const json_t *document)
{
    const json_t *quotas = doc_at(document, "quotas");
    (void)cli;
    awards_table(doc_at(document, "awards"), "no award: ask the operator for one");
    if (json_array_size(quotas) > 0) {
        (void)putchar('\n');
        quotas_table(quotas, "");
    }
    return EXIT_OK;
}

int verb_balance(struct cli *cli)
{
    return cli_show(cli, "/api/v1/balance", show_balance);
}

/* ---- one award ---- */

static int award_path(const char *name, char *path, size_t size)
{
    char encoded[256];
    (void)snprintf(path, size, "/api/v1/awards/%s", path_encode(name, encoded, sizeof(encoded)));
    return EXIT_OK;
}

static const json_t *award_of(const json_t *document)
{
    return doc_at(document, "award") ? doc_at(document, "award") : document;
}

static void named(const char *name, const char *text)
{
    if (!text || !*text || strcmp(text, "-") == 0)
        return;
    (void)printf("%-10s", name);
    text_print(text);
    (void)putchar('\n');
}

static int show_award(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = { { "WHEN", false, false },
                                                   { "WHAT", false, true },
                                                   { "ACCOUNT", false, false },
                                                   { "AMOUNT", true, false },
                                                   { "JOB", true, false } };
    const json_t *award = award_of(document);
    const json_t *posting;
    const json_t *postings = doc_at(document, "postings");
    char text[120];
    size_t i;
    stint_auto(table_deinit) struct table table;
    json_t *one = json_array();
    (void)cli;
    named("title", doc_text(award, "title"));
    named("from", doc_time_full(award, "from", text, sizeof(text)));
    named("until", doc_time_full(award, "until", text, sizeof(text)));
    named("resource", doc_text(award, "resource"));
    (void)json_array_append(one, (json_t *)(uintptr_t)award);
    awards_table(one, "");
    json_decref(one);
    if (json_array_size(postings) == 0)
        return EXIT_OK;
    (void)putchar('\n');
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(postings, i, posting)
    {
        table_add(&table, doc_time(posting, "at", text));
        table_add(&table, doc_text_or(posting, "kind", "-"));
        table_add(&table, doc_text(posting, "account"));
        micro_cell(&table, doc_int(posting, "amount_micro", 0));
        if (doc_has(posting, "job"))
            table_printf(&table, "%" PRId64, doc_int(posting, "job", 0));
        else
            table_add(&table, NULL);
    }
    table_print(&table, "");
    if (doc_text(document, "next")) {
        (void)fputs("… and older ones: --after ", stdout);
        text_print(doc_text(document, "next"));
        (void)putchar('\n');
    }
    return EXIT_OK;
}

int verb_award_show(struct cli *cli)
{
    char path[640];
    char encoded[200];
    const char *after = cli_value(cli, "after");
    const char *limit = cli_value(cli, "limit");
    (void)award_path(cli->args.words[0], path, sizeof(path));
    size_t used = strlen(path);
    used += (size_t)snprintf(path + used, sizeof(path) - used, "?limit=%s",
                             path_encode(limit ? limit : "100", encoded, 100));
    if (after)
        (void)snprintf(path + used, sizeof(path) - used, "&after=%s",
                       path_encode(after, encoded, 100));
    return cli_show(cli, path, show_award);
}

/* The sentence for a paper's acknowledgements. */
static int show_citation(struct cli *cli, const json_t *document)
{
    const json_t *award = award_of(document);
    char amount[40];
    (void)cli;
    if (doc_text(document, "citation")) {
        text_print(doc_text(document, "citation"));
        (void)putchar('\n');
        return EXIT_OK;
    }
    stint_micro_format(doc_int(award, "awarded_micro", 0), amount, sizeof(amount));
    (void)fputs("This work used an allocation of ", stdout);
    (void)printf("%s %ss on ", amount, doc_text_or(award, "unit", "unit"));
    text_print(doc_text_or(award, "resource", "this resource"));
    (void)fputs(" under award ", stdout);
    text_print(doc_text_or(award, "name", "?"));
    if (doc_text(award, "title") && *doc_text(award, "title")) {
        (void)fputs(", \"", stdout);
        text_print(doc_text(award, "title"));
        (void)putchar('"');
    }
    (void)puts(".");
    return EXIT_OK;
}

int verb_award_cite(struct cli *cli)
{
    char path[320];
    (void)award_path(cli->args.words[0], path, sizeof(path));
    return cli_show(cli, path, show_citation);
}
