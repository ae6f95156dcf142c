/* Owns: model stores that keep each part under its digest, as Ollama does: manifests/<registry>/
 * <namespace>/<model>/<tag> is JSON that lists layers, and blobs/sha256-<hex> are their bytes. What
 * a blob is only its manifest says. Where several models share one store, all of their terms bind
 * each of them. Source: metadata.md §10. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"
#include "stint/auto.h"
#include "stint/digest.h"

#define MANIFEST_BYTES_MAX ((size_t)1 << 20)
#define LAYER_PREFIX       "application/vnd.ollama.image."

static enum reader_layer_kind layer_kind(const char *media)
{
    static const struct {
        const char *type;
        enum reader_layer_kind kind;
    } rows[] = { { "model", LAYER_WEIGHTS },
                 { "adapter", LAYER_WEIGHTS },
                 { "projector", LAYER_WEIGHTS },
                 { "license", LAYER_LICENCE } };
    if (!media || strncmp(media, LAYER_PREFIX, sizeof(LAYER_PREFIX) - 1) != 0)
        return LAYER_NONE;
    media += sizeof(LAYER_PREFIX) - 1;
    size_t length = strcspn(media, ";");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(rows); i++)
        if (strlen(rows[i].type) == length && strncmp(media, rows[i].type, length) == 0)
            return rows[i].kind;
    return LAYER_NONE;
}

enum reader_layer_kind reader_layer(const struct reader *reader, const char *path)
{
    for (size_t i = 0; i < reader->layer_count; i++)
        if (strcmp(reader->manifest->files[reader->layers[i].index].path, path) == 0)
            return reader->layers[i].kind;
    return LAYER_NONE;
}

/* A blob whose bytes are not what its name and its manifest say is not what anybody published. */
static bool layer_is_sound(struct reader *reader, size_t index, const struct stint_sha256 *digest)
{
    const struct stint_artifact_file *entry = &reader->manifest->files[index];
    struct reader_file file = { .index = index, .path = entry->path };
    if (!entry->has_sha256 || memcmp(&entry->sha256, digest, sizeof(*digest)) == 0)
        return true;
    reader_unreadable(reader, &file, STINT_WEIGHTS, STINT_SOURCE_TREE, 1,
                      "its bytes do not hash to its name");
    return false;
}

static void layer_read(struct reader *reader, const struct reader_file *file, const json_t *layer)
{
    char path[16 + STINT_SHA256_HEX] = "blobs/sha256-";
    struct stint_sha256 digest;
    enum reader_layer_kind kind =
        layer_kind(json_string_value(json_object_get(layer, "mediaType")));
    const char *name = json_string_value(json_object_get(layer, "digest"));
    const char *from = json_string_value(json_object_get(layer, "from"));
    if (from && *from)
        (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, from, from,
                          STINT_SOURCE_METADATA, STINT_DECLARED, reader_pointer("/layers"));
    if (kind == LAYER_NONE || !name || stint_sha256_parse(name, &digest, NULL) != 0)
        return;
    (void)stint_sha256_hex(&digest, path + sizeof("blobs/sha256-") - 1);
    size_t index = reader_find(reader, path);
    if (index == SIZE_MAX) {
        reader->has_partial_download = true;
        return;
    }
    if (!layer_is_sound(reader, index, &digest) || reader_layer(reader, path) != LAYER_NONE)
        return;
    if (reader->layer_count == READER_LAYERS_MAX) {
        stint_facts_spoil(reader->facts);
        return;
    }
    reader->layers[reader->layer_count++] = (struct reader_layer){ .index = index, .kind = kind };
}

static int manifest_read(struct reader *reader, size_t index)
{
    struct reader_file file;
    json_error_t problem;
    size_t i;
    const json_t *layer;
    int r = reader_load(reader, index, MANIFEST_BYTES_MAX, &file);
    if (r != 0)
        return r;
    json_t *root = json_loadb(file.text, file.length, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        reader_unreadable(reader, &file, STINT_MODEL_METADATA, STINT_SOURCE_METADATA,
                          problem.line > 0 ? (uint32_t)problem.line : 1, problem.text);
    json_array_foreach(json_object_get(root, "layers"), i, layer) layer_read(reader, &file, layer);
    json_decref(root);
    reader_unload(&file);
    return 0;
}

int read_layers(struct reader *reader)
{
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        if (strncmp(reader->manifest->files[i].path, "manifests/", 10) != 0)
            continue;
        int r = manifest_read(reader, i);
        if (r != 0)
            return r;
    }
    return 0;
}
