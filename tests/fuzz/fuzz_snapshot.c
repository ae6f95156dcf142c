/* Whole artefacts, as they lie on disk: the input is a list of files, each a byte for its name, two
 * for its length and its bytes. They are written to a folder in memory and judged by every rule
 * set. Whatever they hold, the answer is a document and no fact lies outside the artefact. Links
 * evaluator_dep. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "stint/evaluator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES_MAX 12

/* Names that a reader waits for, and some that lie in wait for a reader. */
static const char *const names[] = {
    "README.md",
    "LICENSE",
    "NOTICE",
    "USE_POLICY.md",
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "tokenizer.json",
    "model_index.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model.gguf",
    "model.onnx",
    "pytorch_model.bin",
    "model.yml",
    "bom.json",
    "croissant.json",
    "dataset-metadata.json",
    "model-metadata.json",
    "CITATION.cff",
    "codemeta.json",
    "REUSE.toml",
    "LICENSES/MIT.txt",
    "pyproject.toml",
    "package.json",
    "Cargo.toml",
    "requirements.txt",
    "train.py",
    "src/model.py",
    "data/train.jsonl",
    "data/README.md",
    "data/LICENSE",
    "DATA.md",
    "unet/config.json",
    "refs/main",
    "model.safetensors.license",
    "blobs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ".no_exist/a/README.md",
    "snapshots/0123456789012345678901234567890123456789/README.md",
};

static struct stint_evaluator *evaluator;
static char folder[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    return walk->level == 0 ? 0 : remove(path);
}

static void folder_empty(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void folder_remove(void)
{
    folder_empty();
    (void)rmdir(folder);
}

static void open_once(void)
{
    struct stint_error err = { 0 };
    if (evaluator)
        return;
    (void)snprintf(folder, sizeof(folder), "/dev/shm/fuzz-snapshot-XXXXXX");
    if (stint_evaluator_open(NULL, &evaluator, &err) != 0 || !mkdtemp(folder) ||
        atexit(folder_remove) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static void write_file(const char *name, const uint8_t *bytes, size_t length)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        (void)mkdir(path, 0700);
    }
    /* An empty "refs/main" and the like stand for links inside the tree. */
    if (length == 0 && strchr(name, '/')) {
        (void)symlink("../README.md", path);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* a folder is there, or a link */
    if (write(fd, bytes, length) != (ssize_t)length)
        abort();
    close(fd);
}

static void check(const struct stint_verdict *verdict)
{
    struct stint_buffer text = { 0 };
    stint_verdict_json(verdict, &text);
    json_t *json =
        text.failed ? NULL : json_loads(stint_buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        abort();
    json_decref(json);
    stint_buffer_clear(&text);
    stint_verdict_report(verdict, NULL, &text);
    stint_verdict_html(&verdict, 1, &text);
    stint_buffer_deinit(&text);
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        if (fact->path && (fact->path[0] == '/' || strstr(fact->path, "../")))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_verdict *verdict = NULL;
    struct stint_artifact_manifest manifest = { 0 };
    struct stint_error err = { 0 };
    open_once();
    folder_empty();
    size_t count = 0;
    for (size_t at = 0; at + 3 <= size && count < FILES_MAX; count++) {
        size_t length = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;
        length = length < size - at - 3 ? length : size - at - 3;
        write_file(names[data[at] % STINT_ARRAY_SIZE(names)], data + at + 3, length);
        at += 3 + length;
    }
    struct stint_evaluation evaluation = {
        .path = folder, .rules = "all", .name = "fuzz", .thread_count = 1
    };
    int r = stint_evaluate(evaluator, &evaluation, &verdict, &manifest, &err);
    if (r == 0)
        check(verdict);
    else if (!err.text[0])
        abort();
    stint_verdict_free(verdict);
    stint_artifact_manifest_deinit(&manifest);
    return 0;
}
