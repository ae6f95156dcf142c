/* Claims about the table of verbs and about mistyped ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"
#include "stint/auto.h"

struct seen {
    const char *verb;
    const char *names[VERB_OPTIONS_MAX];
    char letters[VERB_OPTIONS_MAX];
    size_t count;
};

static void see(void *context, const struct option_row *row)
{
    struct seen *seen = context;
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], row->name) == 0)
            fail_msg("%s has --%s twice", seen->verb, row->name);
        if (row->letter && seen->letters[i] == row->letter)
            fail_msg("%s has -%c twice", seen->verb, row->letter);
    }
    assert_true(seen->count < VERB_OPTIONS_MAX);
    assert_true(strlen(row->help) > 0);
    seen->letters[seen->count] = row->letter;
    seen->names[seen->count++] = row->name;
}

static void no_verb_has_an_option_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count; i++) {
        struct seen seen = { .verb = verbs[i].name };
        verb_each_option(&verbs[i], see, &seen);
        assert_true(verbs[i].run != NULL);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(verbs[i].name, verbs[j].name);
    }
}

static void a_mistyped_verb_is_told_the_near_one(void **state)
{
    static const struct {
        const char *typed;
        const char *near;
    } cases[] = {
        { "submti", "submit" },
        { "qeue", "queue" },
        { "canel", "cancel" },
        { "award lst", "award list" },
        { "awards", "award" },
        { "xyzzy", NULL },
        { "nodse", "nodes" },
        { "admin qouta set", "admin quota set" },
        { "admin qouta", "admin quota" },
        { "admin award exend", "admin award extend" },
        { "admin award add", "admin award" },
        { "admin xyzzy", "admin" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const char *near = verb_near(cases[i].typed);
        if (!cases[i].near)
            assert_null(near);
        else
            assert_string_equal(near ? near : "nothing", cases[i].near);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_verb_has_an_option_twice),
        cmocka_unit_test(a_mistyped_verb_is_told_the_near_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
