/* Output file patterns: what a name may not do to a path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/jobs/pattern.h"
#include "stint/auto.h"

static void places_are_filled_and_paths_made_absolute(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *name;
        const char *path;
    } cases[] = {
        { "/out/%j.txt", "tune", "/out/41.txt" },
        { "logs/%A_%a-%x.%u", "tune", "/home/run/logs/41_7-tune.user1" },
        { "%x", "../../etc/passwd", "/home/run/.._.._etc_passwd" },
        { "100%%", NULL, "/home/run/100%" },
        { "%x", NULL, "/home/run/job" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char path[128];
        assert_int_equal(pattern_expand(cases[i].pattern, "/home/run", 41, 7, cases[i].name,
                                        "user1", path, sizeof(path)),
                         0);
        assert_string_equal(path, cases[i].path);
    }
}

static void what_cannot_be_filled_is_refused(void **state)
{
    (void)state;
    char path[16];
    assert_int_equal(pattern_expand("%q", "/w", 1, 0, "n", "u", path, sizeof(path)), -EINVAL);
    assert_int_equal(pattern_expand("ends-with-%", "/w", 1, 0, "n", "u", path, sizeof(path)),
                     -EINVAL);
    assert_int_equal(pattern_expand("relative", NULL, 1, 0, "n", "u", path, sizeof(path)), -EINVAL);
    assert_int_equal(pattern_expand("/fifteen-chars!", NULL, 1, 0, "n", "u", path, sizeof(path)),
                     0);
    assert_int_equal(pattern_expand("/sixteen-chars!!", NULL, 1, 0, "n", "u", path, sizeof(path)),
                     -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_filled_and_paths_made_absolute),
        cmocka_unit_test(what_cannot_be_filled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
