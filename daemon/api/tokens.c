/* Owns: bearer tokens as HTTP. A token makes and revokes none: one that leaked must not be able to
 * outlive its end by making another. Its answer is the only place where it is seen, and is kept
 * nowhere (the route takes no Idempotency-Key). */
#include "views.h"

#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/token.h"

struct body {
    char *name;
    char *user;
    char *scopes;
    char *until;
    char *reason;
    bool is_rehearsal;
};

#define TEXT(member)                                                                               \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct body, member), 0, STINT_LEDGER_TITLE_MAX, NULL, NULL  \
    }

static const struct field fields[] = {
    TEXT(name),
    TEXT(user),
    TEXT(scopes),
    TEXT(until),
    TEXT(reason),
    { "dry_run", FIELD_BOOL, offsetof(struct body, is_rehearsal), 0, 0, NULL, NULL },
    { .name = NULL },
};

static void body_deinit(struct body *body)
{
    free(body->name);
    free(body->user);
    free(body->scopes);
    free(body->until);
    free(body->reason);
}

/* False: the problem was sent. */
static bool body_read(struct exchange *ex, struct body *body)
{
    struct stint_error err = { 0 };
    if (!exchange_fields(ex, fields, body)) {
        body_deinit(body);
        return false;
    }
    body->is_rehearsal = body->is_rehearsal || exchange_query_flag(ex, "dry_run");
    if (!ex->has_token)
        return true;
    err.code = stint_fail(&err, STINT_NOT_PERMITTED, "a token makes and revokes no tokens");
    (void)stint_fix(&err, STINT_NOT_PERMITTED, "use the Unix socket on the daemon's machine");
    body_deinit(body);
    exchange_fail(ex, &err);
    return false;
}

static void scopes_write(struct stint_buffer *out, stint_token_scopes scopes)
{
    char words[256];
    char *rest = stint_token_scopes_format(scopes, words, sizeof(words));
    stint_json_key(out, "scopes");
    stint_json_array(out);
    for (char *word = strtok_r(rest, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        stint_json_text(out, word);
    stint_json_array_end(out);
}

struct listing {
    struct stint_buffer *out;
    int64_t now_ms;
};

static bool on_token(void *context, const struct stint_token_view *view)
{
    const struct listing *listing = context;
    struct stint_buffer *out = listing->out;
    stint_json_object(out);
    stint_json_kv_text(out, "id", view->id);
    stint_json_kv_text(out, "name", view->name);
    stint_json_kv_text(out, "user", view->user);
    scopes_write(out, view->scopes);
    stint_json_kv_text(out, "state",
                       view->is_revoked                    ? "revoked"
                       : view->until_ms <= listing->now_ms ? "ended"
                                                           : "active");
    stint_json_kv_time(out, "created", view->created_ms);
    stint_json_kv_time(out, "until", view->until_ms);
    stint_json_kv_time(out, "used", view->used_ms);
    stint_json_object_end(out);
    return true;
}

void handle_tokens_list(struct exchange *ex)
{
    struct listing listing = { &ex->out, ex->api->options.now_wall_ms() };
    document_begin(&ex->out, "tokens");
    stint_json_key(&ex->out, "tokens");
    stint_json_array(&ex->out);
    stint_ledger_each_token(ex->api->options.ledger, on_token, &listing);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

static int token_create(struct exchange *ex, const struct body *body, char *token, char *id,
                        struct stint_error *err)
{
    struct stint_act act = { &ex->caller, body->reason, body->is_rehearsal };
    stint_token_scopes scopes = 0;
    int64_t until_ms = 0;
    if (!body->user || !body->scopes || !body->name)
        return stint_fail(err, STINT_INVALID, "'%s' is missing",
                          !body->name   ? "name"
                          : !body->user ? "user"
                                        : "scopes");
    int r = stint_token_scopes_parse(body->scopes, &scopes, err);
    if (r == 0 && body->until)
        r = stint_instant_parse(body->until, ex->api->options.now_wall_ms(), &until_ms, err);
    if (r == 0)
        r = stint_ledger_token_create(ex->api->options.ledger, &act, body->user, body->name, scopes,
                                      until_ms, token, id, err);
    return r;
}

void handle_token_post(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    char token[STINT_TOKEN_TEXT] = "";
    char id[STINT_TOKEN_ID] = "";
    if (!body_read(ex, &body))
        return;
    err.code = token_create(ex, &body, token, id, &err);
    if (err.code != 0) {
        exchange_fail(ex, &err);
    } else {
        document_begin(&ex->out, "token");
        stint_json_kv_text(&ex->out, "id", *id ? id : NULL);
        stint_json_kv_text(&ex->out, "token", *token ? token : NULL);
        stint_json_kv_text(&ex->out, "name", body.name);
        stint_json_kv_bool(&ex->out, "dry_run", body.is_rehearsal);
        stint_json_object_end(&ex->out);
        exchange_send(ex, body.is_rehearsal ? 200 : 201);
    }
    explicit_bzero(token, sizeof(token));
    body_deinit(&body);
}

void handle_token_delete(struct exchange *ex)
{
    struct body body = { 0 };
    struct stint_error err = { 0 };
    const char *id = exchange_param(ex, "id");
    if (!id || !body_read(ex, &body))
        return;
    struct stint_act act = { &ex->caller, body.reason ? body.reason : exchange_query(ex, "reason"),
                             body.is_rehearsal };
    err.code = stint_ledger_token_revoke(ex->api->options.ledger, &act, id, &err);
    if (err.code != 0) {
        exchange_fail(ex, &err);
    } else {
        document_begin(&ex->out, "token");
        stint_json_kv_text(&ex->out, "id", id);
        stint_json_kv_bool(&ex->out, "dry_run", body.is_rehearsal);
        stint_json_object_end(&ex->out);
        exchange_send(ex, 200);
    }
    body_deinit(&body);
}
