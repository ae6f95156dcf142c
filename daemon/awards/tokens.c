/* Bearer tokens: made, found and revoked (stint/token.h). A token lies here under its SHA-256
 * alone: who reads the store cannot use one. It is found by that digest, which nobody can choose
 * without knowing the token, so that the time of looking tells nothing. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "stint/buffer.h"
#include "stint/digest.h"
#include "stint/token.h"

#define TOKEN_BYTES    32
#define DAY_MS         INT64_C(86400000)
#define USED_EVERY_MS  INT64_C(3600000)
#define OPERATOR_BITS  (~(1u << STINT_TOKEN_READ | 1u << STINT_TOKEN_SUBMIT))
#define SCOPE_TEXT_MAX 256

static const struct {
    const char *word;
    const char *place;
} scopes_table[] = {
#define X(name, word, place) { word, place },
    STINT_TOKEN_SCOPES(X)
#undef X
};

/* ---- scopes */

static int scope_of(const char *word, size_t length)
{
    for (int i = 0; i < STINT_TOKEN_SCOPE_COUNT; i++)
        if (strlen(scopes_table[i].word) == length &&
            strncmp(word, scopes_table[i].word, length) == 0)
            return i;
    return -1;
}

int stint_token_scopes_parse(const char *text, stint_token_scopes *ret_scopes,
                             struct stint_error *err)
{
    stint_token_scopes scopes = 0;
    char known[SCOPE_TEXT_MAX];
    for (const char *at = text; *(at += strspn(at, ", "));) {
        size_t length = strcspn(at, ", ");
        int scope = scope_of(at, length);
        if (scope < 0) {
            (void)stint_fail(err, STINT_INVALID, "'%.*s' is no scope of a token",
                             (int)(length < 40 ? length : 40), at);
            return stint_fix(err, STINT_INVALID, "known: %s",
                             stint_token_scopes_format((1u << STINT_TOKEN_SCOPE_COUNT) - 1, known,
                                                       sizeof(known)));
        }
        scopes |= 1u << scope;
        at += length;
    }
    if (scopes == 0) {
        (void)stint_fail(err, STINT_INVALID, "a token without a scope may do nothing");
        return stint_fix(err, STINT_INVALID, "--scope read:own or --scope submit");
    }
    *ret_scopes = scopes;
    return 0;
}

char *stint_token_scopes_format(stint_token_scopes scopes, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < STINT_TOKEN_SCOPE_COUNT; i++) {
        if (!(scopes >> i & 1))
            continue;
        (void)snprintf(text + length, size - length, "%s%s", length ? " " : "",
                       scopes_table[i].word);
        length += strlen(text + length);
    }
    return text;
}

static bool is_below(const char *place, const char *folder)
{
    size_t length = strlen(folder);
    return length > 0 && strncmp(place, folder, length) == 0 &&
           (place[length] == '\0' || place[length] == '/');
}

bool stint_token_allows(stint_token_scopes scopes, bool is_write, bool is_operators,
                        const char *place)
{
    if (scopes >> STINT_TOKEN_ADMIN & 1)
        return true;
    for (int i = STINT_TOKEN_ADMIN + 1; i < STINT_TOKEN_SCOPE_COUNT; i++)
        if ((scopes >> i & 1) && is_below(place, scopes_table[i].place))
            return true;
    if (is_operators)
        return !is_write && (scopes >> STINT_TOKEN_AUDIT & 1);
    return !is_write || (scopes >> STINT_TOKEN_SUBMIT & 1);
}

/* ---- in memory */

static void token_hash(const char *token, char hash[STINT_SHA256_HEX])
{
    struct stint_sha256 digest;
    stint_sha256(token, strlen(token), &digest);
    (void)stint_sha256_hex(&digest, hash);
}

static void token_free(struct ledger_token *token)
{
    free(token->name);
    free(token);
}

void tokens_free(struct stint_ledger *ledger)
{
    struct ledger_token *token = ledger->tokens, *next;
    HASH_CLEAR(hh, ledger->tokens);
    for (; token; token = next) {
        next = token->hh.next;
        token_free(token);
    }
}

struct ledger_token *token_keep(struct stint_ledger *ledger, const struct stint_token_row *row)
{
    struct ledger_token *token = NULL;
    HASH_FIND_STR(ledger->tokens, row->hash, token);
    if (!token) {
        token = strlen(row->hash) < sizeof(token->hash) ? calloc(1, sizeof(*token)) : NULL;
        if (!token || !(token->name = strdup(row->name ? row->name : ""))) {
            free(token);
            return NULL;
        }
        (void)snprintf(token->hash, sizeof(token->hash), "%s", row->hash);
        HASH_ADD_STR(ledger->tokens, hash, token);
    }
    (void)snprintf(token->id, sizeof(token->id), "%.*s", STINT_TOKEN_ID - 1, row->hash);
    if (stint_token_scopes_parse(row->role ? row->role : "", &token->scopes, NULL) != 0)
        token->scopes = 0; /* a word of a later version: it allows nothing here */
    token->uid = row->uid;
    token->is_revoked = row->state && strcmp(row->state, "revoked") == 0;
    token->created_ms = row->created_ms;
    token->until_ms = row->until_ms;
    token->used_ms = row->used_ms;
    return token;
}

static int token_put(struct stint_ledger *ledger, const struct ledger_token *token, bool is_revoked,
                     int64_t used_ms, struct stint_error *err)
{
    char scopes[SCOPE_TEXT_MAX];
    struct stint_token_row row = {
        .hash = token->hash,
        .uid = token->uid,
        .name = token->name,
        .role = stint_token_scopes_format(token->scopes, scopes, sizeof(scopes)),
        .state = is_revoked ? "revoked" : "active",
        .created_ms = token->created_ms,
        .until_ms = token->until_ms,
        .used_ms = used_ms,
    };
    return stint_store_put_token(ledger->options.store, &row, err);
}

static void view_of(struct stint_ledger *ledger, const struct ledger_token *token,
                    struct stint_token_view *ret_view)
{
    const struct ledger_user *user = user_for(ledger, token->uid, NULL);
    *ret_view = (struct stint_token_view){
        .id = token->id,
        .name = token->name,
        .user = user ? user->name : "",
        .uid = token->uid,
        .scopes = token->scopes,
        .is_revoked = token->is_revoked,
        .created_ms = token->created_ms,
        .until_ms = token->until_ms,
        .used_ms = token->used_ms,
    };
}

void stint_ledger_each_token(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_token_view *view),
                             void *context)
{
    struct stint_token_view view;
    for (const struct ledger_token *token = ledger->tokens; token; token = token->hh.next) {
        view_of(ledger, token, &view);
        if (!fn(context, &view))
            return;
    }
}

/* ---- whose is it */

int stint_ledger_token_find(struct stint_ledger *ledger, const char *text,
                            struct stint_token_view *ret_view, struct stint_error *err)
{
    struct ledger_token *token = NULL;
    char hash[STINT_SHA256_HEX];
    int64_t now_ms = ledger_now_ms(ledger);
    token_hash(text, hash);
    HASH_FIND_STR(ledger->tokens, hash, token);
    if (!token || !stint_equal_constant_time(token->hash, hash, sizeof(hash))) {
        (void)stint_fail(err, STINT_NOT_LOGGED_IN, "this token is not known here");
        return stint_fix(err, STINT_NOT_LOGGED_IN, "ask an operator for a new one");
    }
    if (token->is_revoked || token->until_ms <= now_ms) {
        (void)stint_fail(err, STINT_NOT_LOGGED_IN, "this token %s",
                         token->is_revoked ? "was revoked" : "has ended");
        return stint_fix(err, STINT_NOT_LOGGED_IN, "ask an operator for a new one");
    }
    bool is_new_hour = now_ms - token->used_ms >= USED_EVERY_MS || now_ms < token->used_ms;
    if (is_new_hour && token_put(ledger, token, false, now_ms, NULL) == 0)
        token->used_ms = now_ms; /* a store that takes no writes now: written with a later use */
    view_of(ledger, token, ret_view);
    return 0;
}

/* ---- administrators' verbs */

static int token_publish(struct stint_ledger *ledger, const struct stint_act *act, const char *verb,
                         const struct ledger_token *token, const char *user,
                         struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    char scopes[SCOPE_TEXT_MAX];
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "change", verb);
    stint_json_kv_text(&subject, "token", token->id);
    stint_json_kv_text(&subject, "scopes",
                       stint_token_scopes_format(token->scopes, scopes, sizeof(scopes)));
    stint_json_kv_time(&subject, "until", token->until_ms);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "token.change", verb, stint_buffer_text(&subject), user, err);
}

static int end_check(int64_t now_ms, int64_t *until_ms, struct stint_error *err)
{
    if (*until_ms == 0)
        *until_ms = now_ms + STINT_TOKEN_DAYS * DAY_MS;
    if (*until_ms > now_ms && *until_ms <= now_ms + STINT_TOKEN_DAYS_MAX * DAY_MS)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "a token ends in the future, within %d days",
                     STINT_TOKEN_DAYS_MAX);
    return stint_fix(err, STINT_INVALID, "--until now+90d, or a date");
}

static int create_check(struct stint_ledger *ledger, const struct stint_act *act, const char *user,
                        const char *name, stint_token_scopes scopes, int64_t *until_ms,
                        struct ledger_user **ret_user, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = text_check("what the token is for", name ? name : "", STINT_LEDGER_NAME_MAX, err);
    if (r == 0)
        r = end_check(ledger_now_ms(ledger), until_ms, err);
    if (r == 0)
        r = user_resolve(ledger, user, ret_user, err);
    if (r != 0)
        return r;
    if ((scopes & OPERATOR_BITS) &&
        stint_ledger_role(ledger, (*ret_user)->uid, (*ret_user)->name) < STINT_ROLE_OPERATOR) {
        (void)stint_fail(err, STINT_INVALID, "%s is no operator", (*ret_user)->name);
        return stint_fix(err, STINT_INVALID, "--scope read:own or --scope submit");
    }
    if (HASH_COUNT(ledger->tokens) >= STINT_TOKENS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are %d tokens already", STINT_TOKENS_MAX);
    return 0;
}

static int token_make(char *ret_token)
{
    uint8_t bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    (void)snprintf(ret_token, STINT_TOKEN_TEXT, "%s", STINT_TOKEN_PREFIX);
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(ret_token + sizeof(STINT_TOKEN_PREFIX) - 1 + 2 * i, 3, "%02x", bytes[i]);
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

int stint_ledger_token_create(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, const char *name, stint_token_scopes scopes,
                              int64_t until_ms, char *ret_token, char *ret_id,
                              struct stint_error *err)
{
    struct ledger_user *owner = NULL;
    char text[STINT_TOKEN_TEXT];
    char hash[STINT_SHA256_HEX];
    char words[SCOPE_TEXT_MAX];
    int r = create_check(ledger, act, user, name, scopes, &until_ms, &owner, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    if ((r = token_make(text)) != 0)
        return stint_fail(err, r, "this machine gives no random bytes");
    token_hash(text, hash);
    struct stint_token_row row = {
        .hash = hash,
        .uid = owner->uid,
        .name = name,
        .role = stint_token_scopes_format(scopes, words, sizeof(words)),
        .state = "active",
        .created_ms = ledger_now_ms(ledger),
        .until_ms = until_ms,
    };
    struct ledger_token *token = token_keep(ledger, &row);
    if (!token)
        return stint_fail(err, -ENOMEM, "no memory for a token");
    struct act_mark mark = act_mark(ledger);
    r = stint_store_put_token(ledger->options.store, &row, err);
    if (r == 0)
        r = token_publish(ledger, act, "token.create", token, owner->name, err);
    if (r != 0) {
        HASH_DEL(ledger->tokens, token);
        token_free(token);
    } else {
        memcpy(ret_token, text, sizeof(text));
        memcpy(ret_id, token->id, STINT_TOKEN_ID);
    }
    explicit_bzero(text, sizeof(text));
    return act_end(ledger, mark, r);
}

int stint_ledger_token_revoke(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *id, struct stint_error *err)
{
    struct ledger_token *token = ledger->tokens;
    struct stint_token_view view;
    int r = act_begin(ledger, act, err);
    if (r != 0)
        return r;
    while (token && strcmp(token->id, id) != 0)
        token = token->hh.next;
    if (!token)
        return stint_fail(err, STINT_NOT_FOUND, "there is no token %.40s", id);
    if (token->is_revoked)
        return stint_fail(err, STINT_WRONG_STATE, "the token %s was revoked already", id);
    if (act->is_rehearsal)
        return 0;
    view_of(ledger, token, &view);
    struct act_mark mark = act_mark(ledger);
    r = token_put(ledger, token, true, token->used_ms, err);
    if (r == 0)
        r = token_publish(ledger, act, "token.revoke", token, view.user, err);
    if (r == 0)
        token->is_revoked = true;
    return act_end(ledger, mark, r);
}
