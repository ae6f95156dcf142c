/* From folders to verdicts: the open model passes, and each thing that is taken away or added
 * changes the criterion it should, with its file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static void an_open_model_passes_every_criterion(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_AUTO, NULL);
    assert_int_equal(verdict->kind, STINT_KIND_MODEL);
    for (size_t i = 0; i < verdict->results[0].criterion_count; i++) {
        const struct stint_criterion_result *criterion = &verdict->results[0].criteria[i];
        if (criterion->result != STINT_RESULT_PASS)
            fail_msg("%s is %s: %s", criterion->id, stint_result_name(criterion->result),
                     criterion->why);
        assert_true(criterion->evidence_count > 0);
    }
    assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    assert_int_equal(stint_verdict_reason(verdict), STINT_REASON_NONE);
    assert_int_equal(verdict->results[0].assurance, STINT_ASSURANCE_VERIFIED);
}

#define CARD_HEAD  "---\nlicense: apache-2.0\ndatasets:\n- village/sentences\n"
#define SAID(line) CARD_HEAD line "---\n# Tiny\n"

/* One file changed in the open model (@text NULL: removed), and what becomes of a criterion. */
static const struct {
    const char *path;
    const char *text;
    const char *id;
    const char *result;
} changes[] = {
    { "src/train.py", NULL, "OSAID-C2", "fail" },
    { "src/train.py", "train\n", "OSAID-C2", "unknown" },
    { "src/prepare.py", NULL, "OSAID-C1", "unknown" },
    { "src/generate.py", NULL, "OSAID-C5", "fail" },
    { "src/generate.py", "import torch\ndef generate():\n  a=1\n  b=2\n  c=3\n  return predict\n",
      "OSAID-C4", "unknown" },
    { "model.safetensors", NULL, "OSAID-P1", "fail" },
    { "model.safetensors", "garbage", "OSAID-F2", "fail" },
    { "DATA.md", NULL, "OSAID-D1a", "fail" },
    { "DATA.md", "# Data\nEverything is described elsewhere, at great length, by others.\n",
      "OSAID-D1a", "unknown" },
    { "README.md", "---\ndatasets:\n- village/sentences\n---\n", "OSAID-P2", "pass" },
    { "LICENSE", NULL, "OSAID-P2", "pass" },
    { "README.md", SAID("base_model: nobody/knows-this\n"), "OSAID-P2", "unknown" },
    { "README.md", SAID("base_model: nobody/knows-this\n"), "OSAID-F1", "unknown" },
    { "README.md", SAID("base_model: meta-llama/Meta-Llama-3-8B\n"), "OSAID-F1", "fail" },
    { "README.md", SAID("extra_gated_prompt: who are you\n"), "OSAID-F1", "fail" },
    { "README.md", SAID("extra_gated_eu_disallowed: true\n"), "OSAID-F1", "fail" },
    { "README.md", "---\nlicense: cc-by-nc-4.0\ndatasets:\n- village/sentences\n---\n", "OSAID-F1",
      "fail" },
    { "README.md", "---\nlicense: [apache-2.0, llama3]\ndatasets:\n- village/sentences\n---\n",
      "OSAID-P2", "fail" },
    { "README.md", "---\nlicense: other\nlicense_name: homebrew\n---\n", "OSAID-P2", "unknown" },
    { "README.md", "---\nlicense: other\n---\n", "OSAID-P2", "pass" }, /* the text decides */
    { "README.md", "---\nlicense: other\nlicense_link: LICENSE\n---\n", "OSAID-P2", "pass" },
    { "README.md", "---\nlicense: other\nlicense_link: https://x.org/terms\n---\n", "OSAID-P2",
      "unknown" },
    { "README.md", "---\nlicense: other\nlicense_link: DATA.md\n---\n", "OSAID-P2", "unknown" },
    { "README.md", "---\nlicense: apache-2.0\nnever: closed\n", "OSAID-P2", "unknown" },
    { "README.md", "---\na: &a [x,x]\nb: [*a,*a]\n---\n", "OSAID-P2", "unknown" },
    { "README.md", SAID("") "Weights are for research purposes only.\n", "OSAID-F1", "unknown" },
    { "adapter_config.json", "{\"base_model_name_or_path\":\"google/gemma-2b\"}", "OSAID-F1",
      "fail" },
    { "adapter_config.json", "{\"base_model_name_or_path\":\"/home/me/base\"}", "OSAID-P2",
      "unknown" },
    /* What other programs would read and we would not must not hide a base or a term. */
    { "adapter_config.json", "{\"a\":1,\"a\":2}", "OSAID-P2", "unknown" },
    { "config.json", "{\"model_type\":\"t\",}", "OSAID-P2", "unknown" },
    { "model.yml", "framework: {name: Model Openness Framework}\nrelease: &a {x: *a}\n", "OSAID-P2",
      "unknown" },
    { "bom.json", "{\"bomFormat\":\"CycloneDX\",", "OSAID-P2", "unknown" },
    { "croissant.json", "{\"conformsTo\":\"croissant\",\"a\":1,\"a\":2}", "OSAID-P2", "unknown" },
    { "model-metadata.json", "[]", "OSAID-P2", "unknown" },
    { "config.json", "{\"model_type\":\"t\",\"_name_or_path\":\"meta-llama/Llama-2-7b-hf\"}",
      "OSAID-F1", "fail" },
    { "USE_POLICY.md", "You may not use it for any commercial purpose whatsoever.\n", "OSAID-P2",
      "unknown" },
    { "src/extra.py", "# SPDX-License-Identifier: CC-BY-NC-4.0\nx = 1\n", "OSAID-C7", "fail" },
    { "src/extra.py", "# SPDX-License-Identifier: MIT\nx = 1\n", "OSAID-C7", "pass" },
    { "src/LICENSE", "All rights reserved. No use of any kind is allowed.\n", "OSAID-C7",
      "unknown" },
    { "data.bin.incomplete", "x", "OSAID-C5", "pass" },
};

static void each_change_moves_its_own_criterion(void **state)
{
    struct fixture *f = *state;
    char path[128];
    char name[32];
    size_t wrong = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(changes); i++) {
        (void)snprintf(name, sizeof(name), "m%zu", i);
        (void)snprintf(path, sizeof(path), "%s/%s", name, changes[i].path);
        fixture_open_model(f, name);
        if (changes[i].text)
            fixture_text(f, path, changes[i].text);
        else
            fixture_remove(f, path);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, STINT_KIND_MODEL, NULL);
        const struct stint_criterion_result *criterion = fixture_criterion(verdict, changes[i].id);
        if (strcmp(stint_result_name(criterion->result), changes[i].result) != 0)
            fail_msg("change %zu (%s): %s is %s, wanted %s: %s", i, changes[i].path, changes[i].id,
                     stint_result_name(criterion->result), changes[i].result, criterion->why);
        if (criterion->result == STINT_RESULT_FAIL)
            assert_true(criterion->evidence_count > 0);
        if (criterion->result != STINT_RESULT_PASS)
            assert_string_not_equal(criterion->would_pass, "");
    }
    assert_int_equal(wrong, 0);
}

static void a_rider_in_the_licence_is_found_with_its_line(void **state)
{
    struct fixture *f = *state;
    char text[20000];
    fixture_open_model(f, "m");
    (void)snprintf(text, sizeof(text), "%s\nYou may not use the Work for commercial purposes.\n",
                   fixture_apache());
    fixture_text(f, "m/LICENSE", text);
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_int_not_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "unknown");
    const struct stint_criterion_result *f1 = fixture_criterion(verdict, "OSAID-F1");
    assert_int_not_equal(f1->result, STINT_RESULT_PASS);
    const struct stint_fact *fact = stint_facts_by_id(verdict->facts, f1->evidence[0]);
    assert_non_null(fact);
    assert_string_equal(fact->path, "LICENSE");
    assert_true(fact->has_sha256);
}

static void absence_counts_only_in_a_complete_snapshot(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_remove(f, "m/src/train.py");
    fixture_text(f, "m/big.bin",
                 "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_int_equal(verdict->complete, STINT_COMPLETE_NO);
    assert_string_equal(fixture_result(verdict, "OSAID-C2"), "unknown");
    assert_int_equal(stint_verdict_reason(verdict), STINT_REASON_EvidenceMissing);
}

static void a_link_to_code_elsewhere_keeps_absence_open(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_remove(f, "m/src/train.py");
    fixture_text(f, "m/NOTES.md", "Training code: https://github.com/example/tiny\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_string_equal(fixture_result(verdict, "OSAID-C2"), "unknown");
}

static void unknown_terms_are_the_headline_when_they_come_first(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_remove(f, "m/LICENSE");
    fixture_text(f, "m/README.md",
                 "---\nlicense: other\nlicense_name: homebrew\n"
                 "datasets:\n- village/sentences\n---\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_UNKNOWN);
    assert_int_equal(stint_verdict_reason(verdict), STINT_REASON_LicenceUnknown);
}

#define WHOLE "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void damaged_weights_are_never_readable(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {
        "{}",
        "[]",
        "{\"w\":1}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9],\"data_offsets\":[0,8]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"a\":" WHOLE ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"w\":" WHOLE ",\"w\":" WHOLE "}",
        /* 2^64 - 4 bits, which round up to none */
        "{\"w\":" WHOLE ",\"x\":{\"dtype\":\"F4\",\"shape\":[4611686018427387903],"
        "\"data_offsets\":[8,8]}}",
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(headers); i++) {
        fixture_open_model(f, "m");
        fixture_tensors(f, "m/model.safetensors", headers[i]);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        if (strcmp(fixture_result(verdict, "OSAID-F2"), "fail") != 0 ||
            !fixture_has_finding(verdict, "T-weights"))
            fail_msg("header %zu was taken", i);
    }
}

static void huge_and_truncated_headers_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = { "", "\1", "\xff\xff\xff\xff\xff\xff\xff\x7f{}",
                                         "\xff\xff\xff\xff\xff\xff\xff\xff{}",
                                         "\x10\0\0\0\0\0\0\0{}" };
    static const size_t lengths[] = { 0, 1, 10, 10, 10 };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(files); i++) {
        fixture_open_model(f, "m");
        fixture_bytes(f, "m/model.safetensors", files[i], lengths[i]);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        assert_int_not_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
        assert_true(fixture_has_finding(verdict, "T-weights"));
    }
}

static struct stint_verdict *judge_attested(struct fixture *f, const char *path,
                                            const char *attestations, int expected)
{
    struct stint_error err = { 0 };
    struct stint_verdict *verdict = NULL;
    struct stint_evaluation evaluation = { .path = fixture_path(f, path),
                                           .kind = STINT_KIND_MODEL,
                                           .attestations = attestations };
    int r = stint_evaluate(f->evaluator, &evaluation, &verdict, NULL, &err);
    if (r != expected)
        fail_msg("%d: %s", r, err.text);
    return verdict;
}

#define STATEMENT                                                                                  \
    "[{\"schema\":\"stint.attestation/"                                                            \
    "1\",\"digest\":\"sha256:%s\",\"component\":\"training-code\","                                \
    "\"predicate\":\"present\",\"value\":true,\"source\":\"https://example.org/tiny\","            \
    "\"date\":\"2026-11-01\",\"reviewer\":\"R. Eve\"},"                                            \
    "{\"schema\":\"stint.attestation/1\",\"digest\":\"sha256:%s\",\"component\":"                  \
    "\"training-settings\",\"predicate\":\"present\",\"value\":true,\"source\":\"same\","          \
    "\"date\":\"2026-11-01\",\"reviewer\":\"R. Eve\"}]"

static void a_reviewers_word_counts_for_the_bytes_it_names(void **state)
{
    struct fixture *f = *state;
    char text[2048];
    char hex[STINT_SHA256_HEX];
    fixture_open_model(f, "m");
    fixture_remove(f, "m/src/train.py");
    struct stint_verdict *verdict = judge_attested(f, "m", NULL, 0);
    assert_string_equal(fixture_result(verdict, "OSAID-C2"), "fail");
    stint_sha256_hex(&verdict->digest, hex);
    stint_verdict_free(verdict);
    (void)snprintf(text, sizeof(text), STATEMENT, hex, hex);
    verdict = judge_attested(f, "m", text, 0);
    assert_string_equal(fixture_result(verdict, "OSAID-C2"), "pass");
    stint_verdict_free(verdict);
    fixture_text(f, "m/extra.txt", "one more file");
    verdict = judge_attested(f, "m", text, 0);
    assert_string_equal(fixture_result(verdict, "OSAID-C2"), "fail");
    assert_true(fixture_has_finding(verdict, "T-attestation"));
    stint_verdict_free(verdict);
}

static void a_malformed_statement_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "{}", "[{}]", "[{\"schema\":\"stint.attestation/1\"}]", "[1]", "[",
    };
    fixture_open_model(f, "m");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++)
        assert_null(judge_attested(f, "m", texts[i], STINT_INVALID));
}

#define NC_CARD "---\nlicense: cc-by-nc-4.0\ndatasets: [village/sentences]\n---\n"
#define MOF_RECORD                                                                                 \
    "framework: {name: Model Openness Framework}\nrelease:\n  name: t\n  components:\n"            \
    "  - {name: 'Model parameters (Final)', license: MIT}\n"

/* A permissive word near the weights, while the card says otherwise. */
static void a_word_near_the_weights_lifts_no_terms(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *text;
    } words[] = {
        { "model.safetensors.license", "SPDX-License-Identifier: MIT\n" },
        { "model.yml", MOF_RECORD },
        { "LICENSE-MODEL", NULL },
        { "REUSE.toml", "[[annotations]]\npath = \"**\"\nSPDX-License-Identifier = \"MIT\"\n" },
        { "bom.json",
          "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"type\":"
          "\"machine-learning-model\",\"licenses\":[{\"license\":{\"id\":\"MIT\"}}]}]}" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++) {
        char name[32];
        char path[128];
        (void)snprintf(name, sizeof(name), "m%zu", i);
        fixture_open_model(f, name);
        (void)snprintf(path, sizeof(path), "%s/README.md", name);
        fixture_text(f, path, NC_CARD);
        (void)snprintf(path, sizeof(path), "%s/%s", name, words[i].path);
        fixture_text(f, path, words[i].text ? words[i].text : fixture_apache());
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, STINT_KIND_MODEL, NULL);
        if (strcmp(fixture_result(verdict, "OSAID-P2"), "fail") != 0 ||
            strcmp(fixture_result(verdict, "OSAID-F1"), "fail") != 0)
            fail_msg("%s lifted the terms of the card", words[i].path);
    }
}

static void a_licence_in_a_folder_lifts_no_terms_of_weights_in_it(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", NC_CARD);
    fixture_tensors(f, "m/fp16/model.safetensors", NULL);
    fixture_remove(f, "m/model.safetensors");
    fixture_text(f, "m/fp16/LICENSE", fixture_apache());
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "fail");
}

static void weights_under_another_kind_do_not_pass(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *bytes;
        size_t length;
    } files[] = { { "d/model.safetensors", NULL, 0 },
                  { "d/pytorch_model.bin", "PK\3\4....", 8 },
                  { "d/model.onnx", "\x08\x07\x3a\x02\x0a\x00", 6 } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(files); i++) {
        fixture_open_data(f, "d");
        if (files[i].bytes)
            fixture_bytes(f, files[i].path, files[i].bytes, files[i].length);
        else
            fixture_tensors(f, files[i].path, NULL);
        stint_auto(stint_verdict_free) struct stint_verdict *data =
            fixture_judge(f, "d", STINT_KIND_DATASET, NULL);
        stint_auto(stint_verdict_free) struct stint_verdict *code =
            fixture_judge(f, "d", STINT_KIND_CODE, NULL);
        assert_string_equal(fixture_result(data, "OD-K"), "fail");
        assert_string_equal(fixture_result(code, "OSI-K"), "fail");
        fixture_remove(f, files[i].path);
    }
}

static void an_open_data_set_passes_and_has_its_class(void **state)
{
    struct fixture *f = *state;
    fixture_open_data(f, "d");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "d", STINT_KIND_AUTO, NULL);
    assert_int_equal(verdict->kind, STINT_KIND_DATASET);
    assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    assert_string_equal(verdict->data_class, "open");
}

static const struct {
    const char *card;
    const char *id;
    const char *result;
    enum stint_reason_code reason;
} data_cards[] = {
    { "license: cc-by-nc-4.0\n", "OD-1.1", "fail", STINT_REASON_DataNotOpen },
    { "license: cc-by-nd-4.0\n", "OD-2.1", "fail", STINT_REASON_DataNotOpen },
    { "license: other\n", "OD-1.1", "unknown", STINT_REASON_LicenceUnknown },
    { "license: cc0-1.0\nsource_datasets:\n- nobody/knows\n", "OD-S", "unknown",
      STINT_REASON_LicenceUnknown },
    { "license: cc0-1.0\nsource_datasets:\n- imagenet-1k\n", "OD-2.1", "fail",
      STINT_REASON_DataNotOpen },
    { "license: cc0-1.0\ngated: auto\n", "OD-1.2", "fail", STINT_REASON_DataNotOpen },
    { "pretty_name: no licence\n", "OD-1.1", "fail", STINT_REASON_DataNotOpen },
};

static void data_sets_fail_for_their_own_reasons(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(data_cards); i++) {
        char text[512];
        fixture_open_data(f, "d");
        (void)snprintf(text, sizeof(text), "---\nsize_categories: [n<1K]\n%s---\n",
                       data_cards[i].card);
        fixture_text(f, "d/README.md", text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "d", STINT_KIND_AUTO, NULL);
        if (strcmp(fixture_result(verdict, data_cards[i].id), data_cards[i].result) != 0 ||
            stint_verdict_reason(verdict) != data_cards[i].reason)
            fail_msg("card %zu: %s is %s, reason %s", i, data_cards[i].id,
                     fixture_result(verdict, data_cards[i].id),
                     stint_reason_name(stint_verdict_reason(verdict)));
    }
}

static void every_file_of_a_code_tree_needs_an_approved_licence(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "c/a.py", "# SPDX-License-Identifier: MIT\nx = 1\n");
    fixture_text(f, "c/b/c.c", "/* SPDX-License-Identifier: Apache-2.0 */\n");
    {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "c", STINT_KIND_CODE, NULL);
        assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    }
    fixture_text(f, "c/b/bare.py", "x = 2\n");
    {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "c", STINT_KIND_CODE, NULL);
        assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_UNKNOWN);
        const struct stint_criterion_result *criterion = fixture_criterion(verdict, "OSI-1");
        assert_string_equal(stint_facts_by_id(verdict->facts, criterion->evidence[0])->path,
                            "b/bare.py");
    }
    fixture_text(f, "c/LICENSE", fixture_apache());
    {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "c", STINT_KIND_CODE, NULL);
        assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    }
}

static void a_single_licence_text_is_judged(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "LICENSE", fixture_apache());
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "LICENSE", STINT_KIND_AUTO, NULL);
    assert_int_equal(stint_verdict_result(verdict), STINT_RESULT_PASS);
    assert_int_equal(verdict->licence_count, 1);
    assert_string_equal(verdict->licences[0].id, "Apache-2.0");
    assert_string_equal(verdict->licences[0].match, "clean");
}

static void a_registered_name_resolves_through_a_second_catalogue(void **state)
{
    struct fixture *f = *state;
    struct stint_evaluator *evaluator = NULL;
    char dirs[200];
    struct stint_evaluator_options options = { .catalogue_dir = dirs };
    (void)snprintf(dirs, sizeof(dirs), "/nowhere:%s/known", f->root);
    fixture_text(
        f, "known/registered.yaml",
        "entries:\n- name: org/base\n  kind: model\n  date: '2026-11-25'\n"
        "  datasets: [org/set]\n  parts:\n  - {part: weights, licence: MIT, source: here}\n"
        "- name: org/set\n  kind: dataset\n  date: '2026-11-25'\n  describes:\n"
        "  - describes-provenance\n  parts:\n"
        "  - {part: all, licence: CC0-1.0, class: open, location: here, source: here}\n");
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", SAID("base_model: org/base\n"));
    for (int is_known = 0; is_known < 2; is_known++) {
        stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
        if (is_known)
            assert_int_equal(stint_evaluator_open(&options, &evaluator, NULL), 0);
        assert_int_equal(stint_evaluate_path(is_known ? evaluator : f->evaluator,
                                             fixture_path(f, "m"), STINT_KIND_MODEL, NULL, &verdict,
                                             NULL),
                         0);
        assert_string_equal(fixture_result(verdict, "OSAID-P2"), is_known ? "pass" : "unknown");
        assert_string_equal(fixture_result(verdict, "OSAID-D1a"), is_known ? "pass" : "unknown");
        stint_evaluator_close(evaluator);
    }
}

static void a_slip_in_the_catalogue_is_refused_with_its_line(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "entries: 1\n", "catalogue/x.yaml:1" },
        { "entries:\n- name: a\n", "catalogue/x.yaml:2" },
        { "entries:\n- {name: a, kind: model, date: d}\n", "catalogue/x.yaml:2" },
        { "entries:\n- {name: a, kind: model, date: d, parts: [{part: p}]}\n", "x.yaml:2" },
        { "entries:\n- {name: a, kind: model, date: d, verdict: open, parts: [{part: p, licence: "
          "MIT, source: s}]}\n",
          "not a key of an entry" },
        { "entries:\n- {name: a, kind: dataset, date: d, parts: [{part: p, licence: MIT, source: "
          "s, "
          "class: free}]}\n",
          "not a class" },
    };
    char dir[128];
    struct stint_evaluator_options options = { .catalogue_dir = dir };
    (void)snprintf(dir, sizeof(dir), "%s/known", f->root);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_evaluator *evaluator = NULL;
        struct stint_error err = { 0 };
        fixture_text(f, "known/x.yaml", cases[i].text);
        assert_int_equal(stint_evaluator_open(&options, &evaluator, &err), STINT_INVALID);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu: %s", i, err.text);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_open_model_passes_every_criterion),
        CASE(each_change_moves_its_own_criterion),
        CASE(a_rider_in_the_licence_is_found_with_its_line),
        CASE(absence_counts_only_in_a_complete_snapshot),
        CASE(a_link_to_code_elsewhere_keeps_absence_open),
        CASE(unknown_terms_are_the_headline_when_they_come_first),
        CASE(damaged_weights_are_never_readable),
        CASE(huge_and_truncated_headers_are_refused),
        CASE(a_reviewers_word_counts_for_the_bytes_it_names),
        CASE(a_malformed_statement_is_refused),
        CASE(a_word_near_the_weights_lifts_no_terms),
        CASE(a_licence_in_a_folder_lifts_no_terms_of_weights_in_it),
        CASE(weights_under_another_kind_do_not_pass),
        CASE(an_open_data_set_passes_and_has_its_class),
        CASE(data_sets_fail_for_their_own_reasons),
        CASE(every_file_of_a_code_tree_needs_an_approved_licence),
        CASE(a_single_licence_text_is_judged),
        CASE(a_registered_name_resolves_through_a_second_catalogue),
        CASE(a_slip_in_the_catalogue_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
