/* Numbers of an array's tasks, sets of them, and what people call them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/tasks.h"

static void a_list_is_its_numbers_rising_each_once(void **state)
{
    static const struct {
        const char *text;
        uint32_t count;
        uint32_t running_max;
        uint32_t numbers[6];
        const char *written;
    } cases[] = {
        { "0", 1, 0, { 0 }, "0" },
        { "1-5", 5, 0, { 1, 2, 3, 4, 5 }, "1-5" },
        { "1-10:3%2", 4, 2, { 1, 4, 7, 10 }, "1-10:3" },
        { "1-9:3", 3, 0, { 1, 4, 7 }, "1-7:3" },
        { "7,3,5-6,3", 4, 0, { 3, 5, 6, 7 }, "3,5,6,7" },
        { "1-4:3,2", 3, 0, { 1, 2, 4 }, "1,2,4" },
        { "1000000%1", 1, 1, { 1000000 }, "1000000" },
        { "4-4", 1, 0, { 4 }, "4" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_array *array = NULL;
        struct stint_buffer text = { 0 };
        assert_int_equal(stint_array_parse(cases[i].text, &array, NULL), 0);
        assert_int_equal(array->task_count, cases[i].count);
        assert_int_equal(array->running_max, cases[i].running_max);
        for (uint32_t k = 0; k < cases[i].count; k++) {
            assert_int_equal(stint_array_task(array, k), cases[i].numbers[k]);
            assert_int_equal(stint_array_at(array, cases[i].numbers[k]), k);
        }
        struct stint_tasks *all = stint_tasks_new(array, true);
        stint_tasks_write(all, &text);
        assert_string_equal(stint_buffer_text(&text), cases[i].written);
        stint_buffer_deinit(&text);
        (void)stint_tasks_free(all);
        (void)stint_array_free(array);
    }
}

static void what_is_no_list_is_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        { "", STINT_INVALID },
        { "a", STINT_INVALID },
        { "1-", STINT_INVALID },
        { "5-1", STINT_INVALID },
        { "1,", STINT_INVALID },
        { "1-5:0", STINT_INVALID },
        { "1-5%0", STINT_INVALID },
        { "1-5%", STINT_INVALID },
        { "-1", STINT_INVALID },
        { "1000001", STINT_INVALID },
        { "1 ,2", STINT_INVALID },
        { "1-5:", STINT_INVALID },
        { "0-99999", 0 },
        { "0-100000", STINT_TOO_LARGE },
        { "1-5%2%3", STINT_INVALID },
        { "99999999999999999999", STINT_INVALID },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_array *array = NULL;
        int r = stint_array_parse(cases[i].text, &array, NULL);
        if (r != cases[i].code)
            fail_msg("'%s': %d", cases[i].text, r);
        (void)stint_array_free(array);
    }
}

static void a_set_gives_its_lowest_and_takes_back(void **state)
{
    struct stint_array *array = NULL;
    (void)state;
    assert_int_equal(stint_array_parse("10-400:2,500-600", &array, NULL), 0);
    struct stint_tasks *tasks = stint_tasks_new(array, true);
    assert_int_equal(tasks->count, 196 + 101);
    assert_int_equal(stint_tasks_first(tasks), 10);
    assert_true(stint_tasks_take(tasks, 10));
    assert_false(stint_tasks_take(tasks, 10));
    assert_false(stint_tasks_take(tasks, 11)); /* none of its tasks */
    assert_int_equal(stint_tasks_first(tasks), 12);
    for (uint32_t task = 12; task <= 400; task += 2)
        assert_true(stint_tasks_take(tasks, task));
    assert_int_equal(stint_tasks_first(tasks), 500);
    assert_true(stint_tasks_put(tasks, 200));
    assert_false(stint_tasks_put(tasks, 200));
    assert_false(stint_tasks_put(tasks, 700));
    assert_int_equal(stint_tasks_first(tasks), 200);
    assert_int_equal(stint_tasks_next(tasks, 200), 500);
    assert_int_equal(stint_tasks_next(tasks, 600), STINT_TASK_WHOLE);
    struct stint_tasks *copy = stint_tasks_copy(tasks);
    (void)stint_tasks_free(tasks);
    (void)stint_array_free(array); /* the copy has its own */
    assert_int_equal(copy->count, 102);
    assert_true(stint_tasks_has(copy, 600));
    struct stint_buffer text = { 0 };
    stint_tasks_write(copy, &text);
    assert_string_equal(stint_buffer_text(&text), "200,500,501-600");
    stint_buffer_deinit(&text);
    while (stint_tasks_first(copy) != STINT_TASK_WHOLE)
        assert_true(stint_tasks_take(copy, stint_tasks_first(copy)));
    assert_int_equal(copy->count, 0);
    (void)stint_tasks_free(copy);
}

/* Random sets are written and read back the same, however they are scattered. */
static void a_written_set_reads_back_the_same(void **state)
{
    struct stint_array *array = NULL;
    uint64_t random = 1;
    (void)state;
    assert_int_equal(stint_array_parse("0-99999", &array, NULL), 0);
    for (uint32_t part = 1; part < 9; part += 2) {
        struct stint_tasks *tasks = stint_tasks_new(array, false);
        struct stint_buffer text = { 0 };
        struct stint_array *again = NULL;
        for (uint32_t task = 0; task < 100000; task++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            if ((random >> 40) % 9 < part)
                (void)stint_tasks_put(tasks, task);
        }
        stint_tasks_write(tasks, &text);
        assert_true(text.length < (1 << 20)); /* the scheduler's transcript takes as much */
        assert_int_equal(stint_array_parse(stint_buffer_text(&text), &again, NULL), 0);
        assert_int_equal(again->task_count, tasks->count);
        uint32_t task = stint_tasks_first(tasks);
        for (uint32_t i = 0; i < again->task_count; i++, task = stint_tasks_next(tasks, task))
            assert_int_equal(stint_array_task(again, i), task);
        (void)stint_array_free(again);
        (void)stint_tasks_free(tasks);
        stint_buffer_deinit(&text);
    }
    (void)stint_array_free(array);
}

static void jobs_and_tasks_have_names(void **state)
{
    static const struct {
        const char *text;
        uint64_t job; /* 0: refused */
        uint32_t count;
        uint32_t first;
    } cases[] = {
        { "41", 41, 0, 0 },
        { "41_7", 41, 1, 7 },
        { "41_0", 41, 1, 0 },
        { "41_[1-5]", 41, 5, 1 },
        { "41_[9,3]", 41, 2, 3 },
        { "41_[4]", 41, 1, 4 },
        { "0", 0, 0, 0 },
        { "", 0, 0, 0 },
        { "41_", 0, 0, 0 },
        { "41_[", 0, 0, 0 },
        { "41_[]", 0, 0, 0 },
        { "41_[1-5", 0, 0, 0 },
        { "41_1-5", 0, 0, 0 },
        { "41_[1-5%2]", 0, 0, 0 },
        { "x", 0, 0, 0 },
        { "41x", 0, 0, 0 },
        { "41_x", 0, 0, 0 },
        { "-1", 0, 0, 0 },
        { "99999999999999999999", 0, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_job_ref ref = { 0 };
        int r = stint_job_ref_parse(cases[i].text, &ref, NULL);
        if ((r == 0) != (cases[i].job != 0))
            fail_msg("'%s': %d", cases[i].text, r);
        assert_int_equal(ref.job, cases[i].job);
        assert_int_equal(ref.tasks ? ref.tasks->task_count : 0, cases[i].count);
        if (ref.tasks)
            assert_int_equal(stint_array_task(ref.tasks, 0), cases[i].first);
        (void)stint_array_free(ref.tasks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_its_numbers_rising_each_once),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(a_set_gives_its_lowest_and_takes_back),
        cmocka_unit_test(a_written_set_reads_back_the_same),
        cmocka_unit_test(jobs_and_tasks_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
