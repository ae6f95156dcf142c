/* What a run costs, and where a period begins: pure functions, in tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "charge.h"
#include "stint/auto.h"
#include "stint/civil.h"
#include "stint/measure.h"

static const struct charge_base gpu_machine = { .gpu_count = 8,
                                                .core_count = 96,
                                                .memory_bytes = INT64_C(800) << 30 };
static const struct charge_base core_machine = { .core_count = 64,
                                                 .memory_bytes = INT64_C(256) << 30 };

static void a_price_is_time_by_rate_by_the_largest_share(void **state)
{
    (void)state;
    static const struct {
        const struct charge_base *base;
        struct stint_charge_size size;
        int64_t rate_micro, ms, price;
    } cases[] = {
        /* one GPU, one hour, rate 1 */
        { &gpu_machine, { 1000, 1, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 1000000 },
        /* a quarter of a GPU */
        { &gpu_machine, { 250, 1, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 250000 },
        /* 12 cores are a GPU's share, 24 are two's */
        { &gpu_machine, { 1000, 12, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 1000000 },
        { &gpu_machine, { 1000, 24, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 2000000 },
        { &gpu_machine, { 1000, 13, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 1083334 },
        /* 100 GiB are a GPU's share */
        { &gpu_machine, { 0, 1, INT64_C(250) << 30, false, 0 }, 1000000, CHARGE_HOUR_MS, 2500000 },
        /* a job without GPUs pays for the cores it keeps from them */
        { &gpu_machine, { 0, 6, 0, false, 0 }, 1000000, CHARGE_HOUR_MS, 500000 },
        /* a machine without GPUs counts cores, and nothing else */
        { &core_machine, { 0, 4, INT64_C(256) << 30, false, 0 }, 1000000, CHARGE_HOUR_MS, 4000000 },
        { &core_machine, { 0, 1, 0, false, 0 }, 3000000, CHARGE_HOUR_MS / 2, 1500000 },
        /* nothing costs nothing */
        { &gpu_machine, { 1000, 1, 0, false, 0 }, 1000000, 0, 0 },
        { &gpu_machine, { 1000, 1, 0, false, 0 }, 0, CHARGE_HOUR_MS, 0 },
        { &gpu_machine, { 1000, 1, 0, false, 0 }, 1000000, -5, 0 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        assert_int_equal(
            charge_price(cases[i].base, cases[i].rate_micro, &cases[i].size, cases[i].ms),
            cases[i].price);
}

static void a_price_is_rounded_up_once(void **state)
{
    (void)state;
    struct stint_charge_size gpu = { .gpu_milli = 1000 };
    struct stint_charge_size core = { .cores = 1 };
    /* 3.6 ms of a GPU are a millionth of its hour. */
    assert_int_equal(charge_price(&gpu_machine, 1000000, &gpu, 1), 1);
    assert_int_equal(charge_price(&gpu_machine, 1000000, &gpu, 18), 5);
    assert_int_equal(charge_price(&gpu_machine, 1000000, &gpu, 19), 6);
    assert_int_equal(charge_price(&gpu_machine, 1, &gpu, 1), 1);
    /* A core is a twelfth of a GPU: 43.2 ms a millionth. Not rounded in between. */
    assert_int_equal(charge_price(&gpu_machine, 1000000, &core, 432), 10);
    assert_int_equal(charge_price(&gpu_machine, 1000000, &core, 433), 11);
}

static void a_price_beyond_all_awards_saturates(void **state)
{
    (void)state;
    struct stint_charge_size huge = { 10000000, 100000, INT64_C(1) << 50, false, 0 };
    struct charge_base small = { .gpu_count = 1, .core_count = 1, .memory_bytes = 1 };
    assert_int_equal(charge_price(&gpu_machine, INT64_MAX, &huge, INT64_MAX), INT64_MAX);
    assert_int_equal(charge_price(&small, INT64_C(1) << 40, &huge, INT64_C(1) << 50), INT64_MAX);
}

static void the_machine_is_counted_whole(void **state)
{
    (void)state;
    struct stint_shape thin = { .core_count = 4, .gpu_count = 1, .memory_bytes = 100 };
    struct stint_shape fat = { .core_count = 8, .gpu_count = 0, .memory_bytes = 300 };
    struct stint_node nodes[3] = { { "a", &thin }, { "b", &thin }, { "c", &fat } };
    struct stint_machine machine = { .node_count = 3, .nodes = nodes };
    struct charge_base base;
    charge_base_of(&machine, &base);
    assert_int_equal(base.gpu_count, 2);
    assert_int_equal(base.core_count, 16);
    assert_int_equal(base.memory_bytes, 500);
}

static void periods_begin_where_the_calendar_says(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *at;
        enum stint_period period;
        const char *begin, *end;
    } cases[] = {
        { "UTC", "2026-05-25T12:00:00Z", STINT_PERIOD_DAY, "2026-05-25T00:00:00Z",
          "2026-05-26T00:00:00Z" },
        { "UTC", "2026-05-25T00:00:00Z", STINT_PERIOD_DAY, "2026-05-25T00:00:00Z",
          "2026-05-26T00:00:00Z" },
        { "UTC", "2026-05-24T23:59:59.999Z", STINT_PERIOD_WEEK, "2026-05-18T00:00:00Z",
          "2026-05-25T00:00:00Z" },
        { "UTC", "2026-12-31T23:59:59Z", STINT_PERIOD_MONTH, "2026-12-01T00:00:00Z",
          "2027-01-01T00:00:00Z" },
        { "UTC", "2028-02-29T12:00:00Z", STINT_PERIOD_MONTH, "2028-02-01T00:00:00Z",
          "2028-03-01T00:00:00Z" },
        /* the site's midnight, not Greenwich's */
        { "Europe/Berlin", "2026-05-31T22:30:00Z", STINT_PERIOD_MONTH, "2026-05-31T22:00:00Z",
          "2026-06-30T22:00:00Z" },
        /* days of 23 and of 25 hours, and the months and weeks that hold them */
        { "Europe/Berlin", "2026-03-29T12:00:00Z", STINT_PERIOD_DAY, "2026-03-28T23:00:00Z",
          "2026-03-29T22:00:00Z" },
        { "Europe/Berlin", "2026-10-25T12:00:00Z", STINT_PERIOD_DAY, "2026-10-24T22:00:00Z",
          "2026-10-25T23:00:00Z" },
        { "Europe/Berlin", "2026-10-25T12:00:00Z", STINT_PERIOD_WEEK, "2026-10-18T22:00:00Z",
          "2026-10-25T23:00:00Z" },
        { "Europe/Berlin", "2026-03-15T12:00:00Z", STINT_PERIOD_MONTH, "2026-02-28T23:00:00Z",
          "2026-03-31T22:00:00Z" },
        /* the clock change takes midnight away: the day begins at one */
        { "Asia/Beirut", "2026-03-29T12:00:00Z", STINT_PERIOD_DAY, "2026-03-28T22:00:00Z",
          "2026-03-29T21:00:00Z" },
        /* … or brings midnight twice: the day begins at the first */
        { "America/Havana", "2026-11-01T12:00:00Z", STINT_PERIOD_DAY, "2026-11-01T04:00:00Z",
          "2026-11-02T05:00:00Z" },
        { "America/Havana", "2026-11-01T04:30:00Z", STINT_PERIOD_DAY, "2026-11-01T04:00:00Z",
          "2026-11-02T05:00:00Z" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        int64_t at_ms;
        char text[40];
        assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
        tzset();
        assert_int_equal(stint_instant_parse(cases[i].at, 0, &at_ms, NULL), 0);
        int64_t begin_ms = stint_period_begin_ms(cases[i].period, at_ms);
        int64_t end_ms = stint_period_end_ms(cases[i].period, at_ms);
        assert_string_equal(stint_instant_format(begin_ms, text, sizeof(text)), cases[i].begin);
        assert_string_equal(stint_instant_format(end_ms, text, sizeof(text)), cases[i].end);
        assert_int_equal(stint_period_begin_ms(cases[i].period, end_ms), end_ms);
        assert_int_equal(stint_period_end_ms(cases[i].period, end_ms - 1), end_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_price_is_time_by_rate_by_the_largest_share),
        cmocka_unit_test(a_price_is_rounded_up_once),
        cmocka_unit_test(a_price_beyond_all_awards_saturates),
        cmocka_unit_test(the_machine_is_counted_whole),
        cmocka_unit_test(periods_begin_where_the_calendar_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
