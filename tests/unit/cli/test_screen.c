/* Claims about what a person sees: widths, cuts, tables; and of exit statuses. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"
#include "screen.h"
#include "stint/auto.h"

static void width_counts_columns_not_bytes(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        { "", 0 },         { "abc", 3 },          { "é", 1 },    { "e\xCC\x81", 1 },
        { "日本", 4 },     { "\xff\xfe", 2 },     { "a\tb", 3 }, { "\xE2\x80\xAE", 1 },
        { "\xC0\x80", 2 }, { "\xED\xA0\x80", 3 },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        if (text_width(cases[i].text) != cases[i].width)
            fail_msg("case %zu: %zu columns, not %zu", i, text_width(cases[i].text),
                     cases[i].width);
}

static void outside_text_cannot_drive_the_terminal(void **state)
{
    static const struct {
        const char *text;
        size_t width;
        const char *shown;
    } cases[] = {
        { "a\033[31mb", SIZE_MAX, "a\xEF\xBF\xBD[31mb" },
        { "a\nb", SIZE_MAX,
          "a\xEF\xBF\xBD"
          "b" },
        { "\xC2\x9B"
          "31m",
          SIZE_MAX,
          "\xEF\xBF\xBD"
          "31m" },
        { "x\xE2\x80\xAEy", SIZE_MAX, "x\xEF\xBF\xBDy" },
        { "\xff", SIZE_MAX, "\xEF\xBF\xBD" },
        { "abcdef", 4, "abc…" },
        { "abcd", 4, "abcd" },
        { "日本語", 4, "日…" },
        { "日本語", 5, "日本…" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
        text_add(&out, cases[i].text, cases[i].width);
        assert_string_equal(stint_buffer_text(&out), cases[i].shown);
    }
}

static void columns_align_and_no_line_ends_in_blanks(void **state)
{
    static const struct table_column columns[] = { { "ID", true, false },
                                                   { "NAME", false, true },
                                                   { "STATE", false, false } };
    stint_auto(table_deinit) struct table table;
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    (void)state;
    table_init(&table, columns, 3);
    table_add(&table, "7");
    table_add(&table, "né");
    table_add(&table, "running");
    table_printf(&table, "%d", 1234);
    table_add(&table, NULL);
    table_add(&table, "held");
    table_write(&table, 0, &out);
    assert_string_equal(stint_buffer_text(&out), "  ID  NAME  STATE\n"
                                                 "   7  né    running\n"
                                                 "1234  -     held\n");
}

static void a_narrow_screen_cuts_what_may_shrink(void **state)
{
    static const struct table_column columns[] = { { "ID", true, false },
                                                   { "NAME", false, true },
                                                   { "STATE", false, false } };
    stint_auto(table_deinit) struct table table;
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    (void)state;
    table_init(&table, columns, 3);
    table_add(&table, "7");
    table_add(&table, "a-name-that-is-long");
    table_add(&table, "running");
    table_write(&table, 23, &out);
    assert_string_equal(stint_buffer_text(&out), "ID  NAME        STATE\n"
                                                 " 7  a-name-th…  running\n");
}

static void every_problem_has_its_exit_status(void **state)
{
    static const struct {
        const char *code;
        long http;
        int status;
    } cases[] = {
        { "not-found", 404, EXIT_NOT_FOUND },
        { "refused", 422, EXIT_REFUSED },
        { "ModelNotOpen", 422, EXIT_REFUSED },
        { "NoAward", 422, EXIT_LIMIT },
        { "ExceedsMachine", 422, EXIT_LIMIT },
        { "over-quota", 429, EXIT_LIMIT },
        { "UserGpuLimit", 429, EXIT_LIMIT },
        { "wrong-state", 409, EXIT_CONFLICT },
        { "not-permitted", 403, EXIT_NOT_PERMITTED },
        { "invalid-request", 400, EXIT_USAGE },
        { NULL, 404, EXIT_NOT_FOUND },
        { NULL, 500, EXIT_FAILED },
        { "a-later-code", 403, EXIT_NOT_PERMITTED },
        { NULL, 504, EXIT_TIMED_OUT },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        assert_int_equal(problem_exit_status(cases[i].code, cases[i].http), cases[i].status);
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(outside_text_cannot_drive_the_terminal),
        cmocka_unit_test(columns_align_and_no_line_ends_in_blanks),
        cmocka_unit_test(a_narrow_screen_cuts_what_may_shrink),
        cmocka_unit_test(every_problem_has_its_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
