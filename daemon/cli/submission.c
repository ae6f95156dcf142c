/* Owns: settings to a job request. Every value is read once, here, with its place for the message;
 * the daemon checks again and has the last word. */
#include "submission.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "stint/auto.h"
#include "stint/measure.h"
#include "stint/request.h"

struct build {
    const struct submission *submission;
    const struct settings *settings;
    const struct notes *notes;
    char *workdir;
    json_t *request;
    json_t *resources;
    struct stint_error *err;
};

static void json_auto(json_t **json)
{
    json_decref(*json);
}

static void build_deinit_auto(struct build *build)
{
    free(build->workdir);
    json_decref(build->request);
}

/* Puts the place of @id in front of what is in build->err. */
static int value_fail(struct build *build, enum setting id, const char *why, const char *fix)
{
    const struct setting_value *value = &build->settings->values[id];
    (void)stint_fail(build->err, STINT_INVALID, "%s%s%.80s: %s", value->where,
                     strchr(value->where, '=') ? "" : " ", value->text, why);
    return stint_fix(build->err, STINT_INVALID, "%s", fix);
}

static int inner_fail(struct build *build, enum setting id, const struct stint_error *inner)
{
    if (inner->code < 0)
        return inner->code;
    return value_fail(build, id, inner->text, inner->fix);
}

/* ---- single values ---- */

static int put(struct build *build, json_t *object, const char *key, json_t *value)
{
    (void)build;
    return json_object_set_new(object, key, value) == 0 ? 0 : -ENOMEM;
}

static int put_text(struct build *build, enum setting id, const char *key)
{
    const char *text = setting_text(build->settings, id);
    if (!text)
        return 0;
    json_t *value = json_string(text);
    if (!value)
        return value_fail(build, id, "not UTF-8", "write it in UTF-8");
    return put(build, build->request, key, value);
}

static int put_int(struct build *build, enum setting id, json_t *object, const char *key,
                   int64_t low, int64_t high)
{
    const char *text = setting_text(build->settings, id);
    char *end;
    char fix[80];
    if (!text)
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == 0 && *text && !*end && value >= low && value <= high)
        return put(build, object, key, json_integer(value));
    (void)snprintf(fix, sizeof(fix), "a whole number, %" PRId64 " to %" PRId64, low, high);
    return value_fail(build, id, "not a number in range", fix);
}

static int put_size(struct build *build, enum setting id, json_t *object, const char *key)
{
    const char *text = setting_text(build->settings, id);
    struct stint_error inner = { 0 };
    int64_t bytes;
    if (!text)
        return 0;
    if (stint_size_parse(text, &bytes, &inner) != 0)
        return inner_fail(build, id, &inner);
    if (bytes < 1)
        return value_fail(build, id, "nothing", "leave it out, or write 16G");
    if (bytes < (1 << 20))
        note_send(build->notes, NOTE_READING, "--%s %s understood as %" PRId64 " bytes",
                  id == SET_MEMORY ? "memory" : "gpu-memory", text, bytes);
    return put(build, object, key, json_integer(bytes));
}

static int put_time(struct build *build)
{
    const char *text = setting_text(build->settings, SET_TIME);
    struct stint_error inner = { 0 };
    int64_t seconds;
    if (!text)
        return 0;
    if (stint_duration_parse(text, &seconds, &inner) != 0)
        return inner_fail(build, SET_TIME, &inner);
    if (seconds < 1)
        return value_fail(build, SET_TIME, "no time at all", "write 30 for 30 minutes");
    bool is_bare = text[strspn(text, "0123456789")] == '\0';
    if (is_bare && build->settings->values[SET_TIME].source != SOURCE_SLURM)
        note_send(build->notes, NOTE_READING, "--time=%s understood as %s minutes", text, text);
    return put(build, build->resources, "walltime_s", json_integer(seconds));
}

static int put_begin(struct build *build)
{
    const char *text = setting_text(build->settings, SET_BEGIN);
    struct stint_error inner = { 0 };
    char instant[40];
    int64_t at_ms;
    if (!text)
        return 0;
    if (stint_instant_parse(text, build->submission->now_ms, &at_ms, &inner) != 0)
        return inner_fail(build, SET_BEGIN, &inner);
    stint_instant_format(at_ms, instant, sizeof(instant));
    return put(build, build->request, "begin", json_string(instant));
}

/* A switch that is not named is left out: the daemon's default holds. */
static int put_switch(struct build *build, enum setting id, const char *key)
{
    if (!setting_text(build->settings, id))
        return 0;
    return put(build, build->request, key, json_boolean(setting_is_on(build->settings, id)));
}

static int put_word(struct build *build, enum setting id, json_t *object, const char *key,
                    const char *const words[3])
{
    const char *text = setting_text(build->settings, id);
    char fix[100];
    if (!text)
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (strcasecmp(words[i], text) == 0)
            return put(build, object, key, json_string(words[i]));
    (void)snprintf(fix, sizeof(fix), "%s, %s or %s", words[0], words[1], words[2]);
    return value_fail(build, id, "not one of its words", fix);
}

int gpus_parse(const char *text, char type[64], int64_t *ret_count, int64_t *ret_milli,
               struct stint_error *err)
{
    const char *colon = strrchr(text, ':');
    const char *number = colon ? colon + 1 : text;
    int64_t micro;
    bool is_named = !colon || (colon > text && colon - text < 64);
    if (!is_named || stint_micro_parse(number, &micro, NULL) != 0 || micro % 1000 != 0 ||
        micro > INT64_C(1000000) * STINT_REQUEST_GPUS_MAX) {
        (void)stint_fail(err, STINT_INVALID, "not [TYPE:]COUNT");
        return stint_fix(err, STINT_INVALID, "write 2, h200:2, or a share of one: 0.25");
    }
    if (micro > 1000000 && micro % 1000000 != 0) {
        (void)stint_fail(err, STINT_INVALID, "more than one GPU comes whole");
        return stint_fix(err, STINT_INVALID, "write %" PRId64, micro / 1000000 + 1);
    }
    (void)snprintf(type, 64, "%.*s", colon ? (int)(colon - text) : 0, text);
    *ret_count = micro == 0 ? 0 : micro < 1000000 ? 1 : micro / 1000000;
    *ret_milli = micro == 0 || micro >= 1000000 ? 1000 : micro / 1000;
    return 0;
}

static int put_gpus(struct build *build)
{
    const char *text = setting_text(build->settings, SET_GPUS);
    struct stint_error inner = { 0 };
    char type[64];
    int64_t count = 0;
    int64_t milli = 1000;
    if (!text && setting_text(build->settings, SET_GPU_MEMORY))
        return value_fail(build, SET_GPU_MEMORY, "no GPU asked for", "add --gpus 1");
    if (!text)
        return 0;
    if (gpus_parse(text, type, &count, &milli, &inner) != 0)
        return inner_fail(build, SET_GPUS, &inner);
    if (count == 0)
        return 0;
    json_t *gpus = json_pack("{s:I,s:I}", "count", (json_int_t)count, "milli", (json_int_t)milli);
    int r = gpus ? 0 : -ENOMEM;
    if (r == 0 && *type)
        r = put(build, gpus, "type", json_string(type));
    if (r == 0)
        r = put_size(build, SET_GPU_MEMORY, gpus, "memory_bytes");
    if (r != 0) {
        json_decref(gpus);
        return r;
    }
    return put(build, build->resources, "gpus", gpus);
}

/* `[any:|ok:|fail:]ID[_TASK][,…]`; a word holds for the ids after it. */
static int put_after(struct build *build)
{
    const char *text = setting_text(build->settings, SET_AFTER);
    const char *when = "ok";
    __attribute__((cleanup(json_auto))) json_t *after = json_array();
    if (!text)
        return 0;
    while (after && *text) {
        static const char *const words[] = { "ok", "any", "fail" };
        char *end;
        for (size_t i = 0; i < 3; i++) {
            size_t length = strlen(words[i]);
            if (strncmp(text, words[i], length) == 0 && text[length] == ':') {
                when = words[i];
                text += length + 1;
                break;
            }
        }
        errno = 0;
        long long id = strtoll(text, &end, 10);
        bool is_job = end > text && errno == 0 && id >= 1;
        bool has_task = is_job && *end == '_';
        const char *number = end + 1;
        long long task = has_task ? strtoll(number, &end, 10) : 0;
        is_job = is_job && (!has_task || (end > number && *number >= '0' && *number <= '9' &&
                                          task <= STINT_ARRAY_INDEX_MAX));
        if (!is_job || (*end && *end != ','))
            return value_fail(build, SET_AFTER, "not a list of jobs",
                              "write 41, any:41,fail:42, or 41_7 for one task");
        text = *end ? end + 1 : end;
        json_t *one = json_pack("{s:I,s:s}", "job_id", (json_int_t)id, "when", when);
        if ((has_task && json_object_set_new(one, "task", json_integer(task)) != 0) ||
            json_array_append_new(after, one) != 0)
            return -ENOMEM;
    }
    return after ? put(build, build->request, "after", json_incref(after)) : -ENOMEM;
}

/* ---- paths ---- */

/* @text below @base, absolute; `~/` below @home. */
static char *path_absolute(const char *text, const char *base, const char *home)
{
    char *path = NULL;
    int r;
    while (text[0] == '.' && text[1] == '/') {
        text += 2;
        text += strspn(text, "/");
    }
    if (*text == '/')
        return strdup(text);
    if (home && *home && text[0] == '~' && text[1] == '/')
        r = asprintf(&path, "%s/%s", home, text + 2);
    else if (!*text || strcmp(text, ".") == 0)
        r = asprintf(&path, "%s", base);
    else
        r = asprintf(&path, "%s%s%s", base, strcmp(base, "/") == 0 ? "" : "/", text);
    return r < 0 ? NULL : path;
}

static int put_path(struct build *build, enum setting id, const char *key)
{
    const char *text = setting_text(build->settings, id);
    if (!text)
        return 0;
    if (!*text)
        return value_fail(build, id, "an empty path", "name a file");
    char *path = path_absolute(text, build->workdir, build->submission->home);
    int r = path ? put(build, build->request, key, json_string(path)) : -ENOMEM;
    free(path);
    return r;
}

int reference_resolve(const char *word, const char *cwd, const char *home,
                      const struct notes *notes, const char *where, char **ret_reference,
                      struct stint_error *err)
{
    bool is_path = *word == '.' || *word == '/' || (word[0] == '~' && word[1] == '/');
    if (!*word) {
        (void)stint_fail(err, STINT_INVALID, "%s: an empty reference", where);
        return stint_fix(err, STINT_INVALID, "name ORG/NAME, ORG/NAME@sha256:… or a path");
    }
    char *path = path_absolute(word, cwd, home);
    if (!path)
        return -ENOMEM;
    if (!is_path && !strchr(word, '@') && access(path, F_OK) == 0) {
        note_send(notes, NOTE_READING, "%s %s understood as the path %s", where, word, path);
        is_path = true;
    }
    /* The shortest form of an existing one, so that the daemon sees no `..`. */
    char *real = is_path ? realpath(path, NULL) : NULL;
    *ret_reference = real ? real : strdup(is_path ? path : word);
    free(path);
    return *ret_reference ? 0 : -ENOMEM;
}

static int put_use(struct build *build, const struct setting_item *item, json_t *list)
{
    char *reference = NULL;
    int r = reference_resolve(item->value.text, build->submission->cwd, build->submission->home,
                              build->notes, item->value.where, &reference, build->err);
    if (r == 0 && json_array_append_new(list, json_string(reference)) != 0)
        r = -ENOMEM;
    free(reference);
    return r;
}

static int put_uses(struct build *build)
{
    static const struct {
        enum setting id;
        const char *key;
    } kinds[] = { { SET_MODEL, "models" }, { SET_DATA, "datasets" }, { SET_CODE, "code" } };
    json_t *uses = json_object();
    if (!uses || put(build, build->request, "uses", uses) != 0)
        return -ENOMEM;
    for (size_t k = 0; k < STINT_ARRAY_SIZE(kinds); k++) {
        json_t *list = json_array();
        if (!list || put(build, uses, kinds[k].key, list) != 0)
            return -ENOMEM;
        for (size_t i = 0; i < build->settings->item_count; i++) {
            const struct setting_item *item = &build->settings->items[i];
            if (item->id != kinds[k].id)
                continue;
            int r = put_use(build, item, list);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

/* ---- what runs ---- */

static json_t *words_json(char **words)
{
    json_t *list = json_array();
    for (; list && words && *words; words++)
        if (json_array_append_new(list, json_string(*words)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static int put_program(struct build *build)
{
    const struct submission *submission = build->submission;
    json_t *words = words_json(submission->words);
    if (!words)
        return stint_fail(build->err, STINT_INVALID, "a word of the command is not UTF-8");
    if (!submission->script)
        return put(build, build->request, "command", words);
    json_t *text = json_stringn(submission->script, submission->script_length);
    json_t *script = text ? json_pack("{s:o,s:o}", "text", text, "args", words) : NULL;
    if (!script) {
        if (!text)
            json_decref(words);
        return stint_fail(build->err, STINT_INVALID, "%s: the script is not UTF-8 text",
                          submission->script_name);
    }
    return put(build, build->request, "script", script);
}

static int put_name(struct build *build)
{
    const char *path =
        build->submission->script ? build->submission->script_name : build->submission->words[0];
    const char *slash = path ? strrchr(path, '/') : NULL;
    char name[64];
    if (setting_text(build->settings, SET_NAME))
        return put_text(build, SET_NAME, "name");
    (void)snprintf(name, sizeof(name), "%.60s", slash ? slash + 1 : path ? path : "job");
    json_t *value = json_string(name);
    return value ? put(build, build->request, "name", value) : 0; /* cut inside a character */
}

static int put_env(struct build *build)
{
    json_t *env = NULL;
    int r = environment_capture(build->settings, build->submission->environ_, build->notes, &env,
                                build->err);
    return r == 0 ? put(build, build->request, "env", env) : r;
}

static int put_resources(struct build *build)
{
    static const char *const locality[] = { "prefer", "strict", "any" };
    build->resources = json_object();
    if (!build->resources || put(build, build->request, "resources", build->resources) != 0)
        return -ENOMEM;
    int r = put_int(build, SET_CPUS, build->resources, "cpus", 1, STINT_REQUEST_CPUS_MAX);
    if (r == 0)
        r = put_size(build, SET_MEMORY, build->resources, "memory_bytes");
    if (r == 0)
        r = put_gpus(build);
    if (r == 0)
        r = put_int(build, SET_NODES, build->resources, "nodes", 1, STINT_REQUEST_NODES_MAX);
    if (r == 0)
        r = put_time(build);
    return r == 0 ? put_word(build, SET_LOCALITY, build->resources, "locality", locality) : r;
}

static int put_texts(struct build *build)
{
    static const struct {
        enum setting id;
        const char *key;
    } texts[] = {
        { SET_PROJECT, "project" }, { SET_AWARD, "award" },     { SET_RESOURCE, "resource" },
        { SET_ARRAY, "array" },     { SET_PURPOSE, "purpose" }, { SET_SIGNAL, "signal" },
    };
    int r = put_name(build);
    for (size_t i = 0; r == 0 && i < STINT_ARRAY_SIZE(texts); i++)
        r = put_text(build, texts[i].id, texts[i].key);
    return r;
}

static int put_life(struct build *build)
{
    static const char *const preemptible[] = { "no", "requeue", "checkpoint" };
    int r = put_after(build);
    if (r == 0)
        r = put_begin(build);
    if (r == 0)
        r = put_switch(build, SET_HOLD, "hold");
    if (r == 0)
        r = put_switch(build, SET_REQUEUE, "requeue");
    if (r == 0)
        r = put_switch(build, SET_NETWORK, "network");
    if (r == 0)
        r = put_word(build, SET_PREEMPTIBLE, build->request, "preemptible", preemptible);
    if (r == 0)
        r = put_int(build, SET_PRIORITY, build->request, "priority", -STINT_REQUEST_PRIORITY_MAX,
                    STINT_REQUEST_PRIORITY_MAX);
    return r;
}

static int put_paths(struct build *build)
{
    const char *chdir_ = setting_text(build->settings, SET_CHDIR);
    build->workdir =
        path_absolute(chdir_ ? chdir_ : ".", build->submission->cwd, build->submission->home);
    if (!build->workdir)
        return -ENOMEM;
    int r = put(build, build->request, "workdir", json_string(build->workdir));
    if (r == 0)
        r = put_path(build, SET_OUTPUT, "output");
    return r == 0 ? put_path(build, SET_ERROR, "error") : r;
}

int submission_build(const struct submission *submission, const struct settings *settings,
                     const struct notes *notes, json_t **ret_request, struct stint_error *err)
{
    static int (*const steps[])(struct build *) = { put_program,   put_texts, put_paths,
                                                    put_resources, put_uses,  put_life,
                                                    put_env };
    __attribute__((cleanup(build_deinit_auto))) struct build build = {
        .submission = submission, .settings = settings, .notes = notes, .err = err
    };
    if (setting_text(settings, SET_PTY))
        return value_fail(&build, SET_PTY, "this version gives a job no terminal", "leave it out");
    if (setting_text(settings, SET_MAIL))
        return value_fail(&build, SET_MAIL, "this version sends no mail",
                          "leave it out, and see 'stint wait'");
    if (!(build.request = json_object()))
        return -ENOMEM;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(steps); i++) {
        int r = steps[i](&build);
        if (r != 0)
            return r;
    }
    *ret_request = stint_take(build.request);
    return 0;
}
