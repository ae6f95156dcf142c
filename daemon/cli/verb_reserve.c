/* Owns: reservations: add, list, show, remove. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "nodes.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"

/* "vm: 4 GPUs, 8 cores", one place after the other. */
static void places_write(const json_t *places, struct stint_buffer *text)
{
    const json_t *place;
    size_t i;
    json_array_foreach(places, i, place)
    {
        int64_t gpus = doc_int(place, "gpu_count", 0);
        int64_t cores = doc_int(place, "cores", 0);
        stint_buffer_printf(text, "%s%s:", i > 0 ? "; " : "", doc_text_or(place, "node", "?"));
        if (gpus > 0)
            stint_buffer_printf(text, " %" PRId64 " GPU%s", gpus, gpus == 1 ? "" : "s");
        if (cores > 0)
            stint_buffer_printf(text, "%s %" PRId64 " core%s", gpus > 0 ? "," : "", cores,
                                cores == 1 ? "" : "s");
    }
}

/* ---- add ---- */

static int instant_put(struct cli *cli, json_t *body, const char *option)
{
    const char *text = cli_value(cli, option);
    char instant[40];
    int64_t at_ms;
    struct stint_error err = { 0 };
    if (!text)
        return EXIT_OK;
    err.code = stint_instant_parse(text, wall_now_ms(), &at_ms, &err);
    if (err.code != 0)
        return cli_fail(&err);
    admin_put(body, option, stint_instant_format(at_ms, instant, sizeof(instant)));
    return EXIT_OK;
}

/* "4", "h200:4". */
static int gpus_put(struct cli *cli, json_t *body)
{
    const char *text = cli_value(cli, "gpus");
    const char *colon = text ? strrchr(text, ':') : NULL;
    const char *digits = colon ? colon + 1 : text;
    if (!text)
        return EXIT_OK;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 4 || digits[length] || (colon && colon == text))
        return cli_usage("--gpus [TYPE:]N, whole ones", "--gpus %.60s", text);
    if (colon)
        (void)json_object_set_new(body, "gpu_type", json_stringn(text, (size_t)(colon - text)));
    (void)json_object_set_new(body, "gpus", json_integer(strtol(digits, NULL, 10)));
    return EXIT_OK;
}

static int cpus_put(struct cli *cli, json_t *body)
{
    const char *text = cli_value(cli, "cpus");
    if (!text)
        return EXIT_OK;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 6 || text[length])
        return cli_usage("--cpus N", "--cpus %.60s", text);
    (void)json_object_set_new(body, "cpus", json_integer(strtol(text, NULL, 10)));
    return EXIT_OK;
}

static int memory_put(struct cli *cli, json_t *body)
{
    const char *text = cli_value(cli, "memory");
    int64_t bytes = 0;
    struct stint_error err = { 0 };
    if (!text)
        return EXIT_OK;
    err.code = stint_size_parse(text, &bytes, &err);
    if (err.code != 0)
        return cli_fail(&err);
    (void)json_object_set_new(body, "memory_bytes", json_integer(bytes));
    return EXIT_OK;
}

static int release_put(struct cli *cli, json_t *body)
{
    const char *text = cli_value(cli, "release-after");
    int64_t seconds = 0;
    struct stint_error err = { 0 };
    if (!text)
        return EXIT_OK;
    err.code = stint_duration_parse(text, &seconds, &err);
    if (err.code != 0)
        return cli_fail(&err);
    (void)json_object_set_new(body, "release_after_s", json_integer(seconds));
    return EXIT_OK;
}

/* Says what was found for it, and when. */
static int reserve_send(struct cli *cli, json_t *body)
{
    stint_auto(response_deinit) struct response response = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer places = { 0 };
    char from[DOC_TIME_MAX];
    char until[DOC_TIME_MAX];
    int status = cli_send(cli, "POST", "/api/v1/reservations", body, &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response.body));
        return EXIT_OK;
    }
    places_write(doc_at(response.json, "places"), &places);
    (void)fputs(cli_has(cli, "dry-run") ? "would be done: " : "", stdout);
    text_print(cli->args.words[0]);
    (void)fputs(" reserves ", stdout);
    text_print(stint_buffer_text(&places));
    (void)printf(", %s %s until %s\n", doc_text(response.json, "weekly") ? "next" : "from",
                 doc_time(response.json, "window_from", from),
                 doc_time(response.json, "window_until", until));
    return EXIT_OK;
}

int verb_reserve_add(struct cli *cli)
{
    static int (*const puts_of[])(struct cli * cli, json_t * body) = { gpus_put, cpus_put,
                                                                       memory_put, release_put };
    static const char *const texts[] = { "resource", "project", "institution",
                                         "weekly",   "hours",   "node" };
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "name", cli->args.words[0]);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        admin_put(body, texts[i], cli_value(cli, texts[i]));
    int status = instant_put(cli, body, "from");
    if (status == EXIT_OK)
        status = instant_put(cli, body, "until");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(puts_of) && status == EXIT_OK; i++)
        status = puts_of[i](cli, body);
    if (status != EXIT_OK) {
        json_decref(body);
        return status;
    }
    return reserve_send(cli, body);
}

/* ---- list, show ---- */

static const char *holder_of(const json_t *row)
{
    return doc_text_or(row, "project", doc_text_or(row, "institution", "nobody"));
}

static int show_reservations(struct cli *cli, const json_t *document)
{
    static const struct table_column columns[] = {
        { "NAME", false, true },   { "RESOURCE", false, true }, { "STATE", false, false },
        { "FOR", false, true },    { "WHAT", false, true },     { "FROM", false, false },
        { "UNTIL", false, false }, { "WEEKLY", false, true },   { "REASON", false, true },
    };
    stint_auto(table_deinit) struct table table;
    stint_auto(stint_buffer_deinit) struct stint_buffer places = { 0 };
    const json_t *row;
    size_t i;
    (void)cli;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    if (!doc_names_resources(doc_at(document, "reservations")))
        table_hide(&table, 1);
    json_array_foreach(doc_at(document, "reservations"), i, row)
    {
        char time[DOC_TIME_MAX];
        const char *state = doc_text_or(row, "state", "?");
        const char *days = doc_text(row, "weekly");
        table_add(&table, doc_text(row, "name"));
        table_add(&table, doc_text(row, "resource"));
        table_add_styled(&table, state, style_of_state(state));
        table_add(&table, holder_of(row));
        stint_buffer_clear(&places);
        places_write(doc_at(row, "places"), &places);
        table_add(&table, stint_buffer_text(&places));
        table_add(&table, doc_time(row, "window_from", time));
        table_add(&table, doc_time(row, "window_until", time));
        table_printf(&table, "%s%s%s", days ? days : "", days ? " " : "",
                     days ? doc_text_or(row, "hours", "") : "");
        table_add(&table, doc_text(row, "reason"));
    }
    table_print(&table, "no reservations");
    return EXIT_OK;
}

int verb_reserve_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/reservations", show_reservations);
}

int verb_reserve_show(struct cli *cli)
{
    char path[600];
    char encoded[512];
    (void)snprintf(path, sizeof(path), "/api/v1/reservations/%s",
                   path_encode(cli->args.words[0], encoded, sizeof(encoded)));
    return cli_show(cli, path, show_reservations);
}

void nodes_reserved(const json_t *node)
{
    const json_t *row;
    size_t i;
    json_array_foreach(doc_at(node, "reserved"), i, row)
    {
        const json_t *place = NULL;
        const json_t *other;
        size_t k;
        char from[DOC_TIME_MAX];
        char until[DOC_TIME_MAX];
        const char *name = doc_text_or(node, "name", "?");
        json_array_foreach(doc_at(row, "places"), k, other)
        {
            if (strcmp(doc_text_or(other, "node", ""), name) == 0)
                place = other;
        }
        bool is_active = strcmp(doc_text_or(row, "state", ""), "active") == 0;
        text_print(name);
        (void)printf(" reserved %s%s until %s: %" PRId64 " GPUs, %" PRId64 " cores for ",
                     is_active ? "now" : "from ",
                     is_active ? "" : doc_time(row, "window_from", from),
                     doc_time(row, "window_until", until), doc_int(place, "gpu_count", 0),
                     doc_int(place, "cores", 0));
        text_print(holder_of(row));
        (void)fputs(" (", stdout);
        text_print(doc_text_or(row, "name", "?"));
        (void)puts(")");
    }
}

/* ---- remove ---- */

int verb_reserve_remove(struct cli *cli)
{
    char path[1500];
    char encoded[1000];
    char what[200];
    char done[200];
    const char *name = cli->args.words[0];
    (void)snprintf(what, sizeof(what), "end the reservation %.60s", name);
    int status = cli_confirm(cli, what);
    if (status != EXIT_OK)
        return status;
    size_t used = (size_t)snprintf(path, sizeof(path), "/api/v1/reservations/%s",
                                   path_encode(name, encoded, 300));
    used += (size_t)snprintf(path + used, sizeof(path) - used, "?reason=%s",
                             path_encode(cli_value(cli, "reason"), encoded, 700));
    if (cli_has(cli, "dry-run"))
        (void)snprintf(path + used, sizeof(path) - used, "&dry_run=true");
    (void)snprintf(done, sizeof(done), "the reservation %.60s is over", name);
    return admin_send(cli, "DELETE", path, NULL, done);
}
