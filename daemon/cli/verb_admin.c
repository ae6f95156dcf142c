/* Owns: what operators do to institutions, projects and users. Every write carries its reason
 * (main.c sees to it) and may be rehearsed. The noun is the verb's second word: `admin project
 * add`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cli.h"
#include "document.h"
#include "money.h"
#include "screen.h"
#include "stint/auto.h"

/* ---- what every write shares ---- */

json_t *admin_body(struct cli *cli)
{
    json_t *body = json_object();
    if (body && cli_value(cli, "reason"))
        (void)json_object_set_new(body, "reason", json_string(cli_value(cli, "reason")));
    if (body && cli_has(cli, "dry-run"))
        (void)json_object_set_new(body, "dry_run", json_true());
    return body;
}

void admin_put(json_t *body, const char *key, const char *text)
{
    if (text)
        (void)json_object_set_new(body, key, json_string(text));
}

int admin_send(struct cli *cli, const char *method, const char *path, json_t *body,
               const char *done)
{
    stint_auto(response_deinit) struct response response = { 0 };
    int status = cli_send(cli, method, path, body, &response);
    if (status != EXIT_OK)
        return status;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", response.body.length ? stint_buffer_text(&response.body) : "{}");
        return EXIT_OK;
    }
    (void)fputs(cli_has(cli, "dry-run") ? "would be done: " : "", stdout);
    text_print(done);
    (void)putchar('\n');
    return EXIT_OK;
}

/* "admin project add" -> "project". */
static const char *noun_of(const struct cli *cli, char noun[32])
{
    const char *second = strchr(cli->verb->name, ' ');
    (void)snprintf(noun, 32, "%.*s", (int)strcspn(second + 1, " "), second + 1);
    return noun;
}

/* The last word of the verb's name. */
static const char *deed_of(const struct cli *cli)
{
    return strrchr(cli->verb->name, ' ') + 1;
}

static void thing_path(const char *noun, const char *name, char *path, size_t size)
{
    char encoded[512];
    (void)snprintf(path, size, "/api/v1/%ss/%s", noun, path_encode(name, encoded, sizeof(encoded)));
}

/* ---- add, set, suspend, resume, remove ---- */

static int operator_put(struct cli *cli, json_t *body)
{
    const char *operator_ = cli_value(cli, "operator");
    if (!operator_)
        return EXIT_OK;
    if (strcmp(operator_, "yes") != 0 && strcmp(operator_, "no") != 0)
        return cli_usage("--operator yes or --operator no", "--operator %.40s", operator_);
    (void)json_object_set_new(body, "operator", json_boolean(strcmp(operator_, "yes") == 0));
    return EXIT_OK;
}

/* A project belongs to an institution: the named one, or the only one there is. */
static int institution_put(struct cli *cli, json_t *body)
{
    stint_auto(response_deinit) struct response response = { 0 };
    const char *named = cli_value(cli, "institution");
    if (named) {
        admin_put(body, "institution", named);
        return EXIT_OK;
    }
    int status = cli_call(cli, "GET", "/api/v1/institutions", NULL, &response);
    if (status != EXIT_OK)
        return status;
    const json_t *list = doc_at(response.json, "institutions");
    if (json_array_size(list) != 1)
        return cli_usage("stint admin institution list", "%s: --institution is missing",
                         cli->verb->name);
    admin_put(body, "institution", doc_text(json_array_get(list, 0), "name"));
    return EXIT_OK;
}

int verb_admin_add(struct cli *cli)
{
    char noun[32];
    char path[64];
    char done[200];
    const char *name = cli->args.words[0];
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    noun_of(cli, noun);
    admin_put(body, "name", name);
    admin_put(body, "title", cli_value(cli, "title"));
    admin_put(body, "pi", cli_value(cli, "pi"));
    admin_put(body, "project", cli_value(cli, "project"));
    admin_put(body, "role", cli_value(cli, "role"));
    int status = operator_put(cli, body);
    if (status == EXIT_OK && strcmp(noun, "project") == 0)
        status = institution_put(cli, body);
    if (status != EXIT_OK) {
        json_decref(body);
        return status;
    }
    (void)snprintf(path, sizeof(path), "/api/v1/%ss", noun);
    (void)snprintf(done, sizeof(done), "%s %.100s added", noun, name);
    return admin_send(cli, "POST", path, body, done);
}

int verb_admin_set(struct cli *cli)
{
    char noun[32];
    char path[600];
    char done[200];
    const char *name = cli->args.words[0];
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    thing_path(noun_of(cli, noun), name, path, sizeof(path));
    size_t before = json_object_size(body);
    admin_put(body, "title", cli_value(cli, "title"));
    admin_put(body, "pi", cli_value(cli, "pi"));
    int status = operator_put(cli, body);
    /* A user's role is a membership's matter: the daemon takes it where users are added. */
    bool is_user = strcmp(noun, "user") == 0;
    if (is_user)
        (void)snprintf(path, sizeof(path), "/api/v1/users");
    if (status == EXIT_OK && json_object_size(body) == before)
        status = cli_usage("stint help admin", "%s: nothing to set", cli->verb->name);
    if (status != EXIT_OK) {
        json_decref(body);
        return status;
    }
    (void)snprintf(done, sizeof(done), "%s %.100s changed", noun, name);
    if (is_user)
        admin_put(body, "name", name);
    return admin_send(cli, is_user ? "POST" : "PATCH", path, body, done);
}

int verb_admin_state(struct cli *cli)
{
    char noun[32];
    char path[600];
    char done[200];
    const char *name = cli->args.words[0];
    bool is_suspended = strcmp(deed_of(cli), "suspend") == 0;
    json_t *body = admin_body(cli);
    if (!body)
        return EXIT_FAILED;
    thing_path(noun_of(cli, noun), name, path, sizeof(path));
    admin_put(body, "state", is_suspended ? "suspended" : "active");
    (void)snprintf(done, sizeof(done), "%s %.100s %s", noun, name,
                   is_suspended ? "suspended; what runs goes on" : "resumed");
    return admin_send(cli, "PATCH", path, body, done);
}

/* A user's membership of one project ends; the user's jobs go on. */
int verb_admin_remove(struct cli *cli)
{
    char path[1500];
    char encoded[1000];
    char what[200];
    char done[200];
    const char *project = cli_value(cli, "project");
    if (!project)
        return cli_usage("--project NAME", "admin user remove: from which project?");
    (void)snprintf(what, sizeof(what), "remove %.60s from %.60s", cli->args.words[0], project);
    int status = cli_confirm(cli, what);
    if (status != EXIT_OK)
        return status;
    thing_path("user", cli->args.words[0], path, sizeof(path));
    size_t used = strlen(path);
    used += (size_t)snprintf(path + used, sizeof(path) - used, "?project=%s",
                             path_encode(project, encoded, 300));
    used += (size_t)snprintf(path + used, sizeof(path) - used, "&reason=%s",
                             path_encode(cli_value(cli, "reason"), encoded, 700));
    if (cli_has(cli, "dry-run"))
        (void)snprintf(path + used, sizeof(path) - used, "&dry_run=true");
    (void)snprintf(done, sizeof(done), "%.60s removed from %.60s", cli->args.words[0], project);
    return admin_send(cli, "DELETE", path, NULL, done);
}

/* ---- list, show ---- */

static int show_institutions(const json_t *list)
{
    static const struct table_column columns[] = { { "INSTITUTION", false, false },
                                                   { "TITLE", false, true } };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(list, i, row)
    {
        table_add(&table, doc_text(row, "name"));
        table_add(&table, doc_text(row, "title"));
    }
    table_print(&table, "no institutions");
    return EXIT_OK;
}

static const char *state_of(const json_t *row)
{
    const char *state = doc_text(row, "state");
    return state ? state : doc_bool(row, "suspended") ? "suspended" : "active";
}

static int show_projects(const json_t *list)
{
    static const struct table_column columns[] = {
        { "PROJECT", false, false }, { "INSTITUTION", false, true }, { "PI", false, true },
        { "STATE", false, false },   { "MEMBERS", true, false },     { "RUNNING", true, false },
        { "QUEUED", true, false },   { "TITLE", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(list, i, row)
    {
        const char *state = state_of(row);
        table_add(&table, doc_text(row, "name"));
        table_add(&table, doc_text(row, "institution"));
        table_add(&table, doc_text(row, "pi"));
        table_add_styled(&table, state, style_of_state(state));
        table_printf(&table, "%" PRId64, doc_int(row, "members", doc_int(row, "member_count", 0)));
        table_printf(&table, "%" PRId64,
                     doc_int(row, "running_jobs", doc_int(row, "jobs.running", 0)));
        table_printf(&table, "%" PRId64,
                     doc_int(row, "queued_jobs", doc_int(row, "jobs.queued", 0)));
        table_add(&table, doc_text(row, "title"));
    }
    table_print(&table, "no projects");
    return EXIT_OK;
}

/* "nlp (pi), default (member)", or an array of objects or texts. */
static void projects_cell(struct table *table, const json_t *projects)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    const json_t *item;
    size_t i;
    if (json_is_string(projects)) {
        table_add(table, json_string_value(projects));
        return;
    }
    json_array_foreach(projects, i, item)
    {
        const char *name = json_string_value(item);
        stint_buffer_printf(&text, "%s%s", i > 0 ? ", " : "",
                            name ? name
                                 : doc_text_or(item, "project", doc_text_or(item, "name", "?")));
        if (!name && doc_text(item, "role"))
            stint_buffer_printf(&text, " (%s)", doc_text(item, "role"));
    }
    table_add(table, stint_buffer_text(&text));
}

static int show_users(const json_t *list)
{
    static const struct table_column columns[] = {
        { "USER", false, false }, { "UID", true, false },      { "STATE", false, false },
        { "ROLE", false, false }, { "PROJECTS", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    json_array_foreach(list, i, row)
    {
        const char *state = state_of(row);
        table_add(&table, doc_text(row, "name"));
        table_printf(&table, "%" PRId64, doc_int(row, "uid", -1));
        table_add_styled(&table, state, style_of_state(state));
        table_add(&table, doc_text(row, "role"));
        projects_cell(&table, doc_at(row, "projects"));
    }
    table_print(&table, "no users");
    return EXIT_OK;
}

/* Only the row called @name, as a new array; empty when there is none. */
static json_t *list_only(const json_t *list, const char *name)
{
    json_t *only = json_array();
    json_t *row;
    size_t i;
    json_array_foreach(list, i, row) if (strcmp(doc_text_or(row, "name", ""), name) == 0)(void)
        json_array_append(only, row);
    return only;
}

static int list_show(struct cli *cli, const json_t *list)
{
    char noun[32];
    noun_of(cli, noun);
    if (strcmp(noun, "institution") == 0)
        return show_institutions(list);
    return strcmp(noun, "project") == 0 ? show_projects(list) : show_users(list);
}

static int show_things(struct cli *cli, const json_t *document)
{
    char key[40];
    char noun[32];
    (void)snprintf(key, sizeof(key), "%ss", noun_of(cli, noun));
    return list_show(cli, doc_at(document, key));
}

int verb_admin_list(struct cli *cli)
{
    char path[64];
    char noun[32];
    (void)snprintf(path, sizeof(path), "/api/v1/%ss", noun_of(cli, noun));
    return cli_show(cli, path, show_things);
}

/* One of the list: the daemon has no route for each of them. */
int verb_admin_show(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[64];
    char key[40];
    char noun[32];
    (void)snprintf(key, sizeof(key), "%ss", noun_of(cli, noun));
    (void)snprintf(path, sizeof(path), "/api/v1/%s", key);
    int status = cli_call(cli, "GET", path, NULL, &response);
    if (status != EXIT_OK)
        return status;
    json_t *only = list_only(doc_at(response.json, key), cli->args.words[0]);
    if (json_array_size(only) == 0) {
        (void)snprintf(path, sizeof(path), "stint admin %s list", noun);
        (void)cli_usage(path, "no such %s: %.60s", noun, cli->args.words[0]);
        status = EXIT_NOT_FOUND;
    } else if (cli_has(cli, "json")) {
        cli_print_json(json_array_get(only, 0));
    } else {
        status = list_show(cli, only);
    }
    json_decref(only);
    return status;
}
