/* Owns: what a handler reads of its request: placeholders, query, body. */
#include "api_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/measure.h"

const char *exchange_param(struct exchange *ex, const char *name)
{
    for (size_t i = 0; i < ex->params.count; i++) {
        if (strlen(name) != ex->params.name_length[i] ||
            strncmp(name, ex->params.name[i], ex->params.name_length[i]) != 0)
            continue;
        char *decoded = text_decode(ex->params.value[i], ex->params.value_length[i], false);
        if (decoded && *decoded && ex->decoded_count < STINT_ARRAY_SIZE(ex->decoded))
            return ex->decoded[ex->decoded_count++] = decoded;
        free(decoded);
        break;
    }
    struct stint_error err;
    (void)stint_fail(&err, STINT_INVALID, "the %s in the path is malformed", name);
    exchange_fail(ex, &err);
    return NULL;
}

uint64_t exchange_param_id(struct exchange *ex, const char *name)
{
    struct stint_error err;
    const char *text = exchange_param(ex, name);
    if (!text)
        return 0;
    size_t digits = strspn(text, "0123456789");
    errno = 0;
    uint64_t id = strtoull(text, NULL, 10);
    bool is_whole = text[digits] == '\0' || strcmp(text + digits, "_0") == 0;
    if (digits > 0 && is_whole && errno == 0 && id > 0 && id <= INT64_MAX)
        return id;
    (void)stint_fail(&err, STINT_NOT_FOUND, "there is no %s '%.40s'", name, text);
    exchange_fail(ex, &err);
    return 0;
}

bool exchange_param_ref(struct exchange *ex, struct stint_job_ref *ret_ref)
{
    struct stint_error err = { 0 };
    const char *text = exchange_param(ex, "id");
    if (!text)
        return false;
    err.code = stint_job_ref_parse(text, ret_ref, &err);
    if (err.code == 0)
        return true;
    if (err.code == STINT_INVALID)
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no job '%.60s'", text);
    exchange_fail(ex, &err);
    return false;
}

const char *exchange_query(const struct exchange *ex, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < ex->query_count; i++) {
        const char *known = ex->query_names[i];
        if (strncmp(known, name, length) == 0 && (known[length] == ' ' || known[length] == '\0'))
            return ex->query_values[i];
    }
    return NULL;
}

bool exchange_query_int(struct exchange *ex, const char *name, int64_t min, int64_t max,
                        int64_t other, int64_t *ret_value)
{
    struct stint_error err;
    const char *text = exchange_query(ex, name);
    char *end;
    *ret_value = other;
    if (!text)
        return true;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text && !*end && errno == 0 && value >= min && value <= max) {
        *ret_value = value;
        return true;
    }
    (void)stint_fail(&err, STINT_INVALID, "the query parameter '%s' must be from %lld to %lld",
                     name, (long long)min, (long long)max);
    exchange_fail(ex, &err);
    return false;
}

bool exchange_query_time(struct exchange *ex, const char *name, int64_t *ret_ms)
{
    struct stint_error err = { 0 };
    const char *text = exchange_query(ex, name);
    *ret_ms = 0;
    if (!text)
        return true;
    err.code = stint_instant_parse(text, ex->api->options.now_wall_ms(), ret_ms, &err);
    if (err.code == 0)
        return true;
    exchange_fail(ex, &err);
    return false;
}

bool exchange_query_flag(const struct exchange *ex, const char *name)
{
    const char *text = exchange_query(ex, name);
    return text && strcmp(text, "false") != 0 && strcmp(text, "0") != 0 && strcmp(text, "no") != 0;
}

json_t *exchange_json(struct exchange *ex)
{
    struct stint_error err = { 0 };
    json_t *json = NULL;
    err.code = text_json(stint_buffer_text(&ex->body), ex->body.length, &json, &err);
    if (err.code == 0 && json_is_object(json))
        return json;
    if (err.code == 0)
        err.code = stint_fail(&err, STINT_INVALID, "the body must be a JSON object");
    json_decref(json);
    exchange_fail(ex, &err);
    return NULL;
}

bool exchange_is_operator(const struct exchange *ex)
{
    return ex->caller.role >= STINT_ROLE_OPERATOR;
}

bool exchange_sees(const struct exchange *ex, uid_t uid)
{
    return exchange_is_operator(ex) ||
           (ex->caller.role >= STINT_ROLE_USER && ex->caller.uid == uid);
}
