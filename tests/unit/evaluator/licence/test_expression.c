/* SPDX expressions: what is read, what is refused, and how answers are folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stint/licence.h"

/* "Y…" is a yes, "N…" a no, anything else unknown. */
static enum stint_tristate ask_first_letter(void *context, const struct stint_licence_term *term)
{
    (void)context;
    return term->id[0] == 'Y' ? STINT_YES : term->id[0] == 'N' ? STINT_NO : STINT_UNKNOWN;
}

static void or_takes_the_best_branch_and_and_the_worst(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum stint_tristate answer;
    } cases[] = {
        { "Y", STINT_YES },
        { "N", STINT_NO },
        { "U", STINT_UNKNOWN },
        { "N OR Y", STINT_YES },
        { "N OR U", STINT_UNKNOWN },
        { "Y AND N", STINT_NO },
        { "Y AND U", STINT_UNKNOWN },
        { "U AND N", STINT_NO },
        { "Y OR N AND N", STINT_YES }, /* AND binds tighter */
        { "(Y OR N) AND N", STINT_NO },
        { "N AND N OR Y", STINT_YES },
        { "Y or N", STINT_YES },
        { "((Y))", STINT_YES },
        { "Y1 WITH Some-exception AND (N1 OR Y2+)", STINT_YES },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_licence_expression_free) struct stint_licence_expression *expression =
            NULL;
        assert_int_equal(stint_licence_expression_parse(cases[i].text, &expression, NULL), 0);
        assert_int_equal(stint_licence_expression_fold(expression, ask_first_letter, NULL),
                         cases[i].answer);
    }
}

static void terms_keep_their_plus_and_exception(void **state)
{
    (void)state;
    stint_auto(stint_licence_expression_free) struct stint_licence_expression *expression = NULL;
    assert_int_equal(stint_licence_expression_parse(
                         " GPL-2.0+ WITH Classpath-exception-2.0 OR DocumentRef-a:LicenseRef-b ",
                         &expression, NULL),
                     0);
    assert_int_equal(stint_licence_expression_term_count(expression), 2);
    const struct stint_licence_term *term = stint_licence_expression_term(expression, 0);
    assert_string_equal(term->id, "GPL-2.0");
    assert_true(term->is_or_later);
    assert_string_equal(term->exception, "Classpath-exception-2.0");
    term = stint_licence_expression_term(expression, 1);
    assert_string_equal(term->id, "DocumentRef-a:LicenseRef-b");
    assert_false(term->is_or_later);
    assert_null(term->exception);
}

static void malformed_expressions_are_refused_with_their_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *column;
    } cases[] = {
        { "", "column 1" },
        { "MIT ISC", "column 5" },
        { "MIT AND", "column 8" },
        { "AND MIT", "column 1" },
        { "(MIT", "column 5" },
        { "MIT)", "column 4" },
        { "MIT Or ISC", "column 5" },
        { "MIT WITH", "column 9" },
        { "MIT WITH OR", "column 10" },
        { "MIT +", "column 5" },
        { "MIT/ISC", "column 4" },
        { "()", "column 2" },
        { "MIT, ISC", "column 4" },
        { "MIT WITH a WITH b", "column 12" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_licence_expression *expression = NULL;
        struct stint_error err = { 0 };
        assert_int_equal(stint_licence_expression_parse(cases[i].text, &expression, &err),
                         STINT_INVALID);
        assert_null(expression);
        if (!strstr(err.text, cases[i].column))
            fail_msg("'%s': %s", cases[i].text, err.text);
    }
}

static void bounds_are_met_from_both_sides(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        char deep[2 * (STINT_EXPRESSION_DEPTH_MAX + 1) + 8];
        size_t depth = (size_t)(STINT_EXPRESSION_DEPTH_MAX + over);
        memset(deep, '(', depth);
        deep[depth] = 'Y';
        memset(deep + depth + 1, ')', depth);
        deep[2 * depth + 1] = '\0';
        char many[(STINT_EXPRESSION_TERM_MAX + 1) * 5 + 8] = "Y";
        for (int i = 1; i < STINT_EXPRESSION_TERM_MAX + over; i++)
            strcat(many, " OR Y");
        static char text[STINT_EXPRESSION_LENGTH_MAX + 2];
        memset(text, 'Y', sizeof(text));
        text[STINT_EXPRESSION_LENGTH_MAX + over] = '\0';
        const char *const texts[] = { deep, many, text };
        for (size_t i = 0; i < STINT_ARRAY_SIZE(texts); i++) {
            stint_auto(stint_licence_expression_free) struct stint_licence_expression *expression =
                NULL;
            assert_int_equal(stint_licence_expression_parse(texts[i], &expression, NULL),
                             over ? STINT_TOO_LARGE : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(or_takes_the_best_branch_and_and_the_worst),
        cmocka_unit_test(terms_keep_their_plus_and_exception),
        cmocka_unit_test(malformed_expressions_are_refused_with_their_column),
        cmocka_unit_test(bounds_are_met_from_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
