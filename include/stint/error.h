/* Faults and refusals (STYLE, "Faults and refusals"): 0 is done, negative is a fault (-errno),
 * positive is one of the refusals below, which the caller answers by name. Header-only, so that
 * scheduler/ needs nothing but include/. */
#ifndef STINT_ERROR_H
#define STINT_ERROR_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* enum (from 1), wire name, HTTP status, CLI exit status, what it means.
 * Exit statuses are INTERFACE §4's: 1 failed, 2 usage, 3 not found, 4 admission, 5 balance or
 * limit, 6 not permitted, 8 conflict. */
#define STINT_REFUSALS(X)                                                                          \
    X(STINT_INVALID, "invalid-request", 400, 2, "the request is malformed")                        \
    X(STINT_UNKNOWN_FIELD, "unknown-field", 400, 2, "a field that this route does not know")       \
    X(STINT_TOO_LARGE, "too-large", 413, 2, "larger than a stated bound")                          \
    X(STINT_NOT_LOGGED_IN, "not-logged-in", 401, 6, "the caller is not known")                     \
    X(STINT_NOT_PERMITTED, "not-permitted", 403, 6, "the caller may not do this")                  \
    X(STINT_NOT_FOUND, "not-found", 404, 3, "no such thing, or not yours to see")                  \
    X(STINT_METHOD, "method-not-allowed", 405, 2, "the route does not take this method")           \
    X(STINT_MEDIA_TYPE, "unsupported-media-type", 415, 2, "a body of a kind that is not taken")    \
    X(STINT_WRONG_STATE, "wrong-state", 409, 8, "not in this state")                               \
    X(STINT_CONFLICT, "conflict", 409, 8, "it exists already, or changed meanwhile")               \
    X(STINT_KEY_REUSED, "idempotency-key-reused", 422, 8, "the key was used with another body")    \
    X(STINT_REFUSED, "refused", 422, 4, "admission refused it")                                    \
    X(STINT_UNSATISFIABLE, "unsatisfiable", 422, 5, "no machine here could ever run it")           \
    X(STINT_NO_AWARD, "no-award", 422, 5, "no award of the project could pay for it")              \
    X(STINT_OVER_QUOTA, "over-quota", 429, 5, "a ceiling is reached")                              \
    X(STINT_TOO_OFTEN, "too-often", 429, 1, "asked more often than is taken; wait a second")       \
    X(STINT_BUSY, "busy", 503, 1, "a bounded queue is full; try again")                            \
    X(STINT_READ_ONLY, "read-only", 503, 1, "the store cannot be written now")                     \
    X(STINT_UNTRUSTED, "untrusted-input", 422, 1, "outside input broke a rule of its format")

enum stint_refusal {
    STINT_DONE = 0,
#define X(name, wire, http, status, help) name,
    STINT_REFUSALS(X)
#undef X
        STINT_REFUSAL_COUNT
};

/**
 * struct stint_error - a code, what failed and why, and what to do about it
 * @code: 0, a negative errno or an enum stint_refusal
 * @text: one sentence without a full stop; "" when nobody filled it
 * @fix: what the reader can do; "" when nothing is known
 * @params: the figures for programs, as members of a JSON object: "\"asked\":2,\"limit\":1"; "" for
 * none
 * The caller's storage; nothing to free.
 */
struct stint_error {
    int code;
    char text[400];
    char fix[240];
    char params[160];
};

/**
 * stint_fail() - fill @err, when there is one, and return @code
 * Clears @err->fix and @err->params. Cuts what is too long. Cost: one vsnprintf.
 */
static inline __attribute__((format(printf, 3, 4), unused)) int stint_fail(struct stint_error *err,
                                                                           int code,
                                                                           const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        err->fix[0] = '\0';
        err->params[0] = '\0';
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
    return code;
}

/**
 * stint_fix() - add to a failed @err what would cure it, and return its code
 */
static inline __attribute__((format(printf, 3, 4), unused)) int stint_fix(struct stint_error *err,
                                                                          int code,
                                                                          const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->fix, sizeof(err->fix), format, args);
        va_end(args);
    }
    return code;
}

/**
 * stint_params() - add to a failed @err its figures, and return its code
 * @format: gives members of a JSON object; words in it are our own tokens or names of
 * [A-Za-z0-9._-] What does not fit is left out whole: half a member is no JSON.
 */
static inline __attribute__((format(printf, 3, 4), unused)) int stint_params(
    struct stint_error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        int length = vsnprintf(err->params, sizeof(err->params), format, args);
        va_end(args);
        if (length < 0 || (size_t)length >= sizeof(err->params))
            err->params[0] = '\0';
    }
    return code;
}

/* The wire name of a refusal ("over-quota"), or "fault" for 0 and faults. */
static inline __attribute__((unused)) const char *stint_refusal_name(int code)
{
    static const char *const names[] = { "fault",
#define X(name, wire, http, status, help) wire,
                                         STINT_REFUSALS(X)
#undef X
    };
    return code > 0 && code < STINT_REFUSAL_COUNT ? names[code] : names[0];
}

/* The HTTP status of a refusal; 500 for a fault. */
static inline __attribute__((unused)) int stint_refusal_http_status(int code)
{
    static const short statuses[] = { 500,
#define X(name, wire, http, status, help) http,
                                      STINT_REFUSALS(X)
#undef X
    };
    return code > 0 && code < STINT_REFUSAL_COUNT ? statuses[code] : 500;
}

/* The exit status of a refusal; 1 for a fault. */
static inline __attribute__((unused)) int stint_refusal_exit_status(int code)
{
    static const signed char statuses[] = { 1,
#define X(name, wire, http, status, help) status,
                                            STINT_REFUSALS(X)
#undef X
    };
    return code > 0 && code < STINT_REFUSAL_COUNT ? statuses[code] : 1;
}

#endif
