/* Owns: a request back as the JSON object that the parser reads the same; what the store keeps. */
#include "stint/request.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

static void write_given(struct stint_buffer *b, const char *key, const char *text)
{
    if (text)
        stint_json_kv_text(b, key, text);
}

static void write_words(struct stint_buffer *b, const char *key, char *const *words)
{
    stint_json_key(b, key);
    stint_json_array(b);
    for (size_t i = 0; words && words[i]; i++)
        stint_json_text(b, words[i]);
    stint_json_array_end(b);
}

static void write_program(const struct stint_request *request, const char *script_sha256,
                          struct stint_buffer *b)
{
    if (!request->script && !script_sha256) {
        write_words(b, "command", request->words);
        return;
    }
    stint_json_key(b, "script");
    stint_json_object(b);
    if (script_sha256)
        stint_json_kv_text(b, "sha256", script_sha256);
    else {
        stint_json_key(b, "text");
        stint_json_text_n(b, request->script, request->script_bytes);
    }
    write_words(b, "args", request->words);
    stint_json_object_end(b);
}

static void write_resources(const struct stint_request *request, struct stint_buffer *b)
{
    stint_json_key(b, "resources");
    stint_json_object(b);
    stint_json_kv_int(b, "cpus", request->cpus);
    if (request->memory_bytes)
        stint_json_kv_int(b, "memory_bytes", request->memory_bytes);
    if (request->gpu_count) {
        stint_json_key(b, "gpus");
        stint_json_object(b);
        stint_json_kv_int(b, "count", request->gpu_count);
        write_given(b, "type", request->gpu_type);
        stint_json_kv_int(b, "milli", request->gpu_milli);
        if (request->gpu_memory_bytes)
            stint_json_kv_int(b, "memory_bytes", request->gpu_memory_bytes);
        stint_json_object_end(b);
    }
    if (request->nodes != 1)
        stint_json_kv_int(b, "nodes", request->nodes);
    if (request->walltime_s)
        stint_json_kv_int(b, "walltime_s", request->walltime_s);
    if (request->locality != STINT_LOCALITY_PREFER)
        stint_json_kv_text(b, "locality", locality_words[request->locality]);
    stint_json_object_end(b);
}

static void write_uses(const struct stint_request *request, struct stint_buffer *b)
{
    if (request->use_count == 0)
        return;
    stint_json_key(b, "uses");
    stint_json_object(b);
    for (unsigned kind = 0; kind < STINT_USE_KIND_COUNT; kind++) {
        stint_json_key(b, use_words[kind]);
        stint_json_array(b);
        for (size_t i = 0; i < request->use_count; i++)
            if ((unsigned)request->uses[i].kind == kind)
                stint_json_text(b, request->uses[i].reference);
        stint_json_array_end(b);
    }
    stint_json_object_end(b);
}

static void write_after(const struct stint_request *request, struct stint_buffer *b)
{
    if (request->after_count == 0)
        return;
    stint_json_key(b, "after");
    stint_json_array(b);
    for (size_t i = 0; i < request->after_count; i++) {
        stint_json_object(b);
        stint_json_kv_int(b, "job_id", (int64_t)request->after[i].job);
        if (request->after[i].task != STINT_TASK_WHOLE)
            stint_json_kv_int(b, "task", request->after[i].task);
        stint_json_kv_text(b, "when", after_words[request->after[i].when]);
        stint_json_object_end(b);
    }
    stint_json_array_end(b);
}

static void write_env(const struct stint_request *request, struct stint_buffer *b)
{
    if (!request->env || !request->env[0])
        return;
    stint_json_key(b, "env");
    stint_json_object(b);
    for (size_t i = 0; request->env[i]; i++) {
        char key[STINT_REQUEST_ENV_KEY_MAX + 1];
        const char *equals = strchr(request->env[i], '=');
        size_t length = (size_t)(equals - request->env[i]);
        if (length < sizeof(key)) {
            (void)snprintf(key, sizeof(key), "%.*s", (int)length, request->env[i]);
            stint_json_kv_text(b, key, equals + 1);
        }
    }
    stint_json_object_end(b);
}

static void write_signal(const struct stint_request *request, struct stint_buffer *b)
{
    char text[64];
    if (!request->signal_number)
        return;
    const char *name = sigabbrev_np(request->signal_number);
    if (name)
        (void)snprintf(text, sizeof(text), "%s@%lld", name, (long long)request->signal_before_s);
    else
        (void)snprintf(text, sizeof(text), "%d@%lld", request->signal_number,
                       (long long)request->signal_before_s);
    stint_json_kv_text(b, "signal", text);
}

void stint_request_write(const struct stint_request *request, const char *script_sha256,
                         struct stint_buffer *buffer)
{
    stint_json_object(buffer);
    write_given(buffer, "name", request->name);
    write_given(buffer, "project", request->project);
    write_given(buffer, "award", request->award);
    write_given(buffer, "resource", request->resource);
    write_program(request, script_sha256, buffer);
    write_given(buffer, "workdir", request->workdir);
    write_resources(request, buffer);
    write_uses(request, buffer);
    write_given(buffer, "array", request->array);
    write_after(request, buffer);
    if (request->begin_ms)
        stint_json_kv_time(buffer, "begin", request->begin_ms);
    if (request->is_held)
        stint_json_kv_bool(buffer, "hold", true);
    if (request->may_requeue)
        stint_json_kv_bool(buffer, "requeue", true);
    if (request->preemptible != STINT_PREEMPTIBLE_NO)
        stint_json_kv_text(buffer, "preemptible", preemptible_words[request->preemptible]);
    if (request->priority)
        stint_json_kv_int(buffer, "priority", request->priority);
    write_given(buffer, "output", request->output);
    write_given(buffer, "error", request->error);
    write_env(request, buffer);
    write_signal(request, buffer);
    if (request->wants_network)
        stint_json_kv_bool(buffer, "network", true);
    write_given(buffer, "purpose", request->purpose);
    stint_json_object_end(buffer);
}
