/* What people type for times and sizes, from both sides of each boundary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/measure.h"

static void durations_read_as_slurm_and_iso_read_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "30", 1800 },      { "1:30", 90 },         { "2:00:05", 7205 }, { "1-2", 93600 },
        { "1-2:03", 93780 }, { "1-2:03:04", 93784 }, { "90m", 5400 },     { "2h30m", 9000 },
        { "3d", 259200 },    { "PT2H30M", 9000 },    { "P1DT1H", 90000 }, { "45s", 45 },
        { "0", 0 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        int64_t seconds = -1;
        assert_int_equal(stint_duration_parse(cases[i].text, &seconds, NULL), 0);
        assert_int_equal(seconds, cases[i].seconds);
    }
}

static void malformed_durations_are_refused_with_the_cure(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",       "-5", "1:2:3:4", "2x",    "30m2h", "1-", "99999999999999999999",
        "11000d", "P",  "PT",      "1h 2m", "PT1D"
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_error err = { 0 };
        int64_t seconds = -1;
        assert_int_equal(stint_duration_parse(cases[i], &seconds, &err), STINT_INVALID);
        assert_int_equal(seconds, -1);
        assert_true(err.fix[0] != '\0');
    }
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    int64_t bytes;
    assert_int_equal(stint_size_parse("16G", &bytes, NULL), 0);
    assert_int_equal(bytes, INT64_C(16) << 30);
    assert_int_equal(stint_size_parse("1.5T", &bytes, NULL), 0);
    assert_int_equal(bytes, (INT64_C(3) << 40) / 2);
    assert_int_equal(stint_size_parse("512", &bytes, NULL), 0);
    assert_int_equal(bytes, 512);
    assert_int_equal(stint_size_parse("8EiB", &bytes, NULL), STINT_INVALID);
    assert_int_equal(stint_size_parse("9999999P", &bytes, NULL), STINT_INVALID);
    assert_int_equal(stint_size_parse("-1G", &bytes, NULL), STINT_INVALID);
}

static void instants_survive_the_round_trip(void **state)
{
    (void)state;
    char text[40];
    int64_t ms;
    assert_int_equal(stint_instant_parse("2026-11-25T18:00:00.250+01:00", 0, &ms, NULL), 0);
    assert_string_equal(stint_instant_format(ms, text, sizeof(text)), "2026-11-25T17:00:00.250Z");
    assert_int_equal(stint_instant_parse("2026-02-29", 0, &ms, NULL), STINT_INVALID);
    assert_int_equal(stint_instant_parse("2028-02-29T00:00:00Z", 0, &ms, NULL), 0);
    assert_int_equal(stint_instant_parse("now+2h", 1000, &ms, NULL), 0);
    assert_int_equal(ms, 7201000);
    assert_int_equal(stint_instant_parse("2026-11-25T25:00", 0, &ms, NULL), STINT_INVALID);
}

static void a_clock_time_means_the_next_one(void **state)
{
    (void)state;
    int64_t now_ms;
    int64_t ms;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(stint_instant_parse("2026-11-25T18:00:00Z", 0, &now_ms, NULL), 0);
    assert_int_equal(stint_instant_parse("18:00", now_ms, &ms, NULL), 0);
    assert_int_equal(ms, now_ms + 86400000);
    assert_int_equal(stint_instant_parse("18:01", now_ms, &ms, NULL), 0);
    assert_int_equal(ms, now_ms + 60000);
}

static void millionths_are_exact(void **state)
{
    (void)state;
    char text[32];
    int64_t micro;
    assert_int_equal(stint_micro_parse("0.25", &micro, NULL), 0);
    assert_int_equal(micro, 250000);
    assert_string_equal(stint_micro_format(micro, text, sizeof(text)), "0.25");
    assert_string_equal(stint_micro_format(-1500001, text, sizeof(text)), "-1.500001");
    assert_int_equal(stint_micro_parse("0.0000001", &micro, NULL), STINT_INVALID);
    assert_int_equal(stint_micro_parse("99999999999999", &micro, NULL), STINT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_read_as_slurm_and_iso_read_them),
        cmocka_unit_test(malformed_durations_are_refused_with_the_cure),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(instants_survive_the_round_trip),
        cmocka_unit_test(a_clock_time_means_the_next_one),
        cmocka_unit_test(millionths_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
