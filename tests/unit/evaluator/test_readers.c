/* Each format by itself: what its reader says of a small sound file, and that a broken one says
 * that it is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluator/reader.h"
#include "fixture.h"

/* "component predicate [subject] = value" of any fact that is not derived. */
static bool says(const struct stint_verdict *verdict, const char *component, const char *predicate,
                 const char *subject, const char *value)
{
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        bool is_value = stint_predicate_type(fact->predicate) == STINT_VALUE_BOOL
                            ? fact->truth == (strcmp(value, "yes") == 0)
                            : strcmp(fact->text, value) == 0;
        if (strcmp(stint_component_name(fact->component), component) == 0 &&
            strcmp(stint_predicate_name(fact->predicate), predicate) == 0 &&
            (!subject || strcmp(fact->subject, subject) == 0) && is_value)
            return true;
    }
    return false;
}

#define CROISSANT                                                                                  \
    "{\"@type\":\"sc:Dataset\",\"dct:conformsTo\":\"http://mlcommons.org/croissant/1.1\","         \
    "\"name\":\"org/words\",\"license\":\"https://creativecommons.org/licenses/by/4.0/\","         \
    "\"url\":\"https://example.org/words\",\"creator\":{\"name\":\"Village\"},"                    \
    "\"sdLicense\":\"https://spdx.org/licenses/CC0-1.0\","                                         \
    "\"rai:dataCollection\":\"Written down at the church door over a year\","                      \
    "\"rai:dataAnnotationProtocol\":\"There are no labels in this data set\","                     \
    "\"rai:dataPreprocessingProtocol\":\"Lower case, then split into lines\","                     \
    "\"recordSet\":[{\"field\":[]}],\"distribution\":[{\"contentUrl\":\"https://x.org/w.csv\"}]}"

#define SPDX                                                                                       \
    "{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":["                \
    "{\"type\":\"ai_AIPackage\",\"spdxId\":\"urn:m\",\"name\":\"tiny\"},"                          \
    "{\"type\":\"dataset_DatasetPackage\",\"spdxId\":\"urn:d\",\"name\":\"org/words\","            \
    "\"software_downloadLocation\":\"https://example.org/w\","                                     \
    "\"dataset_datasetAvailability\":\"registration\","                                            \
    "\"dataset_dataCollectionProcess\":\"Written down over one year\"},"                           \
    "{\"type\":\"simplelicensing_LicenseExpression\",\"spdxId\":\"urn:l\","                        \
    "\"simplelicensing_licenseExpression\":\"MIT AND Apache-2.0\"},"                               \
    "{\"type\":\"Relationship\",\"from\":\"urn:m\",\"relationshipType\":\"hasDeclaredLicense\","   \
    "\"to\":[\"urn:l\"]},"                                                                         \
    "{\"type\":\"Relationship\",\"from\":\"urn:m\",\"relationshipType\":\"trainedOn\","            \
    "\"to\":[\"urn:d\"]},"                                                                         \
    "{\"type\":\"Relationship\",\"from\":\"urn:m\",\"relationshipType\":\"descendantOf\","         \
    "\"to\":[\"org/base\"]}]}"

#define CYCLONE                                                                                    \
    "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":["                        \
    "{\"type\":\"machine-learning-model\",\"bom-ref\":\"m\",\"name\":\"tiny\","                    \
    "\"licenses\":[{\"license\":{\"id\":\"Apache-2.0\"}}],"                                        \
    "\"pedigree\":{\"ancestors\":[{\"name\":\"org/base\"}]},"                                      \
    "\"modelCard\":{\"modelParameters\":{\"datasets\":[{\"ref\":\"d\"},"                           \
    "{\"type\":\"dataset\",\"name\":\"inline\",\"contents\":{\"url\":\"https://x.org\"}}]}}},"     \
    "{\"type\":\"data\",\"bom-ref\":\"d\",\"name\":\"org/words\","                                 \
    "\"licenses\":[{\"expression\":\"CC0-1.0\"}],"                                                 \
    "\"description\":\"Words that were written down\"}]}"

static const struct {
    const char *path;
    const char *text;
    const char *component;
    const char *predicate;
    const char *subject;
    const char *value;
} formats[] = {
    { "croissant.json", CROISSANT, "training-data", "licence", "org/words", "CC-BY-4.0" },
    { "croissant.json", CROISSANT, "training-data", "data-class", "org/words", "open" },
    { "croissant.json", CROISSANT, "training-data", "location", "org/words",
      "https://example.org/words" },
    { "croissant.json", CROISSANT, "training-data", "owner", "org/words", "Village" },
    { "croissant.json", CROISSANT, "data-information", "licence", NULL, "CC0-1.0" },
    { "croissant.json", CROISSANT, "data-information", "describes-labelling", "org/words", "yes" },
    { "croissant.json", CROISSANT, "data-information", "describes-processing", "org/words", "yes" },
    { "croissant.json", CROISSANT, "data-information", "describes-selection", "org/words", "yes" },
    { "croissant.json", CROISSANT, "data-information", "describes-scope", "org/words", "yes" },
    { "bom.spdx.json", SPDX, "weights", "licence", "", "MIT AND Apache-2.0" },
    { "bom.spdx.json", SPDX, "training-data", "data-class", "org/words", "obtainable" },
    { "bom.spdx.json", SPDX, "training-data", "name", "org/words", "org/words" },
    { "bom.spdx.json", SPDX, "base-model", "name", "org/base", "org/base" },
    { "bom.spdx.json", SPDX, "data-information", "describes-selection", "org/words", "yes" },
    { "bom.cdx.json", CYCLONE, "weights", "licence", "", "Apache-2.0" },
    { "bom.cdx.json", CYCLONE, "base-model", "name", "org/base", "org/base" },
    { "bom.cdx.json", CYCLONE, "training-data", "licence", "org/words", "CC0-1.0" },
    { "bom.cdx.json", CYCLONE, "training-data", "location", "inline", "https://x.org" },
    { "model-metadata.json", "{\"licenseName\":\"Apache 2.0\"}", "weights", "licence", "",
      "Apache-2.0" },
    { "model-instance-metadata.json",
      "{\"licenseName\":\"Apache 2.0\",\"trainingData\":[\"org/words\"],\"baseModelInstance\":"
      "\"org/base\"}",
      "base-model", "name", "org/base", "org/base" },
    { "model_index.json", "{\"_class_name\":\"TinyPipeline\"}", "architecture", "name", "",
      "TinyPipeline" },
    { "codemeta.json", "{\"license\":\"https://spdx.org/licenses/MIT\"}", "code", "licence", "",
      "MIT" },
    { ".zenodo.json", "{\"license\":{\"id\":\"cc-by-4.0\"}}", "weights", "licence", "",
      "CC-BY-4.0" },
    { "CITATION.cff", "cff-version: 1.2.0\nlicense: MIT\n", "code", "licence", "", "MIT" },
    { "pyproject.toml", "[project]\nlicense = {text = \"MIT\"}\n", "code", "licence", "", "MIT" },
    { "Cargo.toml", "[package]\nlicense = \"MIT OR Apache-2.0\"\n", "code", "licence", "",
      "MIT OR Apache-2.0" },
    { "package.json", "{\n  \"license\": \"ISC\"\n}\n", "code", "licence", "", "ISC" },
    { "REUSE.toml",
      "version = 1\n[[annotations]]\npath = [\"src/**\"]\nSPDX-License-Identifier = \"MIT\"\n",
      "training-code", "licence", "", "MIT" },
    { "src/train.py.license", "SPDX-License-Identifier: MIT\n", "training-code", "licence", "",
      "MIT" },
    { "requirements.txt", "# none\n\n", "supporting-code", "used", "", "no" },
    { "requirements.txt", "numpy==1.0\n", "supporting-code", "listed", "", "yes" },
    { "adapter_config.json", "{\"base_model_name_or_path\":\"org/base\"}", "base-model", "relation",
      "org/base", "adapter" },
    { "config.json",
      "{\"model_type\":\"t\",\"auto_map\":{},\"quantization_config\":{\"quant_method\":\"awq\"}}",
      "weights", "quantized", "", "awq" },
    { "config.json", "{\"model_type\":\"t\",\"auto_map\":{}}", "architecture", "unsafe", "",
      "remote code" },
    { "config.json", "{\"a\":1,\"a\":2}", "model-metadata", "readable", "", "no" },
    { "old.ckpt", "PK\3\4 not really", "weights", "unsafe", "", "pickle" },
    { "array.npy", "\x80\4\x95 not an array", "weights", "unsafe", "", "pickle" },
    { "array2.npy", "\x93NUMPY\1 {'descr': '|O', 'shape': (1,)}", "weights", "unsafe", "",
      "pickle" },
    { "keras.h5", "PK\3\4 an archive of torch", "weights", "unsafe", "", "pickle" },
    { "old.bin", "cos\nsystem\n(S'true'\ntR.", "weights", "unsafe", "", "pickle" },
    { "keras2.h5", "\x89HDF\r\n\x1a\n and so on", "weights", "open-format", "", "yes" },
    { "keras3.h5", "something else", "weights", "readable", "", "no" },
    { "model.onnx", "\x08\x07\x3a\x02\x0a\x00\x72\x0e\x0a\x07license\x12\x03MIT", "weights",
      "licence", "", "MIT" },
    { "data/README.md",
      "---\npretty_name: org/words\nlicense: cc0-1.0\nsize_categories: [n<1K]\n---\n",
      "training-data", "licence", "org/words", "CC0-1.0" },
    { "README.md", "<!-- note -->\n---\r\nlicense: MIT\r\n---\r\n", "weights", "licence", "",
      "MIT" },
    { "README.md", "\xef\xbb\xbf---\nlicense: gpl-3.0\n---\n", "weights", "licence", "",
      "(GPL-3.0-only OR GPL-3.0-or-later)" },
    { "README.md", "---\ntags: ['arxiv:2403.13784']\n---\n", "research-paper", "location", "",
      "arxiv:2403.13784" },
    { "README.md", "---\nmodel-index: [{name: x}]\n---\n", "evaluation-results", "present", "",
      "yes" },
};

static void each_format_says_what_is_in_it(void **state)
{
    struct fixture *f = *state;
    char path[128];
    char name[32];
    size_t wrong = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(formats); i++) {
        (void)snprintf(name, sizeof(name), "m%zu", i);
        (void)snprintf(path, sizeof(path), "%s/%s", name, formats[i].path);
        fixture_open_model(f, name);
        if (strcmp(formats[i].path, "model.onnx") == 0)
            fixture_bytes(f, path, formats[i].text, 6 + 16);
        else
            fixture_text(f, path, formats[i].text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, STINT_KIND_MODEL, NULL);
        if (says(verdict, formats[i].component, formats[i].predicate, formats[i].subject,
                 formats[i].value))
            continue;
        print_error("%zu: %s does not say %s %s %s\n", i, formats[i].path, formats[i].component,
                    formats[i].predicate, formats[i].value);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* A GGUF header, put together field by field. */
struct gguf {
    unsigned char bytes[4096];
    size_t length;
};

static void put(struct gguf *gguf, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        gguf->bytes[gguf->length++] = (unsigned char)(value >> (8 * i));
}

static void put_text(struct gguf *gguf, const char *text)
{
    put(gguf, strlen(text), 8);
    memcpy(gguf->bytes + gguf->length, text, strlen(text));
    gguf->length += strlen(text);
}

static void put_pair(struct gguf *gguf, const char *key, const char *value)
{
    put_text(gguf, key);
    put(gguf, 8, 4);
    put_text(gguf, value);
}

static struct gguf gguf_head(uint64_t version, uint64_t tensors, uint64_t pairs)
{
    struct gguf gguf = { .length = 4 };
    memcpy(gguf.bytes, "GGUF", 4);
    put(&gguf, version, 4);
    put(&gguf, tensors, 8);
    put(&gguf, pairs, 8);
    return gguf;
}

/* A tensor of @count F32 values at @offset of the data, which follow the last one. */
static void put_tensor(struct gguf *gguf, const char *name, uint64_t count, uint64_t offset)
{
    put_text(gguf, name);
    put(gguf, 1, 4);
    put(gguf, count, 8);
    put(gguf, 0, 4);
    put(gguf, offset, 8);
}

static void put_data(struct gguf *gguf, size_t bytes)
{
    while (gguf->length % 32 != 0)
        put(gguf, 0, 1);
    for (size_t i = 0; i < bytes; i++)
        put(gguf, i, 1);
}

static void a_gguf_header_names_licence_base_and_quantization(void **state)
{
    struct fixture *f = *state;
    struct gguf gguf = gguf_head(3, 2, 8);
    put_pair(&gguf, "general.architecture", "llama");
    put_text(&gguf, "tokenizer.ggml.tokens"); /* arrays are skipped */
    put(&gguf, 9, 4);
    put(&gguf, 8, 4);
    put(&gguf, 2, 8);
    put_text(&gguf, "a");
    put_text(&gguf, "b");
    put_pair(&gguf, "general.license", "llama3");
    put_pair(&gguf, "general.base_model.0.repo_url", "https://huggingface.co/org/base");
    put_text(&gguf, "general.file_type");
    put(&gguf, 4, 4);
    put(&gguf, 15, 4);
    put_pair(&gguf, "general.quantized_by", "somebody");
    put_pair(&gguf, "general.base_model.0.name", "Base");
    put_pair(&gguf, "general.base_model.1.name", "Nameless Base");
    put_tensor(&gguf, "w", 8, 0);
    put_tensor(&gguf, "b", 1, 32);
    put_data(&gguf, 36);
    fixture_open_model(f, "m");
    fixture_bytes(f, "m/model.gguf", gguf.bytes, gguf.length);
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, "osaid-1.0,owd-0.3");
    assert_true(says(verdict, "architecture", "name", "", "llama"));
    assert_true(says(verdict, "base-model", "name", "org/base", "org/base"));
    assert_false(says(verdict, "base-model", "name", "Base", "Base"));
    assert_true(says(verdict, "base-model", "name", "Nameless Base", "Nameless Base"));
    assert_true(says(verdict, "weights", "readable", "", "yes"));
    assert_true(says(verdict, "weights", "quantized", "", "ggml file type 15"));
    assert_true(says(verdict, "weights", "says-quantized", "", "yes"));
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "fail");
    assert_string_equal(fixture_result(verdict, "OWD-2"), "pass");
}

static void a_broken_gguf_header_is_not_readable(void **state)
{
    struct fixture *f = *state;
    struct gguf cases[8];
    cases[0] = gguf_head(3, 0, 0);          /* no architecture */
    cases[1] = gguf_head(9, 0, 0);          /* no such version */
    cases[2] = gguf_head(3, UINT64_MAX, 0); /* tensors beyond the file */
    cases[3] = gguf_head(3, 0, UINT64_MAX);
    cases[4] = gguf_head(3, 0, 1); /* ends in the middle */
    cases[5] = gguf_head(3, 0, 1);
    put(&cases[5], UINT64_MAX, 8); /* a key longer than everything */
    cases[6] = gguf_head(3, 0, 1);
    put_text(&cases[6], "x");
    put(&cases[6], 9, 4); /* array of 2^63 doubles */
    put(&cases[6], 12, 4);
    put(&cases[6], UINT64_MAX / 2, 8);
    cases[7] = gguf_head(3, 0, 1);
    put_text(&cases[7], "x");
    for (int i = 0; i < 40; i++) { /* arrays of arrays of arrays … */
        put(&cases[7], 9, 4);
        if (i > 0)
            put(&cases[7], 1, 8);
    }
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fixture_open_model(f, "m");
        fixture_bytes(f, "m/model.gguf", cases[i].bytes, cases[i].length);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        if (strcmp(fixture_result(verdict, "OSAID-F2"), "fail") != 0)
            fail_msg("broken header %zu was taken", i);
    }
}

/* A sound head, and tensors that cannot be: each row is one tensor's count, offset and data. */
static void gguf_tensors_lie_in_the_file(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t count;
        uint64_t offset;
        size_t bytes;
        const char *result;
    } cases[] = {
        { 8, 0, 32, "pass" },          { 8, 0, 31, "fail" },
        { 8, 32, 63, "fail" },         { 8, 32, 64, "pass" },
        { 8, 1, 64, "fail" },          { UINT64_MAX / 4 + 1, 0, 32, "fail" },
        { UINT64_MAX, 0, 32, "fail" }, { 8, UINT64_MAX - 31, 32, "fail" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct gguf gguf = gguf_head(3, 1, 1);
        put_pair(&gguf, "general.architecture", "tiny");
        put_tensor(&gguf, "w", cases[i].count, cases[i].offset);
        put_data(&gguf, cases[i].bytes);
        fixture_open_model(f, "m");
        fixture_bytes(f, "m/model.gguf", gguf.bytes, gguf.length);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        if (strcmp(fixture_result(verdict, "OSAID-F2"), cases[i].result) != 0)
            fail_msg("case %zu is %s", i, fixture_result(verdict, "OSAID-F2"));
    }
}

/* The graph holds the weights, and the metadata stands behind it. */
static void terms_behind_a_large_graph_are_read(void **state)
{
    struct fixture *f = *state;
    static const char tail[] = "\x72\x18\x0a\x07license\x12\x0d"
                               "CC-BY-NC-4.0\n";
    const size_t weights = (size_t)17 << 20;
    const size_t graph = 2 + 5 + weights; /* a node, and an initializer with its key and length */
    size_t length = 5 + graph + sizeof(tail) - 1;
    unsigned char *bytes = calloc(1, length);
    assert_non_null(bytes);
    const unsigned char head[] = { 0x3a,
                                   (unsigned char)(graph | 0x80),
                                   (unsigned char)(graph >> 7 | 0x80),
                                   (unsigned char)(graph >> 14 | 0x80),
                                   (unsigned char)(graph >> 21),
                                   0x0a,
                                   0x00,
                                   0x2a,
                                   (unsigned char)(weights | 0x80),
                                   (unsigned char)(weights >> 7 | 0x80),
                                   (unsigned char)(weights >> 14 | 0x80),
                                   (unsigned char)(weights >> 21) };
    memcpy(bytes, head, sizeof(head));
    memcpy(bytes + length - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    fixture_open_model(f, "m");
    fixture_bytes(f, "m/model.onnx", bytes, length);
    free(bytes);
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "fail");
    assert_true(fixture_has_finding(verdict, "OW12"));
}

static void an_onnx_file_needs_a_graph_that_computes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes;
        size_t length;
        bool is_readable;
    } cases[] = {
        { "\x08\x07\x3a\x02\x0a\x00", 6, true },  /* a graph of one node */
        { "\x08\x07\x38\x01", 4, false },         /* field 7 is a number */
        { "\x08\x07\x3a\x00", 4, false },         /* an empty graph */
        { "\x08\x07\x3a\x02\x0a\x01", 6, false }, /* a node beyond its graph */
        { "\x3a\x02\x0a\x00\x3a\x7f", 6, false }, /* cut off after the graph */
        { "\x3a\x02\x0a\x00\x07", 5, false },     /* no such kind of field */
        { "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, false },
        { "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, false },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fixture_open_model(f, "m");
        fixture_bytes(f, "m/model.onnx", cases[i].bytes, cases[i].length);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        const struct stint_fact *fact = NULL;
        for (size_t j = 0; j < stint_facts_count(verdict->facts) && !fact; j++) {
            fact = stint_facts_at(verdict->facts, j);
            if (fact->predicate != STINT_READABLE || !fact->path ||
                strcmp(fact->path, "model.onnx") != 0)
                fact = NULL;
        }
        if (!fact || fact->truth != cases[i].is_readable)
            fail_msg("case %zu: %s", i, fact ? "the other way" : "nothing is said");
    }
}

static void a_missing_shard_makes_the_snapshot_partial(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/model.safetensors.index.json",
                 "{\"weight_map\":{\"a\":\"model.safetensors\",\"b\":\"model-2.safetensors\"}}");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_int_equal(verdict->complete, STINT_COMPLETE_NO);
    assert_true(fixture_has_finding(verdict, "T-shard"));
}

static void a_described_file_must_be_the_one_that_is_there(void **state)
{
    struct fixture *f = *state;
    static const char form[] =
        "{\"@type\":\"Dataset\",\"name\":\"w\",\"distribution\":[{\"contentUrl\":\"w.csv\","
        "\"sha256\":\"%s\"}]}";
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    char text[512];
    fixture_open_model(f, "m");
    fixture_text(f, "m/w.csv", "a,b\n");
    stint_sha256("a,b\n", 4, &digest);
    for (int is_right = 0; is_right < 2; is_right++) {
        (void)snprintf(text, sizeof(text), form, stint_sha256_hex(&digest, hex));
        if (!is_right)
            (void)snprintf(text, sizeof(text), form,
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        fixture_text(f, "m/croissant.json", text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        assert_int_equal(says(verdict, "training-data", "present", "w", "yes"), is_right);
        assert_int_equal(fixture_has_finding(verdict, "T-data"), !is_right);
    }
}

#define CARD(lines) "---\n" lines "---\n"

/* One folder a pattern: files put over the open model, and the finding that must appear. */
static const struct {
    const char *path;
    const char *text;
    const char *finding;
} patterns[] = {
    { "LICENSE", "MIT License\n\nPermission is hereby granted to look, not to touch.\n", NULL },
    { "README.md", CARD("license: llama3\ndatasets: [a/b]\n") "An open source model.\n", "OW2" },
    { "README.md", CARD("license: llama3\n"), "OW3" },
    { "README.md", CARD("license: bigscience-bloom-rail-1.0\n"), "OW4" },
    { "README.md", CARD("extra_gated_eu_disallowed: true\n"), "OW5" },
    { "README.md", CARD("license: llama3\n"), "OW6" },
    { "README.md", CARD("license: apache-2.0\nbase_model: google/gemma-2b\n"), "OW7" },
    { "README.md", CARD("datasets: [a/b]\n") "publicly available data\n", NULL },
    { "README.md", CARD("gated: manual\n"), "OW11" },
    { "README.md", CARD("license: cc-by-nc-4.0\n"), "OW12" },
    { "README.md", CARD("license: apache-2.0\ndatasets: [openwebtext]\n"), "OW14" },
    { "README.md", CARD("license: [apache-2.0, gemma]\n"), "OW17" },
    { "README.md", CARD("license: bigscience-bloom-rail-1.0\n"), NULL },
    { "USE_POLICY.md", "You agree not to use it for unlawful purposes.\n", "OW20" },
};

static void each_pattern_of_open_washing_is_found_by_its_facts(void **state)
{
    struct fixture *f = *state;
    char path[64];
    char name[32];
    size_t wrong = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(patterns); i++) {
        (void)snprintf(name, sizeof(name), "m%zu", i);
        (void)snprintf(path, sizeof(path), "%s/%s", name, patterns[i].path);
        fixture_open_model(f, name);
        fixture_text(f, path, patterns[i].text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, STINT_KIND_MODEL, NULL);
        if (patterns[i].finding && !fixture_has_finding(verdict, patterns[i].finding)) {
            print_error("%zu: no %s\n", i, patterns[i].finding);
            wrong++;
        }
        for (size_t j = 0; j < verdict->finding_count; j++)
            if (strncmp(verdict->findings[j].id, "OW", 2) == 0)
                assert_true(verdict->findings[j].evidence_count > 0);
    }
    assert_int_equal(wrong, 0);
}

static void names_of_terms_are_told_from_names_of_other_files(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        bool is_licence;
    } names[] = {
        { "LICENSE", true },
        { "licence", true },
        { "LICENSE.md", true },
        { "LICENSE-CODE", true },
        { "LICENSE_weights", true },
        { "LICENSE.OpenMDW-1.1", true },
        { "COPYING.LESSER", true },
        { "UNLICENSE", true },
        { "MODEL_LICENSE", true },
        { "USE_POLICY", true },
        { "USE_POLICY.md", true },
        { "terms.txt", true },
        { "NOTICE", true },
        { "gemma-license.pdf", true },
        { "LICENSE.json", true },
        { "Tongyi Qianwen LICENSE AGREEMENT", true },
        { "Notice", true },
        { "PROHIBITED_USES.md", true },
        { "Use_Restrictions.txt", true },
        { "Attachment_A.md", true },
        { "Gemma Terms of Use.txt", true },
        { "PRIVACY_POLICY.md", false },
        { "SECURITY-POLICY.md", false },
        { "license.py", false },
        { "licence_value.c.o", false },
        { "bench_licence", false },
        { "terms.yaml", false },
        { "licences.bin", false },
        { "policy.json", false },
        { "notice.svg", false },
        { "train.txt", false },
        { "README.md", false },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++)
        if (path_is_licence(names[i].base) != names[i].is_licence)
            fail_msg("%s", names[i].base);
}

static void thousands_of_names_never_pass(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_buffer_add_text(&text, "---\nlicense: apache-2.0\ndatasets:\n- village/sentences\n");
    for (int i = 0; i < 3000; i++)
        stint_buffer_printf(&text, "- village/set%d\n", i);
    stint_buffer_add_text(&text, "---\n");
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", stint_buffer_text(&text));
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_true(stint_facts_is_full(verdict->facts));
    for (size_t i = 0; i < verdict->results[0].criterion_count; i++)
        assert_int_not_equal(verdict->results[0].criteria[i].result, STINT_RESULT_PASS);
}

static void an_honest_open_model_has_no_finding(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    for (size_t i = 0; i < verdict->finding_count; i++)
        print_error("%s: %s\n", verdict->findings[i].id, verdict->findings[i].what);
    assert_int_equal(verdict->finding_count, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_format_says_what_is_in_it),
        CASE(a_gguf_header_names_licence_base_and_quantization),
        CASE(a_broken_gguf_header_is_not_readable),
        CASE(gguf_tensors_lie_in_the_file),
        CASE(an_onnx_file_needs_a_graph_that_computes),
        CASE(terms_behind_a_large_graph_are_read),
        CASE(a_missing_shard_makes_the_snapshot_partial),
        CASE(a_described_file_must_be_the_one_that_is_there),
        CASE(each_pattern_of_open_washing_is_found_by_its_facts),
        cmocka_unit_test(names_of_terms_are_told_from_names_of_other_files),
        CASE(thousands_of_names_never_pass),
        CASE(an_honest_open_model_has_no_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
