/* Every allocation fails once: the answer is -ENOMEM, and nothing is left behind (the leak checker
 * of the sanitizer build looks). Linked with malloc, calloc and realloc wrapped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int countdown; /* the allocation that fails; 0 when none is meant to */

static bool must_fail(void)
{
    return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : __real_realloc(old, size);
}

static void recognition_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct stint_licences *table = NULL;
    assert_int_equal(stint_licences_open(NULL, &table, NULL), 0);
    struct sample sample = sample_of(table, "MIT");
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_buffer_add_text(&text, "SPDX-License-Identifier: ISC\n");
    sample_write(&sample, 50, "for non-commercial use", false, &text);
    bool has_failed = true;
    int nth = 1;
    for (; has_failed; nth++) {
        struct stint_licence_recognition found = { 0 };
        countdown = nth;
        int r = stint_licence_recognise(table, stint_buffer_text(&text), text.length, &found);
        has_failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, has_failed ? -ENOMEM : 0);
        if (r == 0)
            stint_licence_recognition_deinit(&found);
        else
            assert_null(found.matches);
    }
    assert_true(nth > 15);
    table = stint_licences_close(table);
}

static void opening_survives_every_failed_allocation(void **state)
{
    (void)state;
    bool has_failed = true;
    int nth = 1;
    for (; has_failed; nth++) {
        struct stint_licences *table = NULL;
        countdown = nth;
        int r = stint_licences_open(NULL, &table, NULL);
        has_failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, has_failed ? -ENOMEM : 0);
        assert_int_equal(table != NULL, r == 0);
        table = stint_licences_close(table);
    }
    assert_true(nth > 10);
}

static void expressions_survive_every_failed_allocation(void **state)
{
    (void)state;
    struct stint_licence_expression *expression = NULL;
    countdown = 1;
    assert_int_equal(stint_licence_expression_parse("MIT", &expression, NULL), -ENOMEM);
    assert_null(expression);
    countdown = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognition_survives_every_failed_allocation),
        cmocka_unit_test(opening_survives_every_failed_allocation),
        cmocka_unit_test(expressions_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
