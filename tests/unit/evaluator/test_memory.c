/* Every allocation of an evaluation fails once: the answer is then -ENOMEM or a verdict that does
 * not pass, nothing leaks, and the next evaluation is as if nothing had happened. The linker sends
 * the allocations of our own code through here (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "fixture.h"

static long left = -1; /* allocations until the one that fails; -1: none does */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    if (left < 0)
        return false;
    if (left > 0) {
        left--;
        return false;
    }
    left = -1; /* once */
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __real_realloc(pointer, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static void fail_each_allocation(struct fixture *f, const char *name, bool is_open)
{
    char path[256];
    bool has_failed = true;
    long nth = 0;
    (void)snprintf(path, sizeof(path), "%s", fixture_path(f, name));
    struct stint_evaluation evaluation = { .path = path,
                                           .kind = STINT_KIND_MODEL,
                                           .thread_count = 1 };
    for (; has_failed; nth++) {
        struct stint_verdict *verdict = NULL;
        struct stint_artifact_manifest manifest = { 0 };
        struct stint_error err = { 0 };
        left = nth;
        int r = stint_evaluate(f->evaluator, &evaluation, &verdict, &manifest, &err);
        has_failed = left < 0;
        left = -1;
        if (r != 0)
            assert_null(verdict);
        bool has_passed = r == 0 && stint_verdict_result(verdict) == STINT_RESULT_PASS;
        if (!is_open && has_passed)
            fail_msg("%s passed when allocation %ld failed", name, nth);
        if (has_passed)
            assert_true(verdict->has_digest);
        if (!has_failed)
            assert_int_equal(has_passed, is_open);
        stint_verdict_free(verdict);
        stint_artifact_manifest_deinit(&manifest);
    }
    assert_true(nth > 100);
}

static void an_evaluation_survives_every_failed_allocation(void **state)
{
    static const struct {
        const char *name;
        const char *path;
        const char *text;
    } closed[] = {
        { "card", "card/README.md",
          "---\nlicense: [apache-2.0, cc-by-nc-4.0]\ndatasets: [village/sentences]\n---\n" },
        { "header", "header/src/extra.py", "# SPDX-License-Identifier: CC-BY-NC-4.0\nx = 1\n" },
        { "base", "base/adapter_config.json", "{\"base_model_name_or_path\":\"nobody/knows\"}" },
        { "policy", "policy/USE_POLICY.md", "You may use it for research purposes only.\n" },
        { "gate", "gate/README.md",
          "---\nlicense: apache-2.0\ndatasets: [village/sentences]\ngated: auto\n---\n" },
    };
    struct fixture *f = *state;
    fixture_open_model(f, "open");
    fail_each_allocation(f, "open", true);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(closed); i++) {
        fixture_open_model(f, closed[i].name);
        fixture_text(f, closed[i].path, closed[i].text);
        fail_each_allocation(f, closed[i].name, false);
    }
}

static void opening_survives_every_failed_allocation(void **state)
{
    (void)state;
    bool has_failed = true;
    for (long nth = 0; has_failed && nth < 400; nth++) {
        struct stint_evaluator *evaluator = NULL;
        left = nth;
        int r = stint_evaluator_open(NULL, &evaluator, NULL);
        has_failed = left < 0;
        left = -1;
        if (has_failed && r == 0)
            fail_msg("allocation %ld failed and nobody noticed", nth);
        stint_evaluator_close(evaluator);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_evaluation_survives_every_failed_allocation),
        CASE(opening_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
