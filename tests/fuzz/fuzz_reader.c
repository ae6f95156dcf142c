/* Every reader of the evaluator over one file, then what follows from it and the verdict: nothing
 * may crash, and one file alone can never make a model open. The first byte chooses the reader.
 * Links evaluator_parts_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"
#include "stint/evaluator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *path;
    int (*read)(struct reader *reader, const struct reader_file *file);
    enum stint_artifact_kind kind;
} readers[] = {
    { "README.md", read_card, STINT_KIND_MODEL },
    { "README.md", read_card, STINT_KIND_DATASET },
    { "data/README.md", read_card, STINT_KIND_MODEL },
    { "README.md", read_prose, STINT_KIND_MODEL },
    { "LICENSE", read_licence_text, STINT_KIND_MODEL },
    { "train.py", read_code, STINT_KIND_MODEL },
    { "config.json", read_config, STINT_KIND_MODEL },
    { "adapter_config.json", read_adapter_config, STINT_KIND_MODEL },
    { "m.safetensors.index.json", read_shard_index, STINT_KIND_MODEL },
    { "m.safetensors", read_safetensors, STINT_KIND_MODEL },
    { "m.gguf", read_gguf, STINT_KIND_MODEL },
    { "m.onnx", read_onnx, STINT_KIND_MODEL },
    { "m.bin", read_pickle, STINT_KIND_MODEL },
    { "croissant.json", read_croissant, STINT_KIND_MODEL },
    { "croissant.json", read_croissant, STINT_KIND_DATASET },
    { "bom.json", read_bom, STINT_KIND_MODEL },
    { "bom.json", read_bom, STINT_KIND_DATASET },
    { "model.yml", read_mof, STINT_KIND_MODEL },
    { "DATA.md", read_document, STINT_KIND_MODEL },
    { "requirements.txt", read_requirements, STINT_KIND_MODEL },
    { "pyproject.toml", read_package_metadata, STINT_KIND_MODEL },
    { "model-metadata.json", read_host_metadata, STINT_KIND_MODEL },
    { "dataset-metadata.json", read_host_metadata, STINT_KIND_DATASET },
    { "REUSE.toml", read_reuse, STINT_KIND_CODE },
    { "m.safetensors.license", read_sidecar, STINT_KIND_CODE },
    { "notes.txt", read_spdx_header, STINT_KIND_CODE },
    { "data.csv", read_data_file, STINT_KIND_DATASET },
    { "Kitfile", read_keys, STINT_KIND_MODEL },
    { "dataset_infos.json", read_keys, STINT_KIND_DATASET },
    { "Modelfile", read_keys, STINT_KIND_MODEL },
};
#define READERS (sizeof(readers) / sizeof(readers[0]))

/* How often each was executed; tests/fuzz/run adds them up. */
static uint64_t executions[READERS];

static void print_executions(void)
{
    static const char *const kinds[] = {
        [STINT_KIND_MODEL] = "model", [STINT_KIND_DATASET] = "dataset", [STINT_KIND_CODE] = "code"
    };
    for (size_t i = 0; i < READERS; i++)
        (void)fprintf(stderr, "executions: %zu %s (%s) %llu\n", i, readers[i].path,
                      kinds[readers[i].kind], (unsigned long long)executions[i]);
}

static struct stint_evaluator *evaluator;
static struct stint_licences *licences;

static void open_once(void)
{
    struct stint_error err = { 0 };
    if (evaluator)
        return;
    if (stint_evaluator_open(NULL, &evaluator, &err) != 0 ||
        stint_licences_open(NULL, &licences, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    if (getenv("STINT_FUZZ_COUNT") && atexit(print_executions) != 0)
        abort();
}

static void judge(struct stint_verdict *verdict)
{
    const struct stint_rules *rules = NULL;
    if (stint_evaluator_rules(evaluator, "osaid-1.0", &rules, NULL) != 0 ||
        stint_rules_judge(rules, licences, verdict) != 0)
        abort();
    if (verdict->kind == STINT_KIND_MODEL && stint_verdict_result(verdict) == STINT_RESULT_PASS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    open_once();
    size_t choice = (data[0] & 0x7f) % READERS;
    executions[choice]++;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s", readers[choice].path);
    struct stint_artifact_file entry = { .path = path, .size = size - 1, .has_sha256 = true };
    struct stint_artifact_manifest manifest = {
        .files = &entry, .file_count = 1, .total_bytes = size - 1, .has_digest = true
    };
    struct stint_rules_result results[STINT_VERDICT_RESULTS_MAX] = { 0 };
    static struct stint_finding findings[STINT_VERDICT_FINDINGS_MAX];
    static struct stint_licence_seen seen[STINT_VERDICT_LICENCES_MAX];
    struct stint_verdict verdict = { .kind = readers[choice].kind,
                                     .name = "fuzz",
                                     .data_class = "",
                                     .has_digest = true,
                                     .results = results,
                                     .findings = findings,
                                     .licences = seen };
    struct reader_file file = { .path = path, .size = size - 1, .length = size - 1 };
    struct stint_buffer text = { 0 };
    const char *slash = strrchr(path, '/');
    file.base = slash ? slash + 1 : path;
    (void)snprintf(file.folder, sizeof(file.folder), "%.*s", slash ? (int)(slash - path) : 0, path);
    file.text = malloc(size);
    if (!file.text || stint_facts_new(&verdict.facts) != 0)
        abort();
    memcpy(file.text, data + 1, size - 1);
    file.text[size - 1] = '\0';
    struct reader reader = { .manifest = &manifest,
                             .licences = licences,
                             .verdict = &verdict,
                             .facts = verdict.facts,
                             .kind = readers[choice].kind };
    if (readers[choice].read(&reader, &file) == 0 && derive_facts(&reader) == 0 &&
        find_patterns(&reader) == 0)
        judge(&verdict);
    if (data[0] & 0x80) { /* half of the choices; it costs as much as the rest */
        stint_verdict_json(&verdict, &text);
        stint_verdict_report(&verdict, NULL, &text);
        stint_verdict_html(&(const struct stint_verdict *){ &verdict }, 1, &text);
    }
    stint_buffer_deinit(&text);
    free(results[0].criteria);
    free(reader.scopes);
    free(file.text);
    stint_facts_free(verdict.facts);
    return 0;
}
