/* Weekly hours where clocks change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "rule.h"
#include "stint/auto.h"
#include "stint/measure.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(stint_instant_parse(text, 0, &ms, NULL), 0);
    return ms;
}

static void zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static void windows_are_where_the_sites_clock_shows_them(void **state)
{
    static const struct {
        const char *zone;
        const char *days;
        const char *hours;
        const char *behind; /* the first window that ends later */
        const char *from;
        const char *until;
    } cases[] = {
        { "UTC", "mon-fri", "08:00-18:00", "2026-05-25T12:00:00Z", "2026-05-25T08:00:00Z",
          "2026-05-25T18:00:00Z" },
        { "UTC", "mon-fri", "08:00-18:00", "2026-05-29T18:00:00Z", "2026-06-01T08:00:00Z",
          "2026-06-01T18:00:00Z" },
        { "UTC", "sun", "08:00-18:00", "2026-05-25T12:00:00Z", "2026-05-31T08:00:00Z",
          "2026-05-31T18:00:00Z" },
        { "UTC", "fri-mon", "08:00-18:00", "2026-05-25T20:00:00Z", "2026-05-29T08:00:00Z",
          "2026-05-29T18:00:00Z" },
        /* into the next day, seen from both of them */
        { "UTC", "mon", "22:00-06:00", "2026-05-26T05:59:59Z", "2026-05-25T22:00:00Z",
          "2026-05-26T06:00:00Z" },
        { "UTC", "mon", "22:00-06:00", "2026-05-26T06:00:00Z", "2026-06-01T22:00:00Z",
          "2026-06-02T06:00:00Z" },
        { "UTC", "daily", "00:00-24:00", "2026-05-26T06:00:00Z", "2026-05-26T00:00:00Z",
          "2026-05-27T00:00:00Z" },
        { "Europe/Berlin", "sat,sun", "08:00-18:00", "2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z",
          "2026-03-29T16:00:00Z" }, /* summer time since that night */
        { "Europe/Berlin", "sat", "08:00-18:00", "2026-03-27T20:00:00Z", "2026-03-28T07:00:00Z",
          "2026-03-28T17:00:00Z" },
        /* half past two is not there on that day: three is next */
        { "Europe/Berlin", "sun", "02:30-04:00", "2026-03-28T20:00:00Z", "2026-03-29T01:00:00Z",
          "2026-03-29T02:00:00Z" },
        { "Europe/Berlin", "sun", "02:37-04:00", "2026-03-28T20:00:00Z", "2026-03-29T01:00:00Z",
          "2026-03-29T02:00:00Z" },
        /* … and twice in autumn: from the first to the second */
        { "Europe/Berlin", "sun", "02:30-02:45", "2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z",
          "2026-10-25T01:45:00Z" },
        { "Europe/Berlin", "sat", "22:00-06:00", "2026-10-24T10:00:00Z", "2026-10-24T20:00:00Z",
          "2026-10-25T05:00:00Z" }, /* nine hours */
        { "Asia/Kolkata", "mon", "09:15-10:00", "2026-05-25T00:00:00Z", "2026-05-25T03:45:00Z",
          "2026-05-25T04:30:00Z" },
        { "Asia/Beirut", "sun", "00:30-02:00", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z",
          "2026-03-28T23:00:00Z" }, /* midnight to one is not there */
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct rule rule = { .from_ms = INT64_MIN / 2, .until_ms = INT64_MAX };
        struct stint_span span;
        char text[40];
        zone(cases[i].zone);
        assert_int_equal(rule_parse(cases[i].days, cases[i].hours, &rule, NULL), 0);
        assert_true(rule_next(&rule, at(cases[i].behind), &span));
        assert_string_equal(stint_instant_format(span.from_ms, text, sizeof(text)), cases[i].from);
        assert_string_equal(stint_instant_format(span.until_ms, text, sizeof(text)),
                            cases[i].until);
    }
}

static void a_weekly_rule_is_cut_by_its_own_bounds(void **state)
{
    struct stint_span span;
    struct rule rule;
    (void)state;
    zone("UTC");
    rule = (struct rule){ .from_ms = at("2026-05-25T09:00:00Z"),
                          .until_ms = at("2026-05-26T10:00:00Z") };
    assert_int_equal(rule_parse("daily", "08:00-12:00", &rule, NULL), 0);
    assert_true(rule_next(&rule, at("2026-05-01T00:00:00Z"), &span));
    assert_int_equal(span.from_ms, at("2026-05-25T09:00:00Z"));
    assert_true(rule_next(&rule, span.until_ms, &span));
    assert_int_equal(span.until_ms, at("2026-05-26T10:00:00Z"));
    assert_false(rule_next(&rule, span.until_ms, &span));
}

static void what_is_no_week_is_refused(void **state)
{
    static const struct {
        const char *days;
        const char *hours;
    } cases[] = {
        { "", "08:00-18:00" },        { "mon-", "08:00-18:00" },
        { "mon,", "08:00-18:00" },    { "mo", "08:00-18:00" },
        { "mon fri", "08:00-18:00" }, { "Mon", "08:00-18:00" },
        { "mon", "8:00-18:00" },      { "mon", "08:00-18:60" },
        { "mon", "08:00-24:01" },     { "mon", "24:00-08:00" },
        { "mon", "08:00" },           { "mon", NULL },
        { NULL, "08:00-18:00" },      { "mon", "08:00-18:00 " },
        { "mon", "08.00-18.00" },     { "mon-fri-sun", "08:00-18:00" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct rule rule = { 0 };
        if (rule_parse(cases[i].days, cases[i].hours, &rule, NULL) == 0)
            fail_msg("%s %s was taken", cases[i].days, cases[i].hours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_where_the_sites_clock_shows_them),
        cmocka_unit_test(a_weekly_rule_is_cut_by_its_own_bounds),
        cmocka_unit_test(what_is_no_week_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
