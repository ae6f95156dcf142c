/* The example artefacts that the demonstration uses, criterion by criterion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define EXAMPLES STINT_TEST_DATA "/../../contrib/examples/"

struct expected {
    const char *id;
    const char *result;
};

static void judge_example(struct fixture *f, const char *path, const struct expected *expected,
                          size_t count)
{
    struct stint_verdict *verdict = NULL;
    struct stint_error err = { 0 };
    size_t wrong = 0;
    if (stint_evaluate_path(f->evaluator, path, STINT_KIND_AUTO, NULL, &verdict, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    for (size_t i = 0; i < count; i++)
        if (strcmp(fixture_result(verdict, expected[i].id), expected[i].result) != 0) {
            print_error("%s is %s: %s\n", expected[i].id, fixture_result(verdict, expected[i].id),
                        fixture_criterion(verdict, expected[i].id)->why);
            wrong++;
        }
    assert_int_equal(verdict->results[0].criterion_count, count);
    stint_verdict_free(verdict);
    assert_int_equal(wrong, 0);
}

static void the_open_model_passes_every_criterion(void **state)
{
    static const struct expected expected[] = {
        { "OSAID-F1", "pass" },  { "OSAID-F2", "pass" },  { "OSAID-F3", "pass" },
        { "OSAID-F4", "pass" },  { "OSAID-D1", "pass" },  { "OSAID-D1a", "pass" },
        { "OSAID-D1b", "pass" }, { "OSAID-D1c", "pass" }, { "OSAID-D1d", "pass" },
        { "OSAID-D1e", "pass" }, { "OSAID-D2", "pass" },  { "OSAID-D3", "pass" },
        { "OSAID-D4", "pass" },  { "OSAID-C1", "pass" },  { "OSAID-C2", "pass" },
        { "OSAID-C3", "pass" },  { "OSAID-C4", "pass" },  { "OSAID-C5", "pass" },
        { "OSAID-C6", "pass" },  { "OSAID-C7", "pass" },  { "OSAID-P1", "pass" },
        { "OSAID-P2", "pass" },
    };
    judge_example(*state, EXAMPLES "commons-lm", expected, STINT_ARRAY_SIZE(expected));
}

static void the_gated_model_fails_where_it_should(void **state)
{
    static const struct expected expected[] = {
        { "OSAID-F1", "fail" },    { "OSAID-F2", "fail" },    { "OSAID-F3", "fail" },
        { "OSAID-F4", "fail" },    { "OSAID-D1", "fail" },    { "OSAID-D1a", "fail" },
        { "OSAID-D1b", "fail" },   { "OSAID-D1c", "fail" },   { "OSAID-D1d", "fail" },
        { "OSAID-D1e", "fail" },   { "OSAID-D2", "fail" },    { "OSAID-D3", "fail" },
        { "OSAID-D4", "fail" },    { "OSAID-C1", "unknown" }, { "OSAID-C2", "fail" },
        { "OSAID-C3", "unknown" }, { "OSAID-C4", "unknown" }, { "OSAID-C5", "fail" },
        { "OSAID-C6", "unknown" }, { "OSAID-C7", "unknown" }, { "OSAID-P1", "pass" },
        { "OSAID-P2", "unknown" },
    };
    judge_example(*state, EXAMPLES "gated-lm", expected, STINT_ARRAY_SIZE(expected));
}

static void the_open_text_passes_every_criterion(void **state)
{
    static const struct expected expected[] = {
        { "OD-1.1", "pass" }, { "OD-1.2", "pass" }, { "OD-1.3", "pass" }, { "OD-1.4", "pass" },
        { "OD-2.1", "pass" }, { "OD-S", "pass" },   { "OD-K", "pass" },
    };
    judge_example(*state, EXAMPLES "commons-text", expected, STINT_ARRAY_SIZE(expected));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_open_model_passes_every_criterion),
        CASE(the_gated_model_fails_where_it_should),
        CASE(the_open_text_passes_every_criterion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
