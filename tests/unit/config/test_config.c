/* The configuration: each row from both sides of its bounds, each mistake with its line and cure,
 * and the shipped stint.conf is the table. `test_config --print` writes that file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "stint/auto.h"
#include "stint/buffer.h"

static void every_default_is_inside_its_own_range(void **state)
{
    (void)state;
    struct stint_config config;
    const struct stint_config_option *row;
    for (int is_system = 0; is_system < 2; is_system++) {
        stint_config_defaults(is_system, &config);
        for (size_t i = 0; (row = stint_config_option(i)); i++) {
            struct stint_error err = { 0 };
            const char *value = is_system ? row->system : row->own;
            if (stint_config_set(&config, row->section, row->key, value, "default", &err) != 0)
                fail_msg("%s", err.text);
            assert_true(row->help[0] && row->unit[0]);
        }
        stint_config_defaults(is_system, &config);
        assert_true(config.state[0] == '/' && config.socket[0] == '/');
        assert_int_equal(stint_config_check(&config, NULL), 0);
    }
    assert_int_equal(config.socket_mode, 0666);
    assert_int_equal(config.join, STINT_JOIN_CLOSED);
    assert_int_equal(config.terms.rate_micro, 1000000);
}

static void numbers_are_met_from_both_sides(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *key;
        const char *value;
        int code;
    } cases[] = {
        { "daemon", "connections_max", "8", 0 },
        { "daemon", "connections_max", "7", STINT_INVALID },
        { "daemon", "connections_max", "65536", 0 },
        { "daemon", "connections_max", "65537", STINT_INVALID },
        { "daemon", "connections_max", "-8", STINT_INVALID },
        { "daemon", "connections_max", " 8", STINT_INVALID },
        { "daemon", "connections_max", "8x", STINT_INVALID },
        { "daemon", "connections_max", "", STINT_INVALID },
        { "daemon", "connections_max", "99999999999999999999", STINT_INVALID },
        { "daemon", "socket_mode", "0777", 0 },
        { "daemon", "socket_mode", "1000", STINT_INVALID },
        { "daemon", "socket_mode", "0668", STINT_INVALID },
        { "daemon", "state", "/x", 0 },
        { "daemon", "state", "x", STINT_INVALID },
        { "daemon", "join", "open", 0 },
        { "daemon", "join", "ope", STINT_INVALID },
        { "daemon", "join", "open closed", STINT_INVALID },
        { "daemon", "log_level", "debug", 0 },
        { "daemon", "log_level", "loud", STINT_INVALID },
        { "admission", "require_uses", "yes", 0 },
        { "admission", "require_uses", "true", STINT_INVALID },
        { "admission", "admission_wait_s", "0", 0 },
        { "admission", "admission_wait_s", "301", STINT_INVALID },
        { "awards", "rate", "0.25", 0 },
        { "awards", "rate", "0.0000001", STINT_INVALID },
        { "awards", "rate", "1000000", 0 },
        { "awards", "rate", "1000000.1", STINT_INVALID },
        { "awards", "rates", "1", STINT_INVALID },
        { "daemon", "site", "a\nb", STINT_INVALID },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_config config;
        struct stint_error err = { 0 };
        stint_config_defaults(false, &config);
        int code = stint_config_set(&config, cases[i].section, cases[i].key, cases[i].value,
                                    "--test", &err);
        if (code != cases[i].code)
            fail_msg("%s = '%s' gave %d", cases[i].key, cases[i].value, code);
        if (code != 0) {
            assert_true(strncmp(err.text, "--test: ", 8) == 0);
            assert_true(err.fix[0]);
        }
    }
}

static void mistakes_are_named_with_file_line_and_cure(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
        const char *what;
        const char *fix;
    } cases[] = {
        { "[daemon]\n\nsoket = /x\n", "f:3: ", "unknown key 'soket'", "socket, in section" },
        { "[engine]\nsocket = /x\n", "f:2: ", "unknown key", "[daemon]" },
        { "[daemon]\nzzzzzzzz = /x\n", "f:2: ", "unknown key", "remove it" },
        { "[deamon]\n", "f:1: ", "unknown section [deamon]", "[daemon]" },
        { "socket = /x\n", "f:1: ", "'socket' stands before the first [section]", "[daemon]" },
        { "zzzzzzzz = /x\n", "f:1: ", "stands before the first [section]", "remove it" },
        { "[daemon]\nsite = \xff\xfe\n", "f:2: ", "UTF-8", "site = Stint" },
        { "[daemon]\nsite = a\xc0\xaf\n", "f:2: ", "UTF-8", "site = Stint" },
        { "[daemon]\nsite = \xed\xa0\x80\n", "f:2: ", "UTF-8", "site = Stint" },
        { "[daemon]\nsite = \xe2\x82\n", "f:2: ", "UTF-8", "site = Stint" },
        { "[engine]\ngrace_s = 5\n# c\ngrace_s = 6\n", "f:4: ", "on line 2 already", "remove" },
        { "[engine]\ngrace_s = 3601\n", "f:2: ", "from 0 to 3600", "grace_s = 30" },
        { "[engine]\nnonsense\n", "f:2: ", "neither", "key = value" },
        { "[engine\n", "f:1: ", "neither", "key = value" },
        { "[engine]\nbad\ngrace_s = x\n", "f:2: ", "neither", "key" },
        { "[engine]\ngrace_s = x\nbad\n", "f:2: ", "whole number", "grace_s" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_config config;
        struct stint_error err = { 0 };
        stint_config_defaults(false, &config);
        assert_int_equal(config_parse("f", cases[i].text, &config, &err), STINT_INVALID);
        if (strncmp(err.text, cases[i].place, strlen(cases[i].place)) != 0 ||
            !strstr(err.text, cases[i].what) || !strstr(err.fix, cases[i].fix))
            fail_msg("%s gave '%s'; try: '%s'", cases[i].text, err.text, err.fix);
    }
}

static void layout_does_not_matter(void **state)
{
    (void)state;
    struct stint_config config;
    struct stint_error err = { 0 };
    stint_config_defaults(false, &config);
    assert_int_equal(config_parse("f",
                                  "# c\r\n[daemon]\r\n  site = Lab #3 ; the third\r\n\tlisten =\n"
                                  "[engine]\ngrace_s=7",
                                  &config, &err),
                     0);
    assert_string_equal(config.site, "Lab #3");
    assert_string_equal(config.listen, "");
    assert_int_equal(config.grace_s, 7);
}

static void long_lines_are_refused_but_not_long_comments(void **state)
{
    (void)state;
    char text[1024] = "[daemon]\n# ";
    struct stint_config config;
    struct stint_error err = { 0 };
    stint_config_defaults(false, &config);
    memset(text + 11, 'c', 500);
    memcpy(text + 511, "\nsite = x\n", 11);
    assert_int_equal(config_parse("f", text, &config, &err), 0);
    assert_string_equal(config.site, "x");
    static const char value[] = "[daemon]\nsite = ";
    memcpy(text, value, sizeof(value) - 1);
    assert_int_equal(config_parse("f", text, &config, &err), STINT_INVALID);
    assert_non_null(strstr(err.text, "f:2: the line is longer"));
}

static void what_needs_two_values_is_checked_together(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *key;
        const char *value;
        bool is_good;
    } cases[] = {
        { "daemon", "listen", "", true },
        { "daemon", "listen", "[::1]:0", true },
        { "daemon", "listen", "localhost:65535", true },
        { "daemon", "listen", "127.0.0.1:65536", false },
        { "daemon", "listen", "127.0.0.1", false },
        { "daemon", "listen", "::1:80", false },
        { "daemon", "listen", "127.0.0.1:", false },
        { "daemon", "listen", "host.example:80", false },
        { "daemon", "state", "", false },
        { "daemon", "time_zone", "UTC", true },
        { "daemon", "time_zone", "Not/AZone", false },
        { "daemon", "time_zone", "../../etc/passwd", false },
        { "daemon", "origin", "lab.example/log", true },
        { "daemon", "origin", "https://lab.example", false },
        { "daemon", "origin", "lab+example", false },
        { "daemon", "resource", "a b", false },
        { "daemon", "hosts", "stint.example.org, lab.example,10.0.0.1,::1", true },
        { "daemon", "hosts", "-5", false },
        { "daemon", "hosts", "a.example,https://b.example", false },
        { "daemon", "hosts", "a.example:80", false },
        { "daemon", "user", "root", true },
        { "daemon", "user", "", true },
        { "daemon", "user", "no-such-user-zzz", false },
        { "daemon", "socket_group", "root", true },
        { "daemon", "socket_group", "no-such-group-zzz", false },
        { "scheduler", "topology", "numa:2 core:8 pu:2", true },
        { "scheduler", "topology", "numa:2(memory=1GB) core:8 1", true },
        { "scheduler", "topology", "pack:2 [numa(memory=1GB)] core:4 pu:1", true },
        { "scheduler", "topology", "zzz", false },
        { "scheduler", "topology", "core:", false },
        { "scheduler", "topology", "/nonexistent.xml", false },
        { "scheduler", "topology", "zzz.xml", false },
        { "scheduler", "topology", "/tmp", false },
        { "admission", "rules_dir", STINT_RULES, true },
        { "admission", "rules_dir", "/nonexistent", false },
        { "scheduler", "gpus", "h200:4,a100:2", true },
        { "scheduler", "gpus", "h200", false },
        { "scheduler", "gpus", "h200:4,", false },
        { "scheduler", "gpus", ":4", false },
        { "scheduler", "max_walltime_s", "3600", true },
        { "scheduler", "max_walltime_s", "3599", false },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_config config;
        struct stint_error err = { 0 };
        stint_config_defaults(true, &config);
        assert_int_equal(
            stint_config_set(&config, cases[i].section, cases[i].key, cases[i].value, "t", &err),
            0);
        if ((stint_config_check(&config, &err) == 0) != cases[i].is_good)
            fail_msg("%s = %s", cases[i].key, cases[i].value);
        if (!cases[i].is_good)
            assert_true(err.fix[0]);
    }
}

static void rule_sets_are_files_in_their_folder(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *value;
        bool is_good;
    } cases[] = {
        { "rules_model", "osaid-1.0", true },     { "rules_model", "osaid-1.0,mof-1.0", true },
        { "rules_model", "nope-1", false },       { "rules_dataset", "osi-code,", false },
        { "rules_code", "../osi-code", false },   { "rules_dataset", ",osi-code", false },
        { "rules_code", "osi-code,nope", false },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_config config;
        struct stint_error err = { 0 };
        stint_config_defaults(true, &config);
        assert_int_equal(
            stint_config_set(&config, "admission", cases[i].key, cases[i].value, "t", &err), 0);
        if ((stint_config_check_rules(&config, STINT_RULES, &err) == 0) != cases[i].is_good)
            fail_msg("%s = %s", cases[i].key, cases[i].value);
        if (!cases[i].is_good)
            assert_true(strstr(err.text, cases[i].key) && err.fix[0]);
    }
}

/* What is found out after the whole file was read still says where it stands. */
static void late_refusals_are_named_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *section;
        const char *before;
    } cases[] = {
        { "listen = x", "daemon", "#" },
        { "time_zone = zzz/zzz", "daemon", "#" },
        { "hosts = -5", "daemon", "#" },
        { "user = no-such-user-zzz", "daemon", "#" },
        { "socket_group = nobody-zzz", "daemon", "#" },
        { "origin = a+b", "daemon", "#" },
        { "resource = a b", "daemon", "#" },
        { "topology = zzz", "scheduler", "#" },
        { "gpus = h200", "scheduler", "#" },
        { "default_walltime_s = 999", "scheduler", "max_walltime_s = 60" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char path[] = "/tmp/test-config-XXXXXX";
        char text[200], place[80];
        struct stint_config config;
        struct stint_error err = { 0 };
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        int length = snprintf(text, sizeof(text), "#\n[%s]\n%s\n%s\n", cases[i].section,
                              cases[i].before, cases[i].line);
        assert_int_equal(write(fd, text, (size_t)length), length);
        (void)close(fd);
        int r = stint_config_load(path, true, &config, &err);
        if (r == 0)
            r = stint_config_check(&config, &err);
        (void)unlink(path);
        (void)snprintf(place, sizeof(place), "%s:4: ", path);
        if (r != STINT_INVALID || strncmp(err.text, place, strlen(place)) != 0)
            fail_msg("%s gave '%s'", cases[i].line, err.text);
    }
}

static void a_refused_flag_is_named(void **state)
{
    (void)state;
    struct stint_config config;
    struct stint_error err = { 0 };
    stint_config_defaults(false, &config);
    assert_int_equal(stint_config_set(&config, "daemon", "listen", "x", "--listen", &err), 0);
    assert_int_equal(stint_config_check(&config, &err), STINT_INVALID);
    assert_true(strncmp(err.text, "--listen: ", 10) == 0);
}

static void what_waits_for_a_restart_is_listed(void **state)
{
    (void)state;
    struct stint_config a, b;
    struct stint_error err = { 0 };
    char list[128], little[8];
    stint_config_defaults(true, &a);
    b = a;
    assert_int_equal(stint_config_changed(&a, &b, list, sizeof(list)), 0);
    assert_string_equal(list, "");
    assert_int_equal(stint_config_set(&b, "engine", "grace_s", "5", "t", &err), 0);
    assert_int_equal(stint_config_set(&b, "daemon", "site", "Other", "t", &err), 0);
    assert_int_equal(stint_config_changed(&a, &b, list, sizeof(list)), 0); /* taken up at once */
    assert_int_equal(stint_config_set(&b, "daemon", "state", "/x", "t", &err), 0);
    assert_int_equal(stint_config_set(&b, "daemon", "join", "open", "t", &err), 0);
    assert_int_equal(stint_config_set(&b, "awards", "rate", "2", "t", &err), 0);
    assert_int_equal(stint_config_changed(&a, &b, list, sizeof(list)), 3);
    assert_string_equal(list, "state, join, rate");
    assert_int_equal(stint_config_changed(&a, &b, little, sizeof(little)), 3);
    assert_string_equal(little, "state, ");
}

/* What a daemon publishes of its configuration is what it does until it is started again. */
static void a_reload_keeps_what_waits_for_a_restart(void **state)
{
    (void)state;
    struct stint_config running, read;
    struct stint_error err = { 0 };
    char list[128];
    stint_config_defaults(true, &running);
    stint_config_defaults(false, &read);
    assert_int_equal(stint_config_set(&read, "engine", "grace_s", "5", "t", &err), 0);
    assert_true(stint_config_changed(&running, &read, list, sizeof(list)) > 0);
    stint_config_keep(&running, &read);
    assert_int_equal(stint_config_changed(&running, &read, list, sizeof(list)), 0);
    assert_true(read.is_system);
    assert_int_equal(read.join, STINT_JOIN_CLOSED);
    assert_string_equal(read.socket, running.socket);
    assert_int_equal(read.grace_s, 5);
}

/* How long use is remembered is never decided by silence, but by a file, or without one. */
static void a_file_in_mode_stint_says_how_long_use_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        { "[daemon]\nsite = x\n", false },           { "[scheduler]\npolicy = stint\n", false },
        { "[scheduler]\npolicy = easy\n", true },    { "[scheduler]\nfair_tiers = 0\n", true },
        { "[scheduler]\nhalf_life_s = 60\n", true },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char path[] = "/tmp/test-config-XXXXXX";
        char place[80];
        struct stint_config config;
        struct stint_error err = { 0 };
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)), strlen(cases[i].text));
        (void)close(fd);
        assert_int_equal(stint_config_load(path, false, &config, &err), 0);
        int r = stint_config_check(&config, &err);
        (void)unlink(path);
        (void)snprintf(place, sizeof(place), "%s:2: half_life_s is missing", path);
        if ((r == 0) != cases[i].is_good)
            fail_msg("%s gave '%s'", cases[i].text, err.text);
        if (r != 0 && (strncmp(err.text, place, strlen(place)) != 0 || !err.fix[0]))
            fail_msg("%s gave '%s'; try: '%s'", cases[i].text, err.text, err.fix);
    }
}

static void a_file_that_is_not_there_says_so(void **state)
{
    (void)state;
    struct stint_config config;
    struct stint_error err = { 0 };
    assert_int_equal(stint_config_load("/nonexistent/stint.conf", true, &config, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/stint.conf"));
    assert_int_equal(stint_config_load("/dev/zero", true, &config, &err), -EINVAL);
}

/* ---- the shipped file ---- */

static void add_wrapped(struct stint_buffer *b, const char *text)
{
    while (*text) {
        size_t length = strlen(text);
        if (length > 96) {
            length = 96;
            while (text[length] != ' ')
                length--;
        }
        stint_buffer_printf(b, "# %.*s\n", (int)length, text);
        text += length + (text[length] == ' ');
    }
}

static void example(struct stint_buffer *b)
{
    const struct stint_config_option *row;
    const char *section = "";
    stint_buffer_add_text(
        b, "# stint.conf: the configuration of stintd as a system service (stint.conf(5)).\n"
           "# Every key is here with its default; take away the '#' before a key to change it.\n"
           "# A key without a '#' must be set: it is for the site to decide.\n"
           "# Check: stintd --config FILE --check-config. A running daemon reads it anew on "
           "SIGHUP.\n# ' ;' after a value begins a comment.\n");
    for (size_t i = 0; (row = stint_config_option(i)); i++) {
        bool is_resource = strncmp(row->section, "resource ", 9) == 0;
        if (strcmp(section, row->section) != 0 && is_resource)
            stint_buffer_add_text(
                b, "\n# One such section for each part into which the machine is divided, under a "
                   "name of its own.\n# Keys of [scheduler] but topology and gpus, rate and "
                   "preemptible_rate may stand here too.\n");
        if (strcmp(section, row->section) != 0)
            stint_buffer_printf(b, "%s[%s]\n", is_resource ? "#" : "\n", row->section);
        section = row->section;
        stint_buffer_add_char(b, '\n');
        add_wrapped(b, row->help);
        stint_buffer_printf(b, "# (%s)\n%s%s =%s%s\n", row->unit,
                            stint_config_is_required(row) ? "" : "#", row->key,
                            row->system[0] ? " " : "", row->system);
    }
}

static void the_shipped_file_is_the_table(void **state)
{
    (void)state;
    static char text[65536];
    struct stint_buffer expected = { 0 };
    struct stint_config config;
    struct stint_error err = { 0 };
    example(&expected);
    FILE *file = fopen(STINT_CONF, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    assert_string_equal(text, stint_buffer_text(&expected)); /* test_config --print >stint.conf */
    stint_buffer_deinit(&expected);
    /* With every key switched on it is the defaults. */
    struct stint_config defaults;
    stint_config_defaults(true, &defaults);
    stint_config_defaults(true, &config);
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "#[resource", 10) == 0)
            break;
        if (*line == '#' && line[1] != ' ')
            *line = ' ';
    }
    if (config_parse("f", text, &config, &err) != 0)
        fail_msg("%s", err.text);
    memset(config.lines, 0, sizeof(config.lines));
    assert_memory_equal(&config, &defaults, sizeof(config));
    assert_int_equal(stint_config_check(&config, NULL), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_inside_its_own_range),
        cmocka_unit_test(numbers_are_met_from_both_sides),
        cmocka_unit_test(mistakes_are_named_with_file_line_and_cure),
        cmocka_unit_test(layout_does_not_matter),
        cmocka_unit_test(long_lines_are_refused_but_not_long_comments),
        cmocka_unit_test(what_needs_two_values_is_checked_together),
        cmocka_unit_test(rule_sets_are_files_in_their_folder),
        cmocka_unit_test(late_refusals_are_named_with_file_and_line),
        cmocka_unit_test(a_refused_flag_is_named),
        cmocka_unit_test(what_waits_for_a_restart_is_listed),
        cmocka_unit_test(a_reload_keeps_what_waits_for_a_restart),
        cmocka_unit_test(a_file_in_mode_stint_says_how_long_use_counts),
        cmocka_unit_test(a_file_that_is_not_there_says_so),
        cmocka_unit_test(the_shipped_file_is_the_table),
    };
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        struct stint_buffer b = { 0 };
        example(&b);
        (void)fputs(stint_buffer_text(&b), stdout);
        stint_buffer_deinit(&b);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
