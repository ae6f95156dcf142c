/* Owns: reviewers' statements without a daemon: read from files and checked, signed, and the
 * digests that they name. */
#include "review.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "stint/artifact.h"
#include "stint/auto.h"
#include "stint/checkpoint.h"

#define REVIEW_FILE_MAX (STINT_ATTESTATIONS_MAX * STINT_ATTESTATION_BYTES_MAX)

/* ---- digests */

static void digest_text(const struct stint_sha256 *sum, char digest[80])
{
    char hex[STINT_SHA256_HEX];
    (void)snprintf(digest, 80, "sha256:%s", stint_sha256_hex(sum, hex));
}

static int manifest_digest(const struct stint_artifact_tree *tree,
                           struct stint_artifact_manifest *manifest, struct stint_error *err)
{
    int r = stint_artifact_tree_list(tree, manifest, err);
    if (r == 0)
        r = stint_artifact_hash(tree, manifest, 0, NULL, NULL, err);
    if (r == 0 && (manifest->trouble_count > 0 || !manifest->has_digest))
        r = stint_fail(err, STINT_UNTRUSTED, "it cannot be an artefact: %.100s: %s",
                       manifest->troubles[0].path, stint_trouble_words(manifest->troubles[0].kind));
    return r;
}

int review_digest(const char *path, char digest[80], struct stint_error *err)
{
    stint_auto(stint_artifact_manifest_deinit) struct stint_artifact_manifest manifest = { 0 };
    struct stint_artifact_tree tree;
    int r = stint_artifact_tree_open(path, &tree, err);
    if (r != 0)
        return r;
    r = manifest_digest(&tree, &manifest, err);
    stint_artifact_tree_close(&tree);
    if (r == 0)
        digest_text(&manifest.digest, digest);
    return r;
}

int review_file_digest(const char *path, char digest[80], struct stint_error *err)
{
    char block[65536];
    struct stint_sha256_stream *stream;
    struct stint_sha256 sum;
    struct stat status;
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return stint_fail(err, -errno, "%.200s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return stint_fail(err, STINT_INVALID, "%.200s: not a plain file", path);
    if (stint_sha256_stream_new(&stream) != 0)
        return -ENOMEM;
    ssize_t got;
    while ((got = read(fd, block, sizeof(block))) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            stint_sha256_stream_add(stream, block, (size_t)got);
    stint_sha256_stream_end(stream, &sum);
    if (got < 0)
        return stint_fail(err, -errno, "%.200s: %s", path, strerror(errno));
    digest_text(&sum, digest);
    return 0;
}

/* ---- signing */

int review_sign(const struct stint_attestation *attestation, const char *file,
                struct stint_buffer *json, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer note = { 0 };
    struct stint_attestation mine = *attestation;
    struct stint_signer *signer = NULL;
    int r = stint_signer_load(file, &signer, err);
    if (r != 0)
        return r;
    mine.reviewer = stint_signer_vkey(signer)->name;
    stint_attestation_text(&mine, &text);
    r = text.failed ? -ENOMEM : stint_note_sign(signer, text.data, text.length, &note);
    if (r == 0) {
        /* The text, an empty line, the signature's line. */
        char *line = note.data + text.length + 1;
        line[strcspn(line, "\n")] = '\0';
        mine.signature = line;
        stint_attestation_json(&mine, json);
    }
    stint_signer_free(signer);
    return r == 0 && json->failed ? -ENOMEM : r;
}

/* ---- reading */

static int check_signature(const struct stint_attestation *attestation, const char *keys,
                           struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer note = { 0 };
    struct stint_vkey vkey;
    size_t length = 0;
    if (!keys && !attestation->signature[0])
        return 0;
    if (!keys) {
        (void)stint_fail(err, STINT_NOT_PERMITTED, "%.100s signed it, and no keys are named",
                         attestation->reviewer);
        return stint_fix(err, STINT_NOT_PERMITTED, "--reviewers FILE with their public keys");
    }
    if (!attestation->signature[0])
        return stint_fail(err, STINT_NOT_PERMITTED, "it is not signed");
    int r = stint_vkey_find(keys, attestation->reviewer, &vkey, err);
    if (r != 0)
        return r == STINT_NOT_FOUND ? STINT_NOT_PERMITTED : r;
    stint_attestation_note(attestation, &note);
    return note.failed ? -ENOMEM : stint_note_verify(note.data, note.length, &vkey, &length, err);
}

static int load_one(const json_t *entry, size_t index, const char *keys, struct stint_buffer *json,
                    struct stint_error *err)
{
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    struct stint_error inner = { 0 };
    stint_auto(stint_free) char *text = json_dumps(entry, JSON_COMPACT | JSON_ENCODE_ANY);
    int r = text ? stint_attestation_parse(text, strlen(text), &attestation, &inner) : -ENOMEM;
    if (r == 0)
        r = check_signature(&attestation, keys, &inner);
    if (r == 0) {
        stint_attestation_json(&attestation, json);
        return 0;
    }
    (void)stint_fail(err, r, "statement %zu: %.300s", index + 1, inner.text);
    return inner.fix[0] ? stint_fix(err, r, "%s", inner.fix) : r;
}

static json_t *load_file(const char *path, struct stint_error *err)
{
    json_error_t problem;
    struct stat status;
    if (stat(path, &status) == 0 && status.st_size > (off_t)REVIEW_FILE_MAX) {
        (void)stint_fail(err, STINT_TOO_LARGE, "%.200s: larger than %zu bytes", path,
                         REVIEW_FILE_MAX);
        return NULL;
    }
    FILE *file = fopen(path, "re");
    if (!file) {
        (void)stint_fail(err, -errno, "%.200s: %s", path, strerror(errno));
        return NULL;
    }
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    (void)fclose(file);
    if (!root)
        (void)stint_fail(err, STINT_INVALID, "%.150s:%d: %.150s", path, problem.line, problem.text);
    return root;
}

int review_load(const char *file, const char *keys, struct stint_buffer *json,
                struct stint_error *err)
{
    json_t *root = load_file(file, err);
    size_t count = json_is_array(root) ? json_array_size(root) : 1;
    int r = root ? 0 : err->code;
    if (r == 0 && count > STINT_ATTESTATIONS_MAX)
        r = stint_fail(err, STINT_TOO_LARGE, "%.200s: more than %d statements", file,
                       STINT_ATTESTATIONS_MAX);
    stint_json_array(json);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = load_one(json_is_array(root) ? json_array_get(root, i) : root, i, keys, json, err);
    stint_json_array_end(json);
    json_decref(root);
    return r == 0 && json->failed ? -ENOMEM : r;
}
