/* The JSON writer must produce documents that any reader accepts, whatever bytes it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/buffer.h"
#include "stint/digest.h"

static void writer_sets_commas_at_every_depth(void **state)
{
    (void)state;
    struct stint_buffer b = { 0 };
    stint_json_object(&b);
    stint_json_kv_int(&b, "a", 1);
    stint_json_key(&b, "list");
    stint_json_array(&b);
    stint_json_int(&b, 1);
    stint_json_object(&b);
    stint_json_kv_null(&b, "x");
    stint_json_object_end(&b);
    stint_json_bool(&b, true);
    stint_json_array_end(&b);
    stint_json_kv_text(&b, "z", NULL);
    stint_json_object_end(&b);
    assert_false(b.failed);
    assert_string_equal(stint_buffer_text(&b),
                        "{\"a\":1,\"list\":[1,{\"x\":null},true],\"z\":null}");
    stint_buffer_deinit(&b);
}

static void hostile_text_stays_inside_its_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        { "\"\\", "\"\\\"\\\\\"" },
        { "a\nb\x01", "\"a\\nb\\u0001\"" },
        { "\xff\xfe", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xc3\xa9", "\"\xc3\xa9\"" },
        { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_buffer b = { 0 };
        stint_json_text(&b, cases[i].text);
        assert_string_equal(stint_buffer_text(&b), cases[i].json);
        stint_buffer_deinit(&b);
    }
}

static void room_made_ahead_is_used_and_loses_nothing(void **state)
{
    (void)state;
    struct stint_buffer b = { 0 };
    stint_buffer_add_text(&b, "ab");
    stint_buffer_reserve(&b, 1000);
    const char *before = stint_buffer_text(&b);
    for (size_t i = 2; i < 1000; i++)
        stint_buffer_add_char(&b, 'c');
    assert_ptr_equal(stint_buffer_text(&b), before);
    assert_int_equal(b.length, 1000);
    assert_memory_equal(before, "abcc", 4);
    stint_buffer_reserve(&b, 1);
    assert_int_equal(b.length, 1000);
    stint_buffer_deinit(&b);
}

static void a_full_buffer_fails_and_keeps_what_it_had(void **state)
{
    (void)state;
    struct stint_buffer b = { .bound = 4 };
    stint_buffer_add_text(&b, "abcd");
    assert_false(b.failed);
    stint_buffer_add_char(&b, 'e');
    assert_true(b.failed);
    assert_string_equal(stint_buffer_text(&b), "abcd");
    assert_null(stint_buffer_take(&b));
    stint_buffer_deinit(&b);
}

static void doubles_read_back_exactly(void **state)
{
    (void)state;
    struct stint_buffer b = { 0 };
    stint_json_array(&b);
    stint_json_double(&b, 100.0);
    stint_json_double(&b, 0.1);
    stint_json_double(&b, 1.0 / 3.0);
    stint_json_array_end(&b);
    assert_string_equal(stint_buffer_text(&b), "[100.0,0.1,0.3333333333333333]");
    stint_buffer_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_sets_commas_at_every_depth),
        cmocka_unit_test(hostile_text_stays_inside_its_quotes),
        cmocka_unit_test(room_made_ahead_is_used_and_loses_nothing),
        cmocka_unit_test(a_full_buffer_fails_and_keeps_what_it_had),
        cmocka_unit_test(doubles_read_back_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
