/* Owns: what a handler reads of its request: placeholders, query, body. */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../request/fields.h"
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

/* ---- what a query may say, the same for every route ---- */

static bool is_state(const char *text)
{
    return stint_job_state_from_name(text) != STINT_JOB_NO_STATE;
}

static bool is_outcome(const char *text)
{
    return stint_job_outcome_from_name(text) != STINT_OUTCOME_NONE;
}

static bool is_flag(const char *text)
{
    static const char *const words[] = { "", "true", "false", "yes", "no", "1", "0" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_kind(const char *text)
{
    return strcmp(text, "model") == 0 || strcmp(text, "dataset") == 0 || strcmp(text, "code") == 0;
}

static const struct {
    const char *name;
    bool (*is_word)(const char *text);
    const char *words;
} query_words[] = {
    { "state", is_state, "pending held starting running suspended ending done" },
    { "outcome", is_outcome,
      "completed failed cancelled timeout out-of-memory node-failed lost refused" },
    { "kind", is_kind, "model dataset code" },
    { "mine", is_flag, "true false" },
    { "live", is_flag, "true false" },
    { "follow", is_flag, "true false" },
    { "dry_run", is_flag, "true false" },
};

static int check_words(const struct exchange *ex, struct stint_error *err)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(query_words); i++) {
        const char *text = exchange_query(ex, query_words[i].name);
        if (!text || query_words[i].is_word(text))
            continue;
        (void)stint_fail(err, STINT_INVALID, "the query parameter '%s' cannot be '%.40s'",
                         query_words[i].name, text);
        return stint_fix(err, STINT_INVALID, "one of: %s", query_words[i].words);
    }
    return 0;
}

/* A time from which nothing can be until the other. What is no time its handler refuses. */
static int check_times(const struct exchange *ex, struct stint_error *err)
{
    int64_t now_ms = ex->api->options.now_wall_ms();
    const char *since = exchange_query(ex, "since");
    const char *until = exchange_query(ex, "until");
    int64_t since_ms, until_ms;
    if (!since || !until || stint_instant_parse(since, now_ms, &since_ms, NULL) != 0 ||
        stint_instant_parse(until, now_ms, &until_ms, NULL) != 0 || since_ms <= until_ms)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'since' is later than 'until'");
    return stint_fix(err, STINT_INVALID, "change the two, or leave one out");
}

static int query_check(const struct exchange *ex, struct stint_error *err)
{
    const char *project = exchange_query(ex, "project");
    bool is_read = strcmp(ex->route->method, "GET") == 0;
    int r = check_words(ex, err);
    if (r == 0)
        r = check_times(ex, err);
    if (r == 0 && is_read && project && project_id(ex->api, project) == 0)
        r = stint_fail(err, STINT_NOT_FOUND, "there is no project '%.60s'", project);
    return r;
}

/* ---- taking it ---- */

static bool word_in(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; at && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return length > 0;
    return false;
}

/* The table's own copy of a parameter's name, with its end; NULL when the route has none such. */
static const char *query_known(const struct route *route, const char *name)
{
    if (!route->query || strchr(name, ' ') || !word_in(route->query, name))
        return NULL;
    size_t length = strlen(name);
    const char *at = route->query;
    while (strncmp(at, name, length) != 0 || (at[length] != ' ' && at[length] != '\0'))
        at += strcspn(at, " ") + 1;
    return at;
}

struct query_walk {
    struct exchange *ex;
    struct stint_error *err;
    int code;
};

static enum MHD_Result query_on_value(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct query_walk *walk = context;
    struct exchange *ex = walk->ex;
    (void)kind;
    const char *known = query_known(ex->route, name);
    if (!known) {
        walk->code =
            stint_fail(walk->err, STINT_UNKNOWN_FIELD, "unknown query parameter '%.60s'", name);
        (void)stint_fix(walk->err, STINT_UNKNOWN_FIELD, "known here: %.200s",
                        ex->route->query ? ex->route->query : "none");
        return MHD_NO;
    }
    if (exchange_query(ex, name)) { /* which of them was meant? */
        walk->code = stint_fail(walk->err, STINT_INVALID,
                                "the query parameter '%.60s' is given twice", name);
        return MHD_NO;
    }
    char *decoded = text_decode(value ? value : "", value ? strlen(value) : 0, false);
    if (!decoded || ex->query_count == API_QUERY_MAX) {
        free(decoded);
        walk->code =
            stint_fail(walk->err, STINT_INVALID, "the query parameter '%.60s' is malformed", name);
        return MHD_NO;
    }
    ex->query_names[ex->query_count] = known;
    ex->query_values[ex->query_count++] = decoded;
    return MHD_YES;
}

int query_read(struct exchange *ex, struct stint_error *err)
{
    struct query_walk walk = { ex, err, 0 };
    (void)MHD_get_connection_values(ex->connection, MHD_GET_ARGUMENT_KIND, query_on_value, &walk);
    return walk.code == 0 ? query_check(ex, err) : walk.code;
}

json_t *exchange_json(struct exchange *ex)
{
    struct stint_error err = { 0 };
    json_t *json = NULL;
    err.code = text_json(stint_buffer_text(&ex->body), ex->body.length, 0, &json, &err);
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

bool exchange_fields(struct exchange *ex, const struct field *fields, void *target)
{
    struct stint_error err = { 0 };
    struct reader reader = { target, "", &err };
    if (ex->body.length == 0)
        return true;
    json_t *json = exchange_json(ex);
    if (!json)
        return false;
    err.code = fields_read(&reader, fields, json);
    json_decref(json);
    if (err.code != 0)
        exchange_fail(ex, &err);
    return err.code == 0;
}
