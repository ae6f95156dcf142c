/* Owns: admin award, admin quota. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "money.h"
#include "stint/auto.h"
#include "stint/measure.h"

/* ---- awards ---- */

/* --amount as millionths into @body; EXIT_OK also when it is not given and not @is_needed. */
static int amount_put(struct cli *cli, json_t *body, bool is_needed)
{
    const char *text = cli_value(cli, "amount");
    struct stint_error err = { 0 };
    int64_t micro;
    if (!text)
        return is_needed ? cli_usage("--amount 500", "%s: how much?", cli->verb->name) : EXIT_OK;
    err.code = stint_micro_parse(text, &micro, &err);
    if (err.code != 0)
        return cli_fail(&err);
    if (micro < 1)
        return cli_usage("--amount 500", "--amount %.40s: more than nothing", text);
    (void)json_object_set_new(body, "amount_micro", json_integer(micro));
    return EXIT_OK;
}

/* An instant of the command line, as RFC 3339. A bare day is its first moment here. */
static int instant_put(struct cli *cli, json_t *body, const char *name, bool is_needed)
{
    const char *text = cli_value(cli, name);
    struct stint_error err = { 0 };
    char instant[40];
    int64_t at_ms;
    if (!text)
        return is_needed ? cli_usage("--until 2027-01-31", "%s: until when?", cli->verb->name)
                         : EXIT_OK;
    err.code = stint_instant_parse(text, wall_now_ms(), &at_ms, &err);
    if (err.code != 0)
        return cli_fail(&err);
    stint_instant_format(at_ms, instant, sizeof(instant));
    (void)json_object_set_new(body, name, json_string(instant));
    return EXIT_OK;
}

int verb_award_grant(struct cli *cli)
{
    char done[200];
    const char *name = cli->args.words[0];
    int status = EXIT_OK;
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    admin_put(body, "name", name);
    admin_put(body, "project", cli_value(cli, "project"));
    admin_put(body, "resource", cli_value(cli, "resource"));
    admin_put(body, "title", cli_value(cli, "title"));
    if (!cli_value(cli, "project"))
        status = cli_usage("--project NAME", "admin award grant: to which project?");
    if (status == EXIT_OK)
        status = amount_put(cli, body, true);
    if (status == EXIT_OK)
        status = instant_put(cli, body, "from", false);
    if (status == EXIT_OK)
        status = instant_put(cli, body, "until", true);
    if (status != EXIT_OK) {
        json_decref(body);
        return status;
    }
    (void)snprintf(done, sizeof(done), "award %.60s granted to %.60s", name,
                   cli_value(cli, "project"));
    return admin_send(cli, "POST", "/api/v1/awards", body, done);
}

/* One change of an award: what it takes, and whether it is asked about. */
static const struct {
    const char *deed;
    bool needs_amount;
    bool needs_until;
    bool needs_to;
    bool is_destructive;
    const char *done;
} changes[] = {
    { "extend", false, true, false, false, "extended" },
    { "supplement", true, false, false, false, "supplemented" },
    { "reduce", true, false, false, true, "reduced" },
    { "revoke", false, false, false, true, "revoked; what runs goes on" },
    { "transfer", true, false, true, false, "transferred" },
};

int verb_award_change(struct cli *cli)
{
    char path[600];
    char encoded[400];
    char text[200];
    size_t c = 0;
    const char *deed = strrchr(cli->verb->name, ' ') + 1;
    const char *name = cli->args.words[0];
    while (strcmp(changes[c].deed, deed) != 0)
        c++;
    int status = EXIT_OK;
    (void)snprintf(text, sizeof(text), "%s award %.100s", deed, name);
    if (changes[c].is_destructive)
        status = cli_confirm(cli, text);
    json_t *body = status == EXIT_OK ? admin_body(cli) : NULL;
    if (!body)
        return status == EXIT_OK ? EXIT_FAILED : status;
    if (changes[c].needs_amount)
        status = amount_put(cli, body, true);
    if (status == EXIT_OK && changes[c].needs_until)
        status = instant_put(cli, body, "until", true);
    if (changes[c].needs_to)
        admin_put(body, "to", cli->args.words[1]);
    if (status != EXIT_OK) {
        json_decref(body);
        return status;
    }
    (void)snprintf(path, sizeof(path), "/api/v1/awards/%s/%s",
                   path_encode(name, encoded, sizeof(encoded)), deed);
    (void)snprintf(text, sizeof(text), "award %.100s %s", name, changes[c].done);
    return admin_send(cli, "POST", path, body, text);
}

/* ---- quotas ---- */

static const char *const scopes[] = { "site", "institution", "project", "user" };

/* The one scope that was given; its name, NULL for the site. NULL scope: the message was printed.
 */
static const char *scope_find(struct cli *cli, bool is_needed, const char **ret_name)
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
    if (!found && is_needed)
        (void)cli_usage("--site, --institution NAME, --project NAME or --user NAME",
                        "%s: whose quota?", cli->verb->name);
    return found;
}

static int quota_send(struct cli *cli, bool is_removal)
{
    char done[300];
    const char *name = NULL;
    const char *scope = scope_find(cli, true, &name);
    if (!scope)
        return EXIT_USAGE;
    json_t *body = admin_body(cli);
    json_t *assignments = json_array();
    if (!body || !assignments)
        return EXIT_FAILED;
    for (size_t i = 0; i < cli->args.word_count; i++) {
        char text[200];
        const char *word = cli->args.words[i];
        bool has_value = strchr(word, '=') != NULL;
        if (has_value == is_removal) {
            json_decref(body);
            json_decref(assignments);
            return cli_usage(is_removal ? "gpus" : "gpus=4, gpu-hours=500/month", "%s: '%.60s'",
                             cli->verb->name, word);
        }
        size_t kind = strcspn(word, is_removal ? "/" : ""); /* gpu-hours/day: that period's alone */
        (void)snprintf(text, sizeof(text), "%.*s%s%.90s", (int)(kind < 90 ? kind : 90), word,
                       is_removal ? "=" : "", word + kind);
        (void)json_array_append_new(assignments, json_string(text));
    }
    admin_put(body, "scope", scope);
    admin_put(body, "name", name);
    (void)json_object_set_new(body, "assignments", assignments);
    (void)snprintf(done, sizeof(done), "quota of %s%s%.100s %s", scope, name ? " " : "",
                   name ? name : "", is_removal ? "removed" : "set");
    return admin_send(cli, "POST", "/api/v1/quotas", body, done);
}

int verb_quota_set(struct cli *cli)
{
    return quota_send(cli, false);
}

int verb_quota_remove(struct cli *cli)
{
    int status = cli_confirm(cli, "remove the ceiling");
    return status == EXIT_OK ? quota_send(cli, true) : status;
}

static int show_quotas(struct cli *cli, const json_t *document)
{
    const char *name = NULL;
    const char *scope = scope_find(cli, false, &name);
    const json_t *row;
    json_t *shown = json_array();
    size_t i;
    json_array_foreach(doc_at(document, "quotas"), i, row)
    {
        const char *owner = doc_text_or(row, "name", doc_text_or(row, "scope_name", ""));
        bool is_other = scope && (strcmp(scope, doc_text_or(row, "scope", "")) != 0 ||
                                  (name && strcmp(name, owner) != 0));
        if (!is_other)
            (void)json_array_append(shown, (json_t *)(uintptr_t)row);
    }
    quotas_table(shown, "no quotas");
    json_decref(shown);
    return EXIT_OK;
}

int verb_quota_list(struct cli *cli)
{
    return cli_show(cli, "/api/v1/quotas", show_quotas);
}
