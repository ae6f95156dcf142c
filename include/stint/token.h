/* Bearer tokens: who asks over TCP, where no kernel says whose connection it is (RFC 6750). A token
 * is 256 random bits, shown once and kept as its SHA-256; it speaks for one user, within its
 * scopes, until it ends or is revoked. Source: scopes and format, the shared reference on users
 * §3.3. */
#ifndef STINT_TOKEN_H
#define STINT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stint/error.h"

struct stint_ledger;
struct stint_act;

/* "stint_" and 64 hex digits, with the NUL. The beginning is for those who scan for secrets. */
#define STINT_TOKEN_PREFIX "stint_"
#define STINT_TOKEN_TEXT   (sizeof(STINT_TOKEN_PREFIX) + 64)
/* The first digits of its hash, by which people call it; no secret. */
#define STINT_TOKEN_ID       13
#define STINT_TOKENS_MAX     10000 /* revoked and ended ones counted */
#define STINT_TOKEN_DAYS     90    /* when no end is named */
#define STINT_TOKEN_DAYS_MAX 366

/* name, word, the path below /api/v1 that an operator's part is about. */
#define STINT_TOKEN_SCOPES(X)                                                                      \
    X(STINT_TOKEN_READ, "read:own", "")                                                            \
    X(STINT_TOKEN_SUBMIT, "submit", "")                                                            \
    X(STINT_TOKEN_AUDIT, "audit", "")                                                              \
    X(STINT_TOKEN_ADMIN, "admin", "")                                                              \
    X(STINT_TOKEN_INSTITUTION, "admin:institution", "institutions")                                \
    X(STINT_TOKEN_PROJECT, "admin:project", "projects")                                            \
    X(STINT_TOKEN_USER, "admin:user", "users")                                                     \
    X(STINT_TOKEN_AWARD, "admin:award", "awards")                                                  \
    X(STINT_TOKEN_QUOTA, "admin:quota", "quotas")                                                  \
    X(STINT_TOKEN_SHARE, "admin:share", "shares")                                                  \
    X(STINT_TOKEN_NODE, "admin:node", "nodes")                                                     \
    X(STINT_TOKEN_RESERVE, "admin:reserve", "reservations")                                        \
    X(STINT_TOKEN_WAIVER, "admin:waiver", "waivers")

enum stint_token_scope {
#define X(name, word, place) name,
    STINT_TOKEN_SCOPES(X)
#undef X
        STINT_TOKEN_SCOPE_COUNT
};

/* What a token may do, as bits of enum stint_token_scope; each allows the reads that it needs. */
typedef uint32_t stint_token_scopes;

/* Words joined by commas or blanks, "submit,admin:quota". 0; STINT_INVALID with the known ones. */
int stint_token_scopes_parse(const char *text, stint_token_scopes *ret_scopes,
                             struct stint_error *err);
/* The words in their canonical order, joined by blanks; @text has @size bytes, 256 are enough. */
char *stint_token_scopes_format(stint_token_scopes scopes, char *text, size_t size);

/* May a token with these ask for a route? @is_write: it changes something; @is_operators: only
 * operators may; @place: the path below /api/v1. Pure. */
bool stint_token_allows(stint_token_scopes scopes, bool is_write, bool is_operators,
                        const char *place);

/* Borrowed until the next call. @used_ms: when it was last used, to the hour; 0 for never. */
struct stint_token_view {
    const char *id;
    const char *name;
    const char *user;
    uid_t uid;
    stint_token_scopes scopes;
    bool is_revoked;
    int64_t created_ms;
    int64_t until_ms;
    int64_t used_ms;
};

/**
 * stint_ledger_token_create() - a new token for @user, which an operator hands to him
 * @name: what it is for, for people; @until_ms: 0 is STINT_TOKEN_DAYS from now
 * @ret_token: STINT_TOKEN_TEXT bytes: the only time that it is seen; @ret_id: STINT_TOKEN_ID bytes
 * Neither is filled by a rehearsal. The public entry names neither user nor purpose.
 * Return: 0; STINT_NOT_PERMITTED, STINT_INVALID (scopes, an end that is past or too far away, an
 * operator's scope for who is none), STINT_NOT_FOUND (no such user), STINT_TOO_LARGE, STINT_BUSY,
 * STINT_READ_ONLY.
 */
int stint_ledger_token_create(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, const char *name, stint_token_scopes scopes,
                              int64_t until_ms, char *ret_token, char *ret_id,
                              struct stint_error *err);
/* By its id; from then on nothing is answered to it. STINT_NOT_FOUND, STINT_WRONG_STATE. */
int stint_ledger_token_revoke(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *id, struct stint_error *err);

/**
 * stint_ledger_token_find() - whose is @token?
 * Return: 0; STINT_NOT_LOGGED_IN: it is none of ours, was revoked or has ended; the answer does not
 * tell an unknown one from one of another length. The first use of an hour is written down.
 */
int stint_ledger_token_find(struct stint_ledger *ledger, const char *token,
                            struct stint_token_view *ret_view, struct stint_error *err);
void stint_ledger_each_token(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_token_view *view),
                             void *context);

#endif
