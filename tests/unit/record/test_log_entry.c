/* What goes into the log is hashed for ever, so it must be well formed and bounded; what comes from
 * a stranger's log may be anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/log_entry.h"

static struct stint_log_draft draft_plain(void)
{
    return (struct stint_log_draft){ .type = "quota.set", .role = "operator", .prev = -1 };
}

static void entry_has_every_common_field(void **state)
{
    (void)state;
    struct stint_buffer b = { 0 };
    struct stint_sha256 policy = { { 0xab } };
    struct stint_log_draft draft = draft_plain();
    draft.subject = "{\"project\":\"nlp\",\"gpus\":4}";
    draft.policy = &policy;
    draft.code = "quota";
    draft.params = "{\"before\":2}";
    draft.reason = "autumn \"call\"";
    draft.prev = 3;
    draft.doc = "{\"minutes\":\"sha256:00\"}";
    assert_int_equal(stint_log_entry_write(&draft, 7, 1795600000000, NULL, &b, NULL), 0);
    assert_string_equal(
        stint_buffer_text(&b),
        "{\"v\":1,\"seq\":7,\"time\":\"2026-11-25T09:46:40Z\",\"type\":\"quota.set\","
        "\"actor\":{\"role\":\"operator\"},\"subject\":{\"project\":\"nlp\",\"gpus\":4},"
        "\"policy\":\"sha256:ab00000000000000000000000000000000000000000000000000000000000000\","
        "\"reason\":{\"code\":\"quota\",\"params\":{\"before\":2},\"text\":\"autumn "
        "\\\"call\\\"\"},"
        "\"prev\":3,\"doc\":{\"minutes\":\"sha256:00\"}}");
    struct stint_log_entry entry;
    assert_int_equal(stint_log_entry_parse(b.data, b.length, &entry, NULL), 0);
    assert_int_equal(entry.seq, 7);
    assert_int_equal(entry.prev, 3);
    assert_int_equal(entry.at_ms, 1795600000000);
    assert_string_equal(entry.type, "quota.set");
    stint_buffer_deinit(&b);
}

static void drafts_that_would_spoil_the_log_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *subject;
        int64_t prev;
        int result;
    } cases[] = {
        { "genesis", NULL, -1, 0 },
        { "call.open", "{}", 4, 0 },
        { "call.open", "{}", 5, STINT_INVALID },
        { "Call.open", "{}", -1, STINT_INVALID },
        { "call.", "{}", -1, STINT_INVALID },
        { ".call", "{}", -1, STINT_INVALID },
        { "call..open", "{}", -1, STINT_INVALID },
        { "call open", "{}", -1, STINT_INVALID },
        { "", "{}", -1, STINT_INVALID },
        { "call.open", "{", -1, STINT_INVALID },
        { "call.open", "[]", -1, STINT_INVALID },
        { "call.open", "{}{}", -1, STINT_INVALID },
        { "call.open", "{},\"seq\":0,\"x\":{}", -1, STINT_INVALID },
        { "call.open", "{\"a\":1,\"a\":2}", -1, STINT_INVALID },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_buffer b = { 0 };
        struct stint_log_draft draft = draft_plain();
        draft.type = cases[i].type;
        draft.subject = cases[i].subject;
        draft.prev = cases[i].prev;
        int r = stint_log_entry_write(&draft, 5, 1795600000000, NULL, &b, NULL);
        if (r != cases[i].result)
            fail_msg("case %zu gave %d", i, r);
        stint_buffer_deinit(&b);
    }
}

static void entry_is_at_most_what_a_tile_can_hold(void **state)
{
    (void)state;
    struct stint_log_draft draft = draft_plain();
    struct stint_buffer empty = { 0 };
    char *reason = calloc(1, 70000);
    draft.reason = reason;
    assert_int_equal(stint_log_entry_write(&draft, 0, 1795600000000, NULL, &empty, NULL), 0);
    for (size_t extra = 0; extra < 2; extra++) {
        struct stint_buffer b = { 0 };
        memset(reason, 'x', STINT_LOG_ENTRY_BYTES_MAX - empty.length + extra);
        assert_int_equal(stint_log_entry_write(&draft, 0, 1795600000000, NULL, &b, NULL),
                         extra ? STINT_TOO_LARGE : 0);
        stint_buffer_deinit(&b);
    }
    stint_buffer_deinit(&empty);
    free(reason);
}

static void hostile_entries_are_refused(void **state)
{
    (void)state;
#define GOOD_TIME "\"time\":\"2026-11-25T09:46:40Z\""
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"a\",\"prev\":null}", 0 },
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"a\"}", 0 },
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"a\",\"later\":[1]}", 0 },
        { "{\"v\":2,\"seq\":0," GOOD_TIME ",\"type\":\"a\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":-1," GOOD_TIME ",\"type\":\"a\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0.0," GOOD_TIME ",\"type\":\"a\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0,\"seq\":1," GOOD_TIME ",\"type\":\"a\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0,\"time\":\"now\",\"type\":\"a\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0,\"time\":\"2026-11-25T10:46:40+01:00\",\"type\":\"a\"}",
          STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"A\"}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":1," GOOD_TIME ",\"type\":\"a\",\"prev\":1}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":1," GOOD_TIME ",\"type\":\"a\",\"prev\":-2}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":1," GOOD_TIME ",\"type\":\"a\",\"prev\":\"0\"}", STINT_UNTRUSTED },
        { "[]", STINT_UNTRUSTED },
        { "", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"a\"}}", STINT_UNTRUSTED },
        { "{\"v\":1,\"seq\":0," GOOD_TIME ",\"type\":\"\xff\"}", STINT_UNTRUSTED },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_log_entry entry;
        int r = stint_log_entry_parse(cases[i].text, strlen(cases[i].text), &entry, NULL);
        if (r != cases[i].result)
            fail_msg("case %zu gave %d", i, r);
    }
}

static void deep_nesting_is_refused_without_harm(void **state)
{
    (void)state;
    struct stint_log_entry entry;
    char *deep = malloc(STINT_LOG_ENTRY_BYTES_MAX);
    memset(deep, '[', STINT_LOG_ENTRY_BYTES_MAX);
    assert_int_equal(stint_log_entry_parse(deep, STINT_LOG_ENTRY_BYTES_MAX, &entry, NULL),
                     STINT_UNTRUSTED);
    assert_int_equal(stint_log_entry_parse(deep, STINT_LOG_ENTRY_BYTES_MAX + 1, &entry, NULL),
                     STINT_TOO_LARGE);
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_has_every_common_field),
        cmocka_unit_test(drafts_that_would_spoil_the_log_are_refused),
        cmocka_unit_test(entry_is_at_most_what_a_tile_can_hold),
        cmocka_unit_test(hostile_entries_are_refused),
        cmocka_unit_test(deep_nesting_is_refused_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
