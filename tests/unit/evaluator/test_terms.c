/* Terms wherever they stand: sentences of pages, files beside the licence, comments at the head of
 * source files, keys of cards and packages. Each pattern is met from both sides: what restricts is
 * found, and what only sounds like it is not. */
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

#define CARD(lines)                                                                                \
    "---\nlicense: apache-2.0\ndatasets: [village/sentences]\n" lines "---\n# Tiny\n"

/* One file put over the open model: what becomes of a criterion, and a finding that must ("OW3") or
 * must not ("!OW3") be there. */
struct change {
    const char *path;
    const char *text;
    const char *id;
    const char *result;
    const char *finding;
};

static void judge_changes(struct fixture *f, const struct change *changes, size_t count,
                          enum stint_artifact_kind kind)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        char path[200];
        const char *finding = changes[i].finding ? changes[i].finding : "";
        (void)snprintf(name, sizeof(name), "m%zu", i);
        (void)snprintf(path, sizeof(path), "%s/%s", name, changes[i].path);
        if (kind == STINT_KIND_MODEL)
            fixture_open_model(f, name);
        fixture_text(f, path, changes[i].text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, kind, NULL);
        bool is_wanted = finding[0] != '!';
        const char *result = fixture_result(verdict, changes[i].id);
        if (strcmp(result, changes[i].result) == 0 &&
            (!*finding || fixture_has_finding(verdict, finding + !is_wanted) == is_wanted))
            continue;
        print_error("%zu %s: %s is %s, wanted %s %s: %.60s…\n", i, changes[i].path, changes[i].id,
                    result, changes[i].result, finding, changes[i].text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#define PAGE(text) CARD("") "\nA model.\n\n" text "\n"

static const struct change sentences[] = {
    { "README.md", PAGE("You may only use this model for non commercial research."), "OSAID-F1",
      "unknown", "OW12" },
    { "README.md", PAGE("Commercial use requires a separate license from us."), "OSAID-F1",
      "unknown", "OW12" },
    { "README.md",
      PAGE("If you have more than 700 million monthly active users, you must request a license."),
      "OSAID-F1", "unknown", "OW3" },
    { "README.md",
      PAGE("The rights are not granted to individuals domiciled in the European Union."),
      "OSAID-F1", "unknown", "OW5" },
    { "README.md", PAGE("We reserve the right to restrict (remotely or otherwise) usage of it."),
      "OSAID-F1", "unknown", "OW19" },
    { "README.md", PAGE("Use of this model is governed by the Gemma Terms of Use."), "OSAID-F1",
      "unknown", "OW4" },
    { "README.md", PAGE("It is governed by the Apache 2.0 license and the Gemma Terms."),
      "OSAID-F1", "unknown", "OW4" },
    { "README.md", PAGE("By downloading you agree to the terms at https://x.example/terms."),
      "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("```\nThe weights may be used for research purposes only.\n```"),
      "OSAID-F1", "unknown", "OW12" },
    { "README.md", PAGE("There are no restrictions except that commercial use is prohibited."),
      "OSAID-F1", "unknown", "OW12" },
    { "README.md", PAGE("You may not use the model for commercial or non-commercial purposes."),
      "OSAID-F1", "unknown", "OW12" },
    { "README.md", PAGE("Unlike Llama 2, this model may not be used for commercial purposes."),
      "OSAID-F1", "unknown", "OW12" },
    /* A folder without weights. */
    { "demo/README.md", "The weights may be used for research purposes only.\n", "OSAID-F1", "pass",
      "!OW12" },
    { "demo/README.md", "---\nlicense: llama2\n---\n# Demo\n", "OSAID-F1", "pass", "!OW3" },
    /* In words that name no facet. */
    { "README.md", PAGE("## License\n\nAcademic use is free. Companies need to buy a licence."),
      "OSAID-F1", "unknown", "OW17" },
    { "README.md", PAGE("Only students may use this checkpoint."), "OSAID-F1", "unknown", "OW17" },
    { "README.md", PAGE("Please ask the authors for permission before redistributing the weights."),
      "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("You may not share the weights with third parties."), "OSAID-F1", "unknown",
      NULL },
    { "README.md", PAGE("Any deployment in production requires our prior written consent."),
      "OSAID-F1", "unknown", "OW17" },
    { "README.md", PAGE("Businesses with more than ten employees have to pay a fee."), "OSAID-F1",
      "unknown", NULL },
    { "README.md", PAGE("Governments and the military may not use this model."), "OSAID-F1",
      "unknown", NULL },
    { "README.md", PAGE("Citizens of Russia are excluded from using this model."), "OSAID-F1",
      "unknown", "OW17" },
    { "README.md", PAGE("We do not permit redistribution."), "OSAID-F1", "unknown", "OW17" },
    { "README.md", PAGE("The weights must be deleted after 30 days."), "OSAID-F1", "unknown",
      "OW17" },
    { "README.md", PAGE("The weights are proprietary."), "OSAID-F1", "unknown", "OW17" },
    { "README.md", PAGE("**Terms**\n\nNot before the embargo ends."), "OSAID-F1", "unknown",
      "OW17" },
    { "README.md", PAGE("Terms\n-----\nNobody outside the lab."), "OSAID-F1", "unknown", "OW17" },
    /* What is advised, and what a thing cannot do. */
    { "README.md",
      PAGE("The model should not be used to make decisions about people. It is not intended for "
           "deployment, is not in itself a product and cannot be used for human-facing talk."),
      "OSAID-F1", "pass", "!OW17" },
    { "README.md",
      PAGE("Companies need to evaluate the model before they deploy it, and developers must run "
           "their own safety testing. It was trained on English text only."),
      "OSAID-F1", "pass", "!OW17" },
    { "README.md",
      PAGE("You need to install transformers to use the model. The weights cannot be loaded with "
           "old versions. Fine-tuning requires a GPU."),
      "OSAID-F1", "pass", "!OW17" },
    { "README.md",
      PAGE("## License\n\nApache-2.0. No permission is needed. You must include a copy of the "
           "licence when you redistribute the weights.\n\n## Use\n\nNot before Python 3.9."),
      "OSAID-F1", "pass", "!OW17" },
    { "README.md",
      PAGE("Any organisation may use, modify and sell the model without asking. You do not need a "
           "licence from us."),
      "OSAID-F1", "pass", "!OW17" },
    { "README.md",
      PAGE("Licensed under the Apache License; you may not use these files except in compliance "
           "with the License."),
      "OSAID-F1", "pass", "!OW17" },
    /* Near them. */
    { "README.md", PAGE("There is no restriction on commercial or non-commercial use."), "OSAID-F1",
      "pass", "!OW12" },
    { "README.md", PAGE("Use is not limited to non-commercial research."), "OSAID-F1", "pass",
      "!OW12" },
    { "README.md", PAGE("Commercial use is not restricted."), "OSAID-F1", "pass", "!OW12" },
    { "README.md", PAGE("It may be used for any purpose, commercial or non-commercial."),
      "OSAID-F1", "pass", "!OW12" },
    { "README.md", PAGE("We evaluate on a benchmark that is licensed for non-commercial use only."),
      "OSAID-F1", "pass", "!OW12" },
    { "README.md",
      PAGE("Unlike Llama 2, whose license forbids uses and limits you to 700 million monthly "
           "active users, this model is free."),
      "OSAID-F1", "pass", "!OW3" },
    { "README.md", PAGE("<!-- may be used for research purposes only? ask -->"), "OSAID-F1", "pass",
      "!OW12" },
    { "README.md", PAGE("It outperforms competing models and was distilled from a larger model."),
      "OSAID-F1", "pass", NULL },
    { "README.md", PAGE("You must install Python first. Images need registration before use."),
      "OSAID-F1", "pass", "!OW11" },
    { "README.md", PAGE("Use is governed by the terms of the Apache License 2.0."), "OSAID-F1",
      "pass", NULL },
    { "CONTRIBUTING.md", "You must agree to the contributor agreement before we merge.\n",
      "OSAID-F1", "pass", NULL },
    /* Restricting licences by name, other languages, and bases that only a page names. */
    { "README.md", PAGE("This model is released under CC-BY-NC-4.0."), "OSAID-F1", "unknown",
      NULL },
    { "README.md", PAGE("It is licensed under the Llama 3.1 Community License."), "OSAID-F1",
      "unknown", NULL },
    { "README.md", PAGE("Weights: CC BY-NC 4.0"), "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("The model is released under the licence\nCC-BY-NC-4.0."), "OSAID-F1",
      "unknown", NULL },
    { "README.md", PAGE("This model is released under Apache-2.0."), "OSAID-F1", "pass", NULL },
    { "README.md", PAGE("Released under the Apache License, Version 2.0."), "OSAID-F1", "pass",
      NULL },
    { "README.md", PAGE("**License:** Apache-2.0 (see LICENSE)"), "OSAID-F1", "pass", NULL },
    { "README.md", PAGE("**License:** proprietary"), "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("Licence | custom"), "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("Released under the Acme Research License."), "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("It can be fine-tuned from Python."), "OSAID-P2", "pass", NULL },
    { "README.md", PAGE("Unlike Llama, it is not under the Llama 3.1 Community License."),
      "OSAID-F1", "pass", NULL },
    { "README.md", PAGE("One of the benchmarks is licensed under CC-BY-NC-4.0."), "OSAID-F1",
      "pass", NULL },
    { "README.md", PAGE("Nur f\xc3\xbcr nichtkommerzielle Nutzung."), "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("L'utilisation commerciale est interdite."), "OSAID-F1", "unknown", NULL },
    { "README.md",
      PAGE("\xe6\x9c\xac\xe6\xa8\xa1\xe5\x9e\x8b\xe4\xbb\x85\xe4\xbe\x9b\xe5\xad\xa6\xe6\x9c\xaf"
           "\xe7\xa0\x94\xe7\xa9\xb6\xe4\xbd\xbf\xe7\x94\xa8\xe3\x80\x82"),
      "OSAID-F1", "unknown", NULL },
    { "README.md", PAGE("It was fine-tuned from nobody/knows-7b on our data."), "OSAID-P2",
      "unknown", NULL },
    { "README.md", PAGE("A quantized version of [Llama 3](https://x.example)."), "OSAID-P2",
      "unknown", NULL },
    { "README.md", PAGE("It beats other models, such as a fine-tuned version of Llama."),
      "OSAID-P2", "pass", NULL },
    { "README.md", PAGE("Nothing was fine-tuned from scratch."), "OSAID-P2", "pass", NULL },
    /* Licences of the code alone. */
    { "README.md", PAGE("This LICENSE covers the source code only, not the model weights."),
      "OSAID-P2", "unknown", "OW9" },
    { "README.md", PAGE("The code is under Apache-2.0."), "OSAID-P2", "unknown", "OW9" },
    { "README.md", PAGE("Our code is Apache-2.0. For the weights see the model licence."),
      "OSAID-F1", "unknown", "OW9" },
    { "README.md", PAGE("The code is under Apache-2.0. The weights are under Apache-2.0 too."),
      "OSAID-P2", "pass", "!OW9" },
    { "README.md", PAGE("Code and weights are under Apache-2.0."), "OSAID-P2", "pass", "!OW9" },
    { "README.md", PAGE("The license covers not only the code but also the weights."), "OSAID-P2",
      "pass", "!OW9" },
};

static void sentences_that_restrict_are_claims(void **state)
{
    judge_changes(*state, sentences, STINT_ARRAY_SIZE(sentences), STINT_KIND_MODEL);
}

#define NO_WAR "You may not use the model for military purposes.\n"

static const struct change files[] = {
    { "Tongyi Qianwen LICENSE AGREEMENT", NO_WAR, "OSAID-F1", "fail", "OW4" },
    { "PROHIBITED_USES.md", NO_WAR, "OSAID-F1", "fail", "OW20" },
    { "Notice", NO_WAR, "OSAID-F1", "fail", "OW4" },
    { "USE_RESTRICTIONS.md", NO_WAR, "OSAID-F1", "fail", "OW20" },
    { "Attachment_A.md", NO_WAR, "OSAID-F1", "fail", "OW20" },
    { "Prohibited_Use.md", NO_WAR, "OSAID-P2", "unknown", "OW20" },
    { "USE_POLICY.md", "You must not use it on Sundays.\n", "OSAID-P2", "unknown", "OW20" },
    { "USE_POLICY.md", "# Use policy\n\nThere is none: use the model for whatever you like.\n",
      "OSAID-F1", "pass", "!OW20" },
    { "PRIVACY_POLICY.md", "# Privacy policy\n\nWe collect nothing.\n", "OSAID-F1", "pass",
      "!OW20" },
    { "PRIVACY_POLICY.md", "You may not use our site for military purposes.\n", "OSAID-F1", "pass",
      "!OW20" },
    { "NOTICE", "Tiny\nCopyright 2026 Jane\nThis product includes software of others.\n",
      "OSAID-F1", "pass", NULL },
};

static void what_a_file_of_terms_says_decides_and_not_its_name(void **state)
{
    judge_changes(*state, files, STINT_ARRAY_SIZE(files), STINT_KIND_MODEL);
}

#define BODY "import sys\n\ndef f(x):\n    return x\n"
#define NVIDIA                                                                                     \
    "# Copyright (c) 2023 Example Corporation. All rights reserved.\n#\n"                          \
    "# Example Corporation retains all intellectual property. Any use, reproduction,\n"            \
    "# disclosure or distribution of this file without an express license agreement\n"             \
    "# is strictly prohibited.\n"
#define APACHE_HEAD                                                                                \
    "# Copyright 2026 Jane Doe\n#\n"                                                               \
    "# Licensed under the Apache License, Version 2.0 (the \"License\");\n"                        \
    "# you may not use this file except in compliance with the License.\n"                         \
    "# You may obtain a copy of the License at\n#\n"                                               \
    "#     http://www.apache.org/licenses/LICENSE-2.0\n#\n"                                        \
    "# Unless required by applicable law or agreed to in writing, software\n"                      \
    "# distributed under the License is distributed on an \"AS IS\" BASIS,\n"                      \
    "# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.\n"                 \
    "# See the License for the specific language governing permissions and\n"                      \
    "# limitations under the License.\n"

static const struct change headers[] = {
    { "src/x.py", NVIDIA BODY, "OSAID-C7", "unknown", NULL },
    { "src/x.py", NVIDIA BODY, "OSAID-F4", "fail", NULL },
    { "src/x.py", "#!/usr/bin/python3\n# For non-commercial research use only.\n" BODY, "OSAID-F1",
      "fail", "OW12" },
    { "src/x.c",
      "/*\n * This may be used according to the terms of the Llama 2 Community\n"
      " * License Agreement.\n */\nint x;\n",
      "OSAID-F1", "fail", "OW3" },
    { "src/x.py", "\"\"\"Proprietary and confidential.\"\"\"\n" BODY, "OSAID-C7", "unknown", NULL },
    { "src/x.py", APACHE_HEAD "# You may not use it for military purposes.\n" BODY, "OSAID-F1",
      "fail", "OW4" },
    { "src/x.py", APACHE_HEAD BODY, "OSAID-C7", "pass", NULL },
    { "src/x.py", "# Copyright 2026 Jane Doe. All rights reserved.\n" BODY, "OSAID-C7", "pass",
      NULL },
    { "src/x.py",
      "# This source code is licensed under the MIT license found in the\n"
      "# LICENSE file in the root directory of this source tree.\n" BODY,
      "OSAID-C7", "pass", NULL },
    { "src/x.py",
      "# This file is subject to the terms and conditions defined in\n"
      "# file 'LICENSE', which is part of this source code package.\n" BODY,
      "OSAID-C7", "pass", NULL },
    { "src/x.py", "# Trains on commercial speech; registration of images is not used.\n" BODY,
      "OSAID-F1", "pass", NULL },
    { "src/x.py", BODY "# For non-commercial research use only, says a test below.\n", "OSAID-F1",
      "pass", NULL },
};

static void a_comment_at_the_head_of_a_file_speaks_for_the_file(void **state)
{
    judge_changes(*state, headers, STINT_ARRAY_SIZE(headers), STINT_KIND_MODEL);
}

static const struct change keys[] = {
    { "README.md", CARD("license_link: https://x.example/terms-noncommercial\n"), "OSAID-P2",
      "unknown", "OW17" },
    { "README.md", CARD("license_name: acme-noncommercial\n"), "OSAID-P2", "unknown", "OW17" },
    { "README.md", CARD("license_name: Apache 2.0\nlicense_link: LICENSE\n"), "OSAID-P2", "pass",
      "!OW17" },
    { "README.md", CARD("license_link: https://huggingface.co/a/b/blob/main/LICENSE\n"), "OSAID-P2",
      "pass", "!OW17" },
    { "README.md",
      "---\nlicense: other\nlicense_link: https://ai.google.dev/gemma/terms\n---\n# M\n",
      "OSAID-F1", "fail", "!OW17" },
    { "README.md", "---\nlicense: [apache-2.0, Apache-2.0]\n---\n# M\n", "OSAID-P2", "pass",
      "!OW17" },
    { "README.md", "---\nlicense: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\n---\n# M\n",
      "OSAID-F1", "fail", "!OW7" },
    { "README.md", "---\nlicense: apache-2.0\nbase_model: meta-llama/Llama-3.1-8B\n---\n# M\n",
      "OSAID-F1", "fail", "OW7" },
    { "README.md", CARD("base_model: nobody/knows\n"), "OSAID-P2", "unknown", "!conflict" },
    { "README.md", CARD("tags: ['base_model:meta-llama/Llama-2-7b-hf']\n"), "OSAID-F1", "fail",
      "OW7" },
    { "README.md", CARD("tags: ['base_model:finetune:meta-llama/Llama-2-7b-hf']\n"), "OSAID-F1",
      "fail", "OW7" },
    { "README.md", CARD("base_model: https://huggingface.co/meta-llama/Llama-2-7b-hf\n"),
      "OSAID-F1", "fail", "OW7" },
    { "README.md", CARD("base_model: meta-llama/Llama-2-7b-hf@main\n"), "OSAID-F1", "fail", "OW7" },
    { "README.md", CARD("extra_gated_button_content: I agree\n"), "OSAID-F1", "fail", "OW11" },
    { "README.md", CARD("") "Unlike open source models, this one is closed.\n", "OSAID-F1", "pass",
      "!OW2" },
    { "config.json", "{\"model_type\":\"t\",\"_name_or_path\":\"nobody-knows\"}", "OSAID-P2",
      "unknown", NULL },
    { "config.json", "{\"model_type\":\"t\",\"_name_or_path\":\"/home/u/Llama-2-7b-hf\"}",
      "OSAID-P2", "unknown", NULL },
    { "config.json",
      "{\"model_type\":\"t\",\"auto_map\":{\"AutoModel\":\"other/code--modeling.T\"}}", "OSAID-C7",
      "unknown", NULL },
    { "config.json", "{\"model_type\":\"t\",\"auto_map\":{\"AutoModel\":\"modeling.T\"}}",
      "OSAID-C7", "pass", NULL },
    { "config.json", "{\"model_type\":\"t\",\"_name_or_path\":\"./out\"}", "OSAID-P2", "pass",
      NULL },
    { "tokenizer_config.json", "{\"name_or_path\":\"meta-llama/Llama-2-7b-hf\"}", "OSAID-F1",
      "fail", "OW7" },
    { "mergekit_config.yml",
      "models:\n  - model: google/gemma-2b\n  - model: EleutherAI/pythia-1b\n"
      "merge_method: slerp\n",
      "OSAID-F1", "fail", "OW7" },
    /* Whatever the format, and however the key is written. */
    { "README.md", CARD("licence: cc-by-nc-4.0\n"), "OSAID-F1", "fail", NULL },
    { "README.md", CARD("License: cc-by-nc-4.0\n"), "OSAID-F1", "fail", NULL },
    { "README.md", CARD("finetuned_from: nobody/knows\n"), "OSAID-P2", "unknown", NULL },
    { "Kitfile", "package:\n  license: Apache-2.0\nmodel:\n  path: m.safetensors\n", "OSAID-F1",
      "pass", NULL },
    { "Kitfile", "model:\n  license: cc-by-nc-4.0\n", "OSAID-F1", "fail", NULL },
    { "Kitfile", "model:\n  path: nobody/knows:latest\n", "OSAID-P2", "unknown", NULL },
    { "Kitfile", "datasets:\n- license: cc-by-nc-4.0\n", "OSAID-F1", "pass", NULL },
    { "index.json",
      "{\"manifests\":[{\"annotations\":"
      "{\"org.opencontainers.image.licenses\":\"CC-BY-NC-4.0\"}}]}",
      "OSAID-F1", "fail", NULL },
    { "modelpack.json", "{\"descriptor\":{\"licenses\":[\"Apache-2.0\",\"CC-BY-NC-4.0\"]}}",
      "OSAID-F1", "fail", NULL },
    { "Modelfile", "FROM nobody-knows:8b\n", "OSAID-P2", "unknown", NULL },
    { "Modelfile", "FROM .\n", "OSAID-P2", "pass", NULL },
    { "Modelfile", "LICENSE \"\"\"\nmine\n\"\"\"\n", "OSAID-P2", "unknown", NULL },
    { "MLmodel", "metadata:\n  license: cc-by-nc-4.0\n", "OSAID-F1", "fail", NULL },
    { "ro-crate-metadata.json",
      "{\"@graph\":[{\"@id\":\"./\",\"license\":"
      "{\"@id\":\"https://creativecommons.org/licenses/by-nc/4.0/\"}}]}",
      "OSAID-F1", "fail", NULL },
    { "tiny.spdx", "SPDXVersion: SPDX-2.3\nPackageLicenseDeclared: CC-BY-NC-4.0\n", "OSAID-F1",
      "fail", NULL },
    { "model.toml", "license = \"cc-by-nc-4.0\"\n", "OSAID-F1", "fail", NULL },
    { "configs/train.yaml", "model_name_or_path: nobody/knows\n", "OSAID-P2", "unknown", NULL },
    { "configs/compare.yaml", "model_name_or_path: nobody/knows\n", "OSAID-P2", "pass", NULL },
    { "generation_config.json", "{\"license\": [", "OSAID-P2", "unknown", NULL },
    { "generation_config.json", "{\"license\": \"LICENSE\", \"base_model\": null}", "OSAID-P2",
      "pass", NULL },
    { "bom.xml", "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>", "OSAID-P2", "unknown",
      NULL },
    { "NOTICE", "Tiny is licensed under the Llama 3.1 Community License.\n", "OSAID-F1", "unknown",
      NULL },
    { "NOTICE", "It holds code of Tools, licensed under the MIT License.\n", "OSAID-F1", "pass",
      NULL },
    { "card.json", "{\"usage_restrictions\":\"civil only\"}", "OSAID-P2", "unknown", NULL },
    { "COPYRIGHT", "https://creativecommons.org/licenses/by-nc/4.0/\n", "OSAID-F1", "unknown",
      NULL },
    { "docs/USE_POLICY.txt", "You must not use the model for political campaigns.\n", "OSAID-F1",
      "fail", NULL },
    { "model-instance-metadata.json",
      "{\"licenseName\":\"Apache 2.0\",\"baseModelInstance\":\"google/gemma/pyTorch/2b\"}",
      "OSAID-F1", "fail", "OW7" },
};

static void every_key_that_names_terms_or_a_base_is_read(void **state)
{
    judge_changes(*state, keys, STINT_ARRAY_SIZE(keys), STINT_KIND_MODEL);
}

static const struct change packages[] = {
    { "pyproject.toml",
      "[project]\nname = \"x\"\nclassifiers = [\n  \"License :: Other/Proprietary License\",\n]\n",
      "OSI-1", "unknown", NULL },
    { "pyproject.toml", "[project]\nclassifiers = [\"License :: Free for non-commercial use\"]\n",
      "OSI-2", "fail", NULL },
    { "pyproject.toml",
      "[project]\nlicense = \"MIT\"\nclassifiers = [\"License :: OSI Approved :: MIT License\"]\n",
      "OSI-1", "pass", NULL },
    { "pyproject.toml", "[project]\nclassifiers = [\"License :: OSI Approved :: MIT License\"]\n",
      "OSI-1", "pass", NULL },
    { "pyproject.toml", "[project]\nlicense = {text = \"MIT\"}\n[tool.x]\nlicense = \"no\"\n",
      "OSI-1", "pass", NULL },
    { "setup.py", "from setuptools import setup\nsetup(name=\"x\", license=\"Proprietary\")\n",
      "OSI-1", "unknown", NULL },
    { "setup.py", "from setuptools import setup\nsetup(name=\"x\", license=\"MIT\")\n", "OSI-1",
      "pass", NULL },
    { "Cargo.toml",
      "[package]\nlicense = \"MIT OR Apache-2.0\"\n[dependencies]\nlicense = \"3.0\"\n", "OSI-1",
      "pass", NULL },
    { "package.json", "{\"license\":{\"type\":\"MIT\"}}\n", "OSI-1", "pass", NULL },
    { "package.json", "{\"licenses\":[{\"type\":\"MIT\"},{\"type\":\"CC-BY-NC-4.0\"}]}\n", "OSI-1",
      "fail", NULL },
    { "package.json", "{\"license\":\"MIT\",\"dependencies\":{\"license\":\"3.0\"}}\n", "OSI-1",
      "pass", NULL },
    { "CITATION.cff", "cff-version: 1.2.0\nlicense:\n  - MIT\n  - GPL-3.0-only\n", "OSI-1", "pass",
      NULL },
    { ".reuse/dep5", "Format: x\n\nFiles: *\nCopyright: 2026 J\nLicense: MIT\n", "OSI-1", "pass",
      NULL },
    { ".reuse/dep5", "Format: x\n\nFiles: doc/*\nCopyright: 2026 J\nLicense: MIT\n", "OSI-1",
      "fail", NULL },
    { "REUSE.toml",
      "version = 1\n[[annotations]]\npath = \"src/**\"\nSPDX-License-Identifier = \"MIT\"\n",
      "OSI-1", "pass", NULL },
};

static void packages_say_their_licence_in_every_form(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(packages); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "m%zu/src/a.py", i);
        fixture_text(f, path, "x = 1\n");
    }
    judge_changes(f, packages, STINT_ARRAY_SIZE(packages), STINT_KIND_CODE);
}

/* A variant in a folder of its own has a page of its own. */
static void a_page_beside_weights_speaks_for_them(void **state)
{
    struct fixture *f = *state;
    fixture_open_model(f, "sentence");
    fixture_text(f, "sentence/small/pytorch_model.bin", "not weights, but called so");
    fixture_text(f, "sentence/small/docs/README.md",
                 "The weights may be used for research purposes only.\n");
    fixture_text(f, "sentence/small/README.md", "Only students may use these weights.\n");
    fixture_open_model(f, "card");
    fixture_text(f, "card/small/pytorch_model.bin", "not weights, but called so");
    fixture_text(f, "card/small/README.md", "---\nlicense: llama2\n---\n# Small\n");
    stint_auto(stint_verdict_free) struct stint_verdict *sentence =
        fixture_judge(f, "sentence", STINT_KIND_MODEL, NULL);
    stint_auto(stint_verdict_free) struct stint_verdict *card =
        fixture_judge(f, "card", STINT_KIND_MODEL, NULL);
    assert_string_equal(fixture_result(sentence, "OSAID-F1"), "unknown");
    assert_true(fixture_has_finding(sentence, "OW17"));
    assert_false(fixture_has_finding(sentence, "OW12"));
    assert_string_equal(fixture_result(card, "OSAID-F1"), "fail");
    assert_true(fixture_has_finding(card, "OW3"));
}

/* /usr/share/common-licenses/Apache-2.0 has no name that says what it is. */
static void a_text_handed_over_alone_is_a_licence_text(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *text;
        const char *result;
    } cases[] = {
        { "Apache-2.0", NULL, "pass" },
        { "words.txt", NULL, "pass" },
        { "rider", "You may use it for research purposes only.\n", "fail" },
        { "about.md", "Nothing about terms here.\n", "unknown" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        fixture_text(f, cases[i].path, cases[i].text ? cases[i].text : fixture_apache());
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, cases[i].path, STINT_KIND_AUTO, "osi-code");
        assert_string_equal(fixture_result(verdict, "OSI-2"), cases[i].result);
        assert_int_equal(verdict->licence_count, 1);
    }
}

static void a_changed_word_is_shown_at_its_line(void **state)
{
    struct fixture *f = *state;
    char text[20000];
    unsigned line = 1;
    fixture_open_model(f, "m");
    (void)snprintf(text, sizeof(text), "%s\nThe weights shall be kept in the family.\n",
                   fixture_apache());
    fixture_text(f, "m/LICENSE", text);
    for (const char *c = text; c < strstr(text, "The weights shall"); c++)
        line += *c == '\n';
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    for (size_t i = 0; i < verdict->finding_count; i++)
        if (strcmp(verdict->findings[i].id, "OW1") == 0) {
            const struct stint_fact *fact =
                stint_facts_by_id(verdict->facts, verdict->findings[i].evidence[0]);
            assert_int_equal(fact->at.number, line);
            return;
        }
    fail_msg("no OW1");
}

static void names_of_models_are_told_from_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        { "org/name", "org/name" },
        { "org/name@main", "org/name" },
        { "https://huggingface.co/org/name", "org/name" },
        { "https://huggingface.co/org/name/tree/main", "org/name" },
        { "https://hf.co/org/name?x=1", "org/name" },
        { "google/gemma/pyTorch/2b", "google/gemma-2b" },
        { "https://www.kaggle.com/models/google/gemma/keras/7b/2", "google/gemma-7b" },
        { "https://github.com/org/name", "https://github.com/org/name" },
        { "/home/me/org/name", "/home/me/org/name" },
        { "./org/name@x", "./org/name@x" },
        { "a/b/c", "a/b/c" },
        { "gpt2", "gpt2" },
        { "https://huggingface.co/", "https://huggingface.co/" },
        { "", "" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char name[200];
        assert_string_equal(model_name(cases[i].text, name, sizeof(name)), cases[i].name);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sentences_that_restrict_are_claims),
        CASE(what_a_file_of_terms_says_decides_and_not_its_name),
        CASE(a_comment_at_the_head_of_a_file_speaks_for_the_file),
        CASE(every_key_that_names_terms_or_a_base_is_read),
        CASE(packages_say_their_licence_in_every_form),
        CASE(a_page_beside_weights_speaks_for_them),
        CASE(a_text_handed_over_alone_is_a_licence_text),
        CASE(a_changed_word_is_shown_at_its_line),
        cmocka_unit_test(names_of_models_are_told_from_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
