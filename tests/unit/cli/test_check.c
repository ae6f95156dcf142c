/* Claims about `stint check`, `nodes --topology` and `simulate`: they need no daemon, and their
 * exit statuses are INTERFACE §7's and §4's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_daemon.h"
#include "stint/auto.h"

static void local_verbs_answer_without_a_daemon(void **state)
{
    static const struct {
        const char *words[10];
        int status;
        const char *out;
        const char *err;
    } cases[] = {
        { { "check", STINT_SOURCE_ROOT "/LICENSE" }, 0, "pass", "" },
        { { "check", "--json", STINT_SOURCE_ROOT "/LICENSE" }, 0, "\"stint.verdict/1\"", "" },
        { { "check", "/nonexistent" }, 3, "", "/nonexistent" },
        { { "check", "--kind", "song", STINT_SOURCE_ROOT "/LICENSE" }, 2, "", "no such kind" },
        { { "check", "--rules", "no-such-rules", STINT_SOURCE_ROOT "/LICENSE" }, 3, "", "rule" },
        { { "nodes", "--topology", "core:4 pu:1" }, 0, "4", "" },
        { { "nodes", "--topology", "core:4 pu:1", "--gpus", "h200:2", "--json" },
          0,
          "\"stint.nodes/1\"",
          "" },
        { { "nodes", "--topology", "/nonexistent.xml" }, 3, "", "nonexistent" },
        { { "nodes", "--topology", "nonsense" }, 2, "", "" },
        { { "nodes", "--gpus", "h200:2" }, 2, "", "--topology" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct outcome outcome = stint_run(NULL, "/tmp", NULL, cases[i].words);
        if (outcome.status != cases[i].status || !strstr(outcome.out, cases[i].out) ||
            !strstr(outcome.err, cases[i].err))
            fail_msg("%s %s: status %d\n%s\n%s", cases[i].words[0], cases[i].words[1],
                     outcome.status, outcome.out, outcome.err);
        outcome_deinit(&outcome);
    }
}

static void several_paths_make_one_document(void **state)
{
    const char *const words[] = { "check", "--json", STINT_SOURCE_ROOT "/LICENSE",
                                  STINT_SOURCE_ROOT "/LICENSE", NULL };
    struct outcome outcome = stint_run(NULL, "/tmp", NULL, words);
    json_t *document = json_loads(outcome.out, 0, NULL);
    (void)state;
    assert_int_equal(outcome.status, 0);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "stint.verdicts/1");
    assert_int_equal(json_array_size(json_object_get(document, "verdicts")), 2);
    json_decref(document);
    outcome_deinit(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_verbs_answer_without_a_daemon),
        cmocka_unit_test(several_paths_make_one_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
