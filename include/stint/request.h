/* A job request, validated (INTERFACE §5). Text from outside ends here: whoever holds a struct
 * stint_request holds something whose every field is inside its bounds. Also the way back, for the
 * stored request of a job. */
#ifndef STINT_REQUEST_H
#define STINT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "stint/auto.h"
#include "stint/buffer.h"
#include "stint/error.h"
#include "stint/tasks.h"

/* Bounds of one request. A body may be larger only by its script. */
#define STINT_REQUEST_NAME_MAX     128
#define STINT_REQUEST_TEXT_MAX     4096 /* one path, pattern or purpose */
#define STINT_REQUEST_WORDS_MAX    4096 /* command words, arguments */
#define STINT_REQUEST_WORDS_BYTES  ((size_t)256 << 10)
#define STINT_REQUEST_ENV_MAX      1024
#define STINT_REQUEST_ENV_KEY_MAX  255
#define STINT_REQUEST_ENV_BYTES    ((size_t)256 << 10)
#define STINT_REQUEST_SCRIPT_MAX   ((size_t)4 << 20)
#define STINT_REQUEST_USES_MAX     32 /* of each kind */
#define STINT_REQUEST_AFTER_MAX    64
#define STINT_REQUEST_RUNS_MAX     4096 /* of numbers in an array */
#define STINT_REQUEST_CPUS_MAX     100000
#define STINT_REQUEST_GPUS_MAX     10000
#define STINT_REQUEST_NODES_MAX    10000
#define STINT_REQUEST_MEMORY_MAX   (INT64_C(1) << 50)
#define STINT_REQUEST_PRIORITY_MAX 100

enum stint_locality { STINT_LOCALITY_PREFER = 0, STINT_LOCALITY_STRICT, STINT_LOCALITY_ANY };
enum stint_preemptible {
    STINT_PREEMPTIBLE_NO = 0,
    STINT_PREEMPTIBLE_REQUEUE,
    STINT_PREEMPTIBLE_CHECKPOINT
};
enum stint_after_when { STINT_AFTER_OK = 0, STINT_AFTER_ANY, STINT_AFTER_FAIL };
enum stint_use_kind {
    STINT_USE_MODEL = 0,
    STINT_USE_DATASET,
    STINT_USE_CODE,
    STINT_USE_KIND_COUNT
};

struct stint_use {
    enum stint_use_kind kind;
    char *reference; /* `org/name`, `name@sha256:…`, or an absolute path */
};

/* @task: of the array @job, STINT_TASK_WHOLE for all of it and for a plain job */
struct stint_after {
    uint64_t job;
    uint32_t task;
    enum stint_after_when when;
};

/**
 * struct stint_request - what a person asked for, inside its bounds, defaults filled in
 * Strings are owned and NULL where nothing was given. Exactly one of @command and @script is set.
 * @words: command words, or the script's arguments; NULL-terminated
 * @env: "KEY=VALUE" strings, NULL-terminated; keys match [A-Za-z_][A-Za-z0-9_]*
 * @walltime_s: 0 when not given (the site's default applies)
 * @memory_bytes: 0 when not given
 * @begin_ms: wall clock, 0 for at once
 * @signal_number, @signal_before_s: sent that long before the walltime ends; 0 for none
 */
struct stint_request {
    char *name;
    char *project;
    char *award;
    char *resource;
    char *script;
    size_t script_bytes;
    char **words;
    char *workdir;
    char **env;
    int64_t cpus;
    int64_t memory_bytes;
    int64_t gpu_count;
    int64_t gpu_milli; /* 1000 a whole GPU; less is a share of one */
    char *gpu_type;
    int64_t gpu_memory_bytes;
    int64_t nodes;
    int64_t walltime_s;
    enum stint_locality locality;
    enum stint_preemptible preemptible;
    struct stint_use *uses;
    size_t use_count;
    struct stint_after *after;
    size_t after_count;
    char *array;        /* "1-10%2" as given, NULL for a plain job */
    int64_t task_count; /* of the array; 1 for a plain job */
    int64_t begin_ms;
    bool is_held;
    bool may_requeue;
    bool wants_network;
    int64_t priority;
    char *output;
    char *error;
    int signal_number;
    int64_t signal_before_s;
    char *purpose;
};

/* Frees what @request owns and zeroes it; takes NULL and half-built requests. */
void stint_request_deinit(struct stint_request *request);
static inline __attribute__((unused)) void stint_request_deinit_auto(struct stint_request *request)
{
    stint_request_deinit(request);
}

/**
 * stint_request_parse() - a request from its JSON object
 * @json: borrowed
 * @ret_request: filled on success only; stint_request_deinit() it
 * Return: 0; STINT_UNKNOWN_FIELD naming the field; STINT_INVALID naming the field and the cure
 * (wrong type, out of range, relative path, both or neither of command and script, NUL inside a
 * text); STINT_TOO_LARGE; -ENOMEM. O(size).
 * Paths come out absolute: `output`, `error` and uses that begin with a dot are joined to
 * `workdir`.
 */
int stint_request_parse(const json_t *json, struct stint_request *ret_request,
                        struct stint_error *err);

/* The same for what the store gives back: a script may be only its `sha256`, then @script stays
 * NULL and @words holds its arguments. Never for bodies from outside: a digest is not a permission.
 */
int stint_request_parse_stored(const json_t *json, struct stint_request *ret_request,
                               struct stint_error *err);

/* The request as the JSON object that stint_request_parse() reads back the same, without the
 * script's text when
 * @script_sha256 (hex) is given: the text is stored once by its digest. */
void stint_request_write(const struct stint_request *request, const char *script_sha256,
                         struct stint_buffer *buffer);

#endif
