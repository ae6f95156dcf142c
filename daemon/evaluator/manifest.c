/* Owns: a manifest as text and back, and the question whether files are still what it says. Text
 * that comes back is outside input: bounded, checked field by field, and its digest must follow
 * from its list. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "evaluator/tree.h"
#include "stint/auto.h"

#define MANIFEST_TEXT_MAX ((size_t)64 << 20)

/* 64-bit identities may exceed what a JSON reader keeps exactly, so they are hexadecimal text. */
static void identity_json(const struct stint_artifact_file *file, struct stint_buffer *buffer)
{
    char text[96];
    (void)snprintf(text, sizeof(text), "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64,
                   (uint64_t)file->mtime_ns, (uint64_t)file->ctime_ns, file->inode, file->device);
    stint_json_kv_text(buffer, "identity", text);
}

static int identity_parse(const char *text, struct stint_artifact_file *file)
{
    uint64_t parts[4];
    for (size_t i = 0; i < 4; i++) {
        char *end;
        if (!text || strchr("0123456789abcdef", *text) == NULL || *text == '\0')
            return STINT_INVALID;
        errno = 0;
        parts[i] = strtoull(text, &end, 16);
        if (errno != 0 || *end != (i < 3 ? ':' : '\0'))
            return STINT_INVALID;
        text = end + 1;
    }
    file->mtime_ns = (int64_t)parts[0];
    file->ctime_ns = (int64_t)parts[1];
    file->inode = parts[2];
    file->device = parts[3];
    return 0;
}

void stint_artifact_manifest_json(const struct stint_artifact_manifest *manifest,
                                  struct stint_buffer *buffer)
{
    char text[sizeof("sha256:") + STINT_SHA256_HEX] = "sha256:";
    stint_json_object(buffer);
    stint_sha256_hex(&manifest->digest, text + 7);
    stint_json_kv_text(buffer, "digest", manifest->has_digest ? text : NULL);
    stint_json_kv_int(buffer, "files", (int64_t)manifest->file_count);
    stint_json_kv_int(buffer, "bytes", (int64_t)manifest->total_bytes);
    stint_json_kv_bool(buffer, "is_file", manifest->is_file);
    stint_json_kv_bool(buffer, "is_hub_cache", manifest->is_hub_cache);
    stint_json_key(buffer, "list");
    stint_json_array(buffer);
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct stint_artifact_file *file = &manifest->files[i];
        stint_json_object(buffer);
        stint_json_kv_text(buffer, "path", file->path);
        stint_json_kv_int(buffer, "size", (int64_t)file->size);
        if (file->has_sha256)
            stint_json_kv_text(buffer, "sha256", stint_sha256_hex(&file->sha256, text + 7));
        identity_json(file, buffer);
        if (file->target)
            stint_json_kv_text(buffer, "target", file->target);
        if (file->is_pointer)
            stint_json_kv_bool(buffer, "is_pointer", true);
        stint_json_object_end(buffer);
    }
    stint_json_array_end(buffer);
    stint_json_object_end(buffer);
}

bool manifest_path_is_safe(const char *path)
{
    if (!*path || *path == '/' || strlen(path) > STINT_ARTIFACT_PATH_BYTES_MAX ||
        !tree_name_is_plain(path))
        return false;
    for (size_t depth = 0; *path; depth++) {
        size_t length = strcspn(path, "/");
        bool is_dots =
            (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.');
        if (length == 0 || length > 255 || is_dots || depth > STINT_ARTIFACT_DEPTH_MAX)
            return false;
        path += length;
        if (*path == '/' && *++path == '\0')
            return false;
    }
    return true;
}

static int entry_parse(json_t *entry, struct stint_artifact_file *file, struct stint_error *err)
{
    const char *path;
    const char *hex;
    const char *identity;
    const char *target = NULL;
    json_int_t size;
    int is_pointer = 0;
    if (json_unpack(entry, "{s:s, s:I, s:s, s:s, s?s, s?b}", "path", &path, "size", &size, "sha256",
                    &hex, "identity", &identity, "target", &target, "is_pointer", &is_pointer) != 0)
        return stint_fail(err, STINT_INVALID,
                          "manifest entry lacks path, size, sha256 or identity");
    if (!manifest_path_is_safe(path) || (target && !manifest_path_is_safe(target)) || size < 0)
        return stint_fail(err, STINT_INVALID, "manifest entry with an unsafe path or size");
    *file = (struct stint_artifact_file){ .size = (uint64_t)size,
                                          .has_sha256 = true,
                                          .is_pointer = is_pointer != 0 };
    if (stint_sha256_parse(hex, &file->sha256, err) != 0 || identity_parse(identity, file) != 0)
        return stint_fail(err, STINT_INVALID, "manifest entry with a malformed digest or identity");
    /* Borrowed for the append, which copies; the struct's own fields are the copies' owners. */
    file->path = strdup(path);
    file->target = target ? strdup(target) : NULL;
    return file->path && (!target || file->target) ? 0 : -ENOMEM;
}

static int list_parse(json_t *list, struct stint_artifact_manifest *manifest,
                      struct stint_error *err)
{
    size_t index;
    json_t *entry;
    if (json_array_size(list) > STINT_ARTIFACT_FILES_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "manifest of more than %d files",
                          STINT_ARTIFACT_FILES_MAX);
    json_array_foreach(list, index, entry)
    {
        struct stint_artifact_file file = { 0 };
        int r = entry_parse(entry, &file, err);
        assert(r != 0 || file.path);
        if (r == 0 && manifest->file_count > 0 &&
            strcmp(manifest->files[manifest->file_count - 1].path, file.path) >= 0)
            r = stint_fail(err, STINT_INVALID, "manifest is not sorted by path");
        if (r == 0 && file.size > STINT_ARTIFACT_BYTES_MAX - manifest->total_bytes)
            r = stint_fail(err, STINT_TOO_LARGE, "manifest of too many bytes");
        if (r == 0)
            r = tree_manifest_append(manifest, &file);
        free(file.path);
        free(file.target);
        if (r != 0)
            return r;
    }
    return 0;
}

static int root_parse(json_t *root, struct stint_artifact_manifest *manifest,
                      struct stint_error *err)
{
    json_t *list;
    const char *text;
    int is_file = 0;
    int is_hub_cache = 0;
    struct stint_sha256 digest;
    if (json_unpack(root, "{s:s, s:o, s?b, s?b}", "digest", &text, "list", &list, "is_file",
                    &is_file, "is_hub_cache", &is_hub_cache) != 0 ||
        !json_is_array(list))
        return stint_fail(err, STINT_INVALID, "a manifest is an object with digest and list");
    int r = stint_sha256_parse(text, &digest, err);
    if (r == 0)
        r = list_parse(list, manifest, err);
    if (r != 0)
        return r;
    manifest->is_file = is_file != 0;
    manifest->is_hub_cache = is_hub_cache != 0;
    stint_artifact_manifest_seal(manifest);
    if (!manifest->has_digest || memcmp(&manifest->digest, &digest, sizeof(digest)) != 0)
        return stint_fail(err, STINT_INVALID, "the manifest's digest is not that of its list");
    return 0;
}

int stint_artifact_manifest_parse(const char *json, size_t length,
                                  struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    json_error_t problem;
    if (length > MANIFEST_TEXT_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "manifest text of %zu bytes", length);
    json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        return stint_fail(err, STINT_INVALID, "manifest, line %d: %s", problem.line, problem.text);
    int r = root_parse(root, manifest, err);
    json_decref(root);
    if (r != 0)
        stint_artifact_manifest_deinit(manifest);
    return r;
}

static void recheck_say(enum stint_recheck_result result, const char *path,
                        enum stint_recheck_result *ret_result, char ret_path[256])
{
    *ret_result = result;
    tree_printable(path, ret_path, 256);
}

/* The bytes of a file whose identity differs from the manifest's: 1 when they are the same. */
static int bytes_are_same(const struct stint_artifact_tree *tree,
                          struct stint_artifact_manifest *now, size_t index,
                          const struct stint_artifact_file *then)
{
    struct stint_artifact_file *file = &now->files[index];
    if (file->size != then->size)
        return 0;
    stint_auto(stint_fd) int fd = stint_artifact_tree_open_file(tree, now, index);
    int r = fd < 0 ? fd : tree_hash_file(fd, file);
    if (r == -ENOMEM || r == -EIO)
        return r;
    return r == 0 && memcmp(&file->sha256, &then->sha256, sizeof(file->sha256)) == 0;
}

static int recheck_tree(const struct stint_artifact_tree *tree, struct stint_artifact_manifest *now,
                        const struct stint_artifact_manifest *then,
                        enum stint_recheck_result *ret_result, char ret_path[256])
{
    if (now->trouble_count > 0) {
        recheck_say(STINT_RECHECK_CHANGED, now->troubles[0].path, ret_result, ret_path);
        return 0;
    }
    for (size_t i = 0; i < now->file_count || i < then->file_count; i++) {
        const struct stint_artifact_file *a = i < now->file_count ? &now->files[i] : NULL;
        const struct stint_artifact_file *b = i < then->file_count ? &then->files[i] : NULL;
        int order = !a ? 1 : !b ? -1 : strcmp(a->path, b->path);
        assert(order > 0 ? b != NULL : a != NULL);
        if (order != 0) {
            recheck_say(order > 0 ? STINT_RECHECK_MISSING : STINT_RECHECK_CHANGED,
                        order > 0 ? b->path : a->path, ret_result, ret_path);
            return 0;
        }
        int is_same = tree_identity_equal(a, b) ? 1 : bytes_are_same(tree, now, i, b);
        if (is_same < 0)
            return is_same;
        if (!is_same) {
            recheck_say(STINT_RECHECK_CHANGED, a->path, ret_result, ret_path);
            return 0;
        }
    }
    recheck_say(STINT_RECHECK_UNCHANGED, "", ret_result, ret_path);
    return 0;
}

int stint_artifact_recheck(const char *path, const struct stint_artifact_manifest *manifest,
                           enum stint_recheck_result *ret_result, char ret_path[256],
                           struct stint_error *err)
{
    struct stint_artifact_tree tree;
    struct stint_artifact_manifest now = { 0 };
    int r = stint_artifact_tree_open(path, &tree, err);
    if (r == STINT_NOT_FOUND) {
        recheck_say(STINT_RECHECK_MISSING, "", ret_result, ret_path);
        return 0;
    }
    if (r == STINT_UNTRUSTED) {
        recheck_say(STINT_RECHECK_CHANGED, "", ret_result, ret_path);
        return 0;
    }
    if (r != 0)
        return r;
    r = stint_artifact_tree_list(&tree, &now, err);
    if (r == 0)
        r = recheck_tree(&tree, &now, manifest, ret_result, ret_path);
    stint_artifact_manifest_deinit(&now);
    stint_artifact_tree_close(&tree);
    return r;
}

void stint_artifact_manifest_identity(const struct stint_artifact_manifest *manifest,
                                      struct stint_sha256 *ret_identity)
{
    struct stint_sha256_stream *stream;
    memset(ret_identity, 0, sizeof(*ret_identity));
    if (stint_sha256_stream_new(&stream) != 0)
        abort(); /* out of memory for a few hundred bytes */
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct stint_artifact_file *file = &manifest->files[i];
        uint64_t numbers[] = { file->size, (uint64_t)file->mtime_ns, (uint64_t)file->ctime_ns,
                               file->inode, file->device };
        stint_sha256_stream_add(stream, file->path, strlen(file->path) + 1);
        stint_sha256_stream_add(stream, numbers, sizeof(numbers));
    }
    stint_sha256_stream_end(stream, ret_identity);
}

int stint_artifact_identity(const char *path, struct stint_sha256 *ret_identity,
                            struct stint_error *err)
{
    struct stint_artifact_tree tree;
    struct stint_artifact_manifest now = { 0 };
    int r = stint_artifact_tree_open(path, &tree, err);
    if (r != 0)
        return r;
    r = stint_artifact_tree_list(&tree, &now, err);
    if (r == 0 && now.trouble_count > 0)
        r = stint_fail(err, STINT_UNTRUSTED, "%.200s: %.100s is no plain file", path,
                       now.troubles[0].path);
    if (r == 0)
        stint_artifact_manifest_identity(&now, ret_identity);
    stint_artifact_manifest_deinit(&now);
    stint_artifact_tree_close(&tree);
    return r;
}
