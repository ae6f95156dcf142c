/* The tables of config/rules/README.md, held against the rule files: which definitions there are,
 * what each judges, and which of its questions files answer and which somebody has to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluator/rules_tree.h"
#include "fixture.h"
#include "stint/auto.h"

#define README STINT_TEST_DATA "/../../config/rules/README.md"

/* What lies in the files of an artefact, or in texts that are read word by word. All else somebody
 * says: in metadata (declared), or as a reviewer (attested). */
static bool is_shown(enum stint_predicate predicate)
{
    static const enum stint_predicate shown[] = {
        STINT_PRESENT,  STINT_ABSENT,   STINT_READABLE,  STINT_OPEN_FORMAT,    STINT_LICENCE,
        STINT_FORMAT,   STINT_COMPLETE, STINT_SIZE,      STINT_UNSAFE,         STINT_RESTRICTION,
        STINT_RESOLVED, STINT_GATED,    STINT_QUANTIZED, STINT_SAYS_QUANTIZED,
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(shown); i++)
        if (shown[i] == predicate)
            return true;
    return false;
}

static void ask_all(const struct stint_rules *rules, bool is_asked[STINT_PREDICATE_COUNT])
{
    for (size_t i = 0; i < rules->criterion_count; i++) {
        struct stint_rules_ask asks[64];
        size_t count = stint_rules_asks(rules, rules->criteria[i].id, asks, 64);
        assert_true(count <= 64);
        for (size_t j = 0; j < count; j++)
            is_asked[asks[j].predicate] = true;
    }
}

static void write_column(const bool is_asked[STINT_PREDICATE_COUNT], bool is_of_files,
                         struct stint_buffer *row)
{
    bool is_first = true;
    for (int i = 1; i < STINT_PREDICATE_COUNT; i++) {
        if (!is_asked[i] || is_shown((enum stint_predicate)i) != is_of_files)
            continue;
        stint_buffer_printf(row, "%s%s", is_first ? "" : ", ",
                            stint_predicate_name((enum stint_predicate)i));
        is_first = false;
    }
    stint_buffer_add_text(row, is_first ? "-" : "");
}

/* "| `osaid-1.0` | model | present, … | listed, … |" */
static void write_row(const struct stint_rules *rules, struct stint_buffer *row)
{
    bool is_asked[STINT_PREDICATE_COUNT] = { false };
    ask_all(rules, is_asked);
    stint_buffer_printf(row, "| `%s` | %s | ", stint_rules_id(rules),
                        stint_artifact_kind_name(stint_rules_kind(rules)));
    write_column(is_asked, true, row);
    stint_buffer_add_text(row, " | ");
    write_column(is_asked, false, row);
    stint_buffer_add_text(row, " |\n");
}

static char *read_me(void)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(README, "re");
    assert_non_null(text);
    assert_non_null(file);
    size_t length = fread(text, 1, 65535, file);
    assert_in_range(length, 1, 65534);
    assert_int_equal(fclose(file), 0);
    return text;
}

static size_t rows_that_begin(const char *text, const char *begin)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, begin)); at++)
        count += at == text || at[-1] == '\n';
    return count;
}

static void the_tables_say_what_the_files_ask(void **state)
{
    struct fixture *f = *state;
    stint_auto(stint_free) char *text = read_me();
    stint_auto(stint_free) char *list = strdup(stint_evaluator_rules_list(f->evaluator));
    char *rest = list;
    size_t count = 0;
    for (char *id; (id = strsep(&rest, ","));) {
        const struct stint_rules *rules;
        struct stint_error err = { 0 };
        stint_auto(stint_buffer_deinit) struct stint_buffer row = { 0 };
        char begin[100];
        assert_int_equal(stint_evaluator_rules(f->evaluator, id, &rules, &err), 0);
        write_row(rules, &row);
        (void)snprintf(begin, sizeof(begin), "| `%s` |", id);
        if (!strstr(text, stint_buffer_text(&row)) || rows_that_begin(text, begin) != 2)
            fail_msg("config/rules/README.md lacks, or has not once in each table: %s",
                     stint_buffer_text(&row));
        count++;
    }
    assert_true(count >= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_tables_say_what_the_files_ask, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
