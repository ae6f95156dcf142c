/* What the launcher and the daemon read from each other and from disk is refused whole when one
 * byte of its frame is wrong, and what is written reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "local/wire.h"
#include "stint/auto.h"

static struct wire_body body;

static size_t body_sample(uint64_t *space, size_t size)
{
    static const char *const argv[] = { "prog", "one", "", NULL };
    static const char *const env[] = { "A=1", "B=", NULL };
    static const uint32_t groups[] = { 7, 8 };
    static const uint32_t cores[] = { 3 };
    struct wire_body_source source = { .groups = groups,
                                       .cores = cores,
                                       .workdir = "/work",
                                       .stdout_path = "/out",
                                       .argv = argv,
                                       .env = env,
                                       .script = "#!/bin/sh\n" };
    source.head.group_count = 2;
    source.head.core_count = 1;
    source.head.flags = WIRE_BODY_HAS_SCRIPT;
    source.head.script_length = 10;
    size_t length = wire_body_measure(&source);
    assert_true(length > 0 && length <= size);
    wire_body_write(&source, space);
    return length;
}

static void a_body_reads_back_as_it_was_written(void **state)
{
    uint64_t space[64];
    (void)state;
    size_t length = body_sample(space, sizeof(space));
    assert_int_equal(wire_body_read(space, length, &body), 0);
    assert_int_equal(body.groups[1], 8);
    assert_int_equal(body.cores[0], 3);
    assert_string_equal(body.workdir, "/work");
    assert_string_equal(body.stdout_path, "/out");
    assert_string_equal(body.stderr_path, "");
    assert_null(body.argv[0]);
    assert_string_equal(body.argv[1], "prog");
    assert_string_equal(body.argv[3], "");
    assert_null(body.argv[4]);
    assert_string_equal(body.env[1], "B=");
    assert_null(body.env[2]);
    assert_memory_equal(body.script, "#!/bin/sh\n", 10);
}

static void a_body_cut_or_stretched_anywhere_is_refused(void **state)
{
    uint64_t space[80];
    (void)state;
    size_t length = body_sample(space, sizeof(space));
    for (size_t cut = 0; cut < length + 8; cut++) {
        void *exact = malloc(cut ? cut : 1); /* the sanitizer's fence */
        memcpy(exact, space, cut);
        int r = wire_body_read(exact, cut, &body);
        free(exact);
        assert_true(cut == length ? r == 0 : r < 0);
    }
}

static void a_body_with_a_lying_head_is_refused(void **state)
{
    static const struct {
        size_t offset;
        uint32_t value;
    } cases[] = {
        { offsetof(struct wire_body_head, magic), 1 },
        { offsetof(struct wire_body_head, length), 8 },
        { offsetof(struct wire_body_head, flags), 4 },
        { offsetof(struct wire_body_head, umask), 01000 },
        { offsetof(struct wire_body_head, early_signal), 65 },
        { offsetof(struct wire_body_head, group_count), UINT32_MAX },
        { offsetof(struct wire_body_head, group_count), STINT_RUN_GROUP_MAX + 1 },
        { offsetof(struct wire_body_head, core_count), UINT32_MAX },
        { offsetof(struct wire_body_head, argument_count), UINT32_MAX },
        { offsetof(struct wire_body_head, argument_count), 4 },
        { offsetof(struct wire_body_head, env_count), 3 },
        { offsetof(struct wire_body_head, strings_length), UINT32_MAX },
        { offsetof(struct wire_body_head, strings_length), 0 },
        { offsetof(struct wire_body_head, script_length), UINT32_MAX },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        uint64_t space[64];
        size_t length = body_sample(space, sizeof(space));
        memcpy((char *)space + cases[i].offset, &cases[i].value, 4);
        assert_true(wire_body_read(space, length, &body) < 0);
    }
}

static void relative_paths_and_nameless_variables_are_refused(void **state)
{
    uint64_t space[64];
    (void)state;
    size_t length = body_sample(space, sizeof(space));
    char *path = memmem(space, length, "/work", 5);
    path[0] = 'w';
    assert_int_equal(wire_body_read(space, length, &body), -EPROTO);
    path[0] = '/';
    char *entry = memmem(space, length, "A=1", 3);
    entry[1] = 'B';
    assert_int_equal(wire_body_read(space, length, &body), -EPROTO);
}

static void messages_of_another_shape_are_refused(void **state)
{
    struct stint_run_key key = { 1, 0, 1 };
    struct wire_message message;
    (void)state;
    wire_message_init(&message, WIRE_START, key);
    assert_int_equal(wire_message_check(&message, sizeof(message)), 0);
    assert_int_equal(wire_message_check(&message, sizeof(message) - 1), -EPROTO);
    assert_int_equal(wire_message_check(&message, 0), -EPROTO);
    message.version++;
    assert_int_equal(wire_message_check(&message, sizeof(message)), -EPROTO);
    wire_message_init(&message, WIRE_KIND_COUNT, key);
    assert_int_equal(wire_message_check(&message, sizeof(message)), -EPROTO);
    wire_message_init(&message, WIRE_NO_KIND, key);
    assert_int_equal(wire_message_check(&message, sizeof(message)), -EPROTO);
    key.job = 0;
    wire_message_init(&message, WIRE_FORGET, key);
    assert_int_equal(wire_message_check(&message, sizeof(message)), -EPROTO);
    key.job = UINT64_MAX;
    wire_message_init(&message, WIRE_FORGET, key);
    assert_int_equal(wire_message_check(&message, sizeof(message)), -EPROTO);
}

static void a_record_with_any_byte_changed_is_refused(void **state)
{
    struct wire_record record = { .job = 5, .attempt = 2, .state = WIRE_RECORD_ENDED };
    struct stint_run_key key = { 5, 0, 2 };
    (void)state;
    record.supervisor = 77;
    wire_record_seal(&record);
    assert_int_equal(wire_record_check(&record, sizeof(record), key), 0);
    for (size_t i = 0; i < sizeof(record); i++) {
        struct wire_record torn = record;
        ((unsigned char *)&torn)[i] ^= 0x10;
        assert_int_equal(wire_record_check(&torn, sizeof(torn), key), -EBADMSG);
    }
    for (size_t cut = 0; cut < sizeof(record); cut += 37)
        assert_int_equal(wire_record_check(&record, cut, key), -EBADMSG);
    key.attempt = 1;
    assert_int_equal(wire_record_check(&record, sizeof(record), key), -EBADMSG);
}

static void only_names_we_would_write_are_keys(void **state)
{
    static const char *const bad[] = {
        "",       "1",      "1_0",     "1_0.",           "_0.1",          "1_.1",
        "0_0.1",  "1_0.0",  "01_0.1",  "1_00.1",         "1_0.1 ",        " 1_0.1",
        "-1_0.1", "+1_0.1", "1_0.1.1", "1_4294967296.1", "launcher.lock", "9223372036854775808_0.1",
        "1_0.1/"
    };
    struct stint_run_key key;
    char name[STINT_RUN_KEY_TEXT];
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(bad); i++)
        assert_false(wire_key_read(bad[i], &key));
    assert_true(wire_key_read("9223372036854775807_4294967295.4294967295", &key));
    assert_string_equal(wire_run_name(key, name), "9223372036854775807_4294967295.4294967295");
    assert_string_equal(
        wire_run_name((struct stint_run_key){ 41, 7, 1 }, name),
        stint_run_key_format((struct stint_run_key){ 41, 7, 1 }, (char[STINT_RUN_KEY_TEXT]){ 0 }));
    assert_string_equal(wire_job_name((struct stint_run_key){ 41, 0, 9 }, name), "41");
    assert_string_equal(wire_job_name((struct stint_run_key){ 41, 7, 9 }, name), "41_7");
}

static void start_ticks_are_found_behind_any_name(void **state)
{
    static const char stat[] = "12 (a) b (c 3 4) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
                               "4242 20 21\n";
    static const char other[] = "12 (x) S 1 2";
    (void)state;
    assert_int_equal(wire_stat_ticks(stat, sizeof(stat) - 1), 4242);
    assert_int_equal(wire_stat_ticks(other, sizeof(other) - 1), 0);
    assert_int_equal(wire_stat_ticks("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_reads_back_as_it_was_written),
        cmocka_unit_test(a_body_cut_or_stretched_anywhere_is_refused),
        cmocka_unit_test(a_body_with_a_lying_head_is_refused),
        cmocka_unit_test(relative_paths_and_nameless_variables_are_refused),
        cmocka_unit_test(messages_of_another_shape_are_refused),
        cmocka_unit_test(a_record_with_any_byte_changed_is_refused),
        cmocka_unit_test(only_names_we_would_write_are_keys),
        cmocka_unit_test(start_ticks_are_found_behind_any_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
