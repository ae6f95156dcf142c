#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int fixture_setup(void **state)
{
    struct stint_error err = { 0 };
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    /* The tree's own, whatever is installed on this machine; the child inherits it. */
    (void)setenv("STINT_RULES", STINT_TEST_DATA "/../../config/rules", 1);
    (void)setenv("STINT_CATALOGUE", STINT_TEST_DATA "/../../config/catalogue", 1);
    (void)setenv("STINT_LICENCES", STINT_TEST_DATA "/../../config/licences", 1);
    (void)snprintf(f->root, sizeof(f->root), "/tmp/stint-evaluator-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    if (stint_evaluator_open(NULL, &f->evaluator, &err) != 0)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    (void)snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", f->root, f->root);
    assert_int_equal(system(command), 0);
    stint_evaluator_close(f->evaluator);
    free(f);
    return 0;
}

const char *fixture_path(const struct fixture *f, const char *path)
{
    static char paths[8][512];
    static unsigned next;
    char *text = paths[next++ % 8];
    (void)snprintf(text, sizeof(paths[0]), "%s/%s", f->root, path);
    return text;
}

void fixture_bytes(const struct fixture *f, const char *path, const void *bytes, size_t length)
{
    char whole[512];
    (void)snprintf(whole, sizeof(whole), "%s", fixture_path(f, path));
    for (char *slash = whole + strlen(f->root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

void fixture_text(const struct fixture *f, const char *path, const char *text)
{
    fixture_bytes(f, path, text, strlen(text));
}

void fixture_remove(const struct fixture *f, const char *path)
{
    assert_int_equal(unlink(fixture_path(f, path)), 0);
}

void fixture_tensors(const struct fixture *f, const char *path, const char *header)
{
    char bytes[4096] = { 0 };
    if (!header)
        header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    size_t length = strlen(header);
    assert_true(length + 16 <= sizeof(bytes));
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)((uint64_t)length >> (8 * i));
    for (size_t i = 0; i < length; i++)
        bytes[8 + i] = header[i];
    fixture_bytes(f, path, bytes, 8 + length + 8);
}

const char *fixture_apache(void)
{
    static char text[16384];
    if (text[0])
        return text;
    FILE *file = fopen(STINT_TEST_DATA "/../../LICENSE", "rb");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static const char card[] =
    "---\nlicense: apache-2.0\ndatasets:\n- village/sentences\n---\n# Tiny\n";
static const char data_page[] =
    "# Data\n\nAll data used to train the model is listed here.\n\n"
    "| data set | class | licence | where |\n|---|---|---|---|\n"
    "| village/sentences | open | CC0-1.0 | https://example.org/sentences.txt |\n\n"
    "## Provenance\n\nWritten by the authors for this purpose, copied from nowhere.\n\n"
    "## Scope and characteristics\n\nForty lines of English text, nothing personal.\n\n"
    "## How it was obtained and selected\n\nEvery line that was written is part of it.\n\n"
    "## Labelling\n\nThere are no labels; the text predicts itself.\n\n"
    "## Processing and filtering\n\nLower case, unknown characters dropped.\n";
static const char train[] = "import math\n\nlearning_rate = 0.1\nepochs = 3\n\n"
                            "def loss(w, x):\n    return math.exp(-w * x)\n\n"
                            "def gradient(w, x):\n    return -x * loss(w, x)\n\n"
                            "def evaluate(held_out):\n    return sum(held_out)\n";
static const char prepare[] = "import sys\n\ndef clean(line):\n    line = line.lower()\n"
                              "    return line\n\ndef main():\n"
                              "    for line in open(sys.argv[1]):\n        print(clean(line))\n";
static const char generate[] = "import model\n\ndef generate(w):\n    out = []\n"
                               "    for i in range(3):\n        out.append(model.forward(w, i))\n"
                               "    return out\n";
static const char model[] = "class Model:\n    def __init__(self):\n        self.w = 0.0\n\n"
                            "def forward(w, x):\n    return w * x\n";

void fixture_open_model(const struct fixture *f, const char *name)
{
    const struct {
        const char *path;
        const char *text;
    } files[] = { { "README.md", card },
                  { "DATA.md", data_page },
                  { "src/train.py", train },
                  { "src/prepare.py", prepare },
                  { "src/generate.py", generate },
                  { "src/model.py", model },
                  { "config.json", "{\"model_type\":\"tiny\",\"architectures\":[\"Tiny\"]}" },
                  { "LICENSE", fixture_apache() } };
    char path[256];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", name, files[i].path);
        fixture_text(f, path, files[i].text);
    }
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", name);
    fixture_tensors(f, path, NULL);
}

void fixture_open_data(const struct fixture *f, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/README.md", name);
    fixture_text(f, path,
                 "---\nlicense: cc0-1.0\npretty_name: Sentences\nsize_categories:\n- n<1K\n"
                 "source_datasets:\n- original\n---\n# Sentences\n");
    (void)snprintf(path, sizeof(path), "%s/lines.csv", name);
    fixture_text(f, path, "line\nthe village kept its hill in common\n");
}

struct stint_verdict *fixture_judge(struct fixture *f, const char *path,
                                    enum stint_artifact_kind kind, const char *rules)
{
    struct stint_error err = { 0 };
    struct stint_verdict *verdict = NULL;
    int r = stint_evaluate_path(f->evaluator, fixture_path(f, path), kind, rules, &verdict, &err);
    if (r != 0)
        fail_msg("%s: %d: %s", path, r, err.text);
    return verdict;
}

const struct stint_criterion_result *fixture_criterion(const struct stint_verdict *verdict,
                                                       const char *id)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        for (size_t j = 0; j < verdict->results[i].criterion_count; j++)
            if (strcmp(verdict->results[i].criteria[j].id, id) == 0)
                return &verdict->results[i].criteria[j];
    fail_msg("no criterion %s", id);
    return NULL;
}

const char *fixture_result(const struct stint_verdict *verdict, const char *id)
{
    return stint_result_name(fixture_criterion(verdict, id)->result);
}

bool fixture_has_finding(const struct stint_verdict *verdict, const char *id)
{
    for (size_t i = 0; i < verdict->finding_count; i++)
        if (strcmp(verdict->findings[i].id, id) == 0)
            return true;
    return false;
}

const struct stint_fact *fixture_fact(const struct stint_verdict *verdict,
                                      enum stint_component component,
                                      enum stint_predicate predicate)
{
    for (size_t i = 0; i < stint_facts_count(verdict->facts); i++) {
        const struct stint_fact *fact = stint_facts_at(verdict->facts, i);
        if (fact->component == component && fact->predicate == predicate)
            return fact;
    }
    return NULL;
}
