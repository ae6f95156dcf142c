/* Owns: what operators change. One struct holds the members of all these bodies; each route has the
 * table of those it takes, and others are refused by name. The checks of substance are the
 * ledger's. */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
#include "stint/calendar.h"
#include "stint/ledger.h"
#include "stint/measure.h"

#define ASSIGNMENTS_MAX 16

struct body {
    char *name;
    char *title;
    char *resource;
    char *institution;
    char *pi;
    char *project;
    char *user;
    char *role;
    char *reason;
    char *amount;
    char *from;
    char *until;
    char *to;
    char *scope;
    char *state;
    char *assignments[ASSIGNMENTS_MAX];
    size_t assignment_count;
    int64_t amount_micro;
    int64_t shares;
    bool is_operator;
    bool is_operator_given;
    bool is_rehearsal;
};

static void body_deinit(struct body *body)
{
    char **texts[] = { &body->name,    &body->title, &body->institution, &body->pi,
                       &body->project, &body->user,  &body->role,        &body->reason,
                       &body->amount,  &body->from,  &body->until,       &body->to,
                       &body->scope,   &body->state, &body->resource };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        free(*texts[i]);
    for (size_t i = 0; i < body->assignment_count; i++)
        free(body->assignments[i]);
}

static int read_assignments(const struct reader *reader, const struct field *field,
                            const json_t *value)
{
    struct body *body = reader->target;
    size_t i;
    const json_t *item;
    if (!json_is_array(value) || json_array_size(value) > ASSIGNMENTS_MAX)
        return field_fail(reader, field, "a list of at most 16 texts like gpus=4");
    json_array_foreach(value, i, item)
    {
        int r = field_text(reader, field, item, false, &body->assignments[i]);
        if (r != 0)
            return r;
        body->assignment_count = i + 1;
    }
    return 0;
}

/* "500" or 500; a number with a fraction only as a text, so that it stays exact. */
static int read_amount(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct body *body = reader->target;
    char text[32];
    if (json_is_integer(value)) {
        (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        free(body->amount);
        return (body->amount = strdup(text)) ? 0 : -ENOMEM;
    }
    return field_text(reader, field, value, false, &body->amount);
}

static int read_operator(const struct reader *reader, const struct field *field,
                         const json_t *value)
{
    struct body *body = reader->target;
    if (!json_is_boolean(value))
        return field_fail(reader, field, "true or false");
    body->is_operator = json_is_true(value);
    body->is_operator_given = true;
    return 0;
}

#define TEXT(member)                                                                               \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct body, member), 0, STINT_LEDGER_TITLE_MAX, NULL, NULL  \
    }
#define OWN(name_, read_)                                                                          \
    {                                                                                              \
        .name = (name_), .kind = FIELD_OWN, .max = STINT_LEDGER_TITLE_MAX, .read = (read_)         \
    }
#define ACT_FIELDS                                                                                 \
    TEXT(reason),                                                                                  \
        { "dry_run", FIELD_BOOL, offsetof(struct body, is_rehearsal), 0, 0, NULL, NULL },          \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define AMOUNT_FIELDS                                                                              \
    OWN("amount", read_amount),                                                                    \
    {                                                                                              \
        "amount_micro", FIELD_INT, offsetof(struct body, amount_micro), 1, INT64_MAX, NULL, NULL   \
    }

static const struct field institution_fields[] = { TEXT(name), TEXT(title), ACT_FIELDS };
static const struct field project_fields[] = { TEXT(name), TEXT(institution), TEXT(pi), TEXT(title),
                                               ACT_FIELDS };
static const struct field project_patch_fields[] = { TEXT(pi), TEXT(title), TEXT(state),
                                                     ACT_FIELDS };
static const struct field user_fields[] = { TEXT(name), TEXT(project), TEXT(role),
                                            OWN("operator", read_operator), ACT_FIELDS };
static const struct field user_patch_fields[] = { TEXT(state), ACT_FIELDS };
static const struct field user_delete_fields[] = { TEXT(project), ACT_FIELDS };
static const struct field award_fields[] = { TEXT(name),  TEXT(project), TEXT(resource),
                                             TEXT(title), AMOUNT_FIELDS, TEXT(from),
                                             TEXT(until), ACT_FIELDS };
static const struct field extend_fields[] = { TEXT(until), ACT_FIELDS };
static const struct field amount_fields[] = { AMOUNT_FIELDS, ACT_FIELDS };
static const struct field transfer_fields[] = { TEXT(to), AMOUNT_FIELDS, ACT_FIELDS };
static const struct field revoke_fields[] = { ACT_FIELDS };
static const struct field node_patch_fields[] = { TEXT(state), TEXT(resource), ACT_FIELDS };
static const struct field reload_fields[] = { ACT_FIELDS };
static const struct field share_fields[] = { TEXT(scope),
                                             TEXT(name),
                                             { "shares", FIELD_INT, offsetof(struct body, shares),
                                               0, STINT_LEDGER_SHARES_MAX, NULL, NULL },
                                             ACT_FIELDS };
static const struct field quota_fields[] = { TEXT(scope), TEXT(name),
                                             OWN("assignments", read_assignments), ACT_FIELDS };

/* False: the problem was sent. */
static bool body_read(struct exchange *ex, const struct field *fields, struct body *body)
{
    if (exchange_fields(ex, fields, body))
        return true;
    body_deinit(body);
    return false;
}

static struct stint_act act_of(const struct exchange *ex, const struct body *body)
{
    return (struct stint_act){ &ex->caller, body->reason,
                               body->is_rehearsal || exchange_query_flag(ex, "dry_run") };
}

/* The end of each change: what it is called now, or what went wrong. */
static void finish(struct exchange *ex, struct body *body, const char *noun, int64_t id,
                   const char *name, bool is_new, const struct stint_error *err)
{
    bool is_rehearsal = act_of(ex, body).is_rehearsal;
    if (err->code != 0) {
        exchange_fail(ex, err);
    } else {
        document_begin(&ex->out, noun);
        if (id > 0)
            stint_json_kv_int(&ex->out, "id", id);
        stint_json_kv_text(&ex->out, "name", name);
        stint_json_kv_bool(&ex->out, "dry_run", is_rehearsal);
        stint_json_object_end(&ex->out);
        if (!is_rehearsal)
            ex->api->options.pass_wanted(ex->api->options.context);
        exchange_send(ex, is_new && !is_rehearsal ? 201 : 200);
    }
    body_deinit(body);
}

static int missing(struct stint_error *err, const char *what)
{
    return stint_fail(err, STINT_INVALID, "'%s' is missing", what);
}

static int amount_of(const struct body *body, int64_t *ret_micro, struct stint_error *err)
{
    if (body->amount)
        return stint_micro_parse(body->amount, ret_micro, err);
    if (body->amount_micro == 0)
        return missing(err, "amount");
    *ret_micro = body->amount_micro;
    return 0;
}

static int instant_of(const struct exchange *ex, const char *text, int64_t other_ms,
                      int64_t *ret_ms, struct stint_error *err)
{
    *ret_ms = other_ms;
    return text ? stint_instant_parse(text, ex->api->options.now_wall_ms(), ret_ms, err) : 0;
}

/* "active" or "suspended"; 0, STINT_INVALID. */
static int state_of(const struct body *body, bool *ret_is_suspended, struct stint_error *err)
{
    *ret_is_suspended = body->state && strcmp(body->state, "suspended") == 0;
    if (body->state && !*ret_is_suspended && strcmp(body->state, "active") != 0)
        return stint_fail(err, STINT_INVALID, "'state' must be active or suspended");
    return 0;
}

/* ---- institutions, projects, users ---- */

void handle_institution_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t id = 0;
    if (!body_read(ex, institution_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = body.name ? stint_ledger_institution_add(ex->api->options.ledger, &act, body.name,
                                                        body.title, &id, &err)
                         : missing(&err, "name");
    finish(ex, &body, "institution", id, body.name, true, &err);
}

void handle_project_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t id = 0;
    if (!body_read(ex, project_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = body.name
                   ? stint_ledger_project_add(ex->api->options.ledger, &act, body.name,
                                              body.institution, body.pi, body.title, &id, &err)
                   : missing(&err, "name");
    finish(ex, &body, "project", id, body.name, true, &err);
}

void handle_project_patch(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    bool is_suspended = false;
    const char *name = exchange_param(ex, "id");
    if (!name || !body_read(ex, project_patch_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = state_of(&body, &is_suspended, &err);
    if (err.code == 0 && (body.pi || body.title))
        err.code = stint_ledger_project_set(ex->api->options.ledger, &act, name, body.pi,
                                            body.title, &err);
    if (err.code == 0 && body.state)
        err.code =
            stint_ledger_project_suspend(ex->api->options.ledger, &act, name, is_suspended, &err);
    if (err.code == 0 && !body.pi && !body.title && !body.state)
        err.code = stint_fail(&err, STINT_INVALID, "nothing to change: pi, title or state");
    finish(ex, &body, "project", 0, name, false, &err);
}

void handle_user_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    if (!body_read(ex, user_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code =
        body.name
            ? stint_ledger_user_add(ex->api->options.ledger, &act, body.name, body.project,
                                    body.role, body.is_operator_given ? body.is_operator : -1, &err)
            : missing(&err, "name");
    finish(ex, &body, "user", 0, body.name, true, &err);
}

void handle_user_patch(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    bool is_suspended = false;
    const char *name = exchange_param(ex, "name");
    if (!name || !body_read(ex, user_patch_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = body.state ? state_of(&body, &is_suspended, &err) : missing(&err, "state");
    if (err.code == 0)
        err.code =
            stint_ledger_user_suspend(ex->api->options.ledger, &act, name, is_suspended, &err);
    finish(ex, &body, "user", 0, name, false, &err);
}

void handle_user_delete(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    const char *name = exchange_param(ex, "name");
    if (!name || !body_read(ex, user_delete_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    if (!act.reason)
        act.reason = exchange_query(ex, "reason");
    const char *project = body.project ? body.project : exchange_query(ex, "project");
    err.code = stint_ledger_user_remove(ex->api->options.ledger, &act, name, project, &err);
    finish(ex, &body, "user", 0, name, false, &err);
}

/* ---- awards ---- */

void handle_award_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t id = 0;
    int64_t amount = 0;
    int64_t from_ms = 0;
    int64_t until_ms = 0;
    if (!body_read(ex, award_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = amount_of(&body, &amount, &err);
    if (err.code == 0)
        err.code = instant_of(ex, body.from, ex->api->options.now_wall_ms(), &from_ms, &err);
    if (err.code == 0)
        err.code =
            body.until ? instant_of(ex, body.until, 0, &until_ms, &err) : missing(&err, "until");
    if (err.code == 0)
        err.code = body.project ? stint_ledger_award_grant(ex->api->options.ledger, &act, body.name,
                                                           body.project, body.resource, amount,
                                                           from_ms, until_ms, body.title, &id, &err)
                                : missing(&err, "project");
    const char *name =
        err.code == 0 && id ? stint_ledger_award_name(ex->api->options.ledger, id) : body.name;
    finish(ex, &body, "award", id, name, true, &err);
}

static void award_change(struct exchange *ex, const struct field *fields,
                         enum stint_award_change change)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t amount = 0;
    int64_t until_ms = 0;
    const char *name = exchange_param(ex, "name");
    if (!name || !body_read(ex, fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    if (change == STINT_AWARD_SUPPLEMENT || change == STINT_AWARD_REDUCE)
        err.code = amount_of(&body, &amount, &err);
    else if (change == STINT_AWARD_EXTEND)
        err.code =
            body.until ? instant_of(ex, body.until, 0, &until_ms, &err) : missing(&err, "until");
    if (err.code == 0)
        err.code = stint_ledger_award_change(ex->api->options.ledger, &act, name, change, amount,
                                             until_ms, &err);
    finish(ex, &body, "award", stint_ledger_award_id(ex->api->options.ledger, name), name, false,
           &err);
}

void handle_award_extend(struct exchange *ex)
{
    award_change(ex, extend_fields, STINT_AWARD_EXTEND);
}

void handle_award_supplement(struct exchange *ex)
{
    award_change(ex, amount_fields, STINT_AWARD_SUPPLEMENT);
}

void handle_award_reduce(struct exchange *ex)
{
    award_change(ex, amount_fields, STINT_AWARD_REDUCE);
}

void handle_award_revoke(struct exchange *ex)
{
    award_change(ex, revoke_fields, STINT_AWARD_REVOKE);
}

void handle_award_transfer(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    int64_t amount = 0;
    const char *name = exchange_param(ex, "name");
    if (!name || !body_read(ex, transfer_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = amount_of(&body, &amount, &err);
    if (err.code == 0)
        err.code = body.to ? stint_ledger_award_transfer(ex->api->options.ledger, &act, name,
                                                         body.to, amount, &err)
                           : missing(&err, "to");
    finish(ex, &body, "award", 0, name, false, &err);
}

/* ---- quotas ---- */

static int scope_of(const struct body *body, enum stint_quota_scope *ret_scope,
                    struct stint_error *err)
{
    static const char *const names[] = { "site", "institution", "project", "user" };
    for (size_t i = 0; body->scope && i < STINT_ARRAY_SIZE(names); i++) {
        if (strcmp(body->scope, names[i]) != 0)
            continue;
        *ret_scope = (enum stint_quota_scope)(STINT_SCOPE_SITE + i);
        return i > 0 && !body->name ? missing(err, "name") : 0;
    }
    return stint_fail(err, STINT_INVALID, "'scope' must be site, institution, project or user");
}

/* All assignments are tried without effect first, so that a mistyped one leaves nothing half set.
 */
void handle_quota_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    enum stint_quota_scope scope = STINT_SCOPE_SITE;
    struct stint_ledger *ledger = ex->api->options.ledger;
    if (!body_read(ex, quota_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    struct stint_act trial = act;
    trial.is_rehearsal = true;
    err.code = scope_of(&body, &scope, &err);
    if (err.code == 0 && body.assignment_count == 0)
        err.code = missing(&err, "assignments");
    for (size_t i = 0; err.code == 0 && i < body.assignment_count; i++)
        err.code =
            stint_ledger_quota_set(ledger, &trial, scope, body.name, body.assignments[i], &err);
    for (size_t i = 0; err.code == 0 && !act.is_rehearsal && i < body.assignment_count; i++)
        err.code =
            stint_ledger_quota_set(ledger, &act, scope, body.name, body.assignments[i], &err);
    finish(ex, &body, "quota", 0, body.name, false, &err);
}

void handle_share_post(struct exchange *ex)
{
    struct body body = { .shares = -1 };
    struct stint_error err = { 0 };
    enum stint_quota_scope scope = STINT_SCOPE_SITE;
    if (!body_read(ex, share_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    err.code = scope_of(&body, &scope, &err);
    if (err.code == 0 && body.shares < 0)
        err.code = missing(&err, "shares");
    if (err.code == 0)
        err.code = stint_ledger_share_set(ex->api->options.ledger, &act, scope, body.name,
                                          body.shares, &err);
    finish(ex, &body, "share", 0, body.name, false, &err);
}

/* ---- nodes ---- */

void handle_node_patch(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    struct stint_calendar *calendar = ex->api->options.calendar;
    const char *name = exchange_param(ex, "name");
    if (!name || !body_read(ex, node_patch_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    if (!body.state)
        err.code = missing(&err, "state");
    else if (strcmp(body.state, "draining") == 0)
        err.code = stint_calendar_drain(calendar, &act, body.resource, name, &err);
    else if (strcmp(body.state, "up") == 0)
        err.code = stint_calendar_resume(calendar, &act, body.resource, name, &err);
    else
        err.code = stint_fail(&err, STINT_INVALID, "'state' must be draining or up");
    finish(ex, &body, "node", 0, name, false, &err);
}

/* ---- the configuration ---- */

/* A bad file is no fault of the request: it is answered as outside input that broke a rule. */
void handle_reload(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    char later[STINT_RELOAD_LATER] = "";
    if (!body_read(ex, reload_fields, &body))
        return;
    struct stint_act act = act_of(ex, &body);
    int r = ex->api->options.reload(ex->api->options.context, act.reason, act.is_rehearsal, later,
                                    &err);
    if (r != 0) {
        err.code = r == STINT_READ_ONLY || r == STINT_BUSY ? r : STINT_UNTRUSTED;
        exchange_fail(ex, &err);
    } else {
        document_begin(&ex->out, "reload");
        stint_json_kv_text(&ex->out, "later", later[0] ? later : NULL);
        stint_json_kv_bool(&ex->out, "dry_run", act.is_rehearsal);
        stint_json_object_end(&ex->out);
        exchange_send(ex, 200);
    }
    body_deinit(&body);
}
