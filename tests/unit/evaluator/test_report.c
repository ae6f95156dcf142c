/* Verdicts for people: the screen, the page, the matrix, the comparison, the tree of bases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static void a_report_shows_the_cheapest_cure_first(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_report_options options = { .columns = 80 };
    fixture_open_model(f, "m");
    fixture_remove(f, "m/src/train.py");
    fixture_text(f, "m/README.md",
                 "---\nlicense: apache-2.0\ndatasets:\n- village/sentences\ngated: auto\n---\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    stint_verdict_report(verdict, &options, &text);
    const char *gate = strstr(stint_buffer_text(&text), "OSAID-F1");
    const char *code = strstr(stint_buffer_text(&text), "OSAID-C2");
    assert_non_null(gate);
    assert_non_null(code);
    assert_true(gate < code);
    assert_non_null(strstr(gate, "README.md:5"));
    for (const char *line = text.data; line && *line;) {
        const char *end = strchr(line, '\n');
        assert_true(end - line <= 80 || strncmp(line, "digest", 6) == 0);
        line = end + 1;
    }
}

static void families_stand_under_their_bases(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *base;
    } models[] = { { "leaf", "branch" },
                   { "branch", "root" },
                   { "lost", "nobody/here" },
                   { "root", NULL },
                   { "a", "b" },
                   { "b", "a" },
                   { "merge", "[branch, root, nobody/here, no/other]" } };
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    struct stint_verdict *verdicts[STINT_ARRAY_SIZE(models)];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(models); i++) {
        char card[128];
        char path[64];
        (void)snprintf(path, sizeof(path), "%s/README.md", models[i].name);
        (void)snprintf(card, sizeof(card), "---\nlicense: mit\n%s%s\n---\n",
                       models[i].base ? "base_model: " : "", models[i].base ? models[i].base : "");
        fixture_text(f, path, card);
        verdicts[i] = fixture_judge(f, models[i].name, STINT_KIND_MODEL, NULL);
    }
    stint_verdict_families((const struct stint_verdict *const *)verdicts, STINT_ARRAY_SIZE(models),
                           NULL, &text);
    assert_string_equal(stint_buffer_text(&text), "root: fail\n"
                                                  "  `- branch: fail\n"
                                                  "    `- leaf: fail\n"
                                                  "    `- merge: fail\n"
                                                  "  `- merge: fail (above)\n"
                                                  "nobody/here: not here\n"
                                                  "  `- lost: fail\n"
                                                  "  `- merge: fail (above)\n"
                                                  "no/other: not here\n"
                                                  "  `- merge: fail (above)\n"
                                                  "a: fail\n"
                                                  "  `- b: fail\n"
                                                  "    `- a: fail (above)\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(models); i++)
        stint_verdict_free(verdicts[i]);
}

static void matrix_and_comparison_show_what_differs(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer both = { 0 };
    fixture_open_model(f, "open");
    fixture_open_model(f, "other");
    fixture_remove(f, "other/src/train.py");
    stint_auto(stint_verdict_free) struct stint_verdict *left =
        fixture_judge(f, "open", STINT_KIND_MODEL, "all");
    stint_auto(stint_verdict_free) struct stint_verdict *right =
        fixture_judge(f, "other", STINT_KIND_MODEL, "all");
    const struct stint_verdict *const verdicts[] = { left, right };
    stint_verdict_matrix(verdicts, 2, NULL, &text);
    assert_true(left->result_count >= 7);
    for (size_t i = 0; i < left->result_count; i++)
        assert_non_null(strstr(stint_buffer_text(&text), left->results[i].rules));
    stint_verdict_compare(left, right, NULL, &both);
    const char *line = strstr(stint_buffer_text(&both), "OSAID-C2");
    assert_non_null(line);
    assert_non_null(strstr(line, "pass    -> fail"));
    assert_null(strstr(stint_buffer_text(&both), "OSAID-P2"));
}

static void long_names_keep_their_end_and_bases_differ(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer narrow = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer both = { 0 };
    struct stint_report_options screen = { .columns = 46 };
    fixture_open_model(f, "a-model-with-a-long-name-7b");
    fixture_open_model(f, "a-model-with-a-l\xc3\xb6ng-name-8b");
    fixture_text(f, "a-model-with-a-l\xc3\xb6ng-name-8b/README.md",
                 "---\nlicense: mit\nbase_model: acme/root\n---\n");
    stint_auto(stint_verdict_free) struct stint_verdict *left =
        fixture_judge(f, "a-model-with-a-long-name-7b", STINT_KIND_MODEL, NULL);
    stint_auto(stint_verdict_free) struct stint_verdict *right =
        fixture_judge(f, "a-model-with-a-l\xc3\xb6ng-name-8b", STINT_KIND_MODEL, NULL);
    const struct stint_verdict *const verdicts[] = { left, right };
    stint_verdict_matrix(verdicts, 2, NULL, &text);
    assert_non_null(strstr(stint_buffer_text(&text),
                           " a-model-with-a-long-name-7b a-model-with-a-l\xc3\xb6ng-name-8b\n"));
    stint_verdict_matrix(verdicts, 2, &screen, &narrow); /* one at a time, in 23 columns */
    assert_non_null(strstr(stint_buffer_text(&narrow), " \xe2\x80\xa6"
                                                       "el-with-a-long-name-7b\n"));
    assert_non_null(strstr(stint_buffer_text(&narrow), "\n\n                       \xe2\x80\xa6"
                                                       "el-with-a-l"));
    stint_verdict_compare(left, right, NULL, &both);
    assert_non_null(strstr(stint_buffer_text(&both), "+ base acme/root (README.md:3, declared)"));
    assert_null(strstr(stint_buffer_text(&both), "- training data ")); /* both name the same */
}

static void reports_carry_no_control_characters_from_files(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer page = { 0 };
    fixture_open_model(f, "m");
    fixture_text(f, "m/README.md", "---\nlicense: \"a\\e[31m<script>alert(1)</script>\"\n---\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
    const struct stint_verdict *const verdicts[] = { verdict };
    stint_verdict_report(verdict, NULL, &text);
    stint_verdict_html(verdicts, 1, &page);
    assert_null(strchr(stint_buffer_text(&text), 0x1b));
    assert_null(strstr(stint_buffer_text(&page), "<script"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_report_shows_the_cheapest_cure_first),
        CASE(families_stand_under_their_bases),
        CASE(matrix_and_comparison_show_what_differs),
        CASE(long_names_keep_their_end_and_bases_differ),
        CASE(reports_carry_no_control_characters_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
