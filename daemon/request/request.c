/* Owns: a job request from its JSON (INTERFACE §5). Text from outside ends here: every field is
 * inside its bounds or the request is refused with the field's name. Pure: no clock, no file. */
#include "stint/request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "stint/digest.h"
#include "stint/measure.h"
#include "words.h"

const char *const locality_words[] = { "prefer", "strict", "any", NULL };
const char *const preemptible_words[] = { "no", "requeue", "checkpoint", NULL };
const char *const after_words[] = { "ok", "any", "fail", NULL };
const char *const use_words[] = { "models", "datasets", "code", NULL };

/* What parsing needs beside the request itself: the members that only matter together. */
struct parse {
    struct stint_request request;
    bool has_command;
    bool has_script;
    bool has_text;
    bool has_gpus;
    char *script_sha256;
};

static void words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

void stint_request_deinit(struct stint_request *request)
{
    if (!request)
        return;
    free(request->name);
    free(request->project);
    free(request->award);
    free(request->resource);
    free(request->script);
    free(request->workdir);
    free(request->gpu_type);
    free(request->array);
    free(request->output);
    free(request->error);
    free(request->purpose);
    words_free(request->words);
    words_free(request->env);
    for (size_t i = 0; i < request->use_count; i++)
        free(request->uses[i].reference);
    free(request->uses);
    free(request->after);
    memset(request, 0, sizeof(*request));
}

static void parse_deinit_auto(struct parse *parse)
{
    stint_request_deinit(&parse->request);
    free(parse->script_sha256);
}

/* ---- command, script, environment ---- */

static int read_words(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct parse *parse = reader->target;
    size_t count = json_array_size(value);
    size_t bytes = 0;
    if (!json_is_array(value))
        return field_fail(reader, field, "a list of texts");
    if (count > STINT_REQUEST_WORDS_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "'%s%s' has %zu words, at most %d",
                          reader->path, field->name, count, STINT_REQUEST_WORDS_MAX);
    words_free(parse->request.words);
    if (!(parse->request.words = calloc(count + 1, sizeof(char *))))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_array_get(value, i);
        size_t length = json_string_length(word);
        if (!json_is_string(word) || strlen(json_string_value(word)) != length)
            return field_fail(reader, field, "a list of texts without NUL");
        bytes += length + 1;
        if (bytes > STINT_REQUEST_WORDS_BYTES)
            return stint_fail(reader->err, STINT_TOO_LARGE, "'%s%s' has more than %zu bytes",
                              reader->path, field->name, STINT_REQUEST_WORDS_BYTES);
        if (!(parse->request.words[i] = strdup(json_string_value(word))))
            return -ENOMEM;
    }
    return 0;
}

static int read_command(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct parse *parse = reader->target;
    parse->has_command = true;
    int r = read_words(reader, field, value);
    if (r == 0 && (!parse->request.words[0] || !parse->request.words[0][0]))
        return field_fail(reader, field, "at least the program's name");
    return r;
}

static int read_script_text(const struct reader *reader, const struct field *field,
                            const json_t *value)
{
    struct parse *parse = reader->target;
    size_t length = json_string_length(value);
    if (!json_is_string(value) || strlen(json_string_value(value)) != length)
        return field_fail(reader, field, "a text without NUL");
    if (length > STINT_REQUEST_SCRIPT_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "the script has %zu bytes, at most %zu",
                          length, STINT_REQUEST_SCRIPT_MAX);
    if (!(parse->request.script = strdup(json_string_value(value))))
        return -ENOMEM;
    parse->request.script_bytes = length;
    parse->has_text = true;
    return 0;
}

static int read_script(const struct reader *reader, const struct field *field, const json_t *value)
{
    static const struct field fields[] = {
        { .name = "text", .kind = FIELD_OWN, .read = read_script_text },
        { .name = "args", .kind = FIELD_OWN, .read = read_words },
        { .name = "sha256",
          .kind = FIELD_TEXT,
          .offset = offsetof(struct parse, script_sha256),
          .max = 80 },
        { .name = NULL },
    };
    struct parse *parse = reader->target;
    struct reader inner = { reader->target, "script.", reader->err };
    if (parse->has_command)
        words_free(stint_take(parse->request.words)); /* both given: refused at the end */
    if (!json_is_object(value))
        return field_fail(reader, field, "an object with text and args");
    parse->has_script = true;
    int r = fields_read(&inner, fields, value);
    if (r == 0 && !parse->request.words && !(parse->request.words = calloc(1, sizeof(char *))))
        return -ENOMEM;
    return r;
}

static bool env_key_is_valid(const char *key)
{
    if (strlen(key) > STINT_REQUEST_ENV_KEY_MAX)
        return false;
    if (!isalpha((unsigned char)*key) && *key != '_')
        return false;
    while (isalnum((unsigned char)*key) || *key == '_')
        key++;
    return *key == '\0';
}

static int read_env(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct parse *parse = reader->target;
    const char *key;
    json_t *member;
    json_t *object = (json_t *)(uintptr_t)value;
    size_t count = 0;
    size_t bytes = 0;
    if (!json_is_object(value))
        return field_fail(reader, field, "an object of texts");
    if (json_object_size(value) > STINT_REQUEST_ENV_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "'env' has more than %d variables",
                          STINT_REQUEST_ENV_MAX);
    if (!(parse->request.env = calloc(json_object_size(value) + 1, sizeof(char *))))
        return -ENOMEM;
    json_object_foreach(object, key, member)
    {
        if (!env_key_is_valid(key))
            return stint_fail(reader->err, STINT_INVALID,
                              "'env' has the name '%.60s'; a name is letters, digits and _", key);
        if (!json_is_string(member) ||
            strlen(json_string_value(member)) != json_string_length(member))
            return stint_fail(reader->err, STINT_INVALID, "'env.%.60s' must be a text without NUL",
                              key);
        bytes += strlen(key) + json_string_length(member) + 2;
        if (bytes > STINT_REQUEST_ENV_BYTES)
            return stint_fail(reader->err, STINT_TOO_LARGE, "'env' has more than %zu bytes",
                              STINT_REQUEST_ENV_BYTES);
        if (asprintf(&parse->request.env[count], "%s=%s", key, json_string_value(member)) < 0) {
            parse->request.env[count] = NULL;
            return -ENOMEM;
        }
        count++;
    }
    return 0;
}

/* ---- resources ---- */

#define AT(member) offsetof(struct parse, request.member)

static int read_gpus(const struct reader *reader, const struct field *field, const json_t *value)
{
    static const struct field fields[] = {
        { "count", FIELD_INT, AT(gpu_count), 0, STINT_REQUEST_GPUS_MAX, NULL, NULL },
        { "type", FIELD_TEXT, AT(gpu_type), 0, 63, NULL, NULL },
        { "milli", FIELD_INT, AT(gpu_milli), 1, 1000, NULL, NULL },
        { "memory_bytes", FIELD_INT, AT(gpu_memory_bytes), 1, STINT_REQUEST_MEMORY_MAX, NULL,
          NULL },
        { .name = NULL },
    };
    struct parse *parse = reader->target;
    struct reader inner = { reader->target, "resources.gpus.", reader->err };
    if (!json_is_object(value))
        return field_fail(reader, field, "an object with count, type, milli, memory_bytes");
    parse->request.gpu_count = 1;
    int r = fields_read(&inner, fields, value);
    if (r != 0)
        return r;
    if (parse->request.gpu_milli < 1000 && parse->request.gpu_count != 1)
        return stint_fail(reader->err, STINT_INVALID,
                          "'resources.gpus.milli' below 1000 is a share of one GPU: count must be "
                          "1, not %" PRId64,
                          parse->request.gpu_count);
    return 0;
}

static int read_resources(const struct reader *reader, const struct field *field,
                          const json_t *value)
{
    static const struct field fields[] = {
        { "cpus", FIELD_INT, AT(cpus), 1, STINT_REQUEST_CPUS_MAX, NULL, NULL },
        { "memory_bytes", FIELD_INT, AT(memory_bytes), 1, STINT_REQUEST_MEMORY_MAX, NULL, NULL },
        { .name = "gpus", .kind = FIELD_OWN, .read = read_gpus },
        { "nodes", FIELD_INT, AT(nodes), 1, STINT_REQUEST_NODES_MAX, NULL, NULL },
        { "walltime_s", FIELD_INT, AT(walltime_s), 1, STINT_DURATION_S_MAX, NULL, NULL },
        { "locality", FIELD_WORD, AT(locality), 0, 0, locality_words, NULL },
        { .name = NULL },
    };
    struct reader inner = { reader->target, "resources.", reader->err };
    if (!json_is_object(value))
        return field_fail(reader, field, "an object");
    return fields_read(&inner, fields, value);
}

/* ---- uses, dependencies ---- */

static int read_use_list(const struct reader *reader, const struct field *field,
                         const json_t *value)
{
    struct parse *parse = reader->target;
    struct stint_request *request = &parse->request;
    size_t count = json_array_size(value);
    if (!json_is_array(value))
        return field_fail(reader, field, "a list of references");
    if (count > STINT_REQUEST_USES_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "'%s%s' has %zu references, at most %d",
                          reader->path, field->name, count, STINT_REQUEST_USES_MAX);
    if (count == 0)
        return 0;
    struct stint_use *uses =
        reallocarray(request->uses, request->use_count + count, sizeof(*request->uses));
    if (!uses)
        return -ENOMEM;
    request->uses = uses;
    for (size_t i = 0; i < count; i++) {
        struct stint_use *use = &uses[request->use_count];
        use->kind = (enum stint_use_kind)field->min;
        use->reference = NULL;
        int r = field_text(reader, field, json_array_get(value, i), false, &use->reference);
        if (r != 0)
            return r;
        request->use_count++;
    }
    return 0;
}

static int read_uses(const struct reader *reader, const struct field *field, const json_t *value)
{
    static const struct field fields[] = {
        { "models", FIELD_OWN, 0, STINT_USE_MODEL, STINT_REQUEST_TEXT_MAX - 1, NULL,
          read_use_list },
        { "datasets", FIELD_OWN, 0, STINT_USE_DATASET, STINT_REQUEST_TEXT_MAX - 1, NULL,
          read_use_list },
        { "code", FIELD_OWN, 0, STINT_USE_CODE, STINT_REQUEST_TEXT_MAX - 1, NULL, read_use_list },
        { .name = NULL },
    };
    struct reader inner = { reader->target, "uses.", reader->err };
    if (!json_is_object(value))
        return field_fail(reader, field, "an object with models, datasets, code");
    return fields_read(&inner, fields, value);
}

struct after_row {
    int64_t job;
    int64_t task;
    enum stint_after_when when;
};

static int read_after(const struct reader *reader, const struct field *field, const json_t *value)
{
    static const struct field fields[] = {
        { "job_id", FIELD_INT, offsetof(struct after_row, job), 1, INT64_MAX, NULL, NULL },
        { "task", FIELD_INT, offsetof(struct after_row, task), 0, STINT_ARRAY_INDEX_MAX, NULL,
          NULL },
        { "when", FIELD_WORD, offsetof(struct after_row, when), 0, 0, after_words, NULL },
        { .name = NULL },
    };
    struct stint_request *request = &((struct parse *)reader->target)->request;
    size_t count = json_array_size(value);
    if (!json_is_array(value))
        return field_fail(reader, field, "a list of {job_id, task, when}");
    if (count > STINT_REQUEST_AFTER_MAX)
        return stint_fail(reader->err, STINT_TOO_LARGE, "'after' names %zu jobs, at most %d", count,
                          STINT_REQUEST_AFTER_MAX);
    if (count > 0 && !(request->after = calloc(count, sizeof(*request->after))))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct after_row row = { 0, STINT_TASK_WHOLE, STINT_AFTER_OK };
        struct reader inner = { &row, "after[].", reader->err };
        const json_t *item = json_array_get(value, i);
        if (!json_is_object(item))
            return field_fail(reader, field, "a list of {job_id, task, when}");
        int r = fields_read(&inner, fields, item);
        if (r != 0)
            return r;
        if (row.job == 0)
            return stint_fail(reader->err, STINT_INVALID, "'after[].job_id' is missing");
        request->after[request->after_count++] =
            (struct stint_after){ (uint64_t)row.job, (uint32_t)row.task, row.when };
    }
    return 0;
}

/* ---- small words ---- */

static int read_array(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct parse *parse = reader->target;
    stint_auto(stint_array_free) struct stint_array *array = NULL;
    struct stint_error inner = { 0 };
    int r = field_text(reader, field, value, false, &parse->request.array);
    if (r != 0 || !parse->request.array)
        return r;
    r = stint_array_parse(parse->request.array, &array, &inner);
    if (r == STINT_INVALID && inner.fix[0])
        return field_fail(reader, field, "like 1-10, 0,4,7 or 1-100:2%8, indexes up to 1000000");
    if (r > 0)
        return stint_fail(reader->err, r, "'array': %.200s", inner.text);
    if (r == 0 && array->run_count > STINT_REQUEST_RUNS_MAX)
        return stint_fail(reader->err, STINT_INVALID, "'array': numbers in more than %d runs",
                          STINT_REQUEST_RUNS_MAX);
    if (r == 0)
        parse->request.task_count = array->task_count;
    return r;
}

static int read_begin(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct parse *parse = reader->target;
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    /* Only whole instants: what depends on a clock or a zone is the client's to resolve. */
    bool has_zone = length >= 20 &&
                    (text[length - 1] == 'Z' || text[length - 6] == '+' || text[length - 6] == '-');
    if (!has_zone || length > 40 || text[10] != 'T' ||
        stint_instant_parse(text, 0, &parse->request.begin_ms, NULL) != 0)
        return field_fail(reader, field, "an instant like 2026-11-25T18:00:00Z");
    return 0;
}

/* "USR1@60", "SIGUSR1@60", "10@60": sent that many seconds before the walltime ends. */
static int read_signal(const struct reader *reader, const struct field *field, const json_t *value)
{
    struct stint_request *request = &((struct parse *)reader->target)->request;
    char name[32];
    int number = 0;
    long long before;
    const char *text = json_string_value(value);
    const char *at = text ? strchr(text, '@') : NULL;
    char *end = NULL;
    if (!at || at - text >= (ptrdiff_t)sizeof(name) || !isdigit((unsigned char)at[1]) ||
        json_string_length(value) > 60)
        return field_fail(reader, field, "like USR1@60: a signal and seconds before the end");
    (void)snprintf(name, sizeof(name), "%.*s", (int)(at - text), text);
    const char *bare = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
    for (int i = 1; i < 65 && number == 0; i++) {
        char decimal[8];
        const char *known = sigabbrev_np(i);
        (void)snprintf(decimal, sizeof(decimal), "%d", i);
        if (strcmp(decimal, name) == 0 || (known && strcmp(known, bare) == 0))
            number = i;
    }
    errno = 0;
    before = strtoll(at + 1, &end, 10);
    if (number == 0 || errno != 0 || *end || before < 1 || before > STINT_DURATION_S_MAX)
        return field_fail(reader, field, "like USR1@60: a signal and seconds before the end");
    request->signal_number = number;
    request->signal_before_s = before;
    return 0;
}

/* ---- the whole ---- */

#define NAME_FIELD(member)                                                                         \
    {                                                                                              \
#member, FIELD_TEXT, AT(member), 0, STINT_REQUEST_NAME_MAX - 1, NULL, NULL                 \
    }
#define PATH_FIELD(member)                                                                         \
    {                                                                                              \
#member, FIELD_TEXT, AT(member), 0, STINT_REQUEST_TEXT_MAX - 1, NULL, NULL                 \
    }
#define OWN_FIELD(name_, read_)                                                                    \
    {                                                                                              \
        .name = (name_), .kind = FIELD_OWN, .max = STINT_REQUEST_TEXT_MAX - 1, .read = (read_)     \
    }

static const struct field request_fields[] = {
    NAME_FIELD(name),
    NAME_FIELD(project),
    NAME_FIELD(award),
    NAME_FIELD(resource),
    OWN_FIELD("command", read_command),
    OWN_FIELD("script", read_script),
    PATH_FIELD(workdir),
    OWN_FIELD("resources", read_resources),
    OWN_FIELD("uses", read_uses),
    OWN_FIELD("array", read_array),
    OWN_FIELD("after", read_after),
    OWN_FIELD("begin", read_begin),
    { "hold", FIELD_BOOL, AT(is_held), 0, 0, NULL, NULL },
    { "requeue", FIELD_BOOL, AT(may_requeue), 0, 0, NULL, NULL },
    { "preemptible", FIELD_WORD, AT(preemptible), 0, 0, preemptible_words, NULL },
    { "priority", FIELD_INT, AT(priority), -STINT_REQUEST_PRIORITY_MAX, STINT_REQUEST_PRIORITY_MAX,
      NULL, NULL },
    PATH_FIELD(output),
    PATH_FIELD(error),
    OWN_FIELD("env", read_env),
    OWN_FIELD("signal", read_signal),
    { "network", FIELD_BOOL, AT(wants_network), 0, 0, NULL, NULL },
    { "purpose", FIELD_PROSE, AT(purpose), 0, STINT_REQUEST_TEXT_MAX - 1, NULL, NULL },
    { .name = NULL },
};

/* Makes *path absolute below the request's workdir; @name for the message. */
static int path_resolve(const struct stint_request *request, const char *name, char **path,
                        struct stint_error *err)
{
    char *whole = NULL;
    if (!*path || **path == '/')
        return 0;
    if (!request->workdir) {
        (void)stint_fail(err, STINT_INVALID, "'%s' is the relative path '%.100s'", name, *path);
        return stint_fix(err, STINT_INVALID, "give an absolute path, or a workdir beside it");
    }
    if (strlen(request->workdir) + strlen(*path) + 2 > STINT_REQUEST_TEXT_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "'%s' below the workdir is longer than %d bytes",
                          name, STINT_REQUEST_TEXT_MAX - 1);
    if (asprintf(&whole, "%s/%s", request->workdir, *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = whole;
    return 0;
}

/* A reference that begins with a dot is a path; `org/name` is a registered name. */
static int paths_resolve(struct stint_request *request, struct stint_error *err)
{
    if (request->workdir && request->workdir[0] != '/')
        return stint_fail(err, STINT_INVALID, "'workdir' must be an absolute path");
    int r = path_resolve(request, "output", &request->output, err);
    if (r == 0)
        r = path_resolve(request, "error", &request->error, err);
    for (size_t i = 0; r == 0 && i < request->use_count; i++)
        if (request->uses[i].reference[0] == '.')
            r = path_resolve(request, "uses", &request->uses[i].reference, err);
    return r;
}

static int script_check(struct parse *parse, bool is_stored, struct stint_error *err)
{
    struct stint_sha256 given;
    struct stint_sha256 found;
    if (!parse->has_text && !(is_stored && parse->script_sha256)) {
        (void)stint_fail(err, STINT_INVALID, "'script.text' is missing");
        return stint_fix(err, STINT_INVALID, "send the script's content, not its name");
    }
    if (!parse->script_sha256)
        return 0;
    if (stint_sha256_parse(parse->script_sha256, &given, err) != 0)
        return stint_fail(err, STINT_INVALID, "'script.sha256' must be 64 hex digits");
    if (!parse->has_text)
        return 0;
    stint_sha256(parse->request.script, parse->request.script_bytes, &found);
    if (memcmp(&given, &found, sizeof(given)) != 0)
        return stint_fail(err, STINT_INVALID, "'script.sha256' is not the digest of 'script.text'");
    return 0;
}

static int parse_request(const json_t *json, bool is_stored, struct stint_request *ret_request,
                         struct stint_error *err)
{
    __attribute__((cleanup(parse_deinit_auto))) struct parse parse = {
        .request = { .cpus = 1, .nodes = 1, .gpu_milli = 1000, .task_count = 1 }
    };
    struct reader reader = { &parse, "", err };
    if (!json_is_object(json))
        return stint_fail(err, STINT_INVALID, "a job request is a JSON object");
    int r = fields_read(&reader, request_fields, json);
    if (r != 0)
        return r;
    if (parse.has_command == parse.has_script) {
        (void)stint_fail(err, STINT_INVALID, "%s given",
                         parse.has_command ? "both 'command' and 'script'"
                                           : "neither 'command' nor 'script'");
        return stint_fix(err, STINT_INVALID, "give exactly one of them");
    }
    if (parse.has_script && (r = script_check(&parse, is_stored, err)) != 0)
        return r;
    r = paths_resolve(&parse.request, err);
    if (r != 0)
        return r;
    *ret_request = parse.request;
    memset(&parse.request, 0, sizeof(parse.request));
    return 0;
}

int stint_request_parse(const json_t *json, struct stint_request *ret_request,
                        struct stint_error *err)
{
    return parse_request(json, false, ret_request, err);
}

int stint_request_parse_stored(const json_t *json, struct stint_request *ret_request,
                               struct stint_error *err)
{
    return parse_request(json, true, ret_request, err);
}
