/* A run ends as its program did, once, and its figures are the program's. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void ends_carry_status_and_signal(void **state)
{
    static const struct {
        const char *script;
        int exit_status;
        int term_signal;
    } cases[] = {
        { "exit 0", 0, 0 },
        { "exit 1", 1, 0 },
        { "exit 255", 255, 0 },
        { "kill -KILL $$", 0, SIGKILL },
        { "kill -SEGV $$", 0, SIGSEGV },
        { "kill -INT $$", 0, SIGINT },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct stint_run_end *end = fixture_run(f, i + 1, cases[i].script);
        assert_false(end->lost);
        assert_false(end->start_failed);
        assert_int_equal(end->exit_status, cases[i].exit_status);
        assert_int_equal(end->term_signal, cases[i].term_signal);
        assert_int_equal(fixture_end_count(f, i + 1), 1);
        assert_true(end->ended_ms >= end->started_ms && end->started_ms > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_carry_status_and_signal, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
