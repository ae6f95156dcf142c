/* What a name in a card stands for here, and so what a verdict depends on besides the bytes and the
 * rules. A name stands for the newest registered artefact that is called so, and passes on what its
 * own standing verdict says; one without a standing verdict passes on nothing, and whoever names it
 * is judged as if nobody knew it: unknown (invariant 6). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "state.h"

void registry_changed(struct stint_admission *admission)
{
    admission->registry_serial++;
}

#define REGISTRY_DEPTH_MAX 32 /* of names in what names stand for */

/* The verdict of @artifact that says what it passes on, if it stands. Finding that out asks the
 * same of the names in it; the answer is kept until something registered changes. */
static const struct verdict_head *heritage_of(struct stint_admission *admission,
                                              struct artifact *artifact)
{
    if (!artifact || artifact->is_looked_at || admission->registry_depth >= REGISTRY_DEPTH_MAX)
        return NULL;
    if (artifact->heritage_serial == admission->registry_serial)
        return artifact->heritage;
    artifact->is_looked_at = true;
    admission->registry_depth++;
    const struct verdict_head *head =
        verdict_find(admission, artifact->digest, rules_of_kind(admission, artifact->kind));
    admission->registry_depth--;
    artifact->is_looked_at = false;
    artifact->heritage = head && head->heritage ? head : NULL;
    artifact->heritage_serial = admission->registry_serial;
    return artifact->heritage;
}

/* ---- the context of a verdict */

static void add_text(struct stint_sha256_stream *stream, const char *text)
{
    stint_sha256_stream_add(stream, text, strlen(text) + 1);
}

/* @self: whose verdict it is: nobody is his own base. */
static void add_name(struct stint_admission *admission, struct stint_sha256_stream *stream,
                     const char *self, const char *name)
{
    struct artifact *artifact = artifact_by_any_case(admission, name);
    bool is_self = artifact && strcmp(artifact->digest, self) == 0;
    const struct verdict_head *head = is_self ? NULL : heritage_of(admission, artifact);
    add_text(stream, name);
    add_text(stream, head ? artifact->digest : "-");
    add_text(stream, head ? head->heritage : "-");
}

static void add_names(struct stint_admission *admission, struct stint_sha256_stream *stream,
                      const char *self, const char *names)
{
    json_t *list = json_loads(names, 0, NULL);
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *name = json_string_value(item);
        if (name)
            add_name(admission, stream, self, name);
    }
    json_decref(list);
}

void context_of(struct stint_admission *admission, const char *digest, const char *names,
                char context[DOCUMENT_DIGEST_SIZE])
{
    stint_auto(stint_buffer_deinit) struct stint_buffer statements = { 0 };
    struct stint_sha256_stream *stream;
    struct stint_sha256 sum;
    statements_json(admission, digest, &statements);
    (void)snprintf(context, DOCUMENT_DIGEST_SIZE, "%s", admission->rules_digest);
    if (statements.length == 0 && !names)
        return;
    if (statements.failed || (names && strcmp(names, "[\"*\"]") == 0) ||
        stint_sha256_stream_new(&stream) != 0) {
        context[0] = '\0'; /* never that of a stored verdict: judged anew */
        return;
    }
    add_text(stream, admission->rules_digest);
    add_text(stream, stint_buffer_text(&statements));
    if (names)
        add_names(admission, stream, digest, names);
    stint_sha256_stream_end(stream, &sum);
    memcpy(context, "sha256:", 7);
    (void)stint_sha256_hex(&sum, context + 7);
}

/* ---- what a judging is told */

static int newest_first(const void *left, const void *right)
{
    const struct artifact *a = *(struct artifact *const *)left;
    const struct artifact *b = *(struct artifact *const *)right;
    if (a->at_ms != b->at_ms)
        return a->at_ms > b->at_ms ? -1 : 1;
    return strcmp(a->digest, b->digest);
}

static void entry_write(const struct artifact *artifact, const struct verdict_head *head,
                        struct stint_buffer *json)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer entry = { 0 };
    stint_json_object(&entry);
    stint_json_kv_text(&entry, "name", artifact->name);
    stint_json_kv_text(&entry, "digest", artifact->digest);
    stint_json_kv_time(&entry, "date", artifact->at_ms);
    stint_buffer_add_char(&entry, ',');
    stint_buffer_add_text(&entry, head->heritage);
    stint_json_object_end(&entry);
    if (!entry.failed && json->length + entry.length < ADMISSION_REGISTRY_BYTES)
        stint_json_raw(json, entry.data, entry.length);
}

static void registry_write(struct stint_admission *admission, struct stint_buffer *json)
{
    size_t count = 0;
    size_t written = 0;
    struct artifact **rows =
        calloc(HASH_CNT(by_digest, admission->artifacts) + 1, sizeof(struct artifact *));
    for (struct artifact *at = admission->artifacts; rows && at; at = at->by_digest.next)
        if (at->is_registered && artifact_by_any_case(admission, at->name) == at)
            rows[count++] = at;
    if (count > 1)
        qsort(rows, count, sizeof(struct artifact *), newest_first);
    stint_json_object(json);
    stint_json_key(json, "entries");
    stint_json_array(json);
    for (size_t i = 0; i < count && written < ADMISSION_REGISTRY_MAX; i++) {
        const struct verdict_head *head = heritage_of(admission, rows[i]);
        if (!head)
            continue;
        entry_write(rows[i], head, json);
        written++;
    }
    stint_json_array_end(json);
    stint_json_object_end(json);
    free(rows);
}

/* Kept as long as nothing changes: many judgings come at once. */
static const char *registry_text(struct stint_admission *admission)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer json = { 0 };
    if (admission->registry && admission->registry_written == admission->registry_serial)
        return admission->registry;
    registry_write(admission, &json);
    free(admission->registry);
    admission->registry = stint_buffer_take(&json);
    admission->registry_written = admission->registry_serial;
    return admission->registry;
}

void evidence_write(struct stint_admission *admission, const char *digest,
                    struct stint_buffer *json)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer statements = { 0 };
    const char *registry = registry_text(admission);
    statements_json(admission, digest, &statements);
    bool is_told = registry && !strstr(registry, "\"entries\":[]");
    if (!is_told && statements.length == 0)
        return;
    stint_json_object(json);
    stint_json_kv_text(json, "schema", "stint.evidence/1");
    if (statements.length > 0) {
        stint_json_key(json, "attestations");
        stint_json_raw(json, statements.data, statements.length);
    }
    if (is_told) {
        stint_json_key(json, "registered");
        stint_json_raw(json, registry, strlen(registry));
    }
    stint_json_object_end(json);
    json->failed = json->failed || statements.failed;
}
